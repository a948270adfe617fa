//! Whether the host was quiet: waited for before a sample, watched during it, judged after it.
//!
//! ```text
//!   /proc, /sys ──Reader──> Reading ─┐
//!                  before a sample   ├─ judge::quiet  ──> breaches ──> wait, or stop
//!                  Reading, Reading ─┘
//!                  around a sample  ─── judge::sample ──> breaches ──> kept with a note, or taken again
//! ```
//!
//! The limits are fixed before the campaign ([`Limits`]); what they are and why stands in docs/host.md. Processes of
//! perfvt itself (QEMU and clients are its children) do not count as noise.

mod canary;
mod judge;
mod limits;
mod reading;

pub use canary::canary;
pub use judge::ELSEWHERE;
pub use judge::{quiet, sample};
pub use limits::Limits;
pub use reading::{Reader, Reading, ThreadReading, Vcpu, Watched};
