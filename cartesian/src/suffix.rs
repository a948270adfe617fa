//! `suffix`: keys that carry suffixes, and what becomes of them in the end.

use super::ids::{KeyId, Text};
use super::program::{Loc, Program};
use std::collections::HashMap;

/// Keys with suffixes. Their numbers follow those of the program's keys.
#[derive(Debug)]
pub(super) struct Tuples {
    first: KeyId,
    all: Vec<Tuple>,
    known: HashMap<(KeyId, u32), KeyId>,
}

/// A key with its last suffix. What it was before is a key of its own, so that many suffixes upon each other take no
/// more room than as many keys.
#[derive(Clone, Copy, Debug)]
struct Tuple {
    base: KeyId,
    before: KeyId,
    suffix: u32,
    /// Bytes of the name with all suffixes.
    bytes: usize,
}

impl Tuples {
    pub fn new(keys: usize) -> Tuples {
        let first = KeyId::try_from(keys).unwrap_or(KeyId::MAX);
        Tuples { first, all: Vec::new(), known: HashMap::new() }
    }

    pub fn len(&self) -> usize {
        self.all.len()
    }

    pub fn clear(&mut self) {
        self.all.clear();
        self.known.clear();
    }

    pub fn is_tuple(&self, key: KeyId) -> bool {
        key >= self.first
    }

    fn get(&self, key: KeyId) -> Option<&Tuple> {
        self.all.get(key.checked_sub(self.first)? as usize)
    }

    /// The key with one more suffix.
    pub fn with_suffix(&mut self, program: &Program, key: KeyId, suffix: u32) -> KeyId {
        if let Some(known) = self.known.get(&(key, suffix)) {
            return *known;
        }
        let more = program.suffixes.get(suffix as usize).map_or(0, |suffix| suffix.range().len());
        let bytes = self.bytes(program, key) + more;
        let tuple = Tuple { base: self.base(key), before: key, suffix, bytes };
        let id = self.first.saturating_add(u32::try_from(self.all.len()).unwrap_or(u32::MAX));
        self.all.push(tuple);
        self.known.insert((key, suffix), id);
        id
    }

    /// Bytes of a key's name with its suffixes.
    pub fn bytes(&self, program: &Program, key: KeyId) -> usize {
        let plain = || program.keys.get(key as usize).map_or(0, |key| key.name.range().len());
        self.get(key).map_or_else(plain, |tuple| tuple.bytes)
    }

    /// The key without its suffixes.
    pub fn base(&self, key: KeyId) -> KeyId {
        self.get(key).map_or(key, |tuple| tuple.base)
    }

    /// Key and suffixes in the order in which they came: what `?=` and `del` see.
    pub fn joined(&self, program: &Program, key: KeyId) -> String {
        self.written(program, key, false)
    }

    fn written(&self, program: &Program, key: KeyId, backwards: bool) -> String {
        let mut name =
            program.keys.get(self.base(key) as usize).map_or("", |k| program.text(k.name)).to_owned();
        let mut suffixes: Vec<u32> = Vec::new();
        let mut next = self.get(key);
        while let Some(tuple) = next {
            suffixes.push(tuple.suffix);
            next = self.get(tuple.before);
        }
        // The last one came first.
        if !backwards {
            suffixes.reverse();
        }
        for suffix in suffixes {
            name.push_str(program.suffixes.get(suffix as usize).map_or("", |s| program.text(*s)));
        }
        name
    }
}

/// A key with its suffixes resolved.
#[derive(Clone, Debug)]
pub(super) struct Flat {
    pub name: String,
    pub value: Text,
    pub loc: Loc,
}

/// Resolves suffixes: one that makes no difference is dropped, the others are written behind the key, the last one
/// first. "No difference": the key without suffix has the same value, or all that share the key have.
pub(super) fn flatten<'t>(
    program: &Program,
    tuples: &Tuples,
    entries: impl Iterator<Item = (KeyId, Text, Loc)>,
    text: impl Fn(Text) -> &'t str,
) -> Vec<Flat> {
    let entries: Vec<(KeyId, Text, Loc)> = entries.collect();
    let mut plain: HashMap<KeyId, Text> = HashMap::new();
    let mut alike: HashMap<KeyId, (Text, bool)> = HashMap::new();
    for (key, value, _) in &entries {
        if !tuples.is_tuple(*key) {
            plain.insert(*key, *value);
        }
        let known = alike.entry(tuples.base(*key)).or_insert((*value, true));
        known.1 &= text(known.0) == text(*value);
    }
    let mut flat: Vec<Flat> = Vec::with_capacity(entries.len());
    let mut places: HashMap<String, usize> = HashMap::new();
    let (simple, suffixed): (Vec<_>, Vec<_>) =
        entries.into_iter().partition(|(key, ..)| !tuples.is_tuple(*key));
    for (key, value, loc) in simple.into_iter().chain(suffixed) {
        let base = tuples.base(key);
        if tuples.is_tuple(key) && plain.get(&base).is_some_and(|general| text(*general) == text(value)) {
            continue;
        }
        let dropped = alike.get(&base).is_some_and(|(_, alike)| *alike);
        let name =
            if dropped { tuples.written(program, base, true) } else { tuples.written(program, key, true) };
        match places.get(&name).and_then(|place| flat.get_mut(*place)) {
            Some(entry) => (entry.value, entry.loc) = (value, loc),
            None => {
                places.insert(name.clone(), flat.len());
                flat.push(Flat { name, value, loc });
            }
        }
    }
    flat
}
