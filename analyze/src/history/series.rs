//! The series of a lake: their points in order, with what people said of them, and what the rule says.

use super::Asked;
use super::identity::hex;
use crate::AnalyzeError;
use lake::{Boot, Build, Commit, Event, Lake, Point, Said, Torn};
use serde::Serialize;
use stats::{HistoryPoint, HistoryReading, HistoryRule, lag_one, session_variance_of};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// One session of a series.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Night {
    /// Where it was measured.
    pub campaign: String,
    /// What.
    pub build: String,
    /// Its commit.
    pub commit: Option<String>,
    /// Its place on the first-parent line.
    pub ordinal: Option<i64>,
    /// Seconds since the epoch.
    pub at: i64,
    /// The mean on the series' scale, of the differences to the anchor where there is one.
    pub x: f64,
    /// Standard error of it by the boots alone.
    pub se: Option<f64>,
    /// Boots.
    pub n: i32,
    /// The mean as measured.
    pub mean: f64,
    /// Whether other hardware or an accepted level begins here.
    pub begins: bool,
    /// Whether somebody set it aside.
    pub left_out: bool,
    #[serde(skip)]
    epoch: [u8; 16],
    #[serde(skip)]
    variance: Option<f64>,
}

/// A series, and what the rule says of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Series {
    /// Its identity.
    pub id: String,
    /// `machine/case/metric/env`: what patterns are held against.
    pub name: String,
    /// The host.
    pub machine: String,
    /// The case, with its workload.
    pub case: String,
    /// The metric.
    pub metric: String,
    /// Its unit.
    pub unit: String,
    /// higher, lower or none.
    pub direction: String,
    /// log or linear.
    pub scale: String,
    /// The environment.
    pub env: String,
    /// Sessions in order.
    pub nights: Vec<Night>,
    /// Whether all points are differences to an anchor.
    pub anchored: bool,
    /// What the rule says.
    pub reading: HistoryReading,
    /// The correlation of neighbours over the last 20 points.
    pub lag_one: Option<f64>,
    /// Where commits lie on the first-parent line, also those that were never measured.
    #[serde(skip)]
    pub(super) places: Arc<Vec<Place>>,
    /// Whether an anchor would help: sessions differ by more than their boots leave open, or neighbours resemble each other.
    pub wants_anchor: bool,
}

/// A commit on the first-parent line.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Place {
    /// Its name.
    pub commit: String,
    /// Where it lies.
    pub ordinal: i64,
    /// Its first line.
    pub subject: Option<String>,
}

/// What people said that has not expired.
pub(super) fn valid(lake: &Lake) -> Result<Vec<Event>, AnalyzeError> {
    let now = jiff::Timestamp::now().as_microsecond();
    let mut said = lake.events()?;
    said.retain(|event| event.expires.is_none_or(|until| until.0 > now));
    Ok(said)
}

/// Reads the series that were asked for, and files that do not read.
pub(super) fn read(
    lake: &Lake,
    asked: &Asked,
    said: &[Event],
) -> Result<(Vec<Series>, Vec<Torn>), AnalyzeError> {
    let points = lake.rows::<Point>();
    let mut torn = points.torn;
    let builds = lake.rows::<Build>();
    let commits = lake.rows::<Commit>();
    torn.extend(builds.torn);
    torn.extend(commits.torn);
    let commit_of: HashMap<(String, String), String> =
        builds.rows.into_iter().filter_map(|b| Some(((b.source, b.build_id), b.commit?))).collect();
    let place = |c: Commit| {
        Some((c.commit.clone(), Place { ordinal: c.ordinal?, commit: c.commit, subject: c.subject }))
    };
    let place_of: HashMap<String, Place> = commits.rows.into_iter().filter_map(place).collect();
    let ordinal_of: HashMap<String, i64> = place_of.iter().map(|(c, p)| (c.clone(), p.ordinal)).collect();
    let places: Arc<Vec<Place>> = Arc::new(place_of.into_values().collect());
    let anchored = if points.rows.iter().any(|p| p.anchor_build_id.is_some()) {
        let boots = lake.rows::<Boot>();
        torn.extend(boots.torn);
        Anchors::of(&points.rows, boots.rows)
    } else {
        Anchors::default()
    };
    let mut by: BTreeMap<[u8; 16], Vec<Point>> = BTreeMap::new();
    for point in points.rows {
        by.entry(point.series_id).or_default().push(point);
    }
    let mut out = Vec::new();
    for (id, points) in by {
        let Some(last) = points.iter().max_by_key(|p| p.measured_at) else { continue };
        let name = format!("{}/{}/{}/{}", last.machine, last.case, last.metric, last.env);
        if !asked.series.is_empty() && !asked.series.iter().any(|pattern| matches(pattern, &name)) {
            continue;
        }
        let head = last.clone();
        let of: Vec<&Event> = said.iter().filter(|e| matches(&e.series, &name)).collect();
        let nights = nights(points, &commit_of, &ordinal_of, &anchored, &of);
        out.push(Series {
            places: Arc::clone(&places),
            ..series(hex(&id), name, &head, nights, asked.alpha)?
        });
    }
    Ok((out, torn))
}

/// Points of a series in order, each campaign's build once.
fn nights(
    points: Vec<Point>,
    commit_of: &HashMap<(String, String), String>,
    ordinal_of: &HashMap<String, i64>,
    anchors: &Anchors,
    said: &[&Event],
) -> Vec<Night> {
    let whole = points.iter().all(|p| anchors.difference(p).is_some());
    let mut out: Vec<Night> = points
        .into_iter()
        .map(|point| {
            let commit = commit_of.get(&(point.source.clone(), point.build_id.clone())).cloned();
            let plain = (point.mean, point.sd.map(|sd| sd * sd), point.n);
            let (x, variance, n) = if whole { anchors.difference(&point).unwrap_or(plain) } else { plain };
            Night {
                ordinal: commit.as_ref().and_then(|c| ordinal_of.get(c)).copied(),
                commit,
                at: point.measured_at.0.div_euclid(1_000_000),
                x,
                se: variance.map(|v| (v / f64::from(n.max(1))).sqrt()),
                n,
                mean: point.mean_raw,
                begins: false,
                left_out: false,
                epoch: point.epoch_id,
                variance,
                campaign: point.campaign,
                build: point.build_id,
            }
        })
        .collect();
    // By the first-parent line where all are on it: a backfill belongs where its commit does.
    if out.iter().all(|night| night.ordinal.is_some()) {
        out.sort_by(|a, b| (a.ordinal, a.at, &a.campaign).cmp(&(b.ordinal, b.at, &b.campaign)));
    } else {
        out.sort_by(|a, b| (a.at, &a.campaign).cmp(&(b.at, &b.campaign)));
    }
    let mut epoch = out.first().map(|night| night.epoch);
    for night in &mut out {
        let told = |said: &Said| match said {
            Said::Accepted { campaign } | Said::Epoch { campaign } => *campaign == night.campaign,
            _ => false,
        };
        let aside = |said: &Said| matches!(said, Said::SetAside { campaign } if *campaign == night.campaign);
        night.begins = epoch != Some(night.epoch) || said.iter().any(|event| told(&event.said));
        night.left_out = said.iter().any(|event| aside(&event.said));
        epoch = Some(night.epoch);
    }
    out
}

fn series(
    id: String,
    name: String,
    head: &Point,
    nights: Vec<Night>,
    alpha: f64,
) -> Result<Series, AnalyzeError> {
    let mut rule = HistoryRule::new(alpha).map_err(|_| {
        let (low, high) = (stats::HISTORY_ALPHA_MIN, stats::HISTORY_ALPHA_MAX);
        AnalyzeError::Option(format!("alpha {alpha}: thresholds were simulated for {low} to {high}"))
    })?;
    for night in &nights {
        rule.push(point(night));
    }
    let reading = rule.reading();
    let open: Vec<HistoryPoint> = reading
        .segments
        .last()
        .into_iter()
        .flat_map(|s| &s.points)
        .filter_map(|i| nights.get(*i))
        .map(point)
        .collect();
    let lag = lag_one(&open);
    let (tau, boots) = session_variance_of(&open);
    let anchored = head.anchor_build_id.is_some();
    let wants_anchor = !anchored
        && open.len() >= 20
        && (boots > 0.0 && tau > boots || lag.is_some_and(|r| r > stats::HISTORY_AUTOCORRELATION));
    Ok(Series {
        id,
        name,
        machine: head.machine.clone(),
        case: head.case.clone(),
        metric: head.metric.clone(),
        unit: head.unit.clone(),
        direction: head.direction.clone(),
        scale: head.scale.clone(),
        env: head.env.clone(),
        nights,
        anchored,
        reading,
        lag_one: lag,
        places: Arc::default(),
        wants_anchor,
    })
}

fn point(night: &Night) -> HistoryPoint {
    HistoryPoint {
        x: night.x,
        boots: u32::try_from(night.n).unwrap_or(1),
        variance: night.variance,
        begins: night.begins,
        left_out: night.left_out,
    }
}

/// The boots of anchors, by campaign, case and metric.
#[derive(Default)]
struct Anchors {
    /// Of an anchored point (campaign, series): the differences of its boots to the anchor's of the same block.
    differences: HashMap<(String, [u8; 16]), Vec<f64>>,
}

impl Anchors {
    fn of(points: &[Point], boots: Vec<Boot>) -> Anchors {
        let mut values: HashMap<(String, [u8; 16]), BTreeMap<i32, f64>> = HashMap::new();
        for boot in boots {
            if let (Some(value), Some(block)) = (boot.value, boot.block) {
                values.entry((boot.campaign, boot.series_id)).or_default().insert(block, value);
            }
        }
        // An anchor is a point of the same campaign, case and metric that has no anchor itself.
        let place = |p: &Point| (p.campaign.clone(), p.case.clone(), p.metric.clone());
        let anchors: HashMap<_, &Point> =
            points.iter().filter(|p| p.anchor_build_id.is_none()).map(|p| (place(p), p)).collect();
        let mut differences = HashMap::new();
        for point in points.iter().filter(|p| p.anchor_build_id.is_some()) {
            let Some(anchor) = anchors.get(&place(point)) else { continue };
            let (Some(own), Some(its)) = (
                values.get(&(point.campaign.clone(), point.series_id)),
                values.get(&(anchor.campaign.clone(), anchor.series_id)),
            ) else {
                continue;
            };
            let log = point.scale == "log" && anchor.scale == "log";
            let on = |v: f64| if log { v.ln() } else { v };
            let of: Vec<f64> =
                own.iter().filter_map(|(block, value)| Some(on(*value) - on(*its.get(block)?))).collect();
            if !of.is_empty() {
                differences.insert((point.campaign.clone(), point.series_id), of);
            }
        }
        Anchors { differences }
    }

    /// Mean, variance and number of a point's differences.
    fn difference(&self, point: &Point) -> Option<(f64, Option<f64>, i32)> {
        let of = HistoryPoint::of_boots(self.differences.get(&(point.campaign.clone(), point.series_id))?)?;
        Some((of.x, of.variance, i32::try_from(of.boots).unwrap_or(i32::MAX)))
    }
}

/// Whether a pattern with `*` and `?` means a name.
pub(super) fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    // The classic walk with one place to come back to.
    let (mut p, mut n, mut star, mut mark) = (0, 0, None, 0);
    while n < name.len() {
        match pattern.get(p) {
            Some('*') => {
                (star, mark) = (Some(p), n);
                p += 1;
            }
            Some(c) if *c == '?' || Some(c) == name.get(n) => (p, n) = (p + 1, n + 1),
            _ => match star {
                Some(at) => {
                    mark += 1;
                    (p, n) = (at + 1, mark);
                }
                None => return false,
            },
        }
    }
    pattern.get(p..).is_none_or(|rest| rest.iter().all(|c| *c == '*'))
}
