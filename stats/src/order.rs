//! The place within a block as a term of the blocked model.
//!
//! Of each block the difference B - A is `delta + pi` where B came later and `delta - pi` where A did. Without the term pi is
//! a part of the error; with it delta is the mean of the two orders' means, for one degree of freedom.

use super::block::{Block, block_log_means, block_means, differences};
use super::common::{Unavailable, is_rounding, magnitude};
use super::moments::mean;

/// Whether B came later in each of the complete blocks, both orders among them.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Orders(Vec<bool>);

/// Values of blocks, taken apart.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Split {
    /// The mean of the two orders' means.
    pub level: f64,
    /// Half of what the orders differ by: what the later place does to a difference.
    pub place: f64,
    /// What is left of each value.
    pub rest: Vec<f64>,
    /// SD of that, with the degrees of freedom of [`Orders::df`].
    pub sd: f64,
}

impl Orders {
    /// The orders of the complete blocks; nothing where one does not tell its own.
    fn of(blocks: &[Block<'_>]) -> Result<Option<Orders>, Unavailable> {
        let complete = blocks.iter().filter(|block| block.is_complete());
        let Some(orders) = complete.map(|block| block.b_later).collect::<Option<Vec<bool>>>() else {
            return Ok(None);
        };
        let later = orders.iter().filter(|later| **later).count();
        match orders.len() {
            0 => Ok(None),
            n if n < 3 || later == 0 || later == n => Err(Unavailable::TooFew { needed: 3, found: n }),
            _ => Ok(Some(Orders(orders))),
        }
    }

    /// Degrees of freedom of what is left: blocks - 2.
    pub fn df(&self) -> f64 {
        self.0.len() as f64 - 2.0
    }

    /// How often each order is there: B earlier, B later.
    fn counts(&self) -> (f64, f64) {
        let later = self.0.iter().filter(|later| **later).count();
        ((self.0.len() - later) as f64, later as f64)
    }

    /// The squared error of a level, in units of the variance of what is left: 1/blocks where there are as many of each order.
    pub fn share(&self) -> f64 {
        let (earlier, later) = self.counts();
        0.25 * (1.0 / earlier + 1.0 / later)
    }

    /// Takes values of the blocks apart.
    pub fn split(&self, values: &[f64]) -> Split {
        let (earlier, later) = self.counts();
        let mean = |which: bool, count: f64| -> f64 {
            let of = values.iter().zip(&self.0).filter(|(_, later)| **later == which);
            of.map(|(value, _)| value / count).sum()
        };
        let (earlier, later) = (mean(false, earlier), mean(true, later));
        let own = |is_later: bool| if is_later { later } else { earlier };
        let rest: Vec<f64> = values.iter().zip(&self.0).map(|(value, later)| value - own(*later)).collect();
        let unit = magnitude(&rest);
        let squares: f64 = rest.iter().map(|r| (r / unit).powi(2)).sum();
        let sd = if unit > 0.0 { unit * (squares / self.df()).sqrt() } else { 0.0 };
        Split { level: earlier / 2.0 + later / 2.0, place: later / 2.0 - earlier / 2.0, rest, sd }
    }
}

/// The orders where they are a term of the model; not where these differences vary within no order.
pub(super) fn orders_that_count(
    blocks: &[Block<'_>],
    differences: &[f64],
    floor: f64,
) -> Result<Option<Orders>, Unavailable> {
    Ok(Orders::of(blocks)?.filter(|orders| !is_rounding(orders.split(differences).sd, floor)))
}

/// What the later place in a block does to its value, by differences of the values or of their logarithms.
///
/// # Errors
/// The place is no term of the model, or there are too few blocks.
pub fn place_in_block(blocks: &[Block<'_>], log: bool) -> Result<f64, Unavailable> {
    let (a, b) = if log { block_log_means(blocks).map(|(a, b, _)| (a, b))? } else { block_means(blocks)? };
    Orders::of(blocks)?.map(|orders| orders.split(&differences(&a, &b)).place).ok_or(Unavailable::Domain)
}

/// The means of both sides over complete blocks, as the blocked model takes them: of both orders alike where the place is a
/// term of the model.
///
/// # Errors
/// There are too few blocks.
pub fn block_levels(blocks: &[Block<'_>]) -> Result<(f64, f64), Unavailable> {
    let (a, b) = block_means(blocks)?;
    let floor = magnitude(&a).max(magnitude(&b));
    match orders_that_count(blocks, &differences(&a, &b), floor)? {
        Some(orders) => Ok((orders.split(&a).level, orders.split(&b).level)),
        None => Ok((mean(&a)?, mean(&b)?)),
    }
}

/// The squared error of the estimate of the blocked model, in units of the variance that its differences have.
///
/// # Errors
/// There are too few blocks.
pub fn block_share(blocks: &[Block<'_>]) -> Result<f64, Unavailable> {
    let n = blocks.iter().filter(|block| block.is_complete()).count() as f64;
    Ok(Orders::of(blocks)?.map_or(1.0 / n, |orders| orders.share()))
}
