//! What the host did around the samples of a side (`noise.json` in their raw folders): how many were taken while it was not quiet,
//! how many were taken again, and how long was waited.

use super::repeat::Watch;
use crate::Warning;
use crate::warnings::note;
use model::counted;
use model::noise::{SAMPLE_NOISE_FILE, SAMPLE_NOISE_FORMAT, SampleNoise};
use model::store;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// What became of the samples of each repeat, by its measurements; and a note about the noisy ones, if there are any. Raw folders
/// that were cleared away tell nothing, and a file that cannot be read is not counted: the values do not rest on it.
pub(super) fn watched(side: &Path, measurements: &[PathBuf]) -> (Vec<Watch>, Option<Warning>) {
    let mut noisy = 0;
    let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
    let mut watches = Vec::new();
    for file in measurements {
        let mut watch = Watch::default();
        let Some(repeat) = file.parent() else { continue };
        for file in notes_in(&repeat.join("raw")) {
            watch.samples += 1;
            watch.waited_s += file.waited_s.max(0.0);
            noisy += usize::from(!file.breaches.is_empty());
            let mut what: Vec<String> = file.breaches.into_iter().map(|b| b.what).collect();
            what.dedup();
            for kind in what {
                *kinds.entry(kind).or_default() += 1;
            }
        }
        // What was taken again lies in the forensics of its boot.
        for boot in folders(&repeat.join("forensics")) {
            for file in notes_in(&boot) {
                watch.again += usize::from(!file.breaches.is_empty());
                watch.waited_s += file.waited_s.max(0.0);
            }
        }
        watches.push(watch);
    }
    let samples: usize = watches.iter().map(|watch| watch.samples).sum();
    (watches, (noisy > 0).then(|| noted(side, noisy, samples, kinds)))
}

fn noted(side: &Path, noisy: usize, samples: usize, kinds: BTreeMap<String, usize>) -> Warning {
    let mut kinds: Vec<(String, usize)> = kinds.into_iter().collect();
    kinds.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let kinds: Vec<String> = kinds.into_iter().map(|(kind, n)| format!("{kind} {n}")).collect();
    let name = side.file_name().unwrap_or_default().to_string_lossy();
    let text = format!(
        "{name}: the host was not quiet during {noisy} of {} ({})",
        counted(samples, "sample"),
        kinds.join(", ")
    );
    let advice =
        "the spread is wider for it; noise=strict waits for a quiet host and takes noisy samples again";
    note("noisy-samples", text, advice, noisy)
}

/// The folders in a folder, none where there is no such one.
fn folders(path: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    entries.filter(|e| e.file_type().is_ok_and(|kind| kind.is_dir())).map(|e| e.path()).collect()
}

/// The notes of the host in the raw folders of a folder.
fn notes_in(path: &Path) -> Vec<SampleNoise> {
    let notes = folders(path).into_iter().map(|folder| folder.join(SAMPLE_NOISE_FILE));
    notes
        .filter(|path| path.is_file())
        .filter_map(|path| store::read_json::<SampleNoise>(&path, SAMPLE_NOISE_FORMAT).ok())
        .collect()
}
