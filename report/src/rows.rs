//! One row as every renderer shows it: words, numbers, colour and place in the order.

mod words;

use crate::numbers::{self, Change, Scaled};
use crate::sentence;
use analyze::{Comparison, Row, Spelled, Verdict};
use edge::visible;
use model::Role;
use std::borrow::Cow;
use std::collections::BTreeMap;
pub(crate) use words::{BEYOND, WITHIN, model_name};
pub use words::{REASONS, claim, meaning, meaning_for};

/// What a colour says; without one nothing has been decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    /// Decided, and for the worse.
    Worse,
    /// Decided, and for the better.
    Better,
    /// Decided, of a metric without a better side.
    Changed,
    /// Nothing decided.
    None,
}

/// Whether a decided change counts at the gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AtGate {
    /// It does.
    Gates,
    /// The page's correction decided it, the gate's does not.
    Below,
}

impl AtGate {
    /// Both.
    pub const ALL: [AtGate; 2] = [AtGate::Gates, AtGate::Below];

    /// The mark beside the verdict.
    pub fn word(self) -> &'static str {
        match self {
            AtGate::Gates => "gates",
            AtGate::Below => "not at the gate",
        }
    }

    /// What the mark means, in one clause.
    pub fn meaning(self) -> &'static str {
        match self {
            AtGate::Gates => {
                "the change counts at the gate, for words of --fail-on that name it: p at the gate is at most the rows' \
                 share of alpha, or the metric is deterministic"
            }
            AtGate::Below => {
                "decided on this page, where the share of false ones among all changes is kept small, but not at the \
                 gate, where the chance of a single false one is: --fail-on does not count it"
            }
        }
    }
}

/// A row made ready for showing. Names are visible text, not yet escaped for any markup.
#[derive(Clone, Debug)]
pub(crate) struct RowView<'a> {
    /// What the row is of.
    pub comparison: &'a Comparison,
    /// The row.
    pub row: &'a Row,
    /// Its place in [`Comparison::rows`].
    pub index: usize,
    /// Colour.
    pub tone: Tone,
    /// Strong colour: the metric counts and the difference is not small.
    pub strong: bool,
    /// The row belongs to the family: it is one of those that can gate.
    pub counts: bool,
    /// Unit and factor of every value in the row.
    pub scaled: Scaled,
    /// Mean of the baseline.
    pub a: String,
    /// Its coefficient of variation.
    pub a_cv: Option<String>,
    /// Mean of the candidate.
    pub b: String,
    /// Its coefficient of variation.
    pub b_cv: Option<String>,
    /// The change with its interval.
    pub change: Change,
}

impl<'a> RowView<'a> {
    /// Prepares a row.
    pub fn new(comparison: &'a Comparison, index: usize, row: &'a Row) -> Self {
        let scaled = numbers::row_scale(row);
        let (a, b) = numbers::means(row.a.mean, row.b.mean, &scaled);
        let tone = tone(row);
        RowView {
            comparison,
            row,
            index,
            tone,
            strong: tone != Tone::None && is_strong(comparison, row),
            counts: sentence::gates(comparison, row),
            a_cv: numbers::cv(&row.a),
            b_cv: numbers::cv(&row.b),
            change: numbers::change(row, &scaled),
            scaled,
            a,
            b,
        }
    }

    /// `size=64 sessions=1`; `(one case)` when there are no factors.
    pub fn case(&self) -> String {
        case_text(self.comparison, self.row)
    }

    /// Where the sides write a level of the case differently, how each does.
    pub fn spellings(&self) -> Option<String> {
        spellings(self.comparison, self.row)
    }

    /// Metric name as canonical.
    pub fn metric(&self) -> Cow<'a, str> {
        visible(&self.row.metric)
    }

    /// `throughput (Mbit/s)`.
    pub fn metric_unit(&self) -> String {
        let unit = visible(&self.scaled.unit);
        if unit.is_empty() { self.metric().into_owned() } else { format!("{} ({unit})", self.metric()) }
    }

    /// `REGRESSED`, `REGRESSED, beyond the band`, `INCONCLUSIVE (noisy)`.
    pub fn verdict(&self) -> String {
        format!("{}{}", self.row.verdict.word(), self.detail())
    }

    /// What stands behind the verdict's word: ` (exact), beyond the band`; empty without reason and mark.
    pub fn detail(&self) -> String {
        let beyond = if self.row.beyond { ", beyond the band" } else { "" };
        let within = self.within().map_or(String::new(), |within| format!(", {within}"));
        self.row.reason.map_or(String::new(), |reason| format!(" ({})", reason.word())) + beyond + &within
    }

    /// The margin that made the row EQUIVALENT, where it is not m: `within ±1 pp`.
    pub fn within(&self) -> Option<String> {
        let half = self.row.equal_within()?;
        let (size, unit) = (half * self.scaled.factor, numbers::unit_of_difference(&self.scaled));
        Some(format!("{}{}{unit}", WITHIN.0, numbers::trimmed(size)))
    }

    /// Whether the decided change of a row that can gate does; `None` where that is no question.
    pub fn at_gate(&self) -> Option<AtGate> {
        let asked = self.counts && self.row.verdict.is_decided_change() && self.row.expected.is_none();
        asked.then_some(if self.row.gates { AtGate::Gates } else { AtGate::Below })
    }

    /// What is marked beside a verdict: `beyond`, whether it counts at the gate, and the margin of a difference.
    pub fn marks(&self) -> Vec<Cow<'static, str>> {
        let beyond = self.row.beyond.then_some(BEYOND.0);
        let words = beyond.into_iter().chain(self.at_gate().map(AtGate::word)).map(Cow::Borrowed);
        words.chain(self.within().map(Cow::Owned)).collect()
    }

    /// What is known of the change (`--expect`).
    pub fn known(&self) -> Option<String> {
        crate::failures::known(self.row.expected.as_ref())
    }
}

/// The factor levels of a row's case, as the first side writes them.
pub(crate) fn case_text(comparison: &Comparison, row: &Row) -> String {
    let level = |key: &str, level: &str| visible(written(comparison, key, level)).into_owned();
    levels_text(row, level)
}

/// The same in the spelling that ids have, for names that must stay.
pub(crate) fn canonical_case(row: &Row) -> String {
    levels_text(row, |_, level| visible(level).into_owned())
}

fn levels_text(row: &Row, level: impl Fn(&str, &str) -> String) -> String {
    if row.case.0.is_empty() {
        return "(one case)".to_owned();
    }
    let parts: Vec<String> =
        row.case.0.iter().map(|(k, v)| format!("{}={}", visible(k), level(k, v))).collect();
    parts.join(" ")
}

/// A level as the first side that has it writes it.
pub(crate) fn written<'a>(comparison: &'a Comparison, key: &str, level: &'a str) -> &'a str {
    find(comparison, key, level).and_then(Spelled::written).unwrap_or(level)
}

/// How the sides write a level, if any writes it otherwise; they stand in the order of keys and levels.
fn find<'a>(comparison: &'a Comparison, key: &str, level: &str) -> Option<&'a Spelled> {
    let order = |spelled: &Spelled| (spelled.key.as_str(), spelled.level.as_str()).cmp(&(key, level));
    let at = comparison.spelled.binary_search_by(order).ok()?;
    comparison.spelled.get(at)
}

/// Where the sides write a level of a row's case differently, how each does.
pub(crate) fn spellings(comparison: &Comparison, row: &Row) -> Option<String> {
    let of_level = |spelled: &Spelled| {
        let labels = std::iter::once(&comparison.a).chain(&comparison.b).map(|side| &side.label);
        let each = labels.zip(std::iter::once(&spelled.a).chain(&spelled.b));
        let each = each
            .filter_map(|(label, level)| Some(format!("{} in {}", visible(level.as_ref()?), visible(label))));
        format!("{} is {}", visible(&spelled.key), each.collect::<Vec<_>>().join(" and "))
    };
    let of_case = row.case.0.iter().filter_map(|(key, level)| find(comparison, key, level));
    let apart: Vec<String> = of_case.filter(|spelled| spelled.differs()).map(of_level).collect();
    (!apart.is_empty()).then(|| apart.join(", "))
}

/// Views of all rows in the order of the comparison.
pub(crate) fn views(comparison: &Comparison) -> Vec<RowView<'_>> {
    comparison.rows.iter().enumerate().map(|(i, row)| RowView::new(comparison, i, row)).collect()
}

/// The order in which a reader wants them: gravest verdict, weightiest metric, largest change. Rows that nothing was
/// decided of keep the order of the files: the size of their estimates is mostly noise.
pub(crate) fn by_gravity(views: &mut [RowView<'_>]) {
    views.sort_by(|x, y| {
        let key = |v: &RowView<'_>| (v.row.candidate, verdict_rank(v.row.verdict), role_rank(v));
        let size = |v: &RowView<'_>| if v.row.verdict.is_decided_change() { size(v.row) } else { 0.0 };
        key(x).cmp(&key(y)).then(size(y).total_cmp(&size(x))).then(x.index.cmp(&y.index))
    });
}

/// Regressions first, then other decided rows, what is missing, what is open, and what is equal last.
pub(crate) fn verdict_rank(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Regressed => 0,
        Verdict::Improved => 2,
        Verdict::ChangedUp => 3,
        Verdict::ChangedDown => 4,
        Verdict::MissingB => 5,
        Verdict::MissingA => 6,
        Verdict::Invalid => 7,
        Verdict::Inconclusive => 8,
        Verdict::Equivalent => 9,
    }
}

/// Primary metrics before important ones before the rest.
fn role_rank(view: &RowView<'_>) -> u8 {
    match view.row.role {
        Role::Primary => 0,
        Role::Important => 1,
        Role::Secondary => 2,
    }
}

/// How large a change is, on the log scale where there is a ratio; rows without one come last.
pub(crate) fn size(row: &Row) -> f64 {
    match row.ratio {
        Some(r) if r > 0.0 && r.is_finite() => r.ln().abs(),
        Some(r) if r.is_finite() => (r - 1.0).abs(),
        _ => -1.0,
    }
}

/// Good or bad, from the verdict.
fn tone(row: &Row) -> Tone {
    match row.verdict {
        Verdict::Regressed => Tone::Worse,
        Verdict::Improved => Tone::Better,
        Verdict::ChangedUp | Verdict::ChangedDown => Tone::Changed,
        _ => Tone::None,
    }
}

/// The ancestor's promise: strong for metrics that count and differences that are not small.
fn is_strong(comparison: &Comparison, row: &Row) -> bool {
    let weighty = sentence::gates(comparison, row) || matches!(row.role, Role::Primary | Role::Important);
    let large = row.ratio.is_none_or(|r| (r - 1.0).abs() >= comparison.method.light_below);
    weighty && large
}

/// Rows that gate, by verdict, all candidates together.
pub(crate) fn gating_counts(comparison: &Comparison) -> BTreeMap<Verdict, usize> {
    let mut counts = BTreeMap::new();
    for summary in &comparison.summary {
        for (verdict, n) in sentence::counts(comparison, summary).verdicts {
            *counts.entry(*verdict).or_default() += n;
        }
    }
    counts
}

/// The sign that stands before a verdict's word: good and bad by shape, for eyes that do not tell the colours.
pub(crate) fn glyph(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Regressed => "▼",
        Verdict::Improved => "▲",
        Verdict::ChangedUp | Verdict::ChangedDown => "◆",
        Verdict::Inconclusive => "?",
        Verdict::Equivalent => "≈",
        Verdict::MissingA | Verdict::MissingB => "∅",
        Verdict::Invalid => "×",
    }
}
