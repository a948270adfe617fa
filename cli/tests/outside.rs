#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]
//! Clients on other hosts: a real sshd in a network namespace with a cable (a veth pair) to a bridge of this "host", which
//! is a network namespace itself and has a DHCP server on a second bridge.
//!
//! sshd gives up rights that only the real root has, so an ordinary user skips this by name.

#[path = "../../collect/tests/sshd_support/mod.rs"]
mod sshd_support;
mod support;

use serde_json::Value;
use sshd_support::Sshd;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};
use support::{files, measurements, output, ready, text};

/// The words that enter a process's network namespace.
fn into(pid: u32) -> [String; 3] {
    ["nsenter".into(), format!("--net=/proc/{pid}/ns/net"), "--".into()]
}

/// A network namespace that lasts as long as this.
struct Host(Child);

impl Host {
    /// Beside another one, or beside the real host.
    fn beside(other: Option<&Host>) -> Host {
        let mut words: Vec<String> = other.map(|host| into(host.0.id()).to_vec()).unwrap_or_default();
        words.extend(["unshare", "--net", "--", "sleep", "600"].map(String::from));
        let own = fs::read_link("/proc/self/ns/net").unwrap();
        let before = other.map_or(own, |host| host.namespace());
        let host = Host(Command::new(&words[0]).args(&words[1..]).spawn().unwrap());
        let until = Instant::now() + Duration::from_secs(10);
        let comm = format!("/proc/{}/comm", host.0.id());
        while host.namespace() == before || fs::read_to_string(&comm).unwrap() != "sleep\n" {
            assert!(Instant::now() < until, "no namespace");
            std::thread::sleep(Duration::from_millis(5));
        }
        host
    }

    fn namespace(&self) -> PathBuf {
        fs::read_link(format!("/proc/{}/ns/net", self.0.id())).unwrap()
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        command.args(&into(self.0.id())[1..]).arg(program);
        command
    }

    /// Runs `ip` with the words of each line.
    fn ip(&self, lines: &[&str]) {
        for line in lines {
            let done = output(self.command("ip").args(line.split_whitespace()));
            assert!(done.status.success(), "ip {line}: {}", text(&done.stderr));
        }
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A child that ends with this.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

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

/// A DHCP server on a bridge, with one address to give.
fn dhcp_server(host: &Host, dir: &Path) -> Option<Server> {
    let config = dir.join("udhcpd.conf");
    let leases = dir.join("leases");
    fs::write(&leases, "").unwrap();
    let text = format!(
        "start 10.78.0.40\nend 10.78.0.49\ninterface br1\nlease_file {}\npidfile {}\nopt subnet 255.255.255.0\n\
         opt router 10.78.0.1\nopt lease 600\n",
        leases.display(),
        dir.join("pid").display()
    );
    fs::write(&config, text).unwrap();
    let log = fs::File::create(dir.join("udhcpd.log")).unwrap();
    let server = host.command("busybox").args(["udhcpd", "-f"]).arg(&config).stderr(log).spawn();
    server.ok().map(Server)
}

/// netperf for the other host, in a folder of its own, wherever this one has it.
fn tools(dir: &Path) -> PathBuf {
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let home = std::env::var_os("HOME").map(PathBuf::from).unwrap();
    let packages = cache.unwrap_or_else(|| home.join(".cache")).join("perfvt/packages");
    let (mut program, mut libraries) = ("/usr/bin/netperf".to_owned(), Vec::new());
    for entry in fs::read_dir(packages).into_iter().flatten().flatten() {
        let own = entry.path().join("usr/bin/netperf");
        if own.exists() {
            program = own.display().to_string();
        }
        libraries.push(entry.path().join("usr/lib/x86_64-linux-gnu").display().to_string());
    }
    let tools = dir.join("tools of the client");
    fs::create_dir(&tools).unwrap();
    let script = format!("#!/bin/sh\nLD_LIBRARY_PATH='{}' exec '{program}' \"$@\"\n", libraries.join(":"));
    fs::write(tools.join("netperf"), script).unwrap();
    fs::set_permissions(tools.join("netperf"), fs::Permissions::from_mode(0o755)).unwrap();
    tools
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
    let test = "a_client_on_another_host_measures_a_guest";
    let Some(_guard) = ready(test) else { return };
    let skip = |reason: &str| eprintln!("skipped: {test}: {reason}");
    if !is_root() {
        return skip("sshd in a namespace needs root");
    }
    let dir = tempfile::tempdir().unwrap();
    let (host, other) = two_hosts();
    let inside = into(other.0.id());
    let inside: Vec<&str> = inside.iter().map(String::as_str).collect();
    let Some(sshd) = Sshd::start("10.77.0.15", &inside) else { return skip("there is no sshd here") };
    let Some(_dhcp) = dhcp_server(&host, dir.path()) else {
        return skip("there is no busybox with udhcpd here");
    };
    fs::write(dir.path().join("tests.cfg"), configuration(&sshd, &tools(dir.path()))).unwrap();
    let out = dir.path().join("X");
    let run = output(
        host.command(env!("CARGO_BIN_EXE_perfvt"))
            .current_dir(dir.path())
            .args(["run", "-c", "tests.cfg", "--allow-unpinned", "--out"])
            .arg(&out),
    );
    let said = format!("{}\nsshd: {}", text(&run.stderr), sshd.log());
    assert!(run.status.success(), "{said}");
    let all = measurements(&out);
    assert!(!all.is_empty() && all.iter().all(|m| m["value"].is_number()), "{all:?}");
    let value = |metric: &str| all.iter().find(|m| m["metric"] == metric).unwrap()["value"].as_f64().unwrap();
    assert!(value("throughput") > 1.0);

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

#[test]
fn a_client_that_is_not_reached_is_told_before_anything_is_planned_on_disk() {
    let test = "a_client_that_is_not_reached";
    let Some(_guard) = ready(test) else { return };
    if !is_root() {
        return eprintln!("skipped: {test}: bridges in a namespace need root");
    }
    let dir = tempfile::tempdir().unwrap();
    let (host, _other) = two_hosts();
    let out = dir.path().join("X");
    let sets = ["scenario=exhost_guest", "client=10.77.0.15", "bridge=br0", "ip_nic1=10.77.0.21"];
    let mut command = host.command(env!("CARGO_BIN_EXE_perfvt"));
    command.args(["run", "netperf", "--profile", "quick", "--allow-unpinned", "--out"]).arg(&out);
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

/// Whether this is the real root.
fn is_root() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    status.lines().any(|line| line.starts_with("Uid:\t0\t"))
        && fs::read_to_string("/proc/self/uid_map").unwrap().contains("4294967295")
}

/// A configuration as the field's manual gives it, to the letter.
const MANUAL: &str = include_str!("support/manual.cfg");

#[test]
fn the_example_of_the_manual_is_planned_as_it_stands_where_its_bridges_are() {
    let test = "the_example_of_the_manual";
    if !is_root() {
        return eprintln!("skipped: {test}: bridges in a namespace need root");
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
    assert!(plan.status.success(), "{said}");
    assert!(shown.starts_with("netperf, exhost_guest: 1 environments x 3 boots x 57 cases"), "{shown}");
    let line = shown.lines().find(|line| line.contains("-netdev tap,id=net0")).unwrap();
    assert!(line.contains("-netdev tap,id=net1"), "the second bridge is a second NIC's: {line}");
    assert!(!said.contains("does not know"), "{said}");
}
