//! Reports and sites from outside: golden pages, browsers, validators.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

mod bisect;
mod browser;
mod chromium;
mod common;
mod golden;
mod parts;
mod run_page;
mod site;
mod site_entries;
mod timeline;
mod timeline_browser;
mod valid;
mod verdicts;
