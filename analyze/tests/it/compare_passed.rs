//! What is said of files as they are: those that are not read, numbers that are not given, decimals and spellings.

use crate::support;

use analyze::{Comparison, compare, show};
use std::fs;
use std::path::{Path, PathBuf};
use support::{codes, options, run};

const FIO: &str = include_str!("../../../formats/testdata/foreign/fio-3.33-read.json");
const XZ: &[u8] = b"\xfd7zXZ\0\0\x04\xe6\xd6\xb4\x46";

fn write(root: &Path, name: &str, bytes: impl AsRef<[u8]>) {
    let path = root.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

/// Two sides of three results of fio.
fn sides(root: &Path) -> [PathBuf; 2] {
    for (side, index) in ["a", "b"].into_iter().flat_map(|side| (1..=3).map(move |index| (side, index))) {
        let text = FIO.replacen("2048000.000000", &format!("204800{index}.5"), 1);
        write(root, &format!("{side}/run{index}.json"), text);
    }
    ["a", "b"].map(|side| root.join(side))
}

/// What is said of files that were passed over.
fn passed(result: &Comparison) -> Vec<String> {
    result.warnings.iter().filter(|w| w.code == "unknown-files").map(|w| w.text.clone()).collect()
}

#[test]
fn a_packed_result_beside_others_is_lost_and_a_packed_copy_of_one_is_told() {
    let root = tempfile::tempdir().unwrap();
    let sides = sides(root.path());
    write(root.path(), "b/run7.json.xz", XZ);
    write(root.path(), "b/run8.json.bz2", b"BZh91AY&SY");
    write(root.path(), "a/run1.json.xz", XZ);
    let result = run(&sides);
    let lost: Vec<String> = result.b[0].losses.iter().map(|l| format!("{} {}", l.place, l.reason)).collect();
    assert_eq!(lost.len(), 2, "{lost:?}");
    assert!(lost[0].contains("run7.json.xz:1:1 it is packed with xz; unpack it"), "{lost:?}");
    assert!(lost[1].contains("run8.json.bz2:1:1 it is packed with bzip2; unpack it"), "{lost:?}");
    let notes = passed(&result);
    assert!(result.a.losses.is_empty() && notes.len() == 1, "{notes:?}");
    assert!(notes[0].contains("a/run1.json.xz: passed over: it is packed with xz"), "{notes:?}");
    let mut strict = options(&sides);
    strict.strict = true;
    let text = compare(&strict).unwrap_err().to_string();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!((lines.len(), lines[0]), (3, "2 losses, and --strict allows none:"), "{text}");
    assert!(lines[1].contains("run7.json.xz") && lines[2].contains("run8.json.bz2"), "{text}");
    (0..30).for_each(|run| write(root.path(), &format!("b/run{run}0.json"), ""));
    let text = compare(&strict).unwrap_err().to_string();
    assert!(text.lines().count() == 22 && text.ends_with("\n  and 12 more"), "{text}");
}

#[test]
fn a_result_of_a_name_that_is_not_looked_into_is_told_once() {
    let root = tempfile::tempdir().unwrap();
    let sides = sides(root.path());
    for name in ["run2.dat", "run3.json.bak", "run5.1", "run4.fio"] {
        write(root.path(), &format!("b/{name}"), FIO);
    }
    write(root.path(), "b/run.fio", "[global]\nrw=read\n");
    write(root.path(), "b/README.md", FIO);
    write(root.path(), "b/picture.png", b"\x89PNG\r\n\x1a\n");
    fs::hard_link(root.path().join("b/run1.json"), root.path().join("b/run0.dat")).unwrap();
    let result = run(&sides);
    let notes = passed(&result);
    assert!(result.b[0].losses.is_empty() && notes.len() == 1, "{notes:?}");
    let [note] = notes.as_slice() else { return };
    assert!(
        note.contains("b/run2.dat and 3 more: passed over: it is fio JSON, and its name is none"),
        "{note}"
    );
}

#[test]
fn a_text_of_a_tool_beside_results_is_told_as_it_is_alone() {
    let root = tempfile::tempdir().unwrap();
    let sides = sides(root.path());
    write(root.path(), "b/people.txt", "fio-3.33\nj: (groupid=0, jobs=1)\n  read: IOPS=1k, BW=4MiB/s\n");
    write(root.path(), "b/notes.txt", "nothing that any tool wrote\n");
    let notes = passed(&run(&sides));
    assert_eq!(notes.len(), 2, "{notes:?}");
    assert!(notes[0].contains("notes.txt: passed over: it is no result of any tool"), "{notes:?}");
    assert!(notes[1].contains("people.txt: passed over: it is fio's text for people"), "{notes:?}");
    assert!(notes[1].contains("--output-format=json"), "{notes:?}");
}

#[test]
fn a_directory_of_packed_or_misnamed_results_alone_says_so() {
    let root = tempfile::tempdir().unwrap();
    let sides = sides(root.path());
    for (name, bytes, said) in [
        ("x/run1.json.xz", XZ, "it is packed with xz; unpack it"),
        ("d/run1.dat", FIO.as_bytes(), "it is fio JSON, and its name is none that is looked into"),
    ] {
        write(root.path(), name, bytes);
        let folder = root.path().join(name).parent().unwrap().to_owned();
        write(&folder, "notes.txt", "nothing that any tool wrote\n");
        let text = compare(&options(&[sides[0].clone(), folder])).unwrap_err().to_string();
        assert!(text.contains(said) && text.contains("beside 1 file of other kinds"), "{text}");
    }
}

/// A table of two cases with so many runs, of which one value of B's first case is as given.
fn tables(root: &Path, odd: &str) -> [PathBuf; 2] {
    for side in ["a", "b"] {
        let mut text = "size;metric;repeat;value\n".to_owned();
        for (size, repeat) in ["4096", "64k"].into_iter().flat_map(|size| (1..=6).map(move |n| (size, n))) {
            let value = if (side, size, repeat) == ("b", "4096", 3) {
                odd.to_owned()
            } else {
                format!("10{repeat}.25")
            };
            text.push_str(&format!("{size};time;{repeat};{value}\n"));
        }
        write(root, &format!("{side}.csv"), text);
    }
    ["a", "b"].map(|side| root.join(format!("{side}.csv")))
}

#[test]
fn a_figure_that_is_null_is_a_lost_cell_and_no_failed_attempt() {
    let root = tempfile::tempdir().unwrap();
    let result = run(&tables(root.path(), "null"));
    assert!(result.failures.is_empty(), "{:?}", result.failures);
    assert_eq!(result.rows.iter().map(|row| row.b.n).sum::<usize>(), 11);
    assert!(codes(&result).contains(&"lost-cells"), "{:?}", codes(&result));
    // What is no number at all may be all that a failed run has left.
    let result = run(&tables(root.path(), "killed"));
    assert_eq!(result.failures.len(), 1);
}

#[test]
fn tables_with_different_decimal_marks_are_told_and_those_with_one_are_not() {
    let root = tempfile::tempdir().unwrap();
    let paths = tables(root.path(), "103.25");
    assert!(!codes(&run(&paths)).contains(&"mixed-decimals"));
    let commas = fs::read_to_string(&paths[1]).unwrap().replace('.', ",");
    fs::write(&paths[1], commas).unwrap();
    let result = run(&paths);
    let told = result.warnings.iter().find(|w| w.code == "mixed-decimals").unwrap();
    assert!(
        told.text.contains("b.csv has decimal commas and ") && told.text.contains("a.csv decimal points"),
        "{told:?}"
    );
    assert_eq!(result.rows[0].b.values[0], 101.25);
}

#[test]
fn what_is_shown_of_one_side_tells_how_its_file_spells_levels() {
    let root = tempfile::tempdir().unwrap();
    let [a, _] = tables(root.path(), "103.25");
    let shown = show(&options(&[]), &a).unwrap();
    let spelled: Vec<_> = shown.spelled.iter().map(|s| (s.level.as_str(), s.written())).collect();
    assert_eq!((shown.rows[0].id.as_str(), spelled), ("csv//size=4k/time", vec![("4k", Some("4096"))]));
}
