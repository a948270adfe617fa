//! Why a setting is not taken.

/// Why a value was refused: the reason and what may have been meant.
pub(super) type Refusal = (String, Option<String>);
