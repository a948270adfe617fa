//! Several guests of different shapes at a time, each with its own spec and its own network.

use super::confined::image;
use model::Accel;
use std::time::{Duration, Instant};
use vm::deadlines::Deadlines;
use vm::guest::channel::Status;
use vm::guest::confine::strongest;
use vm::guest::machine::{BootSpec, Files, Machine};
use vm::guest::network::{Kind, Layout, Network};
use vm::guest::spec::{Disks, GuestSpec};
use vm::guest::{QEMU, hardware::Nic};

const SOON: Duration = Duration::from_secs(20);

#[test]
fn three_guests_of_different_shapes_run_at_a_time() {
    let Some(image) = image() else { return };
    let _turn = testing::alone();
    let confine = strongest(QEMU, Accel::Tcg, false, None).0;
    let plain = GuestSpec { confine, ..GuestSpec::plain(Accel::Tcg) };
    let mut small = plain.clone();
    small.hardware.mem_mib = 192;
    let mut wide = plain.clone();
    (wide.hardware.smp, wide.hardware.mem_mib) = (3, 256);
    let mut other = GuestSpec { disks: Disks { tools: true, ..Disks::default() }, listens: true, ..plain };
    (other.hardware.machine, other.hardware.mem_mib) = ("q35".into(), 384);
    other.hardware.nics = vec![Nic { model: "e1000".into(), ..Nic::plain() }];
    let shapes = [small, wide, other];
    let network = || Network::create(&Layout::simple(Kind::User), 1, "several").unwrap();
    let networks = [network(), network(), network()];
    let dirs = [(); 3].map(|()| tempfile::tempdir().unwrap());
    let forensics = dirs.each_ref().map(|dir| dir.path().join("forensics"));
    let specs: Vec<BootSpec<'_>> = (0..3)
        .map(|at| BootSpec {
            guest: &shapes[at],
            network: &networks[at],
            index: 0,
            files: Files::of_image(&image),
            log_dir: dirs[at].path(),
            forensics: &forensics[at],
            deadlines: Deadlines::usual(Accel::Tcg),
            deadline: Duration::from_secs(240),
        })
        .collect();
    let mut machines = Machine::boot_all(&specs).unwrap_or_else(|e| panic!("{e}"));
    for (machine, shape) in machines.iter_mut().zip(&shapes) {
        assert_eq!(machine.threads().vcpus.len(), shape.hardware.smp);
        let told = machine.run(&["cat", "/proc/cpuinfo", "/proc/meminfo"], SOON).unwrap();
        assert_eq!(told.matches("processor\t").count(), shape.hardware.smp, "{told}");
        let kib = told.lines().find_map(|line| line.strip_prefix("MemTotal:")).unwrap();
        let mib: u64 = kib.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024;
        let had = shape.hardware.mem_mib;
        assert!(mib < had && mib > had * 2 / 3, "{mib} of {had} MiB");
    }
    // One that ends leaves the others alone.
    machines.remove(0).quit();
    for machine in &mut machines {
        assert_eq!(machine.run(&["echo", "here"], SOON).unwrap(), "here\n");
    }
    machines.into_iter().for_each(Machine::quit);
}

#[test]
fn a_command_that_is_to_end_is_killed_in_its_guest_which_goes_on() {
    let Some(image) = image() else { return };
    let _turn = testing::alone();
    let confine = strongest(QEMU, Accel::Tcg, false, None).0;
    let guest = GuestSpec { confine, ..GuestSpec::plain(Accel::Tcg) };
    let network = Network::create(&Layout::simple(Kind::User), 1, "stopped").unwrap();
    let dir = tempfile::tempdir().unwrap();
    let mut machine = Machine::boot(&BootSpec {
        guest: &guest,
        network: &network,
        index: 0,
        files: Files::of_image(&image),
        log_dir: dir.path(),
        forensics: &dir.path().join("forensics"),
        deadlines: Deadlines::usual(Accel::Tcg),
        deadline: Duration::from_secs(240),
    })
    .unwrap_or_else(|e| panic!("{e}"));
    let begun = Instant::now();
    let command = ["sh", "-c", "echo so far; sleep 300"];
    let wanted = || begun.elapsed() > Duration::from_secs(2);
    let reply = machine.exec_unless(&command, SOON * 10, &wanted).unwrap();
    assert_eq!((reply.status, &*reply.stdout), (Status::Exit(137), &b"so far\n"[..]));
    assert!(begun.elapsed() < SOON * 5);
    // One that has ended by itself before it is to end has its own status.
    for _ in 0..5 {
        let reply = machine.exec_unless(&["sh", "-c", "exit 3"], SOON, &|| true).unwrap();
        assert!(matches!(reply.status, Status::Exit(3 | 137) | Status::Refused), "{reply:?}");
    }
    let running = machine.run(&["sh", "-c", "pidof sleep || echo none"], SOON).unwrap();
    assert_eq!(running, "none\n");
    machine.quit();
}
