//! What iozone prints without its report for spreadsheets (`-R`).
//!
//! ```text
//!               kB  reclen    write  rewrite    read    reread     one line a pair of sizes, columns of fixed width
//!               64       4  1105556  2923952  7100397  7940539
//!   Children see throughput for  2 initial writers  = 4339202.50 kB/sec      with -t
//!   CPU Utilization: Wall time  0.012  CPU time  0.014  CPU utilization 116.67 %    with -+u, behind each operation's
//! ```
//!
//! The names are those of the report, so that a file with it and one without are of the same cases.

use super::draft::{Draft, Facts, key};
use super::iozone_options::{options, sizes_of_each};
use super::{Keys, Parsed, number};
use crate::tool::lines;
use edge::quoted;

/// The columns of the table.
const COLUMNS: [&str; 13] = [
    "Write",
    "ReWrite",
    "Read",
    "Reread",
    "Random_Read",
    "Random_Write",
    "Backward_Read",
    "Record_ReWrite",
    "Stride_Read",
    "Fwrite",
    "Re-Fwrite",
    "Fread",
    "Re-Fread",
];
/// Where the first of them begins, and how wide each is; one that was not measured is blank.
const COLUMN: (usize, usize) = (24, 9);

/// What processes did together.
const PROCESSES: [(&str, &str); 13] = [
    ("initial writers", "Write"),
    ("rewriters", "ReWrite"),
    ("readers", "Read"),
    ("re-readers", "Reread"),
    ("reverse readers", "Backward_Read"),
    ("stride readers", "Stride_Read"),
    ("random readers", "Random_Read"),
    ("mixed workload", "Mixed"),
    ("random writers", "Random_Write"),
    ("pwrite writers", "Pwrite"),
    ("pread readers", "Pread"),
    ("fwriters", "Fwrite"),
    ("freaders", "Fread"),
];

/// What is known of a run when its figures come.
#[derive(Default)]
struct Run {
    facts: Facts,
    file_kb: String,
    record_kb: String,
    /// The heading of the table has been seen.
    in_table: bool,
    /// What the processes did last, whose CPU time may follow.
    last: Option<(&'static str, Keys)>,
}

/// Reads every figure of a file without a report.
pub(super) fn parse(text: &str) -> Parsed {
    let (mut draft, mut run) = (Draft::default(), Run::default());
    for (line, content) in lines(text) {
        run.line(&mut draft, content, line);
    }
    Ok(draft.done_text(text))
}

impl Run {
    fn line(&mut self, draft: &mut Draft, content: &str, line: u32) {
        let said = content.trim();
        let first = |text: &str| text.split_whitespace().next().unwrap_or_default().to_owned();
        if said.starts_with("Iozone: Performance Test") {
            *self = Run::default();
        } else if let Some(rest) = said.strip_prefix("Version $Revision:") {
            self.facts.insert("tool.iozone".into(), rest.trim_matches([' ', '$']).to_owned());
        } else if let Some(command) = said.strip_prefix("Command line used:") {
            self.facts.insert("param.iozone_options".into(), options(command));
        } else if let Some(rest) = said.strip_prefix("File size set to ") {
            self.file_kb = first(rest);
        } else if let Some(rest) = said.strip_prefix("Record Size ") {
            self.record_kb = first(rest);
        } else if let Some((file, record)) = sizes_of_each(said) {
            (self.file_kb, self.record_kb) = (file.to_owned(), record.to_owned());
        } else if let Some(rest) = said.strip_prefix("Children see throughput for ") {
            self.processes(draft, rest, line);
        } else if let Some((_, used)) = said.split_once(" CPU utilization ") {
            self.used(draft, used, line);
        } else if said.starts_with("kB  reclen") {
            self.in_table = true;
        } else if said.starts_with("iozone test complete") {
            self.in_table = false;
        } else if self.in_table && said.starts_with(|c: char| c.is_ascii_digit()) {
            self.row(draft, content, line);
        }
    }

    /// ` 2 initial writers  = 4339202.50 kB/sec`.
    fn processes(&mut self, draft: &mut Draft, rest: &str, line: u32) {
        self.last = None;
        let Some((who, value)) = rest.split_once('=') else {
            return draft.lose(line, "a throughput without its value");
        };
        // With -l A -u B each number of processes has its turn, and the heading names the first alone.
        let name = who.trim().trim_start_matches(|c: char| c.is_ascii_digit());
        let threads = who.trim().strip_suffix(name).unwrap_or_default();
        let name = name.trim();
        let Some((_, metric)) = PROCESSES.iter().find(|(words, _)| *words == name) else {
            return draft.lose(line, format!("the unknown operation {}", quoted(name)));
        };
        let Some(value) = value.trim().strip_suffix("kB/sec") else {
            return draft.lose(line, "a throughput that is not in kB/sec; run iozone without -O and -N");
        };
        let pairs =
            [("size_kB", self.file_kb.as_str()), ("record_kB", &self.record_kb), ("threads", threads)];
        let keys = pairs.into_iter().filter(|(_, level)| !level.is_empty());
        let keys: Keys = keys.map(|(name, level)| key(name, level)).collect();
        self.last = Some((metric, keys.clone()));
        self.give(draft, metric, keys, value.trim(), line);
    }

    /// The CPU time of what the processes did, in per cent: `116.67 %`.
    fn used(&mut self, draft: &mut Draft, used: &str, line: u32) {
        let Some((operation, keys)) = self.last.take() else { return };
        let value = used.trim().trim_end_matches('%').trim_end();
        // As in the report, where iozone says itself that zeros are to be ignored.
        if number(value) != Ok(0.0) {
            self.push(draft, &format!("{operation}_CPU"), keys, ("%", value), line);
        }
    }

    /// Sizes and values, of which blank ones were not measured: where a value ends tells its column.
    fn row(&self, draft: &mut Draft, content: &str, line: u32) {
        let mut at = 0usize;
        let words = content.split_inclusive(char::is_whitespace).filter_map(|part| {
            at = at.saturating_add(part.len());
            let word = part.trim_end();
            let end = at.saturating_sub(part.len().saturating_sub(word.len()));
            (!word.is_empty()).then_some((word, end))
        });
        let mut words = words;
        let (Some((size, _)), Some((record, _))) = (words.next(), words.next()) else { return };
        for (word, end) in words {
            let behind = end.checked_sub(COLUMN.0).filter(|at| at % COLUMN.1 == 0);
            let column = behind.and_then(|at| COLUMNS.get((at / COLUMN.1).checked_sub(1)?));
            let Some(metric) = column else {
                draft.lose(line, format!("{} stands under no operation; run iozone with -R", quoted(word)));
                continue;
            };
            if number(word) != Ok(0.0) {
                self.give(draft, metric, vec![key("size_kB", size), key("record_kB", record)], word, line);
            }
        }
    }

    fn give(&self, draft: &mut Draft, operation: &str, keys: Keys, value: &str, line: u32) {
        self.push(draft, &format!("{operation}_Thro-KBps"), keys, ("KiB/s", value), line);
    }

    fn push(&self, draft: &mut Draft, metric: &str, keys: Keys, (unit, value): (&str, &str), line: u32) {
        let case = draft.case_of(metric, "", keys, &self.facts, line);
        draft.give_read(&case, metric, unit, number(value));
    }
}
