//! Test providers: folders and git repositories of other people that bring configurations, guest definitions and
//! workloads.
//!
//! ```text
//!   test-providers.d/NAME.ini ──> Definition ──> source ──> checkout (git) ──> NAME:PATH in includes (beneath)
//!                                                              └── pin: the commit, until `perfvt provider update`
//! ```

pub(super) mod beneath;
mod checkout;
pub(super) mod fragments;
mod git;
mod source;
mod tree_of;

pub use checkout::{Checkout, checkout, pinned, update};
pub use tree_of::{Asked, tree_of};

use formats::provider::{Provider, ProviderSyntax, parse};
use model::store::StoreError;
use process::ProcessError;
use std::io;
use std::path::{Path, PathBuf};
use vm::guest::image::Cache;

/// A provider that is defined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Definition {
    /// Its name: that of its file.
    pub name: String,
    /// The file.
    pub path: PathBuf,
    /// What it says.
    pub provider: Provider,
}

/// A provider that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    /// A definition that cannot be read.
    #[error("reading {path}: {source}", path = path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A definition that makes no sense.
    #[error("{path}:{source}", path = path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: ProviderSyntax,
    },
    /// A name that would be taken for something else.
    #[error(
        "{path}: a provider's name is made of letters, digits, '_' and '-', and is not perfvt; call the file otherwise",
        path = path.display()
    )]
    Name {
        /// The file.
        path: PathBuf,
    },
    /// No such provider.
    #[error("no provider is called '{name}'; {known}")]
    Unknown {
        /// The name.
        name: String,
        /// Those that there are, as a sentence.
        known: String,
    },
    /// git, or gpg behind it, said no.
    #[error("provider {name}: {doing}: {source}")]
    Git {
        /// The provider.
        name: String,
        /// What was being done.
        doing: String,
        /// What it said.
        source: ProcessError,
    },
    /// A key without anything that it could have signed.
    #[error("provider {name}: pubkey verifies a signed tag, and {what}; set `ref` to one in {path}", path = path.display())]
    NotATag {
        /// The provider.
        name: String,
        /// What is there instead.
        what: String,
        /// The definition.
        path: PathBuf,
    },
    /// A repository that git would reach by a program of somebody's.
    #[error(
        "{path}: {why}; git fetches providers by https, ssh, http, git (URLs, or user@host:path), and from folders of this \
         host (/path, file:///path)",
        path = path.display()
    )]
    Uri {
        /// The definition.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// Files that are not those of the commit that is pinned.
    #[error(
        "provider {name}: its files in {folder} are not those of commit {commit} as they were fetched: {what}; `perfvt \
         provider update {name}` fetches them anew",
        folder = folder.display()
    )]
    Damaged {
        /// The provider.
        name: String,
        /// The commit.
        commit: String,
        /// Where they are.
        folder: PathBuf,
        /// The first difference, quoted.
        what: String,
    },
    /// Files in the cache.
    #[error("writing files in {path}: {source}", path = path.display())]
    Write {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A local folder with keys for git.
    #[error("provider {name}: {uri} is not there")]
    NoFolder {
        /// The provider.
        name: String,
        /// The folder.
        uri: String,
    },
    /// The cache.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The cache has no place.
    #[error("neither XDG_CACHE_HOME nor HOME says where the cache is")]
    NoCache,
}

/// Where definitions are: `test-providers.d` in perfvt's folder of the user's configuration.
pub fn folder() -> Option<PathBuf> {
    super::home().map(|home| home.join("test-providers.d"))
}

/// What a folder of definitions holds. One that is broken hides none of the others.
#[derive(Debug, Default)]
pub struct Definitions {
    /// Those that can be read, by name.
    pub good: Vec<Definition>,
    /// The others: each with its name, and why.
    pub broken: Vec<(String, ProviderError)>,
}

/// All definitions of a folder, by name. None when there is no such folder.
pub fn definitions(folder: &Path) -> Definitions {
    let mut all = Definitions::default();
    let Ok(entries) = std::fs::read_dir(folder) else { return all };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|ending| ending == "ini"));
    paths.sort();
    for path in paths {
        let name = path.file_stem().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        match definition(&name, path) {
            Ok(definition) => all.good.push(definition),
            Err(error) => all.broken.push((name, error)),
        }
    }
    all
}

fn definition(name: &str, path: PathBuf) -> Result<Definition, ProviderError> {
    let text = edge::read_text(&path, edge::read::CONFIG)
        .map_err(|source| ProviderError::Read { path: path.clone(), source })?;
    defined(name, path, &text)
}

/// The definition that a file of this name has as its text.
///
/// # Errors
/// A name that no provider may have, or a text that is no definition.
pub fn defined(name: &str, path: PathBuf, text: &str) -> Result<Definition, ProviderError> {
    let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    if name.is_empty() || !name.chars().all(good) || name == "perfvt" {
        return Err(ProviderError::Name { path });
    }
    let provider = parse(text).map_err(|source| ProviderError::Syntax { path: path.clone(), source })?;
    Ok(Definition { name: name.to_owned(), path, provider })
}

impl Definitions {
    /// Whether there is none, good or broken.
    pub fn is_empty(&self) -> bool {
        self.good.is_empty() && self.broken.is_empty()
    }

    /// The definition of a name; `None` when nobody made one.
    pub fn get(&self, name: &str) -> Option<Result<&Definition, &ProviderError>> {
        let good = self.good.iter().find(|definition| definition.name == name);
        let broken = || self.broken.iter().find(|(broken, _)| broken == name);
        good.map(Ok).or_else(|| broken().map(|(_, error)| Err(error)))
    }

    /// The error for a name that nobody defined.
    pub fn unknown(&self, name: &str) -> ProviderError {
        let names: Vec<&str> = self.good.iter().map(|d| d.name.as_str()).collect();
        let known = match names.as_slice() {
            [] => "none is defined (`perfvt help cartesian` says how)".to_owned(),
            names => format!("there are {}", names.join(", ")),
        };
        ProviderError::Unknown { name: name.to_owned(), known }
    }
}

/// Where what was fetched is kept.
///
/// # Errors
/// When nothing says where the cache is.
pub fn cache() -> Result<PathBuf, ProviderError> {
    Cache::from_env().map(|cache| cache.root().join("providers")).map_err(|_| ProviderError::NoCache)
}

/// Whether a provider is a repository that is to be fetched; a folder is used as it is.
///
/// # Errors
/// A `uri` that nothing is fetched from.
pub fn is_fetched(definition: &Definition) -> Result<bool, ProviderError> {
    Ok(matches!(source::source(definition)?, source::Source::Repository(_)))
}

/// How the line of a provider ends of which nothing is here.
pub const NOT_FETCHED: &str = "not fetched yet";

/// A provider in one line: its name, where it is from, and what is here of it.
///
/// # Errors
/// What is wrong with it, as [`pinned`] says.
pub fn describe(definition: &Definition, cache: &Path) -> Result<String, ProviderError> {
    let state = match pinned(definition, cache)? {
        None => NOT_FETCHED.to_owned(),
        Some(Checkout { commit: None, .. }) => "a folder, used as it is".to_owned(),
        Some(Checkout { commit: Some(commit), verified, .. }) => {
            let signed = if verified { ", signature verified" } else { "" };
            format!("commit {commit}{signed}")
        }
    };
    Ok(format!("{}  {}  {state}", definition.name, definition.provider.uri))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn definitions_are_the_ini_files_of_a_folder() {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
        write("b.ini", "[provider]\nuri: /b\n");
        write("a.ini", "[provider]\nuri: /a\n");
        write("README", "nothing");
        let all = definitions(dir.path());
        assert_eq!(all.good.iter().map(|d| d.name.as_str()).collect::<Vec<_>>(), ["a", "b"]);
        assert!(all.get("c").is_none() && all.get("a").unwrap().is_ok());
        assert_eq!(all.unknown("c").to_string(), "no provider is called 'c'; there are a, b");
        assert!(definitions(&dir.path().join("nothing")).is_empty());
    }

    #[test]
    fn a_broken_definition_has_a_name_and_a_reason_and_hides_no_other() {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
        write("a.ini", "[provi");
        write("b.ini", "[provider]\nuri: /b\n");
        write("perfvt.ini", "[provider]\nuri: /a\n");
        let all = definitions(dir.path());
        assert_eq!(all.good.iter().map(|d| d.name.as_str()).collect::<Vec<_>>(), ["b"]);
        assert_eq!(all.broken.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["a", "perfvt"]);
        assert!(all.get("a").unwrap().unwrap_err().to_string().contains("a.ini:1: '[provi' is neither"));
        assert!(all.get("perfvt").unwrap().unwrap_err().to_string().contains("call the file otherwise"));
    }
}
