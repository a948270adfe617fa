//! Profiles of a campaign: one boot more of each environment behind the judged ones, of which nothing is judged.

use crate::campaign_support;

use campaign_support::*;
use collect::campaign::{Campaign, Ended, Hooks};
use collect::lab::Failed;
use formats::folded::Folded;
use model::journal::Event;
use model::store::{MEASUREMENTS_FILE, read_json, read_measurements};
use model::{Code, Origin, Params, Profile, RunFile};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// A profiler of the user's: waits until it is told to end, then prints stacks.
const SCRIPT: &str = "#!/bin/sh\ntrap : INT\n: >\"$PERFVT_OUTPUT\"\necho \"$PERFVT_PID;$PERFVT_GUESTS;$1 7\"\necho \
                      \"a;$PERFVT_CASE 1\"\n";

fn script(dir: &Path, text: &str) -> PathBuf {
    let path = dir.join("profiler.sh");
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path
}

fn campaign_of(dir: &Path, profiler: &str) -> PathBuf {
    let mut params = Params::new();
    params.set("profiler", profiler, Origin::BuiltIn);
    campaign_with(dir, 2, 1, params)
}

fn booter() -> PretendBooter {
    PretendBooter { processes: vec![("vm1".into(), std::process::id())], ..PretendBooter::default() }
}

fn watched(out: &Path, booter: &mut PretendBooter) -> (Ended, Watcher) {
    let mut watcher = Watcher::new(u32::MAX);
    let mut campaign = Campaign::open_with(out, "host", find).unwrap();
    let ended = campaign.run(booter, &mut Hooks::new(&mut watcher)).unwrap();
    (ended, watcher)
}

fn profile(out: &Path, environment: &str) -> Option<Profile> {
    read_json::<RunFile>(&out.join(environment).join("run.json"), 1).unwrap().profile
}

fn stacks(out: &Path, profile: &Profile) -> String {
    let case = &profile.cases[0];
    let path = out.join("base").join(&case.folder).join("host.folded.gz");
    Folded::unpack(&std::fs::read(path).unwrap()).unwrap().text()
}

#[test]
fn each_environment_is_profiled_once_behind_the_judged_boots_and_no_value_of_it_counts() {
    let dir = tempfile::tempdir().unwrap();
    let profiler = format!("'{}' word", script(dir.path(), SCRIPT).display());
    let out = campaign_of(dir.path(), &profiler);
    let mut booter = booter();
    let (ended, watcher) = watched(&out, &mut booter);
    assert_eq!((ended, booter.boots), (Ended { valid: 4, invalid: 0, interrupted: false }, 4));
    let place = |of: fn(&Event) -> bool| watcher.events.iter().rposition(of).unwrap();
    assert!(
        place(|e| matches!(e, Event::BootFinished { .. })) < place(|e| matches!(e, Event::Profiled { .. }))
    );
    let found = profile(&out, "base").unwrap();
    assert_eq!((found.cases.len(), found.told.len(), found.samples()), (2, 0, 16));
    let text = stacks(&out, &found);
    assert_eq!(text, format!("{};vm1;word 7\na;pretend/WALK/size=1 1\n", std::process::id()));
    for environment in ["base", "head"] {
        let values = read_measurements(&repeat_dir(&out, environment, 1).join(MEASUREMENTS_FILE)).unwrap();
        assert!(values.len() == 2 && values.iter().all(|m| !m.boot.contains("profile")), "{values:?}");
    }
    // Whoever goes on has nothing more to profile.
    let (ended, watcher) = watched(&out, &mut booter);
    assert!(ended.valid == 4 && booter.boots == 4, "{:?}", watcher.events);
}

#[test]
fn what_cannot_be_profiled_is_told_and_the_campaign_ends_in_order() {
    let told = |profiler: &dyn Fn(&Path) -> String, booter: &mut PretendBooter| {
        let dir = tempfile::tempdir().unwrap();
        let out = campaign_of(dir.path(), &profiler(dir.path()));
        let (ended, watcher) = watched(&out, booter);
        assert_eq!(ended, Ended { valid: 4, invalid: 0, interrupted: false });
        let found = profile(&out, "base").unwrap();
        assert!(
            found.cases.is_empty() && found.told.iter().all(|t| watcher.told.iter().any(|w| w.contains(t)))
        );
        found.told.join("; ")
    };
    let script_of = |text: &'static str| move |dir: &Path| script(dir, text).display().to_string();
    let failing = script_of("#!/bin/sh\necho 'no right to look' >&2\nexit 3\n");
    let said = told(&failing, &mut booter());
    assert!(said.contains("size=1: not profiled") && said.contains("no right to look"), "{said}");
    let said = told(&script_of("#!/bin/sh\necho no stacks here\n"), &mut booter());
    assert!(said.contains("printed 1 lines, and none is a stack"), "{said}");
    let said = told(&|_| "/nonexistent/profiler".into(), &mut booter());
    assert!(said.contains("/nonexistent/profiler"), "{said}");
    let said = told(&script_of(SCRIPT), &mut PretendBooter::default());
    assert!(said.contains("no guest that runs from its beginning to its end"), "{said}");
    // The third boot is the first that is not judged.
    let broken = [false, false, true, true].into();
    let said = told(&script_of(SCRIPT), &mut PretendBooter { broken, ..booter() });
    assert!(said.contains("QEMU ended with status 1"), "{said}");
    let mut failed = booter();
    failed.script.borrow_mut().extend((0..4).map(|_| Ok(())));
    failed.script.borrow_mut().extend((0..4).map(|_| Err(Failed::new(Code::ToolFailed, "no reply"))));
    let said = told(&script_of(SCRIPT), &mut failed);
    assert!(said.contains("size=1: not profiled") && said.contains("no reply"), "{said}");
}

#[test]
fn a_campaign_without_a_profiler_boots_what_it_did_and_writes_no_profile() {
    let dir = tempfile::tempdir().unwrap();
    let out = campaign(dir.path(), 2, 1);
    let mut booter = booter();
    go(&out, &mut booter, u32::MAX);
    assert_eq!((booter.boots, profile(&out, "base")), (2, None));
    assert!(!out.join("base/profile").exists());
}

/// perf on this very process, which is busy meanwhile. Its samples lie outside of the pretended window, which tells that it has one.
#[test]
fn a_real_perf_looks_at_a_real_process() {
    let dir = tempfile::tempdir().unwrap();
    let out = campaign_of(dir.path(), "perf");
    let (_, watcher) = watched(&out, &mut booter());
    let found = profile(&out, "base").unwrap();
    if found.cases.is_empty() {
        return testing::skip(format!("perf may not look at processes here: {}", watcher.told.join("; ")));
    }
    assert!(found.told.iter().all(|t| t.contains("vm1")), "{found:?}");
    assert_eq!(found.cases[0].stacks[0].of, "host");
}
