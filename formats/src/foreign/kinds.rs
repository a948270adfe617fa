//! The one list of what is read: documents, help and errors take it from here.

use super::{
    Parsed, benchfmt, ffsb_text, fio_json, fio_terse, gbench, github_bench, go_json, hyperfine, iometer,
    iozone, iperf3_json, long_csv, netperf_omni, netperf_text, ntttcp_text, ntttcp_xml, perfherder, phoronix,
    pytest_bench, qemu_img_text, sockperf_text, sysbench, uperf_text, wide_csv,
};

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
    /// fio's terse output.
    FioTerse,
    /// Events of `go test -json`.
    GoJson,
    /// What sockperf prints.
    Sockperf,
    /// What uperf prints.
    Uperf,
    /// What ntttcp prints.
    Ntttcp,
    /// ntttcp's XML.
    NtttcpXml,
    /// What ffsb prints.
    Ffsb,
    /// What `qemu-img bench` and qemu-io print.
    QemuImg,
    /// netperf's classic tables.
    Netperf,
    /// Google Benchmark's JSON.
    GoogleBenchmark,
    /// pytest-benchmark's JSON.
    PytestBenchmark,
    /// What sysbench prints.
    Sysbench,
    /// The Phoronix Test Suite's `composite.xml`.
    Phoronix,
    /// Perfherder's JSON.
    Perfherder,
    /// JSON of github-action-benchmark.
    GithubBenchmark,
    /// Iometer's results.
    Iometer,
    /// A table with one column a metric.
    WideCsv,
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
        kind: Kind::FioTerse,
        tool: "fio",
        how: "--output-format=terse",
        name: "fio terse output",
        section: "fio",
        is: fio_terse::is,
        parse: fio_terse::parse,
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
        kind: Kind::GoogleBenchmark,
        tool: "Google Benchmark",
        how: "--benchmark_out=FILE --benchmark_out_format=json",
        name: "Google Benchmark JSON",
        section: "google-benchmark",
        is: gbench::is,
        parse: gbench::parse,
    },
    Reader {
        kind: Kind::PytestBenchmark,
        tool: "pytest-benchmark",
        how: "--benchmark-json=FILE",
        name: "pytest-benchmark JSON",
        section: "pytest-benchmark",
        is: pytest_bench::is,
        parse: pytest_bench::parse,
    },
    Reader {
        kind: Kind::Perfherder,
        tool: "Perfherder",
        how: "its JSON, or PERFHERDER_DATA in a log",
        name: "Perfherder JSON",
        section: "perfherder",
        is: perfherder::is,
        parse: perfherder::parse,
    },
    Reader {
        kind: Kind::GithubBenchmark,
        tool: "github-action-benchmark",
        how: "its list of name, unit, value, or data.js",
        name: "github-action-benchmark JSON",
        section: "github-benchmark",
        is: github_bench::is,
        parse: github_bench::parse,
    },
    Reader {
        kind: Kind::GoJson,
        tool: "go test",
        how: "-json -bench . -count 10",
        name: "go test -json",
        section: "benchfmt",
        is: go_json::is,
        parse: go_json::parse,
    },
    Reader {
        kind: Kind::Phoronix,
        tool: "Phoronix Test Suite",
        how: "composite.xml",
        name: "Phoronix composite",
        section: "phoronix",
        is: phoronix::is,
        parse: phoronix::parse,
    },
    Reader {
        kind: Kind::NtttcpXml,
        tool: "ntttcp",
        how: "-xml FILE (Windows) or -x FILE (Linux)",
        name: "ntttcp XML",
        section: "ntttcp",
        is: ntttcp_xml::is,
        parse: ntttcp_xml::parse,
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
        how: "-- -o SELECTORS, -- -O SELECTORS or -- -k SELECTORS",
        name: "netperf omni output",
        section: "netperf",
        is: netperf_omni::is,
        parse: netperf_omni::parse,
    },
    Reader {
        kind: Kind::Netperf,
        tool: "netperf",
        how: "its tables, with -D or without",
        name: "netperf table",
        section: "netperf",
        is: netperf_text::is,
        parse: netperf_text::parse,
    },
    Reader {
        kind: Kind::Sockperf,
        tool: "sockperf",
        how: "its text (ping-pong, under-load, throughput)",
        name: "sockperf text",
        section: "sockperf",
        is: sockperf_text::is,
        parse: sockperf_text::parse,
    },
    Reader {
        kind: Kind::Uperf,
        tool: "uperf",
        how: "its text",
        name: "uperf text",
        section: "uperf",
        is: uperf_text::is,
        parse: uperf_text::parse,
    },
    Reader {
        kind: Kind::Ntttcp,
        tool: "ntttcp",
        how: "its text",
        name: "ntttcp text",
        section: "ntttcp",
        is: ntttcp_text::is,
        parse: ntttcp_text::parse,
    },
    Reader {
        kind: Kind::Ffsb,
        tool: "ffsb",
        how: "its text",
        name: "ffsb text",
        section: "ffsb",
        is: ffsb_text::is,
        parse: ffsb_text::parse,
    },
    Reader {
        kind: Kind::QemuImg,
        tool: "qemu-img bench, qemu-io",
        how: "their text",
        name: "qemu-img text",
        section: "qemu-img-bench",
        is: qemu_img_text::is,
        parse: qemu_img_text::parse,
    },
    Reader {
        kind: Kind::Sysbench,
        tool: "sysbench",
        how: "its text",
        name: "sysbench text",
        section: "sysbench",
        is: sysbench::is,
        parse: sysbench::parse,
    },
    Reader {
        kind: Kind::Iometer,
        tool: "Iometer",
        how: "its results as CSV",
        name: "Iometer CSV",
        section: "iometer",
        is: iometer::is,
        parse: iometer::parse,
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
    Reader {
        kind: Kind::WideCsv,
        tool: "any table",
        how: "a heading, and one column a metric",
        name: "wide CSV",
        section: "csv",
        is: wide_csv::is,
        parse: wide_csv::parse,
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
    let mut names: Vec<&str> = Vec::new();
    for tool in READERS.iter().map(|reader| reader.tool) {
        if !names.contains(&tool) {
            names.push(tool);
        }
    }
    names.sort_by_key(|name| (name.starts_with("any"), name.to_lowercase()));
    names.join(", ")
}

/// The names of files that are looked into in a directory, for the end of a sentence.
pub fn names() -> String {
    let endings: Vec<String> = ENDINGS.iter().map(|ending| format!(".{ending}")).collect();
    format!("names without an ending or with {}", endings.join(", "))
}
