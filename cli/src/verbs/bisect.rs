//! `perfvt bisect`: which commit of a range moved a row.
//!
//! ```text
//!   bisect::next ──> Build: the cache of builds            ──┐
//!        ↑           Round: a campaign of one block          ├──> an event in journal.jsonl ──> Known
//!        └────────── Judge: a campaign of two, until decided ─┘
//! ```

mod begin;
mod bench;
mod event;
mod foresee;
mod judge;
mod pair;
mod reading;
mod told;

pub use event::of_event;

use crate::args::{Bisect, BisectHow, CheckArg};
use crate::bisect::{Check, End, Event, Journal, Limits, Plan, Stage, Step, Value, next};
use crate::signals::Signals;
use crate::stopping::budget;
use crate::verbs::ab::{params, plain, recipe};
use crate::verbs::build::{What, built};
use crate::verbs::confirm::this_machine;
use crate::verbs::options::defaults;
use crate::{BUSY, DONE, Error, FOUND, INTERRUPTED, NOTHING};
use begin::{going_on, plan, taken};
use bench::{Account, Bench, Measured, Taken, account};
use builds::{Commit, Layout, Order, Range, Recipe, Record, Repository, Status};
use model::store::CAMPAIGN_FILE;
use pair::ByPair;
use reading::values;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

/// The folder of all rounds' campaigns.
const ROUNDS: &str = "rounds";

/// Finds the commit of a range that moved a row.
pub fn bisect(
    args: &Bisect,
    command: Vec<String>,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<u8, Error> {
    let how = &args.how;
    let (folder, recipe) = recipe(&how.of)?;
    let repository = Repository::open(folder)?;
    let order = if how.into_merge { Order::All } else { Order::FirstParent };
    let range = Range::of(&repository, &args.range, order)?;
    let limits = Limits { seconds: budget(&how.budget)? as f64, boots: how.boots };
    let tells = std::cell::Cell::new(true);
    let bench = Bench {
        tells,
        how,
        row: &args.row,
        command: &command,
        options: defaults()?,
        signals: Signals::watch(false)?,
    };
    let aligned = how.checks.contains(&CheckArg::Aligned);
    if aligned && matches!(recipe, Recipe::Script(_)) {
        let why = "--check aligned: how the code of a script's build is laid out is the script's matter";
        return Err(why.into());
    }
    let plan = plan(args, &bench, &repository, &recipe, &range)?;
    let foreseen = foresee::foresee(&plan, &bench, &limits, err)?;
    if how.dry_run {
        foreseen.tell(&plan, &limits, how.json, out)?;
        return Ok(if foreseen.is_hopeless() { FOUND } else { DONE });
    }
    foreseen.refuse()?;
    let (good, bad) = Range::ends(&args.range)?;
    let default = || PathBuf::from(format!("perfvt-bisect-{}-{}", plain(good), plain(bad)));
    let dir = how.out.clone().unwrap_or_else(default);
    let Some(_lock) = taken(&dir)? else {
        writeln!(err, "perfvt: another perfvt bisects in {}; nothing is done", dir.display())?;
        return Ok(BUSY);
    };
    let plan = going_on(&dir, plan)?;
    let journal = Journal::open(&dir)?;
    let mut work = Work { plan, journal, bench, repository, recipe, limits, dir };
    let end = work.through(err)?;
    work.say(end.as_ref(), out)?;
    Ok(match end {
        None => INTERRUPTED,
        Some(End::Named(_)) => DONE,
        Some(End::NotReproduced | End::Same | End::Unconfirmed(_) | End::Futile) => NOTHING,
        Some(End::Among(..) | End::Budget | End::Unmeasurable(_)) => FOUND,
    })
}

/// A bisection in hand.
struct Work<'a> {
    plan: Plan,
    journal: Journal,
    bench: Bench<'a>,
    repository: Repository,
    recipe: Recipe,
    limits: Limits,
    dir: PathBuf,
}

impl Work<'_> {
    fn how(&self) -> &BisectHow {
        self.bench.how
    }

    fn checks(&self) -> Vec<Check> {
        let mut checks: Vec<Check> = (self.how().checks.iter())
            .map(|check| match check {
                CheckArg::Revert => Check::Revert,
                CheckArg::Aligned => Check::Aligned,
            })
            .collect();
        checks.sort();
        checks.dedup();
        checks
    }

    /// Writes what came out, and tells it.
    fn say(&self, end: Option<&End>, out: &mut dyn Write) -> Result<(), Error> {
        let told = self.told(end);
        told::write(&self.dir, &told)?;
        if self.how().json {
            model::json::write_pretty(&mut *out, &told)?;
            return Ok(writeln!(out)?);
        }
        write!(out, "{}", report::bisect::text(&told))?;
        let files = told::FILES.map(|name| self.dir.join(name).display().to_string());
        Ok(writeln!(out, "\n{}", files.join("\n"))?)
    }

    /// One step after the other, to the end; none where it was interrupted.
    fn through(&mut self, err: &mut dyn Write) -> Result<Option<End>, Error> {
        let checks = self.checks();
        loop {
            if self.bench.signals.seen().is_some() {
                return Ok(None);
            }
            let goes_on = match next(&self.plan, &self.journal.known, &self.limits, &checks) {
                Step::Build(commit) => {
                    self.build(commit, err)?;
                    true
                }
                Step::Round(commits) => self.round(&commits, err)?,
                Step::Judge(check, commit) => self.judge(check, commit, err)?,
                Step::End(end) => return Ok(Some(end)),
            };
            if !goes_on {
                return Ok(None);
            }
        }
    }

    fn commit(&self, at: usize) -> Result<&Commit, Error> {
        self.plan.commits.get(at).ok_or_else(|| "a commit beyond the range".into())
    }

    /// What is kept of a commit, built now where it is not. A build that is gone from the cache is made again.
    fn record(
        &self,
        at: usize,
        patch: Option<&[u8]>,
        recipe: &Recipe,
        err: &mut dyn Write,
    ) -> Result<Record, Error> {
        let what = What { repository: &self.repository, commit: self.commit(at)?, patch, recipe };
        built(&what, &self.how().of.way, err)
    }

    fn build(&mut self, at: usize, err: &mut dyn Write) -> Result<(), Error> {
        let began = std::time::Instant::now();
        let record = self.record(at, None, &self.recipe, err)?;
        let event = match record.status {
            Status::Failed { why, .. } => {
                let short = self.plan.short(at);
                writeln!(
                    err,
                    "{short} does not build, and stays in its class: {why}; its log is {}",
                    record.folder.join("log").display()
                )?;
                Event::Broken { commit: at, stage: Stage::Build, why }
            }
            Status::Built => {
                // What was found in the cache takes no time.
                let took = began.elapsed().as_secs_f64();
                let seconds = if took < 0.5 * record.seconds { 0.0 } else { took };
                Event::Built { commit: at, hash: record.hash.unwrap_or_default(), seconds }
            }
        };
        self.journal.append(event)
    }

    /// A commit's build as an environment.
    fn measured(&self, at: usize, err: &mut dyn Write) -> Result<Measured, Error> {
        let record = self.record(at, None, &self.recipe, err)?;
        let params = params(&self.how().of, &record)?;
        Ok(Measured { name: self.plan.short(at).to_owned(), params })
    }

    /// A folder for a campaign: that in which it was begun, if it can go on there.
    fn folder(&self, begun: Option<&String>, name: &str) -> (String, bool) {
        if let Some(folder) = begun {
            let dir = self.dir.join(folder);
            if !dir.exists() || dir.join(CAMPAIGN_FILE).is_file() {
                return (folder.clone(), true);
            }
        }
        let mut name = name.to_owned();
        while self.dir.join(&name).exists() {
            name.push('x');
        }
        (name, false)
    }

    /// Runs a campaign, or goes on with the one that was begun; `event` writes a new one down. One that cannot go on (the host is
    /// another one than it was) stays as it is, and is begun anew.
    fn campaign(
        &mut self,
        (mut begun, name): (Option<String>, String),
        event: &dyn Fn(String) -> Event,
        builds: &[Measured],
        pair: Option<ByPair>,
        err: &mut dyn Write,
    ) -> Result<(PathBuf, Taken), Error> {
        loop {
            let (folder, goes_on) = self.folder(begun.as_ref(), &name);
            if !goes_on {
                self.journal.append(event(folder.clone()))?;
            }
            let dir = self.dir.join(&folder);
            let seed = stats::seed_from(self.plan.seed, &folder);
            match self.bench.take(&dir, builds, seed, pair.clone(), err) {
                Err(error) if goes_on && dir.exists() => {
                    let why = crate::chain(error.as_ref());
                    writeln!(err, "{folder} cannot go on ({why}); it stays as it is, and is begun anew")?;
                    begun = None;
                }
                taken => return Ok((dir, taken?)),
            }
        }
    }

    /// Boots these commits once each, in random order. False where it was interrupted.
    fn round(&mut self, commits: &[usize], err: &mut dyn Write) -> Result<bool, Error> {
        let open = self.journal.known.open_round();
        let number = self.journal.known.rounds.len() + usize::from(open.is_none());
        let begun = open.filter(|round| round.commits == commits).map(|round| round.folder.clone());
        let measured = commits.iter().map(|at| self.measured(*at, err)).collect::<Result<Vec<_>, _>>()?;
        let event = |folder: String| Event::Began { commits: commits.to_vec(), folder };
        let place = (begun, format!("{ROUNDS}/{number:04}"));
        let (dir, taken) = self.campaign(place, &event, &measured, None, err)?;
        match taken {
            Taken::Interrupted => return Ok(false),
            Taken::Cannot(name, why) => {
                self.cannot(commits, &name, why, err)?;
                return Ok(true);
            }
            Taken::Ended => {}
        }
        self.take_in(&dir, commits, err)?;
        self.progress(err)?;
        Ok(true)
    }

    /// Writes down that a build cannot be started.
    fn cannot(
        &mut self,
        commits: &[usize],
        name: &str,
        why: String,
        err: &mut dyn Write,
    ) -> Result<(), Error> {
        let at = commits.iter().copied().find(|at| self.plan.short(*at) == name);
        let Some(at) = at.filter(|at| !self.journal.known.is_measured(*at)) else {
            return Err(format!("{}: {why}", edge::quoted(name)).into());
        };
        writeln!(err, "{name} does not boot, and stays in its class: {}", edge::text::cut(&why))?;
        self.journal.append(Event::Broken { commit: at, stage: Stage::Boot, why })
    }

    /// Writes down what a round came to.
    fn take_in(&mut self, dir: &Path, commits: &[usize], err: &mut dyn Write) -> Result<(), Error> {
        if self.journal.known.row.is_none() {
            let machine = self.how().measuring.machine.clone().unwrap_or_else(this_machine);
            for at in commits {
                if let Some(row) = self.bench.facts(dir, self.plan.short(*at), &machine)? {
                    self.journal.append(Event::Row(row))?;
                    break;
                }
            }
        }
        let Account { seconds, lost, .. } = account(dir)?;
        let mut found = Vec::new();
        for at in commits {
            let of = match &self.journal.known.row {
                Some(row) => values(&self.bench.options, &dir.join(self.plan.short(*at)), row)?,
                None => BTreeMap::new(),
            };
            found.push(Value { commit: *at, value: of.values().next().copied(), dead: None });
        }
        let good = found.iter().any(|of| of.commit == 0 && of.value.is_some());
        for of in found.iter_mut().filter(|of| of.value.is_none()) {
            let name = self.plan.short(of.commit);
            let Some((why, is_host)) = lost.get(name) else { continue };
            writeln!(err, "{name} gave no value: {}", edge::text::cut(why))?;
            // A crash is not slow. Where the good end fails as well, or the host did, it says nothing of the commit.
            let dead = good && !is_host && !self.journal.known.is_measured(of.commit);
            of.dead = dead.then(|| why.clone());
        }
        self.journal.append(Event::Measured { values: found, seconds })
    }
}

/// The recipe with every function at a multiple of 64 bytes.
fn aligned(recipe: &Recipe) -> Recipe {
    let mut recipe = recipe.clone();
    match &mut recipe {
        Recipe::Qemu(qemu) => qemu.layout = Layout::Aligned,
        Recipe::Kernel(kernel) => kernel.layout = Layout::Aligned,
        Recipe::Script(_) => {}
    }
    recipe
}
