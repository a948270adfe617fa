//! From options to a [`Comparison`]: reads the sides, aligns them, judges the rows, and says what must be known.

use crate::about::About;
use crate::comparability::{self, Comparability};
use crate::comparison::SCHEMA_VERSION;
use crate::family::correct;
use crate::frame::{Declared, Frame};
use crate::input::repeat::Repeat;
use crate::input::{self, LoadedSide};
use crate::options::CompareOptions;
use crate::pairing::{Classed, pairings};
use crate::row::{Judge, scales};
use crate::verdict::{Judgement, verdict};
use crate::warnings::{counted, note};
use crate::{
    AnalyzeError, Comparison, Interval, Method, Row, Side, Summary, Verdict, WorkloadInfo, stats, summary,
};
use model::{Role, Scale};
use rayon::prelude::*;
use std::collections::HashMap;
use std::ops::Range;

/// Compares the first side with each of the others.
///
/// Sides that have nothing in common are no error: every row is MISSING then, and
/// [`Comparison::comparable_rows`] is 0.
pub fn compare(options: &CompareOptions) -> Result<Comparison, AnalyzeError> {
    options.check()?;
    let mut sides = input::load(options)?;
    if options.strict {
        refuse_losses(&sides)?;
    }
    let mut files: Vec<Repeat> = Vec::new();
    let mut ranges: Vec<Range<usize>> = Vec::new();
    for side in &mut sides {
        let start = files.len();
        files.append(&mut side.repeats);
        ranges.push(start..files.len());
    }
    let frame = Frame::align(&mut files, &options.conf, &declared(&sides, options)?)?;
    let (pairings, differences) = pairings(options, &sides, &files, &ranges)?;
    let scales = scales(&frame, &files);
    let judge = Judge { options, frame: &frame, files: &files, pairings: &pairings, scales: &scales };
    let (mut rows, mut judgements) = judge.rows();
    let families = correct(&mut rows, &mut judgements, pairings.len(), options.correction);
    decide(&mut rows, &judgements, options);
    drop(judgements);
    let of_expectations = crate::expect::apply(&options.expectations, &mut rows);
    let all_rows = families.iter().any(|f| f.all_rows);
    let summary: Vec<Summary> = pairings.iter().map(|p| summary::summary(&rows, p, all_rows)).collect();
    let about =
        About { options, sides: &sides, files: &files, ranges: &ranges, pairings: &pairings, rows: &rows };
    let mut warnings = about.warnings(&families, &differences);
    warnings.extend(of_expectations);
    if frame.averaged_rows > 0 {
        let text = format!("{} twice in one file; the mean counts", counted(frame.averaged_rows, "case"));
        warnings.push(note("averaged", text, "", frame.averaged_rows));
    }
    let described: Vec<Side> = about.sides();
    let table = difference_table(&sides, &differences);
    let forced = options.force && pairings.iter().any(|p| p.comparability != Comparability::default());
    let (rows, hidden) = shown(rows, options);
    if hidden > 0 {
        let text = format!(
            "{} not shown (--only, --metric); counts, q and the gate are over all rows",
            counted(hidden, "row")
        );
        warnings.push(note("filtered", text, "", hidden));
    }
    warnings.sort_by_key(|w| w.level);
    let mut described = described.into_iter();
    let Some(a) = described.next() else { return Err(AnalyzeError::Sides("nothing to compare".into())) };
    Ok(Comparison {
        schema_version: SCHEMA_VERSION,
        perfvt: env!("CARGO_PKG_VERSION").to_owned(),
        a,
        b: described.collect(),
        method: method(options, forced),
        families,
        warnings,
        files: files.into_iter().map(|f| f.path).collect(),
        workloads: workload_infos(&frame, options),
        differences: table,
        summary,
        rows,
    })
}

impl Comparison {
    /// Rows that were judged: neither MISSING nor INVALID, shown or not. With 0, nothing could be compared.
    pub fn comparable_rows(&self) -> usize {
        let judged = |v: &Verdict| !matches!(v, Verdict::MissingA | Verdict::MissingB | Verdict::Invalid);
        self.summary.iter().flat_map(|s| &s.all).filter(|(v, _)| judged(v)).map(|(_, n)| n).sum()
    }
}

fn refuse_losses(sides: &[LoadedSide]) -> Result<(), AnalyzeError> {
    let count = sides.iter().map(|s| s.losses.len()).sum();
    let invalid = sides.iter().flat_map(|s| &s.repeats).map(|r| r.invalid.len()).sum::<usize>();
    match sides.iter().flat_map(|s| &s.losses).next() {
        Some(loss) => Err(AnalyzeError::Strict { count, first: format!("{}: {}", loss.place, loss.reason) }),
        None if invalid > 0 => {
            let found = sides.iter().flat_map(|s| &s.repeats).find_map(|r| Some((r, r.invalid.first()?)));
            let first = found.map_or(String::new(), |(repeat, i)| {
                let line = repeat.cells.get(i.cell as usize).map_or(0, |c| c.line);
                format!("{}:{line}: {}", repeat.path, i.reason)
            });
            Err(AnalyzeError::Strict { count: invalid, first })
        }
        None => Ok(()),
    }
}

/// What run.json declares of metrics. Units must agree with perf.conf and with one another.
pub(crate) fn declared(sides: &[LoadedSide], options: &CompareOptions) -> Result<Declared, AnalyzeError> {
    let mut out: Declared = HashMap::new();
    for (side, run) in sides.iter().filter_map(|s| Some((s, s.run.as_ref()?))) {
        for metric in &run.metrics {
            let section = options.conf.section(&run.workload);
            let name = section.map_or(metric.name.as_str(), |s| s.canonical(&metric.name)).to_owned();
            let conf = section.and_then(|s| s.declared(&name)).map(|m| m.unit.clone());
            let key = (run.workload.clone(), name.clone());
            let known = conf.or_else(|| out.get(&key).map(|(unit, _)| unit.clone()));
            if let Some(known) = known.filter(|k| *k != metric.unit) {
                return Err(AnalyzeError::Unit {
                    path: side.path.join(model::store::RUN_FILE),
                    metric: name,
                    found: metric.unit.clone(),
                    declared: known,
                });
            }
            out.insert(key, (metric.unit.clone(), metric.direction));
        }
    }
    Ok(out)
}

/// Sets the verdicts; then the intervals that only decided rows get.
fn decide(rows: &mut [Row], judgements: &[Judgement], options: &CompareOptions) {
    rows.par_iter_mut().zip(judgements).for_each(|(row, judgement)| {
        (row.verdict, row.reason) = verdict(judgement);
        if row.role == Role::Primary && row.verdict.is_decided_change() && row.n_min >= stats::BCA_MIN_N {
            row.bca_ci = bca(row, options.seed);
        }
    });
}

fn bca(row: &Row, seed: u64) -> Option<Interval> {
    let contrast = match row.scale {
        Scale::Log => stats::Contrast::RatioOfMeans,
        Scale::Linear => stats::Contrast::DifferenceOfMeans,
    };
    let seed = stats::seed_from(seed, &row.id);
    stats::bca_interval(&row.a.values, &row.b.values, contrast, 0.95, seed)
        .ok()
        .and_then(crate::row::interval)
}

/// Applies the display filters.
fn shown(rows: Vec<Row>, options: &CompareOptions) -> (Vec<Row>, usize) {
    if options.only.is_empty() && options.metrics.is_empty() {
        return (rows, 0);
    }
    let all = rows.len();
    let metric = |r: &Row| {
        options.metrics.is_empty()
            || options.metrics.iter().any(|m| r.metric == *m || r.metric_as_written == *m)
    };
    let rows: Vec<Row> =
        rows.into_iter().filter(|r| metric(r) && options.only.keeps(&r.id, &r.case)).collect();
    let hidden = all - rows.len();
    (rows, hidden)
}

fn method(options: &CompareOptions, forced: bool) -> Method {
    Method {
        test: options.test.word().to_owned(),
        alpha: options.alpha,
        min_effect: formats::perf_conf::DEFAULT_MIN_EFFECT,
        correction: options.correction.word().to_owned(),
        seed: options.seed,
        light_below: options.light_below,
        command: options.command.clone(),
        forced,
    }
}

/// What perf.conf says of the workloads that are present.
pub(crate) fn workload_infos(frame: &Frame, options: &CompareOptions) -> Vec<WorkloadInfo> {
    let description = |name: &str| options.conf.section(name).map(|s| s.desc.clone()).unwrap_or_default();
    let info = |w: &crate::frame::FrameWorkload| WorkloadInfo {
        name: w.name.to_string(),
        description: description(&w.name),
        keys: w.keys.clone(),
    };
    frame.workloads.iter().map(info).collect()
}

fn difference_table(sides: &[LoadedSide], differences: &[Classed]) -> Vec<crate::Difference> {
    let Some(a) = sides.first() else { return Vec::new() };
    let candidates: Vec<_> =
        sides.iter().skip(1).zip(differences).map(|(side, d)| (&side.facts, d.as_slice())).collect();
    comparability::table(&a.facts, &candidates)
}
