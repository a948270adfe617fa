//! perfvt as a user starts it, in real guests where it takes one.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

#[path = "../../../collect/tests/it/campaign_support/mod.rs"]
mod campaign_support;
#[path = "../../../vm/tests/it/nested_support/mod.rs"]
mod nested_support;
#[path = "../../../vm/tests/it/sshd_support/mod.rs"]
mod sshd_support;

mod aa_record;
mod ab;
mod ancestor_defects;
mod backing;
mod bisect;
mod bisect_real;
mod brought;
mod by_host;
mod ci;
mod cloud_images;
mod compare;
mod configurations;
mod consoles;
mod demo;
mod designs;
mod documents;
mod drive;
mod drive_around;
mod ends;
mod exits;
mod farm;
mod farm_boots;
mod farm_clients;
mod farm_figures;
mod farm_kills;
mod faults;
mod firmware;
mod guest_686;
mod guests;
mod host;
mod host_kernels;
mod hostile_configurations;
mod house;
mod house_support;
mod hypervisor;
mod images;
mod import_avocado;
mod independent;
mod install;
mod interrupted;
mod kept;
mod kernels;
mod killed;
mod lake;
mod lake_commits;
mod lake_names;
mod macvtap;
mod migrations;
mod mutation;
mod mutation_support;
mod nested_kvm;
mod netperf;
mod nightly;
mod nightly_guests;
mod obstacles;
mod offline;
mod outside;
mod parked;
mod profiles;
mod providers;
mod publish;
mod publish_faults;
mod real_disks;
mod right_guest;
mod scenarios;
mod screens;
mod seeds;
mod selftest;
mod sequential;
mod support;
mod terminal;
mod topology;
mod verbs;
mod workloads;
