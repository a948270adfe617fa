//! The folder: what is in it, what is added to it, what of it does not read.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::{Path, PathBuf};

use rayon::iter::{IntoParallelIterator, ParallelIterator};
use serde::{Deserialize, Serialize};

use crate::error::LakeError;
use crate::file;
use crate::tables::{Boot, Build, Commit, Point, Table};

/// The version of a lake's layout.
const FORMAT: u32 = 1;
/// Largest file that is read.
const FILE_MAX: u64 = 4 << 30;
/// The end of files' names.
const END: &str = "parquet";
/// How the names of compacted files begin; no campaign's do.
pub(crate) const MONTH: &str = "month-";

#[derive(Serialize, Deserialize)]
struct Header {
    perfvt: String,
    format: u32,
}

/// A lake.
#[derive(Debug, Clone)]
pub struct Lake {
    pub(crate) root: PathBuf,
}

/// Everything of one environment of a campaign, or of a file of another tool.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Campaign {
    /// Its name, which its rows have as `source`, and its files: as it is where it has letters, digits, `.`, `_` and `-` only.
    pub name: String,
    /// The host that measured.
    pub machine: String,
    /// The month in which it began, YYYYMM in UTC.
    pub month: String,
    /// Rows.
    pub points: Vec<Point>,
    /// One row a boot.
    pub boots: Vec<Boot>,
    /// What was measured.
    pub builds: Vec<Build>,
    /// What is known of commits.
    pub commits: Vec<Commit>,
}

/// What adding a campaign came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Added {
    /// It was not there.
    New,
    /// The same was there.
    AlreadyThere,
    /// Another one of this name was there: a campaign that has gone on since, or a file that was torn.
    Replaced,
}

/// A file that does not read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Torn {
    /// Which.
    pub path: PathBuf,
    /// Why.
    pub why: String,
}

/// The rows of a table.
#[derive(Debug, Clone, PartialEq)]
pub struct Found<T> {
    /// The rows, by file.
    pub rows: Vec<T>,
    /// Files that do not read; the others' rows are all there.
    pub torn: Vec<Torn>,
}

/// A word that may name a folder or a file.
fn plain(word: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    !word.is_empty() && word.len() <= 200 && !word.starts_with('.') && word.chars().all(allowed)
}

/// A name as a part of a path: itself, or a hash of it where it has other characters.
fn part(word: &str) -> String {
    if plain(word) {
        return word.to_owned();
    }
    format!("hash-{}", blake3::hash(word.as_bytes()).to_hex().get(..24).unwrap_or_default())
}

impl Lake {
    /// Opens a lake.
    ///
    /// # Errors
    /// It is none, or of another format.
    pub fn open(root: &Path) -> Result<Lake, LakeError> {
        let path = root.join("lake.json");
        let no = |why: String| LakeError::NoLake { path: root.to_owned(), why };
        let text = match edge::read::read_text(&path, 1 << 16) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(no("it has no lake.json".to_owned()));
            }
            read => read.map_err(LakeError::io(&path))?,
        };
        let header: Header = serde_json::from_str(&text)
            .map_err(|error| no(format!("its lake.json does not read: {error}")))?;
        if header.perfvt != "lake" || header.format != FORMAT {
            return Err(no(format!(
                "its lake.json is of format {}, this perfvt reads {FORMAT}",
                header.format
            )));
        }
        Ok(Lake { root: root.to_owned() })
    }

    /// Opens a lake, or makes one of a folder that is new or empty.
    ///
    /// # Errors
    /// The folder holds something else, or cannot be written.
    pub fn open_or_create(root: &Path) -> Result<Lake, LakeError> {
        if root.join("lake.json").exists() {
            return Lake::open(root);
        }
        edge::write::create_directory(root).map_err(LakeError::io(root))?;
        let others = |entry: &std::fs::DirEntry| {
            !entry.file_name().to_string_lossy().starts_with(edge::write::UNFINISHED)
        };
        let mut entries = std::fs::read_dir(root).map_err(LakeError::io(root))?.flatten();
        if let Some(entry) = entries.find(others)
            && !root.join("lake.json").exists()
        {
            let why = format!("it is not empty ({})", edge::quoted(&entry.file_name().to_string_lossy()));
            return Err(LakeError::NoLake { path: root.to_owned(), why });
        }
        let header = serde_json::json!({ "perfvt": "lake", "format": FORMAT }).to_string();
        let path = root.join("lake.json");
        edge::write::write_atomically(&path, format!("{header}\n").as_bytes())
            .map_err(LakeError::io(&path))?;
        Lake::open(root)
    }

    /// The folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Held by those that add, and by none while files are put together.
    pub(crate) fn lock(&self, alone: bool) -> Result<File, LakeError> {
        let path = self.root.join("lake.lock");
        let file = edge::write::open_lock(&path).map_err(LakeError::io(&path))?;
        let locked = if alone { file.lock() } else { file.lock_shared() };
        locked.map_err(LakeError::io(&path))?;
        Ok(file)
    }

    /// The folder of a table's month on a machine.
    fn month(&self, table: &str, machine: &str, month: &str) -> PathBuf {
        self.root.join(table).join(format!("m={}", part(machine))).join(format!("ym={}", part(month)))
    }

    /// Adds a campaign. When this returns it is there, whatever happens then; a campaign that is cut while it is added is
    /// added by the next try. Its points come last: who reads points reads whole campaigns.
    ///
    /// # Errors
    /// A file cannot be written. What was there is there still.
    pub fn add(&self, campaign: &Campaign) -> Result<Added, LakeError> {
        let _lock = self.lock(false)?;
        let builds = self.put(campaign, &campaign.builds)?;
        // Who adds it again without its repository takes nothing away of what that has told.
        let placed = |commits: &[Commit]| commits.iter().any(|commit| commit.ordinal.is_some());
        let commits = match self.there::<Commit>(campaign) {
            Some(there) if placed(&there) && !placed(&campaign.commits) => Added::AlreadyThere,
            _ => self.put(campaign, &campaign.commits)?,
        };
        let boots = self.put(campaign, &campaign.boots)?;
        let points = self.put(campaign, &campaign.points)?;
        let all = [builds, commits, boots, points];
        let there = |added: &Added| *added == Added::AlreadyThere;
        Ok(match points {
            _ if all.iter().all(there) => Added::AlreadyThere,
            Added::New => Added::New,
            // None of its boots gave a value: it has no points, and is there by the rest.
            _ if campaign.points.is_empty() && !all.contains(&Added::Replaced) => Added::New,
            _ => Added::Replaced,
        })
    }

    /// Where a campaign's rows of a table are: the folder, and the file of its own.
    fn place<T: Table>(&self, campaign: &Campaign) -> (PathBuf, PathBuf) {
        let dir = self.month(T::NAME, &campaign.machine, &campaign.month);
        let path = dir.join(format!("{}.{END}", file_name(&campaign.name)));
        (dir, path)
    }

    /// What is there of a campaign.
    fn there<T: Table>(&self, campaign: &Campaign) -> Option<Vec<T>> {
        let (dir, path) = self.place::<T>(campaign);
        if path.exists() { read_file::<T>(&path).ok() } else { self.in_month(&dir, &campaign.name) }
    }

    fn put<T: Table + Clone + PartialEq>(&self, campaign: &Campaign, rows: &[T]) -> Result<Added, LakeError> {
        let (dir, path) = self.place::<T>(campaign);
        let there = self.there::<T>(campaign);
        if there.as_deref().unwrap_or_default() == rows && (there.is_some() || rows.is_empty()) {
            return Ok(Added::AlreadyThere);
        }
        let was = there.is_some() || path.exists();
        let bytes = file::write(rows)
            .map_err(|error| LakeError::Torn { path: path.clone(), why: error.to_string() })?;
        edge::write::create_directory(&dir).map_err(LakeError::io(&dir))?;
        edge::write::write_atomically(&path, &bytes).map_err(LakeError::io(&path))?;
        Ok(if was { Added::Replaced } else { Added::New })
    }

    /// A campaign's rows in a compacted file.
    fn in_month<T: Table>(&self, dir: &Path, name: &str) -> Option<Vec<T>> {
        let month = files(dir, &mut Vec::new()).into_iter().find(|path| is_month(path))?;
        let rows: Vec<T> = read_file(&month).ok()?;
        let rows: Vec<T> = rows.into_iter().filter(|row| row.source() == name).collect();
        (!rows.is_empty()).then_some(rows)
    }

    /// All rows of a table. Of a campaign that stands in a compacted file and in one of its own, its own counts.
    pub fn rows<T: Table>(&self) -> Found<T> {
        let (months, torn) = self.months(T::NAME);
        let mut found = Found { rows: Vec::new(), torn };
        for dir in months {
            let of = read_month::<T>(&dir);
            found.rows.extend(of.rows);
            found.torn.extend(of.torn);
        }
        found
    }

    /// The folders of a table's months, in order, and those that cannot be listed.
    pub(crate) fn months(&self, table: &str) -> (Vec<PathBuf>, Vec<Torn>) {
        let (mut months, mut torn) = (Vec::new(), Vec::new());
        for machine in listed(&self.root.join(table), &mut torn).into_iter().filter(|path| is_folder(path)) {
            months.extend(listed(&machine, &mut torn).into_iter().filter(|path| is_folder(path)));
        }
        (months, torn)
    }

    /// Every file that does not read, and every folder or file that has no place in a lake.
    pub fn check(&self) -> Vec<Torn> {
        let mut torn = self.rows::<Point>().torn;
        torn.extend(self.rows::<Boot>().torn);
        torn.extend(self.rows::<Build>().torn);
        torn.extend(self.rows::<Commit>().torn);
        let known: BTreeSet<&str> =
            [Point::NAME, Boot::NAME, Build::NAME, Commit::NAME, "lake.json", "lake.lock", "events.jsonl"]
                .into();
        for path in listed(&self.root, &mut torn) {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if !known.contains(&*name) && !name.starts_with(edge::write::UNFINISHED) {
                torn.push(Torn { why: "nothing of a lake's".to_owned(), path });
            }
        }
        torn
    }
}

/// The name of a campaign's files.
fn file_name(campaign: &str) -> String {
    let name = part(campaign);
    if name.starts_with(MONTH) { format!("campaign-{name}") } else { name }
}

pub(crate) fn is_month(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(MONTH))
}

/// The files of a month, in order; a folder that cannot be listed is torn.
pub(crate) fn files(dir: &Path, torn: &mut Vec<Torn>) -> Vec<PathBuf> {
    let is_ours = |path: &PathBuf| path.extension().is_some_and(|end| end == END);
    listed(dir, torn).into_iter().filter(is_ours).collect()
}

fn listed(dir: &Path, torn: &mut Vec<Torn>) -> Vec<PathBuf> {
    edge::read::listing(dir).unwrap_or_else(|error| {
        torn.push(Torn { path: dir.to_owned(), why: format!("listing it: {error}") });
        Vec::new()
    })
}

/// Whether it is a folder, and no link to one.
fn is_folder(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|is| is.is_dir())
}

/// Writes rows into a file of their own, outside of any lake: it appears whole or not at all.
///
/// # Errors
/// It cannot be written.
pub fn write_rows<T: Table>(path: &Path, rows: &[T]) -> Result<(), LakeError> {
    let torn = |error: parquet::errors::ParquetError| LakeError::Torn {
        path: path.to_owned(),
        why: error.to_string(),
    };
    let bytes = file::write(rows).map_err(torn)?;
    edge::write::write_atomically(path, &bytes).map_err(LakeError::io(path))
}

pub(crate) fn read_file<T: Table>(path: &Path) -> Result<Vec<T>, Torn> {
    let torn = |why: String| Torn { path: path.to_owned(), why };
    let bytes = edge::read::read(path, FILE_MAX).map_err(|error| torn(error.to_string()))?;
    file::read(bytes).map_err(|error| torn(edge::text::cut(&error.to_string())))
}

/// The rows of a month, each campaign's once.
pub(crate) fn read_month<T: Table>(dir: &Path) -> Found<T> {
    let (mut own, mut torn): (BTreeMap<PathBuf, Vec<T>>, Vec<Torn>) = Default::default();
    let mut month: Vec<T> = Vec::new();
    // A file is small and opening it is most of the work: a year of nights has a thousand of them.
    let read: Vec<_> =
        files(dir, &mut torn).into_par_iter().map(|path| (read_file::<T>(&path), path)).collect();
    for (of, path) in read {
        match of {
            Ok(rows) if is_month(&path) => month.extend(rows),
            Ok(rows) => {
                own.insert(path, rows);
            }
            Err(error) => torn.push(error),
        }
    }
    let newer: BTreeSet<String> = own.values().flatten().map(|row| row.source().to_owned()).collect();
    month.retain(|row| !newer.contains(row.source()));
    month.extend(own.into_values().flatten());
    Found { rows: month, torn }
}
