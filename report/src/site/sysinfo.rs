//! What the hosts and guests of all sides were: the recorded facts, and the files of `sysinfo/` beside each other.

use super::content::{self, Content};
use super::entry::Entry;
use super::shell;
use crate::html::{all_facts_table, foreign};
use analyze::Side;
use analyze::discover::natural_order;
use maud::{Markup, html};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

/// So much of a file is shown, and so many files; the archive has all.
const SHOWN: u64 = 64 << 10;
const FILES: usize = 100;

/// A side and its files by name.
pub(super) struct Described {
    side: Side,
    /// Name below `sysinfo/` to text.
    files: BTreeMap<String, String>,
}

/// Reads the files of each side's first boot, out of the copies.
pub(super) fn sides(content: &Content) -> Vec<Described> {
    let described = |side: &&Side| {
        let mut files = BTreeMap::new();
        if let Some(folder) = first_sysinfo(Path::new(&side.path), 0) {
            collect(&folder, &folder, 0, &mut files);
        }
        Described { side: (*side).clone(), files }
    };
    content::sides(content).iter().map(described).collect()
}

/// Entries of a folder in natural order.
fn listed(folder: &Path) -> Vec<PathBuf> {
    let mut names: Vec<PathBuf> =
        fs::read_dir(folder).map(|l| l.flatten().map(|e| e.path()).collect()).unwrap_or_default();
    names.sort_by(|a, b| natural_order(a.as_os_str(), b.as_os_str()));
    names
}

/// The first folder of that name, at most three levels down: `repeat1../sysinfo`.
fn first_sysinfo(folder: &Path, depth: usize) -> Option<PathBuf> {
    let here = folder.join("sysinfo");
    if here.is_dir() {
        return Some(here);
    }
    let mut below = listed(folder).into_iter().filter(|p| depth < 2 && p.is_dir());
    below.find_map(|p| first_sysinfo(&p, depth + 1))
}

/// Texts below a folder, by their relative names.
fn collect(root: &Path, folder: &Path, depth: usize, files: &mut BTreeMap<String, String>) {
    for path in listed(folder) {
        if files.len() >= FILES {
            return;
        }
        if path.is_dir() && depth < 3 {
            // One boot is enough here: the archive has the others.
            if depth > 0 || files.is_empty() {
                collect(root, &path, depth + 1, files);
            }
        } else if let Some(text) = text(&path) {
            let name = path.strip_prefix(root).unwrap_or(&path).display().to_string();
            files.insert(name, text);
        }
    }
}

/// The beginning of a text file; `None` for anything else.
fn text(path: &Path) -> Option<String> {
    let file = edge::read::open(path).ok()?;
    let length = file.metadata().ok()?.len();
    let mut bytes = Vec::new();
    file.take(SHOWN).read_to_end(&mut bytes).ok()?;
    if bytes.contains(&0) {
        return None;
    }
    let mut text = String::from_utf8_lossy(&bytes).into_owned();
    if length > SHOWN {
        text.push_str(&format!("\n[the first {} of {} KiB]", SHOWN >> 10, length >> 10));
    }
    Some(text)
}

/// The page.
pub(super) fn page(entry: &Entry, sides: &[Described]) -> String {
    let title = format!("{}: system information", entry.title);
    let names: BTreeSet<&String> = sides.iter().flat_map(|s| s.files.keys()).collect();
    let facts: Vec<&Side> = sides.iter().map(|s| &s.side).collect();
    let body = html! {
        header {
            h1 { (foreign(&title)) }
            p.caption { a href="index.html" { "The result" } " · " a href="../../index.html" { "All results" } }
        }
        main {
            section {
                h2 { "Recorded facts" }
                @if facts.iter().all(|s| s.facts.is_empty()) { p { "No side recorded any facts." } }
                @else { (all_facts_table(&facts)) }
            }
            section {
                h2 { "Files of sysinfo/" }
                @if names.is_empty() { p { "The results hold no such files." } }
                @else { p.caption { "Of the first boot of each side; the archives have those of every boot." } }
                @for name in names { (file(name, sides)) }
            }
        }
    };
    shell::page(&title, None, &body)
}

fn file(name: &str, sides: &[Described]) -> Markup {
    let texts: Vec<Option<&String>> = sides.iter().map(|s| s.files.get(name)).collect();
    let equal = texts.windows(2).all(|pair| matches!(pair, [x, y] if x == y));
    html! {
        details {
            summary {
                code { (foreign(name)) }
                @if sides.len() > 1 { @if equal { " equal on all sides" } @else { " " span.differs { "differs" } } }
            }
            div.beside {
                @for (side, text) in sides.iter().zip(&texts).take(if equal { 1 } else { sides.len() }) {
                    div {
                        @if !equal { strong { (foreign(&side.side.label)) } }
                        @match text {
                            Some(text) => pre tabindex="0" { (lines(text)) },
                            None => p.quiet { "no such file" },
                        }
                    }
                }
            }
        }
    }
}

/// Lines stay lines; everything else that cannot be seen is shown as an escape.
fn lines(text: &str) -> String {
    text.lines().map(|l| edge::visible(&l.replace('\t', "    ")).into_owned()).collect::<Vec<_>>().join("\n")
}
