//! `perfvt calibrate`.

use crate::args::Calibrate;
use crate::verbs::options::reading;
use crate::{DONE, Error, NOTHING};
use std::io::Write;

/// Finds noise floors and writes them.
pub fn calibrate(args: &Calibrate, out: &mut dyn Write, err: &mut dyn Write) -> Result<u8, Error> {
    if let ([_, _, ..], Some(boots)) = (args.dirs.as_slice(), args.boots) {
        return Err(format!(
            "--boots {boots}: several directories are compared as they are; it sizes the random splits of one"
        )
        .into());
    }
    let options = reading(&args.reading, Vec::new(), err)?;
    let noise = analyze::calibrate(&options, &args.dirs, args.boots)?;
    if noise.rows.is_empty() {
        writeln!(err, "perfvt: no row has a floor: none has two values or more in each of two directories")?;
        return Ok(NOTHING);
    }
    match &args.output {
        Some(path) => {
            let mut text = Vec::new();
            model::json::write_pretty(&mut text, &noise)?;
            text.push(b'\n');
            edge::write::output(path, &text).map_err(|e| format!("writing {}: {e}", path.display()))?;
            out.write_all(report::noise(&noise).as_bytes())?;
            writeln!(out, "\nfloors: {}", path.display())?;
        }
        None => {
            for warning in &noise.warnings {
                writeln!(err, "warning: {warning}")?;
            }
            model::json::write_pretty(&mut *out, &noise)?;
            writeln!(out)?;
        }
    }
    Ok(DONE)
}
