//! What boot scores show of the boots: steps and drifts in time, first boots, neighbours, positions within blocks.

use super::{Finding, Page};
use crate::family::Members;
use crate::input::repeat::Repeat;
use crate::pairing::{MIN_BLOCKS, Pairing};
use crate::scores::Scores;
use crate::warnings::note;
use crate::{Row, Warning};
use stats::Placed;
use std::collections::BTreeMap;

/// All tests of the scores of a pair of sides, workload by workload.
pub(super) fn findings(page: &Page<'_>, pairing: &Pairing, rows: &[Row], members: Members) -> Vec<Finding> {
    let mut by_workload: BTreeMap<&str, Vec<&Row>> = BTreeMap::new();
    let counts = |r: &&Row| r.candidate == pairing.candidate && members.has(r.role);
    for row in rows.iter().filter(counts) {
        by_workload.entry(&row.workload).or_default().push(row);
    }
    let mut out = Vec::new();
    for (workload, rows) in by_workload {
        let complete = (pairing.a.complete_of(workload), pairing.b.complete_of(workload));
        if let Some(scores) = Scores::of_pair(&rows, pairing, complete) {
            Boots { page, pairing, workload, scores: &scores }.findings(&mut out);
        }
    }
    out
}

/// The boots of a workload.
struct Boots<'a> {
    page: &'a Page<'a>,
    pairing: &'a Pairing,
    workload: &'a str,
    scores: &'a Scores,
}

/// A change of a mean logarithm, in percent.
fn percent(change: f64) -> f64 {
    100.0 * change.exp_m1()
}

impl Boots<'_> {
    fn findings(&self, out: &mut Vec<Finding>) {
        let pairs = self.pairing.plan.as_deref().map(|plan| self.scores.pairs(plan)).unwrap_or_default();
        if pairs.len() >= MIN_BLOCKS {
            self.of_blocks(&pairs, out);
        } else {
            self.of_sides(out);
        }
        if let Ok(ratio) = stats::spread(&self.scores.a, &self.scores.b) {
            let text = format!(
                "the scores of {} spread {:.2} times as much as those of {} (p = {:.2e})",
                self.label(1),
                ratio.sd_ratio,
                self.label(0),
                ratio.p
            );
            let advice = "a change of the spread may matter as much as one of the mean";
            self.push(out, ratio.p, "variance-ratio", &text, advice);
        }
    }

    fn label(&self, side: usize) -> &str {
        self.page.label(if side == 0 { 0 } else { self.pairing.candidate + 1 })
    }

    fn push(&self, out: &mut Vec<Finding>, p: f64, code: &'static str, text: &str, advice: &str) {
        let told: Warning = note(code, format!("{}: {text}", self.workload), advice, 1);
        out.push(Finding { p, told });
    }

    /// Sides that were measured in blocks: the mean of a block is one value, because its boots share more than others do.
    fn of_blocks(&self, pairs: &[(u32, f64, f64)], out: &mut Vec<Finding>) {
        let means: Vec<f64> = pairs.iter().map(|(_, a, b)| a / 2.0 + b / 2.0).collect();
        let differences: Vec<f64> = pairs.iter().map(|(_, a, b)| b - a).collect();
        let placed: Vec<Placed> = (pairs.iter().zip(&means))
            .map(|((block, ..), value)| Placed { value: *value, side: 0, at: u64::from(*block) })
            .collect();
        self.step(&placed, &|after| format!("block {after}"), out);
        self.drift("both sides", &means, "blocks", out);
        self.first(&[&means], out);
        let seed = stats::seed_from(self.page.seed, self.workload);
        if let Ok(found) = stats::serial_correlation(&differences, seed) {
            let text = format!(
                "the differences of neighbouring blocks are not independent (correlation {:+.2}, p = {:.2e})",
                found.r, found.p
            );
            let advice = "intervals take blocks as independent: find what changes slowly on one side alone";
            self.push(out, found.p, "autocorrelation", &text, advice);
        }
        self.position(pairs, out);
    }

    /// Sides without common blocks, in the order of time where every file tells it, else in that of the repeats.
    fn of_sides(&self, out: &mut Vec<Finding>) {
        let sides = [&self.scores.a, &self.scores.b];
        let time = |file: &u32| self.page.files.get(*file as usize).and_then(Repeat::date_unix);
        let times: Option<Vec<i64>> = self.scores.files.iter().flatten().map(time).collect();
        let order = times.filter(|times| times.len() == sides.iter().map(|side| side.len()).sum::<usize>());
        let mut ranks = order.clone().unwrap_or_default();
        ranks.sort_unstable();
        ranks.dedup();
        let mut known = order.iter().flatten().map(|time| ranks.partition_point(|t| t < time) as u64 + 1);
        let placed: Vec<Placed> = (0..)
            .zip(sides)
            .flat_map(|(side, scores)| (1..).zip(scores).map(move |(at, value)| (side, at, *value)))
            .map(|(side, at, value)| Placed { value, side, at: known.next().unwrap_or(at) })
            .collect();
        let place = |after: u64| match ranks.len() {
            0 => format!("repeat {after}"),
            all => format!("{after} of {all} times, in their order"),
        };
        self.step(&placed, &place, out);
        for (side, scores) in (0..).zip(sides) {
            self.drift(self.label(side), scores, "boots", out);
        }
        self.first(&sides.map(Vec::as_slice), out);
    }

    fn step(&self, placed: &[Placed], place: &dyn Fn(u64) -> String, out: &mut Vec<Finding>) {
        let Ok(found) = stats::change_point(placed) else { return };
        let text = format!(
            "both sides together change by {:+.1} % after {} (p = {:.2e})",
            percent(found.estimate),
            place(found.after),
            found.p
        );
        let advice = "something of the host changed there: find it, and measure again without it";
        self.push(out, found.p, "step", &text, advice);
    }

    fn drift(&self, whose: &str, scores: &[f64], of: &str, out: &mut Vec<Finding>) {
        let Ok(trend) = stats::mann_kendall(scores) else { return };
        let way = if trend.s > 0.0 { "rise" } else { "fall" };
        let text = format!(
            "the scores of {whose} {way} over {} {of} (Mann-Kendall p = {:.2e})",
            scores.len(),
            trend.p
        );
        let advice = "something on the host changed with time; interleave the sides or find it";
        self.push(out, trend.p, "drift", &text, advice);
    }

    fn first(&self, sides: &[&[f64]], out: &mut Vec<Finding>) {
        let Ok(first) = stats::first_boot(sides) else { return };
        let text = format!(
            "first boots differ from the others by {:+.1} % (p = {:.2e})",
            percent(first.estimate),
            first.p
        );
        self.push(out, first.p, "first-boot", &text, "warm the host up with a boot that is not counted");
    }

    /// Whether the difference depends on which side was booted first: half of what the two orders differ by is what the place
    /// does.
    fn position(&self, pairs: &[(u32, f64, f64)], out: &mut Vec<Finding>) {
        let of = |second: bool| -> Vec<f64> {
            let is = |block: &u32| self.pairing.candidate_later.get(block) == Some(&second);
            pairs.iter().filter(|(block, ..)| is(block)).map(|(_, a, b)| b - a).collect()
        };
        let Ok(test) = stats::student(&of(false), &of(true)) else { return };
        let text = format!(
            "the later boot of a block is {:+.1} % against the earlier one (p = {:.2e})",
            percent(test.estimate / 2.0),
            test.p
        );
        let advice = if self.pairing.in_order {
            "the model takes it out of every estimate and interval: find what the first boot leaves behind all the same"
        } else {
            "the order is balanced, so that the estimate stands; it widens every interval: plan ten blocks or more, which take it \
             out, leave the guests more time between boots, or find what the first leaves behind"
        };
        self.push(out, test.p, "position", &text, advice);
    }
}
