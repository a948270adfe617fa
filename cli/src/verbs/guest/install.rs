//! `perfvt guest install`.

use crate::args::Install;
use crate::{Error, own_executable};
use collect::installer::{Asked, recipe};
use std::io::Write;
use vm::accel;
use vm::guest::image::Cache;
use vm::guest::install::install as install_image;

/// Installs a system, and tells how far it has come.
pub(super) fn install(
    cache: &Cache,
    args: &Install,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<(), Error> {
    let (accel, _) = accel::resolve(args.accel.word(), || accel::probe(&own_executable()))?;
    let asked = Asked {
        file: args.file.clone(),
        name: args.name.clone(),
        only: args.only.clone(),
        sets: args.sets.clone(),
    };
    let recipe = recipe(&asked, accel)?;
    let done = install_image(&recipe, cache, &mut |reached| {
        super::say(err, &format!("{:8.1} s  {}", reached.at_s, edge::visible(&reached.phase)));
    })?;
    if done.was_there {
        writeln!(err, "it is there, made of the same files and answers; nothing was booted")?;
    }
    let (stored, megabytes) = (&done.image.name, done.image.bytes.div_ceil(1_000_000));
    writeln!(out, "{stored}  {megabytes} MB; image=perfvt:{} boots it", recipe.name)?;
    Ok(())
}
