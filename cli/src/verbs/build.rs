//! `perfvt build`.

use crate::args::{Build, BuildCommon, BuildWhat};
use crate::{DONE, Error, FOUND};
use builds::{Asked, Kernel, Layout, Progress, Qemu, Recipe, Record, Repository, Script, Status, Store};
use std::io::Write;
use std::path::Path;
use vm::guest::image::Cache;

/// Builds a commit, or finds it built, and says where what came out is.
pub fn build(args: &Build, out: &mut dyn Write, err: &mut dyn Write) -> Result<u8, Error> {
    let (recipe, common) = recipe(&args.what)?;
    let repository = Repository::open(&common.repo)?;
    let commit = repository.commit(&common.commit)?;
    let patch = match &common.patch {
        Some(file) => Some(read(file)?.into_bytes()),
        None if common.dirty => repository.uncommitted()?,
        None => None,
    };
    let store = Store::open(Cache::from_env()?.root())?;
    let jobs = common.jobs.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from));
    let (patch, retry) = (patch.as_deref(), common.retry_builds);
    let asked = Asked { repository: &repository, commit: &commit, patch, recipe: &recipe, jobs, retry };
    let mut failed = Ok(());
    let mut tell = |progress: Progress| {
        if failed.is_ok() {
            failed = say(&progress, commit.short(), err);
        }
    };
    let record = builds::build(&store, &asked, &mut tell)?;
    failed?;
    told(&record, common.json, out, err)
}

/// The recipe of the arguments, and what all recipes share.
fn recipe(what: &BuildWhat) -> Result<(Recipe, &BuildCommon), Error> {
    let layout =
        |common: &BuildCommon| if common.layout == "aligned" { Layout::Aligned } else { Layout::Own };
    let container = |common: &BuildCommon| -> Result<Vec<String>, Error> {
        let Some(words) = &common.container else { return Ok(Vec::new()) };
        shlex::split(words).ok_or_else(|| format!("--container {words}: a quote is not closed").into())
    };
    Ok(match what {
        BuildWhat::Qemu { arch, configure, common } => {
            let (layout, container) = (layout(common), container(common)?);
            let qemu = Qemu { configure: configure.clone(), layout, container, ..Qemu::of(arch) };
            (Recipe::Qemu(qemu), common)
        }
        BuildWhat::Kernel { arch, config, fragment, common } => {
            let base = config.as_deref().map(read).transpose()?;
            let fragments = fragment.iter().map(|file| read(file)).collect::<Result<_, _>>()?;
            let (layout, container) = (layout(common), container(common)?);
            (Recipe::Kernel(Kernel { base, fragments, layout, container, ..Kernel::of(arch) }), common)
        }
        BuildWhat::Script { script, product, common } => {
            if common.layout != "own" {
                return Err(
                    "--layout aligned: how the code of a script's build is laid out is the script's matter"
                        .into(),
                );
            }
            let mut script = Script::of(script, product)?;
            script.container = container(common)?;
            (Recipe::Script(script), common)
        }
    })
}

fn read(file: &Path) -> Result<String, Error> {
    let read = edge::read_text(file, edge::read::RECORD);
    read.map_err(|error| format!("reading {}: {error}", file.display()).into())
}

fn say(progress: &Progress, commit: &str, err: &mut dyn Write) -> std::io::Result<()> {
    match progress {
        Progress::Known => Ok(()),
        Progress::Waiting => {
            writeln!(err, "waiting: another build of this repository by this recipe goes on")
        }
        Progress::Step(at, of, words) => writeln!(err, "{commit}: {at} of {of}: {words}"),
        Progress::Anew => {
            writeln!(err, "{commit}: it failed on top of an earlier build, and begins from nothing")
        }
    }
}

/// Says what came out.
fn told(record: &Record, json: bool, out: &mut dyn Write, err: &mut dyn Write) -> Result<u8, Error> {
    if json {
        model::json::write_pretty(&mut *out, record)?;
        writeln!(out)?;
    }
    let Status::Failed { why, tail } = &record.status else {
        if let Some(product) = record.product().filter(|_| !json) {
            writeln!(out, "{}", product.display())?;
        }
        return Ok(DONE);
    };
    writeln!(err, "it does not build: {why}; the last {} lines of {}:", tail.len(), record.log().display())?;
    for line in tail {
        writeln!(err, "  {line}")?;
    }
    Ok(FOUND)
}
