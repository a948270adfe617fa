//! Files of a directory that are called like results and that no reader knows: a result that is empty, that was cut, or that
//! holds the words of a tool that failed; or a text that never was one.

use crate::warnings::{counted, note};
use crate::{Loss, Warning};
use formats::foreign::{SNIFF_LENGTH, is_of_a_tool, look};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Losses for files that stand where a result should, and a note on the others.
///
/// A result is expected of a file that is called as results beside it are, but for numbers; and of one that ends in `.json`
/// or `.csv` like a result of the side.
pub(super) fn told(results: &[PathBuf], unknown: &[PathBuf]) -> (Vec<Loss>, Option<Warning>) {
    let stems: BTreeSet<String> = results.iter().filter_map(|path| without_numbers(path)).collect();
    let tables: BTreeSet<String> = results.iter().filter_map(|path| of_data(path)).collect();
    let is_expected = |path: &&PathBuf| {
        without_numbers(path).is_some_and(|stem| stems.contains(&stem))
            || of_data(path).is_some_and(|ending| tables.contains(&ending))
    };
    let (expected, others): (Vec<&PathBuf>, Vec<&PathBuf>) = unknown.iter().partition(is_expected);
    let loss = |path: &&PathBuf| Loss {
        place: format!("{}:1:1", path.display()),
        what: "file",
        reason: first_words(path),
    };
    (expected.iter().map(loss).collect(), passed_over(&others))
}

/// Results of other tools that stand in the same directories as result files of perf.conf's patterns: one side is of one
/// kind, so that they are not read.
pub(crate) fn beside(results: &[PathBuf]) -> Option<Warning> {
    let folders: BTreeSet<&Path> = results.iter().filter_map(|path| path.parent()).collect();
    let entries = folders.into_iter().filter_map(|folder| std::fs::read_dir(folder).ok()).flatten().flatten();
    let mut found: Vec<PathBuf> = entries
        .map(|entry| entry.path())
        .filter(|path| of_data(path).is_some() && super::kind_of(path).is_some())
        .collect();
    found.sort();
    let first = found.first()?;
    let text = format!(
        "{} of other tools beside result files of perf.conf's patterns; the first: {}; not read",
        counted(found.len(), "file"),
        first.display()
    );
    let advice = "compare them on their own: give the files, or put them into a directory of their own";
    Some(note("other-results", text, advice, found.len()))
}

/// What is called like a result and is passed over.
fn passed_over(unknown: &[&PathBuf]) -> Option<Warning> {
    let first = unknown.first()?;
    let others = match unknown.len() {
        1 => String::new(),
        n => format!(" and {} more", n - 1),
    };
    let text = format!("{}{others}: no result of any tool that is known; passed over", first.display());
    let advice = "if that was a result, it is damaged, or its format is not read";
    Some(note("unknown-files", text, advice, unknown.len()))
}

/// A file's name without its digits: `run.json` of `run12.json`.
fn without_numbers(path: &Path) -> Option<String> {
    let name = path.file_name()?.to_string_lossy().to_ascii_lowercase();
    Some(name.chars().filter(|c| !c.is_ascii_digit()).collect())
}

/// The ending of a name that only data have.
fn of_data(path: &Path) -> Option<String> {
    let ending = path.extension()?.to_string_lossy().to_ascii_lowercase();
    matches!(ending.as_str(), "json" | "csv").then_some(ending)
}

/// So many files are looked at, to tell what a directory holds.
const LOOKED_AT: usize = 100;

/// What files are of which none can be read: a sentence for the first whose tool is known, else for the first; and how many look
/// the same.
pub(super) fn unread(unknown: &[PathBuf]) -> Option<String> {
    let limit = u64::try_from(SNIFF_LENGTH).unwrap_or(u64::MAX);
    let known = |path: &PathBuf| edge::read::head(path, limit).is_ok_and(|head| is_of_a_tool(&head));
    let first = unknown.iter().take(LOOKED_AT).find(|path| known(path)).or(unknown.first())?;
    let what = first_words(first);
    let same = unknown.iter().take(LOOKED_AT).filter(|path| first_words(path) == what).count();
    let others = |n: usize, what: &str| {
        if n > 0 { format!(" and {} {what}", counted(n, "file")) } else { String::new() }
    };
    let (alike, rest) = (others(same - 1, "like it"), others(unknown.len() - same, "of other kinds"));
    Some(format!("{}:1:1{alike}: {what}{}", first.display(), rest.replacen(" and ", "; beside ", 1)))
}

/// Why a file is no result.
pub(crate) fn first_words(path: &Path) -> String {
    let limit = u64::try_from(SNIFF_LENGTH).unwrap_or(u64::MAX);
    match edge::read::head(path, limit) {
        Ok(head) => look(&head),
        Err(error) => format!("it cannot be read: {error}"),
    }
}
