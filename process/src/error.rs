//! What goes wrong with a process.

use edge::quoted_end;
use std::io;

/// The most that a command may write in all, on this host or in a guest, where perfvt takes its output: it is held in memory
/// until it is in a file. What a child writes beyond is read and forgotten, so that it never blocks.
pub const LONGEST_OUTPUT: usize = 64 << 20;

/// A process that could not be started, or did not do what it was started for.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// The program is not there or cannot be executed.
    #[error("starting {program}: {source}")]
    Start {
        /// The program as it was named.
        program: String,
        /// Why not.
        source: io::Error,
    },
    /// It ended with another status than 0.
    #[error("{command} ended with {status}: {}", quoted_end(.stderr))]
    Failed {
        /// The command line, for people.
        command: String,
        /// How it ended.
        status: String,
        /// The end of what it wrote to standard error.
        stderr: String,
    },
    /// It did not end in time and was killed.
    #[error("{command} did not end within {seconds} s and was killed: {}", quoted_end(.stderr))]
    Deadline {
        /// The command line, for people.
        command: String,
        /// The deadline.
        seconds: u64,
        /// The end of what it wrote to standard error.
        stderr: String,
    },
    /// It wrote more than is kept, so that what was kept is not its output.
    #[error("{command} wrote more than {} MiB of output", LONGEST_OUTPUT >> 20)]
    TooMuch {
        /// The command line, for people.
        command: String,
    },
    /// Talking to it failed.
    #[error("{doing} {command}: {source}")]
    Io {
        /// What was being done.
        doing: &'static str,
        /// The command line, for people.
        command: String,
        /// Why not.
        source: io::Error,
    },
}
