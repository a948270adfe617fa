//! Warnings about the whole comparison: typed, counted, with what to do.
//!
//! | code | level | about |
//! |---|---|---|
//! | `not-comparable`, `forced`, `suspicious`, `mixed-side` | blocking | the sides were not measured alike |
//! | `same-side` | blocking | a side is compared with itself |
//! | `tcg` | blocking | a side was emulated |
//! | `not-interleaved` | blocking; note where sessions are replicates | the sides were not measured in turns, or nobody knows |
//! | `unfinished` | blocking | a campaign is running, was interrupted or was cut |
//! | `uneven` | note | rows that are absent from more repeats of one side |
//! | `exact-varies` | note | deterministic metrics that are none |
//! | `scale-by-data` | note | rows of an undeclared scale that the values made linear |
//! | `campaign` | note | what the collector noted |
//! | `unpinned` | note | vCPUs were not pinned |
//! | `unknown-factor` | note | `--factor` names nothing |
//! | `few-boots`, `unmatched-rows`, `no-primary`, `filtered` | note | what the result rests on |
//! | `lost-cells`, `lost-values`, `lost-rows`, `lost-columns`, `lost-files`, `lost-repeats`, `missing-repeats` | note | losses |
//! | `identical-repeats`, `same-file`, `same-directory`, `averaged`, `split-repeats` | note | oddities of the input |
//! | `own-variance` | note | rows that `--variance moderated` does not moderate |
//! | `sequential` | note | rows that were looked at more than once |
//! | `jobs-as-sides` | blocking | job folders that lie side by side, each taken for a side |
//! | `no-end-line` | note | files of values of an older perfvt, of which a cut is not seen |
//! | `no-run-file` | note | classic files beside values of perfvt, without the file that tells of them |
//! | `unknown-files` | note | files that are called like results of other tools and that no reader knows, or that hold results under other names |
//! | `other-results` | note | results of other tools beside classic files, which alone are read |
//! | `mixed-decimals` | note | tables of which one has decimal commas and another decimal points |
//! | `left-out` | note | cases without a level of the key whose levels are the sides |
//! | `one-session` | note | a side is one file of another tool, whose runs are the replicates |
//! | `old-noise`, `two-sessions`, `noise-of-sides` | blocking | `--noise` |
//! | `expired-expectations`, `unmet-expectations` | note | `--expect` |
//! | `step`, `drift`, `first-boot`, `autocorrelation`, `position`, `variance-ratio` | note | boot scores (`diagnostics`) |
//! | `retakes`, `waits` | note | samples of one side that were taken again, or waited for (`diagnostics`) |
//! | `variance-ratio`, `bimodal`, `ratio-of-means`, `incomplete-blocks` | note | rows, counted |

use crate::{Level, Looked, Loss, Row, Verdict, Warning};
use model::counted;
use model::{Rule, RunFile};

/// A warning that is shown with the numbers.
pub(crate) fn note(code: &'static str, text: impl Into<String>, advice: &str, count: usize) -> Warning {
    Warning { code, level: Level::Note, text: text.into(), advice: advice.into(), count }
}

/// A warning that decides whether the numbers count.
pub(crate) fn blocking(code: &'static str, text: impl Into<String>, advice: &str, count: usize) -> Warning {
    Warning { code, level: Level::Blocking, text: text.into(), advice: advice.into(), count }
}

/// Rows that the display filters hide.
pub(crate) fn filtered(hidden: usize) -> Option<Warning> {
    let text = format!(
        "{} not shown (--only, --metric); counts, q and the gate are over all rows",
        counted(hidden, "row")
    );
    (hidden > 0).then(|| note("filtered", text, "", hidden))
}

/// What sides lost, a warning for each kind.
pub(crate) fn losses<'a>(lost: impl Iterator<Item = &'a Loss> + Clone, advice: &str) -> Vec<Warning> {
    let kinds = [
        ("row", "lost-rows"),
        ("value", "lost-values"),
        ("column", "lost-columns"),
        ("file", "lost-files"),
        ("repeat", "lost-repeats"),
    ];
    let mut out = Vec::new();
    for (what, code) in kinds {
        let mut of_kind = lost.clone().filter(|l| l.what == what);
        let Some(first) = of_kind.next() else { continue };
        let count = 1 + of_kind.count();
        let text = format!("{} lost; the first: {}: {}", counted(count, what), first.place, first.reason);
        out.push(note(code, text, advice, count));
    }
    out
}

/// What rows carry one by one, shown once with a count.
pub(crate) fn pooled(rows: &[Row]) -> Vec<Warning> {
    let kinds: [(&'static str, &str, &str); 8] = [
        (
            "own-variance",
            "row of the family keeps its own variance, which is not moderated",
            "collect equal numbers on both sides, or declare more metrics primary",
        ),
        (
            "variance-ratio",
            "primary row spreads differently on the two sides",
            "look at the spread of these rows: a change of it may matter as much as one of the mean",
        ),
        (
            "bimodal",
            "primary row has more than one mode",
            "a mean of two modes is a mixture; find what switches between them",
        ),
        (
            "ratio-of-means",
            "decided row of which the ratio of geometric means and that of means lie on different sides of the band",
            "look at the single values: a few of them decide",
        ),
        (
            "incomplete-blocks",
            "row has blocks that lack a side; they are left out",
            "see the invalid cells, or resume the campaign",
        ),
        (
            "uneven",
            "row is absent from more repeats of one side than of the other, although both have as many",
            "see what became of the others: n and the losses tell",
        ),
        (
            "exact-varies",
            "row of a metric that perf.conf calls exact, and whose values vary",
            "they are tested like any others; take `exact` away, or find what varies",
        ),
        (
            "scale-by-data",
            "row judged on the linear scale, because a value of the two sides is not positive",
            "declare the scale in perf.conf, so that no single value decides it",
        ),
    ];
    let mut out = Vec::new();
    for (code, text, advice) in kinds {
        let count = rows.iter().filter(|r| r.warnings.iter().any(|w| w.code == code)).count();
        if count > 0 {
            out.push(note(code, format!("{}: {text}", counted(count, "row")), advice, count));
        }
    }
    out
}

/// Rows that only one side has; whether flags are proposed with which some would meet.
pub(crate) fn unmatched(rows: &[Row], have_flags: bool) -> Option<Warning> {
    let count = |verdict| rows.iter().filter(|r| r.verdict == verdict).count();
    let (a, b) = (count(Verdict::MissingA), count(Verdict::MissingB));
    (a + b > 0).then(|| {
        let text = format!(
            "{} could not be matched: {a} missing from the baseline, {b} missing from a candidate",
            counted(a + b, "row")
        );
        let advice = match have_flags {
            true => "measure the same cases on both sides, or add the flags that stand with the cases that meet nobody",
            false => "measure the same cases on both sides, or add aliases to perf.conf",
        };
        note("unmatched-rows", text, advice, a + b)
    })
}

/// How many replicates the sides rest on.
pub(crate) fn few_boots(sides: &[(String, usize)], unit: &str) -> Option<Warning> {
    const ENOUGH: usize = 5;
    let few: Vec<String> = (sides.iter().filter(|(_, n)| *n < ENOUGH))
        .map(|(label, n)| format!("{label} has {}", counted(*n, unit)))
        .collect();
    (!few.is_empty()).then(|| {
        let text = format!("too few replicates: {}", few.join(", "));
        let advice = "with 3 a side only differences beyond 3 standard deviations are found (80 % power), with 5 beyond 2; \
                      collect 5 or more, `perfvt plan` says how many an effect needs";
        note("few-boots", text, advice, few.len())
    })
}

/// Repeats that were planned and have no values. A rule plans its ceiling and stops below it; what it always measures is
/// its floor.
pub(crate) fn missing_repeats(label: &str, run: &RunFile, found: usize) -> Option<Warning> {
    let planned = match run.rule {
        Rule::Until { floor, .. } => floor,
        Rule::Fixed { .. } => run.repeats,
    };
    let missing = (planned as usize).saturating_sub(found);
    (missing > 0).then(|| {
        let text = format!("{label}: {found} of {planned} planned repeats have values");
        note("missing-repeats", text, "finish the campaign with `perfvt resume`", missing)
    })
}

/// Rows that were looked at more than once.
pub(crate) fn sequential(rows: &[Row]) -> Option<Warning> {
    let looked = rows.iter().filter_map(|r| r.sequential).collect::<Vec<_>>();
    let added = looked.iter().filter(|s| s.rule != Looked::Until).count();
    if looked.is_empty() {
        return None;
    }
    let mut text = format!(
        "{} looked at more than once: intervals, p and q are those of the stopping rule, valid at every look",
        counted(looked.len(), "row")
    );
    if added > 0 {
        text.push_str(&format!("; {added} of them after boots were added"));
    }
    let advice = "`perfvt explain` shows the look and the alpha spent; p of single tests are of a fixed n";
    Some(note("sequential", text, advice, looked.len()))
}
