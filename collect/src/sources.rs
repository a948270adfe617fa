//! `source = URL@BRANCH`: a commit of a git repository, checked out on this host, becomes the folder that `command_deps` (or `kut`)
//! names, and is built as such a folder is.
//!
//! ```text
//!   source = https://host/tool.git@main ──> git ──> CACHE/sources/HASH/deps/tool ──> command_deps, built where build_on says
//!                 └── becomes ..@COMMIT, which is planned, resumed and compared
//! ```

use crate::brought::{self, KUT, SOURCE, SOURCE_BUILD as BUILD};
use crate::config::providers::{Asked, ProviderError, tree_of};
use edge::owned;
use model::store::io_error;
use model::{Origin, Params, ParamsError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use vm::guest::image::Cache;

/// The keys that it becomes one of: the one that the workload has.
const TARGETS: [&str; 2] = ["command_deps", KUT];
/// Further words for the `./configure` that kvm-unit-tests is built with.
const CONFIGURE: &str = "kut_configure";
/// The folder in the cache, and that of the one in which folders are built.
const SOURCES: &str = "sources";
const IN_DEPS: &str = "deps";
/// The file in which a folder says how it is built.
const STEP: &str = "deps.cfg";

/// The same with the cache of the user's, where something is to be checked out.
///
/// # Errors
/// Those of [`settle`], or there is no cache.
pub fn settle_here(params: &mut Params) -> Result<(), ParamsError> {
    if [SOURCE, BUILD].iter().all(|key| params.get(key).is_none_or(|value| value.trim().is_empty())) {
        return Ok(());
    }
    let cache =
        Cache::from_env().map_err(|error| params.wrong(SOURCE, &format!("a cache for it ({error})")))?;
    settle(params, &cache)
}

/// Checks out what `source` names, and puts the commit and the folder into the parameters.
///
/// # Errors
/// It cannot be had, cannot be built, or another key says the same.
pub fn settle(params: &mut Params, cache: &Cache) -> Result<(), ParamsError> {
    let given = |key: &str| params.get(key).map(str::trim).filter(|value| !value.is_empty());
    let target = TARGETS.into_iter().find(|key| params.param(key).is_some()).unwrap_or(TARGETS[0]);
    let Some(value) = given(SOURCE).map(str::to_owned) else {
        return match given(BUILD) {
            None => Ok(()),
            Some(_) => Err(params.wrong(BUILD, "a source beside it, which it builds")),
        };
    };
    if given(target).is_some() {
        return Err(params.wrong(target, "it left out: source says what is built"));
    }
    let step = step_of(params, target)?;
    let origin = params.param(SOURCE).map_or(Origin::BuiltIn, |param| param.origin.clone());
    if has_password(&value) {
        params.set(SOURCE, "URL with a password", origin);
        let wanted = "a URL without a password: git's credential helpers and ssh keep those";
        return Err(params.wrong(SOURCE, wanted));
    }
    let (uri, reference) = split(&value);
    let uri = if is_path(uri) { full(uri, &origin) } else { uri.to_owned() };
    let name = name(&uri);
    let all = cache.root().join(SOURCES);
    let made = edge::write::create_directory(&all).map_err(|error| {
        params.wrong(SOURCE, &format!("room for it in the cache ({}: {error})", all.display()))
    });
    made?;
    owned::remove_dead(&all);
    let asked = Asked { name: &name, uri: &uri, reference };
    let (commit, folder) = tree_of(&asked, &all, |commit, files| {
        let place = place(&all, [&uri, commit, step.as_deref().unwrap_or_default()]).join(&name);
        keep(files, &place, step.as_deref())?;
        Ok((commit.to_owned(), place))
    })
    .map_err(|error| {
        params.wrong(
            SOURCE,
            &format!("a git repository, and behind an @ a branch, tag or commit of it ({error})"),
        )
    })?;
    if !brought::is_built(&folder) {
        let wanted =
            "a repository with a Makefile or a deps.cfg at its top, or a command for it in source_build";
        return Err(params.wrong(SOURCE, wanted));
    }
    params.set(SOURCE, format!("{uri}@{commit}"), origin.clone());
    params.set(target, folder.display().to_string(), origin);
    Ok(())
}

/// What builds it where that is not left to what stands in it: the lines of a `deps.cfg`.
fn step_of(params: &Params, target: &str) -> Result<Option<String>, ParamsError> {
    let command = params.get(BUILD).map(str::trim).filter(|value| !value.is_empty());
    let configure = if params.get(CONFIGURE).is_some() { params.words(CONFIGURE)? } else { Vec::new() };
    if let Some(step) = command {
        if params.words(BUILD)?.is_empty() {
            return Err(params.wrong(BUILD, "words of a command"));
        }
        if step.contains(['\n', '\r']) {
            return Err(params.wrong(BUILD, "one command, in one line"));
        }
        if !configure.is_empty() {
            return Err(params.wrong(CONFIGURE, "it left out: source_build says how source is built"));
        }
        return Ok(Some(format!("command = {step}\n")));
    }
    if target != KUT {
        return Ok(None);
    }
    let words =
        Params::quoted(configure.iter().map(String::as_str)).filter(|words| !words.contains(['\n', '\r']));
    let words = words.ok_or_else(|| params.wrong(CONFIGURE, "words in one line"))?;
    Ok(Some(format!("command = ./configure {words}\ncommand = make\n")))
}

/// Moves the files to their place, unless they are there.
fn keep(files: &Path, place: &Path, step: Option<&str>) -> Result<(), ProviderError> {
    if place.is_dir() {
        return Ok(());
    }
    if let Some(step) = step {
        let file = files.join(STEP);
        // One of the repository's own may be a link, or have been made so that nobody writes it.
        edge::write_atomically(&file, step.as_bytes()).map_err(io_error("writing", &file))?;
    }
    let folder = edge::write::parent(place);
    edge::write::create_directory(folder).map_err(io_error("creating", folder))?;
    match edge::write::rename_new(files, place) {
        Err(error) if matches!(error.kind(), ErrorKind::AlreadyExists | ErrorKind::DirectoryNotEmpty) => {
            Ok(())
        }
        moved => Ok(moved.map_err(io_error("naming", place))?),
    }
}

/// A folder of its own for all that makes a difference.
fn place(all: &Path, parts: [&str; 3]) -> PathBuf {
    let hash = blake3::hash(parts.join("\0").as_bytes()).to_hex();
    all.join(hash.get(..16).unwrap_or_default()).join(IN_DEPS)
}

/// Whether it is a path of this host, and no URL nor `host:path`.
fn is_path(uri: &str) -> bool {
    !uri.contains("://") && uri.split_once(':').is_none_or(|(host, _)| host.contains('/'))
}

/// A path as the file that says it means it.
fn full(path: &str, origin: &Origin) -> String {
    let base = match origin {
        Origin::File { path, .. } => edge::write::parent(path),
        _ => Path::new(""),
    };
    let full = std::path::absolute(base.join(path));
    full.map_or_else(|_| path.to_owned(), |full| full.display().to_string())
}

/// What stands before and behind the last @ that belongs to no host.
fn split(value: &str) -> (&str, Option<&str>) {
    let host = match value.split_once("://") {
        Some((scheme, rest)) => scheme.len() + 3 + rest.find('/').unwrap_or(rest.len()),
        None if is_path(value) => 0,
        None => value.find(':').unwrap_or(0),
    };
    match value.rfind('@').filter(|at| *at > host) {
        Some(at) => {
            let (uri, reference) = value.split_at(at);
            (uri, reference.get(1..).filter(|reference| !reference.is_empty()))
        }
        None => (value, None),
    }
}

/// Whether a URL has a password before its host.
fn has_password(value: &str) -> bool {
    let authority = value.split_once("://").and_then(|(_, rest)| rest.split('/').next());
    authority.and_then(|authority| authority.rsplit_once('@')).is_some_and(|(user, _)| user.contains(':'))
}

/// The last part of where it is from, for a folder.
fn name(uri: &str) -> String {
    let last = uri.trim_end_matches('/').rsplit(['/', ':']).next().unwrap_or_default();
    let last = last.strip_suffix(".git").unwrap_or(last);
    let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_') { c } else { '-' };
    let name: String = last.chars().take(40).map(plain).collect();
    if name.trim_matches('-').is_empty() { "source".to_owned() } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEPS: &str = TARGETS[0];
    use process::deadlines::HOST_WORK;
    use process::{Spec, run};
    use std::fs;

    fn git(folder: &Path, args: &[&str]) -> Option<String> {
        let identity =
            ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "init.defaultBranch=main"];
        let spec = Spec::new("git").arg("-C").arg(folder).args(identity).args(args);
        run(spec, HOST_WORK).ok().map(|out| String::from_utf8_lossy(&out).trim().to_owned())
    }

    /// A repository with a Makefile in its first commit, which has the tag v1; `None` without git.
    fn repository(folder: &Path) -> Option<()> {
        fs::create_dir_all(folder).unwrap();
        if git(folder, &["init", "-q"]).is_none() {
            testing::skip("git is missing; `make setup` gets it");
            return None;
        }
        fs::write(folder.join("Makefile"), "all:\n\techo one > tool\n").unwrap();
        git(folder, &["add", "."]).unwrap();
        git(folder, &["commit", "-q", "-m", "one"]).unwrap();
        git(folder, &["tag", "v1"])?;
        Some(())
    }

    fn settled(cache: &Cache, set: &[(&str, &str)]) -> Result<Params, String> {
        let mut params = Params::new();
        for key in [SOURCE, BUILD, DEPS] {
            params.set(key, "", Origin::BuiltIn);
        }
        for (key, value) in set {
            params.set(*key, *value, Origin::Flag("--set".into()));
        }
        settle(&mut params, cache).map(|()| params).map_err(|error| error.to_string())
    }

    #[test]
    fn a_branch_a_tag_or_a_commit_becomes_a_folder_and_the_commit_stays() {
        let dir = tempfile::tempdir().unwrap();
        let (folder, cache) = (dir.path().join("my tool.git"), Cache::at(dir.path().join("cache")));
        let Some(()) = repository(&folder) else { return };
        let path = folder.display().to_string();
        let first = git(&folder, &["rev-parse", "HEAD"]).unwrap();
        let of = |reference: &str| settled(&cache, &[(SOURCE, &format!("{path}{reference}"))]).unwrap();
        let one = of("@main");
        assert_eq!(one.get(SOURCE).unwrap(), format!("{path}@{first}"));
        let deps = PathBuf::from(one.get(DEPS).unwrap());
        assert!(deps.ends_with("deps/my-tool") && deps.join("Makefile").is_file(), "{}", deps.display());
        fs::write(folder.join("Makefile"), "all:\n\techo two > tool\n").unwrap();
        git(&folder, &["commit", "-q", "-a", "-m", "two"]).unwrap();
        // What was settled is settled; the branch goes on, and the tag and the commit stay.
        for (reference, is_first) in [
            ("", false),
            ("@main", false),
            ("@v1", true),
            (&format!("@{first}"), true),
            (&format!("@{}", &first[..12]), true),
        ] {
            let again = of(reference);
            assert_eq!(again.get(SOURCE) == one.get(SOURCE), is_first, "{reference}");
            assert_eq!(again.get(DEPS) == one.get(DEPS), is_first, "{reference}");
        }
        let again = settled(&cache, &[(SOURCE, one.get(SOURCE).unwrap())]).unwrap();
        assert_eq!(again.get(DEPS), one.get(DEPS));
        let left = fs::read_dir(cache.root().join(SOURCES)).unwrap().flatten();
        assert!(left.into_iter().all(|entry| entry.file_name().len() == 16));
    }

    #[test]
    fn a_command_of_the_users_builds_it_in_the_place_of_what_stands_in_it() {
        let dir = tempfile::tempdir().unwrap();
        let (folder, cache) = (dir.path().join("tool"), Cache::at(dir.path().join("cache")));
        let Some(()) = repository(&folder) else { return };
        let path = folder.display().to_string();
        let own = settled(&cache, &[(SOURCE, &path), (BUILD, "make -C . 'a b'")]).unwrap();
        let text = fs::read_to_string(Path::new(own.get(DEPS).unwrap()).join(STEP)).unwrap();
        assert_eq!(text, "command = make -C . 'a b'\n");
        git(&folder, &["rm", "-q", "Makefile"]).unwrap();
        fs::write(folder.join("x"), "").unwrap();
        git(&folder, &["add", "."]).unwrap();
        git(&folder, &["commit", "-q", "-m", "nothing"]).unwrap();
        let error = settled(&cache, &[(SOURCE, &path)]).unwrap_err();
        assert!(error.contains("or a command for it in source_build"), "{error}");
    }

    #[test]
    fn a_source_that_cannot_be_had_is_refused_and_a_password_is_not_shown() {
        let dir = tempfile::tempdir().unwrap();
        let (folder, cache) = (dir.path().join("tool"), Cache::at(dir.path().join("cache")));
        let Some(()) = repository(&folder) else { return };
        let path = folder.display().to_string();
        for (set, wanted) in [
            (vec![(SOURCE, format!("{path}@nowhere"))], "looking for 'nowhere'"),
            (vec![(SOURCE, format!("{path}x"))], "cloning"),
            (vec![(SOURCE, "ext::sh -c x".into())], "helper"),
            (vec![(SOURCE, path.clone()), (DEPS, "/x/deps/y".into())], "source says what is built"),
            (vec![(BUILD, "make".into())], "a source beside it"),
            (vec![(SOURCE, path.clone()), (BUILD, "make 'x".into())], "source_build"),
            (vec![(SOURCE, "https://me:topsecret@host/x.git@main".into())], "without a password"),
        ] {
            let set: Vec<(&str, &str)> = set.iter().map(|(key, value)| (*key, value.as_str())).collect();
            let error = settled(&cache, &set).unwrap_err();
            assert!(error.contains(wanted) && !error.contains("topsecret"), "{set:?}: {error}");
        }
    }

    #[test]
    fn an_at_sign_before_a_host_names_no_branch() {
        for (value, uri, reference) in [
            ("https://host/x.git@main", "https://host/x.git", Some("main")),
            ("https://me@host/x.git", "https://me@host/x.git", None),
            ("ssh://git@host:22/x@feature/y", "ssh://git@host:22/x", Some("feature/y")),
            ("git@host:group/x.git", "git@host:group/x.git", None),
            ("git@host:x.git@v1.2", "git@host:x.git", Some("v1.2")),
            ("/srv/x@v1", "/srv/x", Some("v1")),
            ("../x@", "../x", None),
        ] {
            assert_eq!(split(value), (uri, reference), "{value}");
        }
        assert_eq!(name("git@host:a/b c.git"), "b-c");
        assert_eq!(name("https://host/.."), "source");
    }
}
