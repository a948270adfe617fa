//! IPv4 addresses of guests and of what they talk to.

use std::fmt;
use std::net::Ipv4Addr;

/// An IPv4 address with the length of its network's prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Address {
    /// The address.
    pub ip: Ipv4Addr,
    /// Bits of the network, 8 to 30.
    pub prefix: u8,
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.ip, self.prefix)
    }
}

impl Address {
    /// Reads `192.168.1.2/24`; without a length it is 24.
    pub fn parse(text: &str) -> Option<Address> {
        let (ip, prefix) = text.trim().split_once('/').unwrap_or((text.trim(), "24"));
        let address = Address { ip: ip.parse().ok()?, prefix: prefix.parse().ok()? };
        let host = u32::from(address.ip) & address.host_mask();
        let usable = (8..=30).contains(&address.prefix) && host != 0 && host != address.host_mask();
        usable.then_some(address)
    }

    /// Whether another address is in the same network.
    pub fn reaches(&self, ip: Ipv4Addr) -> bool {
        u32::from(self.ip) & !self.host_mask() == u32::from(ip) & !self.host_mask()
    }

    fn host_mask(&self) -> u32 {
        u32::MAX.checked_shr(u32::from(self.prefix)).unwrap_or(0)
    }

    /// The first other address of the same network.
    pub fn neighbour(&self) -> Address {
        let network = u32::from(self.ip) & !self.host_mask();
        let first = Ipv4Addr::from(network | 1);
        let ip = if first == self.ip { Ipv4Addr::from(network | 2) } else { first };
        Address { ip, prefix: self.prefix }
    }

    /// The first address of the same network that is neither this one nor another; `None` where the network has two.
    pub fn third(&self, other: Ipv4Addr) -> Option<Address> {
        let network = u32::from(self.ip) & !self.host_mask();
        let all = (1..=3).map(|host| Address { ip: Ipv4Addr::from(network | host), prefix: self.prefix });
        let mut free = all.filter(|address| address.ip != self.ip && address.ip != other);
        free.next().filter(|_| self.host_mask() > 3)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_other_end_is_the_first_other_address_of_the_network() {
        let other = |text: &str| Address::parse(text).unwrap().neighbour().to_string();
        assert_eq!(other("192.168.100.2"), "192.168.100.1/24");
        assert_eq!(other("192.168.100.1/24"), "192.168.100.2/24");
        assert_eq!(other("10.1.200.9/16"), "10.1.0.1/16");
        let third = |text: &str| {
            let address = Address::parse(text).unwrap();
            address.third(address.neighbour().ip).map(|address| address.to_string())
        };
        assert_eq!(third("192.168.100.1"), Some("192.168.100.3/24".into()));
        assert_eq!(third("192.168.100.9"), Some("192.168.100.2/24".into()));
        assert_eq!(third("10.0.0.1/30"), None);
        for bad in ["10.0.0.0/24", "10.0.0.255/24", "10.0.0.1/31", "10.0.0.1/7", "10.0.0", "10.0.0.1/x"] {
            assert_eq!(Address::parse(bad), None, "{bad}");
        }
    }
}
