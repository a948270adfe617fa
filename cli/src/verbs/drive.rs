//! `perfvt drive`: guests that are driven by a script, by hand, or by another program.

pub mod attach;
pub mod kept;
pub mod lines;
mod planned;
mod prompt;
mod steps;
mod tell;

use crate::args::Drive;
use crate::signals::{Signals, announce};
use crate::{DONE, Error, FOUND, INTERRUPTED, own_executable, say};
use collect::campaign::by_hand::{ByHand, Guests, NO_OTHER, by_hand};
use collect::campaign::setup::{Request, utc_stamp};
use collect::config::Source;
use collect::drive::{Engine, JOURNAL, Journal, LARGEST_SCRIPT, Machines, Places, Script};
use collect::testbed::{Driven, Troupe, obstacles};
use edge::read::standard_input;
use model::drive::{Record, Verdict};
use model::store::create_directory;
use model::{Accel, Moment};
use report::drive::junit;
use std::io::{BufReader, IsTerminal, Write};
use std::path::{Path, PathBuf};
use vm::guest::image::{Cache, builtin};
use vm::host::locks::{Claims, acquire};

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
    if let Some(run) = &args.attach {
        return attach::drive(args, run, out, err);
    }
    vm::guest::disk::allow_writing(&args.allow_write_device);
    let (config, script) = files(args);
    let ByHand { guests, accel, notes } = by_hand(&request(args, config, command), &own_executable())?;
    tell_notes(&notes, err)?;
    if args.dry_run {
        return planned::tell(args, guests, accel, out, err);
    }
    let dir = args
        .out
        .clone()
        .unwrap_or_else(|| format!("perfvt-drive-{}", utc_stamp(Moment::now().unix_ns)).into());
    if dir.symlink_metadata().is_ok() {
        return Err(format!("{} exists; give another folder with --out", dir.display()).into());
    }
    let (mut machines, claims) = machines(guests, accel, &dir, err)?;
    // A script is read before anything boots.
    let driver = driver(args, script, &machines.names())?;
    let signals = Signals::watch(false)?;
    let seen = signals.clone();
    let stopping = if matches!(driver, Driver::Prompt) { STOPPING_A_STEP } else { STOPPING };
    announce(signals.clone(), stopping, |text| say::print(None, text));
    let _locks = acquire(&claims, None)?;
    create_directory(&dir)?;
    let journal = Journal::create(&dir.join(JOURNAL))?;
    let reads = match &script {
        Some(path) if *path != Path::new("-") => edge::write::parent(path).to_owned(),
        _ => PathBuf::new(),
    };
    let forensics = matches!(driver, Driver::Script(_)).then(|| dir.join("forensics"));
    let needles = if args.needles.is_empty() { vec![reads.join("needles")] } else { args.needles.clone() };
    let places = Places { reads, writes: dir.clone(), forensics, needles };
    let stop = move || seen.seen().is_some();
    let mut engine = Engine::new(machines.as_mut(), places, journal, &stop);
    let (verdict, records) = match driver {
        Driver::Script(script) => by_script(&mut engine, &script, args.keep_going, out)?,
        Driver::Prompt => {
            engine.cuts_commands();
            let names = engine.names().join(", ");
            let greeting =
                format!("machines: {names}; `start_all` boots them, `help` shows the verbs, Ctrl-D leaves");
            let made = dir.join("needles");
            prompt::drive(&mut engine, &greeting, (&|| signals.forgive(), Some(made.as_path())), out)?
        }
        Driver::Lines => {
            let (left, records) = lines::drive(&mut engine, BufReader::new(std::io::stdin()), out)?;
            (left.verdict(), records)
        }
    };
    machines.end();
    finish(args, script, verdict, &records, &dir.join(JOURNAL), err)
}

/// Tells what came of a drive, and gives the exit code.
fn finish(
    args: &Drive,
    script: Option<&Path>,
    verdict: Verdict,
    records: &[Record],
    journal: &Path,
    err: &mut dyn Write,
) -> Result<u8, Error> {
    if let Some(path) = &args.junit {
        let name = script.map_or("drive".to_owned(), |path| path.display().to_string());
        let text = junit(&name, records);
        edge::write::output(path, text.as_bytes()).map_err(|e| format!("writing {}: {e}", path.display()))?;
    }
    if !args.json {
        tell::end(err, records, journal)?;
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

fn request(args: &Drive, config: Option<&Path>, command: Vec<String>) -> Request {
    Request {
        source: Source {
            workload: config.is_none().then(|| NO_OTHER.to_owned()),
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
        accel: args.accel.word().into(),
        allow_unpinned: true,
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

/// The machines, of which none runs yet, and what must be their own.
fn machines(
    guests: Guests,
    accel: Accel,
    dir: &Path,
    err: &mut dyn Write,
) -> Result<(Box<dyn Machines>, Claims), Error> {
    match guests {
        Guests::Scenario(stage) => {
            obstacles(&stage, Vec::new())?;
            let image = builtin(&stage.cache)?;
            tell_notes(&Driven::planned(&stage)?.notes, err)?;
            let driven = Driven::new(*stage, image, dir)?;
            let claims = driven.claims()?;
            Ok((Box::new(driven), claims))
        }
        Guests::Troupe(params) => {
            let cache = Cache::from_env()?;
            let image = builtin(&cache)?;
            let troupe = Troupe::new(&cache, image, accel, *params, dir)?;
            tell_notes(&troupe.spec().notes, err)?;
            let claims = troupe.claims()?;
            Ok((Box::new(troupe), claims))
        }
    }
}

/// Says what is otherwise than somebody might think.
fn tell_notes(notes: &[String], err: &mut dyn Write) -> Result<(), Error> {
    notes.iter().try_for_each(|note| writeln!(err, "warning: {note}")).map_err(Error::from)
}

/// What is said when a signal asks for an end, once and twice.
const STOPPING: (&str, &str) =
    ("stopping after the step in hand; once more stops at once", "stopping at once");

/// The same at the prompt, where the first one is meant for the step alone.
const STOPPING_A_STEP: (&str, &str) = (
    "what is done ends now, a command at its deadline where the guest is entered otherwise than by perfvt's own agent; once more ends all machines",
    "ending all machines",
);

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
