//! The disk of a guest of the user's: its image is never written. Every boot gets a layer of its own above it (qcow2),
//! in a private folder that goes with its owner.

use super::backing::{Chain, Format};
use super::disk::DiskError;
use super::qemu_img::QemuImg;
use crate::deadlines::{Deadlines, Step};
use process::{PrivateFolder, private_folder_in};
use std::path::{Path, PathBuf};

/// A layer above an image; it is gone with this.
#[derive(Debug)]
pub struct Overlay {
    path: PathBuf,
    _folder: PrivateFolder,
}

impl Overlay {
    /// A new layer above an image, in a folder of its own in `dir`. The image is not opened for it (`-u`).
    ///
    /// # Errors
    /// No folder, or qemu-img does not make the layer.
    pub fn make(
        chain: &Chain,
        dir: &Path,
        by: &QemuImg,
        deadlines: &Deadlines,
    ) -> Result<Overlay, DiskError> {
        let folder =
            private_folder_in(dir).map_err(|source| DiskError::Folder { dir: dir.to_owned(), source })?;
        let path = folder.path().join("overlay.qcow2");
        let (image, format) = chain.image();
        let spec = by.spec().args(["create", "-q", "-f", Format::Qcow2.word(), "-u"]);
        let spec = spec.args(["-F", format.word(), "-b"]).arg(image).arg(&path).arg(chain.size.to_string());
        process::run(spec, deadlines.within(Step::Layer))?;
        Ok(Overlay { path, _folder: folder })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Accel;

    #[test]
    fn a_layer_is_private_leaves_the_image_alone_and_goes_with_its_owner() {
        if QemuImg::default().version().is_none() {
            testing::skip("qemu-img is missing; `make setup` gets it");
            return;
        }
        let dir = tempfile::tempdir().unwrap();
        let image = dir.path().join("base,with comma.raw");
        std::fs::write(&image, vec![7; 1 << 20]).unwrap();
        let chain = Chain::of(&image, Some(Format::Raw), &[]).unwrap();
        let layer =
            Overlay::make(&chain, dir.path(), &QemuImg::default(), &Deadlines::usual(Accel::Kvm)).unwrap();
        let path = layer.path().to_owned();
        let header = formats::qcow2::parse(&std::fs::read(&path).unwrap()).unwrap();
        assert_eq!(header.size, 1 << 20);
        assert_eq!(header.backing.unwrap().file, image.display().to_string());
        assert!(path.starts_with(dir.path()));
        drop(layer);
        assert!(!path.exists());
        assert_eq!(std::fs::read(&image).unwrap(), vec![7; 1 << 20]);
    }
}
