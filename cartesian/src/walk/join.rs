//! `join a b`: every variant that `a` leaves with every variant that `b` leaves, as one.

use super::{Stuck, Walker};
use crate::ids::{GuardId, NodeId};
use crate::tally::Tally;

/// A product being walked through.
#[derive(Debug)]
pub(super) struct Join<'p> {
    /// A walk that stands above the node.
    start: Walker<'p>,
    node: NodeId,
    filters: &'p [GuardId],
    /// One walk for each filter, the last one fastest.
    parts: Vec<Walker<'p>>,
    /// Bytes that names and dependencies of all parts may have together.
    max_names: usize,
    pub tally: Tally,
}

impl<'p> Join<'p> {
    pub fn new(start: Walker<'p>, node: NodeId, filters: &'p [GuardId], max_names: usize) -> Join<'p> {
        let tally = start.tally.clone();
        Join { start, node, filters, parts: Vec::new(), max_names, tally }
    }

    /// Goes to the next combination in the steps that are left.
    pub fn advance(&mut self, left: &mut u64) -> Result<bool, Stuck> {
        if self.parts.is_empty() && !(self.possible(left)? && self.begin()) {
            return Ok(false);
        }
        loop {
            let Some(last) = self.parts.last_mut() else { return Ok(false) };
            if last.advance(left)? {
                if self.parts.len() < self.filters.len() {
                    self.begin();
                } else if self.parts.iter().map(Walker::names_bytes).sum::<usize>() > self.max_names {
                    return Err(Stuck::Names);
                } else {
                    return Ok(true);
                }
            } else if let Some(done) = self.parts.pop() {
                self.tally.merge(&done.tally);
            }
        }
    }

    /// Whether every part has a variant. Asked first, so that a part without any is not found out once for every
    /// combination of the others.
    fn possible(&mut self, left: &mut u64) -> Result<bool, Stuck> {
        for filter in self.filters {
            let mut part = self.start.branch();
            part.begin_part(self.node, *filter);
            let possible = part.advance(left)?;
            self.tally.merge(&part.tally);
            if !possible {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Begins the next part.
    fn begin(&mut self) -> bool {
        let Some(filter) = self.filters.get(self.parts.len()) else { return false };
        let mut part = self.start.branch();
        part.begin_part(self.node, *filter);
        self.parts.push(part);
        true
    }

    /// The walks whose variants are combined.
    pub fn parts(&self) -> &[Walker<'p>] {
        &self.parts
    }
}

/// The name of two variants that became one: what they begin with in common, once, then the rest of both.
pub(crate) fn joined_name(first: &str, second: &str) -> String {
    if first.is_empty() || second.is_empty() {
        return format!("{first}{second}");
    }
    let same = first.bytes().zip(second.bytes()).take_while(|(a, b)| a == b).count();
    let common = first.as_bytes().get(..same).and_then(|head| head.iter().rposition(|b| *b == b'.'));
    match common {
        Some(dot) if dot > 0 => format!("{first}{}", second.get(dot..).unwrap_or("")),
        _ => format!("{first}.{second}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_names_have_in_common_stands_once() {
        assert_eq!(joined_name("vm.a.x", "vm.a.y"), "vm.a.x.y");
        assert_eq!(joined_name("vm.abc", "vm.abd"), "vm.abc.abd");
        assert_eq!(joined_name("a", "b"), "a.b");
        assert_eq!(joined_name("x.a", "x.a"), "x.a.a");
        assert_eq!(joined_name("", "b"), "b");
    }
}
