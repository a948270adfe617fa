//! Builds an image, or finds the one that is already there.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::contents::{self, Contents};
use super::error::ImageError;
use super::index::Index;
use super::own_kernel::OwnKernel;
use super::sources::Sources;
use super::store::{Cache, Image, Manifest, StoredImage, load, touch};
use super::{erofs, ext4, initramfs, kernel};
use edge::{Made, Scratch, owned};

/// The built-in guest: the image in the cache when no input has changed, else a new one.
///
/// # Errors
/// A part that is missing, with the way to get it; a file that cannot be read or written.
pub fn builtin(cache: &Cache) -> Result<Image, ImageError> {
    builtin_with(cache, None)
}

/// What the built-in guest is called.
pub(super) const NAME: &str = "builtin";
/// The tools disk, and the same for kernels that have no EROFS.
const EROFS: &str = "tools.img";
const EXT4: &str = "tools.ext4";

/// Where it stands what an image was made of.
fn index_of(images: &Path, own: Option<&OwnKernel>) -> PathBuf {
    images.join(format!(".{NAME}{}.index.json", own.map(of_kernel).unwrap_or_default()))
}

/// Looks whether the built-in guest is there or can be made, and makes nothing.
///
/// # Errors
/// As those of [`builtin_with`], of the parts.
pub fn can_build(cache: &Cache, own: Option<&OwnKernel>) -> Result<(), ImageError> {
    let images = cache.images_dir();
    if unchanged(&images, &index_of(&images, own)).is_some() {
        return Ok(());
    }
    Contents::gather(&Sources::open(cache.packages_dir(), cache.host())?, own).map(drop)
}

/// The same with a kernel of the user's; each kernel has an image of its own in the cache.
///
/// # Errors
/// Those of [`builtin`], and a kernel that is none, or lacks its modules.
pub fn builtin_with(cache: &Cache, own: Option<&OwnKernel>) -> Result<Image, ImageError> {
    let images = cache.images_dir();
    let index = index_of(&images, own);
    if let Some(image) = unchanged(&images, &index) {
        return Ok(image);
    }
    edge::write::create_directory(&images)
        .map_err(|error| ImageError::io("creating folder", &images, error))?;
    // Whoever comes second waits and finds the image of the first.
    let _lock = lock(&images.join(".lock"))?;
    if let Some(image) = unchanged(&images, &index) {
        return Ok(image);
    }
    // What builds and removals that were killed have left.
    owned::remove_dead(&images);
    let sources = Sources::open(cache.packages_dir(), cache.host())?;
    let contents = Contents::gather(&sources, own)?;
    let hash = contents.hash();
    let name = format!("{NAME}-{}", hash.get(..16).unwrap_or(&hash));
    let dir = images.join(&name);
    let stored = match load(&dir) {
        Some(stored) => stored,
        None => publish(contents, hash, &dir)?,
    };
    touch(&dir);
    write_index(&index, &Index::new(name.clone(), sources.inputs()))?;
    cache.enforce_bound(&name)?;
    Ok(stored.image)
}

/// An initramfs with busybox alone, which writes the line `READY` on the console and then sleeps: what the boot
/// of [`builtin`] is measured against, with the same kernel. Returns the bytes for QEMU's `-initrd`.
///
/// # Errors
/// There is no static busybox in the packages or on the host.
pub fn bare_initramfs(cache: &Cache) -> Result<Vec<u8>, ImageError> {
    let sources = Sources::open(cache.packages_dir(), cache.host())?;
    let mut archive = Vec::new();
    initramfs::write(&contents::bare(&sources)?, &mut archive)
        .map_err(|error| ImageError::io("packing", Path::new("bare initramfs"), error))?;
    Ok(archive)
}

/// What tells the index of one kernel from that of another.
fn of_kernel(own: &OwnKernel) -> String {
    let mut hasher = blake3::Hasher::new();
    for path in [Some(&own.file), own.modules.as_ref()].into_iter().flatten() {
        hasher.update(path.as_os_str().as_encoded_bytes()).update(b"\0");
    }
    format!("-{}", hasher.finalize().to_hex().get(..16).unwrap_or_default())
}

fn unchanged(images: &Path, index: &Path) -> Option<Image> {
    let index = Index::read(index).filter(Index::is_fresh)?;
    let dir = images.join(&index.image);
    let stored = load(&dir)?;
    touch(&dir);
    Some(stored.image)
}

/// Held until it is dropped; the kernel lets go of it when the process ends, however it ends.
pub(super) fn lock(path: &Path) -> Result<File, ImageError> {
    let file = edge::write::open_lock(path).map_err(|error| ImageError::io("creating lock", path, error))?;
    file.lock().map_err(|error| ImageError::io("waiting for lock", path, error))?;
    Ok(file)
}

/// Removes a damaged image, which is in the way of a new one of its name; anything else that has the name stays.
pub(super) fn remove_damaged(dir: &Path) -> Result<(), ImageError> {
    let is_image = |dir: &Path| dir.join(Manifest::FILE).is_file();
    match Made::found(dir, is_image) {
        Ok(Some(image)) => {
            image.remove().map_err(|error| ImageError::io("removing damaged image", dir, error))
        }
        _ => Ok(()),
    }
}

/// Writes all files to a temporary folder, to the disk, and gives it its name.
fn publish(contents: Contents, hash: String, dir: &Path) -> Result<StoredImage, ImageError> {
    let parent = dir.parent().unwrap_or(Path::new("."));
    let scratch =
        Scratch::create(parent, "").map_err(|error| ImageError::io("creating folder in", parent, error))?;
    let temporary = scratch.path().join("image");
    edge::write::make_directory(&temporary).map_err(|error| ImageError::io("creating", &temporary, error))?;
    let Contents { kernel, initramfs, tools, packages } = contents;
    let (form, bootable) = kernel::bootable(&kernel.content)
        .map_err(|reason| ImageError::format(&kernel.path, "a kernel", reason))?;
    let mut manifest = Manifest::new(form.file_name(), kernel.release, hash, packages);
    let initramfs_name = manifest.initramfs.clone();
    let mut put = |name: &str, write: &mut dyn FnMut(&mut File) -> io::Result<()>| {
        let path = temporary.join(name);
        let result = edge::write::create(&path).and_then(|mut file| {
            write(&mut file)?;
            file.sync_all()?;
            Ok(file.metadata()?.len())
        });
        let size = result.map_err(|error| ImageError::io("writing", &path, error))?;
        manifest.files.insert(name.to_owned(), size);
        Ok::<(), ImageError>(())
    };
    put(form.file_name(), &mut |file| file.write_all(&bootable))?;
    put(&initramfs_name, &mut |file| {
        let mut buffered = io::BufWriter::with_capacity(1 << 20, file);
        initramfs::write(&initramfs, &mut buffered)?;
        buffered.flush()
    })?;
    if let Some(tools) = tools.as_ref().filter(|tools| tools.erofs) {
        put(EROFS, &mut |file| {
            let mut buffered = io::BufWriter::with_capacity(1 << 20, file);
            erofs::write(&tools.tree, &mut buffered)?;
            buffered.flush()
        })?;
        manifest.tools = Some(EROFS.to_owned());
    }
    if let Some((tools, mke2fs)) = tools.as_ref().and_then(|tools| Some((tools, tools.mke2fs.as_ref()?))) {
        put(EXT4, &mut |_| {
            ext4::write(&tools.tree, mke2fs, &scratch.path().join("tools"), &temporary.join(EXT4))
        })?;
        manifest.foreign_tools = Some(EXT4.to_owned());
        manifest.tools.get_or_insert_with(|| EXT4.to_owned());
    }
    manifest.write(&temporary)?;
    remove_damaged(dir)?;
    set_readable(&temporary)?;
    edge::write::rename(&temporary, dir).map_err(|error| ImageError::io("publishing image", dir, error))?;
    load(dir)
        .ok_or_else(|| ImageError::format(dir, "an image", "it is not complete although it was just written"))
}

/// Temporary folders are private; an image may be read by all whom the cache's own folder lets in.
pub(super) fn set_readable(dir: &Path) -> Result<(), ImageError> {
    edge::write::set_mode(dir, 0o755).map_err(|error| ImageError::io("setting the mode of", dir, error))
}

fn write_index(path: &Path, index: &Index) -> Result<(), ImageError> {
    let text = serde_json::to_vec(index).map_err(|error| ImageError::io("writing", path, error.into()))?;
    edge::write_atomically(path, &text).map_err(|error| ImageError::io("writing", path, error))
}
