//! How far an installer has come, by what it says on its console.

use super::InstallError;
use edge::text::clipped;
use regex::Regex;
use serde::Serialize;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// Bytes of one look; what is more comes at the next.
const MOST: u64 = 4 << 20;
/// Bytes of a line that are looked through.
const LONGEST: usize = 8 << 10;
/// Bytes of a line that are kept.
const KEPT: usize = 200;
/// Phases of one installer.
const MAX_PHASES: usize = 200;

const DEBIAN: &str = include_str!("../../../guest/install/debian.phases");
const ANACONDA: &str = include_str!("../../../guest/install/anaconda.phases");
const SUBIQUITY: &str = include_str!("../../../guest/install/subiquity.phases");

/// Phases by their names, each with a pattern for the line by which it begins.
#[derive(Clone, Debug, Default)]
pub struct Phases(Vec<(String, Regex)>);

impl Phases {
    /// Those that are built in, by their words.
    pub const WORDS: [&'static str; 4] = ["debian", "anaconda", "subiquity", "none"];

    /// No phase.
    pub fn none() -> Phases {
        Phases::default()
    }

    /// Those of an installer that is known.
    pub fn of(word: &str) -> Option<Phases> {
        let text = match word {
            "debian" => DEBIAN,
            "anaconda" => ANACONDA,
            "subiquity" => SUBIQUITY,
            "none" => "",
            _ => return None,
        };
        Phases::parse(text).ok()
    }

    /// Lines `NAME = REGULAR EXPRESSION`, in the order in which they are tried.
    ///
    /// # Errors
    /// The number of the line that is none, and why.
    pub fn parse(text: &str) -> Result<Phases, String> {
        let mut phases: Vec<(String, Regex)> = Vec::new();
        for (number, line) in (1..).zip(text.lines()) {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let wrong = |what: String| format!("line {number}: {what}");
            let (name, pattern) = line
                .split_once('=')
                .map(|(name, pattern)| (name.trim(), pattern.trim()))
                .filter(|(name, pattern)| !name.is_empty() && !pattern.is_empty())
                .ok_or_else(|| wrong("want NAME = REGULAR EXPRESSION".to_owned()))?;
            if phases.len() >= MAX_PHASES {
                return Err(wrong(format!("{MAX_PHASES} phases are the most")));
            }
            if phases.iter().any(|(known, _)| known == name) {
                return Err(wrong(format!("there is a phase {} above", edge::quoted(name))));
            }
            let pattern = Regex::new(pattern).map_err(|error| {
                let why = error.to_string();
                let last = why.lines().last().unwrap_or_default().trim();
                wrong(format!("want a regular expression ({})", edge::visible(last)))
            })?;
            phases.push((name.to_owned(), pattern));
        }
        Ok(Phases(phases))
    }
}

/// A phase that an installer has reached, as phases.jsonl has it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Reached {
    /// Its name.
    pub phase: String,
    /// Seconds from QEMU's start.
    pub at_s: f64,
    /// The line that told of it.
    pub line: String,
}

/// What a terminal would show of a text.
pub(super) struct Plain {
    /// Where the cursor goes elsewhere another text begins.
    moves: Regex,
    others: Regex,
}

impl Plain {
    pub(super) fn new() -> Option<Plain> {
        let moves = Regex::new(r"\x1b\[[0-9;]*[HfABEF]").ok()?;
        let others = Regex::new(r"\x1b(\[[0-9;?]*[ -/]*[@-~]|[()][0-9A-Za-z]|[=>78cDEHM])").ok()?;
        Some(Plain { moves, others })
    }

    /// The lines that are not blank.
    pub(super) fn lines(&self, text: &str) -> Vec<String> {
        let text = self.moves.replace_all(text, "\n");
        let text = self.others.replace_all(&text, "");
        let lines = text.split(['\n', '\r']).map(str::trim).filter(|line| !line.is_empty());
        lines.map(str::to_owned).collect()
    }
}

/// Follows a console.
pub(super) struct Watch {
    waited_for: Vec<(String, Regex)>,
    console: PathBuf,
    read: u64,
    /// What has come of a line so far.
    open: Vec<u8>,
    plain: Plain,
    /// The phases so far.
    pub(super) reached: Vec<Reached>,
}

impl Watch {
    pub(super) fn new(phases: &Phases, console: &Path) -> Option<Watch> {
        Some(Watch {
            waited_for: phases.0.clone(),
            console: console.to_owned(),
            read: 0,
            open: Vec::new(),
            plain: Plain::new()?,
            reached: Vec::new(),
        })
    }

    /// Reads what has come, and gives how many phases began.
    pub(super) fn look(&mut self, seconds: f64) -> Result<usize, InstallError> {
        let failed = |source| InstallError::io("reading", &self.console, source);
        let mut file = match edge::read::open(&self.console) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(0),
            opened => opened.map_err(failed)?,
        };
        let mut new = Vec::new();
        file.seek(SeekFrom::Start(self.read)).map_err(failed)?;
        file.take(MOST).read_to_end(&mut new).map_err(failed)?;
        self.read += new.len() as u64;
        let before = self.reached.len();
        for byte in new {
            let ends = matches!(byte, b'\n' | b'\r');
            if !ends {
                self.open.push(byte);
            }
            if ends || self.open.len() >= LONGEST {
                let line = std::mem::take(&mut self.open);
                self.line(&line, seconds);
            }
        }
        // A question or a bar has no end of its own.
        let open = self.open.clone();
        self.line(&open, seconds);
        Ok(self.reached.len() - before)
    }

    /// The phases that a line tells of; each begins once.
    fn line(&mut self, line: &[u8], seconds: f64) {
        if line.is_empty() || self.waited_for.is_empty() {
            return;
        }
        for line in self.plain.lines(&String::from_utf8_lossy(line)) {
            let Some(at) = self.waited_for.iter().position(|(_, pattern)| pattern.is_match(&line)) else {
                continue;
            };
            let (phase, _) = self.waited_for.remove(at);
            let line = edge::visible(clipped(&line, KEPT)).into_owned();
            self.reached.push(Reached { phase, at_s: (seconds * 1000.0).round() / 1000.0, line });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(watch: &Watch) -> Vec<&str> {
        watch.reached.iter().map(|reached| reached.phase.as_str()).collect()
    }

    #[test]
    fn a_phase_begins_once_when_its_line_comes_also_one_that_has_no_end_or_is_drawn() {
        let dir = tempfile::tempdir().unwrap();
        let console = dir.path().join("console.log");
        let phases =
            Phases::parse("# x\nnet = ^Configuring the network\nbase = Installing the base\n").unwrap();
        let mut watch = Watch::new(&phases, &console).unwrap();
        assert_eq!(watch.look(0.0).unwrap(), 0);
        let mut text = b"\x1b[2J\x1b[10;3HConfiguring \x1b[1mthe network\x1b[0m ... 10%".to_vec();
        std::fs::write(&console, &text).unwrap();
        assert_eq!((watch.look(1.0).unwrap(), watch.look(2.0).unwrap()), (1, 0));
        text.extend(b"\rConfiguring the network\r\nInst");
        std::fs::write(&console, &text).unwrap();
        assert_eq!(watch.look(3.0).unwrap(), 0);
        text.extend(b"alling the base system\xff\n");
        std::fs::write(&console, &text).unwrap();
        assert_eq!(watch.look(4.5).unwrap(), 1);
        assert_eq!(names(&watch), ["net", "base"]);
        assert_eq!((watch.reached[0].at_s, watch.reached[1].at_s), (1.0, 4.5));
        assert_eq!(watch.reached[0].line, "Configuring the network ... 10%");
    }

    #[test]
    fn a_line_that_is_no_phase_is_named() {
        let error = |text: &str| Phases::parse(text).unwrap_err();
        assert_eq!(error("a = b\nnothing\n"), "line 2: want NAME = REGULAR EXPRESSION");
        assert!(error("a = (\n").starts_with("line 1: want a regular expression ("));
        assert_eq!(error("a = x\na = y\n"), "line 2: there is a phase 'a' above");
    }

    #[test]
    fn the_phases_that_are_built_in_are_phases() {
        for word in Phases::WORDS {
            let phases = Phases::of(word).unwrap();
            assert_eq!(phases.0.len() > 3, word != "none", "{word}");
        }
        assert!(Phases::of("windows").is_none());
    }
}
