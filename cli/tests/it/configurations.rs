//! `perfvt run -c tests.cfg`: what a Cartesian configuration makes of a campaign.

use crate::support::pretended::Pretended;
use serde_json::Value;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A configuration for a campaign as the field's manual gives it: it includes nothing.
const MANUAL: &str = include_str!("support/manual.cfg");

struct Run {
    code: i32,
    out: String,
    err: String,
}

struct Place(tempfile::TempDir);

impl Place {
    fn with(cfg: &str) -> Place {
        let place = Place(tempfile::tempdir().unwrap());
        fs::write(place.path("tests.cfg"), cfg).unwrap();
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn perfvt(&self, words: &[&str]) -> Run {
        self.perfvt_with(words, &[])
    }

    fn perfvt_with(&self, words: &[&str], environment: &[(&str, &Path)]) -> Run {
        let output = Command::new(env!("CARGO_BIN_EXE_perfvt"))
            .args(words)
            .current_dir(self.0.path())
            .env("XDG_CONFIG_HOME", self.path("config"))
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        Run { code: output.status.code().unwrap(), out: text(&output.stdout), err: text(&output.stderr) }
    }

    /// What `perfvt run .. --dry-run` says.
    fn plan(&self, words: &[&str]) -> Run {
        self.perfvt(&[&["run", "--accel", "tcg", "--allow-unpinned", "--dry-run"], words].concat())
    }
}

/// Keys of avocado-vt, as its users have them.
const FOREIGN: &str = "variants:
    - netperf: install setup
        type = netperf
        kill_vm = yes
        machine_type = q35
        nics += ' nic2'
        nic_model_nic1 = virtio
        nic_model_nic2 = e1000
        netdst_nic1 = pvtprivate
        netdst_nic2 = pvtswitch
        extra_params = '-name x'
        mem = 1G
        nic_mode = tap
        protocols = TCP_STREAM
        sizes = 64
        sessions = 1
        client = localhost
        Windows:
            setup_cmd = x
        variants:
            - guest_guest:
                only Linux
                vms += ' vm2'
                client = vm2
            - host_guest:
";

#[test]
fn a_configuration_of_avocado_vt_is_planned_and_told_once_what_its_words_are_here() {
    let place = Place::with(FOREIGN);
    // Its bridges are not here, which the plan does not need.
    let run = place.plan(&["netperf", "-c", "tests.cfg", "--only", "host_guest", "--set", "memory=2G"]);
    assert_eq!(run.code, 2, "{}", run.err);
    for line in [
        "machine = q35    (tests.cfg:5)",
        "nic_model_nic1 = virtio_net    (tests.cfg:7)",
        "bridge_nic2 = pvtswitch    (tests.cfg:10)",
        "extra_args = -name x    (tests.cfg:11)",
        "mem = 2048    (--set memory=2G)",
    ] {
        assert!(run.out.contains(&format!("\n  {line}\n")), "{line}\n{}", run.out);
    }
    let notes: Vec<&str> = run.err.lines().filter(|line| line.starts_with("note: ")).collect();
    let wanted = "note: other names, understood: machine_type (tests.cfg:5) is machine, netdst_nic1 (tests.cfg:9) is bridge_nic1, \
                  netdst_nic2 (tests.cfg:10) is bridge_nic2, extra_params (tests.cfg:11) is extra_args, memory is mem, mem = 2G is 2048, \
                  nic_model_nic1 = virtio (tests.cfg:7) is virtio_net";
    assert_eq!(notes, [wanted]);
    assert!(
        run.err.contains("tests.cfg:13: perfvt does not know the key 'nic_mode'; here that is net = "),
        "{}",
        run.err
    );
    assert!(run.err.contains("filters only: kill_vm (tests.cfg:4)"), "{}", run.err);
    let refused = place.plan(&[
        "netperf",
        "-c",
        "tests.cfg",
        "--only",
        "host_guest",
        "--set",
        "machine_type=arm64-pci:virt",
    ]);
    assert!(refused.code == 2 && refused.err.contains("guests are PCs"), "{}", refused.err);
}

#[test]
fn every_key_that_perfvt_does_not_know_is_named_with_v() {
    let keys: String = (1..=40).map(|n| format!("own_{n}_key = x\n")).collect();
    let place = Place::with(&keys);
    let few = place.plan(&["netperf", "-c", "tests.cfg"]);
    assert!(few.err.contains("own_5_key (tests.cfg:5), and 35 others, which -v names\n"), "{}", few.err);
    let all = place.plan(&["netperf", "-c", "tests.cfg", "-v"]);
    assert!(all.err.contains("own_39_key (tests.cfg:39), own_40_key (tests.cfg:40)\n"), "{}", all.err);
    assert_eq!((few.code, all.code), (0, 0));
}

impl Run {
    #[track_caller]
    fn shows(&self, lines: &[&str]) {
        assert_eq!(self.code, 0, "{}{}", self.out, self.err);
        for line in lines {
            assert!(self.out.lines().any(|l| l.trim() == *line), "no line '{line}' in\n{}", self.out);
        }
    }

    #[track_caller]
    fn refuses(&self, parts: &[&str]) {
        assert_eq!(self.code, 2, "{}{}", self.out, self.err);
        for part in parts {
            assert!(self.err.contains(part), "no '{part}' in\n{}", self.err);
        }
    }
}

#[test]
fn the_example_of_the_manual_says_three_boots_on_its_bridges() {
    let place = Place::with(MANUAL);
    let lines = [("bridge", "vbr0", 7), ("bridge_nic2", "virbr0", 9), ("ip_nic1", "192.168.100.21", 11)];
    for (key, value, line) in
        lines.into_iter().chain([("client", "192.168.100.15", 13), ("scenario", "exhost_guest", 0)])
    {
        let explained = place.perfvt(&["list", "--base", "--explain", key]).out;
        let place =
            if line == 0 { "perfvt:scenarios.cfg:14".to_owned() } else { format!("tests.cfg:{line}") };
        assert!(explained.contains(&format!("    {key} = {value}    ({place})\n")), "{explained}");
    }
    let plan = place.plan(&["-c", "tests.cfg"]);
    let said = format!("{}{}", plan.out, plan.err);
    if plan.code == 0 {
        plan.shows(&["bridge = vbr0    (tests.cfg:7)", "numa_node = 0    (tests.cfg:14)", "block 3: base"]);
        assert!(plan.out.starts_with("netperf, exhost_guest: 1 environment x 3 boots x 57 cases"), "{said}");
    } else {
        // What may be refused is the external host or the bridge, which this machine lacks.
        assert!(said.contains("192.168.100.15") || said.contains("vbr0"), "{said}");
    }
    // With a stand-in for the external host on a bridge of perfvt's own, the rest is planned as it stands.
    let here = ["--set", "client=netns", "--set", "bridge=", "--set", "bridge_nic2=", "--set", "ip_nic1="];
    let plan = place.plan(&[&["-c", "tests.cfg"], &here[..]].concat());
    if plan.code == 0 {
        plan.shows(&["numa_node = 0    (tests.cfg:14)", "block 3: base"]);
        assert!(
            plan.out.starts_with("netperf, exhost_guest: 1 environment x 3 boots x 57 cases"),
            "{}",
            plan.out
        );
    }
    let names = place.perfvt(&["list", "--base"]);
    assert_eq!(
        names.out,
        "repeat1.netperf.guest_exhost\nrepeat2.netperf.guest_exhost\nrepeat3.netperf.guest_exhost\n"
    );
    assert!(!said.contains("does not know"), "{said}");
}

#[test]
fn later_layers_win_and_every_value_keeps_its_place() {
    let place = Place::with(
        "l = 9\nmem = 1024\nsizes = 64\nsizes_rr = 64\nsessions = 2\nsessions_rr = 2\nnumanode = 0\n",
    );
    let plan = place.plan(&[
        "netperf",
        "-c",
        "tests.cfg",
        "--profile",
        "quick",
        "--set",
        "mem=768",
        "--env",
        "a",
        "--env",
        "b:mem=640",
    ]);
    plan.shows(&[
        "mem = 768    (--set mem=768)",
        "mem = 640    (--env b:mem=640)",
        "numa_node = 0    (tests.cfg:7)",
    ]);
    assert!(!plan.out.contains("nic_model = virtio_net"), "nobody set it: {}", plan.out);
    assert!(plan.out.contains("    (--profile quick)"), "{}", plan.out);
    let plan = place.plan(&["netperf", "-c", "tests.cfg"]);
    plan.shows(&["l = 9    (tests.cfg:1)", "sizes = 64    (tests.cfg:3)", "block 5: base"]);
}

#[test]
fn a_block_is_the_factor_and_its_repeats_are_boots_unless_repeat_says_otherwise() {
    let place = Place::with(
        "include perfvt:hardware.cfg\nnuma_node = 0\nvariants:\n    - repeat1:\n    - repeat2:\n    - repeat3:\n",
    );
    let plan = place.plan(&["netperf", "-c", "tests.cfg", "--env", "@nic_model"]);
    plan.shows(&[
        "environment virtio_net",
        "environment e1000",
        "nic_model = e1000    (perfvt:hardware.cfg:5)",
    ]);
    assert!(plan.out.contains("2 environments x 3 boots"), "{}", plan.out);
    let plan = place.plan(&["netperf", "-c", "tests.cfg", "--only", "e1000", "--repeat", "7"]);
    plan.shows(&["nic_model = e1000    (perfvt:hardware.cfg:5)", "block 7: base"]);
}

#[test]
fn what_a_configuration_leaves_open_is_asked_for() {
    let place = Place::with("mem = 1024\n");
    place.plan(&[]).refuses(&["what is to be measured? name a workload (netperf", "with -c tests.cfg"]);
    let only = place.plan(&["netperf", "-c", "tests.cfg", "--only", "netpref"]);
    only.refuses(&[
        "tests.cfg: no variant is left",
        "ruled out by --only:1: only netpref",
        "did you mean 'netperf'?",
    ]);
    place.plan(&["netperf", "-c", "test.cfg"]).refuses(&["reading test.cfg: No such file"]);
    place
        .plan(&["netperf", "-c", "tests.cfg", "--no", "host_guest"])
        .refuses(&["take one with `--only guest_guest`"]);
    place
        .plan(&["netperf", "--set", "guest=fedora"])
        .refuses(&["--set guest=fedora: no guest is called 'fedora'"]);
}

#[test]
fn keys_that_perfvt_does_not_know_are_warned_about_once() {
    let place = Place::with("numa_node = 0\nmemm = 5\nsite = lab\nextra_args = -name ${site}\n");
    let plan = place.plan(&["netperf", "-c", "tests.cfg", "--env", "a", "--env", "b", "--repeat", "10"]);
    plan.shows(&["extra_args = -name lab    (tests.cfg:4)"]);
    assert_eq!(
        plan.err,
        "warning: tests.cfg:2: perfvt does not know the key 'memm', did you mean 'mem'?\n\
         warning: perfvt does not know this key, which serves for ${site} and filters only: site (tests.cfg:3)\n"
    );
}

#[test]
fn a_configuration_may_come_through_a_pipe() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_perfvt"))
        .args(["list", "-", "--only", "b"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"variants:\n    - a:\n    - b:\n").unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(0), b"b\n".as_slice()));
}

#[test]
fn guests_of_ones_own_are_listed_and_their_keys_taken() {
    let place = Place::with("numa_node = 0\n");
    fs::create_dir_all(place.path("config/perfvt")).unwrap();
    let own = "image = perfvt:builtin\nvariants guest:\n    - small:\n        mem = 256\n    - big:\n        \
               mem = 2048\n        smp = 1\n";
    fs::write(place.path("config/perfvt/guests.cfg"), own).unwrap();
    let listed = place.perfvt(&["list", "--guests"]);
    assert!(listed.out.starts_with("small\nbig\nbuiltin"), "{}", listed.out);
    let plan = place.plan(&[
        "netperf",
        "-c",
        "tests.cfg",
        "--env",
        "small:guest=small",
        "--env",
        "big:guest=big,smp=2",
    ]);
    let file = place.path("config/perfvt/guests.cfg");
    plan.shows(&[
        &format!("mem = 256    ({}:4)", file.display()),
        &format!("mem = 2048    ({}:6)", file.display()),
        "smp = 2    (--env big:guest=big,smp=2)",
    ]);
}

#[test]
fn a_provider_is_fetched_when_it_is_needed_and_its_guests_and_configurations_are_there() {
    let place = Place::with("include tp.qemu:cfg/net.cfg\nnuma_node = 0\n");
    let repo = place.path("repo");
    fs::create_dir_all(repo.join("qemu/cfg")).unwrap();
    fs::create_dir_all(place.path("config/perfvt/test-providers.d")).unwrap();
    fs::write(repo.join("qemu/cfg/net.cfg"), "include ../mem.cfg\nonly host_guest\n").unwrap();
    fs::write(repo.join("qemu/mem.cfg"), "mem = 640\n").unwrap();
    fs::write(repo.join("qemu/cfg/guests.cfg"), "variants guest:\n    - theirs:\n        mem = 320\n")
        .unwrap();
    fs::write(repo.join("out.cfg"), "include ../../tests.cfg\n").unwrap();
    let git = |words: &[&str]| {
        let who = ["-c", "user.name=t", "-c", "user.email=t@t.invalid"];
        let mut git = Command::new("git");
        git.arg("-C").arg(&repo).args(who).args(words).env("GIT_CONFIG_GLOBAL", "/dev/null");
        let done = git.output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8(done.stdout).unwrap().trim().to_owned()
    };
    git(&["init", "--quiet", "-b", "main"]);
    git(&["add", "."]);
    git(&["commit", "--quiet", "-m", "one"]);
    let commit = git(&["rev-parse", "HEAD"]);
    let definition =
        format!("[provider]\nuri: file://{}\nbranch: main\n[qemu]\nsubdir: qemu/\n", repo.display());
    fs::write(place.path("config/perfvt/test-providers.d/tp.ini"), definition).unwrap();
    // A cache of its own: providers are kept there.
    let cache = place.path("cache");
    let perfvt = |words: &[&str]| place.perfvt_with(words, &[("XDG_CACHE_HOME", &cache)]);
    assert!(perfvt(&["provider", "list"]).out.ends_with("  not fetched yet\n"));
    let explained = perfvt(&["list", "--base", "--only", "netperf", "--explain", "mem"]);
    let line = format!("    mem = 640    (tp.qemu@{}:/cfg/../mem.cfg:1)", &commit[..12]);
    assert!(explained.out.lines().any(|l| l == line), "{}{}", explained.out, explained.err);
    assert!(perfvt(&["provider", "list"]).out.contains(&format!("  commit {commit}\n")));
    let listed = perfvt(&["list", "--guests"]);
    let first = "theirs (missing an image: it names none)\n";
    assert!(listed.out.starts_with(first), "{}{}", listed.out, listed.err);
    let out = perfvt(&["list", "tp:out.cfg"]);
    out.refuses(&["include files of its own folder"]);
    perfvt(&["list", "tp:no.cfg"]).refuses(&["No such file"]);
    perfvt(&["provider", "update", "pt"]).refuses(&["no provider is called 'pt'; there are tp"]);
}

fn json(path: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn a_campaign_is_run_from_a_configuration() {
    let guests = Pretended::new();
    let path = |name: &str| guests.path().join(name);
    let text = "only command\nvariants nic:\n    - a:\n    - b:\n        nic_model = e1000\n\
                variants:\n    - repeat1:\n    - repeat2:\n";
    fs::write(path("tests.cfg"), text).unwrap();
    let mut words = guests.words(&guests.out(), "true", &["-c", "tests.cfg", "--env", "@nic"]);
    // Which workload it is, the configuration says.
    assert_eq!(words.remove(1), "command");
    guests.ends_with(0, guests.perfvt().args(words));
    let plan = json(&path("X/campaign.json"));
    let origin = &plan["environments"][1]["params"]["nic_model"]["origin"];
    assert_eq!(*origin, serde_json::json!({"file": "tests.cfg", "line": 5}));
    assert_eq!(plan["rule"]["repeats"], 2);
    let run = json(&path("X/b/run.json"));
    assert_eq!(run["factors"], serde_json::json!(["nic_model"]));
    for environment in ["a", "b"] {
        let repeats = fs::read_dir(path("X").join(environment)).unwrap().flatten();
        let names: Vec<String> = repeats.map(|e| e.file_name().to_string_lossy().into_owned()).collect();
        assert_eq!(names.iter().filter(|n| n.starts_with("repeat")).count(), 2, "{names:?}");
    }
    guests.ends_with(0, guests.perfvt().args(["compare", "X", "--no-html"]));
    guests.assert_nothing_left();
}

/// The pilot is one of the samples, of four rows that gate in two cases.
#[test]
fn a_dry_run_with_a_pilot_says_what_the_campaign_will_see() {
    let place = Place::with("numa_node = 0\n");
    let pilot = concat!(env!("CARGO_MANIFEST_DIR"), "/../samples/virtio");
    let words =
        ["netperf", "--env", "base", "--env", "head:nic_model=e1000", "--set", "protocols=TCP_STREAM"];
    let with =
        |more: &[&str]| place.plan(&[&words[..], &["--set", "sizes=16384", "--pilot", pilot], more].concat());
    let plan = with(&["--repeat", "8"]);
    for part in [
        "what will be seen, by ",
        "with 8 boots on each side, simulated",
        "by blocks from 5 boots on",
        "size=16384",
    ] {
        assert!(plan.out.contains(part), "{part}: {} {}", plan.out, plan.err);
    }
    let until = with(&["--until", "ci=2%", "--repeat", "12"]);
    for part in ["with 12 boots on each side", "a row stops when its interval reaches 2%", "boots taken"] {
        assert!(until.out.contains(part), "{part}: {} {}", until.out, until.err);
    }
    let more = with(&["--repeat", "1100"]);
    assert!(more.out.contains("of 1100 boots 1000 are looked at"), "{} {}", more.out, more.err);
    with(&["--repeat", "1"]).refuses(&["--pilot: with 1 boot of each side nothing is found"]);
    place
        .plan(&["netperf", "--set", "protocols=TCP_STREAM", "--set", "sizes=16384", "--pilot", pilot])
        .refuses(&["--pilot: the campaign compares nothing", "name a second environment by --env"]);
}
