//! What is waited for: each with a deadline, and with what was seen last when it passes.

use super::cast::{Cast, execute};
use edge::text::cut;
use edge::{quoted, quoted_end};
use model::Failure;
use model::drive::Record;
use regex::Regex;
use std::time::Duration;
use vm::guest::channel::{Reply, Status};
use vm::guest::machine::Machine;

/// What a shell says of a command that is not there.
const NOT_THERE: [i32; 2] = [126, 127];

/// A command that succeeds, or that no longer does.
pub(super) fn until(
    cast: &mut Cast<'_>,
    place: usize,
    argv: &[String],
    succeeds: bool,
    deadline: Duration,
    record: &mut Record,
) -> Result<(), Failure> {
    let word = if succeeds { "did not succeed" } else { "did not fail" };
    let what = format!("'{}' {word}", cut(&argv.join(" ")));
    // What was cut at the deadline says less than what came to its end before; where nothing did it is all there is.
    let mut last: Option<Reply> = None;
    let done = cast.wait(&what, deadline, |cast, left| {
        // A look at the end is one as well.
        let reply = execute(cast, place, argv, left.max(Duration::from_secs(1)))?;
        let killed = reply.status == Status::Timeout;
        let came = !killed && (reply.status == Status::Exit(0)) == succeeds;
        if !killed || last.is_none() {
            last = Some(reply);
        }
        if came {
            return Ok(Ok(()));
        }
        Ok(Err(last.as_ref().map(|last| seen(last, killed)).unwrap_or_default()))
    });
    if let Some(Reply { status, stdout, stderr }) = last {
        record.status = if let Status::Exit(status) = status { Some(status) } else { None };
        record.keep(stdout, stderr);
    }
    done
}

/// What was seen of a command that did not do what was waited for, and whether a later one was cut.
fn seen(last: &Reply, killed: bool) -> String {
    let said = String::from_utf8_lossy(&last.stderr).into_owned();
    let said = if said.trim().is_empty() { String::new() } else { format!(": {}", quoted_end(&said)) };
    match (last.status, killed) {
        (Status::Timeout, _) => format!("it never ended, and was killed{said}"),
        (status, true) => format!("it ended with {status} last{said}; one more was killed as it ran"),
        (status, false) => format!("it ended with {status} last{said}"),
    }
}

/// A unit of systemd that is active.
pub(super) fn for_unit(
    cast: &mut Cast<'_>,
    place: usize,
    unit: &str,
    deadline: Duration,
) -> Result<(), Failure> {
    let argv =
        ["systemctl", "show", "--property=LoadState,ActiveState,SubState", "--", unit].map(String::from);
    cast.wait(&format!("{} was not active", quoted(unit)), deadline, |cast, left| {
        let reply = execute(cast, place, &argv, left.max(Duration::from_secs(1)))?;
        if matches!(reply.status, Status::Refused)
            || matches!(reply.status, Status::Exit(s) if NOT_THERE.contains(&s))
        {
            let name = cast.name(place);
            return Err(Failure::tool(format!(
                "{name} has no systemd (systemctl is not there), and so no units; wait_for_open_port and \
                 wait_until_succeeds do without"
            )));
        }
        let said = String::from_utf8_lossy(&reply.stdout).into_owned();
        let of = |key: &str| {
            said.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('=')).unwrap_or_default()
        };
        let states = format!("it is {} ({}, {})", of("ActiveState"), of("SubState"), of("LoadState"));
        match (of("ActiveState"), of("LoadState")) {
            ("active", _) => Ok(Ok(())),
            ("failed", _) | (_, "not-found" | "masked" | "bad-setting") => {
                let unit = quoted(unit);
                Err(Failure::tool(format!("{unit} cannot become active: {}", edge::visible(&states))))
            }
            _ => Ok(Err(edge::visible(&states).into_owned())),
        }
    })
}

/// Somebody who listens at a TCP port.
pub(super) fn for_port(
    cast: &mut Cast<'_>,
    place: usize,
    port: u16,
    deadline: Duration,
) -> Result<(), Failure> {
    cast.wait(&format!("nobody listened at port {port}"), deadline, |cast, left| {
        let machine = cast.running(place)?;
        let argv = machine.os.conventions().sockets;
        let limit = left.max(machine.soon().min(Duration::from_secs(1)));
        // A kernel without IPv6 lacks one of the tables.
        let reply = machine.exec(argv, limit).map_err(|error| error.failure())?;
        let table = String::from_utf8_lossy(&reply.stdout).into_owned();
        if machine.os.listens(&table, port) {
            return Ok(Ok(()));
        }
        Ok(Err(format!("there were {} sockets in its table", table.lines().count().saturating_sub(1))))
    })
}

/// A line on the console.
pub(super) fn for_console(
    cast: &mut Cast<'_>,
    place: usize,
    regex: &Regex,
    deadline: Duration,
    record: &mut Record,
) -> Result<(), Failure> {
    let what = format!("no line of the console matched '{}'", cut(regex.as_str()));
    record.output = cast.wait(&what, deadline, |cast, _| {
        let path = cast.running(place)?.console().to_owned();
        let Some(console) = cast.consoles.get_mut(place) else { return Ok(Err(String::new())) };
        console.follow(&path);
        let read = |error| Failure::tool(format!("reading the console's log {}: {error}", path.display()));
        if let Some(line) = console.find(regex).map_err(read)? {
            return Ok(Ok(line));
        }
        let seen = format!("the console ends with {}", quoted_end(&console.end()));
        // What is dead says nothing more.
        match cast.machines.machine(place).and_then(Machine::death) {
            Some(death) => Err(death),
            None => Ok(Err(seen)),
        }
    })?;
    Ok(())
}
