//! The words of a verdict.

use serde::Serialize;

/// The closed set of verdicts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "SCREAMING-KEBAB-CASE")]
pub enum Verdict {
    /// A change for the worse whose best estimate exceeds m.
    Regressed,
    /// A change for the better whose best estimate exceeds m.
    Improved,
    /// A rise of a metric without direction.
    ChangedUp,
    /// A fall of a metric without direction.
    ChangedDown,
    /// The data do not decide; [`super::Row::reason`] says why.
    Inconclusive,
    /// The change is within the band (TOST), or the constants are equal.
    Equivalent,
    /// The baseline has no such row.
    MissingA,
    /// The candidate has no such row.
    MissingB,
    /// The row cannot be judged.
    Invalid,
}

/// Why a verdict is what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// INVALID: fewer than two replicates on a side.
    OneReplicate,
    /// INVALID: the sides were not measured alike.
    NotComparable,
    /// EQUIVALENT: equal constants. A change: a deterministic metric differs, which needs no test.
    Exact,
    /// INCONCLUSIVE: different constants, too few to tell them from chance; or the model cannot be computed.
    NoVariance,
    /// INCONCLUSIVE: measurements failed on one side only, so that what is left can show neither that nothing changed nor
    /// that something got better. INVALID: failures left fewer than two replicates.
    Failures,
    /// INCONCLUSIVE: the sides were not measured in turns, and one of them in a single session, so that no test tells a change
    /// from what differs between sessions.
    OneSession,
    /// INCONCLUSIVE: neither a ratio nor an absolute band can be used.
    NoScale,
    /// INCONCLUSIVE: a significant change whose estimate lies inside the band.
    ChangedSmall,
    /// INCONCLUSIVE: p <= alpha < q.
    Suggestive,
    /// INCONCLUSIVE: the smallest detectable effect exceeds m.
    Noisy,
    /// INCONCLUSIVE: none of the others.
    Open,
}

impl Verdict {
    /// All of them, gravest first.
    pub const ALL: [Verdict; 9] = [
        Verdict::Regressed,
        Verdict::Improved,
        Verdict::ChangedUp,
        Verdict::ChangedDown,
        Verdict::Inconclusive,
        Verdict::Equivalent,
        Verdict::MissingA,
        Verdict::MissingB,
        Verdict::Invalid,
    ];

    /// The word that every report prints.
    pub fn word(self) -> &'static str {
        match self {
            Verdict::Regressed => "REGRESSED",
            Verdict::Improved => "IMPROVED",
            Verdict::ChangedUp => "CHANGED-UP",
            Verdict::ChangedDown => "CHANGED-DOWN",
            Verdict::Inconclusive => "INCONCLUSIVE",
            Verdict::Equivalent => "EQUIVALENT",
            Verdict::MissingA => "MISSING-A",
            Verdict::MissingB => "MISSING-B",
            Verdict::Invalid => "INVALID",
        }
    }

    /// A significant change was found and exceeds the band.
    pub fn is_decided_change(self) -> bool {
        matches!(self, Verdict::Regressed | Verdict::Improved | Verdict::ChangedUp | Verdict::ChangedDown)
    }
}

impl Reason {
    /// The word that every report prints in brackets behind the verdict.
    pub fn word(self) -> &'static str {
        match self {
            Reason::OneReplicate => "one-replicate",
            Reason::NotComparable => "not-comparable",
            Reason::Exact => "exact",
            Reason::NoVariance => "no-variance",
            Reason::OneSession => "one-session",
            Reason::NoScale => "no-scale",
            Reason::Failures => "failures",
            Reason::ChangedSmall => "changed-small",
            Reason::Suggestive => "suggestive",
            Reason::Noisy => "noisy",
            Reason::Open => "open",
        }
    }
}
