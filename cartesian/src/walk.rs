//! The way through the graph: one variant after the other, with nothing kept but the path to the current one.

mod join;

use super::ids::{GuardId, LabelId, NodeId};
use super::labels::{Standing, Trail};
use super::program::{GuardKind, Node, Program, Reach};
use super::tally::Tally;
use join::Join;
pub(super) use join::joined_name;

/// A node on the path, and how long everything was before it was entered.
#[derive(Debug)]
struct Frame<'p> {
    node: NodeId,
    next_child: usize,
    /// Whether a variant was found below.
    found: bool,
    trail: usize,
    name: usize,
    shortname: usize,
    deps: usize,
    deps_bytes: usize,
    /// Where the undecided guards begin that hold for the children.
    pending: usize,
    join: Option<Box<Join<'p>>>,
}

/// Why a walk gave up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stuck {
    /// No variant was found in as many steps as may be taken for one.
    Work,
    /// Names and dependencies have grown too long.
    Names,
}

/// Steps that entering a node is worth.
const ENTER: u64 = 10;
/// Steps that a walk of its own is worth, beside what it copies.
const BRANCH: u64 = 1_000;
/// Bytes or entries that are copied in one step.
const COPIED: u64 = 32;

fn copied(entries: usize) -> u64 {
    entries as u64 / COPIED
}

/// Goes from variant to variant.
#[derive(Debug)]
pub(super) struct Walker<'p> {
    program: &'p Program,
    /// Nodes above the one that this walk began with; theirs is part of every variant.
    above: Vec<NodeId>,
    frames: Vec<Frame<'p>>,
    pub trail: Trail,
    pub name: String,
    pub shortname: String,
    /// Dependencies of the nodes on the path.
    pub deps: Vec<String>,
    deps_bytes: usize,
    /// Whether names have grown longer than they may.
    too_long: bool,
    /// Steps taken and not yet paid for.
    work: u64,
    pending: Vec<GuardId>,
    /// For each node, an inherited guard that failed there the last time. As long as it has to be.
    last_failed: Vec<GuardId>,
    pub tally: Tally,
}

/// No guard.
const NO_GUARD: GuardId = GuardId::MAX;

impl<'p> Walker<'p> {
    /// A walk through the whole program.
    pub fn new(program: &'p Program) -> Walker<'p> {
        let mut walker = Walker {
            program,
            above: Vec::new(),
            frames: Vec::new(),
            trail: Trail::new(program),
            name: String::new(),
            shortname: String::new(),
            deps: Vec::new(),
            deps_bytes: 0,
            too_long: false,
            work: 0,
            pending: Vec::new(),
            last_failed: Vec::new(),
            tally: Tally::new(program.guards.len()),
        };
        walker.enter(program.root);
        walker
    }

    /// A walk that stands where this one does, for a part of a join.
    pub fn branch(&self) -> Walker<'p> {
        let path = self.above.iter().copied().chain(self.frames.iter().map(|f| f.node));
        let held = self.inherited();
        Walker {
            program: self.program,
            above: path.collect(),
            frames: Vec::new(),
            trail: self.trail.clone(),
            name: self.name.clone(),
            shortname: self.shortname.clone(),
            deps: self.deps.clone(),
            deps_bytes: self.deps_bytes,
            too_long: self.too_long,
            work: self.branch_work(),
            pending: self.pending.get(held).map(<[GuardId]>::to_vec).unwrap_or_default(),
            last_failed: Vec::new(),
            tally: Tally::new(self.program.guards.len()),
        }
    }

    /// What [`Walker::branch`] is worth.
    fn branch_work(&self) -> u64 {
        let entries = self.program.guards.len() + self.program.atoms.len() + self.trail.len();
        BRANCH + copied(entries + self.names_bytes())
    }

    /// Bytes of the names and dependencies of where the walk stands.
    pub fn names_bytes(&self) -> usize {
        let parts = self.parts().unwrap_or_default().iter().map(Walker::names_bytes).sum::<usize>();
        self.name.len() + self.shortname.len() + self.deps_bytes + parts
    }

    /// Takes the steps since the last time off what is left.
    fn pay(&mut self, left: &mut u64) -> Result<(), Stuck> {
        let cost = std::mem::take(&mut self.work) + 1;
        let rest = left.checked_sub(cost);
        *left = rest.unwrap_or(0);
        match rest {
            None => Err(Stuck::Work),
            Some(_) if self.too_long => Err(Stuck::Names),
            Some(_) => Ok(()),
        }
    }

    /// Begins below a node that joins, with one of its filters in force.
    pub fn begin_part(&mut self, node: NodeId, filter: GuardId) {
        if let Some(found) = self.program.node(node) {
            self.enter_plain(node, found, Some(filter));
        }
    }

    /// Goes to the next variant in the steps that are left; false when there is none.
    pub fn advance(&mut self, left: &mut u64) -> Result<bool, Stuck> {
        let program = self.program;
        loop {
            self.pay(left)?;
            let Some(frame) = self.frames.last_mut() else { return Ok(false) };
            if let Some(join) = &mut frame.join {
                if join.advance(left)? {
                    frame.found = true;
                    return Ok(true);
                }
                self.leave();
                continue;
            }
            let children = program.node(frame.node).map_or(&[][..], |node| &node.children);
            let at_leaf = children.is_empty();
            if at_leaf && !frame.found {
                frame.found = true;
                return Ok(true);
            }
            let only_default = frame.found && self.after_default();
            let Some(frame) = self.frames.last_mut() else { return Ok(false) };
            match children.get(frame.next_child) {
                Some(child) if !only_default => {
                    frame.next_child += 1;
                    self.enter(*child);
                }
                _ => self.leave(),
            }
        }
    }

    /// Whether the child that was just left is a default, so that its brothers are not wanted.
    fn after_default(&self) -> bool {
        let Some(frame) = self.frames.last() else { return false };
        let Some(node) = self.program.node(frame.node) else { return false };
        let last = frame.next_child.checked_sub(1).and_then(|i| node.children.get(i));
        !node.expanded && last.and_then(|c| self.program.node(*c)).is_some_and(|c| c.default)
    }

    /// The node that the walk stands at, or began with.
    pub fn at(&self) -> NodeId {
        self.frames.last().map(|frame| frame.node).or(self.above.last().copied()).unwrap_or(self.program.root)
    }

    /// The variant that the walk stands at: itself, or the parts that are joined.
    pub fn parts(&self) -> Option<&[Walker<'p>]> {
        self.frames.last()?.join.as_ref().map(|join| join.parts())
    }

    /// Nodes from the current one up to the root.
    pub fn upwards(&self) -> impl Iterator<Item = &'p Node> {
        let program = self.program;
        let path = self.frames.iter().rev().map(|f| f.node).chain(self.above.iter().rev().copied());
        path.filter_map(move |id| program.node(id))
    }

    fn enter(&mut self, id: NodeId) {
        let Some(node) = self.program.node(id) else { return };
        if node.joins.is_empty() {
            self.enter_plain(id, node, None);
        } else {
            self.work += self.branch_work();
            let join = Join::new(self.branch(), id, &node.joins, self.program.max_names);
            let frame = self.frame(id);
            self.frames.push(Frame { join: Some(Box::new(join)), ..frame });
        }
    }

    fn frame(&self, node: NodeId) -> Frame<'p> {
        Frame {
            node,
            next_child: 0,
            found: false,
            trail: self.trail.len(),
            name: self.name.len(),
            shortname: self.shortname.len(),
            deps: self.deps.len(),
            deps_bytes: self.deps_bytes,
            pending: self.pending.len(),
            join: None,
        }
    }

    /// Enters a node unless a filter rules out everything below it.
    fn enter_plain(&mut self, id: NodeId, node: &'p Node, extra: Option<GuardId>) {
        let frame = self.frame(id);
        self.work += ENTER;
        self.depend(node);
        self.name_on(node);
        if self.passes(id, node, extra) {
            self.frames.push(frame);
        } else {
            self.back_to(&frame);
        }
    }

    fn leave(&mut self) {
        let Some(frame) = self.frames.pop() else { return };
        if let Some(join) = &frame.join {
            self.tally.merge(&join.tally);
        }
        self.back_to(&frame);
        if let Some(parent) = self.frames.last_mut() {
            parent.found |= frame.found;
        }
    }

    fn back_to(&mut self, frame: &Frame<'_>) {
        self.trail.truncate(self.program, frame.trail);
        self.name.truncate(frame.name);
        self.shortname.truncate(frame.shortname);
        self.deps.truncate(frame.deps);
        self.deps_bytes = frame.deps_bytes;
        self.pending.truncate(frame.pending);
    }

    /// Dependencies carry the name of what stands above their variant.
    fn depend(&mut self, node: &Node) {
        for dep in &node.deps {
            let mut name = self.name.clone();
            dep.iter().for_each(|label| push_part(&mut name, self.long(*label)));
            self.work += 1 + copied(name.len());
            self.deps_bytes += name.len();
            self.deps.push(name);
            if self.is_too_long() {
                return;
            }
        }
    }

    /// Notes when names and dependencies have grown longer than they may.
    fn is_too_long(&mut self) -> bool {
        self.too_long |= self.name.len() + self.shortname.len() + self.deps_bytes > self.program.max_names;
        self.too_long
    }

    fn name_on(&mut self, node: &Node) {
        let program = self.program;
        self.work += node.labels.len() as u64;
        for label in &node.labels {
            self.trail.push(program, *label);
            let Some(label) = program.labels.get(*label as usize) else { continue };
            push_part(&mut self.name, program.text(label.long));
            if node.in_shortname {
                push_part(&mut self.shortname, program.text(label.short));
            }
            if self.is_too_long() {
                return;
            }
        }
    }

    fn long(&self, label: LabelId) -> &'p str {
        self.program.labels.get(label as usize).map_or("", |label| self.program.text(label.long))
    }

    /// The undecided guards of the node above.
    fn inherited(&self) -> std::ops::Range<usize> {
        // Without a frame: those that a part of a join began with.
        self.frames.last().map_or(0, |f| f.pending)..self.pending.len()
    }

    /// Asks the guards of a node and those that the nodes above could not decide.
    fn passes(&mut self, id: NodeId, node: &Node, extra: Option<GuardId>) -> bool {
        let inherited = self.inherited();
        let reach = self.program.reaches.get(node.reach as usize);
        let nothing = Reach::nothing();
        let reach = reach.unwrap_or(&nothing);
        let last = self.last_failed.get(id as usize).copied().unwrap_or(NO_GUARD);
        if last != NO_GUARD && self.pending.get(inherited.clone()).is_some_and(|p| p.contains(&last)) {
            // What failed here before is likely to fail again.
            let length = self.pending.len();
            let passed = self.ask(last, reach);
            self.pending.truncate(length);
            if !passed {
                return false;
            }
        }
        for guard in node.body.guards.iter().chain(&extra) {
            if !self.ask(*guard, reach) {
                return false;
            }
        }
        for index in inherited {
            let Some(guard) = self.pending.get(index).copied() else { break };
            if !self.ask(guard, reach) {
                let index = id as usize;
                if self.last_failed.len() <= index {
                    self.last_failed.resize(index + 1, NO_GUARD);
                }
                if let Some(last) = self.last_failed.get_mut(index) {
                    *last = guard;
                }
                return false;
            }
        }
        true
    }

    /// Asks one guard: false when it rules out everything from here on. Undecided ones are kept for the children.
    fn ask(&mut self, id: GuardId, reach: &Reach) -> bool {
        let program = self.program;
        let Some(guard) = program.guards.get(id as usize) else { return true };
        let Some(filter) = program.filters.get(guard.filter as usize) else { return true };
        self.work += program.work_of(guard.filter, self.trail.len());
        let (passes, body) = match (self.trail.standing(program, filter, reach), guard.kind) {
            (Standing::Open, _) => {
                self.pending.push(id);
                return true;
            }
            (standing, GuardKind::Only) => (standing == Standing::Yes, None),
            (standing, GuardKind::No) => (standing == Standing::Never, None),
            (Standing::Yes, GuardKind::If(body)) | (Standing::Never, GuardKind::Unless(body)) => {
                (true, Some(body))
            }
            _ => (true, None),
        };
        if !passes {
            self.tally.add(id, 1, self.above.len() + self.frames.len());
            return false;
        }
        let inner = body.and_then(|body| program.bodies.get(body as usize));
        inner.is_none_or(|body| body.guards.iter().all(|guard| self.ask(*guard, reach)))
    }
}

/// Appends a part of a name.
pub(super) fn push_part(name: &mut String, part: &str) {
    if !name.is_empty() {
        name.push('.');
    }
    name.push_str(part);
}
