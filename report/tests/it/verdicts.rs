//! docs/verdicts.md is made from the table of the gate; and every line of that table holds for a comparison that has just that
//! finding.
use crate::common;

use analyze::gate::{self, FailOn, Finding, Junit, Line, TABLE};
use analyze::{
    Attempts, BlindRows, CaseFailures, CategoryScore, Comparison, FailureVerdict, GateCount, Verdict,
};
use analyze::{Interval, Mde, Reason, Score};
use common::scenarios;
use model::{Direction, Keys};
use report::{JunitOptions, REASONS, claim, failures, meaning};
use std::fmt::Write;
use std::path::{Path, PathBuf};

fn committed() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/verdicts.md")
}

#[test]
fn the_committed_table_is_the_one_of_the_gate() {
    if std::env::var_os("UPDATE_VERDICTS").is_some() {
        std::fs::write(committed(), document()).unwrap();
    }
    let text = std::fs::read_to_string(committed()).unwrap();
    assert!(
        text == document(),
        "docs/verdicts.md is not what the table gives; to make it anew:\n\
         UPDATE_VERDICTS=1 cargo test -p perfvt-report --test it verdicts"
    );
}

const HEAD: &str = "# Verdicts and the gate

What `perfvt compare` can find, what each finding claims, and what `--fail-on`, JUnit and the exit code make of it. This page is
made from the program's own table (`analyze/src/gate.rs`) by a test; [statistics.md](statistics.md) has the definitions.

In CI, one line:

```
perfvt compare base next --fail-on regression,failures,unfinished --format junit --no-html > perfvt.xml
```

| exit code | when |
|---|---|
";

/// What follows the exit codes.
const RULES: &str = "
- **What gates**: primary rows (without any, all rows), missing rows of any role, scores of categories, failures, campaigns.
- **Of several hosts** the row of all of them gates; what one host alone says is shown and gates nothing ([Hosts](statistics.md#hosts)).
- **What is known** gates nothing until its day is over: rows and cases that `--expect` names ([how](how-to/gate-in-ci.md)), and what fails on a
  candidate with the key `expected_until = 2027-01-31, BUG-17`. JUnit skips such failures, with the bug.
- **Changes** of rows and categories count at the gate only where it decides them itself: of all rows of a comparison together, and of
  all its categories, it errs with at most alpha. A row that is REGRESSED on the page and `not at the gate` fails nothing.
- **INCONCLUSIVE and INVALID (failures)** count where the candidate failed; measurements that failed on the baseline alone are its own.
- **A candidate that breaks** (FAILS-MORE, or a guest that died on its side alone) fails every gate, whatever its words, and also where
  no row could be judged. `--allow-crashes N` lets N guests die.
- **Blind**: an INCONCLUSIVE row (but for `failures`) that, looked at alone, detects a change of twice its `min_effect` less often than in 4
  of 5 comparisons (its `detectable effect` is larger, or there is none), and every `one-session` row. A gate without the word `blind`
  passes all the same, and says behind its exit code what it could not have seen.
- Without `--fail-on` nothing fails: exit code 0 or 3. The JUnit file is then that of `--fail-on regression`.

## Findings

JUnit's word is the first where no word of `--fail-on` names the finding, the second where one does.

| finding | words of `--fail-on` that it fails | JUnit | exit code with these words |
|---|---|---|---|
";

/// The page as it should be.
fn document() -> String {
    let mut out = HEAD.to_owned();
    for (code, when) in [
        (gate::PASSED, "compared, and nothing that `--fail-on` names was found"),
        (gate::FAILED, "something that `--fail-on` names was found"),
        (2, "the input or the command line is wrong"),
        (
            gate::NOTHING,
            "not decided: no row that gates could be judged, or all of them are `one-session`; before 1, unless the candidate breaks (below)",
        ),
    ] {
        let _ = writeln!(out, "| {code} | {when} |");
    }
    out.push_str(RULES);
    for line in TABLE {
        let junit = match (line.otherwise, line.failing) {
            (one, other) if one == other => one.word().to_owned(),
            (one, other) => format!("{} / {}", one.word(), other.word()),
        };
        let code = if line.fails.is_empty() { gate::PASSED } else { gate::FAILED };
        let _ = writeln!(out, "| {} | {} | {junit} | {code} |", name(line.finding), words(line.fails));
    }
    out.push_str("\n## What each verdict claims\n\n| verdict | claim |\n|---|---|\n");
    for verdict in Verdict::ALL {
        let _ = writeln!(out, "| {} | {} |", verdict.word(), claim(verdict));
    }
    for verdict in failures::VERDICTS {
        let _ = writeln!(out, "| {} (of a case) | {} |", verdict.word(), failures::claim(verdict));
    }
    out.push_str("\n## Reasons\n\n| reason | meaning |\n|---|---|\n");
    for reason in REASONS {
        let _ = writeln!(out, "| `{}` | {} |", reason.word(), meaning(reason));
    }
    out
}

/// A finding in words.
fn name(finding: Finding) -> String {
    match finding {
        Finding::Row(verdict, Some(reason)) => format!("row {} (`{}`)", verdict.word(), reason.word()),
        Finding::Row(verdict, None) => format!("row {}", verdict.word()),
        Finding::Category(verdict) => format!("category as a whole {}", verdict.word()),
        Finding::Failures(verdict) => format!("case {}", verdict.word()),
        Finding::OneSided => "case that failed on the candidate only, too few to decide".to_owned(),
        Finding::Crash => "guest of the candidate alone died".to_owned(),
        Finding::Unfinished => "campaign that has not ended".to_owned(),
        Finding::Blind => {
            "row INCONCLUSIVE that could not have shown a change of twice its min_effect with power 0.8"
                .to_owned()
        }
    }
}

fn words(words: &[FailOn]) -> String {
    if words.len() == FailOn::ALL.len() {
        return "any".to_owned();
    }
    let words: Vec<String> = words.iter().map(|word| format!("`{}`", word.word())).collect();
    if words.is_empty() { "none".to_owned() } else { words.join(", ") }
}

/// Two rows of which nothing is to be said.
fn nothing_found() -> Comparison {
    let mut comparison = scenarios::known();
    comparison.rows.truncate(2);
    comparison.failures.clear();
    for row in &mut comparison.rows {
        (row.verdict, row.reason, row.expected) = (Verdict::Equivalent, None, None);
        (row.gates, row.beyond) = (false, false);
        row.a.invalid.clear();
        row.b.invalid.clear();
    }
    comparison.families[0].all_rows = false;
    let summary = &mut comparison.summary[0];
    summary.primary = [(Verdict::Equivalent, 2)].into();
    summary.all = summary.primary.clone();
    summary.at_gate = vec![GateCount { verdict: Verdict::Equivalent, reason: None, failed: None, rows: 2 }];
    summary.categories.clear();
    summary.events.clear();
    summary.expected.clear();
    comparison
}

/// A comparison that has a finding and no other.
fn with(finding: Finding) -> Comparison {
    let mut comparison = nothing_found();
    match finding {
        Finding::Row(verdict, reason) => row(&mut comparison, verdict, reason),
        Finding::Category(verdict) => comparison.summary[0].categories.push(category(verdict)),
        Finding::Failures(verdict) => {
            let (a, b) = match verdict {
                FailureVerdict::FailsMore => (0, 9),
                FailureVerdict::FailsLess => (9, 0),
                FailureVerdict::Undecided => (1, 1),
            };
            comparison.failures.push(failed(a, b, verdict));
        }
        Finding::OneSided => comparison.failures.push(failed(0, 1, FailureVerdict::Undecided)),
        Finding::Crash => {
            let failed = failed(1, 1, FailureVerdict::Undecided);
            comparison.failures.push(CaseFailures { crashes: 1, ..failed });
        }
        Finding::Unfinished => comparison.b[0].unfinished = true,
        Finding::Blind => {
            row(&mut comparison, Verdict::Inconclusive, Some(Reason::Noisy));
            comparison.rows[0].mde = Some(Mde { up: 0.5, down: -1.0 / 3.0 });
            comparison.summary[0].blind = Some(BlindRows { rows: 1, effect: 0.1 });
        }
    }
    comparison
}

fn row(comparison: &mut Comparison, verdict: Verdict, reason: Option<Reason>) {
    let row = &mut comparison.rows[0];
    (row.verdict, row.reason, row.gates) = (verdict, reason, verdict.is_decided_change());
    row.mde = Some(Mde { up: 0.01, down: -0.0099 });
    let summary = &mut comparison.summary[0];
    for counts in [&mut summary.primary, &mut summary.all] {
        counts.insert(Verdict::Equivalent, 1);
        *counts.entry(verdict).or_default() += usize::from(verdict != Verdict::Equivalent);
    }
    summary.at_gate.push(GateCount { verdict, reason, failed: None, rows: 1 });
}

fn category(verdict: Verdict) -> CategoryScore {
    let score = Score { ratio: 0.9, ci: Interval(0.88, 0.92), rows: 2, direction: Direction::HigherIsBetter };
    CategoryScore {
        workload: "netperf".into(),
        category: "TCP_STREAM".into(),
        score,
        min_effect: 0.05,
        p: 0.001,
        p_gate: 0.001,
        ci90: Interval(0.885, 0.915),
        model: None,
        test: None,
        verdict,
        reason: None,
    }
}

fn failed(a: usize, b: usize, verdict: FailureVerdict) -> CaseFailures {
    let of = |failed| Attempts { tried: 10, failed, codes: [("tool-failed".to_owned(), failed)].into() };
    CaseFailures {
        id: "netperf/TCP_RR/size=1".into(),
        workload: "netperf".into(),
        category: "TCP_RR".into(),
        case: [("size", "1")].into_iter().collect::<Keys>(),
        candidate: 0,
        a: of(a),
        b: of(b),
        p: 0.5,
        q: 0.5,
        verdict,
        crashes: 0,
        expected: None,
        first: "b-1: netperf ended with exit code 1".into(),
    }
}

/// What of a JUnit file did not pass.
fn outcomes(junit: &str) -> Vec<Junit> {
    let all = [(Junit::Failure, "<failure "), (Junit::Error, "<error "), (Junit::Skipped, "<skipped ")];
    all.into_iter().flat_map(|(outcome, tag)| junit.matches(tag).map(move |_| outcome)).collect()
}

#[test]
fn every_line_of_the_table_holds_for_a_comparison_that_has_just_that_finding() {
    for Line { finding, fails, otherwise, failing } in TABLE {
        let comparison = with(*finding);
        for word in FailOn::ALL {
            let fails = fails.contains(&word);
            let found = analyze::gate(&comparison, &[word], 0).unwrap();
            let code = if fails { gate::FAILED } else { gate::PASSED };
            assert_eq!(found.exit_code, code, "{finding:?} with {}: {found:?}", word.word());
            assert_eq!((found.failed, found.found.len()), (fails, usize::from(fails)), "{found:?}");
            let want = if fails { *failing } else { *otherwise };
            let junit =
                report::junit(&comparison, &JunitOptions { fail_on: vec![word], ..JunitOptions::default() });
            let want: Vec<Junit> = [want].into_iter().filter(|o| *o != Junit::Passed).collect();
            assert_eq!(outcomes(&junit), want, "{finding:?} with {}:\n{junit}", word.word());
        }
    }
}

#[test]
fn a_row_that_only_the_page_decides_fails_no_gate() {
    let mut comparison = with(Finding::Row(Verdict::Regressed, None));
    comparison.rows[0].gates = false;
    comparison.summary[0].at_gate.truncate(1);
    let words = [FailOn::Regression, FailOn::Change];
    assert_eq!(analyze::gate(&comparison, &words, 0).unwrap().exit_code, gate::PASSED);
    let junit =
        report::junit(&comparison, &JunitOptions { fail_on: words.to_vec(), ..JunitOptions::default() });
    assert!(outcomes(&junit).is_empty() && junit.contains(", not at the gate"), "{junit}");
}

#[test]
fn a_gate_that_passes_says_what_it_could_not_have_seen() {
    let comparison = with(Finding::Blind);
    let gate = analyze::gate(&comparison, &[FailOn::Regression], 0);
    assert_eq!(gate.as_ref().map(|g| g.exit_code), Some(gate::PASSED));
    let (text, markdown, page) = (
        report::text(&comparison, &report::TextOptions { gate: gate.clone(), ..Default::default() }),
        report::markdown(&comparison, &report::MarkdownOptions { gate: gate.clone(), ..Default::default() }),
        report::html(&comparison, &report::HtmlOptions { gate, ..Default::default() }),
    );
    for output in [text, markdown, page] {
        let flat = output.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(flat.contains("exit code 0 (1 of 2 rows undecided: "), "{flat:.3000}");
        assert!(flat.contains("this gate could not have seen a change of 10%)"), "{flat:.3000}");
    }
    let seen = with(Finding::Row(Verdict::Inconclusive, None));
    let gate = analyze::gate(&seen, &[FailOn::Regression], 0);
    let text = report::text(&seen, &report::TextOptions { gate, ..Default::default() });
    assert!(text.contains("exit code 0 (1 of 2 undecided)\n"), "{text}");
}

#[test]
fn nothing_that_could_be_judged_is_never_called_passed() {
    let mut comparison = with(Finding::Row(Verdict::Invalid, None));
    let summary = &mut comparison.summary[0];
    summary.primary = [(Verdict::Invalid, 2)].into();
    summary.all = summary.primary.clone();
    for (word, failed) in [(FailOn::Regression, false), (FailOn::Invalid, true)] {
        let gate = analyze::gate(&comparison, &[word], 0);
        assert_eq!(gate.as_ref().map(|g| (g.failed, g.exit_code)), Some((failed, gate::NOTHING)));
        let text =
            report::text(&comparison, &report::TextOptions { gate: gate.clone(), ..Default::default() });
        let markdown = report::markdown(
            &comparison,
            &report::MarkdownOptions { gate: gate.clone(), ..Default::default() },
        );
        let page = report::html(&comparison, &report::HtmlOptions { gate, ..Default::default() });
        for output in [text, markdown, page] {
            assert!(output.to_lowercase().contains("not decided"), "{output}");
            let flat = output.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(
                flat.contains("othing was decided, because none of 2 primary rows could be judged"),
                "{flat}"
            );
            assert!(!output.contains(": passed") && !output.contains("✓ passed"), "{output}");
        }
    }
    // A candidate that breaks is told before that.
    comparison.failures.push(failed(0, 9, FailureVerdict::FailsMore));
    assert_eq!(analyze::gate(&comparison, &[FailOn::Missing], 0).unwrap().exit_code, gate::FAILED);
}
