//! Two builds against one another, block by block, until the sequential rule is sure.

use super::reading::{CEILING, values};
use crate::bisect::{Judged, RowFacts};
use crate::by_event::decided_as_a_whole;
use crate::{Error, chain};
use analyze::CompareOptions;
use collect::campaign::{CampaignError, Look, Stopping};
use model::journal::State;
use model::{CampaignFile, Rule};
use stats::{Boundary, ConfirmRow, Confirmation, Confirmed, FLOOR_MIN, confirm};
use std::path::Path;

/// Ends when it is decided, at .01 and without regard to the smallest effect of interest: what is asked is whether this commit
/// did it, not whether it matters.
#[derive(Clone)]
pub(super) struct ByPair {
    /// The environments, the one that should be as before first.
    pub sides: [String; 2],
    /// The row.
    pub row: RowFacts,
    /// What the difference should be, on the row's scale.
    pub step: f64,
    /// How results are read.
    pub options: CompareOptions,
}

impl ByPair {
    /// What the campaign says so far.
    fn said(&self, dir: &Path) -> Result<Confirmed, Error> {
        let [before, after] = &self.sides;
        let before = values(&self.options, &dir.join(before), &self.row)?;
        let after = values(&self.options, &dir.join(after), &self.row)?;
        let minus = after.iter().filter_map(|(block, v)| Some((*block, v - before.get(block)?))).collect();
        let row = ConfirmRow { step: self.step, spread: None, after: minus, newest: None };
        Ok(confirm(&[row], &Boundary::of(FLOOR_MIN, CEILING)))
    }

    /// What it says in the end.
    pub fn judged(&self, dir: &Path) -> Result<Judged, Error> {
        let said = self.said(dir)?;
        let seen = said.rows.first().and_then(|row| row.after);
        Ok(Judged {
            outcome: said.outcome.word().to_owned(),
            why: None,
            estimate: seen.map(|seen| [seen.estimate, seen.interval.low, seen.interval.high]),
            p: seen.map(|seen| seen.p),
            blocks: seen.map_or(0, |seen| seen.n),
        })
    }
}

impl Stopping for ByPair {
    fn look(
        &mut self,
        dir: &Path,
        file: &CampaignFile,
        _: &State,
        block: u32,
    ) -> Result<Look, CampaignError> {
        let Rule::Until { floor, ceiling, .. } = file.rule else { return Ok(Look::default()) };
        if block < floor || block > ceiling {
            return Ok(Look::default());
        }
        let said =
            self.said(dir).map_err(|error| CampaignError::Look { block, reason: chain(error.as_ref()) })?;
        Ok(decided_as_a_whole(file, said.settled, Boundary::of(floor, ceiling), block))
    }
}

/// A comparison that could not be made.
pub(super) fn not_applicable(why: String) -> Judged {
    Judged { outcome: "not-applicable".to_owned(), why: Some(why), estimate: None, p: None, blocks: 0 }
}

/// Whether a word of [`Judged`] says that the difference is there.
pub(super) fn is_confirmed(said: &Judged) -> bool {
    said.outcome == Confirmation::Confirmed.word()
}
