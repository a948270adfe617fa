//! Mutations of lines, words, numbers and strings.

use super::bytes::put;
use crate::mutation_support::dice::Dice;
use std::ops::Range;

/// What must not reach a terminal, a page or a shell as it is.
pub const HOSTILE: &[&str] = &[
    "\u{1b}[31mred\u{1b}[2J",
    "\u{1b}]0;title\u{7}",
    "\u{1b}]8;;http://example.org\u{1b}\\link",
    "\u{9b}2J",
    "\u{202e}txt.exe",
    "a\u{200b}b\u{200c}c\u{200d}d",
    "\u{2066}left\u{2069}\u{feff}",
    "\rover",
    "\u{8}\u{8}\u{7f}",
    "<b id=planted>&amp;",
    "<script>planted()</script>",
    "=cmd|' /C calc'!A0",
    "]]>|`x`\\",
    "../planted",
    "%s%n%00",
];

/// Numbers at the edges of what numbers can be.
const NUMBERS: &[&str] = &[
    "NaN",
    "nan",
    "inf",
    "-inf",
    "Infinity",
    "-1",
    "-0",
    "0",
    "1e308",
    "1e309",
    "-1e309",
    "5e-324",
    "1e-400",
    "18446744073709551615",
    "18446744073709551616",
    "-9223372036854775808",
    "4294967296",
    "2147483647",
    "1e18",
    "9007199254740993",
    "0x10",
    "1_000",
    "1,5",
    "+1",
    "1e",
    ".",
    "１２",
    "99999999999999999999999999999999999999",
];

fn lines(old: &[u8]) -> Vec<&[u8]> {
    old.split_inclusive(|b| *b == b'\n').collect()
}

pub fn cut_at_line(dice: &mut Dice, old: &[u8]) -> Vec<u8> {
    let lines = lines(old);
    let keep = dice.below(lines.len());
    lines[..keep].concat()
}

pub fn drop_lines(dice: &mut Dice, old: &[u8]) -> Vec<u8> {
    let mut lines = lines(old);
    let from = dice.below(lines.len());
    let to = (from + 1 + dice.below(3)).min(lines.len());
    lines.drain(from..to);
    lines.concat()
}

pub fn repeat_line(dice: &mut Dice, old: &[u8]) -> Vec<u8> {
    let mut lines = lines(old);
    if !lines.is_empty() {
        let line = *dice.pick(&lines);
        lines.insert(dice.below(lines.len() + 1), line);
    }
    lines.concat()
}

pub fn swap_lines(dice: &mut Dice, old: &[u8]) -> Vec<u8> {
    let mut lines = lines(old);
    if !lines.is_empty() {
        let (one, other) = (dice.below(lines.len()), dice.below(lines.len()));
        lines.swap(one, other);
    }
    lines.concat()
}

pub fn many_lines(dice: &mut Dice, old: &[u8]) -> Vec<u8> {
    let lines = lines(old);
    let Some(line) = (!lines.is_empty()).then(|| *dice.pick(&lines)) else { return Vec::new() };
    let times = 2_000_000 / (line.len() + 1);
    [old, line.repeat(times.min(20_000)).as_slice()].concat()
}

/// The runs of bytes that belong together.
fn runs(old: &[u8], belongs: fn(u8) -> bool) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    for i in (0..old.len()).filter(|i| belongs(old[*i])) {
        match found.last_mut() {
            Some(run) if run.end == i => run.end = i + 1,
            _ => found.push(i..i + 1),
        }
    }
    found
}

fn replace(old: &[u8], range: Range<usize>, new: &[u8]) -> Vec<u8> {
    [&old[..range.start], new, &old[range.end..]].concat()
}

pub fn number(dice: &mut Dice, old: &[u8]) -> Vec<u8> {
    let numbers = runs(old, |b| b.is_ascii_digit() || b == b'.');
    let new = *dice.pick(NUMBERS);
    if numbers.is_empty() {
        put(dice, old, new.as_bytes())
    } else {
        replace(old, dice.pick(&numbers).clone(), new.as_bytes())
    }
}

/// A word becomes another word of the same file, or nothing.
pub fn word(dice: &mut Dice, old: &[u8]) -> Vec<u8> {
    let words = runs(old, |b| b.is_ascii_alphanumeric() || b == b'_');
    if words.is_empty() {
        return old.to_vec();
    }
    let (one, other) = (dice.pick(&words).clone(), dice.pick(&words).clone());
    let new = if dice.one_in(5) { Vec::new() } else { old[other].to_vec() };
    replace(old, one, &new)
}

const MEGABYTE: usize = 1 << 20;

pub fn long_line(dice: &mut Dice, old: &[u8]) -> Vec<u8> {
    let pattern = *dice.pick(&["x", "word ", "1", "9,", "a=", "{\"a\":", "\u{1b}[31m"]);
    let line = format!("\n{}\n", pattern.repeat(MEGABYTE / pattern.len()));
    let lines = lines(old);
    let at = dice.below(lines.len() + 1);
    [lines[..at].concat(), line.into_bytes(), lines[at..].concat()].concat()
}

pub fn long_word(dice: &mut Dice, old: &[u8]) -> Vec<u8> {
    let words = runs(old, |b| b.is_ascii_alphanumeric());
    let byte = *dice.pick(b"x1 ,-");
    let long = vec![byte; MEGABYTE];
    if words.is_empty() { long } else { replace(old, dice.pick(&words).clone(), &long) }
}

/// Where strings of JSON are, without their quotes; in other texts, where words are.
fn strings(old: &[u8]) -> Vec<Range<usize>> {
    let quotes: Vec<usize> = (0..old.len()).filter(|i| old[*i] == b'"').collect();
    if quotes.len() < 2 {
        return runs(old, |b| b.is_ascii_alphanumeric() || b == b'_');
    }
    quotes.chunks_exact(2).map(|pair| pair[0] + 1..pair[1]).collect()
}

/// The text as a string of JSON can hold it, where the file is JSON.
fn fitting(old: &[u8], hostile: &str) -> Vec<u8> {
    if matches!(old.iter().find(|b| !b.is_ascii_whitespace()), Some(b'{' | b'[')) {
        let quoted = serde_json::to_string(hostile).unwrap();
        return quoted.trim_matches('"').as_bytes().to_vec();
    }
    hostile.as_bytes().to_vec()
}

pub fn plant(dice: &mut Dice, old: &[u8]) -> Vec<u8> {
    let strings = strings(old);
    let hostile = *dice.pick(HOSTILE);
    let new = fitting(old, hostile);
    if strings.is_empty() { new } else { replace(old, dice.pick(&strings).clone(), &new) }
}

pub fn plant_anywhere(dice: &mut Dice, old: &[u8]) -> Vec<u8> {
    let new = *dice.pick(HOSTILE);
    put(dice, old, new.as_bytes())
}

pub fn plant_everywhere(dice: &mut Dice, old: &[u8]) -> Vec<u8> {
    let (mut new, mut from) = (Vec::with_capacity(old.len() * 2), 0);
    let every = 1 + dice.below(20);
    for at in strings(old).iter().map(|s| s.end) {
        new.extend(&old[from..at]);
        if dice.one_in(every) {
            let hostile = *dice.pick(HOSTILE);
            new.extend(fitting(old, hostile));
        }
        from = at;
    }
    new.extend(&old[from..]);
    new
}

/// A number or a word becomes a tower of brackets.
pub fn nest(dice: &mut Dice, old: &[u8]) -> Vec<u8> {
    let words = runs(old, |b| b.is_ascii_alphanumeric() || b == b'.' || b == b'"');
    let tower = tower(dice, b"1");
    if words.is_empty() { tower } else { replace(old, dice.pick(&words).clone(), &tower) }
}

pub fn nest_all(dice: &mut Dice, old: &[u8]) -> Vec<u8> {
    tower(dice, old)
}

fn tower(dice: &mut Dice, inside: &[u8]) -> Vec<u8> {
    let deep = *dice.pick(&[1, 100, 200, 100_000]);
    let (open, close) = *dice.pick(&[("[", "]"), ("{\"a\":", "}"), ("(", ")"), ("${", "}")]);
    [open.repeat(deep).as_bytes(), inside, close.repeat(deep).as_bytes()].concat()
}

pub fn crlf(_: &mut Dice, old: &[u8]) -> Vec<u8> {
    old.iter().flat_map(|b| if *b == b'\n' { vec![b'\r', b'\n'] } else { vec![*b] }).collect()
}

pub fn utf16(dice: &mut Dice, old: &[u8]) -> Vec<u8> {
    let units = String::from_utf8_lossy(old).encode_utf16().collect::<Vec<u16>>();
    let big = dice.one_in(2);
    let of = |unit: u16| if big { unit.to_be_bytes() } else { unit.to_le_bytes() };
    std::iter::once(0xfeff).chain(units).flat_map(of).collect()
}
