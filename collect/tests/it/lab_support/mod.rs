//! The guest of a boot without a campaign around it, and where this process runs meanwhile.
#![allow(dead_code)]

use collect::config::Source;
use collect::config::select::select;
use collect::environment::Stage;
use collect::lab::{Booted, Booter};
use collect::matrix::environments;
use collect::testbed::Testbed;
use collect::workload::{self, Needs};
use model::Accel;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use vm::guest::image::{Cache, builtin};

/// Boots the built-in guest with one vCPU and 256 MiB, pinned; a sentence when this machine cannot.
pub fn boot(cache: &Cache, accel: Accel, logs: &Path) -> Result<Booted, String> {
    let sets = ["smp=1", "mem=256", "net=user", "confine=sandbox", "deadline_factor=20"].map(String::from);
    let source = Source { workload: Some("netperf".into()), ..Source::default() };
    let (selected, _) = select(&source, &["base".to_owned()]).unwrap();
    let planned = environments(workload::find("netperf").unwrap(), &selected, None, &sets).unwrap();
    let image = builtin(cache).map_err(|e| e.to_string())?;
    let mut stage = Stage::here(cache, accel, Needs::default(), false).unwrap();
    stage.rooms.push(stage.read("base", planned[0].params.clone()).map_err(|e| e.to_string())?);
    let mut testbed = Testbed::new(stage, Some(image), "lab").unwrap();
    testbed.boot("base", logs, logs).map_err(|e| e.to_string())
}

/// CPUs on which threads of this process ran, or may run, while `work` did.
pub fn own_cpus_during<T>(work: impl FnOnce() -> T) -> (BTreeSet<u32>, T) {
    let ended = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let watch = scope.spawn(|| {
            let (mut seen, mut slept) = (BTreeSet::new(), BTreeMap::new());
            while !ended.load(Ordering::Relaxed) {
                for task in fs::read_dir("/proc/self/task").unwrap().flatten() {
                    seen.extend(cpus_of(&task.path(), &mut slept));
                }
                std::thread::sleep(Duration::from_millis(20));
            }
            seen
        });
        let done = work();
        ended.store(true, Ordering::Relaxed);
        (watch.join().unwrap(), done)
    })
}

/// Where a thread may run, and where it ran last (field 39 of its `stat`), when it has run since it was first seen: one that
/// sleeps all the time was last on a CPU before it was put elsewhere. Nothing of one that has ended.
fn cpus_of(task: &Path, slept: &mut BTreeMap<PathBuf, String>) -> BTreeSet<u32> {
    let read = |name: &str| fs::read_to_string(task.join(name)).unwrap_or_default();
    let (status, time, stat) = (read("status"), read("schedstat"), read("stat"));
    let allowed = status.lines().find_map(|l| l.strip_prefix("Cpus_allowed_list:"));
    let allowed = allowed.and_then(|list| model::ids::parse_cpu_list(list.trim()));
    let has_run = *slept.entry(task.to_owned()).or_insert_with(|| time.clone()) != time;
    let last = stat.rsplit_once(") ").and_then(|(_, rest)| rest.split_whitespace().nth(36)?.parse().ok());
    allowed.into_iter().flatten().map(|cpu| cpu.0).chain(last.filter(|_| has_run)).collect()
}
