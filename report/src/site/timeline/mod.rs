//! The history of a lake on a site: small multiples of every series, a page for each event, and what is open.
//!
//! ```text
//! analyze::history::History ──> group (pages of a machine and workload) ──> small (a series) ──> picture (axis, thin)
//!                               event (a page for each)      overview (what is open; guests by machines)     table (CSV)
//!   all of it in a stage, which takes the place of SITE/h in one step
//! ```
//! ```text
//! SITE/h/index.html        what is open, guests by machines, machines with their workloads
//! SITE/h/events[-N].html   all events, the newest first       SITE/h/groups[-N].html  all machines and workloads
//! SITE/h/g/NAME[-N].html   small multiples of a machine and workload
//! SITE/h/e/EVENT.html .csv an event                           SITE/h/s/SERIES.csv     the points of a series
//! SITE/h/history.json      what the site's index says of it
//! ```
//! Everything is there without a script. Names are foreign: they are shown escaped and cut, and files are named by hashes.

mod axis;
mod event;
mod group;
mod names;
mod overview;
mod picture;
mod small;
mod table;
mod thin;
mod words;

use super::error::io;
use super::{SiteError, shell};
use analyze::history::{History, StepEvent};
use model::store::{self, sync_files, write_json};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;

/// The folder of a site.
pub(super) const FOLDER: &str = "h";
/// What the site's index says of it.
const SUMMARY: &str = "history.json";
/// The version that [`Summary::format`] carries. Changelog: 1, the first.
const SUMMARY_FORMAT: u32 = 1;
/// A page has so many bytes at most, beside its style and what stands around its parts; one part may be larger.
const PAGE: usize = 190_000;

/// What was published of a history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// Format version.
    pub format: u32,
    /// Series.
    pub series: usize,
    /// Their points.
    pub points: usize,
    /// Events that are open or confirmed.
    pub open: usize,
    /// Those of them in which something got worse.
    pub worse: usize,
    /// Seconds since the epoch of the newest point.
    pub newest: Option<i64>,
    /// Pages that were written.
    pub pages: usize,
}

/// An event, with the file of its page below `e/`.
pub(super) struct Event<'a> {
    pub step: &'a StepEvent,
    pub file: String,
}

impl Event<'_> {
    /// The first night of the new level of the series at a place of the event.
    pub fn at(&self, place: usize) -> usize {
        self.step.moved.get(place).map_or(0, |moved| moved.at)
    }
}

/// The steps of each series, by its id: in which event, and where in that.
pub(super) type Steps<'a> = HashMap<&'a str, Vec<(&'a Event<'a>, usize)>>;

/// Writes all pages into an empty folder, durably; `commits` is where a commit is shown, `{}` standing for it.
///
/// # Errors
/// It cannot be written.
pub(super) fn make(history: &History, commits: Option<&str>, out: &Path) -> Result<Summary, SiteError> {
    for folder in ["g", "e", "s"] {
        let folder = out.join(folder);
        edge::write::make_directory(&folder)
            .and_then(|()| edge::write::set_mode(&folder, 0o755))
            .map_err(io("creating", &folder))?;
    }
    let summary = pages(history, &events(history), commits, out)?;
    write_json(&out.join(SUMMARY), &summary)?;
    for folder in ["g", "e", "s", "."] {
        sync_files(&out.join(folder))?;
    }
    Ok(summary)
}

/// What a site has of a history; none where it has none, or one that does not read.
pub(super) fn summary(root: &Path) -> Option<Summary> {
    store::read_json(&root.join(FOLDER).join(SUMMARY), SUMMARY_FORMAT).ok()
}

/// All events with their files: no two have one.
fn events(history: &History) -> Vec<Event<'_>> {
    let mut taken = HashSet::new();
    let mut file = |name: &str| {
        let name = name.replace(|c: char| !c.is_ascii_alphanumeric(), "-");
        let page = (0..).find(|page| taken.insert(names::page_file(&name, *page))).unwrap_or_default();
        names::page_file(&name, page)
    };
    history.events.iter().map(|step| Event { file: file(&step.name), step }).collect()
}

fn pages(
    history: &History,
    events: &[Event<'_>],
    commits: Option<&str>,
    out: &Path,
) -> Result<Summary, SiteError> {
    let mut steps: Steps<'_> = HashMap::new();
    for event in events {
        for (place, moved) in event.step.moved.iter().enumerate() {
            steps.entry(&moved.id).or_default().push((event, place));
        }
    }
    let mut written = 0;
    let mut put = |name: &str, text: &str| {
        written += usize::from(name.ends_with(".html"));
        // Whole and durable at the end, all at once: nobody sees this folder before.
        let path = out.join(name);
        edge::write::write(&path, text)
            .and_then(|()| edge::write::set_mode(&path, 0o644))
            .map_err(io("writing", &path))
    };
    let groups = group::groups(history);
    let mut places: BTreeMap<&str, String> = BTreeMap::new();
    for group in &groups {
        let mut csv = |drawn: &small::Drawn<'_>| {
            let text = table::points(drawn.series, &drawn.states, &drawn.marks);
            put(&format!("s/{}.csv", drawn.series.id), &text)
        };
        let (pages, of) = group::pages(history, group, &steps, &mut csv)?;
        places.extend(of);
        for (file, text) in pages {
            put(&format!("g/{file}"), &text)?;
        }
    }
    let context = event::Context { history, steps: &steps, places: &places, commits };
    for event in events {
        put(&format!("e/{}", event.file), &event::page(&context, event))?;
        put(&format!("e/{}", event.file.replace(".html", ".csv")), &table::moved(event.step))?;
    }
    for (file, text) in overview::pages(history, events, &groups) {
        put(&file, &text)?;
    }
    let open = || history.open();
    Ok(Summary {
        format: SUMMARY_FORMAT,
        series: history.series.len(),
        points: history.series.iter().map(|series| series.nights.len()).sum(),
        open: open().count(),
        worse: open().filter(|event| event.is_worse()).count(),
        newest: history.series.iter().flat_map(|series| &series.nights).map(|night| night.at).max(),
        pages: written,
    })
}

/// How many of the parts, which are so long, stand on each page: at least one.
pub(super) fn paged(lengths: &mut dyn Iterator<Item = usize>) -> Vec<usize> {
    let (mut out, mut bytes): (Vec<usize>, usize) = (Vec::new(), 0);
    for length in lengths {
        bytes += length;
        match out.last_mut() {
            Some(count) if bytes <= PAGE => *count += 1,
            _ => {
                out.push(1);
                bytes = length;
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_put_on_pages_in_order_and_a_part_too_large_has_its_own() {
        let paged = |lengths: &[usize]| paged(&mut lengths.iter().copied());
        assert_eq!(paged(&[]), [0; 0]);
        assert_eq!(paged(&[PAGE, 1, PAGE * 3, 1, PAGE - 1]), [1, 1, 1, 2]);
        assert_eq!(paged(&[PAGE / 3; 7]), [3, 3, 1]);
    }
}
