//! The replicates of one side of one row.

use crate::frame::Frame;
use crate::input::repeat::Repeat;
use crate::pairing::PairHosts;
use crate::replicates::Replicates;
use crate::{LeftOut, Loss, Source};
use formats::perf_conf::{MetricConf, Zero};
use model::Scale;
use stats::Block;

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
    /// Values of incomplete blocks, see [`keep_complete`].
    pub left_out: Vec<LeftOut>,
    /// Cells without a value.
    pub invalid: Vec<Loss>,
    /// How many of those are measurements that failed.
    pub failed: usize,
    /// How many of those because the guest died.
    pub died: usize,
}

/// Which values of a metric are none.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Failing {
    /// Only positive values have a place on the scale.
    positive: bool,
    /// Whatever the scale became, the metric is declared log: below 0 nothing can be measured.
    declared_log: bool,
    /// A 0 is a measurement that failed.
    zero: bool,
}

impl Failing {
    /// By what perf.conf says of the metric, and the scale on which it is compared.
    pub fn of(conf: &MetricConf, scale: Scale) -> Failing {
        let declared_log = conf.scale == Some(Scale::Log);
        Failing { positive: scale == Scale::Log, declared_log, zero: conf.zero() == Zero::Failed }
    }

    /// Why a value is a failed measurement.
    pub fn reason(self, value: f64) -> Option<String> {
        if value == 0.0 && self.zero {
            Some("0 is no value of this metric but a measurement that failed (perf.conf: zero=value says otherwise)".into())
        } else if value <= 0.0 && self.positive {
            Some(format!("{value} is not positive, so that it has no place on the log scale"))
        } else if value < 0.0 && self.declared_log {
            Some(format!("{value} is below 0, which no value of a metric on the log scale can be"))
        } else {
            None
        }
    }
}

/// Collects the values of a metric of a case.
pub(crate) fn gather(
    frame: &Frame,
    files: &[Repeat],
    side: &Replicates,
    case: usize,
    metric: usize,
    failing: Failing,
) -> Gathered {
    let mut out = Gathered::default();
    let mut sessions: Vec<u32> = Vec::new();
    out.values.reserve_exact(side.files.len());
    out.sources.reserve_exact(side.files.len());
    for index in side.files.clone() {
        let Some((row, position, cell)) = frame.find(case, metric, index, files) else { continue };
        out.present = true;
        let Some(file) = files.get(index) else { continue };
        let lost = match cell.number.value() {
            Some(value) => failing.reason(value).map(|reason| (reason, true, false)),
            None => {
                let invalid = file.invalid(row, position);
                let reason = invalid.map_or("no value", |i| i.reason.as_str()).to_owned();
                let died = invalid.and_then(|i| i.code()).is_some_and(model::Code::ends_a_guest);
                Some((reason, invalid.is_some_and(|i| i.is_failure()), died))
            }
        };
        if let Some((reason, failed, died)) = lost {
            let place = format!("{}:{}:{}", file.path, cell.line, cell.column);
            out.invalid.push(Loss { place, what: "cell", reason });
            out.failed += usize::from(failed);
            out.died += usize::from(died);
            continue;
        }
        let Some(value) = cell.number.value() else { continue };
        out.values.push(value);
        out.last_repeat = out.last_repeat.max(file.number);
        out.sources.push(Source(u32::try_from(index).unwrap_or(u32::MAX), cell.line, cell.column));
        if let Some(block) = row.block {
            out.blocks.push(block);
        }
        if let (Some(of_file), Some(boot)) = (&side.sessions, row.boot) {
            let place = index - side.files.start;
            sessions.push(of_file.get(place).and_then(|b| b.get(boot as usize)).copied().unwrap_or(u32::MAX));
        }
    }
    if side.sessions.is_some() && sessions.len() == out.values.len() {
        by_session(&mut out, &sessions);
    }
    if out.blocks.len() != out.values.len() {
        out.blocks.clear();
    }
    out
}

/// Replaces guest boots by the mean over each session, in the order in which sessions first appear.
fn by_session(side: &mut Gathered, sessions: &[u32]) {
    let mut groups: Vec<(u32, Vec<f64>, Source)> = Vec::new();
    for ((session, value), source) in sessions.iter().zip(&side.values).zip(&side.sources) {
        match groups.iter_mut().find(|(s, _, _)| s == session) {
            Some((_, values, _)) => values.push(*value),
            None => groups.push((*session, vec![*value], *source)),
        }
    }
    side.values = groups.iter().map(|(_, v, _)| v.iter().map(|x| x / v.len() as f64).sum()).collect();
    side.sources = groups.iter().map(|(_, _, s)| *s).collect();
    side.blocks.clear();
}

/// Leaves the values of blocks that both sides have: those that the blocked model uses, and of which everything else in its
/// row is told. Gives how many blocks are complete, and how many have a value at all.
pub(crate) fn keep_complete(plan: &[u32], a: &mut Gathered, b: &mut Gathered) -> (usize, usize) {
    let blocks = super::in_blocks(plan, a, b, |_| None);
    let complete: Vec<u32> =
        plan.iter().zip(&blocks).filter(|(_, block)| block.is_complete()).map(|(id, _)| *id).collect();
    let some = blocks.iter().filter(|Block { a, b, .. }| !a.is_empty() || !b.is_empty()).count();
    for side in [a, b] {
        side.keep(&complete);
    }
    (complete.len(), some)
}

/// Leaves the values that the models of the hosts use: of a host with blocks those of its complete ones, of another all, where both
/// sides have some there. Gives how many blocks are complete, and how many have a value at all.
pub(crate) fn keep_of_hosts(hosts: &PairHosts, a: &mut Gathered, b: &mut Gathered) -> (usize, usize) {
    let mut kept: Vec<u32> = Vec::new();
    let mut some: Vec<u32> = a.blocks.iter().chain(&b.blocks).copied().collect();
    some.sort_unstable();
    some.dedup();
    for host in &hosts.each {
        let has = |side: &Gathered, block: u32| side.blocks.contains(&block);
        let own = || some.iter().copied().filter(|block| host.holds(*block));
        if host.blocked {
            kept.extend(own().filter(|block| host.plan.contains(block) && has(a, *block) && has(b, *block)));
        } else if own().any(|block| has(a, block)) && own().any(|block| has(b, block)) {
            kept.extend(own());
        }
    }
    for side in [a, b] {
        side.keep(&kept);
    }
    (kept.len(), some.len())
}

impl Gathered {
    /// Sets aside what belongs to no block of these.
    fn keep(&mut self, complete: &[u32]) {
        if self.blocks.iter().all(|block| complete.contains(block)) {
            return;
        }
        let (values, sources) = (std::mem::take(&mut self.values), std::mem::take(&mut self.sources));
        let blocks = std::mem::take(&mut self.blocks);
        for ((value, source), block) in values.into_iter().zip(sources).zip(blocks) {
            if complete.contains(&block) {
                self.values.push(value);
                self.sources.push(source);
                self.blocks.push(block);
            } else {
                self.left_out.push(LeftOut { value, source, block });
            }
        }
    }
}
