//! Flame graphs: frames as boxes, each below the one that called it and as wide as its share of the samples. Static SVG whose names
//! are text, so that a browser finds them, in the colours of the page.

use crate::causes::{left_out, percent, points};
use analyze::{Flame, FlameFrame};
use edge::visible;
use maud::{Markup, PreEscaped, html};

/// The colours of every page, and what a picture by itself takes of its style.
const STYLE: &str = include_str!("html/style.css");
/// Where the colours end in it.
const BEHIND_COLOURS: &str = "* {";
/// Width of a picture, in its own coordinates.
const WIDTH: f64 = 1200.0;
/// Height of a box, with the gap below.
const ROW: f64 = 17.0;
/// So much more or less of the samples is a light or a strong colour.
const LIGHT: f64 = 0.005;
const STRONG: f64 = 0.03;

/// A box with its place.
struct Placed<'f> {
    frame: &'f FlameFrame,
    /// Name of its source.
    of: &'f str,
    x: f64,
    width: f64,
}

/// Lays the frames out, from left to right below their callers.
fn place(flame: &Flame, differs: bool) -> Vec<Placed<'_>> {
    let total: f64 = flame.sources.iter().map(|s| s.a as f64).sum();
    let sources = flame.sources.len().max(1) as f64;
    // Where the next box of a depth begins.
    let mut next: Vec<f64> = vec![0.0];
    let (mut at, mut of, mut scale) = (0, "", 0.0);
    let mut placed = Vec::with_capacity(flame.frames.len());
    for frame in &flame.frames {
        if frame.depth == 0 {
            let samples = flame.sources.get(at).map_or(0.0, |s| s.a as f64);
            // Two profiles are shares of each source; one is a number of samples.
            scale = if differs { WIDTH / sources } else { WIDTH * samples / total.max(1.0) };
            (of, at) = (frame.name.as_str(), at + 1);
        }
        let share = match (frame.depth, differs) {
            (0, _) => 1.0,
            (_, true) => f64::midpoint(frame.a, frame.b),
            (_, false) => frame.a,
        };
        let (depth, width) = (frame.depth as usize, share * scale);
        next.resize((depth + 2).max(next.len()), 0.0);
        let x = next.get(depth).copied().unwrap_or_default();
        for (place, value) in [(depth, x + width), (depth + 1, x)] {
            if let Some(next) = next.get_mut(place) {
                *next = value;
            }
        }
        placed.push(Placed { frame, of, x, width });
    }
    placed
}

/// The graph of one profile, or the difference of two.
pub(crate) fn graph(flame: &Flame, differs: bool, alt: &str) -> Markup {
    let placed = place(flame, differs);
    let deepest = placed.iter().map(|p| p.frame.depth).max().unwrap_or(0);
    let height = f64::from(deepest + 1) * ROW;
    html! {
        svg.flame xmlns="http://www.w3.org/2000/svg" viewBox={ "0 0 " (WIDTH) " " (height) } role="img" aria-label=(alt) {
            @for one in placed.iter().filter(|one| one.width > 0.0) { (boxed(one, differs)) }
        }
    }
}

/// A box. Its name is cut at its edge and stays whole in the text.
fn boxed(one: &Placed<'_>, differs: bool) -> Markup {
    let Placed { frame, of, x, width } = one;
    let name = visible(&frame.name);
    let class = if differs { tone(frame) } else { shade(&frame.name) };
    html! {
        svg x=(short(*x)) y=(short(f64::from(frame.depth) * ROW)) width=(short(*width)) height="16" {
            title { (name) ": " (told(frame, of, differs)) }
            rect.(class) width="100%" height="100%" {}
            text x="3" y="12" { (name) }
        }
    }
}

/// `12.0% of host`, `12.0% → 15.0% of host (+3.0 pp)`.
fn told(frame: &FlameFrame, of: &str, differs: bool) -> String {
    let of = visible(of);
    if differs {
        let (a, b) = (percent(frame.a), percent(frame.b));
        format!("{a} → {b} of {of} ({})", points(frame.b - frame.a))
    } else {
        format!("{} of {of}", percent(frame.a))
    }
}

/// More is red, less is blue.
fn tone(frame: &FlameFrame) -> &'static str {
    let more = frame.b - frame.a;
    match (more > 0.0, more.abs()) {
        (_, size) if size < LIGHT => "same",
        (true, size) if size < STRONG => "more",
        (true, _) => "much",
        (false, size) if size < STRONG => "less",
        (false, _) => "little",
    }
}

/// One of three colours by the name, so that neighbours differ and a function has one everywhere.
fn shade(name: &str) -> &'static str {
    let sum = name.bytes().fold(7u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(u32::from(byte)));
    match sum % 3 {
        0 => "f0",
        1 => "f1",
        _ => "f2",
    }
}

fn short(number: f64) -> String {
    let text = format!("{number:.1}");
    text.strip_suffix(".0").map(str::to_owned).unwrap_or(text)
}

/// The graph of one profile as a file of its own, with a heading.
pub fn flame_svg(flame: &Flame, heading: &str) -> String {
    let deepest = flame.frames.iter().map(|f| f.depth).max().unwrap_or(0);
    let height = f64::from(deepest + 1) * ROW + 40.0;
    let colours = STYLE.split(BEHIND_COLOURS).next().unwrap_or_default();
    let of_flames = STYLE.lines().filter(|line| line.contains(".flame")).collect::<Vec<_>>().join("\n");
    let samples: u64 = flame.sources.iter().fold(0, |sum, s| sum.saturating_add(s.a));
    let left_out = left_out(flame).map(|text| format!("; {text}")).unwrap_or_default();
    let caption = format!("{samples} samples{left_out}");
    let document = html! {
        svg xmlns="http://www.w3.org/2000/svg" viewBox={ "0 0 " (WIDTH) " " (height) } font-family="monospace" font-size="12" {
            style { (PreEscaped(colours)) (PreEscaped(&of_flames)) }
            rect width="100%" height="100%" fill="var(--bg)" {}
            text x="3" y="15" fill="var(--ink)" { (visible(heading)) }
            text x="3" y="31" fill="var(--quiet)" { (caption) }
            svg y="40" width=(WIDTH) height=(height - 40.0) { (graph(flame, false, heading)) }
        }
    };
    format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{}\n", document.into_string())
}
