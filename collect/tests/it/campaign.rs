//! The campaign runner with guests that only pretend.

use crate::campaign_support;

use campaign_support::*;
use collect::campaign::{Campaign, CampaignError, Ended, Hooks, Keep};
use collect::lab::Failed;
use model::Code;
use model::journal::Event;
use model::store::{MEASUREMENTS_FILE, read_measurements};

#[test]
fn an_undisturbed_campaign_leaves_every_value_and_a_classic_file_for_each_repeat() {
    let dir = tempfile::tempdir().unwrap();
    let out = campaign(dir.path(), 3, 2);
    let ended = go(&out, &mut PretendBooter::default(), u32::MAX);
    assert_eq!(ended, Ended { valid: 12, invalid: 0, interrupted: false });
    for environment in ["base", "head"] {
        for repeat in [1, 2] {
            let dir = repeat_dir(&out, environment, repeat);
            let measurements = read_measurements(&dir.join(MEASUREMENTS_FILE)).unwrap();
            assert_eq!(measurements.len(), 3);
            assert!(measurements.iter().all(|m| m.value().is_some() && m.block == repeat));
            assert!(dir.join("results/pretend-result.RHS").exists());
        }
        assert!(out.join(environment).join("run.json").exists());
    }
}

#[test]
fn a_campaign_stopped_anywhere_is_completed_by_resume_and_measures_nothing_twice() {
    for stop_after in 1..12 {
        let dir = tempfile::tempdir().unwrap();
        let out = campaign(dir.path(), 3, 2);
        let first = go(&out, &mut PretendBooter::default(), stop_after);
        assert_eq!((first.valid, first.interrupted), (stop_after, true));
        let mut watcher = Watcher::new(u32::MAX);
        let mut resumed = Campaign::open_with(&out, "host", find).unwrap();
        let ended = resumed.run(&mut PretendBooter::default(), &mut Hooks::new(&mut watcher)).unwrap();
        assert_eq!(ended, Ended { valid: 12, invalid: 0, interrupted: false });
        let measured = watcher.events.iter().filter(|e| matches!(e, Event::CaseFinished { .. })).count();
        assert_eq!(measured as u32, 12 - stop_after);
        assert!(repeat_dir(&out, "head", 2).join("results/pretend-result.RHS").exists());
    }
}

#[test]
fn folders_carry_the_guests_name_and_those_of_before_are_gone_on_with() {
    let dir = tempfile::tempdir().unwrap();
    let mut params = model::Params::new();
    params.set("guest", "LinuxCustom.Foo", model::Origin::BuiltIn);
    let out = campaign_with(dir.path(), 3, 2, params);
    go(&out, &mut PretendBooter::default(), 4);
    let folders = || {
        let of = |environment: &&str| std::fs::read_dir(out.join(environment)).unwrap().flatten();
        let names = ["base", "head"].iter().flat_map(of).map(|e| e.path());
        names.filter(|path| path.is_dir()).collect::<Vec<_>>()
    };
    let named = |name: &str| {
        let all = folders();
        all.iter().filter(|path| path.to_string_lossy().contains(&format!(".{name}.."))).count()
    };
    assert_eq!((named("LinuxCustom.Foo"), named("builtin")), (folders().len(), 0));
    // As an older perfvt left them.
    for folder in folders() {
        let old = folder.to_string_lossy().replace("LinuxCustom.Foo", "builtin");
        std::fs::rename(&folder, old).unwrap();
    }
    let before = folders().len();
    let ended = go(&out, &mut PretendBooter::default(), u32::MAX);
    assert_eq!(ended, Ended { valid: 12, invalid: 0, interrupted: false });
    assert_eq!((named("builtin"), folders().len()), (before, 4));
}

#[test]
fn a_failed_case_is_a_record_with_its_reason_and_its_repeat_has_no_classic_file() {
    let dir = tempfile::tempdir().unwrap();
    let out = campaign(dir.path(), 2, 1);
    let mut booter = PretendBooter::default();
    booter.script.borrow_mut().push_back(Err(Failed::nonsense("the tool printed nonsense")));
    let ended = go(&out, &mut booter, u32::MAX);
    assert_eq!((ended.valid, ended.invalid, booter.boots), (3, 1, 2));
    let first = Campaign::open_with(&out, "host", find).unwrap().file().blocks[0].boots[0].environment;
    let dir = repeat_dir(&out, ["base", "head"][first], 1);
    let measurements = read_measurements(&dir.join(MEASUREMENTS_FILE)).unwrap();
    let text = serde_json::to_string(&measurements).unwrap();
    assert_eq!((measurements.len(), text.matches("the tool printed nonsense").count()), (2, 1));
    assert!(!dir.join("results/pretend-result.RHS").exists());
}

#[test]
fn a_guest_that_dies_is_booted_again_and_its_finished_cases_are_kept() {
    let dir = tempfile::tempdir().unwrap();
    let out = campaign(dir.path(), 3, 1);
    let mut booter = PretendBooter::default();
    booter.script.borrow_mut().extend([Ok(()), Err(Failed::new(Code::Panic, "the guest panicked"))]);
    let ended = go(&out, &mut booter, u32::MAX);
    assert_eq!((ended.valid, ended.invalid, booter.boots), (6, 0, 3));
    let first = Campaign::open_with(&out, "host", find).unwrap().file().blocks[0].boots[0].environment;
    let dir = repeat_dir(&out, ["base", "head"][first], 1);
    let boots: std::collections::BTreeSet<String> =
        read_measurements(&dir.join(MEASUREMENTS_FILE)).unwrap().into_iter().map(|m| m.boot).collect();
    assert_eq!(boots.len(), 2, "each value names its own boot");
    assert!(dir.join("forensics/boot1").is_dir());
}

#[test]
fn a_repeat_that_cannot_be_booted_is_given_up_with_its_reason_and_the_rest_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let out = campaign(dir.path(), 2, 2);
    let mut booter = PretendBooter { broken: [true, true].into(), ..PretendBooter::default() };
    let ended = go(&out, &mut booter, u32::MAX);
    assert_eq!((ended.valid, ended.invalid, booter.boots), (6, 2, 5));
    let again = go(&out, &mut booter, u32::MAX);
    assert_eq!((again.invalid, booter.boots), (2, 5), "what has ended is not tried again");
    let first = Campaign::open_with(&out, "host", find).unwrap().file().blocks[0].boots[0].environment;
    let dir = repeat_dir(&out, ["base", "head"][first], 1);
    let text = std::fs::read_to_string(dir.join(MEASUREMENTS_FILE)).unwrap();
    assert_eq!(text.matches("QEMU ended with status 1").count(), 2);
}

#[test]
fn a_directory_that_exists_or_is_in_other_hands_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let out = campaign(dir.path(), 1, 1);
    let held = Campaign::open_with(&out, "host", find).unwrap();
    let again = Campaign::create(&out, held.file()).unwrap_err();
    assert!(matches!(again, CampaignError::Exists { .. }), "{again}");
    let busy = Campaign::open_with(&out, "host", find).err().unwrap();
    assert!(matches!(busy, CampaignError::Busy { .. }), "{busy}");
}

#[test]
fn values_are_made_again_out_of_raw_output_and_failed_cells_stay_as_they_are() {
    let dir = tempfile::tempdir().unwrap();
    let out = campaign(dir.path(), 2, 1);
    let mut booter = PretendBooter::default();
    booter.script.borrow_mut().push_back(Err(Failed::tool("no reply")));
    go(&out, &mut booter, u32::MAX);
    for environment in ["base", "head"] {
        for folder in std::fs::read_dir(repeat_dir(&out, environment, 1).join("raw")).unwrap() {
            let file = folder.unwrap().path().join("out.txt");
            if file.exists() {
                std::fs::write(file, "3").unwrap();
            }
        }
    }
    assert_eq!(Campaign::open_with(&out, "host", find).unwrap().reparse().unwrap(), 3);
    let mut all = Vec::new();
    for environment in ["base", "head"] {
        all.extend(read_measurements(&repeat_dir(&out, environment, 1).join(MEASUREMENTS_FILE)).unwrap());
    }
    let expected = |m: &model::Measurement| m.keys.get("size").unwrap().parse::<f64>().unwrap() * 3.0;
    assert_eq!(all.iter().filter(|m| m.value() == Some(expected(m))).count(), 3);
    assert_eq!(all.iter().filter(|m| m.value().is_none()).count(), 1);
}

#[test]
fn only_what_is_wanted_of_passed_and_failed_boots_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    let out = campaign(dir.path(), 2, 1);
    let mut booter = PretendBooter::default();
    booter.script.borrow_mut().extend([
        Err(Failed::new(Code::Panic, "the guest panicked")),
        Ok(()),
        Err(Failed::tool("no reply")),
    ]);
    let mut campaign = Campaign::open_with(&out, "host", find).unwrap();
    campaign.keep(Keep { failed: "forensics,raw".parse().unwrap(), passed: "logs".parse().unwrap() });
    let mut watcher = Watcher::new(u32::MAX);
    let ended = campaign.run(&mut booter, &mut Hooks::new(&mut watcher)).unwrap();
    assert_eq!((ended.valid, ended.invalid), (3, 1));
    let first = campaign.file().blocks[0].boots[0].environment;
    let dir = repeat_dir(&out, ["base", "head"][first], 1);
    let there = |path: &str| dir.join(path).exists();
    assert!(there("forensics/boot1/000.WALK.size=1.try1") || there("forensics/boot1/000.WALK.size=2.try1"));
    assert!(!there("raw/boot1") && !there("sysinfo/boot1"));
    assert!(there("raw/boot2") && !there("sysinfo/boot2"));
    let raw = std::fs::read_dir(dir.join("raw")).unwrap().flatten();
    let samples: Vec<String> = raw.map(|e| e.file_name().to_string_lossy().into_owned()).collect();
    let kept = samples.iter().filter(|name| !name.starts_with("boot")).count();
    assert_eq!(kept, 1, "that of the failed sample: {samples:?}");
    assert_eq!(campaign.reparse().unwrap(), 0, "and values without raw output stay as they are");
}
