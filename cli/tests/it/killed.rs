//! Campaigns in real guests that are killed at random points: nothing finished is measured again or lost. interrupted.rs does
//! the same oftener, with guests that pretend.
//!
//! Where the parts are missing (`make setup` gets them), each test says so and passes.

use crate::support;

use serde_json::Value;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use support::campaigns::*;
use support::{files, output, perfvt, ready};

/// Kills a campaign, or all of its processes at once, so often at random points and resumes it each time; each kill is followed by a look for what is left.
fn kill_and_resume(kills: u32) {
    let Some(_guard) = ready() else { return };
    let mut rng = stats::SplitMix64::new(20_261_126);
    let (mut killed, mut campaigns) = (0, 0);
    while killed < kills {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("X");
        let mut child = start(&out, "1");
        // From the first guest on; what comes before is too short to hit by chance.
        wait_until(120, "the journal", || out.join("journal.jsonl").exists());
        // The first one in the middle of a boot or a sample, the others anywhere in what is left, setting up included.
        while killed < kills && child.try_wait().unwrap().is_none() {
            std::thread::sleep(Duration::from_millis(rng.next_u64() % 8000));
            if child.try_wait().unwrap().is_some() {
                break;
            }
            // perfvt alone, or its whole job with everything in it.
            match rng.next_u64() % 3 {
                0 => child.kill().unwrap(),
                1 => signal_job(&child, "KILL", &mut rng),
                _ => signal_job(&child, "TERM", &mut rng),
            }
            child.wait().unwrap();
            killed += 1;
            wait_until(60, "QEMU and its clients to end", || processes_that_mention(&out).is_empty());
            let mut resume = perfvt();
            resume.arg("resume").arg(&out).stdout(Stdio::null()).stderr(Stdio::null());
            child = Started(resume.spawn().unwrap());
        }
        assert!(child.wait().unwrap().success());
        assert_eq!(files(&out, ".RHS").len(), 2);
        assert!(
            files(&out, "").iter().all(|f| !f.to_str().unwrap().contains("/.perfvt-")),
            "a temporary file is left"
        );
        assert_eq!(finished_cases(&out), 4, "nothing is measured twice, and nothing is lost");
        assert_no_attempt_was_burnt(&out);
        let again = output(perfvt().arg("resume").arg(&out));
        assert!(again.status.success());
        assert_eq!(finished_cases(&out), 4, "nothing is left to do");
        assert_complete(&out);
        campaigns += 1;
    }
    eprintln!("{killed} kills in {campaigns} campaigns");
}

/// Every case of either side is in the comparison, with its one boot, which is too few for a verdict.
fn assert_complete(out: &Path) {
    let compared = output(perfvt().args(["compare", "--format", "json"]).arg(out));
    let comparison: Value = serde_json::from_slice(&compared.stdout).unwrap();
    let rows = comparison["rows"].as_array().unwrap();
    let boots = |row: &Value| (row["a"]["n"].as_u64(), row["b"]["n"].as_u64());
    for main in ["TCP_STREAM/size=16384,sessions=1/throughput", "TCP_RR/size=64,sessions=1/trans.rate"] {
        let row = rows.iter().find(|row| row["id"] == format!("netperf/{main}")).unwrap();
        assert_eq!(boots(row), (Some(1), Some(1)), "{row}");
    }
    // Interrupts by direction are told of virtio alone.
    let one_sided = rows.iter().filter(|row| boots(row) != (Some(1), Some(1)));
    let names: Vec<&str> = one_sided.map(|row| row["metric"].as_str().unwrap()).collect();
    assert!(names.iter().all(|name| name.ends_with("_intr_sum")), "{names:?}");
}

#[test]
fn an_end_by_a_signal_at_a_random_point_leaves_no_process_and_no_half_file_and_resume_completes() {
    kill_and_resume(1);
}

#[test]
#[ignore = "soak: minutes"]
fn ends_by_signals_at_100_random_points_leave_no_process_and_no_half_file_and_resume_completes() {
    kill_and_resume(100);
}
