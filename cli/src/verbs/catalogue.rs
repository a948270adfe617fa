//! `perfvt list --guests` and `--workloads`: what there is to run on, and what to run.

use super::expanded::{bound, code, more, read};
use crate::args::List;
use crate::{DONE, Error, USAGE};
use cartesian::Config;
use collect::config::guests::{BOUND, Guests, MAX_GUESTS};
use collect::config::{Guest, guests, keys};
use collect::parameters::BUILTIN;
use collect::testbed::guest_params;
use collect::workload::{self, Workload};
use model::Params;
use std::collections::HashSet;
use std::io::Write;
use std::path::Path;

/// Names of workloads of one configuration that are listed when nothing else is said.
const MAX_WORKLOADS: usize = 100;

/// Lists guests as they are found: those of a configuration, or all that perfvt and the user define.
pub fn guests(args: &List, out: &mut dyn Write, err: &mut dyn Write) -> Result<u8, Error> {
    let files = match &args.cfg {
        Some(path) => vec![path.clone()],
        None => guests::files(),
    };
    // The user's own come first and hide those of the same name.
    let mut shown = HashSet::new();
    let mut status = DONE;
    for file in &files {
        let config = match read(args, file, args.base && args.cfg.is_some(), err) {
            // One file of several, and no reason to say nothing about the others.
            Err(error) if args.cfg.is_none() => {
                writeln!(err, "perfvt: {}", crate::chain(error.as_ref()))?;
                status = USAGE;
                continue;
            }
            config => config?,
        };
        let most = if args.limit.is_some() { u64::MAX } else { MAX_GUESTS };
        let mut guests = Guests::new(&config, bound(args, BOUND), most);
        while let Some(guest) = guests.next_guest()? {
            // Guests of one configuration may have one name and several images.
            if args.cfg.is_some() || shown.insert(guest.name.clone()) {
                show_guest(args, &guest, out)?;
            }
        }
        let (expansion, has_more) = (guests.expansion(), guests.has_more());
        if has_more {
            // The one that was looked at and not listed is not among them.
            status = status.max(more(args, expansion.found() - 1, file, err)?);
        } else if args.cfg.is_some() {
            status = status.max(code(args, expansion.found(), &expansion.emptied_by(), file, err)?);
        }
    }
    Ok(status)
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
    if let Some(path) = &args.cfg {
        let config = read(args, path, true, err)?;
        return workloads_of(args, &config, path, out, err);
    }
    let guest = args.guest.as_deref().map(|name| guest_params(name, &[])).transpose()?;
    for workload in workload::ALL {
        let fits = guest.as_ref().map_or(Ok(()), |guest| workload::fits(*workload, guest));
        show_workload(args, workload.name(), Some(*workload), fits.err(), out)?;
    }
    Ok(DONE)
}

/// A guest by its name: one of a configuration, or of those that are defined for all.
fn guest_of(config: &Config, name: &str) -> Result<Params, Error> {
    let mut guests = Guests::new(config, BOUND, MAX_GUESTS);
    while let Some(guest) = guests.next_guest()? {
        if guest.name == name {
            let mut params = guest_params(BUILTIN, &[])?;
            guest.params.iter().for_each(|param| params.set(&param.key, &param.value, param.origin.clone()));
            return Ok(params);
        }
    }
    Ok(guest_params(name, &[])?)
}

/// Lists the workloads of a configuration as they are found.
fn workloads_of(
    args: &List,
    config: &Config,
    path: &Path,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<u8, Error> {
    let guest = match args.guest.as_deref() {
        // Guests are listed without perfvt's base, whose variants would stand in their names.
        Some(name) => Some(guest_of(&read(args, path, false, err)?, name)?),
        None => None,
    };
    let bound = bound(args, BOUND);
    let most = if args.limit.is_some() { usize::MAX } else { MAX_WORKLOADS };
    let mut shown: HashSet<String> = HashSet::new();
    let mut expansion = config.expand();
    loop {
        let (full, seen) = (expansion.is_beyond(&bound), expansion.found());
        let Some(dict) = expansion.next_dict()? else { break };
        let name = dict.get(keys::WORKLOAD).map(|entry| entry.value);
        let new = name.filter(|name| !shown.contains(*name));
        if full || new.is_some() && shown.len() >= most {
            return more(args, seen, path, err);
        }
        if let Some(name) = new {
            let found = workload::find(name);
            let why = guest.as_ref().zip(found).and_then(|(guest, found)| workload::fits(found, guest).err());
            show_workload(args, name, found, why, out)?;
            shown.insert(name.to_owned());
        }
    }
    // Variants without any workload are none to run.
    let found = if shown.is_empty() { 0 } else { expansion.found() };
    code(args, found, &expansion.emptied_by(), path, err)
}

fn show_workload(
    args: &List,
    name: &str,
    workload: Option<&dyn Workload>,
    why_not: Option<String>,
    out: &mut dyn Write,
) -> Result<(), Error> {
    let parameters = workload.map(Workload::parameters).unwrap_or_default();
    if args.json {
        let mut object = serde_json::json!({"name": name, "known": workload.is_some()});
        if let Some(workload) = workload {
            object["measures"] = workload.measures().into();
        }
        if args.guest.is_some() {
            object["runs"] = (workload.is_some() && why_not.is_none()).into();
            object["why_not"] = why_not.into();
        }
        if args.contents {
            let parameter =
                |k: &workload::Known| serde_json::json!({"key": k.key, "default": k.default, "help": k.help});
            object["parameters"] = parameters.iter().map(parameter).collect();
        }
        writeln!(out, "{object}")?;
        return Ok(());
    }
    let unknown = if workload.is_none() { " (perfvt has no such workload)" } else { "" };
    let why_not = why_not.map(|why| format!(" ({why})")).unwrap_or_default();
    let measures = workload.map(|workload| format!(": {}", workload.measures())).unwrap_or_default();
    writeln!(out, "{name}{unknown}{why_not}{measures}")?;
    for known in parameters.iter().filter(|_| args.contents) {
        writeln!(out, "    {} = {}    # {}", known.key, known.default.unwrap_or_default(), known.help)?;
    }
    Ok(())
}
