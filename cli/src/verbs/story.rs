//! `perfvt status`, the job log and the page of a run: views of a campaign's plan and journal.

use crate::args::Status;
use crate::say::unwritten;
use crate::verbs::drive::kept::{Note, told};
use crate::{DONE, Error};
use collect::campaign::Campaign;
use collect::campaign::journal::Journal;
use edge::write::{output, parent};
use model::journal::State;
use model::profile::FLAME_FILE;
use model::store::{JOB_LOG, RUN_PAGE, write_atomically};
use model::{Moment, readable};
use report::campaign::{Kept, Life, Story, junit, log, page, status as words};
use std::cell::Cell;
use std::io::Write;
use std::path::Path;
use vm::host::locks::{Holder, holder};

/// Bytes of pictures behind which a page takes no more.
const MOST_SHOWN: usize = 4 << 20;
/// How a PNG begins.
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";

/// Looks at a campaign from outside; nothing of it is touched.
pub fn status(args: &Status, out: &mut dyn Write) -> Result<u8, Error> {
    let events = Journal::events(&args.dir)?;
    let file = Campaign::plan_in(&args.dir, &State::of(&events))?;
    let story = Story { file: &file, events: &events };
    let text = if args.log {
        log(&story)
    } else {
        let life = holder(&args.dir).map_or(Life::Free, |h: Holder| life(&args.dir, h.to_string()));
        words(&story, &life, Moment::now().unix_ns, args.json)
    };
    out.write_all(text.as_bytes())?;
    if let Some(told) = told(&args.dir).filter(|_| !args.log && !args.json) {
        writeln!(out, "{told}")?;
    }
    Ok(DONE)
}

fn life(dir: &Path, holder: String) -> Life {
    match Note::of_living(dir) {
        Some(Note { boot, reason, .. }) => Life::Keeps { holder, boot, reason },
        None => Life::Held(holder),
    }
}

/// Writes the job log and the page of a campaign that is at its end, or was stopped.
pub fn write(dir: &Path, campaign: &Campaign) -> Result<(), Error> {
    let events = Journal::events(dir)?;
    let story = Story { file: campaign.file(), events: &events };
    write_atomically(&dir.join(JOB_LOG), log(&story).as_bytes())?;
    flames(dir, &story)?;
    let shown = Cell::new(0usize);
    let page = page(&story, &|boot| {
        let folder = campaign.forensics(boot)?;
        // A page of many failed boots shows the first ones, and links all.
        let mut screens = if shown.get() < MOST_SHOWN { campaign.screens(&folder) } else { Vec::new() };
        screens.retain(|(_, png)| png.starts_with(PNG));
        shown.set(shown.get() + screens.iter().map(|(_, png)| png.len()).sum::<usize>());
        Some(Kept { folder, screens })
    });
    Ok(write_atomically(&dir.join(RUN_PAGE), page.as_bytes())?)
}

/// Draws the profiles that have no picture yet.
fn flames(dir: &Path, story: &Story<'_>) -> Result<(), Error> {
    for (environment, profile) in &story.state().profiles {
        let environment = dir.join(environment);
        for case in &profile.cases {
            let picture = environment.join(&case.folder).join(FLAME_FILE);
            if !picture.exists() {
                let flame = analyze::flame(&environment, case)?;
                let heading = format!("{}: {}", profile.boot, readable(&case.case.id()));
                write_atomically(&picture, report::flame_svg(&flame, &heading).as_bytes())?;
            }
        }
    }
    Ok(())
}

/// Says what the campaign is called, and where its page and its log lie.
pub fn point(dir: &Path, campaign: &Campaign, to: &mut dyn Write) {
    let (page, log) = (dir.join(RUN_PAGE), dir.join(JOB_LOG));
    // A campaign goes on without its terminal.
    let _ = writeln!(to, "job {}: {}, {}", campaign.file().id, page.display(), log.display());
}

/// Refuses a place for JUnit XML in a folder that is not there, before hours are measured. The campaign's own directory will be.
pub fn check_junit(path: Option<&Path>, dir: &Path) -> Result<(), Error> {
    let Some(path) = path else { return Ok(()) };
    let folder = parent(path);
    if folder.is_dir() || folder == dir {
        return Ok(());
    }
    let (path, folder) = (path.display(), folder.display());
    Err(format!("--junit {path}: there is no folder {folder}; make it, or give another file").into())
}

/// Writes the campaign as JUnit XML, whether it has ended or not.
pub fn write_junit(path: &Path, dir: &Path, campaign: &Campaign) -> Result<(), Error> {
    let events = Journal::events(dir)?;
    let text = junit(&Story { file: campaign.file(), events: &events });
    output(path, text.as_bytes()).map_err(|e| unwritten(path, &e).into())
}
