//! Where a shard is measured: on which machine, and in which folder of its own.

use crate::Error;
use edge::write::set_mode;
use farm::Farm;
use model::ShardPlan;
use model::farm::{FARM_FILE, shard_folder};
use model::store::create_directory;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use vm::host::fingerprint;

/// Refuses a machine that is not the shard's: another host, or another machine under the same name.
pub(super) fn check_machine(farm: &Farm, plan: &ShardPlan) -> Result<(), Error> {
    let host = farm.host_of(plan);
    let facts = fingerprint::host(Path::new("/"));
    let here = std::env::var("SLURMD_NODENAME").ok().or_else(|| facts.get("host.name").map(str::to_owned));
    let here = here.unwrap_or_default();
    if here != host {
        return Err(format!(
            "shard {} belongs to {host}, and this is {here}; its blocks would be of two hosts",
            plan.k
        )
        .into());
    }
    let id = facts.get("host.id").unwrap_or_default();
    match farm.machine(plan.k)?.filter(|known| known.host == host && !known.id.is_empty() && !id.is_empty()) {
        Some(known) if known.id != id => Err(format!(
            "shard {} was begun on another machine that was called {host} (its host.id was {}, and is {id}); blocks of two machines are not repeats of one another: measure in a new farm",
            plan.k, known.id
        )
        .into()),
        Some(_) => Ok(()),
        None => Ok(farm.note_machine(plan.k, &host, id)?),
    }
}

/// The campaign's folder on this host's own disk. The name has a sum of farm.json, so that a farm of the same name is not taken
/// for this one.
pub(super) fn local_folder(farm: &Farm, plan: &ShardPlan) -> Result<PathBuf, Error> {
    let user = rustix::process::getuid().as_raw();
    let usual = || PathBuf::from(format!("/var/tmp/perfvt-farm-{user}"));
    let base = farm.file().job.local.clone().unwrap_or_else(usual);
    let is_new = base.symlink_metadata().is_err();
    create_directory(&base)?;
    if is_new {
        set_mode(&base, 0o700)?;
    }
    // Whoever else may write there could put results of his own into it.
    let found = base.symlink_metadata()?;
    if !found.is_dir() || found.uid() != user || found.mode() & 0o022 != 0 {
        return Err(format!(
            "{} is not a folder that this user alone may write to; give another with --local",
            base.display()
        )
        .into());
    }
    let content = edge::read(farm.dir().join(FARM_FILE), edge::read::RECORD)?;
    let sum = farm::copy::sum_of(&content);
    let name = format!("{}-{}", farm.file().id, sum.get(..8).unwrap_or_default());
    Ok(base.join(name).join(shard_folder(plan.k, &farm.host_of(plan))))
}
