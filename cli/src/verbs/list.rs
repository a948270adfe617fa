//! `perfvt list`: what a Cartesian configuration multiplies out to.

use crate::args::List;
use crate::{DONE, Error, USAGE};
use collect::cartesian::{Config, Expansion, Loader, Options};
use formats::perf_conf::closest;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The file that is read when none is named.
const DEFAULT_CFG: &str = "tests.cfg";
/// Bytes that are gathered before they are written.
const CHUNK: usize = 1 << 17;
/// How long output may be held back.
const PATIENCE: Duration = Duration::from_millis(100);
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
    let mut expansion = config.expand();
    let listed = match &args.explain {
        Some(key) => explain(&mut expansion, key, out)?,
        None => {
            print(args, &mut expansion, out)?;
            true
        }
    };
    if expansion.found() == 0 {
        nothing_left(&expansion, &path, err)?;
        return Ok(USAGE);
    }
    if let Some(key) = args.explain.as_deref().filter(|_| !listed) {
        let near = closest(key, config.keys()).map(|near| format!("; did you mean '{near}'?"));
        writeln!(err, "perfvt: no variant has a key '{key}'{}", near.unwrap_or_default())?;
        return Ok(USAGE);
    }
    Ok(DONE)
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

fn print(args: &List, expansion: &mut Expansion<'_>, out: &mut dyn Write) -> Result<(), Error> {
    let mut gathered = Gathered::new(out);
    if args.contents {
        while let Some(dict) = expansion.next_dict()? {
            match args.json {
                true => dict.write_json(&mut gathered.bytes)?,
                false => dict.write_text(&mut gathered.bytes)?,
            }
            gathered.end_variant()?;
        }
    } else {
        while let Some(named) = expansion.next_name() {
            if args.json {
                named.write_json(&mut gathered.bytes)?;
            } else {
                writeln!(gathered.bytes, "{}", named.name)?;
            }
            gathered.end_variant()?;
        }
    }
    gathered.write()
}

/// Shows one key of every variant: where its value comes from, and what it was before. False when none has it.
fn explain(expansion: &mut Expansion<'_>, key: &str, out: &mut dyn Write) -> Result<bool, Error> {
    let mut gathered = Gathered::new(out);
    let mut listed = false;
    expansion.trace(key);
    while let Some(dict) = expansion.next_dict()? {
        writeln!(gathered.bytes, "{}", dict.named.name)?;
        match dict.get(key) {
            None => writeln!(gathered.bytes, "    {key} is not set")?,
            Some(entry) => {
                listed = true;
                let (file, line) = (entry.file.display(), entry.line);
                writeln!(gathered.bytes, "    {key} = {}    ({file}:{line})", entry.value)?;
            }
        }
        let steps = expansion.steps();
        for step in steps.iter().rev().skip(1) {
            writeln!(gathered.bytes, "        before: {}    ({}:{})", step.value, step.file.display(), step.line)?;
        }
        gathered.end_variant()?;
    }
    gathered.write()?;
    Ok(listed)
}

/// Says which filter left nothing.
fn nothing_left(expansion: &Expansion<'_>, path: &Path, err: &mut dyn Write) -> Result<(), Error> {
    writeln!(err, "perfvt: {}: no variant is left", path.display())?;
    for culprit in expansion.emptied_by() {
        writeln!(err, "    ruled out by {}: {}", culprit.origin, culprit.text)?;
        for (name, near) in &culprit.unknown {
            let near = near.as_ref().map(|near| format!("; did you mean '{near}'?"));
            writeln!(err, "        no variant is called '{name}'{}", near.unwrap_or_default())?;
        }
    }
    Ok(())
}
