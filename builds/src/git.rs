//! The git program, asked in a repository of the user's that nothing is written to.

use crate::error::BuildError;
use process::deadlines::HOST_WORK;
use process::{GitOf, ProcessError, run};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Files of a tarball come out as they came in, whatever its own attributes say (gitattributes(5)).
pub(crate) const ATTRIBUTES: &str = "* -text -filter -ident -working-tree-encoding\n";
/// The same for what a user has set.
pub(crate) const PLAIN: [&str; 3] =
    ["core.autocrlf=false", "core.excludesFile=/dev/null", "core.attributesFile=/dev/null"];

/// Runs git and gives what it said, without the last line's end.
pub(crate) fn git(place: &[&str], args: &[&str], deadline: Duration) -> Result<String, ProcessError> {
    let bytes = git_bytes(place, args, deadline)?;
    Ok(String::from_utf8_lossy(&bytes).trim_end_matches('\n').to_owned())
}

/// The same, byte by byte.
pub(crate) fn git_bytes(place: &[&str], args: &[&str], deadline: Duration) -> Result<Vec<u8>, ProcessError> {
    run(process::git(GitOf::User, &[]).args(place).args(args), deadline)
}

/// One commit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Commit {
    /// Its hash, in hexadecimal digits.
    pub id: String,
    /// The hash of its tree: equal trees are equal sources.
    pub tree: String,
    /// The commits that it follows.
    pub parents: Vec<String>,
    /// When it was committed, in seconds since 1970.
    pub time: i64,
    /// When it was written.
    #[serde(default)]
    pub authored: i64,
    /// Who wrote it.
    pub author: String,
    /// The first line of its message.
    pub subject: String,
}

impl Commit {
    /// The first twelve digits of its hash.
    pub fn short(&self) -> &str {
        self.id.get(..12).unwrap_or(&self.id)
    }
}

/// How [`Repository::log`] has git print a commit.
const COMMIT: &str = "--format=%H%x1f%T%x1f%P%x1f%ct%x1f%at%x1f%an%x1f%s";

/// One line of that.
fn parsed(line: &str) -> Option<Commit> {
    let mut fields = line.splitn(7, '\x1f');
    let mut next = || fields.next().map(str::to_owned);
    Some(Commit {
        id: next()?,
        tree: next()?,
        parents: next()?.split_whitespace().map(str::to_owned).collect(),
        time: next()?.parse().ok()?,
        authored: next()?.parse().ok()?,
        author: next()?,
        subject: next()?,
    })
}

/// A repository of the user's.
#[derive(Clone, Debug)]
pub struct Repository {
    folder: PathBuf,
    /// Its .git, that of the main work tree where there are several.
    common: PathBuf,
    /// The tarball that its commit is of, in a repository of the cache.
    origin: Option<String>,
    /// A lock: while it lives nobody makes room by removing the repository.
    _held: Option<Arc<File>>,
}

impl Repository {
    /// Looks at a folder.
    ///
    /// # Errors
    /// It is in no repository, or git cannot be asked.
    pub fn open(folder: &Path) -> Result<Repository, BuildError> {
        let text = folder.display().to_string();
        let asked = ["rev-parse", "--path-format=absolute", "--git-common-dir"];
        match git(&["-C", &text], &asked, HOST_WORK) {
            Ok(common) => {
                let (folder, common) = (folder.to_owned(), PathBuf::from(common));
                Ok(Repository { folder, common, origin: None, _held: None })
            }
            Err(ProcessError::Failed { ref stderr, .. }) if stderr.contains("not a git repository") => {
                Err(BuildError::NoRepository { folder: folder.to_owned() })
            }
            Err(_) if !folder.is_dir() => Err(BuildError::NoRepository { folder: folder.to_owned() }),
            Err(source) => {
                Err(BuildError::Git { doing: "looking".to_owned(), repository: folder.to_owned(), source })
            }
        }
    }

    /// As that of a tarball of this name, with the lock on where tarballs lie.
    pub(crate) fn from(self, origin: &str, held: File) -> Repository {
        Repository { origin: Some(origin.to_owned()), _held: Some(Arc::new(held)), ..self }
    }

    /// The tarball that its commits are of, if they are of one.
    pub fn origin(&self) -> Option<&str> {
        self.origin.as_deref()
    }

    /// Where it is.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Its .git, which work trees share.
    pub fn common(&self) -> &Path {
        &self.common
    }

    /// Asks git in it.
    pub(crate) fn ask(&self, doing: &str, args: &[&str]) -> Result<String, BuildError> {
        let place = self.folder.display().to_string();
        git(&["-C", &place], args, HOST_WORK).map_err(|source| BuildError::Git {
            doing: doing.to_owned(),
            repository: self.folder.clone(),
            source,
        })
    }

    /// The commit of a branch, a tag, a hash or anything else that git understands (gitrevisions(7)).
    ///
    /// # Errors
    /// There is none, or git cannot be asked.
    pub fn commit(&self, name: &str) -> Result<Commit, BuildError> {
        let asked = format!("{name}^{{commit}}");
        let found = self
            .ask("looking for a commit", &["rev-parse", "--verify", "--quiet", "--end-of-options", &asked]);
        let id = match found {
            Ok(id) if !id.is_empty() => id,
            Err(BuildError::Git { source: ProcessError::Failed { .. }, .. }) | Ok(_) => {
                let (repository, name) = (self.folder.clone(), name.to_owned());
                return Err(BuildError::NoCommit { repository, name });
            }
            Err(error) => return Err(error),
        };
        let mut one = self.log("reading a commit", &["--max-count=1", &id])?;
        one.pop()
            .ok_or_else(|| BuildError::NoCommit { repository: self.folder.clone(), name: name.to_owned() })
    }

    /// Commits as `git log` gives them, the newest first.
    pub(crate) fn log(&self, doing: &str, args: &[&str]) -> Result<Vec<Commit>, BuildError> {
        let text =
            self.ask(doing, &[&["log", COMMIT, "--no-show-signature", "--no-color"], args].concat())?;
        Ok(text.lines().filter_map(parsed).collect())
    }

    /// Commits that the second has and the first has not, the newest last, at most the `most` newest.
    ///
    /// # Errors
    /// git cannot be asked, or does not know them.
    pub fn subjects(&self, good: &str, bad: &str, most: usize) -> Result<Vec<Commit>, BuildError> {
        let (most, between) = (format!("--max-count={most}"), format!("{good}..{bad}"));
        let args = ["--first-parent", most.as_str(), "--end-of-options", between.as_str()];
        let mut all = self.log("listing what lies between", &args)?;
        all.reverse();
        Ok(all)
    }

    /// The paths that a commit touches, against the first commit that it follows.
    ///
    /// # Errors
    /// git cannot be asked, or does not know it.
    pub fn paths(&self, commit: &str) -> Result<Vec<String>, BuildError> {
        let args = [
            "diff-tree",
            "--root",
            "--no-commit-id",
            "--name-only",
            "-r",
            "-m",
            "--first-parent",
            "-z",
            commit,
        ];
        let text = self.ask("listing what a commit touches", &args)?;
        Ok(text.split('\0').filter(|path| !path.is_empty()).map(str::to_owned).collect())
    }

    /// What takes a commit back, as a patch: from it to its first parent.
    ///
    /// # Errors
    /// git cannot be asked, or the commit has no parent.
    pub fn reverse(&self, commit: &str) -> Result<Vec<u8>, BuildError> {
        let (place, parent) = (self.folder.display().to_string(), format!("{commit}^1"));
        let args = [
            "diff",
            "--binary",
            "--full-index",
            "--no-ext-diff",
            "--no-textconv",
            "--no-color",
            commit,
            &parent,
        ];
        git_bytes(&["-C", &place], &args, HOST_WORK).map_err(|source| BuildError::Git {
            doing: "reading what takes a commit back".to_owned(),
            repository: self.folder.clone(),
            source,
        })
    }

    /// What git says of the work tree, an entry each, as `git status --porcelain=v2` has them (git-status(1)).
    fn status(&self) -> Result<Vec<String>, BuildError> {
        let args = [
            "status",
            "--porcelain=v2",
            "-z",
            "--no-renames",
            "--untracked-files=normal",
            "--ignore-submodules=none",
        ];
        let text = self.ask("looking at the work tree", &args)?;
        Ok(text.split('\0').filter(|entry| !entry.is_empty()).map(str::to_owned).collect())
    }

    /// Files and folders of the work tree that git does not know and does not ignore.
    ///
    /// # Errors
    /// git cannot be asked.
    pub fn untracked(&self) -> Result<Vec<String>, BuildError> {
        let all = self.status()?;
        Ok(all.iter().filter_map(|entry| entry.strip_prefix("? ")).map(str::to_owned).collect())
    }

    /// What the work tree has beside its last commit, as a patch; nothing where it has nothing. Files that git does not know are
    /// no part of it ([`Repository::untracked`]).
    ///
    /// # Errors
    /// git cannot be asked, or a submodule has changed files or another commit: no patch has those.
    pub fn uncommitted(&self) -> Result<Option<Vec<u8>>, BuildError> {
        self.uncommitted_since("HEAD")
    }

    /// The same beside a commit that was the last one when it was looked for.
    ///
    /// # Errors
    /// As [`Repository::uncommitted`].
    pub fn uncommitted_since(&self, commit: &str) -> Result<Option<Vec<u8>>, BuildError> {
        let all = self.status()?;
        if let Some(path) = all.iter().find_map(|entry| changed_submodule(entry)) {
            return Err(BuildError::Submodule { repository: self.folder.clone(), path: path.to_owned() });
        }
        let place = self.folder.display().to_string();
        let args =
            ["diff", "--binary", "--full-index", "--no-ext-diff", "--no-textconv", "--no-color", commit];
        let patch = git_bytes(&["-C", &place], &args, HOST_WORK).map_err(|source| BuildError::Git {
            doing: "reading what is not committed".to_owned(),
            repository: self.folder.clone(),
            source,
        })?;
        Ok((!patch.is_empty()).then_some(patch))
    }
}

/// The path of a submodule that an entry of a status is of, if it has changed files or another commit than the last commit has:
/// `1 XY SCMU mH mI mW hH hI PATH`. Only files in it that git does not know (`S..U`) are no part of anything.
fn changed_submodule(entry: &str) -> Option<&str> {
    let mut fields = entry.splitn(9, ' ');
    let (kind, index, submodule) = (fields.next()?, fields.next()?, fields.next()?);
    let is_changed = !index.starts_with('.') || submodule.contains(['C', 'M']);
    (kind == "1" && submodule.starts_with('S') && is_changed).then(|| fields.nth(5))?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_submodule_has_changed_by_its_files_and_its_commit_and_not_by_what_git_does_not_know() {
        let of = |index: &str, word: &str| {
            let entry = format!("1 {index} {word} 160000 160000 160000 0a 0b sub/a part");
            changed_submodule(&entry).map(str::to_owned)
        };
        for (index, word) in [(".M", "SC.."), (".M", "S.M."), ("M.", "S..."), ("A.", "S...")] {
            assert_eq!(of(index, word).as_deref(), Some("sub/a part"), "{index} {word}");
        }
        assert_eq!((of(".M", "S..U"), of("MM", "N...")), (None, None));
        assert_eq!(changed_submodule("? sub/part"), None);
    }
}
