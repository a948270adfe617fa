//! The classic table: published cells, alignment, numerics and notes.

use analyze::classic::{Classic, classic};
use formats::perf_conf::Conf;
use formats::rhs::{Document, parse};
use std::path::Path;

fn published(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/published").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// Runs the table over texts and hands it to `look`.
fn with<T>(conf: &Conf, workload: &str, a: &[&str], b: &[&str], look: impl FnOnce(&Classic<'_>) -> T) -> T {
    let a: Vec<Document<'_>> = a.iter().map(|text| parse(text)).collect();
    let b: Vec<Document<'_>> = b.iter().map(|text| parse(text)).collect();
    let (a, b): (Vec<_>, Vec<_>) = (a.iter().collect(), b.iter().collect());
    look(&classic(conf.section(workload).unwrap(), &a, &b))
}

fn text(conf: &str, a: &[&str], b: &[&str]) -> String {
    let conf = Conf::with_layers([("test.conf", conf)]).unwrap();
    with(&conf, "mine", a, b, |table| table.text())
}

const MINE: &str = "[mine]\nkeys = size sessions\n";

#[test]
fn every_comparable_cell_of_the_published_ffsb_page_comes_out() {
    let files = [
        "ffsb.side1.repeat1.RHS",
        "ffsb.side1.repeat2.RHS",
        "ffsb.side2.repeat1.RHS",
        "ffsb.side2.repeat2.RHS",
    ]
    .map(published);
    let conf = Conf::builtin();
    let ours = with(&conf, "ffsb", &[&files[0], &files[1]], &[&files[2], &files[3]], |table| table.text());
    let theirs = published("ffsb.expected.txt");
    assert_eq!(ours.lines().count(), theirs.lines().count());
    let (mut keys, mut cells, mut totals) = (0, 0, 0);
    for (number, (ours, theirs)) in ours.lines().zip(theirs.lines()).enumerate() {
        assert_eq!(ours, theirs, "line {}", number + 1);
        let width = ours.split('|').count();
        match ours.split('|').nth(1) {
            Some("Avg") if ours.starts_with('1') => (keys, cells) = (keys + 1, cells + width - 3),
            Some("Avg" | "%SD" | "%Diff between Avg" | "Significance") => cells += width - 2,
            Some("Total Significance") => totals += width - 3,
            _ => {}
        }
    }
    assert_eq!((keys, cells, totals), (22, 774, 6));
}

fn lines(text: &str) -> Vec<&str> {
    text.lines().collect()
}

#[test]
fn the_layout_is_the_ancestors() {
    let a = [
        "Category:C\n    size|    sessions|  throughput\n 64|1| 10.00\n",
        "Category:C\nsize|sessions|throughput\n64|1|10.20\n",
    ];
    let b = [
        "Category:C\nsize|sessions|throughput\n64|1|20.00\n",
        "Category:C\nsize|sessions|throughput\n64|1|20.20\n",
    ];
    let expected = "\
Category:C
#|Tile|size|    sessions|  throughput
1|Avg|64|1|10.10
 |%SD|1%
2|Avg|20.10
 |%SD|0.70%
-|%Diff between Avg|+99.010%
-|Significance|+1.000
-|Total Significance| | |-
";
    assert_eq!(text(MINE, &a, &b), expected);
}

#[test]
fn rows_and_columns_meet_by_name_whatever_their_order() {
    let a = ["size|sessions|x|y\n64|1|1.0|5.0\n1024|1|2.0|6.0\n"; 2];
    let b = ["y|sessions|size|x\n60.0|1|1024|20.0\n50.0|1.00|64|10.0\n"; 2];
    let out = text(MINE, &a, &b);
    let found = lines(&out);
    assert_eq!(found[0], "#|Tile|size|sessions|x|y");
    assert_eq!((found[1], found[3]), ("1|Avg|64|1|1.00|5.00", "2|Avg|10.00|50.00"));
    assert_eq!((found[7], found[9]), ("1|Avg|1024|1|2.00|6.00", "2|Avg|20.00|60.00"));
}

#[test]
fn old_and_new_names_meet_and_side_one_names_the_columns() {
    let corpus = |name: &str| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus/rhs").join(name);
        std::fs::read_to_string(path).unwrap()
    };
    let old = corpus("netperf-g2a.RHS").replace(" 2000|       1|", "   64|       1|");
    let new = corpus("netperf-g4.RHS");
    let conf = Conf::builtin();
    with(&conf, "netperf", &[&old, &old], &[&new, &new], |table| {
        let groups = table.groups();
        assert_eq!(groups[0].category.as_deref(), Some("Category:TCP_STREAM"));
        let table = &groups[0].tables[0];
        let at = |metric: &str| table.columns.iter().position(|c| c.metric == metric).unwrap() - 2;
        let case = &table.cases[0];
        assert_eq!(case.keys, ["64", "1"]);
        assert_eq!(
            (case.mean_1[at("exits")].as_str(), case.mean_2[at("exits")].as_str()),
            ("218640", "981233")
        );
        assert_eq!((case.mean_1[at("CPU")].as_str(), case.mean_2[at("CPU")].as_str()), ("16.58", "12.50"));
        assert_eq!(case.mean_2[at("irq_inj")], "-", "the newer file has no such column");
        assert_eq!(groups[1].category.as_deref(), Some("Category:TCP_RR"), "only side 2 has it");
    });
}

#[test]
fn what_one_side_lacks_is_shown_and_named() {
    let conf = Conf::with_layers([("x", MINE)]).unwrap();
    let a = ["Category:C\nsize|sessions|x\n1|1|1.0\n2|1|2.0\n", "Category:C\nsize|sessions|x\n1|1|1.5\n"];
    let b = ["Category:C\nsize|sessions|x\n3|1|3.0\n1|1|nan\n1|1|4.0|\n"];
    with(&conf, "mine", &a, &b, |table| {
        let out = table.text();
        let found = lines(&out);
        assert_eq!(
            found[2..8],
            [
                "1|Avg|1|1|1.25",
                " |%SD|28%",
                "2|Avg|4.00",
                " |%SD|0.00%",
                "-|%Diff between Avg|+220.000%",
                "-|Significance|-"
            ]
        );
        assert_eq!(
            found[8..14],
            [
                "1|Avg|2|1|2.00",
                " |%SD|0.00%",
                "2|Avg|-",
                " |%SD|-",
                "-|%Diff between Avg|-",
                "-|Significance|-"
            ]
        );
        assert_eq!(found[14..16], ["1|Avg|3|1|-", " |%SD|-"]);
        let warnings: Vec<(&str, usize)> = table.warnings.iter().map(|w| (w.code, w.count)).collect();
        assert_eq!(warnings, [("lost-cells", 1), ("duplicate-cases", 1), ("unmatched-cases", 2)]);
        assert_eq!(table.warnings[2].text, "2 cases on one side only: C 2|1, C 3|1");
    });
}

#[test]
fn a_case_twice_in_a_file_is_averaged_and_rows_without_keys_go_by_order() {
    let twice = "size|sessions|x\n1|1|1\n1|1|4\n";
    let out = text(MINE, &[twice, twice], &[twice, twice]);
    assert_eq!(lines(&out)[1], "1|Avg|1|1|2");
    let blank = ["size|sessions|x\n||1.0\n||4.0\n"; 2];
    let out = text(MINE, &blank, &blank);
    assert_eq!((lines(&out)[1], lines(&out)[7]), ("1|Avg|||1.00", "1|Avg|||4.00"));
}

#[test]
fn text_keys_stay_text() {
    let conf = "[mine]\nkeys = rw bs part\n";
    let file = ["rw|bs|part|iops\nrandread|4k|0.125|10\nrandwrite|4k|1.5|11\n"; 2];
    let out = text(conf, &file, &file);
    assert_eq!(
        (lines(&out)[1], lines(&out)[7]),
        ("1|Avg|randread|4k|0.125|10", "1|Avg|randwrite|4k|1.50|11")
    );
}

#[test]
fn without_keys_the_first_ignore_col_columns_are_the_keys() {
    let file = ["a|b|c\n1|2.0|3.0\n"; 2];
    assert_eq!(
        lines(&text("[mine]\nignore_col = 2\n", &file, &file))[1..3],
        ["1|Avg|1|2.00|3.00", " |%SD|0.00%"]
    );
    assert_eq!(lines(&text("[mine]\nignore_col = 0\n", &file, &file))[2], " |%SD|0.00%|0.00%|0.00%");
}

#[test]
fn titles_do_not_end_a_category_and_total_takes_rows_with_the_full_column_set() {
    let file = |scale: f64| {
        let row = |k: f64, x: f64| format!("{k}|{:.2}|{:.2}\n", x * scale, x + scale);
        format!(
            "Category:ALL\nfirst\nthread|x|y\n{}{}second\nthread|x|y\n{}Category:SUM\nNone|x\n0|{:.2}\n",
            row(1.0, 10.0),
            row(2.0, 22.0),
            row(1.0, 37.0),
            100.0 * scale
        )
    };
    let (a, b) = ([file(1.0), file(1.01)], [file(1.5), file(1.51)]);
    let conf = "[mine]\nkeys = thread\n";
    let out = text(conf, &[&a[0], &a[1]], &[&b[0], &b[1]]);
    let totals: Vec<&str> = out.lines().filter(|line| line.contains("Total")).collect();
    // Paired over 10.05 22.11 37.18 and 15.05 33.11 55.68, and over 11.00 23.00 38.00 and 11.50 23.50 38.50.
    assert_eq!(totals, ["-|Total Significance| | 0.901|-", "-|Total Significance| |-"]);
    let heads: Vec<&str> = out.lines().filter(|line| !line.contains('|')).collect();
    assert_eq!(heads, ["Category:ALL", "first", "second", "Category:SUM"]);
}

#[test]
fn avg_update_acts_on_printed_means_only() {
    let conf = "[mine]\nignore_col = 1\navg_update = 3,1,2\n";
    let file = |x: f64, cpu: f64| format!("size|thr|cpu|eff\n1|{x:.2}|{cpu:.2}|{:.2}\n", x / cpu);
    let a = [file(100.0, 10.0), file(140.0, 8.0)];
    let b = [file(110.0, 10.0), file(150.0, 0.0)];
    let out = text(conf, &[&a[0], &a[1]], &[&b[0], &b[1]]);
    let found = lines(&out);
    assert_eq!(found[1], "1|Avg|1|120.00|9.00|13.33", "the ratio of the printed means, not 13.75");
    // SD of 10.00 and 17.50 (5.303) over the replaced mean.
    assert_eq!(found[2], " |%SD|24%|16%|40%");
    assert_eq!(found[3], "2|Avg|130.00|5.00|26.00");
    let zero = [
        file(1.0, 1.0).replace("1.00|1.00|1.00", "1.00|0.00|1.00"),
        file(1.0, 1.0).replace("1.00|1.00|1.00", "1.00|0.00|1.00"),
    ];
    assert!(text(conf, &[&zero[0], &zero[1]], &[&a[0], &a[1]]).contains("1|Avg|1|1.00|0.00|-"));
}

#[test]
fn avg_update_beyond_the_table_is_said_and_does_nothing() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus/rhs/netperf-g4.RHS");
    let file = std::fs::read_to_string(corpus).unwrap();
    let builtin = Conf::builtin();
    let shipped =
        with(&builtin, "netperf", &[&file, &file], &[&file, &file], |t| (t.text(), t.warnings.clone()));
    assert_eq!(shipped.1, [], "the shipped triples fit every generation");
    for (value, bad) in [("4,2,3|14,5,12|15,6,13", 2), ("4,2,3|12,5,10|13,6,11", 1)] {
        let layer = format!("[netperf]\navg_update = {value}\n");
        let conf = Conf::with_layers([("old.conf", layer.as_str())]).unwrap();
        with(&conf, "netperf", &[&file, &file], &[&file, &file], |table| {
            let mut text = table.text();
            assert_eq!(table.warnings.len(), bad, "{value}: {:?}", table.warnings);
            assert!(table.warnings[0].text.contains("old.conf:2"), "{}", table.warnings[0].text);
            if value.contains("12,5,10") {
                // Position 12 of today's layout is tx_intr_sum: the old triple overwrites it, as it always did.
                text = text.replace("|402118|4.30\n", "|402118|14\n");
            }
            assert_eq!(text, shipped.0, "{value}");
        });
    }
}

#[test]
fn the_shipped_triples_act_on_the_generation_that_has_the_columns() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus/rhs/netperf-g1.RHS");
    let file = std::fs::read_to_string(corpus).unwrap();
    let g1 = file.replace("   4.33|", "  99.99|");
    let conf = Conf::builtin();
    let out = with(&conf, "netperf", &[&g1, &g1], &[&file, &file], |table| table.text());
    let first = lines(&out).into_iter().find(|l| l.starts_with("1|Avg|2000")).unwrap();
    assert!(first.ends_with("|4.33|60.67"), "946015 / 218640, whatever the files say: {first}");
}

#[test]
fn the_cells_for_pages_are_those_of_the_text() {
    let files = [
        "ffsb.side1.repeat1.RHS",
        "ffsb.side1.repeat2.RHS",
        "ffsb.side2.repeat1.RHS",
        "ffsb.side2.repeat2.RHS",
    ]
    .map(published);
    let conf = Conf::builtin();
    with(&conf, "ffsb", &[&files[0], &files[1]], &[&files[2], &files[3]], |table| {
        let mut again = String::new();
        for group in table.groups() {
            for table in group.tables {
                again += &format!("{}\n", table.title.unwrap());
                let names: Vec<&str> = table.columns.iter().map(|c| c.name.as_str()).collect();
                again += &format!("#|Tile|{}\n", names.join("|"));
                for case in table.cases {
                    again += &format!(
                        "1|Avg|{}|{}\n |%SD|{}\n",
                        case.keys.join("|"),
                        case.mean_1.join("|"),
                        case.sd_1.join("|")
                    );
                    again += &format!("2|Avg|{}\n |%SD|{}\n", case.mean_2.join("|"), case.sd_2.join("|"));
                    again += &format!(
                        "-|%Diff between Avg|{}\n-|Significance|{}\n",
                        case.difference.join("|"),
                        case.significance.join("|")
                    );
                }
            }
            again +=
                &format!("-|Total Significance{}|{}\n", "| ".repeat(group.total_keys), group.total.join("|"));
        }
        let squeeze = |text: &str| text.replace(' ', "");
        assert_eq!(squeeze(&again), squeeze(&table.text()));
    });
}

#[test]
fn nothing_to_compare_is_an_empty_table() {
    assert_eq!(text(MINE, &[], &[]), "");
    assert_eq!(text(MINE, &["Category:X\n1|2|3\n"], &[""]), "", "a lost file takes no part");
    let one = text(MINE, &["size|sessions|x\n1|1|2.0\n"], &[]);
    assert_eq!(lines(&one)[3], "2|Avg|-");
}
