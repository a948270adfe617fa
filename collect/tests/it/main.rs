//! The collector from outside: campaigns of pretending guests, and real parts where they are there.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

mod campaign;
mod campaign_failures;
mod campaign_faults;
mod campaign_hooks;
mod campaign_signals;
mod campaign_support;
mod command_lines;
mod corpus;
mod faults;
mod host_noise;
mod io_faults;
mod keys;
mod lab_support;
mod nested_kvm;
#[path = "../../../vm/tests/it/nested_support/mod.rs"]
mod nested_support;
mod obstacles;
mod profiles;
mod right_guest;
mod samples;
mod secrets;
mod troupe;
mod window;
