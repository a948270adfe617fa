//! `perfvt run --dry-run`: a plan, as people read it.

use crate::Error;
use crate::stopping;
use collect::campaign::setup::{NO_GUEST, Prepared};
use collect::config::reference;
use collect::environment::{EnvironmentSpec, Place, Room};
use model::counted;
use model::ids::cpu_list;
use model::{BootPlan, EnvironmentPlan, Origin, Params};
use report::campaign::duration;
use std::collections::BTreeMap;
use std::io::Write;

/// Shows what a campaign would do.
pub fn show_plan(prepared: &Prepared, out: &mut dyn Write) -> Result<(), Error> {
    let file = &prepared.file;
    let boots = file.boots().count();
    writeln!(
        out,
        "{}, {}: {} x {} x {} = {}, about {} and {} MB",
        file.workload,
        file.scenario,
        counted(file.environments.len(), "environment"),
        counted(file.blocks.len(), "boot"),
        counted(file.cases.len(), "case"),
        counted(boots * file.cases.len(), "cell"),
        duration(prepared.seconds),
        prepared.bytes.div_ceil(1_000_000)
    )?;
    for sentence in stopping::describe(file) {
        writeln!(out, "{sentence}")?;
    }
    let guests = file.accel != NO_GUEST;
    if guests {
        writeln!(out, "acceleration {}, network {}, seed {}", file.accel, file.network, file.seed)?;
    } else {
        writeln!(out, "on the host alone, no guest is booted; seed {}", file.seed)?;
    }
    for warning in &file.warnings {
        writeln!(out, "warning: {warning}")?;
    }
    for (environment, room) in file.environments.iter().zip(&prepared.stage.rooms) {
        writeln!(out, "\nenvironment {}", environment.name)?;
        match &room.place {
            Place::Guests(spec) => show_guests(&file.workload, environment, (room, spec), out)?,
            Place::Host(host) => {
                writeln!(out, "  placement: on CPUs {}", cpu_list(&host.cpus))?;
                show_params(&file.workload, environment, out)?;
            }
        }
    }
    writeln!(out, "\ncases")?;
    for case in &file.cases {
        writeln!(out, "  {}", model::readable(&case.id()))?;
    }
    writeln!(out, "\nboots, in order")?;
    for block in &file.blocks {
        let name = |b: &BootPlan| file.environments.get(b.environment).map_or("?", |e| e.name.as_str());
        let names: Vec<&str> = block.boots.iter().map(name).collect();
        writeln!(out, "  block {}: {}", block.block, names.join(", "))?;
    }
    Ok(())
}

/// One environment of a plan: its guests, where they run, its parameters, and QEMU's command lines.
fn show_guests(
    workload: &str,
    environment: &EnvironmentPlan,
    (room, spec): (&Room, &EnvironmentSpec),
    out: &mut dyn Write,
) -> Result<(), Error> {
    for line in room.portraits() {
        writeln!(out, "  guest {line}")?;
    }
    if let Some(told) = spec.told() {
        for (name, machine) in told.machines {
            writeln!(out, "  machine {name}: {machine}")?;
        }
        for (name, link) in told.links {
            writeln!(out, "  link to {name}: {link}")?;
        }
        writeln!(out, "  way of the data: {}", told.way)?;
    }
    for line in spec.plan().to_string().lines() {
        writeln!(out, "  placement: {line}")?;
    }
    show_params(workload, environment, out)?;
    for (guest, words) in spec.guests.iter().zip(spec.command_lines()) {
        let words: Vec<String> = words.into_iter().map(for_a_shell).collect();
        writeln!(out, "  {} {}", guest.qemu, words.join(" "))?;
    }
    Ok(())
}

/// A word as a shell takes it; commas and equals signs need no quotes.
pub(super) fn for_a_shell(word: String) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-+=,.:/@%".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word;
    }
    Params::quoted([word.as_str()]).unwrap_or(word)
}

/// Every parameter in force with its origin, and every key that has no value.
fn show_params(workload: &str, environment: &EnvironmentPlan, out: &mut dyn Write) -> Result<(), Error> {
    let set = environment.params.iter().map(|(key, param)| {
        let origin = match &param.origin {
            Origin::BuiltIn => String::new(),
            origin => format!("    ({origin})"),
        };
        (key.as_str(), format!("{key} = {}{origin}", param.value))
    });
    let unset = reference::of(workload).filter(|known| !environment.params.contains_key(known.key));
    let unset = unset.map(|known| (known.key, format!("{}: unset; {}", known.key, known.otherwise)));
    let all: BTreeMap<&str, String> = unset.chain(set).collect();
    for line in all.values() {
        writeln!(out, "  {line}")?;
    }
    Ok(())
}
