//! What whoever asks for a campaign knows beside its plan.

use model::CampaignFile;
use std::collections::BTreeMap;

/// Sentences and facts that go into every result of a campaign.
#[derive(Debug, Default)]
pub(super) struct Beside {
    /// Sentences that every report must show.
    pub warnings: Vec<String>,
    /// Facts of environments, by their names.
    pub facts: BTreeMap<String, BTreeMap<String, String>>,
}

impl Beside {
    /// Adds them to a plan.
    pub fn add_to(mut self, file: &mut CampaignFile) {
        file.warnings.append(&mut self.warnings);
        for environment in &mut file.environments {
            environment.facts.append(&mut self.facts.remove(&environment.name).unwrap_or_default());
        }
    }
}
