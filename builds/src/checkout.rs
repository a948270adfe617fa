//! The files of a commit in a folder of the cache, by a bare repository that borrows the user's objects.

use crate::error::{BuildError, failing};
use crate::git::{ATTRIBUTES, PLAIN, Repository, git};
use edge::Made;
use process::ProcessError;
use process::deadlines::{HOST_WORK, WHOLE_FILE};
use std::fs::{self, File};
use std::path::{Component, Path, PathBuf};

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
    /// What .gitmodules calls it, if that has it.
    name: Option<String>,
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
        if repository.origin().is_some() {
            let attributes = bare.join("info/attributes");
            edge::write_atomically(&attributes, ATTRIBUTES.as_bytes())
                .map_err(failing("writing", &attributes))?;
        }
        Ok(mirror)
    }

    /// What stands before git's words: the place, and for a tarball that nobody's settings change its files.
    fn at<'a>(&self, place: [&'a str; 2]) -> Vec<&'a str> {
        let plain = self.of.origin().map_or(&[][..], |_| &PLAIN[..]);
        plain.iter().flat_map(|option| ["-c", option]).chain(place).collect()
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
        let there = self.at(["-C", place.as_str()]);
        // What a patch of the last build changed goes back first, for a checkout keeps it. Where that cannot be done the clone
        // was made anew since: what was checked out of the old one goes, too.
        let goes_on =
            folder.join(".git").exists() && git(&there, &["reset", "--quiet", "--hard"], WHOLE_FILE).is_ok();
        if !goes_on {
            clear(folder)?;
            let bare = self.at(["--git-dir", bare.as_str()]);
            let _ = git(&bare, &["worktree", "prune"], HOST_WORK);
            let add = ["worktree", "add", "--quiet", "--force", "--detach", &place, commit];
            self.told(git(&bare, &add, WHOLE_FILE), doing)?;
        } else {
            let to = ["checkout", "--quiet", "--force", "--detach", commit];
            self.told(git(&there, &to, WHOLE_FILE), doing)?;
        }
        let clean = ["clean", "--quiet", "-ffdx"];
        self.told(git(&there, &clean, WHOLE_FILE), doing)?;
        self.submodules(commit, folder)
    }

    /// Puts a patch on what is checked out.
    pub fn apply(&self, patch: &Path, folder: &Path) -> Result<(), BuildError> {
        let (place, patch) = (folder.display().to_string(), patch.display().to_string());
        let apply = ["apply", "--whitespace=nowarn", "--", &patch];
        self.told(git(&self.at(["-C", &place]), &apply, HOST_WORK), "putting the patch on").map(|_| ())
    }

    /// The submodules of a commit that the user's repository has; those that it has not stay empty, as in the user's clone, and
    /// the build says what it misses.
    fn submodules(&self, commit: &str, folder: &Path) -> Result<(), BuildError> {
        // A name that climbs out of its folder is refused by git, too (CVE-2018-11235).
        let climbs = |text: &str| {
            Path::new(text).components().any(|c| matches!(c, Component::ParentDir | Component::RootDir))
        };
        for module in self.listed(commit, folder)? {
            if climbs(&module.path) {
                continue;
            }
            let place = folder.join(&module.path);
            let name = module.name.as_deref().filter(|name| !climbs(name));
            let own = name.map(|name| self.of.common().join("modules").join(name));
            let Some(own) = own.filter(|own| own.join("objects").is_dir()) else {
                // What the build before had there is no part of this one.
                clear(&place)?;
                edge::write::create_directory(&place).map_err(failing("creating", &place))?;
                continue;
            };
            if taken_on(&own, &place, &module.commit)? {
                continue;
            }
            clear(&place)?;
            let (from, to) = (own.display().to_string(), place.display().to_string());
            let clone = ["clone", "--quiet", "--shared", "--no-checkout", "--", &from, &to];
            self.told(git(&[], &clone, WHOLE_FILE), "cloning a submodule")?;
            let checkout = ["checkout", "--quiet", "--force", "--detach", &module.commit];
            self.told(git(&["-C", &to], &checkout, WHOLE_FILE), "checking a submodule out")?;
        }
        Ok(())
    }

    fn listed(&self, commit: &str, folder: &Path) -> Result<Vec<Submodule>, BuildError> {
        let place = folder.display().to_string();
        let there = ["-C", place.as_str()];
        let doing = "listing submodules";
        let tree = self.told(git(&there, &["ls-tree", "-r", "-z", commit], HOST_WORK), doing)?;
        let asked = ["config", "--file", ".gitmodules", "-z", "--get-regexp", r"^submodule\..*\.path$"];
        let has_names = folder.join(".gitmodules").is_file();
        // git ends with 1 where no line fits.
        let names =
            if has_names { git(&there, &asked, HOST_WORK).unwrap_or_default() } else { String::new() };
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
        let found = links.map(|(path, commit)| Submodule {
            name: name_of(path),
            path: path.to_owned(),
            commit: commit.to_owned(),
        });
        Ok(found.collect())
    }
}

/// Makes the clone of a submodule that the build before left hold a commit, as [`Mirror::check_out`] does it; false where there is
/// none, or it cannot.
fn taken_on(own: &Path, place: &Path, commit: &str) -> Result<bool, BuildError> {
    if !place.join(".git").is_dir() {
        return Ok(false);
    }
    let alternates = place.join(".git/objects/info/alternates");
    let line = format!("{}\n", own.join("objects").display());
    edge::write_atomically(&alternates, line.as_bytes()).map_err(failing("writing", &alternates))?;
    let text = place.display().to_string();
    let steps: [&[&str]; 3] = [
        &["reset", "--quiet", "--hard"],
        &["checkout", "--quiet", "--force", "--detach", commit],
        &["clean", "--quiet", "-ffdx"],
    ];
    Ok(steps.iter().all(|args| git(&["-C", &text], args, WHOLE_FILE).is_ok()))
}

/// Removes a folder of a lane's.
pub(crate) fn clear(folder: &Path) -> Result<(), BuildError> {
    if !fs::exists(folder).map_err(failing("looking at", folder))? {
        return Ok(());
    }
    let ours = Made::found(folder, |_| true).map_err(failing("looking at", folder))?;
    ours.map_or(Ok(()), Made::remove).map_err(failing("removing", folder))
}
