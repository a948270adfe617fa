//! The points of a series, and the series of an event, as CSV.

use crate::csv::{guarded, written};
use analyze::history::{Mark, MarkKind, NightState, Series, StepEvent};
use jiff::Timestamp;

/// Heads of the points.
const POINTS: [&str; 15] = [
    "time", "campaign", "build", "commit", "ordinal", "boots", "mean", "value", "low", "high", "unit",
    "level", "state", "step", "marks",
];
/// Heads of an event's series.
const MOVED: [&str; 11] = [
    "series",
    "change",
    "is_ratio",
    "low",
    "high",
    "level_before",
    "level_after",
    "worse",
    "expected",
    "drift",
    "found_after",
];

fn number(value: f64) -> String {
    if value.is_finite() { value.to_string() } else { String::new() }
}

/// All points of a series: `mean` as measured, `value` with its .95 interval as drawn (the geometric mean, or the difference to
/// the anchor), and the level that the rule gives it.
pub(super) fn points(series: &Series, states: &[NightState], marks: &[Mark]) -> String {
    let mut levels = vec![String::new(); series.nights.len()];
    for segment in &series.reading.segments {
        let level = segment.level.map(|level| number(series.shown(level.mean))).unwrap_or_default();
        for at in &segment.points {
            if let Some(of) = levels.get_mut(*at) {
                of.clone_from(&level);
            }
        }
    }
    let mut steps: Vec<usize> = series.reading.steps.iter().map(|step| step.at).collect();
    steps.sort_unstable();
    let unit = guarded(series.shown_unit());
    let line = |(at, (night, state)): (usize, (&analyze::history::Night, &NightState))| {
        let (low, high) =
            series.interval(night).map_or_else(Default::default, |(l, h)| (number(l), number(h)));
        let from = marks.partition_point(|mark| mark.at < at);
        let of = marks.iter().skip(from).take_while(|mark| mark.at == at);
        let said: Vec<String> =
            of.map(|mark| format!("{} {}", word(mark.kind), mark.text).trim().to_owned()).collect();
        vec![
            Timestamp::from_second(night.at).map_or_else(|_| night.at.to_string(), |time| time.to_string()),
            guarded(&night.campaign),
            guarded(&night.build),
            guarded(night.commit.as_deref().unwrap_or_default()),
            night.ordinal.map(|ordinal| ordinal.to_string()).unwrap_or_default(),
            night.n.to_string(),
            number(night.mean),
            number(series.shown(night.x)),
            low,
            high,
            unit.clone(),
            levels.get(at).cloned().unwrap_or_default(),
            state.words().to_owned(),
            if steps.binary_search(&at).is_ok() { "step" } else { "" }.to_owned(),
            guarded(&said.join("; ")),
        ]
    };
    let heads = POINTS.map(str::to_owned).to_vec();
    written(std::iter::once(heads).chain(series.nights.iter().zip(states).enumerate().map(line)))
}

fn word(kind: MarkKind) -> &'static str {
    match kind {
        MarkKind::Epoch => "other hardware",
        MarkKind::Accepted => "accepted",
        MarkKind::Intended => "intended",
        MarkKind::SetAside => "set aside",
        MarkKind::Release => "release",
    }
}

/// Every series that an event moved.
pub(super) fn moved(event: &StepEvent) -> String {
    let line = |moved: &analyze::history::Moved| {
        let (low, high) = moved.interval.map_or_else(Default::default, |(l, h)| (number(l), number(h)));
        vec![
            guarded(&moved.series),
            number(moved.change),
            moved.is_ratio.to_string(),
            low,
            high,
            number(moved.levels.0),
            number(moved.levels.1),
            moved.worse.map(|worse| worse.to_string()).unwrap_or_default(),
            moved.expected.to_string(),
            moved.drift.to_string(),
            moved.delay.to_string(),
        ]
    };
    written(std::iter::once(MOVED.map(str::to_owned).to_vec()).chain(event.moved.iter().map(line)))
}
