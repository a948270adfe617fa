//! `perfvt build`.

use clap::{Args as ClapArgs, Subcommand};
use std::path::PathBuf;

/// `perfvt build`.
#[derive(Debug, ClapArgs)]
#[command(after_help = "EXAMPLES
  perfvt build qemu --repo ~/qemu v10.0.0
  perfvt build kernel --repo ~/linux HEAD --fragment debug.config
  perfvt build script --repo ~/tool main --script ./build.sh --product bin/tool
  perfvt build qemu --tar qemu-9.1.0.tar.xz
  perfvt build package qemu-system-x86_*.deb qemu-system-data_*.deb seabios_*.deb
  perfvt run netperf --env new:qemu_binary=$(perfvt build qemu --repo ~/qemu HEAD)

The repository is only read: its work tree, its index and a bisection that goes on in it stay as they are.

EXIT CODES
  0 built, or built before: its path is on standard output; 1 it does not build; 2 input error")]
pub struct Build {
    /// What to build.
    #[command(subcommand)]
    pub what: BuildWhat,
}

/// The recipes.
#[derive(Debug, Subcommand)]
pub enum BuildWhat {
    /// QEMU's system emulator of one architecture
    Qemu {
        /// The architecture of guests, as in qemu-system-ARCH
        #[arg(long, default_value = std::env::consts::ARCH)]
        arch: String,
        /// One more option of QEMU's configure; may be given several times
        #[arg(long, value_name = "OPTION", allow_hyphen_values = true)]
        configure: Vec<String>,
        /// Which commit, and where
        #[command(flatten)]
        common: BuildCommon,
    },
    /// A Linux kernel for guests, with its modules
    Kernel {
        /// As make's ARCH= has it: x86_64, arm64
        #[arg(long, default_value = std::env::consts::ARCH)]
        arch: String,
        /// The configuration to start from; the tree's own default else
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
        /// Lines CONFIG_X=y over it; may be given several times. One that the kernel's rules take away again is an error
        #[arg(long, value_name = "FILE")]
        fragment: Vec<PathBuf>,
        /// Which commit, and where
        #[command(flatten)]
        common: BuildCommon,
    },
    /// Anything else, by a program of yours: it has PERFVT_SOURCE, PERFVT_BUILD, PERFVT_OUT and PERFVT_JOBS
    Script {
        /// The program
        #[arg(long, value_name = "FILE")]
        script: PathBuf,
        /// The file that it makes below PERFVT_OUT
        #[arg(long, value_name = "PATH")]
        product: PathBuf,
        /// Which commit, and where
        #[command(flatten)]
        common: BuildCommon,
    },
    /// Packages of a distribution (.deb, .rpm, told by their content), unpacked over one another: what somebody else built
    Package {
        /// The packages: the emulator's and those with its firmware, or the kernel's
        #[arg(required = true, value_name = "FILE")]
        packages: Vec<PathBuf>,
        /// The file in them that is measured [default: the emulator or the kernel, where distributions put it]
        #[arg(long, value_name = "PATH")]
        product: Option<PathBuf>,
        /// The architecture of guests, as in qemu-system-ARCH
        #[arg(long, default_value = std::env::consts::ARCH)]
        arch: String,
        /// All that is known of the build, for programs
        #[arg(long)]
        json: bool,
    },
}

/// What every recipe is told.
#[derive(Debug, ClapArgs)]
pub struct BuildCommon {
    /// A commit, tag or branch
    #[arg(required_unless_present = "tar", conflicts_with = "tar")]
    pub commit: Option<String>,
    /// Sources in a tarball instead of a commit
    #[arg(long, value_name = "FILE", conflicts_with_all = ["repo", "dirty"])]
    pub tar: Option<PathBuf>,
    /// The git repository
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub repo: PathBuf,
    /// Put this patch on it first
    #[arg(long, value_name = "FILE", conflicts_with = "dirty")]
    pub patch: Option<PathBuf>,
    /// Put on it what the repository's work tree has and has not committed
    #[arg(long)]
    pub dirty: bool,
    /// How the commands run
    #[command(flatten)]
    pub way: BuildWay,
    /// All that is known of the build, for programs
    #[arg(long)]
    pub json: bool,
}

/// How the commands of a build run.
#[derive(Debug, ClapArgs)]
pub struct BuildWay {
    /// Begin every function at a multiple of 64 bytes: tells what a change does from where it moves code
    #[arg(long, value_name = "own|aligned", default_value = "own", value_parser = ["own", "aligned"], hide_possible_values = true)]
    pub layout: String,
    /// Words before every command, which run it elsewhere: 'podman run --rm -v /home:/home IMAGE'
    #[arg(long, value_name = "WORDS")]
    pub container: Option<String>,
    /// How many jobs at once; as many as there are CPUs else
    #[arg(long, short = 'j', value_name = "N")]
    pub jobs: Option<usize>,
    /// Try again what did not build before
    #[arg(long)]
    pub retry_builds: bool,
}
