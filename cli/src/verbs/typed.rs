//! What a user would type, shown and done: whoever has seen it knows what to type.

use crate::args::{Args, Verb};
use crate::verbs::{compare, guest, run};
use crate::{Error, USAGE};
use clap::Parser;
use std::ffi::OsString;
use std::io::Write;

/// Shows a command line, whose first word is perfvt, and gives what it says.
pub(super) fn shown(words: &[OsString], err: &mut dyn Write) -> Result<Verb, Error> {
    guest::say(err, &format!("$ {}", report::command_line::command_line(&texts(words))));
    Ok(Args::try_parse_from(words)?.verb)
}

/// Does it, too.
pub(super) fn typed(words: &[OsString], out: &mut dyn Write, err: &mut dyn Write) -> Result<u8, Error> {
    match shown(words, err)? {
        Verb::Run(args) => run::run(&args, texts(words), out, err),
        Verb::Compare(args) => compare::compare(&args, out, err),
        _ => Ok(USAGE),
    }
}

/// The words as text.
pub(super) fn texts(words: &[OsString]) -> Vec<String> {
    words.iter().map(|word| word.to_string_lossy().into_owned()).collect()
}
