//! Campaigns over several machines: what a dry run shows, what is refused, guests that pretend, and once real ones.

use crate::support;

use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::Command;
use support::pretended::Pretended;
use support::{apart, beside, files, measurements, output, perfvt, text};

/// A client, a router and a server.
const ROUTED: &str = "vms = vm1 vm2 vm3\nvlans_vm1 = 1\nvlans_vm2 = 1 2\nvlans_vm3 = 2\nforward_vm2 = yes\n\
                      routes_vm1 = 2 via vm2\nroutes_vm3 = 1 via vm2\nmem = 192\nsmp = 1\n";

fn planned(dir: &Path, config: &str, more: &[&str]) -> (Option<i32>, String) {
    fs::write(dir.join("topo.cfg"), config).unwrap();
    let mut run = perfvt();
    run.current_dir(dir).args(["run", "-c", "topo.cfg", "--dry-run", "--allow-unpinned", "--repeat", "1"]);
    let run = output(run.args(more));
    (run.status.code(), format!("{}{}", text(&run.stdout), text(&run.stderr)))
}

#[test]
fn a_dry_run_shows_the_topology_machine_by_machine() {
    let dir = tempfile::tempdir().unwrap();
    for workload in ["netperf", "iperf3", "sockperf", "uperf"] {
        let envs = [workload, "--env", "near", "--env", "far:link_delay_nic2_vm2=5ms"];
        // The programs of a workload may not be here; the plan is shown all the same.
        let (_, shown) = planned(dir.path(), ROUTED, &envs);
        let begin = format!("{workload}, topology: 2 environments x 1 boot");
        for part in [
            begin.as_str(),
            "network switch",
            "  machine vm3: server, nic1 192.168.2.3/24 in network 2, 192.168.1.0/24 via 192.168.2.2\n",
            "  machine vm1: client, nic1 192.168.1.1/24 in network 1, 192.168.2.0/24 via 192.168.1.2\n",
            "  machine vm2: nic1 192.168.1.2/24 in network 1, nic2 192.168.2.2/24 in network 2, passes packets on\n",
            "  way of the data: vm1 > vm2 > vm3 (192.168.2.3)\n",
        ] {
            assert!(shown.contains(part), "{workload}: {part}: {shown}");
        }
        assert_eq!(shown.matches("  link to vm2.nic2: delay 5 ms\n").count(), 1, "{shown}");
        assert_eq!(shown.matches("mac=52:54:00:70:02:02").count(), 2, "{shown}");
    }
}

#[test]
fn a_server_without_a_way_back_is_reached_through_a_router_that_translates() {
    let dir = tempfile::tempdir().unwrap();
    let config = format!("{ROUTED}nat_vm2 = yes\nroutes_vm3 =\nlink_delay_vm1 = 5ms\n");
    let (_, shown) = planned(dir.path(), &config, &["netperf"]);
    for part in [
        "  machine vm3: server, nic1 192.168.2.3/24 in network 2\n",
        "in network 2, passes packets on, to network 2 under its own address\n",
        "  way of the data: vm1 > vm2 > vm3 (192.168.2.3)\n",
    ] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    // With the networks in the other order the router translates the wrong way round.
    let turned = config.replace("vlans_vm2 = 1 2", "vlans_vm2 = 2 1");
    let (code, said) = planned(dir.path(), &turned, &["netperf"]);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("vm3 has no way to 192.168.1.1"), "{said}");
}

#[test]
fn a_way_that_leads_nowhere_is_a_warning_where_nothing_is_measured_over_it() {
    let dir = tempfile::tempdir().unwrap();
    let more =
        "vms = vm1 vm2 vm3 vm4\nserver = vm3\nvlans_vm4 = 1\nroutes_vm2 = 9 via vm4, 8 via 192.168.2.77\n";
    let (_, shown) = planned(dir.path(), &format!("{ROUTED}{more}"), &["netperf"]);
    for part in [
        "vm2 has the way 192.168.9.0/24 via 192.168.1.4, but vm4 passes nothing on: set forward_vm4 = yes",
        "vm2 has the way 192.168.8.0/24 via 192.168.2.77, but no machine has that address: see routes_vm2",
    ] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
}

#[test]
fn what_is_no_way_is_refused_with_the_key_that_gives_one() {
    let dir = tempfile::tempdir().unwrap();
    let says = |config: &str, more: &[&str], part: &str| {
        let (code, said) = planned(dir.path(), config, &[&["netperf"], more].concat());
        assert_eq!(code, Some(2), "{said}");
        assert!(said.contains(part), "{part}: {said}");
    };
    let set = |value: &'static str| ["--set", value];
    says(
        &ROUTED.replace("forward_vm2 = yes\n", ""),
        &[],
        "vm1 and vm3 do not reach one another over 192.168.2.3: vm2 does not pass packets on; set forward_vm2 = yes",
    );
    says(
        ROUTED,
        &set("routes_vm3="),
        "vm3 has no way to 192.168.1.1; say one, such as routes_vm3 = default via vm2",
    );
    says(
        ROUTED,
        &set("scenario=guest_guest"),
        "topology, because vms = vm1 vm2 vm3 with vlans describes one",
    );
    says(ROUTED, &set("server=vm4"), "one of the machines: vm1, vm2, vm3");
    says(ROUTED, &set("bridge=br0"), "vlans says which network cards a machine has");
    says(ROUTED, &set("net_vm2=dgram"), "net what all of them are plugged into");
    says(ROUTED, &set("net=tap"), "one of dgram, stream, switch");
    says(
        "vms = client server\nvlans_client = 1\nvlans_server = 1\n",
        &[],
        "vm1 vm2 in place of client server",
    );
    says("vms = vm1\nvlans = 1\n", &[], "vms needs a second one");
    says("mem = 256\n", &set("scenario=topology"), "vms and vlans_NAME beside topology");
}

/// A campaign over the topology whose guests pretend.
fn pretended(here: &Pretended, command: &str, more: &[&str]) -> Command {
    fs::write(here.path().join("topo.cfg"), ROUTED).unwrap();
    let mut run = here.perfvt();
    let words = here.words(&here.out(), command, more);
    // What is set there for one guest joins no machines.
    run.args(words.iter().map(|word| if word == "net=user" { "net=switch" } else { word }));
    run
}

#[test]
fn every_machine_of_a_campaign_is_booted_confined_journaled_and_a_fact() {
    let here = Pretended::new();
    let topology = ["-c", "topo.cfg", "--repeat", "2"];
    here.ends_with(0, &mut pretended(&here, "echo speed 42", &topology));
    assert_eq!(here.starts().len(), 3 + 2 * 3, "all three are rehearsed, then booted twice");
    assert_eq!(files(&here.out(), ".RHS").len(), 2);
    let logs: Vec<String> =
        files(&here.out(), "serial.log").iter().map(|path| path.display().to_string()).collect();
    for folder in ["client/", "vm2/"] {
        assert_eq!(logs.iter().filter(|path| path.contains(folder)).count(), 2, "{folder}: {logs:?}");
    }
    let run: Value = serde_json::from_slice(&fs::read(here.out().join("base/run.json")).unwrap()).unwrap();
    let fact = |name: &str| run["fingerprint"][name].as_str().unwrap_or_default().to_owned();
    assert_eq!(run["scenario"], "topology");
    assert_eq!(fact("net.way"), "vm1 > vm2 > vm3 (192.168.2.3)");
    assert!(fact("net.machine.vm2").ends_with("passes packets on"), "{run}");
    assert!(!fact("machine.vm1.kernel").is_empty() && !fact("machine.vm2.kernel").is_empty(), "{run}");
    let shown = fs::read_to_string(&files(&here.out(), "qemu.argv.shown")[0]).unwrap();
    assert_eq!(shown.split("\n\n").count(), 3, "{shown}");
    here.assert_nothing_left();
}

#[test]
fn a_router_that_dies_spoils_the_case_with_its_name_and_a_resume_goes_on() {
    let here = Pretended::new();
    // Starts 1 to 3 are the rehearsal's.
    let dies = format!("extra_args_vm2={}", here.extra("exit=3@4-6").split_once('=').unwrap().1);
    let topology = ["-c", "topo.cfg", "--repeat", "1", "--set", "attempts=1", "--set", &dies];
    here.ends_with(4, &mut pretended(&here, "echo speed 42", &topology));
    let [(_, reason)] = here.invalid("base").try_into().unwrap();
    assert!(reason.starts_with("in vm2: QEMU ended with status 3"), "{reason}");
    let folders = files(&here.out(), "qemu.argv");
    assert!(folders.iter().any(|file| file.parent().unwrap().ends_with("vm2")), "{folders:?}");
    here.ends_with(0, here.perfvt().args(["resume", "X", "--failed"]));
    here.assert_nothing_left();
}

/// A script that tells the processes of the loads in guests of this folder: those that pretend run commands on this host, where other
/// tests have loads as well. Gives the words that run it.
fn loads(here: &Pretended) -> String {
    let script = here.path().join("loads.sh");
    let text = "for guest in $(pgrep -f -- \"-starts $1\"); do pgrep -P \"$guest\" -f '[w]hile :; do :; done'; done\n";
    fs::write(&script, text).unwrap();
    format!("sh {} {}/", script.display(), here.path().display())
}

#[test]
fn a_neighbour_bears_its_load_before_and_behind_each_case() {
    let here = Pretended::new();
    let four = ["--set", "vms=vm1 vm2 vm3 vm4", "--set", "vlans_vm4=", "--set", "server=vm3"];
    let envs = ["-c", "topo.cfg", "--repeat", "1", "--env", "quiet", "--env", "noisy:neighbour_vm4=cpu"];
    // What is measured sees what computes beside it: commands of guests that pretend run on this host.
    let count = &format!("sh -c 'echo speed $({} | wc -l)'", loads(&here));
    here.ends_with(0, &mut pretended(&here, count, &[&four[..], &envs].concat()));
    let said = |environment: &str| {
        let file = &files(&here.out().join(environment), "command.txt")[0];
        fs::read_to_string(file).unwrap()
    };
    assert!(said("quiet").contains("speed 0"), "{}", said("quiet"));
    assert!(!said("noisy").contains("speed 0"), "{}", said("noisy"));
    let run: Value = serde_json::from_slice(&fs::read(here.out().join("noisy/run.json")).unwrap()).unwrap();
    assert_eq!(run["fingerprint"]["net.machine.vm4"], "neighbour with the load cpu, in no network");
    here.assert_nothing_left();
}

#[test]
fn a_machine_that_is_measured_is_nobodys_neighbour() {
    let dir = tempfile::tempdir().unwrap();
    for (set, part) in [
        ("neighbour_vm1=cpu", "vm1 serves or asks"),
        ("neighbour_vm2=fire", "one of idle, cpu, fio, netperf"),
        ("neighbour_vm9=cpu", "the guests are vm3, vm1, vm2"),
        ("neighbour=netperf", "such as vlans_vm4 = 1"),
    ] {
        let (code, said) = planned(dir.path(), ROUTED, &["netperf", "--set", set]);
        assert!(code == Some(2) && said.contains(part), "{set}: {said}");
    }
    let (code, said) = planned(dir.path(), "mem = 256\n", &["netperf", "--set", "neighbour_vm1=cpu"]);
    assert!(code == Some(2) && said.contains("vm1 serves or asks"), "{said}");
    let (code, said) = planned(dir.path(), "mem = 256\n", &["qemu-img-bench", "--set", "neighbour=cpu"]);
    assert!(code == Some(2) && said.contains("there is no guest"), "{said}");
}

#[test]
fn without_a_name_a_neighbour_is_a_further_guest_of_any_scenario() {
    let here = Pretended::new();
    let count = &format!("sh -c 'echo speed $({} | wc -l)'", loads(&here));
    let routed: &[&str] = &["-c", "topo.cfg"];
    let cases = [
        (&[][..], "vm3"),
        (&["--set", "scenario=guest_guest", "--set", "net=dgram"][..], "vm3"),
        (routed, "vm4"),
    ];
    fs::write(here.path().join("topo.cfg"), ROUTED).unwrap();
    for (n, (scenario, name)) in cases.into_iter().enumerate() {
        let out = here.path().join(format!("X{n}"));
        let envs = ["--repeat", "1", "--env", "quiet", "--env", "noisy:neighbour=cpu"];
        let words = here.words(&out, count, &[scenario, &envs].concat());
        // What is set there for one guest joins no machines.
        let joins = |word: &String| {
            if word == "net=user" && name == "vm4" { "net=switch".into() } else { word.clone() }
        };
        here.ends_with(0, here.perfvt().args(words.iter().map(joins)));
        let said =
            |environment: &str| fs::read_to_string(&files(&out.join(environment), "command.txt")[0]).unwrap();
        assert!(said("quiet").contains("speed 0"), "{}", said("quiet"));
        assert!(!said("noisy").contains("speed 0"), "{}", said("noisy"));
        let run: Value = serde_json::from_slice(&fs::read(out.join("noisy/run.json")).unwrap()).unwrap();
        assert_eq!(run["fingerprint"][format!("neighbour.{name}")], "cpu", "{run}");
        assert!(run["fingerprint"][format!("machine.{name}.kernel")].is_string(), "{run}");
        let guests = |environment: &str| {
            let shown = fs::read_to_string(&files(&out.join(environment), "qemu.argv.shown")[0]).unwrap();
            shown.split("\n\n").count()
        };
        assert_eq!(guests("noisy"), guests("quiet") + 1);
    }
    here.assert_nothing_left();
}

#[test]
fn a_neighbour_whose_load_dies_within_the_case_spoils_it_with_its_code() {
    let here = Pretended::new();
    let kill = format!("sh -c 'kill -KILL $({}); sleep 0.2; echo speed 42'", loads(&here));
    let envs = ["--repeat", "1", "--set", "attempts=1", "--set", "neighbour=cpu"];
    here.ends_with(4, &mut here.run(&kill, &envs));
    let [(_, reason)] = here.invalid("base").try_into().unwrap();
    assert!(reason.starts_with("the load cpu of the neighbour vm3 ended with status"), "{reason}");
    let journal = fs::read_to_string(here.out().join("journal.jsonl")).unwrap();
    assert!(journal.contains("\"neighbour-idle\""), "{journal}");
}

/// The shortest round trip of some pings, in milliseconds: the others waited for a machine that others use, too.
fn round_trip(printed: &str) -> f64 {
    let times = printed.split("round-trip min/avg/max = ").nth(1);
    times.and_then(|times| times.split('/').next()?.parse().ok()).unwrap_or_else(|| panic!("{printed}"))
}

#[test]
fn requests_over_a_router_and_a_link_of_5_ms_take_as_long_as_a_ping() {
    let Some(_turn) = beside() else { return };
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("X");
    fs::write(
        dir.path().join("topo.cfg"),
        format!("{ROUTED}link_delay_nic1_vm3 = 5ms\nlink_delay_nic2_vm2 = 5ms\n"),
    )
    .unwrap();
    fs::write(dir.path().join("after.drive"), "vm1 succeed ping -c 10 -i 0.1 vm3\n").unwrap();
    let mut run = apart();
    run.current_dir(dir.path()).args([
        "run",
        "netperf",
        "-c",
        "topo.cfg",
        "--allow-unpinned",
        "--repeat",
        "1",
    ]);
    for set in ["protocols=TCP_RR TCP_STREAM", "sizes_rr=1", "sessions_rr=1", "sizes=16384", "sessions=1"] {
        run.args(["--set", set]);
    }
    // A link so slow that what waits for it makes others wait.
    for set in ["l=3", "after=after.drive", "latency_probe=yes", "link_rate_nic1_vm3=5M"] {
        run.args(["--set", set]);
    }
    let run = output(run.arg("--out").arg(&out));
    assert!(run.status.success(), "{}{}", text(&run.stdout), text(&run.stderr));
    let ping = fs::read_to_string(&files(&out, "after.jsonl")[0]).unwrap();
    let expected = 1000.0 / round_trip(&ping);
    let all = measurements(&out);
    let value = |metric: &str| all.iter().find(|m| m["metric"] == metric).unwrap()["value"].as_f64().unwrap();
    let rate = value("trans.rate");
    // Two links of 5 ms are on the way of each round trip, whatever the machine is busy with.
    assert!(rate < 100.0 && (0.25..1.1).contains(&(rate / expected)), "{rate} a second, pings: {expected}");
    assert!(value("others_CPU") > 0.0 && value("switch_CPU") > 0.0, "{all:?}");
    let (idle, loaded) = (value("idle_latency_ms"), value("loaded_latency_ms"));
    assert!(idle > 10.0 && loaded > 2.0 * idle, "{idle} ms alone, {loaded} ms beside a stream");
    let ratio = value("loaded_latency_ratio");
    assert!((ratio / (loaded / idle) - 1.0).abs() < 1e-9, "{ratio}, {loaded} / {idle}");
    let argv = fs::read_to_string(&files(&out, "session0.argv")[0]).unwrap();
    assert!(argv.contains("-H\n192.168.2.3\n"), "{argv}");
}

#[test]
fn sockperf_and_iperf3_over_a_router_and_a_link_of_5_ms_are_as_slow_as_the_link() {
    let Some(_turn) = beside() else { return };
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("topo.cfg"), format!("{ROUTED}link_delay_nic1_vm3 = 5ms\n")).unwrap();
    let measured = |workload: &str, sets: &[&str]| {
        let out = dir.path().join(workload);
        let mut run = apart();
        run.current_dir(dir.path()).args([
            "run",
            workload,
            "-c",
            "topo.cfg",
            "--allow-unpinned",
            "--repeat",
            "1",
        ]);
        sets.iter().chain(&["l=1"]).for_each(|set| {
            run.args(["--set", set]);
        });
        let run = output(run.arg("--out").arg(&out));
        assert!(run.status.success(), "{}{}", text(&run.stdout), text(&run.stderr));
        let all = measurements(&out);
        move |metric: &str| all.iter().find(|m| m["metric"] == metric).unwrap()["value"].as_f64().unwrap()
    };
    // sockperf's latency is half a round trip.
    let sockperf = measured("sockperf", &["protocols=TCP", "sizes=64", "neighbour=fio"]);
    let did = fs::read_to_string(&files(&dir.path().join("sockperf"), "neighbours.txt")[0]).unwrap();
    assert!(did.starts_with("vm4 fio ") && did.contains(" requests/s\n"), "{did}");
    let round_trip_ms = 2.0 * sockperf("latency_us") / 1000.0;
    assert!(round_trip_ms > 5.0 && sockperf("link_rtt") > 5.0, "{round_trip_ms} ms");
    let iperf3 = measured("iperf3", &["protocols=TCP", "sizes=16k", "streams=1"]);
    assert!(iperf3("throughput") > 0.0 && iperf3("link_rtt") > 5.0 && iperf3("others_CPU") > 0.0);
}
