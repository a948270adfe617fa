//! The script that runs jobs in a Linux guest, as a shell of this host runs it.

use std::fs;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/guest/job");

/// A folder of a job whose status file holds a text, and which has written three bytes.
fn job(status: &str) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in [("status", status), ("out", "abc"), ("err", "")] {
        fs::write(dir.path().join(name), text).unwrap();
    }
    dir
}

fn asked(verb: &str, job: &Path) -> String {
    let output = Command::new("sh").args([SCRIPT, verb]).arg(job).output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_status_that_is_written_while_it_is_read_is_the_one_before_it() {
    // What a reader byte by byte finds when `0`, `127` or `7` and the time are written behind its first byte.
    for torn in ["-   305599065           ", "-27 305599065           ", "-   ", "-27", "-"] {
        let job = job(torn);
        assert_eq!(asked("look", job.path()), "- 3 0\n", "{torn:?}");
        assert_eq!(asked("poll", job.path()), "- 3 0\nabc", "{torn:?}");
    }
}

#[test]
fn a_job_that_has_ended_tells_its_status_and_its_time() {
    let whole = |status| asked("look", job(status).path());
    assert_eq!(whole("127 305599065           "), "127 3 0 305599065\n");
    assert_eq!(whole("0                       "), "0 3 0\n");
}
