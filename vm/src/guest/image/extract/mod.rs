//! Files out of an image, without root and without a boot: its kernel and initrd, or what is named.
//!
//! ```text
//!   chain ──> raw (qemu-img, or the file itself) ──> parts with ext2, 3 or 4 ──> debugfs, which may only read ──> files
//! ```
//!
//! Names out of the image are checked before a file here has one. Links are followed inside the image alone.

mod ext;

use super::carry::as_raw;
use super::error::ImageError;
use super::sources::version_key;
use crate::guest::backing::{Chain, Format};
use crate::guest::qemu_img::QemuImg;
use edge::Scratch;
use ext::{Entry, Ext, Kind};
use formats::partitions;
use std::io::ErrorKind;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// Largest file that is taken out, and files of one call.
const LARGEST: u64 = 4 << 30;
const MOST: usize = 20_000;
/// Folders within folders.
const DEEPEST: usize = 64;
/// Where kernels lie: in the system, and in a part of their own.
const BOOT: [&str; 2] = ["/boot", "/"];

/// A file that was taken out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// The file here.
    pub file: PathBuf,
    /// Its bytes.
    pub bytes: u64,
}

/// What came out, and what was left.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extracted {
    /// The files.
    pub taken: Vec<Taken>,
    /// What lies below a named folder and is neither a file nor a folder.
    pub left: Vec<String>,
}

/// Takes files and folders out of an image into a folder, which is made: those of absolute `paths`, and the newest kernel of
/// `/boot` with its initrd if `kernel` says so. Nothing is overwritten.
///
/// # Errors
/// A file that is not in the image or here already, or an image without a file system that can be read.
pub fn extract(
    chain: &Chain,
    (kernel, paths): (bool, &[String]),
    to: &Path,
    by: &QemuImg,
) -> Result<Extracted, ImageError> {
    let (image, format) = chain.image();
    edge::write::create_directory(to).map_err(|error| ImageError::io("creating folder", to, error))?;
    let scratch =
        Scratch::create(to, "").map_err(|error| ImageError::io("creating a folder in", to, error))?;
    let raw = match format {
        Format::Raw => std::path::absolute(image).map_err(|error| ImageError::io("finding", image, error))?,
        Format::Qcow2 => {
            let raw = scratch.path().join("disk");
            as_raw(chain, &raw, by)?;
            raw
        }
    };
    let parts = parts(&raw, chain.size)?;
    let systems: Vec<Ext<'_>> = parts
        .iter()
        .filter(|(_, kind)| *kind == EXT)
        .map(|(part, _)| Ext { disk: &raw, offset: part.start })
        .collect();
    let bad = |what: String| Err(ImageError::format(image, "a disk with files", what));
    if systems.is_empty() {
        let kinds: Vec<&str> = parts.iter().map(|(_, kind)| *kind).collect();
        return bad(format!("ext2, ext3 and ext4 can be read, and it has {}", kinds.join(", ")));
    }
    let mut out = Out { to, count: 0, done: Extracted::default() };
    if kernel {
        match newest(&systems)? {
            Some((system, files)) => files.iter().try_for_each(|file| out.put(system, file, to))?,
            None => return bad("it has no file vmlinuz-.. in /boot".to_owned()),
        }
    }
    for path in paths {
        let found = systems.iter().find_map(|system| match system.find(path) {
            Ok(entry) => Some(Ok((system, entry?))),
            Err(error) => Some(Err(error)),
        });
        match found.transpose()? {
            Some((system, entry)) => out.take(system, &entry, to, DEEPEST)?,
            None => return bad(format!("it has no {}", edge::quoted(path))),
        }
    }
    Ok(out.done)
}

/// Where things go, and how many went.
struct Out<'a> {
    to: &'a Path,
    count: usize,
    done: Extracted,
}

impl Out<'_> {
    /// A file, or a folder with what is in it.
    fn take(&mut self, system: &Ext<'_>, entry: &Entry, to: &Path, deep: usize) -> Result<(), ImageError> {
        let name = if entry.name.is_empty() { "root" } else { &entry.name };
        match entry.kind {
            Kind::File => self.put(system, entry, to),
            Kind::Folder if deep > 0 => {
                let folder = to.join(name);
                edge::write::make_directory(&folder)
                    .map_err(|error| taken(&folder, "creating folder", error))?;
                let inside = system.list(entry.inode)?;
                inside.iter().try_for_each(|entry| self.take(system, entry, &folder, deep - 1))
            }
            _ => {
                let path = to.join(name);
                let path = path.strip_prefix(self.to).unwrap_or(&path);
                self.done.left.push(path.display().to_string());
                Ok(())
            }
        }
    }

    fn put(&mut self, system: &Ext<'_>, file: &Entry, to: &Path) -> Result<(), ImageError> {
        self.count += 1;
        let name = Path::new(&file.name);
        if file.size > LARGEST || self.count > MOST {
            let what =
                format!("it has {} bytes; {LARGEST} bytes a file and {MOST} files are taken", file.size);
            return Err(ImageError::format(name, "a file of the image", what));
        }
        let (path, passing) = (to.join(name), to.join(".perfvt-extract"));
        if std::fs::symlink_metadata(&path).is_ok() {
            return Err(ImageError::Taken { path });
        }
        system.copy(file, &passing)?;
        edge::write::rename_new(&passing, &path).map_err(|error| taken(&path, "writing", error))?;
        self.done.taken.push(Taken { file: path, bytes: file.size });
        Ok(())
    }
}

fn taken(path: &Path, doing: &'static str, error: std::io::Error) -> ImageError {
    match error.kind() {
        ErrorKind::AlreadyExists => ImageError::Taken { path: path.to_owned() },
        _ => ImageError::io(doing, path, error),
    }
}

/// The newest kernel with its initrd, where it has one beside it.
fn newest<'a>(systems: &'a [Ext<'a>]) -> Result<Option<(&'a Ext<'a>, Vec<Entry>)>, ImageError> {
    for (system, folder) in BOOT.iter().flat_map(|folder| systems.iter().map(move |system| (system, folder)))
    {
        let Some(folder) = system.find(folder)? else { continue };
        let entries = system.list(folder.inode)?;
        let is_kernel = |entry: &&Entry| {
            entry.kind == Kind::File && entry.name.starts_with("vmlinuz-") && !entry.name.contains("rescue")
        };
        let kernels = entries.iter().filter(is_kernel);
        let Some(kernel) = kernels.max_by_key(|entry| version_key(Path::new(&entry.name))) else { continue };
        let release = kernel.name.trim_start_matches("vmlinuz-");
        let names = [
            format!("initrd.img-{release}"),
            format!("initramfs-{release}.img"),
            format!("initrd-{release}"),
        ];
        let initrd = entries.iter().find(|entry| entry.kind == Kind::File && names.contains(&entry.name));
        return Ok(Some((system, [Some(kernel), initrd].into_iter().flatten().cloned().collect())));
    }
    Ok(None)
}

/// What can be read.
const EXT: &str = "ext4";
/// How file systems and their like are known: at which byte stands what.
const KINDS: [(usize, &[u8], &str); 7] = [
    (1080, &[0x53, 0xef], EXT),
    (0, b"XFSB", "xfs"),
    (0x10040, b"_BHRfS_M", "btrfs"),
    (0, b"LUKS", "an encrypted part"),
    (536, b"LVM2", "a volume of LVM"),
    (82, b"FAT32", "vfat"),
    (54, b"FAT", "vfat"),
];

/// The parts of a disk, or all of it where there is no table, with what is in each.
fn parts(raw: &Path, size: u64) -> Result<Vec<(Range<u64>, &'static str)>, ImageError> {
    use std::os::unix::fs::FileExt;
    let failed = |error| ImageError::io("reading", raw, error);
    let table = edge::read::head(raw, partitions::LONGEST as u64).map_err(failed)?;
    let mut ranges = partitions::parse(&table, size);
    if ranges.is_empty() {
        ranges.push(0..size);
    }
    let file = edge::read::open(raw).map_err(failed)?;
    let mut found = Vec::new();
    for part in ranges {
        let is = |(at, magic, _): &&(usize, &[u8], &str)| {
            let mut bytes = vec![0; magic.len()];
            file.read_exact_at(&mut bytes, part.start.saturating_add(*at as u64)).is_ok() && bytes == *magic
        };
        let kind = KINDS.iter().find(is).map_or("something that is not known", |(_, _, kind)| kind);
        found.push((part, kind));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use process::Spec;
    use process::deadlines::HOST_WORK;
    use std::fs;
    use std::os::unix::fs::{FileExt, symlink};

    fn by() -> QemuImg {
        QemuImg::default()
    }

    /// A disk with a table and one part with a system; `None` where mke2fs or debugfs is missing.
    fn disk(dir: &Path) -> Option<Chain> {
        let Some(debugfs) = ext::debugfs() else {
            testing::skip("debugfs is missing; the package e2fsprogs has it");
            return None;
        };
        let tree = dir.join("tree");
        for folder in ["boot", "usr/a b"] {
            fs::create_dir_all(tree.join(folder)).unwrap();
        }
        for (name, text) in [
            ("boot/vmlinuz-6.1.0-9-amd64", "old"),
            ("boot/vmlinuz-6.1.0-10-amd64", "new"),
            ("boot/initrd.img-6.1.0-10-amd64", "initrd"),
            ("boot/vmlinuz-0-rescue-ff", "rescue"),
            ("usr/a b/$(id) x", "hi"),
        ] {
            fs::write(tree.join(name), text).unwrap();
        }
        symlink("/usr", tree.join("up")).unwrap();
        symlink("../../../../etc/passwd", tree.join("out")).unwrap();
        let (part, raw) = (dir.join("part"), dir.join("disk.raw"));
        let mke2fs = Spec::new(debugfs.with_file_name("mke2fs")).args(["-q", "-F", "-t", "ext4", "-d"]);
        process::run(mke2fs.arg(&tree).arg(&part).arg("4M"), HOST_WORK).unwrap();
        let content = fs::read(&part).unwrap();
        let mut table = vec![0; 512];
        table[510..].copy_from_slice(&[0x55, 0xaa]);
        table[450] = 0x83;
        table[454..458].copy_from_slice(&2048u32.to_le_bytes());
        table[458..462].copy_from_slice(&u32::try_from(content.len() / 512).unwrap().to_le_bytes());
        let file = fs::File::create(&raw).unwrap();
        file.write_all_at(&table, 0).unwrap();
        file.write_all_at(&content, 1 << 20).unwrap();
        Some(Chain::of(&raw, Some(Format::Raw), &[]).unwrap())
    }

    #[test]
    fn the_newest_kernel_comes_out_with_its_initrd_and_nothing_is_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        let Some(chain) = disk(dir.path()) else { return };
        let to = dir.path().join("to");
        let out = extract(&chain, (true, &[]), &to, &by()).unwrap();
        let names: Vec<_> = out.taken.iter().map(|t| t.file.file_name().unwrap().to_str().unwrap()).collect();
        assert_eq!(names, ["vmlinuz-6.1.0-10-amd64", "initrd.img-6.1.0-10-amd64"]);
        assert_eq!(fs::read(&out.taken[0].file).unwrap(), b"new");
        assert!(matches!(extract(&chain, (true, &[]), &to, &by()), Err(ImageError::Taken { .. })));
        assert_eq!(fs::read_dir(&to).unwrap().count(), 2, "nothing else is left");
    }

    #[test]
    fn paths_come_out_through_links_that_stay_in_the_image_and_as_qcow2_too() {
        let dir = tempfile::tempdir().unwrap();
        let Some(chain) = disk(dir.path()) else { return };
        let take =
            |path: &str, to: &str| extract(&chain, (false, &[path.to_owned()]), &dir.path().join(to), &by());
        let out = take("/up/a b/$(id) x", "one").unwrap();
        assert_eq!(fs::read(&out.taken[0].file).unwrap(), b"hi");
        let tree = take("/usr", "two").unwrap();
        assert_eq!(tree.taken[0].file, dir.path().join("two/usr/a b/$(id) x"));
        for path in ["/out", "/usr/none", "/boot/vmlinuz-6.1.0-9-amd64/x"] {
            let said = take(path, "three").unwrap_err().to_string();
            assert!(said.contains(&format!("it has no '{path}'")), "{said}");
        }
        assert!(take("/", "four").unwrap().left.contains(&"root/up".to_owned()));
        if process::run(Spec::new("qemu-img").arg("--version"), HOST_WORK).is_err() {
            return testing::skip("qemu-img is missing; `make setup` gets it");
        }
        let qcow2 = dir.path().join("x.qcow2");
        super::super::carry::export(&chain, &qcow2, &QemuImg::default()).unwrap();
        let chain = Chain::of(&qcow2, None, &[]).unwrap();
        let out = extract(&chain, (false, &["/usr/a b/$(id) x".to_owned()]), &dir.path().join("five"), &by())
            .unwrap();
        assert_eq!(fs::read(&out.taken[0].file).unwrap(), b"hi");
    }

    #[test]
    fn a_file_system_that_cannot_be_read_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let raw = dir.path().join("x");
        let mut bytes = vec![0; 4096];
        bytes[..4].copy_from_slice(b"XFSB");
        fs::write(&raw, bytes).unwrap();
        let chain = Chain::of(&raw, Some(Format::Raw), &[]).unwrap();
        let said = extract(&chain, (true, &[]), &dir.path().join("to"), &by()).unwrap_err().to_string();
        assert!(said.contains("ext2, ext3 and ext4 can be read, and it has xfs"), "{said}");
    }
}
