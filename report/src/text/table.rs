//! The rows of the terminal report: grouped by category and verdict, in columns that line up through all groups.

use super::fill::{Paint, wrapped};
use super::notes::Notes;
use crate::rows::{RowView, Tone, glyph};
use crate::sentence;
use crate::statistics::{self, Statistic};
use analyze::Comparison;
use comfy_table::presets::NOTHING;
use comfy_table::{Cell, CellAlignment, Color, ColumnConstraint, ContentArrangement, Table, Width};
use edge::visible;
use std::fmt::Write;
use unicode_width::UnicodeWidthStr;

/// Below this width a row takes two lines.
const WIDE: usize = 120;
/// The first column never gets narrower than this.
const FIRST: usize = 20;

/// One shown row as the texts of its columns; a text may have several lines.
struct Line<'a, 'v> {
    view: &'v RowView<'a>,
    cells: Vec<String>,
}

/// Columns of a wide terminal: the names of the statistics that share each.
pub(crate) const WIDE_COLUMNS: [&[&str]; 9] = [
    &["case", "metric"],
    &["a_spread"],
    &["b_spread"],
    &["change"],
    &["change_ci"],
    &["p_model"],
    &["q"],
    &["n"],
    &["verdict"],
];
/// Those of a narrow one, each statistic on a line of its own.
pub(crate) const NARROW_COLUMNS: [&[&str]; 6] = [
    &["case", "metric"],
    &["a_spread", "b_spread"],
    &["change", "change_ci"],
    &["q", "p_model"],
    &["n"],
    &["verdict"],
];

/// The columns, each with its statistics.
pub(super) struct Layout {
    columns: Vec<Vec<&'static Statistic>>,
    wide: bool,
    /// Columns of the terminal.
    width: usize,
}

impl Layout {
    /// A line for each row on a wide terminal, else two.
    pub fn of(width: usize) -> Layout {
        Layout::new(width, width >= WIDE)
    }

    /// The same, but two lines where one would break rows.
    pub fn fitting(width: usize, views: &[RowView<'_>]) -> Layout {
        let layout = Layout::of(width);
        let notes = Notes::of(views, false);
        let lines: Vec<_> =
            views.iter().map(|view| Line { view, cells: cells(view, &notes, &layout) }).collect();
        let fits = layout.wide && natural(&lines, &layout).iter().map(|w| w + 2).sum::<usize>() <= width + 2;
        if fits { layout } else { Layout::new(width, false) }
    }

    /// Lines that a row takes.
    pub fn lines(&self) -> usize {
        if self.wide { 1 } else { 2 }
    }

    fn new(width: usize, wide: bool) -> Layout {
        let names: &[&[&str]] = if wide { &WIDE_COLUMNS } else { &NARROW_COLUMNS };
        Layout { columns: names.iter().map(|names| statistics::selected(names)).collect(), wide, width }
    }

    fn heads(&self) -> Vec<String> {
        let joined = |column: &Vec<&Statistic>| {
            let mut heads: Vec<String> = column.iter().map(|s| s.column.terminal.to_owned()).collect();
            heads.iter_mut().skip(1).for_each(|head| *head = statistics::lowercase(head));
            heads.join(if self.wide { ", " } else { "\n" })
        };
        self.columns.iter().map(joined).collect()
    }

    /// Whether a column has the colour of its row.
    fn is_toned(&self, column: usize) -> bool {
        self.columns.get(column).is_some_and(|c| c.iter().any(|s| s.column.toned))
    }

    /// Whether a column holds numbers.
    fn is_numeric(&self, column: usize) -> bool {
        self.columns.get(column).is_some_and(|c| c.iter().all(|s| s.is_numeric()))
    }
}

/// Writes all listed rows, already in order.
pub(super) fn write(
    out: &mut String,
    comparison: &Comparison,
    views: &[RowView<'_>],
    notes: &Notes<'_>,
    layout: &Layout,
    paint: &Paint,
) {
    if views.is_empty() {
        return;
    }
    let width = layout.width;
    let lines: Vec<Line<'_, '_>> =
        views.iter().map(|view| Line { view, cells: cells(view, notes, layout) }).collect();
    let widths = widths(&lines, layout, width);
    out.push('\n');
    let head = render(layout, &widths, &[(layout.heads(), None)], false);
    for line in head.lines() {
        let _ = writeln!(out, "{}", paint.bold(line));
    }
    let total = widths.iter().sum::<usize>() + 2 * (widths.len() - 1);
    let _ = writeln!(out, "{}", paint.dim(&"─".repeat(total.min(width))));
    groups(out, comparison, &lines, layout, &widths, paint);
}

/// Headings and the rows under them.
fn groups(
    out: &mut String,
    comparison: &Comparison,
    lines: &[Line<'_, '_>],
    layout: &Layout,
    widths: &[usize],
    paint: &Paint,
) {
    let mut last_heading = String::new();
    let mut start = 0;
    let mut first = true;
    while let Some(head) = lines.get(start) {
        let same = lines
            .get(start..)
            .unwrap_or_default()
            .iter()
            .take_while(|l| group_key(l) == group_key(head))
            .count();
        let heading = heading(comparison, head.view);
        if !first {
            out.push('\n');
        }
        if heading != last_heading {
            wrapped(out, &heading, layout.width, "  ", |l| paint.bold(l));
            last_heading = heading;
        }
        first = false;
        let rows: Vec<(Vec<String>, Option<Color>)> = lines
            .get(start..start + same)
            .unwrap_or_default()
            .iter()
            .map(|l| (l.cells.clone(), color(l.view)))
            .collect();
        out.push_str(&render(layout, widths, &rows, paint.color));
        start += same;
    }
}

/// Rows that stand under one heading.
fn group_key<'a>(line: &Line<'a, '_>) -> (usize, analyze::Verdict, &'a str, &'a str) {
    let row = line.view.row;
    (row.candidate, row.verdict, &row.workload, &row.category)
}

/// `netperf TCP_STREAM`, with the candidate when there are several.
fn heading(comparison: &Comparison, view: &RowView<'_>) -> String {
    let name = format!("{} {}", visible(&view.row.workload), visible(&view.row.category));
    if comparison.b.len() > 1 {
        format!("{} · {name}", sentence::candidate_label(comparison, view.row.candidate))
    } else {
        name
    }
}

/// Orange for worse, blue for better, bold black for the rest of what is decided.
fn color(view: &RowView<'_>) -> Option<Color> {
    match view.tone {
        Tone::Worse => Some(Color::AnsiValue(166)),
        Tone::Better => Some(Color::AnsiValue(32)),
        Tone::Changed | Tone::None => None,
    }
}

/// The texts of a row's columns.
fn cells(view: &RowView<'_>, notes: &Notes<'_>, layout: &Layout) -> Vec<String> {
    let separator = if layout.wide { " " } else { "\n" };
    let one = |statistic: &Statistic| match statistic.name {
        "metric" if !view.counts => format!("{} ·", statistic.short(view)),
        "n" if !layout.wide => statistic.of_sides(view).join("\n"),
        "verdict" => verdict(view, notes, separator),
        _ => statistic.short(view),
    };
    let joined = |column: &Vec<&'static Statistic>| {
        let texts: Vec<String> = column.iter().map(|s| one(s)).filter(|text| !text.is_empty()).collect();
        texts.join(separator)
    };
    layout.columns.iter().map(joined).collect()
}

/// The verdict, and behind it reason, expectation and notes.
fn verdict(view: &RowView<'_>, notes: &Notes<'_>, separator: &str) -> String {
    let marks = notes.marks(view);
    let reason = view.row.reason.map(|r| format!("({})", r.word()));
    let known = view.row.expected.as_ref().map(|_| "(known)".to_owned());
    let said = Some(view.marks().join(", ")).filter(|said| !said.is_empty());
    let notes = Some(marks).filter(|marks| !marks.is_empty());
    let tail: Vec<String> = [reason, said, known, notes].into_iter().flatten().collect();
    let word = format!("{} {}", glyph(view.row.verdict), view.row.verdict.word());
    format!("{word}{separator}{}", tail.join(" ")).trim_end().to_owned()
}

/// Every column as wide as its widest line.
fn natural(lines: &[Line<'_, '_>], layout: &Layout) -> Vec<usize> {
    let widest = |text: &str| text.lines().map(UnicodeWidthStr::width).max().unwrap_or(0);
    let mut widths: Vec<usize> = layout.heads().iter().map(|h| widest(h)).collect();
    for line in lines {
        for (have, cell) in widths.iter_mut().zip(&line.cells) {
            *have = (*have).max(widest(cell));
        }
    }
    widths
}

/// The same within a width; the first takes what is left, the widest others give way before it.
fn widths(lines: &[Line<'_, '_>], layout: &Layout, width: usize) -> Vec<usize> {
    let mut widths = natural(lines, layout);
    let gaps = 2 * widths.len().saturating_sub(1);
    let room = width.saturating_sub(gaps);
    while widths.iter().skip(1).sum::<usize>() + FIRST > room {
        let Some(largest) = widths.iter_mut().skip(1).max().filter(|w| **w > 6) else { break };
        *largest -= 1;
    }
    let rest: usize = widths.iter().skip(1).sum();
    if let Some(first) = widths.first_mut() {
        *first = (*first).min(room.saturating_sub(rest).max(FIRST));
    }
    widths
}

/// Bytes of a cell that are shown at most.
const LONGEST: usize = 1000;

/// Rows as lines of fixed columns; a cell that does not fit is wrapped inside its column.
fn render(layout: &Layout, widths: &[usize], rows: &[(Vec<String>, Option<Color>)], color: bool) -> String {
    let mut table = Table::new();
    table.load_style(NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    if color {
        table.enforce_styling();
    } else {
        table.force_no_tty();
    }
    for (cells, tone) in rows {
        table.add_row(cells.iter().enumerate().map(|(i, text)| {
            // A name may be a stranger's, of a megabyte, and wrapping it takes the square of that; JSON and CSV have all of it.
            let cell = Cell::new(edge::text::bounded(text.clone(), LONGEST));
            match tone {
                // The change, its interval and the verdict carry one colour.
                Some(c) if layout.is_toned(i) => cell.fg(*c),
                _ => cell,
            }
        }));
    }
    let last = widths.len().saturating_sub(1);
    for (i, column) in table.column_iter_mut().enumerate() {
        let gap = if i == last { 0 } else { 2 };
        column.set_padding((0, gap));
        let width = widths.get(i).copied().unwrap_or(FIRST) as u16 + gap;
        column.set_constraint(ColumnConstraint::Absolute(Width::Fixed(width)));
        if layout.is_numeric(i) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let mut text = String::new();
    for line in table.lines() {
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}
