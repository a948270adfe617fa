//! `perfvt history confirm`: one campaign of the builds of an event, in turns.

use crate::args::{Args, Confirm, Measuring, Resume, Run, Verb};
use crate::by_event::ByEvent;
use crate::signals::Signals;
use crate::stopping::budget;
use crate::verbs::history::InHistory;
use crate::verbs::moment::who;
use crate::verbs::of_farm::Between;
use crate::verbs::options::defaults;
use crate::verbs::run::{How, collect, request, resume_by, tell};
use crate::{DONE, Error, INTERRUPTED, NOTHING, own_executable};
use analyze::history::{Confirming, History, Measured, StepEvent, machine_of};
use clap::Parser;
use collect::campaign::Campaign;
use collect::campaign::plan::blocks;
use collect::campaign::setup::{Prepared, Until, prepare};
use collect::testbed::obstacles;
use lake::{Event, Lake, Micros, Said};
use model::store::CAMPAIGN_FILE;
use model::{CampaignFile, Rule};
use stats::{Boundary, Confirmation, FLOOR_MIN};
use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};
use vm::host::fingerprint;

/// Confirms an event of a lake.
pub fn confirm(
    args: &Confirm,
    command: Vec<String>,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<u8, Error> {
    let found = InHistory::of(&args.lake, &args.event, args.alpha)?;
    let (history, event) = (&found.history, found.event());
    let default = || PathBuf::from(format!("perfvt-confirm-{}", event.name));
    let asked = Asked {
        lake: &Lake::open(&args.lake)?,
        measuring: &args.measuring,
        builds: &args.builds,
        ceiling: args.repeat,
        budget: args.budget.as_deref().map(budget).transpose()?,
        dir: args.out.clone().unwrap_or_else(default),
        command,
    };
    Ok(match confirm_event(&asked, history, event, out, err)? {
        None => INTERRUPTED,
        Some(Confirmation::Open) => NOTHING,
        Some(_) => DONE,
    })
}

/// How an event is confirmed.
pub(super) struct Asked<'a> {
    /// Where it stands, and where the outcome goes.
    pub lake: &'a Lake,
    /// What is measured.
    pub measuring: &'a Measuring,
    /// Where builds lie, `ID:KEY=VALUE,..`.
    pub builds: &'a [String],
    /// Most boots of each build.
    pub ceiling: u32,
    /// Seconds after which no block begins.
    pub budget: Option<u64>,
    /// The campaign's directory; one that was cut there goes on.
    pub dir: PathBuf,
    /// The command line.
    pub command: Vec<String>,
}

/// Runs the campaign, and writes down what it says. None where it was interrupted.
///
/// # Errors
/// A build is gone, or what `run` cannot do.
pub(super) fn confirm_event(
    asked: &Asked<'_>,
    history: &History,
    event: &StepEvent,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<Option<Confirmation>, Error> {
    let machine = asked.measuring.machine.clone().unwrap_or_else(this_machine);
    let confirming = Confirming::of(asked.lake, history, event, &machine)?;
    let by = ByEvent { confirming: confirming.clone(), options: defaults()? };
    let code = if asked.dir.join(CAMPAIGN_FILE).is_file() {
        refuse_others(&asked.dir, &confirming)?;
        resume_by(&resume_of(&asked.dir)?, (Some(Box::new(by)), None), out, err)?
    } else {
        begin(asked, &confirming, by, out, err)?
    };
    if code == INTERRUPTED {
        return Ok(None);
    }
    let file = Campaign::stored_plan(&asked.dir)?;
    let Rule::Until { floor, ceiling, .. } = file.rule else { return Err("the campaign has no rule".into()) };
    let said = confirming.judge(&asked.dir, &defaults()?, &Boundary::of(floor, ceiling))?;
    let outcome = said.outcome;
    asked.lake.say(&Event {
        at: Micros(analyze::history::now().saturating_mul(1_000_000)),
        who: who(None),
        series: "*".to_owned(),
        issue: None,
        expires: None,
        said: Said::Confirmed {
            event: event.name.clone(),
            outcome: outcome.word().to_owned(),
            campaign: file.id,
        },
    })?;
    write!(out, "{}", report::history_confirmed(&confirming, &said))?;
    Ok(Some(outcome))
}

/// This machine, as a lake names it.
pub(super) fn this_machine() -> String {
    let facts = fingerprint::host(Path::new("/")).0;
    machine_of(&facts).unwrap_or("unknown").to_owned()
}

/// A campaign that lies where this one would, and is another.
fn refuse_others(dir: &Path, confirming: &Confirming) -> Result<(), Error> {
    let file = Campaign::stored_plan(dir)?;
    let same = file.environments.iter().map(|e| &e.name).eq(confirming.environments.iter().map(|e| &e.name));
    if same && matches!(file.rule, Rule::Until { .. }) {
        return Ok(());
    }
    Err(format!("{}: a campaign lies there that confirms nothing; --out says another place", dir.display())
        .into())
}

fn begin(
    asked: &Asked<'_>,
    confirming: &Confirming,
    by: ByEvent,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<u8, Error> {
    let mut words = asked.measuring.words();
    for environment in &confirming.environments {
        words.extend(["--env".into(), environment_word(environment, asked.builds)?]);
    }
    let run = run_of(words)?;
    let until =
        Until { half_width: 0.5 * confirming.smallest(), floor: FLOOR_MIN, budget_seconds: asked.budget };
    let request = request(&run, asked.command.clone(), Some(asked.ceiling), Some(until));
    let mut prepared = prepare(&request, &own_executable())?;
    narrow(&mut prepared, confirming, &by)?;
    tell(&prepared, err)?;
    obstacles(&prepared.stage, Vec::new())?;
    let signals = Signals::watch(false)?;
    let how = How {
        dir: &asked.dir,
        conduct: &run.conduct,
        stopping: Some(Box::new(by)),
        between: Between::nothing(),
    };
    collect(prepared, how, false, signals, out, err)
}

/// Leaves the cases in which nothing moved.
fn narrow(prepared: &mut Prepared, confirming: &Confirming, by: &ByEvent) -> Result<(), Error> {
    let file: &mut CampaignFile = &mut prepared.file;
    let kept = confirming.cases(&file.cases, &by.options);
    file.cases = kept.iter().filter_map(|at| file.cases.get(*at).cloned()).collect();
    let shuffle = file.environments.first().map_or(Ok(true), |e| e.to_params().switch("shuffle"))?;
    file.blocks = blocks(file.environments.len(), file.rule.boots(), file.cases.len(), file.seed, shuffle);
    Ok(())
}

/// `perfvt run` with these words.
pub(super) fn run_of(words: Vec<OsString>) -> Result<Run, Error> {
    match Args::try_parse_from(words)?.verb {
        Verb::Run(run) => Ok(run),
        _ => Err("these are no words of perfvt run".into()),
    }
}

/// `perfvt resume` of a campaign, with the flags that it has by itself.
pub(super) fn resume_of(dir: &Path) -> Result<Resume, Error> {
    let words: [OsString; 3] = ["perfvt".into(), "resume".into(), dir.into()];
    match Args::try_parse_from(words)?.verb {
        Verb::Resume(resume) => Ok(resume),
        _ => Err("these are no words of perfvt resume".into()),
    }
}

/// `NAME:KEY=VALUE,..` of a build, by what --build says, else where it lay when it was measured.
fn environment_word(of: &Measured, builds: &[String]) -> Result<OsString, Error> {
    let said = builds.iter().filter_map(|word| word.split_once(':')).find(|(id, _)| *id == of.build);
    if let Some((_, params)) = said {
        return Ok(format!("{}:{params}", of.name).into());
    }
    let build = edge::quoted(&of.build);
    let mend = format!("--build {}:KEY=VALUE,.. says where it lies", of.build);
    let Some(place) = &of.place else {
        return Err(format!("build {build}: the lake does not say where it lay; {mend}").into());
    };
    if let Some((key, value)) = place.missing() {
        let value = edge::quoted(value);
        return Err(
            format!("build {build} is gone: its {key} was {value}, which is not there; {mend}").into()
        );
    }
    Ok(env_word(&of.name, &place.params).into())
}

/// An environment with parameters, as `--env` takes it: a comma within a value is doubled.
pub(super) fn env_word(name: &str, params: &std::collections::BTreeMap<String, String>) -> String {
    let params: Vec<String> =
        params.iter().map(|(key, value)| format!("{key}={}", value.replace(',', ",,"))).collect();
    format!("{name}:{}", params.join(","))
}
