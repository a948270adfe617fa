//! `perfvt ab`: both builds, a campaign of both, and what came of it.

mod provenance;
mod sides;

use super::build::{is_built, kernel, qemu, script, tell_untracked};
use crate::args::{Ab, Builds, Verb};
use crate::verbs::compare::compared;
use crate::verbs::confirm::{env_word, run_of};
use crate::verbs::run::{self, request};
use crate::verbs::typed::{shown, texts};
use crate::{DONE, Error, FOUND, INTERRUPTED, USAGE, own_executable};
use builds::{Range, Recipe, Record, Repository};
use collect::campaign::setup::prepare;
use provenance::{before, between, differences};
use serde::Serialize;
use sides::{Asked, Side};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};

/// The folder's own file, the campaign and the page in it.
const BUILDS: &str = "builds.json";
const CAMPAIGN: &str = "campaign";
const PAGE: &str = "report.html";

/// `builds.json`: what was built, and what lies between.
#[derive(Debug, Serialize)]
struct Told<'a> {
    format: u32,
    repository: &'a Path,
    recipe: &'static str,
    builds: &'a [Side],
    /// From the baseline to the first candidate, the newest last; at most [`provenance::LISTED`].
    commits: Vec<String>,
    /// Symbols of builds' configurations that differ from the baseline's, with the build's name before them.
    configuration: Vec<String>,
}

/// Builds, measures in turns and compares.
pub fn ab(args: &Ab, out: &mut dyn Write, err: &mut dyn Write) -> Result<u8, Error> {
    let (folder, recipe) = recipe(&args.of)?;
    let repository = Repository::open(folder)?;
    let (good, bad) = Range::ends(&args.range)?;
    let others = args.against.iter().map(|word| Asked::of(word));
    let asked: Vec<Asked<'_>> = [Asked::Commit(good), Asked::Commit(bad)].into_iter().chain(others).collect();
    // A name that is no commit, and a file that is not there, are found before anything is built. What a name leads to now is what
    // is built, whatever happens in the repository meanwhile.
    let base = repository.commit(good)?;
    let found = asked.iter().map(|one| one.look(&repository, &base)).collect::<Result<Vec<_>, _>>()?;
    if asked.contains(&Asked::Dirty) {
        tell_untracked(&repository, err)?;
    }
    let dir = args
        .out
        .clone()
        .unwrap_or_else(|| PathBuf::from(format!("perfvt-ab-{}-{}", plain(good), plain(bad))));
    // A folder in which nothing was measured yet, because something was in the way, is taken again.
    if dir.exists() && (dir.join(CAMPAIGN).exists() || !dir.join(BUILDS).is_file()) {
        return Err(format!("{} is there already; --out DIR takes another folder", dir.display()).into());
    }
    // What is wrong with the workload is found before hours are spent on builds.
    let run = run_of(words(args))?;
    prepare(&request(&run, Vec::new(), Some(args.repeat), None), &own_executable())?;
    let mut sides: Vec<Side> = Vec::new();
    for one in &found {
        let Some(side) = one.built(&repository, &recipe, args, &sides, err)? else { return Ok(FOUND) };
        sides.push(side);
    }
    let configuration = differences(&sides)?;
    let told = Told {
        format: 1,
        repository: repository.folder(),
        recipe: recipe.name(),
        commits: between(&repository, &sides)?,
        configuration,
        builds: &sides,
    };
    before(&told, out)?;
    let different = differing(&sides, out)?;
    if different.is_empty() {
        return Ok(DONE);
    }
    edge::write::create_directory(&dir).map_err(|e| format!("creating {}: {e}", dir.display()))?;
    let file = dir.join(BUILDS);
    let mut text = Vec::new();
    model::json::write_pretty(&mut text, &told)?;
    edge::write_atomically(&file, &text).map_err(|e| format!("writing {}: {e}", file.display()))?;
    measure(args, &dir, &told, &different, out, err)
}

/// The words of `perfvt run` that measure.
fn words(args: &Ab) -> Vec<OsString> {
    let mut words = args.measuring.words();
    words.extend(args.workload_flag.iter().map(OsString::from));
    words
}

/// Boots the builds in turns, compares them, and says what came of it.
fn measure(
    args: &Ab,
    dir: &Path,
    told: &Told<'_>,
    sides: &[&Side],
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<u8, Error> {
    let mut words = words(args);
    for side in sides {
        words.extend(["--env".into(), environment(&args.of, side)?.into()]);
    }
    let (campaign, page) = (dir.join(CAMPAIGN), dir.join(PAGE));
    words.extend([
        "--repeat".into(),
        args.repeat.to_string().into(),
        "--out".into(),
        campaign.clone().into(),
    ]);
    let Verb::Run(run) = shown(&words, err)? else { return Ok(USAGE) };
    let beside = provenance::beside(told, sides);
    let collected = run::run_beside(&run, texts(&words), beside, out, err)?;
    // Interrupted, it can be resumed; cells without a value are compared, and told there.
    if matches!(collected, INTERRUPTED | USAGE) {
        return Ok(collected);
    }
    let mut words: Vec<OsString> = ["perfvt", "compare"].map(OsString::from).into();
    words.extend([campaign.into_os_string(), "--html".into(), page.into_os_string()]);
    words.extend(args.fail_on.iter().flat_map(|what| ["--fail-on".into(), OsString::from(what.word())]));
    let Verb::Compare(compare) = shown(&words, err)? else { return Ok(USAGE) };
    let (compared, comparison) = compared(&compare, out, err)?;
    let lines = comparison.iter().flat_map(report::brief);
    for (side, line) in sides.iter().skip(1).zip(lines) {
        writeln!(out, "\n{} ({}): {line}", edge::visible(&side.name), side.origin())?;
    }
    Ok(if collected == DONE { compared } else { collected })
}

/// The repository and the recipe of the arguments.
pub(super) fn recipe(of: &Builds) -> Result<(&Path, Recipe), Error> {
    let arch = std::env::consts::ARCH;
    if let Some(folder) = &of.qemu_repo {
        return Ok((folder, qemu(arch, &of.configure, &of.way)?));
    }
    if let Some(folder) = &of.kernel_repo {
        return Ok((folder, kernel(arch, of.kernel_config.as_deref(), &of.fragment, &of.way)?));
    }
    match (&of.repo, &of.script, &of.product) {
        (Some(folder), Some(program), Some(product)) => Ok((folder, script(program, product, &of.way)?)),
        _ => Err(
            "what is built? --qemu-repo DIR, --kernel-repo DIR, or --repo DIR with --script and --product"
                .into(),
        ),
    }
}

/// Characters that an environment's name may have, of what a user calls a commit.
pub(super) fn plain(name: &str) -> String {
    let good = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-') { c } else { '-' };
    let name: String = name.chars().take(40).map(good).collect();
    let name = name.trim_matches(|c: char| !c.is_ascii_alphanumeric()).to_owned();
    if name.is_empty() { "build".to_owned() } else { name }
}

/// The parameters that make a build that of a guest.
pub(super) fn params(of: &Builds, build: &Record) -> Result<BTreeMap<String, String>, Error> {
    let product = build.product().ok_or("a build without what it makes")?;
    let params: BTreeMap<&str, PathBuf> = match of.kernel_repo {
        Some(_) => [("kernel", product), ("kernel_modules", build.files())].into(),
        None => BTreeMap::from([(of.key.as_str(), product)]),
    };
    Ok(params.into_iter().map(|(key, path)| (key.to_owned(), path.display().to_string())).collect())
}

/// The environment of a build.
fn environment(of: &Builds, side: &Side) -> Result<String, Error> {
    Ok(env_word(&side.name, &params(of, &side.build)?))
}

/// The builds that are to be measured: the baseline and those that are another program than it is. The others are told.
fn differing<'a>(sides: &'a [Side], out: &mut dyn Write) -> Result<Vec<&'a Side>, Error> {
    let Some((first, others)) = sides.split_first() else { return Ok(Vec::new()) };
    let (same, different): (Vec<&Side>, Vec<&Side>) =
        others.iter().partition(|side| side.build.hash == first.build.hash);
    for side in same {
        let hash = side.build.hash.as_deref().and_then(|hash| hash.get(..12)).unwrap_or_default();
        writeln!(
            out,
            "{} is EQUIVALENT to {}: exact, both builds are the same files ({hash}); nothing is measured",
            edge::visible(&side.name),
            edge::visible(&first.name)
        )?;
    }
    if different.is_empty() {
        return Ok(Vec::new());
    }
    Ok(std::iter::once(first).chain(different).collect())
}
