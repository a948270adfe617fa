//! What `provider` takes.

use clap::Subcommand;

/// `perfvt provider`.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXIT CODES
  0 all is well; 2 something is wrong with a provider: standard error says with which, and the others are listed or
  fetched")]
pub struct Provider {
    /// What to do.
    #[command(subcommand)]
    pub verb: ProviderVerb,
}

/// The verbs of `perfvt provider`.
#[derive(Debug, Subcommand)]
pub enum ProviderVerb {
    /// List the providers that are defined, with what was fetched of them
    List,
    /// Fetch providers anew and pin the commits that their definitions name now
    Update {
        /// Names; all when none is given
        names: Vec<String>,
    },
}
