//! Files whose end is missing, as a full disk, a broken download or a killed tool leaves them: cut at every byte. A value that
//! is read is one of the whole file's, of the same case; and what is missing is told, unless the cut lies at the end of a line,
//! where formats without an end of their own look whole.

use formats::foreign::{self, Kind};
use formats::rhs;
use formats::{ffsb, fio, iperf3, netperf, ntttcp, qemu_img, sockperf, uperf};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What was read of a text.
#[derive(Default)]
struct Reading {
    /// Values, or what stands in their place, by case, metric and run.
    values: BTreeMap<String, String>,
    /// Whether something was said to be lost.
    lost: bool,
}

/// Reads a text, or refuses it.
type Reader = fn(&str) -> Option<Reading>;

/// How much a format tells of its own end.
#[derive(Clone, Copy, PartialEq)]
enum End {
    /// It has one: a text without it is refused, wherever it was cut.
    Known,
    /// A cut at the end of a line is not seen.
    Lines,
    /// Nor is one anywhere told: perfvt runs the tool itself and knows how it ended.
    Untold,
}

fn foreign(text: &str) -> Option<Reading> {
    let read = foreign::parse(foreign::sniff(text.as_bytes())?, text).ok()?;
    let mut values = BTreeMap::new();
    for r in &read.records {
        let name = format!("{}/{:?}/{}/{:?}/{}", r.category, r.keys, r.metric, r.run, r.unit);
        let before = values.insert(name.clone(), format!("{:?}", r.value));
        assert!(before.is_none() || before == values.get(&name).cloned(), "{name} twice");
    }
    Some(Reading { values, lost: !read.losses.is_empty() })
}

fn rhs(text: &str) -> Option<Reading> {
    let document = rhs::parse(text);
    if document.losses.iter().any(|l| l.kind == rhs::LossKind::File) || document.tables.is_empty() {
        return None;
    }
    let mut values = BTreeMap::new();
    for table in &document.tables {
        for (row, cells) in table.iter() {
            for (column, cell) in table.columns.iter().zip(cells) {
                values.insert(format!("{}/{}/{column}", table.heading(), row.line), cell.text.to_owned());
            }
        }
    }
    // A file without a row is refused by whoever reads it.
    let lost = !document.losses.is_empty();
    if values.is_empty() { None } else { Some(Reading { values, lost }) }
}

/// A tool's output that one of the readers of workloads gives values of.
fn told(values: impl IntoIterator<Item = (String, String)>) -> Option<Reading> {
    Some(Reading { values: values.into_iter().collect(), lost: false })
}

fn netperf(text: &str) -> Option<Reading> {
    let session = netperf::parse_session(text).ok()?;
    let intervals = session.intervals.iter().map(|i| (format!("line {}", i.line), format!("{i:?}")));
    told(intervals.chain(session.summary.iter().map(|(key, value)| (key.clone(), format!("{value:?}")))))
}

fn fio_run(text: &str) -> Option<Reading> {
    let run = fio::parse(text).ok()?;
    told(run.flows.iter().map(|flow| (flow.name.to_owned(), format!("{flow:?}"))))
}

fn iperf3(text: &str) -> Option<Reading> {
    told([("run".to_owned(), format!("{:?}", iperf3::parse(text).ok()?))])
}

fn sockperf(text: &str) -> Option<Reading> {
    let run = sockperf::parse(text).ok()?;
    let sums = format!("{:?}", (run.mean_us, run.messages, run.seconds, run.dropped));
    let percentiles = run.percentiles.iter().map(|(percent, value)| (percent.to_string(), value.to_string()));
    told(percentiles.chain([("sums".to_owned(), sums)]))
}

fn qemu_bench(text: &str) -> Option<Reading> {
    told([("bench".to_owned(), format!("{:?}", qemu_img::parse_bench(text).ok()?))])
}

fn ffsb(text: &str) -> Option<Reading> {
    let run = ffsb::parse(text).ok()?;
    told([("transactions".to_owned(), format!("{:?}", (run.transactions, run.seconds)))])
}

fn ntttcp(text: &str) -> Option<Reading> {
    told([("throughput".to_owned(), format!("{:?}", ntttcp::parse(text).ok()?.throughput))])
}

fn uperf(text: &str) -> Option<Reading> {
    let run = uperf::parse(text).ok()?;
    told([("sums".to_owned(), format!("{:?}", (run.throughput, run.operations, run.seconds)))])
}

fn root(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

/// Every file of a folder whose name has this part.
fn files(folder: &str, part: &str) -> Vec<(String, String)> {
    let mut found: Vec<PathBuf> =
        std::fs::read_dir(root(folder)).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.retain(|path| path.is_file() && path.to_string_lossy().contains(part));
    found.sort();
    assert!(!found.is_empty(), "{folder} has no {part}");
    found
        .into_iter()
        .map(|path| {
            (path.display().to_string(), String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned())
        })
        .collect()
}

/// Tables with the value in every place, and in every spelling that the reader knows.
fn tables() -> Vec<(String, String)> {
    let long = std::fs::read_to_string(root("formats/testdata/foreign/long.csv")).unwrap();
    let texts = [
        ("long", long.clone()),
        ("of Windows", long.replace('\n', "\r\n")),
        ("tabs", long.replace("small, cold", "small cold").replace(',', "\t")),
        ("semicolons", "Case;Metric;Value\na;t;820\na;t;821\nb;t;1e-12\n".to_owned()),
        (
            "quoted",
            "\"case\",\"metric\",\"value\"\n\"a\",\"t\",\"820\"\n\"b\"\"c\",\"t\",\"1234.5\"\n".to_owned(),
        ),
        ("value first", "value,metric,case\n820,time,a\n9.25,time,ab\n820,time,abc\n".to_owned()),
        ("unit last", "case,metric,value,unit\na,time,820,ms\nb,time,1.5,ms\n".to_owned()),
        ("repeat last", "case,metric,value,repeat\na,time,820,1\na,time,821,10\na,time,822,11\n".to_owned()),
        (
            "key last",
            "metric,value,case\ntime,820,\"a\"\"b\"\ntime,1.5,\"c\nd\"\ntime,2,é\u{20ac}\n".to_owned(),
        ),
        ("category", "category,case,metric,value\nx,a,time,820\ny,a,time,33\n".to_owned()),
        (
            "comments",
            "# by x, y\ncase,metric,value\n# a, \"b, c\na,time,820\n#a,time,1\nb,time,33\n# end\n".to_owned(),
        ),
        ("blank lines", "\ncase,metric,value\n\na,time,820\n\nb,time,33\n\n".to_owned()),
    ];
    texts.map(|(name, text)| (format!("table: {name}"), text)).into()
}

/// Cuts a text at every byte; of long texts at some.
fn cut(name: &str, text: &str, end: End, read: Reader) {
    let whole = read(text).unwrap_or_else(|| panic!("{name} is not read"));
    assert!(!whole.values.is_empty(), "{name} has no value");
    let step = 1 + text.len() / if end == End::Lines { 1500 } else { 200 };
    for at in (0..text.len()).step_by(step) {
        let part = String::from_utf8_lossy(&text.as_bytes()[..at]);
        let tail = &part[part.rfind('\n').map_or(0, |end| end + 1)..];
        let Some(cut) = read(&part) else { continue };
        for (key, value) in &cut.values {
            assert_eq!(whole.values.get(key), Some(value), "{name} cut at {at}: {key}; it ends in {tail:?}");
        }
        let missing = whole.values.len() - cut.values.len();
        let told = cut.lost || missing == 0;
        match end {
            End::Known => assert_eq!(missing, 0, "{name} cut at {at}"),
            End::Lines => {
                // Nothing of a line is left, or nothing of it is gone but what closes it; or it is a remark.
                let rest = text.as_bytes()[at..].split(|byte| *byte == b'\n').next().unwrap_or_default();
                let gone = rest.iter().any(|byte| !b" \r|".contains(byte));
                let remark = tail.starts_with("note:");
                let closed = tail.trim_ascii().is_empty() || !gone || remark;
                assert!(told || closed, "{name} cut at {at}: {missing} values are gone; it ends in {tail:?}");
            }
            End::Untold => {}
        }
    }
}

#[test]
fn of_a_cut_table_no_value_is_another_one_and_what_is_gone_is_told() {
    for (name, text) in tables() {
        cut(&name, &text, End::Lines, foreign);
    }
}

#[test]
fn of_a_cut_result_of_another_tool_no_value_is_another_one_and_what_is_gone_is_told() {
    let endings = [(".json", End::Known), (".js", End::Known), (".xml", End::Known), (".txt", End::Lines)];
    for (part, end) in endings.into_iter().chain([(".csv", End::Lines)]) {
        for (name, text) in files("formats/testdata/foreign", part) {
            // Events, one a line.
            let end = if name.contains("go-test") { End::Lines } else { end };
            cut(&name, &text, end, foreign);
        }
    }
    for (name, text) in files("formats/testdata/versions/iozone", ".txt") {
        cut(&name, &text, End::Lines, foreign);
    }
    for (name, text) in files("formats/testdata/foreign", ".keyval") {
        // The name of the case stands between its figures: the first lines tell only a part of it.
        let start = text.find("LOCAL_CPU_UTIL").unwrap();
        let (head, figures) = text.split_at(start);
        for at in 0..figures.len() {
            let part = format!("{head}{}", &figures[..at]);
            let (whole, cut) = (foreign(&text).unwrap(), foreign(&part).unwrap());
            assert!(cut.values.iter().all(|(k, v)| whole.values.get(k) == Some(v)), "{name} cut at {at}");
            assert!(cut.lost || part.ends_with('\n'), "{name} cut at {at}");
        }
    }
}

/// Documents of JSON: one object, and lists of several on one line and on many, with and without words before them.
fn documents() -> Vec<(String, String)> {
    let mut out = files("formats/testdata/foreign", ".json");
    let run = |name: &str, bytes: u32| {
        format!(
            r#"{{"fio version":"fio-3.33","jobs":[{{"jobname":"{name}","error":0,"job options":{{"rw":"read"}},"read":{{"io_bytes":{bytes},"bw_bytes":{bytes},"iops":1}}}}]}}"#
        )
    };
    let times = |of: &str| format!(r#"{{"results":[{{"command":"{of}","times":[1.0,2.0]}}]}}"#);
    for (name, one, two) in [("fio", run("a", 1000), run("b", 2000)), ("hyperfine", times("x"), times("y"))] {
        out.push((format!("{name}: a list on one line"), format!("[{one},{two}]\n")));
        out.push((format!("{name}: a list on many lines"), format!("[\n  {one},\n  {two}\n]\n")));
        out.push((format!("{name}: a line each"), format!("[{one},\n{two},\n{one}]\n")));
    }
    out.push((
        "fio: words before a list".into(),
        format!("a note of fio\n[{},\n{}]\n", run("a", 1), run("b", 2)),
    ));
    out
}

/// Where the bytes of a document stand that are neither within its strings nor parts of numbers and words.
fn structure(document: &str) -> Vec<usize> {
    let (mut out, mut within) = (Vec::new(), false);
    for (at, byte) in document.bytes().enumerate() {
        let quote = byte == b'"' && (at == 0 || document.as_bytes()[at - 1] != b'\\');
        within ^= quote;
        if quote || (!within && b"{}[]:,".contains(&byte)) {
            out.push(at);
        }
    }
    out
}

#[test]
fn json_without_its_end_or_without_any_byte_of_its_structure_is_refused_or_told() {
    let is_refused = |text: &str| foreign(text).is_none_or(|read| read.lost);
    // A stream of lines may end behind any of them.
    let is_one = |(name, _): &(String, String)| !name.contains("go-test");
    for (name, text) in documents().into_iter().filter(is_one) {
        assert!(!is_refused(&text), "{name} is not read");
        let whole = text.trim_ascii_end();
        let step = 1 + whole.len() / 2000;
        for at in (0..whole.len()).step_by(step) {
            let part = String::from_utf8_lossy(&whole.as_bytes()[..at]);
            assert!(is_refused(&part), "{name} cut at {at} is read: it ends in {:?}", part.lines().last());
        }
        // What stands before the first bracket is a tool's own words.
        let first = whole.find(['{', '[']).unwrap();
        for at in structure(whole).into_iter().filter(|at| *at >= first) {
            let mut damaged = text.clone();
            let byte = damaged.remove(at);
            assert!(is_refused(&damaged), "{name} without {byte:?} at {at} is read: {:?}", &damaged[..at]);
        }
    }
}

#[test]
fn of_a_cut_rhs_file_no_value_is_another_one_and_what_is_gone_is_told() {
    for (name, text) in files("analyze/testdata/published", ".RHS") {
        cut(&name, &text, End::Lines, rhs);
    }
    for (name, text) in files("fuzz/corpus/rhs", "") {
        // What is lost of a whole file, because a row is too wide for example, a cut can make right.
        if rhs(&text).is_some_and(|whole| !whole.lost) {
            cut(&name, &text, End::Lines, rhs);
        }
    }
}

#[test]
fn of_cut_output_of_a_workloads_tool_no_value_is_another_one() {
    let readers: &[(&str, &str, End, Reader)] = &[
        ("formats/testdata/versions/netperf", "", End::Untold, netperf),
        ("formats/testdata/versions/fio", ".json", End::Known, fio_run),
        ("formats/testdata/versions/iperf3", "tcp", End::Known, iperf3),
        ("formats/testdata/versions/iperf3", "udp", End::Known, iperf3),
        ("formats/testdata/versions/sockperf", "", End::Untold, sockperf),
        ("formats/testdata/versions/qemu-img", "bench", End::Known, qemu_bench),
        ("formats/testdata/ffsb", "", End::Untold, ffsb),
        ("formats/testdata/ntttcp", "", End::Untold, ntttcp),
        ("formats/testdata/uperf", "", End::Untold, uperf),
    ];
    for (folder, part, end, read) in readers {
        for (name, text) in files(folder, part) {
            cut(&name, &text, *end, *read);
        }
    }
}

#[test]
fn a_table_whose_last_line_has_no_end_says_what_to_do() {
    let text = "case,metric,value\na,time,820\nb,time,820";
    let read = foreign::parse(Kind::LongCsv, text).unwrap();
    assert_eq!((read.records.len(), read.losses.len(), read.losses[0].line), (1, 1, 3));
    let reason = &read.losses[0].reason;
    assert!(reason.contains("no end") && reason.contains("newline"), "{reason}");
    // A quoted number that is closed cannot go on, and nothing stands behind a carriage return.
    for whole in
        ["case,metric,value\na,time,820\nb,time,\"820\"", "case,metric,value\na,time,820\r\nb,time,820\r"]
    {
        let read = foreign::parse(Kind::LongCsv, whole).unwrap();
        assert_eq!((read.records.len(), read.losses.len()), (2, 0), "{whole:?}: {:?}", read.losses);
    }
    let only = foreign::parse(Kind::LongCsv, "case,metric,value\na,time,820").unwrap_err();
    assert!(only.reason.contains("nothing can be used: the last line has no end"), "{only}");
}
