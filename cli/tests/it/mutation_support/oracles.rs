//! What must hold whatever the input is.

use super::process::Ran;
use super::verbs::{Output, Verb};
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use walkdir::WalkDir;

/// What does not hold.
pub struct Complaint {
    /// In a few words, which are the same for every case of its kind.
    pub kind: &'static str,
    pub detail: String,
}

pub fn complaint(kind: &'static str, detail: impl Into<String>) -> Option<Complaint> {
    Some(Complaint { kind, detail: detail.into() })
}

/// It ended by itself, in time, with a documented exit code.
pub fn ends(verb: &Verb, ran: &Ran) -> Option<Complaint> {
    let Some(status) = ran.status else { return complaint("hangs", "it was killed after the deadline") };
    let err = ran.err_text();
    if let Some(line) = err.lines().find(|line| line.contains("panicked at")) {
        return complaint("panics", line);
    }
    if let Some(signal) = status.signal() {
        let what = match signal {
            6 | 9 | 11 if err.contains("memory allocation") => "needs more than 1 GB",
            9 | 24 => "takes more than 5 s of a CPU",
            25 => "writes more than 64 MiB",
            _ => "is killed by a signal",
        };
        return complaint(what, format!("signal {signal}: {}", err.lines().last().unwrap_or_default()));
    }
    let code = status.code()?;
    if err.contains("annot allocate memory") || err.contains("out of memory") {
        return complaint("needs more than 1 GB", err);
    }
    match code {
        2 if err.trim().is_empty() => complaint("fails without a word", "exit code 2"),
        2 => None,
        code if verb.codes.contains(&code) => None,
        code => complaint("ends with an undocumented exit code", format!("{code}: {err}")),
    }
}

/// Nothing that a terminal acts upon, or that makes text look like other text.
pub fn is_clean(verb: &Verb, ran: &Ran) -> Option<Complaint> {
    let err = unclean(&ran.err, false);
    if let Some(detail) = err {
        return complaint("raw characters on standard error", detail);
    }
    let only_acting = verb.output != Output::Human;
    unclean(&ran.out, only_acting).and_then(|detail| {
        complaint(
            if only_acting {
                "raw control characters in a file's format"
            } else {
                "raw characters on standard output"
            },
            detail,
        )
    })
}

/// The first character that must not be there, with what stands around it. Formats of files may have what only looks
/// otherwise.
fn unclean(bytes: &[u8], only_acting: bool) -> Option<String> {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(e) => return Some(format!("no UTF-8 after {} bytes", e.valid_up_to())),
    };
    let acts = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
    let (at, c) = text.char_indices().find(|(_, c)| acts(*c) || (!only_acting && is_unseen(*c)))?;
    let from = text[..at].char_indices().rev().nth(40).map_or(0, |(i, _)| i);
    let around: String = text[from..].chars().take(80).collect();
    Some(format!("U+{:04X} in {around:?}", u32::from(c)))
}

/// Characters that are not seen or turn the direction of others.
fn is_unseen(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// What is JSON can be parsed.
pub fn parses(verb: &Verb, ran: &Ran) -> Option<Complaint> {
    let is_json = |bytes: &[u8]| serde_json::from_slice::<serde_json::Value>(bytes).err();
    if ran.out.is_empty() && ran.code() != Some(0) {
        return None;
    }
    let wrong = match verb.output {
        Output::Human | Output::File => None,
        Output::Json => is_json(&ran.out),
        Output::JsonLines => ran.out.split(|b| *b == b'\n').filter(|l| !l.is_empty()).find_map(is_json),
    };
    wrong.and_then(|e| complaint("writes JSON that cannot be parsed", e.to_string()))
}

/// Everything below a folder: size, time and kind of what is there.
pub type Snapshot = BTreeMap<PathBuf, (u64, i64, u32)>;

/// The folder as it is.
pub fn snapshot(place: &Path) -> Snapshot {
    let of = |entry: walkdir::DirEntry| {
        let about = fs::symlink_metadata(entry.path()).ok()?;
        // A folder's time is that of what is in it.
        let time = if about.is_dir() { 0 } else { about.mtime_nsec() };
        let size = if about.is_dir() { 0 } else { about.len() };
        Some((entry.into_path(), (size, time, about.mode())))
    };
    WalkDir::new(place).min_depth(1).into_iter().flatten().filter_map(of).collect()
}

/// Nothing was touched but what is below these folders, or is these files.
pub fn untouched(before: &Snapshot, after: &Snapshot, writes: &[PathBuf]) -> Option<Complaint> {
    let free = |path: &&PathBuf| !writes.iter().any(|written| path.starts_with(written));
    let gone = before.iter().filter(|(path, about)| after.get(*path) != Some(about)).map(|(path, _)| path);
    let new = after.keys().filter(|path| !before.contains_key(*path));
    let path = gone.chain(new).find(free)?;
    complaint("touches what it only reads", path.display().to_string())
}

/// Pages that were written hold nothing of their input as markup, and no control character.
pub fn pages(before: &Snapshot, after: &Snapshot) -> Option<Complaint> {
    let written = after.iter().filter(|(path, about)| before.get(*path) != Some(about));
    let pages = written.filter(|(path, _)| path.extension().is_some_and(|e| e == "html") && path.is_file());
    pages.map(|(path, _)| path).find_map(|page| {
        let bytes = fs::read(page).ok()?;
        let text = String::from_utf8_lossy(&bytes);
        if let Some(planted) = ["<b id=planted", "<script>planted"].iter().find(|p| text.contains(**p)) {
            return complaint("input is markup in a page", format!("{}: {planted}", page.display()));
        }
        unclean(&bytes, true)
            .and_then(|detail| complaint("raw characters in a page", format!("{}: {detail}", page.display())))
    })
}
