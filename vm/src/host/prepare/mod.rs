//! Making the host fit for measuring, and undoing it.
//!
//! ```text
//!   knobs (what is wanted, pure) ──> apply: old values ──> journal (fsynced) ──> writes ──> read back
//!                                                              │
//!   perfvt host restore, the end of `run --prepare` <──────────┘  newest first, only what still is as it was written
//! ```
//!
//! Nothing is written before its old value is on disk, so a perfvt that was killed at any moment leaves a journal that
//! tells how to go back. docs/host.md describes each knob and the journal.

mod apply;
mod journal;
mod knobs;
mod reboot;
mod report;
mod services;

pub use apply::{Host, PrepareError, prepare, restore, standing};
pub use journal::{Change, JOURNAL_FILE, Session, Target};
pub use knobs::{Hugepages, KNOBS, Options};
pub use reboot::{Advice, advise};
pub use report::{Line, Outcome, Report};
