//! Turning knobs, and turning them back.

use super::journal::{Change, JOURNAL_FILE, Journal, Session, Target, read};
use super::knobs::{KNOBS, Options, SERVICES, Wanted, files};
use super::report::{Outcome, Report};
use super::services::Systemctl;
use crate::host::fingerprint::boot_id;
use model::Moment;
use model::store::StoreError;
use std::path::{Path, PathBuf};

const ACTIVE: &str = "active";
const INACTIVE: &str = "inactive";

/// A host that cannot be prepared or restored.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    /// The journal.
    #[error("the journal of changes to this host: {0}")]
    Journal(#[from] StoreError),
    /// `--only`, `--without`.
    #[error("unknown knob '{name}'; known: {known}")]
    UnknownKnob {
        /// What was named.
        name: String,
        /// All there are.
        known: String,
    },
    /// Nowhere to keep the journal.
    #[error("HOME is not set, so there is no place for the journal of changes; set XDG_STATE_HOME or HOME")]
    NoHome,
}

/// A host and where the journal of changes to it lies.
#[derive(Clone, Debug)]
pub struct Host {
    root: PathBuf,
    state: PathBuf,
    systemctl: Systemctl,
}

impl Host {
    /// This machine. root's journal lies in /var/lib/perfvt, an ordinary user's in `$XDG_STATE_HOME/perfvt`, by default
    /// `~/.local/state/perfvt`.
    ///
    /// # Errors
    /// An ordinary user without a home.
    pub fn here() -> Result<Host, PrepareError> {
        let state = if rustix::process::geteuid().is_root() {
            PathBuf::from("/var/lib/perfvt")
        } else {
            let of = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
            let home = || of("HOME").map(|home| home.join(".local/state"));
            of("XDG_STATE_HOME").or_else(home).ok_or(PrepareError::NoHome)?.join("perfvt")
        };
        Ok(Host { root: PathBuf::from("/"), state, systemctl: Systemctl("systemctl".into()) })
    }

    /// A host that is laid out under `root`, with `root/bin/systemctl` as its systemctl and the journal in
    /// `root/var/lib/perfvt`.
    pub fn under(root: &Path) -> Host {
        Host {
            root: root.to_owned(),
            state: root.join("var/lib/perfvt"),
            systemctl: Systemctl(root.join("bin/systemctl")),
        }
    }

    /// The journal.
    pub fn journal(&self) -> PathBuf {
        self.state.join(JOURNAL_FILE)
    }

    /// A change's file under the root, for opening.
    fn at(&self, path: &Path) -> PathBuf {
        self.root.join(path.strip_prefix("/").unwrap_or(path))
    }

    /// The value of a file: one word of several where one is in brackets (`always [madvise] never`).
    fn value(&self, path: &Path) -> Result<String, String> {
        let text = edge::read::kernel(self.at(path)).map_err(|e| e.to_string())?;
        Ok(crate::host::fingerprint::bracketed(&text).trim().to_owned())
    }

    fn set(&self, path: &Path, value: &str) -> Result<(), String> {
        // Never created: a file that has gone is an error.
        edge::write::overwrite(self.at(path), value.as_bytes()).map_err(|e| e.to_string())
    }
}

/// Sessions whose changes have not been undone, oldest first.
///
/// # Errors
/// A journal that cannot be read.
pub fn standing(host: &Host) -> Result<Vec<Session>, PrepareError> {
    Ok(read(&host.journal())?)
}

/// Turns the knobs. With `dry_run` nothing is changed: the report says what would be.
///
/// # Errors
/// An unknown knob, or a journal that cannot be read or written; then nothing more is changed.
pub fn prepare(host: &Host, options: &Options, dry_run: bool) -> Result<Report, PrepareError> {
    for name in options.only.iter().chain(&options.without) {
        if !KNOBS.iter().any(|(knob, _)| knob == name) {
            let known = KNOBS.map(|(knob, _)| knob).join(", ");
            return Err(PrepareError::UnknownKnob { name: name.clone(), known });
        }
    }
    let mut report = Report::default();
    let (wanted, absent) = files(&host.root, options);
    for (knob, reason) in absent {
        report.add(knob, "", Outcome::Absent { reason });
    }
    let mut changes = services(host, options, &mut report);
    for one in &wanted {
        changes.extend(planned(host, one, &mut report));
    }
    if dry_run {
        for change in changes {
            let outcome = Outcome::Changed { old: change.old, new: change.new };
            report.add(&change.knob, name(&change.target), outcome);
        }
        return Ok(report);
    }
    if !changes.is_empty() {
        carry_out(host, changes, &mut report)?;
    }
    if options.has("caches") {
        report.add("caches", "", drop_caches(host));
    }
    Ok(report)
}

fn name(target: &Target) -> String {
    match target {
        Target::File(path) => path.display().to_string(),
        Target::Service(unit) => unit.clone(),
    }
}

/// Services to stop.
fn services(host: &Host, options: &Options, report: &mut Report) -> Vec<Change> {
    if !options.has("services") {
        return Vec::new();
    }
    let names: Vec<String> = match &options.services {
        Some(names) => names.clone(),
        None => SERVICES.iter().map(|s| (*s).to_owned()).collect(),
    };
    if !Systemctl::is_here(&host.root) {
        let reason = "systemd does not run here; stop what wakes up by itself".to_owned();
        report.add("services", "", Outcome::Absent { reason });
        return Vec::new();
    }
    let mut changes = Vec::new();
    for unit in names {
        match host.systemctl.is_active(&unit) {
            Some(true) => changes.push(Change {
                knob: "services".into(),
                target: Target::Service(unit),
                old: ACTIVE.into(),
                new: INACTIVE.into(),
                partly: false,
            }),
            Some(false) => report.add("services", unit, Outcome::Already { value: INACTIVE.into() }),
            // Of perfvt's own list most units do not exist anywhere.
            None if options.services.is_none() => {}
            None => report.add("services", unit, Outcome::Absent { reason: "there is no such unit".into() }),
        }
    }
    changes
}

/// The change that a file needs, if any.
fn planned(host: &Host, wanted: &Wanted, report: &mut Report) -> Option<Change> {
    let path = Path::new("/").join(&wanted.path);
    match host.value(&path) {
        Err(reason) => report.add(wanted.knob, path.display().to_string(), Outcome::Failed { reason }),
        Ok(value) if value == wanted.value => {
            report.add(wanted.knob, path.display().to_string(), Outcome::Already { value });
        }
        Ok(old) => {
            return Some(Change {
                knob: wanted.knob.to_owned(),
                target: Target::File(path),
                old,
                new: wanted.value.clone(),
                partly: wanted.partly,
            });
        }
    }
    None
}

/// Writes all old values down, then changes, then keeps in the journal what was really changed.
fn carry_out(host: &Host, changes: Vec<Change>, report: &mut Report) -> Result<(), PrepareError> {
    let now = Moment::now().unix_ns;
    let session = Session {
        id: format!("{now}-{}", std::process::id()),
        pid: std::process::id(),
        host_boot: boot_id(&host.root),
        unix_ns: now,
        changes,
    };
    let mut journal = Journal::open(&host.state)?;
    journal.sessions.push(session.clone());
    journal.write()?;
    let mut made = Vec::new();
    for change in session.changes {
        let outcome = make(host, &change);
        let kept = match &outcome {
            Outcome::Changed { .. } => true,
            // Half of it may have happened: what restore finds at its old value it leaves alone.
            _ => current(host, &change.target).is_ok_and(|now| now != change.old),
        };
        report.add(&change.knob, name(&change.target), outcome);
        if kept {
            made.push(change);
        }
    }
    if !made.is_empty() {
        report.session.clone_from(&session.id);
    }
    if let Some(own) = journal.sessions.last_mut() {
        own.changes = made;
    }
    Ok(journal.write()?)
}

fn current(host: &Host, target: &Target) -> Result<String, String> {
    match target {
        Target::File(path) => host.value(path),
        Target::Service(unit) => match host.systemctl.is_active(unit) {
            Some(true) => Ok(ACTIVE.into()),
            Some(false) => Ok(INACTIVE.into()),
            None => Err("there is no such unit".into()),
        },
    }
}

fn write(host: &Host, target: &Target, value: &str) -> Result<(), String> {
    match target {
        Target::File(path) => host.set(path, value),
        Target::Service(unit) => host.systemctl.set(unit, value == ACTIVE),
    }
}

/// Makes one change and reads it back.
fn make(host: &Host, change: &Change) -> Outcome {
    if let Err(reason) = write(host, &change.target, &change.new) {
        return Outcome::Failed { reason };
    }
    match current(host, &change.target) {
        Err(reason) => Outcome::Failed { reason },
        Ok(now) if now == change.new => Outcome::Changed { old: change.old.clone(), new: now },
        Ok(now) => {
            let (wanted, partly) =
                (&change.new, if change.partly { ": there is too little memory in one piece" } else { "" });
            Outcome::Failed { reason: format!("{wanted} was written and {now} is there{partly}") }
        }
    }
}

/// sync(2), then what the kernel can give back. What is read again is cached again: there is nothing to undo.
fn drop_caches(host: &Host) -> Outcome {
    rustix::fs::sync();
    match host.set(Path::new("/proc/sys/vm/drop_caches"), "3") {
        Ok(()) => Outcome::Done,
        Err(reason) => Outcome::Failed { reason },
    }
}

/// Undoes the changes of one session, or of all, the newest first. What is not as perfvt wrote it any more belongs to
/// somebody else and is left; what cannot be undone stays in the journal.
///
/// # Errors
/// A journal that cannot be read or written.
pub fn restore(host: &Host, session: Option<&str>) -> Result<Report, PrepareError> {
    let mut report = Report::default();
    if read(&host.journal())?.is_empty() {
        return Ok(report);
    }
    let mut journal = Journal::open(&host.state)?;
    let boot = boot_id(&host.root);
    for own in journal.sessions.iter_mut().rev().filter(|s| session.is_none_or(|id| s.id == id)) {
        let rebooted = own.host_boot != boot;
        let mut left = Vec::new();
        for change in own.changes.drain(..).rev() {
            let outcome = if rebooted { after_reboot(host, &change) } else { undo(host, &change) };
            if matches!(outcome, Outcome::Failed { .. }) {
                left.push(change.clone());
            }
            report.add(&change.knob, name(&change.target), outcome);
        }
        left.reverse();
        own.changes = left;
    }
    journal.write()?;
    Ok(report)
}

/// Everything that perfvt changes lives in the kernel's memory: after a reboot what is there was put by somebody else.
fn after_reboot(host: &Host, change: &Change) -> Outcome {
    match current(host, &change.target) {
        Ok(value) => Outcome::Already { value },
        Err(reason) => Outcome::Absent { reason },
    }
}

fn undo(host: &Host, change: &Change) -> Outcome {
    let found = match current(host, &change.target) {
        Ok(found) => found,
        // A CPU that went offline, a module that was removed: nothing of perfvt's is left there.
        Err(reason) if matches!(&change.target, Target::File(path) if !host.at(path).exists()) => {
            return Outcome::Absent { reason };
        }
        Err(reason) => return Outcome::Failed { reason },
    };
    if found == change.old {
        return Outcome::Already { value: found };
    }
    if found != change.new && !(change.partly && between(&change.old, &found, &change.new)) {
        return Outcome::Foreign { written: change.new.clone(), found };
    }
    if let Err(reason) = write(host, &change.target, &change.old) {
        return Outcome::Failed { reason };
    }
    match current(host, &change.target) {
        Ok(now) if now == change.old => Outcome::Changed { old: found, new: now },
        Ok(now) => Outcome::Failed { reason: format!("{} was written and {now} is there", change.old) },
        Err(reason) => Outcome::Failed { reason },
    }
}

fn between(a: &str, x: &str, b: &str) -> bool {
    let number = |text: &str| text.parse::<u64>().ok();
    match (number(a), number(x), number(b)) {
        (Some(a), Some(x), Some(b)) => (a.min(b)..=a.max(b)).contains(&x),
        _ => false,
    }
}
