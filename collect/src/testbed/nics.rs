//! A guest's NICs: up, with addresses, queues, and their interrupts where they belong.

use super::failures::odd;
use crate::environment::EnvironmentSpec;
use crate::lab::Failed;
use edge::quoted_end;
use model::Code;
use vm::deadlines::Step;
use vm::guest::channel::Status;
use vm::guest::hardware::Nic;
use vm::guest::machine::{GuestError, Machine};
use vm::guest::network::{Address, NFT, Network, Node, Plug, Topology};
use vm::guest::os::Os;
use vm::guest::spec::GuestSpec;
use vm::guest::windows;

/// A NIC that is up.
pub(super) struct Up {
    /// What its link calls it.
    pub(super) nic: String,
    /// The interface; in a Windows guest its hardware address, by which its agent's counters have it.
    pub(super) name: String,
    /// The address that DHCP gave it, where it had to.
    pub(super) leased: Option<Address>,
}

/// Brings a guest's NICs up, with queues and addresses, in the order of the links. It is the guest of that place in the network.
pub(super) fn bring_up(
    machine: &mut Machine,
    (network, guest): (&Network, usize),
    spec: Option<&GuestSpec>,
) -> Result<Vec<Up>, GuestError> {
    match machine.os {
        Os::Linux => bring_up_linux(machine, network, guest, spec),
        Os::Windows => bring_up_windows(machine, network, guest, spec),
    }
}

/// A Windows guest's NICs have addresses and MTUs; what else can be asked for is refused before anything is planned.
fn bring_up_windows(
    machine: &mut Machine,
    network: &Network,
    guest: usize,
    spec: Option<&GuestSpec>,
) -> Result<Vec<Up>, GuestError> {
    let mut all = Vec::new();
    for (index, link) in network.layout.links.iter().enumerate() {
        let mac = mac(network, guest, spec, index);
        let address = if guest == 0 { link.server } else { link.client };
        let unknown =
            || odd(format!("set ip_{}: Windows guests are given no address by DHCP here", link.nic));
        windows::set_nic(machine, &mac, address.ok_or_else(unknown)?, link.mtu)?;
        all.push(Up { nic: link.nic.clone(), name: mac.to_ascii_lowercase(), leased: None });
    }
    Ok(all)
}

/// The hardware address of a guest's NIC.
fn mac(network: &Network, guest: usize, spec: Option<&GuestSpec>, index: usize) -> String {
    let given = spec.and_then(|spec| spec.hardware.nics.get(index)?.mac);
    given.map_or_else(|| network.mac(guest, index), |mac| mac.to_string())
}

fn bring_up_linux(
    machine: &mut Machine,
    network: &Network,
    guest: usize,
    spec: Option<&GuestSpec>,
) -> Result<Vec<Up>, GuestError> {
    let listed = machine.run(&["ip", "-o", "link"], machine.soon())?;
    let mut all = Vec::new();
    for (index, link) in network.layout.links.iter().enumerate() {
        let mac = mac(network, guest, spec, index);
        let name = interface(&listed, &mac)
            .ok_or_else(|| odd(format!("the guest has no NIC {} ({mac}): {listed}", link.nic)))?;
        let address = if guest == 0 { link.server } else { link.client };
        let nic = spec.and_then(|spec| spec.hardware.nics.get(index));
        let (mtu, queues) = (link.mtu.to_string(), nic.map_or(1, |nic| nic.queues));
        if link.mtu != 1500 {
            machine.run(&["ip", "link", "set", "dev", &name, "mtu", &mtu], machine.soon())?;
        }
        if queues != 1 {
            // The driver begins with as many as there are vCPUs, and refuses more.
            machine.run(&["ethtool", "-L", &name, "combined", &queues.to_string()], machine.soon())?;
        }
        if let Some(address) = address.as_ref().map(Address::to_string) {
            machine.run(&["ip", "address", "replace", &address, "dev", &name], machine.soon())?;
        }
        machine.run(&["ip", "link", "set", "dev", &name, "up"], machine.soon())?;
        let vcpus = spec.and_then(|spec| spec.irq_vcpus.as_ref());
        if let (Some(vcpus), true) = (vcpus, nic.is_some_and(Nic::is_virtio)) {
            steer_interrupts(machine, &name, vcpus)?;
        }
        let leased = match (address, &link.device) {
            (None, Some(device)) => Some(lease(machine, &name, &link.nic, device)?),
            _ => None,
        };
        all.push(Up { nic: link.nic.clone(), name, leased });
    }
    Ok(all)
}

/// Tells a machine its name, those of the others, and the ways between their networks.
pub(super) fn settle_in(machine: &mut Machine, topology: &Topology, index: usize) -> Result<(), GuestError> {
    let Some(node) = topology.machines.get(index) else { return Ok(()) };
    let Node { name, forwards, routes, .. } = node;
    let soon = machine.soon();
    machine.run(&["hostname", name], soon)?;
    machine.put("/etc/hosts", "644", topology.hosts(index).as_bytes())?;
    if *forwards {
        machine.run(&["sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward"], soon)?;
    }
    for route in routes {
        let to = route.to.map_or_else(|| "default".to_owned(), |to| to.to_string());
        machine.run(&["ip", "route", "replace", &to, "via", &route.via.to_string()], soon)?;
    }
    match node.nics.last() {
        Some(outside) if node.translates => translate(machine, name, outside),
        _ => Ok(()),
    }
}

/// Tells one of two built-in guests its name and that of the other one. Guests of the user's keep the names that they have, and an
/// address that somebody else gives is not known here.
pub(super) fn acquaint(
    machine: &mut Machine,
    spec: &EnvironmentSpec,
    guest: usize,
) -> Result<(), GuestError> {
    let (Some(own), Some(link)) = (spec.guests.get(guest), spec.layout.links.first()) else { return Ok(()) };
    let (Some(server), Some(client)) = (link.server, link.client) else { return Ok(()) };
    let [first, second] = &spec.guests[..] else { return Ok(()) };
    if spec.topology.is_some() || own.own().is_some() {
        return Ok(());
    }
    machine.run(&["hostname", &own.name], machine.soon())?;
    let hosts = format!("127.0.0.1 localhost\n{} {}\n{} {}\n", server.ip, first.name, client.ip, second.name);
    machine.put("/etc/hosts", "644", hosts.as_bytes())
}

/// Gives what leaves by a NIC the address of that.
fn translate(machine: &mut Machine, name: &str, outside: &Plug) -> Result<(), GuestError> {
    let limit = machine.deadlines().within(Step::Settle);
    let listed = machine.run(&["ip", "-o", "link"], machine.soon())?;
    let mac = outside.mac.to_string();
    let interface = interface(&listed, &mac)
        .ok_or_else(|| odd(format!("the guest has no NIC with the address {mac}: {listed}")))?;
    let table = "add table ip perfvt; flush table ip perfvt; \
                 add chain ip perfvt out { type nat hook postrouting priority 100; }";
    let rule = [NFT, "add", "rule", "ip", "perfvt", "out", "oifname", &interface, "masquerade"];
    for argv in [&["perfvt-load", "nft_chain_nat", "nft_masq"][..], &[NFT, table], &rule] {
        let reply = machine.exec(argv, limit)?;
        if reply.status != Status::Exit(0) {
            let said = String::from_utf8_lossy(&reply.stderr);
            return Err(odd(format!(
                "{name} cannot translate addresses (nat_{name}=yes; {}): its kernel needs nf_tables with nft_chain_nat and \
                 nft_masq, and nft has to run there; another machine without nat can have routes instead",
                quoted_end(&said)
            )));
        }
    }
    Ok(())
}

/// Puts the interrupts of a virtio NIC's queues on vCPUs, and makes sure that they are there.
fn steer_interrupts(machine: &mut Machine, interface: &str, vcpus: &str) -> Result<(), GuestError> {
    let device = machine.run(&["readlink", &format!("/sys/class/net/{interface}/device")], machine.soon())?;
    let device = device.trim().rsplit('/').next().unwrap_or_default().to_owned();
    let interrupts = machine.read(&["/proc/interrupts"], machine.soon())?;
    for number in queue_interrupts(&interrupts, &device) {
        let file = format!("/proc/irq/{number}/smp_affinity_list");
        machine.run(&["sh", "-c", "echo \"$1\" > \"$2\"", "sh", vcpus, &file], machine.soon())?;
        let found = machine.read(&[&file], machine.soon())?;
        if found.trim() != vcpus {
            let (number, found) = (number.to_string(), found.trim());
            return Err(odd(format!("interrupt {number} of {interface} is on vCPUs {found}, want {vcpus}")));
        }
    }
    Ok(())
}

/// The interrupts of a virtio device's queues in `/proc/interrupts`: `virtio1-input.0`, `virtio1-output.0`.
fn queue_interrupts(interrupts: &str, device: &str) -> Vec<u32> {
    let of_queue = |line: &str| {
        let queue = line.split_whitespace().next_back()?.strip_prefix(device)?.strip_prefix('-')?;
        let is_queue = queue.starts_with("input.") || queue.starts_with("output.");
        is_queue.then(|| line.trim_start().split_once(':')?.0.parse().ok()).flatten()
    };
    interrupts.lines().filter_map(of_queue).collect()
}

/// The interface with a hardware address, in what `ip -o link` prints.
fn interface(listed: &str, mac: &str) -> Option<String> {
    let line = listed.lines().find(|line| line.contains(mac))?;
    let name = line.split_whitespace().nth(1)?.trim_end_matches(':');
    Some(name.split('@').next()?.to_owned())
}

/// What udhcpc(8) runs when it has an address: it sets that, keeps a route that is there, and says the address.
const LEASE_SCRIPT: &str = "#!/bin/sh\n[ \"$1\" = bound ] || exit 0\n\
    ip address replace \"$ip/${mask:-24}\" dev \"$interface\" || exit 1\n\
    [ -z \"$router\" ] || ip route add default via \"${router%% *}\" dev \"$interface\" 2>/dev/null\n\
    echo \"leased $ip/${mask:-24}\"\n";
/// Where it lies in the guest.
const LEASE_FILE: &str = "/run/perfvt-dhcp";

/// Asks for an address by DHCP on a NIC that is up.
fn lease(machine: &mut Machine, interface: &str, nic: &str, device: &str) -> Result<Address, GuestError> {
    machine.put(LEASE_FILE, "755", LEASE_SCRIPT.as_bytes())?;
    // One a second: a bridge that has just got a port may keep it silent for some.
    let limit = machine.deadlines().within(Step::Lease);
    let seconds = limit.as_secs().max(1);
    let tries = seconds.to_string();
    let ask =
        ["busybox", "udhcpc", "-f", "-n", "-q", "-i", interface, "-s", LEASE_FILE, "-t", &tries, "-T", "1"];
    let reply = machine.exec(&ask, limit + machine.soon())?;
    let said = String::from_utf8_lossy(&reply.stdout).into_owned();
    if let (Status::Exit(0), Some(address)) = (reply.status, leased(&said)) {
        return Ok(address);
    }
    let complaint = String::from_utf8_lossy(&reply.stderr);
    let complaint = quoted_end(&complaint);
    Err(GuestError::Died(Failed::new(
        Code::NetworkLost,
        format!(
            "nobody gave the guest an address by DHCP on {device} within {seconds} s ({complaint}); set \
             ip_{nic}=ADDRESS/LENGTH to a free one of its network"
        ),
    )))
}

/// The address in what [`LEASE_SCRIPT`] says.
fn leased(said: &str) -> Option<Address> {
    said.lines().find_map(|line| Address::parse(line.strip_prefix("leased ")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_queues_of_the_device_are_steered() {
        let text = "  24:  0  PCI-MSI 1-edge  virtio1-config\n  25:  9  PCI-MSI 2-edge  virtio1-input.0\n  \
                    26:  9  PCI-MSI 3-edge  virtio1-output.0\n  27:  9  PCI-MSI 3-edge  virtio10-input.0\n";
        assert_eq!(queue_interrupts(text, "virtio1"), [25, 26]);
        assert_eq!(queue_interrupts(text, "virtio10"), [27]);
    }

    #[test]
    fn interfaces_are_found_by_their_hardware_address() {
        let listed = "1: lo: <LOOPBACK> mtu 65536 qdisc noqueue\\    link/loopback 00:00:00:00:00:00 brd 00:00\n\
                      2: eth1: <BROADCAST> mtu 1500 \\    link/ether 52:54:00:70:76:01 brd ff:ff\n\
                      3: eth0@if7: <BROADCAST> mtu 1500 \\    link/ether 52:54:00:70:76:02 brd ff:ff\n";
        assert_eq!(interface(listed, "52:54:00:70:76:01").as_deref(), Some("eth1"));
        assert_eq!(interface(listed, "52:54:00:70:76:02").as_deref(), Some("eth0"));
        assert_eq!(interface(listed, "52:54:00:70:76:03"), None);
    }

    #[test]
    fn the_address_of_a_lease_is_read_and_anything_else_is_not_one() {
        assert_eq!(leased("x\nleased 10.78.0.40/16\n").unwrap().to_string(), "10.78.0.40/16");
        for said in ["", "leased", "leased /24", "leased 10.78.0.40/99", "10.78.0.40"] {
            assert_eq!(leased(said), None, "{said}");
        }
    }
}
