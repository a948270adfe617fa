//! perfvt's own configurations, which are included by the names `perfvt:FILE`.
//!
//! What is written by hand lies in the folder `cfg/` and is part of the program, so an installed perfvt needs no folder.
//! Parameters and workloads are written from the lists that know them: a new workload is in the configuration without
//! a line in it. Files of test providers go by `NAME:PATH` in the same way.

use super::providers::{self, Checkout, Definitions, ProviderError, beneath, fragments};
use crate::parameters::{Known, SCHEME, guest};
use crate::workload;
use cartesian::{Disk, Files};
use edge::quoted;
use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};

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

/// The file system, and beside it perfvt's own files and those of test providers.
#[derive(Debug, Default)]
pub struct Shipped {
    /// The one workload that is wanted.
    workload: Option<String>,
    read: RefCell<Vec<PathBuf>>,
    definitions: OnceCell<Definitions>,
    checkouts: RefCell<HashMap<String, Result<Checkout, String>>>,
    /// What was passed over in folders of providers.
    passed: RefCell<Vec<String>>,
}

/// A name of a provider's file: `NAME:PATH`, or `NAME.PART:PATH`. As origins write it, with the commit:
/// `NAME@COMMIT:/PATH`.
struct Foreign<'a> {
    name: &'a str,
    part: Option<&'a str>,
    path: &'a str,
}

/// Digits of a commit in origins.
const COMMIT: usize = 12;

impl<'a> Foreign<'a> {
    fn parse(text: &'a str) -> Option<Foreign<'a>> {
        let (scheme, path) = text.split_once(':')?;
        let scheme = scheme.split_once('@').map_or(scheme, |(scheme, _)| scheme);
        let (name, part) = scheme.split_once('.').map_or((scheme, None), |(name, part)| (name, Some(part)));
        let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        (!name.is_empty() && name.chars().all(good)).then_some(Foreign { name, part, path })
    }

    /// Whether a text names a file of a provider.
    fn names(text: &str, provider: &str) -> bool {
        Foreign::parse(text).is_some_and(|foreign| foreign.name == provider)
    }
}

impl Shipped {
    /// All workloads, or the one that is wanted.
    pub fn new(workload: Option<&str>) -> Shipped {
        Shipped { workload: workload.map(str::to_owned), ..Shipped::default() }
    }

    /// The file that a name on the command line means.
    pub fn locate(&self, path: &Path) -> PathBuf {
        match path.to_str().filter(|text| !path.exists() && Foreign::parse(text).is_some()) {
            Some(text) => self.named(text).unwrap_or_else(|| path.to_owned()),
            None => path.to_owned(),
        }
    }

    /// What there is to say about the providers that were needed.
    pub fn notes(&self) -> Vec<String> {
        let checkouts = self.checkouts.borrow();
        let mut notes: Vec<String> =
            checkouts.values().filter_map(|checkout| checkout.as_ref().ok()?.note.clone()).collect();
        notes.sort();
        notes.extend(self.passed.borrow().iter().cloned());
        notes
    }

    /// The files that fetched providers have at one of some places, in their root or in one of their parts; and apart
    /// from them those that cannot be read, for the end of a search.
    pub(super) fn of_providers(&self, places: &[&str]) -> (Vec<PathBuf>, Vec<PathBuf>) {
        let mut found = Vec::new();
        let Ok(cache) = providers::cache() else { return (found, Vec::new()) };
        // Reading it says what is wrong; leaving it out would say nothing.
        let unread = |name: &str| places.first().map(|place| PathBuf::from(format!("{name}:/{place}")));
        let mut broken: Vec<PathBuf> =
            self.definitions().broken.iter().filter_map(|(name, _)| unread(name)).collect();
        for definition in &self.definitions().good {
            let checkout = match providers::pinned(definition, &cache) {
                Ok(Some(checkout)) => checkout,
                Ok(None) => continue,
                // Nothing may take the place of what somebody has changed.
                Err(ProviderError::Damaged { .. }) => {
                    found.extend(unread(&definition.name));
                    continue;
                }
                Err(_) => {
                    broken.extend(unread(&definition.name));
                    continue;
                }
            };
            let parts = definition.provider.parts.iter().map(|(_, folder)| folder.as_str());
            for folder in std::iter::once("").chain(parts) {
                let paths = places.iter().map(|place| Path::new(folder).join(place));
                for path in paths.filter(|path| checkout.root.join(path).is_file()) {
                    let name = named(&definition.name, &checkout, &path);
                    if !found.contains(&name) {
                        found.push(name);
                    }
                }
            }
        }
        (found, broken)
    }

    fn definitions(&self) -> &Definitions {
        let read = || providers::folder().map(|folder| providers::definitions(&folder));
        self.definitions.get_or_init(|| read().unwrap_or_default())
    }

    /// The provider of a file's name, with its files; `None` when the name is a plain file's.
    fn provider<'a>(&self, text: &'a str) -> Option<(Foreign<'a>, Result<Checkout, String>)> {
        let foreign = Foreign::parse(text)?;
        let definition = match self.definitions().get(foreign.name)? {
            Ok(definition) => definition,
            Err(error) => return Some((foreign, Err(error.to_string()))),
        };
        let mut checkouts = self.checkouts.borrow_mut();
        let fetch = || {
            let cache = providers::cache().map_err(|e| e.to_string())?;
            providers::checkout(definition, &cache).map_err(|e| e.to_string())
        };
        let checkout = checkouts.entry(foreign.name.to_owned()).or_insert_with(fetch).clone();
        let part = checkout.and_then(|checkout| match foreign.part {
            None => Ok(checkout),
            Some(part) => {
                let known = definition.provider.parts.iter().find(|(name, _)| name == part);
                let folder = known.map(|(_, folder)| checkout.root.join(folder));
                let missing = || format!("provider {} has no part {}", foreign.name, quoted(part));
                Ok(Checkout { root: folder.ok_or_else(missing)?, ..checkout })
            }
        });
        Some((foreign, part))
    }

    /// A provider's file: whose it is, the folder that it must not leave, and its path there. `None` for a plain file.
    fn foreign<'p>(&self, path: &'p Path) -> Option<(Foreign<'p>, io::Result<(PathBuf, &'p Path)>)> {
        let (foreign, checkout) = self.provider(path.to_str()?)?;
        let inside = Path::new(foreign.path.trim_start_matches('/'));
        Some((foreign, checkout.map(|checkout| (checkout.root, inside)).map_err(io::Error::other)))
    }

    /// Where a provider's file is on the disk, links unresolved; `None` for a plain file.
    fn on_disk(&self, path: &Path) -> Option<PathBuf> {
        let (_, place) = self.foreign(path)?;
        let (root, inside) = place.ok()?;
        Some(root.join(beneath::within(inside)?))
    }

    /// The name of a provider's file with its commit; `None` for a plain file.
    fn named(&self, text: &str) -> Option<PathBuf> {
        let (foreign, checkout) = self.provider(text)?;
        // Reading it says what is wrong.
        let Ok(checkout) = checkout else { return Some(text.into()) };
        let scheme = match foreign.part {
            Some(part) => format!("{}.{part}", foreign.name),
            None => foreign.name.to_owned(),
        };
        Some(named(&scheme, &checkout, Path::new(foreign.path.trim_start_matches('/'))))
    }

    /// What `include TEXT` means in a file of a provider: one of its own files, or one of perfvt's.
    fn confined(&self, text: &str, folder: &Path, provider: &str) -> Result<PathBuf, String> {
        let refused = || {
            format!(
                "files of provider {provider} include files of its own folder and perfvt's own only, by paths that do not lead out"
            )
        };
        if text.starts_with(SCHEME) {
            return Ok(text.into());
        }
        if text.starts_with(['/', '~']) {
            return Err(refused());
        }
        let path = match self.definitions().good.iter().find(|d| Foreign::names(text, &d.name)) {
            Some(definition) if definition.name != provider => return Err(refused()),
            Some(_) => self.named(text).unwrap_or_else(|| text.into()),
            None => folder.join(text),
        };
        let inside = path.to_str().and_then(Foreign::parse);
        let inside = inside.and_then(|file| beneath::within(Path::new(file.path.trim_start_matches('/'))));
        inside.map(|_| path).ok_or_else(refused)
    }
}

/// The name of a provider's file as origins show it.
fn named(provider: &str, checkout: &Checkout, path: &Path) -> PathBuf {
    let commit = checkout.commit.as_ref().and_then(|commit| commit.get(..COMMIT));
    let commit = commit.map(|commit| format!("@{commit}")).unwrap_or_default();
    format!("{provider}{commit}:/{}", path.display()).into()
}

impl Files for Shipped {
    fn read(&self, path: &Path, limit: u64) -> io::Result<Vec<u8>> {
        let Some(name) = path.to_str().filter(|_| is_own(path)) else {
            let Some((foreign, place)) = self.foreign(path) else { return edge::read(path, limit) };
            let (root, inside) = place?;
            let of = |error: io::Error| {
                io::Error::new(error.kind(), format!("file of provider {}: {error}", foreign.name))
            };
            if beneath::within(inside).is_some_and(|inside| root.join(inside).is_dir()) {
                let (text, passed) = fragments::text(path, &root, inside, limit).map_err(of)?;
                self.passed.borrow_mut().extend(passed);
                return Ok(text.into_bytes());
            }
            return beneath::read(&root, inside, limit).map_err(of);
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
        match self.on_disk(path).filter(|_| !is_own(path)) {
            Some(place) => Disk.identity(&place),
            None if is_own(path) => path.to_owned(),
            None => Disk.identity(path),
        }
    }

    fn names(&self, folder: &Path) -> Vec<String> {
        let place = self.on_disk(folder);
        let mut all = Disk.names(place.as_deref().unwrap_or(folder));
        if folder.as_os_str().is_empty() {
            all.extend(names().map(str::to_owned));
        }
        all
    }

    fn has_fragments(&self) -> bool {
        true
    }

    fn resolve(&self, text: &str, folder: Option<&Path>) -> Result<PathBuf, String> {
        let within = folder.and_then(|folder| Some((self.foreign(folder)?.0, folder)));
        if let Some((foreign, folder)) = within {
            return self.confined(text, folder, foreign.name);
        }
        if text.starts_with(SCHEME) {
            return Ok(text.into());
        }
        self.named(text).map_or_else(|| Disk.resolve(text, folder), Ok)
    }
}

/// One parameter for people and for the parser.
fn parameter(text: &mut String, known: &Known, indent: &str) {
    // Writing to a string cannot fail.
    let _ = match known.default {
        Some(default) => {
            writeln!(text, "{indent}# {} ({})\n{indent}{} = {default}", known.help, known.values, known.key)
        }
        None => {
            writeln!(
                text,
                "{indent}# {}: {} ({}); unset: {}",
                known.key, known.help, known.values, known.otherwise
            )
        }
    };
}

fn parameters() -> String {
    let mut text = String::from("# Parameters of every guest, whatever the workload, with their defaults.\n");
    guest().for_each(|known| parameter(&mut text, known, ""));
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
    use cartesian::{Config, Loader, Options};

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
            let of_it = |v: &cartesian::Variant| v.get("workload") == Some(workload.name());
            let all: Vec<_> = config.variants().map(Result::unwrap).filter(of_it).collect();
            assert!(!all.is_empty(), "{}", workload.name());
            // What a workload wants otherwise than other guests wins.
            let own = |key: &str| workload.parameters().iter().any(|k| k.key == key);
            let guest = guest().filter(|known| !own(known.key));
            for known in guest.chain(workload.parameters()) {
                if let Some(default) = known.default.filter(|_| known.key != "scenario") {
                    assert_eq!(all[0].get(known.key), Some(default), "{}", known.key);
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
