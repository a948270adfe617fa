//! A process that adds or compacts and is killed.

use super::support::night;
use lake::{Lake, Point};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

/// The child of the tests below: adds campaigns, says which are there, and compacts now and then.
#[test]
#[ignore = "started by other tests"]
fn child() {
    let Some(root) = std::env::var_os("PERFVT_LAKE") else { return };
    let first: i64 = std::env::var("PERFVT_FIRST").unwrap().parse().unwrap();
    let lake = Lake::open_or_create(Path::new(&root)).unwrap();
    println!("\nready");
    for day in first.. {
        lake.add(&night(&format!("n{day}"), "202611", 3, day)).unwrap();
        println!("\nadded {day}");
        if day % 3 == 0 {
            lake.compact("202612").unwrap();
        }
    }
}

/// Kills the child many times, and looks whether everything that it said to be there is there, once.
fn kill(times: u64) {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("lake");
    let mut there = 0;
    for time in 0..times {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "killed::child", "--ignored", "--nocapture"])
            .env("PERFVT_LAKE", &root)
            .env("PERFVT_FIRST", there.to_string())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let ready = lines.any(|line| line == "ready");
        assert!(ready, "the child has not begun");
        let mut note = |line: String| {
            let day = line.strip_prefix("added ").map(|day| day.parse::<i64>().unwrap());
            there = day.map_or(there, |day| day + 1);
            day.is_some()
        };
        // Every other time it has added something first, however slow the machine is.
        if time % 2 == 1 {
            assert!(lines.by_ref().any(&mut note), "the child ended before it was killed");
        }
        let killer = std::thread::spawn(move || {
            // Within a campaign, or one of those that follow.
            std::thread::sleep(Duration::from_micros((time * 7919) % 40_000));
            child.kill().unwrap();
            child.wait().unwrap();
        });
        lines.for_each(|line| {
            note(line);
        });
        killer.join().unwrap();
        if !root.join("lake.json").exists() {
            continue;
        }
        let lake = Lake::open(&root).unwrap();
        let found = lake.rows::<Point>();
        assert!(found.torn.is_empty(), "{:?}", found.torn);
        let mut days: Vec<i64> = found.rows.iter().map(|row| row.campaign[1..].parse().unwrap()).collect();
        days.sort_unstable();
        // One more may be there that was not yet said to be.
        let whole: Vec<i64> =
            (0..there + i64::from(days.last() == Some(&there))).flat_map(|d| [d; 3]).collect();
        assert_eq!(days, whole, "after {time} kills");
    }
    println!("{times} kills, {there} campaigns, nothing lost");
    assert!(there > 0);
}

#[test]
fn what_was_acknowledged_survives_kills_at_any_moment() {
    kill(20);
}

#[test]
#[ignore = "a minute: a thousand kills"]
fn a_thousand_kills_lose_nothing() {
    // Each look reads the whole lake, so that it begins anew now and then.
    for _ in 0..20 {
        kill(50);
    }
}
