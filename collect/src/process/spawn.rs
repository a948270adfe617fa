//! Starting, waiting, ending.

use super::Namespace;
use model::CpuId;
use rustix::process::{
    Pid, Signal, getppid, kill_process, kill_process_group, set_parent_process_death_signal,
};
use rustix::thread::{CpuSet, sched_setaffinity};
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, OnceLock, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// A process that could not be started, or did not do what it was started for.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// The program is not there or cannot be executed.
    #[error("starting {program}: {source}")]
    Start {
        /// The program as it was named.
        program: String,
        /// Why not.
        source: io::Error,
    },
    /// It ended with another status than 0.
    #[error("{command} ended with {status}: {stderr}")]
    Failed {
        /// The command line, for people.
        command: String,
        /// How it ended.
        status: String,
        /// The end of what it wrote to standard error.
        stderr: String,
    },
    /// It did not end in time and was killed.
    #[error("{command} did not end within {seconds} s and was killed: {stderr}")]
    Deadline {
        /// The command line, for people.
        command: String,
        /// The deadline.
        seconds: u64,
        /// The end of what it wrote to standard error.
        stderr: String,
    },
    /// Talking to it failed.
    #[error("{doing} {command}: {source}")]
    Io {
        /// What was being done.
        doing: &'static str,
        /// The command line, for people.
        command: String,
        /// Why not.
        source: io::Error,
    },
}

/// Where a child's output goes.
#[derive(Clone, Debug, Default)]
pub enum Sink {
    /// Nowhere.
    #[default]
    Null,
    /// To a new file.
    File(PathBuf),
    /// Into memory.
    Capture,
    /// Where perfvt's own output goes.
    Inherit,
}

/// What to start. A plain description: building it does nothing.
#[derive(Clone, Default)]
pub struct Spec {
    program: OsString,
    args: Vec<OsString>,
    stdin: Option<Vec<u8>>,
    stdin_open: bool,
    foreground: bool,
    stdout: Sink,
    stderr: Sink,
    cpus: Vec<CpuId>,
    namespace: Option<Arc<Namespace>>,
}

impl Spec {
    /// A program, looked up in PATH when its name has no slash.
    pub fn new(program: impl AsRef<OsStr>) -> Self {
        Spec { program: program.as_ref().to_owned(), ..Self::default() }
    }

    /// Adds one argument.
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    /// Adds arguments.
    pub fn args<S: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.args.extend(args.into_iter().map(|a| a.as_ref().to_owned()));
        self
    }

    /// What the child reads on standard input; otherwise it reads nothing.
    pub fn input(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = Some(bytes.into());
        self
    }

    /// Keeps standard input open until the [`Running`] is dropped, as a lifeline.
    pub(super) fn open_input(mut self) -> Self {
        self.stdin_open = true;
        self
    }

    /// Gives the child perfvt's own standard input and process group: a program that a person talks to.
    pub fn foreground(mut self) -> Self {
        self.foreground = true;
        self.stdout(Sink::Inherit).stderr(Sink::Inherit)
    }

    /// Where standard output goes.
    pub fn stdout(mut self, sink: Sink) -> Self {
        self.stdout = sink;
        self
    }

    /// Where standard error goes.
    pub fn stderr(mut self, sink: Sink) -> Self {
        self.stderr = sink;
        self
    }

    /// The host CPUs on which the child and its threads may run; none means all.
    pub fn cpus(mut self, cpus: &[CpuId]) -> Self {
        self.cpus = cpus.to_vec();
        self
    }

    /// The namespaces in which the child runs.
    pub fn namespace(mut self, namespace: Option<&Arc<Namespace>>) -> Self {
        self.namespace = namespace.cloned();
        self
    }

    /// The command line for people and records, not for a shell.
    pub fn command_line(&self) -> String {
        std::iter::once(&self.program)
            .chain(&self.args)
            .map(|a| a.to_string_lossy())
            .collect::<Vec<_>>()
            .join(" ")
    }

    /// Program and arguments, one by one.
    pub fn argv(&self) -> Vec<String> {
        std::iter::once(&self.program).chain(&self.args).map(|a| a.to_string_lossy().into_owned()).collect()
    }

    /// Starts it.
    pub fn start(self) -> Result<Running, ProcessError> {
        let command_line = self.command_line();
        let program = self.program.to_string_lossy().into_owned();
        let failed = |source| ProcessError::Start { program: program.clone(), source };
        let mut command = Command::new(&self.program);
        command.args(&self.args);
        if !self.foreground {
            command.process_group(0);
        }
        command.stdin(match (self.foreground, self.stdin.is_some() || self.stdin_open) {
            (true, _) => Stdio::inherit(),
            (_, true) => Stdio::piped(),
            _ => Stdio::null(),
        });
        command.stdout(stdio(&self.stdout).map_err(failed)?);
        command.stderr(stdio(&self.stderr).map_err(failed)?);
        prepare_child(&mut command, &self.cpus, self.namespace.clone());
        let mut child = spawn_on_permanent_thread(command).map_err(failed)?;
        if let (Some(bytes), Some(mut pipe)) = (self.stdin, child.stdin.take_if(|_| !self.stdin_open)) {
            // A child that does not read its input says why on standard error; the broken pipe says nothing new.
            let _ = pipe.write_all(&bytes);
        }
        let stdout = child.stdout.take().map(reader);
        let stderr = child.stderr.take().map(reader);
        let stderr_file = if let Sink::File(path) = &self.stderr { Some(path.clone()) } else { None };
        Ok(Running {
            command_line,
            child,
            stdout,
            stderr,
            stderr_file,
            status: None,
            foreground: self.foreground,
        })
    }
}

fn stdio(sink: &Sink) -> io::Result<Stdio> {
    Ok(match sink {
        Sink::Null => Stdio::null(),
        Sink::File(path) => File::create(path)?.into(),
        Sink::Capture => Stdio::piped(),
        Sink::Inherit => Stdio::inherit(),
    })
}

/// Reads a pipe to its end in the background, so that a talkative child never blocks. At most 64 MiB are kept.
fn reader(pipe: impl Read + Send + 'static) -> JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let mut pipe = pipe;
        // What was read before an error is still worth having.
        let _ = pipe.by_ref().take(64 << 20).read_to_end(&mut bytes);
        let _ = io::copy(&mut pipe, &mut io::sink());
        bytes
    })
}

/// What the child does between fork and exec. Only system calls: the child of a threaded process must not allocate.
#[allow(unsafe_code)]
fn prepare_child(command: &mut Command, cpus: &[CpuId], namespace: Option<Arc<Namespace>>) {
    let parent = rustix::process::getpid();
    let mut mask = CpuSet::new();
    for cpu in cpus.iter().filter(|c| (c.0 as usize) < CpuSet::MAX_CPU) {
        mask.set(cpu.0 as usize);
    }
    let pin = !cpus.is_empty();
    let in_child = move || {
        if let Some(namespace) = &namespace {
            namespace.enter()?;
        }
        if pin {
            sched_setaffinity(None, &mask)?;
        }
        // Last, because entering a user namespace changes credentials, and that clears the signal.
        set_parent_process_death_signal(Some(Signal::KILL))?;
        // perfvt may have died before the line above: then nobody would ever send the signal.
        if getppid() != Some(parent) {
            return Err(io::Error::from(rustix::io::Errno::SRCH));
        }
        Ok(())
    };
    // SAFETY: the closure makes system calls on descriptors that it owns and neither allocates nor locks.
    unsafe {
        command.pre_exec(in_child);
    }
}

type Job = (Command, mpsc::SyncSender<io::Result<Child>>);

fn spawn_on_permanent_thread(command: Command) -> io::Result<Child> {
    static SPAWNER: OnceLock<mpsc::Sender<Job>> = OnceLock::new();
    let spawner = SPAWNER.get_or_init(|| {
        let (jobs, queue) = mpsc::channel::<Job>();
        std::thread::spawn(move || {
            for (mut command, reply) in queue {
                // The one who asked is waiting, or is gone and does not care.
                let _ = reply.send(command.spawn());
            }
        });
        jobs
    });
    let gone = || io::Error::other("the spawning thread is gone");
    let (reply, answer) = mpsc::sync_channel(1);
    spawner.send((command, reply)).map_err(|_| gone())?;
    answer.recv().map_err(|_| gone())?
}

/// A child that was started. Dropping it kills its whole process group and waits for it.
#[derive(Debug)]
pub struct Running {
    command_line: String,
    child: Child,
    stdout: Option<JoinHandle<Vec<u8>>>,
    stderr: Option<JoinHandle<Vec<u8>>>,
    stderr_file: Option<PathBuf>,
    status: Option<ExitStatus>,
    /// It shares perfvt's own process group, which must not be signalled.
    foreground: bool,
}

/// A child that has ended.
#[derive(Debug)]
pub struct Finished {
    /// The command line, for people.
    pub command_line: String,
    /// How it ended; `None` when it was killed at its deadline.
    pub status: Option<ExitStatus>,
    /// What was captured of standard output.
    pub stdout: Vec<u8>,
    /// What was captured of standard error.
    pub stderr: Vec<u8>,
}

impl Running {
    /// Process id, which is also the id of its process group.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// How it ended, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        if self.status.is_none() {
            self.status = self.child.try_wait().ok().flatten();
        }
        self.status
    }

    /// Sends a signal to its process group, unless it has ended.
    pub fn signal(&mut self, signal: Signal) {
        if self.ended().is_none()
            && let Some(pid) = i32::try_from(self.pid()).ok().and_then(Pid::from_raw)
        {
            // It may have ended in between; then there is nobody left to tell.
            let _ = if self.foreground { kill_process(pid, signal) } else { kill_process_group(pid, signal) };
        }
    }

    /// Writes to the standard input that [`Spec::open_input`] keeps open.
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.child.stdin.as_mut().map_or(Ok(()), |pipe| pipe.write_all(bytes).and_then(|()| pipe.flush()))
    }

    /// Waits until it ends or the deadline passes; `None` means that it is still running.
    pub fn wait_until(&mut self, deadline: Instant) -> Option<ExitStatus> {
        let mut pause = Duration::from_micros(200);
        loop {
            if let Some(status) = self.ended() {
                return Some(status);
            }
            let left = deadline.checked_duration_since(Instant::now())?;
            std::thread::sleep(pause.min(left));
            pause = (pause * 2).min(Duration::from_millis(10));
        }
    }

    /// Waits until it ends, kills it at the deadline, and hands over what it wrote.
    pub fn finish(mut self, deadline: Duration) -> Finished {
        let status = self.wait_until(Instant::now() + deadline);
        self.kill();
        let text =
            |handle: Option<JoinHandle<Vec<u8>>>| handle.and_then(|h| h.join().ok()).unwrap_or_default();
        Finished {
            command_line: std::mem::take(&mut self.command_line),
            status,
            stdout: text(self.stdout.take()),
            stderr: text(self.stderr.take()),
        }
    }

    /// Kills the whole process group and waits for the child.
    pub fn kill(&mut self) {
        self.signal(Signal::KILL);
        self.child.stdin.take();
        if self.status.is_none() {
            self.status = self.child.wait().ok();
        }
    }

    /// The end of the file that standard error goes to.
    pub fn stderr_tail(&self) -> String {
        self.stderr_file.as_deref().map(tail).unwrap_or_default()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The last 2000 bytes of a file as text; empty when it cannot be read.
pub fn tail(path: &Path) -> String {
    let bytes = std::fs::read(path).unwrap_or_default();
    let start = bytes.len().saturating_sub(2000);
    String::from_utf8_lossy(bytes.get(start..).unwrap_or_default()).trim().to_owned()
}

impl Finished {
    /// Standard output of a command that ended with status 0.
    pub fn into_output(self, deadline: Duration) -> Result<Vec<u8>, ProcessError> {
        let stderr = String::from_utf8_lossy(&self.stderr).trim().to_owned();
        match self.status {
            Some(status) if status.success() => Ok(self.stdout),
            Some(status) => Err(ProcessError::Failed {
                command: self.command_line,
                status: match (status.code(), status.signal()) {
                    (Some(code), _) => format!("status {code}"),
                    (None, Some(signal)) => format!("signal {signal}"),
                    (None, None) => "an unknown status".into(),
                },
                stderr,
            }),
            None => Err(ProcessError::Deadline {
                command: self.command_line,
                seconds: deadline.as_secs(),
                stderr,
            }),
        }
    }
}

/// Runs a command to its end and gives its standard output; any other end than status 0 is an error.
pub fn run(spec: Spec, deadline: Duration) -> Result<Vec<u8>, ProcessError> {
    spec.stdout(Sink::Capture).stderr(Sink::Capture).start()?.finish(deadline).into_output(deadline)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_reach_the_child_as_they_are() {
        let out =
            run(Spec::new("printf").args(["%s|", "a b", "$(id)", "; x"]), Duration::from_secs(5)).unwrap();
        assert_eq!(out, b"a b|$(id)|; x|");
    }

    #[test]
    fn a_child_that_does_not_end_is_killed_at_its_deadline() {
        let start = Instant::now();
        let error = run(Spec::new("sleep").arg("100"), Duration::from_millis(100)).unwrap_err();
        assert!(matches!(error, ProcessError::Deadline { .. }), "{error}");
        assert!(start.elapsed() < Duration::from_secs(5));
    }

    #[test]
    fn a_failing_child_is_quoted() {
        let error = run(Spec::new("ls").arg("/nonexistent-for-perfvt"), Duration::from_secs(5)).unwrap_err();
        assert!(error.to_string().contains("nonexistent-for-perfvt"), "{error}");
    }

    #[test]
    fn a_dropped_child_is_gone_with_its_own_children() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("pid");
        let shell =
            Spec::new("sh").args(["-c", "sleep 1000 & echo $!; sleep 1000"]).stdout(Sink::File(file.clone()));
        let running = shell.start().unwrap();
        let deadline = Instant::now() + Duration::from_secs(5);
        while !std::fs::read_to_string(&file).unwrap_or_default().ends_with('\n') && Instant::now() < deadline
        {
            std::thread::sleep(Duration::from_millis(2));
        }
        let grandchild = format!("/proc/{}/stat", std::fs::read_to_string(&file).unwrap().trim());
        assert!(Path::new(&grandchild).exists());
        drop(running);
        // Nobody waits for an orphan at once in every container: a zombie is gone enough.
        let gone = || std::fs::read_to_string(&grandchild).map_or(true, |stat| stat.contains(") Z "));
        while !gone() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(2));
        }
        assert!(gone());
    }

    #[test]
    fn input_reaches_the_child_and_a_missing_program_is_named() {
        assert_eq!(run(Spec::new("cat").input("hello"), Duration::from_secs(5)).unwrap(), b"hello");
        let error = Spec::new("no-such-program-of-perfvt").start().unwrap_err().to_string();
        assert!(error.starts_with("starting no-such-program-of-perfvt: "), "{error}");
    }

    #[test]
    fn a_child_runs_on_the_cpus_it_was_given() {
        let out =
            run(Spec::new("cat").arg("/proc/self/status").cpus(&[CpuId(0)]), Duration::from_secs(5)).unwrap();
        let text = String::from_utf8(out).unwrap();
        let list = text.lines().find_map(|l| l.strip_prefix("Cpus_allowed_list:")).unwrap();
        assert_eq!(list.trim(), "0");
    }
}
