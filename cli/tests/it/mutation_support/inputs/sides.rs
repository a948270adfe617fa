//! Sides that perfvt measured, and classic files, out of the samples of this repository.

use super::{copy, repository, write};
use model::store::{
    MEASUREMENTS_FILE, RUN_FILE, SERIES_FILE, read_measurements, read_series, write_measurements,
    write_series,
};
use std::fs;
use std::path::{Path, PathBuf};

/// Repeats of an environment that are kept: enough for a test, and quick to copy.
const REPEATS: u32 = 3;

/// Two environments, as `a` and `b`.
pub fn environments(to: &Path) {
    environment("virtio", &to.join("a"), false);
    environment("e1000", &to.join("b"), false);
}

/// The first repeats of a sample. What holds values is written anew, so that it is of this perfvt's own form.
pub fn environment(sample: &str, to: &Path, raw: bool) {
    let from = repository("samples").join(sample);
    let run = fs::read_to_string(from.join(RUN_FILE)).unwrap();
    write(&to.join(RUN_FILE), run.replace("\"repeats\": 5", "\"repeats\": 3"));
    for repeat in repeats(&from) {
        let into = to.join(repeat.file_name().unwrap());
        copy(&repeat.join("results"), &into.join("results"));
        let measured = read_measurements(&repeat.join(MEASUREMENTS_FILE)).unwrap();
        write_measurements(&into.join(MEASUREMENTS_FILE), &measured).unwrap();
        let series = read_series(&repeat.join(SERIES_FILE)).unwrap().items;
        write_series(&into.join(SERIES_FILE), &series).unwrap();
        if raw {
            copy(&repeat.join("raw"), &into.join("raw"));
        }
    }
}

fn repeats(sample: &Path) -> Vec<PathBuf> {
    let wanted = |name: &str| (1..=REPEATS).any(|n| name.starts_with(&format!("repeat{n}.")));
    let all = fs::read_dir(sample).unwrap().map(|entry| entry.unwrap().path());
    let mut found: Vec<PathBuf> =
        all.filter(|path| wanted(path.file_name().unwrap().to_str().unwrap())).collect();
    found.sort();
    found
}

/// Classic files of two sides.
pub fn rhs(to: &Path) {
    for (side, sample) in [("a", "virtio"), ("b", "e1000")] {
        for (n, repeat) in repeats(&repository("samples").join(sample)).iter().enumerate() {
            for file in fs::read_dir(repeat.join("results")).unwrap() {
                let file = file.unwrap();
                let into = to.join(side).join(format!("repeat{}.default", n + 1));
                write(&into.join(file.file_name()), fs::read(file.path()).unwrap());
            }
        }
    }
}
