//! `perfvt run --keep-failed guest`: the guest of a failed boot is kept until its user has looked at it.
//!
//! Children die with their perfvt, so the run keeps it: it waits where the boot failed, before the next one, because a guest beside
//! those that are measured would disturb them, and would hold their CPUs, disks, ports and bridges. It is reached by a socket in a
//! private folder, whose path stands in the campaign's [`KEPT`] as long as the guest is there (`perfvt drive --attach`).

use super::lines::{self, Left};
use crate::signals::Signals;
use collect::campaign::{Keeper, Spoiled};
use collect::drive::{Engine, JOURNAL, Journal, Machines, Places};
use edge::owned::OwnFile;
use model::Failure;
use model::store::create_directory;
use process::{PrivateFolder, living_folders, private_folder};
use serde::{Deserialize, Serialize};
use std::ffi::OsString;
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::Shutdown;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use vm::host::locks::holder;

/// The file of a campaign that says where its kept guest is reached.
pub const KEPT: &str = "kept-guest";
/// The socket in its private folder.
const SOCKET: &str = "attach";
/// The file beside it that says which campaign's it is.
const CAMPAIGN: &str = "campaign";
/// A campaign that nobody looks after goes on.
const NOBODY_CAME: Duration = Duration::from_secs(3600);
/// How often is looked whether somebody came, or a signal.
const LOOK: Duration = Duration::from_millis(50);
/// How long somebody who comes may take to say who.
const GREETING: Duration = Duration::from_secs(5);
/// How long somebody may take to read an answer.
const READING: Duration = Duration::from_secs(60);
/// The longest greeting.
const LONGEST: u64 = 16 << 10;
/// The longest note; a reason quotes a console's end.
const LONGEST_NOTE: u64 = 64 << 10;

/// What the file [`KEPT`] says.
#[derive(Debug, Serialize, Deserialize)]
pub struct Note {
    /// Where the guest is reached.
    pub socket: PathBuf,
    /// The boot that failed.
    pub boot: String,
    /// Why.
    pub reason: String,
}

impl Note {
    /// That of a campaign, whoever left it.
    pub fn read(dir: &Path) -> Option<Note> {
        serde_json::from_str(&edge::read_text(dir.join(KEPT), LONGEST_NOTE).ok()?).ok()
    }

    /// That of a guest that is kept: a run that was killed leaves the note, and takes the guest with it. Nobody is disturbed by this.
    pub fn of_living(dir: &Path) -> Option<Note> {
        Note::read(dir).filter(|note| note.socket.exists() && holder(dir).is_some())
    }
}

/// Says how a guest is reached and ended that a run keeps, if it keeps one.
pub fn told(dir: &Path) -> Option<String> {
    Note::of_living(dir)?;
    let shown = report::command_line::command_line(&[dir.display().to_string()]);
    Some(format!(
        "the guest of a failed boot is kept, and nothing is measured meanwhile: `perfvt drive --attach {shown}` looks at it, and \
         `quit` there ends it and lets the campaign go on"
    ))
}

/// The campaigns of this user that keep a guest now, as far as they use the same TMPDIR.
pub fn campaigns() -> Vec<PathBuf> {
    let campaign = |room: PathBuf| {
        let path = edge::read(room.join(CAMPAIGN), LONGEST_NOTE).ok()?;
        let dir = PathBuf::from(OsString::from_vec(path));
        Note::of_living(&dir).is_some_and(|note| note.socket.starts_with(&room)).then_some(dir)
    };
    living_folders().into_iter().filter_map(campaign).collect()
}

/// What somebody says who comes.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hello {
    /// Where the files are that are read and written.
    pub folder: PathBuf,
}

/// What is answered.
#[derive(Debug, Serialize, Deserialize)]
pub struct Welcome {
    /// The names of the machines.
    pub machines: Vec<String>,
    /// The boot that failed.
    pub boot: String,
    /// Why.
    pub reason: String,
    /// Where each step is written down.
    pub journal: PathBuf,
}

/// Keeps the first guest that fails.
pub struct Kept<T> {
    dir: PathBuf,
    signals: Signals,
    tell: T,
    /// One a campaign: the second time its user knows, or is not there.
    done: bool,
}

/// Where a guest is reached, as long as this is there.
struct Door {
    listener: UnixListener,
    note: PathBuf,
    /// What the note says.
    said: Vec<u8>,
    _room: PrivateFolder,
}

impl Door {
    fn open(dir: &Path, welcome: &Welcome) -> io::Result<Door> {
        let room = private_folder()?;
        edge::write::write(room.path().join(CAMPAIGN), dir.canonicalize()?.as_os_str().as_bytes())?;
        let socket = room.path().join(SOCKET);
        let listener = UnixListener::bind(&socket)?;
        listener.set_nonblocking(true)?;
        let note = dir.join(KEPT);
        let (boot, reason) = (welcome.boot.clone(), welcome.reason.clone());
        let mut said = Vec::new();
        model::json::write(&mut said, &Note { socket, boot, reason })?;
        said.push(b'\n');
        edge::write_atomically(&note, &said)?;
        Ok(Door { listener, note, said, _room: room })
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        let ours = |text: &[u8]| text == self.said;
        // One that stays leads nowhere, and says so to whoever follows it.
        if let Ok(Some(note)) = OwnFile::found(&self.note, self.said.len() as u64, ours) {
            let _ = note.remove();
        }
    }
}

impl<T: Fn(&str)> Kept<T> {
    /// Keeps guests of the campaign in a folder. `tell` hears what its user has to know.
    pub fn new(dir: &Path, signals: Signals, tell: T) -> Kept<T> {
        Kept { dir: dir.to_owned(), signals, tell, done: false }
    }

    /// Waits until its user is done with the guests, and says why it waits no more.
    fn wait(&self, machines: &mut dyn Machines, welcome: &Welcome) -> Result<&'static str, String> {
        let failed = |error: io::Error| format!("making a way to the guest: {error}");
        let door = Door::open(&self.dir, welcome).map_err(failed)?;
        let journal = Journal::create(&welcome.journal).map_err(|e| e.to_string())?;
        let needles = vec!["needles".into()];
        let places = Places { reads: PathBuf::new(), writes: PathBuf::new(), forensics: None, needles };
        let stop = || self.signals.seen().is_some();
        let mut engine = Engine::new(machines, places, journal, &stop);
        (self.tell)(&format!(
            "boot {} failed: {}\nits guest is kept, and nothing is measured meanwhile: `perfvt drive --attach {}` looks at it, and \
             `quit` there lets the campaign go on; so does an hour in which nobody comes. Ctrl-C here ends the campaign",
            welcome.boot,
            welcome.reason,
            report::command_line::command_line(&[self.dir.display().to_string()])
        ));
        let mut left = Instant::now();
        while !stop() {
            match door.listener.accept() {
                Ok((stream, _)) => {
                    match visit(&stream, &mut engine, welcome) {
                        Ok(Left::Quit) => return Ok("its user is done with it"),
                        Ok(Left::Silently | Left::Asked) => {}
                        Err(why) => (self.tell)(&format!("somebody who came to the guest left it: {why}")),
                    }
                    // Whoever reads requests for it stops.
                    let _ = stream.shutdown(Shutdown::Both);
                    left = Instant::now();
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    if left.elapsed() >= NOBODY_CAME {
                        return Ok("nobody came for an hour");
                    }
                    std::thread::sleep(LOOK);
                }
                Err(error) => return Err(failed(error)),
            }
        }
        Ok("a signal asked for an end")
    }
}

/// Does what somebody says who came.
fn visit(stream: &UnixStream, engine: &mut Engine<'_>, welcome: &Welcome) -> Result<Left, String> {
    let failed = |error: io::Error| error.to_string();
    stream.set_nonblocking(false).map_err(failed)?;
    stream.set_read_timeout(Some(GREETING)).map_err(failed)?;
    stream.set_write_timeout(Some(READING)).map_err(failed)?;
    let mut reader = BufReader::new(stream.try_clone().map_err(failed)?);
    let mut line = Vec::new();
    reader.by_ref().take(LONGEST).read_until(b'\n', &mut line).map_err(failed)?;
    let hello: Hello = serde_json::from_slice(&line).map_err(|error| error.to_string())?;
    stream.set_read_timeout(None).map_err(failed)?;
    engine.works_in(&hello.folder);
    let mut out = stream;
    let mut line = Vec::new();
    model::json::write(&mut line, welcome).map_err(failed)?;
    line.push(b'\n');
    out.write_all(&line).map_err(failed)?;
    lines::drive(engine, reader, &mut out).map(|(left, _)| left).map_err(|error| error.to_string())
}

impl<T: Fn(&str)> Keeper for Kept<T> {
    fn hold(&mut self, spoiled: &mut Spoiled<'_>) -> bool {
        if self.done {
            return false;
        }
        let (boot, reason, forensics) = (spoiled.boot, spoiled.reason, spoiled.forensics);
        let mut held = false;
        let done = spoiled.lab.drive(&mut |machines| {
            let names = machines.names();
            let mut lives = |place| machines.machine(place).is_some_and(|machine| machine.has_process());
            if !(0..names.len()).any(&mut lives) {
                (self.tell)(&format!("the guest of boot {boot} is not kept: its QEMU has ended"));
                return Ok(());
            }
            held = true;
            create_directory(forensics).map_err(|error| Failure::tool(error.to_string()))?;
            collect_forensics(machines, names.len(), forensics);
            let journal = forensics.join(JOURNAL);
            let welcome = Welcome { machines: names, boot: boot.into(), reason: reason.into(), journal };
            let ended = self.wait(machines, &welcome).map_err(Failure::tool)?;
            (self.tell)(&format!("the guest of boot {boot} is not kept any longer: {ended}"));
            Ok(())
        });
        if let Err(failure) = done {
            (self.tell)(&format!("the guest of boot {boot} is not kept: {}", failure.reason));
        }
        self.done = held;
        held
    }
}

/// What tells why they failed is collected before anybody changes them.
fn collect_forensics(machines: &mut dyn Machines, count: usize, dir: &Path) {
    for place in 0..count {
        // As where a boot ends that nobody keeps.
        let own = if place == 0 { dir.to_owned() } else { dir.join("client") };
        if let Some(machine) = machines.machine(place) {
            // What can be had is had; the failure itself is in the journal already.
            let _ = machine.forensics(&own);
        }
    }
}
