//! Guests driven by hand or by a script: a line, a step.
//!
//! ```text
//!   text ──> script (lines ──> words ──> steps: verbs) ──> engine (steps, with a deadline each) ──> journal (drive.jsonl)
//!                                                             └──> machines: a trait; guests of their own, or a campaign's
//! ```
//!
//! What a guest says passes the doors of `edge` before anybody reads it; nothing that comes from a guest is ever a step.

mod act;
mod cast;
mod console;
mod cut;
mod engine;
mod film;
mod journal;
mod machines;
mod pointing;
mod screens;
mod script;
mod sight;
mod verbs;
mod waits;
mod words;

pub use cast::Places;
pub use cut::Cut;
pub use engine::Engine;
pub use journal::{JOURNAL, Journal};
pub use machines::Machines;
pub use script::{LARGEST_SCRIPT, Script, ScriptError, Step};
pub use verbs::{Act, Global, Seen, Spot, VERBS, Verb, help};
pub use words::no_shell;
