//! Comparisons made by hand: every verdict and reason, hostile names, missing sides, several candidates, large ones.
//!
//! The numbers are plausible, not exact: renderers do no statistics, so what they show is decided here.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

pub mod classic;
pub mod numbers;
pub mod scenarios;

use analyze::*;
use model::{Direction, Keys, Role, Scale};
use numbers::{interval, mean, p_of_t, round, sd, t95};
use std::collections::BTreeMap;

/// A metric as perf.conf knows it.
#[derive(Clone, Copy)]
pub struct MetricSpec(pub &'static str, pub &'static str, pub Direction, pub Role, pub Scale);

pub const THROUGHPUT: MetricSpec =
    MetricSpec("throughput", "Mbit/s", Direction::HigherIsBetter, Role::Primary, Scale::Log);
pub const RATE: MetricSpec =
    MetricSpec("trans.rate", "trans/s", Direction::HigherIsBetter, Role::Primary, Scale::Log);
pub const PER_CPU: MetricSpec =
    MetricSpec("thr_per_CPU", "Mbit/s", Direction::HigherIsBetter, Role::Primary, Scale::Log);
pub const CPU: MetricSpec = MetricSpec("CPU", "%", Direction::LowerIsBetter, Role::Important, Scale::Linear);
pub const EXITS: MetricSpec =
    MetricSpec("exits", "", Direction::Informational, Role::Secondary, Scale::Linear);
pub const LATENCY: MetricSpec =
    MetricSpec("latency", "us", Direction::LowerIsBetter, Role::Primary, Scale::Log);

/// A side with five boots on one host boot.
pub fn side(label: &str) -> Side {
    let facts =
        [("host.kernel", "6.1.0-28-amd64"), ("qemu.version", "7.2.15"), ("guest.kernel", "6.1.0-28-amd64")];
    Side {
        label: label.to_owned(),
        path: format!("results/{label}"),
        repeats: 5,
        boots: Some(5),
        host_boots: Some(1),
        date_unix: Some(1_398_945_600),
        session_length: Some("60".to_owned()),
        facts: facts.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect(),
        losses: Vec::new(),
    }
}

/// A comparison without rows.
pub fn comparison(a: &str, b: &[&str]) -> Comparison {
    let mut command: Vec<String> = ["perfvt", "compare"].map(String::from).to_vec();
    command.push(format!("results/{a}"));
    command.extend(b.iter().map(|b| format!("results/{b}")));
    Comparison {
        schema_version: SCHEMA_VERSION,
        perfvt: "0.1.0".to_owned(),
        a: side(a),
        b: b.iter().map(|b| side(b)).collect(),
        method: Method {
            test: "auto".to_owned(),
            alpha: 0.05,
            min_effect: 0.05,
            correction: "bh".to_owned(),
            seed: 1,
            light_below: 0.05,
            command,
            forced: false,
        },
        families: Vec::new(),
        warnings: Vec::new(),
        files: Vec::new(),
        workloads: Vec::new(),
        differences: Vec::new(),
        summary: Vec::new(),
        rows: Vec::new(),
    }
}

/// Values with their places: line 10 + `line` of file `file + i`.
pub fn sample(values: &[f64], file: u32, line: u32) -> Sample {
    let finite = |v: Option<f64>| v.filter(|v| v.is_finite()).map(round);
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let n = sorted.len();
    let median = match n {
        0 => None,
        n if n % 2 == 1 => Some(sorted[n / 2]),
        n => Some((sorted[n / 2 - 1] + sorted[n / 2]) / 2.0),
    };
    let (m, s) = (mean(values), sd(values));
    Sample {
        n,
        mean: finite(m),
        sd: finite(s),
        cv: finite(s.zip(m).filter(|(_, m)| *m != 0.0).map(|(s, m)| s / m.abs())),
        median: finite(median),
        min: sorted.first().copied(),
        max: sorted.last().copied(),
        values: values.to_vec(),
        sources: (0..n as u32).map(|i| Source(file + i, 10 + line, 25)).collect(),
        blocks: Vec::new(),
        invalid: Vec::new(),
    }
}

/// A row of two samples, judged roughly as the real thing would.
pub fn row(category: &str, keys: &[(&str, &str)], spec: MetricSpec, a: &[f64], b: &[f64]) -> Row {
    let MetricSpec(metric, unit, direction, role, scale) = spec;
    let case: Keys = keys.iter().map(|(k, v)| (*k, *v)).collect();
    let (sa, sb) = (sample(a, 0, 0), sample(b, 5, 0));
    let mut row = Row {
        id: format!("netperf/{category}/{case}/{metric}"),
        workload: "netperf".into(),
        category: category.into(),
        case: case.into(),
        metric: metric.into(),
        metric_as_written: metric.into(),
        unit: unit.into(),
        direction,
        role,
        scale,
        candidate: 0,
        model: None,
        n_min: sa.n.min(sb.n),
        a: sa,
        b: sb,
        diff: None,
        diff_ci: None,
        diff_ci90: None,
        bca_ci: None,
        band_abs: None,
        ratio: None,
        ratio_ci: None,
        ratio_ci90: None,
        ratio_of_means: None,
        min_effect: 0.05,
        p: PValues::default(),
        sequential: None,
        p_model: None,
        q: None,
        mde: None,
        hedges_g: None,
        verdict: Verdict::Invalid,
        reason: Some(Reason::OneReplicate),
        expected: None,
        warnings: Vec::new(),
    };
    if row.n_min >= 2 {
        judge(&mut row, a, b);
    } else if a.is_empty() {
        (row.verdict, row.reason) = (Verdict::MissingA, None);
    } else if b.is_empty() {
        (row.verdict, row.reason) = (Verdict::MissingB, None);
    }
    row
}

/// Welch on the logarithms, then the rules of the verdict.
fn judge(row: &mut Row, a: &[f64], b: &[f64]) {
    let log = |v: &[f64]| -> Vec<f64> { v.iter().map(|x| x.ln()).collect() };
    let se = |x: &[f64], y: &[f64]| {
        (sd(x).unwrap().powi(2) / x.len() as f64 + sd(y).unwrap().powi(2) / y.len() as f64).sqrt()
    };
    let df = (a.len() + b.len() - 2) as f64;
    let (la, lb) = (log(a), log(b));
    let (center, error) = (mean(&lb).unwrap() - mean(&la).unwrap(), se(&la, &lb));
    let reach = t95(df) * error;
    row.model = Some(Model::Welch);
    row.ratio = Some(round(center.exp()));
    row.ratio_ci = Some(interval((center - reach).exp(), (center + reach).exp()));
    row.ratio_ci90 = Some(interval((center - reach * 0.8).exp(), (center + reach * 0.8).exp()));
    row.ratio_of_means = Some(round(mean(b).unwrap() / mean(a).unwrap()));
    let (difference, raw_error) = (mean(b).unwrap() - mean(a).unwrap(), se(a, b));
    row.diff = Some(round(difference));
    let raw_reach = t95(df) * raw_error;
    row.diff_ci = Some(interval(difference - raw_reach, difference + raw_reach));
    let p = p_of_t(center / error, df);
    let raw_p = p_of_t(difference / raw_error, df);
    row.p = PValues {
        student: Some(raw_p),
        welch: Some(raw_p),
        mann_whitney: Some(0.0556),
        ..PValues::default()
    };
    row.p_model = Some(p);
    row.hedges_g = Some(round(difference / raw_error / (a.len() as f64 / 2.0).sqrt()));
    let mde = 1.3 * reach;
    row.mde = Some(Mde { up: round(mde.exp() - 1.0), down: round((-mde).exp() - 1.0) });
    decide(row);
}

/// The rules, with q = 1.5 p as if the family were small.
pub fn decide(row: &mut Row) {
    let p = row.p_model.unwrap();
    if row.role == Role::Primary {
        row.q = Some(round((p * 1.5).min(1.0)));
    }
    let decisive = row.q.unwrap_or(p);
    let (lo, hi) = (1.0 / 1.05, 1.05);
    let ratio = row.ratio.unwrap();
    let Interval(lo90, hi90) = row.ratio_ci90.unwrap();
    let outside = ratio < lo || ratio > hi;
    row.reason = None;
    row.verdict = if lo90 >= lo && hi90 <= hi {
        Verdict::Equivalent
    } else if decisive <= 0.05 && outside {
        match (row.direction, ratio > 1.0) {
            (Direction::HigherIsBetter, true) | (Direction::LowerIsBetter, false) => Verdict::Improved,
            (Direction::Informational, true) => Verdict::ChangedUp,
            (Direction::Informational, false) => Verdict::ChangedDown,
            _ => Verdict::Regressed,
        }
    } else {
        row.reason = Some(if decisive <= 0.05 {
            Reason::Small
        } else if p <= 0.05 {
            Reason::Suggestive
        } else if row.mde.unwrap().up > 0.05 {
            Reason::Noisy
        } else {
            Reason::Open
        });
        Verdict::Inconclusive
    };
}

/// Files, ids, families, summaries: what follows from the rows.
pub fn finish(comparison: &mut Comparison) {
    let repeats = comparison.a.repeats.max(1);
    comparison.files = std::iter::once(&comparison.a)
        .chain(&comparison.b)
        .flat_map(|s| {
            (1..=repeats).map(|i| {
                format!(
                    "{}/repeat{i}.virtio_net.netperf.host_guest/results/netperf-result.1398945600.RHS",
                    s.path
                )
            })
        })
        .collect();
    let several = comparison.b.len() > 1;
    for row in &mut comparison.rows {
        row.id = format!("{}/{}/{}/{}", row.workload, row.category, row.case, row.metric);
        if several {
            row.id.push_str(&format!("/B{}", row.candidate + 1));
        }
    }
    for candidate in 0..comparison.b.len() {
        let rows = || comparison.rows.iter().filter(move |r| r.candidate == candidate);
        let size = rows().filter(|r| r.q.is_some()).count();
        let count = |only: Option<Role>| {
            let mut counts = BTreeMap::new();
            for row in rows().filter(|r| only.is_none_or(|role| r.role == role)) {
                *counts.entry(row.verdict).or_insert(0) += 1;
            }
            counts
        };
        let (primary, all) = (count(Some(Role::Primary)), count(None));
        let logs: Vec<f64> = rows().filter(|r| r.q.is_some()).filter_map(|r| r.ratio).map(f64::ln).collect();
        let score = mean(&logs).map(|m| Score {
            ratio: round(m.exp()),
            ci: interval((m - 0.012).exp(), (m + 0.012).exp()),
            rows: logs.len(),
            direction: Direction::HigherIsBetter,
        });
        comparison.families.push(Family { candidate, size, all_rows: false });
        comparison.summary.push(Summary {
            candidate,
            primary,
            all,
            expected: Default::default(),
            expected_all: Default::default(),
            score,
            per_metric: Vec::new(),
        });
    }
}
