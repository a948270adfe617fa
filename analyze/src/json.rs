//! The machine-readable form: the fields of [`Comparison`] as they stand, described by docs/compare.schema.json.

use crate::{AnalyzeError, Comparison};
use std::io::{BufWriter, Write};

/// Writes a comparison as one JSON object and a line end, row by row: the text never stands in memory as a whole.
///
/// Numbers are finite or null. `sources` are `[file, line, column]` with the file as an index into `files`.
pub fn write_json(comparison: &Comparison, out: &mut dyn Write) -> Result<(), AnalyzeError> {
    let mut buffered = BufWriter::with_capacity(1 << 16, out);
    model::json::write(&mut buffered, comparison).map_err(AnalyzeError::Write)?;
    buffered.write_all(b"\n").and_then(|()| buffered.flush()).map_err(AnalyzeError::Write)
}
