//! What `perfvt calibrate` writes and `perfvt compare --noise` reads: how much sessions of one build differ.

use crate::AnalyzeError;
use serde::{Deserialize, Serialize};
use stats::{ErrorPart, SessionVariance};
use std::collections::BTreeSet;
use std::path::Path;

/// The version that [`NoiseFile::format`] carries.
///
/// Changelog: 1, a floor for each row, which is read and not used; 2, the variance between sessions.
pub const NOISE_FORMAT: u32 = 2;

/// The file, as JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NoiseFile {
    /// [`NOISE_FORMAT`].
    pub format: u32,
    /// Version of the perfvt that wrote it.
    pub perfvt: String,
    /// What it was found from.
    pub sources: Vec<NoiseSource>,
    /// What must be known, one sentence each.
    pub warnings: Vec<String>,
    /// The variances, pooled over the rows: of logarithms, or relative to the row's mean.
    pub session: SessionVariance,
    /// The rows that it was pooled over.
    pub rows: Vec<NoiseRow>,
}

/// A directory that the variances were found from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoiseSource {
    /// As it was given.
    pub path: String,
    /// Campaign id, when the directory tells.
    pub campaign: Option<String>,
    /// Repeats.
    pub repeats: usize,
    /// Host boots, when they are known.
    pub host_boots: Option<usize>,
    /// When it was measured, seconds since the epoch.
    pub date_unix: Option<i64>,
    /// What tells each of its repeats from any other, so that a comparison knows them again wherever they lie; files of older
    /// perfvts have none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub contents: Vec<String>,
}

/// What one row gave.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NoiseRow {
    /// Row id without a candidate's number.
    pub id: String,
    /// Sessions with a value.
    pub sessions: usize,
    /// The smallest number of boots of a session.
    pub n: usize,
    /// SD between the means of its sessions, of logarithms or relative to the mean.
    pub sd_between: f64,
}

/// What a comparison knows of sessions (`--noise`).
#[derive(Clone, Debug, PartialEq)]
pub struct Noise {
    /// The file.
    pub path: String,
    /// The variances; `None`: the file is of an older perfvt and holds floors.
    pub session: Option<SessionVariance>,
    /// The repeats that it was learnt from, as [`NoiseSource::contents`] has them.
    pub learnt_from: BTreeSet<String>,
}

/// What every version of the file has.
#[derive(Deserialize)]
struct AnyVersion {
    format: u32,
}

impl Noise {
    /// Reads a file that `perfvt calibrate` wrote, of any version.
    ///
    /// # Errors
    /// It cannot be read, is no such file, or holds a variance that is none.
    pub fn read(path: &Path) -> Result<Noise, AnalyzeError> {
        let name = path.display().to_string();
        let any: AnyVersion = model::store::read_json(path, NOISE_FORMAT)?;
        if any.format < NOISE_FORMAT {
            return Ok(Noise { path: name, session: None, learnt_from: BTreeSet::new() });
        }
        let file: NoiseFile = model::store::read_json(path, NOISE_FORMAT)?;
        let found = file.session;
        let sound = |x: f64| x.is_finite() && x >= 0.0;
        if !sound(found.tau2) || !sound(found.df) || found.df < 1.0 {
            return Err(AnalyzeError::Option(format!(
                "reading {name}: the variance between sessions is {} with {} df, want 0 or more with 1 or more",
                found.tau2, found.df
            )));
        }
        let learnt_from = file.sources.into_iter().flat_map(|source| source.contents).collect();
        Ok(Noise { path: name, session: Some(found), learnt_from })
    }

    /// Whether it was learnt from a repeat, which its content tells from any other.
    pub(crate) fn is_learnt_from(&self, content: u64) -> bool {
        self.learnt_from.contains(&content_word(content))
    }

    /// What sessions add to the squared error of a difference in which their variance stands `weight` times.
    pub(crate) fn part(&self, weight: f64) -> Option<ErrorPart> {
        let found = self.session.filter(|_| weight > 0.0)?;
        Some(ErrorPart { variance: weight * found.tau2, df: found.df })
    }
}

/// What tells a repeat from any other, as the file has it: JSON's numbers do not hold it.
pub(crate) fn content_word(content: u64) -> String {
    format!("{content:016x}")
}

/// `SD 4.9 % with 61 df, of 5 sessions and 24 rows`.
pub(crate) fn said(found: &SessionVariance) -> String {
    format!(
        "SD {:.2} % with {:.0} df, of {} sessions and {}",
        100.0 * found.tau2.sqrt(),
        found.df.floor(),
        found.sessions,
        model::counted(found.rows, "row")
    )
}
