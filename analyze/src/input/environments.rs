//! The environments of a campaign, and folders in a folder.

use super::run_dir;
use crate::AnalyzeError;
use crate::discover::natural_path_order;
use crate::error::io;
use model::campaign::CAMPAIGN_FORMAT;
use model::store::{self, CAMPAIGN_FILE};
use serde::Deserialize;
use std::fs;
use std::path::{Path, PathBuf};

/// What is used of `campaign.json`; everything else stands in each `run.json` again.
#[derive(Deserialize)]
struct Plan {
    environments: Vec<PlannedEnvironment>,
}

#[derive(Deserialize)]
struct PlannedEnvironment {
    name: String,
}

/// The environments of a campaign that have a directory, in the order of the plan; `None` for anything else.
///
/// # Errors
/// A `campaign.json` that cannot be read, or names what is no directory of the campaign.
pub fn environments(path: &Path) -> Result<Option<Vec<PathBuf>>, AnalyzeError> {
    let file = path.join(CAMPAIGN_FILE);
    if !file.is_file() {
        return Ok(None);
    }
    let campaign: Plan = store::read_json(&file, CAMPAIGN_FORMAT)?;
    // The file may come from anybody: a name must not lead out of the campaign.
    let is_name = |name: &str| {
        let mut parts = Path::new(name).components();
        matches!((parts.next(), parts.next()), (Some(std::path::Component::Normal(only)), None) if only == name)
    };
    if let Some(strange) = campaign.environments.iter().find(|e| !is_name(&e.name)) {
        return Err(AnalyzeError::Sides(format!(
            "{} names an environment '{}', which is no directory of it; the file was changed or damaged by something \
             else than perfvt",
            file.display(),
            strange.name.escape_debug()
        )));
    }
    let directories = campaign.environments.iter().map(|e| path.join(&e.name));
    Ok(Some(directories.filter(|d| run_dir::is_run_dir(d)).collect()))
}

/// The directories in a directory, without symlinks, in natural order.
pub(super) fn subdirectories(path: &Path) -> Result<Vec<PathBuf>, AnalyzeError> {
    let mut out = Vec::new();
    for entry in fs::read_dir(path).map_err(io(path))? {
        let entry = entry.map_err(io(path))?;
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            out.push(entry.path());
        }
    }
    out.sort_by(|a, b| natural_path_order(a, b));
    Ok(out)
}
