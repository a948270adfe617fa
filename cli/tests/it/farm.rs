//! One comparison on three hosts of a farm on this machine, with guests that pretend: what is measured, and what is said when
//! something is wrong. One farm serves all of it.

use crate::support;

use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use support::campaigns::{Started, assert_no_attempt_was_burnt, finished_cases, wait_until};
use support::farm::TestFarm;
use support::{files, output, text};

/// What is waited for comes in seconds, and in minutes where CI does much else: a bound against waiting for ever.
const LONG: u64 = 300;
const TWO: [&str; 6] = ["--env", "base", "--env", "head", "--repeat", "3"];

#[test]
fn without_slurm_it_is_said_in_one_sentence_how_to_get_it() {
    let mut perfvt = Command::new(env!("CARGO_BIN_EXE_perfvt"));
    let done = output(perfvt.args(["farm", "hosts"]).env("PATH", "/nonexistent"));
    assert_eq!(done.status.code(), Some(2));
    let said = text(&done.stderr);
    assert!(
        said.contains("Slurm is not installed here") && said.contains("apt-get install slurm-client"),
        "{said}"
    );
    assert_eq!(said.lines().count(), 1, "{said}");
}

#[test]
fn three_hosts_measure_one_comparison_through_a_power_cut_and_a_dead_controller() {
    let Some(farm) = TestFarm::up(&["h1=amd64,kvm", "h2=amd64,kvm", "h3=amd64"]) else { return };
    what_cannot_be_is_refused_in_one_sentence(&farm);
    // Slurm takes its time with a host that is gone, so two farms are on the way at once.
    let go = the_power_of_a_host_is_cut(&farm);
    a_shard_is_cancelled(&farm);
    the_power_comes_back(&farm, &go);
    a_shard_that_was_cancelled_goes_on_when_it_is_asked_for(&farm);
    farm.says(0, &["gather", "--wait", &farm.dir("night").display().to_string()]);
    what_was_gathered_is_what_ordinary_campaigns_are(&farm);
    the_same_again_changes_no_byte(&farm);
    a_dead_controller_is_said_and_what_is_there_is_read_all_the_same(&farm);
    raw_output_goes_unless_it_was_published_or_signed(&farm);
}

fn words(all: &[String]) -> Vec<&str> {
    all.iter().map(String::as_str).collect()
}

fn what_cannot_be_is_refused_in_one_sentence(farm: &TestFarm) {
    let said = farm.says(0, &["hosts"]);
    assert!(said.contains("3 of 3 fit for work") && said.contains("amd64,kvm"), "{said}");
    farm.here.ends_with(
        0,
        farm.command("scontrol").args(["update", "NodeName=h3", "State=DRAIN", "Reason=bad fan"]),
    );
    for (hosts, part) in [
        ("1*nosuch", "no host of the farm has such labels"),
        ("4*amd64", "so many hosts that are fit for work are not there"),
        ("h9", "the farm has no host h9; it has h1, h2, h3"),
        ("h1,h3", "h3 is drained (bad fan)"),
        ("h[1-3]", "want all, names"),
    ] {
        let said = farm.says(2, &words(&farm.submit("refused", hosts, "true", &TWO)));
        assert!(said.contains(part), "{hosts}: {said}");
        assert_eq!(said.trim().lines().count(), 1, "{said}");
    }
    let said = farm.says(
        0,
        &[
            &words(&farm.submit("dry", "all", "true", &TWO))[..1],
            &["--dry-run"],
            &words(&farm.submit("dry", "all", "true", &TWO))[1..],
        ]
        .concat(),
    );
    assert!(
        said.contains("h3 is drained (bad fan); it is left out") && said.contains("shard 02 on h2"),
        "{said}"
    );
    farm.here.ends_with(0, farm.command("scontrol").args(["update", "NodeName=h3", "State=RESUME"]));
    // Slurm takes a moment until it hands out a host that was let go.
    let all = ["--test-only", "--exclusive", "-N", "3", "-C", "amd64", "--wrap", "true"];
    wait_until(LONG, "h3", || output(farm.command("sbatch").args(all)).status.success());
    assert_eq!(fs::read_dir(farm.farms()).unwrap().count(), 0, "nothing is written of what was refused");
}

/// A command that takes a moment, but on one host as long as the test wants from the second block on: until a file is there.
fn pausing(farm: &TestFarm, id: &str, host: &str) -> (String, PathBuf) {
    let (script, go) = (farm.here.path().join(format!("{id}.sh")), farm.here.path().join(format!("{id}.go")));
    let copied = farm.dir(id).join("shards").join(format!("0{}@{host}/copied.json", &host[1..]));
    let text = format!(
        "#!/bin/sh\nif [ \"$(hostname)\" = {host} ] && [ -e {} ]; then\n  until [ -e {} ]; do sleep 0.1; done\nfi\nexec sleep 0.2\n",
        copied.display(),
        go.display()
    );
    fs::write(&script, text).unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    (script.display().to_string(), go)
}

/// The first block of h2 is copied, and the second is being measured when the power goes. Gives the file that ends that sample.
fn the_power_of_a_host_is_cut(farm: &TestFarm) -> PathBuf {
    let (command, go) = pausing(farm, "night", "h2");
    let submit = farm.submit("night", "3*amd64", &command, &TWO);
    farm.says(0, &words(&submit));
    let again = farm.says(0, &words(&submit));
    assert!(again.contains("0 jobs of 3 handed in"), "{again}");
    wait_until(LONG, "the first block of h2", || farm.status("night")[1]["blocks"] == 1);
    // Slurm may take a host that is slow to answer for a dead one, for a moment.
    wait_until(LONG, "the second block of h2", || farm.status("night")[1]["state"] == "running");
    farm.does(&["cut", "h2"]);
    go
}

fn the_power_comes_back(farm: &TestFarm, go: &Path) {
    wait_until(LONG, "the power cut to be seen", || farm.status("night")[1]["state"] != "running");
    fs::write(go, "").unwrap();
    farm.does(&["boot", "h2"]);
}

fn what_was_gathered_is_what_ordinary_campaigns_are(farm: &TestFarm) {
    let mut seeds = BTreeSet::new();
    for k in 1..=3 {
        let shard = farm.dir("night").join(format!("shards/{k:02}@h{k}"));
        assert_no_attempt_was_burnt(&shard);
        assert_eq!(finished_cases(&shard), 6, "nothing is measured twice, and nothing is lost");
        let campaign: Value =
            serde_json::from_slice(&fs::read(shard.join("campaign.json")).unwrap()).unwrap();
        let of = &campaign["farm"];
        let host = format!("h{k}");
        assert_eq!(
            (of["shard"].as_u64(), of["of"].as_u64(), of["host"].as_str()),
            (Some(k), Some(3), Some(&*host))
        );
        seeds.insert(campaign["seed"].as_u64().unwrap());
        for run in files(&shard, "run.json") {
            let run: Value = serde_json::from_slice(&fs::read(run).unwrap()).unwrap();
            assert_eq!((&run["farm"], run["ended"].as_bool()), (of, Some(true)));
            assert_eq!(run["fingerprint"]["host.name"], host);
        }
        if k != 2 {
            continue;
        }
        // The one that was interrupted.
        let shard = shard.display().to_string();
        for verb in [&["status", &shard][..], &["compare", "--no-html", &shard]] {
            let done = output(farm.command(env!("CARGO_BIN_EXE_perfvt")).args(verb));
            assert!(done.status.success(), "{verb:?}: {}", text(&done.stderr));
        }
    }
    let first = *seeds.first().unwrap();
    assert_eq!(seeds.into_iter().collect::<Vec<_>>(), [first, first + 1, first + 2]);
    let journals: Vec<String> = (1..=3)
        .map(|k| {
            fs::read_to_string(farm.dir("night").join(format!("shards/{k:02}@h{k}/journal.jsonl"))).unwrap()
        })
        .collect();
    assert!(journals[1].matches("\"opened\"").count() >= 2, "the second host went on after its power cut");
}

fn the_same_again_changes_no_byte(farm: &TestFarm) {
    let before = farm.content("night");
    let dir = farm.dir("night").display().to_string();
    let (command, _) = pausing(farm, "night", "h2");
    farm.says(0, &["gather", &dir]);
    farm.says(0, &["retry", &dir]);
    farm.says(0, &words(&farm.submit("night", "3*amd64", &command, &TWO)));
    farm.says(0, &["cancel", &dir]);
    assert!(farm.content("night") == before, "what is finished was changed");
    let said = farm.says(2, &words(&farm.submit("night", "3*amd64", "true", &TWO)));
    assert!(said.contains("was asked for with other words; give another --id"), "{said}");
    let said = farm.says(2, &["move", &dir, "2", "h1"]);
    assert!(said.contains("has measured blocks on h2"), "{said}");
}

fn a_shard_is_cancelled(farm: &TestFarm) {
    let dir = farm.dir("short").display().to_string();
    let (command, go) = pausing(farm, "short", "h1");
    farm.says(0, &words(&farm.submit("short", "h1", &command, &["--repeat", "3"])));
    wait_until(LONG, "the first block", || farm.status("short")[0]["blocks"] == 1);
    let said = farm.says(1, &["gather", "--wait", "--patience", "1s", &dir]);
    assert!(said.contains("no longer waiting for h1, 1/3 blocks, running: its blocks"), "{said}");
    let cancel =
        Started(farm.farm(&["cancel", &dir]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
    wait_until(LONG, "the interruption", || farm.log("short", 1).contains("SIGINT"));
    fs::write(go, "").unwrap();
    assert!({ cancel }.wait().unwrap().success());
    let shard = farm.status("short").remove(0);
    assert_eq!(shard["state"], "cancelled", "{shard}\n{}", farm.log("short", 1));
    let said = farm.says(1, &["gather", &dir]);
    assert!(said.contains("0 of 1 shard finished"), "{said}");
}

fn a_shard_that_was_cancelled_goes_on_when_it_is_asked_for(farm: &TestFarm) {
    let dir = farm.dir("short").display().to_string();
    another_machine_of_the_same_name_is_refused(farm);
    farm.says(0, &["retry", &dir]);
    farm.says(0, &["gather", "--wait", &dir]);
    let shard = farm.dir("short").join("shards/01@h1");
    assert_eq!(finished_cases(&shard), 3, "nothing is measured twice, and nothing is lost");
    assert_no_attempt_was_burnt(&shard);
}

fn another_machine_of_the_same_name_is_refused(farm: &TestFarm) {
    let file = farm.dir("short").join("ends/01.machine.json");
    let good = fs::read_to_string(&file).unwrap();
    let known: Value = serde_json::from_str(&good).unwrap();
    let id = known["id"].as_str().unwrap();
    if id.is_empty() {
        // A machine without a number of its own, which containers may be.
        return;
    }
    fs::write(&file, good.replace(id, "0123456789abcdef")).unwrap();
    farm.says(0, &["retry", &farm.dir("short").display().to_string()]);
    wait_until(LONG, "the shard to end", || farm.status("short")[0]["state"] == "failed");
    let shard = farm.status("short").remove(0);
    let reason = shard["reason"].as_str().unwrap();
    assert!(reason.contains("was begun on another machine that was called h1"), "{reason}");
    fs::write(&file, good).unwrap();
}

fn a_dead_controller_is_said_and_what_is_there_is_read_all_the_same(farm: &TestFarm) {
    farm.does(&["controller", "kill"]);
    let dir = farm.dir("night").display().to_string();
    // Slurm's programs take seconds to give up.
    for words in [&["status", &dir], &["cancel", &dir]] {
        let said = farm.says(2, words);
        assert!(said.contains("Slurm's controller does not answer"), "{said}");
        assert_eq!(said.trim().lines().count(), 1, "{said}");
    }
    farm.says(0, &["gather", &dir]);
    let file = files(Path::new(&dir), "measurements.jsonl").remove(0);
    let good = fs::read(&file).unwrap();
    fs::write(&file, "x").unwrap();
    let said = farm.says(2, &["gather", &dir]);
    assert!(said.contains("is not what its sum says: it was changed since it was copied"), "{said}");
    fs::write(&file, good).unwrap();
}

/// The controller is not asked. `night` has three shards, `short` one.
fn raw_output_goes_unless_it_was_published_or_signed(farm: &TestFarm) {
    let (farms, site) = (farm.farms().display().to_string(), farm.here.path().join("site"));
    let site = site.display().to_string();
    let prune = |more: &[&str]| farm.says(0, &[&["prune", &farms, "--keep-raw", "0d"], more].concat());
    let said = farm.says(2, &["prune", &farms, "--keep-raw", "0d"]);
    assert!(said.contains("--no-site") && said.contains("--site"), "{said}");
    let shard = farm.dir("night").join("shards/02@h2");
    let perfvt = env!("CARGO_BIN_EXE_perfvt");
    farm.here.ends_with(0, farm.command(perfvt).args(["publish", &site]).arg(&shard));
    let signature = farm.dir("short").join("SHA256SUMS.sig");
    fs::write(&signature, "x").unwrap();
    let said = prune(&["--site", &site, "--dry-run"]);
    assert!(said.contains("MiB would go"), "{said}");
    let said = prune(&["--site", &site]);
    let kept = format!("{}: its raw output is kept: it is published ({site}/r/", shard.display());
    assert!(said.contains(&kept) && said.contains("it is signed ("), "{said}");
    let has_raw = |shard: &Path| files(shard, "").iter().any(|file| file.iter().any(|part| part == "raw"));
    let all = [("night", "01@h1"), ("night", "02@h2"), ("night", "03@h3"), ("short", "01@h1")];
    let left = all.map(|(id, shard)| has_raw(&farm.dir(id).join("shards").join(shard)));
    assert_eq!(left, [false, true, false, true], "{said}");
    farm.says(0, &["gather", &farm.dir("night").display().to_string()]);
    let said = prune(&["--no-site"]);
    assert!(said.contains("MiB removed") && !has_raw(&shard), "{said}");
}
