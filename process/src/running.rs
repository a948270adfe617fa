//! Waiting, ending, and what was written.

use super::error::{LONGEST_OUTPUT, ProcessError};
use super::stop::{forget, note_struck};
use rustix::io::Errno;
use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, WaitIdStatus, kill_process, kill_process_group, waitid,
};
use std::io::{self, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, mpsc};
use std::time::{Duration, Instant};

/// How long output may still come after everything was killed. Only a process that has left the group can hold a pipe
/// open that long.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// What was read, and whether there was more.
#[derive(Debug, Default)]
struct Kept {
    bytes: Vec<u8>,
    cut: bool,
}

/// Reads a pipe to its end in the background, so that a talkative child never blocks.
#[derive(Debug)]
pub(super) struct Reader {
    kept: Arc<Mutex<Kept>>,
    /// Closed when the pipe has ended.
    end: mpsc::Receiver<()>,
}

impl Reader {
    pub(super) fn start(mut pipe: impl Read + Send + 'static) -> Reader {
        let (open, end) = mpsc::channel();
        let shared = Arc::new(Mutex::new(Kept::default()));
        let kept = Arc::clone(&shared);
        std::thread::spawn(move || {
            let _open: mpsc::Sender<()> = open;
            let mut buffer = vec![0; 65_536];
            loop {
                match pipe.read(&mut buffer) {
                    Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                    // What was read before an error is still worth having.
                    Ok(0) | Err(_) => return,
                    Ok(n) => {
                        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                        let room = n.min(LONGEST_OUTPUT.saturating_sub(kept.bytes.len()));
                        kept.cut |= room < n;
                        kept.bytes.extend_from_slice(buffer.get(..room).unwrap_or_default());
                    }
                }
            }
        });
        Reader { kept: shared, end }
    }

    /// What has been read when the pipe ends, or at `until`.
    fn take(self, until: Instant) -> Kept {
        // Nothing is ever sent: the sender's end is the pipe's.
        let _ = self.end.recv_timeout(until.saturating_duration_since(Instant::now()));
        std::mem::take(&mut self.kept.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// How long a thread that notes an end may take to wake up.
const AWAKE: Duration = Duration::from_millis(200);

/// A child that was started. Dropping it kills its whole process group and waits for it.
#[derive(Debug)]
pub struct Running {
    command_line: String,
    child: Child,
    stdout: Option<Reader>,
    stderr: Option<Reader>,
    stderr_file: Option<PathBuf>,
    status: Option<ExitStatus>,
    /// The kernel may have given its id to another process since: it must not be signalled any more.
    reaped: bool,
    /// It shares perfvt's own process group, which must not be signalled.
    foreground: bool,
    /// It was signalled from here.
    signalled: bool,
    /// How long it ran, for those who asked for it.
    took: Option<Arc<OnceLock<Duration>>>,
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
    /// It wrote more than [`LONGEST_OUTPUT`], and the rest is lost.
    pub cut: bool,
}

impl Running {
    pub(super) fn new(
        command_line: String,
        child: Child,
        (stdout, stderr): (Option<Reader>, Option<Reader>),
        stderr_file: Option<PathBuf>,
        foreground: bool,
    ) -> Running {
        Running {
            command_line,
            child,
            stdout,
            stderr,
            stderr_file,
            status: None,
            reaped: false,
            foreground,
            signalled: false,
            took: None,
        }
    }

    /// Process id, which is also the id of its process group.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    fn id(&self) -> Option<Pid> {
        i32::try_from(self.pid()).ok().and_then(Pid::from_raw)
    }

    /// How it ended, if it has. It is only looked at: until [`Running::kill`] it keeps its id, and with it that of its
    /// process group, so that what it left behind can still be ended.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        if self.status.is_none()
            && let Some(pid) = self.id()
        {
            let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
            self.status = waitid(WaitId::Pid(pid), look).ok().flatten().map(|s| exit_status(&s));
            if let Some(signal) = self.status.and_then(|s| s.signal()).filter(|_| !self.signalled) {
                note_struck(signal);
            }
        }
        self.status
    }

    /// Measures how long it runs from now on: a thread waits for its end and notes the time.
    pub fn time(&mut self) {
        let (took, begun) = (Arc::new(OnceLock::new()), Instant::now());
        let Some(pid) = self.id() else { return };
        self.took = Some(Arc::clone(&took));
        // Without a thread there is no time; whoever asks has to do with that of his own looks.
        let _ = std::thread::Builder::new().name("perfvt-time".into()).spawn(move || {
            // It keeps its id: it is looked at, and not reaped.
            let look = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
            while let Err(Errno::INTR) = waitid(WaitId::Pid(pid), look) {}
            let _ = took.set(begun.elapsed());
        });
    }

    /// How long it ran since [`Running::time`], once it has ended.
    pub fn took(&mut self) -> Option<Duration> {
        self.ended()?;
        let took = self.took.clone()?;
        // The thread wakes at the same end as whoever has just seen it, and is perhaps the later one.
        let until = Instant::now() + AWAKE;
        while took.get().is_none() && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(1));
        }
        took.get().copied()
    }

    /// Sends a signal to its process group, unless it has ended.
    pub fn signal(&mut self, signal: Signal) {
        if self.ended().is_none() {
            self.send(signal);
        }
    }

    fn send(&mut self, signal: Signal) {
        if let Some(pid) = self.id().filter(|_| !self.reaped) {
            self.signalled = true;
            // All of them may have ended by now; then there is nobody left to tell.
            let _ = if self.foreground { kill_process(pid, signal) } else { kill_process_group(pid, signal) };
        }
    }

    /// Writes to the standard input that [`super::Spec::open_input`] keeps open.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
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

    /// Waits until it ends or the deadline passes, kills what is left of its group, and hands over what was written.
    pub fn finish(mut self, deadline: Duration) -> Finished {
        let status = self.wait_until(Instant::now() + deadline);
        self.kill();
        let until = Instant::now() + LAST_WORDS;
        let kept = |reader: Option<Reader>| reader.map(|r| r.take(until)).unwrap_or_default();
        let (stdout, stderr) = (kept(self.stdout.take()), kept(self.stderr.take()));
        Finished {
            command_line: std::mem::take(&mut self.command_line),
            status,
            cut: stdout.cut || stderr.cut,
            stdout: stdout.bytes,
            stderr: stderr.bytes,
        }
    }

    /// Kills the whole process group, also when the child itself has ended, and waits for the child.
    pub fn kill(&mut self) {
        // The child has not been waited for, so the group's id is still its own.
        self.send(Signal::KILL);
        self.child.stdin.take();
        if !self.reaped {
            forget(self.pid());
            let status = self.child.wait().ok();
            self.status = self.status.or(status);
            self.reaped = true;
        }
    }

    /// The end of the file that standard error goes to.
    pub fn stderr_tail(&self) -> String {
        self.stderr_file.as_deref().map(tail).unwrap_or_default()
    }
}

/// The same thing as wait(2) would have said it.
fn exit_status(status: &WaitIdStatus) -> ExitStatus {
    let core = if status.dumped() { 0x80 } else { 0 };
    ExitStatus::from_raw(match (status.exit_status(), status.terminating_signal()) {
        (_, Some(signal)) => signal | core,
        (code, None) => (code.unwrap_or_default() & 0xff) << 8,
    })
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The last 2000 bytes of a file as text; empty when it cannot be read.
pub fn tail(path: &Path) -> String {
    String::from_utf8_lossy(&edge::read::tail(path, 2000).unwrap_or_default()).trim().to_owned()
}

impl Finished {
    /// Standard output of a command that ended with status 0.
    pub fn into_output(self, deadline: Duration) -> Result<Vec<u8>, ProcessError> {
        let stderr = String::from_utf8_lossy(&self.stderr).trim().to_owned();
        match self.status {
            Some(_) if self.cut => Err(ProcessError::TooMuch { command: self.command_line }),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Sink, Spec, run};

    /// What comes at once, on a machine that does much else.
    const SOON: Duration = Duration::from_secs(60);

    #[test]
    fn a_child_that_does_not_end_is_killed_at_its_deadline() {
        let start = Instant::now();
        let error = run(Spec::new("sleep").arg("100"), Duration::from_millis(100)).unwrap_err();
        assert!(matches!(error, ProcessError::Deadline { .. }), "{error}");
        assert!(start.elapsed() < SOON);
    }

    #[test]
    fn the_time_of_a_child_is_not_that_of_whoever_looks() {
        let once = || {
            let mut running = Spec::new("sleep").arg("0.05").start().unwrap();
            running.time();
            std::thread::sleep(Duration::from_millis(700));
            running.took()
        };
        // The best of several: whoever notes the end may be late on a machine that does much else.
        let own = Duration::from_millis(40)..Duration::from_millis(500);
        assert!((0..10).any(|_| once().is_some_and(|took| own.contains(&took))));
        let mut running = Spec::new("sleep").arg("1000").start().unwrap();
        running.time();
        assert_eq!(running.took(), None, "it has not ended");
        let mut untimed = Spec::new("true").start().unwrap();
        while untimed.ended().is_none() {}
        assert_eq!(untimed.took(), None);
    }

    #[test]
    fn output_that_is_cut_off_is_never_taken_for_all_of_it() {
        let large = Spec::new("head").args(["-c", "70000000", "/dev/zero"]);
        let error = run(large, Duration::from_secs(30)).unwrap_err();
        assert_eq!(error.to_string(), "head -c 70000000 /dev/zero wrote more than 64 MiB of output");
    }

    #[test]
    fn a_child_that_was_ended_from_outside_is_told_from_one_that_perfvt_ended() {
        let end = |from_here: bool| {
            let mut running = Spec::new("sleep").arg("1000").start().unwrap();
            if from_here {
                running.signal(Signal::TERM);
            } else {
                kill_process(running.id().unwrap(), Signal::TERM).unwrap();
            }
            running.wait_until(Instant::now() + SOON).unwrap();
            running.signalled
        };
        assert!(end(true) && !end(false));
        assert!(super::super::struck_within(SOON));
    }

    #[test]
    fn a_failing_child_is_quoted() {
        let error = run(Spec::new("ls").arg("/nonexistent-for-perfvt"), SOON).unwrap_err();
        assert!(error.to_string().contains("nonexistent-for-perfvt"), "{error}");
    }

    #[test]
    fn a_dropped_child_is_gone_with_its_own_children() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("pid");
        let shell =
            Spec::new("sh").args(["-c", "sleep 1000 & echo $!; sleep 1000"]).stdout(Sink::File(file.clone()));
        let running = shell.start().unwrap();
        let grandchild = printed_pid(&file);
        assert!(Path::new(&format!("/proc/{grandchild}")).exists());
        drop(running);
        assert!(goes(&grandchild));
    }

    /// The process id that a shell printed to a file, once it is there.
    fn printed_pid(file: &Path) -> String {
        let deadline = Instant::now() + SOON;
        loop {
            let text = std::fs::read_to_string(file).unwrap_or_default();
            if text.ends_with('\n') {
                return text.trim().to_owned();
            }
            assert!(Instant::now() < deadline, "nothing was printed");
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Whether a process is gone, or soon is. Nobody waits for an orphan at once in every container: a zombie is gone
    /// enough.
    fn goes(pid: &str) -> bool {
        let deadline = Instant::now() + SOON;
        let gone = || {
            std::fs::read_to_string(format!("/proc/{pid}/stat")).map_or(true, |stat| stat.contains(") Z "))
        };
        while !gone() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(2));
        }
        gone()
    }

    #[test]
    fn what_a_child_that_has_ended_left_running_is_killed_too() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("pid");
        let mut running = Spec::new("sh")
            .args(["-c", "sleep 1000 & echo $!; exit 3"])
            .stdout(Sink::File(file.clone()))
            .start()
            .unwrap();
        let status = running.wait_until(Instant::now() + SOON).unwrap();
        assert_eq!(status.code(), Some(3));
        let grandchild = printed_pid(&file);
        assert!(Path::new(&format!("/proc/{grandchild}")).exists());
        running.kill();
        assert!(goes(&grandchild));
        assert_eq!(running.ended().and_then(|s| s.code()), Some(3));
    }

    #[test]
    fn a_signal_is_told_as_the_end_of_a_child() {
        let mut running = Spec::new("sleep").arg("1000").start().unwrap();
        running.signal(Signal::TERM);
        let status = running.wait_until(Instant::now() + SOON).unwrap();
        assert_eq!((status.code(), status.signal()), (None, Some(15)));
    }

    #[test]
    fn a_pipe_held_open_by_a_process_that_left_the_group_does_not_hold_up_the_end() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("pid");
        let start = Instant::now();
        let escape = "setsid sh -c 'echo $$ >\"$0\"; exec sleep 100' \"$0\" & while [ ! -s \"$0\" ]; do :; done; echo out";
        let out = run(Spec::new("sh").args(["-c", escape]).arg(&file), SOON).unwrap();
        assert_eq!(out, b"out\n");
        assert!(start.elapsed() < SOON, "{:?}", start.elapsed());
        let escaped: i32 = printed_pid(&file).parse().unwrap();
        kill_process(Pid::from_raw(escaped).unwrap(), Signal::KILL).unwrap();
    }
}
