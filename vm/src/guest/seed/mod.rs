//! Small FAT disks with files for an operating system that looks for them by the disk's label: the one writer of all of them.
//!
//! ```text
//!   CIDATA   cloud-init's NoCloud            OEMDRV   answers for Anaconda (kickstart)
//!   floppy   1.44 MB: answers for Debian's installer (preseed) and Windows's (autounattend)
//! ```
//!
//! The same files are the same bytes, whenever and wherever they are written: a disk can be part of what was measured.

mod cloud;
mod file;
mod key;
#[cfg(test)]
mod tests;

pub use cloud::{CloudInit, OfBoot, SshLogin};
pub use file::SeedFile;
pub use key::KeyPair;

use edge::quoted;
use fatfs::{Date, DateTime, FileSystem, FormatVolumeOptions, FsOptions, Time, TimeProvider, format_volume};
use process::ProcessError;
use std::collections::BTreeSet;
use std::io::{self, Cursor, Write};
use std::path::PathBuf;

/// Files on all disks of this kind together are no larger.
pub const LARGEST: usize = 64 << 20;
/// No disk has more: each name is looked for among all of its folder.
const MOST: usize = 256;
/// What a floppy disk of 3.5 inches has.
const FLOPPY: usize = 1440 << 10;
/// No disk is smaller: what reads it has to see a file system, and the smallest is no worse than one with a few files more.
const SMALLEST: usize = 1 << 20;
/// A file or folder takes whole clusters, and its names room in its folder.
const STEP: usize = 4096;
/// Instead of a serial number made of the time of day.
const VOLUME_ID: u32 = 0x7066_7674;

/// Where a system looks for a disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Label {
    /// A disk of cloud-init's data source NoCloud.
    Cidata,
    /// A disk with a kickstart file for Anaconda.
    Oemdrv,
    /// A floppy disk of 1.44 MB, which is found by its drive.
    Floppy,
}

impl Label {
    /// As it stands on the disk, filled with blanks.
    fn bytes(self) -> [u8; 11] {
        match self {
            Label::Cidata => *b"CIDATA     ",
            Label::Oemdrv => *b"OEMDRV     ",
            Label::Floppy => *b"FLOPPY     ",
        }
    }
}

/// A disk as it is to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seed {
    /// By what it is found.
    pub label: Label,
    /// Files by their paths (`user-data`, `folder/file`), in the order in which they are written.
    pub files: Vec<(String, Vec<u8>)>,
}

/// A disk that cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum SeedError {
    /// More than fits.
    #[error("the files of the disk are {bytes} bytes, which is more than its {room}; leave some out")]
    TooMuch {
        /// How much is to go there.
        bytes: usize,
        /// How much has room.
        room: usize,
    },
    /// Too many of them.
    #[error("the disk is {0} files, and {MOST} are the most; leave some out")]
    TooMany(usize),
    /// A name that FAT cannot have.
    #[error("writing {} to a FAT disk: {source}; give it another name", quoted(.name))]
    File {
        /// Its path on the disk.
        name: String,
        /// Why not.
        source: io::Error,
    },
    /// Two files whose names FAT takes for the same.
    #[error("two files of a FAT disk are called {}; give one of them another name", quoted(.0))]
    Twice(String),
    /// Its file on this host.
    #[error("making a disk for cloud-init in {folder}: {source}", folder = .folder.display())]
    Host {
        /// The folder.
        folder: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// No key.
    #[error(
        "making a key with which ssh enters the guest: {0}; openssh-client has ssh-keygen, and key=FILE names a key that is there"
    )]
    Key(#[source] ProcessError),
    /// The file system itself.
    #[error("making a FAT file system: {0}")]
    Format(#[source] io::Error),
}

impl Seed {
    /// The disk's bytes.
    ///
    /// # Errors
    /// Too much for it, or a name that FAT cannot have.
    pub fn image(&self) -> Result<Vec<u8>, SeedError> {
        let mut disk = Cursor::new(vec![0; self.size()?]);
        self.distinct()?;
        let options = FormatVolumeOptions::new().volume_id(VOLUME_ID).volume_label(self.label.bytes());
        // The geometry by which drives and firmware know it.
        let options = match self.label {
            Label::Floppy => options.media(0xf0).sectors_per_track(18).heads(2).drive_num(0),
            Label::Cidata | Label::Oemdrv => options,
        };
        format_volume(&mut disk, options).map_err(SeedError::Format)?;
        let files =
            FileSystem::new(&mut disk, FsOptions::new().time_provider(&ALWAYS)).map_err(SeedError::Format)?;
        for (name, content) in &self.files {
            let failed = |source| SeedError::File { name: name.clone(), source };
            let mut folder = files.root_dir();
            let (folders, file) = name.rsplit_once('/').unwrap_or(("", name));
            for part in folders.split('/').filter(|part| !part.is_empty()) {
                folder = folder.create_dir(part).map_err(failed)?;
            }
            let mut file = folder.create_file(file).map_err(failed)?;
            file.write_all(content).and_then(|()| file.flush()).map_err(failed)?;
        }
        files.unmount().map_err(SeedError::Format)?;
        Ok(disk.into_inner())
    }

    /// The disk's size, which its files alone say.
    fn size(&self) -> Result<usize, SeedError> {
        if self.files.len() > MOST {
            return Err(SeedError::TooMany(self.files.len()));
        }
        let all = |each: fn(&Vec<u8>) -> usize| {
            self.files.iter().fold(0_usize, |sum, (_, content)| sum.saturating_add(each(content)))
        };
        let bytes = all(Vec::len);
        let room = if self.label == Label::Floppy { FLOPPY } else { LARGEST };
        if bytes > room {
            return Err(SeedError::TooMuch { bytes, room });
        }
        if self.label == Label::Floppy {
            return Ok(FLOPPY);
        }
        // Beside the files: their names, their folders, and two tables of all clusters.
        let room = all(|content| content.len().next_multiple_of(STEP).saturating_add(2 * STEP));
        Ok(SMALLEST.saturating_add(room + room / 16).next_multiple_of(64 << 10))
    }

    /// FAT knows no case: a second file of a name would be written over the first.
    fn distinct(&self) -> Result<(), SeedError> {
        let mut seen = BTreeSet::new();
        let twice = self.files.iter().find(|(name, _)| !seen.insert(name.to_uppercase()));
        twice.map_or(Ok(()), |(name, _)| Err(SeedError::Twice(name.clone())))
    }
}

/// Each file was made at the same time: that of the disk's making is no part of what is on it.
#[derive(Debug)]
struct Always;

static ALWAYS: Always = Always;

impl TimeProvider for Always {
    fn get_current_date(&self) -> Date {
        Date { year: 2000, month: 1, day: 1 }
    }

    fn get_current_date_time(&self) -> DateTime {
        DateTime { date: self.get_current_date(), time: Time { hour: 0, min: 0, sec: 0, millis: 0 } }
    }
}
