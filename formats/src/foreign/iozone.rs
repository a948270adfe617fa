//! iozone's report for spreadsheets (`-R`; iozone manual): the text after "Excel output is below".
//!
//! ```text
//!   "Writer report"                                "Record size = 64 kBytes "
//!           "4"  "8"  "16"                         "  Initial write " 4339202.50
//!   "64"   1105556  1049372  2278628               "        Rewrite " 6244448.50
//! ```
//!
//! To the left a table by file size (lines) and record size (columns), in kB; a cell of 0 is a combination that iozone
//! skipped. To the right, from `-t`, the throughput of all processes together. With `-+u` the same tables follow once more, of
//! the CPU time in per cent.

use super::draft::{Draft, Facts, key};
use super::iozone_options::{options, sizes_of_each};
use super::{Keys, Parsed, iozone_plain, number};
use crate::tool::lines;
use edge::quoted;
use std::collections::BTreeMap;

/// Operations: the report's words, and perf.conf's metric.
const OPERATIONS: [(&str, &str); 22] = [
    ("Writer", "Write"),
    ("Initial write", "Write"),
    ("Re-writer", "ReWrite"),
    ("Rewrite", "ReWrite"),
    ("Reader", "Read"),
    ("Read", "Read"),
    ("Re-Reader", "Reread"),
    ("Re-read", "Reread"),
    ("Random read", "Random_Read"),
    ("Random write", "Random_Write"),
    ("Backward read", "Backward_Read"),
    ("Reverse Read", "Backward_Read"),
    ("Record rewrite", "Record_ReWrite"),
    ("Stride read", "Stride_Read"),
    ("Fwrite", "Fwrite"),
    ("Re-Fwrite", "Re-Fwrite"),
    ("Fread", "Fread"),
    ("Re-Fread", "Re-Fread"),
    ("Mixed workload", "Mixed"),
    ("Pwrite", "Pwrite"),
    ("Pread", "Pread"),
    ("Re-fread", "Re-Fread"),
];

/// Tells the report by its banner or by the heading of a table.
pub(super) fn is(text: &str) -> bool {
    text.lines().any(|line| {
        let line = line.trim();
        line.starts_with("Iozone: Performance Test")
            || line.starts_with("\"Throughput report")
            || report(line).is_some_and(|(name, _)| operation(name).is_some())
    })
}

/// The name in `"NAME report"` or `"NAME CPU utilization report (..)"`, and what the table is about.
fn report(line: &str) -> Option<(&str, About)> {
    let text = line.strip_prefix('"')?.strip_suffix('"')?;
    if let Some((name, _)) = text.split_once(" CPU utilization report") {
        return Some((name.trim(), About::Cpu));
    }
    text.strip_suffix("report").map(|name| (name.trim(), About::Throughput))
}

/// What a table is about.
#[derive(Clone, Copy, Default, PartialEq)]
enum About {
    #[default]
    Throughput,
    Cpu,
}

fn operation(words: &str) -> Option<&'static str> {
    OPERATIONS.iter().find(|(name, _)| name.eq_ignore_ascii_case(words.trim())).map(|(_, metric)| *metric)
}

/// Reads every table of one report.
pub(super) fn parse(text: &str) -> Parsed {
    let mut reader = Reader::default();
    for (line, content) in lines(text) {
        reader.line(content.trim(), line)?;
    }
    reader.draft.foreign.losses.extend(super::lost_end(text));
    if reader.draft.foreign.records.is_empty() {
        let plain = iozone_plain::parse(text)?;
        return match plain.records.is_empty() && reader.draft.foreign.losses.is_empty() {
            true => {
                Err((1, "it has neither figures nor an output for spreadsheets; run iozone with -R".into()))
            }
            false => Ok(plain),
        };
    }
    Ok(reader.draft.done())
}

/// Which table a line belongs to.
#[derive(Default, PartialEq)]
enum Place {
    #[default]
    Before,
    /// A table by sizes of this operation, with its record sizes once they are known.
    Sizes(Option<&'static str>, Vec<String>),
    Processes,
}

#[derive(Default)]
struct Reader {
    facts: Facts,
    draft: Draft,
    place: Place,
    about: About,
    record_kb: String,
    file_kb: String,
    threads: String,
    /// With `-l A -u B` the report has a column for each number of processes, from this one on.
    fewest: Option<u32>,
}

impl Reader {
    fn line(&mut self, text: &str, line: u32) -> Result<(), (u32, String)> {
        if let Some(unit) = text.trim_matches('"').strip_prefix("Output is in ") {
            return match unit.trim() {
                "kBytes/sec" | "Kbytes/sec" => Ok(()),
                // The part on CPU time that `-+u` adds.
                "CPU%" => Ok(()),
                other => Err((
                    line,
                    format!("its unit is {}; run iozone without -O and -N, for kBytes/sec", quoted(other)),
                )),
            };
        }
        if text.starts_with("OPS Mode.") || text.starts_with("Microseconds/op Mode.") {
            // Its tables by size say no more of their unit than this line.
            let mode = text.split_once('.').map_or(text, |(mode, _)| mode);
            return Err((
                line,
                format!("it is in {}; run iozone without -O and -N, for kBytes/sec", quoted(mode)),
            ));
        }
        if text.starts_with("Iozone: Performance Test") {
            // Another report begins: nothing of the one before holds any longer.
            (self.facts, self.place) = (BTreeMap::new(), Place::Before);
            (self.record_kb, self.file_kb, self.threads, self.fewest) = Default::default();
        } else if let Some(rest) = text.strip_prefix("Version $Revision:") {
            self.facts.insert("tool.iozone".into(), rest.trim_matches([' ', '$']).to_owned());
        } else if let Some(command) = text.strip_prefix("Command line used:") {
            self.facts.insert("param.iozone_options".into(), options(command));
        } else if let Some(rest) = text.strip_prefix("Throughput test with ") {
            self.threads = rest.split_whitespace().next().unwrap_or_default().to_owned();
        } else if let Some(rest) = text.strip_prefix("Min process = ") {
            self.fewest = rest.trim().parse().ok();
        } else if let Some(rest) = text.strip_prefix("File size set to ") {
            self.file_kb = rest.split_whitespace().next().unwrap_or_default().to_owned();
        } else if let Some((file, _)) = sizes_of_each(text) {
            self.file_kb = file.to_owned();
        } else if text.starts_with("\"Throughput report") {
            (self.place, self.about) = (Place::Processes, About::Throughput);
        } else if text.starts_with("\"CPU utilization report") {
            (self.place, self.about) = (Place::Processes, About::Cpu);
        } else if let Some(rest) = text.strip_prefix("\"Record size = ") {
            self.record_kb = rest.split_whitespace().next().unwrap_or_default().to_owned();
        } else if let Some((name, about)) = report(text) {
            (self.place, self.about) = (Place::Sizes(operation(name), Vec::new()), about);
            if operation(name).is_none() {
                self.lose(line, format!("a report of the unknown operation {}", quoted(name)));
            }
        } else if text.starts_with('"') {
            match std::mem::take(&mut self.place) {
                Place::Before => {}
                Place::Processes => {
                    self.throughput(text, line);
                    self.place = Place::Processes;
                }
                Place::Sizes(operation, records) => self.sizes(operation, records, text, line),
            }
        }
        Ok(())
    }

    /// A line of a table: the heading of record sizes, or a file size with its values.
    fn sizes(&mut self, operation: Option<&'static str>, mut records: Vec<String>, text: &str, line: u32) {
        let words: Vec<&str> = text.split_whitespace().collect();
        let quoted = |word: &str| word.trim_matches('"').to_owned();
        if records.is_empty() {
            records = words.iter().map(|w| quoted(w)).collect();
        } else if let (Some(metric), Some((size, values))) = (operation, words.split_first()) {
            if values.len() > records.len() {
                self.lose(line, format!("{} values under {} record sizes", values.len(), records.len()));
            } else {
                for (record, value) in records.iter().zip(values) {
                    let keys = vec![key("size_kB", quoted(size)), key("record_kB", record.as_str())];
                    if number(value) != Ok(0.0) {
                        self.push(metric, keys, value, line);
                    }
                }
            }
        }
        self.place = Place::Sizes(operation, records);
    }

    /// `"  Initial write " 4339202.50`.
    fn throughput(&mut self, text: &str, line: u32) {
        let Some((name, value)) = text.strip_prefix('"').and_then(|t| t.split_once('"')) else {
            return self.lose(line, "a line without its operation".into());
        };
        if value.trim().is_empty() {
            // Headings of this part are quoted as a whole.
            return;
        }
        let Some(metric) = operation(name) else {
            return self.lose(line, format!("the unknown operation {}", quoted(name.trim())));
        };
        match value.split_whitespace().collect::<Vec<_>>().as_slice() {
            [one] if self.fewest.is_none() => self.push(metric, self.together(&self.threads), one, line),
            several => {
                let Some(fewest) = self.fewest else {
                    let count = several.len();
                    let reason =
                        format!("{count} numbers of processes in one report; run iozone once for each");
                    return self.lose(line, reason);
                };
                for (threads, value) in (fewest..).zip(several) {
                    self.push(metric, self.together(&threads.to_string()), value, line);
                }
            }
        }
    }

    /// The levels of what so many processes did.
    fn together(&self, threads: &str) -> Keys {
        let pairs = [
            ("size_kB", self.file_kb.as_str()),
            ("record_kB", self.record_kb.as_str()),
            ("threads", threads),
        ];
        pairs.into_iter().filter(|(_, v)| !v.is_empty()).map(|(k, v)| key(k, v)).collect()
    }

    fn push(&mut self, operation: &str, keys: Keys, value: &str, line: u32) {
        let (name, unit) = match self.about {
            About::Throughput => ("Thro-KBps", "KiB/s"),
            About::Cpu => ("CPU", "%"),
        };
        let metric = format!("{operation}_{name}");
        let case = self.draft.case_of(&metric, "", keys, &self.facts, line);
        self.draft.give_read(&case, &metric, unit, number(value));
    }

    fn lose(&mut self, line: u32, reason: String) {
        self.draft.lose(line, reason);
    }
}
