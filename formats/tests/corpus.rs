//! Every input in the fuzzers' corpora, and random ones, keep the laws of their targets.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

use proptest::prelude::*;
use std::path::Path;

#[path = "../../fuzz/laws/perf_conf.rs"]
mod perf_conf_law;
#[path = "../../fuzz/laws/rhs.rs"]
mod rhs_law;

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

#[test]
fn the_rhs_corpus_keeps_its_law() {
    replay("rhs", rhs_law::holds);
}

#[test]
fn the_perf_conf_corpus_keeps_its_law() {
    replay("perf_conf", perf_conf_law::holds);
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
    fn random_bytes_keep_both_laws(data in proptest::collection::vec(any::<u8>(), 0..200)) {
        rhs_law::holds(&data);
        perf_conf_law::holds(&data);
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
