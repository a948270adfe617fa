//! The site: opened and locked, results added one by one, index and feed made again.

use super::content::{Content, sides};
use super::data::{self, SIGNATURE, SUMS};
use super::entry::{self, Data, ENTRY_FILE, ENTRY_FORMAT, Entry, Kind};
use super::error::io;
use super::history::{POINTS_FILE, Points};
use super::settings::{Checks, Kept, SITE_FILE, Settings};
use super::{SiteError, Stage, feed, guests, history, index, owner, pages, stage::Part, sysinfo, timeline};
use crate::HtmlOptions;
use crate::brief;
use crate::machine::{machine, same};
use crate::rows;
use crate::sentence::{candidate_label, sentence};
use edge::owned;
use edge::visible;
use edge::write::{exchange, rename};
use model::store::{self, create_directory, sync_directory, sync_files, write_atomically, write_json};
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// A page that comes with a result; larger ones stay in the archive.
const RUN_PAGE: &str = "run.html";
const RUN_PAGE_LIMIT: u64 = 32 << 20;
/// The badge of a comparison, and at the root that of the newest one.
const BADGE: &str = "badge.svg";
const BADGE_LIMIT: u64 = 64 << 10;

/// A site that this process alone is changing.
#[derive(Debug)]
pub struct Site {
    root: PathBuf,
    settings: Settings,
    checks: Checks,
    /// Held as long as the site is open.
    _lock: File,
}

/// What the caller says of a result.
#[derive(Clone, Debug, Default)]
pub struct Labelled {
    /// Instead of the labels of the sides.
    pub title: Option<String>,
    /// Instead of what the facts say.
    pub machine: Option<String>,
    /// The time of publication, seconds since the epoch.
    pub now: i64,
    /// Version of perfvt.
    pub perfvt: String,
}

/// What has become of a result.
#[derive(Clone, Debug)]
pub struct Added {
    /// Its entry.
    pub entry: Entry,
    /// The entry of the same data that was there before.
    pub replaced: Option<Entry>,
}

impl Site {
    /// Opens a site, or makes one of a new or empty folder, and waits until no other process changes it; `waiting` is
    /// called once before that. Title and address are kept when they are given, and that signatures are checked.
    ///
    /// # Errors
    /// A folder that holds something else, or cannot be written.
    pub fn open(root: &Path, kept: &Kept, now: i64, waiting: &mut dyn FnMut()) -> Result<Site, SiteError> {
        create_directory(root)?;
        let refuse_foreign = || match is_foreign(root)? {
            true => Err(SiteError::NotASite { path: root.to_owned() }),
            false => Ok(()),
        };
        refuse_foreign()?;
        let lock = locked(&root.join(".lock"), waiting)?;
        let settings = Settings::open(root, kept, now, || entry::all(root).0)?;
        remove_leftovers(root)?;
        create_directory(&root.join("r"))?;
        Ok(Site { root: root.to_owned(), settings, checks: kept.checks, _lock: lock })
    }

    /// A place for one result.
    ///
    /// # Errors
    /// A site that cannot be written, or that asks for signatures when they are not checked.
    pub fn stage(&self) -> Result<Stage, SiteError> {
        if self.settings.signers == Some(true) && self.checks == Checks::None {
            return Err(SiteError::Unchecked { path: self.root.clone() });
        }
        Stage::new(&self.root)
    }

    /// Makes the pages of a result, and puts it into the site in one step; the same data replace what was there.
    ///
    /// # Errors
    /// A site that cannot be written; a result of the future, or one whose entry or machine is somebody else's.
    pub fn add(&self, stage: Stage, content: Content, labelled: &Labelled) -> Result<Added, SiteError> {
        let out = stage.out();
        let measured = entry::believed(measured(&content), labelled.now)?;
        let data = archives(&stage, &out, measured)?;
        let mut entry = described(&content, data, measured, labelled);
        let folder = self.root.join("r");
        let (entries, _) = entry::all(&self.root);
        let replaced = entry::same_data(&entries, &entry.samples).cloned();
        if let Some(old) = &replaced {
            owner::may_replace(&folder.join(&old.id), old, &entry.data)?;
            (entry.id, entry.published_unix) = (old.id.clone(), old.published_unix);
        } else {
            // A name that cannot be looked at is taken.
            let taken = |name: &str| !matches!(fs::symlink_metadata(folder.join(name)), Err(e) if e.kind() == ErrorKind::NotFound);
            let id = entry::free_id(measured, &entry.samples, taken);
            let full = || SiteError::Taken { path: folder.clone(), samples: entry.samples.clone() };
            entry.id = id.ok_or_else(full)?;
        }
        owner::may_claim(&self.root, &entries, &entry)?;
        let target = folder.join(&entry.id);
        let sides = sysinfo::sides(&content);
        write(&out, "sysinfo.html", &sysinfo::page(&entry, &sides))?;
        entry.run_page = self.run_page(&stage, &out, &entry)?;
        self.pages(&stage, &out, content, &entry)?;
        write_json(&out.join(ENTRY_FILE), &entry)?;
        sync_files(&out)?;
        edge::write::set_mode(&out, 0o755).map_err(io("writing", &out))?;
        install(&out, &target)?;
        Ok(Added { entry, replaced })
    }

    /// The page of the comparison or of the run, the comparison as JSON, and the points for later histories.
    fn pages(&self, stage: &Stage, out: &Path, content: Content, entry: &Entry) -> Result<(), SiteError> {
        let published = pages::published(entry);
        match content {
            Content::Comparison(mut comparison, classic) => {
                stage.relocate(&mut comparison);
                let history = history::before(&self.root, entry);
                let options = HtmlOptions {
                    title: Some(entry.title.clone()),
                    classic,
                    history: Some(history).filter(|h| !h.occasions.is_empty()),
                    published: Some(published),
                    docs: self.settings.docs.clone(),
                    ..HtmlOptions::default()
                };
                write(out, "index.html", &crate::html(&comparison, &options))?;
                write(out, BADGE, &crate::badge(&comparison, None))?;
                let mut json = Vec::new();
                // Only writing could fail, and a Vec takes every byte.
                let _ = crate::json(&comparison, &mut json);
                write_atomically(&out.join("comparison.json"), &json)?;
                write_json(&out.join(POINTS_FILE), &Points::of(&comparison))?;
            }
            Content::Run(mut shown) => {
                stage.relocate_shown(&mut shown);
                write(out, "index.html", &pages::run(entry, &shown, &published))?;
            }
        }
        Ok(())
    }

    /// A page that came with a result, in a frame in which nothing runs.
    fn run_page(&self, stage: &Stage, out: &Path, entry: &Entry) -> Result<bool, SiteError> {
        let found = stage.parts.iter().map(|p| stage.folder(p).join(RUN_PAGE));
        let small = |p: &PathBuf| fs::metadata(p).is_ok_and(|m| m.is_file() && m.len() <= RUN_PAGE_LIMIT);
        let Some(path) = found.into_iter().find(small) else { return Ok(false) };
        let page = edge::read(&path, RUN_PAGE_LIMIT).map_err(io("reading", &path))?;
        write(out, RUN_PAGE, &pages::framed(entry, &String::from_utf8_lossy(&page)))?;
        Ok(true)
    }

    /// The newest comparison's badge, under an address that stays. A comparison that an older perfvt published has none.
    fn badge(&self, entries: &[Entry]) -> Result<(), SiteError> {
        let comparisons = entries.iter().filter(|e| e.kind == Kind::Comparison);
        let newest = comparisons.max_by_key(|e| (e.measured_unix, e.published_unix));
        let of_it =
            newest.map(|e| self.root.join("r").join(&e.id).join(BADGE)).filter(|badge| badge.exists());
        let badge = match &of_it {
            Some(path) => edge::read(path, BADGE_LIMIT).map_err(io("reading", path))?,
            None => crate::badge::of_nothing().into_bytes(),
        };
        Ok(write_atomically(&self.root.join(BADGE), &badge)?)
    }

    /// The page of guests, which is there once an entry tells of one.
    fn guests(&self, entries: &[Entry]) -> Result<(), SiteError> {
        let page = guests::page(&self.settings.title, entries);
        let was_there = self.root.join(guests::PAGE).symlink_metadata().is_ok();
        match page {
            Some(page) => write(&self.root, guests::PAGE, &page),
            // The last one that told of a guest was removed.
            None if was_there => write(&self.root, guests::PAGE, &guests::empty(&self.settings.title)),
            None => Ok(()),
        }
    }

    /// Removes entries beyond the newest so many of each machine and its workloads, and gives them.
    ///
    /// # Errors
    /// A site that cannot be written.
    pub fn keep(&self, newest: usize) -> Result<Vec<Entry>, SiteError> {
        // The newest first.
        let (mut entries, _) = entry::all(&self.root);
        let mut kept: BTreeMap<(String, Vec<String>), usize> = BTreeMap::new();
        let is_beyond = |entry: &mut Entry| {
            let of = kept.entry((entry.machine.clone(), entry.workloads.clone())).or_default();
            *of += 1;
            *of > newest
        };
        let removed: Vec<Entry> = entries.extract_if(.., is_beyond).collect();
        if removed.is_empty() {
            return Ok(removed);
        }
        // Out of readers' sight by one rename each; what is staged is removed with its stage, or by the next publisher.
        let stage = Stage::new(&self.root)?;
        for entry in &removed {
            let folder = self.root.join("r").join(&entry.id);
            rename(&folder, stage.out().join(&entry.id)).map_err(io("removing", &folder))?;
        }
        sync_directory(&self.root.join("r"))?;
        Ok(removed)
    }

    /// Puts the pages of a lake's history in the place of those that are there, in one step, and says what they show. Commits
    /// have links where the site knows of an address.
    ///
    /// # Errors
    /// A site that cannot be written.
    pub fn put_history(&self, history: &analyze::history::History) -> Result<timeline::Summary, SiteError> {
        let stage = Stage::new(&self.root)?;
        let out = stage.out();
        let summary = timeline::make(history, self.settings.commit_url.as_deref(), &out)?;
        edge::write::set_mode(&out, 0o755).map_err(io("writing", &out))?;
        install(&out, &self.root.join(timeline::FOLDER))?;
        Ok(summary)
    }

    /// Makes index, feed and badge again out of all entries; gives their number and what could not be read.
    ///
    /// # Errors
    /// A site that cannot be written.
    pub fn finish(self) -> Result<(usize, Vec<String>), SiteError> {
        let (entries, problems) = entry::all(&self.root);
        write(
            &self.root,
            "index.html",
            &index::page(&self.settings, &entries, timeline::summary(&self.root).as_ref()),
        )?;
        self.guests(&entries)?;
        write_atomically(&self.root.join("feed.xml"), feed::atom(&self.settings, &entries).as_bytes())?;
        self.badge(&entries)?;
        Ok((entries.len(), problems))
    }
}

fn write(folder: &Path, name: &str, page: &str) -> Result<(), SiteError> {
    Ok(write_atomically(&folder.join(name), page.as_bytes())?)
}

/// Whether a folder holds things and is no site.
fn is_foreign(root: &Path) -> Result<bool, SiteError> {
    // Listed before it is looked for: another publisher may be making the site right now, and makes this file first.
    let mut listing = fs::read_dir(root).map_err(io("listing", root))?.flatten();
    let holds = listing.any(|e| e.file_name() != ".lock" && !owned::is_passing(&e.file_name()));
    Ok(holds && !root.join(SITE_FILE).exists())
}

/// The lock of a site. A file and not the folder itself: over NFS only what is open for writing can be locked.
fn locked(path: &Path, waiting: &mut dyn FnMut()) -> Result<File, SiteError> {
    let lock = edge::write::open_lock(path).map_err(io("opening", path))?;
    let failed = |e: Errno| io("locking", path)(e.into());
    match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
        Err(Errno::WOULDBLOCK) => {
            waiting();
            flock(&lock, FlockOperation::LockExclusive).map_err(failed)?;
        }
        other => other.map_err(failed)?,
    }
    Ok(lock)
}

/// Removes the stages of publishers that were killed, and files that they were writing: whoever holds the lock is the only one
/// who has any.
fn remove_leftovers(root: &Path) -> Result<(), SiteError> {
    owned::remove_dead(root);
    owned::remove_unfinished(root, false).map_err(io("removing unfinished files in", root))
}

/// Moves a finished folder to its place; what was there is exchanged in the same step, so that no reader misses it.
fn install(out: &Path, target: &Path) -> Result<(), SiteError> {
    if target.exists() {
        match exchange(out, target) {
            // A file system that cannot exchange: a reader may miss the old one for a moment.
            Err(error) if matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::Unsupported) => {
                let old = out.with_extension("old");
                rename(target, &old).map_err(io("renaming", target))?;
                if let Err(error) = rename(out, target) {
                    // What was published comes back; if it cannot, the error says which it was.
                    let _ = rename(&old, target);
                    return Err(io("renaming to", target)(error));
                }
            }
            other => other.map_err(io("renaming to", target))?,
        }
    } else {
        rename(out, target).map_err(io("renaming to", target))?;
    }
    Ok(sync_directory(store::parent(target))?)
}

/// Archives every part of a stage.
fn archives(stage: &Stage, out: &Path, measured: Option<i64>) -> Result<Vec<Data>, SiteError> {
    let date = measured.and_then(|s| u64::try_from(s).ok()).unwrap_or(0);
    let archived = |part: &Part| {
        let manifest = part.copied.manifest();
        let file = format!("{}.tar.gz", part.name);
        let signature = part.signed.signature.as_deref();
        let mut extra: Vec<(&str, &[u8])> = vec![(SUMS, &manifest)];
        extra.extend(signature.map(|bytes| (SIGNATURE, bytes)));
        let place = (part.name.as_str(), date);
        let (bytes, sha256) =
            data::archive(&part.copied, &stage.folder(part), place, &extra, &out.join(&file))?;
        Ok(Data {
            name: part.name.clone(),
            file,
            bytes,
            sha256,
            samples: data::sha256(&manifest),
            files: part.copied.sums.len(),
            left_out: part.copied.left_out.clone(),
            signed: signature.is_some(),
            signer: part.signed.signer.clone(),
            baseline: part.baseline,
        })
    };
    stage.parts.iter().map(archived).collect()
}

/// When the newest side was measured.
fn measured(content: &Content) -> Option<i64> {
    sides(content).iter().filter_map(|s| s.date_unix).max()
}

/// The entry of a result, but for its name and whether it has a page of its own.
fn described(content: &Content, data: Vec<Data>, measured_unix: Option<i64>, labelled: &Labelled) -> Entry {
    let sides = sides(content);
    let sums: String = data.iter().map(|d| d.samples.as_str()).collect();
    let samples = match data.as_slice() {
        [only] => only.samples.clone(),
        _ => data::sha256(sums.as_bytes()),
    };
    let (kind, title, sentences, verdicts, rows, workloads) = match content {
        Content::Comparison(c, _) => {
            let candidates: Vec<String> = (0..c.b.len()).map(|i| candidate_label(c, i)).collect();
            let title = format!("{} → {}", visible(&c.a.label), candidates.join(", "));
            let verdicts =
                rows::gating_counts(c).into_iter().map(|(v, n)| (v.word().to_owned(), n)).collect();
            (Kind::Comparison, title, sentence(c), verdicts, c.rows.len(), &c.workloads)
        }
        Content::Run(shown) => {
            let text = format!("{}: {}.", visible(&shown.side.label), crate::sides::facts(&shown.side));
            let title = visible(&shown.side.label).into_owned();
            (Kind::Run, title, vec![text], Default::default(), shown.rows.len(), &shown.workloads)
        }
    };
    let brief = match content {
        Content::Comparison(c, _) => brief::brief(c),
        Content::Run(shown) => brief::of_run(shown),
    };
    let guests = match content {
        Content::Comparison(c, _) => guests::of_comparison(c),
        Content::Run(shown) => guests::of_run(shown),
    };
    Entry {
        format: ENTRY_FORMAT,
        perfvt: labelled.perfvt.clone(),
        id: String::new(),
        kind,
        title: labelled.title.clone().unwrap_or(title),
        machine: labelled.machine.clone().unwrap_or_else(|| machine(&sides)),
        accel: same(&sides, "accel"),
        workloads: workloads.iter().map(|w| w.name.clone()).collect(),
        measured_unix,
        published_unix: labelled.now,
        samples,
        sentences,
        brief,
        verdicts,
        rows,
        data,
        run_page: false,
        guests,
    }
}
