//! The page as a whole.

use super::{
    HtmlOptions, changes, classic, csp, data, failures, forest, heatmap, history, method, notes, published,
    table, verdict_bar,
};
use crate::rows;
use crate::sentence::candidate_label;
use crate::statistics::{self, Section};
use analyze::Comparison;
use edge::visible;
use maud::{DOCTYPE, Markup, PreEscaped, html};

/// The style of every page.
pub(crate) const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");
/// Where the script has the statistics that it draws.
const STATISTICS: &str = "const statistics = {};";

/// The comparison as one self-contained page. Equal input gives equal bytes.
pub fn html(comparison: &Comparison, options: &HtmlOptions) -> String {
    let views = rows::views(comparison);
    let title = title(comparison, options);
    let failures = failures::section(comparison, &views);
    let forest = forest::section(comparison, &views);
    let heat = heatmap::section(comparison, &views);
    let classic = classic::section(comparison, &options.classic, views.len() <= options.static_rows);
    let history = options.history.as_ref().and_then(|h| history::section(comparison, &views, h));
    let script = script();
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(csp::policy(STYLE, Some(&script)));
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="generator" content={ "perfvt " (visible(&comparison.perfvt)) };
                title { (title) }
                style { (PreEscaped(STYLE)) }
                script { (PreEscaped(&script)) }
            }
            body {
                header {
                    (verdict_bar::section(comparison, &title, options.gate.as_ref()))
                    @if let Some(published) = &options.published { (published::provenance(published)) }
                }
                (contents([failures.is_some(), forest.is_some(), heat.is_some(), history.is_some(), classic.is_some()]))
                main {
                    @if let Some(section) = failures { (section) }
                    (notes::section(comparison, &views))
                    (changes::section(comparison))
                    @if let Some(section) = forest { (section) }
                    @if let Some(section) = heat { (section) }
                    (table::section(comparison, &views, options.static_rows))
                    @if let Some(section) = history { (section) }
                    @if let Some(section) = classic { (section) }
                    (method::section(comparison))
                }
                (data::island(comparison))
            }
        }
    };
    page.into_string()
}

/// The script with the names and heads of what it draws.
fn script() -> String {
    let drawn = |sections: &[Section]| {
        let pairs = statistics::of_sections(sections).filter(|s| s.scripted).map(|s| (s.name, s.head));
        serde_json::Value::from_iter(pairs.map(|(name, head)| vec![name, head]))
    };
    let (sides, estimates) = (drawn(&[Section::Sides]), drawn(&Section::SCRIPTED));
    SCRIPT.replacen(
        STATISTICS,
        &format!("const statistics = {{ sides: {sides}, estimates: {estimates} }};"),
        1,
    )
}

/// `base against next`, or what the options say.
fn title(comparison: &Comparison, options: &HtmlOptions) -> String {
    if let Some(title) = &options.title {
        return visible(title).into_owned();
    }
    let candidates: Vec<String> = (0..comparison.b.len()).map(|i| candidate_label(comparison, i)).collect();
    format!("{} → {}", visible(&comparison.a.label), candidates.join(", "))
}

/// Links to the sections that are there.
fn contents([failures, forest, heat, history, classic]: [bool; 5]) -> Markup {
    html! {
        nav aria-label="Sections" {
            @if failures { a href="#failures" { "Failures" } }
            a href="#notes" { "Notes" }
            a href="#changes" { "What changed" }
            @if forest { a href="#forest" { "Effects" } }
            @if heat { a href="#heat" { "Heat maps" } }
            a href="#rows" { "All rows" }
            @if history { a href="#history" { "History" } }
            @if classic { a href="#classic" { "Classic table" } }
            a href="#method" { "Method" }
        }
    }
}
