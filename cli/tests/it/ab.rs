//! `perfvt build` and `perfvt ab`, with guests that pretend (`fake_qemu`): two commits that are one program cost no boot, a slower one is
//! found, and one that does not build is told.

use crate::support;

use serde_json::Value;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use support::pretended::Pretended;
use support::{output, text};

/// A repository whose program is a QEMU of a given speed.
struct Project {
    here: Pretended,
}

const BUILD: &str = "set -e\n[ ! -e broken ] || { echo error: broken; exit 2; }\nmkdir -p \"$PERFVT_OUT/bin\"\n\
    cp qemu \"$PERFVT_OUT/bin/qemu\"";

impl Project {
    /// `None` without git.
    fn new() -> Option<Project> {
        let project = Project { here: Pretended::new() };
        fs::create_dir(project.path("repo")).unwrap();
        if !project.git(&["init", "-q"]) {
            testing::skip("git is missing; `make setup` gets it");
            return None;
        }
        project.script("build.sh", BUILD);
        let count = project.path("count").display().to_string();
        project.script(
            "bench",
            &format!(
                "n=$(cat {count} 2>/dev/null || echo 0); n=$((n + 1)); echo $n > {count}\n\
                 echo speed $((SPEED * (1000 + n * 7919 % 13 - 6) / 100))"
            ),
        );
        fs::write(project.path("perf.conf"), "[command]\nmetric.speed = - higher primary log\n").unwrap();
        project.speed(1000, "good");
        project.file("README", "words");
        project.commit("same");
        project.speed(800, "slow");
        project.file("broken", "yes");
        project.commit("none");
        Some(project)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.here.path().join(name)
    }

    fn script(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
        fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
    }

    fn git(&self, args: &[&str]) -> bool {
        let identity =
            ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "init.defaultBranch=main"];
        let mut git = Command::new("git");
        git.arg("-C").arg(self.path("repo")).args(identity).args(args);
        git.output().is_ok_and(|done| done.status.success())
    }

    fn file(&self, name: &str, text: &str) {
        fs::write(self.path("repo").join(name), text).unwrap();
    }

    /// A commit with a tag of its name.
    fn commit(&self, tag: &str) {
        assert!(
            self.git(&["add", "-A"]) && self.git(&["commit", "-q", "-m", tag]) && self.git(&["tag", tag])
        );
    }

    fn speed(&self, speed: u32, tag: &str) {
        let qemu = self.here.qemu("")[0].split_once('=').unwrap().1.to_owned();
        self.script("repo/qemu", &format!("SPEED={speed} exec {qemu} \"$@\""));
        self.commit(tag);
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = self.here.perfvt();
        command.args(words).args(["--script", "build.sh", "--product", "bin/qemu", "--repo", "repo"]);
        command
    }

    fn ab(&self, range: &str, more: &[&str]) -> Command {
        let mut command = self.command(&["ab", range, "command"]);
        command.args(["--accel", "tcg", "--allow-unpinned", "--noise", "off"]);
        let bench = format!("command={}", self.path("bench").display());
        let sets = ["net=user", "numa_node=0", "confine=sandbox", &bench, "metrics=speed"];
        for set in sets.into_iter().chain(["pattern_speed=speed ([0-9]+)"]) {
            command.args(["--set", set]);
        }
        command.args(more);
        command
    }
}

#[test]
fn a_commit_is_built_once_and_its_program_is_what_is_printed() {
    let Some(project) = Project::new() else { return };
    let path = project.here.ends_with(0, &mut project.command(&["build", "script", "good"]));
    let printed = path.lines().find(|line| line.ends_with("/bin/qemu")).expect(&path);
    assert!(fs::read_to_string(printed).unwrap().contains("SPEED=1000"), "{path}");
    let done = output(project.command(&["build", "script", "good"]).arg("--json"));
    let record: Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!((record["status"].as_str(), record["recipe"].as_str()), (Some("built"), Some("script")));
    assert!(done.stderr.is_empty(), "{}", text(&done.stderr));
    let told = project.here.ends_with(1, &mut project.command(&["build", "script", "none"]));
    assert!(told.contains("does not build:") && told.contains("error: broken"), "{told}");
    let told = project.here.ends_with(2, &mut project.command(&["build", "script", "nothing"]));
    assert!(told.contains("has no commit 'nothing'"), "{told}");
}

#[test]
fn builds_that_are_one_program_are_equivalent_without_a_boot() {
    let Some(project) = Project::new() else { return };
    let told = project.here.ends_with(0, &mut project.ab("good..same", &[]));
    assert!(told.contains("same is EQUIVALENT to good: exact"), "{told}");
    assert!(!project.path("count").exists() && !project.path("perfvt-ab-good-same").exists());
}

#[test]
fn a_slower_commit_is_found_by_one_command_and_what_was_built_stands_beside_the_page() {
    let Some(project) = Project::new() else { return };
    let more = ["--against", "same", "--repeat", "6", "--fail-on", "regression", "--out", "ab"];
    let told = project.here.ends_with(1, &mut project.ab("good..slow", &more));
    assert!(told.contains("same is EQUIVALENT to good: exact"), "{told}");
    assert!(told.lines().any(|line| line.starts_with("slow (") && line.contains("-20")), "{told}");
    let page = fs::read_to_string(project.path("ab/report.html")).unwrap();
    assert!(page.contains("slow"));
    let built: Value = serde_json::from_slice(&fs::read(project.path("ab/builds.json")).unwrap()).unwrap();
    assert_eq!(built["commits"].as_array().unwrap().len(), 2, "{built}");
    assert_eq!(built["builds"][1]["commit"]["subject"], "slow");
    assert!(Path::new(&project.path("ab/campaign/campaign.json")).is_file());
    let told = project.here.ends_with(2, &mut project.ab("good..slow", &["--out", "ab"]));
    assert!(told.contains("ab is there already; --out DIR takes another folder"), "{told}");
    let told = project.here.ends_with(1, &mut project.ab("good..none", &["--out", "other"]));
    assert!(told.contains("does not build:") && !project.path("other").exists(), "{told}");
}
