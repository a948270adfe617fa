//! The git program, as far as providers need it.

use super::{Definition, ProviderError};
use crate::deadlines::{HOST_WORK, NETWORK};
use crate::process::{self, Spec};
use std::path::Path;
use std::time::Duration;

/// Runs git without questions, hooks, or transports that run commands.
fn git(
    definition: &Definition,
    doing: &str,
    environment: &[String],
    args: &[&str],
    deadline: Duration,
) -> Result<String, ProviderError> {
    let spec = Spec::new("env")
        .args(["GIT_TERMINAL_PROMPT=0", "GIT_LFS_SKIP_SMUDGE=1", "LC_ALL=C"])
        .args(environment)
        .args(["git", "-c", "core.hooksPath=/dev/null", "-c", "protocol.ext.allow=never"])
        .args(["-c", "core.symlinks=false", "-c", "advice.detachedHead=false"])
        .args(args);
    let output = process::run(spec, deadline).map_err(|source| ProviderError::Git {
        name: definition.name.clone(),
        doing: doing.to_owned(),
        source,
    })?;
    Ok(String::from_utf8_lossy(&output).trim().to_owned())
}

fn words(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// Clones a repository without its files.
pub fn clone(definition: &Definition, to: &Path) -> Result<(), ProviderError> {
    let uri = &definition.provider.uri;
    let doing = format!("cloning {uri}");
    git(definition, &doing, &[], &["clone", "--quiet", "--no-checkout", "--", uri, &words(to)], NETWORK)
        .map(drop)
}

/// Fetches all branches and tags; tags that moved are taken as they are now.
pub fn fetch(definition: &Definition, repository: &Path) -> Result<(), ProviderError> {
    let doing = format!("fetching {}", definition.provider.uri);
    let args = ["-C", &words(repository), "fetch", "--quiet", "--force", "--prune", "--tags", "origin"];
    git(definition, &doing, &[], &args, NETWORK).map(drop)
}

/// The commit that the definition names: its tag or commit, else the end of its branch, else of the default branch.
pub fn commit(definition: &Definition, repository: &Path) -> Result<String, ProviderError> {
    let provider = &definition.provider;
    let (names, doing) = match (&provider.reference, &provider.branch) {
        (Some(reference), _) => (
            vec![format!("refs/tags/{reference}"), reference.clone()],
            format!("looking for ref {reference}"),
        ),
        (None, Some(branch)) => {
            (vec![format!("refs/remotes/origin/{branch}")], format!("looking for branch {branch}"))
        }
        (None, None) => {
            (vec!["refs/remotes/origin/HEAD".to_owned()], "looking for its default branch".to_owned())
        }
    };
    let mut last = None;
    for name in names {
        let wanted = format!("{name}^{{commit}}");
        let args =
            ["-C", &words(repository), "rev-parse", "--quiet", "--verify", "--end-of-options", &wanted];
        match git(definition, &doing, &[], &args, HOST_WORK) {
            Ok(commit) => return Ok(commit),
            Err(error) => last = Some(error),
        }
    }
    Err(last.unwrap_or(ProviderError::NoCache))
}

/// What the name of a tag stands for: `tag` for one that can be signed.
pub fn kind(definition: &Definition, repository: &Path, tag: &str) -> Result<String, ProviderError> {
    let name = format!("refs/tags/{tag}");
    git(
        definition,
        "looking at its tag",
        &[],
        &["-C", &words(repository), "cat-file", "-t", &name],
        HOST_WORK,
    )
}

/// Checks the signature of a tag against one key and no other.
pub fn verify(
    definition: &Definition,
    repository: &Path,
    tag: &str,
    key: &Path,
) -> Result<(), ProviderError> {
    let doing = format!("verifying the signature of tag {tag} with {}", key.display());
    let keys =
        process::private_folder().map_err(|source| ProviderError::Read { path: key.to_owned(), source })?;
    let text = std::fs::read(key).map_err(|source| ProviderError::Read { path: key.to_owned(), source })?;
    let repository = words(repository);
    let is_ssh = text.starts_with(b"ssh-") || text.starts_with(b"ecdsa-") || text.starts_with(b"sk-");
    if is_ssh {
        let signers = keys.path().join("signers");
        let line = [b"* ".as_slice(), text.trim_ascii(), b"\n"].concat();
        std::fs::write(&signers, line)
            .map_err(|source| ProviderError::Read { path: signers.clone(), source })?;
        let file = format!("gpg.ssh.allowedSignersFile={}", signers.display());
        let args = ["-C", &repository, "-c", "gpg.format=ssh", "-c", &file, "verify-tag", "--", tag];
        return git(definition, &doing, &[], &args, HOST_WORK).map(drop);
    }
    let home = format!("GNUPGHOME={}", keys.path().display());
    let import = Spec::new("env")
        .args([home.as_str(), "gpg", "--batch", "--quiet", "--no-autostart", "--import", "--"])
        .arg(key);
    let failed = |source| ProviderError::Git {
        name: definition.name.clone(),
        doing: format!("reading the key {}", key.display()),
        source,
    };
    process::run(import, HOST_WORK).map_err(failed)?;
    let args =
        ["-C", &repository, "-c", "gpg.format=openpgp", "-c", "gpg.program=gpg", "verify-tag", "--", tag];
    git(definition, &doing, &[home], &args, HOST_WORK).map(drop)
}

/// Puts the files of a commit into the repository's folder.
pub fn check_out(definition: &Definition, repository: &Path, commit: &str) -> Result<(), ProviderError> {
    let args = ["-C", &words(repository), "checkout", "--quiet", "--force", "--detach", commit, "--"];
    git(definition, "writing its files", &[], &args, HOST_WORK).map(drop)
}
