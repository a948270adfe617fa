//! Whether the sides can be held against each other, in a line: what is compared, what else differs, what nobody recorded.

use crate::sentence::candidate_label;
use analyze::{ComparableAnswer, Comparison, Difference, DifferenceClass, Summary, in_words};
use edge::{clipped, visible};

/// So many facts of a kind are named.
const NAMED: usize = 3;
/// So many bytes of a value are shown; a version has fewer.
const VALUE: usize = 48;
/// What decides it when nothing of it is recorded.
const NOTHING: usize = 6;

/// The line of a candidate: `comparable: in part; differs: QEMU 7.2 -> 8.0; unknown: host, CPU`.
pub(crate) fn line(comparison: &Comparison, summary: &Summary) -> String {
    let of = match comparison.b.len() {
        1 => String::new(),
        _ => format!(" ({})", candidate_label(comparison, summary.candidate)),
    };
    format!("comparable{of}: {}", said(comparison, summary))
}

/// The same without its head.
pub(crate) fn said(comparison: &Comparison, summary: &Summary) -> String {
    let found = &summary.comparable;
    let mut parts = vec![match found.answer {
        ComparableAnswer::Yes => "yes".to_owned(),
        ComparableAnswer::InPart => "in part".to_owned(),
        ComparableAnswer::No if comparison.method.forced => {
            "no, and judged all the same (--force)".to_owned()
        }
        ComparableAnswer::No => "no".to_owned(),
    }];
    let of_class = |class: DifferenceClass| -> Vec<&Difference> {
        let is = |name: &&String| -> Option<&Difference> {
            comparison.differences.iter().find(|d| d.name == **name)
        };
        found.differ.iter().filter_map(|name| is(&name)).filter(|d| d.class == class).collect()
    };
    for (class, head) in [
        (DifferenceClass::Blocking, "not measured alike"),
        (DifferenceClass::Suspicious, "should be equal"),
        (DifferenceClass::Intended, "compared"),
        (DifferenceClass::Software, "other software"),
    ] {
        let facts = of_class(class);
        let named: Vec<String> = facts.iter().take(NAMED).map(|d| change(d, summary.candidate)).collect();
        if !named.is_empty() {
            parts.push(format!("{head}: {}{}", named.join(", "), more(facts.len())));
        }
    }
    if !found.mixed.is_empty() {
        let named: Vec<&str> = found.mixed.iter().take(NAMED).map(|name| called(name)).collect();
        parts.push(format!("differs within a side: {}{}", named.join(", "), more(found.mixed.len())));
    }
    match found.unknown.len() {
        0 => {}
        NOTHING => parts.push("unknown: host and software, of which the files say nothing".to_owned()),
        _ => parts.push(format!("unknown: {}", found.unknown.join(", "))),
    }
    visible(&parts.join("; ")).into_owned()
}

fn more(facts: usize) -> String {
    facts
        .checked_sub(NAMED)
        .filter(|more| *more > 0)
        .map_or(String::new(), |more| format!(" and {more} more"))
}

fn called(fact: &str) -> &str {
    in_words(fact).unwrap_or(fact.strip_prefix("param.").unwrap_or(fact))
}

/// `QEMU 7.2 -> 8.0`.
fn change(difference: &Difference, candidate: usize) -> String {
    let value = |value: Option<&String>| match value {
        None => "unknown".to_owned(),
        Some(text) if text.len() > VALUE => format!("{}…", clipped(text, VALUE)),
        Some(text) => text.clone(),
    };
    let b = difference.b.get(candidate).and_then(Option::as_ref);
    format!("{} {} -> {}", called(&difference.name), value(difference.a.as_ref()), value(b))
}
