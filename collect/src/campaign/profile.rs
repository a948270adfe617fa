//! Where the guests and QEMU of an environment spend their time: one boot more behind the judged ones, in which each case is
//! measured once while a profiler looks. Nothing of it is judged, and nothing of it can fail a campaign: what could not be
//! profiled is told in a sentence, and the campaign goes on.
//!
//! ```text
//!   ENVIRONMENT/profile/NNN.CASE/   host.folded.gz, vm1.folded.gz: stacks; beside them what the tools printed
//!   ENVIRONMENT/profile/boot/       logs of the boot
//! ```

mod guest;
mod host;

use super::around::{AFTER, Around, POST_COMMAND, PRE_COMMAND, PREPARE};
use super::hooks::Hooks;
use super::interrupted;
use super::repeat::raw_name;
use super::{Campaign, CampaignError};
use crate::lab::{Booted, Booter, Failed, Lab, Measured};
use crate::parse::{Profiler, profiler};
use crate::workload;
use edge::Made;
use formats::folded::Folded;
use guest::Inside;
use host::Outside;
use model::journal::Event;
use model::profile::PROFILE_DIR;
use model::store::{self, create_directory, io_error};
use model::{Case, EnvironmentPlan, Params, Profile, ProfiledCase, ProfiledStacks};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// What was sampled, by whose it is: `host` or a guest.
type Stacks = Vec<(String, Folded)>;

/// What the stacks of QEMU and of the host's kernel are called.
const HOST: &str = "host";

/// One environment that is profiled.
struct Session<'a> {
    environment: &'a EnvironmentPlan,
    params: &'a Params,
    profiler: &'a Profiler,
    /// The folder of the profile.
    dir: PathBuf,
    /// The same, relative to the environment's directory.
    name: String,
}

/// Why a profile ends early.
enum End {
    /// A signal asked for it.
    Asked(String),
    /// It cannot be had.
    Failed(Failed),
}

impl From<Failed> for End {
    fn from(failed: Failed) -> End {
        End::Failed(failed)
    }
}

impl Campaign {
    /// Profiles every environment that asks for it and has no profile yet. Gives the signal that asked for an end, if one did.
    pub(super) fn profile_all(
        &mut self,
        booter: &mut dyn Booter,
        hooks: &mut Hooks<'_>,
    ) -> Result<Option<String>, CampaignError> {
        for environment in self.file.environments.clone() {
            let params = environment.to_params();
            let known = self.journal.state.profiles.contains_key(&environment.name);
            let Some(profiler) = profiler(&params)?.filter(|_| !known) else { continue };
            if let Some(signal) = hooks.observer.stop() {
                return Ok(Some(signal));
            }
            let (name, dir) = self.free_profile_dir(&environment);
            let session =
                Session { environment: &environment, params: &params, profiler: &profiler, dir, name };
            let begun = Instant::now();
            let (profile, asked) = self.profile(booter, hooks, &session)?;
            if asked.is_some() {
                return Ok(asked);
            }
            for sentence in &profile.told {
                hooks.observer.told(&environment.name, sentence);
            }
            let seconds = begun.elapsed().as_secs_f64();
            self.tell(hooks, Event::Profiled { environment: environment.name.clone(), profile, seconds })?;
            self.refresh_run_file(&environment)?;
        }
        Ok(None)
    }

    /// A folder for a profile: one that was begun and not written down stays as it is.
    fn free_profile_dir(&self, environment: &EnvironmentPlan) -> (String, PathBuf) {
        let all = std::iter::once(PROFILE_DIR.to_owned());
        let mut all = all.chain((2u32..).map(|n| format!("{PROFILE_DIR}.{n}")));
        let place = |name: String| {
            let dir = self.dir.join(&environment.name).join(&name);
            (name, dir)
        };
        let free = all.by_ref().map(place).find(|(_, dir)| !dir.exists());
        free.unwrap_or_else(|| place(PROFILE_DIR.to_owned()))
    }

    /// Boots and profiles all cases. Gives what came of it, and the signal that asked for an end.
    fn profile(
        &mut self,
        booter: &mut dyn Booter,
        hooks: &mut Hooks<'_>,
        session: &Session<'_>,
    ) -> Result<(Profile, Option<String>), CampaignError> {
        let boot = format!("{}-{}-{}", self.file.id, session.environment.name, session.name);
        let mut profile = Profile { profiler: session.profiler.name(), boot, ..Profile::default() };
        let logs = session.dir.join("boot");
        create_directory(&logs)?;
        hooks.observer.doing(&session.environment.name, PROFILE_DIR, "booting");
        let around = Around::of(session.params, &logs);
        let done = match around.command(PRE_COMMAND) {
            Ok(()) => self.in_guest(booter, hooks, session, &mut profile)?,
            Err(failed) => Err(End::Failed(failed)),
        };
        let mended = around.command(POST_COMMAND);
        let asked = match done.and(mended.map_err(End::Failed)) {
            Ok(()) => None,
            Err(End::Asked(signal)) => Some(signal),
            Err(End::Failed(failed)) => {
                let asked = interrupted::asked(hooks.observer);
                profile.told.push(format!("not profiled to the end: {failed}"));
                asked
            }
        };
        Ok((profile, asked))
    }

    fn in_guest(
        &mut self,
        booter: &mut dyn Booter,
        hooks: &mut Hooks<'_>,
        session: &Session<'_>,
        profile: &mut Profile,
    ) -> Result<Result<(), End>, CampaignError> {
        let (logs, name) = (session.dir.join("boot"), session.environment.name.as_str());
        let booted = booter.boot(name, &logs, &session.dir.join("forensics"));
        let Booted { mut lab, .. } = match booted {
            Ok(booted) => booted,
            Err(unbooted) => {
                let failed = unbooted.failed;
                unbooted.rest.into_iter().for_each(|lab| lab.end(None));
                return Ok(Err(End::Failed(failed)));
            }
        };
        let done = self.all_cases(lab.as_mut(), hooks, session, profile);
        // Layers above images go with the boot; what a check would find was found in the judged ones.
        drop(lab.images());
        lab.end(None);
        done
    }

    fn all_cases(
        &mut self,
        lab: &mut dyn Lab,
        hooks: &mut Hooks<'_>,
        session: &Session<'_>,
        profile: &mut Profile,
    ) -> Result<Result<(), End>, CampaignError> {
        if let Some(why) = nobody_to_look_at(lab) {
            profile.told.push(why.to_owned());
            return Ok(Ok(()));
        }
        let logs = session.dir.join("boot");
        let around = Around::of(session.params, &logs);
        let of = |key| (session.environment.name.as_str(), key);
        let prepared = workload::prepare(self.workload, lab, session.params);
        let prepared = prepared.and_then(|()| around.script(lab, of(PREPARE), hooks.observer));
        if let Some(end) = prepared.map_or_else(|failed| Some(End::Failed(failed)), |a| a.map(End::Asked)) {
            return Ok(Err(end));
        }
        let inside = match session.profiler {
            Profiler::Perf => Inside::of(lab, &mut profile.told),
            Profiler::Command(_) => None,
        };
        for (order, case) in self.file.cases.clone().iter().enumerate() {
            if let Some(signal) = hooks.observer.stop() {
                return Ok(Err(End::Asked(signal)));
            }
            hooks.observer.doing(&session.environment.name, PROFILE_DIR, &model::readable(&case.id()));
            let folder = raw_name(case, u32::try_from(order).unwrap_or(u32::MAX), 1);
            let folder = folder.trim_start_matches("raw/").to_owned();
            let raw = session.dir.join(&folder);
            let _made = Made::create(&raw).map_err(io_error("creating", &raw))?;
            let found = match self.one_case(lab, session, case, &raw, inside.as_ref()) {
                Ok((found, lacks)) => {
                    profile.told.extend(lacks.map(|why| format!("{}: {why}", model::readable(&case.id()))));
                    found
                }
                Err(failed) if lab.death().is_some() => return Ok(Err(End::Failed(failed))),
                Err(failed) => {
                    profile.told.push(format!("{}: not profiled: {failed}", model::readable(&case.id())));
                    continue;
                }
            };
            let stacks = keep(&raw, found)?;
            let folder = format!("{}/{folder}", session.name);
            profile.cases.push(ProfiledCase { case: case.clone(), folder, stacks });
        }
        let after = around.script(lab, of(AFTER), hooks.observer);
        Ok(after.map_or_else(|failed| Err(End::Failed(failed)), |a| a.map_or(Ok(()), |s| Err(End::Asked(s)))))
    }

    /// Measures a case while somebody looks. Its values go nowhere. Gives the stacks, and why there are none from within the guest,
    /// where somebody looked there.
    fn one_case(
        &self,
        lab: &mut dyn Lab,
        session: &Session<'_>,
        case: &Case,
        raw: &Path,
        inside: Option<&Inside>,
    ) -> Result<(Stacks, Option<String>), Failed> {
        let outside = Outside::start(session.profiler, &lab.processes(), &case.id())?;
        let begun = inside.map(|inside| inside.start(lab));
        let measured =
            lab.load().and_then(|()| workload::measure(self.workload, lab, case, session.params, raw));
        let relieved = lab.relieve();
        // Whoever looks is ended whatever became of the sample.
        let inner = begun.zip(inside).map(|(begun, inside)| (begun.and_then(|()| inside.stop(lab)), inside));
        let ended = outside.stop();
        measured.and(relieved)?;
        let outcome = workload::parse(self.workload, case, session.params, raw)?;
        let window = (outcome.window.mono_ns, outcome.window.mono_ns.saturating_add(outcome.window.len_ns));
        let mut found = vec![(HOST.to_owned(), ended?.folded(window)?)];
        let Some((stopped, inside)) = inner else { return Ok((found, None)) };
        let kept = Measured::is_kept(raw).then(|| Measured::read(raw)).transpose()?;
        // A guest that cannot be looked into takes nothing away from what the host saw.
        match stopped.and_then(|()| inside.folded(lab, kept.as_ref())) {
            Ok(folded) => {
                found.push((inside.guest().to_owned(), folded));
                Ok((found, None))
            }
            Err(failed) => {
                Ok((found, Some(format!("{} is not profiled from within: {failed}", inside.guest()))))
            }
        }
    }
}

/// Why there is nothing to profile.
fn nobody_to_look_at(lab: &dyn Lab) -> Option<&'static str> {
    match () {
        () if lab.is_offline() => {
            Some("not profiled: nobody talks to the guest, which does its work by itself")
        }
        () if lab.processes().is_empty() => {
            Some("not profiled: the workload has no guest that runs from its beginning to its end")
        }
        () => None,
    }
}

/// Writes stacks into a case's folder.
fn keep(raw: &Path, found: Stacks) -> Result<Vec<ProfiledStacks>, CampaignError> {
    let mut kept = Vec::new();
    for (of, folded) in found {
        let path = raw.join(ProfiledStacks::file(&of));
        let packed = folded.packed().map_err(io_error("packing", &path))?;
        store::write_atomically(&path, &packed)?;
        kept.push(ProfiledStacks { samples: folded.samples(), of });
    }
    Ok(kept)
}
