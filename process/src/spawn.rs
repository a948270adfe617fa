//! Starting.

use super::Namespace;
use super::child::{self, Step};
use super::error::ProcessError;
use super::inherited::Inherited;
use super::rules::Rules;
use super::running::{Reader, Running};
use super::stop::note;
use super::strangers;
use super::user::User;
use model::CpuId;
use rustix::thread::CpuSet;
use std::ffi::{OsStr, OsString};
use std::io::{self, Write};
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
    user: Option<User>,
    rules: Option<Arc<Rules>>,
    environment: Vec<(OsString, OsString)>,
    dir: Option<PathBuf>,
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

    /// The user that the child is, instead of root. It keeps no right of root's.
    pub fn user(mut self, user: Option<&User>) -> Self {
        self.user = user.cloned();
        self
    }

    /// What the child may open by itself; none means all that its user may.
    pub fn rules(mut self, rules: Option<&Arc<Rules>>) -> Self {
        self.rules = rules.cloned();
        self
    }

    /// A variable of the child's environment, beside perfvt's own.
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.environment.push((name.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }

    /// The folder in which the child begins.
    pub fn in_folder(mut self, dir: impl Into<PathBuf>) -> Self {
        self.dir = Some(dir.into());
        self
    }

    /// What the child does before it becomes the program.
    fn steps(&self) -> io::Result<Arc<[Step]>> {
        let namespace = self.namespace.clone().map(|namespace| match self.user {
            // Users of this host have no number in a user namespace of perfvt's own.
            Some(_) => Step::EnterNetwork(namespace),
            None => Step::Enter(namespace),
        });
        let mut steps = Vec::from_iter(namespace);
        steps.extend(cpu_mask(&self.cpus)?.map(Step::Cpus));
        if self.user.is_some() || self.rules.is_some() {
            steps.push(Step::ShutOut(strangers::inherited()));
        }
        // While it still has the rights to open them.
        steps.extend(self.inherited.iter().cloned().map(Step::Inherit));
        steps.extend(self.user.clone().map(Step::Become));
        steps.extend(self.rules.clone().map(Step::Keep));
        // Last, because a change of credentials, which entering a user namespace is as well, clears the signal.
        steps.push(Step::DieWith(rustix::process::getpid()));
        Ok(steps.into())
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
        command.args(&self.args).envs(self.environment.iter().map(|(name, value)| (name, value)));
        if let Some(dir) = &self.dir {
            command.current_dir(dir);
        }
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
        let steps = self.steps().map_err(failed)?;
        child::prepare(&mut command, &steps);
        let mut child =
            spawn_on_permanent_thread(command).map_err(|error| failed(child::told(error, &steps)))?;
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
        assert!(error.contains(" over as descriptor 200: ") && error.contains("busy"), "{error}");
    }

    #[test]
    fn a_child_of_roots_is_somebody_else_and_keeps_no_right() {
        if !rustix::process::geteuid().is_root() {
            return testing::skip("only root can change its user");
        }
        let user = User::unused().unwrap();
        let status = Spec::new("cat").arg("/proc/self/status").user(Some(&user));
        let out = String::from_utf8(run(status, Duration::from_secs(5)).unwrap()).unwrap();
        let of = |name: &str| out.lines().find_map(|line| line.strip_prefix(name)).unwrap().trim().to_owned();
        let uid = user.uid().to_string();
        for ids in ["Uid:", "Gid:"] {
            assert_eq!(of(ids).split_whitespace().collect::<Vec<_>>(), [&uid; 4], "{out}");
        }
        assert_eq!((of("Groups:").as_str(), of("CapEff:").as_str()), ("", "0000000000000000"));
    }

    #[test]
    fn a_step_that_fails_before_the_program_runs_says_which_it_was() {
        let tap = Spec::new("true").inherit(vec![Inherited::tap("no/such", false, 200)]);
        let error = tap.start().unwrap_err().to_string();
        assert!(error.starts_with("starting true: opening the tap no/such (/dev/net/tun): "), "{error}");
    }

    #[test]
    fn more_than_a_pipe_holds_passes_through_in_both_directions_at_once() {
        let bytes = vec![b'x'; 4 << 20];
        let out = run(Spec::new("cat").input(bytes.clone()), Duration::from_secs(20)).unwrap();
        assert!(out == bytes, "{} bytes came back", out.len());
    }
}
