//! One build: the sources into a lane, the steps of the recipe, what came out into the store.

use crate::checkout::{Mirror, clear};
use crate::compiler::versions;
use crate::error::{BuildError, failing};
use crate::git::{Commit, Repository};
use crate::key::{BuildKey, KEY_FORMAT};
use crate::recipe::{Place, Recipe, Step, symbols};
use crate::store::{CONFIGURATION, FILES, LOG, Record, Status, Store, hash, tail};
use edge::Scratch;
use process::deadlines::BUILD;
use process::{Namespace, Sink, Spec};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

/// What is to be built.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// Where the commit is.
    pub repository: &'a Repository,
    /// Which.
    pub commit: &'a Commit,
    /// Put on it before it is built.
    pub patch: Option<&'a [u8]>,
    /// How.
    pub recipe: &'a Recipe,
    /// How many jobs may run at once.
    pub jobs: usize,
    /// A build that failed is tried once more.
    pub retry: bool,
}

/// What a build says while it goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// It was built before; nothing is done.
    Known,
    /// Somebody else builds in this lane.
    Waiting,
    /// A command begins: its number from 1, how many there are, and its first words.
    Step(usize, usize, String),
    /// What was left of the build before did not do; it begins from nothing.
    Anew,
    /// The network cannot be cut off while it is built, and why.
    Connected(String),
    /// It is built, and what it was configured to be is not known: why.
    Unconfigured(String),
}

/// Builds, or finds what was built. A commit that does not build is a record, too, and is not tried again.
///
/// # Errors
/// git, a file, or a recipe that cannot be carried out here.
pub fn build(store: &Store, asked: &Asked<'_>, tell: &mut dyn FnMut(Progress)) -> Result<Record, BuildError> {
    let lane = lane_of(asked);
    let compiler = versions(asked.recipe.compilers());
    let tree = &asked.commit.tree;
    let key =
        BuildKey { tree, patch: asked.patch, recipe: asked.recipe, compiler: &compiler, lane: &lane }.name();
    let known = |record: &Record| record.status == Status::Built || !asked.retry;
    if let Some(record) = store.find(&key).filter(known) {
        tell(Progress::Known);
        return Ok(record);
    }
    let lane = Lane::enter(&store.lane(&lane), tell)?;
    // Whoever had the lane before may have built just this.
    if let Some(record) = store.find(&key).filter(known) {
        return Ok(record);
    }
    let mirror = Mirror::of(
        asked.repository,
        &store.mirror(&short(asked.repository.common().as_os_str().as_encoded_bytes())),
    )?;
    mirror.check_out(&asked.commit.id, &lane.source)?;
    if let Some(patch) = asked.patch {
        let file = lane.folder.join("patch");
        edge::write::write(&file, patch).map_err(failing("writing", &file))?;
        mirror.apply(&file, &lane.source)?;
    }
    drop(mirror);
    let lane = Lane { network: cut_off(asked.recipe, tell), ..lane };
    let staged = Scratch::staging(store.root(), "build").map_err(failing("making room in", store.root()))?;
    let whole = staged.path().join("whole");
    let began = Instant::now();
    let status = lane.carry_out(asked, &whole, tell)?;
    let product = asked.recipe.product();
    let (hash, config) = match status {
        Status::Built => (Some(hash(&whole.join(FILES))?), lane.configured(asked, &whole, tell)),
        Status::Failed { .. } => (None, None),
    };
    let origin = asked.repository.origin();
    let record = Record {
        format: KEY_FORMAT,
        key,
        status,
        // That of a tarball is in nobody's repository.
        commit: origin.map_or_else(|| asked.commit.id.clone(), |_| String::new()),
        tree: tree.clone(),
        patch: asked.patch.map(|patch| blake3::hash(patch).to_hex().to_string()),
        recipe: asked.recipe.name().to_owned(),
        compiler,
        seconds: began.elapsed().as_secs_f64(),
        product,
        hash,
        sources: origin.map(str::to_owned).into_iter().collect(),
        config,
        folder: PathBuf::new(),
    };
    store.keep(&whole, record)
}

/// The name of the lane: builds of one repository by one recipe follow one another in it.
fn lane_of(asked: &Asked<'_>) -> String {
    let repository = asked.repository.common().as_os_str().as_encoded_bytes();
    let recipe = asked.recipe.parts().join("\0");
    format!("{}-{}", asked.recipe.name(), short(&[repository, b"\0", recipe.as_bytes()].concat()))
}

fn short(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex().as_str().get(..16).unwrap_or_default().to_owned()
}

/// A folder in which one build after another happens, so that what did not change is not compiled again.
struct Lane {
    folder: PathBuf,
    source: PathBuf,
    build: PathBuf,
    /// A network with nothing in it, in which the commands run.
    network: Option<Arc<Namespace>>,
    _turn: File,
}

/// An empty network for the commands of a recipe: what they need is there, or the build says that it is not. A container is what
/// its own words make of it.
fn cut_off(recipe: &Recipe, tell: &mut dyn FnMut(Progress)) -> Option<Arc<Namespace>> {
    if !recipe.wrapper().is_empty() {
        return None;
    }
    match Namespace::create() {
        Ok(network) => Some(Arc::new(network)),
        Err(error) => {
            tell(Progress::Connected(error.to_string()));
            None
        }
    }
}

impl Lane {
    fn enter(folder: &Path, tell: &mut dyn FnMut(Progress)) -> Result<Lane, BuildError> {
        edge::write::create_directory(folder).map_err(failing("creating", folder))?;
        let lock = folder.join("lock");
        let turn = edge::write::open_lock(&lock).map_err(failing("opening", &lock))?;
        if turn.try_lock().is_err() {
            tell(Progress::Waiting);
            turn.lock().map_err(failing("waiting for", &lock))?;
        }
        let folder = folder.to_owned();
        let (source, build) = (folder.join("source"), folder.join("build"));
        Ok(Lane { source, build, folder, network: None, _turn: turn })
    }

    /// Carries the steps out; from nothing once more where they failed on top of an earlier build.
    fn carry_out(
        &self,
        asked: &Asked<'_>,
        whole: &Path,
        tell: &mut dyn FnMut(Progress),
    ) -> Result<Status, BuildError> {
        let had_some = self.build.is_dir();
        let status = self.attempt(asked, whole, tell)?;
        if status == Status::Built || !had_some {
            return Ok(status);
        }
        tell(Progress::Anew);
        clear(&self.build)?;
        clear(whole)?;
        self.attempt(asked, whole, tell)
    }

    fn attempt(
        &self,
        asked: &Asked<'_>,
        whole: &Path,
        tell: &mut dyn FnMut(Progress),
    ) -> Result<Status, BuildError> {
        let out = whole.join(FILES);
        for folder in [&self.build, &out] {
            edge::write::create_directory(folder).map_err(failing("creating", folder))?;
        }
        if let Recipe::Kernel(kernel) = asked.recipe {
            for (name, text) in kernel.files() {
                let file = self.build.join(name);
                edge::write::write(&file, text).map_err(failing("writing", &file))?;
            }
        }
        let place = Place { source: &self.source, build: &self.build, out: &out, jobs: asked.jobs };
        let log = whole.join(LOG);
        edge::write::create(&log).map_err(failing("creating", &log))?;
        let steps = asked.recipe.steps(&place)?;
        for (at, step) in steps.iter().enumerate() {
            tell(Progress::Step(
                at + 1,
                steps.len(),
                step.argv.iter().take(3).cloned().collect::<Vec<_>>().join(" "),
            ));
            if let Some(why) = self.run(asked, step, &log)? {
                return Ok(Status::Failed { why, tail: tail(&log) });
            }
        }
        if let Some(why) = asked.recipe.objection(&place) {
            return Ok(Status::Failed { why, tail: tail(&log) });
        }
        let product = out.join(asked.recipe.product());
        if !product.is_file() {
            let why = format!("every command ended well, and none made {}", asked.recipe.product().display());
            return Ok(Status::Failed { why, tail: tail(&log) });
        }
        Ok(Status::Built)
    }

    /// The hash of what a build was configured to be; that it cannot be read costs no build that is finished.
    fn configured(&self, asked: &Asked<'_>, whole: &Path, tell: &mut dyn FnMut(Progress)) -> Option<String> {
        self.configuration(asked, whole).unwrap_or_else(|error| {
            let why = std::error::Error::source(&error).map_or_else(String::new, |why| format!(": {why}"));
            tell(Progress::Unconfigured(format!("{error}{why}")));
            None
        })
    }

    /// Keeps what a build was configured to be beside what is kept of it, and gives its hash; none where nothing says so.
    fn configuration(&self, asked: &Asked<'_>, whole: &Path) -> Result<Option<String>, BuildError> {
        let out = whole.join(FILES);
        let place = Place { source: &self.source, build: &self.build, out: &out, jobs: asked.jobs };
        let mut text = String::new();
        for file in asked.recipe.configurations(&place).iter().filter(|file| file.is_file()) {
            let bytes = edge::read(file, edge::read::CONFIG).map_err(failing("reading", file))?;
            text += &String::from_utf8_lossy(&bytes);
            text.push('\n');
        }
        let text = symbols(&text);
        if text.is_empty() {
            return Ok(None);
        }
        let file = whole.join(CONFIGURATION);
        edge::write::write(&file, &text).map_err(failing("writing", &file))?;
        Ok(Some(blake3::hash(text.as_bytes()).to_hex().to_string()))
    }

    /// Runs a step; gives why it failed, if it did. Both of its outputs go to the log in the order in which they came.
    fn run(&self, asked: &Asked<'_>, step: &Step, log: &Path) -> Result<Option<String>, BuildError> {
        let mut spec = Spec::new("sh")
            .in_folder(&step.folder)
            .args(["-c", "log=$1 && shift && exec \"$@\" >> \"$log\" 2>&1", "sh"])
            .arg(log)
            .args(["env", "-u", "MAKEFLAGS", "-u", "MFLAGS", "-u", "MAKELEVEL"])
            .args(asked.recipe.wrapper())
            .args(&step.argv)
            .env("LC_ALL", "C")
            .namespace(self.network.as_ref())
            .stdout(Sink::Null)
            .stderr(Sink::Null);
        for (name, value) in self.ccache().into_iter().chain(step.environment.clone()) {
            spec = spec.env(name, value);
        }
        let what = || asked.commit.short().to_owned();
        let running = spec.start().map_err(|source| BuildError::Process { what: what(), source })?;
        let status = running.finish(BUILD).status;
        let command = step.argv.iter().take(3).cloned().collect::<Vec<_>>().join(" ");
        Ok(match status {
            Some(status) if status.success() => None,
            Some(status) => Some(format!("{command} ended with {status}")),
            None => Some(format!("{command} did not end within {} s and was killed", BUILD.as_secs())),
        })
    }

    /// The variables that put ccache before the compilers, where it is installed as Debian does it.
    fn ccache(&self) -> Vec<(String, String)> {
        let programs = Path::new("/usr/lib/ccache");
        if !programs.join("cc").exists() {
            return Vec::new();
        }
        let store = self.folder.parent().and_then(Path::parent).unwrap_or(&self.folder).join("ccache");
        let path = std::env::var("PATH").unwrap_or_default();
        [
            ("PATH", format!("{}:{path}", programs.display())),
            ("CCACHE_DIR", store.display().to_string()),
            ("CCACHE_BASEDIR", self.folder.display().to_string()),
            ("CCACHE_MAXSIZE", "5G".to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
    }
}
