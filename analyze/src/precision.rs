//! How narrow the intervals of a campaign's cases are, and which of them are alerts: what a stopping rule asks between
//! blocks.
//!
//! The intervals are those of [`compare`], so that what settles a case is what reports show of it.

use crate::options::CompareOptions;
use crate::row::Design;
use crate::sequential::Looks;
use crate::show::show;
use crate::{AnalyzeError, Interval, Loss, Model, Reason, Row, Side, Verdict, compare};
use formats::perf_conf::Conf;
use model::store::{self, RUN_FILE};
use model::{Case, Keys, Role, RunFile, Scale};
use stats::Look;
use std::path::{Path, PathBuf};

/// One case of a campaign, over its gating rows (the primary ones; without any, all) and all its candidates.
#[derive(Clone, Debug, PartialEq)]
pub struct CasePrecision {
    /// Replicates of the row that has fewest.
    pub n: usize,
    /// The largest half-width of the rows' 95 % intervals, as a ratio minus 1; `None` when a row has no interval yet.
    pub half_width: Option<f64>,
    /// A row is REGRESSED, or has changed where no direction says for better or worse.
    pub alert: bool,
}

/// What one row says of its case.
struct Said<'a> {
    case: (&'a str, &'a str, &'a Keys),
    primary: bool,
    n: usize,
    half_width: Option<f64>,
    alert: bool,
}

/// The precision of each of these cases, in their order. `dir` is a campaign's directory; with several environments each
/// is compared with the first, with one its means count.
///
/// # Errors
/// As [`compare`] and [`show`]; a file that is damaged, of which those only say that it is lost.
pub fn precision(
    options: &CompareOptions,
    dir: &Path,
    environments: &[String],
    cases: &[Case],
) -> Result<Vec<CasePrecision>, AnalyzeError> {
    let mut options = options.clone();
    match environments {
        [one] => {
            let path = dir.join(one);
            let run: RunFile = store::read_json(&path.join(RUN_FILE), model::run::RUN_FORMAT)?;
            let looks = Looks::of(&[Some(&run)]);
            let shown = show(&options, &path)?;
            refuse_damage([&shown.side])?;
            let said = shown.rows.iter().map(|row| {
                let look = looks.as_ref().and_then(|l| l.at(row.sample.n, &[None]));
                Said {
                    case: (&row.workload, &row.category, &row.case),
                    primary: row.role == Role::Primary,
                    n: row.sample.n,
                    half_width: of_mean(&row.sample.values, row.scale, look.as_ref()),
                    alert: false,
                }
            });
            Ok(by_case(&said.collect::<Vec<_>>(), cases, &options.conf))
        }
        several => {
            options.paths = several.iter().map(|name| dir.join(name)).collect();
            let comparison = compare(&options)?;
            refuse_damage([&comparison.a].into_iter().chain(&comparison.b))?;
            let said = comparison.rows.iter().map(|row| Said {
                case: (&row.workload, &row.category, &row.case),
                primary: row.role == Role::Primary,
                n: row.n_min,
                half_width: of_row(row),
                alert: row.verdict.is_decided_change() && row.verdict != Verdict::Improved,
            });
            Ok(by_case(&said.collect::<Vec<_>>(), cases, &options.conf))
        }
    }
}

/// What is being measured is not decided on a part of what was.
fn refuse_damage<'a>(sides: impl IntoIterator<Item = &'a Side>) -> Result<(), AnalyzeError> {
    let mut lost = sides.into_iter().flat_map(|side| &side.losses).filter(|loss| loss.what == "file");
    match lost.next() {
        Some(Loss { place, reason, .. }) => {
            Err(AnalyzeError::NotAResult { path: PathBuf::from(place), reason: reason.clone() })
        }
        None => Ok(()),
    }
}

fn by_case(rows: &[Said<'_>], cases: &[Case], conf: &Conf) -> Vec<CasePrecision> {
    let any_primary = rows.iter().any(|r| r.primary);
    let gating = |r: &&Said<'_>| r.primary || !any_primary;
    let mut out = Vec::with_capacity(cases.len());
    for case in cases {
        let of_case: Vec<&Said<'_>> =
            rows.iter().filter(gating).filter(|r| is_case(r.case, case, conf)).collect();
        let mut half_width = (!of_case.is_empty()).then_some(0.0);
        for row in &of_case {
            half_width = half_width.zip(row.half_width).map(|(x, y)| f64::max(x, y));
        }
        out.push(CasePrecision {
            n: of_case.iter().map(|r| r.n).min().unwrap_or(0),
            half_width,
            alert: of_case.iter().any(|r| r.alert),
        });
    }
    out
}

/// Whether a row, with its canonical names, belongs to a case.
pub(crate) fn is_case((workload, category, keys): (&str, &str, &Keys), case: &Case, conf: &Conf) -> bool {
    let section = conf.section(&case.workload);
    let canonical = section.map_or(case.category.as_str(), |s| s.canonical_category(&case.category));
    let same_level =
        |x: &str, y: &str| x == y || matches!((x.parse::<f64>(), y.parse::<f64>()), (Ok(x), Ok(y)) if x == y);
    let has = |(key, level): &(String, String)| {
        let key = section.map_or(key.as_str(), |s| s.canonical(key));
        keys.get(key).is_some_and(|known| same_level(known, level))
    };
    workload == case.workload
        && category == canonical
        && keys.0.len() == case.keys.0.len()
        && case.keys.0.iter().all(has)
}

/// Half the width of a row's interval, as a ratio minus 1. Constants have none that anybody could make narrower.
fn of_row(row: &Row) -> Option<f64> {
    if row.model == Some(Model::Exact) || matches!(row.reason, Some(Reason::Exact | Reason::NoVariance)) {
        return Some(0.0);
    }
    let Interval(low, high) = row.ratio_ci?;
    half_width(stats::Interval::new(low, high), row.scale)
}

/// The same of a design that is simulated.
pub(crate) fn of_design(design: &Design<'_>) -> Option<f64> {
    let varies = |values: &[f64]| values.iter().any(|v| Some(v) != values.first());
    if !varies(design.a) && !varies(design.b) {
        return Some(0.0);
    }
    let Interval(low, high) = design.intervals(0.95).ratio?;
    half_width(stats::Interval::new(low, high), design.scale)
}

fn half_width(ratio: stats::Interval, scale: Scale) -> Option<f64> {
    let half = match scale {
        Scale::Log => (0.5 * (ratio.high / ratio.low).ln()).exp_m1(),
        Scale::Linear => 0.5 * ratio.width(),
    };
    half.is_finite().then_some(half)
}

/// The same of one side's mean: geometric on the log scale; relative to the mean on the linear one.
fn of_mean(values: &[f64], scale: Scale, look: Option<&Look>) -> Option<f64> {
    let level = look.map_or(0.95, |look| 1.0 - look.ordinary_level(0.05));
    let logs: Vec<f64>;
    let on_scale = match scale {
        Scale::Log => {
            logs = values.iter().map(|v| v.ln()).collect();
            &logs
        }
        Scale::Linear => values,
    };
    let ci = match stats::mean_ci(on_scale, level) {
        Err(stats::Unavailable::ZeroVariance) => return Some(0.0),
        other => other.ok()?,
    };
    match scale {
        Scale::Log => half_width(stats::Interval::new(ci.low.exp(), ci.high.exp()), scale),
        Scale::Linear => {
            let half = 0.5 * ci.width() / stats::mean(values).ok()?.abs();
            half.is_finite().then_some(half)
        }
    }
}
