//! Test providers: folders and git repositories of other people that bring configurations, guest definitions and
//! workloads.
//!
//! ```text
//!   test-providers.d/NAME.ini ──> Definition ──> source ──> checkout (git) ──> NAME:PATH in includes (beneath)
//!                                                              └── pin: the commit, until `perfvt provider update`
//! ```

pub(super) mod beneath;
mod checkout;
mod git;
mod source;

pub use checkout::{Checkout, checkout, pinned, update};

use crate::guest::image::Cache;
use formats::provider::{Provider, ProviderSyntax, parse};
use model::store::StoreError;
use process::ProcessError;
use std::io;
use std::path::{Path, PathBuf};

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

/// All definitions of a folder, by name. None when there is no such folder.
///
/// # Errors
/// One that cannot be read.
pub fn definitions(folder: &Path) -> Result<Vec<Definition>, ProviderError> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Ok(Vec::new()) };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|ending| ending == "ini"));
    paths.sort();
    paths.into_iter().map(definition).collect()
}

fn definition(path: PathBuf) -> Result<Definition, ProviderError> {
    let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    let name = path.file_stem().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
    if name.is_empty() || !name.chars().all(good) || name == "perfvt" {
        return Err(ProviderError::Name { path });
    }
    let text = edge::read_text(&path, edge::read::CONFIG)
        .map_err(|source| ProviderError::Read { path: path.clone(), source })?;
    let provider = parse(&text).map_err(|source| ProviderError::Syntax { path: path.clone(), source })?;
    Ok(Definition { name, path, provider })
}

/// The definition of a name.
///
/// # Errors
/// When there is none.
pub fn find<'d>(all: &'d [Definition], name: &str) -> Result<&'d Definition, ProviderError> {
    all.iter().find(|definition| definition.name == name).ok_or_else(|| {
        let names: Vec<&str> = all.iter().map(|d| d.name.as_str()).collect();
        let known = match names.as_slice() {
            [] => "none is defined (`perfvt help cartesian` says how)".to_owned(),
            names => format!("there are {}", names.join(", ")),
        };
        ProviderError::Unknown { name: name.to_owned(), known }
    })
}

/// Where what was fetched is kept.
///
/// # Errors
/// When nothing says where the cache is.
pub fn cache() -> Result<PathBuf, ProviderError> {
    Cache::from_env().map(|cache| cache.root().join("providers")).map_err(|_| ProviderError::NoCache)
}

/// A provider in one line: its name, where it is from, and what is here of it.
///
/// # Errors
/// As those of [`pinned`].
pub fn describe(definition: &Definition, cache: &Path) -> Result<String, ProviderError> {
    let state = match pinned(definition, cache) {
        // Of one provider, and no reason to say nothing about the others.
        Err(error @ ProviderError::Damaged { .. }) => return Ok(error.to_string()),
        Err(error) => return Err(error),
        Ok(None) => "not fetched yet".to_owned(),
        Ok(Some(Checkout { commit: None, .. })) => "a folder, used as it is".to_owned(),
        Ok(Some(Checkout { commit: Some(commit), verified, .. })) => {
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
        let all = definitions(dir.path()).unwrap();
        assert_eq!(all.iter().map(|d| d.name.as_str()).collect::<Vec<_>>(), ["a", "b"]);
        let error = find(&all, "c").unwrap_err().to_string();
        assert_eq!(error, "no provider is called 'c'; there are a, b");
        write("perfvt.ini", "[provider]\nuri: /a\n");
        assert!(definitions(dir.path()).unwrap_err().to_string().contains("call the file otherwise"));
        assert!(definitions(&dir.path().join("nothing")).unwrap().is_empty());
    }
}
