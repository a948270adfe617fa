//! `perfvt status`, the job log and the page of a run: views of a campaign's plan and journal.

use crate::args::Status;
use crate::{DONE, Error};
use collect::campaign::Campaign;
use collect::campaign::journal::Journal;
use collect::host::locks::{Holder, holder};
use model::Moment;
use model::journal::State;
use model::store::{JOB_LOG, RUN_PAGE, write_atomically};
use report::campaign::{Life, Story, log, page, status as words};
use std::io::Write;
use std::path::Path;

/// Looks at a campaign from outside; nothing of it is touched.
pub fn status(args: &Status, out: &mut dyn Write) -> Result<u8, Error> {
    let events = Journal::events(&args.dir)?;
    let file = Campaign::plan_in(&args.dir, &State::of(&events))?;
    let story = Story { file: &file, events: &events };
    let text = if args.log {
        log(&story)
    } else {
        let life = holder(&args.dir).map_or(Life::Free, |h: Holder| Life::Held(h.to_string()));
        words(&story, &life, Moment::now().unix_ns, args.json)
    };
    out.write_all(text.as_bytes())?;
    Ok(DONE)
}

/// Writes the job log and the page of a campaign that is at its end, or was stopped.
pub fn write(dir: &Path, campaign: &Campaign) -> Result<(), Error> {
    let events = Journal::events(dir)?;
    let story = Story { file: campaign.file(), events: &events };
    write_atomically(&dir.join(JOB_LOG), log(&story).as_bytes())?;
    let page = page(&story, &|boot| campaign.forensics(boot));
    Ok(write_atomically(&dir.join(RUN_PAGE), page.as_bytes())?)
}
