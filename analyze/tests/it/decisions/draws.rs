//! How the values of a row are drawn.

use super::page::Pair;
use stats::SplitMix64;

/// What a value of one boot is, around 100, or around 0 where it is added to a block's level.
pub type Shape = fn(&mut SplitMix64) -> f64;

/// Student's t with three degrees of freedom: wild values.
fn t3(random: &mut SplitMix64) -> f64 {
    let chi: f64 = (0..3).map(|_| random.next_normal().powi(2)).sum();
    random.next_normal() / (chi / 3.0).sqrt()
}

/// Shapes of one boot's value, the same on both sides.
pub const SHAPES: [(&str, Shape); 6] = [
    ("normal, CV 3 %", |random| 100.0 + 3.0 * random.next_normal()),
    ("log-normal, SD .3", |random| 100.0 * (0.3 * random.next_normal()).exp()),
    ("exponential", |random| -100.0 * (1.0 - random.next_f64()).ln()),
    ("t with 3 df, scale 3 %", |random| (100.0 + 3.0 * t3(random)).max(1.0)),
    ("two modes 10 % apart, SD 1 %", |random| mode(random) + 100.0 + random.next_normal()),
    ("ties: steps of one SD of 3 %", |random| 100.0 + 3.0 * random.next_normal().round()),
];

/// The place among them of the shape with two modes.
pub const MODES: usize = 4;

/// Which of two modes a boot falls into.
fn mode(random: &mut SplitMix64) -> f64 {
    if random.next_f64() < 0.5 { 10.0 } else { 0.0 }
}

/// What a boot adds to its block: normal, wild, or one of two modes.
pub const NORMAL: Shape = |random| 3.0 * random.next_normal();
pub const WILD: Shape = |random| 3.0 * t3(random);
pub const FLIPS: Shape = |random| mode(random) + random.next_normal();

/// Unchanged: both sides of one shape.
pub fn alike(shape: Shape, sizes: [usize; 2]) -> impl Fn(&mut SplitMix64, usize) -> Pair {
    move |random, _| sizes.map(|n| (0..n).map(|_| shape(random)).collect())
}

/// `n` and `m` boots with a geometric mean of 100 and these SDs of logarithms, in percent: unchanged is what a log row calls so,
/// also where one side spreads more. `change` is the factor on the first row of B.
pub fn log_normal(sizes: [usize; 2], sds: [f64; 2], change: f64) -> impl Fn(&mut SplitMix64, usize) -> Pair {
    move |random, row| {
        let mut side = |side: usize, factor: f64| {
            (0..sizes[side])
                .map(|_| factor * 100.0 * (sds[side] / 100.0 * random.next_normal()).exp())
                .collect()
        };
        [side(0, 1.0), side(1, if row == 0 { change } else { 1.0 })]
    }
}

/// Normal values of these means, the first rows of B by `factor` more.
pub fn normal(n: usize, sd: f64, changed: usize, factor: f64) -> impl Fn(&mut SplitMix64, usize) -> Pair {
    move |random, row| {
        let mut side = |mean: f64| (0..n).map(|_| mean * (1.0 + sd * random.next_normal())).collect();
        [side(100.0), side(if row < changed { 100.0 * factor } else { 100.0 })]
    }
}

/// The same with an SD that the mean does not change.
pub fn additive(n: usize, sd: f64, factor: f64) -> impl Fn(&mut SplitMix64, usize) -> Pair {
    move |random, _| {
        let mut side = |mean: f64| (0..n).map(|_| mean + sd * random.next_normal()).collect();
        [side(100.0), side(100.0 * factor)]
    }
}

/// Blocks around 100 that both sides share, additive: `level` draws that of the block with this number. B is `change`
/// more, and each value has an error of its own.
pub fn blocked(
    blocks: usize,
    own: impl Fn(&mut SplitMix64) -> f64,
    change: impl Fn(usize) -> f64,
    level: impl Fn(usize, &mut SplitMix64) -> f64,
) -> impl Fn(&mut SplitMix64, usize) -> Pair {
    move |random, row| {
        let levels: Vec<f64> = (0..blocks).map(|block| level(block, random)).collect();
        [0.0, change(row)]
            .map(|more| levels.iter().map(|level| (100.0 + level + more + own(random)).max(1.0)).collect())
    }
}
