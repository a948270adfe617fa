//! The parsed configuration in the form that expansion wants: numbers instead of names.
//!
//! ```text
//!   last variants block = root ──> its variants ──> the block before it ──> … ──> the first lines of the file
//! ```
//! A later block stands above an earlier one, and every variant of a block shares what came before the block, so this
//! is a graph whose size is that of the text, not of the product. A leaf is a path from the root down; its values are
//! set from the leaf upwards, which is the order of the text.

use super::ids::{AtomId, FilterId, GuardId, KeyId, LabelId, NodeId, Text};
use super::template::Template;
use regex::Regex;
use std::path::PathBuf;
use std::sync::Arc;

/// A line of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(super) struct Loc {
    pub line: u32,
    pub file: u16,
}

/// What an assignment writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Value {
    /// Text without `${`.
    Plain(Text),
    /// Number of a [`Template`].
    Template(u32),
}

/// One statement.
#[derive(Clone, Copy, Debug)]
pub(super) enum Item {
    /// `k = v`, `k += v`, `k <= v`, `k ~= v`.
    Assign { how: How, key: KeyId, value: Value, loc: Loc },
    /// `k ?= v`, `k ?+= v`, `k ?<= v`: all keys that match and are there.
    Matching { how: How, pattern: u32, value: Value, loc: Loc },
    /// `del k`.
    Delete { key: KeyId },
    /// `suffix _x`; number of the suffix.
    Suffix { suffix: u32 },
    /// `filter:` and `!filter:` with their block.
    Condition { filter: FilterId, negated: bool, body: u32 },
}

/// What an operator does to the value before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum How {
    /// `=`
    Set,
    /// `+=`
    Append,
    /// `<=`
    Prepend,
    /// `~=`
    Lazy,
}

/// What can rule variants out.
#[derive(Clone, Copy, Debug)]
pub(super) struct Guard {
    pub filter: FilterId,
    pub kind: GuardKind,
    pub loc: Loc,
    /// The line, for messages.
    pub text: Text,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum GuardKind {
    Only,
    No,
    /// A condition that holds filters; number of its body.
    If(u32),
    /// The same with `!`.
    Unless(u32),
}

/// The block of a condition.
#[derive(Clone, Debug, Default)]
pub(super) struct Body {
    pub items: Vec<Item>,
    /// The filters of the block, and its conditions that have any.
    pub guards: Vec<GuardId>,
}

/// A block of statements with, below it, what stands before it.
#[derive(Clone, Debug, Default)]
pub(super) struct Node {
    /// What a variant adds to the name; nothing for what is no variant.
    pub labels: Vec<LabelId>,
    pub children: Vec<NodeId>,
    pub body: Body,
    /// One [`Guard`] for each alternative of each `join`.
    pub joins: Vec<GuardId>,
    /// Dependencies, each a list of labels.
    pub deps: Vec<Vec<LabelId>>,
    /// Whether the labels belong to the short name.
    pub in_shortname: bool,
    /// The line of the variant.
    pub loc: Loc,
    /// Whether this is the default of its block, and defaults are asked for.
    pub default: bool,
    /// Whether all children are wanted even when defaults are asked for.
    pub expanded: bool,
    /// Which labels lie below; number in [`Program::reaches`].
    pub reach: u32,
}

/// One part of a variant's name.
#[derive(Clone, Copy, Debug)]
pub(super) struct Label {
    /// `x` or `(v=x)`.
    pub long: Text,
    /// `x`.
    pub short: Text,
    /// What filters may call it: by its name, and by variable and name.
    pub atoms: [AtomId; 2],
}

/// The atoms that can still be met below a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// One bit for each atom.
    Some(Box<[u64]>),
    /// Not known: anything.
    Anything,
}

impl Reach {
    pub fn nothing() -> Reach {
        Reach::Some(Box::default())
    }

    pub fn has(&self, atom: AtomId) -> bool {
        match self {
            Reach::Some(bits) => {
                bits.get(atom as usize / 64).is_some_and(|word| word >> (atom % 64) & 1 == 1)
            }
            Reach::Anything => true,
        }
    }
}

/// A filter: alternatives of tests that must all hold.
pub(super) type Filter = Box<[Box<[Test]>]>;

/// One test of a filter.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Test {
    /// A label is there.
    One(AtomId),
    /// Labels stand next to each other, two or more.
    Row(Box<[AtomId]>),
}

/// The left side of `?=` and its kin.
#[derive(Clone, Debug)]
pub(super) enum Pattern {
    /// A plain name: one key.
    Key(KeyId),
    /// An expression.
    Regex(Regex),
}

/// Post-processing that the end of a key asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bound {
    Max(KeyId),
    Min(KeyId),
    Fixed(KeyId),
}

/// A key.
#[derive(Clone, Copy, Debug)]
pub(super) struct Key {
    pub name: Text,
    /// `,"name":"` as it stands in JSON.
    pub json: Text,
}

/// A configuration, ready to expand.
#[derive(Debug, Default)]
pub(super) struct Program {
    /// All texts, one behind the other.
    pub store: String,
    pub files: Vec<Arc<PathBuf>>,
    pub nodes: Vec<Node>,
    pub root: NodeId,
    pub bodies: Vec<Body>,
    pub filters: Vec<Filter>,
    pub guards: Vec<Guard>,
    pub labels: Vec<Label>,
    pub atoms: Vec<AtomInfo>,
    pub reaches: Vec<Reach>,
    pub keys: Vec<Key>,
    pub key_ids: std::collections::HashMap<Box<str>, KeyId>,
    pub templates: Vec<Template>,
    pub patterns: Vec<Pattern>,
    pub suffixes: Vec<Text>,
    /// The keys that end in `_min`, `_max` or `_fixed`.
    pub bounded: Vec<(KeyId, Bound)>,
    /// Blocks that have a name, each with the values that its variants give to it.
    pub blocks: Vec<(Text, Vec<Text>)>,
    /// Bytes that the values of one variant may take together.
    pub max_values: usize,
    /// Bytes that the names of one variant and of what it depends on may take together.
    pub max_names: usize,
    /// Steps to find one variant, and to build its values.
    pub max_work: u64,
    /// For each filter, how many labels it names, and how many of them in rows.
    pub sizes: Vec<(u32, u32)>,
    /// Bytes of the names of all keys.
    pub key_bytes: usize,
}

/// A label as some filter names it.
#[derive(Clone, Copy, Debug)]
pub(super) struct AtomInfo {
    pub variable: Option<Text>,
    pub name: Text,
    /// Whether any variant carries it.
    pub exists: bool,
}

impl Program {
    /// Text of the program's own store.
    pub fn text(&self, text: Text) -> &str {
        self.store.get(text.range()).unwrap_or("")
    }

    /// Steps that asking a filter about so many labels is worth.
    pub fn work_of(&self, filter: FilterId, labels: usize) -> u64 {
        let (names, in_rows) = self.sizes.get(filter as usize).copied().unwrap_or_default();
        // A row is compared with every part of the trail, most of which differ at once.
        let rows = u64::from(in_rows).saturating_mul(labels as u64) / 8;
        u64::from(names).saturating_add(rows)
    }

    /// A node that must be there; an empty one otherwise.
    pub fn node(&self, id: NodeId) -> Option<&Node> {
        self.nodes.get(id as usize)
    }

    /// `file:line`.
    pub fn origin(&self, loc: Loc) -> String {
        format!("{}:{}", self.file(loc).display(), loc.line)
    }

    /// The file of a place.
    pub fn file(&self, loc: Loc) -> &std::path::Path {
        self.files.get(usize::from(loc.file)).map_or(std::path::Path::new(""), |f| f.as_path())
    }
}
