//! `perfvt bisect`, and `perfvt history bisect`.

use super::ab::Builds;
use super::measuring::Measuring;
use clap::ValueEnum;
use std::path::PathBuf;

/// `perfvt bisect`.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES
  perfvt bisect --qemu-repo ~/qemu v10.0.0..v10.1.0 netperf --profile quick --row netperf/TCP_RR/sessions=1,size=1/throughput
  perfvt bisect --kernel-repo ~/linux v6.12..v6.13 fio --row iops --budget 12h --fragment my.config
  perfvt bisect --repo ~/tool good..bad netperf --script ./build.sh --product bin/qemu --row throughput --dry-run --pilot OLD

The same command goes on where it was cut; nothing is measured twice. The repository is only read.

EXIT CODES
  0 one commit is named; 1 commits are left that could not be told apart, or an end does not build; 2 input error;
  3 the ends do not differ, or the final comparison does not show the commit; 5 another perfvt bisects there;
  130 interrupted (the same command goes on)")]
pub struct Bisect {
    /// The range: a commit of before, and one of after
    #[arg(value_name = "GOOD..BAD")]
    pub range: String,
    /// How it is done
    #[command(flatten)]
    pub how: BisectHow,
    /// Which row moved: its id as perfvt compare --format csv prints it, or the metric where one case is measured
    #[arg(long, value_name = "ID")]
    pub row: String,
}

/// `perfvt history bisect`.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLE
  perfvt history bisect /srv/lake E3fa2b1c4 netperf --qemu-repo ~/qemu --budget 8h

The range is that of the event: the last commit before it that is sure, to the first behind it. EXIT CODES are those of perfvt bisect.")]
pub struct HistoryBisect {
    /// The lake
    pub lake: PathBuf,
    /// The event's name, or its beginning
    pub event: String,
    /// How it is done
    #[command(flatten)]
    pub how: BisectHow,
    /// Which of its rows [default: the one that moved most]
    #[arg(long, value_name = "ID")]
    pub row: Option<String>,
    /// The chance of a false step at a point, as for perfvt history
    #[arg(long, value_name = "ALPHA", default_value_t = stats::HISTORY_ALPHA)]
    pub alpha: f64,
}

/// How a range is bisected.
#[derive(Debug, clap::Args)]
pub struct BisectHow {
    /// What is measured, and how
    #[command(flatten)]
    pub measuring: Measuring,
    /// What to measure: the same as WORKLOAD
    #[arg(long = "workload", value_name = "WORKLOAD", conflicts_with = "workload")]
    pub workload_flag: Option<String>,
    /// What is built
    #[command(flatten)]
    pub of: Builds,
    /// How long boots and builds may take together, 8h or 90m for example; half of it for the ends
    #[arg(long, value_name = "TIME", default_value = "8h", allow_hyphen_values = true)]
    pub budget: String,
    /// At most so many boots before a commit is named, too
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(20..=100_000))]
    pub boots: Option<u32>,
    /// Look at what merges brought, commit by commit, instead of the first parents alone
    #[arg(long)]
    pub into_merge: bool,
    /// What is measured once a commit is named: revert, the bad end without it; aligned, it and its parent with every function at a multiple of 64
    /// bytes; repeatable
    #[arg(long = "check", value_name = "revert|aligned", hide_possible_values = true)]
    pub checks: Vec<CheckArg>,
    /// Tell what it would take, and measure nothing
    #[arg(long)]
    pub dry_run: bool,
    /// A result of this row, whose spread tells what it would take; a budget that cannot do is refused
    #[arg(long, value_name = "RESULT")]
    pub pilot: Option<PathBuf>,
    /// With --pilot: how large the step is said to be, 5% for example
    #[arg(long, value_name = "SIZE", default_value = "5%", requires = "pilot")]
    pub effect: String,
    /// What came out, for programs
    #[arg(long)]
    pub json: bool,
    /// Where all of it goes; a bisection that was cut there goes on [default: ./perfvt-bisect-GOOD-BAD]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

/// What is measured once a commit is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum CheckArg {
    /// The bad end without it.
    Revert,
    /// It and its parent, aligned.
    Aligned,
}
