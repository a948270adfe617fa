//! Placement on a host with two NUMA nodes: a guest under emulation is that host.

use crate::nested_support;

use model::{CpuId, NodeId};
use nested_support::{Host, MARK, QEMU, is_inside, reported};
use process::{Running, Sink, Spec, private_folder};
use std::path::Path;
use std::time::{Duration, Instant};
use vm::guest::qmp::Qmp;
use vm::host::pin::{GuestRequest, Request, plan};
use vm::host::placement::{Placement, Threads, apply, observe, pin_thread};
use vm::host::topology::Topology;

/// A QEMU of one vCPU, paused, with an iothread; its memory bound to a node, or anywhere.
fn start_inner(folder: &Path, node: Option<NodeId>, cpus: &[CpuId]) -> (Running, Qmp) {
    let socket = folder.join(format!("qmp{}", node.map_or(9, |n| n.0)));
    let bound = node.map_or(String::new(), |n| format!(",host-nodes={n},policy=bind"));
    let process = Spec::new(QEMU)
        .args(["-S", "-nodefaults", "-no-user-config", "-display", "none", "-accel", "tcg,thread=multi"])
        .args(["-machine", "pc,memory-backend=mem0", "-m", "48M", "-object"])
        .arg(format!("memory-backend-ram,id=mem0,size=48M,prealloc=on{bound}"))
        .args(["-object", "iothread,id=iothread0", "-chardev"])
        .arg(format!("socket,id=qmp0,path={},server=on,wait=off", socket.display()))
        .args(["-mon", "chardev=qmp0,mode=control"])
        .cpus(cpus)
        .stderr(Sink::File(folder.join("stderr")))
        .start()
        .unwrap();
    let until = Instant::now() + Duration::from_secs(60);
    loop {
        match Qmp::connect(&socket, Duration::from_secs(30)) {
            Ok(qmp) => return (process, qmp),
            Err(e) if Instant::now() > until => panic!("{e}: {}", process.stderr_tail()),
            Err(_) => std::thread::sleep(Duration::from_millis(50)),
        }
    }
}

fn threads(qmp: &mut Qmp) -> Threads {
    Threads {
        vcpus: qmp.vcpu_threads().unwrap(),
        iothreads: qmp.iothread_threads().unwrap(),
        vhost: Vec::new(),
    }
}

/// The second half, which does nothing on an ordinary machine.
#[test]
fn inside_of_a_host_with_two_nodes() {
    if !is_inside("nested::inside_of_a_host_with_two_nodes") {
        return;
    }
    let topology = Topology::here().unwrap();
    assert_eq!(topology.nodes.len(), 2, "{topology:?}");
    let guest = GuestRequest { vcpus: Some(1), iothreads: 1, mem_mib: 48, ..GuestRequest::new("vm1") };
    let plan = plan(&topology, &Request { guests: vec![guest], ..Request::default() }).unwrap();
    let pins = plan.guests[0].pins.clone().unwrap();
    let folder = private_folder().unwrap();
    let (process, mut qmp) = start_inner(folder.path(), pins.node(), &pins.emulator);
    let threads_of = threads(&mut qmp);
    apply(&pins, &threads_of).unwrap();
    let placement = observe(process.pid(), &threads_of);
    println!("{MARK}{}", serde_json::to_string(&placement).unwrap());
    assert_eq!(placement.violations(&pins), Vec::<String>::new(), "{placement:?}");
    // A thread that strays is found, and so is memory that nobody bound.
    pin_thread(threads_of.vcpus[0], &[CpuId(0)]).unwrap();
    let strayed = observe(process.pid(), &threads_of).violations(&pins);
    assert_eq!(strayed, ["vCPU 0 may run on CPUs 0, want 3"]);
    drop((process, qmp));
    let (process, mut qmp) = start_inner(folder.path(), None, &topology.nodes[0].cpus);
    let loose = observe(process.pid(), &threads(&mut qmp)).violations(&pins);
    assert!(
        loose.iter().any(|v| v.starts_with("guest memory has the policy default, want bind:1")),
        "{loose:?}"
    );
    println!("{MARK}done");
}

#[test]
fn threads_and_memory_of_a_guest_sit_on_the_second_node_of_a_host_that_has_two() {
    let host = Host { cpu: "qemu64", modules: &[] };
    let said = match host.run("nested::inside_of_a_host_with_two_nodes") {
        Ok(said) => said,
        Err(why) => return testing::skip(format_args!("the nested test: {why}")),
    };
    let placement: Placement = serde_json::from_str(reported(&said, "{").unwrap()).unwrap();
    assert_eq!(
        (placement.vcpus, placement.iothreads, placement.others),
        (vec!["3".into()], vec!["2".into()], vec!["2".into()])
    );
    assert_eq!(placement.memory_policy, "bind:1");
    assert_eq!(placement.memory_pages.keys().collect::<Vec<_>>(), [&1]);
    assert!(placement.memory_pages[&1] >= 48 * 256, "all 48 MiB are there");
}
