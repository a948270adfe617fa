//! Definitions of test providers: where configurations, guest definitions and workloads of other people are.
//!
//! The form is the ancestor's INI file: a section `[provider]` that says where, and one section for each part with its
//! folder.

use crate::perf_conf::{closest, ini};
use edge::quoted;

/// What a definition says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Provider {
    /// A git repository, or a folder.
    pub uri: String,
    /// The branch of a git repository; its own default when there is none.
    pub branch: Option<String>,
    /// A tag or a commit.
    pub reference: Option<String>,
    /// A file with the public key that signs the tag.
    pub pubkey: Option<String>,
    /// The parts with their folders, in order.
    pub parts: Vec<(String, String)>,
}

/// A definition that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{line}: {what}")]
pub struct ProviderSyntax {
    /// Line, counted from 1.
    pub line: u32,
    /// What is wrong with it.
    pub what: String,
}

/// The section that says where.
const WHERE: &str = "provider";
/// Its keys.
const KEYS: [&str; 4] = ["uri", "branch", "ref", "pubkey"];
/// The key of the other sections.
const SUBDIR: &str = "subdir";

/// Reads a definition.
///
/// # Errors
/// A line that is not of the form, an unknown key, or no `uri`.
pub fn parse(text: &str) -> Result<Provider, ProviderSyntax> {
    let wrong = |line: u32, what: String| ProviderSyntax { line, what };
    let items = ini::items(text).map_err(|bad| {
        wrong(bad.line, format!("{} is neither a [section] nor KEY: VALUE", quoted(&bad.text)))
    })?;
    let mut provider = Provider::default();
    for item in &items {
        let value = || Some(item.value.clone()).filter(|value| !value.is_empty());
        match (item.section.as_str(), item.key.as_str()) {
            ("", key) => {
                return Err(wrong(item.line, format!("{} stands above every [section]", quoted(key))));
            }
            (WHERE, "") => {}
            (WHERE, "uri") => provider.uri = item.value.clone(),
            (WHERE, "branch") => provider.branch = value(),
            (WHERE, "ref") => provider.reference = value(),
            (WHERE, "pubkey") => provider.pubkey = value(),
            (WHERE, key) => return Err(unknown(item.line, key, &KEYS)),
            (part, "") => provider.parts.push((part.to_owned(), String::new())),
            (part, SUBDIR) => {
                let known = provider.parts.iter_mut().rev().find(|(name, _)| name == part);
                if let Some((_, folder)) = known {
                    *folder = item.value.trim_matches('/').to_owned();
                }
            }
            (_, key) => return Err(unknown(item.line, key, &[SUBDIR])),
        }
    }
    if provider.uri.is_empty() {
        return Err(wrong(1, "there is no [provider] section with a uri".to_owned()));
    }
    Ok(provider)
}

fn unknown(line: u32, key: &str, known: &[&str]) -> ProviderSyntax {
    let near = closest(key, known.iter().copied()).map(|near| format!(", did you mean '{near}'?"));
    ProviderSyntax { line, what: format!("unknown key {}{}", quoted(key), near.unwrap_or_default()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_definition_says_where_and_which_parts() {
        let text = "[provider]\n# a comment\nuri: git://git-provider.com/repo.git\nbranch: master\nref: v1\n\
                    pubkey: example.pub\n[qemu]\nsubdir: src/tests/qemu/\n[agnostic]\n";
        let read = parse(text).unwrap();
        assert_eq!(read.uri, "git://git-provider.com/repo.git");
        assert_eq!((read.branch.as_deref(), read.reference.as_deref()), (Some("master"), Some("v1")));
        assert_eq!(read.pubkey.as_deref(), Some("example.pub"));
        let parts = [("qemu", "src/tests/qemu"), ("agnostic", "")];
        assert_eq!(read.parts, parts.map(|(name, folder)| (name.to_owned(), folder.to_owned())));
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        let error = |text: &str| parse(text).unwrap_err().to_string();
        assert_eq!(error("[provider]\nurl: x\n"), "2: unknown key 'url', did you mean 'uri'?");
        assert_eq!(error("uri: x\n"), "1: 'uri' stands above every [section]");
        assert_eq!(error("[provider]\nbranch: x\n"), "1: there is no [provider] section with a uri");
        assert_eq!(error("[provider]\nuri: x\nhello\n"), "3: 'hello' is neither a [section] nor KEY: VALUE");
    }
}
