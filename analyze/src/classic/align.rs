//! Cases and columns of all repeats, brought together by name.

mod keys;

use super::trouble::Trouble;
use crate::Warning;
use formats::perf_conf::Section;
use formats::rhs::{Cell, Document, Table};
use keys::{as_u32, key_names, lost_cells};
use std::borrow::Cow;
use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::ops::Range;

/// One table of the output: the rows of all files that stand under one heading with the same key columns.
#[derive(Debug)]
pub(super) struct Grid<'d> {
    /// Canonical name of category and title.
    pub heading: String,
    /// Canonical name of the category alone: tables of one group stand together.
    group: String,
    /// As the first file writes them.
    pub category: Option<&'d str>,
    pub script: Option<&'d str>,
    pub title: Option<&'d str>,
    /// Key columns first.
    pub columns: Vec<Column<'d>>,
    /// How many of them are keys.
    pub keys: usize,
    /// The first file's column line, as long as it says what `columns` says.
    columns_text: Option<&'d str>,
    /// Columns in the first file: what the positions of `avg_update` refer to.
    pub written_columns: usize,
    /// Key cells of each case, `keys` for each.
    key_cells: Vec<Cell<'d>>,
    /// Number of cases.
    pub cases: usize,
    index: HashMap<Box<[KeyPart<'d>]>, u32>,
    /// The repeats of side 1 and of side 2.
    pub sides: [Vec<Placement<'d>>; 2],
}

/// A column of the output.
#[derive(Debug)]
pub(super) struct Column<'d> {
    /// The name in the first file that has it.
    pub written: &'d str,
    /// The name by which files meet.
    pub canonical: &'d str,
    /// Position in the first file, when that file has it.
    pub position: Option<usize>,
}

/// Where one file has the cases of a grid.
#[derive(Debug, Default)]
pub(super) struct Placement<'d> {
    parts: Vec<Part<'d>>,
    /// Row of each case.
    slots: Vec<Option<Slot>>,
    /// Further rows of a case, which are averaged with the first.
    again: Vec<(u32, Slot)>,
}

/// A table of the file.
#[derive(Debug)]
struct Part<'d> {
    table: &'d Table<'d>,
    /// The table's column for each column of the grid.
    columns: Vec<Option<u32>>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Slot {
    part: u32,
    row: u32,
}

/// One row of a file: its cells, and which of them belongs to which column of the grid.
#[derive(Clone, Copy, Debug)]
pub(super) struct RowView<'g, 'd> {
    cells: &'g [Cell<'d>],
    columns: &'g [Option<u32>],
}

impl<'d> RowView<'_, 'd> {
    pub fn cell(&self, column: usize) -> Option<Cell<'d>> {
        let index = self.columns.get(column).copied().flatten()?;
        self.cells.get(index as usize).copied()
    }
}

/// What tells one case from another: `64` and `64.00` are the same level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum KeyPart<'d> {
    Number(u64),
    Text(&'d str),
    /// Rows without any key are told apart by their order alone.
    Ordinal(u32),
}

impl<'d> KeyPart<'d> {
    fn of(cell: &Cell<'d>) -> KeyPart<'d> {
        match cell.value() {
            Some(value) => KeyPart::Number((value + 0.0).to_bits()),
            None => KeyPart::Text(cell.text),
        }
    }
}

/// Aligns both sides.
pub(super) fn align<'d>(
    section: &'d Section,
    a: &[&'d Document<'d>],
    b: &[&'d Document<'d>],
    warnings: &mut Vec<Warning>,
) -> Vec<Grid<'d>> {
    let mut aligner = Aligner {
        section,
        files: [a.len(), b.len()],
        grids: Vec::new(),
        index: HashMap::new(),
        trouble: Trouble::default(),
    };
    for (side, documents) in [a, b].into_iter().enumerate() {
        for (file, document) in documents.iter().enumerate() {
            aligner.trouble.rows += document.losses.len();
            let mut blanks = HashMap::new();
            for table in &document.tables {
                aligner.table(side, file, table, &mut blanks);
            }
        }
    }
    let Aligner { mut grids, mut trouble, .. } = aligner;
    let mut order: HashMap<String, usize> = HashMap::new();
    for (index, grid) in grids.iter().enumerate() {
        order.entry(grid.group.clone()).or_insert(index);
    }
    grids.sort_by_key(|grid| order.get(&grid.group).copied());
    for grid in &mut grids {
        grid.finish(&mut trouble);
    }
    trouble.warn(warnings);
    grids
}

struct Aligner<'d> {
    section: &'d Section,
    files: [usize; 2],
    grids: Vec<Grid<'d>>,
    /// Grids by canonical heading and sorted key names.
    index: HashMap<(String, Vec<&'d str>), usize>,
    trouble: Trouble,
}

impl<'d> Aligner<'d> {
    /// Adds the rows of one table of one file. `blanks` counts the rows without keys of each grid in this file.
    fn table(&mut self, side: usize, file: usize, table: &'d Table<'d>, blanks: &mut HashMap<usize, u32>) {
        let is_key = self.section.key_columns(&table.columns);
        let at = self.grid_of(table, &is_key);
        let Some(grid) = self.grids.get_mut(at) else { return };
        let columns = grid.place_columns(self.section, table, &is_key);
        self.trouble.cells += lost_cells(table, &columns, grid.keys);
        let Some(mut placement) =
            grid.sides.get_mut(side).and_then(|files| files.get_mut(file)).map(std::mem::take)
        else {
            return;
        };
        let part = as_u32(placement.parts.len());
        let mut cursor = 0usize;
        for row in 0..table.rows.len() {
            let cells = table.row_cells(row);
            let blank = blanks.entry(at).or_insert(0);
            let case = grid.case(cells, &columns, &mut cursor, blank);
            let slot = Slot { part, row: as_u32(row) };
            if placement.slots.len() <= case as usize {
                placement.slots.resize((case as usize + 1).max(grid.cases), None);
            }
            match placement.slots.get_mut(case as usize) {
                Some(first @ None) => *first = Some(slot),
                _ => {
                    self.trouble.duplicates += 1;
                    placement.again.push((case, slot));
                }
            }
        }
        placement.parts.push(Part { table, columns });
        if let Some(place) = grid.sides.get_mut(side).and_then(|files| files.get_mut(file)) {
            *place = placement;
        }
    }

    /// The grid in which a table belongs: same canonical heading, same keys.
    fn grid_of(&mut self, table: &'d Table<'d>, is_key: &[bool]) -> usize {
        let section = self.section;
        let heading = section.canonical_category(&table.heading()).to_owned();
        let mut keys: Vec<&str> = key_names(section, table, is_key).collect();
        keys.sort_unstable();
        keys.dedup();
        let (grids, files) = (&mut self.grids, self.files);
        *self.index.entry((heading.clone(), keys)).or_insert_with(|| {
            grids.push(Grid::new(section, table, is_key, heading, files));
            grids.len() - 1
        })
    }
}

impl<'d> Grid<'d> {
    fn new(
        section: &'d Section,
        table: &'d Table<'d>,
        is_key: &[bool],
        heading: String,
        files: [usize; 2],
    ) -> Grid<'d> {
        let category = table.category.map_or("", |category| section.canonical_category(category));
        let keys_lead = is_key.is_sorted_by(|x, y| x >= y);
        Grid {
            group: format!("{}|{category}", table.script.unwrap_or("")),
            heading,
            category: table.category,
            script: table.script,
            title: table.title,
            columns: Vec::new(),
            keys: 0,
            columns_text: keys_lead.then_some(table.columns_text),
            written_columns: table.columns.len(),
            key_cells: Vec::new(),
            cases: 0,
            index: HashMap::new(),
            sides: files.map(|count| (0..count).map(|_| Placement::default()).collect()),
        }
    }

    /// The table's column for each of the grid's; columns that are new to the grid are added to it.
    fn place_columns(
        &mut self,
        section: &'d Section,
        table: &'d Table<'d>,
        is_key: &[bool],
    ) -> Vec<Option<u32>> {
        let first = self.columns.is_empty();
        let names = section.canonical_columns(section.canonical_category(&table.heading()), &table.columns);
        let mut known: HashSet<&'d str> = self.columns.iter().map(|column| column.canonical).collect();
        for wanted in [true, false] {
            let columns = table.columns.iter().zip(&names).zip(is_key);
            for (position, ((written, &canonical), key)) in columns.enumerate() {
                if *key != wanted || !known.insert(canonical) {
                    continue;
                }
                self.columns.push(Column { written, canonical, position: first.then_some(position) });
                if !first {
                    self.columns_text = None;
                }
            }
            if first && wanted {
                self.keys = self.columns.len();
            }
        }
        if first && self.columns.len() != table.columns.len() {
            self.columns_text = None; // a name twice
        }
        let mut positions: HashMap<&str, u32> = HashMap::new();
        for (position, name) in names.iter().enumerate() {
            positions.entry(name).or_insert(as_u32(position));
        }
        self.columns.iter().map(|column| positions.get(column.canonical).copied()).collect()
    }

    /// The number of the case that a row belongs to; a new one if no row had its keys yet.
    ///
    /// Files usually list the same cases in the same order, so the case after the last one is tried first.
    fn case(
        &mut self,
        cells: &[Cell<'d>],
        columns: &[Option<u32>],
        cursor: &mut usize,
        blank: &mut u32,
    ) -> u32 {
        let view = RowView { cells, columns };
        let keys = self.keys;
        let key = |column: usize| view.cell(column);
        let expected = self.key_cells.get(*cursor * keys..(*cursor + 1) * keys).unwrap_or(&[]);
        let same = |(column, theirs): (usize, &Cell<'d>)| {
            key(column).is_some_and(|mine| KeyPart::of(&mine) == KeyPart::of(theirs))
        };
        let is_blank = (0..keys).all(|column| key(column).is_none_or(|cell| cell.text.is_empty()));
        if keys > 0 && expected.len() == keys && !is_blank && expected.iter().enumerate().all(same) {
            *cursor += 1;
            return as_u32(*cursor - 1);
        }
        let identity: Box<[KeyPart<'d>]> = if is_blank {
            *blank += 1;
            [KeyPart::Ordinal(*blank)].into()
        } else {
            (0..keys).filter_map(key).map(|cell| KeyPart::of(&cell)).collect()
        };
        let case = match self.index.entry(identity) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(new) => {
                let case = as_u32(self.cases);
                new.insert(case);
                self.cases += 1;
                self.key_cells.extend((0..keys).filter_map(key));
                case
            }
        };
        *cursor = case as usize + 1;
        case
    }

    /// Counts what does not match, after the last file.
    fn finish(&mut self, trouble: &mut Trouble) {
        for placement in self.sides.iter_mut().flatten() {
            placement.slots.resize(self.cases, None);
            placement.again.sort_by_key(|(case, _)| *case);
            for part in &mut placement.parts {
                part.columns.resize(self.columns.len(), None);
            }
        }
        for case in 0..self.cases {
            let count = |side: usize| {
                let files = self.sides.get(side).into_iter().flatten();
                files.filter(|file| file.slots.get(case).is_some_and(Option::is_some)).count()
            };
            let (a, b) = (count(0), count(1));
            if a == 0 || b == 0 {
                trouble.unmatched.push(self.case_name(case));
            }
        }
    }

    /// `TCP_STREAM 64|1`, for messages.
    fn case_name(&self, case: usize) -> String {
        let keys: Vec<&str> = self.key_cells(case).iter().map(|cell| cell.text).collect();
        format!("{} {}", self.heading, keys.join("|")).trim().to_owned()
    }

    /// The key cells of a case, as the first file writes them.
    pub fn key_cells(&self, case: usize) -> &[Cell<'d>] {
        let start = case.saturating_mul(self.keys);
        self.key_cells.get(start..start.saturating_add(self.keys)).unwrap_or(&[])
    }

    /// The rows that one file has of a case, usually one.
    pub fn rows<'g>(&'g self, file: &'g Placement<'d>, case: usize) -> impl Iterator<Item = RowView<'g, 'd>> {
        let first = file.slots.get(case).copied().flatten();
        let from = file.again.partition_point(|(other, _)| (*other as usize) < case);
        let again = file.again.get(from..).unwrap_or(&[]);
        let again = again.iter().take_while(move |(other, _)| *other as usize == case).map(|(_, slot)| *slot);
        first.into_iter().chain(again).filter_map(|slot| {
            let part = file.parts.get(slot.part as usize)?;
            Some(RowView { cells: part.table.row_cells(slot.row as usize), columns: &part.columns })
        })
    }

    /// Cases that both sides have.
    pub fn compared(&self) -> usize {
        let has = |side: &[Placement<'d>], case: usize| {
            side.iter().any(|f| f.slots.get(case).is_some_and(Option::is_some))
        };
        let [a, b] = &self.sides;
        (0..self.cases).filter(|case| has(a, *case) && has(b, *case)).count()
    }

    /// `Category:NAME`, with pktgen's script in front.
    pub fn category_line(&self) -> Option<Cow<'d, str>> {
        let category = self.category?;
        Some(match self.script {
            Some(script) => Cow::Owned(format!("Script:{script} Category:{category}")),
            None => Cow::Owned(format!("Category:{category}")),
        })
    }

    /// The names of all columns: the first file's own line where that says it all.
    pub fn column_line(&self) -> Cow<'d, str> {
        match self.columns_text {
            Some(text) => Cow::Borrowed(text),
            None => {
                Cow::Owned(self.columns.iter().map(|column| column.written).collect::<Vec<_>>().join("|"))
            }
        }
    }

    /// The cases in pieces of `size`.
    pub fn pieces(&self, size: usize) -> Vec<Range<usize>> {
        (0..self.cases).step_by(size).map(|start| start..(start + size).min(self.cases)).collect()
    }
}
