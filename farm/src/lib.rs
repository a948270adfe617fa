//! One comparison on several hosts. Slurm begins one job on each; each job measures one shard, an ordinary campaign with complete
//! blocks of all environments, on its own disk, and copies what is finished to a folder that all hosts see.
//!
//! ```text
//! slurm    its programs, by their arguments: hosts, jobs, what becomes of them
//! asked    --hosts ──> names of hosts
//! folder   DIR/ID: farm.json, events.jsonl, ends/, logs/, shards/
//! copy     finished repeats and the journal, from the host's disk to DIR/ID/shards, each file with its sum
//! state    journal, end, events and Slurm's word ──> how a shard stands
//! boots    which boot of a host is needed, which is here ──> what is to be done (pure); kernel: one for a single boot, by kexec
//! ```
//!
//! A shard's journal is the truth, and what Slurm says of its job a hint: Slurm forgets jobs, and after a crash it may believe old
//! ones.

#![cfg_attr(not(test), warn(clippy::disallowed_methods))]

pub mod asked;
pub mod boots;
pub mod copy;
mod events;
pub mod folder;
pub mod kernel;
pub mod slurm;
pub mod state;

pub use asked::Asked;
pub use events::Event;
pub use folder::{End, Farm, FarmError, Machine};
pub use slurm::{Host, Job, Slurm, SlurmError};
pub use state::{Shard, Standing};
