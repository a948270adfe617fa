//! Noise floors: how far measurements of the same build lie apart (`perfvt calibrate`, `--noise`).

use crate::about::describe_side;
use crate::comparability::Sides;
use crate::frame::Frame;
use crate::input::repeat::Repeat;
use crate::input::{self, LoadedSide};
use crate::options::CompareOptions;
use crate::replicates::{Replicates, of_workload};
use crate::row::{Design, Escaped, Failing, Gathered, gather};
use crate::scale::{Signs, scale_of};
use crate::warnings::{counted, note};
use crate::{AnalyzeError, DifferenceClass, Warning};
use model::Scale;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use stats::SplitMix64;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

/// The version that [`NoiseFile::format`] carries.
///
/// Changelog: 1, the first.
pub const NOISE_FORMAT: u32 = 1;

/// Fewest boots of a single directory.
const SINGLE_MIN_BOOTS: usize = 10;
/// Random splits of a single directory.
const SPLITS: usize = 999;

/// What `perfvt calibrate` writes and `perfvt compare --noise` reads, as JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NoiseFile {
    /// [`NOISE_FORMAT`].
    pub format: u32,
    /// Version of the perfvt that wrote it.
    pub perfvt: String,
    /// How the floors were found.
    pub kind: NoiseKind,
    /// What they were found from.
    pub sources: Vec<NoiseSource>,
    /// What must be known, one sentence each.
    pub warnings: Vec<String>,
    /// One floor for each case and metric.
    pub rows: Vec<NoiseRow>,
}

/// How floors were found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NoiseKind {
    /// From the differences between campaigns of the same build.
    BetweenCampaigns,
    /// From random splits of one campaign: it cannot see what differs from one campaign to the next, which is what a
    /// floor is for.
    WithinSession,
}

/// A directory that floors were found from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoiseSource {
    /// As it was given.
    pub path: String,
    /// Campaign id, when the directory tells.
    pub campaign: Option<String>,
    /// Repeats.
    pub repeats: usize,
    /// Host boots, when they are known.
    pub host_boots: Option<usize>,
    /// When it was measured, seconds since the epoch.
    pub date_unix: Option<i64>,
}

/// A row's floor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NoiseRow {
    /// Row id without a candidate's number.
    pub id: String,
    /// The smallest number of boots on a side of a difference.
    pub n: usize,
    /// Differences (or splits) that were looked at.
    pub differences: usize,
    /// The floor, as a ratio minus 1.
    pub floor: f64,
}

impl NoiseFile {
    /// Reads a file that `perfvt calibrate` wrote.
    pub fn read(path: &Path) -> Result<NoiseFile, AnalyzeError> {
        let file: NoiseFile = model::store::read_json(path, NOISE_FORMAT)?;
        match file.rows.iter().find(|r| !(r.floor.is_finite() && r.floor >= 0.0)) {
            Some(row) => Err(AnalyzeError::Option(format!(
                "reading {}: the floor of '{}' is {}, want 0 or more",
                path.display(),
                model::readable(&row.id),
                row.floor
            ))),
            None => Ok(file),
        }
    }

    /// Floors by row id, as [`CompareOptions::floors`] takes them.
    pub fn floors(&self) -> HashMap<String, f64> {
        self.rows.iter().map(|r| (r.id.clone(), r.floor)).collect()
    }
}

/// Finds the floors of directories that hold the same build.
///
/// Several directories: the floor of a row is the largest 95 % upper bound of the difference between two of them, the
/// far end of Welch's 90 % interval. One directory: the 95 % point of the differences between random halves of
/// `boots` boots each (half of them without a number), which needs ten boots.
///
/// # Errors
/// As [`crate::compare`]; a single directory with too few boots.
pub fn calibrate(
    options: &CompareOptions,
    directories: &[PathBuf],
    boots: Option<usize>,
) -> Result<NoiseFile, AnalyzeError> {
    options.check()?;
    let mut sides =
        directories.iter().map(|d| input::load_one(d, options)).collect::<Result<Vec<_>, AnalyzeError>>()?;
    let declared = crate::compare::declared(&sides, options)?;
    let (mut files, mut replicates, mut sources) = (Vec::new(), Vec::new(), Vec::new());
    for side in &mut sides {
        let own: Vec<Repeat> = std::mem::take(&mut side.repeats);
        let about = describe_side(side, &own);
        sources.push(NoiseSource {
            path: about.path,
            campaign: side.run.as_ref().map(|r| r.campaign.clone()),
            repeats: about.repeats,
            host_boots: about.host_boots,
            date_unix: about.date_unix,
        });
        let start = files.len();
        files.extend(own);
        let range = start..files.len();
        let of_workload = of_workload(files.get(range.clone()).unwrap_or_default());
        replicates.push(Replicates {
            complete: range.len(),
            files: range,
            of_workload,
            ..Replicates::default()
        });
    }
    let split = match replicates.as_slice() {
        [] => {
            return Err(AnalyzeError::Sides("nothing to calibrate with: give one directory or more".into()));
        }
        [only] => Some(Splits::of(&only.of_workload, boots)?),
        _ => None,
    };
    let frame = Frame::align(&mut files, &options.conf, &declared)?;
    let signs = Signs::of(&frame, &files, 0..files.len());
    let of_case =
        |case: usize| rows_of_case(&frame, &files, &replicates, &signs, case, split.as_ref(), options);
    let rows: Vec<Vec<NoiseRow>> = (0..frame.cases.len()).into_par_iter().map(of_case).collect();
    let warnings = warnings(&sources)
        .into_iter()
        .chain(unlike(&sides))
        .chain(split.as_ref().and_then(Splits::left_out))
        .chain(crate::warnings::losses(sides.iter().flat_map(|s| &s.losses), "`perfvt show` lists all"))
        .map(|w| format!("{}; {}", w.text, w.advice))
        .collect();
    Ok(NoiseFile {
        format: NOISE_FORMAT,
        perfvt: env!("CARGO_PKG_VERSION").to_owned(),
        kind: if split.is_some() { NoiseKind::WithinSession } else { NoiseKind::BetweenCampaigns },
        sources,
        warnings,
        rows: rows.into_iter().flatten().collect(),
    })
}

/// Boots on each side of a split of one directory: each workload has its own files, so its own number of boots.
#[derive(Default)]
struct Splits {
    sizes: BTreeMap<String, usize>,
    /// Workloads with too few boots, and how many they have.
    short: BTreeMap<String, usize>,
}

impl Splits {
    fn of(of_workload: &BTreeMap<String, usize>, wanted: Option<usize>) -> Result<Splits, AnalyzeError> {
        let mut out = Splits::default();
        for (workload, &all) in of_workload {
            if all < SINGLE_MIN_BOOTS {
                out.short.insert(workload.clone(), all);
                continue;
            }
            let size = wanted.unwrap_or(all / 2);
            if size < 2 || 2 * size > all {
                return Err(AnalyzeError::Option(format!(
                    "two sides of {size} boots cannot be split off {all} boots of {workload}; want between 2 and {}",
                    all / 2
                )));
            }
            out.sizes.insert(workload.clone(), size);
        }
        if out.sizes.is_empty() {
            let most = of_workload.values().copied().max().unwrap_or_default();
            return Err(AnalyzeError::Option(format!(
                "one directory with {}: random splits need {SINGLE_MIN_BOOTS} or more; collect more, or give a \
                 second campaign of the same build, which is better",
                counted(most, "boot")
            )));
        }
        Ok(out)
    }

    /// Workloads that get no floor.
    fn left_out(&self) -> Option<Warning> {
        let list: Vec<String> =
            self.short.iter().map(|(name, n)| format!("{name} ({})", counted(*n, "boot"))).collect();
        (!list.is_empty()).then(|| {
            let text = format!("without floors for want of boots: {}", list.join(", "));
            let advice = format!("random splits need {SINGLE_MIN_BOOTS} boots of a workload; collect more");
            note("short-workloads", text, &advice, list.len())
        })
    }
}

fn warnings(sources: &[NoiseSource]) -> Vec<Warning> {
    let mut out = Vec::new();
    if sources.len() == 1 {
        let text = "within-session floors: one campaign was split at random";
        let advice = "they cannot see what differs between campaigns; calibrate with two campaigns or more";
        out.push(note("within-session", text, advice, 1));
    }
    let mut campaigns: Vec<&String> = sources.iter().filter_map(|s| s.campaign.as_ref()).collect();
    let known = campaigns.len();
    campaigns.sort_unstable();
    campaigns.dedup();
    if campaigns.len() < known {
        let text = "some directories belong to one campaign";
        let advice = "what differs between campaigns does not show in them";
        out.push(note("same-campaign", text, advice, known - campaigns.len()));
    }
    out
}

/// Facts on which directories that hold the same build do not differ: a change among them would become noise.
fn unlike(sides: &[LoadedSide]) -> Option<Warning> {
    let (first, factors) = (sides.first()?, BTreeSet::new());
    let differences =
        |side: &LoadedSide| Sides { a: &first.facts, b: &side.facts, factors: &factors }.differences();
    let counts = |c: &DifferenceClass| matches!(c, DifferenceClass::Blocking | DifferenceClass::Suspicious);
    let names: BTreeSet<String> =
        sides.iter().skip(1).flat_map(differences).filter(|(_, c)| counts(c)).map(|(name, _)| name).collect();
    let list = names.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
    (!names.is_empty()).then(|| {
        let text = format!("the directories do not hold the same build, they differ in {list}");
        let advice = "floors from them hide real changes; calibrate with campaigns of one build on one host";
        note("not-same-build", text, advice, names.len())
    })
}

fn rows_of_case(
    frame: &Frame,
    files: &[Repeat],
    sides: &[Replicates],
    signs: &Signs,
    case: usize,
    split: Option<&Splits>,
    options: &CompareOptions,
) -> Vec<NoiseRow> {
    let mut out = Vec::new();
    let Some(found) = frame.cases.get(case) else { return out };
    let Some(workload) = frame.workloads.get(found.workload as usize) else { return out };
    for (index, metric) in workload.metrics.iter().enumerate() {
        let place = (found.workload as usize, index);
        let (scale, _) = scale_of(&metric.conf, [Some(signs), None], place);
        let id = format!("{}/{}", found.id, Escaped(&metric.conf.name));
        let samples: Vec<Gathered> = sides
            .iter()
            .map(|side| gather(frame, files, side, case, index, Failing::of(&metric.conf, scale)))
            .filter(|g| g.values.len() >= 2)
            .collect();
        let row = match (split, samples.as_slice()) {
            (Some(splits), [only]) => {
                let size = splits.sizes.get(&*workload.name).filter(|&&size| only.values.len() >= 2 * size);
                let seed = stats::seed_from(options.seed, &id);
                size.and_then(|&size| Some((size, SPLITS, by_splits(&only.values, size, scale, seed)?)))
            }
            (None, several) => by_pairs(several, scale, options.alpha),
            _ => None,
        };
        if let Some((n, differences, floor)) = row.filter(|(_, _, floor)| floor.is_finite()) {
            out.push(NoiseRow { id, n, differences, floor });
        }
    }
    out
}

/// The largest upper bound of a difference between two samples: (smallest n, pairs, floor).
fn by_pairs(samples: &[Gathered], scale: Scale, alpha: f64) -> Option<(usize, usize, f64)> {
    let (mut n, mut pairs, mut floor) = (usize::MAX, 0, 0.0_f64);
    for (i, a) in samples.iter().enumerate() {
        for b in samples.iter().skip(i + 1) {
            let (a, b) = (a.values.as_slice(), b.values.as_slice());
            let design = Design {
                a,
                b,
                blocks: None,
                student: false,
                scale,
                margin: 0.0,
                margin_abs: None,
                exact: false,
                alpha,
                look: None,
            };
            floor = floor.max(upper_bound(&design)?);
            n = n.min(a.len()).min(b.len());
            pairs += 1;
        }
    }
    (pairs > 0).then_some((n, pairs, floor))
}

/// The 95 % upper bound of the difference, as a ratio minus 1.
fn upper_bound(design: &Design<'_>) -> Option<f64> {
    let (outcome, _) = design.outcome();
    match (design.scale, outcome.test) {
        (Scale::Log, Some(test)) => {
            let ci = test.ci(0.90);
            Some(ci.low.abs().max(ci.high.abs()).exp_m1())
        }
        (Scale::Linear, Some(test)) => {
            let ci = test.ci(0.90);
            relative(ci.low.abs().max(ci.high.abs()), design)
        }
        // Constants: what they differ by.
        (Scale::Log, None) => outcome.ratio.map(|r| r.ln().abs().exp_m1()),
        (Scale::Linear, None) => outcome.diff.and_then(|d| relative(d.abs(), design)),
    }
}

/// A difference as a share of the baseline's mean.
fn relative(difference: f64, design: &Design<'_>) -> Option<f64> {
    if difference == 0.0 {
        return Some(0.0);
    }
    let mean = stats::mean(design.a).ok()?.abs();
    (mean > 0.0).then_some(difference / mean)
}

/// The 95 % point of the differences between random parts of `size` values each.
fn by_splits(values: &[f64], size: usize, scale: Scale, seed: u64) -> Option<f64> {
    let mut random = SplitMix64::new(seed);
    let mut pool: Vec<f64> = match scale {
        Scale::Log => values.iter().map(|v| v.ln()).collect(),
        Scale::Linear => values.to_vec(),
    };
    let mut differences: Vec<f64> = Vec::with_capacity(SPLITS);
    for _ in 0..SPLITS {
        for i in 0..(2 * size).min(pool.len()) {
            let j = i + random.below(pool.len() - i);
            pool.swap(i, j);
        }
        let (a, b) = (pool.get(..size)?, pool.get(size..2 * size)?);
        differences.push((stats::mean(b).ok()? - stats::mean(a).ok()?).abs());
    }
    differences.sort_by(f64::total_cmp);
    let at = *differences.get((SPLITS * 95).div_ceil(100).saturating_sub(1))?;
    match scale {
        Scale::Log => Some(at.exp_m1()),
        Scale::Linear if at == 0.0 => Some(0.0),
        Scale::Linear => {
            let mean = stats::mean(values).ok()?.abs();
            (mean > 0.0).then_some(at / mean)
        }
    }
}
