//! `perfvt calibrate`.

use crate::args::Calibrate;
use crate::say::unwritten;
use crate::verbs::options::reading;
use crate::{DONE, Error};
use std::io::Write;

/// Finds how much sessions differ and writes it.
pub fn calibrate(args: &Calibrate, out: &mut dyn Write, err: &mut dyn Write) -> Result<u8, Error> {
    let mut options = reading(&args.reading, Vec::new(), err)?;
    options.force = args.force;
    let noise = analyze::calibrate(&options, &args.dirs)?;
    for warning in &noise.warnings {
        writeln!(err, "warning: {warning}")?;
    }
    match &args.output {
        Some(path) => {
            let mut text = Vec::new();
            model::json::write_pretty(&mut text, &noise)?;
            text.push(b'\n');
            edge::write::output(path, &text).map_err(|e| unwritten(path, &e))?;
            out.write_all(report::noise(&noise).as_bytes())?;
            writeln!(out, "\nwritten: {}", path.display())?;
        }
        None => {
            model::json::write_pretty(&mut *out, &noise)?;
            writeln!(out)?;
        }
    }
    Ok(DONE)
}
