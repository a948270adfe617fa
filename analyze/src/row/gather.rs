//! The replicates of one side of one row.

use crate::frame::Frame;
use crate::input::repeat::Repeat;
use crate::pairing::Replicates;
use crate::{Loss, Source};

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
