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
//! The case is package, name and GOMAXPROCS; the metric is the unit as written. Lines of other text are passed over; what a
//! benchmark printed into its own line is lost. A benchmark that was begun when its package failed has failed; a package that
//! failed without one is lost.

use super::draft::{Draft, Facts, key};
use super::{Foreign, Keys, Loss, Parsed, Statement, number, spelling};
use crate::tool::lines;
use edge::quoted;
use model::Direction;
use std::sync::Arc;

/// Configuration that tells when something was measured and not how.
const OCCASION: [&str; 8] =
    ["date", "time", "timestamp", "commit-time", "upload", "upload-time", "elapsed", "duration"];
/// Configuration that names the version of Go.
const TOOLCHAIN: [&str; 4] = ["toolchain", "go", "goversion", "go-version"];

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
    let mut reader = Reader::default();
    for (number, line) in lines(text) {
        reader.line(line.trim_end(), number);
    }
    Ok(reader.draft.done_text(text))
}

#[derive(Default)]
struct Reader {
    draft: Draft,
    package: Arc<str>,
    facts: Facts,
    /// A benchmark whose name stood on a line and whose result did not.
    pending: Option<(String, u32)>,
    /// What the name of the last result had behind it for GOMAXPROCS.
    suffix: String,
    /// A failure of this package has been told.
    told: bool,
}

impl Reader {
    fn line(&mut self, line: &str, number: u32) {
        if let Some(name) = failure(line) {
            self.fail(name, number);
        } else if is_result(line) {
            self.result(line, number);
        } else if is_nameless(line) {
            let name =
                self.pending.take().map_or(String::new(), |(name, _)| format!(" of {}", quoted(&name)));
            let reason = format!("a result{name} apart from its name: something was printed between them");
            self.lose(number, reason);
        } else if let Some(rest) = line.strip_prefix("Unit ") {
            unit(rest, number, &mut self.draft.foreign);
        } else if let Some(rest) = line.strip_prefix("FAIL\t") {
            self.package_failed(rest, number);
        } else if is_end(line) {
            self.pending = None;
        } else if let Some((key, value)) = configuration(line) {
            self.configure(key, value);
        }
    }

    fn configure(&mut self, key: &str, value: &str) {
        let name = match key {
            "pkg" => {
                (self.package, self.told, self.pending) = (value.into(), false, None);
                return;
            }
            "cpu" => "host.cpu.model".to_owned(),
            "goarch" => "host.arch".to_owned(),
            key if TOOLCHAIN.contains(&key) => "tool.go".to_owned(),
            key if OCCASION.contains(&key) => return,
            key => format!("bench.{key}"),
        };
        // perfvt names architectures as the kernel does.
        let value = match (key, value) {
            ("goarch", "amd64") => "x86_64",
            ("goarch", "arm64") => "aarch64",
            ("goarch", "386") => "x86",
            (_, value) => value,
        };
        self.facts.insert(name, value.to_owned());
    }

    fn lose(&mut self, line: u32, reason: String) {
        self.draft.lose(line, reason);
    }

    /// Keys of a benchmark by the name that Go prints.
    fn keys(&mut self, name: &str) -> Keys {
        let (name, processors) = split_processors(name);
        let mut keys = Vec::new();
        if !self.package.is_empty() {
            keys.push(key("pkg", self.package.clone()));
        }
        let level = spelled(name);
        self.draft.foreign.spellings.keep("name", &level, name);
        keys.push(key("name", level));
        keys.push(key("gomaxprocs", processors));
        keys
    }

    fn result(&mut self, line: &str, number_of_line: u32) {
        let Some((name, pairs)) = fields(line) else {
            // With -v the name stands alone on a line before its result; and a log may begin with the word.
            if looks_measured(line) {
                let reason = "a result needs a name, the iterations, and pairs of value and unit";
                self.lose(number_of_line, reason.to_owned());
            } else if let Some(name) =
                line.split_whitespace().next().and_then(|w| w.strip_prefix("Benchmark"))
            {
                self.pending = Some((self.full(name, line), number_of_line));
            }
            return;
        };
        self.pending = None;
        self.suffix = name.strip_prefix(split_processors(name).0).unwrap_or_default().to_owned();
        let keys = self.keys(name);
        let case = self.draft.case("", keys, &self.facts, number_of_line);
        for (value, unit) in pairs {
            self.draft.give_read(&case, unit, unit, number(value));
        }
    }

    /// The name of a benchmark that stands on a line without its result. With -v it is alone there and lacks GOMAXPROCS,
    /// which is that of the last result.
    fn full(&self, name: &str, line: &str) -> String {
        let alone = line.split_whitespace().count() == 1 && split_processors(name).0 == name;
        if alone { format!("{name}{}", self.suffix) } else { name.to_owned() }
    }

    /// `FAIL PACKAGE ..`: the benchmark that was begun failed, unless another one is known to have.
    fn package_failed(&mut self, rest: &str, line: u32) {
        let package = rest.split_whitespace().next().unwrap_or_default();
        let is_own = self.package.is_empty() || *self.package == *package;
        match self.pending.take().filter(|(name, _)| is_own && !name.is_empty()) {
            Some((name, of_name)) if !self.told => self.fail(&name, of_name),
            _ if self.told => {}
            _ => self.lose(line, format!("a package failed: {}", quoted(rest.trim()))),
        }
        self.told = false;
    }

    /// A benchmark that failed has no time in that run.
    fn fail(&mut self, name: &str, line: u32) {
        (self.pending, self.told) = (None, true);
        let keys = self.keys(name);
        let case = self.draft.case("", keys, &self.facts, line);
        self.draft.fail(&case, "ns/op", "ns/op", format!("benchmark {} failed", quoted(name)));
    }
}

/// The benchmark that a line says has failed: `--- FAIL: BenchmarkX-8`, alone or behind the name that Go had printed.
fn failure(line: &str) -> Option<&str> {
    let name = |text: &'_ str| text.split_whitespace().next().map(str::len);
    if let Some((_, behind)) = line.split_once("--- FAIL: Benchmark") {
        return behind.get(..name(behind)?);
    }
    let rest = line.strip_prefix("Benchmark").filter(|_| is_result(line))?;
    let length = name(rest).filter(|_| !rest.starts_with(char::is_whitespace))?;
    rest.get(length..)?.trim_start().starts_with("panic:").then(|| rest.get(..length))?
}

/// `PASS`, or `ok PACKAGE ..`: no benchmark is in hand any more.
fn is_end(line: &str) -> bool {
    line == "PASS" || line.starts_with("ok  \t")
}

/// Whether a line holds what only a result does: a value and its unit for each operation.
fn looks_measured(line: &str) -> bool {
    line.split_whitespace().any(|word| word.ends_with("/op"))
}

/// A result whose name is gone: iterations, then pairs of value and unit.
fn is_nameless(line: &str) -> bool {
    let words: Vec<&str> = line.split_whitespace().collect();
    let number = |at: usize| words.get(at).is_some_and(|w| w.parse::<f64>().is_ok());
    number(0) && number(1) && words.get(2).is_some_and(|unit| unit.ends_with("/op"))
}

/// `key: value`; keys begin with a small letter and hold neither blanks nor capitals.
fn configuration(line: &str) -> Option<(&str, &str)> {
    let (key, value) = line.split_once(':')?;
    let fits =
        key.starts_with(char::is_lowercase) && !key.contains(|c: char| c.is_whitespace() || c.is_uppercase());
    (fits && value.starts_with([' ', '\t'])).then(|| (key, value.trim()))
}

/// A name in which sizes and times of sub-benchmarks (`/size=1024`) have their one spelling.
fn spelled(name: &str) -> String {
    let part = |part: &str| match part.split_once('=') {
        Some((key, level)) => format!("{key}={}", spelling::level(key, level)),
        None => part.to_owned(),
    };
    name.split('/').map(part).collect::<Vec<_>>().join("/")
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
