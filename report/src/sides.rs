//! What is said of a side: how it was measured, and what of it was lost.

use analyze::{Comparison, Side};
use edge::visible;
use model::counted;

/// The sides, each with its letter.
pub(crate) fn named(comparison: &Comparison) -> impl Iterator<Item = (&'static str, &Side)> {
    std::iter::once(("A", &comparison.a)).chain(comparison.b.iter().map(|side| ("B", side)))
}

/// `A (base): 5 repeats, 5 boots, 1 host boot, 2014-05-01 12:00 UTC`.
pub(crate) fn line(name: &str, side: &Side) -> String {
    format!("{name} ({}): {}", visible(&side.label), facts(side))
}

/// `5 repeats, 5 boots, 1 host boot, 2014-05-01 12:00 UTC`.
pub(crate) fn facts(side: &Side) -> String {
    let mut parts = vec![counted(side.repeats, "repeat")];
    parts.extend(side.boots.map(|n| counted(n, "boot")));
    parts.extend(side.host_boots.map(|n| counted(n, "host boot")));
    parts.extend(side.session_length.as_deref().map(|s| format!("session {}", visible(s))));
    parts.push(crate::date::utc(side.date_unix));
    if !side.losses.is_empty() {
        parts.push(format!("{} lost", counted(side.losses.len(), "item")));
    }
    if side.unfinished {
        parts.push("the campaign has not ended".to_owned());
    }
    parts.join(", ")
}

/// What of a side was lost: place and reason of so many, and how many more.
pub(crate) fn lost(side: &Side, listed: usize) -> Vec<String> {
    let more = side.losses.len().checked_sub(listed).filter(|more| *more > 0);
    let listed = side.losses.iter().take(listed);
    let mut lines: Vec<String> =
        listed.map(|loss| format!("{}: {}", visible(&loss.place), visible(&loss.reason))).collect();
    if let Some(more) = more {
        lines.push(format!("and {more} more, which the page and --format json have"));
    }
    lines
}
