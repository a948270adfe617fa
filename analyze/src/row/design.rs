//! The one model of a row: its estimate, its intervals, its p; and what is shown beside it.

mod hosts;

pub(super) use hosts::Part;
pub(crate) use hosts::{Hosts, joined_log};

use super::outcome::{Intervals, Outcome, finite, inside_abs, interval, ratio_band};
use crate::verdict::{Estimate, Evidence};
use crate::{Interval, Mde, Model};
use model::Scale;
use stats::{Block, ErrorPart, Look, Moderation, RatioOfGeometricMeans, TTest, Unavailable};

/// Power at which the smallest detectable effect is stated.
pub const POWER: f64 = 0.8;

/// Replicates that each side needs, and complete blocks that the blocked model needs, before anything is tested.
pub(crate) const REPLICATES: usize = 2;

/// What the model needs to know about a row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Design<'a> {
    /// Baseline's replicates; of the blocked model those of complete blocks only.
    pub a: &'a [f64],
    /// Candidate's replicates, likewise.
    pub b: &'a [f64],
    /// Values by block when the plan asks for the blocked model.
    pub blocks: Option<&'a [Block<'a>]>,
    /// The hosts that measured both sides, where they are several.
    pub hosts: Option<&'a Hosts<'a>>,
    /// Student instead of Welch.
    pub student: bool,
    /// Scale; on the log scale all values are positive.
    pub scale: Scale,
    /// m, as a ratio minus 1.
    pub margin: f64,
    /// Smallest difference that matters, in the metric's unit.
    pub margin_abs: Option<f64>,
    /// The metric is deterministic: one value a side says what there is to say.
    pub exact: bool,
    /// Level.
    pub alpha: f64,
    /// The look that the row stands for, when it is one of several.
    pub look: Option<&'a Look>,
    /// What sessions add to the squared error of the difference of logarithms, where they are a part of it.
    pub session: Option<ErrorPart>,
    /// What moderating makes of the error, where the family's rows have a say in it.
    pub moderation: Option<Moderation>,
    /// The smallest detectable effect is asked for: it decides why a row is INCONCLUSIVE, never whether it is.
    pub detectable: bool,
}

impl Design<'_> {
    /// Judges the row by its model.
    pub fn outcome(&self) -> (Outcome, Evidence) {
        let needed = if self.exact && self.are_constant() { 1 } else { REPLICATES };
        let too_few = match self.blocks {
            Some(blocks) => stats::complete_blocks(blocks) < needed,
            None => false,
        };
        let of_hosts = self.hosts.is_some_and(|hosts| !self.is_of_enough_hosts(hosts, needed));
        if self.a.len() < needed || self.b.len() < needed || too_few || of_hosts {
            return (self.descriptive(), Evidence::OneReplicate);
        }
        if self.are_constant() && (self.session.is_none() || self.exact || self.are_equal()) {
            return self.constants();
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
    fn valid(&self, p: f64) -> f64 {
        self.look.map_or(p, |look| look.p(p))
    }

    fn model(&self) -> Model {
        match (self.hosts, self.blocks, self.student) {
            (Some(hosts), ..) => hosts.model(),
            (None, Some(_), _) => Model::Blocked,
            (None, None, true) => Model::Student,
            (None, None, false) => Model::Welch,
        }
    }

    /// Whether each side is one number, repeated.
    fn are_constant(&self) -> bool {
        constant(self.a).is_some() && constant(self.b).is_some()
    }

    /// Whether the means of the sides are one number.
    fn are_equal(&self) -> bool {
        let (a, b) = (stats::mean(self.a).unwrap_or(0.0), stats::mean(self.b).unwrap_or(0.0));
        (b - a).abs() <= ROUNDING * a.abs().max(b.abs())
    }

    /// The smallest difference that matters, where perf.conf names one.
    fn absolute(&self) -> Option<f64> {
        self.margin_abs.filter(|b| *b > 0.0)
    }

    /// The test on the scale of the values.
    pub fn raw_test(&self) -> Result<TTest, Unavailable> {
        if let Some(hosts) = self.hosts {
            return self.joined(hosts, Scale::Linear);
        }
        let test = match self.model() {
            Model::Blocked => stats::blocked(self.blocks.unwrap_or_default()),
            Model::Student => stats::student(self.a, self.b),
            _ => stats::guarded_welch(self.a, self.b),
        };
        let test = test.map(|test| self.moderated(test));
        let Some(session) = self.session else { return test };
        // What sessions do is relative: each mean has its half.
        let (a, b) = (stats::mean(self.a)?, stats::mean(self.b)?);
        let part = ErrorPart { variance: 0.5 * session.variance * (a * a + b * b), ..session };
        with_part(test, b - a, part)
    }

    fn moderated(&self, test: TTest) -> TTest {
        self.moderation.map_or(test, |by| test.moderated(by))
    }

    pub fn log_test(&self) -> Result<RatioOfGeometricMeans, Unavailable> {
        if let Some(hosts) = self.hosts {
            return self.joined(hosts, Scale::Log).map(RatioOfGeometricMeans::of_test);
        }
        let found = match self.model() {
            Model::Blocked => stats::blocked_log(self.blocks.unwrap_or_default()),
            Model::Student => stats::student_log(self.a, self.b),
            _ => stats::guarded_welch_log(self.a, self.b),
        };
        let found = found.map(|found| match self.moderation {
            Some(_) => RatioOfGeometricMeans::of_test(self.moderated(found.test)),
            None => found,
        });
        let Some(session) = self.session else { return found };
        let estimate = (stats::geometric_mean(self.b)? / stats::geometric_mean(self.a)?).ln();
        with_part(found.map(|found| found.test), estimate, session).map(RatioOfGeometricMeans::of_test)
    }

    /// The smallest effect that this test detects, in the unit of its estimate.
    fn detectable(&self, test: &TTest) -> Option<f64> {
        self.detectable.then(|| stats::minimum_detectable(test, self.alpha_here(), POWER).ok())?
    }

    fn fieller(&self, level: f64) -> Option<Interval> {
        if let Some(hosts) = self.hosts {
            return self.fieller_of_hosts(hosts, level);
        }
        let found = match (self.blocks, self.session) {
            (Some(blocks), _) => match self.moderation {
                Some(by) => stats::fieller_blocked_moderated(blocks, by, level),
                None => stats::fieller_blocked(blocks, level),
            },
            (None, Some(session)) => stats::session_fieller(self.a, self.b, session, level),
            (None, None) if let Some(by) = self.moderation => {
                stats::fieller_moderated(self.a, self.b, by, level)
            }
            (None, None) if self.student => stats::fieller_student(self.a, self.b, level),
            (None, None) => stats::guarded_fieller(self.a, self.b, level),
        };
        found.ok().and_then(interval)
    }

    /// The intervals at a level over all looks; nothing where the model has none.
    pub fn intervals(&self, level: f64) -> Intervals {
        let level = self.level(level);
        let diff = self.raw_test().ok().and_then(|test| interval(test.ci(level)));
        let ratio = match self.scale {
            Scale::Log => self.log_test().ok().and_then(|found| interval(found.ci(level))),
            Scale::Linear => self.fieller(level),
        };
        Intervals { ratio, diff }
    }

    /// The means of both sides as the model takes them.
    pub fn levels(&self) -> Result<(f64, f64), Unavailable> {
        if let Some(hosts) = self.hosts {
            return self.levels_of_hosts(hosts);
        }
        let in_order = self.blocks.filter(|blocks| blocks.iter().any(|block| block.b_later.is_some()));
        match in_order.map(stats::block_levels) {
            Some(Ok(levels)) => Ok(levels),
            _ => Ok((stats::mean(self.a)?, stats::mean(self.b)?)),
        }
    }

    fn ratio_of_levels(&self) -> Option<f64> {
        let (a, b) = self.levels().ok()?;
        (a != 0.0).then_some(b / a).and_then(finite)
    }

    /// Point estimates without any test.
    pub fn descriptive(&self) -> Outcome {
        if let Some(hosts) = self.hosts {
            return self.described_by_hosts(hosts);
        }
        let diff = match (stats::mean(self.a), stats::mean(self.b)) {
            (Ok(a), Ok(b)) => finite(b - a),
            _ => None,
        };
        let ratio = match self.scale {
            Scale::Log => match (stats::geometric_mean(self.a), stats::geometric_mean(self.b)) {
                (Ok(a), Ok(b)) => finite(b / a),
                _ => None,
            },
            Scale::Linear => self.ratio_of_levels(),
        };
        Outcome { diff, ratio, ..Outcome::default() }
    }

    /// Whether an estimate lies outside the band: beyond m, and beyond the smallest difference where there is one.
    fn outside(&self, ratio: Option<f64>, diff: f64) -> bool {
        let band = self.ratio_band();
        ratio.is_none_or(|ratio| !band.contains(ratio)) && self.absolute().is_none_or(|b| diff.abs() > b)
    }

    /// The band of ratios.
    fn ratio_band(&self) -> stats::Interval {
        ratio_band(self.scale, self.margin)
    }

    /// Sides of which each is one number (or differences that do not vary beyond rounding): the estimate has no error that
    /// could be seen, so that the intervals are the point. What chance can do is told by the exact permutation test.
    fn constants(&self) -> (Outcome, Evidence) {
        let mut out = self.descriptive();
        let diff = out.diff.unwrap_or(0.0);
        let largest = |values: &[f64]| values.iter().fold(0.0, |m: f64, v| m.max(v.abs()));
        let equal = diff.abs() <= ROUNDING * largest(self.a).max(largest(self.b));
        let point = |x: Option<f64>| x.map(|x| Interval(x, x));
        (out.diff_ci, out.diff_ci90) = (point(out.diff), point(out.diff));
        (out.ratio_ci, out.ratio_ci90) = (point(out.ratio), point(out.ratio));
        let mean_a = stats::mean(self.a).unwrap_or(0.0).abs();
        out.band_abs = match self.scale {
            Scale::Linear => finite((self.margin * mean_a).max(self.absolute().unwrap_or(0.0))),
            Scale::Log => self.absolute(),
        };
        let p = match self.blocks {
            _ if self.hosts.is_some() => self.hosts.map_or(1.0, |hosts| self.p_of_constant_hosts(hosts)),
            Some(blocks) if !self.are_constant() => {
                0.5f64.powf(stats::complete_blocks(blocks) as f64 - 1.0).min(1.0)
            }
            _ => stats::constants_p(self.a.len(), self.b.len()),
        };
        if !equal && !self.exact {
            (out.model, out.p) = (Some(Model::Exact), Some(self.valid(p)));
        }
        let outside_band = self.outside(out.ratio, diff);
        let estimate = Estimate {
            p: self.valid(p),
            up: diff > 0.0,
            outside_band,
            ci90_inside: match self.exact {
                true => self.absolute().is_some_and(|b| diff.abs() <= b),
                false => !outside_band,
            },
            mde_exceeds_band: false,
        };
        (out, Evidence::Constant { equal, estimate })
    }

    fn log(&self) -> (Outcome, Evidence) {
        let found = match self.log_test() {
            Ok(found) => found,
            Err(Unavailable::ZeroVariance) => return self.constants(),
            Err(_) => return (self.descriptive(), Evidence::NoVariance),
        };
        let mut out = self.descriptive();
        let test = found.test;
        if let Ok(raw) = self.raw_test() {
            (out.diff, out.diff_ci) = (finite(raw.estimate).or(out.diff), interval(raw.ci(self.level(0.95))));
            out.diff_ci90 = interval(raw.ci(self.level(0.90)));
        }
        let (ci95, ci90) = match self.look {
            None => (found.ci95, found.ci90),
            Some(_) => (found.ci(self.level(0.95)), found.ci(self.level(0.90))),
        };
        let detectable = self.detectable(&test);
        let p = self.valid(test.p);
        (out.model, out.p) = (Some(self.model()), Some(p));
        (out.ratio, out.ratio_ci, out.ratio_ci90) = (finite(found.ratio), interval(ci95), interval(ci90));
        out.band_abs = self.absolute();
        out.mde = detectable.map(stats::log_effect_as_fractions).and_then(|(up, down)| {
            Some(Mde { up: finite(up).filter(|u| *u < f64::MAX)?, down: -finite(down)? })
        });
        out.test = Some(test);
        let evidence = Estimate {
            p,
            up: test.estimate > 0.0,
            outside_band: self.outside(Some(found.ratio), out.diff.unwrap_or(0.0)),
            ci90_inside: stats::equivalent(&ci90, &self.ratio_band())
                || inside_abs(out.diff_ci90, self.absolute()),
            mde_exceeds_band: detectable.is_none_or(|d| d > self.margin.ln_1p()),
        };
        (out, Evidence::Estimate(evidence))
    }

    /// On the linear scale the ratio's interval is Fieller's, which knows that A's mean is an estimate; it is held against
    /// [1 - m, 1 + m]. A band in the metric's unit is perf.conf's alone. Of a baseline that is 0 in every replicate no share
    /// can be taken: any change of it exceeds any ratio.
    fn linear(&self) -> (Outcome, Evidence) {
        let test = match self.raw_test() {
            Ok(test) => test,
            Err(Unavailable::ZeroVariance) => return self.constants(),
            Err(_) => return (self.descriptive(), Evidence::NoVariance),
        };
        let mut out = self.descriptive();
        let p = self.valid(test.p);
        (out.model, out.p) = (Some(self.model()), Some(p));
        out.test = Some(test);
        let (level95, level90) = (self.level(0.95), self.level(0.90));
        let ci90 = interval(test.ci(level90));
        (out.diff, out.diff_ci, out.diff_ci90) = (finite(test.estimate), interval(test.ci(level95)), ci90);
        out.ratio_ci = self.fieller(level95);
        out.ratio = out.ratio.filter(|_| out.ratio_ci.is_some());
        out.ratio_ci90 = out.ratio_ci.and_then(|_| self.fieller(level90));
        let mean_a = self.levels().map_or(0.0, |(a, _)| a.abs());
        let from_nothing = constant(self.a) == Some(0.0);
        let relative = (out.ratio_ci.is_some() || from_nothing).then_some(self.margin * mean_a);
        let absolute = self.absolute().map(|abs| abs.max(self.margin * mean_a));
        let Some(band) = absolute.or(relative).and_then(finite) else {
            return (out, Evidence::NoScale { p });
        };
        out.band_abs = Some(band);
        let detectable = self.detectable(&test);
        out.mde = detectable.filter(|_| out.ratio_ci.is_some()).and_then(|d| {
            let relative = finite(d / mean_a)?;
            Some(Mde { up: relative, down: -relative })
        });
        let ratio_inside = out
            .ratio_ci90
            .is_some_and(|ci| stats::equivalent(&stats::Interval::new(ci.0, ci.1), &self.ratio_band()));
        let evidence = Estimate {
            p,
            up: test.estimate > 0.0,
            outside_band: test.estimate.abs() > band,
            ci90_inside: ratio_inside || inside_abs(ci90, self.absolute()),
            mde_exceeds_band: detectable.is_none_or(|d| d > band),
        };
        (out, Evidence::Estimate(evidence))
    }
}

/// A test with a further part of its error; where nothing varies within the sides that part is all there is.
fn with_part(test: Result<TTest, Unavailable>, estimate: f64, part: ErrorPart) -> Result<TTest, Unavailable> {
    match test {
        Err(Unavailable::ZeroVariance) => TTest::of_error(estimate, part),
        test => test.map(|test| test.with_error(part)),
    }
}

/// Differences of this many parts of the largest value are those of rounding, as in `stats`.
const ROUNDING: f64 = 8.0 * f64::EPSILON;

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
        hosts: None,
        student: false,
        scale: Scale::Log,
        margin: 0.05,
        margin_abs: None,
        exact: false,
        alpha: 0.05,
        look: None,
        session: None,
        moderation: None,
        detectable: true,
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
    fn any_change_from_nothing_exceeds_any_ratio() {
        let zeros = Design { a: &[0.0; 5], b: &[5.0, 6.0, 7.0, 8.0, 9.0], scale: Scale::Linear, ..DESIGN };
        let (out, evidence) = zeros.outcome();
        let e = estimate(evidence);
        assert!(e.outside_band && e.up && e.p < 0.01 && !e.ci90_inside);
        assert_eq!((out.ratio, out.ratio_ci, out.diff, out.band_abs), (None, None, Some(7.0), Some(0.0)));
        let e = estimate(Design { margin_abs: Some(1.0), ..zeros }.outcome().1);
        assert!(e.outside_band && e.up);
        let e = estimate(Design { margin_abs: Some(20.0), ..zeros }.outcome().1);
        assert!(e.ci90_inside && !e.outside_band);
    }

    #[test]
    fn a_linear_row_whose_baseline_may_be_zero_needs_an_absolute_band() {
        let near = Design { a: &[-1.0, 0.0, 1.5], b: &[1.0, 2.0, 3.0], scale: Scale::Linear, ..DESIGN };
        assert!(matches!(near.outcome().1, Evidence::NoScale { .. }));
        assert!(estimate(Design { margin_abs: Some(20.0), ..near }.outcome().1).ci90_inside);
    }

    #[test]
    fn a_linear_row_is_equivalent_by_the_interval_of_its_ratio() {
        // The difference is certain to lie within half of A's estimated mean, but that mean itself may be smaller.
        let a = [70.0, 130.0, 85.0, 115.0, 100.0];
        let b = [130.0, 131.0, 129.0, 130.0, 130.0];
        let linear = Design { a: &a, b: &b, scale: Scale::Linear, margin: 0.55, ..DESIGN };
        let (out, evidence) = linear.outcome();
        let (diff, ratio) = (out.diff_ci90.unwrap(), out.ratio_ci90.unwrap());
        assert!(diff.1 < 55.0, "{diff:?} lies within m of the mean");
        assert!(ratio.1 > 1.55, "{ratio:?} does not");
        assert!(!estimate(evidence).ci90_inside);
    }

    #[test]
    fn a_smallest_difference_is_honoured_on_the_log_scale_too() {
        let small = Design { a: &[1.0, 1.01, 0.99, 1.0], b: &[1.2, 1.21, 1.19, 1.2], ..DESIGN };
        assert!(estimate(small.outcome().1).outside_band);
        let e = estimate(Design { margin_abs: Some(10.0), ..small }.outcome().1);
        assert!(!e.outside_band && e.ci90_inside);
        assert!(estimate(Design { margin_abs: Some(0.1), ..small }.outcome().1).outside_band);
    }

    fn constants(evidence: Evidence) -> (bool, Estimate) {
        match evidence {
            Evidence::Constant { equal, estimate } => (equal, estimate),
            other => panic!("constants were expected, got {other:?}"),
        }
    }

    #[test]
    fn constants_are_judged_by_the_exact_permutation_test() {
        let same = Design { a: &[5.0, 5.0], b: &[5.0, 5.0, 5.0], ..DESIGN };
        assert!(constants(same.outcome().1).0);
        let other = Design { a: &[5.0; 5], b: &[50.0; 5], ..DESIGN };
        let (out, evidence) = other.outcome();
        let (equal, e) = constants(evidence);
        assert!(!equal && e.up && e.outside_band && !e.ci90_inside);
        assert!((e.p - 2.0 / 252.0).abs() < 1e-12, "{}", e.p);
        assert_eq!((out.model, out.ratio_ci), (Some(Model::Exact), Some(Interval(10.0, 10.0))));
        let near = Design { b: &[5.1; 5], ..other };
        assert!(constants(near.outcome().1).1.ci90_inside, "2 % is less than m");
        assert_eq!(Design { b: &[6.0], ..same }.outcome().1, Evidence::OneReplicate);
        let exact = Design { a: &[1.0], b: &[2.0], exact: true, ..DESIGN };
        assert!(!constants(exact.outcome().1).0, "one run of a deterministic metric suffices");
        assert_eq!(Design { b: &[2.0, 3.0], ..exact }.outcome().1, Evidence::OneReplicate);
    }

    #[test]
    fn the_band_of_differences_of_constants_is_that_of_every_other_row() {
        let one = Design { a: &[7.0; 5], b: &[8.0; 5], margin_abs: Some(2.0), ..DESIGN };
        assert_eq!(one.outcome().0.band_abs, Some(2.0));
        assert_eq!(Design { scale: Scale::Linear, ..one }.outcome().0.band_abs, Some(2.0));
        assert_eq!(Design { margin_abs: None, ..one }.outcome().0.band_abs, None);
    }

    #[test]
    fn students_ratio_has_the_pooled_variance_of_its_p() {
        let (a, b) = ([94.0, 101.0, 100.0], [107.0, 95.0]);
        let student = Design { a: &a, b: &b, scale: Scale::Linear, student: true, ..DESIGN };
        let (of_student, of_welch) = (student.outcome().0, Design { student: false, ..student }.outcome().0);
        assert_eq!(of_student.ratio_ci, interval(stats::fieller_student(&a, &b, 0.95).unwrap()));
        assert_eq!(of_welch.ratio_ci, interval(stats::guarded_fieller(&a, &b, 0.95).unwrap()));
        assert_eq!(student.intervals(0.95).ratio, of_student.ratio_ci);
    }

    #[test]
    fn differences_of_blocks_that_do_not_vary_are_judged_by_their_signs() {
        let blocks = [Block::new(&[1.0], &[2.0]), Block::new(&[2.0], &[3.0])];
        let shifted =
            Design { a: &[1.0, 2.0], b: &[2.0, 3.0], blocks: Some(&blocks), scale: Scale::Linear, ..DESIGN };
        let (equal, e) = constants(shifted.outcome().1);
        assert_eq!((equal, e.p), (false, 0.5));
    }

    #[test]
    fn what_differs_by_rounding_alone_is_equal() {
        // The logarithms lie near 0, the values near 1: what differs is the last bit of 1.
        let next = 1.0 + f64::EPSILON;
        let rounding = Design { a: &[1.0, next, 1.0], b: &[next, 1.0, next], student: true, ..DESIGN };
        assert!(constants(rounding.outcome().1).0);
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
