//! Which directories a comparison is about, and how reports call them.

use super::environments::{environments, subdirectories};
use super::{LoadedSide, farm, run_dir};
use crate::error::io;
use crate::options::CompareOptions;
use crate::warnings::blocking;
use crate::{AnalyzeError, Warning};
use model::counted;
use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The directories of each side in order, the baseline first; those of `pooled` are further boots of the baseline.
pub(crate) fn directories(options: &CompareOptions) -> Result<Vec<Vec<PathBuf>>, AnalyzeError> {
    if let Some(farm) = farm::find(&options.paths)? {
        if !options.pooled.is_empty() {
            let what = "--baseline-from: both sides of several hosts are theirs, host by host; give the campaigns of further hosts, too";
            return Err(AnalyzeError::Sides(what.into()));
        }
        return farm.directories();
    }
    let mut all = sides(&options.paths)?;
    if let Some(baseline) = all.first_mut() {
        for path in &options.pooled {
            fs::metadata(path).map_err(io(path))?;
            baseline.push(single(path)?);
        }
    }
    Ok(all)
}

/// Which directories are compared: those that were given, or the environments of the one campaign that was given.
fn sides(paths: &[PathBuf]) -> Result<Vec<Vec<PathBuf>>, AnalyzeError> {
    for path in paths {
        fs::metadata(path).map_err(io(path))?;
    }
    match paths {
        [] => Err(AnalyzeError::Sides("nothing to compare: give a baseline and a candidate".into())),
        [only] => {
            let Some(environments) = environments(only)? else { return Err(one_side(only)?) };
            if environments.len() < 2 {
                return Err(AnalyzeError::Sides(format!(
                    "{} has one environment with results; give a second directory to compare it with",
                    only.display()
                )));
            }
            Ok(environments.into_iter().map(|path| vec![path]).collect())
        }
        several => several.iter().map(|path| of_one(path)).collect(),
    }
}

/// The directories of a side that stands beside others: those of a farm are further boots of its one environment.
fn of_one(path: &Path) -> Result<Vec<PathBuf>, AnalyzeError> {
    let farm = farm::find(std::slice::from_ref(&path.to_owned()))?;
    match farm.and_then(|farm| farm.only_side()) {
        Some(directories) => Ok(directories),
        None => single(path).map(|path| vec![path]),
    }
}

/// What perfvt measured at a path, where that is a campaign or a farm: every environment, of a farm those of each shard.
pub(crate) fn measured(path: &Path) -> Result<Option<Vec<PathBuf>>, AnalyzeError> {
    match farm::find(std::slice::from_ref(&path.to_owned()))? {
        Some(farm) => Ok(Some(farm.each())),
        None => environments(path),
    }
}

/// A side that stands beside others: a campaign must have one environment only.
pub(super) fn single(path: &Path) -> Result<PathBuf, AnalyzeError> {
    if farm::is_farm(path) {
        let what = "a farm of several hosts, whose environments are compared host by host: give it alone, or one of its shards";
        return Err(AnalyzeError::Sides(format!("{} is {what}", path.display())));
    }
    match environments(path)?.as_deref() {
        None => measured_alone(path),
        Some([only]) => Ok(only.clone()),
        Some(several) => Err(AnalyzeError::Sides(format!(
            "{} is a campaign of {}; name one of them: {}",
            path.display(),
            counted(several.len(), "environment"),
            list(several)
        ))),
    }
}

/// Why one argument that is no campaign is not enough.
fn one_side(path: &Path) -> Result<AnalyzeError, AnalyzeError> {
    let path_text = path.display();
    let below = measured_below(path)?;
    Ok(AnalyzeError::Sides(if below.is_empty() {
        format!("{path_text} is one side; give a second one to compare it with, or a campaign's directory")
    } else {
        let names = list(&below);
        format!("{path_text} is no campaign; give the baseline first, then the candidates, of {names}")
    }))
}

/// A directory as it is, unless it holds what perfvt measured: then the one environment below it. The files of several
/// must not become the repeats of one side.
fn measured_alone(path: &Path) -> Result<PathBuf, AnalyzeError> {
    let below = measured_below(path)?;
    match below.as_slice() {
        [] => Ok(path.to_owned()),
        [only] if subdirectories(path)?.len() == 1 => Ok(only.clone()),
        several => Err(AnalyzeError::Sides(format!(
            "{} is no side: it holds {} that perfvt measured; name one of them: {}",
            path.display(),
            counted(several.len(), "environment"),
            list(several)
        ))),
    }
}

fn list(paths: &[PathBuf]) -> String {
    paths.iter().map(|p| p.display().to_string()).collect::<Vec<_>>().join(", ")
}

/// Environments, and those of campaigns, directly below a directory that is neither.
fn measured_below(path: &Path) -> Result<Vec<PathBuf>, AnalyzeError> {
    let mut out = Vec::new();
    if !path.is_dir() || run_dir::is_run_dir(path) {
        return Ok(out);
    }
    for directory in subdirectories(path)? {
        match environments(&directory)? {
            Some(of_campaign) => out.extend(of_campaign),
            None if run_dir::is_run_dir(&directory) => out.push(directory),
            None => {}
        }
    }
    Ok(out)
}

/// `--labels`, else the directory's name, else as much of the path as tells the sides apart.
pub(super) fn labels(paths: &[PathBuf], given: &[String]) -> Vec<String> {
    let last = |path: &PathBuf, n: usize| {
        let full = fs::canonicalize(path).unwrap_or_else(|_| path.clone());
        let parts: Vec<String> =
            full.components().map(|c| c.as_os_str().to_string_lossy().into_owned()).collect();
        parts.get(parts.len().saturating_sub(n)..).unwrap_or_default().join("/")
    };
    let named = |n: usize| -> Vec<String> { paths.iter().map(|p| last(p, n)).collect() };
    let distinct = |names: &[String]| names.iter().collect::<HashSet<_>>().len() == names.len();
    let automatic = [named(1), named(2)]
        .into_iter()
        .find(|names| distinct(names))
        .unwrap_or_else(|| paths.iter().map(|p| p.display().to_string()).collect());
    automatic.into_iter().enumerate().map(|(i, name)| given.get(i).cloned().unwrap_or(name)).collect()
}

/// Warns when a candidate's files are the baseline's, under whatever names: they differ in nothing, by construction.
pub(super) fn same_side(baseline: &LoadedSide, side: &LoadedSide) -> Option<Warning> {
    use std::os::unix::fs::MetadataExt;
    let inodes = |side: &LoadedSide| -> HashSet<(u64, u64)> {
        let found = side.repeats.iter().filter_map(|r| fs::metadata(&r.path).ok());
        found.map(|m| (m.dev(), m.ino())).collect()
    };
    let shared = inodes(baseline).intersection(&inodes(side)).count();
    let real = |path: &Path| fs::canonicalize(path).ok();
    let one_place = real(&side.path).is_some_and(|path| real(&baseline.path) == Some(path));
    let count = if one_place { side.repeats.len() } else { shared };
    (count > 0).then(|| {
        let text = format!(
            "{} and {} have {} in common: what is compared with itself does not differ",
            baseline.label,
            side.label,
            counted(count, "file")
        );
        let advice = "give two measurements; their equality says nothing about the guests";
        blocking("same-side", text, advice, count)
    })
}
