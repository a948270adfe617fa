//! What a Cartesian configuration says to `perfvt run`.
//!
//! ```text
//!   shipped (perfvt:base.cfg) ──> the user's CFG ──> filters ──> variants ──> select: one for each environment
//!                                                                               │         (repeats become boots)
//!                                          keys: which of its keys perfvt knows ┘
//! ```
//!
//! The language itself is in [`crate::cartesian`]; what becomes of the chosen keys is in [`crate::matrix`].

pub mod guests;
pub mod keys;
pub mod select;
pub mod shipped;

pub use guests::{Guest, GuestError};
pub use select::{Choice, EnvSpec, SelectError, Selected, Source};
pub use shipped::Shipped;
