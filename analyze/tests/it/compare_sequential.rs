//! Rows of campaigns that were looked at more than once.
use crate::support;

use analyze::{Comparison, Looked, Model, Row, Verdict, compare, precision, steps};
use model::{Case, Rule};
use stats::{Boundary, Look};
use std::path::Path;
use support::{Env, codes, options, row, run, series, throughput};

const ID: &str = "netperf/TCP_STREAM/size=64,sessions=1/throughput";
const A: [f64; 12] = [100.0, 103.0, 98.0, 101.0, 99.0, 102.0, 100.5, 97.5, 101.5, 99.5, 100.2, 98.8];

fn times(factor: f64, n: usize) -> Vec<f64> {
    A[..n].iter().enumerate().map(|(i, v)| v * factor * (1.0 + 0.01 * ((i * 3 % 7) as f64 - 3.0))).collect()
}

fn until(target: f64) -> Rule {
    Rule::Until { half_width: target, floor: 5, ceiling: 30, budget_seconds: None }
}

/// Two environments with these values and this rule.
fn pair(
    root: &Path,
    rule: Option<Rule>,
    looks: &[u32],
    a: Vec<support::Series>,
    b: Vec<support::Series>,
) -> Comparison {
    let write = |name, series| {
        let mut env = Env::new(name, series);
        (env.rule, env.looks) = (rule.clone(), looks.to_vec());
        if let Some(Rule::Until { ceiling, .. }) = env.rule {
            env.planned = ceiling;
        }
        env.write(root)
    };
    let paths = [write("base", a), write("head", b)];
    run(&paths)
}

fn look(row: &Row) -> analyze::Sequential {
    row.sequential.unwrap_or_else(|| panic!("{} was looked at once", row.id))
}

#[test]
fn a_row_that_a_rule_stopped_has_the_rules_interval_and_p() {
    let root = tempfile::tempdir().unwrap();
    let n = 7;
    let result = pair(
        root.path(),
        Some(until(0.02)),
        &[],
        vec![throughput(&A[..n])],
        vec![throughput(&times(0.93, n))],
    );
    let judged = row(&result, ID);
    let said = look(judged);
    let rule = Look::Planned { boundary: Boundary::of(5, 30), n: 7 };
    assert_eq!(
        (said.rule, said.look, said.n, said.floor, said.ceiling),
        (Looked::Until, 3, Some(7), Some(5), Some(30))
    );
    assert_eq!((said.level, said.spent), (rule.ordinary_level(0.05), rule.spent(0.05)));
    assert_eq!(judged.model, Some(Model::Blocked));
    assert_eq!(said.p_fixed, judged.p.blocked, "p of single tests are of a fixed n");
    assert_eq!(judged.p_model, said.p_fixed.map(|p| rule.p(p)));
    assert_eq!(judged.q, judged.p_model, "the family is corrected over the rule's p");
    let once = pair(
        tempfile::tempdir().unwrap().path(),
        None,
        &[],
        vec![throughput(&A[..n])],
        vec![throughput(&times(0.93, n))],
    );
    let (once, ci) = (row(&once, ID), judged.ratio_ci.unwrap());
    assert!(once.sequential.is_none() && ci.0 < once.ratio_ci.unwrap().0 && once.ratio_ci.unwrap().1 < ci.1);
    assert_eq!(once.ratio, judged.ratio);
    assert!(codes(&result).contains(&"sequential"));
    assert!(!codes(&result).contains(&"missing-repeats"), "the ceiling was not promised");
}

#[test]
fn what_looks_regressed_at_a_fixed_n_may_be_open_at_one_look_of_several() {
    let root = tempfile::tempdir().unwrap();
    // A fall of a tenth with an ordinary p of 0.04.
    let b = [95.0, 87.0, 92.0, 84.0, 97.0];
    let result = pair(root.path(), Some(until(0.02)), &[], vec![throughput(&A[..5])], vec![throughput(&b)]);
    let judged = row(&result, ID);
    assert!(look(judged).p_fixed.unwrap() < 0.05 && judged.p_model.unwrap() > 0.05, "{judged:?}");
    assert_eq!(judged.verdict, Verdict::Inconclusive);
    let once = tempfile::tempdir().unwrap();
    let once = pair(once.path(), None, &[], vec![throughput(&A[..5])], vec![throughput(&b)]);
    assert_eq!(row(&once, ID).verdict, Verdict::Regressed);
}

#[test]
fn a_settled_row_misses_no_blocks_and_each_row_has_its_own_look() {
    let root = tempfile::tempdir().unwrap();
    let rr = |values: &[f64]| series("TCP_RR", 64, "trans.rate", "trans/s", values);
    let result = pair(
        root.path(),
        Some(until(0.02)),
        &[],
        vec![throughput(&A[..6]), rr(&A)],
        vec![throughput(&times(0.9, 6)), rr(&times(0.9, 12))],
    );
    let settled = row(&result, ID);
    assert_eq!(look(settled).n, Some(6));
    assert!(!settled.warnings.iter().any(|w| w.code == "incomplete-blocks"), "{:?}", settled.warnings);
    assert_eq!(look(row(&result, "netperf/TCP_RR/size=64,sessions=1/trans.rate")).n, Some(12));
}

#[test]
fn boots_added_to_a_fixed_plan_are_a_look_of_the_rows_that_got_them_only() {
    let root = tempfile::tempdir().unwrap();
    let rr = |values: &[f64]| series("TCP_RR", 64, "trans.rate", "trans/s", values);
    let result = pair(
        root.path(),
        Some(Rule::Fixed { repeats: 5 }),
        &[10],
        vec![throughput(&A[..5]), rr(&A[..10])],
        vec![throughput(&times(0.9, 5)), rr(&times(0.9, 10))],
    );
    assert!(row(&result, ID).sequential.is_none());
    let added = row(&result, "netperf/TCP_RR/size=64,sessions=1/trans.rate");
    let said = look(added);
    assert_eq!((said.rule, said.look, said.n), (Looked::Added, 1, None));
    assert!((added.p_model.unwrap() / said.p_fixed.unwrap() - 3.0).abs() < 1e-9, "{said:?}");
    assert!((said.spent - 0.05 * (1.0 - 0.5 / 3.0)).abs() < 1e-12);
}

#[test]
fn explain_shows_the_look_and_ends_at_the_rows_own_numbers() {
    let root = tempfile::tempdir().unwrap();
    let result =
        pair(root.path(), Some(until(0.02)), &[], vec![throughput(&A)], vec![throughput(&times(0.93, 12))]);
    let judged = row(&result, ID);
    let steps = steps(&result, judged);
    let value =
        |name: &str| steps.iter().find(|s| s.name == name).unwrap_or_else(|| panic!("no {name}")).value;
    assert_eq!((value("look"), value("first look"), value("last look")), (12.0, 5.0, 30.0));
    assert_eq!(value("p of the rule"), judged.p_model.unwrap());
    assert!((value("CI95 low").exp() - judged.ratio_ci.unwrap().0).abs() < 1e-12);
    assert!((value("CI90 high").exp() - judged.ratio_ci90.unwrap().1).abs() < 1e-12);
    assert!((value("MDE").exp_m1() - judged.mde.unwrap().up).abs() < 1e-9);
}

fn case(category: &str) -> Case {
    Case {
        workload: "netperf".into(),
        category: category.into(),
        keys: [("size", "64"), ("sessions", "1")].into_iter().collect(),
    }
}

#[test]
fn precision_is_the_half_width_of_the_widest_gating_interval_and_names_alerts() {
    let root = tempfile::tempdir().unwrap();
    let rr = |values: &[f64]| series("TCP_RR", 64, "trans.rate", "trans/s", values);
    let wild = series("TCP_STREAM (RX)", 64, "re_pkts", "", &[1.0, 900.0, 3.0, 50.0, 7.0, 1.0, 2.0, 9.0]);
    let result = pair(
        root.path(),
        Some(until(0.02)),
        &[],
        vec![throughput(&A[..8]), rr(&A[..8]), wild.clone()],
        vec![throughput(&times(1.0, 8)), rr(&times(0.7, 8)), wild],
    );
    let cases = [case("TCP_STREAM (RX)"), case("TCP_RR"), case("UDP_STREAM")];
    let names = ["base".to_owned(), "head".to_owned()];
    let found = precision(&options(&[]), root.path(), &names, &cases).unwrap();
    let ci = row(&result, ID).ratio_ci.unwrap();
    assert_eq!(
        found[0].half_width,
        Some((0.5 * (ci.1 / ci.0).ln()).exp_m1()),
        "secondary rows settle nothing"
    );
    assert_eq!((found[0].n, found[0].alert, found[1].alert), (8, false, true));
    assert_eq!((found[2].half_width, found[2].n), (None, 0));
    // One environment: the half-width of its mean, by the same looks.
    let alone = precision(&options(&[]), root.path(), &names[..1], &cases).unwrap();
    let logs: Vec<f64> = A[..8].iter().map(|v| v.ln()).collect();
    let level = 1.0 - Look::Planned { boundary: Boundary::of(5, 30), n: 8 }.ordinary_level(0.05);
    let half = 0.5 * stats::mean_ci(&logs, level).unwrap().width();
    assert!((alone[0].half_width.unwrap() - half.exp_m1()).abs() < 1e-12);
}

#[test]
fn two_campaigns_that_each_stopped_by_a_rule_are_compared_by_both() {
    let root = tempfile::tempdir().unwrap();
    let mut base = Env::new("base", vec![throughput(&A[..9])]);
    base.rule = Some(Rule::Until { half_width: 0.01, floor: 6, ceiling: 20, budget_seconds: None });
    let mut head = Env::new("head", vec![throughput(&times(0.9, 11))]);
    (head.campaign, head.rule) = ("c2", Some(until(0.02)));
    let paths = [base.write(root.path()), head.write(root.path())];
    let result = compare(&options(&paths)).unwrap();
    let judged = row(&result, ID);
    let said = look(judged);
    assert_eq!(
        (judged.model, said.n, said.floor, said.ceiling),
        (Some(Model::Welch), Some(9), Some(5), Some(30))
    );
}
