//! The files of a campaign's environments and repeats: where they lie, and those that are derived from others.

use super::additions::RunPlan;
use super::check::{complete, note_changes, same};
use super::repeat::{Cell, Repeat, raw_name};
use super::{Campaign, CampaignError, rhs};
use crate::config::names::{UNNAMED, guest_folder};
use crate::parse;
use crate::workload;
use edge::owned::OwnFile;
use model::journal::BootState;
use model::run::RUN_FORMAT;
use model::store::{self, RUN_FILE, io_error};
use model::{BootPlan, Case, EnvironmentPlan, Fingerprint, MetricDecl, Moment, Params, RunFile};
use std::path::{Path, PathBuf};
use vm::guest::forensics::{FRAMES, LARGEST, SCREEN};
use vm::scenario::Scenario;
use walkdir::WalkDir;

/// Screens of a failed boot that its page shows.
const MOST_SCREENS: usize = 4;

impl Campaign {
    /// Makes the values of every measured cell again, out of its raw folder, and the classic files out of these. Cells
    /// without values stay as they are: what they lack is not in the raw output. Gives the number of cells.
    pub fn reparse(&mut self) -> Result<u32, CampaignError> {
        let mut count = 0;
        let boots: Vec<BootPlan> = self.file.boots().map(|(_, boot)| boot.clone()).collect();
        for plan in boots {
            let Some(environment) = self.file.environments.get(plan.environment).cloned() else { continue };
            let dir = self.repeat_dir(&environment, plan.repeat);
            if !dir.join(store::MEASUREMENTS_FILE).exists() {
                continue;
            }
            let params = environment.to_params();
            let mut repeat = Repeat::open(&dir)?;
            for case in &self.file.cases {
                let id = case.id();
                let found =
                    repeat.measurements().iter().find(|m| m.case == id && m.value().is_some()).cloned();
                let Some(old) = found else { continue };
                let metrics = self.metrics(case, &params);
                let cell = Cell {
                    case,
                    metrics: &metrics,
                    repeat: old.repeat,
                    boot: &old.boot,
                    host_boot: &old.host_boot,
                    block: old.block,
                    order: old.order,
                    attempt: old.attempt,
                };
                let raw = raw_name(case, old.order, old.attempt);
                if !dir.join(&raw).is_dir() {
                    // Nobody wanted to keep it (--keep-passed): the value stays as it is.
                    continue;
                }
                let parsed = workload::parse(self.workload, case, &params, &dir.join(&raw));
                repeat.store(&cell, &raw, &parsed.and_then(|outcome| complete(outcome, &metrics)))?;
                count += 1;
            }
            remove_classic(&dir.join("results"), &self.file.id)?;
            self.write_classic(&plan, &environment)?;
        }
        Ok(count)
    }

    /// The folder with what tells why a boot failed, relative to the campaign's directory, when there is one.
    pub fn forensics(&self, boot: &BootState) -> Option<String> {
        let environment = self.file.environments.iter().find(|e| e.name == boot.environment)?;
        let folder = self.repeat_dir(environment, boot.repeat).join("forensics").join(boot.folder());
        let relative = folder.strip_prefix(&self.dir).ok()?;
        folder.is_dir().then(|| relative.display().to_string())
    }

    /// What the screens of a boot showed that failed: the path of each picture in its folder, and its PNG. The frames where they
    /// changed, or else the last picture.
    pub fn screens(&self, folder: &str) -> Vec<(String, Vec<u8>)> {
        let folder = self.dir.join(folder);
        let below = WalkDir::new(&folder).min_depth(1).max_depth(2).sort_by_file_name();
        let files: Vec<PathBuf> = below.into_iter().flatten().map(walkdir::DirEntry::into_path).collect();
        let named = |path: &&PathBuf, name: &str| path.file_name().is_some_and(|own| own == name);
        let screens = files.iter().filter(|path| named(path, SCREEN)).take(MOST_SCREENS);
        let best = screens
            .map(|path| files.iter().find(|other| **other == path.with_file_name(FRAMES)).unwrap_or(path));
        best.filter_map(|path| {
            let name = path.strip_prefix(&folder).ok()?.display().to_string();
            Some((name, edge::read(path, LARGEST).ok()?))
        })
        .collect()
    }

    pub(super) fn metrics(&self, case: &Case, params: &Params) -> Vec<MetricDecl> {
        let names = self.workload.metrics(&case.category, params, self.file.exits);
        workload::declare(&case.workload, &names)
    }

    pub(super) fn repeat_dir(&self, environment: &EnvironmentPlan, repeat: u32) -> PathBuf {
        let param = |key: &str| environment.params.get(key).map_or("", |p| p.value.as_str());
        let (workload, scenario) = (&self.file.workload, &self.file.scenario);
        let called = |guest: &str| {
            let name = format!(
                "repeat{repeat}.{guest}.{}.{}.{workload}.{scenario}",
                param("nic_model"),
                param("machine")
            );
            self.dir.join(&environment.name).join(name)
        };
        // Campaigns of before call every guest so, and go on.
        let before = called(UNNAMED);
        let params = environment.to_params();
        let usual = || Scenario::HostGuest.guests().first().copied().unwrap_or_default().to_owned();
        let server = parse::guests(&params).ok().and_then(|guests| guests.into_iter().next());
        let server = server.unwrap_or_else(usual);
        let named = called(&guest_folder(&params.object_params(&server)));
        if before.is_dir() { before } else { named }
    }

    /// run.json is written when the environment's first guest has told what it is, and without these facts when a guest of
    /// its fails before that.
    pub(super) fn write_run_file(
        &self,
        environment: &EnvironmentPlan,
        params: &Params,
        mut facts: Fingerprint,
    ) -> Result<(), CampaignError> {
        if !facts.0.is_empty() {
            environment.facts.iter().for_each(|(name, value)| facts.set(name.clone(), value.clone()));
        }
        let path = self.dir.join(&environment.name).join(RUN_FILE);
        if path.exists() {
            let mut known: RunFile = store::read_json(&path, RUN_FORMAT)?;
            if facts.0.is_empty() {
                return Ok(());
            }
            if !known.fingerprint.0.is_empty() {
                if !self.force {
                    same(&known.fingerprint, &facts)?;
                }
                if note_changes(&mut known, &facts) {
                    store::write_json(&path, &known)?;
                }
                return Ok(());
            }
        }
        let RunPlan { repeats, blocks, rule, looks } = self.run_plan(&environment.name);
        let mut factors: Vec<String> =
            self.file.environments.iter().flat_map(|e| e.factors.clone()).collect();
        factors.sort();
        factors.dedup();
        let mut run = RunFile {
            format: RUN_FORMAT,
            perfvt: env!("CARGO_PKG_VERSION").into(),
            campaign: self.file.id.clone(),
            environment: environment.name.clone(),
            workload: self.file.workload.clone(),
            scenario: self.file.scenario.clone(),
            started_unix_ns: Moment::now().unix_ns,
            params: params.iter().map(|p| (p.key.clone(), p.value.clone())).collect(),
            factors,
            repeats,
            blocks,
            rule,
            looks,
            metrics: self.all_metrics(params),
            accel: self.file.accel.clone(),
            network: self.file.network.clone(),
            warnings: self.file.warnings.clone(),
            fingerprint: facts,
            changes: Vec::new(),
            failures: Vec::new(),
            started: 0,
            ended: None,
            farm: self.file.farm.clone(),
            profile: None,
        };
        self.put_outcomes(&mut run);
        Ok(store::write_json(&path, &run)?)
    }

    /// What all cases of an environment produce, and what is counted in every window or told where it is to be had.
    fn all_metrics(&self, params: &Params) -> Vec<MetricDecl> {
        let mut metrics: Vec<MetricDecl> = Vec::new();
        for case in &self.file.cases {
            metrics.extend(self.metrics(case, params));
        }
        let besides = self.workload.metrics_besides().iter().copied();
        let counted = crate::lab::window::metrics().into_iter().chain(besides).map(String::from);
        let counted = counted.collect::<Vec<_>>();
        metrics.extend(workload::declare(self.workload.name(), &counted));
        let mut seen = std::collections::HashSet::new();
        metrics.retain(|m| seen.insert(m.name.clone()));
        metrics
    }

    /// The classic file, once every cell of the repeat has a value.
    pub(super) fn write_classic(
        &self,
        boot: &BootPlan,
        environment: &EnvironmentPlan,
    ) -> Result<(), CampaignError> {
        let dir = self.repeat_dir(environment, boot.repeat);
        let measurements = store::read_measurements(&dir.join(store::MEASUREMENTS_FILE))?;
        let began = measurements.iter().filter_map(|m| m.window).map(|w| w.start_unix_ns).min();
        let Some(began) = began else { return Ok(()) };
        let path = dir.join("results").join(self.workload.rhs_name(began as f64 * 1e-9));
        if path.exists() {
            return Ok(());
        }
        let run: RunFile = store::read_json(&self.dir.join(&environment.name).join(RUN_FILE), RUN_FORMAT)?;
        let fact = |name: &str| run.fingerprint.get(name).unwrap_or_default().to_owned();
        let header = rhs::Header {
            qemu: fact("qemu.version"),
            guest_kernel: fact("guest.kernel"),
            host_kernel: fact("host.kernel"),
            session_length: self.workload.session_length(&environment.to_params()),
            campaign: self.file.id.clone(),
        };
        match rhs::derive(&header, &self.file.cases, |c| self.common_columns(c), &measurements)? {
            Some(text) => Ok(store::write_atomically(&path, text.as_bytes())?),
            None => Ok(()),
        }
    }

    /// Metrics of a category that every environment of the campaign has.
    fn common_columns(&self, category: &str) -> Vec<String> {
        let exits = self.file.exits;
        let sets =
            self.file.environments.iter().map(|e| self.workload.metrics(category, &e.to_params(), exits));
        let all: Vec<Vec<String>> = sets.collect();
        let Some(first) = all.first() else { return Vec::new() };
        first.iter().filter(|name| all.iter().all(|set| set.contains(name))).cloned().collect()
    }
}

/// Removes the derived files of a campaign, which are about to be made again; others are none of its business.
pub(super) fn remove_classic(results: &Path, campaign: &str) -> Result<(), CampaignError> {
    for entry in std::fs::read_dir(results).map_err(io_error("listing", results))? {
        let path = entry.map_err(io_error("listing", results))?.path();
        if path.extension().is_some_and(|e| e == "RHS") {
            let ours = |text: &[u8]| {
                let text = String::from_utf8_lossy(text);
                text.lines().any(|line| line.contains("perfvt-campaign") && line.contains(campaign))
            };
            let found =
                OwnFile::found(&path, edge::read::RESULT, ours).map_err(io_error("reading", &path))?;
            found.map(OwnFile::remove).transpose().map_err(io_error("removing", &path))?;
        }
    }
    Ok(())
}
