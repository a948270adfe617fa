//! Scripts: lines of `[deadline SECONDS] [MACHINE] VERB ARGS`, parsed once into steps.

use super::verbs::{self, Act, Global};
use super::words::{join, no_shell, split};
use edge::{quoted, visible};
use formats::perf_conf::closest;
use std::fmt;
use std::path::Path;
use std::time::Duration;

/// The largest script that is read.
pub const LARGEST_SCRIPT: u64 = 1 << 20;

/// One line of a script.
#[derive(Clone, Debug)]
pub struct Step {
    /// Its line, from 1.
    pub line: usize,
    /// What was written, without what cannot be seen.
    pub text: String,
    /// How long it may take; `None` leaves it to what is done.
    pub deadline: Option<Duration>,
    /// What is done.
    pub act: Act,
}

/// A script.
#[derive(Clone, Debug, Default)]
pub struct Script {
    /// Where it is from, for people.
    pub name: String,
    /// Its steps.
    pub steps: Vec<Step>,
}

/// A line that says nothing that can be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScriptError {
    /// Where the script is from.
    pub name: String,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong.
    pub why: String,
}

impl fmt::Display for ScriptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} line {}: {}", visible(&self.name), self.line, self.why)
    }
}

impl std::error::Error for ScriptError {}

impl Script {
    /// Reads a script for machines of these names.
    ///
    /// # Errors
    /// The first line that says nothing that can be done.
    pub fn parse(name: &str, text: &str, machines: &[String]) -> Result<Script, ScriptError> {
        let mut steps = Vec::new();
        let mut within = false;
        // Editors of other systems put a mark before the first line.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        for (number, line) in text.lines().enumerate().map(|(at, line)| (at + 1, line)) {
            let wrong = |why| ScriptError { name: name.to_owned(), line: number, why };
            let Some(step) = Step::parse(number, line, machines).map_err(wrong)? else { continue };
            match step.act {
                Act::Global(Global::Subtest(_)) => within = true,
                Act::Global(Global::End) if !within => {
                    return Err(wrong("end: no subtest has begun; leave it out".into()));
                }
                Act::Global(Global::End) => within = false,
                _ => {}
            }
            steps.push(step);
        }
        Ok(Script { name: name.to_owned(), steps })
    }

    /// Reads the file of a script.
    ///
    /// # Errors
    /// It cannot be read, or see [`Script::parse`].
    pub fn read(path: &Path, machines: &[String]) -> Result<Script, String> {
        let text = edge::read_text(path, LARGEST_SCRIPT)
            .map_err(|error| format!("reading the script {}: {error}", path.display()))?;
        Script::parse(&path.display().to_string(), &text, machines).map_err(|error| error.to_string())
    }
}

impl Step {
    /// Reads one line; `None` where it says nothing.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(number: usize, line: &str, machines: &[String]) -> Result<Option<Step>, String> {
        let words = split(line)?;
        if words.is_empty() {
            return Ok(None);
        }
        let step = Step::of_words(number, &words, machines)?;
        if let Act::On(_, verb) = &step.act
            && verb.is_command()
        {
            no_shell(line)?;
        }
        Ok(Some(Step { text: visible(line.trim()).into_owned(), ..step }))
    }

    /// Reads the words of a line.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn of_words(number: usize, words: &[String], machines: &[String]) -> Result<Step, String> {
        let (told, rest) = match words {
            [first, seconds, rest @ ..] if first == "deadline" => (Some(verbs::seconds(seconds)?), rest),
            [first] if first == "deadline" => {
                return Err("deadline: want SECONDS and the rest of a line".into());
            }
            _ => (None, words),
        };
        let (machine, verb, arguments) = match rest {
            [] => return Err("there is nothing behind the deadline".into()),
            [verb, arguments @ ..] if verbs::is_global(verb) => (None, verb, arguments),
            [name, rest @ ..] => match (machines.iter().position(|machine| machine == name), rest) {
                (Some(machine), [verb, arguments @ ..]) => (Some(machine), verb, arguments),
                (Some(_), []) => {
                    return Err(format!("want a verb behind {name}: {name} start, {name} succeed uname"));
                }
                (None, _) => return Err(no_machine(name, rest, machines)),
            },
        };
        let (act, seconds) = verbs::make(machine, verb, arguments)?;
        let usual = (seconds > 0).then(|| Duration::from_secs(seconds));
        let text = visible(&join(words)).into_owned();
        Ok(Step { line: number, text, deadline: told.or(usual), act })
    }
}

/// Says which machines there are, or that the verb of a machine has none.
fn no_machine(name: &str, rest: &[String], machines: &[String]) -> String {
    let all = machines.join(", ");
    if verbs::VERBS.iter().any(|known| known.name == name) {
        return format!("{name} is done with a machine, whose name stands before it: {all}");
    }
    let verb = rest.first().is_some_and(|word| verbs::VERBS.iter().any(|known| known.name == word));
    let globals = verbs::VERBS.iter().filter(|known| !known.of_machine).map(|known| known.name);
    let near = if verb {
        closest(name, machines.iter().map(String::as_str))
    } else {
        closest(name, machines.iter().map(String::as_str).chain(globals))
    };
    let near = near.map(|near| format!(", did you mean '{near}'?")).unwrap_or_default();
    format!("there is no machine {}{near}; there are {all}", quoted(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drive::Verb;

    fn machines() -> Vec<String> {
        ["vm1", "vm2"].map(String::from).into()
    }

    fn parse(text: &str) -> Result<Script, String> {
        Script::parse("x.drive", text, &machines()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_script_is_read_once_into_steps_with_their_lines_and_deadlines() {
        let script = parse(
            "# two machines\nstart_all\n\nsubtest \"they see one another\"\n  vm1 succeed ping -c 1 10.0.0.2 # once\n\
             deadline 5 vm2 wait_for_open_port 22\nend\ndeadline 2.5 sleep 1\n",
        )
        .unwrap();
        let lines: Vec<usize> = script.steps.iter().map(|step| step.line).collect();
        assert_eq!(lines, [2, 4, 5, 6, 7, 8]);
        let [start, subtest, ping, port, ..] = script.steps.as_slice() else { panic!() };
        assert!(matches!(start.act, Act::Global(Global::StartAll)) && start.deadline.is_none());
        assert!(matches!(&subtest.act, Act::Global(Global::Subtest(name)) if name == "they see one another"));
        let Act::On(0, Verb::Succeed(argv)) = &ping.act else { panic!("{ping:?}") };
        assert_eq!(argv.join(" "), "ping -c 1 10.0.0.2");
        assert_eq!(ping.deadline, Some(Duration::from_secs(300)));
        assert!(matches!(port.act, Act::On(1, Verb::WaitForOpenPort(22))));
        assert_eq!(port.deadline, Some(Duration::from_secs(5)));
    }

    #[test]
    fn what_is_wrong_is_told_with_file_line_and_the_nearest_name() {
        for (text, error) in [
            (
                "start_all\nvm1 suceed true",
                "x.drive line 2: there is no verb 'suceed', did you mean 'succeed'?",
            ),
            (
                "vm3 start",
                "x.drive line 1: there is no machine 'vm3', did you mean 'vm1'?; there are vm1, vm2",
            ),
            ("strat_all", "did you mean 'start_all'?"),
            ("vm1", "want a verb behind vm1"),
            ("succeed true", "succeed is done with a machine, whose name stands before it: vm1, vm2"),
            ("deadline x vm1 start", "'x' is no number of seconds"),
            ("deadline 5", "nothing behind the deadline"),
            ("deadline", "want SECONDS"),
            ("vm1 succeed echo a > b", "'>' is a shell's"),
            ("vm1 succeed 'a", "a quote is not closed"),
            ("end", "no subtest has begun"),
            ("vm1 succeed \u{1b}[2J", "\u{1b}"),
        ] {
            match parse(text) {
                Err(found) => assert!(found.contains(error), "{text}: {found}"),
                // Nothing that moves a cursor stands in what is shown again.
                Ok(script) => assert!(script.steps.iter().all(|step| !step.text.contains(error)), "{text}"),
            }
        }
    }

    #[test]
    fn whatever_is_typed_is_a_step_or_an_error() {
        proptest::proptest!(|(line in "(deadline |vm1 |vm2 )?[ -~]{0,40}")| {
            if let Ok(Some(step)) = Step::parse(1, &line, &machines()) {
                // What is shown is what would be done again.
                assert!(Step::parse(1, &step.text, &machines()).is_ok(), "{line}");
            }
        });
    }
}
