//! What `run` and `resume` end with, and the JUnit file that they leave for CI. The guests pretend (`fake_qemu`).

use crate::support;

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::Stdio;
use support::campaigns::*;
use support::pretended::Pretended;
use support::{output, perfvt, text};

/// The codes that a text names in the first column of its table of exit codes.
fn codes(text: &str) -> BTreeSet<i32> {
    let first = |line: &str| line.trim_start_matches(['|', ' ']).split([' ', '|']).next()?.parse().ok();
    text.lines().filter_map(first).collect()
}

#[test]
fn the_help_of_run_and_resume_and_the_document_name_the_same_exit_codes() {
    let all = BTreeSet::from([0, 2, 4, 130]);
    for verb in ["run", "resume"] {
        let help = text(&output(perfvt().args([verb, "--help"])).stdout);
        assert_eq!(codes(help.split("EXIT CODES").nth(1).unwrap()), all, "{verb}");
    }
    let document = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/campaigns.md");
    let document = fs::read_to_string(document).unwrap();
    let table = document.split("## Exit codes").nth(1).unwrap().split("\n## ").next().unwrap();
    assert_eq!(codes(table), all);
}

/// A campaign with a JUnit file beside it.
struct Watched {
    here: Pretended,
}

impl Watched {
    fn new() -> Watched {
        Watched { here: Pretended::new() }
    }

    fn file(&self) -> PathBuf {
        self.here.path().join("junit.xml")
    }

    /// Runs it to the code that it must end with. Gives what was said and the JUnit file.
    fn run(&self, code: i32, command: &str, more: &[&str]) -> (String, String) {
        let file = self.file().display().to_string();
        let more = [more, &["--junit", &file]].concat();
        (self.here.ends_with(code, &mut self.here.run(command, &more)), self.junit())
    }

    fn resume(&self, code: i32, more: &[&str]) -> (String, String) {
        let mut resume = self.here.perfvt();
        resume.arg("resume").arg(self.here.out()).arg("--junit").arg(self.file()).args(more);
        (self.here.ends_with(code, &mut resume), self.junit())
    }

    /// The file of the last call.
    fn junit(&self) -> String {
        let text = fs::read_to_string(self.file()).unwrap_or_default();
        let _ = fs::remove_file(self.file());
        text
    }

    /// The line that says what the job is called and where its views are.
    fn assert_points_at_its_views(&self, said: &str) {
        let plan = fs::read(self.here.out().join("campaign.json")).unwrap();
        let plan: serde_json::Value = serde_json::from_slice(&plan).unwrap();
        let (page, log) = (self.here.out().join("run.html"), self.here.out().join("job.log"));
        let line = format!("job {}: {}, {}\n", plan["id"].as_str().unwrap(), page.display(), log.display());
        assert!(said.contains(&line) && page.exists() && log.exists(), "{line}{said}");
    }
}

#[test]
fn a_campaign_in_which_every_cell_has_a_value_ends_with_0_and_passes() {
    let watched = Watched::new();
    let (said, junit) = watched.run(0, "true", &["--env", "base", "--env", "head", "--repeat", "2"]);
    watched.assert_points_at_its_views(&said);
    assert_eq!(
        (junit.matches("<testsuite ").count(), junit.matches("<testcase ").count()),
        (2, 4),
        "{junit}"
    );
    assert!(junit.contains("tests=\"4\" failures=\"0\" errors=\"0\" time=\""), "{junit}");
    assert_eq!(junit.matches(" time=\"").count(), 1 + 2 + 4, "{junit}");
    let (said, again) = watched.resume(0, &[]);
    watched.assert_points_at_its_views(&said);
    assert_eq!(again, junit, "nothing was left to do");
}

#[test]
fn a_campaign_with_invalid_cells_ends_with_4_and_fails_until_its_cause_is_mended() {
    let watched = Watched::new();
    let marker = watched.here.path().join("mended");
    let command = format!("sh -c '[ ${{case}} = fine ] || [ -e {} ]'", marker.display());
    let cases = ["--repeat", "1", "--set", "command_cases=fine other"];
    let (said, junit) = watched.run(4, &command, &cases);
    watched.assert_points_at_its_views(&said);
    assert!(junit.contains("tests=\"2\" failures=\"1\" errors=\"0\""), "{junit}");
    assert!(junit.contains("<failure type=\"tool-failed\" message=\""), "{junit}");
    assert_eq!(watched.resume(4, &[]).1, junit);
    fs::write(marker, "").unwrap();
    let (_, junit) = watched.resume(0, &["--failed"]);
    assert!(junit.contains("failures=\"0\" errors=\"0\""), "{junit}");
    assert!(junit.contains("<system-out>attempt 1 failed: tool-failed: "), "{junit}");
}

#[test]
fn a_guest_that_comes_to_nothing_is_an_error_of_its_own_and_its_cases_are_skipped() {
    let watched = Watched::new();
    watched.here.goes_wrong("panic@2");
    let (_, junit) = watched.run(4, "true", &["--repeat", "1", "--set", "command_cases=a b"]);
    assert!(junit.contains("tests=\"3\" failures=\"0\" errors=\"1\" skipped=\"2\""), "{junit}");
    assert!(
        junit.contains("name=\"guest\">") && junit.contains("<error type=\"panic\" message=\""),
        "{junit}"
    );
    assert_eq!(junit.matches("<skipped message=\"not reached: panic: ").count(), 2, "{junit}");
}

#[test]
fn an_interrupted_campaign_ends_with_130_and_what_it_has_not_measured_is_skipped() {
    let watched = Watched::new();
    let more = ["--repeat", "1", "--set", "command_cases=0 300", "--set", "shuffle=off", "--junit"];
    let file = watched.file().display().to_string();
    let words = [&more[..], &[&file]].concat();
    let mut run = watched.here.run("sleep ${case}", &words);
    let mut child =
        Started(run.stdout(Stdio::null()).stderr(Stdio::null()).stdin(Stdio::null()).spawn().unwrap());
    wait_until(60, "the second case", || watched.here.journal().matches("\"case_started\"").count() == 2);
    signal(&child, "TERM");
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let junit = watched.junit();
    assert!(junit.contains("tests=\"2\" failures=\"0\" errors=\"0\" skipped=\"1\""), "{junit}");
    assert!(junit.contains("<skipped message=\"not measured: the campaign was interrupted; "), "{junit}");
    let run = fs::read_to_string(watched.here.out().join("base/run.json")).unwrap();
    assert!(run.contains("\"ended\": false") && !run.contains("\"failures\""), "{run}");

    let mut resume = watched.here.perfvt();
    resume.arg("resume").arg(watched.here.out());
    let mut child = Started(resume.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap());
    wait_until(60, "the second case", || watched.here.journal().matches("\"case_started\"").count() == 3);
    signal(&child, "TERM");
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let mut said = String::new();
    std::io::Read::read_to_string(&mut child.stderr.take().unwrap(), &mut said).unwrap();
    watched.assert_points_at_its_views(&said);
}

#[test]
fn input_errors_and_campaigns_that_were_stopped_end_with_2() {
    let watched = Watched::new();
    let here = &watched.here;
    let nowhere = here.path().join("nowhere/junit.xml");
    let said = here.ends_with(2, &mut here.run("true", &["--junit", nowhere.to_str().unwrap()]));
    assert!(said.contains("make it, or give another file") && !here.out().exists(), "{said}");
    here.ends_with(2, &mut here.run("true", &["--set", "no_such_key=1"]));
    here.ends_with(2, here.perfvt().arg("resume").arg(here.out()));

    here.goes_wrong("full-host@2-2");
    let two = ["--repeat", "7"];
    let (said, junit) = watched.run(2, "true", &two);
    assert!(said.contains("`perfvt resume` goes on"), "{said}");
    watched.assert_points_at_its_views(&said);
    assert!(
        junit.contains("failures=\"0\" errors=\"1\"") && junit.contains("type=\"host-no-space\""),
        "{junit}"
    );
    let exists = here.ends_with(2, &mut here.run("true", &two));
    assert!(exists.contains("exists already"), "{exists}");
    here.goes_wrong("exit=3");
    here.ends_with(2, here.perfvt().arg("resume").arg(here.out()));
    here.goes_wrong("exit=3@6");
    let (said, junit) = watched.resume(2, &[]);
    assert!(said.contains("6 boots in a row gave no value"), "{said}");
    assert!(junit.contains("<error type=\"early-exit\""), "{junit}");
}
