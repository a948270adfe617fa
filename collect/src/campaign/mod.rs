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
mod boot;
mod check;
mod error;
mod files;
pub mod hooks;
mod interrupted;
pub mod journal;
pub mod keep;
pub mod locks;
mod open;
pub mod plan;
pub mod repeat;
pub mod resolve;
pub mod rhs;
mod runner;
mod sample;
pub mod setup;

pub use boot::{Booted, Booter};
pub use error::CampaignError;
pub use hooks::{Guard, Hooks, Look, Observer, Sample, Stopping};
pub use keep::{Keep, Parts};
pub use open::Campaign;
pub use runner::Ended;

use model::params::StoredParam;
use model::{EnvironmentPlan, Origin, Params};
use std::collections::BTreeMap;

/// Parameters as they are stored.
pub fn to_stored(params: &Params) -> BTreeMap<String, StoredParam> {
    let stored =
        |p: &model::params::Param| StoredParam { value: p.value.clone(), origin: p.origin.to_string() };
    params.iter().map(|p| (p.key.clone(), stored(p))).collect()
}

/// An origin as it was printed. Flags begin with two dashes, and lines of files end with their number.
fn origin(text: &str) -> Origin {
    let line = || Some(text.rsplit_once(':')?).and_then(|(path, line)| Some((path, line.parse().ok()?)));
    match line() {
        _ if text == Origin::BuiltIn.to_string() => Origin::BuiltIn,
        Some((path, line)) if !text.starts_with("--") => Origin::File { path: path.into(), line },
        _ => Origin::Flag(text.to_owned()),
    }
}

/// Parameters as a plan stores them.
pub fn to_params(environment: &EnvironmentPlan) -> Params {
    let mut params = Params::new();
    for (key, stored) in &environment.params {
        params.set(key, &stored.value, origin(&stored.origin));
    }
    params.take_secrets(&environment.secrets);
    params
}
