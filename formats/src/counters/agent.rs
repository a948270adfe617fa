//! What a guest's interfaces have moved, as the guest agent tells it in Windows guests, too
//! (`guest-network-get-interfaces` of QEMU's qga/qapi-schema.json).

use super::{Counted, NetDev, Traffic};
use serde::Deserialize;

#[derive(Deserialize)]
struct Answer {
    #[serde(rename = "return")]
    interfaces: Vec<Interface>,
}

/// One interface.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Interface {
    hardware_address: Option<String>,
    statistics: Option<Statistics>,
}

/// Its counters since it was made.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Statistics {
    rx_bytes: u64,
    rx_packets: u64,
    tx_bytes: u64,
    tx_packets: u64,
}

/// Those that have a hardware address, which is their name here, in small letters: names of Windows have blanks, and letters
/// of every language.
pub(super) fn interfaces(answer: &str) -> Option<NetDev> {
    let Answer { interfaces } = serde_json::from_str(answer).ok()?;
    let mut found = NetDev::default();
    for interface in interfaces {
        let (Some(name), Some(counted)) = (interface.hardware_address, interface.statistics) else {
            continue;
        };
        let Statistics { rx_bytes, rx_packets, tx_bytes, tx_packets } = counted;
        let value = Traffic { rx_bytes, rx_packets, tx_bytes, tx_packets };
        found.add(&name.to_ascii_lowercase(), Counted { value, line: None });
    }
    Some(found)
}
