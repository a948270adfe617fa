//! RHS files: the result format of Avocado-VT's performance tests, in every dialect that was ever written.
//!
//! ```text
//! ### kvm-userspace-ver : qemu-kvm-6.2.0          header entries
//! ### session-length : 60
//! Category:TCP_STREAM (RX)                        a category
//!         size|    sessions|  throughput| ...     its column line
//!           64|           1|      812.34| ...     rows: one case each
//! ```
//!
//! | dialect | how it differs |
//! |---|---|
//! | netperf G0 | no header, the category is a bare line, column names with `#` and `/` |
//! | netperf G1 | `#ver#` and `#desc#` lines |
//! | netperf G2 | every line ends with `\|`, a blank line stands between category and columns |
//! | netperf G3, G4 | one column for each queue; cells 12 wide |
//! | netperf UDP, ntttcp, dpdk | no category |
//! | ffsb, iozone | `Category:ALL`, a bare heading for each profile, `Category:SUM` padded with `None`, trailing `key: value` lines |
//! | pktgen | `Script:x Category:y` |
//!
//! [`parse`] reads all of them and never fails as a whole: what it cannot use is a [`Loss`] with line and column.
//! [`write()`] writes the newest netperf layout (G4), which the ancestor's tools read too.

mod cells;
mod document;
mod header;
mod number;
mod parse;
mod write;

pub use document::{Cell, Document, HeaderEntry, HeaderKind, Loss, LossKind, Row, Table};
pub use header::Versions;
pub use number::parse_finite;
pub use parse::parse;
pub use write::{RhsCategory, RhsCell, RhsFile, RhsWriteError, write};
