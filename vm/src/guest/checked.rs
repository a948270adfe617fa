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
            Err(_) => ended.into_output(within).map(|_| Check { errors: 1, ..Check::default() }),
        }
    }
}
