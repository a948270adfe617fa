//! A topology in words: what a dry run shows of it, machine by machine, and the fingerprint's facts.

use super::EnvironmentSpec;
use std::time::Duration;
use vm::guest::network::{Layout, Lost, NetworkId, Node, Plug, Route, Shape, Topology};

/// A topology, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// The machines that packets of the data pass on their way from client to server.
    pub way: String,
    /// Each machine by its name: its networks, and its ways to others.
    pub machines: Vec<(String, String)>,
    /// Each link that does something to packets, by machine and NIC.
    pub links: Vec<(String, String)>,
}

impl EnvironmentSpec {
    /// Its topology in words, where its machines are in networks of their own.
    pub fn told(&self) -> Option<Told> {
        let topology = self.topology.as_ref()?;
        let mut told = Told { way: way(topology, &self.layout), machines: Vec::new(), links: Vec::new() };
        for (index, node) in topology.machines.iter().enumerate() {
            let role = ["server, ", "client, "].get(index).copied().unwrap_or_default();
            let load = self.neighbours.iter().find(|neighbour| neighbour.guest == index);
            let load = load.map_or_else(String::new, |neighbour| {
                format!("neighbour with the load {}, ", neighbour.load.word())
            });
            told.machines.push((node.name.clone(), format!("{role}{load}{}", machine(node))));
            for (card, plug) in node.cards().into_iter().zip(&node.nics) {
                told.links.extend(link(plug.shape).map(|does| (format!("{}.{card}", node.name), does)));
            }
        }
        Some(told)
    }
}

/// The machines between client and server; `control` is said where it goes elsewhere.
fn way(topology: &Topology, layout: &Layout) -> String {
    let passed = |to| {
        let path = topology.path(1, to).ok()?;
        let name = |place: &usize| Some(topology.machines.get(*place)?.name.as_str());
        Some(path.machines.iter().filter_map(name).collect::<Vec<_>>().join(" > "))
    };
    let ways: Vec<String> = layout
        .links
        .iter()
        .filter_map(|link| {
            let to = link.server?.ip;
            Some(format!("{} ({to})", passed(to)?))
        })
        .collect();
    ways.join(", control ")
}

fn machine(node: &Node) -> String {
    let card = |(card, plug): (String, &Plug)| match plug.network {
        NetworkId::Of(_) => format!("{card} {} in {}", plug.address, network(plug)),
        NetworkId::User => format!("{card} in {}", network(plug)),
    };
    let mut all: Vec<String> = node.cards().into_iter().zip(&node.nics).map(card).collect();
    if all.is_empty() {
        all.push("in no network".into());
    }
    if node.forwards {
        all.push(match node.nics.last() {
            Some(outside) if node.translates => {
                format!("passes packets on, to {} under its own address", network(outside))
            }
            _ => "passes packets on".into(),
        });
    }
    all.extend(node.routes.iter().map(way_to));
    all.join(", ")
}

fn way_to(route: &Route) -> String {
    let to = route.to.map_or_else(|| "default".to_owned(), |to| to.to_string());
    format!("{to} via {}", route.via)
}

/// Ways that lead nowhere, each with what would mend it: no fault where nobody goes there, but hardly what was meant.
pub(super) fn doubts(topology: &Topology) -> Vec<String> {
    let node = |place: usize| topology.machines.get(place);
    let doubt = |(machine, way, why): (usize, usize, Lost)| {
        let from = node(machine)?;
        let name = &from.name;
        let way = way_to(from.routes.get(way)?);
        Some(match why {
            Lost::NotPassedOn(via) => {
                let via = &node(via)?.name;
                format!("{name} has the way {way}, but {via} passes nothing on: set forward_{via} = yes")
            }
            _ => format!("{name} has the way {way}, but no machine has that address: see routes_{name}"),
        })
    };
    topology.doubtful().into_iter().filter_map(doubt).collect()
}

fn network(plug: &Plug) -> String {
    match plug.network {
        NetworkId::Of(n) => format!("network {n}"),
        NetworkId::User => "QEMU's user-mode network".into(),
    }
}

/// What a link does to packets; nothing to say where it does nothing.
fn link(shape: Shape) -> Option<String> {
    let ms = |ns: u64| format!("{} ms", Duration::from_nanos(ns).as_secs_f64() * 1e3);
    let mut does = Vec::new();
    if shape.delay_ns > 0 {
        does.push(format!("delay {}", ms(shape.delay_ns)));
    }
    if shape.jitter_ns > 0 {
        does.push(format!("jitter {}", ms(shape.jitter_ns)));
    }
    if shape.loss_ppm > 0 {
        does.push(format!("loss {} %", f64::from(shape.loss_ppm) * 1e-4));
    }
    if shape.rate > 0 {
        does.push(format!("rate {} bit/s", shape.rate));
    }
    (!does.is_empty()).then(|| does.join(", "))
}
