//! Screens that are read, looked at and clicked: on a guest that pretends, and on a real VGA.

use crate::support;

use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use support::pretended::Pretended;
use support::{files, text};

fn journal(dir: &Path) -> Vec<Value> {
    let text = fs::read_to_string(dir.join("drive.jsonl")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn driven(pretended: &Pretended, script: &str, more: &[&str]) -> Command {
    let file = pretended.path().join("test.drive");
    fs::write(&file, script).unwrap();
    let mut command = pretended.perfvt();
    command.args(["drive", "--accel", "tcg"]);
    for set in ["net=user", "confine=sandbox"].into_iter().chain(pretended.qemu("").each_ref().map(|s| &**s))
    {
        command.args(["--set", set]);
    }
    command.arg("--out").arg(pretended.out()).args(more).arg(file);
    command
}

#[test]
fn a_needle_is_made_found_and_missed_with_the_nearest_one_and_a_picture_of_the_difference() {
    let pretended = Pretended::new();
    let needles = pretended.path().join("needles");
    fs::create_dir(&needles).unwrap();
    // Beside the script, as openQA has it; the guest that pretends shows eight white columns beside eight black ones.
    let area = r#"{"area":[{"xpos":0,"ypos":0,"width":16,"height":8,"match":96}],"tags":["never"]}"#;
    fs::write(needles.join("white.json"), area).unwrap();
    fs::copy(
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/fake_qemu/white.png"),
        needles.join("white.png"),
    )
    .unwrap();
    let script = "start_all\n\
                  vm1 wait_for_text 'Run /init'\n\
                  vm1 needle_from 0,0,16,8 here desk\n\
                  vm1 assert_screen desk\n\
                  vm1 check_screen never\n\
                  vm1 click here\n\
                  vm1 click 3,4\n\
                  subtest lost\n\
                  deadline 0.5 vm1 assert_screen never\n\
                  subtest wrong\n\
                  vm1 assert_screen nevr\n\
                  subtest outside\n\
                  vm1 move_to 16,0\n\
                  subtest unread\n\
                  deadline 0.3 vm1 wait_for_text 'nothing like this'\n";
    let said = pretended.ends_with(1, &mut driven(&pretended, script, &["--keep-going"]));
    let steps = journal(&pretended.out());
    let result = |line: u64| steps.iter().find(|step| step["line"] == line).unwrap();
    for line in [1, 2, 3, 4, 5, 6, 7] {
        assert_eq!(result(line)["result"], "passed", "{said}");
    }
    assert!(pretended.out().join("needles/here.png").exists() && result(4)["output"] == "here");
    assert!(
        result(5)["status"] == 1 && result(5)["output"].as_str().unwrap().contains("the nearest is 'white'")
    );
    let error = |line: u64| result(line)["error"].as_str().unwrap();
    for part in [
        "no needle of 'never' was on the screen within 0.5 s",
        "the nearest is 'white' with 0.0 % of 96.0 % at 0,0",
        "difference",
    ] {
        assert!(error(9).contains(part), "{part}: {}", error(9));
    }
    for picture in ["step-9.png", "step-9-difference.png"] {
        assert!(fs::read(pretended.out().join("screens").join(picture)).unwrap().starts_with(b"\x89PNG"));
    }
    assert!(error(11).contains("no needle has the tag 'nevr', did you mean 'never'?"), "{}", error(11));
    assert!(error(13).contains("16,0 is not on the screen of 16 x 8"), "{}", error(13));
    assert!(error(15).contains("the serial console ends with"), "{}", error(15));
    let heard = fs::read_to_string(files(&pretended.out().join("vm1"), "serial.log").remove(0)).unwrap();
    assert_eq!(heard.matches("\"button\":\"left\"").count(), 4, "{heard}");
    assert!(heard.contains("\"type\":\"abs\""), "{heard}");
    pretended.assert_nothing_left();
}

#[test]
fn the_page_of_a_run_shows_the_last_screen_of_a_boot_that_failed() {
    let pretended = Pretended::new();
    fs::write(pretended.path().join("no.drive"), "vm1 succeed sh -c 'exit 9'\n").unwrap();
    let words = ["--repeat", "1", "--set", "attempts=1", "--set", "prepare=no.drive"];
    support::output(&mut pretended.run("true", &words));
    let page = fs::read_to_string(pretended.out().join("run.html")).unwrap();
    assert!(
        page.contains("src=\"data:image/png;base64,iVBORw0KGgo") && page.contains("img-src data:"),
        "{page}"
    );
    assert!(!files(&pretended.out(), "screen.png").is_empty());
    pretended.assert_nothing_left();
}

/// A login on the guest's first terminal, whose text goes to the VGA: perfvt's own kernel is started without the BIOS's help and
/// draws none itself. The clock stands in the upper right corner.
const LOGIN: &str = r#"#!/bin/sh
(while :; do tail -c +5 /dev/vcsa1 | dd of=/dev/mem bs=4096 seek=184 conv=notrunc 2>/dev/null; sleep 0.1; done) &
printf '\033[2J\033[H\033[?25lGuest 1\n\n' > /dev/tty1
(while :; do printf '\0337\033[1;70H%s\0338' "$(date +%T)" > /dev/tty1; sleep 0.3; done) &
(printf 'vm1 login: '; read -r name; echo "Welcome, $name"; sleep 1000) < /dev/tty1 > /dev/tty1
"#;

#[test]
#[ignore = "soak: a boot with a VGA, and a clock that must go on while its mask is learnt"]
fn a_login_is_typed_and_read_on_a_real_vga_beside_a_clock_that_changes() {
    let Some(_turn) = support::beside() else { return };
    let dir = tempfile::tempdir().unwrap();
    let place = |name: &str| dir.path().join(name);
    fs::write(place("login.sh"), LOGIN).unwrap();
    // Characters are 9 pixels wide and 16 high.
    let script = "start_all\n\
                  vm1 wait_for_text 'SeaBIOS'\n\
                  vm1 copy_to login.sh /root/login.sh\n\
                  vm1 succeed sh -c 'setsid sh /root/login.sh < /dev/null > /dev/null 2>&1 &'\n\
                  vm1 wait_for_text '^vm1 login: *$'\n\
                  vm1 needle_from 0,0,720,60 panel\n\
                  vm1 type_string 'anna\\n'\n\
                  vm1 wait_for_text 'Welcome, anna'\n\
                  sleep 1.5\n\
                  deadline 30 vm1 assert_screen panel\n\
                  vm1 dump_memory memory.kdump\n\
                  subtest cleared\n\
                  vm1 succeed sh -c 'printf \"\\033[H         \" > /dev/tty1'\n\
                  deadline 2 vm1 assert_screen panel\n";
    fs::write(place("login.drive"), script).unwrap();
    let mut command = support::apart();
    command.args(["drive", "--set", "extra_args=-device VGA", "--set", "mem=192"]);
    command.arg(place("login.drive")).arg("--out").arg(place("X"));
    let output = support::output(command.current_dir(dir.path()));
    let said = format!("{}{}", text(&output.stdout), text(&output.stderr));
    let steps = journal(&place("X"));
    // A host as busy as that gives a guest no second within one and a third.
    let needle = fs::read_to_string(place("X/needles/panel.json")).unwrap_or_else(|_| panic!("{said}"));
    if !needle.contains("\"exclude\"") {
        return testing::skip("the guest's clock stood still while its mask was learnt");
    }
    let (last, before) = steps.split_last().unwrap();
    assert!(before.len() == 13 && before.iter().all(|step| step["result"] == "passed"), "{said}");
    let error = last["error"].as_str().unwrap_or_else(|| panic!("{said}"));
    assert!(
        error.contains("the nearest is 'panel'") && place("X/screens/step-14-difference.png").exists(),
        "{error}"
    );
    assert!(fs::metadata(place("X/memory.kdump")).unwrap().len() > 1 << 20);
    assert!(
        fs::read(place("X/memory.kdump")).unwrap().starts_with(b"makedumpfile")
            || fs::read(place("X/memory.kdump")).unwrap().starts_with(b"KDUMP")
    );
}

/// A kernel of the packages of `make setup`, packed as distributions have it.
fn packed_kernel() -> Option<PathBuf> {
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let cache = cache.or_else(|| Some(Path::new(&std::env::var_os("HOME")?).join(".cache")))?;
    let packages = fs::read_dir(cache.join("perfvt/packages")).ok()?.flatten();
    let boots = packages
        .flat_map(|package| fs::read_dir(package.path().join("boot")).into_iter().flatten().flatten());
    let mut files = boots.map(|entry| entry.path());
    files.find(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("vmlinuz-")))
}

#[test]
#[ignore = "soak: the BIOS starts a packed kernel, which unpacks itself for a minute under emulation"]
fn a_shell_on_the_console_that_a_kernel_draws_on_the_vga_is_typed_to_and_read() {
    let Some(_turn) = support::beside() else { return };
    let Some(kernel) = packed_kernel() else {
        return testing::skip("no kernel among the packages of `make setup`");
    };
    let dir = tempfile::tempdir().unwrap();
    let place = |name: &str| dir.path().join(name);
    let script = "deadline 600 start_all\n\
                  vm1 succeed sh -c 'setsid sh -c \"exec sh -i < /dev/tty1 > /dev/tty1 2>&1\" > /dev/null 2>&1 &'\n\
                  vm1 wait_for_text '# *$'\n\
                  vm1 type_string 'for i in $(seq 40); do echo line $i; done\\n'\n\
                  vm1 wait_for_text '^line 40$'\n\
                  vm1 type_string 'echo $((6 * 7))\\n'\n\
                  vm1 wait_for_text '^42$'\n";
    fs::write(place("shell.drive"), script).unwrap();
    let extra = format!("extra_args=-device VGA -kernel {}", kernel.display());
    let mut command = support::apart();
    command.args(["drive", "--set", &extra, "--set", "mem=256", "--set", "confine=sandbox"]);
    command.arg(place("shell.drive")).arg("--out").arg(place("X"));
    let output = support::output(command.current_dir(dir.path()));
    assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
}
