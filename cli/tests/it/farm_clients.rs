//! Two hosts in one test, which Slurm gives to one job: a real guest on the one, its client on the other, reached by ssh at Slurm's address
//! while data go by a network of their own.

use crate::sshd_support;
use crate::support;

use serde_json::Value;
use sshd_support::Sshd;
use std::fs;
use std::path::Path;
use support::farm::{SCRIPT, TestFarm};
use support::hosts::tools;
use support::{files, has_guests, measurements};

/// A cable between the two beside the farm's own network, with a bridge for guests at one end.
fn data_network(farm: &TestFarm) {
    let starter = |host: &str| {
        let file = farm.here.path().join("slurm/hosts").join(host).join("starter");
        fs::read_to_string(file).unwrap().trim().to_owned()
    };
    let (h1, c1) = (starter("h1"), starter("c1"));
    let control = |words: &str| farm.here.ends_with(0, farm.command("ip").args(words.split_whitespace()));
    control("link add data0 type veth peer name data1");
    control(&format!("link set data0 netns {h1}"));
    control(&format!("link set data1 netns {c1}"));
    for (host, words) in [
        ("h1", "link add br0 type bridge"),
        ("h1", "address add 10.88.0.1/24 dev br0"),
        ("h1", "link set br0 up"),
        ("h1", "link set data0 master br0 up"),
        ("c1", "address add 10.88.0.15/24 dev data1"),
        ("c1", "link set data1 up"),
    ] {
        let all: Vec<&str> = [host, "ip"].into_iter().chain(words.split_whitespace()).collect();
        farm.does(&[&["on"], &all[..]].concat());
    }
}

#[test]
#[ignore = "soak: a real guest"]
fn a_guest_and_the_host_of_its_client_are_one_job() {
    // The farm has its turn beside other tests.
    if !testing::may_boot() || !has_guests() {
        return;
    }
    let Some(farm) = TestFarm::up(&["h1=amd64", "c1=amd64"]) else { return };
    data_network(&farm);
    let dir = farm.here.path().join("slurm").display().to_string();
    let Some(sshd) = Sshd::start("10.77.0.3", &["bash", SCRIPT, "on", &dir, "c1"]) else {
        return testing::skip("there is no sshd here");
    };
    let tools = tools(farm.here.path());
    let text = format!(
        "only netperf.guest_exhost\nvariants:\n    - repeat1:\nbridge = br0\nip_nic1 = 10.88.0.21\nnuma_node = 0\n\
         client_user = {}\nclient_port = {}\nclient_key = {}\nclient_ssh_config = {}\nclient_tools = {}\n\
         protocols = TCP_STREAM\nsizes = 16384\nsessions = 1\nl = 2\nmem = 256\nshuffle = no\n",
        sshd.user,
        sshd.port,
        sshd.key().display(),
        sshd.config().display(),
        tools.display()
    );
    let file = farm.here.path().join("tests.cfg");
    fs::write(&file, text).unwrap();
    let (farms, local, file) = (
        farm.farms().display().to_string(),
        farm.here.path().join("local").display().to_string(),
        file.display().to_string(),
    );
    let words = |hosts: &'static str, clients: &'static str| {
        let own =
            ["--farm", &farms, "--hosts", hosts, "--clients", clients, "--id", "two", "--local", &local];
        let run = ["--", "-c", &file, "--allow-unpinned", "--noise", "off"];
        own.iter().chain(&run).map(|word| (*word).to_owned()).collect::<Vec<_>>()
    };
    let perfvt = env!("CARGO_BIN_EXE_perfvt");
    let submit = |code: i32, words: &[String]| {
        let mut command = farm.command("env");
        command.args(["-u", "XDG_CACHE_HOME", perfvt, "farm", "submit"]).args(words);
        farm.here.ends_with(code, &mut command)
    };
    let said = submit(2, &words("h1", "h1"));
    assert!(said.contains("h1 measures; a client's host has no guests"), "{said}");
    let said = submit(2, &words("h1", "h1,c1"));
    assert!(said.contains("2 hosts, and 1 host measure; want one for each"), "{said}");
    submit(0, &words("h1", "c1"));
    let dir = farm.dir("two").display().to_string();
    // Both hosts belong to it.
    support::campaigns::wait_until(60, "the job", || farm.log("two", 1).contains("boot"));
    let said = farm.here.ends_with(0, farm.command("sinfo").args(["-h", "-N", "-o", "%N %T"]));
    println!("{said}");
    let done = farm.says(0, &["gather", "--wait", "--patience", "5m", &dir]);
    println!("{done}\n{}", farm.log("two", 1));
    let shard = farm.dir("two").join("shards/01@h1");
    let all = measurements(&shard);
    let value = |metric: &str| all.iter().find(|m| m["metric"] == metric).unwrap()["value"].as_f64().unwrap();
    assert!(value("throughput") > 1.0, "{all:?}");
    let argv = fs::read_to_string(&files(&shard, "session0.argv")[0]).unwrap();
    assert!(argv.contains("-H\n10.88.0.21\n"), "data go by a network of their own: {argv}");
    let plan: Value = serde_json::from_slice(&fs::read(Path::new(&dir).join("farm.json")).unwrap()).unwrap();
    assert_eq!(plan["shards"][0]["client"], "c1");
    let campaign = fs::read_to_string(shard.join("campaign.json")).unwrap();
    assert!(campaign.contains("10.77.0.3"), "ssh goes by Slurm's address");
}
