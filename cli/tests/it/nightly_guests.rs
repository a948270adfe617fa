//! A history of 40 nights in real guests: one commit makes QEMU's network slower, and one night the host gets a load that stays.

use crate::support;

use serde_json::Value;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use support::{apart, beside, output, text};

/// Nights, the first one whose commit is slower, and the first one with a load on the host.
const NIGHTS: usize = 40;
const SLOWER: usize = 14;
const LOADED: usize = 27;

/// Threads that compute, some for each CPU that the test may use: guests get a part of it.
struct Load {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Load {
    fn new() -> Load {
        let stop = Arc::new(AtomicBool::new(false));
        let work = |stop: Arc<AtomicBool>| {
            let mut x = 1u64;
            while !stop.load(Ordering::Relaxed) {
                for _ in 0..1 << 16 {
                    x = std::hint::black_box(x.wrapping_mul(0x9e37_79b9_7f4a_7c15));
                }
            }
        };
        let cpus = std::thread::available_parallelism().unwrap().get();
        let one = |_| {
            let stop = Arc::clone(&stop);
            std::thread::spawn(move || work(stop))
        };
        let threads = (0..4 * cpus).map(one).collect();
        Load { stop, threads }
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.threads.drain(..).for_each(|thread| thread.join().unwrap());
    }
}

struct Nights {
    /// Everything; it stays where PERFVT_NIGHTS says so.
    folder: PathBuf,
    _dir: tempfile::TempDir,
    commits: Vec<String>,
}

fn git(folder: &Path, words: &[&str]) -> String {
    let mut git = Command::new("git");
    git.arg("-C").arg(folder).args(["-c", "user.name=t", "-c", "user.email=t@example.org"]).args(words);
    let done = output(git.env("GIT_CONFIG_GLOBAL", "/dev/null"));
    assert!(done.status.success(), "{words:?}: {}", text(&done.stderr));
    text(&done.stdout).trim().to_owned()
}

impl Nights {
    /// A repository of 40 commits, and a QEMU of each: the distribution's, behind a script that gives it a slower network from one of
    /// them on.
    fn new() -> Nights {
        let dir = tempfile::tempdir().unwrap();
        let folder =
            std::env::var_os("PERFVT_NIGHTS").map_or_else(|| dir.path().join("nights"), PathBuf::from);
        let repository = folder.join("repository");
        fs::create_dir_all(&repository).unwrap();
        git(&repository, &["init", "-q", "-b", "main"]);
        let mut commits = Vec::new();
        for night in 1..=NIGHTS {
            let subject = match night {
                SLOWER => "net: collect packets before the guest sees them".to_owned(),
                _ => format!("docs: note {night}"),
            };
            git(&repository, &["commit", "-q", "--allow-empty", "-m", &subject]);
            let commit = git(&repository, &["rev-parse", "--short=12", "HEAD"]);
            let build = folder.join("builds").join(&commit);
            fs::create_dir_all(&build).unwrap();
            // Only a QEMU that has this network has a filter for it: it is asked for its version and its devices as well.
            let late = "case \"$*\" in *id=net0*) set -- \"$@\" -object filter-buffer,id=late,netdev=net0,interval=1000 ;; esac\n";
            let late = if night >= SLOWER { late } else { "" };
            let script = build.join("qemu");
            fs::write(&script, format!("#!/bin/sh\n{late}exec qemu-system-x86_64 \"$@\"\n")).unwrap();
            fs::set_permissions(&script, PermissionsExt::from_mode(0o755)).unwrap();
            commits.push(commit);
        }
        let tell = folder.join("tell");
        fs::write(&tell, "#!/bin/sh\necho \"$PERFVT_STANDING $PERFVT_BEFORE $PERFVT_AFTER\" >> told\n")
            .unwrap();
        fs::set_permissions(&tell, PermissionsExt::from_mode(0o755)).unwrap();
        Nights { folder, _dir: dir, commits }
    }

    /// A night, counted from 1; its exit code.
    fn night(&self, night: usize) -> i32 {
        let commit = &self.commits[night - 1];
        let mut command = apart();
        command.current_dir(&self.folder);
        command.args(["nightly", "netperf", "--allow-unpinned", "--noise", "off", "--machine", "lab-1"]);
        let qemu = format!("qemu_binary={}", self.folder.join("builds").join(commit).join("qemu").display());
        for set in [&qemu, "protocols=TCP_RR", "sizes_rr=64", "sessions_rr=1", "l=2", "confine=sandbox"] {
            command.args(["--set", set]);
        }
        command.args(["--lake", "lake", "--site", "site", "--commit", commit, "--repeat", "1"]);
        command.args(["--repository", "repository", "--branch", "main", "--series", "*/trans.rate/*"]);
        let tell = self.folder.join("tell").display().to_string();
        let done = output(command.args(["--notify", &tell]));
        let said = format!("{}{}", text(&done.stdout), text(&done.stderr));
        eprintln!("night {night}: {:?}\n{said}", done.status.code());
        done.status.code().unwrap_or_else(|| panic!("{said}"))
    }

    fn history(&self) -> Value {
        let words = ["history", "lake", "--series", "*/trans.rate/*", "--format", "json"];
        let done = output(apart().current_dir(&self.folder).args(words));
        serde_json::from_slice(&done.stdout).unwrap()
    }
}

#[test]
#[ignore = "soak: half an hour of real guests"]
fn of_40_nights_in_real_guests_a_slower_commit_is_confirmed_and_a_load_is_the_hosts() {
    if beside().is_none() {
        return;
    }
    let nights = Nights::new();
    let mut load = None;
    for night in 1..=NIGHTS {
        let Some(_turn) = beside() else { return };
        if night == LOADED {
            load = Some(Load::new());
        }
        let code = nights.night(night);
        // A guest that stood for seconds has no value (4); nothing is found too early.
        assert!([0, 4].contains(&code) || (code == 1 && night >= SLOWER + 2), "night {night}: {code}");
    }
    drop(load);
    let told = fs::read_to_string(nights.folder.join("told")).unwrap();
    let told: Vec<Vec<&str>> = told.lines().map(|line| line.split(' ').collect()).collect();
    let standings: Vec<&str> = told.iter().map(|event| event[0]).collect();
    assert_eq!(standings, ["confirmed", "host"], "{told:?}");
    let history = nights.history();
    let series = history["series"].as_array().unwrap();
    assert_eq!(series.len(), 1, "{series:?}");
    let ordinals: Vec<i64> =
        series[0]["nights"].as_array().unwrap().iter().map(|n| n["ordinal"].as_i64().unwrap()).collect();
    assert!(ordinals.is_sorted() && ordinals.len() + 4 >= NIGHTS, "{ordinals:?}");
    let page =
        |event: &Value| nights.folder.join(format!("site/h/e/{}.html", event["name"].as_str().unwrap()));
    let events = history["events"].as_array().unwrap();
    let pages: Vec<String> = events.iter().map(|event| fs::read_to_string(page(event)).unwrap()).collect();
    assert!(pages.iter().any(|page| page.contains("net: collect packets before the guest sees them")));
}
