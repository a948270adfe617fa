//! Profiles beside the verdicts: read where a case changed, laid over each other, and never judged.

use crate::support;

use analyze::Verdict;
use std::path::PathBuf;
use support::{Env, Profiled, run, series, throughput};

const BEFORE: &str = "CPU 0/KVM;ioctl;vcpu_run 60\nCPU 0/KVM;ioctl;handle_exit 40\n";
const AFTER: &str = "CPU 0/KVM;ioctl;vcpu_run 60\nCPU 0/KVM;ioctl;handle_exit 139\nCPU 0/KVM;odd 1\n";

fn sides(root: &tempfile::TempDir, a: Option<Profiled>, b: Option<Profiled>) -> Vec<PathBuf> {
    let side = |name, values: [f64; 5], profile: Option<Profiled>| {
        let cpu = series("TCP_STREAM (RX)", 128, "throughput", "Mbit/s", &[10.0, 10.1, 10.2, 10.1, 10.0]);
        let mut env = Env::new(name, vec![throughput(&values), cpu]);
        env.profile = profile;
        env.write(root.path())
    };
    vec![
        side("base", [941.0, 938.0, 944.0, 940.0, 942.0], a),
        side("head", [741.0, 738.0, 744.0, 740.0, 742.0], b),
    ]
}

fn host(text: &str) -> Option<Profiled> {
    Some(Profiled { stacks: vec![("host", text.to_owned())], told: Vec::new() })
}

#[test]
fn profiles_of_a_case_that_changed_are_laid_over_each_other() {
    let root = tempfile::tempdir().unwrap();
    let comparison = run(&sides(&root, host(BEFORE), host(AFTER)));
    let [cause] = comparison.causes.as_slice() else { panic!("{:?}", comparison.causes) };
    assert_eq!((cause.case.get("size"), cause.told.len()), (Some("64"), 0));
    let flame = cause.profile.as_ref().unwrap();
    assert_eq!((flame.sources[0].a, flame.sources[0].b), (100, 200));
    // One sample of 200 is 0.25 % on the mean of both: counted, not drawn.
    assert_eq!((flame.hidden, flame.hidden_share), (1, 0.0025));
    let moved: Vec<(&str, f64, f64)> = flame.moved.iter().map(|f| (f.name.as_str(), f.a, f.b)).collect();
    assert_eq!(moved, [("vcpu_run", 0.6, 0.3), ("handle_exit", 0.4, 0.695), ("odd", 0.0, 0.005)]);
    // No value of a profiled boot is among those that are judged.
    let row = comparison.rows.iter().find(|r| r.verdict == Verdict::Regressed).unwrap();
    assert_eq!((row.a.values.len(), row.b.values.len()), (5, 5));
}

#[test]
fn a_side_without_a_profile_or_without_samples_is_said_and_nothing_is_made_up() {
    let told = |a, b| {
        let root = tempfile::tempdir().unwrap();
        let comparison = run(&sides(&root, a, b));
        let cause = comparison.causes.first().cloned();
        cause.map(|cause| (cause.profile.is_some(), cause.told.join("; ")))
    };
    assert_eq!(told(None, None), None);
    let (drawn, said) = told(host(BEFORE), None).unwrap();
    assert!(!drawn && said.contains("head was not profiled"), "{said}");
    let (drawn, said) = told(host(BEFORE), host("")).unwrap();
    assert!(!drawn && said.contains("head: no samples of host"), "{said}");
    let mut both = host(BEFORE).unwrap();
    both.stacks.push(("vm1", "netserver;recv 5\n".into()));
    both.told.push("vm1 is odd");
    let (drawn, said) = told(Some(both), host(AFTER)).unwrap();
    assert!(drawn && said == "base: vm1 is odd; head: no samples of vm1", "{said}");
}

#[test]
fn a_profile_that_is_damaged_is_named_and_the_comparison_goes_on() {
    let root = tempfile::tempdir().unwrap();
    let paths = sides(&root, host(BEFORE), host(AFTER));
    std::fs::write(paths[1].join("profile/000.case/host.folded.gz"), "no gzip").unwrap();
    let comparison = run(&paths);
    let cause = &comparison.causes[0];
    assert!(cause.profile.is_none() && cause.told[0].starts_with("head: reading the profile"), "{cause:?}");
    assert!(comparison.rows.iter().any(|r| r.verdict == Verdict::Regressed));
}
