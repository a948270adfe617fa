//! `perfvt import-avocado`: trees in the shape of avocado-vt's, as somebody brings them.

use crate::support::{output, perfvt, text};
use serde_json::Value;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

const TESTS: &str = "include machines.cfg\ninclude ~/private.cfg\ninclude ../../../../outside.cfg\ninclude cdkeys.cfg\n\
vcpus = 2\nmem = 1G\nnic_mode = tap\nkill_vm = yes\nvariants:\n    - netperf:\n        type = netperf\n        \
nic_model = virtio\n    - migrate:\n        type = migrate\n        kill_vm = no\n";
const GUESTS: &str = "images = image1\nmem_max = 4096\nimage_format = qcow2\nvariants:\n    - Here:\n        image_name = images/here\n    - Away:\n        \
image_name = images/away\n";
const RESULT: &str = "### kvm-userspace-ver : qemu 8.2\nCategory:TCP_STREAM (RX)\n  size|sessions|throughput|\n    64|       1|    812.34|\n";

/// A place with a tree, and beside it a file that nothing of the tree may reach.
fn place(files: &[(&str, &str)]) -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let tree = dir.path().join("tree");
    fs::create_dir(&tree).unwrap();
    for (name, text) in files {
        let path = tree.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    fs::write(dir.path().join("outside.cfg"), "secret_key = 1\n").unwrap();
    (dir, tree)
}

fn report(tree: &Path, more: &[&str]) -> String {
    let done = output(perfvt().arg("import-avocado").arg(tree).args(more));
    assert!(done.status.success(), "{}", text(&done.stderr));
    text(&done.stdout)
}

fn data_directory() -> (TempDir, PathBuf) {
    place(&[
        ("backends/qemu/cfg/tests.cfg", TESTS),
        ("backends/qemu/cfg/machines.cfg", "machine_type = q35\n"),
        ("backends/qemu/cfg/guest-os.cfg", GUESTS),
        ("images/here.qcow2", ""),
        ("results/old/repeat1.Here.netperf/results/netperf-result.RHS", RESULT),
        ("results/old/repeat2.Here.netperf/results/netperf-result.RHS", RESULT),
        ("results/new/netperf-result.RHS", RESULT),
        ("results/new/empty.RHS", "nothing\n"),
        ("test-providers.d/remote.ini", "[provider]\nuri: https://example.org/tests.git\n"),
        ("test-providers.d/helper.ini", "[provider]\nuri: ext::sh -c id\n"),
        ("perf.conf", "[netperf]\nnonsense = 1\n"),
        ("broken.cfg", "only\n"),
    ])
}

#[test]
fn a_data_directory_is_told_by_what_works_what_is_mapped_and_what_is_not() {
    let (_dir, tree) = data_directory();
    let said = report(&tree, &[]);
    let parts: Vec<&str> = said.split("\n\n").collect();
    let [works, mapped, lacks, end] = parts.as_slice() else { panic!("{said}") };
    let root = tree.display();
    for want in [
        format!("perfvt compare {root}/results/new {root}/results/old"),
        format!("perfvt run -c {root}/backends/qemu/cfg/tests.cfg --dry-run    (netperf)"),
        "Here (backends/qemu/cfg/guest-os.cfg)".to_owned(),
        format!("{root}/results/old: 2 files, 2 rows\n"),
    ] {
        assert!(works.starts_with("Works as it is") && works.contains(&want), "{want}\n{works}");
    }
    for want in [
        "cfg/machines.cfg:1: machine_type -> machine\n",
        "cfg/tests.cfg:5: vcpus -> smp\n",
        "cfg/tests.cfg:6: mem = 1G -> 1024\n",
        "cfg/tests.cfg:12: nic_model = virtio -> virtio_net\n",
        "cfg/tests.cfg:7: nic_mode -> net = tap, user",
    ] {
        assert!(mapped.starts_with("Mapped") && mapped.contains(want), "{want}\n{mapped}");
    }
    // Disks and bounds are the language's and perfvt's own.
    assert!(lacks.contains("  1 key that perfvt does not know"), "{lacks}");
    for want in [
        "cfg/tests.cfg:14: type = migrate\n",
        "cfg/tests.cfg:8 and 1 more: kill_vm\n",
        "Away (backends/qemu/cfg/guest-os.cfg): away.qcow2\n",
        "perfvt provider update remote    (test-providers.d/remote.ini: https://example.org/tests.git)\n",
        "results/new/empty.RHS: a result file without a row\n",
        "broken.cfg:1:1: ",
        "perf.conf:2: unknown key 'nonsense'",
        "makes git run a helper",
        "cfg/cdkeys.cfg': included, and not there",
    ] {
        assert!(lacks.starts_with("Not supported, and why") && lacks.contains(want), "{want}\n{lacks}");
    }
    assert!(end.starts_with("Nothing was written, nothing fetched."), "{end}");
}

#[test]
fn nothing_outside_of_a_tree_is_read_and_nothing_in_it_is_changed() {
    let (dir, tree) = data_directory();
    fs::create_dir(dir.path().join("elsewhere")).unwrap();
    fs::write(dir.path().join("elsewhere/secret.cfg"), "other_secret = 1\n").unwrap();
    symlink("../elsewhere", tree.join("link")).unwrap();
    symlink("../outside.cfg", tree.join("linked.cfg")).unwrap();
    symlink("../../outside.cfg", tree.join("test-providers.d/linked.ini")).unwrap();
    let list = || {
        let all = walkdir::WalkDir::new(&tree).sort_by_file_name().into_iter().map(|entry| entry.unwrap());
        all.map(|entry| {
            (entry.path().to_owned(), fs::symlink_metadata(entry.path()).unwrap().modified().unwrap())
        })
        .collect::<Vec<_>>()
    };
    let before = list();
    let (said, json) = (report(&tree, &[]), report(&tree, &["--json"]));
    assert_eq!(list(), before);
    assert!(!said.contains("secret") && !json.contains("secret"), "{said}\n{json}");
    for link in ["link: a link", "linked.cfg: a link", "linked.ini: a link"] {
        assert!(said.contains(link), "{link}\n{said}");
    }
    assert!(said.contains("outside.cfg': included, and outside of the tree"), "{said}");
    assert!(said.contains("'~/private.cfg': included, and outside of the tree"), "{said}");
}

#[test]
fn a_program_gets_every_entry() {
    let (_dir, tree) =
        place(&[("cfg/many.cfg", &(0..50).map(|n| format!("site_{n} = {n}\n")).collect::<String>())]);
    let said = report(&tree, &[]);
    assert!(
        said.contains("50 keys that perfvt does not know") && said.contains("    and 40 more\n"),
        "{said}"
    );
    let json: Value = serde_json::from_str(&report(&tree, &["--json"])).unwrap();
    assert_eq!(json["keys"]["unknown"].as_array().unwrap().len(), 50);
    assert_eq!(json["configurations"][0]["file"], "cfg/many.cfg");
}

#[test]
fn a_tree_that_is_none_is_refused_and_an_empty_one_is_told() {
    let (_dir, tree) = place(&[]);
    let said = report(&tree, &[]);
    assert!(said.contains("Works as it is\n  nothing: no RHS file"), "{said}");
    for path in [tree.join("away"), tree.join("../outside.cfg")] {
        let done = output(perfvt().arg("import-avocado").arg(&path));
        assert_eq!(done.status.code(), Some(2));
        assert!(text(&done.stderr).contains("looking through "), "{}", text(&done.stderr));
    }
}
