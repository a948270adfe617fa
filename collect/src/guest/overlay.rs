//! The disk of a guest of the user's: its image is never written. Every boot gets a layer of its own above it (qcow2),
//! in a private folder that goes with its owner.

use super::disk::DiskError;
use crate::deadlines::{Deadlines, Step};
use crate::process::{self, PrivateFolder, Spec, private_folder_in};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// How a qcow2 file begins.
const QCOW2: [u8; 4] = *b"QFI\xfb";

/// A layer above an image; it is gone with this.
#[derive(Debug)]
pub struct Overlay {
    path: PathBuf,
    _folder: PrivateFolder,
}

impl Overlay {
    /// A new layer above an image, in a folder of its own in `dir`.
    ///
    /// # Errors
    /// No folder, an image that cannot be read, or qemu-img does not make the layer.
    pub fn make(image: &Path, dir: &Path, deadlines: &Deadlines) -> Result<Overlay, DiskError> {
        let wrong = |source| DiskError::Image { image: image.to_owned(), source };
        let image = std::path::absolute(image).map_err(wrong)?;
        let format = format_of(&image).map_err(wrong)?;
        let folder =
            private_folder_in(dir).map_err(|source| DiskError::Folder { dir: dir.to_owned(), source })?;
        let path = folder.path().join("overlay.qcow2");
        let spec = Spec::new("qemu-img").args(["create", "-q", "-f", "qcow2", "-F", format, "-b"]);
        process::run(spec.arg(&image).arg(&path), deadlines.within(Step::Layer))?;
        Ok(Overlay { path, _folder: folder })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// `qcow2` or `raw`, by how the file begins: its name may say anything.
///
/// # Errors
/// It cannot be read.
pub fn format_of(image: &Path) -> std::io::Result<&'static str> {
    let mut magic = [0; 4];
    let mut file = File::open(image)?;
    let is_qcow2 = match file.read_exact(&mut magic) {
        Ok(()) => magic == QCOW2,
        Err(e) if e.kind() == std::io::ErrorKind::UnexpectedEof => false,
        Err(e) => return Err(e),
    };
    Ok(if is_qcow2 { "qcow2" } else { "raw" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accel::Accel;
    use crate::deadlines::HOST_ANSWER;

    #[test]
    fn an_image_has_the_format_that_it_begins_with() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("x.img");
        for (content, format) in [(&b"QFI\xfb\0\0"[..], "qcow2"), (b"QFI", "raw"), (b"\xeb\x63\x90\0", "raw")]
        {
            std::fs::write(&file, content).unwrap();
            assert_eq!(format_of(&file).unwrap(), format);
        }
        assert!(format_of(&dir.path().join("away")).is_err());
    }

    #[test]
    fn a_layer_is_private_leaves_the_image_alone_and_goes_with_its_owner() {
        if process::run(Spec::new("qemu-img").arg("--version"), HOST_ANSWER).is_err() {
            eprintln!("skipped: a_layer_is_private: qemu-img is missing; `make setup` gets it");
            return;
        }
        let dir = tempfile::tempdir().unwrap();
        let image = dir.path().join("base,with comma.raw");
        std::fs::write(&image, vec![7; 1 << 20]).unwrap();
        let usual = Deadlines::usual(Accel::Kvm);
        let layer = Overlay::make(&image, dir.path(), &usual).unwrap();
        let path = layer.path().to_owned();
        assert_eq!(format_of(&path).unwrap(), "qcow2");
        assert!(path.starts_with(dir.path()));
        drop(layer);
        assert!(!path.exists());
        assert_eq!(std::fs::read(&image).unwrap(), vec![7; 1 << 20]);
        let error = Overlay::make(&dir.path().join("away"), dir.path(), &usual).unwrap_err().to_string();
        assert!(error.contains("away") && error.contains("image names another"), "{error}");
    }
}
