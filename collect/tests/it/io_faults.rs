//! Every operation of the disk fails once, in campaigns of pretending guests, in those that go on, and in `host prepare`: no
//! finished value is lost, nothing half is read as whole, and the message names the file. The same for a loss of power at
//! every operation, where only what was synced is left.

use crate::campaign_support;

use campaign_support::*;
use collect::campaign::journal::Journal;
use collect::campaign::{Campaign, CampaignError, Ended, Hooks};
use edge::fault::{Names, Plan, Seen, begin};
use model::Params;
use model::journal::{CellState, State};
use model::store::{MEASUREMENTS_FILE, read_measurements};
use rustix::io::Errno;
use std::path::{Path, PathBuf};

const ERRNOS: [Errno; 4] = [Errno::NOSPC, Errno::IO, Errno::DQUOT, Errno::ROFS];
const CASES: usize = 2;
const WHOLE: Ended = Ended { valid: 4, invalid: 0, interrupted: false };

fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in(testing::in_memory()).unwrap()
}

/// Runs a campaign until its end, or until so many cases are done.
fn attempt(out: &Path, cases: u32) -> Result<Ended, CampaignError> {
    let mut watcher = Watcher::new(cases);
    Campaign::open_with(out, "host", find)?.run(&mut PretendBooter::default(), &mut Hooks::new(&mut watcher))
}

/// Environment, case and value of everything that was measured.
fn results(out: &Path) -> Vec<String> {
    let mut lines = Vec::new();
    for environment in ["base", "head"] {
        let dir = repeat_dir(out, environment, 1);
        for m in read_measurements(&dir.join(MEASUREMENTS_FILE)).unwrap() {
            lines.push(format!("{environment} {} {:?}", m.case, m.value()));
        }
        assert!(dir.join("results/pretend-result.RHS").exists());
    }
    lines
}

/// What a journal says is finished has its value on the disk.
fn finished_values_are_there(out: &Path, when: &str) {
    let mut state = State::default();
    for (at, event) in Journal::events(out).unwrap() {
        state.apply(at, &event);
    }
    for ((environment, repeat, case), standing) in &state.cells {
        if !matches!(standing, CellState::Valid) {
            continue;
        }
        let dir = repeat_dir(out, environment, *repeat);
        let there = read_measurements(&dir.join(MEASUREMENTS_FILE)).unwrap_or_else(|e| panic!("{when}: {e}"));
        let found = there.iter().find(|m| m.case == *case).unwrap_or_else(|| panic!("{when}: {case}"));
        let raw = dir.join(&found.raw.as_ref().unwrap().file);
        assert_eq!(std::fs::read_to_string(&raw).unwrap(), "2", "{when}: {}", raw.display());
    }
}

/// One run with a fault, or none: what it came to, and what was seen of the disk.
fn with_fault(out: &Path, plan: Plan) -> (Result<Ended, CampaignError>, Seen) {
    let root = out.parent().unwrap();
    let guard = begin(plan, &[root]);
    let ended = attempt(out, u32::MAX);
    (ended, guard.end())
}

/// A campaign that was stopped after so many cases.
fn begun(root: &Path, cases: u32) -> PathBuf {
    let out = campaign(root, CASES, 1);
    if cases > 0 {
        attempt(&out, cases).unwrap();
    }
    out
}

/// Gives the number of operations.
fn every_fault(stopped_after: u32) -> u64 {
    let whole = folder();
    let out = begun(whole.path(), stopped_after);
    let (ended, seen) = with_fault(&out, Plan::none());
    assert_eq!(ended.unwrap(), WHOLE);
    let wanted = results(&out);
    for nth in 1..=seen.operations {
        for from_there in [false, true] {
            let errno = ERRNOS[(nth % 4) as usize];
            let when =
                format!("{errno:?} at operation {nth}, from there {from_there}, after {stopped_after}");
            let dir = folder();
            let out = begun(dir.path(), stopped_after);
            let (ended, seen) = with_fault(&out, Plan { nth, errno, from_there });
            let (_, place) = seen.broken.unwrap_or_else(|| panic!("{when}: nothing failed"));
            match ended {
                // A sample that could not write its raw output is taken again.
                Ok(ended) => assert!(!from_there && ended.invalid == 0, "{when}: {ended:?}"),
                Err(error) => {
                    let said = error.to_string();
                    assert!(said.contains(out.to_str().unwrap()), "{when} at {}: {said}", place.display());
                }
            }
            finished_values_are_there(&out, &when);
            let ended = attempt(&out, u32::MAX).unwrap_or_else(|e| panic!("{when}: {e}"));
            assert_eq!(ended, WHOLE, "{when}");
            assert_eq!(results(&out), wanted, "{when}");
        }
    }
    seen.operations
}

#[test]
fn a_campaign_in_which_any_operation_of_the_disk_fails_loses_nothing() {
    let operations = every_fault(0);
    eprintln!("run: {operations} operations of the disk, each failed twice");
    assert!(operations > 40, "{operations}");
}

#[test]
fn a_campaign_that_goes_on_while_any_operation_fails_loses_nothing() {
    let operations = every_fault(3);
    eprintln!("resume: {operations} operations of the disk, each failed twice");
    assert!(operations > 10, "{operations}");
}

#[test]
fn after_a_loss_of_power_at_any_operation_finished_values_are_there_and_the_campaign_goes_on() {
    let whole = folder();
    let out = begun(whole.path(), 0);
    let (_, seen) = with_fault(&out, Plan::none());
    let wanted = results(&out);
    let mut finished = 0;
    for nth in 1..=seen.operations {
        let dir = folder();
        let out = begun(dir.path(), 0);
        let (_, seen) = with_fault(&out, Plan { nth, errno: Errno::IO, from_there: true });
        for names in [Names::Synced, Names::All] {
            let when = format!("power lost at operation {nth} of {}, {names:?}", seen.operations);
            let after = folder();
            seen.disk.after_power_loss(dir.path(), names, after.path()).unwrap();
            let out = after.path().join("out");
            finished_values_are_there(&out, &when);
            finished += std::fs::read_to_string(out.join("journal.jsonl"))
                .map_or(0, |t| t.matches("case_finished").count());
            let ended = attempt(&out, u32::MAX).unwrap_or_else(|e| panic!("{when}: {e}"));
            assert_eq!((ended, results(&out)), (WHOLE, wanted.clone()), "{when}");
        }
    }
    assert!(finished > 100, "{finished}: journals were empty");
}

#[test]
fn a_new_campaign_is_there_whole_or_not_at_all() {
    for nth in 1.. {
        let dir = folder();
        let out = dir.path().join("out");
        let guard = begin(Plan { nth, errno: Errno::NOSPC, from_there: false }, &[dir.path()]);
        let made = Campaign::create(&out, &plan(CASES, 1, Params::new()));
        let seen = guard.end();
        if seen.broken.is_none() {
            assert!(nth > 8, "{nth}");
            break;
        }
        // Only the sync of the name, and the removal of what it was made in, come after the rename.
        assert!(made.is_err() || out.exists(), "{nth}");
        if out.exists() {
            assert_eq!(attempt(&out, u32::MAX).unwrap(), WHOLE, "{nth}");
        }
        let left: Vec<_> = std::fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert!(left.len() <= 2, "{nth}: {left:?}");
        edge::owned::remove_dead(dir.path());
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), usize::from(out.exists()), "{nth}");
    }
}
