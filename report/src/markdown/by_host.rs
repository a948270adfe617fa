//! What each host says of the rows that were decided.

use super::{cell, escaped, shortened};
use crate::rows::RowView;
use crate::{hosts, sentence, whom};
use analyze::Comparison;
use edge::visible;
use std::fmt::Write;

/// So many decided rows are shown host by host.
const ROWS_BY_HOST: usize = 3;

/// Whom the sentences are about, and what each host says of the rows that were decided, as many as the budget allows.
pub(super) fn write(out: &mut String, comparison: &Comparison, views: &[RowView<'_>], budget: &mut usize) {
    let Some(whom) = whom::whom_by_name(comparison) else { return };
    let mut parts = vec![format!("\nEverything here holds {}.\n", escaped(&shortened(&whom, 600)))];
    for view in views.iter().filter(|view| view.counts).take(ROWS_BY_HOST) {
        let name = format!("{} {} {}", visible(&view.row.category), view.case(), view.metric());
        let head = "| host | blocks | change | 95% interval | this host alone |\n|:--|--:|--:|:-:|:--|\n";
        let mut part = format!("\n{}, by host:\n\n{head}", escaped(&shortened(&name, 300)));
        for line in hosts::lines(view) {
            let cells = [
                cell(&line.host),
                line.blocks.to_string(),
                cell(&line.change),
                cell(&line.ci),
                cell(&line.said),
            ];
            let _ = writeln!(part, "| {} |", cells.join(" | "));
        }
        part.extend(hosts::differ(view).map(|differ| format!("\n{}.\n", escaped(&sentence::upper(&differ)))));
        parts.push(part);
    }
    for part in parts {
        let length = part.chars().count();
        if length > *budget {
            return;
        }
        *budget -= length;
        out.push_str(&part);
    }
}
