//! A serial console as a terminal shows it: with its cursor, without what was overwritten.

use std::num::NonZero;

/// Rows of the terminal, as most guests take one for granted that they cannot ask.
pub const ROWS: u16 = 25;
/// Its columns.
pub const COLUMNS: u16 = 80;

/// A terminal of one screen: nothing that has left it is kept, so that it does not grow.
pub struct Terminal {
    parser: vt100::Parser,
}

impl Default for Terminal {
    fn default() -> Terminal {
        Terminal::new(ROWS, COLUMNS)
    }
}

impl Terminal {
    /// An empty one. Rows and columns are from 1 to 500.
    pub fn new(rows: u16, columns: u16) -> Terminal {
        let side = |wanted: u16| NonZero::new(wanted.min(500)).unwrap_or(NonZero::<u16>::MIN);
        Terminal { parser: vt100::Parser::new(side(rows), side(columns), 0) }
    }

    /// Takes what was written, in any pieces.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.parser.process(bytes);
    }

    /// What the screen shows: a line for each row down to the last that has something, without blanks at their ends.
    pub fn text(&self) -> String {
        let screen = self.parser.screen();
        let (_, columns) = screen.size();
        trimmed(screen.rows(0, columns.into()))
    }

    /// Where the cursor is: row and column, both from 0.
    pub fn cursor(&self) -> (u16, u16) {
        self.parser.screen().cursor_position()
    }
}

/// Lines without blanks at their ends, and without empty ones at the end.
pub(crate) fn trimmed(rows: impl Iterator<Item = String>) -> String {
    let mut text = String::new();
    for row in rows {
        text.push_str(row.trim_end());
        text.push('\n');
    }
    text.truncate(text.trim_end().len());
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_overwritten_is_gone_and_the_cursor_stands_behind_the_prompt() {
        let mut terminal = Terminal::default();
        terminal.feed(b"loading  1 %\rloading 99 %\r\n\x1b[2J\x1b[3;5Hvm1 lo");
        terminal.feed(b"gin: ");
        assert_eq!(terminal.text(), "\n\n    vm1 login:");
        assert_eq!(terminal.cursor(), (2, 15));
    }

    #[test]
    fn a_menu_that_is_drawn_by_sequences_is_read_as_it_looks() {
        let mut terminal = Terminal::default();
        terminal.feed("\x1b[H\x1b[7m Install \x1b[0m\r\n\x1b[10;1Hλ\x1b[1;1H\x1b[2C*".as_bytes());
        assert!(terminal.text().starts_with(" I*stall\n"), "{}", terminal.text());
        assert!(terminal.text().ends_with("\nλ"));
    }

    #[test]
    fn a_screen_of_more_lines_than_rows_shows_the_last_ones() {
        let mut terminal = Terminal::default();
        for line in 0..1000 {
            terminal.feed(format!("line {line}\r\n").as_bytes());
        }
        assert!(terminal.text().starts_with("line 976\n") && terminal.text().ends_with("line 999"));
    }

    #[test]
    fn whatever_is_written_is_a_screen_of_its_size() {
        proptest::proptest!(|(bytes: Vec<u8>, sequence in "(\\x1b\\[[0-9;?]{0,12}[@-~]|[ -~]){0,40}")| {
            let mut terminal = Terminal::new(5, 20);
            terminal.feed(&bytes);
            terminal.feed(sequence.as_bytes());
            let text = terminal.text();
            assert!(text.lines().count() <= 5 && text.lines().all(|line| line.chars().count() <= 20 * 10), "{text:?}");
        });
        let mut terminal = Terminal::default();
        // A string that never ends is not kept.
        terminal.feed(b"\x1b]0;");
        terminal.feed(&vec![b'x'; 4 << 20]);
        terminal.feed(b"\x1b[999999999;4294967296H\x1b[99999999L\x1b[8;60000;60000tend");
        assert!(terminal.text().len() <= 25 * 81);
    }
}
