//! The command: arguments in, an exit code out.
//!
//! ```text
//!   args (clap) ──> verbs/<verb>.rs ──> collect | analyze, report ──> stdout, files
//!                        └──> progress (stderr)
//! ```
//!
//! Exit codes: 0 done; 1 what `--fail-on` names was found, or `doctor` found something missing; 2 usage or input error;
//! 3 nothing could be compared; 4 a campaign finished with invalid cells; 5 another does the same at this moment; 130 interrupted.

// Tests lay out their own files; everything else passes the doors of `edge`.
#![cfg_attr(not(test), warn(clippy::disallowed_methods))]
pub mod args;
mod bisect;
mod by_event;
mod documents;
mod programs;
mod progress;
mod room;
mod say;
mod sight;
mod signals;
mod signatures;
pub mod stopping;
mod verbs;

use args::{Args, Farm, FarmVerb, HistoryArgs, HistoryVerb, Verb};
use collect::brought;
use collect::inside::{INSIDE_VERB, carry_out};
use edge::Terminal;
use std::ffi::{OsStr, OsString};
use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use vm::guest::network::{LEAD_VERB, SWITCH_VERB, lead_main, switch_main, switches_by};

/// perfvt itself, also when its file has been replaced since it started.
pub(crate) fn own_executable() -> PathBuf {
    let link = PathBuf::from("/proc/self/exe");
    if link.exists() { link } else { std::env::current_exe().unwrap_or(link) }
}

/// Everything that ends a verb early, with its causes.
pub type Error = Box<dyn std::error::Error + Send + Sync>;

/// Done, and nothing was found.
pub const DONE: u8 = 0;
/// What `--fail-on` names was found.
pub const FOUND: u8 = 1;
/// Usage or input error.
pub const USAGE: u8 = 2;
/// Nothing could be compared.
pub const NOTHING: u8 = 3;
/// A campaign finished with invalid cells.
pub const INVALID_CELLS: u8 = 4;
/// Another does the same at this moment.
pub const BUSY: u8 = 5;
/// Interrupted by a signal.
pub const INTERRUPTED: u8 = 130;

/// Runs the command line of this process.
#[allow(clippy::disallowed_methods)] // What `run` is given is put behind a sink there.
pub fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    match arguments.next() {
        Some(verb) if verb == vm::accel::PROBE_VERB => return probe(),
        Some(verb) if verb == SWITCH_VERB => return switch(arguments.next()),
        Some(verb) if verb == LEAD_VERB => return lead(),
        Some(verb) if verb == INSIDE_VERB => return inside(arguments.next(), arguments.next()),
        _ => {}
    }
    switches_by(own_executable());
    brought::inside_by(in_guests());
    // Not locked: the progress bar draws from a thread of its own.
    ExitCode::from(run(std::env::args_os(), &mut io::stdout(), &mut io::stderr()))
}

/// The KVM probe, in a process of its own because `KVM_RUN` may never return.
#[allow(clippy::disallowed_methods)] // perfvt itself reads what it says.
fn probe() -> ExitCode {
    let (mut out, mut err) = (io::stdout(), io::stderr());
    // Whoever reads this is gone when writing fails.
    let (code, written) = match vm::accel::measure_here() {
        Ok(rate) => (DONE, writeln!(out, "{rate}")),
        Err(reason) => (USAGE, writeln!(err, "{reason}")),
    };
    ExitCode::from(if written.is_ok() { code } else { USAGE })
}

/// A switch between guests, in a process of its own.
#[allow(clippy::disallowed_methods)] // perfvt itself reads what it says.
fn switch(ports: Option<OsString>) -> ExitCode {
    let done = switch_main(ports.as_deref().and_then(OsStr::to_str));
    // Whoever reads this is gone when writing fails.
    let told = done.map_err(|error| writeln!(io::stderr(), "perfvt: {error}"));
    ExitCode::from(if told.is_ok() { DONE } else { USAGE })
}

/// A way for programs of this host to guests at a switch, in a process of its own.
#[allow(clippy::disallowed_methods)] // perfvt itself reads what it says.
fn lead() -> ExitCode {
    let done = lead_main(&mut io::stdout());
    // Whoever reads this is gone when writing fails.
    let told = done.map_err(|error| writeln!(io::stderr(), "perfvt: {error}"));
    ExitCode::from(if told.is_ok() { DONE } else { USAGE })
}

/// perfvt as it is put into guests that nobody talks to: by its file's name, where that still is what runs here.
fn in_guests() -> PathBuf {
    std::env::current_exe().ok().filter(|file| file.is_file()).unwrap_or_else(own_executable)
}

/// The job of the guest that this is, whose marks go to standard output.
#[allow(clippy::disallowed_methods)] // perfvt itself reads what it says.
fn inside(job: Option<OsString>, out: Option<OsString>) -> ExitCode {
    let (job, out) = (PathBuf::from(job.unwrap_or_default()), PathBuf::from(out.unwrap_or_default()));
    let done = carry_out(&job, &out, &mut io::stdout());
    // Whoever reads this is gone when writing fails.
    let told = done.map_err(|error| writeln!(io::stderr(), "perfvt: {error}"));
    ExitCode::from(if told.is_ok() { DONE } else { USAGE })
}

/// Runs a command line and gives its exit code. Whatever is written for people passes a sink that lets no foreign text move a
/// cursor or turn a line around ([`Terminal`]).
pub fn run(arguments: impl IntoIterator<Item = OsString>, out: &mut dyn Write, err: &mut dyn Write) -> u8 {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    // Only this report is coloured, which the demo ends with, and all that is foreign in it is made visible before.
    let colours = arguments.get(1).is_some_and(|verb| verb == "compare" || verb == "demo") && coloured();
    let mut out = if colours { Terminal::coloured(out) } else { Terminal::new(out) };
    shielded(arguments, &mut out, &mut Terminal::new(err))
}

/// Whether reports on standard output are coloured.
#[allow(clippy::disallowed_methods)] // Nothing is written.
pub(crate) fn coloured() -> bool {
    let no_colour = std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty());
    io::stdout().is_terminal() && !no_colour
}

fn shielded(arguments: Vec<OsString>, out: &mut dyn Write, err: &mut dyn Write) -> u8 {
    let args = match Args::given(&arguments) {
        Ok(args) => args,
        Err(e) => {
            let target: &mut dyn Write = if e.use_stderr() { err } else { out };
            // clap's own colours would need the terminal; plain text goes everywhere.
            let _ = write!(target, "{}", e.render());
            return if e.use_stderr() { USAGE } else { DONE };
        }
    };
    let only_prints = match &args.verb {
        Verb::Run(run) => run.dry_run,
        Verb::Resume(_)
        | Verb::Nightly(_)
        | Verb::Bisect(_)
        | Verb::Demo(_)
        | Verb::Drive(_)
        | Verb::Selftest(_) => false,
        Verb::Farm(Farm { verb, .. }) => matches!(verb, FarmVerb::Hosts | FarmVerb::Status { .. }),
        _ => true,
    };
    let command: Vec<String> = arguments.iter().map(|a| a.to_string_lossy().into_owned()).collect();
    match dispatch(args, command, out, err) {
        Ok(code) => code,
        // `perfvt compare .. | head`: the reader has seen enough.
        Err(error) if only_prints && is_broken_pipe(error.as_ref()) => DONE,
        Err(error) => {
            let _ = writeln!(err, "perfvt: {}", chain(error.as_ref()));
            USAGE
        }
    }
}

fn dispatch(args: Args, command: Vec<String>, out: &mut dyn Write, err: &mut dyn Write) -> Result<u8, Error> {
    match args.verb {
        Verb::Demo(demo) => verbs::demo::demo(&demo, out, err),
        Verb::Run(run) => verbs::run::run(&run, command, out, err),
        Verb::Resume(resume) => verbs::run::resume(&resume, out, err),
        Verb::Status(status) => verbs::story::status(&status, out),
        Verb::Gc { dirs, builds } => verbs::gc::gc(&dirs, builds, out),
        Verb::Reparse { dir } => verbs::run::reparse(&dir, out),
        Verb::Compare(compare) => verbs::compare::compare(&compare, out, err),
        Verb::Show(show) => verbs::show::show(&show, out, err),
        Verb::Explain(explain) => verbs::explain::explain(&explain, out, err),
        Verb::Plan(plan) => verbs::plan::plan(&plan, out, err),
        Verb::Calibrate(calibrate) => verbs::calibrate::calibrate(&calibrate, out, err),
        Verb::Publish(publish) => verbs::publish::publish(&publish, out, err),
        Verb::Ab(args) => verbs::ab::ab(&args, out, err),
        Verb::Bisect(args) => verbs::bisect::bisect(&args, command, out, err),
        Verb::Build(args) => verbs::build::build(&args, out, err),
        Verb::Lake(args) => verbs::lake::lake(&args, out, err),
        Verb::History(HistoryArgs { verb: Some(HistoryVerb::Confirm(args)), .. }) => {
            verbs::confirm::confirm(&args, command, out, err)
        }
        Verb::History(HistoryArgs { verb: Some(HistoryVerb::Bisect(args)), .. }) => {
            verbs::bisect::of_event(*args, command, out, err)
        }
        Verb::History(args) => verbs::history::history(&args, out),
        Verb::Nightly(args) => verbs::nightly::nightly(&args, command, out, err),
        Verb::Farm(farm) => verbs::farm::farm(&farm, out, err),
        Verb::List(list) => verbs::list::list(&list, out, err),
        Verb::Provider(provider) => verbs::provider::provider(&provider, out, err),
        Verb::Guest(guest) => verbs::guest::guest(&guest, command, out, err),
        Verb::Drive(drive) => verbs::drive::drive(&drive, command, out, err),
        Verb::ImportLibvirt { domain } => verbs::import::libvirt(&domain, out, err),
        Verb::ImportAvocado { tree, json } => verbs::import::avocado(&tree, json, out),
        Verb::Host(host) => verbs::host::host(&host, out),
        Verb::Selftest(selftest) => verbs::selftest::selftest(&selftest, out, err),
        Verb::Doctor(doctor) => verbs::doctor::doctor(&doctor, out),
        Verb::Completions { shell } => verbs::generate::completions(shell, out),
        Verb::Help { words } => verbs::help::help(&words, out),
        Verb::Man { dir } => verbs::generate::man(dir.as_deref(), out),
    }
}

/// An error with its causes, each once: several errors repeat what they wrap.
pub(crate) fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        let next_text = next.to_string();
        if !text.contains(&next_text) {
            text.push_str(": ");
            text.push_str(&next_text);
        }
        cause = next.source();
    }
    text
}

/// Whether an error is about a reader who has gone.
pub(crate) fn is_broken_pipe(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(e) = next {
        if e.downcast_ref::<io::Error>().is_some_and(|e| e.kind() == io::ErrorKind::BrokenPipe) {
            return true;
        }
        next = e.source();
    }
    false
}
