//! A window that is closed: whether its clocks went on as they should.

use super::{Failed, HostSample, Measured, Snapshot};
use model::{Code, Moment, Window};

/// The realtime clock may move against the monotonic one by this much in a window, or by a thousandth of it (NTP slews
/// by up to half of that); more is a jump.
const CLOCK_JUMP_NS: u64 = 50_000_000;

/// Nanoseconds that this host has been suspended for since it started: CLOCK_BOOTTIME counts them, CLOCK_MONOTONIC does
/// not (clock_gettime(2)).
pub(crate) fn time_asleep() -> u64 {
    let monotonic = Moment::now().mono_ns;
    let boot = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    let boot = (boot.tv_sec as u64).saturating_mul(1_000_000_000).saturating_add(boot.tv_nsec as u64);
    boot.saturating_sub(monotonic)
}

/// A host that slept in a window has moved its time of day as well, so sleep is looked for first.
fn clock_failure(len_ns: u64, unix_ns: u64, asleep_ns: u64) -> Option<Failed> {
    let seconds = |ns: u64| ns as f64 * 1e-9;
    if asleep_ns > CLOCK_JUMP_NS {
        let reason = format!("the host was suspended for {:.3} s within the window", seconds(asleep_ns));
        return Some(Failed::new(Code::HostSuspended, reason));
    }
    (unix_ns.abs_diff(len_ns) > CLOCK_JUMP_NS.max(len_ns / 1000)).then(|| {
        let reason = format!(
            "the clock jumped: the window took {:.3} s, the time of day moved by {:.3} s",
            seconds(len_ns),
            seconds(unix_ns)
        );
        Failed::new(Code::ClockJumped, reason)
    })
}

/// A window between two snapshots, in front of which this host had been suspended for so many nanoseconds ([`time_asleep`]).
pub(crate) fn closed(
    (start, end): (Snapshot, Snapshot),
    samples: Vec<HostSample>,
    interface: String,
    asleep: u64,
) -> Result<Measured, Failed> {
    let len_ns = end.at.mono_ns.saturating_sub(start.at.mono_ns);
    let unix_ns = end.at.unix_ns.saturating_sub(start.at.unix_ns);
    if let Some(failed) = clock_failure(len_ns, unix_ns, time_asleep().saturating_sub(asleep)) {
        return Err(failed);
    }
    let window = Window { start_unix_ns: start.at.unix_ns, mono_ns: start.at.mono_ns, len_ns };
    Ok(Measured { window, start, end, samples, interface })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_jumped_is_told_from_a_host_that_slept() {
        let code = |len: u64, unix: u64, asleep: u64| {
            let ms = 1_000_000;
            clock_failure(len * ms, unix * ms, asleep * ms).map(|f| f.code)
        };
        assert_eq!(code(10_000, 10_000, 0), None);
        assert_eq!(code(10_000, 10_040, 1), None, "NTP slews");
        assert_eq!(code(10_000, 9_900, 0), Some(Code::ClockJumped));
        assert_eq!(code(10_000, 3_600_000, 3_590_000), Some(Code::HostSuspended));
    }
}
