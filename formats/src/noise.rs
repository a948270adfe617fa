//! Counters that tell of other work on a machine, as `/proc` prints them (proc(5), Documentation/accounting/psi.rst,
//! Documentation/scheduler/sched-stats.rst, Documentation/admin-guide/iostats.rst).

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Ticks of one CPU since boot, from its line of `/proc/stat`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CpuTime {
    /// Processes: `user`, `nice` and `system`, guests included.
    pub work: u64,
    /// Interrupts and softirqs.
    pub irq: u64,
    /// Stolen by the hypervisor below.
    pub steal: u64,
    /// Everything, idle included.
    pub total: u64,
}

/// Every CPU's time by its number.
pub fn cpu_times(stat: &str) -> BTreeMap<u32, CpuTime> {
    let line = |line: &str| {
        let (number, rest) = line.strip_prefix("cpu")?.split_once(' ')?;
        let t: Vec<u64> = rest.split_whitespace().map(|w| w.parse().ok()).collect::<Option<_>>()?;
        let [user, nice, system, idle, iowait, irq, softirq, steal] = *t.first_chunk::<8>()?;
        let work = user.checked_add(nice)?.checked_add(system)?;
        let irq = irq.checked_add(softirq)?;
        let total = [idle, iowait, irq, steal].iter().try_fold(work, |sum, t| sum.checked_add(*t))?;
        Some((number.parse().ok()?, CpuTime { work, irq, steal, total }))
    };
    stat.lines().filter_map(line).collect()
}

/// Processes that want a CPU, the reader included: `procs_running` of `/proc/stat`.
pub fn procs_running(stat: &str) -> Option<u64> {
    stat.lines().find_map(|l| l.strip_prefix("procs_running "))?.trim().parse().ok()
}

/// Time that tasks were held up by a lack of something, in microseconds since boot, from a file of `/proc/pressure`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stall {
    /// At least one task waited.
    pub some_us: u64,
    /// All of them waited; `cpu` has no such line on older kernels.
    pub full_us: Option<u64>,
}

impl Stall {
    /// Reads the `total=` of both lines.
    pub fn parse(pressure: &str) -> Option<Stall> {
        let total = |kind: &str| -> Option<u64> {
            let line = pressure.lines().find(|l| l.split_whitespace().next() == Some(kind))?;
            line.split_whitespace().find_map(|w| w.strip_prefix("total="))?.parse().ok()
        };
        Some(Stall { some_us: total("some")?, full_us: total("full") })
    }
}

/// A thread's `schedstat`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SchedStat {
    /// Nanoseconds on a CPU.
    pub run_ns: u64,
    /// Nanoseconds in which it wanted a CPU and another task had it.
    pub wait_ns: u64,
}

impl SchedStat {
    /// Reads the first two of its three numbers.
    pub fn parse(schedstat: &str) -> Option<SchedStat> {
        let mut words = schedstat.split_whitespace().map(|w| w.parse::<u64>().ok());
        Some(SchedStat { run_ns: words.next()??, wait_ns: words.next()?? })
    }
}

/// How often a thread was moved to another CPU: `se.nr_migrations` of `/proc/PID/sched`, where the kernel has that file.
pub fn migrations(sched: &str) -> Option<u64> {
    let line = sched.lines().find(|l| l.split(':').next().is_some_and(|n| n.trim() == "se.nr_migrations"))?;
    line.rsplit(':').next()?.trim().parse().ok()
}

/// What `/proc/PID/stat` says of a process: its parent, and its time on CPUs in ticks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProcessStat {
    /// Parent.
    pub parent: u32,
    /// `utime` and `stime`.
    pub ticks: u64,
}

impl ProcessStat {
    /// Reads fields 4, 14 and 15. The name in brackets may hold blanks and brackets.
    pub fn parse(stat: &str) -> Option<ProcessStat> {
        let fields: Vec<&str> = stat.rsplit_once(") ")?.1.split_whitespace().collect();
        let number = |field: usize| fields.get(field - 3)?.parse::<u64>().ok();
        let parent = u32::try_from(number(4)?).ok()?;
        Some(ProcessStat { parent, ticks: number(14)?.checked_add(number(15)?)? })
    }
}

/// Milliseconds in which a disk had something to do, by disk, from `/proc/diskstats`. Partitions and disks that are
/// none (loop, ram, device mapper, which repeats what lies below) are left out.
pub fn disk_busy_ms(diskstats: &str) -> BTreeMap<String, u64> {
    let mut disks: BTreeMap<String, u64> = BTreeMap::new();
    for line in diskstats.lines() {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let (Some(name), Some(busy)) = (fields.get(2), fields.get(12).and_then(|f| f.parse().ok())) else {
            continue;
        };
        let virtual_one =
            ["loop", "ram", "zram", "dm-", "md", "sr", "fd"].iter().any(|p| name.starts_with(p));
        // A partition follows its disk and is named after it.
        let partition = disks.keys().any(|disk| {
            name.strip_prefix(disk.as_str()).is_some_and(|rest| {
                let digits = rest.strip_prefix('p').unwrap_or(rest);
                !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())
            })
        });
        if !virtual_one && !partition {
            disks.insert((*name).to_owned(), busy);
        }
    }
    disks
}

/// One counter of `/proc/vmstat`.
pub fn vmstat(text: &str, name: &str) -> Option<u64> {
    text.lines().find_map(|l| l.strip_prefix(name)?.strip_prefix(' '))?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_cpu_has_its_work_interrupts_and_steal() {
        let stat = "cpu  9 9 9 9 9 9 9 9 9 9\ncpu0 10 1 5 800 20 2 3 7 4 0\ncpu12 1 0 1 50 0 0 0 0 0 0\n\
                    cpu3 1 x 1 1 1 1 1 1\nintr 5\nprocs_running 3\nprocs_blocked 0\n";
        let times = cpu_times(stat);
        assert_eq!(times.len(), 2);
        assert_eq!(times[&0], CpuTime { work: 16, irq: 5, steal: 7, total: 848 });
        assert_eq!(times[&12].total, 52);
        assert_eq!(procs_running(stat), Some(3));
        assert_eq!(procs_running("cpu 1\n"), None);
    }

    #[test]
    fn stalls_are_read_with_and_without_a_full_line() {
        let both = "some avg10=0.00 avg60=0.00 avg300=0.00 total=123\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=7\n";
        assert_eq!(Stall::parse(both), Some(Stall { some_us: 123, full_us: Some(7) }));
        let some = "some avg10=1.50 avg60=0.10 avg300=0.00 total=9\n";
        assert_eq!(Stall::parse(some), Some(Stall { some_us: 9, full_us: None }));
        assert_eq!(Stall::parse("some avg10=1.50\n"), None);
        assert_eq!(Stall::parse(""), None);
    }

    #[test]
    fn run_time_waiting_time_and_migrations_of_a_thread_are_read() {
        assert_eq!(SchedStat::parse("123 45 6\n"), Some(SchedStat { run_ns: 123, wait_ns: 45 }));
        assert_eq!(SchedStat::parse("123\n"), None);
        let sched = "CPU 0/KVM (7, #threads: 3)\n---\nse.exec_start : 1.5\nse.nr_migrations   :     17\nnr_switches : 9\n";
        assert_eq!(migrations(sched), Some(17));
        assert_eq!(migrations("nr_switches : 9\n"), None);
    }

    #[test]
    fn a_process_with_blanks_and_brackets_in_its_name_is_read() {
        let stat = "70 (CPU 0) (x) S 42 70 70 0 -1 0 0 0 0 0 100 23 0 0 20 0 1 0 5 0 0\n";
        assert_eq!(ProcessStat::parse(stat), Some(ProcessStat { parent: 42, ticks: 123 }));
        assert_eq!(ProcessStat::parse("70 (x S 42"), None);
    }

    #[test]
    fn only_whole_disks_count() {
        let line = |name: &str, busy: u32| format!("   8  0 {name} 1 2 3 4 5 6 7 8 9 {busy} 11 0 0 0 0\n");
        let text = [
            ("sda", 10),
            ("sda1", 10),
            ("nvme0n1", 20),
            ("nvme0n1p2", 20),
            ("dm-0", 5),
            ("loop3", 5),
            ("vdb", 1),
        ]
        .map(|(name, busy)| line(name, busy))
        .concat();
        let disks = disk_busy_ms(&text);
        assert_eq!(
            disks.into_iter().collect::<Vec<_>>(),
            [("nvme0n1".into(), 20), ("sda".into(), 10), ("vdb".into(), 1)]
        );
    }

    #[test]
    fn a_counter_of_vmstat_is_found_by_its_whole_name() {
        assert_eq!(vmstat("pswpin_x 1\npswpin 5\n", "pswpin"), Some(5));
        assert_eq!(vmstat("pswpin 5\n", "pswp"), None);
    }
}
