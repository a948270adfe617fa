//! One file for each verb.

pub mod calibrate;
pub mod catalogue;
pub mod compare;
pub mod demo;
pub mod doctor;
pub mod drive;
mod dry_run;
mod expanded;
pub mod explain;
mod gathered;
pub mod gc;
pub mod generate;
pub mod guest;
pub mod help;
pub mod history;
pub mod host;
pub mod import;
pub mod lake;
pub mod list;
pub mod options;
pub mod plan;
pub mod provider;
pub mod publish;
pub mod run;
pub mod selftest;
pub mod show;
pub mod story;
