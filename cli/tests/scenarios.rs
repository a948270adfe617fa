#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]
//! Every scenario and every kind of network with real guests and real netperf, as root and as an ordinary user.
//!
//! What the machine cannot do is skipped by name.

mod support;

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

fn run_in(mut command: Command, sets: &[&str], out: &Path) -> (Value, Vec<Value>) {
    command.args(["run", "netperf"]).args(QUICK).arg("shuffle=no");
    for set in sets {
        command.args(["--set", set]);
    }
    let run = output(command.arg("--out").arg(out));
    assert!(run.status.success(), "{sets:?}: {}", text(&run.stderr));
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
    let Some(_guard) = ready("two_guests_talk_over_each_kind_of_network_that_joins_them") else { return };
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
    let Some(_guard) = ready("an_external_host_is_a_namespace_of_its_own") else { return };
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("X");
    let dry = output(perfvt().args(["run", "netperf", "--dry-run", "--allow-unpinned"]));
    if !text(&dry.stdout).contains("network tap") {
        eprintln!("skipped an_external_host_is_a_namespace_of_its_own: no taps here");
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
