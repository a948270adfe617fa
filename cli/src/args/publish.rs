//! What `perfvt publish` takes.

use super::results::address;
use super::{Judging, Reading};
use std::path::PathBuf;

/// `perfvt publish`.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES
  perfvt publish site X                     (X: a campaign; its environments are compared)
  perfvt publish site new --against old     (two folders with results are compared)
  perfvt publish site nightly               (one side alone: a run)
  perfvt publish site X --keep 60           (older ones of the same machine and workload go)
  perfvt publish site --lake /srv/lake      (pages of its histories)
  perfvt publish site                       (index and feed again, after an entry was removed)
  perfvt publish site X --push 'rsync -a --delete . www@web:/srv/perf'

EXIT CODES
  0 published; 2 a result could not be published (the others were), or --push failed (the site is written)")]
pub struct Publish {
    /// The site's folder; a new or empty one becomes a site
    #[arg(value_name = "SITE")]
    pub site: PathBuf,
    /// Results to add: campaigns, environments, folders with result files
    #[arg(value_name = "RESULT")]
    pub results: Vec<PathBuf>,
    /// The baseline that each RESULT is compared with
    #[arg(long, value_name = "DIR")]
    pub against: Option<PathBuf>,
    /// Names of the sides, in order, separated by commas
    #[arg(long, value_name = "A,B,..", value_delimiter = ',')]
    pub labels: Vec<String>,
    /// Heading of the result [default: the names of its sides]
    #[arg(long, value_name = "TEXT")]
    pub title: Option<String>,
    /// The machine that the index lists it under [default: the host's name or processor]
    #[arg(long, value_name = "NAME")]
    pub machine: Option<String>,
    /// Heading of the site, kept from then on
    #[arg(long, value_name = "TEXT")]
    pub site_title: Option<String>,
    /// Where the site is served, for the links of the feed; kept from then on
    #[arg(long, value_name = "URL")]
    pub url: Option<String>,
    /// The documentation that the pages of comparisons link to; kept from then on
    #[arg(long, value_name = "URL", value_parser = address)]
    pub docs: Option<String>,
    /// Make the history pages anew out of this lake: series over builds, events, what is open
    #[arg(long, value_name = "LAKE")]
    pub lake: Option<PathBuf>,
    /// Where a commit is shown, for pages of events: {} stands for it; kept from then on
    #[arg(long, value_name = "URL", value_parser = address)]
    pub commit_url: Option<String>,
    /// Remove older entries: of each machine and its workloads the newest N stay
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub keep: Option<u32>,
    /// A RESULT with more than so many MiB is refused
    #[arg(long, value_name = "MIB", default_value_t = 1024)]
    pub max_size: u64,
    /// Sign each RESULT with this SSH key (a public one: through ssh-agent); the archive carries the signature
    #[arg(long, value_name = "KEY")]
    pub sign: Option<PathBuf>,
    /// Refuse each RESULT that nobody in this file has signed, as it is now (ssh-keygen(1), ALLOWED SIGNERS); from then on
    /// the site asks for signatures, and entries and machines belong to whoever signed the first
    #[arg(long, value_name = "FILE")]
    pub allowed_signers: Option<PathBuf>,
    /// Publish without checking signatures, this once, though the site asks for them
    #[arg(long, conflicts_with = "allowed_signers")]
    pub unchecked: bool,
    /// A program that copies the site, run in its folder when it is written; PERFVT_SITE is its path.
    ///
    /// Its words are split as a shell does it, and no shell reads them
    #[arg(long, value_name = "COMMAND")]
    pub push: Option<String>,
    /// Known changes, as for perfvt compare
    #[arg(long, value_name = "FILE")]
    pub expect: Option<PathBuf>,
    /// How they are judged.
    #[command(flatten)]
    pub judging: Judging,
    /// How they are read.
    #[command(flatten)]
    pub reading: Reading,
}
