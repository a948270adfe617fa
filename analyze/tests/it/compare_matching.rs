//! Cases that meet although a level differs: `--compare`, `--map`, and what is said of cases that meet nobody.

use crate::support;

use analyze::{CompareOptions, Comparison, Verdict, compare};
use std::fs;
use std::path::{Path, PathBuf};
use support::{codes, options, row};

/// Values around a mean with a spread of half a percent.
fn around(mean: f64) -> Vec<f64> {
    [1.0, 1.004, 0.997, 1.002, 0.999, 1.003].map(|jitter| mean * jitter).to_vec()
}

/// A table with a row for each value: the levels, the metric, the repeat and the value.
fn table(root: &Path, name: &str, keys: &str, cases: &[(&str, f64)]) -> PathBuf {
    let mut text = format!("{keys},metric,unit,repeat,value\n");
    for (levels, mean) in cases {
        for (repeat, value) in around(*mean).iter().enumerate() {
            text.push_str(&format!("{levels},rate,1/s,{repeat},{value}\n"));
        }
    }
    write(root, name, &text)
}

fn write(root: &Path, name: &str, text: &str) -> PathBuf {
    let path = root.join(name);
    fs::write(&path, text).unwrap();
    path
}

/// hyperfine's export of commands with their mean times.
fn hyperfine(root: &Path, name: &str, commands: &[(&str, f64)]) -> PathBuf {
    let results: Vec<String> = (commands.iter())
        .map(|(command, mean)| {
            let times: Vec<String> = around(*mean).iter().map(f64::to_string).collect();
            format!("{{\"command\": {command:?}, \"mean\": {mean}, \"times\": [{}]}}", times.join(", "))
        })
        .collect();
    write(root, name, &format!("{{\"results\": [\n{}\n]}}\n", results.join(",\n")))
}

fn with(paths: &[PathBuf], compared: &[&str], maps: &[&str]) -> CompareOptions {
    let mut options = options(paths);
    options.compared = compared.iter().map(|key| (*key).to_owned()).collect();
    options.maps = maps.iter().map(|map| (*map).to_owned()).collect();
    options
}

fn refused(options: &CompareOptions) -> String {
    compare(options).unwrap_err().to_string()
}

fn verdicts(result: &Comparison) -> Vec<(&str, Verdict)> {
    result.rows.iter().map(|row| (row.id.as_str(), row.verdict)).collect()
}

#[test]
fn a_compared_key_tells_no_cases_apart_and_its_levels_are_told() {
    let root = tempfile::tempdir().unwrap();
    let old = hyperfine(root.path(), "old.json", &[("./tool-1 convert", 2.0)]);
    let new = hyperfine(root.path(), "new.json", &[("./tool-2 convert", 2.6)]);
    let result = compare(&with(&[old, new], &["command"], &[])).unwrap();
    assert_eq!(verdicts(&result), [("hyperfine///time_s", Verdict::Regressed)]);
    let [matched] = result.matched.as_slice() else { panic!("{:?}", result.matched) };
    assert_eq!((matched.key.as_str(), matched.compared), ("command", true));
    assert_eq!(
        (&matched.a[..], &matched.b[0][..]),
        (&["./tool-1 convert".to_owned()][..], &["./tool-2 convert".to_owned()][..])
    );
    assert!(result.nearest.is_empty() && !codes(&result).contains(&"unmatched-rows"));
}

#[test]
fn facts_of_cases_meet_like_the_cases() {
    let root = tempfile::tempdir().unwrap();
    let fio = include_str!("../../../formats/testdata/foreign/fio-3.33-read.json");
    let old = write(root.path(), "old.json", fio);
    let new = write(root.path(), "new.json", &fio.replace("\"seqread\"", "\"seqread-new\""));
    for key in ["job", "jobname", "name"] {
        let result = compare(&with(&[old.clone(), new.clone()], &[key], &[])).unwrap();
        assert!(result.rows.iter().all(|r| r.a.n == 1 && r.b.n == 1), "{key}: {:?}", verdicts(&result));
        assert!(result.differences.is_empty(), "{key}: {:?}", result.differences);
    }
}

#[test]
fn several_levels_of_a_compared_key_for_one_case_are_refused_with_the_way_out() {
    let root = tempfile::tempdir().unwrap();
    let old = table(root.path(), "old.csv", "job,size", &[("x,1", 1.0), ("y,1", 2.0), ("z,2", 3.0)]);
    let new = table(root.path(), "new.csv", "job,size", &[("x,1", 1.0), ("z,2", 3.0)]);
    let error = refused(&with(&[old, new], &["job"], &[]));
    for word in ["old.csv", "'x'", "'y'", "size=1", "--map 'job: a=b'"] {
        assert!(error.contains(word), "{word} in {error}");
    }
}

#[test]
fn a_mapped_level_meets_the_other_under_the_baselines_name() {
    let root = tempfile::tempdir().unwrap();
    let old = table(root.path(), "old.csv", "job,size", &[("x,1", 1.0), ("y,1", 2.0)]);
    let new = table(root.path(), "new.csv", "job,size", &[("x2,1", 1.0), ("y,1", 1.0)]);
    let result = compare(&with(&[old, new], &[], &["job: x=x2"])).unwrap();
    let expected =
        [("csv//job=x,size=1/rate", Verdict::Equivalent), ("csv//job=y,size=1/rate", Verdict::ChangedDown)];
    assert_eq!(verdicts(&result), expected);
    let [matched] = result.matched.as_slice() else { panic!("{:?}", result.matched) };
    assert_eq!(
        (matched.compared, &matched.a[..], &matched.b[0][..]),
        (false, &["x".to_owned()][..], &["x2".to_owned()][..])
    );
}

#[test]
fn maps_that_say_nothing_or_too_much_are_refused_by_name() {
    let root = tempfile::tempdir().unwrap();
    let old = table(root.path(), "old.csv", "job,size", &[("x,4k", 1.0), ("y,4k", 2.0)]);
    let new = table(root.path(), "new.csv", "job,size", &[("x,8k", 1.0), ("z,8k", 2.0), ("z,4k", 2.0)]);
    let refused =
        |compared: &[&str], maps: &[&str]| refused(&with(&[old.clone(), new.clone()], compared, maps));
    let cases: [(&[&str], &[&str], &[&str]); 8] = [
        (&["jobs"], &[], &["--compare 'jobs'", "did you mean 'job'"]),
        (&[], &["jobs: x=z"], &["--map 'jobs: x=z'", "did you mean 'job'", "'size'"]),
        (&[], &["job"], &["--map 'job'", "KEY: a=b"]),
        (&[], &["job: x"], &["--map 'job: x'", "'='"]),
        (&[], &["job: w=z"], &["the baseline has no level 'w' of 'job'", "'x', 'y'"]),
        (&[], &["job: y=y"], &["the other side has no level 'y' of 'job'", "'x', 'z'"]),
        (&[], &["job: x=z"], &["'new.csv' has both 'x' and 'z'", "two cases would become one"]),
        (&["job"], &["job: x=z"], &["--compare leaves 'job' out already"]),
    ];
    for (compared, maps, words) in cases {
        let error = refused(compared, maps);
        assert!(words.iter().all(|word| error.contains(word)), "{compared:?} {maps:?}: {error}");
    }
    let error = refused(&[], &["job: x=z", "job: y=z"]);
    assert!(error.contains("level 'z' is matched with 'x' already"), "{error}");
}

#[test]
fn keys_and_levels_of_a_map_may_hold_its_separators_and_sizes_have_any_spelling() {
    let root = tempfile::tempdir().unwrap();
    let old = hyperfine(root.path(), "old.json", &[("A=1: ./x", 2.0)]);
    let new = hyperfine(root.path(), "new.json", &[("A=2: ./x", 2.6)]);
    let result = compare(&with(&[old, new], &[], &["command: A=1: ./x=A=2: ./x"])).unwrap();
    assert_eq!(result.rows[0].verdict, Verdict::Regressed);
    // The side that has its level is not to blame, wherever its level ends.
    let sides = [root.path().join("old.json"), root.path().join("new.json")];
    for (map, blamed) in [
        ("command: A=1: ./x=A=9: ./x", "the other side has no level 'A=9: ./x' of 'command'"),
        ("command: A=9: ./x=A=2: ./x", "the baseline has no level 'A=9: ./x' of 'command'"),
    ] {
        let error = refused(&with(&sides, &[], &[map]));
        assert!(error.contains(blamed), "{error}");
    }
    let old = table(root.path(), "old.csv", "a: b,bs", &[("x,4096", 1.0)]);
    let new = table(root.path(), "new.csv", "a: b,bs", &[("y,8192", 1.0)]);
    let result = compare(&with(&[old, new], &[], &["a: b: x=y", "bs: 4KiB=8192"])).unwrap();
    assert_eq!(verdicts(&result), [("csv//a: b=x,bs=4k/rate", Verdict::Equivalent)]);
}

#[test]
fn cases_that_meet_nobody_come_with_the_flag_that_makes_them_meet() {
    let root = tempfile::tempdir().unwrap();
    type Cases<'a> = &'a [(&'a str, f64)];
    let pairs: [(Cases<'_>, Cases<'_>, &[&str]); 4] = [
        // One key, one level each: the key is what is compared, also where some cases meet already.
        (&[("x,1", 1.0), ("x,2", 1.0)], &[("y,1", 1.0), ("y,2", 1.0)], &["--compare", "job"]),
        (&[("x,1", 1.0), ("s,2", 1.0)], &[("y,1", 1.0), ("s,2", 1.0)], &["--compare", "job"]),
        // Several levels: level by level, and the most similar ones.
        (
            &[("run-a 1.0,1", 1.0), ("fetch-b 1.0,1", 2.0)],
            &[("fetch-b 1.1,1", 2.0), ("run-a 1.1,1", 1.0)],
            &["--map", "job: run-a 1.0=run-a 1.1", "--map", "job: fetch-b 1.0=fetch-b 1.1"],
        ),
        (&[("x,1", 1.0)], &[("y,2", 1.0)], &["--compare", "job", "--compare", "size"]),
    ];
    for (a, b, flags) in pairs {
        let paths = [table(root.path(), "a.csv", "job,size", a), table(root.path(), "b.csv", "job,size", b)];
        let result = compare(&options(&paths)).unwrap();
        let [near] = result.nearest.as_slice() else { panic!("{:?}", result.nearest) };
        assert_eq!(near.flags, flags);
        // What is advised works.
        let value = |flag: &str| -> Vec<&str> {
            flags.chunks(2).filter(|pair| pair[0] == flag).map(|pair| pair[1]).collect()
        };
        let result = compare(&with(&paths, &value("--compare"), &value("--map"))).unwrap();
        assert!(result.rows.iter().all(|row| row.verdict == Verdict::Equivalent), "{:?}", verdicts(&result));
        assert!(result.nearest.is_empty());
    }
}

#[test]
fn cases_of_one_kind_are_one_finding_and_far_ones_are_none() {
    let root = tempfile::tempdir().unwrap();
    let cases = |job: &str, category: &str| -> Vec<(String, f64)> {
        (0..40).map(|size| (format!("{category},{job},{size}"), 1.0)).collect()
    };
    let side = |name: &str, cases: &[(String, f64)]| {
        let cases: Vec<(&str, f64)> = cases.iter().map(|(levels, mean)| (levels.as_str(), *mean)).collect();
        table(root.path(), name, "category,job,size", &cases)
    };
    let result =
        compare(&options(&[side("a.csv", &cases("x", "p")), side("b.csv", &cases("y", "p"))])).unwrap();
    assert_eq!(result.nearest.len(), 1);
    assert_eq!((result.nearest[0].cases, result.nearest[0].keys.len()), (40, 1));
    let result =
        compare(&options(&[side("a.csv", &cases("x", "p")), side("b.csv", &cases("y", "q"))])).unwrap();
    assert!(result.nearest.is_empty(), "{:?}", result.nearest);
}

#[test]
fn many_cases_that_meet_nobody_are_told_at_once() {
    let root = tempfile::tempdir().unwrap();
    let side = |name: &str, job: &str| {
        let mut text = "job,a,b,c,d,metric,unit,value\n".to_owned();
        (0..6000)
            .for_each(|i| text.push_str(&format!("{job}{i},{i},{},{},{},rate,1/s,1\n", i % 7, i % 5, i % 3)));
        write(root.path(), name, &text)
    };
    let options = options(&[side("a.csv", "x"), side("b.csv", "y")]);
    let result = testing::no_square(|| compare(&options)).unwrap();
    assert_eq!(result.nearest[0].cases, 6000);
}

#[test]
fn the_levels_of_one_path_become_the_sides() {
    let root = tempfile::tempdir().unwrap();
    let commands = [("./tool-1 x", 2.0), ("./tool-2 x", 2.6), ("./tool-3 x", 2.0)];
    let both = hyperfine(root.path(), "both.json", &commands);
    let error = refused(&options(std::slice::from_ref(&both)));
    assert!(error.contains("--compare 'command'") && error.contains("3 levels"), "{error}");
    let result = compare(&with(std::slice::from_ref(&both), &["command"], &[])).unwrap();
    assert_eq!(result.a.label, "./tool-1 x");
    let labels: Vec<&str> = result.b.iter().map(|side| side.label.as_str()).collect();
    assert_eq!(labels, ["./tool-2 x", "./tool-3 x"]);
    assert_eq!(row(&result, "hyperfine///time_s#1").verdict, Verdict::Regressed);
    assert_eq!(row(&result, "hyperfine///time_s#2").verdict, Verdict::Equivalent);
    assert!(result.rows.iter().all(|row| row.a.n == 6 && row.b.n == 6));
    assert!(!codes(&result).contains(&"same-side"));
}

#[test]
fn files_of_one_directory_are_parted_by_level_with_their_failures() {
    let root = tempfile::tempdir().unwrap();
    for file in 0..5 {
        let value = if file == 2 { "n/a".to_owned() } else { format!("{}", 1.0 + f64::from(file) / 1000.0) };
        let text = format!(
            "tool,size,metric,unit,value\nold,1,rate,1/s,1.00{file}\nnew,1,rate,1/s,{value}\nold,2,rate,1/s,2\n"
        );
        write(root.path(), &format!("run{file}.csv"), &text);
    }
    let result = compare(&with(&[root.path().to_owned()], &["tool"], &[])).unwrap();
    let both = row(&result, "csv//size=1/rate");
    assert_eq!((both.a.n, both.b.n, both.b.invalid.len(), both.a.invalid.len()), (5, 4, 1, 0));
    assert_eq!(row(&result, "csv//size=2/rate").verdict, Verdict::MissingB);
    let mut labelled = with(&[root.path().to_owned()], &["tool"], &[]);
    labelled.labels = ["a", "b"].map(String::from).into();
    let result = compare(&labelled).unwrap();
    assert_eq!((result.a.label.as_str(), result.b[0].label.as_str()), ("a", "b"));
    labelled.labels.push("c".into());
    assert!(refused(&labelled).contains("3 labels for 2 levels of 'tool'"));
    let error = refused(&with(&[root.path().to_owned()], &["colour"], &[]));
    assert!(error.contains("no case has such a key"), "{error}");
    let one = table(root.path(), "one.csv", "tool,size", &[("old,1", 1.0), ("old,2", 1.0)]);
    let error = refused(&with(&[one], &["tool"], &[]));
    assert!(error.contains("one level of it, 'old'") && error.contains("second path"), "{error}");
}

#[test]
fn the_categories_of_one_path_become_the_sides() {
    let root = tempfile::tempdir().unwrap();
    let cases = [("read,4k", 20.0), ("read,8k", 20.0), ("write,4k", 30.0)];
    let both = [table(root.path(), "both.csv", "category,size", &cases)];
    let error = refused(&options(&both));
    assert!(error.contains("or --compare 'size' (or --compare 'category'), and its 2 levels"), "{error}");
    assert!(refused(&with(&both, &["kategory"], &[])).contains("did you mean 'category'"));
    let result = compare(&with(&both, &["category"], &[])).unwrap();
    assert_eq!(
        (&*result.a.label, &*result.b[0].label, &*result.matched[0].key),
        ("read", "write", "category")
    );
    let expected = [("csv//size=4k/rate", Verdict::ChangedUp), ("csv//size=8k/rate", Verdict::MissingB)];
    assert_eq!(verdicts(&result), expected);
}

#[test]
fn levels_keep_the_spelling_of_each_side_beside_the_one_of_ids() {
    let root = tempfile::tempdir().unwrap();
    let fio = include_str!("../../../formats/testdata/foreign/fio-3.33-read.json");
    let block = "\"bs\" : \"4k\"";
    assert!(fio.contains(block));
    let old = write(root.path(), "old.json", &fio.replace(block, "\"bs\" : \"4096\""));
    let new = write(root.path(), "new.json", fio);
    let result = compare(&options(&[old, new])).unwrap();
    let [spelled] = result.spelled.as_slice() else { panic!("{:?}", result.spelled) };
    assert_eq!((spelled.key.as_str(), spelled.level.as_str()), ("Block_size", "4k"));
    assert_eq!((spelled.a.as_deref(), spelled.b[0].as_deref()), (Some("4096"), Some("4k")));
    assert_eq!((spelled.written(), spelled.differs()), (Some("4096"), true));
    assert!(result.rows.iter().all(|row| row.id.contains("Block_size=4k")), "{:?}", verdicts(&result));

    let old = table(root.path(), "old.csv", "bs,job", &[("4096,x", 1.0), ("512,x", 1.0)]);
    let new = table(root.path(), "new.csv", "bs,job", &[("8192,x", 1.0), ("512B,x", 1.0)]);
    let spelled = |options: &CompareOptions| -> Vec<(String, Option<String>, Option<String>)> {
        let all = compare(options).unwrap().spelled.into_iter();
        all.map(|mut s| (s.level, s.a, s.b.remove(0))).collect()
    };
    let some = |text: &str| Some(text.to_owned());
    let expected = [
        ("4k".to_owned(), some("4096"), None),
        ("512".to_owned(), some("512"), some("512B")),
        ("8k".to_owned(), None, some("8192")),
    ];
    let paths = [old, new];
    assert_eq!(spelled(&options(&paths)), expected);
    // A level that was mapped to another one is written in no spelling of it, and one that is compared is gone.
    assert_eq!(spelled(&with(&paths, &[], &["bs: 4k=8k"])), expected[..2]);
    let wide = write(root.path(), "wide.csv", "size,job,rate\n4096,x,1\n4096,x,2\n");
    assert!(spelled(&with(&[wide.clone(), wide.clone()], &["size"], &[])).is_empty());
    assert_eq!(spelled(&options(&[wide.clone(), wide])), [("4k".to_owned(), some("4096"), some("4096"))]);
}

#[test]
fn a_command_that_holds_its_parameter_is_compared_beside_it() {
    let root = tempfile::tempdir().unwrap();
    let keys = [("x", "1"), ("x", "2"), ("y", "1"), ("y", "2")];
    let cases: Vec<String> = keys.iter().map(|(tool, n)| format!("./{tool} {n},{tool},{n}")).collect();
    let cases: Vec<(&str, f64)> = cases.iter().map(|levels| (levels.as_str(), 1.0)).collect();
    let path = [table(root.path(), "both.csv", "command,tool,n", &cases)];
    let result = compare(&with(&path, &["tool"], &[])).unwrap();
    assert_eq!(result.nearest[0].flags, ["--compare", "command"]);
    let result = compare(&with(&path, &["tool", "command"], &[])).unwrap();
    assert_eq!((result.a.label.as_str(), result.b[0].label.as_str()), ("x", "y"));
    let expected = [("csv//n=1/rate", Verdict::Equivalent), ("csv//n=2/rate", Verdict::Equivalent)];
    assert_eq!(verdicts(&result), expected);
    assert_eq!(result.matched.len(), 2);
    let error = refused(&with(&path, &["tool", "command", "n"], &[]));
    assert!(
        error.contains("'x' has two levels of it for one case")
            && error.contains("leave one of the keys away"),
        "{error}"
    );
}

#[test]
fn the_choice_for_one_path_is_one_that_works_as_it_stands() {
    let root = tempfile::tempdir().unwrap();
    let keys = "command,tool,size";
    let cases = [("a 1,a,1", 1.0), ("a 2,a,2", 2.0), ("b 1,b,1", 1.5), ("b 2,b,2", 2.5)];
    let both = table(root.path(), "both.csv", keys, &cases);
    let error = refused(&options(std::slice::from_ref(&both)));
    assert!(error.contains("or --compare 'tool' --compare 'command' (or --compare 'size'"), "{error}");
    assert!(error.contains("of 'tool' the 2 levels become the sides"), "{error}");
    let result = compare(&with(&[both], &["tool", "command"], &[])).unwrap();
    assert_eq!(verdicts(&result).len(), 2);
    // Levels that make no sides with anything in common are no choice.
    let apart = table(root.path(), "apart.csv", "x,y", &[("1,1", 1.0), ("2,2", 1.0)]);
    let error = refused(&options(&[apart]));
    assert!(error.contains("--compare 'x' --compare 'y'"), "{error}");
}

#[test]
fn the_note_on_unmatched_rows_speaks_of_the_flags_where_there_are_some() {
    let root = tempfile::tempdir().unwrap();
    let old = table(root.path(), "old.csv", "job", &[("x", 1.0)]);
    let new = table(root.path(), "new.csv", "job", &[("x2", 1.0)]);
    let advice = |result: &Comparison| {
        result.warnings.iter().find(|w| w.code == "unmatched-rows").unwrap().advice.clone()
    };
    let near = compare(&with(&[old.clone(), new], &[], &[])).unwrap();
    assert!(near.nearest.iter().any(|near| !near.flags.is_empty()));
    assert!(advice(&near).contains("flags") && !advice(&near).contains("perf.conf"), "{}", advice(&near));
    let far = hyperfine(root.path(), "far.json", &[("x", 1.0)]);
    let far = compare(&with(&[old, far], &[], &[])).unwrap();
    assert!(advice(&far).contains("aliases to perf.conf"), "{}", advice(&far));
}

#[test]
fn cases_of_categories_that_differ_are_near_and_meet_by_the_flag_that_is_proposed() {
    let root = tempfile::tempdir().unwrap();
    let of = |name: &str, category: &str, factor: f64| {
        let other = [("other,x", 20.0 * factor), ("other,y", 30.0)];
        let own = [(format!("{category},x"), 50.0), (format!("{category},y"), 60.0)];
        let own = own.iter().map(|(levels, mean)| (levels.as_str(), *mean));
        table(root.path(), name, "category,size", &own.chain(other).collect::<Vec<_>>())
    };
    let paths = [of("a.csv", "read", 1.0), of("b.csv", "reading", 1.0)];
    let result = compare(&options(&paths)).unwrap();
    assert_eq!(result.nearest.len(), 1, "{:?}", result.nearest);
    let near = &result.nearest[0];
    assert_eq!((near.keys[0].key.as_str(), near.cases), ("category", 2));
    assert_eq!((near.keys[0].a.as_deref(), near.keys[0].b.as_deref()), (Some("read"), Some("reading")));
    assert_eq!(near.flags, ["--map", "category: read=reading"]);
    let mapped = compare(&with(&paths, &[], &["category: read=reading"])).unwrap();
    assert_eq!((mapped.rows.len(), mapped.comparable_rows()), (4, 4));
    assert!(mapped.nearest.is_empty() && mapped.rows.iter().any(|row| row.id == "csv/read/size=x/rate"));
    let clash = refused(&with(&paths, &["category"], &[]));
    assert!(clash.contains("--compare 'category': 'a.csv' has two levels of it for one case"), "{clash}");
    let none = refused(&with(&paths, &[], &["category: read=writing"]));
    assert!(none.contains("the other side has no level 'writing' of 'category'"), "{none}");
}
