//! What run.json says of attempts that failed, of guests and of the end, whatever happens to a campaign. With guests that only
//! pretend.

use crate::campaign_support;

use campaign_support::*;
use collect::campaign::{Campaign, Ended, Hooks, Observer};
use collect::lab::Failed;
use model::journal::{Event, State};
use model::run::RUN_FORMAT;
use model::store::{MEASUREMENTS_FILE, RUN_FILE, read_json, write_json};
use model::{Code, RunFile};
use std::collections::VecDeque;
use std::path::Path;
use std::process::Command;
use vm::guest::checked::Found;

fn run_file(out: &Path, environment: &str) -> RunFile {
    read_json(&out.join(environment).join(RUN_FILE), RUN_FORMAT).unwrap()
}

/// The environment that is booted first.
fn first(out: &Path) -> &'static str {
    let open = Campaign::open_with(out, "host", find).unwrap();
    ["base", "head"][open.file().blocks[0].boots[0].environment]
}

/// Attempt, whether it was in a case, and code.
fn failures(run: &RunFile) -> Vec<(u32, bool, Option<Code>)> {
    run.failures.iter().map(|f| (f.attempt, f.case.is_some(), f.code)).collect()
}

/// Runs it with what has failed measured again.
fn retry(out: &Path, booter: &mut PretendBooter) -> Ended {
    let mut campaign = Campaign::open_with(out, "host", find).unwrap();
    campaign.retry_failed();
    campaign.run(booter, &mut Hooks::new(&mut Watcher::new(u32::MAX))).unwrap()
}

/// Looks at run.json whenever a guest is gone, and asks for an end there after so many.
struct Looker<'a> {
    out: &'a Path,
    guests: u32,
    seen: Vec<(usize, u32, Option<bool>)>,
}

impl Observer for Looker<'_> {
    fn event(&mut self, event: &Event, state: &State) {
        // What is written after an event is there when the next one comes.
        if let (Event::BootStarted { .. }, Some((boot, _))) = (event, &state.current) {
            let environment = &state.boots[boot].environment;
            if self.out.join(environment).join(RUN_FILE).exists() {
                let run = run_file(self.out, environment);
                self.seen.push((run.failures.len(), run.started, run.ended));
            }
        }
        if matches!(event, Event::BootFinished { .. } | Event::BootFailed { .. }) {
            self.guests = self.guests.saturating_sub(1);
        }
    }
    fn stop(&mut self) -> Option<String> {
        (self.guests == 0).then(|| "SIGINT".into())
    }
}

#[test]
fn an_attempt_that_failed_stays_in_run_json_when_the_next_one_succeeds() {
    let dir = tempfile::tempdir().unwrap();
    let out = campaign(dir.path(), 3, 1);
    let first = first(&out);
    let mut booter = PretendBooter { broken: [true].into(), ..PretendBooter::default() };
    booter.script.borrow_mut().extend([Ok(()), Err(Failed::tool("no reply"))]);
    let mut looker = Looker { out: &out, guests: u32::MAX, seen: Vec::new() };
    let mut campaign = Campaign::open_with(&out, "host", find).unwrap();
    let ended = campaign.run(&mut booter, &mut Hooks::new(&mut looker)).unwrap();
    assert_eq!((ended.valid, ended.invalid), (5, 1));
    assert_eq!(looker.seen, [(1, 1, Some(false))], "already before the second attempt");
    let run = run_file(&out, first);
    let all = [(1, false, Some(Code::EarlyExit)), (2, true, Some(Code::ToolFailed))];
    assert_eq!((failures(&run), run.started, run.ended), (all.to_vec(), 2, Some(true)));
    assert_eq!(run.fingerprint.get("qemu.version"), Some("1.2"), "the facts of the second attempt");
    let other = run_file(&out, if first == "base" { "head" } else { "base" });
    assert_eq!((failures(&other), other.started, other.ended), (vec![], 1, Some(true)));
}

#[test]
fn a_case_that_is_measured_again_has_its_value_and_its_failed_attempts() {
    let dir = tempfile::tempdir().unwrap();
    let out = campaign(dir.path(), 2, 1);
    let first = first(&out);
    let mut booter = PretendBooter::default();
    // Both attempts die in the first case: the second case is never reached.
    let panic = || Err(Failed::new(Code::Panic, "the guest panicked"));
    booter.script.borrow_mut().extend([panic(), panic()]);
    let ended = go(&out, &mut booter, u32::MAX);
    assert_eq!((ended.valid, ended.invalid), (2, 2));
    let all = [(1, true, Some(Code::Panic)), (2, true, Some(Code::Panic))];
    let run = run_file(&out, first);
    assert_eq!((failures(&run), run.started, run.ended), (all.to_vec(), 2, Some(true)));

    assert_eq!(go(&out, &mut booter, u32::MAX), ended, "without being asked nothing is tried again");
    let ended = retry(&out, &mut booter);
    assert_eq!((ended.valid, ended.invalid), (4, 0));
    let run = run_file(&out, first);
    assert_eq!((failures(&run), run.started, run.ended), (all.to_vec(), 3, Some(true)));
    assert!(repeat_dir(&out, first, 1).join("results/pretend-result.RHS").exists());
    // Values that are gone are measured again; what failed before them stays.
    std::fs::remove_file(repeat_dir(&out, first, 1).join(model::store::MEASUREMENTS_FILE)).unwrap();
    assert_eq!(go(&out, &mut booter, u32::MAX).valid, 4);
    let run = run_file(&out, first);
    assert_eq!((failures(&run), run.started), (all.to_vec(), 4));
    assert_eq!(
        retry(&out, &mut booter),
        Ended { valid: 4, invalid: 0, interrupted: false },
        "nothing has failed"
    );
}

#[test]
fn an_interrupted_campaign_says_that_it_has_not_ended_and_a_resume_brings_an_old_run_json_up_to_date() {
    let dir = tempfile::tempdir().unwrap();
    let out = campaign(dir.path(), 2, 2);
    let first = first(&out);
    let mut booter = PretendBooter { broken: [true].into(), ..PretendBooter::default() };
    let mut looker = Looker { out: &out, guests: 2, seen: Vec::new() };
    let mut campaign = Campaign::open_with(&out, "host", find).unwrap();
    assert!(campaign.run(&mut booter, &mut Hooks::new(&mut looker)).unwrap().interrupted);
    drop(campaign);
    let run = run_file(&out, first);
    assert_eq!((run.failures.len(), run.started, run.ended), (1, 2, Some(false)));

    // As an older perfvt, or one that was killed between the journal and run.json, leaves it.
    let old = RunFile { failures: Vec::new(), started: 0, ended: None, ..run };
    write_json(&out.join(first).join(RUN_FILE), &old).unwrap();
    let mut campaign = Campaign::open_with(&out, "host", find).unwrap();
    campaign.repeat_to(3).unwrap();
    let run = run_file(&out, first);
    assert_eq!((run.failures.len(), run.started, run.repeats, run.ended), (1, 2, 3, Some(false)));
    campaign.run(&mut booter, &mut Hooks::new(&mut Watcher::new(u32::MAX))).unwrap();
    let run = run_file(&out, first);
    assert_eq!((run.failures.len(), run.started, run.ended), (1, 4, Some(true)));
}

/// Dies like a killed process as soon as a boot has failed: the journal has it, run.json has not.
struct Fragile;

impl Observer for Fragile {
    fn event(&mut self, event: &Event, _: &State) {
        if matches!(event, Event::BootFailed { .. }) {
            std::process::exit(9);
        }
    }
    fn stop(&mut self) -> Option<String> {
        None
    }
}

#[test]
fn a_failure_that_was_written_down_before_a_kill_is_in_run_json_after_the_resume() {
    if let Some(out) = std::env::var_os("PERFVT_TEST_VICTIM") {
        let mut booter = PretendBooter { broken: [true].into(), ..PretendBooter::default() };
        let mut campaign = Campaign::open_with(Path::new(&out), "host", find).unwrap();
        campaign.run(&mut booter, &mut Hooks::new(&mut Fragile)).unwrap();
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let out = campaign(dir.path(), 2, 1);
    let first = first(&out);
    let test =
        "campaign_failures::a_failure_that_was_written_down_before_a_kill_is_in_run_json_after_the_resume";
    let mut victim = Command::new(std::env::current_exe().unwrap());
    let killed = victim.args(["--exact", test]).env("PERFVT_TEST_VICTIM", &out).output().unwrap();
    assert_eq!(killed.status.code(), Some(9));
    assert_eq!((run_file(&out, first).failures.len(), run_file(&out, first).ended), (0, Some(false)));
    assert_eq!(go(&out, &mut PretendBooter::default(), u32::MAX).valid, 4);
    let run = run_file(&out, first);
    let all = [(1, false, Some(Code::EarlyExit))];
    assert_eq!((failures(&run), run.started, run.ended), (all.to_vec(), 2, Some(true)));
}

#[test]
fn an_environment_that_is_joined_has_failures_of_its_own_and_the_others_keep_theirs() {
    let dir = tempfile::tempdir().unwrap();
    let out = campaign(dir.path(), 2, 1);
    let first = first(&out);
    let mut booter = PretendBooter { broken: [true].into(), ..PretendBooter::default() };
    go(&out, &mut booter, u32::MAX);
    let mut after = plan(2, 1, model::Params::new());
    after.environments.truncate(1);
    after.environments[0].name = "after".into();
    after.blocks = collect::campaign::plan::blocks(1, 1, 2, 1, true);
    let mut campaign = Campaign::open_with(&out, "host", find).unwrap();
    campaign.join(after).unwrap();
    assert_eq!(run_file(&out, first).ended, Some(false), "more is to be measured now");
    booter.script.borrow_mut().push_back(Err(Failed::tool("no reply")));
    campaign.run(&mut booter, &mut Hooks::new(&mut Watcher::new(u32::MAX))).unwrap();
    let (run, after) = (run_file(&out, first), run_file(&out, "after"));
    assert_eq!((failures(&run), run.started), (vec![(1, false, Some(Code::EarlyExit))], 2));
    assert_eq!((failures(&after), after.started), (vec![(1, true, Some(Code::ToolFailed))], 1));
    assert_eq!((run.ended, after.ended), (Some(true), Some(true)));
}

#[test]
fn what_the_host_did_is_no_failure_of_an_environment() {
    let dir = tempfile::tempdir().unwrap();
    let out = campaign(dir.path(), 2, 1);
    let first = first(&out);
    let mut booter = PretendBooter::default();
    let noisy = || Err(Failed::new(Code::Noisy, "somebody compiled"));
    booter.script.borrow_mut().extend([
        noisy(),
        Ok(()),
        Err(Failed::new(Code::HostNoSpace, "the disk is full")),
    ]);
    let mut campaign = Campaign::open_with(&out, "host", find).unwrap();
    campaign.run(&mut booter, &mut Hooks::new(&mut Watcher::new(u32::MAX))).unwrap_err();
    drop(campaign);
    let run = run_file(&out, first);
    assert_eq!((failures(&run), run.started, run.ended), (vec![], 0, Some(false)));
    assert_eq!(go(&out, &mut booter, u32::MAX).valid, 4);
    let run = run_file(&out, first);
    assert_eq!((failures(&run), run.started, run.ended), (vec![], 1, Some(true)));
}

/// Boots of which the first leaves a corrupt image, and the second one that leaks.
fn with_odd_images() -> PretendBooter {
    let corrupt = Failed::new(Code::ImageCorrupt, "the layer above the image of vm1 is corrupt");
    let first =
        Found { failed: Some(corrupt), lines: "the layer: 1 corruptions\n".into(), ..Found::default() };
    let leaks = vec!["the layer has 2 clusters that nothing uses".to_owned()];
    let second = Found { leaks, lines: "the layer: 2 leaks\n".into(), ..Found::default() };
    PretendBooter { found: VecDeque::from([first, second]), ..PretendBooter::default() }
}

#[test]
fn nothing_counts_that_was_measured_in_a_corrupt_image_and_leaks_are_told() {
    let dir = tempfile::tempdir().unwrap();
    let out = campaign(dir.path(), 2, 1);
    let mut watcher = Watcher::new(u32::MAX);
    let mut hooks = Hooks::new(&mut watcher);
    let mut booter = with_odd_images();
    let ended = Campaign::open_with(&out, "host", find).unwrap().run(&mut booter, &mut hooks).unwrap();
    drop(hooks);
    assert_eq!(ended, Ended { valid: 2, invalid: 2, interrupted: false });
    assert_eq!(booter.boots, 2, "no other guest would do other work in it");
    let corrupt = |e: &&Event| matches!(e, Event::CaseFinished { code: Some(Code::ImageCorrupt), .. });
    assert_eq!(watcher.events.iter().filter(corrupt).count(), 2);
    let spoilt = first(&out);
    let other = if spoilt == "base" { "head" } else { "base" };
    let text = std::fs::read_to_string(repeat_dir(&out, spoilt, 1).join(MEASUREMENTS_FILE)).unwrap();
    assert!(text.contains(r#""code":"image-corrupt""#), "{text}");
    let raw = |name: &str| repeat_dir(&out, name, 1).join("raw");
    let kept = std::fs::read_to_string(raw(spoilt).join("boot1/check-image.txt")).unwrap();
    assert_eq!(kept, "the layer: 1 corruptions\n");
    assert!(std::fs::read_dir(raw(spoilt)).unwrap().count() > 2, "what was measured stays, to be looked at");
    assert_eq!(watcher.told, [format!("{other}: the layer has 2 clusters that nothing uses")]);
    assert!(
        run_file(&out, other).warnings.contains(&"the layer has 2 clusters that nothing uses".to_owned())
    );
    assert_eq!(failures(&run_file(&out, spoilt)), [(1, true, Some(Code::ImageCorrupt)); 2]);
    // Read again, it is the same campaign: nothing is left to be measured.
    let again = Campaign::open_with(&out, "host", find).unwrap();
    assert_eq!(again.standing().cells.invalid, 2);
}
