//! Boots of hosts as replicates, and kernels of hosts as the factor, on the test farm: "reboot" ends a host's namespaces and begins
//! them again, and a kexec that pretends gives it another command line.

use crate::support;

use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use support::farm::TestFarm;
use support::{files, measurements};

/// The boot ids of all values in a folder, by repeat.
fn boots(environment: &Path) -> BTreeSet<(u64, String)> {
    let of = |m: &Value| (m["repeat"].as_u64().unwrap(), m["host_boot"].as_str().unwrap().to_owned());
    measurements(environment).iter().map(of).collect()
}

/// A kexec that has the test farm's host boot with another command line, or panic where the kernel's text says so.
fn pretend_kexec(farm: &TestFarm) -> String {
    let folder = farm.here.path().join("bin");
    fs::create_dir(&folder).unwrap();
    let hosts = farm.here.path().join("slurm/hosts");
    let text = format!(
        "#!/bin/sh\n[ \"$1\" = --load ] || exit 0\nfor word; do case $word in --command-line=*) line=${{word#*=}};; esac; done\n\
         if grep -q panics \"$2\"; then line=panic; fi\nprintf '%s\\n' \"$line\" > {}/$(hostname)/loaded\n",
        hosts.display()
    );
    fs::write(folder.join("kexec"), text).unwrap();
    fs::set_permissions(folder.join("kexec"), fs::Permissions::from_mode(0o755)).unwrap();
    format!("PATH={}:/usr/sbin:/usr/bin:/sbin:/bin", folder.display())
}

#[test]
#[ignore = "soak: a minute and a half"]
fn each_environment_with_a_kernel_of_the_host_has_a_boot_of_the_host_in_each_block() {
    let Some(farm) = TestFarm::up(&["h1=amd64"]) else { return };
    let path = pretend_kexec(&farm);
    let kernel = |name: &str, text: &str| {
        let file = farm.here.path().join(name);
        fs::write(&file, text).unwrap();
        file.display().to_string()
    };
    let (good, bad) = (kernel("vmlinuz-good", "a kernel"), kernel("vmlinuz-bad", "one that panics"));
    let before = fs::read_to_string(farm.here.path().join("slurm/hosts/h1/boot_id")).unwrap();
    let (head, broken) = (format!("head:host_kernel={good}"), format!("bad:host_kernel={bad}"));
    let more = ["--env", "base", "--env", &head, "--env", &broken, "--repeat", "2"];
    let mut words = farm.submit("kernels", "h1", "true", &more);
    let said = farm.says(2, &words.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(said.contains("add --fresh-boots in front of the --"), "{said}");
    words.insert(1, "--fresh-boots".to_owned());
    let perfvt = env!("CARGO_BIN_EXE_perfvt");
    farm.here.ends_with(0, farm.command("env").args([&path, perfvt, "farm"]).args(&words));
    let dir = farm.dir("kernels").display().to_string();
    let said = farm.says(4, &["gather", "--wait", "--patience", "3m", &dir]);
    println!("{said}\n{}", farm.log("kernels", 1));

    let shard = farm.dir("kernels").join("shards/01@h1");
    let (base, head) = (boots(&shard.join("base")), boots(&shard.join("head")));
    assert_eq!((base.len(), head.len()), (2, 2), "{base:?} {head:?}");
    let different: BTreeSet<&String> = base.iter().chain(&head).map(|(_, boot)| boot).collect();
    assert_eq!(different.len(), 4, "a boot of the host each");
    assert!(!different.contains(&before.trim().to_owned()), "the one of before is not counted");
    let run: Value =
        serde_json::from_slice(&fs::read(files(&shard.join("head"), "run.json").remove(0)).unwrap()).unwrap();
    let line = run["fingerprint"]["host.kernel.cmdline"].as_str().unwrap();
    assert!(line.contains("perfvt.host_kernel="), "{line}");
    for m in measurements(&shard.join("bad")) {
        assert_eq!(m["invalid"]["code"], "host-kernel", "{m}");
        let reason = m["invalid"]["reason"].as_str().unwrap();
        assert!(reason.contains("h1 does not boot with") && reason.contains("vmlinuz-bad"), "{reason}");
    }
    // Two for the kernel that panics, and one for each of the others' boots.
    let state = fs::read_to_string(farm.dir("kernels").join("ends/01.boots.json")).unwrap();
    let state: Value = serde_json::from_str(&state).unwrap();
    assert_eq!(state["dead"].as_array().unwrap().len(), 1);
    assert_eq!(state["used"].as_array().unwrap().len(), 4);
    // What does not boot is an outcome of the candidate's, which the gate does not pass over.
    let compared = farm.here.ends_with(3, farm.command(perfvt).args(["compare", "--no-html", &dir]));
    assert!(compared.contains("compared: host_kernel ->"), "{compared}");
    assert!(!compared.contains("not-interleaved"), "the block is the pair: {compared}");
}
