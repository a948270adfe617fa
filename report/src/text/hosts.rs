//! A table for each of the gravest rows: what each host says of it.

use super::fill::{Paint, one_line, wrapped};
use crate::hosts;
use crate::rows::{RowView, glyph};
use crate::whom;
use analyze::Comparison;
use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, ContentArrangement, Table};
use edge::visible;
use std::fmt::Write;

/// So many rows have a table.
const LISTED: usize = 3;
/// The same in full.
const LISTED_IN_FULL: usize = 20;
/// Columns that the name of a host has.
const NAME: usize = 24;

/// Whom the sentences are about, and the tables of the first rows that count.
pub(super) fn write(
    out: &mut String,
    comparison: &Comparison,
    views: &[RowView<'_>],
    (width, all): (usize, bool),
    paint: &Paint,
) {
    let (Some(known), Some(whom)) = (&comparison.hosts, whom::whom_by_name(comparison)) else { return };
    let _ = writeln!(out, "\n{}", paint.bold("Hosts"));
    wrapped(out, &format!("  {whom} ({})", whom::why(known)), width, "  ", |l| l.to_owned());
    let listed = if all { LISTED_IN_FULL } else { LISTED };
    let counting: Vec<&RowView<'_>> = views.iter().filter(|view| view.counts).collect();
    for view in counting.iter().take(listed) {
        let row = view.row;
        let name =
            format!("  {} {} {} {}", glyph(row.verdict), visible(&row.category), view.case(), view.metric());
        let _ = writeln!(out, "{}", one_line(&name, width));
        let mut table = Table::new();
        table.load_style(NOTHING).set_content_arrangement(ContentArrangement::Dynamic).force_no_tty();
        table.set_width(u16::try_from(width).unwrap_or(u16::MAX));
        table.add_row(["host", "blocks", "change", "95% interval", "this host alone"]);
        for line in hosts::lines(view) {
            let host = one_line(&line.host, NAME);
            table.add_row([host, line.blocks.to_string(), line.change, line.ci, line.said]);
        }
        for (i, column) in table.column_iter_mut().enumerate() {
            let indent = if i == 0 { 4 } else { 0 };
            column.set_padding((indent, 2)).set_cell_alignment(CellAlignment::Left);
        }
        for line in table.lines() {
            let _ = writeln!(out, "{}", line.trim_end());
        }
        if let Some(differ) = hosts::differ(view) {
            let _ = writeln!(out, "    {differ}");
        }
    }
    if let Some(more) = counting.len().checked_sub(listed).filter(|more| *more > 0) {
        let _ = writeln!(
            out,
            "  and {} more; `perfvt explain` shows the hosts of any",
            model::counted(more, "row")
        );
    }
}
