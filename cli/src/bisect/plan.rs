//! What a bisection is of: written once, before anything is built.

use builds::Commit;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// The version of [`Plan`] and of the events beside it.
pub const FORMAT: u32 = 1;

/// `bisect.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// [`FORMAT`].
    pub format: u32,
    /// The version of the perfvt that began it.
    pub perfvt: String,
    /// Seconds since the epoch at which it began.
    pub created: i64,
    /// The repository.
    pub repository: PathBuf,
    /// The recipe's name.
    pub recipe: String,
    /// `GOOD..BAD`, as written.
    pub range: String,
    /// The good end, what lies between, the bad end.
    pub commits: Vec<Commit>,
    /// How likely each commit behind the good end was before anything was measured, relative to one another.
    pub weights: Vec<f64>,
    /// Which row, as written.
    pub row: String,
    /// The words of `perfvt run` that measure it.
    pub measuring: Vec<String>,
    /// Of the orders within rounds.
    pub seed: u64,
}

impl Plan {
    /// The number of the bad end.
    pub fn last(&self) -> usize {
        self.commits.len().saturating_sub(1)
    }

    /// The first twelve digits of a commit's hash.
    pub fn short(&self, commit: usize) -> &str {
        self.commits.get(commit).map_or("", Commit::short)
    }

    /// In what two plans differ that cannot go on in one folder, as a word; nothing where they are one bisection.
    pub fn differs(&self, other: &Plan) -> Option<&'static str> {
        let ids = |plan: &Plan| plan.commits.iter().map(|c| c.id.clone()).collect::<Vec<_>>();
        [
            ("repository", self.repository == other.repository),
            ("recipe", self.recipe == other.recipe),
            ("range", ids(self) == ids(other)),
            ("row", self.row == other.row),
            ("workload", self.measuring == other.measuring),
        ]
        .into_iter()
        .find_map(|(what, same)| (!same).then_some(what))
    }
}

/// When it ends although nothing is found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// Seconds, of boots and builds.
    pub seconds: f64,
    /// Boots, if they are bounded.
    pub boots: Option<u32>,
}
