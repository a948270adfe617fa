//! A guest's serial console, read on from where it was read last. A guest is hostile: it may write anything, as long as it likes.

use regex::Regex;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// A longer line is looked at in parts.
const LONGEST_LINE: usize = 4096;
/// So much is read at a time.
const PIECE: u64 = 1 << 20;

/// A console's log and how far it was read.
#[derive(Debug, Default)]
pub(super) struct Console {
    path: PathBuf,
    read: u64,
    /// What was read behind the last line that was looked at.
    rest: Vec<u8>,
}

impl Console {
    /// Goes on with this log; another one, that of another boot, is begun at its beginning.
    pub(super) fn follow(&mut self, path: &Path) {
        if self.path != path {
            *self = Console { path: path.to_owned(), ..Console::default() };
        }
    }

    /// The next line that matches, as far as the guest has written. What is behind it is left for the next time; a line that
    /// is not finished counts, since it may be a prompt.
    pub(super) fn find(&mut self, pattern: &Regex) -> io::Result<Option<String>> {
        loop {
            while let Some(line) = self.line() {
                if pattern.is_match(&line) {
                    return Ok(Some(line));
                }
            }
            if !self.more()? {
                break;
            }
        }
        let unfinished = text(&self.rest);
        if unfinished.is_empty() || !pattern.is_match(&unfinished) {
            return Ok(None);
        }
        self.rest.clear();
        Ok(Some(unfinished))
    }

    /// The end of what was written, for people.
    pub(super) fn end(&self) -> String {
        text(&edge::read::tail(&self.path, 400).unwrap_or_default())
    }

    /// Takes the next whole line, or a part of one that is too long.
    fn line(&mut self) -> Option<String> {
        let end = self.rest.iter().take(LONGEST_LINE).position(|byte| *byte == b'\n');
        let length = match end {
            Some(at) => at + 1,
            None if self.rest.len() >= LONGEST_LINE => LONGEST_LINE,
            None => return None,
        };
        let line: Vec<u8> = self.rest.drain(..length).collect();
        Some(text(&line))
    }

    /// Reads on; false when there is nothing more yet.
    fn more(&mut self) -> io::Result<bool> {
        let mut file = edge::read::open(&self.path)?;
        file.seek(SeekFrom::Start(self.read))?;
        let had = self.rest.len();
        let read = file.take(PIECE).read_to_end(&mut self.rest)?;
        self.read += read as u64;
        Ok(self.rest.len() > had)
    }
}

/// What a guest wrote, without what turns a terminal around.
fn text(bytes: &[u8]) -> String {
    edge::visible(String::from_utf8_lossy(bytes).trim_end_matches(['\r', '\n'])).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;
    use std::io::Write;

    fn pattern(text: &str) -> Regex {
        Regex::new(text).unwrap()
    }

    #[test]
    fn a_console_is_read_on_and_no_line_is_eaten_or_seen_twice() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("serial.log");
        let mut log = File::create(&path).unwrap();
        let mut console = Console::default();
        console.follow(&path);
        assert_eq!(console.find(&pattern("ready")).unwrap(), None);
        log.write_all(b"one ready\r\ntwo re").unwrap();
        assert_eq!(console.find(&pattern("ready")).unwrap().as_deref(), Some("one ready"));
        assert_eq!(console.find(&pattern("ready")).unwrap(), None);
        log.write_all(b"ady\nthree ready\nlogin: ").unwrap();
        console.follow(&path);
        assert_eq!(console.find(&pattern("two")).unwrap().as_deref(), Some("two ready"));
        assert_eq!(console.find(&pattern("ready")).unwrap().as_deref(), Some("three ready"));
        assert_eq!(console.find(&pattern("login: $")).unwrap().as_deref(), Some("login: "));
        assert_eq!(console.find(&pattern("login")).unwrap(), None);
        // The next boot writes another log.
        let next = dir.path().join("next.log");
        std::fs::write(&next, "login: ").unwrap();
        console.follow(&next);
        assert!(console.find(&pattern("login")).unwrap().is_some());
    }

    #[test]
    fn a_guest_that_writes_without_end_or_sense_fills_no_memory_and_moves_no_cursor() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("serial.log");
        let mut text = vec![b'x'; 3 << 20];
        text.extend(b"\n\x1b[2J\xff end\n");
        std::fs::write(&path, text).unwrap();
        let mut console = Console::default();
        console.follow(&path);
        assert_eq!(console.find(&pattern("end$")).unwrap().as_deref(), Some("\\u{1b}[2J\u{fffd} end"));
        assert!(console.rest.capacity() < 4 << 20, "{}", console.rest.capacity());
    }
}
