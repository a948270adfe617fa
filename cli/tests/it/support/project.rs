//! A repository whose program is a QEMU that pretends, of a speed that each commit sets, and a benchmark that is as fast.

use super::pretended::Pretended;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;

/// How the program of a commit is built; one with a file `broken` is not, and a file `config` is what it was configured to be.
const BUILD: &str = "set -e\n[ ! -e broken ] || { echo error: broken; exit 2; }\nmkdir -p \"$PERFVT_OUT/bin\"\n\
    cp qemu \"$PERFVT_OUT/bin/qemu\"\n[ ! -e config ] || cp config \"$PERFVT_CONFIG\"";

pub struct Project {
    pub here: Pretended,
}

impl Project {
    /// One without commits; `None` without git.
    pub fn empty() -> Option<Project> {
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
        Some(project)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.here.path().join(name)
    }

    pub fn script(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
        fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
    }

    pub fn git(&self, args: &[&str]) -> bool {
        let identity =
            ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "init.defaultBranch=main"];
        let mut git = Command::new("git");
        git.arg("-C").arg(self.path("repo")).args(identity).args(args);
        git.output().is_ok_and(|done| done.status.success())
    }

    pub fn file(&self, name: &str, text: &str) {
        fs::write(self.path("repo").join(name), text).unwrap();
    }

    /// A commit with a tag of its name.
    pub fn commit(&self, tag: &str) {
        assert!(
            self.git(&["add", "-A"]) && self.git(&["commit", "-q", "-m", tag]) && self.git(&["tag", tag])
        );
    }

    /// Makes the program of the next commit one of a speed.
    pub fn program(&self, speed: u32, words: &str) {
        let qemu = self.here.qemu("")[0].split_once('=').unwrap().1.to_owned();
        self.script("repo/qemu", &format!("# {words}\nSPEED={speed} exec {qemu} \"$@\""));
    }

    pub fn speed(&self, speed: u32, tag: &str) {
        self.program(speed, "");
        self.commit(tag);
    }

    pub fn command(&self, words: &[&str]) -> Command {
        let mut command = self.here.perfvt();
        command.args(words).args(["--script", "build.sh", "--product", "bin/qemu", "--repo", "repo"]);
        command
    }

    /// How many builds the cache has.
    pub fn builds(&self) -> usize {
        super::files(&self.path("cache"), "/build.json").len()
    }

    /// A verb that measures the speed of a range's builds.
    pub fn measuring(&self, verb: &str, range: &str, more: &[&str]) -> Command {
        let mut command = self.command(&[verb, range, "command"]);
        command.args(self.sets()).args(more);
        command
    }

    /// What makes the benchmark what is measured.
    pub fn sets(&self) -> Vec<String> {
        let mut words = ["--accel", "tcg", "--allow-unpinned", "--noise", "off"].map(String::from).to_vec();
        let bench = format!("command={}", self.path("bench").display());
        let sets = ["net=user", "numa_node=0", "confine=sandbox", &bench, "metrics=speed"];
        for set in sets.into_iter().chain(["pattern_speed=speed ([0-9]+)"]) {
            words.extend(["--set".to_owned(), set.to_owned()]);
        }
        words
    }
}
