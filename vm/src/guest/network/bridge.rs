//! Bridges of the host that are there already: whether guests can be plugged into them.

use super::ip::{ip, ip_json};
use super::{Address, NetworkError};
use process::ProcessError;
use serde_json::Value;
use std::net::{IpAddr, Ipv4Addr};

/// Whether this user may make taps on the host itself.
pub(super) fn own_taps() -> Result<(), ProcessError> {
    let name = format!("pvttry{}", std::process::id() % 1_000_000);
    ip(None, &["tuntap", "add", "dev", &name, "mode", "tap"])?;
    ip(None, &["tuntap", "del", "dev", &name, "mode", "tap"])
}

/// Whether this host has a network device of that name. `/sys` may be that of another network namespace; where the kernel does not
/// tell, `ip` is asked.
pub(super) fn exists(device: &str) -> bool {
    let named = |line: &str| line.split_once(':').is_some_and(|(name, _)| name.trim() == device);
    edge::read::kernel("/proc/self/net/dev").map_or(true, |text| text.lines().any(named))
}

/// Where distributions keep QEMU's helper, and who may use it for what.
const HELPERS: [&str; 3] = [
    "/usr/lib/qemu/qemu-bridge-helper",
    "/usr/libexec/qemu-bridge-helper",
    "/usr/local/libexec/qemu-bridge-helper",
];
const HELPER_RULES: &str = "/etc/qemu/bridge.conf";

/// Makes sure that a bridge is there, up, wide enough, and that taps can be plugged into it.
pub(super) fn check_bridge(bridge: &str, mtu: u32) -> Result<(), NetworkError> {
    let refused = |text: String| Err(NetworkError::Refused(text));
    if !exists(bridge) {
        // What avocado-vt's `netdst = private` means is no name.
        let private = match bridge {
            "private" => " (avocado-vt calls a bridge that it makes itself so)",
            _ => "",
        };
        return refused(format!(
            "bridge {bridge}: this host has no such device{private}; name one that is there, or leave it out: net=tap has a \
             bridge of perfvt's own"
        ));
    }
    let found = ip_json(&["-details", "link", "show", "dev", bridge])
        .map_err(|e| NetworkError::Refused(format!("bridge {bridge}: {e}")))?;
    let Some(device) = found.get(0) else {
        return refused(format!("bridge {bridge}: `ip` says nothing of it"));
    };
    if device.pointer("/linkinfo/info_kind").and_then(Value::as_str) != Some("bridge") {
        return refused(format!("{bridge} is no bridge"));
    }
    let flags = device.get("flags").and_then(Value::as_array).cloned().unwrap_or_default();
    if !flags.iter().any(|flag| flag == "UP") {
        return refused(format!("bridge {bridge} is down: ip link set {bridge} up"));
    }
    let carries = device.get("mtu").and_then(Value::as_u64).unwrap_or(0);
    if carries < u64::from(mtu) {
        return refused(format!(
            "bridge {bridge} carries packets of {carries} bytes and mtu is {mtu}; perfvt changes nothing of a bridge that \
             is there already"
        ));
    }
    let Err(error) = own_taps() else { return Ok(()) };
    let rules = edge::read_text(HELPER_RULES, edge::read::CONFIG).unwrap_or_default();
    if HELPERS.iter().any(|path| std::path::Path::new(path).exists()) && helper_allows(&rules, bridge) {
        return Ok(());
    }
    refused(format!(
        "taps cannot be plugged into {bridge}: {error}; run as root, or have `allow {bridge}` in {HELPER_RULES} with \
         qemu-bridge-helper setuid root, or use net=tap, which has a bridge of its own"
    ))
}

/// Whether qemu-bridge-helper's rules allow a bridge: some `allow` fits and no `deny` does.
fn helper_allows(rules: &str, bridge: &str) -> bool {
    let fits = |verb: &str| {
        rules.lines().any(|line| {
            let mut words = line.split_whitespace();
            words.next() == Some(verb) && words.next().is_some_and(|name| name == bridge || name == "all")
        })
    };
    fits("allow") && !fits("deny")
}

/// The host's own address on a bridge, in the network of the guest's.
pub(super) fn host_address(bridge: &str, guest: Address) -> Result<IpAddr, NetworkError> {
    let found = ip_json(&["-4", "address", "show", "dev", bridge])?;
    let addresses = found.pointer("/0/addr_info").and_then(Value::as_array).cloned().unwrap_or_default();
    let here = addresses
        .iter()
        .filter_map(|info| info.get("local")?.as_str()?.parse::<Ipv4Addr>().ok())
        .find(|ip| guest.reaches(*ip) && *ip != guest.ip);
    here.map(IpAddr::V4).ok_or_else(|| {
        NetworkError::Refused(format!(
            "this host has no address in the network of {guest} on bridge {bridge}, so a client here does not reach the guest"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_helpers_rules_are_read_as_it_reads_them() {
        assert!(helper_allows("# x\nallow virbr0\n", "virbr0"));
        assert!(helper_allows("allow all\n", "br7"));
        assert!(!helper_allows("allow all\ndeny br7\n", "br7"));
        assert!(!helper_allows("", "br7") && !helper_allows("allow br70", "br7"));
    }

    #[test]
    fn a_bridge_that_is_none_is_refused() {
        let error = check_bridge("lo", 1500).unwrap_err().to_string();
        assert_eq!(error, "lo is no bridge");
        assert!(check_bridge("pvtnosuchbr", 1500).unwrap_err().to_string().contains("bridge pvtnosuchbr: "));
        let private = check_bridge("private", 1500).unwrap_err().to_string();
        assert!(
            private.contains("avocado-vt calls a bridge that it makes itself so")
                && private.contains("net=tap")
        );
    }
}
