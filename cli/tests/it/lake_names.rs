//! What goes out of a lake, what was renamed in it, and how many false alarms it may give, as a user meets them.

use super::lake::{Place, nights};
use std::fs;

#[test]
fn points_and_boots_are_exported_for_spreadsheets_and_programs() {
    let place = Place::new();
    let (table, lake) = (place.write("nightly.csv", &nights()), place.lake());
    place.is(&["lake", "add", &lake, &table], 0, "");
    let csv = place.is(&["lake", "export", &lake, "--series", "*/a/*", "--since", "2026-02-28"], 0, "");
    let lines: Vec<&str> = csv.lines().collect();
    assert_eq!(lines.len(), 1 + 2, "{csv}");
    assert!(
        lines[0].starts_with("time,machine,case,metric,env,value,unit,direction,boots,invalid,min,max,sd,"),
        "{csv}"
    );
    assert!(lines[1].starts_with("2026-02-28T00:00:00Z,host-a,table/a,throughput,main,"), "{csv}");
    let boots = place.is(&["lake", "export", &lake, "--boots", "--format", "jsonl"], 0, "");
    assert_eq!(boots.lines().count(), 360);
    let first: serde_json::Value = serde_json::from_str(boots.lines().next().unwrap()).unwrap();
    assert!(first["commit"] == "c0" && first["repeat"] == 1 && first["value"].is_f64(), "{first}");
    let parquet = place.path("points.parquet");
    place.is(&["lake", "export", &lake, "--output", &parquet], 0, "points.parquet: 120 rows");
    assert!(fs::read(&parquet).unwrap().starts_with(b"PAR1"));
    place.is(&["lake", "export", &lake, "--format", "parquet"], 2, "want --output FILE");
    place.is(&["lake", "export", &lake, "--series", "x*"], 3, "nothing of this lake was meant");
    // What a spreadsheet would calculate is guarded.
    let odd = place.write("odd.csv", "time,case,value\n2026-01-01,=1+1,5\n");
    let other = place.path("other");
    place.is(&["lake", "add", &other, &odd, "--machine", "=cmd"], 0, "");
    place.is(&["lake", "export", &other], 0, "\"'=cmd\"");
}

#[test]
fn a_renamed_metric_goes_on_and_is_told_by_history() {
    let place = Place::new();
    let (old, new) = (nights(), nights().replace("throughput", "Mbps"));
    let day = |line: &&str| line.split(',').nth(1).and_then(|at| at.parse::<i64>().ok());
    let part = |text: &str, keep: fn(i64) -> bool| -> String {
        let kept = text.lines().filter(|line| day(line).is_none_or(|at| keep((at - 1_767_225_600) / 86_400)));
        kept.map(|line| format!("{line}\n")).collect()
    };
    let old = place.write("old.csv", &part(&old, |night| night < 25));
    let new = place.write("new.csv", &part(&new, |night| night >= 25));
    let lake = place.lake();
    place.is(&["lake", "add", &lake, &old, &new], 0, "");
    let hint = "if that is another name: perfvt lake alias LAKE metric 'throughput' 'Mbps'";
    place.is(&["history", &lake], 0, hint);
    place.is(&["lake", "alias", &lake], 0, "nothing was renamed");
    let said = ["lake", "alias", &lake, "metric", "throughput", "Mbps", "--who", "ann"];
    place.is(&said, 0, "2 series go on under the new name");
    let told = place.is(&["history", &lake], 0, "2 series with 120 points");
    assert!(told.contains("host-a/table/a/Mbps/main was host-a/table/a/throughput/main"), "{told}");
    place.is(&["history", &lake, "--series", "*/throughput/*"], 0, "2 series with 120 points");
    place.is(&["lake", "alias", &lake], 0, "metric 'throughput' is called 'Mbps' since");
    place.is(&["lake", "alias", &lake, "metric", "Mbps", "throughput"], 2, "would go on as itself");
    place.is(&["lake", "alias", &lake, "metric", "latency", "x"], 2, "no series has metric 'latency'");
    place.is(&["lake", "alias", &lake, "metric", "throughput"], 2, "want the new name, or --undo");
    place.is(&["lake", "alias", &lake, "metric", "throughput", "--undo"], 0, "taken back");
    place.is(&["history", &lake], 0, "4 series with 120 points");
    let events = fs::read_to_string(format!("{lake}/events.jsonl")).unwrap();
    assert_eq!(events.lines().count(), 2, "what was said stays: {events}");
}

#[test]
fn so_many_false_alarms_a_month_set_alpha_and_are_told() {
    let place = Place::new();
    let (table, lake) = (place.write("nightly.csv", &nights()), place.lake());
    place.is(&["lake", "add", &lake, &table], 0, "");
    let told = place.is(&["history", &lake, "--false-alarms", "0.03/month"], 0, "alpha 0.001 a point");
    assert!(told.contains("0.03/month asked for: 2 series with a point a night"), "{told}");
    place.is(&["history", &lake, "--false-alarms", "0.001"], 2, "want at least 0.01");
    place.is(&["history", &lake, "--false-alarms", "none"], 2, "want a number above 0 a month");
    place.is(&["history", &lake, "--false-alarms", "1", "--alpha", "0.001"], 2, "cannot be used with");
}

#[test]
fn names_of_files_tell_what_was_measured() {
    let place = Place::new();
    let file = place.write("host-b_20260301_3f2a.csv", "index,value\n0,5\n");
    let lake = place.lake();
    let names = "{machine}_{time}_{commit}.csv";
    place.is(&["lake", "add", &lake, &file, "--names", names], 0, "added (1 point)");
    place.is(&["lake", "export", &lake], 0, "2026-03-01T00:00:00Z,host-b,table/all,value,main,5.0,,none,1,0");
    place.is(&["lake", "add", &lake, &file, "--names", "{commit}.json"], 2, "is not called so");
}

#[test]
fn mixed_units_and_other_odd_points_have_their_sentences() {
    let place = Place::new();
    let lake = place.lake();
    let mixed = place.write("mixed.csv", "time,value,unit\n2026-01-01,1,s\n2026-01-01,9,ms\n");
    place.is(&["lake", "add", &lake, &mixed], 2, "mixed.csv:3: unit 'ms', and 's' in line 2");
    let odd = place.write("odd.csv", "commit,time,value\na,1970-01-01,1\nb,2026-01-02,0\na,2026-01-03,2\n");
    place.is(&["lake", "add", &lake, &odd], 0, "");
    let told = place.is(&["history", &lake], 0, "before the year 2000");
    for part in ["values of 0 or less", "a later one had followed already", "fewer than 6 points"] {
        assert!(told.contains(part), "{part}: {told}");
    }
}
