//! What `perfvt list` and its `--guests` and `--workloads` share: how a configuration is read, how much of it is listed, and
//! what comes of it.

use crate::args::List;
use crate::{DONE, Error, USAGE};
use cartesian::{Bound, Config, Culprit, Defaults, Loader, Options};
use collect::config::{Shipped, shipped};
use std::io::Write;
use std::path::Path;

/// Reads the file, and the filters of the command line as if they stood at its end.
pub(super) fn read(args: &List, path: &Path, base: bool, err: &mut dyn Write) -> Result<Config, Error> {
    let options = Options {
        compat: args.compat,
        defaults: if args.defaults { Defaults::All } else { Defaults::Ignored },
        expand: args.expand.clone(),
        ..Options::default()
    };
    let files = Shipped::default();
    let mut loader = Loader::with_files(options, &files);
    if base {
        loader.file(shipped::BASE.as_ref())?;
    }
    if path == Path::new("-") {
        loader.text("-", &edge::read::standard_input(edge::read::CONFIG)?)?;
    } else {
        loader.file(&files.locate(path))?;
    }
    for filter in &args.only {
        loader.text("--only", &format!("only {filter}"))?;
    }
    for filter in &args.no {
        loader.text("--no", &format!("no {filter}"))?;
    }
    let config = loader.finish();
    for note in files.notes() {
        writeln!(err, "warning: {note}")?;
    }
    Ok(config)
}

/// How much is listed.
pub(super) fn bound(args: &List, default: Bound) -> Bound {
    match args.limit {
        None => default,
        Some(0) => Bound::NONE,
        Some(variants) => Bound { variants, ..Bound::NONE },
    }
}

/// What there is to say when there is more than was listed. What the user asked for is no error.
pub(super) fn more(args: &List, seen: u64, path: &Path, err: &mut dyn Write) -> Result<u8, Error> {
    let how = "--only FILTER and --no FILTER leave fewer, --limit N looks at N of them, --limit 0 at all";
    writeln!(err, "perfvt: {}: and more: stopped after {seen} variants; {how}", path.display())?;
    Ok(if args.limit.is_some() { DONE } else { USAGE })
}

/// The exit code; says which filter left nothing, if that is so.
pub(super) fn code(
    args: &List,
    found: u64,
    culprits: &[Culprit],
    path: &Path,
    err: &mut dyn Write,
) -> Result<u8, Error> {
    if found > 0 {
        return Ok(DONE);
    }
    writeln!(err, "perfvt: {}: no variant is left", path.display())?;
    for culprit in culprits {
        writeln!(err, "    {culprit}")?;
    }
    if !args.base && in_base(culprits) {
        writeln!(
            err,
            "    perfvt's base has such variants: `perfvt run -c` reads it first, --base does so here"
        )?;
    }
    Ok(USAGE)
}

/// Whether perfvt's base has all variants that the configuration misses.
fn in_base(culprits: &[Culprit]) -> bool {
    let files = Shipped::default();
    let mut loader = Loader::with_files(Options::default(), &files);
    if loader.file(shipped::BASE.as_ref()).is_err() {
        return false;
    }
    let base = loader.finish();
    let mut missing = culprits.iter().flat_map(|culprit| &culprit.unknown).peekable();
    missing.peek().is_some() && missing.all(|(name, _)| base.has_label(name))
}
