//! perfvt in a guest that nobody talks to: it does there, step by step, what it otherwise tells a guest to do. Each workload whose
//! load is the guest's own is measured so as it is.
//!
//! ```text
//!   JOB/job.json ──> workload ──> Lab of this guest: commands and counters here, marks on standard output, a byte each
//!                       └──> OUT/: the case's raw folder, or failure.json
//! ```

use crate::lab::job::{COUNTERS, FACTS, FAILURE, JOB, Job, RELEASE, Told};
use crate::lab::{Client, Failed, HostSample, Lab, Snapshot, Target, keep};
use crate::{parse, workload};
use formats::counters::{Counters, Form, files};
use model::{Code, Moment, Phase};
use process::{LONGEST_OUTPUT, Spec};
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::time::Duration;
use vm::deadlines::Deadlines;
use vm::guest::channel::Mark;
use vm::guest::disk::Disk;
use vm::host::fingerprint::guest_command;

/// The verb with which perfvt is started in a guest (`vm/guest/offline`).
pub const INSIDE_VERB: &str = "__inside";

/// Where the kernel tells its clock: the third line is `now at NANOSECONDS nsecs`.
const CLOCK: &str = "/proc/timer_list";

/// Does the job in a folder, and leaves its results in another one. Marks go to `marks`.
///
/// # Errors
/// There is no job, or no room for its results; that it failed is one of these.
pub fn carry_out(job: &Path, out: &Path, marks: &mut dyn Write) -> Result<(), Failed> {
    let path = job.join(JOB);
    let failed = |why: String| Failed::tool(format!("reading {}: {why}", path.display()));
    let text = edge::read_text(&path, edge::read::CONFIG).map_err(|e| failed(e.to_string()))?;
    let job: Job = serde_json::from_str(&text).map_err(|e| failed(e.to_string()))?;
    let done = match &job.case {
        None => tell(&job, out),
        Some(_) => measure(&job, out, marks),
    };
    let Err(error) = done else { return Ok(()) };
    let told = serde_json::to_string(&Told::from(&error)).map_err(|e| Failed::tool(e.to_string()))?;
    keep(out, FAILURE, &told)
}

/// What a guest tells of itself.
fn tell(job: &Job, out: &Path) -> Result<(), Failed> {
    let deadlines = parse::deadlines(&job.params(), job.accel()).map_err(wrong)?;
    let command = guest_command();
    let words: Vec<&str> = command.iter().map(String::as_str).collect();
    // What it does not tell is absent.
    let told = command_here(&words, deadlines.within(Phase::Prepare)).unwrap_or_default();
    keep(out, FACTS, &told)?;
    keep(out, RELEASE, &edge::read::kernel("/proc/sys/kernel/osrelease").unwrap_or_default())?;
    for (name, path) in [("guest.cmdline", "/proc/cmdline"), ("guest.cpuinfo", "/proc/cpuinfo")] {
        keep(out, name, &edge::read::kernel(path).unwrap_or_default())?;
    }
    let there = files().into_iter().map(|(path, _)| path).filter(|path| Path::new(path).exists());
    keep(out, COUNTERS, &there.collect::<Vec<_>>().join("\n"))
}

fn measure(job: &Job, out: &Path, marks: &mut dyn Write) -> Result<(), Failed> {
    let Some(case) = &job.case else { return Ok(()) };
    let params = job.params();
    let workload = workload::find(&job.workload)
        .ok_or_else(|| Failed::tool(format!("there is no workload {}", job.workload)))?;
    let mut lab = Inside {
        deadlines: parse::deadlines(&params, job.accel()).map_err(wrong)?,
        disk: parse::disk(&params).map_err(wrong)?,
        brought: job.brought.clone(),
        is_open: false,
        marks,
    };
    workload.prepare(&mut lab, &params).map_err(|failed| failed.during(Phase::Prepare))?;
    workload.measure(&mut lab, case, &params, out)
}

fn wrong(error: model::ParamsError) -> Failed {
    Failed::tool(error.to_string())
}

/// The guest that perfvt runs in.
struct Inside<'a> {
    deadlines: Deadlines,
    disk: Option<Disk>,
    brought: BTreeMap<String, String>,
    /// The next mark ends a window.
    is_open: bool,
    marks: &'a mut dyn Write,
}

fn nobody() -> Failed {
    Failed::tool("nobody talks to this guest, and it talks to nobody (channel=none)")
}

impl Lab for Inside<'_> {
    fn target(&self) -> Target {
        let address = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let (data_ports, interface) = (Vec::new(), "lo".to_owned());
        Target { control: address, control_port: 0, data: address, data_ports, interface }
    }

    fn connect(&mut self) -> Result<(), Failed> {
        Err(nobody())
    }

    fn client_tool(&self, _: &str) -> Result<String, Failed> {
        Err(nobody())
    }

    fn host_tool(&self, _: &str) -> Result<String, Failed> {
        Err(nobody())
    }

    fn brought(&self, key: &str) -> Result<String, Failed> {
        let none = || Failed::tool(format!("nothing was brought for {key}"));
        self.brought.get(key).cloned().ok_or_else(none)
    }

    fn disk(&self) -> Option<&Disk> {
        self.disk.as_ref()
    }

    fn deadlines(&self) -> Deadlines {
        self.deadlines
    }

    fn exec(&mut self, argv: &[&str], deadline: Duration) -> Result<String, Failed> {
        command_here(argv, deadline)
    }

    fn put(&mut self, path: &str, mode: &str, content: &[u8]) -> Result<(), Failed> {
        let failed = |why: String| Failed::tool(format!("writing {path}: {why}"));
        let mode = u32::from_str_radix(mode, 8).map_err(|e| failed(e.to_string()))?;
        edge::write::create_directory(edge::write::parent(Path::new(path)))
            .and_then(|()| edge::write::write(path, content))
            .and_then(|()| edge::write::set_mode(path, mode))
            .map_err(|error| full(error, path))
    }

    fn start_client(&mut self, _: &[String], _: &Path, _: &Path) -> Result<Box<dyn Client>, Failed> {
        Err(nobody())
    }

    fn snapshot(&mut self) -> Result<Snapshot, Failed> {
        let at = Moment::now();
        let now = edge::read::kernel(CLOCK).ok();
        let mark = if self.is_open { Mark::End } else { Mark::Begin };
        self.is_open = !self.is_open;
        let marked = self.marks.write_all(&[mark.byte()]).and_then(|()| self.marks.flush());
        marked.map_err(|e| Failed::new(Code::ChannelBroken, format!("marking the window: {e}")))?;
        let heard = Moment::now();
        let mut told = now.as_deref().and_then(clock_line).unwrap_or_default();
        for (path, _) in files() {
            told.push_str(&edge::read::kernel(path).unwrap_or_default());
        }
        let guest = Counters::read(Form::Files, told).map_err(Failed::nonsense)?;
        // The host knows the rest.
        let (asked_ns, heard_ns) = (Some(at.mono_ns), Some(heard.mono_ns));
        Ok(Snapshot { at, guest, asked_ns, heard_ns, ..Snapshot::default() })
    }

    fn host_sample(&mut self) -> Result<HostSample, Failed> {
        Ok(HostSample { at: Moment::now(), ..HostSample::default() })
    }

    fn death(&mut self) -> Option<Failed> {
        None
    }

    fn misplaced(&mut self) -> Vec<String> {
        Vec::new()
    }

    fn end(self: Box<Self>, _: Option<&Path>) {}
}

/// `now NANOSECONDS`, as guests with an agent begin their counters.
fn clock_line(timers: &str) -> Option<String> {
    let mut words = timers.lines().nth(2)?.split_whitespace();
    let now =
        words.nth(2).filter(|_| timers.lines().nth(2).is_some_and(|line| line.starts_with("now at ")))?;
    now.parse::<u64>().ok().map(|now| format!("now {now}\n"))
}

/// Runs a command here that must end with status 0, and gives its standard output. What it leaves running goes on, as in guests that
/// are told each step: jobs are started so. Nothing outlives the guest.
fn command_here(argv: &[&str], deadline: Duration) -> Result<String, Failed> {
    let (program, arguments) = argv.split_first().ok_or_else(|| Failed::tool("a command without a name"))?;
    let command = || argv.join(" ");
    let spec = Spec::new(program).args(arguments).foreground();
    let spec = spec.stdout(process::Sink::Capture).stderr(process::Sink::Capture);
    let done = spec.start().map_err(|e| Failed::tool(e.to_string()))?.finish(deadline);
    let said = String::from_utf8_lossy(&done.stderr).trim().to_owned();
    let ended = match done.status {
        None => {
            let (seconds, said) = (deadline.as_secs(), edge::quoted_end(&said));
            let late = format!("{} did not end within {seconds} s: {said}", edge::quoted(&command()));
            return Err(Failed::new(Code::Deadline(Phase::Measure), late));
        }
        Some(_) if done.cut => {
            let most = LONGEST_OUTPUT >> 20;
            return Err(Failed::nonsense(format!(
                "{} wrote more than {most} MiB of output",
                edge::quoted(&command())
            )));
        }
        Some(status) if status.success() => return Ok(edge::text::text_of(done.stdout)),
        Some(status) => status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or_default()),
    };
    let (command, said) = (command(), edge::quoted_end(&said).to_string());
    Err(Failed::tool(format!("in the guest, {} ended with status {ended}: {said}", edge::quoted(&command))))
}

/// A file that could not be written.
fn full(error: io::Error, path: &str) -> Failed {
    let code = match error.kind() {
        io::ErrorKind::StorageFull => Code::GuestNoSpace,
        _ => Code::ToolFailed,
    };
    Failed::new(code, format!("writing {path}: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parameters;
    use model::{Origin, Params};

    fn job(workload: &str, set: &[(&str, &str)]) -> Job {
        let mut params = Params::new();
        let found = workload::find(workload).unwrap();
        for known in parameters::guest().chain(found.parameters()) {
            if let Some(default) = known.default {
                params.set(known.key, default, Origin::BuiltIn);
            }
        }
        for (key, value) in set {
            params.set(*key, *value, Origin::Flag("--set".into()));
        }
        let case = found.cases(&params).unwrap().remove(0);
        Job { workload: workload.into(), case: Some(case), params: params.stored(), ..Job::default() }
    }

    /// What is left in the folder for results, and the marks.
    fn carried_out(job: &Job) -> (tempfile::TempDir, String) {
        let (dir, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        std::fs::write(dir.path().join(JOB), serde_json::to_string(job).unwrap()).unwrap();
        let mut marks = Vec::new();
        carry_out(dir.path(), out.path(), &mut marks).unwrap();
        (out, String::from_utf8(marks).unwrap())
    }

    #[test]
    fn a_job_without_a_case_tells_of_the_guest() {
        let (out, marks) = carried_out(&Job::default());
        assert_eq!(marks, "");
        let text = |name: &str| std::fs::read_to_string(out.path().join(name)).unwrap();
        assert!(text(FACTS).contains("/proc/version:"));
        assert!(text(COUNTERS).lines().any(|line| line == "/proc/stat"));
        assert!(!text(RELEASE).trim().is_empty());
    }

    #[test]
    fn a_job_that_cannot_be_done_says_why_among_its_results() {
        let (out, marks) = carried_out(&job("command", &[("command", "true"), ("command_network", "yes")]));
        assert_eq!(marks, "");
        let text = std::fs::read_to_string(out.path().join(FAILURE)).unwrap();
        let failed = Failed::from(serde_json::from_str::<Told>(&text).unwrap());
        assert_eq!(failed.code, Code::ToolFailed);
        assert!(failed.reason.contains("channel=none"), "{}", failed.reason);
    }

    #[test]
    fn the_clock_is_told_as_an_agent_tells_it() {
        let timers = "Timer List Version: v0.9\nHRTIMER_MAX_CLOCK_BASES: 8\nnow at 1234 nsecs\n\ncpu: 0\n";
        assert_eq!(clock_line(timers).as_deref(), Some("now 1234\n"));
        for odd in ["", "a\nb\nnow x\n", "a\nb\nnow at x nsecs\n", "a\nb\nthen at 5 nsecs\n"] {
            assert_eq!(clock_line(odd), None, "{odd}");
        }
    }

    #[test]
    fn what_a_command_leaves_running_goes_on() {
        let dir = tempfile::tempdir().unwrap();
        let there = dir.path().join("there");
        let script = "(sleep 0.3; : > \"$1\") < /dev/null > /dev/null 2>&1 &";
        let soon = Duration::from_secs(20);
        command_here(&["sh", "-c", script, "sh", there.to_str().unwrap()], soon).unwrap();
        let until = std::time::Instant::now() + soon;
        while !there.exists() {
            assert!(std::time::Instant::now() < until, "it was ended with what started it");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    #[test]
    fn a_command_that_fails_is_told_with_its_status_and_what_it_said() {
        let soon = Duration::from_secs(20);
        assert_eq!(command_here(&["echo", "a b"], soon).unwrap(), "a b\n");
        let failed = command_here(&["sh", "-c", "echo no >&2; exit 3"], soon).unwrap_err();
        assert!(failed.reason.ends_with("ended with status 3: 'no'"), "{}", failed.reason);
        let late = command_here(&["sleep", "60"], Duration::from_millis(50)).unwrap_err();
        assert_eq!(late.code, Code::Deadline(Phase::Measure));
    }
}
