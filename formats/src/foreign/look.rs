//! What a file that nobody reads looks like, and how its tool writes something that is read.

use super::{SNIFF_LENGTH, fio_terse, hyperfine, plain};
use edge::quoted;
use quick_xml::events::Event;
use std::fmt;

/// How much of a first line is shown, in characters.
const SHOWN: usize = 80;
/// How many keys of JSON are named.
const KEYS: usize = 8;

/// Marks of outputs that are not read: all words must be in the text. What it is, and the way out.
const KNOWN: [(&[&str], &str, &str); 18] = [
    (&["Run status group", "bw="], "fio's text for people", "run fio with --output-format=json"),
    (&["(groupid=", "IOPS="], "fio's text for people", "run fio with --output-format=json"),
    (&["[ ID] Interval", "Transfer"], "text of iperf", "run iperf3 with -J on the client"),
    (&["Interim result: "], "netperf's output without its banner", "run netperf without -P 0"),
    (&["Benchmark 1:", "Time (mean"], "hyperfine's text for people", "run hyperfine with --export-json FILE"),
    (&["| Command |", "Mean ["], "hyperfine's table for people", "run hyperfine with --export-json FILE"),
    (&[hyperfine::SUMMARIES], "hyperfine's CSV of summaries", "run hyperfine with --export-json FILE"),
    (&["This is ApacheBench"], "ab's text", TABLE),
    (&["Requests/sec:", "Transfer/sec:"], "wrk's text", TABLE),
    (&["\"jmhVersion\"", "\"primaryMetric\""], "JMH's JSON", TABLE),
    (&["Performance counter stats for"], "text of perf stat", TABLE),
    (&["=== RUN "], "go test without benchmarks", "run go test with -bench . -count 10"),
    (
        &["\"Action\":", "\"Package\":"],
        "go test -json without benchmarks",
        "run go test with -bench . -count 10",
    ),
    (&["Running 1 test", "running "], "output of cargo test", TABLE),
    (&["Requests per second:", "Concurrency Level:"], "ab's text", TABLE),
    (&["Requests/sec:", "Thread Stats"], "wrk's text", TABLE),
    (&["procs -----------memory"], "text of vmstat", TABLE),
    (&["avg-cpu:", "Device"], "text of iostat", TABLE),
];

/// The way out for everything.
const TABLE: &str = "write its figures as a table, case,metric,repeat,value";

/// First bytes of what is no text.
const MAGIC: [(&[u8], &str); 11] = [
    (b"\xfd7zXZ\0", "it is packed with xz; unpack it (xz -d)"),
    (b"BZh", "it is packed with bzip2; unpack it (bzip2 -d)"),
    (b"\x04\x22\x4d\x18", "it is packed with lz4; unpack it (lz4 -d)"),
    (b"\x1f\x9d", "it is packed with compress; unpack it (uncompress)"),
    (b"PK\x03\x04", "it is a ZIP archive or a spreadsheet; unpack it, or save the spreadsheet as CSV"),
    (b"\xd0\xcf\x11\xe0", "it is a spreadsheet or another document of Office; save it as CSV"),
    (b"SQLite format 3", "it is an SQLite database; export its table as CSV"),
    (b"%PDF", "it is a PDF document"),
    (b"\x89PNG", "it is an image"),
    (b"\x7fELF", "it is a program"),
    (b"7z\xbc\xaf", "it is packed with 7-Zip; unpack it"),
];

/// What no reader takes for a text, told by its first bytes, unpacked: an archive, a picture, a program. A sentence that
/// begins with "it".
pub(super) fn no_text(head: &[u8]) -> Option<&'static str> {
    let known = MAGIC.iter().find(|(magic, _)| head.starts_with(magic)).map(|(_, what)| *what);
    known.or_else(|| {
        is_tar(head).then_some("it is a tar archive; unpack it (tar -xf), and give the directory")
    })
}

/// Whether the head of a file is that of a packing or an archive that is not unpacked here.
pub fn is_packed_otherwise(head: &[u8]) -> bool {
    no_text(&plain::unpacked_head(head, SNIFF_LENGTH)).is_some_and(|what| what.contains("unpack it"))
}

/// Whether bytes begin with the header of a tar archive. Old tars have no mark: the header's sum tells them.
fn is_tar(head: &[u8]) -> bool {
    let Some(header) = head.get(..512) else { return false };
    let field = header.get(148..156).unwrap_or_default();
    let digits = String::from_utf8_lossy(field);
    let said = u32::from_str_radix(digits.trim_matches([' ', '\0']), 8).ok();
    let bytes = |(at, byte): (usize, &u8)| u32::from(if (148..156).contains(&at) { b' ' } else { *byte });
    header.get(257..262) == Some(b"ustar") || said == Some(header.iter().enumerate().map(bytes).sum())
}

/// What the head of a file that nobody reads looks like, in a sentence that begins with "it".
pub fn look(head: &[u8]) -> String {
    let unpacked = plain::unpacked_head(head, SNIFF_LENGTH);
    if let Some(what) = no_text(&unpacked) {
        return what.to_owned();
    }
    if unpacked.is_empty() && !head.is_empty() {
        return "it is packed, and nothing comes out of it: it is empty, damaged or cut off".to_owned();
    }
    if plain::is_packed(&unpacked) {
        return "it is packed several times over; unpack it".to_owned();
    }
    let text = plain::decode(&unpacked);
    let text = text.as_ref();
    let Some(first) = text.lines().map(str::trim).find(|line| !line.is_empty()) else {
        return "it is empty".to_owned();
    };
    if let Some((what, way)) = known(text) {
        return format!("it is {what}, which is not read; {way}");
    }
    if is_binary(text) {
        return "it holds binary data and is no text".to_owned();
    }
    let shown: String = first.chars().take(SHOWN).collect();
    let lower = first.to_ascii_lowercase();
    if lower.starts_with("<!doctype html") || lower.starts_with("<html") {
        return "it is a page of HTML and no result of any tool that is known".to_owned();
    }
    if first.starts_with('<')
        && let Some(root) = xml_root(text)
    {
        return format!(
            "it is XML with the root element {}, which no tool that is known writes; {TABLE}",
            quoted(&root)
        );
    }
    if first.starts_with(['{', '['])
        && let Some(keys) = json_keys(text)
    {
        let keys: Vec<String> = keys.iter().map(|key| quoted(key).to_string()).collect();
        return match keys.as_slice() {
            [] => "it is JSON without any keys".to_owned(),
            keys => format!(
                "it is JSON with the keys {}, which no tool that is known writes; {TABLE}",
                keys.join(", ")
            ),
        };
    }
    if let Some(sentence) = rows(text, &shown) {
        return sentence;
    }
    let what = if is_log(text) { "it looks like a log and" } else { "it" };
    format!("{what} is no result of any tool that is known; it begins with {}", quoted(&shown))
}

/// What lines of cells are, or numbers alone; nothing for another text.
fn rows(text: &str, shown: &str) -> Option<String> {
    if is_numbers(text) {
        return Some(
            "it is numbers without a heading, as netperf prints them with -P 0; run the tool with its headings (netperf \
             without -P 0)"
                .to_owned(),
        );
    }
    is_table(text).then(|| {
        format!(
            "it is a table that is not read; its heading must name the columns metric and value, or each metric over a \
             column of numbers; it begins with {}",
            quoted(shown)
        )
    })
}

/// Whether the head of a file that nobody reads is that of a known tool's output, of which the way out is known.
pub fn is_of_a_tool(head: &[u8]) -> bool {
    known(&plain::decode(&plain::unpacked_head(head, SNIFF_LENGTH))).is_some()
}

/// What a text is that is not read, and the way out, if its tool is known.
fn known(text: &str) -> Option<(&'static str, &'static str)> {
    if fio_terse::is_of_version_2(text) {
        let way = "run fio with --terse-version=3 (to 5), or with --output-format=json, which tells more";
        return Some(("terse output of fio in version 2", way));
    }
    let found = KNOWN.iter().find(|(words, ..)| words.iter().all(|w| text.contains(w)))?;
    Some((found.1, found.2))
}

/// Whether a text holds what no text has.
fn is_binary(text: &str) -> bool {
    let head: Vec<char> = text.chars().take(4096).collect();
    let odd = |c: &&char| c.is_control() && !matches!(c, '\n' | '\r' | '\t' | '\u{1b}' | '\u{8}' | '\u{c}');
    let count = head.iter().filter(|c| odd(c) || **c == char::REPLACEMENT_CHARACTER).count();
    count * 20 > head.len()
}

/// The name of the outermost element.
pub(super) fn xml_root(text: &str) -> Option<String> {
    let mut reader = quick_xml::Reader::from_str(text);
    loop {
        match reader.read_event().ok()? {
            Event::Start(element) | Event::Empty(element) => {
                return Some(element.name().as_ref().to_owned());
            }
            Event::Eof => return None,
            _ => {}
        }
    }
}

/// The first keys of an object, or of the first object of an array; the rest of the text may be missing.
fn json_keys(text: &str) -> Option<Vec<String>> {
    let mut keys = Keys::default();
    // A head ends too early: what was seen before counts.
    let read = serde::Deserializer::deserialize_any(&mut serde_json::Deserializer::from_str(text), &mut keys);
    (read.is_ok() || !keys.0.is_empty()).then_some(keys.0)
}

/// Keys that have been seen.
#[derive(Default)]
struct Keys(Vec<String>);

impl<'de> serde::de::Visitor<'de> for &mut Keys {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object, or an array of objects")
    }

    fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            if self.0.len() < KEYS {
                self.0.push(key);
            }
            map.next_value::<serde::de::IgnoredAny>()?;
        }
        Ok(())
    }

    fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        if list.next_element_seed(First(self))?.is_some() {
            while list.next_element::<serde::de::IgnoredAny>()?.is_some() {}
        }
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

/// The first element of an array, whose keys are those of the array.
struct First<'a>(&'a mut Keys);

impl<'de> serde::de::DeserializeSeed<'de> for First<'_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self.0)
    }
}

/// Whether each line is of numbers, with blanks between them or a rate's unit among them.
fn is_numbers(text: &str) -> bool {
    if text.contains(',') && !text.contains("its/s") && !text.contains("ans/s") {
        return false;
    }
    let is_number = |word: &str| word.parse::<f64>().is_ok();
    let mut lines = text.lines().filter(|line| !line.trim().is_empty());
    lines.all(|line| {
        let mut words = line.split([',', ' ', '\t']).filter(|word| !word.is_empty());
        words.next().is_some_and(is_number) && words.all(|word| is_number(word) || word.ends_with("/s"))
    })
}

/// Whether each of the first lines has as many separators as the first.
fn is_table(text: &str) -> bool {
    let lines: Vec<&str> = text.lines().filter(|l| !l.trim().is_empty()).take(6).collect();
    let is_parted = |separator: char| {
        let mut counts = lines.iter().map(|line| line.matches(separator).count());
        counts.next().is_some_and(|first| first > 0 && counts.all(|count| count == first))
    };
    lines.len() > 1 && [',', ';', '\t'].into_iter().any(is_parted)
}

/// Whether lines begin with a time or a level.
fn is_log(text: &str) -> bool {
    let lines: Vec<&str> = text.lines().filter(|l| !l.trim().is_empty()).take(20).collect();
    let stamped = lines.iter().filter(|line| {
        let word: String = line.trim_start_matches(['[', '<', '(']).chars().take(10).collect();
        let digits = word.chars().filter(char::is_ascii_digit).count();
        let is_time = digits >= 4 && word.contains(['-', ':', '.', '/']);
        is_time || ["INFO", "WARN", "ERROR", "DEBUG", "TRACE"].iter().any(|level| word.starts_with(level))
    });
    lines.len() > 1 && stamped.count() * 2 > lines.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_sort_of_file_is_called_what_it_is() {
        for (text, part) in [
            ("", "it is empty"),
            ("{\"machine\": {\"a\": 1}, \"results2\": [1, 2", "JSON with the keys 'machine', 'results2'"),
            ("[{\"x\": 1}, {\"y\": 2}]", "JSON with the keys 'x',"),
            ("[]", "JSON without any keys"),
            (
                "<?xml version=\"1.0\"?>\n<!-- x -->\n<suite a='1'><b/>",
                "root element 'suite', which no tool that is known writes; write its figures",
            ),
            ("<!DOCTYPE html>\n<html>", "HTML"),
            ("2026-01-01 10:00:00 begin\n2026-01-01 10:00:01 end\n", "looks like a log"),
            ("1,2,3\n4,5,6\n", "columns metric and value"),
            ("connection refused\n", "begins with 'connection refused'"),
            ("SQLite format 3\0..", "SQLite"),
            ("a\u{1}\u{2}\u{3}\0\0\0\0", "binary"),
            ("fio-3.33\nj: (groupid=0, jobs=1)\n  read: IOPS=1k\n", "--output-format=json"),
            ("Benchmark 1: sleep 1\n  Time (mean ± σ): 1 s\n", "--export-json"),
            ("| Command | Mean [ms] | Min [ms] |\n|:---|---:|---:|\n", "--export-json"),
            ("command,mean,stddev,median,user,system,min,max\nsleep 1,1,0,1,0,0,1,1\n", "--export-json FILE"),
            (include_str!("../../testdata/fio-3.33-terse2.txt"), "--terse-version=3 (to 5)"),
            ("This is ApacheBench, Version 2.3\nRequests per second: 100\n", "ab's text"),
            ("Requests/sec: 7488.53\nTransfer/sec: 606.33MB\n", "wrk's text"),
        ] {
            let said = look(text.as_bytes());
            assert!(said.contains(part) && said.starts_with("it "), "{text}: {said}");
            assert_eq!(super::super::sniff(text.as_bytes()), None, "{text}");
        }
        assert!(look(b"\xfd7zXZ\0\0").contains("xz"));
        assert!(look(b"\x1f\x8b\x08\0\0").contains("nothing comes out"));
    }

    /// The header of a member, as ustar (`mark`) and as older tars write it.
    fn tar(mark: &[u8]) -> Vec<u8> {
        let mut header = vec![0; 512];
        header[..8].copy_from_slice(b"run1.csv");
        header[124..135].copy_from_slice(b"00000000017");
        header[148..156].fill(b' ');
        header[257..257 + mark.len()].copy_from_slice(mark);
        let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
        header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        header
    }

    #[test]
    fn a_tar_archive_is_no_text_whatever_it_holds_and_however_it_is_packed() {
        for mark in [&b"ustar\x0000"[..], b"ustar  \0", b""] {
            let archive = [tar(mark), b"case,metric,value\nx,y,1\n".to_vec()].concat();
            let packed = zstd::encode_all(archive.as_slice(), 1).unwrap();
            for bytes in [archive, packed] {
                assert!(look(&bytes).starts_with("it is a tar archive; unpack it"), "{}", look(&bytes));
                assert_eq!(super::super::sniff(&bytes), None);
            }
        }
        assert!(!is_tar(&[0; 512]) && !is_tar(&[b' '; 512]));
    }
}
