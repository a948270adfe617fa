//! Guests as existing configurations define them, from outside: what `--dry-run` says of them, and what is refused.

use crate::backing::made::Made;
use crate::support::{output, perfvt, text};
use std::fs;
use std::path::Path;
use std::process::Command;

/// The manual's two guests, and keys that stand beside them.
const TESTS: &str = "variants:
    - LinuxCustom:
        variants:
            - FooLinux:
                image_name = images/foo-linux
                shell_client = ssh
                shell_port = 2222
                key = key
    - WindowsCustom:
        variants:
            - FooWindows:
                image_name = images/foo-windows
";

/// A folder with a configuration, and a data directory with the images that are named.
fn place(config: &str, images: &[&str]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data/avocado-vt/images");
    fs::create_dir_all(&data).unwrap();
    fs::write(dir.path().join("tests.cfg"), config).unwrap();
    fs::write(dir.path().join("key"), "").unwrap();
    images.iter().for_each(|name| fs::write(data.join(name), Made::default().bytes()).unwrap());
    dir
}

/// perfvt with folders of its own.
fn here(dir: &Path) -> Command {
    let mut perfvt = perfvt();
    perfvt.current_dir(dir).env("AVOCADO_DATA", dir.join("data")).env("HOME", dir);
    perfvt.env("XDG_CONFIG_HOME", dir.join("config"));
    perfvt
}

/// Whether a plan is made, and what is said.
fn planned(dir: &Path, words: &[&str]) -> (bool, String) {
    let mut run = here(dir);
    run.args(["run", "command", "--set", "command=true", "--accel", "tcg", "--allow-unpinned", "--dry-run"]);
    let run = output(run.args(words));
    let said = text(&run.stdout) + &text(&run.stderr);
    // Parts of perfvt's own guest may be missing here, which is told below the plan.
    let is_planned =
        run.status.success() || (said.contains("boots, in order") && said.contains("`perfvt guest fetch`"));
    (is_planned, said)
}

#[test]
fn a_plan_shows_guest_image_system_and_the_way_in() {
    let dir = place(TESTS, &["foo-linux.qcow2", "foo-windows.qcow2"]);
    let data = dir.path().join("data/avocado-vt/images");
    let (done, said) = planned(dir.path(), &["-c", "tests.cfg", "--guest", "LinuxCustom.FooLinux"]);
    let line = format!(
        "  guest vm1: LinuxCustom.FooLinux, image {}/foo-linux.qcow2 (tests.cfg:5), qcow2, linux, entered by ssh as root at \
         port 2222\n",
        data.display()
    );
    assert!(done && said.contains(&line), "{said}");
    assert!(said.contains("-:2222"), "{said}");
    let (done, said) = planned(dir.path(), &["-c", "tests.cfg", "--guest", "FooWindows"]);
    let line = format!(
        "  guest vm1: FooWindows, image {}/foo-windows.qcow2 (tests.cfg:12), qcow2, windows, entered by the QEMU guest agent\n",
        data.display()
    );
    assert!(done && said.contains(&line), "{said}");
    let (done, said) = planned(dir.path(), &[]);
    let line = "  guest vm1: builtin, perfvt's own image, linux, entered by perfvt's agent\n";
    assert!(done && said.contains(line), "{said}");
}

#[test]
fn an_image_that_is_not_there_is_refused_by_every_verb() {
    let dir = place(TESTS, &["foo-windows.qcow2"]);
    let (done, said) = planned(dir.path(), &["-c", "tests.cfg", "--guest", "LinuxCustom.FooLinux"]);
    assert!(
        !done
            && said.contains("'image_name' is 'images/foo-linux' (tests.cfg:5), want an image that is there"),
        "{said}"
    );
    let (done, said) = planned(dir.path(), &["-c", "tests.cfg", "--guest", "LinuxCustom.BarLinux"]);
    assert!(!done, "{said}");
    fs::create_dir_all(dir.path().join("config/perfvt")).unwrap();
    fs::write(dir.path().join("config/perfvt/guests.cfg"), TESTS).unwrap();
    let shell =
        here(dir.path()).args(["guest", "shell", "--guest", "FooLinux", "--", "true"]).output().unwrap();
    let said = text(&shell.stderr);
    assert!(!shell.status.success() && said.contains("want an image that is there"), "{said}");
    let listed = text(&output(here(dir.path()).args(["list", "tests.cfg", "--guests"])).stdout);
    assert_eq!(listed, "LinuxCustom.FooLinux (missing foo-linux.qcow2)\nWindowsCustom.FooWindows\n");
}
