//! What may explain a change: metrics of the same case that moved with it, reasons of exits, and where the time went. Found in one
//! place; text, `explain` and the page show it.

use crate::rows::{self, RowView};
use analyze::{Cause, Comparison, Flame, FunctionMoved, Row};
use model::counted;
use std::collections::HashMap;

/// So many of the metrics that moved with a row are named.
pub(crate) const MOVED: usize = 8;
/// The metric that counts all exits.
const EXITS: &str = "exits";
/// Metrics that count those of one reason begin so.
const OF_REASON: &str = "exit_";

/// What a profile is, where one is shown.
pub(crate) const HINT: &str = "profiles of one boot of each side, never judged: a hint, and no verdict";

/// Rows of the same case, found once for all rows.
pub(crate) struct Companions<'v, 'a> {
    by_case: HashMap<CaseKey<'a>, Vec<&'v RowView<'a>>>,
}

type CaseKey<'a> = (usize, &'a str, &'a str, &'a [(String, String)]);

fn case_key(row: &Row) -> CaseKey<'_> {
    (row.candidate, &row.workload, &row.category, &row.case.0)
}

/// Exits by reason, and whether their rows can be shown at all.
pub(crate) enum Exits<'v, 'a> {
    /// All exits first, then each reason, the largest change first.
    Rows(Vec<&'v RowView<'a>>),
    /// Nobody counts them, for this reason.
    Absent(&'a str),
    /// Neither counted nor told why not: the result is not perfvt's, or of before they were counted.
    Unknown,
}

impl<'v, 'a> Companions<'v, 'a> {
    pub fn of(views: &'v [RowView<'a>]) -> Self {
        let mut by_case = HashMap::<CaseKey<'a>, Vec<&'v RowView<'a>>>::new();
        for view in views {
            by_case.entry(case_key(view.row)).or_default().push(view);
        }
        Companions { by_case }
    }

    fn all<'b>(&'b self, row: &'b Row) -> &'b [&'v RowView<'a>] {
        self.by_case.get(&case_key(row)).map_or(&[], Vec::as_slice)
    }

    /// Other metrics of the row's case whose change was decided too, the largest first; reasons of exits have a table of their own.
    pub fn moved(&self, view: &RowView<'_>) -> Vec<&'v RowView<'a>> {
        let other = |v: &&&RowView<'_>| v.index != view.index && !is_reason(v.row);
        let decided = self.all(view.row).iter().filter(|v| v.row.verdict.is_decided_change());
        let mut moved: Vec<&RowView<'_>> = decided.filter(other).copied().collect();
        moved.sort_by(|x, y| rows::size(y.row).total_cmp(&rows::size(x.row)).then(x.index.cmp(&y.index)));
        moved
    }

    /// Exits of the row's case by reason.
    pub fn exits(&self, comparison: &'a Comparison, view: &RowView<'_>) -> Exits<'v, 'a> {
        let absent = std::iter::once(&comparison.a).chain(comparison.b.get(view.row.candidate));
        let absent = absent.filter_map(|side| side.facts.get("absent.exits")).next();
        let counts = |row: &Row| [row.a.mean, row.b.mean].into_iter().flatten().any(|mean| mean != 0.0);
        let all = self.all(view.row).iter().copied();
        let mut found: Vec<&RowView<'_>> = all.filter(|v| is_reason(v.row) && counts(v.row)).collect();
        if found.is_empty() {
            return absent.map_or(Exits::Unknown, |reason| Exits::Absent(reason));
        }
        let size = |v: &RowView<'_>| v.row.diff.map_or(0.0, f64::abs);
        found.sort_by(|x, y| size(y).total_cmp(&size(x)).then(x.index.cmp(&y.index)));
        let total = self.all(view.row).iter().find(|v| &*v.row.metric == EXITS);
        Exits::Rows(total.into_iter().copied().chain(found).collect())
    }

    /// The place of the row beside which a case's profile is shown: its first decided one, one that gates before others.
    pub fn shown_at(&self, view: &RowView<'_>) -> usize {
        let decided = || self.all(view.row).iter().filter(|v| v.row.verdict.is_decided_change());
        let first = decided().find(|v| v.row.gates).or_else(|| decided().next());
        first.map_or(view.index, |v| v.index)
    }
}

fn is_reason(row: &Row) -> bool {
    row.metric.starts_with(OF_REASON)
}

/// What profiles tell of a row's case.
pub(crate) fn of_row<'c>(comparison: &'c Comparison, row: &Row) -> Option<&'c Cause> {
    let same = |c: &&Cause| {
        (c.candidate, &*c.workload, &*c.category, &*c.case)
            == (row.candidate, &*row.workload, &*row.category, &*row.case)
    };
    comparison.causes.iter().find(same)
}

/// `12.3%`.
pub(crate) fn percent(share: f64) -> String {
    format!("{:.1}%", share * 100.0)
}

/// `+3.0 pp`.
pub(crate) fn points(share: f64) -> String {
    let text = format!("{:+.1}", share * 100.0);
    format!("{} pp", if text == "-0.0" { "+0.0" } else { &text })
}

/// A moved function's source, name, shares and their difference, and how far such differences scatter by counting alone.
pub(crate) fn cells(moved: &FunctionMoved) -> [String; 6] {
    let counting = format!("±{:.1}", moved.counting * 100.0);
    [
        edge::visible(&moved.of).into_owned(),
        edge::visible(&moved.name).into_owned(),
        percent(moved.a),
        percent(moved.b),
        points(moved.b - moved.a),
        counting,
    ]
}

/// The heads above them.
pub(crate) const HEADS: [&str; 6] = ["in", "function itself", "before", "after", "difference", "by counting"];

/// `host 1201 and 1187, vm1 950 and 960`.
pub(crate) fn samples(flame: &Flame) -> String {
    let one = |s: &analyze::FlameSource| format!("{} {} and {}", edge::visible(&s.of), s.a, s.b);
    flame.sources.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// What a flame graph leaves out; `None` when that is nothing.
pub(crate) fn left_out(flame: &Flame) -> Option<String> {
    (flame.hidden > 0).then(|| {
        format!(
            "{} too narrow to be drawn, with at most {} of a source's samples together",
            counted(flame.hidden, "frame"),
            percent(flame.hidden_share)
        )
    })
}
