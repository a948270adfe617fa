//! What the words, signs and numbers of the table mean: in one line, or in full.

use super::fill::{Paint, wrapped};
use crate::gate;
use crate::rows::{self, AtGate, RowView, glyph};
use crate::sentence;
use analyze::{Comparison, Verdict, WorkloadInfo};
use edge::visible;

/// What perf.conf says of a workload, a line for each of its lines.
pub(crate) fn described(workload: &WorkloadInfo) -> impl Iterator<Item = String> {
    let lines = workload.description.lines().filter(|line| !line.trim().is_empty());
    lines.map(|line| format!("{}: {}", visible(&workload.name), visible(line)))
}

/// The signs in one line, and where the rest is.
pub(super) fn in_short(out: &mut String, comparison: &Comparison, hidden: bool, width: usize, paint: &Paint) {
    let signs = format!(
        "▼ worse, ▲ better, ◆ changed, ? not decided, ≈ shown equal ({}), ∅ missing, × invalid; · does not gate",
        sentence::band(comparison)
    );
    out.push('\n');
    wrapped(out, &signs, width, "  ", |l| paint.dim(l));
    for line in families(comparison) {
        wrapped(out, &line, width, "  ", |l| paint.dim(l));
    }
    let more = if hidden { "every row, note and word" } else { "every note and word" };
    let line = format!("{more}: --all; what a word means: perfvt help verdicts");
    wrapped(out, &line, width, "  ", |l| paint.dim(l));
}

/// What is corrected together, for each candidate, and how.
fn families(comparison: &Comparison) -> impl Iterator<Item = String> {
    comparison.families.iter().filter_map(|f| {
        let label = sentence::candidate_label(comparison, f.candidate);
        sentence::family(comparison, f.candidate).map(|text| format!("{label}: {text}"))
    })
}

/// Every word, sign and number that the table has.
pub(super) fn in_full(
    out: &mut String,
    comparison: &Comparison,
    listed: &[RowView<'_>],
    width: usize,
    paint: &Paint,
) {
    out.push_str("\nLegend\n");
    let method = &comparison.method;
    let band = sentence::band_in_full(comparison);
    let lines = [
        format!(
            "change: B over A (of geometric means on the log scale), and a difference where A may be zero; ±: coefficient of \
             variation; n: replicates of A/B; \
             alpha {}",
            method.alpha
        ),
        "interval: 95% for this row by itself; of decided rows of the family the one after choosing, as wide as the \
         choice among so many rows asks for"
            .to_owned(),
        format!("band {band}"),
        "q: p corrected within the family; p alone decides rows outside it (marked ·), and these never gate"
            .to_owned(),
    ];
    let families = families(comparison);
    let marked =
        |word: &str| listed.iter().any(|view| view.marks().iter().any(|mark| mark.starts_with(word)));
    let marks = [rows::BEYOND, rows::WITHIN].into_iter();
    let marks = marks.chain(AtGate::ALL.map(|at_gate| (at_gate.word(), at_gate.meaning())));
    let marks = marks.filter(|(word, _)| marked(word)).map(|(word, meaning)| format!("{word}: {meaning}"));
    let shares =
        comparison.families.iter().filter(|_| marked(AtGate::Gates.word()) || marked(AtGate::Below.word()));
    let shares = shares.map(|f| {
        format!("at the gate, {}: {}", sentence::candidate_label(comparison, f.candidate), gate::shares(f))
    });
    let shown = |v: &Verdict| listed.iter().any(|view| view.row.verdict == *v);
    let verdicts = Verdict::ALL
        .into_iter()
        .filter(shown)
        .map(|v| format!("{} {}: {}", glyph(v), v.word(), rows::claim(v)));
    let described = comparison.workloads.iter().flat_map(described);
    for line in described.chain(lines).chain(families).chain(verdicts).chain(marks).chain(shares) {
        wrapped(out, &format!("  {line}"), width, "    ", |l| paint.dim(l));
    }
}
