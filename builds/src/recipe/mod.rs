//! What is done to build: steps as plain data, so that they can be read and tested without a compiler.

mod configuration;
mod kernel;
mod qemu;
mod script;

pub use configuration::changed_symbols;
pub(crate) use configuration::symbols;
pub use kernel::Kernel;
pub use qemu::Qemu;
pub use script::Script;

use crate::error::BuildError;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// How code is laid out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Layout {
    /// As the project does it.
    #[default]
    Own,
    /// Every function begins at a multiple of 64 bytes, so that a change of one moves no other across lines of the cache.
    Aligned,
}

/// Where a build happens.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// The sources.
    pub source: &'a Path,
    /// What is made on the way; it stays from build to build.
    pub build: &'a Path,
    /// Where what is kept has to be in the end.
    pub out: &'a Path,
    /// How many jobs may run at once.
    pub jobs: usize,
}

/// One command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Program and arguments.
    pub argv: Vec<String>,
    /// Where it runs.
    pub folder: PathBuf,
    /// What its environment has beside the caller's.
    pub environment: BTreeMap<String, String>,
}

impl Step {
    /// A command in a folder.
    pub(crate) fn of<S: Into<String>>(folder: &Path, argv: impl IntoIterator<Item = S>) -> Step {
        let argv = argv.into_iter().map(Into::into).collect();
        Step { argv, folder: folder.to_owned(), environment: BTreeMap::new() }
    }

    /// With this in its environment.
    #[must_use]
    pub(crate) fn with(mut self, name: &str, value: impl Into<String>) -> Step {
        self.environment.insert(name.to_owned(), value.into());
        self
    }
}

/// How something is built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recipe {
    /// QEMU's system emulator.
    Qemu(Qemu),
    /// A Linux kernel with its modules.
    Kernel(Kernel),
    /// A program of the user's.
    Script(Script),
}

impl Recipe {
    /// What is done, one after the other.
    ///
    /// # Errors
    /// The folders' names cannot be handed on.
    pub fn steps(&self, place: &Place<'_>) -> Result<Vec<Step>, BuildError> {
        // Makefiles part words at spaces and take a colon and a dollar for theirs.
        let odd = |path: &Path| {
            path.to_str().is_none_or(|text| text.contains([' ', ':', '$', '#', '\n', '\'', '"', '\\']))
        };
        if let Some(path) = [place.source, place.build, place.out].into_iter().find(|path| odd(path)) {
            let text = format!(
                "make cannot build in {}; set XDG_CACHE_HOME to a folder of letters and digits",
                path.display()
            );
            return Err(BuildError::Recipe(text));
        }
        Ok(match self {
            Recipe::Qemu(qemu) => qemu.steps(place),
            Recipe::Kernel(kernel) => kernel.steps(place),
            Recipe::Script(script) => script.steps(place),
        })
    }

    /// The program or kernel among what is kept, relative to it.
    pub fn product(&self) -> PathBuf {
        match self {
            Recipe::Qemu(qemu) => qemu.product(),
            Recipe::Kernel(_) => Kernel::product().to_owned(),
            Recipe::Script(script) => script.product().to_owned(),
        }
    }

    /// A name for people and folders.
    pub const fn name(&self) -> &'static str {
        match self {
            Recipe::Qemu(_) => "qemu",
            Recipe::Kernel(_) => "kernel",
            Recipe::Script(_) => "script",
        }
    }

    /// The programs whose versions decide what comes out.
    pub const fn compilers(&self) -> &'static [&'static str] {
        &["cc", "ld"]
    }

    /// All that tells it from another recipe.
    pub(crate) fn parts(&self) -> Vec<String> {
        let own = match self {
            Recipe::Qemu(qemu) => qemu.parts(),
            Recipe::Kernel(kernel) => kernel.parts(),
            Recipe::Script(script) => script.parts(),
        };
        [vec![self.name().to_owned()], own].concat()
    }

    /// What stands before each command: a container, for one.
    pub(crate) fn wrapper(&self) -> &[String] {
        match self {
            Recipe::Qemu(qemu) => &qemu.container,
            Recipe::Kernel(kernel) => &kernel.container,
            Recipe::Script(script) => &script.container,
        }
    }

    /// Files in which a build says what it was configured to be, those that are not there left out.
    pub(crate) fn configurations(&self, place: &Place<'_>) -> Vec<PathBuf> {
        match self {
            Recipe::Qemu(qemu) => qemu.configurations(place),
            Recipe::Kernel(_) => vec![place.build.join(".config")],
            Recipe::Script(_) => vec![script::configuration(place)],
        }
    }

    /// What speaks against the result although every step ended well.
    pub(crate) fn objection(&self, place: &Place<'_>) -> Option<String> {
        match self {
            Recipe::Kernel(kernel) => kernel.lost(place),
            Recipe::Qemu(_) | Recipe::Script(_) => None,
        }
    }
}
