//! Numbers that must not be mistaken for one another.

use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! index {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub u32);
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

index!(
    /// A logical CPU of the host, as the kernel numbers them (`/sys/devices/system/cpu/cpuN`).
    CpuId
);
index!(
    /// A virtual CPU of a guest, counted from 0 as QMP's `cpu-index` does.
    VcpuIndex
);
index!(
    /// A NUMA node of the host, as the kernel numbers them, counted from 0.
    NodeId
);

/// Writes CPUs the way the kernel's `cpulist` files do: `0-3,8`.
pub fn cpu_list(cpus: &[CpuId]) -> String {
    let mut sorted: Vec<u32> = cpus.iter().map(|c| c.0).collect();
    sorted.sort_unstable();
    sorted.dedup();
    let mut parts: Vec<String> = Vec::new();
    let mut i = 0;
    while i < sorted.len() {
        let start = sorted[i];
        while i + 1 < sorted.len() && sorted[i + 1] == sorted[i] + 1 {
            i += 1;
        }
        parts.push(if sorted[i] == start { start.to_string() } else { format!("{start}-{}", sorted[i]) });
        i += 1;
    }
    parts.join(",")
}

/// Reads a kernel `cpulist` (`0-3,8`); `None` when the text is not one. A blank text is an empty list.
///
/// Ranges of more than 65,536 CPUs are refused: no kernel prints them, and a hostile file would
/// otherwise ask for the memory.
pub fn parse_cpu_list(text: &str) -> Option<Vec<CpuId>> {
    let mut cpus = Vec::new();
    for part in text.trim().split(',').filter(|p| !p.is_empty()) {
        let (a, b) = part.split_once('-').unwrap_or((part, part));
        let (a, b): (u32, u32) = (a.trim().parse().ok()?, b.trim().parse().ok()?);
        if b < a || b - a > 65_536 {
            return None;
        }
        cpus.extend((a..=b).map(CpuId));
    }
    cpus.sort_unstable();
    cpus.dedup();
    Some(cpus)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_lists_read_back_as_written() {
        let cpus: Vec<CpuId> = [0, 1, 2, 5, 8, 9].map(CpuId).to_vec();
        assert_eq!(cpu_list(&cpus), "0-2,5,8-9");
        assert_eq!(parse_cpu_list("0-2,5,8-9\n"), Some(cpus));
        assert_eq!(parse_cpu_list("\n"), Some(vec![]));
        assert_eq!(parse_cpu_list("3-1"), None);
        assert_eq!(parse_cpu_list("0-4294967295"), None);
        assert_eq!(parse_cpu_list("a"), None);
    }
}
