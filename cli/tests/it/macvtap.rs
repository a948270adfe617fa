//! Guests on macvtaps: devices of perfvt's own on a cable of this "host", which is a network namespace with a second one at
//! the cable's other end.
//!
//! Only the real root makes macvtaps, so an ordinary user skips this by name, and so does a machine without them.

use crate::sshd_support;
use crate::support;

use serde_json::Value;
use sshd_support::Sshd;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;
use support::campaigns::{Started, finished_cases, processes_that_mention, wait_until};
use support::hosts::{Host, into, is_root, tools};
use support::{NOBODY, files, measurements, output, packages_for, ready, text};

/// The number of an interface that is made to see whether there are macvtaps.
const TRIED: u32 = 77_777_777;

/// A host with a cable, `va`, of jumbo packets to another one, 10.77.0.15.
fn hosts() -> Option<(Host, Host)> {
    if !is_root() {
        testing::skip("macvtaps need root");
        return None;
    }
    let host = Host::beside(None);
    let other = Host::beside(Some(&host));
    let cable = format!("link add va mtu 9000 type veth peer name eth0 mtu 9000 netns {}", other.0.id());
    host.ip(&["link set lo up", &cable, "link set va up"]);
    other.ip(&["link set lo up", "address add 10.77.0.15/24 dev eth0", "link set eth0 up"]);
    let words = format!("link add link va name try index {TRIED} type macvtap mode bridge");
    let tried = output(host.command("ip").args(words.split(' ')));
    if !tried.status.success() || !Path::new(&format!("/dev/tap{TRIED}")).exists() {
        testing::skip(format_args!("no macvtap with its device here: {}", text(&tried.stderr)));
        return None;
    }
    host.ip(&["link del try"]);
    Some((host, other))
}

/// The character devices of perfvt's macvtaps, whose numbers begin far above those that the kernel gives.
fn taps() -> Vec<PathBuf> {
    let entries = fs::read_dir("/dev").unwrap().flatten().map(|entry| entry.path());
    let number = |path: &Path| path.to_str().and_then(|p| p.strip_prefix("/dev/tap")?.parse::<u32>().ok());
    entries.filter(|path| number(path).is_some_and(|n| n >= 1 << 28)).collect()
}

/// One stream of a second over macvtaps on `va`.
fn quick(host: &Host, sets: &[&str], out: &Path) -> Command {
    let mut command = host.command(env!("CARGO_BIN_EXE_perfvt"));
    command.args(["run", "netperf", "--repeat", "1", "--allow-unpinned", "--wait"]);
    let always = [
        "protocols=TCP_STREAM",
        "sizes=16384",
        "sessions=1",
        "l=1",
        "mem=256",
        "shuffle=no",
        "net=macvtap",
        "macvtap=va",
    ];
    for set in always.iter().chain(sets) {
        command.args(["--set", set]);
    }
    command.arg("--out").arg(out);
    command
}

fn succeeded(run: &Output, out: &Path) -> Vec<Value> {
    assert!(run.status.success(), "{}", text(&run.stderr));
    let all = measurements(out);
    assert!(!all.is_empty() && all.iter().all(|m| m["value"].is_number()), "{all:?}");
    all
}

fn value(all: &[Value], metric: &str) -> f64 {
    all.iter().find(|m| m["metric"] == metric).unwrap()["value"].as_f64().unwrap()
}

fn read_json(out: &Path, name: &str) -> Value {
    serde_json::from_slice(&fs::read(&files(out, name)[0]).unwrap()).unwrap()
}

#[test]
fn two_guests_on_one_device_talk_in_jumbo_packets_over_two_queues_and_leave_nothing() {
    let Some(_guard) = ready() else { return };
    let Some((host, _other)) = hosts() else { return };
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("X");
    let sets = [
        "scenario=guest_guest",
        "ip_nic1=10.77.0.21",
        "ip_nic1_vm2=10.77.0.22",
        "mtu=9000",
        "smp=2",
        "queues=2",
    ];
    let all = succeeded(&output(&mut quick(&host, &sets, &out)), &out);
    assert!(value(&all, "throughput") > 1.0);
    assert_eq!(read_json(&out, "campaign.json")["network"], "macvtap");
    let line = fs::read_to_string(&files(&out, "qemu.argv")[0]).unwrap();
    assert!(line.contains("\ntap,id=net0,fds=200:201\n") && line.contains("mq=on"), "{line}");
    assert!(value(&all, "rx_byts") / value(&all, "rx_pkts") > 2000.0, "{all:?}");

    // The host's side of the tap tells of the same bytes, in the directions of a tap: what it sent, the guest received.
    let window = read_json(&out, "window.json");
    let counted = |name: &str| {
        let at = |end: &str| window[end]["host"]["tap"][name].as_f64().unwrap();
        at("end") - at("start")
    };
    let ratio = value(&all, "rx_byts") / counted("tx_bytes");
    assert!((0.9..1.1).contains(&ratio), "the guest received {ratio} of what its macvtap counts");
    assert!(counted("tx_bytes") > 10.0 * counted("rx_bytes"));
    assert_eq!(taps(), Vec::<PathBuf>::new());
}

#[test]
fn a_client_at_the_other_end_of_the_devices_cable_measures_the_guest() {
    let Some(_guard) = ready() else { return };
    let Some((host, other)) = hosts() else { return };
    let dir = tempfile::tempdir().unwrap();
    // The guest's own host does not reach the guest, but has to reach the client by ssh.
    host.ip(&["address add 10.77.0.1/24 dev va"]);
    let inside = into(other.0.id());
    let inside: Vec<&str> = inside.iter().map(String::as_str).collect();
    let Some(sshd) = Sshd::start("10.77.0.15", &inside) else {
        return testing::skip("there is no sshd here");
    };
    let (key, config) = (sshd.key().display().to_string(), sshd.config().display().to_string());
    let own = [
        "scenario=exhost_guest".into(),
        "client=10.77.0.15".into(),
        "nic_model=e1000".into(),
        "ip=10.77.0.21".into(),
        format!("client_user={}", sshd.user),
        format!("client_port={}", sshd.port),
        format!("client_key={key}"),
        format!("client_ssh_config={config}"),
        format!("client_tools={}", tools(dir.path()).display()),
    ];
    let out = dir.path().join("X");
    let sets: Vec<&str> = own.iter().map(String::as_str).collect();
    let all = succeeded(&output(&mut quick(&host, &sets, &out)), &out);
    assert!(value(&all, "throughput") > 1.0);
}

#[test]
fn what_a_macvtap_cannot_do_is_refused_before_anything_is_planned_on_disk() {
    let Some(_guard) = ready() else { return };
    let Some((host, _other)) = hosts() else { return };
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("X");
    let refused = |run: Output, text_of: &str| {
        let said = text(&run.stderr);
        assert_eq!(run.status.code(), Some(2), "{said}");
        assert!(said.contains(text_of), "{said}");
        assert!(!out.exists(), "{said}");
    };
    let guests = ["scenario=guest_guest", "ip_nic1=10.77.0.21", "ip_nic1_vm2=10.77.0.22"];
    let with = |more: &str| output(&mut quick(&host, &[&guests[..], &[more]].concat(), &out));
    refused(output(&mut quick(&host, &["scenario=host_guest"], &out)), "joins no guest with its own host");
    refused(with("mtu=9001"), "va carries packets of 9000 bytes and mtu is 9001");
    refused(with("macvtap=lo"), "net=macvtap cannot be had on lo: ");
    refused(with("macvtap=nosuchdev"), "macvtap on nosuchdev: ");
    refused(output(&mut quick(&host, &["scenario=exhost_guest", "client=netns"], &out)), "use net=tap");
    host.ip(&["link set va down"]);
    refused(with("mtu=1500"), "va, the device below the macvtap, is down");
}

#[test]
fn an_ordinary_user_is_told_why_there_is_no_macvtap_and_what_to_do() {
    let Some(_guard) = ready() else { return };
    let Some((host, _other)) = hosts() else { return };
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path();
    packages_for(&home.join("cache"));
    fs::copy(env!("CARGO_BIN_EXE_perfvt"), home.join("perfvt")).unwrap();
    let owned = Command::new("chown").args(["-R", &NOBODY.to_string()]).arg(home).status().unwrap();
    assert!(owned.success());
    fs::set_permissions(home, fs::Permissions::from_mode(0o755)).unwrap();
    let root = quick(&host, &["scenario=guest_guest"], &home.join("X"));
    // The same words, by another user: behind those that enter the namespace.
    let words: Vec<_> = root.get_args().map(ToOwned::to_owned).collect();
    let at = words.iter().position(|word| word == env!("CARGO_BIN_EXE_perfvt")).unwrap();
    let mut command = Command::new(root.get_program());
    command.args(&words[..at]).args(["setpriv", "--clear-groups"]);
    command.arg(format!("--reuid={NOBODY}")).arg(format!("--regid={NOBODY}"));
    command.arg(home.join("perfvt")).args(&words[at + 1..]).current_dir(home);
    command.env("HOME", home).env("XDG_CACHE_HOME", home.join("cache")).env("TMPDIR", home);
    let run = output(&mut command);
    let said = text(&run.stderr);
    assert_eq!(run.status.code(), Some(2), "{said}");
    assert!(
        said.contains("Operation not permitted") && said.contains("run as root, or use net=tap"),
        "{said}"
    );
}

#[test]
fn kill_9_leaves_no_macvtap_and_the_campaign_resumes_on_the_same_hardware_addresses() {
    let Some(_guard) = ready() else { return };
    let Some((host, _other)) = hosts() else { return };
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("X");
    let sets = ["scenario=guest_guest", "ip_nic1=10.77.0.21", "ip_nic1_vm2=10.77.0.22", "l=2"];
    let mut run = quick(&host, &sets, &out);
    let mut child = Started(run.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
    wait_until(400, "the guests", || !files_or_none(&out, "client/serial.log").is_empty());
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(taps().len(), 2);
    // nsenter became perfvt.
    child.kill().unwrap();
    child.wait().unwrap();
    wait_until(60, "the guests to end", || processes_that_mention(&out).is_empty());
    let gc = output(host.command(env!("CARGO_BIN_EXE_perfvt")).arg("gc").arg(&out));
    assert!(gc.status.success(), "{}", text(&gc.stderr));
    wait_until(60, "the macvtaps to go", || taps().is_empty());
    let resumed = output(host.command(env!("CARGO_BIN_EXE_perfvt")).args(["resume", "--wait"]).arg(&out));
    assert!(resumed.status.success(), "{}", text(&resumed.stderr));
    assert_eq!(finished_cases(&out), 1);
}

fn files_or_none(out: &Path, ending: &str) -> Vec<PathBuf> {
    if out.exists() { files(out, ending) } else { Vec::new() }
}
