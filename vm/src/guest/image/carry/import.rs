//! An image of another program's becomes one in the cache.

use super::super::build::{NAME, lock, remove_damaged, set_readable};
use super::super::catalogue;
use super::super::error::ImageError;
use super::super::flavour::Flavour;
use super::super::store::{Cache, Manifest, StoredImage, load, settle, stored};
use super::{convert, ova, zstd};
use crate::guest::backing::{Chain, Format};
use crate::guest::blockdev;
use crate::guest::qemu_img::QemuImg;
use edge::{Scratch, owned};
use formats::{qcow2, vmdk};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Bytes of a disk that are taken: one that says more fills whatever it is given.
const LARGEST: u64 = 1 << 40;
/// Longest name of an image.
const LONGEST: usize = 60;
/// Where a tar says that it is one.
const USTAR: std::ops::Range<usize> = 257..262;
/// The disk's name in its folder.
pub(in crate::guest) const DISK: &str = "disk.qcow2";

/// Takes a VMDK, an OVA or a qcow2 image that builds upon no other into the cache as `name`, which is `perfvt:NAME` from
/// then on.
///
/// # Errors
/// A name that is taken or means something else; a file that is none of these, or leads to other files.
pub fn import(file: &Path, name: &str, cache: &Cache, by: &QemuImg) -> Result<StoredImage, ImageError> {
    check_name(name)?;
    let images = cache.images_dir();
    let creating = |error| ImageError::io("creating folder in", &images, error);
    edge::write::create_directory(&images).map_err(creating)?;
    let _lock = lock(&images.join(".lock"))?;
    owned::remove_dead(&images);
    if stored(cache, name).is_some() {
        return Err(ImageError::NameTaken { name: name.to_owned() });
    }
    let scratch = Scratch::create(&images, "").map_err(creating)?;
    let dir = scratch.path().join("image");
    edge::write::make_directory(&dir).map_err(creating)?;
    let disk = dir.join(DISK);
    let (source, size) = source(file, &scratch.path().join("disk.vmdk"))?;
    convert(by, &source, &disk, &zstd(by, scratch.path()))?;
    let made = Chain::of(&disk, Some(Format::Qcow2), &[])
        .map_err(|wanted| ImageError::format(&disk, "an image", wanted))?;
    if made.size != size {
        let what = format!("it says that its disk has {size} bytes, and qemu-img found {}", made.size);
        return Err(ImageError::format(file, "an image", what));
    }
    let stored = publish((name, file), None, &dir, &images)?;
    catalogue::renew(cache, &[])?;
    Ok(stored)
}

/// Writes the manifest of an image that its own loader starts, and gives the folder its name. `file` is what it came from, `inputs`
/// the hash of what it was installed from.
pub(in crate::guest::image) fn publish(
    (name, file): (&str, &Path),
    inputs: Option<&str>,
    dir: &Path,
    images: &Path,
) -> Result<StoredImage, ImageError> {
    let mut hasher = blake3::Hasher::new();
    let disk = dir.join(DISK);
    let size = settle(&disk, &mut hasher).map_err(|error| ImageError::io("reading", &disk, error))?;
    let hash = hasher.finalize().to_hex().to_string();
    // Two installations may come to the same bytes.
    let id = inputs.unwrap_or(&hash);
    let published = images.join(format!("{name}-{}", id.get(..16).unwrap_or(id)));
    if inputs.is_some() {
        remove_damaged(&published)?;
    }
    let mut manifest = Manifest::new("", String::new(), hash, BTreeMap::new());
    manifest.initramfs = String::new();
    manifest.imported = Some(file.file_name().unwrap_or_default().to_string_lossy().into_owned());
    manifest.inputs = inputs.map(str::to_owned);
    manifest.disk = Some(DISK.to_owned());
    manifest.files.insert(DISK.to_owned(), size);
    manifest.write(dir)?;
    set_readable(dir)?;
    edge::write::rename_new(dir, &published)
        .map_err(|error| ImageError::io("publishing image", &published, error))?;
    load(&published).ok_or_else(|| {
        ImageError::format(&published, "an image", "it is not complete although it was just written")
    })
}

/// A name that is one folder's, and no system's that perfvt makes.
pub(in crate::guest::image) fn check_name(name: &str) -> Result<(), ImageError> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let is_plain = name.chars().all(fits) && name.starts_with(|c: char| c.is_ascii_alphanumeric());
    let is_own = name == NAME || Flavour::of(name).is_some();
    if !is_plain || name.len() > LONGEST || is_own {
        return Err(ImageError::Name { name: name.to_owned() });
    }
    Ok(())
}

/// What qemu-img is to read, by its content, and the bytes of its disk.
fn source(file: &Path, unpacked: &Path) -> Result<(String, u64), ImageError> {
    let head = head(file)?;
    if head.get(USTAR) == Some(b"ustar") {
        ova::unpack(file, unpacked)?;
        return of_vmdk(unpacked, &self::head(unpacked)?, file);
    }
    if vmdk::is_vmdk(&head) {
        return of_vmdk(file, &head, file);
    }
    if !qcow2::is_qcow2(&head) {
        let what = "it is neither an OVA nor a VMDK in one file nor qcow2; `qemu-img convert -f FORMAT -O qcow2 FILE NEW` makes \
                    a qcow2 image of one that you trust";
        return Err(ImageError::format(file, "an image", what));
    }
    let chain = Chain::of(file, Some(Format::Qcow2), &[])
        .map_err(|wanted| ImageError::format(file, "an image", format!("wanted is {wanted}")))?;
    Ok((blockdev::named(&chain), bounded(file, chain.size)?))
}

fn of_vmdk(file: &Path, head: &[u8], said: &Path) -> Result<(String, u64), ImageError> {
    let header = vmdk::parse(head).map_err(|error| ImageError::format(said, "a VMDK", error.to_string()))?;
    let absolute: PathBuf =
        std::path::absolute(file).map_err(|error| ImageError::io("finding", file, error))?;
    Ok((blockdev::named_vmdk(&absolute), bounded(said, header.size)?))
}

fn head(file: &Path) -> Result<Vec<u8>, ImageError> {
    edge::read::head(file, vmdk::LONGEST as u64).map_err(|error| ImageError::io("reading", file, error))
}

fn bounded(file: &Path, size: u64) -> Result<u64, ImageError> {
    if size > LARGEST {
        return Err(ImageError::format(
            file,
            "an image",
            format!("its disk of {size} bytes is larger than {LARGEST}"),
        ));
    }
    Ok(size)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_folders_and_no_flavours() {
        for name in ["", "..", "a/b", "-x", "builtin", "debian", "debian-13", &"x".repeat(99)] {
            assert!(check_name(name).is_err(), "{name}");
        }
        assert!(check_name("rhel-9.4_x").is_ok());
    }

    #[test]
    fn a_file_that_leads_elsewhere_or_is_nothing_is_refused_and_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::at(dir.path().join("cache"));
        let path = dir.path().join("x");
        for (bytes, text) in [
            (&b"# Disk DescriptorFile\nRW 8 FLAT \"/etc/shadow\" 0\n"[..], "neither an OVA"),
            (b"KDMV\x01\0\0\0", "a VMDK: its VMDK header"),
            (b"QFI\xfb", "its qcow2 header"),
        ] {
            std::fs::write(&path, bytes).unwrap();
            let said = import(&path, "mine", &cache, &QemuImg::default()).unwrap_err().to_string();
            assert!(said.contains(text), "{said}");
        }
        let left = std::fs::read_dir(cache.images_dir()).unwrap().flatten().map(|entry| entry.file_name());
        assert_eq!(left.collect::<Vec<_>>(), [".lock"]);
    }
}
