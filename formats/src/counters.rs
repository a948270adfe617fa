//! Counters of the kernel as `/proc` and `/sys` print them (proc(5)), of the host and of guests alike.

use serde::{Deserialize, Serialize};

/// CPU time since boot in clock ticks, from the `cpu` line of `/proc/stat`.
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
    /// Reads the line that sums over all CPUs.
    pub fn parse(stat: &str) -> Option<CpuTicks> {
        let line = stat.lines().find_map(|l| l.strip_prefix("cpu "))?;
        let ticks: Vec<u64> = line.split_whitespace().map(|w| w.parse().ok()).collect::<Option<_>>()?;
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

/// The first number of a line of `/proc/stat`: `intr` (interrupts) or `ctxt` (context switches) since boot.
pub fn stat_value(stat: &str, name: &str) -> Option<u64> {
    let mut lines = stat.lines().map(str::split_whitespace);
    let mut words = lines.find(|words| words.clone().next() == Some(name))?.skip(1);
    words.next()?.parse().ok()
}

/// Packets that the network's softirq dropped because its queue was full, on all CPUs: the second column of
/// `/proc/net/softnet_stat`, whose lines are nothing but hexadecimal numbers of eight digits.
pub fn softnet_drops(text: &str) -> Option<u64> {
    let mut sum = None;
    for line in text.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let hexadecimal = |word: &&str| word.len() == 8 && word.bytes().all(|b| b.is_ascii_hexdigit());
        if words.len() >= 9 && words.iter().all(hexadecimal) {
            let dropped = u64::from_str_radix(words.get(1)?, 16).ok()?;
            sum = Some(sum.unwrap_or(0u64).saturating_add(dropped));
        }
    }
    sum
}

/// Microseconds in which some task waited for a resource, since boot: the total of the first `some` line of
/// `/proc/pressure/*` (the kernel's psi.rst).
pub fn pressure_total(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("some "))?;
    line.split_whitespace().find_map(|word| word.strip_prefix("total="))?.parse().ok()
}

/// How busy one CPU was between two readings of `/proc/stat`, in per cent: see [`CpuTicks::busy_percent_since`].
pub fn vcpu_busy_percent(before: &str, after: &str, cpu: u32) -> Option<f64> {
    let of = |stat: &str| {
        let line = stat.lines().find_map(|l| l.strip_prefix(&format!("cpu{cpu} ")))?;
        CpuTicks::parse(&format!("cpu {line}"))
    };
    of(after)?.busy_percent_since(&of(before)?)
}

/// `RetransSegs` of the `Tcp:` lines of `/proc/net/snmp`.
pub fn tcp_retransmits(snmp: &str) -> Option<u64> {
    of_protocol(snmp, "Tcp: ", "RetransSegs")
}

/// Datagrams handed to their receivers: `InDatagrams` of the `Udp:` lines of `/proc/net/snmp`. What found no room in a
/// socket is not among them.
pub fn udp_received(snmp: &str) -> Option<u64> {
    of_protocol(snmp, "Udp: ", "InDatagrams")
}

/// A value of `/proc/net/snmp`, found by its name: a protocol's first line has the names, its second the values.
fn of_protocol(snmp: &str, protocol: &str, name: &str) -> Option<u64> {
    let mut lines = snmp.lines().filter_map(|l| l.strip_prefix(protocol));
    let column = lines.next()?.split_whitespace().position(|word| word == name)?;
    lines.next()?.split_whitespace().nth(column)?.parse().ok()
}

/// Interrupts summed over CPUs and lines whose name ends in `-<what>` or `-<what>.<queue>` behind `virtio`:
/// `virtio0-input.0`, `virtio12-output.3`. `None` when there is no such line.
pub fn virtio_interrupts(interrupts: &str, what: &str) -> Option<u64> {
    let matches = |name: &str| {
        let Some((device, rest)) = name.split_once('-') else { return false };
        let number = device.strip_prefix("virtio").unwrap_or_default();
        !number.is_empty()
            && number.bytes().all(|b| b.is_ascii_digit())
            && rest.strip_prefix(what).is_some_and(|q| q.is_empty() || q.starts_with('.'))
    };
    let mut sum = None;
    for line in interrupts.lines() {
        let mut words = line.split_whitespace().skip(1);
        let counts: Vec<u64> = words.by_ref().map_while(|w| w.parse().ok()).collect();
        if line.split_whitespace().next_back().is_some_and(matches) {
            sum = Some(counts.iter().fold(sum.unwrap_or(0), |a: u64, b| a.saturating_add(*b)));
        }
    }
    sum
}

/// Packets and bytes of one interface out of `/proc/net/dev`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Traffic {
    /// Received bytes.
    pub rx_bytes: u64,
    /// Received packets.
    pub rx_packets: u64,
    /// Sent bytes.
    pub tx_bytes: u64,
    /// Sent packets.
    pub tx_packets: u64,
}

impl Traffic {
    /// The same as the other end of the cable counts it: what one end sends, the other receives.
    pub fn other_end(self) -> Traffic {
        Traffic {
            rx_bytes: self.tx_bytes,
            rx_packets: self.tx_packets,
            tx_bytes: self.rx_bytes,
            tx_packets: self.rx_packets,
        }
    }

    /// Reads the line of one interface.
    pub fn parse(net_dev: &str, interface: &str) -> Option<Traffic> {
        let line = net_dev
            .lines()
            .find_map(|l| l.trim_start().strip_prefix(interface).and_then(|rest| rest.strip_prefix(':')))?;
        // Whoever does not count what stands in the other columns may have no numbers there.
        let column = |index| line.split_whitespace().nth(index)?.parse().ok();
        Some(Traffic {
            rx_bytes: column(0)?,
            rx_packets: column(1)?,
            tx_bytes: column(8)?,
            tx_packets: column(9)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn busy_time_counts_waiting_and_stolen_time_and_guest_time_once() {
        let before = CpuTicks::parse("cpu  100 0 50 800 20 0 5 25 60 0\ncpu0 1 2 3\n").unwrap();
        assert_eq!(before, CpuTicks { idle: 800, steal: 25, total: 1000 });
        let after = CpuTicks::parse("cpu  160 0 60 820 30 0 5 25 90 0\n").unwrap();
        assert_eq!(after.busy_percent_since(&before), Some(80.0));
        assert_eq!(before.busy_percent_since(&before), None);
        let back = CpuTicks::parse("cpu  90 0 50 800 20 0 5 75 0 0").unwrap();
        assert_eq!(
            (after.steal_percent_since(&before), back.steal_percent_since(&before)),
            (Some(0.0), Some(100.0))
        );
        assert_eq!(CpuTicks::parse("cpu  1 2 x\n"), None);
    }

    #[test]
    fn one_cpu_is_told_from_the_others() {
        let before = "cpu  9 9 9 9 9 9 9 9\ncpu1 0 0 0 0 0 0 0 0\ncpu10 5 0 0 5 0 0 0 0\n";
        let after = "cpu  9 9 9 9 9 9 9 9\ncpu1 25 0 0 75 0 0 0 0\ncpu10 6 0 0 5 0 0 0 0\n";
        assert_eq!(vcpu_busy_percent(before, after, 1), Some(25.0));
        assert_eq!(vcpu_busy_percent(before, after, 10), Some(100.0));
        assert_eq!(vcpu_busy_percent(before, after, 2), None);
    }

    #[test]
    fn totals_of_the_kernel_are_found_among_other_counters() {
        let text = "now 5\ncpu  1 2 3 4 5 6 7 8 0 0\nintr 4711 9 9\nctxt 815\n  25: 1 2 x\n\
                    00000010 00000002 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000\n\
                    000000ff 0000000a 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000\n\
                    some avg10=1.00 avg60=0.10 avg300=0.00 total=99\nfull avg10=0.00 total=1\n";
        assert_eq!((stat_value(text, "intr"), stat_value(text, "ctxt")), (Some(4711), Some(815)));
        assert_eq!(softnet_drops(text), Some(12));
        assert_eq!(pressure_total(text), Some(99));
        assert_eq!((stat_value("", "ctxt"), softnet_drops("cpu 1"), pressure_total("")), (None, None, None));
    }

    #[test]
    fn retransmits_are_found_by_name() {
        let snmp = "Ip: Forwarding\nIp: 1\nTcp: RtoAlgorithm MaxConn InErrs RetransSegs\nTcp: 1 -1 0 42\n";
        assert_eq!(tcp_retransmits(snmp), Some(42));
        assert_eq!(tcp_retransmits("Tcp: a b\n"), None);
        let udp = "Udp: InDatagrams NoPorts InErrors\nUdp: 7 8 9\nUdpLite: InDatagrams\nUdpLite: 3\n";
        assert_eq!(udp_received(udp), Some(7));
    }

    #[test]
    fn interrupts_of_the_tenth_device_and_of_every_queue_are_counted() {
        let text = "           CPU0       CPU1\n  24:          0          7  PCI-MSI 65536-edge      virtio1-config\n  \
                    25:         10          1  PCI-MSI 65537-edge      virtio1-input.0\n  \
                    26:          5          0  PCI-MSI 65538-edge      virtio12-input.3\n  \
                    27:          2          2  PCI-MSI 65538-edge      virtio1-output.0\n NMI:          0          0   Non-maskable interrupts\n";
        assert_eq!(virtio_interrupts(text, "input"), Some(16));
        assert_eq!(virtio_interrupts(text, "output"), Some(4));
        assert_eq!(virtio_interrupts("  10:  3  IO-APIC  11-fasteoi  eth0\n", "input"), None);
    }

    #[test]
    fn traffic_is_that_of_the_named_interface() {
        let text = "Inter-|   Receive\n face |bytes\n    lo:  1 2 0 0 0 0 0 0 3 4 0 0 0 0 0 0\n  eth0:100 20 0 0 0 0 0 0 300 40 0 0 0 0 0 0\n";
        let want = Traffic { rx_bytes: 100, rx_packets: 20, tx_bytes: 300, tx_packets: 40 };
        assert_eq!(Traffic::parse(text, "eth0"), Some(want));
        assert_eq!(Traffic::parse(text, "eth1"), None);
        let other = "52:54:00:70:76:01: 100 20 0 - - - - - 300 40 0 0 - - - -\n";
        assert_eq!(Traffic::parse(other, "52:54:00:70:76:01"), Some(want));
        assert_eq!(Traffic::parse(&other.replace("300", "-"), "52:54:00:70:76:01"), None);
    }
}
