//! Years of results as immutable Parquet files, open to every engine that reads Parquet.
//!
//! ```text
//! LAKE/lake.json                                           what this folder is
//!      events.jsonl                                        what people said of series: append only
//!      points/m=MACHINE/ym=YYYYMM/CAMPAIGN.parquet         a row for each case, metric and environment of a campaign
//!      boots/..   samples/..   builds/..   commits/..      the same, finer; and what was measured
//! ```
//!
//! A file is written once, under a name that its content belongs to, and appears whole or not at all. Adding a campaign
//! twice adds nothing, and two that add at once lose nothing, because they write files of their own. A row's columns are
//! only ever added to: a file of an older perfvt lacks some, one of a newer has some that are not looked at.
//!
//! [`Lake::compact`] writes the files of a closed month together. What it has written counts before the single files do,
//! by the campaigns in it, so that a compaction that is cut short at any moment changes no answer.

mod cell;
mod compact;
mod error;
mod events;
mod file;
mod folder;
mod tables;

pub use cell::{Cell, Kind, Micros};
pub use compact::Compacted;
pub use error::LakeError;
pub use events::{Event, Part, Said};
pub use folder::{Added, Campaign, Found, Lake, Torn, write_rows};
pub use tables::{Boot, Build, Commit, Point, SeriesId, Table};
