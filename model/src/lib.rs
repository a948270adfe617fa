//! The nouns of perfvt, and the files in which they are kept.
//!
//! ```text
//!   params ──> case ──> plan (campaign.json) ──> event (journal.jsonl) ──> state
//!                 │
//!                 └──> measurement (measurements.jsonl) ──> run (run.json)
//!                                      store: where each of them lies, written so that
//!                                      no reader ever sees half of a file
//! ```
//!
//! Nothing here measures, judges or draws; nothing here knows QEMU or a statistical test.

// Tests lay out their own files; everything else passes the doors of `edge`.
#![cfg_attr(not(test), warn(clippy::disallowed_methods))]
mod accel;
pub mod campaign;
pub mod case;
mod counted;
pub mod drive;
pub mod expected;
pub mod failure;
pub mod farm;
pub mod fingerprint;
pub mod ids;
pub mod journal;
pub mod json;
pub mod lines;
pub mod measurement;
pub mod metric;
mod moment;
pub mod noise;
mod objects;
pub mod params;
pub mod profile;
pub mod run;
pub mod secret_keys;
pub mod secrets;
pub mod series;
mod size;
pub mod standing;
pub mod store;

pub use accel::Accel;
pub use campaign::{BlockPlan, BootPlan, CampaignFile, EnvironmentPlan, Rule};
pub use case::{Case, Keys, readable};
pub use counted::counted;
pub use failure::{Code, FailedAttempt, Failure, Phase, Scope};
pub use farm::{FarmFile, FarmShard, ShardPlan};
pub use fingerprint::Fingerprint;
pub use ids::{CpuId, NodeId, VcpuIndex};
pub use measurement::{Measurement, RawRef, Window};
pub use metric::{Direction, MetricDecl, Role, Scale};
pub use moment::Moment;
pub use params::{Origin, Param, Params, ParamsError, StoredParam};
pub use profile::{Profile, ProfiledCase, ProfiledStacks};
pub use run::{FactChange, RunFile};
pub use series::SeriesLine;
pub use size::bytes;
pub use standing::{Cells, Standing};
