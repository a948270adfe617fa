//! Whole campaigns of guests that move: what a QEMU knows and what it does not, with guests that pretend (`fake_qemu`); and in the soak,
//! what comparisons of them decide where nothing differs, and where a link is half as fast.

use crate::support;

use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::Command;
use support::pretended::Pretended;
use support::quick::reasons;
use support::{apart, beside, measurements, output, text};

/// A campaign of pretending guests that move.
fn campaign(guests: &Pretended, out: &Path, more: &[&str]) -> Command {
    let mut command = guests.perfvt();
    command.args(["run", "migration", "--accel", "tcg", "--allow-unpinned", "--noise", "off"]);
    let [qemu, extra] = guests.qemu("");
    // They carry a move over TCP, and a confined one could not run commands on this host.
    let always = ["load=none", "migrate_uri=tcp", "migrate_watch=0.1", "numa_node=0", "confine=sandbox"];
    for set in always.into_iter().chain([&*qemu, &*extra]) {
        command.args(["--set", set]);
    }
    command.arg("--out").arg(out).args(more);
    command
}

#[test]
fn what_a_qemu_knows_is_asked_of_it_and_a_guest_that_is_deaf_behind_its_move_has_a_code_of_its_own() {
    let guests = Pretended::new();
    let out = guests.out();
    let env = |name: &str, keys: &str, faults: &str| format!("{name}:{keys}{}", guests.extra(faults));
    let envs = [
        env("knows", "", "knows=dirty-limit"),
        env("old", "", ""),
        env("deaf", "", "knows=dirty-limit deaf-behind-move"),
        env("endless", "migrate_timeout=0.3,", "knows=dirty-limit endless"),
    ];
    let mut more = vec!["--repeat", "1", "--set", "attempts=1", "--set", "migrate_mode=dirty-limit"];
    envs.iter().for_each(|env| more.extend(["--env", env]));
    let ran = output(&mut campaign(&guests, &out, &more));
    let said = format!("{}{}\n{}", text(&ran.stdout), text(&ran.stderr), reasons(&out));
    let of = |environment: &str, metric: &str| {
        let all = measurements(&out.join(environment));
        all.into_iter()
            .find(|m| m["metric"] == metric)
            .unwrap_or_else(|| panic!("{metric} of {environment}: {said}"))
    };
    let knows = of("knows", "blackout_ms");
    assert!(knows["value"].as_f64().is_some_and(|ms| ms >= 20.0), "{said}");
    let kept = &support::files(&out.join("knows"), "migration.json")[0];
    let kept: Value = serde_json::from_str(&fs::read_to_string(kept).unwrap()).unwrap();
    assert_eq!(kept["capabilities"], serde_json::json!(["dirty-limit"]), "{kept}");
    let failed = |environment: &str| {
        let invalid = of(environment, "blackout_ms")["invalid"].clone();
        (invalid["code"].as_str().unwrap_or_default().to_owned(), invalid["reason"].to_string())
    };
    let (code, reason) = failed("old");
    let why = "migrate_mode=dirty-limit needs a QEMU that knows dirty-limit, and the source's does not";
    assert!(code == "migration-failed" && reason.contains(why), "{code}: {reason}");
    let (code, reason) = failed("deaf");
    assert!(
        code == "silent-after-move" && reason.contains("has answered nobody since: "),
        "{code}: {reason}"
    );
    assert_eq!(failed("endless").0, "not-converged", "{said}");
    guests.assert_nothing_left();
}

#[test]
fn guests_that_move_at_once_are_watched_one_by_one_and_what_they_sent_is_added_up() {
    let guests = Pretended::new();
    let out = guests.out();
    let more = ["--repeat", "1", "--set", "attempts=1", "--set", "migrate_guests=3"];
    let said = guests.ends_with(0, &mut campaign(&guests, &out, &more));
    let all = measurements(&out);
    let of = |metric: &str| {
        let found = all.iter().find(|m| m["metric"] == metric).and_then(|m| m["value"].as_f64());
        found.unwrap_or_else(|| panic!("{metric}: {said}"))
    };
    // Each sends 50 MB, and stands for 20 ms. How long it takes for that is the host's: of three the index is a third at least.
    assert_eq!(of("sent_MB"), 150.0);
    assert!(of("blackout_ms") >= 20.0 && (0.333..=1.0).contains(&of("fairness")), "{all:?}");
    let records: Vec<Value> = support::files(&out, "migration.json")
        .iter()
        .map(|file| serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap())
        .collect();
    assert_eq!((records.len(), support::files(&out, "probes.txt").len()), (3, 3));
    // None begins before all ways are open, and none ends before all have begun.
    let at = |key: &str| records.iter().map(|record| record[key].as_u64().unwrap()).collect::<Vec<_>>();
    assert!(at("begun_ns").iter().max() < at("ended_ns").iter().min(), "{records:?}");
    guests.assert_nothing_left();
}

/// The verdicts of two environments of a campaign, each with its metric.
fn verdicts(mut perfvt: Command, out: &Path, [a, b]: [&str; 2]) -> Vec<(String, String)> {
    perfvt.args(["compare", "--no-html", "--format", "json"]).arg(out.join(a)).arg(out.join(b));
    let compared = output(&mut perfvt);
    let file: Value = serde_json::from_slice(&compared.stdout)
        .unwrap_or_else(|e| panic!("{e}: {}{}", text(&compared.stdout), text(&compared.stderr)));
    let word = |row: &Value, key: &str| row[key].as_str().unwrap().to_owned();
    let rows = file["rows"].as_array().unwrap().iter();
    rows.map(|row| (word(row, "metric"), word(row, "verdict"))).collect()
}

/// The metrics in which nothing differs, and of which a change is told.
fn changes(all: &[(String, String)]) -> Vec<&str> {
    let changed = all.iter().filter(|(_, verdict)| ["REGRESSED", "IMPROVED"].contains(&verdict.as_str()));
    changed.map(|(metric, _)| metric.as_str()).collect()
}

/// The metric by which a comparison of migrations is judged.
const PRIMARY: &str = "blackout_ms";

/// Of so many rows in which nothing differs so many may be decided at a rate of one in twenty, but for one time in a thousand.
fn most(rows: u32) -> u32 {
    let rate: f64 = 0.05;
    let (mut chance, mut sum, mut number) = ((1.0 - rate).powi(rows as i32), 0.0, 0);
    loop {
        sum += chance;
        if sum >= 0.999 {
            return number;
        }
        chance *= f64::from(rows - number) / f64::from(number + 1) * rate / (1.0 - rate);
        number += 1;
    }
}

#[test]
fn the_bound_of_campaigns_that_may_tell_of_a_change_is_the_binomial_one() {
    // 1 - .95^3 = .143, and P(X > 2) = .000125.
    assert_eq!((most(3), most(20)), (2, 5));
}

#[test]
#[ignore = "soak: four minutes of pretending guests"]
fn twenty_campaigns_of_one_qemu_decide_nothing_beyond_the_binomial_bound() {
    const CAMPAIGNS: u32 = 20;
    let guests = Pretended::new();
    let (mut told, mut rows, mut decided) = (0, 0, 0);
    for number in 0..CAMPAIGNS {
        let out = guests.path().join(format!("aa-{number}"));
        guests.ends_with(0, &mut campaign(&guests, &out, &["--repeat", "5", "--env", "a:", "--env", "b:"]));
        let all = verdicts(guests.perfvt(), &out, ["a", "b"]);
        let changes = changes(&all);
        println!("campaign {number}: {changes:?}");
        told += u32::from(changes.contains(&PRIMARY));
        rows += all.len() as u32;
        decided += changes.len() as u32;
        fs::remove_dir_all(out).unwrap();
    }
    println!("{told} of {CAMPAIGNS} told of a change of {PRIMARY}; {decided} of {rows} rows were decided");
    assert!(told <= most(CAMPAIGNS) && decided <= most(rows));
}

/// A campaign of real guests with two environments; its verdicts.
fn real(dir: &Path, envs: [&str; 2], repeat: &str, sets: &[&str]) -> Vec<(String, String)> {
    let out = dir.join("real");
    let mut command = apart();
    command.args(["run", "migration", "--repeat", repeat, "--allow-unpinned", "--noise", "off"]);
    for env in envs {
        command.args(["--env", env]);
    }
    // A move of a busy host takes its time, and a small guest is there soon.
    for set in ["migrate_downtime_limit=3s", "mem=256", "dirty_mb=16"].iter().chain(sets) {
        command.args(["--set", set]);
    }
    let ran = output(command.arg("--out").arg(&out).current_dir(dir));
    let said = format!("{}{}\n{}", text(&ran.stdout), text(&ran.stderr), reasons(&out));
    assert!(ran.status.code() == Some(0) || ran.status.code() == Some(1), "{said}");
    let names = envs.map(|env| env.split(':').next().unwrap());
    let all = verdicts(apart(), &out, names);
    fs::remove_dir_all(out).unwrap();
    all
}

/// How many campaigns there are: fewer where the environment says so.
fn campaigns(usual: u32) -> u32 {
    std::env::var("PERFVT_MIGRATIONS").map_or(usual, |number| number.parse().unwrap())
}

#[test]
#[ignore = "soak: three campaigns of ten boots"]
fn three_real_campaigns_of_one_qemu_decide_nothing_beyond_the_binomial_bound() {
    let Some(_guard) = beside() else { return };
    let dir = tempfile::tempdir().unwrap();
    let all = campaigns(3);
    let tell = |number: u32| {
        let all = real(dir.path(), ["a:", "b:"], "5", &[]);
        let changes = changes(&all);
        println!("campaign {number}: {changes:?}");
        changes.contains(&PRIMARY)
    };
    let told = (0..all).filter(|number| tell(*number)).count();
    println!("{told} of {all} told of a change of {PRIMARY}");
    assert!(told <= most(all) as usize);
}

#[test]
#[ignore = "soak: ten campaigns of six boots"]
fn a_link_of_half_the_rate_is_regressed_in_blackout_or_total_time_nine_times_of_ten() {
    let Some(_guard) = beside() else { return };
    let dir = tempfile::tempdir().unwrap();
    let all = campaigns(10);
    let find = |number: u32| {
        let envs = ["fast:migrate_bandwidth=800M", "slow:migrate_bandwidth=400M"];
        let all = real(dir.path(), envs, "3", &["migrate_uri=tcp", "load=none"]);
        let of =
            |metric: &str| all.iter().find(|(name, _)| name == metric).map(|(_, verdict)| verdict.clone());
        let found = [of("blackout_ms"), of("total_ms")];
        println!("campaign {number}: blackout and total {found:?}");
        found.iter().flatten().any(|verdict| verdict == "REGRESSED")
    };
    let found = (0..all).filter(|number| find(*number)).count() as u32;
    println!("{found} of {all} found it");
    assert!(found * 10 >= all * 9);
}
