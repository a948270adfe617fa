//! What a lake holds, as rows that people take elsewhere: a row a point, or a row a boot.

use super::names::{Named, named};
use super::series::{Commits, valid};
use crate::AnalyzeError;
use lake::{Boot, Lake, Point, SeriesId, Torn};
use serde::Serialize;
use std::collections::HashMap;

/// A row a point.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ExportedPoint {
    /// When, in UTC.
    pub time: String,
    /// The host.
    pub machine: String,
    /// The case, with its workload.
    pub case: String,
    /// The metric.
    pub metric: String,
    /// The environment.
    pub env: String,
    /// The mean of the valid boots, in the unit.
    pub value: f64,
    /// Its unit.
    pub unit: String,
    /// higher, lower or none: which is better.
    pub direction: String,
    /// Valid boots.
    pub boots: i32,
    /// Boots without a valid value.
    pub invalid: i32,
    /// The smallest value.
    pub min: f64,
    /// The largest.
    pub max: f64,
    /// Their standard deviation: a share of the value for ratios (of logarithms), in the unit for others.
    pub sd: Option<f64>,
    /// log or linear: the scale that `sd` is on.
    pub scale: String,
    /// The commit.
    pub commit: Option<String>,
    /// What was measured.
    pub build: String,
    /// The campaign.
    pub campaign: String,
}

/// A row a boot: with the columns of a table that `lake add` reads, and those that say more.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ExportedBoot {
    /// When, in UTC.
    pub time: String,
    /// The commit.
    pub commit: Option<String>,
    /// What was measured.
    pub build: String,
    /// The host.
    pub machine: String,
    /// The case, with its workload.
    pub case: String,
    /// The metric.
    pub metric: String,
    /// The environment.
    pub env: String,
    /// The boot's number in its session.
    pub repeat: i32,
    /// The value; absent where it is not valid.
    pub value: Option<f64>,
    /// Its unit.
    pub unit: String,
    /// higher, lower or none.
    pub direction: String,
    /// Why there is no value.
    pub invalid: Option<String>,
    /// The block in which it was measured.
    pub block: Option<i32>,
    /// The campaign.
    pub campaign: String,
}

/// Rows of what was chosen, in the order of names and time.
#[derive(Clone, Debug, PartialEq)]
pub struct Exports<T> {
    /// The rows.
    pub rows: Vec<T>,
    /// Files of the lake that do not read.
    pub torn: Vec<Torn>,
}

/// Points of series that were chosen, from a moment on, under the names that they have now; also as rows of a lake.
///
/// # Errors
/// Events of people that do not read.
pub fn exported_points(
    lake: &Lake,
    patterns: &[String],
    since: Option<i64>,
) -> Result<(Exports<ExportedPoint>, Vec<Point>), AnalyzeError> {
    let (all, mut torn) = chosen(lake, patterns, since)?;
    let commits = Commits::read(lake, &mut torn);
    let of = |p: &Point| ExportedPoint {
        time: time(p),
        machine: p.machine.clone(),
        case: p.case.clone(),
        metric: p.metric.clone(),
        env: p.env.clone(),
        value: p.mean_raw,
        unit: p.unit.clone(),
        direction: p.direction.clone(),
        boots: p.n,
        invalid: p.n_invalid,
        min: p.min,
        max: p.max,
        sd: p.sd,
        scale: p.scale.clone(),
        commit: commits.of(p).cloned(),
        build: p.build_id.clone(),
        campaign: p.campaign.clone(),
    };
    let rows = all.iter().map(|(_, p)| of(p)).collect();
    let points = all.into_iter().map(|(id, p)| Point { series_id: id, ..p }).collect();
    Ok((Exports { rows, torn }, points))
}

/// Boots of series that were chosen, from a moment on, under the names that they have now.
///
/// # Errors
/// Events of people that do not read.
pub fn exported_boots(
    lake: &Lake,
    patterns: &[String],
    since: Option<i64>,
) -> Result<Exports<ExportedBoot>, AnalyzeError> {
    let (all, mut torn) = chosen(lake, patterns, since)?;
    let commits = Commits::read(lake, &mut torn);
    let boots = lake.rows::<Boot>();
    torn.extend(boots.torn);
    let mut by: HashMap<(String, SeriesId, String), Vec<Boot>> = HashMap::new();
    for boot in boots.rows {
        by.entry((boot.source.clone(), boot.series_id, boot.env.clone())).or_default().push(boot);
    }
    let mut rows = Vec::new();
    for (_, p) in &all {
        let of = by.remove(&(p.source.clone(), p.series_id, p.env.clone())).unwrap_or_default();
        rows.extend(of.into_iter().map(|boot| ExportedBoot {
            time: time(p),
            commit: commits.of(p).cloned(),
            build: p.build_id.clone(),
            machine: p.machine.clone(),
            case: p.case.clone(),
            metric: p.metric.clone(),
            env: p.env.clone(),
            repeat: boot.repeat,
            value: boot.value,
            unit: p.unit.clone(),
            direction: p.direction.clone(),
            invalid: boot.invalid_code,
            block: boot.block,
            campaign: p.campaign.clone(),
        }));
    }
    Ok(Exports { rows, torn })
}

/// Points, each with the identity of its series: the one that it was added with is in the point.
type Chosen = Vec<(SeriesId, Point)>;

/// The points that were chosen, renamed, in the order of names and time.
fn chosen(lake: &Lake, patterns: &[String], since: Option<i64>) -> Result<(Chosen, Vec<Torn>), AnalyzeError> {
    let said = valid(&lake.events()?);
    let points = lake.rows::<Point>();
    let mut all = named(points.rows, patterns, &said);
    all.sort_by(|a, b| a.name.cmp(&b.name).then(a.id.cmp(&b.id)));
    let from = since.map_or(i64::MIN, |at| at.saturating_mul(1_000_000));
    let of = |named: Named| {
        let [machine, case, metric] = named.parts;
        let mut points = named.points;
        points.retain(|p| p.measured_at.0 >= from);
        points.sort_by(|a, b| (a.measured_at, &a.campaign).cmp(&(b.measured_at, &b.campaign)));
        let id = named.id;
        let of = move |p: Point| {
            let (machine, case, metric) = (machine.clone(), case.clone(), metric.clone());
            (id, Point { machine, case, metric, ..p })
        };
        points.into_iter().map(of)
    };
    Ok((all.into_iter().flat_map(of).collect(), points.torn))
}

fn time(point: &Point) -> String {
    jiff::Timestamp::from_microsecond(point.measured_at.0)
        .map_or_else(|_| point.measured_at.0.to_string(), |at| at.to_string())
}
