//! Who is where: the ports behind which addresses were seen.

use std::collections::{HashMap, VecDeque};

/// A hardware address.
pub(crate) type Address = [u8; 6];

/// A port may have so many addresses; the one that was seen first is forgotten for another one. So whoever makes up addresses forgets
/// his own.
pub(crate) const OF_A_PORT: usize = 256;
/// What has not been heard of for so long is forgotten, as bridges do (IEEE 802.1D, 7.9.2).
const AGES_NS: u64 = 300_000_000_000;

/// The addresses of one network.
#[derive(Debug, Default)]
pub(crate) struct Table {
    places: HashMap<Address, (usize, u64)>,
    /// The addresses of each port, as they came.
    order: HashMap<usize, VecDeque<Address>>,
}

impl Table {
    /// Notes that an address was seen at a port, and tells at which one it was before, when it has moved.
    pub(crate) fn learn(&mut self, address: Address, port: usize, now: u64) -> Option<usize> {
        let mut moved = None;
        if let Some((known, seen)) = self.places.get_mut(&address) {
            if *known == port {
                *seen = now;
                return None;
            }
            let before = *known;
            moved = Some(before);
            if let Some(order) = self.order.get_mut(&before) {
                order.retain(|other| *other != address);
            }
        }
        let order = self.order.entry(port).or_default();
        if order.len() >= OF_A_PORT
            && let Some(oldest) = order.pop_front()
        {
            self.places.remove(&oldest);
        }
        order.push_back(address);
        self.places.insert(address, (port, now));
        moved
    }

    /// The port behind which an address is.
    pub(crate) fn port(&self, address: &Address, now: u64) -> Option<usize> {
        let (port, seen) = self.places.get(address)?;
        (now.saturating_sub(*seen) < AGES_NS).then_some(*port)
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.places.len()
    }
}
