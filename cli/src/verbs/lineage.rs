//! Where commits of a lake lie on the first-parent line of a repository.

use crate::Error;
use crate::args::InRepository;
use builds::{BuildError, Line, Repository};
use lake::{Campaign, Commit, Lake, Micros};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

/// Most commits between two measured ones that are written down, the newest.
const MOST: i64 = 10_000;

/// The line of a repository.
pub(super) struct Lineage {
    repository: Repository,
    branch: String,
    line: Line,
    /// What names of commits mean.
    known: BTreeMap<String, Place>,
}

/// A commit's place, and its whole hash; None for what has no place.
type Place = Option<(i64, String)>;

impl Lineage {
    /// That of the arguments, if they name one.
    ///
    /// # Errors
    /// It is no repository, a shallow one, or has no such branch.
    pub fn of(asked: &InRepository) -> Result<Option<Lineage>, Error> {
        let Some(folder) = &asked.repository else { return Ok(None) };
        let repository = Repository::open(folder)?;
        let line = repository.line(&asked.branch)?;
        Ok(Some(Lineage { repository, branch: asked.branch.clone(), line, known: BTreeMap::new() }))
    }

    /// Tells campaigns of their commits: each with those between it and its neighbours that the lake knows, so that an event has all
    /// commits of its range. A commit that has no place is said, once.
    ///
    /// # Errors
    /// git cannot be asked, or `err` not written.
    pub fn tell(
        &mut self,
        lake: &Lake,
        campaigns: &mut [&mut Campaign],
        err: &mut dyn Write,
    ) -> Result<(), Error> {
        let mut others: BTreeMap<i64, BTreeSet<String>> = BTreeMap::new();
        for row in lake.rows::<Commit>().rows {
            let Some(ordinal) = row.ordinal else { continue };
            others.entry(ordinal).or_default().insert(row.source);
        }
        let mut wanted: Vec<(i64, usize)> = Vec::new();
        for (at, campaign) in campaigns.iter_mut().enumerate() {
            for build in &campaign.builds {
                let Some(name) = build.commit.clone().filter(|name| !name.is_empty()) else { continue };
                let Some((ordinal, id)) = self.place(&name, err)? else { continue };
                campaign.commits.retain(|row| row.commit != name);
                if !id.starts_with(&name) {
                    // A tag is a name of its own of the same place.
                    let source = campaign.name.clone();
                    let tag = Commit { commit: name, source, ordinal: Some(ordinal), ..Commit::default() };
                    campaign.commits.push(tag);
                }
                wanted.push((ordinal, at));
            }
        }
        // The older ones first: what lies between belongs to the newer one.
        wanted.sort_unstable();
        for (ordinal, at) in wanted {
            let Some(campaign) = campaigns.get_mut(at) else { continue };
            let told = self.around(ordinal, &campaign.name, &others)?;
            for (place, commit) in told {
                others.entry(place).or_default().insert(campaign.name.clone());
                if !campaign.commits.iter().any(|row| row.commit == commit.id) {
                    campaign.commits.push(row(place, commit, &campaign.name));
                }
            }
        }
        Ok(())
    }

    /// A commit, those behind the one before it that others told of, and those before the next one.
    fn around(
        &self,
        ordinal: i64,
        own: &str,
        others: &BTreeMap<i64, BTreeSet<String>>,
    ) -> Result<Vec<(i64, builds::Commit)>, Error> {
        let is_others = |of: &(&i64, &BTreeSet<String>)| of.1.iter().any(|source| source != own);
        let before = others.range(..ordinal).rev().find(is_others).map(|(at, _)| *at);
        let next = others.range(ordinal + 1..).find(is_others).map(|(at, _)| *at);
        let from = before.unwrap_or(ordinal - 1).max(ordinal - MOST);
        let to = next.map_or(ordinal, |next| (next - 1).min(ordinal + MOST));
        Ok(self.repository.stretch(&self.line, from, to)?)
    }

    /// The place of what somebody called a commit: a hash, its beginning, or a tag.
    fn place(&mut self, name: &str, err: &mut dyn Write) -> Result<Place, Error> {
        if let Some(known) = self.known.get(name) {
            return Ok(known.clone());
        }
        let is_hash = name.len() >= 4 && name.bytes().all(|b| b.is_ascii_hexdigit());
        // A branch means another commit tomorrow.
        let asked = if is_hash { name.to_owned() } else { format!("refs/tags/{name}") };
        let folder = self.repository.folder().display();
        let place = match self.repository.commit(&asked) {
            Ok(commit) => {
                let place = self.line.ordinal(&commit.id);
                if place.is_none() {
                    let (name, branch) = (edge::quoted(name), edge::quoted(&self.branch));
                    writeln!(
                        err,
                        "warning: commit {name} is not on the first-parent line of {branch} in {folder}, and has no place there; \
                         --branch names another line"
                    )?;
                }
                place.map(|at| (at, commit.id))
            }
            Err(BuildError::NoCommit { .. }) => {
                writeln!(
                    err,
                    "warning: commit {} is not in {folder}, and has no place there; `git fetch` brings what a remote has",
                    edge::quoted(name)
                )?;
                None
            }
            Err(error) => return Err(error.into()),
        };
        self.known.insert(name.to_owned(), place.clone());
        Ok(place)
    }
}

fn row(ordinal: i64, commit: builds::Commit, source: &str) -> Commit {
    Commit {
        commit: commit.id,
        source: source.to_owned(),
        parent: commit.parents.into_iter().next(),
        ordinal: Some(ordinal),
        authored_at: Some(Micros(commit.authored.saturating_mul(1_000_000))),
        subject: Some(commit.subject),
        ..Commit::default()
    }
}
