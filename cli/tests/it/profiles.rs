//! A real perf beside a real guest.

use crate::support::quick::run;
use crate::support::{beside, files, measurements};
use std::fs;

/// Two boots and a minute under emulation, where translated code has no names and QEMU's own functions do.
#[test]
#[ignore = "soak: boots a guest twice, the second time under perf"]
fn a_guest_is_profiled_behind_its_judged_boot_with_samples_of_qemu_within_the_window() {
    let Some(_guard) = beside() else { return };
    let dir = tempfile::tempdir().unwrap();
    let out = run(
        dir.path(),
        "netperf",
        &["protocols=TCP_RR", "sizes=1", "sessions=1", "l=3", "profiler=perf", "numa_node=0", "noise=warn"],
    );
    let file = fs::read_to_string(&files(&out, "run.json")[0]).unwrap();
    let file: serde_json::Value = serde_json::from_str(&file).unwrap();
    let profile = &file["profile"];
    let told = profile["told"].to_string();
    if profile["cases"].as_array().is_none_or(Vec::is_empty) {
        return testing::skip(format!("perf may not look at processes here: {told}"));
    }
    assert!(told.contains("its system has no perf"), "{told}");
    let stacks = &profile["cases"][0]["stacks"][0];
    assert!(stacks["of"] == "host" && stacks["samples"].as_u64().unwrap() > 20, "{profile}");
    let picture = fs::read_to_string(&files(&out, "flame.svg")[0]).unwrap();
    assert!(picture.contains("CPU 0/TCG") || picture.contains("CPU 0/KVM"), "{picture}");
    // Of the second boot nothing is a measurement.
    let boots: Vec<String> = measurements(&out).iter().map(|m| m["boot"].to_string()).collect();
    assert!(!boots.is_empty() && boots.iter().all(|boot| !boot.contains("profile")), "{boots:?}");
}
