//! `perfvt list`: what a Cartesian configuration multiplies out to.

use crate::args::List;
use crate::{DONE, Error, USAGE};
use collect::cartesian::{Config, Culprit, Dict, Entry, Loader, Options, RenderError};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The file that is read when none is named.
const DEFAULT_CFG: &str = "tests.cfg";
/// Bytes that are gathered before they are written.
const CHUNK: usize = 1 << 17;
/// How long output may be held back.
const PATIENCE: Duration = Duration::from_millis(100);
/// Threads that build parameters.
const MAX_THREADS: usize = 8;
/// Variants between two looks at the clock.
const CLOCK: u64 = 64;

/// Lists variants as they are found.
pub fn list(args: &List, out: &mut dyn Write, err: &mut dyn Write) -> Result<u8, Error> {
    let path = match &args.cfg {
        Some(path) => path.clone(),
        None if Path::new(DEFAULT_CFG).exists() => PathBuf::from(DEFAULT_CFG),
        None => return Err("there is no tests.cfg here; name a configuration: perfvt list CFG".into()),
    };
    let config = read(args, &path)?;
    for warning in config.warnings() {
        writeln!(err, "warning: {warning}")?;
    }
    match &args.explain {
        Some(key) => explain(&config, key, &path, out, err),
        None if args.contents => contents(args, &config, &path, out, err),
        None => names(args, &config, &path, out, err),
    }
}

/// Reads the file, and the filters of the command line as if they stood at its end.
fn read(args: &List, path: &Path) -> Result<Config, Error> {
    let options = Options {
        compat: args.compat,
        defaults: args.defaults,
        expand: args.expand.clone(),
        ..Options::default()
    };
    let mut loader = Loader::new(options);
    loader.file(path)?;
    for filter in &args.only {
        loader.text("--only", &format!("only {filter}"))?;
    }
    for filter in &args.no {
        loader.text("--no", &format!("no {filter}"))?;
    }
    Ok(loader.finish())
}

/// Gathers small writes, and lets go of them before a reader gets impatient.
struct Gathered<'o> {
    out: &'o mut dyn Write,
    bytes: Vec<u8>,
    variants: u64,
    written: Instant,
}

impl<'o> Gathered<'o> {
    fn new(out: &'o mut dyn Write) -> Self {
        Gathered { out, bytes: Vec::with_capacity(2 * CHUNK), variants: 0, written: Instant::now() }
    }

    /// Called after each variant. The first one goes out at once.
    fn end_variant(&mut self) -> Result<(), Error> {
        self.variants += 1;
        let late = || self.variants.is_multiple_of(CLOCK) && self.written.elapsed() > PATIENCE;
        if self.bytes.len() >= CHUNK || self.variants == 1 || late() {
            self.write()?;
        }
        Ok(())
    }

    fn write(&mut self) -> Result<(), Error> {
        self.out.write_all(&self.bytes)?;
        self.out.flush()?;
        self.bytes.clear();
        self.written = Instant::now();
        Ok(())
    }
}

/// Prints names as they are found.
fn names(
    args: &List,
    config: &Config,
    path: &Path,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<u8, Error> {
    let mut expansion = config.expand();
    let mut gathered = Gathered::new(out);
    while let Some(named) = expansion.next_name() {
        if args.json {
            named.write_json(&mut gathered.bytes);
        } else {
            writeln!(gathered.bytes, "{}", named.name)?;
        }
        gathered.end_variant()?;
    }
    gathered.write()?;
    code(expansion.found(), &expansion.emptied_by(), path, err)
}

/// Prints all parameters, built on all cores.
fn contents(
    args: &List,
    config: &Config,
    path: &Path,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<u8, Error> {
    let threads = std::thread::available_parallelism().map_or(1, |n| n.get().min(MAX_THREADS));
    let render = |dict: &Dict<'_>, bytes: &mut Vec<u8>| match args.json {
        true => dict.write_json(bytes),
        false => dict.write_text(bytes),
    };
    let summary = config.render(threads, render, |bytes| {
        out.write_all(bytes)?;
        out.flush()
    });
    // Unwrapped, so that a closed pipe is seen for what it is.
    let summary = summary.map_err(|error| match error {
        RenderError::Cartesian(error) => Error::from(error),
        RenderError::Write(error) => Error::from(error),
    })?;
    code(summary.found, &summary.emptied_by, path, err)
}

/// Shows one key of every variant: where its value comes from, and what it was before.
fn explain(
    config: &Config,
    key: &str,
    path: &Path,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<u8, Error> {
    let mut expansion = config.expand();
    let mut gathered = Gathered::new(out);
    let mut known = false;
    expansion.trace(key);
    while let Some(dict) = expansion.next_dict()? {
        writeln!(gathered.bytes, "{}", dict.named.name)?;
        let entry = dict.get(key);
        known |= entry.is_some();
        match entry {
            None => writeln!(gathered.bytes, "    {key} is not set")?,
            Some(Entry { value, file, line, .. }) => {
                writeln!(gathered.bytes, "    {key} = {value}    ({}:{line})", file.display())?;
            }
        }
        // The last change is the value itself, unless the key was deleted after it.
        let last = usize::from(entry.is_some());
        for step in expansion.steps().iter().rev().skip(last) {
            writeln!(
                gathered.bytes,
                "        before: {}    ({}:{})",
                step.value,
                step.file.display(),
                step.line
            )?;
        }
        gathered.end_variant()?;
    }
    gathered.write()?;
    if expansion.found() > 0 && !known {
        let near = config.similar_key(key).map(|near| format!("; did you mean '{near}'?"));
        writeln!(err, "perfvt: no variant has a key '{key}'{}", near.unwrap_or_default())?;
        return Ok(USAGE);
    }
    code(expansion.found(), &expansion.emptied_by(), path, err)
}

/// The exit code; says which filter left nothing, if that is so.
fn code(found: u64, culprits: &[Culprit], path: &Path, err: &mut dyn Write) -> Result<u8, Error> {
    if found > 0 {
        return Ok(DONE);
    }
    writeln!(err, "perfvt: {}: no variant is left", path.display())?;
    for culprit in culprits {
        writeln!(err, "    ruled out by {}: {}", culprit.origin, culprit.text)?;
        for (name, near) in &culprit.unknown {
            let near = near.as_ref().map(|near| format!("; did you mean '{near}'?"));
            writeln!(err, "        no variant is called '{name}'{}", near.unwrap_or_default())?;
        }
    }
    Ok(USAGE)
}
