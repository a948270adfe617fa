//! Campaigns with guests that only pretend, so that every kind of failure can be had at will.
#![allow(dead_code)]

pub mod stub;

use collect::campaign::plan::blocks;
use collect::campaign::{Campaign, Ended, Hooks, Observer};
use collect::lab::{Booted, Booter, Client, Failed, HostSample, Lab, Snapshot, Target, Unbooted};
use collect::workload::{Outcome, Value, Workload};
use model::journal::{Event, State};
use model::{Accel, CampaignFile, Case, Code, EnvironmentPlan, Fingerprint, Moment, Params, Rule, Window};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;
use stub::Stub;
use vm::deadlines::Deadlines;
use vm::guest::checked::{Found, Images};

/// What the next measurements come to, in order; after the last one every measurement succeeds.
pub type Script = Rc<RefCell<VecDeque<Result<(), Failed>>>>;

static PRETEND: Stub = Stub::new("pretend", "speed", pretend, parse);

fn pretend(lab: &mut dyn Lab, _: &Case, _: &Params, raw: &Path) -> Result<(), Failed> {
    lab.exec(&[], Duration::ZERO)?;
    collect::lab::keep(raw, "out.txt", "2")
}

fn parse(case: &Case, raw: &Path) -> Result<Outcome, Failed> {
    let factor: f64 = std::fs::read_to_string(raw.join("out.txt")).unwrap().parse().unwrap();
    let size: f64 = case.keys.get("size").unwrap().parse().unwrap();
    Ok(outcome("speed", size * factor))
}

/// A value that `raw/out.txt` gave within one second.
pub fn outcome(metric: &str, value: f64) -> Outcome {
    Outcome {
        window: Window { start_unix_ns: 1_700_000_000_000_000_000, mono_ns: 1, len_ns: 1_000_000_000 },
        values: vec![Value { metric: metric.into(), value, raw: Some(("out.txt".into(), 1)) }],
        series: Vec::new(),
    }
}

/// The pretending workload.
pub fn find(name: &str) -> Option<&'static dyn Workload> {
    (name == "pretend").then_some(&PRETEND as &dyn Workload)
}

/// A guest that pretends.
#[derive(Default)]
pub struct PretendLab {
    script: Script,
    /// What a check of its images finds.
    found: Found,
    /// What there is to be profiled.
    processes: Vec<(String, u32)>,
}

impl Lab for PretendLab {
    fn target(&self) -> Target {
        let address = IpAddr::from(Ipv4Addr::LOCALHOST);
        Target {
            control: address,
            control_port: 1,
            data: address,
            data_ports: vec![],
            interface: "eth0".into(),
        }
    }
    fn connect(&mut self) -> Result<(), Failed> {
        Ok(())
    }
    fn client_tool(&self, name: &str) -> Result<String, Failed> {
        self.host_tool(name)
    }
    fn host_tool(&self, name: &str) -> Result<String, Failed> {
        Ok(name.into())
    }
    fn deadlines(&self) -> Deadlines {
        Deadlines::usual(Accel::Kvm)
    }
    fn exec(&mut self, _: &[&str], _: Duration) -> Result<String, Failed> {
        self.script.borrow_mut().pop_front().unwrap_or(Ok(())).map(|()| String::new())
    }
    fn start_client(&mut self, _: &[String], _: &Path, _: &Path) -> Result<Box<dyn Client>, Failed> {
        Err(Failed::tool("this lab has no clients"))
    }
    fn snapshot(&mut self) -> Result<Snapshot, Failed> {
        let HostSample { at, cpu, .. } = self.host_sample()?;
        Ok(Snapshot { at, host_cpu: cpu, ..Snapshot::default() })
    }
    fn host_sample(&mut self) -> Result<HostSample, Failed> {
        Ok(HostSample { at: Moment::now(), ..HostSample::default() })
    }
    fn death(&mut self) -> Option<Failed> {
        None
    }
    fn misplaced(&mut self) -> Vec<String> {
        Vec::new()
    }
    fn processes(&self) -> Vec<(String, u32)> {
        self.processes.clone()
    }
    fn images(&mut self) -> Images {
        Images::checked(std::mem::take(&mut self.found))
    }
    fn end(self: Box<Self>, forensics: Option<&Path>) {
        if let Some(dir) = forensics {
            std::fs::create_dir_all(dir).unwrap();
        }
    }
}

/// Boots guests that pretend.
#[derive(Default)]
pub struct PretendBooter {
    pub script: Script,
    /// Boots that fail before the guest is there.
    pub broken: VecDeque<bool>,
    /// Boots so far.
    pub boots: u32,
    /// What checks of the images of the first boots find.
    pub found: VecDeque<Found>,
    /// What there is to be profiled.
    pub processes: Vec<(String, u32)>,
}

impl Booter for PretendBooter {
    fn boot(&mut self, _: &str, _: &Path, _: &Path) -> Result<Booted, Unbooted> {
        self.boots += 1;
        if self.broken.pop_front().unwrap_or(false) {
            return Err(Failed::new(Code::EarlyExit, "QEMU ended with status 1").into());
        }
        let lab = PretendLab {
            script: Rc::clone(&self.script),
            found: self.found.pop_front().unwrap_or_default(),
            processes: self.processes.clone(),
        };
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
pub struct Watcher {
    pub cases_left: u32,
    pub events: Vec<Event>,
    /// What it was told beside events.
    pub told: Vec<String>,
}

impl Watcher {
    pub fn new(cases_left: u32) -> Watcher {
        Watcher { cases_left, events: Vec::new(), told: Vec::new() }
    }
}

impl Observer for Watcher {
    fn told(&mut self, environment: &str, what: &str) {
        self.told.push(format!("{environment}: {what}"));
    }
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

/// A new campaign of two environments, with so many cases and repeats.
pub fn campaign(dir: &Path, cases: usize, repeats: u32) -> PathBuf {
    campaign_with(dir, cases, repeats, Params::new())
}

/// The same with further parameters.
pub fn campaign_with(dir: &Path, cases: usize, repeats: u32, params: Params) -> PathBuf {
    let out = dir.join("out");
    Campaign::create(&out, &plan(cases, repeats, params)).unwrap();
    out
}

/// Its plan.
pub fn plan(cases: usize, repeats: u32, mut attempts: Params) -> CampaignFile {
    let case = |n: usize| Case {
        workload: "pretend".into(),
        category: "WALK".into(),
        keys: [("size", (n + 1).to_string())].into_iter().collect(),
    };
    attempts.set("attempts", "2", model::Origin::BuiltIn);
    attempts.set("samples", "2", model::Origin::BuiltIn);
    let environment = |name: &str| EnvironmentPlan {
        name: name.into(),
        params: attempts.stored(),
        factors: vec![],
        facts: Default::default(),
        secrets: attempts.secrets().clone(),
    };
    CampaignFile {
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
        machine: None,
        farm: None,
        exits: false,
        warnings: vec![],
        rule: Rule::Fixed { repeats },
        confirm: None,
        environments: vec![environment("base"), environment("head")],
        cases: (0..cases).map(case).collect(),
        blocks: blocks(2, repeats, cases, 1, true),
    }
}

/// Runs it until its end, or until so many cases are done.
pub fn go(out: &Path, booter: &mut PretendBooter, cases: u32) -> Ended {
    Campaign::open_with(out, "host", find)
        .unwrap()
        .run(booter, &mut Hooks::new(&mut Watcher::new(cases)))
        .unwrap()
}

/// Where a repeat lies.
pub fn repeat_dir(out: &Path, environment: &str, repeat: u32) -> PathBuf {
    out.join(environment).join(format!("repeat{repeat}.builtin...pretend.host_guest"))
}
