//! A table of results: `commit,time,case,metric,repeat,value`, as data bases and spreadsheets export it.

use super::Told;
use super::identity::{hash, series_id};
use super::ingest::{month_of, name_by_content, summed, word_of};
use crate::AnalyzeError;
use formats::foreign::{Cells, Columns};
use formats::perf_conf::Conf;
use lake::{Boot, Build, Campaign, Commit, Micros, Point};
use model::Scale;
use std::collections::BTreeMap;
use std::path::Path;

/// Columns that are understood.
const COLUMNS: [&str; 12] = [
    "commit",
    "time",
    "case",
    "metric",
    "repeat",
    "value",
    "workload",
    "machine",
    "unit",
    "direction",
    "build",
    "index",
];
/// The environment of what has none.
const ENV: &str = "main";
/// The length of a day.
const DAY: i64 = 86_400;

/// What a point is of: time, commit, build, machine.
type NightOf = (i64, String, String, String);
/// Workload, case, metric.
type CaseOf = (String, String, String);
/// Each case's values, with its unit and direction and the line that said them.
type Cases = BTreeMap<CaseOf, Values>;

struct Values {
    values: Vec<f64>,
    unit: String,
    direction: String,
    line: u32,
}

/// The campaigns of a table, one for each time and commit. `None`: it is no such table, because it has no columns `value` and
/// `time`, `commit` or `index`.
///
/// An `index` stands for days since 2000-01-01, where there is no time.
///
/// # Errors
/// A cell that is no number or no time, a name of a column that is not understood, a line that may have been cut, with its line; a
/// heading with nothing below it.
pub fn table_rows(
    path: &Path,
    text: &str,
    conf: &Conf,
    told: &Told,
) -> Result<Option<Vec<Campaign>>, AnalyzeError> {
    let Some(table) = Columns::of(text, "value") else { return Ok(None) };
    let at = |name: &str| table.names.iter().position(|column| column == name);
    let is_told = ["time", "commit", "index"].iter().any(|name| at(name).is_some());
    if at("value").is_none() || !is_told {
        return Ok(None);
    }
    let bad = |line: u32, why: String| AnalyzeError::Option(format!("{}:{line}: {why}", path.display()));
    if let Some(strange) = table.names.iter().find(|column| !COLUMNS.contains(&column.as_str())) {
        let known = COLUMNS.join(", ");
        return Err(bad(1, format!("column {} is not understood; there are {known}", edge::quoted(strange))));
    }
    let twice = |(at, name): &(usize, &String)| table.names[..*at].contains(*name);
    if let Some((_, name)) = table.names.iter().enumerate().find(twice) {
        return Err(bad(
            1,
            format!("there are two columns {}; one of them would be lost", edge::quoted(name)),
        ));
    }
    let mut nights: BTreeMap<NightOf, Cases> = BTreeMap::new();
    for row in table.rows() {
        let Cells { line, cells } = row.map_err(|(line, why)| bad(line, why))?;
        let cell = |name: &str| at(name).and_then(|at| cells.get(at)).map_or("", |cell| cell.as_ref());
        let value = table.number(cell("value")).map_err(|why| bad(line, format!("value {why}")))?;
        put(cell, (line, value), told, &mut nights).map_err(|why| bad(line, why))?;
    }
    if nights.is_empty() {
        return Err(bad(1, "a heading with no row below it: nothing was measured".to_owned()));
    }
    Ok(Some(nights.into_iter().map(|(night, cases)| campaign(night, cases, conf)).collect()))
}

/// Puts a row where it belongs: its line and value; `cell` gives what stands in a column.
fn put<'a>(
    cell: impl Fn(&str) -> &'a str,
    (line, value): (u32, f64),
    told: &Told,
    nights: &mut BTreeMap<NightOf, Cases>,
) -> Result<(), String> {
    let time = when(cell("time"), cell("index"), told)?;
    let or = |name: &str, other: &Option<String>, default: &str| match (other, cell(name)) {
        (Some(said), _) => said.clone(),
        (None, "") => default.to_owned(),
        (None, cell) => cell.to_owned(),
    };
    let commit = or("commit", &told.commit, "");
    let build = or("build", &told.build, &commit);
    let night = (time, commit, build, or("machine", &told.machine, "unknown"));
    let case = (or("workload", &None, "table"), or("case", &None, "all"), or("metric", &None, "value"));
    let (unit, direction) = (cell("unit"), cell("direction"));
    if !["", "higher", "lower", "none"].contains(&direction) {
        return Err(format!("direction {} is none; want higher, lower or none", edge::quoted(direction)));
    }
    let of = nights.entry(night).or_default().entry(case).or_insert_with(|| Values {
        values: Vec::new(),
        unit: unit.to_owned(),
        direction: direction.to_owned(),
        line,
    });
    for (what, here, there) in [("unit", unit, &of.unit), ("direction", direction, &of.direction)] {
        if here != there {
            let (here, there) = (edge::quoted(here), edge::quoted(there));
            let line = of.line;
            return Err(format!(
                "{what} {here}, and {there} in line {line}, for one point: nothing mixed is averaged"
            ));
        }
    }
    of.values.push(value);
    Ok(())
}

/// Microseconds of a time, or of a day's index.
///
/// # Errors
/// Text that is no time, and what is no number of seconds.
fn when(time: &str, index: &str, told: &Told) -> Result<i64, String> {
    let want = "want 2026-11-29, 2026-11-29T22:00:00Z or seconds since 1970";
    if let Some(at) = told.at {
        return Ok(at.saturating_mul(1_000_000));
    }
    let seconds = if time.is_empty() {
        let days: i64 = index.parse().map_err(|_| match index {
            "" => format!("there is no time; {want}"),
            said => format!("index {} is no whole number", edge::quoted(said)),
        })?;
        // 2000-01-01.
        Some(946_684_800_i64.saturating_add(days.saturating_mul(DAY))).filter(super::is_a_date)
    } else {
        super::moment(time)
    };
    let seconds = seconds.ok_or_else(|| match time {
        "" => format!("index {} is no day before the year 10000", edge::quoted(index)),
        said => format!("time {} is none; {want}", edge::quoted(said)),
    })?;
    Ok(seconds.saturating_mul(1_000_000))
}

fn campaign(night: NightOf, cases: Cases, conf: &Conf) -> Campaign {
    let (time, commit, build, machine) = night;
    let mut out = Campaign { machine: machine.clone(), month: month_of(Micros(time)), ..Campaign::default() };
    for ((workload, case, metric), of) in cases {
        let Values { values, unit, direction, .. } = of;
        let declared = conf.section(&workload).map(|section| section.metric(&metric));
        let log = declared.as_ref().is_none_or(|m| m.scale != Some(Scale::Linear));
        let declared_way = || declared.as_ref().map_or("none", |m| word_of(m.direction)).to_owned();
        let direction = if direction.is_empty() { declared_way() } else { direction };
        let case = format!("{workload}/{case}");
        let base = Point {
            series_id: series_id(&machine, ENV, &case, &metric, &[], &BTreeMap::new()),
            machine: machine.clone(),
            case,
            workload,
            metric,
            unit,
            direction,
            role: "primary".to_owned(),
            env: ENV.to_owned(),
            build_id: build.clone(),
            epoch_id: hash(["epoch 1"]),
            measured_at: Micros(time),
            ..Point::default()
        };
        out.boots.extend(values.iter().enumerate().map(|(at, value)| Boot {
            series_id: base.series_id,
            env: ENV.to_owned(),
            repeat: i32::try_from(at + 1).unwrap_or(i32::MAX),
            attempt: 1,
            value: Some(*value),
            start: Some(Micros(time)),
            ..Boot::default()
        }));
        out.points.extend(summed(&values, log, base));
    }
    let known = Some(commit.clone()).filter(|commit| !commit.is_empty());
    out.builds.push(Build { build_id: build, commit: known.clone(), ..Build::default() });
    out.commits.extend(known.map(|commit| Commit { commit, ..Commit::default() }));
    name_by_content(&mut out);
    out
}
