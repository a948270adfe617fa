//! A QEMU that is being started.

use super::state::{self, Written};
use super::{BootSpec, CommandLine, Files, Machine};
use crate::deadlines::{Deadlines, Step};
use crate::guest::argv::{self, BootFiles, Data, Socket};
use crate::guest::channel::{Channel, ChannelError, ClosedChannel, Health, Ready};
use crate::guest::confine::Bounds;
use crate::guest::enter;
use crate::guest::error::GuestError;
use crate::guest::forensics::{self, Screen, Subject};
use crate::guest::handed::Handed;
use crate::guest::health::{Console, DEBUG_LOG, QEMU_STDERR, SERIAL_LOG, death, exit_reason, halted};
use crate::guest::offline::OfflineDisks;
use crate::guest::qmp::{Qmp, QmpError};
use crate::host::placement::{self, Threads};
use model::{Code, CpuId, Failure, Phase};
use process::deadlines::{HOST_ANSWER, LAST_WORDS};
use process::{PrivateFolder, Running, Sink, Spec, private_folder};
use serde_json::json;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The sockets of a boot, in its private folder.
const QMP: &str = "qmp";
const CHANNEL: &str = "cmd";
const VNC: &str = "vnc";

/// QEMU's process, and what is kept of it until its guest is ready.
pub(super) struct Process {
    pub(super) qemu: Running,
    sockets: PrivateFolder,
    files: BootFiles,
    screen: Screen,
    console: Console,
    argv: CommandLine,
    started: Instant,
    until: Instant,
    deadlines: Deadlines,
}

/// A QEMU that was started, and no more.
pub(super) struct Spawned(Process);

/// A QEMU whose guest is paused: connected, pinned and plugged.
pub(super) struct Placed {
    pub(super) process: Process,
    pub(super) qmp: Qmp,
    channel: Box<dyn Channel>,
    threads: Threads,
}

/// A guest that runs and is not ready yet.
pub(super) struct Going(pub(super) Placed);

impl Spawned {
    /// Starts QEMU.
    pub(super) fn start(spec: &BootSpec<'_>) -> Result<Spawned, GuestError> {
        spec.refuse_idle()?;
        let sockets = private_folder().map_err(|source| GuestError::Io {
            doing: "creating a folder in",
            path: std::env::temp_dir(),
            source,
        })?;
        let files = spec.boot_files(sockets.path());
        if let Some(from) = spec.files.state {
            Written::of(&spec.files).iter().try_for_each(|disk| disk.bring_back(from))?;
        }
        let (guest, wiring) = (spec.guest, spec.network.wiring(spec.index));
        let others: &[CpuId] = guest.pins.as_ref().map_or(&[], |p| &p.emulator);
        let handed = Handed::open(guest, &files, true)?;
        let screen = Screen {
            drawn: files.screen.clone(),
            named: handed.files.screen.clone(),
            file: handed.screen.clone(),
        };
        let args = argv::build(&handed.guest, &handed.files, wiring);
        let process = spec.confined(args, handed)?;
        let process = process.cpus(others).stderr(Sink::File(spec.log_dir.join(QEMU_STDERR)));
        let shown = argv::shown(guest, wiring.layout, &wiring.wires.for_people(), spec.index);
        let argv = CommandLine { executed: process.argv(), shown };
        let started = Instant::now();
        let until = started + spec.deadline;
        let console = Console::new(&files.serial);
        let deadlines = spec.deadlines;
        let qemu = process.start()?;
        Ok(Spawned(Process { qemu, sockets, files, screen, console, argv, started, until, deadlines }))
    }

    /// Connects to the paused guest, and pins and plugs it. What never becomes a machine leaves what tells why in
    /// [`BootSpec::forensics`]; so do the steps behind this one.
    pub(super) fn place(self, spec: &BootSpec<'_>) -> Result<Placed, GuestError> {
        let Spawned(mut process) = self;
        let socket = process.sockets.path().join(QMP);
        // A QEMU that a busy host has not got so far answers later; whoever called again would wait behind this call for ever.
        let mut begun: Option<Qmp> = None;
        let connected = connect(&mut process.qemu, process.until, || {
            let mut qmp = match begun.take() {
                Some(qmp) => qmp,
                None => Qmp::begin(UnixStream::connect(&socket)?)?,
            };
            match qmp.greet(HOST_ANSWER) {
                Err(error @ QmpError::Deadline { .. }) => {
                    begun = Some(qmp);
                    Err(error)
                }
                greeted => greeted.map(|()| qmp),
            }
        });
        let mut qmp = match connected {
            Ok(qmp) => qmp,
            Err(error) => return Err(process.give_up(None, spec, error)),
        };
        match process.pin_and_plug(spec, &mut qmp) {
            Ok((channel, threads)) => Ok(Placed { process, qmp, channel, threads }),
            Err(error) => Err(process.give_up(Some(&mut qmp), spec, error)),
        }
    }
}

impl Placed {
    /// Lets the guest go.
    pub(super) fn let_go(mut self, spec: &BootSpec<'_>) -> Result<Going, GuestError> {
        let filled = match spec.files.state {
            Some(from) => state::fill(&mut self.qmp, from, self.process.until),
            None => Ok(()),
        };
        let gone = filled.and_then(|()| Ok(self.qmp.execute("cont", json!({}), HOST_ANSWER)?));
        match gone {
            Ok(_) => Ok(Going(self)),
            Err(error) => Err(self.process.give_up(Some(&mut self.qmp), spec, error)),
        }
    }

    /// Ends QEMU in order without ever letting its guest go, and gives its version.
    pub(super) fn leave(mut self) -> Result<Option<String>, GuestError> {
        let left = self.quit();
        left.map_err(|error| self.process.explained(error))
    }

    fn quit(&mut self) -> Result<Option<String>, GuestError> {
        let reply = self.qmp.execute("query-version", json!({}), HOST_ANSWER)?;
        let part = |name: &str| reply.pointer(&format!("/qemu/{name}")).map(ToString::to_string);
        let parts: Option<Vec<String>> = ["major", "minor", "micro"].into_iter().map(part).collect();
        self.qmp.execute("quit", json!({}), HOST_ANSWER)?;
        let Process { qemu, deadlines, .. } = &mut self.process;
        match qemu.wait_until(Instant::now() + deadlines.within(Step::Shutdown)) {
            Some(status) if status.success() => Ok(parts.map(|parts| parts.join("."))),
            Some(status) => Err(GuestError::Died(exit_reason(status, &qemu.stderr_tail(), ""))),
            None => Err(GuestError::Died(Failure::new(
                Code::Deadline(Phase::Shutdown),
                "QEMU does not end when its monitor is told to quit",
            ))),
        }
    }
}

/// A guest that did not get ready, as it is.
pub(super) struct Unready {
    pub(super) error: GuestError,
    pub(super) machine: Machine,
}

impl Going {
    /// Nobody waits for it any longer than this.
    pub(super) fn is_late_at(&mut self, moment: Instant) {
        let until = &mut self.0.process.until;
        *until = moment.min(*until);
    }

    /// Waits until the guest is ready: it takes commands, and what it lacks for workloads has been put there. One that does not get
    /// so far has left what tells why in [`BootSpec::forensics`].
    pub(super) fn ready(mut self, spec: &BootSpec<'_>) -> Result<Machine, Box<Unready>> {
        let ready = match self.said(spec) {
            Ok(ready) => ready,
            Err(error) => {
                let Placed { process, qmp, channel, .. } = &mut self.0;
                let error = process.give_up(Some(qmp), spec, error);
                *channel = Box::new(ClosedChannel::of(format!(
                    "{} takes no commands, because it never got ready; its console, screen, registers and cables are there",
                    spec.guest.name
                )));
                let unknown = Ready { kernel: String::new(), uptime: 0.0 };
                let machine = Machine { silent: true, ..self.into_machine(spec, unknown) };
                return Err(Box::new(Unready { error, machine }));
            }
        };
        let mut machine = self.into_machine(spec, ready);
        // What a guest that was saved lacked it has.
        if machine.restored {
            return Ok(machine);
        }
        match enter::settle(spec.guest, &mut machine) {
            Ok(()) => Ok(machine),
            Err(error) => {
                // The first failure is the one to tell.
                let _ = machine.forensics(spec.forensics);
                Err(Box::new(Unready { error, machine }))
            }
        }
    }

    /// What it says when it is ready.
    pub(super) fn said(&mut self, spec: &BootSpec<'_>) -> Result<Ready, GuestError> {
        let Placed { process, qmp, channel, .. } = &mut self.0;
        let left = process.until.saturating_duration_since(Instant::now());
        let Process { qemu, console, .. } = process;
        let health: &mut Health<'_> = &mut || death(qemu, qmp, console);
        let restored = spec.files.state.is_some() || spec.files.moves_in.is_some();
        let said = if restored { channel.resume(left, health) } else { channel.wait_ready(left, health) };
        said.map_err(|error| match error {
            ChannelError::Deadline { .. } => {
                let seconds = spec.deadline.as_secs_f64();
                GuestError::NotReady { seconds, console: console.tail() }
            }
            other => other.into(),
        })
    }

    pub(super) fn into_machine(self, spec: &BootSpec<'_>, ready: Ready) -> Machine {
        let Going(Placed { process, qmp, channel, threads }) = self;
        let started = process.started;
        let boot_seconds = started.elapsed().as_secs_f64();
        let screen = process.screen();
        let vnc = process.files.vnc.clone();
        let Process { qemu, sockets, console, argv, deadlines, .. } = process;
        Machine {
            channel,
            os: spec.guest.os(),
            qmp,
            qemu,
            threads,
            _sockets: sockets,
            screen,
            console,
            nics: spec.guest.hardware.nics.len(),
            vnc: spec.guest.hardware.display.is_served().then_some(vnc),
            deadlines,
            silent: false,
            writes: Written::of(&spec.files),
            restored: spec.files.state.is_some(),
            argv,
            ready,
            started,
            boot_seconds,
        }
    }
}

impl Process {
    fn pin_and_plug(
        &mut self,
        spec: &BootSpec<'_>,
        qmp: &mut Qmp,
    ) -> Result<(Box<dyn Channel>, Threads), GuestError> {
        let channel = connect(&mut self.qemu, self.until, || {
            let socket = self.sockets.path().join(CHANNEL);
            enter::channel(spec.guest, (&socket, self.files.ssh_port), spec.network.namespace.as_ref())
        })?;
        let threads = Threads {
            vcpus: qmp.vcpu_threads()?,
            iothreads: qmp.iothread_threads()?,
            vhost: placement::vhost_threads(self.qemu.pid()),
        };
        if let Some(pins) = &spec.guest.pins {
            placement::apply(pins, &threads).map_err(GuestError::Pin)?;
            let found = placement::observe(self.qemu.pid(), &threads).violations(pins);
            if !found.is_empty() {
                return Err(GuestError::Pin(format!("the placement does not hold: {}", found.join("; "))));
            }
        }
        spec.network.plug(spec.index)?;
        Ok((channel, threads))
    }

    /// Ends a destination to which no guest came.
    pub(super) fn end(mut self) {
        // One whose migration was cancelled ends by itself, with status 1.
        self.qemu.wait_until(Instant::now() + LAST_WORDS);
        self.qemu.kill();
    }

    fn screen(&self) -> Screen {
        self.screen.clone()
    }

    /// A monitor that closes says nothing; QEMU's end, which follows, does.
    fn explained(&mut self, error: GuestError) -> GuestError {
        if !matches!(&error, GuestError::Qmp(QmpError::Closed { .. } | QmpError::Io(_))) {
            return error;
        }
        let status = self.qemu.wait_until(Instant::now() + LAST_WORDS);
        let died = |status| exit_reason(status, &self.qemu.stderr_tail(), &self.console.tail());
        status.map_or(error, |status| GuestError::Died(died(status)))
    }

    /// Keeps what tells why there will be no machine, and gives the reason.
    fn give_up(&mut self, qmp: Option<&mut Qmp>, spec: &BootSpec<'_>, error: GuestError) -> GuestError {
        let error = self.explained(error);
        let subject = Subject {
            argv: &self.argv.executed,
            pid: self.qemu.pid(),
            qmp,
            channel: None,
            serial: &self.files.serial,
            screen: &self.screen(),
        };
        // The first failure is the one to tell.
        let _ = forensics::collect(spec.forensics, subject);
        error
    }
}

/// See [`Machine::on_terminal`].
pub(super) fn on_terminal(spec: &BootSpec<'_>, dir: &Path) -> Result<Running, GuestError> {
    spec.refuse_idle()?;
    let handed = Handed::open(spec.guest, &spec.boot_files(dir), false)?;
    let args = argv::console(&handed.guest, &handed.files, spec.network.wiring(spec.index));
    Ok(spec.confined(args, handed)?.foreground().start()?)
}

impl BootSpec<'_> {
    /// Refuses a guest that works by itself and has nothing to do.
    fn refuse_idle(&self) -> Result<(), GuestError> {
        if self.guest.is_offline() && self.files.offline.is_none() {
            return Err(GuestError::NoJob);
        }
        Ok(())
    }

    /// QEMU with what it gets opened, in its network, and kept to that.
    fn confined(&self, args: Vec<String>, handed: Handed) -> Result<Spec, GuestError> {
        let (guest, network) = (self.guest, self.network);
        let bounds = Bounds::of(guest.confine, &guest.qemu, guest.hardware.accel, &handed.read)
            .map_err(GuestError::Confine)?;
        let mut open = handed.open;
        open.extend(network.opened(self.files.moves_in.unwrap_or(self.index), &guest.hardware.wants())?);
        let process = Spec::new(&guest.qemu).args(args).namespace(network.namespace.as_ref());
        Ok(process.inherit(open).user(bounds.user.as_ref()).rules(bounds.rules.as_ref()))
    }

    /// Where the files of the boot lie; what the guest has none of is named all the same.
    fn boot_files(&self, sockets: &Path) -> BootFiles {
        let Files { image, overlay, data, brought, seed, offline, ssh_port, state, moves_in } = self.files;
        let at = |file: Option<&Path>| file.unwrap_or(Path::new("")).to_owned();
        let foreign = self.guest.own().and(image.foreign_tools.as_ref());
        let tools = foreign.or(image.tools.as_ref());
        BootFiles {
            kernel: image.kernel.clone(),
            initramfs: image.initramfs.clone(),
            tools: at(tools.map(PathBuf::as_path)),
            brought: at(brought),
            seed: at(seed),
            job: at(offline.map(OfflineDisks::job)),
            output: at(offline.map(OfflineDisks::output)),
            overlay: at(overlay),
            data: data.iter().map(|disk| Data { path: disk.path().to_owned(), connection: None }).collect(),
            debug: self.log_dir.join(DEBUG_LOG),
            serial: self.log_dir.join(SERIAL_LOG),
            screen: sockets.join("screen"),
            vnc: sockets.join(VNC),
            qmp: Socket::Path(sockets.join(QMP)),
            channel: Socket::Path(sockets.join(CHANNEL)),
            ssh_port,
            incoming: state.is_some(),
            moves_in: moves_in.is_some(),
            sets: Vec::new(),
        }
    }
}

/// Tries until QEMU listens, or is gone.
fn connect<T, E: Into<GuestError>>(
    qemu: &mut Running,
    until: Instant,
    mut attempt: impl FnMut() -> Result<T, E>,
) -> Result<T, GuestError> {
    loop {
        match attempt() {
            Ok(done) => return Ok(done),
            Err(e) => {
                if let Some(status) = qemu.ended() {
                    return Err(GuestError::Died(exit_reason(status, &qemu.stderr_tail(), "")));
                }
                if let Some(failure) = halted(qemu.pid()) {
                    return Err(GuestError::Died(failure));
                }
                if Instant::now() >= until {
                    let late = format!("QEMU is not reached: {}", e.into());
                    return Err(GuestError::Died(Failure::new(Code::Deadline(Phase::Boot), late)));
                }
            }
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}
