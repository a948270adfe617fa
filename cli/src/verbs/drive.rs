//! `perfvt drive`: guests that are driven by a script, by hand, or by another program.

mod lines;
mod prompt;
mod tell;

use crate::args::{AccelArg, Drive};
use crate::signals::{Signals, announce};
use crate::{DONE, Error, FOUND, INTERRUPTED, own_executable, say};
use collect::campaign::setup::{Prepared, Request, prepare, utc_stamp};
use collect::config::Source;
use collect::drive::{Engine, Journal, LARGEST_SCRIPT, Places, Script};
use collect::testbed::{Driven, claims, obstacles};
use edge::read::standard_input;
use model::drive::{Record, Verdict};
use report::drive::junit;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use vm::guest::image::builtin;
use vm::host::locks::acquire;

/// What drives.
enum Driver {
    Script(Script),
    Prompt,
    Lines,
}

/// Drives guests.
pub fn drive(
    args: &Drive,
    command: Vec<String>,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<u8, Error> {
    let (config, script) = files(args);
    let prepared = prepare(&request(args, config, command), &own_executable())?;
    for note in &prepared.notes {
        writeln!(err, "warning: {note}")?;
    }
    obstacles(&prepared.stage, Vec::new())?;
    let names = Driven::names_of(&prepared.stage)?;
    // A script is read before anything boots.
    let driver = driver(args, script, &names)?;
    let dir = folder(args, &prepared)?;
    let signals = Signals::watch(false)?;
    let seen = signals.clone();
    announce(signals.clone(), STOPPING, |text| say::print(None, text));
    let image = builtin(&prepared.stage.cache)?;
    let _locks = acquire(&claims(&prepared.stage, Some(&image))?, None)?;
    let journal = Journal::create(&dir)?;
    let mut driven = Driven::new(prepared.stage, image, &dir)?;
    let reads = match &script {
        Some(path) if *path != Path::new("-") => edge::write::parent(path).to_owned(),
        _ => PathBuf::new(),
    };
    let is_script = matches!(driver, Driver::Script(_));
    let forensics = is_script.then(|| dir.join("forensics"));
    let places = Places { reads, writes: dir.clone(), forensics };
    let stop = move || seen.seen().is_some();
    let mut engine = Engine::new(&mut driven, places, journal, &stop);
    let (verdict, records) = match driver {
        Driver::Script(script) => by_script(&mut engine, &script, args.keep_going, out)?,
        Driver::Prompt => prompt::drive(&mut engine, out)?,
        Driver::Lines => lines::drive(&mut engine, out)?,
    };
    driven.end();
    if let Some(path) = &args.junit {
        let name = script.map_or("drive".to_owned(), |path| path.display().to_string());
        let text = junit(&name, &records);
        edge::write::output(path, text.as_bytes()).map_err(|e| format!("writing {}: {e}", path.display()))?;
    }
    if !args.json {
        tell::end(err, &records, &dir)?;
    }
    Ok(match verdict {
        Verdict::Passed => DONE,
        Verdict::Failed => FOUND,
        Verdict::Interrupted => INTERRUPTED,
    })
}

/// The configuration and the script: a single file that is called so is the script.
fn files(args: &Drive) -> (Option<&Path>, Option<&Path>) {
    match (args.config.as_deref(), args.script.as_deref()) {
        (Some(only), None) if only.extension().is_some_and(|end| end == "drive") => (None, Some(only)),
        both => both,
    }
}

/// What a configuration measures does not matter here; without one it is a boot.
const WORKLOAD: &str = "boot";

fn request(args: &Drive, config: Option<&Path>, command: Vec<String>) -> Request {
    Request {
        source: Source {
            workload: config.is_none().then(|| WORKLOAD.to_owned()),
            config: config.map(Path::to_owned),
            only: args.only.clone(),
            no: args.no.clone(),
            guest: None,
        },
        sets: args
            .sets
            .iter()
            .cloned()
            .chain(args.guest.iter().map(|name| format!("guest={name}")))
            .collect(),
        repeats: Some(1),
        accel: match args.accel {
            AccelArg::Auto => "auto",
            AccelArg::Kvm => "kvm",
            AccelArg::Tcg => "tcg",
        }
        .into(),
        allow_unpinned: true,
        by_hand: true,
        argv: command,
        ..Request::default()
    }
}

/// Who says what is done.
fn driver(args: &Drive, script: Option<&Path>, names: &[String]) -> Result<Driver, Error> {
    if args.json {
        return Ok(Driver::Lines);
    }
    let piped = |name: &str| -> Result<Script, Error> {
        let text = standard_input(LARGEST_SCRIPT)
            .map_err(|e| format!("reading the script on standard input: {e}"))?;
        Ok(Script::parse(name, &text, names)?)
    };
    let script = match script {
        Some(path) if path == Path::new("-") => piped("standard input")?,
        Some(path) => Script::read(path, names)?,
        None if std::io::stdin().is_terminal() => return Ok(Driver::Prompt),
        None => piped("standard input")?,
    };
    if script.steps.is_empty() {
        return Err(format!("{} says nothing; `perfvt help drive.md` has the verbs", script.name).into());
    }
    Ok(Driver::Script(script))
}

/// A new folder for all that comes of it.
fn folder(args: &Drive, prepared: &Prepared) -> Result<PathBuf, Error> {
    let default = || PathBuf::from(format!("perfvt-drive-{}", utc_stamp(prepared.file.created_unix_ns)));
    let dir = args.out.clone().unwrap_or_else(default);
    if dir.symlink_metadata().is_ok() {
        return Err(format!("{} exists; give another folder with --out", dir.display()).into());
    }
    edge::write::create_directory(&dir).map_err(|e| format!("creating {}: {e}", dir.display()))?;
    Ok(dir)
}

/// What is said when a signal asks for an end, once and twice.
const STOPPING: (&str, &str) =
    ("stopping after the step in hand; once more stops at once", "stopping at once");

/// Does a script, and tells of each step.
fn by_script(
    engine: &mut Engine<'_>,
    script: &Script,
    go_on: bool,
    out: &mut dyn Write,
) -> Result<(Verdict, Vec<Record>), Error> {
    let mut records = Vec::new();
    let verdict = engine.run(script, go_on, &mut |record| {
        // The drive goes on when nobody reads what it says.
        let _ = tell::step(out, record);
        records.push(record.clone());
    })?;
    Ok((verdict, records))
}
