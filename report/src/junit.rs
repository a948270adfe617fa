//! JUnit XML for CI, by the table of `analyze::gate`: a regression is a failure; what was not decided is skipped, never passed;
//! measurements that failed are an error.
//!
//! The dialect is Jenkins' junit-10 schema: no `skipped` on `<testsuites>`.

use crate::explain::explain;
use crate::rows::{self, RowView, canonical_case};
use crate::{failures, gate as words, sentence, statistics};
use analyze::gate::{self, FailOn, Finding, Junit};
use analyze::{CaseFailures, CategoryScore, Comparison, FailedSide, FailureVerdict, Gate, Side, Summary};
use edge::visible;
use model::readable;
use quick_xml::Writer;
use quick_xml::events::BytesText;
use std::collections::BTreeMap;
use std::io;

/// Which findings fail.
#[derive(Clone, Debug)]
pub struct JunitOptions {
    /// Words of `--fail-on`.
    pub fail_on: Vec<FailOn>,
    /// So many guests of the candidate alone may die.
    pub allow_crashes: usize,
    /// What came of the gate, which is over all rows, also those that are not shown.
    pub gate: Option<Gate>,
}

impl Default for JunitOptions {
    fn default() -> Self {
        JunitOptions { fail_on: vec![FailOn::Regression], allow_crashes: 0, gate: None }
    }
}

/// One test case.
struct Case {
    name: String,
    outcome: Junit,
    /// The word of the finding.
    kind: &'static str,
    message: String,
    /// Said at length where it fails.
    text: String,
    /// A change that does not fail is still said.
    said: bool,
}

/// One suite: a workload's category of one candidate; or its categories as a whole; or its failures.
struct Suite {
    name: String,
    cases: Vec<Case>,
}

/// The comparison as a JUnit file: a suite for each candidate, workload and category, a test case for each row.
pub fn junit(comparison: &Comparison, options: &JunitOptions) -> String {
    let views = rows::views(comparison);
    let mut suites = suites(comparison, &views, options);
    for summary in &comparison.summary {
        suites.push(of_categories(comparison, summary, options));
        suites.push(of_failures(comparison, summary, options));
    }
    suites.extend(options.gate.as_ref().map(of_gate));
    suites.push(of_campaigns(comparison, options));
    suites.retain(|suite| !suite.cases.is_empty());
    let mut out = b"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_vec();
    let mut writer = Writer::new_with_indent(&mut out, b' ', 2);
    // A Vec takes every byte: an error cannot happen, and a test reads the whole file back.
    let _ = write(&mut writer, comparison, &suites);
    out.push(b'\n');
    String::from_utf8_lossy(&out).into_owned()
}

fn suites(comparison: &Comparison, views: &[RowView<'_>], options: &JunitOptions) -> Vec<Suite> {
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    let mut suites: Vec<Suite> = Vec::new();
    for view in views {
        let name = suite_name(comparison, view);
        let at = *places.entry(name.clone()).or_insert_with(|| {
            suites.push(Suite { name, cases: Vec::new() });
            suites.len() - 1
        });
        if let Some(suite) = suites.get_mut(at) {
            suite.cases.push(of_row(comparison, view, options));
        }
    }
    suites
}

fn of_row(comparison: &Comparison, view: &RowView<'_>, options: &JunitOptions) -> Case {
    let outcome = gate::junit(comparison, view.row, &options.fail_on, options.allow_crashes);
    let fails = matches!(outcome, Junit::Failure | Junit::Error);
    Case {
        name: format!("{} {}", canonical_case(view.row), view.metric()),
        outcome,
        kind: view.row.verdict.word(),
        message: message(view),
        text: if fails { explain(comparison, view.index).unwrap_or_default() } else { String::new() },
        said: view.row.verdict.is_decided_change(),
    }
}

/// The gate itself, as one test: what it says is what the exit code says.
fn of_gate(gate: &Gate) -> Suite {
    let (outcome, kind) = match (gate.exit_code, gate.failed) {
        (gate::PASSED, false) => (Junit::Passed, "PASSED"),
        (gate::NOTHING, _) => (Junit::Error, "NOT-DECIDED"),
        _ => (Junit::Failure, "FAILED"),
    };
    let found: Vec<String> = gate.said().map(|text| visible(text).into_owned()).collect();
    let case = Case {
        name: format!("--fail-on {}", visible(&gate.rule)),
        outcome,
        kind,
        message: format!("exit code {}", gate.exit_code),
        text: found.join("\n"),
        said: false,
    };
    Suite { name: "gate".to_owned(), cases: vec![case] }
}

/// The scores of the categories, which gate beside the rows.
fn of_categories(comparison: &Comparison, summary: &Summary, options: &JunitOptions) -> Suite {
    let case = |c: &CategoryScore| {
        let finding = Finding::Category(c.verdict);
        Case {
            name: format!("{} {}", visible(&c.workload), visible(&c.category)),
            outcome: finding.junit(&options.fail_on, true),
            kind: c.verdict.word(),
            message: words::category(c),
            text: String::new(),
            said: c.verdict.is_decided_change(),
        }
    };
    let cases = summary.categories.iter().map(case).collect();
    Suite { name: named(comparison, summary.candidate, "categories"), cases }
}

/// Campaigns that have not ended: what was compared is a part.
fn of_campaigns(comparison: &Comparison, options: &JunitOptions) -> Suite {
    let sides = std::iter::once(&comparison.a).chain(&comparison.b);
    let case = |side: &Side| Case {
        name: visible(&side.label).into_owned(),
        outcome: Finding::Unfinished.junit(&options.fail_on, true),
        kind: "UNFINISHED",
        message: format!(
            "the campaign of {} has not ended: what was compared is a part",
            visible(&side.label)
        ),
        text: visible(&side.path).into_owned(),
        said: true,
    };
    Suite { name: "campaigns".to_owned(), cases: sides.filter(|s| s.unfinished).map(case).collect() }
}

/// Cases of which measurements failed.
fn of_failures(comparison: &Comparison, summary: &Summary, options: &JunitOptions) -> Suite {
    let of_candidate = comparison.failures.iter().filter(|f| f.candidate == summary.candidate);
    let allowed = gate::are_allowed(comparison, summary.candidate, options.allow_crashes);
    let case = |f: &CaseFailures| Case {
        name: visible(&readable(&f.id)).into_owned(),
        outcome: match f.verdict {
            _ if f.expected.is_some() => Junit::Skipped,
            FailureVerdict::Undecided if allowed && f.side() == Some(FailedSide::CandidateDied) => {
                Junit::Passed
            }
            _ => finding(f).junit(&options.fail_on, true),
        },
        kind: f.verdict.word(),
        message: failures::sentence(f),
        text: visible(&f.first).into_owned(),
        said: true,
    };
    Suite { name: named(comparison, summary.candidate, "failures"), cases: of_candidate.map(case).collect() }
}

/// The gravest finding of a case's failures.
fn finding(failures: &CaseFailures) -> Finding {
    match failures.verdict {
        _ if failures.crashes > 0 => Finding::Crash,
        FailureVerdict::Undecided if failures.is_worse() => Finding::OneSided,
        verdict => Finding::Failures(verdict),
    }
}

/// A suite's name, behind the candidate's label when there are several.
fn named(comparison: &Comparison, candidate: usize, name: &str) -> String {
    if comparison.b.len() > 1 {
        format!("{}.{name}", sentence::candidate_label(comparison, candidate))
    } else {
        name.to_owned()
    }
}

/// `netperf.TCP_STREAM`, behind the candidate's label when there are several.
fn suite_name(comparison: &Comparison, view: &RowView<'_>) -> String {
    let name = format!("{}.{}", visible(&view.row.workload), visible(&view.row.category));
    named(comparison, view.row.candidate, &name)
}

fn write(writer: &mut Writer<&mut Vec<u8>>, comparison: &Comparison, suites: &[Suite]) -> io::Result<()> {
    let count = |outcome: Option<Junit>| -> String {
        let of = |s: &Suite| s.cases.iter().filter(|c| outcome.is_none_or(|o| c.outcome == o)).count();
        suites.iter().map(of).sum::<usize>().to_string()
    };
    let name = format!("perfvt: {}", visible(&comparison.a.label));
    let [tests, failures, errors] = [None, Some(Junit::Failure), Some(Junit::Error)].map(count);
    let attributes =
        [("name", name.as_str()), ("tests", &tests), ("failures", &failures), ("errors", &errors)];
    writer.create_element("testsuites").with_attributes(attributes).write_inner_content(|w| {
        for suite in suites {
            write_suite(w, suite)?;
        }
        Ok(())
    })?;
    Ok(())
}

fn write_suite(writer: &mut Writer<&mut Vec<u8>>, suite: &Suite) -> io::Result<()> {
    let count = |outcome| suite.cases.iter().filter(|c| c.outcome == outcome).count().to_string();
    let [failures, errors, skipped] = [Junit::Failure, Junit::Error, Junit::Skipped].map(count);
    let tests = suite.cases.len().to_string();
    let attributes = [
        ("name", suite.name.as_str()),
        ("tests", &tests),
        ("failures", &failures),
        ("errors", &errors),
        ("skipped", &skipped),
    ];
    writer.create_element("testsuite").with_attributes(attributes).write_inner_content(|w| {
        for case in &suite.cases {
            write_case(w, suite, case)?;
        }
        Ok(())
    })?;
    Ok(())
}

fn write_case(writer: &mut Writer<&mut Vec<u8>>, suite: &Suite, case: &Case) -> io::Result<()> {
    let attributes = [("classname", suite.name.as_str()), ("name", case.name.as_str())];
    let element = writer.create_element("testcase").with_attributes(attributes);
    if case.outcome == Junit::Passed && !case.said {
        element.write_empty()?;
        return Ok(());
    }
    element.write_inner_content(|w| {
        let attributes = [("type", case.kind), ("message", case.message.as_str())];
        let name = match case.outcome {
            Junit::Failure => "failure",
            Junit::Error => "error",
            Junit::Skipped => {
                w.create_element("skipped").with_attributes(attributes).write_empty()?;
                return Ok(());
            }
            Junit::Passed => {
                w.create_element("system-out").write_text_content(BytesText::new(&case.message))?;
                return Ok(());
            }
        };
        w.create_element(name).with_attributes(attributes).write_text_content(BytesText::new(&case.text))?;
        Ok(())
    })?;
    Ok(())
}

/// `REGRESSED: throughput (Mbit/s) 941.2 -> 880.1, -6.49% [-8.10, -4.90] after choosing, q 0.003, n 5, gates`.
fn message(view: &RowView<'_>) -> String {
    let after = if view.change.chosen { " after choosing" } else { "" };
    let ci = view.change.ci.as_ref().map_or(String::new(), |ci| format!(" {ci}{after}"));
    let decides = if view.row.q.is_some() { "q" } else { "p_model" };
    let [p, n] = [decides, "n"].map(|name| {
        statistics::named(name).map_or(String::new(), |s| format!("{} {}", s.column.comment, s.short(view)))
    });
    let (metric, verdict, change) = (view.metric_unit(), view.verdict(), &view.change.text);
    let gated = view.at_gate().map_or(String::new(), |at_gate| format!(", {}", at_gate.word()));
    let known = view.known().map_or(String::new(), |known| format!("; {known}"));
    format!("{verdict}: {metric} {} -> {}, {change}{ci}, {p}, {n}{gated}{known}", view.a, view.b)
}
