//! Where a campaign keeps the values of parameters that are secret ([`crate::secret_keys`]).

use crate::campaign::EnvironmentPlan;
use crate::store::{StoreError, io_error, read_json};
use edge::Secret;
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
    fn secrets_are_kept_for_their_owner_alone() {
        let dir = tempfile::tempdir().unwrap();
        let plan = |name: &str, value: &str| EnvironmentPlan {
            name: name.into(),
            params: BTreeMap::new(),
            factors: Vec::new(),
            facts: BTreeMap::new(),
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
