//! Builds out of real git repositories, with the machine's own git and make.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

mod archives;
mod building;
mod ranges;
mod recipes;
mod repository;
