//! `perfvt guest`.

use crate::args::{Guest, GuestVerb};
use crate::verbs::drive::attach::nothing_kept;
use crate::verbs::drive::kept::KEPT;
use crate::{DONE, Error, FOUND, USAGE, own_executable};
use collect::config::guests::{self, BOUND, Guests, MAX_GUESTS};
use collect::testbed::{Alone, guest_params};
use std::io::Write;
use std::path::Path;
use vm::accel;
use vm::guest::image::{Cache, DEBIAN, Fetch, builtin, debian, debian_log, fetch, list, named, remove};
use vm::host::locks::{LockError, acquire, exclusive};

/// Fetches the parts of images; builds, lists, tries and removes images.
pub fn guest(args: &Guest, out: &mut dyn Write, err: &mut dyn Write) -> Result<u8, Error> {
    let cache = Cache::from_env()?;
    match &args.verb {
        GuestVerb::Build { flavour } => {
            let image = if flavour == DEBIAN {
                let log = debian_log(&cache);
                writeln!(
                    err,
                    "making a Debian with mmdebstrap from this host's package sources: some minutes; its log is {}",
                    log.display()
                )?;
                debian(&cache)?
            } else {
                builtin(&cache)?
            };
            writeln!(out, "{}", image.dir.display())?;
            for (tool, version) in &image.packages {
                writeln!(out, "  {tool} {version}")?;
            }
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
        GuestVerb::List => return show(&cache, out, err),
        GuestVerb::Shell { attach: Some(run), .. } => return Err(of_campaign(run)),
        GuestVerb::Shell { guest, sets, attach: None, command } => {
            return shell(&cache, (guest, sets), command, out, err);
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

/// Images in the cache, and behind them the guests that are defined.
fn show(cache: &Cache, out: &mut dyn Write, err: &mut dyn Write) -> Result<u8, Error> {
    let mut code = DONE;
    let images = list(cache)?;
    if images.is_empty() {
        writeln!(err, "no images in {}; `perfvt guest build` makes one", cache.images_dir().display())?;
    }
    for image in images {
        let (name, release) = (&image.name, &image.image.kernel_release);
        writeln!(out, "{name}  kernel {release}  {} MB", image.bytes.div_ceil(1_000_000))?;
    }
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
    Ok(code)
}

/// Refuses a shell in a guest of a campaign, and says what looks at one.
fn of_campaign(run: &Path) -> Error {
    if run.join(KEPT).is_file() {
        let run = run.display();
        return format!(
            "a shell has a guest of its own; `perfvt drive --attach {run}` looks at the one that {run} keeps"
        )
        .into();
    }
    nothing_kept(run)
}

/// Runs a command in a fresh guest, or hands the console to the user.
fn shell(
    cache: &Cache,
    (guest, sets): (&str, &[String]),
    command: &[String],
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<u8, Error> {
    let params = guest_params(guest, sets)?;
    let (accel, _) = accel::resolve("auto", || accel::probe(&own_executable()))?;
    let alone = Alone::new(cache, builtin(cache)?, accel, params)?;
    let _locks = acquire(&alone.claims()?, None)?;
    let status = if command.is_empty() {
        writeln!(err, "the guest's console; `poweroff -f` or Ctrl-A X ends it")?;
        alone.console()?
    } else {
        let words: Vec<&str> = command.iter().map(String::as_str).collect();
        let reply = alone.command(&words)?;
        out.write_all(&reply.stdout)?;
        err.write_all(&reply.stderr)?;
        reply.status == vm::guest::channel::Status::Exit(0)
    };
    Ok(if status { DONE } else { FOUND })
}
