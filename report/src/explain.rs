//! Every number behind one verdict, in the order in which the verdict was reached.

use crate::numbers::{self, raw, significant};
use crate::rows::{self, RowView};
use analyze::{Comparison, Interval, Model, Reason, Row, Sample, Sequential, Step, Verdict};
use edge::visible;
use model::Scale;
use std::fmt::Write;

/// A named value of the explanation.
pub(crate) type Fact = (String, String);

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
    let mut out = format!("{}\n{}\n", visible(&row.id), view.verdict());
    section(&mut out, "Row", &identity(comparison, &view));
    for (name, sample) in [("A", &row.a), ("B", &row.b)] {
        let label = side_label(comparison, row, name);
        let _ = writeln!(out, "\nValues of {label}{}", unit_suffix(row));
        let values: Vec<String> = sample.values.iter().map(|v| raw(*v)).collect();
        let width = values.iter().map(String::len).max().unwrap_or(0).max(14);
        for (i, value) in values.iter().enumerate() {
            let block = sample.blocks.get(i).map_or(String::new(), |b| format!("  block {b}"));
            let _ = writeln!(out, "  {value:>width$}  {}{block}", place(comparison, sample, i));
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
    section(&mut out, "Sides", &sides(row));
    section(&mut out, "Estimates", &estimates(comparison, row));
    formulas(&mut out, row, numbers);
    out.push_str("\nHow the verdict was reached\n");
    for step in steps(comparison, &view) {
        let _ = writeln!(out, "  - {step}");
    }
    for warning in &row.warnings {
        let _ = writeln!(out, "  ! {}", warning_text(warning));
    }
    Some(out)
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
    let _ = writeln!(out, "\nNumbers, in order (SD, estimate, intervals and band in {scale})");
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

/// What is compared.
fn identity(comparison: &Comparison, view: &RowView<'_>) -> Vec<Fact> {
    let row = view.row;
    let mut facts = vec![
        fact("workload", visible(&row.workload)),
        fact("category", visible(&row.category)),
        fact("case", view.case()),
        fact("metric", view.metric_unit()),
        fact("better", direction(row)),
        fact("role", row.role.to_string()),
        fact("scale", row.scale.to_string()),
    ];
    if row.metric_as_written != row.metric {
        facts.insert(4, fact("in the files", visible(&row.metric_as_written)));
    }
    if let Some(family) = crate::sentence::family(comparison, row.candidate) {
        facts.push(fact("family", if row.q.is_some() { family } else { format!("outside the {family}") }));
    }
    facts
}

/// `higher`, `lower`, or that there is no better side.
pub(crate) fn direction(row: &Row) -> &'static str {
    match row.direction {
        model::Direction::HigherIsBetter => "higher",
        model::Direction::LowerIsBetter => "lower",
        model::Direction::Informational => "neither",
    }
}

fn fact(key: &str, value: impl Into<String>) -> Fact {
    (key.to_owned(), value.into())
}

/// n, mean, SD and so on, `A | B`.
pub(crate) fn sides(row: &Row) -> Vec<Fact> {
    let pair = |get: fn(&Sample) -> Option<f64>| {
        let show = |v: Option<f64>| v.map_or(numbers::NONE.to_owned(), |v| significant(v, 6));
        format!("{} | {}", show(get(&row.a)), show(get(&row.b)))
    };
    let cv = |s: &Sample| numbers::cv(s).unwrap_or_else(|| numbers::NONE.to_owned());
    vec![
        fact("n", format!("{} | {}", row.a.n, row.b.n)),
        fact("mean", pair(|s| s.mean)),
        fact("SD", pair(|s| s.sd)),
        fact("CV", format!("{} | {}", cv(&row.a), cv(&row.b))),
        fact("median", pair(|s| s.median)),
        fact("smallest", pair(|s| s.min)),
        fact("largest", pair(|s| s.max)),
    ]
}

/// Estimates, intervals, every p.
pub(crate) fn estimates(comparison: &Comparison, row: &Row) -> Vec<Fact> {
    let mut facts = Vec::new();
    let number = |v: f64| significant(v, 6);
    let between = |i: Interval| format!("[{}, {}]", significant(i.0, 6), significant(i.1, 6));
    let mut add = |key: &str, value: Option<String>| {
        if let Some(value) = value {
            facts.push((key.to_owned(), value));
        }
    };
    add("model", row.model.map(|m| model_name(m).to_owned()));
    add("ratio B/A", row.ratio.map(number));
    add("its 95% interval", row.ratio_ci.map(between));
    add("its 90% interval", row.ratio_ci90.map(between));
    add("band of the ratio", band(row).map(between));
    add("band of the difference", row.band_abs.map(|b| format!("±{}", number(b))));
    add("ratio of means", row.ratio_of_means.map(number));
    add("difference B-A", row.diff.map(number));
    add("its 95% interval", row.diff_ci.map(between));
    add("its 90% interval", row.diff_ci90.map(between));
    add("BCa bootstrap, 95%", row.bca_ci.map(between));
    add("p of the model", row.p_model.map(exact_p));
    add("look", row.sequential.map(|s| look(&s)));
    add("p of a fixed n", row.sequential.and_then(|s| s.p_fixed).map(exact_p));
    add("q within the family", row.q.map(exact_p));
    add("alpha", Some(format!("{}", comparison.method.alpha)));
    add("p Student", row.p.student.map(exact_p));
    add("p Welch, raw scale", row.p.welch.map(exact_p));
    add("p blocked", row.p.blocked.map(exact_p));
    add("p Mann-Whitney", row.p.mann_whitney.map(exact_p));
    add("p permutation", row.p.permutation.map(exact_p));
    add("detectable effect", numbers::mde(row).map(|m| format!("{m} with power 0.8")));
    add("Hedges' g", row.hedges_g.map(|v| significant(v, 3)));
    facts
}

/// Which look at the row this is, and what was spent on looking.
fn look(row: &Sequential) -> String {
    let spent = format!("{} of alpha 0.05 spent", significant(row.spent, 3));
    match (row.floor, row.ceiling, row.n) {
        (Some(floor), Some(ceiling), Some(n)) => {
            format!("at {n} boots, by a rule that looks at {floor} to {ceiling}; {spent}")
        }
        _ => format!("number {} after boots were added; {spent}", row.look),
    }
}

/// p with four digits, small ones in powers of ten.
fn exact_p(p: f64) -> String {
    if !p.is_finite() {
        return numbers::NONE.to_owned();
    }
    if p != 0.0 && p < 1e-4 { format!("{p:.2e}") } else { format!("{p:.4}") }
}

/// A model by the name that people know.
pub(crate) fn model_name(model: Model) -> &'static str {
    match model {
        Model::Blocked => "differences within blocks (paired t)",
        Model::Welch => "Welch's t-test",
        Model::Student => "Student's t-test",
    }
}

/// The equivalence band of a row as ratios; `None` where only a band in the row's unit exists.
pub(crate) fn band(row: &Row) -> Option<Interval> {
    if row.scale == Scale::Log {
        return Some(Interval(1.0 / (1.0 + row.min_effect), 1.0 + row.min_effect));
    }
    let relative = row.band_abs? / row.a.mean?.abs();
    relative.is_finite().then_some(Interval(1.0 - relative, 1.0 + relative))
}

/// The band as people write it: `±5%`, with the same in the row's unit where the scale is linear.
fn band_text(row: &Row) -> String {
    let m = format!("±{}", numbers::percent(row.min_effect));
    match row.band_abs {
        Some(b) => format!("±{} in the unit of the row, at least {m} of the mean", significant(b, 4)),
        None => m,
    }
}

/// The decision, step by step, from the numbers that `analyze` gave.
pub(crate) fn steps(comparison: &Comparison, view: &RowView<'_>) -> Vec<String> {
    let row = view.row;
    let mut steps = Vec::new();
    if matches!(row.verdict, Verdict::MissingA | Verdict::MissingB) {
        return vec![format!("{}: {}", row.verdict.word(), rows::claim(row.verdict))];
    }
    steps.push(format!("{} replicates of A and {} of B, at least 2 are needed", row.a.n, row.b.n));
    let constants = matches!(row.reason, Some(Reason::Exact | Reason::NoVariance));
    if row.verdict != Verdict::Invalid && !constants && row.verdict != Verdict::ExactChanged {
        tests(comparison, row, &mut steps);
    }
    steps.push(format!("{}: {}", view.verdict(), rows::claim(row.verdict)));
    if let Some(reason) = row.reason {
        steps.push(format!("{}: {}", reason.word(), rows::meaning(reason)));
    }
    steps
}

/// The steps of a row that was tested.
fn tests(comparison: &Comparison, row: &Row, steps: &mut Vec<String>) {
    let (of, interval) = match row.band_abs {
        Some(_) => ("difference", row.diff_ci90),
        None => ("ratio", row.ratio_ci90),
    };
    if let Some(Interval(lo, hi)) = interval {
        let word = if row.verdict == Verdict::Equivalent { "lies inside" } else { "does not lie inside" };
        let (lo, hi) = (significant(lo, 5), significant(hi, 5));
        steps.push(format!(
            "the 90% interval of the {of}, [{lo}, {hi}], {word} the band of {}",
            band_text(row)
        ));
    }
    let alpha = comparison.method.alpha;
    let (name, value) = if row.q.is_some() { ("q", row.q) } else { ("p", row.p_model) };
    if let Some(v) = value {
        let word = if v <= alpha { "is at most" } else { "exceeds" };
        steps.push(format!("{name} = {} {word} alpha = {alpha}", exact_p(v)));
    }
    let inside = match (row.band_abs, row.diff, row.ratio) {
        (Some(band), Some(diff), _) => Some((significant(diff, 5), diff.abs() <= band)),
        (None, _, Some(ratio)) => {
            band(row).map(|Interval(lo, hi)| (significant(ratio, 5), (lo..=hi).contains(&ratio)))
        }
        _ => None,
    };
    if let Some((value, inside)) = inside {
        let word = if inside { "inside" } else { "outside" };
        steps.push(format!("the best estimate, {of} {value}, lies {word} the band"));
    }
}
