//! What `run` and `resume` take, and the verbs about guests and the host.

use super::accel::AccelArg;
use clap::Subcommand;
use collect::campaign::{Part, Parts};
use std::path::PathBuf;

/// What `run` and `resume` end with; docs/campaigns.md has the same table.
macro_rules! exit_codes {
    () => {
        "
EXIT CODES
  0    every cell has a value
  2    usage or input error, or stopped: the host lacks something, nothing works, it is in use
       (perfvt resume goes on when that is mended)
  4    finished, and some cells are invalid (perfvt resume --failed measures them again)
  130  interrupted by a signal (perfvt resume goes on)"
    };
}

/// `perfvt run`.
#[derive(Debug, clap::Args)]
#[command(after_help = concat!("EXAMPLES
  perfvt run netperf --env base --env head:nic_model=e1000 --repeat 5 --out X
  perfvt run netperf --set protocols=TCP_RR --set l=5 --dry-run
  perfvt run -c tests.cfg --only netperf.guest_guest --env @nic_model
  perfvt run netperf --env base --env head:nic_model=e1000 --until ci=2% --repeat 40 --budget 8h --out X
", exit_codes!()))]
pub struct Run {
    /// What to measure; optional when a configuration says it. `perfvt list --workloads` shows all
    #[arg(value_name = "WORKLOAD")]
    pub workload: Option<String>,
    /// A Cartesian configuration, which is read after perfvt's own base (see perfvt help cartesian)
    #[arg(short, long = "config", value_name = "CFG")]
    pub config: Option<PathBuf>,
    /// Take only variants that match, as if `only FILTER` stood at the end of the configuration; repeatable
    #[arg(long, value_name = "FILTER")]
    pub only: Vec<String>,
    /// Leave out variants that match, as if `no FILTER` stood at the end of the configuration; repeatable
    #[arg(long, value_name = "FILTER")]
    pub no: Vec<String>,
    /// An environment to compare, with the parameters that make it differ; repeatable.
    ///
    /// The first one is the baseline. A doubled comma is a literal comma. Without --env there is one environment
    /// called `base`. `@FILTER` in place of a KEY=VALUE takes the variant of the configuration that matches;
    /// `--env @BLOCK` makes an environment of each variant of a block, `--env @LABEL` of the variant with that label.
    #[arg(long = "env", value_name = "NAME[:KEY=VALUE|@FILTER,..]")]
    pub envs: Vec<String>,
    /// A set of values that the workload brings; flags win over it. There is one, quick: a few cases of a few seconds each
    #[arg(long, value_name = "PROFILE")]
    pub profile: Option<String>,
    /// The guest of all environments, a name of `perfvt guest list`: short for --set guest=NAME
    #[arg(long, value_name = "NAME")]
    pub guest: Option<String>,
    /// A parameter of all environments; repeatable. `perfvt run WORKLOAD --dry-run` shows all of them, `perfvt help keys` what they do
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub sets: Vec<String>,
    /// Boots of each environment; at most, with --until [default: the repeats of the configuration, else 5; with --until 30]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub repeat: Option<u32>,
    /// Measure each case until the 95 % intervals of its primary metrics are this narrow: ci=2%.
    ///
    /// The half-width of the ratio to the first environment, or of the mean with one environment. Looks after every
    /// block, by a rule that keeps its error rate; `compare` then shows the rule's intervals and p.
    #[arg(long, value_name = "ci=WIDTH")]
    pub until: Option<String>,
    /// Boots of each environment before --until looks first [default: 5, the least]
    #[arg(long, value_name = "N", requires = "until")]
    pub floor: Option<u32>,
    /// Begin no block after this time, 90m or 2h for example, whatever --until still lacks
    #[arg(long, value_name = "TIME", requires = "until", allow_hyphen_values = true)]
    pub budget: Option<String>,
    /// Measure cases with a REGRESSED or CHANGED row again, in N blocks more; all boots together then decide [default N: --repeat, with --until --floor]
    #[arg(long, value_name = "N", num_args = 0..=1, require_equals = true, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub confirm: Option<Option<u32>>,
    /// Add the environments to the campaign in --out, measured by themselves: after a reboot or an upgrade of the host
    #[arg(long, requires = "out", conflicts_with_all = ["until", "confirm"])]
    pub join: bool,
    /// How guests are executed
    #[arg(long, value_name = "ACCEL", default_value = "auto")]
    pub accel: AccelArg,
    /// What is done about a noisy host: off, warn (count noisy samples) or strict (wait, take again, stop)
    ///
    /// The same as --set noise=MODE. By default strict where KVM executes guests, and warn under emulation.
    #[arg(long, value_name = "MODE", value_parser = collect::campaign::Mode::WORDS)]
    pub noise: Option<String>,
    /// Prepare the host first (see perfvt host prepare), and restore it at the end
    #[arg(long)]
    pub prepare: bool,
    /// Go on without pinning when the host has too few CPUs
    #[arg(long)]
    pub allow_unpinned: bool,
    /// What this machine is called: facts host.name and host.id [default: its host name; a keyed hash of its firmware's or
    /// its installation's number]
    #[arg(long, value_name = "NAME", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub machine: Option<String>,
    /// Seed of the order of boots and cases [default: from the clock, recorded in campaign.json]
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Where the results go; must not exist, unless with --join [default: ./perfvt-WORKLOAD-TIME]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// What to do about others, and what to keep.
    #[command(flatten)]
    pub conduct: Conduct,
    /// Name every key that perfvt does not know, and in a dry run those that have their defaults
    #[arg(short, long)]
    pub verbose: bool,
    /// Show the plan, the keys that were set, QEMU's command lines, placement, time and room, list what is in the way here, and do nothing
    #[arg(long)]
    pub dry_run: bool,
    /// With --dry-run: say what the campaign will be able to find, where boots vary like those of this results directory
    #[arg(long, value_name = "DIR", requires = "dry_run")]
    pub pilot: Option<PathBuf>,
}

/// `perfvt resume`.
#[derive(Debug, clap::Args)]
#[command(after_help = concat!("EXAMPLES
  perfvt resume X
  perfvt resume X --failed
  perfvt resume X --repeat 10
", exit_codes!()))]
pub struct Resume {
    /// The campaign's directory.
    pub dir: PathBuf,
    /// Go on although the host has changed since the campaign began
    #[arg(long)]
    pub force: bool,
    /// Measure the cells that failed again, when their cause is mended; the attempts that failed stay in run.json
    #[arg(long)]
    pub failed: bool,
    /// Add boots, up to this number of each environment.
    ///
    /// Whoever adds boots has looked at the results: rows with added boots get the interval and p of a later look, which
    /// a share of alpha was kept for ("Sequential stopping" in perfvt help statistics).
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub repeat: Option<u32>,
    /// Prepare the host first (see perfvt host prepare), and restore it at the end
    #[arg(long)]
    pub prepare: bool,
    /// What to do about others, and what to keep.
    #[command(flatten)]
    pub conduct: Conduct,
}

/// What `run` and `resume` do about others, and what they keep.
#[derive(Debug, clap::Args)]
pub struct Conduct {
    /// Wait while somebody else measures on the same CPUs or bridge, instead of failing at once
    #[arg(long)]
    pub wait: bool,
    /// Go on when the terminal is closed (ignore SIGHUP)
    #[arg(long)]
    pub nohup: bool,
    /// Write JUnit XML of the campaign itself, also when it is interrupted: a suite for each environment, a test case for each
    /// boot and case
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
    /// Add the campaign to this lake when it has ended (perfvt lake, perfvt history)
    #[arg(long, value_name = "LAKE")]
    pub lake: Option<PathBuf>,
    /// What of failed boots and samples is kept: all, none, or some of forensics,logs,raw,sysinfo; guest: all, and the first guest whose
    /// boot fails, as it is: nothing is measured until you have looked (perfvt drive --attach DIR)
    #[arg(long, value_name = "WHAT", default_value = "all")]
    pub keep_failed: Parts,
    /// What of the others is kept; without raw, `perfvt reparse` cannot make values again
    #[arg(long, value_name = "WHAT", default_value = "all", value_parser = files_alone)]
    pub keep_passed: Parts,
    /// Let guests write to this block device of the host, which disk_device names; repeatable. What is on it is lost
    #[arg(long, value_name = "DEVICE")]
    pub allow_write_device: Vec<PathBuf>,
}

/// What is kept of a boot that came to its end in order: its guest has ended, too.
fn files_alone(text: &str) -> Result<Parts, String> {
    let parts: Parts = text.parse()?;
    if parts.has(Part::Guest) {
        return Err("a guest is kept where its boot failed alone: --keep-failed guest".into());
    }
    Ok(parts)
}

/// `perfvt status`.
#[derive(Debug, clap::Args)]
pub struct Status {
    /// The campaign's directory.
    pub dir: PathBuf,
    /// For programs
    #[arg(long, conflicts_with = "log")]
    pub json: bool,
    /// Everything that happened so far, a line each
    #[arg(long)]
    pub log: bool,
}

/// `perfvt guest`.
#[derive(Debug, clap::Args)]
pub struct Guest {
    /// What to do.
    #[command(subcommand)]
    pub verb: GuestVerb,
}

/// An image in the cache, or a file.
#[derive(Debug, clap::Args)]
pub struct ImageArg {
    /// A name of perfvt guest list, or an image file
    pub image: String,
    /// How an image file is read: qcow2 where it says so, else raw has to be said
    #[arg(long, value_name = "FORMAT", value_parser = ["qcow2", "raw"])]
    pub format: Option<String>,
    /// A file that the image may read besides; may be repeated
    #[arg(long, value_name = "FILE")]
    pub backing: Vec<PathBuf>,
    /// qemu-img: a name to look for in PATH, or a file
    #[arg(long, value_name = "PROGRAM", default_value = "qemu-img")]
    pub qemu_img: String,
}

/// `perfvt guest test`.
#[derive(Debug, clap::Args)]
pub struct ImageTest {
    /// A name of perfvt guest list, or an image file
    pub image: String,
    /// What is done (perfvt help drive.md); its machine is vm1
    #[arg(value_name = "SCRIPT")]
    pub script: PathBuf,
    /// A key of the guest, such as channel=ssh or image_format=raw; may be repeated
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub sets: Vec<String>,
    /// How it is executed
    #[arg(long, value_name = "ACCEL", default_value = "auto")]
    pub accel: AccelArg,
    /// Where drive.jsonl and logs go; must not exist [default: ./perfvt-drive-TIME]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// After a step of a subtest that failed go on with the next subtest
    #[arg(long)]
    pub keep_going: bool,
    /// Write what came of each subtest to a file: junit=FILE
    #[arg(long = "output", value_name = "junit=FILE", value_parser = super::drive::junit)]
    pub junit: Option<PathBuf>,
}

/// What `perfvt guest build` can make.
fn build_names() -> clap::builder::PossibleValuesParser {
    let systems = vm::guest::image::FLAVOURS.iter().map(|flavour| flavour.name);
    clap::builder::PossibleValuesParser::new(["builtin"].into_iter().chain(systems))
}

/// The verbs of `perfvt guest`.
#[derive(Debug, Subcommand)]
pub enum GuestVerb {
    /// Build a guest: builtin (or find the one that fits), or a whole system made by mmdebstrap
    Build {
        /// Which one: builtin, debian (of this host's release), or a release that perfvt guest list names
        #[arg(default_value = "builtin", value_parser = build_names())]
        flavour: String,
        /// Where packages come from instead of the host's own sources or the distribution's mirror, without updates
        #[arg(long, value_name = "URL")]
        mirror: Option<String>,
        /// Show what the builder writes while it works; build.log in the image's folder has it, too
        #[arg(short, long)]
        verbose: bool,
    },
    /// Download what the built-in guest is made of into the cache: a kernel and tools; nothing is installed
    ///
    /// Without root, from the package sources of this Debian or Ubuntu. Elsewhere it names what to install instead.
    #[command(after_help = "EXIT CODES
  0 all is there; 1 with --check: something is missing; 2 something could not be fetched")]
    Fetch {
        /// Look for newer versions as well
        #[arg(long)]
        refresh: bool,
        /// Fetch nothing, and say whether all is there
        #[arg(long, conflicts_with = "refresh")]
        check: bool,
    },
    /// Write an image to a new file for another program; its name's end says as what: .qcow2, .vmdk, .ova or .raw
    Export {
        /// What is written.
        #[command(flatten)]
        image: ImageArg,
        /// The file, which must not be there yet
        #[arg(long, value_name = "FILE")]
        to: PathBuf,
    },
    /// Take an image of another program's into the cache: an OVA, a VMDK in one file, or qcow2 without a backing file
    Import {
        /// The image
        file: PathBuf,
        /// What it is called from then on: perfvt:NAME
        #[arg(long, value_name = "NAME")]
        name: String,
        /// qemu-img: a name to look for in PATH, or a file
        #[arg(long, value_name = "PROGRAM", default_value = "qemu-img")]
        qemu_img: String,
    },
    /// Let an installer make an image from its media and a file of answers (perfvt help install-guests)
    ///
    /// An image that was made of the same files is there already, and nothing boots.
    Install(super::install::Install),
    /// Take files out of an image without booting it and without root: ext2, ext3 and ext4
    Extract {
        /// Which one.
        #[command(flatten)]
        image: ImageArg,
        /// The folder for them, which is made
        #[arg(long, value_name = "DIR")]
        to: PathBuf,
        /// The newest kernel of /boot, with its initrd
        #[arg(long)]
        kernel: bool,
        /// Files and folders of the image, such as /etc/os-release
        #[arg(value_name = "PATH")]
        paths: Vec<String>,
    },
    /// Boot an image and do what a script says: perfvt drive with one machine, vm1
    #[command(after_help = "EXIT CODES
  0 every step passed; 1 one failed; 2 usage or input error; 130 interrupted")]
    Test(ImageTest),
    /// List the images in the cache and the guests that are defined, with what they miss
    List,
    /// Boot a guest and run a command in it; without a command, a shell on the built-in guest's console
    Shell {
        /// A name of `perfvt guest list`
        #[arg(long, value_name = "NAME", default_value = "builtin")]
        guest: String,
        /// A key of the guest, such as channel=ssh; may be repeated
        #[arg(long = "set", value_name = "KEY=VALUE")]
        sets: Vec<String>,
        /// Refused: guests of a campaign are looked at by perfvt drive --attach RUN, when their boot failed
        #[arg(long, value_name = "RUN", hide = true)]
        attach: Option<PathBuf>,
        /// The command; without one, a shell on the console
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        command: Vec<String>,
    },
    /// Fetch images that a mirror has and the cache has not: a folder or a web server with an images.json
    ///
    /// Every file is held against its sum, and what came half goes on the next time. The folder images of a cache is such a mirror.
    Sync {
        /// The folder, or its address (http://, https://; by the program curl)
        #[arg(value_name = "DIR|URL")]
        from: String,
        /// Only these images or flavours
        #[arg(value_name = "NAME")]
        names: Vec<String>,
    },
    /// Remove images beyond the newest of each flavour, never one that a guest runs from
    Prune {
        /// How many of each flavour stay
        #[arg(long, value_name = "N")]
        keep: usize,
        /// Remove nothing, and say what would go
        #[arg(long)]
        dry_run: bool,
        /// Results: what one of them was measured in stays, with a warning
        #[arg(long, value_name = "DIR")]
        results: Option<PathBuf>,
    },
    /// Remove images
    Rm {
        /// Names as `perfvt guest list` prints them
        #[arg(required = true)]
        names: Vec<String>,
    },
}

/// `perfvt doctor`.
#[derive(Debug, clap::Args)]
pub struct Doctor {
    /// Draw nodes, cores, caches and NICs, and where a guest would go
    #[arg(long)]
    pub topology: bool,
    /// For programs
    #[arg(long)]
    pub json: bool,
}
