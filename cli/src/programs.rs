//! Programs of the user's that are told something: their words, what they get, what they said.

use crate::Error;
use edge::quoted;
use process::Spec;
use std::time::Duration;

/// A command as its words, for a flag. No shell reads it: data never become words.
pub fn program(flag: &str, command: &str) -> Result<Spec, Error> {
    let words = shlex::split(command)
        .ok_or_else(|| format!("{flag} {}: its quotes do not close", quoted(command)))?;
    let (first, rest) =
        words.split_first().ok_or_else(|| format!("{flag}: want a program, with its arguments"))?;
    Ok(Spec::new(first).args(rest))
}

/// Runs it to its end; what it says on standard output is nobody's.
///
/// # Errors
/// It cannot be started, does not end, or ends with another status than 0: with what it said last.
pub fn run(spec: Spec, deadline: Duration) -> Result<(), Error> {
    Ok(process::run(spec, deadline).map(|_| ())?)
}
