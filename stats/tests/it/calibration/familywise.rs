//! How often a page of unchanged rows has a decided one, with sides of different size: by integration where it can be
//! done, by simulation of whole pages beside it.

use stats::*;

/// Rows of a page.
const ROWS: usize = 24;

/// What the rows of a page share; Holm decides the first of them at a 24th of it.
const LEVEL: f64 = 0.04;

/// The p that decides a row of an unchanged page.
const DECIDES: f64 = LEVEL / ROWS as f64;

/// Sizes of the larger and the smaller side.
const SIZES: [(usize, usize); 12] =
    [(5, 5), (5, 4), (6, 5), (7, 5), (8, 5), (9, 5), (10, 5), (10, 7), (10, 3), (30, 3), (12, 10), (20, 15)];

/// Equal sizes keep the textbook's degrees of freedom, and one lost boot of five may cost a fifth of the critical value
/// and no more: with the SD of one side three times the other's these two err in 5.9 % of pages.
fn is_textbook(large: usize, small: usize) -> bool {
    (large, small) == (5, 5) || (large, small) == (5, 4)
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Test {
    Welch,
    Guarded,
}

impl Test {
    fn df(self, large: usize, small: usize, satterthwaite: f64) -> f64 {
        match self {
            Self::Welch => satterthwaite,
            Self::Guarded => guarded_df(large, small, satterthwaite),
        }
    }
}

/// Two sides of normal values: sizes, the small side's SD in units of the large one's, and the difference of the means.
#[derive(Debug, Clone, Copy)]
struct Sides {
    large: usize,
    small: usize,
    sd_small: f64,
    effect: f64,
}

/// The chance that |t| exceeds its critical value at `alpha`, exact but for the trapezoidal rule.
///
/// The sums of squares of both sides, in units of their variances, have a sum that is chi-square with all the degrees
/// of freedom and, independent of it, a share that is beta distributed. Given the share the degrees of freedom are
/// fixed and the statistic is a multiple of t with n₁+n₂-2 of them (the way of Wang 1971).
fn exceeds(sides: Sides, alpha: f64, test: Test) -> f64 {
    let (n, m) = (sides.large as f64, sides.small as f64);
    let (k, l) = (n - 1.0, m - 1.0);
    let variance = 1.0 / n + sides.sd_small.powi(2) / m;
    let delta = sides.effect / variance.sqrt();
    let steps = 300;
    let (mut sum, mut weights) = (0.0, 0.0);
    for i in 1..steps {
        let (sin, cos) = (std::f64::consts::FRAC_PI_2 * f64::from(i) / f64::from(steps)).sin_cos();
        let weight = sin.powf(k - 1.0) * cos.powf(l - 1.0);
        weights += weight;
        if weight < 1e-12 {
            continue;
        }
        let (u, v) = (sin * sin / (k * n), (sides.sd_small * cos).powi(2) / (l * m));
        let satterthwaite = (u + v).powi(2) / (u * u / k + v * v / l);
        let df = test.df(sides.large, sides.small, satterthwaite);
        let t = t_critical(1.0 - alpha, df) * ((k + l) * (u + v) / variance).sqrt();
        sum += weight
            * if delta == 0.0 {
                t_two_sided_p(t, k + l)
            } else {
                1.0 - noncentral_t_cdf(t, k + l, delta) + noncentral_t_cdf(-t, k + l, delta)
            };
    }
    sum / weights
}

/// The share of unchanged pages with a decided row.
fn familywise(large: usize, small: usize, sd_small: f64, test: Test) -> f64 {
    let row = exceeds(Sides { large, small, sd_small, effect: 0.0 }, DECIDES, test);
    1.0 - (1.0 - row).powi(ROWS as i32)
}

/// The chance that a change of this factor is decided when all rows share the level, at a CV of 3 %.
fn power_of(factor: f64, large: usize, small: usize, test: Test) -> f64 {
    exceeds(Sides { large, small, sd_small: 1.0, effect: factor.ln() / 0.03 }, DECIDES, test)
}

/// How the values of a page vary, and on which scale they are judged.
#[derive(Debug, Clone, Copy)]
enum Page {
    /// Normal around 1, on the linear scale.
    Normal,
    /// Normal around 1, on the log scale, as throughput mostly is.
    NormalLog,
    /// Log-normal, on the log scale.
    LogNormal,
    /// Log-normal with equal means, on the linear scale.
    LogNormalLinear,
}

impl Page {
    const ALL: [Self; 4] = [Self::Normal, Self::NormalLog, Self::LogNormal, Self::LogNormalLinear];

    fn draw(self, sd: f64, random: &mut SplitMix64) -> f64 {
        let z = sd * random.next_normal();
        match self {
            Self::Normal | Self::NormalLog => 1.0 + z,
            Self::LogNormal => z.exp(),
            Self::LogNormalLinear => (z - sd * sd / 2.0).exp(),
        }
    }

    fn p(self, a: &[f64], b: &[f64], test: Test) -> f64 {
        let linear = matches!(self, Self::Normal | Self::LogNormalLinear);
        match (test, linear) {
            (Test::Welch, true) => welch(a, b),
            (Test::Welch, false) => welch_log(a, b).map(|m| m.test),
            (Test::Guarded, true) => guarded_welch(a, b),
            (Test::Guarded, false) => guarded_welch_log(a, b).map(|m| m.test),
        }
        .unwrap()
        .p
    }
}

/// The share of simulated pages with a decided row, by the textbook's test and by the guarded one. The CV is 3 %, on the
/// small side `sd_small` times that.
fn simulated(page: Page, large: usize, small: usize, sd_small: f64, pages: usize, seed: u64) -> [f64; 2] {
    let mut random = SplitMix64::new(seed);
    let mut decided = [0.0; 2];
    for _ in 0..pages {
        let mut smallest = [1.0_f64; 2];
        for _ in 0..ROWS {
            let a: Vec<f64> = (0..large).map(|_| page.draw(0.03, &mut random)).collect();
            let b: Vec<f64> = (0..small).map(|_| page.draw(0.03 * sd_small, &mut random)).collect();
            for (least, test) in smallest.iter_mut().zip([Test::Welch, Test::Guarded]) {
                *least = least.min(page.p(&a, &b, test));
            }
        }
        for (count, least) in decided.iter_mut().zip(smallest) {
            *count += f64::from(u8::from(least <= DECIDES));
        }
    }
    decided.map(|count| count / pages as f64)
}

/// `rate` plus three standard errors of as many pages.
fn bound(rate: f64, pages: usize) -> f64 {
    rate + 3.0 * (rate * (1.0 - rate) / pages as f64).sqrt()
}

#[test]
fn a_page_of_unequal_sides_errs_in_one_of_twenty_at_most() {
    for (large, small) in SIZES {
        for sd_small in [1.0, 3.0] {
            let rate = familywise(large, small, sd_small, Test::Guarded);
            let allowed = if is_textbook(large, small) && sd_small == 3.0 { 0.0595 } else { 0.05 };
            assert!(rate <= allowed, "{large}/{small}, SD {sd_small}: {rate}");
        }
    }
    // One lost boot makes no page worse than five a side.
    let [all, lost] = [5, 4].map(|small| familywise(5, small, 3.0, Test::Guarded));
    assert!(lost <= all, "{lost} after {all}");
}

#[test]
fn the_textbooks_test_does_not_keep_it() {
    for (large, small, sd_small, rate) in [(30, 3, 1.0, 0.325), (10, 3, 1.0, 0.127), (10, 5, 3.0, 0.098)] {
        let exact = familywise(large, small, sd_small, Test::Welch);
        assert!((exact - rate).abs() < 1e-3, "{large}/{small}, SD {sd_small}: {exact}");
    }
}

#[test]
fn a_change_of_a_fifth_is_still_found_beside_ten_boots() {
    for (large, small, found) in [(5, 5, 0.99), (10, 5, 0.95), (10, 7, 0.99), (5, 4, 0.88)] {
        let power = power_of(1.2, large, small, Test::Guarded);
        assert!(power >= found, "{large}/{small}: {power}");
    }
}

#[test]
fn simulated_pages_err_as_often_as_integration_says() {
    let pages = 1000;
    for (i, (large, small)) in [(5, 5), (6, 5), (10, 5), (10, 3), (30, 3)].into_iter().enumerate() {
        for page in [Page::Normal, Page::NormalLog] {
            for sd_small in [1.0, 3.0] {
                let [plain, guarded] = simulated(page, large, small, sd_small, pages, 60 + i as u64);
                for (rate, test) in [(plain, Test::Welch), (guarded, Test::Guarded)] {
                    let exact = familywise(large, small, sd_small, test);
                    let off = bound(exact, pages) - exact;
                    let cell = format!("{page:?} {large}/{small}, SD {sd_small}, {test:?}");
                    assert!((rate - exact).abs() <= off.max(0.006), "{cell}: {rate}, exactly {exact}");
                }
            }
        }
    }
}

/// The largest exact rate over SD ratios from 1/10 to 30, and where.
fn worst(large: usize, small: usize, test: Test) -> (f64, f64) {
    (-20..=30)
        .map(|i| 10_f64.powf(f64::from(i) / 20.0))
        .map(|sd| (familywise(large, small, sd, test), sd))
        .fold((0.0, 0.0), |most, at| if at.0 > most.0 { at } else { most })
}

#[test]
#[ignore = "a minute: pages with a falsely decided row, for sides of different size"]
fn table_of_pages_with_a_false_decision() {
    println!("24 unchanged rows, a row with p <= .04/24, Welch / guarded, exact");
    println!("sizes    equal SD          small side 3x     worst SD ratio              +10 %          +20 %");
    for (large, small) in SIZES {
        let pair =
            |rate: &dyn Fn(Test) -> f64| format!("{:.4} / {:.4}", rate(Test::Welch), rate(Test::Guarded));
        let worst = worst(large, small, Test::Guarded);
        println!(
            "{:<8} {}   {}   guarded {:.4} at {:<8.2}  {}  {}",
            format!("{large}/{small}"),
            pair(&|test| familywise(large, small, 1.0, test)),
            pair(&|test| familywise(large, small, 3.0, test)),
            worst.0,
            worst.1,
            pair(&|test| power_of(1.1, large, small, test)),
            pair(&|test| power_of(1.2, large, small, test)),
        );
    }
    let pages = 10_000;
    println!(
        "\nsimulated, {pages} pages, CV 3 %, Welch / guarded; bound .05 + 3 SE = {:.4}",
        bound(0.05, pages)
    );
    for page in Page::ALL {
        for (i, (large, small)) in SIZES.into_iter().enumerate() {
            let cells = [1.0, 3.0].map(|sd_small| {
                let [plain, guarded] = simulated(page, large, small, sd_small, pages, 1000 + i as u64);
                let allowed = if is_textbook(large, small) && sd_small == 3.0 { 0.0595 } else { 0.05 };
                assert!(
                    guarded <= bound(allowed, pages),
                    "{page:?} {large}/{small}, SD {sd_small}: {guarded}"
                );
                format!("{plain:.4} / {guarded:.4}")
            });
            println!(
                "{:<16} {:<8} equal {}   3x {}",
                format!("{page:?}"),
                format!("{large}/{small}"),
                cells[0],
                cells[1]
            );
        }
    }
}
