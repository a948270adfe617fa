//! `perfvt lake`.

use crate::args::{LakeAdd, LakeArgs, LakeVerb};
use crate::verbs::alias::alias;
use crate::verbs::export::export;
use crate::verbs::lineage::Lineage;
use crate::verbs::moment::moment_of;
use crate::verbs::options::{defaults, reading};
use crate::{DONE, Error, FOUND};
use analyze::history::{Told, lake_rows, table_rows, told_by_name};
use lake::{Added, Campaign, Lake};
use model::counted;
use std::io::Write;
use std::path::Path;

/// Adds to a lake, and keeps it in order.
pub fn lake(args: &LakeArgs, out: &mut dyn Write, err: &mut dyn Write) -> Result<u8, Error> {
    match &args.verb {
        LakeVerb::Add(add) => add_results(add, out, err),
        LakeVerb::Export(asked) => export(asked, out, err),
        LakeVerb::Alias(asked) => alias(asked, out),
        LakeVerb::Compact { lake } => compact(lake, out),
        LakeVerb::Check { lake } => check(lake, out),
    }
}

fn add_results(args: &LakeAdd, out: &mut dyn Write, err: &mut dyn Write) -> Result<u8, Error> {
    let told = Told {
        build: args.build.clone(),
        commit: args.commit.clone(),
        at: moment_of("--time", args.time.as_ref())?,
        machine: args.machine.clone(),
        anchor: args.anchor.clone(),
    };
    // Everything is read before anything is added: half of a list would be hard to tell from the whole.
    let options = reading(&args.reading, Vec::new(), err)?;
    let mut all: Vec<(&Path, Vec<Campaign>)> = Vec::new();
    for path in &args.results {
        let told = match &args.names {
            Some(pattern) => told_by_name(pattern, path, &told)?,
            None => told.clone(),
        };
        let is_table = path.extension().is_some_and(|end| end == "csv") && path.is_file();
        let table = if is_table { table_rows(path, &text_of(path)?, &options.conf, &told)? } else { None };
        let campaigns = match table {
            Some(campaigns) => campaigns,
            None => lake_rows(path, &options, &told)?,
        };
        all.push((path, campaigns));
    }
    let mut lineage = Lineage::of(&args.repository)?;
    let lake = Lake::open_or_create(&args.lake)?;
    if let Some(lineage) = &mut lineage {
        let mut campaigns: Vec<&mut Campaign> = all.iter_mut().flat_map(|(_, campaigns)| campaigns).collect();
        lineage.tell(&lake, &mut campaigns, err)?;
    }
    for (path, campaigns) in all {
        add(&lake, path, &campaigns, out)?;
    }
    Ok(DONE)
}

/// A table, which may hold years.
fn text_of(path: &Path) -> Result<String, Error> {
    edge::read_text(path, edge::read::RESULT)
        .map_err(|error| format!("reading {}: {error}", path.display()).into())
}

/// Adds a campaign that has just ended; says that to the first, and what is odd of it to the second.
pub(super) fn add_campaign(
    lake: &Path,
    campaign: &Path,
    told: &Told,
    lineage: Option<&mut Lineage>,
    (out, err): (&mut dyn Write, &mut dyn Write),
) -> Result<(), Error> {
    let mut rows = lake_rows(campaign, &defaults()?, told)?;
    let lake = Lake::open_or_create(lake)?;
    if let Some(lineage) = lineage {
        lineage.tell(&lake, &mut rows.iter_mut().collect::<Vec<_>>(), err)?;
    }
    add(&lake, campaign, &rows, out)
}

fn add(lake: &Lake, path: &Path, campaigns: &[Campaign], out: &mut dyn Write) -> Result<(), Error> {
    let (mut new, mut there, mut replaced, mut rows) = (0, 0, 0, 0);
    for campaign in campaigns {
        rows += campaign.points.len();
        match lake.add(campaign)? {
            Added::New => new += 1,
            Added::AlreadyThere => there += 1,
            Added::Replaced => replaced += 1,
        }
    }
    let told = [(new, "added"), (replaced, "replaced"), (there, "already there")];
    let told: Vec<String> = told
        .iter()
        .filter(|(n, _)| *n > 0)
        .map(|(n, what)| if campaigns.len() == 1 { (*what).to_owned() } else { format!("{n} {what}") })
        .collect();
    writeln!(out, "{}: {} ({})", path.display(), told.join(", "), counted(rows, "point"))?;
    Ok(())
}

fn compact(path: &Path, out: &mut dyn Write) -> Result<u8, Error> {
    let lake = Lake::open(path)?;
    let done = lake.compact(&analyze::history::this_month())?;
    writeln!(out, "{} of months that are over became {}", counted(done.files, "file"), done.months)?;
    for torn in &done.torn {
        writeln!(out, "{}: does not read ({}); its month is left as it is", torn.path.display(), torn.why)?;
    }
    Ok(DONE)
}

fn check(path: &Path, out: &mut dyn Write) -> Result<u8, Error> {
    let lake = Lake::open(path)?;
    lake.events()?;
    let torn = lake.check();
    for torn in &torn {
        writeln!(out, "{}: {}", torn.path.display(), torn.why)?;
    }
    let told = match torn.is_empty() {
        true => "everything reads",
        false => {
            "add the results of a file that does not read again (`perfvt lake add`); it is replaced then, or, if it is a month's, move \
             it out of the lake, as what has no place there"
        }
    };
    writeln!(out, "{told}")?;
    Ok(if torn.is_empty() { DONE } else { FOUND })
}
