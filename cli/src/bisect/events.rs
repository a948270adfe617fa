//! What a bisection does, as its journal has it.

use model::Direction;
use serde::{Deserialize, Serialize};

/// What a commit failed at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// It does not build.
    Build,
    /// It was built, and no boot of it gave a value.
    Boot,
}

/// The row that is followed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RowFacts {
    /// Its id.
    pub id: String,
    /// The unit.
    pub unit: String,
    /// Which way is better.
    pub direction: Direction,
    /// Whether changes are ratios: values below are logarithms.
    pub log: bool,
    /// What it ran on.
    pub machine: String,
}

/// The value of a commit in a round.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Value {
    /// The commit's number in the range.
    pub commit: usize,
    /// On the row's scale; none where no boot of it gave one.
    pub value: Option<f64>,
    /// Why it can never be measured, where that came out now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dead: Option<String>,
}

/// What a blocked campaign of two builds said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Judged {
    /// `confirmed`, `host` (they are alike) or `open`; `not-applicable` where it could not be measured.
    pub outcome: String,
    /// Why it could not be measured.
    pub why: Option<String>,
    /// The mean difference on the row's scale, with its 99 % interval.
    pub estimate: Option<[f64; 3]>,
    /// p by the sequential rule.
    pub p: Option<f64>,
    /// Blocks.
    pub blocks: usize,
}

/// What was done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Event {
    /// Which row it is, known since the first round.
    Row(RowFacts),
    /// A commit was built, or had been.
    Built {
        /// Its number.
        commit: usize,
        /// The hash of what came out.
        hash: String,
        /// How long it took now, in seconds.
        seconds: f64,
    },
    /// A commit can never be measured.
    Broken {
        /// Its number.
        commit: usize,
        /// What it fails at.
        stage: Stage,
        /// Why, in a line.
        why: String,
    },
    /// A round begins.
    Began {
        /// Its commits; the good end first.
        commits: Vec<usize>,
        /// The folder of its campaign.
        folder: String,
    },
    /// The round that began last has ended.
    Measured {
        /// Its values.
        values: Vec<Value>,
        /// How long it took, in seconds.
        seconds: f64,
    },
    /// A campaign of two builds begins.
    Judging {
        /// Which check: `final`, `revert` or `aligned`.
        check: String,
        /// The folder of its campaign.
        folder: String,
    },
    /// It has ended.
    Judged {
        /// Which check.
        check: String,
        /// What it said.
        said: Judged,
        /// Boots.
        boots: u32,
        /// How long it took, in seconds.
        seconds: f64,
    },
}
