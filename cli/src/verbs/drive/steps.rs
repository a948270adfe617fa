//! Whoever does steps: machines of this perfvt, or those that another one keeps.

use crate::Error;
use collect::drive::{Engine, Step};
use model::drive::Record;

/// Does steps, one after the other.
pub trait Steps {
    /// The names of the machines.
    fn names(&self) -> &[String];

    /// Does one step.
    ///
    /// # Errors
    /// Nothing can be done any more. A step that fails is no error.
    fn step(&mut self, step: &Step) -> Result<Record, Error>;

    /// Whether a signal asked for an end.
    fn stopped(&self) -> bool;

    /// Hears that the user is done with the machines; leaving without a word is not that.
    ///
    /// # Errors
    /// Nobody heard it.
    fn quit(&mut self) -> Result<(), Error>;
}

impl Steps for Engine<'_> {
    fn names(&self) -> &[String] {
        Engine::names(self)
    }

    fn step(&mut self, step: &Step) -> Result<Record, Error> {
        Ok(Engine::step(self, step)?)
    }

    fn stopped(&self) -> bool {
        Engine::stopped(self)
    }

    fn quit(&mut self) -> Result<(), Error> {
        // Whoever made the engine ends its machines.
        Ok(())
    }
}
