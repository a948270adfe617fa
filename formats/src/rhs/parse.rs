//! Lines to tables: a small state machine over lines, fed by what each line looks like.

use super::cells::{finish_row, fits, is_column_line, lose_row, split_cells};
use super::document::{Cell, Document, HeaderEntry, HeaderKind, Loss, LossKind, Table};
use super::number::parse_finite;
use edge::quoted;
use std::borrow::Cow;

/// Reads an RHS file of any dialect. Never fails: what cannot be used is in [`Document::losses`].
///
/// A line with `|` is a column line when none of its cells is a number, otherwise a row. Line ends may be LF or CRLF.
///
/// A last line that no line end closes may be the first part of a longer one: such a row is lost, also when a word is all
/// that is left of it, unless the padding of its last cell proves that it is whole; such a column line costs the file.
pub fn parse(text: &str) -> Document<'_> {
    let mut parser = Parser { text, ..Parser::default() };
    let body = text.strip_prefix('\u{feff}').unwrap_or(text);
    let (closed, last) = match body.rsplit_once('\n') {
        Some((closed, last)) => (Some(closed), last),
        None => (None, body),
    };
    let mut number = 1u32;
    for line in closed.into_iter().flat_map(|text| text.split('\n')) {
        parser.line(line, number);
        number = number.saturating_add(1);
    }
    parser.last_line(last, number);
    parser.finish()
}

/// What the lines read so far mean for the next one.
#[derive(Default)]
struct Parser<'a> {
    text: &'a str,
    document: Document<'a>,
    category: Option<&'a str>,
    script: Option<&'a str>,
    /// Line of a `Category:` that still waits for its column line.
    waiting: Option<u32>,
    /// Rows belong to the last table.
    open: bool,
    /// Rows are dropped until the next column line, because they have none.
    skipping: bool,
    /// Lines that are a title if a table follows, a fact (`key: value`) or prose otherwise.
    pending: Vec<(&'a str, u32)>,
    /// Nothing but blank and pending lines stands between here and the last `###` line.
    below_header: bool,
    spare: Vec<Cell<'a>>,
}

impl<'a> Parser<'a> {
    #[inline]
    fn line(&mut self, line: &'a str, number: u32) {
        let content = line.trim_ascii();
        if content.is_empty() {
            return;
        }
        let first = content.as_bytes().first().copied().unwrap_or(0);
        if first == b'#' && self.header(content, number) {
            return;
        }
        if (first == b'C' || first == b'S') && self.category(content, number) {
            return;
        }
        if content.contains('|') {
            self.table_line(line, content, number);
        } else {
            self.bare(line, content, number);
        }
    }

    /// What stands behind the last line end. Half a number is a number, so that nothing of a row is believed.
    fn last_line(&mut self, line: &'a str, number: u32) {
        let content = line.trim_ascii();
        let script = content.starts_with("Script:");
        let is_word = !content.is_empty() && (script || !content.contains(':'));
        let of_a_table = content.contains('|') || content.parse::<f64>().is_ok() || (self.open && is_word);
        let is_header = ["###", "#ver#", "#desc#", "Category:"].iter().any(|m| content.starts_with(m))
            || (script && content.contains("Category:"));
        // Rows begin with blanks: where these alone are left, a row was cut off.
        let is_padding = self.open && content.is_empty() && line.starts_with(' ');
        if is_padding {
            let reason = Cow::Borrowed("the file ends within the blanks that this line begins with");
            self.document.losses.push(Loss { kind: LossKind::Row, line: number, column: 1, reason });
        } else if !of_a_table || is_header || self.is_padded_row(line) {
            self.line(line, number);
        } else if self.open {
            let reason = Cow::Borrowed("the file ends within this line");
            self.document.losses.push(Loss { kind: LossKind::Row, line: number, column: 1, reason });
        } else if !self.skipping {
            self.waiting = None;
            self.lose_file(number, Cow::Borrowed("the file ends within its column line"));
        }
    }

    /// Whether the last cell of a row (of names alone there may be more) is padded to the very width that the column line
    /// gives it: such a row is whole. nfs_perf pads its cells and writes no line end below the last row.
    fn is_padded_row(&self, line: &str) -> bool {
        let Some(table) = self.document.tables.last().filter(|_| self.open) else { return false };
        let is_number = |cell: &str| parse_finite(cell.trim_ascii()).is_some();
        let last_cell = |text: &str| -> Option<usize> {
            let (_, cell) = text.rsplit_once('|')?;
            (cell.starts_with("  ") && !cell.ends_with([' ', '\t', '\r'])).then(|| cell.chars().count())
        };
        let width = last_cell(line).filter(|_| line.split('|').any(is_number));
        width.is_some() && last_cell(table.columns_text) == width
    }

    /// Takes a line that opens with `#`, unless it is a table's line whose first name opens with `#`.
    fn header(&mut self, content: &'a str, line: u32) -> bool {
        let (kind, rest) = if let Some(rest) = content.strip_prefix("###") {
            (HeaderKind::Key, rest)
        } else if let Some(rest) = content.strip_prefix("#ver#") {
            (HeaderKind::Ver, rest)
        } else if let Some(rest) = content.strip_prefix("#desc#") {
            (HeaderKind::Desc, rest)
        } else if content.contains('|') {
            return false;
        } else {
            (HeaderKind::Comment, content.trim_start_matches('#'))
        };
        if kind == HeaderKind::Key {
            self.continue_header();
        }
        let (key, value) = match kind {
            HeaderKind::Key | HeaderKind::Ver => split_entry(rest, kind),
            _ => ("", rest.trim_ascii()),
        };
        self.document.header.push(HeaderEntry { kind, key, value, line });
        self.below_header = kind == HeaderKind::Key;
        true
    }

    /// Bare lines between two `###` lines continue the first one's value: `rpm -q` of several packages.
    fn continue_header(&mut self) {
        if !self.below_header || self.pending.is_empty() {
            return;
        }
        if let (Some(entry), Some((last, _))) = (self.document.header.last_mut(), self.pending.last()) {
            let base = self.text.as_ptr() as usize;
            let start = (entry.value.as_ptr() as usize).wrapping_sub(base);
            let end = (last.as_ptr() as usize).wrapping_sub(base).wrapping_add(last.len());
            if let Some(value) = self.text.get(start..end) {
                entry.value = value.trim_ascii();
            }
        }
        self.pending.clear();
    }

    /// Takes `Category:y` and `Script:x Category:y`.
    fn category(&mut self, content: &'a str, line: u32) -> bool {
        let (script, name) = if let Some(name) = content.strip_prefix("Category:") {
            (None, name)
        } else if let Some((script, name)) =
            content.strip_prefix("Script:").and_then(|rest| rest.split_once("Category:"))
        {
            (Some(script.trim_ascii()), name)
        } else {
            return false;
        };
        self.close_category();
        self.flush_pending();
        self.category = Some(name.trim_ascii().trim_end_matches('|').trim_ascii_end());
        self.script = script;
        self.waiting = Some(line);
        self.open = false;
        self.skipping = false;
        self.below_header = false;
        true
    }

    /// A category that ends without a column line costs the file.
    fn close_category(&mut self) {
        if let Some(line) = self.waiting.take() {
            let name = self.category.unwrap_or("");
            self.lose_file(line, Cow::Owned(format!("category {} has no column line", quoted(name))));
        }
    }

    fn lose_file(&mut self, line: u32, reason: Cow<'a, str>) {
        self.document.losses.push(Loss { kind: LossKind::File, line, column: 1, reason });
    }

    fn table_line(&mut self, line: &'a str, content: &'a str, number: u32) {
        self.below_header = false;
        if self.open && self.pending.is_empty() && self.row_of_open_table(line, number) {
            return;
        }
        let mut cells = std::mem::take(&mut self.spare);
        cells.clear();
        let numbers = split_cells(line, &mut cells);
        if numbers == 0 && is_column_line(&cells, 0) {
            self.columns(&cells, content, number);
        } else {
            self.row_without_table(line, number, &cells);
        }
        self.spare = cells;
    }

    /// The usual case, kept short: a row goes straight into the table. False when the line may be a column line.
    #[inline]
    fn row_of_open_table(&mut self, line: &'a str, number: u32) -> bool {
        let Some(table) = self.document.tables.last_mut() else { return false };
        let start = table.cells.len();
        let numbers = split_cells(line, &mut table.cells);
        if numbers == 0 && is_column_line(table.cells.get(start..).unwrap_or(&[]), table.columns.len()) {
            table.cells.truncate(start);
            return false;
        }
        finish_row(table, start, line, number, &mut self.document.losses);
        true
    }

    fn columns(&mut self, cells: &[Cell<'a>], content: &'a str, line: u32) {
        self.waiting = None;
        self.skipping = false;
        self.open = true;
        let title = self.pending.pop().map(|(text, _)| text);
        self.flush_pending();
        let mut columns: Vec<&'a str> = cells.iter().map(|cell| cell.text).collect();
        if columns.len() > 1 && columns.last().is_some_and(|name| name.is_empty()) {
            columns.pop();
        }
        let columns_text = content.strip_suffix('|').unwrap_or(content).trim_ascii_end();
        // The same column line again, without a heading above it, only repeats itself.
        let repeated = title.is_none()
            && self.document.tables.last().is_some_and(|last| {
                last.category == self.category && last.script == self.script && last.columns == columns
            });
        if !repeated {
            self.document.tables.push(Table {
                category: self.category,
                script: self.script,
                title,
                columns,
                columns_text,
                columns_line: line,
                rows: Vec::new(),
                cells: Vec::new(),
            });
        }
    }

    /// A row below a title or above any column line.
    fn row_without_table(&mut self, line: &'a str, number: u32, cells: &[Cell<'a>]) {
        if self.skipping {
            return;
        }
        if self.open {
            self.row_below_bare_lines(line, number, cells);
            return;
        }
        self.skipping = true;
        if self.waiting.is_some() {
            self.close_category();
        } else {
            self.lose_file(number, Cow::Borrowed("rows stand above any column line"));
        }
    }

    /// A title between rows: the column line above stays in force. Facts between rows do not interrupt the table.
    fn row_below_bare_lines(&mut self, line: &'a str, number: u32, cells: &[Cell<'a>]) {
        let Some(last) = self.document.tables.last_mut() else { return };
        if !fits(cells, last.columns.len()) {
            // The title waits for a row that can be used. Nor may a row that is no row cost a copy of the column names.
            lose_row(cells.len(), last.columns.len(), number, &mut self.document.losses);
            return;
        }
        let title = self.pending.pop_if(|(text, _)| !text.contains(':'));
        if let Some((title, _)) = title {
            let table = Table { title: Some(title), ..last.clone_head() };
            self.document.tables.push(table);
        }
        self.flush_pending();
        if let Some(table) = self.document.tables.last_mut() {
            let start = table.cells.len();
            table.cells.extend_from_slice(cells);
            finish_row(table, start, line, number, &mut self.document.losses);
        }
    }

    /// A line without `|` that is neither header nor category.
    fn bare(&mut self, line: &'a str, content: &'a str, number: u32) {
        if content.parse::<f64>().is_ok() {
            self.below_header = false;
            let cell = Cell { text: content, number: parse_finite(content).unwrap_or(f64::NAN) };
            self.row_without_table(line, number, &[cell]);
        } else if content.bytes().any(|b| b.is_ascii_alphanumeric() || !b.is_ascii()) {
            self.pending.push((content, number));
        }
    }

    /// Pending lines turned out not to be titles: facts are kept, prose is not.
    fn flush_pending(&mut self) {
        for (content, line) in self.pending.drain(..) {
            if content.contains(':') {
                let (key, value) = split_entry(content, HeaderKind::Bare);
                self.document.trailer.push(HeaderEntry { kind: HeaderKind::Bare, key, value, line });
            }
        }
    }

    fn finish(mut self) -> Document<'a> {
        self.close_category();
        self.flush_pending();
        self.document
    }
}

impl<'a> Table<'a> {
    /// The table's names without its rows.
    fn clone_head(&self) -> Table<'a> {
        Table {
            category: self.category,
            script: self.script,
            title: self.title,
            columns: self.columns.clone(),
            columns_text: self.columns_text,
            columns_line: self.columns_line,
            rows: Vec::new(),
            cells: Vec::new(),
        }
    }
}

/// Splits `key : value` at the first `:`. `#ver#` lines name a fact only in words, so that the epoch of a package's
/// version (`qemu-kvm-1:2.0`) is no name.
fn split_entry(rest: &str, kind: HeaderKind) -> (&str, &str) {
    match rest.split_once(':') {
        Some((key, value))
            if kind != HeaderKind::Ver || key.bytes().all(|b| b.is_ascii_alphabetic() || b == b' ') =>
        {
            (key.trim_ascii(), value.trim_ascii())
        }
        _ => ("", rest.trim_ascii()),
    }
}
