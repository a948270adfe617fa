//! What is known and does not gate: rows that change, and cases that fail (`--expect FILE`, the key `expected_until`).
//!
//! ```text
//! # ROW or CASE | VERDICT | until YYYY-MM-DD | REASON
//! netperf/TCP_STREAM/size=64,*/throughput | REGRESSED | until 2027-01-31 | the new mitigation costs this much
//! netperf/TCP_RR/* | FAILS | until 2027-01-31 | BUG-17
//! ```

use crate::warnings::note;
use crate::{AnalyzeError, CaseFailures, Expected, FailedSide, Reason, Row, Verdict, Warning};
use model::counted;
use model::expected::{EXPECTED_UNTIL, ExpectedUntil, is_day};
use model::readable;
use std::path::Path;

/// The word for a case of which measurements fail.
const FAILS: &str = "FAILS";

/// One line of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expectation {
    /// Row id, or a case's where that fails; `*` stands for any text. Without a candidate's number it speaks of every candidate.
    pub row: String,
    /// The verdict that is expected; `None`: measurements of the case fail.
    pub verdict: Option<Verdict>,
    /// The one candidate that it is of, as an index; `None`: all of them.
    pub candidate: Option<usize>,
    /// Last day on which it counts, `YYYY-MM-DD`.
    pub until: String,
    /// Why.
    pub reason: String,
    /// `FILE:LINE`, or the key with its side.
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
                "reading {place}: {what}; want ROW | VERDICT | until YYYY-MM-DD | REASON, or CASE | FAILS | .."
            ))
        };
        let fields: Vec<&str> = line.splitn(4, '|').map(str::trim).collect();
        let [row, word, until, reason] = fields.as_slice() else {
            return Err(wrong(format!("{} of 4 fields", fields.len())));
        };
        let verdict = Verdict::ALL.into_iter().find(|v| v.word() == *word);
        if verdict.is_none() && *word != FAILS {
            return Err(wrong(format!("'{word}' is no verdict")));
        }
        let until = until.strip_prefix("until ").map(str::trim).filter(|d| is_day(d));
        let until = until.ok_or_else(|| wrong("the third field is no date".into()))?.to_owned();
        if reason.is_empty() {
            return Err(wrong("there is no reason".into()));
        }
        let expired = until.as_str() < today;
        out.push(Expectation {
            row: (*row).to_owned(),
            verdict,
            candidate: None,
            until,
            reason: (*reason).to_owned(),
            place,
            expired,
        });
    }
    Ok(out)
}

/// What the candidates' own keys say, in the order of the candidates, each with its label: all cases of a side may fail. `today` is
/// `YYYY-MM-DD`.
pub(crate) fn of_keys<'a>(
    keys: impl Iterator<Item = Option<(&'a str, &'a str)>>,
    today: &str,
) -> Vec<Expectation> {
    let of = |(candidate, key): (usize, Option<(&str, &str)>)| {
        let (label, value) = key?;
        let known = ExpectedUntil::parse(value)?;
        Some(Expectation {
            row: "*".to_owned(),
            verdict: None,
            candidate: Some(candidate),
            expired: known.is_over(today),
            until: known.day,
            reason: known.bug,
            place: format!("{EXPECTED_UNTIL} of {label}"),
        })
    };
    keys.enumerate().filter_map(of).collect()
}

impl Expectation {
    fn names(&self, candidate: usize, ids: &[&str]) -> bool {
        let is = |id: &&str| matches(&self.row, id) || matches(&self.row, &readable(id));
        self.candidate.is_none_or(|own| own == candidate) && ids.iter().any(is)
    }

    /// Whether a row is what is expected: it has the verdict, or it has none because its case fails on the candidate.
    fn is_of_row(&self, row: &Row) -> bool {
        match self.verdict {
            Some(verdict) => verdict == row.verdict && self.names(row.candidate, &[&row.id, row.base_id()]),
            None => {
                let failed = row.reason == Some(Reason::Failures) && row.failed != Some(FailedSide::Baseline);
                failed
                    && self
                        .names(row.candidate, &[row.base_id().rsplit_once('/').map_or("", |(case, _)| case)])
            }
        }
    }

    fn is_of_case(&self, failures: &CaseFailures) -> bool {
        self.verdict.is_none() && failures.b.failed > 0 && self.names(failures.candidate, &[&failures.id])
    }

    /// Marks what it is of, unless it is over or something else is known of that already.
    fn mark(&self, known: &mut Option<Expected>) {
        if !self.expired && known.is_none() {
            let (reason, until, place) = (self.reason.clone(), self.until.clone(), self.place.clone());
            *known = Some(Expected { reason, until, place });
        }
    }
}

/// Marks the rows and failures that an expectation names, and says which expectations no longer hold.
pub(crate) fn apply(
    expectations: &[Expectation],
    rows: &mut [Row],
    failures: &mut [CaseFailures],
) -> Vec<Warning> {
    let mut met = vec![false; expectations.len()];
    for (expectation, met) in expectations.iter().zip(&mut met) {
        for row in rows.iter_mut().filter(|row| expectation.is_of_row(row)) {
            *met |= expectation.verdict.is_some();
            expectation.mark(&mut row.expected);
        }
        for failed in failures.iter_mut().filter(|failed| expectation.is_of_case(failed)) {
            *met = true;
            expectation.mark(&mut failed.expected);
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
            "look at these again, then renew or remove them",
            expired.len(),
        ));
    }
    let unmet = list(&|_, met| !met);
    if !unmet.is_empty() {
        let text = format!("{} met by nothing: {}", counted(unmet.len(), "expectation"), unmet.join(", "));
        out.push(note(
            "unmet-expectations",
            text,
            "remove them when the change, or the bug, is gone",
            unmet.len(),
        ));
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
        assert_eq!(
            (found[0].verdict, found[0].reason.as_str()),
            (Some(Verdict::Regressed), "slower | by design")
        );
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
