//! The parts of the mutation test, in the order in which a case meets them.
//!
//! ```text
//!   inputs (pristine folders) ──> case (seed: verb, input, mutation) ──> mutations, words ──> process (limits)
//!                                                                                   └──> oracles, values ──> soak
//! ```

pub mod case;
pub mod dice;
pub mod inputs;
pub mod mutations;
pub mod oracles;
pub mod process;
pub mod soak;
pub mod values;
pub mod verbs;
pub mod words;
