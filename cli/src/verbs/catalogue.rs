//! `perfvt list --guests` and `--workloads`: what there is to run on, and what to run.

use super::list;
use crate::args::List;
use crate::{DONE, Error};
use collect::config::{Guest, guests, keys};
use collect::workload::{self, Workload};
use std::io::Write;

/// Lists guests: those of a configuration, or all that perfvt and the user define.
pub fn guests(args: &List, out: &mut dyn Write, err: &mut dyn Write) -> Result<u8, Error> {
    let mut all: Vec<Guest> = Vec::new();
    match &args.cfg {
        Some(path) => {
            let config = list::read(args, path, args.base, err)?;
            all = guests::of_config(&config)?;
            if all.is_empty() {
                let mut expansion = config.expand();
                while expansion.next_name().is_some() {}
                return list::code(args, expansion.found(), &expansion.emptied_by(), path, err);
            }
        }
        None => {
            for file in guests::files() {
                let config = list::read(args, &file, false, err)?;
                for guest in guests::of_config(&config)? {
                    // The user's own come first and hide those of the same name.
                    if all.iter().all(|known| known.name != guest.name) {
                        all.push(guest);
                    }
                }
            }
        }
    }
    for guest in &all {
        show_guest(args, guest, out)?;
    }
    Ok(DONE)
}

fn show_guest(args: &List, guest: &Guest, out: &mut dyn Write) -> Result<(), Error> {
    if args.json {
        let params: serde_json::Map<String, serde_json::Value> =
            guest.params.iter().map(|p| (p.key.clone(), p.value.clone().into())).collect();
        let mut object = serde_json::json!({"name": guest.name, "missing": guest.missing});
        if args.contents {
            object["params"] = params.into();
        }
        writeln!(out, "{object}")?;
        return Ok(());
    }
    let missing = guest.missing.as_ref().map(|missing| format!(" (missing {missing})"));
    writeln!(out, "{}{}", guest.name, missing.unwrap_or_default())?;
    for param in guest.params.iter().filter(|_| args.contents) {
        writeln!(out, "    {} = {}", param.key, param.value)?;
    }
    Ok(())
}

/// Lists workloads: those that a configuration leaves, or all.
pub fn workloads(args: &List, out: &mut dyn Write, err: &mut dyn Write) -> Result<u8, Error> {
    let mut names: Vec<String> = workload::ALL.iter().map(|w| w.name().to_owned()).collect();
    if let Some(path) = &args.cfg {
        let config = list::read(args, path, true, err)?;
        let mut left = Vec::new();
        let mut expansion = config.expand();
        while let Some(dict) = expansion.next_dict()? {
            let name = dict.get(keys::WORKLOAD).map(|entry| entry.value.to_owned());
            left.extend(name.filter(|name| !left.contains(name)));
        }
        if left.is_empty() {
            return list::code(args, expansion.found(), &expansion.emptied_by(), path, err);
        }
        names = left;
    }
    for name in names {
        show_workload(args, &name, workload::find(&name), out)?;
    }
    Ok(DONE)
}

fn show_workload(
    args: &List,
    name: &str,
    workload: Option<&dyn Workload>,
    out: &mut dyn Write,
) -> Result<(), Error> {
    let parameters = workload.map(Workload::parameters).unwrap_or_default();
    if args.json {
        let mut object = serde_json::json!({"name": name, "known": workload.is_some()});
        if args.contents {
            let parameter =
                |k: &workload::Known| serde_json::json!({"key": k.key, "default": k.default, "help": k.help});
            object["parameters"] = parameters.iter().map(parameter).collect();
        }
        writeln!(out, "{object}")?;
        return Ok(());
    }
    let unknown = if workload.is_none() { " (perfvt has no such workload)" } else { "" };
    writeln!(out, "{name}{unknown}")?;
    for known in parameters.iter().filter(|_| args.contents) {
        writeln!(out, "    {} = {}    # {}", known.key, known.default.unwrap_or_default(), known.help)?;
    }
    Ok(())
}
