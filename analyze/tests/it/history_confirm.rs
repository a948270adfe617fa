//! Events keep their names, and what has to be measured to confirm one.

use analyze::history::{Asked, Confirming, History, Standing, Told, history, place_of, table_rows};
use formats::perf_conf::Conf;
use lake::{Build, Campaign, Event, Lake, Micros, Point, Said};
use std::path::Path;
use tempfile::TempDir;

fn empty() -> (TempDir, Lake) {
    let dir = tempfile::tempdir().unwrap();
    let lake = Lake::open_or_create(&dir.path().join("lake")).unwrap();
    (dir, lake)
}

fn read(lake: &Lake) -> History {
    history(lake, &Asked { series: Vec::new(), since: None, alpha: stats::HISTORY_ALPHA }).unwrap()
}

/// Nights of a case that is slower from the ninth on; without spread, so that the rule finds it at once.
fn nights(case: &str) -> String {
    let mut out = String::from("commit,time,machine,case,metric,value,unit,direction\n");
    for night in 0..12 {
        let at = 1_767_225_600 + night * 86_400;
        let value = if night >= 8 { 900.0 } else { 1000.0 } + f64::from(night * 7 % 5);
        out.push_str(&format!("c{night},{at},host-a,{case},throughput,{value},Mbit/s,higher\n"));
    }
    out
}

fn add(lake: &Lake, case: &str) {
    let table = nights(case);
    for campaign in
        table_rows(Path::new("t.csv"), &table, &Conf::builtin(), &Told::default()).unwrap().unwrap()
    {
        lake.add(&campaign).unwrap();
    }
}

fn say(lake: &Lake, said: Said) {
    let event =
        Event { at: Micros(0), who: "a".into(), series: "*".into(), issue: None, expires: None, said };
    lake.say(&event).unwrap();
}

#[test]
fn an_event_keeps_the_name_that_it_was_told_by_when_other_series_join_it() {
    let (_dir, lake) = empty();
    add(&lake, "a");
    let [event] = &read(&lake).events[..] else { panic!() };
    let name = event.name.clone();
    say(&lake, Said::Told { event: name.clone() });
    say(&lake, Said::Confirmed { event: name.clone(), outcome: "confirmed".into(), campaign: "X".into() });
    // One of them has an identity that comes first.
    for (n, case) in ["b", "c", "d"].into_iter().enumerate() {
        add(&lake, case);
        let [event] = &read(&lake).events[..] else { panic!("{case}") };
        assert_eq!((event.moved.len(), event.names.len()), (n + 2, n + 2));
        assert_eq!((&event.name, event.standing), (&name, Standing::Confirmed));
        assert!(event.is_called(&name[..5]) && event.is_meant_by(&Said::Told { event: name.clone() }));
        // Another name of it means it, too.
        assert!(event.names.iter().all(|other| event.is_called(other)));
    }
    assert!(read(&lake).events[0].names.first() != Some(&name), "the test needs a series that comes before");
}

#[test]
fn what_has_to_be_measured_is_the_builds_around_the_step_and_the_newest_on_the_machine_of_its_series() {
    let (_dir, lake) = empty();
    add(&lake, "a");
    let read = read(&lake);
    let of = |machine| Confirming::of(&lake, &read, &read.events[0], machine);
    let confirming = of("host-a").unwrap();
    let names: Vec<(&str, &str)> =
        confirming.environments.iter().map(|e| (e.name.as_str(), e.build.as_str())).collect();
    assert_eq!(names, [("before", "c7"), ("after", "c8"), ("newest", "c11")]);
    assert!(confirming.environments.iter().all(|e| e.place.is_none()), "a table says of no place");
    assert_eq!(confirming.rows[0].series, "host-a/table/a/throughput/main");
    assert!((confirming.smallest() - 0.111).abs() < 0.005, "{}", confirming.smallest());
    let elsewhere = of("host-b").unwrap_err().to_string();
    assert!(elsewhere.contains("measured on host-a, and this machine is host-b"), "{elsewhere}");
}

#[test]
fn a_build_is_found_where_it_lay_last() {
    let (_dir, lake) = empty();
    for (day, place) in [
        ("1", Some(r#"{"params":{"qemu_binary":"/opt/a"},"software":{}}"#)),
        ("2", Some(r#"{"params":{"qemu_binary":"/opt/b"},"software":{"qemu.version":"7"}}"#)),
        ("3", Some("no place")),
        ("4", None),
    ] {
        let build = Build {
            build_id: "b1".into(),
            source: day.into(),
            place: place.map(str::to_owned),
            ..Build::default()
        };
        let point = Point { build_id: "b1".into(), source: day.into(), ..Point::default() };
        let campaign = Campaign {
            name: day.into(),
            machine: "m".into(),
            month: "202601".into(),
            points: vec![point],
            builds: vec![build],
            ..Campaign::default()
        };
        lake.add(&campaign).unwrap();
    }
    let place = place_of(&lake, "b1").unwrap();
    assert_eq!(place.params["qemu_binary"], "/opt/b");
    assert_eq!(place.missing(), Some(("qemu_binary", "/opt/b")));
    assert_eq!(place_of(&lake, "b2"), None);
}
