//! The classic table of the files of two or more sides, found and read as every other comparison finds and reads them.
//!
//! perfvt's own run directories take part with the RHS files that they hold: a repeat with an invalid cell has none.

use crate::classic::{Classic, ClassicGroup, classic};
use crate::error::io;
use crate::input::run_dir::{is_run_dir, read_run};
use crate::input::{directories, oddities, result_files, unread};
use crate::warnings::{blocking, note};
use crate::{AnalyzeError, CompareOptions, Loss, Warning};
use formats::perf_conf::Section;
use formats::rhs::{self, Document};
use model::counted;
use rayon::prelude::*;
use std::path::{Path, PathBuf};

/// The classic tables of one workload of one candidate.
#[derive(Clone, Debug, PartialEq)]
pub struct ClassicResult {
    /// Workload, perf.conf's section.
    pub workload: String,
    /// Index into [`crate::Comparison::b`].
    pub candidate: usize,
    /// Categories with their tables.
    pub groups: Vec<ClassicGroup>,
    /// What a reader of the tables must know.
    pub warnings: Vec<Warning>,
}

/// The tables as text.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ClassicText {
    /// As the ancestor prints them, workload by workload and candidate by candidate.
    pub text: String,
    /// Cases that were on both sides; 0 means that nothing was compared.
    pub compared: usize,
    /// What a reader of the tables must know, lost files among it.
    pub warnings: Vec<Warning>,
}

/// The tables as the ancestor prints them. Options that choose among rows or tests have no meaning here.
///
/// # Errors
/// A side that cannot be read, has no result file, or none that can be used; with [`CompareOptions::strict`], any loss.
pub fn classic_text(options: &CompareOptions) -> Result<ClassicText, AnalyzeError> {
    let mut result = ClassicText::default();
    let oddities = each(options, |_, _, classic| {
        result.text.push_str(&classic.text());
        result.compared += classic.compared();
        result.warnings.extend(classic.warnings);
    })?;
    result.warnings.extend(oddities);
    Ok(result)
}

/// The tables as cells.
///
/// # Errors
/// As for [`classic_text`].
pub fn classic_tables(options: &CompareOptions) -> Result<Vec<ClassicResult>, AnalyzeError> {
    let mut results = Vec::new();
    each(options, |section, candidate, classic| {
        let groups = classic.groups();
        let warnings = classic.warnings;
        results.push(ClassicResult { workload: section.name.clone(), candidate, groups, warnings });
    })?;
    Ok(results)
}

/// One file, read.
struct File {
    path: PathBuf,
    text: String,
}

/// One side: its files, where else there may be some, and what is odd about them.
#[derive(Default)]
struct Files {
    read: Vec<File>,
    unread: Vec<Loss>,
    oddities: Vec<Warning>,
}

impl Files {
    fn of(directories: &[PathBuf], options: &CompareOptions) -> Result<Files, AnalyzeError> {
        let read = |path: &PathBuf| {
            let bytes = edge::read(path, edge::read::RESULT).map_err(io(path))?;
            // Valid text is taken as it is; anything else costs a copy.
            let text = String::from_utf8(bytes)
                .unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned());
            Ok(File { path: path.clone(), text })
        };
        let mut side = Files::default();
        for directory in directories {
            let found = result_files(directory, options)?;
            side.oddities.extend(oddities(&found));
            side.unread.extend(unread(&found));
            let files = found.files.par_iter().map(read).collect::<Result<Vec<_>, AnalyzeError>>()?;
            side.read.extend(files);
        }
        Ok(side)
    }
}

/// Hands over the table of each workload of each candidate; gives what is odd about the files.
fn each(
    options: &CompareOptions,
    mut take: impl FnMut(&Section, usize, Classic<'_>),
) -> Result<Vec<Warning>, AnalyzeError> {
    options.check()?;
    if !options.compared.is_empty() || !options.maps.is_empty() {
        let text = "the classic table knows neither --compare nor --map: it pairs the cases of RHS files by all their keys; \
                    leave them away, or choose another --format";
        return Err(AnalyzeError::Option(text.into()));
    }
    let directories = directories(options)?;
    let sides: Vec<Files> =
        directories.iter().map(|of_side| Files::of(of_side, options)).collect::<Result<_, AnalyzeError>>()?;
    let parsed: Vec<Vec<Parsed<'_>>> =
        sides.iter().map(|side| side.read.par_iter().map(|file| parse(file, options)).collect()).collect();
    let lost = lost_files(&sides, &parsed)?;
    if options.strict {
        refuse_losses(&lost, &sides, &parsed)?;
    }
    let mut warnings: Vec<Warning> = sides.iter().flat_map(|side| side.oddities.iter().cloned()).collect();
    if let Some(loss) = lost.first() {
        let files = counted(lost.len(), "file");
        let text = format!("{files} could not be used; the first: {}: {}", loss.place, loss.reason);
        warnings.push(note("lost-files", text, "", lost.len()));
    }
    warnings.extend(directories.iter().flatten().filter_map(|path| unfinished(path)));
    let Some((baseline, candidates)) = parsed.split_first() else { return Ok(warnings) };
    for section in options.conf.sections() {
        let a = of(baseline, section);
        for (index, candidate) in candidates.iter().enumerate() {
            let b = of(candidate, section);
            if !a.is_empty() && !b.is_empty() {
                take(section, index, classic(section, &a, &b));
            }
        }
    }
    Ok(warnings)
}

/// Says that the campaign of a directory has not ended.
fn unfinished(path: &Path) -> Option<Warning> {
    let run = is_run_dir(path).then(|| read_run(path).ok()).flatten()?;
    (run.ended == Some(false)).then(|| {
        let text = format!("the campaign of {} has not ended: what follows is a part", path.display());
        blocking("unfinished", text, "wait for it, or finish it with `perfvt resume`", 1)
    })
}

/// A file's section of perf.conf and what it says.
type Parsed<'f> = (Option<&'f Section>, Document<'f>);

/// `--strict`: no file, row or cell may be lost.
fn refuse_losses(lost: &[Loss], sides: &[Files], parsed: &[Vec<Parsed<'_>>]) -> Result<(), AnalyzeError> {
    let mut all: Vec<String> = lost.iter().map(|loss| format!("{}: {}", loss.place, loss.reason)).collect();
    for (side, documents) in sides.iter().zip(parsed) {
        for (file, (section, document)) in side.read.iter().zip(documents) {
            let Some(section) = section else { continue };
            // A column that is a key may hold text.
            let cells = document.cell_losses(|table, column| {
                section.key_columns(&table.columns).get(column).copied().unwrap_or(false)
            });
            let of_file = document.losses.iter().filter(|loss| loss.kind != rhs::LossKind::File);
            all.extend(of_file.chain(&cells).map(|loss| {
                format!("{}:{}:{}: {}", file.path.display(), loss.line, loss.column, loss.reason)
            }));
        }
    }
    AnalyzeError::strict(all.into_iter())
}

/// Files of which nothing can be used. A side without any other is an error.
fn lost_files(sides: &[Files], parsed: &[Vec<Parsed<'_>>]) -> Result<Vec<Loss>, AnalyzeError> {
    let mut all = Vec::new();
    for (side, documents) in sides.iter().zip(parsed) {
        let before = all.len();
        for (file, (section, document)) in side.read.iter().zip(documents) {
            let whole = document.losses.iter().find(|l| l.kind == rhs::LossKind::File);
            let reason = match (whole, section) {
                (Some(loss), _) => loss.reason.to_string(),
                (None, _) if document.tables.is_empty() => "it holds no table".into(),
                (None, None) => "no section of perf.conf fits it".into(),
                (None, Some(_)) => continue,
            };
            all.push(Loss { place: file.path.display().to_string(), what: "file", reason });
        }
        if let (true, Some(loss)) = (all.len() - before == side.read.len(), all.last()) {
            return Err(AnalyzeError::NotAResult {
                path: PathBuf::from(&loss.place),
                reason: loss.reason.clone(),
            });
        }
        all.extend(side.unread.iter().cloned());
    }
    Ok(all)
}

/// The documents of one workload.
fn of<'d>(side: &'d [Parsed<'d>], section: &Section) -> Vec<&'d Document<'d>> {
    side.iter()
        .filter(|(s, _)| s.is_some_and(|s| s.name == section.name))
        .map(|(_, document)| document)
        .collect()
}

fn parse<'f>(file: &'f File, options: &'f CompareOptions) -> Parsed<'f> {
    let document = rhs::parse(&file.text);
    let columns: Vec<&[&str]> = document.tables.iter().map(|t| t.columns.as_slice()).collect();
    let section = match &options.workload {
        Some(name) => options.conf.section(name),
        None => options.conf.infer(&file.path, &columns),
    };
    (section, document)
}
