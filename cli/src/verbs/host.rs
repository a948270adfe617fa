//! `perfvt host`.

use crate::args::{Host as Args, HostVerb, Preparing};
use crate::{DONE, Error, FOUND};
use collect::doctor::{Standing, examine};
use serde_json::json;
use std::io::Write;
use std::path::Path;
use vm::host::prepare::{Host, Options, Report, Session, advise, prepare, restore, standing};

/// Prepares or restores a host, or says how it stands; 1 when something could not be done.
pub fn host(args: &Args, out: &mut dyn Write) -> Result<u8, Error> {
    let host = match &args.root {
        Some(root) => Host::under(root),
        None => Host::here()?,
    };
    match &args.verb {
        HostVerb::Prepare(preparing) => {
            let report = prepare(&host, &options(preparing), preparing.dry_run)?;
            show(&report, args.json, out)?;
            if !args.json {
                say_after(&host, &report, preparing.dry_run, out)?;
            }
            Ok(if report.failed() { FOUND } else { DONE })
        }
        HostVerb::Restore => {
            let report = restore(&host, None)?;
            if report.lines.is_empty() && !args.json {
                writeln!(out, "nothing to restore: {} is not there", host.journal().display())?;
            }
            show(&report, args.json, out)?;
            Ok(if report.failed() { FOUND } else { DONE })
        }
        HostVerb::Status => status(&host, args, out),
        HostVerb::Check => check(args.json, out),
    }
}

/// Whether this host can measure, in as few words as a batch system has room for.
fn check(as_json: bool, out: &mut dyn Write) -> Result<u8, Error> {
    let checks = examine(&crate::own_executable());
    let missing: Vec<_> = checks.iter().filter(|check| check.standing == Standing::Missing).collect();
    if as_json {
        model::json::write_pretty(&mut *out, &json!({"fit": missing.is_empty(), "missing": missing}))?;
        writeln!(out)?;
    } else if missing.is_empty() {
        writeln!(out, "fit for measuring")?;
    }
    for check in missing.iter().filter(|_| !as_json) {
        writeln!(out, "{}: {}; {}", check.name, check.found, check.remedy)?;
    }
    Ok(if missing.is_empty() { DONE } else { FOUND })
}

fn options(args: &Preparing) -> Options {
    Options {
        only: args.only.clone(),
        without: args.no.clone(),
        hugepages: args.hugepages.clone(),
        services: args.services.clone(),
    }
}

fn show(report: &Report, as_json: bool, out: &mut dyn Write) -> Result<(), Error> {
    if as_json {
        model::json::write_pretty(&mut *out, report)?;
        writeln!(out)?;
    } else {
        write!(out, "{report}")?;
    }
    Ok(())
}

fn say_after(host: &Host, report: &Report, dry_run: bool, out: &mut dyn Write) -> Result<(), Error> {
    if dry_run {
        writeln!(out, "\nnothing was changed (--dry-run)")?;
    } else if report.changed() > 0 {
        let (n, journal) = (report.changed(), host.journal());
        writeln!(
            out,
            "\n{n} values changed, the old ones are in {}; perfvt host restore undoes it",
            journal.display()
        )?;
    }
    Ok(())
}

fn status(host: &Host, args: &Args, out: &mut dyn Write) -> Result<u8, Error> {
    let sessions = standing(host)?;
    let advice = advise(args.root.as_deref().unwrap_or(Path::new("/")));
    if args.json {
        model::json::write_pretty(&mut *out, &json!({"sessions": sessions, "reboot": advice}))?;
        writeln!(out)?;
        return Ok(DONE);
    }
    if sessions.is_empty() {
        writeln!(out, "nothing is changed by perfvt")?;
    }
    for session in &sessions {
        show_session(session, out)?;
    }
    writeln!(out, "\nwhat only a reboot changes")?;
    for one in &advice {
        writeln!(out, "  {}  {}: {}", if one.good { "ok     " } else { "limited" }, one.name, one.found)?;
        if !one.good {
            writeln!(out, "           {}", one.remedy)?;
        }
    }
    Ok(DONE)
}

fn show_session(session: &Session, out: &mut dyn Write) -> Result<(), Error> {
    let time = collect::campaign::setup::utc_stamp(session.unix_ns);
    writeln!(out, "changed by process {} at {time}; perfvt host restore undoes it", session.pid)?;
    for change in &session.changes {
        let what = match &change.target {
            vm::host::prepare::Target::File(path) => path.display().to_string(),
            vm::host::prepare::Target::Service(unit) => unit.clone(),
        };
        writeln!(out, "  {what}: {} -> {}", change.old, change.new)?;
    }
    Ok(())
}

/// A host that was prepared for one run.
pub(super) struct Turned {
    host: Host,
    session: String,
}

impl Turned {
    /// Turns all knobs; what cannot be turned is said, and does not stop the run.
    pub fn prepare(err: &mut dyn Write) -> Result<Turned, Error> {
        let host = Host::here()?;
        let report = prepare(&host, &Options::default(), false)?;
        // Nobody may be listening; the run goes on just the same.
        let _ = write!(err, "{report}");
        Ok(Turned { host, session: report.session })
    }

    /// Turns back what this run turned. What does not go stays in the journal, for `perfvt host restore`.
    pub fn restore(self, err: &mut dyn Write) {
        if self.session.is_empty() {
            return;
        }
        let said = match restore(&self.host, Some(&self.session)) {
            Ok(report) if report.failed() => format!("{report}perfvt host restore tries again"),
            Ok(report) => format!("the host is as it was before: {} values restored", report.changed()),
            Err(error) => format!("the host could not be restored: {error}; perfvt host restore tries again"),
        };
        let _ = writeln!(err, "{said}");
    }
}
