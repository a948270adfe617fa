//! The Cartesian configuration language: a text that multiplies out to many sets of parameters.
//!
//! ```
//! use cartesian::{Config, Options};
//!
//! let text = "
//! variants:
//!     - virtio:
//!         nic_model = virtio-net-pci
//!     - e1000:
//!         nic_model = e1000
//! variants size:
//!     - small:
//!         mem = 512
//!     - large:
//!         mem = 4096
//! no e1000..large
//! ";
//! let config = Config::parse("nics.cfg", text, Options::default())?;
//! let variants = config.variants().collect::<Result<Vec<_>, _>>()?;
//! let names: Vec<&str> = variants.iter().map(|v| v.shortname.as_str()).collect();
//! assert_eq!(names, ["small.virtio", "small.e1000", "large.virtio"]);
//! assert_eq!(variants[2].get("mem"), Some("4096"));
//! // Where a value came from: the file and the line.
//! assert_eq!(variants[2].params[0].line, 4);
//! # Ok::<(), cartesian::CartesianError>(())
//! ```
//!
//! ```text
//!   files, text ──> Loader ──> Config ──> expand() ──> names        one after the other,
//!                   (parse)   (a graph)      └───────> dictionaries  in constant memory
//! ```
//!
//! The language is that of Avocado-VT; what it means, and where this implementation differs on purpose, stands in
//! perfvt's `docs/cartesian.md`. Nothing here knows what the parameters are for.
//!
//! A configuration is kept as a graph of the size of its text (`program` says how); [`Expansion`] walks through it and
//! holds the path to the current variant only. Filters are asked on the way down, about all variants below at once.

// Files come in by `files::Disk` alone.
#![cfg_attr(not(test), warn(clippy::disallowed_methods))]
mod assigned;
mod bounds;
mod build;
mod dormant;
mod error;
mod eval;
mod expand;
mod files;
mod filter;
mod ids;
mod json;
mod labels;
mod parallel;
mod parse;
mod program;
mod scan;
mod shown;
mod source;
mod statement;
mod suffix;
mod tally;
mod template;
mod variant;
mod variants;
mod walk;

pub use assigned::Assigned;
pub use dormant::Dormant;
pub use error::{CartesianError, Place, Warning};
pub use expand::{Culprit, Expansion, Variants};
pub use files::{Disk, Files, NoFiles};
pub use parallel::{RenderError, Summary};
pub use variant::{Dict, Entry, Named, Param, Step, Variant};

use parse::Parser;
use program::Program;
use std::path::Path;

/// How a configuration is read.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Do as the reference implementation does where it is plainly at odds with its own manual.
    pub compat: bool,
    /// Blocks of which only the default is taken.
    pub defaults: Defaults,
    /// Named blocks of which all variants are wanted nevertheless.
    pub expand: Vec<String>,
    /// Bounds on what a configuration may ask for.
    pub limits: Limits,
}

/// Of which blocks only the default is taken. When filters rule a default out, all others of its block are there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Defaults {
    /// Of none: all variants.
    #[default]
    Ignored,
    /// Of those whose header names one, `[default=x]`.
    Named,
    /// Of those, and of blocks with a variant that is marked by `@`.
    All,
}

/// Bounds that no real configuration meets.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Blocks and includes within each other.
    pub depth: usize,
    /// Lines that mean something, with everything that is included as often as it is.
    pub lines: usize,
    /// Includes, each counted as often as it is carried out.
    pub includes: usize,
    /// Bytes of one file.
    pub bytes: u64,
    /// Bytes of all files, each counted as often as it is included, tabs as the blanks that they stand for.
    pub total: u64,
    /// Bytes that the names of all keys take together.
    pub keys: usize,
    /// Bytes that the values of one variant take together, what was replaced included.
    pub values: usize,
    /// Bytes that the names of one variant and of what it depends on take together.
    pub names: usize,
    /// Filters that one block joins.
    pub joins: usize,
    /// Labels next to each other in a filter.
    pub neighbours: usize,
    /// Steps to find one variant, and to build its values. A step takes some nanoseconds.
    pub work: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            depth: 100,
            lines: 1_000_000,
            includes: 100_000,
            bytes: 16 << 20,
            total: 64 << 20,
            keys: 2 << 20,
            values: 8 << 20,
            names: 1 << 20,
            joins: 64,
            neighbours: 100,
            work: 100_000_000,
        }
    }
}

/// How much of an expansion is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bound {
    /// Variants.
    pub variants: u64,
    /// Steps, see [`Limits::work`]: all of them, not those of one variant.
    pub work: u64,
}

impl Bound {
    /// All of it.
    pub const NONE: Bound = Bound { variants: u64::MAX, work: u64::MAX };
    /// What takes some seconds at most.
    pub const SECONDS: Bound = Bound { variants: 1_000_000, work: 150_000_000 };
}

/// Reads files and pieces of text, each as if it stood behind the one before.
pub struct Loader<'f> {
    parser: Parser<'f>,
}

impl Loader<'static> {
    /// A loader that includes from the file system.
    pub fn new(options: Options) -> Loader<'static> {
        Loader::with_files(options, &Disk)
    }
}

impl<'f> Loader<'f> {
    /// A loader that includes from elsewhere.
    pub fn with_files(options: Options, files: &'f dyn Files) -> Loader<'f> {
        Loader { parser: Parser::new(options, files) }
    }

    /// Reads a file. Its includes are relative to its folder.
    ///
    /// # Errors
    /// When it cannot be read or is not of the language; nothing can be read after an error.
    pub fn file(&mut self, path: &Path) -> Result<&mut Self, CartesianError> {
        self.parser.file(path)?;
        Ok(self)
    }

    /// Reads a piece of text that goes by `name` in messages and origins. Its includes are relative to the working
    /// directory.
    ///
    /// # Errors
    /// As those of [`Loader::file`].
    pub fn text(&mut self, name: &str, text: &str) -> Result<&mut Self, CartesianError> {
        self.parser.text(name, text)?;
        Ok(self)
    }

    /// The configuration.
    pub fn finish(self) -> Config {
        let (program, warnings) = self.parser.finish();
        Config { program, warnings }
    }
}

/// A configuration, ready to expand as often as wanted.
#[derive(Debug)]
pub struct Config {
    program: Program,
    warnings: Vec<Warning>,
}

impl Config {
    /// Reads one file.
    ///
    /// # Errors
    /// As those of [`Loader::file`].
    pub fn load(path: &Path, options: Options) -> Result<Config, CartesianError> {
        let mut loader = Loader::new(options);
        loader.file(path)?;
        Ok(loader.finish())
    }

    /// Reads one piece of text.
    ///
    /// # Errors
    /// As those of [`Loader::text`].
    pub fn parse(name: &str, text: &str, options: Options) -> Result<Config, CartesianError> {
        let mut loader = Loader::new(options);
        loader.text(name, text)?;
        Ok(loader.finish())
    }

    /// What was read and probably not meant.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// Begins an expansion.
    pub fn expand(&self) -> Expansion<'_> {
        Expansion::new(&self.program)
    }

    /// All variants with their parameters, as owned values.
    pub fn variants(&self) -> Variants<'_> {
        Variants::new(self.expand())
    }

    /// The blocks that have a name, in the order in which they begin.
    pub fn blocks(&self) -> impl Iterator<Item = &str> {
        self.program.blocks.iter().map(|(name, _)| self.program.text(*name))
    }

    /// The values that the variants of a block give to its name, each once, in order; `a.b` for labels `a` and `b`.
    /// None when no block has that name.
    pub fn block(&self, name: &str) -> Vec<&str> {
        let found = self.program.blocks.iter().find(|(block, _)| self.program.text(*block) == name);
        found.map(|(_, values)| values.iter().map(|v| self.program.text(*v)).collect()).unwrap_or_default()
    }

    /// Whether any variant carries a label.
    pub fn has_label(&self, name: &str) -> bool {
        self.program.labels.iter().any(|label| self.program.text(label.short) == name)
    }

    /// The label or block that was probably meant by a name that is neither.
    pub fn similar_label(&self, name: &str) -> Option<&str> {
        let labels = self.program.labels.iter().map(|label| self.program.text(label.short));
        error::near(name, labels.chain(self.blocks()))
    }

    /// The key that was probably meant by one that no variant has.
    pub fn similar_key(&self, key: &str) -> Option<&str> {
        error::near(key, self.program.keys.iter().map(|key| self.program.text(key.name)))
    }
}

/// The README's examples are tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
