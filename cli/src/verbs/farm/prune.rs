//! `perfvt farm prune`.

use super::json;
use crate::args::Prune;
use crate::{DONE, Error};
use farm::Farm;
use farm::copy::prune as prune_shard;
use farm::state::journal;
use model::farm::FARM_FILE;
use model::{Moment, counted};
use serde::Serialize;
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

#[derive(Serialize)]
struct Pruned {
    dir: PathBuf,
    files: usize,
    bytes: u64,
}

/// Removes raw output of finished farms that are old.
pub(super) fn prune(args: &Prune, as_json: bool, out: &mut dyn Write) -> Result<u8, Error> {
    let age = days(&args.keep_raw)?;
    let before = u128::from(Moment::now().unix_ns).saturating_sub(age.as_nanos());
    let mut all = Vec::new();
    let mut dirs: Vec<PathBuf> = Vec::new();
    for entry in std::fs::read_dir(&args.farm).map_err(|e| format!("listing {}: {e}", args.farm.display()))? {
        dirs.push(entry?.path());
    }
    dirs.sort();
    for dir in dirs.into_iter().filter(|dir| dir.join(FARM_FILE).is_file()) {
        let (farm, _lock) = Farm::take(&dir)?;
        if u128::from(farm.file().created_unix_ns) >= before {
            continue;
        }
        let mut pruned = Pruned { dir, files: 0, bytes: 0 };
        for plan in &farm.file().shards {
            let shard = farm.shard_dir(plan);
            // One that is not finished may still be gone on with.
            if journal(&shard)?.is_none_or(|state| state.finished.is_none()) {
                continue;
            }
            let (files, bytes) = prune_shard(&shard, args.dry_run)?;
            pruned.files += files;
            pruned.bytes += bytes;
        }
        if pruned.files > 0 {
            all.push(pruned);
        }
    }
    if as_json {
        return json(&all, out);
    }
    let would = if args.dry_run { "would go" } else { "removed" };
    for one in &all {
        let (files, size) = (counted(one.files, "raw file"), one.bytes >> 20);
        writeln!(out, "{}: {files}, {size} MiB {would}", one.dir.display())?;
    }
    if all.is_empty() {
        writeln!(out, "nothing is that old, or has raw output")?;
    }
    Ok(DONE)
}

/// `180d`.
fn days(text: &str) -> Result<Duration, Error> {
    let days: Option<u64> = text.strip_suffix('d').and_then(|days| days.parse().ok());
    let days = days.filter(|days| *days <= 36_500);
    let days = days.ok_or_else(|| format!("--keep-raw {text}: want a number of days, 180d for example"))?;
    Ok(Duration::from_secs(days * 24 * 3600))
}
