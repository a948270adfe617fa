//! `perfvt farm submit`, and handing in a shard's job.

use super::{json, shown};
use crate::args::{Run, Submit};
use crate::verbs::confirm::run_of;
use crate::verbs::of_farm::{check_profiler, kernel_of};
use crate::verbs::run::request;
use crate::{DONE, Error, stopping};
use collect::campaign::setup::{Request, boots_each, environments_of, utc_stamp};
use farm::slurm::{JobAsked, tag};
use farm::{Asked, Event, Farm, Slurm};
use model::farm::{FARM_FILE, FARM_FORMAT, JobPlan};
use model::secret_keys::masked;
use model::{FarmFile, Moment, ShardPlan, counted};
use serde::Serialize;
use std::io::Write;
use std::path::{Path, PathBuf};

#[derive(Serialize)]
struct Submitted<'a> {
    dir: PathBuf,
    id: &'a str,
    seed: u64,
    shards: &'a [ShardPlan],
    jobs: Vec<(u32, String)>,
}

/// Writes down what is asked for, and hands in a job for each host.
pub(super) fn submit(
    args: &Submit,
    as_json: bool,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<u8, Error> {
    let asked = Asked::parse(&args.hosts)?;
    let run = checked(&args.run)?;
    let (workload, blocks) = what(&run)?;
    let now = Moment::now().unix_ns;
    let id = args.id.clone().unwrap_or_else(|| format!("{workload}-{}", utc_stamp(now)));
    if !farm::asked::is_name(&id) {
        return Err(
            format!("--id {id}: want letters, digits, '.', '_' and '-', a letter or digit first").into()
        );
    }
    let dir = std::path::absolute(&args.farm)?.join(&id);
    let wanted = Wanted { args, id, blocks, asked: asked.to_string(), now };
    if !dir.join(FARM_FILE).is_file() {
        check_boots(args, &run)?;
        let (hosts, left) = asked.resolve(Slurm)?;
        for line in left {
            writeln!(err, "note: {line}")?;
        }
        let clients = clients(args, &hosts)?;
        let file = wanted.file(hosts, clients, run.seed.unwrap_or(now ^ u64::from(std::process::id())))?;
        if args.dry_run {
            return foresee(&file, &dir, as_json, out);
        }
        Farm::create(&dir, &file)?;
    }
    let (mut farm, _lock) = Farm::take(&dir)?;
    wanted.check_same(farm.file(), run.seed)?;
    if args.dry_run {
        return foresee(farm.file(), &dir, as_json, out);
    }
    let jobs = hand_in_missing(&mut farm, err)?;
    if as_json {
        let file = farm.file();
        let told = Submitted { dir: dir.clone(), id: &file.id, seed: file.seed, shards: &file.shards, jobs };
        return json(&told, out);
    }
    for (k, job) in &jobs {
        writeln!(out, "shard {k:02} on {}: job {job}", farm.host_of(farm.plan(*k)?))?;
    }
    let of = farm.file().shards.len();
    writeln!(
        out,
        "{}: {} of {of} handed in; perfvt farm status {}",
        dir.display(),
        counted(jobs.len(), "job"),
        shown(&dir)
    )?;
    Ok(DONE)
}

/// The hosts of the clients: none, or one for each host that measures.
fn clients(args: &Submit, hosts: &[String]) -> Result<Vec<String>, Error> {
    let Some(text) = &args.clients else { return Ok(Vec::new()) };
    let (clients, _) = Asked::parse(text)?.resolve(Slurm)?;
    let of = |count: usize| counted(count, "host");
    if clients.len() != hosts.len() {
        return Err(format!(
            "--clients {text}: {}, and {} measure; want one for each",
            of(clients.len()),
            of(hosts.len())
        )
        .into());
    }
    if let Some(both) = clients.iter().find(|client| hosts.contains(client)) {
        return Err(
            format!("--clients {text}: {both} measures; a client's host has no guests of its own").into()
        );
    }
    Ok(clients)
}

/// Refuses boots of hosts that Slurm would pass over in silence, and kernels that nobody would boot.
fn check_boots(args: &Submit, run: &Run) -> Result<(), Error> {
    // A guest that only the measuring hosts have cannot be resolved here: they look at it, and the words are all there is.
    let environments = environments_of(&asked_of(run)?).unwrap_or_default();
    check_profiler(environments.iter().map(|e| (e.name.as_str(), e.params.clone())))?;
    if !args.fresh_boots {
        let with_kernel = environments.iter().find(|environment| kernel_of(&environment.params).is_some());
        let named = with_kernel.map(|environment| format!("host_kernel of {}", environment.name));
        let in_words = || args.run.iter().find(|word| word.contains("host_kernel=")).map(|word| masked(word));
        return match named.or_else(in_words) {
            Some(what) => Err(format!(
                "{what}: a kernel of the host is booted for each boot of a guest; add --fresh-boots in front of the --"
            )
            .into()),
            None => Ok(()),
        };
    }
    let uid = rustix::process::geteuid().as_raw();
    let user = std::env::var("USER").unwrap_or_else(|_| format!("user {uid}"));
    Ok(Slurm.may_reboot(uid, &user)?.map_err(|why| format!("--fresh-boots: {why}"))?)
}

/// What is asked for, before its hosts are known.
struct Wanted<'a> {
    args: &'a Submit,
    id: String,
    blocks: u32,
    asked: String,
    now: u64,
}

impl Wanted<'_> {
    /// The description of a farm of these hosts.
    fn file(&self, hosts: Vec<String>, clients: Vec<String>, seed: u64) -> Result<FarmFile, Error> {
        let shard = |(index, host): (usize, String)| {
            let (k, client) = (index as u32 + 1, clients.get(index).cloned());
            ShardPlan { k, host, seed: seed.wrapping_add(u64::from(k)), blocks: self.blocks, client }
        };
        Ok(FarmFile {
            format: FARM_FORMAT,
            perfvt: env!("CARGO_PKG_VERSION").into(),
            id: self.id.clone(),
            created_unix_ns: self.now,
            argv: words(self.args)?,
            seed,
            asked: self.asked.clone(),
            shards: hosts.into_iter().enumerate().map(shard).collect(),
            job: job_plan(self.args)?,
        })
    }

    /// Refuses a farm that is there and was asked for with other words.
    fn check_same(&self, there: &FarmFile, seed: Option<u64>) -> Result<(), Error> {
        let hosts = there.shards.iter().map(|shard| shard.host.clone()).collect();
        let clients = there.shards.iter().filter_map(|shard| shard.client.clone()).collect();
        let again = FarmFile {
            created_unix_ns: there.created_unix_ns,
            perfvt: there.perfvt.clone(),
            ..self.file(hosts, clients, seed.unwrap_or(there.seed))?
        };
        if again == *there {
            return Ok(());
        }
        let id = &self.id;
        Err(format!("{id} is there already, and was asked for with other words; give another --id").into())
    }
}

/// The jobs of shards that are not finished, not cancelled, and have none in the queue.
fn hand_in_missing(farm: &mut Farm, err: &mut dyn Write) -> Result<Vec<(u32, String)>, Error> {
    let jobs = Slurm.jobs()?;
    let mut new = Vec::new();
    for plan in farm.file().shards.clone() {
        let name = tag(&farm.file().id, plan.k);
        let is_alive = jobs.iter().any(|job| job.comment == name && job.is_alive());
        let journal = farm::state::journal(&farm.shard_dir(&plan))?;
        let is_finished = journal.is_some_and(|state| state.finished.is_some());
        let was_told = farm.last(plan.k).is_some();
        if is_finished || is_alive {
            continue;
        }
        if was_told {
            writeln!(
                err,
                "note: shard {} was handed in before; `perfvt farm retry` hands in what has ended",
                plan.k
            )?;
            continue;
        }
        new.push((plan.k, hand_in(farm, &plan)?));
    }
    Ok(new)
}

/// Hands in the job of a shard and writes it down.
pub(super) fn hand_in(farm: &mut Farm, plan: &ShardPlan) -> Result<String, Error> {
    let (file, host) = (farm.file(), farm.host_of(plan));
    let JobPlan { program, folder, minutes, mail, sbatch, .. } = file.job.clone();
    let dir = std::path::absolute(farm.dir())?;
    let job = JobAsked {
        name: format!("perfvt-{}-{}", file.id, plan.k),
        comment: tag(&file.id, plan.k),
        host: host.clone(),
        client: plan.client.clone(),
        body: dir.join(farm.body_file().file_name().unwrap_or_default()),
        log: std::path::absolute(farm.log_file(plan.k))?,
        folder,
        minutes,
        mail,
        more: sbatch,
        command: vec![program.into(), "farm".into(), "shard".into(), dir.into(), plan.k.to_string().into()],
    };
    let number = Slurm.submit(&job)?;
    farm.note(Event::Submitted { shard: plan.k, job: number.clone(), host })?;
    Ok(number)
}

/// The words behind `perfvt run`, once they are such that a shard may have them.
fn checked(words: &[String]) -> Result<Run, Error> {
    let whole = ["perfvt", "run"].map(String::from).into_iter().chain(words.iter().cloned());
    let run = run_of(whole.map(Into::into).collect())?;
    let refused = [
        (run.out.is_some(), "--out: each shard has a folder of its own"),
        (run.machine.is_some(), "--machine: shards are called after their hosts"),
        (run.join, "--join: a shard is one campaign"),
        (run.dry_run, "--dry-run: use perfvt farm submit --dry-run, or perfvt run on one host"),
        (run.until.is_some(), "--until: all hosts take the same number of blocks"),
        (run.confirm.is_some(), "--confirm: all hosts take the same number of blocks"),
        (run.conduct.lake.is_some(), "--lake: add what was gathered, perfvt lake add LAKE DIR"),
        (run.conduct.junit.is_some(), "--junit: perfvt compare writes it of what was gathered"),
    ];
    if let Some((_, why)) = refused.into_iter().find(|(is, _)| *is) {
        return Err(format!("a farm cannot have {why}").into());
    }
    if let Some(word) = words.iter().find(|word| masked(word) != **word) {
        let word = masked(word);
        return Err(format!("{word}: farm.json is no place for secrets; put it into a configuration that the hosts can read (-c)").into());
    }
    Ok(run)
}

/// What the words behind `perfvt run` ask for.
fn asked_of(run: &Run) -> Result<Request, Error> {
    let (repeats, until) = stopping::asked(run)?;
    Ok(request(run, Vec::new(), repeats, until))
}

/// The workload and the blocks of each host.
fn what(run: &Run) -> Result<(String, u32), Error> {
    let blocks = boots_each(&asked_of(run)?)?;
    let workload = run.workload.clone().unwrap_or_else(|| "farm".to_owned());
    Ok((workload, blocks))
}

/// What the shards run: with `--canary` the first environment twice.
fn words(args: &Submit) -> Result<Vec<String>, Error> {
    if !args.canary {
        return Ok(args.run.clone());
    }
    if args.run.iter().any(|word| word == "--env" || word.starts_with("--env=")) {
        return Err(
            "--canary makes its own environments, a1 and a2, which are the same: leave --env out".into()
        );
    }
    let twice = ["--env", "a1", "--env", "a2"].map(String::from);
    Ok(args.run.iter().cloned().chain(twice).collect())
}

fn job_plan(args: &Submit) -> Result<JobPlan, Error> {
    let program = match &args.program {
        Some(program) => std::path::absolute(program)?,
        None => std::env::current_exe()?,
    };
    let before = match &args.before {
        Some(command) => {
            let words = shlex::split(command).filter(|words| !words.is_empty());
            words.ok_or_else(|| format!("--before {command}: want a program with its arguments"))?
        }
        None => Vec::new(),
    };
    for option in &args.sbatch {
        if !option.starts_with("--") {
            return Err(format!(
                "--sbatch {option}: want one of sbatch's long options, --partition=quiet for example"
            )
            .into());
        }
    }
    Ok(JobPlan {
        program,
        folder: std::env::current_dir()?,
        local: args.local.as_deref().map(std::path::absolute).transpose()?,
        minutes: args.time,
        mail: args.mail.clone(),
        sbatch: args.sbatch.clone(),
        before,
        fresh_boots: args.fresh_boots,
        clients: args.clients.as_deref().map(Asked::parse).transpose()?.map(|asked| asked.to_string()),
    })
}

/// What would be handed in.
fn foresee(file: &FarmFile, dir: &Path, as_json: bool, out: &mut dyn Write) -> Result<u8, Error> {
    if as_json {
        return json(file, out);
    }
    for shard in &file.shards {
        writeln!(
            out,
            "shard {:02} on {}: {}, seed {}",
            shard.k,
            shard.host,
            counted(shard.blocks as usize, "block"),
            shard.seed
        )?;
    }
    writeln!(out, "nothing was handed in (--dry-run); results would go to {}", dir.display())?;
    Ok(DONE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::{Args, Farm as FarmArgs, FarmVerb, Verb};
    use clap::Parser;

    fn with<T>(words: &[&str], look: impl FnOnce(&Submit) -> T) -> T {
        let first = ["perfvt", "farm", "submit", "--farm", "/f", "--hosts", "h1"];
        let parsed = Args::try_parse_from(first.iter().chain(words)).unwrap();
        match &parsed.verb {
            Verb::Farm(FarmArgs { verb: FarmVerb::Submit(submit), .. }) => look(submit),
            _ => panic!("{words:?}"),
        }
    }

    fn wanted(args: &Submit) -> Wanted<'_> {
        Wanted { args, id: "n".into(), blocks: 5, asked: "h1".into(), now: 1 }
    }

    #[test]
    fn other_clients_are_other_words() {
        let there = with(&["--clients", "c1", "--", "netperf"], |args| {
            wanted(args).file(vec!["h1".into()], vec!["c1".into()], 7).unwrap()
        });
        let again = |words: &[&str]| with(words, |args| wanted(args).check_same(&there, None).is_ok());
        assert!(again(&["--clients", "c1", "--", "netperf"]));
        assert!(!again(&["--clients", "c2", "--", "netperf"]));
        assert!(!again(&["--", "netperf"]));
    }

    #[test]
    fn a_kernel_of_the_host_in_a_configuration_is_seen() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("tests.cfg");
        std::fs::write(&file, "only netperf.guest_exhost\nvariants:\n    - repeat1:\nhost_kernel = /k\n")
            .unwrap();
        let words = ["--", "-c", file.to_str().unwrap()];
        let error = with(&words, |args| check_boots(args, &checked(&args.run).unwrap()).unwrap_err());
        assert!(error.to_string().contains("add --fresh-boots in front of the --"), "{error}");
    }
}
