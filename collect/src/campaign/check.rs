//! What must hold before a plan, a boot or a value is trusted.

use super::{CampaignError, around};
use crate::lab::Failed;
use crate::matrix::check_name;
use crate::workload::{Outcome, Workload};
use model::fingerprint::are_comparable;
use model::store::CAMPAIGN_FILE;
use model::{CampaignFile, FactChange, Fingerprint, MetricDecl, Params, RunFile};
use std::path::Path;
use vm::host::fingerprint::hash_file;

/// A cell is valid when every metric that its workload declares has a finite value.
pub(super) fn complete(outcome: Outcome, metrics: &[MetricDecl]) -> Result<Outcome, Failed> {
    let has = |m: &&MetricDecl| outcome.values.iter().any(|v| v.metric == m.name && v.value.is_finite());
    match metrics.iter().find(|m| !has(m)) {
        None => Ok(outcome),
        Some(lacking) => Err(Failed::nonsense(format!("there is no finite {}", lacking.name))),
    }
}

/// Refuses a plan that was not written by perfvt: its names become paths, and its indexes must exist.
pub(super) fn validate(dir: &Path, file: &CampaignFile) -> Result<(), CampaignError> {
    let wrong = |reason: String| CampaignError::Plan { path: dir.join(CAMPAIGN_FILE), reason };
    for (i, environment) in file.environments.iter().enumerate() {
        check_name(&environment.name).map_err(|e| wrong(e.to_string()))?;
        if file.environments.iter().take(i).any(|e| e.name == environment.name) {
            return Err(wrong(format!("environment {} is there twice", environment.name)));
        }
    }
    let (environments, cases) = (file.environments.len(), file.cases.len());
    for (block, boot) in file.boots() {
        if boot.environment >= environments || boot.cases.iter().any(|c| *c >= cases) {
            return Err(wrong(format!(
                "block {block} names an environment or a case that the plan does not have"
            )));
        }
    }
    for name in [&file.workload, &file.scenario] {
        check_name(name).map_err(|_| wrong(format!("'{name}' cannot be part of a directory's name")))?;
    }
    if cases == 0 || file.blocks.is_empty() {
        return Err(wrong("it plans nothing".into()));
    }
    Ok(())
}

/// Facts that must not change within an environment: boots under another QEMU, guest or host are not its repeats.
const CONSTANT: [&str; 22] = [
    "accel",
    "confine",
    "guest.cloud_init",
    "guest.image",
    "guest.image.firmware",
    "guest.image.initrd",
    "guest.image.kernel",
    "guest.kernel",
    "guest.tools",
    "host.cpu.count",
    "host.cpu.microcode",
    "host.cpu.model",
    "host.id",
    "host.kernel",
    "host.kernel.cmdline",
    "network",
    "placement.cpus",
    "qemu.argv",
    "qemu.binary",
    "qemu.version",
    "qemu_img.binary",
    "qemu_img.version",
];

/// Beginnings of facts that must not change either: what the user brings, what the workload reads on this host, and
/// what lies in drives.
const CONSTANT_KINDS: [&str; 3] = ["brought.", "file.", "guest.cdrom."];

/// Facts that differ a little from boot to boot by their nature.
const OF_EACH_BOOT: [&str; 1] = ["placement.memory"];

/// Notes facts that changed since the environment's first boot, each value once; whether there was anything to note.
/// They do not stop a campaign, but whoever compares must know.
pub(super) fn note_changes(known: &mut RunFile, now: &Fingerprint) -> bool {
    let text = |value: Option<&str>| value.map(str::to_owned);
    let found: Vec<FactChange> = known
        .fingerprint
        .diff(now)
        .into_iter()
        .filter(|(fact, ..)| !OF_EACH_BOOT.contains(fact))
        .map(|(fact, was, is)| FactChange { fact: fact.to_owned(), was: text(was), is: text(is) })
        .filter(|change| !known.changes.contains(change))
        .collect();
    known.changes.extend(found.iter().cloned());
    !found.is_empty()
}

/// The files of this host that a workload reads, and the scripts around its windows, by hash: `file.KEY.NAME`.
pub(super) fn read_files(workload: &dyn Workload, params: &Params) -> Fingerprint {
    let mut facts = Fingerprint::default();
    for (key, path) in workload.reads(params).into_iter().chain(around::files(params)) {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        facts.set(format!("file.{key}.{name}"), hash_file(&path).unwrap_or_default());
    }
    facts
}

pub(super) fn same(before: &Fingerprint, now: &Fingerprint) -> Result<(), CampaignError> {
    let text = |value: Option<&str>| value.unwrap_or("unknown").to_owned();
    // What an older perfvt did not note cannot have changed.
    let changed = |fact: &&str| {
        are_comparable(&before.0, &now.0, fact)
            && before.get(fact).is_some_and(|was| now.get(fact) != Some(was))
    };
    let of_kind = |fact: &&str| CONSTANT_KINDS.iter().any(|kind| fact.starts_with(kind));
    let of_kinds = before.0.keys().map(String::as_str).filter(of_kind);
    match CONSTANT.into_iter().chain(of_kinds).find(changed) {
        None => Ok(()),
        Some(what) => Err(CampaignError::Changed {
            what: what.into(),
            was: text(before.get(what)),
            is: text(now.get(what)),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Rule;

    fn facts(list: &[(&str, &str)]) -> Fingerprint {
        let mut facts = Fingerprint::default();
        for (name, value) in list {
            facts.set(*name, value);
        }
        facts
    }

    fn run(fingerprint: Fingerprint) -> RunFile {
        RunFile {
            format: 1,
            perfvt: String::new(),
            campaign: String::new(),
            environment: "base".into(),
            workload: String::new(),
            scenario: String::new(),
            started_unix_ns: 0,
            params: Default::default(),
            factors: Vec::new(),
            repeats: 1,
            blocks: Vec::new(),
            rule: Rule::Fixed { repeats: 1 },
            looks: Vec::new(),
            metrics: Vec::new(),
            accel: String::new(),
            network: String::new(),
            warnings: Vec::new(),
            fingerprint,
            changes: Vec::new(),
            failures: Vec::new(),
            started: 0,
            ended: None,
            farm: None,
            profile: None,
        }
    }

    #[test]
    fn a_job_file_is_known_by_its_content() {
        let dir = tempfile::tempdir().unwrap();
        let job = dir.path().join("mail.fio");
        let mut params = Params::new();
        params.set("fio_job", job.display().to_string(), model::Origin::BuiltIn);
        let of = |text: &str| {
            std::fs::write(&job, text).unwrap();
            read_files(&crate::workload::fio::Fio, &params)
        };
        let first = of("[a]\nrw=read\n");
        assert_eq!(first.0.keys().collect::<Vec<_>>(), ["file.fio_job.mail.fio"]);
        assert!(same(&first, &of("[a]\nrw=read\n")).is_ok());
        assert!(same(&first, &of("[a]\nrw=write\n")).is_err());
    }

    #[test]
    fn what_changed_between_boots_is_noted_once_and_what_must_not_change_stops_the_campaign() {
        let first =
            facts(&[("host.governor", "performance"), ("qemu.version", "7.2"), ("placement.memory", "N0=1")]);
        let mut known = run(first.clone());
        assert!(!note_changes(&mut known, &first));
        let later =
            facts(&[("host.governor", "powersave"), ("qemu.version", "7.2"), ("placement.memory", "N0=2")]);
        assert!(note_changes(&mut known, &later));
        assert!(!note_changes(&mut known, &later), "once is enough");
        let change = FactChange {
            fact: "host.governor".into(),
            was: Some("performance".into()),
            is: Some("powersave".into()),
        };
        assert_eq!(known.changes, [change]);
        assert!(same(&first, &later).is_ok());
        let other = same(&first, &facts(&[("qemu.version", "8.0")])).unwrap_err().to_string();
        assert!(other.contains("qemu.version") && other.contains("8.0"), "{other}");
        let job = |hash: &str| facts(&[("file.fio_job.mail.fio", hash), ("host.governor", "performance")]);
        assert!(same(&job("1a"), &job("1a")).is_ok());
        assert!(same(&job("1a"), &job("2b")).unwrap_err().to_string().contains("file.fio_job.mail.fio"));
        assert!(same(&facts(&[]), &first).is_ok(), "what an older perfvt did not note cannot have changed");
    }
}
