//! Guests and their host from outside, where what they take is there.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

mod blockdev;
mod confined;
mod disks;
mod guest_job;
mod host_prepare;
mod host_topologies;
mod image;
mod migration;
mod nested;
mod nested_netem;
mod nested_support;
mod powershell;
mod several;
mod ssh;
mod sshd_support;
