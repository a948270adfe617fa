//! Clients on other hosts: a real sshd in a network namespace with a cable (a veth pair) to a bridge of this "host", which
//! is a network namespace itself and has a DHCP server on a second bridge.
//!
//! sshd gives up rights that only the real root has, so an ordinary user skips this by name.

use crate::sshd_support;
use crate::support;

use serde_json::Value;
use sshd_support::Sshd;
use std::fs;
use std::path::Path;
use std::process::Command;
use support::campaigns::wait_until;
use support::hosts::{Host, Server, dhcp_server, into, is_root, tools};
use support::{files, measurements, output, ready, text};

/// A host with the bridges br0 (10.77.0.1) and br1 (10.78.0.1), and another one, 10.77.0.15, on a cable to br0.
fn two_hosts() -> (Host, Host) {
    let host = Host::beside(None);
    let other = Host::beside(Some(&host));
    let cable = format!("link add pvtest0 type veth peer name eth0 netns {}", other.0.id());
    host.ip(&[
        "link set lo up",
        "link add br0 type bridge",
        "address add 10.77.0.1/24 dev br0",
        "link set br0 up",
        "link add br1 type bridge",
        "address add 10.78.0.1/24 dev br1",
        "link set br1 up",
        &cable,
        "link set dev pvtest0 master br0 up",
    ]);
    other.ip(&["link set lo up", "address add 10.77.0.15/24 dev eth0", "link set eth0 up"]);
    (host, other)
}

/// The manual's example, on the bridges of these hosts.
fn configuration(sshd: &Sshd, tools: &Path) -> String {
    format!(
        "only netperf.guest_exhost\nvariants:\n    - repeat1:\nbridge = br0\nbridge_nic2 = br1\nip_nic1 = 10.77.0.21\n\
         client = 10.77.0.15\nnuma_node = 0\nclient_user = {}\nclient_port = {}\nclient_key = {}\nclient_ssh_config = {}\n\
         client_tools = {}\nprotocols = TCP_STREAM\nsizes = 16384\nsessions = 2\nl = 1\nmem = 256\nshuffle = no\n",
        sshd.user,
        sshd.port,
        sshd.key().display(),
        sshd.config().display(),
        tools.display()
    )
}

#[test]
fn a_client_on_another_host_measures_a_guest_whose_second_nic_has_its_address_by_dhcp() {
    let Some(_guard) = ready() else { return };
    if !is_root() {
        return testing::skip("sshd in a namespace needs root");
    }
    let dir = tempfile::tempdir().unwrap();
    let (host, other) = two_hosts();
    let inside = into(other.0.id());
    let inside: Vec<&str> = inside.iter().map(String::as_str).collect();
    let Some(sshd) = Sshd::start("10.77.0.15", &inside) else {
        return testing::skip("there is no sshd here");
    };
    let Some(_dhcp) = dhcp_server(&host, dir.path()) else {
        return testing::skip("there is no busybox with udhcpd here");
    };
    fs::write(dir.path().join("tests.cfg"), configuration(&sshd, &tools(dir.path()))).unwrap();
    let out = dir.path().join("X");
    let run = output(
        host.command(env!("CARGO_BIN_EXE_perfvt"))
            .current_dir(dir.path())
            .args(["run", "-c", "tests.cfg", "--allow-unpinned", "--wait", "--out"])
            .arg(&out),
    );
    let said = format!("{}\nsshd: {}", text(&run.stderr), sshd.log());
    assert!(run.status.success(), "{said}");
    let all = measurements(&out);
    assert!(!all.is_empty() && all.iter().all(|m| m["value"].is_number()), "{all:?}");
    let value = |metric: &str| all.iter().find(|m| m["metric"] == metric).unwrap()["value"].as_f64().unwrap();
    assert!(value("throughput") > 1.0);
    // That host is this machine, whose CPUs were busy with guest and client.
    let busy = value("client_CPU");
    assert!(busy > 1.0 && busy <= 100.0 && (busy - value("CPU")).abs() < 20.0, "{busy} % there: {all:?}");

    // Both connections go where that host is: the second bridge is this host's alone.
    let argv = fs::read_to_string(&files(&out, "session0.argv")[0]).unwrap();
    assert!(argv.contains("tools of the client/netperf\n") && argv.contains("-H\n10.77.0.21\n"), "{argv}");
    assert!(!argv.contains("10.78.0"), "{argv}");
    let leases = fs::read(dir.path().join("leases")).unwrap_or_default();
    let log = fs::read_to_string(dir.path().join("udhcpd.log")).unwrap();
    assert!(log.contains("10.78.0.4") || !leases.is_empty(), "the second NIC asked nobody: {log}");

    // Its clock is this host's, and it is this host's kernel that it runs on.
    let ahead: f64 = fs::read_to_string(&files(&out, "client-ahead.txt")[0]).unwrap().parse().unwrap();
    assert!(ahead.abs() < 1.0, "{ahead}");
    let file: Value = serde_json::from_slice(&fs::read(&files(&out, "run.json")[0]).unwrap()).unwrap();
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
    assert_eq!(file["fingerprint"]["client.kernel"], release.trim());
    assert_eq!(file["fingerprint"]["tool.netperf.hash"].as_str().unwrap().len(), 64);

    // Nothing is left there: no netperf, no shell that kept one.
    let left = |name: &str| {
        let namespace = other.namespace();
        let pids = fs::read_dir("/proc").unwrap().flatten().filter(|entry| {
            let is_there = fs::read_link(entry.path().join("ns/net")).is_ok_and(|ns| ns == namespace);
            is_there && fs::read_to_string(entry.path().join("comm")).is_ok_and(|comm| comm.trim() == name)
        });
        pids.count()
    };
    assert_eq!((left("netperf"), left("sh")), (0, 0));
}

/// Who has which address by DHCP, by hardware address: what the server writes down when it is told to (udhcpd's
/// `struct dyn_lease`, behind the time: seconds that are left, address, hardware address, host name, padding).
fn leases(server: &Server, dir: &Path) -> Vec<(String, String)> {
    let told = Command::new("kill").args(["-USR1", &server.0.id().to_string()]).status().unwrap();
    assert!(told.success());
    let path = dir.join("leases");
    wait_until(60, "the leases", || fs::metadata(&path).unwrap().len() > 8);
    let bytes = fs::read(path).unwrap();
    let of = |lease: &[u8]| {
        let ip: Vec<String> = lease[4..8].iter().map(u8::to_string).collect();
        let mac: Vec<String> = lease[8..14].iter().map(|b| format!("{b:02x}")).collect();
        (mac.join(":"), ip.join("."))
    };
    bytes[8..].chunks_exact(36).map(of).collect()
}

#[test]
fn two_guests_on_a_bridge_get_an_address_each_by_dhcp_and_the_server_is_reached_at_its_own() {
    let Some(_guard) = ready() else { return };
    if !is_root() {
        return testing::skip("bridges in a namespace need root");
    }
    let dir = tempfile::tempdir().unwrap();
    let (host, _other) = two_hosts();
    let Some(dhcp) = dhcp_server(&host, dir.path()) else {
        return testing::skip("there is no busybox with udhcpd here");
    };
    let out = dir.path().join("X");
    let mut command = host.command(env!("CARGO_BIN_EXE_perfvt"));
    command.args(["run", "netperf", "--allow-unpinned", "--wait", "--repeat", "1", "--out"]).arg(&out);
    let sets =
        ["scenario=guest_guest", "bridge=br1", "protocols=TCP_STREAM", "sizes=16384", "sessions=1", "l=1"];
    for set in sets.iter().chain(&["mem=256", "shuffle=no"]) {
        command.args(["--set", set]);
    }
    let run = output(&mut command);
    assert!(run.status.success(), "{}", text(&run.stderr));
    let all = measurements(&out);
    assert!(!all.is_empty() && all.iter().all(|m| m["value"].is_number()), "{all:?}");

    let given = leases(&dhcp, dir.path());
    assert_eq!(given.len(), 2, "{given:?}");
    assert_ne!(given[0].1, given[1].1, "{given:?}");
    let line = fs::read_to_string(&files(&out, "qemu.argv")[0]).unwrap();
    let (_, server) = given.iter().find(|(mac, _)| line.contains(mac)).unwrap();
    let argv = fs::read_to_string(&files(&out, "session0.argv")[0]).unwrap();
    assert!(argv.contains(&format!("-H\n{server}\n")), "{given:?}: {argv}");
}

#[test]
fn a_client_that_is_not_reached_is_told_before_anything_is_planned_on_disk() {
    let Some(_guard) = ready() else { return };
    if !is_root() {
        return testing::skip("bridges in a namespace need root");
    }
    let dir = tempfile::tempdir().unwrap();
    let (host, _other) = two_hosts();
    let out = dir.path().join("X");
    let sets = ["scenario=exhost_guest", "client=10.77.0.15", "bridge=br0", "ip_nic1=10.77.0.21"];
    let mut command = host.command(env!("CARGO_BIN_EXE_perfvt"));
    command.args(["run", "netperf", "--profile", "quick", "--allow-unpinned", "--wait", "--out"]).arg(&out);
    for set in sets {
        command.args(["--set", set]);
    }
    let run = output(&mut command);
    let said = text(&run.stderr);
    assert_eq!(run.status.code(), Some(2), "{said}");
    assert!(
        said.contains("10.77.0.15 is not reached by ssh") && said.contains("Connection refused"),
        "{said}"
    );
    assert!(!out.exists(), "{said}");
}

/// A configuration as the field's manual gives it, to the letter.
const MANUAL: &str = include_str!("support/manual.cfg");

#[test]
fn the_example_of_the_manual_is_planned_as_it_stands_where_its_bridges_are() {
    if !is_root() {
        return testing::skip("bridges in a namespace need root");
    }
    let dir = tempfile::tempdir().unwrap();
    let host = Host::beside(None);
    host.ip(&[
        "link set lo up",
        "link add vbr0 type bridge",
        "address add 192.168.100.16/24 dev vbr0",
        "link set vbr0 up",
        "link add virbr0 type bridge",
        "address add 192.168.122.1/24 dev virbr0",
        "link set virbr0 up",
    ]);
    fs::write(dir.path().join("tests.cfg"), MANUAL).unwrap();
    let mut command = host.command(env!("CARGO_BIN_EXE_perfvt"));
    command.current_dir(dir.path()).args(["run", "-c", "tests.cfg", "--allow-unpinned", "--dry-run"]);
    let plan = output(&mut command);
    let (said, shown) = (text(&plan.stderr), text(&plan.stdout));
    // Nobody answers as the client of the manual, which is all that is in the way.
    assert_eq!(plan.status.code(), Some(2), "{said}");
    assert!(
        said.contains("the client's host: 192.168.100.15 is not reached by ssh")
            && !said.contains("things of"),
        "{said}"
    );
    assert!(shown.starts_with("netperf, exhost_guest: 1 environment x 3 boots x 57 cases"), "{shown}");
    let line = shown.lines().find(|line| line.contains("-netdev tap,id=net0")).unwrap();
    assert!(line.contains("-netdev tap,id=net1"), "the second bridge is a second NIC's: {line}");
    assert!(!said.contains("does not know"), "{said}");
}
