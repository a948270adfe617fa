//! Lines of `journal.jsonl`: an event, when it happened, its number, and a checksum.
//!
//! ```text
//! {"seq":3,"unix_ns":1700000000000000000,"event":{"type":"boot_ready",..},"sum":"0123456789abcdef"}
//! ```
//!
//! The checksum is the first 16 hexadecimal digits of BLAKE3 over the line without its `sum` member, that is over
//! `{"seq":..,"unix_ns":..,"event":{..}}`. A line that was cut by a crash, or damaged later, does not match it.

use model::journal::{Event, JOURNAL_FORMAT};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// One line of the journal. Other journals than a campaign's have other events and the same lines.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry<E = Event> {
    /// Counted from 1 without gaps.
    pub seq: u64,
    /// Nanoseconds since the epoch.
    pub unix_ns: u64,
    /// What happened.
    pub event: E,
}

/// A journal that is damaged before its end.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{line}: {reason}")]
pub struct JournalError {
    /// Line, counted from 1.
    pub line: usize,
    /// What is wrong.
    pub reason: String,
}

const SUM: &str = ",\"sum\":\"";

/// One line, newline included.
pub fn write_entry<E: Serialize>(entry: &Entry<E>) -> Result<String, serde_json::Error> {
    let text = serde_json::to_string(entry)?;
    let body = text.strip_suffix('}').unwrap_or(&text);
    Ok(format!("{body}{SUM}{}\"}}\n", checksum(&text)))
}

fn checksum(text: &str) -> String {
    blake3::hash(text.as_bytes()).to_hex().chars().take(16).collect()
}

/// What a line is worth.
enum Line<E> {
    /// An entry.
    Good(Entry<E>),
    /// Cut or changed: its checksum says so.
    Damaged(String),
    /// Whole, and not understood.
    Foreign(String),
}

fn read_line<E: DeserializeOwned>(line: &[u8], newer: fn(&E) -> Option<String>) -> Line<E> {
    let Ok(line) = std::str::from_utf8(line) else { return Line::Damaged("the line is not UTF-8".into()) };
    let Some((body, rest)) = line.rsplit_once(SUM) else {
        return Line::Damaged("the line has no checksum".into());
    };
    let text = format!("{body}}}");
    if rest.strip_suffix("\"}") != Some(checksum(&text).as_str()) {
        return Line::Damaged("the checksum does not match".into());
    }
    match serde_json::from_str::<Entry<E>>(&text) {
        Ok(entry) => newer(&entry.event).map_or(Line::Good(entry), Line::Foreign),
        Err(e) => Line::Foreign(format!("{e}; a newer perfvt may have written it")),
    }
}

fn newer_journal(event: &Event) -> Option<String> {
    match event {
        Event::Opened { format, .. } if *format > JOURNAL_FORMAT => Some(format!(
            "format {format} is newer than this perfvt knows ({JOURNAL_FORMAT}); use a newer perfvt"
        )),
        _ => None,
    }
}

/// A journal as it was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Journal<E = Event> {
    /// The good lines.
    pub entries: Vec<Entry<E>>,
    /// Bytes of the good lines: a writer that goes on cuts the file here.
    pub good_bytes: usize,
    /// Set when the last line was cut by a crash and is left out.
    pub torn: bool,
}

/// Reads a journal. Only its last line may be damaged: that is what a crash does. Damage before is an error, because
/// what came after was written by somebody who knew more than this reader would.
pub fn read(text: &[u8]) -> Result<Journal, JournalError> {
    read_events(text, newer_journal)
}

/// The same for lines of that form with events of another kind. `newer` says of an event that only a newer perfvt understands
/// what follows, and why.
pub fn read_events<E: DeserializeOwned>(
    text: &[u8],
    newer: fn(&E) -> Option<String>,
) -> Result<Journal<E>, JournalError> {
    let mut journal = Journal { entries: Vec::new(), good_bytes: 0, torn: false };
    let mut rest = text;
    let mut number = 0;
    while !rest.is_empty() {
        number += 1;
        let end = rest.iter().position(|b| *b == b'\n');
        let (line, after) = match end {
            Some(end) => (rest.get(..end).unwrap_or_default(), rest.get(end + 1..).unwrap_or_default()),
            None => (rest, &[][..]),
        };
        let expected = journal.entries.len() as u64 + 1;
        match read_line(line, newer) {
            // A whole line without its newline would be glued to the next one: it counts as cut.
            Line::Good(_) | Line::Foreign(_) if end.is_none() => journal.torn = true,
            Line::Good(entry) if entry.seq == expected => journal.entries.push(entry),
            Line::Good(entry) => {
                let reason = format!("number {} where {expected} belongs", entry.seq);
                return Err(JournalError { line: number, reason });
            }
            Line::Damaged(_) if after.is_empty() => journal.torn = true,
            Line::Damaged(reason) | Line::Foreign(reason) => {
                return Err(JournalError { line: number, reason });
            }
        }
        if journal.torn {
            break;
        }
        rest = after;
        journal.good_bytes = text.len() - rest.len();
    }
    Ok(journal)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn journal() -> String {
        (1..=3)
            .map(|seq| {
                let event = Event::BootReady { boot: format!("b{seq}\n\"sum\":\""), seconds: 1.5 };
                write_entry(&Entry { seq, unix_ns: 7, event }).unwrap()
            })
            .collect()
    }

    #[test]
    fn a_whole_journal_reads_back() {
        let text = journal();
        let read = read(text.as_bytes()).unwrap();
        assert_eq!((read.entries.len(), read.good_bytes, read.torn), (3, text.len(), false));
    }

    #[test]
    fn a_journal_cut_at_any_byte_loses_only_its_last_line() {
        let text = journal();
        for cut in 0..text.len() {
            let read = read(&text.as_bytes()[..cut]).unwrap();
            assert_eq!(read.entries.len(), text[..cut].matches('\n').count(), "cut at {cut}");
            assert_eq!(read.torn, !(cut == 0 || text[..cut].ends_with('\n')));
            assert!(text[..read.good_bytes].is_empty() || text[..read.good_bytes].ends_with('\n'));
        }
    }

    #[test]
    fn a_whole_line_that_a_newer_perfvt_wrote_is_refused_and_not_cut_off() {
        let body = r#"{"seq":4,"unix_ns":7,"event":{"type":"from_the_future"}}"#;
        let line = format!("{}{SUM}{}\"}}\n", body.strip_suffix('}').unwrap(), checksum(body));
        let error = read(format!("{}{line}", journal()).as_bytes()).unwrap_err();
        assert_eq!(error.line, 4);
        assert!(error.reason.contains("newer perfvt"), "{}", error.reason);
    }

    #[test]
    fn damage_before_the_end_is_an_error_with_its_line() {
        let text = journal();
        let first = text.find('\n').unwrap();
        for at in 0..first {
            let mut bytes = text.clone().into_bytes();
            bytes[at] ^= 1;
            let result = read(&bytes);
            assert!(matches!(&result, Err(e) if e.line == 1), "flipped byte {at}: {result:?}");
        }
        let swapped: String = text.lines().rev().map(|l| format!("{l}\n")).collect();
        assert_eq!(read(swapped.as_bytes()).unwrap_err().reason, "number 3 where 1 belongs");
    }
}
