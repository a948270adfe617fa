//! The same decisions from the definitions of docs/statistics.md and the tests of `stats` alone: a page takes microseconds where
//! the program takes milliseconds. That both say the same of each row is what the tests of every kind begin with.

use super::page::{Judged, Layout, Page, Pair, Said, of_category};
use analyze::{Interval, MIN_BLOCKS_IN_ORDER};
use stats::{Block, ErrorPart, SessionVariance, TTest};

const ALPHA: f64 = 0.05;
/// The share of alpha that scores of categories have at the gate.
const SCORES_SHARE: f64 = 0.2;

/// What the model says of a row, before other rows are looked at.
struct Evidence {
    /// `None`: both sides are one number, the same.
    p: Option<f64>,
    /// The test; `None` where nothing varies.
    test: Option<TTest>,
    /// The estimate leaves the band.
    outside: bool,
    equivalent: bool,
}

impl Page {
    /// What the definitions say.
    pub fn by_model(&self) -> Judged {
        let known =
            (!self.build.iter().all(Vec::is_empty)).then(|| stats::session_variance(&self.build).unwrap());
        let rows: Vec<Evidence> = self.values.iter().map(|pair| self.evidence(pair, known)).collect();
        let tested: Vec<usize> = (0..rows.len()).filter(|row| rows[*row].p.is_some()).collect();
        let p: Vec<f64> = tested.iter().filter_map(|row| rows[*row].p).collect();
        let (q, holm) = (stats::benjamini_hochberg(&p), stats::holm(&p));
        let capped = self.layout == Layout::Sessions && known.is_none();
        let scored = self.metric.log && self.layout != Layout::Sessions && self.values.len() > 1;
        let level = if scored { ALPHA - SCORES_SHARE * ALPHA } else { ALPHA };
        let mut said: Vec<Said> = rows
            .iter()
            .map(|row| Said {
                low: row.p.is_some_and(|p| p <= ALPHA),
                decided: false,
                gates: false,
                equivalent: row.equivalent && (!capped || row.p.is_none()),
            })
            .collect();
        for (place, row) in tested.iter().enumerate() {
            let one = &mut said[*row];
            one.decided = !capped && !one.equivalent && rows[*row].outside && q[place] <= ALPHA;
            one.gates = one.decided && holm[place] <= level;
        }
        let fails = said.iter().any(|row| row.gates) || (scored && self.a_score_fails());
        let decided: Vec<usize> = (0..said.len()).filter(|row| said[*row].decided).collect();
        let chosen = 1.0 - decided.len() as f64 * ALPHA / tested.len().max(1) as f64;
        let of = |test: TTest, level: f64| {
            let ci = test.ci(level);
            Interval(ci.low.exp(), ci.high.exp())
        };
        let intervals = decided.into_iter().filter_map(|row| {
            let test = rows[row].test.filter(|_| self.metric.log)?;
            Some((row, of(test, chosen), of(test, 0.95)))
        });
        Judged { intervals: intervals.collect(), rows: said, fails }
    }

    fn evidence(&self, pair: &Pair, known: Option<SessionVariance>) -> Evidence {
        let constant = |side: &[f64]| side.iter().all(|value| *value == side[0]);
        let [a, b] = pair;
        if constant(a) && constant(b) {
            let outside = self.outside(b[0].ln() - a[0].ln(), b[0] - a[0], a[0]);
            let p = (a[0] != b[0]).then(|| stats::constants_p(a.len(), b.len()));
            return Evidence { p, test: None, outside, equivalent: !outside };
        }
        let m = self.metric.margin;
        if self.metric.log {
            let logs = [a, b].map(|side| self.logs(side));
            let test = self.test(&logs);
            let test =
                known.map_or(test, |k| test.with_error(ErrorPart { variance: 2.0 * k.tau2, df: k.df }));
            let (ci, band) = (test.ci(0.90), m.ln_1p());
            let equivalent = -band <= ci.low && ci.high <= band;
            let outside = self.outside(test.estimate, 0.0, 1.0);
            return Evidence { p: Some(test.p), test: Some(test), outside, equivalent };
        }
        let test = self.test(pair);
        let ci = match self.layout {
            Layout::Campaign => stats::fieller_blocked(&blocks(pair), 0.90),
            _ => stats::guarded_fieller(a, b, 0.90),
        };
        let equivalent = ci.is_ok_and(|ci| 1.0 - m <= ci.low && ci.high <= 1.0 + m);
        let outside = self.outside(0.0, test.estimate, stats::mean(a).unwrap());
        Evidence { p: Some(test.p), test: Some(test), outside, equivalent }
    }

    fn outside(&self, log: f64, difference: f64, mean: f64) -> bool {
        let m = self.metric.margin;
        if self.metric.log { log.abs() > m.ln_1p() } else { difference.abs() > m * mean.abs() }
    }

    fn logs(&self, values: &[f64]) -> Vec<f64> {
        match self.layout {
            Layout::Sessions => values.to_vec(),
            _ => values.iter().map(|value| value.ln()).collect(),
        }
    }

    fn test(&self, pair: &Pair) -> TTest {
        match self.layout {
            Layout::Campaign => stats::blocked(&blocks(pair)).unwrap(),
            _ => stats::guarded_welch(&pair[0], &pair[1]).unwrap(),
        }
    }

    /// Whether the score of a category, the mean of its rows' logarithms in each boot, says that it changed.
    fn a_score_fails(&self) -> bool {
        let tests: Vec<TTest> = self
            .values
            .chunks(of_category(&self.values))
            .map(|rows| {
                let scores = [0, 1].map(|side| -> Vec<f64> {
                    let logs: Vec<Vec<f64>> = rows.iter().map(|pair| self.logs(&pair[side])).collect();
                    let boot =
                        |boot: usize| logs.iter().map(|row| row[boot]).sum::<f64>() / logs.len() as f64;
                    (0..logs[0].len()).map(boot).collect()
                });
                self.test(&scores)
            })
            .collect();
        let holm = stats::holm(&tests.iter().map(|test| test.p).collect::<Vec<_>>());
        let level = SCORES_SHARE * ALPHA;
        tests.iter().zip(holm).any(|(test, p)| p <= level && self.outside(test.estimate, 0.0, 1.0))
    }
}

/// A block for each place; from ten on the order within is a term of the model, and every second block mirrors the one before.
fn blocks(pair: &Pair) -> Vec<Block<'_>> {
    let in_order = pair[0].len() >= MIN_BLOCKS_IN_ORDER;
    Block::pairs(&pair[0], &pair[1], in_order.then_some(true))
}
