//! `perfvt show`.

use crate::args::{Plain, Show};
use crate::verbs::options::{filter, reading, refuse_empty, write_json};
use crate::{DONE, Error, NOTHING};
use std::io::Write;

/// Shows one side alone.
pub fn show(args: &Show, out: &mut dyn Write, err: &mut dyn Write) -> Result<u8, Error> {
    let mut options = reading(&args.reading, Vec::new(), err)?;
    filter(&mut options, &args.filters);
    let shown = analyze::show(&options, &args.dir)?;
    refuse_empty(shown.rows.len(), &args.filters)?;
    match args.format {
        Plain::Text => out.write_all(report::show(&shown).as_bytes())?,
        Plain::Json => write_json(&shown, out)?,
    }
    Ok(if shown.rows.iter().any(|r| r.sample.n > 0) { DONE } else { NOTHING })
}
