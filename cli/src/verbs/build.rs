//! `perfvt build`.

use crate::args::{Build, BuildCommon, BuildWay, BuildWhat};
use crate::{DONE, Error, FOUND};
use builds::{
    Asked, Commit, Kernel, Layout, Progress, Qemu, Recipe, Record, Repository, Script, Status, Store, Wanted,
    unpacked,
};
use std::io::Write;
use std::path::{Path, PathBuf};
use vm::guest::image::Cache;

/// Builds a commit, or finds it built, and says where what came out is.
pub fn build(args: &Build, out: &mut dyn Write, err: &mut dyn Write) -> Result<u8, Error> {
    if let BuildWhat::Package { packages, product, arch, json } = &args.what {
        let usual = || Wanted::Usual(arch.clone());
        let wanted = product.clone().map_or_else(usual, Wanted::Path);
        let record = unpacked(&store()?, packages, &wanted)?;
        return tell(&record, *json, out, err);
    }
    let (recipe, common) = recipe_of(&args.what)?;
    let (repository, commit) = match (&common.tar, &common.commit) {
        (Some(file), _) => store()?.tarball(file)?,
        (None, Some(name)) => {
            let repository = Repository::open(&common.repo)?;
            let commit = repository.commit(name)?;
            (repository, commit)
        }
        (None, None) => return Err("what is built? a COMMIT of --repo DIR, or --tar FILE".into()),
    };
    let patch = match &common.patch {
        Some(file) => Some(bytes(file)?),
        None if common.dirty => {
            tell_untracked(&repository, err)?;
            repository.uncommitted()?
        }
        None => None,
    };
    let what = What { repository: &repository, commit: &commit, patch: patch.as_deref(), recipe: &recipe };
    let record = built(&what, &common.way, err)?;
    tell(&record, common.json, out, err)
}

/// Names of files that a note names; the others are counted.
const NAMED: usize = 4;

/// Tells which files of a work tree are no part of what is not committed.
pub(super) fn tell_untracked(repository: &Repository, err: &mut dyn Write) -> Result<(), Error> {
    if let Some(note) = untracked_note(&repository.untracked()?) {
        writeln!(err, "note: {note}")?;
    }
    Ok(())
}

fn untracked_note(paths: &[String]) -> Option<String> {
    let count = match paths.len() {
        1 => "1 file or folder".to_owned(),
        many => format!("{many} files or folders"),
    };
    let named: Vec<String> = paths.iter().take(NAMED).map(|path| edge::text::cut(path)).collect();
    let more = if paths.len() > NAMED { ", .." } else { "" };
    let named = named.join(", ");
    (!paths.is_empty()).then(|| {
        format!(
            "not part of it, for git does not know them: {count} ({named}{more}); git add -N takes them in"
        )
    })
}

/// Tells where what was built is.
fn tell(record: &Record, json: bool, out: &mut dyn Write, err: &mut dyn Write) -> Result<u8, Error> {
    if json {
        model::json::write_pretty(&mut *out, record)?;
        writeln!(out)?;
    } else if let Some(product) = record.product() {
        writeln!(out, "{}", product.display())?;
    }
    Ok(if is_built(record, err)? { DONE } else { FOUND })
}

/// The builds of this user's cache.
pub(super) fn store() -> Result<Store, Error> {
    Ok(Store::open(Cache::from_env()?.root())?)
}

/// What is built.
pub(super) struct What<'a> {
    pub repository: &'a Repository,
    pub commit: &'a Commit,
    pub patch: Option<&'a [u8]>,
    pub recipe: &'a Recipe,
}

/// Builds it in the user's cache, and says how it goes on.
pub(super) fn built(what: &What<'_>, way: &BuildWay, err: &mut dyn Write) -> Result<Record, Error> {
    let store = store()?;
    let jobs = way.jobs.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from));
    let What { repository, commit, patch, recipe } = *what;
    let asked = Asked { repository, commit, patch, recipe, jobs, retry: way.retry_builds };
    let mut said = Ok(());
    let mut tell = |progress: Progress| {
        if said.is_ok() {
            said = say(&progress, commit.short(), err);
        }
    };
    let record = builds::build(&store, &asked, &mut tell)?;
    said?;
    Ok(record)
}

/// Whether it built; says so where it did not.
pub(super) fn is_built(record: &Record, err: &mut dyn Write) -> Result<bool, Error> {
    let Status::Failed { why, tail } = &record.status else { return Ok(true) };
    let commit = record.commit.get(..12).unwrap_or(&record.commit);
    let called =
        if commit.is_empty() { edge::text::cut(&record.sources.join(", ")) } else { commit.to_owned() };
    writeln!(err, "{called} does not build: {why}; its log is {}", record.log().display())?;
    for line in tail {
        writeln!(err, "  {line}")?;
    }
    Ok(false)
}

/// The recipe of the arguments, and what all recipes share.
fn recipe_of(what: &BuildWhat) -> Result<(Recipe, &BuildCommon), Error> {
    Ok(match what {
        BuildWhat::Qemu { arch, configure, common } => (qemu(arch, configure, &common.way)?, common),
        BuildWhat::Kernel { arch, config, fragment, common } => {
            (kernel(arch, config.as_deref(), fragment, &common.way)?, common)
        }
        BuildWhat::Script { script: program, product, common } => {
            (script(program, product, &common.way)?, common)
        }
        BuildWhat::Package { .. } => return Err("packages have no recipe".into()),
    })
}

fn layout(way: &BuildWay) -> Layout {
    if way.layout == "aligned" { Layout::Aligned } else { Layout::Own }
}

fn container(way: &BuildWay) -> Result<Vec<String>, Error> {
    let Some(words) = &way.container else { return Ok(Vec::new()) };
    shlex::split(words).ok_or_else(|| format!("--container {words}: a quote is not closed").into())
}

/// QEMU's recipe.
pub(super) fn qemu(arch: &str, configure: &[String], way: &BuildWay) -> Result<Recipe, Error> {
    let (configure, container) = (configure.to_vec(), container(way)?);
    Ok(Recipe::Qemu(Qemu { configure, layout: layout(way), container, ..Qemu::of(arch) }))
}

/// A kernel's recipe.
pub(super) fn kernel(
    arch: &str,
    config: Option<&Path>,
    fragments: &[PathBuf],
    way: &BuildWay,
) -> Result<Recipe, Error> {
    let base = config.map(read).transpose()?;
    let fragments = fragments.iter().map(|file| read(file)).collect::<Result<_, _>>()?;
    let (layout, container) = (layout(way), container(way)?);
    Ok(Recipe::Kernel(Kernel { base, fragments, layout, container, ..Kernel::of(arch) }))
}

/// The recipe of a script.
pub(super) fn script(program: &Path, product: &Path, way: &BuildWay) -> Result<Recipe, Error> {
    if layout(way) != Layout::Own {
        return Err(
            "--layout aligned: how the code of a script's build is laid out is the script's matter".into()
        );
    }
    let mut script = Script::of(program, product)?;
    script.container = container(way)?;
    Ok(Recipe::Script(script))
}

/// A file of the user's.
fn read(file: &Path) -> Result<String, Error> {
    let read = edge::read_text(file, edge::read::RECORD);
    read.map_err(|error| format!("reading {}: {error}", file.display()).into())
}

/// The same byte by byte: a patch may touch files of any encoding.
pub(super) fn bytes(file: &Path) -> Result<Vec<u8>, Error> {
    let read = edge::read(file, edge::read::RECORD);
    read.map_err(|error| format!("reading {}: {error}", file.display()).into())
}

fn say(progress: &Progress, commit: &str, err: &mut dyn Write) -> std::io::Result<()> {
    match progress {
        Progress::Known => Ok(()),
        Progress::Waiting => {
            writeln!(err, "waiting: another build of this repository by this recipe goes on")
        }
        Progress::Step(at, of, words) => writeln!(err, "{commit}: {at} of {of}: {words}"),
        Progress::Connected(why) => {
            writeln!(
                err,
                "note: the network is not cut off while {commit} is built: {}",
                edge::text::cut(why)
            )
        }
        Progress::Unconfigured(why) => {
            writeln!(
                err,
                "note: {commit} is built, and what it was configured to be is not known: {}",
                edge::text::cut(why)
            )
        }
        Progress::Anew => {
            writeln!(err, "{commit}: it failed on top of an earlier build, and begins from nothing")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_git_does_not_know_are_told_and_only_some_are_named() {
        let of = |count: usize| untracked_note(&(0..count).map(|at| format!("f{at}")).collect::<Vec<_>>());
        assert_eq!(of(0), None);
        assert!(of(1).unwrap().contains("1 file or folder (f0); git add -N"));
        assert!(of(6).unwrap().contains("6 files or folders (f0, f1, f2, f3, ..); git add -N"));
    }
}
