//! A seed as a disk of one boot.

use super::{Seed, SeedError};
use process::{PrivateFolder, private_folder_in};
use std::path::{Path, PathBuf};

/// The file of a seed; it is gone with this.
#[derive(Debug)]
pub struct SeedFile {
    path: PathBuf,
    _folder: PrivateFolder,
}

impl SeedFile {
    /// Writes the disk, in a private folder of its own in `dir`.
    ///
    /// # Errors
    /// What cannot stand on it, or no room in the folder.
    pub fn make(seed: &Seed, dir: &Path) -> Result<SeedFile, SeedError> {
        let image = seed.image()?;
        let failed = |source| SeedError::Host { folder: dir.to_owned(), source };
        let folder = private_folder_in(dir).map_err(failed)?;
        let path = folder.path().join("seed.img");
        edge::write::write(&path, image).map_err(failed)?;
        Ok(SeedFile { path, _folder: folder })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}
