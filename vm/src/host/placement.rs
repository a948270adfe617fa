//! Where a running QEMU really sits, read back from the kernel. What was asked for does not count.

use super::pin::GuestPins;
use model::CpuId;
use model::ids::{cpu_list, parse_cpu_list};
use rustix::process::Pid;
use rustix::thread::{CpuSet, sched_setaffinity};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs;

/// Threads of a QEMU whose part is known; all others are QEMU's own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Threads {
    /// By vCPU index (QMP `query-cpus-fast`).
    pub vcpus: Vec<u32>,
    /// In the order of QMP's `query-iothreads`.
    pub iothreads: Vec<u32>,
    /// The kernel's, which move the packets of NICs with vhost; by thread id.
    pub vhost: Vec<u32>,
}

/// Placement as it was found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Placement {
    /// CPUs on which each vCPU's thread may run, by vCPU index, as `cpulist` text.
    pub vcpus: Vec<String>,
    /// CPU on which each vCPU's thread was found (field 39 of `/proc/PID/task/TID/stat`).
    pub vcpus_last_on: Vec<Option<u32>>,
    /// CPUs on which each vhost thread may run.
    pub vhost: Vec<String>,
    /// CPUs on which each iothread may run.
    pub iothreads: Vec<String>,
    /// CPUs on which QEMU's other threads may run, one entry for each distinct list.
    pub others: Vec<String>,
    /// Pages of the guest's memory by node (`/proc/PID/numa_maps`, mappings with a bind policy, else the largest one).
    pub memory_pages: BTreeMap<u32, u64>,
    /// The memory policies found there, for example `bind:0`.
    pub memory_policy: String,
    /// Pages of bound mappings on other nodes than those that they are bound to.
    pub misbound_pages: u64,
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

/// Puts all threads of this process on CPUs; those that they start later inherit that. Gives where they then may run, an
/// entry for each distinct list, read back from the kernel.
pub fn pin_self(cpus: &[CpuId]) -> Vec<String> {
    let own = std::process::id();
    // A thread may start another one before it is moved itself.
    let mut moved = Vec::new();
    loop {
        let new: Vec<u32> = threads(own).into_iter().filter(|thread| !moved.contains(thread)).collect();
        if new.is_empty() {
            break;
        }
        for thread in &new {
            // One that has ended meanwhile is no trouble, and one that stayed is seen below.
            let _ = pin_thread(*thread, cpus);
        }
        moved.extend(new);
    }
    allowed_to(own)
}

/// Where the threads of a process may run, an entry for each distinct list, read back from the kernel.
pub fn allowed_to(pid: u32) -> Vec<String> {
    let mut lists: Vec<String> = threads(pid).iter().filter_map(|thread| allowed(pid, *thread)).collect();
    lists.sort_unstable();
    lists.dedup();
    lists
}

/// Puts the threads of a QEMU where they belong. Its other threads are there already: QEMU is started on
/// [`GuestPins::emulator`], and what it starts later inherits that.
///
/// # Errors
/// A thread that the kernel does not move, or fewer threads than planned.
pub fn apply(pins: &GuestPins, threads: &Threads) -> Result<(), String> {
    if threads.vcpus.len() < pins.vcpus.len() {
        let (have, want) = (threads.vcpus.len(), pins.vcpus.len());
        return Err(format!("pinning {want} vCPUs: QEMU has {have} vCPU threads"));
    }
    for ((_, cpu), thread) in pins.vcpus.iter().zip(&threads.vcpus) {
        pin_thread(*thread, &[*cpu])?;
    }
    for (kind, planned) in [(&threads.iothreads, &pins.iothreads), (&threads.vhost, &pins.vhost)] {
        for (i, thread) in kind.iter().enumerate() {
            // One that nobody planned for stays with QEMU.
            pin_thread(*thread, planned.get(i).unwrap_or(&pins.emulator))?;
        }
    }
    Ok(())
}

/// vhost threads of a QEMU process: threads of its own since Linux 6.4, the kernel's own before; named after it in both.
pub fn vhost_threads(pid: u32) -> Vec<u32> {
    let name = format!("vhost-{pid}\n");
    let is_one = |path: String| edge::read::kernel(path).is_ok_and(|comm| comm == name);
    let mut found: Vec<u32> =
        threads(pid).into_iter().filter(|t| is_one(format!("/proc/{pid}/task/{t}/comm"))).collect();
    if found.is_empty()
        && let Ok(entries) = fs::read_dir("/proc")
    {
        let numbers = entries.filter_map(|e| e.ok()?.file_name().to_str()?.parse::<u32>().ok());
        found.extend(numbers.filter(|p| is_one(format!("/proc/{p}/comm"))));
    }
    found.sort_unstable();
    found
}

/// Reads back where a QEMU process sits.
pub fn observe(pid: u32, known: &Threads) -> Placement {
    let unknown = || "unknown".to_owned();
    let lists = |threads: &[u32]| -> Vec<String> {
        threads.iter().map(|t| allowed(pid, *t).or_else(|| allowed(*t, *t)).unwrap_or_else(unknown)).collect()
    };
    let mut placement = Placement {
        vcpus: lists(&known.vcpus),
        vcpus_last_on: known.vcpus.iter().map(|t| last_cpu(pid, *t)).collect(),
        vhost: lists(&known.vhost),
        iothreads: lists(&known.iothreads),
        ..Placement::default()
    };
    let named = |t: &u32| [&known.vcpus, &known.vhost, &known.iothreads].iter().any(|k| k.contains(t));
    for thread in threads(pid).into_iter().filter(|t| !named(t)) {
        // A worker thread may end between the listing and the look.
        if let Some(list) = allowed(pid, thread)
            && !placement.others.contains(&list)
        {
            placement.others.push(list);
        }
    }
    placement.others.sort();
    let maps = edge::read::kernel(format!("/proc/{pid}/numa_maps")).unwrap_or_default();
    let memory = Memory::parse(&maps);
    placement.memory_policy = memory.policies.join(" ");
    (placement.memory_pages, placement.misbound_pages) = (memory.pages, memory.misbound);
    placement
}

fn threads(pid: u32) -> Vec<u32> {
    let Ok(entries) = fs::read_dir(format!("/proc/{pid}/task")) else { return Vec::new() };
    entries.filter_map(|e| e.ok()?.file_name().to_str()?.parse().ok()).collect()
}

fn allowed(pid: u32, thread: u32) -> Option<String> {
    let status = edge::read::kernel(format!("/proc/{pid}/task/{thread}/status")).ok()?;
    Some(status.lines().find_map(|l| l.strip_prefix("Cpus_allowed_list:"))?.trim().to_owned())
}

fn last_cpu(pid: u32, thread: u32) -> Option<u32> {
    let stat = edge::read::kernel(format!("/proc/{pid}/task/{thread}/stat")).ok()?;
    // The name in brackets may hold blanks; the field behind it is number 3.
    stat.rsplit_once(") ")?.1.split_whitespace().nth(36)?.parse().ok()
}

/// What `numa_maps` tells of the guest's memory (Documentation/admin-guide/mm/numa_memory_policy.rst, proc(5)).
#[derive(Debug, Default, PartialEq, Eq)]
struct Memory {
    /// Distinct policies, as written.
    policies: Vec<String>,
    /// Pages by node.
    pages: BTreeMap<u32, u64>,
    /// Pages on nodes that the policy of their mapping does not name.
    misbound: u64,
}

impl Memory {
    /// The mappings that are bound, else the largest one.
    fn parse(numa_maps: &str) -> Memory {
        let mut bound = Memory::default();
        let mut largest = Memory::default();
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
                bound.add(policy, &pages);
            } else if pages.values().sum::<u64>() > largest.pages.values().sum::<u64>() {
                largest = Memory { policies: vec![policy.to_owned()], pages, misbound: 0 };
            }
        }
        if bound.policies.is_empty() { largest } else { bound }
    }

    fn add(&mut self, policy: &str, pages: &BTreeMap<u32, u64>) {
        if !self.policies.iter().any(|p| p == policy) {
            self.policies.push(policy.to_owned());
        }
        // `bind:0`, `bind=static:0-1`; node lists have the syntax of CPU lists.
        let nodes = policy.split_once(':').and_then(|(_, nodes)| parse_cpu_list(nodes)).unwrap_or_default();
        for (node, count) in pages {
            *self.pages.entry(*node).or_insert(0) += count;
            if !nodes.contains(&CpuId(*node)) {
                self.misbound += count;
            }
        }
    }
}

impl Placement {
    /// What differs from the plan, in words; nothing when it holds.
    pub fn violations(&self, pins: &GuestPins) -> Vec<String> {
        let mut found = Vec::new();
        for (index, cpu) in &pins.vcpus {
            let have = self.vcpus.get(index.0 as usize).map_or("nowhere", String::as_str);
            if have != cpu.to_string() {
                found.push(format!("vCPU {index} may run on CPUs {have}, want {cpu}"));
            }
        }
        let within = |list: &String, want: &[CpuId]| {
            parse_cpu_list(list).is_some_and(|cpus| !cpus.is_empty() && cpus.iter().all(|c| want.contains(c)))
        };
        for (kind, have, planned) in
            [("vhost thread", &self.vhost, &pins.vhost), ("iothread", &self.iothreads, &pins.iothreads)]
        {
            for (i, list) in have.iter().enumerate() {
                let want = planned.get(i).unwrap_or(&pins.emulator);
                if !within(list, want) {
                    found.push(format!("{kind} {i} may run on CPUs {list}, want {}", cpu_list(want)));
                }
            }
        }
        for list in self.others.iter().filter(|list| !within(list, &pins.emulator)) {
            found.push(format!("a QEMU thread may run on CPUs {list}, want {}", cpu_list(&pins.emulator)));
        }
        found.extend(self.memory_violations(pins));
        found
    }

    fn memory_violations(&self, pins: &GuestPins) -> Vec<String> {
        let mut found = Vec::new();
        let nodes: Vec<CpuId> = pins.cells.iter().map(|c| CpuId(c.node.0)).collect();
        // A kernel without numa_maps tells nothing: that is recorded as an empty map, not called a violation.
        let elsewhere: u64 =
            self.memory_pages.iter().filter(|(n, _)| !nodes.contains(&CpuId(**n))).map(|(_, c)| c).sum();
        let want = cpu_list(&nodes);
        if !self.memory_pages.is_empty() && !self.memory_policy.starts_with("bind") {
            found.push(format!("guest memory has the policy {}, want bind:{want}", self.memory_policy));
        } else if elsewhere > 0 {
            found.push(format!("{elsewhere} pages of guest memory are not on node {want}"));
        } else if self.misbound_pages > 0 {
            let pages = self.misbound_pages;
            found.push(format!("{pages} pages of guest memory are not on the node that they are bound to"));
        }
        found
    }

    /// Where the threads may run, in one line.
    pub fn cpus(&self) -> String {
        let mut line = format!("vcpus {}", self.vcpus.join(" "));
        for (kind, lists) in
            [("vhost", &self.vhost), ("iothreads", &self.iothreads), ("others", &self.others)]
        {
            if !lists.is_empty() {
                line.push_str(&format!("; {kind} {}", lists.join(" ")));
            }
        }
        line
    }

    /// Where the memory is, in one line: policy and shares of the nodes. Their pages come and go as the host swaps.
    pub fn memory(&self) -> String {
        let all = self.memory_pages.values().sum::<u64>().max(1);
        let share =
            |(node, pages): (&u32, &u64)| format!("N{node}={:.0}%", *pages as f64 * 100.0 / all as f64);
        let shares: Vec<String> = self.memory_pages.iter().map(share).collect();
        format!("{} {}", self.memory_policy, shares.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::super::pin::Cell;
    use super::*;
    use model::{NodeId, VcpuIndex};

    const MAPS: &str = "55d0 default file=/usr/bin/qemu mapped=1000 N0=900 N1=100 kernelpagesize_kB=4\n\
                        7f00 bind:1 anon=131072 dirty=131072 N1=131072 kernelpagesize_kB=4\n7f01 default\n";

    #[test]
    fn memory_that_is_swapped_out_is_where_it_was() {
        let of = |pages: &[(u32, u64)]| Placement {
            memory_policy: "bind:0-1".into(),
            memory_pages: pages.iter().copied().collect(),
            ..Placement::default()
        };
        let (whole, swapped) = (of(&[(0, 98_304), (1, 32_768)]), of(&[(0, 98_101), (1, 32_701)]));
        assert_eq!(whole.memory(), "bind:0-1 N0=75% N1=25%");
        assert_eq!(swapped.memory(), whole.memory());
        assert_eq!(of(&[]).memory(), "bind:0-1 ");
    }

    #[test]
    fn bound_memory_is_what_counts_and_else_the_largest_mapping() {
        let memory = |policy: &str, pages: &[(u32, u64)], misbound| Memory {
            policies: vec![policy.into()],
            pages: pages.iter().copied().collect(),
            misbound,
        };
        assert_eq!(Memory::parse(MAPS), memory("bind:1", &[(1, 131_072)], 0));
        assert_eq!(
            Memory::parse("55d0 default N0=3\n55d1 default N0=5 N1=1\n"),
            memory("default", &[(0, 5), (1, 1)], 0)
        );
        assert_eq!(Memory::parse(""), Memory::default());
        let two = Memory::parse("1 bind:0 N0=5 N1=2\n2 bind=static:1 N1=7\n");
        assert_eq!(two.policies, ["bind:0", "bind=static:1"]);
        assert_eq!((two.pages, two.misbound), ([(0, 5), (1, 9)].into(), 2));
    }

    fn pins() -> GuestPins {
        let cell = |node, vcpu| Cell { node: NodeId(node), vcpus: vec![VcpuIndex(vcpu)], mem_mib: 1 };
        GuestPins {
            cells: vec![cell(1, 0)],
            vcpus: vec![(VcpuIndex(0), CpuId(5))],
            vhost: vec![vec![CpuId(3)]],
            iothreads: vec![vec![CpuId(2)]],
            emulator: vec![CpuId(4)],
        }
    }

    fn as_planned() -> Placement {
        Placement {
            vcpus: vec!["5".into()],
            vcpus_last_on: vec![Some(5)],
            vhost: vec!["3".into()],
            iothreads: vec!["2".into()],
            others: vec!["4".into()],
            memory_pages: [(1, 10)].into(),
            memory_policy: "bind:1".into(),
            misbound_pages: 0,
        }
    }

    #[test]
    fn each_difference_from_the_plan_is_said() {
        assert_eq!(as_planned().violations(&pins()), Vec::<String>::new());
        assert_eq!(as_planned().cpus(), "vcpus 5; vhost 3; iothreads 2; others 4");
        let bad = Placement {
            vcpus: vec!["0-7".into()],
            vhost: vec!["unknown".into()],
            iothreads: vec!["2-3".into()],
            others: vec!["3-4".into()],
            memory_pages: [(0, 2), (1, 8)].into(),
            ..as_planned()
        };
        let said = bad.violations(&pins());
        let want = [
            "vCPU 0 may run on CPUs 0-7, want 5",
            "vhost thread 0 may run on CPUs unknown, want 3",
            "iothread 0 may run on CPUs 2-3, want 2",
            "a QEMU thread may run on CPUs 3-4, want 4",
            "2 pages of guest memory are not on node 1",
        ];
        assert_eq!(said, want);
    }

    #[test]
    fn memory_that_is_bound_to_no_node_or_lies_elsewhere_than_bound_is_said() {
        let unbound = Placement { memory_policy: "default".into(), ..as_planned() };
        assert_eq!(unbound.violations(&pins()), ["guest memory has the policy default, want bind:1"]);
        let misbound = Placement { misbound_pages: 3, ..as_planned() };
        assert_eq!(
            misbound.violations(&pins()),
            ["3 pages of guest memory are not on the node that they are bound to"]
        );
        let untold =
            Placement { memory_pages: BTreeMap::new(), memory_policy: String::new(), ..as_planned() };
        assert_eq!(untold.violations(&pins()), Vec::<String>::new());
    }

    #[test]
    fn a_vcpu_without_a_thread_is_not_pinned_in_silence() {
        let error = apply(&pins(), &Threads::default()).unwrap_err();
        assert_eq!(error, "pinning 1 vCPUs: QEMU has 0 vCPU threads");
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
