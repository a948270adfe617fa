//! `go test -json` (cmd/test2json): events of which the outputs, put together by package, are the text of Go benchmarks.

use super::{Parsed, benchfmt};
use serde::Deserialize;
use std::borrow::Cow;

/// One event, as far as it is needed.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Event<'a> {
    #[serde(borrow)]
    action: Cow<'a, str>,
    #[serde(borrow, default)]
    package: Cow<'a, str>,
    #[serde(borrow, default)]
    output: Cow<'a, str>,
}

/// The output of one package.
#[derive(Default)]
struct Package {
    name: String,
    text: String,
    /// The line of the file from which each line of the text is.
    lines: Vec<u32>,
}

/// Tells the events by the first of them that hold a benchmark.
pub(super) fn is(text: &str) -> bool {
    let is_event = |line: &str| line.starts_with('{') && line.contains("\"Action\":");
    text.lines().any(is_event)
        && text.lines().any(|line| {
            is_event(line) && line.contains("\"Output\":\"Benchmark") || {
                line.contains("\"Output\": \"Benchmark") && is_event(line)
            }
        })
}

/// Reads the benchmarks of every package.
pub(super) fn parse(text: &str) -> Parsed {
    let mut packages: Vec<Package> = Vec::new();
    let mut losses = Vec::new();
    for (line, content) in (1u32..).zip(text.lines()) {
        // What go prints of a build stands between the events.
        if !content.starts_with('{') {
            continue;
        }
        let event: Event<'_> = match serde_json::from_str(content) {
            Ok(event) => event,
            Err(error) => {
                let reason = format!("not an event of go test -json: {error}");
                let reason = reason.split(" at line ").next().unwrap_or_default().to_owned();
                losses.push(super::Loss { line, reason });
                continue;
            }
        };
        if event.action != "output" {
            continue;
        }
        let place = packages.iter().position(|p| p.name == event.package).unwrap_or_else(|| {
            packages.push(Package { name: event.package.clone().into_owned(), ..Package::default() });
            packages.len() - 1
        });
        if let Some(package) = packages.get_mut(place) {
            package.add(&event.output, line);
        }
    }
    let (mut whole, mut lines) = (String::new(), Vec::new());
    for mut package in packages {
        package.close();
        whole.push_str(&package.text);
        lines.extend(package.lines);
    }
    let mut foreign = benchfmt::parse(&whole)?;
    let line_of = |line: u32| {
        let index = usize::try_from(line.saturating_sub(1)).unwrap_or(usize::MAX);
        lines.get(index).copied().unwrap_or(1)
    };
    foreign.records.iter_mut().for_each(|record| record.line = line_of(record.line));
    foreign.losses.iter_mut().for_each(|loss| loss.line = line_of(loss.line));
    foreign.losses.extend(losses);
    Ok(foreign)
}

impl Package {
    /// Takes in output, which may be a part of a line: a benchmark's name and its result come apart.
    fn add(&mut self, output: &str, line: u32) {
        for part in output.split_inclusive('\n') {
            if self.text.is_empty() || self.text.ends_with('\n') {
                self.lines.push(line);
            } else if let Some(last) = self.lines.last_mut() {
                *last = line;
            }
            self.text.push_str(part);
        }
    }

    /// Ends a last line that has no end: the next package's begins anew.
    fn close(&mut self) {
        if !self.text.is_empty() && !self.text.ends_with('\n') {
            self.text.push('\n');
        }
    }
}
