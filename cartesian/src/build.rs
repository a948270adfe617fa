//! Names into numbers while a configuration is read, and what is worked out once it has been.

use super::filter::{FilterText, LabelName};
use super::ids::{AtomId, FilterId, GuardId, KeyId, LabelId, NodeId, Text};
use super::labels::NONE;
use super::program::{
    AtomInfo, Bound, Filter, Guard, Key, Label, Node, Pattern, Program, Reach, Test, Value,
};
use super::template::{self, Part, Slot, Template};
use regex::RegexBuilder;
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Keys that belong to the expansion itself: assignments to them are ignored.
pub(super) const RESERVED: [&str; 5] = ["name", "shortname", "dep", "_short_name_map_file", "_name_map_file"];

/// Bytes that a compiled key expression may take.
const REGEX_SIZE: usize = 1 << 20;
/// What is enough for most of them.
const REGEX_SMALL: usize = 1 << 16;
/// Bytes that all of them may take together, each rounded up to one of the above.
const REGEX_TOTAL: usize = 128 << 20;
/// Words of label sets that are kept, 32 MB; beyond it pruning is less sharp.
const REACH_WORDS: usize = 1 << 22;

/// A key expression that is not taken.
#[derive(Debug, thiserror::Error)]
pub(super) enum PatternError {
    /// It is none.
    #[error(transparent)]
    Regex(#[from] regex::Error),
    /// There are too many.
    #[error("more expressions than fit in {REGEX_TOTAL} bytes")]
    TooMany,
}

/// A program being made.
#[derive(Debug, Default)]
pub(super) struct Builder {
    pub program: Program,
    texts: HashMap<Box<str>, Text>,
    labels: HashMap<(Option<Text>, Text), LabelId>,
    atoms: HashMap<(Option<Text>, Text), AtomId>,
    filters: HashMap<Filter, FilterId>,
    patterns: HashMap<Box<str>, u32>,
    regex_bytes: usize,
    suffixes: HashMap<Text, u32>,
    blocks: HashMap<Text, usize>,
    block_values: HashSet<(Text, Text)>,
    files: HashMap<PathBuf, u16>,
}

/// A length as an id; the limits on lines keep it far below the end of the range.
fn id(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}

impl Builder {
    /// The one copy of a text.
    pub fn text(&mut self, text: &str) -> Text {
        if let Some(known) = self.texts.get(text) {
            return *known;
        }
        let odd = text.bytes().any(|b| b < b' ' || b == b'"' || b == b'\\');
        let start = self.program.store.len();
        let stored = Text::stored(start, text.len(), odd).unwrap_or_default();
        self.program.store.push_str(text);
        self.texts.insert(text.into(), stored);
        stored
    }

    /// The number of a file; `None` when there are too many.
    pub fn file(&mut self, path: &Path) -> Option<(u16, Arc<PathBuf>)> {
        if let Some(file) = self.files.get(path) {
            return Some((*file, Arc::clone(self.program.files.get(usize::from(*file))?)));
        }
        let file = u16::try_from(self.program.files.len()).ok()?;
        let name = Arc::new(path.to_owned());
        self.program.files.push(Arc::clone(&name));
        self.files.insert(path.to_owned(), file);
        Some((file, name))
    }

    /// The number of a key.
    pub fn key(&mut self, name: &str) -> KeyId {
        if let Some(key) = self.program.key_ids.get(name) {
            return *key;
        }
        let key = id(self.program.keys.len());
        let text = self.text(name);
        self.program.key_bytes += name.len();
        self.program.keys.push(Key { name: text, json: Text::default() });
        self.program.key_ids.insert(name.into(), key);
        key
    }

    /// A value, cut at its `${key}`s. The parts share the one stored copy of the text.
    pub fn value(&mut self, text: &str) -> Value {
        let whole = self.text(text);
        let mut parts = Vec::new();
        let mut from = 0;
        while let Some(found) = template::find(text, from) {
            let key = match found.key {
                "name" => Slot::Name,
                "shortname" => Slot::ShortName,
                "dep" => Slot::Dep,
                key => Slot::Key(self.key(key)),
            };
            let (before, rest) = (whole.part(from..found.start), whole.part(found.start..text.len()));
            parts.push(Part { before, key, rest });
            from = found.end;
        }
        if parts.is_empty() {
            return Value::Plain(whole);
        }
        parts.push(Part { before: whole.part(from..text.len()), key: Slot::End, rest: Text::default() });
        let number = id(self.program.templates.len());
        self.program.templates.push(Template { parts });
        Value::Template(number)
    }

    /// A label that a variant carries.
    pub fn label(&mut self, variable: Option<&str>, name: &str) -> LabelId {
        let short = self.text(name);
        let variable_text = variable.map(|v| self.text(v));
        let next = id(self.program.labels.len());
        let label = *self.labels.entry((variable_text, short)).or_insert(next);
        if label == next {
            let long = match variable {
                Some(variable) => self.text(&format!("({variable}={name})")),
                None => short,
            };
            self.program.labels.push(Label { long, short, atoms: [NONE; 2] });
        }
        label
    }

    fn atom(&mut self, label: &LabelName<'_>) -> AtomId {
        let name = self.text(label.name);
        let variable = label.variable.map(|v| self.text(v));
        let next = id(self.program.atoms.len());
        let atom = *self.atoms.entry((variable, name)).or_insert(next);
        if atom == next {
            self.program.atoms.push(AtomInfo { variable, name, exists: false });
        }
        atom
    }

    /// The number of a filter.
    pub fn filter(&mut self, text: &FilterText<'_>) -> FilterId {
        let filter: Filter = text
            .iter()
            .map(|groups| {
                let tests = groups.iter().map(|group| match group.as_slice() {
                    [one] => Test::One(self.atom(one)),
                    row => Test::Row(row.iter().map(|label| self.atom(label)).collect()),
                });
                tests.collect()
            })
            .collect();
        let next = id(self.program.filters.len());
        let number = *self.filters.entry(filter.clone()).or_insert(next);
        if number == next {
            let narrow = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
            let rows = |test: &Test| if let Test::Row(row) = test { row.len() } else { 0 };
            let in_rows: usize = filter.iter().flatten().map(rows).sum();
            let ones = filter.iter().flatten().filter(|test| matches!(test, Test::One(_))).count();
            self.program.sizes.push((narrow(in_rows + ones + 1), narrow(in_rows)));
            self.program.filters.push(filter);
        }
        number
    }

    /// The number of a guard.
    pub fn guard(&mut self, guard: Guard) -> GuardId {
        self.program.guards.push(guard);
        id(self.program.guards.len() - 1)
    }

    /// The left side of `?=`: an expression that must match a key from its beginning to its end, or the reason why it
    /// is none.
    pub fn pattern(&mut self, text: &str) -> Result<u32, PatternError> {
        if let Some(pattern) = self.patterns.get(text) {
            return Ok(*pattern);
        }
        let pattern = if text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-') {
            Pattern::Key(self.key(text))
        } else {
            // As the reference anchors it: in `a|b` only the last alternative is bound to the end.
            let whole = format!("\\A(?:{text}$)");
            let build =
                |size: usize| RegexBuilder::new(&whole).size_limit(size).dfa_size_limit(REGEX_SMALL).build();
            let (regex, size) = match build(REGEX_SMALL) {
                Ok(regex) => (regex, REGEX_SMALL),
                Err(_) => (build(REGEX_SIZE)?, REGEX_SIZE),
            };
            self.regex_bytes += size;
            if self.regex_bytes > REGEX_TOTAL {
                return Err(PatternError::TooMany);
            }
            Pattern::Regex(regex)
        };
        let number = id(self.program.patterns.len());
        self.program.patterns.push(pattern);
        self.patterns.insert(text.into(), number);
        Ok(number)
    }

    /// The number of a suffix.
    pub fn suffix(&mut self, text: &str) -> u32 {
        let text = self.text(text);
        let next = id(self.program.suffixes.len());
        let number = *self.suffixes.entry(text).or_insert(next);
        if number == next {
            self.program.suffixes.push(text);
        }
        number
    }

    /// Notes a variant of a block that has a name.
    pub fn block_value(&mut self, name: &str, value: &str) {
        let (name, value) = (self.text(name), self.text(value));
        let blocks = &mut self.program.blocks;
        let next = blocks.len();
        let number = *self.blocks.entry(name).or_insert(next);
        if number == next {
            blocks.push((name, Vec::new()));
        }
        if let Some((_, values)) = blocks.get_mut(number)
            && self.block_values.insert((name, value))
        {
            values.push(value);
        }
    }

    /// Adds a node.
    pub fn node(&mut self, node: Node) -> NodeId {
        self.program.nodes.push(node);
        id(self.program.nodes.len() - 1)
    }

    /// Works out what depends on the whole, and gives the program.
    pub fn finish(mut self, root: NodeId) -> Program {
        self.program.root = root;
        self.bounds();
        self.json_keys();
        self.name_labels();
        self.reaches();
        self.program.store.shrink_to_fit();
        self.program
    }

    /// Finds the keys that cap others.
    fn bounds(&mut self) {
        for index in 0..self.program.keys.len() {
            let Some(key) = self.program.keys.get(index).copied() else { continue };
            let name = self.program.text(key.name).to_owned();
            let ending = ["_max", "_min", "_fixed"].into_iter().find(|end| name.ends_with(end));
            let Some(ending) = ending else { continue };
            // Up to the first such ending, not the last: `a_max_b_max` caps `a`.
            let target = name.split(ending).next().unwrap_or("");
            if RESERVED.contains(&target) {
                continue;
            }
            let target = self.key(target);
            let bound = match ending {
                "_max" => Bound::Max(target),
                "_min" => Bound::Min(target),
                _ => Bound::Fixed(target),
            };
            self.program.bounded.push((id(index), bound));
        }
    }

    /// Prepares what stands before a value in JSON.
    fn json_keys(&mut self) {
        for index in 0..self.program.keys.len() {
            let Some(name) = self.program.keys.get(index).map(|key| self.program.text(key.name)) else {
                continue;
            };
            let mut json = b",".to_vec();
            super::json::string(&mut json, name.as_bytes(), true);
            json.extend(b":\"");
            let json = self.text(&String::from_utf8_lossy(&json));
            if let Some(key) = self.program.keys.get_mut(index) {
                key.json = json;
            }
        }
    }

    /// Tells labels what filters call them, and filters whether any label answers.
    fn name_labels(&mut self) {
        for ((variable, name), label) in &self.labels {
            let by_name = self.atoms.get(&(None, *name)).copied();
            let by_both = variable.and_then(|v| self.atoms.get(&(Some(v), *name)).copied());
            for atom in [by_name, by_both].into_iter().flatten() {
                if let Some(info) = self.program.atoms.get_mut(atom as usize) {
                    info.exists = true;
                }
            }
            if let Some(label) = self.program.labels.get_mut(*label as usize) {
                label.atoms = [by_name.unwrap_or(NONE), by_both.unwrap_or(NONE)];
            }
        }
    }

    /// Finds what lies below each node. Children always come before their parents.
    fn reaches(&mut self) {
        let words = self.program.atoms.len().div_ceil(64);
        let mut reaches = vec![Reach::nothing(), Reach::Anything];
        let mut own: Vec<u32> = Vec::with_capacity(self.program.nodes.len());
        for node in &self.program.nodes {
            let first = node.children.first().and_then(|c| own.get(*c as usize)).copied();
            let plain = |c: &NodeId| self.program.node(*c).is_some_and(|c| c.labels.is_empty());
            let number = match (node.children.as_slice(), first) {
                ([], _) => 0,
                ([only], Some(first)) if plain(only) => first,
                _ if reaches.len().saturating_mul(words) > REACH_WORDS => 1,
                (children, _) => {
                    reaches.push(self.union(children, &own, &reaches, words));
                    id(reaches.len() - 1)
                }
            };
            own.push(number);
        }
        for (node, reach) in self.program.nodes.iter_mut().zip(own) {
            node.reach = reach;
        }
        self.program.reaches = reaches;
    }

    fn union(&self, children: &[NodeId], own: &[u32], reaches: &[Reach], words: usize) -> Reach {
        let mut all = vec![0u64; words];
        for child in children {
            match own.get(*child as usize).and_then(|r| reaches.get(*r as usize)) {
                Some(Reach::Some(bits)) => all.iter_mut().zip(bits).for_each(|(a, b)| *a |= b),
                _ => return Reach::Anything,
            }
            let labels = self.program.node(*child).map_or(&[][..], |node| &node.labels);
            for label in labels.iter().filter_map(|l| self.program.labels.get(*l as usize)) {
                for atom in label.atoms {
                    if let Some(word) = all.get_mut(atom as usize / 64) {
                        *word |= 1 << (atom % 64);
                    }
                }
            }
        }
        Reach::Some(all.into())
    }
}
