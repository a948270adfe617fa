//! What is added is there, once, and stays.

use super::support::night;
use lake::{Added, Boot, Event, Lake, Micros, Point, Said};
use std::fs;

fn lake() -> (tempfile::TempDir, Lake) {
    let dir = tempfile::tempdir().unwrap();
    let lake = Lake::open_or_create(&dir.path().join("lake")).unwrap();
    (dir, lake)
}

#[test]
fn rows_come_back_as_they_were_added() {
    let (_dir, lake) = lake();
    let one = night("20261129-netperf", "202611", 7, 1);
    assert_eq!(lake.add(&one).unwrap(), Added::New);
    let (points, boots) = (lake.rows::<Point>(), lake.rows::<Boot>());
    assert_eq!((points.rows, boots.rows), (one.points, one.boots));
    assert_eq!((points.torn.len(), boots.torn.len()), (0, 0));
    assert!(lake.check().is_empty(), "{:?}", lake.check());
}

#[test]
fn adding_twice_adds_nothing_also_after_a_compaction_and_a_campaign_that_went_on_replaces_itself() {
    let (_dir, lake) = lake();
    let mut one = night("a", "202611", 3, 1);
    lake.add(&one).unwrap();
    assert_eq!(lake.add(&one).unwrap(), Added::AlreadyThere);
    assert_eq!(lake.compact("202612").unwrap().files, 4);
    assert_eq!(lake.add(&one).unwrap(), Added::AlreadyThere);
    assert_eq!(lake.rows::<Point>().rows.len(), 3);
    one.points[0].n = 6;
    assert_eq!(lake.add(&one).unwrap(), Added::Replaced);
    let rows = lake.rows::<Point>().rows;
    assert_eq!((rows.len(), rows.iter().map(|r| r.n).max()), (3, Some(6)));
    lake.compact("202612").unwrap();
    assert_eq!(lake.rows::<Point>().rows.iter().map(|r| r.n).max(), Some(6));
}

#[test]
fn a_torn_file_is_named_breaks_nothing_else_and_is_mended_by_adding_again() {
    let (_dir, lake) = lake();
    let (one, two) = (night("a", "202611", 3, 1), night("b", "202611", 3, 2));
    lake.add(&one).unwrap();
    lake.add(&two).unwrap();
    let path = lake.root().join("points/m=host-a/ym=202611/a.parquet");
    let whole = fs::read(&path).unwrap();
    for cut in [0, 3, whole.len() / 2, whole.len() - 1] {
        fs::write(&path, &whole[..cut]).unwrap();
        let found = lake.rows::<Point>();
        assert_eq!((found.rows.len(), found.torn.len()), (3, 1), "{cut}");
        assert!(lake.check()[0].path.ends_with("a.parquet"));
        assert_eq!(lake.compact("202612").unwrap().torn.len(), 1, "the month is left alone");
    }
    // One byte of any page.
    for at in (0..whole.len()).step_by(whole.len() / 40) {
        let mut other = whole.clone();
        other[at] ^= 0x40;
        fs::write(&path, &other).unwrap();
        let _ = lake.rows::<Point>();
    }
    fs::write(&path, &whole[..100]).unwrap();
    assert_eq!(lake.add(&one).unwrap(), Added::Replaced);
    assert_eq!(lake.rows::<Point>().rows.len(), 6);
    assert!(lake.check().is_empty());
}

#[test]
fn only_months_that_are_over_are_put_together() {
    let (_dir, lake) = lake();
    for (name, month, day) in [("a", "202610", 1), ("b", "202610", 2), ("c", "202611", 3)] {
        lake.add(&night(name, month, 2, day)).unwrap();
    }
    let done = lake.compact("202611").unwrap();
    assert_eq!((done.files, done.months), (8, 4));
    let files = |ym: &str| {
        let dir = lake.root().join(format!("points/m=host-a/ym={ym}"));
        let names = fs::read_dir(dir).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap());
        names.collect::<Vec<_>>()
    };
    assert_eq!(
        (files("202610"), files("202611")),
        (vec!["month-202610.parquet".to_owned()], vec!["c.parquet".to_owned()])
    );
    assert_eq!(lake.rows::<Point>().rows.len(), 6);
    assert_eq!(lake.compact("202611").unwrap().files, 0, "a second time does nothing");
}

#[test]
fn two_that_add_at_once_lose_nothing() {
    let (_dir, lake) = lake();
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let lake = &lake;
            scope.spawn(move || {
                for day in 0..10 {
                    // Every other campaign is added by two of them.
                    let name = if day % 2 == 0 { format!("shared-{day}") } else { format!("{writer}-{day}") };
                    lake.add(&night(&name, "202611", 2, day)).unwrap();
                    if day == 5 {
                        lake.compact("202612").unwrap();
                    }
                }
            });
        }
    });
    let mut names: Vec<String> = lake.rows::<Point>().rows.into_iter().map(|row| row.campaign).collect();
    assert_eq!(names.len(), 2 * (4 * 5 + 5));
    names.dedup();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), 25);
    assert!(lake.check().is_empty());
}

#[test]
fn names_of_strangers_stay_within_the_lake() {
    let (dir, lake) = lake();
    for (at, name) in
        ["../../out", "", "a/b", ".hidden", "month-202611", "ä ö", &"x".repeat(5000)].iter().enumerate()
    {
        let mut one = night(name, "202611", 1, at as i64);
        one.machine = name.to_string();
        lake.add(&one).unwrap();
    }
    assert_eq!(lake.rows::<Point>().rows.len(), 7);
    lake.compact("202612").unwrap();
    assert_eq!(lake.rows::<Point>().rows.len(), 7);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[test]
fn a_folder_of_something_else_is_no_lake() {
    let dir = tempfile::tempdir().unwrap();
    assert!(Lake::open(dir.path()).unwrap_err().to_string().contains("has no lake.json"));
    fs::write(dir.path().join("thesis.tex"), "x").unwrap();
    let error = Lake::open_or_create(dir.path()).unwrap_err().to_string();
    assert!(error.contains("not empty") && error.contains("thesis.tex"), "{error}");
    fs::write(dir.path().join("lake.json"), "{\"perfvt\":\"lake\",\"format\":9}").unwrap();
    assert!(Lake::open(dir.path()).unwrap_err().to_string().contains("format 9"));
}

#[test]
fn events_are_added_and_a_line_that_was_cut_is_none() {
    let (_dir, lake) = lake();
    let event = |who: &str| Event {
        at: Micros(7),
        who: who.to_owned(),
        series: "host-a/netperf/*".to_owned(),
        issue: None,
        expires: None,
        said: Said::Accepted { campaign: "a".to_owned() },
    };
    assert_eq!(lake.events().unwrap(), []);
    lake.say(&event("one")).unwrap();
    let path = lake.root().join("events.jsonl");
    let whole = fs::read_to_string(&path).unwrap();
    fs::write(&path, format!("{whole}{{\"at\":8,\"wh")).unwrap();
    assert_eq!(lake.events().unwrap(), [event("one")]);
    lake.say(&event("two")).unwrap();
    assert_eq!(lake.events().unwrap(), [event("one"), event("two")]);
    fs::write(&path, "{}\n").unwrap();
    assert!(lake.events().unwrap_err().to_string().contains("events.jsonl:1"));
}

#[test]
fn a_folder_that_cannot_be_listed_is_named_and_is_not_nothing() {
    let (_dir, lake) = lake();
    lake.add(&night("20261101-nightly", "202611", 3, 1)).unwrap();
    let points = lake.root().join("points");
    fs::rename(&points, lake.root().join("aside")).unwrap();
    fs::write(&points, "x").unwrap();
    let found = lake.rows::<Point>();
    assert!(found.rows.is_empty() && found.torn.len() == 1, "{:?}", found.torn);
    assert!(
        found.torn[0].path == points && found.torn[0].why.starts_with("listing it: "),
        "{:?}",
        found.torn
    );
    assert_eq!(lake.check().len(), 2);
    assert_eq!(lake.compact("202612").unwrap().torn.len(), 1);
}

#[test]
fn a_boot_takes_at_most_25_bytes() {
    let (_dir, lake) = lake();
    for day in 0..30 {
        lake.add(&night(&format!("2026110{day:02}-nightly"), "202611", 300, day)).unwrap();
    }
    let size = |lake: &Lake| -> u64 {
        let files = walk(&lake.root().join("boots"));
        files.iter().map(|path| fs::metadata(path).unwrap().len()).sum()
    };
    let rows = 30 * 300 * 5;
    let daily = size(&lake) as f64 / f64::from(rows);
    lake.compact("202612").unwrap();
    let monthly = size(&lake) as f64 / f64::from(rows);
    println!("{daily:.1} bytes a boot in daily files, {monthly:.1} in monthly ones");
    assert!(daily <= 25.0 && monthly <= 25.0, "{daily} {monthly}");
}

fn walk(dir: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(dir).unwrap().map(|e| e.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
}
