//! What readers write into: records of one run of a case share their case, their run and what held.

use super::{Foreign, Key, Keys, Loss, Record, lost_end};
use foldhash::fast::RandomState;
use foldhash::{HashMap, HashSet};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::hash::BuildHasher;
use std::sync::Arc;

/// Facts by name.
pub(super) type Facts = BTreeMap<String, String>;

/// A file that is being read.
#[derive(Default)]
pub(super) struct Draft {
    /// What has been read.
    pub foreign: Foreign,
    runs: Runs,
    names: Names,
}

/// One run of a case.
#[derive(Clone)]
pub(super) struct Case {
    /// Category, empty where the format has none.
    pub category: Arc<str>,
    /// Its levels.
    pub keys: Arc<Keys>,
    run: Option<Arc<str>>,
    setting: usize,
    /// Its line.
    pub line: u32,
    /// Where its runs are counted.
    place: usize,
}

/// A metric and its unit, as records share them.
#[derive(Clone)]
pub(super) struct Measure {
    metric: Arc<str>,
    unit: Arc<str>,
}

impl Case {
    /// The number of its run, empty where it has none.
    pub fn run(&self) -> Arc<str> {
        self.run.clone().unwrap_or_default()
    }
}

impl Draft {
    /// The next run of a case.
    pub fn case(&mut self, category: &str, keys: Keys, facts: &Facts, line: u32) -> Case {
        self.case_of("", category, keys, facts, line)
    }

    /// The next value of a metric of a case, where a run gives one metric only.
    pub fn case_of(&mut self, metric: &str, category: &str, keys: Keys, facts: &Facts, line: u32) -> Case {
        let (category, metric) = (self.names.get(category), self.names.get(metric));
        let place = self.runs.place(&metric, &category, keys);
        let (keys, run) = (self.runs.keys(place), Some(self.runs.next(place)));
        let setting = self.setting(facts);
        Case { category, keys, run, setting, line, place }
    }

    /// Goes on with the next run of the same case, or the next value of a metric of it.
    pub fn again(&mut self, case: &mut Case, metric: &str, line: u32) {
        if !self.runs.is_of(case.place, metric, &case.category) {
            let metric = self.names.get(metric);
            case.place = self.runs.place(&metric, &case.category, Keys::clone(&case.keys));
        }
        (case.run, case.line) = (Some(self.runs.next(case.place)), line);
    }

    /// The number that the file itself gives a run; `None` for figures over all runs of a file.
    pub fn name_run(&mut self, case: &mut Case, run: Option<&str>) {
        case.run = run.map(|run| self.names.get(run));
    }

    /// Goes on in another category of the same run.
    pub fn enter(&mut self, case: &mut Case, category: &str) {
        case.category = self.names.get(category);
    }

    /// A figure of a run. What is no finite number has the reason in its place.
    pub fn give(&mut self, case: &Case, metric: &str, unit: &str, value: f64) {
        self.give_read(case, metric, unit, Ok(value));
    }

    /// A figure that has been read, or why it cannot be.
    pub fn give_read(&mut self, case: &Case, metric: &str, unit: &str, value: Result<f64, String>) {
        let measure = self.measure(metric, unit);
        self.push(case, measure, value.and_then(finite), false);
    }

    /// A metric and its unit, for many figures.
    pub fn measure(&mut self, metric: &str, unit: &str) -> Measure {
        Measure { metric: self.names.get(metric), unit: self.names.get(unit) }
    }

    /// A figure of a metric, or why it cannot be read.
    pub fn give_of(&mut self, case: &Case, measure: &Measure, value: Result<f64, String>) {
        self.push(case, measure.clone(), value.and_then(finite), false);
    }

    /// A run that failed has no value.
    pub fn fail(&mut self, case: &Case, metric: &str, unit: &str, reason: impl Into<String>) {
        let measure = self.measure(metric, unit);
        self.push(case, measure, Err(reason.into()), true);
    }

    fn push(&mut self, case: &Case, measure: Measure, value: Result<f64, String>, failed: bool) {
        let value = value.map_err(spoken);
        let record = Record {
            category: case.category.clone(),
            keys: case.keys.clone(),
            metric: measure.metric,
            unit: measure.unit,
            value,
            failed,
            run: case.run.clone(),
            setting: case.setting,
            line: case.line,
        };
        self.foreign.records.push(record);
    }

    /// When a run was made, in seconds since the epoch: the first counts. What no clock that was set shows tells nothing.
    pub fn dated(&mut self, seconds: Option<f64>) {
        const SET: std::ops::Range<f64> = 1e9..4e9;
        let found = seconds.filter(|at| SET.contains(at)).map(|at| at as i64);
        self.foreign.date_unix = [self.foreign.date_unix, found].into_iter().flatten().min();
    }

    /// Something that could not be used.
    pub fn lose(&mut self, line: u32, reason: impl Into<String>) {
        self.foreign.losses.push(Loss { line, reason: spoken(reason.into()) });
    }

    /// The file, if it was JSON or XML, whose ends are seen.
    pub fn done(self) -> Foreign {
        self.foreign
    }

    /// The file, if it was text, whose last line may be cut off.
    pub fn done_text(mut self, text: &str) -> Foreign {
        self.foreign.losses.extend(lost_end(text));
        self.foreign
    }

    /// Finds a set of facts among those of the file, or adds it. The last is the likeliest.
    fn setting(&mut self, facts: &Facts) -> usize {
        let settings = &mut self.foreign.settings;
        settings.iter().rposition(|known| known == facts).unwrap_or_else(|| {
            settings.push(facts.clone());
            settings.len() - 1
        })
    }
}

/// What is no finite number is none.
fn finite(value: f64) -> Result<f64, String> {
    if value.is_finite() { Ok(value) } else { Err("it is no finite number".to_owned()) }
}

/// A reason in a tool's own words, which may have none.
fn spoken(reason: String) -> String {
    if reason.trim().is_empty() { "it failed and does not say why".to_owned() } else { reason }
}

/// What is counted.
struct Counted {
    /// None where all metrics of a run are counted as one.
    metric: Arc<str>,
    category: Arc<str>,
    keys: Arc<Keys>,
    /// How many runs there have been.
    runs: usize,
    /// The place of another one with the same hash.
    other: Option<usize>,
}

/// Numbers from 1, for runs that the file does not number.
#[derive(Default)]
struct Runs {
    counted: Vec<Counted>,
    /// Where each stands, by its hash: a table that grows would read all levels again.
    places: HashMap<u64, usize>,
    hasher: RandomState,
    /// Numbers as text.
    numbers: Vec<Arc<str>>,
}

impl Runs {
    /// Where runs of these levels are counted.
    fn place(&mut self, metric: &Arc<str>, category: &Arc<str>, keys: Keys) -> usize {
        let hash = self.hasher.hash_one((metric, category, &keys));
        let first = self.places.get(&hash).copied();
        let mut next = first;
        while let Some((place, known)) = next.and_then(|place| Some((place, self.counted.get(place)?))) {
            if known.metric == *metric && known.category == *category && *known.keys == keys {
                return place;
            }
            next = known.other;
        }
        let place = self.counted.len();
        let (metric, category, keys) = (metric.clone(), category.clone(), Arc::new(keys));
        self.counted.push(Counted { metric, category, keys, runs: 0, other: first });
        self.places.insert(hash, place);
        place
    }

    /// Whether it is runs of this metric and this category that are counted there.
    fn is_of(&self, place: usize, metric: &str, category: &Arc<str>) -> bool {
        let counted = self.counted.get(place);
        counted.is_some_and(|counted| is_same(&counted.metric, metric) && counted.category == *category)
    }

    /// The levels, which all runs of a case share.
    fn keys(&self, place: usize) -> Arc<Keys> {
        self.counted.get(place).map(|counted| counted.keys.clone()).unwrap_or_default()
    }

    /// The number of the next run.
    fn next(&mut self, place: usize) -> Arc<str> {
        let count = self.counted.get_mut(place).map_or(1, |counted| {
            counted.runs += 1;
            counted.runs
        });
        while self.numbers.len() < count {
            self.numbers.push((self.numbers.len() + 1).to_string().into());
        }
        self.numbers.get(count - 1).cloned().unwrap_or_default()
    }
}

/// Words that many records have.
#[derive(Default)]
struct Names {
    /// The first of them, which are looked through: mostly there are no others.
    first: Vec<Arc<str>>,
    others: HashSet<Arc<str>>,
}

impl Names {
    /// How many are looked through.
    const FIRST: usize = 12;

    /// A word, once.
    fn get(&mut self, word: &str) -> Arc<str> {
        let known = self.first.iter().find(|known| is_same(known, word));
        if let Some(known) = known.or_else(|| self.others.get(word)) {
            return known.clone();
        }
        let new: Arc<str> = word.into();
        if self.first.len() < Names::FIRST {
            self.first.push(new.clone());
        } else {
            self.others.insert(new.clone());
        }
        new
    }
}

/// Whether two words are the same. Many are empty, and libc compares nothing with nothing slowly (it loads from where nothing
/// lies, masked): that took a tenth of the time in which a file of many small cases is read.
fn is_same(one: &str, other: &str) -> bool {
    one.len() == other.len() && (one.is_empty() || one == other)
}

/// A key with its level.
pub(super) fn key(name: impl Into<Cow<'static, str>>, level: impl Into<Arc<str>>) -> Key {
    (name.into(), level.into())
}

/// Output of several runs in one text, each with the line before it: a run begins where a line says so. What stands before
/// the first belongs to it.
pub(super) fn sections(text: &str, begins: impl Fn(&str) -> bool) -> Vec<(u32, &str)> {
    let mut starts: Vec<(u32, usize)> = Vec::new();
    let (mut offset, mut number) = (0usize, 0u32);
    for line in text.split_inclusive('\n') {
        if begins(line.trim()) {
            starts.push((number, offset));
        }
        (offset, number) = (offset.saturating_add(line.len()), number.saturating_add(1));
    }
    match starts.first_mut() {
        Some(first) => *first = (0, 0),
        None => starts.push((0, 0)),
    }
    let ends = starts.iter().skip(1).map(|(_, at)| *at).chain([text.len()]);
    let parts = starts.iter().zip(ends);
    parts.map(|((before, from), to)| (*before, text.get(*from..to).unwrap_or_default())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_parted_where_runs_begin() {
        let text = "note\nbegin\na\nbegin\nb\n";
        assert_eq!(sections(text, |l| l == "begin"), [(0, "note\nbegin\na\n"), (3, "begin\nb\n")]);
        assert_eq!(sections("x\n", |l| l == "begin"), [(0, "x\n")]);
        assert_eq!(sections("", |l| l == "begin"), [(0, "")]);
    }
}
