//! A whole 32-bit system, booted for real: what works in it, and what it has to bring.

use crate::support;

use std::path::Path;
use std::process::Command;
use support::quick::value;
use support::{apart, beside, files, measurements, output, text};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../scripts/guest-686.sh");

/// A busy host that emulates makes a kernel of its own believe that the timer does not work.
const QUIET: &str = "kernel_params=no_timer_check";

/// A campaign of one boot in the guest of a folder: exit code, what was said, and its directory.
fn measured(dir: &Path, guest: &Path, workload: &str, sets: &[&str]) -> (Option<i32>, String) {
    let file = |name: &str| guest.join(name).display().to_string();
    let mut run = apart();
    run.args(["run", workload, "--profile", "quick", "--repeat", "1", "--allow-unpinned", "--out"]);
    run.arg(dir.join(workload)).current_dir(dir);
    let own = [
        format!("image={}", file("disk.raw")),
        format!("kernel={}", file("vmlinuz")),
        format!("initrd={}", file("initrd.img")),
    ];
    let always = ["image_format=raw", "channel=serial", "mem=256", "noise=off", "disk_dir=.", "attempts=1"];
    for set in own.iter().map(String::as_str).chain(always).chain(sets.iter().copied()) {
        run.args(["--set", set]);
    }
    let run = output(&mut run);
    let reasons = support::quick::reasons(&dir.join(workload));
    (run.status.code(), format!("{}{}\n{reasons}", text(&run.stdout), text(&run.stderr)))
}

#[test]
#[ignore = "soak: fetches Debian's kernel for i686, and boots it six times"]
fn a_32_bit_system_is_measured_by_its_console_and_says_which_tools_it_has_to_bring() {
    let Some(_guard) = beside() else { return };
    let dir = tempfile::tempdir_in("/var/tmp").unwrap();
    let guest = dir.path().join("guest");
    let made = output(Command::new(SCRIPT).arg(&guest));
    let said = text(&made.stderr);
    if made.status.code() == Some(77) {
        return testing::skip(said.trim().lines().last().unwrap_or_default());
    }
    assert!(made.status.success(), "{said}");
    let (code, said) = measured(
        dir.path(),
        &guest,
        "boot",
        &["earlier_boots=1", "kernel_params=no_timer_check ignore_loglevel"],
    );
    assert_eq!(code, Some(0), "{said}");
    let all = measurements(&dir.path().join("boot"));
    assert!(value(&all, "boot", "total_ms") > 0.0 && value(&all, "boot", "first_boot_ms") > 0.0, "{all:?}");
    let facts = std::fs::read_to_string(&files(&dir.path().join("boot"), "facts.txt")[0]).unwrap();
    assert!(
        facts.lines().any(|line| line.starts_with("guest.kernel: ") && line.ends_with("-686")),
        "{facts}"
    );
    // The disk counts its boots: the layer of a boot that counts has had one before, and the image none.
    let command = "command=sh -c 'uname -m; echo boots $(wc -l < /var/boots)'";
    let sets = [command, "earlier_boots=1", QUIET, "metrics=boots", r"pattern_boots=boots (\d+)"];
    let (code, said) = measured(dir.path(), &guest, "command", &sets);
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(value(&measurements(&dir.path().join("command")), "command", "boots"), 2.0);
    let (code, said) = measured(dir.path(), &guest, "netperf", &["net=user", QUIET]);
    assert_ne!(code, Some(0), "{said}");
    let wanted = "of perfvt is a program for x86-64, and this kernel is one for i686";
    assert!(said.contains(wanted) && said.contains("in the image of the guest"), "{said}");
    let builtin = apart()
        .args(["run", "command", "--set", "command=true", "--dry-run", "--allow-unpinned", "--set"])
        .arg(format!("kernel={}", guest.join("vmlinuz").display()))
        .output()
        .unwrap();
    assert!(text(&builtin.stderr).contains("it is one of 32 bits"), "{}", text(&builtin.stderr));
}
