//! Where commits of a lake lie on the first-parent line of their repository.

use super::lake::Place;
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::Command;

fn git(folder: &Path, words: &[&str]) -> Option<String> {
    let mut git = Command::new("git");
    git.arg("-C").arg(folder).args(["-c", "user.name=t", "-c", "user.email=t@example.org"]).args(words);
    let done = git.env("GIT_CONFIG_GLOBAL", "/dev/null").output().ok()?;
    assert!(done.status.success(), "{words:?}: {}", String::from_utf8_lossy(&done.stderr));
    Some(String::from_utf8_lossy(&done.stdout).trim().to_owned())
}

/// A line of commits `c1`, `c2`, .., a branch that was merged into it in the middle, and one that was not.
fn repository(folder: &Path, commits: usize) -> Option<Vec<String>> {
    fs::create_dir(folder).unwrap();
    if git(folder, &["init", "-q", "-b", "main"]).is_none() {
        testing::skip("git is missing; `make setup` gets it");
        return None;
    }
    let empty = |subject: &str| git(folder, &["commit", "-q", "--allow-empty", "-m", subject]);
    let mut line = Vec::new();
    for at in 1..=commits {
        if at == commits / 2 {
            git(folder, &["checkout", "-q", "-b", "side"]);
            empty("on the side");
            git(folder, &["checkout", "-q", "main"]);
            git(folder, &["merge", "-q", "--no-ff", "-m", &format!("c{at}"), "side"]);
            git(folder, &["tag", "-a", "-m", "x", "v1"]);
        } else {
            empty(&format!("c{at}"));
        }
        line.push(git(folder, &["rev-parse", "HEAD"]).unwrap());
    }
    Some(line)
}

fn read(place: &Place) -> Value {
    serde_json::from_str(&place.is(&["history", &place.lake(), "--format", "json"], 0, "")).unwrap()
}

#[test]
fn a_repository_tells_the_order_of_commits_and_those_between_and_names_what_it_does_not_have() {
    let place = Place::new();
    let path = place.path("repo");
    let folder = Path::new(&path);
    let Some(line) = repository(folder, 60) else { return };
    // Every third commit is measured, one of them by its tag, and the third of them last: it was measured again later.
    let mut nights: Vec<usize> = (3..=60).step_by(3).collect();
    let late = nights.remove(2);
    nights.push(late);
    let mut table = String::from("commit,time,case,metric,value,unit,direction\n");
    for (night, at) in nights.iter().enumerate() {
        let name = if *at == 30 { "v1" } else { &line[at - 1][..12] };
        let (day, noise) = (1_767_225_600 + night * 86_400, (night * 7 % 5) as f64);
        let value = if *at > 40 { 800.0 } else { 1000.0 } + noise;
        table += &format!("{name},{day},a,throughput,{value},Mbit/s,higher\n");
    }
    let (table, lake) = (place.write("nights.csv", &table), place.lake());
    let add = ["lake", "add", &lake, &table];
    place.is(&add, 0, "20 added");
    assert_eq!(read(&place)["series"][0]["nights"][2]["ordinal"], Value::Null);
    let with = [&add[..], &["--repository", &path]].concat();
    place.is(&with, 0, "20 replaced");
    place.is(&with, 0, "20 already there");
    // What it has told stays, also without it.
    place.is(&add, 0, "20 already there");
    let json = read(&place);
    let ordinals: Vec<i64> = json["series"][0]["nights"]
        .as_array()
        .unwrap()
        .iter()
        .map(|night| night["ordinal"].as_i64().unwrap())
        .collect();
    assert_eq!(ordinals, (3..=60).step_by(3).collect::<Vec<i64>>());
    // The page of the event has the commits of its range that nobody measured, too, and not what came by the merge.
    let event = json["events"][0]["name"].as_str().unwrap();
    let site = place.path("site");
    place.is(&["publish", &site, "--lake", &lake], 0, "");
    let page = fs::read_to_string(Path::new(&site).join(format!("h/e/{event}.html"))).unwrap();
    for subject in ["c40", "c41", "c42"] {
        assert!(page.contains(subject), "{subject}: {page}");
    }
    assert!(!page.contains("on the side") && !page.contains(">c44"), "{page}");

    // What has no place is named, with what it needs.
    let more = |commit: &str| {
        place.write("more.csv", &format!("commit,time,case,metric,value\n{commit},2026-06-01,b,t,1\n"))
    };
    let side = git(folder, &["rev-parse", "side"]).unwrap();
    for (commit, said) in [
        ("0123456789", "commit '0123456789' is not in "),
        ("main", "`git fetch` brings what a remote has"),
        (&side[..], "is not on the first-parent line of 'HEAD' in "),
    ] {
        place.is(&["lake", "add", &lake, &more(commit), "--repository", &path], 0, said);
    }
    place.is(&["lake", "add", &lake, &more(&side), "--repository", &path, "--branch", "side"], 0, "replaced");
    place.is(&["lake", "add", &lake, &table, "--repository", &site], 2, "is no git repository");
    place.is(&[&with[..], &["--branch", "none"]].concat(), 2, "has no commit 'none'");
    let shallow = place.path("shallow");
    git(folder, &["clone", "-q", "--depth", "1", &format!("file://{path}"), &shallow]);
    place.is(&["lake", "add", &lake, &table, "--repository", &shallow], 2, "git fetch --unshallow");
}
