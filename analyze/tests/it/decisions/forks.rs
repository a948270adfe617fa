//! Forks of Java benchmarks that others measured: ten of each, of one build, divided into two halves at random.

use super::kinds::NARROW;
use super::page::{Layout, Page, Pair};
use super::rates::{Kind, drawn, unchanged};
use crate::support::shared;
use stats::SplitMix64;

/// The file, and what a test says that lacks it.
const FILE: &str = "jmh_forks.csv";

/// The forks of each benchmark.
fn benchmarks() -> Option<Vec<Vec<f64>>> {
    let text = shared(FILE)?;
    let row = |line: &str| line.split(',').skip(1).map(|value| value.parse().unwrap()).collect();
    Some(text.lines().skip(1).map(row).collect())
}

/// The forks of a benchmark, half of them for each side.
fn halves(random: &mut SplitMix64, forks: &[f64]) -> Pair {
    let mut forks = forks.to_vec();
    for i in 0..forks.len() {
        let j = i + random.below(forks.len() - i);
        forks.swap(i, j);
    }
    let (a, b) = forks.split_at(forks.len() / 2);
    [a.to_vec(), b.to_vec()]
}

/// Pages of benchmarks that are drawn at random.
pub fn kind() -> Option<Kind> {
    let all = benchmarks()?;
    let draw = move |random: &mut SplitMix64, _| {
        let one = random.below(all.len());
        halves(random, &all[one])
    };
    Some(unchanged("Java benchmarks, 5 forks against 5", drawn(Layout::Tables, NARROW, draw)))
}

#[test]
fn pages_of_java_benchmarks_are_hardly_ever_decided() {
    match kind() {
        Some(kind) => super::hold(vec![kind], 700),
        None => testing::skip(format!("{FILE} is not beside the repository; PERFVT_SHARED says where it is")),
    }
}

#[test]
fn no_java_benchmark_of_all_is_decided_and_few_have_a_small_p() {
    let Some(all) = benchmarks() else {
        return testing::skip(format!("{FILE} is not beside the repository; PERFVT_SHARED says where it is"));
    };
    let mut random = SplitMix64::new(71);
    let (mut low, mut decided) = (0, 0);
    const SPLITS: usize = 3;
    for _ in 0..SPLITS {
        let values: Vec<Pair> = all.iter().map(|forks| halves(&mut random, forks)).collect();
        let page = Page { layout: Layout::Tables, metric: NARROW, values, build: Vec::new() }.by_program();
        low += page.rows.iter().filter(|row| row.low).count();
        decided += page.rows.iter().filter(|row| row.decided).count();
    }
    let share = low as f64 / (SPLITS * all.len()) as f64;
    assert!(share > 0.02 && share < 0.05, "{share}");
    assert_eq!(decided, 0);
}
