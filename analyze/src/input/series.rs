//! `series.jsonl`: how much of a boot's value is the noise within that boot.

use super::repeat::Repeat;
use crate::AnalyzeError;
use model::lines::Versioned;
use model::store::{self, MEASUREMENTS_FILE, SERIES_FILE};
use serde::Deserialize;
use std::collections::HashMap;
use std::path::Path;

/// What is used of a line.
#[derive(Deserialize)]
struct Line {
    #[serde(default)]
    v: u32,
    case: String,
    metric: String,
    #[serde(default)]
    session: Option<u32>,
    /// Without a length an interval says nothing.
    #[serde(default)]
    seconds: f64,
    value: f64,
}

/// The intervals of one session.
#[derive(Default)]
struct Intervals {
    values: Vec<f64>,
    seconds: Vec<f64>,
}

impl Versioned for Line {
    fn version(&self) -> u32 {
        self.v
    }
}

/// The squared standard error that the intervals of one boot give its value, by case id and metric as written.
///
/// An interval counts as long as it was ([`stats::time_weighted`]): a tool's last one may have no length and any rate.
/// Sessions add up, so that their squared standard errors do; the intervals of a session are taken as independent,
/// which makes the figure a lower bound where neighbours resemble each other. Empty without the file.
pub(crate) fn within_boot(repeat: &Repeat) -> Result<HashMap<(String, String), f64>, AnalyzeError> {
    let path = Path::new(&repeat.path);
    let is_ours = path.file_name().is_some_and(|n| n == MEASUREMENTS_FILE);
    let file = path.with_file_name(SERIES_FILE);
    if !is_ours || !file.is_file() {
        return Ok(HashMap::new());
    }
    let mut sessions: HashMap<(String, String), HashMap<Option<u32>, Intervals>> = HashMap::new();
    let read = store::read_series::<Line>(&file)?;
    if read.items.is_empty() && !read.sealed && repeat.sealed == Some(true) {
        return Err(store::unsealed_series(&file).into());
    }
    for line in read.items {
        if line.value.is_finite() && line.seconds.is_finite() {
            let of_case = sessions.entry((line.case, line.metric)).or_default();
            let session = of_case.entry(line.session).or_default();
            session.values.push(line.value);
            session.seconds.push(line.seconds);
        }
    }
    let squared_error = |of: &Intervals| Some(stats::time_weighted(&of.values, &of.seconds).ok()?.se.powi(2));
    let total = |by_session: HashMap<Option<u32>, Intervals>| -> Option<f64> {
        by_session.values().map(squared_error).sum::<Option<f64>>().filter(|v| v.is_finite())
    };
    Ok(sessions.into_iter().filter_map(|(key, s)| Some((key, total(s)?))).collect())
}
