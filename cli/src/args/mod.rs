//! The command line, as clap knows it. `--help`, the manual pages and the completions come from here.

mod ab;
mod accel;
mod bisect;
mod build;
mod collecting;
mod demo;
mod drive;
mod farm;
mod given;
mod host;
mod install;
mod lake;
mod list;
mod measuring;
mod nightly;
mod provider;
mod publish;
mod results;
mod selftest;

pub use ab::{Ab, Builds};
pub use accel::AccelArg;
pub use bisect::{Bisect, BisectHow, CheckArg, HistoryBisect};
pub use build::{Build, BuildCommon, BuildWay, BuildWhat};
pub use collecting::{Conduct, Doctor, Guest, GuestVerb, ImageArg, ImageTest, Resume, Run, Status};
pub use demo::Demo;
pub use drive::Drive;
pub use farm::{Farm, FarmVerb, Prune, Submit, Timer};
pub use host::{Host, HostVerb, Preparing};
pub use install::Install;
pub use lake::{
    Annotate, ExportFormat, FailOnEvent, HistoryArgs, HistoryAsked, HistoryFormat, HistoryVerb, InRepository,
    LakeAdd, LakeAlias, LakeArgs, LakeExport, LakeVerb, NamePart,
};
pub use list::List;
pub use measuring::{Confirm, Measuring};
pub use nightly::Nightly;
pub use provider::{Provider, ProviderVerb};
pub use publish::Publish;
pub use results::{Calibrate, Compare, Explain, Filters, Format, Judging, Plain, Plan, Reading, Show};
pub use selftest::Selftest;

use clap::{Parser, Subcommand};
use std::path::PathBuf;

/// Did this change make guests slower, by how much, and can I trust that?
///
/// perfvt runs benchmarks in NUMA-pinned QEMU guests, repeats them over fresh boots, tests the differences and
/// writes a comparison that can be published.
#[derive(Debug, Parser)]
#[command(
    name = "perfvt",
    version,
    propagate_version = true,
    max_term_width = 100,
    disable_help_subcommand = true
)]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// See it work: measure two environments in real guests, compare them, and write the page; fetches what the guest is made of
    Demo(Demo),
    /// Collect: boot guests of every environment in turn and measure a workload in them
    Run(Run),
    /// Continue a campaign that stopped, for whatever reason
    Resume(Resume),
    /// Say how a campaign stands; from another terminal while it runs, or afterwards
    Status(Status),
    /// Remove what dead campaigns have left outside their directories, and nothing else
    Gc {
        /// Places to look at beside TMPDIR: campaigns, whose journals record where they made folders, or what campaigns had as disk_dir
        dirs: Vec<PathBuf>,
        /// Keep at most so many GiB of what `perfvt build` made: what was used longest ago goes first
        #[arg(long, value_name = "GIB")]
        builds: Option<u64>,
    },
    /// Make the values of a campaign again out of its raw output
    Reparse {
        /// The campaign's directory.
        dir: PathBuf,
    },
    /// Compare: test the repeats of a baseline against those of one or more candidates
    Compare(Compare),
    /// Show one side alone: replicates, mean, spread and invalid cells of every row
    Show(Show),
    /// Explain one row of a comparison: every number between its values and its verdict
    Explain(Explain),
    /// Say how many boots an effect needs, from the spread of one side
    Plan(Plan),
    /// Find how much sessions of one build differ, for compare --noise
    Calibrate(Calibrate),
    /// Publish results: a static site with an index, a page for each comparison, its data, and a feed
    Publish(Publish),
    /// Keep results of years: add them, keep the files in order
    Lake(LakeArgs),
    /// Tell where levels changed over months: what moved, by how much, in which range of builds
    History(HistoryArgs),
    /// Measure two builds of a git repository against one another: build both, boot both in turns, compare
    Ab(Box<Ab>),
    /// Find the commit of a git repository that moved a row: probes of a range, in fresh boots, until one is named
    Bisect(Box<Bisect>),
    /// Build QEMU, a kernel or anything else out of a git repository, once for each tree
    Build(Box<Build>),
    /// Do a whole night: measure, add to a lake, confirm and tell what is new, publish; for cron and timers
    Nightly(Box<Nightly>),
    /// Measure one comparison on several hosts: a job of Slurm on each, which takes complete blocks there
    Farm(Farm),
    /// Expand a Cartesian configuration: the names of its variants, or all their parameters
    List(List),
    /// List and fetch test providers: folders and git repositories that bring configurations and guests
    Provider(Provider),
    /// Fetch, build, list, try and remove guest images
    Guest(Guest),
    /// Drive guests by a script, by hand or from another program: boot them, run commands, wait, pull cables, cut power
    Drive(Drive),
    /// Print the definition of a guest that has what a domain of libvirt has; what has no key is listed
    #[command(
        after_help = "EXAMPLE\n  virsh dumpxml web1 | perfvt import-libvirt - >> ~/.config/perfvt/guests.cfg"
    )]
    ImportLibvirt {
        /// The domain's XML, as virsh dumpxml prints it; - is standard input.
        domain: PathBuf,
    },
    /// Tell what of a data directory or checkout of Avocado-VT works here, what is mapped, and what is not supported and why
    #[command(
        after_help = "Nothing is written and nothing is fetched.\n\nEXAMPLE\n  perfvt import-avocado ~/avocado/data/avocado-vt"
    )]
    ImportAvocado {
        /// The folder: results, perf.conf, *.cfg and test-providers.d anywhere below it.
        tree: PathBuf,
        /// The whole report for programs: also what the text has as a number only.
        #[arg(long)]
        json: bool,
    },
    /// Make this host fit for measuring, and undo that
    Host(Host),
    /// Test perfvt on this machine: campaigns of which is known what should come out, and a bundle to share
    Selftest(Selftest),
    /// Say what this host can do, and how to get what is missing
    Doctor(Doctor),
    /// Print completions for a shell
    Completions {
        /// Which shell.
        shell: clap_complete::Shell,
    },
    /// Print the help of a verb, a document, or what keys do (`help keys PART`); without words, list them
    Help {
        /// A verb, the name of a document, or keys and a part of their names
        words: Vec<String>,
    },
    /// Print the manual page, or write one for each verb
    Man {
        /// Folder for one page per verb; without it the main page goes to standard output.
        #[arg(long, value_name = "DIR")]
        dir: Option<PathBuf>,
    },
}
