//! perfvt against the model of docs/statistics.md in `cli/tests/independent`, which was written from that page alone.

use std::path::Path;
use std::process::Command;

/// Pages that are compared: some two thousand rows.
const PAGES: &str = "100";

/// A Python that has SciPy: the one on the PATH, or Debian's own.
fn python() -> Option<&'static str> {
    let has_scipy = |python: &&str| {
        let asked = Command::new(python).args(["-c", "import scipy.stats"]).output();
        asked.is_ok_and(|asked| asked.status.success())
    };
    ["python3", "/usr/bin/python3"].into_iter().find(has_scipy)
}

#[test]
fn estimates_verdicts_and_exit_codes_are_those_of_a_model_written_from_the_document_alone() {
    let Some(python) = python() else {
        return testing::skip("no python3 with SciPy (Debian: python3-scipy)");
    };
    let _turn = testing::busy();
    let check = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/independent/check.py");
    let said = Command::new(python)
        .args(["-B", "-W", "ignore"])
        .arg(check)
        .args([env!("CARGO_BIN_EXE_perfvt"), "1", PAGES])
        .output()
        .unwrap();
    let (out, wrong) = (String::from_utf8_lossy(&said.stdout), String::from_utf8_lossy(&said.stderr));
    assert!(said.status.success(), "{out}{wrong}");
    let rows: usize = out.split(' ').next().unwrap().parse().unwrap();
    assert!(rows > 1500, "{out}");
}
