//! What is kept of a migration: what QEMU told, and what the observer saw, question by question.

use super::super::common::read;
use crate::lab::{Failed, Moved, keep};
use std::fmt::Write;
use std::path::Path;
use vm::guest::migration::{Record, recovery_ns};
use vm::guest::network::Probe;

/// What QEMU told, in a case's raw folder.
pub(super) const RECORD: &str = "migration.json";
/// The observer's questions: on each line the nanoseconds since the epoch at which it was sent and answered, or `-`.
const PROBES: &str = "probes.txt";

/// The metrics of a case.
pub(super) const EVERY_METRIC: [&str; 10] = [
    "blackout_ms",
    "total_ms",
    "downtime_ms",
    "switchover_ms",
    "echo_loss_percent",
    "recovery_ms",
    "sent_MB",
    "rounds",
    "src_CPU",
    "dst_CPU",
];

/// Keeps it.
pub(super) fn write(moved: &Moved, raw: &Path) -> Result<(), Failed> {
    let text = serde_json::to_string(&moved.record)
        .map_err(|e| Failed::nonsense(format!("writing {RECORD}: {e}")))?;
    keep(raw, RECORD, &text)?;
    let mut lines = String::with_capacity(moved.probes.len() * 40);
    for Probe { sent_ns, answered_ns } in &moved.probes {
        // Writing to a String cannot fail.
        let _ = match answered_ns {
            Some(answered) => writeln!(lines, "{sent_ns} {answered}"),
            None => writeln!(lines, "{sent_ns} -"),
        };
    }
    keep(raw, PROBES, &lines)
}

/// Reads it again.
pub(super) fn kept(raw: &Path) -> Result<Moved, Failed> {
    let record: Record =
        serde_json::from_str(&read(raw, RECORD)?).map_err(|e| Failed::nonsense(format!("{RECORD}: {e}")))?;
    let mut probes = Vec::new();
    for (line, text) in (1..).zip(read(raw, PROBES)?.lines()) {
        let probe = text.split_once(' ').and_then(|(sent, answered)| {
            let answered_ns = if answered == "-" { None } else { Some(answered.parse().ok()?) };
            Some(Probe { sent_ns: sent.parse().ok()?, answered_ns })
        });
        let wrong =
            || Failed::nonsense(format!("{PROBES}, line {line}: {} is no question", edge::quoted(text)));
        probes.push(probe.ok_or_else(wrong)?);
    }
    Ok(Moved { record, probes })
}

/// The share of questions without an answer from the begin of the migration on, in percent; and the milliseconds from when the
/// guest went on until it answered as quickly as before.
pub(super) fn load(record: &Record, probes: &[Probe]) -> (f64, f64) {
    let asked: Vec<&Probe> = probes.iter().filter(|probe| probe.sent_ns >= record.begun_ns).collect();
    // Answers to the last ones were still on their way.
    let settled = asked.len().saturating_sub(50);
    let asked = asked.get(..settled).unwrap_or_default();
    let lost = asked.iter().filter(|probe| probe.answered_ns.is_none()).count();
    let percent = 100.0 * lost as f64 / asked.len().max(1) as f64;
    let resume = record.resume_ns.unwrap_or(record.ended_ns);
    let last = probes.last().map_or(resume, |probe| probe.sent_ns);
    let recovery = recovery_ns(probes, record.begun_ns, resume);
    (percent, recovery.unwrap_or(last.saturating_sub(resume)) as f64 * 1e-6)
}
