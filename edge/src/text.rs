//! Foreign text made harmless: names and messages come from guests, files, command lines and other users.

use std::borrow::Cow;
use std::fmt::{self, Write as _};
use std::io::{self, Write};

/// Most bytes of foreign text in a quotation.
pub const QUOTED: usize = 200;

/// The text with everything invisible made visible: control characters, line separators, characters without width and
/// those that turn the direction of writing are shown as escapes (`\n`, `\u{202e}`).
///
/// Markup is not this function's matter: each format escapes its own.
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    text.chars().for_each(|c| push_visible(&mut out, c));
    Cow::Owned(out)
}

/// Appends a character, or the escape that shows it.
pub fn push_visible(out: &mut String, c: char) {
    match c {
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        c if is_hidden(c) => {
            // Writing to a String cannot fail.
            let _ = write!(out, "\\u{{{:x}}}", c as u32);
        }
        c => out.push(c),
    }
}

/// The same for a text of several lines: line ends and tabs stay.
pub fn visible_lines(text: &str) -> Cow<'_, str> {
    let stays = |c: char| matches!(c, '\n' | '\t') || !is_hidden(c);
    if text.chars().all(stays) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    text.chars().for_each(|c| if stays(c) { out.push(c) } else { push_visible(&mut out, c) });
    Cow::Owned(out)
}

/// Characters that a reader cannot see and that change what is seen around them: controls (C0, DEL and C1), separators of
/// lines, what has no width, marks of direction, tags, and no characters at all.
pub fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{feff}')
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
        || matches!(c, '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}')
        || matches!(c, '\u{fdd0}'..='\u{fdef}' | '\u{fff9}'..='\u{fffb}' | '\u{fffe}' | '\u{ffff}')
        || matches!(c, '\u{e0000}'..='\u{e0fff}')
}

/// White space, and characters that show nothing at all: what may stand before a formula without being seen.
pub fn is_blank(c: char) -> bool {
    c.is_whitespace()
        || is_hidden(c)
        || matches!(c, '\u{34f}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{2800}')
        || matches!(c, '\u{fe00}'..='\u{fe0f}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}')
        || matches!(c, '\u{1d173}'..='\u{1d17a}')
}

/// The beginning of foreign text as part of a sentence: in single quotes, what cannot be seen as an escape, at most [`QUOTED`]
/// bytes, and `…` for what was left out.
///
/// ```
/// assert_eq!(edge::quoted("a\u{1b}[31m 'b'").to_string(), r"'a\u{1b}[31m \'b\''");
/// assert!(edge::quoted(&"x".repeat(1000)).to_string().ends_with("x…'"));
/// ```
pub fn quoted(text: &str) -> Quoted<'_> {
    let head = clipped(text, QUOTED);
    Quoted { text: head, before: false, after: head.len() < text.len() }
}

/// The same without quotes: a name in a list, a line of another program's. A backslash stays as it is.
pub fn cut(text: &str) -> String {
    let head = clipped(text, QUOTED);
    let mut shown = visible(head).into_owned();
    if head.len() < text.len() {
        shown.push('…');
    }
    shown
}

/// The same of a text's end, without the blanks around it.
pub fn quoted_end(text: &str) -> Quoted<'_> {
    let text = text.trim();
    let from = text.len().saturating_sub(QUOTED);
    let from = (from..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
    Quoted { text: text.get(from..).unwrap_or_default(), before: from > 0, after: false }
}

/// See [`quoted`].
#[derive(Clone, Copy, Debug)]
pub struct Quoted<'a> {
    text: &'a str,
    before: bool,
    after: bool,
}

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.before { "'…" } else { "'" })?;
        let mut shown = String::new();
        for c in self.text.chars() {
            match c {
                '\'' => shown.push_str("\\'"),
                '\\' => shown.push_str("\\\\"),
                c => push_visible(&mut shown, c),
            }
        }
        f.write_str(&shown)?;
        f.write_str(if self.after { "…'" } else { "'" })
    }
}

/// Bytes as text, which are copied only where they are no UTF-8.
pub fn text_of(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned())
}

/// At most so many bytes of a text, cut between characters.
pub fn clipped(text: &str, bytes: usize) -> &str {
    let mut end = bytes.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

/// A sentence of at most so many bytes; a longer one ends in `…`.
pub fn bounded(text: String, bytes: usize) -> String {
    if text.len() <= bytes {
        return text;
    }
    format!("{}…", clipped(&text, bytes.saturating_sub('…'.len_utf8())))
}

/// The sink before a terminal, or whatever standard output and standard error are: what could move a cursor, colour a
/// screen or turn a line around arrives as an escape that can be read. Line ends and tabs pass; so do perfvt's own colours
/// when [`Terminal::coloured`] asks for it; bytes that are no UTF-8 become `\xNN`.
///
/// Programs that read standard output lose nothing: perfvt's formats for programs write such characters as escapes of their
/// own.
#[derive(Debug)]
pub struct Terminal<W: Write> {
    to: W,
    /// The beginning of a character, or of a line end or colour, whose rest has not come yet.
    pending: Vec<u8>,
    colours: bool,
}

impl<W: Write> Terminal<W> {
    /// A sink before `to`.
    pub fn new(to: W) -> Terminal<W> {
        Terminal { to, pending: Vec::new(), colours: false }
    }

    /// The same, through which `ESC [ digits ; m` passes (ECMA-48, SGR). What could come from somebody else must have been
    /// made [`visible`] before, and is: the reports do so for every cell.
    pub fn coloured(to: W) -> Terminal<W> {
        Terminal { to, pending: Vec::new(), colours: true }
    }

    /// The bytes that are complete, as they are to be written; the rest stays pending.
    fn take(&mut self, bytes: &[u8], end: bool) -> String {
        self.pending.extend_from_slice(bytes);
        let all = std::mem::take(&mut self.pending);
        let mut out = String::with_capacity(all.len());
        let mut rest = all.as_slice();
        while !rest.is_empty() {
            match std::str::from_utf8(rest) {
                Ok(text) => {
                    let kept = self.pass(text, &mut out, end);
                    rest = rest.get(rest.len() - kept..).unwrap_or_default();
                    break;
                }
                Err(error) => {
                    let (good, bad) = rest.split_at(error.valid_up_to());
                    // The whole text is valid up to there.
                    let text = std::str::from_utf8(good).unwrap_or_default();
                    let incomplete = error.error_len().is_none() && !end;
                    let kept = self.pass(text, &mut out, end || !incomplete);
                    if incomplete {
                        rest = rest.get(good.len() - kept..).unwrap_or_default();
                        break;
                    }
                    let wrong = error.error_len().unwrap_or(bad.len());
                    for byte in bad.iter().take(wrong) {
                        let _ = write!(out, "\\x{byte:02x}");
                    }
                    rest = bad.get(wrong..).unwrap_or_default();
                }
            }
        }
        self.pending = rest.to_vec();
        out
    }

    /// Adds what may pass of a text; gives how many bytes at its end wait for what follows.
    fn pass(&self, text: &str, out: &mut String, end: bool) -> usize {
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            let behind = rest.get(c.len_utf8()..).unwrap_or_default();
            match c {
                '\n' | '\t' => out.push(c),
                '\r' if behind.is_empty() && !end => return rest.len(),
                '\r' if behind.starts_with('\n') => out.push(c),
                '\u{1b}' if self.colours => match colour(behind) {
                    Colour::Whole(length) => {
                        out.push(c);
                        out.push_str(behind.get(..length).unwrap_or_default());
                        rest = behind.get(length..).unwrap_or_default();
                        continue;
                    }
                    Colour::Begun if !end => return rest.len(),
                    _ => push_visible(out, c),
                },
                c => push_visible(out, c),
            }
            rest = behind;
        }
        0
    }
}

/// What stands behind an ESC.
enum Colour {
    /// So many bytes are a colour.
    Whole(usize),
    /// It may become one.
    Begun,
    /// Something else.
    No,
}

fn colour(behind: &str) -> Colour {
    /// No colour of perfvt's is longer.
    const LONGEST: usize = 16;
    let Some(parameters) = behind.strip_prefix('[') else {
        return if behind.is_empty() { Colour::Begun } else { Colour::No };
    };
    let length = parameters.bytes().take_while(|b| b.is_ascii_digit() || *b == b';').count();
    // Nothing that hides text: reset, bold, dim, underlined, their ends, colours of letters.
    let shown = |code: &str| matches!(code.parse(), Ok(0u8 | 1 | 2 | 4 | 22 | 24 | 30..=37 | 39 | 90..=97));
    let codes = parameters.get(..length).unwrap_or_default();
    match parameters.as_bytes().get(length) {
        Some(b'm') if length < LONGEST && codes.split(';').all(shown) => Colour::Whole(length + 2),
        None if length < LONGEST => Colour::Begun,
        _ => Colour::No,
    }
}

impl<W: Write> Write for Terminal<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let plain = |b: &u8| matches!(b, b' '..=b'~' | b'\n' | b'\t');
        // Most of what is written, and a report may be of hundreds of megabytes.
        if self.pending.is_empty() && bytes.iter().all(plain) {
            self.to.write_all(bytes)?;
        } else {
            let text = self.take(bytes, false);
            self.to.write_all(text.as_bytes())?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

impl<W: Write> Drop for Terminal<W> {
    fn drop(&mut self) {
        let text = self.take(&[], true);
        // Nobody is left to be told.
        let _ = self.to.write_all(text.as_bytes()).and_then(|()| self.to.flush());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn through(colours: bool, chunks: &[&[u8]]) -> String {
        let mut out = Vec::new();
        let mut sink = if colours { Terminal::coloured(&mut out) } else { Terminal::new(&mut out) };
        chunks.iter().for_each(|chunk| sink.write_all(chunk).unwrap());
        drop(sink);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn what_cannot_be_seen_is_shown_as_an_escape() {
        assert_eq!(visible("plain √ text"), "plain √ text");
        assert_eq!(visible("a\nb\u{1b}[31m\u{202e}c\0"), "a\\nb\\u{1b}[31m\\u{202e}c\\u{0}");
        assert_eq!(visible("שלום"), "שלום");
        assert_eq!(visible("a\u{200b}\u{9b}\u{e0041}"), "a\\u{200b}\\u{9b}\\u{e0041}");
    }

    #[test]
    fn a_quotation_shows_what_cannot_be_seen_and_is_cut_between_two_characters() {
        let shown = |text: &str| quoted(text).to_string();
        assert_eq!(shown("speed: 12 \"MB\"/s, größer"), "'speed: 12 \"MB\"/s, größer'");
        assert_eq!(shown("a'b\\c"), r"'a\'b\\c'");
        assert_eq!(
            shown("\u{1b}[31m\r\n\t\0\u{9b}x\u{202e}y\u{200b}z"),
            r"'\u{1b}[31m\r\n\t\u{0}\u{9b}x\u{202e}y\u{200b}z'"
        );
        assert_eq!(shown(""), "''");
        for lead in 0..4 {
            let long = format!("{}{}", "x".repeat(lead), "∞".repeat(1_000_000));
            let (begin, end) = (quoted(&long).to_string(), quoted_end(&long).to_string());
            for shown in [&begin, &end] {
                assert!(shown.len() <= QUOTED + 5 && shown.len() > QUOTED - 5, "{}", shown.len());
            }
            assert!(begin.ends_with("∞…'") && end.starts_with("'…∞"), "{begin} {end}");
        }
        let fits = "y".repeat(QUOTED);
        assert_eq!(quoted(&fits).to_string(), format!("'{fits}'"));
        assert_eq!(quoted_end(&format!(" {fits}\n")).to_string(), format!("'{fits}'"));
        assert_eq!(bounded("ééé".into(), 5), "é…");
        assert_eq!(bounded("abc".into(), 3), "abc");
    }

    #[test]
    fn a_terminal_gets_lines_and_tabs_and_no_commands() {
        let text = "a\tb\r\nc\rd\u{1b}]0;title\u{7}\u{9b}2J \u{202e}e\n";
        assert_eq!(
            through(false, &[text.as_bytes()]),
            "a\tb\r\nc\\rd\\u{1b}]0;title\\u{7}\\u{9b}2J \\u{202e}e\n"
        );
        assert_eq!(through(false, &[b"x\xff\xc3", b"\xa9y\xc3"]), "x\\xff\u{e9}y\\xc3");
    }

    #[test]
    fn only_colours_pass_where_colours_may() {
        let text = b"\x1b[1;31mred\x1b[0m \x1b[2J \x1b]0;x\x07 \x1b[6n \x1b[";
        assert_eq!(
            through(true, &[text]),
            "\u{1b}[1;31mred\u{1b}[0m \\u{1b}[2J \\u{1b}]0;x\\u{7} \\u{1b}[6n \\u{1b}["
        );
        assert_eq!(through(true, &[b"\x1b[8mhidden\x1b[1;38;5;1m"]), "\\u{1b}[8mhidden\\u{1b}[1;38;5;1m");
        assert!(through(false, &[text]).starts_with("\\u{1b}[1;31mred"));
    }

    proptest! {
        #[test]
        fn however_it_is_cut_the_same_comes_out_and_nothing_hidden(
            bytes in proptest::collection::vec(prop_oneof![any::<u8>(), Just(0x1b), Just(b'['), Just(b'm'), Just(b'\r')], 0..60),
            cut in 0usize..60,
            colours: bool,
        ) {
            let (one, two) = bytes.split_at(cut.min(bytes.len()));
            let whole = through(colours, &[&bytes]);
            prop_assert_eq!(&whole, &through(colours, &[one, two]));
            let single: Vec<&[u8]> = bytes.chunks(1).collect();
            prop_assert_eq!(&whole, &through(colours, &single));
            let bad = |c: char| is_hidden(c) && !matches!(c, '\n' | '\t' | '\r' | '\u{1b}');
            prop_assert!(!whole.contains(bad), "{:?}", whole);
            prop_assert!(colours || !whole.contains('\x1b'), "an escape passed");
        }

        #[test]
        fn plain_text_passes_unchanged(text in "[ -~äöü√\n\t]{0,80}") {
            prop_assert_eq!(through(false, &[text.as_bytes()]), text);
        }
    }
}
