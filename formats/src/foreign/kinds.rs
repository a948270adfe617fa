//! The one list of what is read: documents, help and errors take it from here.

use super::{Parsed, benchfmt, fio_json, hyperfine, iozone, iperf3_json, long_csv, netperf_omni};

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// fio's JSON, with or without the bins of `json+`.
    FioJson,
    /// netperf's omni output, CSV or keyval.
    NetperfOmni,
    /// A table with a column for the case, the metric and the value.
    LongCsv,
    /// hyperfine's exported JSON.
    Hyperfine,
    /// The text of Go benchmarks.
    Benchfmt,
    /// iozone's report.
    Iozone,
    /// iperf3's JSON.
    Iperf3,
}

/// Tells whether a text, of which the end may be missing, is of one kind.
type Test = fn(&str) -> bool;

/// What reads one kind.
#[derive(Clone, Copy, Debug)]
pub struct Reader {
    /// The kind.
    pub kind: Kind,
    /// Who writes it.
    pub tool: &'static str,
    /// How to have the tool write it.
    pub how: &'static str,
    /// How messages call it.
    pub name: &'static str,
    /// The section of perf.conf that says what its numbers mean.
    pub section: &'static str,
    pub(super) is: Test,
    pub(super) parse: fn(&str) -> Parsed,
}

/// Every reader, in the order in which they are asked whether a file is theirs: what is told by less comes later.
pub static READERS: &[Reader] = &[
    Reader {
        kind: Kind::FioJson,
        tool: "fio",
        how: "--output-format=json or json+",
        name: "fio JSON",
        section: "fio",
        is: fio_json::is,
        parse: fio_json::parse,
    },
    Reader {
        kind: Kind::Iperf3,
        tool: "iperf3",
        how: "-J",
        name: "iperf3 JSON",
        section: "iperf3",
        is: iperf3_json::is,
        parse: iperf3_json::parse,
    },
    Reader {
        kind: Kind::Hyperfine,
        tool: "hyperfine",
        how: "--export-json FILE",
        name: "hyperfine JSON",
        section: "hyperfine",
        is: hyperfine::is,
        parse: hyperfine::parse,
    },
    Reader {
        kind: Kind::Iozone,
        tool: "iozone",
        how: "-R",
        name: "iozone report",
        section: "iozone",
        is: iozone::is,
        parse: iozone::parse,
    },
    Reader {
        kind: Kind::NetperfOmni,
        tool: "netperf",
        how: "-- -o SELECTORS or -- -k SELECTORS",
        name: "netperf omni output",
        section: "netperf",
        is: netperf_omni::is,
        parse: netperf_omni::parse,
    },
    Reader {
        kind: Kind::LongCsv,
        tool: "any table",
        how: "a heading with metric and value",
        name: "long CSV",
        section: "csv",
        is: long_csv::is,
        parse: long_csv::parse,
    },
    Reader {
        kind: Kind::Benchfmt,
        tool: "go test",
        how: "-bench . -count 10",
        name: "Go benchmark text",
        section: "benchfmt",
        is: benchfmt::is,
        parse: benchfmt::parse,
    },
];

/// Endings of names that are looked into in a directory; names without an ending are, too.
pub static ENDINGS: &[&str] =
    &["json", "jsonl", "ndjson", "js", "csv", "tsv", "txt", "out", "log", "xml", "gz", "zst"];

impl Kind {
    /// How messages call it.
    pub fn name(self) -> &'static str {
        self.reader().map_or("", |reader| reader.name)
    }

    /// The section of perf.conf that says what its numbers mean.
    pub fn section(self) -> &'static str {
        self.reader().map_or("", |reader| reader.section)
    }

    /// What reads it.
    pub(super) fn reader(self) -> Option<&'static Reader> {
        READERS.iter().find(|reader| reader.kind == self)
    }
}

/// The tools whose results are read, for the end of a sentence.
pub fn tools() -> String {
    let mut names: Vec<&str> = READERS.iter().map(|reader| reader.tool).collect();
    names.dedup();
    names.sort_by_key(|name| name.starts_with("any"));
    names.join(", ")
}
