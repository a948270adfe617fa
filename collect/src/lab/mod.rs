//! What a workload works with: guests, a client, counters, and the one place where a common window is cut.

mod booter;
mod crowd;
mod cut;
pub mod job;
mod jump;
mod moved;
mod outcome;
mod talk;
mod vmstate;
pub mod window;

pub use booter::{Booted, Booter, Unbooted};
pub use crowd::Crowd;
pub use cut::{Done, window, window_until};
pub use moved::{Move, Moved};
pub use outcome::{Outcome, Point, Value};
pub use talk::{Client, Target};
pub use vmstate::VmState;

use self::job::Whole;
use self::window::{Borne, HostCounters, ThreadTime, borne};
use crate::drive::Machines;
use formats::counters::{Counted, Counters, CpuTicks, Form};
pub(crate) use jump::{closed, time_asleep};
use model::{Accel, Code, Moment, Phase, Window};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;
use vm::deadlines::{Deadlines, Step};
use vm::guest::checked::Images;
use vm::guest::disk::Disk;
use vm::guest::job::{JobRequest, Standing};
use vm::guest::os::Os;
use vm::host::noise::Watched;

/// Somebody who drives guests.
pub type Driver<'a> = dyn FnMut(&mut dyn Machines) -> Result<(), Failed> + 'a;
/// Why something could not be measured.
pub use model::Failure as Failed;

/// Counters of host and guest at one moment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// When.
    pub at: Moment,
    /// CPU time of the whole host.
    pub host_cpu: CpuTicks,
    /// The same of the client's host, when that is another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_cpu: Option<CpuTicks>,
    /// What the guest counted; its answer is kept in a file of its own.
    #[serde(skip)]
    pub guest: Counters,
    /// CLOCK_MONOTONIC of the host when the guest was asked, nanoseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked_ns: Option<u64>,
    /// The same when its answer was there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heard_ns: Option<u64>,
    /// CPU time of QEMU's threads.
    #[serde(default)]
    pub threads: Vec<ThreadTime>,
    /// CPU time of perfvt itself, nanoseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub own_ns: Option<u64>,
    /// KVM's counters by its own names, summed over the vCPUs, exits ([`window::EXITS`]) among them; none under emulation.
    #[serde(default)]
    pub kvm: BTreeMap<String, u64>,
    /// Counters of the host.
    #[serde(default)]
    pub host: HostCounters,
    /// What neighbours had done, where some bear a load.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub neighbours: Vec<Borne>,
}

impl Snapshot {
    /// What of it is the host's.
    pub(crate) fn host_sample(&self) -> HostSample {
        let threads = self.threads.clone();
        HostSample { at: self.at, cpu: self.host_cpu, threads, own_ns: self.own_ns }
    }
}

/// The host's CPU time at one instant of a window.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostSample {
    /// When.
    pub at: Moment,
    /// CPU time of the whole host.
    pub cpu: CpuTicks,
    /// CPU time of QEMU's threads.
    #[serde(default)]
    pub threads: Vec<ThreadTime>,
    /// CPU time of perfvt itself, nanoseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub own_ns: Option<u64>,
}

/// A common window and the counters at its ends.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// The window.
    pub window: Window,
    /// Counters at its start.
    pub start: Snapshot,
    /// Counters at its end.
    pub end: Snapshot,
    /// The host at every interval in between, both ends included.
    pub samples: Vec<HostSample>,
    /// The server guest's interface that carries the data.
    #[serde(default = "first_interface")]
    pub interface: String,
}

/// What the interface was called before files said so.
fn first_interface() -> String {
    "eth0".into()
}

/// Writes a file into a case's raw folder.
pub fn keep(raw: &Path, name: &str, text: &str) -> Result<(), Failed> {
    let path = raw.join(name);
    edge::write::write(&path, text)
        .map_err(|e| Failed::new(Code::Host, format!("writing {}: {e}", path.display())))
}

/// The window and the host's counters, in a case's raw folder.
const WINDOW_FILE: &str = "window.json";
/// What the guest answered at the ends of the window, in a case's raw folder; [`Form::extension`] follows.
const GUEST_START: &str = "guest-start";
/// What neighbours did in the window, in a case's raw folder.
const NEIGHBOURS_FILE: &str = "neighbours.txt";
/// The same at the end of the window.
const GUEST_END: &str = "guest-end";

/// The place in a case's raw folder where a Linux guest's counters say something at the end of the window.
pub fn at_end<T>(counted: &Counted<T>) -> Option<(String, u32)> {
    Some((format!("{GUEST_END}.{}", Form::Files.extension()), counted.line?))
}

impl Measured {
    /// Keeps all of it in a case's raw folder.
    pub fn keep(&self, raw: &Path) -> Result<(), Failed> {
        let text = serde_json::to_string_pretty(self)
            .map_err(|e| Failed::new(Code::Host, format!("writing {WINDOW_FILE}: {e}")))?;
        keep(raw, WINDOW_FILE, &text)?;
        if let Some(text) = borne(&self.start.neighbours, &self.end.neighbours)? {
            keep(raw, NEIGHBOURS_FILE, &text)?;
        }
        for (name, guest) in [(GUEST_START, &self.start.guest), (GUEST_END, &self.end.guest)] {
            keep(raw, &format!("{name}.{}", guest.form().extension()), guest.told())?;
        }
        Ok(())
    }

    /// Whether a raw folder holds a window at all.
    pub fn is_kept(raw: &Path) -> bool {
        raw.join(WINDOW_FILE).exists()
    }

    /// Reads what [`Measured::keep`] wrote.
    pub fn read(raw: &Path) -> Result<Measured, Failed> {
        let read = |name: &str| {
            let path = raw.join(name);
            edge::read_text(&path, edge::read::RECORD)
                .map_err(|e| Failed::nonsense(format!("reading {}: {e}", path.display())))
        };
        let wrong = |e: serde_json::Error| {
            Failed::nonsense(format!("reading {}: {e}", raw.join(WINDOW_FILE).display()))
        };
        let mut kept: serde_json::Value = serde_json::from_str(&read(WINDOW_FILE)?).map_err(wrong)?;
        for end in ["start", "end"] {
            kept.get_mut(end).into_iter().for_each(window::exits_of_before);
        }
        let mut measured: Measured = serde_json::from_value(kept).map_err(wrong)?;
        let guest = |name: &str| {
            let file = |form: Form| format!("{name}.{}", form.extension());
            let is_kept = |form: &Form| raw.join(file(*form)).exists();
            let form = Form::ALL.into_iter().find(is_kept).unwrap_or_default();
            let path = raw.join(file(form));
            let odd = |_| Failed::nonsense(format!("reading {}: no answer of a guest agent", path.display()));
            Counters::read(form, read(&file(form))?).map_err(odd)
        };
        (measured.start.guest, measured.end.guest) = (guest(GUEST_START)?, guest(GUEST_END)?);
        Ok(measured)
    }

    /// Start and end in seconds since the epoch.
    pub fn unix_span(&self) -> (f64, f64) {
        (self.start.at.unix_seconds(), self.end.at.unix_seconds())
    }

    /// What one of KVM's counters grew by within the window; `None` where nobody counts it.
    ///
    /// # Errors
    /// It went backwards.
    pub fn kvm_delta(&self, counter: &str) -> Result<Option<u64>, Failed> {
        let (Some(start), Some(end)) = (self.start.kvm.get(counter), self.end.kvm.get(counter)) else {
            return Ok(None);
        };
        let backwards = || Failed::tool(format!("the count of {counter} went backwards"));
        end.checked_sub(*start).map(Some).ok_or_else(backwards)
    }

    /// What a guest counter grew by within the window.
    pub fn guest_delta(&self, read: impl Fn(&Counters) -> Option<u64>) -> Option<u64> {
        read(&self.end.guest)?.checked_sub(read(&self.start.guest)?)
    }
}

/// Guests, client, networks and clock of one boot. The real one runs QEMU; tests have one that replays.
pub trait Lab {
    /// Where the server is reached.
    fn target(&self) -> Target;
    /// Brings up the network of all guests, and waits until the server's guest reaches the client.
    fn connect(&mut self) -> Result<(), Failed>;
    /// The program of a tool where clients run.
    fn client_tool(&self, name: &str) -> Result<String, Failed>;
    /// How far the client's time of day is ahead of this host's, in seconds, where it has one of its own.
    fn client_ahead(&mut self) -> Result<Option<f64>, Failed> {
        Ok(None)
    }
    /// The program of a tool on the host.
    fn host_tool(&self, name: &str) -> Result<String, Failed>;
    /// The full path in the server's guest of what the user brought under a key ([`crate::brought`]).
    fn brought(&self, key: &str) -> Result<String, Failed> {
        Err(Failed::tool(format!("this lab brings nothing, {key} neither")))
    }
    /// The same where clients run.
    fn client_brought(&self, key: &str) -> Result<String, Failed> {
        self.brought(key)
    }
    /// The data disk of the server's guest, or the file of a workload that has none.
    fn disk(&self) -> Option<&Disk> {
        None
    }
    /// How a QEMU is executed that a workload without a guest starts itself; `None` where it is to start none.
    fn accel(&self) -> Option<Accel> {
        None
    }
    /// How many CPUs such a program has.
    fn cpus(&self) -> usize {
        1
    }
    /// Who boots several guests at once, where each case has another number of them.
    fn crowd(&mut self) -> Option<&mut dyn Crowd> {
        None
    }
    /// Who saves the state of the server's guest, where that can be done.
    fn vmstate(&mut self) -> Option<&mut dyn VmState> {
        None
    }
    /// Has somebody drive the guests, who may neither start nor end one.
    fn drive(&mut self, by: &mut Driver<'_>) -> Result<(), Failed> {
        let _ = by;
        Err(Failed::tool("there is no guest to drive"))
    }
    /// How long anything may take in this boot.
    fn deadlines(&self) -> Deadlines;
    /// How long a phase may take, beside what it is asked to do.
    fn deadline(&self, phase: Phase) -> Duration {
        self.deadlines().within(phase)
    }
    /// How long a command in the guest may take that has nothing to do but to answer.
    fn soon(&self) -> Duration {
        self.deadlines().within(Step::Answer)
    }
    /// Runs a command in the server's guest; any other status than 0 is a failed case.
    fn exec(&mut self, argv: &[&str], deadline: Duration) -> Result<String, Failed>;
    /// The system of the server's guest.
    fn os(&self) -> Os {
        Os::Linux
    }
    /// The system where clients run.
    fn client_os(&self) -> Os {
        Os::Linux
    }
    /// Starts a command in the background of the server's guest, or asks after one that was started.
    fn job(&mut self, request: &JobRequest<'_>, deadline: Duration) -> Result<Vec<Standing>, Failed> {
        let printed = match request {
            JobRequest::Start { server: true, .. } => self.serve(&request.words(), deadline)?,
            _ => self.exec(&request.words(), deadline)?,
        };
        request.answer(printed.as_bytes()).map_err(|e| Failed::tool(e.to_string()))
    }
    /// Whether nobody talks to the guest: then each case is measured whole ([`Lab::carry_out`]), in a guest of its own.
    fn is_offline(&self) -> bool {
        false
    }
    /// Has a guest that nobody talks to measure a case, whose raw output is in a folder of this host then.
    fn carry_out(&mut self, whole: &Whole<'_>, raw: &Path) -> Result<(), Failed> {
        let _ = raw;
        Err(Failed::tool(format!("this lab is told each step of {}", whole.workload)))
    }
    /// Writes a file into the server's guest. `mode` is octal: `755`.
    fn put(&mut self, path: &str, mode: &str, content: &[u8]) -> Result<(), Failed> {
        let _ = (mode, content);
        Err(Failed::tool(format!("this lab takes no files, {path} neither")))
    }
    /// Moves all guests that move together to other QEMUs, and watches them meanwhile. Each goes on in the source where it does not get
    /// there. What became of each, in their order; the first is the server's.
    ///
    /// # Errors
    /// None of them was moved.
    fn migrate(&mut self, request: &Move) -> Result<Vec<Result<Moved, Failed>>, Failed> {
        let _ = request;
        Err(Failed::tool("this lab has one QEMU"))
    }
    /// Talks to another of the guests that move together from now on, in the place of the server's, which is the first (0).
    fn attend(&mut self, guest: usize) -> Result<(), Failed> {
        if guest == 0 { Ok(()) } else { Err(Failed::tool("this lab has one guest")) }
    }
    /// Leads clients of this host to the server's guest, where that may move: from now on they run where they reach it. What it sends to
    /// them in TCP segments is noted in a file. With `None` they are led no more.
    fn lead_in(&mut self, noted: Option<&Path>) -> Result<(), Failed> {
        let _ = noted;
        Err(Failed::tool("this lab leads no client to its guest"))
    }
    /// What the console and the firmware's debug port said while the guest booted, each line with its time
    /// ([`formats::boot`] describes it); `None` when nobody listened.
    fn boot_trace(&self) -> Option<String> {
        None
    }
    /// What is known of the boot beside that, in files for a case's raw folder: what the guest itself counted, and the size of
    /// what it was booted from.
    fn boot_told(&self) -> &[(&'static str, String)] {
        &[]
    }
    /// Runs a command in the server's guest that leaves a server behind, on the vCPUs that `server_vcpus` names.
    fn serve(&mut self, argv: &[&str], deadline: Duration) -> Result<String, Failed> {
        self.exec(argv, deadline)
    }
    /// Starts a client where the scenario has it: on the host, in the second guest, outside. Its output goes to files of
    /// the host, at the latest when it is asked whether it has ended.
    fn start_client(
        &mut self,
        argv: &[String],
        stdout: &Path,
        stderr: &Path,
    ) -> Result<Box<dyn Client>, Failed>;
    /// Counters of host and guest, now.
    fn snapshot(&mut self) -> Result<Snapshot, Failed>;
    /// CPU time of the host and of QEMU's threads, now.
    fn host_sample(&mut self) -> Result<HostSample, Failed>;
    /// Gives the neighbours of what is measured their loads, which run when it comes back.
    fn load(&mut self) -> Result<(), Failed> {
        Ok(())
    }
    /// Ends the loads of the neighbours, which must have run until now.
    fn relieve(&mut self) -> Result<(), Failed> {
        Ok(())
    }
    /// How the guest died, if it has.
    fn death(&mut self) -> Option<Failed>;
    /// Says so when guest and client do not reach one another any more. Asked after a tool failed, which may be why.
    fn disconnected(&mut self) -> Option<Failed> {
        None
    }
    /// What of the planned placement does not hold, in words.
    fn misplaced(&mut self) -> Vec<String>;
    /// Threads and CPUs that must be left alone while a sample is taken; none where nobody knows.
    fn watched(&self) -> Watched {
        Watched::default()
    }
    /// QEMU's processes, each with the name of its guest, the server's first; none where there is no guest, or several that come
    /// and go.
    fn processes(&self) -> Vec<(String, u32)> {
        Vec::new()
    }
    /// Images that are to be checked once the guest has ended, which are given once.
    fn images(&mut self) -> Images {
        Images::default()
    }
    /// Ends the guest; what tells why it failed goes to a folder first, when one is given.
    fn end(self: Box<Self>, forensics: Option<&Path>);
    /// Lets time pass.
    fn sleep(&mut self, time: Duration) {
        std::thread::sleep(time);
    }
}
