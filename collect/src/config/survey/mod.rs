//! A tree of avocado-vt as perfvt would use it: results, perf.conf, configurations, guests and test providers. It is read within
//! bounds and without leaving it; nothing is written, nothing fetched.

mod keys;
mod tree;

pub use keys::{Keys, Said};

use super::guests::Guests;
use super::providers::{self, Definition};
use cartesian::{Bound, Config, Loader, Options};
use formats::{perf_conf, rhs};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use tree::Tree;

/// Result files that are read through; of more, only the number is told.
const MOST_RESULTS: usize = 5_000;
/// The largest result file that is read.
const LARGEST_RESULT: u64 = 64 << 20;
/// How much of a configuration is gone through for its guests.
const BOUND: Bound = Bound { variants: 20_000, work: 50_000_000 };
/// Guests of a configuration that are listed.
const MOST_GUESTS: u64 = 1_000;
/// Names of files that define guests.
const OF_GUESTS: [&str; 2] = ["guests.cfg", "guest-os.cfg"];

/// What a tree has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Survey {
    /// Folders whose RHS files are repeats of one side.
    pub results: Vec<Results>,
    /// Files that say how results are judged.
    pub perf_conf: Vec<Judged>,
    /// Configurations that no other one includes.
    pub configurations: Vec<Configuration>,
    /// What is assigned in all of them.
    pub keys: Keys,
    /// Guests that they define.
    pub guests: Vec<Defined>,
    /// Test providers.
    pub providers: Vec<Brought>,
    /// What was not read, or not as a whole: the file, and why.
    pub unread: Vec<(String, String)>,
}

/// A folder of results.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Results {
    /// The side: where its repeats are.
    pub folder: PathBuf,
    /// Files that hold a table.
    pub files: usize,
    /// Rows in them.
    pub rows: usize,
    /// Cells and lines that are no values.
    pub losses: usize,
}

/// A file that says how results are judged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Judged {
    /// Where.
    pub file: PathBuf,
    /// What it says without an effect.
    pub idle: Vec<String>,
}

/// A configuration of tests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Configuration {
    /// Where.
    pub file: PathBuf,
    /// Its tests that perfvt has as workloads.
    pub workloads: Vec<String>,
    /// How many files it includes.
    pub includes: usize,
}

/// A guest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Defined {
    /// The configuration that defines it.
    pub file: PathBuf,
    /// Its name.
    pub name: String,
    /// The image that it needs and that is not there.
    pub missing: Option<String>,
}

/// A test provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Brought {
    /// Its name.
    pub name: String,
    /// Its definition.
    pub file: PathBuf,
    /// Where it comes from.
    pub uri: String,
    /// Whether that is a repository that has to be fetched; a folder is used as it is.
    pub fetched: bool,
}

/// Looks through a tree.
///
/// # Errors
/// A folder that is not there or cannot be read. What is wrong within it is part of the survey.
pub fn survey(root: &Path) -> io::Result<Survey> {
    let tree = Tree::walk(root)?;
    let mut survey = Survey { unread: tree.problems.clone(), ..Survey::default() };
    let named = |name: &str| tree.files.iter().filter(|file| is_named(file, name)).collect::<Vec<_>>();
    results(&tree, &mut survey);
    for file in named("perf.conf") {
        judged(&tree, file, &mut survey);
    }
    configurations(&tree, root, &mut survey);
    let of_providers = |file: &&PathBuf| {
        ends(file, "ini") && file.parent().is_some_and(|folder| is_named(folder, "test-providers.d"))
    };
    for file in tree.files.iter().filter(of_providers) {
        brought(&tree, file, &mut survey);
    }
    Ok(survey)
}

fn is_named(path: &Path, name: &str) -> bool {
    path.file_name().is_some_and(|last| last == name)
}

fn ends(path: &Path, ending: &str) -> bool {
    path.extension().is_some_and(|end| end.eq_ignore_ascii_case(ending))
}

fn unread(survey: &mut Survey, file: &Path, why: impl ToString) {
    survey.unread.push((file.display().to_string(), why.to_string()));
}

fn results(tree: &Tree, survey: &mut Survey) {
    let mut folders: BTreeMap<&Path, Results> = BTreeMap::new();
    let all: Vec<_> = tree.files.iter().filter(|file| ends(file, "RHS")).collect();
    for file in all.iter().take(MOST_RESULTS) {
        let text = match tree.text(file, LARGEST_RESULT) {
            Ok(text) => text,
            Err(error) => {
                unread(survey, file, error);
                continue;
            }
        };
        let document = rhs::parse(&text);
        let rows: usize = document.tables.iter().map(|table| table.rows.len()).sum();
        if rows == 0 {
            unread(survey, file, "a result file without a row");
            continue;
        }
        let folder = side_of(file);
        let one = folders
            .entry(folder)
            .or_insert_with(|| Results { folder: folder.to_owned(), ..Results::default() });
        one.files += 1;
        one.rows += rows;
        one.losses += document.losses.len();
    }
    if let Some(more) = all.len().checked_sub(MOST_RESULTS).filter(|more| *more > 0) {
        survey.unread.push((".".to_owned(), format!("{more} result files beyond the first {MOST_RESULTS}")));
    }
    survey.results = folders.into_values().collect();
}

/// The folder that is a side: the one that holds the folders of repeats, else the file's own.
fn side_of(file: &Path) -> &Path {
    let is_repeat = |label: &str| {
        let number = label.strip_prefix("repeat").unwrap_or_default();
        !number.is_empty() && number.bytes().all(|digit| digit.is_ascii_digit())
    };
    let own = file.parent().unwrap_or(Path::new(""));
    let of_repeat = |folder: &&Path| {
        folder.file_name().is_some_and(|name| name.to_string_lossy().split('.').any(is_repeat))
    };
    own.ancestors().filter(of_repeat).last().and_then(Path::parent).unwrap_or(own)
}

fn judged(tree: &Tree, file: &Path, survey: &mut Survey) {
    let text = match tree.text(file, edge::read::CONFIG) {
        Ok(text) => text,
        Err(error) => return unread(survey, file, error),
    };
    let name = file.display().to_string();
    match perf_conf::Conf::with_layers([(name.as_str(), text.as_str())]) {
        Ok(conf) => {
            let idle = perf_conf::told(&conf.idle());
            survey.perf_conf.push(Judged { file: file.to_owned(), idle });
        }
        Err(error) => unread(survey, file, error),
    }
}

/// Reads every configuration by itself, so that one that is broken hides none of the others.
fn configurations(tree: &Tree, root: &Path, survey: &mut Survey) {
    let (mut gathered, mut included) = (keys::Gathered::default(), BTreeSet::new());
    let mut all = Vec::new();
    for file in tree.files.iter().filter(|file| ends(file, "cfg")) {
        let config = load(tree, file);
        let mut beside = tree.take_included();
        beside.remove(file);
        match config {
            Ok(config) => {
                let workloads = gathered.learn(&config).into_iter().collect();
                let defines = OF_GUESTS.iter().any(|name| is_named(file, name));
                if defines {
                    defined(&config, root, file, survey);
                }
                if !defines {
                    all.push(Configuration { file: file.clone(), workloads, includes: beside.len() });
                }
            }
            Err(error) => unread(survey, file, error),
        }
        included.extend(beside);
    }
    survey.unread.extend(tree.take_passed());
    survey.configurations = all.into_iter().filter(|one| !included.contains(&one.file)).collect();
    survey.keys = gathered.sorted();
}

fn load(tree: &Tree, file: &Path) -> Result<Config, cartesian::CartesianError> {
    let mut loader = Loader::with_files(Options::default(), tree);
    loader.file(file)?;
    Ok(loader.finish())
}

fn defined(config: &Config, root: &Path, file: &Path, survey: &mut Survey) {
    let mut guests = Guests::new(config, BOUND, MOST_GUESTS).below(root);
    loop {
        match guests.next_guest() {
            Ok(Some(guest)) => {
                survey.guests.push(Defined {
                    file: file.to_owned(),
                    name: guest.name,
                    missing: guest.missing,
                });
            }
            Ok(None) => break,
            Err(error) => return unread(survey, file, error),
        }
    }
    if guests.has_more() {
        unread(
            survey,
            file,
            format!("more guests than the {MOST_GUESTS} that are listed, or too many variants"),
        );
    }
}

fn brought(tree: &Tree, file: &Path, survey: &mut Survey) {
    let name = file.file_stem().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let text = match tree.text(file, edge::read::CONFIG) {
        Ok(text) => text,
        Err(error) => return unread(survey, file, error),
    };
    let found = providers::defined(&name, file.to_owned(), &text).map_err(|error| error.to_string());
    let found = found.and_then(|one| Ok((providers::is_fetched(&one).map_err(|e| e.to_string())?, one)));
    match found {
        Ok((fetched, Definition { name, path, provider })) => {
            survey.providers.push(Brought { name, file: path, uri: provider.uri, fetched });
        }
        Err(error) => unread(survey, file, error),
    }
}
