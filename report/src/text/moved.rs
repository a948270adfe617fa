//! What may explain the changes, a line for each case, in full one for each kind: metrics that moved with its row, reasons of exits, and functions whose
//! share of the time moved most.

use super::fill::{Paint, wrapped};
use crate::causes::{self, Companions, Exits};
use crate::rows::{RowView, glyph};
use analyze::Comparison;
use edge::visible;

/// So many cases have lines, so many metrics are named in one, and so many of all others.
const CASES: usize = 3;
const METRICS: usize = 3;
const OTHERS: usize = 3;

/// Writes them for the listed rows that changed and can gate; in full for all of these.
pub(super) fn write(
    out: &mut String,
    comparison: &Comparison,
    (listed, views): (&[RowView<'_>], &[RowView<'_>]),
    whole: bool,
    (width, paint): (usize, &Paint),
) {
    let companions = Companions::of(views);
    let told = listed.iter().filter(|v| v.counts && v.row.verdict.is_decided_change());
    // One row stands for its case.
    let told = told.filter(|v| companions.shown_at(v) == v.index);
    let told = told.map(|v| (v, lines(comparison, v, &companions))).filter(|(_, lines)| !lines.is_empty());
    let most = if whole { usize::MAX } else { CASES };
    for (i, (view, lines)) in told.take(most).enumerate() {
        if i == 0 {
            out.push_str("\nWhat moved with them\n");
        }
        let row = view.row;
        let of = format!("  {} {} {}", glyph(row.verdict), visible(&row.category), view.case());
        if !whole {
            wrapped(out, &format!("{of}: {}", lines.join("; ")), width, "    ", |l| l.to_owned());
            continue;
        }
        wrapped(out, &format!("{of} {}", view.metric()), width, "    ", |l| l.to_owned());
        for line in lines {
            wrapped(out, &format!("    {line}"), width, "      ", |l| paint.dim(l));
        }
    }
}

fn lines(comparison: &Comparison, view: &RowView<'_>, companions: &Companions<'_, '_>) -> Vec<String> {
    let mut lines = Vec::new();
    let change = |v: &&RowView<'_>| format!("{} {}", v.metric(), v.change.text);
    let moved = companions.moved(view);
    if !moved.is_empty() {
        let more = moved.len().saturating_sub(METRICS);
        let more = if more > 0 { format!(", and {more} more") } else { String::new() };
        let named: Vec<String> = moved.iter().take(METRICS).map(change).collect();
        lines.push(format!("{}{more}", named.join(", ")));
    }
    if let Exits::Rows(rows) = companions.exits(comparison, view) {
        let decided = rows.iter().filter(|v| v.row.verdict.is_decided_change() && v.metric() != "exits");
        let named: Vec<String> = decided.take(OTHERS).map(change).collect();
        if !named.is_empty() {
            lines.push(format!("exits by reason: {}", named.join(", ")));
        }
    }
    if let Some(flame) = causes::of_row(comparison, view.row).and_then(|cause| cause.profile.as_ref()) {
        let named = flame.moved.iter().take(OTHERS).map(|function| {
            let [of, name, .., difference, _] = causes::cells(function);
            format!("{of} {name} {difference}")
        });
        let named: Vec<String> = named.collect();
        if !named.is_empty() {
            lines.push(format!("time (one boot of each, not judged): {}", named.join(", ")));
        }
    }
    lines
}
