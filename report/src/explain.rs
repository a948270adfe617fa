//! Every number behind one verdict, in the order in which the verdict was reached.

mod category;
mod reasons;

use crate::failures;
use crate::gate;
use crate::hosts::{self, HostLine};
use crate::numbers::{exact_p, raw, significant, trimmed};
use crate::rows::{self, AtGate, RowView};
use crate::statistics::{self, Section};
use crate::whom;
use analyze::{Comparison, Estimated, Ground, Interval, Row, Sample, Step};
pub use category::explain_category;
use edge::visible;
use model::{Scale, counted, readable};
use std::fmt::Write;

/// A named value of the explanation.
pub(crate) type Fact = (&'static str, String);

/// The explanation as text: the row, its values with file and line, the estimates, the steps to the verdict.
///
/// `index` is the row's place in [`Comparison::rows`]; `None` when there is no such row.
pub fn explain(comparison: &Comparison, index: usize) -> Option<String> {
    explain_in_full(comparison, index, &[])
}

/// The same, and every number in the order in which it was computed, with its formula ([`analyze::steps`]).
pub fn explain_in_full(comparison: &Comparison, index: usize, numbers: &[Step]) -> Option<String> {
    let row = comparison.rows.get(index)?;
    let view = RowView::new(comparison, index, row);
    let mut out = format!("{}\n{}\n", visible(&readable(&row.id)), view.verdict());
    section(&mut out, "Row", &facts(&view, &[Section::Identity]));
    for (name, sample) in [("A", &row.a), ("B", &row.b)] {
        let label = side_label(comparison, row, name);
        let _ = writeln!(out, "\nValues of {label}{}", unit_suffix(row));
        let values: Vec<String> = sample.values.iter().map(|v| raw(*v)).collect();
        let width = values.iter().map(String::len).max().unwrap_or(0).max(14);
        for (i, value) in values.iter().enumerate() {
            let block = sample.blocks.get(i).map_or(String::new(), |b| format!("  block {b}"));
            let _ = writeln!(out, "  {value:>width$}  {}{block}", place(comparison, sample, i));
        }
        for left in &sample.left_out {
            let file = comparison.files.get(left.source.0 as usize).map_or("unknown file", String::as_str);
            let _ = writeln!(
                out,
                "  {:>width$}  {}:{}  block {}, left out: it lacks the other side",
                raw(left.value),
                visible(file),
                left.source.1,
                left.block
            );
        }
        for loss in &sample.invalid {
            let _ = writeln!(
                out,
                "  {:>width$}  {}: {}",
                "no value",
                visible(&loss.place),
                visible(&loss.reason)
            );
        }
    }
    by_host(&mut out, comparison, &view);
    section(&mut out, "Sides", &facts(&view, &[Section::Sides]));
    section(&mut out, "Estimates", &facts(&view, &Section::ESTIMATES));
    formulas(&mut out, row, numbers);
    if let Some(failed) = failures::of_row(comparison, row) {
        let _ = writeln!(out, "\nFailures of the case\n  {}", failures::sentence(failed));
        let _ = writeln!(out, "  {}: {}", failed.verdict.word(), failures::claim(failed.verdict));
        let _ = writeln!(out, "  the first: {}", visible(&failed.first));
    }
    out.push_str("\nHow the verdict was reached\n");
    for step in steps(comparison, &view) {
        let _ = writeln!(out, "  - {step}");
    }
    for warning in &row.warnings {
        let _ = writeln!(out, "  ! {}", warning_text(warning));
    }
    reasons::write(&mut out, comparison, index);
    Some(out)
}

/// What each host says of the row, where they are several.
fn by_host(out: &mut String, comparison: &Comparison, view: &RowView<'_>) {
    let lines = hosts::lines(view);
    let Some(whom) = whom::whom_by_name(comparison).filter(|_| !lines.is_empty()) else { return };
    let _ = writeln!(out, "\nHosts\n  the estimate is {whom}");
    let of = |get: fn(&HostLine) -> String| {
        let texts: Vec<String> = lines.iter().map(get).collect();
        let width = texts.iter().map(|text| text.chars().count()).max().unwrap_or(0);
        texts.into_iter().map(move |text| format!("{text:<width$}")).collect::<Vec<String>>()
    };
    let (names, blocks) = (of(|l| l.host.clone()), of(|l| counted(l.blocks, "block")));
    let changes = of(|l| format!("{} {}", l.change, l.ci));
    for (((name, blocks), change), line) in names.iter().zip(&blocks).zip(&changes).zip(&lines) {
        let _ = writeln!(out, "  {name}  {blocks}  {change}  {}", line.said);
    }
    if let Some(differ) = hosts::differ(view) {
        let _ = writeln!(out, "  {differ}");
    }
}

fn section(out: &mut String, title: &str, facts: &[Fact]) {
    let _ = writeln!(out, "\n{title}");
    let width = facts.iter().map(|(k, _)| k.chars().count()).max().unwrap_or(0);
    for (key, value) in facts {
        let _ = writeln!(out, "  {key:<width$}  {value}");
    }
}

/// Name, number and formula, one a line.
fn formulas(out: &mut String, row: &Row, numbers: &[Step]) {
    if numbers.is_empty() {
        return;
    }
    let scale = match row.scale {
        Scale::Log => "natural logarithms",
        Scale::Linear => "the row's own unit",
    };
    let _ = writeln!(out, "\nNumbers, in order (SD, estimate, SE, CI95, CI90 and band in {scale})");
    let lines: Vec<(&str, String, &str)> =
        numbers.iter().map(|step| (step.name, significant(step.value, 7), step.formula)).collect();
    let names = lines.iter().map(|l| l.0.chars().count()).max().unwrap_or(0);
    let values = lines.iter().map(|l| l.1.chars().count()).max().unwrap_or(0);
    for (name, value, formula) in lines {
        let _ = writeln!(out, "  {name:<names$}  {value:>values$}  {formula}");
    }
}

/// What a warning says, with its advice.
pub(crate) fn warning_text(warning: &analyze::Warning) -> String {
    let advice = match warning.advice.as_str() {
        "" => String::new(),
        advice => format!("; {}", visible(advice)),
    };
    format!("{}: {}{advice}", warning.code, visible(&warning.text))
}

/// `A (base)`.
pub(crate) fn side_label(comparison: &Comparison, row: &Row, name: &str) -> String {
    let side = if name == "A" { Some(&comparison.a) } else { comparison.b.get(row.candidate) };
    match side {
        Some(side) => format!("{name} ({})", visible(&side.label)),
        None => name.to_owned(),
    }
}

fn unit_suffix(row: &Row) -> String {
    if row.unit.is_empty() { String::new() } else { format!(", {}", visible(&row.unit)) }
}

/// `results/x.RHS:12`, as the comparison names its files.
pub(crate) fn place(comparison: &Comparison, sample: &Sample, i: usize) -> String {
    let Some(source) = sample.sources.get(i) else { return "unknown place".to_owned() };
    let file = comparison.files.get(source.0 as usize).map_or("unknown file", String::as_str);
    format!("{}:{}", visible(file), source.1)
}

/// What is known of a row in some sections of the statistics.
pub(crate) fn facts(view: &RowView<'_>, sections: &[Section]) -> Vec<Fact> {
    statistics::of_sections(sections).filter_map(|s| Some((s.head, s.exact(view)?))).collect()
}

/// The decision, step by step, as `analyze` says that it was reached.
pub(crate) fn steps(comparison: &Comparison, view: &RowView<'_>) -> Vec<String> {
    let row = view.row;
    let mut steps: Vec<String> = analyze::grounds(comparison, row).into_iter().map(step).collect();
    steps.push(format!("{}: {}", view.verdict(), rows::claim(row.verdict)));
    if let Some(reason) = row.reason {
        steps.push(format!("{}: {}", reason.word(), rows::meaning_for(row.verdict, reason)));
    }
    if let Some(within) = view.within() {
        steps.push(format!("{within}: {}", rows::WITHIN.1));
    }
    if row.beyond {
        steps.push(format!("{}: {}", rows::BEYOND.0, rows::BEYOND.1));
    }
    if let Some(at_gate) = view.at_gate() {
        steps.push(gated(comparison, row, at_gate));
    }
    steps
}

/// Whether a decided change counts at the gate, and why.
fn gated(comparison: &Comparison, row: &Row, at_gate: AtGate) -> String {
    let counts = match at_gate {
        AtGate::Gates => "it counts at the gate",
        AtGate::Below => "it does not count at the gate",
    };
    match row.p_gate.zip(gate::family(comparison, row.candidate)) {
        Some((p, family)) => {
            let alpha = family.alpha_rows;
            let word = if p <= alpha { "is at most" } else { "exceeds" };
            let alpha = trimmed(alpha);
            format!("p at the gate = {} {word} the rows' share of alpha = {alpha}: {counts}", exact_p(p))
        }
        None => format!("a deterministic metric has no p: {counts}"),
    }
}

/// One question and its answer in words.
fn step(ground: Ground) -> String {
    match ground {
        Ground::Replicates { a, b, needed } => {
            format!("{a} replicates of A and {b} of B, at least {needed} are needed")
        }
        Ground::Blocks { complete, needed } => {
            format!("blocks with a replicate of both: {complete}, at least {needed} are needed")
        }
        Ground::Hosts { counted, needed } => {
            format!("hosts with an estimate that counts: {counted}, at least {needed} are needed")
        }
        Ground::OneSession => {
            "measured in turns: no, and one side in a single session, so that none of the answers below decides".to_owned()
        }
        Ground::Equivalent { of, ci90, band, inside } => {
            let word = if inside { "lies inside" } else { "does not lie inside" };
            format!(
                "the 90% interval of the {}, {}, {word} the band {}",
                estimated(of),
                ends(ci90),
                ends(band)
            )
        }
        Ground::Significant { corrected, p, alpha, holds } => {
            let (name, word) =
                (if corrected { "q" } else { "p" }, if holds { "is at most" } else { "exceeds" });
            format!("{name} = {} {word} alpha = {alpha}", exact_p(p))
        }
        Ground::AtGate { p, alpha, holds } => {
            let word = if holds { "is at most" } else { "exceeds" };
            format!("p at the gate = {} {word} the scores' share of alpha = {}", exact_p(p), trimmed(alpha))
        }
        Ground::Large { of, value, band, outside } => {
            let word = if outside { "outside" } else { "inside" };
            let value = significant(value, 5);
            format!("the best estimate, {} {value}, lies {word} the band {}", estimated(of), ends(band))
        }
    }
}

/// `[0.95238, 1.0500]`.
fn ends(interval: Interval) -> String {
    format!("[{}, {}]", significant(interval.0, 5), significant(interval.1, 5))
}

fn estimated(of: Estimated) -> &'static str {
    match of {
        Estimated::Ratio => "ratio",
        Estimated::Difference => "difference",
    }
}
