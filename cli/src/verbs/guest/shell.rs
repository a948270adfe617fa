//! `perfvt guest shell`.

use crate::verbs::drive::attach::nothing_kept;
use crate::verbs::drive::kept::KEPT;
use crate::{DONE, Error, FOUND, own_executable};
use collect::testbed::{Alone, guest_params};
use std::io::Write;
use std::path::Path;
use vm::accel;
use vm::guest::image::{Cache, builtin};
use vm::host::locks::acquire;

/// Refuses a shell in a guest of a campaign, and says what looks at one.
pub(super) fn of_campaign(run: &Path) -> Error {
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
pub(super) fn shell(
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
