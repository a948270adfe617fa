//! Failures of guests, said so that a reader knows which guest.

use crate::lab::Failed;
use model::Code;
use vm::guest::machine::GuestError;

/// A failure of the client's guest.
pub(super) fn of_client(error: GuestError) -> Failed {
    let failure = error.failure();
    Failed::new(failure.code, format!("in the client's guest: {failure}"))
}

/// A guest that is not what it was booted as.
pub(super) fn odd(reason: impl Into<String>) -> GuestError {
    GuestError::Died(Failed::new(Code::ChannelBroken, reason))
}
