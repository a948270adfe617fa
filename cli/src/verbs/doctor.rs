//! `perfvt doctor`.

use crate::args::Doctor;
use crate::{DONE, Error, FOUND};
use collect::doctor::{Standing, examine};
use std::io::Write;

/// Says how everything stands; 1 when `perfvt run` cannot work.
pub fn doctor(args: &Doctor, out: &mut dyn Write) -> Result<u8, Error> {
    let checks = examine(&crate::own_executable());
    if args.json {
        serde_json::to_writer_pretty(&mut *out, &checks)?;
        writeln!(out)?;
    } else {
        for check in &checks {
            let mark = match check.standing {
                Standing::Good => "ok     ",
                Standing::Limited => "limited",
                Standing::Missing => "MISSING",
            };
            writeln!(out, "{mark}  {}: {}", check.name, check.found)?;
            if !check.remedy.is_empty() {
                writeln!(out, "         {}", check.remedy)?;
            }
        }
    }
    let missing = checks.iter().any(|c| c.standing == Standing::Missing);
    Ok(if missing { FOUND } else { DONE })
}
