//! `perfvt build` and `perfvt ab`, with guests that pretend (`fake_qemu`): two commits that are one program cost no boot, a slower one is
//! found, and one that does not build is told.

use crate::support;

use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::Command;
use support::project::Project;
use support::{output, text};

/// A good commit, one that is the same program, a slow one, and one that does not build.
fn project() -> Option<Project> {
    let project = Project::empty()?;
    project.file("config", "CONFIG_CACHE=y\n# CONFIG_TRACE is not set\n");
    project.speed(1000, "good");
    project.file("README", "words");
    project.commit("same");
    project.file("config", "CONFIG_CACHE=m\nCONFIG_TRACE=y\n");
    project.speed(800, "slow");
    project.file("broken", "yes");
    project.commit("none");
    Some(project)
}

#[test]
fn a_commit_is_built_once_and_its_program_is_what_is_printed() {
    let Some(project) = project() else { return };
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
    let Some(project) = project() else { return };
    let told = project.here.ends_with(0, &mut project.measuring("ab", "good..same", &[]));
    assert!(told.contains("same is EQUIVALENT to good: exact"), "{told}");
    assert!(!project.path("count").exists() && !project.path("perfvt-ab-good-same").exists());
}

#[test]
fn a_slower_commit_is_found_by_one_command_and_what_was_built_stands_beside_the_page() {
    let Some(project) = project() else { return };
    let more = ["--against", "same", "--repeat", "6", "--fail-on", "regression", "--out", "ab"];
    let told = project.here.ends_with(1, &mut project.measuring("ab", "good..slow", &more));
    assert!(told.contains("same is EQUIVALENT to good: exact"), "{told}");
    // Beside other work the time that the command takes may have changed as well; rows are then counted and not named.
    let named = told.lines().any(|line| line.starts_with("slow (") && line.contains("-20"));
    assert!(named || told.contains("rows REGRESSED"), "{told}");
    let page = fs::read_to_string(project.path("ab/report.html")).unwrap();
    // What changed by itself stands above the numbers; where the build comes from is with its results.
    let flipped = "CONFIG_CACHE: y became m, CONFIG_TRACE: not set became y";
    assert!(
        told.contains(&format!("note: the configuration of slow is not that of the first build: {flipped}")),
        "{told}"
    );
    assert!(page.contains("slow") && page.find(flipped).unwrap() < page.find("id=\"rows\"").unwrap());
    let run: Value =
        serde_json::from_slice(&fs::read(project.path("ab/campaign/slow/run.json")).unwrap()).unwrap();
    let built: Value = serde_json::from_slice(&fs::read(project.path("ab/builds.json")).unwrap()).unwrap();
    assert_eq!(built["commits"].as_array().unwrap().len(), 2, "{built}");
    assert_eq!(built["builds"][1]["commit"]["subject"], "slow");
    assert_eq!(run["fingerprint"]["qemu.build.commit"], built["builds"][1]["build"]["commit"], "{run}");
    let fact = |name: &str| run["fingerprint"][format!("range.{name}")].as_str().unwrap_or_default();
    assert!(fact("shortlog").contains(" same; ") && fact("shortlog").ends_with(" slow"), "{run}");
    assert!(
        fact("config_changes").starts_with("CONFIG_CACHE: y became m; ") && fact("since").len() == 12,
        "{run}"
    );
    assert!(Path::new(&project.path("ab/campaign/campaign.json")).is_file());
    let told = project.here.ends_with(2, &mut project.measuring("ab", "good..slow", &["--out", "ab"]));
    assert!(told.contains("ab is there already; --out DIR takes another folder"), "{told}");
    let told = project.here.ends_with(1, &mut project.measuring("ab", "good..none", &["--out", "other"]));
    assert!(told.contains("does not build:") && !project.path("other").exists(), "{told}");
}

#[test]
fn a_patch_what_is_not_committed_a_tarball_and_a_package_are_compared_as_commits_are() {
    let Some(project) = project() else { return };
    let repo = project.path("repo");
    let at =
        |words: &[&str]| output(Command::new(words[0]).args(&words[1..]).current_dir(project.here.path()));
    assert!(project.git(&["checkout", "-q", "same"]));
    assert!(at(&["tar", "-cJf", "tool-1.tar.xz", "--exclude=.git", "repo"]).status.success());
    let has_deb = Command::new("dpkg-deb").arg("--version").output().is_ok();
    if !has_deb {
        testing::skip("dpkg-deb is missing: the package is left out");
    }
    fs::create_dir_all(project.path("deb/DEBIAN")).unwrap();
    fs::create_dir_all(project.path("deb/bin")).unwrap();
    fs::copy(repo.join("qemu"), project.path("deb/bin/qemu")).unwrap();
    let control =
        "Package: tool\nVersion: 1\nArchitecture: all\nMaintainer: t <t@example.org>\nDescription: t\n";
    fs::write(project.path("deb/DEBIAN/control"), control).unwrap();
    assert!(!has_deb || at(&["dpkg-deb", "-b", "--root-owner-group", "deb", "tool.deb"]).status.success());
    project.file("README", "other words\n");
    fs::write(project.path("news.patch"), "--- /dev/null\n+++ b/NEWS\n@@ -0,0 +1 @@\n+news\n").unwrap();
    let package = has_deb.then_some("package:tool.deb");
    let others = ["patch:news.patch", "dirty:", "tar:tool-1.tar.xz"].into_iter().chain(package);
    let more: Vec<&str> = others.flat_map(|what| ["--against", what]).collect();
    let told = project.here.ends_with(0, &mut project.measuring("ab", "good..same", &more));
    for name in ["same", "news", "dirty", "tool-1"].into_iter().chain(has_deb.then_some("tool")) {
        assert!(told.contains(&format!("{name} is EQUIVALENT to good: exact")), "{name}: {told}");
    }
    assert!(told.contains("tool-1: tool-1.tar.xz"), "{told}");
    assert!(!has_deb || told.contains("tool: tool.deb"), "{told}");
    assert!(!project.path("count").exists());
    if has_deb {
        let words = ["build", "package", "tool.deb", "--product", "bin/qemu"];
        let path = project.here.ends_with(0, project.here.perfvt().args(words));
        assert!(path.trim_end().ends_with("/files/bin/qemu"), "{path}");
    }
    let words =
        ["build", "script", "--tar", "tool-1.tar.xz", "--script", "build.sh", "--product", "bin/qemu"];
    let path = project.here.ends_with(0, project.here.perfvt().args(words));
    assert!(path.lines().any(|line| line.ends_with("/files/bin/qemu")), "{path}");
    for (what, why) in
        [("tar:none.tar", "none.tar: no such file"), ("package:news.patch", "it is no tarball")]
    {
        let told =
            project.here.ends_with(2, &mut project.measuring("ab", "good..same", &["--against", what]));
        assert!(told.contains(why), "{told}");
    }
}

#[test]
fn what_is_wrong_with_a_comparison_is_said_before_anything_is_built() {
    let Some(project) = project() else { return };
    for (more, why) in [
        (["--fail-on", "nonsense"], "nonsense"),
        (["--set", "smp=many"], "smp"),
        (["--guest", "none"], "none"),
    ] {
        let said = project.here.ends_with(2, &mut project.measuring("ab", "good..slow", &more));
        assert!(said.contains(why), "{why}: {said}");
    }
    let mut nothing = project.command(&["ab", "good..slow"]);
    let said = project.here.ends_with(2, &mut nothing);
    assert!(said.contains("netperf"), "{said}");
    let mut nowhere = project.here.perfvt();
    let said = project.here.ends_with(2, nowhere.args(["ab", "good..slow", "netperf"]));
    assert!(
        said.contains("--qemu-repo") && said.contains("--kernel-repo") && said.contains("--repo"),
        "{said}"
    );
    assert_eq!(project.builds(), 0);
}
