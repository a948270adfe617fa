//! Counts of verdicts, boot scores, and what the boot scores say about the boots (statistics.md, "Summary over rows").

use crate::pairing::Pairing;
use crate::row::{DIAGNOSTIC_ALPHA, interval};
use crate::warnings::note;
use crate::{MetricScore, Row, Sample, Score, Summary, Warning};
use model::{Direction, Role, Scale};
use stats::Block;
use std::collections::BTreeMap;

/// The summary of one candidate. `all_rows`: no metric is primary, so that every row counts as one.
pub(crate) fn summary(rows: &[Row], pairing: &Pairing, all_rows: bool) -> Summary {
    let of_candidate = || rows.iter().filter(|r| r.candidate == pairing.candidate);
    let mut out = Summary { candidate: pairing.candidate, ..Summary::default() };
    for row in of_candidate() {
        *out.all.entry(row.verdict).or_default() += 1;
        if row.expected.is_some() {
            *out.expected_all.entry(row.verdict).or_default() += 1;
        }
        if all_rows || row.role == Role::Primary {
            *out.primary.entry(row.verdict).or_default() += 1;
            if row.expected.is_some() {
                *out.expected.entry(row.verdict).or_default() += 1;
            }
        }
    }
    let counts = |r: &&Row| all_rows || r.role == Role::Primary;
    let gating: Vec<&Row> = of_candidate().filter(counts).collect();
    let whole = (pairing.a.complete, pairing.b.complete);
    out.score = Scores::of_pair(&gating, pairing, whole).and_then(|s| s.score(pairing));
    let mut by_metric: BTreeMap<(&str, &str), Vec<&Row>> = BTreeMap::new();
    for row in of_candidate() {
        by_metric.entry((&row.workload, &row.metric)).or_default().push(row);
    }
    for ((workload, metric), rows) in by_metric {
        let complete = (pairing.a.complete_of(workload), pairing.b.complete_of(workload));
        if let Some(score) = Scores::of_pair(&rows, pairing, complete).and_then(|s| s.score(pairing)) {
            out.per_metric.push(MetricScore { workload: workload.into(), metric: metric.into(), score });
        }
    }
    out
}

/// The score of each boot: its mean log value over the rows that every boot has.
struct Scores {
    a: Vec<f64>,
    b: Vec<f64>,
    blocks_a: Vec<u32>,
    blocks_b: Vec<u32>,
    rows: usize,
    direction: Direction,
}

/// Sums of logarithms by boot over the rows that all boots of one side have.
struct SideSums {
    sums: Vec<f64>,
    blocks: Vec<u32>,
    rows: usize,
}

impl SideSums {
    fn new(boots: usize) -> SideSums {
        SideSums { sums: vec![0.0; boots], blocks: Vec::new(), rows: 0 }
    }

    fn add(&mut self, side: &Sample, sign: f64) {
        for (sum, value) in self.sums.iter_mut().zip(&side.values) {
            *sum += sign * value.ln();
        }
        if self.blocks.is_empty() {
            self.blocks.clone_from(&side.blocks);
        }
        self.rows += 1;
    }

    /// Means without the boots that a resume put together.
    fn scores(&self, split: &[bool]) -> (Vec<f64>, Vec<u32>) {
        let keep = |i: usize| !split.get(i).copied().unwrap_or(false);
        let mean = |s: &f64| s / self.rows.max(1) as f64;
        let scores = self.sums.iter().enumerate().filter(|(i, _)| keep(*i)).map(|(_, s)| mean(s)).collect();
        let blocks = self.blocks.iter().enumerate().filter(|(i, _)| keep(*i)).map(|(_, b)| *b).collect();
        (scores, blocks)
    }
}

/// The direction that a set of rows has in common, and whether rows where lower is better must be turned over.
fn common_direction(rows: &[&Row]) -> (Direction, bool) {
    let has = |d| rows.iter().any(|r| r.direction == d);
    match (has(Direction::HigherIsBetter), has(Direction::LowerIsBetter)) {
        (true, true) => (Direction::HigherIsBetter, true),
        (true, false) => (Direction::HigherIsBetter, false),
        (false, true) => (Direction::LowerIsBetter, false),
        (false, false) => (Direction::Informational, false),
    }
}

fn sign(row: &Row, turn: bool) -> f64 {
    if turn && row.direction == Direction::LowerIsBetter { -1.0 } else { 1.0 }
}

impl Scores {
    /// `complete` is how many replicates a row of each side has that every boot gives.
    fn of_pair(rows: &[&Row], pairing: &Pairing, complete: (usize, usize)) -> Option<Scores> {
        let shared: Vec<&Row> =
            rows.iter().copied().filter(|r| r.scale == Scale::Log && (r.a.n, r.b.n) == complete).collect();
        let (direction, turn) = common_direction(&shared);
        let (mut a, mut b) = (SideSums::new(complete.0), SideSums::new(complete.1));
        for row in &shared {
            a.add(&row.a, sign(row, turn));
            b.add(&row.b, sign(row, turn));
        }
        if shared.is_empty() {
            return None;
        }
        let ((scores_a, blocks_a), (scores_b, blocks_b)) =
            (a.scores(&pairing.a.split), b.scores(&pairing.b.split));
        Some(Scores { a: scores_a, b: scores_b, blocks_a, blocks_b, rows: shared.len(), direction })
    }

    /// The row model over boots.
    fn score(&self, pairing: &Pairing) -> Option<Score> {
        let exp = |scores: &[f64]| scores.iter().map(|s| s.exp()).collect::<Vec<f64>>();
        let (a, b) = (exp(&self.a), exp(&self.b));
        let ratio = match &pairing.plan {
            Some(plan) if pairing.blocked => {
                let blocks: Vec<Block<'_>> = (plan.iter())
                    .map(|block| Block {
                        a: value_of(&a, &self.blocks_a, *block),
                        b: value_of(&b, &self.blocks_b, *block),
                    })
                    .collect();
                stats::blocked_log(&blocks)
            }
            _ => stats::welch_log(&a, &b),
        };
        let ratio = ratio.ok()?;
        Some(Score {
            ratio: ratio.ratio,
            ci: interval(ratio.ci95)?,
            rows: self.rows,
            direction: self.direction,
        })
    }
}

/// The value of a block as a slice of one or none.
fn value_of<'a>(values: &'a [f64], blocks: &[u32], block: u32) -> &'a [f64] {
    match blocks.iter().position(|b| *b == block) {
        Some(i) => values.get(i..=i).unwrap_or_default(),
        None => &[],
    }
}

/// Drift over the boots and first boots that differ, per workload, on the boot scores of primary rows.
pub(crate) fn boot_warnings(
    rows: &[Row],
    pairing: &Pairing,
    labels: (&str, &str),
    all_rows: bool,
) -> Vec<Warning> {
    let mut by_workload: BTreeMap<&str, Vec<&Row>> = BTreeMap::new();
    let counts = |r: &&Row| r.candidate == pairing.candidate && (all_rows || r.role == Role::Primary);
    for row in rows.iter().filter(counts) {
        by_workload.entry(&row.workload).or_default().push(row);
    }
    let mut out = Vec::new();
    for (workload, rows) in by_workload {
        let complete = (pairing.a.complete_of(workload), pairing.b.complete_of(workload));
        let Some(scores) = Scores::of_pair(&rows, pairing, complete) else { continue };
        for (label, side) in [(labels.0, &scores.a), (labels.1, &scores.b)] {
            let Ok(trend) = stats::mann_kendall(side) else { continue };
            if trend.p < DIAGNOSTIC_ALPHA {
                let way = if trend.s > 0.0 { "rise" } else { "fall" };
                let text = format!(
                    "{workload}: the scores of {label} {way} over its {} boots (Mann-Kendall p = {:.2e})",
                    side.len(),
                    trend.p
                );
                out.push(note(
                    "drift",
                    text,
                    "something on the host changed with time; interleave the sides or find it",
                    1,
                ));
            }
        }
        if let Ok(first) = stats::first_boot(&[&scores.a, &scores.b])
            && first.p < DIAGNOSTIC_ALPHA
        {
            let text = format!(
                "{workload}: first boots differ from the others by {:+.1} % (p = {:.2e})",
                100.0 * first.estimate.exp_m1(),
                first.p
            );
            out.push(note("first-boot", text, "warm the host up with a boot that is not counted", 1));
        }
    }
    out
}
