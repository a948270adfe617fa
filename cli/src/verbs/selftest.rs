//! `perfvt selftest`: campaigns of which is known what should come out, and a bundle that tells what did.

use super::options::defaults;
use super::run;
use crate::args::{Args, Selftest, Verb};
use crate::{DONE, Error, FOUND, INTERRUPTED, own_executable};
use analyze::{Comparison, Verdict, compare};
use clap::Parser;
use collect::campaign::setup::utc_stamp;
use collect::workload;
use model::{Role, secrets};
use report::TextOptions;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};
use vm::accel;
use vm::host::topology::Topology;

/// No campaign is begun that would, if it took as long as the longest before, end later than this.
const LONGEST: Duration = Duration::from_secs(30 * 60);
/// What the machine is called in results, so that its own name is in none of them.
const MACHINE: &str = "selftest";
/// A shorter word would be found everywhere by chance.
const SHORTEST: usize = 4;

/// What should come out of a campaign, of its primary rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expected {
    /// None is decided.
    Same,
    /// One at least is worse, and none better.
    Worse,
    /// None is better: how much it costs depends on the machine.
    NotBetter,
    /// None is worse.
    NotWorse,
}

/// A campaign: what is planted in its second environment.
struct Planted {
    name: &'static str,
    about: &'static str,
    environments: [&'static str; 2],
    expected: Expected,
}

const ALL: [Planted; 4] = [
    Planted {
        name: "same",
        about: "one build against itself: nothing is decided (by chance one of twenty is)",
        environments: ["base", "head"],
        expected: Expected::Same,
    },
    Planted {
        name: "unpinned",
        about: "head without pinning: nothing gets better",
        environments: ["base", "head:numa_node=0"],
        expected: Expected::NotBetter,
    },
    Planted {
        name: "vhost-off",
        about: "head without vhost: worse",
        environments: ["base:vhost=yes", "head:vhost=no"],
        expected: Expected::Worse,
    },
    Planted {
        name: "mitigations-off",
        about: "head's kernel with mitigations=off: nothing gets worse",
        environments: ["base", "head:kernel_params=mitigations=off"],
        expected: Expected::NotWorse,
    },
];

/// Runs them one after the other, says what came out, and writes the bundle.
pub fn selftest(args: &Selftest, out: &mut dyn Write, err: &mut dyn Write) -> Result<u8, Error> {
    if !args.emulated {
        accel::probe(&own_executable()).map_err(|why| {
            format!(
                "KVM does not execute guests here ({why}), so there is no hardware to test; `perfvt doctor` says how to get it, \
                 and --emulated tries the test itself"
            )
        })?;
    }
    let stamp = || {
        utc_stamp(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |t| t.as_nanos() as u64))
    };
    let dir = args.out.clone().unwrap_or_else(|| PathBuf::from(format!("perfvt-selftest-{}", stamp())));
    let archive = beside(&dir)?;
    if archive.exists() {
        return Err(format!("{} is there already; --out names another place", archive.display()).into());
    }
    edge::write::make_directory(&dir).map_err(|e| format!("making {}: {e}", dir.display()))?;
    let began = Instant::now();
    let (mut longest, mut passed) = (Duration::ZERO, 0);
    let mut told = vec![format!("perfvt {} selftest of {}", env!("CARGO_PKG_VERSION"), args.workload)];
    let mut files = Vec::new();
    for planted in &ALL {
        say(out, &format!("{}: {}", planted.name, planted.about));
        let start = Instant::now();
        let ended = if began.elapsed() + longest > LONGEST {
            Ended::NotRun("the half hour would not be enough; a smaller --repeat leaves time".to_owned())
        } else {
            one(args, planted, &dir.join(planted.name), &mut files, (out, err))?
        };
        longest = longest.max(start.elapsed());
        let line = match ended {
            Ended::Interrupted => return Ok(INTERRUPTED),
            Ended::As(verdicts) => {
                passed += 1;
                format!("{}: as it should: {verdicts}", planted.name)
            }
            Ended::Otherwise(verdicts) => {
                format!("{}: NOT as it should ({}): {verdicts}", planted.name, planted.about)
            }
            Ended::NotRun(why) => format!("{}: not run: {why}", planted.name),
        };
        say(out, &format!("{line}\n"));
        told.push(line);
    }
    let accel = if args.emulated { "emulated, which says nothing of the machine" } else { "KVM" };
    told.push(format!("{passed} of {} as they should ({accel})", ALL.len()));
    files.insert(0, ("selftest.txt".to_owned(), format!("{}\n", told.join("\n")).into_bytes()));
    files.extend(machine()?);
    let hidden = hide(&mut files, &dir)?;
    let name = dir.file_name().unwrap_or_default().to_string_lossy().into_owned();
    edge::write::output(&archive, &report::bundle(&name, &files)?)
        .map_err(|e| format!("writing {}: {e}", archive.display()))?;
    say(out, told.last().map_or("", String::as_str));
    let count = files.len();
    let look =
        format!("{count} files, {hidden} words of yours taken out: look through it before you send it");
    say(out, &format!("bundle: {} ({look})", archive.display()));
    Ok(if passed == ALL.len() { DONE } else { FOUND })
}

/// Says something that is not worth stopping for when nobody can hear it.
fn say(to: &mut dyn Write, text: &str) {
    let _ = writeln!(to, "{text}");
}

/// How a campaign ended.
enum Ended {
    As(String),
    Otherwise(String),
    NotRun(String),
    Interrupted,
}

/// `DIR.tar.gz`.
fn beside(dir: &Path) -> Result<PathBuf, Error> {
    let name =
        dir.file_name().ok_or_else(|| format!("--out {}: want the path of a new folder", dir.display()))?;
    let mut name = name.to_owned();
    name.push(".tar.gz");
    Ok(dir.with_file_name(name))
}

/// The command line of a campaign, as a user would type it.
fn words(args: &Selftest, planted: &Planted, dir: &Path) -> Vec<String> {
    let mut words: Vec<String> = ["perfvt", "run", &args.workload].map(str::to_owned).into();
    let mut add = |flag: &str, value: &str| words.extend([flag.to_owned(), value.to_owned()]);
    planted.environments.iter().for_each(|environment| add("--env", environment));
    args.sets.iter().for_each(|set| add("--set", set));
    if workload::find(&args.workload).is_some_and(|workload| !workload.quick().is_empty()) {
        add("--profile", "quick");
    }
    add("--repeat", &args.repeat.to_string());
    add("--machine", MACHINE);
    add("--out", &dir.to_string_lossy());
    if args.emulated {
        add("--accel", "tcg");
        add("--noise", "off");
        words.push("--allow-unpinned".to_owned());
    } else {
        add("--accel", "kvm");
    }
    words
}

/// Runs one campaign and compares it; what others want to see of it goes into `files`.
fn one(
    args: &Selftest,
    planted: &Planted,
    dir: &Path,
    files: &mut Vec<(String, Vec<u8>)>,
    (out, err): (&mut dyn Write, &mut dyn Write),
) -> Result<Ended, Error> {
    let words = words(args, planted, dir);
    let Verb::Run(parsed) = Args::try_parse_from(&words)?.verb else {
        return Err("this is no campaign".into());
    };
    match run::run(&parsed, words, out, err) {
        Ok(INTERRUPTED) => return Ok(Ended::Interrupted),
        Ok(_) => {}
        Err(error) => return Ok(Ended::NotRun(crate::chain(error.as_ref()))),
    }
    let mut options = defaults()?;
    options.paths = vec![dir.to_owned()];
    let comparison = compare(&options)?;
    let mut json = Vec::new();
    report::json(&comparison, &mut json)?;
    let text = report::text(&comparison, &TextOptions { all: true, ..TextOptions::default() });
    files.push((format!("{}.json", planted.name), json));
    files.push((format!("{}.txt", planted.name), text.into_bytes()));
    let verdicts = primary(&comparison);
    let said = counted(&verdicts);
    Ok(if came_out(planted.expected, &verdicts) { Ended::As(said) } else { Ended::Otherwise(said) })
}

fn primary(comparison: &Comparison) -> Vec<Verdict> {
    comparison.rows.iter().filter(|row| row.role == Role::Primary).map(|row| row.verdict).collect()
}

/// `2 REGRESSED, 1 EQUIVALENT`, of the primary rows.
fn counted(verdicts: &[Verdict]) -> String {
    let mut sorted = verdicts.to_vec();
    sorted.sort_unstable();
    let parts = sorted.chunk_by(|a, b| a == b);
    let parts = parts.filter_map(|part| Some(format!("{} {}", part.len(), part.first()?.word())));
    let parts: Vec<String> = parts.collect();
    if parts.is_empty() { "no primary row".to_owned() } else { parts.join(", ") }
}

/// Whether a campaign came out as it should. One without a value says nothing.
fn came_out(expected: Expected, verdicts: &[Verdict]) -> bool {
    let has = |wanted: &[Verdict]| verdicts.iter().any(|verdict| wanted.contains(verdict));
    let (worse, better) = (has(&[Verdict::Regressed]), has(&[Verdict::Improved]));
    let measured = verdicts
        .iter()
        .any(|verdict| !matches!(verdict, Verdict::Invalid | Verdict::MissingA | Verdict::MissingB));
    measured
        && match expected {
            Expected::Same => !worse && !better && !has(&[Verdict::ChangedUp, Verdict::ChangedDown]),
            Expected::Worse => worse && !better,
            Expected::NotBetter => !better,
            Expected::NotWorse => !worse,
        }
}

/// What the machine is: its nodes, and what `perfvt doctor` finds.
fn machine() -> Result<Vec<(String, Vec<u8>)>, Error> {
    let (mut topology, mut doctor) = (Vec::new(), Vec::new());
    model::json::write_pretty(&mut topology, &Topology::here()?)?;
    model::json::write_pretty(&mut doctor, &collect::doctor::examine(&own_executable()))?;
    Ok(vec![("topology.json".to_owned(), topology), ("doctor.json".to_owned(), doctor)])
}

/// Takes out of all files what is the user's alone: secrets of the campaigns, its folder, the working directory, the home folder and
/// the name of the host. Gives how many of these words there were.
fn hide(files: &mut [(String, Vec<u8>)], dir: &Path) -> Result<usize, Error> {
    let mut words: Vec<(String, &str)> = Vec::new();
    for planted in &ALL {
        let found = secrets::read(&dir.join(planted.name))?;
        let values = found.into_values().flatten().map(|(_, secret)| secret.reveal().to_owned());
        words.extend(values.map(|value| (value, "SECRET")));
    }
    let working = std::env::current_dir().map(|path| path.to_string_lossy().into_owned()).unwrap_or_default();
    let hostname = edge::read::kernel("/proc/sys/kernel/hostname").unwrap_or_default();
    // A relative one tells nothing, and its name may be any word.
    if dir.is_absolute() {
        words.push((dir.to_string_lossy().into_owned(), "OUT"));
    }
    words.extend([
        (working, "HERE"),
        (std::env::var("HOME").unwrap_or_default(), "HOME"),
        (hostname.trim().to_owned(), "HOST"),
    ]);
    words.retain(|(word, _)| word.len() >= SHORTEST && word != "root");
    let mut hidden = 0;
    for (word, instead) in &words {
        for (_, bytes) in files.iter_mut() {
            let text = String::from_utf8_lossy(bytes);
            hidden += text.matches(word.as_str()).count();
            *bytes = text.replace(word.as_str(), instead).into_bytes();
        }
    }
    Ok(hidden)
}

#[cfg(test)]
mod tests {
    use super::*;
    use Verdict::{ChangedUp, Equivalent, Improved, Inconclusive, Invalid, Regressed};

    #[test]
    fn what_came_out_is_held_against_what_should() {
        let cases: [(Expected, &[Verdict], bool); 10] = [
            (Expected::Same, &[Equivalent, Inconclusive], true),
            (Expected::Same, &[Equivalent, Regressed], false),
            (Expected::Same, &[ChangedUp], false),
            (Expected::Same, &[Invalid], false),
            (Expected::Same, &[], false),
            (Expected::Worse, &[Inconclusive], false),
            (Expected::Worse, &[Regressed, Inconclusive], true),
            (Expected::Worse, &[Regressed, Improved], false),
            (Expected::NotBetter, &[Inconclusive, Regressed], true),
            (Expected::NotWorse, &[Regressed], false),
        ];
        for (expected, verdicts, right) in cases {
            assert_eq!(came_out(expected, verdicts), right, "{expected:?} {verdicts:?}");
        }
    }

    #[test]
    fn a_bundle_has_no_word_of_the_user_s() {
        let dir = tempfile::tempdir().unwrap();
        let home = std::env::var("HOME").unwrap_or_default();
        let text = format!("at {}/same, home {home}/x", dir.path().display());
        let mut files = [("a".to_owned(), text.into_bytes())];
        assert!(hide(&mut files, dir.path()).unwrap() >= 1);
        let text = String::from_utf8(files[0].1.clone()).unwrap();
        assert!(text.starts_with("at OUT/same, home ") && !text.contains("tmp"), "{text}");
    }
}
