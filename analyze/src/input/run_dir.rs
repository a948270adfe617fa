//! A side that perfvt measured itself: `run.json` and the `measurements.jsonl` of each repeat.

use super::derived::derive;
use super::repeat::{
    BootName, CaseRow, Cell, InvalidCell, Lost, MetricColumn, Number, Repeat, TableHead, clamp, intern,
};
use crate::clock::Moment;
use crate::discover::natural_order;
use crate::error::io;
use crate::warnings::note;
use crate::{AnalyzeError, Loss, Warning};
use formats::perf_conf::Conf;
use model::Code;
use model::counted;
use model::journal::boot_folder;
use model::lines::{self, LineError};
use model::measurement::{self, MEASUREMENT_FORMAT, Outcome};
use model::run::RUN_FORMAT;
use model::store::{self, MEASUREMENTS_FILE, RUN_FILE, StoreError};
use model::{Measurement, RunFile};
use rayon::prelude::*;
use std::collections::HashMap;
use std::fs;
use std::hash::{DefaultHasher, Hasher};
use std::path::{Path, PathBuf};

/// Whether a directory is one environment of a campaign. Whatever is called `run.json` makes it one, unless another tool
/// wrote it: a link to nowhere is an error of its own, and no reason to read other files.
pub(crate) fn is_run_dir(path: &Path) -> bool {
    let file = path.join(RUN_FILE);
    fs::symlink_metadata(&file).is_ok() && (super::foreign::kind_of(&file).is_none() || is_own(&file))
}

/// Whether perfvt wrote a `run.json`: in its facts and parameters the words of any tool may stand.
fn is_own(file: &Path) -> bool {
    let head = edge::read::head(file, 4096).unwrap_or_default();
    String::from_utf8_lossy(&head).contains("\"perfvt\":")
}

/// An environment of a campaign whose `run.json` is gone. What is left says neither that guests were emulated nor anything
/// else that two sides must have in common.
pub(super) fn no_run_file(path: &Path, files: &[PathBuf]) -> Option<Warning> {
    let measured = |file: &&PathBuf| {
        file.ancestors().nth(2).is_some_and(|repeat| repeat.join(store::MEASUREMENTS_FILE).is_file())
    };
    let count = files.iter().filter(measured).count();
    (count > 0 && path.is_dir()).then(|| {
        let text = format!(
            "{} has no {}: classic files are read, whose numbers are rounded and which hold few facts",
            path.display(),
            store::RUN_FILE
        );
        note("no-run-file", text, "give the directory of an environment as perfvt wrote it", count)
    })
}

/// What became of the attempts at an environment that has no values: `; 6 attempts failed, the first: panic: ...`.
pub(super) fn failed_attempts(run: &RunFile) -> String {
    run.failures.first().map_or(String::new(), |first| {
        let code = first.code.map_or(String::new(), |code| format!("{code}: "));
        format!("; {} failed, the first: {code}{}", counted(run.failures.len(), "attempt"), first.reason)
    })
}

/// `run.json`.
pub(crate) fn read_run(path: &Path) -> Result<RunFile, AnalyzeError> {
    Ok(store::read_json(&path.join(RUN_FILE), RUN_FORMAT)?)
}

/// The repeats of an environment in natural order, and those that were begun and have no values yet.
pub(super) fn repeats(path: &Path) -> Result<(Vec<PathBuf>, Vec<Loss>), AnalyzeError> {
    let mut names = Vec::new();
    for entry in fs::read_dir(path).map_err(io(path))? {
        let entry = entry.map_err(io(path))?;
        let name = entry.file_name();
        if name.as_encoded_bytes().starts_with(b"repeat") && entry.path().is_dir() {
            names.push((name, entry.path()));
        }
    }
    names.sort_by(|a, b| natural_order(&a.0, &b.0));
    let (mut files, mut losses) = (Vec::new(), Vec::new());
    for (_, directory) in names {
        let file = directory.join(MEASUREMENTS_FILE);
        if file.is_file() {
            files.push(file);
        } else {
            losses.push(Loss {
                place: directory.display().to_string(),
                what: "repeat",
                reason: format!("it has no {MEASUREMENTS_FILE}: the campaign has not finished it"),
            });
        }
    }
    Ok((files, losses))
}

/// Reads the repeats of a run. What is damaged is lost with its reason, and only that; nothing of it is averaged.
pub(super) fn read_repeats(
    files: &[PathBuf],
    conf: &Conf,
    losses: &mut Vec<Loss>,
) -> Result<Vec<Repeat>, AnalyzeError> {
    let read: Vec<_> = files.par_iter().map(|file| read_repeat(file, conf)).collect();
    let (mut repeats, mut first) = (Vec::new(), None);
    for (file, result) in files.iter().zip(read) {
        match result {
            Ok(repeat) => repeats.push(repeat),
            Err(AnalyzeError::Store(error)) => {
                let Some(loss) = damage(file, &error) else { return Err(error.into()) };
                losses.push(loss);
                first = first.or(Some(error));
            }
            Err(other) => return Err(other),
        }
    }
    match first.filter(|_| repeats.is_empty()) {
        Some(error) => Err(error.into()),
        None => Ok(repeats),
    }
}

/// The loss of a file that is not as perfvt wrote it; other errors are no damage.
fn damage(file: &Path, error: &StoreError) -> Option<Loss> {
    let StoreError::Damaged { line, what, way_out, .. } = error else { return None };
    let reason = format!("{what}; no value of it is used: {way_out}");
    Some(Loss { place: format!("{}:{line}:1", file.display()), what: "file", reason })
}

/// Says that files could have lost lines unseen; one note for a side.
pub(super) fn unsealed(label: &str, repeats: &[Repeat]) -> Option<Warning> {
    let old = repeats.iter().filter(|r| r.sealed == Some(false)).count();
    (old > 0).then(|| {
        let text = format!(
            "{label}: {} without an end line, from a perfvt that wrote none (version 1): a cut between two lines would not be seen",
            counted(old, &format!("{MEASUREMENTS_FILE} file"))
        );
        note("no-end-line", text, "", old)
    })
}

/// Reads one `measurements.jsonl`.
fn read_repeat(path: &Path, conf: &Conf) -> Result<Repeat, AnalyzeError> {
    let bytes = edge::read(path, edge::read::RESULT).map_err(io(path))?;
    let mut hasher = DefaultHasher::new();
    hasher.write(&bytes);
    let wrong = |error| AnalyzeError::Store(store::line_error(path)(error));
    let lines = lines::read::<Measurement>(&bytes, MEASUREMENT_FORMAT).map_err(wrong)?;
    let mut reader = Reader {
        conf,
        path,
        repeat: Repeat {
            path: path.display().to_string(),
            content: hasher.finish(),
            sealed: Some(lines.is_sealed()),
            ..Repeat::default()
        },
        tables: HashMap::new(),
        cases: HashMap::new(),
        boots: HashMap::new(),
        metrics: HashMap::new(),
        written: HashMap::new(),
        given: Vec::new(),
    };
    for item in lines {
        let (line, measurement) = item.map_err(wrong)?;
        reader.take(measurement, clamp(line))?;
    }
    if reader.given.is_empty() && reader.repeat.sealed == Some(false) {
        return Err(wrong(measurement::empty()));
    }
    let mut repeat = reader.finish().map_err(wrong)?;
    derive(&mut repeat, conf);
    Ok(repeat)
}

/// One line, placed.
struct Given {
    row: u32,
    position: u32,
    number: Number,
    lost: Option<(String, Lost)>,
    line: u32,
    attempt: u32,
    /// The metric's name as it stands in the file: two that mean the same are two.
    written: u32,
}

/// Sorts lines into cases.
struct Reader<'a> {
    conf: &'a Conf,
    path: &'a Path,
    repeat: Repeat,
    tables: HashMap<(String, String, Vec<String>), u32>,
    cases: HashMap<String, u32>,
    boots: HashMap<BootName, u32>,
    metrics: HashMap<(u32, String), u32>,
    written: HashMap<String, u32>,
    given: Vec<Given>,
}

impl Reader<'_> {
    fn take(&mut self, m: Measurement, line: u32) -> Result<(), AnalyzeError> {
        let section = self.conf.section(&m.workload);
        let canonical = section.map_or(m.metric.as_str(), |s| s.canonical(&m.metric)).to_owned();
        if let Some(declared) = section.and_then(|s| s.declared(&canonical))
            && declared.unit != m.unit
            // What nobody had declared when it was collected has no unit of its own.
            && !m.unit.is_empty()
        {
            return Err(AnalyzeError::Unit {
                path: self.path.to_owned(),
                metric: canonical,
                found: m.unit,
                declared: declared.unit.clone(),
            });
        }
        self.repeat.number.get_or_insert(m.repeat);
        let first = m.window.map(|w| (w.start_unix_ns / 1_000_000_000) as i64);
        self.repeat.when = [self.repeat.date_unix(), first].into_iter().flatten().min().map(Moment::Second);
        let row = self.row_of(&m);
        let table = self.repeat.rows.get(row as usize).map_or(0, |r| r.table);
        let position = self.position_of(table, &canonical, &m.metric);
        let (number, lost) = match m.outcome {
            Outcome::Value(v) if v.is_finite() => (Number::new(v), None),
            Outcome::Value(v) => {
                (Number::INVALID, Some((format!("{v} is not a finite number"), Lost::Unreadable)))
            }
            Outcome::Invalid { reason, code } => {
                (Number::INVALID, Some((self.with_forensics(reason, m.attempt), kind_of(code))))
            }
        };
        let written = intern(&mut self.written, &m.metric);
        self.given.push(Given { row, position, number, lost, line, attempt: m.attempt, written });
        Ok(())
    }

    /// A reason, and where the attempt left what tells more, if it did: the last of its guests that left something.
    fn with_forensics(&self, reason: String, attempt: u32) -> String {
        let all = self.path.with_file_name("forensics");
        let first = boot_folder(attempt, 1);
        let take = |name: &str| match name.strip_prefix(&first)? {
            "" => Some(1),
            rest => rest.strip_prefix('.')?.parse::<u32>().ok(),
        };
        let entries = std::fs::read_dir(&all).into_iter().flatten().flatten();
        let takes = entries
            .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
            .filter_map(|entry| take(&entry.file_name().to_string_lossy()));
        match takes.max() {
            Some(take) => {
                format!("{reason} (forensics: {})", all.join(boot_folder(attempt, take)).display())
            }
            None => reason,
        }
    }

    /// The row of a line's case, which the first line of the case creates.
    fn row_of(&mut self, m: &Measurement) -> u32 {
        if let Some(row) = self.cases.get(&m.case) {
            return *row;
        }
        let section = self.conf.section(&m.workload);
        let mut keys: Vec<(String, &str)> = (m.keys.0.iter())
            .map(|(k, v)| (section.map_or(k.as_str(), |s| s.canonical(k)).to_owned(), v.as_str()))
            .collect();
        if let Some(section) = section {
            let place = |k: &String| section.keys.iter().position(|s| s == k).unwrap_or(usize::MAX);
            keys.sort_by_key(|(k, _)| place(k));
        }
        let category = section.map_or(m.category.as_str(), |s| s.canonical_category(&m.category)).to_owned();
        let names: Vec<String> = keys.iter().map(|(k, _)| k.clone()).collect();
        let id = (m.workload.clone(), category, names);
        let table = intern(&mut self.tables, &id);
        if table as usize == self.repeat.tables.len() {
            let (workload, category, keys) = id;
            self.repeat.tables.push(TableHead { workload, category, keys, metrics: Vec::new() });
        }
        let boot = BootName { boot: m.boot.clone(), host_boot: m.host_boot.clone() };
        let boot_index = intern(&mut self.boots, &boot);
        if boot_index as usize == self.repeat.boots.len() {
            self.repeat.boots.push(boot);
        }
        let levels = self.repeat.push_levels(keys.iter().map(|(_, v)| *v));
        let row = clamp(self.repeat.rows.len());
        let boot = u16::try_from(boot_index).ok();
        self.repeat.rows.push(CaseRow { table, levels, first: 0, boot, block: Some(m.block) });
        self.repeat.case_ids.push(m.case.clone());
        self.cases.insert(m.case.clone(), row);
        row
    }

    fn position_of(&mut self, table: u32, canonical: &str, written: &str) -> u32 {
        let id = (table, canonical.to_owned());
        if let Some(position) = self.metrics.get(&id) {
            return *position;
        }
        let Some(head) = self.repeat.tables.get_mut(table as usize) else { return 0 };
        let position = clamp(head.metrics.len());
        head.metrics.push(MetricColumn { name: canonical.to_owned(), written: written.to_owned() });
        self.metrics.insert(id, position);
        position
    }

    /// Lays the cells out, case by case. Two names of one metric are averaged. A case has a metric once; in files of version 1,
    /// of several attempts the last counts, and what one attempt gives twice is averaged.
    fn finish(mut self) -> Result<Repeat, LineError> {
        let repeat = &mut self.repeat;
        for row in &mut repeat.rows {
            let width = repeat.tables.get(row.table as usize).map_or(0, |t| t.metrics.len());
            row.first = clamp(repeat.cells.len());
            let absent = Cell { number: Number::ABSENT, line: 0, column: 1 };
            repeat.cells.extend(std::iter::repeat_n(absent, width));
        }
        self.given.sort_by_key(|g| (g.row, g.position));
        let sealed = repeat.sealed == Some(true);
        for same in self.given.chunk_by(|x, y| (x.row, x.position) == (y.row, y.position)) {
            if let Some((first, again)) = again(same).filter(|_| sealed) {
                let case = repeat.case_ids.get(again.row as usize).map_or("", String::as_str);
                let name = self.written.iter().find(|(_, index)| **index == again.written);
                let name = name.map_or("", |(name, _)| name.as_str());
                return Err(measurement::twice(case, name, first.line as usize, again.line as usize));
            }
            let last = same.iter().map(|g| g.attempt).max().unwrap_or(0);
            let current: Vec<&Given> = same.iter().filter(|g| g.attempt == last).collect();
            let values: Vec<f64> = current.iter().filter_map(|g| g.number.value()).collect();
            let Some(first) = current.first() else { continue };
            let Some(row) = repeat.rows.get(first.row as usize) else { continue };
            let index = row.first + first.position;
            let number = match values.as_slice() {
                [] => Number::INVALID,
                values => Number::new(values.iter().sum::<f64>() / values.len() as f64),
            };
            if let Some(cell) = repeat.cells.get_mut(index as usize) {
                *cell = Cell { number, line: first.line, column: 1 };
            }
            repeat.averaged += usize::from(values.len() > 1);
            if number.value().is_none() {
                let (reason, kind) =
                    first.lost.clone().unwrap_or_else(|| ("no value".into(), Lost::Unreadable));
                repeat.invalid.push(InvalidCell { cell: index, reason, kind });
            }
        }
        repeat.sort_invalid();
        Ok(self.repeat)
    }
}

/// What became of a measurement by its code; files from before there were codes have none.
fn kind_of(code: Option<Code>) -> Lost {
    if code.is_none_or(Code::is_outcome) { Lost::Failed(code) } else { Lost::Surroundings }
}

/// The first two lines of a cell that give it under the same name.
fn again(same: &[Given]) -> Option<(&Given, &Given)> {
    let before = |index: usize, given: &Given| same.iter().take(index).find(|g| g.written == given.written);
    same.iter().enumerate().skip(1).find_map(|(index, given)| Some((before(index, given)?, given)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::failure::Phase;

    #[test]
    fn a_host_that_was_not_fit_is_no_failure_of_what_was_measured() {
        for code in [Code::Noisy, Code::Misplaced, Code::HostNoSpace, Code::Host, Code::ClockJumped] {
            assert_eq!(kind_of(Some(code)), Lost::Surroundings, "{code}");
        }
        for code in [Code::Panic, Code::ToolFailed, Code::Deadline(Phase::Measure), Code::Unknown] {
            assert_eq!(kind_of(Some(code)), Lost::Failed(Some(code)), "{code}");
        }
        assert_eq!(kind_of(None), Lost::Failed(None));
    }
}
