//! Guest definitions: variants whose keys say what a guest is, under a name.
//!
//! They stand in perfvt's own `perfvt:guests.cfg`, in the user's `guests.cfg`, and in any configuration.

use super::shipped::{GUESTS, Shipped};
use crate::guest::definition::CACHED;
use crate::guest::image::{Cache, stored};
use crate::parameters::{BUILTIN, GUEST_NAME};
use cartesian::{Bound, CartesianError, Config, Dict, Entry, Expansion, Loader, Options};
use edge::quoted;
use edge::text::cut;
use formats::perf_conf::closest;
use model::{Origin, Param, Params};
use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// A guest by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guest {
    /// Its name: the value of `guest`, or the name of the variant.
    pub name: String,
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

/// Guests of one configuration that are gone through when nothing else is said.
pub const MAX_GUESTS: u64 = 10_000;
/// How much of a configuration is gone through for its guests when nothing else is said.
pub const BOUND: Bound = Bound { variants: 200_000, ..Bound::SECONDS };
/// Guests that an ambiguous name is shown with.
const SHOWN: usize = 8;

/// The files of definitions: the user's own, those of providers that were fetched, and perfvt's.
pub fn files() -> Vec<PathBuf> {
    let own = super::home().map(|home| home.join("guests.cfg")).filter(|path| path.exists());
    let files = Shipped::default();
    own.into_iter()
        .chain(files.of_providers(&["guests.cfg", "cfg/guests.cfg"]))
        .chain([PathBuf::from(GUESTS)])
        .collect()
}

/// The definition of a name, from the first file that has it. `origin` says where the name was given.
///
/// # Errors
/// When there is none, or more than one, or a file cannot be read or has too many.
pub fn find(files: &[PathBuf], name: &str, origin: &str) -> Result<Guest, GuestError> {
    let mut similar: Option<String> = None;
    for file in files {
        let config = load(file)?;
        let mut guests = Guests::new(&config, BOUND, MAX_GUESTS);
        let (mut parts, mut more) = (Vec::new(), 0);
        while let Some(guest) = guests.next_guest()? {
            if guest.name == name {
                return Ok(guest);
            }
            if is_part(&guest.name, name) {
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
    Err(GuestError::Unknown { origin: origin.to_owned(), name: name.to_owned(), similar })
}

/// Letters of a name that another one is compared with, to see whether it was meant.
const MAX_NAME: usize = 60;

impl Guest {
    /// The image that existing files name by `image_name` and `image_format`, and where; `None` without them, or when
    /// `image` says it.
    pub fn image(&self) -> Option<(String, Origin)> {
        let value = |key: &str| self.params.get(key).filter(|value| !value.is_empty());
        let named = self.params.param("image_name").filter(|_| value("image").is_none())?;
        let image = image_file(value("image"), value("image_name"), value("image_format"))?;
        Some((image, named.origin.clone()))
    }
}

/// `image`, or as existing files name it, `image_name` with `image_format`.
fn image_file(image: Option<&str>, name: Option<&str>, format: Option<&str>) -> Option<String> {
    image.map(str::to_owned).or_else(|| Some(format!("{}.{}", name?, format?)))
}

/// Whether the labels of `part` stand next to each other in a name, as a filter would find them.
fn is_part(name: &str, part: &str) -> bool {
    format!(".{name}.").contains(&format!(".{part}."))
}

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

/// Goes through the guests of a configuration, each once: by the key `guest`, otherwise by the image.
#[derive(Debug)]
pub struct Guests<'c> {
    expansion: Expansion<'c>,
    bound: Bound,
    guests: u64,
    /// Hashes of those that were seen: names may be long.
    seen: HashSet<blake3::Hash>,
    more: bool,
}

impl<'c> Guests<'c> {
    /// Those within a bound of variants and a number of guests.
    pub fn new(config: &'c Config, bound: Bound, guests: u64) -> Guests<'c> {
        Guests { expansion: config.expand(), bound, guests, seen: HashSet::new(), more: false }
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
            let image = image_of(&dict);
            let known = match dict.get(GUEST_NAME) {
                Some(entry) => blake3::hash(entry.value.as_bytes()),
                None => blake3::hash(format!("image {image:?}").as_bytes()),
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
            let missing = missing(&name, image.as_deref());
            let param = |entry: Entry<'_>| {
                Param::new(
                    entry.key,
                    entry.value,
                    Origin::File { path: entry.file.to_owned(), line: entry.line },
                )
            };
            return Ok(Some(Guest { name, params: dict.iter().map(param).collect(), missing }));
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

/// The image file of a variant; a relative one is relative to the file that names it.
fn image_of(dict: &Dict<'_>) -> Option<String> {
    let entry = |key: &str| dict.get(key).filter(|entry| !entry.value.is_empty());
    let value = |key: &str| entry(key).map(|entry| entry.value);
    let image = image_file(value("image"), value("image_name"), value("image_format"))?;
    let named = entry("image").or_else(|| entry("image_name"))?;
    let base = if image.starts_with(CACHED) { None } else { named.file.parent() };
    Some(base.unwrap_or(Path::new("")).join(image).display().to_string())
}

/// What is missing of a guest.
fn missing(name: &str, image: Option<&str>) -> Option<String> {
    let there = |file: &str| Path::new(file).exists();
    let build = |flavour: &str| format!("image, `perfvt guest build {flavour}` makes it");
    match image {
        Some(image) if image.starts_with(CACHED) => {
            let flavour = image.strip_prefix(CACHED).unwrap_or_default();
            let found = Cache::from_env().ok().and_then(|cache| stored(&cache, flavour));
            found.is_none().then(|| build(flavour))
        }
        Some(file) => (!there(file)).then(|| file.rsplit('/').next().unwrap_or(file).to_owned()),
        None if name == BUILTIN => {
            let found = Cache::from_env().ok().and_then(|cache| stored(&cache, BUILTIN));
            found.is_none().then(|| "image, `perfvt guest build` makes it".to_owned())
        }
        None => None,
    }
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
                image_name = DIR/gone
    - rhel.9:
        mem = 2048
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
            [("fedora.39", None), ("fedora.40", Some("gone.qcow2")), ("rhel.9", Some("away.raw"))]
        );
    }

    #[test]
    fn a_guest_is_found_by_its_name_or_by_a_part_that_no_other_has() {
        let (_dir, files) = written(OWN);
        let rhel = find(&files, "rhel", "--set guest=rhel").unwrap();
        assert_eq!(rhel.params.get("mem"), Some("2048"));
        assert_eq!(find(&files, "fedora.40", "x").unwrap().name, "fedora.40");
        assert_eq!(find(&files, BUILTIN, "x").unwrap().name, BUILTIN);
        let error = |name: &str| find(&files, name, "t.cfg:1").unwrap_err().to_string();
        assert_eq!(error("fedora"), "t.cfg:1: guest 'fedora' may be fedora.39, fedora.40");
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
