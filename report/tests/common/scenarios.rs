//! The comparisons that golden tests, browser tests and pictures use.

use super::numbers::Noise;
use super::*;

/// All of the small ones by name: what golden tests and readers of formats go through.
pub fn small() -> Vec<(&'static str, Comparison)> {
    vec![
        ("verdicts", verdicts()),
        ("hostile", hostile()),
        ("one_repeat", one_repeat()),
        ("empty", empty()),
        ("two_candidates", two_candidates()),
        ("known", known()),
        ("nothing_in_common", nothing_in_common()),
    ]
}

/// Every verdict with every reason that it can have.
pub fn verdicts() -> Comparison {
    let mut c = comparison("base", &["patched"]);
    let mut noise = Noise::new(7);
    let mut add =
        |size: &str, spec: MetricSpec, effect: f64, cv: f64, verdict: Verdict, reason: Option<Reason>| {
            let a = noise.values(5, 941.0, cv);
            let b = noise.values(5, 941.0 * effect, cv);
            let mut r = row("TCP_STREAM", &[("size", size), ("sessions", "1")], spec, &a, &b);
            (r.verdict, r.reason) = (verdict, reason);
            c.rows.push(r);
        };
    add("64", THROUGHPUT, 0.91, 0.01, Verdict::Regressed, None);
    add("128", THROUGHPUT, 1.12, 0.01, Verdict::Improved, None);
    add("256", THROUGHPUT, 1.001, 0.008, Verdict::Equivalent, None);
    add("512", THROUGHPUT, 0.97, 0.006, Verdict::Inconclusive, Some(Reason::Small));
    add("1024", THROUGHPUT, 0.94, 0.03, Verdict::Inconclusive, Some(Reason::Suggestive));
    add("4096", THROUGHPUT, 1.02, 0.09, Verdict::Inconclusive, Some(Reason::Noisy));
    add("16384", THROUGHPUT, 1.03, 0.02, Verdict::Inconclusive, Some(Reason::Open));
    add("64", CPU, 1.09, 0.01, Verdict::Regressed, None);
    add("128", CPU, 0.97, 0.004, Verdict::Improved, None);
    add("64", EXITS, 1.3, 0.02, Verdict::ChangedUp, None);
    add("128", EXITS, 0.7, 0.02, Verdict::ChangedDown, None);
    add("256", CPU, 1.08, 0.01, Verdict::Invalid, Some(Reason::NotComparable));
    constants(&mut c);
    zero_baseline(&mut c);
    let values = [940.0, 941.5, 939.0];
    let keys = |size| [("size", size), ("sessions", "4")];
    c.rows.push(row("TCP_STREAM", &keys("64"), THROUGHPUT, &[], &values));
    c.rows.push(row("TCP_STREAM", &keys("128"), THROUGHPUT, &values, &[]));
    c.rows.push(row("TCP_STREAM", &keys("256"), THROUGHPUT, &[940.0], &values));
    warnings(&mut c);
    finish(&mut c);
    c
}

/// Metrics without variance: equal, different, and deterministic.
fn constants(c: &mut Comparison) {
    let exact = MetricSpec("instructions", "", Direction::LowerIsBetter, Role::Primary, Scale::Linear);
    let mut add = |size: &str, b: f64, verdict, reason| {
        let mut r = row("TCP_STREAM", &[("size", size), ("sessions", "1")], exact, &[], &[]);
        (r.a, r.b) = (sample(&[1_048_576.0; 5], 0, 3), sample(&[b; 5], 5, 3));
        r.n_min = 5;
        r.ratio = Some(b / 1_048_576.0);
        r.diff = Some(b - 1_048_576.0);
        (r.verdict, r.reason) = (verdict, reason);
        c.rows.push(r);
    };
    add("64", 1_048_576.0, Verdict::Equivalent, Some(Reason::Exact));
    add("128", 1_048_580.0, Verdict::ExactChanged, None);
    add("256", 1_050_000.0, Verdict::Inconclusive, Some(Reason::NoVariance));
}

/// A baseline of zero has no ratio.
fn zero_baseline(c: &mut Comparison) {
    let retransmits = MetricSpec("retransmits", "", Direction::LowerIsBetter, Role::Important, Scale::Linear);
    let mut r = row("TCP_STREAM", &[("size", "64"), ("sessions", "1")], retransmits, &[], &[]);
    r.a = sample(&[0.0; 5], 0, 4);
    r.b = sample(&[1001.0, 998.0, 1004.0, 1000.0, 1002.0], 5, 4);
    r.n_min = 5;
    (r.diff, r.diff_ci) = (Some(1001.0), Some(Interval(998.2, 1003.8)));
    r.p = PValues { student: Some(1e-12), welch: Some(1e-9), ..PValues::default() };
    r.p_model = Some(1e-9);
    r.model = Some(Model::Welch);
    (r.verdict, r.reason) = (Verdict::Inconclusive, Some(Reason::NoScale));
    c.rows.push(r);
}

/// A warning of each level, one of a row, losses, differences of every class.
fn warnings(c: &mut Comparison) {
    let warn = |code, level, text: &str, advice: &str| Warning {
        code,
        level,
        text: text.to_owned(),
        advice: advice.to_owned(),
        count: 1,
    };
    c.warnings = vec![
        warn(
            "one-host-boot",
            Level::Blocking,
            "each side was measured in one host boot: a difference between host boots looks like an effect",
            "measure each side in at least two host boots",
        ),
        warn(
            "drift",
            Level::Note,
            "the boot scores of base fall with the order of the boots (p = 0.004)",
            "",
        ),
    ];
    c.rows[0].warnings.push(warn(
        "variance-ratio",
        Level::Note,
        "the variances differ by a factor of 11",
        "look at the points",
    ));
    c.a.losses.push(Loss {
        place: "results/base/repeat3/results/netperf-result.1398945600.RHS:17:26".to_owned(),
        what: "cell",
        reason: "not a finite number: nan".to_owned(),
    });
    c.differences = vec![
        difference("host.kernel", "6.1.0-28-amd64", "6.1.0-29-amd64", DifferenceClass::Intended),
        difference("host.cpu.microcode", "0xd0003d1", "0xd0003e7", DifferenceClass::Suspicious),
        difference("host.uptime", "3 days", "2 hours", DifferenceClass::Other),
    ];
}

fn difference(name: &str, a: &str, b: &str, class: DifferenceClass) -> Difference {
    Difference { name: name.to_owned(), a: Some(a.to_owned()), b: vec![Some(b.to_owned())], class }
}

/// Names that try to leave where they are put.
pub fn hostile() -> Comparison {
    const SCRIPT: &str = "<script>document.title='owned'</script>";
    const IMAGE: &str = "\"><img src=x onerror=\"document.title='owned'\">";
    let mut c = comparison("base", &["patched"]);
    let (a, b) = ([941.0, 938.0, 944.0, 940.0], [861.0, 858.0, 864.0, 860.0]);
    let keys = [("size\n=1", SCRIPT), (IMAGE, "\u{202e}evil\u{2066}"), ("שלום", "a|b`c*d_e")];
    let mut r = row(SCRIPT, &keys, THROUGHPUT, &a, &b);
    r.workload = IMAGE.into();
    r.metric = "</td><td onclick=\"x()\">thr".into();
    r.metric_as_written = "</script><!--".into();
    r.unit = "Mbit/s</style>".into();
    r.warnings.push(Warning {
        code: "noisy",
        level: Level::Note,
        text: "guest says: ' onmouseover='document.title=1".to_owned(),
        advice: "javascript:alert(1)".to_owned(),
        count: 1,
    });
    c.rows.push(r);
    c.rows.push(row("ünïcödé 漢字 👍", &[("size", "@everyone #1 https://example.org")], CPU, &a, &b));
    c.a.label = format!("{SCRIPT}\u{1b}[31mred");
    c.b[0].label = "--><svg onload=document.title='owned'>".to_owned();
    c.b[0].path = IMAGE.to_owned();
    c.a.facts.insert(SCRIPT.to_owned(), "]]>\u{0}\u{7}\u{2028}".to_owned());
    c.a.session_length = Some(IMAGE.to_owned());
    c.differences = vec![difference("guest.<kernel>", SCRIPT, "\u{2029}'\"", DifferenceClass::Suspicious)];
    c.method.command.push("$(reboot) `x` 'y' </code>".to_owned());
    c.warnings.push(Warning {
        code: "foreign",
        level: Level::Blocking,
        text: SCRIPT.to_owned(),
        advice: IMAGE.to_owned(),
        count: 1,
    });
    finish(&mut c);
    c.files[0] = SCRIPT.to_owned();
    c
}

/// One repeat on each side: nothing can be judged.
pub fn one_repeat() -> Comparison {
    let mut c = comparison("mon", &["tue"]);
    for side in std::iter::once(&mut c.a).chain(&mut c.b) {
        (side.repeats, side.boots, side.host_boots, side.date_unix) = (1, None, None, None);
        side.session_length = None;
        side.facts.clear();
    }
    for (size, b) in [("64", 880.0), ("1024", 941.0)] {
        c.rows.push(row("TCP_STREAM", &[("size", size)], THROUGHPUT, &[940.0], &[b]));
    }
    finish(&mut c);
    c
}

/// Changes that `--expect` names: one that regressed, one whose reason is hostile.
pub fn known() -> Comparison {
    let mut c = comparison("base", &["patched"]);
    let mut noise = Noise::new(3);
    for (size, effect) in [("64", 0.8), ("128", 0.85), ("256", 1.2), ("512", 1.0)] {
        let (a, b) = (noise.values(5, 941.0, 0.01), noise.values(5, 941.0 * effect, 0.01));
        c.rows.push(row("TCP_STREAM", &[("size", size)], THROUGHPUT, &a, &b));
    }
    let reasons = ["the new default of the driver", "<b onclick=x()>|`reason`\u{202e} @all"];
    for ((row, reason), line) in c.rows.iter_mut().skip(1).zip(reasons).zip(3..) {
        let (until, place) = ("2027-01-31".to_owned(), format!("known.txt:{line}"));
        row.expected = Some(Expected { reason: reason.to_owned(), until, place });
    }
    finish(&mut c);
    c.summary[0].expected = [(Verdict::Regressed, 1), (Verdict::Improved, 1)].into();
    c
}

/// A candidate that has no case in common with the baseline.
pub fn nothing_in_common() -> Comparison {
    let mut c = comparison("old", &["new"]);
    let values = [940.0, 941.5, 939.0, 940.5, 942.0];
    for size in ["64", "1024"] {
        c.rows.push(row("TCP_STREAM", &[("size", size)], THROUGHPUT, &values, &[]));
        c.rows.push(row("TCP_SENDFILE", &[("size", size)], THROUGHPUT, &[], &values));
    }
    finish(&mut c);
    c
}

/// Nothing in common, nothing at all.
pub fn empty() -> Comparison {
    let mut c = comparison("base", &["patched"]);
    finish(&mut c);
    c
}

/// Two candidates against one baseline, with blocks.
pub fn two_candidates() -> Comparison {
    let mut c = comparison("v6.1", &["v6.6", "v6.12"]);
    let mut noise = Noise::new(11);
    for (size, effect) in [("64", 0.90), ("1024", 1.0), ("16384", 1.11)] {
        let a = noise.values(6, 940.0, 0.008);
        for (candidate, factor) in [(0, effect), (1, 2.0 - effect)] {
            let b = noise.values(6, 940.0 * factor, 0.008);
            let mut r = row("TCP_STREAM", &[("size", size)], THROUGHPUT, &a, &b);
            r.candidate = candidate;
            r.model = Some(Model::Blocked);
            r.p.blocked = r.p_model;
            (r.a.blocks, r.b.blocks) = ((1..=6).collect(), (1..=6).collect());
            r.b.sources = sample(&b, 5 + 5 * candidate as u32, 0).sources;
            c.rows.push(r);
        }
    }
    c.differences = vec![Difference {
        name: "host.kernel".to_owned(),
        a: Some("6.1.0".to_owned()),
        b: vec![Some("6.6.0".to_owned()), Some("6.12.0".to_owned())],
        class: DifferenceClass::Intended,
    }];
    c.a.repeats = 6;
    finish(&mut c);
    c
}

/// A netperf campaign: three categories, sizes and sessions, 48 cases, four metrics each.
pub fn netperf() -> Comparison {
    let mut c = comparison("6.1.0-28", &["6.1.0-29"]);
    let mut noise = Noise::new(2024);
    let sizes = ["64", "256", "1024", "4096", "16384", "65507"];
    for (category, direction) in [("TCP_STREAM", 1.0), ("TCP_MAERTS", 0.9)] {
        for (s, size) in sizes.iter().enumerate() {
            for (k, sessions) in ["1", "4", "16"].iter().enumerate() {
                // Small messages got slower, more so with more sessions; large ones in the other direction faster.
                let effect = if direction == 1.0 {
                    1.0 - 0.05 * (k as f64 + 0.6) * (3.0 - s as f64).max(0.0) / 3.0
                } else {
                    1.0 + 0.04 * (s as f64 - 3.0).max(0.0)
                };
                let level = 700.0 * 2f64.powi(s as i32) * (1.0 + 0.4 * k as f64) * direction;
                stream_case(&mut c, &mut noise, category, size, sessions, level, effect);
            }
        }
    }
    for size in ["1", "64", "256", "1024"] {
        for sessions in ["1", "25", "100"] {
            let keys = [("size", size), ("sessions", sessions)];
            let level = 9_000.0 * sessions.parse::<f64>().unwrap().sqrt();
            let (a, b) = (noise.values(5, level, 0.03), noise.values(5, level * 1.01, 0.03));
            c.rows.push(row("TCP_RR", &keys, RATE, &a, &b));
            let (a, b) = (noise.values(5, 40.0, 0.02), noise.values(5, 40.2, 0.02));
            c.rows.push(row("TCP_RR", &keys, CPU, &a, &b));
        }
    }
    warnings(&mut c);
    finish(&mut c);
    per_metric(&mut c);
    c
}

fn stream_case(
    c: &mut Comparison,
    noise: &mut Noise,
    category: &str,
    size: &str,
    sessions: &str,
    level: f64,
    effect: f64,
) {
    let keys = [("size", size), ("sessions", sessions)];
    let mut add = |spec: MetricSpec, level: f64, effect: f64, cv: f64| {
        let (a, b) = (noise.values(5, level, cv), noise.values(5, level * effect, cv));
        c.rows.push(row(category, &keys, spec, &a, &b));
    };
    add(THROUGHPUT, level, effect, 0.012);
    add(PER_CPU, level / 60.0, effect * 0.99, 0.02);
    add(CPU, 60.0, 1.01, 0.01);
    add(EXITS, 300_000.0, 2.0 - effect, 0.03);
}

fn per_metric(c: &mut Comparison) {
    let direction = Direction::HigherIsBetter;
    let score = |ratio: f64, rows| Score { ratio, ci: Interval(ratio - 0.01, ratio + 0.01), rows, direction };
    c.summary[0].per_metric =
        [("throughput", 0.982, 36), ("thr_per_CPU", 0.972, 36), ("trans.rate", 1.008, 12)]
            .map(|(metric, ratio, rows)| MetricScore {
                workload: "netperf".to_owned(),
                metric: metric.to_owned(),
                score: score(ratio, rows),
            })
            .to_vec();
}

/// So many rows, every one with five values on each side.
pub fn large(rows: usize) -> Comparison {
    let mut c = comparison("base", &["patched"]);
    let mut noise = Noise::new(99);
    let specs = [THROUGHPUT, PER_CPU, LATENCY, CPU, EXITS];
    for i in 0..rows {
        let spec = specs[i % specs.len()];
        let case = i / specs.len();
        let (size, depth, jobs) = (1 << (case % 16), 1 << (case / 16 % 8), case / 128);
        let (size, depth, jobs) = (size.to_string(), depth.to_string(), jobs.to_string());
        let effect = 1.0 + 0.06 * noise.normal() * noise.uniform();
        let (a, b) = (noise.values(5, 940.0, 0.015), noise.values(5, 940.0 * effect, 0.015));
        let keys = [("bs", size.as_str()), ("iodepth", depth.as_str()), ("numjobs", jobs.as_str())];
        let mut r = row("randread", &keys, spec, &a, &b);
        r.workload = "fio".into();
        c.rows.push(r);
    }
    finish(&mut c);
    c
}
