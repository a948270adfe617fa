//! What a bisection begins with: the plan, and the folder that is its.

use super::bench::{Bench, Measured};
use crate::Error;
use crate::args::Bisect;
use crate::bisect::{FORMAT, Plan};
use builds::{Commit, Range, Recipe, Repository};
use model::store::read_json;
use rustix::fs::{FlockOperation, flock};
use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

/// The folder's own files.
const PLAN: &str = "bisect.json";
const LOCK: &str = "lock";

/// What is asked for, checked as far as it can be before anything is built.
pub(super) fn plan(
    args: &Bisect,
    bench: &Bench<'_>,
    repository: &Repository,
    recipe: &Recipe,
    range: &Range,
) -> Result<Plan, Error> {
    let mut paths = BTreeMap::new();
    for commit in range.commits().iter().skip(1) {
        paths.insert(commit.id.clone(), repository.paths(&commit.id)?);
    }
    let words = bench.words();
    let asked = Measured { name: "good".to_owned(), params: BTreeMap::new() };
    // What is wrong with the workload or the row is found before hours are spent on builds.
    let _ = bench.plan(&[asked], 0, None)?;
    let created = jiff::Timestamp::now();
    Ok(Plan {
        format: FORMAT,
        perfvt: env!("CARGO_PKG_VERSION").to_owned(),
        created: created.as_second(),
        repository: std::path::absolute(repository.folder())?,
        recipe: recipe.name().to_owned(),
        range: args.range.clone(),
        commits: range.commits().to_vec(),
        weights: range.weights(|commit: &Commit| paths.remove(&commit.id).unwrap_or_default()),
        row: args.row.clone(),
        measuring: words.iter().map(|word| word.to_string_lossy().into_owned()).collect(),
        seed: created.as_nanosecond() as u64,
    })
}

/// Takes the folder into this process's hands; None while another is at work there.
pub(super) fn taken(dir: &Path) -> Result<Option<File>, Error> {
    let failed = |what: &str, e: std::io::Error| format!("{what} {}: {e}", dir.display());
    let strange = dir.exists() && !dir.join(LOCK).exists() && dir.read_dir()?.next().is_some();
    if strange {
        return Err(format!(
            "{} is there already, and is no bisection; --out DIR takes another folder",
            dir.display()
        )
        .into());
    }
    edge::write::create_directory(dir).map_err(|e| failed("making", e))?;
    let lock = edge::write::open_lock(dir.join(LOCK)).map_err(|e| failed("locking", e))?;
    match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(Some(lock)),
        Err(rustix::io::Errno::WOULDBLOCK) => Ok(None),
        Err(error) => Err(failed("locking", error.into()).into()),
    }
}

/// The plan that was begun in a folder, or this one from now on.
pub(super) fn going_on(dir: &Path, plan: Plan) -> Result<Plan, Error> {
    let path = dir.join(PLAN);
    if !path.exists() {
        let mut text = Vec::new();
        model::json::write_pretty(&mut text, &plan)?;
        edge::write_atomically(&path, &text).map_err(|e| format!("writing {}: {e}", path.display()))?;
        return Ok(plan);
    }
    let begun: Plan = read_json(&path, FORMAT)?;
    match begun.differs(&plan) {
        None => Ok(begun),
        Some(what) => Err(format!(
            "{}: a bisection of another {what} was begun there; --out DIR takes another folder",
            dir.display()
        )
        .into()),
    }
}
