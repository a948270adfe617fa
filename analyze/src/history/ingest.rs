//! What `compare` reads, as rows of a lake.

use super::identity::{build_id, epoch_id, hash, hex, series_id};
use super::place::Place;
use crate::AnalyzeError;
use crate::input::measured;
use crate::options::CompareOptions;
use crate::show::{Shown, ShownRow, show};
use lake::{Boot, Build, Campaign, Micros, Point};
use model::{Direction, Role, RunFile, Scale};
use stats::HistoryPoint;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The version of what writes rows.
const SCHEMA: i32 = 1;

/// What is said of results beside what they say themselves.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Told {
    /// What was measured.
    pub build: Option<String>,
    /// Its commit.
    pub commit: Option<String>,
    /// When, in seconds since the epoch.
    pub at: Option<i64>,
    /// The host.
    pub machine: Option<String>,
    /// The environment that every session measures.
    pub anchor: Option<String>,
}

/// The rows of a run, a campaign, a farm, or results of another tool: what is added for each environment, of a farm for that of each
/// shard, whose host is the series' machine.
///
/// # Errors
/// What `show` cannot read, and results of which nobody says when they were measured.
pub fn lake_rows(path: &Path, options: &CompareOptions, told: &Told) -> Result<Vec<Campaign>, AnalyzeError> {
    let sides: Vec<PathBuf> = match measured(path)? {
        Some(environments) if !environments.is_empty() => environments,
        _ => vec![path.to_owned()],
    };
    let mut all = Vec::new();
    for side in &sides {
        let mut shown = show(options, side)?;
        let run = shown.run.take();
        let seconds = told.at.or(shown.side.date_unix).ok_or_else(|| undated(side))?;
        all.push(Source { shown, run, at: Micros(seconds.saturating_mul(1_000_000)) });
    }
    let anchor = told.anchor.as_ref().map(|name| find_anchor(&all, name)).transpose()?;
    Ok(all.iter().map(|source| source.campaign(told, anchor.as_deref())).collect())
}

fn undated(path: &Path) -> AnalyzeError {
    AnalyzeError::Option(format!(
        "{}: nothing in it says when it was measured; --time says it (2026-11-29, 2026-11-29T22:00:00Z, or seconds since 1970)",
        path.display()
    ))
}

/// YYYYMM in UTC.
pub(super) fn month_of(at: Micros) -> String {
    let stamp = jiff::Timestamp::from_microsecond(at.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    stamp.strftime("%Y%m").to_string()
}

/// Names what is added by what is in it.
pub(super) fn name_by_content(out: &mut Campaign) {
    let mut words: Vec<String> = vec![out.machine.clone()];
    for row in &out.boots {
        words.push(hex(&row.series_id));
        words.push(format!("{:?} {:?} {:?}", row.value, row.block, row.invalid_code));
    }
    words.extend(out.builds.iter().map(|build| build.build_id.clone()));
    words.push(out.points.iter().map(|p| p.measured_at.0).min().unwrap_or_default().to_string());
    let name: String = hex(&hash(words.iter().map(String::as_str))).chars().take(16).collect();
    let name = format!("file-{name}");
    rename(out, &name, &name);
}

/// Says of every row in which campaign it was measured, and with what it was added.
fn rename(out: &mut Campaign, campaign: &str, source: &str) {
    for row in &mut out.points {
        (row.campaign, row.source) = (campaign.to_owned(), source.to_owned());
    }
    for row in &mut out.boots {
        (row.campaign, row.source) = (campaign.to_owned(), source.to_owned());
    }
    out.builds.iter_mut().for_each(|row| source.clone_into(&mut row.source));
    out.commits.iter_mut().for_each(|row| source.clone_into(&mut row.source));
    source.clone_into(&mut out.name);
}

/// The machine that facts tell.
pub(super) fn machine_of(facts: &BTreeMap<String, String>) -> Option<&str> {
    let names = ["host.id", "host.hostname", "host.name", "hostname"];
    names.iter().find_map(|name| facts.get(*name)).map(String::as_str)
}

struct Source {
    shown: Shown,
    run: Option<RunFile>,
    at: Micros,
}

fn find_anchor(all: &[Source], name: &str) -> Result<String, AnalyzeError> {
    match all.iter().find(|source| source.env() == name) {
        Some(source) => Ok(source.own_build()),
        None => {
            let names: Vec<String> = all.iter().map(Source::env).collect();
            let known = names.join(", ");
            Err(AnalyzeError::Option(format!(
                "--anchor {name}: no environment of this name; there are {known}"
            )))
        }
    }
}

impl Source {
    /// The environment's name; results that have none are "main".
    fn env(&self) -> String {
        self.run.as_ref().map_or_else(|| "main".to_owned(), |run| run.environment.clone())
    }

    /// What its facts say was measured.
    fn own_build(&self) -> String {
        Some(build_id(&self.shown.side.facts))
            .filter(|id| !id.is_empty())
            .unwrap_or_else(|| "unknown".to_owned())
    }

    /// What somebody says was measured, else what its facts say.
    fn build(&self, told: &Told) -> String {
        told.build.clone().or_else(|| told.commit.clone()).unwrap_or_else(|| self.own_build())
    }

    fn machine(&self, told: &Told) -> String {
        let fact = || machine_of(&self.shown.side.facts).map(str::to_owned);
        told.machine.clone().or_else(fact).unwrap_or_else(|| "unknown".to_owned())
    }

    fn campaign(&self, told: &Told, anchor: Option<&str>) -> Campaign {
        let mut out = Campaign { month: month_of(self.at), ..Campaign::default() };
        self.put(told, anchor, &mut out);
        match &self.run {
            Some(run) => rename(&mut out, &run.campaign, &format!("{}.{}", run.campaign, run.environment)),
            None => name_by_content(&mut out),
        }
        out
    }

    fn put(&self, told: &Told, anchor: Option<&str>, out: &mut Campaign) {
        let facts = &self.shown.side.facts;
        let (env, machine) = (self.env(), self.machine(told));
        let is_anchor = told.anchor.as_ref() == Some(&env);
        let build = if is_anchor { self.own_build() } else { self.build(told) };
        let factors = self.run.as_ref().map(|run| run.factors.clone()).unwrap_or_default();
        let epoch = epoch_id(facts);
        out.machine.clone_from(&machine);
        for row in &self.shown.rows {
            let case = row.id.strip_suffix(&format!("/{}", row.metric)).unwrap_or(&row.id).to_owned();
            let series = series_id(&machine, &env, &case, &row.metric, &factors, facts);
            let base = Point {
                series_id: series,
                machine: machine.clone(),
                accel: facts.get("accel").cloned().unwrap_or_default(),
                scenario: facts.get("scenario").cloned(),
                case,
                env: env.clone(),
                build_id: build.clone(),
                anchor_build_id: anchor.filter(|_| !is_anchor).map(str::to_owned),
                epoch_id: epoch,
                host_boot: facts.get("host.boot_id").cloned(),
                measured_at: self.at,
                ..Point::default()
            };
            out.boots.extend(boots(row, &base));
            out.points.extend(point(row, base));
        }
        out.builds.push(Build {
            build_id: build,
            commit: told.commit.clone().filter(|_| !is_anchor).or_else(|| record_of(facts, "commit")),
            tree: record_of(facts, "tree"),
            patch: record_of(facts, "patch"),
            config: record_of(facts, "config"),
            compiler: record_of(facts, "compiler"),
            place: Place::of(facts, &factors).and_then(|place| place.to_text()),
            ..Build::default()
        });
    }
}

/// What a build's own record says (`perfvt build`): QEMU's, else the guest's kernel's.
fn record_of(facts: &BTreeMap<String, String>, what: &str) -> Option<String> {
    let of = |program: &str| facts.get(&format!("{program}.build.{what}")).cloned();
    of("qemu").or_else(|| of("guest.kernel"))
}

/// The point of a row; none where no value is valid.
fn point(row: &ShownRow, base: Point) -> Option<Point> {
    Some(Point {
        workload: row.workload.clone(),
        metric: row.metric.clone(),
        unit: row.unit.clone(),
        direction: word_of(row.direction).to_owned(),
        role: match row.role {
            Role::Primary => "primary",
            Role::Important => "important",
            Role::Secondary => "secondary",
        }
        .to_owned(),
        n_invalid: i32::try_from(row.sample.invalid.len()).unwrap_or(i32::MAX),
        ..summed(&row.sample.values, row.scale == Scale::Log, base)?
    })
}

/// Which way is better, in a lake's word.
pub(super) fn word_of(direction: Direction) -> &'static str {
    match direction {
        Direction::HigherIsBetter => "higher",
        Direction::LowerIsBetter => "lower",
        Direction::Informational => "none",
    }
}

/// A point with what these boots come to; on the log scale where that is asked for and every value has a logarithm. None without
/// values.
pub(super) fn summed(values: &[f64], log: bool, base: Point) -> Option<Point> {
    let log = log && values.iter().all(|v| *v > 0.0);
    let on: Vec<f64> = values.iter().map(|v| if log { v.ln() } else { *v }).collect();
    let of = HistoryPoint::of_boots(&on)?;
    let n = f64::from(of.boots);
    let sd = of.variance.map(f64::sqrt);
    Some(Point {
        scale: if log { "log" } else { "linear" }.to_owned(),
        n: i32::try_from(of.boots).unwrap_or(i32::MAX),
        mean: of.x,
        sd,
        se: sd.map(|sd| sd / n.sqrt()),
        df: sd.map(|_| n - 1.0),
        min: values.iter().copied().fold(f64::INFINITY, f64::min),
        max: values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        mean_raw: values.iter().map(|v| v / n).sum(),
        schema: SCHEMA,
        ..base
    })
}

fn boots<'a>(row: &'a ShownRow, base: &'a Point) -> impl Iterator<Item = Boot> + 'a {
    let of = move |at: usize| Boot {
        series_id: base.series_id,
        env: base.env.clone(),
        block: row.sample.blocks.get(at).and_then(|block| i32::try_from(*block).ok()),
        repeat: i32::try_from(at + 1).unwrap_or(i32::MAX),
        attempt: 1,
        host_boot: base.host_boot.clone(),
        start: Some(base.measured_at),
        ..Boot::default()
    };
    let valid = row.sample.values.iter().enumerate().map(move |(at, v)| Boot { value: Some(*v), ..of(at) });
    let n = row.sample.values.len();
    let lost = row.sample.invalid.iter().enumerate().map(move |(at, loss)| Boot {
        invalid_code: Some(loss.reason.clone()),
        block: None,
        ..of(n + at)
    });
    valid.chain(lost)
}
