//! The memory of a VGA in text mode: two bytes for each cell, the character in code page 437 and its attribute.
//!
//! It begins at [`ADDRESS`]. A system that scrolls may move the beginning of what is shown within the [`MEMORY`] bytes there
//! (the start address of the CRT controller), so that they are taken whole and cut by [`VgaText::at`].

use crate::terminal::trimmed;

/// Where the memory of a VGA in colour text mode begins.
pub const ADDRESS: u64 = 0xb8000;
/// How long it is.
pub const MEMORY: usize = 0x8000;
/// Columns of the modes that systems boot in.
pub const COLUMNS: usize = 80;

/// A screen of text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VgaText {
    columns: usize,
    cells: Vec<Cell>,
}

/// One character of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cell {
    /// The character.
    pub character: char,
    /// Its colour, 0 to 15.
    pub foreground: u8,
    /// The colour behind it, 0 to 7.
    pub background: u8,
    /// Whether it blinks.
    pub blinks: bool,
}

impl VgaText {
    /// Memory as a screen: 80 columns, or 40 where 80 do not fit (4000 bytes: 80 x 25, 8000: 80 x 50, 2000: 40 x 25).
    ///
    /// # Errors
    /// The length is that of no screen.
    pub fn read(memory: &[u8]) -> Result<VgaText, String> {
        let columns = match memory.len() {
            0 => 0,
            2000 => COLUMNS / 2,
            length if length % (2 * COLUMNS) == 0 => COLUMNS,
            length if length % COLUMNS == 0 => COLUMNS / 2,
            _ => 0,
        };
        if columns == 0 || memory.len() > MEMORY {
            let length = memory.len();
            return Err(format!(
                "{length} bytes are no screen of VGA text: want 4000 for 80 columns and 25 rows"
            ));
        }
        Ok(VgaText { columns, cells: memory.chunks_exact(2).map(cell).collect() })
    }

    /// The screen that begins at this cell of the memory, which is read round its end as a VGA does.
    ///
    /// # Errors
    /// There is less memory than the screen has.
    pub fn at(memory: &[u8], start: usize, columns: usize, rows: usize) -> Result<VgaText, String> {
        let cells = memory.len() / 2;
        let wanted = columns.saturating_mul(rows);
        if wanted == 0 || wanted > cells {
            return Err(format!(
                "a screen of {columns} x {rows} is none in {} bytes of memory",
                memory.len()
            ));
        }
        let around = memory.chunks_exact(2).cycle().skip(start % cells).take(wanted);
        Ok(VgaText { columns, cells: around.map(cell).collect() })
    }

    /// Its rows of cells.
    pub fn rows(&self) -> impl Iterator<Item = &[Cell]> {
        self.cells.chunks(self.columns.max(1))
    }

    /// What it says: a line for each row down to the last that has something, without blanks at their ends.
    pub fn text(&self) -> String {
        trimmed(self.rows().map(|row| row.iter().map(|cell| cell.character).collect()))
    }
}

fn cell(bytes: &[u8]) -> Cell {
    let (code, attribute) = match bytes {
        [code, attribute] => (*code, *attribute),
        _ => (b' ', 7),
    };
    Cell {
        character: character(code),
        foreground: attribute & 15,
        background: attribute >> 4 & 7,
        blinks: attribute & 0x80 != 0,
    }
}

/// The bytes of a dump of memory as QEMU's monitor writes it (`xp /1000xw 0xb8000`): lines of an address, a colon, and words of four
/// bytes, `0x07200720`, the lowest byte first. What is none of this is left out.
pub fn of_dump(text: &str) -> Vec<u8> {
    let words =
        text.lines().filter_map(|line| line.split_once(':')).flat_map(|(_, words)| words.split_whitespace());
    let words = words.filter_map(|word| u32::from_str_radix(word.strip_prefix("0x")?, 16).ok());
    words.flat_map(u32::to_le_bytes).take(MEMORY).collect()
}

/// The signs of code page 437 below the blank, of which 0 is shown as one.
const LOW: &str = " ☺☻♥♦♣♠•◘○◙♂♀♪♫☼►◄↕‼¶§▬↨↑↓→←∟↔▲▼";
/// Those from 127.
const HIGH: &str = "⌂ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»\
                    ░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀\
                    αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u{a0}";

/// A code of page 437 as a character. The last one is a blank that does not break, and is given as a blank.
pub fn character(code: u8) -> char {
    let found = match code {
        0..=31 => LOW.chars().nth(usize::from(code)),
        32..=126 => Some(char::from(code)),
        127.. => HIGH.chars().nth(usize::from(code - 127)),
    };
    found.filter(|found| *found != '\u{a0}').unwrap_or(' ')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn screen(text: &str) -> Vec<u8> {
        let mut memory: Vec<u8> = [b' ', 7].repeat(2000);
        for (at, byte) in text.bytes().enumerate() {
            memory[2 * at] = byte;
        }
        memory
    }

    #[test]
    fn the_memory_of_a_text_mode_is_read_with_its_colours() {
        let mut memory = screen("vm1 login: ");
        memory[160] = 0xc4;
        memory[161] = 0x9f;
        let read = VgaText::read(&memory).unwrap();
        assert_eq!(read.text(), "vm1 login:\n─");
        let cell = read.rows().nth(1).unwrap()[0];
        assert_eq!(cell, Cell { character: '─', foreground: 15, background: 1, blinks: true });
        assert_eq!(read.rows().count(), 25);
    }

    #[test]
    fn the_size_follows_from_the_length_and_what_is_no_screen_is_refused() {
        for (length, columns, rows) in [(4000, 80, 25), (8000, 80, 50), (2000, 40, 25), (9600, 80, 60)] {
            let read = VgaText::read(&vec![0; length]).unwrap();
            assert_eq!((read.rows().next().unwrap().len(), read.rows().count()), (columns, rows));
        }
        for length in [0, 1, 3999, 4001, 1 << 20] {
            assert!(VgaText::read(&vec![0; length]).unwrap_err().contains("no screen"), "{length}");
        }
    }

    #[test]
    fn a_screen_that_scrolled_is_read_from_where_it_begins_and_round_the_end() {
        let mut memory = vec![0; MEMORY];
        memory[MEMORY - 160] = b'a';
        memory[0] = b'b';
        let start = (MEMORY - 160) / 2;
        assert_eq!(VgaText::at(&memory, start, 80, 25).unwrap().text(), "a\nb");
        assert!(VgaText::at(&memory, usize::MAX, 80, 25).is_ok());
        assert!(VgaText::at(&memory, 0, usize::MAX, 2).is_err());
        assert!(VgaText::at(&[], 0, 80, 25).is_err());
    }

    #[test]
    fn a_dump_of_the_monitor_is_memory() {
        let text = "00000000000b8000: 0x07200756 0x07370767\r\n00000000000b8008: 0x0741zz 0x07420741\nnothing: here\n";
        assert_eq!(of_dump(text), [0x56, 7, 0x20, 7, 0x67, 7, 0x37, 7, 0x41, 7, 0x42, 7]);
    }

    #[test]
    fn every_code_is_one_character() {
        assert_eq!(LOW.chars().count(), 32);
        assert_eq!(HIGH.chars().count(), 129);
        let codes = [0u8, 1, 32, 65, 126, 127, 128, 176, 219, 225, 254, 255];
        let read: String = codes.iter().map(|code| character(*code)).collect();
        assert_eq!(read, " ☺ A~⌂Ç░█ß■ ");
    }
}
