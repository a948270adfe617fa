//! Starting.

use super::Namespace;
use super::error::ProcessError;
use super::running::{Reader, Running};
use super::stop::note;
use model::CpuId;
use rustix::io::{FdFlags, fcntl_dupfd_cloexec, fcntl_setfd};
use rustix::process::{Signal, getppid, set_parent_process_death_signal};
use rustix::thread::{CpuSet, sched_setaffinity};
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsRawFd, IntoRawFd, RawFd};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, OnceLock, mpsc};

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
    inherited: Vec<Inherited>,
}

/// An open file that a child gets under a number of its own. No other child gets it.
#[derive(Clone, Debug)]
pub struct Inherited {
    file: Arc<File>,
    number: RawFd,
}

impl Inherited {
    /// A file, and the number of its descriptor in the child.
    pub fn new(file: File, number: RawFd) -> Inherited {
        Inherited { file: Arc::new(file), number }
    }

    /// Gives it to the calling process. Only for a child between fork and exec.
    fn hand_over(&self) -> io::Result<()> {
        // The first free number from the wanted one on: nothing that is open is lost, the pipe that tells of a failed exec
        // least of all.
        let copy = fcntl_dupfd_cloexec(&self.file, self.number)?;
        if copy.as_raw_fd() != self.number {
            return Err(io::Error::from(rustix::io::Errno::BUSY));
        }
        fcntl_setfd(&copy, FdFlags::empty())?;
        // It stays open for the program that is about to run.
        let _ = copy.into_raw_fd();
        Ok(())
    }
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
    pub fn open_input(mut self) -> Self {
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

    /// Open files that the child gets, beside its input and output.
    pub fn inherit(mut self, files: Vec<Inherited>) -> Self {
        self.inherited = files;
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
        let mask = cpu_mask(&self.cpus).map_err(failed)?;
        prepare_child(&mut command, mask, self.namespace.clone(), self.inherited.clone());
        let mut child = spawn_on_permanent_thread(command).map_err(failed)?;
        if !self.foreground && !note(child.id()) {
            // What was started between the order to stop and now. It was not waited for, so its id is its own.
            let _ = child.kill();
            let _ = child.wait();
            return Err(failed(io::Error::new(io::ErrorKind::Interrupted, "perfvt is being stopped")));
        }
        let stdout = child.stdout.take().map(Reader::start);
        let stderr = child.stderr.take().map(Reader::start);
        if let (Some(bytes), Some(mut pipe)) = (self.stdin, child.stdin.take_if(|_| !self.stdin_open)) {
            // A child may write before it has read everything, so nobody waits for this.
            std::thread::spawn(move || {
                // A child that does not read its input says why on standard error; the broken pipe says nothing new.
                let _ = pipe.write_all(&bytes);
            });
        }
        let stderr_file = if let Sink::File(path) = &self.stderr { Some(path.clone()) } else { None };
        Ok(Running::new(command_line, child, (stdout, stderr), stderr_file, self.foreground))
    }
}

fn stdio(sink: &Sink) -> io::Result<Stdio> {
    Ok(match sink {
        Sink::Null => Stdio::null(),
        Sink::File(path) => edge::write::create(path)?.into(),
        Sink::Capture => Stdio::piped(),
        Sink::Inherit => Stdio::inherit(),
    })
}

/// The affinity mask of a child; `None` leaves it where perfvt is.
fn cpu_mask(cpus: &[CpuId]) -> io::Result<Option<CpuSet>> {
    let mut mask = CpuSet::new();
    for cpu in cpus {
        let index = usize::try_from(cpu.0).unwrap_or(usize::MAX);
        if index >= CpuSet::MAX_CPU {
            let text = format!("CPU {cpu} is beyond the {} that can be named", CpuSet::MAX_CPU);
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        }
        mask.set(index);
    }
    Ok((!cpus.is_empty()).then_some(mask))
}

/// What the child does between fork and exec. Only system calls: the child of a threaded process must not allocate.
#[allow(unsafe_code)]
fn prepare_child(
    command: &mut Command,
    mask: Option<CpuSet>,
    namespace: Option<Arc<Namespace>>,
    inherited: Vec<Inherited>,
) {
    let parent = rustix::process::getpid();
    let in_child = move || {
        if let Some(namespace) = &namespace {
            namespace.enter()?;
        }
        if let Some(mask) = &mask {
            sched_setaffinity(None, mask)?;
        }
        for file in &inherited {
            file.hand_over()?;
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

#[cfg(test)]
mod tests {
    use super::super::run;
    use super::*;
    use std::time::Duration;

    #[test]
    fn arguments_reach_the_child_as_they_are() {
        let out =
            run(Spec::new("printf").args(["%s|", "a b", "$(id)", "; x"]), Duration::from_secs(5)).unwrap();
        assert_eq!(out, b"a b|$(id)|; x|");
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

    #[test]
    fn a_cpu_that_cannot_be_named_is_refused_and_not_left_out() {
        let error = Spec::new("true").cpus(&[CpuId(0), CpuId(70_000)]).start().unwrap_err().to_string();
        assert!(error.contains("CPU 70000 is beyond"), "{error}");
    }

    #[test]
    fn a_child_gets_an_open_file_under_the_number_it_was_promised_and_others_do_not() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"inside").unwrap();
        let listed = |spec: Spec| {
            String::from_utf8(run(spec.args(["-l", "/proc/self/fd"]), Duration::from_secs(5)).unwrap())
                .unwrap()
        };
        let given = vec![Inherited::new(file, 200)];
        assert!(listed(Spec::new("ls").inherit(given.clone())).contains(" 200 -> "));
        assert!(!listed(Spec::new("ls")).contains(" 200 -> "));
        let taken = [given.clone(), given].concat();
        let error = Spec::new("ls").inherit(taken).start().unwrap_err().to_string();
        assert!(error.contains("busy"), "{error}");
    }

    #[test]
    fn more_than_a_pipe_holds_passes_through_in_both_directions_at_once() {
        let bytes = vec![b'x'; 4 << 20];
        let out = run(Spec::new("cat").input(bytes.clone()), Duration::from_secs(20)).unwrap();
        assert!(out == bytes, "{} bytes came back", out.len());
    }
}
