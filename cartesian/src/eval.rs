//! The values of one variant: its statements carried out in the order of the text.
//!
//! Keys are numbers and values are spans of text, so that an assignment is two stores; nothing is copied before it
//! is changed, and everything is reused for the next variant. What single statements do is in `assign`.

mod assign;

use super::bounds;
use super::error::CartesianError;
use super::ids::{KeyId, Text};
use super::labels::Trail;
use super::program::{How, Item, Key, Loc, Program, Value};
use super::shown::{cut, quoted};
use super::suffix::{Flat, Tuples, flatten};
use super::walk::Walker;

/// What is known of one key.
#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    /// The variant that set it; any other means that it is not set.
    generation: u32,
    /// Where it stands in the order of keys.
    position: u32,
    value: Text,
    loc: Loc,
}

/// Composite keys that are kept from one variant to the next.
const MAX_TUPLES: usize = 1 << 16;

/// One change of a traced key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Step {
    pub loc: Loc,
    pub value: String,
}

/// Builds the values of variants.
#[derive(Debug)]
pub(super) struct Evaluator<'p> {
    program: &'p Program,
    generation: u32,
    slots: Vec<Slot>,
    order: Vec<KeyId>,
    /// Texts that only this variant has.
    own: String,
    pub tuples: Tuples,
    /// For each pattern that has been asked for, the keys without suffix that match.
    matches: Vec<Option<Vec<KeyId>>>,
    /// Whether any key carries a suffix now.
    suffixed: bool,
    /// The key whose changes are noted.
    pub traced: Option<KeyId>,
    pub steps: Vec<Step>,
    /// Changes of it before those.
    pub earlier: usize,
    /// Steps that were taken for all variants.
    pub work: u64,
    /// Steps that are left for this one.
    left: u64,
    /// Bytes of all values that this one was given.
    given: usize,
    /// Bytes of the names of its keys with suffixes.
    suffixed_bytes: usize,
    /// The last assignment.
    at: Loc,
}

/// Changes of a traced key that are kept.
const MAX_STEPS: usize = 1_000;
/// Steps that every variant is worth.
const VARIANT: u64 = 20;
/// Bytes that are copied in one step.
const COPIED: usize = 16;
/// Letters of such keys that are written in one step.
const LETTERS: usize = 4;
/// Steps to ask an expression about a key, beside its length.
const KEY: usize = 40;
/// Steps to compare a key with a suffix, to resolve it, to move it.
const FLAT: usize = 200;

/// Who the variant is, for conditions and `${name}`.
#[derive(Clone, Copy)]
struct Subject<'a> {
    trail: &'a Trail,
    name: &'a str,
    shortname: &'a str,
    deps: &'a [String],
}

impl<'p> Evaluator<'p> {
    pub fn new(program: &'p Program) -> Evaluator<'p> {
        Evaluator {
            program,
            generation: 0,
            slots: vec![Slot::default(); program.keys.len()],
            order: Vec::new(),
            own: String::new(),
            tuples: Tuples::new(program.keys.len()),
            matches: vec![None; program.patterns.len()],
            suffixed: false,
            traced: None,
            steps: Vec::new(),
            earlier: 0,
            work: 0,
            left: 0,
            given: 0,
            suffixed_bytes: 0,
            at: Loc::default(),
        }
    }

    /// Carries out the statements of the variant that a walk stands at.
    pub fn build(&mut self, walker: &Walker<'p>) -> Result<(), CartesianError> {
        if self.tuples.len() > MAX_TUPLES {
            self.tuples.clear();
        }
        self.steps.clear();
        self.earlier = 0;
        self.left = self.program.max_work.saturating_sub(VARIANT);
        let built = self.build_any(walker).and_then(|()| self.spend(self.flat_work(), &walker.name));
        self.work += self.program.max_work - self.left;
        built
    }

    /// Takes steps off those that are left for this variant.
    fn spend(&mut self, steps: usize, name: &str) -> Result<(), CartesianError> {
        let rest = self.left.checked_sub(steps as u64);
        self.left = rest.unwrap_or(0);
        rest.map(drop).ok_or_else(|| CartesianError::Work {
            origin: self.program.origin(self.at),
            what: format!("building the values of variant {}", quoted(name)),
            limit: self.program.max_work,
            way_out: "write fewer keys with suffixes, or fewer assignments by ?= and its kin",
        })
    }

    /// Steps to look at the names of all keys with suffixes.
    fn flat_work(&self) -> usize {
        if self.suffixed { FLAT.saturating_mul(self.order.len()) + self.suffixed_bytes / LETTERS } else { 0 }
    }

    /// Refuses a variant that was given more than may be.
    fn check_given(&self, name: &str) -> Result<(), CartesianError> {
        let limit = self.program.max_values;
        if self.given <= limit {
            return Ok(());
        }
        let origin = self.program.origin(self.at);
        Err(CartesianError::Value { variant: name.to_owned(), origin, limit })
    }

    fn build_any(&mut self, walker: &Walker<'p>) -> Result<(), CartesianError> {
        let Some(parts) = walker.parts() else { return self.build_leaf(walker) };
        let (mut all, mut given) = (Vec::new(), 0);
        for part in parts {
            self.build_any(part)?;
            given += self.given;
            self.given = given;
            self.check_given(&walker.name)?;
            self.spend(self.order.len(), &walker.name)?;
            let own = self.live().map(|(key, slot)| (key, self.text(slot.value).to_owned(), slot.loc));
            all.extend(own);
        }
        self.begin();
        for (key, value, loc) in all {
            let start = self.own.len();
            self.own.push_str(&value);
            let text = self.tail(start, Subject { name: &walker.name, ..subject(walker) }, loc)?;
            self.put(key, text, loc);
            self.suffixed |= self.tuples.is_tuple(key);
        }
        Ok(())
    }

    fn build_leaf(&mut self, walker: &Walker<'p>) -> Result<(), CartesianError> {
        self.begin();
        let subject = subject(walker);
        for node in walker.upwards() {
            self.run(&node.body.items, subject)?;
        }
        self.check_given(subject.name)?;
        self.apply_bounds(subject.name)
    }

    fn begin(&mut self) {
        self.generation = self.generation.wrapping_add(1);
        if self.generation == 0 {
            self.slots.fill(Slot::default());
            self.generation = 1;
        }
        self.order.clear();
        self.own.clear();
        self.given = 0;
        self.suffixed_bytes = 0;
        self.suffixed = false;
    }

    /// Text of the program or of this variant.
    pub fn text(&self, text: Text) -> &str {
        let store = if text.is_own() { &self.own } else { &self.program.store };
        store.get(text.range()).unwrap_or("")
    }

    /// The same as bytes.
    pub fn bytes(&self, text: Text) -> &[u8] {
        let store = if text.is_own() { &self.own } else { &self.program.store };
        store.as_bytes().get(text.range()).unwrap_or(&[])
    }

    /// Keys with values in order, suffixes not yet resolved.
    fn live(&self) -> impl Iterator<Item = (KeyId, Slot)> {
        self.order.iter().enumerate().filter_map(|(position, key)| {
            let slot = self.get(*key)?;
            (slot.position as usize == position).then_some((*key, slot))
        })
    }

    /// Keys with values in order: key, value, origin. For variants without suffixes.
    pub fn plain(&self) -> impl Iterator<Item = (Key, Text, Loc)> {
        let named = |key: KeyId| self.program.keys.get(key as usize).copied();
        self.live().filter_map(move |(key, slot)| Some((named(key)?, slot.value, slot.loc)))
    }

    /// Keys with values in order, suffixes resolved; `None` when no key has any.
    pub fn flat(&self) -> Option<Vec<Flat>> {
        let entries = || self.live().map(|(key, slot)| (key, slot.value, slot.loc));
        self.suffixed.then(|| flatten(self.program, &self.tuples, entries(), |text| self.text(text)))
    }

    fn get(&self, key: KeyId) -> Option<Slot> {
        self.slots.get(key as usize).copied().filter(|slot| slot.generation == self.generation)
    }

    fn put(&mut self, key: KeyId, value: Text, loc: Loc) {
        let index = key as usize;
        if index >= self.slots.len() {
            self.slots.resize(index + 1, Slot::default());
        }
        let Some(slot) = self.slots.get_mut(index) else { return };
        if slot.generation != self.generation {
            slot.generation = self.generation;
            slot.position = u32::try_from(self.order.len()).unwrap_or(u32::MAX);
            self.order.push(key);
        }
        (slot.value, slot.loc) = (value, loc);
        self.given = self.given.saturating_add(value.range().len());
        self.at = loc;
        if self.traced == Some(key) {
            self.note(value, loc);
        }
    }

    /// Keeps a change of the traced key, but no long history of long values.
    fn note(&mut self, value: Text, loc: Loc) {
        let value = cut(self.text(value)).to_string();
        if self.steps.len() >= 2 * MAX_STEPS {
            self.steps.drain(..MAX_STEPS);
            self.earlier += MAX_STEPS;
        }
        self.steps.push(Step { loc, value });
    }

    fn remove(&mut self, key: KeyId) {
        if let Some(slot) = self.slots.get_mut(key as usize) {
            slot.generation = self.generation.wrapping_sub(1);
        }
    }

    fn run(&mut self, items: &[Item], subject: Subject<'_>) -> Result<(), CartesianError> {
        let program = self.program;
        self.spend(items.len() + 1, subject.name)?;
        for item in items {
            match *item {
                Item::Assign { how: How::Set, key, value: Value::Plain(text), loc } => {
                    self.put(key, text, loc)
                }
                Item::Assign { how, key, value, loc } => self.assign(how, key, value, loc, subject)?,
                Item::Condition { filter, negated, body } => {
                    let work = program.work_of(filter, subject.trail.len());
                    self.spend(usize::try_from(work).unwrap_or(usize::MAX), subject.name)?;
                    let filter = program.filters.get(filter as usize);
                    if filter.is_some_and(|f| subject.trail.matches(program, f) != negated)
                        && let Some(body) = program.bodies.get(body as usize)
                    {
                        self.run(&body.items, subject)?;
                    }
                }
                Item::Matching { how, pattern, value, loc } => {
                    self.assign_matching(how, pattern, value, loc, subject)?;
                }
                Item::Delete { key } => self.delete(key, subject)?,
                Item::Suffix { suffix } => {
                    let more = self.program.suffixes.get(suffix as usize).map_or(0, |s| s.range().len());
                    let bytes = self.suffixed_bytes + more.saturating_mul(self.order.len());
                    self.spend(self.order.len().saturating_mul(FLAT) + bytes / LETTERS, subject.name)?;
                    self.add_suffix(suffix);
                }
            }
        }
        Ok(())
    }

    fn add_suffix(&mut self, suffix: u32) {
        let all: Vec<(KeyId, Slot)> = self.live().collect();
        all.iter().for_each(|(key, _)| self.remove(*key));
        self.order.clear();
        self.suffixed_bytes = 0;
        for (key, slot) in all {
            let key = self.tuples.with_suffix(self.program, key, suffix);
            self.suffixed_bytes += self.tuples.bytes(self.program, key);
            self.put(key, slot.value, slot.loc);
        }
        self.suffixed = !self.order.is_empty();
    }

    fn apply_bounds(&mut self, name: &str) -> Result<(), CartesianError> {
        let asked = self.program.bounded.iter().filter_map(|(key, bound)| {
            let slot = self.get(*key)?;
            Some((
                slot.position,
                bounds::Asked { bound: *bound, key: *key, value: slot.value, loc: slot.loc },
            ))
        });
        let mut asked: Vec<(u32, bounds::Asked)> = asked.collect();
        if asked.is_empty() {
            return Ok(());
        }
        // The order of the keys decides between two bounds of one key.
        asked.sort_unstable_by_key(|(position, _)| *position);
        let asked = asked.iter().map(|(_, asked)| asked);
        let get = |key| self.get(key).map(|slot| (slot.value, slot.loc));
        let changes = bounds::changes(self.program, name, asked, get, |text| self.text(text))?;
        for (key, value, loc) in changes {
            self.put(key, value, loc);
        }
        Ok(())
    }
}

fn subject<'a>(walker: &'a Walker<'_>) -> Subject<'a> {
    Subject { trail: &walker.trail, name: &walker.name, shortname: &walker.shortname, deps: &walker.deps }
}

/// A list as the reference prints it: `['a', 'b']`.
pub(super) fn python_list(items: &[String]) -> String {
    let quoted: Vec<String> = items.iter().map(|item| format!("'{item}'")).collect();
    format!("[{}]", quoted.join(", "))
}
