//! The sides of a comparison: what was given, told by content, and read.
//!
//! ```text
//!   farm.json, or campaigns of several hosts ──> the environments of all shards
//!   campaign.json ──> its environments          run.json ──> repeat*/measurements.jsonl
//!   anything else ──> result files by perf.conf's patterns ──> RHS
//!                └──> where there are none: other tools' results, told by content
//! ```

mod derived;
mod environments;
mod facts;
mod farm;
mod foreign;
mod hosted;
pub(crate) mod matching;
mod noise;
mod one_path;
mod pool;
pub(crate) mod repeat;
mod rhs_file;
pub(crate) mod run_dir;
mod said;
pub(crate) mod series;
mod sides;
mod units;

pub use environments::environments;
pub use farm::is_farm;
pub(crate) use hosted::Hosted;
pub(crate) use said::Said;
pub(crate) use sides::{directories, measured};

use crate::discover::{Discovery, discover};
use crate::error::io;
use crate::options::{CompareOptions, Replicate};
use crate::warnings::note;
use crate::{AnalyzeError, Loss, Matched, Warning};
use model::RunFile;
use model::counted;
use rayon::prelude::*;
use repeat::{Origin, Repeat};
use sides::{labels, same_side, single};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use walkdir::WalkDir;

/// One side, read.
#[derive(Debug, Default)]
pub(crate) struct LoadedSide {
    /// As it was given.
    pub path: PathBuf,
    /// How reports call it.
    pub label: String,
    /// `run.json`, when perfvt measured the side.
    pub run: Option<RunFile>,
    /// Its files in natural order.
    pub repeats: Vec<Repeat>,
    /// What was lost.
    pub losses: Vec<Loss>,
    /// What was odd.
    pub notes: Vec<Warning>,
    /// What files of other tools say of their metrics, by workload and canonical name.
    pub said: foreign::SaidOf,
    /// How its files write levels that have another spelling here, by canonical key and level.
    pub spelled: BTreeMap<(String, String), String>,
    /// The first of its files with each decimal mark, of tables whose cells tell it.
    pub decimals: BTreeMap<char, PathBuf>,
    /// On which hosts it was measured, where they are several.
    pub hosted: Option<Hosted>,
    /// In which unit each file of another tool has each metric.
    pub units: Vec<units::Unit>,
    /// Facts of single cases, in the order of the files, each once.
    pub case_facts: Vec<facts::CaseFact>,
    /// Facts by name, see [`crate::Side::facts`].
    pub facts: BTreeMap<String, String>,
    /// Facts of each of several directories that were pooled.
    pub pooled_facts: Vec<BTreeMap<String, String>>,
    /// Facts on which the side's own files differ, with the values.
    pub mixed: Vec<(String, Vec<String>)>,
}

/// The sides in order, the baseline first, and which of their cases meet though a level differs.
pub(crate) fn load(options: &CompareOptions) -> Result<(Vec<LoadedSide>, Vec<Matched>), AnalyzeError> {
    if let ([only], false) = (options.paths.as_slice(), options.compared.is_empty())
        && environments(only)?.is_none()
        && !farm::is_farm(only)
    {
        return one_path::levels_as_sides(only, options);
    }
    let directories = directories(options).map_err(|error| one_path::with_choices(error, options))?;
    let paths: Vec<PathBuf> = directories.iter().filter_map(|of_side| of_side.first().cloned()).collect();
    if options.labels.len() > paths.len() {
        return Err(AnalyzeError::Option(format!(
            "{} for {}; give one for each side, the baseline first",
            counted(options.labels.len(), "label"),
            counted(paths.len(), "side")
        )));
    }
    let labels = labels(&paths, &options.labels);
    let mut loaded = Vec::with_capacity(paths.len());
    let read = load_paths(&directories, options)?;
    let sides = match farm::find(&options.paths)? {
        Some(farm) => farm.join(read),
        None => {
            read.into_iter().zip(paths).filter_map(|(of_side, path)| pool::pooled(of_side, path)).collect()
        }
    };
    for (mut side, label) in sides.into_iter().zip(labels) {
        side.label = label;
        side.find_copies();
        loaded.push(side);
    }
    let matched = matching::apply(&mut loaded, options)?;
    let by_case = facts::by_case(&loaded);
    loaded.iter_mut().for_each(|side| side.find_facts(&by_case));
    loaded.iter_mut().for_each(LoadedSide::forgive_hosts);
    units::check(&loaded)?;
    check_replicate(&loaded, options)?;
    if let Some((baseline, candidates)) = loaded.split_first_mut() {
        for side in candidates {
            side.notes.extend(same_side(baseline, side));
        }
    }
    Ok((loaded, matched))
}

/// One side alone.
pub(crate) fn load_one(path: &Path, options: &CompareOptions) -> Result<LoadedSide, AnalyzeError> {
    fs::metadata(path).map_err(io(path))?;
    let path = single(path)?;
    let loaded = load_paths(&[vec![path.clone()]], options)?;
    let mut side = loaded.into_iter().flatten().next().unwrap_or_default();
    side.label = labels(std::slice::from_ref(&path), &options.labels).pop().unwrap_or_default();
    side.path = path;
    side.find_copies();
    side.find_facts(&facts::by_case(std::slice::from_ref(&side)));
    units::check(std::slice::from_ref(&side))?;
    check_replicate(std::slice::from_ref(&side), options)?;
    Ok(side)
}

/// `--replicate` chooses among what files of other tools hold; without any it would do nothing unnoticed.
fn check_replicate(sides: &[LoadedSide], options: &CompareOptions) -> Result<(), AnalyzeError> {
    let chosen = match &options.replicate {
        Replicate::Auto | Replicate::File => return Ok(()),
        Replicate::Run => "run",
        Replicate::Column(name) => name,
    };
    if sides.iter().any(|side| !side.said.is_empty()) {
        return Ok(());
    }
    Err(AnalyzeError::Option(format!(
        "--replicate {chosen}: each repeat of perfvt and each RHS file holds one value of a case; only files of other \
         tools hold several"
    )))
}

/// One path, read. What files of other tools lack, those of other paths may tell.
enum Read {
    /// It is a side.
    Whole(Box<LoadedSide>),
    /// Files of other tools.
    Foreign(foreign::Sources),
}

/// Reads the directories of each side.
fn load_paths(
    directories: &[Vec<PathBuf>],
    options: &CompareOptions,
) -> Result<Vec<Vec<LoadedSide>>, AnalyzeError> {
    let read = |of_side: &Vec<PathBuf>| of_side.iter().map(|path| load_path(path, options)).collect();
    let mut all = directories.iter().map(read).collect::<Result<Vec<Vec<Read>>, AnalyzeError>>()?;
    foreign::tell_gaps(all.iter_mut().flatten().filter_map(|read| match read {
        Read::Whole(_) => None,
        Read::Foreign(sources) => Some(sources),
    }));
    let finish = |read| match read {
        Read::Whole(side) => Ok(*side),
        Read::Foreign(sources) => foreign::finish(sources, options),
    };
    all.into_iter().map(|of_side| of_side.into_iter().map(finish).collect()).collect()
}

fn load_path(path: &Path, options: &CompareOptions) -> Result<Read, AnalyzeError> {
    if run_dir::is_run_dir(path) {
        load_run(path, options).map(|side| Read::Whole(Box::new(side)))
    } else {
        load_files(path, options)
    }
}

fn load_run(path: &Path, options: &CompareOptions) -> Result<LoadedSide, AnalyzeError> {
    let run = run_dir::read_run(path)?;
    let (files, mut losses) = run_dir::repeats(path)?;
    if files.is_empty() {
        return Err(AnalyzeError::NoRepeats {
            path: path.to_owned(),
            failed: run_dir::failed_attempts(&run),
        });
    }
    let mut repeats = run_dir::read_repeats(&files, &options.conf, &mut losses)?;
    let host = run.fingerprint.get("host.id").unwrap_or_default();
    let origin = Origin { campaign: run.campaign.clone(), host: host.to_owned() };
    for repeat in &mut repeats {
        (repeat.tells_attempts, repeat.origin) = (run.ended.is_some(), Some(origin.clone()));
    }
    let (watches, noisy) = noise::watched(path, &files);
    for (file, watch) in files.iter().zip(watches) {
        // A file that was damaged is no repeat.
        if let Some(repeat) = repeats.iter_mut().find(|r| r.path == file.display().to_string()) {
            repeat.watch = watch;
        }
    }
    let notes = noisy.into_iter().collect();
    Ok(LoadedSide { run: Some(run), repeats, losses, notes, ..LoadedSide::default() })
}

fn load_files(path: &Path, options: &CompareOptions) -> Result<Read, AnalyzeError> {
    if foreign::kind_of(path).is_some() {
        return Ok(Read::Foreign(foreign::read_all(path, &foreign::find(path)?)));
    }
    let found = match result_files(path, options) {
        Err(AnalyzeError::NoResults { path: root, patterns, mut problems, .. }) => {
            let found = foreign::find(path)?;
            if !found.results.files.is_empty() {
                return Ok(Read::Foreign(foreign::read_all(path, &found)));
            }
            let unread = found.unread();
            if unread.is_none() {
                let names = formats::foreign::names();
                problems.push_str(&format!("; nor a result of another tool, looked for in {names}"));
            }
            return Err(AnalyzeError::NoResults { path: root, patterns, problems, unread });
        }
        other => other?,
    };
    let mut notes = oddities(&found);
    notes.extend(run_dir::no_run_file(path, &found.files));
    notes.extend(if path.is_dir() { foreign::beside(&found.files) } else { None });
    let mut side = LoadedSide { notes, losses: unread(&found), ..LoadedSide::default() };
    let files = found.files;
    let read: Vec<Result<(Repeat, Vec<Loss>), Loss>> =
        files.par_iter().map(|f| rhs_file::read_rhs(f, &options.conf, options.workload.as_deref())).collect();
    for result in read {
        match result {
            Ok((repeat, losses)) => {
                side.repeats.push(repeat);
                side.losses.extend(losses);
            }
            Err(loss) => side.losses.push(loss),
        }
    }
    if side.repeats.is_empty() {
        let reason = match side.losses.first() {
            Some(_) if foreign::is_unnamed(path) => {
                format!(
                    "{} (results of these are read: {})",
                    foreign::first_words(path),
                    formats::foreign::tools()
                )
            }
            Some(loss) => format!("none of its files can be used; {}: {}", loss.place, loss.reason),
            None => "it holds no results".into(),
        };
        return Err(AnalyzeError::NotAResult { path: path.to_owned(), reason });
    }
    Ok(Read::Whole(Box::new(side)))
}

/// What is odd about where files were found.
pub(crate) fn oddities(found: &Discovery) -> Vec<Warning> {
    let mut out = Vec::new();
    if !found.again.is_empty() {
        let twice = found.again.len();
        let text = format!(
            "{} given more than once under different names; each counts once",
            counted(twice, "file")
        );
        out.push(note("same-file", text, "", twice));
    }
    let crowded = found.crowded();
    if let [(folder, _), others @ ..] = crowded.as_slice() {
        let files: usize = crowded.iter().map(|(_, n)| n).sum();
        let folder = folder.display();
        let place = match others.len() {
            0 => format!("in {folder}"),
            1 => format!("in {folder} and another directory"),
            n => format!("in {folder} and {n} other directories"),
        };
        let text = format!("{} stand side by side {place}; each counts as a repeat", counted(files, "file"));
        let advice = "right where each is a run of its own; where an earlier run was overwritten in part, remove what is left of it";
        out.push(note("same-directory", text, advice, files));
    }
    out
}

/// Places that could not be looked at.
pub(crate) fn unread(found: &Discovery) -> Vec<Loss> {
    let lost = |(place, reason): &(PathBuf, String)| Loss {
        place: place.display().to_string(),
        what: "file",
        reason: reason.clone(),
    };
    found.problems.iter().map(lost).collect()
}

/// The result files of a side in natural order.
pub(crate) fn result_files(path: &Path, options: &CompareOptions) -> Result<Discovery, AnalyzeError> {
    let chosen = options.workload.as_deref();
    let sections = || options.conf.sections().iter().filter(|s| chosen.is_none_or(|name| s.name == name));
    let accept = |file: &Path| {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        sections().any(|s| s.result_file_pattern.is_match(&name))
    };
    let found = discover(path, accept).map_err(|e| AnalyzeError::Io { path: e.path, source: e.source })?;
    if !found.files.is_empty() {
        return Ok(found);
    }
    let empty = fs::read_dir(path).map_err(io(path))?.next().is_none();
    Err(if empty {
        AnalyzeError::Empty { path: path.to_owned() }
    } else {
        let problems = found.problems.into_iter().chain(links_to_nothing(path)).collect::<BTreeMap<_, _>>();
        let problems = problems.first_key_value().map_or(String::new(), |(place, reason)| {
            let count = counted(problems.len(), "place");
            format!("; {count} could not be searched, the first: {}: {reason}", place.display())
        });
        AnalyzeError::NoResults { path: path.to_owned(), patterns: patterns(options), problems, unread: None }
    })
}

/// Links below a directory that lead to no file, whatever their names: they explain why nothing was found.
fn links_to_nothing(path: &Path) -> Vec<(PathBuf, String)> {
    let links = WalkDir::new(path).min_depth(1).into_iter().flatten().filter(|e| e.path_is_symlink());
    let reason = |link: &Path| match fs::metadata(link) {
        Err(error) => Some(error.to_string()),
        Ok(target) if target.is_dir() => {
            Some("a link to a directory, which is not followed; give the directory itself".to_owned())
        }
        Ok(_) => None,
    };
    links.filter_map(|e| reason(e.path()).map(|text| (e.into_path(), text))).collect()
}

/// Result file patterns with the workloads that they belong to.
fn patterns(options: &CompareOptions) -> String {
    let mut by_pattern: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let chosen = options.workload.as_deref();
    for section in options.conf.sections().iter().filter(|s| chosen.is_none_or(|name| s.name == name)) {
        by_pattern.entry(section.result_file_pattern.as_str()).or_default().push(&section.name);
    }
    let parts: Vec<String> =
        by_pattern.iter().map(|(p, names)| format!("'{p}' ({})", names.join(", "))).collect();
    parts.join("; ")
}
