//! One variant: its name, and its parameters borrowed from the expansion or on their own.

use super::eval::Evaluator;
use super::ids::Text;
use super::program::{Loc, Program};
use super::suffix::Flat;
use std::path::{Path, PathBuf};

/// Who a variant is.
#[derive(Clone, Copy, Debug)]
pub struct Named<'e> {
    /// All labels, those of later blocks first: `four.(os=one)`.
    pub name: &'e str,
    /// The labels without `@`, variables left out: `four.one`.
    pub shortname: &'e str,
    /// Names of the variants that this one depends on.
    pub deps: &'e [String],
}

impl<'e> Named<'e> {
    pub(super) fn new(name: &'e str, shortname: &'e str, deps: &'e [String]) -> Named<'e> {
        Named { name, shortname, deps }
    }
}

/// The parameters of one variant, as long as the expansion stays there.
#[derive(Debug)]
pub struct Dict<'e> {
    program: &'e Program,
    pub(super) evaluator: &'e Evaluator<'e>,
    pub(super) flat: Option<Vec<Flat>>,
    /// Who it is.
    pub named: Named<'e>,
}

/// One parameter.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'e> {
    /// The key.
    pub key: &'e str,
    /// The value.
    pub value: &'e str,
    /// The file of the assignment that won.
    pub file: &'e Path,
    /// Its line.
    pub line: u32,
}

impl<'e> Dict<'e> {
    pub(super) fn new(
        program: &'e Program,
        evaluator: &'e Evaluator<'_>,
        flat: Option<Vec<Flat>>,
        named: Named<'e>,
    ) -> Dict<'e> {
        Dict { program, evaluator, flat, named }
    }

    /// The parameters in the order in which they were first set.
    pub fn iter(&self) -> impl Iterator<Item = Entry<'_>> {
        let entry = |key, value: Text, loc: Loc| {
            let (file, line) = (self.program.file(loc), loc.line);
            Entry { key, value: self.evaluator.text(value), file, line }
        };
        let plain = self
            .evaluator
            .plain()
            .map(move |(key, value, loc)| entry(self.program.text(key.name), value, loc));
        let flat =
            self.flat.iter().flatten().map(move |flat| entry(flat.name.as_str(), flat.value, flat.loc));
        plain.take(if self.flat.is_some() { 0 } else { usize::MAX }).chain(flat)
    }

    /// One parameter.
    pub fn get(&self, key: &str) -> Option<Entry<'_>> {
        self.iter().find(|entry| entry.key == key)
    }

    /// The variant on its own.
    pub fn to_variant(&self) -> Variant {
        let params = self.iter().map(Param::from).collect();
        Variant {
            name: self.named.name.to_owned(),
            shortname: self.named.shortname.to_owned(),
            dep: self.named.deps.to_vec(),
            params,
        }
    }

    /// Appends the variant for people: its name, then its keys in alphabetical order, name and dependencies among
    /// them.
    pub fn write_text(&self, out: &mut Vec<u8>) {
        let deps = super::eval::python_list(self.named.deps);
        let fixed = [("dep", deps.as_str()), ("name", self.named.name), ("shortname", self.named.shortname)];
        let mut all: Vec<(&str, &str)> =
            self.iter().map(|entry| (entry.key, entry.value)).chain(fixed).collect();
        all.sort_unstable();
        out.extend_from_slice(self.named.name.as_bytes());
        for (key, value) in all {
            for piece in ["\n    ", key, " = ", value] {
                out.extend_from_slice(piece.as_bytes());
            }
        }
        out.push(b'\n');
    }
}

/// A variant on its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variant {
    /// As [`Named::name`].
    pub name: String,
    /// As [`Named::shortname`].
    pub shortname: String,
    /// As [`Named::deps`].
    pub dep: Vec<String>,
    /// The parameters with their origins, in the order in which they were first set.
    pub params: Vec<Param>,
}

impl Variant {
    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.params.iter().find(|param| param.key == key).map(|param| param.value.as_str())
    }
}

/// One parameter on its own, as [`Entry`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Param {
    /// The key.
    pub key: String,
    /// The value.
    pub value: String,
    /// The file of the assignment that won.
    pub file: PathBuf,
    /// Its line.
    pub line: u32,
}

impl From<Entry<'_>> for Param {
    fn from(Entry { key, value, file, line }: Entry<'_>) -> Param {
        Param { key: key.to_owned(), value: value.to_owned(), file: file.to_owned(), line }
    }
}

/// One change of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The file of the assignment.
    pub file: PathBuf,
    /// Its line.
    pub line: u32,
    /// The value after it.
    pub value: String,
}
