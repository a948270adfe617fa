//! Which cases meet though a level differs, and how those would that meet nobody, in words.

use crate::command_line::command_line;
use crate::sentence::candidate_label;
use analyze::{Comparison, Matched, Verdict};
use edge::visible;

/// So many levels of a side are named.
const LISTED: usize = 3;

/// What is said of cases that no flag makes meet.
pub(crate) const NO_FLAG: &str = "; no --compare or --map makes them meet and leaves the others apart";

/// What was made to meet (`--compare`, `--map`), a sentence each.
pub(crate) fn matched(comparison: &Comparison) -> Vec<String> {
    comparison.matched.iter().map(|matched| of_key(comparison, matched)).collect()
}

fn of_key(comparison: &Comparison, matched: &Matched) -> String {
    let key = visible(&matched.key);
    let baseline = visible(&comparison.a.label);
    let others = matched.b.iter().enumerate();
    let is_side =
        |(label, levels): (&str, &Vec<String>)| matches!(levels.as_slice(), [level] if level == label);
    let labels = std::iter::once(&comparison.a).chain(&comparison.b).map(|side| side.label.as_str());
    if matched.compared && labels.zip(std::iter::once(&matched.a).chain(&matched.b)).all(is_side) {
        format!("compared: {key}, whose levels are the sides")
    } else if matched.compared {
        let others = others.map(|(i, of_b)| format!("{}: {}", candidate_label(comparison, i), levels(of_b)));
        let sides: Vec<String> =
            [format!("{baseline}: {}", levels(&matched.a))].into_iter().chain(others).collect();
        format!("compared: {key}, which tells no cases apart; {}", sides.join("; "))
    } else {
        let others = others.filter(|(_, of_b)| !of_b.is_empty());
        let others: Vec<String> = others
            .map(|(i, of_b)| format!("{} of {}", levels(of_b), candidate_label(comparison, i)))
            .collect();
        format!("matched: {key} {} of {baseline} with {}", levels(&matched.a), others.join(" and "))
    }
}

fn levels(levels: &[String]) -> String {
    let mut shown: Vec<String> =
        levels.iter().take(LISTED).map(|level| format!("'{}'", visible(level))).collect();
    if levels.is_empty() {
        shown.push("none".to_owned());
    } else if levels.len() > LISTED {
        shown.push(format!("and {} more", levels.len() - LISTED));
    }
    shown.join(", ")
}

/// Cases that meet nobody and nearly do.
pub(crate) struct Near {
    /// What is near, in a sentence without its full stop.
    pub text: String,
    /// What to type, as a shell reads it; `None` where nothing helps.
    pub flags: Option<String>,
}

/// Cases that meet nobody and nearly do, one kind each.
pub(crate) fn nearest(comparison: &Comparison) -> Vec<Near> {
    let near = |near: &analyze::Nearest| {
        let (a, b) = (visible(&comparison.a.label), candidate_label(comparison, near.candidate));
        let level = |level: &Option<String>| match level {
            Some(level) => format!("'{}'", visible(level)),
            None => "absent".to_owned(),
        };
        let differ = near.keys.iter().map(|differ| {
            format!("{} is {} in {a} and {} in {b}", visible(&differ.key), level(&differ.a), level(&differ.b))
        });
        let differ = differ.collect::<Vec<_>>().join(", ");
        let text = match near.cases {
            1 => format!("1 case meets nobody: {differ}"),
            n => format!("{n} cases meet nobody: {differ} (the first of them)"),
        };
        Near { text, flags: (!near.flags.is_empty()).then(|| command_line(&near.flags)) }
    };
    comparison.nearest.iter().map(near).collect()
}

/// Whether rows are there, and none of them has two sides: then how they would meet is all that counts.
pub(crate) fn nothing_meets(comparison: &Comparison) -> bool {
    let missing = |verdict: &Verdict| matches!(verdict, Verdict::MissingA | Verdict::MissingB);
    let mut verdicts = comparison.summary.iter().flat_map(|summary| summary.all.keys()).peekable();
    verdicts.peek().is_some() && verdicts.all(missing)
}
