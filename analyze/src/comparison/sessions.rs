//! How two sides stand to each other's sessions.

use serde::Serialize;

/// How the sides stand to each other's sessions: a session is one campaign in one boot of one host (statistics.md, "Sessions").
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Interleaving {
    /// Both were measured in turns, in the same sessions.
    #[default]
    Interleaved,
    /// They share sessions, and a side has boots in others, too.
    Partly,
    /// They share no session, and each has two or more: the session is the replicate.
    Sessions,
    /// They were not measured in turns, and a side has a single session: no test decides.
    OneSession,
    /// Nothing tells: the files are not perfvt's own.
    Unknown,
}

/// What sessions add to the error of a row (`--noise`).
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct SessionPart {
    /// The variance between sessions as often as it stands in the difference (2 tau² of one session a side): of logarithms, or
    /// relative to the means.
    pub variance: f64,
    /// Its degrees of freedom.
    pub df: f64,
}

impl Interleaving {
    /// Both sides were measured in turns.
    pub fn is_interleaved(&self) -> bool {
        *self == Interleaving::Interleaved
    }
}
