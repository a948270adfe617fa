//! Guests that nobody talks to: a job goes in by a disk, and results come out by another one.

use crate::brought::make_ffsb;
use crate::cloud_images::cloud_image;
use crate::support;
use crate::workloads::{IOZONE, of_table};

use serde_json::Value;
use std::fs;
use support::quick::{json, near, raw, run, value};
use support::{apart, beside, files, measurements, output, text};

#[test]
fn fio_measures_by_itself_in_a_guest_that_nobody_talks_to() {
    let Some(_guard) = beside() else { return };
    let dir = tempfile::tempdir().unwrap();
    let out =
        run(dir.path(), "fio", &["channel=none", "rw=randread", "l=1", "ramp=0", "disk_dir=.", "noise=off"]);
    let all = measurements(&out);
    let report: Value = json(&raw(&out, ".randread.", "fio.json"));
    near(
        "IOPS",
        value(&all, "/randread/", "IOPS"),
        report["jobs"][0]["read"]["iops"].as_f64().unwrap(),
        1e-9,
    );
    // Of the host and of the guest, in one window.
    assert!(value(&all, "/randread/", "Host_CPU") > 0.0 && value(&all, "/randread/", "guest_CPU") > 0.0);
    let window: Value = json(&raw(&out, ".randread.", "window.json"));
    // A second and not the boot, by the clock of a host that may be busy and then hears of each end later.
    let length = window["window"]["len_ns"].as_u64().unwrap();
    assert!((500_000_000..5_000_000_000).contains(&length), "{window}");
    assert!(!window["start"]["threads"].as_array().unwrap().is_empty(), "the host read QEMU's threads");
    let facts = fs::read_to_string(&files(&out, "facts.txt")[0]).unwrap();
    assert!(facts.lines().any(|line| line.starts_with("guest.kernel: ") && line.len() > 16), "{facts}");
    let consoles = files(&out, "serial.log");
    assert_eq!(consoles.len(), 2, "one that told of itself, and one for the case: {consoles:?}");
    for console in consoles {
        assert!(fs::read_to_string(&console).unwrap().contains("reboot: Power down"), "{console:?}");
    }
}

#[test]
fn iozone_and_ffsb_measure_by_themselves_in_guests_that_nobody_talks_to() {
    let Some(_guard) = beside() else { return };
    let dir = tempfile::tempdir().unwrap();
    let alone = ["channel=none", "disk_dir=.", "noise=off"];
    let sets = [&alone[..], &["modes=incache", "incache=0.01", "threads=1", "disk_prealloc=falloc"]].concat();
    let out = run(dir.path(), "iozone", &sets);
    let all = measurements(&out);
    let report = raw(&out, ".incache.", "iozone.txt");
    for (metric, table, _) in IOZONE {
        assert_eq!(value(&all, "/incache/", metric), of_table(&report, table), "{metric}");
    }
    assert!(report.contains("iozone test complete"));
    make_ffsb(dir.path());
    let sets = [&alone[..], &["ffsb_binary=tool.sh", "profiles=mail-server-8k"]].concat();
    let out = run(dir.path(), "ffsb", &sets);
    let all = measurements(&out);
    assert_eq!(value(&all, "ffsb-mail-server-8k", "IOPS"), 1432.51);
    assert!(value(&all, "ffsb-mail-server-8k", "Hostcpu") > 0.0, "{all:?}");
    assert!(raw(&out, ".ffsb-mail-server-8k.", "ffsb.profile").contains("location=/mnt/perfvt"));
}

#[test]
fn a_command_brings_its_files_and_one_that_fails_says_why() {
    let Some(_guard) = beside() else { return };
    let dir = tempfile::tempdir().unwrap();
    let script = dir.path().join("it's a bench.sh");
    fs::write(
        &script,
        "#!/bin/sh\n[ \"$1\" = good ] || { echo no such level >&2; exit 3; }\necho speed 42\n",
    )
    .unwrap();
    let mut run = apart();
    run.args(["run", "command", "--set", "channel=none", "--set", "output_size=1M", "--set", "noise=off"]);
    run.args(["--set", "command=sh \"/root/it's a bench.sh\" ${case}"]);
    run.args(["--set", &format!("command_files=\"{}\"", script.display())]);
    run.args([
        "--set",
        "command_cases=good bad",
        "--set",
        "metrics=speed",
        "--set",
        r"pattern_speed=speed (\d+)",
    ]);
    let out = dir.path().join("X");
    run.args(["--repeat", "1", "--allow-unpinned", "--out"]).arg(&out);
    let run = output(&mut run);
    assert_eq!(run.status.code(), Some(4), "{}", text(&run.stderr));
    let all = measurements(&out);
    assert_eq!(value(&all, "case=good", "speed"), 42.0);
    let bad = all.iter().find(|m| m["case"].as_str().unwrap().ends_with("case=bad")).unwrap();
    assert_eq!(bad["invalid"]["code"], "tool-failed");
    assert!(bad["invalid"]["reason"].as_str().unwrap().contains("no such level"), "{bad}");
}

#[test]
#[ignore = "soak: a whole Debian, a minute and more"]
fn a_cloud_image_begins_its_job_by_cloud_init() {
    let Some(_guard) = beside() else { return };
    let Some(image) = cloud_image() else { return };
    let dir = tempfile::tempdir_in("/var/tmp").unwrap();
    let config = dir.path().join("tests.cfg");
    let folder = image.display();
    let text_of_config = format!(
        "variants:\n    - cloud:\n        image = {folder}/disk.qcow2\n        cloud_init = yes\n        channel = none\n        \
         kernel = {folder}/vmlinuz\n        initrd = {folder}/initrd.img\n        \
         kernel_params = root=LABEL=cloudimg-rootfs\n"
    );
    fs::write(&config, text_of_config).unwrap();
    let out = dir.path().join("X");
    let mut run = apart();
    run.args(["run", "command", "-c"]).arg(&config);
    run.args(["--set", "command=sh -c 'cat /etc/os-release; echo speed 42'"]);
    run.args(["--set", "metrics=speed", "--set", r"pattern_speed=speed (\d+)", "--set", "noise=off"]);
    run.args(["--repeat", "1", "--allow-unpinned", "--out"]).arg(&out);
    let run = output(&mut run);
    assert!(run.status.success(), "{}", text(&run.stderr));
    assert_eq!(value(&measurements(&out), "command", "speed"), 42.0);
    assert!(raw(&out, "command", "command.txt").contains("Debian"));
}

#[test]
fn what_cannot_be_left_alone_is_refused_when_it_is_planned() {
    let planned = |workload: &str, sets: &[&str]| {
        let mut run = apart();
        run.args(["run", workload, "--allow-unpinned", "--dry-run", "-v", "--set", "channel=none"]);
        for set in sets {
            run.args(["--set", set]);
        }
        let run = output(&mut run);
        format!("{}{}", text(&run.stdout), text(&run.stderr))
    };
    let said = planned("fio", &[]);
    assert!(said.contains("entered by nobody: it finds its job on a disk"), "{said}");
    assert!(said.contains("serial=perfvt.job") && said.contains("serial=perfvt.out,werror=report"), "{said}");
    let said = planned("netperf", &[]);
    assert!(
        said.contains("netperf cannot be left alone in it: its load comes from a client outside"),
        "{said}"
    );
    let said = planned("fio", &["output_size=2G"]);
    assert!(said.contains("'output_size' is '2G'") && said.contains("1M to 1G"), "{said}");
    let said = planned("command", &["command=true", "command_network=yes"]);
    assert!(said.contains("(command_network)"), "{said}");
    let shell = output(apart().args(["guest", "shell", "--set", "channel=none", "--", "true"]));
    assert!(
        text(&shell.stderr).contains("nobody enters a guest with channel=none"),
        "{}",
        text(&shell.stderr)
    );
}
