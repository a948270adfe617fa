//! What is told of a bisection: a line while it goes on, and the files at its end.

use super::Work;
use crate::Error;
use crate::bisect::{Check, End, Ends, Known, Line, Plan, Stage, ends, read};
use builds::Commit;
use model::secret_keys::masked;
use report::bisect::{
    Bisected, BisectedCheck, BisectedCommit, BisectedEnds, Outcome, SCHEMA_VERSION, Standing, bar, mail, page,
};
use stats::BisectReading;
use std::io::Write;
use std::path::Path;

/// What is written at the end: everything for programs, the page, the mail.
pub(super) const FILES: [&str; 3] = ["result.json", "bisect.html", "mail.txt"];

/// Characters of the picture of probabilities on a terminal.
const WIDTH: usize = 64;
/// The probability of the set that is told.
const LEVEL: f64 = 0.95;

/// Writes the files.
pub(super) fn write(dir: &Path, told: &Bisected) -> Result<(), Error> {
    let mut json = Vec::new();
    model::json::write_pretty(&mut json, told)?;
    let [result, html, text] = FILES;
    for (name, bytes) in [(result, json), (html, page(told).into_bytes()), (text, mail(told).into_bytes())] {
        let path = dir.join(name);
        edge::write_atomically(&path, &bytes).map_err(|e| format!("writing {}: {e}", path.display()))?;
    }
    Ok(())
}

impl Work<'_> {
    /// How it stands behind a round.
    pub(super) fn progress(&self, err: &mut dyn Write) -> Result<(), Error> {
        let (plan, known) = (&self.plan, &self.journal.known);
        let left = (self.limits.seconds - known.seconds()).max(0.0);
        let counts = format!(
            "round {}: {}, {}, {:.0} of {:.0} min spent",
            known.rounds.len(),
            model::counted(known.boots as usize, "boot"),
            model::counted(known.builds as usize, "build"),
            known.seconds() / 60.0,
            (known.seconds() + left) / 60.0
        );
        let line = Line::of(plan, known);
        let searching = matches!(ends(plan, known), Ends::Differ(_));
        match read(plan, &line, known).filter(|_| searching) {
            None => {
                let stands = match ends(plan, known) {
                    Ends::Alike(Some(ends)) if ends.bar.is_finite() => {
                        format!("|t| {:.1} of {:.1}", ends.t.abs(), ends.bar)
                    }
                    _ => "too few rounds of both".to_owned(),
                };
                writeln!(err, "{counts}; the ends: {stands}")?;
            }
            Some(reading) => {
                let all = shares(plan, &line, &reading);
                let class = reading.likeliest();
                let set = set(&line, &reading).len();
                writeln!(err, "good {} bad", bar(all.get(1..).unwrap_or_default(), WIDTH))?;
                writeln!(
                    err,
                    "{counts}; 95 %: {}; {:.0} % up to {} and behind {}",
                    model::counted(set, "commit"),
                    class.share * 100.0,
                    plan.short(line.commit(class.upto)),
                    plan.short(line.commit(class.after))
                )?;
            }
        }
        Ok(())
    }

    /// All of it.
    pub(super) fn told(&self, end: Option<&End>) -> Bisected {
        let (plan, known) = (&self.plan, &self.journal.known);
        let line = Line::of(plan, known);
        let reading = read(plan, &line, known);
        let row = known.row.clone();
        let is_ratio = row.as_ref().is_none_or(|row| row.log);
        let people = |value: f64| if is_ratio { value.exp_m1() } else { value };
        let class = reading.as_ref().map(BisectReading::likeliest);
        let all = reading.as_ref().map(|reading| shares(plan, &line, reading)).unwrap_or_default();
        let named = match end {
            Some(End::Named(commit) | End::Unconfirmed(commit)) => Some(*commit),
            _ => class.filter(|class| class.size() == 1).map(|class| line.commit(class.upto)),
        };
        Bisected {
            schema_version: SCHEMA_VERSION,
            perfvt: env!("CARGO_PKG_VERSION").to_owned(),
            outcome: outcome(end),
            repository: plan.repository.display().to_string(),
            recipe: plan.recipe.clone(),
            range: plan.range.clone(),
            row: row.as_ref().map_or_else(|| plan.row.clone(), |row| row.id.clone()),
            unit: row.as_ref().map_or_else(String::new, |row| row.unit.clone()),
            direction: row.as_ref().map(|row| row.direction),
            is_ratio,
            machine: row.map_or_else(String::new, |row| row.machine),
            commits: commits(plan, known, &line, &all),
            set: match end {
                Some(End::Among(after, upto)) => (after + 1..=*upto).collect(),
                _ => reading.as_ref().map(|reading| set(&line, reading)).unwrap_or_default(),
            },
            likeliest: named,
            change: class.map(|class| people(class.effect)),
            ends: told_ends(plan, known, &people),
            checks: checks(known, &people),
            rounds: known.rounds.iter().filter(|round| round.values.is_some()).count(),
            boots: known.boots,
            builds: known.builds,
            seconds: known.seconds(),
            budget_seconds: self.limits.seconds,
            command: self.bench.command.iter().map(|word| masked(word)).collect(),
        }
    }
}

fn outcome(end: Option<&End>) -> Outcome {
    match end {
        None => Outcome::Unfinished,
        Some(End::Unmeasurable(_)) => Outcome::NoEnd,
        Some(End::Same) => Outcome::Same,
        Some(End::NotReproduced) => Outcome::NotReproduced,
        Some(End::Named(_)) => Outcome::Named,
        Some(End::Unconfirmed(_)) => Outcome::Unconfirmed,
        Some(End::Among(..)) => Outcome::Among,
        Some(End::Budget) => Outcome::Budget,
        Some(End::Futile) => Outcome::Futile,
    }
}

/// The probabilities of all commits; what cannot be the one has 0.
fn shares(plan: &Plan, line: &Line, reading: &BisectReading) -> Vec<f64> {
    let mut all = vec![0.0; plan.commits.len()];
    for (position, commit) in line.kept().iter().enumerate() {
        if let Some(share) = all.get_mut(*commit) {
            *share = reading.share(position);
        }
    }
    all
}

/// The commits that hold the one with a probability of .95.
fn set(line: &Line, reading: &BisectReading) -> Vec<usize> {
    reading.set(LEVEL).into_iter().map(|position| line.commit(position)).collect()
}

fn commits(plan: &Plan, known: &Known, line: &Line, shares: &[f64]) -> Vec<BisectedCommit> {
    let log = known.row.as_ref().is_none_or(|row| row.log);
    let standing = |at: usize| match known.broken.get(&at) {
        Some((Stage::Build, _)) => Standing::DoesNotBuild,
        Some((Stage::Boot, _)) => Standing::DoesNotBoot,
        None if known.is_measured(at) => Standing::Measured,
        None if line.commit(line.position(at)) != at => Standing::Same,
        None if known.hashes.contains_key(&at) => Standing::Built,
        None => Standing::Untouched,
    };
    let of = |(at, commit): (usize, &Commit)| BisectedCommit {
        id: commit.id.clone(),
        subject: commit.subject.clone(),
        author: commit.author.clone(),
        time: commit.time,
        share: shares.get(at).copied().unwrap_or(0.0),
        standing: standing(at),
        values: (known.values().filter(|value| value.commit == at))
            .filter_map(|value| value.value)
            .map(|value| if log { value.exp() } else { value })
            .collect(),
    };
    plan.commits.iter().enumerate().map(of).collect()
}

fn told_ends(plan: &Plan, known: &Known, people: &dyn Fn(f64) -> f64) -> Option<BisectedEnds> {
    let (Ends::Differ(ends) | Ends::Alike(Some(ends))) = ends(plan, known) else { return None };
    let has = |round: &&crate::bisect::Round, at: usize| {
        round.values.iter().flatten().any(|v| v.commit == at && v.value.is_some())
    };
    Some(BisectedEnds {
        change: people(ends.effect),
        t: Some(ends.t).filter(|t| t.is_finite()),
        bar: Some(ends.bar).filter(|bar| bar.is_finite()),
        rounds: known.rounds.iter().filter(|r| has(r, 0) && has(r, plan.last())).count(),
    })
}

fn checks(known: &Known, people: &dyn Fn(f64) -> f64) -> Vec<BisectedCheck> {
    let words = [Check::Final, Check::Revert, Check::Aligned].map(Check::word);
    let of = |word: &str| {
        let said = known.judged.get(word)?;
        Some(BisectedCheck {
            check: word.to_owned(),
            outcome: said.outcome.clone(),
            why: said.why.clone(),
            change: said.estimate.map(|estimate| estimate.map(people)),
            p: said.p,
            blocks: said.blocks,
        })
    };
    words.into_iter().filter_map(of).collect()
}
