//! The effect of a row on the axis that all rows share: its ratio with its interval, before the band of what is too small
//! to matter. The axis is logarithmic, no change stands in its middle, and its labels are in the head of the column.

use super::minus;
use super::strip::{Axis, multiples, nice_step};
use crate::numbers;
use crate::rows::RowView;
use analyze::{Interval, Row, Score};
use maud::{Markup, html};

/// Two labels are so many percent of the axis apart at least.
const APART: f64 = 22.0;

/// Room beside the outermost mark, for its interval's end.
const BESIDE: f64 = 1.05;

/// The axis: all estimates and bands of the rows that can gate, and their intervals as far as they are not much wider than
/// these. `None` without a ratio.
pub(super) fn axis(views: &[RowView<'_>]) -> Option<Axis> {
    let (mut core, mut ends): (f64, f64) = (0.0, 0.0);
    let shown = |v: &&RowView<'_>| v.counts && v.row.ratio.is_some_and(|r| r > 0.0 && r.is_finite());
    for view in views.iter().filter(shown) {
        let top = view.row.ratio_band().map_or(0.0, |Interval(_, top)| top.ln());
        core = core.max(top).max(view.row.ratio.unwrap_or(1.0).ln().abs());
        if let Some(Interval(lo, hi)) = view.row.ratio_ci_fcr.or(view.row.ratio_ci) {
            ends = ends.max(hi.max(1.0).ln()).max(if lo > 0.0 { lo.ln().abs() } else { f64::INFINITY });
        }
    }
    let reach = ends.min(core * 2.0).max(core) * BESIDE;
    (reach.is_finite() && reach > 0.0).then(|| Axis::new(-reach, reach))
}

/// The labels of the axis.
pub(super) fn head(axis: &Axis) -> Markup {
    html! {
        svg.strip.axis aria-hidden="true" {
            @for (at, text) in apart(axis, ticks(axis)) {
                text x=(axis.x(at)) y="11" text-anchor="middle" { (text) }
            }
        }
    }
}

/// The labels that do not touch on a narrow column; those near no change win.
fn apart(axis: &Axis, mut labels: Vec<(f64, String)>) -> Vec<(f64, String)> {
    labels.sort_by(|x, y| x.0.abs().total_cmp(&y.0.abs()));
    let mut kept: Vec<(f64, String)> = Vec::new();
    for (at, text) in labels {
        if kept.iter().all(|(other, _)| (axis.at(*other) - axis.at(at)).abs() >= APART) {
            kept.push((at, text));
        }
    }
    kept
}

/// Where the axis is labelled: round percentages, and ratios where it spans more than a factor of three. The labels are so
/// few that they do not touch on a narrow column.
fn ticks(axis: &Axis) -> Vec<(f64, String)> {
    let reach = axis.hi();
    if reach > 3f64.ln() {
        let step = (reach / std::f64::consts::LN_2 / 2.0).ceil().max(1.0);
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
    let step = nice_step((reach.exp() - 1.0) * 100.0 / 2.5);
    multiples((axis.lo().exp() - 1.0) * 100.0, (reach.exp() - 1.0) * 100.0, step)
        .into_iter()
        .map(|p| {
            let text = if p.abs() < step / 2.0 { "0".to_owned() } else { format!("{:+}%", round(p)) };
            ((1.0 + p / 100.0).ln(), minus(&text))
        })
        .collect()
}

/// Multiples of a step without the noise of binary fractions.
fn round(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}

/// The mark of a row; nothing where it has no ratio.
pub(super) fn of_row(row: &Row, axis: &Axis) -> Markup {
    let Some(ratio) = row.ratio.filter(|r| *r > 0.0 && r.is_finite()) else { return html! {} };
    strip(ratio, [row.ratio_ci_fcr, row.ratio_ci], row.ratio_band(), axis, false)
}

/// The mark of a score, which has no band and no verdict.
pub(super) fn of_score(score: &Score, axis: &Axis) -> Markup {
    strip(score.ratio, [None, Some(score.ci)], None, axis, true)
}

/// Band, the wide and the narrow interval, mark; how high and how large they stand is the style's. What leaves the axis has an arrow at its end. The line of no change is the
/// style's.
fn strip(
    ratio: f64,
    intervals: [Option<Interval>; 2],
    band: Option<Interval>,
    axis: &Axis,
    score: bool,
) -> Markup {
    let at = numbers::ln(ratio);
    let inside = (axis.lo()..=axis.hi()).contains(&at);
    let bounds = intervals.iter().flatten().map(|Interval(lo, hi)| (numbers::ln(*lo), numbers::ln(*hi)));
    let (low, high) = bounds.fold((at, at), |(low, high), (lo, hi)| (low.min(lo), high.max(hi)));
    html! {
        svg.strip aria-hidden="true" {
            @if let Some(Interval(lo, hi)) = band {
                rect x=(axis.x(numbers::ln(lo))) width=(axis.width(numbers::ln(lo), numbers::ln(hi))) {}
            }
            @for (class, Interval(lo, hi)) in [Some("wide"), None].into_iter().zip(intervals).filter_map(|(class, ci)| Some((class, ci?))) {
                line class=[class] x1=(axis.x(numbers::ln(lo))) x2=(axis.x(numbers::ln(hi))) {}
            }
            @if low < axis.lo() { text y="13" { "‹" } }
            @if high > axis.hi() { text x="100%" y="13" text-anchor="end" { "›" } }
            @if score && inside {
                svg x=(axis.x(at)) y="9" overflow="visible" { path d="M-6 0 0-5 6 0 0 5z" {} }
            } @else if inside {
                circle cx=(axis.x(at)) {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_beyond_the_axis_is_an_arrow_and_none_of_its_marks() {
        let axis = Axis::new(-0.1, 0.1);
        let drawn = |ratio| strip(ratio, [None, None], None, &axis, false).into_string();
        assert!(drawn(1.05).contains("<circle") && !drawn(1.05).contains('›'));
        assert!(!drawn(17.0).contains("<circle") && drawn(17.0).contains('›'));
        assert!(drawn(0.1).contains('‹'));
    }

    #[test]
    fn labels_are_few_and_round() {
        let labels =
            |reach: f64| ticks(&Axis::new(-reach, reach)).into_iter().map(|t| t.1).collect::<Vec<_>>();
        assert_eq!(labels(1.1f64.ln()), ["−5%", "0", "+5%", "+10%"]);
        assert_eq!(labels(4f64.ln()), ["×1", "÷2", "×2", "÷4", "×4"]);
        let axis = Axis::new(-0.2, 0.2);
        let kept: Vec<String> = apart(&axis, ticks(&axis)).into_iter().map(|t| t.1).collect();
        assert_eq!(kept, ["0", "+10%", "−10%"], "+20% would touch +10%");
    }
}
