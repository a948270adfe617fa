//! Variants, one after the other.

use super::Bound;
use super::error::{CartesianError, near};
use super::eval::Evaluator;
use super::ids::GuardId;
use super::program::{AtomInfo, Program, Test};
use super::shown::{cut, escaped, quoted};
use super::variant::{Dict, Named, Step, Variant};
use super::walk::joined_name;
use super::walk::{Stuck, Walker};
use std::fmt;

/// An expansion at one of its variants. Memory is bounded by the depth of the configuration, not by the number of
/// variants.
#[derive(Debug)]
pub struct Expansion<'c> {
    program: &'c Program,
    walker: Walker<'c>,
    evaluator: Evaluator<'c>,
    name: String,
    shortname: String,
    deps: Vec<String>,
    found: u64,
    /// Steps that were taken to find variants.
    work: u64,
}

/// A filter that ruled variants out, when none is left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Culprit {
    /// `file:line`.
    pub origin: String,
    /// The line.
    pub text: String,
    /// Names that the filter wants and no variant has, each with one that it may have meant.
    pub unknown: Vec<(String, Option<String>)>,
}

impl fmt::Display for Culprit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ruled out by {}: {}", escaped(&self.origin), cut(&self.text))?;
        for (name, near) in self.unknown.iter().take(MAX_UNKNOWN) {
            let near = near.as_ref().map(|near| format!("; did you mean {}?", quoted(near)));
            write!(f, "\n        no variant is called {}{}", quoted(name), near.unwrap_or_default())?;
        }
        match self.unknown.len().saturating_sub(MAX_UNKNOWN) {
            0 => Ok(()),
            more => write!(f, "\n        and {more} more names that no variant has"),
        }
    }
}

/// Filters that are named when nothing is left.
const MAX_CULPRITS: usize = 3;
/// Names that no variant has and that are shown for each of them.
const MAX_UNKNOWN: usize = 10;
/// Those for which a name is looked for that was meant.
const MAX_NEAR: usize = 3;

impl<'c> Expansion<'c> {
    pub(super) fn new(program: &'c Program) -> Expansion<'c> {
        Expansion {
            program,
            walker: Walker::new(program),
            evaluator: Evaluator::new(program),
            name: String::new(),
            shortname: String::new(),
            deps: Vec::new(),
            found: 0,
            work: 0,
        }
    }

    /// Goes to the next variant and names it, without building its parameters.
    ///
    /// # Errors
    /// When it takes too long to find, or its names are too long.
    pub fn next_name(&mut self) -> Result<Option<Named<'_>>, CartesianError> {
        if self.skip_name()? { Ok(Some(self.named())) } else { Ok(None) }
    }

    /// Goes to the next variant without even naming it; false when there is none.
    pub(super) fn skip_name(&mut self) -> Result<bool, CartesianError> {
        let mut left = self.program.max_work;
        let advanced = self.walker.advance(&mut left);
        self.work += self.program.max_work - left;
        let advanced = advanced.map_err(|stuck| self.stuck(stuck))?;
        self.found += u64::from(advanced);
        Ok(advanced)
    }

    fn stuck(&self, stuck: Stuck) -> CartesianError {
        let program = self.program;
        let here = || program.origin(program.node(self.walker.at()).map(|node| node.loc).unwrap_or_default());
        match stuck {
            Stuck::Names => CartesianError::Names { origin: here(), limit: program.max_names },
            Stuck::Work => {
                let guard = self.walker.tally.busiest().and_then(|guard| program.guards.get(guard as usize));
                CartesianError::Work {
                    origin: guard.map_or_else(here, |guard| program.origin(guard.loc)),
                    what: "finding a variant that passes this filter and all others".to_owned(),
                    limit: program.max_work,
                    way_out: "put filters into the variants that they are about, or take fewer with `only`",
                }
            }
        }
    }

    /// Steps that were taken so far, to find variants and to build values.
    pub fn work(&self) -> u64 {
        self.work + self.evaluator.work
    }

    /// Steps that were taken to find variants.
    pub(super) fn walk_work(&self) -> u64 {
        self.work
    }

    /// Steps that were taken to build values.
    pub(super) fn built_work(&self) -> u64 {
        self.evaluator.work
    }

    /// Whether a bound is reached.
    pub fn is_beyond(&self, bound: &Bound) -> bool {
        self.found >= bound.variants || self.work() >= bound.work
    }

    /// Goes to the next variant and builds its parameters.
    ///
    /// # Errors
    /// As those of [`Expansion::next_name`]; and when a value cannot be compared with its bound, or values outgrow the
    /// limit or take too long to build.
    pub fn next_dict(&mut self) -> Result<Option<Dict<'_>>, CartesianError> {
        if self.skip_name()? { self.dict().map(Some) } else { Ok(None) }
    }

    /// Builds the parameters of the variant that [`Expansion::next_name`] went to.
    ///
    /// # Errors
    /// As those of [`Expansion::next_dict`].
    pub fn dict(&mut self) -> Result<Dict<'_>, CartesianError> {
        self.evaluator.build(&self.walker)?;
        self.named();
        let flat = self.evaluator.flat();
        let named = match self.walker.parts() {
            None => Named::new(&self.walker.name, &self.walker.shortname, &self.walker.deps),
            Some(_) => Named::new(&self.name, &self.shortname, &self.deps),
        };
        Ok(Dict::new(self.program, &self.evaluator, flat, named))
    }

    /// Notes every change of a key while parameters are built.
    pub fn trace(&mut self, key: &str) {
        self.evaluator.traced = self.program.key_ids.get(key).copied();
    }

    /// How many changes came before those of [`Expansion::steps`].
    pub fn earlier_steps(&self) -> usize {
        self.evaluator.earlier
    }

    /// The last changes of the traced key in the variant that was built last, oldest first. Of a long value, a part.
    pub fn steps(&self) -> Vec<Step> {
        let step = |s: &super::eval::Step| Step {
            file: self.program.file(s.loc).to_owned(),
            line: s.loc.line,
            value: s.value.clone(),
        };
        self.evaluator.steps.iter().map(step).collect()
    }

    /// How many variants have been gone through.
    pub fn found(&self) -> u64 {
        self.found
    }

    /// When the expansion ended without any variant: the filters that did it.
    pub fn emptied_by(&self) -> Vec<Culprit> {
        if self.found > 0 {
            return Vec::new();
        }
        let mut all = self.walker.tally.ranked();
        // A name that no variant has explains more than anything else.
        all.sort_by_cached_key(|guard| self.unknown(*guard).next().is_none());
        all.into_iter().take(MAX_CULPRITS).filter_map(|guard| self.culprit(guard)).collect()
    }

    /// What a filter asks for and no variant has.
    fn unknown(&self, guard: GuardId) -> impl Iterator<Item = &'c AtomInfo> {
        let program = self.program;
        let guard = program.guards.get(guard as usize);
        let filter = guard.and_then(|guard| program.filters.get(guard.filter as usize));
        let atoms = filter.into_iter().flatten().flatten().flat_map(|test| match test {
            Test::One(atom) => std::slice::from_ref(atom),
            Test::Row(row) => row,
        });
        atoms.filter_map(|atom| program.atoms.get(*atom as usize)).filter(|atom| !atom.exists)
    }

    fn culprit(&self, guard: GuardId) -> Option<Culprit> {
        let program = self.program;
        let found = program.guards.get(guard as usize)?;
        let unknown = self.unknown(guard).enumerate().map(|(index, atom)| {
            let name = program.text(atom.name);
            let known = program.labels.iter().map(|label| program.text(label.short));
            let near = near(name, known.take(if index < MAX_NEAR { usize::MAX } else { 0 }));
            let wanted =
                atom.variable.map_or_else(|| name.to_owned(), |v| format!("({}={name})", program.text(v)));
            (wanted, near.map(str::to_owned))
        });
        Some(Culprit {
            origin: program.origin(found.loc),
            text: program.text(found.text).to_owned(),
            unknown: unknown.collect(),
        })
    }

    fn named(&mut self) -> Named<'_> {
        let Some(parts) = self.walker.parts() else {
            return Named::new(&self.walker.name, &self.walker.shortname, &self.walker.deps);
        };
        let (name, shortname, deps) = joined(parts);
        (self.name, self.shortname, self.deps) = (name, shortname, deps);
        Named::new(&self.name, &self.shortname, &self.deps)
    }
}

/// Name, short name and dependencies of a joined variant. The last part's dependencies are those of the whole.
fn joined(parts: &[Walker<'_>]) -> (String, String, Vec<String>) {
    let one = |walker: &Walker<'_>| match walker.parts() {
        Some(parts) => joined(parts),
        None => (walker.name.clone(), walker.shortname.clone(), walker.deps.clone()),
    };
    let mut all = parts.iter().rev().map(one);
    let last = all.next().unwrap_or_default();
    all.fold(last, |(name, shortname, deps), (first, short, _)| {
        (joined_name(&first, &name), joined_name(&short, &shortname), deps)
    })
}

/// Owned variants, one after the other. An error ends them.
#[derive(Debug)]
pub struct Variants<'c> {
    expansion: Option<Expansion<'c>>,
}

impl<'c> Variants<'c> {
    pub(super) fn new(expansion: Expansion<'c>) -> Variants<'c> {
        Variants { expansion: Some(expansion) }
    }
}

impl Iterator for Variants<'_> {
    type Item = Result<Variant, CartesianError>;

    fn next(&mut self) -> Option<Self::Item> {
        let expansion = self.expansion.as_mut()?;
        let next = expansion.next_dict().map(|dict| dict.map(|dict| dict.to_variant())).transpose();
        if !matches!(next, Some(Ok(_))) {
            self.expansion = None;
        }
        next
    }
}
