//! Why something has no value: a closed set of codes, each with a sentence for people.
//!
//! The code is what programs count and filter by; the reason quotes what was seen. Both are stored with every invalid
//! cell (`measurements.jsonl`) and in the journal.

use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;

/// No reason is longer than this, in bytes: a guest may say a gigabyte, and every reason is stored once a metric.
pub const LONGEST_REASON: usize = 1000;

/// A part of a campaign with a deadline of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// The guest's image is built or checked.
    Image,
    /// From exec to the guest's first word.
    Boot,
    /// The workload's server and files are made ready, once a boot.
    Prepare,
    /// The tool runs, and the window is not open yet.
    WarmUp,
    /// The window is open, or about to close.
    Measure,
    /// Results are taken out of the guest.
    Fetch,
    /// The guest is ended.
    Shutdown,
}

/// Why something has no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum Code {
    /// The guest does not answer, and nothing says why.
    Hang,
    /// The guest's kernel panicked.
    Panic,
    /// perfvt's own guest gave up while it set itself up: its kernel lacks a driver, or does not do what it should.
    SetUp,
    /// The guest's kernel complained of a bug of its own and went on.
    Oops,
    /// QEMU is gone before its time.
    EarlyExit,
    /// The guest has written more to its console or its debug port than the host is willing to keep.
    ConsoleFlood,
    /// QEMU paused the guest, or told it of an error, because a disk could not be read or written.
    IoError,
    /// The guest's image, the layer above it or a disk of its is corrupt, as qemu-img has found when the guest had ended.
    ImageCorrupt,
    /// A file system in the guest is full.
    GuestNoSpace,
    /// A file system of the host is full.
    HostNoSpace,
    /// The command channel or the monitor cannot be used.
    ChannelBroken,
    /// A tool ended with an error, or did not do what it was started for.
    ToolFailed,
    /// A tool's output is not what it should be.
    ToolNonsense,
    /// Guest and client do not reach one another.
    NetworkLost,
    /// A link between guests is slower or faster, or loses more or less, than was asked of it.
    LinkMismatch,
    /// The guest wrote its memory faster than it could move to another QEMU.
    NotConverged,
    /// The guest could not move to another QEMU, and stayed where it was.
    MigrationFailed,
    /// The guest moved to another QEMU, and has answered nobody since.
    SilentAfterMove,
    /// The load of a neighbour did not begin, did nothing or ended within a case.
    NeighbourIdle,
    /// The time of day moved against the monotonic clock within a window.
    ClockJumped,
    /// The host slept within a window.
    HostSuspended,
    /// A deadline passed.
    Deadline(Phase),
    /// Threads or memory were not where the plan puts them.
    Misplaced,
    /// The host was not quiet enough.
    Noisy,
    /// The host did not boot with the kernel that it was to have: the old one is back.
    HostKernel,
    /// The host lacks something, or the request cannot be carried out on it.
    Host,
    /// Nothing of the campaign succeeded, so it was stopped.
    GivenUp,
    /// A code of a newer perfvt.
    Unknown,
}

/// What a failure spoils.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// One sample; the guest goes on.
    Sample,
    /// The guest, and everything that was still to be measured in it. Another boot may fare better.
    Guest,
    /// The host: no guest of any environment would fare better until somebody mends it.
    Host,
}

/// Every code with its word in files.
const WORDS: [(Code, &str); 34] = [
    (Code::Hang, "hang"),
    (Code::Panic, "panic"),
    (Code::SetUp, "set-up"),
    (Code::Oops, "oops"),
    (Code::EarlyExit, "early-exit"),
    (Code::ConsoleFlood, "console-flood"),
    (Code::IoError, "io-error"),
    (Code::ImageCorrupt, "image-corrupt"),
    (Code::GuestNoSpace, "guest-no-space"),
    (Code::HostNoSpace, "host-no-space"),
    (Code::ChannelBroken, "channel-broken"),
    (Code::ToolFailed, "tool-failed"),
    (Code::ToolNonsense, "tool-nonsense"),
    (Code::NetworkLost, "network-lost"),
    (Code::LinkMismatch, "link-mismatch"),
    (Code::NotConverged, "not-converged"),
    (Code::MigrationFailed, "migration-failed"),
    (Code::SilentAfterMove, "silent-after-move"),
    (Code::NeighbourIdle, "neighbour-idle"),
    (Code::ClockJumped, "clock-jumped"),
    (Code::HostSuspended, "host-suspended"),
    (Code::Deadline(Phase::Image), "deadline-image"),
    (Code::Deadline(Phase::Boot), "deadline-boot"),
    (Code::Deadline(Phase::Prepare), "deadline-prepare"),
    (Code::Deadline(Phase::WarmUp), "deadline-warm-up"),
    (Code::Deadline(Phase::Measure), "deadline-measure"),
    (Code::Deadline(Phase::Fetch), "deadline-fetch"),
    (Code::Deadline(Phase::Shutdown), "deadline-shutdown"),
    (Code::Misplaced, "misplaced"),
    (Code::Noisy, "noisy"),
    (Code::HostKernel, "host-kernel"),
    (Code::Host, "host"),
    (Code::GivenUp, "given-up"),
    (Code::Unknown, "unknown"),
];

impl Code {
    /// All codes, in the order in which they are documented.
    pub fn all() -> impl Iterator<Item = Code> {
        WORDS.into_iter().map(|(code, _)| code)
    }

    /// The word in files.
    pub fn word(self) -> &'static str {
        WORDS.iter().find(|(code, _)| *code == self).map_or("unknown", |(_, word)| word)
    }

    /// What a failure of this kind spoils.
    pub fn scope(self) -> Scope {
        match self {
            Code::Hang
            | Code::Panic
            | Code::SetUp
            | Code::Oops
            | Code::EarlyExit
            | Code::ConsoleFlood
            | Code::IoError
            | Code::ChannelBroken
            | Code::NetworkLost
            | Code::HostKernel
            | Code::SilentAfterMove
            | Code::Deadline(Phase::Boot | Phase::Prepare | Phase::Shutdown)
            | Code::Unknown => Scope::Guest,
            Code::HostNoSpace | Code::Host | Code::GivenUp | Code::Deadline(Phase::Image) => Scope::Host,
            Code::ImageCorrupt
            | Code::GuestNoSpace
            | Code::ToolFailed
            | Code::ToolNonsense
            | Code::LinkMismatch
            | Code::NotConverged
            | Code::MigrationFailed
            | Code::NeighbourIdle
            | Code::ClockJumped
            | Code::HostSuspended
            | Code::Deadline(Phase::WarmUp | Phase::Measure | Phase::Fetch)
            | Code::Misplaced
            | Code::Noisy => Scope::Sample,
        }
    }

    /// Whether it tells that a guest died or cannot be used any more, by no fault of a tool.
    pub fn ends_a_guest(self) -> bool {
        matches!(
            self,
            Code::Panic
                | Code::SetUp
                | Code::Oops
                | Code::Hang
                | Code::EarlyExit
                | Code::IoError
                | Code::SilentAfterMove
        )
    }

    /// Whether the surroundings spoiled a sample and not what was measured: then the same guest measures it again.
    pub fn is_passing(self) -> bool {
        matches!(self, Code::ClockJumped | Code::HostSuspended | Code::Noisy)
    }

    /// Whether it is a failure of what is measured, of a guest or of a tool, and so an outcome of it. What the host, its
    /// surroundings, neighbours or perfvt's own placement and links did is none.
    pub fn is_outcome(self) -> bool {
        self.scope() != Scope::Host
            && !self.is_passing()
            && !matches!(self, Code::Misplaced | Code::LinkMismatch | Code::NeighbourIdle)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl From<String> for Code {
    fn from(word: String) -> Code {
        WORDS.iter().find(|(_, known)| *known == word).map_or(Code::Unknown, |(code, _)| *code)
    }
}

impl From<Code> for String {
    fn from(code: Code) -> String {
        code.word().to_owned()
    }
}

/// A reason of at most [`LONGEST_REASON`] bytes; `…` stands for the rest of a longer one.
pub fn bounded(reason: impl Into<String>) -> String {
    edge::text::bounded(reason.into(), LONGEST_REASON)
}

/// Reads a reason out of a file, which may be of a time when nothing bounded them.
pub(crate) fn read_reason<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    String::deserialize(from).map(bounded)
}

/// The same where there may be none.
pub(crate) fn read_reason_if_any<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    Ok(Option::<String>::deserialize(from)?.map(bounded))
}

/// A code with what was seen, in a lowercase sentence. Only [`Failure::new`] makes one, which keeps the sentence short.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Failure {
    /// What kind of failure it is.
    pub code: Code,
    /// What was seen, in at most [`LONGEST_REASON`] bytes.
    pub reason: String,
}

impl Failure {
    /// A failure of a kind.
    pub fn new(code: Code, reason: impl Into<String>) -> Failure {
        Failure { code, reason: bounded(reason) }
    }

    /// A tool ended with an error, or did not do what it was started for: this sample has no values, the guest goes on.
    pub fn tool(reason: impl Into<String>) -> Failure {
        Failure::new(Code::ToolFailed, reason)
    }

    /// A tool's output is not what it should be.
    pub fn nonsense(reason: impl Into<String>) -> Failure {
        Failure::new(Code::ToolNonsense, reason)
    }

    /// What it spoils.
    pub fn scope(&self) -> Scope {
        self.code.scope()
    }

    /// The same failure, a passed deadline being that of a phase.
    pub fn during(mut self, phase: Phase) -> Failure {
        if let Code::Deadline(_) = self.code {
            self.code = Code::Deadline(phase);
        }
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl std::error::Error for Failure {}

/// One attempt that failed, as an outcome of what is measured: whatever a later attempt came to, this one is not forgotten.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedAttempt {
    /// Repeat, from 1, within the environment.
    pub repeat: u32,
    /// Block, from 1.
    pub block: u32,
    /// Attempt, from 1: one more than boots of the repeat had failed before.
    pub attempt: u32,
    /// Name of the boot.
    pub boot: String,
    /// [`crate::Case::id`] of the case in which it failed; `None` when the guest failed outside any case, for example while it
    /// booted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub case: Option<String>,
    /// What kind of failure it was, one for which [`Code::is_outcome`] holds; `None` from journals of before there were codes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<Code>,
    /// What was seen, in at most [`LONGEST_REASON`] bytes.
    #[serde(deserialize_with = "read_reason")]
    pub reason: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_host_did_is_no_outcome() {
        let outcomes =
            [Code::Panic, Code::ToolFailed, Code::Deadline(Phase::Boot), Code::GuestNoSpace, Code::Unknown];
        assert!(outcomes.into_iter().all(Code::is_outcome));
        let others =
            [Code::Host, Code::HostNoSpace, Code::GivenUp, Code::Noisy, Code::ClockJumped, Code::Misplaced];
        assert!(!others.into_iter().any(Code::is_outcome));
    }

    #[test]
    fn every_code_has_one_word_and_reads_back() {
        for code in Code::all() {
            let text = serde_json::to_string(&code).unwrap();
            assert_eq!(text, format!("\"{}\"", code.word()));
            assert_eq!(serde_json::from_str::<Code>(&text).unwrap(), code);
        }
        let words: std::collections::BTreeSet<&str> = Code::all().map(Code::word).collect();
        assert_eq!(words.len(), WORDS.len());
        assert_eq!(serde_json::from_str::<Code>("\"of-tomorrow\"").unwrap(), Code::Unknown);
    }

    #[test]
    fn no_reason_is_longer_than_a_screen_and_none_is_cut_within_a_character() {
        let short = "x".repeat(LONGEST_REASON);
        assert_eq!(Failure::tool(short.clone()).reason, short);
        for lead in 0..4 {
            let long = format!("{}{}", "y".repeat(lead), "ü∞".repeat(300_000));
            let reason = Failure::tool(long.clone()).reason;
            assert!(reason.len() <= LONGEST_REASON && reason.len() > LONGEST_REASON - 8, "{}", reason.len());
            assert!(long.starts_with(reason.strip_suffix('…').unwrap()));
        }
    }

    #[test]
    fn only_a_deadline_takes_on_a_phase() {
        let late = Failure::new(Code::Deadline(Phase::Measure), "late").during(Phase::Prepare);
        assert_eq!(late.code, Code::Deadline(Phase::Prepare));
        assert_eq!(Failure::tool("x").during(Phase::Prepare).code, Code::ToolFailed);
    }
}
