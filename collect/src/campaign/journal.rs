//! Writing the journal: append-only, one fsynced line for each event.

use super::CampaignError;
use edge::write::Appending;
use formats::journal::{Entry, read, write_entry};
use model::Moment;
use model::journal::{Event, State};
use model::store::{JOURNAL_FILE, StoreError, io_error};
use std::path::{Path, PathBuf};

/// An open journal with the state that it tells of.
#[derive(Debug)]
pub struct Journal {
    file: Appending,
    path: PathBuf,
    next: u64,
    /// The fold of all its events.
    pub state: State,
}

impl Journal {
    /// Opens the journal of a campaign, or begins one. A line that was cut by a crash is cut off.
    pub fn open(campaign: &Path) -> Result<Journal, CampaignError> {
        let path = campaign.join(JOURNAL_FILE);
        let text = text(&path)?;
        let journal = read(&text).map_err(|error| CampaignError::Journal { path: path.clone(), error })?;
        let file = Appending::open(&path, journal.good_bytes as u64).map_err(io_error("opening", &path))?;
        let mut state = State::default();
        for entry in &journal.entries {
            state.apply(entry.unix_ns, &entry.event);
        }
        let next = journal.entries.len() as u64 + 1;
        Ok(Journal { file, path, next, state })
    }

    /// Reads a campaign's journal without touching it: each event with the moment at which it was written. Somebody may be
    /// writing the last line just now.
    pub fn events(campaign: &Path) -> Result<Vec<(u64, Event)>, CampaignError> {
        let path = campaign.join(JOURNAL_FILE);
        let journal = read(&text(&path)?).map_err(|error| CampaignError::Journal { path, error })?;
        Ok(journal.entries.into_iter().map(|entry| (entry.unix_ns, entry.event)).collect())
    }

    /// Writes an event down, and only then takes it into the state.
    pub fn append(&mut self, event: &Event) -> Result<(), StoreError> {
        let entry = Entry { seq: self.next, unix_ns: Moment::now().unix_ns, event: event.clone() };
        let line = write_entry(&entry).map_err(|source| StoreError::Json {
            path: self.path.clone(),
            line: self.next as usize,
            source,
        })?;
        self.file.append(line.as_bytes()).map_err(io_error("writing", &self.path))?;
        self.next += 1;
        self.state.apply(entry.unix_ns, event);
        Ok(())
    }
}

/// What stands in a journal; nothing in one that is not there.
fn text(path: &Path) -> Result<Vec<u8>, StoreError> {
    match edge::read(path, edge::read::RECORD) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        text => text.map_err(io_error("reading", path)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_journal_goes_on_where_a_crash_cut_it() {
        let dir = tempfile::tempdir().unwrap();
        let failed = |n: u32| Event::Interrupted { signal: format!("{n}") };
        let mut journal = Journal::open(dir.path()).unwrap();
        journal.append(&failed(1)).unwrap();
        journal.append(&failed(2)).unwrap();
        drop(journal);
        let path = dir.path().join(JOURNAL_FILE);
        let text = std::fs::read(&path).unwrap();
        std::fs::write(&path, &text[..text.len() - 5]).unwrap();
        let mut journal = Journal::open(dir.path()).unwrap();
        journal.append(&failed(3)).unwrap();
        let read = read(&std::fs::read(&path).unwrap()).unwrap();
        assert_eq!(read.entries.iter().map(|e| &e.event).collect::<Vec<_>>(), [&failed(1), &failed(3)]);
    }
}
