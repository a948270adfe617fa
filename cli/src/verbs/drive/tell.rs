//! What people see of a drive.

use crate::Error;
use collect::drive::JOURNAL;
use edge::text::visible_lines;
use model::drive::{Record, Verdict};
use std::io::{self, Write};
use std::path::Path;

/// Lines of what a step wrote that a terminal shows; the journal has more.
const SHOWN: usize = 200;

/// A step with its time, what it wrote, and why it failed.
pub fn step(out: &mut dyn Write, record: &Record) -> io::Result<()> {
    let word = match record.result {
        Verdict::Passed => "",
        Verdict::Failed => "FAILED ",
        Verdict::Interrupted => "STOPPED ",
    };
    writeln!(out, "{word}{:>8.2} s  {}", record.seconds, record.step)?;
    text(out, &record.output)?;
    text(out, &record.stderr)?;
    if let Some(status) = record.status.filter(|status| *status != 0) {
        writeln!(out, "    status {status}")?;
    }
    if let Some(error) = &record.error {
        writeln!(out, "    {error}")?;
    }
    if let Some(dir) = &record.forensics {
        writeln!(out, "    what tells why: {}", dir.display())?;
    }
    out.flush()
}

/// What a guest wrote: its lines, indented.
fn text(out: &mut dyn Write, text: &str) -> io::Result<()> {
    let count = text.lines().count();
    for line in text.lines().take(SHOWN) {
        writeln!(out, "    {}", visible_lines(line))?;
    }
    if count > SHOWN {
        writeln!(out, "    .. and {} lines more, in {JOURNAL}", count - SHOWN)?;
    }
    Ok(())
}

/// What came of all.
pub fn end(err: &mut dyn Write, records: &[Record], journal: &Path) -> Result<(), Error> {
    let count = |verdict| records.iter().filter(|record| record.result == verdict).count();
    let seconds: f64 = records.iter().map(|record| record.seconds).sum();
    let word = match (count(Verdict::Failed), count(Verdict::Interrupted)) {
        (0, 0) => "all passed".to_owned(),
        (0, _) => "the last one was STOPPED by a signal".to_owned(),
        (failed, _) => format!("{failed} FAILED"),
    };
    writeln!(err, "{} steps in {seconds:.1} s, {word}; {}", records.len(), journal.display())?;
    Ok(())
}
