//! One side alone: `perfvt show` and `perfvt plan`.

use crate::about::describe_side;
use crate::frame::Frame;
use crate::input::repeat::Repeat;
use crate::input::{self, LoadedSide};
use crate::options::CompareOptions;
use crate::replicates::Replicates;
use crate::row::{Escaped, Failing, POWER, gather, sample};
use crate::scale::{Signs, scale_of};
use crate::spelled::spelled;
use crate::warnings::{missing_repeats, note};
use crate::{AnalyzeError, Mde, Sample, Side, Spelled, Warning, WorkloadInfo};
use model::{Direction, Keys, Role, Scale};
use serde::Serialize;
use stats::TTest;
use std::collections::HashMap;
use std::path::Path;

/// Everything that one side says on its own.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Shown {
    /// The side.
    pub side: Side,
    /// Every file that was read; [`crate::Source`] points here.
    pub files: Vec<String>,
    /// Workloads present.
    pub workloads: Vec<WorkloadInfo>,
    /// Levels that the files write otherwise than ids and cases do (`4096` for `4k`), by key and level.
    pub spelled: Vec<Spelled>,
    /// Oddities of the input.
    pub warnings: Vec<Warning>,
    /// One case x one metric each.
    pub rows: Vec<ShownRow>,
}

/// One case x one metric of one side.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ShownRow {
    /// As in [`crate::Row::id`].
    pub id: String,
    /// Workload.
    pub workload: String,
    /// Canonical category.
    pub category: String,
    /// Factor levels.
    pub case: Keys,
    /// Canonical metric name.
    pub metric: String,
    /// Unit as text.
    pub unit: String,
    /// Which way is better.
    pub direction: Direction,
    /// How much the metric counts.
    pub role: Role,
    /// Scale of comparisons.
    pub scale: Scale,
    /// m of comparisons, as a ratio minus 1.
    pub min_effect: f64,
    /// The replicates.
    pub sample: Sample,
    /// Where the spread of the boots' values comes from, when `series.jsonl` tells.
    pub spread: Option<Spread>,
}

/// The SD of the boots' values, taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Spread {
    /// SD that the intervals within a boot explain, in the metric's unit: what longer sessions make smaller.
    pub within: f64,
    /// SD that remains, in the metric's unit: what only more boots average out. 0 when nothing remains.
    pub between: f64,
}

/// How many boots rows need.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Plan {
    /// The side that the spread is taken from.
    pub side: Side,
    /// Level of the tests.
    pub alpha: f64,
    /// Power.
    pub power: f64,
    /// Effect that was asked for, as a ratio minus 1; rows use their own `min_effect` without it.
    pub effect: Option<f64>,
    /// As in [`Shown`].
    pub spelled: Vec<Spelled>,
    /// What must be known.
    pub warnings: Vec<Warning>,
    /// One case x one metric each, in the order of [`Shown::rows`].
    pub rows: Vec<PlanRow>,
}

/// What one row needs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PlanRow {
    /// As in [`crate::Row::id`].
    pub id: String,
    /// Workload.
    pub workload: String,
    /// Canonical category.
    pub category: String,
    /// Factor levels.
    pub case: Keys,
    /// How much the metric counts.
    pub role: Role,
    /// Boots that the spread is taken from.
    pub n: usize,
    /// Coefficient of variation of the boots' values.
    pub cv: Option<f64>,
    /// The effect, as a ratio minus 1.
    pub effect: f64,
    /// Boots per side that detect it with Welch's test; null when the spread is unknown or no number does.
    pub boots: Option<usize>,
    /// What a comparison with as many boots on each side could detect.
    pub mde: Option<Mde>,
    /// Where the spread comes from.
    pub spread: Option<Spread>,
    /// What makes the estimate sharper.
    pub advice: Advice,
}

/// What to add.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Advice {
    /// More boots: most of the spread is between them.
    Boots,
    /// Longer sessions or more iterations in each boot: most of the spread is within them.
    Iterations,
    /// Nothing is known of the spread within boots; more boots help in any case.
    Unknown,
    /// Nothing varies.
    Nothing,
}

/// Reads one side.
///
/// # Errors
/// As [`crate::compare`]; a campaign of several environments must be named by environment.
pub fn show(options: &CompareOptions, path: &Path) -> Result<Shown, AnalyzeError> {
    options.check()?;
    let mut side = input::load_one(path, options)?;
    let mut files = std::mem::take(&mut side.repeats);
    let frame = Frame::align(
        &mut files,
        &options.conf,
        &crate::compare::declared(std::slice::from_ref(&side), options)?,
    )?;
    let within = files.iter().map(input::series::within_boot).collect::<Result<Vec<_>, _>>()?;
    let rows = rows(&frame, &files, &within)
        .into_iter()
        .filter(|r| options.metrics.is_empty() || options.metrics.contains(&r.metric))
        .filter(|r| options.only.keeps(&r.id, &r.case))
        .collect();
    let described = describe_side(&side, &files);
    let all = 0..files.len();
    let spelled = spelled(&frame, std::slice::from_ref(&side), std::slice::from_ref(&all), &[]);
    Ok(Shown {
        spelled,
        workloads: crate::compare::workload_infos(&frame, options, std::slice::from_ref(&described)),
        side: described,
        warnings: warnings(&side, files.len()),
        files: files.into_iter().map(|f| f.path).collect(),
        rows,
    })
}

/// Oddities of the input, repeats that are not there, and what the collector noted.
fn warnings(side: &LoadedSide, found: usize) -> Vec<Warning> {
    let mut out = side.notes.clone();
    let Some(run) = &side.run else { return out };
    out.extend(missing_repeats(&side.label, run, found));
    out.extend(run.warnings.iter().map(|sentence| note("campaign", sentence, "", 1)));
    out
}

fn rows(frame: &Frame, files: &[Repeat], within: &[HashMap<(String, String), f64>]) -> Vec<ShownRow> {
    let replicates = Replicates { files: 0..files.len(), complete: files.len(), ..Replicates::default() };
    let signs = Signs::of(frame, files, 0..files.len());
    let mut out = Vec::new();
    for (index, found) in frame.cases.iter().enumerate() {
        let Some(workload) = frame.workloads.get(found.workload as usize) else { continue };
        for (metric_index, metric) in workload.metrics.iter().enumerate() {
            let place = (found.workload as usize, metric_index);
            let (scale, _) = scale_of(&metric.conf, [Some(&signs), None], place);
            let side =
                gather(frame, files, &replicates, index, metric_index, Failing::of(&metric.conf, scale));
            if !side.present {
                continue;
            }
            let error = mean_error(frame, files, within, index, &metric.written);
            let sample = sample(side);
            out.push(ShownRow {
                id: format!("{}/{}", found.id, Escaped(&metric.conf.name)),
                workload: workload.name.to_string(),
                category: found.category.to_string(),
                case: Keys::clone(&found.keys),
                metric: metric.conf.name.clone(),
                unit: metric.conf.unit.clone(),
                direction: metric.conf.direction,
                role: metric.conf.role,
                scale,
                min_effect: metric.conf.min_effect,
                spread: error.zip(sample.sd).map(|(error, sd)| Spread {
                    within: error.sqrt(),
                    between: (sd * sd - error).max(0.0).sqrt(),
                }),
                sample,
            });
        }
    }
    out
}

/// The mean over the boots of the squared standard error within a boot, when all of them tell it.
fn mean_error(
    frame: &Frame,
    files: &[Repeat],
    within: &[HashMap<(String, String), f64>],
    case: usize,
    metric: &str,
) -> Option<f64> {
    let mut errors = Vec::new();
    for (index, (file, within)) in files.iter().zip(within).enumerate() {
        let row = *frame.pointers.get(case * frame.width + index)?;
        if let Some(id) = file.case_ids.get(row as usize) {
            errors.push(*within.get(&(id.clone(), metric.to_owned()))?);
        }
    }
    stats::mean(&errors).ok()
}

/// How many boots each row needs to detect `effect` (its own `min_effect` without one), taking the spread of one side
/// for both.
///
/// # Errors
/// As [`show`], and an effect that is not positive.
pub fn plan(options: &CompareOptions, path: &Path, effect: Option<f64>) -> Result<Plan, AnalyzeError> {
    if let Some(wrong) = effect.filter(|e| !(e.is_finite() && *e > 0.0)) {
        return Err(AnalyzeError::Option(format!("effect = {wrong}: want a ratio above 0, 0.02 for 2 %")));
    }
    let shown = show(options, path)?;
    let rows = shown.rows.iter().map(|row| plan_row(row, effect, options.alpha)).collect();
    let mut warnings = shown.warnings;
    warnings.extend(crate::warnings::losses(shown.side.losses.iter(), "`perfvt show` lists all"));
    let Shown { side, spelled, .. } = shown;
    Ok(Plan { side, alpha: options.alpha, power: POWER, effect, spelled, warnings, rows })
}

fn plan_row(row: &ShownRow, effect: Option<f64>, alpha: f64) -> PlanRow {
    let effect = effect.unwrap_or(row.min_effect);
    // The SD on the row's scale, and the effect as a distance on it.
    let (sd, distance, unit) = match row.scale {
        Scale::Log => {
            let logs: Vec<f64> = row.sample.values.iter().map(|v| v.ln()).collect();
            (stats::moments(&logs).ok().and_then(|m| m.sd), effect.ln_1p(), 1.0)
        }
        Scale::Linear => {
            let mean = row.sample.mean.unwrap_or(0.0).abs();
            (row.sample.sd, effect * mean, mean)
        }
    };
    let sd = sd.filter(|s| *s > 0.0);
    let n = row.sample.n;
    let detectable = sd.filter(|_| n >= 2).and_then(|sd| {
        let (se, df) = (sd * (2.0 / n as f64).sqrt(), 2.0 * n as f64 - 2.0);
        stats::minimum_detectable(&TTest { estimate: 0.0, se, df, t: 0.0, p: 1.0 }, alpha, POWER).ok()
    });
    let mde = detectable.and_then(|d| {
        let (up, down) = match row.scale {
            Scale::Log => stats::log_effect_as_fractions(d),
            Scale::Linear => (d / unit, d / unit),
        };
        (up.is_finite() && up < f64::MAX).then_some(Mde { up, down: -down })
    });
    let advice = match (sd, row.spread) {
        (None, _) if row.sample.sd == Some(0.0) => Advice::Nothing,
        (_, None) => Advice::Unknown,
        (_, Some(spread)) if spread.within > spread.between => Advice::Iterations,
        (_, Some(_)) => Advice::Boots,
    };
    PlanRow {
        id: row.id.clone(),
        workload: row.workload.clone(),
        category: row.category.clone(),
        case: row.case.clone(),
        role: row.role,
        n,
        cv: row.sample.cv,
        effect,
        boots: sd.and_then(|sd| stats::replicates_needed(sd, sd, distance, alpha, POWER).ok()),
        mde,
        spread: row.spread,
        advice,
    }
}
