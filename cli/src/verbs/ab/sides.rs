//! What is compared: commits, a patch, what is not committed, a tarball, packages of a distribution.

use super::{is_built, plain};
use crate::Error;
use crate::args::Ab;
use crate::verbs::build::{What, built, bytes, store};
use builds::{BuildError, Commit, Recipe, Record, Repository, Store, Wanted, unpacked};
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

    /// Looks whether it is there, and what it is now. A patch is on top of `base`.
    ///
    /// # Errors
    /// It is not.
    pub fn look(&'a self, repository: &Repository, base: &Commit) -> Result<Found<'a>, Error> {
        let there = |file: &Path| -> Result<(), Error> {
            if file.is_file() { Ok(()) } else { Err(format!("{}: no such file", file.display()).into()) }
        };
        let (commit, patch) = match self {
            Asked::Commit(name) => (Some(repository.commit(name)?), None),
            Asked::Patch(file) => {
                there(file)?;
                (Some(base.clone()), Some(bytes(file)?))
            }
            Asked::Dirty => {
                let head = repository.commit("HEAD")?;
                let Some(patch) = repository.uncommitted_since(&head.id)? else {
                    let folder = repository.folder().display();
                    return Err(format!(
                        "dirty: {folder} has nothing that is not committed; git add -N takes new files in"
                    )
                    .into());
                };
                (Some(head), Some(patch))
            }
            Asked::Tarball(file) => {
                there(file)?;
                (None, None)
            }
            Asked::Packages(files) => {
                files.iter().try_for_each(|file| there(file))?;
                (None, None)
            }
        };
        Ok(Found { asked: self, commit, patch })
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
}

/// What is to be compared, as it was when it was looked for.
pub(super) struct Found<'a> {
    asked: &'a Asked<'a>,
    /// None of a tarball and of packages.
    commit: Option<Commit>,
    patch: Option<Vec<u8>>,
}

impl Found<'_> {
    /// Builds it; none where it does not build, which is told.
    pub fn built(
        &self,
        repository: &Repository,
        recipe: &Recipe,
        args: &Ab,
        others: &[Side],
        err: &mut dyn Write,
    ) -> Result<Option<Side>, Error> {
        let (commit, build) = match (self.asked, &self.commit) {
            (Asked::Packages(files), _) => (None, package(&store()?, files, args.of.product.as_deref())?),
            (Asked::Tarball(file), _) => {
                let (repository, commit) = store()?.tarball(file)?;
                let what = What { repository: &repository, commit: &commit, patch: None, recipe };
                let record = built(&what, &args.of.way, err)?;
                (Some(commit), record)
            }
            (_, Some(commit)) => {
                let what = What { repository, commit, patch: self.patch.as_deref(), recipe };
                (Some(commit.clone()), built(&what, &args.of.way, err)?)
            }
            (_, None) => return Err(format!("{}: no commit", self.asked.word()).into()),
        };
        if !is_built(&build, err)? {
            return Ok(None);
        }
        let name = named(&self.asked.called(), &build, others);
        Ok(Some(Side { name, asked: self.asked.word(), commit, build }))
    }
}

/// Packages as a build. The product of a script may be elsewhere in them: then it is where distributions put it.
fn package(store: &Store, files: &[PathBuf], product: Option<&Path>) -> Result<Record, BuildError> {
    let usual = Wanted::Usual(std::env::consts::ARCH.to_owned());
    let Some(path) = product else { return unpacked(store, files, &usual) };
    match unpacked(store, files, &Wanted::Path(path.to_owned())) {
        // Neither: the path that was asked for is what is told.
        Err(BuildError::Recipe(why)) => unpacked(store, files, &usual).map_err(|error| match error {
            BuildError::Recipe(_) => BuildError::Recipe(why),
            error => error,
        }),
        other => other,
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

    fn git(folder: &Path, args: &[&str]) -> bool {
        let identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"];
        let spec = process::Spec::new("git").arg("-C").arg(folder).args(identity).args(args);
        process::run(spec, process::deadlines::HOST_WORK).is_ok()
    }

    #[test]
    fn what_is_built_is_what_was_there_when_it_was_looked_for() {
        let dir = tempfile::tempdir().unwrap();
        let (repo, patch) = (dir.path().join("repo"), dir.path().join("a.patch"));
        std::fs::create_dir(&repo).unwrap();
        if !git(&repo, &["init", "-q"]) {
            testing::skip("git is missing; `make setup` gets it");
            return;
        }
        let commit = |text: &str| {
            std::fs::write(repo.join("tool"), text).unwrap();
            assert!(git(&repo, &["add", "-A"]) && git(&repo, &["commit", "-q", "-m", text.trim()]));
        };
        commit("one\n");
        let repository = Repository::open(&repo).unwrap();
        let base = repository.commit("HEAD").unwrap();
        std::fs::write(repo.join("tool"), "two\n").unwrap();
        std::fs::write(&patch, "first").unwrap();
        let asked = ["HEAD", "dirty:"].map(Asked::of);
        let on_base = Asked::Patch(&patch);
        let found: Vec<Found<'_>> =
            asked.iter().chain([&on_base]).map(|one| one.look(&repository, &base).unwrap()).collect();
        commit("two\n");
        std::fs::write(&patch, "second").unwrap();
        assert!(found.iter().all(|one| one.commit.as_ref() == Some(&base)));
        let patches: Vec<String> = found
            .iter()
            .map(|one| String::from_utf8_lossy(one.patch.as_deref().unwrap_or_default()).into_owned())
            .collect();
        assert!(patches[0].is_empty() && patches[1].contains("\n+two\n") && patches[2] == "first");
        let told = Asked::Dirty.look(&repository, &base).err().unwrap().to_string();
        assert!(told.contains("has nothing that is not committed"), "{told}");
    }

    #[test]
    fn the_product_of_a_script_is_where_distributions_put_it_where_a_package_has_it_nowhere_else() {
        let dir = tempfile::tempdir().unwrap();
        let arch = std::env::consts::ARCH;
        let usual = format!("usr/bin/qemu-system-{arch}");
        for name in [usual.as_str(), "bin/own"] {
            let place = dir.path().join("tree").join(name);
            std::fs::create_dir_all(place.parent().unwrap()).unwrap();
            std::fs::write(place, name).unwrap();
        }
        let spec = process::Spec::new("tar").in_folder(dir.path()).args(["-cf", "p.tar", "-C", "tree", "."]);
        process::run(spec, process::deadlines::HOST_WORK).unwrap();
        let (store, files) = (Store::open(&dir.path().join("cache")).unwrap(), [dir.path().join("p.tar")]);
        let of = |product: Option<&str>| package(&store, &files, product.map(Path::new)).unwrap().product;
        assert_eq!(of(None), Path::new(&usual));
        assert_eq!(of(Some("bin/own")), Path::new("bin/own"));
        assert_eq!(of(Some("out/qemu")), Path::new(&usual));
    }
}
