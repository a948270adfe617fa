//! What a guest's interfaces have moved, as the agent tells it in Windows guests, too (`guest-network-get-interfaces`).

use serde::Deserialize;

/// One interface.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Interface {
    hardware_address: Option<String>,
    statistics: Option<Statistics>,
}

/// Its counters since it was made.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Statistics {
    rx_bytes: u64,
    rx_packets: u64,
    rx_errs: u64,
    rx_dropped: u64,
    tx_bytes: u64,
    tx_packets: u64,
    tx_errs: u64,
    tx_dropped: u64,
}

/// The lines of `/proc/net/dev` (proc(5)) for interfaces that have a hardware address, which is their name here: names of
/// Windows have blanks, and letters of every language. What the agent does not count is `-`.
pub(super) fn lines(interfaces: &[Interface]) -> String {
    let line = |interface: &Interface| {
        let (name, s) = (interface.hardware_address.as_ref()?, interface.statistics.as_ref()?);
        let received = format!("{} {} {} {} - - - -", s.rx_bytes, s.rx_packets, s.rx_errs, s.rx_dropped);
        let sent = format!("{} {} {} {} - - - -", s.tx_bytes, s.tx_packets, s.tx_errs, s.tx_dropped);
        Some(format!("{}: {received} {sent}\n", name.to_ascii_lowercase()))
    };
    interfaces.iter().filter_map(line).collect()
}
