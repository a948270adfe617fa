//! Many cases on all CPUs, and what came out.

use super::case::Case;
use super::inputs::{INPUTS, Input, copy};
use super::oracles::Complaint;
use super::process::perfvt;
use super::values::Told;
use super::verbs::{COMPARED, VERBS, Verb, words};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;
use tempfile::TempDir;

fn sandbox() -> TempDir {
    tempfile::tempdir_in(testing::in_memory()).unwrap()
}

/// Folders of failed cases that are kept.
const KEPT: usize = 100;

/// The seeds of PERFVT_MUTATION_SEED, when somebody wants these alone: `7` or `7..9`, the last one left out.
pub fn chosen_seeds() -> Option<Range<u64>> {
    let text = std::env::var("PERFVT_MUTATION_SEED").ok()?;
    let (first, end) = text.split_once("..").unwrap_or((&text, ""));
    let first = first.parse().ok()?;
    Some(first..end.parse().unwrap_or(first + 1))
}

/// The inputs before they are mutated, and what is told of them.
pub struct Originals {
    dir: TempDir,
    told: BTreeMap<(&'static str, Vec<OsString>), Told>,
}

impl Originals {
    /// Makes all of them, and asks of each what its values are.
    fn build() -> Originals {
        let mut originals = Originals { dir: sandbox(), told: BTreeMap::new() };
        for (index, input) in INPUTS.iter().enumerate() {
            let folder = originals.folder(index);
            fs::create_dir_all(&folder).unwrap();
            (input.build)(&folder);
            for verb in VERBS.iter().filter(|v| v.reads.contains(&input.kind)) {
                if verb.tells_values() || verb.makes_values() {
                    let told = told_by(verb, &folder);
                    assert!(!told.row.is_empty(), "{}: {}", input.name, verb.words);
                    originals.told.insert((input.name, words(verb.words)), told);
                }
            }
        }
        originals
    }

    pub fn folder(&self, index: usize) -> PathBuf {
        self.dir.path().join(index.to_string())
    }

    pub fn told(&self, input: &Input, words: &[OsString]) -> Option<&Told> {
        self.told.get(&(input.name, words.to_vec()))
    }

    /// A row of an input.
    pub fn row(&self, index: usize) -> String {
        let of_input = |((name, _), _): &(&(&str, Vec<OsString>), &Told)| *name == INPUTS[index].name;
        self.told.iter().find(of_input).map(|(_, told)| told.row.clone()).unwrap_or_default()
    }
}

/// What a command line tells of the values of a folder, or what is told after it.
fn told_by(verb: &Verb, folder: &Path) -> Told {
    let sandbox = sandbox();
    let place = sandbox.path().join("place");
    copy(folder, &place);
    let run = |line: &str| {
        let ran = perfvt(sandbox.path(), &place, &words(line));
        assert_eq!(ran.code(), Some(0), "{line} in {}: {}", folder.display(), ran.err_text());
        ran
    };
    let mut ran = run(verb.words);
    if verb.makes_values() {
        ran = run(COMPARED);
    }
    Told::of(&ran.out, &ran.err_text()).unwrap()
}

/// A case that failed.
struct Failed {
    seed: u64,
    complaint: Complaint,
    verb: &'static str,
    input: &'static str,
    story: String,
}

/// Cases of many seeds.
pub struct Soak {
    seeds: Range<u64>,
}

impl Soak {
    pub fn over(seeds: Range<u64>) -> Soak {
        Soak { seeds }
    }

    /// Runs all cases and fails when one of them did.
    pub fn run(self) {
        let began = Instant::now();
        let originals = Originals::build();
        let (next, failed) = (AtomicU64::new(self.seeds.start), Mutex::new(Vec::new()));
        let workers = std::thread::available_parallelism().map_or(2, usize::from);
        std::thread::scope(|scope| {
            for _ in 0..workers {
                scope.spawn(|| {
                    loop {
                        let seed = next.fetch_add(1, Ordering::Relaxed);
                        if seed >= self.seeds.end {
                            return;
                        }
                        one(seed, &originals, &failed);
                    }
                });
            }
        });
        let failed = failed.into_inner().unwrap();
        eprintln!("seeds {:?}: {} s, {} complaints", self.seeds, began.elapsed().as_secs(), failed.len());
        assert!(failed.is_empty(), "{}", summary(failed));
    }
}

fn one(seed: u64, originals: &Originals, failed: &Mutex<Vec<Failed>>) {
    let sandbox = sandbox();
    let case = Case::of(seed, originals, sandbox.path());
    let (ran, complaints) = case.run(originals);
    if complaints.is_empty() {
        return;
    }
    let mut failed = failed.lock().unwrap();
    let story = format!("perfvt {}\n    {}", shown(&case.words), case.story.join("\n    "));
    if failed.len() < KEPT {
        let why: Vec<String> = complaints.iter().map(|c| format!("{}: {}", c.kind, c.detail)).collect();
        keep(seed, sandbox, &format!("{story}\n{}\n{:?}\n{}", why.join("\n"), ran.status, ran.err_text()));
    }
    let of = |complaint| Failed {
        seed,
        complaint,
        verb: case.verb.words,
        input: case.input.name,
        story: story.clone(),
    };
    failed.extend(complaints.into_iter().map(of));
}

fn shown(words: &[OsString]) -> String {
    words.iter().map(|word| format!("{word:?}")).collect::<Vec<_>>().join(" ")
}

/// Where the folder of a failed case goes.
fn kept(seed: u64) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("mutation-{seed}"))
}

fn keep(seed: u64, sandbox: TempDir, said: &str) {
    let (from, to) = (sandbox.keep(), kept(seed));
    fs::write(from.join("case.txt"), said).unwrap();
    let _ = fs::remove_dir_all(&to);
    // On another file system it stays where it is.
    if fs::rename(&from, &to).is_err() {
        std::os::unix::fs::symlink(&from, &to).unwrap();
    }
}

/// Complaints by kind and verb, the shortest of each in full.
fn summary(failed: Vec<Failed>) -> String {
    let mut kinds: BTreeMap<(&str, &str), Vec<Failed>> = BTreeMap::new();
    for one in failed {
        kinds.entry((one.complaint.kind, one.verb)).or_default().push(one);
    }
    let mut text = String::from("\n");
    for ((kind, verb), mut all) in kinds {
        all.sort_by_key(|one| one.story.len());
        let seeds: Vec<u64> = all.iter().map(|one| one.seed).collect();
        let first = &all[0];
        text += &format!(
            "{kind}: perfvt {verb}: {} cases, seeds {:?}\n  seed {} on {}, in {}\n  {}\n  {}\n",
            all.len(),
            &seeds[..seeds.len().min(12)],
            first.seed,
            first.input,
            kept(first.seed).display(),
            first.story,
            first.complaint.detail.chars().take(300).collect::<String>()
        );
    }
    text
}
