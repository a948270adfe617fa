//! Running what has no result yet, one boot after the other.

use super::boot::{Boot, Booter};
use super::hooks::Hooks;
use super::repeat::Repeat;
use super::{Campaign, CampaignError, to_params};
use model::journal::{CellState, Event};
use model::store::CAMPAIGN_FILE;
use model::{BlockPlan, BootPlan, Case, EnvironmentPlan};

/// How a campaign ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Cells with values.
    pub valid: u32,
    /// Cells without, each with its reason.
    pub invalid: u32,
    /// It was asked to stop before its end.
    pub interrupted: bool,
}

impl Campaign {
    /// Runs every planned boot that has cells without a result.
    pub fn run(&mut self, booter: &mut dyn Booter, hooks: &mut Hooks<'_>) -> Result<Ended, CampaignError> {
        let opened = Event::Opened {
            format: model::journal::JOURNAL_FORMAT,
            campaign: self.file.id.clone(),
            perfvt: env!("CARGO_PKG_VERSION").into(),
            pid: std::process::id(),
            host_boot: self.host_boot.clone(),
        };
        self.tell(hooks, opened)?;
        let blocks = self.file.blocks.clone();
        for block in &blocks {
            if let Some(signal) = self.block(booter, hooks, block)? {
                self.tell(hooks, Event::Interrupted { signal })?;
                let (valid, invalid) = self.count();
                return Ok(Ended { valid, invalid, interrupted: true });
            }
        }
        let (valid, invalid) = self.count();
        let planned = self.planned();
        if valid + invalid != planned {
            let reason = format!("{planned} cells are planned and {} have ended", valid + invalid);
            return Err(CampaignError::Plan { path: self.dir.join(CAMPAIGN_FILE), reason });
        }
        self.tell(hooks, Event::Finished { valid, invalid })?;
        Ok(Ended { valid, invalid, interrupted: false })
    }

    /// Boots what a block still lacks, then lets the stopping rule look. Gives the signal that asked for an end, if one
    /// did.
    fn block(
        &mut self,
        booter: &mut dyn Booter,
        hooks: &mut Hooks<'_>,
        block: &BlockPlan,
    ) -> Result<Option<String>, CampaignError> {
        for boot in &block.boots {
            let Some(environment) = self.file.environments.get(boot.environment).cloned() else { continue };
            if let Some(signal) = self.repeat(booter, hooks, block.block, boot, &environment)? {
                return Ok(Some(signal));
            }
            self.write_classic(boot, &environment)?;
        }
        let look = hooks.stopping.look(&self.dir, &self.file, &self.journal.state, block.block)?;
        let fresh = |case: &String| self.journal.state.wanted(case, u32::MAX);
        let cases: Vec<String> = look.settled.into_iter().filter(fresh).collect();
        if !cases.is_empty() {
            self.tell(hooks, Event::Settled { block: block.block, cases })?;
        }
        Ok(None)
    }

    /// Writes an event down, then shows it.
    pub(super) fn tell(&mut self, hooks: &mut Hooks<'_>, event: Event) -> Result<(), CampaignError> {
        self.journal.append(&event)?;
        hooks.observer.event(&event, &self.journal.state);
        Ok(())
    }

    /// Cells that are to be measured, as far as is known now.
    fn planned(&self) -> u32 {
        self.file.boots().map(|(block, boot)| self.wanted(block, boot).count() as u32).sum()
    }

    /// Valid and invalid cells.
    fn count(&self) -> (u32, u32) {
        let mut counts = (0, 0);
        for (block, boot) in self.file.boots() {
            let Some(environment) = self.file.environments.get(boot.environment) else { continue };
            for (_, case) in self.wanted(block, boot) {
                match self.journal.state.cell(&environment.name, boot.repeat, &case.id()) {
                    Some(CellState::Valid) => counts.0 += 1,
                    Some(CellState::Invalid { .. }) => counts.1 += 1,
                    None => {}
                }
            }
        }
        counts
    }

    /// Cases of a boot that no stopping rule has settled before, with their position.
    fn wanted(&self, block: u32, boot: &BootPlan) -> impl Iterator<Item = (u32, &Case)> {
        (0u32..)
            .zip(&boot.cases)
            .filter_map(|(order, index)| Some((order, self.file.cases.get(*index)?)))
            .filter(move |(_, case)| self.journal.state.wanted(&case.id(), block))
    }

    /// Cases of a boot that have no result yet, with their position.
    pub(super) fn pending(
        &self,
        block: u32,
        boot: &BootPlan,
        environment: &EnvironmentPlan,
    ) -> Vec<(u32, Case)> {
        self.wanted(block, boot)
            .filter(|(_, case)| self.journal.state.cell(&environment.name, boot.repeat, &case.id()).is_none())
            .map(|(order, case)| (order, case.clone()))
            .collect()
    }

    /// Boots an environment as often as allowed until every case of the repeat has a result. Gives the signal that
    /// asked for an end, if one did.
    fn repeat(
        &mut self,
        booter: &mut dyn Booter,
        hooks: &mut Hooks<'_>,
        block: u32,
        plan: &BootPlan,
        environment: &EnvironmentPlan,
    ) -> Result<Option<String>, CampaignError> {
        let params = to_params(environment);
        let attempts: u32 = params.number("attempts", 1, "a number of attempts, 1 or more")?;
        let mut opened: Option<Repeat> = None;
        let mut made_here = 0;
        while !self.pending(block, plan, environment).is_empty() {
            if let Some(signal) = hooks.observer.stop() {
                return Ok(Some(signal));
            }
            let repeat = match &mut opened {
                Some(repeat) => repeat,
                None => opened.insert(Repeat::open(&self.repeat_dir(environment, plan.repeat))?),
            };
            made_here += 1;
            let key = (environment.name.clone(), plan.repeat);
            let attempt = self.journal.state.attempts.get(&key).copied().unwrap_or(0) + 1;
            let boot = Boot {
                name: format!("{}-{}-r{}-a{attempt}", self.file.id, environment.name, plan.repeat),
                environment,
                params: &params,
                plan,
                block,
                attempt,
                last: made_here >= attempts,
            };
            if let Some(signal) = self.one_boot(booter, hooks, &boot, repeat)? {
                return Ok(Some(signal));
            }
        }
        Ok(None)
    }
}
