//! Moments, as flags say them, and who says something.

use crate::Error;
use analyze::history::moment;

/// A moment that a flag says.
pub(super) fn moment_of(flag: &str, text: Option<&String>) -> Result<Option<i64>, Error> {
    let Some(text) = text else { return Ok(None) };
    let at = moment(text).ok_or_else(|| {
        format!("{flag} {}: want 2026-11-29, 2026-11-29T22:00:00Z or seconds since 1970", edge::quoted(text))
    })?;
    Ok(Some(at))
}

/// Who says something: by a flag, else $USER.
pub(super) fn who(said: Option<&String>) -> String {
    said.cloned().or_else(|| std::env::var("USER").ok()).unwrap_or_else(|| "unknown".to_owned())
}
