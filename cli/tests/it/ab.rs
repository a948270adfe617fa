//! `perfvt build` and `perfvt ab`, with guests that pretend (`fake_qemu`): two commits that are one program cost no boot, a slower one is
//! found, and one that does not build is told.

use crate::support;

use serde_json::Value;
use std::fs;
use std::path::Path;
use support::project::Project;
use support::{output, text};

/// A good commit, one that is the same program, a slow one, and one that does not build.
fn project() -> Option<Project> {
    let project = Project::empty()?;
    project.speed(1000, "good");
    project.file("README", "words");
    project.commit("same");
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
    assert!(told.lines().any(|line| line.starts_with("slow (") && line.contains("-20")), "{told}");
    let page = fs::read_to_string(project.path("ab/report.html")).unwrap();
    assert!(page.contains("slow"));
    let run: Value =
        serde_json::from_slice(&fs::read(project.path("ab/campaign/slow/run.json")).unwrap()).unwrap();
    let built: Value = serde_json::from_slice(&fs::read(project.path("ab/builds.json")).unwrap()).unwrap();
    assert_eq!(built["commits"].as_array().unwrap().len(), 2, "{built}");
    assert_eq!(built["builds"][1]["commit"]["subject"], "slow");
    assert_eq!(run["fingerprint"]["qemu.build.commit"], built["builds"][1]["build"]["commit"], "{run}");
    assert!(Path::new(&project.path("ab/campaign/campaign.json")).is_file());
    let told = project.here.ends_with(2, &mut project.measuring("ab", "good..slow", &["--out", "ab"]));
    assert!(told.contains("ab is there already; --out DIR takes another folder"), "{told}");
    let told = project.here.ends_with(1, &mut project.measuring("ab", "good..none", &["--out", "other"]));
    assert!(told.contains("does not build:") && !project.path("other").exists(), "{told}");
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
