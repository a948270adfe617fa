//! What uperf prints for a profile (uperf(1)): a line for each transaction, and the total behind a ruler.
//!
//! ```text
//!   Txn2    1.11GB /  30.23(s) =   315.77Mb/s      144821op/s
//!   --------------------------------------------------------------------
//!   Total   1.11GB /  32.33(s) =   295.21Mb/s      135402op/s
//! ```

use crate::tool::{ToolError, lines, number};
use edge::quoted;

/// One run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Run {
    /// Mbit/s of the transaction that took longest, which is the one that a profile is about.
    pub throughput: f64,
    /// Operations in a second of the same.
    pub operations: f64,
    /// Its length in seconds.
    pub seconds: f64,
    /// Its line.
    pub line: u32,
}

/// Reads one run.
///
/// # Errors
/// There is no transaction that moved anything, or no total: the run was not completed.
pub fn parse(text: &str) -> Result<Run, ToolError> {
    let wrong = |line: u32, reason: String| ToolError { tool: "uperf", line, reason };
    let (mut longest, mut has_total, mut complaint) = (None::<Run>, false, None);
    for (line, content) in lines(text) {
        // Progress is written over itself; what stands last in a line counts.
        let said = content.rsplit('\r').find(|part| !part.trim().is_empty()).unwrap_or_default().trim();
        let is_total = said.starts_with("Total ");
        if !is_total && !is_transaction(said) {
            if said.starts_with("** Error") {
                return Err(wrong(line, format!("it says {}", quoted(said))));
            }
            // Where a build has TLS and no certificate, a run that goes well begins with an error, too.
            if said.starts_with("Error") {
                complaint.get_or_insert((line, said.to_owned()));
            }
            continue;
        }
        let run = transaction(said, line)
            .ok_or_else(|| wrong(line, format!("not a transaction: {}", quoted(said))))?;
        has_total |= is_total;
        if !is_total && longest.as_ref().is_none_or(|known| run.seconds > known.seconds) {
            longest = Some(run);
        }
    }
    let end = u32::try_from(text.lines().count()).unwrap_or(u32::MAX).max(1);
    if !has_total {
        let (line, reason) = complaint.unwrap_or((end, "the run was not completed: it has no total".into()));
        return Err(wrong(line, reason));
    }
    let moved = longest.filter(|run| run.throughput > 0.0 || run.operations > 0.0);
    moved.ok_or_else(|| wrong(end, "no transaction moved anything".into()))
}

/// Whether a line is of a transaction. Tables of averages (`-t`) call theirs alike; they have no rate.
fn is_transaction(line: &str) -> bool {
    line.starts_with("Txn") && (line.contains('=') || line.contains('/'))
}

/// `Txn2    1.11GB /  30.23(s) =   315.77Mb/s      144821op/s`.
fn transaction(line: &str, number_of_line: u32) -> Option<Run> {
    let (left, right) = line.split_once('=')?;
    let seconds = number(left.rsplit_once('/')?.1.trim().strip_suffix("(s)")?)?;
    let mut words = right.split_whitespace();
    let throughput = rate(words.next()?)?;
    let operations = number(words.next()?.strip_suffix("op/s")?)?;
    Some(Run { throughput, operations, seconds, line: number_of_line })
}

/// `315.77Mb/s` in Mbit/s; a bare 0 has no unit.
fn rate(text: &str) -> Option<f64> {
    let factors = [("Gb/s", 1e3), ("Mb/s", 1.0), ("Kb/s", 1e-3), ("b/s", 1e-6), ("", 1e-6)];
    factors.into_iter().find_map(|(unit, factor)| Some(number(text.strip_suffix(unit)?)? * factor))
}

#[cfg(test)]
mod tests {
    use super::*;

    const RR: &str = include_str!("../testdata/uperf/1.0.7-rr-reconstructed.txt");
    const STREAM: &str = include_str!("../testdata/uperf/1.0.4-stream-reconstructed.txt");

    #[test]
    fn the_longest_transaction_counts() {
        let run = parse(RR).unwrap();
        assert_eq!((run.throughput, run.operations, run.seconds, run.line), (2.48, 4848.0, 30.0, 3));
        assert_eq!(parse(STREAM).unwrap().throughput, 9120.0);
    }

    #[test]
    fn published_runs_are_read_past_their_harmless_errors_and_tables() {
        for (text, throughput, operations, line) in [
            (include_str!("../testdata/uperf/iperf-profile-published.txt"), 19_080.0, 291_075.0, 4),
            (include_str!("../testdata/uperf/verbose-published.txt"), 18_780.0, 286_609.0, 14),
            (include_str!("../testdata/uperf/stream-published.txt"), 8_240.0, 62_863.0, 8),
        ] {
            let run = parse(text).unwrap();
            assert_eq!((run.throughput, run.operations, run.line), (throughput, operations, line));
            let cut = &text[..text.find("Total ").unwrap()];
            assert!(parse(cut).is_err(), "{cut}");
        }
    }

    #[test]
    fn a_run_that_was_cut_off_or_failed_is_refused() {
        let cut = &RR[..RR.find("-----").unwrap()];
        assert!(parse(cut).unwrap_err().reason.contains("not completed"));
        assert!(parse("** Error connecting to 192.168.100.2\n").unwrap_err().reason.contains("connecting"));
        assert!(parse(&RR.replace("4848op/s", "many")).unwrap_err().reason.contains("not a transaction"));
        let idle = "Txn1  0 /  1.00(s) =  0  0op/s\nTotal  0 /  1.00(s) =  0  0op/s\n";
        assert!(parse(idle).unwrap_err().reason.contains("moved anything"));
    }
}
