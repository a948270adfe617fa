//! What may explain a change, in the explanation of its row: the same as in its details on the page.

use crate::causes::{self, Companions, Exits};
use crate::rows::{self, glyph};
use analyze::{Comparison, Flame};
use edge::visible;
use std::fmt::Write;

/// Writes what moved with a row, exits by reason, and where the time went; nothing for rows of which no change was decided.
pub(super) fn write(out: &mut String, comparison: &Comparison, index: usize) {
    let views = rows::views(comparison);
    let Some(view) = views.get(index).filter(|view| view.row.verdict.is_decided_change()) else { return };
    let companions = Companions::of(&views);
    let moved = companions.moved(view);
    if !moved.is_empty() {
        out.push_str("\nWhat moved with it\n");
        let lines: Vec<[String; 3]> = moved
            .iter()
            .map(|v| {
                let verdict = format!("{} {}", glyph(v.row.verdict), v.row.verdict.word());
                [v.metric_unit(), v.change.text.clone(), verdict]
            })
            .collect();
        table(out, &lines, 1);
    }
    match companions.exits(comparison, view) {
        Exits::Unknown => {}
        Exits::Absent(reason) => {
            let _ = writeln!(out, "\nExits by reason: {}", visible(reason));
        }
        Exits::Rows(found) => {
            out.push_str("\nExits by reason, A and B\n");
            let lines: Vec<[String; 5]> = found
                .iter()
                .map(|v| {
                    let verdict = format!("{} {}", glyph(v.row.verdict), v.row.verdict.word());
                    [v.metric().into_owned(), v.a.clone(), v.b.clone(), v.change.text.clone(), verdict]
                })
                .collect();
            table(out, &lines, 1);
        }
    }
    let Some(cause) = causes::of_row(comparison, view.row) else { return };
    let _ = writeln!(out, "\nWhere the time went ({})", causes::HINT);
    if let Some(flame) = &cause.profile {
        of_profile(out, flame);
    }
    for told in &cause.told {
        let _ = writeln!(out, "  - {}", visible(told));
    }
}

fn of_profile(out: &mut String, flame: &Flame) {
    let _ = writeln!(out, "  samples: {}", causes::samples(flame));
    if flame.moved.is_empty() {
        out.push_str("  no function has another share than before\n");
        return;
    }
    let heads = causes::HEADS.map(str::to_owned);
    let lines: Vec<[String; 6]> =
        std::iter::once(heads).chain(flame.moved.iter().map(causes::cells)).collect();
    table(out, &lines, 2);
}

/// Lines of cells, one below the other: the first ones to the left, the others to the right, the last as it comes.
fn table<const N: usize>(out: &mut String, lines: &[[String; N]], left: usize) {
    let width =
        |i: usize| lines.iter().filter_map(|line| line.get(i)).map(|c| c.chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..N).map(width).collect();
    for line in lines {
        let mut text = String::new();
        for (i, (cell, width)) in line.iter().zip(&widths).enumerate() {
            let _ = match i {
                i if i < left => write!(text, "  {cell:<width$}"),
                i if i + 1 == N && left == 1 => write!(text, "  {cell}"),
                _ => write!(text, "  {cell:>width$}"),
            };
        }
        let _ = writeln!(out, "{}", text.trim_end());
    }
}
