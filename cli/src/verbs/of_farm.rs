//! What `run` and `resume` do otherwise where a campaign is a shard of a farm.

use crate::Error;
use crate::args::Conduct;
use crate::signals::Signals;
use collect::campaign::AfterBlock;
use model::FarmShard;

/// What a farm adds to a campaign.
pub(crate) struct OfFarm {
    /// Which shard it is.
    pub shard: FarmShard,
    /// Signals, which are listened to already.
    pub signals: Signals,
    /// Copies blocks that have ended.
    pub copies: AfterBlock<'static>,
}

impl OfFarm {
    /// The signals that are listened to, and who is told of blocks.
    pub fn parts(farm: Option<OfFarm>, conduct: &Conduct) -> Result<(Signals, AfterBlock<'static>), Error> {
        match farm {
            Some(OfFarm { signals, copies, .. }) => Ok((signals, copies)),
            None => Ok((Signals::watch(conduct.nohup)?, Box::new(|_, _| {}))),
        }
    }
}
