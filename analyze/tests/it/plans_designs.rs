//! Plans of sides that share no session, of blocks whose boots are alike, and of rules that stop early: what they promise is held
//! against simulations from the definitions of docs/statistics.md.
use crate::support;

use analyze::{Asked, CompareOptions, Design, Noise, Plan, PlanRow, PlanRule, plan};
use model::Case;
use stats::{Block, Boundary, ErrorPart, Look, SessionVariance, SplitMix64};
use std::path::{Path, PathBuf};
use support::{Env, Series, options, series};

const CATEGORY: &str = "TCP_STREAM (RX)";

fn rows_of(values: &[Vec<f64>]) -> Vec<Series> {
    let row = |(row, values): (usize, &Vec<f64>)| {
        let values: Vec<f64> = values.iter().map(|v| 1000.0 * v.exp()).collect();
        series(CATEGORY, 64 + row as u32, "throughput", "Mbit/s", &values)
    };
    values.iter().enumerate().map(row).collect()
}

fn judged(dir: &Path) -> CompareOptions {
    let conf = "[netperf]\nmetric.throughput = Mbit/s higher primary scale=log min_effect=5%\n";
    let mut options = options(&[dir.to_owned()]);
    options.conf = formats::perf_conf::Conf::with_layers([("plans.conf", conf)]).unwrap();
    options
}

fn noise(sd: f64, df: f64) -> Noise {
    let session =
        SessionVariance { tau2: sd * sd, df, sigma2: 4e-4, sigma2_df: 96.0, n: 5.0, sessions: 5, rows: 24 };
    Noise { path: "noise.json".into(), session: Some(session), learnt_from: Default::default() }
}

/// A pilot of so many rows, logarithms of which have this SD.
fn pilot(root: &Path, rows: usize, boots: usize, sd: f64, random: &mut SplitMix64) -> PathBuf {
    let values: Vec<Vec<f64>> =
        (0..rows).map(|_| (0..boots).map(|_| sd * random.next_normal()).collect()).collect();
    Env::new("base", rows_of(&values)).write(root)
}

/// A row of a campaign.
fn planned(row: usize) -> (Case, String) {
    let keys = [("size", (64 + row).to_string()), ("sessions", "1".to_string())].into_iter().collect();
    (Case { workload: "netperf".into(), category: CATEGORY.into(), keys }, "throughput".to_owned())
}

/// The share of rows among whose `rows`, none of the others changed, this p and change are found at the gate.
fn is_found((p, ratio): (f64, f64), rows: usize, level: f64, random: &mut SplitMix64) -> bool {
    if p > 0.05 || ratio <= 1.05 {
        return false;
    }
    let mut all = vec![p];
    all.extend((1..rows).map(|_| random.next_f64()));
    stats::benjamini_hochberg(&all)[0] <= 0.05 && stats::holm(&all)[0] <= level
}

fn share(pages: usize, mut found: impl FnMut() -> bool) -> f64 {
    (0..pages).filter(|_| found()).count() as f64 / pages as f64
}

/// The share of rows whose promise is kept.
fn kept(plan: &Plan, truth: f64) -> f64 {
    let power = |row: &&PlanRow| truth >= row.power.unwrap().low;
    plan.rows.iter().filter(power).count() as f64 / plan.rows.len() as f64
}

#[test]
fn a_plan_with_a_noise_file_is_of_sides_of_a_session_each() {
    let (rows, sd, tau, df, effect) = (24, 0.02, 0.05, 60.0, 0.32);
    let mut random = SplitMix64::new(3);
    let root = tempfile::tempdir_in(testing::in_memory()).unwrap();
    let dir = pilot(root.path(), rows, 5, sd, &mut random);
    let asked = Asked { effect: Some(effect), boots: Some(5), ..Asked::default() };
    let in_turns = plan(&judged(&dir), &dir, &asked).unwrap();
    let options = CompareOptions { noise: Some(noise(tau, df)), ..judged(&dir) };
    let apart = plan(&options, &dir, &asked).unwrap();
    let part = ErrorPart { variance: 2.0 * tau * tau, df };
    let truth = share(5_000, || {
        let mut side = |mean: f64| {
            let session = mean + tau * random.next_normal();
            (0..5).map(|_| (session + sd * random.next_normal()).exp()).collect::<Vec<f64>>()
        };
        let (a, b) = (side(0.0), side(f64::ln_1p(effect)));
        let test = stats::welch_log(&a, &b).unwrap().test.with_error(part);
        is_found((test.p, test.estimate.exp()), rows, 0.04, &mut random)
    });
    assert!((0.5..0.95).contains(&truth), "{truth}");
    let power = apart.rows[0].power.unwrap();
    assert!(power.low <= truth && truth <= power.high + 0.02, "{power:?}, in truth {truth}");
    assert!(power.low > 0.2, "{power:?}");
    assert!(in_turns.rows[0].power.unwrap().low > 0.99 && in_turns.sessions.is_none());
    assert_eq!(apart.sessions.as_ref().map(|sessions| sessions.count), Some(1));
    let needed = apart.rows[0].sessions.unwrap();
    assert!(needed.high > needed.low, "one session may do, more are promised: {needed:?}");
    // As many sessions as it says are enough, by Welch's test over their means.
    let sessions = needed.high.unwrap();
    let of_mean = (tau * tau + sd * sd / 5.0).sqrt();
    let enough = share(5_000, || {
        let mut side =
            |mean: f64| (0..sessions).map(|_| (mean + of_mean * random.next_normal()).exp()).collect();
        let (a, b): (Vec<f64>, Vec<f64>) = (side(0.0), side(f64::ln_1p(effect)));
        let found = stats::welch_log(&a, &b).unwrap();
        is_found((found.test.p, found.ratio), rows, 0.04, &mut random)
    });
    assert!(enough >= 0.8, "{sessions} sessions: {enough}");
}

#[test]
fn how_much_sessions_differ_is_taken_from_the_pilot_that_has_several_or_asked_for() {
    let root = tempfile::tempdir_in(testing::in_memory()).unwrap();
    let values = [vec![0.0, 0.01, -0.01, 0.1, 0.11, 0.09], vec![0.01, 0.0, -0.01, 0.12, 0.1, 0.11]];
    let mut env = Env::new("base", rows_of(&values));
    env.host_boots = vec!["mon", "mon", "mon", "tue", "tue", "tue"];
    let two = env.write(root.path());
    let asked = |sessions| Asked { sessions, ..Asked::default() };
    let found = plan(&judged(&two), &two, &asked(Some(4))).unwrap();
    let sessions = found.sessions.as_ref().unwrap();
    assert_eq!((sessions.count, &sessions.noise, sessions.variance.sessions), (4, &None, 2));
    let refused = |plan: Result<Plan, analyze::AnalyzeError>| plan.unwrap_err().to_string();
    let one = refused(plan(&judged(&two), &two, &asked(Some(1))));
    assert!(one.contains("no test decides without a noise file; give --noise FILE"), "{one}");
    // What its own sessions do cancels where both sides are measured in turns.
    let in_turns = plan(&judged(&two), &two, &asked(None)).unwrap();
    assert!(in_turns.rows[0].power.unwrap().low > 0.9, "{:?}", in_turns.rows[0].power);

    let root = tempfile::tempdir_in(testing::in_memory()).unwrap();
    let single = pilot(root.path(), 2, 5, 0.02, &mut SplitMix64::new(1));
    let unknown = refused(plan(&judged(&single), &single, &asked(Some(3))));
    assert!(unknown.contains("the pilot is of one session"), "{unknown}");
    let old = Noise { path: "old.json".into(), session: None, learnt_from: Default::default() };
    let options = CompareOptions { noise: Some(old), ..judged(&single) };
    let old = refused(plan(&options, &single, &asked(None)));
    assert!(old.contains("old.json: it is of an older perfvt"), "{old}");
}

#[test]
fn the_blocks_of_a_pilot_that_was_measured_beside_another_tell_what_cancels() {
    let (rows, boots, own, common, effect) = (20, 8, 0.03, 0.1, 0.1);
    let mut random = SplitMix64::new(4);
    let mut sides = [Vec::new(), Vec::new()];
    for _ in 0..rows {
        let blocks: Vec<f64> = (0..boots).map(|_| common * random.next_normal()).collect();
        for side in &mut sides {
            side.push(blocks.iter().map(|block| block + own * random.next_normal()).collect::<Vec<f64>>());
        }
    }
    let root = tempfile::tempdir_in(testing::in_memory()).unwrap();
    let [base, head] = ["base", "head"].map(|name| root.path().join(name));
    for (name, values) in ["base", "head"].into_iter().zip(&sides) {
        Env::new(name, rows_of(values)).write(root.path());
    }
    let design = Design { blocks: 8, rule: None, rows: (0..rows).map(planned).collect() };
    let asked = Asked { effect: Some(effect), boots: Some(8), design: Some(design), ..Asked::default() };
    let alone = plan(&judged(&base), &base, &asked).unwrap();
    assert_eq!(alone.beside, None, "no campaign.json says what stood beside it");
    std::fs::write(
        root.path().join("campaign.json"),
        r#"{"format":1,"environments":[{"name":"base"},{"name":"head"}]}"#,
    )
    .unwrap();
    let beside = plan(&judged(&base), &base, &asked).unwrap();
    assert_eq!(beside.beside.as_deref(), Some("head"));
    let truth = share(5_000, || {
        let mut values = |mean: f64| (0..8).map(|_| (mean + own * random.next_normal()).exp()).collect();
        let (a, b): (Vec<f64>, Vec<f64>) = (values(0.0), values(f64::ln_1p(effect)));
        let blocks = Block::pairs(&a, &b, None);
        let found = stats::blocked_log(&blocks).unwrap();
        is_found((found.test.p, found.ratio), rows, 0.04, &mut random)
    });
    assert!((0.5..0.999).contains(&truth), "{truth}");
    let kept_by = kept(&beside, truth);
    assert!((0.7..1.0).contains(&kept_by), "the lower end is reached by {kept_by} of the pilots");
    let median = |plan: &Plan| {
        let mut lows: Vec<f64> = plan.rows.iter().map(|row| row.power.unwrap().low).collect();
        lows.sort_by(f64::total_cmp);
        lows[lows.len() / 2]
    };
    assert!(median(&beside) > 0.3 && median(&alone) < 0.1, "{} {}", median(&beside), median(&alone));
    let correlation = beside.rows[0].correlation.unwrap();
    assert!((0.6..1.0).contains(&correlation), "{correlation}");
    // What is damaged there is said, and the plan goes on without it.
    std::fs::write(head.join("run.json"), "{").unwrap();
    let damaged = plan(&judged(&base), &base, &asked).unwrap();
    assert_eq!((&damaged.beside, &damaged.rows), (&None, &alone.rows));
    assert!(damaged.warnings.iter().any(|w| w.code == "pilot-blocks"), "{:?}", damaged.warnings);
}

#[test]
fn a_rule_is_simulated_with_its_looks() {
    let (rows, sd, effect, width) = (10, 0.03, 0.065, 0.03);
    let (floor, ceiling) = (5, 15);
    let mut random = SplitMix64::new(6);
    let root = tempfile::tempdir_in(testing::in_memory()).unwrap();
    let dir = pilot(root.path(), rows, 8, sd, &mut random);
    let design = Design {
        blocks: ceiling,
        rule: Some(PlanRule { floor, half_width: width }),
        rows: (0..rows).map(planned).collect(),
    };
    let asked =
        Asked { effect: Some(effect), boots: Some(ceiling), design: Some(design), ..Asked::default() };
    let plan = plan(&judged(&dir), &dir, &asked).unwrap();
    let boundary = Boundary::of(floor, ceiling as u32);
    let (mut taken, pages) = (0, 2000);
    let truth = share(pages, || {
        let d: Vec<f64> = (0..ceiling)
            .map(|_| f64::ln_1p(effect) + sd * std::f64::consts::SQRT_2 * random.next_normal())
            .collect();
        for n in floor as usize..=ceiling {
            let found = stats::moments(&d[..n]).unwrap();
            let (se, df) = (found.sd.unwrap() / (n as f64).sqrt(), n as f64 - 1.0);
            let look = Look::Planned { boundary: boundary.clone(), n: n as u32 };
            let half = se * stats::t_critical(1.0 - look.ordinary_level(0.05), df);
            if half.exp_m1() <= width || n == ceiling {
                taken += n;
                let p = look.p(stats::t_two_sided_p(found.mean / se, df));
                return is_found((p, found.mean.exp()), rows, 0.05, &mut random);
            }
        }
        false
    });
    let taken = taken as f64 / pages as f64;
    assert!((0.2..0.97).contains(&truth), "{truth}");
    let kept = kept(&plan, truth);
    assert!(kept >= 0.7, "the lower end is reached by {kept} of the pilots");
    let held = |row: &&PlanRow| {
        let means = row.mean_boots.unwrap();
        means.low <= taken && taken <= means.high
    };
    let held = plan.rows.iter().filter(held).count() as f64 / rows as f64;
    assert!(held >= 0.5, "{taken} boots are taken, as {held} of the ranges say");
    assert!(taken > 5.5 && taken < 14.5, "{taken}");
}

#[test]
fn more_boots_than_are_searched_through_can_be_planned() {
    let root = tempfile::tempdir_in(testing::in_memory()).unwrap();
    let dir = pilot(root.path(), 2, 5, 0.3, &mut SplitMix64::new(2));
    let at = |boots| plan(&judged(&dir), &dir, &Asked { boots: Some(boots), ..Asked::default() });
    let (some, more) = (at(200).unwrap(), at(600).unwrap());
    let found = |plan: &Plan| plan.rows[0].mde.unwrap().high.unwrap();
    assert_eq!(more.rows[0].at, 600);
    assert!(found(&more) < 0.7 * found(&some), "{} {}", found(&more), found(&some));
    assert!(at(1001).unwrap_err().to_string().contains("want a number from 2 to 1000"));
}
