//! Sessions: how much the means of campaigns of one build lie apart, and what that adds to the error of a difference.
//!
//! Everything within a session shares what the session does to it, so that more replicates do not average it away: of two
//! sides of one session each, `SE² = 2 tau² + sigma²/nA + sigma²/nB`. tau² comes from several sessions of one build, pooled
//! over rows, because few sessions of one row tell little of it.

use serde::{Deserialize, Serialize};

use super::common::{Interval, Unavailable, finite};
use super::moments::{mean, mean_sd};
use super::ratio::{RatioOfGeometricMeans, fieller_roots};
use super::tdist::{t_critical, t_two_sided_p};
use super::ttest::TTest;

/// A variance, such as a part of a squared standard error, and the degrees of freedom with which it is known.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ErrorPart {
    /// The variance, 0 or more.
    pub variance: f64,
    /// Its degrees of freedom, > 0.
    pub df: f64,
}

impl ErrorPart {
    /// The sum of independent parts, with the degrees of freedom of Satterthwaite (1946).
    fn sum(parts: &[ErrorPart]) -> ErrorPart {
        let variance: f64 = parts.iter().map(|part| part.variance).sum();
        let spread: f64 = parts.iter().map(|part| (part.variance / variance).powi(2) / part.df).sum();
        ErrorPart { variance, df: 1.0 / spread }
    }
}

impl TTest {
    /// The same estimate with a further, independent part of its error. A part of 0 changes nothing.
    pub fn with_error(&self, part: ErrorPart) -> TTest {
        if part.variance <= 0.0 {
            return *self;
        }
        let own = ErrorPart { variance: self.se * self.se, df: self.df };
        TTest::of_error(self.estimate, ErrorPart::sum(&[own, part])).unwrap_or(*self)
    }

    /// The test of an estimate whose error is known from elsewhere.
    ///
    /// # Errors
    /// The error is 0, or a number is not finite.
    pub fn of_error(estimate: f64, error: ErrorPart) -> Result<TTest, Unavailable> {
        if error.variance <= 0.0 {
            return Err(Unavailable::ZeroVariance);
        }
        let se = finite(error.variance)?.sqrt();
        let t = (finite(estimate)? / se).clamp(f64::MIN, f64::MAX);
        Ok(TTest { estimate, se, df: finite(error.df)?, t, p: t_two_sided_p(t, error.df) })
    }
}

impl RatioOfGeometricMeans {
    /// The ratio that belongs to a test of logarithms.
    pub fn of_test(test: TTest) -> RatioOfGeometricMeans {
        Self::from_log(test)
    }
}

/// Fieller's interval where sessions are a part of the error of both means: `session` is the part of the difference of two
/// logarithms, of which each mean has one half, relative to itself. One value a side is enough, but A's mean must be clear
/// of 0 at this level.
///
/// # Errors
/// There is no bounded interval, or nothing varies.
pub fn session_fieller(
    a: &[f64],
    b: &[f64],
    session: ErrorPart,
    level: f64,
) -> Result<Interval, Unavailable> {
    let (mean_a, mean_b) = (mean(a)?, mean(b)?);
    if mean_a == 0.0 {
        return Err(Unavailable::Unbounded);
    }
    let own = |values: &[f64]| -> Result<ErrorPart, Unavailable> {
        let n = values.len() as f64;
        let variance = if values.len() < 2 { 0.0 } else { (mean_sd(values)?.1 / mean_a).powi(2) / n };
        Ok(ErrorPart { variance, df: (n - 1.0).max(1.0) })
    };
    let (a, b, ratio) = (own(a)?, own(b)?, mean_b / mean_a);
    let half = ErrorPart { variance: 0.5 * session.variance, df: session.df };
    let of_b = ErrorPart { variance: half.variance * ratio * ratio, ..half };
    let square = ratio * ratio;
    let of_ratio = ErrorPart::sum(&[
        ErrorPart { variance: a.variance * square, ..a },
        b,
        // One estimate of what sessions do stands in both means.
        ErrorPart { variance: session.variance * square, ..session },
    ]);
    if !(of_ratio.variance > 0.0 || of_b.variance > 0.0) {
        return Err(Unavailable::ZeroVariance);
    }
    let df = if of_ratio.df.is_finite() { of_ratio.df } else { session.df };
    fieller_roots(ratio, a.variance + half.variance, b.variance + of_b.variance, 0.0, t_critical(level, df))
}

/// How much sessions differ.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SessionVariance {
    /// tau²: the variance between sessions of what they do to all of their boots.
    pub tau2: f64,
    /// Degrees of freedom of tau².
    pub df: f64,
    /// sigma²: the variance between boots of a session.
    pub sigma2: f64,
    /// Degrees of freedom of sigma².
    pub sigma2_df: f64,
    /// Boots of a row in a session, the harmonic mean.
    pub n: f64,
    /// Sessions, the largest number that a row has.
    pub sessions: usize,
    /// Rows that it was pooled over.
    pub rows: usize,
}

/// One row of which the sessions are known.
struct RowOf {
    /// Variance between the means of its sessions.
    between: f64,
    between_df: f64,
    /// Variance within its sessions.
    within: f64,
    within_df: f64,
    /// Mean over sessions of 1 / boots.
    inverse_n: f64,
    /// The means, centred and of length 1; nothing where they are all the same.
    direction: Vec<f64>,
}

impl RowOf {
    /// What the variance of the session means is expected to be.
    fn expected(&self, tau2: f64) -> f64 {
        tau2 + self.within * self.inverse_n
    }

    fn of(sessions: &[Vec<f64>]) -> Result<Option<RowOf>, Unavailable> {
        let used: Vec<&Vec<f64>> = sessions.iter().filter(|values| !values.is_empty()).collect();
        if used.len() < 2 {
            return Ok(None);
        }
        let means = used.iter().map(|values| mean(values)).collect::<Result<Vec<f64>, _>>()?;
        let (centre, sd) = mean_sd(&means)?;
        let (mut squares, mut within_df) = (0.0, 0.0);
        for values in used.iter().filter(|values| values.len() > 1) {
            let df = values.len() as f64 - 1.0;
            squares += df * mean_sd(values)?.1.powi(2);
            within_df += df;
        }
        let count = used.len() as f64;
        let length = sd * (count - 1.0).sqrt();
        // Directions are compared between rows that have every session.
        let whole = used.len() == sessions.len() && length > 0.0;
        let direction =
            if whole { means.iter().map(|m| (m - centre) / length).collect() } else { Vec::new() };
        Ok(Some(RowOf {
            between: sd * sd,
            between_df: count - 1.0,
            within: if within_df > 0.0 { squares / within_df } else { 0.0 },
            within_df,
            inverse_n: used.iter().map(|values| 1.0 / values.len() as f64).sum::<f64>() / count,
            direction,
        }))
    }
}

/// The variance between sessions of one build, pooled over rows: of each row the values of each session, as logarithms or
/// relative to the row's mean. The same session has the same place in every row; it may be empty.
///
/// tau² is what the variance of session means has beyond sigma²/n. Its degrees of freedom are fewer than rows × (sessions − 1),
/// for two reasons. Rows that a session moves together tell less than as many independent ones: by the mean squared
/// correlation of their session means. And rows that sessions move by different amounts make the pooled variance a poor
/// guess of any one of them: by the spread of the rows' variances beyond that of chance, as of a scaled inverse chi-square.
///
/// # Errors
/// No row has two sessions, or a value is not finite.
pub fn session_variance(rows: &[Vec<Vec<f64>>]) -> Result<SessionVariance, Unavailable> {
    let mut found = Vec::new();
    for row in rows {
        found.extend(RowOf::of(row)?);
    }
    let between_df: f64 = found.iter().map(|row| row.between_df).sum();
    let within_df: f64 = found.iter().map(|row| row.within_df).sum();
    if found.is_empty() {
        return Err(Unavailable::TooFew { needed: 2, found: 1 });
    }
    let tau2 = finite(between_sessions(&found))?;
    let expected = |row: &RowOf| row.expected(tau2);
    let sigma2 = found.iter().map(|r| r.within_df * r.within).sum::<f64>() / within_df.max(1.0);
    // Var of tau² is 2 / sum of (sessions - 1) / E² over independent rows that the model fits.
    let known = found.iter().map(|r| r.between_df * (tau2 / expected(r)).powi(2)).sum::<f64>();
    let together = 1.0 + (found.len() as f64 - 1.0) * common(&found);
    let df = 2.0 / (2.0 * together / known + spread(&found, tau2));
    let inverse_n = found.iter().map(|r| r.inverse_n).sum::<f64>() / found.len() as f64;
    Ok(SessionVariance {
        tau2,
        df: if tau2 > 0.0 { finite(df)?.max(1.0) } else { between_df },
        sigma2: finite(sigma2)?,
        sigma2_df: within_df,
        n: 1.0 / inverse_n,
        sessions: rows.iter().map(|row| row.iter().filter(|s| !s.is_empty()).count()).max().unwrap_or(0),
        rows: found.len(),
    })
}

/// tau² of rows of different noise: the weighted mean of what the variance of each row's session means has beyond sigma²/n,
/// weighted by how well the row tells it (1/E², E what its variance is expected to be), which depends on tau² itself.
fn between_sessions(rows: &[RowOf]) -> f64 {
    let largest = rows.iter().map(|r| r.between).fold(0.0, f64::max);
    let mut tau2 = rows.iter().map(|r| r.between).sum::<f64>() / rows.len() as f64;
    for _ in 0..100 {
        let (mut sum, mut weights) = (0.0, 0.0);
        for row in rows {
            let weight = row.between_df * (largest / row.expected(tau2).max(1e-9 * largest)).powi(2);
            sum += weight * (row.between - row.within * row.inverse_n);
            weights += weight;
        }
        let next = (sum / weights).max(0.0);
        let done = (next - tau2).abs() <= 1e-9 * tau2;
        tau2 = if next.is_finite() { next } else { 0.0 };
        if done {
            break;
        }
    }
    tau2
}

/// The squared correlation between rows of what sessions do to them, 0 to 1.
fn common(rows: &[RowOf]) -> f64 {
    let all: Vec<&[f64]> = rows.iter().map(|r| r.direction.as_slice()).filter(|d| !d.is_empty()).collect();
    let (count, sessions) = (all.len() as f64, all.first().map_or(0, |d| d.len()));
    if count < 2.0 {
        return 0.0;
    }
    let pairs = count * (count - 1.0);
    if sessions == 2 {
        // Two means lie in one direction or its opposite: what they have in common shows in how often it is the same.
        let sum: f64 = all.iter().filter_map(|d| d.first()).map(|x| x.signum()).sum();
        return (((sum * sum - count) / pairs).clamp(0.0, 1.0) * std::f64::consts::FRAC_PI_2).sin().powi(2);
    }
    let mut squares = 0.0;
    for i in 0..sessions {
        for j in 0..sessions {
            let product = |d: &&[f64]| d.get(i).zip(d.get(j)).map_or(0.0, |(x, y)| x * y);
            squares += all.iter().map(product).sum::<f64>().powi(2);
        }
    }
    let (mean_square, by_chance) = ((squares - count) / pairs, 1.0 / (sessions as f64 - 1.0));
    ((mean_square - by_chance) / (1.0 - by_chance)).clamp(0.0, 1.0)
}

/// The squared coefficient of variation of a row's true variance about the expected one, as 2/df of the inverse chi-square
/// that has it (df above 4).
fn spread(rows: &[RowOf], tau2: f64) -> f64 {
    let ratios: Vec<(f64, f64)> = rows
        .iter()
        .filter(|r| r.expected(tau2) > 0.0)
        .map(|r| (r.between / r.expected(tau2), 2.0 / r.between_df))
        .collect();
    let count = ratios.len() as f64;
    if count < 2.0 {
        return 0.0;
    }
    let mean = ratios.iter().map(|(x, _)| x).sum::<f64>() / count;
    let seen = ratios.iter().map(|(x, _)| (x / mean - 1.0).powi(2)).sum::<f64>() / (count - 1.0);
    let chance = ratios.iter().map(|(_, by)| by).sum::<f64>() / count;
    let truly = ((seen - chance) / (1.0 + chance)).max(0.0);
    if truly > 0.0 { 2.0 / (4.0 + 2.0 / truly) } else { 0.0 }
}
