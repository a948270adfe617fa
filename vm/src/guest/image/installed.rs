//! Images that an installer has made ([`crate::guest::install`]), as far as the cache is concerned: which there are, and how
//! one becomes one.

use super::build::lock;
use super::carry::{DISK, check_name, publish};
use super::catalogue;
use super::error::ImageError;
use super::initramfs;
use super::store::{Cache, StoredImage, list, stored, touch};
use super::tree::Tree;
use crate::guest::backing::{Chain, Format};
use edge::{Scratch, owned};
use std::fs::File;
use std::io;
use std::path::Path;

/// Logs that stay with an image.
const KEPT: [&str; 2] = ["console.log", "phases.jsonl"];

/// Locks an image's name for an installation, whose logs go to a folder that is made.
///
/// # Errors
/// A name that no image can have, or that an imported one has.
pub(in crate::guest) fn lock_for_install(cache: &Cache, name: &str, logs: &Path) -> Result<File, ImageError> {
    check_name(name)?;
    if stored(cache, name).is_some_and(|there| there.image.inputs.is_none()) {
        return Err(ImageError::NameTaken { name: name.to_owned() });
    }
    edge::write::create_directory(logs).map_err(|error| ImageError::io("creating folder", logs, error))?;
    lock(&logs.join(".lock"))
}

/// The image of a name that was installed from these inputs. It is the newest of its name from then on.
///
/// # Errors
/// The cache cannot be read.
pub(in crate::guest) fn installed(
    cache: &Cache,
    name: &str,
    inputs: &str,
) -> Result<Option<StoredImage>, ImageError> {
    let of_them =
        |stored: &StoredImage| stored.flavour() == name && stored.image.inputs.as_deref() == Some(inputs);
    let found = list(cache)?.into_iter().find(of_them);
    if let Some(found) = &found {
        touch(&found.image.dir);
    }
    Ok(found)
}

/// A folder among the images in which one is made; what is left in it goes with it.
///
/// # Errors
/// It cannot be made.
pub(in crate::guest) fn room(cache: &Cache) -> Result<Scratch, ImageError> {
    let images = cache.images_dir();
    let creating = |error| ImageError::io("creating folder in", &images, error);
    edge::write::create_directory(&images).map_err(creating)?;
    {
        let _lock = lock(&images.join(".lock"))?;
        owned::remove_dead(&images);
    }
    let room = Scratch::create(&images, "").map_err(creating)?;
    edge::write::make_directory(room.path().join("image")).map_err(creating)?;
    Ok(room)
}

/// Makes an image of the folder `image` of a [`room`], with its disk, and gives it its name. `from` is the file that says how it
/// was installed.
///
/// # Errors
/// A disk that is none, or no room.
pub(in crate::guest) fn keep_installed(
    cache: &Cache,
    (name, from): (&str, &str),
    inputs: &str,
    (dir, logs): (&Path, &Path),
) -> Result<StoredImage, ImageError> {
    let images = cache.images_dir();
    let _lock = lock(&images.join(".lock"))?;
    let disk = dir.join(DISK);
    Chain::of(&disk, Some(Format::Qcow2), &[])
        .map_err(|wanted| ImageError::format(&disk, "an image", wanted))?;
    for log in KEPT {
        let path = logs.join(log);
        if path.is_file() {
            edge::write::copy(&path, dir.join(log))
                .map_err(|error| ImageError::io("keeping", &path, error))?;
        }
    }
    let stored = publish((name, Path::new(from)), Some(inputs), dir, &images)?;
    cache.enforce_bound(&stored.name)?;
    catalogue::renew(cache, &[])?;
    Ok(stored)
}

/// An archive for the kernel with one file that root alone reads.
///
/// # Errors
/// More than the format can hold.
pub(in crate::guest) fn archive_of(name: &str, content: &[u8]) -> io::Result<Vec<u8>> {
    let mut tree = Tree::default();
    tree.file(name, 0o600, content);
    let mut archive = Vec::new();
    initramfs::write(&tree, &mut archive)?;
    Ok(archive)
}
