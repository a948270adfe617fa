//! The files of a provider: a folder as it is, or a commit of a git repository.
//!
//! ```text
//!   CACHE/NAME/COMMIT/git  files      written once, under another name, then renamed
//!   CACHE/NAME/pin.json               which of them is used: written last, atomically
//! ```
//! So whenever perfvt is killed, the pin names files that are whole and of its commit, those of before or those of now.

use super::git::Tree;
use super::source::{Repository, Source, source};
use super::{Definition, ProviderError};
use edge::{Made, Scratch, owned, quoted};
use model::store::{create_directory, io_error, sync_directory, write_atomically};
use rustix::fs::{FlockOperation, flock, syncfs};
use serde::{Deserialize, Serialize};
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
    /// What the user should be told.
    pub note: Option<String>,
}

/// Version of the layout. The first one, of 0, had one folder `files` for all commits.
const LAYOUT: u32 = 1;
/// The files of the first layout.
const FIRST_FILES: &str = "files";
/// Digits of a commit in messages.
const SHORT: usize = 12;

/// What was fetched, and for which definition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Pin {
    #[serde(default)]
    layout: u32,
    uri: String,
    branch: Option<String>,
    reference: Option<String>,
    pubkey: Option<String>,
    commit: String,
    verified: bool,
}

/// What has been done of an update. Tests end it behind each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Locked,
    Cloned,
    Found,
    Verified,
    Written,
    Durable,
    Renamed,
    Pinned,
    Tidied,
}

/// Which commit is wanted.
enum Wanted<'a> {
    /// The one that the definition names now.
    Named,
    /// The one that a pin has.
    Exactly(&'a str),
}

/// The files of a provider; fetches them when they never were, or when the definition has changed.
///
/// # Errors
/// When they cannot be fetched, are not signed as they should be, or are not those of their commit any more.
pub fn checkout(definition: &Definition, cache: &Path) -> Result<Checkout, ProviderError> {
    if let Some(known) = pinned(definition, cache)? {
        return Ok(known);
    }
    let Source::Repository(repository) = source(definition)? else { return Err(ProviderError::NoCache) };
    let store = Store::new(definition, cache);
    match store.pin()? {
        // Of the first layout, and not usable as it is.
        Some(Pin { commit, .. }) => {
            let found = store.build(&repository, &Wanted::Exactly(&commit), &mut |_| {})?;
            let note = format!(
                "provider {}: an older perfvt had fetched commit {}; its files could not be used, and were fetched anew",
                definition.name,
                short(&commit)
            );
            Ok(Checkout { note: Some(note), ..found })
        }
        None => store.build(&repository, &Wanted::Named, &mut |_| {}),
    }
}

/// The files of a provider as far as they are here; nothing when they were never fetched.
///
/// # Errors
/// A local folder that is not there, files that are not those of their commit.
pub fn pinned(definition: &Definition, cache: &Path) -> Result<Option<Checkout>, ProviderError> {
    if let Source::Folder(root) = source(definition)? {
        if !root.is_dir() {
            let uri = definition.provider.uri.clone();
            return Err(ProviderError::NoFolder { name: definition.name.clone(), uri });
        }
        return Ok(Some(Checkout { root, commit: None, verified: false, note: None }));
    }
    let store = Store::new(definition, cache);
    match store.pin()? {
        None => Ok(None),
        Some(Pin { layout: 0, commit, .. }) => {
            // All of its commits are in the old folder, so its own files need not be trusted.
            let old = Repository { mirrored: true, ..Repository::here(&store.folder.join(FIRST_FILES)) };
            Ok(store.build(&old, &Wanted::Exactly(&commit), &mut |_| {}).ok())
        }
        Some(pin) => store.open(&pin).map(Some),
    }
}

/// Fetches a provider anew and pins the commit that its definition names now.
///
/// # Errors
/// As those of [`checkout`].
pub fn update(definition: &Definition, cache: &Path) -> Result<Checkout, ProviderError> {
    update_in_steps(definition, cache, &mut |_| {})
}

fn update_in_steps(
    definition: &Definition,
    cache: &Path,
    done: &mut dyn FnMut(Step),
) -> Result<Checkout, ProviderError> {
    match source(definition)? {
        Source::Folder(_) => pinned(definition, cache)?.ok_or(ProviderError::NoCache),
        Source::Repository(from) => Store::new(definition, cache).build(&from, &Wanted::Named, done),
    }
}

/// What the cache holds of one provider.
struct Store<'d> {
    definition: &'d Definition,
    folder: PathBuf,
}

impl<'d> Store<'d> {
    fn new(definition: &'d Definition, cache: &Path) -> Store<'d> {
        Store { definition, folder: cache.join(&definition.name) }
    }

    fn pin_path(&self) -> PathBuf {
        self.folder.join("pin.json")
    }

    /// The pin, when there is one for this definition.
    fn pin(&self) -> Result<Option<Pin>, ProviderError> {
        let Some(pin) = self.any_pin()? else { return Ok(None) };
        let own = Pin {
            commit: pin.commit.clone(),
            verified: pin.verified,
            layout: pin.layout,
            ..wanted(self.definition)
        };
        // A newer layout is fetched anew, and so is a pin that somebody has made up.
        Ok((own == pin && pin.layout <= LAYOUT && is_commit(&pin.commit)).then_some(pin))
    }

    fn any_pin(&self) -> Result<Option<Pin>, ProviderError> {
        let path = self.pin_path();
        match edge::read_text(&path, edge::read::CONFIG) {
            Ok(text) => Ok(serde_json::from_str(&text).ok()),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(io_error("reading", &path)(e).into()),
        }
    }

    /// What a pin names, if it is whole.
    fn open(&self, pin: &Pin) -> Result<Checkout, ProviderError> {
        let tree = Tree::new(self.folder.join(&pin.commit));
        match tree.difference(self.definition, &pin.commit)? {
            None => Ok(self.opened(&tree, &pin.commit, pin.verified)),
            Some(what) => Err(ProviderError::Damaged {
                name: self.definition.name.clone(),
                commit: short(&pin.commit).to_owned(),
                folder: tree.files(),
                what: quoted(&what).to_string(),
            }),
        }
    }

    fn opened(&self, tree: &Tree, commit: &str, verified: bool) -> Checkout {
        Checkout { root: tree.files(), commit: Some(commit.to_owned()), verified, note: None }
    }

    /// Makes the files of a commit and pins it.
    fn build(
        &self,
        from: &Repository,
        wanted_commit: &Wanted<'_>,
        done: &mut dyn FnMut(Step),
    ) -> Result<Checkout, ProviderError> {
        let (definition, folder) = (self.definition, &self.folder);
        create_directory(folder)?;
        // One perfvt at a time; the lock goes with the file.
        let lock = edge::read::directory(folder).map_err(io_error("opening", folder))?;
        flock(&lock, FlockOperation::LockExclusive).map_err(|e| io_error("locking", folder)(e.into()))?;
        done(Step::Locked);
        let before = self.any_pin()?.map(|pin| pin.commit);
        let scratch = Scratch::staging(folder, "").map_err(io_error("creating a folder in", folder))?;
        let new = scratch.path().join("commit");
        create_directory(&new)?;
        let tree = Tree::new(new.clone());
        tree.clone(definition, from)?;
        done(Step::Cloned);
        let commit = match wanted_commit {
            Wanted::Named => tree.wanted(definition)?,
            Wanted::Exactly(commit) => {
                let doing = format!(
                    "looking for commit {} that is pinned (`perfvt provider update {}` takes another)",
                    short(commit),
                    definition.name
                );
                tree.commit(definition, &doing, &[commit])?
            }
        };
        done(Step::Found);
        let verified = verify(definition, &tree, &commit)?;
        done(Step::Verified);
        tree.write_files(definition, &commit)?;
        done(Step::Written);
        let opened = edge::read::directory(&new).map_err(io_error("opening", &new))?;
        syncfs(&opened).map_err(|e| io_error("syncing", &new)(e.into()))?;
        done(Step::Durable);
        let place = folder.join(&commit);
        let there = Tree::new(place.clone());
        if !matches!(there.difference(definition, &commit), Ok(None)) {
            // Whatever lies there is not that commit; it goes with the scratch directory.
            if place.exists() {
                edge::write::rename(&place, scratch.path().join("damaged"))
                    .map_err(io_error("moving away", &place))?;
            }
            edge::write::rename(&new, &place).map_err(io_error("renaming to", &place))?;
            sync_directory(folder)?;
        }
        done(Step::Renamed);
        let pin = Pin { commit: commit.clone(), verified, ..wanted(definition) };
        write_atomically(&self.pin_path(), &serde_json::to_vec_pretty(&pin).unwrap_or_default())?;
        done(Step::Pinned);
        self.tidy(&[Some(commit.as_str()), before.as_deref()])?;
        done(Step::Tidied);
        Ok(self.opened(&there, &commit, verified))
    }

    /// Removes what perfvt made here and nobody needs: scratch directories of killed ones, commits but those to keep. The commit
    /// of before stays, because another perfvt may be reading its files.
    fn tidy(&self, keep: &[Option<&str>]) -> Result<(), ProviderError> {
        let entries = std::fs::read_dir(&self.folder).map_err(io_error("listing", &self.folder))?;
        for entry in entries.flatten() {
            let name = entry.file_name();
            let Some(name) = name.to_str() else { continue };
            if is_commit(name) && !keep.contains(&Some(name)) {
                let path = entry.path();
                let found = Made::found(&path, Tree::is_one).map_err(io_error("looking at", &path))?;
                found.map(Made::remove).transpose().map_err(io_error("removing", &path))?;
            }
        }
        owned::remove_dead(&self.folder);
        owned::remove_unfinished(&self.folder, false)
            .map_err(io_error("removing unfinished files in", &self.folder))?;
        Ok(())
    }
}

/// Whether a name is a whole commit's, of SHA-1 or SHA-256.
fn is_commit(name: &str) -> bool {
    [40, 64].contains(&name.len()) && name.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

fn short(commit: &str) -> &str {
    commit.get(..SHORT).unwrap_or(commit)
}

fn wanted(definition: &Definition) -> Pin {
    let provider = &definition.provider;
    Pin {
        layout: LAYOUT,
        uri: provider.uri.clone(),
        branch: provider.branch.clone(),
        reference: provider.reference.clone(),
        pubkey: provider.pubkey.clone(),
        commit: String::new(),
        verified: false,
    }
}

/// Checks the signature when the definition has a key: of a tag of that name and of that commit.
fn verify(definition: &Definition, tree: &Tree, commit: &str) -> Result<bool, ProviderError> {
    let Some(key) = &definition.provider.pubkey else { return Ok(false) };
    let not_a_tag = |what: &str| ProviderError::NotATag {
        name: definition.name.clone(),
        what: what.to_owned(),
        path: definition.path.clone(),
    };
    let tag = definition.provider.reference.as_deref().ok_or_else(|| not_a_tag("there is no ref"))?;
    match tree.kind(definition, tag) {
        Ok(kind) if kind == "tag" => {}
        Ok(_) => return Err(not_a_tag(&format!("{tag} is a tag that carries no signature"))),
        Err(_) => return Err(not_a_tag(&format!("{tag} is no tag"))),
    }
    // A signature says nothing about the name under which somebody hands out a tag: it could be that of an older one.
    let name = tree.name_within(definition, tag)?;
    if name != tag {
        return Err(not_a_tag(&format!("{tag} is another tag there, signed as {}", quoted(&name))));
    }
    if tree.wanted(definition)? != commit {
        return Err(not_a_tag(&format!("{tag} is not of commit {} any more", short(commit))));
    }
    // Beside its definition, unless it is absolute.
    let key = definition.path.parent().unwrap_or(Path::new("")).join(key);
    tree.verify(definition, tag, &key)?;
    Ok(true)
}

#[cfg(test)]
mod tests;
