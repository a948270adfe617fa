//! Whether the sides can be held against each other is said up front.
use crate::support;

use analyze::{Comparable, ComparableAnswer, DifferenceClass};
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
