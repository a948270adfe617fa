//! A QEMU that is being started.

use super::{BootSpec, CommandLine, Files, Machine};
use crate::deadlines::{Deadlines, Step};
use crate::guest::argv::{self, BootFiles};
use crate::guest::channel::{Channel, ChannelError, Ready};
use crate::guest::enter;
use crate::guest::error::GuestError;
use crate::guest::forensics::{self, Subject};
use crate::guest::health::{Console, DEBUG_LOG, QEMU_STDERR, SERIAL_LOG, death, exit_reason, halted};
use crate::guest::os::Os;
use crate::guest::qmp::{Qmp, QmpError};
use crate::host::placement::{self, Threads};
use model::{Code, CpuId, Failure, Phase};
use process::deadlines::{HOST_ANSWER, LAST_WORDS};
use process::{PrivateFolder, Running, Sink, Spec, private_folder};
use serde_json::json;
use std::path::Path;
use std::time::{Duration, Instant};

/// A QEMU on its way to being a [`Machine`].
pub(super) struct Start {
    qmp: Option<Qmp>,
    qemu: Running,
    sockets: PrivateFolder,
    files: BootFiles,
    console: Console,
    argv: CommandLine,
    started: Instant,
    until: Instant,
    deadlines: Deadlines,
}

impl Start {
    /// Starts QEMU, and no more.
    pub(super) fn new(spec: &BootSpec<'_>) -> Result<Start, GuestError> {
        let sockets = private_folder().map_err(|source| GuestError::Io {
            doing: "creating a folder in",
            path: std::env::temp_dir(),
            source,
        })?;
        let files = spec.boot_files(sockets.path());
        let (guest, wiring) = (spec.guest, spec.network.wiring(spec.index));
        let queues: Vec<u32> = guest.hardware.nics.iter().map(|nic| nic.queues).collect();
        let others: &[CpuId] = guest.pins.as_ref().map_or(&[], |p| &p.emulator);
        let process = Spec::new(&guest.qemu)
            .args(argv::build(guest, &files, wiring))
            .cpus(others)
            .namespace(spec.network.namespace.as_ref())
            .inherit(spec.network.opened(spec.index, &queues)?)
            .stderr(Sink::File(spec.log_dir.join(QEMU_STDERR)));
        let shown = argv::shown(guest, wiring.layout, &wiring.wires.for_people(), spec.index);
        let argv = CommandLine { executed: process.argv(), shown };
        let started = Instant::now();
        let until = started + spec.deadline;
        let console = Console::new(&files.serial);
        let deadlines = spec.deadlines;
        let qemu = process.start()?;
        Ok(Start { qmp: None, qemu, sockets, files, console, argv, started, until, deadlines })
    }

    /// Connects to the paused guest, and pins and plugs it.
    pub(super) fn place(&mut self, spec: &BootSpec<'_>) -> Result<(Box<dyn Channel>, Threads), GuestError> {
        let qmp = connect(&mut self.qemu, self.until, || Qmp::connect(&self.files.qmp, HOST_ANSWER))?;
        let qmp = self.qmp.insert(qmp);
        let channel = connect(&mut self.qemu, self.until, || {
            enter::channel(spec.guest, &self.files, spec.network.namespace.as_ref())
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

    /// Lets the guest go.
    pub(super) fn let_go(&mut self) -> Result<(), GuestError> {
        let Some(qmp) = &mut self.qmp else { return Err(GuestError::no_monitor()) };
        qmp.execute("cont", json!({}), HOST_ANSWER)?;
        Ok(())
    }

    /// Waits until the guest is ready.
    pub(super) fn wait(
        &mut self,
        spec: &BootSpec<'_>,
        channel: &mut dyn Channel,
    ) -> Result<Ready, GuestError> {
        let Some(qmp) = &mut self.qmp else { return Err(GuestError::no_monitor()) };
        let left = self.until.saturating_duration_since(Instant::now());
        let (qemu, console) = (&mut self.qemu, &mut self.console);
        channel.wait_ready(left, &mut || death(qemu, qmp, console)).map_err(|e| match e {
            ChannelError::Deadline { .. } => {
                GuestError::NotReady { seconds: spec.deadline.as_secs_f64(), console: console.tail() }
            }
            other => other.into(),
        })
    }

    /// Ends QEMU in order, and gives its version.
    pub(super) fn leave(&mut self) -> Result<Option<String>, GuestError> {
        let Some(qmp) = &mut self.qmp else { return Ok(None) };
        let reply = qmp.execute("query-version", json!({}), HOST_ANSWER)?;
        let part = |name: &str| reply.pointer(&format!("/qemu/{name}")).map(ToString::to_string);
        let parts: Option<Vec<String>> = ["major", "minor", "micro"].into_iter().map(part).collect();
        qmp.execute("quit", json!({}), HOST_ANSWER)?;
        match self.qemu.wait_until(Instant::now() + self.deadlines.within(Step::Shutdown)) {
            Some(status) if status.success() => Ok(parts.map(|parts| parts.join("."))),
            Some(status) => Err(GuestError::Died(exit_reason(status, &self.qemu.stderr_tail(), ""))),
            None => Err(GuestError::Died(Failure::new(
                Code::Deadline(Phase::Shutdown),
                "QEMU does not end when its monitor is told to quit",
            ))),
        }
    }

    pub(super) fn finish(
        self,
        os: Os,
        channel: Box<dyn Channel>,
        threads: Threads,
        ready: Ready,
    ) -> Result<Machine, GuestError> {
        let boot_seconds = self.started.elapsed().as_secs_f64();
        let Start { qmp: Some(qmp), qemu, sockets, console, argv, deadlines, .. } = self else {
            return Err(GuestError::no_monitor());
        };
        Ok(Machine {
            channel,
            os,
            qmp,
            qemu,
            threads,
            _sockets: sockets,
            console,
            deadlines,
            silent: false,
            argv,
            ready,
            boot_seconds,
        })
    }

    /// A monitor that closes says nothing; QEMU's end, which follows, does.
    pub(super) fn explained(&mut self, error: GuestError) -> GuestError {
        if !matches!(&error, GuestError::Qmp(QmpError::Closed { .. } | QmpError::Io(_))) {
            return error;
        }
        let status = self.qemu.wait_until(Instant::now() + LAST_WORDS);
        let died = |status| exit_reason(status, &self.qemu.stderr_tail(), &self.console.tail());
        status.map_or(error, |status| GuestError::Died(died(status)))
    }

    /// Ends what never became a machine, with what tells why.
    pub(super) fn give_up(mut self, dir: &Path, error: GuestError) -> GuestError {
        let error = self.explained(error);
        let subject = Subject {
            argv: &self.argv.executed,
            pid: self.qemu.pid(),
            qmp: self.qmp.as_mut(),
            channel: None,
            serial: &self.files.serial,
        };
        // The first failure is the one to tell.
        let _ = forensics::collect(dir, subject);
        error
    }
}

/// See [`Machine::on_terminal`].
pub(super) fn on_terminal(spec: &BootSpec<'_>, dir: &Path) -> Result<Running, GuestError> {
    let (guest, network) = (spec.guest, spec.network);
    let queues: Vec<u32> = guest.hardware.nics.iter().map(|nic| nic.queues).collect();
    let args = argv::console(guest, &spec.boot_files(dir), network.wiring(spec.index));
    let process = Spec::new(&guest.qemu).args(args).namespace(network.namespace.as_ref());
    Ok(process.inherit(network.opened(spec.index, &queues)?).foreground().start()?)
}

impl BootSpec<'_> {
    /// Where the files of the boot lie; what the guest has none of is named all the same.
    fn boot_files(&self, sockets: &Path) -> BootFiles {
        let Files { image, overlay, data, brought, ssh_port } = self.files;
        let at = |file: Option<&Path>| file.unwrap_or(Path::new("")).to_owned();
        BootFiles {
            kernel: image.kernel.clone(),
            initramfs: image.initramfs.clone(),
            tools: at(image.tools.as_deref()),
            brought: at(brought),
            overlay: at(overlay),
            data: at(data),
            debug: self.log_dir.join(DEBUG_LOG),
            serial: self.log_dir.join(SERIAL_LOG),
            qmp: sockets.join("qmp"),
            channel: sockets.join("cmd"),
            ssh_port,
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
