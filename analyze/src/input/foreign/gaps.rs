//! Runs that left no values: they failed, or have done nothing. Such a run is missing in every row of its case, and which rows
//! those are, the other runs tell, of whichever side.
//!
//! A case that has done nothing and of which no run of any side has values is one that only makes ready for others.

use formats::foreign::{Foreign, Idle, IdleCase, Keys, Loss, Record};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Category and levels of a case.
type Case = (Arc<str>, Arc<Keys>);

/// Metrics with their units.
type Metrics = BTreeMap<Arc<str>, Arc<str>>;

/// What cases give: metrics by levels and category.
#[derive(Default)]
struct Known(BTreeMap<Arc<Keys>, BTreeMap<Arc<str>, Metrics>>);

impl Known {
    fn learn(&mut self, record: &Record) {
        let metrics =
            self.0.entry(record.keys.clone()).or_default().entry(record.category.clone()).or_default();
        metrics.entry(record.metric.clone()).or_insert_with(|| record.unit.clone());
    }

    fn of(&self, category: &str, keys: &Keys) -> Option<&Metrics> {
        self.0.get(keys)?.get(category)
    }
}

/// What all files of one tool give.
#[derive(Default)]
struct Given {
    /// In a run.
    of_runs: Known,
    /// Over all runs of a file.
    of_files: Known,
}

impl Given {
    /// What a record's case gives beside it.
    fn beside(&self, record: &Record) -> Option<&Metrics> {
        let known = if record.run.is_some() { &self.of_runs } else { &self.of_files };
        known.of(&record.category, &record.keys)
    }
}

/// Gives each run that left no values one cell in each row of its case. `files` are those of one tool, of all sides.
pub(super) fn tell(files: &mut [&mut Foreign]) {
    let is_needed = files.iter().any(|f| !f.idle.is_empty() || f.records.iter().any(|r| r.failed));
    if !is_needed {
        return;
    }
    let mut given = Given::default();
    for record in files.iter().flat_map(|f| &f.records).filter(|r| !r.failed) {
        if record.run.is_some() { &mut given.of_runs } else { &mut given.of_files }.learn(record);
    }
    let layouts = layouts(files);
    for file in files {
        let failed = failed_of(file, &layouts);
        complete(file, &given);
        let done_nothing: Vec<Record> =
            file.idle.iter().flat_map(|idle| done_nothing(idle, &given.of_runs)).collect();
        file.records.extend(done_nothing);
        for (idle, case, run) in failed {
            match case.and_then(|case| Some((given.of_runs.of(&case.0, &case.1)?, case))) {
                Some((metrics, case)) => file.records.extend(cells(&idle, &case, &run, metrics)),
                None => file.losses.push(Loss { line: idle.line, reason: idle.reason }),
            }
        }
    }
}

/// A record of a run that failed, and the metrics that the run has.
type Failed = (Record, BTreeSet<Arc<str>>);

/// Makes the cells of runs that failed those of the rows that their cases have.
fn complete(file: &mut Foreign, given: &Given) {
    let mut runs: BTreeMap<(Case, Option<Arc<str>>), Failed> = BTreeMap::new();
    for record in file.records.iter().filter(|r| r.failed) {
        let run = runs.entry((case_of(record), record.run.clone()));
        run.or_insert_with(|| (record.clone(), BTreeSet::new())).1.insert(record.metric.clone());
    }
    file.records.retain(|record| {
        let metrics = record.failed.then(|| given.beside(record)).flatten();
        metrics.is_none_or(|metrics| metrics.contains_key(&record.metric))
    });
    for (record, has) in runs.into_values() {
        for (metric, unit) in given.beside(&record).into_iter().flatten().filter(|(m, _)| !has.contains(*m)) {
            file.records.push(Record { metric: metric.clone(), unit: unit.clone(), ..record.clone() });
        }
    }
}

/// The cells of a run that has done nothing, in the rows of its case.
fn done_nothing(idle: &Idle, known: &Known) -> Vec<Record> {
    let IdleCase::Known { keys, run } = &idle.of else { return Vec::new() };
    let mut out = Vec::new();
    for (category, metrics) in known.0.get(keys).into_iter().flatten() {
        let rest = category.strip_prefix(idle.category.as_str());
        if rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(' ')) {
            out.extend(cells(idle, &(category.clone(), keys.clone()), run, metrics));
        }
    }
    out
}

/// One cell for each metric.
fn cells(idle: &Idle, (category, keys): &Case, run: &Arc<str>, metrics: &Metrics) -> Vec<Record> {
    let cell = |(metric, unit): (&Arc<str>, &Arc<str>)| Record {
        category: category.clone(),
        keys: keys.clone(),
        metric: metric.clone(),
        unit: unit.clone(),
        value: Err(idle.reason.clone()),
        failed: true,
        run: Some(run.clone()),
        setting: usize::MAX,
        line: idle.line,
    };
    metrics.iter().map(cell).collect()
}

/// By the category of tests that failed before they told their case: the sets of its cases that files hold, the largest only.
type Layouts = BTreeMap<String, BTreeSet<BTreeSet<Case>>>;

fn layouts(files: &[&mut Foreign]) -> Layouts {
    let mut out = Layouts::new();
    let failed = |idle: &&Idle| idle.of == IdleCase::Failed;
    for idle in files.iter().flat_map(|file| &file.idle).filter(failed) {
        out.entry(idle.category.clone()).or_default();
    }
    for (category, sets) in &mut out {
        let of_file = |file: &&mut Foreign| counts(file, category).into_keys().collect::<BTreeSet<Case>>();
        let all: BTreeSet<BTreeSet<Case>> = files.iter().map(of_file).filter(|set| !set.is_empty()).collect();
        let is_part = |set: &&BTreeSet<Case>| !all.iter().any(|other| *set != other && set.is_subset(other));
        *sets = all.iter().filter(is_part).cloned().collect();
    }
    out
}

/// How many runs a file has of each case of a category. A banner may lack the protocol: `STREAM` of `TCP_STREAM`.
fn counts(file: &Foreign, category: &str) -> BTreeMap<Case, usize> {
    let is_of = |record: &&Record| {
        record.category.strip_suffix(category).is_some_and(|rest| rest.is_empty() || rest.ends_with('_'))
    };
    let mut runs: BTreeMap<Case, BTreeSet<&Option<Arc<str>>>> = BTreeMap::new();
    for record in file.records.iter().filter(is_of) {
        runs.entry(case_of(record)).or_default().insert(&record.run);
    }
    runs.into_iter().map(|(case, runs)| (case, runs.len())).collect()
}

/// The tests of a file that failed before they told their case, each with its case, where that is known, and its run.
///
/// One layout only must hold what the file does. Each of its cases should have been run as often as the one that was run most
/// often; when as many runs are missing as tests failed, those are they.
fn failed_of(file: &Foreign, layouts: &Layouts) -> Vec<(Idle, Option<Case>, Arc<str>)> {
    let mut out = Vec::new();
    for (category, sets) in layouts {
        let is_of = |idle: &&Idle| idle.of == IdleCase::Failed && idle.category == *category;
        let failed: Vec<&Idle> = file.idle.iter().filter(is_of).collect();
        if failed.is_empty() {
            continue;
        }
        let counts = counts(file, category);
        let mut fitting = sets.iter().filter(|set| counts.keys().all(|case| set.contains(case)));
        let layout = fitting.next().filter(|_| fitting.next().is_none());
        let count = |case: &Case| counts.get(case).copied().unwrap_or(0);
        let most = counts.values().copied().max().unwrap_or(1);
        let missing: Vec<(&Case, usize)> = match layout {
            Some(set) => match set.first().filter(|_| set.len() == 1) {
                Some(only) => (1..=failed.len()).map(|n| (only, count(only) + n)).collect(),
                None => set.iter().flat_map(|c| (count(c) + 1..=most).map(move |n| (c, n))).collect(),
            },
            None => Vec::new(),
        };
        let is_certain = missing.len() == failed.len();
        for (index, idle) in failed.into_iter().enumerate() {
            let found = missing.get(index).filter(|_| is_certain);
            let (case, run) = found.map_or((None, 0), |(case, run)| (Some((*case).clone()), *run));
            out.push((idle.clone(), case, run.to_string().into()));
        }
    }
    out
}

fn case_of(record: &Record) -> Case {
    (record.category.clone(), record.keys.clone())
}
