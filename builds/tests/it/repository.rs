//! Repositories for tests: a program whose sources change from commit to commit.

use builds::Repository;
use process::deadlines::HOST_WORK;
use process::{Spec, run};
use std::fs;
use std::path::{Path, PathBuf};

pub struct Made {
    pub folder: PathBuf,
    _dir: tempfile::TempDir,
}

impl Made {
    /// A repository with nothing in it; `None` without git.
    pub fn new() -> Option<Made> {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("a repository");
        fs::create_dir(&folder).unwrap();
        let made = Made { folder, _dir: dir };
        if made.git(&["init", "-q"]).is_none() {
            testing::skip("git is missing; `make setup` gets it");
            return None;
        }
        Some(made)
    }

    pub fn git(&self, args: &[&str]) -> Option<String> {
        git(&self.folder, args)
    }

    pub fn cache(&self) -> PathBuf {
        self._dir.path().join("cache")
    }

    /// Writes a file and commits it.
    pub fn commit(&self, file: &str, text: &str) -> String {
        let path = self.folder.join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self.git(&["add", "-A"]).unwrap();
        self.git(&["commit", "-q", "-m", &format!("{file}: {}", text.lines().next().unwrap_or("nothing"))])
            .unwrap();
        self.git(&["rev-parse", "HEAD"]).unwrap()
    }

    pub fn open(&self) -> Repository {
        Repository::open(&self.folder).unwrap()
    }

    /// Everything that a user has in it: the files of the work tree and of .git, with their times.
    pub fn everything(&self) -> Vec<(PathBuf, std::time::SystemTime, u64)> {
        let mut all: Vec<_> = walk(&self.folder);
        all.sort();
        all
    }
}

pub fn git(folder: &Path, args: &[&str]) -> Option<String> {
    let identity = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "init.defaultBranch=main"];
    let spec = Spec::new("git").arg("-C").arg(folder).args(identity).args(args);
    run(spec, HOST_WORK).ok().map(|out| String::from_utf8_lossy(&out).trim().to_owned())
}

fn walk(folder: &Path) -> Vec<(PathBuf, std::time::SystemTime, u64)> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let data = entry.metadata().unwrap();
        all.push((entry.path(), data.modified().unwrap(), data.len()));
        if data.is_dir() {
            all.extend(walk(&entry.path()));
        }
    }
    all
}
