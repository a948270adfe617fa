//! How often pages of unchanged rows decide one with own and with moderated variances, and how often a change is found.
//!
//! `cargo test -p perfvt-stats --test it table_of_moderated_pages -- --ignored --nocapture` prints the long table of
//! docs/statistics.md; `PERFVT_PAGES` says over how many pages of each kind.

use stats::{
    Block, ErrorPart, Moderation, SplitMix64, TTest, Unavailable, blocked, constants_p, guarded_welch, holm,
    student, variance_prior,
};

/// How values scatter around their mean, at an SD of about 1.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Shape {
    Normal,
    LogNormal,
    Exponential,
    T3,
    Bimodal,
    Ties,
}

impl Shape {
    fn draw(self, random: &mut SplitMix64) -> f64 {
        let z = random.next_normal();
        match self {
            Shape::Normal => z,
            Shape::LogNormal => (0.5 * z).exp() / 0.6 - 1.888,
            Shape::Exponential => -(1.0 - random.next_f64()).ln() - 1.0,
            Shape::T3 => {
                let chi: f64 = (0..3).map(|_| random.next_normal().powi(2)).sum();
                z / chi.sqrt()
            }
            // Three boots of ten are in another mode, nine spreads away.
            Shape::Bimodal => 0.25 * z + if random.next_f64() < 0.3 { 1.5 } else { -0.65 },
            Shape::Ties => (1.5 * z).round() / 1.5,
        }
    }
}

/// How the true SDs of a page's rows differ.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Spread {
    Same,
    /// ln SD is normal with this SD.
    LogNormal(f64),
    /// Every second row has eight times the SD.
    Half,
    /// One row has ten times the SD.
    One,
}

impl Spread {
    fn sd(self, row: usize, random: &mut SplitMix64) -> f64 {
        match self {
            Spread::Same => 1.0,
            Spread::LogNormal(sd) => (sd * random.next_normal()).exp(),
            Spread::Half => [1.0, 8.0][row % 2],
            Spread::One => [10.0, 1.0][row.min(1)],
        }
    }
}

/// What the host does to boots in their order, in SDs of the row.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Host {
    Quiet,
    /// Eight SDs from the first block to the last.
    Drift,
    /// Eight SDs from the middle on.
    Step,
    /// The first boot of all is eight SDs off.
    FirstBoot,
}

impl Host {
    fn does(self, boot: usize, boots: usize) -> f64 {
        match self {
            Host::Drift => 8.0 * boot as f64 / boots as f64,
            Host::Step if boot >= boots / 2 => 8.0,
            Host::FirstBoot if boot == 0 => 8.0,
            _ => 0.0,
        }
    }
}

/// A kind of page.
#[derive(Clone, Copy, Debug)]
struct Kind {
    shape: Shape,
    spread: Spread,
    sizes: [usize; 2],
    /// SD of side B in units of that of A.
    other: f64,
    rows: usize,
    /// Judged by blocks, on such a host.
    blocked: Option<Host>,
    /// Added to the first row of B, in SDs of the row.
    change: f64,
}

const USUAL: Kind = Kind {
    shape: Shape::Normal,
    spread: Spread::Same,
    sizes: [3, 3],
    other: 1.0,
    rows: 24,
    blocked: None,
    change: 0.0,
};

/// The tests of a row: by its own variance; and what may be moderated, with the unit of its squared error.
struct Judged {
    own: Result<TTest, Unavailable>,
    /// The test whose variance is compared, and 1/n of it.
    pooled: Result<(TTest, f64), Unavailable>,
    constants: f64,
}

impl Kind {
    fn row(&self, row: usize, random: &mut SplitMix64) -> Judged {
        let sd = self.spread.sd(row, random);
        let [n_a, n_b] = self.sizes;
        let change = if row == 0 { self.change * sd } else { 0.0 };
        let mut a: Vec<f64> = (0..n_a).map(|_| sd * self.shape.draw(random)).collect();
        let mut b: Vec<f64> = (0..n_b).map(|_| change + sd * self.other * self.shape.draw(random)).collect();
        let constants = constants_p(n_a, n_b);
        let Some(host) = self.blocked else {
            let unit = 1.0 / n_a as f64 + 1.0 / n_b as f64;
            let pooled = student(&a, &b).map(|test| (test, unit));
            return Judged { own: guarded_welch(&a, &b), pooled, constants };
        };
        for block in 0..n_a {
            let later = block % 2;
            a[block] += sd * host.does(2 * block + later, 2 * n_a);
            b[block] += sd * host.does(2 * block + 1 - later, 2 * n_a);
        }
        let blocks = Block::pairs(&a, &b, None);
        let own = blocked(&blocks);
        Judged { pooled: own.map(|test| (test, 1.0 / n_a as f64)), own, constants }
    }

    /// The p of every row by own and by moderated variances. Sides of different size are pooled here, as for who asks for
    /// Student's test; what is the default keeps their own variances.
    fn page(&self, random: &mut SplitMix64) -> [Vec<f64>; 2] {
        let rows: Vec<Judged> = (0..self.rows).map(|row| self.row(row, random)).collect();
        let own: Vec<f64> = rows.iter().map(|r| r.own.map_or(r.constants, |test| test.p)).collect();
        let variance =
            |(test, unit): (TTest, f64)| ErrorPart { variance: test.se * test.se / unit, df: test.df };
        let known: Vec<ErrorPart> = rows.iter().filter_map(|r| r.pooled.ok().map(variance)).collect();
        let Ok(prior) = variance_prior(&known) else { return [own.clone(), own] };
        let moderated = |row: &Judged| match row.pooled {
            Err(_) => row.constants,
            Ok((test, unit)) => {
                let own = variance((test, unit));
                let found = prior.moderated(own);
                test.moderated(Moderation { factor: found.variance / own.variance, df: found.df }).p
            }
        };
        let moderated = rows.iter().map(moderated).collect();
        [own, moderated]
    }

    /// Of own and of moderated variances: rows with p <= .05, pages with a row that Holm decides at .05, and at the .04 that
    /// rows have at the gate beside scores; and pages of which the first row is decided at .05 and by itself.
    fn rates(&self, pages: usize, seed: u64) -> [[f64; 5]; 2] {
        let mut random = SplitMix64::new(seed);
        let mut out = [[0.0; 5]; 2];
        for _ in 0..pages {
            for (p, rates) in self.page(&mut random).iter().zip(&mut out) {
                let q = holm(p);
                let smallest = q.iter().copied().fold(1.0, f64::min);
                let hits = [
                    p.iter().filter(|p| **p <= 0.05).count() as f64 / self.rows as f64,
                    f64::from(u8::from(smallest <= 0.05)),
                    f64::from(u8::from(smallest <= 0.04)),
                    f64::from(u8::from(q[0] <= 0.05)),
                    f64::from(u8::from(p[0] <= 0.05)),
                ];
                rates.iter_mut().zip(hits).for_each(|(rate, hit)| *rate += hit / pages as f64);
            }
        }
        out
    }
}

#[test]
fn pages_of_equal_variances_keep_their_rate_and_find_more() {
    let pages = 1500;
    let [own, moderated] = USUAL.rates(pages, 1);
    assert!(
        own[1] < 0.05 && moderated[1] < 0.05 + 3.0 * (0.0475 / pages as f64).sqrt(),
        "{own:?} {moderated:?}"
    );
    assert!(moderated[0] > 0.045 && moderated[0] < 0.055, "{moderated:?}");
    // +10 % at a CV of 3 %.
    let [own, moderated] = Kind { change: 1.1f64.ln() / 0.03, ..USUAL }.rates(pages, 2);
    assert!(own[3] < 0.3 && moderated[3] > 0.6, "{own:?} {moderated:?}");
}

/// Why the default leaves sides of different size alone.
#[test]
fn a_pooled_variance_errs_where_the_smaller_side_spreads_more() {
    let [own, pooled] = Kind { sizes: [10, 3], other: 3.0, ..USUAL }.rates(300, 3);
    assert!(own[1] < 0.02 && pooled[1] > 0.5, "{own:?} {pooled:?}");
}

fn kinds() -> Vec<(String, Kind)> {
    let mut out = Vec::new();
    let shapes =
        [Shape::Normal, Shape::LogNormal, Shape::Exponential, Shape::T3, Shape::Bimodal, Shape::Ties];
    for shape in shapes {
        for n in [3, 4, 5] {
            out.push((format!("{shape:?}"), Kind { shape, sizes: [n, n], ..USUAL }));
        }
    }
    for spread in [Spread::Same, Spread::LogNormal(0.5), Spread::LogNormal(1.0), Spread::Half, Spread::One] {
        for n in [3, 4, 5] {
            for rows in [8, 24, 48] {
                out.push((format!("SDs {spread:?}"), Kind { spread, rows, sizes: [n, n], ..USUAL }));
            }
        }
    }
    for (sizes, other) in [([3, 3], 3.0), ([5, 5], 3.0), ([10, 3], 1.0), ([10, 3], 3.0), ([30, 3], 3.0)] {
        for spread in [Spread::Same, Spread::LogNormal(0.5)] {
            out.push((format!("B's SD x{other}, SDs {spread:?}"), Kind { spread, sizes, other, ..USUAL }));
        }
    }
    for host in [Host::Quiet, Host::Drift, Host::Step, Host::FirstBoot] {
        for spread in [Spread::Same, Spread::LogNormal(0.5)] {
            let kind = Kind { spread, sizes: [5, 5], blocked: Some(host), ..USUAL };
            out.push((format!("blocks, {host:?}, SDs {spread:?}"), kind));
        }
    }
    for shape in [Shape::T3, Shape::Bimodal] {
        let kind = Kind { shape, sizes: [5, 5], blocked: Some(Host::Quiet), ..USUAL };
        out.push((format!("blocks, {shape:?}"), kind));
    }
    out
}

#[test]
#[ignore = "minutes: the table of own and moderated variances"]
fn table_of_moderated_pages() {
    let pages: usize = std::env::var("PERFVT_PAGES").map_or(Ok(20_000), |text| text.parse()).unwrap();
    println!("{pages} pages a line: row rate, family-wise at .05, at .04; own | moderated");
    for (seed, (name, kind)) in (1..).zip(kinds()) {
        let [o, m] = kind.rates(pages, seed);
        let [n_a, n_b] = kind.sizes;
        println!(
            "{name:<42} {n_a}/{n_b} {:>2} rows  {:.3} {:.3} {:.3} | {:.3} {:.3} {:.3}",
            kind.rows, o[0], o[1], o[2], m[0], m[1], m[2]
        );
    }
    println!("found in one row at CV 3 %, by itself and in its family; own | moderated");
    for (effect, n) in [1.05, 1.10].into_iter().flat_map(|effect| [3, 4, 5].map(|n| (effect, n))) {
        for (spread, blocked) in
            [(Spread::Same, None), (Spread::LogNormal(0.5), None), (Spread::Same, Some(Host::Quiet))]
        {
            for rows in [8, 24, 48] {
                let change = f64::ln(effect) / 0.03;
                let kind = Kind { sizes: [n, n], spread, rows, blocked, change, ..USUAL };
                let [o, m] = kind.rates(pages / 4, 77);
                println!(
                    "+{:.0} % {n}/{n} {rows:>2} rows SDs {spread:?} {blocked:?}: {:.2} {:.2} | {:.2} {:.2}",
                    100.0 * (effect - 1.0),
                    o[4],
                    o[3],
                    m[4],
                    m[3]
                );
            }
        }
    }
}
