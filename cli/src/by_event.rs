//! What decides between the blocks of a campaign that confirms an event: `analyze` judges what `collect` has measured so far.

use crate::chain;
use analyze::CompareOptions;
use analyze::history::Confirming;
use collect::campaign::{CampaignError, Look, Stopping};
use model::journal::State;
use model::{CampaignFile, Rule};
use stats::{Boundary, Look as LookAt};
use std::path::Path;
use std::sync::Arc;

/// Stops when the event is decided.
pub struct ByEvent {
    /// The event's builds and rows.
    pub confirming: Confirming,
    /// How results are read.
    pub options: CompareOptions,
}

impl Stopping for ByEvent {
    fn look(
        &mut self,
        dir: &Path,
        file: &CampaignFile,
        _: &State,
        block: u32,
    ) -> Result<Look, CampaignError> {
        let Rule::Until { floor, ceiling, .. } = file.rule else { return Ok(Look::default()) };
        if block > ceiling {
            return Ok(Look::default());
        }
        let boundary = Boundary::of(floor, ceiling);
        // Before the floor nothing is decided, and a build that is another one than it was is found all the same.
        let said = self
            .confirming
            .judge(dir, &self.options, &boundary)
            .map_err(|error| CampaignError::Look { block, reason: chain(&error) })?;
        if block < floor {
            return Ok(Look::default());
        }
        Ok(decided_as_a_whole(file, said.settled, boundary, block))
    }
}

/// A look of a campaign in which all cases are settled together, or none.
pub fn decided_as_a_whole(file: &CampaignFile, settled: bool, boundary: Arc<Boundary>, block: u32) -> Look {
    let settled = if settled { file.cases.iter().map(model::Case::id).collect() } else { Vec::new() };
    let spent = Some(LookAt::Planned { boundary, n: block }.spent(0.05));
    Look { settled, spent, ..Look::default() }
}
