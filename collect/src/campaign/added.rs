//! Boots beyond the plan of `campaign.json`: added by `resume --repeat`, to confirm alerts, or joined as another plan.
//!
//! The journal says what was added, this makes the same blocks of it whenever the campaign is opened, and run.json tells
//! the analyzer: the boots of an environment at each look that had not been planned.

use super::additions::{RunPlan, boots_before, boots_of};
use super::hooks::Hooks;
use super::{Campaign, CampaignError, plan};
use model::journal::{Added, AddedFor, Event};
use model::run::{BlockMembers, RUN_FORMAT};
use model::secrets;
use model::store::{self, RUN_FILE};
use model::{BlockPlan, CampaignFile, EnvironmentPlan, RunFile};

impl Campaign {
    /// Adds boots until each environment of the plan has so many. Everything that is measured in them is a look beyond
    /// the plan.
    ///
    /// # Errors
    /// A number that adds nothing.
    pub fn repeat_to(&mut self, repeats: u32) -> Result<(), CampaignError> {
        let now = (0..self.additions.environments).map(|e| boots_of(&self.file.blocks, e)).max().unwrap_or(0);
        if repeats <= now {
            return Err(CampaignError::Added {
                reason: format!(
                    "--repeat {repeats}: {now} boots of each environment are planned already; give a larger number, or \
                     resume without --repeat to finish them"
                ),
            });
        }
        let too_large =
            |e: plan::TooLarge| CampaignError::Added { reason: format!("--repeat {repeats}: {e}") };
        plan::check(self.additions.environments, repeats, self.file.cases.len()).map_err(too_large)?;
        let added = self.added(repeats - now, Vec::new(), AddedFor::Repeat);
        self.journal.append(&Event::Added(added.clone()))?;
        self.take(&added)
    }

    fn added(&self, blocks: u32, cases: Vec<String>, reason: AddedFor) -> Added {
        Added { block: self.next_block(), blocks, cases, reason }
    }

    /// Puts blocks that stand in the journal into the plan.
    fn take(&mut self, added: &Added) -> Result<(), CampaignError> {
        self.additions.add(&mut self.file, added)?;
        self.refresh_run_files()
    }

    /// Adds the blocks that measure alerts again, once. Gives whether there are any.
    pub(super) fn confirm(&mut self, hooks: &mut Hooks<'_>) -> Result<bool, CampaignError> {
        let Some(blocks) = self.file.confirm else { return Ok(false) };
        if self.journal.state.added.iter().any(|a| a.reason == AddedFor::Confirm) {
            return Ok(false);
        }
        let alerts = hooks.stopping.alerts(&self.dir, &self.file)?;
        if alerts.is_empty() {
            return Ok(false);
        }
        let added = self.added(blocks, alerts, AddedFor::Confirm);
        self.tell(hooks, Event::Added(added.clone()))?;
        self.take(&added)?;
        Ok(true)
    }

    /// Adds the environment of another plan, or boots of one that is there, to be measured by themselves.
    ///
    /// # Errors
    /// A plan that measures something else, or under other conditions that no factor names.
    pub fn join(&mut self, mut other: CampaignFile) -> Result<(), CampaignError> {
        self.joinable(&other)?;
        let first = self.next_block();
        for block in &mut other.blocks {
            block.block += first - 1;
            block.sequential = true;
            for boot in &mut block.boots {
                let name = other.environments.get(boot.environment).map(|e| e.name.as_str());
                let known = self.file.environments.iter().position(|e| Some(e.name.as_str()) == name);
                boot.repeat += known.map_or(0, |e| boots_of(&self.file.blocks, e));
            }
        }
        other.id.clone_from(&self.file.id);
        let file = format!("campaign.{}.json", self.journal.state.joined.len() + 2);
        let known = |e: &&EnvironmentPlan| self.file.environments.iter().any(|k| k.name == e.name);
        let new = other.environments.iter().filter(|e| !known(e));
        let all: Vec<EnvironmentPlan> = self.file.environments.iter().chain(new).cloned().collect();
        secrets::write(&self.dir, &all)?;
        store::write_json(&self.dir.join(&file), &other)?;
        self.journal.append(&Event::Joined { file, block: first })?;
        self.additions.join(&mut self.file, other);
        self.refresh_run_files()
    }

    fn joinable(&self, other: &CampaignFile) -> Result<(), CampaignError> {
        let differ = |what: &str, here: &str, there: &str| {
            let reason = format!(
                "--join: {what} is '{here}' in {} and '{there}' here; give the same --set as its command line: {}",
                self.dir.display(),
                self.file.argv.join(" ")
            );
            Err(CampaignError::Added { reason })
        };
        for (what, here, there) in [
            ("the workload", &self.file.workload, &other.workload),
            ("the scenario", &self.file.scenario, &other.scenario),
            ("the acceleration", &self.file.accel, &other.accel),
        ] {
            if here != there {
                return differ(what, here, there);
            }
        }
        let ids = |file: &CampaignFile| file.cases.iter().map(|c| c.id()).collect::<Vec<_>>();
        if ids(&self.file) != ids(other) {
            return differ("the list of cases", &ids(&self.file).join(" "), &ids(other).join(" "));
        }
        for environment in &other.environments {
            let same = self.file.environments.iter().find(|e| e.name == environment.name);
            let Some(like) = same.or(self.file.environments.first()) else { continue };
            if let Some((key, here, there)) = difference(like, environment, same.is_some()) {
                return differ(&format!("{key} of {}", like.name), here, there);
            }
        }
        Ok(())
    }

    fn next_block(&self) -> u32 {
        self.file.blocks.iter().map(|b| b.block).max().unwrap_or(0) + 1
    }

    /// The plan of one environment, with what was added to it.
    pub(super) fn run_plan(&self, environment: &str) -> RunPlan {
        let index = self.file.environments.iter().position(|e| e.name == environment).unwrap_or(usize::MAX);
        let names = |block: &BlockPlan| -> Vec<String> {
            let environments = block.boots.iter().filter_map(|b| self.file.environments.get(b.environment));
            environments.map(|e| e.name.clone()).collect()
        };
        let mut looks = Vec::new();
        let mut ends = self.additions.firsts.iter().copied().chain([u32::MAX]);
        let mut before = boots_before(&self.file.blocks, index, ends.next().unwrap_or(u32::MAX));
        for end in ends {
            let now = boots_before(&self.file.blocks, index, end);
            if before > 0 && now > before {
                looks.push(now);
            }
            before = now;
        }
        let joined = self.additions.rules.iter().find(|(name, _)| name == environment);
        RunPlan {
            repeats: boots_of(&self.file.blocks, index),
            blocks: (self.file.blocks.iter())
                .map(|b| BlockMembers { block: b.block, environments: names(b), sequential: b.sequential })
                .filter(|b| b.environments.iter().any(|e| e == environment))
                .collect(),
            rule: joined.map_or(&self.file.rule, |(_, rule)| rule).clone(),
            looks,
        }
    }

    /// Brings every run.json up to the plan and the journal.
    pub(super) fn refresh_run_files(&self) -> Result<(), CampaignError> {
        self.file.environments.iter().try_for_each(|environment| self.refresh_run_file(environment))
    }

    /// Brings the run.json of an environment up to the plan and the journal, when it has one.
    pub(super) fn refresh_run_file(&self, environment: &EnvironmentPlan) -> Result<(), CampaignError> {
        let path = self.dir.join(&environment.name).join(RUN_FILE);
        if !path.exists() {
            return Ok(());
        }
        let mut run: RunFile = store::read_json(&path, RUN_FORMAT)?;
        let plan = self.run_plan(&environment.name);
        let differs = (run.repeats, &run.blocks, &run.looks) != (plan.repeats, &plan.blocks, &plan.looks);
        (run.repeats, run.blocks, run.looks) = (plan.repeats, plan.blocks, plan.looks);
        if self.put_outcomes(&mut run) || differs {
            store::write_json(&path, &run)?;
        }
        Ok(())
    }

    /// Puts into a description what the journal says of failures, of guests, of a profile and of the end. Gives whether that is news.
    pub(super) fn put_outcomes(&self, run: &mut RunFile) -> bool {
        let state = &self.journal.state;
        let failures = state.failures.get(&run.environment).cloned().unwrap_or_default();
        let started = state.guests.get(&run.environment).copied().unwrap_or_default();
        let ended = Some(state.finished.is_some() && self.standing().cells.pending() == 0);
        let profile = state.profiles.get(&run.environment).cloned();
        let differs =
            (&run.failures, run.started, run.ended, &run.profile) != (&failures, started, ended, &profile);
        (run.failures, run.started, run.ended, run.profile) = (failures, started, ended, profile);
        differs
    }
}

/// The first parameter in which an environment differs from one that it should be like: in everything when it is the
/// same one, else in what neither sets as a factor.
fn difference<'a>(
    like: &'a EnvironmentPlan,
    new: &'a EnvironmentPlan,
    is_same: bool,
) -> Option<(&'a str, &'a str, &'a str)> {
    let value = |e: &'a EnvironmentPlan, key: &str| e.params.get(key).map_or("", |p| p.value.as_str());
    like.params.keys().chain(new.params.keys()).find_map(|key| {
        let intended = !is_same && (like.factors.contains(key) || new.factors.contains(key));
        let (here, there) = (value(like, key), value(new, key));
        (here != there && !intended).then_some((key.as_str(), here, there))
    })
}
