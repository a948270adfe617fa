//! `perfvt bisect`, with guests that pretend (`fake_qemu`) and a repository whose commits set their speed: the commit is named, what does not
//! build or boot is never cleared, a range without a change ends, and one that is killed goes on.

use crate::support;

use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::process::{Command, Stdio};
use std::time::Duration;
use support::output;
use support::project::Project;

/// What a commit of a range is, if not a program of its own.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    /// It changes words alone.
    Words,
    DoesNotBuild,
    DoesNotBoot,
}

/// A range of commits `c0` to `cN`, of which the one with this number made it slower by a fifth.
fn range(last: u32, culprit: u32, kinds: &[(u32, Kind)]) -> Option<Project> {
    let project = Project::empty()?;
    for at in 0..=last {
        let kind = kinds.iter().find(|(of, _)| *of == at).map(|(_, kind)| *kind);
        let speed = if at >= culprit { 800 } else { 1000 };
        match kind {
            Some(Kind::Words) => project.file("README.md", &format!("{at}")),
            Some(Kind::DoesNotBoot) => project.script("repo/qemu", &format!("# {at}\necho no >&2\nexit 3")),
            _ => project.program(speed, &format!("{at}")),
        }
        if kind == Some(Kind::DoesNotBuild) {
            project.file("broken", "yes");
        } else {
            let _ = fs::remove_file(project.path("repo/broken"));
        }
        project.commit(&format!("c{at}"));
    }
    Some(project)
}

fn bisect(project: &Project, range: &str, more: &[&str]) -> Command {
    bisect_into(project, range, "b", more)
}

fn bisect_into(project: &Project, range: &str, out: &str, more: &[&str]) -> Command {
    let mut command = project.measuring("bisect", range, &["--row", "speed", "--out", out]);
    command.args(more);
    command
}

fn result(project: &Project) -> Value {
    serde_json::from_slice(&fs::read(project.path("b/result.json")).unwrap()).unwrap()
}

/// Subjects of the commits with these numbers.
fn subjects(result: &Value, numbers: &Value) -> Vec<String> {
    let numbers = numbers.as_array().unwrap().iter();
    numbers
        .map(|at| result["commits"][at.as_u64().unwrap() as usize]["subject"].as_str().unwrap().to_owned())
        .collect()
}

/// Events of the journal by type.
fn events(project: &Project) -> BTreeMap<String, Vec<Value>> {
    let text = fs::read_to_string(project.path("b/journal.jsonl")).unwrap();
    let mut all: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for line in text.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        let event = line["event"].clone();
        all.entry(event["type"].as_str().unwrap().to_owned()).or_default().push(event);
    }
    all
}

#[test]
fn the_commit_is_named_beside_some_that_do_not_build_and_a_page_and_a_mail_say_so() {
    let kinds =
        [(5, Kind::Words), (22, Kind::DoesNotBuild), (23, Kind::DoesNotBuild), (24, Kind::DoesNotBuild)];
    let Some(project) = range(32, 21, &kinds) else { return };
    let dry = project.here.ends_with(0, &mut bisect(&project, "c0..c32", &["--dry-run"]));
    assert!(dry.contains("32 commits from ") && !project.path("b").exists(), "{dry}");
    let before =
        output(Command::new("git").arg("-C").arg(project.path("repo")).args(["status", "--porcelain"]));

    let said = project.here.ends_with(0, &mut bisect(&project, "c0..c32", &["--check", "revert"]));
    assert!(said.contains("\"c21\" is the commit: -20"), "{said}");
    let told = result(&project);
    assert_eq!((told["outcome"].as_str(), told["likeliest"].as_u64()), (Some("named"), Some(21)), "{told}");
    let checks = told["checks"].as_array().unwrap();
    assert_eq!(
        (checks[0]["check"].as_str(), checks[0]["outcome"].as_str()),
        (Some("final"), Some("confirmed"))
    );
    let why = checks[1]["why"].as_str().unwrap();
    assert!(why.contains("cannot be taken back on top of the bad end"), "{why}");
    assert!(told["boots"].as_u64().unwrap() < 90 && told["builds"].as_u64().unwrap() < 16, "{told}");
    let page = fs::read_to_string(project.path("b/bisect.html")).unwrap();
    assert!(page.contains("<svg class=\"over\"") && page.contains("c21") && !page.contains("<script"));
    let mail = fs::read_to_string(project.path("b/mail.txt")).unwrap();
    assert!(mail.starts_with("Subject: [regression] ") && mail.contains("c21"), "{mail}");
    assert!(mail.lines().all(|line| !line.contains('\u{1b}')));

    let after =
        output(Command::new("git").arg("-C").arg(project.path("repo")).args(["status", "--porcelain"]));
    assert_eq!(before.stdout, after.stdout);
    // It has ended: the same again measures nothing, and another range does not go on there.
    let boots = project.here.starts().len();
    project.here.ends_with(0, &mut bisect(&project, "c0..c32", &["--check", "revert"]));
    assert_eq!(project.here.starts().len(), boots);
    let said = project.here.ends_with(2, &mut bisect(&project, "c0..c31", &[]));
    assert!(said.contains("a bisection of another range was begun there"), "{said}");
    project.here.assert_nothing_left();
}

#[test]
fn commits_that_cannot_be_measured_stay_suspects_and_are_told_as_such() {
    let kinds = [(3, Kind::DoesNotBuild), (4, Kind::DoesNotBoot)];
    let Some(project) = range(7, 5, &kinds) else { return };
    let said = project.here.ends_with(1, &mut bisect(&project, "c0..c7", &[]));
    assert!(said.contains("one of 3 commits; 2 of them cannot be built or booted"), "{said}");
    let told = result(&project);
    assert_eq!(subjects(&told, &told["set"]), ["c3", "c4", "c5"]);
    assert_eq!(told["commits"][3]["standing"], "does-not-build");
    assert_eq!(told["commits"][4]["standing"], "does-not-boot");
}

#[test]
fn a_range_without_a_change_does_not_reproduce_and_one_program_costs_no_boot() {
    let Some(project) = range(6, 99, &[]) else { return };
    let said = project.here.ends_with(3, &mut bisect(&project, "c0..c6", &["--boots", "24"]));
    assert!(said.contains("does not reproduce"), "{said}");
    let told = result(&project);
    assert!(told["boots"].as_u64().unwrap() <= 12 && told["builds"].as_u64().unwrap() <= 2, "{told}");
    project.file("README.md", "words");
    project.commit("words");
    let boots = project.here.starts().len();
    let said = project.here.ends_with(3, &mut bisect_into(&project, "c6..words", "same", &[]));
    assert!(said.contains("both ends are the same files"), "{said}");
    assert_eq!(project.here.starts().len(), boots);
}

#[test]
fn what_is_wrong_is_said_before_anything_is_built() {
    let Some(project) = range(2, 1, &[]) else { return };
    let cases: [(&str, &[&str], &str); 6] = [
        ("c0...c2", &[], "has three dots"),
        ("c2..c0", &[], "the good end stands first"),
        ("c0..c2", &["--budget", "8"], "want a time with its unit"),
        ("c0..c2", &["--set", "smp=many"], "smp"),
        ("c0..c2", &["--check", "aligned"], "the script's matter"),
        ("c0..c2", &["--effect", "5%"], "--pilot"),
    ];
    for (range, more, why) in cases {
        let said = project.here.ends_with(2, &mut bisect(&project, range, more));
        assert!(said.contains(why), "{why}: {said}");
    }
    let mut none = project.here.perfvt();
    none.args(["bisect", "c0..c2", "command", "--row", "speed"]);
    let said = project.here.ends_with(2, &mut none);
    assert!(
        said.contains("--qemu-repo") && said.contains("--kernel-repo") && said.contains("--repo"),
        "{said}"
    );
    assert!(!project.path("b").exists() && project.builds() == 0);
    fs::create_dir(project.path("b")).unwrap();
    fs::write(project.path("b/mine"), "").unwrap();
    let said = project.here.ends_with(2, &mut bisect(&project, "c0..c2", &[]));
    assert!(said.contains("is no bisection"), "{said}");
}

/// Kills it at these moments, in milliseconds, one after the other, then lets it end.
fn killed(project: &Project, range: &str, moments: impl Iterator<Item = u64>) -> Value {
    for after in moments {
        let mut command = bisect(project, range, &[]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        std::thread::sleep(Duration::from_millis(after));
        child.kill().unwrap();
        if child.wait().unwrap().code() == Some(0) {
            break;
        }
    }
    let done = output(&mut bisect(project, range, &["--json"]));
    assert_eq!(done.status.code(), Some(0), "{}", support::text(&done.stderr));
    let told: Value = serde_json::from_slice(&done.stdout).unwrap();
    // Each round has one value of each of its commits, and no round has two.
    let all = events(project);
    let mut folders: Vec<&str> = all["began"].iter().map(|event| event["folder"].as_str().unwrap()).collect();
    folders.dedup();
    let count = folders.len();
    folders.sort_unstable();
    folders.dedup();
    assert_eq!(folders.len(), count, "{folders:?}");
    for folder in folders {
        let campaign = project.path("b").join(folder);
        if !campaign.join("journal.jsonl").exists() {
            continue;
        }
        let journal = fs::read_to_string(campaign.join("journal.jsonl")).unwrap();
        let finished = journal.lines().filter(|line| line.contains("\"case_finished\"")).count();
        assert!(finished <= 3, "{folder}: {finished} cases");
    }
    let built: Vec<u64> = all["built"].iter().map(|event| event["commit"].as_u64().unwrap()).collect();
    let distinct: std::collections::BTreeSet<u64> = built.iter().copied().collect();
    assert_eq!(built.len(), distinct.len(), "{built:?}");
    told
}

#[test]
fn a_bisection_that_is_killed_goes_on_and_measures_nothing_twice() {
    let Some(project) = range(8, 3, &[]) else { return };
    let told = killed(&project, "c0..c8", [700, 1_500, 2_500].into_iter());
    assert_eq!((told["outcome"].as_str(), told["likeliest"].as_u64()), (Some("named"), Some(3)), "{told}");
    project.here.remove_unmarked();
}

#[test]
#[ignore = "soak: minutes"]
fn bisections_that_are_killed_at_100_random_points_name_the_commit() {
    for seed in 0..10 {
        let mut random = stats::SplitMix64::new(seed);
        let culprit = 1 + random.below(16) as u32;
        let Some(project) = range(16, culprit, &[]) else { return };
        let moments = (0..10).map(|_| random.next_u64() % 4_000).collect::<Vec<_>>();
        let told = killed(&project, "c0..c16", moments.into_iter());
        assert_eq!(told["likeliest"].as_u64(), Some(culprit.into()), "{seed}: {told}");
        project.here.remove_unmarked();
    }
}

#[test]
#[ignore = "soak: minutes"]
fn of_64_commits_the_right_one_is_named_wherever_it_is() {
    for culprit in [1, 2, 17, 40, 63, 64] {
        let Some(project) = range(64, culprit, &[]) else { return };
        project.here.ends_with(0, &mut bisect(&project, "c0..c64", &[]));
        assert_eq!(result(&project)["likeliest"].as_u64(), Some(culprit.into()));
    }
}

#[test]
fn an_event_of_a_lake_is_bisected_from_the_last_commit_before_it_to_the_first_behind() {
    let Some(project) = range(3, 2, &[]) else { return };
    let id = |at: u32| {
        let mut git = Command::new("git");
        let said = output(git.arg("-C").arg(project.path("repo")).args(["rev-parse", &format!("c{at}")]));
        support::text(&said.stdout).trim().to_owned()
    };
    let (fast, slow) = (id(0), id(3));
    let mut table = String::from("commit,time,machine,case,metric,repeat,value,unit,direction\n");
    for night in 0..24_u64 {
        let (commit, level) = if night < 18 { (&fast, 1000.0) } else { (&slow, 800.0) };
        let at = 1_767_225_600 + night * 86_400;
        for repeat in 1..=3 {
            let value = level * (1.0 + ((night * 7 + repeat * 3) % 11) as f64 / 2000.0);
            table += &format!("{commit},{at},host-a,some,speed,{repeat},{value},-,higher\n");
        }
    }
    fs::write(project.path("nights.csv"), table).unwrap();
    let perfvt = |words: &[&str]| {
        let mut command = project.here.perfvt();
        project.here.ends_with(0, command.args(words))
    };
    perfvt(&["lake", "add", "lake", "nights.csv"]);
    let history: Value = serde_json::from_str(&perfvt(&["history", "lake", "--format", "json"])).unwrap();
    let name = history["events"][0]["name"].as_str().unwrap_or_else(|| panic!("{history}"));
    let mut command = project.command(&["history", "bisect", "lake", name, "command"]);
    command.args(project.sets()).args(["--row", "speed", "--out", "b"]);
    let said = project.here.ends_with(0, &mut command);
    assert!(said.contains(&format!("{fast}..{slow}")), "{said}");
    assert_eq!(result(&project)["likeliest"].as_u64(), Some(2), "{said}");
}
