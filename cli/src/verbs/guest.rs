//! `perfvt guest`.

use crate::args::{Guest, GuestVerb};
use crate::{DONE, Error, FOUND};
use collect::guest::image::{Cache, builtin, list, remove};
use std::io::Write;

/// Builds, lists, tries and removes images.
pub fn guest(args: &Guest, out: &mut dyn Write, err: &mut dyn Write) -> Result<u8, Error> {
    let cache = Cache::from_env()?;
    match &args.verb {
        GuestVerb::Build => {
            let image = builtin(&cache)?;
            writeln!(out, "{}", image.dir.display())?;
            for (tool, version) in &image.packages {
                writeln!(out, "  {tool} {version}")?;
            }
        }
        GuestVerb::List => {
            let images = list(&cache)?;
            if images.is_empty() {
                writeln!(
                    err,
                    "no images in {}; `perfvt guest build` makes one",
                    cache.images_dir().display()
                )?;
            }
            for image in images {
                let (name, release) = (&image.name, &image.image.kernel_release);
                writeln!(out, "{name}  kernel {release}  {} MB", image.bytes.div_ceil(1_000_000))?;
            }
        }
        GuestVerb::Shell { command } => return shell(&cache, command, out, err),
        GuestVerb::Rm { names } => {
            for name in names {
                remove(&cache, name)?;
                writeln!(out, "removed {name}")?;
            }
        }
    }
    Ok(DONE)
}

/// Runs a command in a fresh guest, or hands the console to the user.
fn shell(cache: &Cache, command: &[String], out: &mut dyn Write, err: &mut dyn Write) -> Result<u8, Error> {
    let image = builtin(cache)?;
    let status = if command.is_empty() {
        writeln!(err, "the guest's console; `poweroff -f` or Ctrl-A X ends it")?;
        collect::testbed::console(&image)?
    } else {
        let words: Vec<&str> = command.iter().map(String::as_str).collect();
        let reply = collect::testbed::one_command(&image, &words)?;
        out.write_all(&reply.stdout)?;
        err.write_all(&reply.stderr)?;
        reply.status == collect::guest::channel::Status::Exit(0)
    };
    Ok(if status { DONE } else { FOUND })
}
