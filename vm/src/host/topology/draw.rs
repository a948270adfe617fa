//! `perfvt doctor --topology`.

use super::machine::{Cache, Node, Topology};
use model::counted;
use model::ids::cpu_list;
use std::fmt::Write;

/// The host as text: each node with its packages, caches and cores, and what keeps CPUs from being used for guests.
pub fn draw(topology: &Topology) -> String {
    let mut text = String::new();
    for node in &topology.nodes {
        draw_node(&mut text, topology, node);
    }
    for (what, cpus) in [("isolated", &topology.isolated), ("without timer tick", &topology.nohz_full)] {
        if !cpus.is_empty() {
            let _ = writeln!(text, "{what}: CPUs {}", cpu_list(cpus));
        }
    }
    for nic in &topology.nics {
        let node = nic.node.map_or(String::new(), |n| format!(" on node {n}"));
        let cpus = match cpu_list(&nic.irq_cpus) {
            list if list.is_empty() => "no interrupts known".to_owned(),
            list => format!("interrupts on CPUs {list}"),
        };
        let _ = writeln!(text, "{}{node}: {cpus}", nic.name);
    }
    text
}

fn draw_node(text: &mut String, topology: &Topology, node: &Node) {
    let memory = match (node.memory, node.memory_mib) {
        (false, _) => "no memory".to_owned(),
        (true, Some(mib)) => format!("{mib} MiB"),
        (true, None) => "memory".to_owned(),
    };
    let huge: String = node
        .free_hugepages
        .iter()
        .filter(|(_, free)| *free > 0)
        .map(|(kib, free)| format!(", {free} free pages of {kib} KiB"))
        .collect();
    let distances: Vec<String> = node.distances.iter().map(ToString::to_string).collect();
    let distances =
        if distances.len() < 2 { String::new() } else { format!(", distances {}", distances.join(" ")) };
    let _ = writeln!(text, "node {}: {memory}{huge}{distances}", node.id);
    if node.cpus.is_empty() {
        let _ = writeln!(text, "    no usable CPUs");
    }
    let cores: Vec<_> = topology.cores.iter().filter(|c| c.node == node.id).collect();
    let mut packages: Vec<Option<u32>> = cores.iter().map(|c| c.package).collect();
    packages.sort_unstable();
    packages.dedup();
    for package in packages {
        let mine: Vec<_> = cores.iter().filter(|c| c.package == package).collect();
        let name = package.map_or_else(|| "cores".to_owned(), |p| format!("package {p}"));
        let lists: Vec<String> = mine.iter().map(|c| cpu_list(&c.cpus)).collect();
        let _ = writeln!(text, "    {name}: {} of CPUs {}", counted(lists.len(), "core"), lists.join(" | "));
    }
    for line in caches(topology, node) {
        let _ = writeln!(text, "    {line}");
    }
}

/// One line for each level: how many, how large, and which CPUs share them where more than a core does.
fn caches(topology: &Topology, node: &Node) -> Vec<String> {
    let here: Vec<&Cache> =
        topology.caches.iter().filter(|c| c.cpus.iter().any(|cpu| node.cpus.contains(cpu))).collect();
    let mut kinds: Vec<(u32, &str, u64)> =
        here.iter().map(|c| (c.level, c.kind.as_str(), c.size_kib)).collect();
    kinds.dedup();
    kinds
        .into_iter()
        .map(|(level, kind, size)| {
            let same: Vec<&Cache> = here
                .iter()
                .copied()
                .filter(|c| (c.level, c.kind.as_str(), c.size_kib) == (level, kind, size))
                .collect();
            let letter = match kind {
                "Data" => "d",
                "Instruction" => "i",
                _ => "",
            };
            let wide = same.iter().filter(|c| !of_one_core(topology, c));
            let shared: Vec<String> = wide.map(|c| cpu_list(&c.cpus)).collect();
            let shared = if shared.is_empty() {
                String::new()
            } else {
                format!(", shared by CPUs {}", shared.join(" | "))
            };
            format!("L{level}{letter}: {} x {size} KiB{shared}", same.len())
        })
        .collect()
}

fn of_one_core(topology: &Topology, cache: &Cache) -> bool {
    topology.cores.iter().any(|core| cache.cpus.iter().all(|cpu| core.cpus.contains(cpu)))
}
