//! What pages show beside the rule's reading: a night's interval and state, months, marks, and the commits of an event.

use super::events::StepEvent;
use super::series::{Night, Place, Series, is_valid};
use super::{History, Standing};
use lake::{Event, Said};
use std::collections::{BTreeMap, BTreeSet};

/// The confidence of a night's interval.
const LEVEL: f64 = 0.95;

/// What the rule made of a night.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NightState {
    /// It counts.
    Kept,
    /// Far off, and not borne out by what came after.
    SetAside,
    /// Somebody set it aside.
    LeftOut,
    /// The newest, far off: two more decide.
    Suspect,
    /// Not a finite number.
    NoNumber,
}

impl NightState {
    /// The words.
    pub fn words(self) -> &'static str {
        match self {
            NightState::Kept => "",
            NightState::SetAside => "set aside",
            NightState::LeftOut => "set aside by hand",
            NightState::Suspect => "suspect",
            NightState::NoNumber => "no number",
        }
    }
}

/// What a month of a series comes to; values are of nights that count, on the scale that [`Series::shown`] gives.
#[derive(Clone, Debug, PartialEq)]
pub struct Month {
    /// `2026-11`.
    pub name: String,
    /// Nights, whatever became of them.
    pub nights: usize,
    /// Those of them that do not count.
    pub aside: usize,
    /// Smallest, mean and largest; none where no night counts.
    pub values: Option<[f64; 3]>,
}

/// A place in a series of which there is something to say.
#[derive(Clone, Debug, PartialEq)]
pub struct Mark {
    /// Index of the night.
    pub at: usize,
    /// What.
    pub kind: MarkKind,
    /// The text that belongs to it: a release's name, or why a change is meant.
    pub text: String,
    /// Who said it, and where it is discussed; of facts nobody.
    pub who: Option<(String, Option<String>)>,
}

/// Kinds of marks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum MarkKind {
    /// Other hardware, by the facts or because somebody says it.
    Epoch,
    /// The level is the new one from here on.
    Accepted,
    /// A commit that is meant to change the level.
    Intended,
    /// Somebody set the night aside.
    SetAside,
    /// A release.
    Release,
}

/// A commit in an event's range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RangeCommit {
    /// Its name.
    pub commit: String,
    /// Its first line, where a repository told it.
    pub subject: Option<String>,
    /// Whether any of the event's series was measured at it.
    pub measured: bool,
}

impl Series {
    /// Whether changes are ratios.
    pub fn is_ratio(&self) -> bool {
        self.scale == "log"
    }

    /// A value of the series' scale as people read it: the geometric mean, or the ratio to the anchor, of a logarithm.
    pub fn shown(&self, x: f64) -> f64 {
        if self.is_ratio() { x.exp() } else { x }
    }

    /// The unit of what [`Series::shown`] gives: differences of logarithms to an anchor have none.
    pub fn shown_unit(&self) -> &str {
        if self.anchored && self.is_ratio() { "" } else { &self.unit }
    }

    /// The workload: what a case's name begins with.
    pub fn workload(&self) -> &str {
        self.case.split('/').next().unwrap_or_default()
    }

    /// The .95 interval of a night's mean by its boots alone, as shown; none with fewer than two boots.
    pub fn interval(&self, night: &Night) -> Option<(f64, f64)> {
        let half = night.se? * stats::t_critical(LEVEL, f64::from(night.n.max(2) - 1));
        let (low, high) = (self.shown(night.x - half), self.shown(night.x + half));
        (night.n >= 2 && low.is_finite() && high.is_finite()).then_some((low, high))
    }

    /// What the rule made of each night.
    pub fn states(&self) -> Vec<NightState> {
        let mut out: Vec<NightState> = self
            .nights
            .iter()
            .map(|night| match () {
                () if night.left_out => NightState::LeftOut,
                () if night.x.is_finite() => NightState::Kept,
                () => NightState::NoNumber,
            })
            .collect();
        let mut set = |at: usize, state| {
            if let Some(of) = out.get_mut(at).filter(|of| **of == NightState::Kept) {
                *of = state;
            }
        };
        self.reading.set_aside.iter().for_each(|at| set(*at, NightState::SetAside));
        self.reading.no_number.iter().for_each(|at| set(*at, NightState::NoNumber));
        self.reading.suspect.iter().for_each(|at| set(*at, NightState::Suspect));
        out
    }

    /// The months of the series, oldest first.
    pub fn months(&self) -> Vec<Month> {
        let mut by: BTreeMap<String, (usize, Vec<f64>)> = BTreeMap::new();
        for (night, state) in self.nights.iter().zip(self.states()) {
            let name = jiff::Timestamp::from_second(night.at)
                .map_or_else(|_| "undated".to_owned(), |time| time.strftime("%Y-%m").to_string());
            let of = by.entry(name).or_default();
            of.0 += 1;
            of.1.extend((state == NightState::Kept).then_some(night.x));
        }
        let month = |(name, (nights, kept)): (String, (usize, Vec<f64>))| {
            let low = kept.iter().copied().min_by(f64::total_cmp);
            let high = kept.iter().copied().max_by(f64::total_cmp);
            let mean = kept.iter().sum::<f64>() / kept.len() as f64;
            let values = low.zip(high).map(|(low, high)| [low, mean, high].map(|x| self.shown(x)));
            Month { name, nights, aside: nights - kept.len(), values }
        };
        by.into_iter().map(month).collect()
    }

    /// What there is to say of places, in order: epochs, releases, and what people said that has not expired.
    pub fn marks(&self, said: &[Event]) -> Vec<Mark> {
        let of: Vec<&Event> =
            said.iter().filter(|event| is_valid(event) && self.is_of(&event.series)).collect();
        let mut out: Vec<Mark> = of.iter().filter_map(|event| self.mark_of(event)).collect();
        let told: BTreeSet<usize> =
            out.iter().filter(|m| m.kind <= MarkKind::Accepted).map(|m| m.at).collect();
        let fact = |at: usize, kind, text: &str| Mark { at, kind, text: text.to_owned(), who: None };
        let mut before = "";
        for (at, night) in self.nights.iter().enumerate() {
            if night.begins && !told.contains(&at) {
                out.push(fact(at, MarkKind::Epoch, ""));
            }
            if night.build != before && at > 0 && is_version(&night.build) {
                out.push(fact(at, MarkKind::Release, &night.build));
            }
            before = &night.build;
        }
        out.sort_by(|a, b| (a.at, a.kind, &a.text).cmp(&(b.at, b.kind, &b.text)));
        out.dedup_by(|a, b| (a.at, a.kind, &a.text) == (b.at, b.kind, &b.text));
        out
    }

    fn mark_of(&self, event: &Event) -> Option<Mark> {
        let of_campaign = |name: &str| self.nights.iter().position(|night| night.campaign == name);
        let of_build = |name: &str| {
            let is = |night: &&Night| {
                night.build == name || night.commit.as_deref().is_some_and(|c| c.starts_with(name))
            };
            let first = self.nights.iter().position(|night| is(&night));
            // A commit that was never measured: the first night that has it in its past.
            first.or_else(|| {
                let place = self.places.iter().find(|place| place.commit.starts_with(name))?.ordinal;
                self.nights.iter().position(|night| night.ordinal.is_some_and(|own| own >= place))
            })
        };
        let (at, kind, text) = match &event.said {
            Said::Accepted { campaign } => (of_campaign(campaign), MarkKind::Accepted, String::new()),
            Said::Epoch { campaign } => (of_campaign(campaign), MarkKind::Epoch, String::new()),
            Said::SetAside { campaign } => (of_campaign(campaign), MarkKind::SetAside, String::new()),
            Said::Release { name, build } => (of_build(build), MarkKind::Release, name.clone()),
            Said::Intended { commit, because, .. } => {
                (of_build(commit), MarkKind::Intended, format!("{commit}: {because}"))
            }
            _ => return None,
        };
        Some(Mark { at: at?, kind, text, who: Some((event.who.clone(), event.issue.clone())) })
    }
}

/// Whether a build's name is a version by itself: `8.1.0`, `v6.12-rc3`.
fn is_version(build: &str) -> bool {
    let (numbers, candidate) = build.split_once("-rc").unwrap_or((build, "0"));
    let numbers = numbers.strip_prefix('v').unwrap_or(numbers);
    let is_number =
        |text: &str| !text.is_empty() && text.len() < 6 && text.bytes().all(|b| b.is_ascii_digit());
    numbers.contains('.') && numbers.split('.').all(is_number) && is_number(candidate)
}

impl History {
    /// The commits between the last build of the old level and the first of the new one, that one included, in order: those of
    /// the first-parent line where the lake knows it, else those that were measured. Empty where nobody told of commits.
    pub fn commits_of(&self, event: &StepEvent) -> Vec<RangeCommit> {
        let of = |id: &str| self.series.iter().find(|series| series.id == id);
        let nights: Vec<&Night> =
            event.moved.iter().filter_map(|moved| of(&moved.id)).flat_map(|series| &series.nights).collect();
        let ordinal =
            |build: &str| nights.iter().find(|night| night.build == build).and_then(|night| night.ordinal);
        let last = ordinal(&event.first_after);
        let first = event.last_before.as_deref().and_then(ordinal);
        if let (Some(first), Some(last)) = (first, last) {
            let places = self.series.first().map(|series| series.places.as_slice()).unwrap_or_default();
            let mut within: Vec<&Place> =
                places.iter().filter(|place| first < place.ordinal && place.ordinal <= last).collect();
            // A tag has the place of its commit.
            within.sort_by_key(|place| (place.ordinal, place.subject.is_none()));
            within.dedup_by_key(|place| place.ordinal);
            // A night may have told the beginning of the hash alone.
            let of = |place: &Place| nights.iter().any(|night| night.ordinal == Some(place.ordinal));
            let commit = |place: &Place| RangeCommit {
                commit: place.commit.clone(),
                subject: place.subject.clone(),
                measured: of(place),
            };
            return within.into_iter().map(commit).collect();
        }
        let within = |night: &&&Night| event.between.0 < night.at && night.at <= event.between.1;
        let mut found: Vec<(i64, &str)> = nights
            .iter()
            .filter(within)
            .filter_map(|night| Some((night.at, night.commit.as_deref()?)))
            .collect();
        found.sort_unstable();
        let mut seen = BTreeSet::new();
        found.retain(|(_, commit)| seen.insert(*commit));
        let commit = |(_, commit): (i64, &str)| RangeCommit {
            commit: commit.to_owned(),
            subject: None,
            measured: true,
        };
        found.into_iter().map(commit).collect()
    }

    /// Events that somebody has to look at.
    pub fn open(&self) -> impl Iterator<Item = &StepEvent> {
        self.events.iter().filter(|event| matches!(event.standing, Standing::Open | Standing::Confirmed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_a_release_and_a_hash_or_a_package_is_none() {
        for release in ["8.1.0", "v6.12", "v6.12-rc3", "10.0"] {
            assert!(is_version(release), "{release}");
        }
        for other in ["", "8", "c19", "6.1.0-28", "1234.abcd", "v", "..", "8.1.", "3f2a91c4d5e6"] {
            assert!(!is_version(other), "{other}");
        }
    }
}
