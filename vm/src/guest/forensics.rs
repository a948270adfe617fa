//! What tells why a guest failed, collected before it is ended.
//!
//! Everything is bounded: each file by [`LARGEST`], each question by a deadline, and a monitor that did not answer once
//! is not asked again. What cannot be had is named in `missing.txt` with the reason; nothing here is ever an error that
//! hides the first one.

use super::channel::Channel;
use super::health::{QEMU_STDERR, is_stopped};
use super::qmp::{Qmp, QmpError};
use process::deadlines::LAST_WORDS;
use process::{Inherited, Spec};
use screen::Picture;
use screen::frames::Frames;
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The most that is kept of one file: its end.
pub const LARGEST: u64 = 1 << 20;
/// The most that is kept of the host's own log.
const HOST_LOG: usize = 64 << 10;
/// Threads whose state is written down at most.
const MOST_THREADS: usize = 256;
/// Files of the host's /proc that say in what state it was.
const HOST_FILES: [&str; 7] = [
    "/proc/loadavg",
    "/proc/meminfo",
    "/proc/stat",
    "/proc/pressure/cpu",
    "/proc/pressure/io",
    "/proc/pressure/memory",
    "/proc/mounts",
];

/// The picture of the screen.
pub const SCREEN: &str = "screen.png";
/// What the screen showed while the rest was collected, where it changed: an animated PNG.
pub const FRAMES: &str = "frames.png";
/// How many frames are looked for, how far they are apart, how large one is and all are.
const MOST_FRAMES: usize = 6;
const BETWEEN: Duration = Duration::from_millis(200);
const LARGEST_FRAME: u64 = 64 << 20;
const FRAME_BYTES: usize = 16 << 20;

/// What QEMU is asked for.
const ASKED: [&str; 4] = ["qmp-status.txt", "registers.txt", "blocks.json", SCREEN];

/// What there is to look at. Each part may be gone already.
pub(super) struct Subject<'a> {
    pub argv: &'a [String],
    pub pid: u32,
    pub qmp: Option<&'a mut Qmp>,
    pub channel: Option<&'a mut dyn Channel>,
    pub serial: &'a Path,
    pub screen: &'a Screen,
}

/// Where QEMU draws its screen: it opens no file by itself.
#[derive(Clone, Debug)]
pub(super) struct Screen {
    /// The file.
    pub drawn: PathBuf,
    /// The same as QEMU names it.
    pub named: PathBuf,
    /// The same as QEMU has it open.
    pub file: Option<Inherited>,
}

impl Screen {
    /// Has the next picture begin at the beginning: QEMU empties the file and goes on where it stopped.
    pub fn rewind(&self) {
        // What is drawn behind a hole is refused as no picture when it is read.
        let _ = self.file.as_ref().map(Inherited::rewind);
    }
}

/// The folder that is being filled.
struct Folder<'a> {
    dir: &'a Path,
    missing: Vec<String>,
}

impl Folder<'_> {
    fn keep(&mut self, name: &str, found: Result<impl AsRef<[u8]>, impl ToString>) {
        let kept = match found {
            Ok(bytes) => {
                let bytes = bytes.as_ref();
                let from = bytes.len().saturating_sub(LARGEST as usize);
                edge::write::write(self.dir.join(name), bytes.get(from..).unwrap_or_default())
                    .map_err(|e| e.to_string())
            }
            Err(reason) => Err(reason.to_string()),
        };
        if let Err(reason) = kept {
            self.missing.push(format!("{name}: {reason}"));
        }
    }
}

/// Collects all of it in a folder, which is made.
pub(super) fn collect(dir: &Path, mut subject: Subject<'_>) -> std::io::Result<()> {
    edge::write::create_directory(dir)?;
    let mut folder = Folder { dir, missing: Vec::new() };
    folder.keep("qemu.argv", Ok::<_, String>(subject.argv.join("\n")));
    // The logs stay where they are written; a copy beside the rest saves a search.
    let stderr = subject.serial.with_file_name(QEMU_STDERR);
    folder.keep("serial.log", edge::read::tail(subject.serial, LARGEST));
    folder.keep(QEMU_STDERR, edge::read::tail(&stderr, LARGEST));
    // The threads first: asking QEMU changes what they do.
    folder.keep("threads.txt", threads(subject.pid));
    match subject.qmp.take() {
        Some(qmp) if is_stopped(subject.pid) => {
            folder.missing.extend(ASKED.map(|name| format!("{name}: QEMU was stopped (SIGSTOP)")));
            keep_events(&mut folder, qmp);
        }
        Some(qmp) => ask_qemu(&mut folder, qmp, subject.screen),
        None => folder.missing.push("qmp-status.txt: QEMU never opened its monitor".into()),
    }
    if let Some(channel) = subject.channel.take() {
        let reply = channel.exec(&["dmesg"], LAST_WORDS, &mut || None);
        let answers = reply.is_ok();
        folder.keep("guest.dmesg", reply.map(|r| r.stdout));
        if answers {
            let cpus = channel.exec(&["cat", "/proc/cpuinfo"], LAST_WORDS, &mut || None);
            folder.keep("guest.cpuinfo", cpus.map(|r| r.stdout));
        }
    }
    folder.keep("host.dmesg", host_log());
    folder.keep("host.txt", Ok::<_, String>(host_state()));
    if !folder.missing.is_empty() {
        folder.missing.push(String::new());
        edge::write::write(dir.join("missing.txt"), folder.missing.join("\n"))?;
    }
    Ok(())
}

/// Status, registers, disks, screen and events, as long as the monitor answers.
fn ask_qemu(folder: &mut Folder<'_>, qmp: &mut Qmp, screen: &Screen) {
    let registers = json!({"command-line": "info registers -a"});
    let questions = [
        ("query-status", json!({})),
        ("human-monitor-command", registers),
        ("query-block", json!({})),
        ("screendump", json!({"filename": screen.named, "format": "png"})),
    ];
    let mut silent: Option<String> = None;
    for (name, (command, arguments)) in ASKED.into_iter().zip(questions) {
        if let Some(reason) = &silent {
            folder.missing.push(format!("{name}: not asked for, because of {reason}"));
            continue;
        }
        screen.rewind();
        match qmp.execute(command, arguments, LAST_WORDS) {
            Ok(_) if command == "screendump" => folder.keep(name, edge::read(&screen.drawn, LARGEST)),
            Ok(Value::String(text)) => folder.keep(name, Ok::<_, String>(text)),
            Ok(other) => folder.keep(name, Ok::<_, String>(other.to_string())),
            Err(error) => {
                if !matches!(error, QmpError::Refused { .. }) {
                    silent = Some(error.to_string());
                }
                folder.keep(name, Err::<&str, _>(error));
            }
        }
    }
    if silent.is_none() && folder.dir.join(SCREEN).is_file() {
        match frames(qmp, screen) {
            // One that stands still is the picture that is there.
            Ok(frames) if frames.len() < 2 => {}
            Ok(frames) => {
                let bytes = frames.apng().map_err(|error| error.to_string()).map(Option::unwrap_or_default);
                // The end of a picture is none.
                let bytes = bytes.and_then(|bytes| {
                    if bytes.len() as u64 <= LARGEST {
                        Ok(bytes)
                    } else {
                        Err("it is larger than 1 MiB".into())
                    }
                });
                folder.keep(FRAMES, bytes);
            }
            Err(reason) => folder.keep(FRAMES, Err::<&str, _>(reason)),
        }
    }
    // Last, because more may have come meanwhile.
    keep_events(folder, qmp);
}

/// What the screen shows while nothing is measured any more: a cursor that blinks is a guest that lives.
fn frames(qmp: &mut Qmp, screen: &Screen) -> Result<Frames, String> {
    let mut frames = Frames::new(MOST_FRAMES, FRAME_BYTES);
    let began = Instant::now();
    for _ in 0..MOST_FRAMES {
        screen.rewind();
        qmp.execute("screendump", json!({"filename": screen.named}), LAST_WORDS)
            .map_err(|e| e.to_string())?;
        let bytes = edge::read(&screen.drawn, LARGEST_FRAME).map_err(|e| e.to_string())?;
        let picture = Picture::decode(&bytes).map_err(|e| e.to_string())?;
        frames.push(began.elapsed(), picture);
        std::thread::sleep(BETWEEN);
    }
    Ok(frames)
}

fn keep_events(folder: &mut Folder<'_>, qmp: &Qmp) {
    let events = qmp.events();
    let lines = events.iter().map(|e| format!("{:.6} {} {}\n", e.unix_seconds, e.name, e.data));
    folder.keep("qmp-events.txt", Ok::<_, String>(lines.collect::<String>()));
}

/// State, place and kernel stack of each of QEMU's threads (proc(5)). The stacks are for root only.
fn threads(pid: u32) -> std::io::Result<String> {
    let tasks = Path::new("/proc").join(pid.to_string()).join("task");
    let mut text = String::new();
    for entry in fs::read_dir(tasks)?.flatten().take(MOST_THREADS) {
        let read = |name: &str| edge::read::kernel(entry.path().join(name)).unwrap_or_default();
        let status = read("status");
        let line = |key: &str| status.lines().find(|l| l.starts_with(key)).unwrap_or_default().to_owned();
        text.push_str(&format!(
            "thread {} {}\n{}\n{}\nwaits in: {}\nsyscall: {}\nstack:\n{}\n",
            entry.file_name().to_string_lossy(),
            read("comm").trim(),
            line("State:"),
            line("Cpus_allowed_list:"),
            read("wchan"),
            read("syscall").trim(),
            read("stack"),
        ));
    }
    Ok(text)
}

/// The end of the host's kernel log; ordinary users may often not read it.
fn host_log() -> Result<Vec<u8>, process::ProcessError> {
    let mut log = process::run(Spec::new("dmesg"), LAST_WORDS)?;
    let from = log.len().saturating_sub(HOST_LOG);
    Ok(log.split_off(from))
}

fn host_state() -> String {
    HOST_FILES
        .iter()
        .map(|path| format!("== {path}\n{}\n", edge::read::kernel(path).unwrap_or_else(|e| e.to_string())))
        .collect()
}
