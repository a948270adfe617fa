//! JUnit XML for CI: a regression is a failure; what was not decided is skipped, never passed.
//!
//! The dialect is Jenkins' junit-10 schema: no `skipped` on `<testsuites>`.

use crate::explain::explain;
use crate::rows::{self, RowView};
use crate::{sentence, statistics};
use analyze::{Comparison, Verdict};
use edge::visible;
use quick_xml::Writer;
use quick_xml::events::BytesText;
use std::collections::BTreeMap;
use std::io;

/// Which rows fail.
#[derive(Clone, Debug)]
pub struct JunitOptions {
    /// Verdicts that are failures in rows that gate.
    pub fail_on: Vec<Verdict>,
}

impl Default for JunitOptions {
    fn default() -> Self {
        JunitOptions { fail_on: vec![Verdict::Regressed] }
    }
}

/// What becomes of a row.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Failure,
    Skipped,
    Passed,
}

/// One suite: a workload's category of one candidate.
struct Suite<'a, 'v> {
    name: String,
    rows: Vec<(&'v RowView<'a>, Outcome)>,
}

/// The comparison as a JUnit file: a suite for each candidate, workload and category, a test case for each row.
pub fn junit(comparison: &Comparison, options: &JunitOptions) -> String {
    let views = rows::views(comparison);
    let suites = suites(comparison, &views, options);
    let mut out = b"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_vec();
    let mut writer = Writer::new_with_indent(&mut out, b' ', 2);
    // A Vec takes every byte: an error cannot happen, and a test reads the whole file back.
    let _ = write(&mut writer, comparison, &suites);
    out.push(b'\n');
    String::from_utf8_lossy(&out).into_owned()
}

fn suites<'a, 'v>(
    comparison: &Comparison,
    views: &'v [RowView<'a>],
    options: &JunitOptions,
) -> Vec<Suite<'a, 'v>> {
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    let mut suites: Vec<Suite<'a, 'v>> = Vec::new();
    for view in views {
        let name = suite_name(comparison, view);
        let at = *places.entry(name.clone()).or_insert_with(|| {
            suites.push(Suite { name, rows: Vec::new() });
            suites.len() - 1
        });
        if let Some(suite) = suites.get_mut(at) {
            suite.rows.push((view, outcome(view, options)));
        }
    }
    suites
}

/// `netperf.TCP_STREAM`, behind the candidate's label when there are several.
fn suite_name(comparison: &Comparison, view: &RowView<'_>) -> String {
    let name = format!("{}.{}", visible(&view.row.workload), visible(&view.row.category));
    if comparison.b.len() > 1 {
        format!("{}.{name}", sentence::candidate_label(comparison, view.row.candidate))
    } else {
        name
    }
}

/// Only gating rows fail, and known changes do not. Missing, invalid and open rows are skipped: CI shows them, and they are not a pass.
fn outcome(view: &RowView<'_>, options: &JunitOptions) -> Outcome {
    let verdict = view.row.verdict;
    if view.gates && view.row.expected.is_none() && options.fail_on.contains(&verdict) {
        return Outcome::Failure;
    }
    match verdict {
        Verdict::Inconclusive | Verdict::Invalid | Verdict::MissingA | Verdict::MissingB => Outcome::Skipped,
        _ => Outcome::Passed,
    }
}

fn write(
    writer: &mut Writer<&mut Vec<u8>>,
    comparison: &Comparison,
    suites: &[Suite<'_, '_>],
) -> io::Result<()> {
    let count = |outcome: Option<Outcome>| -> usize {
        suites.iter().map(|s| s.rows.iter().filter(|r| outcome.is_none_or(|o| r.1 == o)).count()).sum()
    };
    let (tests, failures) = (count(None).to_string(), count(Some(Outcome::Failure)).to_string());
    let name = format!("perfvt: {}", visible(&comparison.a.label));
    let attributes = [("name", name.as_str()), ("tests", &tests), ("failures", &failures), ("errors", "0")];
    writer.create_element("testsuites").with_attributes(attributes).write_inner_content(|w| {
        for suite in suites {
            write_suite(w, comparison, suite)?;
        }
        Ok(())
    })?;
    Ok(())
}

fn write_suite(
    writer: &mut Writer<&mut Vec<u8>>,
    comparison: &Comparison,
    suite: &Suite<'_, '_>,
) -> io::Result<()> {
    let count = |outcome| suite.rows.iter().filter(|r| r.1 == outcome).count().to_string();
    let (tests, failures) = (suite.rows.len().to_string(), count(Outcome::Failure));
    let skipped = count(Outcome::Skipped);
    let attributes = [
        ("name", suite.name.as_str()),
        ("tests", &tests),
        ("failures", &failures),
        ("errors", "0"),
        ("skipped", &skipped),
    ];
    writer.create_element("testsuite").with_attributes(attributes).write_inner_content(|w| {
        for (view, outcome) in &suite.rows {
            write_case(w, comparison, suite, view, *outcome)?;
        }
        Ok(())
    })?;
    Ok(())
}

fn write_case(
    writer: &mut Writer<&mut Vec<u8>>,
    comparison: &Comparison,
    suite: &Suite<'_, '_>,
    view: &RowView<'_>,
    outcome: Outcome,
) -> io::Result<()> {
    let name = format!("{} {}", view.case(), view.metric());
    let attributes = [("classname", suite.name.as_str()), ("name", name.as_str())];
    let message = message(view);
    let kind = view.row.verdict.word();
    let case = writer.create_element("testcase").with_attributes(attributes);
    if outcome == Outcome::Passed && !view.row.verdict.is_decided_change() {
        case.write_empty()?;
        return Ok(());
    }
    case.write_inner_content(|w| {
        let attributes = [("type", kind), ("message", message.as_str())];
        match outcome {
            Outcome::Failure => {
                let text = explain(comparison, view.index).unwrap_or_default();
                w.create_element("failure")
                    .with_attributes(attributes)
                    .write_text_content(BytesText::new(&text))?
            }
            Outcome::Skipped => w.create_element("skipped").with_attributes(attributes).write_empty()?,
            // A change that does not fail is still said.
            Outcome::Passed => w.create_element("system-out").write_text_content(BytesText::new(&message))?,
        };
        Ok(())
    })?;
    Ok(())
}

/// `REGRESSED: throughput (Mbit/s) 941.2 -> 880.1, -6.49% [-8.10, -4.90], q 0.003, n 5`.
fn message(view: &RowView<'_>) -> String {
    let ci = view.change.ci.as_ref().map_or(String::new(), |ci| format!(" {ci}"));
    let decides = if view.row.q.is_some() { "q" } else { "p_model" };
    let [p, n] = [decides, "n"].map(|name| {
        statistics::named(name).map_or(String::new(), |s| format!("{} {}", s.column.comment, s.short(view)))
    });
    let (metric, verdict, change) = (view.metric_unit(), view.verdict(), &view.change.text);
    let known = view.known().map_or(String::new(), |known| format!("; {known}"));
    format!("{verdict}: {metric} {} -> {}, {change}{ci}, {p}, {n}{known}", view.a, view.b)
}
