//! Boot scores: what all rows of a boot say together (statistics.md, "Boot scores").

use crate::pairing::Pairing;
use crate::replicates::Replicates;
use crate::row::{REPLICATES, by_host, interval, joined_log};
use crate::{Interval, Model, Row, Sample, Score};
use model::{Direction, Scale};
use stats::{Block, RatioOfGeometricMeans};

/// The score of each boot: its mean log value over the rows that every boot has.
pub(crate) struct Scores {
    /// Those of the baseline's boots.
    pub a: Vec<f64>,
    /// Those of the candidate's.
    pub b: Vec<f64>,
    blocks_a: Vec<u32>,
    blocks_b: Vec<u32>,
    /// Files that the scores come from, as indices into all files.
    pub files: [Vec<u32>; 2],
    rows: usize,
    /// Cases that the rows are of.
    pub cases: usize,
    /// Mean of ln(1 + m) over the rows.
    pub margin: f64,
    direction: Direction,
}

/// Sums of logarithms by boot over the rows that all boots of one side have.
struct SideSums {
    sums: Vec<f64>,
    blocks: Vec<u32>,
    files: Vec<u32>,
    rows: usize,
}

impl SideSums {
    fn new(boots: usize) -> SideSums {
        SideSums { sums: vec![0.0; boots], blocks: Vec::new(), files: Vec::new(), rows: 0 }
    }

    fn add(&mut self, side: &Sample, sign: f64) {
        for (sum, value) in self.sums.iter_mut().zip(&side.values) {
            *sum += sign * value.ln();
        }
        if self.blocks.is_empty() {
            self.blocks.clone_from(&side.blocks);
        }
        if self.files.is_empty() {
            self.files = side.sources.iter().map(|source| source.0).collect();
        }
        self.rows += 1;
    }

    /// Means, blocks and files, without the boots that a resume put together.
    fn scores(&self, of: &Replicates) -> (Vec<f64>, Vec<u32>, Vec<u32>) {
        let place = |i: usize| (*self.files.get(i)? as usize).checked_sub(of.files.start);
        let keep = |i: usize| !place(i).and_then(|file| of.split.get(file)).copied().unwrap_or(false);
        let mean = |s: &f64| s / self.rows.max(1) as f64;
        let scores = self.sums.iter().enumerate().filter(|(i, _)| keep(*i)).map(|(_, s)| mean(s)).collect();
        let kept = |of: &[u32]| of.iter().enumerate().filter(|(i, _)| keep(*i)).map(|(_, b)| *b).collect();
        (scores, kept(&self.blocks), kept(&self.files))
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

/// Replicates of both sides, with those that the blocked model leaves out.
fn all(row: &Row) -> (usize, usize) {
    (row.a.n + row.a.left_out.len(), row.b.n + row.b.left_out.len())
}

fn sign(row: &Row, turn: bool) -> f64 {
    if turn && row.direction == Direction::LowerIsBetter { -1.0 } else { 1.0 }
}

impl Scores {
    /// `complete` is how many replicates a row of each side has that every boot gives. A blocked row has those of blocks that
    /// both sides have: of the rows, the largest number is what every such boot gives.
    pub fn of_pair(rows: &[&Row], pairing: &Pairing, complete: (usize, usize)) -> Option<Scores> {
        let whole = |r: &&Row| r.scale == Scale::Log && all(r) == complete;
        let paired = |r: &&Row| (r.a.n, r.b.n);
        let complete = rows.iter().copied().filter(whole).map(|r| paired(&r)).max().unwrap_or(complete);
        let shared: Vec<&Row> =
            rows.iter().copied().filter(whole).filter(|r| paired(r) == complete).collect();
        let (direction, turn) = common_direction(&shared);
        let (mut a, mut b) = (SideSums::new(complete.0), SideSums::new(complete.1));
        for row in &shared {
            a.add(&row.a, sign(row, turn));
            b.add(&row.b, sign(row, turn));
        }
        if shared.is_empty() {
            return None;
        }
        let ((scores_a, blocks_a, files_a), (scores_b, blocks_b, files_b)) =
            (a.scores(&pairing.a), b.scores(&pairing.b));
        let same =
            |x: &&Row, y: &&Row| x.case == y.case && x.category == y.category && x.workload == y.workload;
        let cases = shared.chunk_by(same).count();
        let (rows, margins) = (shared.len(), shared.iter().map(|r| r.min_effect.ln_1p()));
        let margin = margins.sum::<f64>() / rows as f64;
        let files = [files_a, files_b];
        Some(Scores { a: scores_a, b: scores_b, blocks_a, blocks_b, files, rows, cases, margin, direction })
    }

    /// The scores of both sides of each of these blocks, where both have one.
    pub fn pairs(&self, blocks: &[u32]) -> Vec<(u32, f64, f64)> {
        let of = |scores: &[f64], places: &[u32], block| value_of(scores, places, block).first().copied();
        let both = |block: &u32| {
            Some((*block, of(&self.a, &self.blocks_a, *block)?, of(&self.b, &self.blocks_b, *block)?))
        };
        blocks.iter().filter_map(both).collect()
    }

    /// Scores that do not vary within the sides, or whose differences within blocks do not: the point, with the exact p.
    pub fn constants(&self, pairing: &Pairing) -> Option<(Score, f64)> {
        if pairing.hosts.is_some() {
            return None;
        }
        let (difference, p) = match (constant(&self.a), constant(&self.b)) {
            (Some(a), Some(b)) if a == b => (0.0, 1.0),
            (Some(a), Some(b)) => (b - a, stats::constants_p(self.a.len(), self.b.len())),
            _ => {
                let pairs = self.pairs(pairing.plan.as_deref().filter(|_| pairing.blocked)?);
                let differences: Vec<f64> = pairs.iter().map(|(_, a, b)| b - a).collect();
                (constant(&differences)?, 0.5f64.powf(differences.len() as f64 - 1.0))
            }
        };
        let ratio = difference.exp();
        let score = Score { ratio, ci: Interval(ratio, ratio), rows: self.rows, direction: self.direction };
        (self.a.len().min(self.b.len()) >= REPLICATES).then_some((score, p))
    }

    /// The model that [`Scores::score`] takes.
    pub fn model(&self, pairing: &Pairing) -> Model {
        match &pairing.hosts {
            Some(hosts) if hosts.random => Model::HostsRandom,
            Some(_) => Model::HostsFixed,
            None if pairing.blocked && pairing.plan.is_some() => Model::Blocked,
            None => Model::Welch,
        }
    }

    /// The row model over boots.
    pub fn score(&self, pairing: &Pairing) -> Option<(Score, RatioOfGeometricMeans)> {
        let exp = |scores: &[f64]| scores.iter().map(|s| s.exp()).collect::<Vec<f64>>();
        let (a, b) = (exp(&self.a), exp(&self.b));
        let ratio = match &pairing.plan {
            _ if let Some(hosts) = &pairing.hosts => {
                let later = &pairing.candidate_later;
                let hosts = by_host(hosts, (&a, &self.blocks_a), (&b, &self.blocks_b), later);
                joined_log(&a, &b, &hosts)
            }
            Some(plan) if pairing.blocked => {
                let blocks: Vec<Block<'_>> = (plan.iter())
                    .map(|block| Block {
                        a: value_of(&a, &self.blocks_a, *block),
                        b: value_of(&b, &self.blocks_b, *block),
                        b_later: pairing.b_later(*block),
                    })
                    .collect();
                stats::blocked_log(&blocks)
            }
            _ => stats::guarded_welch_log(&a, &b),
        };
        let ratio = ratio.ok()?;
        let score = Score {
            ratio: ratio.ratio,
            ci: interval(ratio.ci95)?,
            rows: self.rows,
            direction: self.direction,
        };
        Some((score, ratio))
    }
}

/// The one score of all boots, as far as doubles tell.
fn constant(scores: &[f64]) -> Option<f64> {
    let first = *scores.first()?;
    let near = |score: &f64| (score - first).abs() <= 1e-12 * first.abs().max(1.0);
    scores.iter().all(near).then_some(first)
}

/// The value of a block as a slice of one or none.
fn value_of<'a>(values: &'a [f64], blocks: &[u32], block: u32) -> &'a [f64] {
    match blocks.iter().position(|b| *b == block) {
        Some(i) => values.get(i..=i).unwrap_or_default(),
        None => &[],
    }
}
