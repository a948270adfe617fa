//! What an RHS file says, as slices of its text.

use edge::quoted;
use std::borrow::Cow;

/// One RHS file, borrowed from its text.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Document<'a> {
    /// Header lines in order, wherever they stand in the file.
    pub header: Vec<HeaderEntry<'a>>,
    /// Tables in order; a category with several headings has one table for each.
    pub tables: Vec<Table<'a>>,
    /// What could not be used. Cells are not in here: which columns may hold text is perf.conf's knowledge,
    /// so [`Document::cell_losses`] finds them on request.
    pub losses: Vec<Loss<'a>>,
    /// `key: value` lines below a table, outside any table (ffsb writes them).
    pub trailer: Vec<HeaderEntry<'a>>,
}

/// Which notation a header line uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeaderKind {
    /// `### key : value`.
    Key,
    /// `#ver# text` (2012, and ntttcp to this day).
    Ver,
    /// `#desc# text`: prose about the test.
    Desc,
    /// Any other line that opens with `#`.
    Comment,
    /// `key: value` without a mark.
    Bare,
}

/// A header line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeaderEntry<'a> {
    /// The notation.
    pub kind: HeaderKind,
    /// Text before the first `:`, trimmed; empty when the line has none.
    pub key: &'a str,
    /// Text behind it, trimmed. The lines of a value that spans several are kept, line ends included.
    pub value: &'a str,
    /// 1-based line.
    pub line: u32,
}

/// A column line and the rows under it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table<'a> {
    /// `NAME` of the `Category:NAME` in force.
    pub category: Option<&'a str>,
    /// `x` of `Script:x Category:y`.
    pub script: Option<&'a str>,
    /// The bare heading above the column line.
    pub title: Option<&'a str>,
    /// Column names, trimmed.
    pub columns: Vec<&'a str>,
    /// The column line as it stands in the file, without the blanks around it and a closing `|`.
    pub columns_text: &'a str,
    /// 1-based line of the column names.
    pub columns_line: u32,
    /// Rows of the right width, in order.
    pub rows: Vec<Row<'a>>,
    /// The cells of all rows one after the other: `rows.len() * columns.len()` of them.
    pub cells: Vec<Cell<'a>>,
}

/// Where a row stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row<'a> {
    /// 1-based line.
    pub line: u32,
    /// The whole line; [`Row::column`] needs it.
    pub text: &'a str,
}

/// One cell.
#[derive(Clone, Copy, Debug)]
pub struct Cell<'a> {
    /// The text without the blanks around it.
    pub text: &'a str,
    /// NaN when the text is not a finite number.
    pub(super) number: f64,
}

/// Something that stands in the file and cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loss<'a> {
    /// How much is lost.
    pub kind: LossKind,
    /// 1-based line.
    pub line: u32,
    /// 1-based column, in characters.
    pub column: u32,
    /// Why, as a lowercase fragment.
    pub reason: Cow<'a, str>,
}

/// How much a [`Loss`] costs (statistics.md, "Replicates").
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LossKind {
    /// One value.
    Cell,
    /// One case.
    Row,
    /// The whole repeat: rows that belong to no column line could mean anything.
    File,
}

impl LossKind {
    /// The word that reports print: `cell`, `row` or `file`.
    pub fn word(self) -> &'static str {
        match self {
            LossKind::Cell => "cell",
            LossKind::Row => "row",
            LossKind::File => "file",
        }
    }
}

impl Cell<'_> {
    /// The number, when the text is a finite one.
    #[inline]
    pub fn value(&self) -> Option<f64> {
        (!self.number.is_nan()).then_some(self.number)
    }

    /// The number, NaN when there is none: for flat arrays in which NaN means missing.
    #[inline]
    pub fn value_or_nan(&self) -> f64 {
        self.number
    }

    /// The text is a whole number without sign of a fraction or an exponent: `64`, `-3`, `+7`.
    #[inline]
    pub fn is_integer(&self) -> bool {
        let digits = self.text.strip_prefix(['+', '-']).unwrap_or(self.text);
        !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())
    }
}

impl PartialEq for Cell<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl<'a> Row<'a> {
    /// 1-based column, in characters, at which a cell of this row begins.
    pub fn column(&self, cell: &Cell<'a>) -> u32 {
        let offset = (cell.text.as_ptr() as usize).saturating_sub(self.text.as_ptr() as usize);
        let characters = match self.text.get(..offset) {
            Some(before) => before.chars().count(),
            None => 0,
        };
        u32::try_from(characters).unwrap_or(u32::MAX - 1).saturating_add(1)
    }
}

impl<'a> Table<'a> {
    /// The cells of row `index`; empty when there is no such row.
    #[inline]
    pub fn row_cells(&self, index: usize) -> &[Cell<'a>] {
        let width = self.columns.len();
        let start = index.saturating_mul(width);
        self.cells.get(start..start.saturating_add(width)).unwrap_or(&[])
    }

    /// The rows with their cells.
    pub fn iter(&self) -> impl Iterator<Item = (&Row<'a>, &[Cell<'a>])> {
        self.rows.iter().enumerate().map(|(i, row)| (row, self.row_cells(i)))
    }

    /// What the cases of this table are filed under in comparisons, before aliases.
    ///
    /// A category when there is one; a bare heading where there is no category or only `ALL` (ffsb, iozone);
    /// otherwise both, so that two tables of one category stay apart. pktgen's script stands in front.
    pub fn heading(&self) -> Cow<'a, str> {
        let main: Cow<'a, str> = match (self.category, self.title) {
            (None, None) => Cow::Borrowed(""),
            (Some(category), None) => Cow::Borrowed(category),
            (None, Some(title)) => Cow::Borrowed(title),
            (Some("ALL"), Some(title)) => Cow::Borrowed(title),
            (Some(category), Some(title)) => Cow::Owned(format!("{category} {title}")),
        };
        match self.script {
            Some(script) => Cow::Owned(format!("{script} {main}").trim_end().to_owned()),
            None => main,
        }
    }
}

impl<'a> Document<'a> {
    /// The file cannot be used at all ([`LossKind::File`]).
    pub fn is_lost(&self) -> bool {
        self.losses.iter().any(|loss| loss.kind == LossKind::File)
    }

    /// Every cell that ought to be a number and is not, in the order of the file.
    ///
    /// `is_text(table, column)` says which columns may hold text: the key columns.
    pub fn cell_losses(&self, mut is_text: impl FnMut(&Table<'a>, usize) -> bool) -> Vec<Loss<'a>> {
        let mut losses = Vec::new();
        for table in &self.tables {
            let text: Vec<bool> = (0..table.columns.len()).map(|column| is_text(table, column)).collect();
            for (row, cells) in table.iter() {
                for (cell, &is_text) in cells.iter().zip(&text) {
                    if !is_text && cell.value().is_none() {
                        losses.push(Loss::cell(row, cell));
                    }
                }
            }
        }
        losses
    }
}

impl<'a> Loss<'a> {
    /// The loss of a cell that is not a finite number.
    pub fn cell(row: &Row<'a>, cell: &Cell<'a>) -> Loss<'a> {
        let reason = match cell.text {
            "" => Cow::Borrowed("the cell is empty"),
            text => Cow::Owned(format!("{} is not a finite number", quoted(text))),
        };
        Loss { kind: LossKind::Cell, line: row.line, column: row.column(cell), reason }
    }
}
