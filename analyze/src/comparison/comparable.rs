//! Whether two sides can be held against each other, as far as the facts tell.

use serde::Serialize;

/// Whether two sides can be held against each other (statistics.md, "Comparability").
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct Comparable {
    /// In a word.
    pub answer: ComparableAnswer,
    /// Facts that both sides know, that differ and that matter, the gravest first; their values stand in
    /// [`differences`](crate::Comparison::differences).
    pub differ: Vec<String>,
    /// Facts on which the files of one side differ among themselves.
    pub mixed: Vec<String>,
    /// What decides it and is not recorded on both sides, in words.
    pub unknown: Vec<&'static str>,
}

/// The answer in a word.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum ComparableAnswer {
    /// All that decides it is known, and nothing differs but what is compared.
    #[default]
    Yes,
    /// Something differs that should be equal, metrics that grow with the session are left out, or something that decides it is
    /// not recorded.
    InPart,
    /// They were not measured alike: no row is judged without `--force`.
    No,
}
