//! What the collector noted of the host: noise around samples, and facts that changed between the boots of a side.

use crate::support;

use analyze::Level;
use model::noise::{Breach, SAMPLE_NOISE_FILE, SAMPLE_NOISE_FORMAT, SampleNoise};
use model::store::{RUN_FILE, read_json, write_json};
use model::{FactChange, RunFile};
use std::fs;
use std::path::Path;
use support::{Env, codes, run, throughput};

const A: [f64; 5] = [100.0, 103.0, 98.0, 101.0, 99.0];

/// Notes around the samples of the first repeat of a side: what each breached.
fn note_noise(side: &Path, samples: &[&[&str]]) {
    let mut repeats: Vec<_> =
        fs::read_dir(side).unwrap().map(|e| e.unwrap().path()).filter(|p| p.is_dir()).collect();
    repeats.sort();
    for (index, breaches) in samples.iter().enumerate() {
        let folder = repeats[0].join(format!("raw/{index:03}.case"));
        fs::create_dir_all(&folder).unwrap();
        let breach =
            |what: &&str| Breach { what: (*what).to_owned(), value: 0.2, limit: 0.1, text: String::new() };
        let file = SampleNoise {
            format: SAMPLE_NOISE_FORMAT,
            mode: "warn".into(),
            waited_s: 0.0,
            seconds: 1.0,
            breaches: breaches.iter().map(breach).collect(),
            canary: None,
        };
        write_json(&folder.join(SAMPLE_NOISE_FILE), &file).unwrap();
    }
}

#[test]
fn noisy_samples_are_counted_with_their_kinds_and_clean_ones_say_nothing() {
    let root = tempfile::tempdir().unwrap();
    let a = Env::new("base", vec![throughput(&A)]).write(root.path());
    let b = Env::new("head", vec![throughput(&A)]).write(root.path());
    note_noise(&a, &[&[], &[]]);
    assert!(!codes(&run(&[a.clone(), b.clone()])).contains(&"noisy-samples"));
    note_noise(&b, &[&["steal"], &[], &["steal", "vcpu-waits", "vcpu-waits"]]);
    let result = run(&[a, b]);
    let told: Vec<_> = result.warnings.iter().filter(|w| w.code == "noisy-samples").collect();
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].text, "head: the host was not quiet during 2 of 3 samples (steal 2, vcpu-waits 1)");
    assert_eq!((told[0].count, told[0].level), (2, Level::Note));
}

/// Notes of three samples of each repeat; so many of them were waited for two seconds, and taken again.
fn note_takes(side: &Path, again: &[usize]) {
    for (repeat, again) in again.iter().enumerate() {
        let repeat = side.join(format!("repeat{}.default.netperf.host_guest", repeat + 1));
        let note = |folder: &Path, breached: bool| {
            fs::create_dir_all(folder).unwrap();
            let breach = Breach { what: "steal".into(), value: 0.2, limit: 0.1, text: String::new() };
            let file = SampleNoise {
                format: SAMPLE_NOISE_FORMAT,
                mode: "strict".into(),
                waited_s: if breached { 2.0 } else { 0.0 },
                seconds: 1.0,
                breaches: if breached { vec![breach] } else { Vec::new() },
                canary: None,
            };
            write_json(&folder.join(SAMPLE_NOISE_FILE), &file).unwrap();
        };
        for sample in 0..3 {
            note(&repeat.join(format!("raw/{sample:03}.case")), false);
        }
        for sample in 0..*again {
            note(&repeat.join(format!("forensics/boot1/{sample:03}.case.try1")), true);
        }
    }
}

#[test]
fn samples_that_are_taken_again_on_one_side_alone_are_noted() {
    let noted = |of_a: [usize; 5], of_b: [usize; 5]| {
        let root = tempfile::tempdir().unwrap();
        let a = Env::new("base", vec![throughput(&A)]).write(root.path());
        let b = Env::new("head", vec![throughput(&A)]).write(root.path());
        note_takes(&a, &of_a);
        note_takes(&b, &of_b);
        let found = run(&[a, b]).warnings.into_iter().filter(|w| ["retakes", "waits"].contains(&w.code));
        found.map(|w| w.text).collect::<Vec<_>>()
    };
    assert_eq!(noted([0; 5], [0; 5]), [""; 0]);
    assert_eq!(noted([0, 1, 0, 0, 2], [1, 0, 0, 1, 0]), [""; 0]);
    assert_eq!(noted([1, 0, 0, 0, 0], [0, 1, 1, 1, 0]), [""; 0]);
    let found = noted([0; 5], [3, 2, 3, 3, 3]);
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(
        found[0].starts_with(
            "14 of 29 samples of head were taken again because the host was not quiet, of base 0 of 15 (p = "
        ),
        "{found:?}"
    );
    assert!(
        found[1].starts_with(
            "28 s were waited for a quiet host before samples of head, 0 s before those of base"
        )
    );
}

#[test]
fn facts_that_changed_between_the_boots_of_a_side_stand_above_the_numbers() {
    let root = tempfile::tempdir().unwrap();
    let a = Env::new("base", vec![throughput(&A)]).write(root.path());
    let b = Env::new("head", vec![throughput(&A)]).write(root.path());
    let change = |fact: &str, was: Option<&str>, is: &str| FactChange {
        fact: fact.into(),
        was: was.map(str::to_owned),
        is: Some(is.into()),
    };
    let set = |changes: Vec<FactChange>| {
        let path = b.join(RUN_FILE);
        let mut file: RunFile = read_json(&path, 1).unwrap();
        file.changes = changes;
        write_json(&path, &file).unwrap();
        run(&[a.clone(), b.clone()])
    };
    let told = |changes| {
        let result = set(changes);
        result.warnings.iter().find(|w| w.code == "changed-side").map(|w| (w.level, w.text.clone()))
    };
    assert_eq!(told(vec![]), None);
    let (level, text) = told(vec![
        change("host.governor", Some("performance"), "powersave"),
        change("host.thp", None, "always"),
    ])
    .unwrap();
    assert_eq!(level, Level::Blocking);
    assert_eq!(
        text,
        "head: the host or the guest changed between its boots: host.governor (performance -> powersave) and 1 more: host.thp"
    );
    let (level, _) = told(vec![change("host.boot_id", Some("x"), "y")]).unwrap();
    assert_eq!(level, Level::Note, "a reboot alone is told, and judged elsewhere");
}
