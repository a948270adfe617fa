//! `perfvt plan`.

use crate::args::{Plain, Plan};
use crate::verbs::options::{filter, reading, refuse_empty, write_json};
use crate::{DONE, Error, NOTHING};
use analyze::{Asked, Noise};
use formats::perf_conf::effect;
use std::io::Write;

/// Says how many boots each row needs, and what it shows with so many.
pub fn plan(args: &Plan, out: &mut dyn Write, err: &mut dyn Write) -> Result<u8, Error> {
    let wanted = args.effect.as_deref().map(parse_effect).transpose()?;
    let mut options = reading(&args.reading, Vec::new(), err)?;
    filter(&mut options, &args.filters);
    options.alpha = args.alpha;
    options.noise = args.noise.as_deref().map(Noise::read).transpose()?;
    let (pilot, other) = match args.dirs.as_slice() {
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

fn parse_effect(text: &str) -> Result<f64, Error> {
    effect(text.trim())
        .filter(|e| *e > 0.0)
        .ok_or_else(|| format!("--effect {text}: want a change above 0, 10% or 0.1 for example").into())
}
