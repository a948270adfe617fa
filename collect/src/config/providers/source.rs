//! Where a provider comes from, and how git may get it.

use super::{Definition, ProviderError};
use edge::quoted;
use std::path::{Path, PathBuf};

/// Where a provider's files are from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A folder that is used as it is.
    Folder(PathBuf),
    /// A git repository.
    Repository(Repository),
}

/// A repository, with the only transports that git may use to reach it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repository {
    /// What git is told.
    pub url: String,
    /// As `GIT_ALLOW_PROTOCOL` has them.
    pub protocols: &'static str,
    /// Whether all refs are wanted, also those that a repository remembers of another one.
    pub mirrored: bool,
}

impl Repository {
    /// A repository on this host.
    pub fn here(path: &Path) -> Repository {
        Repository { url: path.to_string_lossy().into_owned(), protocols: "file", mirrored: false }
    }
}

/// What a definition says about where.
///
/// # Errors
/// A `uri` that git would hand to a helper program, or that is none.
pub fn source(definition: &Definition) -> Result<Source, ProviderError> {
    let provider = &definition.provider;
    let Some(path) = folder(&provider.uri) else { return repository(definition).map(Source::Repository) };
    let of_git = provider.branch.is_some() || provider.reference.is_some() || provider.pubkey.is_some();
    let bare = path.join("HEAD").is_file() && path.join("objects").is_dir();
    Ok(if of_git || bare { Source::Repository(Repository::here(&path)) } else { Source::Folder(path) })
}

fn folder(uri: &str) -> Option<PathBuf> {
    match uri.strip_prefix("file://") {
        // `file://usr/share/tests` is how manuals write it.
        Some(path) => Some(Path::new("/").join(path)),
        None => uri.starts_with('/').then(|| PathBuf::from(uri)),
    }
}

/// The transports of a remote repository. Users rewrite one of the first two into the other (`url.*.insteadOf`), so
/// both are allowed for either.
fn repository(definition: &Definition) -> Result<Repository, ProviderError> {
    let uri = &definition.provider.uri;
    let refused = |why: String| ProviderError::Uri { path: definition.path.clone(), why };
    // `NAME::ADDRESS` is git's way to say that the program git-remote-NAME is to be run.
    let scheme = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.' | '_');
    if let Some((name, _)) = uri.split_once("::").filter(|(name, _)| name.chars().all(scheme)) {
        return Err(refused(format!("uri {} makes git run a helper, git-remote-{name}", quoted(uri))));
    }
    let protocols = match uri.split_once("://") {
        Some(("https" | "ssh" | "git+ssh" | "ssh+git", _)) => "https:ssh",
        Some(("http", _)) => "http:https:ssh",
        Some(("git", _)) => "git:https:ssh",
        Some((name, _)) if name.chars().all(scheme) => {
            return Err(refused(format!("uri {} is of an unknown kind", quoted(uri))));
        }
        _ if is_host_and_path(uri) => "https:ssh",
        _ => return Err(refused(format!("uri {} is neither a URL nor a path from / on", quoted(uri)))),
    };
    Ok(Repository { url: uri.clone(), protocols, mirrored: false })
}

/// `user@host:path`, which ssh reaches.
fn is_host_and_path(uri: &str) -> bool {
    let host = uri.split_once(':').map(|(host, _)| host);
    host.is_some_and(|host| !host.is_empty() && !host.contains('/') && !host.starts_with('-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(uri: &str, rest: &str) -> Result<Source, String> {
        let provider = formats::provider::parse(&format!("[provider]\nuri: {uri}\n{rest}")).unwrap();
        source(&Definition { name: "tp".into(), path: "tp.ini".into(), provider }).map_err(|e| e.to_string())
    }

    #[test]
    fn a_uri_names_its_transports_and_nothing_else_is_tried() {
        for (uri, protocols) in [
            ("https://git.example.org/x.git", "https:ssh"),
            ("ssh://git@example.org:22/x", "https:ssh"),
            ("git@example.org:x.git", "https:ssh"),
            ("git@[::1]:x.git", "https:ssh"),
            ("http://example.org/x", "http:https:ssh"),
            ("git://git-provider.com/repo.git", "git:https:ssh"),
        ] {
            let repository = Repository { url: uri.into(), protocols, mirrored: false };
            assert_eq!(of(uri, ""), Ok(Source::Repository(repository)), "{uri}");
        }
        assert_eq!(of("file://usr/tests", ""), Ok(Source::Folder("/usr/tests".into())));
        assert_eq!(
            of("/usr/tests", "branch: x\n"),
            Ok(Source::Repository(Repository::here(Path::new("/usr/tests"))))
        );
        for uri in ["ext::sh -c x", "fd::0", "::x", "x://y", "ftp://y/z", "../x", "x", "-o:x", ":x", "a/b:c"]
        {
            let error = of(uri, "").unwrap_err();
            assert!(error.starts_with("tp.ini: uri '") && error.contains("https, ssh"), "{error}");
        }
    }
}
