//! The prompt: lines as in a script, with a history and completion.

use super::steps::Steps;
use super::tell;
use crate::Error;
use collect::drive::{Step, VERBS, help};
use edge::text::visible_lines;
use model::drive::{Record, Verdict};
use rustyline::completion::{Completer, FilenameCompleter, Pair};
use rustyline::config::Config;
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::MemHistory;
use rustyline::validate::Validator;
use rustyline::{Context, Editor, Helper};
use std::io::Write;
use std::path::Path;

/// Lines that are no steps, with what they do.
const OWN: [(&str, &str); 4] = [
    ("help", "these lines"),
    ("history", "what was done in this session"),
    ("save FILE", "write the session as a script, which does the same again"),
    ("quit", "end all machines, and leave; Ctrl-D leaves, and what this perfvt has booted ends with it"),
];

/// Verbs whose arguments are files of this host.
const OF_FILES: [&str; 6] =
    ["copy_to", "copy_from", "screendump", "save_state", "restore_state", "dump_memory"];

/// The folder of needles beside a script, and the largest file of one.
const NEEDLES: &str = "needles";
const LARGEST_NEEDLE: u64 = 16 << 20;

/// Completes machines, verbs and files.
struct Words {
    machines: Vec<String>,
    files: FilenameCompleter,
}

impl Helper for Words {}
impl Hinter for Words {
    type Hint = String;
}
impl Highlighter for Words {}
impl Validator for Words {}

impl Completer for Words {
    type Candidate = Pair;

    fn complete(
        &self,
        line: &str,
        at: usize,
        context: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<Pair>)> {
        let before = line.get(..at).unwrap_or_default();
        if self.wants_file(before) {
            return self.files.complete(line, at, context);
        }
        let begin = before.rfind(char::is_whitespace).map_or(0, |space| space + 1);
        let start = before.get(begin..).unwrap_or_default();
        let pair = |word: String| Pair { display: word.clone(), replacement: format!("{word} ") };
        Ok((begin, self.words(before).into_iter().filter(|word| word.starts_with(start)).map(pair).collect()))
    }
}

impl Words {
    /// Whole words before the one that is typed, without a deadline.
    fn before(before: &str) -> Vec<&str> {
        let mut words: Vec<&str> = before.split_whitespace().collect();
        if !before.ends_with(char::is_whitespace) {
            words.pop();
        }
        if words.first() == Some(&"deadline") { words.into_iter().skip(2).collect() } else { words }
    }

    /// What may stand where something is typed.
    fn words(&self, before: &str) -> Vec<String> {
        let verbs = |of_machine: bool| {
            VERBS.iter().filter(move |v| v.of_machine == of_machine).map(|v| v.name.to_owned())
        };
        match Words::before(before).as_slice() {
            [] => {
                let own = OWN.iter().filter_map(|(usage, _)| usage.split(' ').next());
                let own = own.chain(["deadline"]).map(str::to_owned);
                self.machines.iter().cloned().chain(verbs(false)).chain(own).collect()
            }
            [machine] if self.machines.iter().any(|name| name == machine) => verbs(true).collect(),
            _ => Vec::new(),
        }
    }

    fn wants_file(&self, before: &str) -> bool {
        match Words::before(before).as_slice() {
            ["save"] => true,
            [_, verb, ..] => OF_FILES.contains(verb),
            _ => false,
        }
    }
}

/// What was typed and came to a step.
struct Typed {
    line: String,
    verdict: Verdict,
}

/// Takes lines until the user leaves, or a signal comes that is not forgiven: the first Ctrl-C ends the step in hand alone.
pub fn drive(
    engine: &mut dyn Steps,
    greeting: &str,
    (forgive, needles): (&dyn Fn() -> bool, Option<&Path>),
    out: &mut dyn Write,
) -> Result<(Verdict, Vec<Record>), Error> {
    let names = engine.names().to_vec();
    writeln!(out, "{}", visible_lines(greeting))?;
    out.flush()?;
    // No file: what is typed may hold passwords.
    let mut editor: Editor<Words, MemHistory> = Editor::with_history(Config::default(), MemHistory::new())?;
    editor.set_helper(Some(Words { machines: names.clone(), files: FilenameCompleter::new() }));
    let (mut records, mut typed) = (Vec::new(), Vec::new());
    loop {
        let line = match editor.readline("> ") {
            Ok(line) => line,
            // A line that is taken back.
            Err(ReadlineError::Interrupted) => continue,
            Err(ReadlineError::Eof) => return Ok((Verdict::Passed, records)),
            Err(error) => return Err(format!("reading from the terminal: {error}").into()),
        };
        if line.trim().is_empty() {
            continue;
        }
        // It is refused only where history is off.
        let _ = editor.add_history_entry(line.as_str());
        match own(&line, &typed, needles, out)? {
            Own::Done => continue,
            Own::Leave => {
                engine.quit()?;
                return Ok((Verdict::Passed, records));
            }
            Own::None => {}
        }
        // Pressed while nothing was done.
        forgive();
        let step = match Step::parse(records.len() + 1, &line, &names) {
            Ok(Some(step)) => step,
            Ok(None) => continue,
            Err(why) => {
                writeln!(out, "{why}")?;
                out.flush()?;
                continue;
            }
        };
        let record = engine.step(&step)?;
        tell::step(out, &record)?;
        typed.push(Typed { line, verdict: record.result });
        records.push(record);
        if engine.stopped() {
            if !forgive() {
                return Ok((Verdict::Interrupted, records));
            }
            writeln!(out, "all machines go on; `quit` or Ctrl-D ends them")?;
            out.flush()?;
        }
    }
}

/// Whether a line was one of the prompt's own.
enum Own {
    None,
    Done,
    Leave,
}

fn own(line: &str, typed: &[Typed], needles: Option<&Path>, out: &mut dyn Write) -> Result<Own, Error> {
    let words: Vec<&str> = line.split_whitespace().collect();
    match words.as_slice() {
        ["quit" | "exit"] => return Ok(Own::Leave),
        ["help" | "?", ..] => {
            out.write_all(help().as_bytes())?;
            for (usage, what) in OWN {
                writeln!(out, "{usage:<44}{what}")?;
            }
        }
        ["history"] => {
            for (number, one) in typed.iter().enumerate() {
                let word = if one.verdict == Verdict::Passed { "" } else { "  # failed" };
                writeln!(out, "{:>4}  {}{word}", number + 1, one.line)?;
            }
        }
        ["save", ..] => {
            let file = line.trim_start().trim_start_matches("save").trim();
            match save(file, typed, needles) {
                Ok(count) => {
                    writeln!(out, "{file}: {count} steps; `perfvt drive CFG {file}` does them again")?
                }
                Err(why) => writeln!(out, "{why}")?,
            }
        }
        _ => return Ok(Own::None),
    }
    out.flush()?;
    Ok(Own::Done)
}

/// Writes the session as a script, with the needles that it made beside it. What failed would fail again, and a needle that is made again
/// is always found: both are there as comments.
fn save(file: &str, typed: &[Typed], needles: Option<&Path>) -> Result<usize, String> {
    if file.is_empty() {
        return Err("save: want a FILE behind it, boot.drive for example".into());
    }
    if Path::new(file).symlink_metadata().is_ok() {
        return Err(format!("save: {file} exists; give another name"));
    }
    let line = |one: &Typed| match one.verdict {
        Verdict::Passed if needles.is_some() && makes_needle(&one.line) => format!("# made: {}\n", one.line),
        Verdict::Passed => format!("{}\n", one.line),
        _ => format!("# failed: {}\n", one.line),
    };
    let text: String = typed.iter().map(line).collect();
    if let Some(from) = needles.filter(|from| from.is_dir()) {
        bring_needles(from, &edge::write::parent(Path::new(file)).join(NEEDLES))
            .map_err(|error| format!("save: bringing the needles of {}: {error}", from.display()))?;
    }
    edge::write_atomically(file, text.as_bytes())
        .map_err(|error| format!("save: writing {file}: {error}"))?;
    Ok(typed.iter().filter(|one| one.verdict == Verdict::Passed).count())
}

/// Whether a line makes a needle.
fn makes_needle(line: &str) -> bool {
    let words: Vec<&str> = line.split_whitespace().collect();
    let own = if words.first() == Some(&"deadline") { words.get(2..) } else { words.get(..) };
    own.unwrap_or_default().get(1) == Some(&"needle_from")
}

/// Copies needles into the folder beside a script, or none: one of another session that has the same name and is another one
/// would be looked for in the place of this session's.
fn bring_needles(from: &Path, to: &Path) -> std::io::Result<()> {
    edge::write::create_directory(to)?;
    let mut wanted = Vec::new();
    for path in edge::read::listing(from)? {
        let bytes = edge::read(&path, LARGEST_NEEDLE)?;
        let place = to.join(path.file_name().unwrap_or_default());
        match place.symlink_metadata().is_ok() {
            false => wanted.push((place, bytes)),
            true if edge::read(&place, LARGEST_NEEDLE)? == bytes => {}
            true => {
                let why = format!("{} is another one; save the script in another folder", place.display());
                return Err(std::io::Error::new(std::io::ErrorKind::AlreadyExists, why));
            }
        }
    }
    wanted.into_iter().try_for_each(|(place, bytes)| edge::write_atomically(&place, &bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustyline::history::DefaultHistory;

    fn completed(line: &str) -> Vec<String> {
        let words = Words { machines: vec!["vm1".into(), "vm2".into()], files: FilenameCompleter::new() };
        let history = DefaultHistory::new();
        let (_, pairs) = words.complete(line, line.len(), &Context::new(&history)).unwrap();
        pairs.into_iter().map(|pair| pair.replacement).collect()
    }

    #[test]
    fn machines_verbs_and_files_are_completed_where_they_may_stand() {
        assert_eq!(completed("vm"), ["vm1 ", "vm2 "]);
        assert_eq!(completed("vm2 wait_for_o"), ["wait_for_open_port "]);
        assert_eq!(completed("deadline 5 vm2 unb"), ["unblock "]);
        assert_eq!(completed("start_"), ["start_all "]);
        assert_eq!(completed("vm1 succeed un"), Vec::<String>::new());
        assert!(completed("vm1 copy_to Cargo.t").contains(&"Cargo.toml".to_owned()));
        assert!(completed("save Cargo.t").contains(&"Cargo.toml".to_owned()));
    }

    #[test]
    fn needles_come_along_and_another_one_of_the_same_name_is_not_taken_for_them() {
        let dir = tempfile::tempdir().unwrap();
        let (from, to) = (dir.path().join("from"), dir.path().join("to"));
        std::fs::create_dir(&from).unwrap();
        for (name, text) in [("a.json", "{}"), ("a.png", "one"), ("b.json", "{}")] {
            std::fs::write(from.join(name), text).unwrap();
        }
        bring_needles(&from, &to).unwrap();
        bring_needles(&from, &to).unwrap();
        std::fs::remove_file(to.join("a.json")).unwrap();
        std::fs::write(to.join("b.json"), "{\"other\":1}").unwrap();
        let why = bring_needles(&from, &to).unwrap_err().to_string();
        assert!(why.contains("b.json is another one") && !to.join("a.json").exists(), "{why}");
    }

    #[test]
    fn a_session_is_saved_as_a_script_and_nothing_is_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("a.drive").display().to_string();
        let typed = [
            ("start_all", Verdict::Passed),
            ("vm1 succeed false", Verdict::Failed),
            ("vm1 crash", Verdict::Passed),
        ]
        .map(|(line, verdict)| Typed { line: line.into(), verdict });
        assert_eq!(save(&file, &typed, None), Ok(2));
        let text = std::fs::read_to_string(&file).unwrap();
        assert_eq!(text, "start_all\n# failed: vm1 succeed false\nvm1 crash\n");
        assert!(save(&file, &typed, None).unwrap_err().contains("exists"));
        assert!(save("", &typed, None).unwrap_err().contains("want a FILE"));
    }

    #[test]
    fn a_session_that_made_needles_is_saved_with_them_and_makes_them_no_more() {
        let dir = tempfile::tempdir().unwrap();
        let made = dir.path().join("X/needles");
        std::fs::create_dir_all(&made).unwrap();
        std::fs::write(made.join("panel.json"), "{}").unwrap();
        let file = dir.path().join("kept/a.drive");
        std::fs::create_dir(dir.path().join("kept")).unwrap();
        let lines = [
            "vm1 needle_from 0,0,9,9 panel",
            "deadline 5 vm1 needle_from 0,0,9,9 desk",
            "vm1 assert_screen panel",
        ];
        let typed = lines.map(|line| Typed { line: line.into(), verdict: Verdict::Passed });
        save(&file.display().to_string(), &typed, Some(&made)).unwrap();
        let text = std::fs::read_to_string(&file).unwrap();
        assert_eq!(
            text,
            "# made: vm1 needle_from 0,0,9,9 panel\n# made: deadline 5 vm1 needle_from 0,0,9,9 desk\nvm1 assert_screen panel\n"
        );
        assert!(dir.path().join("kept/needles/panel.json").exists());
    }
}
