//! Any command, in the guest or on the host, with metrics that the user's patterns find in its output.
//!
//! ```text
//!   command = bench.sh --size ${case}       words; quotes hold blanks together; ${case} is the level of the case
//!   command_cases = small large             the matrix
//!   metrics = speed latency                 each with pattern_NAME (a regular expression) or pointer_NAME (JSON)
//! ```
//!
//! What the metrics mean stands in the user's perf.conf, in the section `command` or the one that `command_section` names.

use super::common::{failed, host_series, interval, read, run_whole, said, share, value, value_at};
use super::{Known, Needs, Outcome, Workload};
use crate::brought::{self, SOURCE, SOURCE_BUILD, Wish};
use crate::lab::{Client, Failed, Lab, Measured, keep, window_until};
use crate::parse::os_of;
use formats::pattern::Pattern;
use model::{Case, Code, Params, ParamsError};
use process::tail;
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::time::Duration;
use vm::guest::os::Os;

/// The workload.
pub struct Command;

const PARAMETERS: [Known; 12] = [
    Known::open(
        "command",
        "it has to be set",
        "words",
        "the command; ${case} in a word is the level of the case",
    ),
    Known::new("command_on", "guest", "guest, host", "where it runs; on the host alone no guest is booted"),
    Known::new("command_cases", "default", "words", "levels of the key 'case'"),
    Known::new(
        FILES,
        "",
        "files",
        "files of this host that are put into the guest's /root (Windows: C:\\perfvt) first",
    ),
    Known::new(
        DEPS,
        "",
        "a folder",
        "a folder deps/NAME with a Makefile or a deps.cfg, built first; ${deps} in a word is where it then is",
    ),
    Known::new(
        SOURCE,
        "",
        "URL or path, @ and a branch, tag or commit",
        "a git repository that is checked out on this host when the campaign is planned, and built as command_deps",
    ),
    Known::new(
        SOURCE_BUILD,
        "",
        "words",
        "the command that builds source, instead of make or its own deps.cfg",
    ),
    Known::new("command_timeout", "600", "seconds, 1 or more", "seconds after which the command has failed"),
    Known::new(
        "command_section",
        "command",
        "a name",
        "section of perf.conf that says what the metrics mean",
    ),
    Known::new("command_network", "no", "yes, no", "whether the guest's network is brought up first"),
    Known::new("metrics", "", "names", "names of metrics, each with pattern_NAME or pointer_NAME"),
    Known::new("l", "10", "seconds", "seconds that it takes, roughly: only for the plan"),
];

/// The file of the raw folder with the nanoseconds that the command ran.
const TOOK: &str = "command.took";
/// The key of files that are put into the guest.
const FILES: &str = "command_files";
/// The key of a folder that is built.
const DEPS: &str = "command_deps";
/// A key of this kind belongs to a metric of the user's.
const OF_METRICS: [&str; 2] = ["pattern_", "pointer_"];

impl Workload for Command {
    fn name(&self) -> &'static str {
        "command"
    }

    fn measures(&self) -> &'static str {
        "any command, in the guest or on the host, by patterns for its output"
    }

    fn parameters(&self) -> &'static [Known] {
        &PARAMETERS
    }

    fn quick(&self) -> &'static [(&'static str, &'static str)] {
        &[("l", "1")]
    }

    fn knows(&self, key: &str) -> bool {
        self.parameters().iter().any(|known| known.key == key)
            || OF_METRICS.iter().any(|prefix| key.strip_prefix(prefix).is_some_and(|name| !name.is_empty()))
    }

    fn paths(&self) -> &'static [&'static str] {
        &[DEPS]
    }

    fn path_lists(&self) -> &'static [&'static str] {
        &[FILES]
    }

    fn reads(&self, params: &Params) -> Vec<(&'static str, PathBuf)> {
        let files = params.words(FILES).unwrap_or_default();
        files.into_iter().map(|file| (FILES, PathBuf::from(file))).collect()
    }

    fn cases(&self, params: &Params) -> Result<Vec<Case>, ParamsError> {
        if params.get("command").is_none() {
            return Err(ParamsError::Missing { key: "command".into() });
        }
        words(params, "", "")?;
        brought::check_folder(params, DEPS)?;
        if has_deps(params)
            && params.get("command_on") != Some("host")
            && os_of(params, "vm1")? == Os::Windows
        {
            let wanted = "nothing: what is built here is for Linux, and guest_os is windows; command_files brings files";
            return Err(params.wrong(DEPS, wanted));
        }
        if !has_deps(params) && params.text("command")?.contains("${deps}") {
            return Err(params.wrong(
                "command",
                "a command without ${deps}, or a folder for it in command_deps or source",
            ));
        }
        params.choice("command_on", &["guest", "host"])?;
        params.switch("command_network")?;
        params.number("command_timeout", 1u64, "seconds, 1 or more")?;
        check_files(params)?;
        patterns(params)?;
        let section = params.text("command_section")?;
        let levels = params.list("command_cases")?;
        let case = |level: &&str| Case {
            workload: section.to_owned(),
            category: "command".into(),
            keys: [("case", *level)].into_iter().collect(),
        };
        Ok(levels.iter().map(case).collect())
    }

    fn metrics(&self, _: &str, params: &Params, _: bool) -> Vec<String> {
        let own = patterns(params).unwrap_or_default().into_iter().map(|(name, _)| name);
        own.chain(["elapsed_s".to_owned(), "CPU".to_owned()]).collect()
    }

    fn runs_in(&self, _: Os) -> Result<(), &'static str> {
        Ok(())
    }

    fn runs_alone(&self, params: &Params) -> Result<(), &'static str> {
        match params.get("command_on") {
            Some("host") => Err("its command runs on the host (command_on)"),
            _ if params.switch("command_network").unwrap_or(false) => {
                Err("its network is brought up from outside (command_network)")
            }
            _ => Ok(()),
        }
    }

    fn needs(&self, params: &Params) -> Needs {
        let wish = || {
            let wish = Wish::of(params, DEPS, "");
            // On the host it is the client that runs it.
            if params.get("command_on") == Some("host") { wish.and_of_clients(params) } else { wish }
        };
        let brings = has_deps(params).then(wish).into_iter().collect();
        Needs { guest: needs_guest(params), tools: true, brings, ..Needs::default() }
    }

    fn seconds(&self, params: &Params) -> f64 {
        params.number("l", 0.0, "").unwrap_or(10.0)
    }

    fn timeout(&self, _: &Params) -> Option<&'static str> {
        Some("command_timeout")
    }

    fn session_length(&self, params: &Params) -> String {
        params.get("l").unwrap_or_default().to_owned()
    }

    fn rhs_name(&self, _: f64) -> String {
        "command-result.RHS".into()
    }

    fn prepare(&self, lab: &mut dyn Lab, params: &Params) -> Result<(), Failed> {
        if params.switch("command_network").map_err(failed)? {
            lab.connect()?;
        }
        for file in params.words(FILES).map_err(failed)? {
            let wrong =
                |reason: String| Failed::new(Code::Host, format!("putting {file} into the guest: {reason}"));
            let content = edge::read(&file, edge::read::PROGRAM).map_err(|e| wrong(e.to_string()))?;
            let name = Path::new(&file).file_name().ok_or_else(|| wrong("it has no name".into()))?;
            lab.put(&lab.os().in_home(&name.to_string_lossy()), "755", &content)?;
        }
        Ok(())
    }

    fn measure(&self, lab: &mut dyn Lab, case: &Case, params: &Params, raw: &Path) -> Result<(), Failed> {
        let deps = match (has_deps(params), params.get("command_on")) {
            (false, _) => String::new(),
            (true, Some("host")) => lab.client_brought(DEPS)?,
            (true, _) => lab.brought(DEPS)?,
        };
        let argv = words(params, case.keys.get("case").unwrap_or_default(), &deps).map_err(failed)?;
        keep(raw, "command.argv", &argv.join("\n"))?;
        let limit = Duration::from_secs(params.number("command_timeout", 1, "seconds").map_err(failed)?);
        let (measured, took) = if params.get("command_on") == Some("host") {
            on_host(lab, &argv, limit, raw)?
        } else {
            let look = look(lab.os(), limit);
            run_whole(lab, &argv, (limit, look), raw, "command")?
        };
        if let Some(took) = took {
            keep(raw, TOOK, &format!("{}\n", took.as_nanos()))?;
        }
        measured.keep(raw)
    }

    fn parse(&self, _: &Case, params: &Params, raw: &Path) -> Result<Outcome, Failed> {
        let measured = Measured::read(raw)?;
        let outputs =
            [("command.txt", read(raw, "command.txt")?), ("command.stderr", read(raw, "command.stderr")?)];
        let mut values = Vec::new();
        for (name, pattern) in patterns(params).map_err(failed)? {
            let (file, number, line) =
                found(&pattern, &outputs).map_err(|why| failed(format!("{name}: {why}")))?;
            values.push(match line {
                Some(line) => value_at(&name, number, file, line),
                None => value(&name, number),
            });
        }
        values.push(value("elapsed_s", elapsed(raw, &measured)?));
        values.push(value("CPU", share(&measured)?));
        Ok(Outcome { window: measured.window, values, series: host_series("CPU", &measured) })
    }
}

/// Files that are put into the guest are there, and none takes the place of another one. Windows tells no letters' cases
/// apart.
fn check_files(params: &Params) -> Result<(), ParamsError> {
    let mut names = HashSet::new();
    for file in params.words(FILES)? {
        let wrong = |what: &str| Err(params.wrong(FILES, &format!("{what} ({file})")));
        match std::fs::metadata(&file) {
            Err(error) => return wrong(&format!("files that are there, {error}")),
            Ok(known) if !known.is_file() => return wrong("files, no folders"),
            Ok(_) => {}
        }
        let name = Path::new(&file).file_name().unwrap_or_default().to_string_lossy().to_lowercase();
        if !names.insert(name) {
            return wrong("files of different names, because they meet in one folder of the guest");
        }
    }
    Ok(())
}

/// Whether there is a guest: a command of the host has none, unless something in the request is meant for one.
fn needs_guest(params: &Params) -> bool {
    let host =
        params.get("command_on") == Some("host") && params.get("scenario").is_none_or(|s| s == "host_guest");
    let network = params.switch("command_network").unwrap_or(false);
    let files = params.get(FILES).is_some_and(|files| !files.trim().is_empty());
    !host || network || files
}

/// What a pattern finds: in what the command printed, or, where that has nothing of the kind, in what it wrote to standard
/// error. Gives the file as well.
fn found(
    pattern: &Pattern,
    outputs: &[(&'static str, String); 2],
) -> Result<(&'static str, f64, Option<u32>), String> {
    let [(_, printed), (_, said)] = outputs;
    let Some((file, text)) = outputs.iter().find(|(_, text)| pattern.is_in(text)) else {
        // Whose JSON is broken is told so.
        let why =
            pattern.find(if printed.trim().is_empty() { said } else { printed }).err().unwrap_or_default();
        return Err(format!("{why} (standard output and standard error were looked through)"));
    };
    pattern.find(text).map(|(number, line)| (*file, number, line))
}

/// Seconds that the command ran, by a clock that was read where it ran; else those of the window, to the next look.
fn elapsed(raw: &Path, measured: &Measured) -> Result<f64, Failed> {
    if !raw.join(TOOK).exists() {
        return Ok(measured.window.len_ns as f64 * 1e-9);
    }
    let text = read(raw, TOOK)?;
    let nanoseconds: u64 = text
        .trim()
        .parse()
        .map_err(|_| failed(format!("{TOOK}: {} are no nanoseconds", edge::quoted(&text))))?;
    Ok(nanoseconds as f64 * 1e-9)
}

/// How often it is asked whether the command has ended. A Windows guest reads no clock of its own beside the command: there
/// this is the resolution of its time.
fn look(os: Os, limit: Duration) -> Duration {
    let often = Duration::from_millis(20);
    if os == Os::Windows { often } else { interval(1).min(limit / 10).max(often) }
}

fn on_host(
    lab: &mut dyn Lab,
    argv: &[String],
    limit: Duration,
    raw: &Path,
) -> Result<(Measured, Option<Duration>), Failed> {
    let (out, err) = (raw.join("command.txt"), raw.join("command.stderr"));
    let mut client: Box<dyn Client> = lab.start_client(argv, &out, &err)?;
    let mut end = None;
    let mut ended = |_: &mut dyn Lab| {
        end = client.ended();
        Ok(end.is_some())
    };
    let measured = window_until(lab, limit, look(Os::Linux, limit), &mut ended)?;
    match end {
        Some(Ok(())) => Ok((measured, client.took())),
        Some(Err(how)) => Err(failed(format!("the command ended with {how}: {}", said(&[&tail(&err)])))),
        None => Err(failed("the command has no end")),
    }
}

/// The user's metrics with their patterns.
fn patterns(params: &Params) -> Result<Vec<(String, Pattern)>, ParamsError> {
    let mut all = Vec::new();
    for name in params.list("metrics")? {
        let keys = OF_METRICS.map(|prefix| format!("{prefix}{name}"));
        let [pattern_key, pointer_key] = &keys;
        let pattern = match (params.get(pattern_key), params.get(pointer_key)) {
            (Some(text), None) => Pattern::regex(text)
                .map_err(|why| params.wrong(pattern_key, &format!("a regular expression ({why})")))?,
            (None, Some(text)) => Pattern::pointer(text).map_err(|why| params.wrong(pointer_key, &why))?,
            _ => {
                let want = format!("names of metrics, each with one of {pattern_key} and {pointer_key}");
                return Err(params.wrong("metrics", &want));
            }
        };
        all.push((name.to_owned(), pattern));
    }
    Ok(all)
}

/// Whether a folder of the user's is built for the command.
fn has_deps(params: &Params) -> bool {
    params.get(DEPS).is_some_and(|path| !path.trim().is_empty())
}

/// The words of the command for a case. Level and folder are put in after splitting: they never make two words of one.
fn words(params: &Params, level: &str, deps: &str) -> Result<Vec<String>, ParamsError> {
    let words = params.words("command")?;
    if words.is_empty() {
        return Err(params.wrong("command", "a command"));
    }
    // A level that looks like the folder's name is still a level.
    let put = |part: &str| part.replace("${case}", level);
    Ok(words.into_iter().map(|word| word.split("${deps}").map(put).collect::<Vec<_>>().join(deps)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Origin;

    fn params(set: &[(&str, &str)]) -> Params {
        let mut params = Params::new();
        for known in PARAMETERS {
            if let Some(default) = known.default {
                params.set(known.key, default, Origin::BuiltIn);
            }
        }
        for (key, value) in set {
            params.set(*key, *value, Origin::Flag("--set".into()));
        }
        params
    }

    #[test]
    fn quotes_hold_words_together_and_a_level_never_splits_one() {
        let params = params(&[("command", "run --size=${case} '${case}'")]);
        assert_eq!(
            words(&params, "two words; $(id)", "").unwrap(),
            ["run", "--size=two words; $(id)", "two words; $(id)"]
        );
    }

    #[test]
    fn every_metric_needs_one_pattern_and_wrong_ones_are_refused_when_planning() {
        let wrong = |set: &[(&str, &str)]| {
            let mut all = vec![("command", "true")];
            all.extend_from_slice(set);
            Command.cases(&params(&all)).unwrap_err().to_string()
        };
        assert!(wrong(&[("metrics", "speed")]).contains("one of pattern_speed and pointer_speed"));
        assert!(wrong(&[("metrics", "speed"), ("pattern_speed", "(a")]).contains("unclosed group"));
        assert!(wrong(&[("metrics", "speed"), ("pointer_speed", "a")]).contains("begins with a slash"));
        assert!(wrong(&[("command", "'a")]).contains("quotes are closed"));
        assert!(wrong(&[("command_files", "/nonexistent")]).contains("/nonexistent"));
        assert!(wrong(&[("command_files", "/etc")]).contains("files, no folders (/etc)"));
        assert!(
            wrong(&[("command_files", "/etc/passwd '/../etc/passwd'")]).contains("files of different names")
        );
        assert_eq!(
            Command.cases(&params(&[])).unwrap_err().to_string(),
            "parameter 'command' is not set and has no default"
        );
        assert!(Command.knows("pattern_speed") && !Command.knows("pattern_") && !Command.knows("patern_x"));
    }

    #[test]
    fn the_folder_that_is_built_is_put_into_words_and_must_be_one() {
        let with = |set: &[(&str, &str)]| Command.cases(&params(set)).unwrap_err().to_string();
        assert!(with(&[("command", "${deps}/x")]).contains("command_deps"));
        let error = with(&[("command", "x"), ("command_deps", "/nonexistent/deps/x")]);
        assert!(
            error.contains("'command_deps' is '/nonexistent/deps/x'") && error.contains("Makefile"),
            "{error}"
        );
        let params = params(&[("command", "'${deps}/a b' ${case}")]);
        let words = words(&params, "${deps}", "/brought/x y").unwrap();
        assert_eq!(words, ["/brought/x y/a b", "${deps}"]);
    }

    #[test]
    fn a_command_of_the_host_has_its_folder_built_there_wherever_guests_build() {
        let wish = |set: &[(&str, &str)]| {
            let all = [&[("command", "x"), ("command_deps", "/deps/x"), ("build_on", "guest")], set].concat();
            Command.needs(&params(&all)).brings.remove(0)
        };
        let (guest, host) = (wish(&[]), wish(&[("command_on", "host")]));
        assert_eq!((guest.in_guest, guest.on_host), (true, false));
        assert_eq!((host.in_guest, host.on_host), (true, true));
    }

    #[test]
    fn a_pattern_looks_through_standard_output_and_then_through_standard_error() {
        let of = |pattern: &str, out: &str, err: &str| {
            let outputs = [("out", out.to_owned()), ("err", err.to_owned())];
            found(&Pattern::regex(pattern).unwrap(), &outputs)
        };
        let dd = "64+0 records in\n64+0 records out\n67108864 bytes copied\n";
        assert_eq!(of(r"^([0-9]+)\+0 records out", "", dd), Ok(("err", 64.0, Some(2))));
        assert_eq!(of("v ([0-9]+)", "v 1\n", "v 2\n"), Ok(("out", 1.0, Some(1))));
        // What is wrong with the one is not covered by the other.
        assert!(of("v (.+)", "v x\n", "v 2\n").unwrap_err().contains("'x' is not a finite number"));
        let nothing = of("v (.+)", "a\n", "b\n").unwrap_err();
        assert!(nothing.contains("matches nothing (standard output and standard error"), "{nothing}");
        let outputs = [("out", String::new()), ("err", "{\"a\": 3}".to_owned())];
        assert_eq!(found(&Pattern::pointer("/a").unwrap(), &outputs), Ok(("err", 3.0, None)));
    }

    #[test]
    fn cases_are_in_the_users_own_section() {
        let params = params(&[("command", "x"), ("command_cases", "a,b"), ("command_section", "mine")]);
        let ids: Vec<String> = Command.cases(&params).unwrap().iter().map(Case::id).collect();
        assert_eq!(ids, ["mine/command/case=a", "mine/command/case=b"]);
    }
}
