//! The guard of a campaign's samples: whether the host was quiet ([`vm::host::noise`]).

use super::hooks::{Guard, Sample};
use crate::lab::{Failed, keep};
use model::noise::{Breach, Canary, SAMPLE_NOISE_FILE, SAMPLE_NOISE_FORMAT, SampleNoise};
use model::{Code, Params, ParamsError};
use std::time::{Duration, Instant};
use vm::host::noise::{ELSEWHERE, Limits, Reader, Reading, Watched, canary, quiet, sample};

/// How long a look at the host takes before a sample.
const LOOK: Duration = Duration::from_secs(1);
/// Looks at the run queue within [`LOOK`].
const LOOKS: u32 = 10;

/// What is done about noise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Nothing: no reading is taken.
    Off,
    /// Nothing is waited for; samples are watched, and noisy ones are counted in every report.
    Warn,
    /// The host must be quiet before each sample; a noisy sample is taken again, and in the end invalid.
    Strict,
}

impl Mode {
    /// The words of the parameter `noise`.
    pub const WORDS: [&'static str; 4] = ["auto", "off", "warn", "strict"];

    /// Reads the parameter. `auto` is strict where KVM executes guests, and warn elsewhere: under emulation the guest
    /// itself is the noise.
    ///
    /// # Errors
    /// Another word.
    pub fn of(params: &Params, kvm: bool) -> Result<Mode, ParamsError> {
        Ok(match params.choice("noise", &Mode::WORDS)? {
            "off" => Mode::Off,
            "warn" => Mode::Warn,
            "strict" => Mode::Strict,
            _ if kvm => Mode::Strict,
            _ => Mode::Warn,
        })
    }

    fn word(self) -> &'static str {
        match self {
            Mode::Off => "off",
            Mode::Warn => "warn",
            Mode::Strict => "strict",
        }
    }
}

/// Waits for a quiet host, watches samples, and judges them.
pub struct NoiseGuard {
    reader: Reader,
    limits: Limits,
    kvm: bool,
    /// How long a look takes.
    look: Duration,
    /// The lowest temperature seen so far.
    coolest: Option<f64>,
    /// Samples so far.
    samples: u32,
    /// What was found before the sample in hand.
    before: Option<Before>,
    /// Whether somebody asked for an end.
    stopping: Box<dyn Fn() -> bool>,
}

struct Before {
    watched: Watched,
    reading: Reading,
    waited: Duration,
    canary: Option<Canary>,
}

impl NoiseGuard {
    /// A guard that reads the host with `reader`. `kvm` decides what `noise=auto` means.
    pub fn new(reader: Reader, limits: Limits, kvm: bool) -> NoiseGuard {
        NoiseGuard {
            reader,
            limits,
            kvm,
            look: LOOK,
            coolest: None,
            samples: 0,
            before: None,
            stopping: Box::new(|| false),
        }
    }

    /// Looks for this long at a time.
    pub fn looking_for(mut self, look: Duration) -> NoiseGuard {
        self.look = look;
        self
    }

    /// Asks this while it waits.
    pub fn stopping(mut self, stopping: impl Fn() -> bool + 'static) -> NoiseGuard {
        self.stopping = Box::new(stopping);
        self
    }

    /// One look at the host: what keeps it from being quiet.
    fn look(&mut self, watched: &Watched) -> Vec<Breach> {
        let before = self.reader.read(watched);
        let mut running = Vec::new();
        for _ in 0..LOOKS {
            std::thread::sleep(self.look / LOOKS);
            running.extend(self.reader.running());
        }
        let after = self.reader.read(watched);
        if let Some(now) = after.celsius {
            self.coolest = Some(self.coolest.map_or(now, |coolest| coolest.min(now)));
        }
        let average =
            (!running.is_empty()).then(|| running.iter().sum::<u64>() as f64 / running.len() as f64);
        quiet(&before, &after, average, self.coolest, &self.limits)
    }

    /// Waits until the host is quiet. A host that does not become quiet stops the campaign: measuring on would only
    /// make noise of it, and it can be resumed.
    fn wait(&mut self, watched: &Watched, bound: Duration) -> Result<Duration, Failed> {
        let begun = Instant::now();
        let mut waited = Duration::ZERO;
        loop {
            let loud = self.look(watched);
            if loud.is_empty() {
                // The last look is the price of knowing; what came before was waiting.
                return Ok(waited);
            }
            waited = begun.elapsed();
            if (self.stopping)() {
                // The cell stays planned: a resumed campaign measures it.
                return Err(Failed::new(
                    Code::Host,
                    "interrupted while waiting for a quiet host; perfvt resume goes on",
                ));
            }
            if waited >= bound {
                let what: Vec<&str> = loud.iter().map(|b| b.text.as_str()).collect();
                return Err(Failed::new(
                    Code::Host,
                    format!(
                        "the host was not quiet within {} s: {}; stop other work and resume, wait longer (noise_wait), or \
                         measure in spite of it (noise=warn)",
                        bound.as_secs(),
                        what.join("; ")
                    ),
                ));
            }
        }
    }
}

fn wrong(error: ParamsError) -> Failed {
    Failed::new(Code::Host, error.to_string())
}

/// A number that campaigns from before this parameter do not have.
fn number(params: &Params, key: &str, default: u64) -> Result<u64, Failed> {
    match params.get(key) {
        None => Ok(default),
        Some(_) => params.number(key, 0, "a number, 0 or more").map_err(wrong),
    }
}

/// What a campaign does about noise; one from before there was the parameter does nothing.
fn mode(params: &Params, kvm: bool) -> Result<Mode, Failed> {
    if params.get("noise").is_none() { Ok(Mode::Off) } else { Mode::of(params, kvm).map_err(wrong) }
}

impl Guard for NoiseGuard {
    fn before(&mut self, sample: &mut Sample<'_>) -> Result<Duration, Failed> {
        self.before = None;
        let mode = mode(sample.params, self.kvm)?;
        if mode == Mode::Off {
            return Ok(Duration::ZERO);
        }
        let watched = sample.lab.watched();
        let mut waited = Duration::ZERO;
        if mode == Mode::Strict {
            let bound = Duration::from_secs(number(sample.params, "noise_wait", 300)?);
            waited = self.wait(&watched, bound)?;
        }
        let every = number(sample.params, "canary", 0)?;
        let due = every > 0 && u64::from(self.samples) % every == 0;
        // On a CPU that is not a vCPU's, so that nothing of the guest is disturbed, and the same in every sample.
        let canary = due.then(|| canary(watched.others.first().copied()));
        self.samples = self.samples.wrapping_add(1);
        let reading = self.reader.read(&watched);
        self.before = Some(Before { watched, reading, waited, canary });
        Ok(waited)
    }

    fn after(&mut self, of: &mut Sample<'_>) -> Result<(), Failed> {
        let Some(before) = self.before.take() else { return Ok(()) };
        let mode = mode(of.params, self.kvm)?;
        let after = self.reader.read(&before.watched);
        let breaches = sample(&before.reading, &after, &before.watched, &self.limits);
        let file = SampleNoise {
            format: SAMPLE_NOISE_FORMAT,
            mode: mode.word().to_owned(),
            waited_s: before.waited.as_secs_f64(),
            seconds: after.mono_ns.saturating_sub(before.reading.mono_ns) as f64 * 1e-9,
            breaches,
            canary: before.canary,
        };
        let text = serde_json::to_string_pretty(&file)
            .map_err(|e| Failed::new(Code::Host, format!("writing {SAMPLE_NOISE_FILE}: {e}")))?;
        keep(of.raw, SAMPLE_NOISE_FILE, &text)?;
        if let Some(stray) = file.breaches.iter().find(|b| b.what == ELSEWHERE) {
            return Err(Failed::new(Code::Misplaced, format!("placement did not hold: {}", stray.text)));
        }
        if mode == Mode::Strict && !file.breaches.is_empty() {
            let what: Vec<&str> = file.breaches.iter().map(|b| b.text.as_str()).collect();
            return Err(Failed::new(Code::Noisy, format!("the host was not quiet: {}", what.join("; "))));
        }
        Ok(())
    }
}
