//! Commands that are waited for.

use super::error::ProcessError;
use super::spawn::{Sink, Spec};
use std::time::Duration;

/// Runs a command to its end and gives its standard output; any other end than status 0 is an error. What it leaves
/// running in its process group is killed.
pub fn run(spec: Spec, deadline: Duration) -> Result<Vec<u8>, ProcessError> {
    spec.stdout(Sink::Capture).stderr(Sink::Capture).start()?.finish(deadline).into_output(deadline)
}
