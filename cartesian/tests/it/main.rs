//! The language from outside: its manual's examples, laws, errors, and the reference implementation where there is one.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

mod corpus;
mod errors;
mod examples;
mod language;
mod laws;
mod reference;
mod support;
