//! `perfvt plan`.

use crate::args::{Plain, Plan};
use crate::verbs::options::{filter, reading, refuse_empty, write_json};
use crate::{DONE, Error, NOTHING};
use analyze::{Asked, AskedOfHosts, CompareOptions, Noise};
use formats::perf_conf::effect;
use std::io::Write;
use std::path::PathBuf;

/// Says how many boots each row needs, and what it shows with so many.
pub fn plan(args: &Plan, out: &mut dyn Write, err: &mut dyn Write) -> Result<u8, Error> {
    let wanted = args.effect.as_deref().map(parse_effect).transpose()?;
    let mut options = reading(&args.reading, Vec::new(), err)?;
    filter(&mut options, &args.filters);
    options.alpha = args.alpha;
    options.noise = args.noise.as_deref().map(Noise::read).transpose()?;
    if args.hosts.is_some() || args.dirs.iter().any(|dir| analyze::is_farm(dir)) {
        return over_hosts(args, options, wanted, out);
    }
    let dirs = sides(&args.dirs)?;
    let (pilot, other) = match dirs.as_slice() {
        [pilot] => (pilot, None),
        [pilot, other] => (pilot, Some(other.clone())),
        several => {
            return Err(format!(
                "a plan takes the spread of one result or of two, and {} were given; plan for each candidate by itself",
                several.len()
            )
            .into());
        }
    };
    let (boots, sessions, all) = (args.boots, args.sessions, args.all);
    let asked = Asked { effect: wanted, boots, sessions, other, all, design: None };
    let plan = analyze::plan(&options, pilot, &asked)?;
    refuse_empty(plan.rows.len(), &args.filters)?;
    match args.format {
        Plain::Text => out.write_all(report::plan(&plan).as_bytes())?,
        Plain::Json => write_json(&plan, out)?,
    }
    let known = plan.rows.iter().any(|r| r.power.is_some());
    Ok(if known { DONE } else { NOTHING })
}

/// Over hosts: of a farm, of the campaigns of several hosts, or of both sides of one.
fn over_hosts(
    args: &Plan,
    mut options: CompareOptions,
    effect: Option<f64>,
    out: &mut dyn Write,
) -> Result<u8, Error> {
    options.paths.clone_from(&args.dirs);
    let asked = AskedOfHosts { effect, hosts: args.hosts, blocks: args.boots, all: args.all };
    let plan = analyze::plan_hosts(&options, &asked)?;
    refuse_empty(plan.rows.len(), &args.filters)?;
    match args.format {
        Plain::Text => out.write_all(report::plan_hosts(&plan).as_bytes())?,
        Plain::Json => write_json(&plan, out)?,
    }
    Ok(if plan.rows.iter().any(|row| row.found.is_some()) { DONE } else { NOTHING })
}

/// The sides: those that were named, or the environments of the one campaign that was, when there are two.
fn sides(named: &[PathBuf]) -> Result<Vec<PathBuf>, Error> {
    if let [campaign] = named
        && let Some(environments) = analyze::environments(campaign)?
        && let [_, _] = environments.as_slice()
    {
        return Ok(environments);
    }
    Ok(named.to_vec())
}

fn parse_effect(text: &str) -> Result<f64, Error> {
    effect(text.trim())
        .filter(|e| *e > 0.0)
        .ok_or_else(|| format!("--effect {text}: want a change above 0, 10% or 0.1 for example").into())
}
