//! Calibration by simulation: the models that feed the verdict raise no more false alarms than they say, and their
//! intervals hold the truth as often as they say. Seeds are fixed, so that a failure is a change and not bad luck.
//!
//! `cargo test -p perfvt-stats calibration -- --ignored --nocapture` prints the long tables.

mod familywise;

use stats::*;

const ALPHA: f64 = 0.05;

/// How the values of boots vary; the number is the relative spread.
#[derive(Debug, Clone, Copy)]
enum Shape {
    /// Normal with this coefficient of variation.
    Normal(f64),
    /// Log-normal with this SD of the logarithm.
    LogNormal(f64),
    /// The mean of 20 samples of one boot, boot effect and samples of this CV each.
    Clustered(f64),
}

impl Shape {
    fn draw(self, random: &mut SplitMix64) -> f64 {
        match self {
            Self::Normal(cv) => 1.0 + cv * random.next_normal(),
            Self::LogNormal(sd) => (sd * random.next_normal()).exp(),
            Self::Clustered(cv) => {
                let boot = 1.0 + cv * random.next_normal();
                boot + (0..20).map(|_| cv * random.next_normal()).sum::<f64>() / 20.0
            }
        }
    }

    fn scaled(self, factor: f64) -> Self {
        match self {
            Self::Normal(cv) => Self::Normal(cv * factor),
            Self::LogNormal(sd) => Self::LogNormal(sd * factor),
            Self::Clustered(cv) => Self::Clustered(cv * factor),
        }
    }

    /// Mean of the logarithm, by the trapezoidal rule over the normal density of the positive values.
    fn mean_log(self) -> f64 {
        let cv = match self {
            Self::LogNormal(_) => return 0.0,
            Self::Normal(cv) => cv,
            Self::Clustered(cv) => cv * 1.05_f64.sqrt(),
        };
        let (mut sum, mut weight) = (0.0, 0.0);
        for i in -8000..=8000 {
            let z = f64::from(i) / 1000.0;
            if 1.0 + cv * z > 0.0 {
                let w = (-0.5 * z * z).exp();
                sum += w * (1.0 + cv * z).ln();
                weight += w;
            }
        }
        sum / weight
    }
}

/// Rates over many simulated rows of one kind.
#[derive(Default, Debug)]
struct Rates {
    rows: f64,
    alarms: f64,
    covered: f64,
    equivalent: f64,
}

impl Rates {
    fn count(&mut self, model: &RatioOfGeometricMeans, truth: f64) {
        self.rows += 1.0;
        self.alarms += f64::from(u8::from(model.test.p <= ALPHA));
        self.covered += f64::from(u8::from(model.ci95.contains(truth)));
    }

    fn alarm_rate(&self) -> f64 {
        self.alarms / self.rows
    }

    fn coverage(&self) -> f64 {
        self.covered / self.rows
    }

    /// alpha plus three binomial standard errors.
    fn bound(&self) -> f64 {
        ALPHA + 3.0 * (ALPHA * (1.0 - ALPHA) / self.rows).sqrt()
    }
}

/// Welch on the log scale with equal geometric means on both sides, `n` boots each.
fn welch_rates(a: Shape, b: Shape, n: usize, rows: usize, seed: u64) -> Rates {
    welch_rates_at((a.mean_log() - b.mean_log()).exp(), a, b, n, rows, seed)
}

/// The same with B multiplied by `level`; alarms and coverage are counted against a ratio of 1.
fn welch_rates_at(level: f64, a: Shape, b: Shape, n: usize, rows: usize, seed: u64) -> Rates {
    let mut random = SplitMix64::new(seed);
    let mut rates = Rates::default();
    for _ in 0..rows {
        let left: Vec<f64> = (0..n).map(|_| a.draw(&mut random)).collect();
        let right: Vec<f64> = (0..n).map(|_| level * b.draw(&mut random)).collect();
        // A CV of 30 % has a value below 0 once in 2,300: the row is a failed measurement, no model.
        if let Ok(model) = welch_log(&left, &right) {
            rates.count(&model, 1.0);
        }
    }
    rates
}

/// The blocked model: every block has its own level, with a spread of 10 %.
fn blocked_rates(a: Shape, b: Shape, blocks: usize, rows: usize, seed: u64) -> Rates {
    let mut random = SplitMix64::new(seed);
    let level = (a.mean_log() - b.mean_log()).exp();
    let mut rates = Rates::default();
    for _ in 0..rows {
        let pairs: Vec<(f64, f64)> = (0..blocks)
            .map(|_| {
                let block = (0.1 * random.next_normal()).exp();
                (block * a.draw(&mut random), level * block * b.draw(&mut random))
            })
            .collect();
        let (left, right): (Vec<f64>, Vec<f64>) = pairs.into_iter().unzip();
        let blocks: Vec<Block<'_>> =
            left.chunks(1).zip(right.chunks(1)).map(|(a, b)| Block::new(a, b)).collect();
        if let Ok(model) = blocked_log(&blocks) {
            rates.count(&model, 1.0);
        }
    }
    rates
}

/// Every shape, SD ratio and n of the contract: the SD of B is `ratio` times that of A, at most 30 %.
fn cells() -> Vec<(Shape, Shape, f64, usize)> {
    let shapes = [Shape::Normal(0.1), Shape::LogNormal(0.1), Shape::Clustered(0.03)];
    let mut cells = Vec::new();
    for shape in shapes {
        for ratio in [1.0, 2.0, 3.0] {
            for n in [3, 5, 10] {
                cells.push((shape, shape.scaled(ratio), ratio, n));
            }
        }
    }
    cells
}

const ROWS: usize = 4_000;

/// Normal values of 10 % against 30 % on the log scale: the logarithm of the wide side is skewed to the left (values
/// reach 0), and 6.0 to 6.4 % of rows with equal geometric means alarm, at every n. It is a property of the test and
/// of these values, not of this code; `the_skewed_corner_is_as_documented` pins it.
fn is_skewed_corner(a: Shape, ratio: f64) -> bool {
    matches!(a, Shape::Normal(_)) && ratio == 3.0
}

#[test]
fn the_models_behind_the_verdict_keep_their_level_and_their_coverage() {
    for (i, (a, b, ratio, n)) in cells().into_iter().enumerate() {
        if is_skewed_corner(a, ratio) {
            continue;
        }
        let welch = welch_rates(a, b, n, ROWS, 1000 + i as u64);
        let blocked = blocked_rates(a, b, n, ROWS, 2000 + i as u64);
        for (model, rates) in [("welch", welch), ("blocked", blocked)] {
            let cell = format!("{model}, {a:?} against {b:?}, n = {n}: {rates:?}");
            assert!(rates.alarm_rate() <= rates.bound(), "false alarms: {cell}");
            assert!(rates.alarm_rate() > 0.02, "a test that never alarms: {cell}");
            assert!((0.93..=0.98).contains(&rates.coverage()), "coverage: {cell}");
        }
    }
}

#[test]
fn the_skewed_corner_is_as_documented() {
    let (a, b) = (Shape::Normal(0.1), Shape::Normal(0.3));
    for n in [3, 5, 10] {
        for rates in [welch_rates(a, b, n, 20_000, n as u64), blocked_rates(a, b, n, 20_000, n as u64)] {
            assert!((0.05..0.07).contains(&rates.alarm_rate()), "n = {n}: {rates:?}");
            assert!((0.93..=0.98).contains(&rates.coverage()), "n = {n}: {rates:?}");
        }
        // With equal arithmetic means instead, which is what an unchanged guest has, the level is kept.
        let unchanged = welch_rates_at(1.0, a, b, n, 20_000, 40 + n as u64);
        assert!(unchanged.alarm_rate() <= unchanged.bound(), "n = {n}: {unchanged:?}");
    }
}

#[test]
fn a_change_at_the_edge_of_the_band_is_called_equivalent_once_in_twenty_at_most() {
    let mut random = SplitMix64::new(77);
    for (n, sd) in [(3, 0.005), (5, 0.01), (10, 0.03)] {
        let (mut rates, band) = (Rates::default(), band(0.05));
        for _ in 0..ROWS {
            let a: Vec<f64> = (0..n).map(|_| Shape::LogNormal(sd).draw(&mut random)).collect();
            let b: Vec<f64> = (0..n).map(|_| 1.05 * Shape::LogNormal(sd).draw(&mut random)).collect();
            let model = welch_log(&a, &b).unwrap();
            rates.count(&model, 1.05);
            rates.equivalent += f64::from(u8::from(equivalent(&model.ci90, &band)));
        }
        assert!(rates.equivalent / rates.rows <= rates.bound(), "n = {n}: {rates:?}");
        assert!(rates.equivalent > 0.0, "n = {n}: never equivalent");
    }
}

#[test]
fn the_minimum_detectable_effect_is_detected_four_times_in_five() {
    let mut random = SplitMix64::new(78);
    for n in [3, 5, 10] {
        let sd = 0.05;
        let row = TTest {
            estimate: 0.0,
            se: sd * (2.0 / n as f64).sqrt(),
            df: 2.0 * n as f64 - 2.0,
            t: 0.0,
            p: 1.0,
        };
        let effect = minimum_detectable(&row, ALPHA, 0.8).unwrap();
        let mut found = 0;
        for _ in 0..ROWS {
            let a: Vec<f64> = (0..n).map(|_| sd * random.next_normal()).collect();
            let b: Vec<f64> = (0..n).map(|_| effect + sd * random.next_normal()).collect();
            found += u32::from(student(&a, &b).unwrap().p <= ALPHA);
        }
        let power = f64::from(found) / ROWS as f64;
        assert!((power - 0.8).abs() < 3.0 * (0.16 / ROWS as f64).sqrt(), "n = {n}: {power}");
    }
}

/// Every division of distinct values, with the p that the test gives it: no simulation, the exact level.
#[test]
fn discrete_tests_never_exceed_their_level() {
    for (n, distinct) in [(3, 6), (4, 8), (5, 10), (5, 4)] {
        let values: Vec<f64> = (0..2 * n).map(|i| f64::from(i % distinct).powi(2)).collect();
        let divisions: Vec<u32> = (0_u32..1 << (2 * n)).filter(|m| m.count_ones() as i32 == n).collect();
        let (mut rank_ps, mut mean_ps) = (Vec::new(), Vec::new());
        for mask in &divisions {
            let side = |bit| {
                (0..2 * n).filter(|i| (mask >> i) & 1 == bit).map(|i| values[i as usize]).collect::<Vec<_>>()
            };
            let (a, b) = (side(0), side(1));
            rank_ps.push(mann_whitney(&a, &b).unwrap().p);
            mean_ps.push(permutation(&a, &b, 1).unwrap().p);
        }
        for ps in [rank_ps, mean_ps] {
            for alpha in [0.01, 0.05, 0.1, 0.2] {
                let rate = ps.iter().filter(|p| **p <= alpha).count() as f64 / divisions.len() as f64;
                assert!(rate <= alpha + 1e-12, "n = {n}, {distinct} distinct values, alpha {alpha}: {rate}");
            }
        }
    }
}

fn calibration(table: &str) -> Vec<serde_json::Value> {
    let path = format!("{}/testdata/calibration.json", env!("CARGO_MANIFEST_DIR"));
    let json: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    json[table].as_array().unwrap().clone()
}

/// |x - y| within four standard errors of the difference of two rates.
fn same_rate(x: f64, rows_x: f64, y: f64, rows_y: f64) -> bool {
    let p = (x * rows_x + y * rows_y) / (rows_x + rows_y);
    (x - y).abs() <= 4.0 * (p * (1.0 - p) * (1.0 / rows_x + 1.0 / rows_y)).sqrt()
}

#[test]
fn student_and_welch_err_with_unequal_spread_exactly_as_scipy_does() {
    for (i, row) in calibration("false_alarms").iter().enumerate() {
        let mut random = SplitMix64::new(500 + i as u64);
        let number = |key: &str| row[key].as_f64().unwrap();
        let (mut by_student, mut by_welch) = (0.0, 0.0);
        let rows = 20_000;
        for _ in 0..rows {
            let mut side =
                |n: f64, sd: f64| (0..n as usize).map(|_| sd * random.next_normal()).collect::<Vec<_>>();
            let (a, b) = (side(number("na"), number("sd_a")), side(number("nb"), number("sd_b")));
            by_student += f64::from(u8::from(student(&a, &b).unwrap().p <= ALPHA));
            by_welch += f64::from(u8::from(welch(&a, &b).unwrap().p <= ALPHA));
        }
        let rows = rows as f64;
        let (by_student, by_welch) = (by_student / rows, by_welch / rows);
        assert!(same_rate(by_student, rows, number("student"), number("rows")), "{by_student} {row}");
        assert!(same_rate(by_welch, rows, number("welch"), number("rows")), "{by_welch} {row}");
    }
}

#[test]
fn bca_covers_as_often_as_scipys_which_is_less_than_it_says() {
    for (i, row) in calibration("bca_coverage").iter().enumerate() {
        let mut random = SplitMix64::new(900 + i as u64);
        let number = |key: &str| row[key].as_f64().unwrap();
        let shape = Shape::LogNormal(number("sd"));
        let rows = 600;
        let mut covered = 0.0;
        for seed in 0..rows {
            let mut side = |n: f64| (0..n as usize).map(|_| shape.draw(&mut random)).collect::<Vec<_>>();
            let (a, b) = (side(number("na")), side(number("nb")));
            let ci = bca_interval(&a, &b, Contrast::RatioOfMeans, 0.95, seed).unwrap();
            covered += f64::from(u8::from(ci.contains(1.0)));
        }
        let rate = covered / rows as f64;
        assert!(same_rate(rate, rows as f64, number("covered"), number("rows")), "{rate} {row}");
    }
}

#[test]
#[ignore = "three minutes: the table of false alarms and coverage"]
fn table_of_false_alarms_and_coverage() {
    println!("shape A            shape B            n   welch alarm  cover   blocked alarm  cover");
    for (i, (a, b, _, n)) in cells().into_iter().enumerate() {
        let rows = 300_000;
        let w = welch_rates(a, b, n, rows, i as u64);
        let k = blocked_rates(a, b, n, rows, 100 + i as u64);
        println!(
            "{:<18} {:<18} {n:<3} {:.4}       {:.4}  {:.4}         {:.4}",
            format!("{a:?}"),
            format!("{b:?}"),
            w.alarm_rate(),
            w.coverage(),
            k.alarm_rate(),
            k.coverage()
        );
    }
    println!("\nequal arithmetic means, normal values, Welch on logarithms");
    for (sd_a, sd_b) in [(0.02, 0.06), (0.05, 0.15), (0.1, 0.2), (0.1, 0.3)] {
        for n in [3, 5, 10] {
            let rates = welch_rates_at(1.0, Shape::Normal(sd_a), Shape::Normal(sd_b), n, 100_000, n as u64);
            println!("CV {sd_a} against {sd_b}, n = {n:<3} alarm {:.4}", rates.alarm_rate());
        }
    }
}
