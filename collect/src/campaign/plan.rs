//! The order of boots and cases: a pure function of what is asked for and a seed.

use model::{BlockPlan, BootPlan};
use stats::SplitMix64;

/// Samples that one campaign may take: cases in all boots of all environments.
pub const MAX_SAMPLES: u64 = 1_000_000;

/// A plan that would take years, and more memory than there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{environments} environments x {repeats} boots x {cases} cases are more than {MAX_SAMPLES} samples; take fewer boots, or \
     several campaigns"
)]
pub struct TooLarge {
    environments: usize,
    repeats: u32,
    cases: usize,
}

/// Looks whether so many blocks can be planned.
///
/// # Errors
/// When they have more samples than a campaign may take.
pub fn check(environments: usize, repeats: u32, cases: usize) -> Result<(), TooLarge> {
    let product = (environments as u64).saturating_mul(cases as u64).saturating_mul(u64::from(repeats));
    if product > MAX_SAMPLES { Err(TooLarge { environments, repeats, cases }) } else { Ok(()) }
}

/// Plans `repeats` blocks in each of which every environment is booted once.
///
/// Order within a block is random, and every second block is the mirror image of the one before, so that over each
/// pair of blocks every environment has the same mean position and a steady drift of the host cancels (Abedi and
/// Brecht, ICPE 2017, on randomised multiple interleaved trials). With `shuffle` the cases of each boot are in random
/// order.
pub fn blocks(environments: usize, repeats: u32, cases: usize, seed: u64, shuffle: bool) -> Vec<BlockPlan> {
    let mut rng = SplitMix64::new(seed);
    let mut blocks: Vec<BlockPlan> = Vec::new();
    let mut order: Vec<usize> = (0..environments).collect();
    for block in 1..=repeats {
        if block % 2 == 1 {
            rng.shuffle(&mut order);
        } else {
            order.reverse();
        }
        let boots = order
            .iter()
            .map(|environment| {
                let mut cases: Vec<usize> = (0..cases).collect();
                if shuffle {
                    rng.shuffle(&mut cases);
                }
                BootPlan { environment: *environment, repeat: block, cases }
            })
            .collect();
        blocks.push(BlockPlan { block, sequential: false, boots });
    }
    blocks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_block_boots_each_environment_once_and_each_boot_measures_each_case_once() {
        for seed in 0..20 {
            for block in blocks(3, 5, 7, seed, true) {
                let mut environments: Vec<usize> = block.boots.iter().map(|b| b.environment).collect();
                environments.sort();
                assert_eq!(environments, [0, 1, 2]);
                for boot in &block.boots {
                    assert_eq!(boot.repeat, block.block);
                    let mut cases = boot.cases.clone();
                    cases.sort();
                    assert_eq!(cases, [0, 1, 2, 3, 4, 5, 6]);
                }
            }
        }
    }

    #[test]
    fn over_two_blocks_every_environment_has_the_same_mean_position() {
        for seed in 0..20 {
            let plan = blocks(4, 2, 1, seed, true);
            for environment in 0..4 {
                let position =
                    |b: &BlockPlan| b.boots.iter().position(|x| x.environment == environment).unwrap();
                assert_eq!(position(&plan[0]) + position(&plan[1]), 3);
            }
        }
    }

    #[test]
    fn a_plan_that_takes_years_is_refused() {
        assert_eq!(check(2, 50, 10_000), Ok(()));
        let error = check(2, u32::MAX, 9).unwrap_err().to_string();
        assert!(
            error.starts_with("2 environments x 4294967295 boots x 9 cases are more than 1000000"),
            "{error}"
        );
        assert!(check(usize::MAX, u32::MAX, usize::MAX).is_err());
    }

    #[test]
    fn a_seed_gives_one_plan_and_seeds_differ() {
        assert_eq!(blocks(2, 6, 9, 7, true), blocks(2, 6, 9, 7, true));
        assert_ne!(blocks(2, 6, 9, 7, true), blocks(2, 6, 9, 8, true));
        assert!(blocks(2, 6, 9, 7, false).iter().flat_map(|b| &b.boots).all(|b| b.cases.is_sorted()));
    }
}
