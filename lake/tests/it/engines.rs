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
