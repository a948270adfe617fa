//! Configurations as trees, how they are written down, and a second, slow way to expand them: everything is
//! multiplied out first, and filtered afterwards.

use cartesian::{Config, Options};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// One variant in a comparable form.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Plain {
    pub name: String,
    pub shortname: String,
    pub dep: Vec<String>,
    pub params: BTreeMap<String, String>,
}

/// Expands a text.
pub fn expand(text: &str) -> Result<Vec<Plain>, String> {
    expand_with(text, Options::default())
}

pub fn expand_with(text: &str, options: Options) -> Result<Vec<Plain>, String> {
    plain(&Config::parse("t.cfg", text, options).map_err(|e| e.to_string())?)
}

/// All variants of a configuration.
pub fn plain(config: &Config) -> Result<Vec<Plain>, String> {
    let mut all = Vec::new();
    for variant in config.variants() {
        let variant = variant.map_err(|e| e.to_string())?;
        let params = variant.params.iter().map(|p| (p.key.clone(), p.value.clone())).collect();
        all.push(Plain { name: variant.name, shortname: variant.shortname, dep: variant.dep, params });
    }
    Ok(all)
}

/// Names only.
pub fn names(text: &str) -> Vec<String> {
    let config = Config::parse("t.cfg", text, Options::default()).unwrap();
    let mut expansion = config.expand();
    let mut all = Vec::new();
    while let Some(named) = expansion.next_name().unwrap() {
        all.push(named.name.to_owned());
    }
    all
}

/// `x` or `(v=x)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    pub variable: Option<String>,
    pub name: String,
}

impl Label {
    fn long(&self) -> String {
        self.variable.as_ref().map_or_else(|| self.name.clone(), |v| format!("({v}={})", self.name))
    }

    /// Whether a filter's label means this one of a variant.
    fn is_meant_by(&self, wanted: &Label) -> bool {
        self.name == wanted.name && (wanted.variable.is_none() || wanted.variable == self.variable)
    }
}

/// Alternatives of groups of neighbours.
pub type Filter = Vec<Vec<Vec<Label>>>;

#[derive(Clone, Debug)]
pub enum Statement {
    Assign { key: String, operator: &'static str, value: String },
    Delete(String),
    Only(Filter),
    No(Filter),
    Condition { negated: bool, filter: Filter, body: Vec<Statement> },
    Variants { name: Option<String>, variants: Vec<Variant> },
}

#[derive(Clone, Debug)]
pub struct Variant {
    pub marked: bool,
    pub name: Vec<String>,
    pub deps: Vec<Label>,
    pub body: Vec<Statement>,
}

fn filter_text(filter: &Filter) -> String {
    let row = |row: &Vec<Label>| row.iter().map(Label::long).collect::<Vec<_>>().join(".");
    let all = |rows: &Vec<Vec<Label>>| rows.iter().map(row).collect::<Vec<_>>().join("..");
    filter.iter().map(all).collect::<Vec<_>>().join(", ")
}

/// Writes statements down.
pub fn write(statements: &[Statement]) -> String {
    let mut text = String::new();
    block(&mut text, statements, 0);
    text
}

fn block(text: &mut String, statements: &[Statement], indent: usize) {
    let pad = " ".repeat(indent);
    for statement in statements {
        match statement {
            Statement::Assign { key, operator, value } => {
                writeln!(text, "{pad}{key} {operator} {value}").unwrap()
            }
            Statement::Delete(key) => writeln!(text, "{pad}del {key}").unwrap(),
            Statement::Only(filter) => writeln!(text, "{pad}only {}", filter_text(filter)).unwrap(),
            Statement::No(filter) => writeln!(text, "{pad}no {}", filter_text(filter)).unwrap(),
            Statement::Condition { negated, filter, body } => {
                let sign = if *negated { "!" } else { "" };
                writeln!(text, "{pad}{sign}{}:", filter_text(filter)).unwrap();
                block(text, body, indent + 4);
            }
            Statement::Variants { name, variants } => {
                let name = name.as_ref().map_or(String::new(), |name| format!(" {name}"));
                writeln!(text, "{pad}variants{name}:").unwrap();
                for variant in variants {
                    let mark = if variant.marked { "@" } else { "" };
                    let deps: String = variant.deps.iter().map(|dep| format!(" {}", dep.long())).collect();
                    writeln!(text, "{pad}    - {mark}{}:{deps}", variant.name.join(".")).unwrap();
                    block(text, &variant.body, indent + 8);
                }
            }
        }
    }
}

/// Multiplied out, a configuration of a test has at most so many variants.
pub const MANY: usize = 5_000;

/// How many variants there are before any filter.
pub fn product(statements: &[Statement]) -> usize {
    statements.iter().fold(1, |paths: usize, statement| match statement {
        Statement::Variants { variants, .. } => {
            variants.iter().map(|v| product(&v.body)).sum::<usize>().saturating_mul(paths)
        }
        _ => paths,
    })
}

/// A path through the blocks that have been read so far.
#[derive(Clone, Debug, Default)]
struct Path {
    labels: Vec<(Label, bool)>,
    deps: Vec<Vec<String>>,
    events: Vec<Statement>,
}

/// Multiplies everything out, then drops what filters rule out.
pub fn slowly(statements: &[Statement]) -> Vec<Plain> {
    frame(vec![Path::default()], statements).into_iter().filter_map(|path| finish(&path)).collect()
}

fn frame(mut paths: Vec<Path>, statements: &[Statement]) -> Vec<Path> {
    for statement in statements {
        let Statement::Variants { name, variants } = statement else {
            paths.iter_mut().for_each(|path| path.events.push(statement.clone()));
            continue;
        };
        let before = std::mem::take(&mut paths);
        for variant in variants {
            let mut inner = before.clone();
            if let Some(name) = name {
                let (key, value) = (name.clone(), variant.name.join("."));
                let event = Statement::Assign { key, operator: "=", value };
                inner.iter_mut().for_each(|path| path.events.push(event.clone()));
            }
            for mut path in frame(inner, &variant.body) {
                let own = variant.name.iter().map(|n| Label { variable: name.clone(), name: n.clone() });
                let own: Vec<Label> = own.collect();
                for dep in &mut path.deps {
                    dep.splice(0..0, own.iter().map(Label::long));
                }
                path.deps.splice(0..0, variant.deps.iter().map(|dep| vec![dep.long()]));
                path.labels.splice(0..0, own.into_iter().map(|label| (label, !variant.marked)));
                paths.push(path);
            }
        }
    }
    paths
}

fn finish(path: &Path) -> Option<Plain> {
    let labels: Vec<&Label> = path.labels.iter().map(|(label, _)| label).collect();
    let long: Vec<String> = labels.iter().map(|label| label.long()).collect();
    let short = path.labels.iter().filter(|(_, in_short)| *in_short).map(|(label, _)| label.name.as_str());
    let mut params = BTreeMap::new();
    carry_out(&path.events, &labels, &mut params)?;
    Some(Plain {
        name: long.join("."),
        shortname: short.collect::<Vec<_>>().join("."),
        dep: path.deps.iter().map(|dep| dep.join(".")).collect(),
        params,
    })
}

fn matches(filter: &Filter, labels: &[&Label]) -> bool {
    let row = |row: &Vec<Label>| {
        labels.windows(row.len()).any(|window| window.iter().zip(row).all(|(l, w)| l.is_meant_by(w)))
    };
    filter.iter().any(|all| all.iter().all(row))
}

fn carry_out(events: &[Statement], labels: &[&Label], params: &mut BTreeMap<String, String>) -> Option<()> {
    for event in events {
        match event {
            Statement::Only(filter) if !matches(filter, labels) => return None,
            Statement::No(filter) if matches(filter, labels) => return None,
            Statement::Condition { negated, filter, body } if matches(filter, labels) != *negated => {
                carry_out(body, labels, params)?;
            }
            Statement::Delete(key) => drop(params.remove(key)),
            Statement::Assign { key, operator, value } => assign(key, operator, value, params),
            _ => {}
        }
    }
    Some(())
}

fn assign(key: &str, operator: &str, value: &str, params: &mut BTreeMap<String, String>) {
    let mut new = String::new();
    let mut rest = value;
    while let Some((before, after)) = rest.split_once("${") {
        let (name, tail) = after.split_once('}').expect("values are well formed");
        let Some(found) = params.get(name) else { break };
        new = new + before + found;
        rest = tail;
    }
    new += rest;
    let old = params.get(key).cloned();
    let value = match (operator, old) {
        ("=", _) | ("~=", None) => new,
        ("+=", old) => old.unwrap_or_default() + &new,
        ("<=", old) => new + &old.unwrap_or_default(),
        ("?=", Some(_)) => new,
        ("?+=", Some(old)) => old + &new,
        ("?<=", Some(old)) => new + &old,
        _ => return,
    };
    params.insert(key.to_owned(), value);
}

/// Few names, so that filters meet them.
const NAMES: [&str; 5] = ["a", "b", "c", "d", "e"];
const VARIABLES: [&str; 2] = ["v", "w"];
const KEYS: [&str; 4] = ["k", "l", "mem", "k_vm1"];
const VALUES: [&str; 8] =
    ["", "1", "two words", "${k}", "x${l}y", "${nowhere}${k}", "${k}${l}", "a = b: c # d"];
const OPERATORS: [&str; 7] = ["=", "+=", "<=", "~=", "?=", "?+=", "?<="];

fn name() -> impl Strategy<Value = String> {
    prop::sample::select(&NAMES[..]).prop_map(str::to_owned)
}

/// Labels of filters and dependencies.
fn label(variables: bool) -> impl Strategy<Value = Label> {
    let variable = prop::option::weighted(0.2, prop::sample::select(&VARIABLES[..]));
    (variable, name()).prop_map(move |(variable, name)| {
        let variable = variable.filter(|_| variables).map(str::to_owned);
        Label { variable, name }
    })
}

pub fn filter(variables: bool) -> impl Strategy<Value = Filter> {
    let row = prop::collection::vec(label(variables), 1..3);
    prop::collection::vec(prop::collection::vec(row, 1..3), 1..4)
}

fn assignment() -> impl Strategy<Value = Statement> {
    let parts = (
        prop::sample::select(&KEYS[..]),
        prop::sample::select(&OPERATORS[..]),
        prop::sample::select(&VALUES[..]),
    );
    parts.prop_map(|(key, operator, value)| Statement::Assign {
        key: key.into(),
        operator,
        value: value.into(),
    })
}

/// Statements without variants.
fn body() -> impl Strategy<Value = Vec<Statement>> {
    let leaf = prop_oneof![
        5 => assignment(),
        1 => prop::sample::select(&KEYS[..]).prop_map(|key| Statement::Delete(key.into())),
        1 => filter(true).prop_map(Statement::Only),
        2 => filter(true).prop_map(Statement::No),
    ];
    let statement = leaf.prop_recursive(3, 12, 3, |inner| {
        (any::<bool>(), filter(true), prop::collection::vec(inner, 1..4))
            .prop_map(|(negated, filter, body)| Statement::Condition { negated, filter, body })
    });
    prop::collection::vec(statement, 0..4)
}

/// Whole configurations.
pub fn statements() -> impl Strategy<Value = Vec<Statement>> {
    body().prop_recursive(4, 60, 4, |inner| {
        let variant = (
            prop::bool::weighted(0.15),
            prop::collection::vec(name(), 1..3),
            prop::collection::vec(label(true), 0..2),
            prop_oneof![3 => Just(Vec::new()), 2 => inner.clone()],
        );
        let variant = variant.prop_map(|(marked, name, deps, body)| Variant { marked, name, deps, body });
        let name = prop::option::weighted(0.3, prop::sample::select(&VARIABLES[..]));
        let block = (name, prop::collection::vec(variant, 1..4))
            .prop_map(|(name, variants)| Statement::Variants { name: name.map(str::to_owned), variants });
        (inner, prop::collection::vec((block, body()), 1..3)).prop_map(|(mut all, blocks)| {
            for (block, after) in blocks {
                all.push(block);
                all.extend(after);
            }
            all
        })
    })
}
