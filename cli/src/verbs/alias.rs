//! `perfvt lake alias`.

use crate::args::{LakeAlias, NamePart};
use crate::verbs::moment::who;
use crate::{DONE, Error};
use analyze::history::{current_aliases, now, rename};
use edge::quoted;
use lake::{Event, Lake, Micros, Part, Said};
use std::io::Write;

/// Says that something has another name since, takes it back, or lists what was said.
pub(super) fn alias(args: &LakeAlias, out: &mut dyn Write) -> Result<u8, Error> {
    let lake = Lake::open(&args.lake)?;
    let (Some(part), Some(old)) = (args.part, args.old.clone()) else { return list(&lake, out) };
    let part = match part {
        NamePart::Machine => Part::Machine,
        NamePart::Case => Part::Case,
        NamePart::Metric => Part::Metric,
    };
    let said = match (&args.new, args.undo) {
        (_, true) => Said::NoAlias { part, old },
        (Some(new), false) => Said::Alias { part, old, new: new.clone() },
        (None, false) => return Err("want the new name, or --undo".into()),
    };
    let at = Micros(now().saturating_mul(1_000_000));
    let (issue, series) = (args.issue.clone(), args.series.clone());
    let event = Event { at, who: who(args.who.as_ref()), series, issue, expires: None, said };
    let renamed = rename(&lake, &event)?;
    lake.say(&event)?;
    match &event.said {
        Said::Alias { new, .. } if renamed.new == 0 => {
            writeln!(
                out,
                "{} series are called so since; none of {} {} is there yet",
                renamed.old,
                part.word(),
                quoted(new)
            )?;
        }
        Said::Alias { .. } => writeln!(out, "{} series go on under the new name", renamed.new)?,
        _ => writeln!(out, "taken back")?,
    }
    Ok(DONE)
}

fn list(lake: &Lake, out: &mut dyn Write) -> Result<u8, Error> {
    let all = current_aliases(lake)?;
    if all.is_empty() {
        writeln!(out, "nothing was renamed")?;
    }
    for (series, part, old, new) in all {
        let of = if series == "*" { String::new() } else { format!(", in series of {}", quoted(&series)) };
        writeln!(out, "{} {} is called {} since{of}", part.word(), quoted(&old), quoted(&new))?;
    }
    Ok(DONE)
}
