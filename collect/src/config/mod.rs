//! What a Cartesian configuration says to `perfvt run`.
//!
//! ```text
//!   shipped (perfvt:base.cfg) ──> the user's CFG ──> filters ──> variants ──> select: one for each environment
//!                                                                               │         (repeats become boots)
//!                                          keys: which of its keys perfvt knows ┘
//! ```
//!
//! The language itself is in [`cartesian`]; what becomes of the chosen keys is in [`crate::matrix`].

pub mod aliases;
pub mod defined;
pub mod entrance;
mod error;
pub mod guests;
pub mod keys;
pub mod named;
pub mod names;
pub mod providers;
pub mod reference;
pub mod select;
pub mod shipped;
pub mod spec;
pub mod survey;

use std::path::PathBuf;

/// perfvt's folder of the user's configuration: `$XDG_CONFIG_HOME/perfvt`, else `~/.config/perfvt`.
pub fn home() -> Option<PathBuf> {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|p| p.is_absolute());
    let base = absolute("XDG_CONFIG_HOME").or_else(|| absolute("HOME").map(|home| home.join(".config")));
    base.map(|base| base.join("perfvt"))
}

pub use error::SelectError;
pub use guests::{Guest, GuestError};
pub use select::{Choice, Selected, Source};
pub use shipped::Shipped;
pub use spec::EnvSpec;
