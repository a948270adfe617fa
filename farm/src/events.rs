//! `events.jsonl`: what was done about a farm's shards, in lines as a journal has them (docs/formats.md).

use serde::{Deserialize, Serialize};

/// Something that was done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Event {
    /// A job was handed in.
    Submitted {
        /// Shard, from 1.
        shard: u32,
        /// The job's number.
        job: String,
        /// The host that it waits for.
        host: String,
    },
    /// A shard that had not begun was given to another host.
    Moved {
        /// Shard, from 1.
        shard: u32,
        /// The host that had it.
        from: String,
        /// The host that has it.
        to: String,
    },
    /// Somebody asked for the end of a shard, which does not begin again by itself.
    Cancelled {
        /// Shard, from 1.
        shard: u32,
    },
    /// All that had been copied was read and held against its sums.
    Gathered {
        /// Shards that are finished.
        finished: u32,
        /// Shards.
        of: u32,
        /// BLAKE3 of all sums, 64 hexadecimal digits.
        sum: String,
    },
}

impl Event {
    /// The shard that it is about.
    pub fn shard(&self) -> Option<u32> {
        match self {
            Event::Submitted { shard, .. } | Event::Moved { shard, .. } | Event::Cancelled { shard } => {
                Some(*shard)
            }
            Event::Gathered { .. } => None,
        }
    }
}
