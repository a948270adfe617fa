#![allow(clippy::unwrap_used, clippy::panic)]
//! The campaign runner with guests that only pretend, so that every kind of failure can be had at will.

use collect::campaign::CampaignError;
use collect::campaign::plan::blocks;
use collect::campaign::runner::{Booted, Booter, Campaign, Ended, NoGuest, Observer};
use collect::lab::{Client, Failed, HostSample, Lab, Moment, Snapshot, Target};
use collect::workload::{Known, Needs, Outcome, Value, Workload};
use formats::counters::CpuTicks;
use model::journal::{Event, State};
use model::store::{MEASUREMENTS_FILE, read_measurements};
use model::{CampaignFile, Case, EnvironmentPlan, Fingerprint, Params, ParamsError, Rule, Window};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

/// What the next measurements come to, in order; after the last one every measurement succeeds.
type Script = Rc<RefCell<VecDeque<Result<(), Failed>>>>;

struct Pretend;

impl Workload for Pretend {
    fn name(&self) -> &'static str {
        "pretend"
    }
    fn parameters(&self) -> &'static [Known] {
        &[]
    }
    fn cases(&self, _: &Params) -> Result<Vec<Case>, ParamsError> {
        Ok(Vec::new())
    }
    fn quick(&self) -> &'static [(&'static str, &'static str)] {
        &[]
    }
    fn metrics(&self, _: &str, _: &Params, _: bool) -> Vec<String> {
        vec!["speed".into()]
    }
    fn needs(&self, _: &Params) -> Needs {
        Needs::default()
    }
    fn seconds(&self, _: &Params) -> f64 {
        0.0
    }
    fn session_length(&self, _: &Params) -> String {
        "1".into()
    }
    fn rhs_name(&self, _: f64) -> String {
        "pretend-result.RHS".into()
    }
    fn prepare(&self, _: &mut dyn Lab) -> Result<(), Failed> {
        Ok(())
    }
    fn measure(&self, lab: &mut dyn Lab, _: &Case, raw: &Path) -> Result<(), Failed> {
        lab.exec(&[], Duration::ZERO)?;
        std::fs::write(raw.join("out.txt"), "2").map_err(|e| Failed::Case(e.to_string()))
    }
    fn parse(&self, case: &Case, _: &Params, raw: &Path) -> Result<Outcome, Failed> {
        let factor: f64 = std::fs::read_to_string(raw.join("out.txt")).unwrap().parse().unwrap();
        let size: f64 = case.keys.get("size").unwrap().parse().unwrap();
        Ok(Outcome {
            window: Window { start_unix_ns: 1_700_000_000_000_000_000, mono_ns: 1, len_ns: 1_000_000_000 },
            values: vec![Value {
                metric: "speed".into(),
                value: size * factor,
                raw: Some(("out.txt".into(), 1)),
            }],
            series: Vec::new(),
        })
    }
}

static PRETEND: Pretend = Pretend;

fn find(name: &str) -> Option<&'static dyn Workload> {
    (name == "pretend").then_some(&PRETEND as &dyn Workload)
}

struct PretendLab {
    params: Params,
    script: Script,
}

impl Lab for PretendLab {
    fn params(&self) -> &Params {
        &self.params
    }
    fn target(&self) -> Target {
        Target { address: self.gateway(), control_port: 1, data_ports: vec![] }
    }
    fn gateway(&self) -> IpAddr {
        Ipv4Addr::LOCALHOST.into()
    }
    fn guest_address(&self) -> String {
        "127.0.0.2/8".into()
    }
    fn host_tool(&self, name: &str) -> Result<String, Failed> {
        Ok(name.into())
    }
    fn exec(&mut self, _: &[&str], _: Duration) -> Result<String, Failed> {
        self.script.borrow_mut().pop_front().unwrap_or(Ok(())).map(|()| String::new())
    }
    fn start_client(&mut self, _: &[String], _: &Path, _: &Path) -> Result<Box<dyn Client>, Failed> {
        Err(Failed::Case("this lab has no clients".into()))
    }
    fn snapshot(&mut self) -> Result<Snapshot, Failed> {
        let HostSample { at, cpu } = self.host_sample()?;
        Ok(Snapshot { at, host_cpu: cpu, guest: String::new(), exits: None })
    }
    fn host_sample(&mut self) -> Result<HostSample, Failed> {
        Ok(HostSample { at: Moment::now(), cpu: CpuTicks::default() })
    }
    fn death(&mut self) -> Option<String> {
        None
    }
    fn misplaced(&mut self) -> Vec<String> {
        Vec::new()
    }
    fn end(self: Box<Self>, forensics: Option<&Path>) {
        if let Some(dir) = forensics {
            std::fs::create_dir_all(dir).unwrap();
        }
    }
}

#[derive(Default)]
struct PretendBooter {
    script: Script,
    /// Boots that fail before the guest is there.
    broken: VecDeque<bool>,
    boots: u32,
}

impl Booter for PretendBooter {
    fn boot(&mut self, params: &Params, _: &Path, _: &Path) -> Result<Booted, NoGuest> {
        self.boots += 1;
        if self.broken.pop_front().unwrap_or(false) {
            return Err(NoGuest::Guest("QEMU ended with status 1".into()));
        }
        let lab = PretendLab { params: params.clone(), script: Rc::clone(&self.script) };
        let mut facts = Fingerprint::default();
        facts.set("qemu.version", "1.2");
        Ok(Booted {
            lab: Box::new(lab),
            facts,
            seconds: 0.1,
            sysinfo: vec![("facts.txt".into(), "x".into())],
        })
    }
}

/// Stops a campaign after so many cases.
struct Watcher {
    cases_left: u32,
    events: Vec<Event>,
}

impl Watcher {
    fn new(cases_left: u32) -> Watcher {
        Watcher { cases_left, events: Vec::new() }
    }
}

impl Observer for Watcher {
    fn event(&mut self, event: &Event, _: &State) {
        if matches!(event, Event::CaseFinished { .. }) {
            self.cases_left = self.cases_left.saturating_sub(1);
        }
        self.events.push(event.clone());
    }
    fn stop(&mut self) -> Option<String> {
        (self.cases_left == 0).then(|| "SIGINT".into())
    }
}

fn campaign(dir: &Path, cases: usize, repeats: u32) -> PathBuf {
    let out = dir.join("out");
    let case = |n: usize| Case {
        workload: "pretend".into(),
        category: "WALK".into(),
        keys: [("size", (n + 1).to_string())].into_iter().collect(),
    };
    let mut attempts = Params::new();
    attempts.set("attempts", "2", model::Origin::BuiltIn);
    let environment = |name: &str| EnvironmentPlan {
        name: name.into(),
        params: collect::campaign::to_stored(&attempts),
        factors: vec![],
    };
    let file = CampaignFile {
        format: 1,
        perfvt: "0".into(),
        id: "c1".into(),
        created_unix_ns: 1,
        seed: 1,
        argv: vec![],
        workload: "pretend".into(),
        scenario: "host_guest".into(),
        accel: "tcg".into(),
        network: "user".into(),
        allow_unpinned: false,
        exits: false,
        warnings: vec![],
        rule: Rule::Fixed { repeats },
        environments: vec![environment("base"), environment("head")],
        cases: (0..cases).map(case).collect(),
        blocks: blocks(2, repeats, cases, 1, true),
    };
    Campaign::create(&out, &file).unwrap();
    out
}

fn go(out: &Path, booter: &mut PretendBooter, cases: u32) -> Ended {
    Campaign::open_with(out, "host", find).unwrap().run(booter, &mut Watcher::new(cases)).unwrap()
}

fn repeat_dir(out: &Path, environment: &str, repeat: u32) -> PathBuf {
    out.join(environment).join(format!("repeat{repeat}.builtin...pretend.host_guest"))
}

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
        let ended = resumed.run(&mut PretendBooter::default(), &mut watcher).unwrap();
        assert_eq!(ended, Ended { valid: 12, invalid: 0, interrupted: false });
        let measured = watcher.events.iter().filter(|e| matches!(e, Event::CaseFinished { .. })).count();
        assert_eq!(measured as u32, 12 - stop_after);
        assert!(repeat_dir(&out, "head", 2).join("results/pretend-result.RHS").exists());
    }
}

#[test]
fn a_failed_case_is_a_record_with_its_reason_and_its_repeat_has_no_classic_file() {
    let dir = tempfile::tempdir().unwrap();
    let out = campaign(dir.path(), 2, 1);
    let mut booter = PretendBooter::default();
    booter.script.borrow_mut().push_back(Err(Failed::Case("the tool printed nonsense".into())));
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
    booter.script.borrow_mut().extend([Ok(()), Err(Failed::Guest("the guest panicked".into()))]);
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
    booter.script.borrow_mut().push_back(Err(Failed::Case("no reply".into())));
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
