//! What the documents point to is there, and what they tell people to type is understood.

use clap::{CommandFactory, error::ErrorKind};
use perfvt::args::Args;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}

/// Every text for people: the README, those of crates that strangers use, and the documents.
fn all() -> Vec<(PathBuf, String)> {
    let root = root();
    let mut paths: Vec<PathBuf> =
        ["README.md", "CONTRIBUTING.md", "SECURITY.md", "stats/README.md", "cartesian/README.md"]
            .iter()
            .map(|name| root.join(name))
            .collect();
    for folder in ["docs", "docs/how-to"] {
        let entries = fs::read_dir(root.join(folder)).unwrap().map(|entry| entry.unwrap().path());
        paths.extend(entries.filter(|path| path.extension().is_some_and(|end| end == "md")));
    }
    paths.sort();
    let read = |path: PathBuf| (path.clone(), fs::read_to_string(path).unwrap());
    paths.into_iter().map(read).collect()
}

/// The lines of a text, each with its number and whether it stands in an example.
fn lines(text: &str) -> Vec<(usize, bool, &str)> {
    let mut fenced = false;
    let of = |(i, line): (usize, &'_ str)| {
        let mark = line.trim_start().starts_with("```");
        fenced ^= mark;
        (i + 1, fenced && !mark, mark)
    };
    let marks: Vec<_> = text.lines().enumerate().map(of).collect();
    marks
        .into_iter()
        .zip(text.lines())
        .filter(|((_, _, mark), _)| !mark)
        .map(|((n, f, _), l)| (n, f, l))
        .collect()
}

/// The anchors of a text, as GitHub and mdBook make them of headings.
pub fn anchors(text: &str) -> Vec<String> {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let headings = lines(text).into_iter().filter(|(_, fenced, line)| !fenced && line.starts_with('#'));
    let slug = |(_, _, line): (usize, bool, &str)| {
        let title = line.trim_start_matches('#').trim().to_lowercase();
        let kept = title.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
        let slug: String = kept.map(|c| if c == ' ' { '-' } else { c }).collect();
        let times = seen.entry(slug.clone()).or_insert(0);
        *times += 1;
        if *times == 1 { slug } else { format!("{slug}-{}", *times - 1) }
    };
    headings.map(slug).collect()
}

#[test]
fn every_link_of_a_document_leads_somewhere() {
    let link = regex::Regex::new(r"\]\(([^)\s]+)\)").unwrap();
    let (mut broken, mut looked_at) = (Vec::new(), 0);
    for (path, text) in all() {
        for (number, _, line) in lines(&text).into_iter().filter(|(_, fenced, _)| !fenced) {
            // What stands between backquotes is no link.
            let plain: String = line.split('`').step_by(2).collect();
            for found in link.captures_iter(&plain) {
                let target = &found[1];
                if target.contains("://") || target.starts_with("mailto:") {
                    continue;
                }
                looked_at += 1;
                let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
                let file = if file.is_empty() { path.clone() } else { path.parent().unwrap().join(file) };
                let there = file.exists()
                    && (anchor.is_empty()
                        || anchors(&fs::read_to_string(&file).unwrap()).iter().any(|a| a == anchor));
                // The book has a copy of the README beside the documents.
                if !(there || path.ends_with("docs/SUMMARY.md") && target == "README.md") {
                    broken.push(format!("{}:{number}: {target}", path.display()));
                }
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
    assert!(looked_at > 100, "{looked_at}");
}

#[test]
fn the_book_has_every_document_once() {
    let folder = root().join("docs");
    let summary = fs::read_to_string(folder.join("SUMMARY.md")).unwrap();
    for (path, _) in all() {
        let Ok(name) = path.strip_prefix(&folder) else { continue };
        if name != Path::new("SUMMARY.md") {
            let times = summary.matches(&format!("]({})", name.display())).count();
            assert_eq!(times, 1, "{} in docs/SUMMARY.md", name.display());
        }
    }
}

/// What a line tells people to type of perfvt, as words: of an example what stands behind `$`, or begins with `perfvt`.
pub fn typed(line: &str) -> Option<Vec<String>> {
    let line = line.trim_start().trim_start_matches("$ ");
    let line = line.strip_prefix("sudo ").unwrap_or(line);
    if !line.starts_with("perfvt ") {
        return None;
    }
    // Other programs, comments, and explanations in a second column.
    let end = ["  ", " | ", " > ", " 2>", " #", "; ", " && "].iter().filter_map(|stop| line.find(stop)).min();
    let line = &line[..end.unwrap_or(line.len())];
    if line.contains(['[', '…', '<']) || line.contains("...") || line.contains(".. ") || line.ends_with("..")
    {
        return None;
    }
    // N is a number of the reader's.
    Some(
        shlex::split(line)?.into_iter().map(|word| if word == "N" { "1".to_owned() } else { word }).collect(),
    )
}

#[test]
fn every_command_of_a_document_is_understood() {
    let (mut refused, mut looked_at) = (Vec::new(), 0);
    for (path, text) in all() {
        for (number, fenced, line) in lines(&text) {
            let parts: Vec<&str> =
                if fenced { vec![line] } else { line.split('`').skip(1).step_by(2).collect() };
            for words in parts.into_iter().filter_map(typed) {
                looked_at += 1;
                let Err(error) = Args::command().try_get_matches_from(&words) else { continue };
                // Prose names verbs without their arguments, and options without a value.
                let whole = [
                    ErrorKind::MissingRequiredArgument,
                    ErrorKind::MissingSubcommand,
                    ErrorKind::DisplayHelp,
                    ErrorKind::DisplayVersion,
                    ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand,
                ];
                let first = error.to_string();
                let is_part = whole.contains(&error.kind()) || first.contains("a value is required for");
                if !is_part {
                    refused.push(format!(
                        "{}:{number}: {line}: {}",
                        path.display(),
                        first.lines().next().unwrap()
                    ));
                }
            }
        }
    }
    assert!(refused.is_empty(), "{refused:#?}");
    assert!(looked_at > 150, "{looked_at}");
}
