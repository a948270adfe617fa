//! Assignments that no variant can reach: those of conditions that ask for a label which nobody has.

use super::Config;
use super::ids::{FilterId, KeyId};
use super::program::{Item, Program, Test};
use std::path::{Path, PathBuf};

/// An assignment within `label: ..` where no variant has such a label. A variant was probably meant: `- label:`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dormant {
    /// The file of the assignment.
    pub file: PathBuf,
    /// Its line.
    pub line: u32,
    /// The first label that nobody has.
    pub label: String,
}

/// Conditions within each other that are gone into.
const DEEPEST: usize = 100;

impl Config {
    /// The first assignment of a key to which no variant can come, because the condition around it asks for a label that no
    /// variant has.
    pub fn dormant(&self, key: &str) -> Option<Dormant> {
        let id = *self.program.key_ids.get(key)?;
        let bodies = self.program.nodes.iter().map(|node| &node.body.items);
        bodies.into_iter().find_map(|items| within(&self.program, items, id, None, DEEPEST))
    }
}

/// The first assignment among statements; `label` is the one that a condition around them asks for in vain.
fn within(
    program: &Program,
    items: &[Item],
    key: KeyId,
    label: Option<&str>,
    depth: usize,
) -> Option<Dormant> {
    items.iter().find_map(|item| match item {
        Item::Assign { key: assigned, loc, .. } if *assigned == key => {
            let file: &Path = program.file(*loc);
            Some(Dormant { file: file.to_owned(), line: loc.line, label: label?.to_owned() })
        }
        Item::Condition { filter, negated, body } => {
            let label = label.or_else(|| if *negated { None } else { in_vain(program, *filter) });
            let body = program.bodies.get(*body as usize)?;
            within(program, &body.items, key, label, depth.checked_sub(1)?)
        }
        _ => None,
    })
}

/// A label that nobody has, when no alternative of a filter does without one.
fn in_vain(program: &Program, filter: FilterId) -> Option<&str> {
    let missing = |test: &Test| {
        let atoms: &[_] = match test {
            Test::One(atom) => std::slice::from_ref(atom),
            Test::Row(atoms) => atoms,
        };
        let infos = atoms.iter().filter_map(|atom| program.atoms.get(*atom as usize));
        infos.filter(|info| !info.exists).map(|info| program.text(info.name)).next()
    };
    let mut first = None;
    for tests in program.filters.get(filter as usize)?.iter() {
        let label = tests.iter().find_map(missing)?;
        first = first.or(Some(label));
    }
    first
}

#[cfg(test)]
mod tests {
    use crate::{Config, Options};

    #[test]
    fn an_assignment_under_a_label_that_nobody_has_is_found() {
        let dormant = |text: &str| {
            let config = Config::parse("t.cfg", text, Options::default()).unwrap();
            config.dormant("image").map(|found| (found.file, found.line, found.label))
        };
        let found = |line, label: &str| Some(("t.cfg".into(), line, label.to_owned()));
        assert_eq!(dormant("Foo:\n    image = x\n"), found(2, "Foo"));
        assert_eq!(
            dormant("variants:\n    - a:\n        Foo..a, Bar:\n            image = x\n"),
            found(4, "Foo")
        );
        assert_eq!(dormant("variants:\n    - a:\nFoo:\n    a:\n        image = x\n"), found(5, "Foo"));
        assert_eq!(dormant("Foo:\n    mem = 1\n    image_2 = x\n"), None);
        assert_eq!(dormant("variants:\n    - Foo:\nFoo:\n    image = x\n!Bar:\n    image = y\n"), None);
        assert_eq!(dormant("variants:\n    - a:\na, Foo:\n    image = x\n"), None);
        assert_eq!(dormant("image = x\n"), None);
    }
}
