//! `perfvt drive --attach RUN`: a look at the guest of a failed boot, which the run keeps (`run --keep-failed guest`).
//!
//! The guest is a child of the run's perfvt, which alone has its monitor: steps are sent to it over a socket in its private folder.

use super::kept::{Hello, Note, Welcome};
use super::steps::Steps;
use super::{Driver, driver, files, finish, lines, prompt, tell};
use crate::Error;
use crate::args::Drive;
use collect::drive::{Script, Step};
use edge::text::visible_lines;
use model::drive::{Record, Verdict};
use model::store::JOURNAL_FILE;
use serde::Serialize;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write, stdin};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;
use vm::host::locks::holder;

/// How long the run may take to answer somebody who comes.
const PATIENCE: Duration = Duration::from_secs(10);

/// The guests that a run keeps.
struct Remote {
    names: Vec<String>,
    reader: BufReader<UnixStream>,
    stream: UnixStream,
}

/// Looks at the guests that a run keeps.
pub fn drive(args: &Drive, dir: &Path, out: &mut dyn Write, err: &mut dyn Write) -> Result<u8, Error> {
    let (config, script) = files(args);
    if let Some(config) = config {
        let config = config.display();
        return Err(format!(
            "{config}: the guests are there already; with --attach there is but a script, FILE.drive"
        )
        .into());
    }
    let (mut remote, welcome) = Remote::attach(dir)?;
    let driver = driver(args, script, &remote.names)?;
    let said = format!("boot {} failed: {}", welcome.boot, welcome.reason);
    let (verdict, records) = match driver {
        Driver::Script(script) => by_script(&mut remote, &script, out)?,
        Driver::Prompt => {
            let help = "`help` shows the verbs, Ctrl-D leaves the guest as it is, `quit` ends it: the campaign goes on";
            let machines = remote.names.join(", ");
            prompt::drive(
                &mut remote,
                &format!("{said}\nmachines: {machines}; {help}"),
                (&|| false, None),
                out,
            )?
        }
        Driver::Lines => {
            let (end, records) = lines::drive(&mut remote, BufReader::new(stdin()), out)?;
            (end.verdict(), records)
        }
    };
    finish(args, script, verdict, &records, &welcome.journal, err)
}

/// Does a script up to the first step that fails.
fn by_script(
    remote: &mut Remote,
    script: &Script,
    out: &mut dyn Write,
) -> Result<(Verdict, Vec<Record>), Error> {
    let mut records = Vec::new();
    for step in &script.steps {
        let record = remote.step(step)?;
        // The drive goes on when nobody reads what it says.
        let _ = tell::step(out, &record);
        let verdict = record.result;
        records.push(record);
        if verdict != Verdict::Passed {
            return Ok((verdict, records));
        }
    }
    Ok((Verdict::Passed, records))
}

/// Says why there is nothing to look at, and the way out.
pub fn nothing_kept(dir: &Path) -> Error {
    let shown = dir.display();
    if !dir.join(JOURNAL_FILE).is_file() {
        return format!("{shown} is no campaign: it has no {JOURNAL_FILE}").into();
    }
    let way = "`perfvt run --keep-failed guest` (and `resume`) keeps the first one whose boot fails";
    match holder(dir) {
        Some(held) => format!(
            "{shown} is being measured by {held}: its guests are not touched, because whoever looks at one changes what it \
             measures; {way}, and `perfvt drive` boots one for you alone"
        )
        .into(),
        None => format!("{shown} keeps no guest, and no perfvt works on it: guests end with theirs; {way}").into(),
    }
}

impl Remote {
    /// Comes to the guests that a run keeps.
    fn attach(dir: &Path) -> Result<(Remote, Welcome), Error> {
        let note = Note::read(dir).ok_or_else(|| nothing_kept(dir))?;
        // One that a killed run left behind leads nowhere.
        let stream = UnixStream::connect(&note.socket).map_err(|_| nothing_kept(dir))?;
        let reading = |error: std::io::Error| -> Error {
            format!(
                "{}: the run that keeps the guest does not answer ({error}); is somebody else attached?",
                dir.display()
            )
            .into()
        };
        stream.set_read_timeout(Some(PATIENCE)).map_err(reading)?;
        let reader = BufReader::new(stream.try_clone().map_err(reading)?);
        let mut remote = Remote { names: Vec::new(), reader, stream };
        let folder = std::env::current_dir().map_err(|e| format!("finding the working folder: {e}"))?;
        remote.send(&Hello { folder })?;
        let line = remote.line().map_err(reading)?;
        let welcome: Welcome = serde_json::from_slice(&line)
            .map_err(|e| format!("{}: the answer of the run that keeps the guest: {e}", dir.display()))?;
        remote.stream.set_read_timeout(None).map_err(reading)?;
        remote.names.clone_from(&welcome.machines);
        Ok((remote, welcome))
    }

    fn send(&mut self, request: &impl Serialize) -> Result<(), Error> {
        let mut line = Vec::new();
        model::json::write(&mut line, request)?;
        line.push(b'\n');
        self.stream.write_all(&line).map_err(|error| gone(&error))
    }

    fn line(&mut self) -> std::io::Result<Vec<u8>> {
        let mut line = Vec::new();
        match self.reader.read_until(b'\n', &mut line)? {
            0 => Err(std::io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(line),
        }
    }

    fn asked(&mut self, request: &impl Serialize) -> Result<Value, Error> {
        self.send(request)?;
        let line = self.line().map_err(|error| gone(&error))?;
        Ok(serde_json::from_slice(&line)
            .map_err(|error| format!("reading the answer of the run that keeps the guest: {error}"))?)
    }
}

fn gone(error: &std::io::Error) -> Error {
    format!("the run that kept the guest has gone on or ended, and the guest with it ({error})").into()
}

impl Steps for Remote {
    fn names(&self) -> &[String] {
        &self.names
    }

    fn step(&mut self, step: &Step) -> Result<Record, Error> {
        let reply = self.asked(&json!({"line": step.text}))?;
        if reply.get("result").is_none() {
            let why = reply.get("error").and_then(Value::as_str).unwrap_or("it did nothing");
            // It quotes what is foreign to it itself.
            return Err(format!("{}: {}", step.text, visible_lines(why)).into());
        }
        let mut record: Record = serde_json::from_value(reply)
            .map_err(|error| format!("{}: the record of the step: {error}", step.text))?;
        record.line = step.line;
        Ok(record)
    }

    fn stopped(&self) -> bool {
        // A signal ends this perfvt and leaves the guest to its run.
        false
    }

    fn quit(&mut self) -> Result<(), Error> {
        self.asked(&json!({"verb": "quit"})).map(drop)
    }
}
