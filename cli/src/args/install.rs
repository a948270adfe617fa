//! The arguments of `perfvt guest install`.

use super::accel::AccelArg;
use std::path::PathBuf;

/// `perfvt guest install`.
#[derive(Debug, clap::Args)]
pub struct Install {
    /// A configuration with the keys of one installation
    #[arg(value_name = "FILE.cfg")]
    pub file: PathBuf,
    /// What the image is called, as perfvt:NAME [default: the key name]
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Take the variants of the file that a filter lets through; may be repeated
    #[arg(long, value_name = "FILTER")]
    pub only: Vec<String>,
    /// A key of the installation, such as mem=2048; may be repeated
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub sets: Vec<String>,
    /// How it is executed
    #[arg(long, value_name = "ACCEL", default_value = "auto")]
    pub accel: AccelArg,
}
