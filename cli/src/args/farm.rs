//! What `perfvt farm` takes.

use clap::{Args, Subcommand};
use std::path::PathBuf;
use std::time::Duration;

/// `perfvt farm`.
#[derive(Debug, Args)]
#[command(after_help = "EXAMPLES
  perfvt farm hosts
  perfvt farm submit --farm /srv/farm --hosts '3*amd64&kvm' -- netperf --env base --env head:nic_model=e1000
  perfvt farm status /srv/farm/netperf-20261130T020000Z
  perfvt farm gather /srv/farm/netperf-20261130T020000Z --wait && perfvt compare /srv/farm/netperf-20261130T020000Z

EXIT CODES
  0    done; gather: every shard is finished
  1    gather: some shards are not finished, also when nothing changed for as long as --patience says; host states that Slurm would not change
  2    usage or input error, Slurm is not here or does not answer, a host is unknown or set aside
  4    gather: every shard is finished, and some cells are invalid
  130  interrupted while it waited")]
pub struct Farm {
    /// What to do.
    #[command(subcommand)]
    pub verb: FarmVerb,
    /// For programs
    #[arg(long, global = true)]
    pub json: bool,
}

/// The verbs of `perfvt farm`.
#[derive(Debug, Subcommand)]
pub enum FarmVerb {
    /// List the hosts that Slurm knows: state, labels, CPUs, and what is wrong
    Hosts,
    /// Measure on several hosts: a job on each, which takes complete blocks of all environments there
    Submit(Submit),
    /// Say how each shard stands
    Status {
        /// The farm's directory
        dir: PathBuf,
    },
    /// Read again all that was copied, hold it against its sums, and say whether it is complete
    Gather {
        /// The farm's directory
        dir: PathBuf,
        /// Wait until nothing goes on by itself any more
        #[arg(long)]
        wait: bool,
        /// Give up waiting when nothing has changed for so long: 90s, 30m, 12h, 2d
        #[arg(long, value_name = "TIME", default_value = "24h", value_parser = patience)]
        patience: Duration,
    },
    /// End the shards that are not finished, each after the sample in hand; what is finished stays
    Cancel {
        /// The farm's directory
        dir: PathBuf,
        /// Do not wait for samples: those in hand are lost
        #[arg(long)]
        now: bool,
        /// Only these shards
        #[arg(long = "shard", value_name = "K")]
        shards: Vec<u32>,
    },
    /// Let shards go on that do not by themselves: release held jobs, resume hosts that Slurm set aside, hand in again
    Retry {
        /// The farm's directory
        dir: PathBuf,
        /// Only these shards
        #[arg(long = "shard", value_name = "K")]
        shards: Vec<u32>,
    },
    /// Give a shard that has copied no block yet to another host
    Move {
        /// The farm's directory
        dir: PathBuf,
        /// The shard, from 1
        shard: u32,
        /// The host that is to measure it
        host: String,
    },
    /// Print a line for cron, or two units for systemd, that hand in a farm again and again
    Timer(Timer),
    /// Remove raw output of farms that are older than so, and keep values, journals and pages
    Prune(Prune),
    /// The body of a job
    #[command(hide = true)]
    Shard {
        /// The farm's directory
        dir: PathBuf,
        /// The shard, from 1
        shard: u32,
    },
}

/// A time in words: `90s`, `30m`, `12h`, `2d`.
fn patience(text: &str) -> Result<Duration, String> {
    let wrong = || format!("want a time such as 90s, 30m, 12h or 2d, and not {text}");
    let unit = match text.chars().last() {
        Some('s') => 1,
        Some('m') => 60,
        Some('h') => 3600,
        Some('d') => 24 * 3600,
        _ => return Err(wrong()),
    };
    let number: u64 = text[..text.len() - 1].parse().map_err(|_| wrong())?;
    if number == 0 || number > 1_000_000 {
        return Err(wrong());
    }
    Ok(Duration::from_secs(number * unit))
}

/// `perfvt farm submit`.
#[derive(Debug, Args)]
pub struct Submit {
    /// Where farms are kept: a folder that all hosts see under the same path
    #[arg(long, value_name = "DIR")]
    pub farm: PathBuf,
    /// Which hosts: all, names (h1,h2), or a number of hosts with labels ('3*amd64&kvm')
    #[arg(long, value_name = "HOSTS")]
    pub hosts: String,
    /// Hosts for clients, one for each of --hosts, as those are given: the shard has client=ADDRESS, by which Slurm reaches it
    #[arg(long, value_name = "HOSTS")]
    pub clients: Option<String>,
    /// Its name [default: WORKLOAD-TIME]. Handing in the same again hands in only what is not finished and not in the queue
    #[arg(long, value_name = "NAME")]
    pub id: Option<String>,
    /// Who gets Slurm's mail about ends of jobs
    #[arg(long, value_name = "ADDRESS")]
    pub mail: Option<String>,
    /// Interrupt a job after so many minutes; it goes on in a new one [default: the partition's limit]
    #[arg(long, value_name = "MINUTES", value_parser = clap::value_parser!(u32).range(5..))]
    pub time: Option<u32>,
    /// Where each host measures, on a disk of its own [default: /var/tmp/perfvt-farm-UID]
    #[arg(long, value_name = "DIR")]
    pub local: Option<PathBuf>,
    /// A program that each host runs before it measures for the first time: installs the build under test, say
    ///
    /// Its words are split as a shell does it, and no shell reads them. What it says is in the log of the shard; where it ends with
    /// another status than 0, the shard fails.
    #[arg(long, value_name = "COMMAND")]
    pub before: Option<String>,
    /// An A/A campaign: the first environment against itself. What it finds is the host's own doing
    #[arg(long)]
    pub canary: bool,
    /// Reboot each host before it measures, so that boots of hosts are what is repeated; with host_kernel in an environment, before
    /// each boot of a guest. Takes the right to reboot hosts, and RebootProgram in slurm.conf
    #[arg(long)]
    pub fresh_boots: bool,
    /// perfvt itself, under a path that all hosts have [default: the one that runs]
    #[arg(long, value_name = "FILE")]
    pub program: Option<PathBuf>,
    /// Another option of sbatch's, with its dashes: --sbatch=--partition=quiet; repeatable
    #[arg(long, value_name = "OPTION", allow_hyphen_values = true)]
    pub sbatch: Vec<String>,
    /// Say what would be handed in, and do nothing
    #[arg(long)]
    pub dry_run: bool,
    /// The words behind `perfvt run`
    #[arg(last = true, required = true, value_name = "RUN-ARGS")]
    pub run: Vec<String>,
}

/// `perfvt farm timer`.
#[derive(Debug, Args)]
pub struct Timer {
    /// When, each day: 02:30
    #[arg(long, value_name = "HH:MM", default_value = "02:30")]
    pub at: String,
    /// Print units of systemd instead of a line for cron
    #[arg(long)]
    pub systemd: bool,
    /// The words behind `perfvt farm submit`
    #[arg(last = true, required = true, value_name = "SUBMIT-ARGS")]
    pub submit: Vec<String>,
}

/// `perfvt farm prune`.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("published").required(true).multiple(true))]
pub struct Prune {
    /// Where farms are kept
    pub farm: PathBuf,
    /// How old a finished farm is whose raw output goes: 180d
    #[arg(long, value_name = "DAYS")]
    pub keep_raw: String,
    /// A site that results are published to; what it holds is kept. Repeatable
    #[arg(long = "site", value_name = "DIR", group = "published")]
    pub sites: Vec<PathBuf>,
    /// Nothing of these farms is published anywhere
    #[arg(long, group = "published")]
    pub no_site: bool,
    /// Remove nothing, and say what would go
    #[arg(long)]
    pub dry_run: bool,
}
