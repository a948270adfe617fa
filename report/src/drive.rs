//! A drive as JUnit: a test for each subtest, and one for the steps that stand outside of any.
//!
//! The dialect is that of [`crate::junit`](mod@crate::junit).

use edge::visible;
use model::drive::{Record, Verdict};
use quick_xml::Writer;
use quick_xml::events::BytesText;
use std::io;

/// The test of the steps that no subtest has.
const OUTSIDE: &str = "outside of subtests";

/// One test: its steps in order.
struct Test<'a> {
    name: &'a str,
    steps: Vec<&'a Record>,
}

impl Test<'_> {
    fn seconds(&self) -> f64 {
        self.steps.iter().map(|step| step.seconds).sum()
    }

    /// The step that failed, or that a signal ended.
    fn wrong(&self) -> Option<&Record> {
        self.steps.iter().copied().find(|step| step.result != Verdict::Passed)
    }

    fn counts(&self, verdict: Verdict) -> bool {
        self.wrong().is_some_and(|step| step.result == verdict)
    }
}

/// A drive as a JUnit file. `name` is the script's; times are seconds.
pub fn junit(name: &str, records: &[Record]) -> String {
    let mut tests: Vec<Test<'_>> = Vec::new();
    for record in records {
        let subtest = record.subtest.as_deref().unwrap_or(OUTSIDE);
        match tests.iter_mut().find(|test| test.name == subtest) {
            Some(test) => test.steps.push(record),
            None => tests.push(Test { name: subtest, steps: vec![record] }),
        }
    }
    let mut out = b"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_vec();
    let mut writer = Writer::new_with_indent(&mut out, b' ', 2);
    // A Vec takes every byte: an error cannot happen, and a test reads the whole file back.
    let _ = write(&mut writer, &visible(name), &tests);
    out.push(b'\n');
    String::from_utf8_lossy(&out).into_owned()
}

fn write(writer: &mut Writer<&mut Vec<u8>>, name: &str, tests: &[Test<'_>]) -> io::Result<()> {
    let count = |verdict| tests.iter().filter(|test| test.counts(verdict)).count().to_string();
    let (all, failures, errors) =
        (tests.len().to_string(), count(Verdict::Failed), count(Verdict::Interrupted));
    let time = format!("{:.3}", tests.iter().map(Test::seconds).sum::<f64>());
    let attributes =
        [("name", name), ("tests", &all), ("failures", &failures), ("errors", &errors), ("time", &time)];
    writer.create_element("testsuites").with_attributes(attributes).write_inner_content(|w| {
        w.create_element("testsuite")
            .with_attributes(attributes)
            .write_inner_content(|w| tests.iter().try_for_each(|test| write_test(w, name, test)))?;
        Ok(())
    })?;
    Ok(())
}

fn write_test(writer: &mut Writer<&mut Vec<u8>>, suite: &str, test: &Test<'_>) -> io::Result<()> {
    let (name, time) = (visible(test.name), format!("{:.3}", test.seconds()));
    let attributes = [("classname", suite), ("name", &name), ("time", &time)];
    let element = writer.create_element("testcase").with_attributes(attributes);
    let Some(step) = test.wrong() else {
        element.write_empty()?;
        return Ok(());
    };
    element.write_inner_content(|w| {
        let kind =
            if step.result == Verdict::Failed { ("failure", "failed") } else { ("error", "interrupted") };
        let message = format!("line {}: {}", step.line, visible(step.error.as_deref().unwrap_or_default()));
        let mut text = format!("{}\n", visible(&step.step));
        for line in step.output.lines().chain(step.stderr.lines()) {
            text.push_str(&format!("{}\n", visible(line)));
        }
        let attributes = [("type", kind.1), ("message", message.as_str())];
        w.create_element(kind.0).with_attributes(attributes).write_text_content(BytesText::new(&text))?;
        Ok(())
    })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(line: usize, subtest: Option<&str>, result: Verdict) -> Record {
        let mut record = Record::begun(line, "vm1 succeed test <x>");
        (record.subtest, record.result) = (subtest.map(str::to_owned), result);
        record.seconds = 0.5;
        if result != Verdict::Passed {
            (record.error, record.stderr) =
                (Some("'test' ended with status 1".into()), "a\u{1b}[2J & b\n".into());
        }
        record
    }

    #[test]
    fn a_subtest_is_a_test_and_a_step_that_failed_is_its_failure() {
        let records = [
            record(1, None, Verdict::Passed),
            record(2, Some("they \"see\" one another"), Verdict::Passed),
            record(3, Some("they \"see\" one another"), Verdict::Failed),
            record(5, Some("later"), Verdict::Interrupted),
        ];
        let text = junit("a&b.drive", &records);
        for part in [
            "<testsuites name=\"a&amp;b.drive\" tests=\"3\" failures=\"1\" errors=\"1\" time=\"2.000\">",
            "<testcase classname=\"a&amp;b.drive\" name=\"outside of subtests\" time=\"0.500\"/>",
            "name=\"they &quot;see&quot; one another\" time=\"1.000\">",
            "<failure type=\"failed\" message=\"line 3: &apos;test&apos; ended with status 1\">vm1 succeed test &lt;x&gt;",
            "a\\u{1b}[2J &amp; b",
            "<error type=\"interrupted\"",
        ] {
            assert!(text.contains(part), "{part}\n{text}");
        }
    }
}
