//! Parameters that describe no network.

use model::ParamsError;
use vm::guest::network::NetworkError;

/// Parameters that describe no network.
#[derive(Debug, thiserror::Error)]
pub enum LayoutError {
    /// One of them.
    #[error(transparent)]
    Params(Box<ParamsError>),
    /// All of them together.
    #[error(transparent)]
    Network(#[from] NetworkError),
}

impl From<ParamsError> for LayoutError {
    fn from(error: ParamsError) -> LayoutError {
        // It is large, and errors of everything above hold this one.
        LayoutError::Params(Box::new(error))
    }
}

/// What contradicts itself, or cannot be.
pub(super) fn refused(why: String) -> LayoutError {
    NetworkError::Refused(why).into()
}
