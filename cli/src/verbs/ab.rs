//! `perfvt ab`: both builds, a campaign of both, and what came of it.

use super::build::{What, built, is_built, kernel, qemu, read, script};
use crate::args::{Ab, Builds, Verb};
use crate::verbs::compare::compared;
use crate::verbs::confirm::{env_word, run_of};
use crate::verbs::run::request;
use crate::verbs::typed::{shown, typed};
use crate::{DONE, Error, FOUND, INTERRUPTED, USAGE, own_executable};
use builds::{Commit, Range, Recipe, Record, Repository};
use collect::campaign::setup::prepare;
use serde::Serialize;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};

/// The folder's own file, the campaign and the page in it.
const BUILDS: &str = "builds.json";
const CAMPAIGN: &str = "campaign";
const PAGE: &str = "report.html";

/// Commits of a range that are listed; the others are counted.
const LISTED: usize = 200;

/// One build of the comparison.
#[derive(Debug, Serialize)]
struct Side {
    /// Its environment.
    name: String,
    /// What was asked for.
    asked: String,
    commit: Commit,
    build: Record,
}

/// `builds.json`: what was built, and what lies between.
#[derive(Debug, Serialize)]
struct Told<'a> {
    format: u32,
    repository: &'a Path,
    recipe: &'static str,
    builds: &'a [Side],
    /// From the baseline to the first candidate, the newest last; at most [`LISTED`].
    commits: Vec<String>,
    /// Symbols of a kernel's configuration that differ.
    configuration: Vec<String>,
}

/// Builds, measures in turns and compares.
pub fn ab(args: &Ab, out: &mut dyn Write, err: &mut dyn Write) -> Result<u8, Error> {
    let (folder, recipe) = recipe(&args.of)?;
    let repository = Repository::open(folder)?;
    let (good, bad) = Range::ends(&args.range)?;
    let names: Vec<&str> = [good, bad].into_iter().chain(args.against.iter().map(String::as_str)).collect();
    let commits = names.iter().map(|name| repository.commit(name)).collect::<Result<Vec<_>, _>>()?;
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
    for (asked, commit) in names.iter().zip(commits) {
        let what = What { repository: &repository, commit: &commit, patch: None, recipe: &recipe };
        let record = built(&what, &args.of.way, err)?;
        if !is_built(&record, err)? {
            return Ok(FOUND);
        }
        let name = named(asked, &commit, &sides);
        sides.push(Side { name, asked: (*asked).to_owned(), commit, build: record });
    }
    let configuration = differences(&recipe, &sides)?;
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
    measure(args, &dir, &different, out, err)
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
    let collected = typed(&words, out, err)?;
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
        writeln!(out, "\n{} ({}): {line}", edge::visible(&side.name), side.commit.short())?;
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

/// The name of an environment: that of the commit as the user said it, with its hash where another one has that name.
fn named(asked: &str, commit: &Commit, others: &[Side]) -> String {
    let name = plain(asked);
    if others.iter().any(|other| other.name == name) { format!("{name}-{}", commit.short()) } else { name }
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

/// The subjects of the commits between the first two builds.
fn between(repository: &Repository, sides: &[Side]) -> Result<Vec<String>, Error> {
    let [good, bad, ..] = sides else { return Ok(Vec::new()) };
    let log = repository.subjects(&good.commit.id, &bad.commit.id, LISTED)?;
    Ok(log.iter().map(|commit| format!("{} {}", commit.short(), commit.subject)).collect())
}

/// Symbols whose value is another one in a later build's configuration than in the first: a default that flipped is a finding.
fn differences(recipe: &Recipe, sides: &[Side]) -> Result<Vec<String>, Error> {
    let (Recipe::Kernel(_), Some(first)) = (recipe, sides.first()) else { return Ok(Vec::new()) };
    let config = |side: &Side| read(&side.build.files().join("boot/config"));
    let base = config(first)?;
    let mut all = Vec::new();
    for side in &sides[1..] {
        all.extend(
            builds::changed_symbols(&base, &config(side)?)
                .iter()
                .map(|line| format!("{}: {line}", side.name)),
        );
    }
    Ok(all)
}

/// What stands above the numbers.
fn before(told: &Told<'_>, out: &mut dyn Write) -> Result<(), Error> {
    for side in told.builds {
        let commit = &side.commit;
        let subject = edge::text::cut(&commit.subject);
        writeln!(out, "{}: {} {subject}", edge::visible(&side.name), commit.short())?;
    }
    let more = if told.commits.len() == LISTED { ", or more" } else { "" };
    writeln!(out, "between the first two: {}{more}", model::counted(told.commits.len(), "commit"))?;
    for line in &told.configuration {
        writeln!(out, "note: the configuration changed by itself: {}", edge::text::cut(line))?;
    }
    Ok(())
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
