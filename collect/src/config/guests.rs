//! Guest definitions: variants whose keys say what a guest is, under a name.
//!
//! They stand in perfvt's own `perfvt:guests.cfg`, in the user's `guests.cfg`, and in any configuration.

use super::names::{carries, labels};
use super::shipped::{GUESTS, Shipped};
use super::{keys, named};
use crate::parameters::{BUILTIN, GUEST_NAME};
use crate::parse::CACHED;
use cartesian::{Bound, CartesianError, Config, Dict, Dormant, Entry, Expansion, Loader, Options};
use edge::quoted;
use edge::text::cut;
use formats::perf_conf::closest;
use model::{Origin, Param, Params, ParamsError};
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use vm::guest::image::{Cache, stored};

/// A guest by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guest {
    /// Its name: the value of `guest`, or the name of the variant.
    pub name: String,
    /// The whole name of its variant, with the labels that are not part of the short one.
    pub full: String,
    /// Its keys.
    pub params: Params,
    /// The image file that it needs and that is not there.
    pub missing: Option<String>,
}

/// A guest that is not defined, or not by that name alone.
#[derive(Debug, thiserror::Error)]
pub enum GuestError {
    /// A file of definitions.
    #[error(transparent)]
    Cartesian(#[from] CartesianError),
    /// None.
    #[error("{origin}: no guest is called {}{}; `perfvt list --guests` shows them", quoted(name), similar.as_ref().map(|s| format!(", did you mean {}?", quoted(s))).unwrap_or_default())]
    Unknown {
        /// Where it was asked for.
        origin: String,
        /// The name.
        name: String,
        /// One that was probably meant.
        similar: Option<String>,
    },
    /// None, and a line that looks as if it were one.
    #[error(
        "{}:{}: this holds for variants called {label}, and there is none; a guest is a variant: `variants:` and below it `- {label}:`", cut(&file.to_string_lossy()), line, label = cut(label)
    )]
    Dormant {
        /// The file.
        file: PathBuf,
        /// The line.
        line: u32,
        /// The label that no variant has.
        label: String,
    },
    /// A guest with one image, and a configuration with another one.
    #[error(transparent)]
    Two(#[from] Box<Two>),
    /// An image or a way in that cannot be.
    #[error(transparent)]
    Params(#[from] ParamsError),
    /// Several.
    #[error("{origin}: guest {} may be {names}", quoted(name))]
    Ambiguous {
        /// Where it was asked for.
        origin: String,
        /// The name.
        name: String,
        /// All that it may be, or the first of them.
        names: String,
    },
    /// More than anybody has.
    #[error(
        "{origin}: looking for guest {}: {file} defines more than {MAX_GUESTS} guests, or takes too long to go through; \
         `perfvt list --guests {file}` shows the first ones", quoted(name), file = cut(&file.to_string_lossy())
    )]
    TooMany {
        /// Where it was asked for.
        origin: String,
        /// The name.
        name: String,
        /// The file.
        file: PathBuf,
    },
}

/// A guest with one image, and a configuration with another one.
#[derive(Debug, thiserror::Error)]
#[error(
    "{asked}: guest {} boots from {image} ({origin}), and {other_origin} names {other}: leave one of them out; --set image=PATH wins over both",
    quoted(guest)
)]
pub struct Two {
    /// Where the guest was asked for.
    pub asked: String,
    /// Its name.
    pub guest: String,
    /// Its image.
    pub image: String,
    /// Where that is named.
    pub origin: String,
    /// The other image.
    pub other: String,
    /// Where that is named.
    pub other_origin: String,
}

impl GuestError {
    /// The error for a line that no variant comes to.
    pub fn dormant(found: &Dormant) -> GuestError {
        GuestError::Dormant { file: found.file.clone(), line: found.line, label: found.label.clone() }
    }
}

/// Guests of one configuration that are gone through when nothing else is said.
pub const MAX_GUESTS: u64 = 10_000;
/// How much of a configuration is gone through for its guests when nothing else is said.
pub const BOUND: Bound = Bound { variants: 200_000, ..Bound::SECONDS };
/// Guests that an ambiguous name is shown with.
const SHOWN: usize = 8;

/// The files of definitions: the user's own, those of providers that were fetched, and perfvt's. At the end stand those of
/// providers that are broken: they hide no guest of the others, and who finds none is told why.
pub fn files() -> Vec<PathBuf> {
    let own = super::home().map(|home| home.join("guests.cfg")).filter(|path| path.exists());
    let (found, broken) = Shipped::default().of_providers(&["guests.cfg", "cfg/guests.cfg"]);
    own.into_iter().chain(found).chain([PathBuf::from(GUESTS)]).chain(broken).collect()
}

/// The definition of a name, from the first file that has it. `origin` says where the name was given.
///
/// # Errors
/// When there is none, or more than one, or a file cannot be read or has too many.
pub fn find(files: &[PathBuf], name: &str, origin: &str) -> Result<Guest, GuestError> {
    let (mut similar, mut dormant): (Option<String>, Option<Dormant>) = (None, None);
    for file in files {
        let config = load(file)?;
        let lines = [named::NAME, named::IMAGE].iter().filter_map(|key| config.dormant(key));
        dormant = dormant
            .or_else(|| lines.into_iter().find(|found| labels(name).any(|label| label == found.label)));
        let mut guests = Guests::new(&config, BOUND, MAX_GUESTS);
        let (mut parts, mut more) = (Vec::new(), 0);
        while let Some(guest) = guests.next_guest()? {
            if guest.name == name {
                return Ok(guest);
            }
            if carries(&guest.name, name) || carries(&guest.full, name) {
                if parts.len() < SHOWN {
                    parts.push(guest);
                } else {
                    more += 1;
                }
            } else if guest.name.len() <= MAX_NAME && name.len() <= MAX_NAME {
                let known: Option<&str> = similar.as_deref();
                similar = closest(name, known.into_iter().chain([guest.name.as_str()])).map(str::to_owned);
            }
        }
        if guests.has_more() {
            return Err(GuestError::TooMany {
                origin: origin.to_owned(),
                name: name.to_owned(),
                file: file.clone(),
            });
        }
        match parts.as_slice() {
            [] => {}
            [one] => return Ok(one.clone()),
            several => {
                let mut names: Vec<String> = several.iter().map(|guest| cut(&guest.name)).collect();
                if more > 0 {
                    names.push(format!("and {more} more"));
                }
                return Err(GuestError::Ambiguous {
                    origin: origin.to_owned(),
                    name: name.to_owned(),
                    names: names.join(", "),
                });
            }
        }
    }
    if let Some(found) = dormant {
        return Err(GuestError::dormant(&found));
    }
    Err(GuestError::Unknown { origin: origin.to_owned(), name: name.to_owned(), similar })
}

/// Letters of a name that another one is compared with, to see whether it was meant.
const MAX_NAME: usize = 60;

/// The definitions of one file.
///
/// # Errors
/// When it cannot be read.
pub fn load(file: &Path) -> Result<Config, CartesianError> {
    let files = Shipped::default();
    let mut loader = Loader::with_files(Options::default(), &files);
    loader.file(file)?;
    Ok(loader.finish())
}

/// Goes through the guests of a configuration, each once: by the key `guest`, otherwise by the name, or in a configuration of
/// tests by the image.
#[derive(Debug)]
pub struct Guests<'c> {
    expansion: Expansion<'c>,
    bound: Bound,
    guests: u64,
    /// Where images are looked for.
    folders: Vec<PathBuf>,
    /// The folder below which the files of the configuration are named.
    base: PathBuf,
    /// Hashes of those that were seen: names may be long.
    seen: HashSet<blake3::Hash>,
    more: bool,
}

impl<'c> Guests<'c> {
    /// Those within a bound of variants and a number of guests.
    pub fn new(config: &'c Config, bound: Bound, guests: u64) -> Guests<'c> {
        let folders = named::data_directories();
        Guests {
            expansion: config.expand(),
            bound,
            guests,
            folders,
            base: PathBuf::new(),
            seen: HashSet::new(),
            more: false,
        }
    }

    /// The same for a configuration whose files were named by their paths below a folder, which is a data directory, too.
    #[must_use]
    pub fn below(mut self, folder: &Path) -> Guests<'c> {
        self.folders.insert(0, folder.to_owned());
        self.base = folder.to_owned();
        self
    }

    /// The next one.
    ///
    /// # Errors
    /// When it cannot be expanded.
    pub fn next_guest(&mut self) -> Result<Option<Guest>, CartesianError> {
        loop {
            let full = self.expansion.is_beyond(&self.bound);
            let Some(dict) = self.expansion.next_dict()? else { return Ok(None) };
            if full {
                self.more = true;
                return Ok(None);
            }
            let param = |entry: Entry<'_>| {
                let origin = Origin::File { path: self.base.join(entry.file), line: entry.line };
                Param::new(entry.key, entry.value, origin)
            };
            let known = match dict.get(GUEST_NAME) {
                Some(entry) => blake3::hash(entry.value.as_bytes()),
                None => blake3::hash(what_boots(&dict).as_bytes()),
            };
            if self.seen.contains(&known) {
                continue;
            }
            if self.seen.len() as u64 >= self.guests {
                self.more = true;
                return Ok(None);
            }
            self.seen.insert(known);
            let name = dict.get(GUEST_NAME).map_or(dict.named.shortname, |entry| entry.value).to_owned();
            let full = dict.named.name.to_owned();
            let params: Params = dict.iter().map(param).collect();
            let missing = missing(&name, &params, &self.folders);
            return Ok(Some(Guest { name, full, params, missing }));
        }
    }

    /// After the end: whether it was that of the bound, and not of the configuration.
    pub fn has_more(&self) -> bool {
        self.more
    }

    /// The expansion, where it stands.
    pub fn expansion(&self) -> &Expansion<'c> {
        &self.expansion
    }
}

/// Keys of variants that are tests, with which guests multiply: perfvt's, and avocado-vt's.
const OF_TESTS: [&str; 2] = [keys::WORKLOAD, "type"];

/// What tells guests apart that no key names: their name, or in a configuration of tests, where each guest has many, all that
/// says what they boot from and in which folders it stands.
fn what_boots(dict: &Dict<'_>) -> String {
    if OF_TESTS.iter().all(|key| dict.get(key).is_none()) {
        return dict.named.name.to_owned();
    }
    let keys = [named::IMAGE, named::NAME, named::FORMAT, named::RAW, named::FOLDER, "kernel"];
    let said = keys
        .iter()
        .filter_map(|key| dict.get(key))
        .map(|entry| format!("{}\0{}\0{:?}\n", entry.key, entry.value, entry.file.parent()));
    said.collect()
}

/// What is missing of a guest.
fn missing(name: &str, params: &Params, folders: &[PathBuf]) -> Option<String> {
    let build = |flavour: &str| {
        let found = Cache::from_env().ok().and_then(|cache| stored(&cache, flavour));
        let flavour = if flavour == BUILTIN { String::new() } else { format!(" {flavour}") };
        found.is_none().then(|| format!("image, `perfvt guest build{flavour}` makes it"))
    };
    let own = keys::normal(params.iter().cloned().collect(), |key| Some(key.to_owned())).params;
    let naming = [named::IMAGE, named::NAME].iter().find_map(|key| named::given(&own, key));
    let Some(naming) = naming else {
        let own_kernel = named::given(&own, "kernel").is_some();
        return match name {
            BUILTIN => build(BUILTIN),
            _ => (!own_kernel).then(|| "an image: it names none".to_owned()),
        };
    };
    if let Some(flavour) = naming.value.trim().strip_prefix(CACHED) {
        return build(flavour);
    }
    let there = named::file_of(&own, folders).ok().flatten().is_some_and(|file| file.exists());
    let last = naming.value.trim().rsplit('/').next().unwrap_or_default().to_owned();
    let format = named::given(&own, named::FORMAT).map_or("qcow2", |format| format.value.trim());
    let whole = naming.key == named::IMAGE || own.switch(named::RAW) == Ok(true);
    (!there).then(|| if whole { last } else { format!("{last}.{format}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str) -> (tempfile::TempDir, Vec<PathBuf>) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("guests.cfg");
        let text = text.replace("DIR", &dir.path().display().to_string());
        std::fs::write(&path, text).unwrap();
        std::fs::write(dir.path().join("there.qcow2"), "").unwrap();
        (dir, vec![path, PathBuf::from(GUESTS)])
    }

    const OWN: &str = "image_format = qcow2
variants:
    - fedora:
        variants:
            - 39:
                image = DIR/there.qcow2
            - 40:
                image_raw_device = no
                image_name = DIR/gone
            - 41:
                image_raw_device = yes
                image_format = raw
                image_name = DIR/gone
    - rhel.9:
        mem = 2048
        image = DIR/away.raw
    - bare:
        mem = 2048
    - alike:
        image = DIR/away.raw
";

    #[test]
    fn guests_are_listed_with_the_images_that_they_miss() {
        let (_dir, files) = written(OWN);
        let config = load(&files[0]).unwrap();
        let mut guests = Guests::new(&config, Bound::NONE, MAX_GUESTS);
        let all: Vec<Guest> = std::iter::from_fn(|| guests.next_guest().unwrap()).collect();
        let shown: Vec<_> = all.iter().map(|g| (g.name.as_str(), g.missing.as_deref())).collect();
        assert_eq!(
            shown,
            [
                ("fedora.39", None),
                ("fedora.40", Some("gone.qcow2")),
                ("fedora.41", Some("gone")),
                ("rhel.9", Some("away.raw")),
                ("bare", Some("an image: it names none")),
                ("alike", Some("away.raw")),
            ]
        );
        assert_eq!(find(&files, "alike", "x").unwrap().name, "alike");
        // With tests, each guest has many variants.
        let (_dir, files) = written(&format!(
            "{OWN}variants:\n    - boot:\n        type = boot\n    - run:\n        type = run\n"
        ));
        let config = load(&files[0]).unwrap();
        let mut guests = Guests::new(&config, Bound::NONE, MAX_GUESTS);
        assert_eq!(std::iter::from_fn(|| guests.next_guest().unwrap()).count(), 5);
    }

    #[test]
    fn a_guest_is_found_by_its_name_or_by_a_part_that_no_other_has() {
        let (_dir, files) = written(OWN);
        let rhel = find(&files, "rhel", "--set guest=rhel").unwrap();
        assert_eq!(rhel.params.get("mem"), Some("2048"));
        assert_eq!(find(&files, "fedora.40", "x").unwrap().name, "fedora.40");
        assert_eq!(find(&files, BUILTIN, "x").unwrap().name, BUILTIN);
        let error = |name: &str| find(&files, name, "t.cfg:1").unwrap_err().to_string();
        assert_eq!(error("fedora"), "t.cfg:1: guest 'fedora' may be fedora.39, fedora.40, fedora.41");
        assert_eq!(
            error("rhel.8"),
            "t.cfg:1: no guest is called 'rhel.8', did you mean 'rhel.9'?; `perfvt list --guests` shows them"
        );
    }

    #[test]
    fn of_guests_without_end_the_first_are_gone_through_and_the_rest_is_told() {
        let block = |n: usize| {
            format!("variants:\n{}", (0..10).map(|m| format!("  - v{n}_{m}:\n")).collect::<String>())
        };
        let (_dir, files) = written(&((0..40).map(block).collect::<String>() + "image = DIR/${shortname}\n"));
        let config = load(&files[0]).unwrap();
        let mut guests = Guests::new(&config, BOUND, 100);
        let mut found = 0;
        while guests.next_guest().unwrap().is_some() {
            found += 1;
        }
        assert_eq!((found, guests.has_more()), (100, true));
        let bound = Bound { variants: 50, ..Bound::NONE };
        let mut guests = Guests::new(&config, bound, 100);
        found = 0;
        while guests.next_guest().unwrap().is_some() {
            found += 1;
        }
        assert_eq!((found, guests.has_more()), (50, true));
        let error = find(&files, "nothing", "x").unwrap_err().to_string();
        assert!(error.contains("defines more than 10000 guests"), "{error}");
        let error = find(&files[..1], "v0_0", "x").unwrap_err().to_string();
        assert!(error.len() < 2_000, "{error}");
    }
}
