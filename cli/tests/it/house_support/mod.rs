//! Crates, modules and what they import, read off the sources.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;
use syn::spanned::Spanned;
use syn::visit::Visit;

/// Names, each with the names that it imports, in order.
pub type Arrows = Vec<(String, BTreeSet<String>)>;

pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// The crates of the workspace by the names that code uses, each with those that it depends on outside of its tests.
pub fn crates() -> Arrows {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["metadata", "--format-version", "1", "--no-deps", "--offline"]).current_dir(root());
    let out = command.output().unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let all: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
    let packages = all["packages"].as_array().unwrap();
    let short = |name: &str| name.strip_prefix("perfvt-").unwrap_or("cli").to_owned();
    let ours = |name: &str| packages.iter().any(|p| p["name"] == name);
    let of = |package: &serde_json::Value| {
        let normal = package["dependencies"].as_array().unwrap().iter().filter(|d| d["kind"].is_null());
        let names = normal.filter_map(|d| d["name"].as_str()).filter(|name| ours(name));
        (short(package["name"].as_str().unwrap()), names.map(short).collect())
    };
    packages.iter().map(of).collect()
}

/// Every source of the workspace, tests included, by its path.
pub fn sources() -> Vec<(String, String)> {
    let mut found = Vec::new();
    for (name, _) in crates() {
        for entry in walkdir::WalkDir::new(root().join(name)).into_iter().map(Result::unwrap) {
            let path = entry.path();
            if path.extension().is_some_and(|e| e == "rs") {
                let shown = path.strip_prefix(root()).unwrap().display().to_string();
                found.push((shown, std::fs::read_to_string(path).unwrap()));
            }
        }
    }
    found
}

/// The arrows of a block of a document: ```` ```arrows NAME ````, then lines of `NAME -> NAME NAME`.
pub fn drawn(document: &str, block: &str) -> Arrows {
    let head = format!("```arrows {block}\n");
    let text = document.split_once(&head).unwrap_or_else(|| panic!("no block {block}")).1;
    let text = text.split_once("```").unwrap().0;
    let line = |line: &str| {
        let (name, to) = line.split_once("->").unwrap_or((line, ""));
        (name.trim().to_owned(), to.split_whitespace().map(str::to_owned).collect())
    };
    text.lines().filter(|line| !line.trim().is_empty()).map(line).collect()
}

/// A file of a crate's sources.
pub struct Module {
    /// `["guest", "argv"]`; nothing for the crate's root.
    path: Vec<String>,
    shown: String,
    file: syn::File,
    lines: usize,
}

/// A function, or a method.
pub struct Function {
    pub name: String,
    pub lines: usize,
    pub parameters: usize,
}

fn is_test(attrs: &[syn::Attribute]) -> bool {
    attrs.iter().any(|a| {
        a.path().is_ident("test")
            || a.path().is_ident("cfg")
                && matches!(&a.meta, syn::Meta::List(list) if list.tokens.to_string().contains("test"))
    })
}

fn is_test_item(item: &syn::Item) -> bool {
    match item {
        syn::Item::Mod(item) => is_test(&item.attrs),
        syn::Item::Fn(item) => is_test(&item.attrs),
        _ => false,
    }
}

impl Module {
    pub fn shown(&self) -> String {
        self.shown.clone()
    }

    pub fn lines_without_tests(&self) -> usize {
        let tests = self.file.items.iter().filter(|item| is_test_item(item));
        self.lines - tests.map(|item| lines(item.span())).sum::<usize>()
    }

    pub fn functions(&self) -> Vec<Function> {
        let mut found = Functions(Vec::new());
        self.file.items.iter().filter(|item| !is_test_item(item)).for_each(|item| found.visit_item(item));
        found.0
    }
}

fn lines(span: proc_macro2::Span) -> usize {
    span.end().line - span.start().line + 1
}

struct Functions(Vec<Function>);

impl Functions {
    fn add(&mut self, signature: &syn::Signature, block: &syn::Block) {
        let start = signature.span().start().line;
        self.0.push(Function {
            name: signature.ident.to_string(),
            lines: block.span().end().line - start + 1,
            parameters: signature.inputs.len(),
        });
    }
}

impl<'a> Visit<'a> for Functions {
    fn visit_item_fn(&mut self, item: &'a syn::ItemFn) {
        self.add(&item.sig, &item.block);
        syn::visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'a syn::ImplItemFn) {
        self.add(&item.sig, &item.block);
        syn::visit::visit_impl_item_fn(self, item);
    }

    fn visit_trait_item_fn(&mut self, item: &'a syn::TraitItemFn) {
        if let Some(block) = &item.default {
            self.add(&item.sig, block);
        }
        syn::visit::visit_trait_item_fn(self, item);
    }

    fn visit_item_mod(&mut self, item: &'a syn::ItemMod) {
        if !is_test(&item.attrs) {
            syn::visit::visit_item_mod(self, item);
        }
    }
}

/// Files that belong to tests only: their parent says so where it names them.
fn tests_of(file: &syn::File) -> BTreeSet<String> {
    let of = |item: &syn::Item| match item {
        syn::Item::Mod(item) if is_test(&item.attrs) => Some(item.ident.to_string()),
        _ => None,
    };
    file.items.iter().filter_map(of).collect()
}

/// All modules of a crate but those of its tests.
pub fn modules(name: &str) -> Vec<Module> {
    let source = root().join(name).join("src");
    let mut paths: Vec<PathBuf> = Vec::new();
    let all = walkdir::WalkDir::new(&source).sort_by_file_name();
    for entry in all.into_iter().map(Result::unwrap) {
        if entry.path().extension().is_some_and(|e| e == "rs") {
            paths.push(entry.into_path());
        }
    }
    let mut found: Vec<Module> = paths
        .iter()
        .map(|file| {
            let text = std::fs::read_to_string(file).unwrap();
            let inside = file.strip_prefix(&source).unwrap().with_extension("");
            let mut path: Vec<String> = inside.iter().map(|p| p.to_str().unwrap().to_owned()).collect();
            if path.last().is_some_and(|last| ["mod", "lib", "main"].contains(&last.as_str())) {
                path.pop();
            }
            let shown = file.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
            let lines = text.lines().count();
            Module { path, shown, file: syn::parse_file(&text).unwrap(), lines }
        })
        .collect();
    let tests: Vec<Vec<String>> = found
        .iter()
        .flat_map(|m| tests_of(&m.file).into_iter().map(|child| [m.path.clone(), vec![child]].concat()))
        .collect();
    found.retain(|m| !tests.iter().any(|test| m.path.starts_with(test)));
    found
}

/// Files of a crate that import or name something of another one, outside of their tests; whoever takes everything from there
/// takes this, too.
pub fn naming(name: &str, from: &str, what: &[&str]) -> Vec<String> {
    let takes = |path: &Vec<String>| {
        let at = path.iter().position(|name| name == from);
        at.is_some_and(|at| path.get(at + 1).is_none_or(|next| what.contains(&next.as_str())))
    };
    let all = modules(name).into_iter().filter(|module| paths_of(&module.file).0.iter().any(takes));
    all.map(|module| module.shown).collect()
}

/// Paths that a file imports or names, without its tests.
pub fn uses(text: &str) -> Vec<Vec<String>> {
    paths_of(&syn::parse_file(text).unwrap()).0
}

#[derive(Default)]
struct Paths {
    all: Vec<Vec<String>>,
    /// Those of `pub use`, with the name under which they are handed on.
    handed_on: Vec<(String, Vec<String>)>,
}

impl Paths {
    fn tree(&mut self, before: &[String], tree: &syn::UseTree, public: bool) {
        let with = |name: &syn::Ident| [before, &[name.to_string()]].concat();
        let mut add = |path: Vec<String>, name: String| {
            if public {
                self.handed_on.push((name, path.clone()));
            }
            self.all.push(path);
        };
        match tree {
            syn::UseTree::Path(path) => self.tree(&with(&path.ident), &path.tree, public),
            syn::UseTree::Name(name) if name.ident == "self" => {
                add(before.to_vec(), before.last().cloned().unwrap_or_default());
            }
            syn::UseTree::Name(name) => add(with(&name.ident), name.ident.to_string()),
            syn::UseTree::Rename(rename) => add(with(&rename.ident), rename.rename.to_string()),
            syn::UseTree::Glob(_) => add(before.to_vec(), String::new()),
            syn::UseTree::Group(group) => group.items.iter().for_each(|t| self.tree(before, t, public)),
        }
    }
}

impl<'a> Visit<'a> for Paths {
    fn visit_item_use(&mut self, item: &'a syn::ItemUse) {
        self.tree(&[], &item.tree, !matches!(item.vis, syn::Visibility::Inherited));
    }

    fn visit_path(&mut self, path: &'a syn::Path) {
        let names: Vec<String> = path.segments.iter().map(|s| s.ident.to_string()).collect();
        if names.len() > 1 {
            self.all.push(names);
        }
        syn::visit::visit_path(self, path);
    }

    fn visit_item_mod(&mut self, item: &'a syn::ItemMod) {
        if !is_test(&item.attrs) {
            syn::visit::visit_item_mod(self, item);
        }
    }

    fn visit_item_fn(&mut self, item: &'a syn::ItemFn) {
        if !is_test(&item.attrs) {
            syn::visit::visit_item_fn(self, item);
        }
    }
}

type Handed = Vec<(String, Vec<String>)>;

fn paths_of(file: &syn::File) -> (Vec<Vec<String>>, Handed) {
    let mut found = Paths::default();
    found.visit_file(file);
    (found.all, found.handed_on)
}

/// The modules of a crate, and who hands on what under which name.
struct Crate {
    modules: Vec<Module>,
    known: BTreeSet<Vec<String>>,
    handed_on: BTreeMap<(Vec<String>, String), Vec<String>>,
}

impl Crate {
    fn of(name: &str) -> Crate {
        let modules = modules(name);
        let known = modules.iter().map(|m| m.path.clone()).collect();
        let mut all = Crate { modules, known, handed_on: BTreeMap::new() };
        let mut handed_on = BTreeMap::new();
        for module in &all.modules {
            for (name, path) in paths_of(&module.file).1 {
                if let Some((target, rest)) = all.located(&module.path, &path)
                    && (!rest.is_empty() || path.last() != Some(&name))
                {
                    handed_on.insert((module.path.clone(), name), target);
                }
            }
        }
        all.handed_on = handed_on;
        all
    }

    /// The module that a path leads to from another one, and what is left of the path there. `None` for other crates.
    fn located(&self, from: &[String], path: &[String]) -> Option<(Vec<String>, Vec<String>)> {
        let mut names = path.iter().peekable();
        let mut at: Vec<String> = match names.peek()?.as_str() {
            "crate" => {
                names.next();
                Vec::new()
            }
            "self" => {
                names.next();
                from.to_vec()
            }
            "super" => {
                let mut at = from.to_vec();
                while names.next_if(|name| *name == "super").is_some() {
                    at.pop();
                }
                at
            }
            first if self.known.contains(&[from, &[first.to_owned()]].concat()) => from.to_vec(),
            _ => return None,
        };
        while let Some(name) =
            names.next_if(|name| self.known.contains(&[&at[..], &[(*name).clone()]].concat()))
        {
            at.push(name.clone());
        }
        let mut rest: Vec<String> = names.cloned().collect();
        // A name that is handed on belongs where it was made.
        for _ in 0..5 {
            let Some(first) = rest.first() else { break };
            let Some(next) = self.handed_on.get(&(at.clone(), first.clone())) else { break };
            at = next.clone();
            if at.last() == rest.first() {
                rest.remove(0);
            }
        }
        Some((at, rest))
    }

    /// Arrows between modules, as pairs of their paths.
    fn arrows(&self) -> BTreeSet<(Vec<String>, Vec<String>)> {
        let mut found = BTreeSet::new();
        for module in &self.modules {
            for path in paths_of(&module.file).0 {
                if let Some((to, _)) = self.located(&module.path, &path) {
                    found.insert((module.path.clone(), to));
                }
            }
        }
        found
    }
}

/// The rooms of a crate (folders and files of its sources' first level), each with the rooms that it imports.
pub fn rooms(name: &str) -> Arrows {
    let all = Crate::of(name);
    let mut rooms: BTreeMap<String, BTreeSet<String>> =
        all.known.iter().filter_map(|path| Some((path.first()?.clone(), BTreeSet::new()))).collect();
    for (from, to) in all.arrows() {
        if let (Some(from), Some(to)) = (from.first(), to.first())
            && from != to
        {
            rooms.entry(from.clone()).or_default().insert(to.clone());
        }
    }
    rooms.into_iter().collect()
}

/// Circles among the modules of one level, at every level of a crate.
pub fn circles(name: &str) -> Vec<String> {
    let mut levels: BTreeMap<Vec<String>, BTreeMap<String, BTreeSet<String>>> = BTreeMap::new();
    for (from, to) in Crate::of(name).arrows() {
        let same = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
        if let (Some(a), Some(b)) = (from.get(same), to.get(same)) {
            let level = levels.entry(from[..same].to_vec()).or_default();
            level.entry(a.clone()).or_default().insert(b.clone());
        }
    }
    let mut found = Vec::new();
    for (level, arrows) in levels {
        for (from, direct) in &arrows {
            for to in direct.iter().filter(|to| reaches(&arrows, to, from)) {
                found.push(format!(
                    "{name}/src/{}: {from} imports {to}, which leads back to it",
                    level.join("/")
                ));
            }
        }
    }
    found
}

fn reaches(arrows: &BTreeMap<String, BTreeSet<String>>, from: &str, to: &str) -> bool {
    let (mut seen, mut next) = (BTreeSet::new(), vec![from]);
    while let Some(name) = next.pop() {
        if name == to {
            return true;
        }
        if seen.insert(name) {
            next.extend(arrows.get(name).into_iter().flatten().map(String::as_str));
        }
    }
    false
}
