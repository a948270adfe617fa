//! The state of the server's guest, in its data disk.

use super::GuestLab;
use crate::lab::{Failed, VmState};
use std::time::{Duration, Instant};
use vm::guest::machine::StateJob;

/// What the state is called.
const TAG: &str = "perfvt";
/// The node of the layer above the image of a guest of the user's.
const ROOT: &str = "root0";

impl GuestLab {
    fn state(&mut self, job: StateJob, limit: Duration) -> Result<(Duration, String), Failed> {
        let guest = self.spec.guests.first();
        let disks: Vec<String> =
            guest.iter().flat_map(|guest| &guest.disks.data).map(|disk| disk.node()).collect();
        let node =
            disks.first().cloned().ok_or_else(|| Failed::tool("the guest has no data disk for its state"))?;
        let mut nodes: Vec<&str> = disks.iter().map(String::as_str).collect();
        nodes.extend(guest.and_then(|guest| guest.own()).map(|_| ROOT));
        let took = self.machine.state_job(job, (TAG, &node), &nodes, limit).map_err(|e| e.failure())?;
        Ok((took, node))
    }
}

impl VmState for GuestLab {
    fn save(&mut self, limit: Duration) -> Result<(Duration, Option<u64>), Failed> {
        let (took, node) = self.state(StateJob::Save, limit)?;
        let bytes = self.machine.state_bytes(TAG, &node).map_err(|e| e.failure())?;
        Ok((took, bytes))
    }

    fn load(&mut self, limit: Duration) -> Result<(Duration, Duration), Failed> {
        let begun = Instant::now();
        let (took, _) = self.state(StateJob::Load, limit)?;
        self.machine.run(&["true"], self.machine.soon()).map_err(|e| e.failure())?;
        Ok((took, begun.elapsed()))
    }

    fn forget(&mut self, limit: Duration) -> Result<(), Failed> {
        self.state(StateJob::Delete, limit).map(drop)
    }
}
