//! The one model of a row: its estimate, its intervals, its p; and what is shown beside it.

use crate::verdict::{Estimate, Evidence};
use crate::{Interval, Mde, Model};
use model::Scale;
use stats::{Block, Look, TTest, Unavailable};

/// Power at which the smallest detectable effect is stated.
pub const POWER: f64 = 0.8;

/// Replicates that each side needs, and complete blocks that the blocked model needs, before anything is tested.
pub(crate) const REPLICATES: usize = 2;

/// What the model needs to know about a row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Design<'a> {
    /// Baseline's replicates.
    pub a: &'a [f64],
    /// Candidate's replicates.
    pub b: &'a [f64],
    /// Values by block when the plan asks for the blocked model.
    pub blocks: Option<&'a [Block<'a>]>,
    /// Student instead of Welch.
    pub student: bool,
    /// Scale; on the log scale all values are positive.
    pub scale: Scale,
    /// m, as a ratio minus 1.
    pub margin: f64,
    /// Smallest difference that matters, in the metric's unit.
    pub margin_abs: Option<f64>,
    /// Level.
    pub alpha: f64,
    /// The look that the row stands for, when it is one of several.
    pub look: Option<&'a Look>,
}

/// Everything that the model says about a row.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outcome {
    pub model: Option<Model>,
    /// The test on the row's scale.
    pub test: Option<TTest>,
    /// The p that the verdict uses: the test's, or the one that is valid at every look.
    pub p: Option<f64>,
    pub diff: Option<f64>,
    pub diff_ci: Option<Interval>,
    pub diff_ci90: Option<Interval>,
    pub ratio: Option<f64>,
    pub ratio_ci: Option<Interval>,
    pub ratio_ci90: Option<Interval>,
    /// Half the width of the band of differences, on the linear scale.
    pub band_abs: Option<f64>,
    pub mde: Option<Mde>,
}

/// A finite number, or none.
pub(crate) fn finite(x: f64) -> Option<f64> {
    x.is_finite().then_some(x)
}

/// An interval with finite ends, or none.
pub(crate) fn interval(i: stats::Interval) -> Option<Interval> {
    (i.low.is_finite() && i.high.is_finite()).then_some(Interval(i.low, i.high))
}

impl Design<'_> {
    /// Judges the row by its model.
    pub fn outcome(&self) -> (Outcome, Evidence) {
        let too_few = match self.blocks {
            Some(blocks) => stats::complete_blocks(blocks) < REPLICATES,
            None => false,
        };
        if self.a.len() < REPLICATES || self.b.len() < REPLICATES || too_few {
            return (self.descriptive(), Evidence::OneReplicate);
        }
        if let (Some(a), Some(b)) = (constant(self.a), constant(self.b)) {
            return (self.descriptive(), Evidence::Constant { equal: a == b });
        }
        match self.scale {
            Scale::Log => self.log(),
            Scale::Linear => self.linear(),
        }
    }

    /// The level of the ordinary interval that has this level over all looks.
    pub fn level(&self, level: f64) -> f64 {
        self.look.map_or(level, |look| 1.0 - look.ordinary_level(1.0 - level))
    }

    /// The level at which this look tests.
    pub fn alpha_here(&self) -> f64 {
        self.look.map_or(self.alpha, |look| look.ordinary_level(self.alpha))
    }

    /// The p that is valid at every look.
    fn p(&self, test: &TTest) -> f64 {
        self.look.map_or(test.p, |look| look.p(test.p))
    }

    fn model(&self) -> Model {
        match (self.blocks, self.student) {
            (Some(_), _) => Model::Blocked,
            (None, true) => Model::Student,
            (None, false) => Model::Welch,
        }
    }

    /// The test on the scale of the values.
    fn raw_test(&self) -> Result<TTest, Unavailable> {
        match self.model() {
            Model::Blocked => stats::blocked(self.blocks.unwrap_or_default()),
            Model::Student => stats::student(self.a, self.b),
            Model::Welch => stats::welch(self.a, self.b),
        }
    }

    /// Point estimates without any test.
    fn descriptive(&self) -> Outcome {
        let diff = match (stats::mean(self.a), stats::mean(self.b)) {
            (Ok(a), Ok(b)) => finite(b - a),
            _ => None,
        };
        let ratio = match self.scale {
            Scale::Log => match (stats::geometric_mean(self.a), stats::geometric_mean(self.b)) {
                (Ok(a), Ok(b)) => finite(b / a),
                _ => None,
            },
            Scale::Linear => stats::ratio_of_means(self.a, self.b).ok().and_then(finite),
        };
        Outcome { diff, ratio, ..Outcome::default() }
    }

    fn log_ratio(&self) -> Result<(f64, stats::Interval, stats::Interval, TTest), Unavailable> {
        let found = match self.model() {
            Model::Blocked => stats::blocked_log(self.blocks.unwrap_or_default()),
            Model::Welch => stats::welch_log(self.a, self.b),
            Model::Student => stats::student_log(self.a, self.b),
        }?;
        let (ci95, ci90) = match self.look {
            None => (found.ci95, found.ci90),
            Some(_) => (found.ci(self.level(0.95)), found.ci(self.level(0.90))),
        };
        Ok((found.ratio, ci95, ci90, found.test))
    }

    fn log(&self) -> (Outcome, Evidence) {
        let mut out = self.descriptive();
        if let Ok(raw) = self.raw_test() {
            (out.diff, out.diff_ci) = (finite(raw.estimate).or(out.diff), interval(raw.ci(self.level(0.95))));
            out.diff_ci90 = interval(raw.ci(self.level(0.90)));
        }
        let Ok((ratio, ci95, ci90, test)) = self.log_ratio() else {
            return (out, Evidence::NoVariance);
        };
        let band = stats::band(self.margin);
        let detectable = stats::minimum_detectable(&test, self.alpha_here(), POWER).ok();
        let p = self.p(&test);
        (out.model, out.p) = (Some(self.model()), Some(p));
        (out.ratio, out.ratio_ci, out.ratio_ci90) = (finite(ratio), interval(ci95), interval(ci90));
        out.mde = detectable.map(stats::log_effect_as_fractions).and_then(|(up, down)| {
            Some(Mde { up: finite(up).filter(|u| *u < f64::MAX)?, down: -finite(down)? })
        });
        out.test = Some(test);
        let evidence = Estimate {
            p,
            up: test.estimate > 0.0,
            outside_band: !band.contains(ratio),
            ci90_inside: stats::equivalent(&ci90, &band),
            mde_exceeds_band: detectable.is_none_or(|d| d > self.margin.ln_1p()),
        };
        (out, Evidence::Estimate(evidence))
    }

    fn linear(&self) -> (Outcome, Evidence) {
        let mut out = self.descriptive();
        let Ok(test) = self.raw_test() else {
            return (out, Evidence::NoVariance);
        };
        let p = self.p(&test);
        (out.model, out.p) = (Some(self.model()), Some(p));
        out.test = Some(test);
        let (level95, level90) = (self.level(0.95), self.level(0.90));
        let ci90 = test.ci(level90);
        (out.diff, out.diff_ci, out.diff_ci90) =
            (finite(test.estimate), interval(test.ci(level95)), interval(ci90));
        let fieller = |level| match self.blocks {
            Some(blocks) => stats::fieller_blocked(blocks, level),
            None => stats::fieller(self.a, self.b, level),
        };
        out.ratio_ci = fieller(level95).ok().and_then(interval);
        out.ratio = out.ratio.filter(|_| out.ratio_ci.is_some());
        out.ratio_ci90 = out.ratio_ci.and_then(|_| fieller(level90).ok()).and_then(interval);
        let mean_a = stats::mean(self.a).unwrap_or(0.0).abs();
        let relative = out.ratio_ci.map(|_| self.margin * mean_a).filter(|b| *b > 0.0);
        let absolute = self.margin_abs.filter(|b| *b > 0.0).map(|abs| abs.max(self.margin * mean_a));
        let Some(band) = absolute.or(relative).and_then(finite) else {
            return (out, Evidence::NoScale { p });
        };
        out.band_abs = Some(band);
        let detectable = stats::minimum_detectable(&test, self.alpha_here(), POWER).ok();
        out.mde = detectable.filter(|_| out.ratio_ci.is_some()).and_then(|d| {
            let relative = finite(d / mean_a)?;
            Some(Mde { up: relative, down: -relative })
        });
        let evidence = Estimate {
            p,
            up: test.estimate > 0.0,
            outside_band: test.estimate.abs() > band,
            ci90_inside: stats::equivalent(&ci90, &stats::Interval::new(-band, band)),
            mde_exceeds_band: detectable.is_none_or(|d| d > band),
        };
        (out, Evidence::Estimate(evidence))
    }
}

/// The number of which all values are copies.
fn constant(values: &[f64]) -> Option<f64> {
    let first = *values.first()?;
    values.iter().all(|v| *v == first).then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DESIGN: Design<'static> = Design {
        a: &[100.0, 101.0, 99.0, 100.5],
        b: &[90.0, 91.0, 89.5, 90.5],
        blocks: None,
        student: false,
        scale: Scale::Log,
        margin: 0.05,
        margin_abs: None,
        alpha: 0.05,
        look: None,
    };

    fn estimate(evidence: Evidence) -> Estimate {
        match evidence {
            Evidence::Estimate(e) => e,
            other => panic!("an estimate was expected, got {other:?}"),
        }
    }

    #[test]
    fn a_log_row_is_a_ratio_of_geometric_means_against_the_ratio_band() {
        let (out, evidence) = DESIGN.outcome();
        let e = estimate(evidence);
        assert!(e.outside_band && !e.up && !e.ci90_inside && e.p < 1e-4);
        let ratio = out.ratio.unwrap();
        assert!((ratio - 0.9013).abs() < 1e-3, "{ratio}");
        let (ci, ci90) = (out.ratio_ci.unwrap(), out.ratio_ci90.unwrap());
        assert!(ci.0 < ci90.0 && ci90.0 < ratio && ratio < ci90.1 && ci90.1 < ci.1);
        let mde = out.mde.unwrap();
        assert!(
            ((1.0 + mde.up) * (1.0 + mde.down) - 1.0).abs() < 1e-12,
            "up and down are one log ratio: {mde:?}"
        );
    }

    #[test]
    fn a_linear_row_without_a_usable_baseline_needs_an_absolute_band() {
        let zeros = Design { a: &[0.0, 0.0, 0.0], b: &[1.0, 2.0, 3.0], scale: Scale::Linear, ..DESIGN };
        let (out, evidence) = zeros.outcome();
        assert!(matches!(evidence, Evidence::NoScale { p } if p < 0.1));
        assert_eq!((out.ratio, out.ratio_ci), (None, None));
        assert_eq!(out.diff, Some(2.0));
        let e = estimate(Design { margin_abs: Some(1.0), ..zeros }.outcome().1);
        assert!(e.outside_band && e.up);
        let e = estimate(Design { margin_abs: Some(10.0), ..zeros }.outcome().1);
        assert!(e.ci90_inside);
    }

    #[test]
    fn constants_single_values_and_shifted_blocks_have_no_test() {
        let same = Design { a: &[5.0, 5.0], b: &[5.0, 5.0, 5.0], ..DESIGN };
        assert_eq!(same.outcome().1, Evidence::Constant { equal: true });
        assert_eq!(Design { b: &[6.0, 6.0], ..same }.outcome().1, Evidence::Constant { equal: false });
        assert_eq!(Design { b: &[6.0], ..same }.outcome().1, Evidence::OneReplicate);
        let blocks = [Block { a: &[1.0], b: &[2.0] }, Block { a: &[2.0], b: &[3.0] }];
        let shifted =
            Design { a: &[1.0, 2.0], b: &[2.0, 3.0], blocks: Some(&blocks), scale: Scale::Linear, ..DESIGN };
        assert_eq!(shifted.outcome().1, Evidence::NoVariance);
    }

    #[test]
    fn student_on_logarithms_takes_rounding_for_no_variance() {
        // The logarithms lie near 0, the values near 1: what differs is the last bit of 1.
        let next = 1.0 + f64::EPSILON;
        let rounding = Design { a: &[1.0, next, 1.0], b: &[next, 1.0, next], student: true, ..DESIGN };
        assert_eq!(rounding.outcome().1, Evidence::NoVariance);
    }

    #[test]
    fn one_look_of_several_widens_every_interval_and_raises_p_and_mde() {
        let look = Look::Planned { boundary: stats::Boundary::of(5, 30), n: 5 };
        let a = [100.0, 101.0, 99.0, 100.5, 100.2];
        let b = [96.0, 95.5, 97.0, 96.5, 96.1];
        for scale in [Scale::Log, Scale::Linear] {
            let once = Design { a: &a, b: &b, scale, ..DESIGN };
            let (one, _) = once.outcome();
            let (several, evidence) = Design { look: Some(&look), ..once }.outcome();
            let wider = |x: Option<Interval>, y: Option<Interval>| {
                let (x, y) = (x.unwrap(), y.unwrap());
                y.0 < x.0 && x.1 < y.1
            };
            assert!(wider(one.ratio_ci, several.ratio_ci) && wider(one.ratio_ci90, several.ratio_ci90));
            assert!(wider(one.diff_ci, several.diff_ci) && wider(one.diff_ci90, several.diff_ci90));
            assert!(one.mde.unwrap().up < several.mde.unwrap().up);
            assert_eq!(one.ratio, several.ratio);
            assert_eq!(estimate(evidence).p, look.p(one.p.unwrap()));
            assert_eq!(one.test, several.test, "the ordinary test stays what it is");
        }
    }

    #[test]
    fn one_constant_side_is_still_tested() {
        let e = estimate(Design { a: &[100.0, 100.0, 100.0], ..DESIGN }.outcome().1);
        assert!(e.p < 0.01);
    }
}
