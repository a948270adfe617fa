//! What `selftest` takes.

use std::path::PathBuf;

/// `perfvt selftest`.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLE
  perfvt selftest --hardware
  perfvt selftest --hardware --emulated --out try

EXIT CODES
  0    every campaign ran, and each came out as it should
  1    one of them did not run or did not come out so
  2    usage or input error, or KVM does not execute guests here
  130  interrupted by a signal")]
pub struct Selftest {
    /// Measure on this machine: one build against itself, and differences that are planted. Half an hour at most
    #[arg(long, required = true)]
    pub hardware: bool,
    /// Try it without KVM: guests are emulated, and what comes out says nothing of the machine
    #[arg(long)]
    pub emulated: bool,
    /// What is measured
    #[arg(long, value_name = "WORKLOAD", default_value = "netperf")]
    pub workload: String,
    /// A parameter of all campaigns; repeatable
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub sets: Vec<String>,
    /// Boots of each environment
    #[arg(long, value_name = "N", default_value_t = 6, value_parser = clap::value_parser!(u32).range(2..=100))]
    pub repeat: u32,
    /// Where the campaigns go; must not exist. The bundle is DIR.tar.gz beside it [default: ./perfvt-selftest-TIME]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}
