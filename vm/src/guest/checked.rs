//! Images that are checked when their guest has ended (`check_image`): the layer above an image, data disks that are qcow2, and
//! the images below. qemu-img looks at their tables alone, not at what a guest wrote.
//!
//! The names of a boot's own files are gone by then, so that their room is free whatever ends perfvt. They are opened while they
//! have names, and qemu-img gets them open.

use super::backing::{Chain, Format, Layer};
use super::blockdev;
use super::qemu_img::QemuImg;
use crate::deadlines::{Deadlines, Step};
use formats::qemu_img::{Check, parse_check};
use model::{Code, Failure};
use process::{Inherited, ProcessError, Sink};
use std::fmt::Write as _;
use std::io;
use std::os::fd::{OwnedFd, RawFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// The number of an open file in qemu-img.
const NUMBER: RawFd = 100;

/// One image.
#[derive(Debug)]
struct Image {
    /// For people.
    what: String,
    by: QemuImg,
    at: At,
}

/// Where it is.
#[derive(Debug)]
enum At {
    Open(Arc<OwnedFd>),
    Layer(Layer),
}

/// The images of a boot's guests; none where nobody asked for it.
#[derive(Debug, Default)]
pub struct Images {
    all: Vec<Image>,
    within: Duration,
    found: Found,
}

/// What checks have found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// The first image that is not as it should be: [`Code::ImageCorrupt`], or why it could not be checked.
    pub failed: Option<Failure>,
    /// A sentence for each image with clusters that nothing uses, which costs room and no more.
    pub leaks: Vec<String>,
    /// A line for each image: what it is, and what was found.
    pub lines: String,
}

impl Images {
    /// None yet, each to be checked within the time that there is for it.
    pub fn new(deadlines: &Deadlines) -> Images {
        Images { within: deadlines.within(Step::Check), ..Images::default() }
    }

    /// One that was checked before ([`Images::check`]).
    pub fn checked(found: Found) -> Images {
        Images { found, ..Images::default() }
    }

    /// Whether there is nothing to check, and nothing was.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty() && self.found == Found::default()
    }

    /// A file of a boot's own, which is opened now.
    ///
    /// # Errors
    /// It cannot be opened.
    pub fn add(&mut self, what: String, by: &QemuImg, file: &Path) -> io::Result<()> {
        let at = At::Open(Arc::new(edge::read::open_disk(file)?.into()));
        self.all.push(Image { what, by: by.clone(), at });
        Ok(())
    }

    /// The images of a chain, which have their names for good.
    pub fn add_chain(&mut self, whose: &str, by: &QemuImg, chain: &Chain) {
        for layer in chain.layers.iter().filter(|layer| layer.format == Format::Qcow2) {
            let what = format!("{whose}, {}", edge::quoted(&layer.file.display().to_string()));
            self.all.push(Image { what, by: by.clone(), at: At::Layer(layer.clone()) });
        }
    }

    /// Checks all of them. Nothing may write to them any more.
    pub fn check(self) -> Found {
        let Images { all, within, mut found } = self;
        for image in &all {
            let said = match image.check(within) {
                Err(error) => {
                    let reason = format!("checking {}: {error}", image.what);
                    found.failed.get_or_insert_with(|| Failure::new(code(&error), reason));
                    format!("not checked: {error}")
                }
                Ok(check) if check.corruptions > 0 || check.errors > 0 => {
                    let reason = format!(
                        "{} is corrupt: {} finds {} corruptions and {} errors in it (check_image)",
                        image.what, image.by, check.corruptions, check.errors
                    );
                    found.failed.get_or_insert_with(|| Failure::new(Code::ImageCorrupt, reason));
                    format!(
                        "{} corruptions, {} errors, {} leaks",
                        check.corruptions, check.errors, check.leaks
                    )
                }
                Ok(check) if check.leaks > 0 => {
                    let leaks = format!("{} has {} clusters that nothing uses", image.what, check.leaks);
                    found.leaks.push(format!("{leaks} (leaks; check_image)"));
                    format!("{} leaks", check.leaks)
                }
                Ok(_) => "whole".to_owned(),
            };
            let _ = writeln!(found.lines, "{}: {said}", image.what);
        }
        found
    }
}

/// What qemu-img cannot even open, though it was a disk a moment ago, is as corrupt as can be; else the program is to blame.
fn code(error: &ProcessError) -> Code {
    match error {
        ProcessError::Failed { status, .. } if status == "status 1" => Code::ImageCorrupt,
        _ => Code::ToolFailed,
    }
}

impl Image {
    fn check(&self, within: Duration) -> Result<Check, ProcessError> {
        // With -U, because somebody else may read an image, too.
        let spec = self.by.spec().args(["check", "-U", "--output=json"]);
        let spec = match &self.at {
            At::Layer(layer) => spec.arg(blockdev::alone(layer)),
            At::Open(file) => {
                let file_there = PathBuf::from(format!("/proc/self/fd/{NUMBER}"));
                let layer = Layer { file: file_there, format: Format::Qcow2, data: None };
                spec.arg(blockdev::alone(&layer)).inherit(vec![Inherited::shared(file, NUMBER)])
            }
        };
        let ended = spec.stdout(Sink::Capture).stderr(Sink::Capture).start()?.finish(within);
        // It ends with 2 or 3 when it has found something; without an answer it says why.
        match parse_check(&String::from_utf8_lossy(&ended.stdout)) {
            Ok(check) => Ok(check),
            Err(_) => Err(ended.into_output(within).err().unwrap_or_else(|| ProcessError::Io {
                doing: "reading what was found by",
                command: self.by.to_string(),
                source: io::Error::from(io::ErrorKind::InvalidData),
            })),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::overlay::Overlay;
    use super::*;
    use model::Accel;
    use process::deadlines::HOST_ANSWER;
    use std::fs::{self, File};
    use std::os::unix::fs::FileExt;

    /// A number of eight bytes in a file, and another one in its place.
    fn number(file: &File, at: u64, other: Option<u64>) -> u64 {
        let mut bytes = [0; 8];
        file.read_exact_at(&mut bytes, at).unwrap();
        if let Some(other) = other {
            file.write_all_at(&other.to_be_bytes(), at).unwrap();
        }
        u64::from_be_bytes(bytes)
    }

    /// Has the first two clusters of a guest be the same one of the file: one of them is lost then.
    fn spoil(image: &Path) {
        let file = File::options().read(true).write(true).open(image).unwrap();
        let table = number(&file, number(&file, 40, None), None) & !(0xff << 56);
        let first = number(&file, table, None);
        number(&file, table + 8, Some(first));
    }

    /// Has a cluster at the end of the file counted as used, though nothing uses it.
    fn leak(image: &Path) {
        let file = File::options().read(true).write(true).open(image).unwrap();
        let cluster = file.metadata().unwrap().len().div_ceil(1 << 16);
        let counts = number(&file, number(&file, 48, None), None);
        file.write_all_at(&1u16.to_be_bytes(), counts + 2 * cluster).unwrap();
        file.set_len((cluster + 1) << 16).unwrap();
    }

    /// A qcow2 image of a megabyte of text; none without qemu-img.
    fn image(dir: &Path, name: &str) -> Option<PathBuf> {
        let (raw, image) = (dir.join("raw"), dir.join(name));
        fs::write(&raw, vec![b'x'; 1 << 20]).unwrap();
        let spec =
            QemuImg::default().spec().args(["convert", "-f", "raw", "-O", "qcow2"]).arg(&raw).arg(&image);
        if process::run(spec, HOST_ANSWER).is_err() {
            testing::skip("qemu-img is missing; `make setup` gets it");
            return None;
        }
        Some(image)
    }

    fn usual() -> Images {
        Images::new(&Deadlines::usual(Accel::Kvm))
    }

    #[test]
    fn a_corrupt_image_is_told_from_a_whole_one_and_from_one_that_leaks_when_its_name_is_gone() {
        let dir = tempfile::tempdir().unwrap();
        let names = ["whole", "corrupt", "leaky"];
        let all: Vec<PathBuf> = names.iter().filter_map(|name| image(dir.path(), name)).collect();
        let [whole, corrupt, leaky] = all.as_slice() else { return };
        spoil(corrupt);
        leak(leaky);
        let by = QemuImg::default();
        let mut images = usual();
        for (name, file) in names.iter().zip(&all) {
            images.add(format!("the disk {name}"), &by, file).unwrap();
            fs::remove_file(file).unwrap();
        }
        assert!(!images.is_empty() && usual().is_empty());
        let found = images.check();
        let wanted =
            "the disk corrupt is corrupt: qemu-img finds 1 corruptions and 0 errors in it (check_image)";
        let failed = found.failed.unwrap();
        assert_eq!((failed.code, failed.reason.as_str()), (Code::ImageCorrupt, wanted));
        assert_eq!(found.leaks, ["the disk leaky has 1 clusters that nothing uses (leaks; check_image)"]);
        let lines: Vec<&str> = found.lines.lines().collect();
        assert_eq!(lines[0], "the disk whole: whole");
        assert!(lines[1].contains("1 corruptions") && lines[2] == "the disk leaky: 1 leaks", "{lines:?}");
        assert!(![whole, corrupt, leaky].iter().any(|file| file.exists()));
    }

    #[test]
    fn a_layer_is_checked_without_what_lies_below_it_and_the_images_below_for_themselves() {
        let dir = tempfile::tempdir().unwrap();
        let Some(base) = image(dir.path(), "base, with comma") else { return };
        let by = QemuImg::default();
        let chain = Chain::of(&base, None, &[]).unwrap();
        let layer = Overlay::make(&chain, dir.path(), &by, &Deadlines::usual(Accel::Kvm)).unwrap();
        spoil(&base);
        let mut images = usual();
        images.add("the layer".into(), &by, layer.path()).unwrap();
        drop(layer);
        assert_eq!(images.check(), Found { lines: "the layer: whole\n".into(), ..Found::default() });
        let mut images = usual();
        images.add_chain("the image of vm1", &by, &chain);
        assert_eq!(images.check().failed.unwrap().code, Code::ImageCorrupt);
        // A raw image has nothing to check.
        let raw = Chain::of(&dir.path().join("raw"), Some(Format::Raw), &[]).unwrap();
        let mut images = usual();
        images.add_chain("the image of vm1", &by, &raw);
        assert!(images.is_empty());
    }

    #[test]
    fn what_cannot_be_opened_any_more_is_corrupt_and_a_program_that_fails_has_found_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let Some(file) = image(dir.path(), "x") else { return };
        let of = |by: &QemuImg| {
            let mut images = usual();
            images.add("x".into(), by, &file).unwrap();
            images.check().failed.unwrap()
        };
        assert_eq!(of(&QemuImg::named("/nonexistent/qemu-img")).code, Code::ToolFailed);
        assert_eq!(of(&QemuImg::named("true")).code, Code::ToolFailed, "it says nothing");
        fs::write(&file, vec![0; 1 << 18]).unwrap();
        let failed = of(&QemuImg::default());
        assert!(
            failed.code == Code::ImageCorrupt && failed.reason.contains("not in qcow2 format"),
            "{failed}"
        );
    }
}
