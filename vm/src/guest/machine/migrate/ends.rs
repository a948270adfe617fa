//! What both QEMUs are told before a migration begins, and what they can do.

use super::{Link, Migrated, Migration, Mode, Relay, failed};
use crate::guest::error::GuestError;
use crate::guest::migration::Route;
use crate::guest::qmp::Qmp;
use edge::quoted;
use process::deadlines::HOST_ANSWER;
use serde_json::{Value, json};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::time::Duration;

/// What QEMU calls the socket that it gets.
const NAME: &str = "migration";
/// Bytes a second that stand for no bound.
const UNBOUNDED: u64 = 1 << 40;

/// Tells both QEMUs how memory is to move, once both say that they can. Gives the source's capabilities that are on, and its
/// parameters.
pub(super) fn negotiate(
    source: &mut Qmp,
    destination: &mut Qmp,
    how: &Migration,
) -> Result<(Vec<String>, Value), GuestError> {
    for (qmp, which) in [(&mut *source, "source"), (&mut *destination, "destination")] {
        let known = capabilities(qmp)?;
        let wanted = how.mode.capability().filter(|_| which == "source" || how.mode.is_of_both());
        if let Some(missing) = wanted.filter(|wanted| known.iter().all(|(name, _)| name != wanted)) {
            let mode = how.mode.word();
            return Err(failed(format!(
                "migrate_mode={mode} needs a QEMU that knows {missing}, and the {which}'s does not"
            )));
        }
        let of_modes = Mode::ALL.into_iter().filter_map(Mode::capability);
        let states: Vec<Value> = of_modes
            .filter(|name| known.iter().any(|(known, _)| known == name))
            .map(|name| json!({"capability": name, "state": wanted == Some(name)}))
            .collect();
        set(qmp, "migrate-set-capabilities", json!({"capabilities": states}), which)?;
        let mut parameters = json!({
            "max-bandwidth": if how.bandwidth == 0 { UNBOUNDED } else { how.bandwidth / 8 },
            "downtime-limit": u64::try_from(how.downtime_limit.as_millis()).unwrap_or(u64::MAX),
        });
        if let (Mode::Multifd, Some(members)) = (how.mode, parameters.as_object_mut()) {
            members.insert("multifd-channels".into(), json!(how.channels));
        }
        set(qmp, "migrate-set-parameters", parameters, which)?;
    }
    let on = capabilities(source)?.into_iter().filter_map(|(name, is_on)| is_on.then_some(name)).collect();
    Ok((on, source.execute("query-migrate-parameters", json!({}), HOST_ANSWER)?))
}

fn set(qmp: &mut Qmp, command: &str, arguments: Value, which: &str) -> Result<(), GuestError> {
    let set = qmp.execute(command, arguments, HOST_ANSWER);
    set.map(drop).map_err(|e| failed(format!("the {which}'s QEMU does not take part: {e}")))
}

/// What a QEMU says that it knows, and whether it is on.
fn capabilities(qmp: &mut Qmp) -> Result<Vec<(String, bool)>, GuestError> {
    let told = qmp.execute("query-migrate-capabilities", json!({}), HOST_ANSWER)?;
    let one = |one: &Value| {
        Some((one.get("capability")?.as_str()?.to_owned(), one.get("state")?.as_bool().unwrap_or_default()))
    };
    Ok(told.as_array().into_iter().flatten().filter_map(one).collect())
}

/// The version of a QEMU.
pub(super) fn version(qmp: &mut Qmp) -> Result<String, GuestError> {
    let told = qmp.execute("query-version", json!({}), HOST_ANSWER)?;
    let part = |name: &str| told.pointer(&format!("/qemu/{name}")).map_or("?".to_owned(), Value::to_string);
    Ok(["major", "minor", "micro"].map(part).join("."))
}

/// Opens the way between both, at whose end the destination waits. Gives what the source is to be told, and what carries it.
pub(super) fn open(
    source: &mut Qmp,
    destination: &mut Qmp,
    route: Route,
    link: &Link,
) -> Result<(String, Option<Relay>), GuestError> {
    let broken = |e: std::io::Error| failed(format!("opening the way between the two QEMUs: {e}"));
    let waits = |qmp: &mut Qmp, uri: &str| set(qmp, "migrate-incoming", json!({"uri": uri}), "destination");
    match route {
        Route::Unix => {
            let (near, far) = UnixStream::pair().map_err(broken)?;
            source.hand(NAME, near.as_fd())?;
            destination.hand(NAME, far.as_fd())?;
            let uri = format!("fd:{NAME}");
            waits(destination, &uri)?;
            Ok((uri, None))
        }
        Route::Tcp { rate, delay } => {
            waits(destination, "tcp:127.0.0.1:0")?;
            let port = listens(destination)?;
            if rate == 0 && delay == Duration::ZERO {
                return Ok((format!("tcp:127.0.0.1:{port}"), None));
            }
            let relay = Relay::start(port, link).map_err(broken)?;
            Ok((format!("tcp:127.0.0.1:{}", relay.port()), Some(relay)))
        }
    }
}

/// The port at which a destination waits.
fn listens(qmp: &mut Qmp) -> Result<u16, GuestError> {
    let told = qmp.execute("query-migrate", json!({}), HOST_ANSWER)?;
    let port = told.pointer("/socket-address/0/port").and_then(Value::as_str);
    let unknown = || {
        failed(format!("the destination's QEMU does not say where it waits: {}", quoted(&told.to_string())))
    };
    port.and_then(|port| port.parse().ok()).ok_or_else(unknown)
}

/// CPU time of a process and of its threads that have ended, in nanoseconds: in ticks of 10 ms (proc_pid_stat(5)).
pub(super) fn cpu_ns(pid: u32) -> Option<u64> {
    const TICK_NS: u64 = 10_000_000;
    let stat = edge::read::kernel(format!("/proc/{pid}/stat")).ok()?;
    // The name, in brackets, may have blanks.
    let behind = stat.rsplit_once(')')?.1;
    let mut fields = behind.split_whitespace().skip(11);
    let mut next = || fields.next()?.parse::<u64>().ok();
    Some(next()?.saturating_add(next()?).saturating_mul(TICK_NS))
}

/// The CPU time of both QEMUs between two readings.
pub(super) fn spent(before: [Option<u64>; 2], after: [Option<u64>; 2]) -> [Option<u64>; 2] {
    let [source, destination] = before;
    let [source_after, destination_after] = after;
    let between = |before: Option<u64>, after: Option<u64>| after?.checked_sub(before?);
    [between(source, source_after), between(destination, destination_after)]
}

/// What becomes of so many guests where the one at a place cannot go: all stay.
pub(super) fn all_stay(number: usize, place: usize, error: GuestError) -> Vec<Result<Migrated, GuestError>> {
    let why = format!("another guest could not move: {error}");
    let mut all: Vec<_> = (0..number).map(|_| Err(failed(why.as_str()))).collect();
    if let Some(own) = all.get_mut(place) {
        *own = Err(error);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_several_guests_the_one_that_cannot_go_has_the_failure_and_the_others_stay_for_it() {
        let said: Vec<String> = all_stay(3, 1, failed("it is broken"))
            .into_iter()
            .map(|became| became.unwrap_err().failure().reason)
            .collect();
        assert!(said[1].ends_with("it is broken") && !said[1].contains("another guest"), "{said:?}");
        for other in [&said[0], &said[2]] {
            assert!(other.contains("another guest could not move: ") && other.contains("it is broken"));
        }
    }

    #[test]
    fn cpu_time_grows_with_what_is_computed() {
        let own = std::process::id();
        let before = cpu_ns(own).unwrap();
        let until = std::time::Instant::now() + Duration::from_secs(60);
        while cpu_ns(own).unwrap() < before + 20_000_000 {
            assert!(std::time::Instant::now() < until, "no CPU time is counted");
        }
        assert_eq!(cpu_ns(u32::MAX), None);
    }
}
