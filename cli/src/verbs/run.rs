//! `perfvt run` and `perfvt resume`.

use super::host::Turned;
use crate::args::{Conduct, Resume, Run};
use crate::progress::Progress;
use crate::room;
use crate::sight;
use crate::signals::Signals;
use crate::stopping::{self, ByRule};
use crate::verbs::beside::Beside;
use crate::verbs::drive::kept::Kept;
use crate::verbs::dry_run::{View, show_plan};
use crate::verbs::lake::add_campaign;
use crate::verbs::of_farm::{Between, OfFarm};
use crate::verbs::options::defaults;
use crate::verbs::story;
use crate::{DONE, Error, INTERRUPTED, INVALID_CELLS, own_executable};
use analyze::history::Told;
use collect::brought::to_build;
use collect::campaign::setup::{Prepared, Request, Until, prepare, utc_stamp, without_exits_before_7_1};
use collect::campaign::{Campaign, CampaignError, Ended, Hooks, Keep, NoiseGuard, Part, Stopping};
use collect::config::Source;
use collect::environment::Stage;
use collect::lab::window::counts_in_debugfs;
use collect::matrix::QUICK;
use collect::testbed::{Obstacles, Testbed, claims, obstacles, survey};
use model::{CampaignFile, EnvironmentPlan, Rule};
use process::name_folders_after;
use std::io::Write;
use std::path::{Path, PathBuf};
use vm::accel;
use vm::guest::disk::allow_writing;
use vm::guest::image::{Cache, builtin};
use vm::host::fingerprint::boot_id;
use vm::host::locks::{LockError, Locks, acquire};
use vm::host::noise::{Limits, Reader};

/// Plans a campaign and runs it.
pub fn run(args: &Run, command: Vec<String>, out: &mut dyn Write, err: &mut dyn Write) -> Result<u8, Error> {
    run_by(args, command, (None, Beside::default()), out, err)
}

/// The same with what is known beside the plan.
pub(super) fn run_beside(
    args: &Run,
    command: Vec<String>,
    beside: Beside,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<u8, Error> {
    run_by(args, command, (None, beside), out, err)
}

/// The same as a shard of a farm.
pub(super) fn run_by(
    args: &Run,
    command: Vec<String>,
    (farm, beside): (Option<OfFarm>, Beside),
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<u8, Error> {
    allow_writing(&args.conduct.allow_write_device);
    let (repeats, until) = stopping::asked(args)?;
    let request = request(args, command, repeats, until);
    let mut prepared = prepare(&request, &own_executable())?;
    prepared.file.farm = farm.as_ref().map(|farm| farm.shard.clone());
    beside.add_to(&mut prepared.file);
    tell(&prepared, err)?;
    let default =
        || format!("perfvt-{}-{}", prepared.file.workload, utc_stamp(prepared.file.created_unix_ns));
    let dir = args.out.clone().unwrap_or_else(|| PathBuf::from(default()));
    let way = obstacles(&prepared.stage, room(args, &prepared, &dir, err));
    if args.dry_run {
        let in_the_way = way.as_ref().err().map_or(0, Obstacles::count);
        let view = View { verbose: args.verbose, quick: quick(&request, &prepared), in_the_way };
        show_plan(&prepared, &view, out)?;
        if let Some(pilot) = &args.pilot {
            sight::foresee(&prepared.file, pilot, &defaults()?, out)?;
        }
    }
    way?;
    if args.dry_run {
        return Ok(DONE);
    }
    story::check_junit(args.conduct.junit.as_deref(), &dir)?;
    let (signals, between) = OfFarm::parts(farm, &args.conduct)?;
    let turned = args.prepare.then(|| Turned::prepare(err)).transpose()?;
    let how = How { dir: &dir, conduct: &args.conduct, stopping: None, between };
    let done = collect(prepared, how, args.join, signals, out, err);
    if let Some(turned) = turned {
        turned.restore(err);
    }
    done
}

/// Seconds of a plan from which on the quick profile is told.
const LONG: f64 = 3600.0;

/// Seconds of the same campaign with the quick profile, where this one is long and has no profile.
fn quick(request: &Request, prepared: &Prepared) -> Option<f64> {
    if prepared.estimate.seconds <= LONG || request.profile.is_some() {
        return None;
    }
    let request = Request { profile: Some(QUICK.into()), ..request.clone() };
    // What is wrong with it is told when it is asked for.
    let seconds = prepare(&request, &own_executable()).ok()?.estimate.seconds;
    (seconds < prepared.estimate.seconds).then_some(seconds)
}

/// Where and how a campaign is run.
pub(super) struct How<'a> {
    /// Its directory.
    pub dir: &'a Path,
    /// What its flags say.
    pub conduct: &'a Conduct,
    /// What decides between blocks, instead of the width of intervals.
    pub stopping: Option<Box<dyn Stopping>>,
    /// What is done between blocks and boots.
    pub between: Between,
}

/// What the flags ask for.
pub(super) fn request(
    args: &Run,
    command: Vec<String>,
    repeats: Option<u32>,
    until: Option<Until>,
) -> Request {
    Request {
        source: Source {
            workload: args.workload.clone(),
            config: args.config.clone(),
            only: args.only.clone(),
            no: args.no.clone(),
            guest: None,
        },
        envs: args.envs.clone(),
        profile: args.profile.clone(),
        sets: args
            .sets
            .iter()
            .cloned()
            .chain(args.guest.iter().map(|name| format!("guest={name}")))
            .chain(args.noise.iter().map(|mode| format!("noise={mode}")))
            .collect(),
        repeats,
        until,
        confirm: args.confirm,
        accel: args.accel.word().into(),
        allow_unpinned: args.allow_unpinned,
        machine: args.machine.clone(),
        seed: args.seed,
        verbose: args.verbose,
        argv: command,
    }
}

/// What is to be said before anything is planned on disk.
pub(super) fn tell(prepared: &Prepared, err: &mut dyn Write) -> Result<(), Error> {
    for note in &prepared.notes {
        say(err, &format!("warning: {note}"));
    }
    if let Some(told) = &prepared.told {
        say(err, &format!("note: {told}"));
    }
    if let Some(blind) = sight::warning(&prepared.file, &defaults()?) {
        say(err, &format!("warning: {blind}"));
    }
    Ok(())
}

/// What is wrong with where the results go, and with the room for them and for disks.
fn room(args: &Run, prepared: &Prepared, dir: &Path, err: &mut dyn Write) -> Vec<String> {
    let mut wrong = Vec::new();
    if !args.join && dir.exists() {
        wrong.push(CampaignError::exists(dir).to_string());
    }
    match room::check(dir, prepared.estimate.bytes, &prepared.disks) {
        Ok(warnings) => warnings.iter().for_each(|warning| say(err, &format!("warning: {warning}"))),
        Err(error) => wrong.push(error.to_string()),
    }
    wrong
}

/// Takes everything that a plan says, in a campaign of its own or joined to the one in `dir`.
pub(super) fn collect(
    Prepared { mut file, mut stage, .. }: Prepared,
    how: How<'_>,
    join: bool,
    signals: Signals,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<u8, Error> {
    how.between.check(&file)?;
    let (dir, here) = (how.dir, boot_id(Path::new("/")));
    let joined = if join { Some(Campaign::open(dir, &here)?) } else { None };
    if let Some(campaign) = &joined {
        file.id.clone_from(&campaign.file().id);
        let new = |old: &EnvironmentPlan| !file.environments.iter().any(|e| e.name == old.name);
        let mut all: Vec<EnvironmentPlan> = campaign.unfinished().into_iter().filter(new).collect();
        if !all.is_empty() {
            // What it has not finished is booted as well.
            all.extend(file.environments.iter().cloned());
            stage = survey(&CampaignFile { environments: all, ..file.clone() }, &Cache::from_env()?)?;
        }
    }
    let (mut testbed, versions, _locks) = testbed(stage, &file.id, how.conduct, &signals, err)?;
    if !counts_in_debugfs(Path::new("/")) {
        without_exits_before_7_1(&mut file, &versions);
    }
    for warning in &file.warnings {
        say(err, &format!("warning: {warning}"));
    }
    let campaign = match joined {
        Some(mut campaign) => {
            campaign.join(file)?;
            campaign
        }
        None => {
            Campaign::create(dir, &file)?;
            Campaign::open(dir, &here)?
        }
    };
    execute(how, campaign, &mut testbed, signals, out, err)
}

/// Says something that is not worth stopping for when nobody can hear it: a campaign goes on without its terminal.
fn say(to: &mut dyn Write, text: &str) {
    let _ = writeln!(to, "{text}");
}

/// A testbed on which the guests of every environment could be started, the QEMUs that did, and the locks on where they
/// run.
fn testbed(
    stage: Stage,
    campaign: &str,
    conduct: &Conduct,
    signals: &Signals,
    err: &mut dyn Write,
) -> Result<(Testbed, Vec<String>, Locks), Error> {
    name_folders_after(campaign);
    let image = stage.needs.guest.then(|| builtin(&stage.cache)).transpose()?;
    let mut patience = |held: Option<&LockError>| {
        if let Some(held) = held {
            say(err, &format!("waiting: {held}"));
        }
        signals.seen().is_none()
    };
    let locks = acquire(&claims(&stage, image.as_ref())?, conduct.wait.then_some(&mut patience))?;
    for folder in to_build(&stage.cache, &stage.needs.brings)? {
        say(err, &format!("building {} with make; nothing boots before", folder.display()));
    }
    let testbed = Testbed::new(stage, image, campaign)?;
    let versions = testbed.rehearse()?;
    Ok((testbed, versions, locks))
}

/// Goes on with a campaign.
pub fn resume(args: &Resume, out: &mut dyn Write, err: &mut dyn Write) -> Result<u8, Error> {
    resume_by(args, (None, None), out, err)
}

/// The same with something that decides between blocks, or as a shard of a farm.
pub(super) fn resume_by(
    args: &Resume,
    (stopping, farm): (Option<Box<dyn Stopping>>, Option<OfFarm>),
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<u8, Error> {
    allow_writing(&args.conduct.allow_write_device);
    story::check_junit(args.conduct.junit.as_deref(), &args.dir)?;
    let file = Campaign::stored_plan(&args.dir)?;
    if file.accel == "kvm" {
        accel::resolve("kvm", || accel::probe(&own_executable()))?;
    }
    let (signals, between) = OfFarm::parts(farm, &args.conduct)?;
    between.check(&file)?;
    let stage = survey(&file, &Cache::from_env()?)?;
    let turned = args.prepare.then(|| Turned::prepare(err)).transpose()?;
    let how = How { dir: &args.dir, conduct: &args.conduct, stopping, between };
    let done = go_on(args, (&file.id, stage, how), signals, out, err);
    if let Some(turned) = turned {
        turned.restore(err);
    }
    done
}

/// Takes what a campaign has no result of yet.
fn go_on(
    args: &Resume,
    (id, stage, how): (&str, Stage, How<'_>),
    signals: Signals,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<u8, Error> {
    let (mut testbed, _, _locks) = testbed(stage, id, &args.conduct, &signals, err)?;
    let mut campaign = Campaign::open(&args.dir, &boot_id(Path::new("/")))?;
    if args.force {
        campaign.force();
    }
    if args.failed {
        campaign.retry_failed();
    }
    if let Some(repeats) = args.repeat {
        campaign.repeat_to(repeats)?;
    }
    execute(how, campaign, &mut testbed, signals, out, err)
}

/// Makes the values of a campaign again, out of its raw output.
pub fn reparse(dir: &Path, out: &mut dyn Write) -> Result<u8, Error> {
    let count = Campaign::open(dir, &boot_id(Path::new("/")))?.reparse()?;
    writeln!(out, "{}: {count} cells made again from raw output", dir.display())?;
    Ok(DONE)
}

/// Runs what has no result yet.
fn execute(
    How { dir, conduct, stopping, between }: How<'_>,
    mut campaign: Campaign,
    testbed: &mut Testbed,
    signals: Signals,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<u8, Error> {
    campaign.keep(Keep { failed: conduct.keep_failed.clone(), passed: conduct.keep_passed.clone() });
    // What the host itself does is as sure as what the hardware does with guests.
    let real = campaign.file().accel != "tcg";
    let looks = matches!(campaign.file().rule, Rule::Until { .. }) || campaign.file().confirm.is_some();
    let asked = signals.clone();
    let guard =
        NoiseGuard::new(Reader::here(), Limits::default(), real).stopping(move || asked.seen().is_some());
    let mut progress = Progress::new(campaign.file(), campaign.state(), signals.clone());
    let tell = progress.teller();
    let mut hooks = between.hook(Hooks::new(&mut progress)).guard(guard);
    if conduct.keep_failed.has(Part::Guest) {
        hooks = hooks.keeper(Kept::new(dir, signals, tell));
    }
    hooks = match stopping {
        Some(stopping) => hooks.stopping(stopping),
        None if looks => hooks.stopping(ByRule::new(defaults()?)),
        None => hooks,
    };
    let ended = campaign.run(testbed, &mut hooks);
    drop(hooks);
    if let Err(error) = story::write(dir, &campaign) {
        // A view of the journal, which is on disk: nothing is lost, and the campaign's own end says more.
        say(err, &format!("warning: {error}"));
    }
    let junit = conduct.junit.as_deref().map_or(Ok(()), |path| story::write_junit(path, dir, &campaign));
    if !matches!(ended, Ok(Ended { interrupted: false, .. })) {
        story::point(dir, &campaign, err);
        if let Err(error) = &junit {
            say(err, &format!("warning: {error}"));
        }
    }
    let Ended { valid, invalid, interrupted } = ended?;
    if interrupted {
        say(err, &format!("interrupted with {valid} valid cells; perfvt resume {} goes on", dir.display()));
        return Ok(INTERRUPTED);
    }
    say(out, &format!("{}: {valid} cells valid, {invalid} invalid", dir.display()));
    story::point(dir, &campaign, out);
    junit?;
    if let Some(lake) = &conduct.lake {
        add_campaign(lake, dir, &Told::default(), None, (out, err))?;
    }
    say(out, &next_step(dir, campaign.file()));
    if invalid > 0 {
        let failed = "when their cause is mended, `perfvt resume";
        say(
            out,
            &format!("{invalid} cells have no value: {failed} {} --failed` measures them again", shown(dir)),
        );
    }
    Ok(if invalid == 0 { DONE } else { INVALID_CELLS })
}

/// What to type behind a campaign that has ended: several environments are compared with one another, one with that of another
/// campaign.
fn next_step(dir: &Path, file: &CampaignFile) -> String {
    match file.environments.as_slice() {
        [one] => {
            let one = shown(&dir.join(&one.name));
            format!("next: perfvt show {one}; with another run as baseline: perfvt compare BASELINE {one}")
        }
        _ => format!("next: perfvt compare {}", shown(dir)),
    }
}

/// A path as a shell takes it.
fn shown(path: &Path) -> String {
    report::command_line::command_line(&[path.display().to_string()])
}
