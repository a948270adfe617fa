//! The needles of a folder, found by their tags.

use crate::needle::{LARGEST_JSON, Needle, NeedleError};
use std::path::{Path, PathBuf};

/// Needles of a folder at most, and how deep it is looked through.
const MOST: usize = 20_000;
const DEEPEST: usize = 6;

/// The needles of a folder.
#[derive(Debug, Default)]
pub struct Needles {
    all: Vec<Needle>,
}

impl Needles {
    /// Reads all of a folder and of those in it. Pictures are read when they are looked for.
    ///
    /// # Errors
    /// The first one that cannot be used.
    pub fn read(dir: &Path) -> Result<Needles, NeedleError> {
        Needles::read_all(std::iter::once(dir))
    }

    /// The same of several folders.
    ///
    /// # Errors
    /// As for [`Needles::read`].
    pub fn read_all<'a>(dirs: impl Iterator<Item = &'a Path>) -> Result<Needles, NeedleError> {
        let mut needles = Needles::default();
        for dir in dirs {
            needles.add(dir, DEEPEST)?;
        }
        needles.all.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(needles)
    }

    fn add(&mut self, dir: &Path, deeper: usize) -> Result<(), NeedleError> {
        let io = |path: &Path, source| NeedleError::Io {
            doing: "reading needles of",
            path: path.to_owned(),
            source,
        };
        let mut entries: Vec<PathBuf> = Vec::new();
        for entry in std::fs::read_dir(dir).map_err(|source| io(dir, source))? {
            entries.push(entry.map_err(|source| io(dir, source))?.path());
        }
        entries.sort();
        for path in entries {
            let hidden = path.file_name().is_none_or(|name| name.as_encoded_bytes().starts_with(b"."));
            // A link may lead back to where it is.
            let is_folder = path.symlink_metadata().is_ok_and(|meta| meta.is_dir());
            if is_folder && !hidden && deeper > 0 {
                self.add(&path, deeper - 1)?;
            } else if path.extension().is_some_and(|end| end == "json") && !hidden {
                let text = edge::read_text(&path, LARGEST_JSON).map_err(|source| io(&path, source))?;
                let name = path.file_stem().unwrap_or_default().to_string_lossy();
                let needle = Needle::parse(&name, &text, &path.with_extension("png"));
                self.all.push(needle.map_err(|why| NeedleError::Wrong { path: path.clone(), why })?);
            }
            if self.all.len() > MOST {
                return Err(NeedleError::Wrong {
                    path: dir.into(),
                    why: format!("there are more than {MOST} needles"),
                });
            }
        }
        Ok(())
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Those of a tag; the name of a needle is a tag as well.
    ///
    /// # Errors
    /// There is none.
    pub fn tagged(&self, tag: &str) -> Result<Vec<&Needle>, NeedleError> {
        let has = |needle: &&Needle| needle.name == tag || needle.tags.iter().any(|own| own == tag);
        let found: Vec<&Needle> = self.all.iter().filter(has).collect();
        if !found.is_empty() {
            return Ok(found);
        }
        let known = self.all.iter().flat_map(|needle| needle.tags.iter().chain([&needle.name]));
        let near = known.map(|known| (strsim::damerau_levenshtein(known, tag), known)).min();
        let near = near.filter(|(far, _)| *far <= 2 + tag.len() / 4);
        let near =
            near.map(|(_, near)| format!(", did you mean {}?", edge::quoted(near))).unwrap_or_default();
        Err(NeedleError::Tag { tag: edge::quoted(tag).to_string(), near, count: self.all.len() })
    }
}
