//! `perfvt history bisect`: the range of an event of a lake.

use super::bisect;
use crate::Error;
use crate::args::{Bisect, HistoryBisect};
use crate::verbs::history::InHistory;
use std::io::Write;

/// Bisects the range of an event of a lake.
pub fn of_event(
    args: HistoryBisect,
    command: Vec<String>,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<u8, Error> {
    let found = InHistory::of(&args.lake, &args.event, args.alpha)?;
    let (history, event) = (&found.history, found.event());
    let commit = |build: &str| {
        let nights = || history.series.iter().flat_map(|series| &series.nights);
        let night = nights().find(|night| night.build == build && night.commit.is_some());
        night.and_then(|night| night.commit.clone()).ok_or_else(|| {
            let build = edge::quoted(build);
            format!("the lake does not say which commit build '{build}' is; lake add --commit says it, and perfvt bisect takes GOOD..BAD")
        })
    };
    let name = &event.name;
    let before = event.last_before.as_deref();
    let before = before.ok_or_else(|| format!("event {name}: no build before it is known"))?;
    let range = format!("{}..{}", commit(before)?, commit(&event.first_after)?);
    let row = args.row.map_or_else(
        || -> Result<String, Error> {
            let first = event.moved.first().ok_or("an event in which nothing moved")?;
            let series = history.series.iter().find(|series| series.id == first.id);
            let series = series.ok_or("a series that is not there")?;
            Ok(format!("{}/{}", series.case, series.metric))
        },
        Ok,
    )?;
    writeln!(err, "event {name}: {range}, row {}", edge::visible(&row))?;
    bisect(&Bisect { range, how: args.how, row }, command, out, err)
}
