//! `perfvt guest build`.

use super::say;
use crate::Error;
use std::io::Write;
use vm::guest::image::{Cache, Flavour, build_log, build_system, builtin};

/// Makes an image, or finds the one that is there, and says what is in it.
pub(super) fn build(
    cache: &Cache,
    name: &str,
    (mirror, verbose): (Option<&str>, bool),
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<(), Error> {
    let image = match Flavour::of(name) {
        None if mirror.is_some() => {
            return Err("--mirror says where a whole system comes from; the built-in guest's parts come by `perfvt guest fetch`".into());
        }
        None => builtin(cache)?,
        Some(flavour) => {
            let log = build_log(cache, flavour);
            writeln!(
                err,
                "making {} with mmdebstrap: some minutes; its log is {}",
                flavour.what,
                log.display()
            )?;
            build_system(cache, flavour, mirror, &mut |line| {
                if verbose {
                    say(err, line);
                }
            })?
        }
    };
    writeln!(out, "{}", image.dir.display())?;
    for (tool, version) in &image.packages {
        writeln!(out, "  {tool} {version}")?;
    }
    Ok(())
}
