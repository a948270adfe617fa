//! Steps of many series that have one cause: those that lie in the same range of builds.

use super::identity::{hash, hex};
use super::series::Series;
use lake::{Event, Said};
use serde::Serialize;
use stats::HistoryStep;
use std::collections::HashSet;

/// Where an event stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// Nobody has said or measured anything of it.
    Open,
    /// All that moved was meant to, and by as much.
    Expected,
    /// Somebody said that it is nothing.
    Dismissed,
    /// A campaign of both builds has shown it.
    Confirmed,
    /// A campaign has shown it, and that the newest build does not have it.
    FixedSince,
    /// A campaign of both builds has shown that it is the host's.
    Host,
}

impl Standing {
    /// The word.
    pub fn word(self) -> &'static str {
        match self {
            Standing::Open => "open",
            Standing::Expected => "expected",
            Standing::Dismissed => "dismissed",
            Standing::Confirmed => "confirmed",
            Standing::FixedSince => "fixed-since",
            Standing::Host => "host",
        }
    }

    /// Whether somebody has to look at it.
    pub fn counts(self) -> bool {
        matches!(self, Standing::Open | Standing::Confirmed)
    }
}

/// A series that moved.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Moved {
    /// The series' name.
    pub series: String,
    /// Its identity.
    pub id: String,
    /// Index of the first night of the new level.
    pub at: usize,
    /// Ratio after to before; the difference for a linear metric.
    pub change: f64,
    /// A .95 interval for it.
    pub interval: Option<(f64, f64)>,
    /// Whether the change is a ratio.
    pub is_ratio: bool,
    /// Whether it got worse; none for metrics that only inform.
    pub worse: Option<bool>,
    /// A slow drift rather than a step.
    pub drift: bool,
    /// It was meant, and is as large as it was meant to be.
    pub expected: bool,
    /// The mean before and behind, as measured (geometric for ratios).
    pub levels: (f64, f64),
    /// Nights between the first of the new level and the one at which it was found.
    pub delay: usize,
}

/// A cause: one or more series that moved in the same range.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StepEvent {
    /// Its name: what something was said of it by, else that of the series that comes first. It stays while the first new
    /// build does, also when other series are found to have moved with it.
    pub name: String,
    /// All names by which something may have been said of it: one for each series that moved.
    pub names: Vec<String>,
    /// The last build of the old level that is sure (outside of the .9 set of places).
    pub last_before: Option<String>,
    /// The first build of the new level that is sure.
    pub first_after: String,
    /// Seconds since the epoch, of both.
    pub between: (i64, i64),
    /// Seconds since the epoch at which the first of them was found.
    pub found: i64,
    /// Where it stands.
    pub standing: Standing,
    /// Which series moved, the largest change first.
    pub moved: Vec<Moved>,
}

impl StepEvent {
    /// Whether anything got worse, or moved without anybody saying which way is better.
    pub fn is_worse(&self) -> bool {
        self.moved.iter().any(|moved| moved.worse != Some(false) && !moved.expected)
    }

    /// Whether a name, or its beginning, means this event.
    pub fn is_called(&self, name: &str) -> bool {
        self.names.iter().any(|known| known.starts_with(name))
    }

    /// Whether something was said of this event by its name.
    pub fn is_meant_by(&self, said: &Said) -> bool {
        event_of(said).is_some_and(|name| self.names.iter().any(|known| known == name))
    }
}

struct Step<'a> {
    series: &'a Series,
    step: &'a HistoryStep,
    /// Indices of the last sure night before and the first sure one behind.
    before: Option<usize>,
    after: usize,
}

impl Step<'_> {
    fn time(&self, at: usize) -> i64 {
        self.series.nights.get(at).map_or(0, |night| night.at)
    }

    fn range(&self) -> (i64, i64) {
        let after = self.time(self.after);
        (self.before.map_or(after, |at| self.time(at)), after)
    }
}

/// All steps, joined where their ranges meet, the newest first.
pub(super) fn of(series: &[Series], said: &[Event], since: Option<i64>) -> Vec<StepEvent> {
    let mut steps: Vec<Step<'_>> = series.iter().flat_map(steps_of).collect();
    steps.retain(|step| since.is_none_or(|since| step.range().1 >= since));
    steps.sort_by_key(|step| (step.range(), &step.series.name));
    let mut groups: Vec<(i64, Vec<Step<'_>>)> = Vec::new();
    let mut in_last: HashSet<&str> = HashSet::new();
    for step in steps {
        let (low, high) = step.range();
        let is_new = in_last.insert(&step.series.id);
        match groups.last_mut() {
            // The open interval of one begins before that of the others ends.
            Some((end, group)) if low < *end && is_new => {
                *end = (*end).min(high);
                group.push(step);
            }
            _ => {
                in_last = HashSet::from([step.series.id.as_str()]);
                groups.push((high, vec![step]));
            }
        }
    }
    groups.reverse();
    groups.into_iter().map(|(_, group)| event(&group, said)).collect()
}

fn steps_of(series: &Series) -> impl Iterator<Item = Step<'_>> {
    let of = move |step: &'_ HistoryStep| {
        let places = step.location.as_ref().map(|l| l.set.iter().map(|(at, _)| *at).collect::<Vec<_>>());
        let places = places.unwrap_or_else(|| vec![step.at]);
        let first = places.iter().min().copied().unwrap_or(step.at);
        let last = places.iter().max().copied().unwrap_or(step.at);
        (first, last)
    };
    series.reading.steps.iter().map(move |step| {
        let (first, last) = of(step);
        Step { series, step, before: first.checked_sub(1), after: last }
    })
}

fn event(group: &[Step<'_>], said: &[Event]) -> StepEvent {
    let low = group.iter().max_by_key(|step| step.range().0);
    let high = group.iter().min_by_key(|step| step.range().1);
    let build = |step: &Step<'_>, at: usize| step.series.nights.get(at).map(|night| night.build.clone());
    let first_after = high.and_then(|step| build(step, step.after)).unwrap_or_default();
    let last_before = low.and_then(|step| build(step, step.before?));
    let between = (low.map_or(0, |step| step.range().0), high.map_or(0, |step| step.range().1));
    let found = group.iter().map(|step| step.time(step.step.found)).min().unwrap_or_default();
    let mut moved: Vec<Moved> = group.iter().map(|step| moved(step, said)).collect();
    let size = |m: &Moved| if m.is_ratio { m.change.ln().abs() } else { 0.0 };
    moved.sort_by(|a, b| size(b).total_cmp(&size(a)).then(a.series.cmp(&b.series)));
    let names = names(group);
    let name = of_old(&names, said).or_else(|| names.first().cloned()).unwrap_or_default();
    let standing = standing(&names, &moved, said);
    StepEvent { name, names, last_before, first_after, between, found, standing, moved }
}

/// A name for each series, by the first night of its new level: later points move ranges, not this.
fn names(group: &[Step<'_>]) -> Vec<String> {
    let mut by: Vec<&Step<'_>> = group.iter().collect();
    by.sort_by_key(|step| &step.series.id);
    // By the identity that that night was added with, so that a new name of the series changes nothing.
    let name = |step: &&Step<'_>| {
        let night = step.series.nights.get(step.step.at).map(|n| (hex(&n.own_id), n.campaign.as_str()));
        let (id, campaign) = night.unwrap_or_default();
        let short: String = hex(&hash([id.as_str(), campaign])).chars().take(8).collect();
        format!("E{short}")
    };
    by.iter().map(name).collect()
}

/// The one of these names that something was said by first.
fn of_old(names: &[String], said: &[Event]) -> Option<String> {
    said.iter()
        .find_map(|event| event_of(&event.said).filter(|name| names.iter().any(|n| n == name)))
        .map(str::to_owned)
}

/// The event that something is said of by its name.
pub(super) fn event_of(said: &Said) -> Option<&str> {
    match said {
        Said::Dismissed { event }
        | Said::Told { event }
        | Said::Delivered { event }
        | Said::Undelivered { event, .. }
        | Said::Confirmed { event, .. } => Some(event),
        _ => None,
    }
}

/// What was last said of an event by one of its names; else whether all of it was meant.
fn standing(names: &[String], moved: &[Moved], said: &[Event]) -> Standing {
    let of = |said: &Said| match said {
        Said::Dismissed { .. } => Some(Standing::Dismissed),
        Said::Confirmed { outcome, .. } => match outcome.as_str() {
            "confirmed" => Some(Standing::Confirmed),
            "fixed-since" => Some(Standing::FixedSince),
            "host" => Some(Standing::Host),
            _ => None,
        },
        _ => None,
    };
    let all = moved.iter().all(|moved| moved.expected);
    let otherwise = if all { Standing::Expected } else { Standing::Open };
    let is_its = |event: &&Event| event_of(&event.said).is_some_and(|name| names.iter().any(|n| n == name));
    said.iter().rev().filter(is_its).find_map(|event| of(&event.said)).unwrap_or(otherwise)
}

/// Whether a commit that lies in the step's range was meant to change the series by so much.
fn is_meant(of: &Step<'_>, change: f64, said: &[Event]) -> bool {
    let from = of.before.map_or(0, |at| at + 1);
    let range = || of.series.nights.get(from..=of.after).unwrap_or_default();
    let ordinal = |at: usize| of.series.nights.get(at).and_then(|night| night.ordinal);
    let within = |commit: &str| {
        let named = |name: &str| !commit.is_empty() && (name.starts_with(commit) || commit == name);
        let between = || {
            // Commits of the range that were never measured are known by their place alone.
            let place = of.series.places.iter().find(|place| named(&place.commit))?.ordinal;
            let low = of.before.map_or(Some(i64::MIN), ordinal)?;
            Some(low < place && place <= ordinal(of.after)?)
        };
        range().iter().any(|n| n.commit.as_deref().is_some_and(named) || named(&n.build))
            || between().unwrap_or(false)
    };
    said.iter().any(|event| match &event.said {
        Said::Intended { commit, low, high, .. } => {
            of.series.is_of(&event.series) && (*low..=*high).contains(&change) && within(commit)
        }
        _ => false,
    })
}

fn moved(of: &Step<'_>, said: &[Event]) -> Moved {
    let (series, step) = (of.series, of.step);
    let is_ratio = series.scale == "log";
    let on = |x: f64| if is_ratio { x.exp() } else { x };
    let rose = step.change > 0.0;
    Moved {
        series: series.name.clone(),
        id: series.id.clone(),
        at: step.at,
        change: on(step.change),
        interval: step.interval.map(|i| (on(i.low), on(i.high))),
        is_ratio,
        worse: match series.direction.as_str() {
            "higher" => Some(!rose),
            "lower" => Some(rose),
            _ => None,
        },
        expected: is_meant(of, on(step.change), said),
        drift: step.location.as_ref().is_some_and(|l| l.drift),
        levels: (on(step.before.mean), on(step.after.mean)),
        delay: step.found.saturating_sub(step.at),
    }
}
