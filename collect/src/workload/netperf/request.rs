//! What of a request netperf refuses.

use super::{MAX_SESSIONS, is_rr};
use model::{Origin, Params, ParamsError};

/// Numbers of sessions.
pub(super) fn session_counts(params: &Params, key: &str) -> Result<Vec<u32>, ParamsError> {
    let wanted = format!("numbers of sessions, such as '1 4', each at most {MAX_SESSIONS}");
    let counts = params.numbers(key, &wanted)?;
    if counts.iter().any(|n| *n > MAX_SESSIONS) {
        return Err(params.wrong(key, &wanted));
    }
    Ok(counts)
}

/// Sizes that the user chose for streams say nothing about requests: silence there would measure a matrix that nobody asked
/// for.
pub(super) fn check_rr(params: &Params) -> Result<(), ParamsError> {
    let Some(rr) = params.list("protocols")?.into_iter().find(|protocol| is_rr(protocol)) else {
        return Ok(());
    };
    for (key, rr_key) in [("sizes", "sizes_rr"), ("sessions", "sessions_rr")] {
        let asked = |key: &str| params.param(key).is_some_and(|param| param.origin != Origin::BuiltIn);
        if asked(key) && !asked(rr_key) {
            let wanted = format!(
                "{rr_key} beside it, because {key} is for streams and protocol {rr} takes {rr_key}; or leave {rr} out of \
                 protocols"
            );
            return Err(params.wrong(key, &wanted));
        }
    }
    Ok(())
}
