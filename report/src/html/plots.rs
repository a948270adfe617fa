//! Plots with axes, drawn by plotters: values in order, and the empirical distribution.
//!
//! plotters writes colours as attributes; the style sheet replaces these very values in dark mode, so only the
//! colours below may be used. Text stays text.

use crate::explain::side_label;
use crate::numbers::trimmed;
use crate::rows::RowView;
use analyze::{Comparison, Sample};
use maud::{Markup, PreEscaped, html};
use plotters::prelude::*;

const WIDTH: u32 = 380;
const HEIGHT: u32 = 190;
/// Axes and their text.
const INK: RGBColor = RGBColor(0x44, 0x44, 0x44);
/// Grid.
const GRID: RGBColor = RGBColor(0xe4, 0xe4, 0xe4);
/// Marks of side A.
const SIDE_A: RGBColor = RGBColor(0x7a, 0x7a, 0x7a);
/// Marks of side B.
const SIDE_B: RGBColor = RGBColor(0x11, 0x11, 0x11);

/// From so many values on a side on its distribution is drawn.
const DISTRIBUTION: usize = 10;

type Failed = Box<dyn std::error::Error>;

/// Values over the order in which they were taken: drift and warm-up show here.
pub(super) fn order(comparison: &Comparison, view: &RowView<'_>) -> Option<Markup> {
    let row = view.row;
    if row.a.values.len() + row.b.values.len() < 2 {
        return None;
    }
    let blocked = !row.a.blocks.is_empty() || !row.b.blocks.is_empty();
    let axis = if blocked { "block" } else { "repeat" };
    let title = format!("Values in order of the {axis}s");
    let mut svg = String::new();
    draw_order(&mut svg, view, axis).ok()?;
    let alt = format!(
        "{title}: {} with {} values, {} with {}",
        side_label(comparison, row, "A"),
        row.a.values.len(),
        side_label(comparison, row, "B"),
        row.b.values.len()
    );
    Some(figure(&title, &alt, &svg))
}

/// Share of values at most x, for sides with enough values.
pub(super) fn distribution(view: &RowView<'_>) -> Option<Markup> {
    let row = view.row;
    if row.a.values.len() < DISTRIBUTION || row.b.values.len() < DISTRIBUTION {
        return None;
    }
    let mut svg = String::new();
    draw_distribution(&mut svg, view).ok()?;
    let title = "Empirical distribution";
    Some(figure(title, &format!("{title} of the values of A and B"), &svg))
}

fn figure(title: &str, alt: &str, svg: &str) -> Markup {
    // plotters writes the element's tag first; the name for screen readers goes into it.
    let alt = html! { (alt) }.into_string();
    let svg = svg.replacen("<svg ", &format!("<svg class=\"plot\" role=\"img\" aria-label=\"{alt}\" "), 1);
    html! { figure { figcaption { (title) span.key { " A ○  B ▲" } } (PreEscaped(svg)) } }
}

/// The place of each value along the axis: its block, else its number among the repeats.
fn places(sample: &Sample) -> Vec<(f64, f64)> {
    sample
        .values
        .iter()
        .enumerate()
        .map(|(i, v)| (sample.blocks.get(i).map_or(i as f64 + 1.0, |b| f64::from(*b)), *v))
        .filter(|(_, v)| v.is_finite())
        .collect()
}

/// The range of values with a twelfth of room on both sides.
fn range(values: impl Iterator<Item = f64>) -> Option<std::ops::Range<f64>> {
    let axis = super::strip::Axis::of(values)?;
    let room = (axis.hi() - axis.lo()) / 12.0;
    Some(axis.lo() - room..axis.hi() + room)
}

fn font(size: u32) -> TextStyle<'static> {
    ("sans-serif", size).into_font().color(&INK)
}

fn draw_order(svg: &mut String, view: &RowView<'_>, axis: &str) -> Result<(), Failed> {
    let factor = view.scaled.factor;
    let scaled =
        |s: &Sample| -> Vec<(f64, f64)> { places(s).into_iter().map(|(x, y)| (x, y * factor)).collect() };
    let (a, b) = (scaled(&view.row.a), scaled(&view.row.b));
    let both = || a.iter().chain(&b);
    let y = range(both().map(|p| p.1)).ok_or("no values")?;
    let last = both().map(|p| p.0).fold(1.0, f64::max);
    {
        let root = SVGBackend::with_string(svg, (WIDTH, HEIGHT)).into_drawing_area();
        let mut chart = ChartBuilder::on(&root)
            .margin(6)
            .x_label_area_size(32)
            .y_label_area_size(58)
            .build_cartesian_2d(0.5..last + 0.5, y)?;
        chart
            .configure_mesh()
            .disable_x_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(GRID)
            .axis_style(INK)
            .x_labels((last as usize).min(10))
            .y_labels(5)
            .x_label_formatter(&|x| if x.fract().abs() < 0.01 { format!("{x:.0}") } else { String::new() })
            .y_label_formatter(&|v| trimmed(*v))
            .label_style(font(12))
            .axis_desc_style(font(12))
            .x_desc(axis)
            .y_desc(view.metric_unit())
            .draw()?;
        let shift = if view.row.a.blocks.is_empty() { 0.0 } else { 0.08 };
        chart.draw_series(LineSeries::new(b.iter().map(|p| (p.0 + shift, p.1)), SIDE_B.stroke_width(1)))?;
        chart.draw_series(LineSeries::new(a.iter().map(|p| (p.0 - shift, p.1)), SIDE_A.stroke_width(1)))?;
        chart.draw_series(a.iter().map(|p| Circle::new((p.0 - shift, p.1), 4, SIDE_A.stroke_width(2))))?;
        chart.draw_series(b.iter().map(|p| TriangleMarker::new((p.0 + shift, p.1), 5, SIDE_B.filled())))?;
        root.present()?;
    }
    Ok(())
}

/// Steps of the empirical distribution.
fn steps(sample: &Sample, factor: f64) -> Vec<(f64, f64)> {
    let mut values: Vec<f64> = sample.values.iter().copied().filter(|v| v.is_finite()).collect();
    values.sort_by(f64::total_cmp);
    let n = values.len() as f64;
    values
        .iter()
        .enumerate()
        .flat_map(|(i, v)| [(v * factor, i as f64 / n), (v * factor, (i as f64 + 1.0) / n)])
        .collect()
}

fn draw_distribution(svg: &mut String, view: &RowView<'_>) -> Result<(), Failed> {
    let factor = view.scaled.factor;
    let (a, b) = (steps(&view.row.a, factor), steps(&view.row.b, factor));
    let x = range(a.iter().chain(&b).map(|p| p.0)).ok_or("no values")?;
    {
        let root = SVGBackend::with_string(svg, (WIDTH, HEIGHT)).into_drawing_area();
        let mut chart = ChartBuilder::on(&root)
            .margin(6)
            .x_label_area_size(32)
            .y_label_area_size(58)
            .build_cartesian_2d(x, 0.0..1.0)?;
        chart
            .configure_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(GRID)
            .axis_style(INK)
            .x_labels(5)
            .y_labels(5)
            .x_label_formatter(&|v| trimmed(*v))
            .label_style(font(12))
            .axis_desc_style(font(12))
            .x_desc(view.metric_unit())
            .y_desc("share of values")
            .draw()?;
        chart.draw_series(LineSeries::new(a, SIDE_A.stroke_width(2)))?;
        chart.draw_series(LineSeries::new(b, SIDE_B.stroke_width(2)))?;
        root.present()?;
    }
    Ok(())
}
