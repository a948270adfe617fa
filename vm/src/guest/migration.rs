//! A guest that moves from one QEMU to another while it runs: what is asked for, and what QEMU tells of it (QEMU's
//! `qapi/migration.json`). [`super::machine::Machine::migrate`] does it.

use super::network::Probe;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::time::Duration;

/// How the guest's memory moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Memory moves while the guest runs, again and again what it has written since, and the rest while it stands.
    Precopy,
    /// The guest runs in the destination before all of its memory is there, and what it misses is fetched.
    Postcopy,
    /// Precopy over several connections.
    Multifd,
    /// Precopy that sends what has changed in a page.
    Xbzrle,
    /// Precopy that slows the guest's vCPUs down while it does not converge.
    AutoConverge,
    /// Precopy that slows down those vCPUs that write much.
    DirtyLimit,
}

impl Mode {
    /// All, in the order in which they are documented.
    pub const ALL: [Mode; 6] =
        [Mode::Precopy, Mode::Postcopy, Mode::Multifd, Mode::Xbzrle, Mode::AutoConverge, Mode::DirtyLimit];
    /// Their words.
    pub const WORDS: [&'static str; 6] =
        ["precopy", "postcopy", "multifd", "xbzrle", "auto-converge", "dirty-limit"];

    /// The word in files and on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Mode::Precopy => "precopy",
            Mode::Postcopy => "postcopy",
            Mode::Multifd => "multifd",
            Mode::Xbzrle => "xbzrle",
            Mode::AutoConverge => "auto-converge",
            Mode::DirtyLimit => "dirty-limit",
        }
    }

    /// By its word.
    pub fn parse(word: &str) -> Option<Mode> {
        Mode::ALL.into_iter().find(|mode| mode.word() == word)
    }

    /// What QEMU calls it among its capabilities; precopy is what it does without any.
    pub fn capability(self) -> Option<&'static str> {
        match self {
            Mode::Precopy => None,
            Mode::Postcopy => Some("postcopy-ram"),
            mode => Some(mode.word()),
        }
    }

    /// Whether the destination has to be told, too.
    pub fn is_of_both(self) -> bool {
        matches!(self, Mode::Postcopy | Mode::Multifd)
    }
}

/// The way between the two QEMUs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// A pair of unix sockets that both get opened.
    Unix,
    /// TCP over the loopback.
    Tcp {
        /// Bits a second of the link between them; 0 is no bound.
        rate: u64,
        /// How long everything is on its way, in each direction.
        delay: Duration,
    },
}

impl Route {
    /// The word in files.
    pub fn word(self) -> &'static str {
        match self {
            Route::Unix => "unix",
            Route::Tcp { .. } => "tcp",
        }
    }
}

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Migration {
    /// How memory moves.
    pub mode: Mode,
    /// Over what.
    pub route: Route,
    /// Bits a second that QEMU itself sends at most; 0 is no bound.
    pub bandwidth: u64,
    /// For how long QEMU may let the guest stand, as it reckons.
    pub downtime_limit: Duration,
    /// Connections of [`Mode::Multifd`].
    pub channels: u32,
    /// So many passes over memory are complete before [`Mode::Postcopy`] lets the guest go in the destination.
    pub postcopy_after: u64,
    /// One that takes longer does not converge: it is cancelled.
    pub limit: Duration,
    /// When it is cancelled although nothing is wrong.
    pub cancel_after: Option<Duration>,
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ended {
    /// The guest runs in the destination.
    Completed,
    /// It would have gone on for ever: the guest writes faster than its memory moves. It runs in the source.
    NotConverged,
    /// It was cancelled as it was asked for. The guest runs in the source.
    Cancelled,
    /// QEMU gave up, or the destination was gone. The guest runs in the source.
    Failed,
}

/// What QEMU said while it went on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// When it was asked, nanoseconds since the epoch.
    pub unix_ns: u64,
    /// Bytes sent so far.
    pub sent: u64,
    /// Bytes that are still to be sent.
    pub remaining: u64,
    /// Mbit/s at present, as QEMU reckons.
    pub mbps: f64,
    /// Passes over memory that have begun.
    pub rounds: u64,
    /// Pages that the guest has written in a second.
    pub dirty_pages_rate: u64,
    /// The part of their time, in percent, for which QEMU keeps the vCPUs from running ([`Mode::AutoConverge`]).
    #[serde(default)]
    pub throttle: u64,
}

impl Sample {
    /// Out of what `query-migrate` returns.
    pub fn of(told: &Value, unix_ns: u64) -> Sample {
        let number = |name: &str| told.pointer(&format!("/ram/{name}"));
        let whole = |name: &str| number(name).and_then(Value::as_u64).unwrap_or_default();
        Sample {
            unix_ns,
            sent: whole("transferred"),
            remaining: whole("remaining"),
            mbps: number("mbps").and_then(Value::as_f64).filter(|mbps| mbps.is_finite()).unwrap_or_default(),
            rounds: whole("dirty-sync-count"),
            dirty_pages_rate: whole("dirty-pages-rate"),
            throttle: told.get("cpu-throttle-percentage").and_then(Value::as_u64).unwrap_or_default(),
        }
    }
}

/// What is known of a migration that has ended. Times are nanoseconds since the epoch, by the clock of this host.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The word of its mode.
    pub mode: String,
    /// The word of its route.
    pub route: String,
    /// How it ended.
    pub ended: Ended,
    /// Why, where it did not complete.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When the source was told to begin.
    pub begun_ns: u64,
    /// The same by the monotonic clock.
    pub begun_mono_ns: u64,
    /// When it was known how it ended.
    pub ended_ns: u64,
    /// QEMU's event STOP in the source: the guest stands. The last one, if there was one.
    pub stop_ns: Option<u64>,
    /// QEMU's event RESUME behind that: in the destination, or in the source where the guest stayed.
    pub resume_ns: Option<u64>,
    /// When the network was told where the guest is from now on, as the observer heard it: behind [`Record::stop_ns`].
    #[serde(default)]
    pub announced_ns: Option<u64>,
    /// CPU time of the source's QEMU meanwhile, in nanoseconds.
    pub source_cpu_ns: Option<u64>,
    /// That of the destination's.
    pub destination_cpu_ns: Option<u64>,
    /// Versions of the two QEMUs.
    pub versions: [String; 2],
    /// QEMU's migration capabilities that were on.
    pub capabilities: Vec<String>,
    /// QEMU's migration parameters, as the source gave them.
    pub parameters: Value,
    /// The last that the source's `query-migrate` returned, whole.
    pub told: Value,
    /// What it said before.
    pub samples: Vec<Sample>,
}

impl Record {
    /// A number of what QEMU told at the end.
    pub fn number(&self, name: &str) -> Option<f64> {
        self.told.pointer(&format!("/{name}")).and_then(Value::as_f64).filter(|number| number.is_finite())
    }

    /// Keeps when the network was first told behind the stop where the guest is; `announced` is all that was heard.
    pub fn heard(&mut self, announced: &[u64]) {
        let since = self.stop_ns.filter(|_| self.ended == Ended::Completed);
        self.announced_ns = since.and_then(|since| announced.iter().copied().find(|at| *at >= since));
    }

    /// The most by which QEMU slowed the vCPUs down, in percent; 0 where it did not.
    pub fn throttle_percent(&self) -> u64 {
        self.samples.iter().map(|sample| sample.throttle).max().unwrap_or_default()
    }

    /// From STOP to RESUME, in milliseconds.
    pub fn stood_ms(&self) -> Option<f64> {
        Some(self.resume_ns?.checked_sub(self.stop_ns?)? as f64 * 1e-6)
    }
}

/// A time in which a guest was silent: from when the last question left that it had answered until its next answer came.
/// So it is never shorter than the guest stood: that question was answered before, and the next answer is given behind. It is
/// longer by the way there and back, and by up to [`super::network::OBSERVED_EVERY`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Silence {
    /// When it began, nanoseconds since the epoch.
    pub from_ns: u64,
    /// When it ended.
    pub to_ns: u64,
}

impl Silence {
    /// The longest in what an observer saw; `None` where fewer than two answers came.
    pub fn longest(probes: &[Probe]) -> Option<Silence> {
        let mut answered: Vec<(u64, u64)> =
            probes.iter().filter_map(|probe| Some((probe.answered_ns?, probe.sent_ns))).collect();
        answered.sort_unstable();
        let (_, mut last) = *answered.first()?;
        let mut longest: Option<Silence> = None;
        for (answered_ns, sent_ns) in answered.into_iter().skip(1) {
            let silence = Silence { from_ns: last.min(answered_ns), to_ns: answered_ns };
            if longest.is_none_or(|known| silence.ns() > known.ns()) {
                longest = Some(silence);
            }
            last = last.max(sent_ns);
        }
        longest
    }

    /// How long it was, in nanoseconds.
    pub fn ns(self) -> u64 {
        self.to_ns.saturating_sub(self.from_ns)
    }

    /// The same in milliseconds.
    pub fn ms(self) -> f64 {
        self.ns() as f64 * 1e-6
    }
}

/// So many questions in a row have to be answered as before ..
const IN_A_ROW: usize = 50;
/// .. but for so many of them.
const BUT_FOR: usize = 5;

/// From when the guest went on until it answered as quickly as before it moved, in nanoseconds: to the first of 50 questions in a row of
/// which 45 are answered, and whose median is at most twice that of before. `None` where that has not come.
pub fn recovery_ns(probes: &[Probe], begun_ns: u64, resume_ns: u64) -> Option<u64> {
    let took = |probe: &Probe| Some(probe.answered_ns?.saturating_sub(probe.sent_ns));
    let before = median(probes.iter().filter(|probe| probe.sent_ns < begun_ns).filter_map(took).collect())?;
    let behind: Vec<&Probe> = probes.iter().filter(|probe| probe.sent_ns >= resume_ns).collect();
    let well = behind.windows(IN_A_ROW).find(|row| {
        let answers: Vec<u64> = row.iter().copied().filter_map(took).collect();
        answers.len() >= IN_A_ROW - BUT_FOR
            && median(answers).is_some_and(|now| now <= before.saturating_mul(2))
    });
    Some(well?.first()?.sent_ns - resume_ns)
}

fn median(mut all: Vec<u64>) -> Option<u64> {
    all.sort_unstable();
    all.get(all.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_silence_begins_with_the_last_question_that_was_answered_before_it() {
        let probe = |sent_ns, answered_ns| Probe { sent_ns, answered_ns };
        // The guest stands from 25 to 60: what was asked meanwhile is answered behind that, or never.
        let probes = [
            probe(10, Some(11)),
            probe(20, Some(24)),
            probe(30, Some(63)),
            probe(40, None),
            probe(50, Some(64)),
            probe(62, Some(65)),
        ];
        assert_eq!(Silence::longest(&probes), Some(Silence { from_ns: 20, to_ns: 63 }));
        assert_eq!(Silence::longest(&probes[..1]), None);
        let at = |n: u64, took: u64| probe(n * 10, Some(n * 10 + took));
        let before = (0..20).map(|n| at(n, 3));
        let all: Vec<Probe> =
            before.chain((40..70).map(|n| at(n, 9))).chain((70..150).map(|n| at(n, 4))).collect();
        // 25 of the first 50 that are quick enough in the middle begin at 46.
        let recovery = recovery_ns(&all, 200, 400).unwrap();
        assert!((50..=70).contains(&recovery), "{recovery}");
        assert_eq!(recovery_ns(&all[..50], 200, 400), None);
        assert_eq!(Silence::longest(&[]), None);
    }
    use serde_json::json;

    #[test]
    fn modes_are_their_words_in_order() {
        assert_eq!(Mode::ALL.map(Mode::word), Mode::WORDS);
        assert_eq!(Mode::WORDS.map(|word| Mode::parse(word).unwrap()), Mode::ALL);
        assert_eq!(Mode::parse("all"), None);
    }

    #[test]
    fn what_qemu_does_not_tell_is_nothing() {
        let told = json!({"cpu-throttle-percentage": 40, "ram": {"transferred": 7, "mbps": 1.5, "dirty-sync-count": 3, "remaining": "x"}});
        let sample = Sample { unix_ns: 1, sent: 7, mbps: 1.5, rounds: 3, throttle: 40, ..Sample::default() };
        assert_eq!(Sample::of(&told, 1), sample);
        assert_eq!(Sample::of(&json!({}), 1), Sample { unix_ns: 1, ..Sample::default() });
    }
}
