//! Who has the machines: a testbed whose guests are driven alone, or a campaign before and after its windows.

use model::Failure;
use std::path::Path;
use std::time::Duration;
use vm::guest::machine::Machine;

/// Machines that are driven, each by its place among their names.
pub trait Machines {
    /// Their names.
    fn names(&self) -> Vec<String>;

    /// The networks of a topology that a machine's NICs are in, in their order; none where there is no topology.
    fn networks(&self, _place: usize) -> Vec<String> {
        Vec::new()
    }

    /// One that runs.
    fn machine(&mut self, place: usize) -> Option<&mut Machine>;

    /// Boots some that do not run, together, and waits until they take commands. Without a deadline that of a boot holds.
    ///
    /// # Errors
    /// One of them does not come up, or they are not to be started here.
    fn start(&mut self, places: &[usize], deadline: Option<Duration>) -> Result<(), Failure>;

    /// Starts one that does not run from a state that was saved.
    ///
    /// # Errors
    /// It does not go on from there, or is not to be started here.
    fn restore(&mut self, place: usize, state: &Path, deadline: Option<Duration>) -> Result<(), Failure>;

    /// Hands one that runs over to be ended.
    ///
    /// # Errors
    /// It does not run, or is not to be ended here.
    fn take(&mut self, place: usize) -> Result<Machine, Failure>;

    /// Ends those that may be ended here and run; nothing of them is kept but their logs.
    fn end(&mut self) {
        for place in 0..self.names().len() {
            if let Ok(machine) = self.take(place) {
                machine.quit();
            }
        }
    }
}
