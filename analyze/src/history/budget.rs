//! How many false alarms there may be, as the alpha that keeps to it.

use super::series::Gathered;
use crate::AnalyzeError;
use lake::Event;
use serde::Serialize;
use stats::{HISTORY_ALPHA, HISTORY_ALPHA_MAX, HISTORY_ALPHA_MIN, history_rate};

/// Nights of a month.
const NIGHTS: f64 = 30.0;
/// The level at which an event is confirmed by a campaign of its builds.
const CONFIRMED_AT: f64 = 0.01;

/// What a number of false alarms a month comes to.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Budget {
    /// What was asked for, a month.
    pub false_alarms: f64,
    /// 2 N / (30 series): the chance of an alarm at a look is half of it.
    pub alpha: f64,
    /// Series, each with a point a night.
    pub series: usize,
    /// The share of points that the rule set aside, at the default alpha.
    pub set_aside: f64,
    /// Steps a month that are to be expected though no level changed, by simulation at that share.
    pub steps: f64,
    /// How many of them a campaign would confirm all the same.
    pub confirmed: f64,
}

impl Budget {
    /// For these series.
    pub(super) fn of(gathered: &Gathered, said: &[Event], a_month: f64) -> Result<Budget, AnalyzeError> {
        let series = gathered.len();
        let refused = |why: String| AnalyzeError::Option(format!("--false-alarms {a_month}/month: {why}"));
        if series == 0 || !a_month.is_finite() || a_month <= 0.0 {
            return Err(refused("want a number above 0, and series".to_owned()));
        }
        let looks = NIGHTS * series as f64;
        let alpha = 2.0 * a_month / looks;
        let of = |alpha: f64| alpha * looks / 2.0;
        let these = format!("{series} series");
        if alpha < HISTORY_ALPHA_MIN * (1.0 - 1e-9) {
            return Err(refused(format!(
                "with {these} that is alpha {alpha:.2e}, and thresholds were simulated from {HISTORY_ALPHA_MIN} on: want at \
                 least {:.2}/month, or fewer series by --series",
                of(HISTORY_ALPHA_MIN)
            )));
        }
        if alpha > HISTORY_ALPHA_MAX * (1.0 + 1e-9) {
            return Err(refused(format!(
                "with {these} that is alpha {alpha:.2e}, and thresholds were simulated up to {HISTORY_ALPHA_MAX}: want at \
                 most {:.2}/month",
                of(HISTORY_ALPHA_MAX)
            )));
        }
        let alpha = alpha.clamp(HISTORY_ALPHA_MIN, HISTORY_ALPHA_MAX);
        let (mut points, mut aside) = (0, 0);
        for series in gathered.each(said, HISTORY_ALPHA) {
            let series = series?;
            points += series.nights.len();
            aside += series.reading.set_aside.len();
        }
        let set_aside = aside as f64 / points.max(1) as f64;
        let floor =
            (history_rate(HISTORY_ALPHA_MIN, set_aside) - history_rate(HISTORY_ALPHA_MIN, 0.0)) * looks;
        if a_month < floor {
            return Err(refused(format!(
                "{:.1} % of the points are set aside, and bad sessions so frequent make some {floor:.1} steps a month at any \
                 alpha: want at least {floor:.1}/month, or a quieter host",
                100.0 * set_aside
            )));
        }
        let steps = history_rate(alpha, set_aside) * looks;
        Ok(Budget { false_alarms: a_month, alpha, series, set_aside, steps, confirmed: steps * CONFIRMED_AT })
    }
}
