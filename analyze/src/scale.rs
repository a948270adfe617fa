//! On which scale the rows of a metric are compared.

use crate::frame::Frame;
use crate::input::repeat::Repeat;
use formats::perf_conf::{MetricConf, Zero};
use model::Scale;
use std::ops::Range;

/// What the values of a side that have no logarithm are.
#[derive(Clone, Debug, Default)]
pub(crate) struct Signs {
    /// Of each metric of each workload, whether some are values all the same.
    values: Vec<Vec<bool>>,
    /// Those that are measurements that failed, as indices of file, row and metric.
    pub failed: Vec<(usize, usize, usize)>,
}

impl Signs {
    /// Looks through the files of a side.
    pub fn of(frame: &Frame, files: &[Repeat], side: Range<usize>) -> Signs {
        let mut out = Signs {
            values: frame.workloads.iter().map(|w| vec![false; w.metrics.len()]).collect(),
            failed: Vec::new(),
        };
        let in_side = files.iter().zip(&frame.slots).enumerate().take(side.end).skip(side.start);
        for (index, (file, of_table)) in in_side {
            for (row_index, row) in file.rows.iter().enumerate() {
                let (Some(table), Some(slots)) = (file.table_of(row), of_table.get(row.table as usize))
                else {
                    continue;
                };
                let Some(workload) = frame.workloads.iter().position(|w| w.name == table.workload) else {
                    continue;
                };
                let Some(flags) = out.values.get_mut(workload) else { continue };
                let metrics = frame.workloads.get(workload).map_or(&[][..], |w| &w.metrics);
                for (place, ((flag, metric), position)) in
                    flags.iter_mut().zip(metrics).zip(slots).enumerate()
                {
                    let value = file.cell(row, *position).and_then(|c| c.number.value());
                    let Some(value) = value.filter(|v| *v <= 0.0) else { continue };
                    if counts(value, &metric.conf) {
                        *flag = true;
                    } else {
                        out.failed.push((index, row_index, place));
                    }
                }
            }
        }
        out
    }

    fn get(&self, (workload, metric): (usize, usize)) -> bool {
        self.values.get(workload).and_then(|w| w.get(metric)).copied().unwrap_or(false)
    }
}

/// Values as they are compared on a scale.
pub(crate) fn on_scale(values: &[f64], scale: Scale) -> Vec<f64> {
    match scale {
        Scale::Log => values.iter().map(|v| v.ln()).collect(),
        Scale::Linear => values.to_vec(),
    }
}

/// Where one of [`Signs::failed`] stands, and that it is a failure.
pub(crate) fn said_of_failed(
    frame: &Frame,
    files: &[Repeat],
    (file, row, metric): (usize, usize, usize),
) -> String {
    let place = || {
        let repeat = files.get(file)?;
        let found = repeat.rows.get(row)?;
        let position = *frame.slots.get(file)?.get(found.table as usize)?.get(metric)?;
        let name = &repeat.table_of(found)?.metrics.get(position as usize)?.written;
        let line = repeat.cell(found, position)?.line;
        Some(format!("{}:{line}: {name} is not positive, and so a measurement that failed", repeat.path))
    };
    place().unwrap_or_default()
}

/// Whether a value that is not positive counts as one.
fn counts(value: f64, conf: &MetricConf) -> bool {
    if value == 0.0 { conf.zero() == Zero::Value } else { conf.scale != Some(Scale::Log) }
}

/// The scale of a metric between two sides: as declared, else logarithmic if every value of the two is positive; and whether
/// the values made an undeclared one linear. Sides that are not compared have no say.
pub(crate) fn scale_of(
    conf: &MetricConf,
    sides: [Option<&Signs>; 2],
    place: (usize, usize),
) -> (Scale, bool) {
    if conf.scale == Some(Scale::Linear) {
        return (Scale::Linear, false);
    }
    let linear = sides.into_iter().flatten().any(|signs| signs.get(place));
    (if linear { Scale::Linear } else { Scale::Log }, linear && conf.scale.is_none())
}
