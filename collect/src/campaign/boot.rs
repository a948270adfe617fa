//! One boot: from a guest that is asked for to one that is gone.

use super::around::{AFTER, Around, POST_COMMAND, PRE_COMMAND, PREPARE};
use super::check::read_files;
use super::hooks::{Hooks, Spoiled};
use super::interrupted;
use super::keep::Part;
use super::repeat::{Cell, Repeat};
use super::{Campaign, CampaignError};
use crate::lab::{Booted, Booter, Failed, Unbooted};
use crate::workload;
use edge::owned::Claimed;
use model::journal::Event;
use model::store::{self, create_directory, io_error};
use model::{BootPlan, Case, EnvironmentPlan, Fingerprint, MetricDecl, Params, Phase, Scope};
use std::path::{Path, PathBuf};
use std::time::Instant;
use vm::host::fingerprint::name_machine;

/// One guest of a repeat.
pub(super) struct Boot<'a> {
    pub name: String,
    pub environment: &'a EnvironmentPlan,
    pub params: &'a Params,
    pub plan: &'a BootPlan,
    pub block: u32,
    pub attempt: u32,
    /// The name of its folders, which no other guest of the repeat has.
    pub folder: String,
    /// No other attempt of this call follows.
    pub last: bool,
    /// Why there is no boot of the host for it.
    pub refused: Option<Failed>,
}

impl Boot<'_> {
    pub(super) fn cell<'c>(
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

/// Has guests that failed looked at, unless that is the doing of a signal. Gives whether what tells why is still to be collected.
fn hold(hooks: &mut Hooks<'_>, mut spoiled: Spoiled<'_>) -> bool {
    interrupted::asked(hooks.observer).is_some() || !hooks.keeper.hold(&mut spoiled)
}

/// Why a boot ended before its cases did.
pub(super) enum End {
    /// The guest cannot be used any more, or no guest can.
    Broken(Failed),
    /// A signal asked for it.
    Asked(String),
}

impl End {
    /// That of a script of the user's, if it is the boot's.
    fn of(done: Result<Option<String>, Failed>) -> Option<End> {
        done.map_or_else(|failed| Some(End::Broken(failed)), |asked| asked.map(End::Asked))
    }
}

/// The folders that a boot fills, by what they hold. One that was there before is not the boot's, and is kept.
struct Folders(Vec<(Part, Claimed)>);

impl Folders {
    fn of(place: &dyn Fn(&str) -> PathBuf) -> Folders {
        let all = [(Part::Forensics, "forensics"), (Part::Logs, "raw"), (Part::Sysinfo, "sysinfo")];
        Folders(
            all.into_iter().filter_map(|(part, name)| Some((part, Claimed::free(place(name))?))).collect(),
        )
    }
}

impl Campaign {
    /// Boots once and measures what it can. Gives the signal that asked for an end, if one did.
    pub(super) fn one_boot(
        &mut self,
        booter: &mut dyn Booter,
        hooks: &mut Hooks<'_>,
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
        self.tell(hooks, started)?;
        let begun = Instant::now();
        let of_this_boot = |folder: &str| repeat.dir().join(folder).join(&boot.folder);
        let (logs, forensics) = (of_this_boot("raw"), of_this_boot("forensics"));
        let folders = Folders::of(&of_this_boot);
        create_directory(&logs)?;
        let around = Around::of(boot.params, &logs);
        let done = match around.command(PRE_COMMAND) {
            Ok(()) => self.in_guests(booter, hooks, boot, repeat, (&logs, &forensics)),
            Err(failed) => Ok(Some(End::Broken(failed))),
        };
        // It mends what the one before did, also where the guests failed.
        let mended = around.command(POST_COMMAND);
        let end = match (done?, mended) {
            (None, Err(failed)) => Some(End::Broken(failed)),
            (end, _) => end,
        };
        let broken = matches!(end, Some(End::Broken(_)));
        self.drop_unwanted(&folders, broken)?;
        match end {
            Some(End::Broken(failed)) => self.boot_failed(hooks, boot, repeat, &failed),
            other => {
                let seconds = begun.elapsed().as_secs_f64();
                self.tell(hooks, Event::BootFinished { boot: boot.name.clone(), seconds })?;
                self.refresh_run_file(boot.environment)?;
                Ok(other.and_then(|e| if let End::Asked(signal) = e { Some(signal) } else { None }))
            }
        }
    }

    /// Boots the guests, measures what can be measured in them, and ends them. Says why they ended before their cases did.
    fn in_guests(
        &mut self,
        booter: &mut dyn Booter,
        hooks: &mut Hooks<'_>,
        boot: &Boot<'_>,
        repeat: &mut Repeat,
        (logs, forensics): (&Path, &Path),
    ) -> Result<Option<End>, CampaignError> {
        if let Some(failed) = &boot.refused {
            return Ok(Some(End::Broken(failed.clone())));
        }
        let booted = match booter.boot(&boot.environment.name, logs, forensics) {
            Ok(booted) => booted,
            Err(Unbooted { failed, rest }) => {
                if let Some(mut lab) = rest {
                    let spoiled =
                        Spoiled { boot: &boot.name, reason: &failed.reason, forensics, lab: lab.as_mut() };
                    // What tells why was collected where they booted.
                    hold(hooks, spoiled);
                }
                return Ok(Some(End::Broken(failed)));
            }
        };
        let Booted { mut lab, mut facts, seconds, sysinfo } = booted;
        facts.extend(read_files(self.workload, boot.params));
        if let Some(name) = &self.file.machine {
            name_machine(&mut facts, name);
        }
        self.tell(hooks, Event::BootReady { boot: boot.name.clone(), seconds })?;
        let folder = repeat.dir().join("sysinfo").join(&boot.folder);
        create_directory(&folder)?;
        for (name, text) in &sysinfo {
            store::write_atomically(&folder.join(name), text.as_bytes())?;
        }
        if let Err(error) = self.write_run_file(boot.environment, boot.params, facts) {
            lab.end(None);
            return Err(error);
        }
        let around = Around::of(boot.params, logs);
        let prepared =
            workload::prepare(self.workload, lab.as_mut(), boot.params).map_err(|f| f.during(Phase::Prepare));
        let of = |key| (boot.environment.name.as_str(), key);
        let prepared = prepared.and_then(|()| around.script(lab.as_mut(), of(PREPARE), hooks.observer));
        let mut end = match End::of(prepared) {
            None => self.measure_all(lab.as_mut(), hooks, boot, repeat)?,
            end => end,
        };
        if end.is_none() {
            end = End::of(around.script(lab.as_mut(), of(AFTER), hooks.observer));
        }
        let mut still = None;
        if let Some(End::Broken(failed)) = &end {
            let spoiled = Spoiled { boot: &boot.name, reason: &failed.reason, forensics, lab: lab.as_mut() };
            still = hold(hooks, spoiled).then_some(forensics);
        }
        let images = lab.images();
        lab.end(still);
        self.check_images(images, hooks, boot, repeat, logs)?;
        Ok(end)
    }

    /// Removes the files of an ended boot that nobody wants to keep.
    fn drop_unwanted(&self, folders: &Folders, failed: bool) -> Result<(), CampaignError> {
        for (part, folder) in &folders.0 {
            if !self.keep.of(failed).has(*part) {
                folder.remove().map_err(io_error("removing files of a boot in", &self.dir))?;
            }
        }
        Ok(())
    }

    /// A boot that cannot be used. When the host is to blame the campaign stops, and nothing is lost. Otherwise, after
    /// the last attempt, every cell that it leaves is invalid with the reason. A guest that was ended together with perfvt
    /// has not failed; the signal is given.
    fn boot_failed(
        &mut self,
        hooks: &mut Hooks<'_>,
        boot: &Boot<'_>,
        repeat: &mut Repeat,
        failed: &Failed,
    ) -> Result<Option<String>, CampaignError> {
        if let Some(signal) = interrupted::asked(hooks.observer) {
            return Ok(Some(signal));
        }
        self.last_failure = Some(failed.clone());
        let of_host = failed.scope() == Scope::Host;
        let last = boot.last && !of_host;
        if !of_host {
            self.write_run_file(boot.environment, boot.params, Fingerprint::default())?;
        }
        if last {
            for (order, case) in self.pending(boot.block, boot.plan, boot.environment) {
                let metrics = self.metrics(&case, boot.params);
                let cell = boot.cell(&case, &metrics, order, &self.host_boot);
                repeat.store(&cell, "", &Err(failed.clone()))?;
            }
        }
        let event = Event::BootFailed {
            boot: boot.name.clone(),
            reason: failed.reason.clone(),
            code: Some(failed.code),
            last,
        };
        self.tell(hooks, event)?;
        self.refresh_run_file(boot.environment)?;
        if of_host {
            let environment = boot.environment.name.clone();
            return Err(CampaignError::Host { environment, reason: failed.reason.clone() });
        }
        Ok(None)
    }
}
