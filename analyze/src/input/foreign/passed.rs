//! Files of a directory that are called like results and that no reader knows: a result that is empty, that was cut, or that
//! holds the words of a tool that failed; or a text that never was one.

use crate::warnings::note;
use crate::{Loss, Warning};
use formats::foreign::{SNIFF_LENGTH, is_of_a_tool, is_packed_otherwise, look, names, sniff};
use model::counted;
use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Losses for files that stand where a result should, and notes on the others.
///
/// A result is expected of a file that is called as results beside it are, but for numbers and its packing; and of one that
/// ends in `.json` or `.csv` like a result of the side.
pub(super) fn told(
    results: &[PathBuf],
    unknown: &[PathBuf],
    misnamed: &[(PathBuf, String)],
) -> (Vec<Loss>, Vec<Warning>) {
    let stems: BTreeSet<String> = results.iter().filter_map(|path| without_numbers(path)).collect();
    let tables: BTreeSet<String> = results.iter().filter_map(|path| of_data(path)).collect();
    let read: BTreeSet<PathBuf> = results.iter().map(|path| without_packing(path)).collect();
    let is_expected = |path: &Path| {
        // A packed copy of what is read beside it is none.
        let is_copy = read.contains(&without_packing(path));
        let is_called_so = without_numbers(path).is_some_and(|stem| stems.contains(&stem))
            || of_data(path).is_some_and(|ending| tables.contains(&ending));
        is_called_so && !is_copy
    };
    let unknown = unknown.iter().map(|path| (path, first_words(path)));
    let all = unknown.chain(misnamed.iter().map(|(path, what)| (path, what.clone())));
    let (expected, others): (Vec<_>, Vec<_>) = all.partition(|(path, _)| is_expected(path));
    let loss = |(path, reason): (&PathBuf, String)| Loss {
        place: format!("{}:1:1", path.display()),
        what: "file",
        reason,
    };
    (expected.into_iter().map(loss).collect(), passed_over(&others))
}

/// Files whose names no reader lists and which hold results all the same, or may once they are unpacked; what each is.
pub(super) fn misnamed(others: Vec<PathBuf>, results: &[PathBuf]) -> Vec<(PathBuf, String)> {
    let identity = |path: &PathBuf| std::fs::metadata(path).ok().map(|m| (m.dev(), m.ino()));
    let known: BTreeSet<(u64, u64)> = results.iter().filter_map(identity).collect();
    let limit = u64::try_from(SNIFF_LENGTH).unwrap_or(u64::MAX);
    let is_prose = |path: &Path| {
        let ending = path.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
        PROSE.contains(&ending.as_str())
    };
    let what = |path: PathBuf| {
        // Another name of what is read, or a text that shows a result.
        if identity(&path).is_none_or(|id| known.contains(&id)) || is_prose(&path) {
            return None;
        }
        let head = edge::read::head(&path, limit).ok()?;
        let what = match sniff(&head) {
            Some(kind) => format!(
                "it is {}, and its name is none that is looked into; give the file itself, or rename it ({})",
                kind.name(),
                names()
            ),
            None if is_of_a_tool(&head) || is_packed_otherwise(&head) => look(&head),
            None => return None,
        };
        Some((path, what))
    };
    others.into_iter().take(LOOKED_INTO).filter_map(what).collect()
}

/// Endings of texts about results and of programs.
const PROSE: [&str; 14] =
    ["md", "rst", "adoc", "html", "htm", "py", "sh", "rs", "c", "h", "go", "yml", "yaml", "toml"];

/// So many files of other names are looked into.
const LOOKED_INTO: usize = 2000;

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

/// So many sorts of files that are passed over are named.
const SORTS: usize = 5;

/// What is called like a result or holds one, and is passed over: a note for each sort, which names the first file of it.
fn passed_over(others: &[(&PathBuf, String)]) -> Vec<Warning> {
    // What files begin with is no sort.
    let sort = |words: &str| words.split("; it begins with").next().unwrap_or_default().to_owned();
    let mut sorts: Vec<(String, &Path, &str, usize)> = Vec::new();
    for (path, words) in others {
        match sorts.iter_mut().find(|(known, ..)| *known == sort(words)) {
            Some((.., count)) => *count += 1,
            None => sorts.push((sort(words), path, words, 1)),
        }
    }
    let more = |n: usize| if n > 0 { format!(" and {n} more") } else { String::new() };
    let rest: usize = sorts.iter().skip(SORTS).map(|(.., count)| count).sum();
    let mut notes = Vec::new();
    for (index, (_, first, words, count)) in sorts.iter().take(SORTS).enumerate() {
        let rest = if index + 1 == SORTS { rest } else { 0 };
        let others =
            if rest > 0 { format!(" (and {} of other sorts)", counted(rest, "file")) } else { String::new() };
        let text = format!("{}{}: passed over: {words}{others}", first.display(), more(count - 1));
        let advice = "if that was a result, it is damaged, or its format is not read";
        let advice = if words.contains("no result of any tool") { advice } else { "" };
        notes.push(note("unknown-files", text, advice, count + rest));
    }
    notes
}

/// Endings of packings.
const PACKINGS: [&str; 7] = ["gz", "zst", "xz", "bz2", "lzma", "lz4", "Z"];

/// A path without the ending of a packing.
fn without_packing(path: &Path) -> PathBuf {
    let is_packed = path.extension().is_some_and(|e| PACKINGS.iter().any(|packing| e == *packing));
    if is_packed { path.with_extension("") } else { path.to_owned() }
}

/// A file's name without its digits and its packing: `run.json` of `run12.json.gz`.
fn without_numbers(path: &Path) -> Option<String> {
    let path = without_packing(path);
    let name = path.file_name()?.to_string_lossy().to_ascii_lowercase();
    Some(name.chars().filter(|c| !c.is_ascii_digit()).collect())
}

/// The ending of a name that only data have.
fn of_data(path: &Path) -> Option<String> {
    let ending = without_packing(path).extension()?.to_string_lossy().to_ascii_lowercase();
    matches!(ending.as_str(), "json" | "csv").then_some(ending)
}

/// So many files are looked at, to tell what a directory holds.
const LOOKED_AT: usize = 100;

/// What files are of which none can be read: a sentence for the first whose tool is known, else for the first; and how many look
/// the same.
pub(super) fn unread(unknown: &[PathBuf], misnamed: &[(PathBuf, String)]) -> Option<String> {
    let limit = u64::try_from(SNIFF_LENGTH).unwrap_or(u64::MAX);
    let is_known = |path: &Path| {
        edge::read::head(path, limit).is_ok_and(|head| is_of_a_tool(&head) || is_packed_otherwise(&head))
    };
    let named = unknown.iter().take(LOOKED_AT).map(|path| (path, first_words(path)));
    let mut files: Vec<(&PathBuf, String)> = named.collect();
    files.extend(misnamed.iter().map(|(path, what)| (path, what.clone())));
    let of_a_tool = files.iter().position(|(path, _)| is_known(path));
    let first =
        of_a_tool.or(files.iter().position(|(path, _)| misnamed.iter().any(|(known, _)| known == *path)));
    let (first, what) = files.get(first.unwrap_or(0))?;
    // Logs of one program begin alike but for their numbers.
    let form = |words: &str| words.chars().filter(|c| !c.is_ascii_digit()).collect::<String>();
    let same = files.iter().filter(|(_, words)| form(words) == form(what)).count();
    let all = unknown.len() + misnamed.len();
    let others = |n: usize, what: &str| {
        if n > 0 { format!(" and {} {what}", counted(n, "file")) } else { String::new() }
    };
    let (alike, rest) = (others(same - 1, "like it"), others(all - same, "of other kinds"));
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
