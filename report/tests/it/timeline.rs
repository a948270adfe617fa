//! The history pages of a site: what stands on them, that they hold together, and what a browser makes of them.
use crate::chromium;
use crate::common;

use analyze::history::{Asked, History, Told, history, table_rows};
use chromium::Page;
use common::values::Noise;
use formats::perf_conf::Conf;
use html5ever::tendril::TendrilSink;
use lake::{Campaign, Event, Lake, Micros, Point, Said};
use markup5ever_rcdom::RcDom;
use report::site::{HistorySummary, Kept, Site};
use serde_json::json;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// 2023-11-01.
const FIRST: i64 = 1_698_796_800;
const DAY: i64 = 86_400;
const ALPHA: f64 = 0.001;
/// The largest page, with its style.
const LARGEST: usize = 250_000;

struct Place {
    dir: TempDir,
    lake: Lake,
}

impl Place {
    fn new() -> Place {
        let dir = tempfile::tempdir().unwrap();
        let lake = Lake::open_or_create(&dir.path().join("lake")).unwrap();
        Place { dir, lake }
    }

    fn table(&self, text: &str) {
        let told = Told { machine: Some("host-a".into()), ..Told::default() };
        for campaign in table_rows(Path::new("t.csv"), text, &Conf::builtin(), &told).unwrap().unwrap() {
            self.lake.add(&campaign).unwrap();
        }
    }

    fn say(&self, series: &str, said: Said) {
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

    fn read(&self) -> History {
        history(&self.lake, &Asked { series: Vec::new(), since: None, alpha: ALPHA }).unwrap()
    }

    fn root(&self) -> PathBuf {
        self.dir.path().join("site")
    }

    fn publish(&self) -> HistorySummary {
        let kept = Kept { commit_url: Some("https://example.org/c/{}".into()), ..Kept::default() };
        let site = Site::open(&self.root(), &kept, 1_400_000_000, &mut || {}).unwrap();
        let summary = site.put_history(&self.read()).unwrap();
        site.finish().unwrap();
        summary
    }

    /// Every page of the site, by its path.
    fn pages(&self) -> BTreeMap<String, String> {
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

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.root().join(name)).unwrap()
    }

    /// The only page below a folder of the histories.
    fn only(&self, folder: &str) -> String {
        let pages = self.pages();
        let mut of = pages.iter().filter(|(name, _)| name.starts_with(folder));
        let (_, page) = of.next().unwrap();
        assert!(of.next().is_none());
        page.clone()
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
fn years(series: usize, nights: usize) -> Place {
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
fn small() -> Place {
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
                let value = common::values::hundredths(level * (1.0 + 0.004 * noise.normal()));
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

/// A page with one element per line, without its style.
fn readable(page: &str) -> String {
    let (head, rest) = page.split_once("<style>").unwrap();
    let body = rest.split_once("</style>").unwrap().1;
    let head = head.split_once("style-src ").unwrap().0;
    format!("{head}…{body}").replace("><", ">\n<")
}

#[test]
fn pages_of_a_small_history_are_as_they_were_read() {
    let place = small();
    let summary = place.publish();
    assert_eq!((summary.series, summary.points, summary.open, summary.worse), (3, 120, 1, 1));
    insta::assert_snapshot!("history.overview", readable(&place.text("h/index.html")));
    insta::assert_snapshot!("history.event", readable(&place.only("h/e/")));
    insta::assert_snapshot!("history.multiples", readable(&place.only("h/g/")));
    let csv: Vec<String> = fs::read_dir(place.root().join("h/e"))
        .unwrap()
        .map(|e| e.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "csv"))
        .map(|path| fs::read_to_string(path).unwrap())
        .collect();
    insta::assert_snapshot!("history.event.csv", csv.concat());
}

#[test]
fn an_event_links_its_commits_and_tells_what_moved_with_it() {
    let place = small();
    place.publish();
    let page = place.only("h/e/");
    assert!(
        page.contains("<a href=\"https://example.org/c/c24\" rel=\"noreferrer\"><code>c24</code></a>"),
        "{page}"
    );
    assert!(page.contains("What may explain it") && page.contains("exits"), "{page}");
    assert!(page.contains("No campaign that measured both builds in turn has decided it"), "{page}");
    let name = place.read().events[0].name.clone();
    place.say("*", Said::Confirmed { event: name, outcome: "host".into(), campaign: "again".into() });
    assert_eq!(place.publish().open, 0);
    let page = place.only("h/e/");
    assert!(page.contains("it was the host.") && page.contains("host by again"), "{page}");
    let front = place.text("index.html");
    assert!(
        front.contains("<a href=\"h/index.html\">History</a>") && front.contains("≈ no open event got worse"),
        "{front}"
    );
}

#[test]
fn a_point_set_aside_is_hollow_and_listed_and_marks_have_their_numbers() {
    let place = small();
    place.publish();
    let page = place.only("h/g/");
    let of = page.split("<figure ").find(|figure| figure.contains("TCP_RR")).unwrap();
    assert_eq!(of.matches("class=\"aside\"").count(), 1, "{of}");
    assert!(of.contains("1 point set aside") && of.contains("c12"), "{of}");
    assert!(of.contains("<line class=\"release\"") && of.contains("release v6.1"), "{of}");
    assert!(of.contains("meant to change: c30: retpolines"), "{of}");
    let csv = place.text(&format!("h/{}", of.split("href=\"../").nth(1).unwrap().split('"').next().unwrap()));
    assert_eq!(csv.lines().count(), 41);
    assert!(csv.lines().nth(13).unwrap().contains(",set aside,"), "{csv}");
}

#[test]
fn a_year_of_tigerbeetle_is_drawn_with_its_ten_steps() {
    let place = Place::new();
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../stats/testdata/tigerbeetle.csv");
    place.table(&fs::read_to_string(data).unwrap());
    place.publish();
    let page = place.only("h/g/");
    assert_eq!(page.matches("<line class=\"step\"").count(), 10);
    assert_eq!(page.matches("class=\"aside\"").count(), 1);
    let months = page.split("<table class=\"small\">").nth(1).unwrap().matches("<th scope=\"row\">").count();
    assert_eq!(months, 12);
    let pages = place.pages();
    assert_eq!(pages.keys().filter(|name| name.starts_with("h/e/")).count(), 10);
    assert!(pages["h/index.html"].contains("Guests by machines"));
}

#[test]
fn every_page_parses_without_an_error_is_small_and_every_link_leads_somewhere() {
    let many = years(45, 1095);
    let hostile = hostile();
    for place in [small(), many, hostile] {
        place.publish();
        let pages = place.pages();
        for (name, page) in &pages {
            assert!(page.len() < LARGEST, "{name}: {} bytes", page.len());
            let dom = html5ever::parse_document(RcDom::default(), Default::default()).one(page.as_str());
            assert!(dom.errors.borrow().is_empty(), "{name}: {:?}", dom.errors.borrow());
            let folder = place.root().join(name).parent().unwrap().to_owned();
            for link in page.split(" href=\"").skip(1).map(|rest| rest.split('"').next().unwrap()) {
                if link.starts_with("https://example.org/c/") {
                    continue;
                }
                let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
                let of = if file.is_empty() { place.root().join(name) } else { folder.join(file) };
                let text = fs::read_to_string(&of).unwrap_or_else(|e| panic!("{name}: {link}: {e}"));
                assert!(anchor.is_empty() || text.contains(&format!("id=\"{anchor}\"")), "{name}: {link}");
            }
        }
    }
}

#[test]
fn a_picture_has_at_most_four_hundred_points_and_its_extremes() {
    let place = years(8, 1095);
    place.publish();
    let page = place.only("h/g/");
    for figure in page.split("<figure ").skip(1) {
        let dots = figure.split("<path class=\"dot\" d=\"").nth(1).unwrap().split('"').next().unwrap();
        let drawn = dots.matches('z').count() + figure.matches("class=\"aside\"").count();
        assert!((200..=400).contains(&drawn), "{drawn}");
    }
    assert_eq!(page.matches("class=\"aside\"").count(), 2, "the spikes of two series");
}

/// Names that try to be markup, formulas, paths and addresses.
fn hostile() -> Place {
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

#[test]
fn hostile_names_are_shown_and_do_nothing() {
    let place = hostile();
    place.publish();
    for (name, page) in place.pages() {
        assert!(!page.contains("<script"), "{name}");
        let tags = page.split('<').filter_map(|tag| tag.split_once('>')).map(|(tag, _)| tag);
        assert!(tags.filter(|tag| !tag.starts_with("meta")).all(|tag| !tag.contains(" onload=")), "{name}");
    }
    for folder in ["h/s", "h/e"] {
        for path in fs::read_dir(place.root().join(folder)).unwrap().map(|e| e.unwrap().path()) {
            if path.extension().is_some_and(|e| e == "csv") {
                let text = fs::read_to_string(&path).unwrap();
                assert!(!text.contains(",=") && !text.contains(",\"=") && !text.contains(",@"), "{text}");
            }
        }
    }
    let Some(mut page) = Page::open("history-hostile", &place.only_first("h/g/"), |_| {}) else { return };
    assert_ne!(page.eval("document.title"), json!("owned"));
    assert!(page.complaints.is_empty(), "{}", page.complaints.join("\n"));
}

impl Place {
    fn only_first(&self, folder: &str) -> String {
        self.pages().into_iter().find(|(name, _)| name.starts_with(folder)).unwrap().1
    }
}

#[test]
fn pages_are_replaced_in_one_step_and_an_empty_lake_has_its_page() {
    let place = Place::new();
    assert_eq!(place.publish().series, 0);
    assert!(place.text("h/index.html").contains("no series"));
    let full = small();
    fs::create_dir_all(place.root().join("h/old")).unwrap();
    let site = Site::open(&place.root(), &Kept::default(), 1, &mut || {}).unwrap();
    site.put_history(&full.read()).unwrap();
    site.finish().unwrap();
    assert!(!place.root().join("h/old").exists());
    assert!(place.text("h/index.html").contains("3 series with 120 points"));
}

#[test]
fn axe_finds_no_violation_and_nothing_sticks_out_of_a_telephone() {
    let axe = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/axe/node_modules/axe-core/axe.min.js");
    let Ok(axe) = fs::read_to_string(axe) else {
        testing::skip("axe: axe-core is not there; `npm ci` in report/tests/axe fetches it");
        return;
    };
    let (small, hostile) = (small(), hostile());
    small.publish();
    hostile.publish();
    let pages = [
        (small.text("index.html"), "light"),
        (small.text("h/index.html"), "dark"),
        (small.text("h/events.html"), "light"),
        (small.only("h/e/"), "light"),
        (small.only("h/e/"), "dark"),
        (small.only("h/g/"), "light"),
        (small.only("h/g/"), "dark"),
        (hostile.text("h/index.html"), "light"),
    ];
    for (text, scheme) in pages {
        let Some(mut page) = Page::open("axe-history", &text, |p| p.scheme(scheme)) else { return };
        page.eval("document.querySelectorAll('details').forEach((d) => { d.open = true; })");
        page.eval(&format!("{axe};1"));
        let run = "axe.run(document).then((r) => r.violations.map((v) => \
                   v.id + ': ' + v.nodes.map((n) => n.html).join(' ')))";
        let title = page.eval("document.title");
        assert_eq!(page.eval(run), json!([]), "{title} {scheme}");
        page.size(360, 700);
        assert_eq!(
            page.eval("document.documentElement.scrollWidth"),
            json!(360),
            "{title}: nothing sticks out"
        );
        page.print_media("dark");
        let paper = "getComputedStyle(document.body).backgroundColor";
        assert_eq!(page.eval(paper), json!("rgb(255, 255, 255)"));
        assert!(page.complaints.is_empty(), "{title}: {}", page.complaints.join("\n"));
    }
}

/// 300 series of three years: every kind of page opens in under two seconds, from the click to the last byte drawn.
#[test]
#[ignore = "soak: times, which take a quiet machine"]
fn three_years_of_three_hundred_series_open_in_two_seconds() {
    let place = years(300, 1095);
    let started = Instant::now();
    let history = place.read();
    let read = started.elapsed();
    drop(history);
    let started = Instant::now();
    let summary = place.publish();
    let pages = place.pages();
    let bytes: usize = pages.values().map(String::len).sum();
    eprintln!(
        "{summary:?}: read and judged in {read:?}, that and {} pages in {:?}, {bytes} bytes, the largest {:?}",
        pages.len(),
        started.elapsed(),
        pages.values().map(String::len).max()
    );
    let mut slowest = (Duration::ZERO, String::new());
    for name in ["index.html", "h/index.html", "h/events.html", "h/g/", "h/e/"] {
        let (name, text) = pages.iter().rfind(|(of, _)| of.starts_with(name)).unwrap();
        let best = (0..3).filter_map(|_| opened(text)).min();
        let Some(best) = best else { return };
        eprintln!("{name}: {} bytes, {best:?}", text.len());
        slowest = slowest.max((best, name.clone()));
    }
    assert!(slowest.0 < Duration::from_secs(2), "{slowest:?}");
}

/// How long a page takes until all of it is laid out.
fn opened(text: &str) -> Option<Duration> {
    let mut page = Page::open("history-years", text, |p| p.size(1400, 1000))?;
    let drawn = "(async () => { await new Promise((r) => requestAnimationFrame(() => requestAnimationFrame(r))); return performance.now(); })()";
    Some(Duration::from_secs_f64(page.eval(drawn).as_f64().unwrap() / 1000.0))
}
