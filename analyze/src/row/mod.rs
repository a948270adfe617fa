//! Rows: one case x one metric x one candidate, with everything but q and the verdict.

mod beside;
mod design;
mod gather;
mod hosts;
mod outcome;

pub use design::POWER;
pub(crate) use design::{Design, Hosts, REPLICATES, joined_log};
pub(crate) use gather::{Failing, Gathered, gather};
pub(crate) use hosts::{by_host, hosts_again, judge_each};
pub(crate) use outcome::{Intervals, finite, interval, ratio_band};

use crate::failures::Failures;
use crate::frame::{Frame, FrameCase, FrameMetric, FrameWorkload};
use crate::input::repeat::Repeat;
use crate::options::{CompareOptions, TestChoice};
use crate::pairing::{PairHosts, Pairing, of_block};
use crate::scale::{Signs, scale_of};
use crate::verdict::{Evidence, Judgement, Presence};
use crate::warnings::note;
use crate::{
    FailedSide, Interleaving, Model, ModelTest, Position, Row, Sample, Sequential, SessionPart, Verdict,
    Warning,
};
use formats::perf_conf::MetricConf;
use gather::{keep_complete, keep_of_hosts};
use model::{Role, Scale};
use rayon::prelude::*;
use stats::{Block, Look};

/// Everything that rows are made from.
pub(crate) struct Judge<'a> {
    pub options: &'a CompareOptions,
    pub frame: &'a Frame,
    pub files: &'a [Repeat],
    pub pairings: &'a [Pairing],
    /// What the values of each side say of the scale, the baseline first.
    pub signs: &'a [Signs],
    /// Measurements that failed, by candidate.
    pub failures: &'a [Failures],
}

/// Where a row belongs.
struct Place<'a> {
    workload: &'a FrameWorkload,
    case: &'a FrameCase,
    /// Index of the case in the frame.
    index: usize,
    metric: &'a FrameMetric,
    scale: Scale,
    /// The values decided the scale.
    by_data: bool,
}

impl Judge<'_> {
    /// Every row, case by case, and what its verdict depends on.
    ///
    /// A row is large, so that the vector of all of them gets its size at once and is filled in portions.
    pub fn rows(&self) -> (Vec<Row>, Vec<Judgement>) {
        const PORTION: usize = 1024;
        let metrics = |w: u32| self.frame.workloads.get(w as usize).map_or(0, |w| w.metrics.len());
        let at_most: usize = self.frame.cases.iter().map(|c| metrics(c.workload)).sum();
        let at_most = at_most * self.pairings.len();
        let (mut rows, mut judgements) = (Vec::with_capacity(at_most), Vec::with_capacity(at_most));
        let cases = self.frame.cases.len();
        for start in (0..cases).step_by(PORTION) {
            let portion: Vec<Vec<(Row, Judgement)>> =
                (start..cases.min(start + PORTION)).into_par_iter().map(|c| self.rows_of_case(c)).collect();
            for (row, judgement) in portion.into_iter().flatten() {
                rows.push(row);
                judgements.push(judgement);
            }
        }
        (rows, judgements)
    }

    fn rows_of_case(&self, case: usize) -> Vec<(Row, Judgement)> {
        let Some(found) = self.frame.cases.get(case) else { return Vec::new() };
        let Some(workload) = self.frame.workloads.get(found.workload as usize) else { return Vec::new() };
        let mut rows = Vec::with_capacity(workload.metrics.len() * self.pairings.len());
        for (index, metric) in workload.metrics.iter().enumerate() {
            for pairing in self.pairings {
                let sides = [0, pairing.candidate + 1].map(|side| self.signs.get(side));
                let (scale, by_data) = scale_of(&metric.conf, sides, (found.workload as usize, index));
                let place = Place { workload, case: found, index: case, metric, scale, by_data };
                let failing = Failing::of(&metric.conf, scale);
                let a = gather(self.frame, self.files, &pairing.a, case, index, failing);
                let b = gather(self.frame, self.files, &pairing.b, case, index, failing);
                if a.present || b.present {
                    rows.push(self.row(&place, pairing, a, b));
                }
            }
        }
        rows
    }

    /// A row's id: with several candidates it names the candidate.
    fn id(&self, base: String, pairing: &Pairing) -> String {
        if self.pairings.len() == 1 { base } else { format!("{base}#{}", pairing.candidate + 1) }
    }

    fn judgement(
        &self,
        conf: &MetricConf,
        pairing: &Pairing,
        present: (bool, bool),
        failed: Option<FailedSide>,
        evidence: Evidence,
    ) -> Judgement {
        Judgement {
            presence: match present {
                (true, true) => Presence::Both,
                (true, false) => Presence::OnlyA,
                (false, _) => Presence::OnlyB,
            },
            comparable: self.options.force || pairing.comparability.allows(conf.kind_count),
            evidence,
            exact: conf.exact,
            direction: conf.direction,
            q: None,
            alpha: self.options.alpha,
            failed,
            one_session: !self.options.force
                && pairing.sessions.standing == Interleaving::OneSession
                && pairing.session_part(self.options).is_none(),
        }
    }

    /// Whose measurements failed, where that is one side alone: of the case; or, where what failed is told of another case of
    /// the same guest, of this row.
    fn failed(&self, case: usize, candidate: usize, a: &Gathered, b: &Gathered) -> Option<FailedSide> {
        match self.failures.get(candidate).and_then(|failures| failures.side(case)) {
            Some(of_case) => of_case,
            None if a.failed == 0 && b.failed > 0 && b.died == b.failed => Some(FailedSide::CandidateDied),
            None if a.failed == 0 && b.failed > 0 => Some(FailedSide::Candidate),
            None if a.failed > 0 && b.failed == 0 => Some(FailedSide::Baseline),
            None => None,
        }
    }

    /// One row without q and verdict.
    fn row(&self, at: &Place<'_>, pairing: &Pairing, mut a: Gathered, mut b: Gathered) -> (Row, Judgement) {
        let conf = &at.metric.conf;
        let base_id = format!("{}/{}", at.case.id, Escaped(&conf.name));
        let session = pairing.session_part(self.options);
        let plan = pairing.plan.as_deref().filter(|_| pairing.blocked);
        let counted = match &pairing.hosts {
            Some(hosts) => Some(keep_of_hosts(hosts, &mut a, &mut b)),
            None => plan.map(|plan| keep_complete(plan, &mut a, &mut b)),
        };
        // Blocks of several hosts are no replicates of one another, whatever is shown beside the verdict.
        let blocks = pairing.plan.as_deref().filter(|_| pairing.hosts.is_none());
        let blocks = blocks.map(|plan| in_blocks(plan, &a, &b, |block| pairing.b_later(block)));
        let hosts = pairing.hosts.as_ref().map(|pair| of_hosts(pair, pairing, &a, &b));
        let judged_by = blocks.as_deref().filter(|_| pairing.blocked);
        let n = judged_by.map_or(a.values.len().min(b.values.len()), stats::complete_blocks);
        let look = pairing.looks.as_ref().and_then(|l| l.at(n, &[a.last_repeat, b.last_repeat]));
        let design = Design {
            a: &a.values,
            b: &b.values,
            blocks: judged_by,
            hosts: hosts.as_ref(),
            student: self.options.test == TestChoice::Student,
            scale: at.scale,
            margin: conf.min_effect,
            margin_abs: conf.min_effect_abs,
            exact: conf.exact,
            alpha: self.options.alpha,
            look: look.as_ref(),
            session,
            moderation: None,
            detectable: true,
        };
        let (outcome, evidence) = design.outcome();
        let failed = self.failed(at.index, pairing.candidate, &a, &b);
        let judgement = self.judgement(conf, pairing, (a.present, b.present), failed, evidence);
        let seed = stats::seed_from(self.options.seed, &base_id);
        let p = beside::beside(&design, blocks.as_deref(), conf.role == Role::Primary, seed);
        let mut warnings = row_warnings(pairing, &design);
        if conf.exact && matches!(evidence, Evidence::Estimate(_) | Evidence::NoScale { .. }) {
            let text =
                "perf.conf calls the metric exact, and its values vary: they are tested like any others";
            warnings.push(note("exact-varies", text, "take `exact` away, or find what varies", 1));
        }
        if is_uneven(pairing, at, &a, &b) {
            let text =
                format!("{} values of A and {} of B, of as many repeats", a.values.len(), b.values.len());
            warnings.push(note("uneven", text, "", 1));
        }
        // A row that a side lacks altogether is MISSING, which says more.
        let counted = counted.filter(|_| a.present && b.present);
        warnings.extend(counted.and_then(|counted| incomplete(pairing, counted, design.look.is_some())));
        if at.by_data {
            let text = "judged on the linear scale, because a value is not positive";
            warnings.push(note("scale-by-data", text, "declare the scale in perf.conf", 1));
        }
        let row = Row {
            id: self.id(base_id, pairing),
            workload: at.workload.name.clone(),
            category: at.case.category.clone(),
            case: at.case.keys.clone(),
            metric: at.metric.name.clone(),
            metric_as_written: at.metric.written.clone(),
            unit: at.metric.unit.clone(),
            direction: conf.direction,
            role: conf.role,
            scale: at.scale,
            candidate: pairing.candidate,
            model: outcome.model,
            diff: outcome.diff,
            diff_ci: outcome.diff_ci,
            diff_ci90: outcome.diff_ci90,
            ratio: outcome.ratio,
            ratio_ci: outcome.ratio_ci,
            ratio_ci90: outcome.ratio_ci90,
            ratio_of_means: stats::ratio_of_means(&a.values, &b.values).ok().and_then(finite),
            bca_ci: None,
            min_effect: design.margin,
            band_abs: outcome.band_abs,
            min_effect_abs: conf.min_effect_abs,
            p,
            test: outcome.test.as_ref().and_then(ModelTest::of),
            p_model: outcome.p,
            sequential: look.as_ref().map(|look| Sequential::of(look, outcome.test.map(|t| t.p))),
            session: session.map(|part| SessionPart { variance: part.variance, df: part.df }),
            moderated: None,
            position: judged_by
                .zip(outcome.test)
                .and_then(|(blocks, test)| position(pairing, blocks, &test, at.scale)),
            hosts: hosts
                .as_ref()
                .zip(pairing.hosts.as_ref())
                .map(|(hosts, pair)| Box::new(design.hosts_of_row(hosts, pair, &pairing.candidate_later))),
            n_min: a.values.len().min(b.values.len()),
            q: None,
            mde: outcome.mde,
            hedges_g: stats::hedges_g(&a.values, &b.values).ok().and_then(finite),
            ratio_ci_fcr: None,
            diff_ci_fcr: None,
            beyond: false,
            p_gate: None,
            gates: false,
            verdict: Verdict::Invalid,
            reason: None,
            failed,
            expected: None,
            warnings,
            a: sample(a),
            b: sample(b),
        };
        (row, judgement)
    }
}

/// The values of a row by host.
fn of_hosts<'v>(pair: &PairHosts, pairing: &Pairing, a: &'v Gathered, b: &'v Gathered) -> Hosts<'v> {
    by_host(pair, (&a.values, &a.blocks), (&b.values, &b.blocks), &pairing.candidate_later)
}

/// Whether repeats of one side lack a row altogether that those of the other have, although both sides have as many.
fn is_uneven(pairing: &Pairing, at: &Place<'_>, a: &Gathered, b: &Gathered) -> bool {
    let repeats = |side: &crate::replicates::Replicates| side.complete_of(&at.workload.name);
    let cells = |side: &Gathered| side.values.len() + side.left_out.len() + side.invalid.len();
    a.present && b.present && cells(a) != cells(b) && repeats(&pairing.a) == repeats(&pairing.b)
}

/// The design that a row was judged by, again.
pub(crate) fn design_of<'a>(
    row: &'a Row,
    blocks: Option<&'a [Block<'a>]>,
    hosts: Option<&'a Hosts<'a>>,
    alpha: f64,
    look: Option<&'a Look>,
) -> Design<'a> {
    Design {
        a: &row.a.values,
        b: &row.b.values,
        blocks,
        hosts,
        student: row.model == Some(Model::Student),
        scale: row.scale,
        margin: row.min_effect,
        margin_abs: row.min_effect_abs,
        exact: false,
        alpha,
        look,
        session: row.session.map(|part| stats::ErrorPart { variance: part.variance, df: part.df }),
        moderation: row.moderated.map(|found| found.moderation()),
        detectable: true,
    }
}

/// The blocks of a row of the blocked model; all of them are complete.
pub(crate) fn blocks_of(row: &Row) -> Option<Vec<Block<'_>>> {
    fn of(side: &Sample, block: u32) -> &[f64] {
        of_block(&side.values, &side.blocks, block)
    }
    let blocks = || row.a.blocks.chunk_by(|x, y| x == y).filter_map(|same| same.first());
    let b_later = |block: &u32| row.position.as_ref().map(|place| place.b_later.contains(block));
    let of_block = |b: &u32| Block { a: of(&row.a, *b), b: of(&row.b, *b), b_later: b_later(b) };
    (row.model == Some(Model::Blocked)).then(|| blocks().map(of_block).collect())
}

/// The place within a block, where it is a term of the model.
fn position(pairing: &Pairing, blocks: &[Block<'_>], test: &stats::TTest, scale: Scale) -> Option<Position> {
    let plan = pairing.plan.as_deref().filter(|_| pairing.in_order)?;
    // It has a degree of freedom of its own, but for differences that vary within no order.
    if test.df + 2.0 != stats::complete_blocks(blocks) as f64 {
        return None;
    }
    let complete = plan.iter().zip(blocks).filter(|(_, block)| block.is_complete());
    let b_later = complete.filter(|(_, block)| block.b_later == Some(true)).map(|(id, _)| *id).collect();
    let log = scale == Scale::Log;
    let effect = stats::place_in_block(blocks, log).ok()?;
    let effect = if log { effect.exp_m1().min(f64::MAX) } else { effect };
    Some(Position { b_later, effect: finite(effect)? })
}

/// What a reader of one row must know of its sides.
fn row_warnings(pairing: &Pairing, design: &Design<'_>) -> Vec<Warning> {
    // A row that a side lacks altogether is MISSING, which says more.
    let both = !design.a.is_empty() && !design.b.is_empty();
    if both && pairing.sessions.standing == Interleaving::OneSession {
        return vec![note(
            "not-interleaved",
            "the difference of the sessions is part of the difference",
            "",
            1,
        )];
    }
    Vec::new()
}

/// Says that blocks are left out. `counted` are those that are complete and those with a value.
fn incomplete(pairing: &Pairing, (complete, some): (usize, usize), looked: bool) -> Option<Warning> {
    // Blocks that a rule left out because the row was settled, or that were added for other cases, are not missed.
    let planned = if looked { some } else { pairing.plan.as_ref().map_or(0, Vec::len) };
    (some > 0 && complete < planned).then(|| {
        let text = format!("{complete} of {planned} planned blocks are complete, the others are left out");
        note("incomplete-blocks", text, "", planned - complete)
    })
}

/// The values of each block of the plan.
pub(crate) fn in_blocks<'v>(
    plan: &[u32],
    a: &'v Gathered,
    b: &'v Gathered,
    b_later: impl Fn(u32) -> Option<bool>,
) -> Vec<Block<'v>> {
    let of = |side: &'v Gathered, block| of_block(&side.values, &side.blocks, block);
    let in_order = |block: &u32| Block { a: of(a, *block), b: of(b, *block), b_later: b_later(*block) };
    plan.iter().map(in_order).collect()
}

/// The summary of one side.
pub(crate) fn sample(side: Gathered) -> Sample {
    let moments = stats::moments(&side.values).ok();
    let m = moments.as_ref();
    Sample {
        n: side.values.len(),
        mean: m.and_then(|m| finite(m.mean)),
        sd: m.and_then(|m| m.sd).and_then(finite),
        cv: m.and_then(|m| m.cv).and_then(finite),
        median: m.and_then(|m| finite(m.median)),
        min: m.map(|m| m.min),
        max: m.map(|m| m.max),
        values: side.values,
        sources: side.sources,
        blocks: side.blocks,
        left_out: side.left_out,
        invalid: side.invalid,
    }
}

/// A metric's name inside a row's id: what separates the parts of an id is percent-encoded.
pub(crate) struct Escaped<'a>(pub &'a str);

impl std::fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for c in self.0.chars() {
            match c {
                '%' | '/' | '#' => write!(f, "%{:02X}", c as u32)?,
                c if c.is_control() => {
                    for b in c.encode_utf8(&mut [0; 4]).bytes() {
                        write!(f, "%{b:02X}")?;
                    }
                }
                c => write!(f, "{c}")?,
            }
        }
        Ok(())
    }
}
