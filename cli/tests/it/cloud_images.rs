//! Cloud images, in which nothing is perfvt's: cloud-init gets all of it from a disk.

use crate::support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use support::pretended::Pretended;
use support::{apart, beside, files, measurements, output, text};
use vm::host::fingerprint::hash_file;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../scripts/cloud-image.sh");

/// The folder of a Debian with cloud-init, made once for each form of the script that makes it; `None`, with the reason, where
/// it cannot be made.
pub fn cloud_image() -> Option<PathBuf> {
    let cache = std::env::var("XDG_CACHE_HOME").map(PathBuf::from);
    let cache = cache.unwrap_or_else(|_| Path::new(&std::env::var("HOME").unwrap()).join(".cache"));
    let hash = hash_file(Path::new(SCRIPT)).unwrap();
    let folder = cache.join("perfvt-tests").join(format!("cloud-{}", &hash[..16]));
    if !folder.join("disk.qcow2").exists() {
        let made = output(Command::new(SCRIPT).arg(&folder));
        let said = text(&made.stderr);
        if made.status.code() == Some(77) {
            testing::skip(said.trim().lines().last().unwrap_or_default());
            return None;
        }
        assert!(made.status.success(), "{said}");
    }
    Some(folder)
}

#[test]
fn a_cloud_image_is_measured_with_nothing_of_perfvts_in_it() {
    let Some(_guard) = beside() else { return };
    let Some(image) = cloud_image() else { return };
    let dir = tempfile::tempdir_in("/var/tmp").unwrap();
    let at = |name: &str, content: &str| {
        let path = dir.path().join(name);
        fs::write(&path, content).unwrap();
        path
    };
    at("first.sh", "#!/bin/sh\necho \"$(id -un) $http_proxy\" > /root/first\n");
    // This image has no package for locales, of which cloud-init would complain.
    at("user.yaml", "#cloud-config\nlocale: false\nruncmd:\n- hostname > /root/own\n");
    let folder = image.display();
    // The image has no loader: the first two lines of the guest are all that a vendor's needs.
    let config = at(
        "tests.cfg",
        &format!(
            "variants:\n    - cloud:\n        image = {folder}/disk.qcow2\n        cloud_init = yes\n        \
             kernel = {folder}/vmlinuz\n        initrd = {folder}/initrd.img\n        \
             kernel_params = root=LABEL=cloudimg-rootfs\n        user_data_file = user.yaml\n        \
             first_boot = first.sh\n"
        ),
    );
    let out = dir.path().join("X");
    let mut run = apart();
    run.args(["run", "command", "-c"]).arg(&config);
    let command = "command=sh -c 'grep -x \"root http://p:3128\" /root/first && grep -x vm1 /root/own && test -z \"$http_proxy\" && \
                   grep http://p:3128 /etc/apt/apt.conf.d/95perfvt-proxies && id me && test -s /run/perfvt/debug_password && netperf -V'";
    run.args(["--set", command, "--set", "proxy=http://p:3128", "--set", "debug_user=me"]);
    run.args(["--set", "noise=off", "--repeat", "1", "--allow-unpinned", "--out"]).arg(&out);
    let run = output(&mut run);
    assert!(run.status.success(), "{}", text(&run.stderr));
    assert!(measurements(&out).iter().any(|m| m["metric"] == "elapsed_s"));
    let facts = fs::read_to_string(&files(&out, "facts.txt")[0]).unwrap();
    assert!(facts.contains("guest.cloud_init: ") && facts.contains("guest.debug_user: me\n"), "{facts}");
    let console = fs::read_to_string(&files(&out, "serial.log")[0]).unwrap();
    assert!(console.contains("debug_user me may log in on the console, with the password "), "{console}");
}

#[test]
fn a_later_boot_is_measured_behind_the_first_one_of_the_same_disk_and_plans_reckon_with_both() {
    let here = Pretended::new();
    let image = here.path().join("image.raw");
    fs::File::create(&image).unwrap().set_len(1 << 20).unwrap();
    let set = format!("image={}", image.display());
    let sets = [set.as_str(), "image_format=raw", "cloud_init=yes", "earlier_boots=2"];
    let sets: Vec<&str> = sets.into_iter().flat_map(|set| ["--set", set]).collect();
    let planned = || {
        let words = here.words(&here.path().join("planned"), "true", &[&sets[..], &["--dry-run"]].concat());
        here.ends_with(0, here.perfvt().args(words))
    };
    let said = planned();
    let image = image.display();
    assert!(
        said.contains(&format!("a boot of '{image}' counts 150 s, a guess: none is known here\n")),
        "{said}"
    );
    assert!(said.contains(&format!("a later boot of '{image}' counts 40 s, a guess")), "{said}");
    here.ends_with(0, &mut here.run("true", &[&sets[..], &["--repeat", "1"]].concat()));
    // One that was only tried, two before, and the one that counts.
    assert_eq!(here.starts().len(), 4);
    let console = |name: &str| files(&here.out(), "serial.log").iter().any(|path| path.ends_with(name));
    assert!(console("earlier-1/serial.log") && console("earlier-2/serial.log"));
    let said = planned();
    for wanted in ["a boot", "a later boot"] {
        assert!(
            said.contains(&format!("{wanted} of '{image}' counts 0 s, as the last one took here\n")),
            "{said}"
        );
    }
    // The third start from now on, which is the second boot of its disk.
    here.goes_wrong("never-ready@7");
    let out = here.path().join("Y");
    let more = ["--repeat", "1", "--set", "boot_timeout=1", "--set", "attempts=1"];
    let mut run = here.perfvt();
    let run = here.ends_with(4, run.args(here.words(&out, "true", &[&sets[..], &more].concat())));
    assert!(run.contains("in earlier boot 2, before the one that counts: "), "{run}");
    here.assert_nothing_left();
    let words = here.words(&here.path().join("planned"), "true", &["--set", "earlier_boots=1", "--dry-run"]);
    let said = here.ends_with(2, here.perfvt().args(words));
    assert!(said.contains("the built-in guest keeps nothing of an earlier boot"), "{said}");
}

#[test]
fn what_cloud_init_is_told_is_in_the_plan_and_what_it_cannot_be_told_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let image = dir.path().join("image.raw");
    fs::write(&image, "x").unwrap();
    let planned = |sets: &[&str]| {
        let mut run = apart();
        run.args(["run", "command", "--set", "command=true", "--allow-unpinned", "--dry-run", "-v"]);
        run.args(["--set", &format!("image={}", image.display()), "--set", "image_format=raw"]);
        for set in sets {
            run.args(["--set", set]);
        }
        let run = output(&mut run);
        format!("{}{}", text(&run.stdout), text(&run.stderr))
    };
    let said = planned(&["cloud_init=yes"]);
    assert!(said.contains("entered by perfvt's agent, which cloud-init starts"), "{said}");
    assert!(said.contains("serial=perfvt.seed") && said.contains("BOOT/seed.img"), "{said}");
    let said = planned(&["cloud_init=yes", "channel=ssh", "user=me"]);
    assert!(said.contains("entered by ssh as me at port 22"), "{said}");
    let said = planned(&["cloud_init=yes", "debug_user=me", "proxy=http://me:hunter2@p:3128"]);
    assert!(said.contains("warning: base: vm1 is open to people: debug_user me logs in"), "{said}");
    assert!(said.contains(", proxies for cloud-init\n") && !said.contains("hunter2"), "{said}");
    let data = dir.path().join("data");
    fs::write(&data, "# cloud-config\nruncmd: []\n").unwrap();
    let said = planned(&["cloud_init=yes", &format!("user_data_file={}", data.display())]);
    assert!(said.contains("cloud-init would drop it in silence"), "{said}");
    let said = planned(&["first_boot=/bin/true"]);
    assert!(said.contains("cloud_init = yes beside it"), "{said}");
    let said = planned(&["cloud_init=yes", "first_boot=/nonexistent"]);
    assert!(
        said.contains(
            "'first_boot' is '/nonexistent' (--set first_boot=/nonexistent), want a file that can be read"
        ),
        "{said}"
    );
}
