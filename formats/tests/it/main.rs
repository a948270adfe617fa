//! The readers from outside: corpora, files of other programs, what is cut.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

mod corpus;
mod cuts;
mod foreign;
mod foreign_tools;
mod odd_options;
mod perf_conf;
mod real_tools;
mod rhs;
mod versions;
