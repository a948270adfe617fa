//! `perfvt guest prune`, `perfvt guest sync` and `perfvt guest rm`: which images stay, and which come.

use super::say;
use crate::Error;
use std::io::Write;
use std::path::Path;
use vm::guest::identity::identity;
use vm::guest::image::{self, Cache, StoredImage, measured_in, named, relist, remove, surplus};
use vm::host::locks::{LockError, exclusive};

/// Removes images beyond the newest of each flavour; what guests run from stays, and what results were measured in.
pub(super) fn prune(
    cache: &Cache,
    (keep, dry_run, results): (usize, bool, Option<&Path>),
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<(), Error> {
    if let Some(results) = results.filter(|results| !results.is_dir()) {
        return Err(format!("--results {}: it is no folder", results.display()).into());
    }
    let surplus = surplus(cache, keep)?;
    for stored in &surplus {
        let name = &stored.name;
        let alone = match exclusive(&stored.image.dir) {
            Ok(alone) => alone,
            Err(error @ LockError::Held { .. }) => {
                writeln!(err, "{}", in_use(name, error))?;
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        let measured = match results {
            Some(results) => measured_in(results, &hashes(cache, stored)?),
            None => None,
        };
        if let Some(file) = measured {
            writeln!(
                err,
                "warning: {name} stays: {} was measured in it; `perfvt guest rm {name}` removes it",
                file.display()
            )?;
        } else if dry_run {
            writeln!(out, "would remove {name}  {} MB", stored.bytes.div_ceil(1_000_000))?;
        } else {
            remove(cache, name)?;
            writeln!(out, "removed {name}  {} MB", stored.bytes.div_ceil(1_000_000))?;
        }
        drop(alone);
    }
    if !dry_run && !surplus.is_empty() {
        relist(cache)?;
    }
    Ok(())
}

/// What the fingerprint of a campaign calls an image.
fn hashes(cache: &Cache, stored: &StoredImage) -> Result<Vec<String>, Error> {
    let of_disk = stored.image.disk.as_deref().map(|disk| identity(cache, &[disk])).transpose();
    let of_disk = of_disk.map_err(|error| format!("reading the disk of {}: {error}", stored.name))?;
    Ok(of_disk.into_iter().chain([stored.image.hash.clone()]).collect())
}

/// Removes images by name.
pub(super) fn rm(cache: &Cache, names: &[String], out: &mut dyn Write) -> Result<(), Error> {
    for name in names {
        let image = named(cache, name)?;
        let _alone = exclusive(&image.image.dir).map_err(|error| match error {
            LockError::Held { .. } => Error::from(in_use(&image.name, error)),
            error => error.into(),
        })?;
        remove(cache, &image.name)?;
        writeln!(out, "removed {}", image.name)?;
    }
    relist(cache)?;
    Ok(())
}

/// An image that cannot be taken away, in the words of these verbs.
fn in_use(name: &str, error: LockError) -> String {
    let who = match error {
        LockError::Held { holder: Some(holder), .. } => holder.to_string(),
        _ => "another perfvt".to_owned(),
    };
    format!(
        "guest image {name} is not removed: guests run from it, started by {who}; try again when that has ended"
    )
}

/// Fetches what a mirror has and the cache has not.
pub(super) fn sync(
    cache: &Cache,
    (from, names): (&str, &[String]),
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<(), Error> {
    let came = image::sync(cache, from, names, &mut |line| say(err, line))?;
    writeln!(out, "{came} images came from {}", edge::visible(from))?;
    Ok(())
}
