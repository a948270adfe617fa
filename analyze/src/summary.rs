//! Counts of verdicts, boot scores, and what the boot scores say about the boots (statistics.md, "Summary over rows").

use crate::gate::at_gate;
use crate::pairing::Pairing;
use crate::row::{DIAGNOSTIC_ALPHA, REPLICATES, interval};
use crate::verdict::Judgement;
use crate::warnings::note;
use crate::{
    CategoryScore, Family, Interval, MetricScore, Reason, Row, Sample, Score, Summary, Verdict, Warning,
};
use model::{Direction, Role, Scale};
use stats::{Block, TTest};
use std::collections::{BTreeMap, BTreeSet};

/// The summary of one candidate.
pub(crate) fn summary(
    rows: &[Row],
    pairing: &Pairing,
    family: &Family,
    categories: Vec<CategoryScore>,
) -> Summary {
    let all_rows = family.all_rows;
    let of_candidate = || rows.iter().filter(|r| r.candidate == pairing.candidate);
    let interleaving = pairing.sessions.standing;
    let mut out = Summary { candidate: pairing.candidate, interleaving, categories, ..Summary::default() };
    for row in of_candidate() {
        *out.all.entry(row.verdict).or_default() += 1;
        if row.expected.is_some() {
            *out.expected_all.entry(row.verdict).or_default() += 1;
        }
        if all_rows || row.role == Role::Primary {
            *out.primary.entry(row.verdict).or_default() += 1;
            out.capped += usize::from(row.reason == Some(Reason::OneSession));
            if row.expected.is_some() {
                *out.expected.entry(row.verdict).or_default() += 1;
            }
        }
    }
    let counts = |r: &&Row| all_rows || r.role == Role::Primary;
    let gating: Vec<&Row> = of_candidate().filter(counts).collect();
    out.events = events(&gating);
    out.at_gate = at_gate(rows, pairing.candidate, all_rows);
    let whole = (pairing.a.complete, pairing.b.complete);
    out.score = Scores::of_pair(&gating, pairing, whole).and_then(|s| s.score(pairing)).map(|s| s.0);
    let mut by_metric: BTreeMap<(&str, &str), Vec<&Row>> = BTreeMap::new();
    for row in of_candidate() {
        by_metric.entry((&row.workload, &row.metric)).or_default().push(row);
    }
    for ((workload, metric), rows) in by_metric {
        let complete = (pairing.a.complete_of(workload), pairing.b.complete_of(workload));
        if let Some((score, _)) = Scores::of_pair(&rows, pairing, complete).and_then(|s| s.score(pairing)) {
            out.per_metric.push(MetricScore { workload: workload.into(), metric: metric.into(), score });
        }
    }
    out
}

/// Cases with a decided row, by verdict: rows of a case that changed alike are one event.
fn events(gating: &[&Row]) -> BTreeMap<Verdict, usize> {
    let mut out = BTreeMap::new();
    let mut seen: BTreeSet<(Verdict, &str, &str, &model::Keys)> = BTreeSet::new();
    for row in gating.iter().filter(|r| r.verdict.is_decided_change()) {
        if seen.insert((row.verdict, &row.workload, &row.category, &row.case)) {
            *out.entry(row.verdict).or_default() += 1;
        }
    }
    out
}

/// The scores of categories that gate beside the rows: of two cases or more, because the score of one case is that case again.
/// After several looks there are none: their p is of one look. Where sessions are part of the difference there are none either.
pub(crate) fn categories(rows: &[Row], judgements: &[Judgement], pairing: &Pairing) -> Vec<CategoryScore> {
    let all_rows = !rows.iter().any(|r| r.role == Role::Primary);
    let counts = |r: &&Row| r.candidate == pairing.candidate && (all_rows || r.role == Role::Primary);
    let mut out: Vec<CategoryScore> = Vec::new();
    let sessions = |r: &Row| r.candidate == pairing.candidate && r.session.is_some();
    if rows.iter().any(sessions) {
        return out;
    }
    if pairing.looks.is_some()
        || judgements.iter().zip(rows).any(|(j, r)| r.candidate == pairing.candidate && j.one_session)
    {
        return out;
    }
    let mut by_category: BTreeMap<(&str, &str), Vec<&Row>> = BTreeMap::new();
    let judged =
        rows.iter().zip(judgements).filter(|(_, judgement)| judgement.comparable).map(|(row, _)| row);
    // What is left of a side that failed in part is a choice, which shows nothing.
    let whole = |r: &&Row| r.expected.is_none() && r.failed.is_none();
    for row in judged.filter(counts).filter(whole) {
        by_category.entry((&row.workload, &row.category)).or_default().push(row);
    }
    for ((workload, category), rows) in by_category {
        let complete = (pairing.a.complete_of(workload), pairing.b.complete_of(workload));
        let Some(scores) = Scores::of_pair(&rows, pairing, complete).filter(|s| s.cases > 1) else {
            continue;
        };
        let Some((score, p)) =
            scores.score(pairing).map(|(score, test)| (score, test.p)).or_else(|| scores.constants())
        else {
            continue;
        };
        out.push(CategoryScore {
            workload: workload.into(),
            category: category.into(),
            score,
            min_effect: scores.margin.exp_m1(),
            p,
            p_gate: 1.0,
            verdict: Verdict::Inconclusive,
        });
    }
    out
}

/// Decides the categories of a candidate at their share of alpha.
pub(crate) fn decide_categories(categories: &mut [CategoryScore], alpha: f64) {
    let p: Vec<f64> = categories.iter().map(|c| c.p).collect();
    for (category, p_gate) in categories.iter_mut().zip(stats::holm(&p)) {
        category.p_gate = p_gate;
        let outside = !stats::band(category.min_effect).contains(category.score.ratio);
        if p_gate <= alpha && outside {
            category.verdict = crate::verdict::changed(category.score.direction, category.score.ratio > 1.0);
        }
    }
}

/// The score of each boot: its mean log value over the rows that every boot has.
struct Scores {
    a: Vec<f64>,
    b: Vec<f64>,
    blocks_a: Vec<u32>,
    blocks_b: Vec<u32>,
    rows: usize,
    /// Cases that the rows are of.
    cases: usize,
    /// Mean of ln(1 + m) over the rows.
    margin: f64,
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
    fn of_pair(rows: &[&Row], pairing: &Pairing, complete: (usize, usize)) -> Option<Scores> {
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
        let ((scores_a, blocks_a), (scores_b, blocks_b)) =
            (a.scores(&pairing.a.split), b.scores(&pairing.b.split));
        let same =
            |x: &&Row, y: &&Row| x.case == y.case && x.category == y.category && x.workload == y.workload;
        let cases = shared.chunk_by(same).count();
        let (rows, margins) = (shared.len(), shared.iter().map(|r| r.min_effect.ln_1p()));
        let margin = margins.sum::<f64>() / rows as f64;
        Some(Scores { a: scores_a, b: scores_b, blocks_a, blocks_b, rows, cases, margin, direction })
    }

    /// Scores that do not vary within the sides: the point, with the exact p of the permutation test.
    fn constants(&self) -> Option<(Score, f64)> {
        let (a, b) = (constant(&self.a)?, constant(&self.b)?);
        let ratio = (b - a).exp();
        let score = Score { ratio, ci: Interval(ratio, ratio), rows: self.rows, direction: self.direction };
        let enough = self.a.len().min(self.b.len()) >= REPLICATES;
        enough.then(|| (score, if a == b { 1.0 } else { stats::constants_p(self.a.len(), self.b.len()) }))
    }

    /// The row model over boots.
    fn score(&self, pairing: &Pairing) -> Option<(Score, TTest)> {
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
            _ => stats::guarded_welch_log(&a, &b),
        };
        let ratio = ratio.ok()?;
        let score = Score {
            ratio: ratio.ratio,
            ci: interval(ratio.ci95)?,
            rows: self.rows,
            direction: self.direction,
        };
        Some((score, ratio.test))
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
