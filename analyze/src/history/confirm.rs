//! What a campaign has to measure to confirm an event, and what it says.
//!
//! ```text
//! an event ──> Confirming (builds, the event's rows) ──> the cli runs it ──> Confirming::judge ──> stats::confirm
//! ```

use super::events::StepEvent;
use super::place::Place;
use super::series::{Night, Series};
use super::{History, ingest};
use crate::show::{Shown, show};
use crate::{AnalyzeError, CompareOptions};
use lake::{Build, Lake};
use model::Case;
use stats::{Boundary, ConfirmRow, Confirmed};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

/// A build that is measured, as an environment of the campaign.
#[derive(Clone, Debug, PartialEq)]
pub struct Measured {
    /// The environment's name: before, after or newest, with that of the series' environment where there are several.
    pub name: String,
    /// What is measured.
    pub build: String,
    /// Where it lay last, if that is known.
    pub place: Option<Place>,
}

/// A series of an event.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The series' name.
    pub series: String,
    /// `case/metric`, as results name the row.
    id: String,
    case: String,
    log: bool,
    step: f64,
    spread: Option<f64>,
    /// Indices of environments: the last build before the step, the first behind it, and the newest where it is another.
    builds: (usize, usize, Option<usize>),
}

/// What confirms an event.
#[derive(Clone, Debug, PartialEq)]
pub struct Confirming {
    /// The event's name.
    pub event: String,
    /// The environments of the campaign.
    pub environments: Vec<Measured>,
    /// The event's series that were measured on this machine.
    pub rows: Vec<Row>,
    /// Facts of software in which the builds differ.
    differing: BTreeSet<String>,
}

/// The machine of these facts, as a lake names it.
pub fn machine_of(facts: &BTreeMap<String, String>) -> Option<&str> {
    ingest::machine_of(facts)
}

/// A step of one series, with its nights.
struct Step<'a> {
    series: &'a Series,
    change: f64,
    /// Half of the change's interval.
    spread: Option<f64>,
    before: &'a Night,
    after: &'a Night,
    newest: &'a Night,
}

fn step<'a>(history: &'a History, id: &str, at: usize) -> Option<Step<'a>> {
    let series = history.series.iter().find(|series| series.id == id)?;
    let step = series.reading.steps.iter().find(|step| step.at == at)?;
    let places = step.location.as_ref().map(|l| l.set.iter().map(|(at, _)| *at).collect::<Vec<_>>());
    let places = places.unwrap_or_else(|| vec![step.at]);
    let (first, last) = (*places.iter().min()?, *places.iter().max()?);
    Some(Step {
        series,
        change: step.change,
        spread: step.interval.map(|i| 0.5 * (i.high - i.low)),
        before: series.nights.get(first.checked_sub(1)?)?,
        after: series.nights.get(last)?,
        newest: series.nights.last()?,
    })
}

impl Confirming {
    /// What has to be measured on a machine to confirm an event.
    ///
    /// # Errors
    /// None of its series was measured there, or no build was before the step.
    pub fn of(
        lake: &Lake,
        history: &History,
        event: &StepEvent,
        machine: &str,
    ) -> Result<Confirming, AnalyzeError> {
        let steps: Vec<Step<'_>> =
            event.moved.iter().filter_map(|moved| step(history, &moved.id, moved.at)).collect();
        let here: Vec<&Step<'_>> = steps.iter().filter(|step| step.series.machine == machine).collect();
        if here.is_empty() {
            let machines: BTreeSet<&str> = steps.iter().map(|step| step.series.machine.as_str()).collect();
            let machines = machines.into_iter().collect::<Vec<_>>().join(", ");
            return Err(AnalyzeError::Option(format!(
                "event {}: its series were measured on {machines}, and this machine is {machine}; confirm it there, or say with \
                 --machine what this one is called",
                event.name
            )));
        }
        let places = places(lake);
        let envs: BTreeSet<&str> = here.iter().map(|step| step.series.env.as_str()).collect();
        let (mut environments, mut rows) = (Vec::new(), Vec::new());
        for env in &envs {
            let of: Vec<&Step<'_>> = here.iter().copied().filter(|step| step.series.env == *env).collect();
            let Some(before) = of.iter().map(|step| step.before).max_by_key(|night| night.at) else {
                continue;
            };
            let Some(after) = of.iter().map(|step| step.after).min_by_key(|night| night.at) else { continue };
            let Some(newest) = of.iter().map(|step| step.newest).max_by_key(|night| night.at) else {
                continue;
            };
            let mut put = |role: &str, night: &Night| {
                let name = if envs.len() == 1 { role.to_owned() } else { format!("{role}-{env}") };
                let place = places.get(&(format!("{}.{env}", night.campaign), night.build.clone())).cloned();
                environments.push(Measured { name, build: night.build.clone(), place });
                environments.len() - 1
            };
            let builds = (put("before", before), put("after", after));
            let newest = (newest.build != after.build).then(|| put("newest", newest));
            rows.extend(of.iter().map(|step| Row {
                series: step.series.name.clone(),
                id: format!("{}/{}", step.series.case, step.series.metric),
                case: step.series.case.clone(),
                log: step.series.scale == "log",
                step: step.change,
                spread: step.spread,
                builds: (builds.0, builds.1, newest),
            }));
        }
        let differing = Place::differing(environments.iter().filter_map(|e| e.place.as_ref()));
        Ok(Confirming { event: event.name.clone(), environments, rows, differing })
    }

    /// Which of these cases have rows of the event; all where one of its rows is in none of them under its own name.
    pub fn cases(&self, cases: &[Case], options: &CompareOptions) -> Vec<usize> {
        let id = |case: &Case| {
            let section = options.conf.section(&case.workload);
            let category = section.map_or(case.category.as_str(), |s| s.canonical_category(&case.category));
            Case { category: category.to_owned(), ..case.clone() }.id()
        };
        let ids: Vec<String> = cases.iter().map(id).collect();
        if !self.rows.iter().all(|row| ids.contains(&row.case)) {
            return (0..cases.len()).collect();
        }
        (0..cases.len()).filter(|at| self.rows.iter().any(|row| ids.get(*at) == Some(&row.case))).collect()
    }

    /// The smallest of the steps, as a ratio minus 1.
    pub fn smallest(&self) -> f64 {
        let sizes = self.rows.iter().filter(|row| row.log).map(|row| row.step.abs().exp_m1());
        sizes.reduce(f64::min).unwrap_or(1.0)
    }

    /// What a campaign says so far.
    ///
    /// # Errors
    /// Results that cannot be read, and a build that is another one than was measured then.
    pub fn judge(
        &self,
        dir: &Path,
        options: &CompareOptions,
        boundary: &Arc<Boundary>,
    ) -> Result<Confirmed, AnalyzeError> {
        let mut sides = Vec::new();
        for environment in &self.environments {
            sides.push(environment.values(&dir.join(&environment.name), options, &self.differing)?);
        }
        let nothing = BTreeMap::new();
        let side = |at: usize, row: &Row| {
            let of = sides.get(at).and_then(|side| side.get(&row.id)).unwrap_or(&nothing);
            of.iter()
                .filter_map(|(block, v)| Some((*block, on_scale(*v, row.log)?)))
                .collect::<BTreeMap<_, _>>()
        };
        let rows: Vec<ConfirmRow> = (self.rows.iter())
            .map(|row| {
                let (before, after, newest) = row.builds;
                let before = side(before, row);
                let minus = |at| -> Vec<(u32, f64)> {
                    let of = side(at, row);
                    of.iter().filter_map(|(block, v)| Some((*block, v - before.get(block)?))).collect()
                };
                let values = |of: Vec<(u32, f64)>| of.into_iter().map(|(_, v)| v).collect();
                let newest = newest.map(|at| values(minus(at)));
                ConfirmRow { step: row.step, spread: row.spread, after: minus(after), newest }
            })
            .collect();
        Ok(stats::confirm(&rows, boundary))
    }
}

fn on_scale(value: f64, log: bool) -> Option<f64> {
    let on = if log { value.ln() } else { value };
    on.is_finite().then_some(on)
}

impl Row {
    /// Whether its step is a ratio.
    pub fn is_ratio(&self) -> bool {
        self.log
    }
}

impl Measured {
    /// Each row's value by block. Nothing where nothing was measured yet.
    fn values(
        &self,
        dir: &Path,
        options: &CompareOptions,
        differing: &BTreeSet<String>,
    ) -> Result<BTreeMap<String, BTreeMap<u32, f64>>, AnalyzeError> {
        let shown: Shown = match show(options, dir) {
            Err(AnalyzeError::NoResults { .. } | AnalyzeError::NoRepeats { .. }) => {
                return Ok(BTreeMap::new());
            }
            other => other?,
        };
        if let Some(lost) = shown.side.losses.iter().find(|loss| loss.what == "file") {
            let (path, reason) = (lost.place.clone().into(), lost.reason.clone());
            return Err(AnalyzeError::NotAResult { path, reason });
        }
        if let Some((fact, was, is)) =
            self.place.as_ref().and_then(|p| p.changed(differing, &shown.side.facts))
        {
            return Err(AnalyzeError::Option(format!(
                "build {} is gone: {fact} was '{was}' when it was measured, and is '{is}' where it lay; --build {}:KEY=VALUE,.. says \
                 where it lies now",
                self.build, self.build
            )));
        }
        let of = |row: &crate::show::ShownRow| {
            let values = row.sample.blocks.iter().copied().zip(row.sample.values.iter().copied());
            (row.id.clone(), values.collect())
        };
        Ok(shown.rows.iter().map(of).collect())
    }
}

/// The places of builds, by what they were added with.
fn places(lake: &Lake) -> BTreeMap<(String, String), Place> {
    let of = |build: Build| {
        let place = Place::parse(build.place.as_deref()?)?;
        Some(((build.source, build.build_id), place))
    };
    lake.rows::<Build>().rows.into_iter().filter_map(of).collect()
}

/// The last place that is known of a build.
pub fn place_of(lake: &Lake, build: &str) -> Option<Place> {
    let of = places(lake).into_iter().filter(|((_, id), _)| id == build);
    // Campaigns are named by their time.
    of.max_by(|((a, _), _), ((b, _), _)| a.cmp(b)).map(|(_, place)| place)
}
