//! What guards and stopping rules may decide while a campaign runs.

use crate::campaign_support;

use campaign_support::*;
use collect::campaign::{Campaign, CampaignError, Ended, Guard, Hooks, Look, Sample, Stopping};
use collect::lab::Failed;
use model::journal::{Event, State};
use model::store::{MEASUREMENTS_FILE, read_measurements};
use model::{CampaignFile, Code};
use std::path::Path;
use std::time::Duration;

/// Finds the first samples too noisy, and waits before each.
struct Noisy {
    left: u32,
}

impl Guard for Noisy {
    fn before(&mut self, sample: &mut Sample<'_>) -> Result<Duration, Failed> {
        std::fs::write(sample.raw.join("noise.txt"), "quiet").unwrap();
        Ok(Duration::from_secs(3))
    }
    fn after(&mut self, _: &mut Sample<'_>) -> Result<(), Failed> {
        if self.left == 0 {
            return Ok(());
        }
        self.left -= 1;
        Err(Failed::new(Code::Noisy, "somebody else ran"))
    }
}

/// A campaign of 2 environments and one boot each with a guard that objects so often, and its events.
fn guarded(objections: u32) -> (tempfile::TempDir, Ended, Vec<Event>) {
    let dir = tempfile::tempdir().unwrap();
    let out = campaign(dir.path(), 2, 1);
    let mut watcher = Watcher::new(u32::MAX);
    let mut hooks = Hooks::new(&mut watcher).guard(Noisy { left: objections });
    let ended = Campaign::open_with(&out, "host", find)
        .unwrap()
        .run(&mut PretendBooter::default(), &mut hooks)
        .unwrap();
    drop(hooks);
    (dir, ended, watcher.events)
}

#[test]
fn a_sample_that_noise_spoiled_is_taken_again_in_the_same_guest() {
    let (dir, ended, events) = guarded(1);
    assert_eq!(ended, Ended { valid: 4, invalid: 0, interrupted: false });
    let spoiled = |e: &&Event| matches!(e, Event::SampleFailed { code: Code::Noisy, .. });
    assert_eq!(events.iter().filter(spoiled).count(), 1);
    let waited = |e: &&Event| matches!(e, Event::Waited { seconds, .. } if *seconds == 3.0);
    assert_eq!(events.iter().filter(waited).count(), 5, "once before each sample");
    assert_eq!(events.iter().filter(|e| matches!(e, Event::BootStarted { .. })).count(), 2);
    let kept = std::fs::read_dir(repeat_dir(&dir.path().join("out"), "base", 1).join("raw")).unwrap();
    let notes = kept.flatten().filter(|e| e.path().join("noise.txt").exists()).count();
    assert_eq!(notes, 2, "what a guard records is kept with the sample");
}

#[test]
fn a_sample_that_stays_noisy_is_invalid_with_its_code() {
    let (dir, ended, _) = guarded(2);
    assert_eq!((ended.valid, ended.invalid), (3, 1));
    let mut text = String::new();
    for environment in ["base", "head"] {
        let path = repeat_dir(&dir.path().join("out"), environment, 1).join(MEASUREMENTS_FILE);
        text += &std::fs::read_to_string(path).unwrap();
    }
    assert_eq!(text.matches(r#""invalid":{"reason":"somebody else ran","code":"noisy"}"#).count(), 1);
}

/// Settles the first case after the second block.
struct AfterTwo;

impl Stopping for AfterTwo {
    fn look(
        &mut self,
        dir: &Path,
        file: &CampaignFile,
        _: &State,
        block: u32,
    ) -> Result<Look, CampaignError> {
        let boots = file.blocks[block as usize - 1].boots.iter();
        for boot in boots {
            let environment = &file.environments[boot.environment].name;
            let path = repeat_dir(dir, environment, boot.repeat).join(MEASUREMENTS_FILE);
            assert!(!read_measurements(&path).unwrap().is_empty(), "a rule can read what it judges");
        }
        let settled = if block >= 2 { vec![file.cases[0].id()] } else { vec![] };
        Ok(Look { settled, ..Look::default() })
    }
}

#[test]
fn a_settled_case_is_not_measured_in_later_blocks_also_after_a_resume() {
    for stop_after in [u32::MAX, 9] {
        let dir = tempfile::tempdir().unwrap();
        let out = campaign(dir.path(), 2, 4);
        let mut ended = None;
        for cases in [stop_after, u32::MAX] {
            let mut watcher = Watcher::new(cases);
            let mut hooks = Hooks::new(&mut watcher).stopping(AfterTwo);
            let mut campaign = Campaign::open_with(&out, "host", find).unwrap();
            ended = Some(campaign.run(&mut PretendBooter::default(), &mut hooks).unwrap());
        }
        // Two environments: two cases in two blocks, one case in two more.
        assert_eq!(ended, Some(Ended { valid: 12, invalid: 0, interrupted: false }));
        let journal = std::fs::read_to_string(out.join("journal.jsonl")).unwrap();
        assert_eq!(journal.matches(r#""type":"settled""#).count(), 1);
    }
}
