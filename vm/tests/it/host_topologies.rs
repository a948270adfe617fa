//! Pin plans on captured machines (snapshots) and on machines that never were (laws).

use model::{CpuId, NodeId};
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use vm::host::pin::{GuestPins, GuestRequest, NodeChoice, PinPlan, Request, Shortage, Siblings, plan};
use vm::host::topology::{Core, Nic, Node, Topology, draw};

/// A captured machine, laid out again. The text names a directory in a line of its own, beginning with `/`, and then
/// what stands in its files, `name: content`, with line ends as `\n` (scripts/capture-topology.sh).
fn lay_out(listing: &str) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    let mut dir = root.path().to_owned();
    for line in listing.lines() {
        match line.split_once(": ") {
            Some((name, content)) => fs::write(dir.join(name), content.replace("\\n", "\n")).unwrap(),
            None => {
                dir = root.path().join(line.trim_start_matches('/'));
                fs::create_dir_all(&dir).unwrap();
            }
        }
    }
    root
}

fn guest(name: &str, vcpus: usize, vhost: usize, iothreads: usize) -> GuestRequest {
    GuestRequest { vcpus: Some(vcpus), vhost, iothreads, mem_mib: 1024, ..GuestRequest::new(name) }
}

fn requests() -> Vec<(&'static str, Request)> {
    let by_default = Request { guests: vec![GuestRequest::new("vm1")], client: 1, ..Request::default() };
    let large = Request { guests: vec![guest("vm1", 4, 2, 1)], client: 4, ..Request::default() };
    let two = Request { guests: vec![guest("vm1", 2, 1, 0), guest("vm2", 2, 1, 0)], ..Request::default() };
    let spread = Request {
        guests: vec![GuestRequest { cells: 2, ..guest("vm1", 5, 1, 1) }],
        client: 1,
        ..Request::default()
    };
    let packed = Request { siblings: Siblings::Pack, ..large.clone() };
    vec![
        ("by default", by_default),
        ("4 vCPUs, 2 vhost threads, 1 iothread, 4 sessions", large),
        ("the same, packed", packed),
        ("two guests", two),
        ("5 vCPUs over two nodes", spread),
    ]
}

#[test]
fn plans_on_captured_machines_are_as_reviewed() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/topology");
    let mut names: Vec<_> = fs::read_dir(&dir).unwrap().map(|e| e.unwrap().path()).collect();
    names.sort();
    assert!(names.len() >= 12, "machines are missing");
    for path in names {
        let root = lay_out(&fs::read_to_string(&path).unwrap());
        let topology = Topology::read(root.path(), None).unwrap();
        let mut text = draw(&topology);
        for (title, request) in requests() {
            text.push_str(&format!("\n{title}\n"));
            let said = plan(&topology, &request).map_or_else(|e| format!("error: {e}"), |p| p.to_string());
            text.extend(said.lines().map(|l| format!("    {l}\n")));
            if let Ok(plan) = plan(&topology, &request) {
                check(&topology, &request, &plan);
            }
        }
        insta::assert_snapshot!(path.file_stem().unwrap().to_str().unwrap(), text);
    }
}

fn core_of(topology: &Topology, cpu: CpuId) -> usize {
    topology.cores.iter().position(|c| c.cpus.contains(&cpu)).unwrap()
}

/// What holds for every plan.
fn check(topology: &Topology, request: &Request, plan: &PinPlan) {
    let mut vcpus = BTreeSet::new();
    let mut others: Vec<&Vec<CpuId>> = Vec::new();
    assert_eq!(plan.guests.len(), request.guests.len());
    for (asked, got) in request.guests.iter().zip(&plan.guests) {
        let pins = got.pins.as_ref().unwrap();
        assert_eq!(got.smp, asked.vcpus.unwrap_or(got.smp));
        assert_eq!(
            (pins.vcpus.len(), pins.vhost.len(), pins.iothreads.len()),
            (got.smp, asked.vhost, asked.iothreads)
        );
        assert_eq!(pins.cells.iter().map(|c| c.mem_mib).sum::<u64>(), asked.mem_mib);
        assert!(!pins.emulator.is_empty());
        check_nodes(topology, pins);
        for (index, (vcpu, cpu)) in pins.vcpus.iter().enumerate() {
            assert_eq!(vcpu.0 as usize, index, "vCPUs are in order");
            assert!(vcpus.insert(*cpu), "CPU {cpu} is given to two vCPUs");
        }
        others.extend(pins.vhost.iter().chain(&pins.iothreads).chain([&pins.emulator]));
    }
    if request.client > 0 {
        assert!(!plan.client.is_empty());
        others.push(&plan.client);
    }
    let own = plan.own_cpus();
    others.push(&own);
    for set in &others {
        assert!(!set.is_empty() && set.iter().all(|c| !vcpus.contains(c)), "{set:?} holds a vCPU's CPU");
    }
    check_cores(topology, request, plan, &vcpus);
}

fn check_nodes(topology: &Topology, pins: &GuestPins) {
    for cell in &pins.cells {
        let node = topology.node(cell.node).unwrap();
        assert!(node.memory, "memory is bound to a node that has some");
        for vcpu in &cell.vcpus {
            assert!(node.cpus.contains(&pins.vcpus[vcpu.0 as usize].1));
        }
    }
    let home = topology.node(pins.node().unwrap()).unwrap();
    assert!(pins.others().iter().all(|c| home.cpus.contains(c)));
}

/// Siblings are respected, and CPU 0 is left out when there is room.
fn check_cores(topology: &Topology, request: &Request, plan: &PinPlan, vcpus: &BTreeSet<CpuId>) {
    let mut cores: Vec<usize> = vcpus.iter().map(|c| core_of(topology, *c)).collect();
    cores.sort_unstable();
    let distinct = {
        let mut d = cores.clone();
        d.dedup();
        d
    };
    if request.siblings == Siblings::Whole {
        assert_eq!(cores.len(), distinct.len(), "two vCPUs share a core");
        for pins in plan.guests.iter().filter_map(|g| g.pins.as_ref()) {
            assert!(pins.others().iter().all(|c| !distinct.contains(&core_of(topology, *c))));
        }
    }
    for node in topology.nodes.iter().filter(|n| !n.cpus.is_empty()) {
        let here = |cpus: &BTreeSet<CpuId>| cpus.iter().filter(|c| node.cpus.contains(c)).count();
        let of_node: Vec<&Core> = topology.cores.iter().filter(|c| c.node == node.id).collect();
        let wanted = here(vcpus);
        let has_others = plan.cpus().iter().any(|c| node.cpus.contains(c) && !vcpus.contains(c));
        if request.siblings != Siblings::Pack && of_node.len() >= wanted + usize::from(has_others) {
            let distinct_here = distinct.iter().filter(|i| topology.cores[**i].node == node.id).count();
            assert_eq!(distinct_here, wanted, "node {} has a core for each vCPU", node.id);
            let without_zero = of_node.iter().filter(|c| !c.cpus.contains(&CpuId(0))).count();
            if without_zero >= wanted && node.cpus.contains(&CpuId(0)) {
                assert!(!vcpus.contains(&CpuId(0)), "a vCPU is on CPU 0 without need");
            }
        }
    }
}

/// A machine that never was: nodes, cores, threads; siblings numbered side by side or in a second round; NIC CPUs.
fn machine() -> impl Strategy<Value = Topology> {
    let shape = (1u32..=8, 1u32..=10, 1u32..=4, any::<bool>());
    (shape, prop::collection::vec(0u32..64, 0..4), prop::collection::vec(any::<bool>(), 8)).prop_map(
        |((nodes, cores, threads, rounds), nics, memory)| {
            let total = nodes * cores;
            let cpu = |node: u32, core: u32, thread: u32| {
                let core = node * cores + core;
                CpuId(if rounds { thread * total + core } else { core * threads + thread })
            };
            let mut topology = Topology::default();
            for id in 0..nodes {
                let mut all = Vec::new();
                for core in 0..cores {
                    let mut cpus: Vec<CpuId> = (0..threads).map(|t| cpu(id, core, t)).collect();
                    cpus.sort_unstable();
                    all.extend(&cpus);
                    topology.cores.push(Core { node: NodeId(id), package: None, cpus });
                }
                all.sort_unstable();
                topology.nodes.push(Node {
                    id: NodeId(id),
                    cpus: all,
                    memory: memory[id as usize],
                    memory_mib: None,
                    free_hugepages: Vec::new(),
                    distances: (0..nodes).map(|to| 10 + 10 * to.abs_diff(id)).collect(),
                });
            }
            topology.cores.sort_by_key(|c| c.cpus.first().copied());
            let irq_cpus = nics.into_iter().map(CpuId).filter(|c| c.0 < total * threads).collect();
            topology.nics.push(Nic { name: "eth0".into(), node: None, irq_cpus });
            topology
        },
    )
}

fn request() -> impl Strategy<Value = Request> {
    let one = (prop::option::of(1usize..6), 0usize..3, 0usize..3, 1usize..3, -2i64..4).prop_map(
        |(vcpus, vhost, iothreads, cells, node)| GuestRequest {
            vcpus,
            vhost,
            iothreads,
            cells,
            node: NodeChoice::parse(&(if node == 0 { -1 } else { node }).to_string()).unwrap(),
            mem_mib: 100,
            ..GuestRequest::new("vm")
        },
    );
    let siblings = prop::sample::select(vec![Siblings::Auto, Siblings::Whole, Siblings::Pack]);
    (prop::collection::vec(one, 1..4), 0usize..5, siblings).prop_map(|(guests, client, siblings)| Request {
        guests,
        client,
        siblings,
        allow_unpinned: false,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn a_plan_gives_no_cpu_twice_keeps_to_its_node_and_respects_siblings(
        topology in machine(), request in request()
    ) {
        match plan(&topology, &request) {
            Ok(plan) => check(&topology, &request, &plan),
            Err(shortage) => {
                let loose = Request { allow_unpinned: true, ..request.clone() };
                let unpinned = plan_or_panic(&topology, &loose);
                prop_assert!(!unpinned.is_pinned() && !unpinned.notes.is_empty());
                // A shortage of CPUs is a real one.
                if let Shortage::Cpus { have, need, .. } | Shortage::Cores { have, need, .. } = shortage {
                    prop_assert!(have < need, "{have} of {need}");
                }
            }
        }
    }
}

fn plan_or_panic(topology: &Topology, request: &Request) -> PinPlan {
    plan(topology, request).unwrap_or_else(|e| panic!("{e}"))
}

/// Nodes of single-threaded cores.
fn host(nodes: &[(u32, std::ops::Range<u32>, bool)]) -> Topology {
    let mut topology = Topology::default();
    for (id, range, memory) in nodes {
        let cpus: Vec<CpuId> = range.clone().map(CpuId).collect();
        topology.cores.extend(cpus.iter().map(|c| Core { node: NodeId(*id), package: None, cpus: vec![*c] }));
        topology.nodes.push(Node {
            id: NodeId(*id),
            cpus,
            memory: *memory,
            memory_mib: Some(if *memory { 4096 } else { 0 }),
            free_hugepages: vec![(2048, 100)],
            distances: Vec::new(),
        });
    }
    topology
}

fn one(request: GuestRequest) -> Request {
    Request { guests: vec![request], client: 1, ..Request::default() }
}

#[test]
fn minus_one_is_the_last_node_and_positive_numbers_count_from_one() {
    let two = host(&[(0, 0..4, true), (1, 4..8, true), (2, 8..12, false)]);
    let node = |text: &str| {
        let request = one(GuestRequest { node: NodeChoice::parse(text).unwrap(), ..GuestRequest::new("vm") });
        plan(&two, &request).map(|p| p.guests[0].pins.as_ref().and_then(GuestPins::node))
    };
    assert_eq!(node("-1"), Ok(Some(NodeId(1))));
    assert_eq!(node("1"), Ok(Some(NodeId(0))));
    assert_eq!(node("2"), Ok(Some(NodeId(1))));
    assert_eq!(node("0"), Ok(None));
    assert_eq!(node("3"), Err(Shortage::NoNode { asked: 3, have: 2 }));
    assert_eq!(NodeChoice::parse("last"), None);
}

#[test]
fn the_default_is_two_vcpus_or_what_the_node_has_less_one() {
    let smp = |cpus| plan_or_panic(&host(&[(0, 0..cpus, true)]), &one(GuestRequest::new("vm"))).guests[0].smp;
    assert_eq!((smp(2), smp(3), smp(16)), (1, 2, 2));
}

#[test]
fn what_is_short_is_said_with_the_way_out() {
    let small = host(&[(0, 0..2, true), (1, 2..2, true), (2, 2..8, false)]);
    let error = |request: GuestRequest, siblings| {
        plan(&small, &Request { siblings, ..one(request) }).unwrap_err().to_string()
    };
    let says = |text: String, wanted: &str| assert!(text.starts_with(wanted), "{text}");
    says(
        error(guest("vm1", 2, 0, 0), Siblings::Auto),
        "node 0 has 2 usable CPUs (0-1), and 2 vCPUs of vm1 need 3",
    );
    says(error(guest("vm1", 2, 0, 0), Siblings::Whole), "node 0 has 2 usable cores, and with siblings=whole");
    let host = "node 0 has 2 usable CPUs (0-1), and 4294967295 vCPUs of vm1 need 4294967295";
    says(error(guest("vm1", usize::MAX, 0, 0), Siblings::Auto), host);
    let big = GuestRequest { mem_mib: 5000, ..guest("vm1", 1, 0, 0) };
    says(error(big, Siblings::Auto), "node 0 has 4096 MiB of memory, and vm1 need 5000 MiB there");
    let huge = GuestRequest { hugepage_kib: Some(2048), ..guest("vm1", 1, 0, 0) };
    says(error(huge, Siblings::Auto), "node 0 has 100 free huge pages of 2048 KiB, and vm1 needs 512 there");
    let wide = GuestRequest { cells: 2, ..guest("vm1", 2, 0, 0) };
    says(error(wide, Siblings::Auto), "vm1 asks for guest_nodes = 2, but this host has 1 nodes");
}

#[test]
fn a_second_guest_goes_where_there_is_room_and_a_named_node_is_kept() {
    let two = host(&[(0, 0..4, true), (1, 4..8, true)]);
    let nodes = |second: NodeChoice, vcpus| {
        let guests =
            vec![guest("vm1", vcpus, 0, 0), GuestRequest { node: second, ..guest("vm2", vcpus, 0, 0) }];
        let plan = plan(&two, &Request { guests, ..Request::default() });
        plan.map(|p| p.guests.iter().map(|g| g.pins.as_ref().unwrap().node().unwrap().0).collect::<Vec<_>>())
    };
    assert_eq!(nodes(NodeChoice::Last, 1), Ok(vec![1, 1]));
    assert_eq!(nodes(NodeChoice::Last, 3), Ok(vec![1, 0]));
    assert_eq!(nodes(NodeChoice::Nth(1), 1), Ok(vec![1, 0]));
    assert!(matches!(nodes(NodeChoice::Nth(2), 3), Err(Shortage::Cpus { need: 7, .. })));
}

#[test]
fn isolated_cpus_are_for_vcpus_and_interrupts_of_nics_are_avoided() {
    let mut topology = host(&[(0, 0..8, true)]);
    topology.isolated = vec![CpuId(2), CpuId(3)];
    topology.nics.push(Nic { name: "eth0".into(), node: None, irq_cpus: vec![CpuId(7), CpuId(6)] });
    let plan = plan_or_panic(&topology, &one(guest("vm1", 2, 1, 0)));
    let pins = plan.guests[0].pins.as_ref().unwrap();
    assert_eq!(pins.vcpu_cpus(), [CpuId(3), CpuId(2)]);
    assert_eq!(
        (&pins.vhost, &pins.emulator, &plan.client),
        (&vec![vec![CpuId(5)]], &vec![CpuId(4)], &vec![CpuId(1)])
    );
    assert_eq!(plan.notes, Vec::<String>::new());
    // With more threads than quiet CPUs the NIC's are used before CPU 0 is, and it is said.
    let full = plan_or_panic(&topology, &one(guest("vm1", 6, 0, 0)));
    let pins = full.guests[0].pins.as_ref().unwrap();
    assert!(!pins.vcpu_cpus().contains(&CpuId(0)));
    assert!(full.notes[0].contains("interrupts of a NIC"), "{:?}", full.notes);
}
