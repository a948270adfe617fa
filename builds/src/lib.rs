//! Builds out of git: which commits a range has, and what a recipe makes of one, once for each tree.
//!
//! ```text
//!   user's repository ──(read only)──> mirror, which shares its objects ──> source of a lane ──> steps of a recipe
//!        │                                                                                          │
//!        └── commits of a range, subjects, paths                    CACHE/builds/KEY/{build.json, log, files/} <── key of
//!                                                                    tree, patch, recipe, compiler
//! ```
//!
//! A tarball is a commit of a repository in the cache; packages of a distribution are unpacked into the store as they are.
//!
//! The user's work tree, index, branches and bisect state are never written: git is asked there with optional locks off, and
//! everything that it writes goes into a bare repository in the cache, which borrows the user's objects.

#![cfg_attr(not(test), warn(clippy::disallowed_methods))]

mod archive;
mod bounds;
mod checkout;
mod compiler;
mod error;
mod git;
mod key;
mod lane;
mod line;
mod package;
mod range;
mod recipe;
mod rpm;
mod store;
mod tarball;

pub use archive::is_package;
pub use error::BuildError;
pub use git::{Commit, Repository};
pub use key::{BuildKey, KEY_FORMAT};
pub use lane::{Asked, Progress, build};
pub use line::Line;
pub use package::{Wanted, unpacked};
pub use range::{Order, Range};
pub use recipe::{Kernel, Layout, Place, Qemu, Recipe, Script, Step, changed_symbols};
pub use store::{Record, Status, Store, TAIL_LINES};
