//! The notes below the table: those of rows, which have numbers, and those of the whole comparison.

use super::fill::{Paint, one_line, wrapped};
use crate::explain::warning_text;
use crate::rows::RowView;
use analyze::{Comparison, Level, Warning};
use std::collections::BTreeMap;
use std::fmt::Write;

/// Row warnings, numbered once for all rows that share them.
pub(super) struct Notes<'a> {
    numbered: Vec<&'a Warning>,
    /// Those of one code are one note.
    by_code: bool,
}

impl<'a> Notes<'a> {
    /// Of the rows that are listed; `whole`: each text is a note of its own, else each code.
    pub fn of(views: &[RowView<'a>], whole: bool) -> Self {
        let mut notes = Notes { numbered: Vec::new(), by_code: !whole };
        for warning in views.iter().flat_map(|v| v.row.warnings.iter()) {
            if notes.number(warning).is_none() {
                notes.numbered.push(warning);
            }
        }
        notes
    }

    fn number(&self, warning: &Warning) -> Option<usize> {
        let same = |n: &&Warning| n.code == warning.code && (self.by_code || n.text == warning.text);
        self.numbered.iter().position(same)
    }

    /// `[1,3]`.
    pub fn marks(&self, view: &RowView<'_>) -> String {
        let mut numbers: Vec<usize> =
            view.row.warnings.iter().filter_map(|w| self.number(w)).map(|i| i + 1).collect();
        numbers.sort_unstable();
        numbers.dedup();
        if numbers.is_empty() {
            return String::new();
        }
        let texts: Vec<String> = numbers.iter().map(ToString::to_string).collect();
        format!("[{}]", texts.join(","))
    }

    /// Writes them, and those of the whole comparison that do not block: each in full, or those of one code in a line with their
    /// number.
    pub fn write(
        &self,
        out: &mut String,
        comparison: &Comparison,
        views: &[RowView<'_>],
        width: usize,
        paint: &Paint,
    ) {
        let general: Vec<&Warning> = comparison.warnings.iter().filter(|w| w.level == Level::Note).collect();
        if self.numbered.is_empty() && general.is_empty() {
            return;
        }
        out.push_str("\nNotes\n");
        if !self.by_code {
            for (i, warning) in self.numbered.iter().enumerate() {
                let line = format!("  [{}] {}", i + 1, warning_text(warning));
                wrapped(out, &line, width, "      ", |l| paint.dim(l));
            }
            for warning in general {
                wrapped(out, &format!("  -   {}", warning_text(warning)), width, "      ", |l| paint.dim(l));
            }
            return;
        }
        let of_code =
            |code: &str| views.iter().filter(|v| v.row.warnings.iter().any(|w| *w.code == *code)).count();
        for (i, warning) in self.numbered.iter().enumerate() {
            let rows = model::counted(of_code(warning.code), "row");
            let line = format!("  [{}] {rows}, {}", i + 1, warning_text(warning));
            let _ = writeln!(out, "{}", paint.dim(&one_line(&line, width)));
        }
        let mut kinds: BTreeMap<&str, (usize, &Warning)> = BTreeMap::new();
        for warning in general {
            kinds.entry(warning.code).or_insert((0, warning)).0 += 1;
        }
        for (times, warning) in kinds.into_values() {
            let times = if times > 1 { format!("{times}× ") } else { String::new() };
            let _ = writeln!(
                out,
                "{}",
                paint.dim(&one_line(&format!("  {times}{}", warning_text(warning)), width))
            );
        }
    }
}
