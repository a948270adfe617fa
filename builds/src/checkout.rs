//! The files of a commit in a folder of the cache, by a bare repository that borrows the user's objects.

use crate::error::{BuildError, failing};
use crate::git::{Repository, git};
use edge::Made;
use process::ProcessError;
use process::deadlines::{HOST_WORK, WHOLE_FILE};
use std::fs::{self, File};
use std::path::{Path, PathBuf};

/// A bare repository in the cache. While it lives nobody else uses it.
#[derive(Debug)]
pub(crate) struct Mirror {
    folder: PathBuf,
    /// The user's, whose objects it borrows.
    of: Repository,
    _turn: File,
}

/// A submodule of a commit.
struct Submodule {
    name: String,
    path: String,
    commit: String,
}

impl Mirror {
    /// That of a repository, made where it is not there; waits while another process uses it.
    pub fn of(repository: &Repository, folder: &Path) -> Result<Mirror, BuildError> {
        edge::write::create_directory(folder).map_err(failing("creating", folder))?;
        let lock = folder.join("lock");
        let turn = edge::write::open_lock(&lock).map_err(failing("opening", &lock))?;
        turn.lock().map_err(failing("waiting for", &lock))?;
        let bare = folder.join("git");
        let mirror = Mirror { folder: bare.clone(), of: repository.clone(), _turn: turn };
        if !bare.join("HEAD").is_file() {
            let text = bare.display().to_string();
            mirror
                .told(git(&[], &["init", "--quiet", "--bare", "--", &text], HOST_WORK), "making a mirror")?;
        }
        // Written each time: the repository may have moved.
        let alternates = bare.join("objects/info/alternates");
        let line = format!("{}\n", repository.common().join("objects").display());
        edge::write_atomically(&alternates, line.as_bytes()).map_err(failing("writing", &alternates))?;
        Ok(mirror)
    }

    fn told(&self, answer: Result<String, ProcessError>, doing: &str) -> Result<String, BuildError> {
        let repository = self.of.folder().to_owned();
        answer.map_err(|source| BuildError::Git { doing: doing.to_owned(), repository, source })
    }

    /// Makes `folder` hold the files of a commit, and nothing else of git's. Files that did not change keep their times, so
    /// that what was built of them stays good.
    pub fn check_out(&self, commit: &str, folder: &Path) -> Result<(), BuildError> {
        let (bare, place) = (self.folder.display().to_string(), folder.display().to_string());
        let doing = "checking a commit out";
        let there = ["-C", place.as_str()];
        // What a patch of the last build changed goes back first, for a checkout keeps it. Where that cannot be done the clone
        // was made anew since: what was checked out of the old one goes, too.
        let goes_on =
            folder.join(".git").exists() && git(&there, &["reset", "--quiet", "--hard"], WHOLE_FILE).is_ok();
        if !goes_on {
            clear(folder)?;
            let bare = ["--git-dir", bare.as_str()];
            let _ = git(&bare, &["worktree", "prune"], HOST_WORK);
            let add = ["worktree", "add", "--quiet", "--force", "--detach", &place, commit];
            self.told(git(&bare, &add, WHOLE_FILE), doing)?;
        } else {
            let to = ["checkout", "--quiet", "--force", "--detach", commit];
            self.told(git(&there, &to, WHOLE_FILE), doing)?;
        }
        let clean = ["clean", "--quiet", "-ffdx"];
        self.told(git(&["-C", &place], &clean, WHOLE_FILE), doing)?;
        self.submodules(commit, folder)
    }

    /// Puts a patch on what is checked out.
    pub fn apply(&self, patch: &Path, folder: &Path) -> Result<(), BuildError> {
        let (place, patch) = (folder.display().to_string(), patch.display().to_string());
        let apply = ["apply", "--whitespace=nowarn", "--", &patch];
        self.told(git(&["-C", &place], &apply, HOST_WORK), "putting the patch on").map(|_| ())
    }

    /// The submodules of a commit that the user's repository has; those that it has not stay empty, as in the user's clone, and
    /// the build says what it misses.
    fn submodules(&self, commit: &str, folder: &Path) -> Result<(), BuildError> {
        for module in self.listed(commit, folder)? {
            let own = self.of.common().join("modules").join(&module.name);
            let place = folder.join(&module.path);
            // A name that climbs out of its folder is refused by git, too (CVE-2018-11235).
            let climbs =
                |text: &str| Path::new(text).components().any(|c| c == std::path::Component::ParentDir);
            if climbs(&module.name) || climbs(&module.path) || !own.join("objects").is_dir() {
                continue;
            }
            let (from, to) = (own.display().to_string(), place.display().to_string());
            let clone = ["clone", "--quiet", "--shared", "--no-checkout", "--", &from, &to];
            self.told(git(&[], &clone, WHOLE_FILE), "cloning a submodule")?;
            let checkout = ["checkout", "--quiet", "--force", "--detach", &module.commit];
            self.told(git(&["-C", &to], &checkout, WHOLE_FILE), "checking a submodule out")?;
        }
        Ok(())
    }

    fn listed(&self, commit: &str, folder: &Path) -> Result<Vec<Submodule>, BuildError> {
        if !folder.join(".gitmodules").is_file() {
            return Ok(Vec::new());
        }
        let place = folder.display().to_string();
        let there = ["-C", place.as_str()];
        let doing = "listing submodules";
        let tree = self.told(git(&there, &["ls-tree", "-r", "-z", commit], HOST_WORK), doing)?;
        let asked = ["config", "--file", ".gitmodules", "-z", "--get-regexp", r"^submodule\..*\.path$"];
        let names = self.told(git(&there, &asked, HOST_WORK), doing)?;
        let links = tree.split('\0').filter_map(|entry| {
            let (what, path) = entry.split_once('\t')?;
            let mut words = what.split(' ');
            (words.next() == Some("160000")).then(|| Some((path, words.nth(1)?)))?
        });
        let name_of = |path: &str| {
            let own = names.split('\0').filter_map(|entry| entry.split_once('\n'));
            let key = own.into_iter().find(|(_, value)| *value == path)?.0;
            Some(key.strip_prefix("submodule.")?.strip_suffix(".path")?.to_owned())
        };
        let found = links.filter_map(|(path, commit)| {
            let name = name_of(path)?;
            Some(Submodule { name, path: path.to_owned(), commit: commit.to_owned() })
        });
        Ok(found.collect())
    }
}

/// Removes a folder of a lane's.
pub(crate) fn clear(folder: &Path) -> Result<(), BuildError> {
    if !fs::exists(folder).map_err(failing("looking at", folder))? {
        return Ok(());
    }
    let ours = Made::found(folder, |_| true).map_err(failing("looking at", folder))?;
    ours.map_or(Ok(()), Made::remove).map_err(failing("removing", folder))
}
