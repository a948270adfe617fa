//! One repeat's directory: raw output first, then the values, then the classic file, each whole or not there.

use crate::lab::Failed;
use crate::lab::window::metrics;
use crate::workload::{self, Outcome, declare};
use edge::Made;
use model::lines::SEALED_SINCE;
use model::measurement::{MEASUREMENT_FORMAT, Outcome as Value};
use model::series::SERIES_FORMAT;
use model::store::{self, StoreError, create_directory, io_error};
use model::{Case, Code, Measurement, MetricDecl, RawRef, SeriesLine};
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// The folder of a repeat's forensics for raw output that nothing refers to.
const ORPHANS: &str = "orphans";

/// Where and when a cell was measured.
#[derive(Clone, Copy, Debug)]
pub struct Cell<'a> {
    /// The case.
    pub case: &'a Case,
    /// Its metrics.
    pub metrics: &'a [MetricDecl],
    /// Repeat, from 1.
    pub repeat: u32,
    /// Name of the boot.
    pub boot: &'a str,
    /// The host's boot id.
    pub host_boot: &'a str,
    /// Block, from 1.
    pub block: u32,
    /// Position within the boot, from 0.
    pub order: u32,
    /// Attempt, from 1.
    pub attempt: u32,
}

/// An open repeat directory.
#[derive(Debug)]
pub struct Repeat {
    dir: PathBuf,
    measurements: Vec<Measurement>,
    series: Vec<SeriesLine>,
    /// The file of the series has no end line yet, because an older perfvt wrote it.
    old_series: bool,
}

impl Repeat {
    /// Opens the directory, with what an earlier boot left in it.
    pub fn open(dir: &Path) -> Result<Repeat, StoreError> {
        for sub in ["results", "raw", "sysinfo"] {
            create_directory(&dir.join(sub))?;
        }
        let mut repeat =
            Repeat { dir: dir.to_owned(), measurements: Vec::new(), series: Vec::new(), old_series: false };
        let path = dir.join(store::MEASUREMENTS_FILE);
        if path.exists() {
            repeat.measurements = store::read_measurements(&path)?;
        }
        let sealed = repeat.measurements.iter().any(|m| m.v >= SEALED_SINCE);
        let path = dir.join(store::SERIES_FILE);
        if path.exists() {
            let series = store::read_series(&path)?;
            if sealed && !series.sealed && series.items.is_empty() {
                return Err(store::unsealed_series(&path));
            }
            (repeat.series, repeat.old_series) = (series.items, !series.sealed);
        }
        repeat.set_orphans_aside()?;
        Ok(repeat)
    }

    /// Moves raw folders of cells that are not written down to the forensics. Mostly their perfvt died while it measured; but if
    /// lines were lost since, they are the evidence of finished values.
    fn set_orphans_aside(&self) -> Result<(), StoreError> {
        let known: Vec<String> =
            self.measurements.iter().map(|m| raw_name(&m.case_of(), m.order, m.attempt)).collect();
        let raw = self.dir.join("raw");
        for entry in fs::read_dir(&raw).map_err(io_error("listing", &raw))? {
            let path = entry.map_err(io_error("listing", &raw))?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let of_a_cell = name.starts_with(|c: char| c.is_ascii_digit());
            if of_a_cell && !known.iter().any(|k| k.strip_prefix("raw/") == Some(&name)) {
                self.orphaned(&path)?;
            }
        }
        Ok(())
    }

    /// Moves a raw folder that nothing refers to into the forensics, under a name that is free.
    fn orphaned(&self, raw: &Path) -> Result<(), StoreError> {
        let folder = self.dir.join("forensics").join(ORPHANS);
        create_directory(&folder)?;
        let name = raw.file_name().unwrap_or_default().to_string_lossy().into_owned();
        for n in 1.. {
            match edge::write::rename_new(raw, folder.join(format!("{name}.{n}"))) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                moved => return moved.map_err(io_error("moving", raw)),
            }
        }
        Ok(())
    }

    /// The directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// All values and reasons so far.
    pub fn measurements(&self) -> &[Measurement] {
        &self.measurements
    }

    /// A fresh folder for a cell's raw output, and its path relative to the repeat.
    pub fn raw_dir(&self, cell: &Cell<'_>) -> Result<(Made, String), StoreError> {
        let name = raw_name(cell.case, cell.order, cell.attempt);
        let path = self.dir.join(&name);
        if path.exists() {
            // Left by a perfvt that died while measuring: nothing refers to it.
            self.orphaned(&path)?;
        }
        let made = Made::create(&path).map_err(io_error("creating", &path))?;
        store::sync_directory(store::parent(&path))?;
        Ok((made, name))
    }

    /// Moves the raw output of a sample that is not stored to the boot's forensics: nothing refers to it, and it tells
    /// why the sample failed.
    pub fn set_aside(&self, raw: Made, boot: &str, n: u32) -> Result<(), StoreError> {
        let folder = self.dir.join("forensics").join(boot);
        create_directory(&folder)?;
        let name = raw.path().file_name().unwrap_or_default().to_string_lossy().into_owned();
        let aside = folder.join(format!("{name}.try{n}"));
        edge::write::rename(raw.path(), &aside).map_err(io_error("moving", raw.path()))
    }

    /// Writes down what a cell came to. Earlier lines of the same case go: they belong to an attempt that was lost.
    pub fn store(
        &mut self,
        cell: &Cell<'_>,
        raw: &str,
        result: &Result<Outcome, Failed>,
    ) -> Result<(), StoreError> {
        let id = cell.case.id();
        if !raw.is_empty() {
            store::sync_files(&self.dir.join(raw))?;
        }
        self.measurements.retain(|m| m.case != id);
        let before = self.series.len();
        self.series.retain(|s| s.case != id);
        let dropped = self.series.len() != before;
        for metric in cell.metrics.iter().chain(&counted(cell, result)) {
            self.measurements.push(measurement(cell, metric, raw, result));
        }
        if let Ok(outcome) = result {
            self.series.extend(outcome.series.iter().map(|p| SeriesLine {
                v: SERIES_FORMAT,
                case: id.clone(),
                metric: p.metric.clone(),
                session: p.session,
                ending_unix: p.ending,
                seconds: p.seconds,
                value: p.value,
            }));
        }
        // First, so that the series has its end line when the measurements have theirs.
        if result.is_ok() || dropped || self.old_series {
            store::write_series(&self.dir.join(store::SERIES_FILE), &self.series)?;
            self.old_series = false;
        }
        store::write_measurements(&self.dir.join(store::MEASUREMENTS_FILE), &self.measurements)
    }
}

/// What was counted in the window, or is to be had in some guests, beside what the workload declares: only what there is has
/// a line.
fn counted(cell: &Cell<'_>, result: &Result<Outcome, Failed>) -> Vec<MetricDecl> {
    let Ok(outcome) = result else { return Vec::new() };
    let declared = |name: &str| cell.metrics.iter().any(|metric| metric.name == name);
    let found = |name: &&str| outcome.values.iter().any(|value| value.metric == **name);
    let workload = workload::find(&cell.case.workload);
    let besides = workload.map_or(&[][..], |workload| workload.metrics_besides());
    let all = metrics().into_iter().chain(besides.iter().copied());
    let mut names: Vec<String> =
        all.filter(|name| !declared(name)).filter(found).map(str::to_owned).collect();
    for value in &outcome.values {
        let is_besides = workload.is_some_and(|workload| workload.has_besides(&value.metric));
        if is_besides && !declared(&value.metric) && !names.contains(&value.metric) {
            names.push(value.metric.clone());
        }
    }
    declare(&cell.case.workload, &names)
}

fn measurement(
    cell: &Cell<'_>,
    metric: &MetricDecl,
    raw: &str,
    result: &Result<Outcome, Failed>,
) -> Measurement {
    let found = result.as_ref().ok().and_then(|o| o.values.iter().find(|v| v.metric == metric.name));
    let outcome = match (result, found) {
        (_, Some(v)) if v.value.is_finite() => Value::Value(v.value),
        (Err(failed), _) => Value::Invalid { reason: failed.reason.clone(), code: Some(failed.code) },
        _ => Value::Invalid {
            reason: format!("the workload gave no finite {}", metric.name),
            code: Some(Code::ToolNonsense),
        },
    };
    Measurement {
        v: MEASUREMENT_FORMAT,
        case: cell.case.id(),
        workload: cell.case.workload.clone(),
        category: cell.case.category.clone(),
        keys: cell.case.keys.clone(),
        metric: metric.name.clone(),
        unit: metric.unit.clone(),
        outcome,
        repeat: cell.repeat,
        boot: cell.boot.to_owned(),
        host_boot: cell.host_boot.to_owned(),
        block: cell.block,
        order: cell.order,
        attempt: cell.attempt,
        window: result.as_ref().ok().map(|o| o.window),
        raw: found
            .and_then(|v| v.raw.as_ref())
            .map(|(file, line)| RawRef { file: format!("{raw}/{file}"), line: *line }),
    }
}

/// A cell's raw folder, relative to the repeat.
pub(super) fn raw_name(case: &Case, order: u32, attempt: u32) -> String {
    let attempt = if attempt > 1 { format!(".attempt{attempt}") } else { String::new() };
    format!("raw/{order:03}.{}{attempt}", file_name(case))
}

/// A case as part of a file name: letters, digits and `=,._-` stay, anything else becomes `_`.
fn file_name(case: &Case) -> String {
    let category = case.category.split_whitespace().next().unwrap_or("case");
    format!("{category}.{}", case.keys)
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || "=,._-".contains(c) { c } else { '_' })
        .take(120)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workload::{Point, Value as Got};
    use model::{Direction, Window};

    fn metric(name: &str) -> MetricDecl {
        MetricDecl { name: name.into(), unit: "u".into(), direction: Direction::HigherIsBetter }
    }

    fn good(value: f64) -> Result<Outcome, Failed> {
        Ok(Outcome {
            window: Window { start_unix_ns: 1, mono_ns: 2, len_ns: 3 },
            values: vec![Got { metric: "throughput".into(), value, raw: Some(("session0.txt".into(), 4)) }],
            series: vec![Point {
                metric: "throughput".into(),
                session: Some(0),
                ending: 1.0,
                seconds: 1.0,
                value,
            }],
        })
    }

    #[test]
    fn a_case_is_stored_once_however_often_it_was_tried() {
        let dir = tempfile::tempdir().unwrap();
        let case = Case {
            workload: "netperf".into(),
            category: "TCP_STREAM (RX)".into(),
            keys: [("size", "64")].into_iter().collect(),
        };
        let metrics = [metric("throughput"), metric("CPU")];
        let cell = Cell {
            case: &case,
            metrics: &metrics,
            repeat: 1,
            boot: "b1",
            host_boot: "h",
            block: 1,
            order: 3,
            attempt: 1,
        };
        let mut repeat = Repeat::open(dir.path()).unwrap();
        let (path, raw) = repeat.raw_dir(&cell).unwrap();
        assert!(path.path().is_dir());
        assert_eq!(raw, "raw/003.TCP_STREAM.size=64");
        repeat.store(&cell, &raw, &Err(Failed::tool("no reply"))).unwrap();
        assert!(repeat.measurements().iter().all(|m| m.value().is_none()));
        repeat.store(&cell, &raw, &good(10.0)).unwrap();
        let again = Repeat::open(dir.path()).unwrap();
        assert_eq!(again.measurements().len(), 2);
        assert_eq!(again.measurements()[0].value(), Some(10.0));
        assert_eq!(
            again.measurements()[0].raw.as_ref().unwrap().file,
            "raw/003.TCP_STREAM.size=64/session0.txt"
        );
        assert_eq!(
            again.measurements()[1].value(),
            None,
            "a metric that the workload did not give is no zero"
        );
        assert_eq!(again.series.len(), 1);
    }

    /// Lines that are lost since take nothing with them: the raw output is the evidence of values that were finished.
    #[test]
    fn raw_output_that_no_line_refers_to_moves_to_the_forensics() {
        let dir = tempfile::tempdir().unwrap();
        let case = Case { workload: "w".into(), category: "c".into(), keys: Default::default() };
        let metrics = [metric("throughput")];
        let cell = Cell {
            case: &case,
            metrics: &metrics,
            repeat: 1,
            boot: "b1",
            host_boot: "h",
            block: 1,
            order: 0,
            attempt: 1,
        };
        for n in 1..=2 {
            let mut repeat = Repeat::open(dir.path()).unwrap();
            let (raw, name) = repeat.raw_dir(&cell).unwrap();
            std::fs::write(raw.path().join("out.txt"), format!("{n}")).unwrap();
            repeat.store(&cell, &name, &good(1.0)).unwrap();
            std::fs::remove_file(dir.path().join(store::MEASUREMENTS_FILE)).unwrap();
            std::fs::remove_file(dir.path().join(store::SERIES_FILE)).unwrap();
            Repeat::open(dir.path()).unwrap();
            let kept = dir.path().join(format!("forensics/orphans/000.c..{n}/out.txt"));
            assert_eq!(std::fs::read_to_string(kept).unwrap(), format!("{n}"));
        }
    }

    #[test]
    fn a_number_that_is_not_finite_never_becomes_a_value() {
        let case = Case { workload: "w".into(), category: "c".into(), keys: Default::default() };
        let metrics = [metric("throughput")];
        let cell = Cell {
            case: &case,
            metrics: &metrics,
            repeat: 1,
            boot: "",
            host_boot: "",
            block: 1,
            order: 0,
            attempt: 1,
        };
        assert_eq!(measurement(&cell, &metrics[0], "raw/x", &good(f64::NAN)).value(), None);
    }
}
