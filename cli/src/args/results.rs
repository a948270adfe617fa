//! What the verbs that read results take.

use analyze::FailOn;
use clap::ValueEnum;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use std::path::PathBuf;

/// What is printed on standard output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// A table for people.
    Text,
    /// The ancestor's table.
    Classic,
    /// For a pull request's comment.
    Markdown,
    /// Everything, for programs.
    Json,
    /// Regressions as test failures, for CI.
    Junit,
    /// One line a row, for spreadsheets.
    Csv,
    /// A small picture that says what came of it (SVG).
    Badge,
}

/// What stands below the options of `perfvt compare`.
fn compare_help() -> String {
    format!(
        "EXAMPLES
  perfvt compare X/base X/head
  perfvt compare X                       (a campaign: its first environment against the others)
  perfvt compare FARM                    (a farm, or campaigns of several hosts, X1 X2 X3: one comparison, host by host)
  perfvt compare old new --format markdown --fail-on regression --no-html
  perfvt compare old.json new.json --compare command      (hyperfine: the commands differ on purpose)
  perfvt compare both.json --compare command              (one file: its first command against the others)
  perfvt compare old new --map 'job: run-old=run-new'     (fio: one job of another name)

EXIT CODES
  0 compared; 1 --fail-on was met; 2 input error; 3 no row of a candidate could be judged (with --fail-on: none that gates,
    or all of them one-session)
  A candidate that breaks (FAILS-MORE, or a guest that died on its side alone) fails every gate, before 3

OTHER TOOLS
  Results of these are read as well, packed or not (perfvt help foreign-files): {}",
        formats::foreign::tools()
    )
}

/// `perfvt compare`.
#[derive(Debug, clap::Args)]
#[command(after_help = compare_help())]
pub struct Compare {
    /// Results directories: the baseline, then the candidates; or one campaign's directory
    #[arg(required = true, value_name = "DIR")]
    pub dirs: Vec<PathBuf>,
    /// What goes to standard output
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: Format,
    /// The text in full: every row, every note, what each word means
    #[arg(long)]
    pub all: bool,
    /// Write a format to a file as well; repeatable
    #[arg(long = "output", value_name = "FORMAT=FILE")]
    pub outputs: Vec<String>,
    /// Where the HTML page goes [default: report.html, when --format is text]
    #[arg(long, value_name = "FILE", conflicts_with = "no_html")]
    pub html: Option<PathBuf>,
    /// Write no HTML page
    #[arg(long)]
    pub no_html: bool,
    /// The page links to this documentation, http:// or https://
    #[arg(long, value_name = "URL", conflicts_with = "no_html", value_parser = address)]
    pub docs: Option<String>,
    /// Exit with 1 when such a thing is found; repeatable, or several separated by commas
    #[arg(long, value_name = "WHAT", value_delimiter = ',', value_parser = fail_on())]
    pub fail_on: Vec<FailOn>,
    /// So many guests of the candidate alone may die (panic, oops, hang, early exit, I/O error) before a gate fails
    #[arg(long, value_name = "N", default_value_t = 0, requires = "fail_on")]
    pub allow_crashes: usize,
    /// Names of the sides, in order, separated by commas
    #[arg(long, value_name = "A,B,..", value_delimiter = ',')]
    pub labels: Vec<String>,
    /// Known changes, which are listed and do not gate; a line is ROW | VERDICT | until YYYY-MM-DD | REASON, or CASE | FAILS | .. for failures
    #[arg(long, value_name = "FILE")]
    pub expect: Option<PathBuf>,
    /// A site of perfvt publish: the page shows what it knows of earlier results on the same machine
    #[arg(long, value_name = "SITE")]
    pub history: Option<PathBuf>,
    /// Which rows are shown.
    #[command(flatten)]
    pub filters: Filters,
    /// How they are judged.
    #[command(flatten)]
    pub judging: Judging,
    /// How they are read.
    #[command(flatten)]
    pub reading: Reading,
}

/// An address that a page may link to.
pub(super) fn address(text: &str) -> Result<String, String> {
    let whole = !text.contains(|c: char| c.is_whitespace() || c.is_control());
    let known =
        ["https://", "http://"].iter().any(|scheme| text.len() > scheme.len() && text.starts_with(scheme));
    if known && whole {
        return Ok(text.to_owned());
    }
    Err("want an address that begins with https:// or http:// and has no spaces".to_owned())
}

/// The words of `--fail-on`.
pub(super) fn fail_on() -> impl TypedValueParser<Value = FailOn> {
    let words = FailOn::ALL.map(|what| PossibleValue::new(what.word()).help(what.help()));
    PossibleValuesParser::new(words).try_map(|word| {
        FailOn::ALL
            .into_iter()
            .find(|what| what.word() == word)
            .ok_or_else(|| format!("unknown word '{word}'"))
    })
}

/// How results are read, by every verb that reads them.
#[derive(Clone, Debug, clap::Args)]
#[group(skip)]
pub struct Reading {
    /// A perf.conf on top of the built-in one and ./perf.conf
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The workload, when names and columns do not tell it
    #[arg(long, value_name = "WORKLOAD")]
    pub workload: Option<String>,
    /// What of other tools' files is a replicate: auto, file, run, or the name of a column
    #[arg(long, value_name = "WHAT", default_value = "auto")]
    pub replicate: String,
    /// Say which configuration file gave what
    #[arg(short, long)]
    pub verbose: bool,
}

/// Which rows are shown.
#[derive(Clone, Debug, Default, clap::Args)]
#[group(skip)]
pub struct Filters {
    /// Show only cases that contain this text (all are judged all the same); repeatable
    #[arg(long, value_name = "TEXT")]
    pub only: Vec<String>,
    /// Show only this metric; repeatable
    #[arg(long = "metric", value_name = "METRIC")]
    pub metrics: Vec<String>,
}

/// How a comparison is judged.
#[derive(Clone, Debug, clap::Args)]
#[group(skip)]
pub struct Judging {
    /// Further directories of the baseline; their boots are pooled with it
    #[arg(long, value_name = "DIR", num_args = 1..)]
    pub baseline_from: Vec<PathBuf>,
    /// How much sessions differ, as perfvt calibrate wrote it; a part of every error where the sides were not measured in turns
    #[arg(long, value_name = "FILE")]
    pub noise: Option<PathBuf>,
    /// A parameter or fact that differs on purpose; repeatable
    #[arg(long = "factor", value_name = "KEY")]
    pub factors: Vec<String>,
    /// A key of the cases that names what is compared (job of fio, command of hyperfine): cases that differ in it alone meet;
    /// repeatable. With one path the levels of the key become the sides
    #[arg(long = "compare", value_name = "KEY")]
    pub compared: Vec<String>,
    /// Level a of KEY on the baseline meets level b of the other side; repeatable
    #[arg(long = "map", value_name = "KEY: a=b")]
    pub maps: Vec<String>,
    /// The test that the verdict rests on: auto, welch, student or blocked
    #[arg(long, value_name = "TEST", default_value = "auto")]
    pub test: String,
    /// Whose variance an error has: own (the row's), or moderated by those of the family's rows (limma's way)
    #[arg(long, value_name = "WHOSE", default_value = "own")]
    pub variance: String,
    /// Level of the tests
    #[arg(long, value_name = "ALPHA", default_value_t = 0.05)]
    pub alpha: f64,
    /// Correction for the number of tests: bh or holm
    #[arg(long, value_name = "NAME", default_value = "bh")]
    pub correction: String,
    /// Judge sides that were not measured alike, and those of one session each as if sessions did not differ, under a banner
    #[arg(long)]
    pub force: bool,
    /// Make every lost file, row and cell an error
    #[arg(long)]
    pub strict: bool,
}

/// What `show`, `explain` and `plan` print.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Plain {
    /// A table for people.
    Text,
    /// Everything, for programs.
    Json,
}

/// `perfvt show`.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES
  perfvt show X/base
  perfvt show X/base --metric throughput --format json

EXIT CODES
  0 shown; 2 input error; 3 no row has a value")]
pub struct Show {
    /// A results directory or file
    #[arg(value_name = "DIR")]
    pub dir: PathBuf,
    /// What goes to standard output
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: Plain,
    /// Which rows are shown.
    #[command(flatten)]
    pub filters: Filters,
    /// How they are read.
    #[command(flatten)]
    pub reading: Reading,
}

/// `perfvt explain`.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES
  perfvt explain X/base X/head netperf/TCP_STREAM/size=64,sessions=1/throughput
  perfvt explain X size=64,sessions=1/throughput      (X: a campaign)

EXIT CODES
  0 explained; 2 input error, or no such row")]
pub struct Explain {
    /// The sides as `perfvt compare` takes them
    #[arg(required = true, value_name = "DIR")]
    pub dirs: Vec<PathBuf>,
    /// The row: its id, or a part that no other row's id has; or a category as a whole, netperf/TCP_RR
    #[arg(required = true, value_name = "ROW")]
    pub row: String,
    /// What goes to standard output
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: Plain,
    /// How they are judged.
    #[command(flatten)]
    pub judging: Judging,
    /// How they are read.
    #[command(flatten)]
    pub reading: Reading,
}

/// `perfvt plan`.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES
  perfvt plan X/base
  perfvt plan X/base X/head                           (the spread of both sides)
  perfvt plan X/base --effect 10% --boots 15
  perfvt plan mon/base --noise noise.json             (sides of a session each, as compare --noise judges them)
  perfvt plan FARM --hosts 6 --effect 3%              (how many hosts, before how many blocks)

EXIT CODES
  0 planned; 2 input error; 3 no row tells how much it varies")]
pub struct Plan {
    /// A results directory or file, from which the spread is taken; or two, one of each side
    #[arg(required = true, value_name = "DIR")]
    pub dirs: Vec<PathBuf>,
    /// The change that must not be missed: 10% or 0.1; within min_effect nothing is decided [default: twice each metric's min_effect]
    #[arg(long, value_name = "EFFECT")]
    pub effect: Option<String>,
    /// Boots of each side whose power is told [default: as many as DIR has]
    #[arg(long, value_name = "N")]
    pub boots: Option<usize>,
    /// The sides will not be measured in turns: how much sessions differ, as perfvt calibrate wrote it
    #[arg(long, value_name = "FILE")]
    pub noise: Option<PathBuf>,
    /// Sessions of each side, not measured in turns; 2 and more need no --noise where DIR has several itself [default with --noise: 1]
    #[arg(long, value_name = "N")]
    pub sessions: Option<usize>,
    /// Hosts that will measure both sides, of --boots blocks each [default for a farm: as many as it planned]; five or more speak of hosts like them
    #[arg(long, value_name = "N", conflicts_with_all = ["noise", "sessions"])]
    pub hosts: Option<usize>,
    /// Rows that do not gate, too
    #[arg(long)]
    pub all: bool,
    /// Level of the tests
    #[arg(long, value_name = "ALPHA", default_value_t = 0.05)]
    pub alpha: f64,
    /// What goes to standard output
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: Plain,
    /// Which rows are shown.
    #[command(flatten)]
    pub filters: Filters,
    /// How they are read.
    #[command(flatten)]
    pub reading: Reading,
}

/// `perfvt calibrate`.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES
  perfvt calibrate mon/base tue/base wed/base thu/base fri/base --output noise.json
  perfvt compare mon/base next/head --noise noise.json

EXIT CODES
  0 calibrated; 2 input error: one session alone, or more than one build, among others")]
pub struct Calibrate {
    /// Results of the same build, of several sessions: campaigns of other days or other boots of the host; five or more
    #[arg(required = true, value_name = "DIR")]
    pub dirs: Vec<PathBuf>,
    /// Where it goes [default: standard output]
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Takes results for one build although their facts differ
    #[arg(long)]
    pub force: bool,
    /// How they are read.
    #[command(flatten)]
    pub reading: Reading,
}
