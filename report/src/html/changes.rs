//! What differs between the environments; only that, the intended factor first.

use super::{banner, breakable_name, foreign};
use crate::sentence::candidate_label;
use analyze::{Comparison, Difference, DifferenceClass, Side};
use maud::{Markup, html};
use std::collections::BTreeSet;

pub(super) fn section(comparison: &Comparison) -> Markup {
    let (main, other): (Vec<&Difference>, Vec<&Difference>) =
        comparison.differences.iter().partition(|d| d.class != DifferenceClass::Other);
    let facts = !comparison.a.facts.is_empty() || comparison.b.iter().any(|s| !s.facts.is_empty());
    html! {
        section #changes aria-labelledby="h-changes" {
            h2 #h-changes { "Sides and what changed" }
            (banner::sides(comparison))
            h3 { "What changed" }
            @if !facts && comparison.differences.is_empty() {
                p { "Nothing is known about the environments: no side recorded any facts." }
            } @else if comparison.differences.is_empty() {
                p { "Every recorded fact is equal on all sides." }
            } @else if main.is_empty() {
                p { "Nothing that is known to matter; what else differs is below." }
            } @else {
                (table(comparison, &main, "Differences that matter"))
            }
            @if !other.is_empty() {
                details {
                    summary { "Other differences (" (other.len()) ")" }
                    (table(comparison, &other, "Other differences"))
                }
            }
            @if facts { (all_facts(comparison)) }
        }
    }
}

fn table(comparison: &Comparison, differences: &[&Difference], name: &str) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label=(name) {
            table.facts data-copy="differences" {
                thead {
                    tr {
                        th scope="col" { "Fact" }
                        th scope="col" { (foreign(&comparison.a.label)) }
                        @for i in 0..comparison.b.len() { th scope="col" { bdi { (candidate_label(comparison, i)) } } }
                        th scope="col" { "Meaning" }
                    }
                }
                tbody {
                    @for difference in differences {
                        tr class=[row_class(difference.class)] {
                            th scope="row" { (breakable_name(&difference.name)) }
                            td { (value(difference.a.as_deref())) }
                            @for i in 0..comparison.b.len() {
                                td { (value(difference.b.get(i).and_then(|v| v.as_deref()))) }
                            }
                            td { (word(difference)) (meaning(difference.class)) }
                        }
                    }
                }
            }
        }
    }
}

fn value(text: Option<&str>) -> Markup {
    html! { @match text { Some(text) => (foreign(text)), None => span.quiet { "not recorded" } } }
}

fn row_class(class: DifferenceClass) -> Option<&'static str> {
    match class {
        DifferenceClass::Intended => Some("intended"),
        DifferenceClass::Blocking => Some("blocking"),
        DifferenceClass::Suspicious => Some("suspicious"),
        DifferenceClass::Software => Some("intended"),
        DifferenceClass::Other => None,
    }
}

/// What a difference is, in a word.
fn word(difference: &Difference) -> &'static str {
    match difference.class {
        DifferenceClass::Intended => "intended",
        DifferenceClass::Blocking => "blocking",
        DifferenceClass::Suspicious => "suspicious",
        DifferenceClass::Software => "software",
        DifferenceClass::Other if one_sided(difference) => "not recorded on every side",
        DifferenceClass::Other => "not known to matter",
    }
}

/// A side does not say: it may well be equal.
fn one_sided(difference: &Difference) -> bool {
    difference.a.is_none() || difference.b.iter().any(Option::is_none)
}

/// What that means for the numbers.
fn meaning(class: DifferenceClass) -> &'static str {
    match class {
        DifferenceClass::Intended => ": this is what is compared",
        DifferenceClass::Blocking => ": rows are not comparable",
        DifferenceClass::Suspicious => ": it may explain a difference",
        DifferenceClass::Software => ": this is what is compared, or it explains a difference",
        DifferenceClass::Other => "",
    }
}

/// Everything that was recorded, for those who look for it.
fn all_facts(comparison: &Comparison) -> Markup {
    let sides: Vec<&Side> = std::iter::once(&comparison.a).chain(&comparison.b).collect();
    html! {
        details {
            summary { "All recorded facts (" (names(&sides).len()) ")" }
            (all_facts_table(&sides))
        }
    }
}

/// The names of all facts of all sides.
fn names<'a>(sides: &[&'a Side]) -> BTreeSet<&'a str> {
    sides.iter().flat_map(|s| s.facts.keys().map(String::as_str)).collect()
}

/// Every fact of every side, side by side.
pub(crate) fn all_facts_table(sides: &[&Side]) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="All facts" {
            table.facts data-copy="facts" {
                thead {
                    tr {
                        th scope="col" { "Fact" }
                        @for side in sides { th scope="col" { (foreign(&side.label)) } }
                    }
                }
                tbody {
                    @for name in names(sides) {
                        tr {
                            th scope="row" { (breakable_name(name)) }
                            @for side in sides { td { (value(side.facts.get(name).map(String::as_str))) } }
                        }
                    }
                }
            }
        }
    }
}
