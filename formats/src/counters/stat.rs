//! `/proc/stat`: CPU time, interrupts and context switches.

use super::{Metric, Section, rate};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// CPU time since boot in clock ticks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CpuTicks {
    /// Time in which nothing ran, waiting for I/O not counted.
    pub idle: u64,
    /// Time stolen by the hypervisor below.
    pub steal: u64,
    /// All time, `guest` counted once (it is part of `user`).
    pub total: u64,
}

impl CpuTicks {
    /// Reads what stands behind a CPU's name.
    fn of_columns(columns: &str) -> Option<CpuTicks> {
        let ticks: Vec<u64> = columns.split_whitespace().map(|w| w.parse().ok()).collect::<Option<_>>()?;
        // user nice system idle iowait irq softirq steal; guest and guest_nice repeat user and nice.
        let total = ticks.get(..8)?.iter().try_fold(0u64, |sum, t| sum.checked_add(*t))?;
        Some(CpuTicks { idle: *ticks.get(3)?, steal: *ticks.get(7)?, total })
    }

    /// 100 - %idle between two readings, as `mpstat` computes it: waiting for I/O and stolen time count as busy.
    /// `None` when no tick has passed.
    pub fn busy_percent_since(&self, earlier: &CpuTicks) -> Option<f64> {
        let total = self.total.checked_sub(earlier.total).filter(|t| *t > 0)?;
        let idle = self.idle.checked_sub(earlier.idle)?;
        Some(100.0 * (1.0 - idle as f64 / total as f64).clamp(0.0, 1.0))
    }

    /// The percentage of the time between two readings that a hypervisor below took; no more than all of it, though other
    /// counters may go back meanwhile. `None` when no tick has passed.
    pub fn steal_percent_since(&self, earlier: &CpuTicks) -> Option<f64> {
        let total = self.total.checked_sub(earlier.total).filter(|t| *t > 0)?;
        Some(100.0 * (self.steal.checked_sub(earlier.steal)? as f64 / total as f64).min(1.0))
    }
}

/// CPU time, interrupts and context switches since boot.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stat {
    /// The sum over all CPUs.
    pub cpu: Option<CpuTicks>,
    /// Each CPU by its number.
    pub cpus: BTreeMap<u32, CpuTicks>,
    /// Interrupts of every kind: `intr`.
    pub interrupts: Option<u64>,
    /// Context switches: `ctxt`.
    pub context_switches: Option<u64>,
}

impl Stat {
    /// How busy one CPU was since an earlier reading, in per cent: see [`CpuTicks::busy_percent_since`].
    pub fn busy_percent_since(&self, earlier: &Stat, cpu: u32) -> Option<f64> {
        self.cpus.get(&cpu)?.busy_percent_since(earlier.cpus.get(&cpu)?)
    }
}

impl Section for Stat {
    const PATH: &'static str = "/proc/stat";
    const METRICS: &'static [Metric<Stat>] = &[
        Metric {
            name: "guest_CPU",
            between: |earlier, later, _| later.cpu?.busy_percent_since(earlier.cpu.as_ref()?),
        },
        Metric {
            name: "guest_steal",
            between: |earlier, later, _| later.cpu?.steal_percent_since(earlier.cpu.as_ref()?),
        },
        Metric {
            name: "guest_intr",
            between: |earlier, later, seconds| rate(earlier.interrupts, later.interrupts, 1.0, seconds),
        },
        Metric {
            name: "guest_ctxt",
            between: |earlier, later, seconds| {
                rate(earlier.context_switches, later.context_switches, 1.0, seconds)
            },
        },
    ];

    fn line(&mut self, _: u32, line: &str) {
        let Some((name, columns)) = line.split_once(' ') else { return };
        let first = || columns.split_whitespace().next()?.parse().ok();
        match name {
            "intr" => self.interrupts = self.interrupts.or_else(first),
            "ctxt" => self.context_switches = self.context_switches.or_else(first),
            "cpu" => self.cpu = self.cpu.or_else(|| CpuTicks::of_columns(columns)),
            _ => {
                let number = name.strip_prefix("cpu").and_then(|number| number.parse().ok());
                if let (Some(number), Some(ticks)) = (number, CpuTicks::of_columns(columns)) {
                    self.cpus.entry(number).or_insert(ticks);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn busy_time_counts_waiting_and_stolen_time_and_guest_time_once() {
        let cpu = |text: &str| Stat::of(text).cpu;
        let before = cpu("cpu  100 0 50 800 20 0 5 25 60 0\ncpu0 1 2 3\n").unwrap();
        assert_eq!(before, CpuTicks { idle: 800, steal: 25, total: 1000 });
        let after = cpu("cpu  160 0 60 820 30 0 5 25 90 0\n").unwrap();
        assert_eq!(after.busy_percent_since(&before), Some(80.0));
        assert_eq!(before.busy_percent_since(&before), None);
        let back = cpu("cpu  90 0 50 800 20 0 5 75 0 0").unwrap();
        assert_eq!(
            (after.steal_percent_since(&before), back.steal_percent_since(&before)),
            (Some(0.0), Some(100.0))
        );
        assert_eq!(cpu("cpu  1 2 x\n"), None);
    }

    #[test]
    fn one_cpu_is_told_from_the_others() {
        let before = Stat::of("cpu  9 9 9 9 9 9 9 9\ncpu1 0 0 0 0 0 0 0 0\ncpu10 5 0 0 5 0 0 0 0\n");
        let after = Stat::of("cpu  9 9 9 9 9 9 9 9\ncpu1 25 0 0 75 0 0 0 0\ncpu10 6 0 0 5 0 0 0 0\n");
        assert_eq!(after.busy_percent_since(&before, 1), Some(25.0));
        assert_eq!(after.busy_percent_since(&before, 10), Some(100.0));
        assert_eq!(after.busy_percent_since(&before, 2), None);
    }

    #[test]
    fn totals_are_found_among_other_lines() {
        let stat = Stat::of("now 5\ncpu  1 2 3 4 5 6 7 8 0 0\nintr 4711 9 9\nctxt 815\n  25: 1 2 x\n");
        assert_eq!((stat.interrupts, stat.context_switches), (Some(4711), Some(815)));
        assert_eq!(Stat::of(""), Stat::default());
    }
}
