//! The machines of a drive, with what is known of them so far: what each step works with.

use super::console::Console;
use super::machines::Machines;
use super::sight::Sight;
use model::{Code, Failure};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use vm::guest::channel::Reply;
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
    /// Folders of needles; those that are not there have none.
    pub needles: Vec<PathBuf>,
}

/// The machines of a drive.
pub(super) struct Cast<'a> {
    pub(super) machines: &'a mut dyn Machines,
    pub(super) names: Vec<String>,
    pub(super) places: Places,
    pub(super) consoles: Vec<Console>,
    pub(super) sights: Vec<Sight>,
    stop: &'a dyn Fn() -> bool,
    /// Whether a signal ends a command that runs in a guest, and not only what is waited for.
    pub(super) cuts: bool,
}

impl<'a> Cast<'a> {
    /// Machines of which nothing is known yet.
    pub(super) fn new(
        machines: &'a mut dyn Machines,
        places: Places,
        stop: &'a dyn Fn() -> bool,
    ) -> Cast<'a> {
        let names = machines.names();
        let consoles = names.iter().map(|_| Console::default()).collect();
        let sights = names.iter().map(|_| Sight::default()).collect();
        Cast { machines, names, places, consoles, sights, stop, cuts: false }
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
    pub(super) fn stopped(&self) -> bool {
        (self.stop)()
    }

    /// Looks until there is something to see. `look` gives it, or what it saw instead.
    pub(super) fn wait<T>(
        &mut self,
        what: &str,
        deadline: Duration,
        mut look: impl FnMut(&mut Cast<'a>, Duration) -> Result<Result<T, String>, Failure>,
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
pub(super) fn interrupted() -> Failure {
    Failure::tool("interrupted by a signal")
}

/// Runs a command in a machine.
pub(super) fn execute(
    cast: &mut Cast<'_>,
    place: usize,
    argv: &[String],
    deadline: Duration,
) -> Result<Reply, Failure> {
    let words: Vec<&str> = argv.iter().map(String::as_str).collect();
    let (cuts, stop) = (cast.cuts, cast.stop);
    let machine = cast.running(place)?;
    let reply =
        if cuts { machine.exec_unless(&words, deadline, stop) } else { machine.exec(&words, deadline) };
    reply.map_err(|error| error.failure())
}
