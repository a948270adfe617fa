//! What a text on the command line names of a comparison.

use crate::{AnalyzeError, CategoryScore, Comparison, Row};
use formats::perf_conf::{Conf, likeness};
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

/// How alike an id has to be to a text that names nothing, to be asked for.
const ALIKE: f64 = 0.8;

/// A text as ids have it: what a campaign measures says the category as the tool does (`netperf/TCP_STREAM (RX)/size=64`), and ids
/// say it as perf.conf calls it.
pub fn as_ids_say<'a>(conf: &Conf, text: &'a str) -> Cow<'a, str> {
    let mut parts = text.splitn(3, '/');
    let (Some(workload), Some(category)) = (parts.next(), parts.next()) else { return text.into() };
    let Some(section) = conf.section(workload) else { return text.into() };
    let canonical = section.canonical_category(category);
    if canonical == category {
        return text.into();
    }
    let rest = parts.next().map(|rest| format!("/{rest}")).unwrap_or_default();
    format!("{workload}/{canonical}{rest}").into()
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
        [] => {
            let ids = comparison.rows.iter().map(|row| readable(&row.id));
            let near = ids.map(|id| (likeness(text, &id), id)).max_by(|one, other| one.0.total_cmp(&other.0));
            let near = near.filter(|(alike, _)| *alike >= ALIKE);
            let near = near.map(|(_, id)| format!("; did you mean '{id}'?")).unwrap_or_default();
            Err(AnalyzeError::Option(format!(
                "no row is called '{text}'{near}; every format prints the ids, `--format csv` in its first column"
            )))
        }
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
