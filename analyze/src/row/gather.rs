//! The replicates of one side of one row.

use crate::frame::Frame;
use crate::input::repeat::Repeat;
use crate::{Loss, Source};
use std::collections::BTreeMap;
use std::ops::Range;

/// Where the replicates of one side are.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Replicates {
    /// Its files, as indices into all files.
    pub files: Range<usize>,
    /// Host boot of every boot of every file of the side, when the host boot is the replicate.
    pub host_boots: Option<Vec<Vec<u32>>>,
    /// How many replicates a row has that all files of the side give.
    pub complete: usize,
    /// The same for each workload: not every file need hold each of them.
    pub of_workload: BTreeMap<String, usize>,
    /// Files that must stay out of boot scores, because more than one guest boot gave them.
    pub split: Vec<bool>,
}

impl Replicates {
    /// How many replicates a complete row of a workload has.
    pub fn complete_of(&self, workload: &str) -> usize {
        self.of_workload.get(workload).copied().unwrap_or(self.complete)
    }
}

/// One side of one row.
#[derive(Clone, Debug, Default)]
pub(crate) struct Gathered {
    /// The side has the row, with a value or without.
    pub present: bool,
    /// One value per replicate.
    pub values: Vec<f64>,
    /// Where each comes from.
    pub sources: Vec<Source>,
    /// Block of each, empty when no file has blocks.
    pub blocks: Vec<u32>,
    /// The last repeat with a value, where files tell their repeat.
    pub last_repeat: Option<u32>,
    /// Cells without a value.
    pub invalid: Vec<Loss>,
}

/// Collects the values of a metric of a case. With `positive`, a value that is not is a failed measurement.
pub(crate) fn gather(
    frame: &Frame,
    files: &[Repeat],
    side: &Replicates,
    case: usize,
    metric: usize,
    positive: bool,
) -> Gathered {
    let mut out = Gathered::default();
    let mut hosts: Vec<u32> = Vec::new();
    out.values.reserve_exact(side.files.len());
    out.sources.reserve_exact(side.files.len());
    for index in side.files.clone() {
        let Some((row, position, cell)) = frame.find(case, metric, index, files) else { continue };
        out.present = true;
        let value = match cell.number.value() {
            Some(value) if !positive || value > 0.0 => value,
            found => {
                let Some(file) = files.get(index) else { continue };
                let reason = match found {
                    Some(value) => {
                        format!("{value} is not positive, so that it has no place on the log scale")
                    }
                    None => file.reason(row, position).unwrap_or("no value").to_owned(),
                };
                let place = format!("{}:{}:{}", file.path, cell.line, cell.column);
                out.invalid.push(Loss { place, what: "cell", reason });
                continue;
            }
        };
        out.values.push(value);
        out.last_repeat = out.last_repeat.max(files.get(index).and_then(|f| f.number));
        out.sources.push(Source(u32::try_from(index).unwrap_or(u32::MAX), cell.line, cell.column));
        if let Some(block) = row.block {
            out.blocks.push(block);
        }
        if let (Some(of_file), Some(boot)) = (&side.host_boots, row.boot) {
            let place = index - side.files.start;
            hosts.push(of_file.get(place).and_then(|b| b.get(boot as usize)).copied().unwrap_or(u32::MAX));
        }
    }
    if side.host_boots.is_some() && hosts.len() == out.values.len() {
        by_host_boot(&mut out, &hosts);
    }
    if out.blocks.len() != out.values.len() {
        out.blocks.clear();
    }
    out
}

/// Replaces guest boots by the mean over each host boot, in the order in which host boots first appear.
fn by_host_boot(side: &mut Gathered, hosts: &[u32]) {
    let mut groups: Vec<(u32, Vec<f64>, Source)> = Vec::new();
    for ((host, value), source) in hosts.iter().zip(&side.values).zip(&side.sources) {
        match groups.iter_mut().find(|(h, _, _)| h == host) {
            Some((_, values, _)) => values.push(*value),
            None => groups.push((*host, vec![*value], *source)),
        }
    }
    side.values = groups.iter().map(|(_, v, _)| v.iter().map(|x| x / v.len() as f64).sum()).collect();
    side.sources = groups.iter().map(|(_, _, s)| *s).collect();
    side.blocks.clear();
}
