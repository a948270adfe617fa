//! Does steps, one after the other, and writes down what came of each.

use super::act;
use super::console::Console;
use super::journal::Journal;
use super::machines::Machines;
use super::script::{Script, Step};
use super::verbs::{Act, Global};
use model::drive::{Record, Verdict};
use model::store::StoreError;
use model::{Code, Failure};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use vm::guest::machine::Machine;

/// How often something is looked at that is waited for.
const LOOK: Duration = Duration::from_millis(20);

/// Where the files of a drive are.
#[derive(Clone, Debug)]
pub struct Places {
    /// What stands before the names of files that steps read.
    pub reads: PathBuf,
    /// What stands before the names of files that steps write.
    pub writes: PathBuf,
    /// Where lies what tells why a step failed; `None` where it is not asked for.
    pub forensics: Option<PathBuf>,
}

/// Machines with what is known of the drive so far.
pub struct Engine<'a> {
    pub(super) machines: &'a mut dyn Machines,
    pub(super) names: Vec<String>,
    pub(super) places: Places,
    pub(super) consoles: Vec<Console>,
    stop: &'a dyn Fn() -> bool,
    journal: Journal,
    subtest: Option<String>,
    done: usize,
}

impl<'a> Engine<'a> {
    /// An engine that has done nothing yet. `stop` says whether a signal asked for an end.
    pub fn new(
        machines: &'a mut dyn Machines,
        places: Places,
        journal: Journal,
        stop: &'a dyn Fn() -> bool,
    ) -> Engine<'a> {
        let names = machines.names();
        let consoles = names.iter().map(|_| Console::default()).collect();
        Engine { machines, names, places, consoles, stop, journal, subtest: None, done: 0 }
    }

    /// The names of the machines.
    pub fn names(&self) -> &[String] {
        &self.names
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
            Act::On(place, _) => record.machine = self.names.get(*place).cloned(),
            Act::Global(_) => {}
        }
        record.subtest.clone_from(&self.subtest);
        self.done += 1;
        let done = if self.stopped() { Err(interrupted()) } else { act::act(self, step, &mut record) };
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

    /// Collects what tells why a step failed, of its machine or of all.
    fn forensics(&mut self, step: &Step) -> Option<PathBuf> {
        let dir = self.places.forensics.as_ref()?.join(format!("step-{}", self.done));
        let mut found = false;
        for (place, name) in self.names.iter().enumerate() {
            let concerned = !matches!(&step.act, Act::On(other, _) if *other != place);
            if let (true, Some(machine)) = (concerned, self.machines.machine(place)) {
                // The step's failure is the one to tell.
                found |= machine.forensics(&dir.join(name)).is_ok();
            }
        }
        found.then_some(dir)
    }

    /// The machine at a place, which must run.
    pub(super) fn running(&mut self, place: usize) -> Result<&mut Machine, Failure> {
        let name = self.name(place);
        self.machines.machine(place).ok_or_else(|| {
            Failure::tool(format!("{name} does not run; `{name} start` or `start_all` boots it"))
        })
    }

    /// The name at a place.
    pub(super) fn name(&self, place: usize) -> String {
        self.names.get(place).cloned().unwrap_or_default()
    }

    /// A path of this host that a step reads.
    pub(super) fn read_at(&self, file: &Path) -> PathBuf {
        self.places.reads.join(file)
    }

    /// A path of this host that a step writes.
    pub(super) fn written_at(&self, file: &Path) -> PathBuf {
        self.places.writes.join(file)
    }

    /// Whether a signal asked for an end.
    pub fn stopped(&self) -> bool {
        (self.stop)()
    }

    /// Looks until there is something to see. `look` gives it, or what it saw instead.
    pub(super) fn wait<T>(
        &mut self,
        what: &str,
        deadline: Duration,
        mut look: impl FnMut(&mut Engine<'a>, Duration) -> Result<Result<T, String>, Failure>,
    ) -> Result<T, Failure> {
        let until = Instant::now() + deadline;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let seen = match look(self, left)? {
                Ok(found) => return Ok(found),
                Err(seen) => seen,
            };
            if self.stopped() {
                return Err(interrupted());
            }
            if Instant::now() >= until {
                let seconds = deadline.as_secs_f64();
                return Err(Failure::new(Code::ToolFailed, format!("{what} within {seconds} s; {seen}")));
            }
            std::thread::sleep(LOOK.min(left));
        }
    }
}

/// A signal asked for an end.
fn interrupted() -> Failure {
    Failure::tool("interrupted by a signal")
}
