//! What builds a folder `deps/NAME`: make at its top, or the commands of its file `deps.cfg`.
//!
//! ```text
//!   directory = src            where the commands run, below the folder
//!   command = make -j2 tool    words; quotes hold some together, and no shell sees them
//! ```

use edge::quoted;
use std::path::{Component, Path, PathBuf};

/// The file in which a folder names its own step.
const FILE: &str = "deps.cfg";
/// What make looks for, in its order.
const MAKEFILES: [&str; 3] = ["GNUmakefile", "makefile", "Makefile"];
/// Commands of one folder.
const MAX_COMMANDS: usize = 100;

/// What makes a folder one that is built, for sentences.
pub(super) const WANTED: &str = "a Makefile, or a deps.cfg (`directory = ..`, `command = ..`), at its top";

/// A `deps.cfg` that names no step.
#[derive(Debug, thiserror::Error)]
pub enum StepError {
    /// It cannot be read.
    #[error("reading {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It makes no sense.
    #[error("{}{why}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// The line, if it is one's, and what is wrong.
        why: String,
    },
}

/// How a folder is built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Step {
    /// Where the commands run, below the folder; empty for the folder itself.
    pub(super) directory: PathBuf,
    /// The commands in their order, each as words.
    pub(super) commands: Vec<Vec<String>>,
    /// The file that says so.
    pub(super) by: &'static str,
}

impl Step {
    /// A command for sentences: make is make, others are quoted.
    pub(super) fn shown(&self, command: &[String]) -> String {
        match command {
            [make] if make == "make" => make.clone(),
            words => format!("{} ({})", quoted(&words.join(" ")), self.by),
        }
    }
}

/// Whether a folder says how it is built.
pub(super) fn is_there(folder: &Path) -> bool {
    std::iter::once(FILE).chain(MAKEFILES).any(|name| folder.join(name).is_file())
}

/// How a folder is built. A `deps.cfg` stands above a Makefile.
///
/// # Errors
/// A `deps.cfg` that cannot be read or says something else.
pub(super) fn of(folder: &Path) -> Result<Step, StepError> {
    let path = folder.join(FILE);
    if !path.is_file() {
        return Ok(Step { directory: PathBuf::new(), commands: vec![vec!["make".into()]], by: "Makefile" });
    }
    let text = edge::read_text(&path, edge::read::CONFIG)
        .map_err(|source| StepError::Read { path: path.clone(), source })?;
    let step = parse(&text).map_err(|why| StepError::Syntax { path: path.clone(), why })?;
    if !folder.join(&step.directory).is_dir() {
        let why = format!(": directory {} is not there", quoted(&step.directory.to_string_lossy()));
        return Err(StepError::Syntax { path, why });
    }
    Ok(step)
}

/// The step of a file's text; what is wrong begins with the line, if it is one's.
fn parse(text: &str) -> Result<Step, String> {
    let (mut directory, mut commands) = (None, Vec::new());
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        let wrong = |why: String| format!(":{number}: {why}");
        let (key, value) = line
            .split_once('=')
            .map(|(key, value)| (key.trim(), value.trim()))
            .ok_or_else(|| wrong(format!("{} is neither directory = .. nor command = ..", quoted(line))))?;
        match key {
            "directory" if directory.is_some() => return Err(wrong("directory stands twice".into())),
            "directory" => directory = Some(below(value).map_err(wrong)?),
            "command" if commands.len() >= MAX_COMMANDS => {
                return Err(wrong(format!("more than {MAX_COMMANDS} commands")));
            }
            "command" => commands.push(words(value).map_err(wrong)?),
            key => {
                return Err(wrong(format!("unknown key {}; there are directory and command", quoted(key))));
            }
        }
    }
    if commands.is_empty() {
        return Err(": no command = .. says how it is built".to_owned());
    }
    Ok(Step { directory: directory.unwrap_or_default(), commands, by: FILE })
}

fn below(value: &str) -> Result<PathBuf, String> {
    let path = Path::new(value);
    let inside = |part: Component<'_>| matches!(part, Component::Normal(_) | Component::CurDir);
    match path.components().all(inside) {
        true => Ok(path.components().filter(|part| *part != Component::CurDir).collect()),
        false => Err(format!("directory {} leads out of the folder", quoted(value))),
    }
}

fn words(value: &str) -> Result<Vec<String>, String> {
    let words = shlex::split(value).ok_or_else(|| format!("the quotes of {} do not close", quoted(value)))?;
    match words.first() {
        Some(program) if !program.is_empty() => Ok(words),
        _ => Err("command is empty".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_a_directory_and_words() {
        let step = parse(
            "# ours\ndirectory = ./src/linux\ncommand = ./configure 'a b' $HOME;x\n\ncommand=make -j2\n",
        )
        .unwrap();
        assert_eq!(step.directory, Path::new("src/linux"));
        assert_eq!(step.commands, [vec!["./configure", "a b", "$HOME;x"], vec!["make", "-j2"]]);
        assert_eq!(parse("command = make").unwrap().directory, Path::new(""));
    }

    #[test]
    fn what_is_no_step_is_refused_with_its_line() {
        for (text, want) in [
            ("", ": no command"),
            ("directory = x\n", ": no command"),
            ("command =\n", ":1: command is empty"),
            ("\ncommand = ''\n", ":2: command is empty"),
            ("command = 'x\n", ":1: the quotes of"),
            ("directory = ../x\n", ":1: directory '../x' leads out"),
            ("directory = /x\n", ":1: directory '/x' leads out"),
            ("directory = a\ndirectory = b\n", ":2: directory stands twice"),
            ("make\n", ":1: 'make' is neither"),
            ("comand = make\n", ":1: unknown key 'comand'"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.starts_with(want), "{text:?}: {error}");
        }
    }
}
