//! The first-parent line of a branch: where each of its commits lies.

use crate::error::BuildError;
use crate::git::{Commit, Repository};
use std::collections::HashMap;

/// The commits of a branch, each the first parent of the next.
#[derive(Debug, Clone)]
pub struct Line {
    /// Their hashes, the oldest first.
    commits: Vec<String>,
    places: HashMap<String, i64>,
}

impl Line {
    /// The place of a commit, by its whole hash: the oldest one has 1, as `git rev-list --first-parent --count` counts. None
    /// beside the line.
    pub fn ordinal(&self, commit: &str) -> Option<i64> {
        self.places.get(commit).copied()
    }

    /// The commit at a place.
    pub fn at(&self, ordinal: i64) -> Option<&str> {
        let at = usize::try_from(ordinal.checked_sub(1)?).ok()?;
        self.commits.get(at).map(String::as_str)
    }
}

impl Repository {
    /// The line of a branch, a tag or a commit.
    ///
    /// # Errors
    /// There is none of this name, the clone is shallow, so that nobody knows how long the line is, or git cannot be asked.
    pub fn line(&self, branch: &str) -> Result<Line, BuildError> {
        let head = self.commit(branch)?.id;
        if self.ask("looking", &["rev-parse", "--is-shallow-repository"])? == "true" {
            return Err(BuildError::Range(format!(
                "{} is a shallow clone, in which no commit has its place on the line; `git fetch --unshallow` brings the others",
                self.folder().display()
            )));
        }
        let listed = self.ask("listing the commits of a branch", &["rev-list", "--first-parent", &head])?;
        let mut commits: Vec<String> = listed.lines().map(str::to_owned).collect();
        commits.reverse();
        let places = commits.iter().cloned().zip(1..).collect();
        Ok(Line { commits, places })
    }

    /// Commits of a line behind one place up to another, the oldest first, with their places.
    ///
    /// # Errors
    /// git cannot be asked.
    pub fn stretch(&self, line: &Line, after: i64, to: i64) -> Result<Vec<(i64, Commit)>, BuildError> {
        let Some(last) = line.at(to).filter(|_| after < to) else { return Ok(Vec::new()) };
        let mut words = vec!["--first-parent", last];
        let before = line.at(after).map(|commit| format!("^{commit}"));
        words.extend(before.as_deref());
        let found = self.log("reading commits of a branch", &words)?;
        let placed = found.into_iter().filter_map(|commit| Some((line.ordinal(&commit.id)?, commit)));
        let mut placed: Vec<_> = placed.filter(|(at, _)| after < *at && *at <= to).collect();
        placed.sort_by_key(|(at, _)| *at);
        Ok(placed)
    }
}
