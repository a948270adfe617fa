//! What the Flexible Filesystem Benchmark prints after `Results:` (FFSB 6.0, its README).
//!
//! ```text
//!   Results:
//!   Benchmark took 300.12 sec
//!   ..
//!   1432.51 Transactions per Second
//!   ..
//!   Read Throughput: 5.60MB/sec
//!   Write Throughput: 2.11MB/sec
//! ```

use crate::tool::{ToolError, lines, number};
use edge::quoted;

/// One run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Run {
    /// Transactions in a second.
    pub transactions: f64,
    /// MiB/s read, where the profile reads.
    pub read: Option<f64>,
    /// MiB/s written, where the profile writes.
    pub write: Option<f64>,
    /// Seconds that it took.
    pub seconds: f64,
    /// Line of the transactions.
    pub line: u32,
}

impl Run {
    /// MiB/s moved in all.
    pub fn throughput(&self) -> f64 {
        self.read.unwrap_or(0.0) + self.write.unwrap_or(0.0)
    }
}

/// Reads one run.
///
/// # Errors
/// A run without its results, or numbers that are none.
pub fn parse(text: &str) -> Result<Run, ToolError> {
    let wrong = |line: u32, reason: String| ToolError { tool: "ffsb", line, reason };
    let mut run = Run::default();
    let mut has_time = false;
    for (line, content) in lines(text) {
        let said = content.trim();
        let nonsense = || wrong(line, format!("not a number: {}", quoted(said)));
        if let Some(rest) = said.strip_prefix("Benchmark took ") {
            run.seconds = rest.split_whitespace().next().and_then(number).ok_or_else(nonsense)?;
            has_time = true;
        } else if let Some(rest) = said.strip_suffix(" Transactions per Second") {
            (run.transactions, run.line) = (number(rest).ok_or_else(nonsense)?, line);
        } else if let Some(rest) = said.strip_prefix("Read Throughput: ") {
            run.read = Some(rate(rest).ok_or_else(nonsense)?);
        } else if let Some(rest) = said.strip_prefix("Write Throughput: ") {
            run.write = Some(rate(rest).ok_or_else(nonsense)?);
        }
    }
    if run.line == 0 || !has_time || run.throughput() <= 0.0 {
        let end = u32::try_from(text.lines().count()).unwrap_or(u32::MAX).max(1);
        let last = text.lines().rev().find(|l| !l.trim().is_empty()).unwrap_or_default().trim();
        return Err(wrong(end, format!("it has no results; it ends with {}", quoted(last))));
    }
    Ok(run)
}

/// `5.60MB/sec` in MiB/s: its units are powers of 1024.
fn rate(text: &str) -> Option<f64> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic() || c == '/');
    let factor = match text.get(digits.len()..)?.split('/').next()? {
        "B" => 1.0 / 1_048_576.0,
        "KB" => 1.0 / 1024.0,
        "MB" => 1.0,
        "GB" => 1024.0,
        "TB" => 1_048_576.0,
        _ => return None,
    };
    number(digits).map(|n| n * factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAIL: &str = include_str!("../testdata/ffsb/6.0-mail-server-reconstructed.txt");
    const CREATE: &str = include_str!("../testdata/ffsb/5.2-large-file-create-reconstructed.txt");

    #[test]
    fn a_profile_that_reads_and_writes_has_both_and_its_transactions() {
        let run = parse(MAIL).unwrap();
        assert_eq!((run.transactions, run.seconds, run.line), (1432.51, 300.12, 41));
        assert_eq!((run.read, run.write), (Some(5.6), Some(512.0 / 1024.0)));
        let create = parse(CREATE).unwrap();
        assert_eq!((create.read, create.throughput()), (None, 1536.0));
    }

    #[test]
    fn the_sums_of_a_published_run_are_read_and_not_its_operations() {
        let run = parse(include_str!("../testdata/ffsb/6.0-rc2-all-operations-published.txt")).unwrap();
        assert_eq!((run.transactions, run.seconds), (5617.14, 13.87));
        assert_eq!((run.read, run.write), (Some(3.29), Some(18.6)));
    }

    #[test]
    fn a_run_that_was_cut_off_or_complained_is_refused() {
        let cut = &MAIL[..MAIL.find("Results:").unwrap()];
        assert!(parse(cut).unwrap_err().reason.contains("no results"));
        let odd = MAIL.replace("5.60MB/sec", "fast");
        assert!(parse(&odd).unwrap_err().to_string().contains("not a number"));
        assert_eq!(parse("config error: no such directory\n").unwrap_err().line, 1);
    }
}
