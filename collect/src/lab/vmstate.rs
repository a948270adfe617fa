//! The state of a guest that runs, kept in a disk of its own.

use super::Failed;
use std::time::Duration;

/// Who saves it, has the guest go on from it, and removes it.
pub trait VmState {
    /// Saves it. Gives the time that it took, in which the guest stands, and the bytes of memory and devices where QEMU says so.
    ///
    /// # Errors
    /// QEMU cannot, or not in time.
    fn save(&mut self, limit: Duration) -> Result<(Duration, Option<u64>), Failed>;
    /// Has the guest go on from what was saved last, and waits until it answers. Gives the time that QEMU took, and that until the answer.
    ///
    /// # Errors
    /// QEMU cannot, or the guest does not answer.
    fn load(&mut self, limit: Duration) -> Result<(Duration, Duration), Failed>;
    /// Removes it.
    ///
    /// # Errors
    /// QEMU cannot.
    fn forget(&mut self, limit: Duration) -> Result<(), Failed>;
}
