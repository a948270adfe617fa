//! The text of Go benchmarks with its unit metadata (Go proposal 14313, "Go Benchmark Data Format"; package
//! golang.org/x/perf/benchfmt).
//!
//! ```text
//!   goos: linux                                             configuration, for what follows
//!   pkg: example.org/codec
//!   Unit ns/op better=lower
//!   BenchmarkDecode/size=1k-8   1000   1234 ns/op   56 B/op
//! ```
//!
//! The case is package, name and GOMAXPROCS; the metric is the unit as written.

use super::{Counter, Foreign, Loss, Parsed, Record, Statement, lost_end, number};
use crate::tool::lines;
use edge::quoted;
use model::Direction;

/// Tells the text by a line of results.
pub(super) fn is(text: &str) -> bool {
    text.lines().any(|line| is_result(line) && fields(line).is_some())
}

/// `Benchmark`, then nothing that is a small letter, then blanks.
fn is_result(line: &str) -> bool {
    line.strip_prefix("Benchmark").is_some_and(|rest| !rest.starts_with(char::is_lowercase))
}

/// Name, and pairs of value and unit.
fn fields(line: &str) -> Option<(&str, Vec<(&str, &str)>)> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let (name, rest) = words.split_first()?;
    let (iterations, pairs) = rest.split_first()?;
    iterations.parse::<u64>().ok()?;
    if pairs.is_empty() || pairs.len() % 2 != 0 {
        return None;
    }
    let pairs = pairs.chunks_exact(2).filter_map(|p| Some((*p.first()?, *p.get(1)?))).collect();
    Some((name.strip_prefix("Benchmark")?, pairs))
}

/// Reads every line of results.
pub(super) fn parse(text: &str) -> Parsed {
    let mut foreign = Foreign::default();
    let (mut runs, mut package) = (Counter::default(), String::new());
    for (number, line) in lines(text) {
        let line = line.trim_end();
        if is_result(line) {
            // With -v the name stands alone on a line before its result.
            if line.split_whitespace().count() > 1 {
                result(line, number, &package, &mut runs, &mut foreign);
            }
        } else if let Some(rest) = line.strip_prefix("Unit ") {
            unit(rest, number, &mut foreign);
        } else if let Some((key, value)) = configuration(line) {
            match key {
                "pkg" => package = value.to_owned(),
                _ => {
                    foreign.facts.insert(format!("bench.{key}"), value.to_owned());
                }
            }
        }
    }
    foreign.losses.extend(lost_end(text));
    Ok(foreign)
}

/// `key: value`; keys begin with a small letter and hold neither blanks nor capitals.
fn configuration(line: &str) -> Option<(&str, &str)> {
    let (key, value) = line.split_once(':')?;
    let fits =
        key.starts_with(char::is_lowercase) && !key.contains(|c: char| c.is_whitespace() || c.is_uppercase());
    (fits && value.starts_with([' ', '\t'])).then(|| (key, value.trim()))
}

fn result(line: &str, number_of_line: u32, package: &str, runs: &mut Counter, out: &mut Foreign) {
    let Some((name, pairs)) = fields(line) else {
        let reason = "a result needs a name, the iterations, and pairs of value and unit".into();
        out.losses.push(Loss { line: number_of_line, reason });
        return;
    };
    let (name, processors) = split_processors(name);
    let mut keys = Vec::new();
    if !package.is_empty() {
        keys.push(("pkg".to_owned(), package.to_owned()));
    }
    keys.push(("name".to_owned(), name.to_owned()));
    keys.push(("gomaxprocs".to_owned(), processors.to_owned()));
    let run = runs.next(format!("{keys:?}"));
    for (value, unit) in pairs {
        out.records.push(Record {
            category: String::new(),
            keys: keys.clone(),
            metric: unit.to_owned(),
            unit: unit.to_owned(),
            value: number(value),
            run: Some(run.clone()),
            line: number_of_line,
        });
    }
}

/// `Decode/size=1k-8` is `Decode/size=1k` on 8 processors; without the number it is 1, which Go leaves out.
fn split_processors(name: &str) -> (&str, &str) {
    match name.rsplit_once('-') {
        Some((base, digits)) if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) => {
            (base, digits)
        }
        _ => (name, "1"),
    }
}

/// `UNIT key=value..`: of the keys, `better` says which way is better. `assume` chooses benchstat's own test and is
/// not followed.
fn unit(rest: &str, line: u32, out: &mut Foreign) {
    let mut words = rest.split_whitespace();
    let Some(metric) = words.next() else { return };
    let direction = match words.find_map(|w| w.strip_prefix("better=")) {
        None => return,
        Some("higher") => Direction::HigherIsBetter,
        Some("lower") => Direction::LowerIsBetter,
        Some(other) => {
            let reason = format!("unit {}: better={}, want higher or lower", quoted(metric), quoted(other));
            out.losses.push(Loss { line, reason });
            return;
        }
    };
    match out.statements.iter().find(|s| s.metric == metric) {
        Some(known) if known.direction != direction => {
            let reason = format!("unit {}: an earlier line said the opposite", quoted(metric));
            out.losses.push(Loss { line, reason });
        }
        Some(_) => {}
        None => out.statements.push(Statement { metric: metric.to_owned(), direction }),
    }
}
