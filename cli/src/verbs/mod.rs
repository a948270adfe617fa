//! One file for each verb.

pub mod compare;
pub mod doctor;
pub mod generate;
pub mod guest;
pub mod list;
pub mod run;
