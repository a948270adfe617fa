//! Machines on networks of their own: `vms`, and of each machine the networks that it is in and the ways to others.

use super::error::LayoutError;
use super::given;
use super::link::{refuse_strangers, shape, vde};
use super::neighbour::wanted;
use super::reach::{mtu, needs_tap, reach};
use crate::parameters::{is_machine, without_objects};
use model::{Origin, Param, Params, ParamsError};
use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use vm::guest::network::{Kind, Mac, NetworkId, Node, Plug, Prefix, Route, Topology, server_first};

/// The key that lists machines.
pub const VMS: &str = "vms";
/// The key that says which networks a machine is in.
pub(super) const VLANS: &str = "vlans";

/// The key that hides networks behind a machine.
const NAT: &str = "nat";

/// So many machines are booted on one host.
const MOST_MACHINES: usize = 32;

/// What `vlans` may hold.
const NETWORKS: &str =
    "numbers of networks, 1 to 254, each once, and user for QEMU's user-mode network, such as 1 2";

/// Whether parameters describe machines on networks: they list machines and say of some which networks it is in. Configurations of
/// other tools list machines, too, and mean a guest of a scenario.
pub fn has_topology(params: &Params) -> bool {
    let of_networks = |key: &str| without_objects(key) == VLANS;
    given(params, VMS).is_some() && params.iter().any(|param| of_networks(&param.key))
}

/// The names of the machines that `vms` lists.
///
/// # Errors
/// None, too many, one that is listed twice, or a name that keys of one machine cannot end in.
pub fn machines(params: &Params) -> Result<Vec<&str>, ParamsError> {
    let listed: Vec<&str> = params.text(VMS)?.split_whitespace().collect();
    let names = params.objects(VMS);
    let fits = (1..=MOST_MACHINES).contains(&names.len()) && listed.len() == names.len();
    if !fits || !names.iter().all(|name| is_machine(name)) {
        let wanted =
            format!("names of 1 to {MOST_MACHINES} machines, each once: vm1 vm2 vm3 and so on, up to vm99");
        return Err(params.wrong(VMS, &wanted));
    }
    Ok(names)
}

/// The topology that parameters describe; `net=auto` must have been resolved.
///
/// # Errors
/// Parameters of the wrong kind, and what cannot work together.
pub fn topology(params: &Params) -> Result<Topology, LayoutError> {
    let names = machines(params)?;
    let kind = kind(params)?;
    let mut nodes = Vec::new();
    for (number, name) in (1u8..).zip(&names) {
        nodes.push(node(&params.object_params(name), name, number, kind)?);
    }
    let cards: Vec<(&str, usize)> = nodes.iter().map(|node| (node.name.as_str(), node.nics.len())).collect();
    refuse_strangers(params, &cards)?;
    refuse_twins(params, &nodes)?;
    let (server, client) = roles(params, &names)?;
    let vde = vde(params, kind)?;
    let mut topology = Topology { machines: nodes, kind, vde, reach: reach(params)?, server, client };
    if topology.vde.is_some() && topology.networks().len() > 1 {
        return Err(params
            .wrong("vde", "machines in one network: all that are plugged in there are in one")
            .into());
    }
    for (index, name) in names.iter().enumerate() {
        let routes = routes(&params.object_params(name), &topology, index)?;
        if let Some(node) = topology.machines.get_mut(index) {
            node.routes = routes;
        }
    }
    Ok(topology)
}

/// The topology that a workload is measured over: its machines with the server first, then the client.
///
/// # Errors
/// Those of [`topology`], one machine alone, and what machines of a topology do not have.
pub fn measured(params: &Params) -> Result<Topology, LayoutError> {
    let is_idle = |param: &&Param| {
        let key = without_objects(&param.key);
        let is_of_one = key == "net" && param.key != "net";
        (is_of_one || NOT_OF_MACHINES.contains(&key)) && param.origin != Origin::BuiltIn
    };
    if let Some(param) = params.iter().find(is_idle) {
        let wanted = "it left out: vlans says which network cards a machine has, and net what all of them are plugged into";
        return Err(params.wrong(&param.key, wanted).into());
    }
    let mut topology = topology(params)?.server_first()?;
    let names: Vec<&str> = topology.machines.iter().map(|node| node.name.as_str()).collect();
    let Some(name) = wanted(params, &next_to(&names)) else { return Ok(topology) };
    // Behind all others, whose numbers and roles stay what they are without it.
    let (mut own, place) = (params.object_params(&name), topology.machines.len());
    if own.get(VLANS).is_none() {
        own.set(VLANS, "", Origin::BuiltIn);
    }
    let number = u8::try_from(place + 1).unwrap_or(u8::MAX);
    topology.machines.push(node(&own, &name, number, topology.kind)?);
    refuse_twins(params, &topology.machines)?;
    let ways = routes(&own, &topology, place)?;
    if let Some(node) = topology.machines.last_mut() {
        node.routes = ways;
    }
    Ok(topology)
}

/// The name of a machine beside these: that behind the last of them, or else the first that is free.
pub(super) fn next_to(names: &[&str]) -> String {
    let number = |name: &&str| name.strip_prefix("vm")?.parse::<u32>().ok();
    let last = names.iter().filter_map(number).max().unwrap_or_default();
    let mut all = std::iter::once(last.saturating_add(1)).chain(1..=99).map(|n| format!("vm{n}"));
    let is_free = |name: &String| is_machine(name) && !names.contains(&name.as_str());
    all.find(is_free).unwrap_or_default()
}

/// Keys of network cards that stand in no network of a topology.
const NOT_OF_MACHINES: [&str; 4] = ["nics", "ip", "bridge", "macvtap"];

/// The names of the machines, the server's first and then the client's.
///
/// # Errors
/// No list of machines, or a server or client that is none.
pub(super) fn cast(params: &Params) -> Result<Vec<String>, ParamsError> {
    let names = machines(params)?;
    let (server, client) = roles(params, &names)?;
    // That one machine is too few is told where they are laid out.
    let order = server_first(names.len(), server, client).unwrap_or_else(|| (0..names.len()).collect());
    Ok(order.iter().filter_map(|place| names.get(*place)).map(|name| (*name).to_owned()).collect())
}

/// The places of server and client among the machines, where they are named.
fn roles(params: &Params, names: &[&str]) -> Result<(Option<usize>, Option<usize>), ParamsError> {
    let place = |key: &str| match given(params, key) {
        None => Ok(None),
        Some(name) => match names.iter().position(|known| *known == name) {
            None => Err(params.wrong(key, &format!("one of the machines: {}", names.join(", ")))),
            place => Ok(place),
        },
    };
    let (server, client) = (place("server")?, place("client")?);
    if server.is_some() && server == client {
        return Err(params.wrong("client", "another machine than the server"));
    }
    Ok((server, client))
}

/// What networks are made of.
fn kind(params: &Params) -> Result<Kind, ParamsError> {
    let joins = |kind: &Kind| kind.joins_machines();
    let words: Vec<&'static str> = Kind::ALL.into_iter().filter(joins).map(Kind::word).collect();
    let word = params.choice("net", &words)?;
    Kind::parse(word).ok_or_else(|| params.wrong("net", &words.join(", ")))
}

/// One machine, by its own parameters; `number` is its place among all, from 1. Ways to other networks are read when all are known.
fn node(own: &Params, name: &str, number: u8, kind: Kind) -> Result<Node, LayoutError> {
    let mut nics = Vec::new();
    for (index, network) in (1..).zip(networks(own)?) {
        let nic = format!("nic{index}");
        let of_nic = own.object_params(&nic);
        let kind = if network == NetworkId::User { Kind::User } else { kind };
        needs_tap(&of_nic, &nic, kind)?;
        let mac = mac(&of_nic)?.unwrap_or_else(|| network.mac(number));
        let (address, mtu) = (network.address(number), mtu(&of_nic, kind)?);
        let shape = shape(&of_nic, &nic, kind)?;
        nics.push(Plug { network, mac, address, mtu, shape });
    }
    let forwards = own.switch("forward")?;
    let translates = translates(own, nics.len(), forwards)?;
    Ok(Node { name: name.to_owned(), nics, forwards, translates, routes: Vec::new() })
}

/// Whether a machine gives its own address to what it passes on. Campaigns of before there was the key do not.
fn translates(own: &Params, nics: usize, forwards: bool) -> Result<bool, ParamsError> {
    if given(own, NAT).is_none() || !own.switch(NAT)? {
        return Ok(false);
    }
    if nics < 2 {
        let wanted = "two networks at least in vlans beside it: what leaves by the last of them gets this machine's address";
        return Err(own.wrong(NAT, wanted));
    }
    if !forwards {
        return Err(own.wrong(NAT, "forward=yes beside it: it is about packets that this machine passes on"));
    }
    Ok(true)
}

/// The networks that a machine is in.
fn networks(own: &Params) -> Result<Vec<NetworkId>, ParamsError> {
    let number = |word: &str| word.parse().ok().filter(|n| (1..=254).contains(n)).map(NetworkId::Of);
    let of = |word: &str| if word == "user" { Some(NetworkId::User) } else { number(word) };
    let mut all: Vec<NetworkId> = Vec::new();
    for word in own.list(VLANS)? {
        match of(word) {
            Some(network) if !all.contains(&network) => all.push(network),
            _ => return Err(own.wrong(VLANS, NETWORKS)),
        }
    }
    Ok(all)
}

/// The hardware address that a NIC is given.
///
/// # Errors
/// What is none.
pub fn mac(of_nic: &Params) -> Result<Option<Mac>, ParamsError> {
    let Some(text) = given(of_nic, "nic_mac") else { return Ok(None) };
    let wanted = "the hardware address of one NIC, such as 52:54:00:12:34:56 (the first byte is even)";
    Mac::parse(text).map(Some).ok_or_else(|| of_nic.wrong("nic_mac", wanted))
}

/// Two NICs with one hardware address are one to a switch.
fn refuse_twins(params: &Params, nodes: &[Node]) -> Result<(), ParamsError> {
    let mut seen: BTreeMap<Mac, String> = BTreeMap::new();
    for node in nodes {
        for (index, plug) in (1..).zip(&node.nics) {
            let place = format!("nic{index} of {}", node.name);
            if let Some(other) = seen.insert(plug.mac, place.clone()) {
                let of_nic = params.object_params(&node.name).object_params(&format!("nic{index}"));
                let wanted = format!("a hardware address of its own: {other} and {place} have {}", plug.mac);
                return Err(of_nic.wrong("nic_mac", &wanted));
            }
        }
    }
    Ok(())
}

/// The ways of a machine to networks that it is not in: `2 via vm2, default via 192.168.1.9`.
fn routes(own: &Params, topology: &Topology, machine: usize) -> Result<Vec<Route>, ParamsError> {
    let wanted = "ways such as `2 via vm2, default via 192.168.1.2`: a network's number, ADDRESS/LENGTH or default, and a machine or \
                  an address in a network of this machine's";
    let wrong = || own.wrong("routes", wanted);
    let text = given(own, "routes").unwrap_or_default();
    let mut all: Vec<Route> = Vec::new();
    for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        let words: Vec<&str> = part.split_whitespace().collect();
        let [to, "via", via] = words[..] else { return Err(wrong()) };
        let to = match to {
            "default" => None,
            to => Some(destination(to).ok_or_else(wrong)?),
        };
        if all.iter().any(|route| route.to == to) {
            return Err(own.wrong("routes", &format!("one way to each network: {part} is a second one")));
        }
        let via = gateway(topology, machine, via)
            .ok_or_else(|| own.wrong("routes", &format!("{wanted}; {via} is not in any network of it")))?;
        all.push(Route { to, via });
    }
    Ok(all)
}

/// A network that a way leads to.
fn destination(text: &str) -> Option<Prefix> {
    match text.parse::<u8>() {
        Ok(n @ 1..=254) => Some(Prefix { first: Ipv4Addr::new(192, 168, n, 0), length: 24 }),
        Ok(_) => None,
        Err(_) => Prefix::parse(text),
    }
}

/// The address of what passes packets on, as a machine sees it: another machine by its name, or an address.
fn gateway(topology: &Topology, machine: usize, via: &str) -> Option<Ipv4Addr> {
    let own = &topology.machines.get(machine)?.nics;
    let near = |ip: Ipv4Addr| own.iter().any(|plug| plug.address.reaches(ip) && plug.address.ip != ip);
    match topology.machine(via) {
        Some((_, other)) => {
            let shared = other.nics.iter().filter(|plug| plug.network != NetworkId::User);
            shared.map(|plug| plug.address.ip).find(|ip| near(*ip))
        }
        None => via.parse().ok().filter(|ip| near(*ip)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Origin;

    fn params(set: &[(&str, &str)]) -> Params {
        let mut params = Params::new();
        for (key, value) in [
            ("net", "dgram"),
            ("mtu", "1500"),
            ("guest_reach", "none"),
            ("forward", "no"),
            ("nat", "no"),
            ("vhost", "no"),
            ("queues", "1"),
        ] {
            params.set(key, value, Origin::BuiltIn);
        }
        for (line, (key, value)) in (1..).zip(set) {
            params.set(*key, *value, Origin::File { path: "t.cfg".into(), line });
        }
        params
    }

    const THREE: &[(&str, &str)] =
        &[("vms", "vm1 vm2 vm3"), ("vlans_vm1", "1"), ("vlans_vm2", "1 2"), ("vlans_vm3", "2")];

    fn with(set: &[(&str, &str)]) -> Result<Topology, LayoutError> {
        topology(&params(&[THREE, set].concat()))
    }

    #[test]
    fn a_router_stands_between_two_networks() {
        let set = [
            ("forward_vm2", "yes"),
            ("nat_vm2", "yes"),
            ("routes_vm1", "2 via vm2"),
            ("routes_vm3", "192.168.1.0/24 via 192.168.2.2, default via vm2"),
            ("server", "vm3"),
            ("client", "vm1"),
            ("nic_mac_nic2_vm2", "52:54:00:aa:00:01"),
        ];
        let topology = with(&set).unwrap();
        let [one, two, three] = &topology.machines[..] else { panic!("{topology:?}") };
        let plugs = |node: &Node| -> Vec<String> {
            node.nics.iter().map(|plug| format!("{} {}", plug.address, plug.mac)).collect()
        };
        assert_eq!(plugs(one), ["192.168.1.1/24 52:54:00:70:01:01"]);
        assert_eq!(plugs(two), ["192.168.1.2/24 52:54:00:70:01:02", "192.168.2.2/24 52:54:00:aa:00:01"]);
        assert_eq!(plugs(three), ["192.168.2.3/24 52:54:00:70:02:03"]);
        assert!(two.forwards && !one.forwards && two.translates && !one.translates);
        let shown = |node: &Node| -> Vec<String> {
            let to = |route: &Route| route.to.map_or("default".into(), |to| to.to_string());
            node.routes.iter().map(|route| format!("{} via {}", to(route), route.via)).collect()
        };
        assert_eq!(shown(one), ["192.168.2.0/24 via 192.168.1.2"]);
        assert_eq!(shown(three), ["192.168.1.0/24 via 192.168.2.2", "default via 192.168.2.2"]);
        assert_eq!((topology.server, topology.client), (Some(2), Some(0)));
    }

    #[test]
    fn a_machine_may_be_in_no_network_and_one_in_qemus_user_mode() {
        let topology =
            with(&[("vlans_vm3", ""), ("vlans_vm2", "1 user"), ("routes_vm2", "default via 10.0.2.2")]);
        let topology = topology.unwrap();
        assert!(topology.machines[2].nics.is_empty());
        assert_eq!(topology.layout(1).kinds(), "dgram,user");
        assert_eq!(topology.machines[1].routes[0].via.to_string(), "10.0.2.2");
    }

    #[test]
    fn each_wrong_value_is_told_with_its_key_file_and_line() {
        let says = |key: &str, value: &str, text: &str| {
            let error = with(&[(key, value)]).unwrap_err().to_string();
            assert!(error.contains(text), "{error}");
            error
        };
        let error = says("vlans_vm3", "300", "numbers of networks, 1 to 254");
        assert!(error.contains("(t.cfg:5)") && error.contains("'300'"), "{error}");
        for (key, value, text) in [
            ("vms", "", "names of 1 to 32 machines"),
            ("vms", "vm1 vm1", "each once"),
            ("vms", "vm1 router", "vm1 vm2 vm3 and so on"),
            ("vlans_vm1", "0", "numbers of networks"),
            ("vlans_vm1", "1 1", "each once"),
            ("vlans_vm1", "one", "numbers of networks"),
            ("net", "tap", "one of dgram"),
            ("vde", "/run/x.ctl", "net=vde beside it"),
            ("forward_vm2", "maybe", "yes or no"),
            ("nat_vm2", "maybe", "yes or no"),
            ("nat_vm2", "yes", "forward=yes beside it"),
            ("nat_vm1", "yes", "two networks at least"),
            ("server", "vm9", "one of the machines: vm1, vm2, vm3"),
            ("routes_vm1", "2", "ways such as"),
            ("routes_vm1", "255 via vm2", "ways such as"),
            ("routes_vm1", "2 via vm3", "vm3 is not in any network of it"),
            ("routes_vm1", "2 via vm1", "vm1 is not in any network of it"),
            ("routes_vm1", "2 via 192.168.7.1", "is not in any network of it"),
            ("routes_vm1", "2 via vm2, 192.168.2.0/24 via vm2", "is a second one"),
            ("nic_mac_vm1", "01:00:5e:00:00:01", "such as 52:54:00:12:34:56"),
            ("nic_mac", "52:54:00:00:00:01", "a hardware address of its own: nic1 of vm1 and nic1 of vm2"),
            ("mtu_vm1", "9", "576 to 65521"),
            ("vhost_vm1", "yes", "vhost=yes of nic1 needs net=tap"),
        ] {
            says(key, value, text);
        }
        let two = with(&[("net", "vde"), ("vde", "/run/x.ctl")]).unwrap_err().to_string();
        assert!(two.contains("machines in one network"), "{two}");
        let same = with(&[("server", "vm1"), ("client", "vm1")]).unwrap_err().to_string();
        assert!(same.contains("another machine than the server"), "{same}");
        let unset = topology(&params(&[("vms", "vm1 vm2"), ("vlans_vm1", "1")])).unwrap_err().to_string();
        assert!(unset.contains("parameter 'vlans' is not set"), "{unset}");
    }

    #[test]
    fn machines_that_are_listed_without_networks_are_those_of_other_tools() {
        assert!(has_topology(&params(THREE)) && !has_topology(&params(&THREE[..1])));
        assert!(!has_topology(&params(&THREE[1..])), "networks of no machine");
    }
}
