//! `perfvt lake` and `perfvt history`.

use super::bisect::HistoryBisect;
use super::measuring::Confirm;
use super::results::Reading;
use clap::Subcommand;
use std::path::PathBuf;

/// `perfvt lake`.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES
  perfvt lake add /srv/lake results/20261129T220000Z-netperf
  perfvt lake add /srv/lake nightly.csv                 (commit,time,case,metric,repeat,value)
  perfvt lake compact /srv/lake
  perfvt lake export /srv/lake --series '*/netperf/*' --since 2026-10-01 > netperf.csv
  perfvt lake export /srv/lake --output points.parquet
  perfvt lake alias /srv/lake metric thr throughput
  perfvt history /srv/lake

EXIT CODES
  0 done; 1 check found a file that does not read; 2 input error; 3 nothing to export")]
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
    /// Write points or boots of chosen series for a spreadsheet or another program
    Export(Box<LakeExport>),
    /// Say that a machine, case or metric has another name since: its series go on under the new one. Without a name: list
    /// what was said
    Alias(Box<LakeAlias>),
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
    /// What the name of each file or folder says, such as '{machine}-{time}-{commit}.json' ({build}, and * for anything); flags
    /// above win
    #[arg(long, value_name = "PATTERN")]
    pub names: Option<String>,
    /// Where commits are looked up.
    #[command(flatten)]
    pub repository: InRepository,
    /// How results are read.
    #[command(flatten)]
    pub reading: Reading,
}

/// The repository of what is measured.
#[derive(Debug, clap::Args)]
pub struct InRepository {
    /// The git repository of what was measured: tells where each commit lies on the first-parent line, and which lie between
    #[arg(long, value_name = "DIR")]
    pub repository: Option<PathBuf>,
    /// Whose first-parent line that is: a branch, a tag or a commit
    #[arg(long, value_name = "BRANCH", default_value = "HEAD", requires = "repository")]
    pub branch: String,
}

/// `perfvt lake export`.
#[derive(Debug, clap::Args)]
pub struct LakeExport {
    /// The lake
    pub lake: PathBuf,
    /// Only series whose name MACHINE/CASE/METRIC/ENV is of this pattern (`*`, `?`); repeatable
    #[arg(long, value_name = "GLOB")]
    pub series: Vec<String>,
    /// Only points from this moment on
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,
    /// A row for each boot, not for each point
    #[arg(long)]
    pub boots: bool,
    /// csv, jsonl (a JSON object a line) or parquet; without it what the name of --output ends with, else csv
    #[arg(long, value_name = "FORMAT")]
    pub format: Option<ExportFormat>,
    /// Where it goes, which parquet needs; without it to standard output
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// Forms of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum ExportFormat {
    /// For spreadsheets.
    Csv,
    /// A JSON object a line.
    Jsonl,
    /// One file with the columns of a lake's points.
    Parquet,
}

/// `perfvt lake alias`.
#[derive(Debug, clap::Args)]
pub struct LakeAlias {
    /// The lake
    pub lake: PathBuf,
    /// Which part of the name
    #[arg(requires = "old")]
    pub part: Option<NamePart>,
    /// What it was called
    pub old: Option<String>,
    /// What it is called
    #[arg(conflicts_with = "undo")]
    pub new: Option<String>,
    /// The alias of OLD counts no more
    #[arg(long, requires = "old")]
    pub undo: bool,
    /// Only series whose old name MACHINE/CASE/METRIC/ENV is of this pattern (`*`, `?`)
    #[arg(long, value_name = "GLOB", default_value = "*")]
    pub series: String,
    /// Who says it; $USER without it
    #[arg(long, value_name = "NAME")]
    pub who: Option<String>,
    /// Where it is discussed
    #[arg(long, value_name = "ID")]
    pub issue: Option<String>,
}

/// A part of a series' name that may change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum NamePart {
    /// The host that measures.
    Machine,
    /// The case, with its workload.
    Case,
    /// The metric.
    Metric,
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
  perfvt history confirm /srv/lake E3fa2b1c4 -c tests.cfg

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
    /// So many false steps a month, such as 5/month, at a point a night: sets the chance of one at a point to 2 N / (30 series), and
    /// tells how many are to be expected at the share of points that this lake's rule sets aside
    #[arg(long, value_name = "N/month", conflicts_with = "alpha", value_parser = a_month)]
    pub false_alarms: Option<f64>,
}

impl HistoryAsked {
    /// All series, at a chance of a false step at a point.
    pub fn of_all(alpha: f64) -> HistoryAsked {
        HistoryAsked { series: Vec::new(), alpha, false_alarms: None }
    }
}

/// A number a month: `5/month`.
fn a_month(text: &str) -> Result<f64, String> {
    let number = text.strip_suffix("/month").unwrap_or(text).trim().parse::<f64>().ok();
    number
        .filter(|n| n.is_finite() && *n > 0.0)
        .ok_or_else(|| "want a number above 0 a month, such as 5/month".to_owned())
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
    /// Run one campaign of the builds before and behind an event and the newest one, in turns: is it there, mended, or the host's
    Confirm(Box<Confirm>),
    /// Find the commit behind an event: bisects from the last commit before it to the first behind it
    Bisect(Box<HistoryBisect>),
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
