//! Ways to give commands to a guest: argument vectors in, exit status and output out.
//!
//! ```text
//!   Channel ── port     perfvt's own agent in the built-in guest, on a virtio-serial port
//!           ├─ qga      the QEMU guest agent, on a virtio-serial port
//!           ├─ marks    nobody: bytes of a guest that works by itself
//!           ├─ serial   a login on the serial console
//!           └─ ssh      ssh over a NIC of its own
//! ```
//!
//! What all have in common is here: what a reply is, what can go wrong, and waiting for bytes with an eye on the guest.

mod closed;
mod marks;
mod port;
pub mod qga;
pub mod serial;
mod ssh;
mod wire;

pub(super) use closed::ClosedChannel;
pub use marks::{MARKS_NAME, Mark, MarksChannel};
pub use port::{PORT_NAME, PortChannel};
pub use qga::QgaChannel;
pub use serial::SerialChannel;
pub use ssh::SshChannel;
pub(super) use wire::{Limit, Wire};

use super::job::{JobRequest, Standing, Unclear};
use edge::{quoted, quoted_end};
use model::Failure;
use process::LONGEST_OUTPUT;
use std::time::Duration;

/// Is asked now and then while something is waited for, and may say how the guest died.
pub type Health<'a> = dyn FnMut() -> Option<Failure> + 'a;

/// A way to give commands to a guest.
pub trait Channel {
    /// Waits until the guest takes commands.
    ///
    /// # Errors
    /// The guest died, is not ready in time, or says what is no announcement.
    fn wait_ready(&mut self, deadline: Duration, health: &mut Health<'_>) -> Result<Ready, ChannelError>;

    /// Goes on with a guest that took commands when its state was saved: what listened in it still does, and announces
    /// itself no more.
    ///
    /// # Errors
    /// As for [`Channel::wait_ready`].
    fn resume(&mut self, deadline: Duration, health: &mut Health<'_>) -> Result<Ready, ChannelError> {
        let facts = ["/proc/sys/kernel/osrelease", "/proc/uptime"];
        let text = self.read(&facts, deadline, health)?.into_output(&facts)?;
        let mut words = text.split_whitespace();
        match (words.next(), words.next().and_then(|word| word.parse().ok())) {
            (Some(kernel), Some(uptime)) => Ok(Ready { kernel: kernel.to_owned(), uptime }),
            _ => Err(ChannelError::Nonsense(text)),
        }
    }

    /// The next mark of a guest that works by itself; `None` where none has come in time. Others make none.
    ///
    /// # Errors
    /// The guest died, or what it says is no mark.
    fn mark(&mut self, deadline: Duration, health: &mut Health<'_>) -> Result<Option<Mark>, ChannelError> {
        let _ = (deadline, health);
        Ok(None)
    }

    /// Runs a command in the guest, which is killed there at the deadline.
    ///
    /// # Errors
    /// The guest died, or gives no answer even after the deadline.
    fn exec(
        &mut self,
        argv: &[&str],
        deadline: Duration,
        health: &mut Health<'_>,
    ) -> Result<Reply, ChannelError>;

    /// The same with a command that is killed when somebody wants it to end, where the way into the guest can say so while a
    /// command runs; else at its deadline.
    ///
    /// # Errors
    /// As for [`Channel::exec`].
    fn exec_unless(
        &mut self,
        argv: &[&str],
        deadline: Duration,
        _stop: &dyn Fn() -> bool,
        health: &mut Health<'_>,
    ) -> Result<Reply, ChannelError> {
        self.exec(argv, deadline, health)
    }

    /// Starts a command in the background of the guest, or asks after one that was started.
    ///
    /// # Errors
    /// As for [`Channel::exec`]; the guest did not do it, or does not say how its jobs stand.
    fn job(
        &mut self,
        request: &JobRequest<'_>,
        deadline: Duration,
        health: &mut Health<'_>,
    ) -> Result<Vec<Standing>, ChannelError> {
        self.exec(&request.words(), deadline, health)?.standings(request)
    }

    /// Reads files of the guest's /proc and /sys, one after the other; their names must be plain words.
    ///
    /// # Errors
    /// As for [`Channel::exec`].
    fn read(
        &mut self,
        paths: &[&str],
        deadline: Duration,
        health: &mut Health<'_>,
    ) -> Result<Reply, ChannelError>;

    /// The same, with the guest's monotonic clock in the first line: `now NANOSECONDS`, where its kernel tells it.
    /// A Windows guest has no such files: whatever is asked for, the answer is what its agent says of its interfaces, as it
    /// came ([`crate::guest::os::Os::counted`] says in which form a guest answers).
    ///
    /// # Errors
    /// As for [`Channel::exec`].
    fn counters(
        &mut self,
        paths: &[&str],
        deadline: Duration,
        health: &mut Health<'_>,
    ) -> Result<Reply, ChannelError>;

    /// Writes a file in the guest; `mode` is octal text such as `644`.
    ///
    /// # Errors
    /// As for [`Channel::exec`].
    fn put(
        &mut self,
        path: &str,
        mode: &str,
        content: &[u8],
        deadline: Duration,
        health: &mut Health<'_>,
    ) -> Result<Reply, ChannelError>;
}

/// A request that got no answer.
#[derive(Debug, thiserror::Error)]
pub enum ChannelError {
    /// The socket cannot be used, or QEMU closed it.
    #[error("command channel: {0}")]
    Io(#[from] std::io::Error),
    /// The guest is dead; the text says how.
    #[error("{0}")]
    Dead(Failure),
    /// No answer in time.
    #[error("command channel: no answer to {} within {seconds:.0} s", quoted(.what))]
    Deadline {
        /// Which request.
        what: String,
        /// The deadline.
        seconds: f64,
    },
    /// An answer that does not tell how jobs stand.
    #[error(transparent)]
    Unclear(#[from] Unclear),
    /// An answer that is none.
    #[error("command channel: the guest answered {}, which is no answer", quoted(.0))]
    Nonsense(String),
    /// A command wrote more than is taken.
    #[error("in the guest, {} wrote more than {} MiB of output", quoted(.0), LONGEST_OUTPUT >> 20)]
    TooMuch(String),
    /// The guest does not let perfvt in.
    #[error("command channel: {0}")]
    Refused(String),
    /// The command ended with another status than 0.
    #[error("in the guest, {} ended with {ended}: {}", quoted(.command), quoted_end(.stderr))]
    Failed {
        /// The command line, for people.
        command: String,
        /// How it ended.
        ended: Status,
        /// What it wrote to standard error.
        stderr: String,
    },
}

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// The command's exit status, 128 + n for signal n.
    Exit(i32),
    /// The guest killed the command at its deadline.
    Timeout,
    /// The guest could not carry the request out.
    Refused,
}

impl std::fmt::Display for Status {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Status::Exit(status) => write!(f, "status {status}"),
            Status::Timeout => f.write_str("SIGKILL at its deadline"),
            Status::Refused => f.write_str("a refusal"),
        }
    }
}

/// What a command in the guest came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// How it ended.
    pub status: Status,
    /// Standard output.
    pub stdout: Vec<u8>,
    /// Standard error.
    pub stderr: Vec<u8>,
}

/// What the guest said when it was ready.
#[derive(Clone, Debug, PartialEq)]
pub struct Ready {
    /// `uname -r`.
    pub kernel: String,
    /// Seconds since the guest's kernel started.
    pub uptime: f64,
}

/// A deadline as programs in the guest take it.
fn whole_seconds(deadline: Duration) -> String {
    (deadline.as_secs_f64().ceil().max(1.0) as u64).to_string()
}

/// The status of what `timeout -s KILL` has killed, and of what something else has.
const KILLED: i32 = 137;

impl Reply {
    /// Of a request that has nothing to say.
    fn empty() -> Reply {
        Reply { status: Status::Exit(0), stdout: Vec::new(), stderr: Vec::new() }
    }

    /// A command that was killed after all of its time was killed by its deadline.
    fn killed_at(self, after: Duration, deadline: Duration) -> Reply {
        let late = self.status == Status::Exit(KILLED) && after >= deadline;
        Reply { status: if late { Status::Timeout } else { self.status }, ..self }
    }

    /// Standard output of a command that ended with status 0.
    pub fn into_output(self, argv: &[&str]) -> Result<String, ChannelError> {
        Ok(edge::text::text_of(self.checked(argv)?.stdout))
    }

    /// What the command of a request about jobs printed.
    fn standings(self, request: &JobRequest<'_>) -> Result<Vec<Standing>, ChannelError> {
        Ok(request.answer(&self.checked(&request.words())?.stdout)?)
    }

    /// What a command left that ended with status 0.
    fn checked(self, argv: &[&str]) -> Result<Reply, ChannelError> {
        if self.status == Status::Exit(0) {
            return Ok(self);
        }
        Err(self.failed(argv))
    }

    /// The error that a command is that ended otherwise.
    fn failed(self, argv: &[&str]) -> ChannelError {
        ChannelError::Failed {
            command: argv.join(" "),
            ended: self.status,
            stderr: String::from_utf8_lossy(&self.stderr).trim().to_owned(),
        }
    }
}
