//! The doors of perfvt: whatever comes from somebody else, or is meant to last, passes one of these.
//!
//! ```text
//! read     files in: only regular files, never more than a bound
//! write    files out: a temporary name, fsync, rename, fsync of the directory
//! owned    directories that may be removed: those that this process made, or that carry perfvt's own mark
//! text     foreign text to people: nothing invisible, quotations bounded, one sink before a terminal
//! secret   values that cannot be printed or stored
//! fault    (tests only) breaks the n-th operation of the doors, and tells what a power loss would leave
//! ```
//!
//! clippy refuses the raw calls of `std::fs` elsewhere (`clippy.toml`), so that there is no second way.

#[cfg(any(test, feature = "faults"))]
pub mod fault;
pub mod owned;
pub mod read;
pub mod secret;
pub mod text;
pub mod write;

pub use owned::{Made, Scratch};
pub use read::{read, read_text};
pub use secret::Secret;
pub use text::{Terminal, clipped, quoted, quoted_end, visible};
pub use write::write_atomically;

/// The operations that a test can break. Without the feature `faults` this is nothing.
pub(crate) mod seam {
    #[cfg(any(test, feature = "faults"))]
    pub(crate) use crate::fault::{at, synced};

    /// What a door is about to do.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
    pub enum Op {
        /// Opening or creating a file for writing.
        Open,
        /// Writing bytes; half of them arrive when it fails.
        Write,
        /// fsync of a file or directory.
        Sync,
        /// Renaming.
        Rename,
        /// Making a directory.
        Make,
        /// Removing.
        Remove,
    }

    #[cfg(not(any(test, feature = "faults")))]
    #[inline(always)]
    pub(crate) fn at(_: Op, _: &std::path::Path) -> std::io::Result<()> {
        Ok(())
    }

    #[cfg(not(any(test, feature = "faults")))]
    #[inline(always)]
    pub(crate) fn synced(_: &std::path::Path) {}
}
