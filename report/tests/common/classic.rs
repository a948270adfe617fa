//! A small classic table.

use analyze::classic::{ClassicCase, ClassicColumn, ClassicGroup, ClassicTable as Table};
use report::ClassicTable;

pub fn table() -> ClassicTable {
    let texts = |t: &[&str]| -> Vec<String> { t.iter().map(ToString::to_string).collect() };
    let column =
        |name: &str, is_key| ClassicColumn { name: name.to_owned(), metric: name.to_owned(), is_key };
    let case = ClassicCase {
        keys: texts(&["64", "1"]),
        mean_1: texts(&["941.20", "50.00", "300000", "1"]),
        sd_1: texts(&["1%", "0.50%", "3%", "0.0"]),
        mean_2: texts(&["861.20", "51.00", "420000", "1"]),
        sd_2: texts(&["2%", "0.70%", "40%", "0.0"]),
        difference: texts(&["-8.500%", "+2.000%", "+40.000%", "+0.0"]),
        significance: texts(&["-0.999", "+0.981", " 0.812", "-"]),
    };
    let table = Table {
        title: Some("SUM".to_owned()),
        columns: vec![
            column("size", true),
            column("sessions", true),
            column("throughput", false),
            column("CPU", false),
            column("exits", false),
            column("<b>", false),
        ],
        cases: vec![case],
    };
    let group = ClassicGroup {
        category: Some("Category:TCP_STREAM".to_owned()),
        tables: vec![table],
        total_keys: 2,
        total: texts(&["-0.999", "+0.981", " 0.812", "-"]),
    };
    ClassicTable { workload: "netperf".to_owned(), candidate: 0, groups: vec![group] }
}
