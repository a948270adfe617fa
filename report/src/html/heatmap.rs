//! Heat maps: one benchmark and metric over two factors, so that structure shows which a list hides.

use super::{foreign, minus};
use crate::rows::{RowView, Tone, glyph, size, verdict_rank, written};
use crate::sentence::candidate_label;
use analyze::{Comparison, Row, Verdict};
use edge::visible;
use maud::{Markup, html};
use model::counted;

/// The gravity of a map in which nothing was decided: it is folded.
const UNCHANGED: u8 = u8::MAX;
/// So many maps are open: all of them laid out would slow the whole page down.
const OPEN: usize = 8;
/// So many maps at most, and so many levels of a factor in one.
const MAPS: usize = 80;
const LEVELS: usize = 64;

/// One map: rows that differ in two factors only.
struct Map<'a, 'v> {
    title: String,
    across: String,
    down: String,
    columns: Vec<String>,
    lines: Vec<(String, Vec<Option<&'v RowView<'a>>>)>,
}

/// The section; `None` when no benchmark has a factor with several levels.
pub(super) fn section(comparison: &Comparison, views: &[RowView<'_>]) -> Option<Markup> {
    let mut maps = maps(comparison, views);
    maps.sort_by(|x, y| graver(&x.gravity(), &y.gravity()));
    if maps.is_empty() {
        return None;
    }
    let more = maps.len().saturating_sub(MAPS);
    let changed = maps.iter().take(OPEN).filter(|map| map.gravity().0 < UNCHANGED).count();
    let (open, folded) = maps.get(..MAPS).unwrap_or(&maps).split_at(changed);
    let quiet = folded.iter().all(|map| map.gravity().0 == UNCHANGED);
    let candidates: Vec<String> = (0..comparison.b.len()).map(|i| candidate_label(comparison, i)).collect();
    Some(html! {
        section #heat aria-labelledby="h-heat" {
            h2 #h-heat { "Heat maps" }
            p.caption {
                "Change of " (foreign(&candidates.join(", "))) " against " (foreign(&comparison.a.label)) " in the rows that can \
                 gate, over the factors of each benchmark. Colour only where a verdict is decided, the stronger the further \
                 outside the band; hatched: inconclusive; ≈ shown to be equivalent; ∅ missing on a side; empty: not measured."
            }
            div.maps { @for map in open { (render(map)) } }
            @if !folded.is_empty() {
                details {
                    summary { (counted(folded.len(), if open.is_empty() { "map" } else { "more map" })) @if quiet { ", without a change" } }
                    div.maps { @for map in folded { (render(map)) } }
                }
            }
            @if more > 0 { p.caption { "and " (more) " more, which the table below has" } }
        }
    })
}

impl Map<'_, '_> {
    /// How grave the gravest of its rows is, and how large the largest change of those as grave.
    fn gravity(&self) -> (u8, f64) {
        let rows = self.lines.iter().flat_map(|(_, cells)| cells.iter().flatten());
        rows.map(|view| {
            let changed = view.row.verdict.is_decided_change();
            let rank = if changed { verdict_rank(view.row.verdict) } else { UNCHANGED };
            (rank, if changed { size(view.row) } else { 0.0 })
        })
        .min_by(graver)
        .unwrap_or((UNCHANGED, 0.0))
    }
}

/// The graver of two first, then the larger.
fn graver(x: &(u8, f64), y: &(u8, f64)) -> std::cmp::Ordering {
    x.0.cmp(&y.0).then(y.1.total_cmp(&x.1))
}

/// Rows of one map: candidate, workload, category, metric.
type Key<'a> = (usize, &'a str, &'a str, &'a str);

fn key<'a>(row: &'a Row) -> Key<'a> {
    (row.candidate, &row.workload, &row.category, &row.metric)
}

fn maps<'a, 'v>(comparison: &Comparison, views: &'v [RowView<'a>]) -> Vec<Map<'a, 'v>> {
    let mut groups: Vec<(Key<'_>, Vec<&'v RowView<'a>>)> = Vec::new();
    let mut places = std::collections::HashMap::new();
    for view in views.iter().filter(|v| v.counts) {
        let at = *places.entry(key(view.row)).or_insert(groups.len());
        match groups.get_mut(at) {
            Some(group) => group.1.push(view),
            None => groups.push((key(view.row), vec![view])),
        }
    }
    groups.iter().flat_map(|(_, rows)| of_group(comparison, rows)).collect()
}

/// The maps of one benchmark and metric: one for each combination of the factors beyond two.
fn of_group<'a, 'v>(comparison: &Comparison, rows: &[&'v RowView<'a>]) -> Vec<Map<'a, 'v>> {
    let mut varying: Vec<(String, Vec<String>)> = Vec::new();
    for (name, _) in rows.iter().flat_map(|v| &v.row.case.0) {
        if !varying.iter().any(|(n, _)| n == name) {
            let levels = levels(rows.iter().map(|v| v.row), name);
            varying.push((name.clone(), levels));
        }
    }
    varying.retain(|(_, levels)| (2..=LEVELS).contains(&levels.len()));
    // The factors with most levels span the map; the others make facets.
    varying.sort_by_key(|(_, levels)| std::cmp::Reverse(levels.len()));
    let mut factors = varying.into_iter();
    let Some(across) = factors.next() else { return Vec::new() };
    let down = factors.next();
    let facets: Vec<String> = factors.map(|(n, _)| n).collect();
    let mut combinations: Vec<Vec<Option<&str>>> = Vec::new();
    for view in rows {
        let combination: Vec<Option<&str>> = facets.iter().map(|f| view.row.case.get(f)).collect();
        if !combinations.contains(&combination) {
            combinations.push(combination);
        }
    }
    let facet_rows = |wanted: &Vec<Option<&str>>| -> Vec<&'v RowView<'a>> {
        let matches = |v: &&&RowView<'_>| facets.iter().zip(wanted).all(|(f, w)| v.row.case.get(f) == *w);
        rows.iter().filter(matches).copied().collect()
    };
    combinations
        .iter()
        .filter_map(|c| map(comparison, &facet_rows(c), &across, down.as_ref(), &facets, c))
        .collect()
}

/// The levels of a factor in the order of the rows, numbers in their own order.
pub(super) fn levels<'r>(rows: impl Iterator<Item = &'r Row>, name: &str) -> Vec<String> {
    let mut levels: Vec<String> = Vec::new();
    for level in rows.filter_map(|row| row.case.get(name)) {
        if !levels.iter().any(|l| l == level) {
            levels.push(level.to_owned());
        }
        if levels.len() > LEVELS {
            break;
        }
    }
    let numbers: Option<Vec<f64>> = levels.iter().map(|l| l.parse::<f64>().ok()).collect();
    if let Some(numbers) = numbers {
        let mut pairs: Vec<(f64, String)> = numbers.into_iter().zip(levels).collect();
        pairs.sort_by(|x, y| x.0.total_cmp(&y.0));
        return pairs.into_iter().map(|p| p.1).collect();
    }
    levels
}

fn map<'a, 'v>(
    comparison: &Comparison,
    rows: &[&'v RowView<'a>],
    across: &(String, Vec<String>),
    down: Option<&(String, Vec<String>)>,
    facets: &[String],
    facet: &[Option<&str>],
) -> Option<Map<'a, 'v>> {
    let first = rows.first()?;
    let mut title = format!("{} {} {}", first.row.workload, first.row.category, first.row.metric);
    if comparison.b.len() > 1 {
        title = format!("{}: {title}", candidate_label(comparison, first.row.candidate));
    }
    for (name, level) in facets.iter().zip(facet) {
        title = format!("{title}, {name}={}", level.map_or("none", |level| written(comparison, name, level)));
    }
    let cell = |line: Option<&str>, column: &str| {
        rows.iter()
            .find(|v| {
                v.row.case.get(&across.0) == Some(column) && down.is_none_or(|d| v.row.case.get(&d.0) == line)
            })
            .copied()
    };
    let shown = |key: &str, level: &str| written(comparison, key, level).to_owned();
    let cells = |line: Option<&str>| across.1.iter().map(|c| cell(line, c)).collect();
    let lines = match down {
        Some(d @ (_, levels)) => levels.iter().map(|l| (shown(&d.0, l), cells(Some(l)))).collect(),
        None => vec![(String::new(), cells(None))],
    };
    Some(Map {
        title,
        across: across.0.clone(),
        down: down.map_or(String::new(), |d| d.0.clone()),
        columns: across.1.iter().map(|level| shown(&across.0, level)).collect(),
        lines,
    })
}

fn render(map: &Map<'_, '_>) -> Markup {
    let corner =
        if map.down.is_empty() { map.across.clone() } else { format!("{} ╲ {}", map.down, map.across) };
    html! {
        div.scroll tabindex="0" role="region" aria-label={ "Heat map " (visible(&map.title)) } {
            table.heat {
                caption { bdi { (visible(&map.title)) } }
                thead {
                    tr {
                        th scope="col" { (foreign(&corner)) }
                        @for column in &map.columns { th scope="col" { (foreign(column)) } }
                    }
                }
                tbody {
                    @for (name, cells) in &map.lines {
                        tr { @if map.down.is_empty() { td {} } @else { th scope="row" { (foreign(name)) } } @for cell in cells { (heat_cell(*cell)) } }
                    }
                }
            }
        }
    }
}

fn heat_cell(view: Option<&RowView<'_>>) -> Markup {
    let Some(view) = view else { return html! { td {} } };
    let class = match (view.tone, view.row.verdict) {
        (Tone::Worse, _) => format!("worse h{}", depth(view.row)),
        (Tone::Better, _) => format!("better h{}", depth(view.row)),
        (Tone::Changed, _) => "changed".to_owned(),
        (Tone::None, Verdict::Inconclusive) => "open".to_owned(),
        (Tone::None, _) => "quiet".to_owned(),
    };
    let text = match view.row.verdict {
        Verdict::MissingA | Verdict::MissingB | Verdict::Invalid => view.row.verdict.word().to_lowercase(),
        _ => minus(&view.change.text),
    };
    html! {
        td class=(class) {
            a href={ "#r" (view.index) } title=(view.verdict()) {
                span.g { (glyph(view.row.verdict)) } " " (text)
            }
        }
    }
}

/// How far outside the band, in bands: 1, 2 or 3.
fn depth(row: &Row) -> u8 {
    let m = row.min_effect.max(1e-6).ln_1p();
    match row.ratio {
        Some(r) if r > 0.0 && (r.ln().abs() / m) < 1.5 => 1,
        Some(r) if r > 0.0 && (r.ln().abs() / m) < 3.0 => 2,
        _ => 3,
    }
}
