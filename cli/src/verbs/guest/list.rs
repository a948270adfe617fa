//! `perfvt guest list`.

use crate::verbs::drive::kept;
use crate::{DONE, Error, USAGE};
use collect::config::guests::{self, BOUND, Guests, MAX_GUESTS};
use std::io::Write;
use std::path::Path;
use vm::guest::image::{BY_HAND, Cache, FLAVOURS, catalogue, list};

/// Images in the cache, behind them what can be built, the guests that are defined, and those of failed boots that are kept.
pub(super) fn show(cache: &Cache, out: &mut dyn Write, err: &mut dyn Write) -> Result<u8, Error> {
    let mut code = DONE;
    let images = list(cache)?;
    if images.is_empty() {
        writeln!(err, "no images in {}; `perfvt guest build` makes one", cache.images_dir().display())?;
    }
    let listed = catalogue(cache);
    for image in images {
        let what = match &image.image.imported {
            Some(file) => {
                let how = if image.image.inputs.is_some() { "installed by" } else { "imported from" };
                format!("{how} {}", edge::quoted(file))
            }
            None => format!("kernel {}", image.image.kernel_release),
        };
        let serial = listed.iter().find(|listed| listed.name == image.name);
        let serial = serial.map(|listed| format!("  {}", edge::visible(&listed.serial))).unwrap_or_default();
        writeln!(out, "{}  {what}  {} MB{serial}", image.name, image.bytes.div_ceil(1_000_000))?;
    }
    show_systems(out)?;
    for file in guests::files() {
        let config = match guests::load(&file) {
            Ok(config) => config,
            Err(error) => {
                writeln!(err, "perfvt: {error}")?;
                code = USAGE;
                continue;
            }
        };
        let mut guests = Guests::new(&config, BOUND, MAX_GUESTS);
        while let Some(guest) = guests.next_guest()? {
            let missing = guest.missing.map(|what| format!("  missing: {what}")).unwrap_or_default();
            writeln!(out, "guest {} ({}){missing}", guest.name, file.display())?;
        }
        if guests.has_more() {
            let file = file.display();
            writeln!(
                err,
                "perfvt: {file}: and more guests; `perfvt list --guests {file} --limit 0` lists all"
            )?;
        }
    }
    for dir in kept::campaigns() {
        let words = report::command_line::command_line(&[dir.display().to_string()]);
        writeln!(
            out,
            "kept {}  `perfvt drive --attach {words}` looks at it",
            edge::visible(&dir.display().to_string())
        )?;
    }
    Ok(code)
}

/// Whole systems: those that can be built, and those for which there are commands.
fn show_systems(out: &mut dyn Write) -> Result<(), Error> {
    for flavour in FLAVOURS {
        let missing =
            flavour.missing(Path::new("/")).map(|what| format!("  missing: {what}")).unwrap_or_default();
        writeln!(out, "build {}  {}{missing}", flavour.name, flavour.what)?;
    }
    for (name, what) in BY_HAND {
        writeln!(
            out,
            "by hand {name}  {what}: the commands are in `perfvt help guests`, at the end of whole systems"
        )?;
    }
    Ok(())
}
