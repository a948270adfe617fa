//! What may happen to a campaign itself: it is killed, its files are cut or changed, nothing succeeds, the host is full.
//! With guests that only pretend.

use crate::campaign_support;

use campaign_support::*;
use collect::campaign::{Campaign, CampaignError, Ended, Hooks, Observer};
use collect::lab::Failed;
use model::journal::{Event, State};
use model::lines::Read;
use model::run::RUN_FORMAT;
use model::store::{
    JOURNAL_FILE, MEASUREMENTS_FILE, RUN_FILE, SERIES_FILE, read_json, read_measurements, read_series,
};
use model::{Code, RunFile, SeriesLine};
use stats::SplitMix64;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const WHOLE: Ended = Ended { valid: 12, invalid: 0, interrupted: false };

/// Everything that must not depend on what happened meanwhile: place and value of each measurement.
fn results(out: &Path) -> Vec<String> {
    let mut lines = Vec::new();
    for environment in ["base", "head"] {
        for repeat in 1..=2 {
            let dir = repeat_dir(out, environment, repeat);
            for m in read_measurements(&dir.join(MEASUREMENTS_FILE)).unwrap() {
                let raw = m.raw.as_ref().unwrap();
                assert!(dir.join(&raw.file).exists(), "{raw:?}");
                lines.push(format!(
                    "{environment} {} {} {} {} {} {:?} attempt {}",
                    m.repeat,
                    m.block,
                    m.order,
                    m.case,
                    m.metric,
                    m.value(),
                    m.attempt
                ));
            }
            assert!(dir.join("results/pretend-result.RHS").exists());
        }
    }
    lines.sort();
    lines
}

fn undisturbed() -> Vec<String> {
    let dir = tempfile::tempdir().unwrap();
    let out = campaign(dir.path(), 3, 2);
    assert_eq!(go(&out, &mut PretendBooter::default(), u32::MAX), WHOLE);
    results(&out)
}

/// Cells that the journal says were finished more than once.
fn measured_twice(out: &Path) -> Vec<String> {
    let journal = std::fs::read_to_string(out.join(JOURNAL_FILE)).unwrap();
    let mut boots = std::collections::BTreeMap::new();
    let mut cells = std::collections::BTreeMap::new();
    for line in journal.lines() {
        let value: serde_json::Value = serde_json::from_str(line).unwrap();
        let event = &value["event"];
        let boot = event["boot"].to_string();
        match event["type"].as_str().unwrap() {
            "boot_started" => {
                drop(boots.insert(boot, format!("{} {}", event["environment"], event["repeat"])))
            }
            "case_finished" => *cells.entry(format!("{} {}", boots[&boot], event["case"])).or_insert(0) += 1,
            _ => {}
        }
    }
    cells.into_iter().filter(|(_, n)| *n > 1).map(|(cell, _)| cell).collect()
}

/// Kills a campaign `kills` times at random points of its life, resumes it each time, and begins a new one whenever one
/// is complete. The victim is this very test in a process of its own.
fn kill_at_random_points(test: &str, kills: u32) {
    if let Some(out) = std::env::var_os("PERFVT_TEST_VICTIM") {
        go(Path::new(&out), &mut PretendBooter::default(), u32::MAX);
        return;
    }
    let wanted = undisturbed();
    let mut rng = SplitMix64::new(20_261_126);
    // How long a whole campaign takes in a process of its own here, now: the time within which it is killed.
    let mut whole = Duration::ZERO;
    let (mut killed, mut campaigns) = (0, 0);
    while killed < kills {
        let dir = tempfile::tempdir().unwrap();
        let out = campaign(dir.path(), 3, 2);
        campaigns += 1;
        for round in 0.. {
            let begun = Instant::now();
            let mut victim = Command::new(std::env::current_exe().unwrap())
                .args(["--exact", test, "--include-ignored"])
                .env("PERFVT_TEST_VICTIM", &out)
                .stdout(Stdio::null())
                .spawn()
                .unwrap();
            if killed < kills && !whole.is_zero() && round < 6 {
                std::thread::sleep(whole.mul_f64((rng.next_u64() % 1000) as f64 / 1000.0));
                if victim.try_wait().unwrap().is_none() {
                    victim.kill().unwrap();
                    killed += 1;
                }
            }
            if victim.wait().unwrap().success() {
                whole = begun.elapsed();
                break;
            }
        }
        assert_eq!(results(&out), wanted, "campaign {campaigns}");
        assert_eq!(measured_twice(&out), Vec::<String>::new());
        let left = go(&out, &mut PretendBooter::default(), u32::MAX);
        assert_eq!(left, WHOLE);
        for environment in ["base", "head"] {
            let run: RunFile = read_json(&out.join(environment).join(RUN_FILE), RUN_FORMAT).unwrap();
            let told = (run.failures.len(), run.started <= 2, run.ended);
            assert_eq!(told, (0, true, Some(true)), "a kill is no failure");
        }
        let names = Command::new("find").arg(&out).output().unwrap().stdout;
        assert!(!String::from_utf8(names).unwrap().contains("/.perfvt-"), "a temporary file is left");
    }
    eprintln!("{killed} kills in {campaigns} campaigns");
}

#[test]
fn a_campaign_killed_at_50_random_points_ends_like_an_undisturbed_one() {
    kill_at_random_points(
        "campaign_faults::a_campaign_killed_at_50_random_points_ends_like_an_undisturbed_one",
        50,
    );
}

#[test]
#[ignore = "soak: minutes"]
fn a_campaign_killed_at_1000_random_points_ends_like_an_undisturbed_one() {
    kill_at_random_points(
        "campaign_faults::a_campaign_killed_at_1000_random_points_ends_like_an_undisturbed_one",
        1000,
    );
}

/// Copies a directory with everything in it.
fn copy(from: &Path, to: &Path) {
    assert!(Command::new("cp").arg("-r").arg(from).arg(to).status().unwrap().success());
}

#[test]
fn a_journal_cut_anywhere_is_gone_on_with_and_the_results_are_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let out = campaign(dir.path(), 3, 2);
    go(&out, &mut PretendBooter::default(), u32::MAX);
    let wanted = results(&out);
    let journal = std::fs::read(out.join(JOURNAL_FILE)).unwrap();
    let ends: Vec<usize> = (0..journal.len()).filter(|i| journal[*i] == b'\n').collect();
    // What a cut loses is the line that it goes through, whichever byte it is (the reader's own tests cut at each one):
    // so the whole way is gone for every third line, cut in its middle, and for the first and the last byte.
    let middles = ends.windows(2).step_by(3).map(|w| (w[0] + w[1]) / 2);
    for cut in middles.chain([0, 1, journal.len() - 1]) {
        let again = dir.path().join(format!("cut{cut}"));
        copy(&out, &again);
        std::fs::write(again.join(JOURNAL_FILE), &journal[..cut]).unwrap();
        assert_eq!(go(&again, &mut PretendBooter::default(), u32::MAX), WHOLE, "cut at {cut}");
        assert_eq!(results(&again), wanted, "cut at {cut}");
    }
}

#[test]
fn a_changed_journal_or_result_file_is_refused_by_name_and_left_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let out = campaign(dir.path(), 3, 2);
    go(&out, &mut PretendBooter::default(), 5);
    let open = || Campaign::open_with(&out, "host", find);
    let journal = out.join(JOURNAL_FILE);
    let text = std::fs::read(&journal).unwrap();
    let mut changed = text.clone();
    changed[20] ^= 1;
    std::fs::write(&journal, &changed).unwrap();
    let error = open().err().unwrap().to_string();
    assert!(error.contains("journal.jsonl:1: the checksum does not match"), "{error}");
    assert_eq!(std::fs::read(&journal).unwrap(), changed);
    std::fs::write(&journal, &text).unwrap();

    let plan = open().unwrap().file().clone();
    let first = &plan.environments[plan.blocks[0].boots[0].environment].name;
    let results = repeat_dir(&out, first, 1).join(MEASUREMENTS_FILE);
    let text = std::fs::read_to_string(&results).unwrap();
    std::fs::write(&results, text.replacen("\"value\":", "\"value\":1", 1)).unwrap();
    let mut watcher = Watcher::new(u32::MAX);
    let mut hooks = Hooks::new(&mut watcher);
    let error = open().unwrap().run(&mut PretendBooter::default(), &mut hooks).unwrap_err().to_string();
    assert!(
        error.contains("measurements.jsonl:4: the sum in the end line is not that of the lines"),
        "{error}"
    );
    assert!(error.ends_with("remove the file, and `perfvt resume` measures again what it held"), "{error}");
    drop(hooks);

    // The way out that the text names: what is not there is measured again.
    std::fs::remove_file(&results).unwrap();
    let mut watcher = Watcher::new(u32::MAX);
    let ended = open().unwrap().run(&mut PretendBooter::default(), &mut Hooks::new(&mut watcher)).unwrap();
    assert_eq!(ended, WHOLE);
    let missing = |e: &&Event| matches!(e, Event::ValuesMissing { cases, .. } if cases.len() == 3);
    assert_eq!(watcher.events.iter().filter(missing).count(), 1);
}

#[test]
fn values_that_were_cut_off_are_refused_by_name_and_measured_again_when_they_are_removed() {
    let dir = tempfile::tempdir().unwrap();
    let out = campaign(dir.path(), 3, 2);
    assert_eq!(go(&out, &mut PretendBooter::default(), u32::MAX), WHOLE);
    let wanted = results(&out);
    let repeat = repeat_dir(&out, "head", 2);
    let (values, classic) = (repeat.join(MEASUREMENTS_FILE), repeat.join("results/pretend-result.RHS"));
    let text = std::fs::read(&values).unwrap();
    let newlines: Vec<usize> = (0..text.len()).filter(|at| text[*at] == b'\n').map(|at| at + 1).collect();
    assert_eq!(newlines.len(), 4, "three cases and the end line");
    for end in [0, newlines[0] - 1, newlines[0], newlines[1], newlines[2], newlines[3] - 2] {
        std::fs::write(&values, &text[..end]).unwrap();
        let mut watcher = Watcher::new(u32::MAX);
        let mut campaign = Campaign::open_with(&out, "host", find).unwrap();
        let error = campaign.run(&mut PretendBooter::default(), &mut Hooks::new(&mut watcher)).unwrap_err();
        assert!(error.to_string().contains("measurements.jsonl:"), "cut at {end}: {error}");
        assert!(error.to_string().contains("`perfvt resume`"), "cut at {end}: {error}");
        assert!(campaign.reparse().is_err(), "nor are values made again out of a part of them: cut at {end}");
        assert_eq!(std::fs::read(&values).unwrap(), &text[..end], "it is left as it is");
    }
    std::fs::remove_file(&values).unwrap();
    let old = std::fs::read_to_string(&classic).unwrap();
    std::fs::write(&classic, format!("{old}### of the values that are gone\n")).unwrap();
    let mut booter = PretendBooter::default();
    assert_eq!(go(&out, &mut booter, u32::MAX), WHOLE);
    assert_eq!((booter.boots, results(&out)), (1, wanted));
    let classic = std::fs::read_to_string(&classic).unwrap();
    assert!(!classic.contains("that are gone"), "the classic file is made of today's values: {classic}");
}

/// Makes a campaign's files those of a perfvt that wrote no end line.
fn as_version_1(out: &Path) {
    for environment in ["base", "head"] {
        for name in [MEASUREMENTS_FILE, SERIES_FILE] {
            let path = repeat_dir(out, environment, 1).join(name);
            let Ok(text) = std::fs::read_to_string(&path) else { continue };
            let lines: Vec<&str> = text.split_inclusive('\n').filter(|l| !l.contains("\"end\"")).collect();
            std::fs::write(&path, lines.concat().replace("{\"v\":2", "{\"v\":1")).unwrap();
        }
    }
}

#[test]
fn files_of_a_version_without_end_lines_are_gone_on_with_and_get_them() {
    let dir = tempfile::tempdir().unwrap();
    let out = campaign(dir.path(), 3, 2);
    go(&out, &mut PretendBooter::default(), 2);
    as_version_1(&out);
    let old: Vec<_> = ["base", "head"].map(|name| repeat_dir(&out, name, 1).join(MEASUREMENTS_FILE)).into();
    let old: Vec<_> = old.into_iter().filter(|path| path.exists()).collect();
    assert!(!old.is_empty() && old.iter().all(|path| read_measurements(path).unwrap()[0].v == 1));
    assert_eq!(go(&out, &mut PretendBooter::default(), u32::MAX), WHOLE);
    assert_eq!(results(&out), undisturbed());
    for path in &old {
        assert!(read_measurements(path).unwrap().iter().all(|m| m.v == 2));
        let series: Read<SeriesLine> = read_series(&path.with_file_name(SERIES_FILE)).unwrap();
        assert!(series.sealed, "what looks whole beside values that are whole has to be");
    }
}

#[test]
fn a_series_that_was_cut_off_is_refused_by_name_and_made_again_when_it_is_removed() {
    let dir = tempfile::tempdir().unwrap();
    let out = campaign(dir.path(), 3, 1);
    go(&out, &mut PretendBooter::default(), u32::MAX);
    let series = repeat_dir(&out, "base", 1).join(SERIES_FILE);
    let whole = std::fs::read(&series).unwrap();
    let mut campaign = Campaign::open_with(&out, "host", find).unwrap();
    for end in [0, whole.len() / 2] {
        std::fs::write(&series, &whole[..end]).unwrap();
        let error = campaign.reparse().unwrap_err().to_string();
        assert!(error.contains("series.jsonl:1: ") && error.contains("`perfvt reparse`"), "{end}: {error}");
    }
    std::fs::remove_file(&series).unwrap();
    assert_eq!(campaign.reparse().unwrap(), 6);
    assert_eq!(std::fs::read(&series).unwrap(), whole);
}

#[test]
fn a_campaign_in_which_nothing_succeeds_is_stopped_and_can_go_on_when_that_is_mended() {
    let dir = tempfile::tempdir().unwrap();
    let out = campaign(dir.path(), 3, 20);
    let mut booter = PretendBooter { broken: [true; 40].into(), ..PretendBooter::default() };
    let mut watcher = Watcher::new(u32::MAX);
    let mut campaign = Campaign::open_with(&out, "host", find).unwrap();
    let error = campaign.run(&mut booter, &mut Hooks::new(&mut watcher)).unwrap_err();
    assert!(matches!(error, CampaignError::GivenUp { boots: 6, .. }), "{error}");
    assert!(error.to_string().contains("QEMU ended with status 1"), "{error}");
    assert_eq!(booter.boots, 6);
    assert_eq!(campaign.standing().cells.pending(), 120 - 9, "three repeats of three cells were given up");
    drop(campaign);
    let ended = go(&out, &mut PretendBooter::default(), u32::MAX);
    assert_eq!((ended.valid, ended.invalid), (111, 9));
}

#[test]
fn a_host_that_lacks_something_stops_the_campaign_before_anything_is_called_invalid() {
    let dir = tempfile::tempdir().unwrap();
    let out = campaign(dir.path(), 3, 2);
    let mut booter = PretendBooter::default();
    booter.script.borrow_mut().extend([Ok(()), Err(Failed::new(Code::HostNoSpace, "the disk is full"))]);
    let mut watcher = Watcher::new(u32::MAX);
    let mut campaign = Campaign::open_with(&out, "host", find).unwrap();
    let error = campaign.run(&mut booter, &mut Hooks::new(&mut watcher)).unwrap_err();
    assert!(matches!(error, CampaignError::Host { .. }), "{error}");
    drop(campaign);
    assert_eq!(go(&out, &mut PretendBooter::default(), u32::MAX), WHOLE);
    assert_eq!(measured_twice(&out), Vec::<String>::new());
}

/// Wants an end at once as soon as a case is under way, which then fails because its guest was killed.
struct Impatient(Vec<Event>);

impl Observer for Impatient {
    fn event(&mut self, event: &Event, _: &State) {
        self.0.push(event.clone());
    }
    fn stop(&mut self) -> Option<String> {
        let started = self.0.iter().any(|e| matches!(e, Event::CaseStarted { .. }));
        started.then(|| "SIGTERM".into())
    }
    fn at_once(&mut self) -> bool {
        self.stop().is_some()
    }
}

#[test]
fn a_sample_that_is_interrupted_is_no_failure_and_is_taken_when_the_campaign_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let out = campaign(dir.path(), 3, 2);
    let mut booter = PretendBooter::default();
    booter.script.borrow_mut().push_back(Err(Failed::new(Code::EarlyExit, "QEMU was killed by signal 9")));
    let mut impatient = Impatient(Vec::new());
    let mut campaign = Campaign::open_with(&out, "host", find).unwrap();
    let ended = campaign.run(&mut booter, &mut Hooks::new(&mut impatient)).unwrap();
    assert_eq!(ended, Ended { valid: 0, invalid: 0, interrupted: true });
    let failed = |e: &&Event| matches!(e, Event::BootFailed { .. } | Event::CaseFinished { .. });
    assert_eq!(impatient.0.iter().filter(failed).count(), 0);
    assert!(matches!(impatient.0.last(), Some(Event::Interrupted { .. })));
    drop(campaign);
    assert_eq!(go(&out, &mut PretendBooter::default(), u32::MAX), WHOLE);
}

/// A disk of its own, so small that a campaign does not fit.
#[test]
fn a_full_disk_of_results_stops_a_campaign_that_goes_on_when_there_is_room() {
    if let Some(out) = std::env::var_os("PERFVT_TEST_VICTIM") {
        let mut watcher = Watcher::new(u32::MAX);
        let mut campaign = Campaign::open_with(Path::new(&out), "host", find).unwrap();
        let ended = campaign.run(&mut PretendBooter::default(), &mut Hooks::new(&mut watcher));
        eprintln!("ended: {}", ended.map_or_else(|e| e.to_string(), |e| format!("{e:?}")));
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let out = campaign(dir.path(), 3, 2);
    // The plan is copied to a disk of 100 KB; what could be written there comes back and goes on here.
    let script = "mount -t tmpfs -o size=100k small \"$1/small\" && cp -r \"$1/out\" \"$1/small/\" && \
                  PERFVT_TEST_VICTIM=\"$1/small/out\" \"$0\" --exact \"$2\" --nocapture; \
                  rm -rf \"$1/out\"; cp -r \"$1/small/out\" \"$1/out\"";
    std::fs::create_dir(dir.path().join("small")).unwrap();
    let run = Command::new("unshare")
        .args(["--user", "--map-root-user", "--mount", "sh", "-c", script])
        .arg(std::env::current_exe().unwrap())
        .arg(dir.path())
        .arg("campaign_faults::a_full_disk_of_results_stops_a_campaign_that_goes_on_when_there_is_room")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&run.stderr).into_owned();
    if !run.status.success() && !said.contains("ended: ") {
        testing::skip(format_args!("this machine denies mounts in a user namespace: {said}"));
        return;
    }
    assert!(said.contains("No space left on device"), "{said}");
    assert_eq!(go(&out, &mut PretendBooter::default(), u32::MAX), WHOLE);
    assert_eq!(results(&out), undisturbed());
    assert_eq!(measured_twice(&out), Vec::<String>::new());
}
