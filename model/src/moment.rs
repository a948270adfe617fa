//! One instant.

use serde::{Deserialize, Serialize};
use std::time::SystemTime;

/// One instant on both clocks of the host, in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moment {
    /// CLOCK_REALTIME since the epoch.
    pub unix_ns: u64,
    /// CLOCK_MONOTONIC.
    pub mono_ns: u64,
}

impl Moment {
    /// Now.
    pub fn now() -> Moment {
        let mono = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
        let unix = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Moment {
            unix_ns: u64::try_from(unix.as_nanos()).unwrap_or(u64::MAX),
            mono_ns: (mono.tv_sec as u64).saturating_mul(1_000_000_000).saturating_add(mono.tv_nsec as u64),
        }
    }

    /// Seconds since the epoch.
    pub fn unix_seconds(&self) -> f64 {
        self.unix_ns as f64 * 1e-9
    }
}
