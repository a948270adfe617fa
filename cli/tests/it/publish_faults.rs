//! Every operation of the disk fails once while a result is published: the site stays readable, what was in it stays, the
//! message names a file, and publishing again gives what an undisturbed publisher gives.

use edge::fault::{Names, Plan, Seen, begin};
use perfvt::run;
use rustix::io::Errno;
use std::ffi::OsString;
use std::fs;
use std::path::Path;

fn said(words: &[&str]) -> (u8, String) {
    let mut text = Vec::new();
    let words = std::iter::once("perfvt").chain(words.iter().copied()).map(OsString::from);
    let code = run(words, &mut Vec::new(), &mut text);
    (code, String::from_utf8(text).unwrap())
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in(testing::in_memory()).unwrap()
}

fn result(dir: &Path, name: &str, level: f64) {
    for repeat in 1..=2 {
        let file = dir.join(format!("{name}/repeat{repeat}.x/results/netperf-result.1398945600.RHS"));
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        let value = level + f64::from(repeat);
        fs::write(file, format!("TCP_STREAM\n size|throughput|CPU\n 64|{value:.2}|20.00\n")).unwrap();
    }
}

/// A site with one result, and another result beside it.
fn place() -> tempfile::TempDir {
    let dir = folder();
    result(dir.path(), "old", 900.0);
    result(dir.path(), "new", 800.0);
    assert_eq!(publish(dir.path(), "old", Plan::none()).0, 0);
    dir
}

fn publish(dir: &Path, name: &str, plan: Plan) -> (u8, String, Seen) {
    let path = |name: &str| dir.join(name).to_str().unwrap().to_owned();
    let guard = begin(plan, &[dir]);
    let (code, text) = said(&["publish", &path("site"), &path(name)]);
    (code, text, guard.end())
}

/// Every file of a site but times of publication, which a page and the entries hold.
fn entries(dir: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir.join("site/r")).unwrap().map(Result::unwrap) {
        let text = fs::read_to_string(entry.path().join("entry.json")).unwrap();
        let json: serde_json::Value = serde_json::from_str(&text).unwrap();
        for file in ["index.html", "sysinfo.html"] {
            assert!(
                fs::read_to_string(entry.path().join(file)).unwrap().trim_end().ends_with("</html>"),
                "{file}"
            );
        }
        let archive = entry.path().join(json["data"][0]["file"].as_str().unwrap());
        assert_eq!(fs::metadata(archive).unwrap().len(), json["data"][0]["bytes"].as_u64().unwrap());
        found.push((json["title"].to_string(), json["samples"].to_string()));
    }
    found.sort();
    found
}

#[test]
fn a_publisher_for_whom_any_operation_of_the_disk_fails_loses_nothing() {
    let _turn = testing::busy();
    let whole = place();
    let before = entries(whole.path());
    let (code, _, seen) = publish(whole.path(), "new", Plan::none());
    let wanted = entries(whole.path());
    assert!(code == 0 && seen.operations > 30 && wanted.len() == 2 && before.len() == 1);
    let errnos = [Errno::NOSPC, Errno::IO, Errno::DQUOT, Errno::ROFS];
    for nth in 1..=seen.operations {
        // Every other one stays broken, like a disk that stays full.
        let from_there = nth % 2 == 0;
        let dir = place();
        let plan = Plan { nth, errno: errnos[nth as usize % 4], from_there };
        let (code, text, seen) = publish(dir.path(), "new", plan);
        let when = format!("operation {nth}, from there {from_there}, {:?}: {text}", seen.broken);
        let now = entries(dir.path());
        assert!(now == before || now == wanted, "{when}: {now:?}");
        assert!(code == 2 || now == wanted, "{when}");
        assert!(code == 0 || text.contains(dir.path().to_str().unwrap()), "{when}");
        let (code, text, _) = publish(dir.path(), "new", Plan::none());
        assert_eq!((code, entries(dir.path())), (0, wanted.clone()), "{when}, then {text}");
        let index = fs::read_to_string(dir.path().join("site/index.html")).unwrap();
        assert!(index.contains("old") && index.contains("new"), "{when}");
    }
    eprintln!("publish: {} operations of the disk, each failed", seen.operations);
}

#[test]
fn a_loss_of_power_while_publishing_leaves_whole_entries_only() {
    let _turn = testing::busy();
    let whole = place();
    let (_, _, seen) = publish(whole.path(), "new", Plan::none());
    let wanted = entries(whole.path());
    for nth in 1..=seen.operations {
        let dir = place();
        let (_, _, seen) = publish(dir.path(), "new", Plan { nth, errno: Errno::IO, from_there: true });
        // A disk keeps the names that were synced, or all: with every other operation the one, with every other the other, and
        // both in the soak.
        let both = [Names::Synced, Names::All];
        let kept = if std::env::var_os("PERFVT_SOAK").is_some() {
            &both[..]
        } else {
            &both[nth as usize % 2..][..1]
        };
        for &names in kept {
            let after = folder();
            seen.disk.after_power_loss(dir.path(), names, after.path()).unwrap();
            assert!([1, 2].contains(&entries(after.path()).len()), "{nth}, {names:?}");
            let (code, text, _) = publish(after.path(), "new", Plan::none());
            assert_eq!((code, entries(after.path())), (0, wanted.clone()), "{nth}, {names:?}: {text}");
        }
    }
}
