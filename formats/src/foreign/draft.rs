//! What readers write into: records of one run of a case share their case, their run and what held.

use super::{Counter, Foreign, Loss, Record, lost_end, setting};
use std::collections::BTreeMap;

/// Levels of a case, in the order of the file.
pub(super) type Keys = Vec<(String, String)>;

/// Facts by name.
pub(super) type Facts = BTreeMap<String, String>;

/// A file that is being read.
#[derive(Default)]
pub(super) struct Draft {
    /// What has been read.
    pub foreign: Foreign,
    runs: Counter,
}

/// One run of a case.
#[derive(Clone)]
pub(super) struct Case {
    /// Category, empty where the format has none.
    pub category: String,
    /// Its levels.
    pub keys: Keys,
    run: Option<String>,
    setting: usize,
    /// Its line.
    pub line: u32,
}

impl Case {
    /// The number that the file itself gives the run.
    pub fn name_run(&mut self, run: String) {
        self.run = Some(run);
    }
}

impl Draft {
    /// The next run of a case.
    pub fn case(&mut self, category: &str, keys: Keys, facts: Facts, line: u32) -> Case {
        let run = Some(self.runs.next(format!("{category}{keys:?}")));
        let setting = setting(&mut self.foreign.settings, facts);
        Case { category: category.to_owned(), keys, run, setting, line }
    }

    /// A figure of a run. What is no finite number has the reason in its place.
    pub fn give(&mut self, case: &Case, metric: &str, unit: &str, value: f64) {
        let value = if value.is_finite() { Ok(value) } else { Err("it is no finite number".to_owned()) };
        self.push(case, (metric, unit), value, false);
    }

    /// A figure that cannot be read.
    pub fn give_nothing(&mut self, case: &Case, metric: &str, reason: String) {
        self.push(case, (metric, ""), Err(reason), false);
    }

    /// A run that failed has no value.
    pub fn fail(&mut self, case: &Case, metric: &str, unit: &str, reason: &str) {
        self.push(case, (metric, unit), Err(reason.to_owned()), true);
    }

    fn push(&mut self, case: &Case, (metric, unit): (&str, &str), value: Result<f64, String>, failed: bool) {
        self.foreign.records.push(Record {
            category: case.category.clone(),
            keys: case.keys.clone(),
            metric: metric.to_owned(),
            unit: unit.to_owned(),
            value,
            failed,
            run: case.run.clone(),
            setting: case.setting,
            line: case.line,
        });
    }

    /// Something that could not be used.
    pub fn lose(&mut self, line: u32, reason: impl Into<String>) {
        self.foreign.losses.push(Loss { line, reason: reason.into() });
    }

    /// The file, if it was JSON or XML, whose ends are seen.
    pub fn done(self) -> Foreign {
        self.foreign
    }

    /// The file, if it was text, whose last line may be cut off.
    pub fn done_text(mut self, text: &str) -> Foreign {
        self.foreign.losses.extend(lost_end(text));
        self.foreign
    }
}

/// A key with its level.
pub(super) fn key(name: &str, level: impl Into<String>) -> (String, String) {
    (name.to_owned(), level.into())
}

/// Output of several runs in one text, each with the line before it: a run begins where a line says so. What stands before
/// the first belongs to it.
pub(super) fn sections(text: &str, begins: impl Fn(&str) -> bool) -> Vec<(u32, &str)> {
    let mut starts: Vec<(u32, usize)> = Vec::new();
    let (mut offset, mut number) = (0usize, 0u32);
    for line in text.split_inclusive('\n') {
        if begins(line.trim()) {
            starts.push((number, offset));
        }
        (offset, number) = (offset.saturating_add(line.len()), number.saturating_add(1));
    }
    match starts.first_mut() {
        Some(first) => *first = (0, 0),
        None => starts.push((0, 0)),
    }
    let ends = starts.iter().skip(1).map(|(_, at)| *at).chain([text.len()]);
    let parts = starts.iter().zip(ends);
    parts.map(|((before, from), to)| (*before, text.get(*from..to).unwrap_or_default())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_parted_where_runs_begin() {
        let text = "note\nbegin\na\nbegin\nb\n";
        assert_eq!(sections(text, |l| l == "begin"), [(0, "note\nbegin\na\n"), (3, "begin\nb\n")]);
        assert_eq!(sections("x\n", |l| l == "begin"), [(0, "x\n")]);
        assert_eq!(sections("", |l| l == "begin"), [(0, "")]);
    }
}
