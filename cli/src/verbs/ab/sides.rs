//! What is compared: commits, a patch, what is not committed, a tarball, packages of a distribution.

use super::{is_built, plain};
use crate::Error;
use crate::args::Ab;
use crate::verbs::build::{What, built, bytes, store};
use builds::{Commit, Recipe, Record, Repository, Wanted, unpacked};
use serde::Serialize;
use std::io::Write;
use std::path::{Path, PathBuf};

/// One build of the comparison.
#[derive(Debug, Serialize)]
pub(super) struct Side {
    /// Its environment.
    pub name: String,
    /// What was asked for.
    pub asked: String,
    /// The commit; none of packages.
    pub commit: Option<Commit>,
    pub build: Record,
}

impl Side {
    /// What it is, in a word: its commit, or the files that it is of.
    pub fn origin(&self) -> String {
        match (&self.commit, self.build.sources.as_slice()) {
            (Some(commit), []) => commit.short().to_owned(),
            (_, sources) => edge::text::cut(&sources.join(", ")),
        }
    }

    /// The commit, if it is one of the repository's.
    pub fn of_repository(&self) -> Option<&Commit> {
        self.commit.as_ref().filter(|_| self.build.sources.is_empty())
    }
}

/// Something that is to be compared. A colon is in no name of a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Asked<'a> {
    Commit(&'a str),
    /// On top of the baseline.
    Patch(&'a Path),
    /// The last commit with what the work tree has beside it.
    Dirty,
    Tarball(&'a Path),
    Packages(Vec<PathBuf>),
}

impl<'a> Asked<'a> {
    /// What a user wrote.
    pub fn of(word: &'a str) -> Asked<'a> {
        match word.split_once(':') {
            Some(("patch", file)) => Asked::Patch(Path::new(file)),
            Some(("tar", file)) => Asked::Tarball(Path::new(file)),
            Some(("package", files)) => Asked::Packages(files.split(',').map(PathBuf::from).collect()),
            Some(("dirty", "")) => Asked::Dirty,
            _ => Asked::Commit(word),
        }
    }

    /// Looks whether it is there.
    ///
    /// # Errors
    /// It is not.
    pub fn look(&self, repository: &Repository) -> Result<(), Error> {
        let files: Vec<&Path> = match self {
            Asked::Commit(name) => {
                repository.commit(name)?;
                Vec::new()
            }
            Asked::Dirty => {
                if repository.uncommitted()?.is_none() {
                    let folder = repository.folder().display();
                    return Err(format!("dirty: {folder} has nothing that is not committed").into());
                }
                Vec::new()
            }
            Asked::Patch(file) | Asked::Tarball(file) => vec![file],
            Asked::Packages(files) => files.iter().map(PathBuf::as_path).collect(),
        };
        match files.iter().find(|file| !file.is_file()) {
            Some(file) => Err(format!("{}: no such file", file.display()).into()),
            None => Ok(()),
        }
    }

    fn word(&self) -> String {
        match self {
            Asked::Commit(name) => (*name).to_owned(),
            Asked::Patch(file) => format!("patch:{}", file.display()),
            Asked::Dirty => "dirty:".to_owned(),
            Asked::Tarball(file) => format!("tar:{}", file.display()),
            Asked::Packages(files) => {
                let files: Vec<String> = files.iter().map(|file| file.display().to_string()).collect();
                format!("package:{}", files.join(","))
            }
        }
    }

    /// What people call it.
    fn called(&self) -> String {
        let stem = |file: &Path| {
            let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            let ends = [".gz", ".xz", ".zst", ".bz2", ".tar", ".tgz", ".deb", ".rpm", ".patch", ".diff"];
            ends.iter().fold(name, |name, end| name.strip_suffix(end).unwrap_or(&name).to_owned())
        };
        match self {
            Asked::Commit(name) => (*name).to_owned(),
            Asked::Dirty => "dirty".to_owned(),
            Asked::Patch(file) | Asked::Tarball(file) => stem(file),
            Asked::Packages(files) => files.first().map(|file| stem(file)).unwrap_or_default(),
        }
    }

    /// Builds it; none where it does not build, which is told.
    pub fn built(
        &self,
        repository: &Repository,
        recipe: &Recipe,
        args: &Ab,
        others: &[Side],
        err: &mut dyn Write,
    ) -> Result<Option<Side>, Error> {
        let (commit, build) = match self {
            Asked::Packages(files) => {
                let arch = std::env::consts::ARCH.to_owned();
                let usual = || Wanted::Usual(arch);
                let wanted = args.of.product.clone().map_or_else(usual, Wanted::Path);
                (None, unpacked(&store()?, files, &wanted)?)
            }
            Asked::Tarball(file) => {
                let (repository, commit) = store()?.tarball(file)?;
                let what = What { repository: &repository, commit: &commit, patch: None, recipe };
                let record = built(&what, &args.of.way, err)?;
                (Some(commit), record)
            }
            Asked::Commit(_) | Asked::Patch(_) | Asked::Dirty => {
                let (name, patch) = match self {
                    Asked::Commit(name) => (*name, None),
                    Asked::Patch(file) => (builds::Range::ends(&args.range)?.0, Some(bytes(file)?)),
                    _ => ("HEAD", repository.uncommitted()?),
                };
                let commit = repository.commit(name)?;
                let what = What { repository, commit: &commit, patch: patch.as_deref(), recipe };
                let record = built(&what, &args.of.way, err)?;
                (Some(commit), record)
            }
        };
        if !is_built(&build, err)? {
            return Ok(None);
        }
        Ok(Some(Side { name: named(&self.called(), &build, others), asked: self.word(), commit, build }))
    }
}

/// The name of an environment: that of the build as the user said it, with its key where another one has that name.
fn named(called: &str, build: &Record, others: &[Side]) -> String {
    let name = plain(called);
    if !others.iter().any(|other| other.name == name) {
        return name;
    }
    let hash = if build.commit.is_empty() || build.patch.is_some() { &build.key } else { &build.commit };
    format!("{name}-{}", hash.get(..12).unwrap_or(hash))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_compared_is_told_by_the_word_before_a_colon() {
        assert_eq!(Asked::of("v9.0.0"), Asked::Commit("v9.0.0"));
        assert_eq!(Asked::of("dirty"), Asked::Commit("dirty"));
        assert_eq!(Asked::of("dirty:"), Asked::Dirty);
        assert_eq!(Asked::of("tar:a.tar.xz"), Asked::Tarball(Path::new("a.tar.xz")));
        assert_eq!(Asked::of("package:a.deb,b.deb"), Asked::Packages(vec!["a.deb".into(), "b.deb".into()]));
        assert_eq!(Asked::of("patch:../fix.patch").called(), "fix");
        assert_eq!(Asked::of("tar:qemu-9.1.0.tar.xz").called(), "qemu-9.1.0");
    }
}
