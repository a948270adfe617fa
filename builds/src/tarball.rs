//! A tarball of sources as a commit: of a repository in the cache, so that it is checked out, patched and built as any other.

use crate::archive::{unpack, unpacking};
use crate::error::{BuildError, failing};
use crate::git::{ATTRIBUTES, Commit, PLAIN, Repository};
use crate::store::Store;
use edge::Scratch;
use process::deadlines::WHOLE_FILE;
use process::{GitOf, run};
use std::fs::File;
use std::path::{Path, PathBuf};

/// The lane in which tarballs lie; `perfvt gc` takes it as it takes others.
const LANE: &str = "tarballs";

/// Names and days of commits: equal files are equal commits.
const NOBODY: [&str; 6] = [
    "GIT_AUTHOR_NAME=tarball",
    "GIT_AUTHOR_EMAIL=",
    "GIT_AUTHOR_DATE=@0 +0000",
    "GIT_COMMITTER_NAME=tarball",
    "GIT_COMMITTER_EMAIL=",
    "GIT_COMMITTER_DATE=@0 +0000",
];

/// A bare repository of tarballs.
struct Tarballs {
    folder: PathBuf,
}

impl Tarballs {
    fn git(&self, tree: Option<&Path>, index: Option<&Path>, args: &[&str]) -> Result<String, BuildError> {
        let mut environment = NOBODY.map(str::to_owned).to_vec();
        environment.extend(index.map(|index| format!("GIT_INDEX_FILE={}", index.display())));
        let mut place = vec!["--git-dir".to_owned(), self.folder.display().to_string()];
        place.extend(tree.iter().flat_map(|tree| ["--work-tree".to_owned(), tree.display().to_string()]));
        let plain = PLAIN.iter().flat_map(|option| ["-c", option]);
        let spec = process::git(GitOf::User, &environment).args(plain).args(place).args(args);
        let said = run(spec, WHOLE_FILE).map_err(|source| BuildError::Git {
            doing: "taking a tarball in".to_owned(),
            repository: self.folder.clone(),
            source,
        })?;
        Ok(String::from_utf8_lossy(&said).trim().to_owned())
    }

    /// The commit of what lies in a folder.
    fn commit(&self, tree: &Path, index: &Path, subject: &str, name: &str) -> Result<(), BuildError> {
        self.git(Some(tree), Some(index), &["add", "--all", "--force", "--", "."])?;
        let written = self.git(None, Some(index), &["write-tree"])?;
        let commit = self.git(None, None, &["commit-tree", &written, "-m", subject])?;
        self.git(None, None, &["update-ref", name, &commit]).map(|_| ())
    }
}

impl Store {
    /// The sources in a tarball, as a commit of a repository in the cache. A folder that holds all of it (`name-1.2/`) is left out.
    /// Tarballs with the same files are one tree.
    ///
    /// # Errors
    /// It cannot be read, is none, holds what leads out of it or a repository of its own, or git cannot be asked.
    pub fn tarball(&self, file: &Path) -> Result<(Repository, Commit), BuildError> {
        let (lane, held) = self.held()?;
        let lock = lane.join("turn");
        let turn = edge::write::open_lock(&lock).map_err(failing("opening", &lock))?;
        turn.lock().map_err(failing("waiting for", &lock))?;
        let tarballs = Tarballs { folder: lane.join("git") };
        if !tarballs.folder.join("HEAD").is_file() {
            let text = tarballs.folder.display().to_string();
            crate::git::git(&[], &["init", "--quiet", "--bare", "--", &text], WHOLE_FILE).map_err(
                |source| BuildError::Git {
                    doing: "making a repository".to_owned(),
                    repository: tarballs.folder.clone(),
                    source,
                },
            )?;
            let attributes = tarballs.folder.join("info/attributes");
            edge::write_atomically(&attributes, ATTRIBUTES.as_bytes())
                .map_err(failing("writing", &attributes))?;
        }
        let subject = named(file);
        let name = format!("refs/tags/{}", content(file)?);
        let known = Repository::open(&tarballs.folder)?.from(&subject, held);
        if let Ok(commit) = known.commit(&name) {
            return Ok((known, commit));
        }
        let scratch =
            Scratch::staging(self.root(), "tarball").map_err(failing("making room in", self.root()))?;
        let (room, tree) = (scratch.path().join("room"), scratch.path().join("tree"));
        for folder in [&room, &tree] {
            edge::write::create_directory(folder).map_err(failing("creating", folder))?;
        }
        unpack(file, &room, &tree)?;
        let tree = only_folder(&tree).map_err(failing("reading", &tree))?;
        let own =
            walkdir::WalkDir::new(&tree).into_iter().flatten().find(|entry| entry.file_name() == ".git");
        if own.is_some() {
            return Err(unpacking(file, "it holds a git repository; unpack it and give that with --repo"));
        }
        tarballs.commit(&tree, &scratch.path().join("index"), &subject, &name)?;
        let commit = known.commit(&name)?;
        drop(turn);
        Ok((known, commit))
    }

    /// Where tarballs lie, and a lock that [`Store::trim`] respects: several may have it at once.
    fn held(&self) -> Result<(PathBuf, File), BuildError> {
        use std::os::unix::fs::MetadataExt;
        let lane = self.lane(LANE);
        let lock = lane.join("lock");
        loop {
            edge::write::create_directory(&lane).map_err(failing("creating", &lane))?;
            let held = edge::write::open_lock(&lock).map_err(failing("opening", &lock))?;
            held.lock_shared().map_err(failing("waiting for", &lock))?;
            let own = held.metadata().map_err(failing("looking at", &lock))?;
            // It was removed while this waited: the lock is that of nothing.
            if std::fs::metadata(&lock).is_ok_and(|there| there.ino() == own.ino()) {
                return Ok((lane, held));
            }
        }
    }
}

/// The name of a file, for people.
pub(crate) fn named(file: &Path) -> String {
    file.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}

/// The hash of a file's content.
pub(crate) fn content(file: &Path) -> Result<String, BuildError> {
    let mut hasher = blake3::Hasher::new();
    let open = edge::read::open(file).map_err(failing("opening", file))?;
    std::io::copy(&mut std::io::BufReader::new(open), &mut hasher).map_err(failing("reading", file))?;
    Ok(hasher.finalize().to_hex().to_string())
}

/// The folder that is alone in one, else that one.
fn only_folder(tree: &Path) -> std::io::Result<PathBuf> {
    let entries = std::fs::read_dir(tree)?.take(2).collect::<Result<Vec<_>, _>>()?;
    Ok(match entries.as_slice() {
        [one] if one.file_type()?.is_dir() => one.path(),
        _ => tree.to_owned(),
    })
}
