//! The boot of an installer: QEMU is started, its console is followed, and how it ends says whether there is a system.

use super::super::argv::Socket;
use super::super::confine::Bounds;
use super::super::error::GuestError;
use super::super::handed::{Hands, Use};
use super::super::health::{Console, death};
use super::super::image::{Cache, INSTALLED_DISK as DISK, room};
use super::super::qmp::{Qmp, QmpEvent};
use super::argv::{Names, build};
use super::error::Unfinished;
use super::media::Media;
use super::phases::{Plain, Reached, Watch};
use super::restarts::Restarts;
use super::{InstallError, Recipe};
use edge::Scratch;
use process::deadlines::{HOST_ANSWER, HOST_WORK, LAST_WORDS};
use process::{Running, Sink, Spec, private_folder};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How often the installer is looked at.
const LOOK: Duration = Duration::from_millis(50);
/// Bytes at the end of the console in which the lines are that an error shows.
const LAST: u64 = 6000;
/// Lines of it.
const LINES: usize = 12;
const CONSOLE: &str = "console.log";
const PHASES: &str = "phases.jsonl";
const STDERR: &str = "qemu.stderr";
/// Why QEMU says that a guest has ended: it powered off, or it restarted.
const OFF: &str = "guest-shutdown";
const RESTART: &str = "guest-reset";
/// The phase behind the last one.
const DONE: &str = "done";

/// Where an installation works.
pub(super) struct Place {
    _room: Scratch,
    image: PathBuf,
    logs: PathBuf,
}

impl Place {
    /// A fresh disk, and empty logs.
    pub(super) fn new(cache: &Cache, recipe: &Recipe, logs: &Path) -> Result<Place, InstallError> {
        let room = room(cache)?;
        let place = Place { image: room.path().join("image"), _room: room, logs: logs.to_owned() };
        for log in [CONSOLE, PHASES, STDERR] {
            let path = logs.join(log);
            edge::write::write(&path, "").map_err(|source| InstallError::io("emptying", &path, source))?;
        }
        let create = recipe.qemu_img.spec().args(["create", "-q", "-f", "qcow2"]);
        process::run(create.arg(place.disk()).arg(recipe.size.to_string()), HOST_WORK)?;
        Ok(place)
    }

    /// The folder that becomes the image.
    pub(super) fn image(&self) -> &Path {
        &self.image
    }

    fn disk(&self) -> PathBuf {
        self.image.join(DISK)
    }
}

/// Boots the installer and waits until it powers off.
pub(super) fn run(
    recipe: &Recipe,
    media: &Media,
    place: &Place,
    say: &mut dyn FnMut(&Reached),
) -> Result<(), InstallError> {
    let log = |name: &str| place.logs.join(name);
    let sockets = private_folder()
        .map_err(|source| InstallError::io("creating a folder in", &std::env::temp_dir(), source))?;
    let qmp = sockets.path().join("qmp");
    let started = Instant::now();
    let mut qemu = start(recipe, media, place, &qmp)?;
    let mut watch = Watch::new(&recipe.phases, &log(CONSOLE));
    let ended = follow(recipe, &mut qemu, &qmp, (&log(CONSOLE), started), &mut |done| {
        let seconds = started.elapsed().as_secs_f64();
        let Some(watch) = &mut watch else { return Ok(()) };
        let mut new = watch.look(seconds)?;
        if done {
            let line = "the installer has powered off".to_owned();
            watch.reached.push(Reached { phase: DONE.to_owned(), at_s: seconds, line });
            new += 1;
        }
        if new > 0 {
            write(&log(PHASES), &watch.reached)?;
        }
        let from = watch.reached.len().saturating_sub(new);
        watch.reached.iter().skip(from).for_each(&mut *say);
        Ok(())
    });
    qemu.kill();
    let what = match ended? {
        None => return Ok(()),
        Some(what) => what,
    };
    let last = watch.as_ref().and_then(|watch| watch.reached.last());
    Err(InstallError::Failed(Box::new(Unfinished {
        name: recipe.name.clone(),
        what,
        phase: last.map(|reached| (reached.phase.clone(), reached.at_s)),
        last: last_lines(&log(CONSOLE)),
        log: log(CONSOLE),
    })))
}

/// The end of the console as a terminal would show it.
fn last_lines(console: &Path) -> String {
    let text = edge::text::text_of(edge::read::tail(console, LAST).unwrap_or_default());
    let lines = Plain::new().map(|plain| plain.lines(&text)).unwrap_or_default();
    lines.get(lines.len().saturating_sub(LINES)..).unwrap_or_default().join("\n")
}

/// Starts QEMU, which gets its files open.
fn start(recipe: &Recipe, media: &Media, place: &Place, qmp: &Path) -> Result<Running, InstallError> {
    let mut hands = Hands::new(recipe.confine);
    let mut names = Names {
        kernel: recipe.kernel.clone(),
        initrd: media.initrd.clone(),
        disk: place.disk(),
        iso: recipe.iso.clone(),
        drivers: recipe.drivers.clone(),
        seed: media.seed.clone(),
        console: place.logs.join(CONSOLE),
        qmp: Socket::Path(qmp.to_owned()),
        sets: Vec::new(),
    };
    let opened = (|| -> Result<(), GuestError> {
        for file in [&mut names.kernel, &mut names.initrd].into_iter().flatten() {
            hands.again(file)?;
        }
        for file in [&mut names.iso, &mut names.drivers, &mut names.seed].into_iter().flatten() {
            hands.set(file, Use::Read)?;
        }
        hands.set(&mut names.disk, Use::Write)?;
        hands.set(&mut names.console, Use::Log)?;
        hands.listen(&mut names.qmp)
    })();
    opened.map_err(|error| InstallError::Guest(Box::new(error)))?;
    let Hands { open, sets, read, .. } = hands;
    names.sets = sets;
    let bounds = Bounds::of(recipe.confine, &recipe.qemu, recipe.hardware.accel, &read)
        .map_err(InstallError::Confine)?;
    let spec = Spec::new(&recipe.qemu).args(build(recipe, &names)).inherit(open);
    let spec = spec.user(bounds.user.as_ref()).rules(bounds.rules.as_ref());
    Ok(spec.stderr(Sink::File(place.logs.join(STDERR))).start()?)
}

/// Waits for the end, and gives what went wrong. `look` is called again and again, and at the end, when all is well, with true.
fn follow(
    recipe: &Recipe,
    qemu: &mut Running,
    socket: &Path,
    (log, started): (&Path, Instant),
    look: &mut dyn FnMut(bool) -> Result<(), InstallError>,
) -> Result<Option<String>, InstallError> {
    let until = started + recipe.deadline;
    let mut qmp = match Qmp::connect(socket, HOST_WORK) {
        Ok(qmp) => qmp,
        Err(error) => {
            // Its end tells more than its silence.
            let status = qemu.wait_until(Instant::now() + LAST_WORDS);
            let said = edge::quoted_end(&qemu.stderr_tail()).to_string();
            return Ok(Some(match status.and_then(|status| status.code()) {
                Some(code) => format!("QEMU ended with status {code} and said {said}"),
                None => format!("QEMU is not reached: {error}"),
            }));
        }
    };
    let mut console = Console::new(log);
    let mut restarts = Restarts::default();
    loop {
        look(false)?;
        if let Some(how) = how_it_ended(&qmp.events(), restarts.done) {
            if how != RESTART || restarts.done >= recipe.restarts {
                return finish(how, &mut qmp, qemu, look);
            }
            if let Err(error) = restarts.begin(&mut qmp) {
                return Ok(Some(format!("it restarted, and QEMU did not let it: {error}")));
            }
        }
        restarts.settle(&mut qmp);
        if let Some(failure) = death(qemu, &qmp, &mut console) {
            // The end of the guest stops it, too.
            if how_it_ended(&qmp.events(), restarts.done).is_some() {
                continue;
            }
            return Ok(Some(failure.reason));
        }
        if Instant::now() >= until {
            let seconds = recipe.deadline.as_secs();
            return Ok(Some(format!("it had not ended when its deadline of {seconds} s passed")));
        }
        qemu.wait_until((Instant::now() + LOOK).min(until));
    }
}

/// What QEMU says of the guest's end, behind so many restarts: [`OFF`], [`RESTART`].
fn how_it_ended(events: &[QmpEvent], restarted: u32) -> Option<String> {
    let end = events.iter().filter(|event| event.name == "SHUTDOWN").nth(restarted as usize)?;
    Some(end.data.get("reason").and_then(Value::as_str).unwrap_or_default().to_owned())
}

/// The guest has ended: QEMU writes what it has of the disk, and leaves.
fn finish(
    how: String,
    qmp: &mut Qmp,
    qemu: &mut Running,
    look: &mut dyn FnMut(bool) -> Result<(), InstallError>,
) -> Result<Option<String>, InstallError> {
    let told = qmp.execute("quit", json!({}), HOST_ANSWER);
    let status = qemu.wait_until(Instant::now() + HOST_WORK);
    if how != OFF {
        look(false)?;
        return Ok(Some(match how.as_str() {
            RESTART => "it restarted instead of powering off, which its answers have to ask for at the end; an installer that \
                        restarts in between may do so as often as restarts says"
                .to_owned(),
            other => format!("QEMU was ended ({})", edge::quoted(other)),
        }));
    }
    match (told, status) {
        (_, Some(status)) if status.success() => look(true).map(|()| None),
        (Err(error), _) => Ok(Some(format!("QEMU did not end in order: {error}"))),
        (Ok(_), _) => Ok(Some("QEMU did not end in order".to_owned())),
    }
}

/// Writes all phases so far.
fn write(path: &Path, reached: &[Reached]) -> Result<(), InstallError> {
    let failed = |source| InstallError::io("writing", path, source);
    let mut text = String::new();
    for one in reached {
        text += &serde_json::to_string(one).map_err(|error| failed(error.into()))?;
        text.push('\n');
    }
    edge::write_atomically(path, text.as_bytes()).map_err(failed)
}
