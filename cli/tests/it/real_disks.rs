//! Disks of real guests: how slow one is as fio sees it, which one a workload has, what makes and checks them.

use crate::support;

use serde_json::Value;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use support::quick::{reasons, value};
use support::{apart, beside, files, measurements, output, text};

/// fio's own median latency of a read in an environment, in milliseconds.
fn median_ms(out: &Path, environment: &str) -> f64 {
    value(&measurements(&out.join(environment)), "/randread/", "clat_p50_ms")
}

/// A qemu-img of one's own, which notes what it was asked for.
fn own_qemu_img(dir: &Path) -> (String, PathBuf) {
    let (program, log) = (dir.join("own-qemu-img"), dir.join("asked"));
    let script = format!("#!/bin/sh\necho \"$1\" >> '{}'\nexec qemu-img \"$@\"\n", log.display());
    fs::write(&program, script).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    (program.display().to_string(), log)
}

#[test]
fn fio_sees_two_milliseconds_of_nbdkit_on_the_disk_that_it_was_told_to_use_and_the_other_one_is_checked() {
    let Some(_guard) = beside() else { return };
    if !Path::new("/usr/bin/nbdkit").exists() {
        return testing::skip("nbdkit is missing; `make setup-test` gets it");
    }
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("fio");
    let (program, log) = own_qemu_img(dir.path());
    let mut command = apart();
    command.args(["run", "fio", "--profile", "quick", "--repeat", "1", "--allow-unpinned", "--out"]);
    command.arg(&out).current_dir(dir.path());
    let one = ["rw=randread", "l=1", "ramp=0", "iodepth=1", "noise=off", "disk_dir=.", "disk_prealloc=off"];
    // The first disk by the alphabet of the guest is none of the workload's, and its serial number begins as that does.
    let two = ["disks=disk1 disk2", "disk_size=16M", "disk_size_disk2=64M", "disk_format_disk1=qcow2"];
    let which = ["disk_serial_disk1=bench2", "disk_serial_disk2=bench", "disk=bench", "check_image=yes"];
    for set in one.into_iter().chain(two).chain(which) {
        command.args(["--set", set]);
    }
    command.args(["--set", &format!("qemu_img_binary={program}")]);
    command.args(["--env", "fast:disk_server_disk2=nbdkit"]);
    command.args(["--env", "slow:disk_server_disk2=nbdkit,disk_delay_disk2=2ms"]);
    let run = output(&mut command);
    assert_eq!(run.status.code(), Some(0), "{}{}", text(&run.stderr), reasons(&out));
    let (fast, slow) = (median_ms(&out, "fast"), median_ms(&out, "slow"));
    assert!((1.8..20.0).contains(&(slow - fast)), "{fast} ms, and {slow} ms");
    assert_eq!(fs::read_to_string(&files(&out, "check-image.txt")[0]).unwrap(), "disk1 of vm1: whole\n");
    let asked = fs::read_to_string(log).unwrap();
    let times = |what: &str| asked.lines().filter(|line| *line == what).count();
    // Both disks of each boot, and of a rehearsal before; one of them is checked behind each boot.
    assert!(times("create") >= 4 && times("check") == 2, "{asked}");
    let told: Value = serde_json::from_str(&fs::read_to_string(out.join("slow/run.json")).unwrap()).unwrap();
    let fact = |name: &str| told["fingerprint"][name].as_str().unwrap_or_default().to_owned();
    assert_eq!(fact("qemu_img.binary"), vm::host::fingerprint::hash_file(Path::new(&program)).unwrap());
    assert!(fact("qemu_img.version").chars().next().unwrap().is_ascii_digit(), "{told}");
}

#[test]
fn a_qemu_img_that_is_not_there_and_a_disk_that_nobody_has_are_refused_before_anything_boots() {
    let dir = tempfile::tempdir().unwrap();
    let refused = |sets: &[&str]| {
        let mut command = apart();
        command.args(["run", "fio", "--allow-unpinned", "--out"]).arg(dir.path().join("out"));
        command.args(sets.iter().flat_map(|set| ["--set", *set]));
        let run = output(&mut command);
        assert_ne!(run.status.code(), Some(0));
        text(&run.stderr)
    };
    let said = refused(&["qemu_img_binary=/nonexistent/qemu-img"]);
    assert!(said.contains("'qemu_img_binary' is '/nonexistent/qemu-img'"), "{said}");
    let said = refused(&["disk=disk2"]);
    assert!(said.contains("by its name or serial number: disk1 (serial perfvt.disk)"), "{said}");
    let mut export = apart();
    let raw = dir.path().join("raw");
    fs::write(&raw, [0; 4096]).unwrap();
    export.args(["guest", "export", "--format", "raw", "--qemu-img", "/nonexistent/q"]).arg(&raw);
    let said = text(&output(export.arg("--to").arg(dir.path().join("x.qcow2"))).stderr);
    assert!(said.contains("--qemu-img"), "{said}");
    assert!(!dir.path().join("out").exists() && !dir.path().join("x.qcow2").exists());
}
