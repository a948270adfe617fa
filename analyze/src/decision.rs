//! What a reader can do with a comparison: one of three decisions with what speaks against it, the areas that got worse, and
//! what nothing was shown of.
//!
//! Nothing here is computed of values: it reads the verdicts, the gate's marks and the warnings that are there.

use crate::family::Members;
use crate::{CategoryScore, Comparison, Interval, Level, Reason, Row, Summary, Verdict, Warning};
use model::Direction;

/// Blocking warnings after which the numbers say nothing of a change; after the others they may.
const WORTHLESS: [&str; 3] = ["forced", "same-side", "mixed-side"];

/// What may be done with the numbers of a candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Decision {
    /// Nothing speaks against them.
    Rely,
    /// They are likely right, and something speaks against them: measure again before acting.
    MeasureAgain,
    /// They say nothing of a change.
    DoNotDecide,
}

/// A decision and what it rests on.
#[derive(Clone, Debug, PartialEq)]
pub struct Trust<'c> {
    /// What may be done.
    pub decision: Decision,
    /// The blocking warnings, gravest first.
    pub against: Vec<&'c Warning>,
    /// Rows that count at the gate.
    pub rows: usize,
    /// Those of them that nothing was decided of.
    pub undecided: usize,
    /// Those of `undecided` whose values vary too much for their number.
    pub noisy: usize,
    /// Those that one side does not have.
    pub missing: usize,
    /// Those that cannot be judged.
    pub invalid: usize,
    /// Changes were decided, and neither one of them nor a category counts at the gate.
    pub below_gate: bool,
}

/// What may be done with the numbers of a candidate, and why.
pub fn trust<'c>(comparison: &'c Comparison, summary: &Summary) -> Trust<'c> {
    let rows: Vec<&Row> = counting(comparison, summary.candidate).collect();
    let n = |wanted: &[Verdict]| rows.iter().filter(|r| wanted.contains(&r.verdict)).count();
    let mut against: Vec<&Warning> =
        comparison.warnings.iter().filter(|w| w.level == Level::Blocking).collect();
    against.sort_by_key(|w| !WORTHLESS.contains(&w.code));
    let undecided = n(&[Verdict::Inconclusive]);
    let (missing, invalid) = (n(&[Verdict::MissingA, Verdict::MissingB]), n(&[Verdict::Invalid]));
    let changed = || rows.iter().filter(|r| r.verdict.is_decided_change() && r.expected.is_none());
    let category = summary.categories.iter().any(|c| c.verdict.is_decided_change());
    let below_gate = changed().next().is_some() && !category && !changed().any(|r| r.gates);
    let worthless = comparison.method.forced
        || summary.comparable_primary() == 0
        || against.first().is_some_and(|w| WORTHLESS.contains(&w.code));
    // Where most is open, that nothing was found does not say much either.
    let mostly_open = 2 * (undecided + missing + invalid) > rows.len();
    let decision = match () {
        () if worthless => Decision::DoNotDecide,
        () if !against.is_empty() || below_gate || mostly_open => Decision::MeasureAgain,
        () => Decision::Rely,
    };
    let noisy = rows.iter().filter(|r| r.reason == Some(Reason::Noisy)).count();
    Trust { decision, against, rows: rows.len(), undecided, noisy, missing, invalid, below_gate }
}

/// Rows of a candidate that can gate.
fn counting(comparison: &Comparison, candidate: usize) -> impl Iterator<Item = &Row> {
    let all_rows = comparison.families.iter().any(|f| f.candidate == candidate && f.all_rows);
    let members = Members { all_rows };
    comparison.rows.iter().filter(move |r| r.candidate == candidate && members.has(r.role))
}

/// A category with something that got worse.
#[derive(Clone, Debug, PartialEq)]
pub struct Area<'c> {
    /// Workload.
    pub workload: &'c str,
    /// Category.
    pub category: &'c str,
    /// Its score, where it regressed as a whole.
    pub score: Option<&'c CategoryScore>,
    /// Rows of it that can gate.
    pub rows: usize,
    /// Those of them that regressed.
    pub worse: usize,
    /// The worst of these.
    pub worst: Option<&'c Row>,
}

/// The categories with something that got worse: those that did as a whole first, each kind the largest change first.
pub fn areas<'c>(comparison: &'c Comparison, summary: &'c Summary) -> Vec<Area<'c>> {
    let mut out: Vec<Area<'c>> = Vec::new();
    for row in counting(comparison, summary.candidate) {
        let (workload, category) = (&*row.workload, &*row.category);
        let known = out.iter().position(|a| a.workload == workload && a.category == category);
        let at = known.unwrap_or(out.len());
        if known.is_none() {
            let whole = |c: &&CategoryScore| {
                c.verdict == Verdict::Regressed && c.workload == workload && c.category == category
            };
            let score = summary.categories.iter().find(whole);
            out.push(Area { workload, category, score, rows: 0, worse: 0, worst: None });
        }
        let Some(area) = out.get_mut(at) else { continue };
        area.rows += 1;
        if row.verdict == Verdict::Regressed {
            area.worse += 1;
            area.worst = area.worst.filter(|worst| size(worst) >= size(row)).or(Some(row));
        }
    }
    out.retain(|area| area.score.is_some() || area.worse > 0);
    let key = |area: &Area<'_>| match area.score {
        Some(whole) => (true, log(whole.score.ratio)),
        None => (false, area.worst.map_or(0.0, size)),
    };
    out.sort_by(|x, y| {
        let (x, y) = (key(x), key(y));
        y.0.cmp(&x.0).then(y.1.total_cmp(&x.1))
    });
    out
}

/// How large a change is on the log scale, whichever way.
fn log(ratio: f64) -> f64 {
    if ratio > 0.0 { ratio.ln().abs() } else { f64::INFINITY }
}

fn size(row: &Row) -> f64 {
    row.ratio.map_or(0.0, log)
}

/// What cannot be excluded of rows that nothing was decided of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NotExcluded {
    /// Such rows whose interval leaves a change for the worse open that is large enough to matter.
    pub rows: usize,
    /// The largest such change, as a ratio minus 1 without sign; `None` where a row has no interval that ends.
    pub size: Option<f64>,
}

/// What cannot be excluded of the rows of a candidate that nothing was decided of; `None` where all of it is too small to matter.
pub fn not_excluded(comparison: &Comparison, summary: &Summary) -> Option<NotExcluded> {
    let open = counting(comparison, summary.candidate).filter(|r| r.verdict == Verdict::Inconclusive);
    let bounds = open.filter(|r| r.direction != Direction::Informational).map(|row| {
        let end = row
            .ratio_ci
            .map(|Interval(lo, hi)| if row.direction == Direction::HigherIsBetter { lo } else { hi });
        end.filter(|end| end.is_finite()).map(|end| (end, stats::band(row.min_effect).contains(end)))
    });
    let left: Vec<Option<f64>> =
        bounds.filter(|b| b.is_none_or(|(_, small)| !small)).map(|b| b.map(|(end, _)| end)).collect();
    let worst = |end: &Option<f64>| end.map(|end| (end - 1.0).abs());
    let size = left.iter().map(worst).try_fold(0.0, |most: f64, size| Some(most.max(size?)));
    (!left.is_empty()).then_some(NotExcluded { rows: left.len(), size })
}
