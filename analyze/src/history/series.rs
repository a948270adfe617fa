//! The series of a lake: their points in order, with what people said of them, and what the rule says.

use super::identity::hex;
use super::names::{Named, named};
use super::pattern::matches;
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
    /// The unit, where it is another one than the night's before.
    #[serde(skip)]
    pub(super) unit: String,
    /// The identity that it was added with: a series that was renamed has had another one.
    #[serde(skip)]
    pub(super) own_id: [u8; 16],
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
    /// What it was called before (`perfvt lake alias`).
    pub formerly: Vec<String>,
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

impl Series {
    /// Whether a pattern means it, under any of its names.
    pub(super) fn is_of(&self, pattern: &str) -> bool {
        std::iter::once(&self.name).chain(&self.formerly).any(|name| matches(pattern, name))
    }
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

/// What has not expired of what people said.
pub(super) fn valid(said: &[Event]) -> Vec<Event> {
    said.iter().filter(|event| is_valid(event)).cloned().collect()
}

/// Whether what somebody said has not expired.
pub(super) fn is_valid(event: &Event) -> bool {
    event.expires.is_none_or(|until| until.0 > jiff::Timestamp::now().as_microsecond())
}

/// What was measured: the commit of a build, by what told of it, and where commits lie on the first-parent line.
pub(super) struct Commits {
    of: HashMap<(String, String), String>,
    places: BTreeMap<String, Place>,
}

/// Fewest digits of a hash that mean a commit by its beginning, as git has them.
const FEWEST_DIGITS: usize = 7;

impl Commits {
    /// Reads both tables; files that do not read are added to `torn`.
    pub fn read(lake: &Lake, torn: &mut Vec<Torn>) -> Commits {
        let (builds, commits) = (lake.rows::<Build>(), lake.rows::<Commit>());
        torn.extend(builds.torn);
        torn.extend(commits.torn);
        let place = |c: Commit| {
            Some((c.commit.clone(), Place { ordinal: c.ordinal?, commit: c.commit, subject: c.subject }))
        };
        Commits {
            of: builds.rows.into_iter().filter_map(|b| Some(((b.source, b.build_id), b.commit?))).collect(),
            places: commits.rows.into_iter().filter_map(place).collect(),
        }
    }

    /// The commit of a point.
    pub fn of(&self, point: &Point) -> Option<&String> {
        self.of.get(&(point.source.clone(), point.build_id.clone()))
    }

    /// Where a commit lies, by its hash or by a beginning of it that no other one has.
    fn place(&self, commit: &str) -> Option<&Place> {
        if let Some(whole) = self.places.get(commit) {
            return Some(whole);
        }
        let mut found = self.places.range(commit.to_owned()..).take_while(|(id, _)| id.starts_with(commit));
        let (_, first) = found.next().filter(|_| commit.len() >= FEWEST_DIGITS)?;
        found.next().is_none().then_some(first)
    }
}

/// What a lake has, before any rule is applied.
pub(super) struct Gathered {
    named: Vec<Named>,
    around: Around,
    /// Files that do not read.
    pub torn: Vec<Torn>,
}

/// What is known of all points together.
struct Around {
    commits: Commits,
    places: Arc<Vec<Place>>,
    anchors: Anchors,
}

/// Reads the series that were asked for, and files that do not read.
pub(super) fn gather(lake: &Lake, patterns: &[String], said: &[Event]) -> Gathered {
    let points = lake.rows::<Point>();
    let mut torn = points.torn;
    let commits = Commits::read(lake, &mut torn);
    let places = Arc::new(commits.places.values().cloned().collect());
    let anchors = if points.rows.iter().any(|p| p.anchor_build_id.is_some()) {
        let boots = lake.rows::<Boot>();
        torn.extend(boots.torn);
        Anchors::of(&points.rows, boots.rows)
    } else {
        Anchors::default()
    };
    let around = Around { commits, places, anchors };
    Gathered { named: named(points.rows, patterns, said), around, torn }
}

impl Gathered {
    /// How many series there are.
    pub fn len(&self) -> usize {
        self.named.len()
    }

    /// Applies the rule to one after the other.
    pub fn each<'a>(
        &'a self,
        said: &'a [Event],
        alpha: f64,
    ) -> impl Iterator<Item = Result<Series, AnalyzeError>> + 'a {
        self.named.iter().map(move |of| self.around.judged(of, said, alpha))
    }

    /// Applies the rule to each, whose points are let go of then.
    pub fn judged(self, said: &[Event], alpha: f64) -> Result<(Vec<Series>, Vec<Torn>), AnalyzeError> {
        let Gathered { named, around, torn } = self;
        let all = named.into_iter().map(|of| around.judged(&of, said, alpha));
        Ok((all.collect::<Result<_, _>>()?, torn))
    }
}

impl Around {
    fn judged(&self, of: &Named, said: &[Event], alpha: f64) -> Result<Series, AnalyzeError> {
        let means =
            |e: &&Event| std::iter::once(&of.name).chain(&of.formerly).any(|name| matches(&e.series, name));
        let said: Vec<&Event> = said.iter().filter(means).collect();
        let nights = nights(&of.points, &self.commits, &self.anchors, &said);
        let newest = of.points.iter().max_by_key(|p| p.measured_at).cloned().unwrap_or_default();
        let [machine, case, metric] = of.parts.clone();
        let is_log = of.points.iter().any(|p| p.scale == "log");
        Ok(Series {
            places: Arc::clone(&self.places),
            formerly: of.formerly.clone(),
            scale: if is_log { "log".to_owned() } else { newest.scale.clone() },
            machine,
            case,
            metric,
            ..series(hex(&of.id), of.name.clone(), &newest, nights, alpha)?
        })
    }
}

/// Points of a series in order, each campaign's build once.
fn nights(points: &[Point], commits: &Commits, anchors: &Anchors, said: &[&Event]) -> Vec<Night> {
    let whole = points.iter().all(|p| anchors.difference(p).is_some());
    // A value of 0 has no logarithm: its point was added as it is, and is no number among logarithms.
    let is_log = points.iter().any(|p| p.scale == "log");
    let mut out: Vec<Night> = points
        .iter()
        .map(|point| {
            let commit = commits.of(point).cloned();
            let x = if is_log && point.scale != "log" { f64::NAN } else { point.mean };
            let plain = (x, point.sd.map(|sd| sd * sd), point.n);
            let (x, variance, n) = if whole { anchors.difference(point).unwrap_or(plain) } else { plain };
            Night {
                ordinal: commit.as_ref().and_then(|c| Some(commits.place(c)?.ordinal)),
                commit,
                at: point.measured_at.0.div_euclid(1_000_000),
                x,
                se: variance.map(|v| (v / f64::from(n.max(1))).sqrt()),
                n,
                mean: point.mean_raw,
                begins: false,
                left_out: false,
                unit: point.unit.clone(),
                own_id: point.series_id,
                epoch: point.epoch_id,
                variance,
                campaign: point.campaign.clone(),
                build: point.build_id.clone(),
            }
        })
        .collect();
    // By the first-parent line where all are on it: a backfill belongs where its commit does.
    if out.iter().all(|night| night.ordinal.is_some()) {
        out.sort_by(|a, b| (a.ordinal, a.at, &a.campaign).cmp(&(b.ordinal, b.at, &b.campaign)));
    } else {
        out.sort_by(|a, b| (a.at, &a.campaign).cmp(&(b.at, &b.campaign)));
    }
    // Another unit is another level, and no build's doing, as other hardware is.
    let kind = |night: &Night| (night.epoch, night.unit.clone());
    let mut before = out.first().map(kind);
    for night in &mut out {
        let told = |said: &Said| match said {
            Said::Accepted { campaign } | Said::Epoch { campaign } => *campaign == night.campaign,
            _ => false,
        };
        let aside = |said: &Said| matches!(said, Said::SetAside { campaign } if *campaign == night.campaign);
        let now = Some(kind(night));
        night.begins = before != now || said.iter().any(|event| told(&event.said));
        night.left_out = said.iter().any(|event| aside(&event.said));
        before = now;
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
        formerly: Vec::new(),
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
