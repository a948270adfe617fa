//! What runs in a guest.

use super::{guests, image};
use model::{Params, ParamsError};
use vm::guest::os::Os;

/// What runs in a guest with these parameters, which are its own. The built-in guest is a Linux.
///
/// # Errors
/// Another word.
pub fn os(params: &Params) -> Result<Os, ParamsError> {
    if image(params).is_none() {
        return Ok(Os::Linux);
    }
    Ok(Os::parse(params.choice("guest_os", &Os::WORDS)?).unwrap_or(Os::Linux))
}

/// The system of a guest of the scenario: `vm1` is the server's, `vm2` the client's, except in a topology, in which all are Linux. Where there is no such guest it is
/// Linux.
///
/// # Errors
/// Parameters of the wrong kind.
pub fn os_of(params: &Params, guest: &str) -> Result<Os, ParamsError> {
    if params.get("scenario").is_some() && !guests(params)?.iter().any(|known| known == guest) {
        return Ok(Os::Linux);
    }
    os(&params.object_params(guest))
}
