//! `perfvt lake` and `perfvt history`.

use super::results::Reading;
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
    Add(Box<LakeAdd>),
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
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
#[command(after_help = "EXAMPLES
  perfvt history /srv/lake
  perfvt history /srv/lake --series '*/netperf/*/throughput/*' --since 2026-10-01
  perfvt history /srv/lake --fail-on step --format junit > history.xml
  perfvt history explain /srv/lake E3fa2b1c4
  perfvt history annotate /srv/lake '*' --dismiss E3fa2b1c4 --issue BUG-7

EXIT CODES
  0 told; 1 an event that --fail-on counts; 2 input error; 3 no series")]
pub struct HistoryArgs {
    /// What else there is to do.
    #[command(subcommand)]
    pub verb: Option<HistoryVerb>,
    /// The lake
    #[arg(required = true)]
    pub lake: Option<PathBuf>,
    /// Which series, and how.
    #[command(flatten)]
    pub asked: HistoryAsked,
    /// Only steps from this moment on
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,
    /// Exit with 1 if an event is there: `step`, any that got worse and is neither expected nor dismissed, the host's or fixed;
    /// `confirmed`, those of them that a campaign has confirmed
    #[arg(long, value_name = "WHAT")]
    pub fail_on: Option<FailOnEvent>,
    /// What goes to standard output
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: HistoryFormat,
}

/// Which series, and how they are read.
#[derive(Debug, clap::Args)]
pub struct HistoryAsked {
    /// Only series whose name MACHINE/CASE/METRIC/ENV is of this pattern (`*`, `?`); repeatable
    #[arg(long, value_name = "GLOB")]
    pub series: Vec<String>,
    /// The chance of a false step at a point, .0005 to .01
    #[arg(long, value_name = "ALPHA", default_value_t = stats::HISTORY_ALPHA)]
    pub alpha: f64,
}

/// Events that fail a gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum FailOnEvent {
    /// Any that got worse and is open or confirmed.
    Step,
    /// Those that a campaign has confirmed.
    Confirmed,
}

/// Forms of a history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum HistoryFormat {
    /// For people.
    Text,
    /// For comments and mails.
    Markdown,
    /// For CI.
    Junit,
    /// Everything, for programs.
    Json,
}

/// What else there is to do with a history.
#[derive(Debug, Subcommand)]
pub enum HistoryVerb {
    /// Every number of an event: its series point by point, the places that the step may have, what was said of it
    Explain {
        /// The lake
        lake: PathBuf,
        /// The event's name, or its beginning
        event: String,
        /// Which series, and how.
        #[command(flatten)]
        asked: HistoryAsked,
    },
    /// Say something of series: a level that is accepted, a change that is meant, a night that says nothing, other hardware
    Annotate(Box<Annotate>),
}

/// `perfvt history annotate`.
#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("said").required(true))]
pub struct Annotate {
    /// The lake
    pub lake: PathBuf,
    /// Which series: a pattern of MACHINE/CASE/METRIC/ENV with `*` and `?`
    pub series: String,
    /// The level from this campaign on is the new one: the baseline begins anew there
    #[arg(long, value_name = "CAMPAIGN", group = "said")]
    pub accept: Option<String>,
    /// A commit changes the level, by a ratio within --ratio, because of --because: such a step is expected
    #[arg(long, value_name = "COMMIT", group = "said", requires_all = ["ratio", "because"])]
    pub intended: Option<String>,
    /// LOW..HIGH: .9..1 for at most a tenth less
    #[arg(long, value_name = "LOW..HIGH")]
    pub ratio: Option<String>,
    /// Why it is meant
    #[arg(long, value_name = "TEXT")]
    pub because: Option<String>,
    /// The event is nobody's business
    #[arg(long, value_name = "EVENT", group = "said")]
    pub dismiss: Option<String>,
    /// The point of this campaign says nothing
    #[arg(long, value_name = "CAMPAIGN", group = "said")]
    pub set_aside: Option<String>,
    /// From this campaign on the hardware is other, though no fact tells it
    #[arg(long, value_name = "CAMPAIGN", group = "said")]
    pub epoch: Option<String>,
    /// A build is a release of this name: pages mark where it begins
    #[arg(long, value_name = "NAME", group = "said", requires = "of_build")]
    pub release: Option<String>,
    /// The build of --release, or the beginning of its commit
    #[arg(long = "build", id = "of_build", value_name = "BUILD", requires = "release")]
    pub build: Option<String>,
    /// Where it is discussed
    #[arg(long, value_name = "ID")]
    pub issue: Option<String>,
    /// From this moment on it counts no more
    #[arg(long, value_name = "TIME")]
    pub expires: Option<String>,
    /// Who says it; $USER without it
    #[arg(long, value_name = "NAME")]
    pub who: Option<String>,
}
