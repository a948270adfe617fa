//! Campaigns that are interrupted, killed, seen from outside and kept apart. The guests pretend (`fake_qemu`); killed.rs has
//! real ones.

use crate::support;

use serde_json::Value;
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime};
use support::campaigns::*;
use support::pretended::Pretended;
use support::{files, output, perfvt, text};

/// Two environments with two cases each.
const FOUR_CELLS: [&str; 8] =
    ["--env", "base", "--env", "head", "--repeat", "1", "--set", "command_cases=a b"];

fn start(command: &mut Command) -> Started {
    Started(command.stdout(Stdio::null()).stderr(Stdio::null()).stdin(Stdio::null()).spawn().unwrap())
}

fn status(out: &Path) -> Value {
    let looked = output(perfvt().args(["status", "--json"]).arg(out));
    assert!(looked.status.success(), "{}", text(&looked.stderr));
    serde_json::from_slice(&looked.stdout).unwrap()
}

#[test]
fn a_running_campaign_is_seen_from_outside_and_ends_at_once_at_the_second_ctrl_c() {
    let here = Pretended::new();
    let mut child = start(&mut here.run("sleep 300", &FOUR_CELLS));
    wait_until(60, "the first case", || here.journal().contains("\"case_started\""));
    let out = here.out();
    let seen = status(&out);
    let planned = seen["cells"]["planned"].as_u64();
    assert_eq!((seen["state"].as_str(), planned), (Some("running"), Some(4)), "{seen}");
    assert!(seen["holder"].as_str().unwrap().contains(&format!("process {} of ", child.id())), "{seen}");
    assert!(["base", "head"].contains(&seen["current"]["environment"].as_str().unwrap()), "{seen}");

    signal(&child, "INT");
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(child.try_wait().unwrap(), None, "the sample in hand is finished first");
    let asked = Instant::now();
    // Where the machine is very busy, perfvt may have taken both for one.
    let ended = loop {
        signal(&child, "INT");
        std::thread::sleep(Duration::from_millis(500));
        if let Some(ended) = child.try_wait().unwrap() {
            break ended;
        }
        assert!(asked.elapsed() < Duration::from_secs(100), "it waits for the sample in hand");
    };
    assert_eq!(ended.code(), Some(130));
    here.assert_nothing_left();
    let seen = status(&out);
    let cells = (seen["cells"]["valid"].as_u64(), seen["cells"]["invalid"].as_u64());
    assert_eq!((seen["state"].as_str(), cells), (Some("interrupted"), (Some(0), Some(0))), "{seen}");
    let log = output(perfvt().args(["status", "--log"]).arg(&out));
    assert!(text(&log.stdout).trim_end().ends_with("interrupted by SIGINT"), "{}", text(&log.stdout));
    let page = fs::read_to_string(out.join("run.html")).unwrap();
    assert!(
        page.contains("</span> interrupted") && page.contains("<b>0 of 4</b> <span>cells valid"),
        "{page}"
    );
}

#[test]
fn a_running_campaign_keeps_others_off_its_cpus_and_one_that_waits_has_its_turn() {
    let here = Pretended::new();
    let mut child = start(&mut here.run("sleep 300", &FOUR_CELLS));
    wait_until(60, "the first boot", || here.journal().contains("\"boot_started\""));
    let other = |out: &str, more: &[&str]| {
        let mut other = here.beside(child.id());
        other.args(here.words(&here.path().join(out), "true", &FOUR_CELLS)).args(more);
        other
    };
    let said = here.ends_with(2, &mut other("Y", &[]));
    assert!(said.contains(&format!("is in use by process {} of ", child.id())), "{said}");
    assert!(!here.path().join("Y").exists());
    let mut waits = other("Z", &["--wait"]);
    let mut waiting = Started(waits.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap());
    let mut said = BufReader::new(waiting.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains("waiting: host CPU") {
        line.clear();
        assert!(said.read_line(&mut line).unwrap() > 0, "it never waited");
    }
    // Whatever else it says must not block it.
    std::thread::spawn(move || std::io::copy(&mut said, &mut std::io::sink()));
    signal(&child, "TERM");
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(waiting.wait().unwrap().success());
    assert_eq!(finished_cases(&here.path().join("Z")), 4);
    here.assert_nothing_left();
}

#[test]
fn ctrl_c_keeps_what_is_finished_and_exits_with_130() {
    let here = Pretended::new();
    let mut child = start(&mut here.run("sleep 0.5", &FOUR_CELLS));
    wait_until(60, "the first finished case", || finished_cases(&here.out()) >= 1);
    signal(&child, "INT");
    assert_eq!(child.wait().unwrap().code(), Some(130));
    here.assert_nothing_left();
    assert!(here.journal().contains("\"interrupted\""));
    here.ends_with(0, here.perfvt().arg("resume").arg(here.out()));
    assert_eq!(finished_cases(&here.out()), 4, "nothing is measured twice");
    assert_eq!(files(&here.out(), ".RHS").len(), 2);
}

/// Hangs up as soon as something is measured, and gives the exit code.
fn hang_up(here: &Pretended, mut child: Started) -> Option<i32> {
    wait_until(60, "the first case", || here.journal().contains("\"case_started\""));
    signal(&child, "HUP");
    child.wait().unwrap().code()
}

#[test]
fn a_closed_terminal_ends_a_campaign_which_goes_on_when_it_is_resumed() {
    let here = Pretended::new();
    let ends = start(&mut here.run("sleep 0.3", &["--repeat", "4"]));
    assert_eq!(hang_up(&here, ends), Some(130));
    let journal = here.journal();
    assert!(journal.contains("SIGHUP") && !journal.contains("\"finished\""), "{journal}");
    here.ends_with(0, here.perfvt().arg("resume").arg(here.out()));
}

#[test]
fn a_closed_terminal_is_nothing_to_a_campaign_that_is_told_to_go_on() {
    let here = Pretended::new();
    let goes_on = start(&mut here.run("sleep 0.3", &["--repeat", "4", "--nohup"]));
    let ended = hang_up(&here, goes_on);
    assert_eq!(ended, Some(0), "{}", here.journal());
    assert!(here.journal().contains("\"finished\""), "{}", here.journal());
}

/// Ends a campaign of two environments at random moments, so often, and resumes it each time: each of its processes gets
/// the signal, or perfvt alone is killed. Nothing finished is lost or measured again, nothing is left, no attempt is burnt.
fn end_and_resume(here: &Pretended, (moments, seed): (u32, u64), command: &str, more: &[&str]) {
    let mut rng = stats::SplitMix64::new(seed);
    let out = here.out();
    let cells = ["--env", "base", "--env", "head", "--repeat", "2", "--set", "command_cases=a b"];
    let mut child = start(&mut here.run(command, &[&cells[..], more].concat()));
    let mut struck = 0;
    loop {
        // What comes before is too short to be hit by chance, and leaves nothing to be resumed.
        wait_until(60, "the journal", || out.join("journal.jsonl").exists());
        std::thread::sleep(Duration::from_millis(rng.next_u64() % 700));
        if struck < moments && child.try_wait().unwrap().is_none() {
            match rng.next_u64() % 4 {
                0 => child.kill().unwrap(),
                1 => signal_job(&child, "KILL", &mut rng),
                2 => signal_job(&child, "INT", &mut rng),
                _ => signal_job(&child, "TERM", &mut rng),
            }
            struck += 1;
        }
        let ended = child.wait().unwrap();
        wait_until(60, "QEMU and clients to end", || processes_that_mention(here.path()).is_empty());
        if ended.success() {
            break;
        }
        child = start(here.perfvt().arg("resume").arg(&out));
    }
    assert!(struck > 4, "{struck}");
    assert_eq!(finished_cases(&out), 8, "nothing is measured twice, and nothing is lost");
    assert_no_attempt_was_burnt(&out);
    assert_eq!(files(&out, ".RHS").len(), 4);
    assert!(
        files(&out, "").iter().all(|f| !f.to_str().unwrap().contains("/.perfvt-")),
        "a temporary file is left"
    );
    here.ends_with(0, here.perfvt().arg("resume").arg(&out));
    assert_eq!(finished_cases(&out), 8, "nothing is left to do");
    here.remove_unmarked();
    here.assert_nothing_left();
}

#[test]
fn a_campaign_that_is_ended_at_20_random_moments_goes_on_as_if_nothing_had_been() {
    end_and_resume(&Pretended::new(), (20, 20_261_126), "sleep 0.4", &[]);
}

#[test]
fn a_campaign_of_the_host_that_is_ended_at_random_moments_goes_on_as_if_nothing_had_been() {
    end_and_resume(&Pretended::new(), (10, 20_261_202), "sleep 0.4", &["--set", "command_on=host"]);
}

/// An image that holds nothing, and the words that boot it: nobody ever answers there. `None` where it cannot be had.
fn empty_image(here: &Pretended) -> Option<Vec<String>> {
    if Command::new("qemu-img").arg("--version").output().is_err() {
        testing::skip("there is no qemu-img here");
        return None;
    }
    File::create(here.path().join("empty.raw")).unwrap().set_len(16 << 20).unwrap();
    let image = format!("image={}", here.path().join("empty.raw").display());
    let words = ["--repeat", "1", "--set", "image_format=raw", "--set", "attempts=1", "--set", &image];
    Some(words.map(String::from).into())
}

#[test]
fn the_layer_of_a_killed_campaign_is_found_by_its_record() {
    let here = Pretended::new();
    let Some(mut words) = empty_image(&here) else {
        return;
    };
    let disks = here.path().join("disks");
    fs::create_dir(&disks).unwrap();
    words.extend(["--set".to_owned(), format!("disk_dir={}", disks.display())]);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let mut child: Started = start(&mut here.run("true", &words));
    let layer = || files(&disks, "overlay.qcow2").into_iter().next();
    wait_until(60, "the boot", || here.journal().contains("boot_started"));
    wait_until(60, "its layer", || layer().is_some());
    let child: &mut Child = &mut child;
    child.kill().unwrap();
    child.wait().unwrap();
    let folder: PathBuf = layer().unwrap().parent().unwrap().to_owned();
    let old = SystemTime::now() - Duration::from_secs(3600);
    File::open(&folder).unwrap().set_modified(old).unwrap();
    // Only the campaign is named. QEMU, which dies with perfvt, may need a moment.
    wait_until(60, "gc", || {
        assert!(output(here.perfvt().arg("gc").arg(here.out())).status.success());
        !folder.exists()
    });
    assert!(here.path().join("empty.raw").exists() && here.out().join("journal.jsonl").exists());
}

#[test]
fn the_factor_of_deadlines_reaches_the_boot_of_an_image() {
    let here = Pretended::new();
    let Some(words) = empty_image(&here) else {
        return;
    };
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    here.ends_with(4, &mut here.run("true", &[&words[..], &["--set", "deadline_factor=0.01"]].concat()));
    let [(code, reason)] = here.invalid("base").try_into().unwrap();
    assert!(code == "deadline-boot" && reason.contains("not ready within 6 s"), "{code}: {reason}");
}
