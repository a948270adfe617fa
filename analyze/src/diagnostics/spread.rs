//! What single rows show: spread, modes, and means that disagree.

use super::Finding;
use crate::scale::on_scale;
use crate::warnings::note;
use crate::{Model, Row, Verdict, Warning};
use model::{Role, Scale};
use rayon::prelude::*;

/// Spread and shape of the primary rows' values, by the index of the row.
pub(super) fn findings(rows: &[Row]) -> Vec<(usize, Finding)> {
    let judged = |row: &Row| {
        row.role == Role::Primary
            && row.hosts.is_none()
            && row.p_model.is_some()
            && row.model.is_some_and(|m| m != Model::Exact)
    };
    let tested: Vec<Vec<(usize, Finding)>> = (rows.par_iter().enumerate())
        .filter(|(_, row)| judged(row))
        .map(|(index, row)| of_row(row).into_iter().map(|finding| (index, finding)).collect())
        .collect();
    tested.into_iter().flatten().collect()
}

fn of_row(row: &Row) -> Vec<Finding> {
    let (a, b) = (on_scale(&row.a.values, row.scale), on_scale(&row.b.values, row.scale));
    let mut out = Vec::new();
    if let Ok(ratio) = stats::spread(&a, &b) {
        let text =
            format!("the candidate's SD is {:.2} times the baseline's (p = {:.2e})", ratio.sd_ratio, ratio.p);
        let advice = "a change of the spread may matter as much as one of the mean";
        out.push(Finding { p: ratio.p, told: note("variance-ratio", text, advice, 1) });
    }
    for (side, values) in [("baseline", &a), ("candidate", &b)] {
        let Ok(shape) = stats::bimodality(values) else { continue };
        let text = format!(
            "the {side}'s values have more than one mode (dip {:.3}, p = {:.2e})",
            shape.dip, shape.p
        );
        let advice = "find the second mode's cause before trusting a mean";
        out.push(Finding { p: shape.p, told: note("bimodal", text, advice, 1) });
    }
    out
}

/// Says that the two means of a decided log row lie in different zones of the band, so that the choice of the mean decides. Where
/// nothing is decided, nothing depends on it.
pub(super) fn ratio_of_means(row: &Row) -> Option<Warning> {
    let decided = row.verdict.is_decided_change() || row.verdict == Verdict::Equivalent;
    let (ratio, means) = row.ratio.zip(row.ratio_of_means)?;
    if !decided || row.scale != Scale::Log || row.hosts.is_some() || row.model == Some(Model::Exact) {
        return None;
    }
    let band = stats::band(row.min_effect);
    let zone = |r: f64| (r >= band.low, r > band.high);
    (zone(ratio) != zone(means)).then(|| {
        let text = format!(
            "the ratio of geometric means ({ratio:.4}) and that of means ({means:.4}) lie on different sides of the band"
        );
        note("ratio-of-means", text, "look at the single values: a few of them decide", 1)
    })
}
