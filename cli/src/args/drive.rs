//! What `perfvt drive` takes.

use super::accel::AccelArg;
use std::path::PathBuf;

/// `perfvt drive`.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES
  perfvt drive                              (the built-in guest, and a prompt)
  perfvt drive net.cfg                      (the guests of a configuration, and a prompt)
  perfvt drive net.cfg ping.drive           (a script; `perfvt help drive.md` has its verbs)
  printf 'start_all\\nvm1 succeed uname -r\\n' | perfvt drive
  perfvt drive net.cfg ping.drive --output junit=ping.xml --keep-going
  perfvt drive net.cfg --json               (one request and one reply a line, for programs)
  perfvt drive --attach X                   (a look at the guest that the run X keeps)

EXIT CODES
  0 every step passed; 1 one failed; 2 usage or input error, or a script that says nothing that can be done; 130 interrupted")]
pub struct Drive {
    /// A Cartesian configuration with the guests; without one it is the built-in guest. A name that ends in .drive is the script
    #[arg(value_name = "CFG")]
    pub config: Option<PathBuf>,
    /// What is done; - is standard input. Without it lines are read from the terminal, or a whole script from what is piped in
    #[arg(value_name = "SCRIPT")]
    pub script: Option<PathBuf>,
    /// Take only the variant that matches, as if `only FILTER` stood at the end of the configuration; repeatable
    #[arg(long, value_name = "FILTER")]
    pub only: Vec<String>,
    /// Leave out variants that match; repeatable
    #[arg(long, value_name = "FILTER")]
    pub no: Vec<String>,
    /// The guest of all machines, a name of `perfvt guest list`: short for --set guest=NAME
    #[arg(long, value_name = "NAME")]
    pub guest: Option<String>,
    /// A parameter, such as mem=2G or scenario=guest_guest for two machines; repeatable
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub sets: Vec<String>,
    /// Let guests write to this block device of the host, which disk_device names; repeatable. What is on it is lost
    #[arg(long, value_name = "DEVICE")]
    pub allow_write_device: Vec<PathBuf>,
    /// How guests are executed
    #[arg(long, value_name = "ACCEL", default_value = "auto")]
    pub accel: AccelArg,
    /// Where drive.jsonl, logs and what the script writes go; must not exist [default: ./perfvt-drive-TIME]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// A folder with openQA needles for assert_screen, click and check_screen; repeatable [default: needles beside the script]
    #[arg(long, value_name = "DIR", conflicts_with = "attach")]
    pub needles: Vec<PathBuf>,
    /// Look at the guest of a failed boot that a run keeps (perfvt run --keep-failed guest); RUN is its directory
    #[arg(long, value_name = "RUN", conflicts_with_all = ["only", "no", "guest", "sets", "accel", "out", "keep_going"])]
    pub attach: Option<PathBuf>,
    /// Read the script and plan the machines, say what they are, and boot nothing
    #[arg(long, conflicts_with_all = ["attach", "json"])]
    pub dry_run: bool,
    /// After a step of a subtest that failed go on with the next subtest
    #[arg(long)]
    pub keep_going: bool,
    /// Write what came of each subtest to a file: junit=FILE
    #[arg(long = "output", value_name = "junit=FILE", value_parser = junit)]
    pub junit: Option<PathBuf>,
    /// Take one JSON request a line on standard input, and give one reply a line on standard output
    #[arg(long, conflicts_with_all = ["script", "keep_going"])]
    pub json: bool,
}

/// The one format that there is.
pub(super) fn junit(text: &str) -> Result<PathBuf, String> {
    match text.split_once('=') {
        Some(("junit", file)) if !file.is_empty() => Ok(file.into()),
        _ => Err("want junit=FILE".into()),
    }
}
