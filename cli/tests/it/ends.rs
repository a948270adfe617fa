//! Campaigns that measure the host alone beside other users, and what `perfvt gc` and other verbs remove of dead ones.

use crate::support;

use edge::Scratch;
use std::fs::{self, File, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime};
use support::{NOBODY, output, packages_for, perfvt, ready, text};

/// A campaign of a second for each of its boots, with the signals of a terminal.
fn campaign(out: &Path, more: &[&str]) -> Child {
    let mut command = Command::new("env");
    command.args(["--default-signal=HUP", "--default-signal=INT", env!("CARGO_BIN_EXE_perfvt")]);
    command.args([
        "run",
        "qemu-img-bench",
        "--profile",
        "quick",
        "--repeat",
        "4",
        "--allow-unpinned",
        "--noise",
        "warn",
        "--out",
    ]);
    command.arg(out).args(more).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().unwrap()
}

fn journal(out: &Path) -> String {
    fs::read_to_string(out.join("journal.jsonl")).unwrap_or_default()
}

#[test]
fn another_user_is_kept_off_the_cpus_that_are_being_measured_on() {
    let Some(_guard) = ready() else { return };
    if !rustix::process::geteuid().is_root() {
        testing::skip("only root can be two users");
        return;
    }
    // That user may not be able to enter the build folder.
    let dir = tempfile::Builder::new().prefix("perfvt-users").tempdir().unwrap();
    fs::set_permissions(dir.path(), Permissions::from_mode(0o777)).unwrap();
    let program = dir.path().join("perfvt");
    fs::copy(env!("CARGO_BIN_EXE_perfvt"), &program).unwrap();
    let cache = dir.path().join("cache");
    packages_for(&cache);
    for folder in [&cache, &cache.join("perfvt")] {
        fs::set_permissions(folder, Permissions::from_mode(0o777)).unwrap();
    }
    let out = dir.path().join("of-root");
    let mut first = campaign(&out, &[]);
    let begun = Instant::now();
    while !journal(&out).contains("\"case_started\"") {
        assert!(begun.elapsed() < Duration::from_secs(60), "nothing is measured");
        std::thread::sleep(Duration::from_millis(20));
    }
    let mut second = Command::new(&program);
    second.args([
        "run",
        "qemu-img-bench",
        "--profile",
        "quick",
        "--repeat",
        "1",
        "--allow-unpinned",
        "--noise",
        "warn",
        "--out",
        "X",
    ]);
    second
        .uid(NOBODY)
        .gid(NOBODY)
        .current_dir(dir.path())
        .env("HOME", dir.path())
        .env("XDG_CACHE_HOME", &cache);
    let refused = output(&mut second);
    let said = text(&refused.stderr);
    assert_eq!(refused.status.code(), Some(2), "{said}");
    assert!(said.contains(&format!("is in use by process {} of root", first.id())), "{said}");
    assert!(!dir.path().join("X").exists());
    assert!(first.wait().unwrap().success());
    let allowed = output(&mut second);
    assert!(allowed.status.success(), "{}", text(&allowed.stderr));
}

/// A folder that only looks like one.
fn folder(parent: &Path, name: &str, mode: u32) -> PathBuf {
    let path = parent.join(name);
    fs::create_dir(&path).unwrap();
    fs::write(path.join("qmp"), "").unwrap();
    fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
    let hour_ago = SystemTime::now() - Duration::from_secs(3600);
    File::open(&path).unwrap().set_modified(hour_ago).unwrap();
    path
}

#[test]
fn gc_removes_what_dead_campaigns_left_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let (tmp, disks) = (dir.path().join("tmp"), dir.path().join("disks"));
    fs::create_dir(&tmp).unwrap();
    fs::create_dir(&disks).unwrap();
    let dead = [&tmp, &disks].map(|place| Scratch::create(place, "20260101-dead-").unwrap().abandon());
    let living = Scratch::create(&tmp, "20260101-living-").unwrap();
    // Until 0.1 such a name, mode and age were taken for ownership.
    let old = folder(&tmp, "perfvt-20260101-old-x", 0o700);
    let strangers = [folder(&tmp, "perfvt-results", 0o755), folder(&disks, "other", 0o700)];

    let gc = || output(perfvt().arg("gc").arg(&disks).env("TMPDIR", &tmp));
    let first = gc();
    assert!(first.status.success(), "{}", text(&first.stderr));
    for path in &dead {
        assert!(!path.exists() && text(&first.stdout).contains(&format!("removed {}", path.display())));
    }
    let left = format!("left {}: it has no mark of perfvt's", old.display());
    assert!(text(&first.stdout).contains(&left), "{}", text(&first.stdout));
    assert_eq!(text(&first.stdout).lines().count(), 3, "{}", text(&first.stdout));
    assert!(living.path().exists() && old.exists() && strangers.iter().all(|path| path.exists()));
    fs::remove_dir_all(&old).unwrap();
    assert_eq!(text(&gc().stdout), "nothing is left of dead campaigns\n");
    living.abandon();
    assert!(text(&gc().stdout).contains("living"), "its owner is gone now");
}

/// `cd $TMPDIR; umask 077; perfvt run ..` leaves results of mode 0700 whose name begins like those of scratch folders once did.
#[test]
fn results_in_a_temporary_directory_outlive_every_verb() {
    let dir = tempfile::tempdir().unwrap();
    let results = folder(dir.path(), "perfvt-netperf-20261129T100000Z", 0o700);
    fs::write(results.join("campaign.json"), "{}").unwrap();
    for words in [&["doctor"][..], &["gc"], &["gc", "."], &["host", "status"], &["list"]] {
        let done = output(perfvt().args(words).current_dir(dir.path()).env("TMPDIR", dir.path()));
        assert!(!text(&done.stdout).contains("netperf-2026"), "{words:?}: {}", text(&done.stdout));
        assert!(results.join("qmp").exists() && results.join("campaign.json").exists(), "{words:?}");
    }
}

/// As root and as an ordinary user, under the usual umask and one that hides everything, with TMPDIR in the current directory:
/// the same files, and none of them goes when others look for leftovers.
#[test]
fn results_are_the_same_for_every_user_umask_and_tmpdir_and_nothing_is_removed() {
    let Some(_guard) = ready() else {
        return;
    };
    let is_root = fs::metadata("/proc/self").unwrap().uid() == 0;
    let users: &[Option<u32>] = if is_root { &[None, Some(NOBODY)] } else { &[None] };
    if !is_root {
        eprintln!("only as this user: changing it needs root");
    }
    let mut all = Vec::new();
    for user in users {
        for umask in ["022", "077"] {
            let dir = tempfile::tempdir().unwrap();
            fs::set_permissions(dir.path(), Permissions::from_mode(0o777)).unwrap();
            // Where another user can start it.
            let program = dir.path().join("perfvt-program");
            fs::copy(env!("CARGO_BIN_EXE_perfvt"), &program).unwrap();
            fs::set_permissions(&program, Permissions::from_mode(0o755)).unwrap();
            let perfvt = |words: &[&str]| {
                let mut command = Command::new("sh");
                command
                    .args(["-c", "umask \"$1\"; shift; exec \"$@\"", "sh", umask])
                    .arg(&program)
                    .args(words);
                command.current_dir(dir.path()).env("TMPDIR", dir.path()).env("HOME", dir.path());
                command.env("XDG_CACHE_HOME", dir.path().join("cache")).stdin(Stdio::null());
                if let Some(user) = user {
                    command.uid(*user).gid(*user);
                }
                output(&mut command)
            };
            let mut words =
                vec!["run", "qemu-img-bench", "--profile", "quick", "--repeat", "1", "--allow-unpinned"];
            words.extend(["--noise", "warn", "--wait", "--seed", "7"]);
            let done = perfvt(&words);
            assert!(done.status.success(), "{user:?} {umask}: {}", text(&done.stderr));
            let listing = || {
                let results = fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().path());
                let results: Vec<PathBuf> = results
                    .filter(|p| p.file_name().unwrap().to_string_lossy().starts_with("perfvt-qemu"))
                    .collect();
                assert_eq!(results.len(), 1, "{results:?}");
                let hour_ago = SystemTime::now() - Duration::from_secs(3600);
                File::open(&results[0]).unwrap().set_modified(hour_ago).unwrap();
                let mut files: Vec<String> = walkdir::WalkDir::new(&results[0])
                    .into_iter()
                    .map(|e| e.unwrap().path().strip_prefix(&results[0]).unwrap().display().to_string())
                    .collect();
                files.sort();
                files
            };
            let before = listing();
            for words in [&["gc"][..], &["gc", "."], &["doctor"], &["status", "."]] {
                perfvt(words);
                assert_eq!(listing(), before, "{user:?} {umask} {words:?}");
            }
            // The classic file's name holds the second in which it began.
            all.push(before.into_iter().filter(|name| !name.ends_with(".RHS")).collect::<Vec<_>>());
        }
    }
    assert!(all.windows(2).all(|pair| pair[0] == pair[1]), "{all:#?}");
}
