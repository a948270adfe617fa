//! The campaign as JUnit XML for CI: a suite for each environment, a test case for each repeat and case of the plan.
//!
//! | test case | when |
//! |---|---|
//! | passed | the cell has its values; attempts that failed before are told in `system-out` |
//! | failure | the tool or the guest failed while the case was measured |
//! | error | the host or its surroundings spoilt the cell; or, as a test case `guest` of the repeat, its guest came to nothing outside any case |
//! | skipped | it failed and `expected_until` says so, until a day that was not over; nothing was measured: settled by the stopping rule, not reached before the guest died, or not yet |
//!
//! A cause is told once: what a guest did not reach any more is skipped. The dialect is that of [`crate::junit`](mod@crate::junit).

use super::{Stamped, Story};
use edge::visible;
use model::expected::{EXPECTED_UNTIL, ExpectedUntil};
use model::journal::{CellKey, CellState, Event, State};
use model::{BootPlan, Code, EnvironmentPlan, FailedAttempt};
use quick_xml::Writer;
use quick_xml::events::BytesText;
use std::collections::BTreeMap;
use std::io;

/// The name of the test case that stands for the guest of a repeat.
const GUEST: &str = "guest";

/// What became of a test case.
#[derive(Clone, Debug, PartialEq)]
enum Outcome {
    Passed,
    Failure(Cause),
    Error(Cause),
    Skipped(String),
}

/// Code and reason of a failure.
type Cause = (Option<Code>, String);

impl Outcome {
    /// A failure that is known is no failure.
    fn unless(self, known: Option<&ExpectedUntil>) -> Outcome {
        match (self, known) {
            (Outcome::Failure((code, reason)), Some(known))
            | (Outcome::Error((code, reason)), Some(known))
                if code.is_none_or(Code::is_outcome) =>
            {
                Outcome::Skipped(format!(
                    "known until {}: {}; {}: {reason}",
                    known.day,
                    known.bug,
                    word(code)
                ))
            }
            (other, _) => other,
        }
    }
}

/// What is known to fail in an environment, on the day on which the campaign had its last event.
fn known(environment: &EnvironmentPlan, state: &State) -> Option<ExpectedUntil> {
    let known = ExpectedUntil::parse(&environment.params.get(EXPECTED_UNTIL)?.value)?;
    let last = state.span.map_or(0, |(_, last)| last);
    let day = analyze::day(i64::try_from(last / 1_000_000_000).unwrap_or(i64::MAX));
    (!known.is_over(&day)).then_some(known)
}

/// One test case.
struct Test {
    class: String,
    name: String,
    outcome: Outcome,
    /// Wall time of its last sample in seconds, without waiting.
    seconds: Option<f64>,
    /// Attempts that failed before.
    before: Vec<String>,
}

/// One environment.
struct Suite {
    name: String,
    tests: Vec<Test>,
}

impl Suite {
    fn count(&self, is: impl Fn(&Outcome) -> bool) -> usize {
        self.tests.iter().filter(|test| is(&test.outcome)).count()
    }

    fn seconds(&self) -> f64 {
        self.tests.iter().filter_map(|test| test.seconds).sum()
    }
}

/// What the events say and their fold does not keep.
#[derive(Default)]
struct Told {
    /// Seconds of the last sample of each cell that has ended.
    seconds: BTreeMap<CellKey, f64>,
    /// How the last guest of each repeat failed, if it did.
    last: BTreeMap<(String, u32), Cause>,
}

impl Told {
    fn of(events: &[Stamped], state: &State) -> Told {
        let mut told = Told::default();
        for (_, event) in events {
            match event {
                Event::BootStarted { environment, repeat, .. } => {
                    told.last.remove(&(environment.clone(), *repeat));
                }
                Event::BootFailed { boot, reason, code, .. } => {
                    if let Some(of) = state.boots.get(boot) {
                        told.last.insert((of.environment.clone(), of.repeat), (*code, reason.clone()));
                    }
                }
                Event::CaseFinished { boot, case, seconds, .. } => {
                    if let Some(of) = state.boots.get(boot) {
                        told.seconds.insert((of.environment.clone(), of.repeat, case.clone()), *seconds);
                    }
                }
                _ => {}
            }
        }
        told
    }
}

/// The campaign as a JUnit file, whether it has ended or not. Times are seconds.
pub fn junit(story: &Story<'_>) -> String {
    let state = story.state();
    let suites = suites(story, &state);
    let mut out = b"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_vec();
    let mut writer = Writer::new_with_indent(&mut out, b' ', 2);
    // A Vec takes every byte: an error cannot happen, and a test reads the whole file back.
    let _ = write(&mut writer, story, &state, &suites);
    out.push(b'\n');
    String::from_utf8_lossy(&out).into_owned()
}

fn suites(story: &Story<'_>, state: &State) -> Vec<Suite> {
    let told = Told::of(story.events, state);
    let mut suites: Vec<Suite> = Vec::new();
    for environment in &story.file.environments {
        let name = format!("{}.{}", visible(&story.file.workload), visible(&environment.name));
        suites.push(Suite { name, tests: Vec::new() });
    }
    for (block, boot) in story.file.boots() {
        let environment = story.file.environments.get(boot.environment);
        let (Some(environment), Some(suite)) = (environment, suites.get_mut(boot.environment)) else {
            continue;
        };
        let class = format!("{}.boot{}", suite.name, boot.repeat);
        let failures = state.failures.get(&environment.name).map_or(&[][..], Vec::as_slice);
        let failures: Vec<&FailedAttempt> = failures.iter().filter(|f| f.repeat == boot.repeat).collect();
        let name = &environment.name;
        let repeat = Repeat { story, state, told: &told, environment: name, block, boot, failures };
        let known = known(environment, state);
        let tests = repeat.guest().into_iter().chain(repeat.cells());
        let expected =
            |test: Test| Test { class: class.clone(), outcome: test.outcome.unless(known.as_ref()), ..test };
        suite.tests.extend(tests.map(expected));
    }
    suites
}

/// One repeat of an environment.
struct Repeat<'a> {
    story: &'a Story<'a>,
    state: &'a State,
    told: &'a Told,
    environment: &'a str,
    block: u32,
    boot: &'a BootPlan,
    /// Attempts of this repeat that failed.
    failures: Vec<&'a FailedAttempt>,
}

impl Repeat<'_> {
    /// The test case of its guest, when one failed outside any case, or failed last and is not tried again.
    fn guest(&self) -> Option<Test> {
        let key = (self.environment.to_owned(), self.boot.repeat);
        let outside = self.failures.last().is_none_or(|failed| failed.case.is_none());
        let error = match self.state.lost.get(&key) {
            Some(CellState::Invalid { reason, code }) if outside => Some((*code, reason.clone())),
            Some(_) => None,
            None => self.told.last.get(&key).filter(|_| self.lacks()).cloned(),
        };
        let mut before: Vec<String> =
            self.failures.iter().filter(|f| f.case.is_none()).map(|f| attempt(f)).collect();
        if error.is_none() && before.is_empty() {
            return None;
        }
        if error.as_ref().is_some_and(|(code, _)| code.is_none_or(Code::is_outcome)) && outside {
            before.pop();
        }
        let outcome = error.map_or(Outcome::Passed, Outcome::Error);
        Some(Test { class: String::new(), name: GUEST.into(), outcome, seconds: None, before })
    }

    /// Whether a cell is still to be measured.
    fn lacks(&self) -> bool {
        let mut wanted = self.story.file.wanted(self.state, self.block, self.boot);
        wanted.any(|(_, case)| self.state.cell(self.environment, self.boot.repeat, &case.id()).is_none())
    }

    fn cells(&self) -> Vec<Test> {
        let cases = self.boot.cases.iter().filter_map(|index| self.story.file.cases.get(*index));
        cases.map(|case| self.cell(case.id())).collect()
    }

    fn cell(&self, id: String) -> Test {
        let key = (self.environment.to_owned(), self.boot.repeat, id.clone());
        let outcome = match self.state.cells.get(&key) {
            Some(CellState::Valid) => Outcome::Passed,
            Some(CellState::Invalid { reason, code }) if code.is_none_or(Code::is_outcome) => {
                Outcome::Failure((*code, reason.clone()))
            }
            Some(CellState::Invalid { reason, code }) => Outcome::Error((*code, reason.clone())),
            None => Outcome::Skipped(self.why_not(&id)),
        };
        let failed = self.failures.iter().filter(|f| f.case.as_ref() == Some(&id));
        let mut before: Vec<String> = failed.map(|f| attempt(f)).collect();
        if let Outcome::Failure(_) = outcome {
            // That is the outcome itself.
            before.pop();
        }
        let seconds = self.state.cells.get(&key).and_then(|_| self.told.seconds.get(&key)).copied();
        Test { class: String::new(), name: visible(&id).into_owned(), outcome, seconds, before }
    }

    /// Why a cell was not measured.
    fn why_not(&self, id: &str) -> String {
        let (state, block) = (self.state, self.block);
        let lost = state.lost.get(&(self.environment.to_owned(), self.boot.repeat));
        if let Some(CellState::Invalid { reason, code }) = lost {
            return format!("not reached: {}: {reason}", word(*code));
        }
        if !state.wanted(id, block) {
            if let Some(last) = state.settled.get(id).filter(|last| block > **last) {
                return format!("settled by the stopping rule after block {last}");
            }
            let reason = state.stopped.as_ref().map_or("", |(_, reason)| reason.as_str());
            return format!("not begun: {reason}");
        }
        let ended = if state.interrupted {
            "the campaign was interrupted"
        } else {
            "the campaign has not got so far"
        };
        format!("not measured: {ended}; perfvt resume goes on")
    }
}

fn word(code: Option<Code>) -> &'static str {
    code.map_or("invalid", Code::word)
}

fn attempt(failed: &FailedAttempt) -> String {
    format!("attempt {} failed: {}: {}", failed.attempt, word(failed.code), failed.reason)
}

fn write(
    writer: &mut Writer<&mut Vec<u8>>,
    story: &Story<'_>,
    state: &State,
    suites: &[Suite],
) -> io::Result<()> {
    let sum = |count: &dyn Fn(&Suite) -> usize| suites.iter().map(count).sum::<usize>().to_string();
    let name = format!("perfvt: {}", visible(&story.file.id));
    let (tests, failures) = (sum(&|s| s.tests.len()), sum(&|s| s.count(is_failure)));
    let (errors, time) = (sum(&|s| s.count(is_error)), time(suites.iter().map(Suite::seconds).sum()));
    let attributes = [
        ("name", name.as_str()),
        ("tests", &tests),
        ("failures", &failures),
        ("errors", &errors),
        ("time", &time),
    ];
    writer.create_element("testsuites").with_attributes(attributes).write_inner_content(|w| {
        for suite in suites {
            write_suite(w, suite, state)?;
        }
        Ok(())
    })?;
    Ok(())
}

fn is_failure(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Failure(_))
}

fn is_error(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Error(_))
}

fn time(seconds: f64) -> String {
    // An empty sum is -0.0.
    format!("{:.3}", seconds + 0.0)
}

fn write_suite(writer: &mut Writer<&mut Vec<u8>>, suite: &Suite, state: &State) -> io::Result<()> {
    let (tests, failures) = (suite.tests.len().to_string(), suite.count(is_failure).to_string());
    let errors = suite.count(is_error).to_string();
    let skipped = suite.count(|outcome| matches!(outcome, Outcome::Skipped(_))).to_string();
    let time = time(suite.seconds());
    let began = state.span.and_then(|(first, _)| jiff::Timestamp::from_nanosecond(i128::from(first)).ok());
    let began = began.map(|t| t.strftime("%Y-%m-%dT%H:%M:%S").to_string());
    let mut attributes = vec![
        ("name", suite.name.as_str()),
        ("tests", &tests),
        ("failures", &failures),
        ("errors", &errors),
        ("skipped", &skipped),
        ("time", &time),
    ];
    attributes.extend(began.as_deref().map(|began| ("timestamp", began)));
    writer.create_element("testsuite").with_attributes(attributes).write_inner_content(|w| {
        for test in &suite.tests {
            write_test(w, test)?;
        }
        Ok(())
    })?;
    Ok(())
}

fn write_test(writer: &mut Writer<&mut Vec<u8>>, test: &Test) -> io::Result<()> {
    let seconds = test.seconds.map(time);
    let mut attributes = vec![("classname", test.class.as_str()), ("name", test.name.as_str())];
    attributes.extend(seconds.as_deref().map(|seconds| ("time", seconds)));
    let element = writer.create_element("testcase").with_attributes(attributes);
    if test.outcome == Outcome::Passed && test.before.is_empty() {
        element.write_empty()?;
        return Ok(());
    }
    element.write_inner_content(|w| {
        match &test.outcome {
            Outcome::Passed => {}
            Outcome::Failure(cause) => write_cause(w, "failure", cause)?,
            Outcome::Error(cause) => write_cause(w, "error", cause)?,
            Outcome::Skipped(why) => {
                let message = visible(why);
                w.create_element("skipped").with_attribute(("message", message.as_ref())).write_empty()?;
            }
        }
        if !test.before.is_empty() {
            let lines: Vec<_> = test.before.iter().map(|line| visible(line)).collect();
            w.create_element("system-out").write_text_content(BytesText::new(&lines.join("\n")))?;
        }
        Ok(())
    })?;
    Ok(())
}

fn write_cause(writer: &mut Writer<&mut Vec<u8>>, kind: &str, (code, reason): &Cause) -> io::Result<()> {
    let message = visible(reason);
    let attributes = [("type", word(*code)), ("message", message.as_ref())];
    writer.create_element(kind).with_attributes(attributes).write_empty()?;
    Ok(())
}
