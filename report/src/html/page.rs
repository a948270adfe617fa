//! The page as a whole.

use super::document::{self, Document};
use super::{
    HtmlOptions, answer, banner, changes, classic, curves, drilldown, failures, heatmap, history, hosts,
    iozone, method, notes, pack, published, table,
};
use crate::brief;
use crate::causes::Companions;
use crate::date;
use crate::machine;
use crate::matching;
use crate::rows;
use crate::sentence::candidate_label;
use analyze::{Comparison, Side};
use edge::visible;
use maud::html;
use model::counted;

const SCRIPT: &str = include_str!("script.js");

/// The comparison as one self-contained page. Equal input gives equal bytes.
pub fn html(comparison: &Comparison, options: &HtmlOptions) -> String {
    let views = rows::views(comparison);
    let title = title(comparison, options);
    let about = about(comparison);
    let failures = failures::section(comparison, &views);
    let hosts = hosts::section(comparison, &views);
    let heat = heatmap::section(comparison, &views);
    let iozone = iozone::section(comparison);
    let curves = curves::section(comparison, &views);
    let classic = classic::section(comparison, &options.classic, views.len() <= options.static_rows);
    let history = options.history.as_ref().and_then(|h| history::section(comparison, &views, h));
    let companions = Companions::of(&views);
    let sections = [
        ("failures", "Failures", failures.is_some()),
        ("notes", "Notes", true),
        ("hosts", "Hosts", hosts.is_some()),
        ("heat", "Maps", heat.is_some()),
        ("curves", "Curves", curves.is_some()),
        ("rows", "Rows", true),
        ("iozone", "iozone", iozone.is_some()),
        ("changes", "Sides and what changed", true),
        ("history", "History", history.is_some()),
        ("classic", "Classic table", classic.is_some()),
        ("method", "Method", true),
    ];
    let sections = sections.into_iter().filter(|(.., there)| *there).map(|(id, name, _)| (id, name));
    let body = html! {
        header {
            h1 { bdi { (title) } }
            p.caption { (super::foreign(&about)) }
            (answer::cards(comparison, &views, options.published.as_ref()))
            @for line in matching::matched(comparison) { p.matched { (super::foreign(&line)) "." } }
            @if matching::nothing_meets(comparison) && !comparison.nearest.is_empty() {
                ul.notes { (notes::nearest(comparison)) }
            }
            @if let Some(gate) = &options.gate { (banner::gate(comparison, gate)) }
            @if let Some(published) = &options.published { (published::provenance(published)) }
        }
        (document::contents(sections, options.docs.as_deref()))
        main {
            @if let Some(section) = failures { (section) }
            (notes::section(comparison, &views))
            @if let Some(section) = hosts { (section) }
            @if let Some(section) = heat { (section) }
            @if let Some(section) = curves { (section) }
            (table::section(comparison, &views, options.static_rows))
            @if let Some(section) = iozone { (section) }
            (changes::section(comparison))
            @if let Some(section) = history { (section) }
            @if let Some(section) = classic { (section) }
            (method::section(comparison))
        }
        (pack::packs(views.iter().map(|view| drilldown::content(comparison, view, &companions))))
    };
    let version = comparison.perfvt.as_str();
    let plain = brief::plain(comparison, &about);
    let head =
        Document { title: &title, about: &plain, version, script: Some(SCRIPT), ..Document::default() };
    head.page(&body)
}

/// When, where and what was measured: `2026-05-12 10:00 UTC · host-7 · tcg · netperf · 60 rows`.
fn about(comparison: &Comparison) -> String {
    let sides: Vec<&Side> = std::iter::once(&comparison.a).chain(&comparison.b).collect();
    let date = date::utc(sides.iter().filter_map(|side| side.date_unix).max());
    let machine = crate::whom::whom(comparison).unwrap_or_else(|| machine::machine(&sides));
    let mut parts = vec![date, machine];
    parts.extend(machine::same(&sides, "accel"));
    parts.extend(comparison.workloads.iter().map(|w| w.name.clone()));
    parts.push(counted(comparison.rows.len(), "row"));
    parts.join(" · ")
}

/// `base against next`, or what the options say.
fn title(comparison: &Comparison, options: &HtmlOptions) -> String {
    if let Some(title) = &options.title {
        return visible(title).into_owned();
    }
    let candidates: Vec<String> = (0..comparison.b.len()).map(|i| candidate_label(comparison, i)).collect();
    format!("{} → {}", visible(&comparison.a.label), candidates.join(", "))
}
