//! Files of lines that say how long they are: what is cut, changed, added or given twice is refused, and what older versions
//! wrote is read.

use model::lines::{self, LineError};
use model::measurement::{self, MEASUREMENT_FORMAT, Outcome};
use model::store::{StoreError, read_measurements, read_series, write_measurements, write_series};
use model::{Case, Code, Keys, Measurement, RawRef, SeriesLine, Window};
use proptest::prelude::*;
use std::fs;

/// Made by `cat` and `sha256sum`, as docs/formats.md shows.
const TWO_LINES: &str = include_str!("../../testdata/two-lines.jsonl");

fn read(text: &str) -> Result<Vec<Measurement>, LineError> {
    measurement::read(text.as_bytes()).map(|read| read.items)
}

#[track_caller]
fn refused(text: &str, line: usize, reason: &str) {
    match read(text) {
        Err(LineError::Damaged { line: at, what }) => {
            assert!(at == line && what.contains(reason), "{at}: {what}\n{text}");
        }
        other => panic!("{other:?}\n{text}"),
    }
}

#[test]
fn what_sha256sum_sealed_is_read_and_written_back_byte_for_byte() {
    let lines = read(TWO_LINES).unwrap();
    assert_eq!(lines.iter().map(Measurement::value).collect::<Vec<_>>(), [Some(7500.25), None]);
    assert_eq!(String::from_utf8(lines::write(&lines).unwrap()).unwrap(), TWO_LINES);
    // A newline more or less at the very end changes nothing that counts.
    assert_eq!(read(TWO_LINES.trim_end()).unwrap(), lines);
    assert_eq!(read(&format!("{TWO_LINES}\n")).unwrap(), lines);
}

#[test]
fn a_file_that_lacks_lines_or_has_others_says_what_is_wrong_with_it() {
    let [first, second, end] = TWO_LINES.split_inclusive('\n').collect::<Vec<_>>()[..] else { panic!() };
    refused(&format!("{first}{second}"), 2, "there is no end line: the file was cut off");
    refused(first, 1, "there is no end line");
    refused(&format!("{first}{end}"), 2, "speaks of 2 lines, and there are 1");
    refused(&format!("{first}{second}{second}{end}"), 4, "speaks of 2 lines, and there are 3");
    refused(&TWO_LINES.replace("7500.25", "7500.26"), 3, "the sum in the end line is not that of the lines");
    refused(&format!("{second}{first}{end}"), 3, "the sum");
    refused(
        &format!("{TWO_LINES}{first}"),
        4,
        "there is no end line: the file was cut off, or something was added",
    );
    refused("", 1, "it is empty");
    // Two whole files, one after the other.
    refused(&format!("{TWO_LINES}{TWO_LINES}"), 6, "speaks of 2 lines, and there are 5");
    let newer = TWO_LINES.replace("\"v\":2", "\"v\":3");
    assert!(matches!(read(&newer), Err(LineError::Newer { found: 3, known: 2 })));
}

#[test]
fn an_older_file_without_an_end_line_is_read_alike() {
    let older = TWO_LINES.replace("\"v\":2", "\"v\":1");
    let older = &older[..older.find("{\"v\":1,\"end\"").unwrap()];
    let found = measurement::read(older.as_bytes()).unwrap();
    assert!(!found.sealed && measurement::read(TWO_LINES.as_bytes()).unwrap().sealed);
    let as_today = |m: Measurement| Measurement { v: MEASUREMENT_FORMAT, ..m };
    assert_eq!(found.items.into_iter().map(as_today).collect::<Vec<_>>(), read(TWO_LINES).unwrap());
}

#[test]
fn a_case_that_has_a_metric_twice_is_refused_with_both_lines() {
    let line = TWO_LINES.lines().next().unwrap();
    let other = line.replace("7500.25", "1.0");
    let older = format!("{line}\n{other}\n").replace("\"v\":2", "\"v\":1");
    refused(&older, 2, "netperf/TCP_RR/size=64 has trans.rate a second time, after line 1");
    let lines: Vec<serde_json::Value> =
        [line, &other].iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    refused(&String::from_utf8(lines::write(&lines).unwrap()).unwrap(), 2, "a second time");
}

#[test]
fn a_damaged_file_is_refused_by_name_with_the_way_out() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("measurements.jsonl");
    fs::write(&path, TWO_LINES.lines().next().unwrap()).unwrap();
    let error = read_measurements(&path).unwrap_err();
    assert!(matches!(error, StoreError::Damaged { .. }), "{error:?}");
    let text = error.to_string();
    assert!(text.contains("measurements.jsonl:1: there is no end line: "), "{text}");
    assert!(text.ends_with("remove the file, and `perfvt resume` measures again what it held"), "{text}");
    let path = dir.path().join("series.jsonl");
    write_series(&path, &[point(1.0), point(2.0)]).unwrap();
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    let text = read_series::<SeriesLine>(&path).unwrap_err().to_string();
    assert!(text.contains("series.jsonl:2: there is no end line"), "{text}");
    assert!(text.ends_with("remove the file, and `perfvt reparse` makes it again"), "{text}");
}

#[test]
fn whatever_lines_were_read_from_they_are_written_in_todays_format() {
    let dir = tempfile::tempdir().unwrap();
    let (values, series) = (dir.path().join("measurements.jsonl"), dir.path().join("series.jsonl"));
    let mut old = read(TWO_LINES).unwrap();
    old.iter_mut().for_each(|m| m.v = 1);
    write_measurements(&values, &old).unwrap();
    assert_eq!(fs::read_to_string(&values).unwrap(), TWO_LINES);
    write_series(&series, &[]).unwrap();
    let read = read_series::<SeriesLine>(&series).unwrap();
    assert!(read.sealed && read.items.is_empty());
    fs::write(&series, "").unwrap();
    assert!(!read_series::<SeriesLine>(&series).unwrap().sealed, "older versions wrote empty series");
}

fn point(value: f64) -> SeriesLine {
    SeriesLine {
        v: 2,
        case: "c".into(),
        metric: "m".into(),
        session: None,
        ending_unix: 1.0,
        seconds: 1.0,
        value,
    }
}

/// Any measurement; `n` tells it from the others of its file.
fn any_measurement(n: usize) -> impl Strategy<Value = Measurement> {
    let outcome = prop_oneof![
        any::<f64>().prop_filter("a value is finite", |v| v.is_finite()).prop_map(Outcome::Value),
        ("\\PC{0,12}", any::<bool>())
            .prop_map(|(reason, coded)| Outcome::Invalid { reason, code: coded.then_some(Code::ToolFailed) }),
    ];
    let window = (any::<u64>(), any::<u64>(), any::<u64>())
        .prop_map(|(start_unix_ns, mono_ns, len_ns)| Window { start_unix_ns, mono_ns, len_ns });
    let raw = ("\\PC{0,8}", any::<u32>()).prop_map(|(file, line)| RawRef { file, line });
    let texts = ("\\PC{0,8}", "[ -~\\n\\r\\u{2028}]{0,8}", "\\PC{0,4}", "\\PC{0,4}");
    (texts, outcome, proptest::option::of(window), proptest::option::of(raw), any::<u32>()).prop_map(
        move |((category, level, unit, boot), outcome, window, raw, number)| {
            let keys: Keys =
                [("size".to_owned(), level), ("n".to_owned(), n.to_string())].into_iter().collect();
            let case = Case { workload: "w".into(), category, keys };
            Measurement {
                v: MEASUREMENT_FORMAT,
                case: case.id(),
                workload: case.workload,
                category: case.category,
                keys: case.keys,
                metric: format!("m{n}"),
                unit,
                outcome,
                repeat: number,
                boot,
                host_boot: String::new(),
                block: number,
                order: 0,
                attempt: 1,
                window,
                raw,
            }
        },
    )
}

fn measurements() -> impl Strategy<Value = Vec<Measurement>> {
    (0usize..6).prop_flat_map(|n| (0..n).map(any_measurement).collect::<Vec<_>>())
}

proptest! {
    #[test]
    fn of_a_file_that_was_cut_anywhere_all_is_read_or_nothing(lines in measurements()) {
        let text = lines::write(&lines).unwrap();
        prop_assert_eq!(&measurement::read(&text).unwrap().items, &lines);
        for end in 0..text.len() {
            if let Ok(read) = measurement::read(&text[..end]) {
                prop_assert_eq!(&read.items, &lines, "cut at {}", end);
            }
        }
    }

    #[test]
    fn a_line_that_is_lost_moved_or_given_twice_is_seen(
        lines in measurements(), from in any::<prop::sample::Index>(), to in any::<prop::sample::Index>(),
    ) {
        prop_assume!(!lines.is_empty());
        let text = String::from_utf8(lines::write(&lines).unwrap()).unwrap();
        let all: Vec<&str> = text.split_inclusive('\n').collect();
        let (from, to) = (from.index(all.len()), to.index(all.len()));
        let mut lost = all.clone();
        lost.remove(from);
        let mut moved = all.clone();
        moved.swap(from, to);
        let mut twice = all.clone();
        twice.insert(to, all[from]);
        for changed in [lost, moved, twice] {
            let changed = changed.concat();
            if changed != text {
                prop_assert!(measurement::read(changed.as_bytes()).is_err(), "{}", changed);
            }
        }
    }

    #[test]
    fn a_byte_that_changed_is_seen_or_makes_no_difference(
        lines in measurements(), at in any::<prop::sample::Index>(), byte in any::<u8>(),
    ) {
        let mut text = lines::write(&lines).unwrap();
        let at = at.index(text.len());
        text[at] = byte;
        if let Ok(read) = measurement::read(&text) {
            prop_assert_eq!(read.items, lines);
        }
    }
}
