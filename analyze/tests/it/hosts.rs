//! Hosts as a factor: a farm, or campaigns of several hosts, as one comparison.
use crate::support;

use crate::history::{empty, noise, read};
use analyze::history::{Told, lake_rows};
use analyze::{AboutHosts, AnalyzeError, Comparison, HostRow, Level, Model, Reason, Row, Verdict, compare};
use lake::Added;
use stats::{SplitMix64, TTest};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use support::{Env, OnHost, codes, options, row, run, series, throughput, write_farm};

const ID: &str = "netperf/TCP_STREAM/size=64,sessions=1/throughput";
const NAMES: [&str; 8] = ["h1", "h2", "h3", "h4", "h5", "h6", "h7", "h8"];

/// Blocks of a host whose level, effect and noise are given: a baseline and a candidate.
fn host(at: usize, level: f64, effect: f64, sd: f64, blocks: usize, random: &mut SplitMix64) -> OnHost {
    let mut draw = |mean: f64| -> Vec<f64> {
        (0..blocks).map(|_| (mean.ln() + sd * random.next_normal()).exp()).collect()
    };
    let (base, head) = (draw(level), draw(level * effect));
    OnHost::new(NAMES[at], &base, &head)
}

/// So many hosts of very different levels, on each of which B is `effect` times A.
fn hosts(n: usize, effect: f64, blocks: usize) -> Vec<OnHost> {
    let mut random = SplitMix64::new(7);
    (0..n).map(|at| host(at, 100.0 * (at + 1) as f64, effect, 0.01, blocks, &mut random)).collect()
}

fn judged(planned: usize, hosts: &[OnHost]) -> Comparison {
    let root = tempfile::tempdir().unwrap();
    run(&[write_farm(root.path(), &NAMES[..planned], hosts)])
}

fn each(row: &Row) -> &[HostRow] {
    &row.hosts.as_ref().unwrap().each
}

#[test]
fn below_five_planned_hosts_it_is_about_these_and_from_five_on_about_hosts_like_them() {
    for (n, model, about) in [
        (2, Model::HostsFixed, AboutHosts::TheseHosts),
        (4, Model::HostsFixed, AboutHosts::TheseHosts),
        (5, Model::HostsRandom, AboutHosts::HostsLikeThese),
    ] {
        let result = judged(n, &hosts(n, 0.8, 5));
        let found = row(&result, ID);
        assert_eq!((found.model, found.verdict), (Some(model), Verdict::Regressed), "{n}");
        let hosts = result.hosts.as_ref().unwrap();
        assert_eq!((hosts.about, hosts.planned, hosts.each.len()), (about, n, n));
        assert_eq!(hosts.heard().count(), n);
        assert_eq!(hosts.farm.as_deref(), Some("farm-1"));
        assert!((found.ratio.unwrap() - 0.8).abs() < 0.02);
        let test = found.test.unwrap();
        if model == Model::HostsRandom {
            assert_eq!(test.df, 4.0);
        } else {
            assert!(test.df > 4.0 * (n as f64 - 1.0) - 1.0, "{test:?}");
        }
        assert!(each(found).iter().all(|h| h.blocks == 5 && h.verdict == Verdict::Regressed));
        // Levels of hosts that differ by as much as eight times are none of anybody's noise.
        assert!(!codes(&result).contains(&"hosts-differ"), "{:?}", result.warnings);
        assert!(!codes(&result).contains(&"mixed-side"), "{:?}", result.warnings);
        assert!(!codes(&result).contains(&"not-interleaved"));
    }
}

#[test]
fn the_plan_decides_whom_a_sentence_is_about_and_hosts_that_gave_nothing_are_named() {
    let result = judged(5, &hosts(3, 0.8, 5));
    assert_eq!(row(&result, ID).model, Some(Model::HostsRandom));
    assert_eq!(row(&result, ID).test.unwrap().df, 2.0);
    let told = result.warnings.iter().find(|w| w.code == "missing-hosts").unwrap();
    assert!(told.count == 2 && told.text.contains("h4, h5"), "{}", told.text);
    let hosts_of = result.hosts.as_ref().unwrap();
    assert_eq!(hosts_of.missing().map(|h| h.name.as_str()).collect::<Vec<_>>(), ["h4", "h5"]);
    // A host that measured one side alone gave no complete block either, and takes no part in any number.
    let mut half = hosts(3, 0.8, 5);
    half[1].head.clear();
    let result = judged(3, &half);
    let found = row(&result, ID);
    assert_eq!((found.a.n, found.b.n, found.verdict), (10, 10, Verdict::Regressed));
    assert_eq!(each(found)[1].blocks, 0);
    assert!(codes(&result).contains(&"missing-hosts"));
    assert!(!codes(&result).contains(&"different-hosts"));
}

#[test]
fn blocks_that_lack_a_side_are_left_out_on_their_own_host() {
    let mut all = hosts(3, 0.8, 6);
    all[2].head[0].values[1] = Err("the guest hung");
    let found = judged(3, &all);
    let found = row(&found, ID);
    assert_eq!(each(found).iter().map(|h| h.blocks).collect::<Vec<_>>(), [6, 6, 5]);
    assert_eq!(found.a.left_out.len(), 1);
    assert_eq!(found.a.left_out[0].block, 14, "the second block of the third host");
    assert_eq!(found.a.blocks, (1..=18).filter(|b| *b != 14).collect::<Vec<u32>>());
}

/// The test of a host of a comparison of its own.
fn test_of(row: &Row) -> TTest {
    let test = row.test.unwrap();
    let estimate = row.ratio.unwrap().ln();
    TTest { estimate, se: test.se, df: test.df, t: test.t, p: row.p_model.unwrap() }
}

#[test]
fn a_gathered_comparison_is_that_of_each_host_joined_by_hand() {
    for (n, blocks) in [(3, 5), (3, 4), (5, 5), (3, 12)] {
        let root = tempfile::tempdir().unwrap();
        let mut all = hosts(n, 0.97, blocks);
        for host in &mut all {
            // A second row of a family of two, which does not change; the order within blocks is told and alternates.
            let equal: Vec<f64> = host.base[0].values.iter().map(|v| v.as_ref().unwrap() * 1.001).collect();
            host.base.push(series("TCP_STREAM (RX)", 128, "throughput", "Mbit/s", &equal));
            let other: Vec<f64> = host.head[0].values.iter().map(|v| v.as_ref().unwrap() * 1.03).collect();
            host.head.push(series("TCP_STREAM (RX)", 128, "throughput", "Mbit/s", &other));
            host.change = |env| env.mirrored = true;
        }
        let farm = write_farm(root.path(), &NAMES[..n], &all);
        let gathered = run(std::slice::from_ref(&farm));
        let alone: Vec<Comparison> =
            (1..=n).map(|k| run(&[farm.join(format!("shards/{k:02}@{}", NAMES[k - 1]))])).collect();
        for id in [ID, "netperf/TCP_STREAM/size=128,sessions=1/throughput"] {
            let tests: Vec<TTest> = alone.iter().map(|c| test_of(row(c, id))).collect();
            let found = row(&gathered, id);
            // The arithmetic of "these hosts" and of "hosts like these".
            let n = n as f64;
            let mean = tests.iter().map(|t| t.estimate).sum::<f64>() / n;
            let (se, df) = if n < 5.0 {
                let square = tests.iter().map(|t| t.se.powi(2)).sum::<f64>();
                (square.sqrt() / n, square.powi(2) / tests.iter().map(|t| t.se.powi(4) / t.df).sum::<f64>())
            } else {
                let square = tests.iter().map(|t| (t.estimate - mean).powi(2)).sum::<f64>();
                ((square / (n - 1.0) / n).sqrt(), n - 1.0)
            };
            let near = |x: f64, y: f64| (x - y).abs() <= 1e-9 * y.abs().max(1e-3);
            let test = found.test.unwrap();
            assert!(near(found.ratio.unwrap().ln(), mean), "{id}");
            assert!(near(test.se, se) && near(test.df, df), "{id}: {test:?} {se} {df}");
            for (own, host) in alone.iter().zip(each(found)) {
                let own = row(own, id);
                assert_eq!(
                    (host.ratio, host.ratio_ci, host.diff, host.p),
                    (own.ratio, own.ratio_ci, own.diff, own.p_model)
                );
                assert_eq!(
                    (host.verdict, host.reason, host.q, host.model),
                    (own.verdict, own.reason, own.q, own.model)
                );
                assert_eq!((host.a, host.b), (own.a.n, own.b.n));
            }
        }
        // Ordinary campaigns of several hosts are read through the same door.
        let paths: Vec<PathBuf> =
            (1..=n).map(|k| farm.join(format!("shards/{k:02}@{}", NAMES[k - 1]))).collect();
        let joined = run(&paths);
        assert_eq!(joined.rows, gathered.rows);
        assert_eq!(joined.hosts.as_ref().unwrap().farm, None);
    }
}

#[test]
fn a_host_with_one_block_counts_among_hosts_in_general_and_is_left_out_of_these() {
    for (planned, counted) in [(3, 2), (5, 3)] {
        let mut all = hosts(3, 0.8, 5);
        all[2] = OnHost::new("h3", &[300.0], &[240.0]);
        all[2].change = |env| {
            env.planned = 5;
        };
        let result = judged(planned, &all);
        let found = row(&result, ID);
        assert_eq!(found.hosts.as_ref().unwrap().counted, counted, "{planned}");
        assert_eq!(each(found)[2].verdict, Verdict::Invalid);
        assert!(result.warnings.iter().any(|w| w.code == "one-block-hosts" && w.text.contains("h3")));
    }
}

#[test]
fn hosts_that_differ_are_told_and_the_sentence_about_others_has_it_in_its_error() {
    let mut random = SplitMix64::new(3);
    let effects = [0.8, 1.0, 0.9, 1.1, 0.85];
    let of = |n: usize, random: &mut SplitMix64| -> Vec<OnHost> {
        (0..n).map(|at| host(at, 100.0, effects[at], 0.005, 5, random)).collect()
    };
    for n in [3, 5] {
        let result = judged(n, &of(n, &mut random));
        let told = result.warnings.iter().find(|w| w.code == "hosts-differ").unwrap();
        assert_eq!((told.level, told.count), (Level::Note, 1));
        let found = row(&result, ID);
        assert!(found.hosts.as_ref().unwrap().differ.unwrap().p < 1e-6);
        if n == 5 {
            assert_ne!(found.verdict, Verdict::Regressed, "hosts in general: not shown");
        } else {
            assert_eq!(found.verdict, Verdict::Regressed, "the mean of these three");
        }
    }
}

#[test]
fn sides_on_different_hosts_are_refused_twins_too_and_a_factor_or_force_lets_them_through() {
    let root = tempfile::tempdir().unwrap();
    let side = |name: &'static str, id: Option<&'static str>, campaign, factor: f64| {
        let values: Vec<f64> = [100.0, 103.0, 98.0, 101.0, 99.0, 102.0].iter().map(|v| v * factor).collect();
        let mut env = Env { campaign, ..Env::new(name, vec![throughput(&values)]) };
        env.facts.push(("host.cpu.model", "the same"));
        env.facts.extend(id.map(|id| ("host.id", id)));
        // Two sessions a side: nothing else is the matter.
        env.host_boots = match id {
            Some("y") => vec!["b3", "b3", "b3", "b4", "b4", "b4"],
            _ => vec!["b1", "b1", "b1", "b2", "b2", "b2"],
        };
        env.write(&root.path().join(campaign))
    };
    let (a, b) = (side("base", Some("x"), "c1", 1.0), side("head", Some("y"), "c2", 0.8));
    let result = run(&[a.clone(), b.clone()]);
    assert_eq!(
        (row(&result, ID).verdict, row(&result, ID).reason),
        (Verdict::Invalid, Some(Reason::NotComparable))
    );
    let told = result.warnings.iter().find(|w| w.code == "different-hosts").unwrap();
    assert_eq!(told.level, Level::Blocking);
    assert!(
        told.text.contains("base on 'x' and head on 'y'") && told.advice.contains("--factor host.id"),
        "{told:?}"
    );
    let forced =
        compare(&analyze::CompareOptions { force: true, ..options(&[a.clone(), b.clone()]) }).unwrap();
    assert!(row(&forced, ID).verdict == Verdict::Regressed && codes(&forced).contains(&"forced"));
    assert!(forced.method.forced);
    let factor = vec!["host.id".to_owned()];
    let named = compare(&analyze::CompareOptions { factors: factor, ..options(&[a.clone(), b]) }).unwrap();
    assert_eq!(row(&named, ID).verdict, Verdict::Regressed);
    // Results that tell no host are not refused; that nobody recorded it is said as of other facts.
    let old = side("head", None, "c3", 0.8);
    let result = run(&[a, old]);
    assert!(!codes(&result).contains(&"different-hosts") && !codes(&result).contains(&"not-comparable"));
    assert!(result.summary[0].comparable.unknown.contains(&"host"));
}

#[test]
fn one_host_of_several_names_is_one_host_and_a_host_of_two_shards_too() {
    // Two names of one machine: no second host.
    let mut all = hosts(3, 0.8, 5);
    all[1].id = Some("h1");
    let result = judged(3, &all);
    let found = result.hosts.as_ref().unwrap();
    assert_eq!((found.planned, found.each.len(), found.each[0].shards.len()), (2, 2, 2));
    assert_eq!(each(row(&result, ID)).iter().map(|h| h.blocks).collect::<Vec<_>>(), [10, 5]);
    // All shards on one host: blocks of one host, as of one campaign.
    all[2].id = Some("h1");
    let result = judged(3, &all);
    assert!(result.hosts.is_none());
    assert_eq!((row(&result, ID).model, row(&result, ID).a.n), (Some(Model::Blocked), 15));
}

/// Why a comparison of a path is refused.
fn refused(paths: &[PathBuf]) -> String {
    match compare(&options(paths)) {
        Err(AnalyzeError::Sides(text) | AnalyzeError::Option(text)) => text,
        other => panic!("{other:?}"),
    }
}

fn plain(root: &Path, n: usize) -> PathBuf {
    write_farm(root, &NAMES[..n], &hosts(n, 0.8, 5))
}

#[test]
fn what_a_farm_cannot_give_is_said_with_the_way_out() {
    let root = tempfile::tempdir().unwrap();
    let empty = write_farm(&root.path().join("empty"), &NAMES[..3], &[]);
    assert!(refused(&[empty]).contains("farm of 3 hosts that has given no result yet"));
    let farm = plain(&root.path().join("plain"), 3);
    let other = farm.join("shards/01@h1/base");
    assert!(refused(&[farm.clone(), other]).contains("give it alone"));
    let mut looked = hosts(3, 0.8, 5);
    looked[0].change = |env| env.looks = vec![3, 5];
    let looked = write_farm(&root.path().join("looked"), &NAMES[..3], &looked);
    let said = refused(&[looked]);
    assert!(said.contains("looked at more than once") && said.contains("perfvt compare"), "{said}");
    // Campaigns of one host are several sides as they ever were.
    let one: Vec<PathBuf> = ["01@h1", "01@h1"].iter().map(|name| farm.join("shards").join(name)).collect();
    assert!(refused(&one).contains("is a campaign of 2 environments"));
}

#[test]
fn linear_rows_and_rows_that_do_not_vary_are_judged_by_host_too() {
    let percent = |name: &'static str, base: &[f64], head: &[f64]| OnHost {
        base: vec![series("TCP_STREAM (RX)", 64, "CPU", "%", base)],
        head: vec![series("TCP_STREAM (RX)", 64, "CPU", "%", head)],
        ..OnHost::new(name, &[], &[])
    };
    let id = "netperf/TCP_STREAM/size=64,sessions=1/CPU";
    let varying = |n: usize| -> Vec<OnHost> {
        let of = |at: usize| {
            let base: Vec<f64> =
                (0..5).map(|b| 20.0 + at as f64 * 5.0 + (b * (at + 3) % 5) as f64 * 0.1).collect();
            let head: Vec<f64> =
                base.iter().enumerate().map(|(b, v)| v * 1.2 + (b * (at + 2) % 3) as f64 * 0.1).collect();
            percent(NAMES[at], &base, &head)
        };
        (0..n).map(of).collect()
    };
    for n in [3, 5] {
        let result = judged(n, &varying(n));
        let found = row(&result, id);
        let (ratio, ci) = (found.ratio.unwrap(), found.ratio_ci.unwrap());
        assert!(ci.0 < ratio && ratio < ci.1 && (ratio - 1.2).abs() < 0.02, "{ratio} {ci:?}");
        assert!(found.p_model.unwrap() < 0.01 && found.diff.unwrap() > 4.0);
    }
    let constant: Vec<OnHost> = (0..5).map(|at| OnHost::new(NAMES[at], &[100.0; 5], &[80.0; 5])).collect();
    let result = judged(5, &constant);
    let found = row(&result, ID);
    assert_eq!(
        (found.verdict, found.reason, found.p_model),
        (Verdict::Inconclusive, Some(Reason::NoVariance), Some(0.0625))
    );
    let result = judged(3, &constant[..3]);
    assert_eq!(
        (row(&result, ID).verdict, row(&result, ID).p_model),
        (Verdict::Regressed, Some(0.5f64.powi(14)))
    );
    let equal: Vec<OnHost> = (0..5).map(|at| OnHost::new(NAMES[at], &[100.0; 5], &[100.0; 5])).collect();
    assert_eq!(row(&judged(5, &equal), ID).verdict, Verdict::Equivalent);
}

#[test]
fn a_farm_adds_a_file_for_each_shard_and_environment_and_its_hosts_steps_are_one_event() {
    let (_dir, lake) = empty();
    for night in 0..26 {
        let root = tempfile::tempdir_in(testing::in_memory()).unwrap();
        let level = if night >= 14 { 80.0 } else { 100.0 };
        let of = |at: usize| {
            let values: Vec<f64> =
                (0..3).map(|b| (at + 1) as f64 * level * noise(night * 97 + at * 13 + b)).collect();
            OnHost { night: night as u64, ..OnHost::new(NAMES[at], &values, &values) }
        };
        let farm = write_farm(root.path(), &NAMES[..3], &[of(0), of(1), of(2)]);
        let rows = lake_rows(&farm, &options(&[]), &Told::default()).unwrap();
        assert_eq!(rows.len(), 6, "two environments on three hosts");
        assert_eq!(rows.iter().map(|c| c.name.as_str()).collect::<BTreeSet<_>>().len(), 6);
        for campaign in &rows {
            assert!(matches!(lake.add(campaign).unwrap(), Added::New));
            assert!(matches!(lake.add(campaign).unwrap(), Added::AlreadyThere));
        }
    }
    let read = read(&lake);
    let names: Vec<&str> = read.series.iter().map(|s| s.name.as_str()).collect();
    assert_eq!(read.series.len(), 6, "a series for each host and environment: {names:?}");
    let [event] = &read.events[..] else { panic!("{:#?}", read.events) };
    let hosts: BTreeSet<&str> = event.moved.iter().map(|m| m.series.split('/').next().unwrap()).collect();
    assert_eq!((event.moved.len(), hosts), (6, BTreeSet::from(["h1", "h2", "h3"])));
}
