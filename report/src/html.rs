//! The page that people publish: one file, no network, complete without JavaScript and on paper.
//!
//! ```text
//!   document (head, style, script) around: answer (a card for each candidate, + categories), banner (gate, sides, published)
//!               -> failures -> notes -> hosts -> changes -> heatmap -> table (picture and effect in each row) -> iozone -> history -> classic -> method
//!               -> pack (drilldown of every row, with plots and reasons)
//! ```
//! Pages of runs and of sites are made of the same parts: document, card, table styles.
//! Everything that was not written here passes `foreign`: invisible characters are shown, markup is escaped,
//! the direction of writing stays inside the text. Inline style and script are named by their hashes in the
//! content security policy, so nothing else can run even if it got in.

mod answer;
mod banner;
mod card;
mod categories;
mod changes;
mod classic;
mod csp;
mod curves;
mod document;
mod drilldown;
mod effect;
mod failures;
mod heatmap;
mod history;
mod hosts;
mod iozone;
mod method;
mod notes;
mod pack;
mod page;
mod picture;
mod plots;
mod published;
mod reasons;
mod strip;
mod table;

pub(crate) use card::{Card, Figure, card};
pub(crate) use changes::all_facts_table;
pub(crate) use document::{Document, contents};
pub use page::html;
pub(crate) use picture::of_side;
pub(crate) use published::provenance;
pub use published::{Download, Published};
pub(crate) use strip::Axis;
#[cfg(test)]
pub(crate) use table::COLUMNS;

use crate::history::History;
use crate::numbers;
use crate::rows::Tone;
use crate::{ClassicTable, Gate};
use analyze::Verdict;
use edge::visible;
use maud::{Markup, html};

/// What the page shows beside the comparison.
#[derive(Clone, Debug)]
pub struct HtmlOptions {
    /// Title; without one the labels of the sides.
    pub title: Option<String>,
    /// The ancestor's tables, one for each workload and candidate.
    pub classic: Vec<ClassicTable>,
    /// What `--fail-on` gave.
    pub gate: Option<Gate>,
    /// Earlier results of the same machine.
    pub history: Option<History>,
    /// The documentation that the page links to; an address of another scheme than http and https is shown and is no link.
    pub docs: Option<String>,
    /// Where the page stands in a site.
    pub published: Option<Published>,
    /// Up to so many rows are all there at once; of more the script keeps those that are in sight.
    pub static_rows: usize,
}

impl Default for HtmlOptions {
    fn default() -> Self {
        HtmlOptions {
            title: None,
            classic: Vec::new(),
            gate: None,
            history: None,
            docs: None,
            published: None,
            static_rows: 250,
        }
    }
}

/// Text from outside. What could turn the direction of writing is set apart from the text around it.
pub(crate) fn foreign(text: &str) -> Markup {
    let text = visible(text);
    html! { @if text.is_ascii() { (text) } @else { bdi { (text) } } }
}

/// An id, a path or a command, which may go on in the next line behind a slash or a comma and not in the middle of a word.
pub(crate) fn breakable(text: &str) -> Markup {
    breaking(text, &['/', ','])
}

/// The name of a fact, which may go on behind a point or an underscore.
pub(crate) fn breakable_name(text: &str) -> Markup {
    breaking(text, &['.', '_'])
}

fn breaking(text: &str, behind: &[char]) -> Markup {
    let visible = visible(text);
    html! { bdi { @for part in visible.split_inclusive(behind) { (part) wbr; } } }
}

/// A number with a real minus sign.
pub(crate) fn minus(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 4);
    let mut last = ' ';
    for c in text.chars() {
        let sign = c == '-' && matches!(last, ' ' | '[' | '/');
        out.push(if sign { '−' } else { c });
        last = c;
    }
    out
}

/// A ratio as a change: `−1.20%`.
fn signed_percent(ratio: f64) -> String {
    let percent = (ratio - 1.0) * 100.0;
    if percent.is_finite() { minus(&format!("{percent:+.2}%")) } else { numbers::NONE.to_owned() }
}

/// The class of a colour.
fn tone_class(tone: Tone, strong: bool) -> &'static str {
    match (tone, strong) {
        (Tone::Worse, true) => "worse strong",
        (Tone::Worse, false) => "worse",
        (Tone::Better, true) => "better strong",
        (Tone::Better, false) => "better",
        (Tone::Changed, true) => "changed strong",
        (Tone::Changed, false) => "changed",
        (Tone::None, _) => "",
    }
}

/// The colour that a verdict has in counts and legends.
pub(crate) fn verdict_class(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Regressed => "worse strong",
        Verdict::Improved => "better strong",
        Verdict::ChangedUp | Verdict::ChangedDown => "changed strong",
        Verdict::Inconclusive => "open",
        _ => "quiet",
    }
}
