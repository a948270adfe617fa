//! Images that firmware starts by the loader on their disk, raw and qcow2 with a backing file, by SeaBIOS and by UEFI, and two
//! of them as two environments.

use crate::support;

use serde_json::Value;
use std::path::Path;
use std::process::Command;
use support::bootable::{ASKING, bootable, says_what_it_was_asked};
use support::{apart, beside, files, output, text};

/// Debian's UEFI firmware without its variables.
const OVMF: &str = "/usr/share/OVMF/OVMF_CODE.fd";

#[test]
#[ignore = "soak: the BIOS starts a packed kernel, which unpacks itself for a minute under emulation, twice"]
fn two_images_that_seabios_starts_are_compared_as_two_environments() {
    let Some(_guard) = beside() else { return };
    let dir = tempfile::tempdir_in("/var/tmp").unwrap();
    let Some(raw) = bootable(dir.path()) else { return };
    // One that is nothing but a name of the other.
    let qcow2 = raw.with_extension("qcow2");
    let mut create = Command::new("qemu-img");
    create.args(["create", "-q", "-f", "qcow2", "-F", "raw", "-b"]).arg(&raw).arg(&qcow2);
    assert!(output(&mut create).status.success());
    let out = dir.path().join("X");
    let mut run = apart();
    run.args(["run", "command", "--set", "command=sleep 1", "--set", "noise=off", "--repeat", "1"])
        .args(["--env", &format!("old:image={},image_format=raw", raw.display())])
        .args(["--env", &format!("new:image={},image_backing={}", qcow2.display(), raw.display())])
        .args(["--allow-unpinned", "--out"])
        .arg(&out);
    let run = output(&mut run);
    assert!(run.status.success(), "{}", text(&run.stderr));
    // Whose command line it was tells who started it: QEMU was given no kernel.
    let lines = files(&out, "guest.cmdline");
    assert_eq!(lines.len(), 2);
    for line in lines {
        let line = std::fs::read_to_string(line).unwrap();
        assert!(line.contains("BOOT_IMAGE=vmlinuz") && line.contains("root=LABEL=perfvt"), "{line}");
    }
    let compared = output(apart().args(["compare", "--no-html"]).arg(&out).args(["--format", "json"]));
    let said = text(&compared.stdout);
    let compared: Value = serde_json::from_str(&said).unwrap_or_else(|_| panic!("{said}"));
    let differing = compared["differences"].as_array().unwrap().iter();
    let mut differing: Vec<_> =
        differing.map(|d| (d["name"].as_str().unwrap(), d["class"].as_str().unwrap())).collect();
    differing.sort_unstable();
    let intended = ["guest.image", "param.image", "param.image_backing", "param.image_format", "qemu.argv"];
    assert_eq!(differing, intended.map(|name| (name, "intended")), "{said}");
}

#[test]
fn an_image_is_started_by_uefi_and_entered_by_its_console() {
    let Some(_guard) = beside() else { return };
    if !Path::new(OVMF).exists() {
        testing::skip(format_args!("{OVMF} is missing; `make setup-test` gets it"));
        return;
    }
    let dir = tempfile::tempdir_in("/var/tmp").unwrap();
    let Some(image) = bootable(dir.path()) else { return };
    let mut shell = apart();
    shell.args(["guest", "shell"]);
    for set in [
        "channel=serial",
        "password=perfvt",
        &format!("firmware={OVMF}"),
        &format!("image={}", image.display()),
        "image_format=raw",
    ] {
        shell.args(["--set", set]);
    }
    says_what_it_was_asked(&output(shell.arg("--").args(ASKING)), "started by UEFI\n");
}
