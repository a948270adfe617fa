//! A program of the user's that builds: told where everything is by its environment.

use super::{Place, Step};
use crate::error::{BuildError, failing};
use std::path::{Path, PathBuf};

/// The recipe. The script runs in the sources, with `PERFVT_SOURCE`, `PERFVT_BUILD` (a folder that stays from build to build),
/// `PERFVT_OUT` (an empty folder into which it puts what is kept), `PERFVT_CONFIG` (a file into which it may write symbols of its
/// configuration, `CONFIG_X=y`) and `PERFVT_JOBS`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    /// The program.
    program: PathBuf,
    /// The hash of its content: another script is another build.
    hash: String,
    /// Which file below `PERFVT_OUT` is measured.
    product: PathBuf,
    /// Words before the command, which run it elsewhere: a container.
    pub container: Vec<String>,
}

impl Script {
    /// A script, and the file that it is to make, relative to what is kept.
    ///
    /// # Errors
    /// It cannot be read, or the file would be elsewhere.
    pub fn of(program: &Path, product: &Path) -> Result<Script, BuildError> {
        let plain = product.components().all(|part| matches!(part, std::path::Component::Normal(_)));
        if !plain || product.as_os_str().is_empty() {
            let text = format!(
                "{} is no file below what the script makes; give a path such as bin/tool",
                product.display()
            );
            return Err(BuildError::Recipe(text));
        }
        let program = std::path::absolute(program).map_err(failing("finding", program))?;
        let content = edge::read(&program, edge::read::RECORD).map_err(failing("reading", &program))?;
        let hash = blake3::hash(&content).to_hex().to_string();
        Ok(Script { program, hash, product: product.to_owned(), container: Vec::new() })
    }

    pub(super) fn product(&self) -> &Path {
        &self.product
    }

    pub(super) fn steps(&self, place: &Place<'_>) -> Vec<Step> {
        let step = Step::of(place.source, [self.program.display().to_string()])
            .with("PERFVT_SOURCE", place.source.display().to_string())
            .with("PERFVT_BUILD", place.build.display().to_string())
            .with("PERFVT_OUT", place.out.display().to_string())
            .with("PERFVT_CONFIG", configuration(place).display().to_string())
            .with("PERFVT_JOBS", place.jobs.to_string());
        vec![step]
    }

    pub(super) fn parts(&self) -> Vec<String> {
        [vec![self.hash.clone(), self.product.display().to_string()], self.container.clone()].concat()
    }
}

/// Where a script may say what it was configured to be: beside what is kept.
pub(super) fn configuration(place: &Place<'_>) -> PathBuf {
    place.out.with_file_name("config.script")
}
