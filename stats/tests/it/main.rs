//! The statistics from outside: known answers, laws, edges, slow oracles, and simulations of the decision.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

mod bisect;
mod calibration;
mod confirm;
mod edges;
mod exact;
mod guarded;
mod history;
mod history_others;
mod hosts;
mod laws;
mod moderated;
mod moderated_pages;
mod oracle;
mod order;
mod sequential;
mod session;
mod shift;
mod vectors;
mod weighted;
#[path = "../../examples/support/world.rs"]
mod world;
