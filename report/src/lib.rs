//! A comparison in, bytes out: text, Markdown, JSON, JUnit, CSV and HTML.
//!
//! ```text
//!   analyze::Comparison ──> rows (one view per row: words, colours, order)
//!                             │    numbers (digits, units, signs)   edge (foreign text)
//!                             │    statistics (the table of all of them: heads, help, values)
//!                             │    failures, gate (what broke, and what fails, in words)
//!                             ├──> text, markdown, csv, junit, explain
//!                             ├──> html ── verdict bar, failures, notes, changes, forest, heat maps,
//!                             │            rows with pictures, classic, method, packed details
//!                             └──> json
//!   results ──> site (copies, archives, pages, index, feed)
//! ```
//!
//! One side alone (`analyze::Shown`, `Plan`, `NoiseFile`) is text only: `show`, `plan`, on `columns`.
//!
//! Renderers show what `analyze` decided; scales, rounding and colours are all that is decided here.
//! Equal input gives equal bytes: no clock, no file times, no output paths.

// Tests lay out their own files; everything else passes the doors of `edge`.
#![cfg_attr(not(test), warn(clippy::disallowed_methods))]
pub mod badge;
pub mod bisect;
mod brief;
mod bundle;
pub mod campaign;
mod causes;
pub mod classic;
mod columns;
pub mod command_line;
mod comparable;
mod confirmed;
pub mod csv;
mod date;
pub mod drive;
pub mod explain;
pub mod failures;
mod flame;
mod gate;
mod history;
mod hosts;
pub mod html;
pub mod junit;
mod machine;
pub mod markdown;
mod matching;
mod next;
pub mod numbers;
pub mod plan;
mod plan_hosts;
mod rows;
mod sentence;
pub mod show;
mod sides;
pub mod site;
mod statistics;
mod steps;
pub mod text;
mod whom;

pub use analyze::{Gate, write_json as json};
pub use badge::badge;
pub use brief::brief;
pub use bundle::bundle;
pub use classic::ClassicTable;
pub use confirmed::confirmed as history_confirmed;
pub use csv::{csv, csv_of_rows};
pub use explain::{explain, explain_category, explain_in_full};
pub use flame::flame_svg;
pub use history::{History, Occasion, PointRow, Spot};
pub use html::{HtmlOptions, Published, html};
pub use junit::{JunitOptions, junit};
pub use markdown::{MarkdownOptions, markdown};
pub use plan::{noise, plan};
pub use plan_hosts::plan_hosts;
pub use rows::{REASONS, claim, meaning};
pub use sentence::sentence;
pub use show::show;
pub use steps::{
    event as history_event, event_text as history_event_text, history as history_text,
    junit as history_junit, markdown as history_markdown,
};
pub use text::{TextOptions, text};
