//! Where a running QEMU really sits, read back from the kernel. What was asked for does not count.

use super::pin::PinPlan;
use model::CpuId;
use model::ids::{cpu_list, parse_cpu_list};
use rustix::process::Pid;
use rustix::thread::{CpuSet, sched_setaffinity};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs;

/// Placement as it was found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Placement {
    /// CPUs on which each vCPU's thread may run, by vCPU index, as `cpulist` text.
    pub vcpus: Vec<String>,
    /// CPU on which each vCPU's thread was found (field 39 of `/proc/PID/task/TID/stat`).
    pub vcpus_last_on: Vec<Option<u32>>,
    /// CPUs on which QEMU's other threads may run, one entry for each distinct list.
    pub others: Vec<String>,
    /// Pages of the guest's memory by node (`/proc/PID/numa_maps`, mappings with a bind policy, else the largest one).
    pub memory_pages: BTreeMap<u32, u64>,
    /// The memory policy found there, for example `bind:0`.
    pub memory_policy: String,
}

/// A plan in one line for people.
pub fn describe(plan: Option<&PinPlan>) -> String {
    let Some(plan) = plan else { return "unpinned".into() };
    let vcpus: Vec<String> = plan.vcpus.iter().map(|(v, cpu)| format!("vCPU {v} on CPU {cpu}")).collect();
    let (others, node) = (cpu_list(&plan.others), plan.node);
    format!("{}; QEMU and client on CPUs {others}; memory bound to node {node}", vcpus.join(", "))
}

/// Puts one thread of a child on CPUs.
pub fn pin_thread(thread: u32, cpus: &[CpuId]) -> Result<(), String> {
    let mut mask = CpuSet::new();
    for cpu in cpus {
        if cpu.0 as usize >= CpuSet::MAX_CPU {
            return Err(format!(
                "pinning thread {thread}: CPU {cpu} is beyond the {} that can be named",
                CpuSet::MAX_CPU
            ));
        }
        mask.set(cpu.0 as usize);
    }
    let pid = i32::try_from(thread).ok().and_then(Pid::from_raw);
    sched_setaffinity(pid, &mask)
        .map_err(|e| format!("pinning thread {thread} to CPUs {}: {e}", cpu_list(cpus)))
}

/// Reads back where a QEMU process sits.
pub fn observe(pid: u32, vcpu_threads: &[u32]) -> Placement {
    let mut placement = Placement::default();
    for thread in vcpu_threads {
        placement.vcpus.push(allowed(pid, *thread).unwrap_or_else(|| "unknown".into()));
        placement.vcpus_last_on.push(last_cpu(pid, *thread));
    }
    for thread in threads(pid).into_iter().filter(|t| !vcpu_threads.contains(t)) {
        // A worker thread may end between the listing and the look.
        if let Some(list) = allowed(pid, thread)
            && !placement.others.contains(&list)
        {
            placement.others.push(list);
        }
    }
    placement.others.sort();
    let maps = fs::read_to_string(format!("/proc/{pid}/numa_maps")).unwrap_or_default();
    (placement.memory_policy, placement.memory_pages) = memory(&maps);
    placement
}

fn threads(pid: u32) -> Vec<u32> {
    let Ok(entries) = fs::read_dir(format!("/proc/{pid}/task")) else { return Vec::new() };
    entries.filter_map(|e| e.ok()?.file_name().to_str()?.parse().ok()).collect()
}

fn allowed(pid: u32, thread: u32) -> Option<String> {
    let status = fs::read_to_string(format!("/proc/{pid}/task/{thread}/status")).ok()?;
    Some(status.lines().find_map(|l| l.strip_prefix("Cpus_allowed_list:"))?.trim().to_owned())
}

fn last_cpu(pid: u32, thread: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/task/{thread}/stat")).ok()?;
    // The name in brackets may hold blanks; the field behind it is number 3.
    stat.rsplit_once(") ")?.1.split_whitespace().nth(36)?.parse().ok()
}

/// The policy and the pages by node of the mappings that are bound, else of the largest mapping.
fn memory(numa_maps: &str) -> (String, BTreeMap<u32, u64>) {
    let mut bound: Option<(String, BTreeMap<u32, u64>)> = None;
    let mut largest = (String::new(), BTreeMap::new());
    for line in numa_maps.lines() {
        let mut words = line.split_whitespace().skip(1);
        let Some(policy) = words.next() else { continue };
        let pages: BTreeMap<u32, u64> = words
            .filter_map(|w| {
                let (node, count) = w.strip_prefix('N')?.split_once('=')?;
                Some((node.parse().ok()?, count.parse().ok()?))
            })
            .collect();
        if policy.starts_with("bind") {
            let (_, sum) = bound.get_or_insert_with(|| (policy.to_owned(), BTreeMap::new()));
            for (node, count) in pages {
                *sum.entry(node).or_insert(0) += count;
            }
        } else if pages.values().sum::<u64>() > largest.1.values().sum::<u64>() {
            largest = (policy.to_owned(), pages);
        }
    }
    bound.unwrap_or(largest)
}

impl Placement {
    /// What differs from the plan, in words; nothing when it holds.
    pub fn violations(&self, plan: &PinPlan) -> Vec<String> {
        let mut found = Vec::new();
        for (index, cpu) in &plan.vcpus {
            let have = self.vcpus.get(index.0 as usize).map_or("nowhere", String::as_str);
            if have != cpu.to_string() {
                found.push(format!("vCPU {index} may run on CPUs {have}, want {cpu}"));
            }
        }
        for list in &self.others {
            let inside =
                parse_cpu_list(list).is_some_and(|cpus| cpus.iter().all(|c| plan.others.contains(c)));
            if !inside {
                found.push(format!("a QEMU thread may run on CPUs {list}, want {}", cpu_list(&plan.others)));
            }
        }
        // A kernel without numa_maps tells nothing: that is recorded as an empty map, not called a violation.
        let elsewhere: u64 =
            self.memory_pages.iter().filter(|(n, _)| **n != plan.node.0).map(|(_, c)| c).sum();
        if elsewhere > 0 {
            found.push(format!("{elsewhere} pages of guest memory are not on node {}", plan.node));
        }
        found
    }

    /// Where the threads may run, in one line.
    pub fn cpus(&self) -> String {
        format!("vcpus {}; others {}", self.vcpus.join(" "), self.others.join(" "))
    }

    /// Where the memory is, in one line: policy and pages by node.
    pub fn memory(&self) -> String {
        let pages: Vec<String> = self.memory_pages.iter().map(|(n, pages)| format!("N{n}={pages}")).collect();
        format!("{} {}", self.memory_policy, pages.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{NodeId, VcpuIndex};

    const MAPS: &str = "55d0 default file=/usr/bin/qemu mapped=1000 N0=900 N1=100 kernelpagesize_kB=4\n\
                        7f00 bind:1 anon=131072 dirty=131072 N1=131072 kernelpagesize_kB=4\n7f01 default\n";

    #[test]
    fn bound_memory_is_what_counts_and_else_the_largest_mapping() {
        assert_eq!(memory(MAPS), ("bind:1".into(), [(1, 131_072)].into()));
        assert_eq!(
            memory("55d0 default N0=3\n55d1 default N0=5 N1=1\n"),
            ("default".into(), [(0, 5), (1, 1)].into())
        );
        assert_eq!(memory(""), (String::new(), BTreeMap::new()));
    }

    #[test]
    fn each_difference_from_the_plan_is_said() {
        let plan = PinPlan { node: NodeId(1), vcpus: vec![(VcpuIndex(0), CpuId(5))], others: vec![CpuId(4)] };
        let good = Placement {
            vcpus: vec!["5".into()],
            vcpus_last_on: vec![Some(5)],
            others: vec!["4".into()],
            memory_pages: [(1, 10)].into(),
            memory_policy: "bind:1".into(),
        };
        assert_eq!(good.violations(&plan), Vec::<String>::new());
        let bad = Placement {
            vcpus: vec!["0-7".into()],
            others: vec!["3-4".into()],
            memory_pages: [(0, 2), (1, 8)].into(),
            ..good
        };
        assert_eq!(bad.violations(&plan).len(), 3);
    }

    #[test]
    fn this_very_process_is_found_where_it_was_put() {
        let cpu = super::super::topology::Topology::here().unwrap().cpus()[0];
        let thread = rustix::thread::gettid().as_raw_nonzero().get() as u32;
        pin_thread(thread, &[cpu]).unwrap();
        assert_eq!(allowed(std::process::id(), thread), Some(cpu.to_string()));
        assert_eq!(last_cpu(std::process::id(), thread), Some(cpu.0));
    }
}
