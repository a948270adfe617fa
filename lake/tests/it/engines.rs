//! What this crate writes, read by others.

use super::support::night;
use lake::{Boot, Lake, Point, Table};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The Python of the venv with the engines.
fn python() -> Option<PathBuf> {
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let cache = cache.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache")));
    let engines = cache.unwrap_or_default().join("perfvt-tests/engines");
    // Written when everything that was wanted is there.
    if engines.join("ready").exists() {
        return Some(engines.join("venv/bin/python"));
    }
    testing::skip("DuckDB, pyarrow and DataFusion are not there; scripts/setup-test.sh fetches them");
    None
}

#[test]
fn three_engines_read_what_is_written_as_it_was_written() {
    let Some(python) = python() else { return };
    let dir = tempfile::tempdir().unwrap();
    let lake = Lake::open_or_create(&dir.path().join("lake")).unwrap();
    // Daily files and one of a month.
    for day in 0..6 {
        lake.add(&night(&format!("n{day}"), if day < 3 { "202610" } else { "202611" }, 20, day)).unwrap();
    }
    lake.compact("202611").unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/engines/read.py");
    let output = Command::new(python).arg(script).arg(lake.root()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let (points, boots) = (lake.rows::<Point>().rows, lake.rows::<Boot>().rows);
    let mut told = 0;
    for line in String::from_utf8(output.stdout).unwrap().lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        let is_points = line["table"] == "points";
        let (rows, total, columns) = match is_points {
            true => (points.len(), points.iter().map(|p| p.mean).sum::<f64>(), Point::COLUMNS),
            false => (boots.len(), boots.iter().filter_map(|b| b.value).sum::<f64>(), Boot::COLUMNS),
        };
        assert_eq!(line["rows"], rows, "{line}");
        assert!((line["total"].as_f64().unwrap() / total - 1.0).abs() < 1e-12, "{line}");
        let found: Vec<&str> =
            line["columns"].as_array().unwrap().iter().filter_map(|c| c.as_str()).collect();
        assert!(columns.iter().all(|(name, _)| found.contains(name)), "{line}");
        told += 1;
    }
    assert_eq!(told, 6);
}

/// The queries of a document, in order.
fn queries(document: &str) -> Vec<String> {
    let blocks = document.split("```sql\n").skip(1).filter_map(|block| block.split("```").next());
    let all = blocks.flat_map(|block| block.split(';'));
    all.map(str::trim).filter(|query| !query.is_empty()).map(str::to_owned).collect()
}

#[test]
fn the_queries_of_the_document_give_what_they_promise() {
    let Some(python) = python() else { return };
    let dir = tempfile::tempdir().unwrap();
    let lake = Lake::open_or_create(&dir.path().join("lake")).unwrap();
    for day in 0..3 {
        lake.add(&night(&format!("n{day}"), "202611", 4, day)).unwrap();
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let queries = queries(&std::fs::read_to_string(root.join("../docs/history.md")).unwrap());
    assert_eq!(queries.len(), 3);
    let mut answers: Vec<Vec<Vec<serde_json::Value>>> = Vec::new();
    for query in &queries {
        let query = query.replace("/srv/lake", &lake.root().display().to_string());
        let output =
            Command::new(&python).arg(root.join("tests/engines/query.py")).arg(query).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        answers.push(serde_json::from_slice(&output.stdout).unwrap());
    }
    let [newest, spread, invalid] = &answers[..] else { panic!("{answers:?}") };
    let points = lake.rows::<Point>().rows;
    assert_eq!(newest.len(), 4);
    for row in newest {
        let of = points.iter().filter(|p| row[0] == *p.machine && row[1] == *p.case && row[2] == *p.metric);
        let last = of.max_by_key(|p| p.measured_at).unwrap();
        assert_eq!((row[3].as_f64(), row[4].as_str()), (Some(last.mean_raw), Some("Mbit/s")), "{row:?}");
    }
    assert!(spread.len() == 4 && spread.iter().all(|row| row[2] == 0.03 && row[3] == 3), "{spread:?}");
    // The first boot of each night gave no value.
    assert_eq!(serde_json::json!(invalid), serde_json::json!([["guest-died", 3]]));
}
