//! Sides that were measured in turns, and sides that were not.
use crate::support;

use analyze::{Comparison, FailOn, Interleaving, Level, Model, Reason, Verdict, compare, gate};
use std::path::Path;
use support::{Env, codes, g4, options, row, run, series, throughput, write_rhs};

const ID: &str = "netperf/TCP_STREAM/size=64,sessions=1/throughput";
const A: [f64; 6] = [100.0, 103.0, 98.0, 101.0, 99.0, 102.0];

fn times(factor: f64) -> Vec<f64> {
    A.iter().map(|v| v * factor).collect()
}

/// A side of one row, `factor` times the usual.
fn side(name: &'static str, factor: f64) -> Env {
    Env::new(name, vec![throughput(&times(factor))])
}

fn judged(a: &Env, b: &Env) -> Comparison {
    let root = tempfile::tempdir().unwrap();
    run(&[a.write(&root.path().join("a")), b.write(&root.path().join("b"))])
}

fn standing(result: &Comparison) -> Interleaving {
    result.summary[0].interleaving
}

#[test]
fn one_session_a_side_decides_nothing_whatever_tells_them_apart() {
    let elsewhere = |change: fn(&mut Env)| {
        let mut env = side("head", 0.8);
        change(&mut env);
        env
    };
    let mut base = side("base", 1.0);
    base.facts.push(("host.id", "x"));
    for (other, differ) in [
        (elsewhere(|e| e.campaign = "c2"), "in different campaigns"),
        (elsewhere(|e| e.host_boots = vec!["host-2"; 6]), "in different boots of the host"),
    ] {
        let result = judged(&base, &other);
        let row = row(&result, ID);
        assert_eq!((row.verdict, row.reason), (Verdict::Inconclusive, Some(Reason::OneSession)), "{differ}");
        let told = result.warnings.iter().find(|w| w.code == "not-interleaved").unwrap();
        assert_eq!((told.level, told.count), (Level::Blocking, 1));
        assert!(told.text.contains(differ) && told.advice.contains("--force"), "{}", told.text);
        assert!(row.warnings.iter().any(|w| w.code == "not-interleaved"));
        assert_eq!((standing(&result), result.summary[0].capped), (Interleaving::OneSession, 1));
        assert!(result.summary[0].categories.is_empty());
    }
}

#[test]
fn one_campaign_that_measured_one_side_after_the_other_decides_nothing() {
    let env = |name, clock| Env { clock, ..side(name, if name == "base" { 1.0 } else { 0.8 }) };
    let apart = |env: Env| Env { environments: vec![env.name], ..env };
    let of = |a: Env, b: Env| standing(&judged(&a, &b));
    let (later, between) = (env("head", Some(1000)), env("head", Some(50)));
    assert_eq!(of(apart(env("base", Some(0))), apart(later.clone())), Interleaving::OneSession);
    assert_eq!(of(apart(env("base", Some(0))), apart(between)), Interleaving::Interleaved);
    assert_eq!(of(apart(env("base", None)), apart(env("head", None))), Interleaving::Interleaved, "no clock");
    // Blocks of the plan say more than a clock: a block of both is measured at once.
    assert_eq!(of(env("base", Some(0)), later), Interleaving::Interleaved);
}

#[test]
fn sides_in_turns_say_nothing_of_sessions() {
    let result = judged(&side("base", 1.0), &side("head", 0.8));
    assert_eq!(row(&result, ID).verdict, Verdict::Regressed);
    assert!(!codes(&result).contains(&"not-interleaved"));
    let json = serde_json::to_string(&result).unwrap();
    assert!(!json.contains("\"interleaving\"") && !json.contains("\"capped\""));
    let mut rebooted = [side("base", 1.0), side("head", 0.8)];
    rebooted.iter_mut().for_each(|e| e.host_boots = vec!["h1", "h1", "h1", "h2", "h2", "h2"]);
    assert_eq!(standing(&judged(&rebooted[0], &rebooted[1])), Interleaving::Interleaved);
}

#[test]
fn sessions_are_the_replicates_where_each_side_has_two_or_more() {
    let mut a = side("base", 1.0);
    a.host_boots = vec!["h1", "h1", "h2", "h2", "h3", "h3"];
    let mut b = side("head", 0.8);
    b.host_boots = vec!["h4", "h4", "h5", "h5", "h6", "h6"];
    for campaign in ["c1", "c2"] {
        b.campaign = campaign;
        let result = judged(&a, &b);
        let judged = row(&result, ID);
        assert_eq!((judged.model, judged.a.n, judged.b.n), (Some(Model::Welch), 3, 3));
        assert_eq!(judged.a.values[0], (A[0] + A[1]) / 2.0);
        assert_eq!((result.a.boots, result.a.host_boots), (Some(6), Some(3)));
        assert_eq!((judged.verdict, standing(&result)), (Verdict::Regressed, Interleaving::Sessions));
        let told = result.warnings.iter().find(|w| w.code == "not-interleaved").unwrap();
        assert!(
            told.level == Level::Note && told.text.contains("3 sessions and 3 sessions"),
            "{}",
            told.text
        );
    }
    b.host_boots = vec!["h4"; 6];
    assert_eq!(row(&judged(&a, &b), ID).reason, Some(Reason::OneSession), "one of two sides is not enough");
}

#[test]
fn a_block_whose_sides_have_a_boot_of_the_host_each_is_a_pair() {
    let mut a = side("base", 1.0);
    let mut b = Env::new("head", vec![throughput(&[81.0, 82.5, 79.0, 80.0, 78.5, 82.0])]);
    a.host_boots = vec!["h1", "h3", "h5", "h7", "h9", "h11"];
    b.host_boots = vec!["h2", "h4", "h6", "h8", "h10", "h12"];
    let result = judged(&a, &b);
    let judged_row = row(&result, ID);
    assert_eq!((judged_row.model, judged_row.a.n), (Some(Model::Blocked), 6));
    assert_eq!((judged_row.verdict, standing(&result)), (Verdict::Regressed, Interleaving::Interleaved));
    // Of two campaigns nothing says which boots belong together.
    b.campaign = "c2";
    assert_eq!(standing(&judged(&a, &b)), Interleaving::Sessions);
}

#[test]
fn files_that_do_not_tell_their_session_are_judged_under_a_banner() {
    let root = tempfile::tempdir().unwrap();
    let text = |v: f64| g4(&[(64, v, 40.0)]);
    let texts = |factor: f64| A.map(|v| text(v * factor));
    let paths = [write_rhs(root.path(), "a", &texts(1.0)), write_rhs(root.path(), "b", &texts(0.8))];
    let result = run(&paths);
    assert_eq!((row(&result, ID).verdict, standing(&result)), (Verdict::Regressed, Interleaving::Unknown));
    let told = result.warnings.iter().find(|w| w.code == "not-interleaved").unwrap();
    assert!(told.level == Level::Blocking && told.text.contains("nothing tells"), "{}", told.text);
    assert_eq!(gate(&result, &[FailOn::Regression], 0).unwrap().exit_code, 1);
}

/// A baseline and a slower candidate of campaigns of their own, in `root`.
fn two_campaigns(root: &Path, metrics: &[(&'static str, [f64; 2])]) -> [std::path::PathBuf; 2] {
    let env = |name, campaign, side: usize| {
        let mut all = vec![throughput(&times([1.0, 0.8][side]))];
        all.extend(metrics.iter().map(|(name, level)| series("X", 64, name, "", &[level[side]; 6])));
        Env { campaign, ..Env::new(name, all) }
    };
    [env("base", "c1", 0).write(root), env("head", "c2", 1).write(root)]
}

#[test]
fn a_gate_of_capped_rows_is_not_decided_and_says_what_to_do() {
    let root = tempfile::tempdir().unwrap();
    let paths = two_campaigns(root.path(), &[]);
    let asked = gate(&run(&paths), &[FailOn::Regression, FailOn::Inconclusive], 0).unwrap();
    assert_eq!(asked.exit_code, 3);
    let advice = asked.advice.unwrap();
    assert!(advice.starts_with("1 row one-session:") && advice.contains("in one campaign"), "{advice}");
    let mut forced = options(&paths);
    forced.force = true;
    let result = compare(&forced).unwrap();
    assert_eq!((row(&result, ID).verdict, result.method.forced), (Verdict::Regressed, true));
    let told = result.warnings.iter().find(|w| w.code == "not-interleaved").unwrap();
    assert!(told.text.contains("--force judges as if sessions did not differ"), "{}", told.text);
    let asked = gate(&result, &[FailOn::Regression], 0).unwrap();
    assert_eq!((asked.exit_code, asked.advice), (1, None));
}

#[test]
fn what_is_the_same_in_every_boot_needs_no_session() {
    let root = tempfile::tempdir().unwrap();
    let result = run(&two_campaigns(root.path(), &[("re_pkts", [3.0, 3.0]), ("exits", [3.0, 9.0])]));
    let found = |metric: &str| {
        let row = result.rows.iter().find(|r| r.metric == metric).unwrap();
        (row.verdict, row.reason)
    };
    assert_eq!(found("re_pkts"), (Verdict::Equivalent, Some(Reason::Exact)));
    assert_eq!(found("exits"), (Verdict::Inconclusive, Some(Reason::OneSession)));
}
