//! The terminal: one sentence, a table that fits the width, footnotes, a legend.

mod table;

#[cfg(test)]
pub(crate) use table::{NARROW_COLUMNS, WIDE_COLUMNS};

use crate::Gate;
use crate::command_line::command_line;
use crate::explain::warning_text;
use crate::failures;
use crate::gate::{self, Outcome};
use crate::matching;
use crate::numbers::{self, counted};
use crate::rows::{self, AtGate, RowView, by_gravity, glyph};
use crate::sentence::{self, sentence};
use crate::sides;
use analyze::{Comparison, Level, Summary, Verdict, Warning, WorkloadInfo};
use edge::visible;
use model::{Role, readable};
use std::collections::BTreeMap;
use std::fmt::Write;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// So many cases with failures are listed.
const LISTED: usize = 20;

/// How the terminal looks.
#[derive(Clone, Debug)]
pub struct TextOptions {
    /// Columns of the terminal; less than 60 are taken for 60.
    pub width: usize,
    /// Colours by ANSI escapes: only for a terminal, and not under NO_COLOR.
    pub color: bool,
    /// List every row, also the equivalent ones that are folded otherwise.
    pub all: bool,
    /// What `--fail-on` gave.
    pub gate: Option<Gate>,
}

impl Default for TextOptions {
    fn default() -> Self {
        TextOptions { width: 80, color: false, all: false, gate: None }
    }
}

/// ANSI: bold, or dim, around a text.
struct Paint {
    color: bool,
}

impl Paint {
    fn wrap(&self, code: &str, text: &str) -> String {
        if self.color { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
    fn bold(&self, text: &str) -> String {
        self.wrap("1", text)
    }
    fn dim(&self, text: &str) -> String {
        self.wrap("2", text)
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
    let (mut listed, folded): (Vec<_>, Vec<_>) = views.into_iter().partition(|v| options.all || is_listed(v));
    by_category(&mut listed);
    let notes = Notes::of(&listed);
    table::write(&mut out, comparison, &listed, &notes, width, &paint);
    if !nothing_meets && !comparison.nearest.is_empty() {
        out.push_str("\nCases that meet nobody\n");
        nearest(&mut out, comparison, width, &paint);
    }
    fold(&mut out, &folded, width, &paint);
    out.push_str(&known_lines);
    footnotes(&mut out, comparison, &notes, width, &paint);
    legend(&mut out, comparison, &listed, width, &paint);
    out
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

/// Rows that are worth a line: everything decided or gone; open ones of the metrics that count.
fn is_listed(view: &RowView<'_>) -> bool {
    match view.row.verdict {
        Verdict::Equivalent => false,
        v if v.is_decided_change() => true,
        _ => view.counts || view.row.role != Role::Secondary,
    }
}

/// What stands between the sentence and the table: gate, sides, family, score, blocking notes.
fn head(out: &mut String, comparison: &Comparison, options: &TextOptions, width: usize, paint: &Paint) {
    if let Some(gate) = &options.gate {
        let outcome = match Outcome::of(gate) {
            Outcome::Failed => "FAILED",
            Outcome::NotDecided => "NOT DECIDED (no row that gates could be judged)",
            Outcome::Passed => "passed",
        };
        let line = format!("gate --fail-on {}: {outcome}, exit code {}", visible(&gate.rule), gate.exit_code);
        wrapped(out, &line, width, "", |l| paint.bold(l));
        for said in gate.said() {
            wrapped(out, &format!("  - {}", visible(said)), width, "    ", |l| l.to_owned());
        }
    }
    failed(out, comparison, width, paint);
    for (name, side) in sides::named(comparison) {
        wrapped(out, &sides::line(name, side), width, "   ", |l| l.to_owned());
        for line in sides::lost(side) {
            wrapped(out, &format!("  {line}"), width, "    ", |l| l.to_owned());
        }
    }
    for line in matching::matched(comparison) {
        wrapped(out, &line, width, "   ", |l| paint.bold(l));
    }
    for summary in &comparison.summary {
        if let Some(score) = summary.score {
            let line = format!(
                "boot score of {}: ratio {} over {} (no verdict)",
                sentence::candidate_label(comparison, summary.candidate),
                numbers::ratio(score.ratio, score.ci),
                counted(score.rows, "row")
            );
            wrapped(out, &line, width, "   ", |l| l.to_owned());
        }
        categories(out, comparison, summary, width, paint);
    }
    for warning in comparison.warnings.iter().filter(|w| w.level == Level::Blocking) {
        wrapped(out, &format!("!! {}", warning_text(warning)), width, "   ", |l| paint.bold(l));
    }
}

/// Cases of which measurements failed; those that fail a gate stand out.
fn failed(out: &mut String, comparison: &Comparison, width: usize, paint: &Paint) {
    for failed in comparison.failures.iter().take(LISTED) {
        let mark = if failed.is_worse() { "!!" } else { " -" };
        let line = format!("{mark} {}; the first: {}", failures::sentence(failed), visible(&failed.first));
        wrapped(out, &line, width, "   ", |l| if failed.is_worse() { paint.bold(l) } else { l.to_owned() });
    }
    if let Some(more) = comparison.failures.len().checked_sub(LISTED).filter(|n| *n > 0) {
        let _ =
            writeln!(out, " - and {} with failures; --format json has all", counted(more, "further case"));
    }
}

/// The scores of a candidate's categories at the gate: those that changed, and how many did not.
fn categories(out: &mut String, comparison: &Comparison, summary: &Summary, width: usize, paint: &Paint) {
    let (decided, rest): (Vec<_>, Vec<_>) =
        summary.categories.iter().partition(|c| c.verdict.is_decided_change());
    let of = match comparison.b.len() {
        1 => String::new(),
        _ => format!(" of {}", sentence::candidate_label(comparison, summary.candidate)),
    };
    for category in decided {
        let (sign, name) = (glyph(category.verdict), gate::name(category));
        let line = format!("{sign} {name}{of} as a whole {}", gate::category(category));
        wrapped(out, &line, width, "   ", |l| paint.bold(l));
    }
    if !rest.is_empty() {
        let what = if rest.len() == 1 { "category" } else { "categories" };
        let line = format!("{} {what}{of} as a whole: nothing was decided at the gate", rest.len());
        wrapped(out, &line, width, "   ", |l| l.to_owned());
    }
}

/// Row warnings, numbered once for all rows that share them.
struct Notes<'a>(Vec<&'a Warning>);

impl<'a> Notes<'a> {
    fn of(views: &[RowView<'a>]) -> Self {
        let mut notes: Vec<&Warning> = Vec::new();
        for warning in views.iter().flat_map(|v| v.row.warnings.iter()) {
            if !notes.iter().any(|n| n.code == warning.code && n.text == warning.text) {
                notes.push(warning);
            }
        }
        Notes(notes)
    }

    /// `[1,3]`.
    fn marks(&self, view: &RowView<'_>) -> String {
        let mut numbers: Vec<usize> = (view.row.warnings.iter())
            .filter_map(|w| self.0.iter().position(|n| n.code == w.code && n.text == w.text))
            .map(|i| i + 1)
            .collect();
        numbers.sort_unstable();
        numbers.dedup();
        if numbers.is_empty() {
            return String::new();
        }
        let texts: Vec<String> = numbers.iter().map(ToString::to_string).collect();
        format!("[{}]", texts.join(","))
    }
}

/// Counts of what is not listed, by verdict and metric.
fn fold(out: &mut String, folded: &[RowView<'_>], width: usize, paint: &Paint) {
    let mut counts: BTreeMap<(u8, String), BTreeMap<String, usize>> = BTreeMap::new();
    for view in folded {
        let verdict = format!("{} {}", glyph(view.row.verdict), view.row.verdict.word());
        let metric = view.metric().into_owned();
        let key = (rows::verdict_rank(view.row.verdict), verdict);
        *counts.entry(key).or_default().entry(metric).or_default() += 1;
    }
    if counts.is_empty() {
        return;
    }
    out.push_str("\nNot listed (JSON, CSV and the HTML page have every row)\n");
    for ((_, verdict), metrics) in counts {
        let total: usize = metrics.values().sum();
        let list: Vec<String> = metrics.iter().map(|(m, n)| format!("{m} {n}")).collect();
        wrapped(out, &format!("  {verdict} {total}: {}", list.join(", ")), width, "    ", |l| paint.dim(l));
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

fn footnotes(out: &mut String, comparison: &Comparison, notes: &Notes<'_>, width: usize, paint: &Paint) {
    let general: Vec<&Warning> = comparison.warnings.iter().filter(|w| w.level == Level::Note).collect();
    if notes.0.is_empty() && general.is_empty() {
        return;
    }
    out.push_str("\nNotes\n");
    for (i, warning) in notes.0.iter().enumerate() {
        wrapped(out, &format!("  [{}] {}", i + 1, warning_text(warning)), width, "      ", |l| paint.dim(l));
    }
    for warning in general {
        wrapped(out, &format!("  -   {}", warning_text(warning)), width, "      ", |l| paint.dim(l));
    }
}

/// What perf.conf says of a workload, a line for each of its lines.
pub(crate) fn described(workload: &WorkloadInfo) -> impl Iterator<Item = String> {
    let lines = workload.description.lines().filter(|line| !line.trim().is_empty());
    lines.map(|line| format!("{}: {}", visible(&workload.name), visible(line)))
}

fn legend(out: &mut String, comparison: &Comparison, listed: &[RowView<'_>], width: usize, paint: &Paint) {
    out.push_str("\nLegend\n");
    let method = &comparison.method;
    let band = sentence::band_in_full(comparison);
    let lines = [
        format!(
            "change: B over A, and a difference where A may be zero; ±: coefficient of variation; n: replicates of A/B; \
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
    let families = comparison.families.iter().filter_map(|f| {
        let label = sentence::candidate_label(comparison, f.candidate);
        sentence::family(comparison, f.candidate).map(|text| format!("{label}: {text}"))
    });
    let marked = |word: &str| listed.iter().any(|view| view.marks().contains(&word));
    let marks =
        std::iter::once(rows::BEYOND).chain(AtGate::ALL.map(|at_gate| (at_gate.word(), at_gate.meaning())));
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
    if !method.command.is_empty() {
        // To be typed again, so that it stands on one line, however long.
        let line = format!("  made by: {}", command_line(&method.command));
        let _ = writeln!(out, "{}", paint.dim(&line));
    }
}

/// Words filled into lines of a width, continued under `indent`; a word that is longer than a line is cut. Each character is
/// looked at a fixed number of times: a word may be a megabyte long.
fn wrapped(out: &mut String, text: &str, width: usize, indent: &str, style: impl Fn(&str) -> String) {
    let lead: String = text.chars().take_while(|c| *c == ' ').collect();
    let mut used = lead.width();
    let mut line = lead;
    let mut empty = true;
    for word in text.split_whitespace() {
        let space = usize::from(!empty);
        let columns = word.width();
        if !empty && used + space + columns > width {
            let _ = writeln!(out, "{}", style(&line));
            (line, used, empty) = (indent.to_owned(), indent.width(), true);
        }
        if !empty {
            line.push(' ');
            used += 1;
        }
        let mut rest = word;
        if used + columns > width {
            loop {
                let (head, tail) = cut(rest, width.saturating_sub(used));
                if tail.is_empty() {
                    break;
                }
                let _ = writeln!(out, "{}", style(&format!("{line}{head}")));
                (line, used) = (indent.to_owned(), indent.width());
                rest = tail;
            }
        }
        line.push_str(rest);
        used += if rest.len() == word.len() { columns } else { rest.width() };
        empty = false;
    }
    if !empty {
        let _ = writeln!(out, "{}", style(&line));
    }
}

/// Splits a word after so many columns, but at least one character.
fn cut(word: &str, room: usize) -> (&str, &str) {
    let mut used = 0;
    for (i, c) in word.char_indices() {
        used += c.width().unwrap_or(0);
        if used > room && i > 0 {
            return word.split_at(i);
        }
    }
    (word, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str, width: usize) -> Vec<String> {
        let mut out = String::new();
        wrapped(&mut out, text, width, "  ", str::to_owned);
        out.lines().map(str::to_owned).collect()
    }

    #[test]
    fn words_are_filled_into_lines_and_long_ones_are_cut() {
        assert_eq!(lines("  a bb ccc dddd", 8), ["  a bb", "  ccc", "  dddd"]);
        assert_eq!(lines("ab cdefghijklmno p", 6), ["ab", "  cdef", "  ghij", "  klmn", "  o p"]);
        assert_eq!(lines("abcdefgh", 6), ["abcdef", "  gh"]);
        assert_eq!(lines("∞漢字x", 3), ["∞漢", "  字", "  x"]);
        assert_eq!(lines("", 6), Vec::<String>::new());
    }

    #[test]
    fn a_word_of_a_megabyte_takes_no_longer_than_a_text_of_a_megabyte() {
        for text in ["x".repeat(1 << 20), "x y ".repeat(1 << 18), "e\u{301} ".repeat(1 << 18)] {
            let lines = testing::no_square(|| lines(&text, 80));
            assert!(lines.iter().all(|line| line.width() <= 80));
        }
    }
}
