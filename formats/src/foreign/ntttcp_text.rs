//! What ntttcp prints, on Linux and on Windows. Rates come from the bytes and the seconds of the whole run.
//!
//! Both sides of a run measure; where the text tells which one it is of, that is a level of the case.

use super::draft::{Draft, Facts, key, sections};
use super::{Keys, Parsed};
use crate::ntttcp;
use crate::tool::{lines, number};

/// Tells the text by its banner or its totals.
pub(super) fn is(text: &str) -> bool {
    text.lines().any(|line| line.starts_with("NTTTCP for Linux") || line.contains("Bytes(MEG)"))
        || (text.contains("#####  Totals:  #####") && text.contains("throughput"))
}

/// Reads every run of a file.
pub(super) fn parse(text: &str) -> Parsed {
    let mut draft = Draft::default();
    let begins = |line: &str| line.starts_with("NTTTCP for Linux") || line.starts_with("Copyright Version");
    for (before, part) in sections(text, begins) {
        read(&mut draft, before, part);
    }
    Ok(draft.done_text(text))
}

fn read(draft: &mut Draft, before: u32, part: &str) {
    let run = match ntttcp::parse(part) {
        Ok(run) => run,
        Err(error) => return draft.lose(before.saturating_add(error.line), error.reason),
    };
    let mut facts = Facts::new();
    for (_, line) in lines(part) {
        let version =
            line.strip_prefix("NTTTCP for Linux").or_else(|| line.strip_prefix("Copyright Version"));
        if let Some(version) = version {
            facts.insert("tool.ntttcp".into(), version.trim().to_owned());
        }
    }
    let side = ["sender", "receiver"].into_iter().find(|side| part.contains(&format!("{side} activity")));
    let keys: Keys = side.map(|side| key("side", side)).into_iter().collect();
    let case = draft.case("TCP", keys, &facts, before.saturating_add(run.line));
    draft.give(&case, "throughput(Mbit/s)", "Mbit/s", run.throughput);
    let field = |name: &str| {
        let line = part.lines().find_map(|line| line.rsplit_once(name)?.1.split_once(':'))?;
        number(line.1.trim().trim_end_matches('%'))
    };
    // Linux adds up its CPUs, Windows gives their mean.
    let busy = field("cpu busy (all)").zip(field("cpu cores").filter(|n| *n > 0.0)).map(|(all, n)| all / n);
    if let Some(busy) = busy.or_else(|| last_table(part)?.last().copied()) {
        draft.give(&case, "CPU", "%", busy);
    }
    if let Some(again) = field("retrans segs").or_else(|| last_table(part)?.get(2).copied()) {
        draft.give(&case, "re_pkts", "-", again);
    }
}

/// The values under `Packets Sent Packets Received Retransmits Errors Avg. CPU %`.
fn last_table(part: &str) -> Option<Vec<f64>> {
    let mut rest = lines(part).skip_while(|(_, line)| !line.contains("Avg. CPU %"));
    let cells: Vec<f64> = rest.nth(2)?.1.split_whitespace().filter_map(number).collect();
    (cells.len() == 5).then_some(cells)
}
