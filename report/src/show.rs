//! One side alone, as a text.

use crate::columns::Columns;
use crate::explain::warning_text;
use crate::numbers::{self, NONE, significant};
use crate::sides;
use crate::text::described;
use analyze::{Loss, Shown, ShownRow, Side, Spelled, Warning};
use edge::visible;
use model::counted;
use model::{Case, Keys, readable};
use std::collections::BTreeMap;
use std::fmt::Write;

/// Lost places that are listed one by one.
const LISTED: usize = 20;

/// The side, a line for each row, and what has no value.
pub fn show(shown: &Shown) -> String {
    let mut out = head(&shown.side);
    let mut table = Columns::new(&["n", "mean", "SD", "CV", "between", "within", "unit ", "invalid"]);
    for row in &shown.rows {
        let name = name(&shown.spelled, &row.id, (&row.workload, &row.category, &row.case));
        table.row(&readable(&name), cells(row));
    }
    out.push('\n');
    table.write(&mut out);
    let mut described = shown.workloads.iter().flat_map(described).peekable();
    if described.peek().is_some() {
        out.push('\n');
    }
    described.for_each(|line| {
        out.push_str(&line);
        out.push('\n');
    });
    lost(&mut out, shown);
    warnings(&mut out, &shown.warnings);
    out.push_str("\nn: boots, or result files; SD, CV: spread of their values\n");
    if shown.rows.iter().any(|r| r.spread.is_some()) {
        out.push_str(
            "between: the part of SD that only more boots average out; within: the part that the intervals within a \
             boot explain\n",
        );
    }
    out
}

/// A row's id, its levels as the files write them.
pub(crate) fn name(spelled: &[Spelled], id: &str, (workload, category, case): (&str, &str, &Keys)) -> String {
    let written = |key: &str, level: &str| {
        let of_level = spelled.iter().find(|s| s.key == key && s.level == level);
        of_level.and_then(Spelled::written).unwrap_or(level).to_owned()
    };
    let Some((_, metric)) = id.rsplit_once('/').filter(|_| !spelled.is_empty()) else {
        return id.to_owned();
    };
    let keys = case.0.iter().map(|(key, level)| (key.clone(), written(key, level))).collect();
    let case = Case { workload: workload.to_owned(), category: category.to_owned(), keys };
    format!("{}/{metric}", case.id())
}

/// `base: 5 repeats, 5 boots` and where they are.
pub(crate) fn head(side: &Side) -> String {
    format!("{}: {}\nin {}\n", visible(&side.label), sides::facts(side), visible(&side.path))
}

fn cells(row: &ShownRow) -> Vec<String> {
    let sample = &row.sample;
    let scaled = numbers::scale(&row.unit, sample.mean.unwrap_or(0.0).abs());
    let number = |v: f64, digits| significant(v * scaled.factor, digits);
    let known = |v: Option<f64>, digits| v.map_or(NONE.to_owned(), |v| number(v, digits));
    let part = |v: Option<f64>| v.map_or(String::new(), |v| number(v, 3));
    let invalid = sample.invalid.len();
    vec![
        sample.n.to_string(),
        known(sample.mean, 4),
        known(sample.sd, 3),
        numbers::cv(sample).unwrap_or_else(|| NONE.to_owned()),
        part(row.spread.map(|s| s.between)),
        part(row.spread.map(|s| s.within)),
        visible(&scaled.unit).into_owned(),
        if invalid == 0 { String::new() } else { invalid.to_string() },
    ]
}

/// Cells without a value and other losses, each place and reason once.
fn lost(out: &mut String, shown: &Shown) {
    let count = |losses: &mut dyn Iterator<Item = &'_ Loss>| {
        let mut places: BTreeMap<(String, String), usize> = BTreeMap::new();
        losses.for_each(|l| *places.entry((l.place.clone(), l.reason.clone())).or_default() += 1);
        places
    };
    let cells = count(&mut shown.rows.iter().flat_map(|r| &r.sample.invalid));
    let mut places = count(&mut shown.side.losses.iter());
    // A cell of a row may stand among the losses of its side, too: it is the same.
    for (place, times) in cells {
        let known = places.entry(place).or_default();
        *known = times.max(*known);
    }
    if places.is_empty() {
        return;
    }
    out.push_str("\nWithout a value\n");
    for ((place, reason), times) in places.iter().take(LISTED) {
        let times = if *times > 1 { format!(" ({times} times)") } else { String::new() };
        // Writing to a String cannot fail.
        let _ = writeln!(out, "  {}: {}{times}", visible(place), visible(reason));
    }
    if let Some(more) = places.len().checked_sub(LISTED).filter(|n| *n > 0) {
        let _ = writeln!(out, "  and {} more; --format json has all", counted(more, "place"));
    }
}

pub(crate) fn warnings(out: &mut String, warnings: &[Warning]) {
    if warnings.is_empty() {
        return;
    }
    out.push_str("\nNotes\n");
    for warning in warnings {
        let _ = writeln!(out, "  {}", warning_text(warning));
    }
}
