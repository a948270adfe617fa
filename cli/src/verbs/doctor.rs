//! `perfvt doctor`.

use crate::args::Doctor;
use crate::{DONE, Error, FOUND};
use collect::doctor::{Standing, by_default, examine};
use std::io::Write;
use vm::host::pin::plan;
use vm::host::topology::{Topology, draw};

/// Says how everything stands; 1 when `perfvt run` cannot work.
pub fn doctor(args: &Doctor, out: &mut dyn Write) -> Result<u8, Error> {
    if args.topology {
        return topology(args.json, out);
    }
    let checks = examine(&crate::own_executable());
    if args.json {
        model::json::write_pretty(&mut *out, &checks)?;
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
    if !args.json {
        writeln!(
            out,
            "\nthe documents are part of perfvt: `perfvt help` lists them, `perfvt help start` is the first"
        )?;
    }
    let missing = checks.iter().any(|c| c.standing == Standing::Missing);
    Ok(if missing { FOUND } else { DONE })
}

/// Draws the host, and where the guest that `perfvt run` starts by default would go.
fn topology(as_json: bool, out: &mut dyn Write) -> Result<u8, Error> {
    let topology = Topology::here()?;
    if as_json {
        model::json::write_pretty(&mut *out, &topology)?;
        writeln!(out)?;
        return Ok(DONE);
    }
    write!(out, "{}", draw(&topology))?;
    let plan = plan(&topology, &by_default()).map_or_else(|e| e.to_string(), |p| p.to_string());
    writeln!(out, "\nby default\n    {}", plan.replace('\n', "\n    "))?;
    Ok(DONE)
}
