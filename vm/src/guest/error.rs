//! What can go wrong with a guest, and what kind of failure that is.

use super::channel::{ChannelError, Status};
use super::network::NetworkError;
use super::qmp::QmpError;
use edge::{quoted, quoted_end};
use model::{Code, Failure, Phase};
use process::ProcessError;
use std::path::PathBuf;

/// What is said of a file system that is full: by strerror(3) of ENOSPC and EDQUOT, and by Windows of ERROR_DISK_FULL.
const NO_SPACE: [&str; 3] =
    ["No space left on device", "Disk quota exceeded", "There is not enough space on the disk"];

/// A guest that cannot be used, or no longer.
#[derive(Debug, thiserror::Error)]
pub enum GuestError {
    /// A process could not be started.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// The network could not be had.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// QEMU's monitor.
    #[error("{0}")]
    Qmp(#[from] QmpError),
    /// The command channel, or a command in the guest.
    #[error(transparent)]
    Channel(#[from] ChannelError),
    /// QEMU ended before the guest was there.
    #[error("{0}")]
    Died(Failure),
    /// The guest never said that it is ready.
    #[error("the guest was not ready within {seconds:.0} s (hang); the console ends with {}", quoted_end(.console))]
    NotReady {
        /// The deadline.
        seconds: f64,
        /// The end of the serial log.
        console: String,
    },
    /// A guest that works by itself was to be entered.
    #[error("nobody enters a guest with channel=none, and here it has no job; give it another channel")]
    NoJob,
    /// The guest was there, and does not answer any more.
    #[error(
        "the guest hangs: no answer to {} within {seconds:.0} s; QMP says {status}; the console ends with {}",
        quoted(.what),
        quoted_end(.console)
    )]
    Hangs {
        /// Which request.
        what: String,
        /// Its deadline.
        seconds: f64,
        /// What QEMU says of the guest: `running`, `paused`, or why it says nothing.
        status: String,
        /// The end of the serial log.
        console: String,
    },
    /// A file could not be written into the guest, which has no room for it.
    #[error("{} is full: {source}", full_disk(.disk.as_deref()))]
    Full {
        /// Where the file system is mounted, if the guest can tell.
        disk: Option<String>,
        /// What the guest said.
        source: ChannelError,
    },
    /// QEMU cannot be kept to what is its own.
    #[error("confining QEMU: {0}; confine=auto chooses what works here")]
    Confine(std::io::Error),
    /// One of several guests that were to boot together.
    #[error("in {name}: {source}")]
    One {
        /// Its name.
        name: String,
        /// What is wrong with it.
        source: Box<GuestError>,
    },
    /// A boot before the one that counts.
    #[error("in earlier boot {boot}, before the one that counts: {source}")]
    Earlier {
        /// Which, from 1.
        boot: u32,
        /// What is wrong with it.
        source: Box<GuestError>,
    },
    /// A thread could not be pinned.
    #[error("{0}")]
    Pin(String),
    /// Files of the boot.
    #[error("{doing} {path}: {source}", path = path.display())]
    Io {
        /// What was being done.
        doing: &'static str,
        /// To which file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
}

impl GuestError {
    /// What kind of failure it is, with its text.
    pub fn failure(&self) -> Failure {
        let code = match self {
            GuestError::Died(failure) | GuestError::Channel(ChannelError::Dead(failure)) => {
                return failure.clone();
            }
            GuestError::One { name, source } => {
                let Failure { code, reason, .. } = source.failure();
                return Failure::new(code, format!("in {name}: {reason}"));
            }
            GuestError::Earlier { boot, source } => {
                let Failure { code, reason, .. } = source.failure();
                let reason = format!("in earlier boot {boot}, before the one that counts: {reason}");
                return Failure::new(code, reason);
            }
            GuestError::NotReady { .. } => Code::Deadline(Phase::Boot),
            GuestError::Channel(ChannelError::Failed { stderr, .. }) if is_full(stderr) => {
                let reason = format!("{} is full: {self}", full_disk(None));
                return Failure::new(Code::GuestNoSpace, reason);
            }
            GuestError::Full { .. } => Code::GuestNoSpace,
            GuestError::Hangs { .. }
            | GuestError::Qmp(QmpError::Deadline { .. })
            | GuestError::Channel(ChannelError::Deadline { .. }) => Code::Hang,
            GuestError::Channel(ChannelError::Failed { ended: Status::Timeout, .. }) => {
                Code::Deadline(Phase::Measure)
            }
            GuestError::Channel(ChannelError::Failed { .. } | ChannelError::Unclear(_)) => Code::ToolFailed,
            GuestError::Channel(ChannelError::TooMuch(_)) => Code::ToolNonsense,
            GuestError::Channel(
                ChannelError::Io(_) | ChannelError::Nonsense(_) | ChannelError::Refused(_),
            )
            | GuestError::Qmp(_) => Code::ChannelBroken,
            GuestError::Process(_)
            | GuestError::NoJob
            | GuestError::Network(_)
            | GuestError::Confine(_)
            | GuestError::Pin(_)
            | GuestError::Io { .. } => Code::Host,
        };
        Failure::new(code, self.to_string())
    }
}

/// Whether somebody complains of a full file system.
pub(super) fn is_full(said: &str) -> bool {
    NO_SPACE.iter().any(|words| said.contains(words))
}

/// The beginning of a sentence about a full file system of the guest.
fn full_disk(mount: Option<&str>) -> String {
    mount.map_or_else(|| "a disk of the guest".to_owned(), |mount| format!("the guest's disk {mount}"))
}

/// The first file system without any room in a table of df(1).
pub(super) fn full_in(table: &str) -> Option<String> {
    table.lines().skip(1).find_map(|line| match line.split_whitespace().collect::<Vec<_>>().as_slice() {
        [_, _, _, "0", _, mount, ..] if mount.starts_with('/') => {
            Some(quoted(mount).to_string().replace('\'', ""))
        }
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_file_system_without_room_is_named() {
        let table = "Filesystem 1024-blocks Used Available Capacity Mounted on\n\
                     tmpfs 504000 504000 0 100% /tmp\ntmpfs 504000 12 503988 1% /run\n";
        assert_eq!(full_in(table).as_deref(), Some("/tmp"));
        assert_eq!(full_in(&table.replace("504000 0 ", "500000 4000 ")), None);
        assert_eq!(full_in("df: /x: No such file or directory\n"), None);
    }

    #[test]
    fn a_guest_without_room_is_told_from_one_that_is_broken() {
        let failed = |stderr: &str| {
            let (command, ended) = ("writing /tmp/x".to_owned(), Status::Refused);
            ChannelError::Failed { command, ended, stderr: stderr.to_owned() }
        };
        for said in NO_SPACE {
            let failure = GuestError::Channel(failed(&format!("guest-file-write: {said}"))).failure();
            assert_eq!(failure.code, Code::GuestNoSpace, "{failure}");
        }
        let full = GuestError::Full { disk: Some("/tmp".into()), source: failed(NO_SPACE[0]) }.failure();
        assert_eq!(full.code, Code::GuestNoSpace);
        assert_eq!(
            full.reason,
            "the guest's disk /tmp is full: in the guest, 'writing /tmp/x' ended with a refusal: \
             'No space left on device'"
        );
        assert_eq!(GuestError::Channel(failed("no such file")).failure().code, Code::ToolFailed);
    }
}
