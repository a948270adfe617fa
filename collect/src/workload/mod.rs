//! The workloads: one file each, and this list.

pub mod boot;
mod client;
pub mod command;
mod common;
pub mod density;
pub mod ffsb;
pub mod fio;
mod fit;
mod host_run;
pub mod iozone;
pub mod iperf3;
pub mod kvm_unit_tests;
pub mod migration;
pub mod netperf;
pub mod ntttcp;
pub mod qemu_img_bench;
pub mod qemu_iotests;
mod server;
pub mod snapshot;
pub mod sockperf;
mod storage;
pub mod uperf;

pub use fit::{check, fits};

pub use crate::lab::{Outcome, Point, Value};
pub use crate::parameters::Known;

use crate::brought::Wish;
use crate::lab::job::Whole;
use crate::lab::{Failed, Lab, Measured, window};
use crate::parse::client_in_guest;
use formats::perf_conf::{Conf, MetricConf};
use model::{Case, MetricDecl, Params, ParamsError};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::time::Duration;
use vm::guest::os::Os;

/// All of them.
pub const ALL: &[&dyn Workload] = &[
    &netperf::Netperf,
    &fio::Fio,
    &iozone::Iozone,
    &iperf3::Iperf3,
    &sockperf::Sockperf,
    &uperf::Uperf,
    &ffsb::Ffsb,
    &ntttcp::Ntttcp,
    &qemu_img_bench::QemuImgBench,
    &qemu_iotests::QemuIotests,
    &kvm_unit_tests::KvmUnitTests,
    &boot::Boot,
    &migration::Migration,
    &density::Density,
    &snapshot::Snapshot,
    &command::Command,
];

/// The workload of a name.
pub fn find(name: &str) -> Option<&'static dyn Workload> {
    ALL.iter().copied().find(|w| w.name() == name)
}

/// Their names, in the order of the list.
pub fn names() -> Vec<&'static str> {
    ALL.iter().map(|w| w.name()).collect()
}

/// Metrics with the unit and the direction that the built-in perf.conf gives them, which is the one place for that.
pub fn declare(workload: &str, metrics: &[String]) -> Vec<MetricDecl> {
    static CONF: LazyLock<Conf> = LazyLock::new(Conf::builtin);
    let section = CONF.section(workload);
    let decl = |name: &String| {
        let metric = section.map_or_else(|| MetricConf::undeclared(name), |s| s.metric(name));
        MetricDecl { name: name.clone(), unit: metric.unit, direction: metric.direction }
    };
    metrics.iter().map(decl).collect()
}

/// The values of a case out of its raw folder: the workload's, and what was counted in the same window.
///
/// # Errors
/// Those of [`Workload::parse`], and a guest's clock that cannot be trusted.
pub fn parse(workload: &dyn Workload, case: &Case, params: &Params, raw: &Path) -> Result<Outcome, Failed> {
    let mut outcome = workload.parse(case, params, raw)?;
    if Measured::is_kept(raw) {
        let by_guest = workload.guest_timed() || client_in_guest(params);
        window::add(&mut outcome, &Measured::read(raw)?, by_guest)?;
    }
    Ok(outcome)
}

/// What a workload needs of its testbed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Needs {
    /// A guest. Without one only the host is measured, and a boot is one round on the host.
    pub guest: bool,
    /// Without one: QEMU is started all the same, so that it matters whether KVM executes.
    pub accel: bool,
    /// The most guests that there are at once, all alike; 0 where those of the scenario are all.
    pub crowd: usize,
    /// The most data connections that a client has at a time.
    pub sessions: usize,
    /// The read-only disk with the larger tools.
    pub tools: bool,
    /// It writes to the data disk that it measures, as far as its parameters tell.
    pub writes_disk: bool,
    /// The console and the firmware's debug port are listened to while the guest boots.
    pub boot_trace: bool,
    /// The server's guest moves to another QEMU.
    pub migrates: bool,
    /// Programs of the disk with the larger tools that it starts in the guest, looked for before anything is planned.
    pub guest_tools: Vec<&'static str>,
    /// Programs on the host, looked for before anything is planned.
    pub host_tools: Vec<String>,
    /// Programs and folders that the user brings, looked for before anything is planned, and there in every guest.
    pub brings: Vec<Wish>,
}

impl Default for Needs {
    fn default() -> Needs {
        Needs {
            guest: true,
            accel: false,
            crowd: 0,
            sessions: 1,
            tools: false,
            writes_disk: false,
            boot_trace: false,
            migrates: false,
            guest_tools: Vec::new(),
            host_tools: Vec::new(),
            brings: Vec::new(),
        }
    }
}

impl Needs {
    /// What serves both.
    pub fn with(self, other: Needs) -> Needs {
        let mut host_tools = self.host_tools;
        host_tools.extend(other.host_tools);
        host_tools.sort();
        host_tools.dedup();
        let mut guest_tools = self.guest_tools;
        guest_tools.extend(other.guest_tools);
        guest_tools.sort_unstable();
        guest_tools.dedup();
        let mut brings = self.brings;
        brings.extend(other.brings);
        brings.sort();
        brings.dedup();
        Needs {
            guest: self.guest || other.guest,
            accel: self.accel || other.accel,
            crowd: self.crowd.max(other.crowd),
            sessions: self.sessions.max(other.sessions),
            tools: self.tools || other.tools,
            writes_disk: self.writes_disk || other.writes_disk,
            boot_trace: self.boot_trace || other.boot_trace,
            migrates: self.migrates || other.migrates,
            guest_tools,
            host_tools,
            brings,
        }
    }
}

/// What is done once after a guest is ready. One that nobody talks to does it by itself, for each case.
///
/// # Errors
/// Those of [`Workload::prepare`].
pub fn prepare(workload: &dyn Workload, lab: &mut dyn Lab, params: &Params) -> Result<(), Failed> {
    if lab.is_offline() { Ok(()) } else { workload.prepare(lab, params) }
}

/// Measures one case: everything that its values come from goes, as it is, to `raw`. A guest that nobody talks to does it by itself.
///
/// # Errors
/// Those of [`Workload::measure`].
pub fn measure(
    workload: &dyn Workload,
    lab: &mut dyn Lab,
    case: &Case,
    params: &Params,
    raw: &Path,
) -> Result<(), Failed> {
    if !lab.is_offline() {
        return workload.measure(lab, case, params, raw);
    }
    let seconds = workload.seconds(params).clamp(0.0, 1e6);
    let own = workload.timeout(params).and_then(|key| params.get(key)?.trim().parse().ok());
    let list = |key: &str| workload.path_lists().contains(&key);
    lab.carry_out(
        &Whole {
            workload: workload.name(),
            case,
            params,
            reads: workload.reads(params).into_iter().map(|(key, path)| (key, path, list(key))).collect(),
            limit: Duration::from_secs_f64(2.0 * seconds) + Duration::from_secs(own.unwrap_or_default()),
            interval: common::interval((seconds as u32).max(1)),
        },
        raw,
    )
}

/// The most cases that a matrix may have.
pub const MAX_CASES: usize = 10_000;

/// Adds a case to a matrix, which lists of values multiply out to.
///
/// # Errors
/// When it has as many as it may. `key` is one of the lists.
pub fn add_case(cases: &mut Vec<Case>, case: Case, params: &Params, key: &str) -> Result<(), ParamsError> {
    if cases.len() >= MAX_CASES {
        return Err(params.wrong(key, &format!("lists that multiply out to {MAX_CASES} cases at most")));
    }
    cases.push(case);
    Ok(())
}

/// A benchmark that perfvt can run.
pub trait Workload: Sync {
    /// Name, which is also its section in perf.conf.
    fn name(&self) -> &'static str;
    /// What it measures, in one line without a stop.
    fn measures(&self) -> &'static str;
    /// Parameters with their defaults.
    fn parameters(&self) -> &'static [Known];
    /// What `--profile quick` sets: a few cases of a few seconds each.
    fn quick(&self) -> &'static [(&'static str, &'static str)];
    /// Whether a key is one of this workload's. Some have keys with a name of the user's choice behind them.
    fn knows(&self, key: &str) -> bool {
        self.parameters().iter().any(|known| known.key == key)
    }
    /// Those of its keys that name a file or folder of this host. A relative one in a configuration is relative to the
    /// configuration's folder, so that both can be moved together.
    fn paths(&self) -> &'static [&'static str] {
        &[]
    }
    /// The same where the value is a list of words, quoted as in a shell.
    fn path_lists(&self) -> &'static [&'static str] {
        &[]
    }
    /// Keys with files of this host that it reads itself, whose content is part of what is measured.
    fn reads(&self, _: &Params) -> Vec<(&'static str, PathBuf)> {
        Vec::new()
    }
    /// The matrix.
    fn cases(&self, params: &Params) -> Result<Vec<Case>, ParamsError>;
    /// Refuses what was asked for and does not say what it seems to.
    ///
    /// # Errors
    /// The parameter, and what would do.
    fn check_request(&self, _: &Params) -> Result<(), ParamsError> {
        Ok(())
    }
    /// The metrics of a category, in the order of the RHS columns, for an environment with these parameters. What they
    /// mean stands in perf.conf: see [`declare`].
    fn metrics(&self, category: &str, params: &Params, kvm: bool) -> Vec<String>;
    /// Metrics that it has besides where they are to be had. A boot in which one is not tells why (`absent.NAME`).
    fn metrics_besides(&self) -> &'static [&'static str] {
        &[]
    }
    /// The same for a name, where some are known only once something was measured.
    fn has_besides(&self, metric: &str) -> bool {
        self.metrics_besides().contains(&metric)
    }
    /// Whether it can be measured in guests of a system, or why not. All know Linux.
    ///
    /// # Errors
    /// The reason, for people.
    fn runs_in(&self, os: Os) -> Result<(), &'static str> {
        match os {
            Os::Linux => Ok(()),
            Os::Windows => Err("its program in the guest is one for Linux"),
        }
    }
    /// Whether it can be measured in a guest that nobody talks to, or why not: all of its load has to be the guest's own.
    ///
    /// # Errors
    /// The reason, for people.
    fn runs_alone(&self, _: &Params) -> Result<(), &'static str> {
        Err("its load comes from a client outside of the guest")
    }
    /// What it needs of its testbed.
    fn needs(&self, params: &Params) -> Needs;
    /// Whether the server's guest takes the times that the values come from, by its own clock.
    fn guest_timed(&self) -> bool {
        false
    }
    /// Seconds that one case takes, for the plan.
    fn seconds(&self, params: &Params) -> f64;
    /// The key with the seconds after which a case has failed, where its tool ends by itself.
    fn timeout(&self, _: &Params) -> Option<&'static str> {
        None
    }
    /// The value of `### session-length`.
    fn session_length(&self, params: &Params) -> String;
    /// Name of the classic result file, of the moment (seconds since the epoch) at which the repeat began.
    fn rhs_name(&self, began: f64) -> String;
    /// What is done once after the guest is ready.
    fn prepare(&self, lab: &mut dyn Lab, params: &Params) -> Result<(), Failed>;
    /// Measures one case: everything that its values come from goes, as it is, to `raw`.
    fn measure(&self, lab: &mut dyn Lab, case: &Case, params: &Params, raw: &Path) -> Result<(), Failed>;
    /// The values of a case out of its raw folder, today or years later.
    fn parse(&self, case: &Case, params: &Params, raw: &Path) -> Result<Outcome, Failed>;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Source;
    use crate::config::select::select;
    use crate::matrix::environments;

    /// Parameters as `perfvt run WORKLOAD` has them, with what a workload cannot do without.
    fn params(workload: &dyn Workload, profile: Option<&str>) -> Params {
        let tree = |key: &str, tool: &str| {
            let root = env!("CARGO_MANIFEST_DIR");
            vec![format!("{key}={root}/../formats/testdata/{tool}/tree")]
        };
        let set: Vec<String> = match workload.name() {
            "command" => vec!["command=true".into()],
            "kvm-unit-tests" => tree("kut", "kvm-unit-tests"),
            "qemu-iotests" => tree("iotests", "qemu-iotests"),
            _ => Vec::new(),
        };
        let source = Source { workload: Some(workload.name().into()), ..Source::default() };
        let (selected, _) = select(&source, &[]).unwrap();
        environments(workload, &selected, profile, &set).unwrap().remove(0).params
    }

    #[test]
    fn perf_conf_declares_every_metric_and_key_of_every_workload() {
        let conf = Conf::builtin();
        for workload in ALL {
            let section = conf.section(workload.name()).unwrap();
            let params = params(*workload, None);
            for case in workload.cases(&params).unwrap() {
                let keys: Vec<&str> = case.keys.0.iter().map(|(k, _)| k.as_str()).collect();
                // It may know further ones, of what the tool writes when somebody else starts it.
                let known: Vec<&str> = section.keys.iter().map(String::as_str).collect();
                assert!(known.starts_with(&keys), "keys of {}: {keys:?} of {known:?}", case.id());
                let besides = workload.metrics_besides().iter().map(|name| (*name).to_owned());
                for metric in workload.metrics(&case.category, &params, true).into_iter().chain(besides) {
                    let declared = section.declared(&metric);
                    assert!(declared.is_some(), "{metric} of {} is not in perf.conf", case.id());
                }
            }
        }
    }

    #[test]
    fn the_quick_profile_is_a_few_cases_of_the_same_kinds_in_a_minute() {
        for workload in ALL {
            let (full, quick) = (params(*workload, None), params(*workload, Some("quick")));
            let (all, few) = (workload.cases(&full).unwrap(), workload.cases(&quick).unwrap());
            assert!(!few.is_empty() && few.len() <= 12, "{}: {} quick cases", workload.name(), few.len());
            let kinds = |cases: &[Case]| {
                let set: std::collections::BTreeSet<String> =
                    cases.iter().map(|c| c.category.clone()).collect();
                set
            };
            assert_eq!(kinds(&few), kinds(&all), "{}", workload.name());
            let seconds = few.len() as f64 * workload.seconds(&quick);
            assert!(seconds <= 90.0, "{} takes {seconds} s", workload.name());
        }
    }

    /// A workload is in four places: this list, a file of its own, perf.conf and the documentation.
    #[test]
    fn every_workload_has_its_file_its_section_and_its_chapter() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let documented = std::fs::read_to_string(root.join("../docs/workloads.md")).unwrap();
        let chapters: Vec<&str> = documented.lines().filter_map(|l| l.strip_prefix("## ")).collect();
        let names: Vec<&str> = ALL.iter().map(|w| w.name()).collect();
        assert_eq!(chapters, names, "chapters of docs/workloads.md");
        let mut files: Vec<String> = std::fs::read_dir(root.join("src/workload"))
            .unwrap()
            .filter_map(|entry| {
                entry.unwrap().path().file_stem()?.to_str().map(|stem| stem.replace('_', "-"))
            })
            .filter(|stem| {
                !["mod", "common", "client", "fit", "server", "storage", "host-run"].contains(&stem.as_str())
            })
            .collect();
        files.sort();
        files.dedup();
        let mut sorted: Vec<&str> = names.clone();
        sorted.sort_unstable();
        assert_eq!(files, sorted, "files of collect/src/workload");
        let conf = Conf::builtin();
        for workload in ALL {
            let name = workload.name();
            assert!(conf.section(name).is_some(), "{name} has no section in perf.conf");
            let chapter = documented.split("\n## ").find(|c| c.lines().next() == Some(name)).unwrap();
            let params = params(*workload, None);
            for known in workload.parameters() {
                assert!(
                    chapter.contains(&format!("`{}`", known.key)),
                    "{name}: {} is not documented",
                    known.key
                );
            }
            for case in workload.cases(&params).unwrap() {
                let besides = workload.metrics_besides().iter().map(|name| (*name).to_owned());
                for metric in workload.metrics(&case.category, &params, true).into_iter().chain(besides) {
                    let shown = metric.trim_end_matches(|c: char| c.is_ascii_digit());
                    let found =
                        chapter.contains(&format!("`{metric}`")) || chapter.contains(&format!("`{shown}N`"));
                    assert!(found, "{name}: {metric} is not documented");
                }
            }
            let rhs = workload.rhs_name(0.0).replace("0.00", "TIME");
            assert!(chapter.contains(&rhs), "{name}: {rhs} is not documented");
        }
    }
}
