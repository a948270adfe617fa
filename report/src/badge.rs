//! A badge: what came of a comparison, as a small picture for a README or a list of jobs.

use crate::Gate;
use crate::gate::Outcome;
use crate::numbers;
use crate::sentence::{self, counts};
use analyze::{Comparison, Verdict};
use model::counted;
use unicode_width::UnicodeWidthStr;

/// Height, and the width of a column of text at 11 pixels.
const HEIGHT: usize = 20;
const COLUMN: usize = 7;

/// Colours: dark enough for white text (contrast of 4.5 and more).
const WORSE: &str = "#b3400a";
const BETTER: &str = "#1d6fa5";
const OPEN: &str = "#595959";

/// What the badge says, with its colour.
fn said(comparison: &Comparison, gate: Option<&Gate>) -> (String, &'static str) {
    match gate.map(Outcome::of) {
        Some(Outcome::Failed) => return ("gate failed".to_owned(), WORSE),
        Some(Outcome::NotDecided) => return ("not decided".to_owned(), OPEN),
        Some(Outcome::Passed) => return ("gate passed".to_owned(), BETTER),
        None => {}
    }
    let sum = |verdict: Verdict| -> usize {
        let of = |summary| counts(comparison, summary).verdicts.get(&verdict).copied().unwrap_or(0);
        comparison.summary.iter().map(of).sum()
    };
    if comparison.summary.iter().all(|summary| summary.comparable_primary() == 0) {
        return ("not decided".to_owned(), OPEN);
    }
    match (sum(Verdict::Regressed), sum(Verdict::Improved)) {
        (0, 0) => ("no change found".to_owned(), BETTER),
        (0, improved) => (counted(improved, "improvement"), BETTER),
        (_, _) => (regressions(comparison), WORSE),
    }
}

/// Regressions of all candidates, as events, with the size of the worst: `2 regressions, worst -39%`.
fn regressions(comparison: &Comparison) -> String {
    let events = |summary: &analyze::Summary| summary.events.get(&Verdict::Regressed).copied().unwrap_or(0);
    let text = counted(comparison.summary.iter().map(events).sum(), "regression");
    let worst = comparison
        .rows
        .iter()
        .filter(|row| row.verdict == Verdict::Regressed && sentence::gates(comparison, row));
    let worst = worst
        .filter_map(|row| row.ratio)
        .max_by(|x, y| numbers::ln(*x).abs().total_cmp(&numbers::ln(*y).abs()));
    match worst {
        Some(ratio) => format!("{text}, worst {:+.0}%", (ratio - 1.0) * 100.0),
        None => text,
    }
}

/// The badge as SVG, which loads nothing: of the gate where there is one, else of the rows that count.
pub fn badge(comparison: &Comparison, gate: Option<&Gate>) -> String {
    let (text, colour) = said(comparison, gate);
    drawn(&text, colour)
}

/// The badge of a place where nothing has been compared.
pub(crate) fn of_nothing() -> String {
    drawn("no result", OPEN)
}

fn drawn(text: &str, colour: &str) -> String {
    let [left, right] = ["perfvt", text].map(|text| text.width() * COLUMN + 10);
    let width = left + right;
    // All of its words are perfvt's own.
    let name = format!("perfvt: {text}");
    let middle = |from: usize, wide: usize| from + wide / 2;
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{HEIGHT}\" role=\"img\" aria-label=\"{name}\">\
         <title>{name}</title>\
         <rect width=\"{left}\" height=\"{HEIGHT}\" fill=\"#333\"/>\
         <rect x=\"{left}\" width=\"{right}\" height=\"{HEIGHT}\" fill=\"{colour}\"/>\
         <g fill=\"#fff\" text-anchor=\"middle\" font-family=\"Verdana,DejaVu Sans,sans-serif\" font-size=\"11\">\
         <text x=\"{}\" y=\"14\">perfvt</text><text x=\"{}\" y=\"14\">{text}</text></g></svg>\n",
        middle(0, left),
        middle(left, right)
    )
}
