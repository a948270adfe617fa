//! What a configuration asks of a migration.

use crate::lab::Move;
use crate::parse::{bit_rate, duration};
use model::{Params, ParamsError};
use std::time::Duration;
use vm::guest::migration::{Migration, Mode, Route};

/// What is asked of a migration in a mode.
///
/// # Errors
/// The key that is wrong, and what would do.
pub(super) fn request(params: &Params, mode: &str) -> Result<Move, ParamsError> {
    if params.get("migrate_to").is_some_and(|to| !to.trim().is_empty()) {
        let wanted = "left out: a QEMU elsewhere is not handed what perfvt opens here (docs/migration.md)";
        return Err(params.wrong("migrate_to", wanted));
    }
    let mode = Mode::parse(mode).ok_or_else(|| params.wrong("migrate_mode", &Mode::WORDS.join(", ")))?;
    let (rate, delay) = (bit_rate(params, "migrate_bandwidth")?, duration(params, "migrate_delay")?);
    let (route, bandwidth) = match params.choice("migrate_uri", &["unix", "tcp"])? {
        "tcp" => (Route::Tcp { rate, delay }, 0),
        _ if !delay.is_zero() => {
            return Err(params.wrong("migrate_delay", "0, or migrate_uri=tcp beside it, which has a link"));
        }
        _ if mode == Mode::Multifd => {
            return Err(
                params.wrong("migrate_uri", "tcp, because multifd opens several connections to an address")
            );
        }
        _ => (Route::Unix, rate),
    };
    let seconds = |key: &str, least: f64| {
        let wanted = format!("seconds, {least} or more");
        let given: f64 = params.number(key, least, &wanted)?;
        if given.is_finite() && given <= 86_400.0 { Ok(given) } else { Err(params.wrong(key, &wanted)) }
    };
    let wanted = "connections, 1 to 64";
    let channels = params.number("migrate_channels", 1u32, wanted)?;
    if channels > 64 {
        return Err(params.wrong("migrate_channels", wanted));
    }
    params.number("dirty_mb", 1u32, "MB, 1 or more")?;
    let cancel_after = duration(params, "migrate_cancel_after")?;
    let other = params.get("migrate_qemu_binary").map(str::trim).filter(|other| !other.is_empty());
    Ok(Move {
        how: Migration {
            mode,
            route,
            bandwidth,
            downtime_limit: duration(params, "migrate_downtime_limit")?,
            channels,
            postcopy_after: params.number("postcopy_after", 0u64, "passes, 0 or more")?,
            limit: Duration::from_secs_f64(seconds("migrate_timeout", 0.1)?),
            cancel_after: (!cancel_after.is_zero()).then_some(cancel_after),
        },
        qemu: other.map(str::to_owned),
        watch: Duration::from_secs_f64(seconds("migrate_watch", 0.1)?),
    })
}
