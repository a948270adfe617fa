//! Numbers out of the output of any command, by rules that a user writes: a regular expression or a JSON pointer.

use crate::json::{self, Value};
use edge::quoted;
use regex::{Regex, RegexBuilder};

/// A compiled expression may take so many bytes; more is a mistake or an attack.
const MAX_SIZE: usize = 1 << 20;

/// Where a number stands in the output of a command.
#[derive(Clone, Debug)]
pub enum Pattern {
    /// The first group of the last match, or the whole match where the expression has no group. Summaries stand at the
    /// end, so the last match counts.
    Regex(Regex),
    /// A JSON pointer (RFC 6901) into the last JSON object of the output.
    Pointer(String),
}

impl Pattern {
    /// A regular expression; `^` and `$` match at every line.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn regex(text: &str) -> Result<Pattern, String> {
        let regex = RegexBuilder::new(text).multi_line(true).size_limit(MAX_SIZE).build();
        regex.map(Pattern::Regex).map_err(|e| {
            // Several lines that point at the place; the last one says what is wrong.
            e.to_string().lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned()
        })
    }

    /// A JSON pointer.
    ///
    /// # Errors
    /// It does not begin with a slash.
    pub fn pointer(text: &str) -> Result<Pattern, String> {
        if text.starts_with('/') {
            Ok(Pattern::Pointer(text.to_owned()))
        } else {
            Err("a JSON pointer begins with a slash: /results/0/mean".into())
        }
    }

    /// Whether an output has what is looked for, a number or not.
    pub fn is_in(&self, output: &str) -> bool {
        match self {
            Pattern::Regex(regex) => regex.is_match(output),
            Pattern::Pointer(pointer) => {
                json::last_object(output).is_ok_and(|(root, _)| root.pointer(pointer).is_some())
            }
        }
    }

    /// The number in an output, with its line where that is known.
    ///
    /// # Errors
    /// There is none, or what is there is no finite number.
    pub fn find(&self, output: &str) -> Result<(f64, Option<u32>), String> {
        match self {
            Pattern::Regex(regex) => {
                let last = regex.captures_iter(output).last().ok_or("the expression matches nothing")?;
                let found =
                    last.get(1).or_else(|| last.get(0)).ok_or("the expression's group matches nothing")?;
                let line = output.get(..found.start()).unwrap_or_default().matches('\n').count();
                let line = u32::try_from(line).unwrap_or(u32::MAX).saturating_add(1);
                Ok((finite(found.as_str())?, Some(line)))
            }
            Pattern::Pointer(pointer) => {
                let (root, _) =
                    json::last_object(output).map_err(|(line, why)| format!("line {line}: {why}"))?;
                match root.pointer(pointer) {
                    None => Err(format!("the JSON has nothing at {pointer}")),
                    Some(Value::Text(text)) => Ok((finite(text)?, None)),
                    Some(value) => {
                        let number = value.as_f64().filter(|n| n.is_finite());
                        let shown: String = value.to_string().chars().take(60).collect();
                        Ok((number.ok_or_else(|| format!("{shown} at {pointer} is no number"))?, None))
                    }
                }
            }
        }
    }
}

fn finite(text: &str) -> Result<f64, String> {
    let number = text.trim().parse::<f64>().ok().filter(|n| n.is_finite());
    number.ok_or_else(|| format!("{} is not a finite number", quoted(text.trim())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(regex: &str, text: &str) -> Result<(f64, Option<u32>), String> {
        Pattern::regex(regex).unwrap().find(text)
    }

    #[test]
    fn the_last_match_counts_and_its_line_is_known() {
        let text = "warm-up: 3 MB/s\nrun: 10.5 MB/s\nrun: 11 MB/s\ndone\n";
        assert_eq!(find(r"^run: ([0-9.]+) MB/s", text), Ok((11.0, Some(3))));
        assert_eq!(find("[0-9.]+", text), Ok((11.0, Some(3))));
        assert_eq!(find("nothing", text), Err("the expression matches nothing".into()));
        assert_eq!(find(r"^(\w+)", text), Err("'done' is not a finite number".into()));
        assert!(find("x(1e999)", "x1e999").is_err());
    }

    #[test]
    fn a_pointer_reads_the_last_object_between_other_text() {
        let text = "starting\n{\"a\": [1]}\n{\"a\": [{\"b/c\": 2.5}, \"7\"], \"d\": null}\nbye";
        let at = |pointer: &str| Pattern::pointer(pointer).unwrap().find(text);
        assert_eq!(at("/a/0/b~1c"), Ok((2.5, None)));
        assert_eq!(at("/a/1"), Ok((7.0, None)));
        assert_eq!(at("/d"), Err("null at /d is no number".into()));
        assert_eq!(at("/x"), Err("the JSON has nothing at /x".into()));
        assert!(Pattern::pointer("/a").unwrap().find("{\"a\":").is_err());
        assert!(Pattern::pointer("a.b").is_err());
    }

    #[test]
    fn a_wrong_expression_is_explained_in_one_line() {
        assert_eq!(Pattern::regex("(a").unwrap_err(), "unclosed group");
        assert!(Pattern::regex("(a{1000}){1000}").is_err());
    }
}
