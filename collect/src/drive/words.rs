//! The words of a line, as a shell splits them; nothing else of a shell is there.

use edge::quoted;

/// What a shell would do something with, where it stands outside of quotes.
const OF_SHELLS: &str = "|&;<>`$";

/// The words of a line. What stands behind a `#` at the beginning of a word is a comment.
///
/// # Errors
/// A quote is open at the end.
pub(super) fn split(line: &str) -> Result<Vec<String>, String> {
    shlex::split(line).ok_or_else(|| {
        "a quote is not closed, or a backslash stands at the end; quote a quote as in a shell: \"it's\""
            .to_owned()
    })
}

/// Refuses what only a shell understands: a command's words are taken as they are.
///
/// # Errors
/// There is such a character outside of quotes.
pub fn no_shell(line: &str) -> Result<(), String> {
    let (mut quote, mut escaped, mut blank) = (None, false, true);
    for c in line.chars() {
        let at_word = std::mem::replace(&mut blank, c.is_whitespace() && quote.is_none());
        match (quote, c) {
            _ if escaped => escaped = false,
            (Some('\''), '\'') | (Some('"'), '"') => quote = None,
            (Some('\''), _) => {}
            (_, '\\') => escaped = true,
            (Some(_), _) => {}
            (None, '\'' | '"') => quote = Some(c),
            (None, '#') if at_word => return Ok(()),
            (None, c) if OF_SHELLS.contains(c) => {
                return Err(format!(
                    "{} is a shell's, and here is none: words are taken as they are; quote it, or say sh -c 'COMMAND'",
                    quoted(&c.to_string())
                ));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Words as a line that splits into them again.
pub(super) fn join(words: &[String]) -> String {
    shlex::try_join(words.iter().map(String::as_str)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_split_as_a_shell_does_and_comments_are_none() {
        assert_eq!(
            split("vm1 succeed sh -c 'a | b'  # why").unwrap(),
            ["vm1", "succeed", "sh", "-c", "a | b"]
        );
        assert!(split("  # only this").unwrap().is_empty());
        assert!(split("vm1 succeed 'a").unwrap_err().contains("not closed"));
        assert_eq!(split(&join(&["a b".into(), "it's".into(), String::new()])).unwrap(), ["a b", "it's", ""]);
    }

    #[test]
    fn what_only_a_shell_understands_is_refused_unless_it_is_quoted() {
        for line in ["echo a > b", "a|b", "a && b", "echo $HOME", "a; b", "echo `a`", "cat <x", "\"a\" > b"] {
            assert!(no_shell(line).unwrap_err().contains("sh -c"), "{line}");
        }
        for line in [
            "sh -c 'a > b'",
            "echo \"a | b\"",
            "echo \\$x",
            "echo a # > b",
            "find /x -name '*'",
            "echo 'it'\\''s;'",
        ] {
            assert_eq!(no_shell(line), Ok(()), "{line}");
        }
    }
}
