//! What the user has done around the windows of a boot: scripts in its guests (`prepare`, `after`), commands on this host
//! (`pre_command`, `post_command`).

use super::hooks::Observer;
use super::setup::SetupError;
use crate::drive::{Act, Engine, Journal, Places, Script, Step, Verb, no_shell};
use crate::environment::{Place, Stage};
use crate::lab::{Failed, Lab};
use crate::parameters::PROFILER;
use crate::parse::{Profiler, profiler};
use edge::{quoted, quoted_end};
use model::drive::Verdict;
use model::{Accel, Code, Params};
use process::{Sink, Spec};
use std::cell::RefCell;
use std::path::{Path, PathBuf};
use vm::deadlines::{Deadlines, Step as Phase};

/// The script before the first window.
pub(super) const PREPARE: &str = "prepare";
/// The one behind the last.
pub(super) const AFTER: &str = "after";
/// The command before the guests are there.
pub(super) const PRE_COMMAND: &str = "pre_command";
/// The one when they are gone.
pub(super) const POST_COMMAND: &str = "post_command";

/// What stands around the windows of one boot.
pub(super) struct Around<'a> {
    params: &'a Params,
    /// Where what it says is kept.
    kept: &'a Path,
}

/// A value that is not empty.
fn given<'a>(params: &'a Params, key: &str) -> Option<&'a str> {
    params.get(key).map(str::trim).filter(|value| !value.is_empty())
}

/// The files that scripts are in.
pub(super) fn files(params: &Params) -> impl Iterator<Item = (&'static str, PathBuf)> {
    [PREPARE, AFTER].into_iter().filter_map(|key| Some((key, PathBuf::from(given(params, key)?))))
}

/// Refuses what could not be done around the windows of an environment.
///
/// # Errors
/// A script that cannot be read, or says what a campaign does itself; a command that is no list of words.
pub(super) fn check(stage: &Stage) -> Result<(), SetupError> {
    for room in &stage.rooms {
        let wrong = |why: String| SetupError::Around { environment: room.name.clone(), why };
        let names = match &room.place {
            Place::Guests(spec) => spec.guests.iter().map(|guest| guest.name.clone()).collect(),
            Place::Host(_) => Vec::new(),
        };
        for (key, file) in files(&room.params) {
            if names.is_empty() {
                return Err(wrong(format!(
                    "{key}: no guest is booted, so there is none to drive; pre_command is for this host"
                )));
            }
            let script = Script::read(&file, &names).map_err(|why| wrong(format!("{key}: {why}")))?;
            if let Some(step) = script.steps.iter().find(|step| ends(step)) {
                let why = match &step.act {
                    Act::On(_, Verb::SaveState(_) | Verb::RestoreState(_)) => SAVED,
                    _ => ENDED,
                };
                return Err(wrong(format!(
                    "{key}: {} line {}: {}: {why}; leave it out",
                    script.name, step.line, step.text
                )));
            }
        }
        if let Some(Profiler::Command(_)) = profiler(&room.params)? {
            no_shell(room.params.text(PROFILER)?).map_err(|why| wrong(format!("{PROFILER}: {why}")))?;
        }
        for key in [PRE_COMMAND, POST_COMMAND].into_iter().filter(|key| given(&room.params, key).is_some()) {
            room.params.words(key)?;
            no_shell(room.params.text(key)?).map_err(|why| wrong(format!("{key}: {why}")))?;
        }
    }
    Ok(())
}

/// Why a step is refused.
const ENDED: &str = "a campaign boots and ends its guests itself";
const SAVED: &str = "a guest that stood to be saved, or goes on from a saved state, is no replicate";

/// Whether a step boots or ends a guest, or has it stand or go on from elsewhere. `start_all` does nothing where all run, so that a session can be used as it was saved.
fn ends(step: &Step) -> bool {
    let ends = |verb: &Verb| matches!(verb, Verb::Start | Verb::Crash | Verb::Shutdown | Verb::Reboot);
    let saves = |verb: &Verb| matches!(verb, Verb::SaveState(_) | Verb::RestoreState(_));
    matches!(&step.act, Act::On(_, verb) if ends(verb) || saves(verb))
}

impl Around<'_> {
    /// What parameters say of a boot whose logs go to a folder.
    pub(super) fn of<'a>(params: &'a Params, kept: &'a Path) -> Around<'a> {
        Around { params, kept }
    }

    /// Does a script in the guests of a boot; what came of each step stands in `KEY.jsonl`. Gives the signal that ended it, if
    /// one did.
    pub(super) fn script(
        &self,
        lab: &mut dyn Lab,
        (environment, key): (&str, &str),
        observer: &mut dyn Observer,
    ) -> Result<Option<String>, Failed> {
        let Some(file) = given(self.params, key).map(Path::new) else { return Ok(None) };
        let reads = file.parent().unwrap_or(Path::new("")).to_owned();
        let needles = vec![reads.join("needles")];
        let places = Places { reads, writes: self.kept.to_owned(), forensics: None, needles };
        let host = |error: String| Failed::new(Code::Host, format!("{key}: {error}"));
        let journal =
            Journal::create(&self.kept.join(format!("{key}.jsonl"))).map_err(|e| host(e.to_string()))?;
        let mut journal = Some(journal);
        // The engine asks for a signal while it does a step.
        let observer = RefCell::new(observer);
        let stop = || observer.borrow_mut().stop().is_some();
        let mut asked = None;
        lab.drive(&mut |machines| {
            let Some(journal) = journal.take() else { return Ok(()) };
            let script = Script::read(file, &machines.names()).map_err(&host)?;
            let mut engine = Engine::new(machines, places.clone(), journal, &stop);
            for step in &script.steps {
                observer.borrow_mut().doing(environment, key, &step.text);
                let record = engine.step(step).map_err(|error| host(error.to_string()))?;
                match record.result {
                    Verdict::Passed => {}
                    Verdict::Interrupted => {
                        asked = observer.borrow_mut().stop();
                        break;
                    }
                    Verdict::Failed => {
                        let error = record.error.unwrap_or_default();
                        return Err(Failed::tool(format!(
                            "{key}: {} line {}: {error}",
                            script.name, record.line
                        )));
                    }
                }
            }
            Ok(())
        })?;
        Ok(asked)
    }

    /// Runs a command on this host; what it wrote stands in `KEY.stdout` and `KEY.stderr`.
    pub(super) fn command(&self, key: &str) -> Result<(), Failed> {
        if given(self.params, key).is_none() {
            return Ok(());
        }
        let words = self.params.words(key).map_err(|error| Failed::new(Code::Host, error.to_string()))?;
        let Some((program, arguments)) = words.split_first() else { return Ok(()) };
        let limit = Deadlines::usual(Accel::Kvm).within(Phase::HostRun);
        let spec = Spec::new(program).args(arguments).stdout(Sink::Capture).stderr(Sink::Capture);
        let started = spec.start().map_err(|error| Failed::tool(format!("{key}: {error}")))?;
        let done = started.finish(limit);
        for (end, text) in [("stdout", &done.stdout), ("stderr", &done.stderr)] {
            let path = self.kept.join(format!("{key}.{end}"));
            edge::write::write(&path, text)
                .map_err(|e| Failed::new(Code::Host, format!("writing {}: {e}", path.display())))?;
        }
        let command = words.join(" ");
        match done.status {
            Some(status) if status.success() => Ok(()),
            Some(status) => {
                let said = String::from_utf8_lossy(&done.stderr).into_owned();
                Err(Failed::tool(format!(
                    "{key}: {} ended with {status}: {}",
                    quoted(&command),
                    quoted_end(&said)
                )))
            }
            None => Err(Failed::tool(format!(
                "{key}: {} had not ended after {} s, and was killed",
                quoted(&command),
                limit.as_secs()
            ))),
        }
    }
}
