//! netperf in a real guest: what perfvt makes of its intervals and counters is held against netperf's own summary, over the
//! same time.

use crate::support;

use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use support::quick::{near, raw, reasons, run, value};
use support::{apart, beside, files, measurements, output, text};

/// What one session of netperf printed, read here in another way than perfvt reads it.
struct Session {
    /// Rate, seconds, and the end since the epoch.
    intervals: Vec<[f64; 3]>,
    text: String,
}

impl Session {
    fn of(text: String) -> Session {
        let keyed = |key: &str| -> Vec<f64> {
            let lines = text.lines().filter(|l| l.starts_with(key));
            lines.map(|l| l.split('=').nth(1).unwrap().trim().parse().unwrap()).collect()
        };
        let [rates, seconds, ends] =
            ["NETPERF_INTERIM_RESULT[", "NETPERF_INTERVAL[", "NETPERF_ENDING["].map(keyed);
        let mut intervals: Vec<[f64; 3]> =
            rates.into_iter().zip(seconds).zip(ends).map(|((rate, s), end)| [rate, s, end]).collect();
        for line in text.lines().filter(|l| l.starts_with("Interim result:")) {
            let words: Vec<&str> = line.split_whitespace().collect();
            intervals.push([2, 5, 9].map(|at: usize| words[at].parse().unwrap()));
        }
        assert!(intervals.len() > 5, "{text}");
        Session { intervals, text }
    }

    /// A figure of the summary: keyed, or in the last line of a table.
    fn own(&self, key: &str, column: usize) -> f64 {
        let keyed = self.text.lines().find_map(|l| l.strip_prefix(key)?.strip_prefix('='));
        let row = || self.text.trim_end().lines().last().unwrap().split_whitespace().nth(column).unwrap();
        keyed.unwrap_or_else(row).trim().parse().unwrap_or_else(|_| panic!("{}", self.text))
    }

    fn seconds(&self) -> f64 {
        self.own("ELAPSED_TIME", 3)
    }

    /// What was done between two moments: each interval gives as much of its work as it shares with them.
    fn work(&self, start: f64, end: f64) -> f64 {
        let share =
            |[_, seconds, ending]: &[f64; 3]| (ending.min(end) - (ending - seconds).max(start)).max(0.0);
        self.intervals.iter().map(|interval| interval[0] * share(interval)).sum()
    }

    /// All work is told in intervals: none is lost or counted twice. TCP_SENDFILE does not tell its last interval.
    fn adds_up(&self, what: &str, per_second: f64) {
        let told: f64 = self.intervals.iter().map(|i| i[1]).sum();
        let untold = self.seconds() - told;
        let work = self.work(f64::MIN, f64::MAX);
        if what == "TCP_SENDFILE" {
            let fastest = self.intervals.iter().map(|i| i[0]).fold(0.0, f64::max);
            let missing = per_second * self.seconds() - work;
            assert!((-0.02..1.0).contains(&untold), "{what}: {untold} s are not told");
            let bounds = -0.02 * work..=2.0 * fastest * (untold + 0.02);
            assert!(bounds.contains(&missing), "{what}: {missing} of {work} in {untold} s");
        } else {
            near(what, work, per_second * self.seconds(), 0.02);
        }
    }
}

/// The sessions of the one case whose folder's name contains a text.
fn sessions(out: &Path, case: &str) -> Vec<Session> {
    let is = |f: &PathBuf| f.to_str().is_some_and(|f| f.contains(case) && f.contains("/session"));
    let files: Vec<PathBuf> = files(out, ".txt").into_iter().filter(is).collect();
    assert_eq!(files.len(), 2, "{files:?}");
    files.iter().map(|file| Session::of(fs::read_to_string(file).unwrap())).collect()
}

/// The window of a case: its begin and its end in seconds since the epoch.
fn window(all: &[Value], case: &str) -> (f64, f64) {
    let found = all.iter().find(|m| m["case"].as_str().unwrap().contains(case)).unwrap();
    let ns = |key: &str| found["window"][key].as_f64().unwrap() / 1e9;
    (ns("start_unix_ns"), ns("start_unix_ns") + ns("len_ns"))
}

/// What arrived and what was sent, in datagrams: in the window, as the guest's kernel counted, and in the whole sessions, as
/// their receivers did.
fn datagrams(out: &Path, all: &[Value], size: f64) {
    let case = "UDP_STREAM";
    let counter = |file: &str| -> f64 {
        let text = raw(out, case, file);
        let lines: Vec<&str> = text.lines().filter(|l| l.starts_with("Udp: ")).collect();
        let column = lines[0].split_whitespace().position(|w| w == "InDatagrams").unwrap();
        lines[1].split_whitespace().nth(column).unwrap().parse().unwrap()
    };
    let arrived = counter("guest-end.txt") - counter("guest-start.txt");
    let (start, end) = window(all, case);
    let mbit = size * 8.0 / 1e6;
    near("arrived", value(all, case, "throughput"), arrived * mbit / (end - start), 1e-6);
    let (sent, ratio) = (value(all, case, "send_throughput"), value(all, case, "delivery_ratio"));
    near("delivered", value(all, case, "throughput"), sent * ratio, 1e-9);
    let sessions = sessions(out, case);
    let all_arrived: f64 = sessions.iter().map(|s| s.own("THROUGHPUT", 0) * s.seconds() / mbit).sum();
    let all_sent: f64 = sessions.iter().map(|s| s.work(f64::MIN, f64::MAX) / mbit).sum();
    let sent: f64 = sessions.iter().map(|s| s.work(start, end) / mbit).sum();
    // Before and after the window no more arrived than was sent then; a little may be on its way at either end.
    let outside = all_arrived - arrived;
    let slack = 0.05 * all_sent;
    assert!(
        outside >= -slack && outside <= all_sent - sent + slack,
        "{arrived} of {all_arrived} arrived and {sent} of {all_sent} were sent within the window"
    );
}

#[test]
fn netperf_measures_every_protocol_as_it_says_itself() {
    let Some(_guard) = beside() else { return };
    let dir = tempfile::tempdir().unwrap();
    let protocols = "protocols=TCP_STREAM,TCP_MAERTS,TCP_RR,TCP_CRR,UDP_STREAM,UDP_RR,TCP_SENDFILE";
    let out = run(dir.path(), "netperf", &[protocols, "sizes=16384", "sessions=2", "sessions_rr=2"]);
    let all = measurements(&out);
    // The window is a part of the sessions, and on a busy machine their rates differ. What was done in it is held
    // against the same part of the intervals, and all intervals against the summary.
    for (case, metric) in [
        ("TCP_STREAM", "throughput"),
        ("TCP_MAERTS", "throughput"),
        ("TCP_SENDFILE", "throughput"),
        ("TCP_RR", "trans.rate"),
        ("TCP_CRR", "trans.rate"),
        ("UDP_RR", "trans.rate"),
        ("UDP_STREAM", "send_throughput"),
    ] {
        let sessions = sessions(&out, case);
        let key = if case == "UDP_STREAM" { "LOCAL_SEND_THROUGHPUT" } else { "THROUGHPUT" };
        for session in &sessions {
            session.adds_up(case, session.own(key, 4));
        }
        let (start, end) = window(&all, case);
        let work: f64 = sessions.iter().map(|s| s.work(start, end)).sum();
        near(case, value(&all, case, metric), work / (end - start), 5e-3);
        let own = if metric == "trans.rate" { "netperf_trans.rate" } else { "netperf_throughput" };
        let sum: f64 = sessions.iter().map(|s| s.own("THROUGHPUT", 4)).sum();
        near(own, value(&all, case, own), sum, 1e-9);
    }
    datagrams(&out, &all, 1024.0);
    assert_eq!(files(&out, ".RHS").len(), 1);
    let sessions: std::collections::BTreeSet<i64> = fs::read_to_string(&files(&out, "series.jsonl")[0])
        .unwrap()
        .lines()
        .filter_map(|l| serde_json::from_str::<Value>(l).unwrap()["session"].as_i64())
        .collect();
    assert_eq!(sessions.into_iter().collect::<Vec<_>>(), [0, 1]);
}

#[test]
fn a_netperf_without_intervals_is_told_from_one_with_them() {
    let Some(_guard) = beside() else { return };
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("x");
    let mut command = apart();
    command.args(["run", "netperf", "--profile", "quick", "--repeat", "1", "--allow-unpinned"]);
    command
        .args(["--set", "protocols=UDP_STREAM", "--set", "burst=10", "--set", "attempts=1", "--out"])
        .arg(&out);
    let run = output(&mut command);
    // Debian's has none; where another one is first in the search path, the cells are valid.
    if !run.status.success() {
        let said = text(&run.stderr);
        assert!(said.contains("no intervals, which burst needs"), "{said}{}", reasons(&out));
    }
}
