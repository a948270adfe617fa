//! What a host without a workload's programs is told, before anything boots.

use collect::campaign::setup::{Request, prepare};
use collect::config::Source;
use collect::testbed::survey;
use std::path::Path;
use vm::guest::image::Cache;

/// What is in the way of a workload on a host that has no program at all.
fn in_the_way(workload: &str, sets: &[&str]) -> String {
    let nothing = tempfile::tempdir().unwrap();
    let cache = Cache::at(nothing.path()).with_packages(nothing.path()).with_host(nothing.path());
    let sets = sets.iter().chain(&["net=user", "numa_node=0"]).map(|set| (*set).to_owned());
    let request = Request {
        source: Source { workload: Some(workload.into()), ..Source::default() },
        sets: sets.collect(),
        accel: "tcg".into(),
        ..Request::default()
    };
    let file = prepare(&request, Path::new("/nonexistent")).unwrap().file;
    survey(&file, &cache).unwrap_err().to_string()
}

#[test]
fn programs_that_a_workload_lacks_on_the_host_or_in_the_guest_are_named_all_at_once() {
    for (workload, programs) in [
        ("netperf", &["netperf"][..]),
        ("fio", &["fio"]),
        ("iperf3", &["iperf3"]),
        ("sockperf", &["sockperf"]),
        ("iozone", &["mke2fs"]),
        ("uperf", &["uperf"]),
        ("ntttcp", &["ntttcp"]),
        ("ffsb", &["ffsb", "mke2fs"]),
        ("qemu-img-bench", &["qemu-img", "qemu-io"]),
    ] {
        let said = in_the_way(workload, &[]);
        for program in programs {
            let named = [format!("program {program}"), format!("looking for {program}:")];
            assert!(named.iter().any(|named| said.contains(named)), "{workload}: {said}");
        }
    }
    let several = in_the_way("fio", &["qemu_binary=/nonexistent/qemu", "disk_dir=/nonexistent"]);
    assert!(several.starts_with("4 things of this host are in the way:\n"), "{several}");
}

#[test]
fn keys_of_a_client_on_another_host_are_told_where_the_client_is_elsewhere() {
    let sets = ["net=user", "numa_node=0", "client_tools=/opt", "client_port=2222"];
    let request = Request {
        source: Source { workload: Some("netperf".into()), ..Source::default() },
        sets: sets.map(str::to_owned).to_vec(),
        accel: "tcg".into(),
        ..Request::default()
    };
    let notes = prepare(&request, Path::new("/nonexistent")).unwrap().notes.join("\n");
    assert!(notes.contains("client_port, client_tools: no effect, because in host_guest"), "{notes}");
    assert!(notes.contains("scenario=exhost_guest with client=ADDRESS"), "{notes}");
}
