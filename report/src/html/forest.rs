//! The forest plot: every primary ratio with its interval and its band, on a log axis, as a table with marks.

use super::strip::{Axis, multiples, nice_step};
use super::{counted, foreign, minus, tone_class};
use crate::numbers;
use crate::rows::{AtGate, BEYOND, RowView, glyph, size, verdict_rank};
use crate::sentence::candidate_label;
use analyze::{Comparison, Interval, Score};
use maud::{Markup, html};

/// With more rows than this the plot shows the largest effects only.
const LIMIT: usize = 150;

/// Rows of one workload and metric.
struct Group<'a, 'v> {
    name: String,
    score: Option<Score>,
    rows: Vec<&'v RowView<'a>>,
}

/// What is drawn of one candidate.
struct Plot<'a, 'v> {
    candidate: usize,
    rows: Vec<&'v RowView<'a>>,
    left_out: usize,
}

/// The section; `None` when no gating row has a ratio. All candidates share one axis.
pub(super) fn section(comparison: &Comparison, views: &[RowView<'_>]) -> Option<Markup> {
    let plots: Vec<Plot<'_, '_>> =
        (0..comparison.b.len()).map(|c| plot(views, c)).filter(|p| !p.rows.is_empty()).collect();
    let all: Vec<&RowView<'_>> = plots.iter().flat_map(|p| p.rows.iter().copied()).collect();
    let axis = axis(&all)?;
    Some(html! {
        section #forest aria-labelledby="h-forest" {
            h2 #h-forest { "Effects" }
            p.caption {
                "B over A for every row that can gate, with its 95% interval, on a log axis; a thin line beyond it is the \
                 wider interval after choosing, which decided rows have and whose numbers stand beside them. The grey \
                 band is what is too small to matter. A mark is filled and coloured only when the verdict is decided. Right of the \
                 line B is larger, whichever side is better."
            }
            @for plot in &plots { (render(comparison, plot, &axis)) }
        }
    })
}

fn plot<'a, 'v>(views: &'v [RowView<'a>], candidate: usize) -> Plot<'a, 'v> {
    let all: Vec<&RowView<'_>> = views
        .iter()
        .filter(|v| v.row.candidate == candidate && v.counts && v.row.ratio.is_some_and(|r| r > 0.0))
        .collect();
    let rows = strongest(&all);
    Plot { candidate, left_out: all.len() - rows.len(), rows }
}

fn render(comparison: &Comparison, plot: &Plot<'_, '_>, axis: &Axis) -> Markup {
    let total = comparison.summary.iter().find(|s| s.candidate == plot.candidate).and_then(|s| s.score);
    let label = candidate_label(comparison, plot.candidate);
    html! {
        @if comparison.b.len() > 1 { h3 { (foreign(&label)) } }
        table.forest aria-label={ "Ratios of " (label) " over A" } {
            thead {
                tr {
                    th scope="col" { "Case" }
                    th scope="col" { span.sr { "Ratio and interval" } (axis_marks(axis)) }
                    th.num scope="col" { "Change [interval]" }
                    th scope="col" { "Verdict" }
                }
            }
            @if let Some(score) = total {
                tbody { (score_row("Boot score, all rows", &score, axis)) }
            }
            @for group in groups(comparison, &plot.rows, plot.candidate) {
                tbody {
                    tr.group { th colspan="4" scope="rowgroup" { (foreign(&group.name)) } }
                    @for view in &group.rows { (row(view, axis)) }
                    @if let Some(score) = group.score { (score_row("all of these together", &score, axis)) }
                }
            }
        }
        @if plot.left_out > 0 {
            p.caption { "The gravest " (plot.rows.len()) " are drawn; " (counted(plot.left_out, "row"))
                " with smaller or undecided effects are in the table below." }
        }
    }
}

/// At most [`LIMIT`] rows: decided ones first, then by size.
fn strongest<'a, 'v>(rows: &[&'v RowView<'a>]) -> Vec<&'v RowView<'a>> {
    let mut rows = rows.to_vec();
    if rows.len() > LIMIT {
        rows.sort_by(|x, y| {
            let rank = |v: &RowView<'_>| verdict_rank(v.row.verdict);
            rank(x).cmp(&rank(y)).then(size(y.row).total_cmp(&size(x.row))).then(x.index.cmp(&y.index))
        });
        rows.truncate(LIMIT);
        rows.sort_by_key(|v| v.index);
    }
    rows
}

/// Rows by workload, category and metric, in the order of the comparison; inside by signed effect, falls first.
fn groups<'a, 'v>(comparison: &Comparison, rows: &[&'v RowView<'a>], candidate: usize) -> Vec<Group<'a, 'v>> {
    let mut groups: Vec<Group<'a, 'v>> = Vec::new();
    let scores =
        comparison.summary.iter().find(|s| s.candidate == candidate).map(|s| s.per_metric.as_slice());
    for view in rows {
        let row = view.row;
        let name = format!("{} {}", row.workload, row.metric);
        match groups.iter_mut().find(|g| g.name == name) {
            Some(group) => group.rows.push(view),
            None => {
                let score = scores
                    .unwrap_or_default()
                    .iter()
                    .find(|s| s.workload == row.workload && s.metric == row.metric)
                    .map(|s| s.score);
                groups.push(Group { name, score, rows: vec![view] });
            }
        }
    }
    for group in &mut groups {
        group.rows.sort_by(|x, y| {
            let ratio = |v: &RowView<'_>| v.row.ratio.unwrap_or(1.0);
            ratio(x).total_cmp(&ratio(y)).then(x.index.cmp(&y.index))
        });
    }
    groups
}

/// The log axis: all estimates and bands, and the intervals as far as they are not much wider than these.
fn axis(rows: &[&RowView<'_>]) -> Option<Axis> {
    let mut core: f64 = 0.0;
    let mut ends: f64 = 0.0;
    for view in rows {
        let top = view.row.ratio_band().map_or(0.0, |Interval(_, top)| top.ln());
        core = core.max(top).max(view.row.ratio.unwrap_or(1.0).ln().abs());
        if let Some(Interval(lo, hi)) = view.row.ratio_ci_fcr.or(view.row.ratio_ci) {
            ends = ends.max(hi.max(1.0).ln()).max(if lo > 0.0 { lo.ln().abs() } else { f64::INFINITY });
        }
    }
    let reach = ends.min(core * 2.0).max(core) * 1.05;
    (!rows.is_empty() && reach.is_finite() && reach > 0.0).then(|| Axis::new(-reach, reach))
}

/// Where the axis is labelled: round percentages, and ratios where it spans more than a factor of three.
fn ticks(axis: &Axis) -> Vec<(f64, String)> {
    let reach = axis.hi();
    if reach > 3f64.ln() {
        let step = (reach / std::f64::consts::LN_2 / 4.0).ceil().max(1.0);
        return multiples(0.0, reach / std::f64::consts::LN_2, step)
            .into_iter()
            .flat_map(|n| {
                let factor = 2f64.powf(n);
                let up = (factor.ln(), format!("×{factor:.0}"));
                let down = (-factor.ln(), format!("÷{factor:.0}"));
                if n == 0.0 { vec![(0.0, "×1".to_owned())] } else { vec![down, up] }
            })
            .collect();
    }
    let step = nice_step((reach.exp() - 1.0) * 100.0 / 3.0);
    multiples((axis.lo().exp() - 1.0) * 100.0, (reach.exp() - 1.0) * 100.0, step)
        .into_iter()
        .map(|p| {
            let text = if p.abs() < step / 2.0 { "0%".to_owned() } else { format!("{:+}%", round(p)) };
            ((1.0 + p / 100.0).ln(), minus(&text))
        })
        .collect()
}

/// Multiples of a step without the noise of binary fractions.
fn round(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}

fn axis_marks(axis: &Axis) -> Markup {
    html! {
        svg.strip.axis width="100%" height="22" aria-hidden="true" {
            @for (at, text) in ticks(axis) {
                text x=(axis.x(at)) y="12" text-anchor="middle" { (text) }
                line x1=(axis.x(at)) x2=(axis.x(at)) y1="16" y2="22" {}
            }
        }
    }
}

fn row(view: &RowView<'_>, axis: &Axis) -> Markup {
    let row = view.row;
    html! {
        tr class=[Some(tone_class(view.tone, view.strong)).filter(|c| !c.is_empty())] {
            th scope="row" {
                a href={ "#r" (view.index) } { (foreign(&row.category)) " " (foreign(&view.case())) }
            }
            td { (strip(row.ratio.unwrap_or(1.0), [row.ratio_ci_fcr, row.ratio_ci], row.ratio_band(), axis, false)) }
            td.num { (minus(&view.change.text)) " " span.ci { (minus(view.change.ci.as_deref().unwrap_or(""))) } }
            td { span.word { (glyph(row.verdict)) " " (row.verdict.word()) }
                @if let Some(reason) = row.reason { " " span.reason { (reason.word()) } }
                @if row.beyond { " " span.reason { (BEYOND.0) } }
                @if view.at_gate() == Some(AtGate::Below) { " " span.reason { (AtGate::Below.word()) } } }
        }
    }
}

fn score_row(name: &str, score: &Score, axis: &Axis) -> Markup {
    let percent = |r: f64| format!("{:+.2}", (r - 1.0) * 100.0);
    html! {
        tr.score {
            th scope="row" { (name) " (" (counted(score.rows, "row")) ")" }
            td { (strip(score.ratio, [None, Some(score.ci)], None, axis, true)) }
            td.num {
                (minus(&percent(score.ratio))) "% "
                span.ci { (minus(&format!("[{}, {}]", percent(score.ci.0), percent(score.ci.1)))) }
            }
            td { span.reason { "no verdict" } }
        }
    }
}

/// Band, line of no change, the wide and the narrow interval (with an arrow where one leaves the axis), mark.
fn strip(
    ratio: f64,
    intervals: [Option<Interval>; 2],
    band: Option<Interval>,
    axis: &Axis,
    diamond: bool,
) -> Markup {
    let at = numbers::ln(ratio);
    html! {
        svg.strip width="100%" height="18" aria-hidden="true" {
            @if let Some(Interval(lo, hi)) = band {
                rect.band x=(axis.x(numbers::ln(lo))) width=(axis.width(numbers::ln(lo), numbers::ln(hi))) y="0" height="18" {}
            }
            line.zero x1=(axis.x(0.0)) x2=(axis.x(0.0)) y1="0" y2="18" {}
            @for (class, Interval(lo, hi)) in ["interval wide", "interval"].into_iter().zip(intervals).filter_map(|(class, ci)| Some((class, ci?))) {
                @let (lo, hi) = (numbers::ln(lo), numbers::ln(hi));
                line class=(class) x1=(axis.x(lo)) x2=(axis.x(hi)) y1="9" y2="9" {}
                @if lo < axis.lo() { text.beyond x="0" y="13" { "‹" } }
                @if hi > axis.hi() { text.beyond x="100%" y="13" text-anchor="end" { "›" } }
            }
            @if diamond {
                svg.mark x=(axis.x(at)) y="9" overflow="visible" { path d="M-6 0 0-5 6 0 0 5z" {} }
            } @else {
                circle.mark cx=(axis.x(at)) cy="9" r="4" {}
            }
        }
    }
}
