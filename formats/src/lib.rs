//! Pure readers and writers of text; every fuzz target is about one of them.
//!
//! ```text
//!   *.RHS ──> rhs            perf.conf ──> perf_conf         tool output ──> netperf, fio, ..: a module each
//!   the beginning of a disk image ──> qcow2, vmdk    a guest's output disk ──> output
//!   a domain of libvirt ──> libvirt (perfvt's keys)
//!   stacks of a profile ──> folded
//!   /proc of host and guest ──> counters, noise              journal.jsonl <─> journal
//! ```
//!
//! Nothing here opens a file, and nothing panics on any input.

// Tests lay out their own files; everything else passes the doors of `edge`.
#![cfg_attr(not(test), warn(clippy::disallowed_methods))]
pub mod boot;
pub mod counters;
pub mod ffsb;
pub mod fio;
pub mod folded;
pub mod foreign;
pub mod iperf3;
pub mod journal;
mod json;
pub mod kvm;
pub mod kvm_unit_tests;
pub mod libvirt;
pub mod netperf;
pub mod noise;
pub mod ntttcp;
pub mod output;
pub mod partitions;
pub mod pattern;
pub mod perf_conf;
pub mod provider;
pub mod qcow2;
pub mod qemu_img;
pub mod qemu_iotests;
pub mod rhs;
pub mod smaps;
pub mod sockperf;
pub mod tool;
pub mod uperf;
pub mod vmdk;
mod xml;
