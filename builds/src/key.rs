//! When two builds are one: the same tree, patch, recipe and compiler.

use crate::recipe::Recipe;

/// The version of what a key is made of; a change of it builds everything anew.
///
/// Changelog: 2, builds keep what they were configured to be.
pub const KEY_FORMAT: u32 = 2;

/// All that what comes out depends on.
#[derive(Clone, Debug)]
pub struct BuildKey<'a> {
    /// The hash of the commit's tree, which holds the commits of its submodules.
    pub tree: &'a str,
    /// What is put on it.
    pub patch: Option<&'a [u8]>,
    /// How it is built.
    pub recipe: &'a Recipe,
    /// What the compiler and the linker say of themselves.
    pub compiler: &'a [String],
    /// Where it is built: paths get into what a compiler makes.
    pub lane: &'a str,
}

impl BuildKey<'_> {
    /// Its name in the cache: 32 hexadecimal digits of BLAKE3.
    pub fn name(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        // Each part has its length before it, so that no two lists of parts are one text.
        let mut add = |part: &[u8]| {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part);
        };
        add(&KEY_FORMAT.to_le_bytes());
        add(self.tree.as_bytes());
        add(self.patch.map(blake3::hash).map_or(String::new(), |hash| hash.to_hex().to_string()).as_bytes());
        for part in self.recipe.parts() {
            add(part.as_bytes());
        }
        for line in self.compiler {
            add(line.as_bytes());
        }
        add(self.lane.as_bytes());
        hasher.finalize().to_hex().as_str().get(..32).unwrap_or_default().to_owned()
    }
}
