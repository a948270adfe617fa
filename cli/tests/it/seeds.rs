//! `docs/seeds.csv` tells of each thing that older tools can do where it is here, or why it is not: all of it is held against the program.

use crate::documents::{anchors, root, typed};
use clap::CommandFactory;
use perfvt::args::Args;
use std::collections::BTreeSet;
use std::fs;

/// How many rows there are.
const ROWS: usize = 306;
/// At most so many of them may be missing, whole or in part.
const MOST_MISSING: usize = 25;

/// A line of the file.
struct Row {
    /// Its number, source, lines there, what it is, how it stands, and where it is or why not.
    fields: [String; 6],
}

impl Row {
    fn state(&self) -> &str {
        &self.fields[4]
    }

    /// What kind of place is told, and which.
    fn place(&self) -> (&str, &str) {
        self.fields[5].split_once(": ").unwrap_or((&self.fields[5], ""))
    }
}

fn rows() -> Vec<Row> {
    let text = fs::read(root().join("docs/seeds.csv")).unwrap();
    let mut reader = csv::Reader::from_reader(text.as_slice());
    assert_eq!(reader.headers().unwrap(), &["row", "source", "line", "capability", "state", "where"][..]);
    let row = |record: csv::StringRecord| Row { fields: std::array::from_fn(|i| record[i].to_owned()) };
    reader.records().map(|record| row(record.unwrap())).collect()
}

/// The keys that docs/keys.md has, which is made from the program's table.
fn keys() -> BTreeSet<String> {
    let text = fs::read_to_string(root().join("docs/keys.md")).unwrap();
    let key = |line: &str| Some(line.strip_prefix("| `")?.split_once('`')?.0.to_owned());
    text.lines().filter_map(key).collect()
}

/// What is wrong with a command, if anything: it is read as the shell's words would be, and its keys are known.
fn command_fault(line: &str, keys: &BTreeSet<String>) -> Option<String> {
    let Some(words) = typed(line) else { return Some("is no command of perfvt".to_owned()) };
    if let Err(error) = Args::command().try_get_matches_from(&words) {
        return Some(error.to_string().lines().next().unwrap_or_default().to_owned());
    }
    let sets = words.windows(2).filter(|pair| pair[0] == "--set").map(|pair| &pair[1]);
    let unknown = sets.filter_map(|set| Some(set.split_once('=')?.0)).find(|key| !keys.contains(*key));
    unknown.map(|key| format!("sets {key}, which is no key"))
}

/// What is wrong with a place in the documents, if anything.
fn document_fault(target: &str) -> Option<String> {
    let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
    let Ok(text) = fs::read_to_string(root().join("docs").join(file)) else {
        return Some("is not there".to_owned());
    };
    let there = anchor.is_empty() || anchors(&text).iter().any(|known| known == anchor);
    (!there).then(|| "has no such heading".to_owned())
}

#[test]
fn every_row_of_the_older_tools_leads_somewhere_or_says_why_not() {
    let (rows, keys) = (rows(), keys());
    assert!(keys.len() > 150, "{}", keys.len());
    let mut faults = Vec::new();
    for row in &rows {
        let (kind, place) = row.place();
        let fault = match (row.state(), kind) {
            ("yes", "run") => command_fault(place, &keys),
            ("yes", "key") => (!keys.contains(place)).then(|| "is no key".to_owned()),
            ("yes", "doc") => document_fault(place),
            ("part" | "no" | "other", "why") => (place.len() < 10).then(|| "is no reason".to_owned()),
            (state, _) => Some(format!("does not go with '{state}'")),
        };
        let named = row.fields[1..4].iter().all(|field| !field.trim().is_empty());
        let fault = fault.or((!named).then(|| "lacks source, line or name".to_owned()));
        faults.extend(fault.map(|fault| format!("row {}: {kind}: {place} {fault}", row.fields[0])));
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn rows_are_numbered_and_few_are_missing() {
    let rows = rows();
    let numbers: Vec<&str> = rows.iter().map(|row| row.fields[0].as_str()).collect();
    let wanted: Vec<String> = (1..=ROWS).map(|number| number.to_string()).collect();
    assert_eq!(numbers, wanted);
    let missing = rows.iter().filter(|row| matches!(row.state(), "part" | "no")).count();
    assert!(missing <= MOST_MISSING, "{missing}");
}
