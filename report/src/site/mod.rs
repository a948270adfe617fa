//! A static site of many results: nothing but files, so any web server serves it.
//!
//! ```text
//!   RESULT ──> data (a copy that nobody changes; sums; archive) ──> signature ──> analyze, by the caller
//!                                                                      │ Comparison or Shown
//!   Stage ──> pages (comparison or run, sysinfo, run page) ──> entry.json ──> renamed into SITE/r/ID
//!   Site  ──> lock ──> scan of every entry ──> index.html, feed.xml
//! ```
//! ```text
//! SITE/site.json              title, address, id of the feed, whether signatures are asked for
//! SITE/index.html  feed.xml   made from the entries alone, again after each change
//! SITE/h/                     the history of a lake: see `timeline`
//! SITE/r/ID/                  one result: index.html, comparison.json, entry.json, points.json, sysinfo.html, archives
//! ```
//! Results are untrusted. They are copied without following a link, through directory descriptors, and what is read,
//! judged, summed and archived is that copy alone. No name from a result becomes a path of the site: folders are named by
//! date and hash, archives by the argument. Everything shown is escaped, and a page that comes with a result is shown in a
//! frame in which nothing runs.
//!
//! An entry is known by the whole hash of its samples, of which its folder's name shows the beginning; where results are
//! signed, entries and machines belong to whoever signed the first.

mod access;
mod content;
mod data;
mod entry;
mod error;
mod feed;
mod guests;
mod history;
mod index;
mod owner;
mod pages;
mod publish;
mod published;
mod secrets;
mod settings;
mod shell;
mod signature;
mod stage;
mod sysinfo;
mod timeline;
mod uuid;

pub use content::Content;
pub use entry::{Data, ENTRY_FORMAT, Entry, Guest, Kind};
pub use error::SiteError;
pub use history::history;
pub use publish::{Added, Labelled, Site};
pub use published::Published;
pub use settings::{Checks, Kept, Settings};
pub use signature::{Signatures, Unsigned};
pub use stage::Stage;
pub use timeline::Summary as HistorySummary;
