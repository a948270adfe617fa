//! `perfvt drive --dry-run`: the machines and the script, and nothing is booted.

use super::{files, tell_notes};
use crate::args::Drive;
use crate::{DONE, Error};
use collect::campaign::by_hand::Guests;
use collect::drive::Script;
use collect::testbed::{Driven, Troupe, obstacles};
use model::Accel;
use std::io::Write;
use std::path::Path;
use vm::guest::image::Cache;
use vm::guest::network::{NetworkId, Node};
use vm::guest::spec::GuestSpec;

/// A machine as it would be: its name, and what people know it by.
struct Planned {
    name: String,
    what: String,
}

/// Says what would be done.
pub fn tell(
    args: &Drive,
    guests: Guests,
    accel: Accel,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<u8, Error> {
    let machines = machines(guests, accel, err)?;
    let width = machines.iter().map(|machine| machine.name.len()).max().unwrap_or_default();
    for Planned { name, what } in &machines {
        writeln!(out, "{name:<width$}  {what}")?;
    }
    let names: Vec<String> = machines.into_iter().map(|machine| machine.name).collect();
    match files(args).1 {
        Some(path) if path != Path::new("-") => {
            let script = Script::read(path, &names)?;
            writeln!(out, "{}: {} steps", path.display(), script.steps.len())?;
            for step in &script.steps {
                let limit =
                    step.deadline.map(|limit| format!("{} s", limit.as_secs_f64())).unwrap_or_default();
                writeln!(out, "{:>6}  {limit:>8}  {}", step.line, step.text)?;
            }
        }
        _ => writeln!(out, "no script is read here: name its file to have it read")?,
    }
    writeln!(out, "nothing was booted")?;
    Ok(DONE)
}

fn machines(guests: Guests, accel: Accel, err: &mut dyn Write) -> Result<Vec<Planned>, Error> {
    match guests {
        Guests::Scenario(stage) => {
            obstacles(&stage, Vec::new())?;
            let spec = Driven::planned(&stage)?;
            tell_notes(&spec.notes, err)?;
            let nets: Vec<String> =
                spec.layout.links.iter().map(|link| format!("net={}", link.kind.word())).collect();
            Ok(spec.guests.iter().map(|guest| planned(guest, &nets.join(", "))).collect())
        }
        Guests::Troupe(params) => {
            let spec = Troupe::planned(&Cache::from_env()?, accel, *params)?;
            tell_notes(&spec.notes, err)?;
            let of = |(guest, node): (&GuestSpec, &Node)| {
                let nics = node.nics.iter().map(|plug| match plug.network {
                    NetworkId::Of(number) => format!("network {number}: {}", plug.address.ip),
                    NetworkId::User => "QEMU's user-mode network".to_owned(),
                });
                planned(guest, &nics.collect::<Vec<_>>().join(", "))
            };
            Ok(spec.guests.iter().zip(&spec.topology.machines).map(of).collect())
        }
    }
}

fn planned(guest: &GuestSpec, network: &str) -> Planned {
    let (vcpus, mem) = (guest.hardware.smp, guest.hardware.mem_mib);
    let placed = if guest.pins.is_some() { "pinned" } else { "not pinned" };
    let what = format!("{vcpus} vCPUs, {mem} MiB, {placed}; {network}");
    Planned { name: guest.name.clone(), what }
}
