//! What each verb does.

use super::cast::{Cast, execute};
use super::script::Step;
use super::verbs::{self, Act, Global, Seen, Spot, Verb};
use super::waits;
use super::{pointing, screens, words};
use edge::text::cut;
use edge::{quoted, quoted_end};
use model::drive::Record;
use model::{Code, Failure};
use process::LONGEST_OUTPUT;
use process::deadlines::HOST_ANSWER;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, Instant};
use vm::guest::channel::{Reply, Status};
use vm::guest::machine::{GuestError, Machine};
use vm::guest::os::Os;

/// The largest file that is copied into a guest or out of one.
const LARGEST_FILE: u64 = 16 << 20;

/// How long a system may take to power itself off, where nobody says otherwise.
const POWER_OFF: Duration = Duration::from_secs(verbs::SHORT);

/// Does a step, and puts into the record what it gives.
pub(super) fn act(cast: &mut Cast<'_>, step: &Step, record: &mut Record) -> Result<(), Failure> {
    perform(cast, step, record)?;
    let starts = matches!(
        &step.act,
        Act::Global(Global::StartAll) | Act::On(_, Verb::Start | Verb::Reboot | Verb::RestoreState(_))
    );
    if starts {
        record.output = viewers(cast).join("\n");
    }
    Ok(())
}

/// How the screens of those that run are looked at, where somebody may look.
fn viewers(cast: &mut Cast<'_>) -> Vec<String> {
    let mut told = Vec::new();
    for place in 0..cast.names.len() {
        let name = cast.name(place);
        let socket =
            cast.machines.machine(place).and_then(|machine| Some(machine.vnc()?.display().to_string()));
        told.extend(
            socket.map(|socket| format!("the screen of {name}: vncviewer {}", words::join(&[socket]))),
        );
    }
    told
}

fn perform(cast: &mut Cast<'_>, step: &Step, record: &mut Record) -> Result<(), Failure> {
    match &step.act {
        Act::Global(global) => of_all(cast, global, step.deadline, record),
        Act::On(place, verb) => {
            let deadline = step.deadline;
            match verb {
                Verb::Start => start(cast, &[*place], deadline),
                Verb::RestoreState(file) => restore(cast, *place, file, deadline),
                Verb::Crash => cast.machines.take(*place).map(Machine::cut_power),
                Verb::Shutdown => shutdown(cast, *place, deadline),
                Verb::Reboot => {
                    let begun = Instant::now();
                    shutdown(cast, *place, Some(deadline.unwrap_or(POWER_OFF)))?;
                    start(cast, &[*place], deadline.map(|all| all.saturating_sub(begun.elapsed())))
                }
                Verb::Seen(seen) => {
                    see(cast, (*place, step.line), seen, deadline.unwrap_or(HOST_ANSWER), record)
                }
                other => with(cast, *place, other, deadline.unwrap_or(HOST_ANSWER), record),
            }
        }
    }
}

fn of_all(
    cast: &mut Cast<'_>,
    global: &Global,
    deadline: Option<Duration>,
    record: &mut Record,
) -> Result<(), Failure> {
    match global {
        Global::StartAll => {
            let down = |place: &usize| cast.machines.machine(*place).is_none_or(|m| m.death().is_some());
            let places: Vec<usize> = (0..cast.names.len()).filter(down).collect();
            if places.is_empty() { Ok(()) } else { start(cast, &places, deadline) }
        }
        Global::Sleep(time) => {
            let end = Instant::now() + *time;
            let look =
                |_: &mut Cast<'_>, _| Ok(if Instant::now() >= end { Ok(()) } else { Err(String::new()) });
            cast.wait("it did not sleep", deadline.unwrap_or(*time), look)
        }
        Global::Log(text) => {
            record.output.clone_from(text);
            Ok(())
        }
        Global::Subtest(_) | Global::End => Ok(()),
    }
}

fn start(cast: &mut Cast<'_>, places: &[usize], deadline: Option<Duration>) -> Result<(), Failure> {
    for place in places {
        match cast.machines.machine(*place).map(Machine::death) {
            None => {}
            // It has ended by itself.
            Some(Some(_)) => drop(cast.machines.take(*place)?),
            Some(None) => return Err(Failure::tool(format!("{} runs already", cast.name(*place)))),
        }
    }
    cast.machines.start(places, deadline)
}

/// Starts a machine from what this drive saved, or from a file of the user's.
fn restore(
    cast: &mut Cast<'_>,
    place: usize,
    file: &Path,
    deadline: Option<Duration>,
) -> Result<(), Failure> {
    if cast.machines.machine(place).is_some_and(|machine| machine.death().is_none()) {
        let name = cast.name(place);
        return Err(Failure::tool(format!(
            "{name} runs; `{name} crash` ends it, and then a state can be restored"
        )));
    }
    if cast.machines.machine(place).is_some() {
        drop(cast.machines.take(place)?);
    }
    let own = cast.written_at(file);
    let state = if own.is_file() { own } else { cast.read_at(file) };
    cast.machines.restore(place, &state, deadline)
}

fn shutdown(cast: &mut Cast<'_>, place: usize, deadline: Option<Duration>) -> Result<(), Failure> {
    let mut machine = cast.machines.take(place)?;
    let limit = deadline.unwrap_or_else(|| machine.soon());
    // Dropping it ends what did not end by itself.
    machine.power_off(limit).map_err(|error| error.failure())
}

/// What is done with the screen, by the step of a line.
fn see(
    cast: &mut Cast<'_>,
    (place, line): (usize, usize),
    seen: &Seen,
    deadline: Duration,
    record: &mut Record,
) -> Result<(), Failure> {
    let begun = Instant::now();
    match seen {
        Seen::WaitForText(regex) => screens::wait_for_text(cast, place, regex, deadline, record),
        Seen::AssertScreen(tag) => {
            screens::assert_screen(cast, place, (tag, line), deadline, record).map(drop)
        }
        Seen::CheckScreen(tag) => screens::check_screen(cast, place, tag, record),
        Seen::Click(Spot::Tag(tag)) => {
            let at = screens::assert_screen(cast, place, (tag, line), deadline, record)?;
            pointing::click(cast, place, at, pointing::patience(deadline, begun))
        }
        Seen::Click(Spot::At(x, y)) => pointing::click(cast, place, (*x, *y), deadline),
        Seen::MoveTo(x, y) => pointing::move_to(cast, place, (*x, *y), deadline),
        Seen::TypeString(text, strokes) => pointing::type_string(cast, place, (text, strokes), deadline),
        Seen::NeedleFrom(cut) => screens::needle_from(cast, place, cut, record),
    }
}

/// What needs a machine that runs.
fn with(
    cast: &mut Cast<'_>,
    place: usize,
    verb: &Verb,
    deadline: Duration,
    record: &mut Record,
) -> Result<(), Failure> {
    let machine = cast.running(place)?;
    let done = match verb {
        Verb::Execute(argv) | Verb::Succeed(argv) | Verb::Fail(argv) => {
            let reply = execute(cast, place, argv, deadline)?;
            return judge(verb, argv, reply, deadline, record);
        }
        Verb::WaitUntilSucceeds(argv) => return waits::until(cast, place, argv, true, deadline, record),
        Verb::WaitUntilFails(argv) => return waits::until(cast, place, argv, false, deadline, record),
        Verb::WaitForUnit(unit) => return waits::for_unit(cast, place, unit, deadline),
        Verb::WaitForOpenPort(port) => return waits::for_port(cast, place, *port, deadline),
        Verb::WaitForConsoleText(regex) => return waits::for_console(cast, place, regex, deadline, record),
        Verb::Screendump(file) => {
            let file = cast.written_at(file);
            return screendump(cast.running(place)?, &file);
        }
        Verb::CopyTo(from, to) => {
            let from = cast.read_at(from);
            return copy_to(cast.running(place)?, &from, to);
        }
        Verb::CopyFrom(from, to) => {
            let to = cast.written_at(to);
            return copy_from(cast.running(place)?, from, &to, deadline);
        }
        Verb::SaveState(file) => {
            let file = cast.written_at(file);
            cast.running(place)?.save_state(&file, deadline)
        }
        Verb::DumpMemory(file) => {
            let file = cast.written_at(file);
            cast.running(place)?.dump_memory(&file, deadline)
        }
        Verb::Registers => machine.registers().map(|text| record.keep(text.into_bytes(), Vec::new())),
        Verb::SendKey(keys) => machine.press(keys),
        Verb::SendChars(strokes) => strokes.iter().try_for_each(|keys| machine.press(keys)),
        Verb::Links(up, None) => machine.set_links(*up),
        Verb::Links(up, Some(word)) => {
            let nic = nic(cast, place, word)?;
            cast.running(place)?.set_link(nic, *up)
        }
        Verb::ForwardPort(host, guest) => machine.forward(*host, *guest),
        Verb::Start | Verb::Crash | Verb::Shutdown | Verb::Reboot | Verb::RestoreState(_) | Verb::Seen(_) => {
            Ok(())
        }
    };
    done.map_err(|error| error.failure())
}

/// The place of a NIC that is named by its network, or where there are no networks by its number, from 1.
fn nic(cast: &mut Cast<'_>, place: usize, word: &str) -> Result<usize, Failure> {
    let mut names = cast.machines.networks(place);
    if names.is_empty() {
        names = (1..=cast.running(place)?.nics()).map(|number| number.to_string()).collect();
    }
    names.iter().position(|name| name == word).ok_or_else(|| {
        let (machine, all) = (cast.name(place), names.join(", "));
        Failure::tool(format!("{machine} has no network card {}; there are {all}", quoted(word)))
    })
}

/// Whether a command ended as its verb wants it to.
fn judge(
    verb: &Verb,
    argv: &[String],
    reply: Reply,
    deadline: Duration,
    record: &mut Record,
) -> Result<(), Failure> {
    let (status, said) = (reply.status, String::from_utf8_lossy(&reply.stderr).into_owned());
    record.status = if let Status::Exit(status) = status { Some(status) } else { None };
    record.keep(reply.stdout, reply.stderr);
    let wrong = match (verb, status) {
        (Verb::Execute(_), Status::Exit(_) | Status::Timeout) => false,
        (Verb::Succeed(_), status) => status != Status::Exit(0),
        (Verb::Fail(_), status) => !matches!(status, Status::Exit(status) if status != 0),
        (_, status) => status == Status::Refused,
    };
    if !wrong {
        return Ok(());
    }
    let ended = match status {
        Status::Timeout => format!("had not ended after {} s, and was killed", deadline.as_secs_f64()),
        other => format!("ended with {other}"),
    };
    let said = if said.trim().is_empty() { String::new() } else { format!(": {}", quoted_end(&said)) };
    Err(Failure::tool(format!("'{}' {ended}{said}", cut(&argv.join(" ")))))
}

fn screendump(machine: &mut Machine, file: &Path) -> Result<(), Failure> {
    let format = if file.extension().is_some_and(|end| end == "ppm") { "ppm" } else { "png" };
    let picture = machine.picture(format).map_err(|error| {
        let hint = if format == "png" { "; QEMU before 7.1 writes a FILE.ppm alone" } else { "" };
        let reason = error.failure().reason;
        Failure::tool(format!("{reason}; a guest has a screen with display=vga{hint}"))
    })?;
    edge::write_atomically(file, &picture).map_err(|error| of_host("writing", file, &error))
}

fn copy_to(machine: &mut Machine, from: &Path, to: &str) -> Result<(), Failure> {
    let content = edge::read(from, LARGEST_FILE).map_err(|error| of_host("reading", from, &error))?;
    let mode = std::fs::metadata(from).map_or(0o644, |meta| meta.permissions().mode() & 0o777);
    machine.put(to, &format!("{mode:o}"), &content).map_err(|error| error.failure())
}

fn copy_from(machine: &mut Machine, from: &str, to: &Path, deadline: Duration) -> Result<(), Failure> {
    if machine.os != Os::Linux {
        return Err(Failure::tool(
            "copy_from knows Linux guests alone; succeed with a command gives text out of others",
        ));
    }
    let most = (LARGEST_FILE + 1).min(LONGEST_OUTPUT as u64).to_string();
    let reply =
        machine.exec(&["head", "-c", &most, from], deadline).map_err(|error: GuestError| error.failure())?;
    if reply.status != Status::Exit(0) {
        let said = String::from_utf8_lossy(&reply.stderr).into_owned();
        return Err(Failure::tool(format!("reading {} in the guest: {}", quoted(from), quoted_end(&said))));
    }
    if reply.stdout.len() as u64 > LARGEST_FILE {
        let most = LARGEST_FILE >> 20;
        return Err(Failure::tool(format!(
            "{} in the guest has more than {most} MiB; pack it, or take a part",
            quoted(from)
        )));
    }
    edge::write_atomically(to, &reply.stdout).map_err(|error| of_host("writing", to, &error))
}

/// A file of this host that could not be used.
fn of_host(doing: &str, file: &Path, error: &io::Error) -> Failure {
    let code = if error.kind() == io::ErrorKind::StorageFull { Code::HostNoSpace } else { Code::ToolFailed };
    Failure::new(code, format!("{doing} {}: {error}", file.display()))
}
