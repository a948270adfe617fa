//! `perfvt guest`.

mod build;
mod carry;
mod extract;
mod list;
mod shell;
mod test;

use crate::args::{Guest, GuestVerb};
use crate::{DONE, Error, FOUND};
use std::io::Write;
use vm::guest::image::{Cache, Fetch, fetch, named, remove};
use vm::host::locks::{LockError, exclusive};

/// Fetches the parts of images; builds, lists, tries and removes images.
pub fn guest(
    args: &Guest,
    command: Vec<String>,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<u8, Error> {
    let cache = Cache::from_env()?;
    match &args.verb {
        GuestVerb::Build { flavour, mirror, verbose } => {
            build::build(&cache, flavour, (mirror.as_deref(), *verbose), out, err)?;
        }
        GuestVerb::Fetch { refresh, check } => {
            let what = match (refresh, check) {
                (true, _) => Fetch::Refresh,
                (_, true) => Fetch::Check,
                _ => Fetch::Missing,
            };
            let all = fetch(what, &mut |line| say(err, line))?;
            return Ok(if all { DONE } else { FOUND });
        }
        GuestVerb::Export { image, to } => carry::export(&cache, image, to, out, err)?,
        GuestVerb::Import { file, name } => carry::import(&cache, file, name, out)?,
        GuestVerb::Extract { image, to, kernel, paths } => {
            extract::extract(&cache, image, (*kernel, paths), to, out, err)?;
        }
        GuestVerb::Test(args) => return test::test(&cache, args, command, out, err),
        GuestVerb::List => return list::show(&cache, out, err),
        GuestVerb::Shell { attach: Some(run), .. } => return Err(shell::of_campaign(run)),
        GuestVerb::Shell { guest, sets, attach: None, command } => {
            return shell::shell(&cache, (guest, sets), command, out, err);
        }
        GuestVerb::Rm { names } => {
            for name in names {
                let image = named(&cache, name)?;
                let _alone = exclusive(&image.image.dir).map_err(|error| in_use(&image.name, error))?;
                remove(&cache, &image.name)?;
                writeln!(out, "removed {}", image.name)?;
            }
        }
    }
    Ok(DONE)
}

/// Says how a download goes on, which goes on also where nobody can hear it.
pub fn say(err: &mut dyn Write, line: &str) {
    let _ = writeln!(err, "{line}");
}

/// An image that cannot be taken away, in the words of this verb.
fn in_use(name: &str, error: LockError) -> Error {
    let LockError::Held { holder, .. } = error else { return error.into() };
    let who = holder.map_or("another perfvt".to_owned(), |holder| holder.to_string());
    format!("guest image {name} is not removed: guests run from it, started by {who}; try again when that has ended")
        .into()
}
