//! Every input in the fuzzers' corpora, and random ones, keep the laws of their targets.

use proptest::prelude::*;
use std::path::Path;

#[path = "../../../fuzz/laws/foreign.rs"]
mod foreign_law;
#[path = "../../../fuzz/laws/journal.rs"]
mod journal_law;
#[path = "../../../fuzz/laws/libvirt.rs"]
mod libvirt_law;
#[path = "../../../fuzz/laws/netperf.rs"]
mod netperf_law;
#[path = "../../../fuzz/laws/output.rs"]
mod output_law;
#[path = "../../../fuzz/laws/perf_conf.rs"]
mod perf_conf_law;
#[path = "../../../fuzz/laws/proc.rs"]
mod proc_law;
#[path = "../../../fuzz/laws/provider.rs"]
mod provider_law;
#[path = "../../../fuzz/laws/qcow2.rs"]
mod qcow2_law;
#[path = "../../../fuzz/laws/rhs.rs"]
mod rhs_law;
#[path = "../../../fuzz/laws/tools.rs"]
mod tools_law;
#[path = "../../../fuzz/laws/vmdk.rs"]
mod vmdk_law;

fn replay(target: &str, law: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(target);
    let mut count = 0;
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        eprintln!("{}", path.display());
        let data = std::fs::read(&path).unwrap();
        law(&data);
        // What a truncated download or a full disk leaves.
        for cut in [data.len() / 3, data.len() / 2, data.len().saturating_sub(1)] {
            law(&data[..cut]);
        }
        count += 1;
    }
    assert!(count >= 5, "{} holds {count} inputs", folder.display());
}

/// What the replays say, here and in the crates of other readers.
fn replays() -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let texts =
        ["model", "formats", "cartesian", "switch", "screen", "collect"].into_iter().flat_map(|name| {
            let files = std::fs::read_dir(root.join(name).join("tests/it"))
                .unwrap()
                .map(|entry| entry.unwrap().path());
            files.filter(|path| path.to_string_lossy().contains("corpus"))
        });
    texts.map(|path| std::fs::read_to_string(path).unwrap()).collect()
}

/// `make soak` fuzzes what stands in the folder; cargo-fuzz builds what stands in the manifest; this replays the corpora.
#[test]
fn every_fuzz_target_is_built_and_its_corpus_replayed() {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz");
    let (manifest, replays) = (std::fs::read_to_string(fuzz.join("Cargo.toml")).unwrap(), replays());
    let mut names = Vec::new();
    for entry in std::fs::read_dir(fuzz.join("fuzz_targets")).unwrap() {
        let name = entry.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned();
        assert!(manifest.contains(&format!("path = \"fuzz_targets/{name}.rs\"")), "{name} has no [[bin]]");
        assert!(fuzz.join("corpus").join(&name).is_dir(), "{name} has no corpus");
        let folder = format!("fuzz/corpus/{name}\"");
        assert!(
            replays.contains(&format!("\"{name}\"")) || replays.contains(&folder),
            "{name} is not replayed"
        );
        names.push(name);
    }
    assert_eq!(manifest.matches("path = \"fuzz_targets/").count(), names.len(), "{names:?}");
}

#[test]
fn the_rhs_corpus_keeps_its_law() {
    replay("rhs", rhs_law::holds);
}

#[test]
fn the_perf_conf_corpus_keeps_its_law() {
    replay("perf_conf", perf_conf_law::holds);
}

#[test]
fn the_provider_corpus_keeps_its_law() {
    replay("provider", provider_law::holds);
}

#[test]
fn the_libvirt_corpus_keeps_its_law() {
    replay("libvirt", libvirt_law::holds);
}

#[test]
fn the_qcow2_corpus_keeps_its_law() {
    replay("qcow2", qcow2_law::holds);
}

#[test]
fn the_output_corpus_keeps_its_law() {
    replay("output", output_law::holds);
}

#[test]
fn the_vmdk_corpus_keeps_its_law() {
    replay("vmdk", vmdk_law::holds);
}

#[test]
fn the_netperf_corpus_keeps_its_law() {
    replay("netperf", netperf_law::holds);
}

#[test]
fn the_journal_corpus_keeps_its_law() {
    replay("journal", journal_law::holds);
}

type Law = fn(&[u8]);

const FOREIGN: &[(&str, Law)] = &[
    ("fio_json", foreign_law::fio_json),
    ("netperf_omni", foreign_law::netperf_omni),
    ("long_csv", foreign_law::long_csv),
    ("hyperfine", foreign_law::hyperfine),
    ("benchfmt", foreign_law::benchfmt),
    ("iozone", foreign_law::iozone),
    ("iperf3_json", foreign_law::iperf3_json),
    ("foreign_plain", foreign_law::foreign_plain),
    ("fio_terse", foreign_law::fio_terse),
    ("go_json", foreign_law::go_json),
    ("sockperf_text", foreign_law::sockperf_text),
    ("uperf_text", foreign_law::uperf_text),
    ("ntttcp_text", foreign_law::ntttcp_text),
    ("ntttcp_xml", foreign_law::ntttcp_xml),
    ("ffsb_text", foreign_law::ffsb_text),
    ("qemu_img_text", foreign_law::qemu_img_text),
    ("netperf_text", foreign_law::netperf_text),
    ("gbench", foreign_law::gbench),
    ("pytest_bench", foreign_law::pytest_bench),
    ("sysbench", foreign_law::sysbench),
    ("phoronix", foreign_law::phoronix),
    ("perfherder", foreign_law::perfherder),
    ("github_bench", foreign_law::github_bench),
    ("iometer", foreign_law::iometer),
    ("wide_csv", foreign_law::wide_csv),
];

const TOOLS: &[(&str, Law)] = &[
    ("fio", tools_law::fio),
    ("iperf3", tools_law::iperf3),
    ("kvm_unit_tests", tools_law::kvm_unit_tests),
    ("qemu_img", tools_law::qemu_img),
    ("qemu_iotests", tools_law::qemu_iotests),
    ("sockperf", tools_law::sockperf),
    ("ffsb", tools_law::ffsb),
    ("ntttcp", tools_law::ntttcp),
    ("uperf", tools_law::uperf),
    ("boot", tools_law::boot),
    ("boot_stages", tools_law::boot_stages),
    ("pattern", tools_law::pattern),
];

const PROC: &[(&str, Law)] = &[
    ("counters", proc_law::counters),
    ("noise", proc_law::noise),
    ("kvm", proc_law::kvm),
    ("smaps", proc_law::smaps),
];

#[test]
fn the_corpora_of_counters_keep_their_law() {
    for (target, law) in PROC {
        replay(target, *law);
    }
}

#[test]
fn the_corpora_of_workloads_tools_keep_their_law() {
    for (target, law) in TOOLS {
        replay(target, *law);
    }
}

#[test]
fn the_corpora_of_other_tools_keep_their_law() {
    for (target, law) in FOREIGN {
        replay(target, *law);
    }
}

/// Lines of the kind that RHS files have, so that random files reach every branch.
fn rhs_line() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("Category:TCP_RR".to_owned()),
        Just("Script:a Category:tx".to_owned()),
        Just("### kvm_version : 1".to_owned()),
        Just("#ver# host kernel: 2".to_owned()),
        Just("size|  throughput|".to_owned()),
        Just("size|  throughput".to_owned()),
        Just(String::new()),
        "[0-9nai.|e+ -]{0,20}",
        "[a-zé:| #]{0,12}",
        "\\PC{0,20}",
    ]
}

proptest! {
    #[test]
    fn random_lines_keep_the_rhs_law(lines in proptest::collection::vec(rhs_line(), 0..30)) {
        rhs_law::holds(lines.join("\n").as_bytes());
    }

    #[test]
    fn random_bytes_keep_every_law(data in proptest::collection::vec(any::<u8>(), 0..200)) {
        rhs_law::holds(&data);
        perf_conf_law::holds(&data);
        provider_law::holds(&data);
        libvirt_law::holds(&data);
        qcow2_law::holds(&data);
        output_law::holds(&data);
        vmdk_law::holds(&data);
        FOREIGN.iter().for_each(|(_, law)| law(&data));
        TOOLS.iter().for_each(|(_, law)| law(&data));
        PROC.iter().for_each(|(_, law)| law(&data));
    }

    #[test]
    fn random_bytes_behind_the_magic_of_qcow2_keep_its_law(
        version in 1u32..5,
        cluster_bits in 8u32..12,
        backing in (0u64..600, 0u32..1100),
        length in prop_oneof![Just(104u32), Just(112), 0u32..600],
        features in prop_oneof![Just(0u64), Just(4), any::<u64>()],
        kinds in proptest::collection::vec(
            (
                prop_oneof![Just(0xe279_2acau32), Just(0x4441_5441), Just(0), any::<u32>()],
                0u32..40,
                proptest::collection::vec(any::<u8>(), 0..40),
            ),
            0..5,
        ),
    ) {
        let mut data = vec![0; 104];
        let mut put = |at: usize, number: &[u8]| data[at..at + number.len()].copy_from_slice(number);
        put(0, b"QFI\xfb");
        put(4, &version.to_be_bytes());
        put(8, &backing.0.to_be_bytes());
        put(16, &backing.1.to_be_bytes());
        put(20, &cluster_bits.to_be_bytes());
        put(72, &features.to_be_bytes());
        put(100, &length.to_be_bytes());
        for (kind, length, content) in kinds {
            data.extend(kind.to_be_bytes());
            data.extend(length.to_be_bytes());
            data.extend(content);
            data.resize(data.len().next_multiple_of(8), b'x');
        }
        data.resize(data.len().max(512), 0);
        qcow2_law::holds(&data);
    }

    #[test]
    fn random_lines_of_counters_keep_their_law(
        lines in proptest::collection::vec(
            "(cpu( |0 |12 )( [0-9]{1,20}){7,10}|--|(intr|ctxt|procs_running|pswpin) [0-9]{1,20}|(some|full) avg10=0.00 total=[0-9]{0,20}|[0-9]{1,3}: ( [0-9]{1,20}){1,2} PCI virtio[0-9]-(in|out)put(.0)?|(Tcp|Udp): (RetransSegs|InDatagrams|[0-9]{1,20})|( [0-9a-f]{8}){9,11}|eth0:( [0-9]{1,20}){9}| 8 0 (sda|sda1|loop0|nvme0n1p1)( [0-9]{1,3}){10})",
            0..12,
        )
    ) {
        PROC.iter().for_each(|(_, law)| law(lines.join("\n").as_bytes()));
    }

    #[test]
    fn random_lines_of_workloads_tools_keep_their_law(
        lines in proptest::collection::vec(
            "(start [0-9]{1,3} [0-9]{1,3}|[0-9.]{1,4} (firmware|console|ready) ?(perfvt: user space|Linux version)?|Sending [0-9]{1,3} read requests, 4 bytes each, [0-9] in parallel|Run completed in [0-9.]{1,4} seconds.|[0-9]{1,4},[0-9],0:00,1,[0-9.]{1,4}|a_bw.[0-9].log:[0-9, ]{1,9}|\\{\"(jobs|start|end)\": [\\[\\]{}0-9]{0,4}\\}|\\(?[0-9]\\+\\)?)",
            0..12,
        )
    ) {
        TOOLS.iter().for_each(|(_, law)| law(lines.join("\n").as_bytes()));
    }

    #[test]
    fn random_lines_of_other_tools_keep_their_law(
        lines in proptest::collection::vec(
            "(BenchmarkA(-8)? [0-9]{1,3} [0-9.e]{1,5} (ns/op|x)|Unit x better=(lower|higher)|pkg: a|THROUGHPUT(_UNITS)?=[0-9T]{0,4}|\"(Writer|Read|x) report\"|\"Throughput report|(\"[0-9a-z ]{0,4}\" ){0,4}[0-9. ]{0,6}|case,metric,value|[a-c\",;]{0,6}|\\{\"(results|jobs|fio version)\": [\\[\\]{}0-9]{0,4}\\}|Throughput,Throughput Units,Protocol|1,Trans/s,TCP)",
            0..20,
        )
    ) {
        let text = lines.join("\n");
        FOREIGN.iter().for_each(|(_, law)| law(text.as_bytes()));
    }

    #[test]
    fn random_settings_keep_the_perf_conf_law(
        lines in proptest::collection::vec(
            "(\\[a\\]|\\[DEFAULT\\]|ignore_col = [0-9]{1,2}|avg_update = [0-9,|]{0,9}|metric\\.[a*]{1,3} = [a-z%=0-9 ]{0,20}|alias\\.b = [a-c|]{0,5}|derived\\.r = [ab /|]{0,8}| [a-z]{0,4}|#.{0,5})",
            0..20,
        )
    ) {
        perf_conf_law::holds(lines.join("\n").as_bytes());
    }
}
