//! Does steps, one after the other, and writes down what came of each.

use super::cast::{Cast, Places, interrupted};
use super::journal::Journal;
use super::machines::Machines;
use super::script::{Script, Step};
use super::verbs::{Act, Global};
use super::{act, film};
use model::drive::{Record, Verdict};
use model::store::StoreError;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// The last frames that were seen of a machine, as an animated PNG.
const FRAMES: &str = "frames.png";

/// Machines with what is known of the drive so far.
pub struct Engine<'a> {
    cast: Cast<'a>,
    journal: Journal,
    subtest: Option<String>,
}

impl<'a> Engine<'a> {
    /// An engine that has done nothing yet. `stop` says whether a signal asked for an end.
    pub fn new(
        machines: &'a mut dyn Machines,
        places: Places,
        journal: Journal,
        stop: &'a dyn Fn() -> bool,
    ) -> Engine<'a> {
        Engine { cast: Cast::new(machines, places, stop), journal, subtest: None }
    }

    /// The names of the machines.
    pub fn names(&self) -> &[String] {
        &self.cast.names
    }

    /// From now on files that steps read and write are in this folder.
    pub fn works_in(&mut self, folder: &Path) {
        self.cast.places.reads = folder.to_owned();
        self.cast.places.writes = folder.to_owned();
    }

    /// From now on a signal ends a command that runs in a guest, as somebody at a prompt wants it to.
    pub fn cuts_commands(&mut self) {
        self.cast.cuts = true;
    }

    /// The subtest that steps belong to now.
    pub fn subtest(&self) -> Option<&str> {
        self.subtest.as_deref()
    }

    /// Does a script. After a step that fails nothing more is done, or with `go_on` nothing more of its subtest. `tell` hears of
    /// each step that was done. Gives whether all passed.
    ///
    /// # Errors
    /// The journal cannot be written.
    pub fn run(
        &mut self,
        script: &Script,
        go_on: bool,
        tell: &mut dyn FnMut(&Record),
    ) -> Result<Verdict, StoreError> {
        let mut all = Verdict::Passed;
        let mut skips = false;
        for step in &script.steps {
            let border = matches!(step.act, Act::Global(Global::Subtest(_) | Global::End));
            skips &= !border;
            if skips {
                continue;
            }
            let record = self.step(step)?;
            tell(&record);
            match record.result {
                Verdict::Passed => {}
                Verdict::Failed if go_on && self.subtest.is_some() => (all, skips) = (Verdict::Failed, true),
                other => return Ok(other),
            }
        }
        Ok(all)
    }

    /// Does one step.
    ///
    /// # Errors
    /// The journal cannot be written.
    pub fn step(&mut self, step: &Step) -> Result<Record, StoreError> {
        let begun = Instant::now();
        let mut record = Record::begun(step.line, &step.text);
        match &step.act {
            Act::Global(Global::Subtest(name)) => self.subtest = Some(edge::text::cut(name)),
            Act::On(place, _) => record.machine = self.cast.names.get(*place).cloned(),
            Act::Global(_) => {}
        }
        record.subtest.clone_from(&self.subtest);
        let done =
            if self.stopped() { Err(interrupted()) } else { act::act(&mut self.cast, step, &mut record) };
        if let Act::On(place, _) = &step.act {
            record.restored = self.cast.machines.machine(*place).is_some_and(|machine| machine.restored);
        }
        record.seconds = (begun.elapsed().as_secs_f64() * 1e6).round() / 1e6;
        if let Err(failure) = done {
            record.result = if self.stopped() { Verdict::Interrupted } else { Verdict::Failed };
            record.error = Some(failure.reason);
            if record.result == Verdict::Failed {
                record.forensics = self.forensics(step);
            }
        }
        if matches!(step.act, Act::Global(Global::End)) {
            self.subtest = None;
        }
        self.journal.note(&record)?;
        Ok(record)
    }

    /// Collects what tells why a step failed: of the machines that it names, or of all where it names none.
    fn forensics(&mut self, step: &Step) -> Option<PathBuf> {
        let dir = self.cast.places.forensics.as_ref()?.join(format!("step-{}", step.line));
        let mut found = false;
        for (place, name) in self.cast.names.iter().enumerate() {
            let concerned = match &step.act {
                Act::On(own, _) => *own == place || names(&step.text, name),
                Act::Global(_) => true,
            };
            if let (true, Some(machine)) = (concerned, self.cast.machines.machine(place)) {
                // The step's failure is the one to tell.
                found |= machine.forensics(&dir.join(name)).is_ok();
                // More than the one picture that is among them.
                if let Some(sight) = self.cast.sights.get(place).filter(|sight| sight.frames.len() > 1)
                    && let Ok(Some(bytes)) = sight.frames.apng()
                {
                    let frames = dir.join(name).join(FRAMES);
                    if edge::write_atomically(&frames, &bytes).is_ok() {
                        film::of_frames(&frames);
                    }
                }
            }
        }
        found.then_some(dir)
    }

    /// Whether a signal asked for an end.
    pub fn stopped(&self) -> bool {
        self.cast.stopped()
    }
}

/// Whether a machine's name is a word of a step, as in `vm1 succeed ping vm2`.
fn names(text: &str, name: &str) -> bool {
    text.split(|c: char| !c.is_alphanumeric() && !"-_.".contains(c)).any(|word| word == name)
}
