//! Several guests that are alike, at once.

use super::Failed;

/// Who boots them, sets them to work and ends them.
pub trait Crowd {
    /// Boots so many at once, and tells the seconds from the first QEMU's start until the last guest was ready. Those before them are
    /// gone by then.
    ///
    /// # Errors
    /// One does not come up, or the host has no room for them.
    fn gather(&mut self, guests: usize) -> Result<f64, Failed>;
    /// What `/proc/PID/smaps_rollup` says of each QEMU, in the order of the guests; or why it cannot be read.
    ///
    /// # Errors
    /// They are not there.
    fn memory(&mut self) -> Result<Vec<Result<String, String>>, Failed>;
    /// Has all vCPUs of all of them compute until they are gone.
    ///
    /// # Errors
    /// One does not take the command.
    fn compute(&mut self) -> Result<(), Failed>;
    /// Nanoseconds that the vCPUs of each have been on a CPU.
    ///
    /// # Errors
    /// The host does not tell.
    fn work(&mut self) -> Result<Vec<u64>, Failed>;
    /// Ends them all; what tells why one failed is kept when one has.
    fn disband(&mut self, has_failed: bool);
}
