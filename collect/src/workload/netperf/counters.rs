//! What a guest counts beside netperf: packets, bytes, interrupts, retransmissions.

use super::windows;
use formats::counters::{Counted, Counters, Traffic};
use model::Params;

/// Reads one of a guest's counters.
pub(super) type ReadCounter<'a> = Box<dyn Fn(&Counters) -> Option<Counted<u64>> + 'a>;

/// The guest's counters that a case has as values of its own.
pub(super) fn counters_of<'a>(interface: &'a str, params: &Params) -> Vec<(&'static str, ReadCounter<'a>)> {
    let moved = |read: fn(&Traffic) -> u64| -> ReadCounter<'a> {
        Box::new(move |counters| {
            let Counted { value, line } = counters.net_dev.interface(interface)?;
            Some(Counted { value: read(&value), line })
        })
    };
    let interrupts = |what: &'static str| -> ReadCounter<'a> {
        Box::new(move |counters| counters.interrupts.virtio(what))
    };
    let mut all: Vec<(&'static str, ReadCounter<'a>)> = vec![
        ("rx_pkts", moved(|t| t.rx_packets)),
        ("tx_pkts", moved(|t| t.tx_packets)),
        ("rx_byts", moved(|t| t.rx_bytes)),
        ("tx_byts", moved(|t| t.tx_bytes)),
    ];
    if windows::serves(params) {
        return all;
    }
    all.push(("re_pkts", Box::new(|counters| counters.snmp.tcp_retransmits())));
    if params.get("nic_model") == Some("virtio_net") {
        all.extend([("rx_intr_sum", interrupts("input")), ("tx_intr_sum", interrupts("output"))]);
    }
    all
}
