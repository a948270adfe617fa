//! Measuring again what has failed, when somebody says that its cause is mended.

use super::hooks::Hooks;
use super::{Campaign, CampaignError};
use model::journal::{CellState, Event};
use std::collections::BTreeMap;

impl Campaign {
    /// Lets the next [`Campaign::run`] measure every cell again that ended without values. The attempts that failed stay in
    /// the journal and in run.json.
    pub fn retry_failed(&mut self) {
        self.reopen = true;
    }

    /// Takes the cells that ended without values out of those that have ended, when that was asked for.
    pub(super) fn reopen_failed(&mut self, hooks: &mut Hooks<'_>) -> Result<(), CampaignError> {
        if !std::mem::take(&mut self.reopen) {
            return Ok(());
        }
        let mut failed: BTreeMap<(String, u32), Vec<String>> = BTreeMap::new();
        let state = &self.journal.state;
        for (block, boot) in self.file.boots() {
            let Some(environment) = self.file.environments.get(boot.environment) else { continue };
            for (_, case) in self.file.wanted(state, block, boot) {
                let id = case.id();
                if let Some(CellState::Invalid { .. }) = state.cell(&environment.name, boot.repeat, &id) {
                    failed.entry((environment.name.clone(), boot.repeat)).or_default().push(id);
                }
            }
        }
        for ((environment, repeat), cases) in failed {
            self.tell(hooks, Event::Reopened { environment, repeat, cases })?;
        }
        Ok(())
    }
}
