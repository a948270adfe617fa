//! Lakes, and the sites that are made of them.

use super::values::{Noise, hundredths};
use analyze::history::{Asked, History, Told, history, table_rows};
use formats::perf_conf::Conf;
use lake::{Campaign, Event, Lake, Micros, Point, Said};
use report::site::{HistorySummary, Kept, Site};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// 2023-11-01.
const FIRST: i64 = 1_698_796_800;
const DAY: i64 = 86_400;
const ALPHA: f64 = 0.001;
pub struct Place {
    dir: TempDir,
    lake: Lake,
}

impl Place {
    pub fn new() -> Place {
        let dir = tempfile::tempdir().unwrap();
        let lake = Lake::open_or_create(&dir.path().join("lake")).unwrap();
        Place { dir, lake }
    }

    pub fn table(&self, text: &str) {
        let told = Told { machine: Some("host-a".into()), ..Told::default() };
        // One file instead of one for each night: the rows are the same, and are there sooner.
        let mut all = Campaign { name: "all".into(), month: "202311".into(), ..Campaign::default() };
        for night in table_rows(Path::new("t.csv"), text, &Conf::builtin(), &told).unwrap().unwrap() {
            all.machine = night.machine;
            all.points.extend(night.points);
            all.boots.extend(night.boots);
            all.builds.extend(night.builds);
            all.commits.extend(night.commits);
        }
        self.lake.add(&all).unwrap();
    }

    pub fn say(&self, series: &str, said: Said) {
        let event = Event {
            at: Micros((FIRST + 40 * DAY) * 1_000_000),
            who: "ann".into(),
            series: series.into(),
            issue: Some("BUG-7".into()),
            expires: None,
            said,
        };
        self.lake.say(&event).unwrap();
    }

    pub fn read(&self) -> History {
        history(&self.lake, &Asked { series: Vec::new(), since: None, alpha: ALPHA }).unwrap()
    }

    pub fn root(&self) -> PathBuf {
        self.dir.path().join("site")
    }

    pub fn publish(&self) -> HistorySummary {
        let kept = Kept { commit_url: Some("https://example.org/c/{}".into()), ..Kept::default() };
        let site = Site::open(&self.root(), &kept, 1_400_000_000, &mut || {}).unwrap();
        let summary = site.put_history(&self.read()).unwrap();
        site.finish().unwrap();
        summary
    }

    /// Every page of the site, by its path.
    pub fn pages(&self) -> BTreeMap<String, String> {
        let (mut found, mut folders) = (BTreeMap::new(), vec![self.root()]);
        while let Some(folder) = folders.pop() {
            for path in fs::read_dir(&folder).unwrap().map(|e| e.unwrap().path()) {
                if path.is_dir() {
                    folders.push(path);
                } else if path.extension().is_some_and(|e| e == "html") {
                    let name = path.strip_prefix(self.root()).unwrap().display().to_string();
                    found.insert(name, fs::read_to_string(&path).unwrap());
                }
            }
        }
        found
    }

    pub fn text(&self, name: &str) -> String {
        fs::read_to_string(self.root().join(name)).unwrap()
    }

    /// The only page below a folder of the histories.
    pub fn only(&self, folder: &str) -> String {
        let pages = self.pages();
        let mut of = pages.iter().filter(|(name, _)| name.starts_with(folder));
        let (_, page) = of.next().unwrap();
        assert!(of.next().is_none());
        page.clone()
    }

    /// The first page below a folder of the histories.
    pub fn only_first(&self, folder: &str) -> String {
        self.pages().into_iter().find(|(name, _)| name.starts_with(folder)).unwrap().1
    }
}

/// A night's point of five boots, written as an anchorless campaign would.
fn point(machine: &str, case: &str, metric: (&str, &str, &str), night: usize, value: f64) -> Point {
    let mut series_id = [0; 16];
    let name = format!("{machine}/{case}/{}", metric.0);
    name.bytes()
        .enumerate()
        .for_each(|(i, b)| series_id[i % 16] ^= b.rotate_left((i / 16) as u32 % 8).wrapping_add(i as u8));
    Point {
        series_id,
        machine: machine.into(),
        case: case.into(),
        workload: case.split('/').next().unwrap().into(),
        metric: metric.0.into(),
        unit: metric.1.into(),
        direction: metric.2.into(),
        scale: "log".into(),
        env: "debian-12".into(),
        build_id: format!("build{night}"),
        campaign: format!("night-{night}"),
        source: "all".into(),
        measured_at: Micros((FIRST + night as i64 * DAY) * 1_000_000),
        n: 5,
        mean: value.ln(),
        sd: Some(0.01),
        mean_raw: value,
        min: value * 0.99,
        max: value * 1.01,
        ..Point::default()
    }
}

/// Years of many series of one machine and workload, with a step in every tenth and a spike in every seventh.
pub fn years(series: usize, nights: usize) -> Place {
    let place = Place::new();
    let mut noise = Noise::new(3);
    let mut points = Vec::new();
    for of in 0..series {
        let case = format!("netperf/TCP_STREAM (RX)/size={},sessions={}", 64 << (of % 10), of / 10);
        for night in 0..nights {
            let step = if of % 10 == 0 && night > nights / 2 { 0.9 } else { 1.0 };
            let spike = if of % 7 == 0 && night == nights / 3 { 1.6 } else { 1.0 };
            let value = 940.0 * step * spike * (1.0 + 0.01 * noise.normal());
            points.push(point("host-a", &case, ("throughput", "Mbit/s", "higher"), night, value));
        }
    }
    let campaign = Campaign {
        name: "all".into(),
        machine: "host-a".into(),
        month: "202311".into(),
        points,
        ..Campaign::default()
    };
    place.lake.add(&campaign).unwrap();
    place
}

/// Three series of a machine: two move in the same range, one does not; with a spike, a release, and what somebody said.
pub fn small() -> Place {
    let place = Place::new();
    let mut text = String::from("commit,time,workload,case,metric,repeat,value,unit,direction\n");
    let mut noise = Noise::new(1);
    for night in 0..40 {
        let moved = night >= 24;
        let cases = [
            ("TCP_STREAM", "throughput", "Mbit/s", "higher", if moved { 800.0 } else { 1000.0 }),
            ("TCP_STREAM", "exits", "1/s", "none", if moved { 52_000.0 } else { 40_000.0 }),
            ("TCP_RR", "throughput", "Mbit/s", "higher", if night == 12 { 300.0 } else { 200.0 }),
        ];
        for (case, metric, unit, direction, level) in cases {
            for repeat in 1..=3 {
                let value = hundredths(level * (1.0 + 0.004 * noise.normal()));
                let at = FIRST + night * DAY;
                text.push_str(&format!(
                    "c{night},{at},netperf,{case},{metric},{repeat},{value},{unit},{direction}\n"
                ));
            }
        }
    }
    place.table(&text);
    place.say("*", Said::Release { name: "v6.1".into(), build: "c10".into() });
    let because = "retpolines".to_owned();
    place.say("*RR*", Said::Intended { commit: "c30".into(), low: 0.9, high: 1.0, because });
    place
}

/// Names that try to be markup, formulas, paths and addresses.
pub fn hostile() -> Place {
    let place = Place::new();
    let evil = "<script>document.title='owned'</script>\"' onload=x()";
    let mut points = Vec::new();
    for night in 0..40 {
        let level = if night >= 24 { 800.0 } else { 1000.0 } * (1.0 + 0.001 * (night % 5) as f64);
        for machine in ["../../../tmp/evil", evil, "=cmd|' /C calc'!A0", "\u{202e}moc"] {
            let mut of = point(machine, &format!("{evil}/{evil}"), (evil, evil, "higher"), night, level);
            (of.build_id, of.campaign) = (format!("=1+{night}{evil}"), format!("@{night}{evil}"));
            of.env = "x".repeat(100_000);
            points.push(of);
        }
    }
    let names: Vec<String> = points.iter().map(|p| p.build_id.clone()).collect();
    let campaign = Campaign {
        name: "all".into(),
        machine: "m".into(),
        month: "202311".into(),
        points,
        builds: names
            .iter()
            .map(|name| lake::Build {
                build_id: name.clone(),
                source: "all".into(),
                commit: Some(name.clone()),
                ..lake::Build::default()
            })
            .collect(),
        ..Campaign::default()
    };
    place.lake.add(&campaign).unwrap();
    place.say("*", Said::Accepted { campaign: format!("@3{evil}") });
    place.say("*", Said::Release { name: evil.into(), build: format!("=1+5{evil}") });
    place
}

/// The year of Tigerbeetle: one series, 365 nights without a build.
pub fn tigerbeetle() -> Place {
    let place = Place::new();
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../stats/testdata/tigerbeetle.csv");
    let lines = fs::read_to_string(data).unwrap();
    let line = |line: &str| match line {
        "index,value" => "index,value,unit,direction\n".to_owned(),
        comment if comment.starts_with('#') => String::new(),
        point => format!("{point},1/s,higher\n"),
    };
    place.table(&lines.lines().map(line).collect::<String>());
    place
}
