//! What is learnt from results of more than one build, or from the sides themselves, hides no change.
use crate::support;

use analyze::{Level, Noise, Verdict, calibrate, compare};
use std::fs;
use std::path::{Path, PathBuf};
use support::{g4, options, row, run, write_rhs};

const ID: &str = "netperf/TCP_STREAM/size=64,sessions=1/throughput";
const A: [f64; 5] = [100.0, 101.0, 99.0, 100.5, 99.5];

/// A folder of old results of one QEMU.
fn old_tree(root: &Path, name: &str, qemu: &str, factor: f64) -> PathBuf {
    let text = |v: &f64| g4(&[(64, v * factor, 40.0)]).replace("qemu-7.2", qemu);
    write_rhs(root, name, &A.iter().map(text).collect::<Vec<_>>())
}

fn learnt(root: &Path, directories: &[PathBuf], force: bool) -> Result<Noise, String> {
    let mut chosen = options(&[]);
    chosen.force = force;
    let found = calibrate(&chosen, directories).map_err(|error| error.to_string())?;
    let file = root.join("noise.json");
    fs::write(&file, serde_json::to_string(&found).unwrap()).unwrap();
    Ok(Noise::read(&file).unwrap())
}

#[test]
fn two_builds_are_not_calibrated_as_one() {
    let root = tempfile::tempdir().unwrap();
    let dirs = [("old", "qemu-7.2", 1.0), ("new", "qemu-8.0", 0.8)];
    let dirs = dirs.map(|(name, qemu, factor)| old_tree(root.path(), name, qemu, factor));
    let error = learnt(root.path(), &dirs, false).unwrap_err();
    let said = "kvm-userspace-ver (old: 'qemu-7.2', new: 'qemu-8.0')";
    assert!(error.contains(said) && error.contains("--force"), "{error}");
    let mut chosen = options(&[]);
    chosen.force = true;
    let found = calibrate(&chosen, &dirs).unwrap();
    assert!(
        found.warnings.iter().any(|w| w.contains("NOT ONE BUILD") && w.contains(said)),
        "{:?}",
        found.warnings
    );
}

#[test]
fn two_builds_in_one_folder_are_not_calibrated_as_one() {
    let root = tempfile::tempdir().unwrap();
    let mixed = root.path().join("mixed");
    old_tree(&mixed, "job1", "qemu-7.2", 1.0);
    old_tree(&mixed, "job2", "qemu-8.0", 0.8);
    let error =
        learnt(root.path(), &[mixed, old_tree(root.path(), "other", "qemu-7.2", 1.1)], false).unwrap_err();
    assert!(error.contains("kvm-userspace-ver"), "{error}");
}

#[test]
fn what_was_learnt_from_the_candidate_is_not_held_against_its_change() {
    let root = tempfile::tempdir().unwrap();
    let dirs = [("old", "qemu-7.2", 1.0), ("new", "qemu-8.0", 0.8)];
    let dirs = dirs.map(|(name, qemu, factor)| old_tree(root.path(), name, qemu, factor));
    let plain = run(&dirs);
    let mut chosen = options(&dirs);
    chosen.noise = Some(learnt(root.path(), &dirs, true).unwrap());
    let result = compare(&chosen).unwrap();
    assert_eq!((row(&plain, ID).verdict, row(&result, ID).verdict), (Verdict::Regressed, Verdict::Regressed));
    assert!(row(&result, ID).session.is_none());
    let told = result.warnings.iter().find(|w| w.code == "noise-of-sides").unwrap();
    assert_eq!(told.level, Level::Blocking);
    assert!(told.text.contains("5 repeats of new itself") && told.text.contains("not used"), "{}", told.text);
}

#[test]
fn the_baseline_may_be_among_what_noise_was_learnt_from() {
    let root = tempfile::tempdir().unwrap();
    let build = [("mon", 1.0), ("tue", 1.05), ("wed", 0.96), ("thu", 1.02)];
    let build = build.map(|(name, factor)| old_tree(root.path(), name, "qemu-7.2", factor));
    let new = old_tree(root.path(), "new", "qemu-8.0", 0.8);
    let mut chosen = options(&[build[0].clone(), new]);
    chosen.noise = Some(learnt(root.path(), &build, false).unwrap());
    let result = compare(&chosen).unwrap();
    assert!(row(&result, ID).session.is_some());
    assert!(!result.warnings.iter().any(|w| w.code == "noise-of-sides"));
}
