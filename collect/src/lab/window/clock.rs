//! The guest's clock against the host's.

use crate::lab::Measured;

/// How far both clocks went in a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockRate {
    /// The guest's monotonic clock, nanoseconds.
    pub guest_ns: u64,
    /// The host's, nanoseconds.
    pub host_ns: u64,
    /// How uncertain that is: the guest reads its clock somewhere between question and answer.
    pub jitter_ns: u64,
}

/// Clocks that differ by more than this are not the same clock any more.
const TOLERANCE: f64 = 1e-3;

impl ClockRate {
    /// The clocks of a window; nothing when the guest did not tell its own.
    pub fn of(measured: &Measured) -> Option<ClockRate> {
        let now = |snapshot: &crate::lab::Snapshot| snapshot.guest.clock.now_ns;
        let guest_ns = now(&measured.end)?.checked_sub(now(&measured.start)?)?;
        // Both readings are bounded on the host's side by when the question was put and when the answer was there.
        let middle = |snapshot: &crate::lab::Snapshot| {
            Some((
                snapshot.asked_ns?.checked_add(snapshot.heard_ns?)? / 2,
                snapshot.heard_ns?.checked_sub(snapshot.asked_ns?)?,
            ))
        };
        let ((start, a), (end, b)) = (middle(&measured.start)?, middle(&measured.end)?);
        Some(ClockRate { guest_ns, host_ns: end.checked_sub(start)?, jitter_ns: a.saturating_add(b) / 2 })
    }

    /// The guest's rate less the host's, as a part of the host's.
    pub fn difference(&self) -> f64 {
        (self.guest_ns as f64 - self.host_ns as f64) / (self.host_ns as f64).max(1.0)
    }

    /// The same in parts of a million, and how far from it the truth may lie: question and answer bound both readings. `None` in a
    /// window without length.
    pub fn drift_ppm(&self) -> Option<(f64, f64)> {
        let host = self.host_ns as f64;
        (self.host_ns > 0).then(|| (1e6 * self.difference(), 1e6 * self.jitter_ns as f64 / host))
    }

    /// What is wrong with the guest's clock, beyond what the readings' own jitter explains.
    pub fn trouble(&self) -> Option<String> {
        let off = self.guest_ns.abs_diff(self.host_ns).saturating_sub(self.jitter_ns) as f64;
        (off > TOLERANCE * self.host_ns as f64).then(|| {
            format!(
                "the guest's clock went {:+.2} % against the host's in the window ({:.3} s and {:.3} s, read within {:.1} ms)",
                100.0 * self.difference(),
                self.guest_ns as f64 * 1e-9,
                self.host_ns as f64 * 1e-9,
                self.jitter_ns as f64 * 1e-6
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_is_wrong_only_beyond_a_thousandth_and_the_jitter() {
        let rate = |guest_ms: u64, jitter_ms: u64| ClockRate {
            guest_ns: guest_ms * 1_000_000,
            host_ns: 1_000_000_000,
            jitter_ns: jitter_ms * 1_000_000,
        };
        assert_eq!(rate(1001, 0).trouble(), None);
        assert_eq!(rate(995, 4).trouble(), None);
        assert!(rate(995, 3).trouble().unwrap().contains("-0.50 %"));
        assert!(rate(1020, 5).trouble().is_some());
    }

    #[test]
    fn a_drift_has_its_uncertainty_beside_it() {
        let rate = |guest_ns, jitter_ns| ClockRate { guest_ns, host_ns: 2_000_000_000, jitter_ns };
        assert_eq!(rate(2_000_100_000, 30_000).drift_ppm(), Some((50.0, 15.0)));
        let (drift, uncertainty) = rate(1_999_990_000, 0).drift_ppm().unwrap();
        assert!((drift + 5.0).abs() < 1e-9 && uncertainty == 0.0);
        assert_eq!(ClockRate { guest_ns: 1, host_ns: 0, jitter_ns: 1 }.drift_ppm(), None);
    }
}
