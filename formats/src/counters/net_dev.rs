//! `/proc/net/dev`: what interfaces moved.

use super::{Counted, Section};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Packets and bytes of one interface.
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

    /// Reads what stands behind an interface's name.
    fn of_columns(columns: &str) -> Option<Traffic> {
        let words: Vec<&str> = columns.split_whitespace().take(10).collect();
        // Whoever does not count what stands in the other columns may have no numbers there.
        let column = |index: usize| words.get(index)?.parse().ok();
        Some(Traffic {
            rx_bytes: column(0)?,
            rx_packets: column(1)?,
            tx_bytes: column(8)?,
            tx_packets: column(9)?,
        })
    }
}

/// What each interface moved.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NetDev {
    interfaces: BTreeMap<String, Counted<Traffic>>,
}

impl NetDev {
    /// What one of them moved; in a Windows guest it goes by its hardware address, in small letters.
    pub fn interface(&self, name: &str) -> Option<Counted<Traffic>> {
        self.interfaces.get(name).copied()
    }

    pub(super) fn add(&mut self, name: &str, moved: Counted<Traffic>) {
        let known = self.interfaces.entry(name.to_owned());
        known.and_modify(|known| known.line = None).or_insert(moved);
    }
}

impl Section for NetDev {
    const PATH: &'static str = "/proc/net/dev";

    fn line(&mut self, number: u32, line: &str) {
        // Names may have colons of their own, as hardware addresses do; numbers have none.
        let Some((name, columns)) = line.trim_start().rsplit_once(':') else { return };
        if let Some(value) = Traffic::of_columns(columns) {
            self.add(name, Counted { value, line: Some(number) });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn traffic_is_that_of_the_named_interface() {
        let text = "Inter-|   Receive\n face |bytes\n    lo:  1 2 0 0 0 0 0 0 3 4 0 0 0 0 0 0\n  eth0:100 20 0 0 0 0 0 0 300 40 0 0 0 0 0 0\n";
        let want = Traffic { rx_bytes: 100, rx_packets: 20, tx_bytes: 300, tx_packets: 40 };
        assert_eq!(NetDev::of(text).interface("eth0"), Some(Counted { value: want, line: Some(4) }));
        assert_eq!(NetDev::of(text).interface("eth1"), None);
        let other = "52:54:00:70:76:01: 100 20 0 - - - - - 300 40 0 0 - - - -\n";
        let moved = |text: &str| Some(NetDev::of(text).interface("52:54:00:70:76:01")?.value);
        assert_eq!(moved(other), Some(want));
        assert_eq!(moved(&other.replace("300", "-")), None);
    }

    #[test]
    fn an_interface_that_stands_twice_stands_on_no_line() {
        let line = "eth0: 1 2 0 0 0 0 0 0 3 4\n";
        let found = NetDev::of(&format!("{line}{}", line.replace('1', "9"))).interface("eth0").unwrap();
        assert_eq!((found.value.rx_bytes, found.line), (1, None));
    }
}
