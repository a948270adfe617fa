//! The terminal: the answer, the rows that carry it in a table that fits the width, a line for each category, notes by kind. In
//! full: every row, every note, and what the words mean.

mod categories;
mod fill;
mod hosts;
mod legend;
mod moved;
mod notes;
mod pick;
mod table;

#[cfg(test)]
pub(crate) use table::{NARROW_COLUMNS, WIDE_COLUMNS};

use crate::Gate;
use crate::command_line::command_line;
use crate::comparable;
use crate::explain::warning_text;
use crate::failures;
use crate::gate::{self, Outcome};
use crate::matching;
use crate::next::{Next, next};
use crate::numbers;
use crate::rows::{self, RowView, by_gravity, glyph};
use crate::sentence::{self, sentence};
use crate::sides;
use analyze::{Comparison, Level, Summary};
use edge::visible;
use fill::{Paint, wrapped};
pub(crate) use legend::described;
use model::counted;
use model::readable;
use notes::Notes;
use std::collections::BTreeMap;
use std::fmt::Write;

/// So many cases with failures are listed, and so many of what a side lost.
const LISTED: usize = 3;
/// The same in full.
const LISTED_IN_FULL: usize = 20;

/// How the terminal looks.
#[derive(Clone, Debug)]
pub struct TextOptions {
    /// Columns of the terminal; less than 60 are taken for 60.
    pub width: usize,
    /// Colours by ANSI escapes: only for a terminal, and not under NO_COLOR.
    pub color: bool,
    /// Every row, every note in full, and what each word means; otherwise what fits a screen.
    pub all: bool,
    /// What `--fail-on` gave.
    pub gate: Option<Gate>,
}

impl Default for TextOptions {
    fn default() -> Self {
        TextOptions { width: 80, color: false, all: false, gate: None }
    }
}

/// The comparison as a text for a terminal of a given width.
pub fn text(comparison: &Comparison, options: &TextOptions) -> String {
    let width = options.width.clamp(60, 400);
    let paint = Paint { color: options.color };
    let mut out = String::new();
    for line in sentence(comparison) {
        wrapped(&mut out, &line, width, "", |l| paint.bold(l));
    }
    let nothing_meets = matching::nothing_meets(comparison);
    if nothing_meets {
        nearest(&mut out, comparison, width, &paint);
    }
    head(&mut out, comparison, options, width, &paint);
    let mut views = rows::views(comparison);
    by_gravity(&mut views);
    let mut known_lines = String::new();
    known(&mut known_lines, &views, width, &paint);
    let (mut picked, layout) = pick::pick(&views, options.all, width);
    by_category(&mut picked.listed);
    let notes = Notes::of(&picked.listed, options.all);
    table::write(&mut out, comparison, &picked.listed, &notes, &layout, &paint);
    if picked.decided > 0 {
        let _ = writeln!(
            out,
            "and {} that changed, failed or are missing",
            counted(picked.decided, "further row")
        );
    }
    // Where rows are left out the screen is full.
    if options.all || picked.decided == 0 {
        moved::write(&mut out, comparison, (&picked.listed, &views), options.all, (width, &paint));
    }
    categories::write(&mut out, comparison, &views, width, &paint);
    hosts::write(&mut out, comparison, &views, (width, options.all), &paint);
    if !nothing_meets && !comparison.nearest.is_empty() {
        out.push_str("\nCases that meet nobody\n");
        nearest(&mut out, comparison, width, &paint);
    }
    out.push_str(&known_lines);
    notes.write(&mut out, comparison, &picked.listed, width, &paint);
    if options.all {
        legend::in_full(&mut out, comparison, &picked.listed, width, &paint);
    } else {
        legend::in_short(&mut out, comparison, picked.listed.len() < views.len(), width, &paint);
    }
    typed(&mut out, comparison, &views, &paint);
    out
}

/// What to type next, and what makes the same comparison: on one line each, however long.
fn typed(out: &mut String, comparison: &Comparison, views: &[RowView<'_>], paint: &Paint) {
    for summary in &comparison.summary {
        let own = |v: &&RowView<'_>| v.row.candidate == summary.candidate && v.counts;
        let worst = views.iter().find(own).map(|v| v.index);
        let typed = match next(comparison, summary, worst) {
            Next::Explain(_, typed) | Next::Plan(typed) => typed,
            Next::Notes | Next::Nothing => continue,
        };
        let _ = writeln!(out, "  next: {}", paint.bold(&typed));
    }
    let command = &comparison.method.command;
    if !command.is_empty() {
        let _ = writeln!(out, "{}", paint.dim(&format!("  made by: {}", command_line(command))));
    }
}

/// Cases that meet nobody, and how they would; what is to be typed stands on a line of its own, however long.
fn nearest(out: &mut String, comparison: &Comparison, width: usize, paint: &Paint) {
    for near in matching::nearest(comparison) {
        let end = if near.flags.is_some() { "; to compare them, add" } else { matching::NO_FLAG };
        wrapped(out, &format!("  {}{end}", near.text), width, "    ", |l| l.to_owned());
        if let Some(flags) = near.flags {
            let _ = writeln!(out, "      {}", paint.bold(&flags));
        }
    }
}

/// Puts the rows of a category together, so that they stand under one heading; inside they keep their order, and categories
/// stand in that of their first rows.
fn by_category(views: &mut [RowView<'_>]) {
    let mut places: BTreeMap<(usize, &str, &str), usize> = BTreeMap::new();
    for view in views.iter() {
        let (next, row) = (places.len(), view.row);
        places.entry((row.candidate, &row.workload, &row.category)).or_insert(next);
    }
    views.sort_by_key(|view| {
        let row = view.row;
        (row.candidate, places.get(&(row.candidate, &row.workload, &row.category)).copied())
    });
}

/// What stands between the sentence and the table: gate, sides, family, score, blocking notes.
fn head(out: &mut String, comparison: &Comparison, options: &TextOptions, width: usize, paint: &Paint) {
    if let Some(gate) = &options.gate {
        let outcome = match Outcome::of(gate) {
            Outcome::Failed => "FAILED",
            Outcome::NotDecided => "NOT DECIDED (no row that gates could be judged)",
            Outcome::Passed => "passed",
        };
        let line = format!(
            "gate --fail-on {}: {outcome}, exit code {}{}",
            visible(&gate.rule),
            gate.exit_code,
            gate::open(comparison, gate)
        );
        wrapped(out, &line, width, "", |l| paint.bold(l));
        for said in gate.said() {
            wrapped(out, &format!("  - {}", visible(said)), width, "    ", |l| l.to_owned());
        }
    }
    for summary in &comparison.summary {
        wrapped(out, &comparable::line(comparison, summary), width, "   ", |l| l.to_owned());
    }
    let listed = if options.all { LISTED_IN_FULL } else { LISTED };
    failed(out, comparison, listed, width, paint);
    for summary in &comparison.summary {
        if let (Some(score), true) = (summary.score, options.all) {
            let line = format!(
                "boot score of {}: ratio {} over {} (no verdict)",
                sentence::candidate_label(comparison, summary.candidate),
                numbers::ratio(score.ratio, score.ci),
                counted(score.rows, "row")
            );
            wrapped(out, &line, width, "   ", |l| l.to_owned());
        }
        whole_categories(out, comparison, summary, width, paint);
    }
    for warning in comparison.warnings.iter().filter(|w| w.level == Level::Blocking) {
        wrapped(out, &format!("!! {}", warning_text(warning)), width, "   ", |l| paint.bold(l));
    }
    for (name, side) in sides::named(comparison) {
        wrapped(out, &sides::line(name, side), width, "   ", |l| l.to_owned());
        for line in sides::lost(side, listed) {
            wrapped(out, &format!("  {line}"), width, "    ", |l| l.to_owned());
        }
    }
    for line in matching::matched(comparison) {
        wrapped(out, &line, width, "   ", |l| paint.bold(l));
    }
}

/// Cases of which measurements failed; those that fail a gate stand out.
fn failed(out: &mut String, comparison: &Comparison, listed: usize, width: usize, paint: &Paint) {
    for failed in comparison.failures.iter().take(listed) {
        let mark = if failed.alarms() { "!!" } else { " -" };
        let line = format!("{mark} {}; the first: {}", failures::sentence(failed), visible(&failed.first));
        wrapped(out, &line, width, "   ", |l| if failed.alarms() { paint.bold(l) } else { l.to_owned() });
    }
    if let Some(more) = comparison.failures.len().checked_sub(listed).filter(|n| *n > 0) {
        let _ =
            writeln!(out, " - and {} with failures; --format json has all", counted(more, "further case"));
    }
}

/// The categories of a candidate that changed as a whole at the gate.
fn whole_categories(
    out: &mut String,
    comparison: &Comparison,
    summary: &Summary,
    width: usize,
    paint: &Paint,
) {
    let of = match comparison.b.len() {
        1 => String::new(),
        _ => format!(" of {}", sentence::candidate_label(comparison, summary.candidate)),
    };
    for category in summary.categories.iter().filter(|c| c.verdict.is_decided_change()) {
        let (sign, name) = (glyph(category.verdict), gate::name(category));
        let line = format!("{sign} {name}{of} as a whole {}", gate::category(category));
        wrapped(out, &line, width, "   ", |l| paint.bold(l));
    }
}

/// Changes that `--expect` names, with reason and expiry.
fn known(out: &mut String, views: &[RowView<'_>], width: usize, paint: &Paint) {
    let mut lines = views.iter().filter_map(|view| {
        let known = view.known()?;
        Some(format!("  {} {}: {known}", view.row.verdict.word(), visible(&readable(&view.row.id))))
    });
    let Some(first) = lines.next() else { return };
    out.push_str("\nKnown changes, which do not gate\n");
    for line in std::iter::once(first).chain(lines) {
        wrapped(out, &line, width, "    ", |l| paint.dim(l));
    }
}
