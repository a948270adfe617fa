//! A bisection: what came out, as text for a terminal, a mail to whoever looks after the code, and a page.
//!
//! Everything here is decided elsewhere ([`Bisected`] is filled by the command line); texts and pictures are made of it.

mod mail;
mod page;
mod words;

pub use mail::mail;
pub use page::page;
pub use words::{bar, text};

use model::Direction;
use serde::Serialize;

/// The version of [`Bisected`] as JSON.
///
/// Changelog: 1, the first.
pub const SCHEMA_VERSION: u32 = 1;

/// How it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// One commit, and the final comparison shows it.
    Named,
    /// One commit was likely; the final comparison does not show it.
    Unconfirmed,
    /// One of several: those between cannot be measured.
    Among,
    /// The budget is spent.
    Budget,
    /// The ends do not differ.
    NotReproduced,
    /// Both ends are one program.
    Same,
    /// An end does not build or boot.
    NoEnd,
    /// Boots gave no values any more.
    Futile,
    /// It was interrupted, and can go on.
    Unfinished,
}

/// What is known of a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// It was measured.
    Measured,
    /// It was built, and not measured.
    Built,
    /// It does not build.
    DoesNotBuild,
    /// It builds, and does not boot or gives no value.
    DoesNotBoot,
    /// It is the same program as one before it.
    Same,
    /// Nothing was done with it.
    Untouched,
}

/// A commit of the range.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BisectedCommit {
    /// Its hash.
    pub id: String,
    /// The first line of its message.
    pub subject: String,
    /// Who wrote it.
    pub author: String,
    /// Seconds since the epoch.
    pub time: i64,
    /// How likely it is the one; 0 for the good end.
    pub share: f64,
    /// What is known of it.
    pub standing: Standing,
    /// Its values in the order of rounds, as measured.
    pub values: Vec<f64>,
}

/// A comparison of two builds once a commit was named.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BisectedCheck {
    /// `final`, `revert` or `aligned`.
    pub check: String,
    /// `confirmed`, `host`, `open`, `not-applicable`.
    pub outcome: String,
    /// Why it was not measured.
    pub why: Option<String>,
    /// The change (a ratio less 1, or a difference), with its 99 % interval.
    pub change: Option<[f64; 3]>,
    /// p by the sequential rule.
    pub p: Option<f64>,
    /// Blocks.
    pub blocks: usize,
}

/// Whether the ends differ.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BisectedEnds {
    /// The change from good to bad (a ratio less 1, or a difference).
    pub change: f64,
    /// The paired t; none where every round gave the same.
    pub t: Option<f64>,
    /// What |t| has to reach.
    pub bar: Option<f64>,
    /// Rounds of both.
    pub rounds: usize,
}

/// A bisection as it stands.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Bisected {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// The version of perfvt.
    pub perfvt: String,
    /// How it stands.
    pub outcome: Outcome,
    /// The repository.
    pub repository: String,
    /// How commits were built.
    pub recipe: String,
    /// `GOOD..BAD`, as written.
    pub range: String,
    /// The row's id.
    pub row: String,
    /// Its unit.
    pub unit: String,
    /// Which way is better.
    pub direction: Option<Direction>,
    /// Whether changes are ratios less 1.
    pub is_ratio: bool,
    /// Where it was measured.
    pub machine: String,
    /// The range; the first is the good end, the last the bad one.
    pub commits: Vec<BisectedCommit>,
    /// Numbers of the commits that hold the one with a probability of .95.
    pub set: Vec<usize>,
    /// The number of the commit that is named or most likely.
    pub likeliest: Option<usize>,
    /// By how much it moves the row, by all rounds (a ratio less 1, or a difference).
    pub change: Option<f64>,
    /// The ends.
    pub ends: Option<BisectedEnds>,
    /// What was measured beside.
    pub checks: Vec<BisectedCheck>,
    /// Rounds.
    pub rounds: usize,
    /// Boots.
    pub boots: u32,
    /// Builds that took time.
    pub builds: u32,
    /// Seconds of both.
    pub seconds: f64,
    /// Seconds that there were.
    pub budget_seconds: f64,
    /// The command line.
    pub command: Vec<String>,
}

impl Bisected {
    /// The commit that is named or most likely.
    pub fn commit(&self) -> Option<&BisectedCommit> {
        self.commits.get(self.likeliest?)
    }

    /// The commit before it.
    pub fn parent(&self) -> Option<&BisectedCommit> {
        self.commits.get(self.likeliest?.checked_sub(1)?)
    }

    /// The final comparison.
    pub fn last(&self) -> Option<&BisectedCheck> {
        self.checks.iter().find(|check| check.check == "final" && check.change.is_some())
    }
}
