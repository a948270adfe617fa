//! Hardware addresses.

use std::fmt;

/// The hardware address of a NIC: of one NIC alone, not of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mac([u8; 6]);

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

impl Mac {
    /// That of whoever watches a guest from outside: no NIC of a scenario has it.
    pub(super) const OBSERVER: Mac = Mac([0x52, 0x54, 0x00, 0x70, 0x76, 0xfd]);

    /// That of programs of this host that are led to a guest at a switch.
    pub(super) const LEAD: Mac = Mac([0x52, 0x54, 0x00, 0x70, 0x76, 0xfc]);

    /// Its six bytes.
    pub(super) fn bytes(self) -> [u8; 6] {
        self.0
    }

    /// Reads `52:54:00:12:34:56`. The address of a group (the lowest bit of the first byte) and that of nobody are none.
    pub fn parse(text: &str) -> Option<Mac> {
        let mut bytes = [0; 6];
        let mut parts = text.trim().split(':');
        for byte in &mut bytes {
            let part =
                parts.next().filter(|part| part.len() == 2 && part.bytes().all(|b| b.is_ascii_hexdigit()))?;
            *byte = u8::from_str_radix(part, 16).ok()?;
        }
        let [first, ..] = bytes;
        (parts.next().is_none() && first & 1 == 0 && bytes != [0; 6]).then_some(Mac(bytes))
    }

    /// That of a machine in a network of a topology, by their numbers: the same in every boot.
    pub fn of(network: u8, machine: u8) -> Mac {
        Mac([0x52, 0x54, 0x00, 0x70, network, machine])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_six_bytes_of_one_nic_and_nothing_else() {
        assert_eq!(Mac::parse(" 52:54:00:AB:00:01 ").unwrap().to_string(), "52:54:00:ab:00:01");
        assert_eq!(Mac::of(2, 3).to_string(), "52:54:00:70:02:03");
        for bad in [
            "",
            "52:54:00:ab:00",
            "52:54:00:ab:00:01:02",
            "53:54:00:ab:00:01",
            "00:00:00:00:00:00",
            "52:54:00:ab:00:1",
            "52-54-00-ab-00-01",
            "+2:54:00:ab:00:01",
            "52:54:00:ab:00:zz",
        ] {
            assert_eq!(Mac::parse(bad), None, "{bad}");
        }
    }
}
