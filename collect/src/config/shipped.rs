//! perfvt's own configurations, which are included by the names `perfvt:FILE`.
//!
//! What is written by hand lies in the folder `cfg/` and is part of the program, so an installed perfvt needs no folder.
//! Parameters and workloads are written from the lists that know them: a new workload is in the configuration without
//! a line in it.

use crate::cartesian::{Disk, Files};
use crate::matrix::GUEST;
use crate::workload::{self, Known};
use std::cell::RefCell;
use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};

/// What the names of perfvt's own files begin with.
pub const SCHEME: &str = "perfvt:";
/// What `perfvt run` reads before anything else.
pub const BASE: &str = "perfvt:base.cfg";
/// The guests that perfvt defines.
pub const GUESTS: &str = "perfvt:guests.cfg";
const PARAMETERS: &str = "perfvt:parameters.cfg";
const WORKLOADS: &str = "perfvt:workloads.cfg";

/// Files that are written by hand.
const WRITTEN: [(&str, &str); 4] = [
    (BASE, include_str!("../../../cfg/base.cfg")),
    (GUESTS, include_str!("../../../cfg/guests.cfg")),
    ("perfvt:hardware.cfg", include_str!("../../../cfg/hardware.cfg")),
    ("perfvt:scenarios.cfg", include_str!("../../../cfg/scenarios.cfg")),
];

/// Files of which everything multiplies out once, however often they are included: a configuration that includes the
/// base by itself says nothing new when it has been read before.
const ONCE: [&str; 3] = [BASE, PARAMETERS, WORKLOADS];

/// The names of all of perfvt's own files.
pub fn names() -> impl Iterator<Item = &'static str> {
    WRITTEN.into_iter().map(|(name, _)| name).chain([PARAMETERS, WORKLOADS])
}

/// The text of one of perfvt's own files.
pub fn text(name: &str) -> Option<String> {
    match name {
        PARAMETERS => Some(parameters()),
        WORKLOADS => Some(workloads(None)),
        name => WRITTEN.into_iter().find(|(known, _)| *known == name).map(|(_, text)| text.to_owned()),
    }
}

/// Whether a file is one of perfvt's own.
pub fn is_own(path: &Path) -> bool {
    path.to_str().is_some_and(|name| name.starts_with(SCHEME))
}

/// Whether a file holds nothing but the defaults that perfvt itself has.
pub fn is_default(path: &Path) -> bool {
    path == Path::new(PARAMETERS) || path == Path::new(WORKLOADS)
}

/// The file system, and perfvt's own files beside it.
#[derive(Debug, Default)]
pub struct Shipped {
    /// The one workload that is wanted.
    workload: Option<String>,
    read: RefCell<Vec<PathBuf>>,
}

impl Shipped {
    /// All workloads, or the one that is wanted.
    pub fn new(workload: Option<&str>) -> Shipped {
        Shipped { workload: workload.map(str::to_owned), read: RefCell::default() }
    }
}

impl Files for Shipped {
    fn read(&self, path: &Path, limit: u64) -> io::Result<Vec<u8>> {
        let Some(name) = path.to_str().filter(|name| name.starts_with(SCHEME)) else {
            return Disk.read(path, limit);
        };
        if ONCE.contains(&name) {
            let mut read = self.read.borrow_mut();
            if read.iter().any(|known| known == path) {
                return Ok(Vec::new());
            }
            read.push(path.to_owned());
        }
        let text = match name {
            WORKLOADS => Some(workloads(self.workload.as_deref())),
            name => text(name),
        };
        text.map(String::into_bytes).ok_or_else(|| {
            let known: Vec<&str> = names().collect();
            io::Error::new(
                io::ErrorKind::NotFound,
                format!("perfvt has no file of that name, only {}", known.join(", ")),
            )
        })
    }

    fn identity(&self, path: &Path) -> PathBuf {
        if is_own(path) { path.to_owned() } else { Disk.identity(path) }
    }

    fn names(&self, folder: &Path) -> Vec<String> {
        let mut all = Disk.names(folder);
        if folder.as_os_str().is_empty() {
            all.extend(names().map(str::to_owned));
        }
        all
    }

    fn resolve(&self, text: &str, folder: Option<&Path>) -> PathBuf {
        if text.starts_with(SCHEME) { text.into() } else { Disk.resolve(text, folder) }
    }
}

/// One parameter for people and for the parser.
fn parameter(text: &mut String, known: &Known, indent: &str) {
    // Writing to a string cannot fail.
    let _ = match known.default {
        Some(default) => writeln!(text, "{indent}# {}\n{indent}{} = {default}", known.help, known.key),
        None => writeln!(text, "{indent}# {}: {}", known.key, known.help),
    };
}

fn parameters() -> String {
    let mut text = String::from("# Parameters of every guest, whatever the workload, with their defaults.\n");
    GUEST.iter().for_each(|known| parameter(&mut text, known, ""));
    text
}

fn workloads(only: Option<&str>) -> String {
    let mut text = String::from(
        "# The workloads, their parameters with their defaults, and their scenarios.\nvariants:\n",
    );
    for workload in workload::ALL.iter().filter(|w| only.is_none_or(|only| only == w.name())) {
        let _ = writeln!(text, "    - {}:\n        workload = {}", workload.name(), workload.name());
        workload.parameters().iter().for_each(|known| parameter(&mut text, known, "        "));
        text.push_str("        include perfvt:scenarios.cfg\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cartesian::{Config, Loader, Options};

    fn load(text: &str) -> Config {
        let files = Shipped::default();
        let mut loader = Loader::with_files(Options::default(), &files);
        loader.text("t.cfg", text).unwrap();
        loader.finish()
    }

    #[test]
    fn every_file_of_perfvt_can_be_read_and_says_nothing_odd() {
        for name in names() {
            let config = load(&format!("include {name}"));
            assert!(config.warnings().is_empty(), "{name}: {:?}", config.warnings());
            assert!(config.expand().next_dict().unwrap().is_some(), "{name}");
        }
    }

    #[test]
    fn the_folder_holds_what_the_program_holds() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../cfg");
        let mut there = Disk.names(&folder);
        there.sort();
        let mut known: Vec<&str> = WRITTEN.iter().filter_map(|(name, _)| name.strip_prefix(SCHEME)).collect();
        known.sort_unstable();
        assert_eq!(there, known);
    }

    #[test]
    fn the_base_names_every_workload_and_counts_once() {
        let count = |text: &str| load(text).variants().count();
        let once = count("include perfvt:base.cfg");
        assert_eq!(
            count("include perfvt:base.cfg\ninclude perfvt:base.cfg\ninclude perfvt:workloads.cfg"),
            once
        );
        let config = load("include perfvt:base.cfg");
        for workload in workload::ALL {
            let of_it = |v: &crate::cartesian::Variant| v.params.get("workload") == Some(workload.name());
            let all: Vec<_> = config.variants().map(Result::unwrap).filter(of_it).collect();
            assert!(!all.is_empty(), "{}", workload.name());
            for known in GUEST.iter().chain(workload.parameters()) {
                if let Some(default) = known.default.filter(|_| known.key != "scenario") {
                    assert_eq!(all[0].params.get(known.key), Some(default), "{}", known.key);
                }
            }
        }
    }

    #[test]
    fn a_name_that_perfvt_does_not_have_is_answered_with_those_that_it_has() {
        let files = Shipped::default();
        let mut loader = Loader::with_files(Options::default(), &files);
        let error = loader.text("t.cfg", "include perfvt:gests.cfg").err().unwrap().to_string();
        assert!(error.contains("perfvt has no file of that name, only perfvt:base.cfg"), "{error}");
        assert!(error.contains("did you mean 'perfvt:guests.cfg'?"), "{error}");
    }
}
