//! Which filters left nothing, for messages.

use super::ids::GuardId;

/// Which guards ruled something out, and how near to the root.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    /// For each guard, how often and at which smallest depth.
    failures: Vec<(u64, usize)>,
}

impl Tally {
    /// Of so many guards.
    pub fn new(guards: usize) -> Tally {
        Tally { failures: vec![(0, 0); guards] }
    }

    pub fn add(&mut self, guard: GuardId, times: u64, depth: usize) {
        if let Some(entry) = self.failures.get_mut(guard as usize) {
            *entry = (entry.0.saturating_add(times), if entry.0 == 0 { depth } else { entry.1.min(depth) });
        }
    }

    pub fn merge(&mut self, other: &Tally) {
        for (guard, (times, depth)) in other.failures.iter().enumerate().filter(|(_, f)| f.0 > 0) {
            self.add(u32::try_from(guard).unwrap_or(u32::MAX), *times, *depth);
        }
    }

    /// The guard that ruled something out most often.
    pub fn busiest(&self) -> Option<GuardId> {
        let most = self.failures.iter().enumerate().max_by_key(|(_, failure)| failure.0);
        most.filter(|(_, failure)| failure.0 > 0).and_then(|(guard, _)| u32::try_from(guard).ok())
    }

    /// Guards that ruled something out: nearest to the root first, then those that did so most often.
    pub fn ranked(&self) -> Vec<GuardId> {
        let mut all: Vec<(usize, u64, GuardId)> = self
            .failures
            .iter()
            .enumerate()
            .filter(|(_, f)| f.0 > 0)
            .map(|(guard, (times, depth))| {
                (*depth, u64::MAX - times, u32::try_from(guard).unwrap_or(u32::MAX))
            })
            .collect();
        all.sort_unstable();
        all.into_iter().map(|(_, _, guard)| guard).collect()
    }
}
