//! Every scenario and every kind of network with real guests and real netperf, as root and as an ordinary user.
//!
//! What the machine cannot do is skipped by name.

use crate::support;

use serde_json::Value;
use std::path::Path;
use std::process::Command;
use support::{files, measurements, output, perfvt, ready, text};

/// One stream of a second, in guests that share what CPUs there are.
const QUICK: [&str; 14] = [
    "--set",
    "protocols=TCP_STREAM",
    "--set",
    "sizes=16384",
    "--set",
    "sessions=2",
    "--set",
    "l=1",
    "--set",
    "mem=256",
    "--repeat",
    "1",
    "--allow-unpinned",
    "--set",
];

/// The same command line once more.
fn clone(command: &Command) -> Command {
    let mut other = Command::new(command.get_program());
    other.args(command.get_args());
    for (name, value) in command.get_envs() {
        other.env(name, value.unwrap_or_default());
    }
    other
}

/// QEMU's command lines in what a dry run says are those of each boot, but for names of that boot.
fn shown_is_executed(planned: &str, out: &Path) {
    let lines: Vec<String> = planned
        .lines()
        .filter_map(|line| line.trim().strip_prefix("qemu-system-x86_64 "))
        .map(|line| {
            let mut params = model::Params::new();
            params.set("line", line, model::Origin::BuiltIn);
            params.words("line").unwrap().join("\n")
        })
        .collect();
    let boots = files(out, "qemu.argv.shown");
    assert!(!boots.is_empty() && !lines.is_empty(), "{planned}");
    for boot in boots {
        assert_eq!(std::fs::read_to_string(boot).unwrap(), lines.join("\n\n"));
    }
}

fn run_in(mut command: Command, sets: &[&str], out: &Path) -> (Value, Vec<Value>) {
    command.args(["run", "netperf"]).args(QUICK).arg("shuffle=no");
    for set in sets {
        command.args(["--set", set]);
    }
    let planned = output(clone(&command).arg("--dry-run"));
    let run = output(command.arg("--out").arg(out));
    assert!(run.status.success(), "{sets:?}: {}", text(&run.stderr));
    shown_is_executed(&text(&planned.stdout), out);
    let all = measurements(out);
    assert!(!all.is_empty() && all.iter().all(|m| m["value"].is_number()), "{all:?}");
    let plan = serde_json::from_slice(&std::fs::read(out.join("campaign.json")).unwrap()).unwrap();
    (plan, all)
}

fn value(all: &[Value], metric: &str) -> f64 {
    all.iter().find(|m| m["metric"] == metric).unwrap()["value"].as_f64().unwrap()
}

#[test]
fn two_guests_talk_over_each_kind_of_network_that_joins_them() {
    let Some(_guard) = ready() else { return };
    let dir = tempfile::tempdir().unwrap();
    for net in ["auto", "dgram", "stream"] {
        let out = dir.path().join(net);
        let asked = format!("net={net}");
        let (plan, all) = run_in(perfvt(), &["scenario=guest_guest", &asked], &out);
        assert_eq!(plan["scenario"], "guest_guest");
        assert!(value(&all, "throughput") > 1.0);
        let repeats = files(&out, ".RHS");
        assert!(repeats[0].to_str().unwrap().contains("netperf.guest_guest/results"), "{repeats:?}");
        // The client ran in the second guest and not here.
        let argv = std::fs::read_to_string(&files(&out, "session1.argv")[0]).unwrap();
        assert!(argv.starts_with("netperf\n"), "{argv}");
        assert_eq!(files(&out, "client/serial.log").len(), 1);
    }
}

#[test]
fn an_external_host_is_a_namespace_of_its_own() {
    let Some(_guard) = ready() else { return };
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("X");
    let dry = output(perfvt().args(["run", "netperf", "--dry-run", "--allow-unpinned"]));
    if !text(&dry.stdout).contains("network tap") {
        testing::skip("no taps here");
        return;
    }
    let sets =
        ["scenario=guest_exhost", "client=netns", "nics=nic1 nic2", "nic_model_nic2=e1000", "mtu_nic1=9000"];
    let (plan, all) = run_in(perfvt(), &sets, &out);
    assert_eq!(plan["scenario"], "exhost_guest");
    assert!(value(&all, "throughput") > 1.0);
    let argv = std::fs::read_to_string(&files(&out, "session0.argv")[0]).unwrap();
    assert!(argv.contains("-H\n192.168.101.2\n") && argv.contains("--\n-H\n192.168.100.2"), "{argv}");
    let line = std::fs::read_to_string(&files(&out, "qemu.argv")[0]).unwrap();
    assert!(line.contains("e1000,netdev=net1"), "{line}");
    // Jumbo packets carry far more than 1500 bytes each.
    assert!(value(&all, "rx_byts") / value(&all, "rx_pkts") > 2000.0, "{all:?}");
}

/// Runs perfvt in a network namespace of its own with bridges, as if that were the host.
fn on_a_host_with_bridges() -> Option<Command> {
    let mut command = Command::new("unshare");
    // As root inside and outside; an ordinary user is root inside only, and plugs taps just the same.
    command.args(["--map-root-user", "--net", "--", "sh", "-c"]);
    command.arg(
        "ip link set lo up && ip link add br0 type bridge && ip address add 10.77.0.1/24 dev br0 && \
         ip link set br0 up && ip link add br1 type bridge && ip address add 10.78.0.1/24 dev br1 && \
         ip link set br1 up && exec \"$@\"",
    );
    command.arg("sh");
    let mut probe = Command::new("unshare");
    probe.args(["--map-root-user", "--net", "--", "ip", "tuntap", "add", "dev", "tap0", "mode", "tap"]);
    if !output(&mut probe).status.success() {
        testing::skip("no network namespace with taps here");
        return None;
    }
    command.arg(env!("CARGO_BIN_EXE_perfvt"));
    Some(command)
}

#[test]
fn guests_are_plugged_into_bridges_that_are_there_already() {
    let Some(_guard) = ready() else { return };
    let Some(command) = on_a_host_with_bridges() else { return };
    let dir = tempfile::tempdir().unwrap();
    let sets = [
        "nics=nic1 nic2",
        "bridge=br0",
        "bridge_nic2=br1",
        "ip_nic1=10.77.0.21",
        "ip_nic2=10.78.0.21",
        "irq_vcpus=0",
        "server_vcpus=0",
    ];
    let out = dir.path().join("X");
    let (plan, all) = run_in(command, &sets, &out);
    assert_eq!(plan["network"], "bridge");
    assert!(value(&all, "throughput") > 1.0);
    let line = std::fs::read_to_string(&files(&out, "qemu.argv")[0]).unwrap();
    let taps: Vec<&str> = line.lines().filter(|word| word.starts_with("tap,id=")).collect();
    assert_eq!(taps, ["tap,id=net0,fd=200", "tap,id=net1,fd=202"]);
}

/// The intervals of a session of netperf, weighted by their lengths, come to its own summary.
fn agrees_with_its_summary(session: &str) {
    let intervals = formats::netperf::parse_session(session).unwrap().intervals;
    let time: f64 = intervals.iter().map(|i| i.seconds).sum();
    let of_summary = |key: &str| -> f64 {
        let mut lines = session.lines();
        let value = lines.find_map(|line| line.strip_prefix(key)?.strip_prefix('=')?.parse().ok());
        value.unwrap_or_else(|| panic!("no {key} in {session}"))
    };
    let (summary, elapsed) = (of_summary("THROUGHPUT"), of_summary("ELAPSED_TIME"));
    // The last piece of the session may not be reported: it is then taken to have been like the piece before it.
    let tail = elapsed - time;
    assert!((-0.1..1.5).contains(&tail), "{time} s by intervals, {elapsed} s by summary");
    let moved =
        intervals.iter().map(|i| i.rate * i.seconds).sum::<f64>() + intervals.last().unwrap().rate * tail;
    let ratio = moved / elapsed / summary;
    eprintln!("throughput by intervals is {ratio} of the summary");
    assert!((0.98..1.02).contains(&ratio), "throughput by intervals is {ratio} of the summary");
}

#[test]
fn what_is_counted_in_a_window_agrees_with_what_others_count() {
    let Some(_guard) = ready() else { return };
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("X");
    let (_, all) = run_in(perfvt(), &["scenario=host_guest", "l=20", "sessions=1"], &out);
    let window: Value =
        serde_json::from_slice(&std::fs::read(&files(&out, "window.json")[0]).unwrap()).unwrap();
    let seconds = window["window"]["len_ns"].as_f64().unwrap() * 1e-9;

    // The host's CPU time against the threads that used it: no thread can have used more than there was.
    let cpus = std::thread::available_parallelism().unwrap().get() as f64;
    let host = value(&all, "CPU") * cpus;
    let threads = value(&all, "vcpu_CPU") + value(&all, "emulator_CPU");
    assert!(threads > 5.0 && threads <= host * 1.05 + 5.0, "{threads} % by threads, {host} % by /proc/stat");

    // The guest's packets against the host's side of its tap.
    if !window["start"]["host"]["tap"].is_null() {
        let tap = |name: &str| {
            window["end"]["host"]["tap"][name].as_f64().unwrap()
                - window["start"]["host"]["tap"][name].as_f64().unwrap()
        };
        for (metric, counter) in [("rx_byts", "tx_bytes"), ("rx_pkts", "tx_packets")] {
            let ratio = value(&all, metric) / tap(counter);
            eprintln!("{metric}: the guest's is {ratio} of its tap's");
            assert!((0.98..1.02).contains(&ratio), "{metric}: the guest's is {ratio} of its tap's");
        }
    }

    // netperf's own summary is of the whole session: its intervals, weighted by their lengths, must come to the same. An
    // attempt that failed has no summary, and is with the forensics.
    let mut sessions = files(&out, "session0.txt");
    sessions.retain(|file| file.components().all(|part| part.as_os_str() != "forensics"));
    assert!(!sessions.is_empty());
    for session in sessions {
        agrees_with_its_summary(&std::fs::read_to_string(session).unwrap());
    }
    eprintln!("perfvt used {} % of a CPU", value(&all, "perfvt_CPU"));

    // What a TCG guest cannot give is absent with its reason; what there is has a unit.
    let run: Value = serde_json::from_slice(&std::fs::read(&files(&out, "run.json")[0]).unwrap()).unwrap();
    if run["accel"] == "tcg" {
        assert!(run["fingerprint"]["absent.exits"].as_str().unwrap().contains("TCG"));
        assert!(!all.iter().any(|m| m["metric"] == "exits"));
    }
    for metric in ["guest_CPU", "guest_intr", "guest_ctxt", "host_ctxt", "perfvt_CPU"] {
        assert!(value(&all, metric) > 0.0, "{metric}");
    }
    assert!(value(&all, "perfvt_CPU") < 0.5, "perfvt itself used {} % of a CPU", value(&all, "perfvt_CPU"));

    // The guest told its clock, which runs like the host's.
    let guest = |name: &str| -> f64 {
        let text = std::fs::read_to_string(&files(&out, name)[0]).unwrap();
        text.lines().next().unwrap().strip_prefix("now ").unwrap().parse().unwrap()
    };
    let rate = (guest("guest-end.txt") - guest("guest-start.txt")) * 1e-9 / seconds;
    assert!((0.9..1.1).contains(&rate), "{rate}");
}

/// Pages of 2 MiB that are reserved as long as this lives.
struct HugePages(String);

/// The kernel's count of them.
const HUGE: &str = "/proc/sys/vm/nr_hugepages";

impl HugePages {
    fn reserve(count: u32) -> Option<HugePages> {
        let before = std::fs::read_to_string(HUGE).ok()?;
        std::fs::write(HUGE, count.to_string()).ok()?;
        let pages = HugePages(before);
        let got: u32 = std::fs::read_to_string(HUGE).ok()?.trim().parse().ok()?;
        (got >= count).then_some(pages)
    }
}

impl Drop for HugePages {
    fn drop(&mut self) {
        let _ = std::fs::write(HUGE, &self.0);
    }
}

#[test]
fn a_guest_lives_in_huge_pages_when_it_is_told_to() {
    let Some(_guard) = ready() else { return };
    let Some(_pages) = HugePages::reserve(160) else {
        testing::skip("no 160 huge pages of 2 MiB can be reserved here");
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("X");
    let (_, all) = run_in(perfvt(), &["scenario=host_guest", "hugepages=2M", "machine=pc-q35-7.2"], &out);
    assert!(value(&all, "throughput") > 1.0);
    let line = std::fs::read_to_string(&files(&out, "qemu.argv")[0]).unwrap();
    assert!(line.contains("memory-backend-memfd,id=mem0,hugetlb=on,hugetlbsize=2M,size=256M"), "{line}");
    assert!(line.contains("\npc-q35-7.2,memory-backend=mem0\n"), "{line}");
    // 128 pages of 2 MiB, and no small one: numa_maps counts a page for each.
    let placement: Value =
        serde_json::from_slice(&std::fs::read(&files(&out, "placement.json")[0]).unwrap()).unwrap();
    let pages: u64 = placement["memory_pages"].as_object().unwrap().values().filter_map(Value::as_u64).sum();
    assert_eq!(pages, 128, "{placement}");
}
