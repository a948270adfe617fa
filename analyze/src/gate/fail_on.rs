//! The words of `--fail-on`.

/// A word of `--fail-on`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FailOn {
    /// Something is worse.
    Regression,
    /// Something has changed either way.
    Change,
    /// A primary row is not decided.
    Inconclusive,
    /// A row is missing on one side.
    Missing,
    /// A primary row could not be judged.
    Invalid,
    /// Measurements of the candidate failed where the baseline's did not, or fail more often.
    Failures,
    /// A campaign has not ended.
    Unfinished,
    /// A row that gates could not have shown a change of twice what matters.
    Blind,
}

impl FailOn {
    /// All of them, in the order of the documentation.
    pub const ALL: [FailOn; 8] = [
        FailOn::Regression,
        FailOn::Change,
        FailOn::Inconclusive,
        FailOn::Missing,
        FailOn::Invalid,
        FailOn::Failures,
        FailOn::Unfinished,
        FailOn::Blind,
    ];

    /// What it asks for, in one line without a stop.
    pub fn help(self) -> &'static str {
        match self {
            FailOn::Regression => {
                "something is worse: a row at the gate, a category as a whole, what failed on the candidate only"
            }
            FailOn::Change => "something changed either way, or failed on one side",
            FailOn::Inconclusive => "a primary row is not decided",
            FailOn::Missing => "a row is missing on one side",
            FailOn::Invalid => "a primary row could not be judged",
            FailOn::Failures => "measurements failed on the candidate only, or more often there",
            FailOn::Unfinished => "a campaign has not ended",
            FailOn::Blind => {
                "an undecided row at the gate could not have shown a change of twice its min_effect"
            }
        }
    }

    /// The word on the command line.
    pub fn word(self) -> &'static str {
        match self {
            FailOn::Regression => "regression",
            FailOn::Change => "change",
            FailOn::Inconclusive => "inconclusive",
            FailOn::Missing => "missing",
            FailOn::Invalid => "invalid",
            FailOn::Failures => "failures",
            FailOn::Unfinished => "unfinished",
            FailOn::Blind => "blind",
        }
    }
}
