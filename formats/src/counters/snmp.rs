//! `/proc/net/snmp`: counters of TCP and UDP.

use super::{Counted, Section};

/// Counters of TCP and UDP.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Snmp {
    retransmits: Wanted,
    datagrams: Wanted,
}

impl Snmp {
    /// Segments that TCP sent again: `RetransSegs`.
    pub fn tcp_retransmits(&self) -> Option<Counted<u64>> {
        self.retransmits.value
    }

    /// Datagrams handed to their receivers: `InDatagrams` of UDP. What found no room in a socket is not among them.
    pub fn udp_received(&self) -> Option<Counted<u64>> {
        self.datagrams.value
    }
}

/// A counter, found by its name: a protocol's first line has the names, its second the values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Wanted {
    lines: u32,
    column: Option<usize>,
    value: Option<Counted<u64>>,
}

impl Wanted {
    fn line(&mut self, number: u32, words: &str, name: &str) {
        self.lines = self.lines.saturating_add(1);
        match self.lines {
            1 => self.column = words.split_whitespace().position(|word| word == name),
            2 => {
                let word = self.column.and_then(|column| words.split_whitespace().nth(column));
                let value = word.and_then(|word| word.parse().ok());
                self.value = value.map(|value| Counted { value, line: Some(number) });
            }
            _ => {}
        }
    }
}

impl Section for Snmp {
    const PATH: &'static str = "/proc/net/snmp";

    fn line(&mut self, number: u32, line: &str) {
        match line.split_once(": ") {
            Some(("Tcp", words)) => self.retransmits.line(number, words, "RetransSegs"),
            Some(("Udp", words)) => self.datagrams.line(number, words, "InDatagrams"),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_are_found_by_their_names() {
        let tcp = "Ip: Forwarding\nIp: 1\nTcp: RtoAlgorithm MaxConn InErrs RetransSegs\nTcp: 1 -1 0 42\n";
        let found = Snmp::of(tcp);
        assert_eq!(found.tcp_retransmits(), Some(Counted { value: 42, line: Some(4) }));
        assert_eq!(found.udp_received(), None);
        assert_eq!(Snmp::of("Tcp: a b\n").tcp_retransmits(), None);
        let udp = "Udp: InDatagrams NoPorts InErrors\nUdp: 7 8 9\nUdpLite: InDatagrams\nUdpLite: 3\n";
        assert_eq!(Snmp::of(udp).udp_received(), Some(Counted { value: 7, line: Some(2) }));
    }
}
