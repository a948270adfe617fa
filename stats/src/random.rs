//! Seeded random numbers for permutation, bootstrap and null distributions: equal seeds, equal reports.

pub use crate::splitmix::SplitMix64;

/// The seed of one row: the global seed mixed with the row's id (FNV-1a), so that adding a row changes no other.
pub fn seed_from(global: u64, id: &str) -> u64 {
    let hash = id
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |h, byte| (h ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    SplitMix64::new(global ^ hash).next_u64()
}
