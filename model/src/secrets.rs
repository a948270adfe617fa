//! Which parameters are secret, and where a campaign keeps them.

use crate::campaign::EnvironmentPlan;
use crate::store::{StoreError, io_error, read_json};
use edge::Secret;
use edge::secret::SHOWN;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Name of the file in a campaign's directory that holds the secrets of its environments, readable for its owner only. It
/// is never published.
pub const SECRETS_FILE: &str = "secrets.json";
/// The version that it carries.
///
/// Changelog: 1, the first.
const FORMAT: u32 = 1;

/// The password of the images that perfvt builds, which everybody knows.
pub const SHIPPED: &str = "perfvt";

/// Words of a key, between underscores, that make it secret.
const WORDS: [&str; 12] = [
    "password",
    "passwords",
    "passwd",
    "passphrase",
    "secret",
    "secrets",
    "token",
    "tokens",
    "proxy",
    "credential",
    "credentials",
    "apikey",
];
/// Keys that are secret without such a word, by their words.
const KEYS: [&[&str]; 2] = [&["user", "data"], &["api", "key"]];
/// What says, right behind such a word, that the value is not the secret itself.
const ABOUT: [&str; 2] = ["file", "prompt"];

/// Whether the value of a key is a secret: `password`, `password_vm2`, `http_proxy` (its URL may hold one), `user_data`.
/// `password_file` is not: it says where the secret is.
///
/// ```
/// assert!(model::secrets::is_secret("password_vm2") && !model::secrets::is_secret("password_file"));
/// ```
pub fn is_secret(key: &str) -> bool {
    let words: Vec<String> = key.split('_').map(str::to_ascii_lowercase).collect();
    let about = |at: usize| words.get(at).is_some_and(|word| ABOUT.contains(&word.as_str()));
    let secret = |(at, word): (usize, &String)| WORDS.contains(&word.as_str()) && !about(at + 1);
    let named =
        |k: &&[&str]| words.iter().map(String::as_str).take(k.len()).eq(k.iter().copied()) && !about(k.len());
    words.iter().enumerate().any(secret) || KEYS.iter().any(named)
}

/// A word of a command line without the secrets in it: what stands behind `password=` becomes `(set)`, to the word's end.
///
/// ```
/// assert_eq!(model::secrets::masked("head:smp=2,password=x"), "head:smp=2,password=(set)");
/// ```
pub fn masked(word: &str) -> String {
    let mut from = 0;
    while let Some(at) = word.get(from..).and_then(|rest| rest.find('=')).map(|at| from + at) {
        let before = word.get(..at).unwrap_or_default();
        let key = before
            .trim_end()
            .rsplit(|c: char| !c.is_ascii_alphanumeric() && c != '_')
            .next()
            .unwrap_or_default();
        let value = word.get(at + 1..).unwrap_or_default();
        if is_secret(key) && !value.is_empty() {
            return format!("{before}={SHOWN}");
        }
        from = at + 1;
    }
    word.to_owned()
}

/// The file's content.
#[derive(Debug, Serialize, Deserialize)]
struct Content {
    format: u32,
    /// Key and value, by environment.
    environments: BTreeMap<String, BTreeMap<String, String>>,
}

/// Writes the secrets of environments into a campaign's directory; without any there is no file.
///
/// # Errors
/// The file cannot be written.
pub fn write(dir: &Path, environments: &[EnvironmentPlan]) -> Result<(), StoreError> {
    let plain = |secrets: &BTreeMap<String, Secret>| -> BTreeMap<String, String> {
        secrets.iter().map(|(key, secret)| (key.clone(), secret.reveal().to_owned())).collect()
    };
    let environments: BTreeMap<String, BTreeMap<String, String>> = environments
        .iter()
        .filter(|e| !e.secrets.is_empty())
        .map(|e| (e.name.clone(), plain(&e.secrets)))
        .collect();
    if environments.is_empty() {
        return Ok(());
    }
    let path = dir.join(SECRETS_FILE);
    let mut text = Vec::new();
    crate::json::write_pretty(&mut text, &Content { format: FORMAT, environments })
        .map_err(io_error("writing", &path))?;
    text.push(b'\n');
    edge::write::write_private(&path, &text).map_err(io_error("writing", &path))
}

/// Gives environments their secrets out of a campaign's directory.
///
/// # Errors
/// The file cannot be read, or others than its owner can read it.
pub fn take_in(dir: &Path, environments: &mut [EnvironmentPlan]) -> Result<(), StoreError> {
    for (name, secrets) in read(dir)? {
        if let Some(environment) = environments.iter_mut().find(|e| e.name == name) {
            environment.secrets = secrets;
        }
    }
    Ok(())
}

/// The secrets that a campaign's directory holds, by environment.
///
/// # Errors
/// As [`take_in`].
pub fn read(dir: &Path) -> Result<BTreeMap<String, BTreeMap<String, Secret>>, StoreError> {
    let path = dir.join(SECRETS_FILE);
    let metadata = match path.symlink_metadata() {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(error) => return Err(io_error("reading", &path)(error)),
    };
    if metadata.permissions().mode() & 0o077 != 0 {
        let why = "it holds passwords and others may read it: chmod 600 it";
        return Err(io_error("reading", &path)(std::io::Error::other(why)));
    }
    let content: Content = read_json(&path, FORMAT)?;
    let secret = |secrets: BTreeMap<String, String>| {
        secrets.into_iter().map(|(key, value)| (key, Secret::new(value))).collect()
    };
    Ok(content.environments.into_iter().map(|(name, secrets)| (name, secret(secrets))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_secret_by_their_words() {
        for key in [
            "password",
            "password_vm1",
            "PASSWORD",
            "ovirt_passwd",
            "user_data",
            "user_data_vm1",
            "https_proxy",
        ] {
            assert!(is_secret(key), "{key}");
        }
        for key in
            ["password_file", "password_prompt", "user", "user_database", "key", "image", "password_file_vm1"]
        {
            assert!(!is_secret(key), "{key}");
        }
    }

    #[test]
    fn a_command_line_is_recorded_without_the_secrets_in_it() {
        let masks = [
            ("password=x", "password=(set)"),
            ("--set=password=x=y", "--set=password=(set)"),
            ("base:password=a,smp=2", "base:password=(set)"),
            ("--set password = x", "--set password =(set)"),
            ("smp=2", "smp=2"),
            ("password=", "password="),
            ("password_file=/x", "password_file=/x"),
            ("--out", "--out"),
        ];
        masks.iter().for_each(|(word, wanted)| assert_eq!(masked(word), *wanted));
    }

    #[test]
    fn secrets_are_kept_for_their_owner_alone() {
        let dir = tempfile::tempdir().unwrap();
        let plan = |name: &str, value: &str| EnvironmentPlan {
            name: name.into(),
            params: BTreeMap::new(),
            factors: Vec::new(),
            secrets: [("password".to_owned(), Secret::new(value))].into(),
        };
        write(dir.path(), &[plan("base", "hunter2"), plan("head", "x")]).unwrap();
        let mut again = [EnvironmentPlan { secrets: BTreeMap::new(), ..plan("base", "") }];
        take_in(dir.path(), &mut again).unwrap();
        assert_eq!(again[0].secrets["password"].reveal(), "hunter2");
        assert!(!serde_json::to_string(&again).unwrap().contains("hunter2"));
        assert!(!format!("{again:?}").contains("hunter2"));
        let path = dir.path().join(SECRETS_FILE);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        let error = take_in(dir.path(), &mut again).unwrap_err().to_string();
        assert!(error.contains("chmod 600"), "{error}");
    }
}
