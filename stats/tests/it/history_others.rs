//! The rule for histories beside two others that the field uses, both written from what they are defined to do: Otava's (E-divisive
//! splits in windows, each held against a t-test, weak ones merged away) and Perfherder's (a weighted t of the 12 to 24 points before
//! against the 12 after, above 7). That the first is Otava's is shown by Otava itself.

use super::world::{Kind, World};
use stats::*;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// A change point of Otava's rule: its index and the p of the t-test of its neighbours, and how large the change is.
#[derive(Clone, Copy)]
struct Split {
    at: usize,
    p: f64,
    size: f64,
}

/// Student's t of two samples, whose variances Otava takes with the number of values as divisor.
fn tested(at: usize, left: &[f64], right: &[f64]) -> Split {
    let mean = |x: &[f64]| x.iter().sum::<f64>() / x.len() as f64;
    let (l, r) = (mean(left), mean(right));
    let variance = |x: &[f64], m: f64| x.iter().map(|v| (v - m).powi(2)).sum::<f64>() / x.len() as f64;
    let (nl, nr) = (left.len() as f64, right.len() as f64);
    let df = nl + nr - 2.0;
    let pooled = ((nl - 1.0) * variance(left, l) + (nr - 1.0) * variance(right, r)) / df;
    let t = (l - r) / (pooled * (1.0 / nl + 1.0 / nr)).sqrt();
    let p = match df > 0.0 {
        true if t.is_infinite() => 0.0,
        true => t_two_sided_p(t, df),
        false => 1.0,
    };
    Split { at, p, size: (r / l - 1.0).abs().max((l / r - 1.0).abs()) }
}

/// The ends of the stretches between change points.
fn stretches(splits: &[Split], n: usize) -> Vec<(usize, usize)> {
    let ends = splits.iter().map(|s| s.at);
    std::iter::once(0).chain(ends.clone()).zip(ends.chain([n])).collect()
}

/// The place in a stretch at which the energy distance between what is before it and some part of what is behind it is largest, and
/// that distance (Matteson and James 2014, with exponent 1).
fn most_distant(x: &[f64]) -> Option<(usize, f64)> {
    let n = x.len();
    // within[j][i]: the distances of point j to the first i points.
    let within: Vec<Vec<f64>> = x
        .iter()
        .map(|a| {
            let sums = x.iter().scan(0.0, |sum, b| {
                *sum += (a - b).abs();
                Some(*sum)
            });
            std::iter::once(0.0).chain(sums).collect()
        })
        .collect();
    let pairs: Vec<f64> = (0..=n)
        .scan(0.0, |sum, k| {
            *sum += if k == 0 { 0.0 } else { within[k - 1][k - 1] };
            Some(*sum)
        })
        .collect();
    let mut best: Option<(usize, f64)> = None;
    for split in 1..n {
        let (left, mut right) = (split as f64, 0.0);
        for end in split + 1..=n {
            right += within[end - 1][end - 1] - within[end - 1][split];
            let m = (end - split) as f64;
            let between = pairs[end] - pairs[split] - right;
            let spread = |pairs: f64, k: f64| if k > 1.0 { pairs / (k - 1.0) } else { 0.0 };
            let q = 2.0 / (left + m) * (between - m * spread(pairs[split], left) - left * spread(right, m));
            if best.is_none_or(|(_, most)| q > most) {
                best = Some((split, q));
            }
        }
    }
    best
}

/// Change points of a window, found one after the other until one is not significant.
fn divided(x: &[f64], p: f64) -> Vec<usize> {
    let mut found: Vec<Split> = Vec::new();
    loop {
        let of =
            |(from, to): (usize, usize)| most_distant(&x[from..to]).map(|(at, q)| (from, from + at, to, q));
        let all = stretches(&found, x.len()).into_iter().filter(|(from, to)| to - from > 1).filter_map(of);
        // The first of the largest.
        let next = all.reduce(|best, other| if other.3 > best.3 { other } else { best });
        let Some((from, at, to, _)) = next else { break };
        let split = tested(at, &x[from..at], &x[at..to]);
        if split.p.is_nan() || split.p > p {
            break;
        }
        found.push(split);
        found.sort_by_key(|s| s.at);
    }
    found.into_iter().map(|s| s.at).collect()
}

/// Change points as Otava 0.8 sees them, in windows of 50 points.
fn otava(x: &[f64], p: f64) -> Vec<usize> {
    let (window, n) = (50, x.len());
    let first = if p < 0.05 { p * 10.0 } else { p };
    let (mut places, mut start): (Vec<usize>, usize) = (Vec::new(), 0);
    while start < n {
        let end = (start + window).min(n);
        let new: Vec<usize> = divided(&x[start..end], first).into_iter().map(|at| at + start).collect();
        start = (start + window / 2).max(new.last().copied().unwrap_or(0));
        places.extend(new);
    }
    places.sort_unstable();
    places.dedup();
    let plain = |at: usize| Split { at, p: f64::NAN, size: 0.0 };
    let mut splits: Vec<Split> = places.into_iter().map(plain).collect();
    let again = |splits: &mut Vec<Split>, i: usize| {
        let around = stretches(splits, n);
        if let (Some(split), Some(left), Some(right)) = (splits.get_mut(i), around.get(i), around.get(i + 1))
        {
            *split = tested(split.at, &x[left.0..left.1], &x[right.0..right.1]);
        }
    };
    (0..splits.len()).for_each(|i| again(&mut splits, i));
    loop {
        let weakest = splits.iter().enumerate().reduce(|a, b| if b.1.p > a.1.p { b } else { a });
        let Some((mut i, weak)) = weakest.map(|(i, s)| (i, *s)) else { return Vec::new() };
        if weak.p < p {
            let Some((j, least)) =
                splits.iter().enumerate().reduce(|a, b| if b.1.size < a.1.size { b } else { a })
            else {
                return Vec::new();
            };
            if least.size > 0.0 {
                return splits.iter().map(|s| s.at).collect();
            }
            i = j;
        }
        splits.remove(i);
        // As it is there: of the neighbours the right one alone, and the one behind it.
        again(&mut splits, i);
        again(&mut splits, i + 1);
    }
}

/// Alerts as Perfherder makes them: t above 7 and above that of both neighbours, 12 points on both sides, 2 % of change.
fn perfherder(x: &[f64]) -> Vec<usize> {
    const BACK: (usize, usize) = (12, 24);
    const FORE: usize = 12;
    let weighted = |values: &[f64]| {
        let n = values.len() as f64;
        let (mut sum, mut weights) = (0.0, 0.0);
        for (i, v) in values.iter().enumerate() {
            let weight = (n - i as f64) / n;
            (sum, weights) = (sum + weight * v, weights + weight);
        }
        let mean = sum / weights;
        let squares: f64 = values.iter().map(|v| (v - mean).powi(2)).sum();
        (mean, if values.len() > 1 { squares / (n - 1.0) } else { 0.0 }, n)
    };
    let (mut quiet, mut t, mut change) = (0, vec![0.0; x.len()], vec![0.0; x.len()]);
    for i in 1..x.len() {
        let back: Vec<f64> = x[..i].iter().rev().take(quiet.clamp(BACK.0, BACK.1)).copied().collect();
        let fore: Vec<f64> = x[i..].iter().take(FORE).copied().collect();
        let ((a, va, na), (b, vb, nb)) = (weighted(&back), weighted(&fore));
        t[i] = if a == b { 0.0 } else { ((b - a) / (va / na + vb / nb).sqrt()).abs() };
        change[i] = (b / a - 1.0).abs();
        quiet = if t[i] > 7.0 { 0 } else { quiet + 1 };
    }
    let alerts = |i: &usize| {
        let i = *i;
        let peak = t[i - 1] <= t[i] && t.get(i + 1).is_none_or(|next| *next <= t[i]);
        i >= BACK.0 && x.len() - i >= FORE && t[i] > 7.0 && peak && change[i] >= 0.02
    };
    (1..x.len()).filter(alerts).collect()
}

/// A rule that looks at the whole series at each point, on its way through it.
struct Online {
    rule: Rule,
    seen: Vec<f64>,
    told: Vec<usize>,
}

impl Online {
    fn new(rule: Rule) -> Self {
        Online { rule, seen: Vec::new(), told: Vec::new() }
    }

    /// The next point: change points that nobody was told of, which lie more than five points from all that were.
    fn push(&mut self, x: f64) -> Vec<usize> {
        self.seen.push(x);
        let is_new = |at: &usize| !self.told.iter().any(|told| told.abs_diff(*at) <= 5);
        let new: Vec<usize> = (self.rule)(&self.seen).into_iter().filter(is_new).collect();
        self.told.extend(&new);
        new
    }
}

/// The places of the steps that a rule finds.
type Rule = fn(&[f64]) -> Vec<usize>;

const OTHERS: [(&str, Rule); 3] =
    [("Otava .001", |x| otava(x, 0.001)), ("Otava 1e-5", |x| otava(x, 0.000_01)), ("Perfherder", perfherder)];

/// What a rule comes to: the share of steps found within ten points, and the median delay (`None`: most were not found in forty).
type Found = (f64, Option<usize>);

fn summed(mut delays: Vec<Option<usize>>) -> Found {
    let within = delays.iter().flatten().filter(|d| **d <= 10).count() as f64 / delays.len() as f64;
    delays.sort_by_key(|d| d.unwrap_or(usize::MAX));
    (within, delays[delays.len() / 2])
}

fn detection(kind: Kind, step: f64, boot: f64, runs: u64, rule: Option<Rule>) -> Found {
    let after = (1.0_f64 + step).ln();
    let delay = |seed: u64| {
        let mut world = World::new(kind, boot, 91_000 + seed);
        let mut own = HistoryRule::new(HISTORY_ALPHA).unwrap();
        let mut other = rule.map(Online::new);
        for i in 0..80 {
            let point = world.point(if i < 40 { 0.0 } else { after });
            let before = own.steps_so_far();
            let found = match &mut other {
                Some(rule) => rule.push(point.x.exp()).iter().any(|at| *at + 5 >= 40),
                None => {
                    own.push(point);
                    own.steps_so_far() > before
                }
            };
            if i >= 40 && found {
                return Some(i - 40);
            }
        }
        None
    };
    summed((0..runs).map(delay).collect())
}

/// False alarms in 100 points of a year.
fn false_alarms(kind: Kind, series: u64, rule: Option<Rule>) -> f64 {
    let mut alarms = 0;
    for seed in 0..series {
        let mut world = World::new(kind, 0.03, 7_000 + seed);
        let mut own = HistoryRule::new(HISTORY_ALPHA).unwrap();
        let mut other = rule.map(Online::new);
        for _ in 0..365 {
            let point = world.point(0.0);
            match &mut other {
                Some(rule) => alarms += rule.push(point.x.exp()).len(),
                None => own.push(point),
            }
        }
        alarms += own.steps_so_far();
    }
    100.0 * alarms as f64 / (365 * series) as f64
}

/// The Python of the venv that has Otava.
fn python() -> Option<PathBuf> {
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let cache = cache.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache")));
    let engines = cache.unwrap_or_default().join("perfvt-tests/engines");
    if std::fs::read_to_string(engines.join("ready")).is_ok_and(|ready| ready.contains("apache-otava")) {
        return Some(engines.join("venv/bin/python"));
    }
    testing::skip("Otava is not there; scripts/setup-test.sh fetches it");
    None
}

/// What Otava itself says of series.
fn asked(python: &PathBuf, p: f64, series: &[Vec<f64>]) -> Vec<Vec<usize>> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/otava/points.py");
    let mut child =
        Command::new(python).arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let text = serde_json::json!({ "p": p, "series": series }).to_string();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn tigerbeetle() -> Vec<f64> {
    super::history::tigerbeetle().iter().map(|p| p.x.exp()).collect()
}

/// Series of each kind with two steps in them.
fn stepped(each: u64) -> Vec<Vec<f64>> {
    let kinds = [Kind::Quiet, Kind::Outliers(0.02), Kind::T4, Kind::Bimodal, Kind::Drifting];
    let of = |(kind, seed): (Kind, u64)| {
        let mut world = World::new(kind, 0.03, seed);
        let level = |i: usize| {
            if i < 70 {
                0.0
            } else if i < 130 {
                0.05
            } else {
                -0.02
            }
        };
        (0..200).map(|i| world.point(level(i)).x.exp()).collect()
    };
    kinds.into_iter().flat_map(|kind| (0..each).map(move |seed| (kind, seed))).map(of).collect()
}

fn agrees(each: u64, prefixes: usize) {
    let Some(python) = python() else { return };
    let year = tigerbeetle();
    let mut series = stepped(each);
    series.extend((1..=prefixes).map(|i| year[..365 * i / prefixes].to_vec()));
    for p in [0.001, 0.000_01] {
        let theirs = asked(&python, p, &series);
        assert_eq!(theirs.len(), series.len());
        for (at, (x, theirs)) in series.iter().zip(&theirs).enumerate() {
            assert_eq!(&otava(x, p), theirs, "series {at} at p {p}");
        }
    }
}

#[test]
fn otava_itself_sees_the_same_change_points_as_its_rule_written_here() {
    agrees(2, 4);
}

#[test]
fn a_real_year_has_spikes_among_otavas_change_points_and_none_among_the_rules() {
    let year = tigerbeetle();
    for spike in [10_usize, 353, 363] {
        let mut looks = (spike + 1..=spike + 8).filter_map(|n| year.get(..n));
        let told = |x: &[f64]| otava(x, 0.001).iter().any(|at| spike.abs_diff(*at) <= 1);
        assert!(looks.any(told), "{spike}");
    }
}

#[test]
fn perfherder_has_to_have_twelve_points_of_a_step_where_the_rule_has_three() {
    let clear = |rule| detection(Kind::Quiet, 0.20, 0.03, 20, rule);
    assert_eq!((clear(None), clear(Some(perfherder))), ((1.0, Some(2)), (0.0, Some(11))));
}

#[test]
#[ignore = "minutes: the rule for histories beside others"]
fn table_of_histories_beside_others() {
    agrees(40, 30);
    let mut online = Online::new(|x| otava(x, 0.001));
    tigerbeetle().into_iter().for_each(|x| drop(online.push(x)));
    online.told.sort_unstable();
    println!("a real year: Otava .001, looked at night after night: {:?}", online.told);
    let runs = std::env::var("PERFVT_RUNS").ok().and_then(|n| n.parse().ok()).unwrap_or(400);
    let rules = || std::iter::once(("the rule", None)).chain(OTHERS.map(|(name, rule)| (name, Some(rule))));
    for (kind, step, boot) in [
        (Kind::Quiet, 0.05, 0.03),
        (Kind::Quiet, 0.10, 0.08),
        (Kind::Quiet, 0.05, 0.08),
        (Kind::Quiet, 0.02, 0.03),
        (Kind::Outliers(0.02), 0.05, 0.03),
    ] {
        for (name, rule) in rules() {
            let (within, delay) = detection(kind, step, boot, runs, rule);
            println!(
                "{kind:?} step {step} boot SD {boot}: {name}: {within:.2} within 10 points, median delay {delay:?}"
            );
        }
    }
    for kind in [Kind::Quiet, Kind::Outliers(0.02), Kind::Drifting] {
        for (name, rule) in rules() {
            let rate = false_alarms(kind, runs / 10, rule);
            println!("{kind:?}: {name}: {rate:.2} false alarms in 100 points");
        }
    }
}
