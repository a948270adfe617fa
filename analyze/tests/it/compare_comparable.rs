//! Whether the sides can be held against each other is said up front.
use crate::support;

use analyze::{Comparable, ComparableAnswer, DifferenceClass, Level};
use std::path::Path;
use support::{Env, g4, run, throughput, write_rhs};

const A: [f64; 4] = [100.0, 101.0, 99.0, 100.5];

fn old_trees(root: &Path, change: impl Fn(String) -> String) -> analyze::Comparison {
    let texts = |change: &dyn Fn(String) -> String| A.map(|v| change(g4(&[(64, v, 40.0)])));
    run(&[write_rhs(root, "a", &texts(&|text| text)), write_rhs(root, "b", &texts(&change))])
}

fn of(result: &analyze::Comparison) -> &Comparable {
    &result.summary[0].comparable
}

#[test]
fn old_results_say_which_software_differs_and_what_nobody_recorded() {
    let root = tempfile::tempdir().unwrap();
    let result = old_trees(root.path(), |text| text.replace("qemu-7.2", "qemu-8.0"));
    let found = of(&result);
    assert_eq!(
        (found.answer, &*found.differ),
        (ComparableAnswer::InPart, &["kvm-userspace-ver".to_owned()][..])
    );
    assert_eq!(found.unknown, ["host", "CPU", "acceleration"]);
    assert_eq!(result.differences[0].class, DifferenceClass::Software);
}

#[test]
fn files_of_one_side_that_differ_make_it_comparable_in_part() {
    let root = tempfile::tempdir().unwrap();
    let result = old_trees(root.path(), |text| {
        if text.contains("101.00") { text.replace("qemu-7.2", "qemu-8.0") } else { text }
    });
    assert_eq!(of(&result).mixed, ["kvm-userspace-ver"]);
}

#[test]
fn sides_of_one_campaign_of_which_all_is_known_are_comparable() {
    let root = tempfile::tempdir().unwrap();
    let judged = |accel| {
        let env = |name, accel| {
            let mut env = Env { accel, ..Env::new(name, vec![throughput(&A)]) };
            env.facts.extend([
                ("accel", accel),
                ("qemu.version", "8"),
                ("guest.kernel", "6.1"),
                ("host.kernel", "6.1"),
            ]);
            env.write(root.path())
        };
        let result = run(&[env("base", "kvm"), env("head", accel)]);
        of(&result).clone()
    };
    let alike = judged("kvm");
    assert_eq!(
        (alike.answer, alike.unknown.len(), &*alike.differ),
        (ComparableAnswer::Yes, 0, &["param.nic_model".to_owned()][..])
    );
    let emulated = judged("tcg");
    assert_eq!((emulated.answer, emulated.differ[0].as_str()), (ComparableAnswer::No, "accel"));
}

/// Sides of old results, each file in a folder of its own.
fn in_folders(root: &Path, a: &[&str], b: &[&str]) -> analyze::Warning {
    let side = |name: &str, folders: &[&str]| {
        for (folder, v) in folders.iter().zip(A) {
            let results = root.join(name).join(folder).join("repeat1.default.netperf.host_guest/results");
            std::fs::create_dir_all(&results).unwrap();
            std::fs::write(results.join("netperf-result.RHS"), g4(&[(64, v, 40.0)])).unwrap();
        }
        root.join(name)
    };
    let result = run(&[side("a", a), side("b", b)]);
    result.warnings.into_iter().find(|w| w.code == "not-interleaved").unwrap()
}

#[test]
fn folders_of_jobs_tell_whether_the_sides_were_measured_in_turns() {
    let told = |a: &[&str], b: &[&str]| in_folders(tempfile::tempdir().unwrap().path(), a, b);
    let [one, two] = ["job-2024-05-01T12.30-1a2b3c4", "job-2024-05-01T14.30-1a2b3c4"];
    let [three, four] = ["job-2024-05-02T12.30-1a2b3c4", "job-2024-05-02T14.30-1a2b3c4"];
    let apart = told(&[one, two], &[three, four]);
    let said = "a was over (2024-05-01 14:30 by its folder) before b began (2024-05-02 12:30 by its folder)";
    assert!(apart.level == Level::Blocking && apart.text.contains(said), "{}", apart.text);
    let turns = told(&[one, three], &[two, four]);
    assert!(turns.level == Level::Note && turns.text.contains("in turns, by the times"), "{}", turns.text);
    let part = told(&[one, four], &[two, three]);
    assert!(part.level == Level::Blocking && part.text.contains("changes 2 of 3 times"), "{}", part.text);
    let days = told(&["2024-05-01", "2024-05-03"], &["2024-05-01", "2024-05-02"]);
    assert!(days.text.contains("tell no hours"), "{}", days.text);
    assert!(told(&["x", "y"], &[one, two]).text.contains("nothing tells"));
}

#[test]
fn jobs_of_one_folder_are_no_sides_without_a_word() {
    let root = tempfile::tempdir().unwrap();
    let jobs = ["job-2024-05-01T12.30-a", "job-2024-05-01T13.30-b", "job-2024-05-01T14.30-c"];
    let jobs = jobs.map(|job| write_rhs(root.path(), job, &A.map(|v| g4(&[(64, v, 40.0)]))));
    let told =
        |result: &analyze::Comparison| result.warnings.iter().filter(|w| w.code == "jobs-as-sides").count();
    assert_eq!((told(&run(&jobs)), told(&run(&jobs[..2]))), (1, 0));
}

#[test]
fn a_column_that_is_left_out_names_the_one_before_it() {
    let root = tempfile::tempdir().unwrap();
    let text = |v: f64| g4(&[(64, v, 40.0)]).replace("     re_pkts", "         cpu");
    let sides = ["a", "b"].map(|side| write_rhs(root.path(), side, &A.map(text)));
    let lost = &run(&sides).a.losses[0];
    assert!(lost.reason.contains("column 'cpu' is left out: 'CPU' stands before it"), "{}", lost.reason);
    assert!(lost.place.ends_with(".RHS:6"), "{}", lost.place);
}
