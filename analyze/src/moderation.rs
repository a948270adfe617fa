//! Moderated variances (statistics.md): once all rows of a family are known, each one's model is computed again with the
//! variance that its own values and those of the family say together. It stays the row's one model.

use crate::ModelTest;
use crate::family::Members;
use crate::options::{CompareOptions, VarianceChoice};
use crate::row::{Design, blocks_of, design_of, finite};
use crate::verdict::{Evidence, Judgement};
use crate::warnings::note;
use crate::{CommonVariance, Model, Moderated, Row};
use model::Scale;
use rayon::prelude::*;
use stats::{ErrorPart, VariancePrior};

/// Rows of one scale from which on they say something of one another: of fewer, d0 is chance.
const MIN_ROWS: usize = 8;

/// Moderates the rows of every family, one for each candidate, and gives what the variances of each have in common.
pub(crate) fn moderate(
    rows: &mut [Row],
    judgements: &mut [Judgement],
    options: &CompareOptions,
    candidates: usize,
) -> Vec<Vec<CommonVariance>> {
    if options.variance == VarianceChoice::Own {
        return vec![Vec::new(); candidates];
    }
    let members = Members::among(rows.iter().map(|row| row.role));
    let mut out = Vec::with_capacity(candidates);
    for candidate in 0..candidates {
        let mut of_family = Vec::new();
        for scale in [Scale::Log, Scale::Linear] {
            let belongs =
                |row: &Row| row.candidate == candidate && row.scale == scale && members.has(row.role);
            let of_scale: Vec<(&mut Row, &mut Judgement)> = (rows.iter_mut().zip(judgements.iter_mut()))
                .filter(|(row, judgement)| belongs(row) && has_variance(judgement))
                .collect();
            of_family.extend(together(of_scale, scale, options.alpha));
        }
        out.push(of_family);
    }
    out
}

/// Whether the row's p is that of a variance.
fn has_variance(judgement: &Judgement) -> bool {
    judgement.testable_p().is_some()
        && matches!(judgement.evidence, Evidence::Estimate(_) | Evidence::NoScale { .. })
}

/// Moderates the rows of one scale, where enough of them can be.
fn together(of_scale: Vec<(&mut Row, &mut Judgement)>, scale: Scale, alpha: f64) -> Option<CommonVariance> {
    let mut found: Vec<(&mut Row, &mut Judgement, ErrorPart)> = Vec::with_capacity(of_scale.len());
    for (row, judgement) in of_scale {
        match own_variance(row, alpha) {
            Ok(own) => found.push((row, judgement, own)),
            Err(why) => keep_own(row, why),
        }
    }
    let own: Vec<ErrorPart> = found.iter().map(|(_, _, own)| *own).collect();
    let prior = if own.len() < MIN_ROWS { None } else { stats::variance_prior(&own).ok() };
    let Some(prior) = prior else {
        for (row, ..) in found {
            keep_own(row, "fewer than 8 rows of the family can be moderated together");
        }
        return None;
    };
    found.into_par_iter().for_each(|(row, judgement, own)| judge_again(row, judgement, own, &prior, alpha));
    Some(CommonVariance { scale, variance: prior.variance, df: finite(prior.df), rows: prior.rows })
}

/// Says that a row's model is as without moderation.
fn keep_own(row: &mut Row, why: &str) {
    row.warnings.push(note("own-variance", format!("the row keeps its own variance: {why}"), "", 1));
}

/// The variance of a row in which it is comparable to others, with its degrees of freedom; or why it is not.
///
/// Between two sides it is pooled. Of sides of equal size the error is then that of Welch's test all the same; of others it
/// would be another one, and where the smaller side spreads more a far too small one.
fn own_variance(row: &Row, alpha: f64) -> Result<ErrorPart, &'static str> {
    if row.hosts.is_some() {
        return Err("its error is that of several hosts");
    }
    if row.model == Some(Model::Welch) && row.a.n != row.b.n {
        return Err("its sides differ in size");
    }
    if row.scale == Scale::Linear && row.ratio_ci.is_none() {
        return Err("its baseline may be 0, so that its variance is no share of anything");
    }
    let blocks = blocks_of(row);
    let design = Design { detectable: false, ..design_of(row, blocks.as_deref(), None, alpha, None) };
    let test = design.outcome().0.test.ok_or("it has none")?;
    let (n_a, n_b) = (row.a.n as f64, row.b.n as f64);
    let (unit, df) = match blocks.as_deref() {
        Some(blocks) => (stats::block_share(blocks).map_err(|_| "it has none")?, test.df),
        None => (1.0 / n_a + 1.0 / n_b, n_a + n_b - 2.0),
    };
    let base = if row.scale == Scale::Linear { design.levels().map_or(1.0, |(a, _)| a) } else { 1.0 };
    let variance = (test.se / base).powi(2) / unit;
    if !(variance > 0.0 && variance.is_finite()) {
        return Err("it is beyond any number");
    }
    Ok(ErrorPart { variance, df })
}

/// The row's model, computed with its moderated variance.
fn judge_again(row: &mut Row, judgement: &mut Judgement, own: ErrorPart, prior: &VariancePrior, alpha: f64) {
    let found = prior.moderated(own);
    row.moderated =
        Some(Moderated { own: own.variance, own_df: own.df, variance: found.variance, df: found.df });
    let (outcome, evidence) = {
        let blocks = blocks_of(row);
        design_of(row, blocks.as_deref(), None, alpha, None).outcome()
    };
    judgement.evidence = evidence;
    (row.diff, row.diff_ci, row.diff_ci90) = (outcome.diff, outcome.diff_ci, outcome.diff_ci90);
    (row.ratio, row.ratio_ci, row.ratio_ci90) = (outcome.ratio, outcome.ratio_ci, outcome.ratio_ci90);
    (row.p_model, row.band_abs, row.mde) = (outcome.p, outcome.band_abs, outcome.mde);
    row.test = outcome.test.as_ref().and_then(ModelTest::of);
}
