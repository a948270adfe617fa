//! How many samples of a side were taken while the host was not quiet (`noise.json` in their raw folders).

use crate::Warning;
use crate::warnings::{counted, note};
use model::noise::{SAMPLE_NOISE_FILE, SAMPLE_NOISE_FORMAT, SampleNoise};
use model::store;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// A note about the noisy samples of an environment's repeats, if there are any. Raw folders that were cleared away tell
/// nothing, and a file that cannot be read is not counted: the values do not rest on it.
pub(super) fn note_of(side: &Path, measurements: &[PathBuf]) -> Option<Warning> {
    let (mut watched, mut noisy) = (0, 0);
    let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
    for repeat in measurements.iter().filter_map(|file| file.parent()) {
        for entry in fs::read_dir(repeat.join("raw")).into_iter().flatten().flatten() {
            let path = entry.path().join(SAMPLE_NOISE_FILE);
            if !path.is_file() {
                continue;
            }
            let Ok(file) = store::read_json::<SampleNoise>(&path, SAMPLE_NOISE_FORMAT) else { continue };
            watched += 1;
            noisy += usize::from(!file.breaches.is_empty());
            let mut what: Vec<String> = file.breaches.into_iter().map(|b| b.what).collect();
            what.dedup();
            for kind in what {
                *kinds.entry(kind).or_default() += 1;
            }
        }
    }
    if noisy == 0 {
        return None;
    }
    let mut kinds: Vec<(String, usize)> = kinds.into_iter().collect();
    kinds.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let kinds: Vec<String> = kinds.into_iter().map(|(kind, n)| format!("{kind} {n}")).collect();
    let name = side.file_name().unwrap_or_default().to_string_lossy();
    let text = format!(
        "{name}: the host was not quiet during {noisy} of {} ({})",
        counted(watched, "sample"),
        kinds.join(", ")
    );
    let advice =
        "the spread is wider for it; noise=strict waits for a quiet host and takes noisy samples again";
    Some(note("noisy-samples", text, advice, noisy))
}
