//! Running what has no result yet, one boot after the other.

use super::boot::Boot;
use super::files::remove_classic;
use super::hooks::{Hooks, HostBoot};
use super::repeat::Repeat;
use super::{Campaign, CampaignError};
use crate::lab::Booter;
use crate::parameters::without_objects;
use model::journal::{Event, boot_folder};
use model::store::{self, CAMPAIGN_FILE, MEASUREMENTS_FILE};
use model::{BlockPlan, BootPlan, Case, EnvironmentPlan, Rule, Standing};
use std::path::PathBuf;

/// So many boots in a row of one call without a single value stop a campaign: something is wrong that more hours will
/// not mend. Two environments that each fail twice may still be bad luck; six boots are three repeats given up.
const FUTILE_BOOTS: u32 = 6;

/// What the journal says of an end that was asked for because the host itself is to boot.
const HOST_BOOT: &str = "host-boot";

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
    /// Where private folders of its boots are made: TMPDIR and each `disk_dir`.
    fn scratch(&self) -> Vec<PathBuf> {
        let of_guest = self.file.environments.iter().flat_map(|environment| {
            let params = environment.to_params();
            let set = params.iter().filter(|param| without_objects(&param.key) == "disk_dir");
            set.map(|param| PathBuf::from(&param.value)).collect::<Vec<_>>()
        });
        let mut all: Vec<PathBuf> = of_guest.chain([std::env::temp_dir()]).collect();
        all.iter_mut().for_each(|dir| *dir = std::path::absolute(&*dir).unwrap_or_else(|_| dir.clone()));
        all.sort();
        all.dedup();
        all
    }

    /// Runs every planned boot that has cells without a result.
    pub fn run(&mut self, booter: &mut dyn Booter, hooks: &mut Hooks<'_>) -> Result<Ended, CampaignError> {
        let opened = Event::Opened {
            format: model::journal::JOURNAL_FORMAT,
            campaign: self.file.id.clone(),
            perfvt: env!("CARGO_PKG_VERSION").into(),
            pid: std::process::id(),
            host_boot: self.host_boot.clone(),
            scratch: self.scratch(),
        };
        self.tell(hooks, opened)?;
        self.reopen_failed(hooks)?;
        self.refresh_run_files()?;
        self.look_for_values(hooks)?;
        let mut done = 0;
        loop {
            while let Some(block) = self.file.blocks.get(done).cloned() {
                self.mind_the_budget(hooks, &block)?;
                if let Some(signal) = self.block(booter, hooks, &block)? {
                    return self.interrupted(hooks, signal);
                }
                done += 1;
            }
            if !self.confirm(hooks)? {
                break;
            }
        }
        if let Some(signal) = self.profile_all(booter, hooks)? {
            return self.interrupted(hooks, signal);
        }
        let cells = self.standing().cells;
        let (valid, invalid) = (cells.valid, cells.invalid);
        if cells.pending() > 0 {
            let reason = format!("{} cells are planned and {} have ended", cells.planned, valid + invalid);
            return Err(CampaignError::Plan { path: self.dir.join(CAMPAIGN_FILE), reason });
        }
        self.tell(hooks, Event::Finished { valid, invalid })?;
        self.refresh_run_files()?;
        Ok(Ended { valid, invalid, interrupted: false })
    }

    /// Writes down that somebody asked for an end.
    fn interrupted(&mut self, hooks: &mut Hooks<'_>, signal: String) -> Result<Ended, CampaignError> {
        self.tell(hooks, Event::Interrupted { signal })?;
        self.refresh_run_files()?;
        let cells = self.standing().cells;
        Ok(Ended { valid: cells.valid, invalid: cells.invalid, interrupted: true })
    }

    /// A journal that says "measured" is believed only as far as the values are there: somebody may have removed a file.
    fn look_for_values(&mut self, hooks: &mut Hooks<'_>) -> Result<(), CampaignError> {
        let boots: Vec<BootPlan> = self.file.boots().map(|(_, boot)| boot.clone()).collect();
        for boot in boots {
            let Some(environment) = self.file.environments.get(boot.environment).cloned() else { continue };
            let path = self.repeat_dir(&environment, boot.repeat).join(MEASUREMENTS_FILE);
            let there = if path.exists() { store::read_measurements(&path)? } else { Vec::new() };
            let mut cases: Vec<String> =
                boot.cases.iter().filter_map(|index| Some(self.file.cases.get(*index)?.id())).collect();
            cases.retain(|case| {
                let key = (environment.name.clone(), boot.repeat, case.clone());
                self.journal.state.cells.contains_key(&key) && !there.iter().any(|m| m.case == *case)
            });
            if !cases.is_empty() {
                // Made of the values that are gone, it would stand beside the one of today's.
                let results = path.with_file_name("results");
                if results.is_dir() {
                    remove_classic(&results, &self.file.id)?;
                }
                let (environment, repeat) = (environment.name, boot.repeat);
                self.tell(hooks, Event::ValuesMissing { environment, repeat, cases })?;
            }
        }
        Ok(())
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
            // A repeat of which every case was settled was never begun.
            if self.repeat_dir(&environment, boot.repeat).join(MEASUREMENTS_FILE).exists() {
                self.write_classic(boot, &environment)?;
            }
        }
        self.look(hooks, block.block)?;
        let environments = &self.file.environments;
        let of = |boot: &BootPlan| Some(self.repeat_dir(environments.get(boot.environment)?, boot.repeat));
        let repeats: Vec<PathBuf> = block.boots.iter().filter_map(of).collect();
        (hooks.after_block)(&self.dir, &repeats);
        Ok(None)
    }

    /// The environments with cells that have no result yet, in the order of the plan.
    pub fn unfinished(&self) -> Vec<EnvironmentPlan> {
        let lacks = |index: usize, environment: &EnvironmentPlan| {
            let mut boots = self.file.boots().filter(|(_, boot)| boot.environment == index);
            boots.any(|(block, boot)| !self.pending(block, boot, environment).is_empty())
        };
        let all = self.file.environments.iter().enumerate();
        all.filter(|(index, environment)| lacks(*index, environment)).map(|(_, e)| e.clone()).collect()
    }

    /// How it stands, counted.
    pub fn standing(&self) -> Standing {
        Standing::of(&self.file, &self.journal.state)
    }

    /// Lets the stopping rule look at the results up to a block of the plan, once.
    fn look(&mut self, hooks: &mut Hooks<'_>, block: u32) -> Result<(), CampaignError> {
        let state = &self.journal.state;
        let stopped = state.stopped.as_ref().is_some_and(|(last, _)| block > *last);
        if stopped || state.is_added(block) || state.looked.is_some_and(|last| block <= last) {
            return Ok(());
        }
        let look = hooks.stopping.look(&self.dir, &self.file, state, block)?;
        let cases: Vec<String> =
            look.settled.into_iter().filter(|case| !state.settled.contains_key(case)).collect();
        if cases.is_empty() && look.half_widths.is_empty() {
            return Ok(());
        }
        let (spent, half_widths) = (look.spent, look.half_widths);
        self.tell(hooks, Event::Settled { block, cases, spent, half_widths })
    }

    /// Ends the plan before a block that the rule's time does not allow: one as long as the mean of those before it.
    fn mind_the_budget(&mut self, hooks: &mut Hooks<'_>, block: &BlockPlan) -> Result<(), CampaignError> {
        let Rule::Until { budget_seconds: Some(budget), .. } = self.file.rule else { return Ok(()) };
        let state = &self.journal.state;
        let begun = state.boots.values().any(|b| b.block == block.block);
        let before = block.block.saturating_sub(1);
        let lacks =
            block.boots.iter().any(|boot| self.file.wanted(state, block.block, boot).next().is_some());
        if begun || !lacks || before == 0 || state.is_added(block.block) {
            return Ok(());
        }
        let worked = state.worked_ns as f64 * 1e-9;
        if worked + worked / f64::from(before) <= budget as f64 {
            return Ok(());
        }
        let reason = format!("{worked:.0} s of {budget} s are spent, and another block would take too long");
        self.tell(hooks, Event::Stopped { block: before, reason })
    }

    /// Writes an event down, then shows it.
    pub(super) fn tell(&mut self, hooks: &mut Hooks<'_>, event: Event) -> Result<(), CampaignError> {
        self.journal.append(&event)?;
        hooks.observer.event(&event, &self.journal.state);
        Ok(())
    }

    /// Cases of a boot that have no result yet, with their position.
    pub(super) fn pending(
        &self,
        block: u32,
        boot: &BootPlan,
        environment: &EnvironmentPlan,
    ) -> Vec<(u32, Case)> {
        self.file
            .wanted(&self.journal.state, block, boot)
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
        let params = environment.to_params();
        let attempts: u32 = params.number("attempts", 1, "a number of attempts, 1 or more")?;
        let mut opened: Option<Repeat> = None;
        let mut made_here = 0;
        while !self.pending(block, plan, environment).is_empty() {
            if let Some(signal) = hooks.observer.stop() {
                return Ok(Some(signal));
            }
            let refused = match (hooks.before_boot)(&self.file, environment, block) {
                HostBoot::Right => None,
                HostBoot::Wanted => return Ok(Some(HOST_BOOT.to_owned())),
                HostBoot::Broken(failed) => Some(failed),
            };
            let repeat = match &mut opened {
                Some(repeat) => repeat,
                None => opened.insert(Repeat::open(&self.repeat_dir(environment, plan.repeat))?),
            };
            made_here += 1;
            let (attempt, take) = self.journal.state.next_boot(&environment.name, plan.repeat);
            // An attempt that was interrupted goes on in another guest, which is another replicate.
            let again = if take > 1 { format!(".{take}") } else { String::new() };
            let boot = Boot {
                name: format!("{}-{}-r{}-a{attempt}{again}", self.file.id, environment.name, plan.repeat),
                environment,
                params: &params,
                plan,
                block,
                attempt,
                folder: boot_folder(attempt, take),
                last: made_here >= attempts,
                refused,
            };
            let before = self.standing().cells.valid;
            if let Some(signal) = self.one_boot(booter, hooks, &boot, repeat)? {
                return Ok(Some(signal));
            }
            self.futile = if self.standing().cells.valid > before { 0 } else { self.futile + 1 };
            if self.futile >= FUTILE_BOOTS {
                let reason = self.last_failure.take().map_or_else(String::new, |f| f.reason);
                return Err(CampaignError::GivenUp { boots: self.futile, reason });
            }
        }
        Ok(None)
    }
}
