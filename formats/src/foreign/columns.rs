//! A table whose first line names its columns, for readers elsewhere that know their own columns: separators, decimals, comments
//! and lines that were cut are told here, in one way for all tables.

use super::decimal::Decimals;
use super::table::{self, Line};
use std::borrow::Cow;

/// A table with its heading read.
pub struct Columns<'a> {
    text: &'a str,
    separator: char,
    decimals: Decimals,
    /// What the columns are called, in small letters.
    pub names: Vec<String>,
}

/// A line of a table below its heading.
#[derive(Debug)]
pub struct Cells<'a> {
    /// Where it begins, counted from 1.
    pub line: u32,
    /// As many as there are columns.
    pub cells: Vec<Cow<'a, str>>,
}

/// A line that says nothing of the table: one that begins with `#`, and `sep=;` of spreadsheets.
fn is_comment(line: &str) -> bool {
    line.trim_start().starts_with('#') || table::said(line).is_some()
}

impl<'a> Columns<'a> {
    /// The table of a text, whose cells are separated by commas, semicolons, tabs, or what a first line `sep=|` says; lines that
    /// begin with `#` are comments. `numbers` is the column whose cells tell which of comma and point is the decimal one.
    /// `None`: the text has no line.
    pub fn of(text: &'a str, numbers: &str) -> Option<Columns<'a>> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let said = text.lines().find(|line| !line.trim().is_empty()).and_then(table::said);
        let heading = text.lines().find(|line| !line.trim().is_empty() && !is_comment(line))?;
        let separator = said.unwrap_or_else(|| table::separator(heading));
        let lines = || table::lines_without(text, separator, &is_comment);
        let names: Vec<String> = lines().next()?.cells.iter().map(|cell| cell.to_ascii_lowercase()).collect();
        let mut decimals = Decimals::of(separator, std::iter::empty());
        if let Some(at) = names.iter().position(|name| name == numbers).filter(|_| separator != ',') {
            lines()
                .skip(1)
                .filter_map(|line| line.cells.get(at).cloned())
                .for_each(|cell| decimals.see(&cell));
        }
        Some(Columns { text, separator, decimals, names })
    }

    /// The lines below the heading, in order.
    ///
    /// # Errors
    /// Each line with another number of cells, and one that may be the first part of a longer one, with its number.
    pub fn rows(&self) -> impl Iterator<Item = Result<Cells<'a>, (u32, String)>> {
        let wanted = self.names.len();
        let lines = table::lines_without(self.text, self.separator, &is_comment);
        lines.skip(1).map(move |Line { number, cells, end }| match table::cut(end, false) {
            Some(why) => Err((number, why.to_owned())),
            None if cells.len() != wanted => {
                Err((number, format!("{} cells below {wanted} columns", cells.len())))
            }
            None => Ok(Cells { line: number, cells }),
        })
    }

    /// The number of a cell, with this table's decimals.
    ///
    /// # Errors
    /// Why it is none.
    pub fn number(&self, cell: &str) -> Result<f64, String> {
        self.decimals.number(cell)
    }
}
