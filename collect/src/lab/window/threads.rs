//! CPU time of a QEMU's threads, by what they are for, from the scheduler's own nanoseconds
//! (`/proc/PID/task/TID/schedstat`: on a CPU, and waiting for one).

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use vm::host::placement::Threads;

/// What a thread is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Executes a vCPU.
    Vcpu,
    /// The kernel's vhost, which moves packets.
    Vhost,
    /// Serves a disk.
    Iothread,
    /// Everything else of QEMU, taken together.
    Emulator,
}

/// CPU time of a thread since it was started; of the emulator, of all its threads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ThreadTime {
    /// Which guest: 0 is the server's.
    pub guest: u32,
    /// What it is for.
    pub role: Role,
    /// Which of its kind.
    pub index: u32,
    /// Nanoseconds on a CPU.
    pub run_ns: u64,
    /// Nanoseconds in which it waited for one.
    pub wait_ns: u64,
}

/// Reads the CPU time of one QEMU.
#[derive(Debug)]
pub struct Meter {
    proc: PathBuf,
    guest: u32,
    pid: u32,
    known: Threads,
    /// What the emulator's threads had used when they were last seen: some end, and their time stays spent.
    emulator: BTreeMap<u32, (u64, u64)>,
}

impl Meter {
    /// A meter of a QEMU whose threads are known.
    pub fn new(proc: &Path, guest: u32, pid: u32, known: &Threads) -> Meter {
        Meter { proc: proc.to_owned(), guest, pid, known: known.clone(), emulator: BTreeMap::new() }
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// CPU times now, in the order of the roles.
    pub fn read(&mut self) -> Vec<ThreadTime> {
        let tasks = self.proc.join(self.pid.to_string()).join("task");
        let own = fs::read_dir(&tasks).into_iter().flatten().flatten();
        let named = [&self.known.vcpus, &self.known.vhost, &self.known.iothreads];
        for id in own.filter_map(|entry| entry.file_name().to_str()?.parse().ok()) {
            if !named.iter().any(|ids| ids.contains(&id))
                && let Some(time) = schedstat(&tasks.join(id.to_string()))
            {
                self.emulator.insert(id, time);
            }
        }
        // Before Linux 6.4 vhost's threads are the kernel's own.
        let path = |id: &u32| {
            let of_task = tasks.join(id.to_string());
            if of_task.exists() { of_task } else { self.proc.join(id.to_string()) }
        };
        let paths = |ids: &[u32]| ids.iter().map(path).collect::<Vec<_>>();
        let mut all = Vec::new();
        for (role, paths) in [
            (Role::Vcpu, paths(&self.known.vcpus)),
            (Role::Vhost, paths(&self.known.vhost)),
            (Role::Iothread, paths(&self.known.iothreads)),
        ] {
            for (index, path) in (0u32..).zip(paths) {
                if let Some((run_ns, wait_ns)) = schedstat(&path) {
                    all.push(ThreadTime { guest: self.guest, role, index, run_ns, wait_ns });
                }
            }
        }
        if !self.emulator.is_empty() {
            let sum = |part: fn(&(u64, u64)) -> u64| self.emulator.values().map(part).sum();
            let (run_ns, wait_ns) = (sum(|time| time.0), sum(|time| time.1));
            all.push(ThreadTime { guest: self.guest, role: Role::Emulator, index: 0, run_ns, wait_ns });
        }
        all
    }
}

/// Nanoseconds on a CPU and waiting for one (the kernel's sched-stats.rst).
fn schedstat(path: &Path) -> Option<(u64, u64)> {
    let text = edge::read::kernel(path.join("schedstat")).ok()?;
    let mut words = text.split_whitespace().map(str::parse);
    Some((words.next()?.ok()?, words.next()?.ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use process::Spec;
    use std::time::{Duration, Instant};

    fn task(proc: &Path, path: &str, schedstat: &str) {
        let dir = proc.join(path);
        fs::create_dir_all(&dir).unwrap();
        fs::write(dir.join("schedstat"), format!("{schedstat} 5\n")).unwrap();
    }

    #[test]
    fn threads_are_told_apart_whether_vhost_is_qemus_or_the_kernels() {
        let dir = tempfile::tempdir().unwrap();
        let proc = dir.path();
        for (path, times) in [
            ("40/task/40", "100 10"),
            ("40/task/41", "2000 20"),
            ("40/task/42", "3000 30"),
            ("40/task/43", "400 4"),
            ("40/task/44", "50 5"),
            ("40/task/45", "600 6"),
            ("46", "700 7"),
            ("47", "9 9"),
        ] {
            task(proc, path, times);
        }
        let known = Threads { vcpus: vec![41, 42], iothreads: vec![43], vhost: vec![45, 46] };
        let mut threads = Meter::new(proc, 0, 40, &known);
        let of = |all: &[ThreadTime], role: Role| -> Vec<(u32, u64, u64)> {
            all.iter().filter(|t| t.role == role).map(|t| (t.index, t.run_ns, t.wait_ns)).collect()
        };
        let all = threads.read();
        assert_eq!(of(&all, Role::Vcpu), [(0, 2000, 20), (1, 3000, 30)]);
        assert_eq!(of(&all, Role::Vhost), [(0, 600, 6), (1, 700, 7)]);
        assert_eq!(of(&all, Role::Iothread), [(0, 400, 4)]);
        assert_eq!(of(&all, Role::Emulator), [(0, 150, 15)]);
        // A worker that has ended has still used what it used.
        fs::remove_dir_all(proc.join("40/task/44")).unwrap();
        assert_eq!(of(&threads.read(), Role::Emulator), [(0, 150, 15)]);
    }

    #[test]
    fn the_schedulers_time_agrees_with_the_process_accounting() {
        let busy = Spec::new("sh").args(["-c", "while :; do :; done"]).start().unwrap();
        let ticks = || -> u64 {
            let stat = fs::read_to_string(format!("/proc/{}/stat", busy.pid())).unwrap();
            let fields: Vec<&str> = stat.rsplit_once(") ").unwrap().1.split_whitespace().collect();
            fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
        };
        let mut threads = Meter::new(Path::new("/proc"), 0, busy.pid(), &Threads::default());
        let run = |threads: &mut Meter| threads.read().iter().map(|t| t.run_ns).sum::<u64>();
        let (ticks_before, before) = (ticks(), run(&mut threads));
        let until = Instant::now() + Duration::from_secs(5);
        // 100 ticks of 10 ms each, however long the machine takes for them.
        while ticks() < ticks_before + 100 && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(5));
        }
        let (by_ticks, by_scheduler) = ((ticks() - ticks_before) * 10_000_000, run(&mut threads) - before);
        if by_ticks < 500_000_000 {
            testing::skip("this machine is too busy to give a process half a second in five");
            return;
        }
        let ratio = by_scheduler as f64 / by_ticks as f64;
        assert!((0.95..1.05).contains(&ratio), "{by_scheduler} ns by schedstat, {by_ticks} ns by ticks");
    }
}
