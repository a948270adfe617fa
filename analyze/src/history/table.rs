//! A table of results: `commit,time,case,metric,repeat,value`, as data bases and spreadsheets export it.

use super::Told;
use super::identity::{hash, series_id};
use super::ingest::{month_of, name_by_content};
use crate::AnalyzeError;
use formats::perf_conf::Conf;
use lake::{Boot, Build, Campaign, Commit, Micros, Point};
use model::{Direction, Scale};
use stats::HistoryPoint;
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
/// Most rows of a table.
const ROWS_MAX: usize = 20_000_000;
/// The length of a day.
const DAY_US: i64 = 86_400_000_000;

/// What a point is of: time, commit, build, machine.
type NightOf = (i64, String, String, String);
/// Workload, case, metric.
type CaseOf = (String, String, String);
/// Each case's values, with its unit and direction.
type Cases = BTreeMap<CaseOf, (Vec<f64>, String, String)>;

/// The campaigns of a table, one for each time and commit. `None`: it is no such table, because it has no columns `value` and
/// `time`, `commit` or `index`.
///
/// An `index` stands for days since 2000-01-01, where there is no time.
///
/// # Errors
/// A cell that is no number or no time, a name of a column that is not understood, with its line.
pub fn table_rows(
    path: &Path,
    text: &str,
    conf: &Conf,
    told: &Told,
) -> Result<Option<Vec<Campaign>>, AnalyzeError> {
    let mut reader = csv::ReaderBuilder::new()
        .comment(Some(b'#'))
        .trim(csv::Trim::All)
        .flexible(true)
        .from_reader(text.as_bytes());
    let Ok(header) = reader.headers() else { return Ok(None) };
    let columns: Vec<String> = header.iter().map(str::to_ascii_lowercase).collect();
    let at = |name: &str| columns.iter().position(|column| column == name);
    let (Some(value), true) =
        (at("value"), ["time", "commit", "index"].iter().any(|name| at(name).is_some()))
    else {
        return Ok(None);
    };
    let bad = |line: u64, why: String| AnalyzeError::Option(format!("{}:{line}: {why}", path.display()));
    if let Some(strange) = columns.iter().find(|column| !COLUMNS.contains(&column.as_str())) {
        let known = COLUMNS.join(", ");
        return Err(bad(1, format!("column {} is not understood; there are {known}", edge::quoted(strange))));
    }
    let mut nights: BTreeMap<NightOf, Cases> = BTreeMap::new();
    for record in reader.records().take(ROWS_MAX) {
        let record = record
            .map_err(|error| bad(error.position().map_or(0, csv::Position::line), error.to_string()))?;
        let number = record.position().map_or(0, csv::Position::line);
        let cells: Vec<&str> = record.iter().collect();
        if cells.len() != columns.len() {
            return Err(bad(number, format!("{} cells below {} columns", cells.len(), columns.len())));
        }
        let cell = |name: &str| at(name).and_then(|at| cells.get(at)).copied().unwrap_or_default();
        let text = cells.get(value).copied().unwrap_or_default();
        let found: f64 = text
            .parse()
            .ok()
            .filter(|v: &f64| v.is_finite())
            .ok_or_else(|| bad(number, format!("value {} is no number", edge::quoted(text))))?;
        let time = when(cell("time"), cell("index"), told).ok_or_else(|| {
            bad(
                number,
                format!(
                    "time {} is none; want 2026-11-29, 2026-11-29T22:00:00Z or seconds since 1970",
                    edge::quoted(cell("time"))
                ),
            )
        })?;
        let or = |name: &str, other: &Option<String>, default: &str| match (other, cell(name)) {
            (Some(said), _) => said.clone(),
            (None, "") => default.to_owned(),
            (None, cell) => cell.to_owned(),
        };
        let commit = or("commit", &told.commit, "");
        let night = (
            time,
            commit.clone(),
            or("build", &told.build, &commit),
            or("machine", &told.machine, "unknown"),
        );
        let case = (or("workload", &None, "table"), or("case", &None, "all"), or("metric", &None, "value"));
        let entry = nights.entry(night).or_default().entry(case);
        entry
            .or_insert_with(|| (Vec::new(), cell("unit").to_owned(), cell("direction").to_owned()))
            .0
            .push(found);
    }
    Ok(Some(nights.into_iter().map(|(night, cases)| campaign(night, cases, conf)).collect()))
}

/// Microseconds of a time, or of a day's index; `None` for text that is no time.
fn when(time: &str, index: &str, told: &Told) -> Option<i64> {
    if let Some(at) = told.at {
        return Some(at.saturating_mul(1_000_000));
    }
    if time.is_empty() {
        let days: i64 = index.parse().ok()?;
        // 2000-01-01.
        return Some(946_684_800_000_000_i64.saturating_add(days.saturating_mul(DAY_US)));
    }
    super::moment(time).map(|seconds| seconds.saturating_mul(1_000_000))
}

fn campaign(night: NightOf, cases: Cases, conf: &Conf) -> Campaign {
    let (time, commit, build, machine) = night;
    let mut out = Campaign { machine: machine.clone(), month: month_of(Micros(time)), ..Campaign::default() };
    for ((workload, case, metric), (values, unit, direction)) in cases {
        let declared = conf.section(&workload).map(|section| section.metric(&metric));
        let log = declared.as_ref().is_none_or(|m| m.scale != Some(Scale::Linear))
            && values.iter().all(|v| *v > 0.0);
        let on: Vec<f64> = values.iter().map(|v| if log { v.ln() } else { *v }).collect();
        let Some(of) = HistoryPoint::of_boots(&on) else { continue };
        let said = match direction.as_str() {
            "higher" | "lower" | "none" => direction,
            _ => match declared.as_ref().map(|m| m.direction) {
                Some(Direction::HigherIsBetter) => "higher".to_owned(),
                Some(Direction::LowerIsBetter) => "lower".to_owned(),
                _ => "none".to_owned(),
            },
        };
        let series_id =
            series_id(&machine, "main", &format!("{workload}/{case}"), &metric, &[], &BTreeMap::new());
        let n = f64::from(of.boots);
        let sd = of.variance.map(f64::sqrt);
        out.boots.extend(values.iter().enumerate().map(|(at, value)| Boot {
            series_id,
            env: "main".to_owned(),
            repeat: i32::try_from(at + 1).unwrap_or(i32::MAX),
            attempt: 1,
            value: Some(*value),
            start: Some(Micros(time)),
            ..Boot::default()
        }));
        out.points.push(Point {
            series_id,
            machine: machine.clone(),
            case: format!("{workload}/{case}"),
            workload,
            metric,
            unit,
            direction: said,
            scale: if log { "log" } else { "linear" }.to_owned(),
            role: "primary".to_owned(),
            env: "main".to_owned(),
            build_id: build.clone(),
            epoch_id: hash(["epoch 1"]),
            measured_at: Micros(time),
            n: i32::try_from(of.boots).unwrap_or(i32::MAX),
            mean: of.x,
            sd,
            se: sd.map(|sd| sd / n.sqrt()),
            df: sd.map(|_| n - 1.0),
            min: values.iter().copied().fold(f64::INFINITY, f64::min),
            max: values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
            mean_raw: values.iter().map(|v| v / n).sum(),
            schema: 1,
            ..Point::default()
        });
    }
    out.builds.push(Build {
        build_id: build,
        commit: Some(commit.clone()).filter(|c| !c.is_empty()),
        ..Build::default()
    });
    if !commit.is_empty() {
        out.commits.push(Commit { commit, ..Commit::default() });
    }
    name_by_content(&mut out);
    out
}
