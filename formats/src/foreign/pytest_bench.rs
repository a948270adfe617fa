//! pytest-benchmark's JSON (`--benchmark-json=FILE`; its documentation, section "Comparing past runs").
//!
//! The case is the test's full name. Each time in `data` is a run; a file without them (`--benchmark-save` leaves them out) has
//! the mean.

use super::Parsed;
use super::dated::seconds_of;
use super::draft::{Draft, Facts, key};
use crate::json::{self, Document, Value};

/// Tells the JSON by what it says of machine and tests.
pub(super) fn is(text: &str) -> bool {
    ["\"machine_info\"", "\"benchmarks\"", "\"stats\""].iter().all(|word| text.contains(word))
}

/// Reads every test of a file.
pub(super) fn parse(text: &str) -> Parsed {
    let mut draft = Draft::default();
    json::each(text, |document| read(&mut draft, &document))?;
    Ok(draft.done())
}

fn read(draft: &mut Draft, document: &Document<'_>) {
    let root = &document.value;
    draft.dated(root.get("datetime").and_then(Value::as_str).and_then(seconds_of));
    let lines = document.lines_of_key("fullname");
    let mut facts = Facts::new();
    for (place, fact) in [
        ("/version", "tool.pytest-benchmark"),
        ("/machine_info/python_version", "tool.python"),
        ("/machine_info/machine", "host.arch"),
        ("/machine_info/cpu/brand_raw", "host.cpu.model"),
    ] {
        if let Some(value) = root.pointer(place) {
            facts.insert(fact.into(), json::level(value));
        }
    }
    let tests = root.get("benchmarks").and_then(Value::as_array).into_iter().flatten();
    for (index, test) in tests.enumerate() {
        let line = lines.get(index).copied().unwrap_or(document.line);
        let name = ["fullname", "name"].iter().find_map(|key| test.get(key)?.as_str());
        let stats = test.get("stats").unwrap_or(&Value::Null);
        let data = stats.get("data").and_then(Value::as_array).into_iter().flatten();
        let mut times: Vec<Result<f64, String>> = data.map(json::finite).collect();
        if times.is_empty() {
            times.extend(json::figure(stats, "mean"));
        }
        let (Some(name), false) = (name, times.is_empty()) else {
            draft.lose(line, "a test without its name and its times");
            continue;
        };
        let mut case = draft.case("", vec![key("test", name)], &facts, line);
        for (index, time) in times.into_iter().enumerate() {
            if index > 0 {
                draft.again(&mut case, "", line);
            }
            draft.give_read(&case, "time_s", "s", time);
        }
    }
}
