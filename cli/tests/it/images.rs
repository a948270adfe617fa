//! Guests that boot from an image: a whole Debian, entered by every channel, and images that hold nothing.

use crate::support;

use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime};
use support::bootable::{ASKING, debian, says_what_it_was_asked};
use support::{NOBODY, apart, beside, files, measurements, output, text};
use vm::host::fingerprint::hash_file;

/// One stream of a second in the Debian guest, with its layer in a folder of disks.
fn measured(disks: &Path, sets: &[&str], out: &Path) {
    let mut run = apart();
    run.args(["run", "netperf", "--guest", "debian", "--env", "base", "--allow-unpinned", "--repeat", "1"]);
    for set in ["protocols=TCP_STREAM", "sizes=16384", "sessions=1", "l=1"].iter().chain(sets) {
        run.args(["--set", set]);
    }
    let run = output(run.args(["--set", &format!("disk_dir={}", disks.display()), "--out"]).arg(out));
    assert!(run.status.success(), "{}", text(&run.stderr));
    let all = measurements(out);
    let throughput = all.iter().find(|m| m["metric"] == "throughput").unwrap();
    assert!(throughput["value"].as_f64().unwrap() > 1.0, "{throughput}");
}

#[test]
#[ignore = "soak: a whole Debian, a minute and more"]
fn a_debian_guest_whose_qemu_is_in_a_namespace_is_measured_by_ssh_from_there() {
    let Some(_guard) = beside() else { return };
    if debian().is_none() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("X");
    let mut dry = apart();
    let dry = output(dry.args(["run", "netperf", "--dry-run", "--allow-unpinned", "--set", "net=tap"]));
    if !dry.status.success() {
        return testing::skip(format_args!("{}", text(&dry.stderr).trim()));
    }
    measured(dir.path(), &["channel=ssh", "net=tap"], &out);
    let line = fs::read_to_string(&files(&out, "qemu.argv")[0]).unwrap();
    assert!(line.contains("user,id=ssh0,net=10.0.200.0/24,restrict=on,hostfwd=tcp:127.0.0.1:"), "{line}");
    assert!(line.contains("tap,id=net0,fd=200"), "{line}");
}

#[test]
fn a_debian_guest_is_measured_by_the_agent_and_its_image_is_never_written() {
    let Some(_guard) = beside() else { return };
    let Some(image) = debian() else { return };
    let before = (hash_file(&image), fs::metadata(&image).unwrap().modified().unwrap());
    let dir = tempfile::tempdir().unwrap();
    let (out, disks) = (dir.path().join("X"), dir.path().join("disks"));
    fs::create_dir(&disks).unwrap();
    measured(&disks, &[], &out);
    let facts = files(&out, "facts.txt").into_iter().map(|path| fs::read_to_string(path).unwrap());
    let facts: String = facts.collect();
    assert!(facts.contains("guest.image: ") && facts.contains("guest.tools: "), "{facts}");
    assert!(facts.contains("guest.irqbalance: none\n"), "{facts}");
    assert_eq!(fs::read_dir(&disks).unwrap().count(), 0, "a layer was left");
    assert_eq!(before, (hash_file(&image), fs::metadata(&image).unwrap().modified().unwrap()));
}

#[test]
fn a_debian_guest_is_entered_by_ssh() {
    let Some(_guard) = beside() else { return };
    if debian().is_none() {
        return;
    }
    let mut shell = apart();
    shell.args(["guest", "shell", "--guest", "debian", "--set", "channel=ssh", "--"]).args(ASKING);
    says_what_it_was_asked(&output(&mut shell), "");
}

/// The script that stops irqbalance before anything else.
const IRQBALANCE: &str = include_str!("../../../vm/guest/foreign/irqbalance");

/// A folder deps/NAME with a program in C that says what it was compiled by.
fn deps(dir: &Path, name: &str, makefile: &str) -> PathBuf {
    let folder = dir.join("deps").join(name);
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("Makefile"), makefile).unwrap();
    let text =
        "#include <stdio.h>\nint main(void) { printf(\"speed %d\\nby %s\\n\", __GNUC__, __VERSION__); }\n";
    fs::write(folder.join("tool.c"), text).unwrap();
    folder
}

/// What git says in a folder.
fn git(folder: &Path, args: &[&str]) -> String {
    let identity = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "init.defaultBranch=main"];
    let done = output(Command::new("git").arg("-C").arg(folder).args(identity).args(args));
    assert!(done.status.success(), "git {args:?}: {}", text(&done.stderr));
    text(&done.stdout).trim().to_owned()
}

#[test]
#[ignore = "soak: a whole Debian, a minute and more"]
fn a_guest_with_a_compiler_builds_what_the_user_brings_and_one_without_says_so() {
    let Some(_guard) = beside() else { return };
    if debian().is_none() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let run = |out: &str, (name, makefile): (&str, &str), source: Option<&str>, more: &[&str]| {
        let folder = deps(dir.path(), name, makefile);
        let brought = match source {
            None => format!("command_deps={}", folder.display()),
            Some(reference) => {
                git(&folder, &["init", "-q"]);
                git(&folder, &["add", "."]);
                git(&folder, &["commit", "-q", "-m", "one"]);
                let commit = git(&folder, &["rev-parse", reference]);
                // The branch goes on, to what nobody could build.
                fs::write(folder.join("tool.c"), "no C\n").unwrap();
                git(&folder, &["commit", "-q", "-a", "-m", "two"]);
                format!("source={}@{commit}", folder.display())
            }
        };
        let mut run = apart();
        run.current_dir(dir.path()).args(["run", "command", "--allow-unpinned", "--repeat", "1", "--wait"]);
        run.args([
            "--out",
            out,
            "--set",
            "command=${deps}/tool",
            "--set",
            "build_on=guest",
            "--set",
            "disk_dir=.",
        ]);
        run.args(["--set", "metrics=speed", "--set", "pattern_speed=speed ([0-9]+)"]).args(more);
        output(run.args(["--set", &brought]))
    };
    let told = run("built-in", ("tool", "tool: tool.c\n"), None, &[]);
    assert!(text(&told.stderr).contains("the built-in guest has no compiler"), "{}", text(&told.stderr));
    let guest = ["--guest", "debian"];
    // A name of this process's own: the cache has no build of another one.
    let name = format!("guest-built-{}", std::process::id());
    // What is built is a commit of a repository.
    let told = run("X", (&name, "tool: tool.c\n\tgcc -O2 -o tool tool.c\n"), Some("HEAD"), &guest);
    assert!(told.status.success(), "{}", text(&told.stderr));
    let out = dir.path().join("X");
    let all = measurements(&out);
    let speed = all.iter().find(|m| m["metric"] == "speed").unwrap()["value"].as_f64().unwrap();
    assert!(speed >= 12.0, "the compiler of Debian 12 or later: {all:?}");
    let line = fs::read_to_string(&files(&out, "command.argv")[0]).unwrap();
    assert!(
        line.starts_with(&format!("/var/tmp/perfvt-deps/{name}-src-")) && line.ends_with("/tool"),
        "{line}"
    );
    let log = fs::read_to_string(&files(&out, &format!("deps.{name}.guest.log"))[0]).unwrap();
    assert!(log.contains("gcc -O2 -o tool tool.c"), "{log}");
    assert!(files(&out, &format!("deps.{name}.log")).is_empty(), "nothing was built on the host");
    let facts = fs::read_to_string(&files(&out, "facts.txt")[0]).unwrap();
    assert!(facts.contains("source.commit: "), "{facts}");
    let failed = run("failed", ("tool", "tool: tool.c\n\techo here we are; exit 3\n"), None, &guest);
    let said = text(&failed.stderr);
    assert!(!failed.status.success() && said.contains("here we are"), "{said}");
    assert!(
        said.contains("deps/tool in the guest: make ended with status 2; build_on=host builds it"),
        "{said}"
    );
}

#[test]
#[ignore = "soak: a whole Debian, a minute and more"]
fn irqbalance_is_stopped_in_a_whole_debian_and_does_not_start_again() {
    let Some(_guard) = beside() else { return };
    if debian().is_none() {
        return;
    }
    let script = "ln -s /bin/sleep /run/irqbalance && cd /lib/systemd/system && \
        printf '[Service]\nExecStart=/run/irqbalance 1000\n' > irqbalance.service && systemctl daemon-reload && \
        systemctl start irqbalance && cat /proc/$(pidof irqbalance)/comm && sh -c \"$1\"; \
        systemctl start irqbalance 2> /dev/null; pidof irqbalance || echo gone";
    let mut shell = apart();
    shell.args(["guest", "shell", "--guest", "debian", "--", "sh", "-c", script, "sh", IRQBALANCE]);
    let shell = output(&mut shell);
    assert_eq!(text(&shell.stdout), "irqbalance\nstopped\ngone\n", "{}", text(&shell.stderr));
}

#[test]
fn the_layer_of_a_killed_perfvt_is_found_by_gc() {
    let Some(_guard) = beside() else { return };
    let dir = tempfile::tempdir().unwrap();
    let (image, disks) = (dir.path().join("empty.raw"), dir.path().join("disks"));
    File::create(&image).unwrap().set_len(16 << 20).unwrap();
    fs::create_dir(&disks).unwrap();
    let mut child = apart()
        .args(["guest", "shell", "--set", &format!("image={}", image.display()), "--set", "image_format=raw"])
        .args(["--set", &format!("disk_dir={}", disks.display()), "--", "true"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let layer = || files(&disks, "overlay.qcow2").into_iter().next();
    let until = Instant::now() + Duration::from_secs(60);
    while layer().is_none() {
        assert!(Instant::now() < until && child.try_wait().unwrap().is_none(), "no layer was made");
        std::thread::sleep(Duration::from_millis(20));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let folder = layer().expect("it was removed although nobody could").parent().unwrap().to_owned();
    // gc leaves alone what is younger than a minute.
    let old = SystemTime::now() - Duration::from_secs(3600);
    File::open(&folder).unwrap().set_modified(old).unwrap();
    let until = Instant::now() + Duration::from_secs(60);
    while folder.exists() && Instant::now() < until {
        // QEMU, which dies with perfvt, may need a moment.
        assert!(output(apart().arg("gc").arg(&disks)).status.success());
        std::thread::sleep(Duration::from_millis(200));
    }
    assert!(!folder.exists());
    assert!(image.exists());
}

#[test]
fn what_a_placement_gives_up_is_a_warning_before_anything_runs() {
    let Some(_guard) = beside() else { return };
    let dir = tempfile::tempdir().unwrap();
    let mut run = apart();
    run.args(["run", "command", "--set", "command=true", "--env", "base", "--repeat", "1", "--dry-run"]);
    // More vCPUs than most hosts have CPUs: nothing can be pinned, which has to be said.
    run.args(["--allow-unpinned", "--set", "smp=200", "--out"]).arg(dir.path().join("X"));
    let planned = output(&mut run);
    let said = text(&planned.stdout);
    assert!(planned.status.success(), "{said}{}", text(&planned.stderr));
    assert!(said.contains("warning: base: nothing is pinned: ") && said.contains("lower smp"), "{said}");
    assert!(!dir.path().join("X").exists());
}

#[test]
fn a_key_that_no_guest_has_is_refused_with_the_one_that_was_meant() {
    let refused = output(apart().args(["guest", "shell", "--set", "chanel=ssh", "--", "true"]));
    let said = text(&refused.stderr);
    assert_eq!(refused.status.code(), Some(2), "{said}");
    assert!(said.contains("--set chanel=ssh: unknown parameter 'chanel', did you mean 'channel'?"), "{said}");
    let refused = output(apart().args(["guest", "shell", "--set", "channel", "--", "true"]));
    assert!(
        text(&refused.stderr).contains("'channel' is not of the form KEY=VALUE"),
        "{}",
        text(&refused.stderr)
    );
}

#[test]
fn a_user_without_further_ids_is_told_at_once_that_a_system_needs_them() {
    let ids = fs::read_to_string("/etc/subuid").unwrap_or_default();
    let has =
        |program: &str| ["/usr/bin", "/usr/sbin"].iter().any(|dir| Path::new(dir).join(program).exists());
    let tools = ["mmdebstrap", "qemu-img", "ssh-keygen", "mke2fs", "newuidmap"].into_iter().all(has);
    if !rustix::process::geteuid().is_root() || ids.contains("nobody:") || has("fakechroot") || !tools {
        testing::skip("needs root, mmdebstrap with uidmap, and a user nobody without ids");
        return;
    }
    let dir = tempfile::Builder::new().prefix("perfvt-user").tempdir().unwrap();
    fs::copy(env!("CARGO_BIN_EXE_perfvt"), dir.path().join("perfvt")).unwrap();
    fs::set_permissions(dir.path(), std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
    let mut build = Command::new(dir.path().join("perfvt"));
    build.args(["guest", "build", "debian"]).uid(NOBODY).gid(NOBODY).current_dir(dir.path());
    let refused = output(build.env("HOME", dir.path()).env("XDG_CACHE_HOME", dir.path()));
    let said = text(&refused.stderr);
    assert!(said.contains("in /etc/subuid") && said.contains("usermod --add-subuids"), "{said}");
}

#[test]
fn an_image_that_a_campaign_uses_is_not_removed() {
    let cache = tempfile::tempdir().unwrap();
    let image = cache.path().join("perfvt/images/debian-00");
    fs::create_dir_all(&image).unwrap();
    fs::write(image.join("vmlinux"), "x").unwrap();
    let manifest = r#"{"format": 2, "files": {"vmlinux": 1}, "kernel": "vmlinux", "initramfs": "i", "tools": null,
        "kernel_release": "6.1", "hash": "00", "packages": {}}"#;
    fs::write(image.join("manifest.json"), manifest).unwrap();
    let rm = || output(apart().env("XDG_CACHE_HOME", cache.path()).args(["guest", "rm", "debian"]));
    let held = File::open(&image).unwrap();
    held.lock_shared().unwrap();
    let refused = rm();
    assert_eq!(refused.status.code(), Some(2));
    let (said, own) = (text(&refused.stderr), format!("process {} of ", std::process::id()));
    assert!(
        said.contains("guest image debian-00 is not removed: guests run from it") && said.contains(&own),
        "{said}"
    );
    assert!(!said.contains("--wait"), "{said}");
    drop(held);
    assert!(rm().status.success());
    assert!(!image.exists());
}

#[test]
fn guests_are_listed_with_what_they_miss_and_refused_with_the_way_out() {
    let home = tempfile::tempdir().unwrap();
    let alone = |command: &mut Command| {
        output(command.env("XDG_CACHE_HOME", home.path()).env("XDG_CONFIG_HOME", home.path()))
    };
    fs::create_dir(home.path().join("perfvt")).unwrap();
    let definition = "variants guest:\n    - mine:\n        image = /away.qcow2\n        channel = ssh\n";
    fs::write(home.path().join("perfvt/guests.cfg"), definition).unwrap();
    let listed = text(&alone(apart().args(["guest", "list"])).stdout);
    assert!(listed.contains("guest mine (") && listed.contains("missing: away.qcow2"), "{listed}");
    assert!(listed.contains("missing: image, `perfvt guest build debian` makes it"), "{listed}");
}

#[test]
fn systems_that_can_be_built_are_listed_and_a_build_that_fails_shows_its_last_lines_and_keeps_its_log() {
    let home = tempfile::tempdir().unwrap();
    let alone = |command: &mut Command| output(command.env("XDG_CACHE_HOME", home.path()));
    let listed = text(&alone(apart().args(["guest", "list"])).stdout);
    assert!(listed.contains("\nbuild debian-13  Debian 13 (trixie)"), "{listed}");
    let refused = text(&alone(apart().args(["guest", "build", "--mirror", "file:///x"])).stderr);
    assert!(refused.contains("`perfvt guest fetch`"), "{refused}");
    if listed.lines().any(|line| line.starts_with("build debian-13") && line.contains("missing: ")) {
        return testing::skip(format_args!("a build of a system needs what is missing here: {listed}"));
    }
    let mirror = format!("file://{}/nothing", home.path().display());
    let build = |more: &[&str]| {
        let mut build = apart();
        alone(build.args(["guest", "build", "debian-13", "--mirror", &mirror]).args(more))
    };
    let (quiet, live) = (build(&[]), build(&["-v"]));
    let log = home.path().join("perfvt/debian-13-build.log");
    let said = text(&quiet.stderr);
    assert_eq!(quiet.status.code(), Some(2), "{said}");
    assert!(said.contains(&format!("its log is {}, and ends so:", log.display())), "{said}");
    assert!(said.contains("E: mmdebstrap failed to run"), "{said}");
    let whole = fs::read_to_string(&log).unwrap();
    assert!(!said.lines().any(|line| line == whole.lines().next().unwrap()) || whole.len() < 1500, "{said}");
    assert!(text(&live.stderr).contains(whole.lines().next().unwrap()), "{}", text(&live.stderr));
    assert_eq!(fs::read_dir(home.path().join("perfvt/images")).unwrap().count(), 1, "only the lock is left");
}

#[test]
fn an_image_goes_out_as_ova_comes_back_under_a_name_and_boots_by_its_own_loader() {
    let home = tempfile::tempdir().unwrap();
    let alone = |args: &[&str]| {
        output(apart().env("XDG_CACHE_HOME", home.path()).current_dir(home.path()).args(args))
    };
    if Command::new("qemu-img").arg("--version").output().is_err() {
        return testing::skip("qemu-img is missing; `make setup` gets it");
    }
    let disk: Vec<u8> = (0..1u32 << 20).map(|at| (at / 3 % 253) as u8).collect();
    fs::write(home.path().join("d.raw"), &disk).unwrap();
    let unsaid = text(&alone(&["guest", "export", "d.raw", "--to", "x.ova"]).stderr);
    assert!(unsaid.contains("--format raw reads a raw disk"), "{unsaid}");
    let out = alone(&["guest", "export", "d.raw", "--format", "raw", "--to", "x.ova"]);
    assert!(out.status.success(), "{}", text(&out.stderr));
    let again = alone(&["guest", "export", "d.raw", "--format", "raw", "--to", "x.ova"]);
    assert_eq!(again.status.code(), Some(2));
    assert!(text(&again.stderr).contains("nothing is overwritten"), "{}", text(&again.stderr));
    let back = alone(&["guest", "import", "x.ova", "--name", "mine"]);
    assert!(text(&back.stdout).contains("image=perfvt:mine boots it"), "{}", text(&back.stderr));
    let listed = text(&alone(&["guest", "list"]).stdout);
    assert!(listed.contains("  imported from 'x.ova'  1 MB"), "{listed}");
    assert!(alone(&["guest", "export", "mine", "--to", "y.raw"]).status.success());
    assert!(fs::read(home.path().join("y.raw")).unwrap() == disk);
    let twice = text(&alone(&["guest", "import", "x.ova", "--name", "mine"]).stderr);
    assert!(twice.contains("`perfvt guest rm mine` removes it"), "{twice}");
    let dry = ["run", "command", "--set", "command=true", "--set", "image=perfvt:mine", "--dry-run", "-v"];
    let dry = alone(&[&dry[..], &["--allow-unpinned"]].concat());
    let said = text(&dry.stdout);
    assert!(said.contains("disk.qcow2") && !said.contains("-kernel"), "{said}{}", text(&dry.stderr));
}

#[test]
fn files_come_out_of_an_image_and_what_is_not_in_it_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    if ["mke2fs", "debugfs"].iter().any(|name| !Path::new("/usr/sbin").join(name).exists()) {
        return testing::skip("mke2fs or debugfs is missing; the package e2fsprogs has them");
    }
    let tree = dir.path().join("tree");
    fs::create_dir_all(tree.join("boot")).unwrap();
    fs::write(tree.join("boot/vmlinuz-6.1.0-10"), "kernel").unwrap();
    std::os::unix::fs::symlink("boot", tree.join("link")).unwrap();
    let mut made = Command::new("/usr/sbin/mke2fs");
    assert!(
        output(made.args(["-q", "-t", "ext4", "-d"]).arg(&tree).arg(dir.path().join("d.raw")).arg("4M"))
            .status
            .success()
    );
    let extract = |args: &[&str]| {
        let mut extract = apart();
        extract.current_dir(dir.path()).args(["guest", "extract", "d.raw", "--format", "raw", "--to", "to"]);
        output(extract.args(args))
    };
    let nothing = extract(&[]);
    assert!(text(&nothing.stderr).contains("nothing is asked for"), "{}", text(&nothing.stderr));
    let kernel = extract(&["--kernel"]);
    assert_eq!(text(&kernel.stdout), "to/vmlinuz-6.1.0-10  6 bytes\n", "{}", text(&kernel.stderr));
    let none = extract(&["/etc/none"]);
    assert_eq!(none.status.code(), Some(2));
    assert!(text(&none.stderr).contains("it has no '/etc/none'"), "{}", text(&none.stderr));
    let all = extract(&["/"]);
    assert!(
        text(&all.stderr).contains("left out: 1 links, devices and the like, such as 'root/link'"),
        "{}",
        text(&all.stderr)
    );
}

#[test]
fn an_image_is_tested_by_a_script_whose_end_is_the_exit_code() {
    let dir = tempfile::tempdir().unwrap();
    let test = |image: &str, script: &str, more: &[&str]| {
        fs::write(dir.path().join("x.drive"), script).unwrap();
        let mut test = apart();
        test.current_dir(dir.path()).args(["guest", "test", image, "x.drive"]).args(more);
        output(&mut test)
    };
    fs::write(dir.path().join("d.raw"), [0; 512]).unwrap();
    let wrong = test("d.raw", "vm2 start\n", &["--set", "image_format=raw"]);
    assert_eq!(wrong.status.code(), Some(2));
    assert!(
        text(&wrong.stderr).contains("x.drive line 1: there is no machine 'vm2'"),
        "{}",
        text(&wrong.stderr)
    );
    let Some(_guard) = beside() else { return };
    let script = "start_all\nsubtest runs\n  vm1 succeed true\nsubtest fails\n  vm1 succeed false\n";
    let failed = test("builtin", script, &["--out", "X", "--output", "junit=x.xml"]);
    assert_eq!(failed.status.code(), Some(1), "{}", text(&failed.stderr));
    let junit = fs::read_to_string(dir.path().join("x.xml")).unwrap();
    assert!(junit.contains("name=\"runs\"") && junit.contains("<failure"), "{junit}");
}

#[test]
fn images_come_from_a_mirror_and_the_oldest_go_but_not_what_is_used_or_was_measured() {
    let (home, mirror) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let at = |cache: &Path, args: &[&str]| {
        output(apart().env("XDG_CACHE_HOME", cache).current_dir(mirror.path()).args(args))
    };
    if Command::new("qemu-img").arg("--version").output().is_err() {
        return testing::skip("qemu-img is missing; `make setup` gets it");
    }
    for name in ["one", "two", "three"] {
        fs::write(mirror.path().join("d.raw"), name.repeat(512)).unwrap();
        let file = format!("{name}.qcow2");
        assert!(
            at(mirror.path(), &["guest", "export", "d.raw", "--format", "raw", "--to", &file])
                .status
                .success()
        );
        assert!(at(mirror.path(), &["guest", "import", &file, "--name", name]).status.success());
    }
    let images = mirror.path().join("perfvt/images");
    let from = images.to_str().unwrap();
    let came = at(home.path(), &["guest", "sync", from]);
    assert!(text(&came.stdout).starts_with("3 images came from "), "{}", text(&came.stderr));
    let here = home.path().join("perfvt/images");
    let listed = fs::read_to_string(here.join("images.json")).unwrap();
    assert_eq!(listed, fs::read_to_string(images.join("images.json")).unwrap());
    // Each is the only one of its flavour.
    assert_eq!(text(&at(home.path(), &["guest", "prune", "--keep", "1"]).stdout), "");
    let folder = |name: &str| {
        let all = fs::read_dir(&here).unwrap().flatten().map(|entry| entry.path());
        all.into_iter()
            .find(|path| path.file_name().unwrap().to_str().unwrap().starts_with(&format!("{name}-")))
    };
    let held = File::open(folder("one").unwrap()).unwrap();
    held.lock_shared().unwrap();
    let results = home.path().join("results/X");
    fs::create_dir_all(&results).unwrap();
    let hash = hash_file(&folder("two").unwrap().join("disk.qcow2")).unwrap();
    fs::write(results.join("run.json"), format!("{{\"guest.image\": \"{hash}\"}}")).unwrap();
    let prune = |more: &[&str]| {
        let results = home.path().join("results").display().to_string();
        at(home.path(), &[&["guest", "prune", "--keep", "0", "--results", &results], more].concat())
    };
    let dry = prune(&["--dry-run"]);
    assert!(
        text(&dry.stdout).starts_with("would remove three-"),
        "{}{}",
        text(&dry.stdout),
        text(&dry.stderr)
    );
    let pruned = prune(&[]);
    let (out, err) = (text(&pruned.stdout), text(&pruned.stderr));
    assert!(out.starts_with("removed three-") && out.lines().count() == 1, "{out}{err}");
    assert!(err.contains("guest image one-") && err.contains("run.json was measured in it"), "{err}");
    assert!(folder("one").is_some() && folder("two").is_some() && folder("three").is_none());
    assert!(!fs::read_to_string(here.join("images.json")).unwrap().contains("\"three\""));
}
