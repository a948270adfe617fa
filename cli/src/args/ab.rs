//! `perfvt ab`.

use super::build::BuildWay;
use super::measuring::Measuring;
use super::results::fail_on;
use analyze::FailOn;
use std::path::PathBuf;

/// `perfvt ab`.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES
  perfvt ab --qemu-repo ~/qemu v10.0.0..HEAD netperf --profile quick
  perfvt ab --kernel-repo ~/linux v6.12..v6.13 fio --fragment my.config --repeat 10
  perfvt ab --qemu-repo ~/qemu v9.0.0..v9.1.0 netperf --against v9.2.0 --against HEAD
  perfvt ab --qemu-repo ~/qemu HEAD~1..HEAD netperf --against patch:fix.patch --against dirty:
  perfvt ab --repo ~/qemu-wrapped main~1..main netperf --script ./build.sh --product bin/qemu

EXIT CODES
  0 compared, or nothing to compare: the builds are one program; 1 a build does not build, or --fail-on was met;
  2 input error; 3 nothing could be judged; 4 compared, and some cells are invalid; 130 interrupted")]
pub struct Ab {
    /// The builds to compare, the baseline first
    #[arg(value_name = "GOOD..BAD")]
    pub range: String,
    /// What is measured, and how
    #[command(flatten)]
    pub measuring: Measuring,
    /// What to measure: the same as WORKLOAD
    #[arg(long = "workload", value_name = "WORKLOAD", conflicts_with = "workload")]
    pub workload_flag: Option<String>,
    /// What is built
    #[command(flatten)]
    pub of: Builds,
    /// One more build against the baseline: a commit; patch:FILE, on top of the baseline; dirty:, the last commit with what the work tree
    /// has beside it; tar:FILE, sources; package:FILE,FILE, a distribution's .deb or .rpm; repeatable
    #[arg(long, value_name = "WHAT")]
    pub against: Vec<String>,
    /// Boots of each build
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub repeat: u32,
    /// What makes the exit code 1, as for perfvt compare; repeatable
    #[arg(long, value_name = "WHAT", value_delimiter = ',', value_parser = fail_on())]
    pub fail_on: Vec<FailOn>,
    /// Where all of it goes: the campaign, the page, what was built [default: ./perfvt-ab-GOOD-BAD]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

/// A repository, and how what is measured is made of it.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Builds", group = clap::ArgGroup::new("repository").required(true))]
pub struct Builds {
    /// QEMU's repository: each build is the emulator of the guests
    #[arg(long, value_name = "DIR", group = "repository")]
    pub qemu_repo: Option<PathBuf>,
    /// Linux's repository: each build is the guests' kernel, with its modules
    #[arg(long, value_name = "DIR", group = "repository")]
    pub kernel_repo: Option<PathBuf>,
    /// Another repository, built by --script
    #[arg(long, value_name = "DIR", group = "repository", requires = "script", requires = "product")]
    pub repo: Option<PathBuf>,
    /// The program that builds; see perfvt build script --help
    #[arg(long, value_name = "FILE", requires = "repo")]
    pub script: Option<PathBuf>,
    /// The file that it makes
    #[arg(long, value_name = "PATH", requires = "repo")]
    pub product: Option<PathBuf>,
    /// The parameter of guests that this file is
    #[arg(long, value_name = "KEY", default_value = "qemu_binary", requires = "repo")]
    pub key: String,
    /// One more option of QEMU's configure; repeatable
    #[arg(long, value_name = "OPTION", allow_hyphen_values = true, requires = "qemu_repo")]
    pub configure: Vec<String>,
    /// The kernel's configuration to start from
    #[arg(long, value_name = "FILE", requires = "kernel_repo")]
    pub kernel_config: Option<PathBuf>,
    /// Lines CONFIG_X=y over it; repeatable
    #[arg(long, value_name = "FILE", requires = "kernel_repo")]
    pub fragment: Vec<PathBuf>,
    /// How the commands run
    #[command(flatten)]
    pub way: BuildWay,
}
