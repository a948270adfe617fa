//! `perfvt publish`.

use crate::args::{Compare, Filters, Format, HistoryAsked, Publish};
use crate::programs::{program, run};
use crate::signatures::SshKeys;
use crate::verbs::{compare, history};
use crate::{DONE, Error, USAGE, chain};
use model::counted;
use process::deadlines::PUSH;
use report::site::{Added, Checks, Content, Kept, Labelled, Site};
use std::io::Write;
use std::path::{Path, PathBuf};

/// Adds each result to the site, and makes index and feed again.
pub fn publish(args: &Publish, out: &mut dyn Write, err: &mut dyn Write) -> Result<u8, Error> {
    let asked = HistoryAsked::of_all(stats::HISTORY_ALPHA);
    publish_judged(args, &asked, out, err)
}

/// The same; the lake's history is judged as somebody asked.
pub(super) fn publish_judged(
    args: &Publish,
    asked: &HistoryAsked,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<u8, Error> {
    check(args)?;
    let push = args.push.as_deref().map(|command| program("--push", command)).transpose()?;
    let now = jiff::Timestamp::now().as_second();
    let site = opened(args, now, err)?;
    let mut failed = 0;
    for result in &args.results {
        match one(&site, args, result, now, err) {
            Ok(added) => {
                let page = args.site.join("r").join(&added.entry.id).join("index.html");
                writeln!(out, "{}: {}", result.display(), page.display())?;
                if let Some(old) = added.replaced {
                    writeln!(out, "  replaces the entry of the same data, {}", old.described())?;
                }
            }
            // The other results are published all the same.
            Err(error) => {
                failed += 1;
                writeln!(err, "perfvt: publishing {}: {error}", result.display())?;
            }
        }
    }
    if let Some(lake) = &args.lake {
        histories(&site, args, asked, lake, out)?;
    }
    // What could not be published is no reason to lose what is there.
    if let Some(newest) = args.keep.filter(|_| failed == 0) {
        for old in site.keep(newest as usize)? {
            writeln!(out, "removed {}, {}", old.id, old.described())?;
        }
    }
    let (entries, problems) = site.finish()?;
    for problem in problems {
        writeln!(err, "warning: {problem}; it is not in the index, publish that result again")?;
    }
    writeln!(out, "{}: {}", counted(entries, "result"), args.site.join("index.html").display())?;
    if let Some(push) = push {
        let path = std::path::absolute(&args.site)?;
        run(push.in_folder(&path).env("PERFVT_SITE", &path), PUSH)
            .map_err(|error| format!("--push: {}; the site itself is written", chain(error.as_ref())))?;
        writeln!(out, "pushed")?;
    }
    Ok(if failed > 0 { USAGE } else { DONE })
}

/// The site, which no other perfvt changes meanwhile.
fn opened(args: &Publish, now: i64, err: &mut dyn Write) -> Result<Site, Error> {
    let mut waiting = || {
        // Nobody reads this when writing fails.
        let _ = writeln!(err, "waiting for another perfvt that is changing {}", args.site.display());
    };
    let checks = match (&args.allowed_signers, args.unchecked) {
        (Some(_), _) => Checks::Made,
        (None, true) => Checks::Waived,
        (None, false) => Checks::None,
    };
    let kept = Kept {
        title: args.site_title.clone(),
        url: args.url.clone(),
        docs: args.docs.clone(),
        commit_url: args.commit_url.clone(),
        checks,
    };
    Ok(Site::open(&args.site, &kept, now, &mut waiting)?)
}

/// The pages of a lake's histories.
fn histories(
    site: &Site,
    args: &Publish,
    asked: &HistoryAsked,
    lake: &Path,
    out: &mut dyn Write,
) -> Result<(), Error> {
    let history = history::read(lake, asked, None)?;
    let made = site.put_history(&history)?;
    writeln!(
        out,
        "{} series with {}, {} open, {}: {}",
        made.series,
        counted(made.points, "point"),
        counted(made.open, "event"),
        counted(made.pages, "page"),
        args.site.join("h/index.html").display()
    )?;
    for torn in &history.torn {
        writeln!(out, "  {}: does not read: {}", torn.path.display(), torn.why)?;
    }
    Ok(())
}

fn check(args: &Publish) -> Result<(), Error> {
    if args.title.is_some() && args.results.len() != 1 {
        return Err(
            "--title is the heading of one result; give one RESULT, or --site-title for the site".into()
        );
    }
    if let Some(file) = &args.allowed_signers {
        // Looked at first: the site remembers that it was given.
        edge::read::open(file).map_err(|e| format!("--allowed-signers {}: {e}", file.display()))?;
    }
    match &args.url {
        Some(url) if !url.starts_with("https://") && !url.starts_with("http://") => {
            Err(format!("--url {url}: want an address that begins with https:// or http://").into())
        }
        _ => Ok(()),
    }
}

/// Publishes one result.
fn one(site: &Site, args: &Publish, result: &Path, now: i64, err: &mut dyn Write) -> Result<Added, Error> {
    let mut stage = site.stage()?;
    let keys = SshKeys { key: args.sign.clone(), allowed: args.allowed_signers.clone() };
    let limit = args.max_size.saturating_mul(1 << 20);
    let mut copies = Vec::new();
    if let Some(baseline) = &args.against {
        copies.push(stage.take_baseline(baseline, limit, &keys)?);
    }
    copies.push(stage.take(result, limit, &keys)?);
    let mut compared = compare_arguments(args, copies);
    for path in &args.judging.baseline_from {
        compared.judging.baseline_from.push(stage.take_baseline(path, limit, &keys)?);
    }
    // What failed is told of the results, not of copies that are gone by then.
    let content = content(&compared, err).map_err(|error| stage.message(error.as_ref()))?;
    let labelled = Labelled {
        title: args.title.clone(),
        machine: args.machine.clone(),
        now,
        perfvt: env!("CARGO_PKG_VERSION").to_owned(),
    };
    Ok(site.add(stage, content, &labelled)?)
}

/// The same as `perfvt compare` would be given.
fn compare_arguments(args: &Publish, dirs: Vec<PathBuf>) -> Compare {
    let mut judging = args.judging.clone();
    judging.baseline_from.clear();
    Compare {
        dirs,
        format: Format::Text,
        all: false,
        outputs: Vec::new(),
        html: None,
        no_html: true,
        docs: None,
        fail_on: Vec::new(),
        allow_crashes: 0,
        labels: args.labels.clone(),
        expect: args.expect.clone(),
        history: None,
        filters: Filters::default(),
        judging,
        reading: args.reading.clone(),
    }
}

/// The comparison of several sides, or what one side has.
fn content(args: &Compare, err: &mut dyn Write) -> Result<Content, Error> {
    let options = compare::options(args, err)?;
    if let [only] = args.dirs.as_slice()
        && args.judging.compared.is_empty()
        && !analyze::is_farm(only)
        && analyze::environments(only)?.is_none_or(|e| e.len() < 2)
    {
        return Ok(Content::Run(Box::new(analyze::show(&options, only)?)));
    }
    let comparison = analyze::compare(&options)?;
    Ok(Content::Comparison(Box::new(comparison), compare::classic(&options)))
}
