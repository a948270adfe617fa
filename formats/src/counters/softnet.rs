//! `/proc/net/softnet_stat`: packets that found no room in the queue of a CPU.

use super::{Metric, Section, rate};

/// Packets that the network's softirq dropped because its queue was full.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Softnet {
    /// On all CPUs.
    pub drops: Option<u64>,
}

impl Section for Softnet {
    const PATH: &'static str = "/proc/net/softnet_stat";
    const METRICS: &'static [Metric<Softnet>] = &[Metric {
        name: "guest_softnet_drops",
        between: |earlier, later, seconds| rate(earlier.drops, later.drops, 1.0, seconds),
    }];

    /// A CPU's line is nothing but hexadecimal numbers of eight digits, and its second one counts what was dropped.
    fn line(&mut self, _: u32, line: &str) {
        let mut words = line.split_whitespace();
        let is_number = |word: &str| word.len() == 8 && word.bytes().all(|b| b.is_ascii_hexdigit());
        if words.clone().all(is_number) && words.clone().count() >= 9 {
            let dropped = words.nth(1).and_then(|word| u64::from_str_radix(word, 16).ok());
            self.drops =
                dropped.map(|dropped| self.drops.unwrap_or(0).saturating_add(dropped)).or(self.drops);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drops_are_summed_over_cpus() {
        let text = "00000010 00000002 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000\n\
                    000000ff 0000000a 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000\n";
        assert_eq!(Softnet::of(text).drops, Some(12));
        assert_eq!(Softnet::of("cpu 1\n\n00000010 00000002\n").drops, None);
    }
}
