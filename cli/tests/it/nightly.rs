//! `perfvt nightly` and `perfvt history confirm`, with guests that pretend (`fake_qemu`): a slower build is confirmed and told once, a load
//! on the host is called the host's, and a night that is killed goes on.

use crate::support;

use serde_json::Value;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;
use support::pretended::Pretended;
use support::{output, text};

/// Nights of a benchmark whose speed is that of the QEMU that boots it, and less while the host has a load.
struct Nights {
    here: Pretended,
}

impl Nights {
    fn new() -> Nights {
        let here = Pretended::new();
        let nights = Nights { here };
        let count = nights.path("count").display().to_string();
        let load = nights.path("load").display().to_string();
        // Boots differ by some tenths of a percent, in the same order whenever the test runs.
        nights.script(
            "bench",
            &format!(
                "n=$(cat {count} 2>/dev/null || echo 0); n=$((n + 1)); echo $n > {count}\n\
                 [ -e {load} ] && SPEED=$((SPEED * 7 / 10))\n\
                 echo speed $((SPEED * (1000 + n * 7919 % 13 - 6) / 100))"
            ),
        );
        for (build, speed) in [("fast", 1000), ("slow", 800)] {
            fs::create_dir(nights.path(build)).unwrap();
            let qemu = nights.here.qemu("")[0].split_once('=').unwrap().1.to_owned();
            nights.script(&format!("{build}/qemu"), &format!("SPEED={speed} exec {qemu} \"$@\""));
        }
        nights.notify("exit 0");
        fs::write(nights.path("perf.conf"), "[command]\nmetric.speed = - higher primary log\n").unwrap();
        nights
    }

    fn path(&self, name: &str) -> PathBuf {
        self.here.path().join(name)
    }

    fn script(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
        fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
    }

    /// What is told, a line each; and what the program does then.
    fn notify(&self, then: &str) {
        let told = self.path("told").display().to_string();
        self.script(
            "notify",
            &format!("echo \"$PERFVT_EVENT $PERFVT_STANDING $PERFVT_CHANGE $PATH\" >> {told}; cat > {told}.json\n{then}"),
        );
    }

    fn told(&self) -> Vec<String> {
        let text = fs::read_to_string(self.path("told")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// What is measured: the words that `nightly` and `history confirm` share.
    fn measuring(&self) -> Vec<String> {
        let mut words: Vec<String> =
            ["command", "--accel", "tcg", "--allow-unpinned", "--noise", "off"].map(String::from).into();
        let bench = format!("command={}", self.path("bench").display());
        let sets = ["net=user", "numa_node=0", "confine=sandbox", &bench, "metrics=speed"];
        for set in sets.into_iter().chain(["pattern_speed=speed ([0-9]+)"]) {
            words.extend(["--set".to_owned(), set.to_owned()]);
        }
        words
    }

    fn command(&self, build: &str, more: &[&str]) -> Command {
        let mut command = self.here.perfvt();
        let qemu = format!("qemu_binary={}", self.path(build).join("qemu").display());
        let notify = self.path("notify").display().to_string();
        command.arg("nightly").args(self.measuring()).args(["--set", &qemu, "--commit", build]);
        command.args(["--lake", "lake", "--repeat", "1", "--series", "*/speed/*", "--notify", &notify]);
        // As cron starts it.
        command.args(more).env("PATH", "/usr/bin:/bin").env_remove("USER");
        command
    }

    #[track_caller]
    fn night(&self, code: i32, build: &str, more: &[&str]) -> String {
        self.here.ends_with(code, &mut self.command(build, more))
    }

    #[track_caller]
    fn nights(&self, n: usize, build: &str) {
        for _ in 0..n {
            let said = self.night(0, build, &[]);
            assert!(said.contains("0 new events"), "{said}");
        }
    }

    /// Begins or goes on with a night of the slow build, and kills it after so many milliseconds. Its exit code, if it came to one.
    fn killed(&self, after: u64) -> Option<i32> {
        let mut command = self.command("slow", &[]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        std::thread::sleep(Duration::from_millis(after));
        // Whatever is between it and perfvt becomes perfvt by exec.
        child.kill().unwrap();
        child.wait().unwrap().code()
    }

    #[track_caller]
    fn history(&self, code: i32, words: &[&str]) -> String {
        let mut command = self.here.perfvt();
        self.here.ends_with(code, command.arg("history").args(words))
    }

    /// Nights that stand in the lake, each once.
    fn in_lake(&self) -> usize {
        let json = self.history(0, &["lake", "--series", "*/speed/*", "--format", "json"]);
        let json: Value = serde_json::from_str(&json).unwrap();
        let nights = json["series"][0]["nights"].as_array().unwrap();
        let mut campaigns: Vec<&str> = nights.iter().map(|n| n["campaign"].as_str().unwrap()).collect();
        campaigns.sort_unstable();
        campaigns.dedup();
        assert_eq!(campaigns.len(), nights.len());
        nights.len()
    }
}

#[test]
fn a_slower_build_is_confirmed_and_told_once_and_a_load_on_the_host_is_the_hosts() {
    let nights = Nights::new();
    nights.nights(6, "fast");
    nights.nights(2, "slow");
    // The third night of it shows the step. It is killed before it has done anything, and in the middle.
    for after in [300, 1_200] {
        nights.killed(after);
    }
    // Its program says that nobody heard it.
    nights.notify("echo no mail today >&2; exit 3");
    let said = nights.night(1, "slow", &["--site", "site", "--push", "sh -c 'pwd > ../pushed'"]);
    for part in [
        "CONFIRMED, the first build behind the step differs from the last before it",
        "before   fast",
        "after    slow",
        "speed/head: confirmed",
        "'no mail today'; the next night tries again",
        "2 results: site/index.html",
        "site/h/index.html",
        "pushed",
        "1 event that count",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert_eq!(
        fs::read_to_string(nights.path("pushed")).unwrap().trim(),
        nights.path("site").display().to_string()
    );
    let pages = support::files(&nights.path("site/h/e"), ".html");
    assert!(fs::read_to_string(&pages[0]).unwrap().contains("confirmed"), "{pages:?}");
    assert_eq!(nights.told().len(), 1);
    fs::remove_file(nights.path("told")).unwrap();

    // Its program tells, and perfvt is killed in that moment: whether it was told is not known, and it is not told again.
    nights.notify("kill -9 $PPID");
    let killed = output(&mut nights.command("slow", &[]));
    assert!(!killed.status.success() && killed.status.code() != Some(1), "{:?}", killed.status);
    let [told] = &nights.told()[..] else { panic!("{:?}", nights.told()) };
    assert!(told.contains(" confirmed -") && told.contains(":/usr/sbin"), "{told}");
    let json: Value = serde_json::from_str(&fs::read_to_string(nights.path("told.json")).unwrap()).unwrap();
    assert_eq!((&json["standing"], &json["last_before"]), (&Value::from("confirmed"), &Value::from("fast")));
    assert_eq!(
        (&json["first_after"], json["moved"][0]["worse"].as_bool()),
        (&Value::from("slow"), Some(true))
    );
    assert!(json["campaign"].is_string(), "{json}");

    nights.notify("exit 0");
    let said = nights.night(1, "slow", &[]);
    assert!(said.contains("going on with the night that was cut"), "{said}");
    assert!(said.contains("whether it was done is not known, and it is not done again"), "{said}");
    assert_eq!(nights.in_lake(), 10, "the night that was cut is none of its own");
    let said = nights.night(1, "slow", &[]);
    assert!(!said.contains("not known") && said.contains("0 new events, 1 event"), "{said}");
    assert_eq!(nights.told().len(), 1);
    nights.history(1, &["lake", "--fail-on", "confirmed"]);

    // The host gets slow: both builds do.
    fs::write(nights.path("load"), "").unwrap();
    nights.night(1, "slow", &[]);
    nights.night(1, "slow", &[]);
    let said = nights.night(1, "slow", &[]);
    assert!(said.contains("HOST, both builds are alike"), "{said}");
    assert!(said.contains("1 event that count"), "{said}");
    assert!(nights.told()[1..].iter().all(|told| told.contains(" host -")), "{:?}", nights.told());
    assert_eq!(nights.told().len(), 2);
    nights.here.remove_unmarked();
    nights.here.assert_nothing_left();

    let name = json["name"].as_str().unwrap();
    let explained = nights.history(0, &["explain", "lake", name]);
    assert!(explained.contains("confirmed by ") && explained.contains("somebody is told"), "{explained}");
    // A build that is gone is said, with the way to it; what lies elsewhere is measured there.
    fs::rename(nights.path("fast"), nights.path("moved")).unwrap();
    let measuring = nights.measuring();
    let words = |more: &[&str]| -> Vec<String> {
        let words = ["confirm", "lake", name].into_iter().chain(measuring.iter().map(String::as_str));
        words.chain(more.iter().copied()).map(str::to_owned).collect()
    };
    let confirm = |code, more: &[&str]| {
        nights.history(code, &words(more).iter().map(String::as_str).collect::<Vec<_>>())
    };
    let said = confirm(2, &["--out", "by-hand"]);
    assert!(
        said.contains("build 'fast' is gone: its qemu_binary was ")
            && said.contains("--build fast:KEY=VALUE"),
        "{said}"
    );
    let moved = format!("fast:qemu_binary={}", nights.path("moved/qemu").display());
    let said = confirm(0, &["--out", "by-hand", "--build", &moved]);
    assert!(said.contains(": CONFIRMED"), "{said}");
    let said = confirm(2, &["--out", "lake-campaigns", "--machine", "elsewhere"]);
    assert!(said.contains("and this machine is elsewhere"), "{said}");
}

#[test]
fn two_at_once_are_one_and_what_cannot_work_is_refused_before_anything_is_measured() {
    let nights = Nights::new();
    fs::create_dir(nights.path("lake-campaigns")).unwrap();
    let lock = fs::File::create(nights.path("lake-campaigns/nightly.lock")).unwrap();
    lock.lock().unwrap();
    let said = nights.night(5, "fast", &[]);
    assert!(
        said.contains("another perfvt nightly is at work in ")
            && said.contains("lake-campaigns; nothing is done"),
        "{said}"
    );
    drop(lock);
    for (more, why) in [
        (["--anchor", "8.1"], "--anchor '8.1': the lake does not say where this build lies"),
        (["--budget", "4"], "--budget 4: want a time with its unit"),
        (["--push", "rsync 'x"], "required"),
        (["--since", "soon"], "--since 'soon': want"),
        (["--set", "smp=many"], "smp"),
    ] {
        let said = nights.night(2, "fast", &more);
        assert!(said.contains(why), "{why}: {said}");
    }
    assert!(!nights.path("lake/points").exists());
    // What was refused is no night that was cut.
    let said = nights.night(
        0,
        "fast",
        &["--anchor", &format!("qemu_binary={}", nights.path("slow/qemu").display())],
    );
    assert!(!said.contains("going on") && said.contains("2 cells valid"), "{said}");
    let json = nights.history(0, &["lake", "--series", "*/speed/head", "--format", "json"]);
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["series"][0]["anchored"], true, "{json}");
}

/// Kills a night at random points and starts it again, until it comes to its end.
fn kills(nights: &Nights, kills: usize, seed: u64) {
    let mut random = stats::SplitMix64::new(seed);
    for _ in 0..kills {
        if nights.killed(random.next_u64() % 6_000) == Some(1) {
            return;
        }
    }
    let last = output(&mut nights.command("slow", &[]));
    assert_eq!(last.status.code(), Some(1), "{}{}", text(&last.stdout), text(&last.stderr));
}

fn a_night_that_is_killed(n: usize, seed: u64) {
    let nights = Nights::new();
    nights.nights(6, "fast");
    nights.nights(2, "slow");
    kills(&nights, n, seed);
    let told = nights.told();
    assert!(told.len() <= 1, "{told:?}");
    let events = fs::read_to_string(nights.path("lake/events.jsonl")).unwrap();
    assert_eq!(events.lines().filter(|line| line.contains("\"said\":\"told\"")).count(), 1, "{events}");
    // A night that was killed before its campaign began is a night less.
    assert!(nights.in_lake() >= 9, "{}", nights.in_lake());
    assert_eq!(output(nights.here.perfvt().args(["lake", "check", "lake"])).status.code(), Some(0));
    nights.here.remove_unmarked();
}

#[test]
#[ignore = "soak: minutes"]
fn nights_that_are_killed_at_200_random_points_go_on_and_tell_nothing_twice() {
    for seed in 0..20 {
        a_night_that_is_killed(10, seed);
    }
}

#[test]
#[ignore = "soak: minutes"]
fn of_40_nights_a_slower_build_is_confirmed_and_a_load_is_the_hosts_and_nothing_else_is_told() {
    let nights = Nights::new();
    nights.nights(12, "fast");
    // Found at the third night, and from then on it counts.
    nights.nights(2, "slow");
    for _ in 0..12 {
        nights.night(1, "slow", &[]);
    }
    fs::write(nights.path("load"), "").unwrap();
    for _ in 0..14 {
        nights.night(1, "slow", &[]);
    }
    assert_eq!(nights.in_lake(), 40);
    let standings: Vec<String> =
        nights.told().iter().map(|told| told.split(' ').nth(1).unwrap().to_owned()).collect();
    assert_eq!(standings, ["confirmed", "host"]);
    nights.here.assert_nothing_left();
}
