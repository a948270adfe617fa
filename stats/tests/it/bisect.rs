//! Bisecting by noisy measurements: simulated from the first round to the end, because it is the decision that counts.

use stats::{
    BISECT_SESSION_RATIO, BisectBoot, BisectProbes, BisectRange, BisectStop, SplitMix64, Unavailable,
    bisect_ends,
};

/// One history to bisect, and what measuring it is like. Sizes are of logarithms.
#[derive(Clone, Copy)]
struct Cell {
    commits: usize,
    step: f64,
    boot_sd: f64,
    session_sd: f64,
    /// What a build costs in boots.
    build_cost: f64,
    /// How many boots there may be.
    budget: usize,
    /// Commits beside the culprit, before it, that do not build.
    unbuildable: usize,
}

/// How one went.
#[derive(Debug, Clone, Copy, PartialEq)]
enum End {
    Right,
    Wrong,
    Budget,
    NotReproduced,
}

struct Bisected {
    end: End,
    boots: usize,
    builds: usize,
}

struct Lab {
    cell: Cell,
    culprit: Option<usize>,
    random: SplitMix64,
    rounds: Vec<Vec<BisectBoot>>,
    boots: usize,
}

impl Lab {
    fn round(&mut self, commits: &[usize]) {
        let session = self.cell.session_sd * self.random.next_normal();
        let mut boots = Vec::new();
        for commit in commits {
            let slow = if self.culprit.is_some_and(|c| *commit >= c) { self.cell.step } else { 0.0 };
            let ln = slow + session + self.cell.boot_sd * self.random.next_normal();
            boots.push(BisectBoot { commit: *commit, ln });
        }
        self.boots += commits.len();
        self.rounds.push(boots);
    }

    fn ends_differ(&self) -> bool {
        let side = |at: usize| self.rounds.iter().map(|boots| boots[at].ln).collect::<Vec<f64>>();
        bisect_ends(&side(0), &side(1)).is_ok_and(|ends| ends.differ())
    }
}

fn bisected(cell: Cell, culprit: Option<usize>, seed: u64) -> Bisected {
    let mut lab = Lab { cell, culprit, random: SplitMix64::new(seed), rounds: Vec::new(), boots: 0 };
    let (last, mut built, mut broken) =
        (cell.commits, vec![false; cell.commits + 1], vec![false; cell.commits + 1]);
    (built[0], built[last]) = (true, true);
    if let Some(culprit) = culprit {
        broken[culprit.saturating_sub(cell.unbuildable).max(1)..culprit].fill(true);
    }
    let ended = |end, lab: &Lab, built: &[bool]| Bisected {
        end,
        boots: lab.boots,
        builds: built.iter().filter(|b| **b).count(),
    };
    while !lab.ends_differ() {
        if lab.boots * 2 >= cell.budget {
            return ended(End::NotReproduced, &lab, &built);
        }
        lab.round(&[0, last]);
    }
    let range = BisectRange::even(last).unwrap();
    loop {
        let read = range.read(&lab.rounds, BISECT_SESSION_RATIO).unwrap();
        let probes = BisectProbes { built: &built, broken: &broken, build_cost: cell.build_cost };
        let right = |yes: bool| if yes { End::Right } else { End::Wrong };
        match probes.stop(&read) {
            Some(BisectStop::Named(commit)) => return ended(right(Some(commit) == culprit), &lab, &built),
            Some(BisectStop::Among(class)) => {
                let inside = culprit.is_some_and(|c| c > class.after && c <= class.upto);
                return ended(right(inside), &lab, &built);
            }
            None if lab.boots >= cell.budget => return ended(End::Budget, &lab, &built),
            None => {}
        }
        let next = probes.next(&read);
        assert!(!next.is_empty() && next.len() <= 2 && next.iter().all(|at| !broken[*at]), "{next:?}");
        next.iter().for_each(|at| built[*at] = true);
        lab.round(&[&[0], next.as_slice()].concat());
    }
}

/// Shares of right, wrong, budget and not reproduced, mean boots, mean builds.
fn rates(cell: Cell, runs: u64) -> [f64; 6] {
    let mut sums = [0.0; 6];
    for seed in 0..runs {
        let culprit = 1 + SplitMix64::new(seed ^ 0x5eed).below(cell.commits);
        let one = bisected(cell, Some(culprit), seed);
        sums[one.end as usize] += 1.0;
        sums[4] += one.boots as f64;
        sums[5] += one.builds as f64;
    }
    sums.map(|sum| sum / runs as f64)
}

/// What was said of `wanted`, less three standard errors of a share.
fn at_least(share: f64, wanted: f64, runs: u64) -> bool {
    share >= wanted - 3.0 * (wanted * (1.0 - wanted) / runs as f64).sqrt()
}

const MANY: Cell = Cell {
    commits: 64,
    step: 0.05,
    boot_sd: 0.03,
    session_sd: 0.02,
    build_cost: 3.0,
    budget: 400,
    unbuildable: 0,
};

#[test]
fn the_culprit_among_64_commits_is_named_and_rarely_another() {
    let runs = 100;
    let [right, wrong, _, _, boots, builds] = rates(MANY, runs);
    println!("right {right} wrong {wrong} boots {boots} builds {builds}");
    assert!(
        at_least(right, 0.92, runs) && boots <= 95.0 && builds <= 10.5,
        "{right} {wrong} {boots} {builds}"
    );
}

#[test]
fn commits_that_do_not_build_stay_in_their_class_and_clear_none_of_their_neighbours() {
    let cell = Cell { unbuildable: 3, ..MANY };
    let [right, wrong, ..] = rates(cell, 60);
    assert!(at_least(right, 0.92, 60), "{right} {wrong}");
}

#[test]
fn a_range_without_a_step_is_not_bisected() {
    // What passes the ends by chance (some 1.5 % of ranges) finds no culprit between them.
    let ends: Vec<End> = (0..40).map(|seed| bisected(MANY, None, seed).end).collect();
    assert!(ends.iter().filter(|end| **end == End::NotReproduced).count() >= 38, "{ends:?}");
}

#[test]
#[ignore = "soak: 5,000 bisections a cell"]
fn bisections_end_right_as_often_as_is_said() {
    let runs = 5000;
    let thousand = Cell { commits: 1024, ..MANY };
    for (name, cell, right, boots, builds) in [
        ("64 commits", MANY, 0.92, 90.0, 10.0),
        ("1024 commits", thousand, 0.95, 130.0, 16.0),
        ("64, session 1 %", Cell { session_sd: 0.01, ..MANY }, 0.95, 90.0, 10.0),
        ("64, three do not build", Cell { unbuildable: 3, ..MANY }, 0.92, 90.0, 10.0),
    ] {
        let got = rates(cell, runs);
        println!(
            "{name}: right {:.3} wrong {:.3} budget {:.3} not {:.3} boots {:.1} builds {:.1}",
            got[0], got[1], got[2], got[3], got[4], got[5]
        );
        assert!(at_least(got[0], right, runs), "{name}: {got:?}");
        assert!(got[4] <= boots && got[5] <= builds, "{name}: {got:?}");
    }
    let none = (0..runs).filter(|seed| bisected(MANY, None, *seed).end != End::NotReproduced).count();
    println!("without a step: {none} of {runs} were bisected");
    assert!(none as f64 <= 0.01 * runs as f64 + 3.0 * (0.01 * 0.99 * runs as f64).sqrt(), "{none}");
}

#[test]
fn the_posterior_is_what_integrating_by_hand_gives() {
    // Two commits (1, 2) behind the good end; one round of each, no session part. Culprit 1: values 1 and 2 against 0.
    let rounds = vec![
        vec![
            BisectBoot { commit: 0, ln: 0.0 },
            BisectBoot { commit: 1, ln: 0.3 },
            BisectBoot { commit: 2, ln: 1.0 },
        ],
        vec![
            BisectBoot { commit: 0, ln: 0.1 },
            BisectBoot { commit: 1, ln: 0.2 },
            BisectBoot { commit: 2, ln: 1.1 },
        ],
    ];
    let read = BisectRange::even(2).unwrap().read(&rounds, 0.0).unwrap();
    // Least squares by hand: SS1 = .005 + (.3,.2,1,1.1 about .65: .65), SS2 = (0,.1,.3,.2 about .15: .05) + .005;
    // det = n0 n1 = 8 either way, nu = 4.
    let ratio = (0.655_f64 / 0.055).powf(-2.0);
    let expected = ratio / (1.0 + ratio);
    assert!((read.share(1) - expected).abs() < 1e-12, "{} {expected}", read.share(1));
    assert!((read.slow_at(2) - 1.0).abs() < 1e-12 && read.share(0) == 0.0 && read.share(9) == 0.0);
    assert_eq!(read.set(0.95), [2]);
}

#[test]
fn commits_that_nothing_tells_apart_are_in_the_set_together() {
    let end =
        |noise: f64| vec![BisectBoot { commit: 0, ln: noise }, BisectBoot { commit: 9, ln: 0.1 - noise }];
    let read = BisectRange::even(9).unwrap().read(&[end(0.0), end(0.001), end(-0.002)], 0.1).unwrap();
    assert_eq!(read.set(0.5), (1..=9).collect::<Vec<usize>>());
    assert_eq!(read.likeliest().size(), 9);
}

#[test]
fn what_cannot_be_read_is_refused() {
    let range = BisectRange::even(3).unwrap();
    let boot = |commit, ln| BisectBoot { commit, ln };
    let good = [vec![boot(0, 0.0), boot(3, 0.1), boot(0, 0.01), boot(3, 0.12)]];
    assert!(range.read(&good, 0.1).is_ok());
    assert_eq!(range.read(&good, -1.0), Err(Unavailable::Domain));
    assert_eq!(range.read(&good, f64::NAN), Err(Unavailable::Domain));
    assert_eq!(range.read(&[vec![boot(0, 0.0), boot(4, 0.1), boot(3, 0.1)]], 0.1), Err(Unavailable::Domain));
    assert_eq!(range.read(&[vec![boot(0, 0.0), boot(1, 0.1), boot(2, 0.1)]], 0.1), Err(Unavailable::Domain));
    assert_eq!(
        range.read(&[vec![boot(0, 0.0), boot(1, f64::NAN), boot(3, 0.1)]], 0.1),
        Err(Unavailable::NotFinite)
    );
    assert!(matches!(range.read(&[], 0.1), Err(Unavailable::TooFew { .. })));
    assert!(BisectRange::even(0).is_err() && BisectRange::weighed(&[1.0, 0.0]).is_err());
    assert!(BisectRange::weighed(&[1.0, f64::INFINITY]).is_err());
    // All values alike: nothing is known, and nothing panics.
    let flat = vec![boot(0, 1.0), boot(1, 1.0), boot(3, 1.0)];
    let read = range.read(&[flat], 0.1).unwrap();
    assert!(read.classes().iter().all(|class| class.share.is_finite()));
}
