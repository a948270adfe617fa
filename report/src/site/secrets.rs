//! Nothing that is known to be a secret is published.

use super::SiteError;
use super::data::Copied;
use super::error::io;
use edge::secret::SHOWN;
use model::secrets::{self, is_secret, masked};
use serde_json::Value;
use std::path::Path;

/// A shorter secret would be found everywhere by chance.
const LONG_ENOUGH: usize = 8;

/// Refuses a copy that holds a secret: a value of the result's secrets.json anywhere, or one in a plan or description of before
/// there were secrets.
pub(super) fn refuse(result: &Path, real: &Path, copied: &Copied, copy: &Path) -> Result<(), SiteError> {
    let known = known(real)?;
    for (_, inside) in &copied.sums {
        let at = copy.join(inside);
        let name = inside.file_name().unwrap_or_default().to_string_lossy();
        let describes = name == "run.json" || name.starts_with("campaign.") && name.ends_with(".json");
        if known.is_empty() && !describes {
            continue;
        }
        let content = edge::read(&at, edge::read::PROGRAM).map_err(io("reading", &at))?;
        let told =
            known.iter().find(|(_, secret)| holds(&content, secret.as_bytes())).map(|(key, _)| key.clone());
        let plain = || serde_json::from_slice(&content).ok().and_then(|json| plain(&json));
        let key = told.or_else(|| if describes { plain() } else { None });
        if let Some(key) = key {
            return Err(SiteError::Secret { path: result.join(inside), key });
        }
    }
    Ok(())
}

/// The secrets of a campaign's directory, or of the one that an environment's directory lies in; key and value.
fn known(real: &Path) -> Result<Vec<(String, String)>, SiteError> {
    let mut all = Vec::new();
    for dir in [Some(real), real.parent()].into_iter().flatten() {
        // Of somebody else's there is nothing to compare with.
        for secrets in secrets::read(dir).unwrap_or_default().into_values() {
            let long = secrets.into_iter().filter(|(_, s)| s.reveal().len() >= LONG_ENOUGH);
            all.extend(long.map(|(key, secret)| (key, secret.reveal().to_owned())));
        }
    }
    Ok(all)
}

fn holds(content: &[u8], secret: &[u8]) -> bool {
    content.windows(secret.len()).any(|window| window == secret)
}

/// A secret key whose value stands in a JSON text, or a word of a command line with one.
fn plain(json: &Value) -> Option<String> {
    let open = |value: &Value| {
        let text = value.as_str().or_else(|| value.get("value").and_then(Value::as_str));
        text.is_some_and(|text| !text.is_empty() && text != SHOWN && text != secrets::SHIPPED)
    };
    match json {
        Value::Object(members) => members.iter().find_map(|(key, value)| {
            if is_secret(key) && open(value) { Some(key.clone()) } else { plain(value) }
        }),
        Value::Array(items) => items.iter().find_map(plain),
        Value::String(word) if masked(word) != *word => Some("a password on the command line".to_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_found_by_its_key_and_by_what_a_command_line_says() {
        let found = |text: &str| plain(&serde_json::from_str(text).unwrap());
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
