//! The files of one commit of a repository, for those who build them: fetched anew each time, because a branch goes on.

use super::git::Tree;
use super::source::{Repository, Source, source};
use super::{Definition, ProviderError};
use edge::Scratch;
use formats::provider::Provider;
use model::store::io_error;
use std::path::{Path, PathBuf};

/// A repository and what is wanted of it.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// What it is called in messages and folders.
    pub name: &'a str,
    /// A URL, or a path from `/` on.
    pub uri: &'a str,
    /// A branch, a tag or a commit; without it the end of the default branch.
    pub reference: Option<&'a str>,
}

/// Fetches the commit that is wanted into a scratch folder of `parent`, and hands `take` the commit and the folder with its
/// files, which is gone afterwards unless it was moved.
///
/// # Errors
/// A repository that git may not or cannot reach, a reference that is none, or no room.
pub fn tree_of<T>(
    asked: &Asked<'_>,
    parent: &Path,
    take: impl FnOnce(&str, &Path) -> Result<T, ProviderError>,
) -> Result<T, ProviderError> {
    let definition = Definition {
        name: asked.name.to_owned(),
        path: PathBuf::from("source"),
        provider: Provider {
            uri: asked.uri.to_owned(),
            reference: asked.reference.map(str::to_owned),
            ..Provider::default()
        },
    };
    let from = match source(&definition)? {
        Source::Folder(path) => Repository::here(&path),
        Source::Repository(repository) => repository,
    };
    let scratch = Scratch::create(parent, "").map_err(io_error("creating a folder in", parent))?;
    let tree = Tree::new(scratch.path().to_owned());
    tree.clone(&definition, &from)?;
    let commit = match asked.reference {
        None => tree.wanted(&definition)?,
        Some(reference) => {
            let doing = format!("looking for {}", edge::quoted(reference));
            let names =
                [format!("refs/heads/{reference}"), format!("refs/tags/{reference}"), reference.to_owned()];
            tree.commit(&definition, &doing, &[&names[0], &names[1], &names[2]])?
        }
    };
    tree.write_files(&definition, &commit)?;
    take(&commit, &tree.files())
}
