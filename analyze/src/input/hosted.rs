//! Sides that were measured on several hosts: which blocks and facts are whose.

use super::LoadedSide;
use crate::comparison::ComparedHost;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

/// Who measured the files of a side.
#[derive(Clone, Debug)]
pub(crate) struct Hosted {
    /// The hosts of both sides.
    pub hosts: Arc<Hosts>,
    /// The facts of the side on each shard, by its number.
    pub facts: BTreeMap<usize, BTreeMap<String, String>>,
}

/// The hosts of a comparison.
#[derive(Clone, Debug)]
pub(crate) struct Hosts {
    /// What was given.
    pub place: String,
    /// The farm's id.
    pub farm: Option<String>,
    /// Hosts of the plan.
    pub planned: usize,
    /// Each of them, those that gave nothing too.
    pub each: Vec<ComparedHost>,
    /// The numbers of the blocks of each.
    pub ranges: Vec<Range<u32>>,
}

impl Hosts {
    /// How each host is compared alone.
    pub fn one_by_one(&self) -> String {
        let paths = self.each.iter().flat_map(|host| &host.shards);
        let typed: Vec<String> = paths.map(|shard| format!("perfvt compare {}", shard.path)).collect();
        typed.join(", ")
    }
}

/// The largest number of a block.
pub(super) fn last_block(side: &LoadedSide) -> u32 {
    let planned = side.run.iter().flat_map(|run| &run.blocks).map(|members| members.block);
    let found = side.repeats.iter().flat_map(|repeat| &repeat.rows).filter_map(|row| row.block);
    planned.chain(found).max().unwrap_or(0)
}

/// Gives its blocks the numbers that they have among those of all hosts.
pub(super) fn renumber(side: &mut LoadedSide, offset: u32) {
    for members in side.run.iter_mut().flat_map(|run| &mut run.blocks) {
        members.block += offset;
    }
    for row in side.repeats.iter_mut().flat_map(|repeat| &mut repeat.rows) {
        row.block = row.block.map(|block| block + offset);
    }
}

impl LoadedSide {
    /// Facts that differ between hosts are none that a side's files should have in common; those of one host are.
    pub(super) fn forgive_hosts(&mut self) {
        let Some(hosted) = &self.hosted else { return };
        // Shards are numbered host by host.
        let mut first = 0;
        let of_host: Vec<Range<usize>> = (hosted.hosts.each.iter())
            .map(|host| {
                let own = first..first + host.shards.len();
                first = own.end;
                own
            })
            .collect();
        self.mixed.retain(|(name, _)| {
            of_host.iter().any(|own| {
                let values: BTreeSet<&String> =
                    own.clone().filter_map(|shard| hosted.facts.get(&shard)?.get(name)).collect();
                values.len() > 1
            })
        });
    }
}
