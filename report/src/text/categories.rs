//! A line for each category: how its rows came out, and how it moved as a whole.

use super::fill::{Paint, one_line};
use crate::numbers;
use crate::rows::{RowView, glyph, verdict_rank};
use crate::sentence;
use analyze::{CategoryScore, Comparison, Verdict};
use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement, Table};
use edge::visible;
use std::collections::BTreeMap;
use std::fmt::Write;

/// So many categories have a line.
const LISTED: usize = 12;
/// Columns that the name of one has.
const NAME: usize = 28;

/// What came of the rows of one category of a candidate.
#[derive(Default)]
struct Line {
    /// By rank of the verdict: its sign and the number of rows that count.
    counting: BTreeMap<u8, (Verdict, usize)>,
    /// The others'.
    others: BTreeMap<u8, (Verdict, usize)>,
}

impl Line {
    fn add(&mut self, view: &RowView<'_>) {
        let part = if view.counts { &mut self.counting } else { &mut self.others };
        let verdict = view.row.verdict;
        part.entry(verdict_rank(verdict)).or_insert((verdict, 0)).1 += 1;
    }

    /// Adds the rows that count of another.
    fn join(&mut self, other: &Line) {
        for (rank, (verdict, n)) in &other.counting {
            self.counting.entry(*rank).or_insert((*verdict, 0)).1 += n;
        }
    }
}

/// `13: 2▼ 1▲ 4?`.
fn counts(of: &BTreeMap<u8, (Verdict, usize)>) -> String {
    let total: usize = of.values().map(|(_, n)| n).sum();
    if total == 0 {
        return "-".to_owned();
    }
    let mut signs: Vec<(&str, usize)> = Vec::new();
    for (verdict, n) in of.values() {
        let sign = glyph(*verdict);
        match signs.last_mut() {
            // Both ways in which a row may be missing have one sign, and so have both ways of a neutral change.
            Some((last, sum)) if *last == sign => *sum += n,
            _ => signs.push((sign, *n)),
        }
    }
    let parts: Vec<String> = signs.iter().map(|(sign, n)| format!("{n}{sign}")).collect();
    format!("{total}: {}", parts.join(" "))
}

/// `▼ 0.921 [0.880, 0.964]`.
fn as_a_whole(score: Option<&CategoryScore>) -> String {
    let Some(score) = score else { return "-".to_owned() };
    format!("{} {}", glyph(score.verdict), numbers::ratio(score.score.ratio, score.score.ci))
}

/// Writes a line for each category, those with the gravest rows first.
pub(super) fn write(
    out: &mut String,
    comparison: &Comparison,
    views: &[RowView<'_>],
    width: usize,
    paint: &Paint,
) {
    let mut lines: Vec<((usize, &str, &str), Line)> = Vec::new();
    let mut places: BTreeMap<(usize, &str, &str), usize> = BTreeMap::new();
    for view in views {
        let key = (view.row.candidate, &*view.row.workload, &*view.row.category);
        let place = *places.entry(key).or_insert_with(|| {
            lines.push((key, Line::default()));
            lines.len() - 1
        });
        if let Some((_, line)) = lines.get_mut(place) {
            line.add(view);
        }
    }
    if lines.is_empty() {
        return;
    }
    let mut table = Table::new();
    table.load_style(NOTHING).set_content_arrangement(ContentArrangement::Dynamic).force_no_tty();
    table.set_width(u16::try_from(width).unwrap_or(u16::MAX));
    table.add_row(["Category", "rows that count", "as a whole", "other rows"]);
    for ((candidate, workload, category), line) in lines.iter().take(LISTED) {
        let name = format!("{} {}", visible(workload), visible(category));
        let name = match comparison.b.len() {
            1 => name,
            _ => format!("{} · {name}", sentence::candidate_label(comparison, *candidate)),
        };
        let score = comparison.summary.iter().filter(|s| s.candidate == *candidate);
        let mut scores = score.flat_map(|s| &s.categories);
        let score = scores.find(|s| *s.workload == **workload && *s.category == **category);
        table.add_row([
            one_line(&name, NAME),
            counts(&line.counting),
            as_a_whole(score),
            counts(&line.others),
        ]);
    }
    for (i, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, 2)).set_cell_alignment(CellAlignment::Left);
        if width >= 80 && (i == 0 || i == 2) {
            column.set_constraint(ColumnConstraint::ContentWidth);
        }
    }
    out.push('\n');
    for (i, line) in table.lines().enumerate() {
        let line = line.trim_end();
        let _ = writeln!(out, "{}", if i == 0 { paint.bold(line) } else { line.to_owned() });
    }
    if let Some(more) = lines.len().checked_sub(LISTED).filter(|n| *n > 0) {
        let mut rest = Line::default();
        lines.iter().skip(LISTED).for_each(|(_, line)| rest.join(line));
        let _ = writeln!(out, "and {more} more, {}", counts(&rest.counting));
    }
}
