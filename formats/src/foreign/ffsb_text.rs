//! What the Flexible Filesystem Benchmark prints. The case is the number of its threads: of profiles it prints no name.

use super::Parsed;
use super::draft::{Draft, Facts, key, sections};
use crate::ffsb;
use crate::tool::{lines, number};

/// Tells the text by its first line, or by its results.
pub(super) fn is(text: &str) -> bool {
    text.lines().any(|line| line.starts_with("FFSB version "))
        || (text.contains("\nResults:") && text.contains(" Transactions per Second"))
}

/// Reads every run of a file.
pub(super) fn parse(text: &str) -> Parsed {
    let mut draft = Draft::default();
    for (before, part) in sections(text, |line| line.starts_with("FFSB version ")) {
        read(&mut draft, before, part);
    }
    Ok(draft.done_text(text))
}

fn read(draft: &mut Draft, before: u32, part: &str) {
    let run = match ffsb::parse(part) {
        Ok(run) => run,
        Err(error) => return draft.lose(before.saturating_add(error.line), error.reason),
    };
    let (mut facts, mut threads, mut busy) = (Facts::new(), None::<u64>, None);
    for (_, content) in lines(part) {
        let said = content.trim();
        if let Some(rest) = said.strip_prefix("FFSB version ") {
            facts.insert("tool.ffsb".into(), rest.split_whitespace().next().unwrap_or_default().to_owned());
        } else if let Some((name, value)) = said.split_once('=') {
            match (name.trim(), value.split_whitespace().next()) {
                ("num_threads", Some(value)) => {
                    let more = value.parse::<u64>().ok();
                    threads = more.map(|more| threads.unwrap_or(0).saturating_add(more)).or(threads);
                }
                ("benchmark time", Some(value)) => {
                    facts.insert("param.l".into(), value.to_owned());
                }
                _ => {}
            }
        } else if let Some(value) = said.strip_suffix("CPU Utilization") {
            busy = number(value.trim().trim_end_matches('%'));
        }
    }
    let keys = threads.map(|threads| key("thread", threads.to_string())).into_iter().collect();
    let case = draft.case("", keys, &facts, before.saturating_add(run.line));
    draft.give(&case, "IOPS", "1/s", run.transactions);
    draft.give(&case, "Thro-MBps", "MiB/s", run.throughput());
    for (metric, value) in [("read_MBps", run.read), ("write_MBps", run.write)] {
        if let (Some(value), true) = (value, run.read.is_some() && run.write.is_some()) {
            draft.give(&case, metric, "MiB/s", value);
        }
    }
    if let Some(busy) = busy {
        draft.give(&case, "Hostcpu", "%", busy);
    }
}
