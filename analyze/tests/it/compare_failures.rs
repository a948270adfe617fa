//! Measurements that failed, as an outcome: counted, tested, and never passed over.

use crate::support::{self, Env, codes, failed, options, row, run, series, throughput};
use analyze::{CaseFailures, Comparison, FailOn, FailureVerdict, Reason, Verdict, compare, gate};
use formats::perf_conf::Conf;
use model::Code;
use std::fs;
use std::path::Path;

const ID: &str = "netperf/TCP_STREAM/size=64,sessions=1/throughput";
const CASE: &str = "netperf/TCP_STREAM (RX)/size=64,sessions=1";
const A: [f64; 10] = [100.0, 101.0, 99.0, 100.5, 99.5, 100.2, 99.8, 100.7, 99.3, 100.1];

/// Ten boots, of which the first so many fail in the first case; a second case is always measured.
fn env(name: &'static str, fail: usize) -> Env {
    let mut first = throughput(&A);
    first.values.iter_mut().take(fail).for_each(|value| *value = Err("the guest kernel panicked"));
    let mut other = throughput(&A);
    other.keys = [("size", "128"), ("sessions", "1")].into_iter().collect();
    Env::new(name, vec![first, other])
}

fn pair(root: &Path, base: &Env, head: &Env) -> Comparison {
    run(&[base.write(root), head.write(root)])
}

fn only(result: &Comparison) -> &CaseFailures {
    assert_eq!(result.failures.len(), 1, "{:?}", result.failures);
    &result.failures[0]
}

/// The exit code of a gate.
fn exit(result: &Comparison, fail_on: &[FailOn], allow: usize) -> u8 {
    gate(result, fail_on, allow).unwrap().exit_code
}

#[test]
fn a_candidate_that_fails_in_every_boot_fails_more_and_fails_every_gate() {
    let root = tempfile::tempdir().unwrap();
    let mut head = env("head", 10);
    head.code = Some(Code::ToolFailed);
    let result = pair(root.path(), &env("base", 0), &head);
    let found = only(&result);
    assert_eq!((found.a.tried, found.a.failed, found.b.tried, found.b.failed), (10, 0, 10, 10));
    assert!((found.p - 1.0825e-5).abs() < 1e-8, "Fisher: {}", found.p);
    assert_eq!((found.verdict, found.crashes), (FailureVerdict::FailsMore, 0));
    assert!(found.first.ends_with("the guest kernel panicked"), "{}", found.first);
    let judged = row(&result, ID);
    assert_eq!((judged.verdict, judged.reason), (Verdict::Invalid, Some(Reason::Failures)));
    for word in FailOn::ALL {
        assert_eq!(exit(&result, &[word], 0), 1, "{word:?}");
    }
}

#[test]
fn total_loss_decides_where_no_row_could_be_judged_at_all() {
    let root = tempfile::tempdir().unwrap();
    let lost = |name, fail: usize| {
        let mut env = env(name, fail);
        env.series.truncate(1);
        env.series[0].values.truncate(3);
        Env { planned: 3, ..env }
    };
    let result = pair(root.path(), &lost("base", 0), &lost("head", 3));
    let found = only(&result);
    assert!(found.p > 0.05 && found.verdict == FailureVerdict::FailsMore, "{found:?}");
    assert_eq!(exit(&result, &[FailOn::Regression], 0), 1, "before 3");
    let root = tempfile::tempdir().unwrap();
    let result = pair(root.path(), &lost("base", 3), &lost("head", 3));
    assert_eq!(only(&result).verdict, FailureVerdict::Undecided, "both sides fail alike");
    assert_eq!(exit(&result, &[FailOn::Regression], 0), 3);
}

#[test]
fn half_of_the_boots_are_told_from_none_by_fishers_test() {
    let root = tempfile::tempdir().unwrap();
    let result = pair(root.path(), &env("base", 0), &env("head", 5));
    let found = only(&result);
    assert!((found.p - 0.0325).abs() < 1e-4 && found.q == found.p, "the other case cannot fail by chance");
    assert_eq!(found.verdict, FailureVerdict::FailsMore);
    let judged = row(&result, ID);
    assert_eq!((judged.verdict, judged.reason), (Verdict::Inconclusive, Some(Reason::Failures)));
    assert_eq!(row(&result, &ID.replace("64", "128")).verdict, Verdict::Equivalent);
    let back = tempfile::tempdir().unwrap();
    let result = pair(back.path(), &env("base", 5), &env("head", 0));
    assert_eq!(only(&result).verdict, FailureVerdict::FailsLess);
    assert_eq!(exit(&result, &[FailOn::Regression], 0), 0, "the baseline's failures are no regression");
    assert_eq!(exit(&result, &[FailOn::Change], 0), 1);
}

#[test]
fn less_than_that_on_one_side_is_never_equal_and_fails_the_gate_for_regressions() {
    let root = tempfile::tempdir().unwrap();
    let result = pair(root.path(), &env("base", 0), &env("head", 2));
    assert_eq!(only(&result).verdict, FailureVerdict::Undecided);
    let judged = row(&result, ID);
    assert_eq!((judged.verdict, judged.reason), (Verdict::Inconclusive, Some(Reason::Failures)));
    assert_eq!(exit(&result, &[FailOn::Regression], 0), 1);
    assert_eq!(exit(&result, &[FailOn::Failures], 0), 1);
    assert_eq!(exit(&result, &[FailOn::Missing], 0), 0);
    let both = tempfile::tempdir().unwrap();
    let result = pair(both.path(), &env("base", 2), &env("head", 2));
    assert_eq!(row(&result, ID).verdict, Verdict::Equivalent, "both sides fail alike");
    assert_eq!(exit(&result, &[FailOn::Regression], 0), 0);
}

#[test]
fn a_guest_that_died_on_the_candidate_alone_fails_a_gate_unless_it_is_allowed() {
    for code in [Code::Panic, Code::Oops, Code::Hang, Code::EarlyExit, Code::IoError] {
        let root = tempfile::tempdir().unwrap();
        let mut head = env("head", 1);
        head.code = Some(code);
        let result = pair(root.path(), &env("base", 0), &head);
        assert_eq!(only(&result).crashes, 1, "{code}");
        assert_eq!(only(&result).b.codes.get(code.word()), Some(&1));
        assert_eq!(exit(&result, &[FailOn::Missing], 0), 1);
        assert_eq!(exit(&result, &[FailOn::Missing], 1), 0);
        assert_eq!(exit(&result, &[FailOn::Regression], 1), 0, "what it leaves behind is allowed, too");
        let mut base = env("base", 1);
        base.code = Some(code);
        let both = tempfile::tempdir().unwrap();
        assert_eq!(only(&pair(both.path(), &base, &head)).crashes, 0, "the baseline dies, too");
    }
}

/// The sides as written, compared on a day with these known failures.
fn known(paths: &[std::path::PathBuf], lines: &str, today: &str) -> Comparison {
    let mut known = options(paths);
    known.expectations = analyze::expectations(lines, Path::new("known.txt"), today).unwrap();
    known.today = today.to_owned();
    compare(&known).unwrap()
}

#[test]
fn a_case_that_is_known_to_fail_fails_no_gate_until_the_day_is_over() {
    let root = tempfile::tempdir().unwrap();
    let mut head = env("head", 5);
    head.code = Some(Code::Panic);
    let paths = [env("base", 0).write(root.path()), head.write(root.path())];
    let line = "netperf/TCP_STREAM*/size=64,* | FAILS | until 2027-01-31 | BUG-17\n";
    let result = known(&paths, line, "2027-01-31");
    let said = only(&result).expected.as_ref().unwrap();
    assert_eq!((said.reason.as_str(), said.place.as_str()), ("BUG-17", "known.txt:1"));
    assert_eq!(row(&result, ID).expected.as_ref(), Some(said));
    assert!(row(&result, &ID.replace("64", "128")).expected.is_none());
    for word in FailOn::ALL {
        assert_eq!(exit(&result, &[word], 0), 0, "{word:?}");
    }
    let result = known(&paths, line, "2027-02-01");
    assert!(only(&result).expected.is_none() && codes(&result).contains(&"expired-expectations"));
    assert_eq!(exit(&result, &[FailOn::Missing], 0), 1, "guests died, and that counts again");
}

#[test]
fn failures_are_known_by_the_key_of_the_candidate_alone() {
    let root = tempfile::tempdir().unwrap();
    let (mut base, mut head) = (env("base", 0), env("head", 5));
    let key = ("expected_until", "2027-01-31, BUG-17");
    head.params.push(key);
    let paths = [base.write(root.path()), head.write(root.path())];
    let result = known(&paths, "", "2027-01-31");
    assert_eq!(only(&result).expected.as_ref().unwrap().place, "expected_until of head");
    assert_eq!(exit(&result, &[FailOn::Regression], 0), 0);
    assert_eq!(exit(&known(&paths, "", "2027-02-01"), &[FailOn::Regression], 0), 1);
    let root = tempfile::tempdir().unwrap();
    base.params.push(key);
    let result = known(&[base.write(root.path()), env("head", 5).write(root.path())], "", "2027-01-31");
    assert_eq!(exit(&result, &[FailOn::Regression], 0), 1);
}

#[test]
fn a_case_that_is_known_to_fail_and_does_not_is_told() {
    let root = tempfile::tempdir().unwrap();
    let mut head = env("head", 0);
    head.params.push(("expected_until", "2027-01-31, BUG-17"));
    let paths = [env("base", 0).write(root.path()), head.write(root.path())];
    let result = known(&paths, "netperf/* | FAILS | until 2027-01-31 | BUG-18\n", "2026-12-01");
    let unmet = result.warnings.iter().find(|w| w.code == "unmet-expectations").unwrap();
    assert!(unmet.text.contains("known.txt:1, expected_until of head"), "{}", unmet.text);
}

#[test]
fn what_the_host_did_is_no_failure() {
    for code in [Code::Host, Code::Noisy, Code::ClockJumped, Code::HostNoSpace, Code::Misplaced] {
        let root = tempfile::tempdir().unwrap();
        let mut head = env("head", 5);
        head.code = Some(code);
        let result = pair(root.path(), &env("base", 0), &head);
        assert!(result.failures.is_empty(), "{code}: {:?}", result.failures);
        assert_eq!(row(&result, ID).verdict, Verdict::Equivalent, "{code}");
    }
}

#[test]
fn an_attempt_that_failed_counts_although_a_later_one_succeeded() {
    let root = tempfile::tempdir().unwrap();
    let base = Env { ended: Some(true), ..env("base", 0) };
    let failures = vec![failed(2, Some(CASE), Code::Panic), failed(2, Some(CASE), Code::Panic)];
    let head = Env { ended: Some(true), guests: 12, failures, ..env("head", 0) };
    let result = pair(root.path(), &base, &head);
    let found = only(&result);
    assert_eq!((found.b.tried, found.b.failed, found.crashes), (12, 2, 2));
    let judged = row(&result, ID);
    assert_eq!((judged.b.n, judged.reason), (10, Some(Reason::Failures)), "no value is missing, and yet");
    assert_eq!(exit(&result, &[FailOn::Regression], 0), 1);
    assert_eq!(exit(&result, &[FailOn::Regression], 2), 0);
}

#[test]
fn one_cause_counts_once_and_cases_that_were_never_reached_have_not_failed() {
    // A file of before attempts were counted: what ended the guest is said of both cases.
    let root = tempfile::tempdir().unwrap();
    let mut head = env("head", 5);
    head.series[1].values[..5].fill(Err("the guest kernel panicked"));
    head.code = Some(Code::Panic);
    let result = pair(root.path(), &env("base", 0), &head);
    let found = only(&result);
    assert_eq!((found.id.as_str(), found.b.failed), ("netperf/TCP_STREAM/size=64,sessions=1", 5));
    let lost = row(&result, &ID.replace("64", "128"));
    assert_eq!((lost.b.n, lost.reason), (5, Some(Reason::Failures)), "its values went with the guest");
}

#[test]
fn guests_that_fail_outside_any_case_are_counted_by_themselves() {
    let root = tempfile::tempdir().unwrap();
    let base = Env { ended: Some(true), ..env("base", 0) };
    let failures = (1..=8).map(|repeat| failed(repeat, None, Code::Panic)).collect();
    let head = Env { ended: Some(true), guests: 18, failures, ..env("head", 0) };
    let result = pair(root.path(), &base, &head);
    let found = only(&result);
    assert_eq!((found.id.as_str(), found.a.tried, found.b.tried), ("netperf/boot", 10, 18));
    assert_eq!((found.b.failed, found.crashes), (8, 8));
    assert!(found.p < 0.05 && found.verdict == FailureVerdict::FailsMore);
    assert_eq!(row(&result, ID).verdict, Verdict::Equivalent, "what was measured is equal");
    assert_eq!(exit(&result, &[FailOn::Inconclusive], 0), 1);
}

#[test]
fn a_campaign_that_has_not_ended_is_told() {
    let root = tempfile::tempdir().unwrap();
    let head = Env { ended: Some(false), ..env("head", 0) };
    let result = pair(root.path(), &Env { ended: Some(true), ..env("base", 0) }, &head);
    assert!(!result.a.unfinished && result.b[0].unfinished);
    assert!(codes(&result).contains(&"unfinished"));
    assert_eq!(exit(&result, &[FailOn::Unfinished], 0), 1);
    assert_eq!(exit(&result, &[FailOn::Regression], 0), 0);
}

/// A table of ten repeats; the first `zeros` values of one case are 0.
fn table(root: &Path, name: &str, zeros: usize) -> std::path::PathBuf {
    let line = |(i, v): (usize, &f64)| format!("x,rate,{i},{}\n", if i < zeros { 0.0 } else { *v });
    let text = format!("case,metric,repeat,value\n{}", A.iter().enumerate().map(line).collect::<String>());
    let path = root.join(name);
    fs::write(&path, text).unwrap();
    path
}

#[test]
fn a_throughput_of_zero_is_a_failure_and_a_count_of_zero_is_a_value() {
    let root = tempfile::tempdir().unwrap();
    let sides = [table(root.path(), "a.csv", 0), table(root.path(), "b.csv", 8)];
    let judged = |metric: &str| {
        let mut chosen = options(&sides);
        let conf = format!("[csv]\nmetric.rate = {metric}\n");
        chosen.conf = Conf::with_layers([("mine", conf.as_str())]).unwrap();
        compare(&chosen).unwrap()
    };
    for rate in ["x higher primary log", "x higher primary linear zero=failed"] {
        let result = judged(rate);
        let found = only(&result);
        assert!((found.p - 0.000714).abs() < 1e-5 && found.verdict == FailureVerdict::FailsMore, "{found:?}");
        assert_eq!(exit(&result, &[FailOn::Regression], 0), 1);
    }
    for count in [
        "x lower primary linear",
        "x lower primary",
        "x lower primary log count",
        "x lower primary log zero=value",
    ] {
        let result = judged(count);
        assert!(result.failures.is_empty(), "{count}: {:?}", result.failures);
        assert_eq!((result.rows[0].b.n, result.rows[0].scale), (10, model::Scale::Linear), "{count}");
    }
}

/// Tables of one case with so many repeats, the first so many of which failed.
fn tables(root: &Path, sides: [(usize, usize); 2]) -> Comparison {
    let side = |name: &str, (repeats, failed): (usize, usize)| {
        let line = |i: usize| match i < failed {
            true => format!("x,rate,{i},failed\n"),
            false => format!("x,rate,{i},{}\n", A[i]),
        };
        let text = format!("case,metric,repeat,value\n{}", (0..repeats).map(line).collect::<String>());
        let path = root.join(name);
        fs::write(&path, text).unwrap();
        path
    };
    run(&[side("a.csv", sides[0]), side("b.csv", sides[1])])
}

#[test]
fn repeats_of_one_table_are_boots_of_a_total_loss() {
    let root = tempfile::tempdir().unwrap();
    let verdict = |sides| only(&tables(root.path(), sides)).verdict;
    assert_eq!(verdict([(3, 0), (3, 3)]), FailureVerdict::FailsMore);
    assert_eq!(verdict([(3, 3), (3, 1)]), FailureVerdict::FailsLess);
    assert_eq!(verdict([(6, 0), (2, 2)]), FailureVerdict::Undecided);
    assert_eq!(verdict([(4, 4), (4, 4)]), FailureVerdict::Undecided);
}

#[test]
fn a_value_below_0_of_a_metric_declared_log_has_failed_whatever_its_zeros_made_of_the_scale() {
    let root = tempfile::tempdir().unwrap();
    let sides = [table(root.path(), "a.csv", 1), table(root.path(), "b.csv", 0)];
    let text = fs::read_to_string(&sides[1]).unwrap().replace(",100.5\n", ",-100.5\n");
    fs::write(&sides[1], text).unwrap();
    let mut chosen = options(&sides);
    let conf = "[csv]\nmetric.rate = x lower primary log count\n";
    chosen.conf = Conf::with_layers([("mine", conf)]).unwrap();
    let result = compare(&chosen).unwrap();
    let found = &result.rows[0];
    assert_eq!((found.scale, found.a.n, found.b.n), (model::Scale::Linear, 10, 9));
    assert!(found.b.invalid[0].reason.contains("-100.5"), "{:?}", found.b.invalid);
    assert_eq!((only(&result).a.failed, only(&result).b.failed), (0, 1));
}

#[test]
fn a_metric_that_does_not_decide_fails_no_case() {
    let root = tempfile::tempdir().unwrap();
    let mut latency = series("TCP_STREAM (RX)", 64, "latency_us", "us", &A);
    latency.values[..8].fill(Err("no percentiles"));
    let mut head = env("head", 0);
    head.series.push(latency);
    let mut base = env("base", 0);
    base.series.push(series("TCP_STREAM (RX)", 64, "latency_us", "us", &A));
    let result = pair(root.path(), &base, &head);
    assert!(result.failures.is_empty(), "{:?}", result.failures);
    let id = "netperf/TCP_STREAM/size=64,sessions=1/latency_us";
    assert_eq!(support::row(&result, id).reason, Some(Reason::Failures), "its own values are still a choice");
}

#[test]
fn a_zero_is_a_failure_in_directories_whose_run_file_counts_attempts_too() {
    let root = tempfile::tempdir().unwrap();
    let side = |name, zeros: usize| {
        let mut env = env(name, 0);
        env.series[0].values.iter_mut().take(zeros).for_each(|value| *value = Ok(0.0));
        Env { ended: Some(true), ..env }
    };
    let result = pair(root.path(), &side("base", 0), &side("head", 8));
    assert_eq!((only(&result).b.failed, only(&result).verdict), (8, FailureVerdict::FailsMore));
    assert_eq!(exit(&result, &[FailOn::Missing], 0), 1);
    let mixed = tempfile::tempdir().unwrap();
    let result = pair(mixed.path(), &side("base", 1), &side("head", 8));
    let found = only(&result);
    assert!(found.verdict == FailureVerdict::FailsMore || found.is_worse(), "{found:?}");
    assert_eq!(row(&result, ID).reason, Some(Reason::Failures), "far more often is no less a finding");
    assert_eq!(exit(&result, &[FailOn::Regression], 0), 1);
}

#[test]
fn total_loss_needs_attempts_in_three_boots() {
    let noisy = |name, failed_cells: usize| {
        let mut env = env(name, failed_cells);
        env.code = Some(Code::Noisy);
        Env { ended: Some(true), ..env }
    };
    // Noise alone is no attempt, so that nothing was lost; one failure beside it is one failure.
    for failures in [Vec::new(), vec![failed(1, Some(CASE), Code::ToolFailed)]] {
        let root = tempfile::tempdir().unwrap();
        let base = Env {
            ended: Some(true),
            failures: vec![failed(2, Some(CASE), Code::ToolFailed)],
            ..env("base", 0)
        };
        let count = failures.len();
        let result = pair(root.path(), &base, &Env { failures, ..noisy("head", 10) });
        let found = only(&result);
        assert_eq!((found.b.tried, found.verdict), (count, FailureVerdict::Undecided), "{found:?}");
    }
}

#[test]
fn an_attempt_at_a_case_that_was_never_measured_is_not_forgotten() {
    let root = tempfile::tempdir().unwrap();
    let unseen = "netperf/TCP_RR (RX)/size=64,sessions=1";
    let failures = (1..=3).map(|repeat| failed(repeat, Some(unseen), Code::Panic)).collect();
    let head = Env { ended: Some(false), guests: 13, failures, ..env("head", 0) };
    let result = pair(root.path(), &Env { ended: Some(true), ..env("base", 0) }, &head);
    let found = only(&result);
    assert_eq!((found.id.as_str(), found.b.tried, found.b.failed, found.crashes), (unseen, 3, 3, 3));
    for word in FailOn::ALL {
        assert_eq!(exit(&result, &[word], 0), 1, "{word:?}");
    }
}

#[test]
fn allowed_crashes_allow_nothing_else() {
    let root = tempfile::tempdir().unwrap();
    let mut head =
        Env { ended: Some(true), failures: vec![failed(1, Some(CASE), Code::Panic)], ..env("head", 0) };
    head.series[1].values[..3].fill(Ok(0.0));
    let result = pair(root.path(), &Env { ended: Some(true), ..env("base", 0) }, &head);
    assert_eq!(result.failures.len(), 2);
    let found = gate(&result, &[FailOn::Regression], 1).unwrap();
    assert_eq!(found.exit_code, 1);
    assert!(found.found.iter().all(|text| !text.contains("size=64")), "{:?}", found.found);
}

#[test]
fn what_failed_on_the_baseline_is_never_charged_to_the_candidate() {
    let root = tempfile::tempdir().unwrap();
    let mut base = env("base", 1);
    base.code = Some(Code::Panic);
    base.series[1].values[0] = Err("the guest kernel panicked");
    let mut head = env("head", 0);
    head.code = Some(Code::Noisy);
    head.series[1].values[1] = Err("the host was not quiet");
    let result = pair(root.path(), &base, &head);
    for id in [ID.to_owned(), ID.replace("64", "128")] {
        assert_eq!(row(&result, &id).reason, Some(Reason::Failures));
    }
    assert_eq!(exit(&result, &[FailOn::Regression], 0), 0);
}

#[test]
fn a_cell_without_a_number_is_a_measurement_that_failed() {
    let root = tempfile::tempdir().unwrap();
    let side = |name: &str, cells: [&str; 5]| {
        let line = |(i, cell): (usize, &&str)| format!("x,rate,{i},{cell}\n");
        let lines: String = cells.iter().enumerate().map(line).collect();
        let path = root.path().join(name);
        fs::write(&path, format!("case,metric,repeat,value\n{lines}")).unwrap();
        path
    };
    let a = side("a.csv", ["100", "101", "99", "100.5", "99.5"]);
    let b = side("b.csv", ["100", "100.4", "failed", "nan", "-"]);
    let result = run(&[a, b]);
    assert_eq!((only(&result).b.failed, result.rows[0].reason), (3, Some(Reason::Failures)));
    assert_eq!(exit(&result, &[FailOn::Regression], 0), 1);
}

#[test]
fn a_baseline_that_is_pooled_keeps_what_failed_in_each_directory() {
    let root = tempfile::tempdir().unwrap();
    let told =
        Env { ended: Some(true), failures: vec![failed(1, Some(CASE), Code::ToolFailed)], ..env("base", 0) };
    let mut older = env("older", 2);
    older.code = Some(Code::ToolFailed);
    let unfinished = Env { ended: Some(false), ..env("more", 0) };
    let [base, older, more, head] =
        [&told, &older, &unfinished, &env("head", 0)].map(|env| env.write(root.path()));
    let mut chosen = options(&[base, head]);
    chosen.pooled = vec![older, more];
    let result = compare(&chosen).unwrap();
    assert_eq!((only(&result).a.failed, only(&result).a.tried), (3, 31));
    assert!(result.a.unfinished, "one of the three has not ended");
}

#[test]
fn strict_refuses_a_value_that_is_a_failure() {
    let root = tempfile::tempdir().unwrap();
    let mut chosen = options(&[table(root.path(), "a.csv", 0), table(root.path(), "b.csv", 2)]);
    chosen.conf = Conf::with_layers([("mine", "[csv]\nmetric.rate = x higher primary log\n")]).unwrap();
    chosen.strict = true;
    let error = compare(&chosen).unwrap_err().to_string();
    assert!(error.contains("2 losses") && error.contains("b.csv:2: rate is not positive"), "{error}");
}

#[test]
fn a_ratio_of_a_measurement_that_failed_has_failed() {
    let root = tempfile::tempdir().unwrap();
    let side = |name, zeros: usize| {
        let mut env = env(name, 0);
        env.series.truncate(1);
        env.series[0].values.iter_mut().take(zeros).for_each(|value| *value = Ok(0.0));
        env.series.push(series("TCP_STREAM (RX)", 64, "re_pkts", "", &[10.0; 10]));
        env.write(root.path())
    };
    let mut chosen = options(&[side("base", 0), side("head", 3)]);
    chosen.conf = Conf::with_layers([("mine", "[netperf]\nderived.each = throughput / re_pkts\n")]).unwrap();
    let result = compare(&chosen).unwrap();
    let each = row(&result, "netperf/TCP_STREAM/size=64,sessions=1/each");
    assert_eq!((each.b.n, each.b.invalid.len(), each.scale), (7, 3, model::Scale::Log));
}

#[test]
fn many_failures_take_no_longer_than_their_number() {
    let root = tempfile::tempdir().unwrap();
    let side = |name: &str, failed: bool| {
        let mut text = String::from("case,metric,repeat,value\n");
        for case in 0..16_000 {
            text.push_str(&format!("c{case},rate,1,{}\n", if failed { "x" } else { "5" }));
        }
        let path = root.path().join(name);
        fs::write(&path, text).unwrap();
        path
    };
    let sides = [side("a.csv", false), side("b.csv", true)];
    // Half as many took a minute when each failure looked through all cases.
    let result = testing::no_square(|| run(&sides));
    assert_eq!(result.failures.len(), 16_000);
}
