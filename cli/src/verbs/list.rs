//! `perfvt list`: what a Cartesian configuration multiplies out to.

use super::catalogue;
use super::expanded::{bound, code, more, read};
use super::gathered::Gathered;
use super::options::layered;
use crate::args::List;
use crate::{DONE, Error, USAGE};
use cartesian::{Bound, Config, Dict, Entry, RenderError};
use collect::config::shipped;
use formats::perf_conf::Effective;
use std::io::Write;
use std::path::{Path, PathBuf};

/// The file that is read when none is named.
const DEFAULT_CFG: &str = "tests.cfg";
/// Threads that build parameters.
const MAX_THREADS: usize = 8;

/// Lists variants as they are found.
pub fn list(args: &List, out: &mut dyn Write, err: &mut dyn Write) -> Result<u8, Error> {
    if args.guests {
        return catalogue::guests(args, out, err);
    }
    if let Some(file) = &args.perf_conf {
        return perf_conf(file.as_deref(), out, err);
    }
    if args.workloads {
        return catalogue::workloads(args, out, err);
    }
    let path = match &args.cfg {
        Some(path) => path.clone(),
        None if Path::new(DEFAULT_CFG).exists() => PathBuf::from(DEFAULT_CFG),
        None => PathBuf::from(shipped::BASE),
    };
    if args.source {
        return source(&path, out);
    }
    let config = read(args, &path, args.base, err)?;
    for warning in config.warnings() {
        writeln!(err, "warning: {warning}")?;
    }
    match &args.explain {
        Some(key) => explain(args, &config, key, &path, out, err),
        None if args.contents => contents(args, &config, &path, out, err),
        None => names(args, &config, &path, out, err),
    }
}

/// Prints how results are judged: every option with its value and the line that gave it.
fn perf_conf(file: Option<&Path>, out: &mut dyn Write, err: &mut dyn Write) -> Result<u8, Error> {
    let conf = layered(file, err)?;
    for (index, section) in conf.sections().iter().enumerate() {
        writeln!(out, "{}[{}]", if index > 0 { "\n" } else { "" }, section.name)?;
        for Effective { option, value, origin } in section.effective() {
            writeln!(out, "{option} = {value}    ({origin})")?;
        }
    }
    Ok(DONE)
}

/// Prints a file that is part of the program.
fn source(path: &Path, out: &mut dyn Write) -> Result<u8, Error> {
    let text = path.to_str().and_then(shipped::text).ok_or_else(|| {
        let names: Vec<&str> = shipped::names().collect();
        format!("{} is none of perfvt's own configurations: {}", path.display(), names.join(", "))
    })?;
    out.write_all(text.as_bytes())?;
    Ok(DONE)
}

/// Prints names as they are found.
fn names(
    args: &List,
    config: &Config,
    path: &Path,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<u8, Error> {
    let bound = bound(args, Bound::SECONDS);
    let mut expansion = config.expand();
    let mut gathered = Gathered::new(out);
    loop {
        let (full, seen) = (gathered.is_beyond(&expansion, &bound), expansion.found());
        let next = expansion.next_name();
        if next.is_err() {
            // What was found stays.
            gathered.write()?;
        }
        let Some(named) = next? else { break };
        if full {
            gathered.write()?;
            return more(args, seen, path, err);
        }
        if args.json {
            named.write_json(&mut gathered.bytes);
        } else {
            writeln!(gathered.bytes, "{}", named.name)?;
        }
        gathered.end_variant()?;
    }
    gathered.write()?;
    code(args, expansion.found(), &expansion.emptied_by(), path, err)
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
    let summary = config.render(threads, bound(args, Bound::SECONDS), render, |bytes| {
        out.write_all(bytes)?;
        out.flush()
    });
    // Unwrapped, so that a closed pipe is seen for what it is.
    let summary = summary.map_err(|error| match error {
        RenderError::Cartesian(error) => Error::from(error),
        RenderError::Write(error) => Error::from(error),
    })?;
    if summary.more {
        return more(args, summary.found, path, err);
    }
    code(args, summary.found, &summary.emptied_by, path, err)
}

/// Shows one key of every variant: where its value comes from, and what it was before.
fn explain(
    args: &List,
    config: &Config,
    key: &str,
    path: &Path,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<u8, Error> {
    let mut expansion = config.expand();
    let mut gathered = Gathered::new(out);
    let mut known = false;
    let bound = bound(args, Bound::SECONDS);
    expansion.trace(key);
    loop {
        let (full, seen) = (gathered.is_beyond(&expansion, &bound), expansion.found());
        let next = expansion.next_dict();
        if next.is_err() {
            gathered.write()?;
        }
        let Some(dict) = next? else { break };
        if full {
            gathered.write()?;
            return more(args, seen, path, err);
        }
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
        if let Some(earlier) = Some(expansion.earlier_steps()).filter(|earlier| *earlier > 0) {
            writeln!(gathered.bytes, "        before: {earlier} other values")?;
        }
        gathered.end_variant()?;
    }
    gathered.write()?;
    if expansion.found() > 0 && !known {
        let near = config.similar_key(key).map(|near| format!("; did you mean '{near}'?"));
        writeln!(err, "perfvt: no variant has a key '{key}'{}", near.unwrap_or_default())?;
        return Ok(USAGE);
    }
    code(args, expansion.found(), &expansion.emptied_by(), path, err)
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
    fn run(words: &[&str]) -> (u8, String, String) {
        let words = ["perfvt"].iter().chain(words).map(Into::into);
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let code = crate::run(words, &mut out, &mut err);
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (code, text(out), text(err))
    }

    /// The same for a configuration in a file.
    fn list(cfg: &str, flags: &[&str]) -> (u8, String, String) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("tests.cfg");
        std::fs::write(&path, cfg).unwrap();
        let (code, out, err) = run(&[&["list", path.to_str().unwrap()], flags].concat());
        let text = |text: String| text.replace(&format!("{}/", dir.path().display()), "");
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

    #[test]
    fn a_configuration_that_rests_on_the_base_is_told_of_it_and_read_after_it() {
        let cfg = "only netperf.guest_exhost\nvariants:\n    - repeat1:\n    - repeat2:\n";
        let (code, out, err) = list(cfg, &[]);
        assert_eq!((code, out.as_str()), (USAGE, ""));
        assert!(
            err.ends_with(
                "perfvt's base has such variants: `perfvt run -c` reads it first, --base does so here\n"
            ),
            "{err}"
        );
        let (code, out, err) = list(cfg, &["--base"]);
        assert_eq!((code, err.as_str()), (DONE, ""));
        assert_eq!(out, "repeat1.netperf.guest_exhost\nrepeat2.netperf.guest_exhost\n");
    }

    #[test]
    fn configurations_of_perfvt_are_listed_and_printed_by_their_names() {
        let (code, out, _) = run(&["list", "perfvt:base.cfg", "--only", "netperf"]);
        assert_eq!((code, out.lines().next()), (DONE, Some("netperf.host_guest")));
        let (code, text, _) = run(&["list", "perfvt:scenarios.cfg", "--source"]);
        assert!(code == DONE && text.contains("variants [default=host_guest]:"), "{text}");
        let (code, _, err) = run(&["list", "perfvt:nothing.cfg", "--source"]);
        assert!(
            code == USAGE && err.contains("none of perfvt's own configurations: perfvt:base.cfg"),
            "{err}"
        );
    }

    #[test]
    fn guests_and_workloads_are_listed_and_missing_images_are_marked() {
        let cfg =
            "image_format = qcow2\nvariants:\n    - CentOS.6.6:\n        image_name = images/centos66-64\n";
        let (code, out, _) = list(cfg, &["--guests"]);
        assert_eq!((code, out.as_str()), (DONE, "CentOS.6.6 (missing centos66-64.qcow2)\n"));
        let (_, json, _) = list(cfg, &["--guests", "--json"]);
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!((&json["name"], &json["missing"]), (&"CentOS.6.6".into(), &"centos66-64.qcow2".into()));
        let (code, out, _) = run(&["list", "--workloads"]);
        assert!(code == DONE && out.lines().all(|l| l.contains(": ")), "{out}");
        assert!(out.contains("netperf: network throughput and requests a second"), "{out}");
        let (code, out, _) = list("only netperf", &["--workloads"]);
        assert!(code == DONE && out.starts_with("netperf: ") && out.lines().count() == 1, "{out}");
        let windows = "variants:\n    - mine:\n        guest_os = windows\n        image = /away.raw\n";
        let (code, out, _) = list(windows, &["--workloads", "--guest", "mine"]);
        assert!(code == DONE && out.contains("\nfio (not in a Windows guest: "), "{out}");
        let (code, out, _) = run(&["list", "--workloads", "--contents"]);
        assert!(code == DONE && out.contains("\n    sizes = 64 256"), "{out}");
    }
}
