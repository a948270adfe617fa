//! What `demo` takes.

use std::path::PathBuf;

/// `perfvt demo`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "It takes some minutes the first time: `perfvt help demo.md` says how it was designed.

EXIT CODES
  as those of run; then as those of compare"
)]
pub struct Demo {
    /// Where the campaign and the page go; must not exist
    #[arg(long, value_name = "DIR", default_value = "demo")]
    pub out: PathBuf,
    /// A parameter of both environments, as of run; repeatable
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub sets: Vec<String>,
}
