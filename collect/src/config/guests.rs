//! Guest definitions: variants whose keys say what a guest is, under a name.
//!
//! They stand in perfvt's own `perfvt:guests.cfg`, in the user's `guests.cfg`, and in any configuration.

use super::shipped::{GUESTS, Shipped};
use crate::cartesian::{CartesianError, Config, Loader, Options};
use crate::guest::definition::CACHED;
use crate::guest::image::{Cache, stored};
use formats::perf_conf::closest;
use model::{Origin, Params};
use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// The key that names a guest.
pub const KEY: &str = "guest";
/// The guest that perfvt builds itself.
pub const BUILTIN: &str = "builtin";

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
    #[error("{origin}: no guest is called '{name}'{}; `perfvt list --guests` shows them", similar.as_ref().map(|s| format!(", did you mean '{s}'?")).unwrap_or_default())]
    Unknown {
        /// Where it was asked for.
        origin: String,
        /// The name.
        name: String,
        /// One that was probably meant.
        similar: Option<String>,
    },
    /// Several.
    #[error("{origin}: guest '{name}' may be {names}")]
    Ambiguous {
        /// Where it was asked for.
        origin: String,
        /// The name.
        name: String,
        /// All that it may be.
        names: String,
    },
}

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
/// When there is none, or more than one, or a file cannot be read.
pub fn find(files: &[PathBuf], name: &str, origin: &str) -> Result<Guest, GuestError> {
    let mut names = Vec::new();
    for file in files {
        let all = list(file)?;
        let fits = |guest: &&Guest| guest.name == name || is_part(&guest.name, name);
        let exact = all.iter().find(|guest| guest.name == name);
        let found: Vec<&Guest> = exact.map_or_else(|| all.iter().filter(fits).collect(), |guest| vec![guest]);
        match found.as_slice() {
            [] => names.extend(all.into_iter().map(|guest| guest.name)),
            [one] => return Ok((*one).clone()),
            several => {
                let names: Vec<&str> = several.iter().map(|guest| guest.name.as_str()).collect();
                return Err(GuestError::Ambiguous {
                    origin: origin.to_owned(),
                    name: name.to_owned(),
                    names: names.join(", "),
                });
            }
        }
    }
    let similar = closest(name, names.iter().map(String::as_str)).map(str::to_owned);
    Err(GuestError::Unknown { origin: origin.to_owned(), name: name.to_owned(), similar })
}

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

/// All guests of one file, each name once.
///
/// # Errors
/// When it cannot be read or expanded.
pub fn list(file: &Path) -> Result<Vec<Guest>, CartesianError> {
    let files = Shipped::default();
    let mut loader = Loader::with_files(Options::default(), &files);
    loader.file(file)?;
    of_config(&loader.finish())
}

/// All guests of a configuration, each once: by the key `guest`, otherwise by the image.
///
/// # Errors
/// When it cannot be expanded.
pub fn of_config(config: &Config) -> Result<Vec<Guest>, CartesianError> {
    let mut seen = HashSet::new();
    let mut all = Vec::new();
    let mut expansion = config.expand();
    while let Some(dict) = expansion.next_dict()? {
        let name = dict.get(KEY).map_or(dict.named.shortname, |entry| entry.value);
        let variant = dict.to_variant();
        let image = image_of(&variant.params);
        let known = if dict.get(KEY).is_some() { name.to_owned() } else { format!("image {image:?}") };
        if seen.insert(known) {
            let missing = missing(name, image.as_deref());
            all.push(Guest { name: name.to_owned(), params: variant.params, missing });
        }
    }
    Ok(all)
}

/// The image file of a variant; a relative one is relative to the file that names it.
fn image_of(params: &Params) -> Option<String> {
    let value = |key: &str| params.get(key).filter(|v| !v.is_empty());
    let image = image_file(value("image"), value("image_name"), value("image_format"))?;
    let named =
        params.param("image").filter(|p| !p.value.is_empty()).or_else(|| params.param("image_name"))?;
    let base = match &named.origin {
        Origin::File { path, .. } if !image.starts_with(CACHED) => path.parent().unwrap_or(Path::new("")),
        _ => Path::new(""),
    };
    Some(base.join(image).display().to_string())
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
        let all = list(&files[0]).unwrap();
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
}
