//! What a text on the command line names of a comparison.

use crate::{AnalyzeError, CategoryScore, Comparison, Row};
use model::readable;
use std::borrow::Cow;

/// What of a comparison can be explained.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Named<'a> {
    /// A row, by its place in [`Comparison::rows`].
    Row(usize),
    /// A category as a whole, of the candidate with this number.
    Category(usize, &'a CategoryScore),
}

/// What a text names: a row by its whole id or a part that no other row has, or a category with a score, `netperf/TCP_RR`; with
/// several candidates `netperf/TCP_RR#2`.
///
/// # Errors
/// Nothing, or several; the text then lists some of them.
pub fn find_named<'a>(comparison: &'a Comparison, text: &str) -> Result<Named<'a>, AnalyzeError> {
    let one = comparison.b.len() == 1;
    let mut categories =
        comparison.summary.iter().flat_map(|s| s.categories.iter().map(|c| (s.candidate, c)));
    let is_named = |(candidate, of): &(usize, &CategoryScore)| {
        let name = format!("{}/{}", of.workload, of.category);
        let named = |text: &str| text == name || text == readable(&name) || readable(text) == name;
        match text.rsplit_once('#') {
            _ if one => named(text),
            Some((text, number)) => named(text) && number == (candidate + 1).to_string(),
            None => false,
        }
    };
    match categories.find(is_named) {
        Some((candidate, category)) => Ok(Named::Category(candidate, category)),
        None => find_row(comparison, text).map(Named::Row),
    }
}

/// The row that a text names: its whole id, or a part that no other row has.
///
/// # Errors
/// No row, or several; the text then lists some of them.
pub fn find_row(comparison: &Comparison, text: &str) -> Result<usize, AnalyzeError> {
    if let Some(index) = comparison.rows.iter().position(|r| r.id == text || readable(&r.id) == text) {
        return Ok(index);
    }
    let found: Vec<(usize, &Row)> = comparison
        .rows
        .iter()
        .enumerate()
        .filter(|(_, r)| r.id.contains(text) || readable(&r.id).contains(text))
        .collect();
    match found.as_slice() {
        [(index, _)] => Ok(*index),
        [] => Err(AnalyzeError::Option(format!(
            "no row is called '{text}'; every format prints the ids, `--format csv` in its first column"
        ))),
        several => {
            let some: Vec<Cow<'_, str>> = several.iter().take(5).map(|(_, r)| readable(&r.id)).collect();
            Err(AnalyzeError::Option(format!(
                "'{text}' is a part of {} rows; name one of them: {}{}",
                several.len(),
                some.join(", "),
                if several.len() > some.len() { ", .." } else { "" }
            )))
        }
    }
}
