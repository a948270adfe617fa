//! What a configuration assigns, wherever it stands: without an expansion, so also what no variant comes to.

use super::Config;
use super::program::{Item, Value};
use std::path::Path;

/// One assignment: `k = v`, `k += v`, `k <= v` or `k ~= v`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Assigned<'c> {
    /// Its key.
    pub key: &'c str,
    /// Its value; none when something is replaced in it, as in `${x}`.
    pub value: Option<&'c str>,
    /// Its file.
    pub file: &'c Path,
    /// Its line, from 1 on.
    pub line: u32,
}

impl Config {
    /// Every assignment that was read, one line as often as its file is included. `k ?= v` is none: it has a pattern, no key.
    pub fn assigned(&self) -> impl Iterator<Item = Assigned<'_>> {
        let program = &self.program;
        let bodies = program.nodes.iter().map(|node| &node.body).chain(&program.bodies);
        bodies.flat_map(|body| &body.items).filter_map(|item| {
            let Item::Assign { key, value, loc, .. } = item else { return None };
            let key = program.text(program.keys.get(*key as usize)?.name);
            let value = match value {
                Value::Plain(text) => Some(program.text(*text)),
                Value::Template(_) => None,
            };
            Some(Assigned { key, value, file: program.file(*loc), line: loc.line })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::Options;
    use super::*;

    #[test]
    fn what_is_assigned_is_told_with_its_line_also_where_no_variant_comes() {
        let text = "a = 1\nvariants:\n    - x:\n        b += ${a}\n    - y:\nnobody:\n    c = 3\n    y:\n        d = 4\na ?= 9\n";
        let config = Config::parse("t.cfg", text, Options::default()).unwrap();
        let mut all: Vec<_> = config.assigned().map(|one| (one.line, one.key, one.value)).collect();
        all.sort_unstable();
        let want = [(1, "a", Some("1")), (4, "b", None), (7, "c", Some("3")), (9, "d", Some("4"))];
        assert_eq!(all, want);
        assert!(config.assigned().all(|one| one.file == Path::new("t.cfg")));
    }
}
