//! Images that leave for other programs, and come from them.
//!
//! ```text
//!   chain ──> qemu-img ──> qcow2 | raw | vmdk          vmdk ──> header checked ──> qemu-img ──> store
//!                            └──> ova: ovf, sums, vmdk    ova ──> names and sums checked ──┘
//! ```
//!
//! Nothing is overwritten: a file has its name when it is whole.

mod import;
mod ova;

pub(in crate::guest) use import::DISK;
pub use import::import;
pub(super) use import::{check_name, publish};

use super::error::ImageError;
use crate::guest::backing::Chain;
use crate::guest::blockdev;
use crate::guest::qemu_img::QemuImg;
use edge::Scratch;
use process::deadlines::{BUILD, HOST_WORK};
use std::io::ErrorKind;
use std::path::Path;

/// What an image can be made into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Qcow2,
    Raw,
    Vmdk,
    Ova,
}

impl Kind {
    fn of(path: &Path) -> Result<Kind, ImageError> {
        match path.extension().and_then(|end| end.to_str()) {
            Some("qcow2") => Ok(Kind::Qcow2),
            Some("raw" | "img") => Ok(Kind::Raw),
            Some("vmdk") => Ok(Kind::Vmdk),
            Some("ova") => Ok(Kind::Ova),
            _ => Err(ImageError::format(
                path,
                "the name of an image",
                "its end says what is made: .qcow2, .vmdk, .ova or .raw",
            )),
        }
    }
}

/// Writes an image to a new file, whose name says as what; it needs no other file then. Gives its bytes.
///
/// # Errors
/// The name is taken or says nothing, or qemu-img cannot make the file.
pub fn export(chain: &Chain, to: &Path, by: &QemuImg) -> Result<u64, ImageError> {
    let kind = Kind::of(to)?;
    if std::fs::symlink_metadata(to).is_ok() {
        return Err(ImageError::Taken { path: to.to_owned() });
    }
    let parent = edge::write::parent(to);
    let scratch =
        Scratch::create(parent, "").map_err(|error| ImageError::io("creating a folder in", parent, error))?;
    let (made, disk) = (scratch.path().join("image"), scratch.path().join("disk.vmdk"));
    let source = blockdev::named(chain);
    match kind {
        Kind::Qcow2 => convert(by, &source, &made, &zstd(by, scratch.path()))?,
        Kind::Raw => convert(by, &source, &made, &RAW)?,
        Kind::Vmdk => convert(by, &source, &made, &VMDK)?,
        Kind::Ova => {
            convert(by, &source, &disk, &VMDK)?;
            let name = to.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
            ova::write(name, chain.size, &disk, &made)?;
        }
    }
    let writing = |error| ImageError::io("writing", to, error);
    let file = edge::read::open(&made).map_err(writing)?;
    file.sync_all().map_err(writing)?;
    let bytes = file.metadata().map_err(writing)?.len();
    edge::write::rename_new(&made, to).map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => ImageError::Taken { path: to.to_owned() },
        _ => writing(error),
    })?;
    edge::write::sync_directory(parent).map_err(writing)?;
    Ok(bytes)
}

/// Writes the bytes of a disk to a file of this program's own.
pub(super) fn as_raw(chain: &Chain, to: &Path, by: &QemuImg) -> Result<(), ImageError> {
    convert(by, &blockdev::named(chain), to, &RAW)
}

const RAW: [&str; 2] = ["-O", "raw"];
/// What other programs read without extents beside it.
const VMDK: [&str; 4] = ["-O", "vmdk", "-o", "subformat=streamOptimized"];

/// Compressed, by zstd where this qemu-img can: it takes a sixth of the time and less room.
fn zstd(by: &QemuImg, dir: &Path) -> Vec<&'static str> {
    const ZSTD: &str = "compression_type=zstd";
    let tried = by.spec().args(["create", "-q", "-f", "qcow2", "-o", ZSTD]);
    match process::run(tried.arg(dir.join("tried")).arg("1M"), HOST_WORK) {
        Ok(_) => vec!["-O", "qcow2", "-c", "-o", ZSTD],
        Err(_) => vec!["-O", "qcow2", "-c"],
    }
}

/// Converts what a `json:` name describes, whose every driver is said.
fn convert(by: &QemuImg, source: &str, to: &Path, how: &[&str]) -> Result<(), ImageError> {
    let spec = by.spec().args(["convert", "-q"]).args(how).arg(source).arg(to);
    process::run(spec, BUILD).map(drop).map_err(|error| ImageError::Carry(Box::new(error)))
}

#[cfg(test)]
mod tests {
    use super::super::store::{Cache, stored};
    use super::*;
    use crate::guest::backing::Format;
    use process::Spec;
    use process::deadlines::HOST_ANSWER;
    use std::fs;

    fn usual() -> QemuImg {
        QemuImg::default()
    }

    /// A megabyte and 512 bytes with a pattern, and its chain; `None` without qemu-img.
    fn image(dir: &Path) -> Option<(Vec<u8>, Chain)> {
        if usual().version().is_none() {
            testing::skip("qemu-img is missing; `make setup` gets it");
            return None;
        }
        let pattern: Vec<u8> = (0..(1u32 << 20) + 512).map(|at| (at / 7 % 251) as u8).collect();
        let path = dir.join("a, b.raw");
        fs::write(&path, &pattern).unwrap();
        Some((pattern, Chain::of(&path, Some(Format::Raw), &[]).unwrap()))
    }

    /// The bytes of a disk in the cache.
    fn contents(dir: &Path, cache: &Cache, name: &str) -> Vec<u8> {
        let disk = stored(cache, name).unwrap().image.disk.unwrap();
        let raw = dir.join(format!("{name}.raw"));
        export(&Chain::of(&disk, Some(Format::Qcow2), &[]).unwrap(), &raw, &usual()).unwrap();
        fs::read(raw).unwrap()
    }

    #[test]
    fn what_is_exported_is_the_same_when_it_comes_back() {
        let dir = tempfile::tempdir().unwrap();
        let Some((pattern, chain)) = image(dir.path()) else { return };
        let cache = Cache::at(dir.path().join("cache"));
        for end in ["vmdk", "ova", "qcow2"] {
            let to = dir.path().join(format!("x.{end}"));
            export(&chain, &to, &usual()).unwrap();
            import(&to, &format!("mine-{end}"), &cache, &usual()).unwrap();
            assert_eq!(contents(dir.path(), &cache, &format!("mine-{end}")), pattern, "{end}");
            let error = export(&chain, &to, &usual()).unwrap_err().to_string();
            assert!(error.contains("nothing is overwritten"), "{error}");
        }
        let left = fs::read_dir(dir.path()).unwrap().flatten().map(|entry| entry.file_name());
        assert!(left.into_iter().all(|name| !name.to_string_lossy().starts_with("perfvt.tmp-")));
        let error = export(&chain, &dir.path().join("x.vdi"), &usual()).unwrap_err().to_string();
        assert!(error.contains(".qcow2, .vmdk, .ova or .raw"), "{error}");
    }

    #[test]
    fn an_ova_has_its_description_first_whose_capacity_and_sums_are_those_of_the_disk() {
        let dir = tempfile::tempdir().unwrap();
        let Some((pattern, chain)) = image(dir.path()) else { return };
        let ova = dir.path().join("my machine & co.ova");
        export(&chain, &ova, &usual()).unwrap();
        let mut archive = tar::Archive::new(fs::File::open(&ova).unwrap());
        let mut texts = Vec::new();
        for entry in archive.entries().unwrap() {
            let mut entry = entry.unwrap();
            let mut bytes = Vec::new();
            std::io::Read::read_to_end(&mut entry, &mut bytes).unwrap();
            texts.push((entry.path().unwrap().display().to_string(), bytes));
        }
        let names: Vec<&str> = texts.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["my-machine---co.ovf", "my-machine---co.mf", "my-machine---co-disk1.vmdk"]);
        let ovf = String::from_utf8(texts[0].1.clone()).unwrap();
        assert!(ovf.contains(&format!("ovf:capacity=\"{}\"", pattern.len())), "{ovf}");
        assert!(ovf.contains(&format!("ovf:size=\"{}\"", texts[2].1.len())), "{ovf}");
        // Well-formed, if there is a program to say so.
        fs::write(dir.path().join("x.ovf"), &ovf).unwrap();
        match process::run(Spec::new("xmllint").arg("--noout").arg(dir.path().join("x.ovf")), HOST_ANSWER) {
            Err(process::ProcessError::Start { .. }) => testing::skip("xmllint is missing (libxml2-utils)"),
            told => drop(told.unwrap()),
        }
        let sums = String::from_utf8(texts[1].1.clone()).unwrap();
        assert_eq!(sums.lines().count(), 2, "{sums}");
        for (line, (name, bytes)) in sums.lines().zip([&texts[0], &texts[2]]) {
            assert_eq!(line, format!("SHA256({name})= {}", ova::hex_of(bytes)));
        }
    }
}
