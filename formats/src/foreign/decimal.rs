//! Numbers of a table's cells, and which of comma and point is the decimal one in them.
//!
//! Where a comma separates cells, a number has none. Elsewhere `1.234` and `1,234` may be a thousand or little more than one,
//! and other cells of the table tell: `1.300,5` and `2,5` only come from where a comma is decimal, `2.5` from where a point is.
//! Without any such cell a number is read as it is written. Where cells contradict one another, those that may be either are
//! no values.

use super::number as plain_number;
use edge::quoted;

/// What a table's cells say of its decimals.
#[derive(Clone, Copy, Debug)]
pub(super) struct Decimals {
    separator: char,
    /// The most that is said for commas, and for points.
    comma: Said,
    point: Said,
}

/// How much the cells of a table say for a decimal mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Said {
    Nothing,
    /// A cell has it where it may group thousands as well.
    Maybe,
    /// A cell has it where nothing but a decimal mark can stand.
    Surely,
}

/// How a cell is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    /// Without both, or no number at all.
    Plain,
    /// `2,5`, `1.234,5`.
    Comma,
    /// `2.5`.
    Point,
    /// `1,234`.
    CommaOrThousand,
    /// `1.234`.
    PointOrThousand,
    /// `1.234.567`.
    PointGroups,
    /// `1,234.5`, `1,234,567`.
    CommaGroups,
}

impl Decimals {
    /// Of the cells of a table that are values.
    pub fn of<'a>(separator: char, cells: impl Iterator<Item = &'a str>) -> Decimals {
        let mut decimals = Decimals { separator, comma: Said::Nothing, point: Said::Nothing };
        if separator != ',' {
            cells.for_each(|cell| decimals.see(cell));
        }
        decimals
    }

    /// Takes in one more cell.
    pub fn see(&mut self, cell: &str) {
        let (comma, point) = match shape(cell) {
            Shape::Plain => (Said::Nothing, Said::Nothing),
            Shape::Comma | Shape::PointGroups => (Said::Surely, Said::Nothing),
            Shape::Point | Shape::CommaGroups => (Said::Nothing, Said::Surely),
            Shape::CommaOrThousand => (Said::Maybe, Said::Nothing),
            Shape::PointOrThousand => (Said::Nothing, Said::Maybe),
        };
        self.comma = self.comma.max(comma);
        self.point = self.point.max(point);
    }

    /// The mark with which the numbers are read, where the cells tell one and not the other.
    pub fn mark(&self) -> Option<char> {
        match (self.comma > self.point, self.point > self.comma) {
            (true, _) => Some(','),
            (_, true) => Some('.'),
            _ => None,
        }
    }

    /// The number of a cell, or why it is none.
    pub fn number(&self, cell: &str) -> Result<f64, String> {
        // Almost every cell of almost every table.
        if !cell.contains(',') && self.comma == Said::Nothing {
            return plain_number(cell);
        }
        let shape = shape(cell);
        if shape == Shape::CommaGroups || (self.separator == ',' && shape == Shape::CommaOrThousand) {
            return Err(format!(
                "{} has separators of thousands, which are not read; leave them away",
                quoted(cell)
            ));
        }
        if self.separator == ',' {
            return match shape {
                Shape::Comma => Err(format!(
                    "{} has a decimal comma, which is not read where commas separate the cells; write a point",
                    quoted(cell)
                )),
                _ => plain_number(cell),
            };
        }
        let with_commas = || plain_number(&cell.replace('.', "").replace(',', "."));
        let either = || {
            let why = "may be a thousand or a decimal: other cells have";
            Err(format!("{} {why} both commas and points as decimals; write one of them", quoted(cell)))
        };
        match (shape, self.comma, self.point) {
            (Shape::Comma | Shape::PointGroups, ..) => with_commas(),
            (Shape::CommaOrThousand | Shape::PointOrThousand, Said::Surely, Said::Surely)
            | (Shape::CommaOrThousand | Shape::PointOrThousand, Said::Maybe, Said::Maybe) => either(),
            (Shape::CommaOrThousand | Shape::PointOrThousand, Said::Surely, _) => with_commas(),
            (Shape::CommaOrThousand, _, Said::Surely) => Err(format!(
                "{} has separators of thousands, which are not read; leave them away",
                quoted(cell)
            )),
            // Three digits behind tabs may be thousands as well.
            (Shape::CommaOrThousand, ..) if self.separator == '\t' => {
                Err(format!("{} may be a thousand or a decimal; write it without a comma", quoted(cell)))
            }
            (Shape::CommaOrThousand, ..) => with_commas(),
            _ => plain_number(cell),
        }
    }
}

/// Whether a cell is a number, whichever mark is the decimal one.
pub(super) fn is_number(cell: &str, separator: char) -> bool {
    match shape(cell) {
        Shape::Plain | Shape::Point | Shape::PointOrThousand => plain_number(cell).is_ok(),
        // Those with separators of thousands are told, and make no level of a case.
        Shape::CommaGroups | Shape::CommaOrThousand => true,
        _ => separator != ',',
    }
}

/// How a cell is written. What has a comma and is no number is [`Shape::Plain`].
fn shape(cell: &str) -> Shape {
    let body = cell.trim().trim_start_matches(['-', '+']);
    match (body.matches(',').count(), body.matches('.').count()) {
        (0, 0) => Shape::Plain,
        (0, 1) => match body.split_once('.') {
            Some((whole, rest)) if is_either(whole, rest) => Shape::PointOrThousand,
            _ if plain_number(cell).is_ok() => Shape::Point,
            _ => Shape::Plain,
        },
        (0, _) if is_grouped(body, '.') => Shape::PointGroups,
        (1, points) => match body.split_once(',') {
            Some((whole, rest)) if points == 0 && is_either(whole, rest) => Shape::CommaOrThousand,
            Some((whole, rest)) if is_decimal(rest) && (is_digits(whole) || is_grouped(whole, '.')) => {
                Shape::Comma
            }
            _ if is_grouped_before_point(body) => Shape::CommaGroups,
            _ => Shape::Plain,
        },
        (_, 0) if is_grouped(body, ',') => Shape::CommaGroups,
        _ if is_grouped_before_point(body) => Shape::CommaGroups,
        _ => Shape::Plain,
    }
}

/// Whether `whole` and three digits behind a mark are a thousand as well: `0.234` and `1234.567` are none.
fn is_either(whole: &str, rest: &str) -> bool {
    is_digits(whole) && whole.len() <= 3 && !whole.starts_with('0') && is_digits(rest) && rest.len() == 3
}

/// `1,234.5`.
fn is_grouped_before_point(body: &str) -> bool {
    body.split_once('.').is_some_and(|(whole, rest)| is_grouped(whole, ',') && is_decimal(rest))
}

/// Digits in groups of three, of which there are two at least.
fn is_grouped(text: &str, mark: char) -> bool {
    let mut groups = text.split(mark);
    let first = groups.next().unwrap_or_default();
    text.contains(mark)
        && is_digits(first)
        && first.len() <= 3
        && groups.all(|group| is_digits(group) && group.len() == 3)
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// What stands behind a decimal mark: digits, and perhaps an exponent.
fn is_decimal(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit()) && plain_number(&format!("0.{text}")).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(cells: &[&str], separator: char) -> Vec<Result<f64, String>> {
        let decimals = Decimals::of(separator, cells.iter().copied());
        cells.iter().map(|cell| decimals.number(cell)).collect()
    }

    #[test]
    fn a_comma_is_decimal_where_it_separates_nothing() {
        for (cell, value) in [
            ("416,1", 416.1),
            ("-0,5", -0.5),
            ("1.234,5", 1234.5),
            ("1,234", 1.234),
            ("2e3", 2e3),
            ("1,5e3", 1500.0),
            ("1.234", 1.234),
            ("1.234.567", 1_234_567.0),
        ] {
            assert_eq!(read(&[cell], ';'), [Ok(value)], "{cell}");
            assert!(is_number(cell, ';'));
        }
        for cell in ["1,2,3", "1.2,3", "1,234.5", ",5x", "a,b", "1,inf", "1.2.3"] {
            assert!(read(&[cell], ';')[0].is_err(), "{cell}");
        }
        assert!(read(&["1,234"], '\t')[0].as_ref().unwrap_err().contains("thousand"));
        assert_eq!(read(&["0,234", "1,23", "1,234"], '\t'), [Ok(0.234), Ok(1.23), Ok(1.234)]);
    }

    #[test]
    fn one_cell_tells_what_the_marks_of_all_others_mean() {
        assert_eq!(read(&["1.234", "1.300,5"], ';'), [Ok(1234.0), Ok(1300.5)]);
        assert_eq!(read(&["1.234", "2,5", "1,234"], ';'), [Ok(1234.0), Ok(2.5), Ok(1.234)]);
        let points = read(&["1.234", "2.5", "1,234"], ';');
        assert_eq!(points[..2], [Ok(1.234), Ok(2.5)]);
        assert!(points[2].as_ref().unwrap_err().contains("separators of thousands, which are not read"));
    }

    #[test]
    fn where_cells_contradict_one_another_what_may_be_either_is_no_value() {
        for cells in [["1.234", "2,5", "2.5", "1,234"], ["1.234", "1,234", "7", "8"]] {
            for (cell, value) in cells.iter().zip(read(&cells, ';')) {
                let is_either = cell.len() == 5;
                assert_eq!(value.is_err(), is_either, "{cell}: {value:?}");
            }
        }
    }

    #[test]
    fn a_comma_in_a_number_of_a_table_with_commas_is_refused_for_what_it_is() {
        for (cell, said) in [
            ("1,234", "'1,234' has separators of thousands, which are not read; leave them away"),
            ("1,234.5", "separators of thousands"),
            ("1,5", "has a decimal comma, which is not read where commas separate the cells; write a point"),
            ("1.234,5", "decimal comma"),
            ("a,b", "not a finite number"),
        ] {
            let read = read(&[cell], ',')[0].clone().unwrap_err();
            assert!(read.contains(said), "{cell}: {read}");
            // What has separators of thousands is a number for people, and never a level of a case.
            assert_eq!(is_number(cell, ','), said.contains("thousands"), "{cell}");
        }
        assert_eq!(read(&["1.234"], ','), [Ok(1.234)]);
    }
}
