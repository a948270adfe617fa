//! The commits between a good and a bad one, in the order in which a bisection numbers them.

use crate::error::BuildError;
use crate::git::{Commit, Repository};

/// Which commits a range holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// Those that a branch got one after the other: a merge is one of them, what it brought is none.
    #[default]
    FirstParent,
    /// Every commit that the bad end has and the good one has not, older ones first (git's topological order).
    All,
}

/// A line of commits; the first is the good end, the last the bad one.
#[derive(Clone, Debug, PartialEq)]
pub struct Range {
    commits: Vec<Commit>,
}

impl Range {
    /// The range of `GOOD..BAD`.
    ///
    /// # Errors
    /// It is not so written, an end is no commit, good is no ancestor of bad, or they are one commit.
    pub fn of(repository: &Repository, written: &str, order: Order) -> Result<Range, BuildError> {
        let (good, bad) = split(written)?;
        let (good, bad) = (repository.commit(good)?, repository.commit(bad)?);
        if good.id == bad.id {
            return Err(BuildError::Range(format!("{written}: both ends are {}", good.short())));
        }
        let is_before = ["merge-base", "--is-ancestor", &good.id, &bad.id];
        if repository.ask("comparing the ends", &is_before).is_err() {
            return Err(unrelated(repository, written, &good, &bad));
        }
        let between = format!("{}..{}", good.id, bad.id);
        let mut args = vec!["--topo-order", "--reverse"];
        if order == Order::FirstParent {
            args.push("--first-parent");
        }
        args.extend(["--end-of-options", between.as_str()]);
        let mut commits = vec![good];
        commits.extend(repository.log("listing the commits of a range", &args)?);
        let meets_good = |line: &[Commit]| {
            order == Order::All
                || line.windows(2).take(1).all(|pair| pair[1].parents.first() == Some(&pair[0].id))
        };
        match commits.last() {
            Some(last) if last.id == bad.id && meets_good(&commits) => Ok(Range { commits }),
            _ => Err(BuildError::Range(format!(
                "{written}: on the way of first parents from {} no {} is met; --into-merge looks at what merges brought, too",
                bad.short(),
                commits.first().map_or("good end", Commit::short)
            ))),
        }
    }

    /// The ends of `GOOD..BAD` as they are written.
    ///
    /// # Errors
    /// It is not so written.
    pub fn ends(written: &str) -> Result<(&str, &str), BuildError> {
        split(written)
    }

    /// The good end, what lies between, and the bad end.
    pub fn commits(&self) -> &[Commit] {
        &self.commits
    }

    /// How likely each commit behind the good end is the culprit before anything is measured, relative to one another: one that
    /// touches nothing but documents and tests hardly is, and may be all the same. `paths` gives what a commit touches.
    pub fn weights(&self, mut paths: impl FnMut(&Commit) -> Vec<String>) -> Vec<f64> {
        let weight = |paths: Vec<String>| {
            let idle = !paths.is_empty() && paths.iter().all(|path| is_idle(path));
            if idle { IDLE } else { 1.0 }
        };
        self.commits.iter().skip(1).map(|commit| weight(paths(commit))).collect()
    }
}

/// What a commit that touches no code weighs against one that does.
const IDLE: f64 = 0.02;

/// Whether a path is of documents or tests by the customs of QEMU, the Linux kernel and most others.
fn is_idle(path: &str) -> bool {
    let folders = [
        "docs/",
        "doc/",
        "documentation/",
        "tests/",
        "test/",
        "tools/testing/",
        ".github/",
        ".gitlab-ci.d/",
        "po/",
    ];
    let files =
        ["maintainers", "readme", "changelog", "license", "copying", "credits", ".mailmap", ".gitignore"];
    let path = path.to_ascii_lowercase();
    let name = path.rsplit('/').next().unwrap_or_default();
    folders.iter().any(|folder| path.starts_with(folder))
        || files.iter().any(|file| name.starts_with(file))
        || [".md", ".rst", ".texi"].iter().any(|end| name.ends_with(end))
}

/// The ends of `GOOD..BAD`.
fn split(written: &str) -> Result<(&str, &str), BuildError> {
    let wrong = |why: &str| Err(BuildError::Range(format!("'{written}' {why}; write GOOD..BAD")));
    if written.contains("...") {
        return wrong("has three dots, which is another question of git's");
    }
    match written.split_once("..") {
        Some((good, bad)) if !good.is_empty() && !bad.is_empty() && !bad.contains("..") => Ok((good, bad)),
        _ => wrong("has no two ends"),
    }
}

/// Why two commits are no ends of one line, with what might be meant.
fn unrelated(repository: &Repository, written: &str, good: &Commit, bad: &Commit) -> BuildError {
    let is_before = ["merge-base", "--is-ancestor", bad.id.as_str(), good.id.as_str()];
    if repository.ask("comparing the ends", &is_before).is_ok() {
        let text =
            format!("{written}: {} comes before {}; the good end stands first", bad.short(), good.short());
        return BuildError::Range(text);
    }
    let base = repository.ask("looking for what both follow", &["merge-base", &good.id, &bad.id]);
    BuildError::Range(match base {
        Ok(base) if !base.is_empty() => {
            let base = base.get(..12).unwrap_or(&base);
            format!(
                "{written}: {} does not follow {}; both follow {base}, which may be a good end",
                bad.short(),
                good.short()
            )
        }
        _ => format!("{written}: {} and {} have no commit in common", good.short(), bad.short()),
    })
}
