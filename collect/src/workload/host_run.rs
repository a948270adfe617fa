//! A program of the host's that ends by itself, where its status is a result and no failure.

use super::common::{failed, read};
use crate::lab::{Failed, Lab, Measured, keep, window, window_until};
use std::path::Path;
use std::time::Duration;

/// Its standard output, standard error, words, end and time, in a case's raw folder.
pub(super) const OUT: &str = "tool.txt";
pub(super) const ERR: &str = "tool.stderr";
const ARGV: &str = "tool.argv";
const STATUS: &str = "tool.status";
const TOOK: &str = "tool.took";
/// Why it was not run, where it was not.
const SKIPPED: &str = "skipped.txt";

/// How often it is asked whether it has ended.
const LOOK: Duration = Duration::from_millis(20);

/// Runs it in a window that is as long as the program; all that is known of it is kept.
///
/// # Errors
/// It cannot be started, or does not end in time; then it is killed.
pub(super) fn run(lab: &mut dyn Lab, argv: &[String], limit: Duration, raw: &Path) -> Result<(), Failed> {
    keep(raw, ARGV, &argv.join("\n"))?;
    let mut client = lab.start_client(argv, &raw.join(OUT), &raw.join(ERR))?;
    let mut end = None;
    let mut ended = |_: &mut dyn Lab| {
        end = client.ended();
        Ok(end.is_some())
    };
    let measured = window_until(lab, limit, LOOK.min(limit / 4), &mut ended)?;
    let how = match end {
        Some(Ok(())) => "status 0".to_owned(),
        Some(Err(how)) => how,
        None => return Err(failed("the program has no end")),
    };
    keep(raw, STATUS, &format!("{how}\n"))?;
    let took = client.took().unwrap_or(Duration::from_nanos(measured.window.len_ns));
    keep(raw, TOOK, &format!("{}\n", took.as_nanos()))?;
    measured.keep(raw)
}

/// Keeps why it is not run, with a window in which nothing was.
pub(super) fn skip(lab: &mut dyn Lab, why: &str, raw: &Path) -> Result<(), Failed> {
    keep(raw, SKIPPED, &format!("{why}\n"))?;
    window(lab, LOOK, LOOK)?.keep(raw)
}

/// What is known of a run.
pub(super) struct Ran {
    /// Its exit status; the words where it has none.
    pub(super) status: Result<i32, String>,
    /// How long it ran, seconds.
    pub(super) seconds: f64,
    /// What it wrote to standard output.
    pub(super) out: String,
    /// The window.
    pub(super) measured: Measured,
}

/// What was kept; `None` with the window where it was not run.
///
/// # Errors
/// A file of it cannot be read.
pub(super) fn ran(raw: &Path) -> Result<Result<Ran, Measured>, Failed> {
    let measured = Measured::read(raw)?;
    if raw.join(SKIPPED).exists() {
        return Ok(Err(measured));
    }
    let how = read(raw, STATUS)?.trim().to_owned();
    let status = how.strip_prefix("status ").and_then(|status| status.parse().ok()).ok_or(how);
    let took = read(raw, TOOK)?;
    let nanoseconds: u64 = took
        .trim()
        .parse()
        .map_err(|_| failed(format!("{TOOK}: {} are no nanoseconds", edge::quoted(took.trim()))))?;
    Ok(Ok(Ran { status, seconds: nanoseconds as f64 * 1e-9, out: read(raw, OUT)?, measured }))
}
