//! Known changes: rows that may change without gating (`--expect FILE`).
//!
//! ```text
//! # ROW | VERDICT | until YYYY-MM-DD | REASON
//! netperf/TCP_STREAM/size=64,*/throughput | REGRESSED | until 2027-01-31 | the new mitigation costs this much
//! ```

use crate::warnings::note;
use crate::{AnalyzeError, Expected, Row, Verdict, Warning};
use model::counted;
use model::readable;
use std::path::Path;

/// One line of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expectation {
    /// Row id; `*` stands for any text. Without a candidate's number it speaks of every candidate.
    pub row: String,
    /// The verdict that is expected.
    pub verdict: Verdict,
    /// Last day on which it counts, `YYYY-MM-DD`.
    pub until: String,
    /// Why.
    pub reason: String,
    /// `FILE:LINE`.
    pub place: String,
    /// The day is over.
    pub expired: bool,
}

/// Reads a file of expectations. `today` is `YYYY-MM-DD`.
///
/// # Errors
/// The first line that is not of the form above, with file and line.
pub fn expectations(text: &str, file: &Path, today: &str) -> Result<Vec<Expectation>, AnalyzeError> {
    let mut out = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let place = format!("{}:{}", file.display(), index + 1);
        let wrong = |what: String| {
            AnalyzeError::Option(format!(
                "reading {place}: {what}; want ROW | VERDICT | until YYYY-MM-DD | REASON"
            ))
        };
        let fields: Vec<&str> = line.splitn(4, '|').map(str::trim).collect();
        let [row, word, until, reason] = fields.as_slice() else {
            return Err(wrong(format!("{} of 4 fields", fields.len())));
        };
        let verdict = Verdict::ALL
            .into_iter()
            .find(|v| v.word() == *word)
            .ok_or_else(|| wrong(format!("'{word}' is no verdict")))?;
        let until = until.strip_prefix("until ").map(str::trim).filter(|d| is_date(d));
        let until = until.ok_or_else(|| wrong("the third field is no date".into()))?.to_owned();
        if reason.is_empty() {
            return Err(wrong("there is no reason".into()));
        }
        let expired = until.as_str() < today;
        out.push(Expectation {
            row: (*row).to_owned(),
            verdict,
            until,
            reason: (*reason).to_owned(),
            place,
            expired,
        });
    }
    Ok(out)
}

/// A day of the calendar as `YYYY-MM-DD`.
fn is_date(text: &str) -> bool {
    let shape = |(i, b): (usize, u8)| if i == 4 || i == 7 { b == b'-' } else { b.is_ascii_digit() };
    let number = |range| text.get(range).and_then(|part: &str| part.parse::<u32>().ok());
    let (Some(year), Some(month), Some(day)) = (number(0..4), number(5..7), number(8..10)) else {
        return false;
    };
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        2 => 28 + u32::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    let is_day = (1..=12).contains(&month) && (1..=days).contains(&day);
    text.len() == 10 && text.bytes().enumerate().all(shape) && is_day
}

/// Marks the rows that an expectation names, and says which expectations no longer hold.
pub(crate) fn apply(expectations: &[Expectation], rows: &mut [Row]) -> Vec<Warning> {
    let mut met = vec![false; expectations.len()];
    for row in rows.iter_mut() {
        for (expectation, met) in expectations.iter().zip(&mut met) {
            let ids = [row.id.as_str(), row.base_id()];
            let named = ids
                .iter()
                .any(|id| matches(&expectation.row, id) || matches(&expectation.row, &readable(id)));
            if named && expectation.verdict == row.verdict {
                *met = true;
                if !expectation.expired && row.expected.is_none() {
                    row.expected = Some(Expected {
                        reason: expectation.reason.clone(),
                        until: expectation.until.clone(),
                        place: expectation.place.clone(),
                    });
                }
            }
        }
    }
    let list = |keep: &dyn Fn(&Expectation, bool) -> bool| -> Vec<&str> {
        expectations
            .iter()
            .zip(&met)
            .filter(|(e, met)| keep(e, **met))
            .map(|(e, _)| e.place.as_str())
            .collect()
    };
    let mut out = Vec::new();
    let expired = list(&|e, met| e.expired && met);
    if !expired.is_empty() {
        let text = format!(
            "{} expired and no longer hold back the gate: {}",
            counted(expired.len(), "expectation"),
            expired.join(", ")
        );
        out.push(note(
            "expired-expectations",
            text,
            "look at these changes again, then renew or remove the lines",
            expired.len(),
        ));
    }
    let unmet = list(&|_, met| !met);
    if !unmet.is_empty() {
        let text = format!("{} met by no row: {}", counted(unmet.len(), "expectation"), unmet.join(", "));
        out.push(note("unmet-expectations", text, "remove the lines when the change is gone", unmet.len()));
    }
    out
}

/// Whether `text` matches `pattern`, in which `*` stands for any text.
fn matches(pattern: &str, text: &str) -> bool {
    let Some((head, mut rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut text) = text.strip_prefix(head) else { return false };
    while let Some((part, after)) = rest.split_once('*') {
        let Some(at) = text.find(part) else { return false };
        (text, rest) = (text.get(at + part.len()..).unwrap_or(""), after);
    }
    text.ends_with(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_names_row_verdict_date_and_reason() {
        let text = "# known\n\nnetperf/*/throughput | REGRESSED | until 2027-01-31 | slower | by design\n";
        let found = expectations(text, Path::new("known"), "2027-01-31").unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].verdict, found[0].reason.as_str()), (Verdict::Regressed, "slower | by design"));
        assert_eq!((found[0].place.as_str(), found[0].expired), ("known:3", false));
        assert!(expectations(text, Path::new("known"), "2027-02-01").unwrap()[0].expired);
    }

    #[test]
    fn a_line_of_another_form_is_an_error_with_its_number() {
        for (line, part) in [
            ("a | REGRESSED", "2 of 4 fields"),
            ("a | WORSE | until 2027-01-31 | x", "'WORSE' is no verdict"),
            ("a | REGRESSED | until tomorrow | x", "no date"),
            ("a | REGRESSED | until 2027-02-29 | x", "no date"),
            ("a | REGRESSED | until 2027-13-01 | x", "no date"),
            ("a | REGRESSED | until 2027-01-31 | ", "no reason"),
        ] {
            let error = expectations(line, Path::new("known"), "2027-01-01").unwrap_err().to_string();
            assert!(error.contains("known:1") && error.contains(part), "{error}");
        }
    }

    #[test]
    fn a_star_stands_for_any_text() {
        assert!(matches("a*c*e", "abcde") && matches("a*", "a") && matches("*", "") && matches("a", "a"));
        assert!(!matches("a*c", "abcd") && !matches("a*b*b", "ab") && !matches("a", "ab"));
    }
}
