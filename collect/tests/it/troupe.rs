//! Machines on networks of their own, with real guests.

use collect::testbed::{Troupe, guest_params};
use model::Accel;
use std::path::Path;
use std::time::Duration;
use vm::guest::channel::Status;
use vm::guest::image::{Cache, builtin, host_program};
use vm::guest::network::{NFT, Shape};

const SOON: Duration = Duration::from_secs(60);

/// A client, a router and a server; nothing where no guest can be booted.
fn troupe(logs: &Path, sets: &[&str]) -> Option<Troupe> {
    let made = Cache::from_env().and_then(|cache| builtin(&cache).map(|image| (cache, image)));
    let (cache, image) = match made {
        Ok(made) => made,
        Err(error) => {
            testing::skip(error);
            return None;
        }
    };
    let all = ["mem=256", "smp=1", "deadline_factor=20"].iter().chain(sets);
    let sets: Vec<String> = all.map(|set| (*set).to_owned()).collect();
    let params = guest_params("builtin", &sets).unwrap();
    Some(Troupe::new(&cache, image, Accel::Tcg, params, logs).unwrap_or_else(|e| panic!("{e}")))
}

fn says(troupe: &mut Troupe, name: &str, argv: &[&str]) -> String {
    let machine = troupe.machine(name).unwrap_or_else(|e| panic!("{e}"));
    machine.run(argv, SOON).unwrap_or_else(|e| panic!("{name}: {argv:?}: {e}"))
}

/// The shortest round trip of some pings, in milliseconds.
fn round_trip(printed: &str) -> f64 {
    let times = printed.lines().find_map(|line| line.strip_prefix("round-trip min/avg/max = "));
    times.and_then(|times| times.split('/').next()?.parse().ok()).unwrap_or_else(|| panic!("{printed}"))
}

/// A client, a router and a server, each in networks of its own.
const ROUTED: [&str; 6] = [
    "vms=vm1 vm2 vm3",
    "vlans_vm1=1",
    "vlans_vm2=1 2",
    "vlans_vm3=2",
    "forward_vm2=yes",
    "routes_vm1=default via vm2",
];
/// One packet to the server, whose answer comes back in two seconds or not at all.
const ONE_PING: [&str; 6] = ["ping", "-c", "1", "-w", "2", "vm3"];

fn is_lost(troupe: &mut Troupe, name: &str, ping: &[&str]) {
    let reply = troupe.machine(name).unwrap().exec(ping, SOON).unwrap();
    assert_ne!(reply.status, Status::Exit(0), "{name}: {ping:?}: {reply:?}");
}

/// The router hides the client's network from a server that has no way back; at the end it does so no more, and there is a way back.
fn a_router_that_translates_hides_a_network(troupe: &mut Troupe) {
    says(troupe, "vm3", &["ip", "route", "del", "192.168.1.0/24"]);
    // The server notes who asks.
    says(troupe, "vm3", &["sh", "-c", "httpd -f -v -p 80 -h /etc 2> /tmp/seen &"]);
    let ask = "printf 'GET /hosts HTTP/1.0\\r\\n\\r\\n' | nc -w 20 vm3 80";
    let got = says(troupe, "vm1", &["sh", "-c", ask]);
    assert!(got.contains("192.168.1.1 vm1"), "{got}");
    let seen = says(troupe, "vm3", &["cat", "/tmp/seen"]);
    assert!(seen.contains("192.168.2.2") && !seen.contains("192.168.1.1"), "{seen}");
    says(troupe, "vm1", &ONE_PING);
    says(troupe, "vm2", &["nft", "flush", "ruleset"]);
    // Without it nobody answers.
    is_lost(troupe, "vm1", &ONE_PING);
    says(troupe, "vm3", &["ip", "route", "add", "192.168.1.0/24", "via", "192.168.2.2"]);
}

/// netperf's round trips over the router are as long as ping's.
fn requests_take_as_long_as_pings(troupe: &mut Troupe) {
    says(troupe, "vm3", &["netserver", "-4"]);
    let netperf = ["netperf", "-4", "-P", "0", "-v", "0", "-l", "2", "-t", "TCP_RR", "-H", "vm3"];
    let rate: f64 = says(troupe, "vm1", &netperf).trim().parse().unwrap();
    let pinged = says(troupe, "vm1", &["ping", "-c", "10", "-i", "0.1", "-w", "20", "vm3"]);
    let (netperf_ms, ping_ms) = (1000.0 / rate, round_trip(&pinged));
    assert!(netperf_ms >= 40.0 && ping_ms >= 40.0, "{netperf_ms} {ping_ms}");
    assert!(netperf_ms < 1.5 * ping_ms + 10.0, "{netperf_ms} {ping_ms}");
}

/// All that one boot of three machines can show: booting them takes most of the time.
#[test]
fn three_machines_on_two_networks_reach_one_another_by_name_over_a_router_that_may_translate_and_comes_back()
{
    let _turn = testing::busy();
    let dir = tempfile::tempdir().unwrap();
    // What comes back to vm1 is late, and what goes to the router is not.
    let more = ["routes_vm3=1 via vm2", "nic_mac_vm3=52:54:00:aa:00:03", "link_delay_vm1=40ms"];
    let translates = Cache::from_env().and_then(|cache| host_program(&cache, NFT));
    let nat: &[&str] = if translates.is_ok() { &["nat_vm2=yes"] } else { &[] };
    let Some(mut troupe) = troupe(dir.path(), &[&ROUTED, &more[..], nat].concat()) else { return };
    let down = troupe.machine("vm1").err().unwrap().to_string();
    assert_eq!(down, "vm1 does not run: start it first");
    let nobody = troupe.start("vm4").unwrap_err().to_string();
    assert_eq!(nobody, "there is no machine 'vm4'; vms lists vm1, vm2, vm3");
    troupe.start_all().unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(says(&mut troupe, "vm3", &["hostname"]), "vm3\n");
    let ways = says(&mut troupe, "vm3", &["ip", "route"]);
    assert!(!ways.contains("default") && ways.contains("192.168.1.0/24 via 192.168.2.2"), "{ways}");
    match translates {
        Ok(_) => a_router_that_translates_hides_a_network(&mut troupe),
        Err(error) => testing::skip(error),
    }
    let near = says(&mut troupe, "vm1", &["ping", "-c", "1", "-w", "20", "vm2"]);
    assert!(near.contains("192.168.1.2") && near.contains(" 0% packet loss"), "{near}");
    assert!(round_trip(&near) >= 40.0, "{near}");
    let not_late = says(&mut troupe, "vm3", &["ping", "-c", "3", "-w", "20", "vm2"]);
    assert!(round_trip(&not_late) < 40.0, "{not_late}");
    // The router is in both networks, and has a name in each.
    let inside = says(&mut troupe, "vm1", &["ping", "-c", "1", "-w", "20", "vm2-1"]);
    assert!(inside.contains("192.168.1.2"), "{inside}");
    // The way back leads over the router as well.
    let far = says(&mut troupe, "vm1", &["ping", "-c", "1", "-w", "20", "vm3"]);
    assert!(far.contains("192.168.2.3") && far.contains("ttl=63"), "{far}");
    requests_take_as_long_as_pings(&mut troupe);
    let mac = says(&mut troupe, "vm3", &["cat", "/sys/class/net/eth0/address"]);
    assert_eq!(mac, "52:54:00:aa:00:03\n");
    // A cable that is pulled out, and put back.
    troupe.machine("vm2").unwrap().set_links(false).unwrap();
    is_lost(&mut troupe, "vm1", &["ping", "-c", "1", "-w", "2", "vm2"]);
    troupe.machine("vm2").unwrap().set_links(true).unwrap();
    says(&mut troupe, "vm1", &["ping", "-c", "1", "-w", "20", "vm2"]);
    troupe.end("vm2").unwrap();
    assert!(!troupe.runs("vm2").unwrap() && troupe.runs("vm1").unwrap());
    is_lost(&mut troupe, "vm1", &ONE_PING);
    troupe.start("vm2").unwrap_or_else(|e| panic!("{e}"));
    let back = says(&mut troupe, "vm1", &["ping", "-c", "1", "-w", "20", "vm3"]);
    assert!(back.contains("ttl=63"), "{back}");
    let switch = troupe.switch().unwrap().told().unwrap();
    assert!(switch.ports.iter().all(|port| port.received > 0 && port.sent > 0), "{switch:?}");
    assert!(dir.path().join("vm2.2/serial.log").exists(), "each start has a folder");
}

#[test]
fn a_link_of_vde_is_slow_by_the_same_rule_and_loses_what_it_should() {
    if let Err(error) = process::run(process::Spec::new("vde_switch").arg("--version"), SOON) {
        return testing::skip(error);
    }
    let _turn = testing::busy();
    let dir = tempfile::tempdir().unwrap();
    let more = ["net=vde", "routes_vm3=1 via vm2", "link_delay_nic1_vm2=30ms", "link_loss_vm3=99.99"];
    let Some(mut troupe) = troupe(dir.path(), &[&ROUTED, &more[..]].concat()) else { return };
    troupe.start_all().unwrap_or_else(|e| panic!("{e}"));
    let near = says(&mut troupe, "vm1", &["ping", "-c", "3", "-w", "20", "vm2"]);
    assert!(round_trip(&near) >= 30.0, "{near}");
    is_lost(&mut troupe, "vm1", &ONE_PING);
    troupe.reshape("vm3", 0, Shape::default()).unwrap();
    let far = says(&mut troupe, "vm1", &["ping", "-c", "1", "-w", "20", "vm3"]);
    assert!(far.contains("ttl=63") && round_trip(&far) >= 30.0, "{far}");
}
