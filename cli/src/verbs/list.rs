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

#[cfg(test)]
mod tests {
    use crate::{DONE, USAGE};

    const CFG: &str = "
bridge = virbr0
variants:
    - netperf:
        variants:
            - guest_exhost:
                bridge = switch
            - host_guest:
    - fio: netperf.host_guest
variants:
    - @repeat1:
    - repeat2:
";

    /// Exit code, standard output, standard error.
    fn list(cfg: &str, flags: &[&str]) -> (u8, String, String) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("tests.cfg");
        std::fs::write(&path, cfg).unwrap();
        let path = path.to_str().unwrap();
        let words = ["perfvt", "list", path].into_iter().chain(flags.iter().copied()).map(Into::into);
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let code = crate::run(words, &mut out, &mut err);
        let text =
            |bytes| String::from_utf8(bytes).unwrap().replace(&format!("{}/", dir.path().display()), "");
        (code, text(out), text(err))
    }

    #[test]
    fn names_stand_on_a_line_each() {
        let (code, out, err) = list(CFG, &["--only", "netperf", "--no", "repeat2..host_guest"]);
        let want = "repeat1.netperf.guest_exhost\nrepeat1.netperf.host_guest\nrepeat2.netperf.guest_exhost\n";
        assert_eq!((code, out.as_str(), err.as_str()), (DONE, want, ""));
    }

    #[test]
    fn contents_are_for_people_or_for_programs() {
        let flags = ["--only", "repeat1.fio", "--contents"];
        let text = "repeat1.fio\n    bridge = virbr0\n    dep = ['repeat1.netperf.host_guest']\n    \
                    name = repeat1.fio\n    shortname = fio\n";
        assert_eq!(list(CFG, &flags), (DONE, text.into(), String::new()));
        let json = "{\"name\":\"repeat1.fio\",\"shortname\":\"fio\",\"dep\":[\"repeat1.netperf.host_guest\"],\
                    \"params\":{\"bridge\":\"virbr0\"}}\n";
        assert_eq!(list(CFG, &[&flags[..], &["--json"]].concat()), (DONE, json.into(), String::new()));
        let names =
            "{\"name\":\"repeat1.fio\",\"shortname\":\"fio\",\"dep\":[\"repeat1.netperf.host_guest\"]}\n";
        assert_eq!(list(CFG, &["--only", "repeat1.fio", "--json"]), (DONE, names.into(), String::new()));
    }

    #[test]
    fn a_value_is_explained_with_the_lines_that_made_it() {
        let (code, out, _) = list(CFG, &["--only", "repeat1..guest_exhost", "--explain", "bridge"]);
        let want = "repeat1.netperf.guest_exhost\n    bridge = switch    (tests.cfg:7)\n        \
                    before: virbr0    (tests.cfg:2)\n";
        assert_eq!((code, out.as_str()), (DONE, want));
        let (code, _, err) = list(CFG, &["--explain", "brigde"]);
        assert_eq!(
            (code, err.as_str()),
            (USAGE, "perfvt: no variant has a key 'brigde'; did you mean 'bridge'?\n")
        );
    }

    #[test]
    fn nothing_left_is_an_input_error_that_names_the_filter() {
        for contents in [&[][..], &["--contents"]] {
            let (code, out, err) = list(CFG, &[&["--only", "netpref"], contents].concat());
            let want = "perfvt: tests.cfg: no variant is left\n    ruled out by --only:1: only netpref\n        \
                        no variant is called 'netpref'; did you mean 'netperf'?\n";
            assert_eq!((code, out.as_str(), err.as_str()), (USAGE, "", want));
        }
    }

    #[test]
    fn errors_show_the_line_and_doubts_are_warnings() {
        let (code, _, err) = list("a = 1\nonyl b\n", &[]);
        let want = "perfvt: tests.cfg:2:1: expected ':' after a filter, or '=' or another operator after a key, \
                    found the end of the line; did you mean 'only'?\n    onyl b\n    ^\n";
        assert_eq!((code, err.as_str()), (USAGE, want));
        let (code, out, err) = list("mem =+ 5\n", &["--contents"]);
        assert_eq!((code, out.contains("mem = + 5")), (DONE, true));
        assert_eq!(err, "warning: tests.cfg:1:5: the value begins with '+'; did you mean '+='?\n");
    }
}
