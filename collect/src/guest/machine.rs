//! One running guest: started paused, pinned, let go, waited for, talked to, and always ended.

use super::argv::{self, BootFiles, Hardware};
use super::channel::{Channel, ChannelError, Ready, Reply};
use super::network::{Network, NetworkError};
use super::qmp::{Qmp, QmpError};
use crate::host::pin::PinPlan;
use crate::host::placement::{self, Placement};
use crate::process::{ProcessError, Running, Sink, Spec, tail};
use model::CpuId;
use serde_json::json;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// A guest that cannot be used, or no longer.
#[derive(Debug, thiserror::Error)]
pub enum GuestError {
    /// A process could not be started.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// The network could not be had.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// QEMU's monitor.
    #[error("{0}")]
    Qmp(#[from] QmpError),
    /// The command channel, or a command in the guest.
    #[error(transparent)]
    Channel(#[from] ChannelError),
    /// QEMU ended before the guest was there.
    #[error("{0}")]
    Died(String),
    /// The guest never said that it is ready.
    #[error("the guest was not ready within {seconds:.0} s (hang); the console ends with: {console}")]
    NotReady {
        /// The deadline.
        seconds: f64,
        /// The end of the serial log.
        console: String,
    },
    /// A thread could not be pinned.
    #[error("{0}")]
    Pin(String),
    /// Files of the boot.
    #[error("{doing} {path}: {source}", path = path.display())]
    Io {
        /// What was being done.
        doing: &'static str,
        /// To which file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
}

/// What to boot, and where its files go.
pub struct BootSpec<'a> {
    /// QEMU's program.
    pub qemu: &'a str,
    /// The guest.
    pub hardware: Hardware,
    /// Where its threads and memory go; `None` leaves them to the kernel.
    pub pin: Option<PinPlan>,
    /// Its network.
    pub network: &'a Network,
    /// Kernel, RAM disk and tools disk.
    pub image: &'a super::image::Image,
    /// Whether the disk with the larger tools (fio) is needed.
    pub with_tools: bool,
    /// Where the serial log and QEMU's standard error go.
    pub log_dir: &'a Path,
    /// How long the guest may take until it says READY.
    pub deadline: Duration,
}

/// A guest that said READY.
pub struct Machine {
    /// Before the process: dropping it asks nothing of QEMU any more.
    channel: Channel,
    qmp: Qmp,
    qemu: Running,
    vcpu_threads: Vec<u32>,
    /// A private folder for the sockets, mode 0700; removed with the machine.
    _sockets: tempfile::TempDir,
    serial: PathBuf,
    /// QEMU's command line.
    pub argv: Vec<String>,
    /// What the guest said.
    pub ready: Ready,
    /// Seconds from exec to READY.
    pub boot_seconds: f64,
    started: Instant,
}

impl Machine {
    /// Boots a guest and waits until it is ready.
    pub fn boot(spec: &BootSpec<'_>) -> Result<Machine, GuestError> {
        let sockets = tempfile::Builder::new().prefix("perfvt-").tempdir().map_err(|source| {
            GuestError::Io { doing: "creating a folder in", path: std::env::temp_dir(), source }
        })?;
        let files = BootFiles {
            kernel: spec.image.kernel.clone(),
            initramfs: spec.image.initramfs.clone(),
            tools: spec.image.tools.clone().filter(|_| spec.with_tools),
            serial: spec.log_dir.join("serial.log"),
            qmp: sockets.path().join("qmp"),
            channel: sockets.path().join("cmd"),
        };
        let stderr = spec.log_dir.join("qemu.stderr");
        let others: &[CpuId] = spec.pin.as_ref().map_or(&[], |p| &p.others);
        let process = Spec::new(spec.qemu)
            .args(argv::build(&spec.hardware, &files, spec.network))
            .cpus(others)
            .namespace(spec.network.namespace.as_ref())
            .stderr(Sink::File(stderr));
        let argv = process.argv();
        let started = Instant::now();
        let until = started + spec.deadline;
        let mut qemu = process.start()?;
        let mut qmp = connect(&mut qemu, until, || Qmp::connect(&files.qmp, Duration::from_secs(10)))?;
        let mut channel = connect(&mut qemu, until, || Channel::connect(&files.channel))?;
        let vcpu_threads = qmp.vcpu_threads()?;
        if let Some(plan) = &spec.pin {
            for (index, cpu) in &plan.vcpus {
                if let Some(thread) = vcpu_threads.get(index.0 as usize) {
                    placement::pin_thread(*thread, &[*cpu]).map_err(GuestError::Pin)?;
                }
            }
        }
        spec.network.plug()?;
        qmp.execute("cont", json!({}), Duration::from_secs(10))?;
        let left = until.saturating_duration_since(Instant::now());
        let ready =
            channel.wait_ready(left, &mut || death(&mut qemu, &qmp, &files.serial)).map_err(|e| match e {
                ChannelError::Deadline { .. } => GuestError::NotReady {
                    seconds: spec.deadline.as_secs_f64(),
                    console: tail(&files.serial),
                },
                other => other.into(),
            })?;
        Ok(Machine {
            channel,
            qmp,
            qemu,
            vcpu_threads,
            _sockets: sockets,
            serial: files.serial,
            argv,
            ready,
            boot_seconds: started.elapsed().as_secs_f64(),
            started,
        })
    }

    /// Runs a command in the guest, whatever its status.
    pub fn exec(&mut self, argv: &[&str], deadline: Duration) -> Result<Reply, GuestError> {
        let Machine { channel, qmp, qemu, serial, .. } = self;
        Ok(channel.exec(argv, deadline, &mut || death(qemu, qmp, serial))?)
    }

    /// Runs a command in the guest that must end with status 0, and gives its standard output.
    pub fn run(&mut self, argv: &[&str], deadline: Duration) -> Result<String, GuestError> {
        Ok(self.exec(argv, deadline)?.into_output(argv)?)
    }

    /// Reads files of the guest's /proc and /sys.
    pub fn read(&mut self, paths: &[&str], deadline: Duration) -> Result<String, GuestError> {
        let Machine { channel, qmp, qemu, serial, .. } = self;
        let reply = channel.read(paths, deadline, &mut || death(qemu, qmp, serial))?;
        Ok(reply.into_output(paths)?)
    }

    /// Writes a file in the guest.
    pub fn put(&mut self, path: &str, mode: &str, content: &[u8]) -> Result<(), GuestError> {
        let Machine { channel, qmp, qemu, serial, .. } = self;
        let reply =
            channel.put(path, mode, content, Duration::from_secs(60), &mut || death(qemu, qmp, serial))?;
        reply.into_output(&["writing", path])?;
        Ok(())
    }

    /// QEMU's monitor.
    pub fn qmp(&mut self) -> &mut Qmp {
        &mut self.qmp
    }

    /// QEMU's process id.
    pub fn pid(&self) -> u32 {
        self.qemu.pid()
    }

    /// Where the guest sits now.
    pub fn placement(&self) -> Placement {
        placement::observe(self.qemu.pid(), &self.vcpu_threads)
    }

    /// Seconds since QEMU was started.
    pub fn age(&self) -> f64 {
        self.started.elapsed().as_secs_f64()
    }

    /// How the guest died, if it has.
    pub fn death(&mut self) -> Option<String> {
        let Machine { qmp, qemu, serial, .. } = self;
        death(qemu, qmp, serial)
    }

    /// Collects what tells why a guest failed, before it is ended. What cannot be had is left out.
    pub fn forensics(&mut self, dir: &Path) -> Result<(), GuestError> {
        fs::create_dir_all(dir).map_err(|source| GuestError::Io {
            doing: "creating",
            path: dir.to_owned(),
            source,
        })?;
        let events: Vec<String> = self
            .qmp
            .events()
            .iter()
            .map(|e| format!("{:.6} {} {}", e.unix_seconds, e.name, e.data))
            .collect();
        let status = match self.qmp.execute("query-status", json!({}), Duration::from_secs(2)) {
            Ok(status) => status.to_string(),
            Err(e) => e.to_string(),
        };
        let registers = self
            .qmp
            .execute(
                "human-monitor-command",
                json!({"command-line": "info registers -a"}),
                Duration::from_secs(2),
            )
            .ok()
            .and_then(|r| r.as_str().map(str::to_owned))
            .unwrap_or_default();
        let files = [
            ("qemu.argv", self.argv.join("\n")),
            ("qmp-events.txt", events.join("\n")),
            ("qmp-status.txt", status),
            ("registers.txt", registers),
        ];
        for (name, text) in files {
            let path = dir.join(name);
            fs::write(&path, text).map_err(|source| GuestError::Io { doing: "writing", path, source })?;
        }
        // The logs stay where they are written; a copy beside the rest saves a search.
        for log in [&self.serial, &self.serial.with_file_name("qemu.stderr")] {
            if let Some(name) = log.file_name() {
                let _ = fs::copy(log, dir.join(name));
            }
        }
        Ok(())
    }

    /// Ends the guest, which has nothing to save.
    pub fn quit(mut self) {
        // A QEMU that no longer listens is killed just the same.
        let _ = self.qmp.execute("quit", json!({}), Duration::from_secs(2));
        self.qemu.wait_until(Instant::now() + Duration::from_secs(5));
        self.qemu.kill();
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
                if Instant::now() >= until {
                    return Err(e.into());
                }
            }
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Whether the guest is dead, and of what.
fn death(qemu: &mut Running, qmp: &Qmp, serial: &Path) -> Option<String> {
    if let Some(event) =
        qmp.events().iter().find(|e| e.name == "GUEST_PANICKED" || e.name == "GUEST_CRASHLOADED")
    {
        return Some(format!("the guest panicked ({}); the console ends with: {}", event.name, tail(serial)));
    }
    qemu.ended().map(|status| exit_reason(status, &qemu.stderr_tail(), &tail(serial)))
}

fn exit_reason(status: std::process::ExitStatus, stderr: &str, console: &str) -> String {
    let how = match (status.code(), status.signal()) {
        // With -no-reboot a panic without pvpanic looks like a power-off; the console tells them apart.
        (Some(0), _) if console.contains("Kernel panic") => "the guest panicked and QEMU left".to_owned(),
        (Some(0), _) => "the guest powered off or QEMU was told to leave".to_owned(),
        (Some(code), _) => format!("QEMU ended with status {code}"),
        (None, Some(signal)) => format!("QEMU was killed by signal {signal}"),
        (None, None) => "QEMU ended".to_owned(),
    };
    let quote =
        |what: &str, text: &str| if text.is_empty() { String::new() } else { format!("; {what}: {text}") };
    format!("{how}{}{}", quote("it said", stderr), quote("the console ends with", console))
}
