//! `perfvt help`: verbs, documents and keys.

use crate::args::Args;
use crate::{DONE, Error, documents};
use clap::{Command, CommandFactory};
use collect::config::reference;
use collect::workload;
use edge::quoted;
use formats::perf_conf::closest;
use std::io::Write;

/// The topic that is no document alone: the reference of keys, whole or in part.
const KEYS: &str = "keys";

/// Prints what there is to say of a verb, a document or keys; without words of everything.
pub fn help(words: &[String], out: &mut dyn Write) -> Result<u8, Error> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        [] => everything(out)?,
        [KEYS] => out.write_all(reference::text(None)?.as_bytes())?,
        [KEYS, patterns @ ..] => {
            for pattern in patterns {
                out.write_all(reference::text(Some(pattern))?.as_bytes())?;
            }
        }
        [first, ..] => match verb(&words) {
            Some(mut command) => {
                write!(out, "{}", command.render_long_help())?;
                if words.len() == 1 && documents::find(first).is_some() {
                    writeln!(out, "\n`perfvt help {first}.md` prints the document of that name.")?;
                }
            }
            None => out.write_all(topic(&words)?.as_bytes())?,
        },
    }
    Ok(DONE)
}

/// The program's own help, and the documents.
fn everything(out: &mut dyn Write) -> Result<(), Error> {
    write!(out, "{}", Args::command().render_long_help())?;
    write!(out, "\nDocuments:\n{}", documents::list())?;
    writeln!(
        out,
        "\n`perfvt help VERB` and `perfvt help DOCUMENT` print them (NAME.md where both have the name), `perfvt help keys \
         [PART]` the keys, `perfvt help WORD` what stands under headings with that word: networks, noise, gate, exit codes."
    )?;
    Ok(())
}

/// The verb that words name, as `perfvt VERB --help` knows it.
fn verb(words: &[&str]) -> Option<Command> {
    let mut command = Args::command();
    // Names of verbs below others come with those.
    command.build();
    words.iter().try_fold(command, |command, word| command.find_subcommand(word).cloned())
}

/// A document, the one key of that name, or parts of documents.
fn topic(words: &[&str]) -> Result<String, Error> {
    let word = words.join(" ");
    if let Some(text) = documents::find(&word) {
        return Ok(text.to_owned());
    }
    if workload::find(&word).is_some() {
        let keys = reference::text(Some(&word)).unwrap_or_default();
        return Ok(format!(
            "`perfvt run {word}` measures it; `perfvt help workloads` is the document of all workloads.\n\n{keys}"
        ));
    }
    let parts = documents::parts(&word).into_iter();
    let parts = parts.map(|(name, text)| format!("{}\n\n(from `perfvt help {name}`)\n", text.trim_end()));
    let texts: Vec<String> = reference::key(&word).into_iter().chain(parts).collect();
    if !texts.is_empty() {
        return Ok(texts.join("\n"));
    }
    let command = Args::command();
    let mut names: Vec<&str> = command.get_subcommands().map(Command::get_name).collect();
    documents::names().for_each(|name| names.push(name));
    let near = closest(&word, names).or_else(|| documents::nearest_word(&word));
    let near = near.map(|near| format!(", did you mean '{near}'?")).unwrap_or_default();
    Err(format!("no verb, document or key is called {}{near}; `perfvt help` lists them", quoted(&word))
        .into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::USAGE;

    fn run(line: &str) -> (u8, String, String) {
        let words = ["perfvt", "help"].into_iter().chain(line.split_whitespace()).map(Into::into);
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let code = crate::run(words, &mut out, &mut err);
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (code, text(out), text(err))
    }

    #[test]
    fn help_knows_verbs_documents_and_keys() {
        for (line, part) in [
            ("", "  cartesian                Cartesian configurations\n"),
            ("", "Commands:\n"),
            ("run", "Usage: perfvt run [OPTIONS]"),
            ("guest build", "Usage: perfvt guest build"),
            ("host", "`perfvt help host.md` prints the document"),
            ("host.md", "# "),
            ("docs/cartesian.md", "# Cartesian configurations\n"),
            ("keys", "  nic_model = virtio_net\n"),
            ("keys disk_ vhost", "  vhost = no\n"),
            ("boot_timeout", "other name: login_timeout"),
            ("iozone", "`perfvt run iozone` measures it"),
            ("noise", "(from `perfvt help host`)"),
            ("gate", "(from `perfvt help statistics`)"),
            ("exit codes", "(from `perfvt help campaigns`)"),
        ] {
            let (code, out, err) = run(line);
            assert!(code == DONE && err.is_empty() && out.contains(part), "{line}: {code} {out} {err}");
        }
        for topic in ["virtio-blk", "quick", "profile", "nvme"] {
            let (code, out, err) = run(topic);
            assert!(
                code == DONE && err.is_empty() && out.contains("(from `perfvt help workloads`)"),
                "{topic}: {out}"
            );
        }
        let (code, _, err) = run("profiel");
        assert!(code == USAGE && err.contains("did you mean 'profile'?"), "{err}");
        let (code, out, err) = run("cartesain");
        assert_eq!((code, out.as_str()), (USAGE, ""));
        assert_eq!(
            err,
            "perfvt: no verb, document or key is called 'cartesain', did you mean 'cartesian'?; `perfvt help` lists them\n"
        );
    }

    /// Whoever has the program alone has no folder of documents.
    #[test]
    fn help_points_to_documents_by_the_verb_that_prints_them() {
        fn look(command: &mut Command, named: &mut usize) {
            let text = command.render_long_help().to_string();
            assert!(!text.contains("docs/"), "{text}");
            for (_, rest) in
                text.match_indices("perfvt help ").map(|(at, found)| text.split_at(at + found.len()))
            {
                let name = rest.split(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '-' | '.')).next();
                let name = name.unwrap_or_default().trim_end_matches('.');
                if name == name.to_lowercase() && name != KEYS && !name.is_empty() {
                    assert!(documents::find(name).is_some(), "{name}");
                    *named += 1;
                }
            }
            command.get_subcommands_mut().for_each(|command| look(command, named));
        }
        let (mut command, mut named) = (Args::command(), 0);
        look(&mut command, &mut named);
        assert!(named >= 3, "{named}");
    }
}
