//! Writes sides as directories, in both forms that perfvt reads. The tests of `report` write theirs with it, too.
#![allow(dead_code)]

use analyze::{CompareOptions, Comparison, Row, compare};
use formats::folded::Folded;
use formats::perf_conf::Conf;
use model::measurement::{Outcome, Window};
use model::run::{BlockMembers, FactChange, RunFile};
use model::{Case, Code, Direction, FailedAttempt, Fingerprint, Keys, Measurement, MetricDecl, Profile};
use model::{ProfiledCase, ProfiledStacks, Rule};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// One environment of a campaign, with the values of one metric in some cases.
#[derive(Clone, Debug)]
pub struct Env {
    pub name: &'static str,
    pub campaign: &'static str,
    pub environments: Vec<&'static str>,
    pub accel: &'static str,
    pub factors: Vec<&'static str>,
    pub params: Vec<(&'static str, &'static str)>,
    pub facts: Vec<(&'static str, &'static str)>,
    /// Host boot of each repeat.
    pub host_boots: Vec<&'static str>,
    pub planned: u32,
    /// Every second block is in the reverse order, as `perfvt run` plans them.
    pub mirrored: bool,
    /// Stopping rule; without one the planned number.
    pub rule: Option<Rule>,
    /// Boots at looks after some were added.
    pub looks: Vec<u32>,
    /// Sentences of the collector.
    pub warnings: Vec<&'static str>,
    /// Facts that a later boot found changed: (name, before, after).
    pub changes: Vec<[&'static str; 3]>,
    /// The code of every value that is none.
    pub code: Option<Code>,
    /// Attempts that failed, as run.json tells.
    pub failures: Vec<FailedAttempt>,
    /// Guests that were started; with `ended` the run.json is of a perfvt that counts attempts.
    pub guests: u32,
    pub ended: Option<bool>,
    /// Stacks of the case of the first series, by source; with a sentence of what could not be profiled.
    pub profile: Option<Profiled>,
    /// When the environment was first booted, seconds since the epoch.
    pub started: u64,
    /// Seconds after `started` at which the first boot was measured, where that is told; a hundred later the next.
    pub clock: Option<u64>,
    /// The classic file of each repeat, if it has one.
    pub rhs: Vec<String>,
    pub series: Vec<Series>,
}

/// Folded stacks by source, and what is told beside them.
#[derive(Clone, Debug, Default)]
pub struct Profiled {
    pub stacks: Vec<(&'static str, String)>,
    pub told: Vec<&'static str>,
}

/// A metric of a case, with a value or a reason for each repeat.
#[derive(Clone, Debug)]
pub struct Series {
    pub workload: &'static str,
    pub category: &'static str,
    pub keys: Keys,
    pub metric: &'static str,
    pub unit: &'static str,
    pub values: Vec<Result<f64, &'static str>>,
}

pub fn series(
    category: &'static str,
    size: u32,
    metric: &'static str,
    unit: &'static str,
    values: &[f64],
) -> Series {
    let keys = [("size", size.to_string()), ("sessions", "1".to_string())].into_iter().collect();
    let values = values.iter().map(|v| Ok(*v)).collect();
    Series { workload: "netperf", category, keys, metric, unit, values }
}

pub fn throughput(values: &[f64]) -> Series {
    series("TCP_STREAM (RX)", 64, "throughput", "Mbit/s", values)
}

impl Env {
    pub fn new(name: &'static str, series: Vec<Series>) -> Env {
        let repeats = series.iter().map(|s| s.values.len()).max().unwrap_or(0);
        Env {
            name,
            campaign: "c1",
            environments: vec!["base", "head"],
            accel: "kvm",
            factors: vec!["nic_model"],
            params: vec![("l", "2"), ("nic_model", name)],
            facts: vec![("host.arch", "x86_64")],
            host_boots: vec!["host-1"; repeats],
            planned: repeats as u32,
            mirrored: false,
            rule: None,
            looks: Vec::new(),
            warnings: Vec::new(),
            changes: Vec::new(),
            code: None,
            failures: Vec::new(),
            guests: repeats as u32,
            ended: None,
            profile: None,
            started: 1_700_000_000,
            clock: None,
            rhs: Vec::new(),
            series,
        }
    }

    /// In blocks of its own, and yet measured while the other was: rows of such a pair are Welch's.
    pub fn unpaired(mut self) -> Env {
        (self.environments, self.clock) = (vec![self.name], Some(0));
        self
    }

    /// As many as the longest series has; without any series those that were planned.
    pub fn repeats(&self) -> usize {
        self.series.iter().map(|s| s.values.len()).max().unwrap_or(self.planned as usize)
    }

    pub fn run(&self) -> RunFile {
        let owned =
            |pairs: &[(&str, &str)]| pairs.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
        let mut metrics: Vec<MetricDecl> = Vec::new();
        for s in &self.series {
            if !metrics.iter().any(|m| m.name == s.metric) {
                let direction = Direction::HigherIsBetter;
                metrics.push(MetricDecl { name: s.metric.into(), unit: s.unit.into(), direction });
            }
        }
        RunFile {
            format: 1,
            perfvt: "0.1.0".into(),
            campaign: self.campaign.into(),
            environment: self.name.into(),
            workload: self.series.first().map_or("netperf", |s| s.workload).into(),
            scenario: "host_guest".into(),
            started_unix_ns: self.started * 1_000_000_000,
            params: owned(&self.params),
            factors: self.factors.iter().map(|f| f.to_string()).collect(),
            repeats: self.planned,
            blocks: (1..=self.planned)
                .map(|block| {
                    let mut environments: Vec<String> =
                        self.environments.iter().map(|e| e.to_string()).collect();
                    if self.mirrored && block % 2 == 0 {
                        environments.reverse();
                    }
                    BlockMembers { block, environments, sequential: false }
                })
                .collect(),
            rule: self.rule.clone().unwrap_or(Rule::Fixed { repeats: self.planned }),
            looks: self.looks.clone(),
            metrics,
            accel: self.accel.into(),
            network: "tap".into(),
            warnings: self.warnings.iter().map(|w| w.to_string()).collect(),
            fingerprint: Fingerprint(owned(&self.facts)),
            changes: self.changes.iter().map(|c| change(*c)).collect(),
            failures: self.failures.clone(),
            started: self.guests,
            ended: self.ended,
            farm: None,
            profile: self.profile.as_ref().map(|p| self.profile(p)),
        }
    }

    fn profile(&self, profiled: &Profiled) -> Profile {
        let s = &self.series[0];
        let case = Case { workload: s.workload.into(), category: s.category.into(), keys: s.keys.clone() };
        let stacks = profiled.stacks.iter().map(|(of, text)| ProfiledStacks {
            of: of.to_string(),
            samples: Folded::read(text.as_bytes()).samples(),
        });
        let folder = "profile/000.case".into();
        Profile {
            profiler: "perf".into(),
            boot: format!("{}-{}-profile", self.campaign, self.name),
            cases: vec![ProfiledCase { case, folder, stacks: stacks.collect() }],
            told: profiled.told.iter().map(|s| s.to_string()).collect(),
        }
    }

    /// Writes `ROOT/<name>`.
    pub fn write(&self, root: &Path) -> PathBuf {
        let dir = root.join(self.name);
        fs::create_dir_all(&dir).unwrap();
        model::store::write_json(&dir.join("run.json"), &self.run()).unwrap();
        for (of, text) in self.profile.iter().flat_map(|p| &p.stacks) {
            let folder = dir.join("profile/000.case");
            fs::create_dir_all(&folder).unwrap();
            let packed = Folded::read(text.as_bytes()).packed().unwrap();
            fs::write(folder.join(ProfiledStacks::file(of)), packed).unwrap();
        }
        for repeat in 0..self.repeats() {
            let sub = dir.join(format!("repeat{}.default.netperf.host_guest", repeat + 1));
            fs::create_dir_all(&sub).unwrap();
            let lines: Vec<Measurement> = self
                .series
                .iter()
                .filter_map(|s| Some(self.line(s, repeat, s.values.get(repeat)?)))
                .collect();
            model::store::write_measurements(&sub.join("measurements.jsonl"), &lines).unwrap();
            if let Some(text) = self.rhs.get(repeat) {
                fs::create_dir_all(sub.join("results")).unwrap();
                fs::write(sub.join(format!("results/netperf-result.17000000{repeat:02}.RHS")), text).unwrap();
            }
        }
        dir
    }

    fn line(&self, s: &Series, repeat: usize, value: &Result<f64, &'static str>) -> Measurement {
        let case = Case { workload: s.workload.into(), category: s.category.into(), keys: s.keys.clone() };
        Measurement {
            v: 1,
            case: case.id(),
            workload: case.workload,
            category: case.category,
            keys: case.keys,
            metric: s.metric.into(),
            unit: s.unit.into(),
            outcome: match value {
                Ok(v) => Outcome::Value(*v),
                Err(reason) => Outcome::Invalid { reason: reason.to_string(), code: self.code },
            },
            repeat: repeat as u32 + 1,
            boot: format!("{}-{}-{}", self.campaign, self.name, repeat + 1),
            host_boot: self.host_boots.get(repeat).copied().unwrap_or("host-1").to_string(),
            block: repeat as u32 + 1,
            order: 0,
            attempt: 1,
            window: self.clock.map(|clock| Window {
                start_unix_ns: (self.started + clock + 100 * repeat as u64) * 1_000_000_000,
                mono_ns: 0,
                len_ns: 1_000_000_000,
            }),
            raw: None,
        }
    }
}

fn change([fact, was, is]: [&str; 3]) -> FactChange {
    FactChange { fact: fact.into(), was: Some(was.into()), is: Some(is.into()) }
}

/// What one host of several measured of one row: blocks of a baseline and a candidate.
#[derive(Clone, Debug)]
pub struct OnHost {
    pub name: &'static str,
    /// Its `host.id`, if it tells one.
    pub id: Option<&'static str>,
    pub base: Vec<Series>,
    pub head: Vec<Series>,
    /// What its campaigns say beside that.
    pub change: fn(&mut Env),
    /// The night on which it was measured.
    pub night: u64,
}

impl OnHost {
    /// A host with its own id and one row.
    pub fn new(name: &'static str, base: &[f64], head: &[f64]) -> OnHost {
        let (base, head) = (vec![throughput(base)], vec![throughput(head)]);
        OnHost { name, id: Some(name), base, head, change: |_| (), night: 0 }
    }

    /// Writes its campaign to a folder.
    pub fn write(&self, folder: &Path) -> PathBuf {
        fs::create_dir_all(folder).unwrap();
        let environments = serde_json::json!([{"name": "base"}, {"name": "head"}]);
        let plan = serde_json::json!({"format": 1, "environments": environments});
        fs::write(folder.join("campaign.json"), plan.to_string()).unwrap();
        let campaign: &'static str = format!("campaign-of-{}-{}", self.name, self.night).leak();
        let planned = self.base.iter().chain(&self.head).map(|s| s.values.len()).max().unwrap_or(0);
        for (name, series) in [("base", &self.base), ("head", &self.head)] {
            let mut env = Env { campaign, planned: planned as u32, ..Env::new(name, series.clone()) };
            env.facts.extend(self.id.map(|id| ("host.id", id)));
            env.facts.push(("host.name", self.name));
            env.host_boots = vec![self.name; planned];
            env.started += 86_400 * self.night;
            (self.change)(&mut env);
            env.write(folder);
        }
        folder.to_owned()
    }
}

/// Writes the folder of a farm that planned these hosts: a shard of each host that gave something.
pub fn write_farm(root: &Path, planned: &[&str], hosts: &[OnHost]) -> PathBuf {
    let farm = root.join("farm-1");
    fs::create_dir_all(farm.join("shards")).unwrap();
    let shard =
        |(k, host): (usize, &&str)| serde_json::json!({"k": k + 1, "host": host, "seed": k, "blocks": 5});
    let shards: Vec<_> = planned.iter().enumerate().map(shard).collect();
    let plan = serde_json::json!({"format": 1, "id": "farm-1", "argv": [], "seed": 1, "shards": shards});
    fs::write(farm.join("farm.json"), plan.to_string()).unwrap();
    for (at, host) in hosts.iter().enumerate() {
        let number = planned.iter().position(|name| *name == host.name).unwrap_or(at) + 1;
        host.write(&farm.join(format!("shards/{number:02}@{}", host.name)));
    }
    farm
}

/// Writes one RHS file per repeat under `ROOT/<side>/repeatN/results/`.
pub fn write_rhs(root: &Path, side: &str, texts: &[String]) -> PathBuf {
    write_rhs_of("netperf", root, side, texts)
}

/// The same of another workload.
pub fn write_rhs_of(workload: &str, root: &Path, side: &str, texts: &[String]) -> PathBuf {
    let dir = root.join(side);
    for (i, text) in texts.iter().enumerate() {
        let results = dir.join(format!("repeat{}.default.{workload}.host_guest/results", i + 1));
        fs::create_dir_all(&results).unwrap();
        fs::write(results.join(format!("{workload}-result.17000000{i:02}.RHS")), text).unwrap();
    }
    dir
}

/// A G4 file with one category and (size, throughput, CPU) rows.
pub fn g4(rows: &[(u32, f64, f64)]) -> String {
    let mut text = String::from(
        "### kvm-userspace-ver : qemu-7.2\n### guest-kernel-ver : 6.1\n### kvm_version : 6.1\n### session-length : 60\n\
         Category:TCP_STREAM (RX)\n        size|    sessions|  throughput|         CPU| thr_per_CPU|     re_pkts\n",
    );
    for (size, throughput, cpu) in rows {
        text.push_str(&format!(
            "{size:>12}|{:>12}|{throughput:>12.2}|{cpu:>12.2}|{:>12.2}|{:>12}\n",
            1,
            throughput / cpu,
            0
        ));
    }
    text
}

pub fn options(paths: &[PathBuf]) -> CompareOptions {
    CompareOptions::new(Conf::builtin(), paths.to_vec())
}

/// Options that wait for their next page, by the text of their perf.conf.
static WAITING: Mutex<BTreeMap<String, Vec<CompareOptions>>> = Mutex::new(BTreeMap::new());

/// Works with the options of a perf.conf on top of the built-in one. They are kept for the next who wants them: reading the
/// built-in one takes longer than judging a page, of which some tests draw thousands.
pub fn with_conf<T>(conf: &str, work: impl FnOnce(&mut CompareOptions) -> T) -> T {
    let waiting = WAITING.lock().unwrap().get_mut(conf).and_then(Vec::pop);
    let mut options = waiting.unwrap_or_else(|| {
        CompareOptions::new(Conf::with_layers([("page.conf", conf)]).unwrap(), Vec::new())
    });
    let done = work(&mut options);
    WAITING.lock().unwrap().entry(conf.to_owned()).or_default().push(options);
    done
}

pub fn run(paths: &[PathBuf]) -> Comparison {
    compare(&options(paths)).unwrap()
}

pub fn row<'a>(comparison: &'a Comparison, id: &str) -> &'a Row {
    comparison.rows.iter().find(|r| r.id == id).unwrap_or_else(|| {
        let ids: Vec<&str> = comparison.rows.iter().map(|r| r.id.as_str()).collect();
        panic!("no row {id} among {ids:?}")
    })
}

pub fn codes(comparison: &Comparison) -> Vec<&'static str> {
    comparison.warnings.iter().map(|w| w.code).collect()
}

/// An attempt of a repeat that failed in a case, or outside any.
pub fn failed(repeat: u32, case: Option<&str>, code: Code) -> FailedAttempt {
    FailedAttempt {
        repeat,
        block: repeat,
        attempt: 1,
        boot: format!("c1-head-{repeat}"),
        case: case.map(str::to_owned),
        code: Some(code),
        reason: format!("it was {code}"),
    }
}

/// Where data of others may lie that are not perfvt's to give away: beside the repository, or where a variable says.
pub fn shared(name: &str) -> Option<String> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared");
    let root = std::env::var_os("PERFVT_SHARED").map_or(beside, PathBuf::from);
    std::fs::read_to_string(root.join("data").join(name)).ok()
}
