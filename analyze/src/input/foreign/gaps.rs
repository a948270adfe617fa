//! Runs of a case that left no values: they failed, or have done nothing. Such a run is missing in every row of its case, and
//! which rows those are, the other runs of the side tell.
//!
//! A case that has done nothing and of which no run has values is one that only makes ready for others.

use formats::foreign::{Foreign, Idle, Record};
use std::collections::{BTreeMap, BTreeSet};

/// Category and levels of a case.
type Case = (String, Vec<(String, String)>);

/// What the runs of a case give: metrics with their units.
type Known = BTreeMap<Case, BTreeMap<String, String>>;

/// Gives each run that left no values one cell in each row of its case.
pub(super) fn tell<'a>(files: impl Iterator<Item = &'a mut Foreign>) {
    let mut files: Vec<&mut Foreign> = files.collect();
    let is_needed = files.iter().any(|f| !f.idle.is_empty() || f.records.iter().any(|r| r.failed));
    if !is_needed {
        return;
    }
    let mut known = Known::new();
    for record in files.iter().flat_map(|f| &f.records).filter(|r| !r.failed && r.run.is_some()) {
        let metrics = known.entry(case_of(record)).or_default();
        metrics.entry(record.metric.clone()).or_insert_with(|| record.unit.clone());
    }
    for file in &mut files {
        complete(file, &known);
        let idle: Vec<Record> = file.idle.iter().flat_map(|idle| cells_of(idle, &known)).collect();
        file.records.extend(idle);
    }
}

/// Makes the cells of runs that failed those of the rows that their cases have.
fn complete(file: &mut Foreign, known: &Known) {
    let mut runs: BTreeMap<(Case, Option<String>), (Record, BTreeSet<String>)> = BTreeMap::new();
    for record in file.records.iter().filter(|r| r.failed) {
        let run = runs.entry((case_of(record), record.run.clone()));
        run.or_insert_with(|| (record.clone(), BTreeSet::new())).1.insert(record.metric.clone());
    }
    file.records.retain(|record| {
        let metrics = record.failed.then(|| known.get(&case_of(record))).flatten();
        metrics.is_none_or(|metrics| metrics.contains_key(&record.metric))
    });
    for ((case, _), (record, has)) in runs {
        for (metric, unit) in known.get(&case).into_iter().flatten().filter(|(m, _)| !has.contains(*m)) {
            file.records.push(Record { metric: metric.clone(), unit: unit.clone(), ..record.clone() });
        }
    }
}

/// The cells of a run that has done nothing, in the rows of its case.
fn cells_of(idle: &Idle, known: &Known) -> Vec<Record> {
    let is_of = |(category, keys): &Case| {
        let rest = category.strip_prefix(idle.category.as_str());
        *keys == idle.keys && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
    };
    let mut out = Vec::new();
    for ((category, keys), metrics) in known.iter().filter(|(case, _)| is_of(case)) {
        out.extend(metrics.iter().map(|(metric, unit)| Record {
            category: category.clone(),
            keys: keys.clone(),
            metric: metric.clone(),
            unit: unit.clone(),
            value: Err("it has done nothing in this run".to_owned()),
            failed: true,
            run: Some(idle.run.clone()),
            setting: usize::MAX,
            line: idle.line,
        }));
    }
    out
}

fn case_of(record: &Record) -> Case {
    (record.category.clone(), record.keys.clone())
}
