//! A comparison in a few words: for the head of its page, the preview of a link to it, a badge, and the index of a site.

use crate::numbers;
use crate::rows::{RowView, by_gravity};
use crate::sentence::{self, candidate_label, counts};
use analyze::{Area, Comparison, Decision, NotExcluded, Summary, Verdict, areas, not_excluded, trust};
use edge::visible;
use model::counted;

/// Regressions as events, and the rows that they are: `2 regressions (4 of 8 rows)`.
pub(crate) fn regressions(comparison: &Comparison, summary: &Summary) -> Option<String> {
    let counts = counts(comparison, summary);
    let rows = counts.verdicts.get(&Verdict::Regressed).copied().filter(|n| *n > 0)?;
    let events = summary.events.get(&Verdict::Regressed).copied().unwrap_or(rows);
    let total = counted(counts.total, "row");
    Some(format!("{} ({rows} of {total})", counted(events, "regression")))
}

/// The row to look at first: the gravest that something was decided of. The rows are in order of gravity.
pub(crate) fn first<'v, 'c>(rows: &'v [RowView<'c>]) -> Option<&'v RowView<'c>> {
    rows.first().filter(|v| v.row.verdict.is_decided_change())
}

/// Rows of a candidate that can gate, gravest first.
pub(crate) fn gravest<'c>(comparison: &'c Comparison, summary: &Summary) -> Vec<RowView<'c>> {
    let own = |(_, row): &(usize, &analyze::Row)| {
        row.candidate == summary.candidate && crate::sentence::gates(comparison, row)
    };
    let own = comparison.rows.iter().enumerate().filter(own);
    let mut rows: Vec<RowView<'c>> = own.map(|(at, row)| RowView::new(comparison, at, row)).collect();
    by_gravity(&mut rows);
    rows
}

/// A row's place in words: `write bs=1M iodepth=16 BW`.
pub(crate) fn named(view: &RowView<'_>) -> String {
    format!("{} {} {}", visible(&view.row.category), view.case(), view.metric())
}

/// An area in words, but for its name: `-10.1% (10 of 15 rows worse, to -20.3%)`; `1 of 15 rows worse, to -39.2%`.
pub(crate) fn area(comparison: &Comparison, area: &Area<'_>) -> String {
    let to = area.worst.and_then(|row| {
        let change = RowView::new(comparison, 0, row).change.text;
        (change != numbers::NONE).then(|| format!(", to {change}"))
    });
    let worse = match area.worse {
        0 => format!("no single one of {}", counted(area.rows, "row")),
        n => format!("{n} of {} worse{}", counted(area.rows, "row"), to.unwrap_or_default()),
    };
    match area.score {
        Some(whole) => format!("{} ({worse})", score(whole.score.ratio)),
        None => worse,
    }
}

/// How all rows of an area moved.
fn score(ratio: f64) -> String {
    format!("{:+.1}%", (ratio - 1.0) * 100.0)
}

/// What may be done with the numbers, in plain words.
pub(crate) fn decision(decision: Decision) -> &'static str {
    match decision {
        Decision::Rely => "rely on it",
        Decision::MeasureAgain => "likely; measure again before you act",
        Decision::DoNotDecide => "do not decide on this",
    }
}

/// `for 4 of 8 rows a change for the worse of up to about 20% cannot be excluded`.
pub(crate) fn open(comparison: &Comparison, summary: &Summary) -> Option<String> {
    let NotExcluded { rows, size } = not_excluded(comparison, summary)?;
    let of = counted(counts(comparison, summary).total, "row");
    let size = size.map_or("any size".to_owned(), |size| format!("up to about {}", numbers::size(size)));
    Some(format!("for {rows} of {of} a change for the worse of {size} cannot be excluded"))
}

/// What came out for each candidate, with its size: `2 regressions (4 of 8 rows), worst -39.2%`.
pub fn brief(comparison: &Comparison) -> Vec<String> {
    comparison.summary.iter().map(|summary| of_candidate(comparison, summary)).collect()
}

fn of_candidate(comparison: &Comparison, summary: &Summary) -> String {
    let label = match comparison.b.len() {
        0 | 1 => String::new(),
        _ => format!("{}: ", candidate_label(comparison, summary.candidate)),
    };
    let broken = sentence::broken(comparison, summary);
    let mut found = Vec::new();
    if !broken.is_empty() {
        found.push(sentence::listed(&broken));
    }
    let rows = gravest(comparison, summary);
    let as_a_whole = summary.categories.iter().filter(|c| c.verdict == Verdict::Regressed);
    match regressions(comparison, summary) {
        Some(text) => {
            let worst = first(&rows).map(|view| format!(", worst {}", view.change.text));
            found.push(text + &worst.unwrap_or_default());
        }
        None => found.extend(as_a_whole.clone().next().map(|_| {
            format!("no single row, but {} as a whole", counted(as_a_whole.count(), "regressed area"))
        })),
    }
    if found.is_empty() && summary.comparable_primary() == 0 {
        found.push("nothing was decided".to_owned());
    } else if found.is_empty() {
        let improved = counts(comparison, summary).verdicts.get(&Verdict::Improved).copied().unwrap_or(0);
        found.push("no regression was found".to_owned());
        if improved > 0 {
            found.push(format!("{} improved", counted(improved, "row")));
        }
        found.extend(open(comparison, summary));
    }
    format!("{label}{}", found.join("; "))
}

/// A comparison in plain sentences, to be passed on: what came out, the worst row and area, and whether to trust it.
pub(crate) fn plain(comparison: &Comparison, about: &str) -> String {
    let mut out = String::new();
    for (summary, brief) in comparison.summary.iter().zip(brief(comparison)) {
        out.push_str(&brief);
        let rows = gravest(comparison, summary);
        if let Some(view) = first(&rows).filter(|v| v.row.verdict == Verdict::Regressed) {
            out.push_str(&format!(" ({})", named(view)));
        }
        if let Some(worst) = areas(comparison, summary).first().filter(|a| a.score.is_some()) {
            out.push_str(&format!("; worst area: {} {}", visible(worst.category), area(comparison, worst)));
        }
        out.push_str(&format!(". Trust: {}. ", decision(trust(comparison, summary).decision)));
    }
    format!("{}({})", sentence::upper(&out), visible(about))
}
