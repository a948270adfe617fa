//! The words of a command line as they were given.

use super::Args;
use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{ArgMatches, Command, CommandFactory, FromArgMatches};
use std::ffi::OsString;

impl Args {
    /// Parses the words of a command line, the program's name among them. No option has an empty value: a variable of a script
    /// that was never set makes one (`--commit "$COMMIT"`).
    ///
    /// # Errors
    /// What clap refuses, and an empty value.
    pub fn given(words: &[OsString]) -> Result<Args, clap::Error> {
        let mut command = Args::command();
        let matches = command.try_get_matches_from_mut(words)?;
        let mut asked = (&mut command, &matches);
        loop {
            let (command, matches) = asked;
            if let Some(flag) = without_value(command, matches) {
                let said = format!("{flag} has an empty value; was a variable of the shell never set?");
                return Err(command.error(ErrorKind::InvalidValue, said));
            }
            let Some((name, below)) = matches.subcommand() else { break };
            let Some(command) = command.find_subcommand_mut(name) else { break };
            asked = (command, below);
        }
        Args::from_arg_matches(&matches)
    }
}

/// The first option with an empty value.
fn without_value(command: &Command, matches: &ArgMatches) -> Option<String> {
    let is_empty = |arg: &&clap::Arg| {
        let id = arg.get_id().as_str();
        let mut values = matches.try_get_raw(id).ok().flatten().into_iter().flatten();
        matches.value_source(id) == Some(ValueSource::CommandLine) && values.any(|value| value.is_empty())
    };
    let found = command.get_opts().find(is_empty)?;
    Some(format!("--{}", found.get_long().unwrap_or_default()))
}
