//! `--accel`.

use clap::ValueEnum;

/// How guests are executed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum AccelArg {
    /// KVM where it really executes, else TCG with a warning that every report shows.
    Auto,
    /// KVM, or an error that says why not.
    Kvm,
    /// Emulation.
    Tcg,
}

impl AccelArg {
    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            AccelArg::Auto => "auto",
            AccelArg::Kvm => "kvm",
            AccelArg::Tcg => "tcg",
        }
    }
}
