//! `perfvt explain`.

use crate::args::{Explain, Plain};
use crate::verbs::options::{judge, reading, write_json};
use crate::{DONE, Error};
use analyze::{CategoryScore, Comparison, Method, Named, Row, Side, Step};
use serde::Serialize;
use std::io::Write;
use std::path::Path;

/// Everything about one row, for programs. Sources of the row point into `files`.
#[derive(Serialize)]
struct Explained<'a> {
    a: &'a Side,
    b: Option<&'a Side>,
    method: &'a Method,
    files: &'a [String],
    row: &'a Row,
    steps: &'a [Step],
}

/// Explains one row of a comparison.
pub fn explain(args: &Explain, out: &mut dyn Write, err: &mut dyn Write) -> Result<u8, Error> {
    refuse_side(&args.row)?;
    let mut options = reading(&args.reading, args.dirs.clone(), err)?;
    judge(&mut options, &args.judging)?;
    let comparison = analyze::compare(&options)?;
    let index = match analyze::find_named(&comparison, &analyze::as_ids_say(&options.conf, &args.row))? {
        Named::Row(index) => index,
        Named::Category(candidate, category) => return whole(&comparison, candidate, category, args, out),
    };
    let Some(row) = comparison.rows.get(index) else { return Err("the row is gone".into()) };
    let steps = analyze::steps(&comparison, row);
    match args.format {
        Plain::Text => {
            let text = report::explain_in_full(&comparison, index, &steps).unwrap_or_default();
            out.write_all(text.as_bytes())?;
        }
        Plain::Json => {
            let (a, b) = (&comparison.a, comparison.b.get(row.candidate));
            let (method, files) = (&comparison.method, comparison.files.as_slice());
            write_json(&Explained { a, b, method, files, row, steps: &steps }, out)?;
        }
    }
    Ok(DONE)
}

/// Everything about a category as a whole, for programs.
#[derive(Serialize)]
struct ExplainedCategory<'a> {
    a: &'a Side,
    b: Option<&'a Side>,
    method: &'a Method,
    category: &'a CategoryScore,
}

/// Explains a category as a whole.
fn whole(
    comparison: &Comparison,
    candidate: usize,
    category: &CategoryScore,
    args: &Explain,
    out: &mut dyn Write,
) -> Result<u8, Error> {
    match args.format {
        Plain::Text => {
            out.write_all(report::explain_category(comparison, candidate, category).as_bytes())?;
        }
        Plain::Json => {
            let (a, b) = (&comparison.a, comparison.b.get(candidate));
            write_json(&ExplainedCategory { a, b, method: &comparison.method, category }, out)?;
        }
    }
    Ok(DONE)
}

/// `perfvt explain A B` without a row takes B for the row.
fn refuse_side(row: &str) -> Result<(), Error> {
    if !row.is_empty() && Path::new(row).exists() {
        return Err(format!(
            "'{row}' is a file or directory, and no row was given: perfvt explain A B ROW; ROW is an id, or a part of \
             one, as `perfvt compare --format csv` prints it in its first column"
        )
        .into());
    }
    Ok(())
}
