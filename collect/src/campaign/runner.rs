//! Running what has no result yet, one boot after the other.

use super::check::{complete, validate};
use super::journal::Journal;
use super::repeat::{Cell, Repeat};
use super::{CampaignError, to_params};
use crate::lab::{Failed, Lab};
use crate::workload::{self, Workload};
use model::journal::{CellState, Event, State};
use model::store::{self, CAMPAIGN_FILE, create_directory, io_error};
use model::{BootPlan, CampaignFile, Case, EnvironmentPlan, Fingerprint, MetricDecl, Params};
use rustix::fs::{CWD, FlockOperation, RenameFlags, flock, renameat_with};
use rustix::io::Errno;
use std::fs::{File, Permissions};
use std::os::unix::fs::PermissionsExt;
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

/// Why there is no guest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoGuest {
    /// The host lacks something, or the request cannot be carried out here: no guest of any environment would fare
    /// better, so the campaign stops and its cells stay planned.
    Host(String),
    /// This guest failed; another attempt may not.
    Guest(String),
}

/// Where guests come from. The real one starts QEMU; tests have one that replays.
pub trait Booter {
    /// Boots a guest with these parameters; logs go to `logs`, and what tells why it failed to `forensics`.
    fn boot(&mut self, params: &Params, logs: &Path, forensics: &Path) -> Result<Booted, NoGuest>;
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
    pub(super) dir: PathBuf,
    pub(super) file: CampaignFile,
    pub(super) journal: Journal,
    pub(super) workload: &'static dyn Workload,
    host_boot: String,
    pub(super) force: bool,
    /// Holds the lock on the directory.
    _lock: File,
}

impl Campaign {
    /// Writes a new campaign's plan, durable before anything slow happens. An existing directory is refused.
    pub fn create(dir: &Path, file: &CampaignFile) -> Result<(), CampaignError> {
        if dir.symlink_metadata().is_ok() {
            return Err(CampaignError::exists(dir));
        }
        let parent = store::parent(dir);
        create_directory(parent)?;
        // Whole or not at all: a directory without a plan could neither be run nor resumed.
        let new = tempfile::Builder::new()
            .prefix(".perfvt-")
            .permissions(Permissions::from_mode(0o755))
            .tempdir_in(parent)
            .map_err(io_error("creating a directory in", parent))?;
        store::write_json(&new.path().join(CAMPAIGN_FILE), file)?;
        renameat_with(CWD, new.path(), CWD, dir, RenameFlags::NOREPLACE).map_err(|e| match e {
            Errno::EXIST => CampaignError::exists(dir),
            other => io_error("creating", dir)(other.into()).into(),
        })?;
        // It has moved: there is nothing left to remove.
        let _ = new.keep();
        Ok(store::sync_directory(parent)?)
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
        validate(dir, &file)?;
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
            force: false,
            _lock: lock,
        })
    }

    /// Goes on although the host, QEMU or the guest has changed since the campaign began.
    pub fn force(&mut self) {
        self.force = true;
    }

    /// The plan.
    pub fn file(&self) -> &CampaignFile {
        &self.file
    }

    /// How it stands.
    pub fn state(&self) -> &State {
        &self.journal.state
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
        let planned: usize = self.file.boots().map(|(_, boot)| boot.cases.len()).sum();
        if (valid + invalid) as usize != planned {
            let reason = format!("{planned} cells are planned and {} have ended", valid + invalid);
            return Err(CampaignError::Plan { path: self.dir.join(CAMPAIGN_FILE), reason });
        }
        self.tell(observer, Event::Finished { valid, invalid })?;
        Ok(Ended { valid, invalid, interrupted: false })
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
        };
        self.tell(observer, started)?;
        let begun = Instant::now();
        let of_this_boot = |folder: &str| repeat.dir().join(folder).join(format!("boot{}", boot.attempt));
        let (logs, forensics) = (of_this_boot("raw"), of_this_boot("forensics"));
        create_directory(&logs)?;
        let booted = match booter.boot(boot.params, &logs, &forensics) {
            Ok(booted) => booted,
            Err(NoGuest::Guest(reason)) => {
                return self.boot_failed(observer, boot, repeat, &reason).map(|()| None);
            }
            Err(NoGuest::Host(reason)) => return Err(self.host_failed(observer, boot, reason)),
        };
        let Booted { mut lab, facts, seconds, sysinfo } = booted;
        self.tell(observer, Event::BootReady { boot: boot.name.clone(), seconds })?;
        let folder = repeat.dir().join("sysinfo").join(format!("boot{}", boot.attempt));
        create_directory(&folder)?;
        for (name, text) in &sysinfo {
            store::write_atomically(&folder.join(name), text.as_bytes())?;
        }
        if let Err(error) = self.write_run_file(boot.environment, boot.params, facts) {
            lab.end(None);
            return Err(error);
        }
        let mut end = self.workload.prepare(lab.as_mut()).map_err(|f| f.to_string()).err().map(End::Broken);
        if end.is_none() {
            end = self.measure_all(lab.as_mut(), observer, boot, repeat)?;
        }
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

    /// A host that cannot boot guests: said in the journal, and nothing is lost.
    fn host_failed(&mut self, observer: &mut dyn Observer, boot: &Boot<'_>, reason: String) -> CampaignError {
        let failed = Event::BootFailed { boot: boot.name.clone(), reason: reason.clone(), last: false };
        match self.tell(observer, failed) {
            Ok(()) => CampaignError::Host { environment: boot.environment.name.clone(), reason },
            Err(error) => error,
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
            let mut result = measured
                .and_then(|()| self.workload.parse(&case, boot.params, &raw_dir))
                .and_then(|outcome| complete(outcome, &metrics));
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
