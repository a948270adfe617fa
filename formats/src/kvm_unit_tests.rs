//! What a tree of kvm-unit-tests says of its tests (`x86/unittests.cfg`), and what a test writes to the serial line.
//!
//! ```text
//!   [vmexit_ipi]                    cpuid 71234            NAME CYCLES: each operation of x86/vmexit.c, on average
//!   file = vmexit.flat              ipi (skipped)          it takes more vCPUs, or a device that is not there
//!   smp = 2                         PASS: NAME             one check of a test, or FAIL, SKIP, XFAIL, XPASS
//!   extra_params = -append 'ipi'    SUMMARY: 7 tests, 1 unexpected failures, 2 skipped
//!   groups = vmexit
//! ```
//!
//! QEMU's device isa-debug-exit makes status `2 * CODE + 1` of the code that a test ends with, so that QEMU ends with 1 where all
//! passed, with 3 where something failed, with 77 where all was skipped, and with 127 after an exception that nobody expected.

use crate::tool::{ToolError, lines};
use edge::quoted;

const CONFIG: &str = "unittests.cfg";
/// The most tests that a file may have, and the longest name and value.
const MAX_TESTS: usize = 10_000;
const MAX_NAME: usize = 100;
const MAX_VALUE: usize = 16 * 1024;

/// One test, as a tree's `unittests.cfg` has it. Values are as they stand there; nothing is expanded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Test {
    /// Its name, of letters, digits and `_ . + -`.
    pub name: String,
    /// The file that QEMU boots, by its name.
    pub file: String,
    /// vCPUs: a number, or `$MAX_SMP`.
    pub smp: String,
    /// Further words for QEMU, with quotes as in a shell: `extra_params`, in newer trees `qemu_params`.
    pub extra: String,
    /// What the test itself is told, in newer trees: `test_args`, with its quotes.
    pub args: String,
    /// Its groups.
    pub groups: Vec<String>,
    /// The architecture that it is for alone; empty for all.
    pub arch: String,
    /// `kvm` or `tcg` where it is for that alone.
    pub accel: String,
    /// The seconds that it may take, where it says so.
    pub timeout: Option<u64>,
    /// Files of the host with the content that they have to have, each `PATH=VALUE`.
    pub checks: Vec<String>,
    /// The line of its name.
    pub line: u32,
}

/// How a test ended, by QEMU's exit status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// All of it passed.
    Pass,
    /// Something failed.
    Fail,
    /// Nothing could be tested here.
    Skip,
    /// An exception that nobody expected, or an assertion.
    Exception,
    /// Neither: QEMU itself ended, or was ended.
    Unknown,
}

/// What a status of QEMU with isa-debug-exit means.
pub fn verdict(status: i32) -> Verdict {
    match status {
        1 => Verdict::Pass,
        3 => Verdict::Fail,
        77 => Verdict::Skip,
        127 => Verdict::Exception,
        _ => Verdict::Unknown,
    }
}

/// A number of a log.
#[derive(Clone, Debug, PartialEq)]
pub struct Number {
    /// What was measured.
    pub name: String,
    /// Cycles of one operation.
    pub cycles: f64,
    /// Its line.
    pub line: u32,
}

/// What a test told.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Log {
    /// Its numbers, each name once: a later one stands for an earlier one.
    pub numbers: Vec<Number>,
    /// What it says that it skipped.
    pub skipped: Vec<String>,
    /// Checks that failed, in its own words.
    pub failed: Vec<String>,
    /// Checks that passed.
    pub passed: u32,
}

/// Reads a tree's `unittests.cfg`.
///
/// # Errors
/// A line that is none of the format, a name or number of the wrong kind, a test without a file or there twice.
pub fn parse_config(text: &str) -> Result<Vec<Test>, ToolError> {
    let mut tests: Vec<Test> = Vec::new();
    // A text that ends without a newline is whole: people write it.
    let mut numbered = (1u32..).zip(text.lines());
    while let Some((line, raw)) = numbered.next() {
        let content = raw.trim();
        if content.is_empty() || content.starts_with('#') {
            continue;
        }
        let wrong = |reason: String| ToolError { tool: CONFIG, line, reason };
        if let Some(name) = content.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            check_name(name).map_err(wrong)?;
            if tests.len() >= MAX_TESTS {
                return Err(wrong(format!("more than {MAX_TESTS} tests")));
            }
            tests.push(Test { name: name.to_owned(), smp: "1".into(), line, ..Test::default() });
            continue;
        }
        let (key, value) = content
            .split_once('=')
            .ok_or_else(|| wrong(format!("{} is neither [NAME] nor KEY = VALUE", quoted(content))))?;
        let value = match value.trim().strip_prefix("\"\"\"") {
            Some(first) => {
                over_lines(first, &mut numbered).ok_or_else(|| wrong("\"\"\" is not closed".into()))?
            }
            None => value.trim().to_owned(),
        };
        if value.len() > MAX_VALUE {
            return Err(wrong(format!("a value of more than {MAX_VALUE} bytes")));
        }
        let test =
            tests.last_mut().ok_or_else(|| wrong(format!("{} belongs to no [NAME]", quoted(key.trim()))))?;
        set(test, key.trim(), value).map_err(wrong)?;
    }
    whole(tests)
}

/// A value in three quotes, to the line that closes them. A backslash at the end of a line goes on with the next one.
fn over_lines<'t>(first: &str, rest: &mut impl Iterator<Item = (u32, &'t str)>) -> Option<String> {
    let (mut value, mut part) = (String::new(), first);
    loop {
        if let Some((last, _)) = part.split_once("\"\"\"") {
            value.push_str(last.trim());
            return Some(value.trim().to_owned());
        }
        value.push_str(part.trim().trim_end_matches('\\').trim_end());
        value.push(' ');
        if value.len() > MAX_VALUE {
            return None;
        }
        part = rest.next()?.1;
    }
}

fn check_name(name: &str) -> Result<(), String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '+' | '-');
    if name.is_empty() || name.len() > MAX_NAME || !name.chars().all(plain) {
        return Err(format!(
            "{} is no name of letters, digits, _ . + and -, at most {MAX_NAME}",
            quoted(name)
        ));
    }
    Ok(())
}

/// Sets one key of a test. Keys of other architectures and of later trees are left alone.
fn set(test: &mut Test, key: &str, value: String) -> Result<(), String> {
    match key {
        "file" => {
            check_name(&value)?;
            test.file = value;
        }
        "smp" => test.smp = value,
        "extra_params" | "qemu_params" => test.extra = value,
        "test_args" => test.args = value,
        "groups" => test.groups = value.split_whitespace().map(str::to_owned).collect(),
        "arch" => test.arch = value,
        "accel" => test.accel = value,
        "check" => test.checks.extend(value.split_whitespace().map(str::to_owned)),
        "timeout" => {
            // As timeout(1) has it: seconds, or with an s behind them.
            let number = value.trim_end_matches('s').parse().ok().filter(|seconds| *seconds > 0);
            let number =
                number.ok_or_else(|| format!("timeout {} is no number of seconds", quoted(&value)))?;
            test.timeout = Some(number);
        }
        _ => {}
    }
    Ok(())
}

fn whole(tests: Vec<Test>) -> Result<Vec<Test>, ToolError> {
    let mut names = std::collections::HashSet::new();
    for test in &tests {
        let wrong = |reason: String| ToolError { tool: CONFIG, line: test.line, reason };
        if test.file.is_empty() {
            return Err(wrong(format!("[{}] has no file = NAME.flat", test.name)));
        }
        if !names.insert(&test.name) {
            return Err(wrong(format!("[{}] stands there twice", test.name)));
        }
    }
    match tests.is_empty() {
        true => Err(ToolError { tool: CONFIG, line: 1, reason: "there is no test in it".into() }),
        false => Ok(tests),
    }
}

/// Reads what a test wrote to the serial line. Everything that is none of its results is left alone.
pub fn parse_log(text: &str) -> Log {
    let mut log = Log::default();
    for (line, content) in lines(text) {
        let content = content.trim_end();
        if content.starts_with("FAIL: ") || content.starts_with("XPASS: ") || content.starts_with("ABORT: ") {
            log.failed.push(content.to_owned());
        } else if content.starts_with("PASS: ") || content.starts_with("XFAIL: ") {
            log.passed = log.passed.saturating_add(1);
        } else if let Some(what) = content.strip_prefix("SKIP: ") {
            log.skipped.push(what.to_owned());
        } else if let Some(name) = content.strip_suffix(" (skipped)") {
            log.skipped.push(name.to_owned());
        } else if let Some((name, cycles)) = number(content) {
            let number = Number { name: name.to_owned(), cycles, line };
            match log.numbers.iter_mut().find(|known| known.name == name) {
                Some(known) => *known = number,
                None => log.numbers.push(number),
            }
        }
    }
    log
}

/// `NAME CYCLES` and nothing else. A negative one is an overflow of the test's own.
fn number(line: &str) -> Option<(&str, f64)> {
    let (name, cycles) = line.split_once(' ')?;
    check_name(name).ok()?;
    let is_number =
        !cycles.is_empty() && cycles.len() <= 18 && cycles.bytes().all(|byte| byte.is_ascii_digit());
    let cycles: u64 = cycles.parse().ok().filter(|cycles| is_number && *cycles > 0)?;
    Some((name, cycles as f64))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = include_str!("../testdata/kvm-unit-tests/old-unittests.cfg");
    const NEW: &str = include_str!("../testdata/kvm-unit-tests/new-unittests.cfg");

    #[test]
    fn the_tests_of_an_older_and_of_a_newer_tree_are_the_same() {
        let (old, new) = (parse_config(OLD).unwrap(), parse_config(NEW).unwrap());
        let names = |tests: &[Test]| tests.iter().map(|test| test.name.clone()).collect::<Vec<_>>();
        assert_eq!(names(&old), ["exit_one", "exit_ipi", "realm", "wide", "clock"]);
        assert_eq!(names(&old), names(&new));
        let ipi = &old[1];
        assert_eq!(
            (ipi.file.as_str(), ipi.smp.as_str(), ipi.extra.as_str()),
            ("exit.flat", "2", "-append 'ipi'")
        );
        assert_eq!(ipi.groups, ["vmexit"]);
        let newer = &new[1];
        assert_eq!((newer.extra.as_str(), newer.args.as_str()), ("-cpu max", "\"ipi\""));
        assert_eq!(old[2].checks, ["/sys/module/kvm/parameters/x=Y", "/proc/sys/kernel/y=0"]);
        assert_eq!((old[2].arch.as_str(), old[2].timeout), ("i386", Some(30)));
        assert_eq!(new[3].extra, "-cpu max -m 2048");
        assert_eq!(old[4].smp, "$MAX_SMP");
    }

    #[test]
    fn a_file_that_is_none_of_the_kind_is_refused_with_its_line() {
        for (text, line, want) in [
            ("", 1, "there is no test"),
            ("[a]\nsmp = 2\n", 1, "[a] has no file"),
            ("file = x.flat\n", 1, "belongs to no [NAME]"),
            ("[a b]\n", 1, "is no name"),
            ("[a]\nfile = ../../x\n", 2, "is no name"),
            ("[a]\nfile = x\n[a]\nfile = x\n", 3, "stands there twice"),
            ("[a]\nfile = x\ntimeout = soon\n", 3, "no number of seconds"),
            ("[a]\nfile = x\nmakes no sense\n", 3, "neither [NAME] nor"),
            ("[a]\nextra_params = \"\"\"-m 1\n", 2, "is not closed"),
        ] {
            let error = parse_config(text).unwrap_err();
            assert!(error.line == line && error.reason.contains(want), "{text:?}: {error}");
        }
    }

    #[test]
    fn a_log_has_numbers_checks_and_what_was_skipped() {
        let old = parse_log(include_str!("../testdata/kvm-unit-tests/old-vmexit.txt"));
        let cycles: Vec<(&str, f64)> =
            old.numbers.iter().map(|number| (number.name.as_str(), number.cycles)).collect();
        assert_eq!(cycles, [("cpuid", 2417.0), ("inl_from_qemu", 15310.0)]);
        assert_eq!(old.skipped, ["ipi", "ipi+halt"]);
        let new = parse_log(include_str!("../testdata/kvm-unit-tests/new-checks.txt"));
        assert_eq!((new.passed, new.failed.len(), new.skipped.len()), (3, 1, 1));
        assert!(new.failed[0].contains("tsc moved"), "{new:?}");
        assert_eq!(new.numbers, []);
        // A number that was cut off is another number.
        assert_eq!(parse_log("cpuid 24").numbers, []);
        assert_eq!(parse_log("cpuid -24\ncr0 = 80010011\nx 1 2\n").numbers, []);
    }

    #[test]
    fn a_status_is_what_isa_debug_exit_makes_of_a_code() {
        for (status, want) in [
            (1, Verdict::Pass),
            (3, Verdict::Fail),
            (77, Verdict::Skip),
            (127, Verdict::Exception),
            (0, Verdict::Unknown),
            (134, Verdict::Unknown),
        ] {
            assert_eq!(verdict(status), want, "{status}");
        }
    }
}
