//! Both sides measured on several hosts: the folder of a farm, or ordinary campaigns of the same environments on several hosts.
//!
//! ```text
//!   DIR/ID/farm.json ──> the plan          DIR/ID/shards/01@h1/ ──> a campaign
//!   CAMPAIGN CAMPAIGN .. ──> the same, where their hosts differ (host.id, else host.name)
//! ```
//!
//! No line is written anew: a block is one of a shard, and gets a number of its own among those of all hosts when it is read.

use super::environments::{environments, subdirectories};
use super::hosted::{Hosted, Hosts, last_block, renumber};
use super::{LoadedSide, run_dir};
use crate::AnalyzeError;
use crate::comparability::run_facts;
use crate::comparison::{ComparedHost, HostShard};
use model::counted;
use model::farm::{FARM_FILE, FARM_FORMAT, SHARDS};
use model::store::read_json;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What is read of [`model::farm::FarmFile`]: a comparison has no use for the rest.
#[derive(Deserialize)]
struct FarmFile {
    #[serde(default)]
    id: Option<String>,
    shards: Vec<PlannedShard>,
}

#[derive(Deserialize)]
struct PlannedShard {
    host: String,
}

/// What was measured on several hosts.
#[derive(Debug)]
pub(super) struct Farm {
    place: PathBuf,
    id: Option<String>,
    /// Names of the hosts of the plan, each once.
    planned: Vec<String>,
    /// By host, then by number.
    shards: Vec<Shard>,
    hosts: Vec<ComparedHost>,
}

/// A campaign of one host.
#[derive(Debug)]
struct Shard {
    number: u32,
    path: PathBuf,
    name: String,
    id: Option<String>,
    cpu: Option<String>,
    /// Index of its host.
    host: usize,
    /// Environments with values, by name.
    environments: Vec<(String, PathBuf)>,
}

/// Whether a path is the folder of a farm.
pub fn is_farm(path: &Path) -> bool {
    path.join(FARM_FILE).is_file()
}

/// The farm that was given; `None` for anything else.
pub(super) fn find(paths: &[PathBuf]) -> Result<Option<Farm>, AnalyzeError> {
    match paths {
        [only] if is_farm(only) => of_folder(only).map(Some),
        [_, _, ..] => of_campaigns(paths),
        _ => Ok(None),
    }
}

fn of_folder(path: &Path) -> Result<Farm, AnalyzeError> {
    let plan: FarmFile = read_json(&path.join(FARM_FILE), FARM_FORMAT)?;
    let mut planned: Vec<String> = Vec::new();
    for shard in plan.shards {
        if !planned.contains(&shard.host) {
            planned.push(shard.host);
        }
    }
    let mut shards = Vec::new();
    let of_shards = path.join(SHARDS);
    let folders = if of_shards.is_dir() { subdirectories(&of_shards)? } else { Vec::new() };
    for folder in folders {
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let (number, host) = name.split_once('@').unwrap_or((&name, &name));
        let number = number.parse().unwrap_or_else(|_| super::repeat::clamp(shards.len() + 1));
        shards.extend(shard(&folder, number, Some(host))?);
    }
    if shards.iter().all(|shard: &Shard| shard.environments.is_empty()) {
        return Err(AnalyzeError::Sides(format!(
            "{} is a farm of {} that has given no result yet: see `perfvt farm status`, then `perfvt farm gather`",
            path.display(),
            counted(planned.len(), "host")
        )));
    }
    let id = plan.id.or_else(|| Some(path.file_name()?.to_string_lossy().into_owned()));
    Ok(placed(Farm { place: path.to_owned(), id, planned, shards, hosts: Vec::new() }))
}

/// Campaigns of two environments or more each, on two hosts or more that all tell who they are.
fn of_campaigns(paths: &[PathBuf]) -> Result<Option<Farm>, AnalyzeError> {
    let mut shards = Vec::new();
    for (number, path) in (1..).zip(paths) {
        let Some(shard) =
            shard(path, number, None)?.filter(|s| s.environments.len() > 1 && !s.name.is_empty())
        else {
            return Ok(None);
        };
        shards.push(shard);
    }
    let names: BTreeSet<&str> = shards.iter().map(|s| s.id.as_deref().unwrap_or(&s.name)).collect();
    if names.len() < 2 {
        return Ok(None);
    }
    let mut planned: Vec<String> = Vec::new();
    for shard in &shards {
        if !planned.contains(&shard.name) {
            planned.push(shard.name.clone());
        }
    }
    let place = paths.first().cloned().unwrap_or_default();
    Ok(Some(placed(Farm { place, id: None, planned, shards, hosts: Vec::new() })))
}

/// A campaign and who measured it; `None` for anything else, and for a shard of which nothing was gathered yet.
fn shard(path: &Path, number: u32, host: Option<&str>) -> Result<Option<Shard>, AnalyzeError> {
    let Some(directories) = environments(path)? else { return Ok(None) };
    let mut facts = BTreeMap::new();
    if let Some(first) = directories.first() {
        facts = run_facts(&run_dir::read_run(first)?);
    }
    let mut found = Vec::new();
    for directory in directories {
        let name = directory.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if !run_dir::repeats(&directory)?.0.is_empty() {
            found.push((name, directory));
        }
    }
    let mut fact = |name: &str| facts.remove(name).filter(|value| !value.is_empty());
    let (id, cpu, called) = (fact("host.id"), fact("host.cpu.model"), fact("host.name"));
    // Ids are long and say nothing to people.
    let short = || id.as_deref().map(|id| id.chars().take(12).collect());
    let name = host.map(str::to_owned).or(called).or_else(short).unwrap_or_default();
    Ok(Some(Shard { number, path: path.to_owned(), name, id, cpu, host: 0, environments: found }))
}

/// Gives each shard its host: the same id is the same host whatever it is called.
fn placed(mut farm: Farm) -> Farm {
    let host = |name: &str| ComparedHost {
        name: name.to_owned(),
        id: None,
        cpu: None,
        shards: Vec::new(),
        complete: 0,
    };
    let mut hosts: Vec<ComparedHost> = farm.planned.iter().map(|name| host(name)).collect();
    let mut taken: BTreeSet<usize> = BTreeSet::new();
    let mut other_names: BTreeSet<String> = BTreeSet::new();
    farm.shards.sort_by_key(|shard| shard.number);
    for shard in &mut farm.shards {
        let by_id = hosts.iter().position(|h| h.id.is_some() && h.id == shard.id);
        let by_name =
            hosts.iter().position(|h| h.name == shard.name && (h.id.is_none() || shard.id.is_none()));
        let at = by_id.or(by_name).unwrap_or_else(|| {
            hosts.push(host(&shard.name));
            hosts.len() - 1
        });
        shard.host = at;
        taken.insert(at);
        if let Some(found) = hosts.get_mut(at) {
            found.id = found.id.take().or(shard.id.clone());
            found.cpu = found.cpu.take().or(shard.cpu.clone());
            if found.name != shard.name {
                other_names.insert(shard.name.clone());
            }
        }
    }
    // A name that turned out to be another host's is no host that is missing.
    let stays = |at: usize, host: &ComparedHost| taken.contains(&at) || !other_names.contains(&host.name);
    let mut number: Vec<usize> = Vec::new();
    let mut kept = 0;
    for (at, host) in hosts.iter().enumerate() {
        number.push(kept);
        kept += usize::from(stays(at, host));
    }
    farm.planned.retain(|name| hosts.iter().enumerate().any(|(at, h)| h.name == *name && stays(at, h)));
    farm.hosts = hosts.iter().enumerate().filter(|(at, h)| stays(*at, h)).map(|(_, h)| h.clone()).collect();
    for shard in &mut farm.shards {
        shard.host = number.get(shard.host).copied().unwrap_or(0);
    }
    farm.shards.sort_by_key(|shard| (shard.host, shard.number));
    farm
}

impl Farm {
    /// The directories of each environment, those that the first shard has first; by the number of their shard.
    fn sides(&self) -> Vec<(&str, Vec<(usize, &Path)>)> {
        let mut out: Vec<(&str, Vec<(usize, &Path)>)> = Vec::new();
        for (at, shard) in self.shards.iter().enumerate() {
            for (name, path) in &shard.environments {
                match out.iter_mut().find(|(known, _)| known == name) {
                    Some((_, all)) => all.push((at, path)),
                    None => out.push((name, vec![(at, path)])),
                }
            }
        }
        out
    }

    /// The directories of each environment.
    ///
    /// # Errors
    /// There is one environment only, and nothing beside it.
    pub fn directories(&self) -> Result<Vec<Vec<PathBuf>>, AnalyzeError> {
        let sides = self.sides();
        if sides.len() < 2 {
            return Err(AnalyzeError::Sides(format!(
                "{} has one environment with results on {}; give a second farm of the same hosts to compare it with",
                self.place.display(),
                counted(self.hosts.len(), "host")
            )));
        }
        Ok(sides
            .into_iter()
            .map(|(_, all)| all.into_iter().map(|(_, path)| path.to_owned()).collect())
            .collect())
    }

    /// The directories of its only environment.
    pub fn only_side(&self) -> Option<Vec<PathBuf>> {
        match self.sides().as_slice() {
            [(_, all)] => Some(all.iter().map(|(_, path)| (*path).to_owned()).collect()),
            _ => None,
        }
    }

    /// Every environment of every shard.
    pub fn each(&self) -> Vec<PathBuf> {
        self.shards.iter().flat_map(|shard| &shard.environments).map(|(_, path)| path.clone()).collect()
    }

    /// The sides as they are compared, of what was read of the directories of each: blocks get their numbers.
    pub fn join(self, sides: Vec<Vec<LoadedSide>>) -> Vec<LoadedSide> {
        let shards: Vec<(Vec<usize>, PathBuf)> =
            self.sides().into_iter().map(|(name, all)| self.named(name, &all)).collect();
        let mut most: Vec<u32> = vec![0; self.shards.len()];
        for ((shards, _), side) in shards.iter().zip(&sides) {
            for (shard, loaded) in shards.iter().zip(side) {
                if let Some(most) = most.get_mut(*shard) {
                    *most = (*most).max(last_block(loaded));
                }
            }
        }
        let offsets: Vec<u32> = (0..most.len()).map(|at| most.iter().take(at).sum()).collect();
        let hosts = Arc::new(self.hosts_of(&offsets, &most));
        let campaign = self.id.clone().unwrap_or_else(|| self.place.display().to_string());
        let several = hosts.each.len() > 1;
        let mut out = Vec::with_capacity(sides.len());
        for ((shards, path), side) in shards.into_iter().zip(sides) {
            let mut facts = BTreeMap::new();
            let mut blocks = Vec::new();
            let mut whole: Option<LoadedSide> = None;
            for (shard, mut loaded) in shards.into_iter().zip(side) {
                renumber(&mut loaded, offsets.get(shard).copied().unwrap_or(0));
                if let Some(run) = &loaded.run {
                    facts.insert(shard, run_facts(run));
                    blocks.extend(run.blocks.iter().cloned());
                }
                match &mut whole {
                    Some(whole) => whole.pool(loaded),
                    None => whole = Some(loaded),
                }
            }
            let Some(mut whole) = whole else { continue };
            if let Some(run) = &mut whole.run {
                (run.blocks, run.campaign) = (blocks, campaign.clone());
            }
            whole.path = path;
            whole.hosted = several.then(|| Hosted { hosts: Arc::clone(&hosts), facts });
            out.push(whole);
        }
        out
    }

    /// The shards of an environment, and where it lies as a whole.
    fn named(&self, name: &str, all: &[(usize, &Path)]) -> (Vec<usize>, PathBuf) {
        let first = all.first().map_or(self.place.as_path(), |(_, path)| path);
        let path = match &self.id {
            Some(_) => self.place.join(SHARDS).join("*").join(name),
            None => first.to_owned(),
        };
        (all.iter().map(|(shard, _)| *shard).collect(), path)
    }

    fn hosts_of(&self, offsets: &[u32], most: &[u32]) -> Hosts {
        let mut each = self.hosts.clone();
        let mut ranges: Vec<Range<u32>> = vec![0..0; each.len()];
        for (at, shard) in self.shards.iter().enumerate() {
            let (Some(offset), Some(most)) = (offsets.get(at), most.get(at)) else { continue };
            let (first, last) = (offset + 1, offset + most);
            if let Some(range) = ranges.get_mut(shard.host) {
                let start = if range.start == range.end { first } else { range.start };
                *range = start..last + 1;
            }
            if let Some(host) = each.get_mut(shard.host) {
                let path = shard.path.display().to_string();
                host.shards.push(HostShard { shard: shard.number, path, first, last });
            }
        }
        let place = self.place.display().to_string();
        Hosts { place, farm: self.id.clone(), planned: self.planned.len(), each, ranges }
    }
}
