//! What is measured once a commit is named: afresh against its parent; the bad end without it; both aligned.

use super::bench::{Account, Measured, Taken, account};
use super::pair::{ByPair, is_confirmed, not_applicable};
use super::{Work, aligned};
use crate::Error;
use crate::bisect::{Check, Event, Judged, Line, read};
use crate::verbs::ab::params;
use builds::{BuildError, Record, Status};
use std::io::Write;

/// Two builds, or why they cannot be had.
enum Two {
    Builds(Box<[Measured; 2]>),
    Not(String),
}

impl Work<'_> {
    /// Measures two builds against one another. False where it was interrupted.
    pub(super) fn judge(&mut self, check: Check, commit: usize, err: &mut dyn Write) -> Result<bool, Error> {
        let word = check.word();
        let begun = self.journal.known.judging.get(word).cloned();
        let builds = match self.two(check, commit, err)? {
            Two::Builds(builds) => builds,
            Two::Not(why) => return self.said(check, not_applicable(why), (0, 0.0), err),
        };
        let Some(row) = self.journal.known.row.clone() else { return Err("no row was measured".into()) };
        let step = self.step(commit) * if check == Check::Revert { -1.0 } else { 1.0 };
        let sides = [builds[0].name.clone(), builds[1].name.clone()];
        let pair = ByPair { sides, row, step, options: self.bench.options.clone() };
        let event = |folder: String| Event::Judging { check: word.to_owned(), folder };
        let place = (begun, word.to_owned());
        let (dir, taken) = self.campaign(place, &event, builds.as_slice(), Some(pair.clone()), err)?;
        match taken {
            Taken::Interrupted => Ok(false),
            Taken::Cannot(name, why) => {
                let why = format!("{} does not boot: {why}", edge::quoted(&name));
                self.said(check, not_applicable(why), (0, 0.0), err)
            }
            Taken::Ended => {
                let said = pair.judged(&dir)?;
                let Account { seconds, boots, .. } = account(&dir)?;
                self.said(check, said, (boots, seconds), err)
            }
        }
    }

    fn said(
        &mut self,
        check: Check,
        said: Judged,
        (boots, seconds): (u32, f64),
        err: &mut dyn Write,
    ) -> Result<bool, Error> {
        let what = match (&said.why, is_confirmed(&said)) {
            (Some(why), _) => format!("not measured: {}", edge::text::cut(why)),
            (None, true) => "the difference is there".to_owned(),
            (None, false) => format!("the difference is not shown ({})", said.outcome),
        };
        writeln!(err, "{}: {what}, {}", check.word(), model::counted(said.blocks, "block"))?;
        let check = check.word().to_owned();
        self.journal.append(Event::Judged { check, said, boots, seconds })?;
        Ok(true)
    }

    /// What the step is by all that was measured, on the row's scale.
    fn step(&self, commit: usize) -> f64 {
        let line = Line::of(&self.plan, &self.journal.known);
        let at = line.position(commit);
        let reading = read(&self.plan, &line, &self.journal.known);
        let class = reading.and_then(|r| r.classes().iter().find(|c| c.upto == at).copied());
        class.map_or(0.0, |class| class.effect)
    }

    fn two(&self, check: Check, commit: usize, err: &mut dyn Write) -> Result<Two, Error> {
        let last = self.plan.last();
        let parent = commit.saturating_sub(1);
        match check {
            Check::Final => Ok(Two::Builds(Box::new([
                // What was measured as the parent is the same program.
                self.measured(self.measured_as(parent), err)?,
                self.measured(commit, err)?,
            ]))),
            Check::Aligned => {
                let recipe = aligned(&self.recipe);
                let before = self.record(parent, None, &recipe, err)?;
                let after = self.record(commit, None, &recipe, err)?;
                self.both(("aligned-before", before), ("aligned-after", after))
            }
            Check::Revert => {
                let patch = self.repository.reverse(&self.commit(commit)?.id)?;
                match self.record(last, Some(&patch), &self.recipe, err) {
                    Ok(without) => {
                        let with = self.record(last, None, &self.recipe, err)?;
                        self.both(("bad", with), ("reverted", without))
                    }
                    Err(error) => match error.downcast_ref::<BuildError>() {
                        Some(BuildError::Git { .. }) => {
                            let why = "the commit cannot be taken back on top of the bad end: what follows builds on it";
                            Ok(Two::Not(why.to_owned()))
                        }
                        _ => Err(error),
                    },
                }
            }
        }
    }

    /// The commit that stands for one: the first of those that are the same program.
    fn measured_as(&self, commit: usize) -> usize {
        let line = Line::of(&self.plan, &self.journal.known);
        line.commit(line.position(commit))
    }

    fn both(&self, before: (&str, Record), after: (&str, Record)) -> Result<Two, Error> {
        if before.1.hash == after.1.hash && before.1.hash.is_some() {
            return Ok(Two::Not("both builds are the same files".to_owned()));
        }
        let mut two = Vec::new();
        for (name, record) in [before, after] {
            if let Status::Failed { why, .. } = &record.status {
                return Ok(Two::Not(format!("{name} does not build: {why}")));
            }
            two.push(Measured { name: name.to_owned(), params: params(&self.how().of, &record)? });
        }
        let two = <[Measured; 2]>::try_from(two).map_err(|_| "two builds are two")?;
        Ok(Two::Builds(Box::new(two)))
    }
}
