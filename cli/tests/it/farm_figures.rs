//! What a farm costs: until the first boot, beside a window, and in time on several hosts. Figures, for a quiet machine.

use crate::support;

use std::collections::BTreeMap;
use std::fs;
use std::thread::sleep;
use std::time::{Duration, Instant};
use support::campaigns::wait_until;
use support::farm::TestFarm;

/// The process and all that it has started, by their numbers on this machine, with their names.
fn below(root: u32) -> BTreeMap<u32, String> {
    let mut parents = BTreeMap::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let Ok(pid) = entry.file_name().to_string_lossy().parse::<u32>() else { continue };
        let Ok(stat) = fs::read_to_string(entry.path().join("stat")) else { continue };
        let (head, rest) = stat.rsplit_once(')').unwrap();
        let name = head.split_once('(').unwrap().1.to_owned();
        parents.insert(pid, (rest.split_whitespace().nth(1).unwrap().parse::<u32>().unwrap(), name));
    }
    let is_below = |mut pid: u32| {
        while let Some((parent, _)) = parents.get(&pid) {
            if pid == root {
                return true;
            }
            pid = *parent;
        }
        false
    };
    let pids = parents.iter().filter(|(pid, _)| is_below(**pid));
    pids.map(|(pid, (_, name))| (*pid, name.clone())).collect()
}

/// Nanoseconds that all threads of a process have run (Documentation/scheduler/sched-stats.rst).
fn ran(pid: u32) -> u64 {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let of = |entry: fs::DirEntry| {
        let text = fs::read_to_string(entry.path().join("schedstat")).ok()?;
        text.split_whitespace().next()?.parse::<u64>().ok()
    };
    threads.filter_map(of).sum()
}

fn submit(farm: &TestFarm, id: &str, hosts: &str, command: &str, more: &[&str]) -> Instant {
    let words = farm.submit(id, hosts, command, more);
    let begun = Instant::now();
    farm.says(0, &words.iter().map(String::as_str).collect::<Vec<_>>());
    begun
}

fn wait(farm: &TestFarm, id: &str) {
    wait_until(300, "the end", || farm.status(id).iter().all(|shard| shard["state"] == "finished"));
}

#[test]
#[ignore = "soak: two minutes on a quiet machine"]
fn daemons_and_watchers_take_less_than_a_fiftieth_of_a_percent_beside_a_window() {
    let Some(farm) = TestFarm::up(&["h1=amd64", "h2=amd64"]) else { return };
    submit(&farm, "quiet", "h1,h2", "sleep 75", &["--repeat", "1"]);
    wait_until(60, "guests", || farm.here.starts().len() >= 2);
    sleep(Duration::from_secs(4));
    let root: u32 =
        fs::read_to_string(farm.here.path().join("slurm/starter")).unwrap().trim().parse().unwrap();
    let counted = ["slurmctld", "slurmd", "slurmstepd", "munged", "perfvt"];
    let before: BTreeMap<u32, u64> = below(root).into_keys().map(|pid| (pid, ran(pid))).collect();
    let begun = Instant::now();
    sleep(Duration::from_secs(60));
    let seconds = begun.elapsed().as_secs_f64();
    let mut shares: BTreeMap<String, f64> = BTreeMap::new();
    for (pid, name) in below(root) {
        let spent = ran(pid).saturating_sub(before.get(&pid).copied().unwrap_or(0));
        *shares.entry(name).or_default() += spent as f64 * 1e-7 / seconds;
    }
    println!("% of a CPU, two hosts and the controller together: {shares:.4?}");
    let own: f64 = counted.iter().filter_map(|name| shares.get(*name)).sum();
    println!("counted: {own:.4} %, a host {:.4} %", own / 2.0);
    wait(&farm, "quiet");
    assert!(own / 2.0 < 0.02, "{own} % of a CPU, of two hosts");
}

#[test]
#[ignore = "soak: two minutes on a quiet machine"]
fn several_hosts_take_a_part_of_the_time_and_a_block() {
    let Some(farm) = TestFarm::up(&["h1=amd64", "h2=amd64", "h3=amd64"]) else { return };
    let time = |id: &str, hosts: &str, repeats: &str| {
        let begun =
            submit(&farm, id, hosts, "sleep 3", &["--env", "base", "--env", "head", "--repeat", repeats]);
        wait(&farm, id);
        begun.elapsed().as_secs_f64()
    };
    let (one, three) = (time("one", "h1", "6"), time("three", "h1,h2,h3", "2"));
    // Two blocks more and two blocks less tell what a block takes.
    let block = (one - time("short", "h1", "2")) / 4.0;
    let allowed = 1.05 / 3.0 * one + block;
    println!("one host {one:.1} s, three {three:.1} s, a block {block:.1} s, allowed {allowed:.1} s");
    assert!(three <= allowed, "{three} s of {allowed}");
}

#[test]
#[ignore = "soak: half a minute on a quiet machine"]
fn the_first_boot_comes_a_second_after_perfvt_would_have_booted_by_itself() {
    let Some(farm) = TestFarm::up(&["h1=amd64"]) else { return };
    let mut late = Vec::new();
    for n in 0..5 {
        let before = farm.here.starts().len();
        let words = farm.here.words(&farm.here.path().join(format!("own-{n}")), "true", &["--repeat", "1"]);
        let begun = Instant::now();
        farm.here.ends_with(0, farm.command(env!("CARGO_BIN_EXE_perfvt")).args(&words));
        // From its start to its end; a boot that pretends and a command that does nothing take milliseconds.
        let own = begun.elapsed().as_secs_f64();
        let (id, started) = (format!("first-{n}"), farm.here.starts().len());
        assert!(started > before);
        let begun = submit(&farm, &id, "h1", "true", &["--repeat", "1"]);
        wait_until(60, "a guest", || farm.here.starts().len() > started);
        let shard = begun.elapsed().as_secs_f64();
        wait(&farm, &id);
        println!("by itself to its end {own:.2} s, submit to the first boot {shard:.2} s");
        late.push(shard - own);
    }
    late.sort_by(f64::total_cmp);
    assert!(late[2] <= 1.0, "{late:?}");
}
