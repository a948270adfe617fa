//! Text into the lines that mean something: without comments and blank lines, with tabs expanded and indents counted.
//!
//! Line ends are those of Python's `str.splitlines`, blanks those of `str.isspace`: the language was defined by a
//! Python program, and its files are read alike.

use super::error::Place;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

/// Columns between two tab stops.
const TAB: usize = 8;

/// Blank, as Python sees it.
pub(super) fn is_blank(c: char) -> bool {
    c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c)
}

/// One piece of text with its name.
#[derive(Debug)]
pub(super) struct Source {
    /// As it was named.
    pub name: Arc<PathBuf>,
    /// Number of the file in the program.
    pub file: u16,
    /// Folder that includes are relative to; none is the working directory.
    pub folder: Option<PathBuf>,
    /// The text after tabs were expanded.
    text: String,
    /// The text before that, when it had tabs.
    original: Option<String>,
    lines: Vec<RawLine>,
}

#[derive(Clone, Copy, Debug)]
struct RawLine {
    start: u32,
    end: u32,
    indent: u32,
    number: u32,
    /// Where its physical line begins in the text before tabs were expanded.
    typed: u32,
}

/// A line, or the rest of one, without its indent and trailing blanks.
#[derive(Clone, Debug)]
pub(super) struct Line {
    source: Rc<Source>,
    start: u32,
    end: u32,
    /// Columns before the first character.
    pub indent: u32,
    /// Counted from 1.
    pub number: u32,
}

impl Source {
    /// Reads text; `None` when it is longer than 4 GiB.
    pub fn new(name: Arc<PathBuf>, file: u16, folder: Option<&Path>, text: String) -> Option<Source> {
        let text = match text.strip_prefix('\u{feff}') {
            Some(rest) => rest.to_owned(),
            None => text,
        };
        let (text, original) =
            if text.contains('\t') { (expand_tabs(&text), Some(text)) } else { (text, None) };
        u32::try_from(text.len()).ok()?;
        let lines = meaningful_lines(&text, original.as_deref().unwrap_or(&text));
        Some(Source { name, file, folder: folder.map(Path::to_owned), text, original, lines })
    }

    /// Bytes that it takes.
    pub fn bytes(&self) -> u64 {
        self.text.len() as u64
    }

    /// Whether the first line that means something begins with a letter.
    pub fn begins_with(&self, letter: char) -> bool {
        self.lines
            .first()
            .and_then(|line| self.text.get(line.start as usize..))
            .is_some_and(|t| t.starts_with(letter))
    }

    /// Lines that mean something.
    pub fn len(&self) -> usize {
        self.lines.len()
    }
}

/// The line that a byte offset of a text stands in.
fn line_around(text: &str, at: usize) -> &str {
    let (before, after) = text.split_at_checked(at).unwrap_or((text, ""));
    let begin = before.trim_end_matches(|c| !is_line_end(c)).len();
    let end = at.saturating_add(after.find(is_line_end).unwrap_or(after.len()));
    text.get(begin..end).unwrap_or("")
}

impl Line {
    /// The text.
    pub fn text(&self) -> &str {
        self.source.text.get(self.start as usize..self.end as usize).unwrap_or("")
    }

    /// Number of the file in the program.
    pub fn file(&self) -> u16 {
        self.source.file
    }

    /// The source that it stands in.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// The rest from a byte offset on, without leading blanks; `None` when nothing is left.
    pub fn rest(&self, from: usize, indent: u32) -> Option<Line> {
        let rest = self.text().get(from..)?;
        let start =
            self.start + u32::try_from(self.text().len() - rest.trim_start_matches(is_blank).len()).ok()?;
        (start < self.end).then(|| Line { source: Rc::clone(&self.source), start, indent, ..*self })
    }

    /// The place of a byte offset in the text.
    pub fn place(&self, offset: usize) -> Place {
        let full = line_around(&self.source.text, self.start as usize);
        // The offset of this (rest of a) line in the physical line: both end at the same last character.
        let lead = full.trim_end_matches(is_blank).len().saturating_sub(self.text().len());
        let upto = full.get(..lead + offset.min(self.text().len())).unwrap_or("");
        let caret = upto.chars().count();
        let column = match &self.source.original {
            Some(original) => {
                let found = self.source.lines.binary_search_by_key(&self.number, |line| line.number).ok();
                let typed = found.and_then(|found| self.source.lines.get(found)).map_or(0, |line| line.typed);
                unexpanded(line_around(original, typed as usize), caret)
            }
            None => caret,
        };
        let (text, caret) = Place::around(full.trim_end_matches(is_blank), caret);
        Place {
            file: Arc::clone(&self.source.name),
            line: self.number,
            column: u32::try_from(column + 1).unwrap_or(u32::MAX),
            text,
            caret,
        }
    }
}

/// Hands out the lines of a source, block by block.
#[derive(Debug)]
pub(super) struct Reader {
    source: Rc<Source>,
    next: usize,
    held: Option<Line>,
}

impl Reader {
    pub fn new(source: Rc<Source>) -> Reader {
        Reader { source, next: 0, held: None }
    }

    /// The next line that is indented further than `outer`, or one that was handed back.
    pub fn next(&mut self, outer: i64) -> Option<Line> {
        if let Some(line) = self.held.take() {
            return Some(line);
        }
        let raw = *self.source.lines.get(self.next)?;
        if i64::from(raw.indent) <= outer {
            return None;
        }
        self.next += 1;
        let RawLine { start, end, indent, number, .. } = raw;
        Some(Line { source: Rc::clone(&self.source), start, end, indent, number })
    }

    /// Makes `line` the next one, whatever its indent: the statement behind `filter:`.
    pub fn hold(&mut self, line: Line) {
        self.held = Some(line);
    }
}

/// Lines as Python splits them: a carriage return with its line feed is one end.
fn split_lines(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest.filter(|t| !t.is_empty())?;
        let end = text.find(is_line_end).unwrap_or(text.len());
        let (line, tail) = text.split_at_checked(end)?;
        let mut chars = tail.chars();
        if chars.next() == Some('\r') && chars.as_str().starts_with('\n') {
            chars.next();
        }
        rest = Some(chars.as_str());
        Some(line)
    })
}

fn is_line_end(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{1c}'..='\u{1e}' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// `original` is the text before tabs were expanded, which changes no line's end.
fn meaningful_lines(text: &str, original: &str) -> Vec<RawLine> {
    let mut lines = Vec::with_capacity(text.len() / 32);
    for (index, (line, typed)) in split_lines(text).zip(split_lines(original)).enumerate() {
        let trimmed_end = line.trim_end_matches(is_blank);
        let trimmed = trimmed_end.trim_start_matches(is_blank);
        if trimmed.is_empty() || trimmed.starts_with('#') || trimmed.starts_with("//") {
            continue;
        }
        let lead = trimmed_end.len() - trimmed.len();
        let indent = trimmed_end.get(..lead).map_or(0, |blanks| blanks.chars().count());
        let start = (line.as_ptr() as usize - text.as_ptr() as usize) + lead;
        let narrow = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        lines.push(RawLine {
            start: narrow(start),
            end: narrow(start + trimmed.len()),
            indent: narrow(indent),
            number: narrow(index + 1),
            typed: narrow(typed.as_ptr() as usize - original.as_ptr() as usize),
        });
    }
    lines
}

/// Every tab becomes blanks up to the next multiple of eight columns of its line.
fn expand_tabs(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 4);
    let mut column = 0;
    for c in text.chars() {
        if c == '\t' {
            let blanks = TAB - column % TAB;
            out.extend(std::iter::repeat_n(' ', blanks));
            column += blanks;
        } else {
            out.push(c);
            column = if is_line_end(c) { 0 } else { column + 1 };
        }
    }
    out
}

/// The column before expansion that a column after it comes from.
fn unexpanded(original: &str, expanded: usize) -> usize {
    let mut column = 0;
    for (index, c) in original.chars().enumerate() {
        if column >= expanded {
            return index;
        }
        column += if c == '\t' { TAB - column % TAB } else { 1 };
    }
    original.chars().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> Rc<Source> {
        Rc::new(Source::new(Arc::new("t.cfg".into()), 0, None, text.to_owned()).unwrap())
    }

    #[test]
    fn comments_and_blank_lines_are_left_out_and_lines_keep_their_numbers() {
        let mut reader = Reader::new(source("\u{feff}# one\r\n\r\n  a = 1  \r\n// two\rb = 2"));
        let a = reader.next(-1).unwrap();
        assert_eq!((a.text(), a.indent, a.number), ("a = 1", 2, 3));
        let b = reader.next(-1).unwrap();
        assert_eq!((b.text(), b.indent, b.number), ("b = 2", 0, 5));
        assert!(reader.next(-1).is_none());
    }

    #[test]
    fn a_block_ends_at_the_indent_of_its_owner() {
        let mut reader = Reader::new(source("  a\n b\n"));
        assert_eq!(reader.next(1).unwrap().text(), "a");
        assert!(reader.next(1).is_none());
        assert_eq!(reader.next(0).unwrap().text(), "b");
    }

    #[test]
    fn tabs_go_to_columns_of_eight_and_errors_count_the_characters_that_were_typed() {
        let mut reader = Reader::new(source("\tx =\ty"));
        let line = reader.next(-1).unwrap();
        assert_eq!((line.text(), line.indent), ("x =     y", 8));
        let place = line.place(8);
        assert_eq!((place.column, place.caret), (6, 16));
    }

    #[test]
    fn the_rest_of_a_line_keeps_its_place() {
        let mut reader = Reader::new(source("  win:   a = 1"));
        let line = reader.next(-1).unwrap();
        let rest = line.rest(4, 3).unwrap();
        assert_eq!((rest.text(), rest.indent), ("a = 1", 3));
        assert_eq!(rest.place(2).column, 12);
        assert!(line.rest(line.text().len(), 3).is_none());
    }
}
