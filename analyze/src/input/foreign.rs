//! Results of other tools (`formats::foreign`) as a side: which files count, and what of them is a replicate.
//!
//! The file is the replicate; its runs are reduced to their mean. Where a side has one file only, its runs are the
//! replicates, and a warning says that one session knows nothing of the next. `--replicate` overrides.

mod gaps;
mod passed;
mod reader;

pub(super) use passed::{beside, first_words};

use super::LoadedSide;
use super::derived::derive;
use super::facts::CaseFact;
use super::said::Said;
use crate::clock::{Moment, named};
use crate::discover::{Discovery, discover, natural_order};
use crate::options::{CompareOptions, Replicate};
use crate::warnings::note;
use crate::{AnalyzeError, Loss, Warning};
use formats::foreign::{
    ENDINGS, Foreign, Kind, Record, SNIFF_LENGTH, Statement, look, parse, plain, sniff, tools,
};
use formats::perf_conf::Section;
use model::Direction;
use rayon::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::hash::{DefaultHasher, Hasher};
use std::path::{Path, PathBuf};

/// What a file is by its content; `None` for RHS, for directories, and for what cannot be read.
pub(super) fn kind_of(path: &Path) -> Option<Kind> {
    let is_rhs = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("RHS"));
    if is_rhs || !path.is_file() {
        return None;
    }
    let limit = u64::try_from(SNIFF_LENGTH).unwrap_or(u64::MAX);
    sniff(&edge::read::head(path, limit).ok()?)
}

/// The files of a directory, or the file, that are results of other tools.
#[derive(Debug)]
pub(super) struct Found {
    /// Where they are.
    pub results: Discovery,
    /// Files of a directory that are called like results, and that no reader knows.
    unknown: Vec<PathBuf>,
    /// Files that are called otherwise and hold results all the same, with what they are.
    misnamed: Vec<(PathBuf, String)>,
}

impl Found {
    /// What the files are that no reader knows, those of known tools first, and what is read instead.
    pub fn unread(&self) -> Option<String> {
        Some(format!(
            "{} (results of these are read: {})",
            passed::unread(&self.unknown, &self.misnamed)?,
            tools()
        ))
    }
}

/// Whether a path is a file that its name does not make an RHS file, so that it could have been a result of any tool.
pub(super) fn is_unnamed(path: &Path) -> bool {
    path.is_file() && !path.extension().is_some_and(|e| e.eq_ignore_ascii_case("RHS"))
}

/// Whether something below a directory is hidden.
fn is_hidden(root: &Path, file: &Path) -> bool {
    let below = file.strip_prefix(root).unwrap_or(file);
    below.iter().any(|part| part.as_encoded_bytes().starts_with(b"."))
}

/// Whether a file is called like a result: by its ending, or without one.
fn is_named(file: &Path) -> bool {
    let known = |e: &OsStr| ENDINGS.iter().any(|known| e.eq_ignore_ascii_case(known));
    file.extension().is_none_or(known)
}

/// Finds results of other tools in a directory; a file is taken unasked.
pub(super) fn find(path: &Path) -> Result<Found, AnalyzeError> {
    let accepted = |named: bool| {
        discover(path, |file| !is_hidden(path, file) && is_named(file) == named)
            .map_err(|e| AnalyzeError::Io { path: e.path, source: e.source })
    };
    let mut results = accepted(true)?;
    let (mut unknown, mut misnamed) = (Vec::new(), Vec::new());
    if path.is_dir() {
        (results.files, unknown) =
            std::mem::take(&mut results.files).into_iter().partition(|file| kind_of(file).is_some());
        misnamed = passed::misnamed(accepted(false)?.files, &results.files);
    }
    Ok(Found { results, unknown, misnamed })
}

/// One file, read.
struct Source {
    path: PathBuf,
    kind: Kind,
    foreign: Foreign,
    content: u64,
}

/// The files of one path, read, and not laid out yet.
pub(super) struct Sources {
    path: PathBuf,
    losses: Vec<Loss>,
    notes: Vec<Warning>,
    kinds: BTreeMap<Kind, Vec<Source>>,
}

/// Reads what [`find`] found.
pub(super) fn read_all(path: &Path, found: &Found) -> Sources {
    let mut losses = super::unread(&found.results);
    let (lost, notes) = passed::told(&found.results.files, &found.unknown, &found.misnamed);
    losses.extend(lost);
    let read: Vec<Result<Source, Loss>> = found.results.files.par_iter().map(|f| read(f)).collect();
    let mut kinds: BTreeMap<Kind, Vec<Source>> = BTreeMap::new();
    for result in read {
        match result {
            Ok(source) => kinds.entry(source.kind).or_default().push(source),
            Err(loss) => losses.push(loss),
        }
    }
    Sources { path: path.to_owned(), losses, notes, kinds }
}

/// Gives runs that left no values their cells, by what the runs of every side have.
pub(super) fn tell_gaps<'a>(all: impl Iterator<Item = &'a mut Sources>) {
    let mut kinds: BTreeMap<Kind, Vec<&mut Foreign>> = BTreeMap::new();
    for (kind, sources) in all.flat_map(|sources| &mut sources.kinds) {
        kinds.entry(*kind).or_default().extend(sources.iter_mut().map(|source| &mut source.foreign));
    }
    kinds.values_mut().for_each(|files| gaps::tell(files));
}

/// Lays out what was read.
pub(super) fn finish(sources: Sources, options: &CompareOptions) -> Result<LoadedSide, AnalyzeError> {
    let Sources { path, losses, notes, kinds } = sources;
    let mut side = LoadedSide { losses, notes, ..LoadedSide::default() };
    for (kind, sources) in kinds {
        take(&mut side, kind, &sources, options)?;
    }
    if side.repeats.is_empty() {
        let reason = match side.losses.first() {
            Some(loss) => format!("none of its files can be used; {}: {}", loss.place, loss.reason),
            None => "it holds no results".into(),
        };
        return Err(AnalyzeError::NotAResult { path, reason });
    }
    Ok(side)
}

fn read(path: &Path) -> Result<Source, Loss> {
    let place = path.display().to_string();
    let lost = |place: String, reason: String| Loss { place, what: "file", reason };
    let bytes = edge::read(path, edge::read::RESULT)
        .map_err(|e| lost(place.clone(), format!("it cannot be read: {e}")))?;
    let text = plain(&bytes, edge::read::RESULT).map_err(|reason| lost(place.clone(), reason))?;
    let kind = sniff(text.as_bytes()).ok_or_else(|| lost(place.clone(), look(text.as_bytes())))?;
    let foreign = parse(kind, &text).map_err(|e| lost(format!("{place}:{}:1", e.line), e.to_string()))?;
    let mut hasher = DefaultHasher::new();
    hasher.write(&bytes);
    Ok(Source { path: path.to_owned(), kind, foreign, content: hasher.finish() })
}

/// Adds the files of one kind to a side.
fn take(
    side: &mut LoadedSide,
    kind: Kind,
    sources: &[Source],
    options: &CompareOptions,
) -> Result<(), AnalyzeError> {
    let workload = options.workload.as_deref().unwrap_or(kind.section());
    let section = options.conf.section(workload);
    let replicate = match &options.replicate {
        Replicate::Auto => automatic(side, kind, sources),
        chosen => chosen.clone(),
    };
    let mut said = reader::Metrics { workload, section, known: BTreeMap::new(), units: Vec::new() };
    let mut case_facts = CaseFacts::default();
    for source in sources {
        let place = source.path.display().to_string();
        for loss in &source.foreign.losses {
            let place = format!("{place}:{}:1", loss.line);
            side.losses.push(Loss { place, what: "row", reason: loss.reason.clone() });
        }
        said.learn(&source.path, &source.foreign)?;
        case_facts.learn(&source.foreign, section);
        for (key, level, written) in source.foreign.spellings.iter() {
            let key = section.map_or(key, |s| s.canonical(key)).to_owned();
            side.spelled.entry((key, level.to_owned())).or_insert_with(|| written.to_owned());
        }
        if let Some(mark) = source.foreign.decimal {
            side.decimals.entry(mark).or_insert_with(|| source.path.clone());
        }
        let groups = groups(side, &place, &source.foreign, &replicate);
        let only = groups.len() == 1;
        for (index, (_, records)) in groups.into_iter().enumerate() {
            let mut hasher = DefaultHasher::new();
            hasher.write_u64(source.content);
            hasher.write_usize(index);
            let mut reader = reader::Reader::new(workload, section, &place);
            reader.repeat.content = hasher.finish();
            // Runs of one file were made one after another at times that it does not tell.
            reader.repeat.when = when(source).filter(|_| only);
            for (record, keys) in &records {
                reader.take(record, keys);
            }
            let (mut repeat, losses) = reader.finish();
            derive(&mut repeat, &options.conf);
            side.repeats.push(repeat);
            side.losses.extend(losses);
        }
    }
    let (said, units) = said.finish();
    side.said.extend(said);
    side.units.extend(units);
    side.case_facts.extend(case_facts.found);
    Ok(())
}

/// When a file was made: as it says itself, else as its folder does.
fn when(source: &Source) -> Option<Moment> {
    source.foreign.date_unix.map(Moment::Second).or_else(|| named(&source.path))
}

/// What held for each case in any of the files, each once.
#[derive(Default)]
struct CaseFacts {
    seen: BTreeSet<CaseFact>,
    found: Vec<CaseFact>,
}

impl CaseFacts {
    fn learn(&mut self, foreign: &Foreign, section: Option<&Section>) {
        let mut done = BTreeSet::new();
        for record in &foreign.records {
            let Some(setting) = foreign.settings.get(record.setting).filter(|s| !s.is_empty()) else {
                continue;
            };
            let (category, keys) = (&record.category, &record.keys);
            if !done.insert((record.setting, category, keys)) {
                continue;
            }
            let canonical = |key: &str| section.map_or(key, |s| s.canonical(key)).to_owned();
            let keys: Vec<(String, String)> =
                keys.iter().map(|(k, l)| (canonical(k), l.to_string())).collect();
            for (name, value) in setting {
                let (name, value, keys) = (name.clone(), value.clone(), keys.clone());
                let fact = CaseFact { name, category: category.to_string(), keys, value };
                if self.seen.insert(fact.clone()) {
                    self.found.push(fact);
                }
            }
        }
    }
}

/// The file, unless there is one only and it holds several runs.
fn automatic(side: &mut LoadedSide, kind: Kind, sources: &[Source]) -> Replicate {
    let [only] = sources else { return Replicate::File };
    let mut runs: Vec<&str> = only.foreign.records.iter().filter_map(|r| r.run.as_deref()).collect();
    runs.sort_unstable();
    runs.dedup();
    if runs.len() < 2 {
        return Replicate::File;
    }
    if !only.foreign.names_repeats {
        let text = format!(
            "{} is the only file of its side with {}, so that its {} runs are the replicates",
            only.path.display(),
            kind.name(),
            runs.len()
        );
        let advice =
            "runs of one session share whatever that session had; measure in several sessions, one file each";
        side.notes.push(note("one-session", text, advice, runs.len()));
    }
    Replicate::Run
}

/// A record with the keys that are left once a column is the replicate.
type Kept<'a> = (&'a Record, Vec<(&'a str, &'a str)>);

/// The records of each replicate of a file, in natural order of their names.
fn groups<'a>(
    side: &mut LoadedSide,
    place: &str,
    foreign: &'a Foreign,
    replicate: &Replicate,
) -> Vec<(&'a str, Vec<Kept<'a>>)> {
    let mut out: BTreeMap<&str, Vec<Kept<'a>>> = BTreeMap::new();
    let mut without = None;
    for record in &foreign.records {
        let name = match replicate {
            Replicate::Auto | Replicate::File => Some(""),
            Replicate::Run => record.run.as_deref(),
            Replicate::Column(name) if name == "repeat" && foreign.names_repeats => record.run.as_deref(),
            Replicate::Column(name) => {
                record.keys.iter().find(|(key, _)| key == name).map(|(_, level)| level.as_ref())
            }
        };
        let column = match replicate {
            Replicate::Column(name) => name.as_str(),
            _ => "",
        };
        let keys = record.keys.iter().filter(|(key, _)| column.is_empty() || key != column);
        let keys = keys.map(|(key, level)| (key.as_ref(), level.as_ref())).collect();
        match name {
            Some(name) => out.entry(name).or_default().push((record, keys)),
            None => without = without.or(Some(record.line)),
        }
    }
    // Figures over all runs of a file have no place among its runs; that is no loss.
    let is_loss = foreign.names_repeats || matches!(replicate, Replicate::Column(_));
    if let Some(line) = without.filter(|_| is_loss) {
        let reason = format!("it has values without {}; they are left out", replicate.describe());
        side.losses.push(Loss { place: format!("{place}:{line}:1"), what: "row", reason });
    }
    let mut out: Vec<_> = out.into_iter().collect();
    out.sort_by(|a, b| natural_order(OsStr::new(a.0), OsStr::new(b.0)));
    out
}

/// What the statements of a file say of a metric.
fn stated(statements: &[Statement], metric: &str) -> Option<Direction> {
    statements.iter().find(|s| s.metric == metric).map(|s| s.direction)
}

/// Units and directions of a workload's metrics by canonical name, as [`LoadedSide::said`] keeps them.
pub(crate) type SaidOf = Vec<((String, String), Said)>;
