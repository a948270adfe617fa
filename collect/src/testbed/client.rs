//! Clients of a workload: processes on the host, and jobs in the client's guest.

use super::failures::{odd, of_client};
use crate::lab::{Client, Failed};
use model::{Code, CpuId, Scope};
use process::{LONGEST_OUTPUT, Namespace, Running, Sink, Spec};
use rustix::process::Signal;
use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};
use vm::guest::image::Cache;
use vm::guest::job::{JobRequest, Standing};
use vm::guest::machine::{GuestError, Machine};

/// A client process on the host.
struct HostClient {
    running: Running,
    outputs: [PathBuf; 2],
}

/// What is said of a client that was killed because its files grew too large; a host's disk is no place for what a server in
/// a guest makes a client say.
pub(super) fn flooding(outputs: &[PathBuf; 2]) -> Option<String> {
    let lengths = outputs.iter().filter_map(|path| Some(std::fs::metadata(path).ok()?.len()));
    let is_much = lengths.sum::<u64>() > LONGEST_OUTPUT as u64;
    is_much.then(|| format!("SIGKILL, because it wrote more than {} MiB of output", LONGEST_OUTPUT >> 20))
}

impl Client for HostClient {
    fn ended(&mut self) -> Option<Result<(), String>> {
        use std::os::unix::process::ExitStatusExt;
        if let Some(how) = flooding(&self.outputs) {
            self.running.kill();
            return Some(Err(how));
        }
        self.running.ended().map(|status| match (status.code(), status.signal()) {
            (Some(0), _) => Ok(()),
            (Some(code), _) => Err(format!("status {code}")),
            (None, signal) => Err(format!("signal {}", signal.unwrap_or_default())),
        })
    }

    fn signal(&mut self, signal: Signal) {
        self.running.signal(signal);
    }

    fn took(&mut self) -> Option<Duration> {
        self.running.took()
    }
}

/// A command on the host. A program out of a downloaded package finds the libraries of those beside it.
fn host_command(cache: &Cache, argv: &[String]) -> Result<Spec, Failed> {
    let (program, args) = argv.split_first().ok_or_else(|| Failed::tool("an empty command"))?;
    let packages = cache.packages_dir();
    if !Path::new(program).starts_with(packages) {
        return Ok(Spec::new(program).args(args));
    }
    let mut folders = Vec::new();
    for entry in std::fs::read_dir(packages).into_iter().flatten().flatten() {
        let of_package = LIBRARIES.iter().map(|folder| entry.path().join(folder));
        folders.extend(of_package.filter(|f| f.is_dir()).map(|f| f.display().to_string()));
    }
    folders.sort();
    let libraries = format!("LD_LIBRARY_PATH={}", folders.join(":"));
    Ok(Spec::new("env").arg(libraries).args(argv))
}

/// Where a client runs that is a process of this host.
pub(super) struct HostPlace<'a> {
    /// Where tools are looked for.
    pub(super) cache: &'a Cache,
    /// The CPUs that it may use; none means all.
    pub(super) cpus: &'a [CpuId],
    /// Its namespaces, where they are not perfvt's.
    pub(super) namespace: Option<&'a Arc<Namespace>>,
}

impl HostPlace<'_> {
    /// Starts a client there; what it writes goes to the files.
    pub(super) fn start(
        &self,
        argv: &[String],
        stdout: &Path,
        stderr: &Path,
    ) -> Result<Box<dyn Client>, Failed> {
        let mut running = host_command(self.cache, argv)?
            .cpus(self.cpus)
            .namespace(self.namespace)
            .stdout(Sink::File(stdout.to_owned()))
            .stderr(Sink::File(stderr.to_owned()))
            .start()
            .map_err(|e| Failed::new(Code::Host, e.to_string()))?;
        running.time();
        let outputs = [stdout.to_owned(), stderr.to_owned()];
        Ok(Box::new(HostClient { running, outputs }))
    }
}

/// Where packages keep libraries.
const LIBRARIES: [&str; 2] = ["usr/lib/x86_64-linux-gnu", "lib/x86_64-linux-gnu"];

/// The guest in which clients run, shared by the lab and the clients.
pub(super) type Shared = Rc<RefCell<ClientGuest>>;

/// How often the guest is asked how its jobs stand. Asking costs it some processes; nobody asks during a window.
const ASKED: Duration = Duration::from_millis(100);
/// Where jobs keep their files in the guest.
const JOBS: &str = "/run/perfvt-jobs";

/// A guest that runs clients.
pub(super) struct ClientGuest {
    /// `None` once it has been ended.
    pub(super) machine: Option<Machine>,
    jobs: Vec<Job>,
    asked: Option<Instant>,
    /// Why it cannot be used any more. A client's end has room for a sentence alone.
    broken: Option<Failed>,
}

struct Job {
    stdout: PathBuf,
    stderr: PathBuf,
    ended: Option<Result<(), String>>,
    took: Option<Duration>,
}

impl ClientGuest {
    pub(super) fn new(machine: Machine) -> Shared {
        Rc::new(RefCell::new(ClientGuest {
            machine: Some(machine),
            jobs: Vec::new(),
            asked: None,
            broken: None,
        }))
    }

    fn job(&mut self, request: &JobRequest<'_>) -> Result<Vec<Standing>, GuestError> {
        let machine = self.machine.as_mut().ok_or_else(|| odd("the client's guest has been ended"))?;
        machine.job(request, machine.soon())
    }

    /// How the guest died or fell silent, if it has.
    pub(super) fn death(&mut self) -> Option<Failed> {
        let death = self.machine.as_mut().and_then(Machine::death);
        death.or_else(|| self.broken.clone())
    }

    /// Asks how all jobs stand that have not ended, and copies what they wrote.
    fn ask(&mut self) -> Result<(), GuestError> {
        let asked = self.ask_guest();
        if let Err(error) = &asked {
            self.broken = Some(error.failure()).filter(|failure| failure.scope() == Scope::Guest);
        }
        asked
    }

    fn ask_guest(&mut self) -> Result<(), GuestError> {
        if self.asked.is_some_and(|at| at.elapsed() < ASKED) {
            return Ok(());
        }
        let open: Vec<usize> = (0..self.jobs.len()).filter(|i| self.is_open(*i)).collect();
        let dirs: Vec<String> = open.iter().map(|i| job_dir(*i)).collect();
        let jobs: Vec<&str> = dirs.iter().map(String::as_str).collect();
        let standings = self.job(&JobRequest::Poll { jobs: &jobs })?;
        for (index, Standing { heading, stdout, stderr }) in open.into_iter().zip(standings) {
            let Some(job) = self.jobs.get_mut(index) else { continue };
            let kept = edge::write::write(&job.stdout, stdout)
                .and_then(|()| edge::write::write(&job.stderr, stderr));
            job.took = heading.took;
            job.ended = match (heading.status, kept) {
                (_, Err(error)) => Some(Err(format!("writing {}: {error}", job.stdout.display()))),
                (None, _) => None,
                (Some(0), _) => Some(Ok(())),
                (Some(code), _) => Some(Err(format!("status {code}"))),
            };
        }
        self.asked = Some(Instant::now());
        Ok(())
    }

    fn is_open(&self, index: usize) -> bool {
        self.jobs.get(index).is_some_and(|job| job.ended.is_none())
    }
}

fn job_dir(index: usize) -> String {
    format!("{JOBS}/{index}")
}

/// Starts a client in the client's guest; what it writes is copied to the files whenever somebody asks how it stands.
pub(super) fn start_in_guest(
    guest: &Shared,
    argv: &[String],
    stdout: &Path,
    stderr: &Path,
) -> Result<Box<dyn Client>, Failed> {
    let mut inner = guest.borrow_mut();
    let index = inner.jobs.len();
    let dir = job_dir(index);
    let words: Vec<&str> = argv.iter().map(String::as_str).collect();
    let request = JobRequest::Start { job: &dir, argv: &words, server: false };
    inner.job(&request).map_err(of_client)?;
    for path in [stdout, stderr] {
        edge::write::write(path, "")
            .map_err(|e| Failed::new(Code::Host, format!("writing {}: {e}", path.display())))?;
    }
    inner.jobs.push(Job { stdout: stdout.to_owned(), stderr: stderr.to_owned(), ended: None, took: None });
    drop(inner);
    Ok(Box::new(GuestJob { guest: Rc::clone(guest), index }))
}

/// A client in the client's guest.
struct GuestJob {
    guest: Shared,
    index: usize,
}

impl Client for GuestJob {
    fn ended(&mut self) -> Option<Result<(), String>> {
        let mut guest = self.guest.borrow_mut();
        if guest.is_open(self.index)
            && let Err(error) = guest.ask()
        {
            return Some(Err(format!("asking the client's guest: {error}")));
        }
        guest.jobs.get(self.index).and_then(|job| job.ended.clone())
    }

    fn took(&mut self) -> Option<Duration> {
        self.guest.borrow().jobs.get(self.index).and_then(|job| job.took)
    }

    fn signal(&mut self, signal: Signal) {
        let mut guest = self.guest.borrow_mut();
        if guest.is_open(self.index) {
            let (number, dir) = (signal.as_raw().to_string(), job_dir(self.index));
            // A job that has ended meanwhile needs no signal; a guest that is dead is found by whoever asks next.
            let _ = guest.job(&JobRequest::Signal { job: &dir, signal: &number });
            guest.asked = None;
        }
    }
}

impl Drop for GuestJob {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::process::{Pid, kill_process};
    use vm::guest::channel::qga::pretend::agent;
    use vm::guest::machine::pretend::pretended;
    use vm::guest::os::Os;

    #[test]
    fn a_client_whose_guest_is_stopped_fails_because_of_its_guest() {
        let dir = tempfile::tempdir().unwrap();
        let (channel, _seen) = agent(Os::Linux, |_, _| None);
        let machine = pretended(dir.path(), Box::new(channel), Os::Linux);
        kill_process(Pid::from_raw(machine.pid() as i32).unwrap(), Signal::STOP).unwrap();
        let guest = ClientGuest::new(machine);
        let (stdout, stderr) = (dir.path().join("out"), dir.path().join("err"));
        guest.borrow_mut().jobs.push(Job { stdout, stderr, ended: None, took: None });
        let mut client = GuestJob { guest: Rc::clone(&guest), index: 0 };
        let end = client.ended().unwrap().unwrap_err();
        assert!(end.contains("QEMU was stopped (SIGSTOP)"), "{end}");
        // The workload hands on a sentence; whoever judges it asks the guest.
        guest.borrow_mut().machine = None;
        assert_eq!(guest.borrow_mut().death().unwrap().code, Code::Hang);
    }

    #[test]
    fn a_client_that_fills_the_hosts_disk_is_ended() {
        let dir = tempfile::tempdir().unwrap();
        let (out, err) = (dir.path().join("out"), dir.path().join("err"));
        let running = Spec::new("sh")
            .args(["-c", "head -c 70000000 /dev/zero; exec sleep 1000"])
            .stdout(Sink::File(out.clone()))
            .start()
            .unwrap();
        let mut client = HostClient { running, outputs: [out, err] };
        let begun = Instant::now();
        let end = loop {
            match client.ended() {
                Some(end) => break end,
                None => assert!(begun.elapsed() < Duration::from_secs(60)),
            }
            std::thread::sleep(Duration::from_millis(10));
        };
        assert_eq!(end.unwrap_err(), "SIGKILL, because it wrote more than 64 MiB of output");
        assert!(client.running.ended().is_some());
    }
}
