//! The scripts that run in Windows guests, read by the grammar of their language: no Windows is here to run them.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The Python of the venv that has the grammar.
fn python() -> Option<PathBuf> {
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let cache = cache.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache")));
    let python = cache.unwrap_or_default().join("perfvt-tests/engines/venv/bin/python");
    let asked = Command::new(&python).args(["-c", "import tree_sitter_powershell"]).output();
    if asked.is_ok_and(|asked| asked.status.success()) {
        return Some(python);
    }
    testing::skip("the grammar of PowerShell is not there; scripts/setup-test.sh fetches it");
    None
}

fn read(python: &Path, script: &Path) -> Vec<String> {
    let check = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/powershell/check.py");
    let output = Command::new(python).arg(check).arg(script).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn the_scripts_for_windows_guests_are_powershell_and_call_what_is_documented() {
    let Some(python) = python() else { return };
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("guest/windows");
    let scripts: Vec<PathBuf> =
        std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(scripts.len() >= 2, "{scripts:?}");
    let mut calls = Vec::new();
    for script in &scripts {
        let told = read(&python, script);
        assert!(told.iter().all(|line| line.starts_with("calls ")), "{told:?}");
        calls.extend(told);
    }
    for known in ["calls New-NetIPAddress", "calls Get-CimInstance", "calls Get-NetAdapter"] {
        assert!(calls.iter().any(|line| line == known), "{known}: {calls:?}");
    }
    // It tells what is none.
    let dir = tempfile::tempdir().unwrap();
    let broken = dir.path().join("broken.ps1");
    let text = std::fs::read_to_string(folder.join("network.ps1")).unwrap();
    std::fs::write(&broken, text.replacen('{', "", 1)).unwrap();
    assert!(read(&python, &broken).iter().any(|line| line.starts_with("wrong ")));
}
