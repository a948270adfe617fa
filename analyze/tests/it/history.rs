//! A lake's history: what goes in, what comes out of it, and what people said in between.

use analyze::CompareOptions;
use analyze::history::{Asked, History, Told, history, lake_rows, moment, table_rows};
use formats::perf_conf::Conf;
use lake::{Added, Event, Lake, Micros, Point, Said};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

pub fn empty() -> (TempDir, Lake) {
    let dir = tempfile::tempdir().unwrap();
    let lake = Lake::open_or_create(&dir.path().join("lake")).unwrap();
    (dir, lake)
}

/// A lake with a table in it.
pub fn of(table: &str) -> (TempDir, Lake) {
    let (dir, lake) = empty();
    add(&lake, table);
    (dir, lake)
}

pub fn add(lake: &Lake, table: &str) {
    let rows = table_rows(Path::new("t.csv"), table, &Conf::builtin(), &Told::default()).unwrap().unwrap();
    for campaign in rows {
        lake.add(&campaign).unwrap();
    }
}

pub fn read(lake: &Lake) -> History {
    history(lake, &Asked { series: Vec::new(), since: None, alpha: stats::HISTORY_ALPHA }).unwrap()
}

/// A night's value: quiet, and reproducible.
pub fn noise(seed: usize) -> f64 {
    let z = (seed as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
    1.0 + (z as f64 / (1 << 24) as f64 - 0.5) / 100.0
}

/// A table of nights from 2026-01-01 on; `level` says what a case has at a night.
pub fn nights(cases: &[&str], n: usize, level: impl Fn(&str, usize) -> f64) -> String {
    let mut out = String::from("commit,time,case,metric,repeat,value,unit,direction\n");
    for night in 0..n {
        let at = 1_767_225_600 + night * 86_400;
        for (index, case) in cases.iter().enumerate() {
            for repeat in 1..=3 {
                let value = level(case, night) * noise(night * 31 + index * 7 + repeat);
                out.push_str(&format!("c{night},{at},{case},throughput,{repeat},{value},Mbit/s,higher\n"));
            }
        }
    }
    out
}

#[test]
fn a_real_year_is_told_by_its_ten_steps() {
    let text = std::fs::read_to_string(root().join("stats/testdata/tigerbeetle.csv")).unwrap();
    let (_dir, lake) = of(&text);
    let read = read(&lake);
    let [series] = &read.series[..] else { panic!("{}", read.series.len()) };
    assert_eq!(series.nights.len(), 365);
    let mut at: Vec<usize> = read.events.iter().map(|e| e.moved[0].at).collect();
    at.sort_unstable();
    assert_eq!(at, [15, 61, 71, 95, 117, 131, 142, 148, 192, 212]);
    assert_eq!(series.reading.set_aside, [10]);
}

#[test]
fn series_that_move_in_the_same_range_are_one_event_and_others_another() {
    let table = nights(&["a", "b", "still"], 60, |case, night| match case {
        "a" if night >= 20 => 0.9,
        "b" if night >= 20 => 0.8,
        "b" if night >= 45 => 0.8,
        _ => 1.0,
    });
    let (_dir, lake) = of(&table);
    let read = read(&lake);
    let [event] = &read.events[..] else { panic!("{:#?}", read.events) };
    let moved: Vec<&str> = event.moved.iter().map(|m| m.series.as_str()).collect();
    assert_eq!(moved, ["unknown/table/b/throughput/main", "unknown/table/a/throughput/main"]);
    assert_eq!((event.last_before.as_deref(), event.first_after.as_str()), (Some("c19"), "c20"));
    assert!(event.moved.iter().all(|m| m.worse == Some(true) && m.is_ratio && m.delay == 2));
    let (low, high) = event.moved[0].interval.unwrap();
    assert!(low < 0.8 && 0.8 < high && (event.moved[0].change - 0.8).abs() < 0.01);
}

#[test]
fn an_event_keeps_its_name_when_more_nights_come() {
    let of_nights = |n: usize| {
        let (_dir, lake) = of(&nights(&["a", "b"], n, |_, night| if night >= 20 { 0.9 } else { 1.0 }));
        let read = read(&lake);
        read.events.iter().map(|e| e.name.clone()).collect::<Vec<_>>()
    };
    let early = of_nights(24);
    assert_eq!(early.len(), 1);
    assert_eq!(early, of_nights(60));
}

#[test]
fn adding_a_table_again_or_with_more_nights_adds_what_is_new() {
    let (_dir, lake) = empty();
    let rows = |n: usize| {
        let table = nights(&["a"], n, |_, _| 1.0);
        table_rows(Path::new("t.csv"), &table, &Conf::builtin(), &Told::default()).unwrap().unwrap()
    };
    let count = |campaigns: Vec<lake::Campaign>, what: Added| {
        campaigns.iter().filter(|c| lake.add(c).unwrap() == what).count()
    };
    assert_eq!(count(rows(10), Added::New), 10);
    assert_eq!(count(rows(12), Added::AlreadyThere), 10);
    assert_eq!(read(&lake).series[0].nights.len(), 12);
}

#[test]
fn samples_of_perfvt_are_series_of_their_environment_and_adding_them_twice_adds_nothing() {
    let (_dir, lake) = empty();
    let options = CompareOptions::new(Conf::builtin(), Vec::new());
    for name in ["samples/virtio", "samples/e1000", "samples/aa/a", "samples/aa/b"] {
        for campaign in lake_rows(&root().join(name), &options, &Told::default()).unwrap() {
            assert_eq!(lake.add(&campaign).unwrap(), Added::New, "{name}");
            assert_eq!(lake.add(&campaign).unwrap(), Added::AlreadyThere, "{name}");
        }
    }
    let points = lake.rows::<Point>().rows;
    let stream = |p: &&Point| p.env == "virtio" && p.case.contains("TCP_STREAM") && p.metric == "throughput";
    let point = points.iter().find(stream).unwrap();
    assert_eq!((point.n, point.scale.as_str(), point.direction.as_str()), (5, "log", "higher"));
    assert_eq!((point.accel.as_str(), point.build_id.len()), ("tcg", 12));
    assert!((point.mean.exp() / point.mean_raw - 1.0).abs() < 0.05);
    let read = read(&lake);
    assert!(read.series.iter().all(|s| s.nights.len() == 1) && read.events.is_empty());
    assert!(read.series.iter().any(|s| s.env == "e1000"));
}

#[test]
fn an_anchor_takes_away_what_the_host_did() {
    let (_dir, lake) = empty();
    // The host becomes slower for good at night 20: build and anchor alike.
    let with = |anchored: bool, lake: &Lake| {
        for night in 0..30usize {
            let host = if night >= 20 { 0.9 } else { 1.0 };
            let mut all =
                lake::Campaign { machine: "h".into(), month: "202601".into(), ..Default::default() };
            for (env, id) in [("head", [1; 16]), ("base", [2; 16])] {
                let anchor = (anchored && env == "head").then(|| "b0".to_owned());
                let source = format!("n{night}.{env}");
                let values: Vec<f64> = (0..4)
                    .map(|b| 100.0 * host * noise(night * 17 + b + usize::from(env == "base") * 5))
                    .collect();
                let logs: Vec<f64> = values.iter().map(|v| v.ln()).collect();
                let point = stats::HistoryPoint::of_boots(&logs).unwrap();
                all.name = format!("n{night}");
                all.points.push(Point {
                    series_id: id,
                    machine: "h".into(),
                    case: "netperf/x".into(),
                    metric: "throughput".into(),
                    direction: "higher".into(),
                    scale: "log".into(),
                    env: env.into(),
                    build_id: format!("b{night}"),
                    anchor_build_id: anchor,
                    campaign: format!("n{night}"),
                    source: source.clone(),
                    measured_at: Micros(1_767_225_600_000_000 + night as i64 * 86_400_000_000),
                    n: 4,
                    mean: point.x,
                    sd: point.variance.map(f64::sqrt),
                    ..Point::default()
                });
                all.boots.extend(values.iter().enumerate().map(|(block, value)| lake::Boot {
                    series_id: id,
                    campaign: format!("n{night}"),
                    source: source.clone(),
                    env: env.into(),
                    block: Some(block as i32),
                    value: Some(*value),
                    ..Default::default()
                }));
            }
            lake.add(&all).unwrap();
        }
        let read = read(lake);
        let head = read.series.iter().find(|s| s.env == "head").unwrap();
        (head.reading.steps.len(), head.anchored)
    };
    assert_eq!(with(true, &lake), (0, true));
    let (_dir, plain) = empty();
    assert_eq!(with(false, &plain), (1, false));
}

pub fn say(lake: &Lake, series: &str, said: Said) {
    let event =
        Event { at: Micros(1), who: "a".into(), series: series.into(), issue: None, expires: None, said };
    lake.say(&event).unwrap();
}

#[test]
fn what_people_said_counts_for_the_series_that_it_names_until_it_expires() {
    let table = nights(&["a", "b"], 40, |_, night| if night >= 20 { 0.9 } else { 1.0 });
    let (_dir, lake) = of(&table);
    let before = read(&lake);
    assert_eq!(before.events[0].moved.len(), 2);
    let night = before.series[0].nights[20].campaign.clone();
    say(&lake, "*/a/*", Said::Accepted { campaign: night.clone() });
    let read_ = read(&lake);
    assert_eq!(read_.events[0].moved.len(), 1);
    assert!(read_.events[0].moved[0].series.contains("/b/"));
    // One that has expired counts no more.
    let (_dir, other) = of(&table);
    other
        .say(&Event {
            at: Micros(1),
            who: "a".into(),
            series: "*".into(),
            issue: Some("BUG-1".into()),
            expires: Some(Micros(2)),
            said: Said::Accepted { campaign: night },
        })
        .unwrap();
    assert_eq!(read(&other).events[0].moved.len(), 2);
}

#[test]
fn a_point_that_somebody_set_aside_takes_part_in_nothing() {
    let table = nights(&["a"], 30, |_, night| if night == 29 { 0.5 } else { 1.0 });
    let (_dir, lake) = of(&table);
    let before = read(&lake);
    assert_eq!(before.series[0].reading.suspect, Some(29));
    let night = before.series[0].nights[29].campaign.clone();
    say(&lake, "*", Said::SetAside { campaign: night });
    assert_eq!(read(&lake).series[0].reading.suspect, None);
}

#[test]
fn odd_tables_have_their_sentences() {
    let told = |text: &str| table_rows(Path::new("t.csv"), text, &Conf::builtin(), &Told::default());
    assert!(told("a,b\n1,2\n").unwrap().is_none(), "no table of results");
    let error = |text: &str| told(text).unwrap_err().to_string();
    assert!(error("time,value\n2026-01-01,fast\n").contains("t.csv:2: value 'fast' is not a finite number"));
    assert!(error("time,value\nyesterday,1\n").contains("want 2026-11-29"));
    assert!(error("time,value\n2026-01-01,1,2\n").contains("3 cells below 2 columns"));
    assert!(error("time,value,colour\n2026-01-01,1,red\n").contains("column 'colour' is not understood"));
    assert!(error("time,value\n2026-01-01,NaN\n").contains("not a finite number"));
    assert!(error("time,value,value\n2026-01-01,1,2\n").contains("two columns 'value'"));
    assert!(error("time,value\n").contains("t.csv:1: a heading with no row below it"));
    assert!(error("time,value\n1767312000000,1\n").contains("time '1767312000000' is none; want"));
    assert!(error("index,value\n9999999999,1\n").contains("no day before the year 10000"));
    assert!(error("commit,value\nc1,1\n").contains("there is no time"));
    // Half a number is a number, too.
    assert!(error("time,value\n2026-01-01,1\n2026-01-02,10").contains("t.csv:3: the last line has no end"));
    // One point, all equal, gaps of months, a clock that jumps back: no step, no panic.
    for text in [
        "time,value\n2026-01-01,1\n".to_owned(),
        format!("time,value\n{}", "2026-01-01,5\n".repeat(50)),
        "time,value\n2026-01-01,1\n2026-09-01,1.01\n2025-01-01,1\n".to_owned(),
        "commit,time,value\na,2026-01-01,1\na,2026-01-01,1\n".to_owned(),
        "time,value\n2026-01-01,-1\n2026-01-02,0\n".to_owned(),
    ] {
        let (_dir, lake) = of(&text);
        assert!(read(&lake).events.is_empty());
    }
}

#[test]
fn tables_of_spreadsheets_are_read_as_they_separate_their_cells() {
    let read = |text: &str| {
        table_rows(Path::new("t.csv"), text, &Conf::builtin(), &Told::default()).unwrap().unwrap()
    };
    let plain = read("time,metric,value\n2026-01-01,a,1234.5\n2026-01-02,a,2.5\n");
    for text in [
        "time;metric;value\r\n2026-01-01;a;1234,5\r\n2026-01-02;a;2,5\r\n",
        "\u{feff}sep=;\ntime;metric;value\n2026-01-01;a;1.234,5\n2026-01-02;a;2,5\n",
        "# of tonight\ntime\tmetric\tvalue\n2026-01-01\ta\t1234.5\n2026-01-02\ta\t2.5\n",
    ] {
        assert_eq!(read(text), plain, "{text}");
    }
}

#[test]
fn an_alpha_without_thresholds_is_refused() {
    let (_dir, lake) = of("time,value\n2026-01-01,1\n");
    let error = history(&lake, &Asked { series: Vec::new(), since: None, alpha: 0.05 }).unwrap_err();
    assert!(error.to_string().contains("0.0005 to 0.01"), "{error}");
}

#[test]
fn series_are_chosen_by_patterns_of_their_names() {
    let (_dir, lake) = of(&nights(&["a", "b"], 8, |_, _| 1.0));
    let of = |pattern: &str| {
        let asked = Asked { series: vec![pattern.into()], since: None, alpha: 0.001 };
        history(&lake, &asked).unwrap().series.len()
    };
    assert_eq!((of("*"), of("*/a/*"), of("*/?/throughput/main"), of("x*"), of("*main")), (2, 1, 2, 0, 2));
}

#[test]
fn moments_are_read_as_people_write_them() {
    for text in [
        "2026-11-29",
        "2026-11-29T00:00:00Z",
        "2026-11-29T00:00:00",
        "2026-11-29T01:00:00+01:00",
        "1795910400",
    ] {
        assert_eq!(moment(text), Some(1_795_910_400), "{text}");
    }
    for text in ["", "tomorrow", "29.11.2026", "2026-13-01"] {
        assert_eq!(moment(text), None, "{text}");
    }
}
