//! A profiler on the host: perf, or a program of the user's. It looks at the processes of QEMU.

use crate::lab::Failed;
use crate::parse::Profiler;
use edge::quoted_end;
use formats::folded::Folded;
use model::Code;
use process::deadlines::{HOST_ANSWER, PROFILE};
use process::{PrivateFolder, Running, Sink, Spec, private_folder};
use rustix::process::Signal;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Samples a second and CPU. Odd, so that it does not go in step with what happens a hundred times a second.
pub(super) const RATE: &str = "99";
/// What perf writes.
const DATA: &str = "perf.data";
/// How long a command may take until it has made its file, and how often that is looked for.
const PATIENCE: Duration = Duration::from_secs(1);
const LOOK: Duration = Duration::from_millis(5);
/// Addresses of a server of debug information, which perf would ask over the network.
const DEBUGINFOD: &str = "DEBUGINFOD_URLS";

/// A profiler that looks.
pub(super) struct Outside {
    running: Running,
    folder: PrivateFolder,
    /// Whose standard output is stacks; otherwise perf, which wrote a file.
    by_command: bool,
}

/// One that has ended.
pub(super) struct Ended {
    stdout: Vec<u8>,
    folder: PrivateFolder,
    by_command: bool,
}

fn of_host(doing: &str, error: impl std::fmt::Display) -> Failed {
    Failed::new(Code::Host, format!("{doing}: {error}"))
}

/// perf's own command line: software's clock, because a host may have no counters to share.
pub(super) fn record<'a>(of: &[&'a str], to: &'a str) -> Vec<&'a str> {
    let how = ["record", "-F", RATE, "-e", "cpu-clock", "-g", "-k", "CLOCK_MONOTONIC", "-o", to];
    [&how[..], of].concat()
}

/// What prints its samples as [`Folded::of_perf`] reads them. Names of inlined functions would take minutes.
pub(super) fn script(of: &str) -> Vec<&str> {
    vec!["script", "-i", of, "--ns", "--no-inline", "-F", "comm,tid,time,ip,sym"]
}

impl Outside {
    /// Starts a profiler for QEMU's processes.
    pub(super) fn start(
        profiler: &Profiler,
        processes: &[(String, u32)],
        case: &str,
    ) -> Result<Outside, Failed> {
        let folder = private_folder().map_err(|e| of_host("creating a folder for a profile", e))?;
        let data = folder.path().join(DATA);
        let pids: Vec<String> = processes.iter().map(|(_, pid)| pid.to_string()).collect();
        let (spec, by_command) = match profiler {
            Profiler::Perf => {
                let (all, to) = (pids.join(","), data.display().to_string());
                (Spec::new("perf").args(record(&["-p", &all], &to)).stdout(Sink::Null), false)
            }
            Profiler::Command(words) => {
                let (program, arguments) =
                    words.split_first().ok_or_else(|| Failed::tool("profiler: a command without words"))?;
                let names: Vec<&str> = processes.iter().map(|(name, _)| name.as_str()).collect();
                let spec = Spec::new(program)
                    .args(arguments)
                    .env("PERFVT_PID", pids.first().map_or("", String::as_str))
                    .env("PERFVT_PIDS", pids.join(" "))
                    .env("PERFVT_GUESTS", names.join(" "))
                    .env("PERFVT_CASE", case)
                    .env("PERFVT_OUTPUT", &data)
                    .stdout(Sink::Capture);
                (spec, true)
            }
        };
        let running = spec.env(DEBUGINFOD, "").stderr(Sink::Capture).start();
        let running = running.map_err(|error| Failed::tool(format!("profiler: {error}")))?;
        let mut outside = Outside { running, folder, by_command };
        outside.wait_until_it_looks(&data);
        Ok(outside)
    }

    /// perf makes its file when it is about to look, and takes signals by then. A command may tell in the same way that it does.
    fn wait_until_it_looks(&mut self, data: &Path) {
        let until = Instant::now() + if self.by_command { PATIENCE } else { HOST_ANSWER };
        while !data.exists() && self.running.ended().is_none() && Instant::now() < until {
            std::thread::sleep(LOOK);
        }
    }

    /// Tells it to end, and waits until it has written down what it saw.
    pub(super) fn stop(mut self) -> Result<Ended, Failed> {
        self.running.signal(Signal::INT);
        let done = self.running.finish(PROFILE);
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        let (folder, by_command) = (self.folder, self.by_command);
        let wrote = std::fs::metadata(folder.path().join(DATA)).is_ok_and(|file| file.len() > 0);
        let good = match done.status {
            // perf ends by the signal that it was sent, when it has written its file.
            Some(status) if by_command => status.success(),
            Some(_) => wrote,
            None => false,
        };
        if !good {
            let how = done.status.map_or_else(
                || format!("had not ended after {} s, and was killed", PROFILE.as_secs()),
                |status| format!("ended with {status}"),
            );
            return Err(Failed::tool(format!("{} {how}: {}", done.command_line, quoted_end(&said))));
        }
        Ok(Ended { stdout: done.stdout, folder, by_command })
    }
}

impl Ended {
    /// Its stacks: of perf's those within the window, by the host's monotonic clock.
    pub(super) fn folded(self, window: (u64, u64)) -> Result<Folded, Failed> {
        if self.by_command {
            let folded = Folded::read(&self.stdout);
            return match (folded.samples(), folded.lost) {
                (0, lost @ 1..) => Err(Failed::nonsense(format!(
                    "the profiler printed {lost} lines, and none is a stack: frames with semicolons between them, a space, \
                     a number"
                ))),
                _ => Ok(folded),
            };
        }
        let data: PathBuf = self.folder.path().join(DATA);
        Ok(Folded::of_perf(&printed(&data)?, Some(window)))
    }
}

/// What `perf script` prints of a file.
fn printed(data: &Path) -> Result<Vec<u8>, Failed> {
    let file = data.display().to_string();
    let spec = Spec::new("perf").args(script(&file)).env(DEBUGINFOD, "");
    let running = spec.stdout(Sink::Capture).stderr(Sink::Capture).start();
    let done = running.map_err(|error| Failed::tool(format!("profiler: {error}")))?.finish(PROFILE);
    match done.status {
        Some(status) if status.success() => Ok(done.stdout),
        _ => {
            let said = String::from_utf8_lossy(&done.stderr).into_owned();
            Err(Failed::tool(format!("perf script did not come to its end: {}", quoted_end(&said))))
        }
    }
}
