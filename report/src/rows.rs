//! One row as every renderer shows it: words, numbers, colour and place in the order.

use crate::numbers::{self, Change, Scaled};
use analyze::{Comparison, Reason, Row, Spelled, Verdict};
use edge::visible;
use model::Role;
use std::borrow::Cow;
use std::collections::BTreeMap;

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

/// The mark of a change whose whole interval lies outside the band, and what it means.
pub(crate) const BEYOND: (&str, &str) =
    ("beyond", "the whole interval of the change lies outside the band, not its best estimate alone");

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
            counts: counts(comparison, row),
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
        self.row.reason.map_or(String::new(), |reason| format!(" ({})", reason.word())) + beyond
    }

    /// Whether the decided change of a row that can gate does; `None` where that is no question.
    pub fn at_gate(&self) -> Option<AtGate> {
        let asked = self.counts && self.row.verdict.is_decided_change() && self.row.expected.is_none();
        asked.then_some(if self.row.gates { AtGate::Gates } else { AtGate::Below })
    }

    /// What is marked beside a verdict: `beyond`, and whether it counts at the gate.
    pub fn marks(&self) -> Vec<&'static str> {
        let beyond = self.row.beyond.then_some(BEYOND.0);
        beyond.into_iter().chain(self.at_gate().map(AtGate::word)).collect()
    }

    /// What is known of the change (`--expect`): `known until 2027-01-31: new default of the driver (known.txt:3)`.
    pub fn known(&self) -> Option<String> {
        self.row.expected.as_ref().map(|known| {
            format!("known until {}: {} ({})", known.until, visible(&known.reason), visible(&known.place))
        })
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
    let weighty = counts(comparison, row) || matches!(row.role, Role::Primary | Role::Important);
    let large = row.ratio.is_none_or(|r| (r - 1.0).abs() >= comparison.method.light_below);
    weighty && large
}

/// The row belongs to the family that was corrected and that can gate.
pub(crate) fn counts(comparison: &Comparison, row: &Row) -> bool {
    row.role == Role::Primary
        || comparison.families.iter().any(|f| f.candidate == row.candidate && f.all_rows)
}

/// Rows that gate, by verdict, all candidates together.
pub(crate) fn gating_counts(comparison: &Comparison) -> BTreeMap<Verdict, usize> {
    let mut counts = BTreeMap::new();
    for summary in &comparison.summary {
        for (verdict, n) in crate::sentence::counts(comparison, summary).verdicts {
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

/// What a verdict claims, in one clause; method boxes and legends print it.
pub fn claim(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Regressed => {
            "a change for the worse (q at most alpha; p outside the family) whose best estimate lies outside the band"
        }
        Verdict::Improved => {
            "a change for the better (q at most alpha; p outside the family) whose best estimate lies outside the band"
        }
        Verdict::ChangedUp => "a rise of a metric that is neither good nor bad",
        Verdict::ChangedDown => "a fall of a metric that is neither good nor bad",
        Verdict::Inconclusive => {
            "the data do not decide whether there is a change; this does not mean that the sides are equal"
        }
        Verdict::Equivalent => "shown to be equal: the 90% interval of the change lies inside the band",
        Verdict::MissingA => "the baseline has no such row",
        Verdict::MissingB => "the candidate has no such row",
        Verdict::Invalid => "the row cannot be judged",
    }
}

/// Every reason, in the order of the method box.
pub const REASONS: [Reason; 11] = [
    Reason::ChangedSmall,
    Reason::Failures,
    Reason::OneSession,
    Reason::Suggestive,
    Reason::Noisy,
    Reason::Open,
    Reason::NoVariance,
    Reason::NoScale,
    Reason::Exact,
    Reason::OneReplicate,
    Reason::NotComparable,
];

/// What a reason means, in one clause, whatever the verdict.
pub fn meaning(reason: Reason) -> &'static str {
    match reason {
        Reason::OneReplicate => "a side has fewer than two replicates: measure again",
        Reason::NotComparable => "the sides were not measured alike",
        Reason::Exact => {
            "EQUIVALENT: each side gives one value every time, and both the same; a change: a deterministic metric \
             differs, which needs no test"
        }
        Reason::NoVariance => {
            "each side gives one value every time, and these are too few to tell the two from chance"
        }
        Reason::Failures => {
            "measurements failed on one side only, or more often there: what is left of that side is a choice, which \
             can show neither equality nor an improvement; INVALID: fewer than two replicates are left"
        }
        Reason::OneSession => {
            "the sides were not measured in turns, and one of them in a single session: no test tells a change from what \
             differs between sessions"
        }
        Reason::NoScale => {
            "neither a ratio nor an absolute band can be formed: the baseline's mean may be 0; min_effect_abs in \
             perf.conf says which difference matters"
        }
        Reason::ChangedSmall => "there is a change, but its best estimate lies inside the band",
        Reason::Suggestive => {
            "p alone is at most alpha, q is not: it may be one of the chance findings of many tests"
        }
        Reason::Noisy => "the smallest effect that so many replicates can detect is larger than the band",
        Reason::Open => "neither a change nor equality was shown; more replicates would decide",
    }
}

/// What a reason means for rows of one verdict.
pub fn meaning_for(verdict: Verdict, reason: Reason) -> &'static str {
    match (verdict, reason) {
        (Verdict::Equivalent, Reason::Exact) => "each side gives one value every time, and both the same",
        (_, Reason::Exact) => "a deterministic metric differs, which needs no test",
        (Verdict::Invalid, Reason::Failures) => {
            "measurements failed, so that a side has fewer than two replicates left"
        }
        (_, Reason::Failures) => {
            "measurements failed on one side only, or more often there: what is left of that side is a choice, which \
             can show neither equality nor an improvement"
        }
        _ => meaning(reason),
    }
}
