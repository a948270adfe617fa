//! Campaigns of builds: a round, a boot of each; and two builds against one another until it is decided.

use super::pair::ByPair;
use super::reading::{CEILING, shown};
use crate::args::{BisectHow, Run};
use crate::bisect::RowFacts;
use crate::signals::Signals;
use crate::verbs::confirm::{env_word, resume_of, run_of};
use crate::verbs::of_farm::Between;
use crate::verbs::run::{How, collect, request, resume_by};
use crate::{Error, INTERRUPTED, own_executable};
use analyze::CompareOptions;
use collect::campaign::journal::Journal;
use collect::campaign::plan::blocks;
use collect::campaign::setup::{Prepared, Until, prepare};
use collect::campaign::{CampaignError, Stopping};
use collect::testbed::{RehearsalError, obstacles};
use model::journal::{CellState, State};
use model::store::CAMPAIGN_FILE;
use model::{Role, Scope};
use stats::FLOOR_MIN;
use std::cell::Cell;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{Write, sink};
use std::path::Path;

/// A build as an environment.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Measured {
    /// The environment's name.
    pub name: String,
    /// Its parameters.
    pub params: BTreeMap<String, String>,
}

/// What came of starting a campaign.
pub(super) enum Taken {
    /// It has come to its end, as far as it could.
    Ended,
    /// Somebody asked for an end.
    Interrupted,
    /// This environment cannot be started, and why.
    Cannot(String, String),
}

/// How campaigns of builds are run.
pub(super) struct Bench<'a> {
    pub how: &'a BisectHow,
    /// The row as it was asked for.
    pub row: &'a str,
    /// The command line.
    pub command: &'a [String],
    /// How results are read.
    pub options: CompareOptions,
    /// Whether the next campaign tells its warnings: the first one does.
    pub tells: Cell<bool>,
    /// One watch for all campaigns.
    pub signals: Signals,
}

impl Bench<'_> {
    /// The words of `perfvt run` that measure.
    pub fn words(&self) -> Vec<OsString> {
        let mut words = self.how.measuring.words();
        words.extend(self.how.workload_flag.iter().map(OsString::from));
        words
    }

    /// A plan of these builds, with the one case that is followed.
    pub fn plan(
        &self,
        builds: &[Measured],
        seed: u64,
        until: Option<Until>,
    ) -> Result<(Prepared, Run), Error> {
        let mut words = self.words();
        for build in builds {
            let word = if build.params.is_empty() {
                build.name.clone()
            } else {
                env_word(&build.name, &build.params)
            };
            words.extend(["--env".into(), word.into()]);
        }
        words.extend(["--seed".into(), seed.to_string().into()]);
        let run = run_of(words)?;
        let boots = if until.is_some() { CEILING } else { 1 };
        let request = request(&run, self.command.to_vec(), Some(boots), until);
        let mut prepared = prepare(&request, &own_executable())?;
        let file = &mut prepared.file;
        let at = self.case(&file.cases)?.0;
        let boots_in_all = f64::from(boots) * file.environments.len() as f64;
        let others = file.cases.len().saturating_sub(1) as f64;
        prepared.estimate.seconds -= boots_in_all * others * prepared.estimate.case;
        file.cases = file.cases.get(at).cloned().into_iter().collect();
        file.blocks = blocks(file.environments.len(), boots, file.cases.len(), seed, true);
        Ok((prepared, run))
    }

    /// The case of the row, by its place, with its id as rows have it; and the metric, if one is said.
    pub fn case(&self, cases: &[model::Case]) -> Result<(usize, String, Option<String>), Error> {
        let asked = analyze::as_ids_say(&self.options.conf, self.row);
        let id = |case: &model::Case| {
            let section = self.options.conf.section(&case.workload);
            let category = section.map_or(case.category.as_str(), |s| s.canonical_category(&case.category));
            model::Case { category: category.to_owned(), ..case.clone() }.id()
        };
        let ids: Vec<String> = cases.iter().map(id).collect();
        let rest = |id: &str| -> Option<Option<String>> {
            let of = |id: &str| match asked.strip_prefix(id)? {
                "" => Some(None),
                rest => Some(Some(rest.strip_prefix('/')?.to_owned())),
            };
            of(id).or_else(|| of(&model::readable(id)))
        };
        let whole = ids.iter().enumerate().filter_map(|(at, id)| Some((at, id.clone(), rest(id)?)));
        if let Some(found) = whole.max_by_key(|(_, id, _)| id.len()) {
            return Ok(found);
        }
        if let [one] = ids.as_slice() {
            return Ok((0, one.clone(), Some(asked.into_owned())));
        }
        let (case, metric) = match asked.rsplit_once('/') {
            Some((case, metric)) => (case, Some(metric.to_owned())),
            None => (asked.as_ref(), None),
        };
        let is_in = |id: &String| id.contains(case) || model::readable(id).contains(case);
        match ids.iter().enumerate().filter(|(_, id)| is_in(id)).collect::<Vec<_>>().as_slice() {
            [(at, id)] => Ok((*at, (*id).clone(), metric)),
            several => Err(unclear(self.row, several.iter().map(|(_, id)| *id), &ids)),
        }
    }

    /// Runs a campaign of these builds, or goes on with it.
    pub fn take(
        &self,
        dir: &Path,
        builds: &[Measured],
        seed: u64,
        pair: Option<ByPair>,
        err: &mut dyn Write,
    ) -> Result<Taken, Error> {
        let stopping =
            |pair: &Option<ByPair>| pair.clone().map(|pair| -> Box<dyn Stopping> { Box::new(pair) });
        // What a campaign warns of was told when the bisection began; its progress has a way of its own.
        let mut quiet = sink();
        let err: &mut dyn Write = if self.tells.replace(false) { err } else { &mut quiet };
        let begun = dir.join(CAMPAIGN_FILE).is_file();
        if begun && State::of(&Journal::events(dir)?).finished.is_some() {
            return Ok(Taken::Ended);
        }
        let done = if begun {
            resume_by(&resume_of(dir)?, (stopping(&pair), None), &mut sink(), err)
        } else {
            let until = pair.as_ref().map(|pair| Until {
                half_width: 0.5 * pair.step.abs().max(1e-6),
                floor: FLOOR_MIN,
                budget_seconds: None,
            });
            self.begin(dir, builds, seed, (until, stopping(&pair)), err)
        };
        match done {
            Ok(INTERRUPTED) => Ok(Taken::Interrupted),
            Ok(_) => Ok(Taken::Ended),
            Err(error) => self.failed(error, dir, builds),
        }
    }

    fn begin(
        &self,
        dir: &Path,
        builds: &[Measured],
        seed: u64,
        (until, stopping): (Option<Until>, Option<Box<dyn Stopping>>),
        err: &mut dyn Write,
    ) -> Result<u8, Error> {
        let (prepared, run) = self.plan(builds, seed, until)?;
        obstacles(&prepared.stage, Vec::new())?;
        let signals = self.signals.clone();
        let how = How { dir, conduct: &run.conduct, stopping, between: Between::nothing() };
        collect(prepared, how, false, signals, &mut sink(), err)
    }

    /// Whose fault it is that a campaign did not come to its end.
    fn failed(&self, error: Error, dir: &Path, builds: &[Measured]) -> Result<Taken, Error> {
        if let Some(RehearsalError { environment, source }) = error.downcast_ref() {
            return Ok(Taken::Cannot(environment.clone(), crate::chain(source.as_ref())));
        }
        // No boot gave a value; what each came to stands in the campaign.
        if matches!(error.downcast_ref(), Some(CampaignError::GivenUp { .. })) {
            return Ok(Taken::Ended);
        }
        let begun = dir.join(CAMPAIGN_FILE).is_file();
        let can = |builds: &[Measured]| -> Result<(), Error> {
            Ok(obstacles(&self.plan(builds, 0, None)?.0.stage, Vec::new())?)
        };
        // Of several builds one may be what this host cannot start, and the first one is known to start.
        let first = builds.first().filter(|first| !begun && can(std::slice::from_ref(first)).is_ok());
        let Some(first) = first else { return Err(error) };
        for other in builds.iter().skip(1) {
            if let Err(why) = can(&[first.clone(), other.clone()]) {
                return Ok(Taken::Cannot(other.name.clone(), crate::chain(why.as_ref())));
            }
        }
        Err(error)
    }

    /// The row that is followed, as a first build that was measured has it.
    pub fn facts(&self, dir: &Path, name: &str, machine: &str) -> Result<Option<RowFacts>, Error> {
        let Some(shown) = shown(&self.options, &dir.join(name))? else { return Ok(None) };
        let cases = collect::campaign::Campaign::stored_plan(dir)?.cases;
        let (_, case, metric) = self.case(&cases)?;
        let is_it = |row: &&analyze::ShownRow| match &metric {
            Some(metric) => {
                let id = format!("{case}/{metric}");
                row.id == id || model::readable(&row.id) == model::readable(&id)
            }
            None => row.role == Role::Primary,
        };
        let Some(row) = shown.rows.iter().find(is_it) else {
            let there: Vec<String> = shown.rows.iter().map(|r| model::readable(&r.id).into_owned()).collect();
            let asked = edge::quoted(self.row);
            return Err(format!("no row is called '{asked}'; measured are: {}", there.join(", ")).into());
        };
        Ok(Some(RowFacts {
            id: row.id.clone(),
            unit: row.unit.clone(),
            direction: row.direction,
            log: row.scale == model::Scale::Log,
            machine: machine.to_owned(),
        }))
    }
}

/// What a campaign came to.
pub(super) struct Account {
    /// How long it worked, in seconds.
    pub seconds: f64,
    /// Environments with a cell that has no value: the reason, and whether it is the host's.
    pub lost: BTreeMap<String, (String, bool)>,
    /// Boots.
    pub boots: u32,
}

/// What a campaign came to, by its journal.
pub(super) fn account(dir: &Path) -> Result<Account, Error> {
    let state = State::of(&Journal::events(dir)?);
    let mut lost = BTreeMap::new();
    for ((environment, _, _), cell) in &state.cells {
        if let CellState::Invalid { reason, code } = cell {
            let host = code.is_some_and(|code| code.scope() == Scope::Host);
            lost.insert(environment.clone(), (reason.clone(), host));
        }
    }
    let boots = u32::try_from(state.cells.len()).unwrap_or(u32::MAX);
    Ok(Account { seconds: state.worked_ns as f64 * 1e-9, lost, boots })
}

fn unclear<'i>(row: &str, found: impl Iterator<Item = &'i String>, all: &[String]) -> Error {
    let some: Vec<String> = found.take(5).map(|id| model::readable(id).into_owned()).collect();
    let row = edge::quoted(row);
    if some.is_empty() {
        let all: Vec<String> = all.iter().take(5).map(|id| model::readable(id).into_owned()).collect();
        return format!("--row {row}: no case is of that name; measured would be: {}", all.join(", ")).into();
    }
    format!("--row {row} is of several cases; name one of them: {}", some.join(", ")).into()
}
