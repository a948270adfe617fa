//! Iometer's results as CSV (Iometer user's guide, appendix on the results file).
//!
//! A section of results begins with a heading whose first cell is `'Target Type`; its rows are told by their columns' names. The
//! row of all targets together counts: the case is the access specification, workers and queue depth.

use super::draft::{Draft, Facts, key};
use super::table::{self, Line};
use super::{Keys, Parsed, number};

/// Columns of figures by how they are called in any version, with metric and unit.
const METRICS: [(&[&str], &str, &str); 12] = [
    (&["IOps"], "IOPS", "1/s"),
    (&["Read IOps"], "read_IOPS", "1/s"),
    (&["Write IOps"], "write_IOPS", "1/s"),
    (&["MBps (Binary)", "MBps"], "BW_MiBps", "MiB/s"),
    (&["Read MBps (Binary)", "Read MBps"], "read_MiBps", "MiB/s"),
    (&["Write MBps (Binary)", "Write MBps"], "write_MiBps", "MiB/s"),
    (&["Average Response Time"], "latency_ms", "ms"),
    (&["Average Read Response Time"], "read_latency_ms", "ms"),
    (&["Average Write Response Time"], "write_latency_ms", "ms"),
    (&["Maximum Response Time"], "latency_max_ms", "ms"),
    (&["% CPU Utilization"], "CPU", "%"),
    (&["Errors"], "errors", "-"),
];

/// Columns of the case.
const KEYS: [(&str, &str); 4] = [
    ("Access Specification Name", "access"),
    ("# Workers", "workers"),
    ("# Disks", "disks"),
    ("Queue Depth", "depth"),
];

/// Tells the file by the heading of its results.
pub(super) fn is(text: &str) -> bool {
    text.lines().any(is_heading)
}

fn is_heading(line: &str) -> bool {
    line.trim_start_matches('"').starts_with("'Target Type,") && line.contains("IOps")
}

/// Reads every section of results.
pub(super) fn parse(text: &str) -> Parsed {
    let mut draft = Draft::default();
    let mut columns: Vec<String> = Vec::new();
    let mut facts = Facts::new();
    let mut next_is_version = false;
    for line in table::lines(text, ',') {
        let first = line.cells.first().map_or("", |cell| cell.as_ref());
        if first == "'Target Type" {
            columns = line.cells.iter().map(|cell| cell.to_string()).collect();
        } else if first == "'Version" {
            next_is_version = true;
        } else if std::mem::take(&mut next_is_version) {
            facts.insert("tool.iometer".into(), first.to_owned());
        } else if first.starts_with('\'') {
            // Any other section.
            columns.clear();
        } else if first == "ALL" && !columns.is_empty() {
            row(&mut draft, &columns, &line, &facts);
        }
    }
    Ok(draft.done_text(text))
}

fn row(draft: &mut Draft, columns: &[String], line: &Line<'_>, facts: &Facts) {
    let cell = |name: &str| {
        let at = columns.iter().position(|column| column == name)?;
        line.cells.get(at).map(|cell| cell.as_ref()).filter(|cell| !cell.is_empty())
    };
    if line.cells.len() < 10 || line.end != table::End::Closed {
        return;
    }
    let keys: Keys = KEYS.iter().filter_map(|(column, name)| Some(key(*name, cell(column)?))).collect();
    let case = draft.case("", keys, facts, line.number);
    for (names, metric, unit) in METRICS {
        if let Some(text) = names.iter().find_map(|name| cell(name)) {
            draft.give_read(&case, metric, unit, number(text));
        }
    }
}
