//! A comparison in a few words: for the head of its page, the preview of a link to it, a badge, and the index of a site.

use crate::numbers;
use crate::rows::{RowView, by_gravity};
use crate::sentence::{self, candidate_label, counts};
use crate::whom;
use analyze::{
    Area, Comparison, Decision, NotExcluded, Shown, ShownRow, Summary, Verdict, areas, not_excluded, trust,
};
use edge::visible;
use model::{Role, counted};

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
        row.candidate == summary.candidate && sentence::gates(comparison, row)
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
    let whom = whom::whom(comparison).map_or(String::new(), |whom| format!(" ({whom})"));
    format!("{label}{}{whom}", found.join("; "))
}

/// A row of a run that counts: its place, its mean with the unit, and how its values spread.
pub(crate) struct Average {
    /// `TCP_STREAM size=64 throughput`.
    pub name: String,
    /// `4791 Mbit/s`.
    pub mean: String,
    /// `±3.9%`; empty where it is not known.
    pub spread: String,
}

/// The rows of a run that count: those of primary metrics, without any all of them.
pub(crate) fn main_rows(shown: &Shown) -> Vec<&ShownRow> {
    let primary: Vec<&ShownRow> = shown.rows.iter().filter(|row| row.role == Role::Primary).collect();
    if primary.is_empty() { shown.rows.iter().collect() } else { primary }
}

/// The averages of these rows, as far as they have one.
pub(crate) fn averages(rows: &[&ShownRow]) -> Vec<Average> {
    let one = |row: &&ShownRow| {
        let mean = row.sample.mean?;
        let scaled = numbers::scale(&row.unit, mean.abs());
        let levels = row.case.0.iter().map(|(key, level)| format!(" {}={}", visible(key), visible(level)));
        let levels: String = levels.collect();
        let mean = format!("{} {}", numbers::significant(mean * scaled.factor, 4), visible(&scaled.unit));
        Some(Average {
            name: format!("{}{levels} {}", visible(&row.category), visible(&row.metric)),
            mean: mean.trim_end().to_owned(),
            spread: numbers::cv(&row.sample).map_or(String::new(), |cv| format!("±{cv}")),
        })
    };
    rows.iter().filter_map(one).collect()
}

/// The first of the main averages of a run: `TCP_STREAM size=64 throughput 4791 Mbit/s ±3.9%; and 3 more`.
pub(crate) fn of_run(shown: &Shown) -> Vec<String> {
    let averages = averages(&main_rows(shown));
    let Some((first, more)) = averages.split_first() else { return Vec::new() };
    let mut text = format!("{} {} {}", first.name, first.mean, first.spread).trim_end().to_owned();
    if !more.is_empty() {
        text.push_str(&format!("; and {} more", more.len()));
    }
    vec![text]
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
    format!("{out}({})", visible(about))
}
