//! A server of perfvt's own behind a data disk (`disk_server`): QEMU has one end of a connection to it, and no way to its file.
//! nbdkit can be slow, as much as is wanted and no more; how slow it is, is measured before any guest sees it.

use super::nbd::Client;
use super::{Disk, DiskError};
use model::CpuId;
use process::deadlines::HOST_ANSWER;
use process::{Running, Sink, Spec};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long after a pause nbdkit lets through what comes, in time of its rate.
const BURST_SECONDS: f64 = 0.1;
/// How many small reads tell the delay.
const READS: usize = 5;
/// The largest request that every server takes.
const LARGEST: u64 = 32 << 20;
/// What a request costs a busy host beside the delay.
const OVERHEAD: Duration = Duration::from_millis(5);

/// Which program it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    /// QEMU's own.
    QemuNbd,
    /// nbdkit, whose filters make it slow.
    Nbdkit,
}

impl Program {
    /// All, by the words of the key.
    pub const WORDS: [&str; 2] = ["qemu-nbd", "nbdkit"];

    /// The program of a word.
    pub fn parse(word: &str) -> Option<Program> {
        [Program::QemuNbd, Program::Nbdkit].into_iter().find(|program| program.word() == word)
    }

    /// Its name, which is the word of the key.
    pub fn word(self) -> &'static str {
        match self {
            Program::QemuNbd => "qemu-nbd",
            Program::Nbdkit => "nbdkit",
        }
    }

    /// The package of Debian that has it.
    pub fn package(self) -> &'static str {
        match self {
            Program::QemuNbd => "qemu-utils",
            Program::Nbdkit => "nbdkit",
        }
    }
}

/// What serves a disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Serve {
    /// The program.
    pub by: Program,
    /// How much longer each request takes, whole milliseconds; none with qemu-nbd.
    pub delay: Option<Duration>,
    /// Bits a second in both directions together; none with qemu-nbd.
    pub rate: Option<u64>,
}

impl Serve {
    /// What it is, for people and fingerprints.
    pub fn describe(&self) -> String {
        let delay = self.delay.map(|delay| format!(", {} ms later", delay.as_millis()));
        let rate = self.rate.map(|rate| format!(", {} Mbit/s at most", rate as f64 / 1e6));
        format!("{}{}{}", self.by.word(), delay.unwrap_or_default(), rate.unwrap_or_default())
    }

    fn spec(&self, disk: &Disk, file: &Path, socket: &Path) -> Spec {
        match self.by {
            Program::QemuNbd => {
                let (cache, aio) = (format!("--cache={}", disk.cache), format!("--aio={}", disk.aio));
                let spec = Spec::new(self.by.word()).args(["-t", "-e", "4", "-f", disk.format, &cache, &aio]);
                spec.arg("-k").arg(socket).arg(file)
            }
            Program::Nbdkit => {
                let mut spec = Spec::new(self.by.word()).args(["-f", "--log=stderr", "-U"]).arg(socket);
                spec = if self.delay.is_some() { spec.arg("--filter=delay") } else { spec };
                spec = if self.rate.is_some() { spec.arg("--filter=rate") } else { spec };
                let mut name = std::ffi::OsString::from("file=");
                name.push(file);
                spec = spec.arg("file").arg(name);
                if let Some(delay) = self.delay.map(|delay| delay.as_millis()) {
                    spec = spec.args([format!("rdelay={delay}ms"), format!("wdelay={delay}ms")]);
                }
                match self.rate {
                    Some(rate) => spec.args([format!("rate={rate}"), format!("burstiness={BURST_SECONDS}")]),
                    None => spec,
                }
            }
        }
    }

    /// Starts it before a disk's file on these CPUs, and measures it.
    pub(super) fn start(
        &self,
        disk: &Disk,
        file: &Path,
        socket: PathBuf,
        cpus: &[CpuId],
    ) -> Result<Server, DiskError> {
        let spec = self.spec(disk, file, &socket).cpus(cpus).stderr(Sink::Capture);
        let mut process = spec.start().map_err(|error| self.failed(&format!("starting it: {error}")))?;
        let until = Instant::now() + HOST_ANSWER;
        let mut client = loop {
            match Client::connect(&socket, HOST_ANSWER) {
                Ok(client) => break client,
                Err(_) if process.ended().is_some() => {
                    let said = process.stderr_tail();
                    return Err(self.failed(&format!("it ended at once: {}", edge::quoted(said.trim()))));
                }
                Err(error) if Instant::now() > until => {
                    return Err(self.failed(&format!("it is not reached: {error}")));
                }
                Err(_) => std::thread::sleep(Duration::from_millis(2)),
            }
        };
        let measured = self.measure(&mut client, disk.size);
        let measured = measured.map_err(|error| self.failed(&format!("reading from it: {error}")))?;
        match self.trouble(&measured) {
            Some(trouble) => Err(DiskError::Speed(trouble)),
            None => Ok(Server { _process: process, socket, measured }),
        }
    }

    fn failed(&self, what: &str) -> DiskError {
        DiskError::Server { program: self.by.word(), what: what.to_owned(), package: self.by.package() }
    }

    fn measure(&self, client: &mut Client, size: u64) -> std::io::Result<Measured> {
        let mut least = Duration::MAX;
        for _ in 0..READS {
            least = least.min(client.read(512)?);
        }
        let rate = match self.rate {
            None => None,
            Some(rate) => {
                let second = rate as f64 / 8.0;
                let free = second * BURST_SECONDS;
                let bytes = (second * 3.0 * BURST_SECONDS).min(LARGEST.min(size) as f64).floor();
                // What goes through at once tells nothing.
                if bytes < 2.0 * free {
                    None
                } else {
                    let took = client.read(bytes as u32)?.saturating_sub(least).as_secs_f64();
                    Some((bytes - free) * 8.0 / took.max(1e-6))
                }
            }
        };
        Ok(Measured { delay: least, rate })
    }

    /// How it differs from what was asked for.
    fn trouble(&self, measured: &Measured) -> Option<String> {
        let ms = |time: Duration| time.as_secs_f64() * 1e3;
        if let Some(delay) = self.delay {
            let fits = (delay.mul_f64(0.9)..=delay.mul_f64(1.5) + OVERHEAD).contains(&measured.delay);
            if !fits {
                return Some(format!(
                    "the disk is to answer {:.0} ms late (disk_delay), and the fastest of {READS} reads took {:.1} ms",
                    ms(delay),
                    ms(measured.delay)
                ));
            }
        }
        let (rate, seen) = self.rate.map(|rate| rate as f64).zip(measured.rate)?;
        let fits = (rate * 0.5..=rate * 1.5).contains(&seen);
        (!fits).then(|| {
            format!(
                "the disk is to give {:.1} Mbit/s (disk_rate), and gives {:.1} Mbit/s",
                rate / 1e6,
                seen / 1e6
            )
        })
    }
}

/// What was measured of a server before a guest saw it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measured {
    /// The fastest of some small reads.
    pub delay: Duration,
    /// Bits a second; `None` where no rate was asked for, or the disk is too small to see it.
    pub rate: Option<f64>,
}

impl Measured {
    /// For fingerprints.
    pub fn describe(&self) -> String {
        let rate = self.rate.map(|rate| format!(", {:.1} Mbit/s", rate / 1e6)).unwrap_or_default();
        format!("a read takes {:.2} ms{rate}", self.delay.as_secs_f64() * 1e3)
    }
}

/// A server that runs; it is gone with this.
#[derive(Debug)]
pub(super) struct Server {
    _process: Running,
    pub(super) socket: PathBuf,
    pub(super) measured: Measured,
}
