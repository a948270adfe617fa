//! What campaigns of a lake's builds take: flags of `perfvt run`, and `perfvt history confirm`.

use super::accel::AccelArg;
use std::ffi::OsString;
use std::path::PathBuf;

/// Most boots of each build when an event is confirmed, unless something else is said.
pub(super) const CEILING: u32 = 40;

/// What is measured, and how: flags of `perfvt run`.
#[derive(Debug, Clone, clap::Args)]
pub struct Measuring {
    /// What to measure; optional when a configuration says it
    #[arg(value_name = "WORKLOAD")]
    pub workload: Option<String>,
    /// A Cartesian configuration, as for perfvt run
    #[arg(short, long = "config", value_name = "CFG")]
    pub config: Option<PathBuf>,
    /// Take only variants that match; repeatable
    #[arg(long, value_name = "FILTER")]
    pub only: Vec<String>,
    /// Leave out variants that match; repeatable
    #[arg(long, value_name = "FILTER")]
    pub no: Vec<String>,
    /// A set of values that the workload brings: quick
    #[arg(long, value_name = "PROFILE")]
    pub profile: Option<String>,
    /// The guest, a name of `perfvt guest list`
    #[arg(long, value_name = "NAME")]
    pub guest: Option<String>,
    /// A parameter; repeatable
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub sets: Vec<String>,
    /// How guests are executed
    #[arg(long, value_name = "ACCEL", default_value = "auto")]
    pub accel: AccelArg,
    /// What is done about a noisy host: off, warn or strict
    #[arg(long, value_name = "MODE", value_parser = collect::campaign::Mode::WORDS)]
    pub noise: Option<String>,
    /// Go on without pinning when the host has too few CPUs
    #[arg(long)]
    pub allow_unpinned: bool,
    /// What this machine is called, in results and in the lake
    #[arg(long, value_name = "NAME", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub machine: Option<String>,
}

impl Measuring {
    /// The words of `perfvt run` that say the same.
    pub fn words(&self) -> Vec<OsString> {
        let mut words: Vec<OsString> = vec!["perfvt".into(), "run".into()];
        let mut put = |flag: &str, value: OsString| words.extend([flag.into(), value]);
        for (flag, values) in [("--only", &self.only), ("--no", &self.no), ("--set", &self.sets)] {
            values.iter().for_each(|value| put(flag, value.into()));
        }
        let single = [
            ("--profile", &self.profile),
            ("--guest", &self.guest),
            ("--noise", &self.noise),
            ("--machine", &self.machine),
        ];
        for (flag, value) in single {
            value.iter().for_each(|value| put(flag, value.into()));
        }
        self.config.iter().for_each(|path| put("--config", path.into()));
        put("--accel", self.accel.word().into());
        words.extend(self.allow_unpinned.then(|| "--allow-unpinned".into()));
        words.extend(self.workload.iter().map(OsString::from));
        words
    }
}

/// `perfvt history confirm`.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES
  perfvt history confirm /srv/lake E3fa2b1c4 -c tests.cfg
  perfvt history confirm /srv/lake E3fa2b1c4 netperf --build 8.1.0:qemu_binary=/opt/8.1.0/bin/qemu-system-x86_64

EXIT CODES
  0 CONFIRMED, FIXED-SINCE or HOST; 2 usage or input error, a build is gone; 3 OPEN: neither is shown;
  130 interrupted (the same command with the same --out goes on)")]
pub struct Confirm {
    /// The lake
    pub lake: PathBuf,
    /// The event's name, or its beginning
    pub event: String,
    /// What is measured: as on the nights.
    #[command(flatten)]
    pub measuring: Measuring,
    /// Where a build lies, if not where it lay when it was measured: parameters as in --env; repeatable
    #[arg(long = "build", value_name = "ID:KEY=VALUE,..")]
    pub builds: Vec<String>,
    /// Boots of each build, at most; it ends when the event is decided
    #[arg(long, value_name = "N", default_value_t = CEILING, value_parser = clap::value_parser!(u32).range(5..=200))]
    pub repeat: u32,
    /// Begin no block after this time, 90m or 2h for example
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub budget: Option<String>,
    /// The chance of a false step at a point, as for perfvt history
    #[arg(long, value_name = "ALPHA", default_value_t = stats::HISTORY_ALPHA)]
    pub alpha: f64,
    /// Where the campaign goes; one that was cut there goes on [default: ./perfvt-confirm-EVENT]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}
