//! `perfvt lake` and `perfvt history`, as a user meets them.

use crate::support::{perfvt, text};
use serde_json::Value;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

pub struct Place(TempDir);

impl Place {
    pub fn new() -> Place {
        Place(tempfile::tempdir().unwrap())
    }

    pub fn lake(&self) -> String {
        self.0.path().join("lake").display().to_string()
    }

    pub fn write(&self, name: &str, content: &str) -> String {
        let path = self.0.path().join(name);
        fs::write(&path, content).unwrap();
        path.display().to_string()
    }

    pub fn path(&self, name: &str) -> String {
        self.0.path().join(name).display().to_string()
    }

    /// Runs perfvt; its exit code and all that it said.
    fn run(&self, arguments: &[&str]) -> (i32, String) {
        let output = perfvt().args(arguments).current_dir(self.0.path()).output().unwrap();
        (output.status.code().unwrap(), text(&output.stdout) + &text(&output.stderr))
    }

    #[track_caller]
    pub fn is(&self, arguments: &[&str], code: i32, said: &str) -> String {
        let (found, all) = self.run(arguments);
        assert!(found == code && all.contains(said), "want {code} '{said}', got {found}\n{all}");
        all
    }
}

/// Sixty nights of two cases, of which both get slower at the twentieth.
pub fn nights() -> String {
    let mut out = String::from("commit,time,machine,case,metric,repeat,value,unit,direction\n");
    for night in 0..60 {
        let at = 1_767_225_600 + night * 86_400;
        for (case, level) in [("a", 0.9), ("b", 0.8)] {
            for repeat in 1..=3u64 {
                let mixed = (night * 31 + repeat * 7).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
                let noise = 1.0 + (mixed as f64 / f64::from(1 << 24) - 0.5) / 100.0;
                let value = 1000.0 * noise * if night >= 20 { level } else { 1.0 };
                writeln!(out, "c{night},{at},host-a,{case},throughput,{repeat},{value},Mbit/s,higher")
                    .unwrap();
            }
        }
    }
    out
}

fn event(place: &Place) -> String {
    let all = place.is(&["history", &place.lake(), "--format", "json"], 0, "");
    let json: Value = serde_json::from_str(&all).unwrap();
    json["events"][0]["name"].as_str().unwrap().to_owned()
}

#[test]
fn a_table_of_nights_is_one_event_that_fails_until_somebody_says_that_it_is_meant() {
    let place = Place::new();
    let (table, lake) = (place.write("nightly.csv", &nights()), place.lake());
    place.is(&["lake", "add", &lake, &table], 0, "nightly.csv: 60 added (120 points)");
    place.is(&["lake", "add", &lake, &table], 0, "60 already there");
    let told =
        place.is(&["history", &lake], 0, "2 series with 120 points, 2026-01-01 to 2026-03-01; 1 event");
    for part in [
        "between c19 and c20; found 2026-01-23",
        "worse   host-a/table/b/throughput/main",
        "found 2 points later",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
    place.is(&["history", &lake, "--fail-on", "step"], 1, "");
    place.is(&["history", &lake, "--fail-on", "confirmed"], 0, "");
    place.is(&["history", &lake, "--fail-on", "step", "--since", "2026-02-01"], 0, "no level changed");
    let junit = place.is(&["history", &lake, "--fail-on", "step", "--format", "junit"], 1, "failures=\"2\"");
    assert!(
        junit.contains("<testcase classname=\"history\" name=\"host-a/table/a/throughput/main\">"),
        "{junit}"
    );
    place.is(&["history", &lake, "--format", "markdown"], 0, "| host-a/table/b/throughput/main |");
    // What is meant for one series leaves the other.
    let meant = |pattern: &str, ratio: &str| {
        let words = [
            "history",
            "annotate",
            &lake,
            pattern,
            "--intended",
            "c20",
            "--ratio",
            ratio,
            "--because",
            "safer",
        ];
        place.is(&words, 0, "noted for 1 series");
    };
    meant("*/a/*", "0.85..0.95");
    place.is(&["history", &lake, "--fail-on", "step"], 1, "meant   host-a/table/a/");
    // Larger than it was meant to be.
    meant("*/b/*", "0.85..0.95");
    place.is(&["history", &lake, "--fail-on", "step"], 1, "worse   host-a/table/b/");
    meant("*/b/*", "0.75..0.95");
    place.is(&["history", &lake, "--fail-on", "step"], 0, "; expected");
}

#[test]
fn an_event_is_explained_and_dismissed_by_its_name() {
    let place = Place::new();
    let (table, lake) = (place.write("nightly.csv", &nights()), place.lake());
    place.is(&["lake", "add", &lake, &table], 0, "");
    let name = event(&place);
    let told = place.is(&["history", "explain", &lake, &name[..5]], 0, "<- first of the new level");
    assert!(told.contains("with .9: c20 of 2026-01-21") && told.contains("<- found"), "{told}");
    place.is(&["history", "explain", &lake, "E0000"], 2, &format!("there are: {name}"));
    place.is(
        &["history", "annotate", &lake, "*", "--dismiss", &name, "--issue", "BUG-7", "--who", "ann"],
        0,
        "noted",
    );
    place.is(&["history", &lake, "--fail-on", "step"], 0, "; dismissed");
    place.is(&["history", "explain", &lake, &name], 0, "ann, BUG-7: dismissed");
}

#[test]
fn a_lake_is_published_as_pages_that_stay_when_results_come_and_remember_where_commits_are() {
    let place = Place::new();
    let (table, lake) = (place.write("nightly.csv", &nights()), place.lake());
    place.is(&["lake", "add", &lake, &table], 0, "");
    let site = place.0.path().join("site").display().to_string();
    place.is(
        &["history", "annotate", &lake, "*/a/*", "--release", "v6.1", "--build", "c10"],
        0,
        "noted for 1 series",
    );
    place.is(&["history", "annotate", &lake, "*", "--release", "v6.1"], 2, "--build");
    let address = "https://git.example.org/{}";
    let told = place.is(&["publish", &site, "--lake", &lake, "--commit-url", address], 0, "1 event open");
    assert!(told.contains("2 series with 120 points") && told.contains("site/h/index.html"), "{told}");
    let page = || fs::read_to_string(format!("{site}/h/e/{}.html", event(&place))).unwrap();
    assert!(page().contains("href=\"https://git.example.org/c20\""), "{}", page());
    place.is(&["publish", &site, "--lake", &lake], 0, "");
    assert!(page().contains("href=\"https://git.example.org/c20\""));
    place.is(&["publish", &site], 0, "0 results");
    let front = fs::read_to_string(format!("{site}/index.html")).unwrap();
    assert!(front.contains("▼ 1 open event got worse") && front.contains("h/index.html"), "{front}");
    place.is(&["publish", &site, "--lake", &table], 2, "");
    place.is(&["publish", &site, "--commit-url", "javascript:x"], 2, "want an address");
}

#[test]
fn what_cannot_be_said_or_added_is_refused_with_the_way_out() {
    let place = Place::new();
    let (table, lake) = (place.write("nightly.csv", &nights()), place.lake());
    place.is(&["history", &lake], 2, "has no lake.json");
    place.is(&["history"], 2, "required");
    place.is(&["lake", "add", &lake, &table], 0, "");
    place.is(&["history", &lake, "--alpha", "0.05"], 2, "thresholds were simulated for 0.0005 to 0.01");
    place.is(&["history", &lake, "--series", "nothing*"], 3, "no series");
    place.is(&["history", &lake, "--since", "yesterday"], 2, "--since 'yesterday': want 2026-11-29");
    place.is(&["history", "annotate", &lake, "*", "--accept", "none"], 2, "point of campaign 'none'");
    place.is(&["history", "annotate", &lake, "*", "--dismiss", "E1"], 2, "no event 'E1'");
    place.is(&["history", "annotate", &lake, "x", "--dismiss", "E1"], 2, "no series of this lake");
    let ratio = ["history", "annotate", &lake, "*", "--intended", "c", "--ratio", "2..1", "--because", "x"];
    place.is(&ratio, 2, "want LOW..HIGH");
    place.is(&["history", "annotate", &lake, "*"], 2, "required");
    // One of two that does not read: nothing is added.
    let bad = place.write("bad.csv", "time,value\n2026-01-01,fast\n");
    let other = place.0.path().join("other").display().to_string();
    place.is(&["lake", "add", &other, &table, &bad], 2, "bad.csv:2: value 'fast' is not a finite number");
    assert!(!Path::new(&other).exists());
}

#[test]
fn a_torn_file_is_named_by_check_and_the_others_are_told() {
    let place = Place::new();
    let (table, lake) = (place.write("nightly.csv", &nights()), place.lake());
    place.is(&["lake", "add", &lake, &table], 0, "");
    place.is(&["lake", "check", &lake], 0, "everything reads");
    let month = Path::new(&lake).join("points/m=host-a/ym=202601");
    let mut files: Vec<PathBuf> = fs::read_dir(month).unwrap().map(|e| e.unwrap().path()).collect();
    files.sort();
    fs::write(&files[0], "PAR1").unwrap();
    place.is(&["lake", "check", &lake], 1, &files[0].display().to_string());
    place.is(&["history", &lake], 0, "does not read");
    place.is(&["lake", "add", &lake, &table], 0, "1 replaced, 59 already there");
    place.is(&["lake", "compact", &lake], 0, "of months that are over became");
    place.is(&["history", &lake], 0, "1 event");
}

#[test]
fn samples_of_the_project_are_series_with_one_point() {
    let place = Place::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../samples");
    let sample = |name: &str| root.join(name).display().to_string();
    let lake = place.lake();
    place.is(&["lake", "add", &lake, &sample("virtio"), &sample("e1000")], 0, "points)");
    place.is(&["history", &lake], 0, "fewer than 6 points: the rule looks from so many on");
    // A sample that says no time cannot be placed.
    let rhs = place.0.path().join("rhs");
    fs::create_dir(&rhs).unwrap();
    fs::write(rhs.join("1.RHS"), "Category:TCP_STREAM\nsize|throughput\n64|10\n").unwrap();
    let rhs = rhs.display().to_string();
    let (code, said) = place.run(&["lake", "add", &lake, &rhs, "--workload", "netperf"]);
    assert!(code == 2 && (said.contains("--time says it") || said.contains("no result")), "{said}");
}
