//! What is shown beside a verdict and never feeds it: the other tests, and diagnostics of the values.

use super::design::Design;
use crate::warnings::note;
use crate::{PValues, Warning};
use model::Scale;
use stats::Block;

/// p below which a diagnostic warns.
pub(crate) const DIAGNOSTIC_ALPHA: f64 = 0.01;

/// Spread and shape of a primary row's values.
pub(super) fn diagnose(design: &Design<'_>, out: &mut Vec<Warning>) {
    let on_scale = |values: &[f64]| -> Vec<f64> {
        match design.scale {
            Scale::Log => values.iter().map(|v| v.ln()).collect(),
            Scale::Linear => values.to_vec(),
        }
    };
    let (a, b) = (on_scale(design.a), on_scale(design.b));
    if let Ok(ratio) = stats::variance_ratio(&a, &b)
        && ratio.p < DIAGNOSTIC_ALPHA
    {
        let text =
            format!("the candidate's SD is {:.2} times the baseline's (p = {:.2e})", ratio.sd_ratio, ratio.p);
        out.push(note(
            "variance-ratio",
            text,
            "a change of the spread may matter as much as one of the mean",
            1,
        ));
    }
    for (side, values) in [("baseline", &a), ("candidate", &b)] {
        if let Ok(shape) = stats::bimodality(values)
            && shape.p < DIAGNOSTIC_ALPHA
        {
            let text = format!(
                "the {side}'s values have more than one mode (dip {:.3}, p = {:.2e})",
                shape.dip, shape.p
            );
            out.push(note("bimodal", text, "find the second mode's cause before trusting a mean", 1));
        }
    }
}

/// The tests that are shown beside the verdict and never feed it.
pub(crate) struct Beside {
    /// p of each that could be computed.
    pub p: PValues,
    mann_whitney_floor: f64,
    permutation_floor: f64,
}

impl Beside {
    pub fn of(design: &Design<'_>, blocks: Option<&[Block<'_>]>, permute: bool, seed: u64) -> Beside {
        let (a, b) = (design.a, design.b);
        let enough = a.len() >= 2 && b.len() >= 2;
        let blocked = |blocks: &[Block<'_>]| match design.scale {
            Scale::Log => stats::blocked_log(blocks).ok().map(|r| r.test.p),
            Scale::Linear => stats::blocked(blocks).ok().map(|t| t.p),
        };
        let ranks = if enough { stats::mann_whitney(a, b).ok() } else { None };
        let permutation = if enough && permute { stats::permutation(a, b, seed).ok() } else { None };
        let p = PValues {
            student: stats::student(a, b).ok().map(|t| t.p),
            welch: stats::welch(a, b).ok().map(|t| t.p),
            blocked: blocks.and_then(blocked),
            mann_whitney: ranks.map(|r| r.p),
            permutation: permutation.map(|p| p.p),
        };
        Beside {
            p,
            mann_whitney_floor: ranks.map_or(1.0, |r| r.smallest_p),
            permutation_floor: permutation.map_or(1.0, |p| p.smallest_p),
        }
    }

    /// Names the tests on the other side of alpha. One that cannot reach alpha does not count.
    pub fn disagreement(&self, model_p: f64, alpha: f64, out: &mut Vec<Warning>) {
        let tests = [
            ("Student", self.p.student, 0.0),
            ("Welch", self.p.welch, 0.0),
            ("Mann-Whitney", self.p.mann_whitney, self.mann_whitney_floor),
            ("permutation", self.p.permutation, self.permutation_floor),
        ];
        let others: Vec<String> = tests
            .iter()
            .filter(|(_, _, floor)| *floor <= alpha)
            .filter_map(|(name, p, _)| {
                p.filter(|p| (*p <= alpha) != (model_p <= alpha)).map(|p| format!("{name} p = {p:.3}"))
            })
            .collect();
        if !others.is_empty() {
            let text =
                format!("the model's p is {model_p:.3}, on the other side of {alpha}: {}", others.join(", "));
            out.push(note(
                "tests-disagree",
                text,
                "the verdict follows the model; treat it as a close call",
                1,
            ));
        }
    }
}
