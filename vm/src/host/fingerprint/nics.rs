//! Offloads, rings and coalescing, out of what ethtool(8) prints: there is no file that tells them.

use super::squeezed;
use crate::host::topology::Topology;
use model::Fingerprint;
use model::ids::cpu_list;
use process::deadlines::HOST_ANSWER;
use process::{Spec, run};

/// Facts of the host's NICs that are up: interrupts from the topology, the rest from ethtool where the host has it.
pub fn host_nics(topology: &Topology) -> Fingerprint {
    let mut facts = Fingerprint::default();
    for nic in topology.nics.iter().filter(|nic| !nic.irq_cpus.is_empty()) {
        let name = &nic.name;
        facts.set(format!("host.nic.{name}.irq_cpus"), cpu_list(&nic.irq_cpus));
        let ethtool = |flag: &str| {
            let out = run(Spec::new("ethtool").arg(flag).arg(name), HOST_ANSWER);
            String::from_utf8_lossy(&out.unwrap_or_default()).into_owned()
        };
        facts.set(format!("host.nic.{name}.offloads"), offloads(&ethtool("-k")));
        facts.set(format!("host.nic.{name}.rings"), rings(&ethtool("-g")));
        facts.set(format!("host.nic.{name}.coalescing"), coalescing(&ethtool("-c")));
    }
    facts
}

/// `ethtool -k`: the features that are on, without those that cannot be changed.
pub fn offloads(text: &str) -> String {
    let on = text.lines().filter_map(|l| {
        let (name, state) = l.trim().split_once(": ")?;
        (state.trim() == "on").then_some(name)
    });
    on.collect::<Vec<_>>().join(" ")
}

/// `ethtool -g`: the current settings, behind the maxima.
pub fn rings(text: &str) -> String {
    let (_, current) = text.split_once("Current hardware settings:").unwrap_or(("", ""));
    numbers(current)
}

/// `ethtool -c`: what is set, zeros and what the driver does not know left out.
pub fn coalescing(text: &str) -> String {
    numbers(text)
}

/// `name: 5` lines as `name=5`.
fn numbers(text: &str) -> String {
    let set = text.lines().filter_map(|l| {
        let (name, value) = l.split_once(':')?;
        let value = value.trim().parse::<u64>().ok().filter(|v| *v > 0)?;
        Some(format!("{}={value}", squeezed(name).replace(' ', "-").to_lowercase()))
    });
    set.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ethtool_prints_becomes_short_facts() {
        let k = "Features for eth0:\nrx-checksumming: on [fixed]\ntx-checksumming: on\n\ttx-checksum-ipv4: off [fixed]\n\
                 scatter-gather: on\ngeneric-receive-offload: off\n";
        assert_eq!(offloads(k), "tx-checksumming scatter-gather");
        let g = "Ring parameters for eth0:\nPre-set maximums:\nRX:\t\t1024\nTX:\t\t1024\nCurrent hardware settings:\n\
                 RX:\t\t256\nRX Mini:\tn/a\nTX:\t\t512\n";
        assert_eq!(rings(g), "rx=256 tx=512");
        assert_eq!(rings("netlink error: Operation not supported\n"), "");
        let c = "Coalesce parameters for eth0:\nAdaptive RX: off  TX: off\nstats-block-usecs:\tn/a\nrx-usecs:\t3\ntx-frames: 0\n";
        assert_eq!(coalescing(c), "rx-usecs=3");
    }
}
