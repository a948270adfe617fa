//! `perfvt lake` and `perfvt history`.

use super::results::{Plain, Reading};
use clap::Subcommand;
use std::path::PathBuf;

/// `perfvt lake`.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES
  perfvt lake add /srv/lake results/20261129T220000Z-netperf
  perfvt lake add /srv/lake nightly.csv                 (commit,time,case,metric,repeat,value)
  perfvt lake compact /srv/lake
  perfvt history /srv/lake

EXIT CODES
  0 done; 1 check found a file that does not read; 2 input error")]
pub struct LakeArgs {
    /// What to do.
    #[command(subcommand)]
    pub verb: LakeVerb,
}

/// What can be done with a lake.
#[derive(Debug, Subcommand)]
pub enum LakeVerb {
    /// Add results: whatever `perfvt compare` reads, or a table with columns commit, time, case, metric, repeat, value
    Add(LakeAdd),
    /// Write the files of months that are over together, one a table, machine and month
    Compact {
        /// The lake
        lake: PathBuf,
    },
    /// Name every file that does not read, and what has no place in a lake
    Check {
        /// The lake
        lake: PathBuf,
    },
}

/// `perfvt lake add`.
#[derive(Debug, clap::Args)]
pub struct LakeAdd {
    /// The lake: an existing one, or a folder that is new or empty
    pub lake: PathBuf,
    /// Campaigns, runs, results of other tools, or tables
    #[arg(required = true)]
    pub results: Vec<PathBuf>,
    /// What was measured, where the results do not say it or say it otherwise
    #[arg(long, value_name = "ID")]
    pub build: Option<String>,
    /// Its commit
    #[arg(long, value_name = "COMMIT")]
    pub commit: Option<String>,
    /// When: 2026-11-29, 2026-11-29T22:00:00Z, or seconds since 1970
    #[arg(long, value_name = "TIME")]
    pub time: Option<String>,
    /// The host that measured
    #[arg(long, value_name = "NAME")]
    pub machine: Option<String>,
    /// The environment that every session measures: points of the others are differences to it
    #[arg(long, value_name = "ENV")]
    pub anchor: Option<String>,
    /// How results are read.
    #[command(flatten)]
    pub reading: Reading,
}

/// `perfvt history`.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES
  perfvt history /srv/lake
  perfvt history /srv/lake --series '*/netperf/*/throughput/*' --since 2026-10-01
  perfvt history /srv/lake --format json

EXIT CODES
  0 told; 2 input error; 3 no series")]
pub struct HistoryArgs {
    /// The lake
    pub lake: PathBuf,
    /// Only series whose name MACHINE/CASE/METRIC/ENV is of this pattern (`*`, `?`); repeatable
    #[arg(long, value_name = "GLOB")]
    pub series: Vec<String>,
    /// Only steps from this moment on
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,
    /// The chance of a false step at a point, .0005 to .01
    #[arg(long, value_name = "ALPHA", default_value_t = stats::HISTORY_ALPHA)]
    pub alpha: f64,
    /// What goes to standard output
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: Plain,
}
