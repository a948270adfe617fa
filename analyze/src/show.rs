//! One side alone: `perfvt show`.

use crate::about::describe_side;
use crate::frame::Frame;
use crate::input::repeat::Repeat;
use crate::input::{self, LoadedSide};
use crate::options::CompareOptions;
use crate::replicates::Replicates;
use crate::row::{Escaped, Failing, gather, sample};
use crate::scale::{Signs, scale_of};
use crate::sessions::name_of;
use crate::spelled::spelled;
use crate::warnings::{missing_repeats, note};
use crate::{AnalyzeError, Sample, Side, Spelled, Warning, WorkloadInfo};
use model::{Direction, Keys, Role, RunFile, Scale};
use serde::Serialize;
use std::collections::HashMap;
use std::path::Path;

/// Everything that one side says on its own.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Shown {
    /// The side.
    pub side: Side,
    /// Every file that was read; [`crate::Source`] points here.
    pub files: Vec<String>,
    /// The session of each file, where it is known.
    #[serde(skip)]
    pub(crate) sessions: Vec<Option<String>>,
    /// `run.json`, when perfvt measured the side.
    #[serde(skip)]
    pub(crate) run: Option<RunFile>,
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
        sessions: files.iter().map(name_of).collect(),
        files: files.into_iter().map(|f| f.path).collect(),
        run: side.run,
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
