//! The newest netperf layout (G4), for files that the ancestor's tools read too.

use std::fmt::Write as _;

/// What to write.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RhsFile {
    /// `### key : value` lines in order.
    pub header: Vec<(String, String)>,
    /// Categories in order.
    pub categories: Vec<RhsCategory>,
}

/// One category.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RhsCategory {
    /// `NAME` of `Category:NAME`.
    pub name: String,
    /// Column names, key columns first.
    pub columns: Vec<String>,
    /// One value for each column.
    pub rows: Vec<Vec<RhsCell>>,
}

/// One value.
#[derive(Clone, Debug, PartialEq)]
pub enum RhsCell {
    /// Written without decimals: key columns.
    Integer(i64),
    /// Written with two decimals; must be finite.
    Real(f64),
    /// Written as it is: key columns that are not numbers.
    Text(String),
}

/// Why a file cannot be written.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum RhsWriteError {
    /// A text would be read back as something else.
    #[error("writing an RHS file: {what} '{text}' {reason}")]
    Text {
        /// What the text is: `header value`, `column name`.
        what: &'static str,
        /// The text.
        text: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A category or a row that no reader could take.
    #[error("writing an RHS file: category '{category}', row {row}: {reason}")]
    Row {
        /// The category.
        category: String,
        /// 1-based number of the row; 0 is the column line.
        row: usize,
        /// What is wrong with it.
        reason: String,
    },
}

/// Writes a file: header, then for each category its name, the column line and the rows.
///
/// Cells are right-aligned, at least 12 wide, joined by `|`; reals have two decimals and no exponent; lines end with LF.
///
/// # Errors
/// [`RhsWriteError`] when [`super::parse`] would not give the same back, or the ancestor's reader would choke: values that
/// are not finite, `|`, `:` or line ends in texts, column names that read as numbers, rows of another width, a category
/// without columns.
pub fn write(file: &RhsFile) -> Result<String, RhsWriteError> {
    let mut out = String::new();
    for (key, value) in &file.header {
        check("header key", key, ":|\n")?;
        check("header value", value, ":|\n")?;
        let _ = writeln!(out, "### {key} : {value}");
    }
    for category in &file.categories {
        check("category", &category.name, "|\n")?;
        let _ = writeln!(out, "Category:{}", category.name);
        columns(category, &mut out)?;
        for (index, row) in category.rows.iter().enumerate() {
            write_row(category, index + 1, row, &mut out)?;
        }
    }
    Ok(out)
}

fn columns(category: &RhsCategory, out: &mut String) -> Result<(), RhsWriteError> {
    let refuse = |reason: &str| RhsWriteError::Row {
        category: category.name.clone(),
        row: 0,
        reason: reason.to_owned(),
    };
    if category.columns.len() < 2 {
        return Err(refuse("a column line needs two columns or more"));
    }
    for (index, name) in category.columns.iter().enumerate() {
        check("column name", name, ":|\n")?;
        let without_letter = !name.bytes().any(|b| b.is_ascii_alphabetic());
        if without_letter || super::cells::stands_for_no_number(name) {
            return Err(refuse(&format!("column name '{name}' reads as a value")));
        }
        if index == 0 && (name.starts_with("###") || name.starts_with("#ver#") || name.starts_with("#desc#"))
        {
            return Err(refuse(&format!("column name '{name}' reads as a header line")));
        }
        let _ = write!(out, "{}{name:>12}", separator(index));
    }
    out.push('\n');
    Ok(())
}

fn write_row(
    category: &RhsCategory,
    number: usize,
    row: &[RhsCell],
    out: &mut String,
) -> Result<(), RhsWriteError> {
    let refuse = |reason: String| RhsWriteError::Row { category: category.name.clone(), row: number, reason };
    if row.len() != category.columns.len() {
        return Err(refuse(super::cells::misfit(row.len(), category.columns.len())));
    }
    if !row.iter().any(|cell| matches!(cell, RhsCell::Integer(_) | RhsCell::Real(_))) {
        return Err(refuse("a row needs a number".to_owned()));
    }
    for (index, cell) in row.iter().enumerate() {
        let _ = match cell {
            RhsCell::Integer(value) => write!(out, "{}{value:>12}", separator(index)),
            RhsCell::Real(value) if value.is_finite() => write!(out, "{}{value:>12.2}", separator(index)),
            RhsCell::Real(value) => return Err(refuse(format!("{value} is not a finite number"))),
            RhsCell::Text(text) => {
                check("cell", text, ":|\n")?;
                if index == 0 && text.starts_with('#') {
                    return Err(refuse(format!("'{text}' reads as a header line")));
                }
                write!(out, "{}{text:>12}", separator(index))
            }
        };
    }
    out.push('\n');
    Ok(())
}

fn separator(index: usize) -> &'static str {
    if index == 0 { "" } else { "|" }
}

/// Refuses a text that is empty, has blanks around it, control characters, or one of `forbidden`.
fn check(what: &'static str, text: &str, forbidden: &str) -> Result<(), RhsWriteError> {
    let reason = if text.trim() != text || text.is_empty() {
        "is empty or has blanks around it"
    } else if text.chars().any(|c| forbidden.contains(c) || c.is_control()) {
        "holds a ':', a '|', a line end or another control character"
    } else {
        return Ok(());
    };
    Err(RhsWriteError::Text { what, text: text.to_owned(), reason })
}
