//! Every dialect of RHS files, what is lost of broken ones, and the writer. The files are the fuzzer's corpus.

use formats::rhs::{
    Document, HeaderKind, LossKind, RhsCategory, RhsCell, RhsFile, RhsWriteError, Table, parse, write,
};
use proptest::prelude::*;
use std::path::Path;

fn text(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus/rhs").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn value(table: &Table<'_>, row: usize, column: &str) -> Option<f64> {
    let column = table.columns.iter().position(|name| *name == column).unwrap();
    table.row_cells(row)[column].value()
}

fn headings(document: &Document<'_>) -> Vec<String> {
    document.tables.iter().map(|table| table.heading().into_owned()).collect()
}

fn losses(document: &Document<'_>) -> Vec<(LossKind, u32, String)> {
    document.losses.iter().map(|l| (l.kind, l.line, l.reason.to_string())).collect()
}

#[test]
fn every_netperf_generation_gives_its_categories_and_numbers() {
    for (name, categories, column, expected) in [
        ("netperf-g0.RHS", vec!["TCP_STREAM", "TCP_RR"], "normalize", 175.80),
        ("netperf-g1.RHS", vec!["TCP_STREAM", "TCP_RR"], "thr/%CPU", 175.80),
        ("netperf-g2a.RHS", vec!["TCP_STREAM"], "#rpkt/#irq", 60.67),
        ("netperf-g2b.RHS", vec!["TCP_STREAM"], "rpkt/irq", 60.67),
        ("netperf-g2c.RHS", vec!["TCP_RR"], "trans.rate", 91234.56),
        ("netperf-g3.RHS", vec!["TCP_STREAM (RX)"], "tx_intr_sum", 9.0),
        ("netperf-g4.RHS", vec!["TCP_STREAM (RX)", "TCP_RR"], "exits", 981233.0),
        ("netperf-crlf.RHS", vec!["TCP_STREAM (RX)"], "exits", 981233.0),
    ] {
        let text = text(name);
        let document = parse(&text);
        assert_eq!(losses(&document), [], "{name}");
        assert_eq!(headings(&document), categories, "{name}");
        assert_eq!(value(&document.tables[0], 0, column), Some(expected), "{name}");
        assert_eq!(document.cell_losses(|_, _| false), [], "{name}");
    }
}

#[test]
fn versions_have_one_name_in_every_dialect() {
    let get = |name: &str| {
        let text = text(name);
        let v = parse(&text).versions();
        [v.userspace, v.host_kernel, v.guest_kernel, v.session_length].map(|v| v.map(str::to_owned))
    };
    let some = |v: [&str; 4]| v.map(|v| (!v.is_empty()).then(|| v.to_owned()));
    assert_eq!(
        get("netperf-g1.RHS"),
        some(["qemu-kvm-0.12.1.2-2.285.el6.x86_64", "2.6.32-262.el6.x86_64", "2.6.32-262.el6.x86_64", ""])
    );
    let g4 = some(["qemu-kvm-1.5.3-20.el7.x86_64", "3.10.0-53.el7.x86_64", "3.10.0-54.el7.x86_64", "60"]);
    assert_eq!(get("netperf-g4.RHS"), g4);
    assert_eq!(get("netperf-crlf.RHS"), g4);
    assert_eq!(get("ffsb.RHS"), some(["qemu-kvm-0.12", "2.6.32", "2.6.32-g", ""]));
    assert_eq!(
        get("fio.RHS"),
        some(["qemu-kvm-6.2.0-1.el9.x86_64", "5.14.0", "5.14.0-g", ""]),
        "b'…' is unwrapped"
    );
    assert_eq!(get("ntttcp-blank-key.RHS"), some(["qemu-kvm-6.2", "", "", ""]));
}

#[test]
fn a_version_keeps_its_colons_and_its_lines() {
    let text = text("multi-line-version.RHS");
    let document = parse(&text);
    let userspace = document.header_value("kvm-userspace-ver").unwrap();
    assert_eq!(
        userspace.lines().collect::<Vec<_>>(),
        ["qemu-kvm-1:2.0-1", "qemu-kvm-core-1:2.0-1", "qemu-img-1:2.0-1"]
    );
    assert_eq!(document.tables.len(), 1);
    assert_eq!(document.trailer, []);
    assert_eq!(parse("#ver# qemu-kvm-1:2.0\n").versions().userspace, Some("qemu-kvm-1:2.0"));
}

#[test]
fn a_document_without_category_is_one_table() {
    let text = text("netperf-udp.RHS");
    let document = parse(&text);
    assert_eq!(
        (document.tables.len(), document.tables[0].category, document.tables[0].title),
        (1, None, None)
    );
    assert_eq!(value(&document.tables[0], 1, "drop_ratio"), Some(0.99));
}

#[test]
fn ffsb_profiles_are_headings_and_trailing_lines_are_facts() {
    let text = text("ffsb.RHS");
    let document = parse(&text);
    assert_eq!(losses(&document), []);
    assert_eq!(headings(&document), ["ffsb-large-file-creates-256k", "ffsb-mail-server-8k", "SUM"]);
    assert_eq!(document.tables[2].columns[0], "None");
    assert_eq!(value(&document.tables[2], 0, "None"), Some(0.0));
    let facts: Vec<_> = document.trailer.iter().map(|e| (e.kind, e.key, e.value, e.line)).collect();
    assert_eq!(
        facts,
        [(HeaderKind::Bare, "Elapsed", "3600.5", 15), (HeaderKind::Bare, "prepare time", "12", 16)]
    );
}

#[test]
fn pktgen_names_script_and_category_in_one_line() {
    let text = text("pktgen.RHS");
    let document = parse(&text);
    assert_eq!(document.tables[1].script, Some("pktgen_sample01_simple"));
    assert_eq!(document.tables[1].category, Some("rx"));
    assert_eq!(headings(&document), ["pktgen_sample01_simple tx", "pktgen_sample01_simple rx"]);
}

#[test]
fn a_header_line_may_hold_a_pipe() {
    let text = text("nfs.RHS");
    let document = parse(&text);
    assert_eq!(losses(&document), []);
    assert_eq!(document.tables.len(), 1);
    assert_eq!(document.header[0].value, "/export|x /mnt");
}

#[test]
fn titles_between_rows_keep_the_columns_and_facts_do_not_interrupt() {
    let text = text("titles-between-rows.RHS");
    let document = parse(&text);
    assert_eq!(losses(&document), []);
    assert_eq!(headings(&document), ["X", "X second half"]);
    assert_eq!(document.tables[1].rows.len(), 3);
    assert_eq!(document.trailer[0].key, "note");
}

#[test]
fn a_title_opens_a_table_with_the_first_row_that_fits() {
    let document = parse("a|b\n1|2\nlater\n1|2|3\n4|5\n");
    assert_eq!(losses(&document), [(LossKind::Row, 4, "3 cells under 2 columns".to_owned())]);
    assert_eq!(headings(&document), ["", "later"]);
    assert_eq!(document.tables[1].rows[0].line, 5);
}

#[test]
fn text_keys_are_rows_and_only_numbers_that_failed_are_losses() {
    let text = text("fio-text-keys.RHS");
    let document = parse(&text);
    assert_eq!(document.tables[0].rows.len(), 4);
    let lost: Vec<_> = document
        .cell_losses(|_, column| column < 2)
        .iter()
        .map(|l| (l.line, l.column, l.reason.to_string()))
        .collect();
    let expected = [
        (3, 36, "'nan' is not a finite number"),
        (4, 38, "'-' is not a finite number"),
        (5, 39, "the cell is empty"),
    ];
    assert_eq!(lost, expected.map(|(l, c, r)| (l, c, r.to_owned())));
}

#[test]
fn odd_cells_cost_a_cell_and_odd_rows_cost_a_row() {
    let text = text("odd-cells.RHS");
    let document = parse(&text);
    assert_eq!(
        losses(&document),
        [
            (LossKind::Row, 9, "2 cells under 3 columns".to_owned()),
            (LossKind::Row, 10, "4 cells under 3 columns".to_owned())
        ]
    );
    assert!(!document.is_lost());
    let lines: Vec<u32> = document.cell_losses(|_, column| column < 2).iter().map(|l| l.line).collect();
    assert_eq!(lines, [3, 4, 5, 6, 7]);
    assert_eq!(value(&document.tables[0], 5, "throughput"), Some(1.5e6), "an exponent is a number");
}

#[test]
fn a_category_without_a_column_line_costs_the_file() {
    let text = text("no-columns.RHS");
    let document = parse(&text);
    assert!(document.is_lost());
    assert_eq!(losses(&document), [(LossKind::File, 1, "category 'X' has no column line".to_owned())]);
    assert!(parse("Category:X\n").is_lost());
    assert!(parse("1|2|3\n").is_lost(), "rows above any column line could mean anything");
    assert!(!parse("").is_lost());
}

#[test]
fn a_last_row_without_its_line_end_is_lost_because_it_may_be_half_of_one() {
    let text = text("netperf-g4.RHS");
    let whole = parse(&text);
    let rows = |d: &Document<'_>| d.tables.iter().map(|t| t.rows.len()).sum::<usize>();
    let lines = text.lines().count() as u32;
    let start = text.trim_end().rfind('\n').unwrap() + 1;
    // Inside the last cell, behind a `|`, and above the first one.
    for cut in [text.len() - 2, text.len() - 3, text.len() - 14, start + 12] {
        let document = parse(&text[..cut]);
        let expected = (LossKind::Row, lines, "the file ends within this line".to_owned());
        assert_eq!(losses(&document), [expected], "cut at {cut}");
        assert_eq!(rows(&document), rows(&whole) - 1);
    }
    let unpadded = parse("k|v\n1|54321\n2|54");
    assert_eq!(losses(&unpadded), [(LossKind::Row, 3, "the file ends within this line".to_owned())]);
    assert_eq!(parse("k|v\nread|1\nwri|").tables.len(), 1, "half a row with a text key is no column line");
    assert_eq!(losses(&parse("k|v\n1|2\n  6")).len(), 1, "half a row without a `|`");
}

#[test]
fn a_last_row_that_is_padded_to_its_column_is_whole_without_a_line_end() {
    // nfs_perf joins its lines and closes none.
    let text = "Category:ALL\nblk_size|           Write|            Read\n       4|          54.321|          98.765";
    let document = parse(text);
    assert_eq!((losses(&document), document.tables[0].rows.len()), (vec![], 1));
    assert_eq!(value(&document.tables[0], 0, "Read"), Some(98.765));
    assert_eq!(parse(&text[..text.len() - 2]).tables[0].rows.len(), 0);
}

#[test]
fn a_file_that_ends_within_a_column_line_is_lost() {
    for text in ["size|sess", "Category:X\nsize|sess", "Category:X\na|b\n1|2\nCategory:Y\na|", "1|2|3"] {
        let document = parse(text);
        let found = losses(&document);
        assert_eq!(found.len(), 1, "{text:?}: {found:?}");
        assert_eq!(
            (found[0].0, found[0].2.as_str()),
            (LossKind::File, "the file ends within its column line")
        );
    }
}

#[test]
fn a_single_cell_is_counted_in_the_singular() {
    assert_eq!(parse("a|b\n7\n").losses[0].reason, "1 cell under 2 columns");
}

#[test]
fn a_repeated_column_line_does_not_start_a_table() {
    let document = parse("Category:X\na|b\n1|2\na|b\n3|4\n");
    assert_eq!((document.tables.len(), document.tables[0].rows.len()), (1, 2));
    let document = parse("Category:X\na|b\n1|2\na|c\n3|4\n");
    assert_eq!(document.tables.len(), 2);
}

#[test]
fn whole_numbers_are_told_from_others_by_their_text() {
    let document = parse("a|b|c|d|e\n64|-3|+7|1.0|x\n");
    let integers: Vec<bool> = document.tables[0].row_cells(0).iter().map(|cell| cell.is_integer()).collect();
    assert_eq!(integers, [true, true, true, false, false]);
}

#[test]
fn columns_count_characters() {
    let document = parse("k|v\né|1\n");
    let table = &document.tables[0];
    assert_eq!(table.rows[0].column(&table.row_cells(0)[1]), 3);
}

fn sample() -> RhsFile {
    let s = str::to_owned;
    RhsFile {
        header: vec![(s("kvm-userspace-ver"), s("qemu-8.2")), (s("session-length"), s("2"))],
        categories: vec![RhsCategory {
            name: s("TCP_STREAM (RX)"),
            columns: vec![s("size"), s("sessions"), s("throughput"), s("a_rather_long_name")],
            rows: vec![vec![
                RhsCell::Integer(64),
                RhsCell::Integer(1),
                RhsCell::Real(812.345),
                RhsCell::Real(1e15),
            ]],
        }],
    }
}

#[test]
fn the_written_layout_is_the_ancestors() {
    let expected = "\
### kvm-userspace-ver : qemu-8.2
### session-length : 2
Category:TCP_STREAM (RX)
        size|    sessions|  throughput|a_rather_long_name
          64|           1|      812.35|1000000000000000.00
";
    assert_eq!(write(&sample()).unwrap(), expected);
}

#[test]
fn what_would_be_read_as_something_else_is_refused() {
    type Break = fn(&mut RhsFile);
    let broken: [Break; 12] = [
        |f| f.header[0].1 = "qemu-1:8".to_owned(),
        |f| f.header[0].1 = "a\nb".to_owned(),
        |f| f.header[0].1 = String::new(),
        |f| f.header[0].0 = " x".to_owned(),
        |f| f.categories[0].name = "a|b".to_owned(),
        |f| f.categories[0].columns[0] = "12".to_owned(),
        |f| f.categories[0].columns[0] = "inf".to_owned(),
        |f| f.categories[0].columns.truncate(1),
        |f| f.categories[0].rows[0].truncate(3),
        |f| f.categories[0].rows[0][2] = RhsCell::Real(f64::NAN),
        |f| f.categories[0].rows[0][0] = RhsCell::Text("a|b".to_owned()),
        |f| f.categories[0].rows[0] = vec![RhsCell::Text("a".to_owned()); 4],
    ];
    for (index, damage) in broken.iter().enumerate() {
        let mut file = sample();
        damage(&mut file);
        assert!(write(&file).is_err(), "damage {index} was written");
    }
    let mut file = sample();
    file.categories[0].rows[0][3] = RhsCell::Real(f64::INFINITY);
    let error = write(&file).unwrap_err();
    assert!(matches!(error, RhsWriteError::Row { row: 1, .. }));
    assert_eq!(
        error.to_string(),
        "writing an RHS file: category 'TCP_STREAM (RX)', row 1: inf is not a finite number"
    );
}

fn name() -> impl Strategy<Value = String> {
    "[A-Za-z#%][A-Za-z0-9/%().é_ -]{0,14}[A-Za-z]"
}

fn cell() -> impl Strategy<Value = RhsCell> {
    prop_oneof![
        any::<i64>().prop_map(RhsCell::Integer),
        (-1_000_000_000_000i64..1_000_000_000_000).prop_map(|n| RhsCell::Real(n as f64 / 100.0)),
        name().prop_map(RhsCell::Text),
    ]
}

fn category() -> impl Strategy<Value = RhsCategory> {
    (2usize..8).prop_flat_map(|width| {
        let rows = proptest::collection::vec(proptest::collection::vec(cell(), width), 0..5);
        (name(), proptest::collection::vec(name(), width), rows)
            .prop_map(|(name, columns, rows)| RhsCategory { name, columns, rows })
    })
}

proptest! {
    #[test]
    fn what_was_written_is_read_back(
        header in proptest::collection::vec((name(), name()), 0..5),
        categories in proptest::collection::vec(category(), 0..4),
    ) {
        let file = RhsFile { header, categories };
        let Ok(text) = write(&file) else { return Ok(()) };
        let document = parse(&text);
        prop_assert_eq!(losses(&document), []);
        let header: Vec<_> = document.header.iter().map(|e| (e.key.to_owned(), e.value.to_owned())).collect();
        prop_assert_eq!(&header, &file.header);
        prop_assert_eq!(document.tables.len(), file.categories.len());
        for (table, category) in document.tables.iter().zip(&file.categories) {
            prop_assert_eq!(table.category, Some(category.name.as_str()));
            prop_assert_eq!(&table.columns, &category.columns);
            prop_assert_eq!(table.rows.len(), category.rows.len());
            for ((_, cells), row) in table.iter().zip(&category.rows) {
                for (cell, expected) in cells.iter().zip(row) {
                    match expected {
                        RhsCell::Integer(n) => prop_assert_eq!(cell.text, n.to_string()),
                        RhsCell::Real(x) => prop_assert_eq!(cell.value(), Some(*x)),
                        RhsCell::Text(text) => prop_assert_eq!(cell.text, text),
                    }
                }
            }
        }
    }
}

#[test]
fn a_row_of_which_only_the_leading_blanks_are_left_is_lost() {
    let whole = "TCP_STREAM\n    size|throughput\n      64|   10.00\n";
    assert!(parse(whole).losses.is_empty());
    let losses = |text: &str| parse(text).losses.len();
    assert_eq!(losses(&format!("{whole}    ")), 1);
    assert_eq!(losses(&format!("{whole}\n")), 0);
}
