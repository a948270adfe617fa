//! Blocks of a plan, within which both environments were measured.

use super::common::{Unavailable, logs, magnitude};
use super::moments::mean;

/// One block of a plan: the replicates that both environments have in it, usually one each.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Block<'a> {
    /// Baseline values of the block.
    pub a: &'a [f64],
    /// Candidate values of the block.
    pub b: &'a [f64],
    /// Whether the candidate came after the baseline, where the place within a block is a term of the model.
    pub b_later: Option<bool>,
}

impl<'a> Block<'a> {
    /// A block of which the order is no part of the model.
    pub const fn new(a: &'a [f64], b: &'a [f64]) -> Block<'a> {
        Block { a, b, b_later: None }
    }

    /// Blocks of one value of each side, which change places from block to block. `first`: whether the candidate came later in
    /// the first block; without it the order is no part of the model.
    pub fn pairs(a: &'a [f64], b: &'a [f64], first: Option<bool>) -> Vec<Block<'a>> {
        let later = |at: usize| first.map(|first| first == at.is_multiple_of(2));
        let pairs = a.chunks(1).zip(b.chunks(1)).enumerate();
        pairs.map(|(at, (a, b))| Block { a, b, b_later: later(at) }).collect()
    }

    /// Whether both environments have a value in the block.
    pub fn is_complete(&self) -> bool {
        !self.a.is_empty() && !self.b.is_empty()
    }
}

/// How many of the blocks hold both environments.
pub fn complete_blocks(blocks: &[Block<'_>]) -> usize {
    blocks.iter().filter(|block| block.is_complete()).count()
}

/// Means of A and B within each complete block, in the order of the blocks.
pub(super) fn block_means(blocks: &[Block<'_>]) -> Result<(Vec<f64>, Vec<f64>), Unavailable> {
    let complete = || blocks.iter().filter(|block| block.is_complete());
    let a: Result<Vec<f64>, _> = complete().map(|block| mean(block.a)).collect();
    let b: Result<Vec<f64>, _> = complete().map(|block| mean(block.b)).collect();
    Ok((a?, b?))
}

/// [`block_means`] of logarithms, and the magnitude whose rounding they carry: a relative error of a value is an absolute one
/// of its logarithm, hence at least 1.
pub(super) fn block_log_means(blocks: &[Block<'_>]) -> Result<(Vec<f64>, Vec<f64>, f64), Unavailable> {
    let (mut of_a, mut of_b, mut floor) = (Vec::new(), Vec::new(), 1.0_f64);
    for block in blocks.iter().filter(|block| block.is_complete()) {
        let (a, b) = (logs(block.a)?, logs(block.b)?);
        floor = floor.max(magnitude(&a)).max(magnitude(&b));
        of_a.push(mean(&a)?);
        of_b.push(mean(&b)?);
    }
    Ok((of_a, of_b, floor))
}

/// B - A of each block.
pub(super) fn differences(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| b - a).collect()
}
