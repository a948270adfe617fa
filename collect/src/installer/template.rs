//! The variables of a template.

use edge::{Secret, quoted};
use std::collections::BTreeMap;

/// Puts values in the place of `${NAME}`; `$${` stands for the two characters themselves.
///
/// # Errors
/// The line, and what is not known there.
pub(super) fn fill(text: &str, known: &BTreeMap<&str, Option<Secret>>) -> Result<String, (usize, String)> {
    let (mut filled, mut rest, mut line) = (String::with_capacity(text.len()), text, 1);
    while let Some(at) = rest.find("${") {
        let (before, behind) = rest.split_at(at);
        line += before.matches('\n').count();
        if let Some(escaped) = before.strip_suffix('$') {
            filled.push_str(escaped);
            filled.push_str("${");
            rest = behind.get(2..).unwrap_or_default();
            continue;
        }
        filled.push_str(before);
        let (name, after) = behind
            .get(2..)
            .and_then(|behind| behind.split_once('}'))
            .filter(|(name, _)| !name.contains('\n'))
            .ok_or_else(|| (line, "${ has no } behind it; $${ stands for ${ itself".to_owned()))?;
        match known.get(name) {
            Some(Some(value)) => filled.push_str(value.reveal()),
            Some(None) => return Err((line, format!("${{{name}}} is not known; the key {name} says it"))),
            None => {
                let names: Vec<&str> = known.keys().copied().collect();
                let why = format!(
                    "${{}} of {} is not known, want one of {}; $${{ stands for ${{ itself",
                    quoted(name),
                    names.join(", ")
                );
                return Err((line, why));
            }
        }
        rest = after;
    }
    filled.push_str(rest);
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(text: &str) -> Result<String, (usize, String)> {
        let value = |value: &str| Some(Secret::new(value));
        fill(text, &[("name", value("web")), ("proxy", None), ("ssh_key", value("${name}"))].into())
    }

    #[test]
    fn variables_are_filled_in_once_and_a_shells_own_stay() {
        assert_eq!(filled("host ${name}\n${name}${name}").unwrap(), "host web\nwebweb");
        assert_eq!(filled("x $${name} $HOME $ {").unwrap(), "x ${name} $HOME $ {");
        // What a value holds is no template.
        assert_eq!(filled("${ssh_key}").unwrap(), "${name}");
    }

    #[test]
    fn what_is_not_known_is_an_error_with_its_line() {
        assert_eq!(filled("a\n${proxy}"), Err((2, "${proxy} is not known; the key proxy says it".into())));
        let (line, why) = filled("\n\n${nmae}").unwrap_err();
        assert!(line == 3 && why.contains("'nmae'") && why.contains("name, proxy, ssh_key"), "{why}");
        assert_eq!(filled("${name").unwrap_err().0, 1);
        assert!(filled("${na\nme}").unwrap_err().1.contains("no } behind it"));
    }
}
