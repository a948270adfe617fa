//! What is done next.

use super::known::{Check, Known, Round};
use super::line::Line;
use super::plan::{Limits, Plan};
use stats::{
    BISECT_SESSION_RATIO, BisectBoot, BisectClass, BisectEnds, BisectProbes, BisectRange, BisectReading,
    BisectStop, Unavailable, bisect_ends,
};

/// So many rounds in a row without a value are no bad luck.
const FUTILE: usize = 3;

/// One thing to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Build a commit.
    Build(usize),
    /// Boot each of these commits once.
    Round(Vec<usize>),
    /// Measure two builds against one another until it is decided: the commit before, and the one.
    Judge(Check, usize),
    /// Nothing.
    End(End),
}

/// How a bisection ends.
#[derive(Clone, Debug, PartialEq)]
pub enum End {
    /// An end of the range cannot be measured.
    Unmeasurable(usize),
    /// Both ends are one program.
    Same,
    /// The ends do not differ.
    NotReproduced,
    /// This commit did it; the final comparison says so.
    Named(usize),
    /// This commit is likely, and the final comparison does not show it.
    Unconfirmed(usize),
    /// One of those after the first and up to the second: all but the last can never be measured.
    Among(usize, usize),
    /// No time, or no boots, are left.
    Budget,
    /// Rounds give no value any more.
    Futile,
}

/// How the ends stand.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Ends {
    /// They differ, by so much.
    Differ(BisectEnds),
    /// They do not yet.
    Alike(Option<BisectEnds>),
}

/// What was measured, by positions.
pub fn rounds(line: &Line, known: &Known) -> Vec<Vec<BisectBoot>> {
    let of = |round: &Round| -> Vec<BisectBoot> {
        let values = round.values.iter().flatten();
        values.filter_map(|v| Some(BisectBoot { commit: line.position(v.commit), ln: v.value? })).collect()
    };
    known.rounds.iter().map(of).filter(|boots| !boots.is_empty()).collect()
}

/// Whether the ends differ, by the rounds that measured both.
pub fn ends(plan: &Plan, known: &Known) -> Ends {
    let (mut good, mut bad) = (Vec::new(), Vec::new());
    for values in known.rounds.iter().filter_map(|round| round.values.as_ref()) {
        let of = |commit: usize| values.iter().find(|v| v.commit == commit).and_then(|v| v.value);
        if let (Some(one), Some(other)) = (of(0), of(plan.last())) {
            good.push(one);
            bad.push(other);
        }
    }
    match bisect_ends(&good, &bad) {
        Ok(ends) if ends.differ() => Ends::Differ(ends),
        Ok(ends) => Ends::Alike(Some(ends)),
        // Every round has the same difference: it is one, if it is any.
        Err(Unavailable::ZeroVariance) => {
            let effect = bad.first().zip(good.first()).map_or(0.0, |(bad, good)| bad - good);
            let bar = stats::bisect_ends_bar(good.len());
            let t = if effect == 0.0 { 0.0 } else { f64::INFINITY.copysign(effect) };
            let ends = BisectEnds { t, bar, effect, sd: 0.0 };
            if bar.is_finite() && effect != 0.0 { Ends::Differ(ends) } else { Ends::Alike(Some(ends)) }
        }
        Err(_) => Ends::Alike(None),
    }
}

/// What the measurements say of the positions of a line; none before both ends were measured.
pub fn read(plan: &Plan, line: &Line, known: &Known) -> Option<BisectReading> {
    let range = BisectRange::weighed(&line.weights(plan)).ok()?;
    range.read(&rounds(line, known), BISECT_SESSION_RATIO).ok()
}

/// What is done next. `checks` are those beside the final one that are wanted once a commit is named.
pub fn next(plan: &Plan, known: &Known, limits: &Limits, checks: &[Check]) -> Step {
    for end in [0, plan.last()] {
        if known.broken.contains_key(&end) {
            return Step::End(End::Unmeasurable(end));
        }
        if !known.hashes.contains_key(&end) {
            return Step::Build(end);
        }
    }
    let line = Line::of(plan, known);
    if line.last() == 0 {
        return Step::End(End::Same);
    }
    let can = |round: &&Round| !round.commits.iter().any(|commit| known.broken.contains_key(commit));
    if let Some(round) = known.open_round().filter(can) {
        return Step::Round(round.commits.clone());
    }
    let empty = |round: &&Round| round.values.iter().flatten().all(|v| v.value.is_none());
    let futile = known.rounds.iter().rev().take_while(empty);
    if futile.count() >= FUTILE {
        return Step::End(End::Futile);
    }
    let searched = known.rounds.iter().any(|round| !round.commits.contains(&plan.last()));
    if !searched && matches!(ends(plan, known), Ends::Alike(_)) {
        let half = Limits { seconds: limits.seconds / 2.0, boots: limits.boots.map(|boots| boots / 2) };
        let both = vec![0, plan.last()];
        return if fits(known, &half, both.len(), 0) {
            Step::Round(both)
        } else {
            Step::End(End::NotReproduced)
        };
    }
    search(plan, known, limits, checks, &line)
}

/// The ends differ.
fn search(plan: &Plan, known: &Known, limits: &Limits, checks: &[Check], line: &Line) -> Step {
    let Some(reading) = read(plan, line, known) else { return Step::End(End::Futile) };
    let (built, broken) = states(line, known);
    let build_cost = known.of_a_build() / known.of_a_boot();
    let probes = BisectProbes { built: &built, broken: &broken, build_cost };
    match probes.stop(&reading) {
        Some(BisectStop::Named(at)) => return named(line.commit(at), known, checks),
        Some(BisectStop::Among(BisectClass { after, upto, .. })) => {
            return Step::End(End::Among(before(plan, line, after + 1), line.commit(upto)));
        }
        None => {}
    }
    let next: Vec<usize> = probes.next(&reading).iter().map(|at| line.commit(*at)).collect();
    if next.is_empty() {
        return Step::End(End::Futile);
    }
    let new = next.iter().copied().find(|commit| !known.hashes.contains_key(commit));
    if !fits(known, limits, next.len() + 1, usize::from(new.is_some())) {
        return Step::End(End::Budget);
    }
    new.map_or_else(|| Step::Round([&[0], next.as_slice()].concat()), Step::Build)
}

/// The commit before that at a position.
fn before(plan: &Plan, line: &Line, position: usize) -> usize {
    line.commit(position).saturating_sub(1).min(plan.last())
}

/// What is left once a commit is named.
fn named(commit: usize, known: &Known, checks: &[Check]) -> Step {
    let said = |check: Check| known.judged.get(check.word());
    let Some(last) = said(Check::Final) else { return Step::Judge(Check::Final, commit) };
    if last.outcome != "confirmed" {
        return Step::End(End::Unconfirmed(commit));
    }
    match checks.iter().find(|check| said(**check).is_none()) {
        Some(check) => Step::Judge(*check, commit),
        None => Step::End(End::Named(commit)),
    }
}

/// Which positions are built, and which can never be measured.
fn states(line: &Line, known: &Known) -> (Vec<bool>, Vec<bool>) {
    let of = |has: &dyn Fn(usize) -> bool| line.kept().iter().map(|commit| has(*commit)).collect();
    let broken = |commit| known.broken.contains_key(&commit);
    (of(&|commit| known.hashes.contains_key(&commit) && !broken(commit)), of(&broken))
}

/// Whether so many boots and builds more are within what is allowed.
fn fits(known: &Known, limits: &Limits, boots: usize, builds: usize) -> bool {
    let seconds = known.seconds() + boots as f64 * known.of_a_boot() + builds as f64 * known.of_a_build();
    // The first round is always tried: what a boot takes is not known before.
    let in_time = known.boots == 0 || seconds <= limits.seconds;
    in_time && limits.boots.is_none_or(|most| known.boots as usize + boots <= most as usize)
}
