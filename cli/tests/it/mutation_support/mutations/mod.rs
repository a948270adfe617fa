//! The table of mutations.
//!
//! ```text
//!   rewrites: other bytes          rearranges: the same lines otherwise          removes: less of the same
//! ```

mod bytes;
mod entries;
mod text;

pub use text::HOSTILE;

use super::dice::Dice;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// What a mutation can do to values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    /// The text is the same in another form: the values are the same, or there are none.
    Reencodes,
    /// Values are missing.
    Removes,
    /// Values are missing, double, or in another order.
    Rearranges,
    /// Anything: what was a number may be another one.
    Rewrites,
}

/// How a mutation is done.
#[derive(Clone, Copy)]
pub enum Doing {
    /// To the content of a file.
    Bytes(fn(&mut Dice, &[u8]) -> Vec<u8>),
    /// To the file, or a folder, with all other files at hand.
    Entry(fn(&mut Dice, &Path, &[PathBuf]) -> io::Result<()>),
}

pub struct Mutation {
    pub name: &'static str,
    pub effect: Effect,
    pub doing: Doing,
}

/// The most that is read of a file: another mutation may have made it endless.
const READ: u64 = 16 << 20;

/// A file's content, when it is one and small.
fn content(path: &Path) -> io::Result<Vec<u8>> {
    let about = fs::metadata(path)?;
    if about.is_file() && about.len() <= READ {
        fs::read(path)
    } else {
        Err(io::ErrorKind::FileTooLarge.into())
    }
}

impl Mutation {
    /// Does it to a file. Says whether a text ends within a line now.
    pub fn apply(&self, dice: &mut Dice, target: &Path, others: &[PathBuf]) -> io::Result<bool> {
        match self.doing {
            Doing::Entry(change) => change(dice, target, others).map(|()| false),
            Doing::Bytes(change) => {
                let new = change(dice, &content(target)?);
                fs::write(target, &new)?;
                Ok(new.last().is_some_and(|last| *last != b'\n'))
            }
        }
    }

    /// Whether it can be done to a folder.
    pub fn takes_folders(&self) -> bool {
        matches!(self.doing, Doing::Entry(_)) && self.name != "duplicated"
    }
}

const fn bytes(name: &'static str, effect: Effect, change: fn(&mut Dice, &[u8]) -> Vec<u8>) -> Mutation {
    Mutation { name, effect, doing: Doing::Bytes(change) }
}

const fn entry(
    name: &'static str,
    effect: Effect,
    change: fn(&mut Dice, &Path, &[PathBuf]) -> io::Result<()>,
) -> Mutation {
    Mutation { name, effect, doing: Doing::Entry(change) }
}

use Effect::{Rearranges, Reencodes, Removes, Rewrites};

pub const MUTATIONS: &[Mutation] = &[
    bytes("flipped bits", Rewrites, bytes::flip),
    bytes("other bytes", Rewrites, bytes::overwrite),
    bytes("bytes added", Rewrites, bytes::insert),
    bytes("bytes gone", Rewrites, bytes::remove),
    bytes("cut anywhere", Removes, bytes::cut),
    bytes("cut anywhere near the end", Removes, bytes::cut_near_end),
    bytes("cut at a line's end", Removes, text::cut_at_line),
    bytes("without its first bytes", Rewrites, bytes::behead),
    bytes("empty", Removes, |_, _| Vec::new()),
    bytes("lines gone", Rearranges, text::drop_lines),
    bytes("a line twice", Rearranges, text::repeat_line),
    bytes("lines swapped", Rearranges, text::swap_lines),
    bytes("twice", Rearranges, |_, old| [old, old].concat()),
    bytes("another number", Rewrites, text::number),
    bytes("another word", Rewrites, text::word),
    bytes("a line of 1 MB", Rewrites, text::long_line),
    bytes("a word of 1 MB", Rewrites, text::long_word),
    bytes("many lines", Rewrites, text::many_lines),
    bytes("hostile text in a string", Rewrites, text::plant),
    bytes("hostile text anywhere", Rewrites, text::plant_anywhere),
    bytes("hostile text in many strings", Rewrites, text::plant_everywhere),
    bytes("no UTF-8", Rewrites, bytes::invalid_utf8),
    bytes("NUL", Rewrites, bytes::nul),
    bytes("nested deeply", Rewrites, text::nest),
    bytes("all nested deeply", Rewrites, text::nest_all),
    bytes("CRLF", Reencodes, text::crlf),
    bytes("UTF-16", Reencodes, text::utf16),
    bytes("byte order mark", Reencodes, |_, old| ["\u{feff}".as_bytes(), old].concat()),
    entry("deleted", Removes, entries::delete),
    entry("a folder instead", Removes, entries::folder),
    entry("a FIFO instead", Removes, entries::fifo),
    entry("a link to itself", Removes, entries::symlink_loop),
    entry("a link to /dev/zero", Removes, entries::dev_zero),
    entry("a link to nowhere", Removes, entries::dangling),
    entry("2 GB of nothing", Removes, entries::sparse),
    entry("unreadable", Removes, entries::unreadable),
    entry("duplicated", Rearranges, entries::duplicate),
    entry("another file's content", Rearranges, entries::other_content),
    entry("a link to another file", Rearranges, entries::link_to_other),
];
