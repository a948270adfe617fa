//! One running guest: started paused, pinned, let go, waited for, talked to, and always ended.

mod hands;
mod migrate;
#[cfg(any(test, feature = "pretend"))]
pub mod pretend;
mod screens;
mod several;
mod start;
mod state;
mod vmstate;

use super::channel::{Channel, ChannelError, Mark, Ready, Reply};
use super::disk::DiskFile;
pub use super::error::GuestError;
use super::error::is_full;
use super::forensics::{self, Screen, Subject};
use super::health::{Console, death, exit_reason};
pub use super::health::{DEBUG_LOG, SERIAL_LOG};
use super::image::Image;
use super::job::{JobRequest, Standing};
use super::network::Network;
use super::offline::OfflineDisks;
use super::os::Os;
use super::qmp::Qmp;
use super::spec::GuestSpec;
use super::windows::Commands;
use crate::deadlines::{Deadlines, Step};
use crate::host::placement::{self, Placement, Threads};
use formats::counters::Counters;
pub use migrate::Migrated;
use model::{Code, Failure, Phase};
use process::deadlines::{HOST_ANSWER, LAST_WORDS};
use process::{PrivateFolder, Running};
use serde_json::json;
pub use several::NotUp;
use start::Spawned;
use state::Written;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
pub use vmstate::StateJob;

/// What to boot, and where its files go.
pub struct BootSpec<'a> {
    /// The guest.
    pub guest: &'a GuestSpec,
    /// The network of its scenario.
    pub network: &'a Network,
    /// Which guest of the scenario it is: 0 is the server.
    pub index: usize,
    /// Files of perfvt's and of this boot.
    pub files: Files<'a>,
    /// Where the serial log and QEMU's standard error go.
    pub log_dir: &'a Path,
    /// Where [`Machine::boot`] puts what tells why a boot failed. Made only then.
    pub forensics: &'a Path,
    /// How long anything may take in this boot.
    pub deadlines: Deadlines,
    /// How long the guest may take until it says READY.
    pub deadline: Duration,
}

/// What a boot has of the disks that its guest's spec names.
#[derive(Clone, Copy, Debug)]
pub struct Files<'a> {
    /// Kernel, RAM disk and tools disk.
    pub image: &'a Image,
    /// The layer above the image of a guest of the user's.
    pub overlay: Option<&'a Path>,
    /// What data disks are made of.
    pub data: &'a [DiskFile],
    /// The disk with what the user brings.
    pub brought: Option<&'a Path>,
    /// The disk with files for the system's first boot.
    pub seed: Option<&'a Path>,
    /// The disks of a guest that works by itself.
    pub offline: Option<&'a OfflineDisks>,
    /// A free port of the loopback for the guest's ssh server.
    pub ssh_port: u16,
    /// The state that the guest goes on from, instead of booting ([`Machine::save_state`]).
    pub state: Option<&'a Path>,
    /// The guest moves here from another QEMU that runs it ([`Machine::migrate`]): the place of its cables.
    pub moves_in: Option<usize>,
}

impl<'a> Files<'a> {
    /// Those of a guest that runs from perfvt's image alone.
    pub fn of_image(image: &'a Image) -> Files<'a> {
        Files {
            image,
            overlay: None,
            data: &[],
            brought: None,
            seed: None,
            offline: None,
            ssh_port: 0,
            state: None,
            moves_in: None,
        }
    }
}

/// QEMU's command line.
#[derive(Clone, Debug)]
pub struct CommandLine {
    /// As it was executed.
    pub executed: Vec<String>,
    /// The same arguments, without the program, with what stands for names of one boot ([`super::argv::shown`]): what the plan
    /// shows and the fingerprint has a hash of.
    pub shown: Vec<String>,
}

/// A guest that said READY, or one that was kept although it did not ([`NotUp`]).
pub struct Machine {
    /// Before the process: dropping it asks nothing of QEMU any more.
    channel: Box<dyn Channel>,
    /// The guest's system.
    pub os: Os,
    qmp: Qmp,
    qemu: Running,
    threads: Threads,
    /// A private folder for the sockets, mode 0700; removed with the machine.
    _sockets: PrivateFolder,
    screen: Screen,
    console: Console,
    /// Network cards that workloads use.
    nics: usize,
    /// The socket of its VNC server, where it has one.
    vnc: Option<PathBuf>,
    deadlines: Deadlines,
    /// It did not answer once: nothing more is asked of it.
    silent: bool,
    /// The disks that it writes, which belong to its state.
    writes: Vec<Written>,
    /// It was not booted, but goes on from a state that was saved: nothing that it shows is a replicate.
    pub restored: bool,
    /// QEMU's command line.
    pub argv: CommandLine,
    /// What the guest said.
    pub ready: Ready,
    /// When QEMU was started.
    pub started: Instant,
    /// Seconds from exec to READY.
    pub boot_seconds: f64,
}

impl Machine {
    /// Boots a guest and waits until it is ready. When that fails, [`BootSpec::forensics`] holds what there was to see.
    pub fn boot(spec: &BootSpec<'_>) -> Result<Machine, GuestError> {
        let booted = Spawned::start(spec)?.place(spec)?.let_go(spec)?.ready(spec);
        booted.map_err(|unready| unready.error)
    }

    /// Starts QEMU with its console on the terminal that perfvt runs in, and no more: its guest is talked to by hand.
    /// `dir` is a private folder.
    pub fn on_terminal(spec: &BootSpec<'_>, dir: &Path) -> Result<Running, GuestError> {
        start::on_terminal(spec, dir)
    }

    /// The next mark of a guest that works by itself; `None` where none has come in time.
    pub fn mark(&mut self, within: Duration) -> Result<Option<Mark>, GuestError> {
        let Machine { channel, qmp, qemu, console, .. } = self;
        Ok(channel.mark(within, &mut || death(qemu, qmp, console))?)
    }

    /// Waits until a guest has powered itself off, and QEMU has ended with it.
    pub fn left(&mut self, within: Duration) -> Result<(), GuestError> {
        let failed = match self.qemu.wait_until(Instant::now() + within) {
            Some(status) if status.success() => return Ok(()),
            Some(status) => exit_reason(status, &self.qemu.stderr_tail(), &self.console.tail()),
            None => Failure::new(
                Code::Deadline(Phase::Shutdown),
                format!("the guest has not powered itself off within {} s", within.as_secs()),
            ),
        };
        Err(GuestError::Died(failed))
    }

    /// Runs a command in the guest, whatever its status.
    pub fn exec(&mut self, argv: &[&str], deadline: Duration) -> Result<Reply, GuestError> {
        let Machine { channel, qmp, qemu, console, .. } = self;
        let reply = channel.exec(argv, deadline, &mut || death(qemu, qmp, console));
        reply.map_err(|e| self.fallen_silent(e))
    }

    /// The same with a command that is killed when somebody wants it to end, where its channel can.
    ///
    /// # Errors
    /// As for [`Machine::exec`].
    pub fn exec_unless(
        &mut self,
        argv: &[&str],
        deadline: Duration,
        stop: &dyn Fn() -> bool,
    ) -> Result<Reply, GuestError> {
        let Machine { channel, qmp, qemu, console, .. } = self;
        let reply = channel.exec_unless(argv, deadline, stop, &mut || death(qemu, qmp, console));
        reply.map_err(|e| self.fallen_silent(e))
    }

    /// Runs a command in the guest that must end with status 0, and gives its standard output.
    pub fn run(&mut self, argv: &[&str], deadline: Duration) -> Result<String, GuestError> {
        Ok(self.exec(argv, deadline)?.into_output(argv)?)
    }

    /// Starts a command in the background of the guest, or asks after one that was started.
    pub fn job(&mut self, request: &JobRequest<'_>, deadline: Duration) -> Result<Vec<Standing>, GuestError> {
        let Machine { channel, qmp, qemu, console, .. } = self;
        let reply = channel.job(request, deadline, &mut || death(qemu, qmp, console));
        reply.map_err(|e| self.fallen_silent(e))
    }

    /// Reads files of the guest's /proc and /sys.
    pub fn read(&mut self, paths: &[&str], deadline: Duration) -> Result<String, GuestError> {
        let Machine { channel, qmp, qemu, console, .. } = self;
        let reply = channel.read(paths, deadline, &mut || death(qemu, qmp, console));
        Ok(reply.map_err(|e| self.fallen_silent(e))?.into_output(paths)?)
    }

    /// What the guest counted; of a Linux guest, in these files.
    pub fn counters(&mut self, paths: &[&str], deadline: Duration) -> Result<Counters, GuestError> {
        let Machine { channel, qmp, qemu, console, .. } = self;
        let reply = channel.counters(paths, deadline, &mut || death(qemu, qmp, console));
        let told = reply.map_err(|e| self.fallen_silent(e))?.into_output(paths)?;
        Ok(Counters::read(self.os.counted(), told).map_err(ChannelError::Nonsense)?)
    }

    /// Writes a file in the guest.
    pub fn put(&mut self, path: &str, mode: &str, content: &[u8]) -> Result<(), GuestError> {
        let Machine { channel, qmp, qemu, console, .. } = self;
        let soon = self.deadlines.within(Step::Put);
        let reply = channel.put(path, mode, content, soon, &mut || death(qemu, qmp, console));
        let reply = reply.map_err(|e| self.fallen_silent(e))?;
        match reply.into_output(&["writing", path]) {
            Err(source @ ChannelError::Failed { .. }) if matches!(&source, ChannelError::Failed { stderr, .. } if is_full(stderr)) => {
                Err(GuestError::Full { disk: self.full_disk(path), source })
            }
            written => Ok(written.map(drop)?),
        }
    }

    /// The guest has its own deadline for a command and answers when it passes, so silence beyond it is a hang.
    fn fallen_silent(&mut self, error: ChannelError) -> GuestError {
        let ChannelError::Deadline { what, seconds } = error else { return error.into() };
        self.silent = true;
        GuestError::Hangs { what, seconds, status: status(&mut self.qmp), console: self.console.tail() }
    }

    /// How long anything may take in this guest.
    pub fn deadlines(&self) -> Deadlines {
        self.deadlines
    }

    /// How long a command may take that has nothing to do but to answer.
    pub fn soon(&self) -> Duration {
        self.deadlines.within(Step::Answer)
    }

    /// QEMU's monitor.
    pub fn qmp(&mut self) -> &mut Qmp {
        &mut self.qmp
    }

    /// Plugs the cable of a NIC in or out, by its place among the NICs: the guest sees that its link is up or down.
    pub fn set_link(&mut self, nic: usize, up: bool) -> Result<(), GuestError> {
        let arguments = json!({"name": format!("net{nic}"), "up": up});
        Ok(self.qmp.execute("set_link", arguments, HOST_ANSWER).map(drop)?)
    }

    /// QEMU's process id.
    pub fn pid(&self) -> u32 {
        self.qemu.pid()
    }

    /// Threads of QEMU whose part is known.
    pub fn threads(&self) -> &Threads {
        &self.threads
    }

    /// Where the guest sits now.
    pub fn placement(&self) -> Placement {
        placement::observe(self.qemu.pid(), &self.threads)
    }

    /// How the guest died, if it has.
    pub fn death(&mut self) -> Option<Failure> {
        let Machine { qmp, qemu, console, .. } = self;
        death(qemu, qmp, console)
    }

    /// Collects what tells why a guest failed, before it is ended. What cannot be had is left out.
    pub fn forensics(&mut self, dir: &Path) -> Result<(), GuestError> {
        let alive = !self.silent && self.death().is_none_or(|f| f.code == Code::Oops);
        let subject = Subject {
            argv: &self.argv.executed,
            pid: self.qemu.pid(),
            qmp: Some(&mut self.qmp),
            channel: alive.then_some(self.channel.as_mut()),
            serial: self.console.path(),
            screen: &self.screen,
        };
        let failed =
            |source| GuestError::Io { doing: "collecting forensics in", path: dir.to_owned(), source };
        forensics::collect(dir, subject).map_err(failed)
    }

    /// Ends the guest, which has nothing to save.
    pub fn quit(mut self) {
        // A QEMU that no longer listens is killed just the same.
        if self.qmp.execute("quit", json!({}), LAST_WORDS).is_ok() {
            self.qemu.wait_until(Instant::now() + self.deadlines.within(Step::Shutdown));
        }
        self.qemu.kill();
    }
}

impl Commands for Machine {
    fn run(&mut self, argv: &[&str], deadline: Duration) -> Result<String, GuestError> {
        Machine::run(self, argv, deadline)
    }

    fn deadlines(&self) -> Deadlines {
        self.deadlines
    }

    fn put(&mut self, path: &str, mode: &str, content: &[u8]) -> Result<(), GuestError> {
        Machine::put(self, path, mode, content)
    }
}

/// What QEMU says of the guest, in a word or two.
fn status(qmp: &mut Qmp) -> String {
    match qmp.execute("query-status", json!({}), LAST_WORDS) {
        Ok(reply) => reply.get("status").and_then(|s| s.as_str()).unwrap_or("nothing of it").to_owned(),
        Err(e) => e.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::channel::{PortChannel, Wire};
    use super::super::network::{Kind, Layout};
    use super::pretend::pretended;
    use super::*;
    use model::Accel;
    use std::fs;
    use std::os::unix::net::UnixStream;

    /// A guest that got ready and then says nothing more, with the other end of its channel.
    fn silent(dir: &Path) -> (Machine, UnixStream) {
        let (ours, theirs) = UnixStream::pair().unwrap();
        (pretended(dir, Box::new(PortChannel::over(Wire::over(ours))), Os::Linux), theirs)
    }

    #[test]
    fn silence_beyond_a_deadline_is_told_as_a_hang_with_status_and_console() {
        let dir = tempfile::tempdir().unwrap();
        let (mut machine, _open) = silent(dir.path());
        let error = machine.read(&["/proc/stat"], Duration::ZERO).unwrap_err();
        assert!(matches!(error, GuestError::Hangs { .. }), "{error}");
        assert_eq!(
            error.to_string(),
            "the guest hangs: no answer to 'read /proc/stat' within 5 s; QMP says running; \
             the console ends with 'watchdog: BUG: soft lockup'"
        );
        let found = dir.path().join("forensics");
        machine.forensics(&found).unwrap();
        assert!(fs::read_to_string(found.join("serial.log")).unwrap().contains("soft lockup"));
    }

    #[test]
    fn a_boot_that_dies_leaves_what_tells_why() {
        let dir = tempfile::tempdir().unwrap();
        let place = |name: &str| dir.path().join(name);
        let network = Network::create(&Layout::simple(Kind::User), 1, "t").unwrap();
        let image = Image::nowhere(dir.path());
        for file in [&image.kernel, &image.initramfs] {
            fs::write(file, "").unwrap();
        }
        // It complains about the first of QEMU's options and ends.
        let guest = GuestSpec { qemu: "ls".into(), ..GuestSpec::plain(Accel::Tcg) };
        let forensics = place("forensics");
        let error = Machine::boot(&BootSpec {
            guest: &guest,
            network: &network,
            index: 0,
            files: Files::of_image(&image),
            log_dir: dir.path(),
            forensics: &forensics,
            deadlines: Deadlines::usual(Accel::Tcg),
            deadline: Duration::from_secs(20),
        })
        .err()
        .unwrap();
        assert!(error.to_string().starts_with("QEMU ended with status 2; it said 'ls: "), "{error}");
        assert!(fs::read_to_string(forensics.join("qemu.argv")).unwrap().starts_with("ls\n-nodefaults\n"));
        assert!(fs::read_to_string(forensics.join("qemu.stderr")).unwrap().contains("ls: "));
    }
}
