//! Nothing that is known to be a secret is published.

use super::SiteError;
use super::data::Copied;
use super::error::io;
use edge::secret::SHOWN;
use model::secret_keys::{SHIPPED, is_secret, masked};
use model::secrets;
use model::store::StoreError;
use serde_json::Value;
use std::io::{ErrorKind, Read};
use std::path::Path;

/// A shorter secret would be found everywhere by chance, and so would digits alone up to [`LONG`].
const SHORTEST: usize = 4;
/// See [`SHORTEST`].
const LONG: usize = 8;
/// Bytes that are searched at once.
const CHUNK: usize = 1 << 20;

/// Refuses a copy that holds a secret: a value of the result's secrets.json anywhere, or one in a plan or description of before
/// there were secrets.
pub(super) fn refuse(result: &Path, real: &Path, copied: &Copied, copy: &Path) -> Result<(), SiteError> {
    let known = known(real)?;
    for (_, inside) in &copied.sums {
        let at = copy.join(inside);
        let name = inside.file_name().unwrap_or_default().to_string_lossy();
        let describes = name == "run.json" || name.starts_with("campaign.") && name.ends_with(".json");
        let mut key = held(&at, &known).map_err(io("reading", &at))?;
        if key.is_none() && describes {
            let content = edge::read(&at, edge::read::RECORD).map_err(io("reading", &at))?;
            key = serde_json::from_slice(&content).ok().and_then(|json| plain(&json, false));
        }
        if let Some(key) = key {
            return Err(SiteError::Secret { path: result.join(inside), key });
        }
    }
    Ok(())
}

/// The secrets of a campaign's directory, or of the one that an environment's directory lies in: the key, and the value as it
/// stands in a text and in JSON.
fn known(real: &Path) -> Result<Vec<(String, Vec<u8>)>, SiteError> {
    let mut all = Vec::new();
    for dir in [Some(real), real.parent()].into_iter().flatten() {
        let found = match secrets::read(dir) {
            // Of somebody else's campaign there is nothing to compare with.
            Err(StoreError::Io { source, .. }) if source.kind() == ErrorKind::PermissionDenied => continue,
            found => found?,
        };
        for (key, secret) in found.into_values().flatten() {
            let value = secret.reveal();
            let digits = value.bytes().all(|b| b.is_ascii_digit());
            if value.len() < if digits { LONG } else { SHORTEST } || value == SHIPPED {
                continue;
            }
            let quoted = serde_json::to_string(value).unwrap_or_default();
            all.push((key.clone(), value.as_bytes().to_owned()));
            all.push((key, quoted.trim_matches('"').as_bytes().to_owned()));
        }
    }
    Ok(all)
}

/// The key of the first secret that a file holds.
fn held(path: &Path, known: &[(String, Vec<u8>)]) -> std::io::Result<Option<String>> {
    let Some(longest) = known.iter().map(|(_, secret)| secret.len()).max() else { return Ok(None) };
    let mut file = edge::read::open(path)?;
    let mut window = Vec::new();
    loop {
        let new = (&mut file).take(CHUNK as u64).read_to_end(&mut window)?;
        if let Some((key, _)) = known.iter().find(|(_, secret)| holds(&window, secret)) {
            return Ok(Some(key.clone()));
        }
        if new == 0 {
            return Ok(None);
        }
        // What a secret could begin with stays for the next round.
        window.drain(..window.len().saturating_sub(longest.saturating_sub(1)));
    }
}

fn holds(content: &[u8], secret: &[u8]) -> bool {
    let Some((first, rest)) = secret.split_first() else { return false };
    let mut from = 0;
    while let Some(at) = content.get(from..).and_then(|c| c.iter().position(|b| b == first)) {
        from += at + 1;
        if content.get(from..).is_some_and(|c| c.starts_with(rest)) {
            return true;
        }
    }
    false
}

/// A secret key whose value stands in a JSON text, or a word of a command line with one.
fn plain(json: &Value, is_command: bool) -> Option<String> {
    let open = |value: &Value| {
        let text = value.as_str().or_else(|| value.get("value").and_then(Value::as_str));
        text.is_some_and(|text| !text.is_empty() && text != SHOWN && text != SHIPPED)
    };
    match json {
        Value::Object(members) => members.iter().find_map(|(key, value)| {
            let is_command = matches!(key.as_str(), "argv" | "origin");
            if is_secret(key) && open(value) { Some(key.clone()) } else { plain(value, is_command) }
        }),
        Value::Array(items) => items.iter().find_map(|item| plain(item, is_command)),
        Value::String(word) if is_command && masked(word) != *word && !word.ends_with("=perfvt") => {
            Some("a password on the command line".to_owned())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_found_wherever_in_a_file_it_stands() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let known = [("password".to_owned(), b"hunter2".to_vec())];
        for lead in [0, CHUNK - 3, CHUNK + 1] {
            std::fs::write(file.path(), format!("{}hunter2x", "h".repeat(lead))).unwrap();
            assert_eq!(held(file.path(), &known).unwrap().as_deref(), Some("password"), "{lead}");
        }
        std::fs::write(file.path(), "hunter hunter").unwrap();
        assert_eq!(held(file.path(), &known).unwrap(), None);
    }

    #[test]
    fn a_secret_is_found_by_its_key_and_by_what_a_command_line_says() {
        let found = |text: &str| plain(&serde_json::from_str(text).unwrap(), false);
        assert_eq!(found(r#"{"params": {"password": "x"}}"#).as_deref(), Some("password"));
        assert_eq!(
            found(r#"{"e": [{"params": {"http_proxy": {"value": "u", "origin": ""}}}]}"#).as_deref(),
            Some("http_proxy")
        );
        assert!(found(r#"{"argv": ["--set", "password=x"]}"#).is_some());
        assert_eq!(
            found(r#"{"params": {"password": "(set)", "user": "x"}, "argv": ["password=(set)"]}"#),
            None
        );
        assert_eq!(found(r#"{"params": {"password": "", "password_vm1": "perfvt"}}"#), None);
    }
}
