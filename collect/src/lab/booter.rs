//! Where guests come from.

use super::{Failed, Lab};
use model::Fingerprint;
use std::path::Path;

/// A guest that is ready, with what is known of it.
pub struct Booted {
    /// What the workload works with.
    pub lab: Box<dyn Lab>,
    /// Facts of host, tools and guest.
    pub facts: Fingerprint,
    /// Seconds from exec to ready.
    pub seconds: f64,
    /// Files for the repeat's `sysinfo/`, by name.
    pub sysinfo: Vec<(String, String)>,
}

/// Guests that did not come up.
pub struct Unbooted {
    /// Why.
    pub failed: Failed,
    /// What still runs of them, to be looked at alone: one that never got ready takes no commands.
    pub rest: Option<Box<dyn Lab>>,
}

impl std::fmt::Display for Unbooted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.failed.fmt(f)
    }
}

impl From<Failed> for Unbooted {
    fn from(failed: Failed) -> Unbooted {
        Unbooted { failed, rest: None }
    }
}

/// Where guests come from. The real one starts QEMU; tests have one that replays.
pub trait Booter {
    /// Boots the guests of an environment, by its name in the plan; logs go to `logs`, and what tells why it failed to `forensics`. A failure
    /// of scope [`model::Scope::Host`] stops the campaign, whose cells stay planned; after any other one the boot is tried
    /// again.
    fn boot(&mut self, environment: &str, logs: &Path, forensics: &Path) -> Result<Booted, Unbooted>;
}
