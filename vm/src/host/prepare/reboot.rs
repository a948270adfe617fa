//! What only a reboot can change: looked at and described, never done.

use serde::Serialize;
use std::path::Path;

/// Something that the next boot could do better.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Advice {
    /// What it is about.
    pub name: &'static str,
    /// How it stands.
    pub found: String,
    /// Whether it is as it should be.
    pub good: bool,
    /// What to put on the kernel's command line, or into the firmware's settings.
    pub remedy: &'static str,
}

/// Looks at the host under `root`.
pub fn advise(root: &Path) -> Vec<Advice> {
    let read = |path: &str| edge::read::kernel(root.join(path)).ok().map(|t| t.trim().to_owned());
    let set = |text: Option<String>| text.filter(|t| !t.is_empty() && t != "(null)");
    let cmdline = read("proc/cmdline").unwrap_or_default();
    let has = |word: &str| {
        cmdline.split_whitespace().any(|w| w == word || w.split_once('=').is_some_and(|(k, _)| k == word))
    };
    let isolated = set(read("sys/devices/system/cpu/isolated"));
    let nohz = set(read("sys/devices/system/cpu/nohz_full"));
    let advice = |name, found: Option<String>, otherwise: &str, remedy| Advice {
        name,
        good: found.is_some(),
        found: found.unwrap_or_else(|| otherwise.to_owned()),
        remedy,
    };
    let idle_deep = read("sys/devices/system/cpu/cpuidle/current_driver").filter(|d| d != "none");
    let clock = read("sys/devices/system/clocksource/clocksource0/current_clocksource");
    vec![
        advice(
            "isolated CPUs",
            isolated.map(|cpus| format!("CPUs {cpus}")),
            "none: the scheduler may put anything beside a vCPU",
            "isolcpus=managed_irq,domain,LIST with the CPUs of the guests' node, without CPU 0",
        ),
        advice(
            "timer tick",
            nohz.map(|cpus| format!("stopped on CPUs {cpus}")),
            "runs on all CPUs",
            "nohz_full=LIST and rcu_nocbs=LIST with the same CPUs",
        ),
        Advice {
            name: "clock source",
            good: clock.as_deref().is_none_or(|c| matches!(c, "tsc" | "arch_sys_counter")),
            found: clock.unwrap_or_else(|| "unknown".into()),
            remedy: "tsc=reliable where the hardware's TSC is good",
        },
        Advice {
            name: "deep sleep states",
            good: idle_deep.is_none() || has("intel_idle.max_cstate") || has("processor.max_cstate"),
            found: idle_deep.map_or_else(|| "no idle driver".into(), |d| format!("driver {d}")),
            remedy: "intel_idle.max_cstate=1 processor.max_cstate=1 where latency is measured",
        },
        Advice {
            name: "huge pages of 1 GiB",
            good: has("hugepagesz") || !root.join("sys/kernel/mm/hugepages/hugepages-1048576kB").exists(),
            found: if has("hugepagesz") { "reserved at boot".into() } else { "none reserved at boot".into() },
            remedy: "hugepagesz=1G hugepages=N, when guests are to use them (memory is in pieces later)",
        },
    ]
}
