//! The small scenarios: what golden tests and readers of formats go through. Each is written and judged once.

use super::support::{Env, Series, series, write_rhs};
use super::values::{Noise, around, hundredths};
use super::{Input, MEASURED};
use analyze::Comparison;
use formats::perf_conf::Conf;
use model::failure::{FailedAttempt, Phase};
use model::{Case, Code, Keys, Rule};
use report::ClassicTable;
use std::path::Path;
use std::sync::LazyLock;

// The example that draws the pages needs some of them.
#[allow(unused_imports)]
pub use super::campaigns::{density, iozone, large, netperf, quick};

/// All of them by name.
pub fn small() -> Vec<(&'static str, Comparison)> {
    vec![
        ("verdicts", verdicts()),
        ("hostile", hostile()),
        ("one_repeat", one_repeat()),
        ("empty", empty()),
        ("two_candidates", two_candidates()),
        ("known", known()),
        ("nothing_in_common", nothing_in_common()),
        ("renamed", renamed(&[])),
        ("matched", renamed(&["job: run old=run new"])),
        ("looked", looked()),
        ("failing", failing()),
        ("two_sessions", two_sessions()),
        ("hosts", super::hosts::hosts()),
        ("profiled", profiled()),
    ]
}

pub fn keys(keys: &[(&str, &str)]) -> Keys {
    keys.iter().map(|(k, v)| (*k, *v)).collect()
}

/// An environment of its own campaign, measured in 2014 on one host.
pub fn environment(name: &'static str, campaign: &'static str, series: Vec<Series>) -> Env {
    let mut env = Env::new(name, series);
    (env.campaign, env.started) = (campaign, MEASURED);
    (env.factors, env.params) = (vec!["kernel"], vec![("l", "60")]);
    env.facts = vec![("host.arch", "x86_64"), ("host.kernel", "6.1.0-28-amd64"), ("qemu.version", "7.2.15")];
    env
}

/// Every verdict with every reason that it can have.
pub fn verdicts() -> Comparison {
    static JUDGED: LazyLock<Comparison> = LazyLock::new(|| verdicts_input().judged());
    JUDGED.clone()
}

/// The classic table of the same directories.
pub fn classic() -> Vec<ClassicTable> {
    verdicts_input().classic()
}

/// The metric of a case on both sides.
struct Pair(Series, Series);

fn pair(metric: (&'static str, &'static str), case: (u32, &str), a: &[f64], b: &[f64]) -> Pair {
    let of = |values| {
        let mut series = series("TCP_STREAM (RX)", case.0, metric.0, metric.1, values);
        series.keys = keys(&[("size", &case.0.to_string()), ("sessions", case.1)]);
        series
    };
    Pair(of(a), of(b))
}

const THROUGHPUT: (&str, &str) = ("throughput", "Mbit/s");
const CPU: (&str, &str) = ("local_CPU", "%");
const SWITCHES: (&str, &str) = ("guest_ctxt", "1/s");
const EXITS: (&str, &str) = ("exits", "");
const INSTRUCTIONS: (&str, &str) = ("instructions", "");

fn verdicts_input() -> Input {
    let mut input = Input::new(|root| {
        let mut pairs = tested();
        pairs.extend(without_a_test());
        let (a, b): (Vec<Series>, Vec<Series>) = pairs.into_iter().map(|Pair(a, b)| (a, b)).unzip();
        let some = |all: Vec<Series>| all.into_iter().filter(|s| !s.values.is_empty()).collect();
        let mut base = environment("base", "c1", some(a)).unpaired();
        let mut patched = environment("patched", "c1", some(b)).unpaired();
        let (more_a, more_b) = (
            [("host.cpu.microcode", "0xd0003d1"), ("guest.kernel", "6.1.0-28-amd64")],
            [("host.cpu.microcode", "0xd0003e7"), ("guest.kernel", "6.1.0-29-amd64")],
        );
        base.facts.extend(more_a);
        patched.facts.extend(more_b);
        patched.facts[2].1 = "7.2.17";
        (base.params, patched.params) = (vec![("l", "60")], vec![("l", "30")]);
        (base.rhs, patched.rhs) = classic_files();
        let paths = vec![base.write(root), patched.write(root)];
        std::fs::create_dir(paths[0].join("repeat6.default.netperf.host_guest")).unwrap();
        paths
    });
    let layer = "[netperf]\nmetric.instructions = - lower primary linear exact\n";
    input.options.conf = Conf::with_layers([("exact.conf", layer)]).unwrap();
    input
}

/// Rows that a test decides, or does not.
fn tested() -> Vec<Pair> {
    let log = |size, effect: f64, sd: (f64, f64)| {
        let (a, b) = (around(941.0, 941.0 * sd.0, 0), around(941.0 * effect, 941.0 * effect * sd.1, 2));
        pair(THROUGHPUT, (size, "1"), &a, &b)
    };
    let linear = |metric, size, a: (f64, f64), b: (f64, f64)| {
        pair(metric, (size, "1"), &around(a.0, a.1, 1), &around(b.0, b.1, 3))
    };
    vec![
        // Regressed, and the spread differs, too; improved; equivalent.
        log(64, 0.91, (0.016, 0.002)),
        log(128, 1.12, (0.01, 0.01)),
        log(256, 1.001, (0.008, 0.008)),
        // Inconclusive: changed-small, suggestive, noisy, open.
        log(512, 0.957, (0.01, 0.01)),
        log(1024, 0.945, (0.036, 0.036)),
        log(4096, 1.02, (0.09, 0.09)),
        log(16384, 1.03, (0.023, 0.023)),
        linear(CPU, 64, (41.0, 0.4), (45.5, 0.5)),
        linear(CPU, 128, (41.0, 0.4), (37.5, 0.3)),
        linear(SWITCHES, 64, (942.0, 18.0), (1214.0, 16.0)),
        linear(SWITCHES, 128, (938.0, 20.0), (655.0, 21.0)),
        // A count, and the sessions are not equally long.
        linear(EXITS, 256, (93_500.0, 400.0), (50_650.0, 350.0)),
        // Nothing of it was there before: any change is larger than any share of it.
        pair(("vhost_CPU", "%"), (64, "1"), &[0.0; 5], &around(12.4, 0.3, 0)),
        // Hardly anything was there before, perhaps nothing: there is no ratio and no band.
        pair(("vhost_CPU", "%"), (128, "1"), &[0.0, 0.0, 0.3, 0.0, 0.0], &around(12.4, 0.3, 0)),
    ]
}

/// Constants, missing sides, and a single value.
fn without_a_test() -> Vec<Pair> {
    let (one, three) = ([1_048_576.0; 5], [940.0, 941.5, 939.0, 938.5, 941.0]);
    let mut failed = pair(THROUGHPUT, (256, "4"), &three, &three.map(|v| v - 12.5));
    for value in &mut failed.0.values[1..] {
        *value = Err("session 2 of 4 ended early");
    }
    vec![
        pair(INSTRUCTIONS, (64, "1"), &one, &one),
        pair(INSTRUCTIONS, (128, "1"), &one, &[1_048_580.0; 5]),
        // Constants: five a side are enough to tell them from chance, three are not.
        pair(("guest_softnet_drops", "1/s"), (64, "1"), &[0.0; 5], &[12.0; 5]),
        pair(("guest_softnet_drops", "1/s"), (128, "1"), &[0.0; 3], &[12.0; 3]),
        pair(THROUGHPUT, (64, "4"), &[], &three),
        pair(THROUGHPUT, (128, "4"), &three, &[]),
        pair(THROUGHPUT, (512, "4"), &three, &three[..1]),
        failed,
    ]
}

/// Classic files with a regression, a small one, one that is not significant, and a constant with a hostile name.
fn classic_files() -> (Vec<String>, Vec<String>) {
    let text = |i: usize, side: [f64; 3]| {
        let at = |mean: f64, sd: f64| around(mean, sd, 0)[i];
        let cells = [at(side[0], 25.0), at(side[1], 0.4), at(side[2], 90_000.0)];
        format!(
            "### session-length : 60\nCategory:TCP_STREAM (RX)\nsize|sessions|throughput|local_CPU|exits|<b>\n\
             64|1|{:.2}|{:.2}|{:.0}|1\n",
            cells[0], cells[1], cells[2]
        )
    };
    let all = |side| (0..5).map(|i| text(i, side)).collect();
    (all([940.0, 50.0, 300_000.0]), all([860.1, 51.0, 420_000.0]))
}

/// Names that try to leave where they are put.
pub fn hostile() -> Comparison {
    static JUDGED: LazyLock<Comparison> = LazyLock::new(hostile_judged);
    JUDGED.clone()
}

const SCRIPT: &str = "<script>document.title='owned'</script>";
const IMAGE: &str = "\"><img src=x onerror=\"document.title='owned'\">";

fn hostile_judged() -> Comparison {
    let side = |name, factor: f64| {
        let values = [941.0, 938.0, 944.0, 940.0].map(|v| hundredths(v * factor));
        let mut strange = series(SCRIPT, 0, "</td><td onclick=\"x()\">thr", "Mbit/s</style>", &values);
        strange.workload = IMAGE;
        strange.values.push(Err("</script><!-- ' onmouseover='document.title=1"));
        strange.keys = keys(&[("size\n=1", SCRIPT), (IMAGE, "\u{202e}evil\u{2066}"), ("שלום", "a|b`c*d_e")]);
        let mut plain = series("ünïcödé 漢字 👍", 0, "</script><!--", "%", &values.map(|v| v / 20.0));
        plain.keys = keys(&[("size", "@everyone #1 https://example.org")]);
        environment(name, "c1", vec![strange, plain]).unpaired()
    };
    let mut input = Input::new(|root| {
        let (mut a, mut b) = (side(SCRIPT, 1.0), side(IMAGE, 0.915));
        a.facts.extend([(SCRIPT, "]]>\u{0}\u{7}\u{2028}"), ("host.<b>.cpu.model", SCRIPT)]);
        b.facts.push(("host.<b>.cpu.model", "\u{2029}'\""));
        a.params = vec![("l", IMAGE)];
        a.warnings = vec!["the guest says: ' onmouseover='document.title=1 javascript:alert(1)"];
        b.changes = vec![[SCRIPT, IMAGE, "--><svg onload=document.title='owned'>"]];
        vec![a.write(root), b.write(root)]
    });
    // A name of a metric that perf.conf knows under another one.
    let layer = "[netperf]\nalias.CPU = </script><!--\n";
    input.options.conf = Conf::with_layers([("hostile.conf", layer)]).unwrap();
    input.options.labels =
        vec![format!("{SCRIPT}\u{1b}[31mred"), "--><svg onload=document.title='owned'>".to_owned()];
    input.options.command.push("$(reboot) `x` 'y' </code>".to_owned());
    input.judged()
}

/// One repeat on each side, in classic files that tell no date: nothing can be judged.
pub fn one_repeat() -> Comparison {
    static JUDGED: LazyLock<Comparison> = LazyLock::new(|| {
        let input = Input::new(|root| {
            let write = |side: &str, values: [f64; 2]| {
                let dir = root.join(side);
                std::fs::create_dir_all(&dir).unwrap();
                let text = format!(
                    "Category:TCP_STREAM (RX)\nsize|throughput\n64|{:.2}\n1024|{:.2}\n",
                    values[0], values[1]
                );
                std::fs::write(dir.join("netperf-result.RHS"), text).unwrap();
                dir
            };
            vec![write("mon", [940.0, 940.0]), write("tue", [880.0, 941.0])]
        });
        input.judged()
    });
    JUDGED.clone()
}

/// Changes that `--expect` names: one that regressed, one whose reason is hostile. A cell of the files is no number.
pub fn known() -> Comparison {
    static JUDGED: LazyLock<Comparison> = LazyLock::new(|| {
        let mut noise = Noise::new(3);
        let columns: Vec<[Vec<f64>; 2]> = [0.8, 0.85, 1.2, 1.0]
            .map(|effect| [noise.values(5, 941.0, 0.01), noise.values(5, 941.0 * effect, 0.01)])
            .into();
        let text = |side: usize, repeat: usize| {
            let line = |(size, column): (u32, &[Vec<f64>; 2])| match (side, repeat, size) {
                (1, 2, 512) => format!("{size}|1|nan\n"),
                _ => format!("{size}|1|{:.2}\n", column[side][repeat]),
            };
            let lines: String = [64, 128, 256, 512].into_iter().zip(&columns).map(line).collect();
            format!("### session-length : 60\nCategory:TCP_STREAM (RX)\nsize|sessions|throughput\n{lines}")
        };
        let texts = |side| (0..5).map(|repeat| text(side, repeat)).collect::<Vec<_>>();
        let mut input = Input::new(|root| {
            vec![write_rhs(root, "base", &texts(0)), write_rhs(root, "patched", &texts(1))]
        });
        let lines = "# ROW | VERDICT | until | REASON\n\n\
            netperf/TCP_STREAM/size=128,*/throughput | REGRESSED | until 2027-01-31 | the new default of the driver\n\
            netperf/TCP_STREAM/size=256,*/throughput | IMPROVED | until 2027-01-31 | <b onclick=x()>|`reason`\u{202e} @all\n";
        input.options.expectations =
            analyze::expectations(lines, Path::new("known.txt"), "2026-06-01").unwrap();
        input.judged()
    });
    JUDGED.clone()
}

/// A candidate that has no case in common with the baseline.
pub fn nothing_in_common() -> Comparison {
    static JUDGED: LazyLock<Comparison> = LazyLock::new(|| {
        let values = [940.0, 941.5, 939.0, 940.5, 942.0];
        let of = |category| [64, 1024].map(|size| series(category, size, "throughput", "Mbit/s", &values));
        let input = Input::new(|root| {
            let old = environment("old", "c1", of("TCP_STREAM (RX)").into());
            vec![old.write(root), environment("new", "c2", of("TCP_SENDFILE").into()).write(root)]
        });
        input.judged()
    });
    JUDGED.clone()
}

/// Two jobs that are called otherwise on each side, of which `--map` makes some meet.
fn renamed(maps: &[&str]) -> Comparison {
    let side = |root: &Path, name: &'static str, jobs: [&str; 2]| {
        let of = |(job, mean): (&str, f64)| Series {
            keys: keys(&[("job", job), ("size", "64")]),
            ..series("TCP_STREAM (RX)", 64, "throughput", "Mbit/s", &around(mean, 0.5, 0))
        };
        environment(name, "c1", [(jobs[0], 940.0), (jobs[1], 80.0)].map(of).into()).unpaired().write(root)
    };
    let mut input = Input::new(|root| {
        vec![side(root, "old", ["run old", "it's <old>"]), side(root, "new", ["run new", "it's <new>"])]
    });
    input.options.maps = maps.iter().map(|map| (*map).to_owned()).collect();
    input.judged()
}

/// Sizes that each side writes in another spelling.
pub fn spelled() -> Comparison {
    let input = Input::new(|root| {
        let side = |name: &str, sizes: [&str; 2]| {
            let path = root.join(format!("{name}.csv"));
            let mut text = "bs,depth,metric,unit,repeat,value\n".to_owned();
            for (size, depth) in sizes.iter().flat_map(|size| [(size, 1), (size, 8)]) {
                let values = around(940.0, 0.5, 0).into_iter().enumerate();
                values
                    .for_each(|(i, value)| text.push_str(&format!("{size},{depth},rate,1/s,{i},{value}\n")));
            }
            std::fs::create_dir_all(root).unwrap();
            std::fs::write(&path, text).unwrap();
            path
        };
        vec![side("old", ["4096", "8192"]), side("new", ["4k", "8192"])]
    });
    input.judged()
}

/// Nothing in common, nothing at all: every repeat ended without a case.
pub fn empty() -> Comparison {
    static JUDGED: LazyLock<Comparison> = LazyLock::new(|| {
        let input = Input::new(|root| {
            let side = |name, campaign| {
                let mut env = environment(name, campaign, Vec::new());
                env.planned = 5;
                env.write(root)
            };
            vec![side("base", "c1"), side("patched", "c2")]
        });
        input.judged()
    });
    JUDGED.clone()
}

/// One campaign a side, in a boot of the host of its own: what would be a regression, an equivalence and none of them.
pub fn two_sessions() -> Comparison {
    static JUDGED: LazyLock<Comparison> = LazyLock::new(|| {
        let input = Input::new(|root| {
            let side = |name, campaign, host, factors: [f64; 3]| {
                let of = |(size, factor): (u32, f64)| {
                    series("TCP_STREAM (RX)", size, "throughput", "Mbit/s", &around(941.0 * factor, 7.0, 1))
                };
                let cases = [64, 1024, 16384].into_iter().zip(factors).map(of).collect();
                let mut env = environment(name, campaign, cases);
                (env.environments, env.host_boots) = (vec![name], vec![host; 5]);
                env.write(root)
            };
            vec![
                side("monday", "c1", "host-1", [1.0; 3]),
                side("tuesday", "c2", "host-2", [0.9, 1.001, 0.96]),
            ]
        });
        input.judged()
    });
    JUDGED.clone()
}

/// Two candidates against one baseline in one campaign, in blocks; the host got slower from block to block.
pub fn two_candidates() -> Comparison {
    static JUDGED: LazyLock<Comparison> = LazyLock::new(|| {
        let mut noise = Noise::new(11);
        let cases = [(64, 0.90), (1024, 1.0), (16384, 1.11)];
        let sides = [("v6.1", "6.1.0"), ("v6.6", "6.6.0"), ("v6.12", "6.12.0")];
        let input = Input::new(|root| {
            let write = |(side, (name, kernel)): (usize, (&'static str, &'static str))| {
                let of = |(size, effect): (u32, f64)| {
                    let factor = [1.0, effect, 2.0 - effect][side];
                    let slower = |(i, v): (usize, f64)| hundredths(v * (1.0 - 0.012 * i as f64));
                    let values = noise.values(6, 940.0 * factor, 0.003);
                    let values: Vec<f64> = values.into_iter().enumerate().map(slower).collect();
                    series("TCP_STREAM (RX)", size, "throughput", "Mbit/s", &values)
                };
                let mut env = environment(name, "c1", cases.map(of).into());
                env.environments = sides.map(|s| s.0).into();
                env.facts.push(("guest.kernel", kernel));
                env.write(root)
            };
            sides.into_iter().enumerate().map(write).collect()
        });
        input.judged()
    });
    JUDGED.clone()
}

/// A campaign that goes on, whose candidate breaks: guests die in one case, a tool fails once in another, which failed on the
/// baseline alone, too; of one category all rows got a little slower together.
pub fn failing() -> Comparison {
    static JUDGED: LazyLock<Comparison> = LazyLock::new(|| failing_input().judged());
    JUDGED.clone()
}

fn failing_input() -> Input {
    let mut noise = Noise::new(17);
    let mut sides = [Vec::new(), Vec::new()];
    let mut add = |category, size, effect: f64, cv| {
        for (side, effect) in sides.iter_mut().zip([1.0, effect]) {
            side.push(series(category, size, "throughput", "Mbit/s", &noise.values(8, 940.0 * effect, cv)));
        }
    };
    for (size, effect) in [(64, 1.0), (1024, 1.0), (4096, 1.15), (16384, 0.8)] {
        add("TCP_STREAM (RX)", size, effect, 0.01);
    }
    for size in [64, 256, 1024, 4096, 16384, 65507] {
        add("TCP_MAERTS (TX)", size, 0.93, 0.045);
    }
    let case = |of: &Series| {
        Case { workload: of.workload.into(), category: of.category.into(), keys: of.keys.clone() }.id()
    };
    let ids: Vec<String> = sides[0].iter().map(case).collect();
    let failed = |name: &str, repeat, attempt, case: Option<usize>, code: Code, reason: &str| FailedAttempt {
        repeat,
        block: repeat,
        attempt,
        boot: format!("c1-{name}-{repeat}-{attempt}"),
        case: case.map(|case| ids[case].clone()),
        code: Some(code),
        reason: reason.into(),
    };
    const PANIC: &str =
        "the guest's kernel panicked: Kernel panic - not syncing: Fatal exception in interrupt";
    let mut of_next: Vec<FailedAttempt> = (1..=8)
        .flat_map(|repeat| (1..=2).map(move |attempt| (repeat, attempt)))
        .map(|(repeat, attempt)| failed("next", repeat, attempt, Some(0), Code::Panic, PANIC))
        .collect();
    for value in &mut sides[1][0].values[2..6] {
        *value = Err(PANIC);
    }
    of_next.push(failed("next", 3, 1, Some(1), Code::ToolFailed, "netperf ended with exit code 1"));
    of_next.push(failed("next", 4, 1, Some(2), Code::ToolFailed, "netperf ended with exit code 1"));
    of_next.push(failed("next", 5, 1, None, Code::Deadline(Phase::Boot), "no word from the guest in 60 s"));
    sides[1][1].values[2] = Err("netperf ended with exit code 1");
    let of_base = vec![failed("base", 2, 1, Some(2), Code::ToolFailed, "netperf ended with exit code 1")];
    Input::new(|root| {
        let write = |((name, series), failures): ((&'static str, Vec<Series>), Vec<FailedAttempt>)| {
            let mut env = environment(name, "c1", series);
            env.environments = vec!["base", "next"];
            let dir = env.write(root);
            let mut run = env.run();
            (run.failures, run.started, run.ended) = (failures, 9, Some(name == "base"));
            model::store::write_json(&dir.join(model::store::RUN_FILE), &run).unwrap();
            dir
        };
        ["base", "next"].into_iter().zip(sides).zip([of_base, of_next]).map(write).collect()
    })
}

/// A campaign that a stopping rule looked at after every block and ended after twelve.
pub fn looked() -> Comparison {
    static JUDGED: LazyLock<Comparison> = LazyLock::new(|| {
        let mut noise = Noise::new(5);
        let input = Input::new(|root| {
            let write = |(name, effect): (&'static str, f64)| {
                let of = |(size, effect)| {
                    let values = noise.values(12, 940.0 * effect, 0.012);
                    series("TCP_STREAM (RX)", size, "throughput", "Mbit/s", &values)
                };
                let mut env = environment(name, "c1", [(64, effect), (1024, 1.0)].map(of).into());
                env.environments = vec!["base", "patched"];
                env.planned = 30;
                env.rule =
                    Some(Rule::Until { half_width: 0.01, floor: 5, ceiling: 30, budget_seconds: None });
                env.write(root)
            };
            [("base", 1.0), ("patched", 0.93)].map(write).into()
        });
        input.judged()
    });
    JUDGED.clone()
}

/// A case that got slower, with its counters, its exits by reason, and profiles whose names try to leave where they are put.
pub fn profiled() -> Comparison {
    static JUDGED: LazyLock<Comparison> = LazyLock::new(|| {
        let input = Input::new(|root| {
            let side = |name, factor: f64, exits: f64, stacks: [String; 2]| {
                let of =
                    |metric, unit, values: Vec<f64>| series("TCP_STREAM (RX)", 64, metric, unit, &values);
                let all = vec![
                    of("throughput", "Mbit/s", around(941.0 * factor, 4.0, 0)),
                    of("CPU", "%", around(41.0 / factor, 0.4, 1)),
                    of("exits", "", around(93_500.0 * exits, 400.0, 2)),
                    of("exit_io", "", around(60_000.0 * exits, 300.0, 3)),
                    of("exit_halt", "", around(1_200.0, 9.0, 1)),
                    of("exit_signal", "", vec![0.0; 5]),
                ];
                let mut side = environment(name, "c1", all).unpaired();
                let [host, vm1] = stacks;
                side.profile = Some(super::support::Profiled {
                    stacks: vec![("host", host), ("vm1", vm1)],
                    told: vec![],
                });
                side
            };
            let before = "CPU 0/KVM;ioctl;kvm_arch_vcpu_ioctl_run;vmx_vcpu_run 700\nCPU 0/KVM;ioctl;kvm_arch_vcpu_ioctl_run;handle_io 100\n\
                          qemu-system-x86;main_loop;poll 200\n";
            let after = "CPU 0/KVM;ioctl;kvm_arch_vcpu_ioctl_run;vmx_vcpu_run 500\nCPU 0/KVM;ioctl;kvm_arch_vcpu_ioctl_run;handle_io;emulate 380\n\
                         qemu-system-x86;main_loop;poll 117\nqemu-system-x86;rare 3\n";
            let inner = format!("netserver;recv 900\nnetserver;{SCRIPT} 100\n");
            let strange = format!("netserver;recv 700\nnetserver;{SCRIPT} 250\n{IMAGE}\u{202e};a\"b&c 50\n");
            let base = side("base", 1.0, 1.0, [before.into(), inner]);
            let head = side("head", 0.86, 1.5, [after.into(), strange]);
            vec![base.write(root), head.write(root)]
        });
        input.judged()
    });
    JUDGED.clone()
}

/// The profile of one side alone.
pub fn flame() -> analyze::Flame {
    let mut flame = profiled().causes.remove(0).profile.unwrap();
    flame.moved.clear();
    flame
}
