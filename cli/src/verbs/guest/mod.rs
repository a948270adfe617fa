//! `perfvt guest`.

mod build;
mod carry;
mod extract;
mod install;
mod life;
mod list;
mod shell;
mod test;

use crate::args::{Guest, GuestVerb};
use crate::{DONE, Error, FOUND};
use std::io::Write;
use vm::guest::image::{Cache, Fetch, fetch};

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
        GuestVerb::Import { file, name, qemu_img } => carry::import(&cache, (file, name), qemu_img, out)?,
        GuestVerb::Install(args) => install::install(&cache, args, out, err)?,
        GuestVerb::Extract { image, to, kernel, paths } => {
            extract::extract(&cache, image, (*kernel, paths), to, out, err)?;
        }
        GuestVerb::Test(args) => return test::test(&cache, args, command, out, err),
        GuestVerb::List => return list::show(&cache, out, err),
        GuestVerb::Shell { attach: Some(run), .. } => return Err(shell::of_campaign(run)),
        GuestVerb::Shell { guest, sets, attach: None, command } => {
            return shell::shell(&cache, (guest, sets), command, out, err);
        }
        GuestVerb::Prune { keep, dry_run, results } => {
            life::prune(&cache, (*keep, *dry_run, results.as_deref()), out, err)?;
        }
        GuestVerb::Sync { from, names } => life::sync(&cache, (from, names), out, err)?,
        GuestVerb::Rm { names } => life::rm(&cache, names, out)?,
    }
    Ok(DONE)
}

/// Says how a download goes on, which goes on also where nobody can hear it.
pub fn say(err: &mut dyn Write, line: &str) {
    let _ = writeln!(err, "{line}");
}
