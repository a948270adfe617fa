//! `/proc/interrupts`: those of virtio devices.

use super::{Counted, Section};
use std::collections::BTreeMap;

/// Interrupts of virtio devices, summed over CPUs, devices and queues.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Interrupts {
    virtio: BTreeMap<String, Counted<u64>>,
}

impl Interrupts {
    /// Interrupts of lines whose name ends in `-<what>` or `-<what>.<queue>` behind `virtio`: `virtio0-input.0`,
    /// `virtio12-output.3`. `None` when there is no such line.
    pub fn virtio(&self, what: &str) -> Option<Counted<u64>> {
        self.virtio.get(what).copied()
    }
}

/// What the queue of a virtio device is for: `input` of `virtio1-input.0`.
fn queue(name: &str) -> Option<&str> {
    let (device, rest) = name.split_once('-')?;
    let number = device.strip_prefix("virtio")?;
    let is_number = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
    is_number.then(|| rest.split_once('.').map_or(rest, |(what, _)| what))
}

impl Section for Interrupts {
    const PATH: &'static str = "/proc/interrupts";

    fn line(&mut self, number: u32, line: &str) {
        let Some(what) = line.split_whitespace().next_back().and_then(queue) else { return };
        let counts = line.split_whitespace().skip(1).map_while(|word| word.parse::<u64>().ok());
        let sum = counts.fold(0, u64::saturating_add);
        let line = Some(number);
        let add = |known: &mut Counted<u64>| {
            *known = Counted { value: known.value.saturating_add(sum), line: None };
        };
        self.virtio.entry(what.to_owned()).and_modify(add).or_insert(Counted { value: sum, line });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interrupts_of_the_tenth_device_and_of_every_queue_are_counted() {
        let text = "           CPU0       CPU1\n  24:          0          7  PCI-MSI 65536-edge      virtio1-config\n  \
                    25:         10          1  PCI-MSI 65537-edge      virtio1-input.0\n  \
                    26:          5          0  PCI-MSI 65538-edge      virtio12-input.3\n  \
                    27:          2          2  PCI-MSI 65538-edge      virtio1-output.0\n NMI:          0          0   Non-maskable interrupts\n";
        let interrupts = Interrupts::of(text);
        assert_eq!(interrupts.virtio("input"), Some(Counted { value: 16, line: None }));
        assert_eq!(interrupts.virtio("output"), Some(Counted { value: 4, line: Some(5) }));
        assert_eq!(Interrupts::of("  10:  3  IO-APIC  11-fasteoi  eth0\n").virtio("input"), None);
    }
}
