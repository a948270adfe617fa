//! What `perfvt nightly` takes.

use super::lake::{FailOnEvent, HistoryAsked, InRepository};
use super::measuring::{CEILING, Measuring};
use std::path::PathBuf;

/// `perfvt nightly`.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES
  perfvt nightly -c tests.cfg --lake /srv/lake --site /srv/site --notify 'mail -s regression team@lab'
  perfvt nightly netperf --lake /srv/lake --set qemu_binary=/opt/$COMMIT/qemu --commit $COMMIT --anchor qemu_binary=/opt/7.2/qemu

EXIT CODES
  0    measured, added, told, and nothing that --fail-on counts
  1    an event that --fail-on counts
  2    usage or input error, or something could not be done: the host lacks something, a program of yours failed
  4    nothing that counts, and some cells are invalid
  5    another perfvt nightly is at work on the same --results: nothing was done
  130  interrupted (the next perfvt nightly goes on)")]
pub struct Nightly {
    /// What is measured.
    #[command(flatten)]
    pub measuring: Measuring,
    /// Where results of all nights are kept: an existing lake, or a folder that is new or empty
    #[arg(long, value_name = "LAKE")]
    pub lake: PathBuf,
    /// The site where the night is published
    #[arg(long, value_name = "SITE")]
    pub site: Option<PathBuf>,
    /// Where campaigns go, with the state of the night in hand [default: LAKE-campaigns]
    #[arg(long, value_name = "DIR")]
    pub results: Option<PathBuf>,
    /// A build that is measured in the same blocks, so that the host's days are no steps: parameters, or a build that the lake knows
    #[arg(long, value_name = "KEY=VALUE,..|BUILD")]
    pub anchor: Option<String>,
    /// What is measured tonight, where its versions and hashes do not say it
    #[arg(long, value_name = "ID")]
    pub build: Option<String>,
    /// Its commit
    #[arg(long, value_name = "COMMIT")]
    pub commit: Option<String>,
    /// Where that lies among others.
    #[command(flatten)]
    pub repository: InRepository,
    /// Boots of the night [default: the repeats of the configuration, else 5]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub repeat: Option<u32>,
    /// Boots of each build when an event is confirmed, at most
    #[arg(long, value_name = "N", default_value_t = CEILING, value_parser = clap::value_parser!(u32).range(5..=200))]
    pub confirm_repeat: u32,
    /// No confirmation, and no block of one, begins later than this after the night began
    #[arg(long, value_name = "TIME", default_value = "4h", allow_hyphen_values = true)]
    pub budget: String,
    /// A program that is told of each event, once: JSON on its standard input, PERFVT_EVENT and others in its environment.
    ///
    /// Its words are split as a shell does it, and no shell reads them. Status 0 says that somebody was told; after any other the
    /// next night tries again.
    #[arg(long, value_name = "COMMAND")]
    pub notify: Option<String>,
    /// A program that copies the site, run in its folder (perfvt publish --push)
    #[arg(long, value_name = "COMMAND", requires = "site")]
    pub push: Option<String>,
    /// Older results of this machine go from the site (perfvt publish --keep)
    #[arg(long, value_name = "N", requires = "site", value_parser = clap::value_parser!(u32).range(1..))]
    pub keep: Option<u32>,
    /// Events that were found before are neither confirmed nor told, and count for nothing [default: 30 days ago]
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,
    /// Which events exit with 1: `confirmed`, those that got worse and that a campaign has confirmed; `step`, open ones, too
    #[arg(long, value_name = "WHAT", default_value = "confirmed")]
    pub fail_on: FailOnEvent,
    /// Which series are judged.
    #[command(flatten)]
    pub asked: HistoryAsked,
}
