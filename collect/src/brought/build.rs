//! Building what stands in a folder `deps/NAME` with a Makefile or a `deps.cfg`: on this host, because the guest has no compiler, and once
//! for what stands in it. What was built stays in the cache under the hash of its sources, with the log.
//!
//! ```text
//!   deps/NAME/ ──> hash of every file ──> cache/deps/NAME-<hash>/{files/, build.log}      there: nothing is done
//!                                                  └── rename <── its step in a copy      not there
//! ```

use super::step::{self, Step, StepError};
use edge::Made;
use edge::owned::OwnFile;
use process::deadlines::BUILD;
use process::{PrivateFolder, ProcessError, Sink, Spec, private_folder_in};
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::Duration;
use vm::guest::image::Cache;

/// The folder that holds folders which are built.
const DEPS: &str = "deps";
/// A build that nobody has used for this long makes room for others of its name.
const UNUSED: Duration = Duration::from_secs(30 * 24 * 3600);
/// The parts of a build in the cache.
const FILES: &str = "files";
const LOG: &str = "build.log";

/// What a folder was built to.
#[derive(Clone, Debug)]
pub(super) struct Built {
    /// The copy in which it was built.
    pub(super) files: PathBuf,
    /// Hash of its sources.
    pub(super) hash: String,
    /// What make, or its own commands, said.
    pub(super) log: String,
    /// The file that says how it is built.
    by: &'static str,
}

/// A folder that cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// A step that makes no sense.
    #[error(transparent)]
    Step(#[from] StepError),
    /// A command failed.
    #[error("building {folder}: {command} {how}; its log is {log}, which ends with:\n{tail}", folder = .folder.display(), log = .log.display())]
    Make {
        /// The folder.
        folder: PathBuf,
        /// The command, make or one of its own.
        command: String,
        /// How it ended.
        how: String,
        /// Where the whole log is.
        log: PathBuf,
        /// The end of the log.
        tail: String,
    },
    /// No process can be started.
    #[error("building {folder}", folder = .folder.display())]
    Start {
        /// The folder.
        folder: PathBuf,
        /// Why it cannot be started.
        #[source]
        source: ProcessError,
    },
    /// All ended well and left nothing of this name.
    #[error("building {folder}: its {by} made no {wanted}; its log is {log}", folder = .folder.display(), log = .log.display())]
    Nothing {
        /// The folder.
        folder: PathBuf,
        /// The file that says how it is built.
        by: &'static str,
        /// What the user's key names.
        wanted: String,
        /// Where the log is.
        log: PathBuf,
    },
    /// A file.
    #[error("{doing} {path}", path = .path.display())]
    Io {
        /// What was being done.
        doing: &'static str,
        /// To which file.
        path: PathBuf,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
}

fn failing(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> BuildError {
    move |source| BuildError::Io { doing, path: path.to_owned(), source }
}

/// The folder `deps/NAME` that says how it is built and that a path is, or lies in.
pub(super) fn recipe(path: &Path) -> Option<&Path> {
    path.ancestors().find(|folder| is_in_deps(folder) && step::is_there(folder))
}

/// The folder `deps/NAME` that is there and says nothing of how it is built, of the path that it is or that lies in it.
pub(super) fn silent(path: &Path) -> Option<&Path> {
    path.ancestors().find(|folder| is_in_deps(folder) && folder.is_dir() && !step::is_there(folder))
}

fn is_in_deps(folder: &Path) -> bool {
    folder.parent().and_then(Path::file_name).is_some_and(|name| name == DEPS)
}

/// Builds a folder, unless it has been built as it is now.
///
/// # Errors
/// make failed, with the end of what it said, or a file cannot be read or written.
pub(super) fn build(cache: &Cache, folder: &Path) -> Result<Built, BuildError> {
    let step = step::of(folder)?;
    let (sources, hash) = sources(folder)?;
    let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let all = cache.root().join(DEPS);
    let place = place(&all, folder, &hash);
    if !place.join(LOG).is_file() {
        edge::write::create_directory(&all).map_err(failing("creating", &all))?;
        make(folder, &step, &sources, &all, &place)?;
        remove_unused(&all, &name, &place);
    }
    let log = place.join(LOG);
    // Its time says when it was used last.
    let _ = edge::write::touch(&log);
    let text = edge::read(&log, edge::read::RECORD).map_err(failing("reading", &log))?;
    let log = String::from_utf8_lossy(&text).into_owned();
    Ok(Built { files: place.join(FILES), hash, log, by: step.by })
}

/// Whether [`build`] would build.
///
/// # Errors
/// A file cannot be read.
pub(super) fn is_new(cache: &Cache, folder: &Path) -> Result<bool, BuildError> {
    let (_, hash) = sources(folder)?;
    Ok(!place(&cache.root().join(DEPS), folder, &hash).join(LOG).is_file())
}

/// The hash of what stands in a folder.
///
/// # Errors
/// A file cannot be read.
pub(super) fn hash_of(folder: &Path) -> Result<String, BuildError> {
    sources(folder).map(|(_, hash)| hash)
}

/// Everything in a folder, and its hash.
fn sources(folder: &Path) -> Result<(BTreeMap<PathBuf, Source>, String), BuildError> {
    let mut sources = BTreeMap::new();
    list(folder, Path::new(""), &mut sources)?;
    let hash = hash(folder, &sources)?;
    Ok((sources, hash))
}

/// Where a folder of this content is built to, below the folder of all builds.
fn place(all: &Path, folder: &Path, hash: &str) -> PathBuf {
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    all.join(format!("{name}-{hash}"))
}

impl Built {
    /// What make left under a name.
    ///
    /// # Errors
    /// Nothing.
    pub(super) fn made(&self, folder: &Path, wanted: &Path) -> Result<PathBuf, BuildError> {
        let path = self.files.join(wanted);
        if path.exists() {
            return Ok(path);
        }
        let log = self.files.with_file_name(LOG);
        Err(BuildError::Nothing {
            folder: folder.to_owned(),
            by: self.by,
            wanted: wanted.display().to_string(),
            log,
        })
    }
}

/// A file of the sources.
enum Source {
    Folder,
    Link(PathBuf),
    File { executable: bool },
}

/// Everything below a folder, by its path there.
fn list(folder: &Path, below: &Path, into: &mut BTreeMap<PathBuf, Source>) -> Result<(), BuildError> {
    let here = folder.join(below);
    for entry in fs::read_dir(&here).map_err(failing("reading", &here))? {
        let entry = entry.map_err(failing("reading", &here))?;
        let (path, own) = (entry.path(), below.join(entry.file_name()));
        let known = entry.metadata().map_err(failing("reading", &path))?;
        if known.is_dir() {
            list(folder, &own, into)?;
            into.insert(own, Source::Folder);
        } else if known.is_symlink() {
            into.insert(own, Source::Link(fs::read_link(&path).map_err(failing("reading", &path))?));
        } else if known.is_file() {
            into.insert(own, Source::File { executable: known.permissions().mode() & 0o111 != 0 });
        }
    }
    Ok(())
}

/// A hash of names, kinds and contents, each with its length; times and owners make nothing new.
fn hash(folder: &Path, sources: &BTreeMap<PathBuf, Source>) -> Result<String, BuildError> {
    let mut hasher = blake3::Hasher::new();
    let mut field = |bytes: &[u8]| {
        hasher.update(&(bytes.len() as u64).to_le_bytes());
        hasher.update(bytes);
    };
    for (own, source) in sources {
        field(own.as_os_str().as_encoded_bytes());
        match source {
            Source::Folder => field(b"folder"),
            Source::Link(target) => {
                field(b"link");
                field(target.as_os_str().as_encoded_bytes());
            }
            Source::File { executable } => {
                field(if *executable { b"program" } else { b"file" });
                let path = folder.join(own);
                field(&edge::read(&path, edge::read::PROGRAM).map_err(failing("reading", &path))?);
            }
        }
    }
    Ok(hasher.finalize().to_hex().chars().take(16).collect())
}

/// Copies the sources, builds the copy, and gives it its name.
fn make(
    folder: &Path,
    step: &Step,
    sources: &BTreeMap<PathBuf, Source>,
    all: &Path,
    place: &Path,
) -> Result<(), BuildError> {
    let work: PrivateFolder = private_folder_in(all).map_err(failing("creating a folder in", all))?;
    let built = work.path().join("built");
    let files = built.join(FILES);
    edge::write::create_directory(&files).map_err(failing("creating", &files))?;
    // A folder comes before what it holds.
    for (own, source) in sources {
        let to = files.join(own);
        let copied = match source {
            Source::Folder => edge::write::make_directory(&to),
            Source::Link(target) => symlink(target, &to),
            Source::File { .. } => copy(&folder.join(own), &to),
        };
        copied.map_err(failing("copying to", &to))?;
    }
    let log = built.join(LOG);
    let (told, failed) = carry_out(folder, step, &files)?;
    edge::write::write(&log, &told).map_err(failing("writing", &log))?;
    if let Some((command, how)) = failed {
        // The log outlives the copy; the next build of these sources that succeeds removes it.
        let kept = failed_log(place);
        let text = [LOG_HEAD.as_bytes(), &told].concat();
        edge::write_atomically(&kept, &text).map_err(failing("writing", &kept))?;
        let tail = process::tail(&kept);
        return Err(BuildError::Make { folder: folder.to_owned(), command, how, log: kept, tail });
    }
    match edge::write::rename(&built, place) {
        // Another perfvt was faster.
        Err(_) if place.join(LOG).is_file() => {}
        renamed => renamed.map_err(failing("creating", place))?,
    }
    remove_log(&failed_log(place));
    Ok(())
}

/// What the commands of a step said in a copy of the folder, and which of them failed, and how.
#[allow(clippy::type_complexity)]
fn carry_out(
    folder: &Path,
    step: &Step,
    files: &Path,
) -> Result<(Vec<u8>, Option<(String, String)>), BuildError> {
    let mut said = Vec::new();
    for command in &step.commands {
        // Both of its outputs in the order in which they came, and not as a part of a make that perfvt was started by.
        let told = Spec::new("sh")
            .args(["-c", "cd \"$1\" && shift && exec \"$@\" 2>&1", "sh"])
            .arg(files.join(&step.directory))
            .args(["env", "-u", "MAKEFLAGS", "-u", "MFLAGS", "-u", "MAKELEVEL", "--"])
            .args(command)
            .stdout(Sink::Capture)
            .start()
            .map_err(|source| BuildError::Start { folder: folder.to_owned(), source })?
            .finish(BUILD);
        said.extend(told.stdout);
        if !told.status.is_some_and(|status| status.success()) {
            let how = told.status.map_or_else(
                || format!("did not end within {} s and was killed", BUILD.as_secs()),
                |status| format!("ended with {status}"),
            );
            return Ok((said, Some((step.shown(command), how))));
        }
    }
    Ok((said, None))
}

/// Copies a file with its rights and its time, which make goes by.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    edge::write::copy(from, to)?;
    edge::read::open(to)?.set_modified(fs::metadata(from)?.modified()?)
}

/// Whether a folder is one that [`make`] made: the log and the files, and nothing beside them.
fn is_built(dir: &Path) -> bool {
    let names = |dir| fs::read_dir(dir).into_iter().flatten().flatten().map(|entry| entry.file_name());
    dir.join(LOG).is_file() && dir.join(FILES).is_dir() && names(dir).all(|name| name == LOG || name == FILES)
}

/// Removes the log of a build that failed. One that cannot be removed costs room, nothing else.
fn remove_log(path: &Path) {
    let ours = |text: &[u8]| text.starts_with(LOG_HEAD.as_bytes());
    if let Ok(Some(log)) = OwnFile::found(path, edge::read::RECORD, ours) {
        drop(log.remove());
    }
}

/// The first line of the log of a build that failed, by which it is known again.
const LOG_HEAD: &str = "perfvt: this is what make said\n";

/// Where the log of a build stays that failed.
fn failed_log(place: &Path) -> PathBuf {
    let name = place.file_name().unwrap_or_default().to_string_lossy();
    place.with_file_name(format!("{name}.failed.log"))
}

/// Removes other builds of a name that nobody has used for long. One that cannot be removed costs room, nothing else.
fn remove_unused(all: &Path, name: &str, keep: &Path) {
    for entry in fs::read_dir(all).into_iter().flatten().flatten() {
        let path = entry.path();
        let of_name = |text: &str| text.rsplit_once('-').is_some_and(|(own, _)| own == name);
        if path == keep || !of_name(&entry.file_name().to_string_lossy()) {
            continue;
        }
        let used = fs::metadata(path.join(LOG)).or_else(|_| fs::metadata(&path)).and_then(|m| m.modified());
        if used.is_ok_and(|at| at.elapsed().is_ok_and(|age| age > UNUSED)) {
            match Made::found(&path, is_built) {
                Ok(Some(unused)) => drop(unused.remove()),
                Ok(None) => {}
                Err(_) => remove_log(&path),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn laid_out(dir: &Path, makefile: &str) -> PathBuf {
        let folder = dir.join("deps/tool");
        fs::create_dir_all(folder.join("src")).unwrap();
        fs::write(folder.join("Makefile"), makefile).unwrap();
        fs::write(folder.join("src/data"), "1").unwrap();
        folder
    }

    const MAKEFILE: &str = "all:\n\tdate +%s%N > made\n\tcat src/data >> made\n";

    #[test]
    fn a_folder_is_built_once_and_again_when_a_file_of_it_changes() {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::at(dir.path().join("cache"));
        let folder = laid_out(dir.path(), MAKEFILE);
        assert!(is_new(&cache, &folder).unwrap());
        let made = || {
            let built = build(&cache, &folder).unwrap();
            fs::read_to_string(built.made(&folder, Path::new("made")).unwrap()).unwrap()
        };
        let first = made();
        assert_eq!(made(), first, "nothing has changed");
        assert!(!is_new(&cache, &folder).unwrap());
        fs::write(folder.join("src/data"), "2").unwrap();
        assert!(is_new(&cache, &folder).unwrap());
        let second = made();
        assert_ne!(second, first);
        fs::write(folder.join("src/data"), "1").unwrap();
        assert_eq!(made(), first, "both are kept");
        assert!(!folder.join("made").exists(), "the user's folder stays as it is");
        let left: Vec<_> = fs::read_dir(dir.path().join("cache/deps")).unwrap().collect();
        assert_eq!(left.len(), 2, "{left:?}");
    }

    #[test]
    fn a_folder_may_name_its_own_step() {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::at(dir.path().join("cache"));
        let folder = laid_out(dir.path(), "all:\n\tfalse\n");
        let step = |text: &str| fs::write(folder.join("deps.cfg"), text).unwrap();
        step("directory = src\ncommand = cp data 'made; of it'\ncommand = ls\n");
        let built = build(&cache, &folder).unwrap();
        assert!(built.made(&folder, Path::new("src/made; of it")).unwrap().is_file());
        assert_eq!(built.log, "data\nmade; of it\n");
        let error = built.made(&folder, Path::new("x")).unwrap_err().to_string();
        assert!(error.contains("its deps.cfg made no x"), "{error}");
        fs::remove_file(folder.join("Makefile")).unwrap();
        assert_eq!(recipe(&folder.join("src/x")), Some(folder.as_path()));
        step("command = ls nothing-for-perfvt\n");
        let error = build(&cache, &folder).unwrap_err().to_string();
        assert!(error.contains("deps/tool: 'ls nothing-for-perfvt' (deps.cfg) ended with"), "{error}");
        step("directory = away\ncommand = ls\n");
        let error = build(&cache, &folder).unwrap_err().to_string();
        assert!(error.ends_with("deps/tool/deps.cfg: directory 'away' is not there"), "{error}");
        fs::remove_file(folder.join("deps.cfg")).unwrap();
        assert_eq!((recipe(&folder), silent(&folder.join("src/x"))), (None, Some(folder.as_path())));
    }

    #[test]
    fn a_build_that_fails_shows_the_end_of_its_log_and_is_tried_again() {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::at(dir.path().join("cache"));
        let folder = laid_out(dir.path(), "all:\n\techo here we are\n\tls /nonexistent-for-perfvt\n");
        let error = build(&cache, &folder).unwrap_err();
        let text = error.to_string();
        assert!(text.contains("nonexistent-for-perfvt") && text.contains("deps/tool: make ended"), "{text}");
        let BuildError::Make { log, .. } = error else { panic!("{text}") };
        assert!(fs::read_to_string(&log).unwrap().contains("here we are"));
        assert!(matches!(build(&cache, &folder), Err(BuildError::Make { .. })));
        assert_eq!(fs::read_dir(dir.path().join("cache/deps")).unwrap().count(), 1, "the log alone");
    }

    #[test]
    fn only_a_folder_in_deps_with_a_makefile_is_built() {
        let dir = tempfile::tempdir().unwrap();
        let folder = laid_out(dir.path(), MAKEFILE);
        assert_eq!(recipe(&folder.join("src/none")), Some(folder.as_path()));
        assert_eq!(recipe(&folder), Some(folder.as_path()));
        assert_eq!(recipe(&dir.path().join("deps/other/tool")), None);
        assert_eq!(recipe(dir.path()), None);
        let built = build(&Cache::at(dir.path().join("cache")), &folder).unwrap();
        let error = built.made(&folder, Path::new("nothing")).unwrap_err().to_string();
        assert!(error.contains("made no nothing") && error.contains("build.log"), "{error}");
    }
}
