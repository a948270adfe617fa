//! Running what has no result yet, one boot after the other.

use super::journal::Journal;
use super::repeat::{Cell, Repeat};
use super::{CampaignError, rhs};
use crate::lab::{Failed, Lab, Moment};
use crate::workload::{self, Workload};
use model::journal::{CellState, Event, State};
use model::params::StoredParam;
use model::run::{BlockMembers, RUN_FORMAT};
use model::store::{self, CAMPAIGN_FILE, RUN_FILE, create_directory, io_error};
use model::{
    BootPlan, CampaignFile, Case, EnvironmentPlan, Fingerprint, MetricDecl, Origin, Params, RunFile,
};
use rustix::fs::{FlockOperation, flock};
use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Instant;

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
    /// Boots a guest of an environment; logs go to `logs`.
    fn boot(&mut self, environment: &EnvironmentPlan, params: &Params, logs: &Path)
    -> Result<Booted, String>;
}

/// What the caller sees and decides while a campaign runs.
pub trait Observer {
    /// Something changed; the event is on disk already.
    fn event(&mut self, event: &Event, state: &State);
    /// The name of the signal that asked for an end, if one did. Asked between cases.
    fn stop(&mut self) -> Option<String>;
}

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

/// A campaign in the hands of this process.
pub struct Campaign {
    dir: PathBuf,
    file: CampaignFile,
    journal: Journal,
    workload: &'static dyn Workload,
    host_boot: String,
    /// Holds the lock on the directory.
    _lock: File,
}

impl Campaign {
    /// Writes a new campaign's plan, durable before anything slow happens. An existing directory is refused.
    pub fn create(dir: &Path, file: &CampaignFile) -> Result<(), CampaignError> {
        if let Some(parent) = dir.parent().filter(|p| !p.as_os_str().is_empty()) {
            create_directory(parent)?;
        }
        match std::fs::create_dir(dir) {
            Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {
                return Err(CampaignError::Exists { path: dir.to_owned() });
            }
            other => other.map_err(io_error("creating", dir))?,
        }
        store::write_json(&dir.join(CAMPAIGN_FILE), file)?;
        if let Some(parent) = dir.parent().filter(|p| !p.as_os_str().is_empty()) {
            store::sync_directory(parent)?;
        }
        Ok(())
    }

    /// Takes a campaign into this process's hands: locks it, reads its plan and journal, removes half-written files.
    pub fn open(dir: &Path, host_boot: &str) -> Result<Campaign, CampaignError> {
        Self::open_with(dir, host_boot, workload::find)
    }

    /// The same with a list of workloads of the caller's own.
    pub fn open_with(
        dir: &Path,
        host_boot: &str,
        find: impl Fn(&str) -> Option<&'static dyn Workload>,
    ) -> Result<Campaign, CampaignError> {
        let file: CampaignFile =
            store::read_json(&dir.join(CAMPAIGN_FILE), model::campaign::CAMPAIGN_FORMAT)?;
        let lock = File::open(dir).map_err(io_error("opening", dir))?;
        flock(&lock, FlockOperation::NonBlockingLockExclusive)
            .map_err(|_| CampaignError::Busy { path: dir.to_owned() })?;
        store::remove_leftovers(dir)?;
        let workload = find(&file.workload).ok_or_else(|| CampaignError::UnknownWorkload {
            path: dir.to_owned(),
            workload: file.workload.clone(),
        })?;
        let journal = Journal::open(dir)?;
        Ok(Campaign {
            dir: dir.to_owned(),
            file,
            journal,
            workload,
            host_boot: host_boot.to_owned(),
            _lock: lock,
        })
    }

    /// The plan.
    pub fn file(&self) -> &CampaignFile {
        &self.file
    }

    /// How it stands.
    pub fn state(&self) -> &State {
        &self.journal.state
    }

    /// The most sessions that a client has at a time, over all environments.
    pub fn sessions(&self) -> usize {
        self.file.environments.iter().map(|e| self.workload.sessions(&to_params(e))).max().unwrap_or(1)
    }

    /// Runs every planned boot that has cells without a result.
    pub fn run(
        &mut self,
        booter: &mut dyn Booter,
        observer: &mut dyn Observer,
    ) -> Result<Ended, CampaignError> {
        let opened = Event::Opened {
            format: model::journal::JOURNAL_FORMAT,
            campaign: self.file.id.clone(),
            perfvt: env!("CARGO_PKG_VERSION").into(),
            pid: std::process::id(),
            host_boot: self.host_boot.clone(),
        };
        self.tell(observer, opened)?;
        let boots: Vec<(u32, BootPlan)> =
            self.file.boots().map(|(block, boot)| (block, boot.clone())).collect();
        for (block, boot) in boots {
            let Some(environment) = self.file.environments.get(boot.environment).cloned() else { continue };
            if let Some(signal) = self.repeat(booter, observer, block, &boot, &environment)? {
                self.tell(observer, Event::Interrupted { signal })?;
                let (valid, invalid) = self.count();
                return Ok(Ended { valid, invalid, interrupted: true });
            }
            self.write_classic(&boot, &environment)?;
        }
        let (valid, invalid) = self.count();
        self.tell(observer, Event::Finished { valid, invalid })?;
        Ok(Ended { valid, invalid, interrupted: false })
    }

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
            let params = to_params(&environment);
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
                let raw = super::repeat::raw_name(case, old.order, old.attempt);
                repeat.store(&cell, &raw, &self.workload.parse(case, &params, &dir.join(&raw)))?;
                count += 1;
            }
            remove_classic(&dir.join("results"))?;
            self.write_classic(&plan, &environment)?;
        }
        Ok(count)
    }

    fn tell(&mut self, observer: &mut dyn Observer, event: Event) -> Result<(), CampaignError> {
        self.journal.append(&event)?;
        observer.event(&event, &self.journal.state);
        Ok(())
    }

    fn count(&self) -> (u32, u32) {
        let mut counts = (0, 0);
        for (_, boot) in self.file.boots() {
            let Some(environment) = self.file.environments.get(boot.environment) else { continue };
            for case in &self.file.cases {
                match self.journal.state.cell(&environment.name, boot.repeat, &case.id()) {
                    Some(CellState::Valid) => counts.0 += 1,
                    Some(CellState::Invalid { .. }) => counts.1 += 1,
                    None => {}
                }
            }
        }
        counts
    }

    /// Cases of a boot that have no result yet, with their position.
    fn pending(&self, boot: &BootPlan, environment: &EnvironmentPlan) -> Vec<(u32, Case)> {
        (0u32..)
            .zip(&boot.cases)
            .filter_map(|(order, index)| Some((order, self.file.cases.get(*index)?.clone())))
            .filter(|(_, case)| self.journal.state.cell(&environment.name, boot.repeat, &case.id()).is_none())
            .collect()
    }

    /// Boots an environment as often as allowed until every case of the repeat has a result. Gives the signal that
    /// asked for an end, if one did.
    fn repeat(
        &mut self,
        booter: &mut dyn Booter,
        observer: &mut dyn Observer,
        block: u32,
        plan: &BootPlan,
        environment: &EnvironmentPlan,
    ) -> Result<Option<String>, CampaignError> {
        let params = to_params(environment);
        let attempts: u32 = params.number("attempts", 1, "a number of attempts, 1 or more")?;
        let mut opened: Option<Repeat> = None;
        let mut made_here = 0;
        while !self.pending(plan, environment).is_empty() {
            if let Some(signal) = observer.stop() {
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
            if let Some(signal) = self.one_boot(booter, observer, &boot, repeat)? {
                return Ok(Some(signal));
            }
        }
        Ok(None)
    }

    fn one_boot(
        &mut self,
        booter: &mut dyn Booter,
        observer: &mut dyn Observer,
        boot: &Boot<'_>,
        repeat: &mut Repeat,
    ) -> Result<Option<String>, CampaignError> {
        let started = Event::BootStarted {
            boot: boot.name.clone(),
            environment: boot.environment.name.clone(),
            repeat: boot.plan.repeat,
            block: boot.block,
            attempt: boot.attempt,
            scratch: Vec::new(),
        };
        self.tell(observer, started)?;
        let begun = Instant::now();
        let logs = repeat.dir().join("raw").join(format!("boot{}", boot.attempt));
        create_directory(&logs)?;
        let booted = match booter.boot(boot.environment, boot.params, &logs) {
            Ok(booted) => booted,
            Err(reason) => return self.boot_failed(observer, boot, repeat, &reason).map(|()| None),
        };
        let Booted { mut lab, facts, seconds, sysinfo } = booted;
        self.tell(observer, Event::BootReady { boot: boot.name.clone(), seconds })?;
        for (name, text) in &sysinfo {
            store::write_atomically(&repeat.dir().join("sysinfo").join(name), text.as_bytes())?;
        }
        self.write_run_file(boot.environment, boot.params, facts)?;
        let mut end = self.workload.prepare(lab.as_mut()).map_err(|f| f.to_string()).err().map(End::Broken);
        if end.is_none() {
            end = self.measure_all(lab.as_mut(), observer, boot, repeat)?;
        }
        let forensics = repeat.dir().join("forensics").join(format!("boot{}", boot.attempt));
        lab.end(matches!(end, Some(End::Broken(_))).then_some(forensics.as_path()));
        match end {
            Some(End::Broken(reason)) => self.boot_failed(observer, boot, repeat, &reason).map(|()| None),
            other => {
                let seconds = begun.elapsed().as_secs_f64();
                self.tell(observer, Event::BootFinished { boot: boot.name.clone(), seconds })?;
                Ok(other.and_then(|e| if let End::Asked(signal) = e { Some(signal) } else { None }))
            }
        }
    }

    /// A boot that cannot be used. After the last attempt every cell that it leaves is invalid, with the reason.
    fn boot_failed(
        &mut self,
        observer: &mut dyn Observer,
        boot: &Boot<'_>,
        repeat: &mut Repeat,
        reason: &str,
    ) -> Result<(), CampaignError> {
        if boot.last {
            self.write_run_file(boot.environment, boot.params, Fingerprint::default())?;
            for (order, case) in self.pending(boot.plan, boot.environment) {
                let metrics = self.metrics(&case, boot.params);
                let cell = boot.cell(&case, &metrics, order, &self.host_boot);
                repeat.store(&cell, "", &Err(Failed::Guest(reason.to_owned())))?;
            }
        }
        let failed =
            Event::BootFailed { boot: boot.name.clone(), reason: reason.to_owned(), last: boot.last };
        self.tell(observer, failed)
    }

    fn measure_all(
        &mut self,
        lab: &mut dyn Lab,
        observer: &mut dyn Observer,
        boot: &Boot<'_>,
        repeat: &mut Repeat,
    ) -> Result<Option<End>, CampaignError> {
        for (order, case) in self.pending(boot.plan, boot.environment) {
            if let Some(signal) = observer.stop() {
                return Ok(Some(End::Asked(signal)));
            }
            let id = case.id();
            self.tell(observer, Event::CaseStarted { boot: boot.name.clone(), case: id.clone() })?;
            let begun = Instant::now();
            let metrics = self.metrics(&case, boot.params);
            let cell = boot.cell(&case, &metrics, order, &self.host_boot);
            let (raw_dir, raw) = repeat.raw_dir(&cell)?;
            let measured = self.workload.measure(lab, &case, &raw_dir);
            let mut result = measured.and_then(|()| self.workload.parse(&case, boot.params, &raw_dir));
            if let (Err(Failed::Case(reason)), Some(death)) = (&result, lab.death()) {
                result = Err(Failed::Guest(format!("{death} ({reason})")));
            }
            if result.is_ok() {
                let misplaced = lab.misplaced();
                if !misplaced.is_empty() {
                    result = Err(Failed::Case(format!("placement did not hold: {}", misplaced.join("; "))));
                }
            }
            if let (Err(Failed::Guest(reason)), false) = (&result, boot.last) {
                // Another boot will try this case again; nothing is written of it.
                return Ok(Some(End::Broken(reason.clone())));
            }
            repeat.store(&cell, &raw, &result)?;
            let finished = Event::CaseFinished {
                boot: boot.name.clone(),
                case: id,
                invalid: result.as_ref().err().map(ToString::to_string),
                seconds: begun.elapsed().as_secs_f64(),
            };
            self.tell(observer, finished)?;
            if let Err(Failed::Guest(reason)) = result {
                return Ok(Some(End::Broken(reason)));
            }
        }
        Ok(None)
    }

    fn metrics(&self, case: &Case, params: &Params) -> Vec<MetricDecl> {
        let names = self.workload.metrics(&case.category, params, self.file.accel == "kvm");
        workload::declare(self.workload.name(), &names)
    }

    fn repeat_dir(&self, environment: &EnvironmentPlan, repeat: u32) -> PathBuf {
        let param = |key: &str| environment.params.get(key).map_or("", |p| p.value.as_str());
        let variant = format!("builtin.{}.{}", param("nic_model"), param("machine"));
        self.dir
            .join(&environment.name)
            .join(format!("repeat{repeat}.{variant}.{}.{}", self.file.workload, self.file.scenario))
    }

    /// run.json is written when the environment's first guest has told what it is, and without these facts when its
    /// first repeat is given up before that.
    fn write_run_file(
        &self,
        environment: &EnvironmentPlan,
        params: &Params,
        facts: Fingerprint,
    ) -> Result<(), CampaignError> {
        let path = self.dir.join(&environment.name).join(RUN_FILE);
        if path.exists() {
            let known: RunFile = store::read_json(&path, RUN_FORMAT)?;
            if facts.0.is_empty() || !known.fingerprint.0.is_empty() {
                return Ok(());
            }
        }
        let names = |boots: &[BootPlan]| -> Vec<String> {
            boots
                .iter()
                .filter_map(|b| Some(self.file.environments.get(b.environment)?.name.clone()))
                .collect()
        };
        let blocks =
            self.file.blocks.iter().map(|b| BlockMembers { block: b.block, environments: names(&b.boots) });
        let mut metrics: Vec<MetricDecl> = Vec::new();
        for case in &self.file.cases {
            metrics.extend(self.metrics(case, params));
        }
        let mut seen = std::collections::HashSet::new();
        metrics.retain(|m| seen.insert(m.name.clone()));
        let mut factors: Vec<String> =
            self.file.environments.iter().flat_map(|e| e.factors.clone()).collect();
        factors.sort();
        factors.dedup();
        let run = RunFile {
            format: RUN_FORMAT,
            perfvt: env!("CARGO_PKG_VERSION").into(),
            campaign: self.file.id.clone(),
            environment: environment.name.clone(),
            workload: self.file.workload.clone(),
            scenario: self.file.scenario.clone(),
            started_unix_ns: Moment::now().unix_ns,
            params: params.iter().map(|p| (p.key.clone(), p.value.clone())).collect(),
            factors,
            repeats: self.file.blocks.len() as u32,
            blocks: blocks.filter(|b| b.environments.contains(&environment.name)).collect(),
            rule: self.file.rule.clone(),
            metrics,
            accel: self.file.accel.clone(),
            network: self.file.network.clone(),
            warnings: self.file.warnings.clone(),
            fingerprint: facts,
        };
        Ok(store::write_json(&path, &run)?)
    }

    /// The classic file, once every cell of the repeat has a value.
    fn write_classic(&self, boot: &BootPlan, environment: &EnvironmentPlan) -> Result<(), CampaignError> {
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
            session_length: self.workload.session_length(&to_params(environment)),
            campaign: self.file.id.clone(),
        };
        match rhs::derive(&header, &self.file.cases, |c| self.common_columns(c), &measurements)? {
            Some(text) => Ok(store::write_atomically(&path, text.as_bytes())?),
            None => Ok(()),
        }
    }

    /// Metrics of a category that every environment of the campaign has.
    fn common_columns(&self, category: &str) -> Vec<String> {
        let kvm = self.file.accel == "kvm";
        let sets = self.file.environments.iter().map(|e| self.workload.metrics(category, &to_params(e), kvm));
        let all: Vec<Vec<&'static str>> = sets.collect();
        let Some(first) = all.first() else { return Vec::new() };
        first
            .iter()
            .filter(|name| all.iter().all(|set| set.contains(name)))
            .map(|n| (*n).to_owned())
            .collect()
    }
}

/// Removes derived files, which are about to be made again.
fn remove_classic(results: &Path) -> Result<(), CampaignError> {
    for entry in std::fs::read_dir(results).map_err(io_error("listing", results))? {
        let path = entry.map_err(io_error("listing", results))?.path();
        if path.extension().is_some_and(|e| e == "RHS") {
            std::fs::remove_file(&path).map_err(io_error("removing", &path))?;
        }
    }
    Ok(())
}

/// Why a boot ended before its cases did.
enum End {
    /// The guest cannot be used any more.
    Broken(String),
    /// A signal asked for it.
    Asked(String),
}

/// One attempt at a repeat.
struct Boot<'a> {
    name: String,
    environment: &'a EnvironmentPlan,
    params: &'a Params,
    plan: &'a BootPlan,
    block: u32,
    attempt: u32,
    last: bool,
}

impl Boot<'_> {
    fn cell<'c>(
        &'c self,
        case: &'c Case,
        metrics: &'c [MetricDecl],
        order: u32,
        host_boot: &'c str,
    ) -> Cell<'c> {
        Cell {
            case,
            metrics,
            repeat: self.plan.repeat,
            boot: &self.name,
            host_boot,
            block: self.block,
            order,
            attempt: self.attempt,
        }
    }
}

/// Refuses to go on where the campaign's own facts say that this is another host, or another kernel, unless forced.
pub fn check_same_host(dir: &Path, file: &CampaignFile, force: bool) -> Result<(), CampaignError> {
    let now = crate::host::fingerprint::host(Path::new("/"));
    for environment in &file.environments {
        let path = dir.join(&environment.name).join(RUN_FILE);
        if force || !path.exists() {
            continue;
        }
        let run: RunFile = store::read_json(&path, RUN_FORMAT)?;
        for fact in
            ["host.cpu.model", "host.cpu.microcode", "host.cpu.count", "host.kernel", "host.kernel.cmdline"]
        {
            let (was, is) = (run.fingerprint.get(fact), now.get(fact));
            if was != is && !run.fingerprint.0.is_empty() {
                let text = |value: Option<&str>| value.unwrap_or("unknown").to_owned();
                return Err(CampaignError::HostChanged { what: fact.into(), was: text(was), is: text(is) });
            }
        }
    }
    Ok(())
}

/// Parameters as they are stored.
pub fn to_stored(params: &Params) -> BTreeMap<String, StoredParam> {
    let stored =
        |p: &model::params::Param| StoredParam { value: p.value.clone(), origin: p.origin.to_string() };
    params.iter().map(|p| (p.key.clone(), stored(p))).collect()
}

fn to_params(environment: &EnvironmentPlan) -> Params {
    let mut params = Params::new();
    for (key, stored) in &environment.params {
        let origin =
            if stored.origin == "built in" { Origin::BuiltIn } else { Origin::Flag(stored.origin.clone()) };
        params.set(key, &stored.value, origin);
    }
    params
}
