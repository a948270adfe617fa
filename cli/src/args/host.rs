//! What `host` takes.

use clap::Subcommand;
use std::path::PathBuf;
use vm::host::prepare::Hugepages;

/// `perfvt host`.
#[derive(Debug, clap::Args)]
pub struct Host {
    /// What to do.
    #[command(subcommand)]
    pub verb: HostVerb,
    /// Work on a host that is laid out in this folder instead of this machine
    #[arg(long, global = true, hide = true, value_name = "DIR")]
    pub root: Option<PathBuf>,
    /// For programs
    #[arg(long, global = true)]
    pub json: bool,
}

/// The verbs of `perfvt host`.
#[derive(Debug, Subcommand)]
pub enum HostVerb {
    /// Turn frequency, memory, watchdogs, network and services to what measuring wants
    ///
    /// The old value of everything is on disk before anything is changed; `perfvt host restore` undoes it, also after
    /// a crash. Most of it needs root. Exit code 1 when something could not be changed.
    Prepare(Preparing),
    /// Undo what `prepare` changed, as far as nobody else has changed it since
    Restore,
    /// Say what is changed, and what only a reboot could make better
    Status,
    /// Say whether this host can measure, a line for each thing that it lacks; for Slurm's HealthCheckProgram
    ///
    /// Exit code 1 when it lacks something. `perfvt doctor` tells more.
    Check,
}

/// What to turn.
#[derive(Debug, clap::Args)]
#[command(after_help = "KNOBS
  services governor turbo ksm thp numa_balancing watchdog swappiness arp bridge hugepages caches
  (`perfvt help host.md` says what each does and why)

EXAMPLES
  perfvt host prepare --dry-run
  sudo perfvt host prepare --hugepages 512@1
  sudo perfvt host restore")]
pub struct Preparing {
    /// Only these knobs, separated by commas
    #[arg(long, value_name = "KNOB,..", value_delimiter = ',')]
    pub only: Vec<String>,
    /// Not these knobs, separated by commas
    #[arg(long, value_name = "KNOB,..", value_delimiter = ',')]
    pub no: Vec<String>,
    /// Reserve huge pages: a number, a size in KiB (2048 by default), a node; repeatable
    #[arg(long, value_name = "COUNT[:KIB][@NODE]")]
    pub hugepages: Vec<Hugepages>,
    /// Stop these units of systemd instead of perfvt's own list, separated by commas
    #[arg(long, value_name = "UNIT,..", value_delimiter = ',')]
    pub services: Option<Vec<String>>,
    /// Show what would be changed, and do nothing
    #[arg(long)]
    pub dry_run: bool,
}
