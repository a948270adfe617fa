//! A read-only disk with what the user brought: programs and folders, with the libraries that they need.

use std::fs;
use std::io::BufWriter;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::elf;
use super::erofs;
use super::error::ImageError;
use super::sources::Sources;
use super::store::Cache;
use super::tree::Tree;

/// Something on the disk: where it stands there (`uperf-1a2b3c4d`), and the file or folder of this host that it is a copy
/// of. A file keeps its name within the place.
pub type Placed = (String, PathBuf);

/// Writes the disk as an EROFS image to `disk`. The libraries of all programs stand in `lib`.
///
/// # Errors
/// A file that cannot be read, a library that is nowhere, or no room for the disk.
pub fn brought_disk(cache: &Cache, items: &[Placed], disk: &Path) -> Result<(), ImageError> {
    let sources = Sources::open(cache.packages_dir(), cache.host())?;
    let mut tree = Tree::default();
    tree.dir("lib");
    let mut programs = Vec::new();
    for (place, path) in items {
        let is_folder = path.is_dir();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let place = if is_folder { place.clone() } else { format!("{place}/{name}") };
        add(&mut tree, &place, path, &mut programs)?;
    }
    for (name, library) in elf::closure(&programs, &sources)?.libraries {
        tree.file(&format!("lib/{name}"), 0o755, library.content);
    }
    let file = edge::write::create(disk).map_err(|source| ImageError::io("creating", disk, source))?;
    erofs::write(&tree, &mut BufWriter::new(file)).map_err(|source| ImageError::io("writing", disk, source))
}

/// Adds a file, a link or a folder with all that is in it, and lists the programs and libraries among them.
fn add(
    tree: &mut Tree,
    place: &str,
    path: &Path,
    programs: &mut Vec<(PathBuf, Vec<u8>)>,
) -> Result<(), ImageError> {
    let reading = |source| ImageError::io("reading", path, source);
    if path.is_symlink() {
        let target = fs::read_link(path).map_err(reading)?;
        // One that leads out of the folder would lead nowhere in the guest: it becomes what it names.
        if target.is_relative() {
            tree.link(place, &target.to_string_lossy());
            return Ok(());
        }
    }
    let known = fs::metadata(path).map_err(reading)?;
    if known.is_dir() {
        tree.dir(place);
        for entry in fs::read_dir(path).map_err(reading)? {
            let entry = entry.map_err(reading)?;
            add(tree, &format!("{place}/{}", entry.file_name().to_string_lossy()), &entry.path(), programs)?;
        }
    } else if known.is_file() {
        let content = edge::read(path, edge::read::PROGRAM).map_err(reading)?;
        if elf::needs(&content).is_some() {
            programs.push((path.to_owned(), content.clone()));
        }
        let mode = if known.permissions().mode() & 0o111 == 0 { 0o644 } else { 0o755 };
        tree.file(place, mode, content);
    }
    Ok(())
}
