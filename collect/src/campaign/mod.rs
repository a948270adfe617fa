//! A campaign: what is booted when, what has been done, and how to go on after any kind of end.
//!
//! ```text
//!   setup ──> plan (campaign.json) ──> runner: one boot after the other
//!                                        │
//!                        hooks ──────> boot ──> sample ──> one event for each change ──> journal.jsonl ──> state
//!    (observer, guard, stopping)                  │
//!                                                 └──> repeat directories (measurements, raw output, RHS)
//! ```
//!
//! Who wants to see or decide something while a campaign runs implements one of the traits in [`hooks`].

mod added;
mod additions;
mod around;
mod boot;
pub mod by_hand;
mod check;
mod error;
mod estimate;
mod files;
mod guard;
pub mod hooks;
mod images;
mod interrupted;
pub mod journal;
pub mod keep;
mod kernels;
mod open;
pub mod plan;
mod profile;
mod refused;
mod reopened;
pub mod repeat;
pub mod resolve;
pub mod rhs;
mod runner;
mod sample;
pub mod setup;

pub use error::CampaignError;
pub use guard::{Mode, NoiseGuard};
pub use hooks::{
    AfterBlock, BeforeBoot, Guard, Hooks, HostBoot, Keeper, Look, Observer, Sample, Spoiled, Stopping,
};
pub use keep::{Keep, Part, Parts};
pub use open::Campaign;
pub use runner::Ended;
