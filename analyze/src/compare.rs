//! From options to a [`Comparison`]: reads the sides, aligns them, judges the rows, and says what must be known.

use crate::about::About;
use crate::causes::causes;
use crate::comparability::{self, Comparability};
use crate::comparable;
use crate::comparison::SCHEMA_VERSION;
use crate::diagnostics::Page;
use crate::failures::{Failures, Search};
use crate::family::{Members, correct};
use crate::filters::{filtered, shown};
use crate::frame::{Declared, Frame};
use crate::input::repeat::Repeat;
use crate::input::{self, LoadedSide, Said};
use crate::moderation::moderate;
use crate::options::CompareOptions;
use crate::pairing::{Classed, Pairing, pairings};
use crate::row::{Intervals, Judge, blocks_of, design_of, hosts_again, judge_each, ratio_band};
use crate::scale::{Signs, said_of_failed};
use crate::verdict::{Judgement, verdict};
use crate::warnings::note;
use crate::{
    AnalyzeError, CaseFailures, CategoryScore, Comparison, Family, Interleaving, Interval, Model, Reason,
    Row, Side, Summary, Verdict, Warning, WorkloadInfo, summary,
};
use model::counted;
use model::{Role, Scale};
use rayon::prelude::*;
use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

/// Compares the first side with each of the others.
///
/// Sides that have nothing in common are no error: every row is MISSING then, and
/// [`Comparison::comparable_rows`] is 0.
pub fn compare(options: &CompareOptions) -> Result<Comparison, AnalyzeError> {
    options.check()?;
    let (mut sides, matched) = input::load(options)?;
    if options.strict {
        refuse_losses(&sides)?;
    }
    let (mut files, ranges) = put_together(&mut sides);
    let frame = Frame::align(&mut files, &options.conf, &declared(&sides, options)?)?;
    let (pairings, differences) = pairings(options, &sides, &files, &ranges)?;
    let signs: Vec<Signs> = ranges.iter().map(|range| Signs::of(&frame, &files, range.clone())).collect();
    if options.strict {
        refuse_failed_values(&frame, &files, &signs)?;
    }
    let data = Data { frame: &frame, files: &files, sides: &sides, signs: &signs };
    let Decided { mut rows, families, mut summary, failures, mut warnings } =
        decided(options, &data, &pairings);
    comparable::tell(&mut summary, &sides, &pairings, &differences);
    let page = Page { pairings: &pairings, files: &files, sides: &sides, seed: options.seed };
    let diagnosed = page.diagnose(&mut rows);
    warnings.extend(warnings_of_data(&frame));
    let nearest = crate::nearest::nearest(&frame, &ranges, &pairings, &matched, takes_maps(&sides));
    let about =
        About { options, sides: &sides, files: &files, ranges: &ranges, pairings: &pairings, rows: &rows };
    warnings.extend(about.warnings(&families, &differences, &nearest, diagnosed));
    let hosts = crate::hosts::told(&sides, &rows, &mut warnings);
    let spelled = crate::spelled::spelled(&frame, &sides, &ranges, &matched);
    let causes = causes(&sides, &rows, &options.conf);
    let described: Vec<Side> = about.sides();
    let forced = is_forced(options, &pairings);
    let (rows, hidden) = shown(rows, options)?;
    warnings.extend(filtered(hidden));
    warnings.sort_by_key(|w| w.level);
    let workloads = workload_infos(&frame, options, &described);
    let mut described = described.into_iter();
    let Some(a) = described.next() else { return Err(AnalyzeError::Sides("nothing to compare".into())) };
    Ok(Comparison {
        schema_version: SCHEMA_VERSION,
        perfvt: env!("CARGO_PKG_VERSION").to_owned(),
        a,
        b: described.collect(),
        method: options.method(forced),
        families,
        warnings,
        files: files.into_iter().map(|f| f.path).collect(),
        workloads,
        differences: difference_table(&sides, &differences),
        hosts,
        matched,
        spelled,
        nearest,
        failures,
        causes,
        summary,
        rows,
    })
}

/// The files of all sides in one list, and where each side's are in it.
fn put_together(sides: &mut [LoadedSide]) -> (Vec<Repeat>, Vec<Range<usize>>) {
    let mut files: Vec<Repeat> = Vec::new();
    let mut ranges: Vec<Range<usize>> = Vec::new();
    for side in sides {
        let start = files.len();
        files.append(&mut side.repeats);
        ranges.push(start..files.len());
    }
    (files, ranges)
}

/// Whether `--force` judges what would not be judged without it.
fn is_forced(options: &CompareOptions, pairings: &[Pairing]) -> bool {
    let one_session =
        |p: &Pairing| p.sessions.standing == Interleaving::OneSession && p.session_part(options).is_none();
    options.force && pairings.iter().any(|p| p.comparability != Comparability::default() || one_session(p))
}

/// What was read.
struct Data<'a> {
    frame: &'a Frame,
    files: &'a [Repeat],
    sides: &'a [LoadedSide],
    /// What the values of each side say of the scale, and which of them are failures.
    signs: &'a [Signs],
}

/// What was decided.
struct Decided {
    rows: Vec<Row>,
    families: Vec<Family>,
    summary: Vec<Summary>,
    failures: Vec<CaseFailures>,
    warnings: Vec<Warning>,
}

/// Judges every row, and what is said over all of them.
fn decided(options: &CompareOptions, data: &Data<'_>, pairings: &[Pairing]) -> Decided {
    let Data { frame, files, .. } = *data;
    let signs = data.signs;
    let search = Search::new(frame, files, data.sides, signs, options.alpha);
    let failures: Vec<Failures> = pairings.iter().map(|p| search.of(p)).collect();
    let judge = Judge { options, frame, files, pairings, signs, failures: &failures };
    let (mut rows, mut judgements) = judge.rows();
    let variances = moderate(&mut rows, &mut judgements, options, pairings.len());
    let categories = |rows: &[Row], judgements: &[Judgement]| -> Vec<Vec<CategoryScore>> {
        pairings.iter().map(|p| summary::categories(rows, judgements, p)).collect()
    };
    let mut scores = categories(&rows, &judgements);
    let scored: Vec<bool> = scores.iter().map(|c| !c.is_empty()).collect();
    let mut families = correct(&mut rows, &mut judgements, &scored, options.correction, options.alpha);
    for (family, found) in families.iter_mut().zip(variances) {
        family.variances = found;
    }
    decide(&mut rows, &judgements, options);
    if pairings.iter().any(|pairing| pairing.hosts.is_some()) {
        judge_each(&mut rows, &judgements, options.correction);
    }
    after_choosing(&mut rows, &mut families, options);
    let mut failures: Vec<CaseFailures> = failures.into_iter().flat_map(|f| f.cases).collect();
    let keys = data.sides.iter().skip(1).map(LoadedSide::expected_until);
    let known = [&options.expectations[..], &crate::expect::of_keys(keys, &options.today)].concat();
    let warnings = crate::expect::apply(&known, &mut rows, &mut failures);
    if rows.iter().any(|r| r.expected.is_some()) {
        // What is known does not gate, in no score either.
        scores = categories(&rows, &judgements);
    }
    for (scores, family) in scores.iter_mut().zip(&families) {
        summary::decide_categories(scores, family.alpha_scores);
    }
    let summary = (pairings.iter().zip(&families).zip(scores))
        .map(|((pairing, family), scores)| summary::summary(&rows, pairing, family, scores))
        .collect();
    Decided { rows, families, summary, failures, warnings }
}

/// Cases that were averaged.
fn warnings_of_data(frame: &Frame) -> Vec<Warning> {
    let mut out = Vec::new();
    if frame.averaged_rows > 0 {
        let text = format!("{} twice in one file; the mean counts", counted(frame.averaged_rows, "case"));
        out.push(note("averaged", text, "", frame.averaged_rows));
    }
    out
}

impl Comparison {
    /// Rows that could be judged, over all candidates and before any display filter.
    pub fn comparable_rows(&self) -> usize {
        self.summary.iter().map(Summary::comparable).sum()
    }
}

impl Summary {
    /// Rows of this candidate that could be judged: neither missing nor invalid.
    pub fn comparable(&self) -> usize {
        judged(&self.all)
    }

    /// The same of the primary rows, those that gate; rows that no test decides for want of sessions are none of them.
    pub fn comparable_primary(&self) -> usize {
        judged(&self.primary) - self.capped
    }
}

fn judged(counts: &BTreeMap<Verdict, usize>) -> usize {
    let counts = counts.iter();
    counts
        .filter(|(v, _)| !matches!(v, Verdict::MissingA | Verdict::MissingB | Verdict::Invalid))
        .map(|(_, n)| n)
        .sum()
}

/// Where the levels of one path are the sides, no levels of theirs are to be matched.
fn takes_maps(sides: &[LoadedSide]) -> bool {
    sides.first().is_none_or(|a| sides.iter().skip(1).any(|b| b.path != a.path))
}

fn refuse_losses(sides: &[LoadedSide]) -> Result<(), AnalyzeError> {
    let lost = sides.iter().flat_map(|s| &s.losses);
    AnalyzeError::strict(lost.map(|loss| format!("{}: {}", loss.place, loss.reason)))?;
    let invalid = sides.iter().flat_map(|s| &s.repeats).flat_map(|r| r.invalid.iter().map(move |i| (r, i)));
    AnalyzeError::strict(invalid.map(|(repeat, i)| {
        let line = repeat.cells.get(i.cell as usize).map_or(0, |c| c.line);
        format!("{}:{line}: {}", repeat.path, i.reason)
    }))
}

/// Values that are measurements that failed are losses like any other.
fn refuse_failed_values(frame: &Frame, files: &[Repeat], signs: &[Signs]) -> Result<(), AnalyzeError> {
    let failed = signs.iter().flat_map(|signs| &signs.failed);
    AnalyzeError::strict(failed.map(|value| said_of_failed(frame, files, *value)))
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
            let known = conf.or_else(|| out.get(&key).map(|said| said.unit.clone()));
            // What nobody had declared when it was collected has no unit of its own.
            let unit =
                if metric.unit.is_empty() { known.clone().unwrap_or_default() } else { metric.unit.clone() };
            if let Some(known) = known.filter(|k| *k != unit) {
                return Err(AnalyzeError::Unit {
                    path: side.path.join(model::store::RUN_FILE),
                    metric: name,
                    found: unit,
                    declared: known,
                });
            }
            let said = Said { unit, direction: metric.direction, overrides: false };
            out.insert(key, said);
        }
    }
    for side in sides {
        hear(side, &mut out)?;
    }
    Ok(out)
}

/// Adds what a side's files say of their metrics. Sides must not contradict each other in the unit.
fn hear(side: &LoadedSide, out: &mut Declared) -> Result<(), AnalyzeError> {
    for (key, said) in &side.said {
        let Some(known) = out.get_mut(key) else {
            out.insert(key.clone(), said.clone());
            continue;
        };
        if !known.unit.is_empty() && !said.unit.is_empty() && known.unit != said.unit {
            return Err(AnalyzeError::Unit {
                path: side.path.clone(),
                metric: key.1.clone(),
                found: said.unit.clone(),
                declared: known.unit.clone(),
            });
        }
        if known.unit.is_empty() {
            known.unit.clone_from(&said.unit);
        }
        if said.overrides && !known.overrides {
            (known.direction, known.overrides) = (said.direction, true);
        }
    }
    Ok(())
}

/// Sets the verdicts; then the intervals that only decided rows get.
fn decide(rows: &mut [Row], judgements: &[Judgement], options: &CompareOptions) {
    rows.par_iter_mut().zip(judgements).for_each(|(row, judgement)| {
        (row.verdict, row.reason) = verdict(judgement);
        let resampled = row.n_min >= stats::BCA_MIN_N && row.hosts.is_none();
        if row.role == Role::Primary && row.verdict.is_decided_change() && resampled {
            row.bca_ci = bca(row, options.seed);
        }
    });
}

/// What is said of decided rows only, once it is known how many of them there are: intervals that stay right after choosing,
/// whether they lie beyond the band, and whether the rows count at the gate.
fn after_choosing(rows: &mut [Row], families: &mut [Family], options: &CompareOptions) {
    for family in families {
        let in_family = |r: &Row| r.candidate == family.candidate && r.q.is_some();
        family.decided = rows.iter().filter(|r| in_family(r) && r.verdict.is_decided_change()).count();
        let level = family.level_after_choosing();
        let members = Members { all_rows: family.all_rows };
        let gating = |r: &Row| members.has(r.role);
        let of_candidate = rows.iter_mut().filter(|r| r.candidate == family.candidate);
        for row in of_candidate.filter(|r| r.verdict.is_decided_change()) {
            if row.q.is_some() {
                let found = chosen(row, level, options.alpha);
                (row.ratio_ci_fcr, row.diff_ci_fcr) = (found.ratio, found.diff);
            }
            row.beyond = is_beyond(row);
            let exact = row.reason == Some(Reason::Exact);
            row.gates = gating(row) && (exact || row.p_gate.is_some_and(|p| p <= family.alpha_rows));
        }
    }
}

/// A row's intervals at a level; where nothing varies they are the points that they were.
fn chosen(row: &Row, level: f64, alpha: f64) -> Intervals {
    if row.model == Some(Model::Exact) {
        return Intervals { ratio: row.ratio_ci, diff: row.diff_ci };
    }
    let (blocks, hosts) = (blocks_of(row), hosts_again(row));
    let look = row.sequential.map(|s| s.look());
    design_of(row, blocks.as_deref(), hosts.as_ref(), alpha, look.as_ref()).intervals(level)
}

/// Whether the whole interval of a row lies outside its band.
fn is_beyond(row: &Row) -> bool {
    let apart = |ci: Interval, band: stats::Interval| ci.1 < band.low || band.high < ci.0;
    let ratio = row.ratio_ci_fcr.or(row.ratio_ci).map(|ci| apart(ci, ratio_band(row.scale, row.min_effect)));
    let absolute = row.min_effect_abs.filter(|b| *b > 0.0).or(row.band_abs.filter(|_| ratio.is_none()));
    let diff =
        absolute.zip(row.diff_ci_fcr.or(row.diff_ci)).map(|(b, ci)| apart(ci, stats::Interval::new(-b, b)));
    ratio.unwrap_or(true) && diff.unwrap_or(true) && (ratio.is_some() || diff.is_some())
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

/// What perf.conf says of the workloads that are present.
pub(crate) fn workload_infos(frame: &Frame, options: &CompareOptions, sides: &[Side]) -> Vec<WorkloadInfo> {
    let mut lengths: Vec<&str> = sides.iter().filter_map(|side| side.session_length.as_deref()).collect();
    lengths.dedup();
    let description =
        |name: &str| options.conf.section(name).map(|s| s.description(&lengths)).unwrap_or_default();
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
