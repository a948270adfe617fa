//! The tests that are shown beside a verdict and never feed it.

use super::design::Design;
use crate::PValues;
use model::Scale;
use stats::Block;

/// p of every test that can be computed; the permutation only where it is asked for.
pub(super) fn beside(design: &Design<'_>, blocks: Option<&[Block<'_>]>, permute: bool, seed: u64) -> PValues {
    let (a, b) = (design.a, design.b);
    let enough = a.len() >= 2 && b.len() >= 2;
    let blocked = |blocks: &[Block<'_>]| match design.scale {
        Scale::Log => stats::blocked_log(blocks).ok().map(|r| r.test.p),
        Scale::Linear => stats::blocked(blocks).ok().map(|t| t.p),
    };
    PValues {
        student: stats::student(a, b).ok().map(|t| t.p),
        welch: stats::welch(a, b).ok().map(|t| t.p),
        blocked: blocks.and_then(blocked),
        mann_whitney: enough.then(|| stats::mann_whitney(a, b).ok()).flatten().map(|r| r.p),
        permutation: (enough && permute).then(|| stats::permutation(a, b, seed).ok()).flatten().map(|p| p.p),
    }
}
