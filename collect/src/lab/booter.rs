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

/// Where guests come from. The real one starts QEMU; tests have one that replays.
pub trait Booter {
    /// Boots the guests of an environment, by its name in the plan; logs go to `logs`, and what tells why it failed to `forensics`. A failure
    /// of scope [`model::Scope::Host`] stops the campaign, whose cells stay planned; after any other one the boot is tried
    /// again.
    fn boot(&mut self, environment: &str, logs: &Path, forensics: &Path) -> Result<Booted, Failed>;
}
