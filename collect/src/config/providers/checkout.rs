//! The files of a provider: a folder as it is, or a commit of a git repository.

use super::{Definition, ProviderError, git};
use model::store::{self, create_directory, io_error, write_atomically};
use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::path::{Path, PathBuf};

/// Files of a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkout {
    /// Where they are.
    pub root: PathBuf,
    /// Their commit; none for a folder.
    pub commit: Option<String>,
    /// Whether the commit carries a tag that the definition's key has signed.
    pub verified: bool,
}

/// What was fetched, and for which definition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Pin {
    uri: String,
    branch: Option<String>,
    reference: Option<String>,
    pubkey: Option<String>,
    commit: String,
    verified: bool,
}

/// The files of a provider; fetches them when they never were, or when the definition has changed.
///
/// # Errors
/// When they cannot be fetched, or are not signed as they should be.
pub fn checkout(definition: &Definition, cache: &Path) -> Result<Checkout, ProviderError> {
    if let Some(known) = pinned(definition, cache)? {
        return Ok(known);
    }
    update(definition, cache)
}

/// The files of a provider as far as they are here; nothing when they were never fetched.
///
/// # Errors
/// A local folder that is not there, a damaged cache.
pub fn pinned(definition: &Definition, cache: &Path) -> Result<Option<Checkout>, ProviderError> {
    if let Some(root) = local(definition) {
        if !root.is_dir() {
            let uri = definition.provider.uri.clone();
            return Err(ProviderError::NoFolder { name: definition.name.clone(), uri });
        }
        return Ok(Some(Checkout { root, commit: None, verified: false }));
    }
    let folder = cache.join(&definition.name);
    let path = folder.join("pin.json");
    if !path.exists() {
        return Ok(None);
    }
    let text = std::fs::read_to_string(&path).map_err(io_error("reading", &path))?;
    let Ok(pin) = serde_json::from_str::<Pin>(&text) else { return Ok(None) };
    let same = Pin { commit: pin.commit.clone(), verified: pin.verified, ..wanted(definition) } == pin;
    Ok(same.then(|| Checkout {
        root: folder.join("files"),
        commit: Some(pin.commit),
        verified: pin.verified,
    }))
}

/// Fetches a provider anew and pins the commit that its definition names now.
///
/// # Errors
/// As those of [`checkout`].
pub fn update(definition: &Definition, cache: &Path) -> Result<Checkout, ProviderError> {
    if local(definition).is_some() {
        return pinned(definition, cache)?.ok_or(ProviderError::NoCache);
    }
    let folder = cache.join(&definition.name);
    create_directory(&folder)?;
    // One perfvt at a time; the lock goes with the file.
    let lock = File::open(&folder).map_err(io_error("opening", &folder))?;
    flock(&lock, FlockOperation::LockExclusive).map_err(|e| io_error("locking", &folder)(e.into()))?;
    let files = folder.join("files");
    let pin_path = folder.join("pin.json");
    let same_uri = std::fs::read_to_string(&pin_path)
        .ok()
        .and_then(|text| serde_json::from_str::<Pin>(&text).ok())
        .is_some_and(|pin| pin.uri == definition.provider.uri);
    if same_uri && files.is_dir() {
        git::fetch(definition, &files)?;
    } else {
        remove(&files)?;
        git::clone(definition, &files)?;
    }
    let commit = git::commit(definition, &files)?;
    let verified = verify(definition, &files)?;
    git::check_out(definition, &files, &commit)?;
    let pin = Pin { commit: commit.clone(), verified, ..wanted(definition) };
    let text = serde_json::to_vec_pretty(&pin).unwrap_or_default();
    write_atomically(&pin_path, &text)?;
    Ok(Checkout { root: files, commit: Some(commit), verified })
}

fn remove(files: &Path) -> Result<(), store::StoreError> {
    match std::fs::remove_dir_all(files) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(io_error("removing", files)(e)),
        _ => Ok(()),
    }
}

fn wanted(definition: &Definition) -> Pin {
    let provider = &definition.provider;
    Pin {
        uri: provider.uri.clone(),
        branch: provider.branch.clone(),
        reference: provider.reference.clone(),
        pubkey: provider.pubkey.clone(),
        commit: String::new(),
        verified: false,
    }
}

/// A folder that is used as it is: a local one, unless the definition names a branch, a ref or a key, or the folder is a
/// repository without files.
fn local(definition: &Definition) -> Option<PathBuf> {
    let provider = &definition.provider;
    let path = match provider.uri.strip_prefix("file://") {
        // `file://usr/share/tests` is how manuals write it.
        Some(path) if path.starts_with('/') => PathBuf::from(path),
        Some(path) => Path::new("/").join(path),
        None if provider.uri.starts_with('/') => PathBuf::from(&provider.uri),
        None => return None,
    };
    let of_git = provider.branch.is_some() || provider.reference.is_some() || provider.pubkey.is_some();
    let bare = path.join("HEAD").is_file() && path.join("objects").is_dir();
    (!of_git && !bare).then_some(path)
}

/// Checks the signature when the definition has a key.
fn verify(definition: &Definition, files: &Path) -> Result<bool, ProviderError> {
    let Some(key) = &definition.provider.pubkey else { return Ok(false) };
    let not_a_tag = |what: &str| ProviderError::NotATag {
        name: definition.name.clone(),
        what: what.to_owned(),
        path: definition.path.clone(),
    };
    let tag = definition.provider.reference.as_deref().ok_or_else(|| not_a_tag("there is no ref"))?;
    match git::kind(definition, files, tag) {
        Ok(kind) if kind == "tag" => {}
        Ok(_) => return Err(not_a_tag(&format!("{tag} is a tag that carries no signature"))),
        Err(_) => return Err(not_a_tag(&format!("{tag} is no tag"))),
    }
    // Beside its definition, unless it is absolute.
    let key = definition.path.parent().unwrap_or(Path::new("")).join(key);
    git::verify(definition, files, tag, &key)?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::{self, Spec};
    use std::time::Duration;

    fn run(dir: &Path, words: &[&str]) {
        let spec = Spec::new("env")
            .args([format!("GNUPGHOME={}", dir.join("gnupg").display()), format!("HOME={}", dir.display())])
            .args(["GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null"])
            .args(words);
        process::run(spec, Duration::from_secs(60)).unwrap();
    }

    /// A repository with two commits, tags v1 and v2, and a branch.
    fn repository(dir: &Path, more: &[&str]) -> String {
        let repo = dir.join("repo");
        let path = repo.display().to_string();
        let git = |words: &[&str]| {
            let who = ["-c", "user.name=t", "-c", "user.email=t@t.invalid"];
            run(dir, &[&["git", "-C", &path], &who[..], more, words].concat());
        };
        std::fs::create_dir(&repo).unwrap();
        git(&["init", "--quiet", "-b", "main"]);
        for (number, tag) in [("1", "v1"), ("2", "v2")] {
            std::fs::write(repo.join("x.cfg"), format!("version = {number}\n")).unwrap();
            git(&["add", "x.cfg"]);
            git(&["commit", "--quiet", "-m", number]);
            git(&["tag", tag]);
        }
        git(&["branch", "stable", "v1"]);
        if !more.is_empty() {
            git(&["tag", "-s", "-m", "signed", "s1", "v1"]);
        }
        format!("file://{path}")
    }

    fn definition(dir: &Path, uri: &str, rest: &str) -> Definition {
        let provider = formats::provider::parse(&format!("[provider]\nuri: {uri}\n{rest}")).unwrap();
        Definition { name: "tp".into(), path: dir.join("tp.ini"), provider }
    }

    fn version(checkout: &Checkout) -> String {
        std::fs::read_to_string(checkout.root.join("x.cfg")).unwrap()
    }

    #[test]
    fn a_ref_or_a_branch_is_checked_out_and_stays_pinned_until_the_update() {
        let dir = tempfile::tempdir().unwrap();
        let (uri, cache) = (repository(dir.path(), &[]), dir.path().join("cache"));
        let at = |rest: &str| checkout(&definition(dir.path(), &uri, rest), &cache).unwrap();
        assert_eq!(version(&at("ref: v1\n")), "version = 1\n");
        assert_eq!(version(&at("ref: v2\n")), "version = 2\n");
        let stable = at("branch: stable\n");
        assert_eq!((version(&stable).as_str(), stable.verified), ("version = 1\n", false));
        let path = dir.path().join("repo").display().to_string();
        run(dir.path(), &["git", "-C", &path, "branch", "--force", "stable", "v2"]);
        assert_eq!(at("branch: stable\n"), stable);
        let newer = update(&definition(dir.path(), &uri, "branch: stable\n"), &cache).unwrap();
        assert_eq!(version(&newer), "version = 2\n");
        assert_ne!(newer.commit, stable.commit);
    }

    #[test]
    fn a_folder_is_used_as_it_is_and_a_missing_ref_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let (uri, cache) = (repository(dir.path(), &[]), dir.path().join("cache"));
        let plain = checkout(&definition(dir.path(), &uri, ""), &cache).unwrap();
        assert_eq!((plain.root, plain.commit), (dir.path().join("repo"), None));
        let error = checkout(&definition(dir.path(), &uri, "ref: v9\n"), &cache).unwrap_err().to_string();
        assert!(error.starts_with("provider tp: looking for ref v9: "), "{error}");
        let gone = definition(dir.path(), "/nowhere/at/all", "");
        assert_eq!(
            checkout(&gone, &cache).unwrap_err().to_string(),
            "provider tp: /nowhere/at/all is not there"
        );
        let none = definition(dir.path(), "file:///nowhere/at/all", "branch: x\n");
        let error = checkout(&none, &cache).unwrap_err().to_string();
        assert!(error.starts_with("provider tp: cloning file:///nowhere/at/all: "), "{error}");
    }

    #[test]
    fn a_signed_tag_is_verified_with_the_key_of_the_definition_and_no_other() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["signer", "other"] {
            let file = dir.path().join(name).display().to_string();
            run(dir.path(), &["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", &file]);
        }
        let key = format!("user.signingKey={}", dir.path().join("signer").display());
        let uri = repository(dir.path(), &["-c", "gpg.format=ssh", "-c", &key]);
        let cache = dir.path().join("cache");
        let at = |rest: &str| checkout(&definition(dir.path(), &uri, rest), &cache);
        let good = at("ref: s1\npubkey: signer.pub\n").unwrap();
        assert_eq!((version(&good).as_str(), good.verified), ("version = 1\n", true));
        let error = at("ref: s1\npubkey: other.pub\n").unwrap_err().to_string();
        assert!(error.starts_with("provider tp: verifying the signature of tag s1"), "{error}");
        let error = at("ref: v1\npubkey: signer.pub\n").unwrap_err().to_string();
        assert!(error.contains("v1 is a tag that carries no signature"), "{error}");
        let error = at("pubkey: signer.pub\n").unwrap_err().to_string();
        assert!(error.contains("there is no ref; set `ref` to one in"), "{error}");
    }

    #[test]
    fn a_tag_that_gpg_signed_is_verified_too() {
        let dir = tempfile::tempdir().unwrap();
        let home = dir.path().join("gnupg");
        std::fs::create_dir(&home).unwrap();
        std::fs::set_permissions(&home, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
        run(
            dir.path(),
            &[
                "gpg",
                "--batch",
                "--quiet",
                "--passphrase",
                "",
                "--quick-generate-key",
                "t@t.invalid",
                "ed25519",
            ],
        );
        let public = dir.path().join("example.pub");
        run(
            dir.path(),
            &["gpg", "--batch", "--armor", "--output", &public.display().to_string(), "--export"],
        );
        let uri = repository(dir.path(), &["-c", "user.signingKey=t@t.invalid"]);
        let definition = definition(dir.path(), &uri, "ref: s1\npubkey: example.pub\n");
        let good = checkout(&definition, &dir.path().join("cache")).unwrap();
        assert_eq!((version(&good).as_str(), good.verified), ("version = 1\n", true));
        run(dir.path(), &["gpgconf", "--kill", "all"]);
    }
}
