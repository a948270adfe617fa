//! A whole campaign whose guests KVM executes: a guest under emulation, whose CPU has AMD's SVM, is the host.

use crate::nested_support;
use crate::support;

use nested_support::{MARK, WITH_KVM, cache_inside, is_inside, reported};
use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use support::{files, has_guests, measurements, output, perfvt, text};

/// The second half, which does nothing on an ordinary machine.
#[test]
fn inside_of_a_host_with_kvm() {
    if !is_inside("nested_kvm::inside_of_a_host_with_kvm") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    cache_inside(folder.path());
    // A host that has no address but the loopback's resolves none of IPv4 (getaddrinfo(3), AI_ADDRCONFIG).
    let added = output(Command::new("ip").args(["address", "add", "10.99.0.1/32", "dev", "lo"]));
    assert!(added.status.success(), "{}", text(&added.stderr));
    let out = folder.path().join("X");
    let mut run = perfvt();
    run.args(["run", "netperf", "--repeat", "1", "--noise", "off", "--out"]).arg(&out);
    // This host is emulated, and may get a tenth of a CPU: its deadlines are those of a slow one.
    run.args(["--set", "deadline_factor=20"]);
    for set in ["protocols=TCP_STREAM", "sizes=16384", "sessions=1", "l=2", "mem=256", "smp=1", "net=user"] {
        run.args(["--set", set]);
    }
    // What it says goes to the console while it says it: a host that is ended from outside shows how far it came.
    let mut run = run.env("XDG_CACHE_HOME", folder.path()).stderr(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(run.stderr.take().unwrap()).lines().map_while(Result::ok);
    let said: Vec<String> = lines.inspect(|line| println!("{line}")).collect();
    assert!(run.wait().unwrap().success() && !said.iter().any(|line| line.contains("TCG")), "{said:?}");
    let all = measurements(&out);
    let value = |metric: &str| all.iter().find(|m| m["metric"] == metric).unwrap()["value"].as_f64().unwrap();
    let [moved, exits, injected] = ["throughput", "exits", "irq_inj"].map(value);
    assert!(moved > 1.0 && exits > injected && injected > 0.0, "{all:?}");
    let run: Value = serde_json::from_slice(&fs::read(&files(&out, "run.json")[0]).unwrap()).unwrap();
    assert_eq!(run["accel"], "kvm");
    assert_eq!(run["fingerprint"]["kvm.counters"], "query-stats");
    println!("{MARK}values: {moved} Mbit/s, {exits} exits, {injected} interrupts injected");
    println!("{MARK}done");
}

/// Beside other work such a host stands still for minutes, and what its guests measure is no value then; that KVM's counters are
/// read of a guest is tested in `collect`, without a campaign around it.
#[test]
#[ignore = "soak: an emulated host takes the machine for itself"]
fn a_campaign_under_kvm_counts_exits_and_injected_interrupts() {
    // The host that is made for it waits for its own turn.
    if !has_guests() {
        return;
    }
    match WITH_KVM.run("nested_kvm::inside_of_a_host_with_kvm") {
        Ok(said) => eprintln!("{}", reported(&said, "values").unwrap()),
        Err(why) => testing::skip(why),
    }
}
