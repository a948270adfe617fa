//! What `list` takes.

use std::path::PathBuf;

/// `perfvt list`.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES
  perfvt list tests.cfg --only netperf.guest_exhost
  perfvt list tests.cfg --contents --json | jq .params
  perfvt list tests.cfg --explain bridge
  perfvt list tests.cfg --base            (after perfvt's own base, as `perfvt run -c tests.cfg` reads it)
  perfvt list tests.cfg --limit 20
  perfvt list --guests
  perfvt list --workloads --guest win2022
  perfvt list --perf-conf my.conf         (how results are judged, and which line says so)
  perfvt list perfvt:guests.cfg --source > my.cfg

EXIT CODES
  0 at least one variant; 2 input error, nothing is left (standard error names the filter), or there are more variants
  than are listed without --limit")]
pub struct List {
    /// The configuration, - for standard input [default: tests.cfg, or perfvt:base.cfg when there is none]
    pub cfg: Option<PathBuf>,
    /// Read it after perfvt's base, as perfvt run does
    #[arg(long)]
    pub base: bool,
    /// List the guests that it defines, or those that perfvt and you define; marks those whose image is missing
    #[arg(long, conflicts_with_all = ["workloads", "explain"])]
    pub guests: bool,
    /// List the workloads that `perfvt run -c CFG` could run, or all that there are
    #[arg(long, conflicts_with = "explain")]
    pub workloads: bool,
    /// With --workloads: which of them this guest can run, and why not the others
    #[arg(long, value_name = "NAME", requires = "workloads")]
    pub guest: Option<String>,
    /// List the effective perf.conf, each value with where it comes from: built in, ./perf.conf, FILE
    #[arg(long, value_name = "FILE", num_args = 0..=1, conflicts_with_all = ["cfg", "guests", "workloads", "explain", "contents", "json", "base", "source"])]
    pub perf_conf: Option<Option<PathBuf>>,
    /// Print the text of one of perfvt's own configurations
    #[arg(long, conflicts_with_all = ["guests", "workloads", "explain", "contents", "json", "base"])]
    pub source: bool,
    /// Look at so many variants and no more; 0: all, however many [default: 1000000, with --guests and --workloads 200000,
    /// or fewer when they take more than some seconds]
    #[arg(long, value_name = "N")]
    pub limit: Option<u64>,
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
    /// Do as avocado-vt does where it is at odds with its own manual (perfvt help cartesian lists where)
    #[arg(long)]
    pub compat: bool,
    /// Take only the default of every block of variants that has one
    #[arg(long)]
    pub defaults: bool,
    /// A named block of which all variants are wanted in spite of --defaults; repeatable
    #[arg(long, value_name = "BLOCK", requires = "defaults")]
    pub expand: Vec<String>,
}
