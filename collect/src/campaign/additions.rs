//! What was added to the plan of `campaign.json`, put into it.

use super::check::validate;
use super::{CampaignError, plan};
use model::journal::{Added, State};
use model::run::BlockMembers;
use model::store;
use model::{BlockPlan, CampaignFile, EnvironmentPlan, Rule};
use std::path::Path;

/// What was added to a campaign's plan.
#[derive(Clone, Debug, Default)]
pub(super) struct Additions {
    /// How many environments the plan itself has.
    pub environments: usize,
    /// The first block of each addition, ascending.
    pub firsts: Vec<u32>,
    /// Rules of environments that were joined.
    pub rules: Vec<(String, Rule)>,
}

impl Additions {
    /// Puts everything into the plan that the journal says was added to it.
    pub fn take_in(dir: &Path, file: &mut CampaignFile, state: &State) -> Result<Additions, CampaignError> {
        let mut out = Additions { environments: file.environments.len(), ..Additions::default() };
        let mut joined = Vec::new();
        for name in &state.joined {
            let path = dir.join(name);
            let plan: CampaignFile = store::read_json(&path, model::campaign::CAMPAIGN_FORMAT)?;
            validate(&path, &plan)?;
            joined.push((plan.blocks.first().map_or(0, |b| b.block), plan));
        }
        let mut added: Vec<&Added> = state.added.iter().collect();
        // In the order in which they were added, which is that of their blocks.
        while !added.is_empty() || !joined.is_empty() {
            let next_added = added.first().map_or(u32::MAX, |a| a.block);
            if joined.first().is_some_and(|(first, _)| *first < next_added) {
                out.join(file, joined.remove(0).1);
            } else {
                out.add(file, added.remove(0))?;
            }
        }
        Ok(out)
    }

    /// Blocks of the environments of `campaign.json`.
    pub fn add(&mut self, file: &mut CampaignFile, added: &Added) -> Result<(), CampaignError> {
        let shuffle = match file.environments.first().map(EnvironmentPlan::to_params) {
            Some(params) if params.get("shuffle").is_some() => params.switch("shuffle")?,
            _ => true,
        };
        let too_large = |e: plan::TooLarge| CampaignError::Added { reason: e.to_string() };
        plan::check(self.environments, added.blocks, file.cases.len()).map_err(too_large)?;
        let seed = file.seed.wrapping_add(u64::from(added.block));
        let mut blocks = plan::blocks(self.environments, added.blocks, file.cases.len(), seed, shuffle);
        let boots: Vec<u32> = (0..self.environments).map(|e| boots_of(&file.blocks, e)).collect();
        let is_wanted = |case: &usize| {
            added.cases.is_empty() || file.cases.get(*case).is_some_and(|c| added.cases.contains(&c.id()))
        };
        for block in &mut blocks {
            block.block += added.block - 1;
            for boot in &mut block.boots {
                boot.repeat += boots.get(boot.environment).copied().unwrap_or(0);
                boot.cases.retain(is_wanted);
            }
        }
        self.firsts.push(added.block);
        file.blocks.append(&mut blocks);
        Ok(())
    }

    /// Environments and blocks of another plan.
    pub fn join(&mut self, file: &mut CampaignFile, other: CampaignFile) {
        let mut index = Vec::new();
        for environment in other.environments {
            let known = file.environments.iter().position(|e| e.name == environment.name);
            index.push(known.unwrap_or_else(|| {
                self.rules.push((environment.name.clone(), other.rule.clone()));
                file.environments.push(environment);
                file.environments.len() - 1
            }));
        }
        self.firsts.extend(other.blocks.first().map(|b| b.block));
        file.blocks.extend(other.blocks.into_iter().map(|mut block| {
            for boot in &mut block.boots {
                boot.environment = index.get(boot.environment).copied().unwrap_or(boot.environment);
            }
            block
        }));
    }
}

/// The last repeat of an environment.
pub(super) fn boots_of(blocks: &[BlockPlan], environment: usize) -> u32 {
    boots_before(blocks, environment, u32::MAX)
}

/// What run.json says of the plan of one environment.
pub(super) struct RunPlan {
    pub repeats: u32,
    pub blocks: Vec<BlockMembers>,
    pub rule: Rule,
    pub looks: Vec<u32>,
}

/// Boots of an environment in blocks before this one.
pub(super) fn boots_before(blocks: &[BlockPlan], environment: usize, end: u32) -> u32 {
    let earlier = blocks.iter().filter(|b| b.block < end);
    let boots = earlier.flat_map(|b| &b.boots).filter(|b| b.environment == environment);
    boots.map(|b| b.repeat).max().unwrap_or(0)
}
