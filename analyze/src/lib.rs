//! Samples in, verdicts out.
//!
//! ```text
//!   directories ──> discover ──> read (formats) ──> frame (aligned by case and metric name)
//!                                                       │
//!                        stats ──> rows (one model each) ──> family (q) ──> verdict ──> Comparison
//! ```
//!
//! Nothing here draws; nothing here knows a guest. polars stays inside this crate.

// Tests lay out their own files; everything else passes the doors of `edge`.
#![cfg_attr(not(test), warn(clippy::disallowed_methods))]
mod about;
mod calibrate;
mod causes;
pub mod classic;
mod classic_files;
mod clock;
mod comparability;
mod comparable;
mod compare;
pub mod comparison;
mod decision;
mod diagnostics;
pub mod discover;
mod error;
mod expect;
mod explain;
mod failures;
mod family;
mod filters;
mod frame;
pub mod gate;
mod grounds;
pub mod history;
mod hosts;
mod input;
mod json;
mod moderation;
mod named;
mod nearest;
mod noise;
mod operations;
mod options;
mod pairing;
mod plan;
mod precision;
mod replicates;
mod row;
mod scale;
#[cfg(feature = "schema")]
mod schema;
mod scores;
mod sequential;
mod sessions;
mod shared;
mod show;
mod spelled;
mod summary;
pub mod verdict;
mod warnings;

pub use calibrate::calibrate;
pub use causes::{ProfileError, flame};
pub use classic_files::{ClassicResult, ClassicText, classic_tables, classic_text};
pub use clock::day;
pub use comparable::in_words;
pub use compare::compare;
pub use comparison::*;
pub use decision::{Area, Decision, NotExcluded, Trust, areas, not_excluded, trust};
pub use error::AnalyzeError;
pub use expect::{Expectation, expectations};
pub use explain::{Step, steps};
pub use gate::{FailOn, Gate, gate};
pub use grounds::{Estimated, Ground, grounds, grounds_of_category};
pub use input::{environments, is_farm};
pub use json::write_json;
pub use named::{Named, as_ids_say, find_named, find_row};
pub use noise::{NOISE_FORMAT, Noise, NoiseFile, NoiseRow, NoiseSource};
pub use operations::{Operation, SIZES, operations};
pub use options::{CaseFilter, CompareOptions, Correction, Replicate, TestChoice, VarianceChoice};
pub use pairing::{MIN_BLOCKS, MIN_BLOCKS_IN_ORDER};
pub use plan::{
    Advice, Asked, AskedOfHosts, Blind, Boots, Design, Effects, HostsPlan, HostsPlanRow, MOST_BOOTS,
    MOST_PLANNED, Means, Plan, PlanFamily, PlanRow, PlanRule, PlanSessions, Power, blind, plan, plan_hosts,
};
pub use precision::{CasePrecision, precision};
pub use row::POWER;
#[cfg(feature = "schema")]
pub use schema::schema;
pub use sequential::LEVEL_OF_LOOKS;
pub use shared::Shared;
pub use show::{Shown, ShownRow, Spread, show};
