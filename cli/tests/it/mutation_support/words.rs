//! Mutations of the command line itself.

use super::dice::Dice;
use super::mutations::HOSTILE;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

/// Options of some verbs, which the others must refuse.
const OPTIONS: &[&str] = &[
    "--labels",
    "--only",
    "--no",
    "--metric",
    "--factor",
    "--workload",
    "--replicate",
    "--alpha",
    "--correction",
    "--variance",
    "--test",
    "--baseline-from",
    "--expect",
    "--noise",
    "--config",
    "--history",
    "--title",
    "--machine",
    "--site-title",
    "--url",
    "--max-size",
    "--effect",
    "--boots",
    "--set",
    "--env",
    "--repeat",
    "--profile",
    "--until",
    "--budget",
    "--explain",
    "--expand",
    "--fail-on",
    "--format",
];

const VALUES: &[&str] = &[
    "",
    "-",
    "--",
    "NaN",
    "inf",
    "-1",
    "0",
    "1e309",
    "18446744073709551616",
    "a",
    "b",
    "x",
    "tests.cfg",
    "site",
    "throughput",
    "size=64",
    "ci=2%",
    "a,b,c",
    "mem=1,,2",
    "@size",
    "big:mem=9999999",
    "5%",
    "text",
    "json",
    "regression",
    "2h",
];

/// A value: a common one, a hostile one, or bytes that are no text.
fn value(dice: &mut Dice) -> OsString {
    match dice.below(5) {
        0 | 1 => (*dice.pick(VALUES)).into(),
        2 => OsString::from_vec(b"\x9b31m\xff".to_vec()),
        _ => (*dice.pick(HOSTILE)).into(),
    }
}

/// Changes the words after the verb, and says how. Nothing is ever left out: a run without `--dry-run` would be one.
pub fn spoil(dice: &mut Dice, words: &mut Vec<OsString>) -> String {
    let (at, new) = (1 + dice.below(words.len()), value(dice));
    let is_run = words.first().is_some_and(|word| word == "run");
    match dice.below(3) {
        0 if !is_run && at < words.len() => words[at] = new,
        1 => words.insert(at, new),
        _ => words.extend([OsString::from(*dice.pick(OPTIONS)), new]),
    }
    "other words".into()
}

/// A name for a folder that must not be shown as it is.
pub fn hostile_name(dice: &mut Dice) -> String {
    loop {
        let name = *dice.pick(HOSTILE);
        if !name.contains('/') {
            return name.to_owned();
        }
    }
}
