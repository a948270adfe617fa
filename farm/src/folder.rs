//! A farm's directory: what was asked for, what was done about it, and where everything lies.

use crate::asked::is_name;
use crate::boots::{BOOTS_FORMAT, Boots};
use crate::events::Event;
use crate::slurm::BODY;
use edge::Scratch;
use edge::write::Appending;
use formats::journal::{Entry, read_events, write_entry};
use model::farm::{FARM_FILE, FARM_FORMAT, SHARDS, shard_folder};
use model::store::{self, StoreError, create_directory, io_error};
use model::{FarmFile, FarmShard, Moment, ShardPlan};
use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// Name of the list of what was done.
const EVENTS: &str = "events.jsonl";
/// Name of the folder in which shards say how they ended.
const ENDS: &str = "ends";
/// Name of the folder of what jobs say.
const LOGS: &str = "logs";
/// Name of the folder of what was copied of shards that went to another host before they had measured.
const MOVED: &str = "moved";
/// Name of the text that every job begins with.
const BODY_FILE: &str = "body.sh";
/// The version that [`End::format`] and [`Machine::format`] carry.
const END_FORMAT: u32 = 1;

/// A farm that cannot be read, written or gone on with.
#[derive(Debug, thiserror::Error)]
pub enum FarmError {
    /// A file of it.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It is none.
    #[error("{path} is no farm: there is no {FARM_FILE}", path = path.display())]
    NoFarm {
        /// The directory.
        path: PathBuf,
    },
    /// Its list of what was done is damaged before its end.
    #[error("reading {path}:{error}; the file was changed by something else than perfvt", path = path.display())]
    Events {
        /// The list.
        path: PathBuf,
        /// What is wrong.
        error: formats::journal::JournalError,
    },
    /// Its description is not one that perfvt wrote.
    #[error("reading {path}: {reason}", path = path.display())]
    Plan {
        /// The description.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Somebody else works on it.
    #[error("{path} is in the hands of another perfvt farm; try again when that has ended", path = path.display())]
    Busy {
        /// The directory.
        path: PathBuf,
    },
    /// A shard that it does not have.
    #[error("{path} has no shard {k}; it has 1 to {of}", path = path.display())]
    NoShard {
        /// The directory.
        path: PathBuf,
        /// The number.
        k: u32,
        /// How many there are.
        of: usize,
    },
}

/// How the job of a shard ended last. Its shard alone writes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct End {
    /// Format version.
    pub format: u32,
    /// When, nanoseconds since the epoch.
    pub unix_ns: u64,
    /// The job's number.
    pub job: String,
    /// The host that it ran on.
    pub host: String,
    /// The exit code of `perfvt run`.
    pub code: u8,
    /// How often in a row the host was to blame.
    #[serde(default)]
    pub host_troubles: u32,
    /// Why, where it is no success.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl End {
    /// An end of this moment.
    pub fn now(job: String, host: String, code: u8) -> End {
        let unix_ns = Moment::now().unix_ns;
        End { format: END_FORMAT, unix_ns, job, host, code, host_troubles: 0, reason: None }
    }
}

/// The machine on which a shard was begun.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// Format version.
    pub format: u32,
    /// What Slurm calls it.
    pub host: String,
    /// Its own identity (fact host.id); empty where it has none.
    pub id: String,
}

/// A farm's directory.
#[derive(Debug)]
pub struct Farm {
    dir: PathBuf,
    file: FarmFile,
    events: Vec<(u64, Event)>,
}

impl Farm {
    /// Writes what was asked for, whole or not at all.
    ///
    /// # Errors
    /// The directory is there already, or cannot be made.
    pub fn create(dir: &Path, file: &FarmFile) -> Result<Farm, FarmError> {
        let parent = store::parent(dir);
        create_directory(parent)?;
        edge::owned::remove_dead(parent);
        let staging = Scratch::staging(parent, "").map_err(io_error("creating a directory in", parent))?;
        let new = staging.path().join("farm");
        for folder in ["", SHARDS, ENDS, LOGS] {
            create_directory(&new.join(folder))?;
        }
        store::write_atomically(&new.join(BODY_FILE), BODY.as_bytes())?;
        store::write_json(&new.join(FARM_FILE), file)?;
        edge::write::rename_new(&new, dir).map_err(io_error("creating", dir))?;
        store::sync_directory(parent)?;
        Farm::open(dir)
    }

    /// Reads one. Nothing is locked: a shard reads it while others write.
    ///
    /// # Errors
    /// It is none, or damaged.
    pub fn open(dir: &Path) -> Result<Farm, FarmError> {
        let path = dir.join(FARM_FILE);
        if !path.is_file() {
            return Err(FarmError::NoFarm { path: dir.to_owned() });
        }
        let file: FarmFile = store::read_json(&path, FARM_FORMAT)?;
        check(&file).map_err(|reason| FarmError::Plan { path, reason })?;
        let events = events(&dir.join(EVENTS))?;
        Ok(Farm { dir: dir.to_owned(), file, events })
    }

    /// The same in this process's hands: nobody else hands in, cancels or moves while what is given lives.
    ///
    /// # Errors
    /// As [`Farm::open`], or somebody else has it.
    pub fn take(dir: &Path) -> Result<(Farm, File), FarmError> {
        Farm::open(dir)?;
        let lock = edge::read::directory(dir).map_err(io_error("opening", dir))?;
        if flock(&lock, FlockOperation::NonBlockingLockExclusive).is_err() {
            return Err(FarmError::Busy { path: dir.to_owned() });
        }
        Ok((Farm::open(dir)?, lock))
    }

    /// The directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// What was asked for.
    pub fn file(&self) -> &FarmFile {
        &self.file
    }

    /// What was done, with the moments, oldest first.
    pub fn events(&self) -> &[(u64, Event)] {
        &self.events
    }

    /// One of its shards.
    ///
    /// # Errors
    /// It has no such.
    pub fn plan(&self, k: u32) -> Result<&ShardPlan, FarmError> {
        let found = self.file.shards.iter().find(|shard| shard.k == k);
        let (path, of) = (self.dir.clone(), self.file.shards.len());
        found.ok_or(FarmError::NoShard { path, k, of })
    }

    /// The host that a shard belongs to by now.
    pub fn host_of(&self, plan: &ShardPlan) -> String {
        let moved = self.events.iter().rev().find_map(|(_, event)| match event {
            Event::Moved { shard, to, .. } if *shard == plan.k => Some(to.clone()),
            _ => None,
        });
        moved.unwrap_or_else(|| plan.host.clone())
    }

    /// Which shard it is, as its campaign says it.
    pub fn shard(&self, plan: &ShardPlan) -> FarmShard {
        FarmShard {
            id: self.file.id.clone(),
            shard: plan.k,
            of: self.file.shards.len() as u32,
            host: self.host_of(plan),
        }
    }

    /// Where what is finished of a shard is copied to.
    pub fn shard_dir(&self, plan: &ShardPlan) -> PathBuf {
        self.dir.join(SHARDS).join(shard_folder(plan.k, &self.host_of(plan)))
    }

    /// The last event of a shard that is about its job, with its moment.
    pub fn last(&self, k: u32) -> Option<&(u64, Event)> {
        let of_job = |event: &Event| !matches!(event, Event::Moved { .. }) && event.shard() == Some(k);
        self.events.iter().rev().find(|(_, event)| of_job(event))
    }

    /// Somebody asked for the end of a shard, and nobody has handed it in since.
    pub fn is_cancelled(&self, k: u32) -> bool {
        matches!(self.last(k), Some((_, Event::Cancelled { .. })))
    }

    /// How a shard's job ended last.
    ///
    /// # Errors
    /// The file is damaged.
    pub fn end(&self, k: u32) -> Result<Option<End>, FarmError> {
        let path = self.end_file(k);
        if !path.exists() { Ok(None) } else { Ok(Some(store::read_json(&path, END_FORMAT)?)) }
    }

    /// Writes down how a shard's job ended.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn note_end(&self, k: u32, end: &End) -> Result<(), FarmError> {
        Ok(store::write_json(&self.end_file(k), end)?)
    }

    /// The machine on which a shard was begun, if it was.
    ///
    /// # Errors
    /// The file is damaged.
    pub fn machine(&self, k: u32) -> Result<Option<Machine>, FarmError> {
        let path = self.machine_file(k);
        if !path.exists() { Ok(None) } else { Ok(Some(store::read_json(&path, END_FORMAT)?)) }
    }

    /// Writes down on which machine a shard is begun.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn note_machine(&self, k: u32, host: &str, id: &str) -> Result<(), FarmError> {
        let machine = Machine { format: END_FORMAT, host: host.to_owned(), id: id.to_owned() };
        Ok(store::write_json(&self.machine_file(k), &machine)?)
    }

    fn machine_file(&self, k: u32) -> PathBuf {
        self.dir.join(ENDS).join(format!("{k:02}.machine.json"))
    }

    /// What is known of the boots of a shard's host.
    ///
    /// # Errors
    /// The file is damaged.
    pub fn boots(&self, k: u32) -> Result<Boots, FarmError> {
        let path = self.boots_file(k);
        if !path.exists() { Ok(Boots::default()) } else { Ok(store::read_json(&path, BOOTS_FORMAT)?) }
    }

    /// Writes that down. Its shard alone does, or who has the farm in hand while the shard has no job that runs.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn note_boots(&self, k: u32, boots: &Boots) -> Result<(), FarmError> {
        Ok(store::write_json(&self.boots_file(k), boots)?)
    }

    /// Puts aside what was copied of a shard, and forgets the boots of its host: it begins on another one. Only where nothing was
    /// measured.
    ///
    /// # Errors
    /// Something cannot be read, written or renamed.
    pub fn set_aside(&self, plan: &ShardPlan) -> Result<(), FarmError> {
        if self.boots(plan.k)? != Boots::default() {
            self.note_boots(plan.k, &Boots::default())?;
        }
        let shard = self.shard_dir(plan);
        if !shard.exists() {
            return Ok(());
        }
        let (moved, name) = (self.dir.join(MOVED), shard_folder(plan.k, &self.host_of(plan)));
        create_directory(&moved)?;
        let first = moved.join(&name);
        let mut others = (2u32..).map(|n| moved.join(format!("{name}.{n}")));
        let to = if first.exists() { others.find(|path| !path.exists()).unwrap_or(first) } else { first };
        edge::write::rename(&shard, &to).map_err(io_error("moving", &shard))?;
        Ok(store::sync_directory(&moved)?)
    }

    fn boots_file(&self, k: u32) -> PathBuf {
        self.dir.join(ENDS).join(format!("{k:02}.boots.json"))
    }

    fn end_file(&self, k: u32) -> PathBuf {
        self.dir.join(ENDS).join(format!("{k:02}.json"))
    }

    /// What the jobs of a shard said.
    pub fn log_file(&self, k: u32) -> PathBuf {
        self.dir.join(LOGS).join(format!("{k:02}.log"))
    }

    /// The text that every job begins with.
    pub fn body_file(&self) -> PathBuf {
        self.dir.join(BODY_FILE)
    }

    /// Writes down what is about to be done or was done. Only for who has the farm in hand ([`Farm::take`]).
    ///
    /// # Errors
    /// The list cannot be written.
    pub fn note(&mut self, event: Event) -> Result<(), FarmError> {
        let path = self.dir.join(EVENTS);
        let text = text(&path)?;
        let found = read_events::<Event>(&text, |_| None)
            .map_err(|error| FarmError::Events { path: path.clone(), error })?;
        let mut file = Appending::open(&path, found.good_bytes as u64).map_err(io_error("opening", &path))?;
        let (seq, unix_ns) = (found.entries.len() as u64 + 1, Moment::now().unix_ns);
        let line = write_entry(&Entry { seq, unix_ns, event: event.clone() })
            .map_err(|source| StoreError::Json { path: path.clone(), line: seq as usize, source })?;
        file.append(line.as_bytes()).map_err(io_error("writing", &path))?;
        self.events.push((unix_ns, event));
        Ok(())
    }
}

fn text(path: &Path) -> Result<Vec<u8>, StoreError> {
    match edge::read(path, edge::read::RECORD) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        text => text.map_err(io_error("reading", path)),
    }
}

fn events(path: &Path) -> Result<Vec<(u64, Event)>, FarmError> {
    let found = read_events::<Event>(&text(path)?, |_| None)
        .map_err(|error| FarmError::Events { path: path.to_owned(), error })?;
    Ok(found.entries.into_iter().map(|entry| (entry.unix_ns, entry.event)).collect())
}

/// Names become folders and words of Slurm's: what perfvt did not write is refused.
fn check(file: &FarmFile) -> Result<(), String> {
    if !is_name(&file.id) {
        return Err(format!("'{}' is no name of a farm", edge::quoted(&file.id)));
    }
    if file.shards.is_empty() {
        return Err("it has no shards".to_owned());
    }
    for (index, shard) in file.shards.iter().enumerate() {
        if shard.k as usize != index + 1 {
            return Err(format!("shard {} stands where {} belongs", shard.k, index + 1));
        }
        if !is_name(&shard.host) {
            return Err(format!("'{}' is no name of a host", edge::quoted(&shard.host)));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::farm::JobPlan;

    pub(crate) fn file(hosts: &[&str]) -> FarmFile {
        let shard = |(index, host): (usize, &&str)| {
            let k = index as u32 + 1;
            ShardPlan { k, host: (*host).to_owned(), seed: 7 + u64::from(k), blocks: 5, client: None }
        };
        FarmFile {
            format: FARM_FORMAT,
            perfvt: "0.1.0".into(),
            id: "night-1".into(),
            created_unix_ns: 1,
            argv: vec!["netperf".into()],
            seed: 7,
            asked: "all".into(),
            shards: hosts.iter().enumerate().map(shard).collect(),
            job: JobPlan::default(),
        }
    }

    #[test]
    fn a_shard_belongs_to_the_host_that_it_was_moved_to_last() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("night-1");
        let mut farm = Farm::create(&path, &file(&["h1", "h2"])).unwrap();
        let plan = farm.plan(2).unwrap().clone();
        assert_eq!(farm.shard_dir(&plan), path.join("shards/02@h2"));
        farm.note(Event::Submitted { shard: 2, job: "7".into(), host: "h2".into() }).unwrap();
        farm.note(Event::Moved { shard: 2, from: "h2".into(), to: "h3".into() }).unwrap();
        farm.note(Event::Cancelled { shard: 1 }).unwrap();
        let again = Farm::open(&path).unwrap();
        assert_eq!(again.shard_dir(&plan), path.join("shards/02@h3"));
        assert_eq!((again.is_cancelled(1), again.is_cancelled(2)), (true, false));
        assert!(Farm::create(&path, &file(&["h1"])).is_err());
        let error = again.plan(3).unwrap_err().to_string();
        assert!(error.ends_with("has no shard 3; it has 1 to 2"), "{error}");
    }

    #[test]
    fn a_shard_that_goes_to_another_host_leaves_its_plan_and_its_boots_behind() {
        let dir = tempfile::tempdir().unwrap();
        let farm = Farm::create(&dir.path().join("night-1"), &file(&["h1"])).unwrap();
        let plan = farm.plan(1).unwrap().clone();
        for name in ["01@h1", "01@h1.2"] {
            std::fs::create_dir(farm.shard_dir(&plan)).unwrap();
            std::fs::write(farm.shard_dir(&plan).join("campaign.json"), name).unwrap();
            let mut boots = Boots::default();
            let here = crate::boots::Here { boot: "b".into(), kernel: None };
            boots.ask(&crate::boots::Need::of_shard(), &here);
            farm.note_boots(1, &boots).unwrap();
            farm.set_aside(&plan).unwrap();
            assert_eq!(farm.boots(1).unwrap(), Boots::default());
            assert!(!farm.shard_dir(&plan).exists());
            let kept = farm.dir().join("moved").join(name).join("campaign.json");
            assert_eq!(std::fs::read_to_string(kept).unwrap(), name);
        }
        farm.set_aside(&plan).unwrap();
    }

    #[test]
    fn a_farm_that_is_in_somebodys_hands_is_told_so() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("night-1");
        Farm::create(&path, &file(&["h1"])).unwrap();
        let _held = Farm::take(&path).unwrap();
        assert!(matches!(Farm::take(&path), Err(FarmError::Busy { .. })));
        assert!(Farm::open(&path).is_ok());
        assert!(matches!(Farm::open(dir.path()), Err(FarmError::NoFarm { .. })));
    }

    #[test]
    fn names_that_leave_the_directory_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        for host in ["../x", "a/b", "-x", ""] {
            let path = dir.path().join(format!("n{}", host.len()));
            let error = Farm::create(&path, &file(&[host])).unwrap_err().to_string();
            assert!(error.contains("is no name of a host"), "{error}");
        }
    }
}
