//! What `list` takes.

use std::path::PathBuf;

/// `perfvt list`.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES
  perfvt list tests.cfg --only netperf.guest_exhost
  perfvt list tests.cfg --contents --json | jq .params
  perfvt list tests.cfg --explain bridge

EXIT CODES
  0 at least one variant; 2 input error, or nothing is left (standard error names the filter)")]
pub struct List {
    /// The configuration [default: tests.cfg]
    pub cfg: Option<PathBuf>,
    /// Take only variants that match, as if `only FILTER` stood at the end of the file; repeatable
    #[arg(long, value_name = "FILTER")]
    pub only: Vec<String>,
    /// Leave out variants that match, as if `no FILTER` stood at the end of the file; repeatable
    #[arg(long, value_name = "FILTER")]
    pub no: Vec<String>,
    /// Print all parameters, too
    #[arg(long)]
    pub contents: bool,
    /// One JSON object a line
    #[arg(long)]
    pub json: bool,
    /// Show the value of one key, where it comes from and what it replaced
    #[arg(long, value_name = "KEY", conflicts_with_all = ["contents", "json"])]
    pub explain: Option<String>,
    /// Do as avocado-vt does where it is at odds with its own manual (docs/cartesian.md lists where)
    #[arg(long)]
    pub compat: bool,
    /// Take only the default of every block of variants that has one
    #[arg(long)]
    pub defaults: bool,
    /// A named block of which all variants are wanted in spite of --defaults; repeatable
    #[arg(long, value_name = "BLOCK", requires = "defaults")]
    pub expand: Vec<String>,
}
