//! `perfvt farm prune`.

use super::json;
use crate::args::Prune;
use crate::{DONE, Error};
use farm::Farm;
use farm::copy::prune as prune_shard;
use farm::state::journal;
use model::farm::FARM_FILE;
use model::{Moment, ShardPlan, counted};
use report::site::Published;
use serde::Serialize;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Files by which a result is signed, or was published, beside its own.
const SIGNATURES: [&str; 2] = ["SHA256SUMS", "SHA256SUMS.sig"];

#[derive(Serialize)]
struct Pruned {
    dir: PathBuf,
    files: usize,
    bytes: u64,
    kept: Vec<Kept>,
}

/// A shard that is old and keeps its raw output.
#[derive(Serialize)]
struct Kept {
    shard: PathBuf,
    why: String,
}

/// Removes raw output of finished farms that are old, and of none that was published or signed.
pub(super) fn prune(args: &Prune, as_json: bool, out: &mut dyn Write) -> Result<u8, Error> {
    let age = days(&args.keep_raw)?;
    let before = u128::from(Moment::now().unix_ns).saturating_sub(age.as_nanos());
    // All of them before anything goes: of a site that cannot be read nobody knows what it holds.
    let published = args.sites.iter().map(|site| Published::read(site)).collect::<Result<Vec<_>, _>>()?;
    let mut all = Vec::new();
    let mut dirs: Vec<PathBuf> = Vec::new();
    for entry in std::fs::read_dir(&args.farm).map_err(|e| format!("listing {}: {e}", args.farm.display()))? {
        dirs.push(entry?.path());
    }
    dirs.sort();
    for dir in dirs.into_iter().filter(|dir| dir.join(FARM_FILE).is_file()) {
        let (farm, _lock) = Farm::take(&dir)?;
        if u128::from(farm.file().created_unix_ns) < before {
            all.extend(of_farm(&farm, &published, args.dry_run)?);
        }
    }
    if as_json {
        return json(&all, out);
    }
    tell(&all, args.dry_run, out)?;
    Ok(DONE)
}

/// What goes of one farm, and what is kept of what would; `None` where it has no raw output.
fn of_farm(farm: &Farm, published: &[Published], dry_run: bool) -> Result<Option<Pruned>, Error> {
    let mut pruned = Pruned { dir: farm.dir().to_owned(), files: 0, bytes: 0, kept: Vec::new() };
    for plan in &farm.file().shards {
        let shard = farm.shard_dir(plan);
        // Asked first, so that nothing is told of a shard that has none.
        if journal(&shard)?.is_none() || prune_shard(&shard, true)?.0 == 0 {
            continue;
        }
        if let Some(why) = kept(farm, plan, published)? {
            pruned.kept.push(Kept { shard, why });
            continue;
        }
        let (files, bytes) = prune_shard(&shard, dry_run)?;
        pruned.files += files;
        pruned.bytes += bytes;
    }
    Ok((pruned.files > 0 || !pruned.kept.is_empty()).then_some(pruned))
}

/// Why a shard keeps its raw output.
fn kept(farm: &Farm, plan: &ShardPlan, published: &[Published]) -> Result<Option<String>, Error> {
    let shard = farm.shard_dir(plan);
    if journal(&shard)?.is_none_or(|state| state.finished.is_none()) {
        return Ok(Some("is not finished, and may still be gone on with".to_owned()));
    }
    if let Some(signature) = signature(farm.dir(), &shard)? {
        return Ok(Some(format!("is signed ({}), and would not be what was signed", signature.display())));
    }
    for site in published {
        if let Some(entry) = site.entry_of(&shard)? {
            return Ok(Some(format!("is published ({})", entry.display())));
        }
    }
    Ok(None)
}

/// The list of sums, or the signature of it, that covers a shard: of it, of an environment of it, or of the farm.
fn signature(farm: &Path, shard: &Path) -> Result<Option<PathBuf>, Error> {
    // Of a folder that cannot be listed nobody knows whether something in it is signed.
    let environments =
        edge::read::listing(shard).map_err(|error| format!("listing {}: {error}", shard.display()))?;
    let folders = [farm.to_owned(), shard.to_owned()].into_iter().chain(environments);
    let mut all = folders.flat_map(|folder| SIGNATURES.map(|name| folder.join(name)));
    Ok(all.find(|path| path.symlink_metadata().is_ok()))
}

fn tell(all: &[Pruned], dry_run: bool, out: &mut dyn Write) -> Result<(), Error> {
    let would = if dry_run { "would go" } else { "removed" };
    for one in all {
        if one.files > 0 {
            let (files, size) = (counted(one.files, "raw file"), one.bytes >> 20);
            writeln!(out, "{}: {files}, {size} MiB {would}", one.dir.display())?;
        }
        for kept in &one.kept {
            writeln!(out, "{}: its raw output is kept: it {}", kept.shard.display(), kept.why)?;
        }
    }
    if all.is_empty() {
        writeln!(out, "nothing is that old, or has raw output")?;
    }
    Ok(())
}

/// `180d`.
fn days(text: &str) -> Result<Duration, Error> {
    let days: Option<u64> = text.strip_suffix('d').and_then(|days| days.parse().ok());
    let days = days.filter(|days| *days <= 36_500);
    let days = days.ok_or_else(|| format!("--keep-raw {text}: want a number of days, 180d for example"))?;
    Ok(Duration::from_secs(days * 24 * 3600))
}
