//! The defects of regression.py, by their numbers in the list that this project started from: perfvt has none of those that
//! concern finding, reading, tabulating and judging. Numbers that are missing here concern the command and its page (11, 13,
//! 17) and stand in `cli/tests/ancestor_defects.rs`.

use analyze::classic::{Classic, classic};
use analyze::discover::discover;
use analyze::{CompareOptions, Comparison, Model, Row, Verdict, compare};
use formats::perf_conf::Conf;
use formats::rhs::{Document, parse};
use stats::SplitMix64;
use std::fs;
use std::path::{Path, PathBuf};

const CONF: &str = "[mine]\nkeys = size sessions\n";

fn with<T>(a: &[&str], b: &[&str], look: impl FnOnce(&Classic<'_>) -> T) -> T {
    let conf = Conf::with_layers([("test.conf", CONF)]).unwrap();
    let a: Vec<Document<'_>> = a.iter().map(|text| parse(text)).collect();
    let b: Vec<Document<'_>> = b.iter().map(|text| parse(text)).collect();
    let (a, b): (Vec<_>, Vec<_>) = (a.iter().collect(), b.iter().collect());
    look(&classic(conf.section("mine").unwrap(), &a, &b))
}

fn table(a: &[&str], b: &[&str]) -> String {
    with(a, b, |table| table.text())
}

/// The lines of the case whose keys are given.
fn block<'t>(text: &'t str, keys: &str) -> Vec<&'t str> {
    let start = format!("1|Avg|{keys}|");
    text.lines().skip_while(|line| !line.starts_with(&start)).take(6).collect()
}

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("perfvt-defects-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Folder(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Compares two sides, each given as one file for each repeat.
fn judged(name: &str, a: &[String], b: &[String]) -> Comparison {
    let folder = Folder::new(name);
    let paths = [("a", a), ("b", b)].map(|(side, files)| {
        for (index, text) in files.iter().enumerate() {
            let results = folder.0.join(format!("{side}/job.repeat{}.netperf.x/results", index + 1));
            fs::create_dir_all(&results).unwrap();
            fs::write(results.join("netperf.RHS"), text).unwrap();
        }
        folder.0.join(side)
    });
    compare(&CompareOptions::new(Conf::builtin(), paths.to_vec())).unwrap()
}

/// A file of one category and one row, with these columns behind its keys.
fn one_row(columns: &[(&str, f64)]) -> String {
    let names: Vec<&str> = columns.iter().map(|(name, _)| *name).collect();
    let values: Vec<String> = columns.iter().map(|(_, value)| format!("{value:.4}")).collect();
    format!("Category:TCP_STREAM\nsize|sessions|{}\n64|1|{}\n", names.join("|"), values.join("|"))
}

fn metric<'c>(comparison: &'c Comparison, name: &str) -> &'c Row {
    comparison.rows.iter().find(|row| row.metric == *name).unwrap()
}

#[test]
fn defect_01_constant_columns_do_not_take_the_significance_row_away() {
    let a =
        ["Category:X\nsize|sessions|x|same\n64|1|1.0|7\n", "Category:X\nsize|sessions|x|same\n64|1|1.1|7\n"];
    let b =
        ["Category:X\nsize|sessions|x|same\n64|1|2.0|7\n", "Category:X\nsize|sessions|x|same\n64|1|2.3|7\n"];
    let text = table(&a, &b);
    let block = block(&text, "64|1");
    assert_eq!(block.len(), 6);
    assert!(block[5].starts_with("-|Significance|+0.9") && block[5].ends_with("|-"), "{}", block[5]);
}

#[test]
fn defect_02_the_mean_does_not_depend_on_the_order_in_which_files_are_found() {
    let folder = Folder::new("order");
    // Created in an order that is not theirs; `find` would list them as the directory happens to hold them.
    for (repeat, value) in [(10, "1"), (2, "1.9"), (1, "1.9")] {
        let results = folder.0.join(format!("job.repeat{repeat}.mine.x/results"));
        fs::create_dir_all(&results).unwrap();
        fs::write(results.join("mine.RHS"), format!("size|sessions|x\n64|1|{value}\n")).unwrap();
    }
    let files = discover(&folder.0, |path| path.extension().is_some_and(|e| e == "RHS")).unwrap().files;
    let texts: Vec<String> = files.iter().map(|file| fs::read_to_string(file).unwrap()).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    assert_eq!(block(&table(&texts, &texts), "64|1")[0], "1|Avg|64|1|1.60");
}

#[test]
fn defect_03_a_rise_from_zero_is_a_rise() {
    let side = |values: [f64; 4]| values.map(|v| one_row(&[("re_pkts", v), ("irq_inj", v / 1000.0)]));
    let result = judged("zero", &side([0.0; 4]), &side([1000.0, 1001.0, 1002.0, 1003.0]));
    let risen = metric(&result, "re_pkts");
    assert_eq!((risen.diff, risen.ratio), (Some(1001.5), None), "a difference, and no ratio to zero");
    assert_eq!((risen.verdict, risen.reason), (Verdict::Regressed, None), "more than any share of nothing");
    assert!(risen.p_model.unwrap() < 1e-6 && risen.diff_ci.unwrap().0 > 0.0);
    // A mean below one is no zero either: nothing is cut to whole numbers before it is compared.
    let whole = ["0", "1", "0", "1"].map(|v| format!("Category:C\nsize|sessions|re_pkts\n64|1|{v}\n"));
    let more = ["2", "3", "2", "3"].map(|v| format!("Category:C\nsize|sessions|re_pkts\n64|1|{v}\n"));
    let result = judged("cut", &whole, &more);
    let row = metric(&result, "re_pkts");
    assert_eq!((row.a.mean, row.b.mean, row.ratio_of_means), (Some(0.5), Some(2.5), Some(5.0)));
}

#[test]
fn defect_04_a_ratio_column_has_one_direction() {
    // Per repeat the efficiency falls by a fifth; the ratio of the means would say that it rose.
    let a = [(10.0, 0.2), (10.0, 0.25), (1000.0, 50.0), (990.0, 50.0)];
    let b = [(1000.0, 40.0), (990.0, 40.0), (1000.0, 41.0), (1010.0, 41.0)];
    let sum = |side: [(f64, f64); 4]| side.iter().fold((0.0, 0.0), |s, v| (s.0 + v.0, s.1 + v.1));
    assert!(sum(b).0 / sum(b).1 > sum(a).0 / sum(a).1);
    let file = |(throughput, cpu): (f64, f64)| one_row(&[("throughput", throughput), ("CPU", cpu)]);
    let (a, b) = (a.map(file), b.map(file));
    let result = judged("direction", &a, &b);
    let row = metric(&result, "thr_per_CPU");
    assert_eq!(row.a.values, [50.0, 40.0, 20.0, 19.8], "one ratio for each repeat, and no ratio of means");
    let (ratio, ci) = (row.ratio.unwrap(), row.ratio_ci.unwrap());
    assert!(ratio < 1.0 && ci.0 < ratio && ratio < ci.1, "{ratio} {ci:?}");
    assert!(row.ratio_of_means.unwrap() < 1.0 && row.diff.unwrap() < 0.0 && row.hedges_g.unwrap() < 0.0);
}

#[test]
fn defect_05_rows_in_another_order_are_not_compared_with_each_other() {
    let a = ["size|sessions|x\n64|1|1.0\n1024|1|9.0\n"; 2];
    let b = ["size|sessions|x\n1024|1|9.0\n64|1|1.0\n"; 2];
    let text = table(&a, &b);
    assert_eq!(block(&text, "64|1")[4], "-|%Diff between Avg|+0.000%");
    assert_eq!(block(&text, "1024|1")[2], "2|Avg|9.00");
}

#[test]
fn defect_06_sides_of_different_length_keep_every_row() {
    let long = "size|sessions|x\n64|1|1.0\n128|1|2.0\n256|1|3.0\n";
    let short = "size|sessions|x\n256|1|3.5\n";
    for (a, b) in [(long, short), (short, long)] {
        let text = table(&[a, a], &[b, b]);
        assert_eq!(text.matches("1|Avg|").count(), 3, "{text}");
        with(&[a, a], &[b, b], |table| assert_eq!(table.warnings[0].code, "unmatched-cases"));
    }
}

#[test]
fn defect_07_exponents_and_failed_numbers_are_cells_and_no_headers() {
    let a = ["size|sessions|x|y\n64|1|1.5e+06|nan\n128|1|inf|2.0\n"; 2];
    let b = ["size|sessions|x|y\n64|1|3.0e+06|1.0\n128|1|5.0|2.0\n"; 2];
    let text = table(&a, &b);
    assert_eq!(block(&text, "64|1")[0], "1|Avg|64|1|1500000.00|-");
    assert_eq!(block(&text, "64|1")[4], "-|%Diff between Avg|+100.000%|-");
    assert_eq!(block(&text, "128|1")[0], "1|Avg|128|1|-|2.00");
}

#[test]
fn defect_08_blank_lines_empty_categories_and_early_headers_do_no_harm() {
    let file = "### note : first\n\nsize|sessions|x\n\n64|1|1.0\n\nCategory:A\nsize|sessions|x\nCategory:B\n\nsize|sessions|x\n64|1|2.0\n\n";
    let text = table(&[file, file], &[file, file]);
    assert_eq!(text.matches("1|Avg|64|1|").count(), 2, "{text}");
    assert!(text.contains("Category:A\n#|Tile|size|sessions|x\n-|Total Significance| | |-\n"));
}

#[test]
fn defect_09_avg_update_neither_divides_by_zero_nor_leaves_the_row() {
    let file = "size|sessions|x|cpu|eff\n64|1|10.0|0.0|3.0\n";
    for (value, expected, warnings) in
        [("4,2,3", "|10.00|0.00|-", 0), ("9,2,3", "|10.00|0.00|3.00", 1), ("4,2,99", "|10.00|0.00|3.00", 1)]
    {
        let layer = format!("{CONF}avg_update = {value}\n");
        let conf = Conf::with_layers([("old.conf", layer.as_str())]).unwrap();
        let document = parse(file);
        let result = classic(conf.section("mine").unwrap(), &[&document], &[&document]);
        assert!(result.text().contains(expected), "{value}: {}", result.text());
        assert_eq!(result.warnings.len(), warnings, "{value}");
    }
}

#[test]
fn defect_10_no_results_one_result_and_no_session_length_are_answers() {
    let folder = Folder::new("nothing");
    assert!(discover(&folder.0, |_| true).unwrap().files.is_empty());
    let error = discover(&folder.0.join("no such directory"), |_| true).unwrap_err();
    assert!(error.to_string().contains("no such directory"), "{error}");
    let one = "size|sessions|x\n64|1|1.0\n";
    let text = table(&[one], &[one]);
    assert_eq!(block(&text, "64|1")[5], "-|Significance|-");
    assert_eq!(parse(one).versions().session_length, None);
}

#[test]
fn defect_12_a_section_with_few_keys_is_complete() {
    let old = "[iozone]\nresult_file_pattern = .*.RHS\n[ntttcp]\nignore_col = 1\navg_update =\n[new]\nresult_file_pattern = .*.RHS\n";
    let conf = Conf::with_layers([("perf.conf", old)]).unwrap();
    for name in ["iozone", "ntttcp", "ffsb", "fio", "new"] {
        let section = conf.section(name).unwrap();
        let file = "a|b\n1|2.0\n";
        let document = parse(file);
        assert!(classic(section, &[&document], &[&document]).text().contains("Significance"), "{name}");
    }
}

#[test]
fn defect_14_versions_keep_what_stands_behind_a_colon() {
    let document =
        parse("### kvm-userspace-ver : qemu-kvm-1:2.0\nqemu-img-1:2.0\n### kvm_version : 5.14:rt\n");
    assert_eq!(document.versions().userspace, Some("qemu-kvm-1:2.0\nqemu-img-1:2.0"));
    assert_eq!(document.versions().host_kernel, Some("5.14:rt"));
    assert!(document.tables.is_empty(), "the second line of rpm -q is no row");
}

#[test]
fn defect_15_directories_are_names_and_never_commands() {
    let folder = Folder::new("shell");
    let nasty = folder.0.join("A; touch PWNED; find A");
    fs::create_dir_all(nasty.join("with space")).unwrap();
    fs::write(nasty.join("with space/x.RHS"), "").unwrap();
    assert_eq!(discover(&nasty, |_| true).unwrap().files, [nasty.join("with space/x.RHS")]);
    assert!(!Path::new("PWNED").exists() && !folder.0.join("PWNED").exists());
}

#[test]
fn defect_16_every_category_has_its_own_total_and_files_without_categories_have_one() {
    let rows = |x: f64| format!("size|sessions|x\n1|1|{x:.2}\n2|1|{:.2}\n4|1|{:.2}\n", x * 2.5, x * 4.0);
    let bare = |x: f64| rows(x);
    let two = |x: f64| format!("Category:A\n{}Category:B\n{}", rows(x), rows(10.0));
    let totals = |text: String| -> Vec<String> {
        text.lines().filter(|line| line.contains("Total")).map(str::to_owned).collect()
    };
    let of_bare = totals(table(&[&bare(10.0)], &[&bare(20.0)]));
    assert_eq!(of_bare.len(), 1);
    let of_two = totals(table(&[&two(10.0)], &[&two(20.0)]));
    assert_eq!(of_two, [of_bare[0].clone(), "-|Total Significance| | |-".to_owned()]);
}

#[test]
fn defect_18_the_statistics_keep_their_promises() {
    // Unequal spread and unequal n: not Student, which alarms five times too often there; both n are told.
    let calm: Vec<String> = (0..10).map(|i| one_row(&[("throughput", 100.0 + 0.1 * f64::from(i))])).collect();
    let wild = [97.0, 100.5, 106.0].map(|v| one_row(&[("throughput", v)]));
    let result = judged("welch", &wild, &calm);
    let row = metric(&result, "throughput");
    assert_eq!((row.model, row.a.n, row.b.n, row.n_min), (Some(Model::Welch), 3, 10, 3));
    assert!(row.p.student.unwrap() < row.p.welch.unwrap());

    // Many rows without a change, at spreads that give small p by chance: corrected for their number.
    let many = |first: u64| -> Vec<String> {
        let file = |seed: u64| {
            let mut random = SplitMix64::new(seed);
            let mut line = |row: u32| format!("{row}|1|{:.2}\n", 100.0 + 10.0 * random.next_normal());
            let rows: String = (0..200).map(&mut line).collect();
            format!("Category:TCP_STREAM\nsize|sessions|throughput\n{rows}")
        };
        (first..first + 5).map(file).collect()
    };
    let result = judged("many", &many(1), &many(101));
    let small = result.rows.iter().filter(|row| row.p_model.unwrap() <= 0.05).count();
    let decided = result.rows.iter().filter(|row| row.verdict.is_decided_change()).count();
    assert!(small >= 5 && decided <= 1 && result.families[0].size == 200, "{small} {decided}");
    assert!(result.rows.iter().all(|row| row.q.unwrap() >= row.p_model.unwrap()));

    // A p is a number and not three decimals of 1 - p.
    let side = |level: f64| [0.0, 0.01, 0.02, 0.03, 0.04].map(|d| one_row(&[("throughput", level + d)]));
    let p = metric(&judged("tiny", &side(1000.0), &side(2000.0)), "throughput").p_model.unwrap();
    assert!(p > 0.0 && p < 1e-20, "{p:e}");

    // What is said over all rows rests on the boots: five boots a side, however many rows there are.
    let level = |boot: u64, rows: u64, shift: f64| {
        let of_boot = 1.0 + 0.03 * ((boot * 7 % 5) as f64 - 2.0) + shift;
        let line = |row: u64| format!("{row}|1|{:.3}\n", of_boot * (500.0 + row as f64));
        format!("Category:TCP_STREAM\nsize|sessions|throughput\n{}", (0..rows).map(line).collect::<String>())
    };
    let width = |rows: u64| {
        let side = |shift: f64| -> Vec<String> { (0..5).map(|boot| level(boot, rows, shift)).collect() };
        let score = judged("score", &side(0.0), &side(0.01)).summary[0].score.unwrap();
        assert_eq!(score.rows as u64, rows);
        score.ci.1 - score.ci.0
    };
    assert!((width(100) / width(4) - 1.0).abs() < 0.05, "more rows of the same boots are no more evidence");
}
